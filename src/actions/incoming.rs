//! A mail that came in: threaded into its conversation, or the start of a new one; or kept aside with the reason why it
//! cannot be read. Each mail is taken once, however often it is delivered.

use crate::domain::access::Sees;
use crate::domain::assignment::may_receive;
use crate::domain::audit::Event;
use crate::domain::conversations::{MessageKind, Status, StatusChange};
use crate::domain::ids::{ChannelId, ConversationId, ConversationNumber, MessageId, ReceivedMailId, UserId};
use crate::domain::text::{preview, shorten};
use crate::failure::Failure;
use crate::mail::incoming::Incoming;
use crate::store::{self, Recorded, Tx};

/// What became of a mail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Received {
    /// It stands in this conversation.
    Stored(ConversationNumber),
    /// It cannot be read and is kept aside.
    Quarantined(ReceivedMailId),
    /// The channel got the very same mail before.
    Duplicate,
}

/// The raw mail: its hash, by which it is told from others and found on disk, and its size in bytes.
#[derive(Clone, Debug)]
pub struct Raw {
    /// SHA-256, hexadecimal.
    pub sha256: String,
    /// Bytes.
    pub size: i64,
}

/// A file of the mail, already on disk under its hash.
#[derive(Clone, Debug)]
pub struct StoredFile {
    /// What it is called.
    pub file_name: String,
    /// What it says that it is.
    pub content_type: String,
    /// Bytes.
    pub size: i64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
}

/// Keeps a mail aside that cannot be read.
///
/// # Errors
/// Trouble with the database.
pub fn quarantine(
    tx: &mut Tx,
    channel: ChannelId,
    raw: &Raw,
    problem: &'static str,
) -> Result<Recorded<Received>, Failure> {
    if store::received_mails::exists(tx, channel, &raw.sha256)? {
        return tx.unchanged(Received::Duplicate);
    }
    let id = store::received_mails::insert(tx, channel, &raw.sha256, raw.size, Some(problem))?;
    let Some(mail) = id else { return Ok(tx.unrecorded(Received::Duplicate, "the same mail came at the same time")) };
    Ok(tx.record(Event::MailQuarantined { mail, problem }).with(Received::Quarantined(mail)))
}

/// Stores a mail as a message (K-3, C-6).
///
/// # Errors
/// Trouble with the database.
pub fn receive(
    tx: &mut Tx,
    channel: ChannelId,
    raw: &Raw,
    mail: &Incoming,
    files: &[StoredFile],
) -> Result<Recorded<Received>, Failure> {
    if store::received_mails::exists(tx, channel, &raw.sha256)? {
        return tx.unchanged(Received::Duplicate);
    }
    let Some(received) = store::received_mails::insert(tx, channel, &raw.sha256, raw.size, None)? else {
        return Ok(tx.unrecorded(Received::Duplicate, "the same mail came at the same time"));
    };
    let mut events = Vec::new();
    let (conversation, number) = place(tx, channel, mail, &mut events)?;
    let message = insert_message(tx, conversation, mail, files)?;
    store::received_mails::set_message(tx, received, message)?;
    if events.is_empty() {
        return Ok(tx.unrecorded(Received::Stored(number), "the message itself is the record"));
    }
    Ok(tx.record_all(events)?.with(Received::Stored(number)))
}

/// Finds the conversation that the mail belongs to and brings it back to work, or starts one.
fn place(
    tx: &mut Tx,
    channel: ChannelId,
    mail: &Incoming,
    events: &mut Vec<Event>,
) -> Result<(ConversationId, ConversationNumber), Failure> {
    let before = match store::messages::find_conversation(tx, &mail.references)? {
        Some(id) => {
            store::removal::lock_holder_of_settled(tx, id)?;
            store::conversations::lock_many(tx, &[id])?.into_iter().next()
        }
        None => None,
    };
    let now = tx.now();
    if let Some(one) = before.as_ref().filter(|one| one.status != Status::Archived) {
        if one.status != Status::Open {
            let one = &super::conversations::without_gone_holder(tx, one, Status::Open)?;
            store::conversations::set_status(tx, one, StatusChange::Open.to(), None)?;
            events.push(Event::ConversationStatusChanged {
                conversation: one.id,
                from: one.status,
                to: Status::Open,
                until: None,
            });
        }
        // A machine's answer is nobody who waits.
        let waiting = if mail.automatic { one.waiting_since } else { one.waiting_since.or(Some(now)) };
        store::conversations::set_activity(tx, one.id, &preview(&mail.text), waiting)?;
        return Ok((one.id, one.number));
    }
    let name = mail.from.name.clone().unwrap_or_else(|| mail.from.address.clone());
    let contact = store::contacts::find_or_insert(tx, &mail.from.address, &shorten(&name, 120))?;
    let at = store::channels::find(tx, channel)?;
    let team = at.as_ref().and_then(|channel| channel.default_team);
    let new = store::conversations::New {
        channel,
        contact,
        subject: &mail.subject,
        team,
        continues: before.map(|one| one.id),
    };
    let (id, number) = store::conversations::insert(tx, &new)?;
    events.push(Event::ConversationCreated { conversation: id });
    if let Some(user) = at.and_then(|channel| channel.default_user) {
        events.extend(give_to_default(tx, channel, id, user)?);
    }
    let waiting = (!mail.automatic).then_some(now);
    store::conversations::set_activity(tx, id, &preview(&mail.text), waiting)?;
    Ok((id, number))
}

/// Gives a new conversation to the person whom the channel names, as long as they can answer there: nobody who cannot
/// log in gets anything.
fn give_to_default(
    tx: &mut Tx,
    channel: ChannelId,
    id: ConversationId,
    user: UserId,
) -> Result<Option<Event>, Failure> {
    let candidate = store::users::lock_candidate(tx, user)?;
    let member = store::channels::list_members(tx, Some(channel))?.iter().any(|one| one.user == user);
    let Some(one) = store::conversations::lock_many(tx, &[id])?.into_iter().next() else { return Ok(None) };
    if may_receive(&candidate).is_err() || !member {
        return Ok(None);
    }
    let to = (Some(user), one.team);
    store::conversations::set_holder(tx, &one, to)?;
    Ok(Some(Event::ConversationAssigned { conversation: id, from: (None, one.team), to }))
}

fn insert_message(
    tx: &mut Tx,
    conversation: ConversationId,
    mail: &Incoming,
    files: &[StoredFile],
) -> Result<MessageId, Failure> {
    let message = store::messages::insert(
        tx,
        &store::messages::New {
            conversation,
            kind: MessageKind::Incoming,
            author: None,
            body: &mail.text,
            html: mail.html.as_deref(),
            email_message_id: mail.message_id.as_deref(),
            mail: None,
        },
    )?;
    for file in files {
        store::messages::insert_attachment(tx, message, &file.file_name, &file.content_type, file.size, &file.sha256)?;
    }
    Ok(message)
}

/// Whether somebody may see the conversation that a file belongs to.
///
/// # Errors
/// Trouble with the database.
pub fn may_open(rx: &mut crate::store::Rx, conversation: ConversationId, sees: &Sees) -> Result<bool, Failure> {
    Ok(!store::inbox::list_matching_among(rx, None, sees, &[conversation])?.is_empty())
}
