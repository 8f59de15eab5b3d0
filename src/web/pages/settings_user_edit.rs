//! Changing a user on their page: identity, roles, teams and channels (U-5, R-5).

use actix_web::http::StatusCode;

use super::settings_user::{UserForm, render};
use crate::actions;
use crate::actions::users::Edit;
use crate::domain::access::{Key, users};
use crate::domain::channels::ChannelRefusal;
use crate::domain::ids::{RoleId, UserId};
use crate::domain::roles::{Role, gives_up_roles, may_grant};
use crate::domain::users::{Name, UserRefusal, parse_email, parse_name};
use crate::failure::{Failure, Refusal};
use crate::store;
use crate::web::error::WebError;
use crate::web::extract::{Form, Id, May, Viewer};
use crate::web::forms::{Problems, ids, is_on};
use crate::web::reply::{Notice, Reply, done};
use crate::web::stale::user_changed;

/// Changes identity, roles, teams and channels.
///
/// # Errors
/// [`WebError::NotFound`] for ids that are none here; 409 if somebody else was quicker.
pub async fn update(may: May<users::Edit>, id: Id<UserId>, Form(form): Form<UserForm>) -> Reply {
    let May { viewer, can } = may;
    let id = id.0;
    let mut problems = Problems::new();
    let email = problems.take("email", parse_email(&form.email));
    let full = problems.take("full_name", parse_name(&form.full_name, "Enter their full name"));
    let display = if form.display_name.trim().is_empty() {
        full.split(' ').next().unwrap_or_default().to_owned()
    } else {
        problems.take("display_name", parse_name(&form.display_name, "Enter a display name"))
    };
    if !problems.is_empty() {
        return render(&viewer, id, Some((form, problems)), StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let locked = locked_roles(&viewer, id).await?;
    let mut roles: Vec<RoleId> = ids(&form.role)?;
    // Boxes that are locked are not posted: what is held of those stays.
    roles.extend(locked.into_iter().filter(|role| !roles.contains(role)).collect::<Vec<_>>());
    let gives_up = id == viewer.known.person.id && gives_up(&viewer, &roles).await?;
    if gives_up && !is_on(&form.confirm) {
        let form = UserForm { warn: true, ..form };
        return render(&viewer, id, Some((form, Problems::new())), StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let edit = Edit {
        version: form.version,
        email,
        name: Name { full, display },
        beta_access: is_on(&form.beta_access),
        roles: Some(roles),
        teams: Some(ids(&form.team)?),
        channels: Some(ids(&form.channel)?),
        leaves_channels: is_on(&form.leaves_channels),
    };
    let saved = viewer.write(move |tx| actions::users::update(tx, &can, id, &edit)).await;
    match saved {
        Ok(user) => {
            // Who gave up their roles may not see this page any more.
            let address = if gives_up { "/".to_owned() } else { format!("/settings/users/{id}") };
            done(&viewer, &address, Notice::new(format!("{} is saved.", user.name.full)))
        }
        Err(Failure::Refused(Refusal::Channel(ChannelRefusal::LastMember(name)))) => {
            let form = UserForm { unserved: Some(name), ..form };
            render(&viewer, id, Some((form, Problems::new())), StatusCode::UNPROCESSABLE_ENTITY).await
        }
        Err(Failure::Refused(refusal)) => {
            let mut problems = Problems::new();
            let field = match &refusal {
                Refusal::User(UserRefusal::EmailTaken(_) | UserRefusal::EmailBeyondYou(_)) => "email",
                Refusal::User(UserRefusal::OnlyOwner(_) | UserRefusal::RoleBeyondYou(_) | UserRefusal::NoRole) => {
                    "roles"
                }
                _ => "",
            };
            problems.add(field, refusal.to_string());
            render(&viewer, id, Some((form, problems)), StatusCode::UNPROCESSABLE_ENTITY).await
        }
        Err(Failure::Stale) => {
            let mut problems = Problems::new();
            problems.add("", user_changed(&viewer, id, "this profile").await?);
            render(&viewer, id, Some((form, problems)), StatusCode::CONFLICT).await
        }
        Err(failure) => Err(failure.into()),
    }
}

/// Whether whoever edits themselves could not manage roles with these.
pub(super) async fn gives_up(viewer: &Viewer, wanted: &[RoleId]) -> Result<bool, WebError> {
    if !viewer.known.person.permissions.has(Key::UsersAssignRoles) {
        return Ok(false);
    }
    let (all, owners) = viewer.read(|rx| Ok((store::roles::list(rx)?, store::users::count_active_owners(rx)?))).await?;
    if wanted.is_empty() || (viewer.known.person.is_owner && owners <= 1) {
        // That is refused anyway, with a better reason.
        return Ok(false);
    }
    let left: Vec<&Role> = all.iter().filter(|role| wanted.contains(&role.id)).collect();
    Ok(gives_up_roles(&viewer.known.scope.actor, &left))
}

/// The roles that a user holds and the editor may not take.
pub(super) async fn locked_roles(viewer: &Viewer, id: UserId) -> Result<Vec<RoleId>, WebError> {
    let actor = viewer.known.scope.actor.clone();
    viewer
        .read(move |rx| {
            let held = store::roles::list_of_users(rx, &[id])?.remove(&id).unwrap_or_default();
            let all = store::roles::list(rx)?;
            Ok(all
                .iter()
                .filter(|role| held.contains(&role.id) && !may_grant(&actor, role))
                .map(|role| role.id)
                .collect())
        })
        .await
}
