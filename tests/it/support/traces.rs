//! Looks for words in every column of every table, and in the log: what is deleted must be nowhere.

use std::io::Write;
use std::sync::{Mutex, OnceLock, PoisonError};

use super::World;
use super::db::Kind;

/// Every column that there is, as the database itself lists them: `table`, `column`.
fn columns(w: &World) -> Vec<(String, String)> {
    let statement = match w.kind() {
        Kind::Sqlite => {
            "SELECT t.name || ' ' || c.name AS line FROM sqlite_master t, pragma_table_info(t.name) c \
             WHERE t.type = 'table'"
        }
        Kind::Postgres => {
            "SELECT table_name || ' ' || column_name AS line FROM information_schema.columns \
             WHERE table_schema = 'public'"
        }
    };
    let lines = w.database.lines(statement);
    assert!(lines.len() > 150, "the catalogue lists only {lines:?}");
    lines
        .iter()
        .map(|line| {
            line.split_once(' ').map(|(table, column)| (table.to_owned(), column.to_owned())).expect("a column")
        })
        .collect()
}

/// Every row of every table that holds what people know and do. Not what only looking or trying changes: sessions,
/// attempts to log in, what is counted against guessing.
pub fn everything(w: &World) -> Vec<String> {
    let mut tables: Vec<(String, Vec<String>)> = Vec::new();
    let mut all = columns(w);
    all.sort_unstable();
    for (table, column) in all {
        if ["__diesel_schema_migrations", "sessions", "login_attempts", "knocks"].contains(&table.as_str())
            || table.starts_with("sqlite_")
        {
            continue;
        }
        match tables.last_mut() {
            Some((last, columns)) if *last == table => columns.push(column),
            _ => tables.push((table, vec![column])),
        }
    }
    let rows = |(table, columns): &(String, Vec<String>)| {
        let row = match w.kind() {
            Kind::Sqlite => {
                let quoted: Vec<_> = columns.iter().map(|column| format!("quote(\"{column}\")")).collect();
                quoted.join(" || '|' || ")
            }
            Kind::Postgres => "t::text".to_owned(),
        };
        format!("SELECT '{table} ' || {row} AS line FROM \"{table}\" t")
    };
    let mut found = Vec::new();
    // SQLite joins only so many statements.
    for part in tables.chunks(100) {
        let statement: Vec<_> = part.iter().map(rows).collect();
        found.extend(w.database.lines(&statement.join(" UNION ALL ")));
    }
    found.sort_unstable();
    found
}

/// Where one of the words stands, whatever its case: `table.column: the value`.
pub fn in_database(w: &World, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (table, column) in columns(w) {
        for word in words {
            assert!(word.chars().all(|c| c.is_ascii_alphanumeric() || ".@-".contains(c)), "{word} needs escaping");
            let statement = format!(
                "SELECT CAST(\"{column}\" AS TEXT) AS line FROM \"{table}\" \
                 WHERE lower(CAST(\"{column}\" AS TEXT)) LIKE '%{}%'",
                word.to_lowercase()
            );
            found.extend(w.database.lines(&statement).into_iter().map(|value| format!("{table}.{column}: {value}")));
        }
    }
    found
}

/// Where one of the words stands in the files of SQLite, freed pages and journal included.
pub fn in_files(w: &World, words: &[&str]) -> Vec<String> {
    let baton::config::DatabaseUrl::Sqlite(file) = w.database.url() else { return Vec::new() };
    let mut found = Vec::new();
    for end in ["", "-wal"] {
        let path = format!("{}{end}", file.display());
        let bytes = std::fs::read(&path).unwrap_or_default().to_ascii_lowercase();
        for word in words {
            if bytes.windows(word.len()).any(|part| part == word.to_lowercase().as_bytes()) {
                found.push(format!("{word} in the file {end:?}"));
            }
        }
    }
    found
}

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// From now on keeps what is logged by any test of this process, as a log at its usual level would.
pub fn keep_log() {
    static SET: OnceLock<()> = OnceLock::new();
    SET.get_or_init(|| {
        let log = tracing_subscriber::fmt().with_ansi(false).with_writer(|| Log).finish();
        tracing::subscriber::set_global_default(log).expect("nobody else keeps the log");
    });
}

/// The lines of the log that hold one of the words.
pub fn in_log(words: &[&str]) -> Vec<String> {
    let log = String::from_utf8_lossy(&LOG.lock().unwrap_or_else(PoisonError::into_inner)).into_owned();
    let holds = |line: &str| words.iter().any(|word| line.to_lowercase().contains(&word.to_lowercase()));
    log.lines().filter(|line| holds(line)).map(str::to_owned).collect()
}
