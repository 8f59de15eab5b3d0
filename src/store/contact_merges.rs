//! Two contacts that become one, and what that moved.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::contacts::Contact;
use super::db::{Rx, Tx, load_locked};
use super::schema::{
    contact_addresses, contact_merge_addresses, contact_merge_conversations, contact_merges, contacts, conversations,
};
use super::types::At;
use crate::domain::ids::{ContactId, MergeId, WorkspaceId};
use crate::domain::text::key;
use crate::failure::Failure;

/// Two contacts that became one.
#[derive(Clone, Copy, Debug)]
pub struct Merge {
    /// Its id.
    pub id: MergeId,
    /// Who stayed.
    pub kept: ContactId,
    /// Who went into them.
    pub merged: ContactId,
    /// When.
    pub at: DateTime<Utc>,
    /// Whether it was taken back.
    pub undone: bool,
}

#[diesel::dsl::auto_type]
fn ours(workspace: WorkspaceId) -> _ {
    contact_merges::table.filter(contact_merges::workspace_id.eq(workspace))
}

type Row = (MergeId, ContactId, ContactId, At, Option<At>);

fn read((id, kept, merged, at, undone): Row) -> Merge {
    Merge { id, kept, merged, at: at.0, undone: undone.is_some() }
}

const COLUMNS: (
    contact_merges::id,
    contact_merges::kept_id,
    contact_merges::merged_id,
    contact_merges::merged_at,
    contact_merges::undone_at,
) = (
    contact_merges::id,
    contact_merges::kept_id,
    contact_merges::merged_id,
    contact_merges::merged_at,
    contact_merges::undone_at,
);

/// The merges into a contact since then that were not taken back, latest first.
///
/// # Errors
/// Trouble with the database.
pub fn list_of(rx: &mut Rx, kept: ContactId, since: DateTime<Utc>) -> Result<Vec<Merge>, Failure> {
    let rows: Vec<Row> = ours(rx.workspace())
        .filter(contact_merges::kept_id.eq(kept))
        .filter(contact_merges::merged_at.ge(At(since)))
        .filter(contact_merges::undone_at.is_null())
        .order((contact_merges::merged_at.desc(), contact_merges::id.desc()))
        .select(COLUMNS)
        .load(rx.conn)?;
    Ok(rows.into_iter().map(read).collect())
}

/// A merge, as it is found.
///
/// # Errors
/// Trouble with the database.
pub fn find(rx: &mut Rx, id: MergeId) -> Result<Option<Merge>, Failure> {
    let row: Option<Row> =
        ours(rx.workspace()).filter(contact_merges::id.eq(id)).select(COLUMNS).first(rx.conn).optional()?;
    Ok(row.map(read))
}

/// A merge, locked until the end of the unit of work.
///
/// # Errors
/// [`Failure::NotFound`], or trouble with the database.
pub fn lock(tx: &mut Tx, id: MergeId) -> Result<Merge, Failure> {
    let workspace = tx.workspace();
    let rows: Vec<Row> = load_locked!(tx, Row, ours(workspace).filter(contact_merges::id.eq(id)).select(COLUMNS))?;
    rows.into_iter().next().map(read).ok_or(Failure::NotFound)
}

/// Moves everything of a locked contact to another locked one, and notes what was moved; says how many conversations.
///
/// # Errors
/// Trouble with the database.
pub fn insert(tx: &mut Tx, kept: ContactId, merged: &Contact) -> Result<(MergeId, usize), Failure> {
    let (id, workspace, now): (MergeId, _, _) = (tx.new_id(), tx.workspace(), At(tx.now()));
    diesel::insert_into(contact_merges::table)
        .values((
            contact_merges::id.eq(id),
            contact_merges::workspace_id.eq(workspace),
            contact_merges::kept_id.eq(kept),
            contact_merges::merged_id.eq(merged.id),
            contact_merges::merged_at.eq(now),
        ))
        .execute(tx.write())?;
    note_conversations(tx, id, merged.id)?;
    let moved = move_conversations(tx, id, merged.id, kept)?;
    let keys: Vec<String> = contact_addresses::table
        .filter(contact_addresses::workspace_id.eq(workspace))
        .filter(contact_addresses::contact_id.eq(merged.id))
        .select(contact_addresses::email_key)
        .load(tx.conn)?;
    let rows: Vec<_> = keys
        .into_iter()
        .map(|key| {
            (
                contact_merge_addresses::merge_id.eq(id),
                contact_merge_addresses::email_key.eq(key),
                contact_merge_addresses::workspace_id.eq(workspace),
            )
        })
        .collect();
    super::db::insert_in_parts!(tx, contact_merge_addresses::table, 3, rows);
    let last: Option<i32> = contact_addresses::table
        .filter(contact_addresses::workspace_id.eq(workspace))
        .filter(contact_addresses::contact_id.eq(kept))
        .select(diesel::dsl::max(contact_addresses::position))
        .first(tx.conn)?;
    diesel::update(
        contact_addresses::table
            .filter(contact_addresses::workspace_id.eq(workspace))
            .filter(contact_addresses::contact_id.eq(merged.id)),
    )
    .set((
        contact_addresses::contact_id.eq(kept),
        contact_addresses::position.eq(contact_addresses::position + (last.unwrap_or(0) + 1)),
    ))
    .execute(tx.write())?;
    // The row stays, so that links to it lead on; its address is free for the other one.
    diesel::update(contacts::table.filter(contacts::workspace_id.eq(workspace)).filter(contacts::id.eq(merged.id)))
        .set((
            contacts::merged_into.eq(kept),
            contacts::email_key.eq(format!("merged {}", merged.id)),
            contacts::version.eq(merged.version + 1),
        ))
        .execute(tx.write())?;
    Ok((id, moved))
}

fn note_conversations(tx: &mut Tx, id: MergeId, of: ContactId) -> Result<(), Failure> {
    let workspace = tx.workspace();
    let all = conversations::table
        .filter(conversations::workspace_id.eq(workspace))
        .filter(conversations::contact_id.eq(of))
        .select(conversations::id);
    let all: Vec<i64> = all.load(tx.conn)?;
    let rows: Vec<_> = all
        .into_iter()
        .map(|conversation| {
            (
                contact_merge_conversations::merge_id.eq(id),
                contact_merge_conversations::conversation_id.eq(conversation),
                contact_merge_conversations::workspace_id.eq(workspace),
            )
        })
        .collect();
    super::db::insert_in_parts!(tx, contact_merge_conversations::table, 3, rows);
    Ok(())
}

/// Gives the noted conversations of one contact to another.
fn move_conversations(tx: &mut Tx, id: MergeId, from: ContactId, to: ContactId) -> Result<usize, Failure> {
    let workspace = tx.workspace();
    Ok(diesel::update(
        conversations::table
            .filter(conversations::workspace_id.eq(workspace))
            .filter(conversations::contact_id.eq(from))
            .filter(
                conversations::id.eq_any(
                    contact_merge_conversations::table
                        .filter(contact_merge_conversations::merge_id.eq(id))
                        .select(contact_merge_conversations::conversation_id),
                ),
            ),
    )
    .set(conversations::contact_id.eq(to))
    .execute(tx.write())?)
}

/// Puts a locked merge back: addresses and conversations that are still where it moved them. Says how many conversations,
/// or nothing if no address is left to go back to.
///
/// # Errors
/// Trouble with the database.
pub fn set_undone(tx: &mut Tx, merge: &Merge, merged: &Contact, primary: &str) -> Result<Option<usize>, Failure> {
    let (workspace, now) = (tx.workspace(), At(tx.now()));
    let back = contact_addresses::table
        .filter(contact_addresses::workspace_id.eq(workspace))
        .filter(contact_addresses::contact_id.eq(merge.kept))
        .filter(
            contact_addresses::email_key.eq_any(
                contact_merge_addresses::table
                    .filter(contact_merge_addresses::workspace_id.eq(workspace))
                    .filter(contact_merge_addresses::merge_id.eq(merge.id))
                    .select(contact_merge_addresses::email_key),
            ),
        )
        .filter(contact_addresses::email_key.ne(key(primary)));
    let emails: Vec<String> =
        back.clone().order(contact_addresses::position).select(contact_addresses::email).load(tx.conn)?;
    let own = emails.iter().find(|email| key(email) == key(&merged.email)).or_else(|| emails.first());
    let Some(email) = own.cloned() else { return Ok(None) };
    diesel::update(back).set(contact_addresses::contact_id.eq(merge.merged)).execute(tx.write())?;
    diesel::update(
        contact_addresses::table
            .filter(contact_addresses::workspace_id.eq(workspace))
            .filter(contact_addresses::email_key.eq(key(&email))),
    )
    .set(contact_addresses::position.eq(-1))
    .execute(tx.write())?;
    diesel::update(contacts::table.filter(contacts::workspace_id.eq(workspace)).filter(contacts::id.eq(merge.merged)))
        .set((
            contacts::merged_into.eq(None::<ContactId>),
            contacts::email.eq(&email),
            contacts::email_key.eq(key(&email)),
            contacts::version.eq(merged.version + 1),
        ))
        .execute(tx.write())?;
    let moved = move_conversations(tx, merge.id, merge.kept, merge.merged)?;
    diesel::update(
        contact_merges::table
            .filter(contact_merges::workspace_id.eq(workspace))
            .filter(contact_merges::id.eq(merge.id)),
    )
    .set(contact_merges::undone_at.eq(now))
    .execute(tx.write())?;
    Ok(Some(moved))
}
