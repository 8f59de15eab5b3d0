//! Settings → Roles: what each role allows, who holds it, and deleting one.

use std::collections::HashMap;

use actix_web::http::StatusCode;
use askama::Template;

use crate::actions;
use crate::domain::access::{Key, administration};
use crate::domain::ids::RoleId;
use crate::domain::roles::{RoleRefusal, may_delete};
use crate::domain::text::{counted, grouped};
use crate::domain::users::Status;
use crate::failure::Failure;
use crate::store;
use crate::web::extract::{Empty, Form, Id, May, Viewer};
use crate::web::reply::{Notice, Reply, dialog, done, page};
use crate::web::views::chrome::{Section, SettingsItem, SettingsNav, form_token};

/// So many users of a status, and where they are listed.
pub(super) struct Holders {
    pub text: String,
    pub href: String,
}

struct Column {
    id: String,
    name: String,
    active: String,
    holders: Vec<Holders>,
    description: String,
    kind: &'static str,
    allows: String,
    may_delete: bool,
}

struct Group {
    name: &'static str,
    lines: Vec<(&'static str, Vec<bool>)>,
}

#[derive(Template)]
#[template(path = "pages/settings_roles.html")]
struct RolesPage {
    nav: SettingsNav,
    columns: Vec<Column>,
    groups: Vec<Group>,
    foot: String,
}

#[derive(Template)]
#[template(path = "partials/role_delete.html")]
struct DeleteDialog {
    csrf: String,
    id: String,
    name: String,
    refusal: Option<String>,
    holders: Vec<Holders>,
}

/// How many users of each status.
pub(super) type Counts = HashMap<Status, i64>;

/// Who holds a role, by status, with the list of them.
pub(super) fn holders(role: RoleId, counts: Option<&Counts>) -> Vec<Holders> {
    let places = [
        (Status::Active, "active user", "active users", "/settings/users"),
        (Status::Inactive, "inactive user", "inactive users", "/settings/users/inactive"),
        (Status::Invited, "invited user", "invited users", "/settings/users/invites"),
    ];
    places
        .into_iter()
        .filter_map(|(status, one, many, address)| {
            let count = counts.and_then(|counts| counts.get(&status)).copied().filter(|count| *count > 0)?;
            Some(Holders { text: counted(count, one, many), href: format!("{address}?role={role}") })
        })
        .collect()
}

fn of(counts: Option<&Counts>, status: Status) -> i64 {
    counts.and_then(|counts| counts.get(&status)).copied().unwrap_or(0)
}

/// How many users of all statuses.
pub(super) fn all_of(counts: Option<&Counts>) -> i64 {
    counts.into_iter().flat_map(HashMap::values).sum()
}

/// All roles with how many hold each.
///
/// # Errors
/// Trouble with the database.
pub async fn index(may: May<administration::Roles>) -> Reply {
    let viewer = may.viewer;
    let (mut roles, counts) = viewer.read(|rx| Ok((store::roles::list(rx)?, store::roles::count_holders(rx)?))).await?;
    // As drawn: the standard roles from the least to the most, then those of the workspace's own making.
    let standard = roles.iter().filter(|role| role.standard.is_some()).count();
    if let Some(roles) = roles.get_mut(..standard) {
        roles.reverse();
    }
    let actor = &viewer.known.scope.actor;
    let groups = Key::by_category()
        .into_iter()
        .map(|(name, keys)| Group {
            name,
            lines: keys
                .iter()
                .map(|key| (key.meaning(), roles.iter().map(|role| role.permissions.has(*key)).collect()))
                .collect(),
        })
        .collect();
    let content = RolesPage {
        nav: SettingsNav::new(&viewer, SettingsItem::Roles),
        foot: counted(i64::try_from(roles.len()).unwrap_or(0), "role", "roles"),
        columns: roles
            .iter()
            .map(|role| {
                let counts = counts.get(&role.id);
                Column {
                    id: role.id.to_string(),
                    active: grouped(of(counts, Status::Active)),
                    holders: holders(role.id, counts),
                    kind: if role.standard.is_some() { "Standard" } else { "Your own" },
                    allows: if role.is_owner() {
                        "Everything".to_owned()
                    } else {
                        format!("{} of {}", role.permissions.len(), Key::ALL.len())
                    },
                    may_delete: role.standard.is_none() && may_delete(actor, role, 0).is_ok(),
                    name: role.name.clone(),
                    description: role.description.clone(),
                }
            })
            .collect(),
        groups,
    };
    page(&viewer, "Roles", Section::Settings, &content)
}

/// Asks before a role is deleted, or says why it can't be.
///
/// # Errors
/// 404 for a role that is none here.
pub async fn ask_delete(may: May<administration::Roles>, id: Id<RoleId>) -> Reply {
    show_delete(&may.viewer, id.0).await
}

async fn show_delete(viewer: &Viewer, id: RoleId) -> Reply {
    let (role, counts) = viewer
        .read(move |rx| {
            let role = store::roles::list(rx)?.into_iter().find(|role| role.id == id).ok_or(Failure::NotFound)?;
            Ok((role, store::roles::count_holders(rx)?.remove(&id)))
        })
        .await?;
    let counts = counts.as_ref();
    let refusal = may_delete(&viewer.known.scope.actor, &role, all_of(counts)).err();
    let status = if refusal.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
    let content = DeleteDialog {
        csrf: form_token(&viewer.req),
        id: id.to_string(),
        name: role.name,
        holders: if matches!(refusal, Some(RoleRefusal::Held { .. })) { holders(id, counts) } else { Vec::new() },
        refusal: refusal.map(|refusal| refusal.to_string()),
    };
    dialog(viewer, status, "Delete role", "sm", SettingsItem::Roles, &content)
}

/// Deletes a role that nobody holds.
///
/// # Errors
/// 404 for a role that is none here; 409 if it stays.
pub async fn delete(may: May<administration::Roles>, id: Id<RoleId>, _: Form<Empty>) -> Reply {
    let May { viewer, can } = may;
    match viewer.write(move |tx| actions::roles::delete(tx, &can, id.0)).await {
        Ok(role) => done(&viewer, "/settings/roles", Notice::new(format!("The role {} is deleted.", role.name))),
        Err(Failure::Refused(_)) => show_delete(&viewer, id.0).await,
        Err(failure) => Err(failure.into()),
    }
}
