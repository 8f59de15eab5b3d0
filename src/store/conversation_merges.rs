//! What moves when two conversations become one.

use diesel::prelude::*;

use super::db::{Rx, Tx, insert_in_parts};
use super::schema::{conversation_tags, conversations, messages};
use super::types::At;
use crate::domain::conversations::{Conversation, MessageKind, Status};
use crate::domain::ids::{ConversationId, ConversationNumber, TagId};
use crate::failure::Failure;

/// How many messages and how many notes a conversation has.
///
/// # Errors
/// Trouble with the database.
pub fn count_parts(rx: &mut Rx, one: ConversationId) -> Result<(i64, i64), Failure> {
    let rows: Vec<(String, i64)> = messages::table
        .filter(messages::workspace_id.eq(rx.workspace()))
        .filter(messages::conversation_id.eq(one.0))
        .group_by(messages::kind)
        .select((messages::kind, diesel::dsl::count_star()))
        .load(rx.conn)?;
    let of = |notes: bool| {
        rows.iter().filter(|(kind, _)| (kind == MessageKind::Note.as_str()) == notes).map(|(_, count)| count).sum()
    };
    Ok((of(false), of(true)))
}

/// The number of the conversation that one was merged into.
///
/// # Errors
/// Trouble with the database.
pub fn find_target(rx: &mut Rx, into: ConversationId) -> Result<Option<ConversationNumber>, Failure> {
    let number: Option<i64> = conversations::table
        .filter(conversations::workspace_id.eq(rx.workspace()))
        .filter(conversations::id.eq(into.0))
        .select(conversations::number)
        .first(rx.conn)
        .optional()?;
    Ok(number.map(ConversationNumber))
}

/// Moves messages, with their files, and tags of a locked conversation into another locked one, and makes the first a
/// pointer to the second.
///
/// # Errors
/// Trouble with the database.
pub fn set_merged(tx: &mut Tx, from: &Conversation, to: &Conversation) -> Result<(), Failure> {
    let workspace = tx.workspace();
    diesel::update(
        messages::table.filter(messages::workspace_id.eq(workspace)).filter(messages::conversation_id.eq(from.id.0)),
    )
    .set(messages::conversation_id.eq(to.id.0))
    .execute(tx.write())?;
    move_tags(tx, from.id, to.id)?;
    let ours = |id: ConversationId| {
        conversations::table.filter(conversations::workspace_id.eq(workspace)).filter(conversations::id.eq(id.0))
    };
    let newer = if from.last_activity_at > to.last_activity_at { from.id } else { to.id };
    let preview: String = ours(newer).select(conversations::preview).first(tx.conn)?;
    let waiting = match (from.waiting_since, to.waiting_since) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
    diesel::update(ours(to.id))
        .set((
            conversations::preview.eq(preview),
            conversations::priority.eq(from.priority.max(to.priority).rank()),
            conversations::waiting_since.eq(waiting.map(At)),
            conversations::last_activity_at.eq(At(from.last_activity_at.max(to.last_activity_at))),
            conversations::version.eq(to.version + 1),
        ))
        .execute(tx.write())?;
    diesel::update(ours(from.id))
        .set((
            conversations::status.eq(Status::Archived.as_str()),
            conversations::snoozed_until.eq(None::<At>),
            conversations::waiting_since.eq(None::<At>),
            conversations::closed_at.eq(None::<At>),
            conversations::merged_into.eq(to.id.0),
            conversations::version.eq(from.version + 1),
        ))
        .execute(tx.write())?;
    // What was merged into the first one earlier leads to the second at once.
    diesel::update(
        conversations::table
            .filter(conversations::workspace_id.eq(workspace))
            .filter(conversations::merged_into.eq(from.id.0)),
    )
    .set(conversations::merged_into.eq(to.id.0))
    .execute(tx.write())?;
    Ok(())
}

fn move_tags(tx: &mut Tx, from: ConversationId, to: ConversationId) -> Result<(), Failure> {
    let workspace = tx.workspace();
    let of = |id: ConversationId| {
        conversation_tags::table
            .filter(conversation_tags::workspace_id.eq(workspace))
            .filter(conversation_tags::conversation_id.eq(id.0))
    };
    let there: Vec<TagId> = of(to).select(conversation_tags::tag_id).load(tx.conn)?;
    let moved: Vec<TagId> = of(from).select(conversation_tags::tag_id).load(tx.conn)?;
    let rows: Vec<_> = moved
        .into_iter()
        .filter(|tag| !there.contains(tag))
        .map(|tag| {
            (
                conversation_tags::workspace_id.eq(workspace),
                conversation_tags::conversation_id.eq(to.0),
                conversation_tags::tag_id.eq(tag),
            )
        })
        .collect();
    insert_in_parts!(tx, conversation_tags::table, 3, rows);
    diesel::delete(of(from)).execute(tx.write())?;
    Ok(())
}
