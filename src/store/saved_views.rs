//! Saved views.

use diesel::prelude::*;

use super::db::{Rx, Tx, load_locked};
use super::schema::saved_views;
use super::types::At;
use crate::domain::ids::{TeamId, UserId, ViewId, WorkspaceId};
use crate::domain::saved_views::{Audience, SavedView};
use crate::domain::text::key;
use crate::failure::Failure;

#[diesel::dsl::auto_type]
fn ours(workspace: WorkspaceId) -> _ {
    saved_views::table.filter(saved_views::workspace_id.eq(workspace))
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = saved_views)]
struct Row {
    id: ViewId,
    name: String,
    query: String,
    audience: String,
    team_id: Option<TeamId>,
    owner_id: UserId,
    version: i64,
}

impl Row {
    fn read(self) -> Result<SavedView, Failure> {
        let audience = match (self.audience.as_str(), self.team_id) {
            ("own", _) => Audience::Own,
            ("team", Some(team)) => Audience::Team(team),
            ("all", _) => Audience::Everybody,
            _ => return Err(Failure::Corrupt("saved_views.audience", format!("{} of {}", self.audience, self.id))),
        };
        let Self { id, name, query, owner_id: owner, version, .. } = self;
        Ok(SavedView { id, name, query, audience, owner, version })
    }
}

/// All of a workspace, by name.
///
/// # Errors
/// Trouble with the database.
pub fn list(rx: &mut Rx) -> Result<Vec<SavedView>, Failure> {
    let rows: Vec<Row> =
        ours(rx.workspace()).order((saved_views::name_key, saved_views::id)).select(Row::as_select()).load(rx.conn)?;
    rows.into_iter().map(Row::read).collect()
}

/// A view, locked until the end of the unit of work.
///
/// # Errors
/// [`Failure::NotFound`], or trouble with the database.
pub fn lock(tx: &mut Tx, id: ViewId) -> Result<SavedView, Failure> {
    let workspace = tx.workspace();
    let rows: Vec<Row> =
        load_locked!(tx, Row, ours(workspace).filter(saved_views::id.eq(id)).select(Row::as_select()))?;
    rows.into_iter().next().ok_or(Failure::NotFound)?.read()
}

/// How many somebody has saved.
///
/// # Errors
/// Trouble with the database.
pub fn count_of(rx: &mut Rx, owner: UserId) -> Result<i64, Failure> {
    Ok(ours(rx.workspace()).filter(saved_views::owner_id.eq(owner)).count().get_result(rx.conn)?)
}

/// Adds a view.
///
/// # Errors
/// Trouble with the database.
pub fn insert(tx: &mut Tx, owner: UserId, name: &str, query: &str, audience: Audience) -> Result<ViewId, Failure> {
    let (id, workspace, now): (ViewId, _, _) = (tx.new_id(), tx.workspace(), At(tx.now()));
    diesel::insert_into(saved_views::table)
        .values((
            saved_views::id.eq(id),
            saved_views::workspace_id.eq(workspace),
            saved_views::name.eq(name),
            saved_views::name_key.eq(key(name)),
            saved_views::query.eq(query),
            saved_views::audience.eq(audience.kind()),
            saved_views::team_id.eq(audience.team()),
            saved_views::owner_id.eq(owner),
            saved_views::version.eq(1),
            saved_views::created_at.eq(now),
        ))
        .execute(tx.write())?;
    Ok(id)
}

/// Changes a locked view.
///
/// # Errors
/// Trouble with the database.
pub fn set(tx: &mut Tx, view: &SavedView) -> Result<(), Failure> {
    let workspace = tx.workspace();
    diesel::update(
        saved_views::table.filter(saved_views::workspace_id.eq(workspace)).filter(saved_views::id.eq(view.id)),
    )
    .set((
        saved_views::name.eq(&view.name),
        saved_views::name_key.eq(key(&view.name)),
        saved_views::query.eq(&view.query),
        saved_views::audience.eq(view.audience.kind()),
        saved_views::team_id.eq(view.audience.team()),
        saved_views::version.eq(view.version + 1),
    ))
    .execute(tx.write())?;
    Ok(())
}

/// Deletes a view.
///
/// # Errors
/// Trouble with the database.
pub fn delete(tx: &mut Tx, id: ViewId) -> Result<(), Failure> {
    let workspace = tx.workspace();
    diesel::delete(saved_views::table.filter(saved_views::workspace_id.eq(workspace)).filter(saved_views::id.eq(id)))
        .execute(tx.write())?;
    Ok(())
}

/// Deletes what somebody who is gone for good kept for themselves alone.
///
/// # Errors
/// Trouble with the database.
pub fn delete_own_of(tx: &mut Tx, owner: UserId) -> Result<(), Failure> {
    let workspace = tx.workspace();
    diesel::delete(
        saved_views::table
            .filter(saved_views::workspace_id.eq(workspace))
            .filter(saved_views::owner_id.eq(owner))
            .filter(saved_views::audience.eq(Audience::Own.kind())),
    )
    .execute(tx.write())?;
    Ok(())
}
