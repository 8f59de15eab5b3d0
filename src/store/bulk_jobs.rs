//! Bulk jobs and their items. What is selected is pinned by one statement; what is done is done by a few statements for
//! each chunk, so that 100,000 conversations cost seconds and every one of them has its event.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::connection::SimpleConnection as _;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};

use super::audit::{ACTOR_SYSTEM, ACTOR_USER};
use super::db::{AnyConn, Rx, Tx, insert_new, load_locked};
use super::inbox::{matching, visible};
use super::schema::{audit_events, bulk_items, bulk_jobs, conversations};
use super::types::{At, Guid, Instant};
use crate::domain::access::{Cause, Sees};
use crate::domain::assignment::Target;
use crate::domain::audit::CONVERSATION_ASSIGNED;
use crate::domain::bulk::{Outcome, Selection};
use crate::domain::bulk_change::Change;
use crate::domain::conversations::Status;
use crate::domain::ids::{ConversationId, JobId, TeamId, UserId, WorkspaceId};
use crate::domain::inbox::{Assignee, Filter, Teams};
use crate::failure::Failure;

/// Why a job was started.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// The inbox's bulk bar.
    Inbox,
    /// The deactivation of a person who held the conversations.
    Deactivation(UserId),
    /// The removal of a person who held them.
    Removal(UserId),
    /// The deletion of a person who held them.
    Deletion(UserId),
    /// The removal of a person from the team whose conversations they were.
    TeamRemoval(UserId),
    /// The deletion of the team that the conversations name.
    TeamDeletion(TeamId),
    /// The undoing of another job.
    Undo(JobId),
}

impl Origin {
    const fn name(self) -> &'static str {
        match self {
            Self::Inbox => "inbox",
            Self::Deactivation(_) => "deactivation",
            Self::Removal(_) => "removal",
            Self::Deletion(_) => "deletion",
            Self::TeamRemoval(_) => "team_removal",
            Self::TeamDeletion(_) => "team_deletion",
            Self::Undo(_) => "undo",
        }
    }

    /// Whose leaving it comes of, if it comes of one.
    #[must_use]
    pub const fn whose(self) -> Option<UserId> {
        match self {
            Self::Deactivation(user) | Self::Removal(user) | Self::Deletion(user) | Self::TeamRemoval(user) => {
                Some(user)
            }
            Self::Inbox | Self::TeamDeletion(_) | Self::Undo(_) => None,
        }
    }

    /// Who must hold nothing when the job has ended: somebody who does not come back.
    #[must_use]
    pub const fn left_for_good(self) -> Option<UserId> {
        match self {
            Self::Removal(user) | Self::Deletion(user) => Some(user),
            Self::Inbox | Self::Deactivation(_) | Self::TeamRemoval(_) | Self::TeamDeletion(_) | Self::Undo(_) => None,
        }
    }
}

/// A recorded change to many conversations.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Why it was started.
    pub origin: Origin,
    /// What was selected.
    pub selection: Selection,
    /// Where everything goes; none if that is back, or to several places, or if nothing changes hands.
    pub target: Option<Target>,
    /// What is done to everything, or was done by what is undone; none if everything goes to a place of its own.
    pub change: Option<Change>,
    /// Whether it has finished.
    pub finished_at: Option<DateTime<Utc>>,
    /// The count that was shown when it was confirmed, if all matching were meant.
    pub expected: Option<i64>,
    /// How many items it has.
    pub total: i64,
    /// How many were changed.
    pub done: i64,
    /// How many were left.
    pub skipped: i64,
    /// Who started it.
    pub started_by: Option<UserId>,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Until when it can be undone.
    pub undo_until: DateTime<Utc>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = bulk_jobs)]
struct Row {
    id: JobId,
    kind: String,
    cause: String,
    subject_id: Option<UserId>,
    undoes: Option<JobId>,
    filter: String,
    target: String,
    expected: Option<i64>,
    total: i64,
    done: i64,
    skipped: i64,
    started_by: Option<UserId>,
    created_at: At,
    finished_at: Option<At>,
    undo_until: At,
}

impl Row {
    fn read(self) -> Result<Job, Failure> {
        let selection: Selection = serde_json::from_str(&self.filter)
            .map_err(|error| Failure::Corrupt("bulk_jobs.filter", format!("{}: {error}", self.id)))?;
        let team = selection.filter.as_ref().and_then(|filter| filter.teams.as_ref());
        let origin = match (self.cause.as_str(), self.subject_id, self.undoes) {
            ("deactivation", Some(user), _) => Origin::Deactivation(user),
            ("removal", Some(user), _) => Origin::Removal(user),
            ("deletion", Some(user), _) => Origin::Deletion(user),
            ("team_removal", Some(user), _) => Origin::TeamRemoval(user),
            ("team_deletion", ..) => match team {
                Some(Teams::One(team)) => Origin::TeamDeletion(*team),
                _ => return Err(Failure::Corrupt("bulk_jobs.filter", format!("no team in {}", self.id))),
            },
            ("undo", _, Some(job)) => Origin::Undo(job),
            ("inbox", ..) => Origin::Inbox,
            _ => return Err(Failure::Corrupt("bulk_jobs.cause", format!("{} of {}", self.cause, self.id))),
        };
        Ok(Job {
            id: self.id,
            origin,
            selection,
            target: Target::parse(&self.target).filter(|_| self.kind == "assign"),
            change: Change::parse(&self.kind, &self.target),
            finished_at: self.finished_at.map(DateTime::from),
            expected: self.expected,
            total: self.total,
            done: self.done,
            skipped: self.skipped,
            started_by: self.started_by,
            created_at: self.created_at.0,
            undo_until: self.undo_until.0,
        })
    }
}

/// What a job starts with.
pub struct New<'a> {
    /// Why.
    pub origin: Origin,
    /// What was selected.
    pub selection: &'a Selection,
    /// What is done to everything.
    pub change: Option<Change>,
    /// The count that was shown.
    pub expected: Option<i64>,
    /// A word that the same form repeats, so that posting it twice starts one job.
    pub submission: &'a str,
    /// How long it can be undone.
    pub undo_for: TimeDelta,
}

/// Adds a job without items; `None` if the same form was posted before, or the same job undone.
///
/// # Errors
/// Trouble with the database.
pub fn insert(tx: &mut Tx, new: &New) -> Result<Option<JobId>, Failure> {
    let (id, workspace, now): (JobId, _, _) = (tx.new_id(), tx.workspace(), tx.now());
    let filter = serde_json::to_string(new.selection).map_err(|_| Failure::Bug("a selection is not JSON"))?;
    let (subject, undoes) = match new.origin {
        Origin::Inbox | Origin::TeamDeletion(_) => (None, None),
        Origin::Deactivation(user) | Origin::Removal(user) | Origin::Deletion(user) | Origin::TeamRemoval(user) => {
            (Some(user), None)
        }
        Origin::Undo(job) => (None, Some(job)),
    };
    let by = tx.actor().user();
    // Whoever posts the form at the same instant waits here for the first, and then finds it posted.
    let added = insert_new!(
        tx.write(),
        bulk_jobs::table,
        (
            bulk_jobs::id.eq(id),
            bulk_jobs::workspace_id.eq(workspace),
            bulk_jobs::kind.eq(new.change.map_or("assign", Change::kind)),
            bulk_jobs::cause.eq(new.origin.name()),
            bulk_jobs::subject_id.eq(subject),
            bulk_jobs::undoes.eq(undoes),
            bulk_jobs::filter.eq(filter),
            bulk_jobs::target.eq(new.change.map(Change::print).unwrap_or_default()),
            bulk_jobs::state.eq("running"),
            bulk_jobs::expected.eq(new.expected),
            bulk_jobs::total.eq(0),
            bulk_jobs::done.eq(0),
            bulk_jobs::skipped.eq(0),
            bulk_jobs::started_by.eq(by),
            bulk_jobs::submission.eq(new.submission),
            bulk_jobs::created_at.eq(At(now)),
            bulk_jobs::undo_until.eq(At(now + new.undo_for)),
        )
    )?;
    Ok((added > 0).then_some(id))
}

/// The job that a form started, if it was posted before.
///
/// # Errors
/// Trouble with the database.
pub fn find_submission(rx: &mut Rx, submission: &str) -> Result<Option<Job>, Failure> {
    let row: Option<Row> = bulk_jobs::table
        .filter(bulk_jobs::workspace_id.eq(rx.workspace()))
        .filter(bulk_jobs::submission.eq(submission))
        .select(Row::as_select())
        .first(rx.conn)
        .optional()?;
    row.map(Row::read).transpose()
}

/// A job of this workspace.
///
/// # Errors
/// Trouble with the database.
pub fn find(rx: &mut Rx, id: JobId) -> Result<Option<Job>, Failure> {
    let row: Option<Row> = bulk_jobs::table
        .filter(bulk_jobs::workspace_id.eq(rx.workspace()))
        .filter(bulk_jobs::id.eq(id))
        .select(Row::as_select())
        .first(rx.conn)
        .optional()?;
    row.map(Row::read).transpose()
}

/// The job, locked until the end of the unit of work.
///
/// # Errors
/// [`Failure::NotFound`], or trouble with the database.
pub fn lock(tx: &mut Tx, id: JobId) -> Result<Job, Failure> {
    let workspace = tx.workspace();
    let rows: Vec<Row> = load_locked!(
        tx,
        Row,
        bulk_jobs::table
            .filter(bulk_jobs::workspace_id.eq(workspace))
            .filter(bulk_jobs::id.eq(id))
            .select(Row::as_select())
    )?;
    rows.into_iter().next().ok_or(Failure::NotFound)?.read()
}

/// The job that undid this one, if one did.
///
/// # Errors
/// Trouble with the database.
pub fn find_undo_of(rx: &mut Rx, id: JobId) -> Result<Option<JobId>, Failure> {
    Ok(bulk_jobs::table
        .filter(bulk_jobs::workspace_id.eq(rx.workspace()))
        .filter(bulk_jobs::undoes.eq(id))
        .select(bulk_jobs::id)
        .first(rx.conn)
        .optional()?)
}

/// The latest jobs that took something from a user, newest first: those that their leaving started, and those that moved
/// what they held. What only undid another one is left out.
///
/// # Errors
/// Trouble with the database.
pub fn list_from(rx: &mut Rx, user: UserId, limit: i64) -> Result<Vec<Job>, Failure> {
    let moved = audit_events::table
        .filter(audit_events::workspace_id.eq(rx.workspace()))
        .filter(audit_events::from_user_id.eq(user))
        .filter(audit_events::job_id.eq(bulk_jobs::id.nullable()));
    let rows: Vec<Row> = bulk_jobs::table
        .filter(bulk_jobs::workspace_id.eq(rx.workspace()))
        .filter(bulk_jobs::undoes.is_null())
        .filter(bulk_jobs::total.gt(0))
        .filter(
            bulk_jobs::subject_id
                .is_not_null()
                .and(bulk_jobs::subject_id.assume_not_null().eq(user))
                .or(diesel::dsl::exists(moved)),
        )
        .order((bulk_jobs::created_at.desc(), bulk_jobs::id.desc()))
        .limit(limit)
        .select(Row::as_select())
        .load(rx.conn)?;
    rows.into_iter().map(Row::read).collect()
}

/// The latest job that somebody started since an instant and that moved something, unless it only undid another one.
///
/// # Errors
/// Trouble with the database.
pub fn find_latest_of(rx: &mut Rx, starter: UserId, since: DateTime<Utc>) -> Result<Option<Job>, Failure> {
    let row: Option<Row> = bulk_jobs::table
        .filter(bulk_jobs::workspace_id.eq(rx.workspace()))
        .filter(bulk_jobs::started_by.eq(starter))
        .filter(bulk_jobs::kind.eq("assign"))
        .filter(bulk_jobs::undoes.is_null())
        .filter(bulk_jobs::done.gt(0))
        .filter(bulk_jobs::created_at.ge(At(since)))
        .order((bulk_jobs::created_at.desc(), bulk_jobs::id.desc()))
        .select(Row::as_select())
        .first(rx.conn)
        .optional()?;
    row.map(Row::read).transpose()
}

/// The most conversations of a job that are looked at.
const LOOKED_AT: i64 = 1_000;

/// Whether a job took a conversation away that a filter showed while its former holder held it; of a large job, the
/// first ones are looked at. `cannot` are those who cannot log in.
///
/// # Errors
/// Trouble with the database.
pub fn has_taken_from(rx: &mut Rx, job: JobId, filter: &Filter, cannot: &[UserId]) -> Result<bool, Failure> {
    let mut items = bulk_items::table
        .filter(bulk_items::workspace_id.eq(rx.workspace()))
        .filter(bulk_items::job_id.eq(job))
        .filter(bulk_items::outcome.eq(Outcome::Done.as_str()))
        .select(bulk_items::conversation_id)
        .into_boxed::<super::db::MultiBackend>();
    items = match filter.assignee {
        None => items,
        Some(Assignee::User(user)) => items.filter(bulk_items::from_user_id.eq(user)),
        Some(Assignee::Inactive) => items.filter(bulk_items::from_user_id.eq_any(cannot.to_vec())),
        Some(Assignee::Nobody) => items.filter(bulk_items::from_user_id.is_null()),
    };
    items = match &filter.teams {
        None if filter.assignee == Some(Assignee::Nobody) => items.filter(bulk_items::from_team_id.is_null()),
        None => items,
        Some(Teams::One(team)) => items.filter(bulk_items::from_team_id.eq(*team)),
        Some(Teams::Any(teams)) => items.filter(bulk_items::from_team_id.eq_any(teams.clone())),
    };
    let taken: Vec<i64> = items.limit(LOOKED_AT).load(rx.conn)?;
    let whoever = Filter { assignee: None, teams: None, ..filter.clone() };
    let found: Option<i64> = matching(rx, &whoever, &Sees::All)
        .filter(conversations::id.eq_any(taken))
        .select(conversations::id)
        .first(rx.conn)
        .optional()?;
    Ok(found.is_some())
}

/// Which of these jobs were undone, and by which.
///
/// # Errors
/// Trouble with the database.
pub fn list_undos_of(rx: &mut Rx, ids: &[JobId]) -> Result<HashMap<JobId, JobId>, Failure> {
    let rows: Vec<(Option<JobId>, JobId)> = bulk_jobs::table
        .filter(bulk_jobs::workspace_id.eq(rx.workspace()))
        .filter(bulk_jobs::undoes.eq_any(ids))
        .select((bulk_jobs::undoes, bulk_jobs::id))
        .load(rx.conn)?;
    Ok(rows.into_iter().filter_map(|(undone, by)| Some((undone?, by))).collect())
}

/// Pins all conversations that match, as items of the job, by one statement with the condition of the list.
///
/// # Errors
/// Trouble with the database.
pub fn insert_matching(tx: &mut Tx, job: JobId, filter: &Filter, sees: &Sees, target: Target) -> Result<i64, Failure> {
    let query = matching(tx, filter, sees);
    insert_items(tx, job, query, target)
}

/// Pins some conversations, as far as they exist and are seen.
///
/// # Errors
/// Trouble with the database.
pub fn insert_picked(tx: &mut Tx, job: JobId, numbers: &[i64], sees: &Sees, target: Target) -> Result<i64, Failure> {
    let query = visible(tx.workspace(), sees).filter(conversations::number.eq_any(numbers.to_vec()));
    insert_items(tx, job, query, target)
}

fn insert_items(tx: &mut Tx, job: JobId, query: super::inbox::Boxed<'_>, target: Target) -> Result<i64, Failure> {
    let workspace: WorkspaceId = tx.workspace();
    let begun: i64 = bulk_items::table.filter(bulk_items::job_id.eq(job)).count().get_result(tx.conn)?;
    let (to_user, to_team) = match target {
        Target::User(user) => (Some(user), None),
        Target::Team(team) => (None, Some(team)),
        Target::Nobody => (None, None),
    };
    // Whoever is a person takes over the conversation within its team; everything else replaces the team.
    let wanted_team = sql::<Nullable<Guid>>("CASE WHEN ")
        .bind::<Bool, _>(to_user.is_some())
        .sql(" THEN conversations.team_id ELSE ")
        .bind::<Nullable<Guid>, _>(to_team)
        .sql(" END");
    let rows = query.select((
        workspace.into_sql::<Guid>(),
        job.into_sql::<Guid>(),
        sql::<BigInt>("row_number() OVER (ORDER BY conversations.id) + ").bind::<BigInt, _>(begun),
        conversations::id,
        to_user.into_sql::<Nullable<Guid>>(),
        wanted_team,
        Outcome::Pending.as_str().into_sql::<Text>(),
    ));
    let added = diesel::insert_into(bulk_items::table)
        .values(rows)
        .into_columns((
            bulk_items::workspace_id,
            bulk_items::job_id,
            bulk_items::position,
            bulk_items::conversation_id,
            bulk_items::to_user_id,
            bulk_items::to_team_id,
            bulk_items::outcome,
        ))
        .execute(tx.write())?;
    Ok(i64::try_from(added).unwrap_or(i64::MAX))
}

/// Pins what another job changed, the other way round: each goes back to who held it, if nobody touched it since.
///
/// # Errors
/// Trouble with the database.
pub fn insert_undo(tx: &mut Tx, job: JobId, of: JobId) -> Result<i64, Failure> {
    let workspace = tx.workspace();
    let rows = bulk_items::table
        .filter(bulk_items::workspace_id.eq(workspace))
        .filter(bulk_items::job_id.eq(of))
        .filter(bulk_items::outcome.eq(Outcome::Done.as_str()))
        .select((
            workspace.into_sql::<Guid>(),
            job.into_sql::<Guid>(),
            sql::<BigInt>("row_number() OVER (ORDER BY bulk_items.position)"),
            bulk_items::conversation_id,
            bulk_items::from_user_id,
            bulk_items::from_team_id,
            bulk_items::version_after,
            (
                bulk_items::kept_status,
                bulk_items::kept_snoozed_until,
                bulk_items::kept_closed_at,
                bulk_items::kept_priority,
            ),
            "pending".into_sql::<Text>(),
        ));
    let added = diesel::insert_into(bulk_items::table)
        .values(rows)
        .into_columns((
            bulk_items::workspace_id,
            bulk_items::job_id,
            bulk_items::position,
            bulk_items::conversation_id,
            bulk_items::to_user_id,
            bulk_items::to_team_id,
            bulk_items::expected_version,
            (
                bulk_items::kept_status,
                bulk_items::kept_snoozed_until,
                bulk_items::kept_closed_at,
                bulk_items::kept_priority,
            ),
            bulk_items::outcome,
        ))
        .execute(tx.write())?;
    Ok(i64::try_from(added).unwrap_or(i64::MAX))
}

/// Notes where everything of a job goes.
///
/// # Errors
/// Trouble with the database.
pub fn set_target(tx: &mut Tx, job: JobId, target: Target) -> Result<(), Failure> {
    let workspace = tx.workspace();
    diesel::update(bulk_jobs::table.filter(bulk_jobs::workspace_id.eq(workspace)).filter(bulk_jobs::id.eq(job)))
        .set(bulk_jobs::target.eq(target.print()))
        .execute(tx.write())?;
    Ok(())
}

/// Notes how many items a job has.
///
/// # Errors
/// Trouble with the database.
pub fn set_total(tx: &mut Tx, job: JobId, total: i64) -> Result<(), Failure> {
    let workspace = tx.workspace();
    diesel::update(bulk_jobs::table.filter(bulk_jobs::workspace_id.eq(workspace)).filter(bulk_jobs::id.eq(job)))
        .set(bulk_jobs::total.eq(total))
        .execute(tx.write())?;
    Ok(())
}

/// An item whose turn it is.
#[derive(Clone, Debug)]
pub struct Pending {
    /// Its place in the job.
    pub position: i64,
    /// The conversation.
    pub conversation: ConversationId,
    /// Who is to hold it.
    pub to: (Option<UserId>, Option<TeamId>),
    /// The version that it must still have.
    pub expected_version: Option<i64>,
    /// What it was before the change that is undone.
    pub kept: Kept,
}

/// What a conversation was before a change.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kept {
    /// Where it stood.
    pub status: Option<Status>,
    /// When it was to wake.
    pub snoozed_until: Option<DateTime<Utc>>,
    /// How urgent it was.
    pub priority: Option<i32>,
}

impl Pending {
    /// Whether the conversation stays with whatever team it is of when its turn comes: work that goes to a person does,
    /// unless it is spread over a team.
    #[must_use]
    pub const fn keeps_team(&self, change: Option<Change>) -> bool {
        self.to.0.is_some()
            && self.expected_version.is_none()
            && !matches!(change, Some(Change::Spread(_) | Change::Move(_)))
    }
}

/// The next items after a place, in order. Places are numbered from 1 and worked off in order: as many as have an outcome are the first.
///
/// # Errors
/// Trouble with the database.
pub fn list_pending(rx: &mut Rx, job: JobId, after: i64, limit: i64) -> Result<Vec<Pending>, Failure> {
    type KeptColumns = (Option<String>, Option<At>, Option<i32>);
    type Columns = (i64, i64, Option<UserId>, Option<TeamId>, Option<i64>, KeptColumns);
    let rows: Vec<Columns> = bulk_items::table
        .filter(bulk_items::workspace_id.eq(rx.workspace()))
        .filter(bulk_items::job_id.eq(job))
        .filter(bulk_items::position.gt(after))
        .filter(bulk_items::outcome.eq(Outcome::Pending.as_str()))
        .order(bulk_items::position)
        .limit(limit)
        .select((
            bulk_items::position,
            bulk_items::conversation_id,
            bulk_items::to_user_id,
            bulk_items::to_team_id,
            bulk_items::expected_version,
            (bulk_items::kept_status, bulk_items::kept_snoozed_until, bulk_items::kept_priority),
        ))
        .load(rx.conn)?;
    Ok(rows
        .into_iter()
        .map(|(position, conversation, user, team, expected_version, (status, until, priority))| Pending {
            position,
            conversation: ConversationId(conversation),
            to: (user, team),
            expected_version,
            kept: Kept {
                status: status.as_deref().and_then(Status::parse),
                snoozed_until: until.map(DateTime::from),
                priority,
            },
        })
        .collect())
}

/// Gives items their outcome, but for those that are done; says between which places those stand. Items are handed out in
/// order, so every other one there has its outcome by now.
///
/// # Errors
/// Trouble with the database.
pub(super) fn set_outcomes(
    tx: &mut Tx,
    job: JobId,
    outcomes: &HashMap<Outcome, Vec<i64>>,
) -> Result<Option<(i64, i64)>, Failure> {
    for (outcome, positions) in outcomes.iter().filter(|(outcome, _)| **outcome != Outcome::Done) {
        let workspace = tx.workspace();
        diesel::update(
            bulk_items::table
                .filter(bulk_items::workspace_id.eq(workspace))
                .filter(bulk_items::job_id.eq(job))
                .filter(bulk_items::position.eq_any(positions)),
        )
        .set(bulk_items::outcome.eq(outcome.as_str()))
        .execute(tx.write())?;
    }
    let done = outcomes.get(&Outcome::Done).map(Vec::as_slice).unwrap_or_default();
    Ok(done.iter().min().copied().zip(done.iter().max().copied()))
}

/// Lets a chunk be committed without waiting for the disk. A chunk is one transaction with the numbers that the job goes on
/// from: if the machine fails before it is on the disk, it is as if it had not been done, and is done again. What is
/// committed afterwards, last of all that the task is done, is on the disk only together with all that came before.
///
/// # Errors
/// Trouble with the database.
pub fn hurry(tx: &mut Tx) -> Result<(), Failure> {
    match tx.locking() {
        // SQLite does not wait at a commit anyway.
        AnyConn::Sqlite(_) => Ok(()),
        AnyConn::Pg(conn) => Ok(conn.batch_execute("SET LOCAL synchronous_commit = off")?),
    }
}

/// Gives items their outcome. For those that are done, notes who held them, gives them to their new holder and writes
/// an event for each; the conversations are locked by the caller.
///
/// # Errors
/// Trouble with the database.
pub fn apply(tx: &mut Tx, job: &Job, outcomes: &HashMap<Outcome, Vec<i64>>) -> Result<(), Failure> {
    let Some((first, last)) = set_outcomes(tx, job.id, outcomes)? else { return Ok(()) };
    let change = job.change;
    note_done(tx, job.id, change, first, last)?;
    move_conversations(tx, job.id, first, last)?;
    insert_events(tx, job.id, first, last)
}

fn note_done(tx: &mut Tx, job: JobId, change: Option<Change>, first: i64, last: i64) -> Result<(), Failure> {
    // As `Pending::keeps_team`: the team may have changed since the item was pinned. SQLite numbers parameters by where
    // they first stand.
    let spread = matches!(change, Some(Change::Spread(_)));
    // Whoever holds what goes to another team with its team's deletion, keeps it.
    let keeps_holder = if matches!(change, Some(Change::Move(_))) { "to_user_id = c.assignee_id, " } else { "" };
    let statement = format!(
        "UPDATE bulk_items SET outcome = 'done', from_user_id = c.assignee_id, from_team_id = c.team_id, \
         {keeps_holder}to_team_id = CASE WHEN bulk_items.to_user_id IS NOT NULL AND bulk_items.expected_version IS NULL AND NOT $1 \
         THEN c.team_id ELSE bulk_items.to_team_id END, \
         version_after = c.version + 1 FROM conversations c \
         WHERE bulk_items.job_id = $2 AND bulk_items.position BETWEEN $3 AND $4 AND bulk_items.outcome = 'pending' \
         AND c.id = bulk_items.conversation_id"
    );
    diesel::sql_query(statement)
        .bind::<Bool, _>(spread)
        .bind::<Guid, _>(job)
        .bind::<BigInt, _>(first)
        .bind::<BigInt, _>(last)
        .execute(tx.write())?;
    Ok(())
}

fn move_conversations(tx: &mut Tx, job: JobId, first: i64, last: i64) -> Result<(), Failure> {
    let statement = "UPDATE conversations SET assignee_id = i.to_user_id, team_id = i.to_team_id, \
         version = i.version_after FROM bulk_items i \
         WHERE i.job_id = $1 AND i.position BETWEEN $2 AND $3 AND i.outcome = 'done' \
         AND conversations.id = i.conversation_id";
    diesel::sql_query(statement)
        .bind::<Guid, _>(job)
        .bind::<BigInt, _>(first)
        .bind::<BigInt, _>(last)
        .execute(tx.write())?;
    Ok(())
}

fn insert_events(tx: &mut Tx, job: JobId, first: i64, last: i64) -> Result<(), Failure> {
    let scope = tx.scope().clone();
    // SQLite numbers parameters by where they first stand, so they stand in the order in which they are bound.
    let statement = "INSERT INTO audit_events (workspace_id, at, actor_kind, actor_id, cause, job_id, name, \
         subject_kind, conversation_id, from_user_id, to_user_id, from_team_id, to_team_id, details, address) \
         SELECT i.workspace_id, $1, $2, $3, $4, i.job_id, $5, 'conversation', i.conversation_id, i.from_user_id, \
         i.to_user_id, i.from_team_id, i.to_team_id, '{}', $6 FROM bulk_items i \
         WHERE i.job_id = $7 AND i.position BETWEEN $8 AND $9 AND i.outcome = 'done' ORDER BY i.position";
    let user = scope.actor.user();
    let now = At(tx.now());
    diesel::sql_query(statement)
        .bind::<Instant, _>(now)
        .bind::<Text, _>(if user.is_some() { ACTOR_USER } else { ACTOR_SYSTEM })
        .bind::<Nullable<Guid>, _>(user)
        .bind::<Text, _>(Cause::Job(job).as_str())
        .bind::<Text, _>(CONVERSATION_ASSIGNED)
        .bind::<Nullable<Text>, _>(scope.address)
        .bind::<Guid, _>(job)
        .bind::<BigInt, _>(first)
        .bind::<BigInt, _>(last)
        .execute(tx.write())?;
    Ok(())
}

/// Adds what a chunk did to the job's numbers, and ends the job with its last item; says whether it ended.
///
/// # Errors
/// Trouble with the database.
pub fn set_progress(tx: &mut Tx, job: &Job, done: i64, skipped: i64) -> Result<bool, Failure> {
    let (workspace, now) = (tx.workspace(), At(tx.now()));
    let (done, skipped) = (job.done + done, job.skipped + skipped);
    let ended = done + skipped >= job.total;
    diesel::update(bulk_jobs::table.filter(bulk_jobs::workspace_id.eq(workspace)).filter(bulk_jobs::id.eq(job.id)))
        .set((
            bulk_jobs::done.eq(done),
            bulk_jobs::skipped.eq(skipped),
            bulk_jobs::state.eq(if ended { "done" } else { "running" }),
            bulk_jobs::finished_at.eq(ended.then_some(now)),
        ))
        .execute(tx.write())?;
    Ok(ended)
}
