//! Inviting people, and what is done with pending invites (I-1 … I-4).

use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

use super::settings_invites_list::HERE;
use super::settings_user::Tick;
use super::settings_user_edit::locked_roles;
use crate::actions;
use crate::actions::invites::{Edit, Edited, New};
use crate::domain::access::{Key, users};
use crate::domain::ids::{RoleId, UserId};
use crate::domain::invites::InviteRefusal;
use crate::domain::roles::{Standard, may_grant, may_stand_in};
use crate::domain::users::{Name, Status, UserRefusal, parse_email, parse_name};
use crate::failure::{Failure, Refusal};
use crate::store;
use crate::web::error::WebError;
use crate::web::extract::{Empty, Form, Id, May, Viewer};
use crate::web::forms::{Problems, ids, is_on};
use crate::web::reply::{Notice, Reply, dialog, done};
use crate::web::stale::user_changed;
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
    /// The version that is edited, of an invite that is there.
    version: i64,
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

/// What can be ticked for those who are invited.
pub(super) struct Choices {
    pub roles: Vec<Tick>,
    pub teams: Vec<Tick>,
    pub channels: Vec<Tick>,
}

#[derive(Template)]
#[template(path = "partials/invite.html")]
struct InviteDialog {
    known: Option<Known>,
    csrf: String,
    form: InviteForm,
    choices: Choices,
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
    let usual = typed.is_none();
    let form = typed.unwrap_or_else(|| InviteForm { send_invite: "on".to_owned(), ..InviteForm::default() });
    let known = if problems.at("email").is_some() { known(viewer, &form.email).await? } else { None };
    let content = InviteDialog {
        known,
        csrf: form_token(&viewer.req),
        choices: choices(viewer, &form.role, &form.team, &form.channel, Roles { usual, held: &[] }).await?,
        send: is_on(&form.send_invite),
        days: viewer.known.workspace.invite_days,
        smtp: viewer.app.smtp,
        form,
        problems,
    };
    dialog(viewer, status, "Invite users", "", SettingsItem::Users, &content)
}

async fn known(viewer: &Viewer, email: &str) -> Result<Option<Known>, WebError> {
    let (email, zone) = (crate::domain::text::one_line(email), viewer.known.zone);
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

/// Which roles are ticked beside those that are picked.
#[derive(Clone, Copy)]
pub(super) struct Roles<'a> {
    /// Whether Agent is, as at first.
    pub usual: bool,
    /// Roles of an invite that is there: those that the viewer may not take stay, and are shown locked.
    pub held: &'a [RoleId],
}

/// The roles, teams and channels that the viewer may give, those that are picked ticked.
pub(super) async fn choices(
    viewer: &Viewer,
    picked_roles: &[String],
    picked_teams: &[String],
    picked_channels: &[String],
    of: Roles<'_>,
) -> Result<Choices, WebError> {
    let (roles, teams, channels) =
        viewer.read(|rx| Ok((store::roles::list(rx)?, store::teams::list(rx)?, store::channels::list(rx)?))).await?;
    let actor = &viewer.known.scope.actor;
    let tick = |id: String, label: &str, hint: &str, picked: &[String]| Tick {
        on: picked.contains(&id),
        id,
        label: label.to_owned(),
        hint: hint.to_owned(),
        locked: false,
    };
    Ok(Choices {
        roles: roles
            .iter()
            .filter_map(|role| {
                let tick = tick(role.id.to_string(), &role.name, &role.description, picked_roles);
                if may_grant(actor, role) {
                    return Some(Tick { on: tick.on || (of.usual && role.standard == Some(Standard::Agent)), ..tick });
                }
                let hint = UserRefusal::RoleBeyondYou(role.name.clone()).to_string();
                of.held.contains(&role.id).then_some(Tick { on: true, locked: true, hint, ..tick })
            })
            .collect(),
        teams: teams.iter().map(|one| tick(one.id.to_string(), &one.name, "", picked_teams)).collect(),
        channels: channels.iter().map(|one| tick(one.id.to_string(), &one.name, "", picked_channels)).collect(),
    })
}

/// The address and names of a form, and what is wrong with it. `kept` are roles that stay whatever is ticked.
fn parse(form: &InviteForm, kept: &[RoleId]) -> (String, Name, Problems) {
    let mut problems = Problems::new();
    let email = problems.take("email", parse_email(&form.email));
    let full = problems.take("full_name", parse_name(&form.full_name, "Enter their full name"));
    let display = match form.display_name.trim() {
        "" => full.split(' ').next().unwrap_or_default().to_owned(),
        typed => problems.take("display_name", parse_name(typed, "Enter a display name")),
    };
    if form.role.is_empty() && kept.is_empty() {
        problems.add("roles", "Choose at least one role");
    }
    (email, Name { full, display }, problems)
}

/// What becomes of an invite's mail: without a mail server it goes nowhere by itself.
fn mail_to(viewer: &Viewer, email: &str) -> String {
    if viewer.app.smtp {
        format!("The mail is on its way to {email}.")
    } else {
        format!("The mail to {email} stands in the outbox: no mail server is set.")
    }
}

/// Invites. With the switch off, the link is shown to be copied.
///
/// # Errors
/// 404 for ids that are none here.
pub async fn create(may: May<users::Invite>, Form(form): Form<InviteForm>) -> Reply {
    let May { viewer, can } = may;
    let (email, name, problems) = parse(&form, &[]);
    if !problems.is_empty() {
        return show(&viewer, Some(form), problems, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let new = New {
        email,
        name,
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
            let text = format!("{} is invited. {}", invited.name.full, mail_to(&viewer, &invited.email));
            done(&viewer, HERE, Notice::new(text))
        }
        Ok(invited) => show_link(&viewer, invited, true),
        Err(Failure::Refused(refusal)) => {
            show(&viewer, Some(form), at_field(&refusal), StatusCode::UNPROCESSABLE_ENTITY).await
        }
        Err(failure) => Err(failure.into()),
    }
}

/// A refusal beside the field that it is about.
fn at_field(refusal: &Refusal) -> Problems {
    let mut problems = Problems::new();
    let field = match refusal {
        Refusal::Invite(
            InviteRefusal::AlreadyUser(_)
            | InviteRefusal::AlreadyInvited { .. }
            | InviteRefusal::Deactivated { .. }
            | InviteRefusal::Removed { .. }
            | InviteRefusal::NotRemoved(_),
        )
        | Refusal::User(UserRefusal::EmailTaken(_) | UserRefusal::EmailBeyondYou(_)) => "email",
        Refusal::User(UserRefusal::RoleBeyondYou(_) | UserRefusal::NoRole) => "roles",
        _ => "",
    };
    problems.add(field, refusal.to_string());
    problems
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

#[derive(Template)]
#[template(path = "partials/invite_edit.html")]
struct EditDialog {
    csrf: String,
    id: String,
    name: String,
    form: InviteForm,
    choices: Choices,
    send: bool,
    /// Why the address stays, if it does: whoever chooses it can be the one who accepts.
    email_stays: Option<String>,
    problems: Problems,
}

/// The dialog to change a pending invite.
///
/// # Errors
/// 404 for an invite that is none here.
pub async fn ask_edit(may: May<users::Invite>, id: Id<UserId>) -> Reply {
    show_edit(&may.viewer, id.0, None, Problems::new(), StatusCode::OK).await
}

async fn show_edit(
    viewer: &Viewer,
    id: UserId,
    typed: Option<InviteForm>,
    problems: Problems,
    status: StatusCode,
) -> Reply {
    let (user, held, kept) = viewer
        .read(move |rx| {
            let pending = store::users::find(rx, id)?.filter(|user| user.status == Status::Invited);
            let user = pending.ok_or(Failure::NotFound)?;
            let sent = store::invites::find(rx, id)?.is_none_or(|invite| invite.sent_at.is_some());
            let held = store::roles::list_of_users(rx, &[id])?.remove(&id).unwrap_or_default();
            let kept = InviteForm {
                email: user.email.clone(),
                full_name: user.name.full.clone(),
                display_name: user.name.display.clone(),
                role: print(Some(held.clone())),
                team: print(store::teams::list_of_users(rx, &[id])?.remove(&id)),
                channel: print(store::channels::list_of_users(rx, &[id])?.remove(&id)),
                send_invite: if sent { "on".to_owned() } else { String::new() },
                version: user.version,
                ..InviteForm::default()
            };
            Ok((user, held, kept))
        })
        .await?;
    let actor = &viewer.known.scope.actor;
    user.may_be_changed_by(actor).map_err(Failure::from)?;
    let form = typed.unwrap_or(kept);
    let roles = Roles { usual: false, held: &held };
    let choices = choices(viewer, &form.role, &form.team, &form.channel, roles).await?;
    let email_stays = (!may_stand_in(actor, user.permissions, user.is_owner))
        .then(|| UserRefusal::EmailBeyondYou(user.name.full.clone()).to_string());
    let content = EditDialog {
        csrf: form_token(&viewer.req),
        id: id.to_string(),
        name: user.name.full,
        choices,
        send: is_on(&form.send_invite),
        email_stays,
        form,
        problems,
    };
    dialog(viewer, status, "Change invite", "", SettingsItem::Users, &content)
}

fn print<T: ToString>(ids: Option<Vec<T>>) -> Vec<String> {
    ids.unwrap_or_default().iter().map(ToString::to_string).collect()
}

/// Changes a pending invite. Another address gets a new link, and the old one dies.
///
/// # Errors
/// 404 for ids that are none here; 409 if it was accepted, cancelled or changed meanwhile.
pub async fn update(may: May<users::Invite>, id: Id<UserId>, Form(form): Form<InviteForm>) -> Reply {
    let May { viewer, can } = may;
    let id = id.0;
    let kept = locked_roles(&viewer, id).await?;
    let (email, name, problems) = parse(&form, &kept);
    if !problems.is_empty() {
        return show_edit(&viewer, id, Some(form), problems, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let mut roles: Vec<RoleId> = ids(&form.role)?;
    // Boxes that are locked are not posted: what is held of those stays.
    roles.extend(kept);
    roles.sort_unstable();
    roles.dedup();
    let edit = Edit {
        version: form.version,
        email,
        name,
        roles,
        teams: ids(&form.team)?,
        channels: ids(&form.channel)?,
        send: is_on(&form.send_invite),
    };
    let base = viewer.app.public_url.clone();
    match viewer.write(move |tx| actions::invites::edit(tx, &can, &base, id, &edit)).await {
        Ok(Edited { name, renewed: None }) => {
            done(&viewer, HERE, Notice::new(format!("The invite to {name} is changed. The link stays the same.")))
        }
        Ok(Edited { renewed: Some(invited), .. }) if is_on(&form.send_invite) => {
            viewer.app.wake.now();
            let text = format!("{} The old link no longer works.", mail_to(&viewer, &invited.email));
            done(&viewer, HERE, Notice::new(text))
        }
        Ok(Edited { renewed: Some(invited), .. }) => show_link(&viewer, invited, false),
        Err(Failure::Refused(Refusal::Invite(InviteRefusal::NotPending))) => {
            Err(Failure::from(InviteRefusal::NotPending).into())
        }
        Err(Failure::Refused(refusal)) => {
            show_edit(&viewer, id, Some(form), at_field(&refusal), StatusCode::UNPROCESSABLE_ENTITY).await
        }
        Err(Failure::Stale) => {
            let mut problems = Problems::new();
            problems.add("", user_changed(&viewer, id, "this invite").await?);
            show_edit(&viewer, id, Some(form), problems, StatusCode::CONFLICT).await
        }
        Err(failure) => Err(failure.into()),
    }
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
    let text = format!("{} The old link no longer works.", mail_to(&viewer, &invited.email));
    done(&viewer, HERE, Notice::new(text))
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
    done(&viewer, HERE, Notice::new(text))
}
