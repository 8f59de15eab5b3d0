//! What is done to one conversation: assign, status, priority, tags, reply, note, wake.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::domain::access::{Can, Sees, conversations as may, notes};
use crate::domain::assignment::{Target, may_receive};
use crate::domain::audit::Event;
use crate::domain::conversations::{
    ChannelKind, Conversation, ConversationRefusal, MessageKind, Priority, Status, StatusChange,
};
use crate::domain::ids::{ConversationId, ConversationNumber, MessageId, TagId};
use crate::domain::text::preview;
use crate::domain::{mail_addresses, mail_servers};
use crate::failure::Failure;
use crate::mail::incoming::{split_quoted, split_quoted_html};
use crate::mail::{Mail, markdown, messages as mails};
use crate::store::{self, Recorded, Tx};

/// What is sent or noted: as it was typed, and laid out.
#[derive(Clone, Debug)]
pub struct Text {
    /// Markdown.
    pub source: String,
    /// The same as clean HTML.
    pub html: String,
}

impl Text {
    /// A text, laid out.
    #[must_use]
    pub fn of(source: &str) -> Self {
        Self { source: source.to_owned(), html: markdown::to_html(source) }
    }
}

fn lock(tx: &mut Tx, number: ConversationNumber) -> Result<Conversation, Failure> {
    let sees = Sees::of(tx.actor());
    store::conversations::lock(tx, number, &sees)
}

/// The same for what may bring a settled conversation back: people before conversations, as everywhere.
pub(super) fn lock_with_holder(tx: &mut Tx, number: ConversationNumber) -> Result<Conversation, Failure> {
    let sees = Sees::of(tx.actor());
    let found = store::conversations::find(tx, number, &sees)?.ok_or(Failure::NotFound)?;
    store::removal::lock_holders_of_settled(tx, &[found.id])?;
    lock(tx, number)
}

/// Checks that the target exists here and can get conversations; locked, so that it stays so until the commit (C-7).
///
/// # Errors
/// [`Failure::NotFound`], a [`ConversationRefusal`], or trouble with the database.
pub fn check_target(tx: &mut Tx, target: Target) -> Result<(), Failure> {
    match target {
        Target::User(user) => Ok(may_receive(&store::users::lock_candidate(tx, user)?)?),
        Target::Team(team) if store::teams::lock_targets(tx, &[team])?.is_empty() => Err(Failure::NotFound),
        Target::Team(_) => Ok(()),
        Target::Nobody => Ok(()),
    }
}

/// Gives a conversation to a person, a team or nobody.
///
/// # Errors
/// [`Failure::NotFound`], a [`ConversationRefusal`], or trouble with the database.
pub fn assign(
    tx: &mut Tx,
    _: &Can<may::Assign>,
    number: ConversationNumber,
    target: Target,
) -> Result<Recorded<Conversation>, Failure> {
    check_target(tx, target)?;
    let one = lock(tx, number)?;
    if one.status == Status::Archived {
        return Err(ConversationRefusal::Archived.into());
    }
    let (from, to) = ((one.assignee, one.team), target.holder(one.team));
    if from == to {
        return tx.unchanged(one);
    }
    store::conversations::set_holder(tx, &one, to)?;
    Ok(tx.record(Event::ConversationAssigned { conversation: one.id, from, to }).with(one))
}

/// Closes, reopens, snoozes or archives a conversation (C-6).
///
/// # Errors
/// [`Failure::NotFound`], a [`ConversationRefusal`], or trouble with the database.
pub fn change_status(
    tx: &mut Tx,
    _: &Can<may::ChangeStatus>,
    number: ConversationNumber,
    change: StatusChange,
) -> Result<Recorded<Conversation>, Failure> {
    let one = lock_with_holder(tx, number)?;
    one.may_change_status(change, tx.now())?;
    let event = apply_status(tx, &one, change)?;
    Ok(tx.record(event).with(one))
}

pub(super) fn apply_status(tx: &mut Tx, one: &Conversation, change: StatusChange) -> Result<Event, Failure> {
    let one = &without_gone_holder(tx, one, change.to())?;
    let until: Option<DateTime<Utc>> = match change {
        StatusChange::Snooze(until) => Some(until),
        _ => None,
    };
    store::conversations::set_status(tx, one, change.to(), until)?;
    Ok(Event::ConversationStatusChanged { conversation: one.id, from: one.status, to: change.to(), until })
}

/// A settled conversation keeps whoever handled it, also when they are gone. Where it comes back to work, it must not
/// come back to somebody who never does: then nobody holds it, and its team stays.
pub(super) fn without_gone_holder(tx: &mut Tx, one: &Conversation, to: Status) -> Result<Conversation, Failure> {
    let works = |status| matches!(status, Status::Open | Status::Snoozed);
    let Some(holder) = one.assignee.filter(|_| works(to) && !works(one.status)) else { return Ok(one.clone()) };
    if !store::users::find(tx, holder)?.is_none_or(|user| user.status.is_gone()) {
        return Ok(one.clone());
    }
    let to = (None, one.team);
    store::conversations::set_holder(tx, one, to)?;
    let _ = tx.record(Event::ConversationAssigned { conversation: one.id, from: (one.assignee, one.team), to });
    Ok(Conversation { assignee: None, version: one.version + 1, ..one.clone() })
}

/// Changes how urgent a conversation is.
///
/// # Errors
/// [`Failure::NotFound`], or trouble with the database.
pub fn set_priority(
    tx: &mut Tx,
    _: &Can<may::Tag>,
    number: ConversationNumber,
    to: Priority,
) -> Result<Recorded<Conversation>, Failure> {
    let one = lock(tx, number)?;
    if one.priority == to {
        return tx.unchanged(one);
    }
    store::conversations::set_priority(tx, &one, to)?;
    let event = Event::ConversationPriorityChanged { conversation: one.id, from: one.priority.rank(), to: to.rank() };
    Ok(tx.record(event).with(one))
}

/// Marks a conversation with a word; a new word is remembered.
///
/// # Errors
/// [`Failure::NotFound`], or trouble with the database.
pub fn add_tag(
    tx: &mut Tx,
    _: &Can<may::Tag>,
    number: ConversationNumber,
    name: &str,
) -> Result<Recorded<Conversation>, Failure> {
    let one = lock(tx, number)?;
    let tag = store::tags::find_or_insert(tx, name)?;
    if store::tags::insert_on(tx, one.id, tag)? {
        store::conversations::set_touched(tx, &one)?;
        return Ok(tx.record(Event::ConversationTagged { conversation: one.id, tag }).with(one));
    }
    Ok(tx.unrecorded(one, "the conversation had the tag already"))
}

/// Takes a mark off a conversation.
///
/// # Errors
/// [`Failure::NotFound`] for a conversation or a mark that is none here, or trouble with the database.
pub fn remove_tag(
    tx: &mut Tx,
    _: &Can<may::Tag>,
    number: ConversationNumber,
    tag: TagId,
) -> Result<Recorded<Conversation>, Failure> {
    let one = lock(tx, number)?;
    if store::tags::delete_on(tx, one.id, tag)? {
        store::conversations::set_touched(tx, &one)?;
        return Ok(tx.record(Event::ConversationUntagged { conversation: one.id, tag }).with(one));
    }
    if !store::tags::list(tx)?.iter().any(|(known, _)| *known == tag) {
        return Err(Failure::NotFound);
    }
    Ok(tx.unrecorded(one, "the conversation did not have the tag"))
}

/// Answers the contact; the reply leaves by the mail queue, so that their answer finds the conversation again. A closed
/// or snoozed conversation is opened, unless it is to be closed with the reply.
///
/// # Errors
/// [`Failure::NotFound`], a [`ConversationRefusal`], or trouble with the database.
pub fn reply(
    tx: &mut Tx,
    _: &Can<may::Reply>,
    close: Option<&Can<may::ChangeStatus>>,
    number: ConversationNumber,
    body: &str,
) -> Result<Recorded<Conversation>, Failure> {
    let one = lock_with_holder(tx, number)?;
    Ok(answer(tx, &one, close.is_some(), &Text::of(body))?.with(one))
}

/// The same for a conversation that was locked with its holder.
pub(super) fn answer(
    tx: &mut Tx,
    one: &Conversation,
    closes: bool,
    text: &Text,
) -> Result<Recorded<MessageId>, Failure> {
    let body = text.source.as_str();
    if one.status == Status::Archived {
        return Err(ConversationRefusal::Archived.into());
    }
    let channel = store::channels::find(tx, one.channel)?.ok_or(Failure::Bug("a conversation without channel"))?;
    if channel.kind != ChannelKind::Email {
        return Err(ConversationRefusal::NoWayToReply.into());
    }
    let contact = store::contacts::find(tx, one.contact)?.ok_or(Failure::Bug("a conversation without contact"))?;
    let author = tx.actor().user().ok_or(Failure::Bug("a reply without author"))?;
    let sender = store::users::find(tx, author)?.ok_or(Failure::NotFound)?;
    let references = store::messages::list_message_ids(tx, one.id)?;
    let domain = channel.address.rsplit_once('@').map_or("baton.localhost", |(_, domain)| domain);
    let settings = store::channel_mail::find_or_insert(tx, channel.id)?;
    let reply_to = mail_addresses::reply_address(&channel.address, one.number, &settings.answers.secret);
    let workspace = store::workspaces::this(tx)?;
    let fill = |text: &str| mail_servers::filled(text, &sender.name.display, &workspace.name);
    let (from_name, signature) = (fill(&settings.mail.from_name), fill(&settings.mail.signature));
    // Answers to a sender that is not the channel's own address would go astray.
    let reply_to = match (reply_to.filter(|_| settings.answers.by_address), &settings.mail.from_address) {
        (None, Some(_)) => Some(channel.address.clone()),
        (reply_to, _) => reply_to,
    };
    let quoted = if settings.mail.quotes { quoted(tx, one, &contact.name, workspace.time_zone)? } else { None };
    let written = mails::ReplyText { source: body, html: &text.html, signature: &signature, quoted: quoted.as_ref() };
    let unique: uuid::Uuid = tx.new_id();
    let message_id = format!("{}.{unique}@{domain}", one.number);
    let mail = tx.send_mail(Mail {
        kind: "reply",
        to_name: contact.name,
        to_address: contact.email,
        from_name: if from_name.is_empty() { sender.name.display.clone() } else { from_name },
        from_address: Some(settings.mail.from_address.unwrap_or_else(|| channel.address.clone())),
        reply_to,
        channel: Some(channel.id),
        subject: reply_subject(&one.subject),
        text: written.text(),
        html: written.html()?,
        message_id: Some(message_id.clone()),
        in_reply_to: references.last().cloned(),
        references,
    })?;
    let message = store::messages::insert(
        tx,
        &store::messages::New {
            conversation: one.id,
            kind: MessageKind::Reply,
            author: Some(author),
            body,
            html: Some(&text.html),
            email_message_id: Some(&message_id),
            mail: Some(mail),
            automatic: false,
        },
    )?;
    let mut events = vec![Event::MessageSent { conversation: one.id }];
    let change = match (closes, one.status) {
        (true, Status::Closed | Status::Archived) | (false, Status::Open | Status::Archived) => None,
        (true, _) => Some(StatusChange::Close),
        (false, Status::Closed | Status::Snoozed) => Some(StatusChange::Open),
    };
    if let Some(change) = change {
        events.push(apply_status(tx, one, change)?);
    }
    store::conversations::set_activity(tx, one.id, &preview(body), None)?;
    store::conversations::set_read(tx, one.id, author)?;
    Ok(tx.record_all(events)?.with(message))
}

/// Sends a reply once more that could not be sent or delivered; says whether it was one.
///
/// # Errors
/// [`Failure::NotFound`], a [`ConversationRefusal`], or trouble with the database.
pub fn retry(
    tx: &mut Tx,
    _: &Can<may::Reply>,
    number: ConversationNumber,
    message: MessageId,
) -> Result<Recorded<bool>, Failure> {
    let one = lock(tx, number)?;
    if one.status == Status::Archived {
        return Err(ConversationRefusal::Archived.into());
    }
    let mail = store::messages::find_mail(tx, one.id, message)?.ok_or(Failure::NotFound)?;
    if store::outbox::requeue(tx, mail)? {
        return Ok(tx.record(Event::MessageRetried { conversation: one.id }).with(true));
    }
    Ok(tx.unrecorded(false, "the reply was queued again already"))
}

/// What a reply answers: the contact's latest message, without what that repeats of earlier ones.
fn quoted(tx: &mut Tx, one: &Conversation, name: &str, zone: Tz) -> Result<Option<mails::Quoted>, Failure> {
    let Some((body, html, at)) = store::messages::find_latest_incoming(tx, one.id)? else { return Ok(None) };
    let at = at.with_timezone(&zone).format("%-d %B %Y at %H:%M");
    let text = split_quoted(&body).0.trim().to_owned();
    let html = html.map_or_else(|| markdown::from_text(&text), |html| split_quoted_html(&html).0);
    Ok(Some(mails::Quoted { introduction: format!("On {at}, {name} wrote:"), text, html }))
}

fn reply_subject(subject: &str) -> String {
    let subject = if subject.is_empty() { "Your message" } else { subject };
    if subject.to_lowercase().starts_with("re:") { subject.to_owned() } else { format!("Re: {subject}") }
}

/// Writes a note for teammates.
///
/// # Errors
/// [`Failure::NotFound`], or trouble with the database.
pub fn add_note(
    tx: &mut Tx,
    _: &Can<notes::Write>,
    number: ConversationNumber,
    body: &str,
) -> Result<Recorded<Conversation>, Failure> {
    let one = lock(tx, number)?;
    Ok(annotate(tx, &one, &Text::of(body))?.with(one))
}

/// The same for a conversation that is locked.
pub(super) fn annotate(tx: &mut Tx, one: &Conversation, text: &Text) -> Result<Recorded<MessageId>, Failure> {
    let author = tx.actor().user();
    let message = store::messages::insert(
        tx,
        &store::messages::New {
            conversation: one.id,
            kind: MessageKind::Note,
            author,
            body: &text.source,
            html: Some(&text.html),
            email_message_id: None,
            mail: None,
            automatic: false,
        },
    )?;
    Ok(tx.record(Event::NoteAdded { conversation: one.id }).with(message))
}

/// Notes that somebody has read a conversation; keeps no other record.
///
/// # Errors
/// Trouble with the database.
pub fn mark_read(tx: &mut Tx, id: ConversationId) -> Result<Recorded<()>, Failure> {
    if let Some(user) = tx.actor().user() {
        store::conversations::set_read(tx, id, user)?;
    }
    Ok(tx.unrecorded((), "what somebody has read is theirs"))
}

/// Wakes a conversation whose snooze is over. Of two instances that try at once, one does (F-3).
///
/// # Errors
/// Trouble with the database.
pub fn wake(tx: &mut Tx, id: ConversationId) -> Result<Recorded<bool>, Failure> {
    let found = store::conversations::lock_many(tx, &[id])?.into_iter().next();
    let Some(one) = found.filter(|one| one.is_due(tx.now())) else {
        return Ok(tx.unrecorded(false, "it was woken already"));
    };
    store::conversations::set_woken(tx, &one)?;
    Ok(tx.record(Event::ConversationWoken { conversation: id }).with(true))
}
