//! How the application is asked in-process, and what no test may see of its answers.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use actix_http::Request;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::Method;
use actix_web::test::TestRequest;
use actix_web::web::Bytes;
use baton::store::{self, Db};

use super::web::Page;

/// What a browser sends.
pub(super) struct Sent {
    pub(super) method: Method,
    pub(super) uri: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) address: String,
    pub(super) body: Option<Vec<u8>>,
}

/// What no test may see: trouble answered with 5xx, and a refusal that left a trace. Dropping it fails the test.
#[derive(Default)]
pub(super) struct Noticed(pub(super) Arc<Mutex<Vec<String>>>);

impl Drop for Noticed {
    fn drop(&mut self) {
        let noticed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::thread::panicking() {
            assert!(noticed.is_empty(), "{noticed:#?}");
        }
    }
}

/// How many events there are in all workspaces.
async fn count_events(db: &Db) -> i64 {
    let db = db.clone();
    let counted = store::db::blocking(move || {
        let all = db.look_anywhere_now(store::anywhere::list_workspaces)?;
        all.iter().map(|one| db.read_now(one.id, store::audit::count)).sum()
    });
    counted.await.expect("to count")
}

/// Answers, and notices what must not be.
pub(super) async fn watched(
    service: &impl Service<Request, Response = ServiceResponse<impl MessageBody + 'static>, Error = actix_web::Error>,
    db: &Db,
    noticed: &Mutex<Vec<String>>,
    sent: Sent,
) -> (Page, Vec<(String, String)>) {
    let (what, posted) = (format!("{} {}", sent.method, sent.uri), sent.method == Method::POST);
    let before = if posted { count_events(db).await } else { 0 };
    let (page, cookies) = answer(service, sent).await;
    let notice = |told: &str| {
        let text = format!("{what} was answered with {}{told}", page.status);
        noticed.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    };
    if page.status.is_server_error() {
        notice("");
    }
    if posted && page.status.is_client_error() && count_events(db).await != before {
        notice(", and yet something was recorded");
    }
    (page, cookies)
}

pub(super) async fn call(
    service: &impl Service<Request, Response = ServiceResponse<impl MessageBody + 'static>, Error = actix_web::Error>,
    sent: Sent,
) -> ServiceResponse<BoxBody> {
    let mut request = TestRequest::with_uri(&sent.uri)
        .method(sent.method)
        .peer_addr(format!("{}:4711", sent.address).parse().expect("an address"));
    for (name, value) in sent.headers {
        request = request.append_header((name, value));
    }
    if let Some(body) = sent.body {
        request = request.set_payload(body);
    }
    match service.call(request.to_request()).await {
        Ok(answer) => answer.map_into_boxed_body(),
        Err(error) => ServiceResponse::new(TestRequest::default().to_http_request(), error.error_response()),
    }
}

async fn answer(
    service: &impl Service<Request, Response = ServiceResponse<impl MessageBody + 'static>, Error = actix_web::Error>,
    sent: Sent,
) -> (Page, Vec<(String, String)>) {
    let answer = call(service, sent).await;
    let cookies =
        answer.response().cookies().map(|cookie| (cookie.name().to_owned(), cookie.value().to_owned())).collect();
    let status = answer.status();
    let headers: BTreeMap<String, String> = answer
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
        .collect();
    let is_stream = headers.get("content-type").is_some_and(|kind| kind.starts_with("text/event-stream"));
    let bytes = if is_stream {
        // It has no end.
        next_part(&mut answer.into_body()).await.unwrap_or_default()
    } else {
        actix_web::body::to_bytes(answer.into_body()).await.unwrap_or_default()
    };
    (Page { status, headers, body: String::from_utf8_lossy(&bytes).into_owned() }, cookies)
}

/// The next that a stream says.
pub(super) async fn next_part(body: &mut BoxBody) -> Option<Bytes> {
    std::future::poll_fn(|context| Pin::new(&mut *body).poll_next(context)).await?.ok()
}
