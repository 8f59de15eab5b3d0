//! Accepting an invite (I-3, I-5). Opening the page consumes nothing; only its form does.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;

use super::login::{Entered, check_new_password, enter, hash_password};
use crate::actions;
use crate::domain::access::Scope;
use crate::domain::invites::{DeadLink, InviteRefusal, usable};
use crate::domain::secrets::hash;
use crate::domain::users::{Name, User, parse_name};
use crate::failure::{Failure, Refusal};
use crate::store;
use crate::store::anywhere::{self, FoundInvite};
use crate::store::db::blocking;
use crate::web::App;
use crate::web::error::WebError;
use crate::web::extract::{Empty, Form};
use crate::web::forms::Problems;
use crate::web::identify::address;
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
    workspace: String,
    display: String,
    email: String,
    roles: String,
    full_name: String,
    problems: Problems,
}

#[derive(Template)]
#[template(path = "pages/accept_dead.html")]
struct DeadPage {
    csrf: String,
    token: String,
    sentence: String,
    days: Option<i32>,
    may_ask: bool,
    asked: bool,
    log_in: String,
}

struct Pending {
    invite: FoundInvite,
    user: User,
    roles: String,
}

/// What the link leads to, if it can be used.
async fn find(app: &App, token: &str) -> Result<Result<Pending, (DeadLink, Option<FoundInvite>)>, WebError> {
    let (db, token_hash) = (app.db.clone(), hash(token));
    let found = blocking(move || {
        let Some(invite) = db.look_anywhere_now(|ax| anywhere::find_invite_link(ax, &token_hash))? else {
            return Ok(Err((DeadLink::Unknown, None)));
        };
        if let Err(dead) = usable(invite.state, invite.expires_at, db.now()) {
            return Ok(Err((dead, Some(invite))));
        }
        let (workspace, id) = (invite.workspace.id, invite.user);
        let user = db.read_now(workspace, |rx| {
            let Some(user) = store::users::find(rx, id)? else { return Ok(None) };
            let held = store::roles::list_of_users(rx, &[id])?.remove(&id).unwrap_or_default();
            let names: Vec<String> = store::roles::list(rx)?
                .into_iter()
                .filter(|role| held.contains(&role.id))
                .map(|role| role.name)
                .collect();
            Ok(Some((user, names.join(" and "))))
        })?;
        Ok(match user {
            Some((user, roles)) => Ok(Pending { invite, user, roles }),
            None => Err((DeadLink::Unknown, None)),
        })
    })
    .await?;
    Ok(found)
}

fn dead(req: &HttpRequest, token: String, why: DeadLink, invite: Option<&FoundInvite>, asked: bool) -> Reply {
    let page = DeadPage {
        csrf: form_token(req),
        token,
        sentence: why.to_string(),
        days: invite.filter(|_| why == DeadLink::Expired).map(|invite| invite.workspace.invite_days),
        may_ask: why == DeadLink::Expired && !asked,
        asked,
        log_in: invite.map_or_else(|| "/login".to_owned(), |invite| format!("/login/{}", invite.workspace.slug)),
    };
    let status = if asked { StatusCode::OK } else { StatusCode::GONE };
    gate(req, status, "Invite", &page)
}

fn accept(req: &HttpRequest, token: String, pending: Pending, full_name: String, problems: Problems) -> Reply {
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = AcceptPage {
        csrf: form_token(req),
        token,
        workspace: pending.invite.workspace.name,
        display: pending.user.name.display,
        email: pending.user.email,
        roles: pending.roles,
        full_name,
        problems,
    };
    gate(req, status, "Accept your invite", &page)
}

/// The page behind a link.
///
/// # Errors
/// Trouble with the database.
pub async fn show(req: HttpRequest, app: web::Data<App>, token: web::Path<String>) -> Reply {
    match find(&app, &token).await? {
        Ok(pending) => {
            let full_name = pending.user.name.full.clone();
            accept(&req, token.into_inner(), pending, full_name, Problems::new())
        }
        Err((why, invite)) => dead(&req, token.into_inner(), why, invite.as_ref(), false),
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
        Err((why, invite)) => return dead(&req, token, why, invite.as_ref(), false),
    };
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
    let (used, given) = (token.clone(), full.clone());
    let accepted = app.db.write(&scope, move |tx| actions::invites::accept(tx, &used, &given, &password_hash)).await;
    match accepted {
        Ok(id) => {
            let name = Name { full, display: pending.user.name.display };
            enter(&req, &app, workspace, &Entered { id, name })?;
            Ok(see_other("/"))
        }
        Err(Failure::Refused(Refusal::Invite(InviteRefusal::Dead(why)))) => {
            dead(&req, token, why, Some(&pending.invite), false)
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
    let (why, invite) = match find(&app, &token).await? {
        Err((DeadLink::Expired, Some(invite))) => (DeadLink::Expired, invite),
        Err((why, invite)) => return dead(&req, token, why, invite.as_ref(), false),
        Ok(_) => return Ok(see_other(&format!("/invites/{token}"))),
    };
    let scope = Scope { address: Some(address(&req)), ..Scope::system(invite.workspace.id, None) };
    let (base, user) = (app.public_url.clone(), invite.user);
    let asked = app.db.write(&scope, move |tx| actions::invites::ask_for_renewal(tx, &base, user)).await;
    app.wake.now();
    match asked {
        Ok(()) => dead(&req, token, why, Some(&invite), true),
        Err(Failure::Refused(_) | Failure::NotFound) => dead(&req, token, DeadLink::Unknown, None, false),
        Err(failure) => Err(failure.into()),
    }
}
