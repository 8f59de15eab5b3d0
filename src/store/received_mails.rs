//! Mails as they came in: each once, with what became of it.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::db::{Rx, Tx};
use super::errors::{UniqueKey, unique_key};
use super::schema::{messages, received_mails};
use super::types::At;
use crate::domain::channels::ChannelRefusal;
use crate::domain::ids::{ChannelId, ConversationId, MessageId, ReceivedMailId};
use crate::failure::Failure;

/// A mail as it came.
#[derive(Clone, Copy, Debug)]
pub struct New<'a> {
    /// The channel that it came to.
    pub channel: ChannelId,
    /// SHA-256 of its bytes.
    pub sha256: &'a str,
    /// How many there are.
    pub size: i64,
    /// By what it is told if it comes again with another header.
    pub content_key: Option<&'a str>,
    /// Why it is kept aside, if it is.
    pub problem: Option<&'a str>,
}

/// Notes a mail; `None` if the channel got the same one before.
///
/// # Errors
/// Trouble with the database.
pub fn insert(tx: &mut Tx, new: &New) -> Result<Option<ReceivedMailId>, Failure> {
    let (id, workspace, now): (ReceivedMailId, _, _) = (tx.new_id(), tx.workspace(), At(tx.now()));
    let inserted = diesel::insert_into(received_mails::table)
        .values((
            received_mails::id.eq(id),
            received_mails::workspace_id.eq(workspace),
            received_mails::channel_id.eq(new.channel),
            received_mails::sha256.eq(new.sha256),
            received_mails::size.eq(new.size),
            received_mails::content_key.eq(new.content_key),
            received_mails::problem.eq(new.problem),
            received_mails::received_at.eq(now),
        ))
        .execute(tx.write());
    match inserted {
        Ok(_) => Ok(Some(id)),
        Err(error) if unique_key(&error) == Some(UniqueKey::ReceivedMail) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Whether the channel got this mail before: these very bytes, or the same content under another header.
///
/// # Errors
/// Trouble with the database.
pub fn exists(rx: &mut Rx, channel: ChannelId, sha256: &str, content_key: Option<&str>) -> Result<bool, Failure> {
    let workspace = rx.workspace();
    let ours = || {
        received_mails::table
            .filter(received_mails::workspace_id.eq(workspace))
            .filter(received_mails::channel_id.eq(channel))
            .select(received_mails::id)
    };
    let same: Option<ReceivedMailId> = ours().filter(received_mails::sha256.eq(sha256)).first(rx.conn).optional()?;
    let Some(content_key) = content_key.filter(|_| same.is_none()) else { return Ok(same.is_some()) };
    let same: Option<ReceivedMailId> =
        ours().filter(received_mails::content_key.eq(content_key)).first(rx.conn).optional()?;
    Ok(same.is_some())
}

/// The message of a conversation that this very mail became already, having come to another channel, too.
///
/// # Errors
/// Trouble with the database.
pub fn find_message(
    rx: &mut Rx,
    conversation: ConversationId,
    content_key: &str,
) -> Result<Option<MessageId>, Failure> {
    let found: Option<i64> = received_mails::table
        .inner_join(messages::table.on(messages::id.nullable().eq(received_mails::message_id)))
        .filter(received_mails::workspace_id.eq(rx.workspace()))
        .filter(messages::workspace_id.eq(rx.workspace()))
        .filter(received_mails::content_key.eq(content_key))
        .filter(messages::conversation_id.eq(conversation.0))
        .select(messages::id)
        .first(rx.conn)
        .optional()?;
    Ok(found.map(MessageId))
}

/// Takes a mail out of those that are kept aside: it belongs to this channel now. Says whether it was one.
///
/// # Errors
/// [`ChannelRefusal::MailKnown`] if the channel has it already, or trouble with the database.
pub fn set_taken(tx: &mut Tx, id: ReceivedMailId, channel: ChannelId) -> Result<bool, Failure> {
    let workspace = tx.workspace();
    let taken = diesel::update(
        received_mails::table
            .filter(received_mails::workspace_id.eq(workspace))
            .filter(received_mails::id.eq(id))
            .filter(received_mails::problem.is_not_null()),
    )
    .set((received_mails::problem.eq(None::<String>), received_mails::channel_id.eq(channel)))
    .execute(tx.write());
    match taken {
        Ok(taken) => Ok(taken > 0),
        Err(error) if unique_key(&error) == Some(UniqueKey::ReceivedMail) => Err(ChannelRefusal::MailKnown.into()),
        Err(error) => Err(error.into()),
    }
}

/// Notes the message that a mail became.
///
/// # Errors
/// Trouble with the database.
pub fn set_message(tx: &mut Tx, id: ReceivedMailId, message: MessageId) -> Result<(), Failure> {
    let workspace = tx.workspace();
    diesel::update(
        received_mails::table.filter(received_mails::workspace_id.eq(workspace)).filter(received_mails::id.eq(id)),
    )
    .set(received_mails::message_id.eq(message.0))
    .execute(tx.write())?;
    Ok(())
}

/// Whether a mail of a channel is kept aside for this reason.
///
/// # Errors
/// Trouble with the database.
pub fn has_problem(rx: &mut Rx, channel: ChannelId, problem: &str) -> Result<bool, Failure> {
    let found: Option<ReceivedMailId> = received_mails::table
        .filter(received_mails::workspace_id.eq(rx.workspace()))
        .filter(received_mails::channel_id.eq(channel))
        .filter(received_mails::problem.eq(problem))
        .select(received_mails::id)
        .first(rx.conn)
        .optional()?;
    Ok(found.is_some())
}

/// A mail that could not be read.
#[derive(Clone, Debug)]
pub struct Quarantined {
    /// Its id.
    pub id: ReceivedMailId,
    /// The channel that it came to.
    pub channel: ChannelId,
    /// Why.
    pub problem: String,
    /// How many bytes it has.
    pub size: i64,
    /// The name under which its bytes are kept.
    pub sha256: String,
    /// When it came.
    pub received_at: DateTime<Utc>,
}

type Row = (ReceivedMailId, ChannelId, Option<String>, i64, String, At);

fn read((id, channel, problem, size, sha256, received_at): Row) -> Quarantined {
    Quarantined { id, channel, problem: problem.unwrap_or_default(), size, sha256, received_at: received_at.0 }
}

/// The mails that could not be read, latest first.
///
/// # Errors
/// Trouble with the database.
pub fn list_quarantined(rx: &mut Rx, limit: i64) -> Result<Vec<Quarantined>, Failure> {
    let rows: Vec<Row> = received_mails::table
        .filter(received_mails::workspace_id.eq(rx.workspace()))
        .filter(received_mails::problem.is_not_null())
        .order((received_mails::received_at.desc(), received_mails::id.desc()))
        .limit(limit)
        .select((
            received_mails::id,
            received_mails::channel_id,
            received_mails::problem,
            received_mails::size,
            received_mails::sha256,
            received_mails::received_at,
        ))
        .load(rx.conn)?;
    Ok(rows.into_iter().map(read).collect())
}

/// A mail that could not be read.
///
/// # Errors
/// Trouble with the database.
pub fn find_quarantined(rx: &mut Rx, id: ReceivedMailId) -> Result<Option<Quarantined>, Failure> {
    let row: Option<Row> = received_mails::table
        .filter(received_mails::workspace_id.eq(rx.workspace()))
        .filter(received_mails::id.eq(id))
        .filter(received_mails::problem.is_not_null())
        .select((
            received_mails::id,
            received_mails::channel_id,
            received_mails::problem,
            received_mails::size,
            received_mails::sha256,
            received_mails::received_at,
        ))
        .first(rx.conn)
        .optional()?;
    Ok(row.map(read))
}
