//! How open pages hear of changes (C-14): [`crate::domain::live`] says what is told, this says how it gets there.
//!
//! A unit of work gathers topics. On PostgreSQL they leave with its commit (`NOTIFY`), so that all instances hear of them
//! and nobody of what was rolled back; each instance listens on one connection. On SQLite the one server tells itself after
//! the commit; a command that writes the same file leaves a row for it. Each open stream has a slot here: a few bits that
//! say what changed since it looked last. Nothing is queued, so nothing can overflow, and a stream costs no thread and no
//! connection.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use tokio::sync::{Notify, mpsc};

use super::db::{AnyConn, Db, Tx};
use super::pg;
use super::schema::live_changes;
use crate::config::DatabaseUrl;
use crate::domain::ids::{ConversationId, UserId, WorkspaceId};
use crate::domain::live::{Doing, Signal, Topic, VIEWING, WRITING};
use crate::failure::Failure;

/// PostgreSQL's name for what Baton tells.
const CHANNEL: &str = "baton_live";
/// Streams that one person may have open: more are tabs that were forgotten, and the oldest is closed.
pub const STREAMS_OF_ONE: usize = 10;
/// Streams that one instance holds.
pub const STREAMS: usize = 5_000;
/// What is said of presence while the connection to PostgreSQL is busy; more than that is not worth keeping.
const OUTBOX: usize = 256;

/// What changed for a stream since it looked last.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Flags(u8);

impl Flags {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Lists and their numbers.
    pub const INBOX: Self = Self(1);
    /// The open conversation.
    pub const CONVERSATION: Self = Self(2);
    /// Who else is at the open conversation.
    pub const PRESENCE: Self = Self(4);
    /// A bulk job.
    pub const JOB: Self = Self(8);
    /// Whether and as whom the person is logged in.
    pub const STANDING: Self = Self(16);
    /// The stream is to end: the person has opened too many since.
    pub const RETIRED: Self = Self(32);
    /// The stream is to end: the server stops.
    pub const CLOSED: Self = Self(64);
    /// Anything may have changed.
    pub const ALL: Self = Self(1 | 2 | 4 | 8 | 16);

    /// Both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The one without the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether all of the other are among them.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

struct Slot {
    workspace: WorkspaceId,
    user: UserId,
    conversation: Option<ConversationId>,
    flags: AtomicU8,
    wake: Notify,
}

impl Slot {
    fn raise(&self, flags: Flags) {
        if !flags.is_empty() {
            self.flags.fetch_or(flags.0, Ordering::AcqRel);
            self.wake.notify_one();
        }
    }

    /// What of a signal concerns this stream.
    fn concerns(&self, topic: Topic) -> Flags {
        let of = |is: bool, flags| if is { flags } else { Flags::NONE };
        match topic {
            Topic::Inbox => Flags::INBOX,
            Topic::Conversation(id) => of(self.conversation == Some(id), Flags::CONVERSATION),
            Topic::Conversations => of(self.conversation.is_some(), Flags::CONVERSATION),
            Topic::Job(_) => Flags::JOB,
            Topic::User(user) => of(self.user == user, Flags::STANDING),
            Topic::Everybody => Flags::STANDING,
        }
    }
}

#[derive(Clone, Copy)]
struct Present {
    viewing: Option<DateTime<Utc>>,
    writing: Option<DateTime<Utc>>,
}

#[derive(Default)]
struct State {
    /// Oldest first.
    slots: HashMap<WorkspaceId, Vec<Arc<Slot>>>,
    present: HashMap<(WorkspaceId, ConversationId), BTreeMap<UserId, Present>>,
    count: usize,
}

struct Inner {
    state: Mutex<State>,
    closed: AtomicBool,
    /// Whether what is said comes back from PostgreSQL, in the order in which it was said.
    echoes: bool,
    /// Whether somebody else serves the same file of SQLite.
    from_outside: AtomicBool,
    outgoing: mpsc::Sender<String>,
    /// Taken by whoever listens.
    to_send: tokio::sync::Mutex<mpsc::Receiver<String>>,
}

/// What open streams of this instance wait at. Cheap to clone.
#[derive(Clone)]
pub struct Live(Arc<Inner>);

impl Live {
    /// For one database; `echoes` on PostgreSQL.
    pub(super) fn new(echoes: bool) -> Self {
        let (outgoing, to_send) = mpsc::channel(OUTBOX);
        Self(Arc::new(Inner {
            state: Mutex::default(),
            closed: AtomicBool::new(false),
            echoes,
            from_outside: AtomicBool::new(false),
            outgoing,
            to_send: tokio::sync::Mutex::new(to_send),
        }))
    }

    /// Says what somebody does, to this instance and the others. What cannot be sent is said again in a few seconds.
    fn say(&self, signal: &Signal, now: DateTime<Utc>) {
        if self.0.echoes {
            let _ = self.0.outgoing.try_send(signal.encode());
        } else {
            self.publish(signal, now);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a stream; `None` if this instance has too many, or stops.
    #[must_use]
    pub fn subscribe(
        &self,
        workspace: WorkspaceId,
        user: UserId,
        conversation: Option<ConversationId>,
    ) -> Option<Subscription> {
        let slot = Arc::new(Slot { workspace, user, conversation, flags: AtomicU8::new(0), wake: Notify::new() });
        let mut state = self.state();
        // Asked under the lock, under which it is also set.
        if self.0.closed.load(Ordering::Acquire) || state.count >= STREAMS {
            return None;
        }
        state.count += 1;
        let slots = state.slots.entry(workspace).or_default();
        slots.push(slot.clone());
        let own: Vec<&Arc<Slot>> = slots.iter().filter(|slot| slot.user == user).collect();
        for oldest in own.iter().take(own.len().saturating_sub(STREAMS_OF_ONE)) {
            oldest.raise(Flags::RETIRED);
        }
        Some(Subscription { live: self.clone(), slot })
    }

    /// How many streams are open.
    #[must_use]
    pub fn count(&self) -> usize {
        self.state().count
    }

    /// Wakes whoever is concerned.
    pub fn publish(&self, signal: &Signal, now: DateTime<Utc>) {
        match signal {
            Signal::Changed(workspace, topics) => {
                for slot in self.state().slots.get(workspace).into_iter().flatten() {
                    slot.raise(topics.iter().fold(Flags::NONE, |flags, topic| flags.with(slot.concerns(*topic))));
                }
            }
            Signal::Presence(workspace, conversation, user, doing) => {
                self.note(*workspace, *conversation, *user, *doing, now);
            }
        }
    }

    /// Something may have been missed: everybody looks again.
    pub fn publish_all(&self) {
        for slot in self.state().slots.values().flatten() {
            slot.raise(Flags::ALL);
        }
    }

    /// Ends all streams, because the server stops.
    pub fn close(&self) {
        let state = self.state();
        self.0.closed.store(true, Ordering::Release);
        for slot in state.slots.values().flatten() {
            slot.raise(Flags::CLOSED);
        }
    }

    /// From now on what is written is told to the server that has the same file of SQLite open: this is a command.
    pub fn tell_the_server(&self) {
        self.0.from_outside.store(true, Ordering::Release);
    }

    fn note(&self, workspace: WorkspaceId, at: ConversationId, user: UserId, doing: Doing, now: DateTime<Utc>) {
        let mut state = self.state();
        let people = state.present.entry((workspace, at)).or_default();
        let was = people.get(&user).copied();
        let (viewing, writing) = (now + VIEWING, now + WRITING);
        let is = match doing {
            Doing::Viewing => Some(Present { viewing: Some(viewing), writing: was.and_then(|was| was.writing) }),
            Doing::Writing => Some(Present { viewing: Some(viewing), writing: Some(writing) }),
            Doing::Paused => was.map(|was| Present { writing: None, ..was }),
            Doing::Away => None,
        };
        match is {
            Some(is) => drop(people.insert(user, is)),
            None => drop(people.remove(&user)),
        }
        let known = |present: Option<Present>| present.map(|one| (one.is_viewing(now), one.is_writing(now)));
        let changed = known(was) != known(is);
        people.retain(|_, one| one.is_viewing(now));
        if people.is_empty() {
            state.present.remove(&(workspace, at));
        }
        if changed {
            let here = |slot: &&Arc<Slot>| slot.conversation == Some(at) && slot.user != user;
            for slot in state.slots.get(&workspace).into_iter().flatten().filter(here) {
                slot.raise(Flags::PRESENCE);
            }
        }
    }

    /// Who else is at a conversation, and whether they are writing.
    #[must_use]
    pub fn list_present(
        &self,
        workspace: WorkspaceId,
        at: ConversationId,
        but: UserId,
        now: DateTime<Utc>,
    ) -> Vec<(UserId, bool)> {
        let state = self.state();
        let people = state.present.get(&(workspace, at)).into_iter().flatten();
        people
            .filter(|(user, one)| **user != but && one.is_viewing(now))
            .map(|(user, one)| (*user, one.is_writing(now)))
            .collect()
    }

    fn leave(&self, slot: &Arc<Slot>) -> bool {
        let mut state = self.state();
        state.count = state.count.saturating_sub(1);
        let Some(slots) = state.slots.get_mut(&slot.workspace) else { return false };
        slots.retain(|one| !Arc::ptr_eq(one, slot));
        let still_here = slots.iter().any(|one| one.user == slot.user && one.conversation == slot.conversation);
        if slots.is_empty() {
            state.slots.remove(&slot.workspace);
        }
        !still_here
    }
}

impl Present {
    fn is_viewing(&self, now: DateTime<Utc>) -> bool {
        self.viewing.is_some_and(|until| until > now) || self.is_writing(now)
    }

    fn is_writing(&self, now: DateTime<Utc>) -> bool {
        self.writing.is_some_and(|until| until > now)
    }
}

/// A stream that is open; it ends when this is dropped.
pub struct Subscription {
    live: Live,
    slot: Arc<Slot>,
}

impl Subscription {
    /// What changed since this was asked last; waits until something did.
    pub async fn changed(&self) -> Flags {
        loop {
            let flags = self.take();
            if !flags.is_empty() {
                return flags;
            }
            self.slot.wake.notified().await;
        }
    }

    /// The same without waiting.
    #[must_use]
    pub fn take(&self) -> Flags {
        Flags(self.slot.flags.swap(0, Ordering::AcqRel))
    }

    /// The conversation that is open beside it.
    #[must_use]
    pub fn conversation(&self) -> Option<ConversationId> {
        self.slot.conversation
    }

    /// Whether this was the person's last stream with this conversation, so that they are not at it any more.
    #[must_use]
    fn leave(&self) -> bool {
        self.live.leave(&self.slot)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if self.leave()
            && let Some(conversation) = self.slot.conversation
        {
            let gone = Signal::Presence(self.slot.workspace, conversation, self.slot.user, Doing::Away);
            // Nobody reads a clock for what is over.
            self.live.say(&gone, DateTime::<Utc>::MIN_UTC);
        }
    }
}

impl Db {
    /// Says what somebody does at a conversation, here and on the other instances.
    pub fn tell_presence(&self, workspace: WorkspaceId, at: ConversationId, user: UserId, doing: Doing) {
        let signal = Signal::Presence(workspace, at, user, doing);
        self.live().say(&signal, self.now());
    }

    /// Hears what other instances and processes change and tells it to the open streams, until trouble.
    ///
    /// # Errors
    /// Why nothing is heard any more. Whoever calls this again makes good what was missed.
    pub async fn listen(&self) -> Result<(), Failure> {
        match self.url() {
            DatabaseUrl::Postgres(url) => {
                let mut outgoing = self.live().0.to_send.lock().await;
                let hear = |heard: pg::Heard| match heard {
                    pg::Heard::Connected => self.live().publish_all(),
                    pg::Heard::Payload(text) => match Signal::decode(&text) {
                        Some(signal) => self.live().publish(&signal, self.now()),
                        None => tracing::warn!("a signal of another version was left out"),
                    },
                };
                pg::listen(url, CHANNEL, &mut outgoing, hear).await.map_err(Failure::Unavailable)
            }
            DatabaseUrl::Sqlite(_) => {
                let mut watch = Watch::new(self).await?;
                loop {
                    tokio::time::sleep(LOOK).await;
                    watch = watch.look(self).await?;
                }
            }
        }
    }
}

/// How often it is looked whether another process wrote to the file of SQLite.
const LOOK: std::time::Duration = std::time::Duration::from_millis(400);

/// A connection of its own, by which SQLite tells whether others wrote.
struct Watch {
    conn: AnyConn,
    version: i64,
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = BigInt)]
    data_version: i64,
}

impl Watch {
    async fn new(db: &Db) -> Result<Self, Failure> {
        let db = db.clone();
        super::db::blocking(move || Ok(Self { conn: db.connect_apart()?, version: 0 })).await
    }

    /// Tells what commands left since the last look.
    async fn look(mut self, db: &Db) -> Result<Self, Failure> {
        let db = db.clone();
        super::db::blocking(move || {
            let now: Version = diesel::sql_query("PRAGMA data_version").get_result(&mut self.conn)?;
            if now.data_version == self.version {
                return Ok(self);
            }
            self.version = now.data_version;
            let left: Vec<(i64, String)> = live_changes::table
                .order(live_changes::id)
                .select((live_changes::id, live_changes::signal))
                .load(&mut self.conn)?;
            let Some((last, _)) = left.last() else { return Ok(self) };
            let taken = live_changes::table.filter(live_changes::id.le(*last));
            db.anywhere_now(|ax| Ok(diesel::delete(taken).execute(ax.conn)?))?;
            for signal in left.iter().filter_map(|(_, text)| Signal::decode(text)) {
                db.live().publish(&signal, db.now());
            }
            Ok(self)
        })
        .await
    }
}

/// Sends what a unit of work changed along with it. What it answers is to be published after the commit.
pub(super) fn send(tx: &mut Tx, live: &Live, signal: Signal) -> Result<Option<Signal>, Failure> {
    let left_behind = live.0.from_outside.load(Ordering::Acquire);
    let (workspace, text) = (tx.workspace(), signal.encode());
    match tx.locking() {
        AnyConn::Pg(conn) => {
            diesel::sql_query("SELECT pg_notify($1, $2)")
                .bind::<Text, _>(CHANNEL)
                .bind::<Text, _>(text)
                .execute(conn)?;
            Ok(None)
        }
        AnyConn::Sqlite(conn) => {
            if left_behind {
                diesel::insert_into(live_changes::table)
                    .values((live_changes::workspace_id.eq(workspace), live_changes::signal.eq(text)))
                    .execute(conn)?;
            }
            Ok(Some(signal))
        }
    }
}
