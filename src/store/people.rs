//! The logged-in person behind a request, with everything that permission checks need.

use std::collections::HashMap;

use diesel::prelude::*;

use super::db::Rx;
use super::schema::{channel_members, role_permissions, roles, team_members, user_roles};
use crate::domain::access::{Key, PermissionSet};
use crate::domain::ids::{ChannelId, RoleId, TeamId, UserId};
use crate::domain::roles::Standard;
use crate::failure::Failure;

/// What a person may do and where they belong.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Whether one of their roles is Owner.
    pub is_owner: bool,
    /// Whether Guest is their only role.
    pub only_guest: bool,
    /// The union over their roles.
    pub permissions: PermissionSet,
    /// Their teams.
    pub teams: Vec<TeamId>,
    /// Their channels.
    pub channels: Vec<ChannelId>,
}

/// What several people may do, whoever asks.
///
/// # Errors
/// Trouble with the database.
pub(super) fn powers(rx: &mut Rx, users: &[UserId]) -> Result<HashMap<UserId, PermissionSet>, Failure> {
    let held: Vec<(UserId, RoleId, Option<String>)> = user_roles::table
        .inner_join(roles::table.on(roles::id.eq(user_roles::role_id)))
        .filter(user_roles::workspace_id.eq(rx.workspace()))
        .filter(user_roles::user_id.eq_any(users))
        .select((user_roles::user_id, user_roles::role_id, roles::standard))
        .load(rx.conn)?;
    let ids: std::collections::HashSet<RoleId> = held.iter().map(|(_, role, _)| *role).collect();
    let granted: Vec<(RoleId, String)> = role_permissions::table
        .filter(role_permissions::workspace_id.eq(rx.workspace()))
        .filter(role_permissions::role_id.eq_any(ids))
        .select((role_permissions::role_id, role_permissions::permission))
        .load(rx.conn)?;
    let mut of_role: HashMap<RoleId, PermissionSet> = HashMap::new();
    for (role, permission) in granted {
        if let Some(key) = Key::parse(&permission) {
            of_role.entry(role).or_default().insert(key);
        }
    }
    let mut found: HashMap<UserId, PermissionSet> = HashMap::new();
    for (user, role, standard) in held {
        let given = match standard.as_deref() {
            Some(name) if name == Standard::Owner.as_str() => PermissionSet::ALL,
            _ => of_role.get(&role).copied().unwrap_or_default(),
        };
        let so_far = found.entry(user).or_default();
        *so_far = so_far.union(given);
    }
    Ok(found)
}

/// Reads it in three queries; what comes out is kept with the roster.
///
/// # Errors
/// Trouble with the database.
pub fn find_standing(rx: &mut Rx, user: UserId) -> Result<Standing, Failure> {
    let rows: Vec<(Option<String>, Option<String>)> = user_roles::table
        .inner_join(roles::table.on(roles::id.eq(user_roles::role_id)))
        .left_join(role_permissions::table.on(role_permissions::role_id.eq(roles::id)))
        .filter(user_roles::workspace_id.eq(rx.workspace()))
        .filter(user_roles::user_id.eq(user))
        .select((roles::standard, role_permissions::permission.nullable()))
        .load(rx.conn)?;
    let is_owner = rows.iter().any(|(standard, _)| standard.as_deref() == Some(Standard::Owner.as_str()));
    let only_guest = rows.iter().all(|(standard, _)| standard.as_deref() == Some(Standard::Guest.as_str()));
    let permissions = if is_owner {
        PermissionSet::ALL
    } else {
        rows.iter().filter_map(|(_, permission)| Key::parse(permission.as_deref()?)).collect()
    };
    let teams = team_members::table
        .filter(team_members::user_id.eq(user))
        .filter(team_members::workspace_id.eq(rx.workspace()))
        .select(team_members::team_id)
        .load(rx.conn)?;
    let channels = channel_members::table
        .filter(channel_members::user_id.eq(user))
        .filter(channel_members::workspace_id.eq(rx.workspace()))
        .select(channel_members::channel_id)
        .load(rx.conn)?;
    Ok(Standing { is_owner, only_guest, permissions, teams, channels })
}
