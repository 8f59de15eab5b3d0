//! Bulk jobs: their progress, their pages, undoing them (C-8 … C-10).

use actix_web::HttpResponse;
use actix_web::http::header::HeaderValue;
use askama::Template;
use serde::Deserialize;

use super::conversation::safe_back;
use super::inbox::read::Named;
use super::inbox::words;
use super::job_words::{Told, go_on, notice, progress_sentence, sentence, surprise, tell};
use crate::actions;
use crate::domain::access::conversations as may;
use crate::domain::bulk::Outcome;
use crate::domain::bulk_change::Change;
use crate::domain::ids::{JobId, TeamId, UserId};
use crate::domain::text::grouped;
use crate::store;
use crate::store::bulk_items::{self, Item};
use crate::store::bulk_jobs::Origin;
use crate::web::extract::{Empty, Form, Id, May, Query, Viewer};
use crate::web::reply::{Reply, done, page};
use crate::web::views::chrome::{Section, form_token};
use crate::web::views::person::PersonView;
use crate::web::views::time::{TimeView, Times};

/// Items of a page.
const ITEMS: usize = 50;

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
        undo: told.job.done > 0
            && actions::bulk::may_undo(&viewer.scope().actor, &told.job, told.undone_by, viewer.db().now()).is_ok(),
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
    moves: bool,
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
    let (told, counts, items, contact, queued) = viewer
        .read(move |rx| {
            let told = tell(rx, named, id)?;
            let counts = bulk_items::count_outcomes(rx, id)?;
            let items = bulk_items::list_items(rx, id, outcome, &sees, query.after, limit)?;
            let contact = told.job.selection.filter.as_ref().and_then(|filter| filter.contact);
            let contact = contact.map(|id| store::contacts::find(rx, id)).transpose()?.flatten();
            let queued = match told.job.change {
                Some(Change::Spread(_)) => Some(store::bulk_changes::count_left_in_queue(rx, id)?),
                _ => None,
            };
            Ok((told, counts, items, contact.map(|contact| contact.name), queued))
        })
        .await?;
    let mut page_view = JobPage::new(&viewer, &told, &counts, items, outcome, contact.as_deref());
    page_view.numbers.extend(queued.map(|queued| ("Left in the team’s queue", grouped(queued))));
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
        let refusal = actions::bulk::may_undo(&viewer.scope().actor, job, told.undone_by, viewer.db().now()).err();
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
            Origin::TeamDeletion(_) => ("Deletion of their team".to_owned(), None),
            Origin::Undo(_) => ("Undoing another bulk change".to_owned(), None),
        };
        let selection = match (&job.selection.filter, job.origin) {
            (_, Origin::Undo(_)) => "What the other change had changed".to_owned(),
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
                | Origin::TeamRemoval(_)
                | Origin::TeamDeletion(_) => None,
            },
            undone_by: told.undone_by.map(|other| format!("/jobs/{other}")),
            tabs: tabs(&address, counts, outcome, job.total),
            items: items
                .into_iter()
                .map(|item| row(named, item, matches!(job.change, Some(Change::Move(_)))))
                .collect(),
            moves: job.change.is_none_or(Change::moves),
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

fn row(named: &Named, item: Item, between_teams: bool) -> ItemRow {
    let holder = |(user, team): (Option<UserId>, Option<TeamId>)| Holder {
        // Where only the team changes, whoever holds it is no news.
        person: user.filter(|_| !between_teams).map(|user| named.people.get(user)),
        text: team.map_or("Unassigned", |team| named.team(team).unwrap_or("a deleted team")).to_owned(),
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
