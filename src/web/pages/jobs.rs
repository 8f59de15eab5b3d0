//! Bulk jobs: going on with one, its progress, its page, undoing it (C-8 … C-10).

use actix_web::HttpResponse;
use actix_web::http::header::HeaderValue;
use askama::Template;
use serde::Deserialize;

use super::conversation::safe_back;
use super::inbox::read::Named;
use super::inbox::words;
use crate::actions;
use crate::domain::access::{Cause, Key, Scope, conversations as may};
use crate::domain::assignment::Target;
use crate::domain::bulk::Outcome;
use crate::domain::ids::{JobId, TeamId, UserId};
use crate::domain::text::{counted, grouped};
use crate::failure::Failure;
use crate::store::bulk_jobs::{self, Item, Job, Origin};
use crate::store::{self, Rx};
use crate::web::error::WebError;
use crate::web::extract::{Empty, Form, Id, May, Query, Viewer};
use crate::web::reply::{Notice, Reply, done, page};
use crate::web::views::chrome::{Section, form_token};
use crate::web::views::person::PersonView;
use crate::web::views::time::{TimeView, Times};

/// Chunks that are done while somebody waits for the answer.
const INLINE: usize = 2;
/// For how long an empty list is explained by what was done.
const LATELY: chrono::TimeDelta = chrono::TimeDelta::minutes(10);
/// Items of a page.
const ITEMS: usize = 50;

/// Does the first chunks of a job at once, so that a small one is done in the answer; the rest is done in the
/// background, which goes on wherever this ends.
///
/// # Errors
/// Trouble with the database.
pub(super) async fn go_on(viewer: &Viewer, job: JobId) -> Result<(), WebError> {
    let scope = Scope { cause: Some(Cause::Job(job)), ..viewer.scope().clone() };
    for _ in 0..INLINE {
        if viewer.db().write(&scope, move |tx| actions::bulk::run_chunk(tx, job)).await?.ended {
            return Ok(());
        }
    }
    viewer.app.wake.now();
    Ok(())
}

/// A job with the words of who and what it is about.
struct Told {
    job: Job,
    undone_by: Option<JobId>,
    target: String,
    named: Named,
}

fn tell(rx: &mut Rx, named: Named, id: JobId) -> Result<Told, Failure> {
    let job = bulk_jobs::find(rx, id)?.ok_or(Failure::NotFound)?;
    let target = match job.target {
        Some(Target::User(user)) => named.people.get(user).name,
        Some(Target::Team(team)) => named.team(team).unwrap_or("a team that is gone").to_owned(),
        Some(Target::Nobody) | None => String::new(),
    };
    Ok(Told { undone_by: bulk_jobs::find_undo_of(rx, id)?, job, target, named })
}

/// What a job did, in one sentence.
fn sentence(told: &Told) -> String {
    sentence_of(&told.job, &told.target)
}

fn sentence_of(job: &Job, target: &str) -> String {
    let moved = counted(job.done, "conversation", "conversations");
    let mut said = match (job.origin, job.target) {
        _ if job.done == 0 => "Nothing was changed".to_owned(),
        (Origin::Undo(_), _) if job.done == 1 => "1 conversation is back where it was".to_owned(),
        (Origin::Undo(_), _) => format!("{moved} are back where they were"),
        (_, Some(Target::User(_))) => format!("{moved} reassigned to {target}"),
        (_, Some(Target::Team(_))) => format!("{moved} moved to {target}"),
        (_, Some(Target::Nobody)) => format!("{moved} unassigned"),
        (_, None) => format!("{moved} handed over as planned"),
    };
    if job.skipped > 0 {
        said.push_str(&format!(
            ". {} left as {}",
            grouped(job.skipped),
            if job.skipped == 1 { "it was" } else { "they were" }
        ));
    }
    said.push_str(&surprise(job));
    said
}

/// What differs from the number that was confirmed, if anything does (C-9).
fn surprise(job: &Job) -> String {
    match job.expected.filter(|_| !matches!(job.origin, Origin::Undo(_))).map(|expected| job.total - expected) {
        None | Some(0) => String::new(),
        Some(more @ 1..) => format!(". {} more matched by then", grouped(more)),
        Some(fewer) => format!(". {} fewer matched by then", grouped(-fewer)),
    }
}

/// What a running job is at, in one sentence.
fn progress_sentence(told: &Told) -> String {
    let job = &told.job;
    let (done, total) = (grouped(job.done + job.skipped), grouped(job.total));
    match (job.origin, job.target) {
        (Origin::Undo(_), _) => format!("Putting back {done} of {total}"),
        (_, Some(Target::User(_))) => format!("Reassigning {done} of {total} to {}", told.target),
        (_, Some(Target::Team(_))) => format!("Moving {done} of {total} to {}", told.target),
        (_, Some(Target::Nobody)) => format!("Unassigning {done} of {total}"),
        (_, None) => format!("Handing over {done} of {total}"),
    }
}

/// What the next page says about a job: what it did, or that it is running.
///
/// # Errors
/// [`WebError::NotFound`], or trouble with the database.
pub(super) async fn notice(viewer: &Viewer, id: JobId) -> Result<Notice, WebError> {
    let named = Named::new(viewer.known.roster.clone());
    let told = viewer.read(move |rx| tell(rx, named, id)).await?;
    let address = format!("/jobs/{id}");
    if told.job.finished_at.is_none() {
        return Ok(Notice::new(progress_sentence(&told)).link("Details", address.clone()).progress(&address));
    }
    let undo = actions::bulk::may_undo(&told.job, told.undone_by, viewer.db().now()).is_ok() && told.job.done > 0;
    let notice = Notice::new(sentence(&told)).link("Details", address.clone());
    Ok(if undo { notice.post("Undo", format!("{address}/undo")) } else { notice })
}

/// A job that took something from a person, on that person's page.
pub(super) struct Handed {
    /// What it did.
    pub sentence: String,
    /// When.
    pub at: TimeView,
    /// Its page.
    pub address: String,
    /// Whether it can be undone here.
    pub undo: bool,
}

/// The latest jobs that took something from a person: so many.
const HANDED: i64 = 5;

/// What was taken from a person, newest first.
///
/// # Errors
/// Trouble with the database.
pub(super) fn handed(rx: &mut Rx, user: UserId, times: &Times) -> Result<Vec<Handed>, Failure> {
    let jobs = bulk_jobs::list_from(rx, user, HANDED)?;
    let undone = bulk_jobs::list_undos_of(rx, &jobs.iter().map(|job| job.id).collect::<Vec<_>>())?;
    let to = |job: &Job| if let Some(Target::User(user)) = job.target { Some(user) } else { None };
    let people = store::users::list_briefs(rx, &jobs.iter().filter_map(to).collect::<Vec<_>>())?;
    let people = crate::web::views::person::People::new(&people);
    let teams = store::teams::list(rx)?;
    let now = rx.now();
    Ok(jobs
        .iter()
        .map(|job| {
            let target = match job.target {
                Some(Target::User(user)) => people.get(user).name,
                Some(Target::Team(team)) => teams
                    .iter()
                    .find(|one| one.id == team)
                    .map_or_else(|| "a team that is gone".to_owned(), |one| one.name.clone()),
                Some(Target::Nobody) | None => String::new(),
            };
            let by = undone.get(&job.id).copied();
            let mut sentence = sentence_of(job, &target);
            if by.is_some() {
                sentence.push_str(", and undone");
            }
            Handed {
                sentence,
                at: times.full(job.created_at),
                address: format!("/jobs/{}", job.id),
                undo: job.done > 0 && actions::bulk::may_undo(job, by, now).is_ok(),
            }
        })
        .collect())
}

/// What somebody just did to many conversations, if they did: the words and the job's address. A list that is empty now
/// may be so because of that.
///
/// # Errors
/// Trouble with the database.
pub(super) fn lately(rx: &mut Rx, who: UserId, named: &Named) -> Result<Option<(String, String)>, Failure> {
    let since = rx.now() - LATELY;
    let Some(job) = bulk_jobs::find_latest_of(rx, who, since)? else { return Ok(None) };
    let target = match job.target {
        Some(Target::User(user)) => named.people.get(user).name,
        Some(Target::Team(team)) => named.team(team).unwrap_or("a team that is gone").to_owned(),
        Some(Target::Nobody) | None => String::new(),
    };
    Ok(Some((sentence_of(&job, &target), format!("/jobs/{}", job.id))))
}

/// The same after something else was done that started the job: both are said. A small job is done when the answer comes.
///
/// # Errors
/// [`WebError::NotFound`], or trouble with the database.
pub(super) async fn notice_after(viewer: &Viewer, id: JobId, first: &str) -> Result<Notice, WebError> {
    if !viewer.known.person.permissions.has(Key::ConversationsBulk) {
        // They may hand work over, and not look at jobs.
        return Ok(Notice::new(format!("{first} What they hold is being moved.")));
    }
    go_on(viewer, id).await?;
    let said = notice(viewer, id).await?;
    Ok(Notice { text: format!("{first} {}.", said.text), ..said })
}

#[derive(Template)]
#[template(path = "partials/job_toast.html")]
struct JobToast {
    csrf: String,
    address: String,
    sentence: String,
    running: bool,
    done: i64,
    total: i64,
    undo: bool,
}

/// How far a job is: the notice that asks for itself again until it is done.
///
/// # Errors
/// [`WebError::NotFound`], or trouble with the database.
pub async fn progress(may: May<may::Bulk>, id: Id<JobId>) -> Reply {
    let May { viewer, .. } = may;
    let id = id.0;
    let named = Named::new(viewer.known.roster.clone());
    let told = viewer.read(move |rx| tell(rx, named, id)).await?;
    let running = told.job.finished_at.is_none();
    let toast = JobToast {
        csrf: form_token(&viewer.req),
        address: format!("/jobs/{id}"),
        sentence: if running { progress_sentence(&told) } else { sentence(&told) },
        running,
        done: told.job.done + told.job.skipped,
        total: told.job.total,
        undo: told.job.done > 0 && actions::bulk::may_undo(&told.job, told.undone_by, viewer.db().now()).is_ok(),
    };
    let mut res = HttpResponse::Ok().content_type("text/html; charset=utf-8").body(toast.render()?);
    if !running {
        // The list beside it is no longer true.
        let name = actix_web::http::header::HeaderName::from_static("hx-trigger");
        res.headers_mut().insert(name, HeaderValue::from_static("baton:refresh"));
    }
    Ok(res)
}

/// Which items of a job are listed.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct JobQuery {
    outcome: String,
    after: i64,
}

/// Who held something, or is to hold it.
struct Holder {
    person: Option<PersonView>,
    text: String,
}

struct ItemRow {
    number: i64,
    subject: String,
    from: Holder,
    to: Holder,
    outcome: &'static str,
    changed: bool,
}

struct OutcomeTab {
    label: String,
    count: String,
    href: String,
    current: bool,
}

#[derive(Template)]
#[template(path = "pages/job.html")]
struct JobPage {
    csrf: String,
    address: String,
    here: String,
    title: String,
    running: bool,
    progress: String,
    done: i64,
    total: i64,
    started_by: Option<PersonView>,
    started_at: TimeView,
    finished_at: Option<TimeView>,
    origin: String,
    former: Option<PersonView>,
    selection: String,
    numbers: Vec<(&'static str, String)>,
    surprise: String,
    may_undo: bool,
    why_not: Option<String>,
    undo_until: TimeView,
    undoes: Option<String>,
    undone_by: Option<String>,
    tabs: Vec<OutcomeTab>,
    items: Vec<ItemRow>,
    next: Option<String>,
}

/// A job: what, who, when, how many, and what became of each (C-8, X-5).
///
/// # Errors
/// [`WebError::NotFound`], or trouble with the database.
pub async fn show(may: May<may::Bulk>, id: Id<JobId>, Query(query): Query<JobQuery>) -> Reply {
    let May { viewer, .. } = may;
    let (id, sees) = (id.0, viewer.sees());
    let outcome = Outcome::parse(&query.outcome);
    let limit = i64::try_from(ITEMS).unwrap_or(50) + 1;
    let named = Named::new(viewer.known.roster.clone());
    let (told, counts, items, contact) = viewer
        .read(move |rx| {
            let told = tell(rx, named, id)?;
            let counts = bulk_jobs::count_outcomes(rx, id)?;
            let items = bulk_jobs::list_items(rx, id, outcome, &sees, query.after, limit)?;
            let contact = told.job.selection.filter.as_ref().and_then(|filter| filter.contact);
            let contact = contact.map(|id| store::contacts::find(rx, id)).transpose()?.flatten();
            Ok((told, counts, items, contact.map(|contact| contact.name)))
        })
        .await?;
    let page_view = JobPage::new(&viewer, &told, &counts, items, outcome, contact.as_deref());
    let title = page_view.title.clone();
    page(&viewer, &title, Section::Inbox, &page_view)
}

impl JobPage {
    fn new(
        viewer: &Viewer,
        told: &Told,
        counts: &std::collections::HashMap<Outcome, i64>,
        mut items: Vec<Item>,
        outcome: Option<Outcome>,
        contact: Option<&str>,
    ) -> Self {
        let (job, named) = (&told.job, &told.named);
        let times = Times::new(viewer.db().now(), viewer.known.zone);
        let address = format!("/jobs/{}", job.id);
        let filter = outcome.map_or_else(String::new, |outcome| format!("outcome={}&", outcome.as_str()));
        let more = items.len() > ITEMS;
        items.truncate(ITEMS);
        let next = items.last().filter(|_| more).map(|last| format!("{address}?{filter}after={}", last.position));
        let refusal = actions::bulk::may_undo(job, told.undone_by, viewer.db().now()).err();
        let mut numbers = vec![("Selected", grouped(job.total)), ("Changed", grouped(job.done))];
        numbers.push(("Left as they were", grouped(job.skipped)));
        let running = job.finished_at.is_none();
        if running {
            numbers.push(("Still to do", grouped(job.total - job.done - job.skipped)));
        }
        let (origin, former) = match job.origin {
            Origin::Inbox => ("Bulk change in the inbox".to_owned(), None),
            Origin::Deactivation(user) => ("Handover when deactivating".to_owned(), Some(named.people.get(user))),
            Origin::Removal(user) => ("Work left by".to_owned(), Some(named.people.get(user))),
            Origin::Deletion(user) => ("Work left by".to_owned(), Some(named.people.get(user))),
            Origin::TeamRemoval(user) => ("Handover when leaving a team".to_owned(), Some(named.people.get(user))),
            Origin::Undo(_) => ("Undoing another bulk change".to_owned(), None),
        };
        let selection = match (&job.selection.filter, job.origin) {
            (_, Origin::Undo(_)) => "What the other change had moved".to_owned(),
            (Some(filter), _) => format!("Everything that was {}", words::sentence(filter, named, contact)),
            (None, _) => "Picked in the list".to_owned(),
        };
        Self {
            csrf: form_token(&viewer.req),
            here: if filter.is_empty() {
                address.clone()
            } else {
                format!("{address}?{}", filter.trim_end_matches('&'))
            },
            title: if running { progress_sentence(told) } else { sentence(told) },
            running,
            progress: progress_sentence(told),
            done: job.done + job.skipped,
            total: job.total,
            started_by: job.started_by.map(|user| named.people.get(user)),
            started_at: times.full(job.created_at),
            finished_at: job.finished_at.map(|at| times.full(at)),
            origin,
            former,
            selection,
            numbers,
            surprise: surprise(job).trim_start_matches(". ").to_owned(),
            may_undo: refusal.is_none() && job.done > 0,
            why_not: refusal
                .map(|refusal| refusal.to_string())
                .or_else(|| (job.done == 0).then(|| "There is nothing to undo: nothing was changed.".to_owned())),
            undo_until: times.full(job.undo_until).inside(),
            undoes: match job.origin {
                Origin::Undo(other) => Some(format!("/jobs/{other}")),
                Origin::Inbox
                | Origin::Deactivation(_)
                | Origin::Removal(_)
                | Origin::Deletion(_)
                | Origin::TeamRemoval(_) => None,
            },
            undone_by: told.undone_by.map(|other| format!("/jobs/{other}")),
            tabs: tabs(&address, counts, outcome, job.total),
            items: items.into_iter().map(|item| row(named, item)).collect(),
            next,
            address,
        }
    }
}

fn tabs(
    address: &str,
    counts: &std::collections::HashMap<Outcome, i64>,
    current: Option<Outcome>,
    total: i64,
) -> Vec<OutcomeTab> {
    let all = OutcomeTab {
        label: "All".to_owned(),
        count: grouped(total),
        href: address.to_owned(),
        current: current.is_none(),
    };
    let outcomes = std::iter::once(Outcome::Pending).chain(Outcome::FINAL);
    let found = outcomes.filter_map(|outcome| Some((outcome, *counts.get(&outcome)?)));
    let tab = |(outcome, count): (Outcome, i64)| OutcomeTab {
        label: outcome.label().to_owned(),
        count: grouped(count),
        href: format!("{address}?outcome={}", outcome.as_str()),
        current: current == Some(outcome),
    };
    std::iter::once(all).chain(found.map(tab)).collect()
}

fn row(named: &Named, item: Item) -> ItemRow {
    let holder = |(user, team): (Option<UserId>, Option<TeamId>)| Holder {
        person: user.map(|user| named.people.get(user)),
        text: team.and_then(|team| named.team(team)).unwrap_or("Unassigned").to_owned(),
    };
    let looked_at = matches!(item.outcome, Outcome::Done);
    ItemRow {
        number: item.number,
        subject: if item.subject.is_empty() { "(no subject)".to_owned() } else { item.subject },
        // Who held it before is noted when it is changed.
        from: if looked_at { holder(item.from) } else { Holder { person: None, text: "–".to_owned() } },
        to: holder(item.to),
        outcome: item.outcome.label(),
        changed: looked_at,
    }
}

/// Puts back what a job changed.
///
/// # Errors
/// [`WebError::NotFound`], a refusal, or trouble with the database.
pub async fn undo(may: May<may::Bulk>, id: Id<JobId>, _: Form<Empty>) -> Reply {
    let May { viewer, can } = may;
    let id = id.0;
    let started = viewer.write(move |tx| actions::bulk::undo(tx, &can, id)).await?;
    go_on(&viewer, started.job).await?;
    let notice = notice(&viewer, started.job).await?;
    done(&viewer, &back(&viewer, started.job), notice)
}

/// The page that the button stood on, or the job that undoes.
fn back(viewer: &Viewer, undo: JobId) -> String {
    let header = viewer.req.headers().get("hx-current-url").and_then(|value| value.to_str().ok());
    let path = header
        .and_then(|url| url::Url::parse(url).ok())
        .map(|url| url[url::Position::BeforePath..url::Position::AfterQuery].to_owned());
    path.as_deref().and_then(safe_back).map_or_else(|| format!("/jobs/{undo}"), str::to_owned)
}
