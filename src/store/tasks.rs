//! Background work as rows: written with the change that needs it, claimed by one instance, repeated until it is done.

use chrono::TimeDelta;
use diesel::prelude::*;

use super::db::{AnyConn, Ax, Tx};
use super::schema::tasks;
use super::types::{AnyId, At};
use crate::domain::ids::{JobId, TaskId, WorkspaceId};
use crate::failure::Failure;

/// A piece of background work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Task {
    /// Goes on with a bulk job until it is finished.
    RunBulk(JobId),
}

impl Task {
    const fn parts(self) -> (&'static str, AnyId) {
        match self {
            Self::RunBulk(job) => ("run_bulk", AnyId(job.0)),
        }
    }

    fn read(kind: &str, subject: AnyId) -> Option<Self> {
        match kind {
            "run_bulk" => Some(Self::RunBulk(JobId(subject.0))),
            _ => None,
        }
    }
}

pub(super) fn insert(tx: &mut Tx, task: Task) -> Result<(), Failure> {
    let (id, workspace, now): (TaskId, _, _) = (tx.new_id(), tx.workspace(), At(tx.now()));
    let (kind, subject) = task.parts();
    diesel::insert_into(tasks::table)
        .values((
            tasks::id.eq(id),
            tasks::workspace_id.eq(workspace),
            tasks::kind.eq(kind),
            tasks::subject_id.eq(subject),
            tasks::run_at.eq(now),
            tasks::attempts.eq(0),
            tasks::created_at.eq(now),
        ))
        .execute(tx.write())?;
    Ok(())
}

/// A task that this instance is to do.
#[derive(Clone, Copy, Debug)]
pub struct Claimed {
    /// Its row.
    pub id: TaskId,
    /// Where.
    pub workspace: WorkspaceId,
    /// What.
    pub task: Task,
    /// How often it was tried before.
    pub attempts: i32,
}

/// How long a claim holds without being renewed. An instance that died is followed by another after that. One that is
/// only slow may be joined by another, which does no harm: each step of a task locks what it works on.
pub const CLAIM: TimeDelta = TimeDelta::seconds(10);
/// How often whoever works on a task for long renews its claim: not with every step, because each waits for the disk.
pub const RENEW_EVERY: TimeDelta = TimeDelta::seconds(3);

/// Claims the task that waits longest, if one is due.
///
/// # Errors
/// Trouble with the database.
pub fn claim(ax: &mut Ax) -> Result<Option<Claimed>, Failure> {
    let now = ax.now();
    let query = tasks::table
        .filter(tasks::run_at.le(At(now)))
        .filter(tasks::locked_until.is_null().or(tasks::locked_until.le(At(now))))
        .order((tasks::run_at, tasks::id))
        .limit(1)
        .select((tasks::id, tasks::workspace_id, tasks::kind, tasks::subject_id, tasks::attempts));
    type Row = (TaskId, WorkspaceId, String, AnyId, i32);
    let found: Vec<Row> = match ax.conn {
        AnyConn::Sqlite(conn) => query.load(conn)?,
        AnyConn::Pg(conn) => query.for_update().skip_locked().load(conn)?,
    };
    let Some((id, workspace, kind, subject, attempts)) = found.into_iter().next() else {
        return Ok(None);
    };
    let task = Task::read(&kind, subject).ok_or_else(|| Failure::Corrupt("tasks.kind", kind.clone()))?;
    diesel::update(tasks::table.filter(tasks::id.eq(id)))
        .set((tasks::locked_until.eq(At(now + CLAIM)), tasks::attempts.eq(attempts + 1)))
        .execute(ax.conn)?;
    Ok(Some(Claimed { id, workspace, task, attempts }))
}

/// Renews a claim.
///
/// # Errors
/// Trouble with the database.
pub fn renew(ax: &mut Ax, id: TaskId) -> Result<(), Failure> {
    let until = At(ax.now() + CLAIM);
    diesel::update(tasks::table.filter(tasks::id.eq(id))).set(tasks::locked_until.eq(until)).execute(ax.conn)?;
    Ok(())
}

/// Removes a task that is done.
///
/// # Errors
/// Trouble with the database.
pub fn delete(ax: &mut Ax, id: TaskId) -> Result<(), Failure> {
    diesel::delete(tasks::table.filter(tasks::id.eq(id))).execute(ax.conn)?;
    Ok(())
}

/// Puts a task that failed off.
///
/// # Errors
/// Trouble with the database.
pub fn postpone(ax: &mut Ax, id: TaskId, by: TimeDelta, problem: &str) -> Result<(), Failure> {
    let at = At(ax.now() + by);
    diesel::update(tasks::table.filter(tasks::id.eq(id)))
        .set((tasks::run_at.eq(at), tasks::locked_until.eq(None::<At>), tasks::problem.eq(problem)))
        .execute(ax.conn)?;
    Ok(())
}

/// How many tasks wait or run.
///
/// # Errors
/// Trouble with the database.
pub fn count(ax: &mut Ax) -> Result<i64, Failure> {
    Ok(tasks::table.count().get_result(ax.conn)?)
}
