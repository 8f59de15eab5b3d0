//! The dates of users' absences (U-8). Every query of this file is narrowed to one workspace.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::db::{Tx, load_locked};
use super::schema::users;
use super::types::At;
use crate::domain::absences::Absence;
use crate::domain::ids::UserId;
use crate::domain::users::{Reason, User};
use crate::failure::Failure;

/// Says why and from when to when a user is or will be away.
///
/// # Errors
/// [`Failure::Stale`] if the user changed since it was read.
pub fn set(tx: &mut Tx, user: &User, reason: Option<Reason>, absence: &Absence) -> Result<(), Failure> {
    let plan = absence.plan.moves().then(|| absence.plan.print());
    let changed = diesel::update(
        users::table
            .filter(users::workspace_id.eq(user.workspace))
            .filter(users::id.eq(user.id))
            .filter(users::version.eq(user.version)),
    )
    .set((
        users::status_reason.eq(reason.map(Reason::as_str)),
        users::status_note.eq(absence.note.as_deref()),
        users::deactivates_at.eq(absence.starts_at.map(At)),
        users::deactivation_refused_at.eq(absence.refused_at.map(At)),
        users::returns_at.eq(absence.returns_at.map(At)),
        users::absence_plan.eq(plan),
        users::absence_set_by.eq(absence.set_by),
        users::version.eq(user.version + 1),
    ))
    .execute(tx.write())?;
    if changed == 1 { Ok(()) } else { Err(Failure::Stale) }
}

/// A user with the dates of their absence: start and return.
pub type Dated = (UserId, Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// The dates that are set, by user, locked until the end of the unit of work.
///
/// # Errors
/// Trouble with the database.
pub fn lock_dates(tx: &mut Tx) -> Result<Vec<Dated>, Failure> {
    type Row = (UserId, Option<At>, Option<At>);
    let workspace = tx.workspace();
    let rows: Vec<Row> = load_locked!(
        tx,
        Row,
        users::table
            .filter(users::workspace_id.eq(workspace))
            .filter(users::deactivates_at.is_not_null().or(users::returns_at.is_not_null()))
            .order(users::id)
            .select((users::id, users::deactivates_at, users::returns_at))
    )?;
    Ok(rows
        .into_iter()
        .map(|(id, starts, returns)| (id, starts.map(DateTime::from), returns.map(DateTime::from)))
        .collect())
}

/// Moves the dates of a user's absence.
///
/// # Errors
/// Trouble with the database.
pub fn set_dates(
    tx: &mut Tx,
    id: UserId,
    starts_at: Option<DateTime<Utc>>,
    returns_at: Option<DateTime<Utc>>,
) -> Result<(), Failure> {
    let workspace = tx.workspace();
    diesel::update(users::table.filter(users::workspace_id.eq(workspace)).filter(users::id.eq(id)))
        .set((users::deactivates_at.eq(starts_at.map(At)), users::returns_at.eq(returns_at.map(At))))
        .execute(tx.write())?;
    Ok(())
}
