//! Logs: one line for each request, with an id that error pages show. Addresses of pages are logged as patterns, so that
//! no token and no name stands in them; bodies, addresses of people and secrets are never logged.

use actix_web::HttpMessage as _;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use tracing::Instrument as _;
use tracing_subscriber::EnvFilter;

use crate::web::identify::RequestId;

/// Starts logging to standard error: for people on a terminal, as JSON otherwise. `RUST_LOG` sets what is shown.
pub fn start() {
    use std::io::IsTerminal as _;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,actix_server=warn"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Somebody may have started it before, as tests do.
    let _ = if std::io::stderr().is_terminal() { builder.compact().try_init() } else { builder.json().try_init() };
}

/// Logs a request and gives it its id.
///
/// # Errors
/// Whatever the handlers answer.
pub async fn log_request(
    req: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let app = req.app_data::<actix_web::web::Data<crate::web::App>>();
    let id: uuid::Uuid = app.map(|app| app.db.new_id()).unwrap_or_default();
    let id = id.simple().to_string();
    req.extensions_mut().insert(RequestId(id.clone()));
    let span = tracing::info_span!("request", request.id = %id, http.method = %req.method());
    let begun = std::time::Instant::now();
    let quiet = req.path().starts_with("/static/") || req.path() == "/healthz" || req.path() == "/readyz";
    async move {
        let mut res = next.call(req).await?;
        let route = res.request().match_pattern().unwrap_or_else(|| "none".to_owned());
        let (status, took) = (res.status().as_u16(), begun.elapsed());
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        if quiet {
            tracing::debug!(http.route = %route, http.status = status, duration_ms = millis, "answered");
        } else {
            tracing::info!(http.route = %route, http.status = status, duration_ms = millis, "answered");
        }
        if let Ok(value) = HeaderValue::from_str(&id) {
            res.headers_mut().insert(HeaderName::from_static("x-request-id"), value);
        }
        Ok(res)
    }
    .instrument(span)
    .await
}
