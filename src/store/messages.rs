//! Messages and notes, and the files that came with them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::among::load_among;
use super::db::{Rx, Tx};
use super::schema::{attachments, contact_addresses, conversations, messages};
use super::types::At;
use crate::domain::conversations::MessageKind;
use crate::domain::ids::{AttachmentId, ChannelId, ConversationId, MailId, MessageId, UserId};
use crate::domain::live::Topic;
use crate::domain::text::key;
use crate::failure::Failure;

/// A message or note.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its row.
    pub id: MessageId,
    /// What it is.
    pub kind: MessageKind,
    /// Who wrote it, if it was one of us.
    pub author: Option<UserId>,
    /// What it says.
    pub body: String,
    /// The same as clean HTML, if it came so.
    pub html: Option<String>,
    /// The mail that carries it.
    pub mail: Option<MailId>,
    /// Whether no person wrote it.
    pub automatic: bool,
    /// Name and address of whoever wrote it, if that was neither one of us nor the contact.
    pub sender: Option<(String, String)>,
    /// When.
    pub at: DateTime<Utc>,
}

/// What a message is made of.
pub struct New<'a> {
    /// Where.
    pub conversation: ConversationId,
    /// What it is.
    pub kind: MessageKind,
    /// Who wrote it, if it was one of us.
    pub author: Option<UserId>,
    /// What it says.
    pub body: &'a str,
    /// The same as clean HTML.
    pub html: Option<&'a str>,
    /// Its Message-ID, without brackets, by which answers find the conversation.
    pub email_message_id: Option<&'a str>,
    /// The mail that carries it.
    pub mail: Option<MailId>,
    /// Whether no person wrote it: a note of absence, say.
    pub automatic: bool,
}

/// Adds a message.
///
/// # Errors
/// Trouble with the database.
pub fn insert(tx: &mut Tx, new: &New) -> Result<MessageId, Failure> {
    let (workspace, now) = (tx.workspace(), At(tx.now()));
    let id: i64 = diesel::insert_into(messages::table)
        .values((
            messages::workspace_id.eq(workspace),
            messages::conversation_id.eq(new.conversation.0),
            messages::kind.eq(new.kind.as_str()),
            messages::author_id.eq(new.author),
            messages::body.eq(new.body),
            messages::html.eq(new.html),
            messages::email_message_id.eq(new.email_message_id),
            messages::outbox_id.eq(new.mail),
            messages::automatic.eq(new.automatic),
            messages::created_at.eq(now),
        ))
        .returning(messages::id)
        .get_result(tx.write())?;
    super::search::add_texts(tx, [(new.conversation, new.body)])?;
    tx.touch(Topic::Conversation(new.conversation));
    tx.touch(Topic::Inbox);
    Ok(MessageId(id))
}

/// The latest message of the contact: what it says, the same as clean HTML if it came so, and when.
///
/// # Errors
/// Trouble with the database.
pub fn find_latest_incoming(
    rx: &mut Rx,
    conversation: ConversationId,
) -> Result<Option<(String, Option<String>, DateTime<Utc>)>, Failure> {
    let row: Option<(String, Option<String>, At)> = messages::table
        .filter(messages::workspace_id.eq(rx.workspace()))
        .filter(messages::conversation_id.eq(conversation.0))
        .filter(messages::kind.eq(MessageKind::Incoming.as_str()))
        .order(messages::id.desc())
        .select((messages::body, messages::html, messages::created_at))
        .first(rx.conn)
        .optional()?;
    Ok(row.map(|(body, html, at)| (body, html, at.0)))
}

/// What was sent from an open page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Composed {
    /// Where.
    pub conversation: ConversationId,
    /// Whether it is a note.
    pub note: bool,
    /// By whom.
    pub author: Option<UserId>,
    /// What it says.
    pub body: String,
}

/// The message that was sent from a page of this name; a page without one has sent nothing that is known.
///
/// # Errors
/// Trouble with the database.
pub fn find_composed(rx: &mut Rx, composer: &str) -> Result<Option<Composed>, Failure> {
    if composer.is_empty() {
        return Ok(None);
    }
    let row: Option<(i64, String, Option<UserId>, String)> = messages::table
        .filter(messages::workspace_id.eq(rx.workspace()))
        .filter(messages::composer.eq(composer))
        .select((messages::conversation_id, messages::kind, messages::author_id, messages::body))
        .first(rx.conn)
        .optional()?;
    Ok(row.map(|(conversation, kind, author, body)| Composed {
        conversation: ConversationId(conversation),
        note: kind == MessageKind::Note.as_str(),
        author,
        body,
    }))
}

/// Notes from which open page a message was sent.
///
/// # Errors
/// Trouble with the database.
pub fn set_composer(tx: &mut Tx, message: MessageId, composer: &str) -> Result<(), Failure> {
    let workspace = tx.workspace();
    diesel::update(messages::table.filter(messages::workspace_id.eq(workspace)).filter(messages::id.eq(message.0)))
        .set(messages::composer.eq(composer))
        .execute(tx.write())?;
    Ok(())
}

type Row =
    (i64, String, Option<UserId>, String, Option<String>, Option<MailId>, bool, At, (Option<String>, Option<String>));

/// The latest messages of a conversation, oldest first.
///
/// # Errors
/// Trouble with the database.
pub fn list(rx: &mut Rx, conversation: ConversationId, limit: i64) -> Result<Vec<Message>, Failure> {
    let mut rows: Vec<Row> = messages::table
        .filter(messages::workspace_id.eq(rx.workspace()))
        .filter(messages::conversation_id.eq(conversation.0))
        .order(messages::id.desc())
        .limit(limit)
        .select((
            messages::id,
            messages::kind,
            messages::author_id,
            messages::body,
            messages::html,
            messages::outbox_id,
            messages::automatic,
            messages::created_at,
            (messages::sender_name, messages::sender_address),
        ))
        .load(rx.conn)?;
    rows.reverse();
    rows.into_iter()
        .map(|(id, kind, author, body, html, mail, automatic, at, (name, address))| {
            let kind = MessageKind::parse(&kind).ok_or_else(|| Failure::Corrupt("messages.kind", kind.clone()))?;
            let sender = address.map(|address| (name.unwrap_or_else(|| address.clone()), address));
            Ok(Message { id: MessageId(id), kind, author, body, html, mail, automatic, sender, at: at.0 })
        })
        .collect()
}

/// The conversation that one of these Message-IDs belongs to: of the last that is known. A mail that came to several channels has one
/// in each; it is that of this channel then.
///
/// # Errors
/// Trouble with the database.
pub fn find_conversation(
    rx: &mut Rx,
    channel: ChannelId,
    message_ids: &[String],
) -> Result<Option<ConversationId>, Failure> {
    let rows: Vec<(String, i64, ChannelId)> = messages::table
        .inner_join(conversations::table.on(conversations::id.eq(messages::conversation_id)))
        .filter(messages::workspace_id.eq(rx.workspace()))
        .filter(conversations::workspace_id.eq(rx.workspace()))
        .filter(messages::email_message_id.eq_any(message_ids))
        .select((messages::email_message_id.assume_not_null(), messages::conversation_id, conversations::channel_id))
        .order(messages::id)
        .load(rx.conn)?;
    let mut known: HashMap<&str, (i64, bool)> = HashMap::new();
    for (id, conversation, at) in &rows {
        let here = *at == channel;
        if here || known.get(id.as_str()).is_none_or(|(_, known_here)| !known_here) {
            known.insert(id, (*conversation, here));
        }
    }
    Ok(message_ids.iter().rev().find_map(|id| known.get(id.as_str())).map(|(id, _)| ConversationId(*id)))
}

/// Notes who wrote a message, if that was not the contact.
///
/// # Errors
/// Trouble with the database.
pub fn set_sender(tx: &mut Tx, id: MessageId, name: Option<&str>, address: &str) -> Result<(), Failure> {
    let workspace = tx.workspace();
    diesel::update(messages::table.filter(messages::workspace_id.eq(workspace)).filter(messages::id.eq(id.0)))
        .set((messages::sender_name.eq(name), messages::sender_address.eq(address)))
        .execute(tx.write())?;
    Ok(())
}

/// A reply that left.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// Its row.
    pub message: MessageId,
    /// Where it stands.
    pub conversation: ConversationId,
    /// The mail that carried it.
    pub mail: Option<MailId>,
}

/// The reply of ours that has this Message-ID.
///
/// # Errors
/// Trouble with the database.
pub fn find_sent(rx: &mut Rx, message_id: &str) -> Result<Option<Sent>, Failure> {
    let row: Option<(i64, i64, Option<MailId>)> = messages::table
        .filter(messages::workspace_id.eq(rx.workspace()))
        .filter(messages::email_message_id.eq(message_id))
        .filter(messages::kind.eq(MessageKind::Reply.as_str()))
        .select((messages::id, messages::conversation_id, messages::outbox_id))
        .first(rx.conn)
        .optional()?;
    Ok(row.map(|(message, conversation, mail)| Sent {
        message: MessageId(message),
        conversation: ConversationId(conversation),
        mail,
    }))
}

/// The mail that carried a reply of a conversation.
///
/// # Errors
/// Trouble with the database.
pub fn find_mail(rx: &mut Rx, conversation: ConversationId, message: MessageId) -> Result<Option<MailId>, Failure> {
    let mail: Option<Option<MailId>> = messages::table
        .filter(messages::workspace_id.eq(rx.workspace()))
        .filter(messages::conversation_id.eq(conversation.0))
        .filter(messages::id.eq(message.0))
        .filter(messages::kind.eq(MessageKind::Reply.as_str()))
        .select(messages::outbox_id)
        .first(rx.conn)
        .optional()?;
    Ok(mail.flatten())
}

/// How many messages of a sender came since then; of a machine's, those that a machine wrote.
///
/// # Errors
/// Trouble with the database.
pub fn count_recent_of(rx: &mut Rx, address: &str, automatic: bool, since: DateTime<Utc>) -> Result<i64, Failure> {
    let workspace = rx.workspace();
    let contact = contact_addresses::table
        .filter(contact_addresses::workspace_id.eq(workspace))
        .filter(contact_addresses::email_key.eq(key(address)))
        .select(contact_addresses::contact_id);
    let mut query = messages::table
        .inner_join(conversations::table.on(conversations::id.eq(messages::conversation_id)))
        .filter(messages::workspace_id.eq(workspace))
        .filter(conversations::workspace_id.eq(workspace))
        .filter(conversations::contact_id.eq_any(contact))
        .filter(conversations::last_activity_at.ge(At(since)))
        .filter(messages::kind.eq(MessageKind::Incoming.as_str()))
        .filter(messages::created_at.ge(At(since)))
        .into_boxed::<super::db::MultiBackend>();
    if automatic {
        query = query.filter(messages::automatic.eq(true));
    }
    Ok(query.count().get_result(rx.conn)?)
}

/// The Message-IDs of a conversation that went over the wire, oldest first; of very many, the first and the latest.
///
/// # Errors
/// Trouble with the database.
pub fn list_message_ids(rx: &mut Rx, conversation: ConversationId) -> Result<Vec<String>, Failure> {
    let ids: Vec<String> = messages::table
        .filter(messages::workspace_id.eq(rx.workspace()))
        .filter(messages::conversation_id.eq(conversation.0))
        .filter(messages::email_message_id.is_not_null())
        .order(messages::id)
        .select(messages::email_message_id.assume_not_null())
        .load(rx.conn)?;
    let surplus = ids.len().saturating_sub(20);
    Ok(ids.into_iter().enumerate().filter(|(place, _)| *place == 0 || *place > surplus).map(|(_, id)| id).collect())
}

/// A file that came with a message.
#[derive(Clone, Debug)]
pub struct Attachment {
    /// Its id.
    pub id: AttachmentId,
    /// Its message.
    pub message: MessageId,
    /// What it is called.
    pub file_name: String,
    /// What it says that it is.
    pub content_type: String,
    /// How many bytes it has.
    pub size: i64,
    /// The name under which its bytes are kept.
    pub sha256: String,
}

/// Adds a file to a message. Its bytes are on disk already.
///
/// # Errors
/// Trouble with the database.
pub fn insert_attachment(
    tx: &mut Tx,
    message: MessageId,
    file_name: &str,
    content_type: &str,
    size: i64,
    sha256: &str,
) -> Result<AttachmentId, Failure> {
    let (id, workspace): (AttachmentId, _) = (tx.new_id(), tx.workspace());
    diesel::insert_into(attachments::table)
        .values((
            attachments::id.eq(id),
            attachments::workspace_id.eq(workspace),
            attachments::message_id.eq(message.0),
            attachments::file_name.eq(file_name),
            attachments::content_type.eq(content_type),
            attachments::size.eq(size),
            attachments::sha256.eq(sha256),
        ))
        .execute(tx.write())?;
    Ok(id)
}

type AttachmentRow = (AttachmentId, i64, String, String, i64, String);

fn read((id, message, file_name, content_type, size, sha256): AttachmentRow) -> Attachment {
    Attachment { id, message: MessageId(message), file_name, content_type, size, sha256 }
}

/// The files of some messages.
///
/// # Errors
/// Trouble with the database.
pub fn list_attachments(rx: &mut Rx, of: &[MessageId]) -> Result<HashMap<MessageId, Vec<Attachment>>, Failure> {
    let ids: Vec<i64> = of.iter().map(|id| id.0).collect();
    let workspace = rx.workspace();
    let rows = load_among!(
        rx.conn,
        AttachmentRow,
        attachments::table.filter(attachments::workspace_id.eq(workspace)).order(attachments::id).select((
            attachments::id,
            attachments::message_id,
            attachments::file_name,
            attachments::content_type,
            attachments::size,
            attachments::sha256,
        )),
        attachments::message_id,
        &ids
    )?;
    let mut files: HashMap<MessageId, Vec<Attachment>> = HashMap::new();
    for row in rows {
        let file = read(row);
        files.entry(file.message).or_default().push(file);
    }
    Ok(files)
}

/// A file and the conversation that it belongs to.
///
/// # Errors
/// Trouble with the database.
pub fn find_attachment(rx: &mut Rx, id: AttachmentId) -> Result<Option<(Attachment, ConversationId)>, Failure> {
    let row: Option<(AttachmentRow, i64)> = attachments::table
        .inner_join(messages::table.on(messages::id.eq(attachments::message_id)))
        .filter(attachments::workspace_id.eq(rx.workspace()))
        .filter(attachments::id.eq(id))
        .select((
            (
                attachments::id,
                attachments::message_id,
                attachments::file_name,
                attachments::content_type,
                attachments::size,
                attachments::sha256,
            ),
            messages::conversation_id,
        ))
        .first(rx.conn)
        .optional()?;
    Ok(row.map(|(row, conversation)| (read(row), ConversationId(conversation))))
}
