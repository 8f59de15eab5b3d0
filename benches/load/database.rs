//! A database that holds the sample workspace, big, with two people who hold a known number of conversations.

use std::sync::Arc;

use baton::config::DatabaseUrl;
use baton::demo;
use baton::domain::clock::{SystemClock, SystemEntropy};
use baton::store::{Db, migrations};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;

/// Somebody who has left, and how much they hold that is open.
#[derive(Clone)]
pub struct Held {
    /// Their id.
    pub user: String,
    /// How many.
    pub conversations: usize,
}

/// The database of one measurement.
pub struct Database {
    url: DatabaseUrl,
    few: Held,
    many: Held,
    team: String,
    _folder: tempfile::TempDir,
}

/// Who is given how many, of a million.
const FEW: (&str, usize) = ("ruth.mbeki@fernhill.example", 2_000);
const MANY: (&str, usize) = ("leila.haddad@fernhill.example", 100_000);

impl Database {
    /// Makes and fills one: SQLite in a temporary folder, PostgreSQL on the server of `BATON_TEST_POSTGRES`.
    pub fn filled(kind: &str, conversations: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = if kind == "sqlite" {
            DatabaseUrl::Sqlite(folder.path().join("baton.db"))
        } else {
            #[expect(clippy::disallowed_methods, reason = "the measurement's only setting")]
            let server = std::env::var("BATON_TEST_POSTGRES").expect("BATON_TEST_POSTGRES is not set: run bin/bench");
            query(&DatabaseUrl::Postgres(server.clone()), "DROP DATABASE IF EXISTS baton_bench WITH (FORCE)");
            query(&DatabaseUrl::Postgres(server.clone()), "CREATE DATABASE baton_bench");
            let mut url = url::Url::parse(&server).expect("an address");
            url.set_path("baton_bench");
            DatabaseUrl::Postgres(url.to_string())
        };
        {
            let db = Db::open(&url, Arc::new(SystemClock::default()), Arc::new(SystemEntropy)).expect("a database");
            migrations::run(&db).expect("migrations");
            // Beside each open one, the sample has half a snoozed, closed or archived one.
            demo::fill(&db, 1, conversations * 2 / 3).expect("the sample workspace");
            // What the program would otherwise do beside the first measurements.
            baton::tasks::audit::seal_all(&db).expect("seals");
        }
        let mut database = Self {
            few: Held { user: String::new(), conversations: FEW.1.min(conversations / 20) },
            many: Held { user: String::new(), conversations: MANY.1.min(conversations / 5) },
            team: String::new(),
            url,
            _folder: folder,
        };
        database.few.user = database.give(FEW.0, database.few.conversations, 0);
        database.many.user = database.give(MANY.0, database.many.conversations, database.few.conversations);
        database.team = database.id("SELECT {id} AS line FROM teams ORDER BY name_key LIMIT 1");
        match &database.url {
            DatabaseUrl::Sqlite(_) => query(&database.url, "PRAGMA wal_checkpoint(TRUNCATE); ANALYZE"),
            DatabaseUrl::Postgres(_) => query(&database.url, "VACUUM ANALYZE"),
        };
        database
    }

    /// Makes somebody the holder of exactly so many open conversations.
    fn give(&self, email: &str, count: usize, after: usize) -> String {
        let who = format!("(SELECT id FROM users WHERE email_key = '{email}')");
        let free = "(SELECT id FROM users WHERE email_key = 'dana.weiss@fernhill.example')";
        query(&self.url, &format!("UPDATE conversations SET assignee_id = {free} WHERE assignee_id = {who}"));
        let some =
            format!("SELECT id FROM conversations WHERE status = 'open' ORDER BY id LIMIT {count} OFFSET {after}");
        query(&self.url, &format!("UPDATE conversations SET assignee_id = {who} WHERE id IN ({some})"));
        self.id(&format!("SELECT {{id}} AS line FROM users WHERE email_key = '{email}'"))
    }

    fn id(&self, statement: &str) -> String {
        let id = if self.is_postgres() { "id::text" } else { "lower(hex(id))" };
        let text = query(&self.url, &statement.replace("{id}", id)).into_iter().next().expect("an id");
        uuid::Uuid::parse_str(&text).expect("an id").to_string()
    }

    /// What people call it.
    pub fn name(&self) -> &'static str {
        if self.is_postgres() { "PostgreSQL" } else { "SQLite" }
    }

    /// Whether it is PostgreSQL.
    pub fn is_postgres(&self) -> bool {
        matches!(self.url, DatabaseUrl::Postgres(_))
    }

    /// As `DATABASE_URL` has it.
    pub fn url(&self) -> String {
        match &self.url {
            DatabaseUrl::Sqlite(file) => format!("sqlite://{}", file.display()),
            DatabaseUrl::Postgres(url) => url.clone(),
        }
    }

    /// Somebody who holds some.
    pub fn few(&self) -> Held {
        self.few.clone()
    }

    /// Somebody who holds very many.
    pub fn many(&self) -> Held {
        self.many.clone()
    }

    /// A team.
    pub fn team(&self) -> &str {
        &self.team
    }

    /// The addresses of so many people who can log in.
    pub fn people(&self, count: usize) -> Vec<String> {
        let statement =
            format!("SELECT email_key AS line FROM users WHERE status = 'active' ORDER BY email_key LIMIT {count}");
        query(&self.url, &statement)
    }

    /// The number of a conversation with some messages.
    pub fn some_number(&self) -> String {
        let statement = "SELECT CAST(c.number AS TEXT) AS line FROM conversations c WHERE c.status = 'open' AND \
             (SELECT count(*) FROM messages m WHERE m.conversation_id = c.id) >= 4 ORDER BY c.id LIMIT 1";
        query(&self.url, statement).into_iter().next().expect("a conversation")
    }

    /// The number of a conversation that is made to have so many messages.
    pub fn long_number(&self, messages: usize) -> String {
        let statement = "SELECT CAST(c.number AS TEXT) AS line FROM conversations c WHERE c.status = 'open' AND \
             (SELECT count(*) FROM messages m WHERE m.conversation_id = c.id) >= 4 ORDER BY c.id DESC LIMIT 1";
        let number = query(&self.url, statement).into_iter().next().expect("a conversation");
        let columns = "workspace_id, conversation_id, kind, author_id, body, html, created_at, automatic";
        let of = format!("conversation_id = (SELECT id FROM conversations WHERE number = {number} LIMIT 1)");
        // Doubles what is there until it is enough.
        let mut here = 4;
        while here < messages {
            let more = here.min(messages - here);
            let once_more = format!(
                "INSERT INTO messages ({columns}) SELECT {columns} FROM messages WHERE {of} ORDER BY id LIMIT {more}"
            );
            query(&self.url, &once_more);
            here += more;
        }
        number
    }

    /// How many conversations the newest job changed, if it has ended.
    pub fn newest_job_finished(&self) -> Option<i64> {
        let ask = "SELECT CASE WHEN finished_at IS NULL THEN '' ELSE CAST(done AS TEXT) END AS line FROM bulk_jobs \
             ORDER BY created_at DESC, id DESC LIMIT 1";
        query(&self.url, ask).first().and_then(|text| text.parse().ok())
    }
}

/// The first column of what a statement answers, as text.
fn query(url: &DatabaseUrl, statement: &str) -> Vec<String> {
    match url {
        DatabaseUrl::Sqlite(file) => {
            #[derive(QueryableByName)]
            struct Line {
                #[diesel(sql_type = diesel::sql_types::Text)]
                line: String,
            }
            let mut conn = diesel::SqliteConnection::establish(&file.to_string_lossy()).expect("the database");
            conn.batch_execute("PRAGMA busy_timeout = 10000").expect("pragmas");
            if statement.starts_with("SELECT") {
                let lines: Vec<Line> = diesel::sql_query(statement).load(&mut conn).expect(statement);
                lines.into_iter().map(|one| one.line).collect()
            } else {
                conn.batch_execute(statement).expect(statement);
                Vec::new()
            }
        }
        DatabaseUrl::Postgres(url) => {
            std::thread::scope(|scope| scope.spawn(|| ask(url, statement)).join()).expect("a thread")
        }
    }
}

fn ask(url: &str, statement: &str) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("the server");
        tokio::spawn(connection);
        let answers = client.simple_query(statement).await.expect(statement);
        answers
            .into_iter()
            .filter_map(|answer| match answer {
                tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                _ => None,
            })
            .collect()
    })
}
