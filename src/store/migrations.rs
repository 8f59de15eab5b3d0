//! The schema: paired folders of migrations, embedded, applied at start.

use diesel::connection::{AnsiTransactionManager, TransactionManager as _};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};

use super::db::{AnyConn, Db};
use crate::failure::Failure;

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

fn names_of<B: diesel::backend::Backend>(source: &EmbeddedMigrations) -> Result<Vec<String>, String> {
    let found = diesel::migration::MigrationSource::<B>::migrations(source).map_err(|error| error.to_string())?;
    Ok(found.iter().map(|migration| migration.name().version().to_string()).collect())
}

/// Brings the schema up to date, and what the program has to work out from older rows; says how many migrations were
/// applied.
///
/// Two instances that start at once take turns.
///
/// # Errors
/// A sentence that says what to change: the schema is newer than this program, or a migration failed.
pub fn run(db: &Db) -> Result<usize, String> {
    let done = apply(db)?;
    super::search::fill(db).map_err(|error| error.to_string())?;
    Ok(done)
}

fn apply(db: &Db) -> Result<usize, String> {
    let mut conn = db.connection().map_err(|error: Failure| error.to_string())?;
    match &mut *conn {
        AnyConn::Sqlite(conn) => {
            // The write lock is taken before looking, so that of two instances the second finds everything done.
            AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE").map_err(|error| failed(&error))?;
            let outcome = (|| {
                let known = names_of::<diesel::sqlite::Sqlite>(&SQLITE)?;
                refuse_newer(&known, &conn.applied_migrations().map_err(|error| error.to_string())?)?;
                conn.run_pending_migrations(SQLITE).map(|done| done.len()).map_err(|error| failed(&*error))
            })();
            let ended = match &outcome {
                Ok(_) => AnsiTransactionManager::commit_transaction(conn),
                Err(_) => AnsiTransactionManager::rollback_transaction(conn),
            };
            outcome.and_then(|done| ended.map(|()| done).map_err(|error| failed(&error)))
        }
        AnyConn::Pg(conn) => {
            use diesel::connection::SimpleConnection as _;
            // Any number will do, as long as it is the same for all instances.
            conn.batch_execute("SELECT pg_advisory_lock(4215011)").map_err(|error| error.to_string())?;
            let outcome = (|| {
                let known = names_of::<diesel::pg::Pg>(&POSTGRES)?;
                refuse_newer(&known, &conn.applied_migrations().map_err(|error| error.to_string())?)?;
                conn.run_pending_migrations(POSTGRES).map(|done| done.len()).map_err(|error| failed(&*error))
            })();
            conn.batch_execute("SELECT pg_advisory_unlock(4215011)").map_err(|error| error.to_string())?;
            outcome
        }
    }
}

fn failed(error: &(dyn std::error::Error + Send + Sync)) -> String {
    format!("The database could not be brought up to date: {error}. Restore a backup or report this.")
}

fn refuse_newer(known: &[String], applied: &[diesel::migration::MigrationVersion<'static>]) -> Result<(), String> {
    match applied.iter().find(|version| !known.contains(&version.to_string())) {
        None => Ok(()),
        Some(version) => Err(format!(
            "The database was used by a newer Baton (it has the change {version}). Start that version, or restore an older backup."
        )),
    }
}
