//! Inviting people, and what is done with pending invites (I-1 … I-4).

use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

use super::settings_user::Tick;
use crate::actions;
use crate::actions::invites::New;
use crate::domain::access::{Key, users};
use crate::domain::ids::UserId;
use crate::domain::invites::InviteRefusal;
use crate::domain::roles::{Standard, may_grant};
use crate::domain::users::{Name, Status, UserRefusal, parse_email, parse_name};
use crate::failure::{Failure, Refusal};
use crate::store;
use crate::web::error::WebError;
use crate::web::extract::{Empty, Form, Id, May, Viewer};
use crate::web::forms::{Problems, ids, is_on};
use crate::web::reply::{Notice, Reply, dialog, done};
use crate::web::views::chrome::{SettingsItem, form_token};
use crate::web::views::person::PersonView;
use crate::web::views::time::Times;

/// What is typed in the dialog.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub struct InviteForm {
    email: String,
    full_name: String,
    display_name: String,
    role: Vec<String>,
    team: Vec<String>,
    channel: Vec<String>,
    send_invite: String,
    /// What becomes of who was removed with this address: `restore` or `fresh`.
    former: String,
    as_before: String,
}

/// Who has the address already, and what can be done about it (I-2).
struct Known {
    id: String,
    name: String,
    active: bool,
    invited: bool,
    inactive: bool,
    may_reactivate: bool,
    /// When they were removed, if they were.
    removed: Option<String>,
}

#[derive(Template)]
#[template(path = "partials/invite.html")]
struct InviteDialog {
    known: Option<Known>,
    csrf: String,
    form: InviteForm,
    roles: Vec<Tick>,
    teams: Vec<Tick>,
    channels: Vec<Tick>,
    send: bool,
    days: i32,
    smtp: bool,
    problems: Problems,
}

#[derive(Template)]
#[template(path = "partials/invite_link.html")]
struct LinkDialog {
    name: String,
    email: String,
    link: String,
    days: i32,
    fresh: bool,
}

#[derive(Template)]
#[template(path = "partials/invite_cancel.html")]
struct CancelDialog {
    csrf: String,
    who: PersonView,
    email: String,
}

/// The dialog.
///
/// # Errors
/// Trouble with the database.
pub async fn ask(may: May<users::Invite>) -> Reply {
    show(&may.viewer, None, Problems::new(), StatusCode::OK).await
}

async fn show(viewer: &Viewer, typed: Option<InviteForm>, problems: Problems, status: StatusCode) -> Reply {
    let (roles, teams, channels) =
        viewer.read(|rx| Ok((store::roles::list(rx)?, store::teams::list(rx)?, store::channels::list(rx)?))).await?;
    let usual = roles.iter().find(|role| role.standard == Some(Standard::Agent)).map(|role| role.id.to_string());
    let form = typed.unwrap_or_else(|| InviteForm {
        role: usual.into_iter().collect(),
        send_invite: "on".to_owned(),
        ..InviteForm::default()
    });
    let known = if problems.at("email").is_some() { known(viewer, &form.email).await? } else { None };
    let actor = &viewer.known.scope.actor;
    let tick = |id: String, label: &str, hint: &str, picked: &[String]| Tick {
        on: picked.contains(&id),
        id,
        label: label.to_owned(),
        hint: hint.to_owned(),
        locked: false,
    };
    let content = InviteDialog {
        known,
        csrf: form_token(&viewer.req),
        roles: roles
            .iter()
            .filter(|role| may_grant(actor, role))
            .map(|role| tick(role.id.to_string(), &role.name, &role.description, &form.role))
            .collect(),
        teams: teams.iter().map(|one| tick(one.id.to_string(), &one.name, "", &form.team)).collect(),
        channels: channels.iter().map(|one| tick(one.id.to_string(), &one.name, "", &form.channel)).collect(),
        send: is_on(&form.send_invite),
        days: viewer.known.workspace.invite_days,
        smtp: viewer.app.smtp,
        form,
        problems,
    };
    dialog(viewer, status, "Invite users", "", SettingsItem::Users, &content)
}

async fn known(viewer: &Viewer, email: &str) -> Result<Option<Known>, WebError> {
    let (email, zone) = (crate::domain::text::one_line(email), viewer.known.workspace.time_zone);
    let may_reactivate = viewer.known.person.permissions.has(Key::UsersDeactivate);
    viewer
        .read(move |rx| {
            if let Some(user) = store::users::find_by_email(rx, &email)? {
                let is = |status| user.status == status;
                return Ok(Some(Known {
                    id: user.id.to_string(),
                    active: is(Status::Active),
                    invited: is(Status::Invited),
                    inactive: is(Status::Inactive),
                    may_reactivate,
                    removed: None,
                    name: user.name.full,
                }));
            }
            let sealed = store::removal::find_sealed_by_email(rx, &email)?;
            Ok(sealed.map(|sealed| Known {
                id: sealed.user.to_string(),
                active: false,
                invited: false,
                inactive: false,
                may_reactivate,
                removed: Some(Times::new(rx.now(), zone).day(sealed.sealed_at).text),
                name: sealed.name.full,
            }))
        })
        .await
}

/// Invites. With the switch off, the link is shown to be copied.
///
/// # Errors
/// 404 for ids that are none here.
pub async fn create(may: May<users::Invite>, Form(form): Form<InviteForm>) -> Reply {
    let May { viewer, can } = may;
    let mut problems = Problems::new();
    let email = problems.take("email", parse_email(&form.email));
    let full = problems.take("full_name", parse_name(&form.full_name, "Enter their full name"));
    let display = match form.display_name.trim() {
        "" => full.split(' ').next().unwrap_or_default().to_owned(),
        typed => problems.take("display_name", parse_name(typed, "Enter a display name")),
    };
    if form.role.is_empty() {
        problems.add("roles", "Choose at least one role");
    }
    if !problems.is_empty() {
        return show(&viewer, Some(form), problems, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let new = New {
        email,
        name: Name { full, display },
        roles: ids(&form.role)?,
        teams: ids(&form.team)?,
        channels: ids(&form.channel)?,
        send: is_on(&form.send_invite),
    };
    let (base, send) = (viewer.app.public_url.clone(), new.send);
    let (former, as_before) = (form.former.clone(), is_on(&form.as_before));
    let invited = viewer
        .write(move |tx| match former.as_str() {
            "restore" => actions::invites::restore(tx, &can, &base, &new, as_before),
            "fresh" => actions::invites::start_fresh(tx, &can, &base, &new),
            _ => actions::invites::create(tx, &can, &base, &new),
        })
        .await;
    match invited {
        Ok(invited) if send => {
            viewer.app.wake.now();
            let text = format!("{} is invited. The mail is on its way to {}.", invited.name.full, invited.email);
            done(&viewer, "/settings/users/invites", Notice::new(text))
        }
        Ok(invited) => show_link(&viewer, invited, true),
        Err(Failure::Refused(refusal)) => {
            let mut problems = Problems::new();
            let field = match &refusal {
                Refusal::Invite(
                    InviteRefusal::AlreadyUser(_)
                    | InviteRefusal::AlreadyInvited { .. }
                    | InviteRefusal::Deactivated { .. }
                    | InviteRefusal::Removed { .. }
                    | InviteRefusal::NotRemoved(_),
                )
                | Refusal::User(UserRefusal::EmailTaken(_)) => "email",
                Refusal::User(UserRefusal::RoleBeyondYou(_) | UserRefusal::NoRole) => "roles",
                _ => "",
            };
            problems.add(field, refusal.to_string());
            show(&viewer, Some(form), problems, StatusCode::UNPROCESSABLE_ENTITY).await
        }
        Err(failure) => Err(failure.into()),
    }
}

fn show_link(viewer: &Viewer, invited: actions::invites::Invited, fresh: bool) -> Reply {
    let content = LinkDialog {
        name: invited.name.full,
        email: invited.email,
        link: invited.link,
        days: viewer.known.workspace.invite_days,
        fresh,
    };
    dialog(viewer, StatusCode::OK, "Invite link", "", SettingsItem::Users, &content)
}

/// Sends a new link; the old one dies.
///
/// # Errors
/// 404 for an invite that is none here; 409 if it was accepted or cancelled meanwhile.
pub async fn resend(may: May<users::Invite>, id: Id<UserId>, _: Form<Empty>) -> Reply {
    let May { viewer, can } = may;
    let base = viewer.app.public_url.clone();
    let invited = viewer.write(move |tx| actions::invites::resend(tx, &can, &base, id.0)).await?;
    viewer.app.wake.now();
    let text = format!("A new invite is on its way to {}. The old link no longer works.", invited.email);
    done(&viewer, "/settings/users/invites", Notice::new(text))
}

/// Makes a new link and shows it; the old one dies, because only its hash was kept.
///
/// # Errors
/// As [`resend`].
pub async fn link(may: May<users::Invite>, id: Id<UserId>, _: Form<Empty>) -> Reply {
    let May { viewer, can } = may;
    let base = viewer.app.public_url.clone();
    let invited = viewer.write(move |tx| actions::invites::copy_link(tx, &can, &base, id.0)).await?;
    show_link(&viewer, invited, false)
}

/// Asks before an invite is cancelled.
///
/// # Errors
/// 404 for an invite that is none here.
pub async fn ask_cancel(may: May<users::Invite>, id: Id<UserId>) -> Reply {
    let viewer = may.viewer;
    let user = viewer
        .read(move |rx| {
            store::users::find(rx, id.0)?.filter(|user| user.status == Status::Invited).ok_or(Failure::NotFound)
        })
        .await?;
    let content = CancelDialog {
        csrf: form_token(&viewer.req),
        who: PersonView::new(user.id, &user.name, user.status),
        email: user.email,
    };
    dialog(&viewer, StatusCode::OK, "Cancel invite", "sm", SettingsItem::Users, &content)
}

/// Cancels an invite.
///
/// # Errors
/// As [`resend`].
pub async fn cancel(may: May<users::Invite>, id: Id<UserId>, _: Form<Empty>) -> Reply {
    let May { viewer, can } = may;
    let user = viewer.write(move |tx| actions::invites::cancel(tx, &can, id.0)).await?;
    let text = format!("The invite to {} is cancelled. The link no longer works.", user.email);
    done(&viewer, "/settings/users/invites", Notice::new(text))
}
