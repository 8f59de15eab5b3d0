//! Who is asking. Looked up once for each request; refuses nobody, extractors do that.

use std::sync::Arc;

use actix_session::SessionExt as _;
use actix_web::body::MessageBody;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{HttpMessage as _, HttpRequest, web};
use chrono::TimeDelta;
use chrono_tz::Tz;

use super::App;
use super::error::WebError;
use super::extract::is_live;
use super::session::{CSRF, Entry, FOUND};
use crate::domain::access::{Actor, Person, Scope};
use crate::domain::users::Name;
use crate::domain::workspaces::Workspace;
use crate::failure::Failure;
use crate::store;
use crate::store::roster::Roster;

/// Who is asking, and with which secret their forms are made.
#[derive(Clone)]
pub struct Identity {
    /// The logged-in person, if there is one.
    pub known: Option<Known>,
    /// The secret of their forms.
    pub csrf: String,
}

/// A logged-in person.
#[derive(Clone)]
pub struct Known {
    /// Who, and what they may do.
    pub person: Arc<Person>,
    /// Where.
    pub workspace: Arc<Workspace>,
    /// In which zone they read times: their own if they set one, otherwise the workspace's.
    pub zone: Tz,
    /// Whether single letters are shortcuts for them.
    pub shortcuts: bool,
    /// Everybody and everything there, as of the beginning of the request.
    pub roster: Arc<Roster>,
    /// Everything that they do is done in this scope.
    pub scope: Scope,
}

/// The word by which the log names a request.
#[derive(Clone)]
pub struct RequestId(pub String);

/// The cookie that ties the forms of somebody who is not logged in to their browser.
const VISITOR: &str = "baton_visitor";
/// How often the use of a session is noted.
const SEEN_EVERY: TimeDelta = TimeDelta::seconds(60);

/// The network address of a request, as sessions, the throttle, log-in history and the audit log know it. A proxy in
/// front is believed if it is trusted; only `X-Forwarded-For` is read.
#[must_use]
pub fn address(req: &HttpRequest) -> String {
    let Some(peer) = req.peer_addr().map(|address| address.ip()) else { return String::new() };
    let Some(app) = req.app_data::<web::Data<App>>() else { return peer.to_string() };
    let lines: Vec<&str> = req.headers().get_all("x-forwarded-for").map(|line| line.to_str().unwrap_or("?")).collect();
    app.trusted_proxies.client(peer, lines.into_iter()).to_string()
}

/// The browser, as it calls itself, shortened.
#[must_use]
pub fn device(req: &HttpRequest) -> String {
    let agent = req.headers().get("user-agent").and_then(|value| value.to_str().ok()).unwrap_or_default();
    crate::domain::text::shorten(&crate::domain::text::one_line(agent), 300)
}

/// Looks up who is asking.
///
/// # Errors
/// If the database cannot be asked, or whatever the handlers answer.
pub async fn identify(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let app = req.app_data::<web::Data<App>>().cloned().ok_or(WebError::Failure(Failure::Bug("no app")))?;
    let session = req.get_session();
    let entry: Option<Entry> = session.get(FOUND).ok().flatten();
    let mut new_visitor = None;
    let identity = match entry {
        Some(entry) => {
            let known = match known(&app, &req, entry).await {
                Ok(known) => known,
                Err(error) => return Ok(req.error_response(error).map_into_right_body()),
            };
            Identity { known: Some(known), csrf: session.get::<String>(CSRF).ok().flatten().unwrap_or_default() }
        }
        None => {
            let secret = req.cookie(VISITOR).map(|cookie| cookie.value().to_owned()).filter(|value| value.len() >= 32);
            let csrf = secret.unwrap_or_else(|| {
                let secret = app.db.new_secret().reveal().to_owned();
                new_visitor = Some(secret.clone());
                secret
            });
            Identity { known: None, csrf }
        }
    };
    req.extensions_mut().insert(identity);
    let mut res = next.call(req).await?;
    if let Some(secret) = new_visitor {
        let cookie = Cookie::build(VISITOR, secret)
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(app.is_https())
            .finish();
        // A header that cannot be written is a form that will be refused, with a sentence.
        let _ = res.response_mut().add_cookie(&cookie);
    }
    Ok(res.map_into_left_body())
}

async fn known(app: &App, req: &ServiceRequest, entry: Entry) -> Result<Known, WebError> {
    let (id, workspace, user) = (entry.id, entry.workspace, entry.user);
    let around = match super::session::take_around() {
        Some(around) => around,
        None => {
            let db = app.db.clone();
            crate::store::db::blocking(move || store::roster::find_surroundings(&db, workspace, user)).await?
        }
    };
    let standing = &around.standing;
    let person = Arc::new(Person {
        id: user,
        name: Name { full: entry.full_name, display: entry.display_name },
        is_owner: standing.is_owner,
        permissions: standing.permissions,
        teams: standing.teams.clone(),
        channels: standing.channels.clone(),
        only_guest: standing.only_guest,
        session: id,
    });
    let scope = Scope {
        workspace,
        actor: Actor::Person(person.clone()),
        cause: None,
        address: Some(address(req.request())),
        request_id: req.extensions().get::<RequestId>().map(|id| id.0.clone()),
    };
    let by_itself = is_live(req.headers()) || req.path() == "/events";
    if !by_itself && app.db.now() - entry.last_seen_at >= SEEN_EVERY {
        note_use(app, &scope, &person).await?;
    }
    let zone = entry.time_zone.and_then(|zone| zone.parse().ok()).unwrap_or(around.workspace.time_zone);
    let workspace = Arc::new(around.workspace);
    Ok(Known { person, zone, shortcuts: entry.shortcuts, workspace, roster: around.roster, scope })
}

async fn note_use(app: &App, scope: &Scope, person: &Person) -> Result<(), WebError> {
    let (session, user, address) = (person.session, person.id, scope.address.clone().unwrap_or_default());
    app.db
        .write(scope, move |tx| {
            store::sessions::set_seen(tx, session, &address)?;
            store::users::set_seen(tx, user)?;
            Ok(tx.unrecorded((), "when somebody was last seen is kept with them"))
        })
        .await?;
    Ok(())
}

/// Who is asking, as [`identify`] found.
///
/// # Errors
/// If the route is mounted outside of it, which is a bug.
pub fn of(req: &HttpRequest) -> Result<Identity, WebError> {
    req.extensions().get::<Identity>().cloned().ok_or(WebError::Failure(Failure::Bug("a route without identity")))
}
