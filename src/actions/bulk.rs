//! Bulk changes: start, go on, undo (C-8 … C-11).

use std::collections::{HashMap, HashSet};

use chrono::TimeDelta;

use super::users::Plan;
use crate::domain::access::{Actor, Can, Sees, conversations, handovers};
use crate::domain::assignment::{Target, may_receive};
use crate::domain::audit::Event;
use crate::domain::bulk::{BulkRefusal, Item, Outcome, Selection, decide};
use crate::domain::bulk_change::Change;
use crate::domain::conversations::{Conversation, Status};
use crate::domain::ids::{ConversationId, JobId, TeamId, UserId};
use crate::domain::inbox::{Assignee, Filter, Statuses, Teams};
use crate::domain::live::Topic;
use crate::domain::users::User;
use crate::failure::Failure;
use crate::store::bulk_jobs::{self, Job, New, Origin, Pending};
use crate::store::tasks::Task;
use crate::store::{self, Recorded, Tx};

/// Items of one transaction: short enough that nobody waits for it.
pub const CHUNK: i64 = 500;

/// Which conversations are meant.
#[derive(Clone, Debug)]
pub enum Picked {
    /// These numbers.
    Numbers(Vec<i64>),
    /// All that match, as many as were shown.
    Matching {
        /// The filter.
        filter: Box<Filter>,
        /// The count that was shown.
        expected: Option<i64>,
    },
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// Which conversations.
    pub picked: Picked,
    /// What is done to them.
    pub change: Change,
    /// A word that the same form repeats.
    pub submission: String,
}

/// A job that was started, or that the same form started before.
#[derive(Clone, Copy, Debug)]
pub struct Started {
    /// The job.
    pub job: JobId,
    /// How many items it has.
    pub total: i64,
}

fn undo_for(tx: &mut Tx) -> Result<TimeDelta, Failure> {
    Ok(TimeDelta::hours(i64::from(store::workspaces::this(tx)?.undo_hours)))
}

/// Pins what is selected and queues the work. What matches now is what is changed, whoever comes in later (C-9).
///
/// # Errors
/// A [`BulkRefusal`], a refusal of the target, [`Failure::NotFound`], or trouble with the database.
pub fn start(tx: &mut Tx, can: &Can<conversations::Bulk>, request: &Request) -> Result<Recorded<Started>, Failure> {
    if let Some(job) = bulk_jobs::find_submission(tx, &request.submission)? {
        return tx.unchanged(Started { job: job.id, total: job.total });
    }
    let change = request.change;
    super::bulk_changes::check(tx, can, change)?;
    let sees = Sees::of(&can.scope().actor);
    let (filter, expected) = match &request.picked {
        Picked::Numbers(_) => (None, None),
        Picked::Matching { filter, expected } => (Some((**filter).clone()), *expected),
    };
    let selection = Selection { filter, sees };
    let undo_for = undo_for(tx)?;
    let job = bulk_jobs::insert(
        tx,
        &New {
            origin: Origin::Inbox,
            selection: &selection,
            change: Some(change),
            expected,
            submission: &request.submission,
            undo_for,
        },
    )?;
    let Some(job) = job else {
        let first =
            bulk_jobs::find_submission(tx, &request.submission)?.ok_or(Failure::Bug("a job without its form"))?;
        return Ok(tx.unrecorded(Started { job: first.id, total: first.total }, "the same form came at the same time"));
    };
    let pinned = match change {
        Change::Assign(target) => target,
        Change::Spread(team) | Change::Move(team) => Target::Team(team),
        _ => Target::Nobody,
    };
    let total = match (&request.picked, &selection.filter) {
        (Picked::Numbers(numbers), _) => bulk_jobs::insert_picked(tx, job, numbers, &selection.sees, pinned)?,
        (Picked::Matching { .. }, Some(filter)) => {
            bulk_jobs::insert_matching(tx, job, filter, &selection.sees, pinned)?
        }
        (Picked::Matching { .. }, None) => 0,
    };
    if total == 0 {
        return Err(BulkRefusal::NothingSelected.into());
    }
    if let Change::Spread(team) = change {
        super::spreading::deal_out(tx, job, team)?;
    }
    bulk_jobs::set_total(tx, job, total)?;
    tx.enqueue(Task::RunBulk(job))?;
    Ok(tx.record(Event::BulkStarted { job, total }).with(Started { job, total }))
}

/// The same for a tag that there is none of yet; it is remembered.
///
/// # Errors
/// As [`start`].
pub fn start_new_tag(
    tx: &mut Tx,
    can: &Can<conversations::Bulk>,
    picked: Picked,
    name: &str,
    submission: &str,
) -> Result<Recorded<Started>, Failure> {
    let tag = store::tags::find_or_insert(tx, name)?;
    start(tx, can, &Request { picked, change: Change::AddTag(tag), submission: submission.to_owned() })
}

/// Starts moving what a person who is deactivated holds, as far as the plan says so. `None` if they hold nothing of it.
///
/// # Errors
/// A refusal of a target, or trouble with the database.
pub(super) fn start_deactivation(
    tx: &mut Tx,
    _: &Can<handovers::Run>,
    user: &User,
    plan: Plan,
) -> Result<Option<JobId>, Failure> {
    start_leaving(tx, Origin::Deactivation(user.id), user, plan)
}

/// Starts moving what a person holds who is removed or deleted: all of it, to nobody unless the plan says otherwise.
///
/// # Errors
/// A refusal of a target, or trouble with the database.
pub(super) fn start_removal(tx: &mut Tx, origin: Origin, user: &User, plan: Plan) -> Result<Option<JobId>, Failure> {
    let held = held_by(user.id, Statuses::OpenAndSnoozed);
    let all = Plan { open: plan.open.or(Some(Target::Nobody)), snoozed: plan.snoozed.or(Some(Target::Nobody)) };
    // Whatever is named must be here, also if there is nothing to give to it.
    for target in plan.targets() {
        super::conversations::check_target(tx, target)?;
    }
    if store::inbox::count(tx, &held, &Sees::All)? == 0 {
        return Ok(None);
    }
    start_leaving(tx, origin, user, all)
}

fn start_leaving(tx: &mut Tx, origin: Origin, user: &User, plan: Plan) -> Result<Option<JobId>, Failure> {
    let selection = Selection { filter: Some(held_by(user.id, Statuses::OpenAndSnoozed)), sees: Sees::All };
    let undo_for = undo_for(tx)?;
    let submission: uuid::Uuid = tx.new_id();
    let job = bulk_jobs::insert(
        tx,
        &New {
            origin,
            selection: &selection,
            change: None,
            expected: None,
            submission: &submission.to_string(),
            undo_for,
        },
    )?
    .ok_or(Failure::Bug("a new id was not new"))?;
    let mut total = 0;
    let mut places: Vec<Target> = Vec::new();
    for (status, target) in [(Status::Open, plan.open), (Status::Snoozed, plan.snoozed)] {
        let Some(target) = target else { continue };
        super::conversations::check_target(tx, target)?;
        if target == Target::User(user.id) {
            return Err(
                crate::domain::conversations::ConversationRefusal::AssigneeInactive(user.name.full.clone()).into()
            );
        }
        let filter = held_by(user.id, Statuses::Only(status));
        let count = bulk_jobs::insert_matching(tx, job, &filter, &Sees::All, target)?;
        if count > 0 && !places.contains(&target) {
            places.push(target);
        }
        total += count;
    }
    // Where everything goes to one place, the job is told by it.
    if let [target] = places.as_slice() {
        bulk_jobs::set_target(tx, job, *target)?;
    }
    queue(tx, job, total)
}

/// Starts moving what a person who leaves a team holds of it. `None` if they hold nothing of it.
///
/// # Errors
/// A refusal of the target, or trouble with the database.
pub(super) fn start_team_removal(
    tx: &mut Tx,
    _: &Can<handovers::Run>,
    (user, name): (UserId, &str),
    team: TeamId,
    target: Target,
) -> Result<Option<JobId>, Failure> {
    super::conversations::check_target(tx, target)?;
    if target == Target::User(user) {
        return Err(crate::domain::conversations::ConversationRefusal::AssigneeInactive(name.to_owned()).into());
    }
    let filter = Filter { teams: Some(Teams::One(team)), ..held_by(user, Statuses::OpenAndSnoozed) };
    let (undo_for, submission): (_, uuid::Uuid) = (undo_for(tx)?, tx.new_id());
    let selection = Selection { filter: Some(filter.clone()), sees: Sees::All };
    let new = New {
        origin: Origin::TeamRemoval(user),
        selection: &selection,
        change: Some(Change::Assign(target)),
        expected: None,
        submission: &submission.to_string(),
        undo_for,
    };
    let job = bulk_jobs::insert(tx, &new)?.ok_or(Failure::Bug("a new id was not new"))?;
    let total = bulk_jobs::insert_matching(tx, job, &filter, &Sees::All, target)?;
    queue(tx, job, total)
}

/// Starts moving what names a team to another one: conversations of any status, whoever holds them. `None` if there is nothing.
///
/// # Errors
/// Trouble with the database.
pub(super) fn start_team_deletion(tx: &mut Tx, team: TeamId, to: TeamId) -> Result<Option<(JobId, i64)>, Failure> {
    let filter = Filter { teams: Some(Teams::One(team)), ..Filter::of(Statuses::Any) };
    let (undo_for, submission): (_, uuid::Uuid) = (undo_for(tx)?, tx.new_id());
    let selection = Selection { filter: Some(filter.clone()), sees: Sees::All };
    let new = New {
        origin: Origin::TeamDeletion(team),
        selection: &selection,
        change: Some(Change::Move(to)),
        expected: None,
        submission: &submission.to_string(),
        undo_for,
    };
    let job = bulk_jobs::insert(tx, &new)?.ok_or(Failure::Bug("a new id was not new"))?;
    let total = bulk_jobs::insert_matching(tx, job, &filter, &Sees::All, Target::Team(to))?;
    Ok(queue(tx, job, total)?.map(|job| (job, total)))
}

/// Lets a job begin; `None` if it has nothing to do.
fn queue(tx: &mut Tx, job: JobId, total: i64) -> Result<Option<JobId>, Failure> {
    bulk_jobs::set_total(tx, job, total)?;
    if total == 0 {
        let job = bulk_jobs::lock(tx, job)?;
        bulk_jobs::set_progress(tx, &job, 0, 0)?;
        return Ok(None);
    }
    tx.enqueue(Task::RunBulk(job))?;
    let _ = tx.record(Event::BulkStarted { job, total });
    Ok(Some(job))
}

fn held_by(user: UserId, statuses: Statuses) -> Filter {
    Filter { assignee: Some(Assignee::User(user)), ..Filter::of(statuses) }
}

/// What a chunk did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// Whether the job has ended.
    pub ended: bool,
}

/// Does the next items of a job: lock, decide, move, record. Killed at any point, it has done a whole chunk or nothing.
///
/// # Errors
/// [`Failure::NotFound`], or trouble with the database.
pub fn run_chunk(tx: &mut Tx, id: JobId) -> Result<Recorded<Progress>, Failure> {
    let job = bulk_jobs::lock(tx, id)?;
    if job.finished_at.is_some() {
        return tx.unchanged(Progress { ended: true });
    }
    bulk_jobs::hurry(tx)?;
    let pending = bulk_jobs::list_pending(tx, id, job.done + job.skipped, CHUNK)?;
    let outcomes = match job.change {
        Some(change) if !change.moves() => super::bulk_changes::run(tx, &job, change, &pending)?,
        _ => {
            let outcomes = decide_all(tx, &job, &pending)?;
            bulk_jobs::apply(tx, &job, &outcomes)?;
            outcomes
        }
    };
    touch(tx, id, &pending, &outcomes);
    let done = outcomes.get(&Outcome::Done).map_or(0, Vec::len);
    let skipped = pending.len() - done;
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let ended = bulk_jobs::set_progress(tx, &job, count(done), count(skipped))?;
    let progress = Progress { ended };
    if ended {
        if let Some(gone) = job.origin.left_for_good() {
            // Whatever could not go where it was to go, because somebody else left meanwhile, stays with nobody.
            let gone = store::users::find(tx, gone)?.ok_or(Failure::NotFound)?;
            if gone.status.is_gone() {
                start_removal(tx, job.origin, &gone, Plan::default())?;
            }
        }
        if let Origin::TeamDeletion(team) = job.origin {
            super::teams::move_rest(tx, team)?;
        }
        let (done, skipped) = (job.done + count(done), job.skipped + count(skipped));
        return Ok(tx.record(Event::BulkFinished { job: id, done, skipped }).with(progress));
    }
    Ok(tx.unrecorded(progress, "each item's event was written with the item"))
}

/// The items' events are written by SQL, so that open pages have to be told here.
fn touch(tx: &mut Tx, job: JobId, pending: &[Pending], outcomes: &HashMap<Outcome, Vec<i64>>) {
    tx.touch(Topic::Job(job));
    let done: HashSet<i64> = outcomes.get(&Outcome::Done).into_iter().flatten().copied().collect();
    for item in pending.iter().filter(|item| done.contains(&item.position)) {
        tx.touch(Topic::Conversation(item.conversation));
    }
    if !done.is_empty() {
        tx.touch(Topic::Inbox);
    }
}

fn decide_all(tx: &mut Tx, job: &Job, pending: &[Pending]) -> Result<HashMap<Outcome, Vec<i64>>, Failure> {
    // People before conversations, as everywhere: whoever locks in one order never waits in a circle.
    let fits = fitting_targets(tx, job, pending)?;
    let teams = store::teams::lock_targets(tx, &wanted_teams(job, pending))?;
    let ids: Vec<ConversationId> = pending.iter().map(|item| item.conversation).collect();
    let found: HashMap<ConversationId, Conversation> =
        store::conversations::lock_many(tx, &ids)?.into_iter().map(|one| (one.id, one)).collect();
    let matching = store::inbox::list_matching_among(tx, job.selection.filter.as_ref(), &job.selection.sees, &ids)?;
    let mut outcomes: HashMap<Outcome, Vec<i64>> = HashMap::new();
    let fit = |user: UserId| fits.get(&user).copied().unwrap_or(true);
    let spread = matches!(job.change, Some(Change::Spread(_)));
    let mut untaken = Vec::new();
    for item in pending {
        let outcome = found.get(&item.conversation).map_or(Outcome::NoLongerMatching, |one| {
            let keeps_team = item.keeps_team(job.change);
            // What is spread and can't be taken any more waits in the team's queue.
            let taker = item.to.0.filter(|user| !spread || fit(*user));
            if taker != item.to.0 {
                untaken.push(item.position);
            }
            let wanted = match job.change {
                Some(Change::Move(_)) => (one.assignee, item.to.1),
                _ if keeps_team => (taker, one.team),
                _ => (taker, item.to.1),
            };
            decide(&Item {
                spared: one.status == Status::Archived && job.change.is_none_or(Change::spares_archived),
                is_so: (one.assignee, one.team) == wanted,
                version: one.version,
                still_matching: matching.contains(&one.id),
                expected_version: item.expected_version,
                target_fits: taker.is_none_or(fit)
                    && (keeps_team || item.to.1.is_none_or(|team| teams.contains(&team))),
            })
        });
        outcomes.entry(outcome).or_default().push(item.position);
    }
    store::bulk_changes::set_untaken(tx, job.id, &untaken)?;
    Ok(outcomes)
}

/// The teams that items go to, or back to: one may have been deleted since.
fn wanted_teams(job: &Job, pending: &[Pending]) -> Vec<TeamId> {
    let mut wanted: Vec<TeamId> =
        pending.iter().filter(|item| !item.keeps_team(job.change)).filter_map(|item| item.to.1).collect();
    wanted.sort_unstable();
    wanted.dedup();
    wanted
}

/// Which wanted people can get work now. An undo puts back what was, but nothing to people who are gone.
fn fitting_targets(tx: &mut Tx, job: &Job, pending: &[Pending]) -> Result<HashMap<UserId, bool>, Failure> {
    let undo = matches!(job.origin, Origin::Undo(_));
    let mut wanted: Vec<UserId> = pending.iter().filter_map(|item| item.to.0).collect();
    wanted.sort_unstable();
    wanted.dedup();
    wanted
        .into_iter()
        .map(|user| {
            let fits = if undo {
                !store::users::lock(tx, user)?.status.is_gone()
            } else {
                may_receive(&store::users::lock_candidate(tx, user)?).is_ok()
            };
            Ok((user, fits))
        })
        .collect()
}

/// Puts back what a job changed and nobody touched since; itself a job (C-10). It takes what the change itself took; and a job that
/// somebody else started may have changed more than one may see.
///
/// # Errors
/// A [`BulkRefusal`], [`Failure::NotFound`], or trouble with the database.
pub fn undo(tx: &mut Tx, can: &Can<conversations::Bulk>, id: JobId) -> Result<Recorded<Started>, Failure> {
    let job = bulk_jobs::lock(tx, id)?;
    let actor = &can.scope().actor;
    may_undo(actor, &job, bulk_jobs::find_undo_of(tx, id)?, tx.now())?;
    if let Origin::TeamDeletion(team) = job.origin {
        super::teams::bring_back(tx, team)?;
    }
    let submission = format!("undo of {id}");
    let undo = bulk_jobs::insert(
        tx,
        &New {
            origin: Origin::Undo(id),
            selection: &Selection { filter: None, sees: Sees::All },
            change: job.change.filter(|change| !change.moves()),
            expected: Some(job.done),
            submission: &submission,
            undo_for: TimeDelta::zero(),
        },
    )?
    .ok_or(BulkRefusal::AlreadyUndone)?;
    let total = bulk_jobs::insert_undo(tx, undo, id)?;
    bulk_jobs::set_total(tx, undo, total)?;
    tx.enqueue(Task::RunBulk(undo))?;
    let _ = tx.record(Event::BulkUndone { job: id, undone_by: undo });
    Ok(tx.record(Event::BulkStarted { job: undo, total }).with(Started { job: undo, total }))
}

/// Whether a job can be undone now, by this person. The page asks the same.
///
/// # Errors
/// The reason why not.
pub fn may_undo(
    actor: &Actor,
    job: &Job,
    undone_by: Option<JobId>,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<(), BulkRefusal> {
    if job.change.and_then(Change::needs).is_some_and(|key| !actor.permissions().has(key)) {
        return Err(BulkRefusal::NotAllowed);
    }
    if job.started_by != actor.user() && Sees::of(actor) != Sees::All {
        return Err(BulkRefusal::NotYours);
    }
    if matches!(job.origin, Origin::Undo(_)) {
        return Err(BulkRefusal::IsAnUndo);
    }
    if job.origin.left_for_good().is_some() {
        return Err(BulkRefusal::HolderGone);
    }
    if undone_by.is_some() {
        return Err(BulkRefusal::AlreadyUndone);
    }
    if job.finished_at.is_none() {
        return Err(BulkRefusal::StillRunning);
    }
    if job.undo_until <= now {
        return Err(BulkRefusal::UndoEnded);
    }
    Ok(())
}
