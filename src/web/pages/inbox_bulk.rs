//! Changing many conversations at once: the confirmation with its numbers, and the start of the job (C-8, C-9).

use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

use super::conversation::{list_of, safe_back};
use super::inbox::list::fields;
use super::inbox::read::{self, Asker};
use super::inbox::words;
use super::job_words;
use crate::actions::{self, bulk::Picked};
use crate::domain::access::conversations as may;
use crate::domain::assignment::{Target, may_receive};
use crate::domain::bulk::BulkRefusal;
use crate::domain::conversations::Status;
use crate::domain::inbox::Address;
use crate::domain::text::{counted, grouped};
use crate::failure::{Failure, Refusal};
use crate::store::{self, Rx};
use crate::web::error::WebError;
use crate::web::extract::{Form, May, Query, Viewer};
use crate::web::reply::{Reply, dialog_in, done};
use crate::web::views::chrome::{Section, form_token};

/// What is selected, and what is to be done with it.
#[derive(Clone, Debug, Deserialize, Default)]
#[serde(default)]
pub struct BulkForm {
    action: String,
    target: String,
    conversation: Vec<String>,
    scope: String,
    expected: String,
    submission: String,
    back: String,
    #[serde(flatten)]
    filter: Address,
}

impl BulkForm {
    fn is_matching(&self) -> bool {
        self.scope == "matching"
    }

    /// The numbers of the rows, each once.
    fn numbers(&self) -> Result<Vec<i64>, WebError> {
        let numbers = self.conversation.iter().map(|number| number.parse().map_err(|_| WebError::NotFound));
        let mut numbers = numbers.collect::<Result<Vec<i64>, _>>()?;
        numbers.sort_unstable();
        numbers.dedup();
        Ok(numbers)
    }
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
    target: String,
    numbers: Vec<i64>,
    matching: bool,
    expected: i64,
    fields: Vec<(&'static str, String)>,
    submission: String,
}

/// Asks, with the numbers, before many conversations change hands. Nothing is changed by asking.
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
    let confirm = viewer
        .read(move |rx| {
            let (count, selection) = selected(rx, &asker, &asked, &numbers)?;
            let target = Target::parse(&asked.target);
            let to = describe(rx, &asker, target, count)?;
            let problem = problem.or_else(|| refusal(count, target));
            Ok(Confirm {
                csrf,
                title: to.title,
                selection,
                warning: to.warning,
                button: if problem.is_some() { String::new() } else { to.button },
                problem,
                back: safe_back(&asked.back).unwrap_or("/inbox").to_owned(),
                target: asked.target.clone(),
                matching: asked.is_matching(),
                expected: count,
                fields: if asked.is_matching() { fields(&asked.filter.from_start()) } else { Vec::new() },
                numbers: if asked.is_matching() { Vec::new() } else { numbers },
                submission,
            })
        })
        .await?;
    let status = if confirm.problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { status };
    let title = confirm.title.clone();
    dialog_in(viewer, status, &title, "sm", Section::Inbox, &confirm)
}

fn refusal(count: i64, target: Option<Target>) -> Option<String> {
    match target {
        _ if count == 0 => Some(BulkRefusal::NothingSelected.to_string()),
        None => Some(BulkRefusal::NoTarget.to_string()),
        Some(_) => None,
    }
}

/// How many are selected, and which in words.
fn selected(rx: &mut Rx, asker: &Asker, form: &BulkForm, numbers: &[i64]) -> Result<(i64, String), Failure> {
    if !form.is_matching() {
        let count = i64::try_from(numbers.len()).unwrap_or(i64::MAX);
        let verb = if count == 1 { "is" } else { "are" };
        return Ok((count, format!("{} {verb} selected.", counted(count, "conversation", "conversations"))));
    }
    let filter = read::request(asker, &form.filter)?.filter;
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

/// The target in words.
struct To {
    title: String,
    warning: Option<String>,
    button: String,
}

fn describe(rx: &mut Rx, asker: &Asker, target: Option<Target>, count: i64) -> Result<To, Failure> {
    let number = counted(count, "conversation", "conversations");
    let short = grouped(count);
    Ok(match target {
        None => To { title: "Assign conversations".to_owned(), warning: None, button: String::new() },
        Some(Target::Nobody) => To {
            title: format!("Unassign {number}?"),
            warning: Some("They’ll wait under “Unassigned” until someone takes them.".to_owned()),
            button: format!("Unassign {short}"),
        },
        Some(Target::Team(team)) => {
            let name = store::teams::find(rx, team)?.ok_or(Failure::NotFound)?.name;
            To {
                title: format!("Move {number} to {name}?"),
                warning: Some(format!("They’ll wait in the queue of {name}, held by nobody in particular.")),
                button: format!("Move {short}"),
            }
        }
        Some(Target::User(user)) => {
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
            To {
                title: format!("Assign {number} to {name}?"),
                warning: Some(warning),
                button: format!("Reassign {short}"),
            }
        }
    })
}

/// Starts the change; a small one is done when the answer comes.
///
/// # Errors
/// [`WebError::NotFound`] if something is named that is not here, or trouble with the database.
pub async fn create(may: May<may::Bulk>, Form(form): Form<BulkForm>) -> Reply {
    let May { viewer, can } = may;
    if form.action != "assign" {
        return Err(WebError::BadForm("Many conversations at once can only be assigned."));
    }
    let request = match request(&viewer, &form).await {
        Ok(request) => request,
        Err(WebError::Failure(Failure::Refused(refusal))) => return refused(&viewer, form, &refusal).await,
        Err(other) => return Err(other),
    };
    let started = match viewer.write(move |tx| actions::bulk::start(tx, &can, &request)).await {
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

/// What the form asks for.
async fn request(viewer: &Viewer, form: &BulkForm) -> Result<actions::bulk::Request, WebError> {
    let target = Target::parse(&form.target).ok_or(Failure::from(BulkRefusal::NoTarget))?;
    let picked = if form.is_matching() {
        let asker = Asker::new(viewer);
        let filter = read::request(&asker, &form.filter)?.filter;
        let named = filter.clone();
        viewer
            .read(move |rx| {
                read::check(&named, &asker.named)?;
                let contact = named.contact.map(|id| store::contacts::find(rx, id)).transpose()?;
                if contact.is_some_and(|found| found.is_none()) { Err(Failure::NotFound) } else { Ok(()) }
            })
            .await?;
        Picked::Matching { filter: Box::new(filter), expected: form.expected.parse().ok() }
    } else {
        let numbers = form.numbers()?;
        if numbers.is_empty() {
            return Err(Failure::from(BulkRefusal::NothingSelected).into());
        }
        Picked::Numbers(numbers)
    };
    // Without a word of its own each posting is a submission of its own.
    let submission = crate::domain::text::shorten(&crate::domain::text::one_line(&form.submission), 100);
    let fresh = || viewer.db().new_secret().reveal().to_owned();
    let submission = if submission.is_empty() { fresh() } else { submission };
    Ok(actions::bulk::Request { picked, target, submission })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_filter_are_read_from_one_form() {
        let form: BulkForm =
            serde_html_form::from_str("conversation=3&conversation=1&conversation=3&target=none&back=%2Finbox")
                .unwrap();
        assert_eq!(form.numbers().unwrap(), [1, 3]);
        assert!(!form.is_matching());
        let all = "scope=matching&expected=12&view=mine&q=a+b&priority=high&target=none";
        let form: BulkForm = serde_html_form::from_str(all).unwrap();
        assert!(form.is_matching());
        assert_eq!(form.filter.query(), "view=mine&priority=high&q=a+b");
        assert!(form.numbers().unwrap().is_empty());
        let bad: BulkForm = serde_html_form::from_str("conversation=x").unwrap();
        assert!(bad.numbers().is_err());
    }
}
