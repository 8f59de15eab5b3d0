//! For how long former users are kept, and whose time is over (E-3).

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::db::{Ax, Rx, Tx};
use super::schema::{users, workspaces};
use super::types::At;
use crate::domain::ids::{UserId, WorkspaceId};
use crate::domain::users::Status;
use crate::failure::Failure;

/// For how long a workspace keeps former users (E-3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Retention {
    /// So many years; `None` says nothing about it.
    pub years: Option<i32>,
    /// Whether they are deleted by themselves afterwards.
    pub by_itself: bool,
}

impl Retention {
    /// After how many years former users are deleted by themselves, if they are.
    #[must_use]
    pub fn deletes(self) -> Option<i32> {
        self.years.filter(|_| self.by_itself)
    }
}

/// What the workspace has set.
///
/// # Errors
/// Trouble with the database.
pub fn find(rx: &mut Rx) -> Result<Retention, Failure> {
    let (years, by_itself) = workspaces::table
        .filter(workspaces::id.eq(rx.workspace()))
        .select((workspaces::retention_years, workspaces::retention_deletes))
        .first(rx.conn)?;
    Ok(Retention { years, by_itself })
}

/// The workspaces that delete former users by themselves.
///
/// # Errors
/// Trouble with the database.
pub fn list_workspaces(ax: &mut Ax) -> Result<Vec<WorkspaceId>, Failure> {
    Ok(workspaces::table
        .filter(workspaces::retention_years.is_not_null())
        .filter(workspaces::retention_deletes.eq(true))
        .order(workspaces::id)
        .select(workspaces::id)
        .load(ax.conn)?)
}

/// Former users who are not expected back, who left first first.
///
/// # Errors
/// Trouble with the database.
pub fn list_former(rx: &mut Rx) -> Result<Vec<UserId>, Failure> {
    Ok(users::table
        .filter(users::workspace_id.eq(rx.workspace()))
        .filter(users::former_since.is_not_null())
        .filter(users::status.eq_any([Status::Inactive.as_str(), Status::Removed.as_str()]))
        .filter(users::returns_at.is_null())
        .order((users::former_since, users::id))
        .select(users::id)
        .load(rx.conn)?)
}

/// What retention needs to know of a former user.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Former {
    /// Since when they are one.
    pub since: DateTime<Utc>,
    /// When the Owners were told that they will be deleted.
    pub announced_at: Option<DateTime<Utc>>,
}

/// The same, locked; `None` for somebody who is no former user, or is expected back.
///
/// # Errors
/// [`Failure::NotFound`], or trouble with the database.
pub fn lock_former(tx: &mut Tx, id: UserId) -> Result<Option<Former>, Failure> {
    let user = super::users::lock(tx, id)?;
    if !matches!(user.status, Status::Inactive | Status::Removed) {
        return Ok(None);
    }
    let (since, announced, returns): (Option<At>, Option<At>, Option<At>) = users::table
        .filter(users::workspace_id.eq(tx.workspace()))
        .filter(users::id.eq(id))
        .select((users::former_since, users::deletion_announced_at, users::returns_at))
        .first(tx.conn)?;
    let former = |since: At| Former { since: since.0, announced_at: announced.map(DateTime::from) };
    Ok(since.filter(|_| returns.is_none()).map(former))
}

/// Forgets whose deletion was announced: what was said then is not what is to happen now.
///
/// # Errors
/// Trouble with the database.
pub fn clear_announced(tx: &mut Tx) -> Result<(), Failure> {
    let workspace = tx.workspace();
    let announced =
        users::table.filter(users::workspace_id.eq(workspace)).filter(users::deletion_announced_at.is_not_null());
    diesel::update(announced).set(users::deletion_announced_at.eq(None::<At>)).execute(tx.write())?;
    Ok(())
}

/// Notes that the Owners are told just now that a former user will be deleted.
///
/// # Errors
/// Trouble with the database.
pub fn set_announced(tx: &mut Tx, id: UserId) -> Result<(), Failure> {
    let (workspace, now) = (tx.workspace(), At(tx.now()));
    diesel::update(users::table.filter(users::workspace_id.eq(workspace)).filter(users::id.eq(id)))
        .set(users::deletion_announced_at.eq(now))
        .execute(tx.write())?;
    Ok(())
}
