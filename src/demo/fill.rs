//! Writes the demo workspace into a database.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::desk::Desk;
use super::draft::{Draft, Size};
use super::random::Rng;
use super::staff::{self, Staff};
use super::{contacts, people, threads};
use crate::domain::access::{Cause, Scope};
use crate::domain::audit::Event;
use crate::domain::conversations::{ChannelKind, MessageKind, Status};
use crate::domain::ids::{ContactId, ConversationId, UserId, WorkspaceId};
use crate::domain::text::{key, preview};
use crate::failure::Failure;
use crate::store::import::{self, Past};
use crate::store::{self, Db, Tx};

/// How many conversations are written in one transaction.
const CHUNK: usize = 1_000;
/// How many of the newest conversations those who try the demo out have looked at.
const LOOKED_AT: usize = 3_000;

/// Writes everything. `viewers` are the addresses of those who have looked at the inbox.
pub(super) fn fill(db: &Db, seed: u64, size: Size, hash: &str, viewers: &[&str]) -> Result<WorkspaceId, Failure> {
    let library = threads::library().map_err(|problem| Failure::Corrupt("the demo's threads", problem))?;
    let names = contacts::names().map_err(|problem| Failure::Corrupt("the demo's names", problem))?;
    let nowhere = Scope::system(WorkspaceId::NIL, None);
    let workspace: WorkspaceId = db.write_now(&nowhere, |tx| tx.unchanged(tx.new_id()))?;
    let scope = Scope::system(workspace, Some(Cause::Command));
    let mut rng = Rng::new(seed);
    let (staff, past) = db.write_now(&scope, |tx| {
        let made = staff::insert(tx, &mut rng, hash)?;
        Ok(tx.unrecorded(made, "its trail is written with the conversations, in the order of time"))
    })?;
    let desk = Desk::new(&staff, (library, names), seed, db.now(), size);
    let mut writer = Writer::new(&staff, viewers, past);

    // Rows are written in the order of time, as they would have been; so the times have to be known first.
    let mut order: Vec<(DateTime<Utc>, usize)> = Vec::with_capacity(size.total());
    let mut activity: Vec<DateTime<Utc>> = Vec::with_capacity(size.total());
    for (index, draft) in (0..size.total()).filter_map(|index| Some((index, desk.draft(index)?))) {
        order.push((draft.created_at, index));
        activity.push(draft.last_activity_at);
    }
    order.sort_unstable();
    activity.sort_unstable_by(|one, other| other.cmp(one));
    writer.looked_at_since = activity.get(LOOKED_AT).copied().unwrap_or(DateTime::UNIX_EPOCH);

    let mut chunks = order.chunks(CHUNK).peekable();
    while let Some(chunk) = chunks.next() {
        let drafts: Vec<Draft> = chunk.iter().filter_map(|(_, index)| desk.draft(*index)).collect();
        let written_until = chunks.peek().and_then(|next| next.first()).map(|(created, _)| *created);
        db.write_now(&scope, |tx| {
            writer.write(tx, &drafts)?;
            writer.record(tx, written_until)?;
            Ok(tx.unrecorded((), "the trail is written as it was left"))
        })?;
    }
    db.write_now(&scope, |tx| {
        writer.record(tx, None)?;
        Ok(tx.unrecorded((), "the trail is written as it was left"))
    })?;
    super::gone::insert(db, &scope)?;
    super::left::insert(db, &scope)?;
    super::kept::insert(db, &scope)?;
    db.anywhere_now(store::counts::fold)?;
    db.keep_statistics()?;
    Ok(workspace)
}

struct Writer<'a> {
    staff: &'a Staff,
    viewers: Vec<usize>,
    looked_at_since: DateTime<Utc>,
    contacts: HashMap<String, ContactId>,
    past: Vec<Past>,
}

impl<'a> Writer<'a> {
    fn new(staff: &'a Staff, viewers: &[&str], past: Vec<Past>) -> Self {
        let viewers = viewers.iter().filter_map(|email| staff.find(email)).collect();
        Self { staff, viewers, looked_at_since: DateTime::UNIX_EPOCH, contacts: HashMap::new(), past }
    }

    fn user(&self, member: usize) -> Option<UserId> {
        self.staff.members.get(member).map(|member| member.id)
    }

    fn write(&mut self, tx: &mut Tx, drafts: &[Draft]) -> Result<(), Failure> {
        let contacts = self.write_contacts(tx, drafts)?;
        let previews: Vec<String> = drafts.iter().map(preview_of).collect();
        let mut rows = Vec::with_capacity(drafts.len());
        for ((draft, contact), preview) in drafts.iter().zip(contacts).zip(&previews) {
            rows.push(self.row(draft, contact, preview)?);
        }
        let ids = import::insert_conversations(tx, &rows)?;
        let (mut messages, mut tags, mut reads) = (Vec::new(), Vec::new(), Vec::new());
        for (draft, id) in drafts.iter().zip(ids) {
            messages.extend(draft.said.iter().map(|one| import::Message {
                conversation: id,
                kind: one.kind,
                author: one.author.and_then(|author| self.user(author)),
                body: &one.text,
                at: one.at,
            }));
            tags.extend(draft.tags.iter().filter_map(|name| Some((id, self.staff.tag(name)?))));
            reads.extend(self.readers(draft).map(|(user, at)| (id, user, at)));
            let past = self.past_of(draft, id)?;
            self.past.extend(past);
        }
        import::insert_messages(tx, &messages)?;
        import::insert_tags(tx, &tags)?;
        import::insert_reads(tx, &reads)
    }

    /// Writes the contacts who have not written before; says who each conversation is with.
    fn write_contacts(&mut self, tx: &mut Tx, drafts: &[Draft]) -> Result<Vec<ContactId>, Failure> {
        let (mut new, mut ids) = (Vec::new(), Vec::with_capacity(drafts.len()));
        for draft in drafts {
            let (name, email) = (&draft.contact.0, &draft.contact.1);
            let id = *self.contacts.entry(key(email)).or_insert_with(|| {
                let id = tx.new_id();
                new.push(import::Contact { id, name, email, created_at: draft.created_at });
                id
            });
            ids.push(id);
        }
        import::insert_contacts(tx, &new)?;
        Ok(ids)
    }

    fn row<'d>(
        &self,
        draft: &'d Draft,
        contact: ContactId,
        preview: &'d str,
    ) -> Result<import::Conversation<'d>, Failure> {
        let place = self.staff.places.get(draft.place).ok_or(Failure::Bug("a draft names a channel that is none"))?;
        let changes = draft.said.len()
            + usize::from(draft.assigned.is_some())
            + usize::from(draft.settled.is_some())
            + usize::from(draft.archived_at.is_some());
        Ok(import::Conversation {
            channel: place.id,
            contact,
            subject: &draft.subject,
            preview,
            status: draft.status,
            priority: draft.priority,
            assignee: draft.holder.and_then(|holder| self.user(holder)),
            team: draft.team.and_then(|team| self.staff.team(team)),
            snoozed_until: draft.snoozed_until,
            waiting_since: draft.waiting_since,
            last_activity_at: draft.last_activity_at,
            closed_at: draft.settled.filter(|_| draft.status == Status::Closed).map(|(at, _)| at),
            version: i64::try_from(changes).unwrap_or(0) + 1,
            created_at: draft.created_at,
        })
    }

    /// Who has read a conversation to its end, and when.
    fn readers(&self, draft: &Draft) -> impl Iterator<Item = (UserId, DateTime<Utc>)> {
        let recent = draft.last_activity_at >= self.looked_at_since;
        let viewers = self.viewers.iter().copied().filter(move |viewer| {
            let person = self.staff.members.get(*viewer).map(|member| member.person);
            let sees_all = person.is_some_and(|person| person.role != people::Role::Agent);
            let sees_team = person.zip(draft.team).is_some_and(|(person, team)| person.teams.contains(&team));
            recent && (sees_all || sees_team) && draft.holder != Some(*viewer)
        });
        // Whoever has left has read what there was then, which says nothing now.
        let holder =
            draft.holder.filter(|holder| self.staff.members.get(*holder).is_some_and(|member| member.until.is_none()));
        draft.read_at.into_iter().flat_map(move |at| {
            holder.into_iter().chain(viewers.clone()).filter_map(move |reader| Some((self.user(reader)?, at)))
        })
    }

    /// What is to be recorded of a conversation.
    fn past_of(&self, draft: &Draft, conversation: ConversationId) -> Result<Vec<Past>, Failure> {
        let place = self.staff.places.get(draft.place).ok_or(Failure::Bug("a draft names a channel that is none"))?;
        let incoming = (place.kind == ChannelKind::Email).then_some(Cause::IncomingMail);
        let mut past = vec![Past {
            at: draft.created_at,
            actor: None,
            cause: incoming,
            event: Event::ConversationCreated { conversation },
        }];
        let mut record = |at, actor, event| past.push(Past { at, actor, cause: None, event });
        if let Some((at, by)) = draft.assigned {
            let to =
                (draft.holder.and_then(|holder| self.user(holder)), draft.team.and_then(|team| self.staff.team(team)));
            let from = (None, Some(place.default_team));
            record(at, self.user(by), Event::ConversationAssigned { conversation, from, to });
        }
        if let Some((at, by)) = draft.settled {
            let to = if draft.status == Status::Snoozed { Status::Snoozed } else { Status::Closed };
            let until = draft.snoozed_until;
            let event = Event::ConversationStatusChanged { conversation, from: Status::Open, to, until };
            record(at, self.user(by), event);
            if let Some(at) = draft.archived_at {
                let (from, to) = (Status::Closed, Status::Archived);
                let event = Event::ConversationStatusChanged { conversation, from, to, until: None };
                past.push(Past { at, actor: None, cause: Some(Cause::Timer), event });
            }
        }
        Ok(past)
    }

    /// Writes what happened before an instant, or all that is left, in the order of time.
    fn record(&mut self, tx: &mut Tx, before: Option<DateTime<Utc>>) -> Result<(), Failure> {
        let (mut due, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.past).into_iter().partition(|past| before.is_none_or(|before| past.at < before));
        self.past = later;
        due.sort_by_key(|past| past.at);
        import::insert_events(tx, &due)
    }
}

/// The first words of the last message.
fn preview_of(draft: &Draft) -> String {
    let last = draft.said.iter().rev().find(|one| one.kind != MessageKind::Note);
    last.map(|one| preview(&one.text)).unwrap_or_default()
}
