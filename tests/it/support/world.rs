//! The workspace Fernhill and its people, whom every test knows, and a second workspace that must never be seen.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use baton::actions;
use baton::domain::access::{Actor, Can, Cause, Permission, Person, Scope};
use baton::domain::clock::{Clock, Entropy, ManualClock};
use baton::domain::conversations::ChannelKind;
use baton::domain::ids::{
    ChannelId, ConversationId, ConversationNumber, RoleId, SessionId, TeamId, UserId, WorkspaceId,
};
use baton::domain::roles::Standard;
use baton::domain::users::{Name, Status, User};
use baton::failure::Failure;
use baton::store::{self, Ax, Db, Recorded, Rx, Tx};
use chrono::{DateTime, TimeDelta, Utc};
use url::Url;
use uuid::Uuid;

use super::db::{Fresh, Kind, Prepared};
use super::draft::Draft;
use super::other::{self, Other};

/// Everybody's password.
pub const PASSWORD: &str = "correct horse battery staple";

/// Its hash, made once: hashing is meant to be slow.
pub fn password_hash() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| baton::domain::passwords::hash(PASSWORD).expect("a hash"))
}

/// Where links lead.
pub fn base() -> Url {
    Url::parse("https://baton.example/").expect("an address")
}

/// When every test begins: a Monday morning.
pub fn beginning() -> DateTime<Utc> {
    "2026-03-02T09:00:00Z".parse().expect("an instant")
}

/// Ids and secrets that are the same in every run, and never the same twice in one.
pub struct Counting(AtomicU64);

impl Counting {
    fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }
}

impl Entropy for Counting {
    fn new_id(&self, now: DateTime<Utc>) -> Uuid {
        let mut random = [0; 10];
        random[2..].copy_from_slice(&self.next().to_be_bytes());
        let millis = u64::try_from(now.timestamp_millis()).expect("an instant after 1970");
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }

    fn secret(&self) -> [u8; 32] {
        let mut bits = [7; 32];
        bits[..8].copy_from_slice(&self.next().to_be_bytes());
        bits
    }
}

/// What is known of the two workspaces.
#[derive(Clone, Debug)]
pub struct Known {
    pub workspace: WorkspaceId,
    pub roles: HashMap<Standard, RoleId>,
    /// Owner.
    pub olga: UserId,
    /// Admin.
    pub ada: UserId,
    /// Supervisor.
    pub sven: UserId,
    /// Agent, leads Support, member of Email.
    pub agnes: UserId,
    /// Agent, in Support, member of Email and Chat.
    pub bob: UserId,
    /// Reader.
    pub rita: UserId,
    /// Guest, in Returns.
    pub gus: UserId,
    /// Agnes and Bob.
    pub support: TeamId,
    /// Sven and Gus.
    pub returns: TeamId,
    pub email: ChannelId,
    pub chat: ChannelId,
    pub other: Other,
}

/// A fresh database with the known workspaces in it, and a clock that stands still.
pub struct World {
    pub db: Db,
    pub clock: Arc<ManualClock>,
    entropy: Arc<Counting>,
    known: Known,
    /// Dropped last.
    pub database: Fresh,
}

impl Deref for World {
    type Target = Known;
    fn deref(&self) -> &Known {
        &self.known
    }
}

struct Made {
    prepared: Prepared,
    known: Known,
    used: u64,
}

fn make(kind: Kind) -> Made {
    let database = Fresh::empty(kind);
    let (clock, entropy) = (Arc::new(ManualClock::at(beginning())), Arc::new(Counting(AtomicU64::new(0))));
    let known = {
        let db = Db::open(database.url(), clock, entropy.clone()).expect("a database");
        store::migrations::run(&db).expect("migrations");
        build(&db)
    };
    let used = entropy.0.load(Ordering::Relaxed);
    Made { prepared: Prepared::from(&database), known, used }
}

impl World {
    /// On one or the other.
    pub fn on(kind: Kind) -> Self {
        match kind {
            Kind::Sqlite => Self::on_sqlite(),
            Kind::Postgres => Self::on_postgres(),
        }
    }

    /// On SQLite.
    pub fn on_sqlite() -> Self {
        static MADE: OnceLock<Made> = OnceLock::new();
        Self::copy(MADE.get_or_init(|| make(Kind::Sqlite)))
    }

    /// On PostgreSQL.
    pub fn on_postgres() -> Self {
        static MADE: OnceLock<Made> = OnceLock::new();
        Self::copy(MADE.get_or_init(|| make(Kind::Postgres)))
    }

    fn copy(made: &Made) -> Self {
        let database = Fresh::copy_of(&made.prepared);
        let clock = Arc::new(ManualClock::at(beginning()));
        let entropy = Arc::new(Counting(AtomicU64::new(made.used)));
        let db = Db::open(database.url(), clock.clone(), entropy.clone()).expect("a database");
        Self { db, clock, entropy, known: made.known.clone(), database }
    }

    /// Which database this is.
    pub fn kind(&self) -> Kind {
        match self.database.url() {
            baton::config::DatabaseUrl::Sqlite(_) => Kind::Sqlite,
            baton::config::DatabaseUrl::Postgres(_) => Kind::Postgres,
        }
    }

    /// Another instance of the program on the same database, with the same clock.
    pub fn instance_b(&self) -> Db {
        Db::open(self.database.url(), self.clock.clone(), self.entropy.clone()).expect("a second instance")
    }

    /// The present instant.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Lets time pass.
    pub fn later(&self, by: TimeDelta) {
        self.clock.advance(by.to_std().unwrap_or(Duration::ZERO));
    }

    // --- who asks ---------------------------------------------------------------------------------------------------

    /// The scope of a person's request, as the web makes it. They need not be active: a stale one is worth a test.
    pub fn scope(&self, who: UserId) -> Scope {
        let workspace = if who == self.other.xena { self.other.workspace } else { self.workspace };
        self.db.read_now(workspace, |rx| scope_of(rx, who)).expect("a person")
    }

    /// Baton itself in Fernhill.
    pub fn system(&self) -> Scope {
        Scope::system(self.workspace, Some(Cause::Command))
    }

    /// The proof that a person may; the test ends if they may not.
    pub fn can<P: Permission>(&self, who: UserId) -> Can<P> {
        Can::check(&self.scope(who)).unwrap_or_else(|| panic!("{who:?} lacks {}", P::KEY))
    }

    // --- reading and writing ----------------------------------------------------------------------------------------

    /// Reads in Fernhill.
    pub fn read<T>(&self, f: impl FnOnce(&mut Rx) -> Result<T, Failure>) -> T {
        self.db.read_now(self.workspace, f).expect("to read")
    }

    /// A unit of work by a person.
    pub fn by<T>(&self, who: UserId, f: impl FnMut(&mut Tx) -> Result<Recorded<T>, Failure>) -> Result<T, Failure> {
        self.db.write_now(&self.scope(who), f)
    }

    /// A unit of work by Baton itself; the test ends if it fails.
    pub fn system_does<T>(&self, f: impl FnMut(&mut Tx) -> Result<Recorded<T>, Failure>) -> T {
        self.db.write_now(&self.system(), f).expect("Baton's own work")
    }

    /// Something outside of any workspace.
    pub fn anywhere<T>(&self, f: impl FnOnce(&mut Ax) -> Result<T, Failure>) -> T {
        self.db.anywhere_now(f).expect("to look anywhere")
    }

    /// The user as they stand now.
    pub fn user(&self, who: UserId) -> User {
        self.read(|rx| store::users::find(rx, who)).expect("a user")
    }

    /// The names of everything that was recorded in Fernhill, latest first.
    pub fn trail(&self, limit: i64) -> Vec<String> {
        self.read(|rx| store::audit::list_latest(rx, limit)).into_iter().map(|event| event.name).collect()
    }

    /// How many events Fernhill has.
    pub fn events(&self) -> i64 {
        self.read(store::audit::count)
    }

    /// A number that a statement answers.
    pub fn number(&self, statement: &str) -> i64 {
        self.database.lines(&format!("SELECT CAST(({statement}) AS TEXT) AS line"))[0].parse().expect("a number")
    }

    // --- quick facts ------------------------------------------------------------------------------------------------

    /// A conversation as described.
    pub fn conversation(&self, draft: &Draft) -> (ConversationId, ConversationNumber) {
        self.conversations(std::slice::from_ref(draft)).remove(0)
    }

    /// Conversations as described, in one transaction.
    pub fn conversations(&self, drafts: &[Draft]) -> Vec<(ConversationId, ConversationNumber)> {
        self.system_does(|tx| {
            let made = drafts.iter().map(|draft| draft.make(tx)).collect::<Result<Vec<_>, _>>()?;
            Ok(tx.unrecorded(made, "a test sets the scene"))
        })
    }

    /// So many open conversations of one person.
    pub fn open_of(&self, who: UserId, count: usize) -> Vec<(ConversationId, ConversationNumber)> {
        self.conversations(&vec![self.draft().assignee(who); count])
    }

    /// What a conversation of Fernhill starts as: open, by mail, held by nobody.
    pub fn draft(&self) -> Draft {
        Draft {
            channel: self.email,
            contact: "harriet@customer.example".to_owned(),
            subject: "A tent pole is missing".to_owned(),
            holder: (None, None),
            change: None,
            priority: None,
            waiting: None,
            tags: Vec::new(),
        }
    }

    /// Somebody new in Fernhill.
    pub fn newcomer(&self, name: &str, role: Standard, status: Status) -> UserId {
        let roles = self.roles.clone();
        self.system_does(|tx| {
            let user = insert_user(tx, name, "fernhill.example", &[roles[&role]], status)?;
            Ok(tx.unrecorded(user, "a test sets the scene"))
        })
    }

    /// Logs somebody in somewhere.
    pub fn session(&self, who: UserId, key: &str) -> SessionId {
        let key_hash = baton::domain::secrets::hash(key);
        self.system_does(|tx| {
            let session = store::sessions::insert(tx, who, &key_hash, ("192.0.2.7", "Firefox"))?;
            Ok(tx.unrecorded(session, "a test sets the scene"))
        })
    }

    /// Deactivates without further ado.
    pub fn deactivate(&self, who: UserId) {
        let by = if who == self.olga { self.system() } else { self.scope(self.olga) };
        let can = Can::check(&by).expect("Olga may");
        self.db.write_now(&by, |tx| actions::users::deactivate(tx, &can, who, None, None)).expect("a deactivation");
    }
}

/// The scope of a person's request.
pub fn scope_of(rx: &mut Rx, who: UserId) -> Result<Scope, Failure> {
    let user = store::users::find(rx, who)?.ok_or(Failure::NotFound)?;
    let standing = store::people::find_standing(rx, who)?;
    Ok(Scope {
        workspace: rx.workspace(),
        actor: Actor::Person(Arc::new(Person {
            id: who,
            name: user.name,
            is_owner: standing.is_owner,
            permissions: standing.permissions,
            teams: standing.teams,
            channels: standing.channels,
            only_guest: standing.only_guest,
            session: SessionId::NIL,
        })),
        cause: None,
        address: Some("192.0.2.7".to_owned()),
        request_id: None,
    })
}

fn insert_user(tx: &mut Tx, name: &str, domain: &str, roles: &[RoleId], status: Status) -> Result<UserId, Failure> {
    let first = name.split(' ').next().unwrap_or(name);
    let user = store::users::insert(
        tx,
        &store::users::New {
            email: &format!("{}@{domain}", first.to_lowercase()),
            name: &Name { full: name.to_owned(), display: first.to_owned() },
            status,
            password_hash: (status != Status::Invited).then(password_hash),
        },
    )?;
    store::roles::insert_of_user(tx, user, roles)?;
    Ok(user)
}

pub fn new_workspace(db: &Db, name: &str, slug: &str, owner: &str) -> (WorkspaceId, UserId) {
    let number: u128 = if slug == "fernhill" { 1 } else { 2 };
    let workspace = WorkspaceId(Uuid::from_u128(number << 96));
    let first = owner.split(' ').next().unwrap_or(owner);
    let new = actions::workspaces::New {
        name,
        slug,
        time_zone: "Europe/Berlin",
        owner: actions::workspaces::Owner {
            email: &format!("{}@{slug}.example", first.to_lowercase()),
            name: &Name { full: owner.to_owned(), display: first.to_owned() },
            password_hash: password_hash(),
        },
    };
    let scope = Scope::system(workspace, Some(Cause::Command));
    let owner = db.write_now(&scope, |tx| actions::workspaces::create(tx, &new)).expect("a workspace");
    (workspace, owner)
}

pub fn roles(rx: &mut Rx) -> Result<HashMap<Standard, RoleId>, Failure> {
    Ok(store::roles::list(rx)?.into_iter().filter_map(|role| Some((role.standard?, role.id))).collect())
}

fn build(db: &Db) -> Known {
    let (workspace, olga) = new_workspace(db, "Fernhill", "fernhill", "Olga Owens");
    let scope = Scope::system(workspace, Some(Cause::Command));
    let other = other::build(db);
    db.write_now(&scope, |tx| {
        let roles = roles(tx)?;
        let hire = |tx: &mut Tx, name, role| insert_user(tx, name, "fernhill.example", &[roles[&role]], Status::Active);
        let ada = hire(tx, "Ada Adler", Standard::Admin)?;
        let sven = hire(tx, "Sven Sorensen", Standard::Supervisor)?;
        let agnes = hire(tx, "Agnes Arndt", Standard::Agent)?;
        let bob = hire(tx, "Bob Keller", Standard::Agent)?;
        let rita = hire(tx, "Rita Reyes", Standard::Reader)?;
        let gus = hire(tx, "Gus Garcia", Standard::Guest)?;
        let support = store::teams::insert(tx, "Support", "Answers first")?;
        let returns = store::teams::insert(tx, "Returns", "")?;
        for (team, user) in [(support, agnes), (support, bob), (returns, sven), (returns, gus)] {
            store::teams::insert_member(tx, team, user)?;
        }
        store::teams::set_lead(tx, support, agnes, true)?;
        let email = store::channels::list(tx)?.remove(0).id;
        let chat = store::channels::insert(tx, ChannelKind::WebChat, "Chat", "chat", None)?;
        for (channel, user) in [(email, agnes), (email, bob), (chat, bob)] {
            store::channels::insert_member(tx, channel, user)?;
        }
        let known = Known {
            workspace,
            roles,
            olga,
            ada,
            sven,
            agnes,
            bob,
            rita,
            gus,
            support,
            returns,
            email,
            chat,
            other: other.clone(),
        };
        Ok(tx.unrecorded(known, "the scene of all tests"))
    })
    .expect("Fernhill")
}
