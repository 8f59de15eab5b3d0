//! The rule for people who stop coming, and whom it could hit (G-1 … G-3). Every query is narrowed to one workspace.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::db::{Rx, Tx, load_locked};
use super::schema::{users, workspaces};
use super::types::At;
use crate::domain::ids::{RoleId, UserId};
use crate::domain::inactivity::{Rule, Standing};
use crate::domain::users::{Name, Status};
use crate::failure::Failure;

/// The rule with the roles that it is, or was last, about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// After how many days without activity; `None` is never.
    pub days: Option<i32>,
    /// The roles.
    pub roles: Vec<RoleId>,
    /// When it is to be looked at next.
    pub next_at: Option<DateTime<Utc>>,
}

impl Kept {
    /// The rule, if it is on.
    #[must_use]
    pub fn rule(&self) -> Option<Rule> {
        Some(Rule { days: self.days?, roles: self.roles.clone() })
    }
}

type Row = (Option<i32>, String, Option<At>);

fn read((days, roles, next_at): Row) -> Result<Kept, Failure> {
    let roles =
        serde_json::from_str(&roles).map_err(|_| Failure::Corrupt("workspaces.inactivity_roles", roles.clone()))?;
    Ok(Kept { days, roles, next_at: next_at.map(DateTime::from) })
}

/// The rule of this workspace.
///
/// # Errors
/// Trouble with the database.
pub fn find(rx: &mut Rx) -> Result<Kept, Failure> {
    let row: Row = workspaces::table
        .filter(workspaces::id.eq(rx.workspace()))
        .select((workspaces::inactivity_days, workspaces::inactivity_roles, workspaces::inactivity_next_at))
        .first(rx.conn)?;
    read(row)
}

/// Sets the rule, and when it is looked at next.
///
/// # Errors
/// Trouble with the database.
pub fn set(tx: &mut Tx, days: Option<i32>, roles: &[RoleId], next_at: Option<DateTime<Utc>>) -> Result<(), Failure> {
    let id = tx.workspace();
    let roles = serde_json::to_string(roles).map_err(|_| Failure::Bug("ids are not JSON"))?;
    diesel::update(workspaces::table.filter(workspaces::id.eq(id)))
        .set((
            workspaces::inactivity_days.eq(days),
            workspaces::inactivity_roles.eq(roles),
            workspaces::inactivity_next_at.eq(next_at.map(At)),
            workspaces::version.eq(workspaces::version + 1),
        ))
        .execute(tx.write())?;
    Ok(())
}

/// Says when the rule is looked at next, if it is still due since `since`: of two instances one does, and a rule that was
/// changed meanwhile stays due.
///
/// # Errors
/// Trouble with the database.
pub fn set_next(tx: &mut Tx, since: DateTime<Utc>, next_at: DateTime<Utc>) -> Result<bool, Failure> {
    let id = tx.workspace();
    let same = workspaces::inactivity_next_at.eq(At(since));
    let changed = diesel::update(workspaces::table.filter(workspaces::id.eq(id)).filter(same))
        .set(workspaces::inactivity_next_at.eq(At(next_at)))
        .execute(tx.write())?;
    Ok(changed == 1)
}

/// Somebody who could be hit.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Who.
    pub id: UserId,
    /// Their names.
    pub name: Name,
    /// Their address.
    pub email: String,
    /// When they last did something, if ever.
    pub last_seen_at: Option<DateTime<Utc>>,
    /// What the rule needs to know.
    pub standing: Standing,
}

type CandidateRow = (UserId, String, String, String, Option<At>, At, Option<At>, Option<At>);

fn candidate(row: CandidateRow, roles: &mut HashMap<UserId, Vec<RoleId>>) -> Candidate {
    let (id, full, display, email, seen, since, warned, leaves) = row;
    Candidate {
        id,
        name: Name { full, display },
        email,
        last_seen_at: seen.map(DateTime::from),
        standing: Standing {
            active_at: seen.map_or(since.0, |seen| seen.0.max(since.0)),
            warned_at: warned.map(DateTime::from),
            is_leaving: leaves.is_some(),
            roles: roles.remove(&id).unwrap_or_default(),
        },
    }
}

const COLUMNS: (
    users::id,
    users::full_name,
    users::display_name,
    users::email,
    users::last_seen_at,
    users::status_changed_at,
    users::inactivity_warned_at,
    users::deactivates_at,
) = (
    users::id,
    users::full_name,
    users::display_name,
    users::email,
    users::last_seen_at,
    users::status_changed_at,
    users::inactivity_warned_at,
    users::deactivates_at,
);

/// Active users who did nothing since, or who are warned: only they can be concerned. By name.
///
/// # Errors
/// Trouble with the database.
pub fn list_candidates(rx: &mut Rx, since: DateTime<Utc>) -> Result<Vec<Candidate>, Failure> {
    let idle = users::status_changed_at
        .le(At(since))
        .and(users::last_seen_at.is_null().or(users::last_seen_at.assume_not_null().le(At(since))));
    let rows: Vec<CandidateRow> = users::table
        .filter(users::workspace_id.eq(rx.workspace()))
        .filter(users::status.eq(Status::Active.as_str()))
        .filter(idle.or(users::inactivity_warned_at.is_not_null()))
        .order((users::name_key, users::id))
        .select(COLUMNS)
        .load(rx.conn)?;
    let ids: Vec<UserId> = rows.iter().map(|row| row.0).collect();
    let mut roles = super::roles::list_of_users(rx, &ids)?;
    Ok(rows.into_iter().map(|row| candidate(row, &mut roles)).collect())
}

/// One of them, locked until the end of the unit of work; `None` if they cannot log in any more.
///
/// # Errors
/// Trouble with the database.
pub fn lock_candidate(tx: &mut Tx, id: UserId) -> Result<Option<Candidate>, Failure> {
    let workspace = tx.workspace();
    let rows: Vec<CandidateRow> = load_locked!(
        tx,
        CandidateRow,
        users::table
            .filter(users::workspace_id.eq(workspace))
            .filter(users::id.eq(id))
            .filter(users::status.eq(Status::Active.as_str()))
            .select(COLUMNS)
    )?;
    let mut roles = super::roles::list_of_users(tx, &[id])?;
    Ok(rows.into_iter().next().map(|row| candidate(row, &mut roles)))
}

/// Notes when somebody was warned, or that no warning stands.
///
/// # Errors
/// Trouble with the database.
pub fn set_warned(tx: &mut Tx, id: UserId, at: Option<DateTime<Utc>>) -> Result<(), Failure> {
    let workspace = tx.workspace();
    diesel::update(users::table.filter(users::workspace_id.eq(workspace)).filter(users::id.eq(id)))
        .set(users::inactivity_warned_at.eq(at.map(At)))
        .execute(tx.write())?;
    Ok(())
}

/// Voids all warnings: the rule is off.
///
/// # Errors
/// Trouble with the database.
pub fn delete_warnings(tx: &mut Tx) -> Result<(), Failure> {
    let workspace = tx.workspace();
    diesel::update(
        users::table.filter(users::workspace_id.eq(workspace)).filter(users::inactivity_warned_at.is_not_null()),
    )
    .set(users::inactivity_warned_at.eq(None::<At>))
    .execute(tx.write())?;
    Ok(())
}
