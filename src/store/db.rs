//! The one door to the database: a read handle, a unit of work, and the proof that it left its audit trail.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::prelude::*;
use diesel::r2d2::{CustomizeConnection, ManageConnection};

use super::live::{self, Live};
use super::pg::PgConnection;
use super::roster::Rosters;
use super::statements::Statements;
use super::{audit, outbox, tasks};
use crate::config::DatabaseUrl;
use crate::domain::access::{Actor, Scope};
use crate::domain::audit::Event;
use crate::domain::clock::{Clock, Entropy};
use crate::domain::ids::{MailId, WorkspaceId};
use crate::domain::live::{Doing, Signal, Topic, topics_of, written_in};
use crate::domain::secrets::Secret;
use crate::failure::Failure;
use crate::mail::Mail;

mod any {
    #![expect(missing_docs, reason = "Diesel's derive makes public items without documentation")]
    #![expect(clippy::large_enum_variant, reason = "there are eight of them in all, and the derive wants no box")]

    use super::PgConnection;

    /// A connection to either database. The rest of the store is written once, against this.
    #[derive(diesel::MultiConnection)]
    pub enum AnyConn {
        /// A file beside the program.
        Sqlite(diesel::SqliteConnection),
        /// A server, for several instances.
        Pg(PgConnection),
    }
}
pub use any::{AnyConn, MultiBackend};

/// Loads rows and, where the database does not serialise writers anyway, locks them until the end of the transaction.
///
/// The lock leaves keys alone: others may go on naming the row by a foreign key. A lock that forbade it would make
/// whoever answers in a conversation, and whoever hands it to them meanwhile, wait for each other.
macro_rules! load_locked {
    ($tx:expr, $row:ty, $query:expr) => {{
        match $tx.locking() {
            $crate::store::db::AnyConn::Sqlite(conn) => $query.load::<$row>(conn),
            $crate::store::db::AnyConn::Pg(conn) => $query.for_no_key_update().load::<$row>(conn),
        }
    }};
}
pub(super) use load_locked;

/// Loads rows that are to be deleted: nobody names them by a foreign key until the end of the transaction.
macro_rules! load_doomed {
    ($tx:expr, $row:ty, $query:expr) => {{
        match $tx.locking() {
            $crate::store::db::AnyConn::Sqlite(conn) => $query.load::<$row>(conn),
            $crate::store::db::AnyConn::Pg(conn) => $query.for_update().load::<$row>(conn),
        }
    }};
}
pub(super) use load_doomed;

/// Loads rows that are to be named by a foreign key: nobody deletes them until the end of the transaction.
macro_rules! load_kept {
    ($tx:expr, $row:ty, $query:expr) => {{
        match $tx.locking() {
            $crate::store::db::AnyConn::Sqlite(conn) => $query.load::<$row>(conn),
            $crate::store::db::AnyConn::Pg(conn) => $query.for_key_share().load::<$row>(conn),
        }
    }};
}
pub(super) use load_kept;

/// Inserts many rows at once.
macro_rules! insert_all {
    ($conn:expr, $table:expr, $rows:expr) => {{
        let rows = $rows;
        match $conn {
            $crate::store::db::AnyConn::Sqlite(conn) => diesel::insert_into($table).values(rows).execute(conn),
            $crate::store::db::AnyConn::Pg(conn) => diesel::insert_into($table).values(rows).execute(conn),
        }
    }};
}
pub(super) use insert_all;

/// How many values one statement carries: SQLite takes 32,766 at most, PostgreSQL 65,535.
pub(super) const VALUES: usize = 12_000;

/// Inserts rows of so many columns, in as few statements as the databases take.
macro_rules! insert_in_parts {
    ($tx:expr, $table:expr, $columns:literal, $rows:expr) => {{
        for part in $rows.chunks($crate::store::db::VALUES / $columns) {
            $crate::store::db::insert_all!($tx.write(), $table, part)?;
        }
    }};
}
pub(super) use insert_in_parts;

/// Inserts rows, leaving out those that are there already; says how many were new.
macro_rules! insert_new {
    ($conn:expr, $table:expr, $rows:expr) => {{
        let rows = $rows;
        match $conn {
            $crate::store::db::AnyConn::Sqlite(conn) => {
                diesel::insert_or_ignore_into($table).values(rows).execute(conn)
            }
            $crate::store::db::AnyConn::Pg(conn) => {
                diesel::insert_into($table).values(rows).on_conflict_do_nothing().execute(conn)
            }
        }
    }};
}
pub(super) use insert_new;

/// Makes connections for the pool.
pub struct Manager {
    url: DatabaseUrl,
    statements: Statements,
}

impl ManageConnection for Manager {
    type Connection = AnyConn;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> Result<AnyConn, Self::Error> {
        let connected = match &self.url {
            DatabaseUrl::Sqlite(path) => {
                diesel::SqliteConnection::establish(&path.to_string_lossy()).map(AnyConn::Sqlite)
            }
            DatabaseUrl::Postgres(url) => PgConnection::establish(url).map(AnyConn::Pg),
        };
        let mut conn = connected.map_err(diesel::r2d2::Error::ConnectionError)?;
        conn.set_instrumentation(self.statements.watch());
        Ok(conn)
    }

    fn is_valid(&self, conn: &mut AnyConn) -> Result<(), Self::Error> {
        conn.batch_execute("SELECT 1").map_err(diesel::r2d2::Error::QueryError)
    }

    fn has_broken(&self, conn: &mut AnyConn) -> bool {
        match conn {
            AnyConn::Sqlite(conn) => AnsiTransactionManager::is_broken_transaction_manager(conn),
            AnyConn::Pg(conn) => conn.is_closed() || AnsiTransactionManager::is_broken_transaction_manager(conn),
        }
    }
}

/// What every SQLite connection needs: waiting instead of failing, a journal that lets readers read, real foreign keys.
const SQLITE_PRAGMAS: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; \
     PRAGMA foreign_keys = ON; PRAGMA cache_size = -2000; PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0; \
     PRAGMA journal_size_limit = 67108864; PRAGMA secure_delete = ON;";

/// Of two that make a new file's journal at once, SQLite refuses one without waiting; so it asks again for two seconds.
#[expect(clippy::disallowed_methods, reason = "connections are made on threads that may block")]
fn prepare_sqlite(conn: &mut diesel::SqliteConnection) -> QueryResult<()> {
    for _ in 0..100 {
        if conn.batch_execute(SQLITE_PRAGMAS).is_ok() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    conn.batch_execute(SQLITE_PRAGMAS)
}

#[derive(Debug)]
struct Prepare;

impl CustomizeConnection<AnyConn, diesel::r2d2::Error> for Prepare {
    fn on_acquire(&self, conn: &mut AnyConn) -> Result<(), diesel::r2d2::Error> {
        let prepared = match conn {
            AnyConn::Sqlite(conn) => prepare_sqlite(conn),
            AnyConn::Pg(conn) => conn.batch_execute("SET TIME ZONE 'UTC'; SET statement_timeout = '60s'"),
        };
        prepared.map_err(diesel::r2d2::Error::QueryError)
    }
}

/// A pool of connections.
pub type Pool = diesel::r2d2::Pool<Manager>;

struct Inner {
    url: DatabaseUrl,
    pool: Pool,
    statements: Statements,
    rosters: Rosters,
    live: Live,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// The database, as the rest of the program knows it. Cheap to clone.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

/// How many connections one instance holds.
const CONNECTIONS: u32 = 8;

impl Db {
    /// Opens a pool of connections.
    ///
    /// # Errors
    /// A sentence that says what to change, if the database cannot be opened.
    pub fn open(url: &DatabaseUrl, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Result<Self, String> {
        let statements = Statements::default();
        let manager = Manager { url: url.clone(), statements: statements.clone() };
        // One attempt in the open first: the pool would try for long, and then only say "timed out".
        let first = manager.connect().and_then(|mut conn| Prepare.on_acquire(&mut conn));
        first.map_err(|error| url.cannot_be_opened(&error))?;
        let pool = Pool::builder()
            .max_size(CONNECTIONS)
            .min_idle(Some(CONNECTIONS))
            .test_on_check_out(false)
            .connection_timeout(Duration::from_secs(10))
            .connection_customizer(Box::new(Prepare))
            .build(manager)
            .map_err(|error| url.cannot_be_opened(&error))?;
        let live = Live::new(url.is_postgres());
        let (url, rosters) = (url.clone(), Rosters::default());
        Ok(Self(Arc::new(Inner { url, pool, statements, rosters, live, clock, entropy })))
    }

    /// The present instant by this installation's clock.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.0.clock.now()
    }

    /// How many statements were sent through this handle so far.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.0.statements.sent()
    }

    /// What this instance remembers of workspaces.
    pub(super) fn rosters(&self) -> &Rosters {
        &self.0.rosters
    }

    /// Where open pages of this instance wait for changes.
    #[must_use]
    pub fn live(&self) -> &Live {
        &self.0.live
    }

    pub(super) fn url(&self) -> &DatabaseUrl {
        &self.0.url
    }

    /// A connection beside the pool, for what needs the same one all the time.
    pub(super) fn connect_apart(&self) -> Result<AnyConn, Failure> {
        let manager = Manager { url: self.0.url.clone(), statements: self.0.statements.clone() };
        let prepared = manager.connect().and_then(|mut conn| Prepare.on_acquire(&mut conn).map(|()| conn));
        prepared.map_err(|error| Failure::Unavailable(error.to_string()))
    }

    /// A new secret.
    #[must_use]
    pub fn new_secret(&self) -> Secret {
        Secret::from_bits(&self.0.entropy.secret())
    }

    /// 256 random bits.
    #[must_use]
    pub fn random(&self) -> [u8; 32] {
        self.0.entropy.secret()
    }

    /// A new id, for what is made outside of a unit of work.
    #[must_use]
    pub fn new_id<I: From<uuid::Uuid>>(&self) -> I {
        self.0.entropy.new_id(self.now()).into()
    }

    /// Brings the statistics up to date by which SQLite chooses its indexes; PostgreSQL does so itself. Reads a sample of
    /// each index only, and nothing at all while sizes have not changed much.
    ///
    /// # Errors
    /// Trouble with the database.
    pub fn keep_statistics(&self) -> Result<(), Failure> {
        match &mut *self.connection()? {
            AnyConn::Sqlite(conn) => Ok(conn.batch_execute("PRAGMA analysis_limit = 1000; PRAGMA optimize = 0x10002")?),
            AnyConn::Pg(_) => Ok(()),
        }
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// If it does not.
    pub fn ping(&self) -> Result<(), Failure> {
        self.connection()?.batch_execute("SELECT 1").map_err(Failure::from)
    }

    /// Lets nothing that was deleted survive in the journal of SQLite, as far as nobody reads there just now. PostgreSQL
    /// cleans up by itself in its own time.
    ///
    /// # Errors
    /// Trouble with the database.
    pub async fn scrub(&self) -> Result<(), Failure> {
        let db = self.clone();
        blocking(move || db.scrub_now()).await
    }

    /// [`Self::scrub`] on a thread that may block.
    ///
    /// # Errors
    /// As there.
    pub fn scrub_now(&self) -> Result<(), Failure> {
        match &mut *self.connection()? {
            AnyConn::Sqlite(conn) => conn.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)").map_err(Failure::from),
            AnyConn::Pg(_) => Ok(()),
        }
    }

    pub(super) fn connection(&self) -> Result<diesel::r2d2::PooledConnection<Manager>, Failure> {
        self.0.pool.get().map_err(|error| Failure::Unavailable(error.to_string()))
    }

    /// Reads in one workspace.
    ///
    /// # Errors
    /// Whatever `f` answers, or trouble with the database.
    pub async fn read<T, F>(&self, scope: &Scope, f: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnOnce(&mut Rx) -> Result<T, Failure> + Send + 'static,
    {
        let (db, workspace) = (self.clone(), scope.workspace);
        blocking(move || db.read_now(workspace, f)).await
    }

    /// Does one unit of work in one workspace, for one actor, at one instant, in one transaction.
    ///
    /// # Errors
    /// Whatever `f` answers, or trouble with the database; nothing is written then.
    pub async fn write<T, F>(&self, scope: &Scope, f: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx) -> Result<Recorded<T>, Failure> + Send + 'static,
    {
        let (db, scope) = (self.clone(), scope.clone());
        blocking(move || db.write_now(&scope, f)).await
    }

    /// Reads or claims where the workspace is not known yet: log-in, links, due work. Only `store::anywhere` and
    /// `store::tasks` take the handle.
    ///
    /// # Errors
    /// Whatever `f` answers, or trouble with the database.
    pub async fn anywhere<T, F>(&self, f: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnOnce(&mut Ax) -> Result<T, Failure> + Send + 'static,
    {
        let db = self.clone();
        blocking(move || db.anywhere_now(f)).await
    }

    /// [`Self::read`] on a thread that may block.
    ///
    /// # Errors
    /// As there.
    pub fn read_now<T>(
        &self,
        workspace: WorkspaceId,
        f: impl FnOnce(&mut Rx) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let now = self.now();
        let mut conn = self.connection()?;
        f(&mut Rx { conn: &mut conn, workspace, now })
    }

    /// [`Self::anywhere`] on a thread that may block. One transaction, committed if `f` succeeds.
    ///
    /// # Errors
    /// As there.
    pub fn anywhere_now<T>(&self, f: impl FnOnce(&mut Ax) -> Result<T, Failure>) -> Result<T, Failure> {
        let now = self.now();
        let mut conn = self.connection()?;
        in_transaction(&mut conn, |conn| f(&mut Ax { conn, now }))
    }

    /// [`Self::anywhere`] for reading only, without a transaction.
    ///
    /// # Errors
    /// As there.
    pub fn look_anywhere_now<T>(&self, f: impl FnOnce(&mut Ax) -> Result<T, Failure>) -> Result<T, Failure> {
        let now = self.now();
        let mut conn = self.connection()?;
        f(&mut Ax { conn: &mut conn, now })
    }

    /// [`Self::write`] on a thread that may block.
    ///
    /// Verbs lock in one order (people, then conversations), but a foreign key or an index may lock in another. Of two
    /// units of work that then wait for each other, PostgreSQL ends one; it has changed nothing and is done again.
    ///
    /// # Errors
    /// As there.
    pub fn write_now<T>(
        &self,
        scope: &Scope,
        mut f: impl FnMut(&mut Tx) -> Result<Recorded<T>, Failure>,
    ) -> Result<T, Failure> {
        for _ in 0..RETRIES {
            match self.write_once(scope, &mut f) {
                Err(Failure::Database(error)) if is_deadlock(&error) => tracing::debug!("a deadlock; once more"),
                done => return done,
            }
        }
        self.write_once(scope, &mut f)
    }

    fn write_once<T>(
        &self,
        scope: &Scope,
        f: &mut impl FnMut(&mut Tx) -> Result<Recorded<T>, Failure>,
    ) -> Result<T, Failure> {
        let now = self.now();
        let mut conn = self.connection()?;
        let (value, changed) = in_transaction(&mut conn, |conn| {
            let rx = Rx { conn, workspace: scope.workspace, now };
            let entropy = &*self.0.entropy;
            let mut tx = Tx { rx, scope, entropy, writes: 0, events: Vec::new(), touched: Vec::new() };
            let recorded = f(&mut tx)?;
            let written = tx.events.iter().rev().find_map(written_in);
            Ok((recorded.value, (tx.flush(&self.0.live)?, written)))
        })?;
        if let Some(changed) = changed.0 {
            self.0.live.publish(&changed, now);
        }
        if let (Some(at), Some(user)) = (changed.1, scope.actor.user()) {
            self.tell_presence(scope.workspace, at, user, Doing::Paused);
        }
        Ok(value)
    }
}

/// How often a unit of work that was ended to resolve a deadlock is done again before that counts as trouble.
const RETRIES: usize = 5;

fn is_deadlock(error: &diesel::result::Error) -> bool {
    use diesel::result::{DatabaseErrorKind, Error};
    match error {
        Error::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => true,
        Error::DatabaseError(_, info) => info.message() == "deadlock detected",
        _ => false,
    }
}

/// Runs `f` where it may block.
///
/// # Errors
/// Whatever `f` answers; a panic in it counts as a bug.
#[expect(clippy::disallowed_methods, reason = "the one place that moves work to a blocking thread")]
pub async fn blocking<T, F>(f: F) -> Result<T, Failure>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, Failure> + Send + 'static,
{
    actix_web::web::block(f).await.map_err(|_| Failure::Bug("a blocking task was cancelled"))?
}

/// SQLite takes its write lock at once: a transaction that reads first and writes later would fail with "locked" as
/// soon as another one wrote in between.
fn in_transaction<T>(conn: &mut AnyConn, f: impl FnOnce(&mut AnyConn) -> Result<T, Failure>) -> Result<T, Failure> {
    match conn {
        AnyConn::Sqlite(conn) => AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE")?,
        AnyConn::Pg(conn) => AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN")?,
    }
    // A panic must not leave the transaction open in the pool.
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| f(conn)));
    let committed = match &result {
        Ok(Ok(_)) => match conn {
            AnyConn::Sqlite(conn) => AnsiTransactionManager::commit_transaction(conn),
            AnyConn::Pg(conn) => AnsiTransactionManager::commit_transaction(conn),
        },
        _ => {
            let rolled_back = match conn {
                AnyConn::Sqlite(conn) => AnsiTransactionManager::rollback_transaction(conn),
                AnyConn::Pg(conn) => AnsiTransactionManager::rollback_transaction(conn),
            };
            if let Err(error) = rolled_back {
                tracing::warn!(%error, "a transaction could not be rolled back");
            }
            Ok(())
        }
    };
    match result {
        Ok(answer) => answer.and_then(|value| committed.map(|()| value).map_err(Failure::from)),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// A handle outside of any workspace.
pub struct Ax<'c> {
    pub(super) conn: &'c mut AnyConn,
    now: DateTime<Utc>,
}

impl Ax<'_> {
    /// The instant of this piece of work.
    #[must_use]
    pub const fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// The same connection inside a workspace that was found.
    pub fn within(&mut self, workspace: WorkspaceId) -> Rx<'_> {
        Rx { conn: self.conn, workspace, now: self.now }
    }
}

/// A read handle: queries in one workspace.
pub struct Rx<'c> {
    pub(super) conn: &'c mut AnyConn,
    workspace: WorkspaceId,
    now: DateTime<Utc>,
}

impl Rx<'_> {
    /// The workspace that everything is read in.
    #[must_use]
    pub const fn workspace(&self) -> WorkspaceId {
        self.workspace
    }

    /// The instant of this piece of work; it stands still throughout.
    #[must_use]
    pub const fn now(&self) -> DateTime<Utc> {
        self.now
    }
}

/// A unit of work: one transaction, one workspace, one actor, one instant.
pub struct Tx<'c> {
    rx: Rx<'c>,
    scope: &'c Scope,
    entropy: &'c dyn Entropy,
    writes: u32,
    events: Vec<Event>,
    touched: Vec<Topic>,
}

impl<'c> Deref for Tx<'c> {
    type Target = Rx<'c>;
    fn deref(&self) -> &Self::Target {
        &self.rx
    }
}

impl DerefMut for Tx<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.rx
    }
}

/// Proof that a unit of work left its audit trail, or changed nothing. Only [`Tx`] makes one.
#[must_use]
#[derive(Debug)]
pub struct Recorded<T> {
    value: T,
}

impl<T> Recorded<T> {
    /// The same proof with another result.
    pub fn with<U>(self, value: U) -> Recorded<U> {
        Recorded { value }
    }

    /// The same proof with the result turned into another.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Recorded<U> {
        Recorded { value: f(self.value) }
    }

    /// The result, while the unit of work goes on.
    pub const fn value(&self) -> &T {
        &self.value
    }
}

impl Tx<'_> {
    /// Who acts.
    #[must_use]
    pub const fn actor(&self) -> &Actor {
        &self.scope.actor
    }

    /// Where, as whom and why.
    #[must_use]
    pub const fn scope(&self) -> &Scope {
        self.scope
    }

    /// A new id, greater than those of earlier units of work.
    #[must_use]
    pub fn new_id<I: From<uuid::Uuid>>(&self) -> I {
        self.entropy.new_id(self.rx.now).into()
    }

    /// A new secret.
    #[must_use]
    pub fn new_secret(&self) -> Secret {
        Secret::from_bits(&self.entropy.secret())
    }

    /// Records what happened; written with the transaction.
    pub fn record(&mut self, event: Event) -> Recorded<()> {
        self.events.push(event);
        Recorded { value: () }
    }

    /// Records several facts. None at all must be said by [`Self::unchanged`].
    ///
    /// # Errors
    /// If there are none although something was written.
    pub fn record_all(&mut self, events: Vec<Event>) -> Result<Recorded<()>, Failure> {
        if events.is_empty() {
            return self.unchanged(());
        }
        self.events.extend(events);
        Ok(Recorded { value: () })
    }

    /// Says that nothing was to be done.
    ///
    /// # Errors
    /// If something was written all the same: a mistake in the program, and everything is rolled back.
    pub fn unchanged<T>(&mut self, value: T) -> Result<Recorded<T>, Failure> {
        if self.writes > 0 && self.events.is_empty() {
            return Err(Failure::Bug("a unit of work wrote without recording"));
        }
        Ok(Recorded { value })
    }

    /// The proof for what keeps its own record: sessions' last use, read marks, progress of a job, mail states.
    pub fn unrecorded<T>(&mut self, value: T, _why: &'static str) -> Recorded<T> {
        Recorded { value }
    }

    /// Lets open pages know after the commit. Only for what leaves no event: those are told by themselves.
    pub fn touch(&mut self, topic: Topic) {
        self.touched.push(topic);
    }

    /// Queues a mail; it leaves after the commit.
    ///
    /// # Errors
    /// Trouble with the database.
    pub fn send_mail(&mut self, mail: Mail) -> Result<MailId, Failure> {
        outbox::insert(self, mail)
    }

    /// Queues mails, all of which leave after the commit.
    ///
    /// # Errors
    /// Trouble with the database.
    pub fn send_mails(&mut self, mails: Vec<Mail>) -> Result<Vec<MailId>, Failure> {
        outbox::insert_many(self, mails)
    }

    /// Queues background work; it begins after the commit.
    ///
    /// # Errors
    /// Trouble with the database.
    pub fn enqueue(&mut self, task: tasks::Task) -> Result<(), Failure> {
        tasks::insert(self, task)
    }

    /// The connection, for reading under a lock.
    pub(super) fn locking(&mut self) -> &mut AnyConn {
        self.rx.conn
    }

    /// The connection, for a change. Counted, so that a change without a record is noticed.
    pub(super) fn write(&mut self) -> &mut AnyConn {
        self.writes += 1;
        self.rx.conn
    }

    /// Writes the trail, and says what open pages are to be told.
    fn flush(&mut self, live: &Live) -> Result<Option<Signal>, Failure> {
        let events = std::mem::take(&mut self.events);
        audit::insert(self, &events)?;
        let mut touched = std::mem::take(&mut self.touched);
        touched.extend(events.iter().flat_map(topics_of));
        if touched.is_empty() {
            return Ok(None);
        }
        live::send(self, live, Signal::changed(self.rx.workspace, touched))
    }
}
