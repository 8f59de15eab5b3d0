//! Unsent answers, one for each user and conversation.

use diesel::dsl::auto_type;
use diesel::prelude::*;

use super::db::{Rx, Tx, insert_new, load_locked};
use super::schema::drafts;
use super::types::At;
use crate::domain::drafts::Draft;
use crate::domain::ids::{ConversationId, UserId, WorkspaceId};
use crate::failure::Failure;

#[derive(Queryable, Selectable)]
#[diesel(table_name = drafts)]
struct Row {
    author_id: UserId,
    body: String,
    is_note: bool,
    version: i64,
    composer: String,
    begun_by: Option<UserId>,
    updated_at: At,
    turn: i64,
}

impl From<Row> for Draft {
    fn from(row: Row) -> Self {
        Self {
            author: row.author_id,
            body: row.body,
            note: row.is_note,
            version: row.version,
            composer: row.composer,
            turn: row.turn,
            begun_by: row.begun_by,
            updated_at: row.updated_at.0,
        }
    }
}

#[auto_type]
fn ours(workspace: WorkspaceId, one: i64) -> _ {
    drafts::table.filter(drafts::workspace_id.eq(workspace)).filter(drafts::conversation_id.eq(one))
}

/// Everybody's drafts in a conversation, latest first.
///
/// # Errors
/// Trouble with the database.
pub fn list_of_conversation(rx: &mut Rx, one: ConversationId) -> Result<Vec<Draft>, Failure> {
    let rows: Vec<Row> = ours(rx.workspace(), one.0)
        .order((drafts::updated_at.desc(), drafts::author_id))
        .select(Row::as_select())
        .load(rx.conn)?;
    Ok(rows.into_iter().map(Draft::from).collect())
}

/// Somebody's draft in a conversation.
///
/// # Errors
/// Trouble with the database.
pub fn find(rx: &mut Rx, one: ConversationId, author: UserId) -> Result<Option<Draft>, Failure> {
    let row: Option<Row> = ours(rx.workspace(), one.0)
        .filter(drafts::author_id.eq(author))
        .select(Row::as_select())
        .first(rx.conn)
        .optional()?;
    Ok(row.map(Draft::from))
}

/// The same, locked until the end of the unit of work.
///
/// # Errors
/// Trouble with the database.
pub fn lock(tx: &mut Tx, one: ConversationId, author: UserId) -> Result<Option<Draft>, Failure> {
    let workspace = tx.workspace();
    let rows: Vec<Row> =
        load_locked!(tx, Row, ours(workspace, one.0).filter(drafts::author_id.eq(author)).select(Row::as_select()))?;
    Ok(rows.into_iter().next().map(Draft::from))
}

/// Keeps a draft in place of the one that was locked, if there was one; says whether it could: not if its author began one
/// in another window at the same instant.
///
/// # Errors
/// Trouble with the database.
pub fn set(tx: &mut Tx, one: ConversationId, before: Option<&Draft>, draft: &Draft) -> Result<bool, Failure> {
    let workspace = tx.workspace();
    let values = (
        drafts::is_note.eq(draft.note),
        drafts::body.eq(&draft.body),
        drafts::version.eq(draft.version),
        drafts::composer.eq(&draft.composer),
        drafts::turn.eq(draft.turn),
        drafts::begun_by.eq(draft.begun_by),
        drafts::updated_at.eq(At(draft.updated_at)),
    );
    let written = if before.is_some() {
        diesel::update(ours(workspace, one.0).filter(drafts::author_id.eq(draft.author)))
            .set(values)
            .execute(tx.write())?
    } else {
        let key =
            (drafts::workspace_id.eq(workspace), drafts::conversation_id.eq(one.0), drafts::author_id.eq(draft.author));
        insert_new!(tx.write(), drafts::table, (key, values))?
    };
    Ok(written > 0)
}

/// Throws a draft away.
///
/// # Errors
/// Trouble with the database.
pub fn delete(tx: &mut Tx, one: ConversationId, author: UserId) -> Result<(), Failure> {
    let workspace = tx.workspace();
    diesel::delete(ours(workspace, one.0).filter(drafts::author_id.eq(author))).execute(tx.write())?;
    Ok(())
}

/// Throws away whatever somebody typed and did not send (U-11).
///
/// # Errors
/// Trouble with the database.
pub fn delete_all_of(tx: &mut Tx, author: UserId) -> Result<(), Failure> {
    let workspace = tx.workspace();
    diesel::delete(drafts::table.filter(drafts::workspace_id.eq(workspace)).filter(drafts::author_id.eq(author)))
        .execute(tx.write())?;
    Ok(())
}
