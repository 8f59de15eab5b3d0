//! How trouble looks. Handlers only say what went wrong; [`error_bodies`] sees who asked and how, and gives browsers a
//! page, htmx a notice, and somebody who is not logged in the log-in page.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use actix_web::middleware::Next;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, ResponseError};
use askama::Template;

use super::App;
use super::extract::is_fragment;
use super::identify::{Identity, Known, RequestId};
use super::views::chrome::{Chrome, Section, form_token};
use crate::domain::access::{Key, PermissionSet};
use crate::failure::Failure;
use crate::store;

/// Why a request has no proper answer.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// Nobody is logged in.
    #[error("log in first")]
    LogIn,
    /// The person lacks a permission.
    #[error("not permitted")]
    Forbidden(Option<Key>),
    /// The form did not come from one of our pages.
    #[error("forged")]
    Forged,
    /// The form stood on a page of another address: ours is this one, if it was set.
    #[error("from elsewhere")]
    Elsewhere(Option<String>),
    /// There is nothing at this address.
    #[error("not found")]
    NotFound,
    /// The form could not be read.
    #[error("unreadable form")]
    BadForm(&'static str),
    /// The work failed.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// A page could not be rendered.
    #[error("template: {0}")]
    Template(#[from] askama::Error),
}

impl WebError {
    fn status(&self) -> StatusCode {
        match self {
            Self::LogIn => StatusCode::SEE_OTHER,
            Self::Forbidden(_) | Self::Forged | Self::Elsewhere(_) => StatusCode::FORBIDDEN,
            Self::NotFound | Self::Failure(Failure::NotFound) => StatusCode::NOT_FOUND,
            Self::BadForm(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Failure(Failure::Refused(_) | Failure::Stale) => StatusCode::CONFLICT,
            Self::Failure(Failure::Unavailable(_)) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Failure(_) | Self::Template(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What is said. The words never come from the source of a server error.
    fn words(&self) -> Words {
        let words = |title: &str, text: &str| Words { title: title.to_owned(), text: text.to_owned() };
        match self {
            Self::LogIn => words("Log in", "Log in to go on."),
            Self::Forbidden(Some(key)) => words(
                "You can’t see this page",
                &format!("It needs the permission “{}”, which none of your roles has.", key.meaning()),
            ),
            Self::Forbidden(None) => words("You can’t see this page", "None of your roles allows this."),
            Self::Forged => {
                words("This form is too old", "Nothing was changed. Go back, reload the page and send the form again.")
            }
            Self::Elsewhere(Some(ours)) => words(
                "This form came from another address",
                &format!("Nothing was changed. Open Baton at {ours} and send the form there."),
            ),
            Self::Elsewhere(None) => words(
                "This form came from another address",
                "Nothing was changed. Go back, reload the page and send the form again.",
            ),
            Self::NotFound | Self::Failure(Failure::NotFound) => words(
                "There’s nothing at this address",
                "The link may be old or mistyped, or what was here is gone. Conversations are never deleted when someone leaves.",
            ),
            Self::BadForm(text) => words("This couldn’t be read", text),
            Self::Failure(failure @ (Failure::Refused(_) | Failure::Stale)) => {
                words("That didn’t work", &failure.to_string())
            }
            Self::Failure(Failure::Unavailable(_)) => {
                words("Baton can’t reach its database", "Nothing was changed. Try again in a moment.")
            }
            Self::Failure(_) | Self::Template(_) => words(
                "Something went wrong",
                "Nothing was changed. Try again; if it happens again, tell an admin the reference below.",
            ),
        }
    }
}

struct Words {
    title: String,
    text: String,
}

/// What an error leaves in its answer for [`error_bodies`].
struct Shown {
    words: Words,
    log_in: bool,
    /// Whether somebody may not, so that it is said who can change that.
    forbidden: bool,
}

impl ResponseError for WebError {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse {
        if self.status().is_server_error() {
            // The one place where a failure is logged; the request's span has its id.
            tracing::error!(error = %self, "request failed");
        }
        let mut res = HttpResponse::new(self.status());
        let (log_in, forbidden) = (matches!(self, Self::LogIn), matches!(self, Self::Forbidden(_)));
        res.extensions_mut().insert(Shown { words: self.words(), log_in, forbidden });
        res
    }
}

#[derive(Template)]
#[template(path = "pages/error.html")]
struct ErrorPage {
    code: u16,
    title: String,
    text: String,
    reference: Option<String>,
    /// The way back of somebody who is logged in: words and address.
    start: Option<(&'static str, &'static str)>,
    /// Whether they have conversations to search.
    search: bool,
    /// The token of the form that logs out, where somebody else may be let in.
    log_out: Option<String>,
}

/// Gives errors their bodies.
///
/// # Errors
/// None of its own.
pub async fn error_bodies(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let fragment = is_fragment(req.headers());
    // The request must not be cloned before routing: it is matched in place.
    let mut res = match next.call(req).await {
        Ok(res) => res.map_into_boxed_body(),
        // Only what runs before handlers fails this way: the session could not be looked up.
        Err(error) => return Err(bare(&error, fragment)),
    };
    let shown = res.response_mut().extensions_mut().remove::<Shown>();
    let Some(shown) = shown.or_else(|| foreign(&res)) else { return Ok(res) };
    let (request, response) = res.into_parts();
    let status = response.status();
    let body = dress(&request, status, shown).await;
    Ok(ServiceResponse::new(request, body))
}

/// A page without the frame, for when it is not even known who asks.
fn bare(error: &actix_web::Error, fragment: bool) -> actix_web::Error {
    tracing::error!(%error, "a request could not be begun");
    let error = WebError::Failure(Failure::Unavailable(String::new()));
    let (status, words) = (error.status(), error.words());
    let res = if fragment {
        notice(status, &words, None)
    } else {
        let (title, text) = (words.title.clone(), words.text);
        let code = status.as_u16();
        let page = ErrorPage { code, title, text, reference: None, start: None, search: false, log_out: None };
        let html = super::reply::render_page(&Chrome::bare(&words.title), &page).unwrap_or_default();
        HttpResponse::build(status).content_type("text/html; charset=utf-8").body(html)
    };
    actix_web::error::InternalError::from_response(error, res).into()
}

/// Errors that the framework answers by itself: bad paths, bodies that are too large.
fn foreign(res: &ServiceResponse<BoxBody>) -> Option<Shown> {
    let error = match res.status() {
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED if res.headers().get(CONTENT_TYPE).is_none() => {
            WebError::NotFound
        }
        StatusCode::PAYLOAD_TOO_LARGE => WebError::BadForm("That is more than a form may hold. Make it shorter."),
        StatusCode::BAD_REQUEST if res.response().error().is_some() => {
            WebError::BadForm("The request could not be understood.")
        }
        StatusCode::INTERNAL_SERVER_ERROR if res.response().error().is_some() => {
            WebError::Failure(Failure::Bug("framework"))
        }
        _ => return None,
    };
    Some(Shown { words: error.words(), log_in: false, forbidden: false })
}

async fn dress(req: &HttpRequest, status: StatusCode, shown: Shown) -> HttpResponse {
    if shown.log_in {
        return log_in(req);
    }
    let status = if status == StatusCode::METHOD_NOT_ALLOWED { StatusCode::NOT_FOUND } else { status };
    let reference =
        status.is_server_error().then(|| req.extensions().get::<RequestId>().map(|id| id.0.clone())).flatten();
    if is_fragment(req.headers()) {
        return notice(status, &shown.words, reference.as_deref());
    }
    let known = req.extensions().get::<Identity>().and_then(|identity| identity.known.clone());
    let Words { title, mut text } = shown.words;
    if let Some(known) = known.as_ref().filter(|_| shown.forbidden) {
        text = format!("{text} {}", who_can_help(req, known).await);
    }
    let code = status.as_u16();
    let permissions = known.as_ref().map(|known| known.person.permissions);
    let start = permissions.map(start);
    let search = code == 404 && start.is_some_and(|(_, address)| address == "/inbox");
    let log_out = (shown.forbidden && known.is_some()).then(|| form_token(req));
    let chrome = Chrome::new(req, &format!("Error: {title}"), Section::None);
    let page = ErrorPage { code, title: title.clone(), text, reference, start, search, log_out };
    match super::reply::render_page(&chrome, &page) {
        Ok(html) => HttpResponse::build(status).content_type("text/html; charset=utf-8").body(html),
        Err(_) => HttpResponse::build(status).content_type("text/plain; charset=utf-8").body(title),
    }
}

/// Where somebody starts, in words.
fn start(permissions: PermissionSet) -> (&'static str, &'static str) {
    let address = super::pages::login::landing(permissions);
    let words = match address {
        "/inbox" => "Go to the inbox",
        settings if settings.starts_with("/settings") => "Go to Settings",
        _ => "Go to your profile",
    };
    (words, address)
}

/// Who somebody is logged in as, and whom to ask for a permission: an Owner can always give it.
async fn who_can_help(req: &HttpRequest, known: &Known) -> String {
    let me = known.person.id;
    let Some(app) = req.app_data::<actix_web::web::Data<App>>() else { return String::new() };
    let read = app.db.read(&known.scope, move |rx| {
        let held = store::roles::list_of_users(rx, &[me])?.remove(&me).unwrap_or_default();
        let roles = store::roles::list(rx)?.into_iter().filter(|role| held.contains(&role.id));
        Ok((roles.map(|role| role.name).collect::<Vec<_>>(), store::users::list_active_owner_names(rx)?))
    });
    // Without the names it is still true that it is not allowed.
    let Ok((roles, owners)) = read.await else { return String::new() };
    let name = &known.person.name.full;
    let ask = owners.iter().take(3).cloned().collect::<Vec<_>>().join(" or ");
    let roles = roles.join(" and ");
    format!("You’re logged in as {name} ({roles}). If you need access, ask {ask}.")
}

/// To the log-in page, and back here afterwards.
fn log_in(req: &HttpRequest) -> HttpResponse {
    let here = if req.method().is_safe() && !is_fragment(req.headers()) {
        req.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned()
    } else {
        // After a form or a fragment, back to the page that it stood on.
        let page = req.headers().get("hx-current-url").or_else(|| req.headers().get("referer"));
        let page = page.and_then(|value| value.to_str().ok()).and_then(|url| url::Url::parse(url).ok());
        page.map_or_else(|| "/".to_owned(), |url| url[url::Position::BeforePath..url::Position::AfterQuery].to_owned())
    };
    let target = if here == "/" {
        "/login".to_owned()
    } else {
        let next: String = url::form_urlencoded::byte_serialize(here.as_bytes()).collect();
        format!("/login?next={next}")
    };
    if is_fragment(req.headers()) {
        return HttpResponse::Ok().insert_header(("HX-Redirect", target)).finish();
    }
    HttpResponse::SeeOther().insert_header((LOCATION, target)).finish()
}

#[derive(Template)]
#[template(path = "partials/toast.html")]
struct Notice<'a> {
    text: &'a str,
}

/// A toast for htmx, whatever it asked for.
fn notice(status: StatusCode, words: &Words, reference: Option<&str>) -> HttpResponse {
    let text = match reference {
        Some(reference) => format!("{} {} Reference: {reference}", words.title, words.text),
        None => words.text.clone(),
    };
    let toast = Notice { text: &text };
    let html = toast.render().unwrap_or_default();
    let mut res = HttpResponse::build(status).content_type("text/html; charset=utf-8").body(html);
    for (name, value) in [("hx-retarget", "#toasts"), ("hx-reswap", "beforeend"), ("hx-push-url", "false")] {
        res.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    res
}
