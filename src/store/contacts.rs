//! Contacts: the customers.

use std::collections::HashMap;

use diesel::dsl::auto_type;
use diesel::prelude::*;

use super::db::{Rx, Tx, insert_new};
use super::schema::contacts;
use super::types::At;
use crate::domain::ids::{ContactId, WorkspaceId};
use crate::failure::Failure;

/// A customer.
#[derive(Clone, Debug)]
pub struct Contact {
    /// Their id.
    pub id: ContactId,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
}

#[auto_type]
fn ours(workspace: WorkspaceId) -> _ {
    contacts::table.filter(contacts::workspace_id.eq(workspace))
}

type Row = (ContactId, String, String);

fn read((id, name, email): Row) -> Contact {
    Contact { id, name, email }
}

/// Some contacts.
///
/// # Errors
/// Trouble with the database.
pub fn list(rx: &mut Rx, ids: &[ContactId]) -> Result<HashMap<ContactId, Contact>, Failure> {
    let rows: Vec<Row> = ours(rx.workspace())
        .filter(contacts::id.eq_any(ids))
        .select((contacts::id, contacts::name, contacts::email))
        .load(rx.conn)?;
    Ok(rows.into_iter().map(|row| (row.0, read(row))).collect())
}

/// A contact of this workspace.
///
/// # Errors
/// Trouble with the database.
pub fn find(rx: &mut Rx, id: ContactId) -> Result<Option<Contact>, Failure> {
    let row: Option<Row> = ours(rx.workspace())
        .filter(contacts::id.eq(id))
        .select((contacts::id, contacts::name, contacts::email))
        .first(rx.conn)
        .optional()?;
    Ok(row.map(read))
}

/// The contact of an address; made if there is none. A later name does not replace an earlier one.
///
/// # Errors
/// Trouble with the database.
pub fn find_or_insert(tx: &mut Tx, email: &str, name: &str) -> Result<ContactId, Failure> {
    let (id, workspace, now): (ContactId, _, _) = (tx.new_id(), tx.workspace(), At(tx.now()));
    let key = crate::domain::text::key(email);
    insert_new!(
        tx.write(),
        contacts::table,
        (
            contacts::id.eq(id),
            contacts::workspace_id.eq(workspace),
            contacts::name.eq(name),
            contacts::email.eq(email),
            contacts::email_key.eq(&key),
            contacts::created_at.eq(now),
        )
    )?;
    Ok(ours(workspace).filter(contacts::email_key.eq(key)).select(contacts::id).first(tx.conn)?)
}
