//! A fresh database for each test: SQLite as a copy of a prepared file, PostgreSQL as a copy of a prepared database.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use baton::config::DatabaseUrl;
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use tempfile::TempDir;

/// The two databases.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Sqlite,
    Postgres,
}

/// A database of one test, gone when it is dropped.
pub struct Fresh {
    url: DatabaseUrl,
    /// Keeps the file of SQLite.
    _dir: Option<TempDir>,
}

impl Fresh {
    /// An empty database, without any table.
    pub fn empty(kind: Kind) -> Self {
        match kind {
            Kind::Sqlite => {
                let dir = tempfile::tempdir().expect("a directory for temporary files");
                let url = DatabaseUrl::Sqlite(dir.path().join("baton.db"));
                Self { url, _dir: Some(dir) }
            }
            Kind::Postgres => {
                let name = new_name();
                create(&name, "template0");
                Self { url: DatabaseUrl::Postgres(url_of(&name)), _dir: None }
            }
        }
    }

    /// A copy of a prepared database.
    pub fn copy_of(prepared: &Prepared) -> Self {
        match prepared {
            Prepared::Sqlite(bytes) => {
                let fresh = Self::empty(Kind::Sqlite);
                std::fs::write(fresh.file().expect("a file"), bytes).expect("a file in the temporary directory");
                fresh
            }
            Prepared::Postgres(template) => {
                let name = new_name();
                create(&name, template);
                Self { url: DatabaseUrl::Postgres(url_of(&name)), _dir: None }
            }
        }
    }

    /// Its address.
    pub fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    fn file(&self) -> Option<&Path> {
        match &self.url {
            DatabaseUrl::Sqlite(file) => Some(file),
            DatabaseUrl::Postgres(_) => None,
        }
    }

    /// The first column of what a statement answers, as text; NULL is "NULL". On SQLite the column must be called `line`.
    pub fn lines(&self, statement: &str) -> Vec<String> {
        self.try_lines(statement).unwrap_or_else(|error| panic!("{statement}: {error}"))
    }

    /// The same, or what the database says against it.
    pub fn try_lines(&self, statement: &str) -> Result<Vec<String>, String> {
        match &self.url {
            DatabaseUrl::Sqlite(file) => {
                #[derive(QueryableByName)]
                struct Line {
                    #[diesel(sql_type = diesel::sql_types::Nullable<diesel::sql_types::Text>)]
                    line: Option<String>,
                }
                let mut conn = sqlite(file);
                let lines: Vec<Line> = diesel::sql_query(statement).load(&mut conn).map_err(|e| e.to_string())?;
                Ok(lines.into_iter().map(|one| one.line.unwrap_or_else(|| "NULL".to_owned())).collect())
            }
            DatabaseUrl::Postgres(url) => ask(url, statement),
        }
    }

    /// Runs statements that answer nothing.
    pub fn execute(&self, statements: &str) {
        self.try_execute(statements).unwrap_or_else(|error| panic!("{statements}: {error}"));
    }

    /// The same, or what the database says against it.
    pub fn try_execute(&self, statements: &str) -> Result<(), String> {
        match &self.url {
            DatabaseUrl::Sqlite(file) => sqlite(file).batch_execute(statements).map_err(|error| error.to_string()),
            DatabaseUrl::Postgres(url) => ask(url, statements).map(|_| ()),
        }
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        if let DatabaseUrl::Postgres(url) = &self.url {
            let name = url::Url::parse(url).expect("an address").path().trim_start_matches('/').to_owned();
            // Connections of pools that are still closing are cut.
            if let Err(error) = ask(server(), &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")) {
                eprintln!("{name} was not dropped: {error}");
            }
        }
    }
}

/// A database to be copied.
pub enum Prepared {
    /// The bytes of its file.
    Sqlite(Vec<u8>),
    /// Its name on the server.
    Postgres(String),
}

impl Prepared {
    /// Keeps what `fresh` holds. Nobody may be connected to it any more.
    pub fn from(fresh: &Fresh) -> Self {
        match &fresh.url {
            DatabaseUrl::Sqlite(file) => {
                let whole = file.with_extension("whole");
                let statement = format!("VACUUM INTO '{}'", whole.display());
                sqlite(file).batch_execute(&statement).expect("a copy of the prepared database");
                Self::Sqlite(std::fs::read(whole).expect("the copy"))
            }
            DatabaseUrl::Postgres(url) => {
                let name = url::Url::parse(url).expect("an address").path().trim_start_matches('/').to_owned();
                let template = format!("{name}_template");
                // A copy can only be made of a database that nobody is connected to, and pools close in their own time.
                let cut = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
                ask(server(), &cut).expect("to cut connections");
                ask(server(), &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"))
                    .expect("to close the template");
                ask(server(), &cut).expect("to cut connections");
                create(&template, &name);
                Self::Postgres(template)
            }
        }
    }
}

/// The address of the PostgreSQL server that tests may use.
pub fn server() -> &'static str {
    static SERVER: OnceLock<String> = OnceLock::new();
    #[expect(clippy::disallowed_methods, reason = "the tests' only setting; config is for the program")]
    SERVER.get_or_init(|| {
        std::env::var("BATON_TEST_POSTGRES").unwrap_or_else(|_| {
            panic!(
                "There is no PostgreSQL to test on: BATON_TEST_POSTGRES is not set. Run bin/test, which starts one \
                 (or bin/postgres run -- cargo test --test it)."
            )
        })
    })
}

fn url_of(database: &str) -> String {
    let mut url = url::Url::parse(server()).expect("BATON_TEST_POSTGRES is not an address");
    url.set_path(database);
    url.to_string()
}

fn new_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("baton_test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Copies a database. The server refuses to copy one that is being copied, so copies of this process take turns, and
/// one that meets another process's is tried again.
fn create(name: &str, template: &str) {
    static TURN: Mutex<()> = Mutex::new(());
    let _mine = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let statement = format!("CREATE DATABASE {name} TEMPLATE {template}");
    let mut answer = ask(server(), &statement);
    for _ in 0..50 {
        match &answer {
            Err(problem) if problem.contains("is being accessed by other users") => wait_a_moment(),
            _ => break,
        }
        answer = ask(server(), &statement);
    }
    answer.unwrap_or_else(|problem| panic!("{statement}: {problem}"));
}

#[expect(clippy::disallowed_methods, reason = "a test waits for the server on a thread of its own")]
fn wait_a_moment() {
    std::thread::sleep(std::time::Duration::from_millis(100));
}

fn sqlite(file: &Path) -> diesel::SqliteConnection {
    let mut conn = diesel::SqliteConnection::establish(&file.to_string_lossy()).expect("the test's database");
    conn.batch_execute("PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON").expect("pragmas");
    conn
}

/// Asks a PostgreSQL server, on a thread of its own: the caller may be inside of an asynchronous test.
fn ask(url: &str, statement: &str) -> Result<Vec<String>, String> {
    let answer = || -> Result<Vec<String>, tokio_postgres::Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
            let driver = tokio::spawn(connection);
            let answers = client.simple_query(statement).await?;
            drop(client);
            let _ = driver.await;
            Ok(answers
                .into_iter()
                .filter_map(|answer| match answer {
                    tokio_postgres::SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or("NULL").to_owned()),
                    _ => None,
                })
                .collect())
        })
    };
    std::thread::scope(|scope| scope.spawn(answer).join().expect("a thread that asks")).map_err(|error| {
        error
            .as_db_error()
            .map_or_else(|| error.to_string(), |said| format!("{} {}", said.code().code(), said.message()))
    })
}
