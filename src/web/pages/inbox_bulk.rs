//! Changing many conversations at once: the confirmation with its numbers, and the start of the job (C-8, C-9).

use actix_web::http::StatusCode;
use askama::Template;

use super::conversation::{list_of, safe_back};
use super::inbox::list::fields;
use super::inbox::read::{self, Asker};
use super::inbox::words;
use super::inbox_bulk_form::{BulkForm, Wanted};
use super::job_words;
use crate::actions::{self, bulk::Picked};
use crate::domain::access::conversations as may;
use crate::domain::assignment::{Target, may_receive};
use crate::domain::bulk::BulkRefusal;
use crate::domain::bulk_change::Change;
use crate::domain::conversations::{Status, StatusChange};
use crate::domain::ids::TeamId;
use crate::domain::text::{counted, grouped};
use crate::failure::{Failure, Refusal};
use crate::store::{self, Rx};
use crate::web::error::WebError;
use crate::web::extract::{Form, May, Query, Viewer};
use crate::web::reply::{Reply, dialog_in, done};
use crate::web::views::chrome::{Section, form_token};
use crate::web::views::person::PersonView;
use crate::web::views::time::Times;

/// Something that is still to be typed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Asks {
    Tag,
    Time,
}

/// Somebody's share of what is spread.
struct Share {
    person: Option<PersonView>,
    count: String,
}

#[derive(Template)]
#[template(path = "partials/bulk_confirm.html")]
struct Confirm {
    csrf: String,
    title: String,
    selection: String,
    warning: Option<String>,
    problem: Option<String>,
    button: String,
    back: String,
    action: String,
    /// The value, unless it is still to be typed.
    value: Option<String>,
    asks: Option<Asks>,
    typed: String,
    /// Tags that can be chosen; times that can be typed at the earliest, and in which zone.
    tags: Vec<String>,
    earliest: String,
    zone: String,
    shares: Vec<Share>,
    numbers: Vec<i64>,
    matching: bool,
    expected: i64,
    fields: Vec<(&'static str, String)>,
    submission: String,
}

/// Asks, with the numbers, before many conversations are changed. Nothing is changed by asking.
///
/// # Errors
/// [`WebError::NotFound`] if something is named that is not here, or trouble with the database.
pub async fn confirm(may: May<may::Bulk>, Query(form): Query<BulkForm>) -> Reply {
    ask(&may.viewer, StatusCode::OK, form, None).await
}

async fn ask(viewer: &Viewer, status: StatusCode, form: BulkForm, problem: Option<String>) -> Reply {
    let asker = Asker::new(viewer);
    let numbers = form.numbers()?;
    let (asked, csrf) = (form.clone(), form_token(&viewer.req));
    let submission = viewer.db().new_secret().reveal().to_owned();
    let allowed = viewer.known.person.permissions;
    let confirm = viewer
        .read(move |rx| {
            let filter = asked.filter();
            let (count, selection) = selected(rx, &asker, &asked, &numbers)?;
            let wanted = asked.wanted(&asker.named, asker.now, asker.zone);
            let (action, value) = asked.parts();
            let asks = match action {
                "add_tag" | "remove_tag" => Some(Asks::Tag),
                "snooze" => Some(Asks::Time),
                _ => None,
            };
            // What was not typed yet is asked for; what is wrong is said.
            let asks = asks.filter(|_| wanted.is_err());
            let not_yet = asks.is_some() && value.is_empty() && problem.is_none();
            let refused = match &wanted {
                _ if count == 0 => Some(BulkRefusal::NothingSelected),
                Ok(Wanted::Change(change)) if change.needs().is_some_and(|key| !allowed.has(key)) => {
                    Some(BulkRefusal::NotAllowed)
                }
                Err(refusal) if !not_yet => Some(refusal.clone()),
                _ => None,
            };
            let problem = problem.or_else(|| refused.map(|refusal| refusal.to_string()));
            let to = describe(rx, &asker, (action, &wanted), count)?;
            let shares = match &wanted {
                Ok(Wanted::Change(Change::Spread(team))) => shares(rx, &asker, &asked, &numbers, *team)?,
                _ => Vec::new(),
            };
            let usable = problem.is_none() || (asks.is_some() && count > 0);
            Ok(Confirm {
                csrf,
                title: to.title,
                selection,
                warning: to.warning,
                button: if usable { to.button } else { String::new() },
                problem,
                back: safe_back(&asked.back).unwrap_or("/inbox").to_owned(),
                action: action.to_owned(),
                value: asks.is_none().then(|| value.to_owned()),
                typed: value.to_owned(),
                asks,
                tags: asker.named.tags.iter().map(|(_, name)| name.clone()).collect(),
                earliest: asker.now.with_timezone(&asker.zone).format("%Y-%m-%dT%H:%M").to_string(),
                zone: asker.zone.name().to_owned(),
                shares,
                matching: asked.is_matching(),
                expected: count,
                fields: if asked.is_matching() { fields(&filter.from_start()) } else { Vec::new() },
                numbers: if asked.is_matching() { Vec::new() } else { numbers },
                submission,
            })
        })
        .await?;
    let status = if confirm.problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { status };
    let title = confirm.title.clone();
    dialog_in(viewer, status, &title, "sm", Section::Inbox, &confirm)
}

/// How many are selected, and which in words.
fn selected(rx: &mut Rx, asker: &Asker, form: &BulkForm, numbers: &[i64]) -> Result<(i64, String), Failure> {
    if !form.is_matching() {
        let count = i64::try_from(numbers.len()).unwrap_or(i64::MAX);
        let verb = if count == 1 { "is" } else { "are" };
        return Ok((count, format!("{} {verb} selected.", counted(count, "conversation", "conversations"))));
    }
    let filter = read::request(asker, &form.filter())?.filter;
    read::check(&filter, &asker.named)?;
    let contact = match filter.contact {
        Some(id) => Some(store::contacts::find(rx, id)?.ok_or(Failure::NotFound)?.name),
        None => None,
    };
    let counts = read::counts(rx, &filter, &asker.sees)?;
    let count = read::total(rx, &filter, &asker.sees, &counts, &asker.named.inactive)?;
    let sentence = words::sentence(&filter, &asker.named, contact.as_deref());
    let which = if count == 1 { "The 1 conversation that is" } else { "All conversations that are" };
    Ok((count, format!("{which} {sentence}.")))
}

/// Who would get how many.
fn shares(rx: &mut Rx, asker: &Asker, form: &BulkForm, numbers: &[i64], team: TeamId) -> Result<Vec<Share>, Failure> {
    let filter = if form.is_matching() { Some(read::request(asker, &form.filter())?.filter) } else { None };
    let loose = store::bulk_changes::list_loose(rx, filter.as_ref(), numbers, &asker.sees)?;
    let (people, left) = actions::spreading::shares(&actions::spreading::deal(rx, team, &loose)?);
    let share = |person, count: i64| Share { person, count: format!("+{}", grouped(count)) };
    let mut shares: Vec<Share> =
        people.into_iter().map(|(user, count)| share(Some(asker.named.people.get(user)), count)).collect();
    if left > 0 {
        shares.push(share(None, left));
    }
    Ok(shares)
}

/// The change in words.
struct To {
    title: String,
    warning: Option<String>,
    button: String,
}

fn describe(
    rx: &mut Rx,
    asker: &Asker,
    (action, wanted): (&str, &Result<Wanted, BulkRefusal>),
    count: i64,
) -> Result<To, Failure> {
    let number = counted(count, "conversation", "conversations");
    let short = grouped(count);
    let to = |title: String, button: &str, warning: Option<&str>| To {
        title,
        button: button.to_owned(),
        warning: warning.map(str::to_owned),
    };
    let change = match wanted {
        Ok(Wanted::Change(change)) => *change,
        Ok(Wanted::NewTag(name)) => {
            return Ok(to(
                format!("Add the tag “{name}” to {number}?"),
                &format!("Tag {short}"),
                Some("This tag is new."),
            ));
        }
        Err(_) => {
            return Ok(match action {
                "add_tag" => to(format!("Add a tag to {number}"), "Add tag", None),
                "remove_tag" => to(format!("Take a tag off {number}"), "Remove tag", None),
                "snooze" => to(format!("Snooze {number}"), "Snooze", None),
                "assign" => to("Assign conversations".to_owned(), "", None),
                _ => to("Change conversations".to_owned(), "", None),
            });
        }
    };
    let target = job_words::target_words(Some(change), &asker.named);
    Ok(match change {
        Change::Assign(Target::User(_)) => describe_person(rx, asker, change, (count, &number))?,
        Change::Assign(Target::Nobody) => to(
            format!("Unassign {number}?"),
            &format!("Unassign {short}"),
            Some("They’ll wait under “Unassigned” until someone takes them."),
        ),
        Change::Assign(Target::Team(team)) | Change::Move(team) => {
            store::teams::find(rx, team)?.ok_or(Failure::NotFound)?;
            let waits = format!("They’ll wait in the queue of {target}, held by nobody in particular.");
            to(format!("Move {number} to {target}?"), &format!("Move {short}"), Some(&waits))
        }
        Change::Spread(team) => {
            store::teams::find(rx, team)?.ok_or(Failure::NotFound)?;
            let rule = "Each goes to whoever in the team holds least and is a member of its channel. What nobody can \
                take stays in the team’s queue.";
            to(format!("Spread {number} over {target}?"), &format!("Spread {short}"), Some(rule))
        }
        Change::Status(StatusChange::Open) => {
            to(format!("Open {number} again?"), &format!("Open {short}"), Some("Those that are open stay as they are."))
        }
        Change::Status(StatusChange::Close) => {
            to(format!("Close {number}?"), &format!("Close {short}"), Some("One opens again when its contact writes."))
        }
        Change::Status(StatusChange::Archive) => to(
            format!("Archive {number}?"),
            &format!("Archive {short}"),
            Some("Archived conversations stay settled: a new message from the contact starts a new one."),
        ),
        Change::Status(StatusChange::Snooze(until)) => {
            let until = Times::new(asker.now, asker.zone).full(until).inside().text;
            let until = format!("Until {until}, or until the contact writes.");
            to(format!("Snooze {number}?"), &format!("Snooze {short}"), Some(&until))
        }
        Change::Wake => {
            to(format!("Wake {number}?"), &format!("Wake {short}"), Some("Those that aren’t snoozed stay as they are."))
        }
        Change::AddTag(_) => to(format!("Add the tag “{target}” to {number}?"), &format!("Tag {short}"), None),
        Change::RemoveTag(_) => to(format!("Take the tag “{target}” off {number}?"), "Remove tag", None),
        Change::Priority(_) => to(format!("Set {number} to {target} priority?"), &format!("Change {short}"), None),
    })
}

fn describe_person(rx: &mut Rx, asker: &Asker, change: Change, (count, number): (i64, &str)) -> Result<To, Failure> {
    let Change::Assign(Target::User(user)) = change else { return Err(Failure::Bug("no person")) };
    let named = &asker.named;
    if !named.everybody.iter().any(|one| one.id == user) {
        return Err(Failure::NotFound);
    }
    let name = named.people.get(user).name;
    let candidate = store::users::find_candidate(rx, user)?.ok_or(Failure::NotFound)?;
    let open = store::counts::find(rx, &[Status::Open], &asker.sees)?.by_person(Status::Open);
    let open = open.get(&user).copied().unwrap_or(0);
    let warning = match may_receive(&candidate) {
        Ok(()) => format!("{name} has {} now.", counted(open, "open conversation", "open conversations")),
        Err(refusal) => refusal.to_string(),
    };
    Ok(To {
        title: format!("Assign {number} to {name}?"),
        warning: Some(warning),
        button: format!("Reassign {}", grouped(count)),
    })
}

/// Starts the change; a small one is done when the answer comes.
///
/// # Errors
/// [`WebError::NotFound`] if something is named that is not here, or trouble with the database.
pub async fn create(may: May<may::Bulk>, Form(form): Form<BulkForm>) -> Reply {
    let May { viewer, can } = may;
    let asker = Asker::new(&viewer);
    let wanted = match form.wanted(&asker.named, asker.now, asker.zone) {
        Ok(wanted) => wanted,
        Err(refusal) => return refused(&viewer, form, &refusal.into()).await,
    };
    let picked = match picked(&viewer, &asker, &form).await {
        Ok(picked) => picked,
        Err(WebError::Failure(Failure::Refused(refusal))) => return refused(&viewer, form, &refusal).await,
        Err(other) => return Err(other),
    };
    // Without a word of its own each posting is a submission of its own.
    let submission = form.submission();
    let submission = if submission.is_empty() { viewer.db().new_secret().reveal().to_owned() } else { submission };
    let started = viewer
        .write(move |tx| match &wanted {
            Wanted::Change(change) => {
                let (picked, change, submission) = (picked.clone(), *change, submission.clone());
                actions::bulk::start(tx, &can, &actions::bulk::Request { picked, change, submission })
            }
            Wanted::NewTag(name) => actions::bulk::start_new_tag(tx, &can, picked.clone(), name, &submission),
        })
        .await;
    let started = match started {
        Ok(started) => started,
        Err(Failure::Refused(refusal)) => return refused(&viewer, form, &refusal).await,
        Err(other) => return Err(other.into()),
    };
    job_words::go_on(&viewer, started.job).await?;
    let notice = job_words::notice(&viewer, started.job).await?;
    let back = safe_back(&form.back).map_or_else(|| words::href(&list_of(&form.back)), str::to_owned);
    done(&viewer, &back, notice)
}

async fn refused(viewer: &Viewer, form: BulkForm, refusal: &Refusal) -> Reply {
    ask(viewer, StatusCode::UNPROCESSABLE_ENTITY, form, Some(refusal.to_string())).await
}

/// Which conversations the form means.
async fn picked(viewer: &Viewer, asker: &Asker, form: &BulkForm) -> Result<Picked, WebError> {
    if !form.is_matching() {
        let numbers = form.numbers()?;
        if numbers.is_empty() {
            return Err(Failure::from(BulkRefusal::NothingSelected).into());
        }
        return Ok(Picked::Numbers(numbers));
    }
    let filter = read::request(asker, &form.filter())?.filter;
    let (named, of) = (filter.clone(), asker.named.clone());
    viewer
        .read(move |rx| {
            read::check(&named, &of)?;
            let contact = named.contact.map(|id| store::contacts::find(rx, id)).transpose()?;
            if contact.is_some_and(|found| found.is_none()) { Err(Failure::NotFound) } else { Ok(()) }
        })
        .await?;
    Ok(Picked::Matching { filter: Box::new(filter), expected: form.expected.parse().ok() })
}
