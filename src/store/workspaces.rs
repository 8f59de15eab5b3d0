//! Workspaces.

use diesel::prelude::*;

use super::db::{Rx, Tx, load_locked};
use super::errors::{UniqueKey, unique_key};
use super::schema::{rosters, workspaces};
use super::types::At;
use crate::domain::ids::{ConversationNumber, WorkspaceId};
use crate::domain::workspaces::{INVITE_DAYS, Settings, UNDO_HOURS, Workspace, WorkspaceRefusal};
use crate::failure::Failure;

pub(super) type Row = (WorkspaceId, String, String, String, String, String, i32, i32, Option<i32>, bool, i64);

pub(super) const COLUMNS: (
    workspaces::id,
    workspaces::slug,
    workspaces::name,
    workspaces::time_zone,
    workspaces::sender_name,
    workspaces::support_contact,
    workspaces::invite_days,
    workspaces::undo_hours,
    workspaces::retention_years,
    workspaces::retention_deletes,
    workspaces::version,
) = (
    workspaces::id,
    workspaces::slug,
    workspaces::name,
    workspaces::time_zone,
    workspaces::sender_name,
    workspaces::support_contact,
    workspaces::invite_days,
    workspaces::undo_hours,
    workspaces::retention_years,
    workspaces::retention_deletes,
    workspaces::version,
);

pub(super) fn read(row: Row) -> Result<Workspace, Failure> {
    let (id, slug, name, time_zone, sender_name, support_contact, invite_days, undo_hours, years, deletes, version) =
        row;
    let time_zone = time_zone.parse().map_err(|_| Failure::Corrupt("workspaces.time_zone", time_zone.clone()))?;
    Ok(Workspace {
        id,
        slug,
        name,
        time_zone,
        sender_name,
        support_contact,
        invite_days,
        undo_hours,
        retention_years: years,
        retention_deletes: deletes,
        version,
    })
}

/// The workspace that this handle reads in.
///
/// # Errors
/// Trouble with the database.
pub fn this(rx: &mut Rx) -> Result<Workspace, Failure> {
    let row: Row = workspaces::table.filter(workspaces::id.eq(rx.workspace())).select(COLUMNS).first(rx.conn)?;
    read(row)
}

/// The same, and the stamp of its roster.
///
/// # Errors
/// Trouble with the database.
pub(super) fn find_stamped(rx: &mut Rx) -> Result<(Workspace, i64), Failure> {
    let (row, stamp): (Row, i64) = workspaces::table
        .inner_join(rosters::table.on(rosters::workspace_id.eq(workspaces::id)))
        .filter(workspaces::id.eq(rx.workspace()))
        .select((COLUMNS, rosters::stamp))
        .first(rx.conn)?;
    Ok((read(row)?, stamp))
}

/// Adds the workspace that this unit of work is in.
///
/// # Errors
/// [`WorkspaceRefusal::SlugTaken`], or trouble with the database.
pub fn insert(tx: &mut Tx, slug: &str, name: &str, time_zone: &str, support_contact: &str) -> Result<(), Failure> {
    let (id, now) = (tx.workspace(), At(tx.now()));
    diesel::insert_into(workspaces::table)
        .values((
            workspaces::id.eq(id),
            workspaces::slug.eq(slug),
            workspaces::name.eq(name),
            workspaces::time_zone.eq(time_zone),
            workspaces::sender_name.eq(name),
            workspaces::support_contact.eq(support_contact),
            workspaces::invite_days.eq(INVITE_DAYS),
            workspaces::undo_hours.eq(UNDO_HOURS),
            workspaces::next_conversation.eq(1),
            workspaces::created_at.eq(now),
        ))
        .execute(tx.write())
        .map_err(|error| match unique_key(&error) {
            Some(UniqueKey::WorkspaceSlug) => WorkspaceRefusal::SlugTaken(slug.to_owned()).into(),
            _ => Failure::from(error),
        })?;
    Ok(())
}

/// The workspace, locked until the end of the unit of work.
///
/// # Errors
/// Trouble with the database.
pub fn lock(tx: &mut Tx) -> Result<Workspace, Failure> {
    let id = tx.workspace();
    let rows: Vec<Row> = load_locked!(tx, Row, workspaces::table.filter(workspaces::id.eq(id)).select(COLUMNS))?;
    rows.into_iter().next().map(read).ok_or(Failure::NotFound)?
}

/// Changes the settings.
///
/// # Errors
/// Trouble with the database.
pub fn set_settings(tx: &mut Tx, settings: &Settings) -> Result<(), Failure> {
    let id = tx.workspace();
    diesel::update(workspaces::table.filter(workspaces::id.eq(id)))
        .set((
            workspaces::name.eq(&settings.name),
            workspaces::time_zone.eq(settings.time_zone.name()),
            workspaces::sender_name.eq(&settings.sender_name),
            workspaces::support_contact.eq(&settings.support_contact),
            workspaces::invite_days.eq(settings.invite_days),
            workspaces::undo_hours.eq(settings.undo_hours),
            workspaces::retention_years.eq(settings.retention_years),
            workspaces::retention_deletes.eq(settings.retention_deletes),
            workspaces::version.eq(workspaces::version + 1),
        ))
        .execute(tx.write())?;
    Ok(())
}

/// Takes `count` conversation numbers; says the first of them.
///
/// # Errors
/// Trouble with the database.
pub fn take_numbers(tx: &mut Tx, count: i64) -> Result<ConversationNumber, Failure> {
    let id = tx.workspace();
    let next: i64 = diesel::update(workspaces::table.filter(workspaces::id.eq(id)))
        .set(workspaces::next_conversation.eq(workspaces::next_conversation + count))
        .returning(workspaces::next_conversation)
        .get_result(tx.write())?;
    Ok(ConversationNumber(next - count))
}
