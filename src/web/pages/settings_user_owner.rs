//! The way out when somebody is the only Owner: make somebody else one (U-6).

use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

use super::login::verify_again;
use crate::actions;
use crate::actions::users::RoleChange;
use crate::domain::access::users;
use crate::domain::ids::UserId;
use crate::domain::logins::LoginRefusal;
use crate::domain::users::{Status, UserRefusal};
use crate::failure::Failure;
use crate::store;
use crate::web::error::WebError;
use crate::web::extract::{Form, Id, May, Viewer};
use crate::web::forms::Problems;
use crate::web::reply::{Notice, Reply, dialog, done};
use crate::web::views::chrome::{SettingsItem, form_token};
use crate::web::views::person::PersonView;

/// Who is to be an Owner, the password of whoever says so, and what they were about to do.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct OwnerForm {
    owner: String,
    password: String,
    way: String,
}

struct Choice {
    value: String,
    label: String,
    picked: bool,
}

/// The dialog.
#[derive(Template)]
#[template(path = "partials/new_owner.html")]
pub(super) struct NewOwner {
    csrf: String,
    who: PersonView,
    /// What is to be done with them: `deactivate`, `remove` or `delete`.
    way: &'static str,
    may: bool,
    choices: Vec<Choice>,
    problems: Problems,
}

fn way_of(text: &str) -> &'static str {
    ["remove", "delete"].into_iter().find(|way| *way == text).unwrap_or("deactivate")
}

impl NewOwner {
    /// Shows it. Only Owners can make Owners, and only of people who have logged in.
    ///
    /// # Errors
    /// 404 for a user who is none here.
    pub(super) async fn show(
        viewer: &Viewer,
        id: UserId,
        way: &'static str,
        status: StatusCode,
        picked: String,
        problems: Problems,
    ) -> Reply {
        let (user, choices) = viewer
            .read(move |rx| {
                let user = store::users::find(rx, id)?.ok_or(Failure::NotFound)?;
                let roles = store::roles::list(rx)?;
                let active: Vec<UserId> =
                    store::users::list_by_status(rx, &[Status::Active])?.into_iter().map(|one| one.id).collect();
                let people = store::users::list_these(rx, &active)?;
                let held = store::roles::list_of_users(rx, &active)?;
                let can = people.iter().filter(|one| one.id != id && !one.is_owner && one.last_seen_at.is_some());
                let choices: Vec<Choice> = can
                    .map(|one| {
                        let held = held.get(&one.id).map(Vec::as_slice).unwrap_or_default();
                        // Roles are listed highest first.
                        let role = roles.iter().find(|role| held.contains(&role.id)).map_or("", |role| &role.name);
                        let value = one.id.to_string();
                        Choice { picked: value == picked, value, label: format!("{} · {role}", one.name.full) }
                    })
                    .collect();
                Ok((user, choices))
            })
            .await?;
        let content = Self {
            csrf: form_token(&viewer.req),
            who: PersonView::new(user.id, &user.name, user.status),
            way,
            may: viewer.known.person.is_owner,
            choices,
            problems,
        };
        let title = format!("{} is the only Owner", user.name.full);
        dialog(viewer, status, &title, "", SettingsItem::Users, &content)
    }
}

/// Makes somebody an Owner beside the only one.
///
/// # Errors
/// 404 for ids that are none here; 403 for who is no Owner.
pub async fn create(may: May<users::AssignRoles>, id: Id<UserId>, Form(form): Form<OwnerForm>) -> Reply {
    let May { viewer, can } = may;
    let (id, way) = (id.0, way_of(&form.way));
    let owner: Option<UserId> = match form.owner.as_str() {
        "" => None,
        text => Some(text.parse().map_err(|_| WebError::NotFound)?),
    };
    let (chosen, role) = viewer
        .read(move |rx| {
            store::users::find(rx, id)?.ok_or(Failure::NotFound)?;
            let chosen = owner.map(|owner| store::users::find(rx, owner)?.ok_or(Failure::NotFound)).transpose()?;
            let role =
                store::roles::list(rx)?.into_iter().find(|role| role.is_owner()).ok_or(Failure::Bug("no Owner"))?;
            Ok((chosen, role.id))
        })
        .await?;
    if !viewer.known.person.is_owner {
        return Err(Failure::from(UserRefusal::OnlyOwnersActOnOwners).into());
    }
    let mut problems = Problems::new();
    let ready = chosen.as_ref().filter(|one| one.status == Status::Active && one.last_seen_at.is_some());
    match (&chosen, ready) {
        (None, _) => problems.add("owner", "Choose who becomes an Owner"),
        (Some(one), None) => {
            problems.add("owner", format!("{} has to be active and to have logged in first", one.name.full));
        }
        _ => {}
    }
    let mut status = StatusCode::UNPROCESSABLE_ENTITY;
    if problems.is_empty() {
        match verify_again(&viewer, form.password).await {
            Ok(true) => {}
            Ok(false) => problems.add("password", LoginRefusal::WrongPassword.to_string()),
            Err(Failure::Refused(refusal)) => {
                problems.add("password", refusal.to_string());
                status = StatusCode::TOO_MANY_REQUESTS;
            }
            Err(failure) => return Err(failure.into()),
        }
    }
    let Some(ready) = ready.filter(|_| problems.is_empty()) else {
        return NewOwner::show(&viewer, id, way, status, form.owner, problems).await;
    };
    let new = ready.id;
    viewer.write(move |tx| actions::users::change_role(tx, &can, new, RoleChange::Give(role))).await?;
    // Whoever made them one was the only Owner, and nobody does that to themselves here (R-5, U-15).
    let notice = Notice::new(format!("{} is an Owner now, and can {way} you.", ready.name.full));
    let notice = if way == "delete" { notice.link("Delete your account", "/profile/delete") } else { notice };
    done(&viewer, &format!("/settings/users/{id}"), notice)
}
