//! One's own password and sessions (S-4).

use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

use super::login::{check_new_password, enter_anew, hash_password, verify_again};
use super::settings_user::browser;
use crate::actions;
use crate::domain::ids::SessionId;
use crate::domain::logins::LoginRefusal;
use crate::failure::Failure;
use crate::store;
use crate::web::error::WebError;
use crate::web::extract::{Form, Viewer};
use crate::web::forms::Problems;
use crate::web::reply::{Notice, Reply, done, page_with};
use crate::web::views::chrome::{Section, form_token};
use crate::web::views::time::{TimeView, Times};

/// A new password, and the present one.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct PasswordForm {
    current: String,
    password: String,
    password_confirmation: String,
}

/// Which session is to end; none means all others.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct EndForm {
    session: String,
}

struct AttemptRow {
    at: TimeView,
    succeeded: bool,
    device: String,
    address: String,
}

struct Row {
    id: String,
    device: String,
    address: String,
    seen: TimeView,
    this: bool,
}

#[derive(Template)]
#[template(path = "pages/profile_security.html")]
struct SecurityPage {
    csrf: String,
    name: String,
    workspace: String,
    rows: Vec<Row>,
    others: bool,
    attempts: Vec<AttemptRow>,
    problems: Problems,
}

/// The page.
///
/// # Errors
/// Trouble with the database.
pub async fn security(viewer: Viewer) -> Reply {
    render(&viewer, Problems::new(), StatusCode::OK).await
}

async fn render(viewer: &Viewer, problems: Problems, status: StatusCode) -> Reply {
    let (user, this) = (viewer.known.person.id, viewer.known.person.session);
    let (sessions, attempts, now) = viewer
        .read(move |rx| {
            Ok((store::sessions::list_of_user(rx, user)?, store::logins::list_of_user(rx, user, 20)?, rx.now()))
        })
        .await?;
    let times = Times::new(now, viewer.known.zone);
    let content = SecurityPage {
        csrf: form_token(&viewer.req),
        name: viewer.known.person.name.full.clone(),
        workspace: viewer.known.workspace.name.clone(),
        others: sessions.len() > 1,
        attempts: attempts
            .iter()
            .map(|one| AttemptRow {
                at: times.full(one.at),
                succeeded: one.succeeded,
                device: browser(&one.device),
                address: one.address.clone(),
            })
            .collect(),
        rows: sessions
            .iter()
            .map(|one| Row {
                id: one.id.to_string(),
                device: browser(&one.device),
                address: one.address.clone(),
                seen: times.ago(one.last_seen_at),
                this: one.id == this,
            })
            .collect(),
        problems,
    };
    page_with(viewer, status, "Password and sessions", Section::Profile, &content)
}

/// Changes one's own password; all other sessions end.
///
/// # Errors
/// Trouble with the database.
pub async fn password(viewer: Viewer, Form(form): Form<PasswordForm>) -> Reply {
    let user = viewer.known.person.id;
    let mut problems = Problems::new();
    match verify_again(&viewer, form.current.clone()).await {
        Ok(true) => {}
        Ok(false) => problems.add("current", LoginRefusal::WrongPassword.to_string()),
        Err(Failure::Refused(refusal)) => {
            problems.add("current", refusal.to_string());
            return render(&viewer, problems, StatusCode::TOO_MANY_REQUESTS).await;
        }
        Err(failure) => return Err(failure.into()),
    }
    let name = viewer.known.person.name.full.clone();
    check_new_password(&mut problems, &form.password, &form.password_confirmation, &[&name]);
    if !problems.is_empty() {
        return render(&viewer, problems, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let hash = hash_password(&viewer.app, form.password).await?;
    let session = viewer.known.person.session;
    let key = viewer.write(move |tx| actions::sessions::change_own_password(tx, user, session, &hash)).await?;
    enter_anew(&viewer.req, &key)?;
    done(&viewer, "/profile/security", Notice::new("Your password is changed, and you’re logged out everywhere else."))
}

/// Ends one of one's own sessions, or all others.
///
/// # Errors
/// [`WebError::NotFound`] for a session that is none.
pub async fn end(viewer: Viewer, Form(form): Form<EndForm>) -> Reply {
    let session: Option<SessionId> = match form.session.as_str() {
        "" => None,
        text => Some(text.parse().map_err(|_| WebError::NotFound)?),
    };
    let (user, this) = (viewer.known.person.id, viewer.known.person.session);
    viewer.write(move |tx| actions::sessions::end_own(tx, user, this, session)).await?;
    done(&viewer, "/profile/security", Notice::new("Logged out there."))
}
