//! The two schemas say the same, go back and forth, and are what `schema.rs` believes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use baton::domain::clock::{SystemClock, SystemEntropy};
use baton::store::{Db, migrations};

use crate::support::both_at_once;
use crate::support::db::{Fresh, Kind};

const KINDS: [Kind; 2] = [Kind::Sqlite, Kind::Postgres];

/// The folders of one database's migrations, oldest first.
fn folders(kind: Kind) -> Vec<PathBuf> {
    let folder = match kind {
        Kind::Sqlite => "migrations/sqlite",
        Kind::Postgres => "migrations/postgres",
    };
    let mut found: Vec<PathBuf> = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder))
        .expect("the folder of migrations")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    found.sort();
    found
}

fn names(kind: Kind) -> Vec<String> {
    folders(kind).iter().map(|path| path.file_name().expect("a name").to_string_lossy().into_owned()).collect()
}

fn up(database: &Fresh, kind: Kind) {
    for folder in folders(kind) {
        database.execute(&std::fs::read_to_string(folder.join("up.sql")).expect("up.sql"));
    }
}

fn down(database: &Fresh, kind: Kind) {
    for folder in folders(kind).iter().rev() {
        database.execute(&std::fs::read_to_string(folder.join("down.sql")).expect("down.sql"));
    }
}

const SQLITE_CATALOGUE: &str = r#"
    WITH t AS (SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\_\_diesel%' ESCAPE '\')
    SELECT 'column ' || t.name || '.' || c.name || CASE upper(c.type) WHEN 'BLOB' THEN ' id' WHEN 'TEXT' THEN ' text' ELSE ' number' END
           || CASE WHEN c."notnull" THEN ' not null' ELSE '' END AS line
    FROM t, pragma_table_info(t.name) c
    UNION ALL
    SELECT 'primary key ' || t.name || ' (' || group_concat(c.name, ', ' ORDER BY c.pk) || ')'
    FROM t, pragma_table_info(t.name) c WHERE c.pk > 0 GROUP BY t.name
    UNION ALL
    SELECT 'foreign key ' || t.name || ' (' || group_concat(f."from", ', ' ORDER BY f.seq) || ') to ' || f."table"
           || ' (' || group_concat(f."to", ', ' ORDER BY f.seq) || ') ' || lower(f.on_delete)
    FROM t, pragma_foreign_key_list(t.name) f GROUP BY t.name, f.id
    UNION ALL
    SELECT 'unique ' || t.name || ' (' || (SELECT group_concat(k.name, ', ' ORDER BY k.seqno) FROM pragma_index_info(i.name) k) || ')'
           || CASE WHEN i.partial THEN ' partial' ELSE '' END
    FROM t, pragma_index_list(t.name) i WHERE i."unique" AND i.origin <> 'pk'
    UNION ALL
    SELECT 'index ' || i.name || ' on ' || t.name || ' (' || (SELECT group_concat(k.name, ', ' ORDER BY k.seqno) FROM pragma_index_info(i.name) k) || ')'
           || CASE WHEN i.partial THEN ' partial' ELSE '' END
    FROM t, pragma_index_list(t.name) i WHERE NOT i."unique" AND i.origin = 'c'
    UNION ALL
    SELECT 'trigger ' || name || ' on ' || tbl_name FROM sqlite_master WHERE type = 'trigger'
"#;

const POSTGRES_CATALOGUE: &str = r"
    WITH t AS (
        SELECT c.oid, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND c.relkind = 'r' AND c.relname NOT LIKE '\_\_diesel%'
    ), i AS (
        SELECT t.name AS tab, ic.relname AS name, x.indisunique, x.indisprimary, x.indpred IS NOT NULL AS partial,
               array_to_string(ARRAY(SELECT a.attname FROM unnest(x.indkey::int[]) WITH ORDINALITY k(n, o)
                   JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.n ORDER BY k.o), ', ') AS columns
        FROM t JOIN pg_index x ON x.indrelid = t.oid JOIN pg_class ic ON ic.oid = x.indexrelid
    )
    SELECT 'column ' || t.name || '.' || a.attname || CASE a.atttypid::regtype::text WHEN 'uuid' THEN ' id' WHEN 'text' THEN ' text' WHEN 'tsvector' THEN ' text' ELSE ' number' END
           || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END AS line
    FROM t JOIN pg_attribute a ON a.attrelid = t.oid WHERE a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT 'primary key ' || tab || ' (' || columns || ')' FROM i WHERE indisprimary
    UNION ALL
    SELECT 'foreign key ' || t.name || ' ('
           || array_to_string(ARRAY(SELECT a.attname FROM unnest(c.conkey) WITH ORDINALITY k(n, o)
                  JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.n ORDER BY k.o), ', ')
           || ') to ' || r.relname || ' ('
           || array_to_string(ARRAY(SELECT a.attname FROM unnest(c.confkey) WITH ORDINALITY k(n, o)
                  JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.n ORDER BY k.o), ', ')
           || ') ' || CASE c.confdeltype WHEN 'c' THEN 'cascade' WHEN 'a' THEN 'no action' WHEN 'n' THEN 'set null' ELSE c.confdeltype::text END
    FROM t JOIN pg_constraint c ON c.conrelid = t.oid AND c.contype = 'f' JOIN pg_class r ON r.oid = c.confrelid
    UNION ALL
    SELECT 'unique ' || tab || ' (' || columns || ')' || CASE WHEN partial THEN ' partial' ELSE '' END
    FROM i WHERE indisunique AND NOT indisprimary
    UNION ALL
    SELECT 'index ' || name || ' on ' || tab || ' (' || columns || ')' || CASE WHEN partial THEN ' partial' ELSE '' END
    FROM i WHERE NOT indisunique
    UNION ALL
    SELECT 'trigger ' || g.tgname || ' on ' || t.name FROM t JOIN pg_trigger g ON g.tgrelid = t.oid WHERE NOT g.tgisinternal
";

/// Everything that counts about a schema, a line each, the same words for both databases.
fn catalogue(database: &Fresh, kind: Kind) -> Vec<String> {
    let mut lines = database.lines(match kind {
        Kind::Sqlite => SQLITE_CATALOGUE,
        Kind::Postgres => POSTGRES_CATALOGUE,
    });
    lines.sort();
    lines
}

/// The counters are kept in another way: one row for each number on SQLite, differences on PostgreSQL. And so is the index
/// of words: in tables of its own on SQLite, an index like others on PostgreSQL.
fn differs_on_purpose(line: &str) -> bool {
    line.contains("conversation_counts") && (line.starts_with("primary key") || line.starts_with("index"))
        || line.contains("search_words")
        || line.contains("search_documents_by_word")
        || line.contains("trigger search_documents_delete")
}

#[test]
fn both_databases_have_migrations_of_the_same_names() {
    assert_eq!(names(Kind::Sqlite), names(Kind::Postgres));
    assert!(!names(Kind::Sqlite).is_empty());
}

#[test]
fn both_schemas_say_the_same() {
    let [sqlite, postgres] = KINDS.map(|kind| {
        let database = Fresh::empty(kind);
        up(&database, kind);
        let lines = catalogue(&database, kind);
        lines.into_iter().filter(|line| !differs_on_purpose(line)).collect::<Vec<_>>()
    });
    assert!(sqlite.len() > 300, "the catalogue was not read: {} lines", sqlite.len());
    let only = |these: &[String], those: &[String]| -> Vec<String> {
        these.iter().filter(|line| !those.contains(line)).cloned().collect()
    };
    assert_eq!(only(&sqlite, &postgres), Vec::<String>::new(), "only on SQLite");
    assert_eq!(only(&postgres, &sqlite), Vec::<String>::new(), "only on PostgreSQL");
    assert_eq!(sqlite, postgres);
}

fn goes_back_and_forth(kind: Kind) {
    let database = Fresh::empty(kind);
    up(&database, kind);
    let before = catalogue(&database, kind);
    down(&database, kind);
    assert_eq!(catalogue(&database, kind), Vec::<String>::new(), "something was left behind");
    if kind == Kind::Postgres {
        let functions = "SELECT proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace \
             WHERE n.nspname = 'public'";
        assert_eq!(database.lines(functions), Vec::<String>::new(), "functions were left behind");
    }
    up(&database, kind);
    assert_eq!(catalogue(&database, kind), before);
}

#[test]
fn the_schema_of_sqlite_goes_back_and_forth() {
    goes_back_and_forth(Kind::Sqlite);
}

#[test]
fn the_schema_of_postgres_goes_back_and_forth() {
    goes_back_and_forth(Kind::Postgres);
}

/// `table.column type [not null]` as `schema.rs` believes.
fn believed() -> Vec<String> {
    let mut columns = Vec::new();
    let mut table = None;
    let text = concat!(include_str!("../../src/store/schema.rs"), include_str!("../../src/store/schema_contacts.rs"));
    for line in text.lines().map(str::trim) {
        if let Some((column, kind)) = line.split_once(" -> ") {
            let Some(table) = table else { continue };
            let kind = kind.trim_end_matches(',');
            let (kind, null) = match kind.strip_prefix("Nullable<").and_then(|rest| rest.strip_suffix('>')) {
                Some(inner) => (inner, ""),
                None => (kind, " not null"),
            };
            let kind = match kind {
                "Guid" => "id",
                "Text" => "text",
                _ => "number",
            };
            columns.push(format!("column {table}.{column} {kind}{null}"));
        } else if line.ends_with(") {") {
            table = line.split_once(" (").map(|(name, _)| name);
        }
    }
    columns.sort();
    columns
}

#[test]
fn the_program_knows_every_column_as_it_is() {
    for kind in KINDS {
        let database = Fresh::empty(kind);
        up(&database, kind);
        let mut there = catalogue(&database, kind);
        there.retain(|line| line.starts_with("column ") && !differs_on_purpose(line));
        assert_eq!(believed(), there, "{kind:?}");
    }
}

fn open(database: &Fresh) -> Db {
    Db::open(database.url(), Arc::new(SystemClock::default()), Arc::new(SystemEntropy)).expect("a database")
}

#[test]
fn two_instances_that_start_at_once_bring_an_empty_database_up_to_date_once() {
    for kind in KINDS {
        for _ in 0..3 {
            let database = Fresh::empty(kind);
            let start = || migrations::run(&open(&database));
            let (one, other) = both_at_once(start, start);
            let applied = [one.expect("to start"), other.expect("to start")];
            assert_eq!(applied.iter().sum::<usize>(), names(kind).len(), "{kind:?} {applied:?}");
        }
    }
}

#[test]
fn an_older_program_refuses_a_newer_database_with_a_sentence() {
    for kind in KINDS {
        let database = Fresh::empty(kind);
        let db = open(&database);
        assert_eq!(migrations::run(&db), Ok(names(kind).len()));
        assert_eq!(migrations::run(&db), Ok(0));
        database.execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('99990101000001')");
        let said = migrations::run(&db).expect_err("a newer database");
        assert!(said.starts_with("The database was used by a newer Baton"), "{said}");
    }
}
