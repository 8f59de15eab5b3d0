//! What people were called and where they were reached before. Mails about them that went to others name them so, and
//! whoever is deleted is to be found in those, too (U-11). Nothing else reads it.

use diesel::prelude::*;

use super::db::{Rx, Tx, insert_new};
use super::schema::former_names;
use crate::domain::ids::UserId;
use crate::domain::users::Name;
use crate::failure::Failure;

/// Notes under which names and address somebody was known until now.
///
/// # Errors
/// Trouble with the database.
pub(super) fn insert(tx: &mut Tx, user: UserId, email: &str, name: &Name) -> Result<(), Failure> {
    if email.is_empty() {
        return Ok(());
    }
    let workspace = tx.workspace();
    insert_new!(
        tx.write(),
        former_names::table,
        (
            former_names::workspace_id.eq(workspace),
            former_names::user_id.eq(user),
            former_names::email.eq(email),
            former_names::full_name.eq(&name.full),
            former_names::display_name.eq(&name.display),
        )
    )?;
    Ok(())
}

/// Under which addresses and names somebody was known before.
///
/// # Errors
/// Trouble with the database.
pub fn list_of_user(rx: &mut Rx, user: UserId) -> Result<Vec<(String, Name)>, Failure> {
    let rows: Vec<(String, String, String)> = former_names::table
        .filter(former_names::workspace_id.eq(rx.workspace()))
        .filter(former_names::user_id.eq(user))
        .select((former_names::email, former_names::full_name, former_names::display_name))
        .load(rx.conn)?;
    Ok(rows.into_iter().map(|(email, full, display)| (email, Name { full, display })).collect())
}

/// Forgets under which names somebody was known before.
///
/// # Errors
/// Trouble with the database.
pub fn delete_of_user(tx: &mut Tx, user: UserId) -> Result<(), Failure> {
    let workspace = tx.workspace();
    diesel::delete(
        former_names::table.filter(former_names::workspace_id.eq(workspace)).filter(former_names::user_id.eq(user)),
    )
    .execute(tx.write())?;
    Ok(())
}
