//! Roles and who holds them. Every query of this file is narrowed to one workspace.

use std::collections::HashMap;

use diesel::prelude::*;

use super::db::{Rx, Tx, insert_all};
use super::schema::{role_permissions, roles, user_roles};
use crate::domain::access::{Key, PermissionSet};
use crate::domain::ids::{RoleId, UserId, WorkspaceId};
use crate::domain::roles::{Role, Standard};
use crate::failure::Failure;

type Row = (RoleId, Option<String>, String, String);

/// All roles, highest first.
///
/// # Errors
/// Trouble with the database.
pub fn list(rx: &mut Rx) -> Result<Vec<Role>, Failure> {
    let rows: Vec<Row> = roles::table
        .filter(roles::workspace_id.eq(rx.workspace()))
        .order((roles::position, roles::name_key))
        .select((roles::id, roles::standard, roles::name, roles::description))
        .load(rx.conn)?;
    let granted: Vec<(RoleId, String)> = role_permissions::table
        .filter(role_permissions::workspace_id.eq(rx.workspace()))
        .select((role_permissions::role_id, role_permissions::permission))
        .load(rx.conn)?;
    let mut permissions: HashMap<RoleId, PermissionSet> = HashMap::new();
    for (role, permission) in granted {
        if let Some(key) = Key::parse(&permission) {
            permissions.entry(role).or_default().insert(key);
        }
    }
    Ok(rows
        .into_iter()
        .map(|(id, standard, name, description)| {
            let standard = standard.as_deref().and_then(Standard::parse);
            let permissions = match standard {
                Some(Standard::Owner) => PermissionSet::ALL,
                _ => permissions.remove(&id).unwrap_or_default(),
            };
            Role { id, standard, name, description, permissions }
        })
        .collect())
}

/// Adds the standard roles to a new workspace.
///
/// # Errors
/// Trouble with the database.
pub fn insert_standard(tx: &mut Tx) -> Result<Vec<(Standard, RoleId)>, Failure> {
    let workspace = tx.workspace();
    let mut made = Vec::new();
    for (position, standard) in (0_i32..).zip(Standard::ALL) {
        let id: RoleId = tx.new_id();
        diesel::insert_into(roles::table)
            .values((
                roles::id.eq(id),
                roles::workspace_id.eq(workspace),
                roles::standard.eq(standard.as_str()),
                roles::name.eq(standard.name()),
                roles::name_key.eq(crate::domain::text::key(standard.name())),
                roles::description.eq(standard.description()),
                roles::position.eq(position),
            ))
            .execute(tx.write())?;
        // An Owner has everything by rule, so that a permission added later is theirs too.
        if standard != Standard::Owner {
            let rows: Vec<_> = standard
                .permissions()
                .iter()
                .map(|key| {
                    (
                        role_permissions::workspace_id.eq(workspace),
                        role_permissions::role_id.eq(id),
                        role_permissions::permission.eq(key.as_str()),
                    )
                })
                .collect();
            insert_all!(tx.write(), role_permissions::table, &rows)?;
        }
        made.push((standard, id));
    }
    Ok(made)
}

/// Which roles some users hold, highest first.
///
/// # Errors
/// Trouble with the database.
pub fn list_of_users(rx: &mut Rx, users: &[UserId]) -> Result<HashMap<UserId, Vec<RoleId>>, Failure> {
    let rows: Vec<(UserId, RoleId)> = user_roles::table
        .inner_join(roles::table.on(roles::id.eq(user_roles::role_id)))
        .filter(user_roles::workspace_id.eq(rx.workspace()))
        .filter(user_roles::user_id.eq_any(users))
        .order(roles::position)
        .select((user_roles::user_id, user_roles::role_id))
        .load(rx.conn)?;
    let mut held: HashMap<UserId, Vec<RoleId>> = HashMap::new();
    for (user, role) in rows {
        held.entry(user).or_default().push(role);
    }
    Ok(held)
}

/// Gives a user roles.
///
/// # Errors
/// Trouble with the database.
pub fn insert_of_user(tx: &mut Tx, user: UserId, given: &[RoleId]) -> Result<(), Failure> {
    let workspace: WorkspaceId = tx.workspace();
    for role in given {
        diesel::insert_into(user_roles::table)
            .values((
                user_roles::workspace_id.eq(workspace),
                user_roles::user_id.eq(user),
                user_roles::role_id.eq(role),
            ))
            .execute(tx.write())?;
    }
    Ok(())
}

/// Takes roles from a user.
///
/// # Errors
/// Trouble with the database.
pub fn delete_of_user(tx: &mut Tx, user: UserId, taken: &[RoleId]) -> Result<(), Failure> {
    let workspace = tx.workspace();
    diesel::delete(
        user_roles::table
            .filter(user_roles::workspace_id.eq(workspace))
            .filter(user_roles::user_id.eq(user))
            .filter(user_roles::role_id.eq_any(taken)),
    )
    .execute(tx.write())?;
    Ok(())
}
