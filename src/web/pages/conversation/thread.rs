//! A conversation in the reading pane: header with what can be done, messages and events in order, composer.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::Typed;
use super::message::{MessageView, Writer};
use crate::domain::access::{Key, PermissionSet};
use crate::domain::assignment::Target;
use crate::domain::conversations::{ChannelKind, Conversation, Priority, Status};
use crate::domain::drafts::Draft;
use crate::domain::ids::{ConversationNumber, MailId, MessageId, TagId};
use crate::domain::snooze::Preset;
use crate::domain::text::counted;
use crate::store::audit::Recorded;
use crate::store::contacts::Contact;
use crate::store::inbox::Listed;
use crate::store::messages::{Attachment, Message};
use crate::store::outbox::State;
use crate::web::extract::Viewer;
use crate::web::pages::contacts::Talk;
use crate::web::pages::inbox::list::{long_wait, unusual};
use crate::web::pages::inbox::picker::Picker;
use crate::web::pages::inbox::read::Frame;
use crate::web::pages::inbox::words;
use crate::web::views::events::{self, EventView};
use crate::web::views::person::PersonView;
use crate::web::views::time::TimeView;

/// What is read for a conversation.
pub(in crate::web::pages) struct Shown {
    /// The conversation.
    pub one: Conversation,
    /// With whom.
    pub contact: Option<Contact>,
    /// What there was with them besides, latest first.
    pub others: Vec<Listed>,
    /// Whether there was more.
    pub more_others: bool,
    /// Whether something happened since the reader looked.
    pub unread: bool,
    /// Its tags.
    pub tags: Vec<(TagId, String)>,
    /// Its messages, oldest first.
    pub messages: Vec<Message>,
    /// Whether there are earlier ones.
    pub cut: bool,
    /// Its events, oldest first.
    pub events: Vec<Recorded>,
    /// Files by message.
    pub files: HashMap<MessageId, Vec<Attachment>>,
    /// Whether replies arrived.
    pub deliveries: Vec<(MailId, State, Option<String>)>,
    /// Everybody's unsent answers.
    pub drafts: Vec<Draft>,
    /// The archived conversation that it goes on from.
    pub continues: Option<ConversationNumber>,
    /// The conversation that it was merged into.
    pub merged_into: Option<ConversationNumber>,
}

/// A message or an event.
pub(in crate::web::pages) struct Entry {
    /// The message, if it is one.
    pub message: Option<MessageView>,
    /// The event otherwise.
    pub event: Option<EventView>,
}

/// A time to snooze until.
pub(in crate::web::pages) struct SnoozeChoice {
    /// What the form posts.
    pub value: &'static str,
    /// The words.
    pub label: &'static str,
    /// The time that it means.
    pub at: TimeView,
}

/// Snoozing, for who may.
pub(in crate::web::pages) struct Snooze {
    /// Times by name.
    pub choices: Vec<SnoozeChoice>,
    /// The earliest that can be typed.
    pub min: String,
    /// The zone that typed times are in.
    pub zone: String,
}

/// A priority that can be chosen.
pub(in crate::web::pages) struct PriorityChoice {
    /// What the form posts.
    pub value: &'static str,
    /// The word.
    pub label: &'static str,
    /// Whether it is so.
    pub on: bool,
}

/// Answering, for who may.
pub(in crate::web::pages) struct Composer {
    /// Whether replies are offered.
    pub reply: bool,
    /// Whether notes are offered.
    pub note: bool,
    /// Whether a note is being written.
    pub is_note: bool,
    /// Where the form posts.
    pub action: String,
    /// What was typed.
    pub body: String,
    /// What is wrong with it.
    pub problem: Option<String>,
    /// To whom and how.
    pub to: String,
    /// Whether it can be closed with the message.
    pub close: bool,
    /// The version of the draft that is shown; 0 if there is none.
    pub draft: i64,
    /// The name of this very page, so that its own saving is not taken for another window's.
    pub name: String,
    /// When the draft was saved.
    pub saved: Option<TimeView>,
    /// Whose draft it was before it was taken over.
    pub begun_by: Option<PersonView>,
    /// A note that was begun by somebody who may not write notes any more: it must not become an answer.
    pub stranded: Option<String>,
}

/// An unsent answer of somebody who cannot log in.
pub(in crate::web::pages) struct DraftView {
    /// Whose.
    pub person: PersonView,
    /// Their id, as the form posts it.
    pub id: String,
    /// What it says.
    pub body: String,
    /// Whether it is to be a note.
    pub note: bool,
    /// When it was saved.
    pub at: TimeView,
    /// Whether whoever reads it may send it.
    pub usable: bool,
}

/// The contact, and what there was with them besides.
pub(in crate::web::pages) struct Customer {
    /// Their name.
    pub name: String,
    /// The address that replies go to.
    pub email: String,
    /// Their page, for who may see it.
    pub page: Option<String>,
    /// Their open conversations in the inbox.
    pub inbox: String,
    /// What teammates should know, for who may see it.
    pub note: String,
    /// Their other conversations, latest first.
    pub others: Vec<Talk>,
    /// How many there are, in words.
    pub count: String,
}

/// The pane.
pub(in crate::web::pages) struct Thread {
    /// The conversation's number.
    pub number: ConversationNumber,
    /// What it is about.
    pub subject: String,
    /// This very page.
    pub here: String,
    /// The list.
    pub list: String,
    /// Where to go on when it is settled.
    pub next: String,
    /// What is wrong with a form of the header.
    pub alert: Option<String>,
    /// Who holds it, if it is a person.
    pub person: Option<PersonView>,
    /// The words if nobody does.
    pub holder: &'static str,
    /// Whose work it is.
    pub team: Option<String>,
    /// Who it can be given to, for who may.
    pub picker: Option<Picker>,
    /// Where it stands, unless it is open.
    pub status: Option<(&'static str, &'static str)>,
    /// When it wakes.
    pub wakes: Option<TimeView>,
    /// How long the contact waits, if that is long.
    pub waiting: Option<String>,
    /// Snoozing, for who may.
    pub snooze: Option<Snooze>,
    /// Whether it can be closed.
    pub close: bool,
    /// Whether it can be opened again.
    pub reopen: bool,
    /// Whether it can be archived.
    pub archive: bool,
    /// How urgent it is, unless as usual.
    pub priority: Option<(&'static str, &'static str)>,
    /// Priorities, for who may change it.
    pub priorities: Vec<PriorityChoice>,
    /// Its tags: id and name.
    pub tags: Vec<(String, String)>,
    /// Whether tags can be changed.
    pub may_tag: bool,
    /// All tags, to choose from.
    pub all_tags: Vec<String>,
    /// Number, channel, contact.
    pub details: String,
    /// With whom it is.
    pub contact: Option<Customer>,
    /// The conversation that it goes on from.
    pub continues: Option<ConversationNumber>,
    /// The conversation that it was merged into.
    pub merged_into: Option<ConversationNumber>,
    /// Whether it can be merged into another one.
    pub merge: bool,
    /// Whether earlier messages are left out.
    pub cut: bool,
    /// Messages and events in order.
    pub entries: Vec<Entry>,
    /// Answering, for who may.
    pub composer: Option<Composer>,
    /// What people left who cannot log in, for who may hand over (C-12).
    pub drafts: Vec<DraftView>,
    /// Why it cannot be answered, if something other than permission is in the way.
    pub silent: Option<&'static str>,
}

impl Thread {
    /// The pane of a conversation.
    pub(in crate::web::pages) fn new(viewer: &Viewer, frame: &Frame, shown: &Shown, typed: Typed) -> Self {
        let one = &shown.one;
        let may = viewer.known.person.permissions;
        let has = |key| may.has(key);
        let living = one.status != Status::Archived;
        let changes = living && has(Key::ConversationsChangeStatus);
        let channel = frame.named.channel(one.channel);
        let kind = channel.map_or(ChannelKind::Email, |channel| channel.kind);
        let contact = shown.contact.as_ref();
        let name = contact.map_or("Unknown contact", |contact| contact.name.as_str());
        Self {
            number: one.number,
            subject: if one.subject.is_empty() { "(no subject)".to_owned() } else { one.subject.clone() },
            here: words::with_query(&format!("/conversations/{}", one.number), &frame.address),
            list: words::href(&frame.address),
            next: next(frame, one.number),
            alert: typed.alert.clone(),
            person: one.assignee.map(|id| frame.named.people.get(id)),
            holder: "Unassigned",
            team: one.team.and_then(|id| frame.named.team(id)).map(str::to_owned),
            picker: (living && has(Key::ConversationsAssign)).then(|| picker(frame, one)),
            status: status(one.status),
            wakes: one
                .snoozed_until
                .filter(|_| one.status == Status::Snoozed)
                .map(|at| frame.times().full(at).inside()),
            waiting: long_wait(frame, one),
            snooze: changes.then(|| snooze(frame)),
            close: changes && one.status != Status::Closed,
            reopen: changes && one.status != Status::Open,
            archive: changes && one.status == Status::Closed,
            priority: unusual(one.priority),
            priorities: if has(Key::ConversationsTag) { priorities(one.priority) } else { Vec::new() },
            tags: shown.tags.iter().map(|(id, name)| (id.to_string(), name.clone())).collect(),
            may_tag: has(Key::ConversationsTag),
            all_tags: frame.named.tags.iter().map(|(_, name)| name.clone()).collect(),
            details: details(one, kind, channel.map(|channel| channel.name.as_str())),
            contact: contact.map(|contact| customer(frame, shown, may, contact)),
            continues: shown.continues,
            merged_into: shown.merged_into,
            merge: changes,
            cut: shown.cut,
            entries: entries(frame, shown, kind, living && has(Key::ConversationsReply)),
            drafts: drafts(frame, may, one, kind, &shown.drafts),
            composer: composer(viewer, frame, shown, (kind, name), typed),
            silent: silent(may, one, kind),
        }
    }
}

fn customer(frame: &Frame, shown: &Shown, may: PermissionSet, contact: &Contact) -> Customer {
    let sees = may.has(Key::ContactsView);
    let others = i64::try_from(shown.others.len()).unwrap_or(0);
    let count = match (others, shown.more_others) {
        (0, _) => String::new(),
        (_, true) => format!("{others}+ others"),
        (_, false) => counted(others, "other", "others"),
    };
    Customer {
        name: contact.name.clone(),
        email: contact.email.clone(),
        page: sees.then(|| format!("/contacts/{}", contact.id)),
        inbox: format!("/inbox?contact={}", contact.id),
        note: if sees { contact.note.clone() } else { String::new() },
        others: shown.others.iter().map(|one| Talk::new(one, &frame.named, &frame.times())).collect(),
        count,
    }
}

/// The row after this one, or before it if it is the last, or the list.
fn next(frame: &Frame, number: ConversationNumber) -> String {
    let rows = &frame.page.rows;
    let at = rows.iter().position(|row| row.conversation.number == number);
    let beside = at.and_then(|at| rows.get(at + 1).or_else(|| rows.get(at.checked_sub(1)?)));
    beside.map_or_else(
        || words::href(&frame.address),
        |row| words::with_query(&format!("/conversations/{}", row.conversation.number), &frame.address),
    )
}

fn picker(frame: &Frame, one: &Conversation) -> Picker {
    let holder = match (one.assignee, one.team) {
        (Some(user), _) => Target::User(user),
        (None, Some(team)) => Target::Team(team),
        (None, None) => Target::Nobody,
    };
    let load = frame.counts.by_person(Status::Open);
    let (people, teams) = (&frame.named.assignable, &frame.named.teams);
    Picker::new("assign", "assign-form", people, teams, &load, (frame.asker.me, Some(holder)))
}

const fn status(status: Status) -> Option<(&'static str, &'static str)> {
    match status {
        Status::Open => None,
        Status::Snoozed => Some(("Snoozed", "accent")),
        Status::Closed => Some(("Closed", "good")),
        Status::Archived => Some(("Archived", "outline")),
    }
}

fn snooze(frame: &Frame) -> Snooze {
    let (now, zone, times) = (frame.asker.now, frame.asker.zone, frame.times());
    let choice = |preset: Preset| SnoozeChoice {
        value: preset.as_str(),
        label: preset.label(),
        at: times.full(preset.at(now, zone)),
    };
    Snooze {
        choices: Preset::ALL.into_iter().map(choice).collect(),
        min: now.with_timezone(&zone).format("%Y-%m-%dT%H:%M").to_string(),
        zone: zone.name().to_owned(),
    }
}

fn priorities(now: Priority) -> Vec<PriorityChoice> {
    let choice = |one: Priority| PriorityChoice { value: one.as_str(), label: one.label(), on: one == now };
    Priority::ALL.into_iter().map(choice).collect()
}

fn details(one: &Conversation, kind: ChannelKind, channel: Option<&str>) -> String {
    let label = kind.label();
    match channel.filter(|name| *name != label) {
        Some(name) => format!("#{} · {label} · {name}", one.number),
        None => format!("#{} · {label}", one.number),
    }
}

fn entries(frame: &Frame, shown: &Shown, kind: ChannelKind, may_retry: bool) -> Vec<Entry> {
    let names = frame.named.for_events(frame.asker.bulk);
    let channel = if kind == ChannelKind::WhatsApp { kind.label().to_owned() } else { kind.label().to_lowercase() };
    let writer = Writer {
        people: &frame.named.people,
        contact: shown.contact.as_ref(),
        channel: &channel,
        deliveries: shown.deliveries.iter().map(|(id, state, said)| (*id, (*state, said.clone()))).collect(),
        times: frame.times(),
        may_retry,
    };
    let mut entries: Vec<(DateTime<Utc>, u8, Entry)> = Vec::new();
    for message in &shown.messages {
        let files = shown.files.get(&message.id).map(Vec::as_slice).unwrap_or_default();
        entries.push((message.at, 1, Entry { message: Some(writer.write(message, files)), event: None }));
    }
    // Of what happened in one instant, the beginning comes before the message and what follows from it after.
    let oldest = shown.messages.first().filter(|_| shown.cut).map(|message| message.at);
    for event in shown.events.iter().filter(|event| oldest.is_none_or(|oldest| event.at >= oldest)) {
        let Some(view) = events::of_conversation(event, &names, &frame.times()) else { continue };
        let rank = if event.name == "conversation.created" { 0 } else { 2 };
        entries.push((event.at, rank, Entry { message: None, event: Some(view) }));
    }
    entries.sort_by_key(|(at, rank, _)| (*at, *rank));
    entries.into_iter().map(|(_, _, entry)| entry).collect()
}

/// Whether replies and notes can be written here now, by somebody who may do so much.
fn writable(may: PermissionSet, one: &Conversation, kind: ChannelKind) -> (bool, bool) {
    let answerable = one.status != Status::Archived && kind == ChannelKind::Email;
    (answerable && may.has(Key::ConversationsReply), may.has(Key::NotesWrite))
}

fn composer(
    viewer: &Viewer,
    frame: &Frame,
    shown: &Shown,
    (kind, name): (ChannelKind, &str),
    typed: Typed,
) -> Option<Composer> {
    let (may, one) = (viewer.known.person.permissions, &shown.one);
    let (reply, note) = writable(may, one, kind);
    let kept = shown.drafts.iter().find(|draft| draft.author == frame.asker.me);
    // What was just typed and refused stands before what was saved earlier.
    let stranded = kept.filter(|kept| kept.note && !note).map(|kept| kept.body.clone());
    let (body, is_note) = match kept.filter(|_| typed.problem.is_none()) {
        Some(_) if stranded.is_some() => (String::new(), false),
        Some(kept) => (kept.body.clone(), kept.note),
        None => (typed.body, typed.note),
    };
    (reply || note).then(|| Composer {
        reply,
        note,
        is_note: note && (is_note || !reply),
        action: format!("/conversations/{}/{}", one.number, if reply { "messages" } else { "notes" }),
        body,
        problem: typed.problem,
        to: if reply { format!("to {name}, by {}", kind.label().to_lowercase()) } else { String::new() },
        close: reply && may.has(Key::ConversationsChangeStatus) && one.status != Status::Closed,
        draft: kept.map_or(0, |kept| kept.version),
        name: viewer.db().new_secret().reveal().to_owned(),
        saved: kept.map(|kept| frame.times().full(kept.updated_at).inside()),
        begun_by: kept.and_then(|kept| kept.begun_by).map(|id| frame.named.people.get(id)),
        stranded,
    })
}

fn drafts(
    frame: &Frame,
    may: PermissionSet,
    one: &Conversation,
    kind: ChannelKind,
    drafts: &[Draft],
) -> Vec<DraftView> {
    if !may.has(Key::HandoversRun) {
        return Vec::new();
    }
    let (reply, note) = writable(may, one, kind);
    let left = drafts.iter().filter(|draft| frame.named.inactive.contains(&draft.author));
    left.map(|draft| DraftView {
        person: frame.named.people.get(draft.author),
        id: draft.author.to_string(),
        body: draft.body.clone(),
        note: draft.note,
        at: frame.times().full(draft.updated_at).inside(),
        usable: if draft.note { note } else { reply },
    })
    .collect()
}

fn silent(may: PermissionSet, one: &Conversation, kind: ChannelKind) -> Option<&'static str> {
    if !may.has(Key::ConversationsReply) {
        return None;
    }
    match (one.status, kind) {
        (Status::Archived, _) => {
            Some("This conversation is archived. A new message from the contact starts a new one.")
        }
        (_, ChannelKind::Email) => None,
        _ => Some("This channel can’t send replies yet. Notes stay between you and your teammates."),
    }
}
