//! Accepting an invite (I-3, I-5). Opening the page consumes nothing; only its form does.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::login::{check_new_password, door, enter, hash_password};
use crate::actions;
use crate::domain::access::Scope;
use crate::domain::ids::UserId;
use crate::domain::invites::{DeadLink, InviteRefusal, usable};
use crate::domain::secrets::hash;
use crate::domain::users::{Status, User, parse_name};
use crate::failure::{Failure, Refusal};
use crate::store::anywhere::{self, FoundInvite};
use crate::store::db::blocking;
use crate::store::{self, Rx};
use crate::web::App;
use crate::web::error::WebError;
use crate::web::extract::{Empty, Form};
use crate::web::forms::Problems;
use crate::web::identify::{self, Known, address};
use crate::web::reply::{Reply, gate, see_other};
use crate::web::views::chrome::form_token;

/// What is typed to accept.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct AcceptForm {
    full_name: String,
    password: String,
    password_confirmation: String,
}

#[derive(Template)]
#[template(path = "pages/accept.html")]
struct AcceptPage {
    csrf: String,
    token: String,
    display: String,
    email: String,
    welcome: String,
    full_name: String,
    problems: Problems,
}

#[derive(Template)]
#[template(path = "pages/accept_dead.html")]
struct DeadPage {
    csrf: String,
    token: String,
    sentence: String,
    hint: Option<String>,
    whom: String,
    may_ask: bool,
    used: bool,
    asked: bool,
    log_in: String,
    smtp: bool,
}

#[derive(Template)]
#[template(path = "pages/accept_switch.html")]
struct SwitchPage {
    csrf: String,
    token: String,
    /// Who is logged in, and where.
    me: String,
    mine: String,
    /// Whom the invite is for, and where to.
    display: String,
    email: String,
    workspace: String,
    start: &'static str,
}

struct Pending {
    invite: FoundInvite,
    user: User,
    welcome: String,
}

/// A link that leads nowhere, with what is known of it.
struct Dead {
    why: DeadLink,
    invite: Option<FoundInvite>,
    /// Who is told that somebody asks for a new one.
    inviter: Option<String>,
    /// When the link was made.
    sent: Option<String>,
}

impl Dead {
    const fn of(why: DeadLink, invite: Option<FoundInvite>) -> Self {
        Self { why, invite, inviter: None, sent: None }
    }
}

/// Who invited somebody, if they can still log in, and when a link was last made for them.
fn invited_by(rx: &mut Rx, id: UserId) -> Result<(Option<String>, Option<DateTime<Utc>>), Failure> {
    let Some(invite) = store::invites::find(rx, id)? else { return Ok((None, None)) };
    let inviter = match invite.invited_by {
        Some(by) => store::users::find(rx, by)?.filter(|by| by.status == Status::Active).map(|by| by.name.full),
        None => None,
    };
    Ok((inviter, invite.sent_at.or(Some(invite.invited_at))))
}

/// "Priya Raman invited you to Fernhill as Agent in Returns."
fn welcome(rx: &mut Rx, workspace: &str, id: UserId) -> Result<String, Failure> {
    let held = store::roles::list_of_users(rx, &[id])?.remove(&id).unwrap_or_default();
    let roles: Vec<String> =
        store::roles::list(rx)?.into_iter().filter(|role| held.contains(&role.id)).map(|role| role.name).collect();
    let joined = store::teams::list_of_users(rx, &[id])?.remove(&id).unwrap_or_default();
    let teams: Vec<String> =
        store::teams::list(rx)?.into_iter().filter(|team| joined.contains(&team.id)).map(|team| team.name).collect();
    let by = match invited_by(rx, id)?.0 {
        Some(inviter) => format!("{inviter} invited you to {workspace}"),
        None => format!("You’re invited to {workspace}"),
    };
    let teams = match teams.len() {
        0 => String::new(),
        1 => format!(" in the team {}", teams.join("")),
        _ => format!(" in the teams {}", teams.join(", ")),
    };
    Ok(format!("{by} as {}{teams}. Choose a password to get started.", roles.join(" and ")))
}

/// What the link leads to, if it can be used.
async fn find(app: &App, token: &str) -> Result<Result<Pending, Dead>, WebError> {
    let (db, token_hash) = (app.db.clone(), hash(token));
    let found = blocking(move || {
        let Some(invite) = db.look_anywhere_now(|ax| anywhere::find_invite_link(ax, &token_hash))? else {
            return Ok(Err(Dead::of(DeadLink::Unknown, None)));
        };
        let (workspace, id) = (invite.workspace.id, invite.user);
        if let Err(why) = usable(invite.state, invite.expires_at, db.now()) {
            // Only who can send another one is promised to be told.
            let (inviter, sent) = db.read_now(workspace, |rx| {
                let inviter = actions::invites::find_inviter(rx, id)?.map(|inviter| inviter.name.full);
                Ok((inviter, invited_by(rx, id)?.1))
            })?;
            let zone = invite.workspace.time_zone;
            let sent = sent.map(|at| at.with_timezone(&zone).format("%-d %B %Y").to_string());
            return Ok(Err(Dead { why, invite: Some(invite), inviter, sent }));
        }
        let name = invite.workspace.name.clone();
        let user = db.read_now(workspace, |rx| {
            let Some(user) = store::users::find(rx, id)? else { return Ok(None) };
            Ok(Some((user, welcome(rx, &name, id)?)))
        })?;
        Ok(match user {
            Some((user, welcome)) => Ok(Pending { invite, user, welcome }),
            None => Err(Dead::of(DeadLink::Unknown, None)),
        })
    })
    .await?;
    Ok(found)
}

fn dead(req: &HttpRequest, token: String, dead: &Dead, asked: bool) -> Reply {
    let expired = dead.why == DeadLink::Expired;
    let days = dead.invite.as_ref().filter(|_| expired).map(|invite| invite.workspace.invite_days);
    let page = DeadPage {
        smtp: req.app_data::<web::Data<App>>().is_some_and(|app| app.smtp),
        csrf: form_token(req),
        token,
        sentence: dead.why.to_string(),
        hint: days.map(|days| {
            let sent = dead.sent.as_ref().map(|day| format!(" Yours was sent on {day}.")).unwrap_or_default();
            format!("Invite links work for {days} days.{sent}")
        }),
        whom: match &dead.inviter {
            Some(name) => format!("{name}, who invited you"),
            None => "the people who look after users here".to_owned(),
        },
        may_ask: expired && !asked,
        used: dead.why == DeadLink::Used,
        asked,
        log_in: dead
            .invite
            .as_ref()
            .map_or_else(|| "/login".to_owned(), |invite| format!("/login/{}", invite.workspace.slug)),
    };
    let status = if asked { StatusCode::OK } else { StatusCode::GONE };
    gate(req, status, "Invite", &page)
}

fn accept(req: &HttpRequest, token: String, pending: Pending, full_name: String, problems: Problems) -> Reply {
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = AcceptPage {
        csrf: form_token(req),
        token,
        display: pending.user.name.display,
        email: pending.user.email,
        welcome: pending.welcome,
        full_name,
        problems,
    };
    gate(req, status, "Accept your invite", &page)
}

/// Somebody is logged in already, and accepting would swap their session for another one: that is asked first.
fn switch(req: &HttpRequest, token: &str, pending: &Pending, known: &Known, status: StatusCode) -> Reply {
    let page = SwitchPage {
        csrf: form_token(req),
        token: token.to_owned(),
        me: known.person.name.full.clone(),
        mine: known.workspace.name.clone(),
        display: pending.user.name.display.clone(),
        email: pending.user.email.clone(),
        workspace: pending.invite.workspace.name.clone(),
        start: super::login::landing(known.person.permissions),
    };
    gate(req, status, "You’re logged in already", &page)
}

/// The page behind a link.
///
/// # Errors
/// Trouble with the database.
pub async fn show(req: HttpRequest, app: web::Data<App>, token: web::Path<String>) -> Reply {
    match find(&app, &token).await? {
        Ok(pending) => {
            if let Some(known) = identify::of(&req)?.known {
                return switch(&req, &token, &pending, &known, StatusCode::OK);
            }
            let full_name = pending.user.name.full.clone();
            accept(&req, token.into_inner(), pending, full_name, Problems::new())
        }
        Err(why) => dead(&req, token.into_inner(), &why, false),
    }
}

/// Accepts: of two browsers at once, one wins and the other is told.
///
/// # Errors
/// Trouble with the database.
pub async fn create(
    req: HttpRequest,
    app: web::Data<App>,
    token: web::Path<String>,
    Form(form): Form<AcceptForm>,
) -> Reply {
    let token = token.into_inner();
    let pending = match find(&app, &token).await? {
        Ok(pending) => pending,
        Err(why) => return dead(&req, token, &why, false),
    };
    // Somebody may have logged in since the page was opened.
    if let Some(known) = identify::of(&req)?.known {
        return switch(&req, &token, &pending, &known, StatusCode::CONFLICT);
    }
    let mut problems = Problems::new();
    let full = problems.take("full_name", parse_name(&form.full_name, "Enter your name"));
    let about = [full.as_str(), pending.user.email.as_str(), pending.invite.workspace.name.as_str()];
    check_new_password(&mut problems, &form.password, &form.password_confirmation, &about);
    if !problems.is_empty() {
        return accept(&req, token, pending, form.full_name, problems);
    }
    let password_hash = hash_password(&app, form.password).await?;
    let workspace = pending.invite.workspace.id;
    let scope = Scope { address: Some(address(&req)), ..Scope::on_behalf(workspace, pending.user.id) };
    let (used, door) = (token.clone(), door(&req));
    let accepted = app
        .db
        .write(&scope, move |tx| {
            let accepted = actions::invites::accept(tx, &used, &full, &password_hash)?;
            let opened = actions::sessions::open(tx, *accepted.value(), &door)?;
            Ok(accepted.with(opened))
        })
        .await;
    match accepted {
        Ok(opened) => {
            enter(&req, &app, &opened)?;
            Ok(see_other("/"))
        }
        Err(Failure::Refused(Refusal::Invite(InviteRefusal::Dead(why)))) => {
            dead(&req, token, &Dead::of(why, Some(pending.invite)), false)
        }
        Err(failure) => Err(failure.into()),
    }
}

/// Tells the inviter that somebody opened an expired link and asks for a new one.
///
/// # Errors
/// Trouble with the database.
pub async fn renew(req: HttpRequest, app: web::Data<App>, token: web::Path<String>, _: Form<Empty>) -> Reply {
    let token = token.into_inner();
    let expired = match find(&app, &token).await? {
        Err(expired) if expired.why == DeadLink::Expired => expired,
        Err(why) => return dead(&req, token, &why, false),
        Ok(_) => return Ok(see_other(&format!("/invites/{token}"))),
    };
    let Some(invite) = &expired.invite else { return dead(&req, token, &expired, false) };
    let scope = Scope { address: Some(address(&req)), ..Scope::system(invite.workspace.id, None) };
    let (base, user) = (app.public_url.clone(), invite.user);
    let asked = app.db.write(&scope, move |tx| actions::invites::ask_for_renewal(tx, &base, user)).await;
    app.wake.now();
    match asked {
        // Who was told, which may be others than the page promised.
        Ok(inviter) => dead(&req, token, &Dead { inviter, ..expired }, true),
        Err(Failure::Refused(_) | Failure::NotFound) => dead(&req, token, &Dead::of(DeadLink::Unknown, None), false),
        Err(failure) => Err(failure.into()),
    }
}
