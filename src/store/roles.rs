//! Roles and who holds them. Every query of this file is narrowed to one workspace.

use std::collections::HashMap;

use diesel::prelude::*;

use super::among::load_among;
use super::db::{Rx, Tx, insert_all, insert_in_parts, load_doomed, load_kept, load_locked};
use super::errors::{UniqueKey, unique_key};
use super::schema::{role_permissions, roles, user_roles, users};
use crate::domain::access::{Key, PermissionSet};
use crate::domain::ids::{RoleId, UserId, WorkspaceId};
use crate::domain::roles::{Role, RoleRefusal, Standard};
use crate::domain::text::key;
use crate::domain::users::Status;
use crate::failure::Failure;

type Row = (RoleId, Option<String>, String, String, i64);

/// Where roles of the workspace's own making stand: after the standard ones, by name.
const AFTER_STANDARD: i32 = 100;

fn read((id, standard, name, description, version): Row, granted: Option<PermissionSet>) -> Role {
    let standard = standard.as_deref().and_then(Standard::parse);
    let permissions = match standard {
        Some(Standard::Owner) => PermissionSet::ALL,
        _ => granted.unwrap_or_default(),
    };
    Role { id, standard, name, description, permissions, version }
}

/// All roles, highest first.
///
/// # Errors
/// Trouble with the database.
pub fn list(rx: &mut Rx) -> Result<Vec<Role>, Failure> {
    let rows: Vec<Row> = roles::table
        .filter(roles::workspace_id.eq(rx.workspace()))
        .order((roles::position, roles::name_key))
        .select((roles::id, roles::standard, roles::name, roles::description, roles::version))
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
        .map(|row| {
            let granted = permissions.remove(&row.0);
            read(row, granted)
        })
        .collect())
}

/// The role, locked until the end of the unit of work.
///
/// # Errors
/// [`Failure::NotFound`], or trouble with the database.
pub fn lock(tx: &mut Tx, id: RoleId) -> Result<Role, Failure> {
    let workspace = tx.workspace();
    let rows: Vec<RoleId> = load_locked!(
        tx,
        RoleId,
        roles::table.filter(roles::workspace_id.eq(workspace)).filter(roles::id.eq(id)).select(roles::id)
    )?;
    find_locked(tx, rows.first())
}

/// The role, locked so that nobody can be given it: it is to be deleted.
///
/// # Errors
/// [`Failure::NotFound`], or trouble with the database.
pub fn lock_to_delete(tx: &mut Tx, id: RoleId) -> Result<Role, Failure> {
    let workspace = tx.workspace();
    let rows: Vec<RoleId> = load_doomed!(
        tx,
        RoleId,
        roles::table.filter(roles::workspace_id.eq(workspace)).filter(roles::id.eq(id)).select(roles::id)
    )?;
    find_locked(tx, rows.first())
}

/// What a locked role is: read after the lock was had, so that nothing changes it any more.
fn find_locked(tx: &mut Tx, id: Option<&RoleId>) -> Result<Role, Failure> {
    let id = id.ok_or(Failure::NotFound)?;
    list(tx)?.into_iter().find(|role| role.id == *id).ok_or(Failure::NotFound)
}

/// All roles, of which these, to be given to somebody, stay until the end of the unit of work.
///
/// # Errors
/// [`Failure::NotFound`] if one of them is none here, or trouble with the database.
pub fn lock_given(tx: &mut Tx, wanted: &[RoleId]) -> Result<Vec<Role>, Failure> {
    let workspace = tx.workspace();
    let kept: Vec<RoleId> = load_kept!(
        tx,
        RoleId,
        roles::table
            .filter(roles::workspace_id.eq(workspace))
            .filter(roles::id.eq_any(wanted))
            .order(roles::id)
            .select(roles::id)
    )?;
    if wanted.iter().all(|id| kept.contains(id)) { list(tx) } else { Err(Failure::NotFound) }
}

fn taken(error: diesel::result::Error, name: &str) -> Failure {
    match unique_key(&error) {
        Some(UniqueKey::RoleName) => RoleRefusal::NameTaken(name.to_owned()).into(),
        _ => error.into(),
    }
}

/// Adds a role of the workspace's own making.
///
/// # Errors
/// [`RoleRefusal::NameTaken`], or trouble with the database.
pub fn insert(tx: &mut Tx, name: &str, description: &str, permissions: PermissionSet) -> Result<RoleId, Failure> {
    let (id, workspace): (RoleId, _) = (tx.new_id(), tx.workspace());
    diesel::insert_into(roles::table)
        .values((
            roles::id.eq(id),
            roles::workspace_id.eq(workspace),
            roles::name.eq(name),
            roles::name_key.eq(key(name)),
            roles::description.eq(description),
            roles::position.eq(AFTER_STANDARD),
            roles::version.eq(1),
        ))
        .execute(tx.write())
        .map_err(|error| taken(error, name))?;
    insert_permissions(tx, id, permissions)?;
    Ok(id)
}

fn insert_permissions(tx: &mut Tx, role: RoleId, permissions: PermissionSet) -> Result<(), Failure> {
    let workspace = tx.workspace();
    let rows: Vec<_> = permissions
        .iter()
        .map(|key| {
            (
                role_permissions::workspace_id.eq(workspace),
                role_permissions::role_id.eq(role),
                role_permissions::permission.eq(key.as_str()),
            )
        })
        .collect();
    if !rows.is_empty() {
        insert_all!(tx.write(), role_permissions::table, &rows)?;
    }
    Ok(())
}

/// Changes a locked role.
///
/// # Errors
/// [`RoleRefusal::NameTaken`], or trouble with the database.
pub fn set(tx: &mut Tx, role: &Role, name: &str, description: &str, permissions: PermissionSet) -> Result<(), Failure> {
    let workspace = tx.workspace();
    diesel::update(roles::table.filter(roles::workspace_id.eq(workspace)).filter(roles::id.eq(role.id)))
        .set((
            roles::name.eq(name),
            roles::name_key.eq(key(name)),
            roles::description.eq(description),
            roles::version.eq(role.version + 1),
        ))
        .execute(tx.write())
        .map_err(|error| taken(error, name))?;
    let gone: Vec<&str> = role.permissions.minus(permissions).iter().map(Key::as_str).collect();
    if !gone.is_empty() {
        diesel::delete(
            role_permissions::table
                .filter(role_permissions::workspace_id.eq(workspace))
                .filter(role_permissions::role_id.eq(role.id))
                .filter(role_permissions::permission.eq_any(gone)),
        )
        .execute(tx.write())?;
    }
    insert_permissions(tx, role.id, permissions.minus(role.permissions))
}

/// Removes a role that nobody holds.
///
/// # Errors
/// Trouble with the database.
pub fn delete(tx: &mut Tx, id: RoleId) -> Result<(), Failure> {
    let workspace = tx.workspace();
    diesel::delete(roles::table.filter(roles::workspace_id.eq(workspace)).filter(roles::id.eq(id)))
        .execute(tx.write())?;
    Ok(())
}

/// How many users of each status hold each role.
///
/// # Errors
/// Trouble with the database.
pub fn count_holders(rx: &mut Rx) -> Result<HashMap<RoleId, HashMap<Status, i64>>, Failure> {
    let rows: Vec<(RoleId, String, i64)> = user_roles::table
        .inner_join(users::table.on(users::id.eq(user_roles::user_id)))
        .filter(user_roles::workspace_id.eq(rx.workspace()))
        .group_by((user_roles::role_id, users::status))
        .select((user_roles::role_id, users::status, diesel::dsl::count_star()))
        .load(rx.conn)?;
    let mut counts: HashMap<RoleId, HashMap<Status, i64>> = HashMap::new();
    for (role, status, count) in rows {
        let status = Status::parse(&status).ok_or_else(|| Failure::Corrupt("users.status", status.clone()))?;
        counts.entry(role).or_default().insert(status, count);
    }
    Ok(counts)
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
                roles::name_key.eq(key(standard.name())),
                roles::description.eq(standard.description()),
                roles::position.eq(position),
                roles::version.eq(1),
            ))
            .execute(tx.write())?;
        // An Owner has everything by rule, so that a permission added later is theirs too.
        if standard != Standard::Owner {
            insert_permissions(tx, id, standard.permissions())?;
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
    let workspace = rx.workspace();
    let rows = load_among!(
        rx.conn,
        (UserId, RoleId),
        user_roles::table
            .inner_join(roles::table.on(roles::id.eq(user_roles::role_id)))
            .filter(user_roles::workspace_id.eq(workspace))
            .order(roles::position)
            .select((user_roles::user_id, user_roles::role_id)),
        user_roles::user_id,
        users
    )?;
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

/// Gives several users roles, in a few statements however many there are.
///
/// # Errors
/// Trouble with the database.
pub fn insert_of_users(tx: &mut Tx, given: &[(UserId, RoleId)]) -> Result<(), Failure> {
    let workspace: WorkspaceId = tx.workspace();
    let row = |(user, role): &(UserId, RoleId)| {
        (user_roles::workspace_id.eq(workspace), user_roles::user_id.eq(*user), user_roles::role_id.eq(*role))
    };
    let rows: Vec<_> = given.iter().map(row).collect();
    insert_in_parts!(tx, user_roles::table, 3, rows);
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
