//! Forgotten passwords (S-5).

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;

use super::login::{check_new_password, hash_password};
use crate::actions;
use crate::domain::access::Scope;
use crate::domain::ids::{UserId, WorkspaceId};
use crate::domain::logins::{LoginRefusal, limits_of_links};
use crate::domain::secrets::hash;
use crate::domain::users::parse_email;
use crate::failure::{Failure, Refusal};
use crate::store::anywhere;
use crate::store::db::blocking;
use crate::web::App;
use crate::web::error::WebError;
use crate::web::extract::Form;
use crate::web::forms::Problems;
use crate::web::identify::address;
use crate::web::reply::{Reply, gate, see_other};
use crate::web::views::chrome::form_token;

/// What is typed to get a link.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct ForgotForm {
    email: String,
}

/// The new password.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct ResetForm {
    password: String,
    password_confirmation: String,
}

#[derive(Template)]
#[template(path = "pages/password_forgot.html")]
struct ForgotPage {
    csrf: String,
    email: String,
    problems: Problems,
}

#[derive(Template)]
#[template(path = "pages/password_sent.html")]
struct SentPage {
    email: String,
    smtp: bool,
}

#[derive(Template)]
#[template(path = "pages/password_reset.html")]
struct ResetPage {
    csrf: String,
    token: String,
    problems: Problems,
    dead: Option<String>,
}

/// The page that asks for the address.
///
/// # Errors
/// If the template fails, which is a bug.
pub async fn forgot(req: HttpRequest) -> Reply {
    let page = ForgotPage { csrf: form_token(&req), email: String::new(), problems: Problems::new() };
    gate(&req, StatusCode::OK, "Forgot your password?", &page)
}

/// Sends links, one for each workspace where the address belongs to somebody active. The answer is always the same.
///
/// # Errors
/// Trouble with the database.
pub async fn send(req: HttpRequest, app: web::Data<App>, Form(form): Form<ForgotForm>) -> Reply {
    let mut problems = Problems::new();
    let email = problems.take("email", parse_email(&form.email));
    if !problems.is_empty() {
        let page = ForgotPage { csrf: form_token(&req), email: form.email, problems };
        return gate(&req, StatusCode::UNPROCESSABLE_ENTITY, "Forgot your password?", &page);
    }
    let (db, base, from, asked) = (app.db.clone(), app.public_url.clone(), address(&req), email.clone());
    let sent = blocking(move || {
        // Whether the email is somebody's makes no difference to what is counted, nor to what is answered.
        let limits = limits_of_links(&asked, &from);
        db.anywhere_now(|ax| actions::throttle::knock(ax, &limits, LoginRefusal::TooManyLinks))?;
        for workspace in db.look_anywhere_now(anywhere::list_workspaces)? {
            let scope = Scope { address: Some(from.clone()), ..Scope::system(workspace.id, None) };
            db.write_now(&scope, |tx| actions::sessions::ask_for_reset(tx, &base, &asked))?;
        }
        Ok(())
    })
    .await;
    match sent {
        Ok(()) => {}
        Err(Failure::Refused(Refusal::Login(refusal))) => {
            problems.add("", refusal.to_string());
            let page = ForgotPage { csrf: form_token(&req), email: form.email, problems };
            return gate(&req, StatusCode::TOO_MANY_REQUESTS, "Forgot your password?", &page);
        }
        Err(failure) => return Err(failure.into()),
    }
    app.wake.now();
    gate(&req, StatusCode::OK, "Check your email", &SentPage { email, smtp: app.smtp })
}

async fn find(app: &App, token: &str) -> Result<Option<(WorkspaceId, UserId)>, WebError> {
    let (db, token_hash) = (app.db.clone(), hash(token));
    Ok(blocking(move || db.look_anywhere_now(|ax| anywhere::find_password_link(ax, &token_hash))).await?)
}

fn page(req: &HttpRequest, token: String, problems: Problems, dead: Option<String>) -> Reply {
    let status = match (&dead, problems.is_empty()) {
        (Some(_), _) => StatusCode::GONE,
        (None, false) => StatusCode::UNPROCESSABLE_ENTITY,
        (None, true) => StatusCode::OK,
    };
    let page = ResetPage { csrf: form_token(req), token, problems, dead };
    gate(req, status, "Set a new password", &page)
}

/// The page behind a link.
///
/// # Errors
/// Trouble with the database.
pub async fn show(req: HttpRequest, app: web::Data<App>, token: web::Path<String>) -> Reply {
    let dead = find(&app, &token).await?.is_none().then(|| LoginRefusal::DeadResetLink.to_string());
    page(&req, token.into_inner(), Problems::new(), dead)
}

/// Sets the new password; all sessions and other links of the person die.
///
/// # Errors
/// Trouble with the database.
pub async fn update(
    req: HttpRequest,
    app: web::Data<App>,
    token: web::Path<String>,
    Form(form): Form<ResetForm>,
) -> Reply {
    let token = token.into_inner();
    let Some((workspace, user)) = find(&app, &token).await? else {
        return page(&req, token, Problems::new(), Some(LoginRefusal::DeadResetLink.to_string()));
    };
    let mut problems = Problems::new();
    check_new_password(&mut problems, &form.password, &form.password_confirmation, &[]);
    if !problems.is_empty() {
        return page(&req, token, problems, None);
    }
    let password_hash = hash_password(&app, form.password).await?;
    let scope = Scope { address: Some(address(&req)), ..Scope::on_behalf(workspace, user) };
    let used = token.clone();
    let set = app.db.write(&scope, move |tx| actions::sessions::reset_password(tx, &used, user, &password_hash)).await;
    match set {
        Ok(()) => Ok(see_other("/login?notice=password")),
        Err(Failure::Refused(Refusal::Login(refusal))) => page(&req, token, Problems::new(), Some(refusal.to_string())),
        Err(failure) => Err(failure.into()),
    }
}
