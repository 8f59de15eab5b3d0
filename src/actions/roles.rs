//! Roles: make, change, delete.

use crate::domain::access::{Can, PermissionSet, administration};
use crate::domain::audit::Event;
use crate::domain::ids::RoleId;
use crate::domain::roles::{Role, may_create, may_delete, may_update};
use crate::failure::Failure;
use crate::store::{self, Recorded, Tx};

/// What a role is to be.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What it allows.
    pub permissions: PermissionSet,
}

/// Makes a role.
///
/// # Errors
/// A [`RoleRefusal`](crate::domain::roles::RoleRefusal), or trouble with the database.
pub fn create(tx: &mut Tx, _: &Can<administration::Roles>, wanted: &Wanted) -> Result<Recorded<RoleId>, Failure> {
    may_create(tx.actor(), wanted.permissions)?;
    let role = store::roles::insert(tx, &wanted.name, &wanted.description, wanted.permissions)?;
    Ok(tx.record(Event::RoleCreated { role, permissions: wanted.permissions }).with(role))
}

/// Changes a role as it was at `version`; whoever holds it feels it at their next request.
///
/// # Errors
/// A [`RoleRefusal`](crate::domain::roles::RoleRefusal), [`Failure::Stale`], [`Failure::NotFound`], or trouble with the
/// database.
pub fn update(
    tx: &mut Tx,
    _: &Can<administration::Roles>,
    id: RoleId,
    version: i64,
    wanted: &Wanted,
) -> Result<Recorded<()>, Failure> {
    let role = store::roles::lock(tx, id)?;
    may_update(tx.actor(), &role, &wanted.name, wanted.permissions)?;
    if role.version != version {
        return Err(Failure::Stale);
    }
    let changes = [
        ("name", role.name != wanted.name),
        ("description", role.description != wanted.description),
        ("permissions", role.permissions != wanted.permissions),
    ];
    let fields: Vec<&'static str> = changes.iter().filter(|(_, changed)| *changed).map(|(field, _)| *field).collect();
    if fields.is_empty() {
        return tx.unchanged(());
    }
    store::roles::set(tx, &role, &wanted.name, &wanted.description, wanted.permissions)?;
    Ok(tx.record(Event::RoleUpdated { role: id, fields, before: role.permissions, after: wanted.permissions }))
}

/// Deletes a role that nobody holds.
///
/// # Errors
/// A [`RoleRefusal`](crate::domain::roles::RoleRefusal), [`Failure::NotFound`], or trouble with the database.
pub fn delete(tx: &mut Tx, _: &Can<administration::Roles>, id: RoleId) -> Result<Recorded<Role>, Failure> {
    let role = store::roles::lock_to_delete(tx, id)?;
    let holders: i64 = store::roles::count_holders(tx)?.get(&id).into_iter().flat_map(|counts| counts.values()).sum();
    may_delete(tx.actor(), &role, holders)?;
    store::roles::delete(tx, id)?;
    Ok(tx.record(Event::RoleDeleted { role: id, permissions: role.permissions }).with(role))
}
