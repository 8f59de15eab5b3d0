//! A database with the sample workspace in it, filled once and copied for each test.

use std::sync::{Arc, OnceLock};

use baton::config::DatabaseUrl;
use baton::demo;
use baton::domain::access::{Cause, Scope};
use baton::domain::clock::{SystemClock, SystemEntropy};
use baton::domain::ids::WorkspaceId;
use baton::store::{self, Db, anywhere};
use chrono::TimeDelta;

use super::db::{Fresh, Kind, Prepared};

pub const PASSWORD: &str = demo::PASSWORD;
/// An Owner.
pub const DANA: &str = "dana.weiss@fernhill.example";
/// A Supervisor.
pub const BOB: &str = "bob.keller@fernhill.example";
/// An Agent.
pub const ALICE: &str = "alice.martin@fernhill.example";

/// Enough for a bulk job of ten steps.
const OPEN_CONVERSATIONS: usize = 5_000;

/// A database of one test.
pub fn database(kind: Kind) -> Fresh {
    static SQLITE: OnceLock<Prepared> = OnceLock::new();
    static POSTGRES: OnceLock<Prepared> = OnceLock::new();
    let made = match kind {
        Kind::Sqlite => &SQLITE,
        Kind::Postgres => &POSTGRES,
    };
    Fresh::copy_of(made.get_or_init(|| {
        let fresh = Fresh::empty(kind);
        demo::fill(&open(&fresh), 1, OPEN_CONVERSATIONS).expect("a sample");
        Prepared::from(&fresh)
    }))
}

/// A database without any table or with all of them, opened as the program does.
pub fn open(fresh: &Fresh) -> Db {
    let db = beside(fresh.url());
    store::migrations::run(&db).expect("migrations");
    db
}

/// A database that a program runs on.
pub fn beside(url: &DatabaseUrl) -> Db {
    Db::open(url, Arc::new(SystemClock::default()), Arc::new(SystemEntropy)).expect("a database")
}

/// The sample workspace.
pub fn workspace(db: &Db) -> WorkspaceId {
    let found = db.look_anywhere_now(|ax| anywhere::find_workspace(ax, demo::people::SLUG));
    found.expect("to look").expect("the sample").id
}

/// A new link for a pending invite, valid for so long: the way to one that has expired.
pub fn invite_link(db: &Db, email: &str, valid: TimeDelta) -> String {
    let scope = Scope::system(workspace(db), Some(Cause::Command));
    let secret = db.write_now(&scope, |tx| {
        let user = store::users::find_by_email(tx, email)?.expect("somebody invited");
        let secret = store::invites::insert_link(tx, user.id, valid)?;
        Ok(tx.unrecorded(secret.reveal().to_owned(), "a test sets the scene"))
    });
    format!("/invites/{}", secret.expect("a link"))
}

/// A number that a statement answers.
pub fn number(fresh: &Fresh, statement: &str) -> i64 {
    fresh.lines(&format!("SELECT CAST(({statement}) AS TEXT) AS line"))[0].parse().expect("a number")
}
