//! A mail that came in: threaded into its conversation, or the start of a new one; or kept aside with the reason why it
//! cannot be read. Each mail is taken once, however often it is delivered.

use super::{mail_loops, returned_mail};
use crate::domain::access::{Can, Sees, administration};
use crate::domain::assignment::may_receive;
use crate::domain::audit::Event;
use crate::domain::channels::{Channel, ChannelRefusal};
use crate::domain::conversations::{ChannelKind, MessageKind, Status, StatusChange};
use crate::domain::ids::{ChannelId, ContactId, ConversationId, ConversationNumber, MessageId, ReceivedMailId, UserId};
use crate::domain::mail_addresses;
use crate::domain::text::{key, preview, shorten};
use crate::failure::Failure;
use crate::mail::incoming::Incoming;
use crate::store::{self, Recorded, Tx};

/// What became of a mail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Received {
    /// It stands in this conversation.
    Stored(ConversationNumber),
    /// It reports on a reply of this conversation.
    Noted(ConversationNumber),
    /// It is kept aside.
    Quarantined(ReceivedMailId),
    /// The channel got the very same mail before.
    Duplicate,
}

/// The way that a mail takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// It was just delivered.
    Delivered,
    /// It is one of a collection of older ones.
    Collected,
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
    if store::received_mails::exists(tx, channel, &raw.sha256, None)? {
        return tx.unchanged(Received::Duplicate);
    }
    let new = store::received_mails::New { problem: Some(problem), ..noted(channel, raw, None) };
    let Some(mail) = store::received_mails::insert(tx, &new)? else {
        return Ok(tx.unrecorded(Received::Duplicate, "the same mail came at the same time"));
    };
    Ok(tx.record(Event::MailQuarantined { mail, problem }).with(Received::Quarantined(mail)))
}

/// Stores a mail as a message, or notes what it reports (K-3, C-6); our own mail that comes back is kept aside.
///
/// # Errors
/// Trouble with the database.
pub fn receive(
    tx: &mut Tx,
    (channel, way): (ChannelId, Way),
    raw: &Raw,
    mail: &Incoming,
    files: &[StoredFile],
) -> Result<Recorded<Received>, Failure> {
    let content_key = mail.content_key.as_deref();
    if store::received_mails::exists(tx, channel, &raw.sha256, content_key)? {
        return tx.unchanged(Received::Duplicate);
    }
    let own = mail_loops::own_addresses(tx)?;
    let at = store::channels::find(tx, channel)?;
    let answered = answered_by(tx, channel, at.as_ref(), mail)?;
    // An answer to one conversation that went to several of our addresses stands there once.
    if let (Some(conversation), Some(content_key)) = (answered, content_key)
        && let Some(message) = store::received_mails::find_message(tx, conversation, content_key)?
    {
        if let Some(received) = store::received_mails::insert(tx, &noted(channel, raw, Some(content_key)))? {
            store::received_mails::set_message(tx, received, message)?;
        }
        return Ok(tx.unrecorded(Received::Duplicate, "it stands in its conversation already"));
    }
    let returned = match &mail.report {
        Some(report) => returned_mail::find(tx, report)?.map(|sent| (report, sent)),
        None => None,
    };
    let problem = match (&mail.report, &returned) {
        (Some(_), None) => Some(mail_loops::UNKNOWN_REPORT),
        (Some(_), Some(_)) => None,
        (None, _) => mail_loops::problem(tx, mail, &own, way)?,
    };
    let new = store::received_mails::New { problem, ..noted(channel, raw, content_key) };
    let Some(received) = store::received_mails::insert(tx, &new)? else {
        return Ok(tx.unrecorded(Received::Duplicate, "the same mail came at the same time"));
    };
    if let Some(problem) = problem {
        return Ok(tx.record(Event::MailQuarantined { mail: received, problem }).with(Received::Quarantined(received)));
    }
    let mut events = Vec::new();
    let answer = if let Some((report, sent)) = returned {
        Received::Noted(returned_mail::note(tx, received, report, &sent, &mut events)?)
    } else {
        Received::Stored(store_message(tx, received, (channel, answered), mail, files, &own, &mut events)?)
    };
    if events.is_empty() {
        return Ok(tx.unrecorded(answer, "the message itself is the record"));
    }
    Ok(tx.record_all(events)?.with(answer))
}

fn noted<'a>(channel: ChannelId, raw: &'a Raw, content_key: Option<&'a str>) -> store::received_mails::New<'a> {
    store::received_mails::New { channel, sha256: &raw.sha256, size: raw.size, content_key, problem: None }
}

/// Takes in a mail that was kept aside, into the channel that somebody chose: what was wrong with it is not asked again.
///
/// # Errors
/// [`Failure::NotFound`] if it is not kept aside any more, a [`ChannelRefusal`], or trouble with the database.
pub fn take_in(
    tx: &mut Tx,
    _: &Can<administration::Settings>,
    (received, channel): (ReceivedMailId, ChannelId),
    mail: &Incoming,
    files: &[StoredFile],
) -> Result<Recorded<ConversationNumber>, Failure> {
    let at = store::channels::find(tx, channel)?.ok_or(Failure::NotFound)?;
    if at.kind != ChannelKind::Email {
        return Err(ChannelRefusal::NoMailChannel.into());
    }
    if !store::received_mails::set_taken(tx, received, channel)? {
        return Err(Failure::NotFound);
    }
    let own = mail_loops::own_addresses(tx)?;
    let answered = answered_by(tx, channel, Some(&at), mail)?;
    let mut events = vec![Event::MailTakenIn { mail: received, channel }];
    let number = store_message(tx, received, (channel, answered), mail, files, &own, &mut events)?;
    Ok(tx.record_all(events)?.with(number))
}

/// Puts a mail into its conversation.
fn store_message(
    tx: &mut Tx,
    received: ReceivedMailId,
    (channel, answered): (ChannelId, Option<ConversationId>),
    mail: &Incoming,
    files: &[StoredFile],
    own: &[String],
    events: &mut Vec<Event>,
) -> Result<ConversationNumber, Failure> {
    let (conversation, number, contact) = place(tx, (channel, answered), mail, own, events)?;
    let message = insert_message(tx, conversation, mail, files)?;
    let (address, name) = mail_loops::sender_of(mail, own);
    if store::contacts::find(tx, contact)?.is_some_and(|contact| key(&contact.email) != key(&address)) {
        store::messages::set_sender(tx, message, name.map(|name| shorten(&name, 120)).as_deref(), &address)?;
    }
    store::received_mails::set_message(tx, received, message)?;
    Ok(number)
}

/// The conversation that a mail answers, by what it refers to or by the address that it was sent to.
fn answered_by(
    tx: &mut Tx,
    channel: ChannelId,
    at: Option<&Channel>,
    mail: &Incoming,
) -> Result<Option<ConversationId>, Failure> {
    match store::messages::find_conversation(tx, channel, &mail.references)? {
        Some(id) => Ok(Some(id)),
        None => by_address(tx, at, mail),
    }
}

/// Brings the conversation that the mail belongs to back to work, or starts one.
fn place(
    tx: &mut Tx,
    (channel, answered): (ChannelId, Option<ConversationId>),
    mail: &Incoming,
    own: &[String],
    events: &mut Vec<Event>,
) -> Result<(ConversationId, ConversationNumber, ContactId), Failure> {
    let at = store::channels::find(tx, channel)?;
    let before = match answered {
        Some(id) => super::conversation_merges::lock_current(tx, id)?,
        None => None,
    };
    let now = tx.now();
    if let Some(one) = before.as_ref().filter(|one| one.status != Status::Archived) {
        // A machine's answer brings nothing back to work, and is nobody who waits.
        if one.status != Status::Open && !mail.automatic {
            let one = &super::conversations::without_gone_holder(tx, one, Status::Open)?;
            store::conversations::set_status(tx, one, StatusChange::Open.to(), None)?;
            events.push(Event::ConversationStatusChanged {
                conversation: one.id,
                from: one.status,
                to: Status::Open,
                until: None,
            });
        }
        let waiting = if mail.automatic { one.waiting_since } else { one.waiting_since.or(Some(now)) };
        store::conversations::set_activity(tx, one.id, &preview(&mail.text), waiting)?;
        return Ok((one.id, one.number, one.contact));
    }
    let (address, name) = mail_loops::sender_of(mail, own);
    let name = name.unwrap_or_else(|| address.clone());
    let contact = store::contacts::find_or_insert(tx, &address, &shorten(&name, 120))?;
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
    Ok((id, number, contact))
}

/// The conversation whose answer address the mail was sent to. An address that was not given out here names none.
fn by_address(tx: &mut Tx, channel: Option<&Channel>, mail: &Incoming) -> Result<Option<ConversationId>, Failure> {
    let Some(channel) = channel else { return Ok(None) };
    let Some(answers) = store::channel_mail::find_answers(tx, channel.id)? else { return Ok(None) };
    let named = |to: &String| mail_addresses::conversation_of(to, &channel.address, &answers.secret);
    let Some(number) = mail.recipients.iter().find_map(named) else { return Ok(None) };
    Ok(store::conversations::find(tx, number, &Sees::All)?.map(|one| one.id))
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
            automatic: mail.automatic,
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
