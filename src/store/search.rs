//! Full-text search: all of it that differs between the databases. SQLite finds words by FTS5, PostgreSQL by a GIN index
//! over a `tsvector`. Both hold, for each conversation, the set of its words as `domain::search` makes them.
//!
//! Whoever writes a subject, a message or a contact adds its words in the same transaction, by [`add_texts`] or
//! [`add_of_conversations`]; whoever changes or erases one calls [`renew`].

use std::collections::{BTreeMap, BTreeSet};

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Text};

use super::db::{AnyConn, Ax, Db, Rx, Tx};
use super::inbox::Boxed;
use super::schema::{contact_addresses, contacts, conversations, messages};
use super::types::Guid;
use crate::domain::ids::{ContactId, ConversationId, WorkspaceId};
use crate::domain::search::{self, MOST, Wanted};
use crate::failure::Failure;

/// So many conversations are looked through at once when an older database is brought up to date.
const PART: i64 = 500;
/// What the installation keeps when that has been done. Another rule of what a word is needs another number.
const FILLED: (&str, &str) = ("search words", "1");

/// Which database a query is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    pub(super) const fn of(rx: &Rx) -> Self {
        match rx.conn {
            AnyConn::Sqlite(_) => Self::Sqlite,
            AnyConn::Pg(_) => Self::Postgres,
        }
    }

    /// The words as the database's own search wants them. They hold letters, digits and marks only, so quotes suffice.
    fn question(self, wanted: &Wanted) -> String {
        let (and, quote, begins) = match self {
            Self::Sqlite => (" ", '"', "*"),
            Self::Postgres => (" & ", '\'', ":*"),
        };
        let whole = wanted.whole.iter().map(|word| format!("{quote}{word}{quote}"));
        let begun = wanted.begun.iter().map(|word| format!("{quote}{word}{quote}{begins}"));
        let parts: Vec<String> = whole.chain(begun).collect();
        parts.join(and)
    }
}

/// Those of the conversations that hold what is wanted, asked of the index: right where few of all there are do.
pub(super) fn found<'a>(query: Boxed<'a>, dialect: Dialect, wanted: &Wanted) -> Boxed<'a> {
    let question = dialect.question(wanted);
    match dialect {
        Dialect::Sqlite => query.filter(
            sql::<Bool>("conversations.id IN (SELECT rowid FROM search_words WHERE search_words MATCH ")
                .bind::<Text, _>(question)
                .sql(")"),
        ),
        Dialect::Postgres => query.filter(
            sql::<Bool>("conversations.id IN (SELECT d.conversation_id FROM search_documents d WHERE d.words @@ CAST(")
                .bind::<Text, _>(question)
                .sql(" AS tsquery))"),
        ),
    }
}

/// The same, asked of each conversation: right where few are looked at.
pub(super) fn each<'a>(mut query: Boxed<'a>, dialect: Dialect, wanted: &Wanted) -> Boxed<'a> {
    match dialect {
        Dialect::Sqlite => {
            let whole = wanted.whole.iter().map(|word| format!(" {word} "));
            for part in whole.chain(wanted.begun.iter().map(|word| format!(" {word}"))) {
                query = query.filter(
                    sql::<Bool>("coalesce((SELECT instr(d.words, ")
                        .bind::<Text, _>(part)
                        .sql(") FROM search_documents d WHERE d.conversation_id = conversations.id), 0) > 0"),
                );
            }
            query
        }
        Dialect::Postgres => query.filter(
            sql::<Bool>("coalesce((SELECT d.words @@ CAST(")
                .bind::<Text, _>(dialect.question(wanted))
                .sql(" AS tsquery) FROM search_documents d WHERE d.conversation_id = conversations.id), false)"),
        ),
    }
}

type Words = BTreeMap<(WorkspaceId, ConversationId), BTreeSet<String>>;

/// Adds the words of texts to their conversations.
///
/// # Errors
/// Trouble with the database.
pub(super) fn add_texts<'t>(
    tx: &mut Tx,
    texts: impl IntoIterator<Item = (ConversationId, &'t str)>,
) -> Result<(), Failure> {
    let workspace = tx.workspace();
    let mut all = Words::new();
    for (conversation, text) in texts {
        search::add(all.entry((workspace, conversation)).or_default(), text);
    }
    add(tx.write(), &all)
}

/// Adds the words of conversations' subjects and contacts.
///
/// # Errors
/// Trouble with the database.
pub(super) fn add_of_conversations(tx: &mut Tx, ids: &[ConversationId]) -> Result<(), Failure> {
    let mut all = Words::new();
    for part in ids.chunks(1_000) {
        read_conversations(tx.write(), part, &mut all)?;
    }
    add(tx.write(), &all)
}

/// Makes the words of conversations anew from what is said there now: after something was changed or erased.
///
/// # Errors
/// Trouble with the database.
pub fn renew(tx: &mut Tx, ids: &[ConversationId]) -> Result<(), Failure> {
    for part in ids.chunks(usize::try_from(PART).unwrap_or(500)) {
        delete(tx.write(), part)?;
        fill_part(tx.write(), part)?;
    }
    Ok(())
}

/// Makes the words of all conversations that were there before there was a search, once.
///
/// # Errors
/// Trouble with the database.
pub(super) fn fill(db: &Db) -> Result<(), Failure> {
    let is_filled = db.look_anywhere_now(|ax| super::anywhere::find_setting(ax, FILLED.0))?;
    if is_filled.as_deref() == Some(FILLED.1) {
        return Ok(());
    }
    let mut after = 0;
    loop {
        let last = db.anywhere_now(|ax| {
            let ids: Vec<i64> = conversations::table
                .filter(conversations::id.gt(after))
                .order(conversations::id)
                .limit(PART)
                .select(conversations::id)
                .load(ax.conn)?;
            let last = ids.last().copied();
            let ids: Vec<ConversationId> = ids.into_iter().map(ConversationId).collect();
            fill_part(ax.conn, &ids)?;
            if last.is_none() {
                set_filled(ax)?;
            }
            Ok(last)
        })?;
        match last {
            Some(last) => after = last,
            None => return Ok(()),
        }
        if after % 100_000 < PART {
            tracing::info!(conversations = after, "making the words of conversations that can be searched for");
        }
    }
}

fn set_filled(ax: &mut Ax) -> Result<(), Failure> {
    super::anywhere::find_or_insert_setting(ax, FILLED.0, FILLED.1).map(|_| ())
}

fn fill_part(conn: &mut AnyConn, ids: &[ConversationId]) -> Result<(), Failure> {
    let mut all = Words::new();
    read_conversations(conn, ids, &mut all)?;
    let rows: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let bodies: Vec<(WorkspaceId, i64, String)> = messages::table
        .filter(messages::conversation_id.eq_any(rows))
        .order(messages::id)
        .select((messages::workspace_id, messages::conversation_id, messages::body))
        .load(conn)?;
    for (workspace, conversation, body) in bodies {
        search::add(all.entry((workspace, ConversationId(conversation))).or_default(), &body);
    }
    add(conn, &all)
}

fn read_conversations(conn: &mut AnyConn, ids: &[ConversationId], all: &mut Words) -> Result<(), Failure> {
    let rows: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let found: Vec<(WorkspaceId, i64, ContactId, String, String)> = conversations::table
        .inner_join(contacts::table.on(contacts::id.eq(conversations::contact_id)))
        .filter(conversations::id.eq_any(rows))
        .select((conversations::workspace_id, conversations::id, contacts::id, conversations::subject, contacts::name))
        .load(conn)?;
    let who: BTreeSet<ContactId> = found.iter().map(|(_, _, contact, ..)| *contact).collect();
    let rows: Vec<(ContactId, String)> = contact_addresses::table
        .filter(contact_addresses::contact_id.eq_any(who))
        .select((contact_addresses::contact_id, contact_addresses::email))
        .load(conn)?;
    let mut addresses: BTreeMap<ContactId, Vec<String>> = BTreeMap::new();
    for (contact, email) in rows {
        addresses.entry(contact).or_default().push(email);
    }
    for (workspace, id, contact, subject, name) in found {
        let words = all.entry((workspace, ConversationId(id))).or_default();
        for text in [&subject, &name].into_iter().chain(addresses.get(&contact).into_iter().flatten()) {
            search::add(words, text);
        }
    }
    Ok(())
}

fn delete(conn: &mut AnyConn, ids: &[ConversationId]) -> Result<(), Failure> {
    let rows: Vec<i64> = ids.iter().map(|id| id.0).collect();
    match conn {
        AnyConn::Sqlite(conn) => {
            let statement = "DELETE FROM search_documents WHERE conversation_id IN (SELECT value FROM json_each($1))";
            diesel::sql_query(statement).bind::<Text, _>(json(&rows)?).execute(conn)?;
        }
        AnyConn::Pg(conn) => {
            let statement = "DELETE FROM search_documents WHERE conversation_id = ANY($1)";
            diesel::sql_query(statement).bind::<Array<BigInt>, _>(rows).execute(conn)?;
        }
    }
    Ok(())
}

fn json(value: &impl serde::Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|_| Failure::Bug("words are not JSON"))
}

fn add(conn: &mut AnyConn, all: &Words) -> Result<(), Failure> {
    let mut rows: Vec<_> = all.iter().collect();
    rows.sort_by_key(|((workspace, _), _)| *workspace);
    for of_one in rows.chunk_by(|((one, _), _), ((other, _), _)| one == other) {
        let Some(((workspace, _), _)) = of_one.first() else { continue };
        for part in of_one.chunks(500) {
            let part: Vec<(ConversationId, &BTreeSet<String>)> =
                part.iter().map(|((_, conversation), words)| (*conversation, *words)).collect();
            match conn {
                AnyConn::Sqlite(conn) => add_on_sqlite(conn, *workspace, &part)?,
                AnyConn::Pg(conn) => add_on_postgres(conn, *workspace, &part)?,
            }
        }
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Document {
    #[diesel(sql_type = BigInt)]
    conversation_id: i64,
    #[diesel(sql_type = Text)]
    words: String,
}

/// The index is told of new words only: it does not mind that a conversation is named again, and what it is told twice
/// could not be taken out at once.
fn add_on_sqlite(
    conn: &mut diesel::SqliteConnection,
    workspace: WorkspaceId,
    part: &[(ConversationId, &BTreeSet<String>)],
) -> Result<(), Failure> {
    let ids: Vec<i64> = part.iter().map(|(id, _)| id.0).collect();
    let known: Vec<Document> = diesel::sql_query(
        "SELECT conversation_id, words FROM search_documents WHERE conversation_id IN (SELECT value FROM json_each($1))",
    )
    .bind::<Text, _>(json(&ids)?)
    .load(conn)?;
    let known: BTreeMap<i64, String> = known.into_iter().map(|one| (one.conversation_id, one.words)).collect();
    let spaced = |words: &[&str]| format!(" {} ", words.join(" "));
    let (mut whole, mut new) = (Vec::new(), Vec::new());
    for (id, words) in part {
        let mut kept: BTreeSet<&str> =
            known.get(&id.0).map(|words| words.split_ascii_whitespace().collect()).unwrap_or_default();
        let mut fresh: Vec<&str> = words.iter().map(String::as_str).filter(|word| !kept.contains(word)).collect();
        fresh.truncate(MOST.saturating_sub(kept.len()));
        if fresh.is_empty() && known.contains_key(&id.0) {
            continue;
        }
        new.push((id.0, spaced(&fresh)));
        kept.extend(fresh);
        whole.push((id.0, spaced(&kept.into_iter().collect::<Vec<_>>())));
    }
    diesel::sql_query(
        "INSERT INTO search_documents (conversation_id, workspace_id, words) \
         SELECT value ->> 0, $1, value ->> 1 FROM json_each($2) WHERE true \
         ON CONFLICT (conversation_id) DO UPDATE SET words = excluded.words",
    )
    .bind::<Guid, _>(workspace)
    .bind::<Text, _>(json(&whole)?)
    .execute(conn)?;
    diesel::sql_query("INSERT INTO search_words (rowid, words) SELECT value ->> 0, value ->> 1 FROM json_each($1)")
        .bind::<Text, _>(json(&new)?)
        .execute(conn)?;
    Ok(())
}

fn add_on_postgres(
    conn: &mut super::pg::PgConnection,
    workspace: WorkspaceId,
    part: &[(ConversationId, &BTreeSet<String>)],
) -> Result<(), Failure> {
    let ids: Vec<i64> = part.iter().map(|(id, _)| id.0).collect();
    let words: Vec<String> =
        part.iter().map(|(_, words)| words.iter().map(String::as_str).collect::<Vec<_>>().join(" ")).collect();
    // Together, too, they have to be fewer than the type holds.
    diesel::sql_query(format!(
        "INSERT INTO search_documents AS d (conversation_id, workspace_id, words) \
         SELECT new.id, $1, array_to_tsvector(string_to_array(new.words, ' ')) FROM unnest($2, $3) AS new (id, words) \
         ON CONFLICT (conversation_id) DO UPDATE SET words = CASE \
         WHEN length(d.words) + length(excluded.words) > {MOST} THEN d.words ELSE d.words || excluded.words END"
    ))
    .bind::<Guid, _>(workspace)
    .bind::<Array<BigInt>, _>(ids)
    .bind::<Array<Text>, _>(words)
    .execute(conn)?;
    Ok(())
}
