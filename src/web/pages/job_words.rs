//! What is said about bulk jobs on other pages than their own: notices, a person's page, a list that one emptied.

use super::inbox::read::Named;
use crate::actions;
use crate::domain::access::{Actor, Cause, Key, Scope};
use crate::domain::assignment::Target;
use crate::domain::bulk_change::Change;
use crate::domain::conversations::StatusChange;
use crate::domain::ids::{JobId, UserId};
use crate::domain::inbox::Filter;
use crate::domain::text::{counted, grouped};
use crate::failure::Failure;
use crate::store::bulk_jobs::{self, Job, Origin};
use crate::store::{self, Rx};
use crate::web::error::WebError;
use crate::web::extract::Viewer;
use crate::web::reply::Notice;
use crate::web::views::time::{TimeView, Times};

/// Chunks that are done while somebody waits for the answer.
const INLINE: usize = 2;
/// For how long an empty list is explained by what was done.
const LATELY: chrono::TimeDelta = chrono::TimeDelta::minutes(10);
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
pub(super) struct Told {
    /// The job.
    pub job: Job,
    /// What undid it, if it was undone.
    pub undone_by: Option<JobId>,
    target: String,
    /// Names.
    pub named: Named,
}

/// Finds a job and its words.
///
/// # Errors
/// [`Failure::NotFound`], or trouble with the database.
pub(super) fn tell(rx: &mut Rx, named: Named, id: JobId) -> Result<Told, Failure> {
    let job = bulk_jobs::find(rx, id)?.ok_or(Failure::NotFound)?;
    let target = target_words(job.change, &named);
    Ok(Told { undone_by: bulk_jobs::find_undo_of(rx, id)?, job, target, named })
}

/// Who or what a change names.
pub(super) fn target_words(change: Option<Change>, named: &Named) -> String {
    match change {
        Some(Change::Assign(Target::User(user))) => named.people.get(user).name,
        Some(Change::Assign(Target::Team(team)) | Change::Spread(team) | Change::Move(team)) => {
            named.team(team).unwrap_or("a team that is gone").to_owned()
        }
        Some(Change::AddTag(tag) | Change::RemoveTag(tag)) => named.tag(tag).unwrap_or("a tag that is gone").to_owned(),
        Some(Change::Priority(priority)) => priority.label().to_lowercase(),
        Some(Change::Assign(Target::Nobody) | Change::Status(_) | Change::Wake) | None => String::new(),
    }
}

/// What a job did, in one sentence.
pub(super) fn sentence(told: &Told) -> String {
    sentence_of(&told.job, &told.target)
}

fn sentence_of(job: &Job, target: &str) -> String {
    let moved = counted(job.done, "conversation", "conversations");
    let mut said = match (job.origin, job.change) {
        _ if job.done == 0 => "Nothing was changed".to_owned(),
        (Origin::Undo(_), _) if job.done == 1 => "1 conversation is back where it was".to_owned(),
        (Origin::Undo(_), _) => format!("{moved} are back where they were"),
        (_, Some(Change::Assign(Target::User(_)))) => format!("{moved} reassigned to {target}"),
        (_, Some(Change::Assign(Target::Team(_)) | Change::Move(_))) => format!("{moved} moved to {target}"),
        (_, Some(Change::Assign(Target::Nobody))) => format!("{moved} unassigned"),
        (_, Some(Change::Spread(_))) => format!("{moved} spread over {target}"),
        (_, Some(Change::Status(StatusChange::Open))) => format!("{moved} opened again"),
        (_, Some(Change::Status(StatusChange::Close))) => format!("{moved} closed"),
        (_, Some(Change::Status(StatusChange::Archive))) => format!("{moved} archived"),
        (_, Some(Change::Status(StatusChange::Snooze(_)))) => format!("{moved} snoozed"),
        (_, Some(Change::Wake)) => format!("{moved} woken"),
        (_, Some(Change::AddTag(_))) => format!("{moved} tagged {target}"),
        (_, Some(Change::RemoveTag(_))) => format!("Tag {target} taken off {moved}"),
        (_, Some(Change::Priority(_))) => format!("{moved} set to {target} priority"),
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
pub(super) fn surprise(job: &Job) -> String {
    match job.expected.filter(|_| !matches!(job.origin, Origin::Undo(_))).map(|expected| job.total - expected) {
        None | Some(0) => String::new(),
        Some(more @ 1..) => format!(". {} more matched by then", grouped(more)),
        Some(fewer) => format!(". {} fewer matched by then", grouped(-fewer)),
    }
}

/// What a running job is at, in one sentence.
pub(super) fn progress_sentence(told: &Told) -> String {
    progress_of(&told.job, &told.target)
}

fn progress_of(job: &Job, target: &str) -> String {
    let (done, total) = (grouped(job.done + job.skipped), grouped(job.total));
    match (job.origin, job.change) {
        (Origin::Undo(_), _) => format!("Putting back {done} of {total}"),
        (_, Some(Change::Assign(Target::User(_)))) => format!("Reassigning {done} of {total} to {target}"),
        (_, Some(Change::Assign(Target::Team(_)) | Change::Move(_))) => format!("Moving {done} of {total} to {target}"),
        (_, Some(Change::Assign(Target::Nobody))) => format!("Unassigning {done} of {total}"),
        (_, Some(Change::Spread(_))) => format!("Spreading {done} of {total} over {target}"),
        (_, Some(_)) => format!("Changing {done} of {total}"),
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
    let undo = told.job.done > 0
        && actions::bulk::may_undo(&viewer.scope().actor, &told.job, told.undone_by, viewer.db().now()).is_ok();
    let notice = Notice::new(sentence(&told)).link("Details", address.clone());
    Ok(if undo { notice.post("Undo", format!("{address}/undo")) } else { notice })
}

/// A job that took something from a person, on that person's page.
pub(super) struct Handed {
    /// What it did, or what it is at.
    pub sentence: String,
    /// When.
    pub at: TimeView,
    /// How many of how many it has been through, while it runs.
    pub running: Option<(i64, i64)>,
    /// Its page.
    pub address: String,
    /// Whether it can be undone here.
    pub undo: bool,
}

/// Whether one of them runs.
pub(super) fn any_runs(all: &[Handed]) -> bool {
    all.iter().any(|one| one.running.is_some())
}

/// The latest jobs that took something from a person: so many.
const HANDED: i64 = 5;

/// What was taken from a person, newest first.
///
/// # Errors
/// Trouble with the database.
pub(super) fn handed(rx: &mut Rx, actor: &Actor, user: UserId, times: &Times) -> Result<Vec<Handed>, Failure> {
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
            let target = match job.change {
                Some(Change::Assign(Target::User(user))) => people.get(user).name,
                Some(Change::Assign(Target::Team(team)) | Change::Spread(team) | Change::Move(team)) => teams
                    .iter()
                    .find(|one| one.id == team)
                    .map_or_else(|| "a team that is gone".to_owned(), |one| one.name.clone()),
                _ => String::new(),
            };
            let by = undone.get(&job.id).copied();
            let running = job.finished_at.is_none();
            let mut sentence = if running { progress_of(job, &target) } else { sentence_of(job, &target) };
            if by.is_some() {
                sentence.push_str(", and undone");
            }
            Handed {
                sentence,
                at: times.full(job.created_at),
                running: running.then_some((job.done + job.skipped, job.total)),
                address: format!("/jobs/{}", job.id),
                undo: job.done > 0 && actions::bulk::may_undo(actor, job, by, now).is_ok(),
            }
        })
        .collect())
}

/// What somebody just did that took conversations out of this list, which is empty now: the words and the job's address.
///
/// # Errors
/// Trouble with the database.
pub(super) fn lately(
    rx: &mut Rx,
    who: UserId,
    named: &Named,
    filter: &Filter,
) -> Result<Option<(String, String)>, Failure> {
    let since = rx.now() - LATELY;
    let Some(job) = bulk_jobs::find_latest_of(rx, who, since)? else { return Ok(None) };
    let cannot: Vec<UserId> = named.inactive.iter().copied().collect();
    if !bulk_jobs::has_taken_from(rx, job.id, filter, &cannot)? {
        return Ok(None);
    }
    let target = target_words(job.change, named);
    let sentence = if job.finished_at.is_none() { progress_of(&job, &target) } else { sentence_of(&job, &target) };
    Ok(Some((sentence, format!("/jobs/{}", job.id))))
}

/// The same after something else was done that started the job: both are said. A small job is done when the answer comes.
///
/// # Errors
/// [`WebError::NotFound`], or trouble with the database.
pub(super) async fn notice_after(viewer: &Viewer, id: JobId, first: &str) -> Result<Notice, WebError> {
    if !may_look(viewer) {
        return Ok(Notice::new(format!("{first} What they hold is being moved.")));
    }
    go_on(viewer, id).await?;
    let said = notice(viewer, id).await?;
    Ok(Notice { text: format!("{first} {}.", said.text), ..said })
}

/// Whether somebody may look at jobs. Whoever may only hand work over is not led to a page that is closed to them.
fn may_look(viewer: &Viewer) -> bool {
    viewer.known.person.permissions.has(Key::ConversationsBulk)
}

/// A notice with a link to a job, for who may look at it.
pub(super) fn with_link(viewer: &Viewer, notice: Notice, job: Option<JobId>, words: &str) -> Notice {
    match job {
        Some(job) if may_look(viewer) => notice.link(words, format!("/jobs/{job}")),
        _ => notice,
    }
}

/// The most jobs that a notice leads to.
const LINKS: usize = 4;

/// The same as [`notice_after`] for a change that started a job for each of several people.
///
/// # Errors
/// [`WebError::NotFound`], or trouble with the database.
pub(super) async fn notice_after_all(viewer: &Viewer, ids: &[JobId], first: &str) -> Result<Notice, WebError> {
    let shown = match ids {
        [] => return Ok(Notice::new(first)),
        [one] => return notice_after(viewer, *one, first).await,
        _ if !may_look(viewer) => return Ok(Notice::new(format!("{first} What they hold is being moved."))),
        many => many.get(..LINKS).unwrap_or(many).to_vec(),
    };
    for id in shown.clone() {
        go_on(viewer, id).await?;
    }
    viewer.app.wake.now();
    let (named, ids) = (Named::new(viewer.known.roster.clone()), ids.to_vec());
    let jobs = viewer
        .read(move |rx| {
            let job = |id: &JobId| bulk_jobs::find(rx, *id)?.ok_or(Failure::NotFound);
            ids.iter().map(job).collect::<Result<Vec<_>, _>>()
        })
        .await?;
    let sum = |of: fn(&Job) -> i64| jobs.iter().map(of).sum::<i64>();
    let (through, total) = (sum(|job| job.done + job.skipped), sum(|job| job.total));
    let moved = if jobs.iter().all(|job| job.finished_at.is_some()) {
        let skipped = sum(|job| job.skipped);
        let left = if skipped > 0 { format!(", {} left as they were", grouped(skipped)) } else { String::new() };
        format!("{} moved{left}.", counted(sum(|job| job.done), "conversation", "conversations"))
    } else {
        format!("Moving what they hold: {} of {} so far.", grouped(through), grouped(total))
    };
    let mut notice = Notice::new(format!("{first} {moved}"));
    for job in jobs.iter().filter(|job| shown.contains(&job.id)) {
        let whose = job.origin.whose().map_or_else(|| "Details".to_owned(), |user| named.people.get(user).display);
        notice = notice.link(&format!("Details: {whose}"), format!("/jobs/{}", job.id));
    }
    Ok(notice)
}
