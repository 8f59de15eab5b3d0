//! Tags and what is marked with them.

use std::collections::HashMap;

use diesel::dsl::auto_type;
use diesel::prelude::*;

use super::among::load_among;
use super::db::{Rx, Tx, insert_new};
use super::schema::{conversation_tags, tags};
use crate::domain::ids::{ConversationId, TagId, WorkspaceId};
use crate::failure::Failure;

#[auto_type]
fn ours(workspace: WorkspaceId) -> _ {
    tags::table.filter(tags::workspace_id.eq(workspace))
}

/// All tags, by name.
///
/// # Errors
/// Trouble with the database.
pub fn list(rx: &mut Rx) -> Result<Vec<(TagId, String)>, Failure> {
    Ok(ours(rx.workspace()).order((tags::name_key, tags::id)).select((tags::id, tags::name)).load(rx.conn)?)
}

/// The tag of this name; made if there is none.
///
/// # Errors
/// Trouble with the database.
pub fn find_or_insert(tx: &mut Tx, name: &str) -> Result<TagId, Failure> {
    let (id, workspace): (TagId, _) = (tx.new_id(), tx.workspace());
    let key = crate::domain::text::key(name);
    insert_new!(
        tx.write(),
        tags::table,
        (tags::id.eq(id), tags::workspace_id.eq(workspace), tags::name.eq(name), tags::name_key.eq(&key))
    )?;
    Ok(ours(workspace).filter(tags::name_key.eq(key)).select(tags::id).first(tx.conn)?)
}

/// What some conversations are marked with. Names are not looked up: whoever shows a list knows all tags of the workspace.
///
/// # Errors
/// Trouble with the database.
pub fn list_of_conversations(
    rx: &mut Rx,
    conversations: &[ConversationId],
) -> Result<HashMap<ConversationId, Vec<TagId>>, Failure> {
    let ids: Vec<i64> = conversations.iter().map(|id| id.0).collect();
    let workspace = rx.workspace();
    let rows = load_among!(
        rx.conn,
        (i64, TagId),
        conversation_tags::table
            .filter(conversation_tags::workspace_id.eq(workspace))
            .select((conversation_tags::conversation_id, conversation_tags::tag_id)),
        conversation_tags::conversation_id,
        &ids
    )?;
    let mut marked: HashMap<ConversationId, Vec<TagId>> = HashMap::new();
    for (conversation, tag) in rows {
        marked.entry(ConversationId(conversation)).or_default().push(tag);
    }
    Ok(marked)
}

/// Marks a conversation; says whether it was not marked so before.
///
/// # Errors
/// Trouble with the database.
pub fn insert_on(tx: &mut Tx, conversation: ConversationId, tag: TagId) -> Result<bool, Failure> {
    let workspace = tx.workspace();
    let added = insert_new!(
        tx.write(),
        conversation_tags::table,
        (
            conversation_tags::workspace_id.eq(workspace),
            conversation_tags::conversation_id.eq(conversation.0),
            conversation_tags::tag_id.eq(tag),
        )
    )?;
    Ok(added > 0)
}

/// Takes a mark off; says whether it was there.
///
/// # Errors
/// Trouble with the database.
pub fn delete_on(tx: &mut Tx, conversation: ConversationId, tag: TagId) -> Result<bool, Failure> {
    let workspace = tx.workspace();
    let removed = diesel::delete(
        conversation_tags::table
            .filter(conversation_tags::workspace_id.eq(workspace))
            .filter(conversation_tags::conversation_id.eq(conversation.0))
            .filter(conversation_tags::tag_id.eq(tag)),
    )
    .execute(tx.write())?;
    Ok(removed > 0)
}
