//! What people set for themselves (U-15).

use diesel::prelude::*;

use super::db::{Rx, Tx};
use super::schema::users;
use crate::domain::ids::UserId;
use crate::domain::profiles::{Language, Preferences};
use crate::failure::Failure;

/// How a user wants Baton to be.
///
/// # Errors
/// Trouble with the database.
pub fn find(rx: &mut Rx, id: UserId) -> Result<Preferences, Failure> {
    let (zone, language, shortcuts): (Option<String>, Option<String>, bool) = users::table
        .filter(users::workspace_id.eq(rx.workspace()))
        .filter(users::id.eq(id))
        .select((users::time_zone, users::language, users::shortcuts))
        .first(rx.conn)?;
    Ok(Preferences {
        time_zone: zone.and_then(|zone| zone.parse().ok()),
        language: language.as_deref().and_then(Language::parse),
        shortcuts,
    })
}

/// Changes how a user wants Baton to be.
///
/// # Errors
/// Trouble with the database.
pub fn set_all(tx: &mut Tx, id: UserId, wanted: &Preferences) -> Result<(), Failure> {
    let workspace = tx.workspace();
    diesel::update(users::table.filter(users::workspace_id.eq(workspace)).filter(users::id.eq(id)))
        .set((
            users::time_zone.eq(wanted.time_zone.map(|zone| zone.name())),
            users::language.eq(wanted.language.map(Language::as_str)),
            users::shortcuts.eq(wanted.shortcuts),
            users::version.eq(users::version + 1),
        ))
        .execute(tx.write())?;
    Ok(())
}
