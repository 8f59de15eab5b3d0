//! The web server, as `serve`, `demo` and the tests build it.

use std::sync::Arc;

use actix_session::SessionMiddleware;
use actix_session::config::{CookieContentSecurity, PersistentSession, TtlExtensionPolicy};
use actix_web::body::MessageBody;
use actix_web::cookie::{Key, SameSite};
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Condition, from_fn};
use actix_web::{App as ActixApp, Error, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::config::SecretKey;
use crate::domain::vault::Vault;
use crate::failure::Failure;
use crate::store::{Db, anywhere};
use crate::web::session::{Sessions, with_slot};
use crate::web::{App, error, extract, headers, identify, routes};

/// The key that signs session cookies: made once, the same for all instances of a database.
///
/// # Errors
/// Trouble with the database.
pub fn cookie_key(db: &Db) -> Result<Key, Failure> {
    let fresh: Vec<u8> = db.random().into_iter().chain(db.random()).collect();
    let stored = db.anywhere_now(|ax| anywhere::find_or_insert_setting(ax, "cookie_key", &STANDARD.encode(fresh)))?;
    let bytes = STANDARD.decode(stored).map_err(|_| Failure::Corrupt("installation.value", "cookie_key".to_owned()))?;
    Key::try_from(bytes.as_slice()).map_err(|_| Failure::Corrupt("installation.value", "cookie_key".to_owned()))
}

/// What seals the passwords of other servers: with the key of the environment, or with one that the database keeps.
///
/// # Errors
/// Trouble with the database.
pub fn vault(db: &Db, key: Option<&SecretKey>) -> Result<Vault, Failure> {
    if let Some(SecretKey(key)) = key {
        return Ok(Vault::new(key));
    }
    let fresh = STANDARD.encode(db.random());
    let stored = db.anywhere_now(|ax| anywhere::find_or_insert_setting(ax, "secret_key", &fresh))?;
    Ok(Vault::new(&stored))
}

/// The name of the session's cookie. Over TLS no other host can set it.
#[must_use]
pub const fn cookie_name(https: bool) -> &'static str {
    if https { "__Host-baton_session" } else { "baton_session" }
}

/// The whole application. `logs` turns the line for each request on.
pub fn build(
    state: App,
    key: Key,
    logs: bool,
) -> ActixApp<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    let https = state.is_https();
    let days = crate::domain::logins::ABSOLUTE.num_days();
    let lifecycle = PersistentSession::default()
        .session_ttl(actix_web::cookie::time::Duration::days(days))
        .session_ttl_extension_policy(TtlExtensionPolicy::OnStateChanges);
    let session = SessionMiddleware::builder(Sessions::new(state.db.clone()), key)
        .cookie_name(cookie_name(https).to_owned())
        .cookie_secure(https)
        .cookie_http_only(true)
        .cookie_same_site(SameSite::Lax)
        .cookie_content_security(CookieContentSecurity::Signed)
        .session_lifecycle(lifecycle)
        .build();
    ActixApp::new()
        .app_data(web::Data::new(state))
        .app_data(web::PayloadConfig::new(extract::FORM_LIMIT))
        .configure(routes::plain)
        .service(
            web::scope("")
                .wrap(from_fn(identify::identify))
                .wrap(session)
                .wrap(from_fn(with_slot))
                .configure(routes::configure)
                .default_service(web::to(routes::nowhere)),
        )
        .wrap(from_fn(error::error_bodies))
        .wrap(from_fn(headers::add))
        .wrap(Condition::new(logs, from_fn(crate::telemetry::log_request)))
}

/// Hashing is bounded to the number of processors.
#[must_use]
pub fn hashing() -> Arc<tokio::sync::Semaphore> {
    let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    Arc::new(tokio::sync::Semaphore::new(processors))
}
