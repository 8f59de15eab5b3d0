//! Contacts: the customers. What makes one of two is in `contact_merges`.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::dsl::{auto_type, count_star, sql};
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::among::load_among;
use super::db::{MultiBackend, Rx, Tx, insert_new, load_doomed, load_kept};
use super::schema::{contact_addresses, contacts, conversations};
use super::types::At;
use crate::domain::access::Sees;
use crate::domain::ids::{ContactId, ConversationId, WorkspaceId};
use crate::domain::text::{key, like_pattern};
use crate::failure::Failure;

/// A customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Their id.
    pub id: ContactId,
    /// Their name.
    pub name: String,
    /// The address that replies go to.
    pub email: String,
    /// What teammates should know.
    pub note: String,
    /// Whom they became one with, if they are not there as themselves any more.
    pub merged_into: Option<ContactId>,
    /// Raised with every change.
    pub version: i64,
    /// When they first wrote.
    pub created_at: DateTime<Utc>,
}

#[auto_type]
fn ours(workspace: WorkspaceId) -> _ {
    contacts::table.filter(contacts::workspace_id.eq(workspace))
}

#[auto_type]
fn addresses(workspace: WorkspaceId) -> _ {
    contact_addresses::table.filter(contact_addresses::workspace_id.eq(workspace))
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = contacts)]
struct Row {
    id: ContactId,
    name: String,
    email: String,
    note: String,
    merged_into: Option<ContactId>,
    version: i64,
    created_at: At,
}

impl From<Row> for Contact {
    fn from(row: Row) -> Self {
        let Row { id, name, email, note, merged_into, version, created_at } = row;
        Self { id, name, email, note, merged_into, version, created_at: created_at.0 }
    }
}

/// Some contacts.
///
/// # Errors
/// Trouble with the database.
pub fn list(rx: &mut Rx, ids: &[ContactId]) -> Result<HashMap<ContactId, Contact>, Failure> {
    let workspace = rx.workspace();
    let rows = load_among!(rx.conn, Row, ours(workspace).select(Row::as_select()), contacts::id, ids)?;
    Ok(rows.into_iter().map(|row| (row.id, row.into())).collect())
}

/// A contact of this workspace.
///
/// # Errors
/// Trouble with the database.
pub fn find(rx: &mut Rx, id: ContactId) -> Result<Option<Contact>, Failure> {
    let row: Option<Row> =
        ours(rx.workspace()).filter(contacts::id.eq(id)).select(Row::as_select()).first(rx.conn).optional()?;
    Ok(row.map(Contact::from))
}

/// Some contacts, locked in the order of their ids until the end of the unit of work: nobody begins a conversation with
/// them meanwhile.
///
/// # Errors
/// Trouble with the database.
pub fn lock_many(tx: &mut Tx, ids: &[ContactId]) -> Result<HashMap<ContactId, Contact>, Failure> {
    let workspace = tx.workspace();
    let rows: Vec<Row> = load_doomed!(
        tx,
        Row,
        ours(workspace).filter(contacts::id.eq_any(ids)).order(contacts::id).select(Row::as_select())
    )?;
    Ok(rows.into_iter().map(|row| (row.id, row.into())).collect())
}

/// Whom an address belongs to; kept as themselves until the end of the unit of work.
fn lock_of_address(tx: &mut Tx, email_key: &str) -> Result<Option<ContactId>, Failure> {
    let workspace = tx.workspace();
    // Two merges in a row while this waits are as many as anybody will see.
    for _ in 0..5 {
        let found: Option<ContactId> = addresses(workspace)
            .filter(contact_addresses::email_key.eq(email_key))
            .select(contact_addresses::contact_id)
            .first(tx.conn)
            .optional()?;
        let Some(found) = found else { return Ok(None) };
        let rows: Vec<Row> =
            load_kept!(tx, Row, ours(workspace).filter(contacts::id.eq(found)).select(Row::as_select()))?;
        if rows.iter().any(|row| row.merged_into.is_none()) {
            return Ok(Some(found));
        }
    }
    Err(Failure::Bug("an address of a contact that was merged"))
}

/// The contact of an address; made if there is none. A later name does not replace an earlier one.
///
/// # Errors
/// Trouble with the database.
pub fn find_or_insert(tx: &mut Tx, email: &str, name: &str) -> Result<ContactId, Failure> {
    let (id, workspace, now): (ContactId, _, _) = (tx.new_id(), tx.workspace(), At(tx.now()));
    let email_key = key(email);
    if let Some(known) = lock_of_address(tx, &email_key)? {
        return Ok(known);
    }
    let made = insert_new!(
        tx.write(),
        contacts::table,
        (
            contacts::id.eq(id),
            contacts::workspace_id.eq(workspace),
            contacts::name.eq(name),
            contacts::name_key.eq(key(name)),
            contacts::email.eq(email),
            contacts::email_key.eq(&email_key),
            contacts::created_at.eq(now),
        )
    )?;
    if made == 1 {
        insert_addresses(tx, id, &[email.to_owned()])?;
    }
    match lock_of_address(tx, &email_key)? {
        Some(found) => {
            if made == 1 && found != id {
                // Somebody gave the address to another contact in this very moment.
                diesel::delete(
                    contacts::table.filter(contacts::workspace_id.eq(workspace)).filter(contacts::id.eq(id)),
                )
                .execute(tx.write())?;
            }
            Ok(found)
        }
        None => Err(Failure::Bug("a contact without address")),
    }
}

/// Adds addresses; those that somebody has already are left out. Says how many were new.
fn insert_addresses(tx: &mut Tx, contact: ContactId, emails: &[String]) -> Result<usize, Failure> {
    let workspace = tx.workspace();
    let mut new = 0;
    for (position, email) in emails.iter().enumerate() {
        new += insert_new!(
            tx.write(),
            contact_addresses::table,
            (
                contact_addresses::workspace_id.eq(workspace),
                contact_addresses::email_key.eq(key(email)),
                contact_addresses::contact_id.eq(contact),
                contact_addresses::email.eq(email),
                contact_addresses::position.eq(i32::try_from(position).unwrap_or(i32::MAX)),
            )
        )?;
    }
    Ok(new)
}

/// All addresses of some contacts, the one that replies go to first.
///
/// # Errors
/// Trouble with the database.
pub fn list_addresses(rx: &mut Rx, ids: &[ContactId]) -> Result<HashMap<ContactId, Vec<String>>, Failure> {
    let rows: Vec<(ContactId, String)> = addresses(rx.workspace())
        .filter(contact_addresses::contact_id.eq_any(ids))
        .order((contact_addresses::contact_id, contact_addresses::position, contact_addresses::email_key))
        .select((contact_addresses::contact_id, contact_addresses::email))
        .load(rx.conn)?;
    let mut all: HashMap<ContactId, Vec<String>> = HashMap::new();
    for (contact, email) in rows {
        all.entry(contact).or_default().push(email);
    }
    Ok(all)
}

/// Which of some addresses belong to others than a contact.
///
/// # Errors
/// Trouble with the database.
pub fn list_taken(rx: &mut Rx, but: ContactId, emails: &[String]) -> Result<Vec<String>, Failure> {
    let keys: Vec<String> = emails.iter().map(|email| key(email)).collect();
    Ok(addresses(rx.workspace())
        .filter(contact_addresses::email_key.eq_any(keys))
        .filter(contact_addresses::contact_id.ne(but))
        .select(contact_addresses::email)
        .load(rx.conn)?)
}

/// Changes a locked contact: name, note and the address that replies go to.
///
/// # Errors
/// Trouble with the database.
pub fn set(tx: &mut Tx, contact: &Contact) -> Result<(), Failure> {
    let workspace = tx.workspace();
    diesel::update(contacts::table.filter(contacts::workspace_id.eq(workspace)).filter(contacts::id.eq(contact.id)))
        .set((
            contacts::name.eq(&contact.name),
            contacts::name_key.eq(key(&contact.name)),
            contacts::email.eq(&contact.email),
            contacts::email_key.eq(key(&contact.email)),
            contacts::note.eq(&contact.note),
            contacts::version.eq(contact.version + 1),
        ))
        .execute(tx.write())?;
    Ok(())
}

/// Makes these all addresses of a locked contact; says whether nobody was quicker to take one of them.
///
/// # Errors
/// Trouble with the database.
pub fn set_addresses(tx: &mut Tx, contact: ContactId, emails: &[String]) -> Result<bool, Failure> {
    let workspace = tx.workspace();
    let keys: Vec<String> = emails.iter().map(|email| key(email)).collect();
    diesel::delete(
        contact_addresses::table
            .filter(contact_addresses::workspace_id.eq(workspace))
            .filter(contact_addresses::contact_id.eq(contact))
            .filter(contact_addresses::email_key.ne_all(keys.clone())),
    )
    .execute(tx.write())?;
    for (position, (email, email_key)) in emails.iter().zip(&keys).enumerate() {
        diesel::update(
            contact_addresses::table
                .filter(contact_addresses::workspace_id.eq(workspace))
                .filter(contact_addresses::contact_id.eq(contact))
                .filter(contact_addresses::email_key.eq(email_key)),
        )
        .set((
            contact_addresses::email.eq(email),
            contact_addresses::position.eq(i32::try_from(position).unwrap_or(i32::MAX)),
        ))
        .execute(tx.write())?;
    }
    insert_addresses(tx, contact, emails)?;
    let kept: i64 = addresses(workspace)
        .filter(contact_addresses::contact_id.eq(contact))
        .filter(contact_addresses::email_key.eq_any(keys))
        .count()
        .get_result(tx.conn)?;
    Ok(usize::try_from(kept).unwrap_or(0) == emails.len())
}

/// In which order contacts are listed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sort {
    /// By name.
    Name,
    /// Newest first.
    Newest,
}

type Boxed<'a> = diesel::helper_types::IntoBoxed<'a, ours, MultiBackend>;

/// Contacts that are there as themselves and have all words in their name or one of their addresses.
fn matching<'a>(workspace: WorkspaceId, words: &str) -> Boxed<'a> {
    let mut query = ours(workspace).into_boxed::<MultiBackend>().filter(contacts::merged_into.is_null());
    for word in key(words).split(' ').filter(|word| !word.is_empty()).take(10) {
        let pattern = like_pattern(word);
        let by_address = contact_addresses::table
            .filter(contact_addresses::workspace_id.eq(workspace))
            .filter(contact_addresses::email_key.like(pattern.clone()).escape('\\'))
            .select(contact_addresses::contact_id);
        query = query.filter(contacts::name_key.like(pattern).escape('\\').or(contacts::id.eq_any(by_address)));
    }
    query
}

/// A page of a list, in order, after a row; and whether there are more.
///
/// # Errors
/// Trouble with the database.
pub fn list_page(
    rx: &mut Rx,
    words: &str,
    sort: Sort,
    after: Option<ContactId>,
    limit: usize,
) -> Result<(Vec<Contact>, bool), Failure> {
    let mut query = matching(rx.workspace(), words);
    if let Some(after) = after {
        let at: Option<(String, At)> = ours(rx.workspace())
            .filter(contacts::id.eq(after))
            .select((contacts::name_key, contacts::created_at))
            .first(rx.conn)
            .optional()?;
        // A row that is gone is not the place to go on from.
        if let Some((name, at)) = at {
            query = match sort {
                Sort::Name => query
                    .filter(contacts::name_key.ge(name.clone()))
                    .filter(contacts::name_key.gt(name).or(contacts::id.gt(after))),
                Sort::Newest => query
                    .filter(contacts::created_at.le(at))
                    .filter(contacts::created_at.lt(at).or(contacts::id.lt(after))),
            };
        }
    }
    let query = in_order(query, sort);
    let take = i64::try_from(limit).unwrap_or(50) + 1;
    let rows: Vec<Row> = query.limit(take).select(Row::as_select()).load(rx.conn)?;
    let more = rows.len() > limit;
    Ok((rows.into_iter().take(limit).map(Contact::from).collect(), more))
}

fn in_order(query: Boxed<'_>, sort: Sort) -> Boxed<'_> {
    match sort {
        Sort::Name => query.order((contacts::name_key.asc(), contacts::id.asc())),
        Sort::Newest => query.order((contacts::created_at.desc(), contacts::id.desc())),
    }
}

/// How many match.
///
/// # Errors
/// Trouble with the database.
pub fn count(rx: &mut Rx, words: &str) -> Result<i64, Failure> {
    Ok(matching(rx.workspace(), words).count().get_result(rx.conn)?)
}

/// All that match, in order.
///
/// # Errors
/// Trouble with the database.
pub fn list_ids(rx: &mut Rx, words: &str, sort: Sort) -> Result<Vec<ContactId>, Failure> {
    Ok(in_order(matching(rx.workspace(), words), sort).select(contacts::id).load(rx.conn)?)
}

/// A contact's conversations, as far as somebody may see them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Talks {
    /// All of them.
    pub all: i64,
    /// Those that are open or snoozed.
    pub active: i64,
}

/// How many conversations some contacts have, as far as somebody may see them.
///
/// # Errors
/// Trouble with the database.
pub fn count_conversations(rx: &mut Rx, sees: &Sees, ids: &[ContactId]) -> Result<HashMap<ContactId, Talks>, Failure> {
    let all = conversations::table
        .filter(conversations::workspace_id.eq(rx.workspace()))
        .filter(conversations::contact_id.eq_any(ids))
        .group_by(conversations::contact_id)
        .select((
            conversations::contact_id,
            count_star(),
            sql::<BigInt>("CAST(sum(CASE WHEN status IN ('open', 'snoozed') THEN 1 ELSE 0 END) AS BIGINT)"),
        ));
    let rows: Vec<(ContactId, i64, i64)> = match sees {
        Sees::Nothing => Vec::new(),
        Sees::All => all.load(rx.conn)?,
        Sees::Own { user, teams, channels, unassigned } => {
            let channels = if *unassigned { channels.clone() } else { Vec::new() };
            all.filter(super::inbox::own(*user, teams.clone(), channels)).load(rx.conn)?
        }
    };
    Ok(rows.into_iter().map(|(id, all, active)| (id, Talks { all, active })).collect())
}

/// The rows of all conversations of a contact.
///
/// # Errors
/// Trouble with the database.
pub fn list_conversation_ids(rx: &mut Rx, contact: ContactId) -> Result<Vec<ConversationId>, Failure> {
    let ids: Vec<i64> = conversations::table
        .filter(conversations::workspace_id.eq(rx.workspace()))
        .filter(conversations::contact_id.eq(contact))
        .order(conversations::id)
        .select(conversations::id)
        .load(rx.conn)?;
    Ok(ids.into_iter().map(ConversationId).collect())
}
