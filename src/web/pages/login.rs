//! Logging in and out (S-1, S-2, S-6).

use actix_session::SessionExt as _;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;

use crate::actions;
use crate::actions::sessions::{Door, Opened};
use crate::domain::access::{Key, PermissionSet, Scope};
use crate::domain::logins::{LoginRefusal, account, limit_of_reentry};
use crate::domain::passwords;
use crate::domain::secrets::Secret;
use crate::domain::workspaces::Workspace;
use crate::failure::{Failure, Refusal};
use crate::store::db::blocking;
use crate::store::{self, anywhere, logins};
use crate::web::App;
use crate::web::error::WebError;
use crate::web::extract::{Form, Query, Viewer};
use crate::web::forms::Problems;
use crate::web::identify::{self, address, device};
use crate::web::reply::{Reply, gate, see_other};
use crate::web::session::{CSRF, LOGIN};
use crate::web::views::chrome::{form_token, settings};

/// What is typed on the log-in page.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct LoginForm {
    email: String,
    password: String,
    workspace: String,
    next: String,
}

/// Where to go on after logging out.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct LogoutForm {
    next: String,
}

/// What the log-in page's address says.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct LoginQuery {
    next: String,
    notice: String,
}

#[derive(Template)]
#[template(path = "pages/login.html")]
struct LoginPage {
    csrf: String,
    workspaces: Vec<(String, String, bool)>,
    fixed: Option<(String, String)>,
    email: String,
    next: String,
    notice: Option<&'static str>,
    problem: Option<String>,
}

/// The start page of whoever asks, or the log-in page.
///
/// # Errors
/// Trouble with the database.
pub async fn home(req: HttpRequest, app: web::Data<App>) -> Reply {
    match identify::of(&req)?.known {
        Some(known) => Ok(see_other(landing(known.person.permissions))),
        None if all_workspaces(&app).await?.is_empty() => first_run(&req),
        None => Ok(see_other("/login")),
    }
}

#[derive(Template)]
#[template(path = "pages/first_run.html")]
struct FirstRunPage;

/// Says how to get the link that sets the installation up (W-1); the link itself is for who runs the machine.
fn first_run(req: &HttpRequest) -> Reply {
    gate(req, StatusCode::OK, "Set up Baton", &FirstRunPage)
}

/// Where somebody with these permissions starts (I-3): in the inbox if they reply, in Settings if they administer, and
/// otherwise where they can read something.
#[must_use]
pub fn landing(permissions: PermissionSet) -> &'static str {
    let sees = permissions.has(Key::ConversationsViewAll) || permissions.has(Key::ConversationsViewOwn);
    match settings(permissions) {
        _ if sees && permissions.has(Key::ConversationsReply) => "/inbox",
        Some(settings) => settings,
        None if sees => "/inbox",
        None => "/profile",
    }
}

async fn all_workspaces(app: &App) -> Result<Vec<Workspace>, WebError> {
    let db = app.db.clone();
    Ok(blocking(move || db.look_anywhere_now(anywhere::list_workspaces)).await?)
}

/// The log-in page. `/login/{slug}` fixes the workspace; an unknown one is not told from others (W-2).
///
/// # Errors
/// [`WebError::NotFound`] for an unknown workspace.
pub async fn show(req: HttpRequest, app: web::Data<App>, Query(query): Query<LoginQuery>) -> Reply {
    let all = all_workspaces(&app).await?;
    if all.is_empty() {
        return first_run(&req);
    }
    let slug = req.match_info().get("workspace").map(str::to_owned);
    if slug.as_ref().is_some_and(|slug| !all.iter().any(|one| one.slug == *slug)) {
        return Err(WebError::NotFound);
    }
    let notice = match query.notice.as_str() {
        "logged_out" => Some("You are logged out."),
        "deleted" => Some("Your account is deleted."),
        "password" => Some("Your password is changed. Log in with the new one."),
        _ => None,
    };
    let page = view(&req, &all, slug, String::new(), query.next, notice, None);
    gate(&req, StatusCode::OK, "Log in", &page)
}

fn view(
    req: &HttpRequest,
    all: &[Workspace],
    slug: Option<String>,
    email: String,
    next: String,
    notice: Option<&'static str>,
    problem: Option<String>,
) -> LoginPage {
    let fixed = all.iter().find(|one| all.len() == 1 || slug.as_deref() == Some(&one.slug));
    let picked = slug.unwrap_or_default();
    LoginPage {
        csrf: form_token(req),
        workspaces: all.iter().map(|one| (one.slug.clone(), one.name.clone(), one.slug == picked)).collect(),
        fixed: fixed.map(|one| (one.slug.clone(), one.name.clone())),
        email,
        next,
        notice,
        problem,
    }
}

/// Logs in, or says no: the same for a wrong address, a wrong password and somebody who is not active (S-1).
///
/// # Errors
/// Trouble with the database.
pub async fn create(req: HttpRequest, app: web::Data<App>, Form(form): Form<LoginForm>) -> Reply {
    let all = all_workspaces(&app).await?;
    let found = all.iter().find(|one| one.slug == form.workspace || (all.len() == 1 && form.workspace.is_empty()));
    let answer = match found {
        Some(workspace) => attempt(&req, &app, workspace, &form).await,
        None => Err(LoginRefusal::NoMatch.into()),
    };
    let opened = match answer {
        Ok(opened) => opened,
        Err(Failure::Refused(Refusal::Login(refusal))) => {
            let status = match refusal {
                LoginRefusal::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
                _ => StatusCode::UNPROCESSABLE_ENTITY,
            };
            let slug = found.map(|one| one.slug.clone());
            let page = view(&req, &all, slug, form.email, form.next, None, Some(refusal.to_string()));
            return gate(&req, status, "Log in", &page);
        }
        Err(failure) => return Err(failure.into()),
    };
    enter(&req, &app, &opened)?;
    let next = safe_next(&form.next).map_or_else(|| "/".to_owned(), str::to_owned);
    Ok(see_other(&next))
}

/// A page of ours to go on to; anything else would let strangers send people away from here.
fn safe_next(next: &str) -> Option<&str> {
    let ours = next.starts_with('/')
        && !next.starts_with("//")
        && !next.starts_with("/\\")
        // Anything else cannot stand in a header.
        && next.bytes().all(|byte| byte.is_ascii_graphic());
    ours.then_some(next)
}

async fn attempt(req: &HttpRequest, app: &App, workspace: &Workspace, form: &LoginForm) -> Result<Opened, Failure> {
    let id = workspace.id;
    let account = account(id, &form.email);
    let door = door(req);
    let (db, email, from) = (app.db.clone(), form.email.clone(), door.clone());
    let (attempt, found) = blocking(move || {
        let found = db.read_now(id, |rx| {
            let Some(user) = store::users::find_by_email(rx, &email)? else { return Ok(None) };
            let password = store::users::find_password(rx, user.id)?;
            Ok(Some((user, password)))
        })?;
        let new = logins::NewAttempt {
            workspace: Some(id),
            user: found.as_ref().map(|(user, _)| user.id),
            account_hash: &account,
            address: &from.address,
            device: &from.device,
            succeeded: false,
        };
        Ok((db.anywhere_now(|ax| actions::throttle::begin_login(ax, &new))?, found))
    })
    .await?;
    let (user, stored) = found.map_or((None, None), |(user, stored)| (Some(user), stored));
    let right = verify(app, form.password.clone(), stored.clone()).await?;
    let user = user.filter(|_| right).ok_or(LoginRefusal::NoMatch)?;
    let (who, scope) = (user.id, Scope { address: Some(door.address.clone()), ..Scope::on_behalf(id, user.id) });
    app.db.write(&scope, move |tx| actions::sessions::finish_login(tx, who, attempt, stored.as_deref(), &door)).await
}

/// Whether somebody who is logged in typed their password again, to change it or to delete their account. Tries are
/// counted before they are looked at.
///
/// # Errors
/// [`LoginRefusal::TooManyAgain`], or trouble with the database.
pub(super) async fn verify_again(viewer: &Viewer, password: String) -> Result<bool, Failure> {
    let (user, workspace, db) = (viewer.known.person.id, viewer.known.scope.workspace, viewer.db().clone());
    let limit = limit_of_reentry(user);
    let counted = limit.clone();
    let stored = blocking(move || {
        db.anywhere_now(|ax| actions::throttle::knock(ax, std::slice::from_ref(&counted), LoginRefusal::TooManyAgain))?;
        db.read_now(workspace, |rx| store::users::find_password(rx, user))
    })
    .await?;
    let right = verify(&viewer.app, password, stored).await?;
    if right {
        let db = viewer.db().clone();
        blocking(move || db.anywhere_now(|ax| actions::throttle::forget(ax, &limit))).await?;
    }
    Ok(right)
}

/// Compares a password, at most as many at once as there are processors.
///
/// # Errors
/// If the program is stopping.
pub(super) async fn verify(app: &App, password: String, stored: Option<String>) -> Result<bool, Failure> {
    let _turn = app.hashing.acquire().await.map_err(|_| Failure::Bug("hashing has ended"))?;
    blocking(move || Ok(passwords::verify(&password, stored.as_deref()))).await
}

/// Hashes a password, at most as many at once as there are processors.
///
/// # Errors
/// If the program is stopping, or the operating system gives no randomness.
pub(super) async fn hash_password(app: &App, password: String) -> Result<String, Failure> {
    let _turn = app.hashing.acquire().await.map_err(|_| Failure::Bug("hashing has ended"))?;
    blocking(move || passwords::hash(&password).map_err(|_| Failure::Bug("a password cannot be hashed"))).await
}

/// Gives the browser the session that was opened; an old one of whoever it was ends.
///
/// # Errors
/// If the session cannot be kept.
pub(super) fn enter(req: &HttpRequest, app: &App, opened: &Opened) -> Result<(), WebError> {
    let session = req.get_session();
    session.clear();
    session.renew();
    session.insert(LOGIN, opened.key.reveal()).map_err(|_| Failure::Bug("a session entry cannot be kept"))?;
    session.insert(CSRF, app.db.new_secret().reveal()).map_err(|_| Failure::Bug("a session entry cannot be kept"))?;
    Ok(())
}

/// Gives the browser another key to the session that it has.
///
/// # Errors
/// If the session cannot be kept.
pub(super) fn enter_anew(req: &HttpRequest, key: &Secret) -> Result<(), WebError> {
    let session = req.get_session();
    session.renew();
    session.insert(LOGIN, key.reveal()).map_err(|_| Failure::Bug("a session entry cannot be kept"))?;
    Ok(())
}

/// Where somebody comes in.
pub(super) fn door(req: &HttpRequest) -> Door {
    Door { address: address(req), device: device(req) }
}

/// Logs out.
///
/// # Errors
/// Trouble with the database.
pub async fn delete(viewer: Viewer, Form(form): Form<LogoutForm>) -> Reply {
    let (user, session) = (viewer.known.person.id, viewer.known.person.session);
    viewer.write(move |tx| actions::sessions::log_out(tx, user, session)).await?;
    viewer.session().purge();
    Ok(see_other(safe_next(&form.next).unwrap_or("/login?notice=logged_out")))
}

/// What is wrong with a pair of new passwords; the good one otherwise.
pub(super) fn check_new_password(problems: &mut Problems, password: &str, confirmation: &str, about: &[&str]) {
    if let Err(sentence) = passwords::check(password, about) {
        problems.add("password", sentence);
    } else if password != confirmation {
        problems.add("password_confirmation", "The two passwords differ. Type the same one twice");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_are_gone_on_to() {
        for good in ["/inbox", "/inbox?view=mine", "/conversations/12"] {
            assert_eq!(safe_next(good), Some(good));
        }
        for bad in ["", "//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/a\nb"] {
            assert_eq!(safe_next(bad), None, "{bad}");
        }
    }
}
