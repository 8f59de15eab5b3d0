//! How handlers answer: a page or its piece, a dialog, a refused form, "done".

use std::fmt::Display;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use askama::Template;
use serde::{Deserialize, Serialize};

use super::error::WebError;
use super::extract::{Viewer, is_fragment, is_live};
use super::session::NOTICE;
use super::views::chrome::{Chrome, Section};
use crate::failure::Failure;

/// What a handler answers.
pub type Reply = Result<HttpResponse, WebError>;

#[derive(Template)]
#[template(path = "layouts/app.html")]
struct AppPage<'a, T: Display> {
    chrome: &'a Chrome,
    content: &'a T,
}

#[derive(Template)]
#[template(path = "layouts/part.html")]
struct Part<'a, T: Display> {
    chrome: &'a Chrome,
    content: &'a T,
}

#[derive(Template)]
#[template(path = "layouts/dialog.html")]
struct Dialog<'a, T: Display> {
    size: &'a str,
    content: &'a T,
}

#[derive(Template)]
#[template(path = "layouts/dialog_page.html")]
struct DialogPage<'a, T: Display> {
    nav: super::views::chrome::SettingsNav,
    content: &'a T,
}

#[derive(Template)]
#[template(path = "layouts/dialog_plain.html")]
struct DialogPlain<'a, T: Display> {
    title: &'a str,
    content: &'a T,
}

#[derive(Template)]
#[template(path = "layouts/gate.html")]
struct GatePage<'a, T: Display> {
    chrome: &'a Chrome,
    content: &'a T,
}

/// A notice that the next page shows.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Notice {
    /// What happened.
    pub text: String,
    /// Links: words and address.
    #[serde(default)]
    pub links: Vec<(String, String)>,
    /// A button that posts: words and address.
    pub post: Option<(String, String)>,
    /// Whether it is bad news.
    pub bad: bool,
    /// Where to ask how far it is, while it is not done.
    #[serde(default)]
    pub progress: Option<String>,
}

impl Notice {
    /// A notice without anything to click.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// With one more link.
    #[must_use]
    pub fn link(mut self, words: &str, address: impl Into<String>) -> Self {
        self.links.push((words.to_owned(), address.into()));
        self
    }

    /// With progress that is asked for at `{address}/progress`.
    #[must_use]
    pub fn progress(mut self, address: &str) -> Self {
        self.progress = Some(format!("{address}/progress"));
        self
    }

    /// With a button that posts.
    #[must_use]
    pub fn post(mut self, words: &str, address: impl Into<String>) -> Self {
        self.post = Some((words.to_owned(), address.into()));
        self
    }
}

/// The whole page around its content.
///
/// # Errors
/// If the template fails, which is a bug.
pub fn render_page<T: Template + Display>(chrome: &Chrome, content: &T) -> Result<String, askama::Error> {
    if chrome.me.is_some() { AppPage { chrome, content }.render() } else { GatePage { chrome, content }.render() }
}

fn html(status: StatusCode, body: String) -> HttpResponse {
    HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .insert_header(("Vary", "HX-Request, HX-Target"))
        .body(body)
}

/// A page, or for htmx its content alone.
///
/// # Errors
/// If the template fails, which is a bug.
pub fn page<T: Template + Display>(viewer: &Viewer, title: &str, section: Section, content: &T) -> Reply {
    page_with(viewer, StatusCode::OK, title, section, content)
}

/// The same with another status: 422 for a refused form, 409 for a lost race.
///
/// # Errors
/// If the template fails, which is a bug.
pub fn page_with<T: Template + Display>(
    viewer: &Viewer,
    status: StatusCode,
    title: &str,
    section: Section,
    content: &T,
) -> Reply {
    let title = if status.is_client_error() { format!("Error: {title}") } else { title.to_owned() };
    let mut chrome = Chrome::new(&viewer.req, &title, section);
    // A page that only follows what others do takes no notice that is meant for where the person goes next.
    if !is_live(viewer.req.headers()) {
        chrome.take_notice(&viewer.session());
    }
    // What is inside first, as a whole: not piece by piece through the frame.
    let content = &content.render()?;
    let body = if is_fragment(viewer.req.headers()) {
        Part { chrome: &chrome, content }.render()?
    } else {
        AppPage { chrome: &chrome, content }.render()?
    };
    Ok(html(status, body))
}

/// A dialog for htmx; without script, a page with the same form.
///
/// # Errors
/// If the template fails, which is a bug.
pub fn dialog<T: Template + Display>(
    viewer: &Viewer,
    status: StatusCode,
    title: &str,
    size: &str,
    current: super::views::chrome::SettingsItem,
    content: &T,
) -> Reply {
    if is_fragment(viewer.req.headers()) {
        return Ok(html(status, Dialog { size, content }.render()?));
    }
    let nav = super::views::chrome::SettingsNav::new(viewer, current);
    page_with(viewer, status, title, Section::Settings, &DialogPage { nav, content })
}

/// The same outside of Settings.
///
/// # Errors
/// If the template fails, which is a bug.
pub fn dialog_in<T: Template + Display>(
    viewer: &Viewer,
    status: StatusCode,
    title: &str,
    size: &str,
    section: Section,
    content: &T,
) -> Reply {
    if is_fragment(viewer.req.headers()) {
        return Ok(html(status, Dialog { size, content }.render()?));
    }
    page_with(viewer, status, title, section, &DialogPlain { title, content })
}

/// A page for somebody who is not logged in.
///
/// # Errors
/// If the template fails, which is a bug.
pub fn gate<T: Template + Display>(
    req: &actix_web::HttpRequest,
    status: StatusCode,
    title: &str,
    content: &T,
) -> Reply {
    let title = if status.is_client_error() { format!("Error: {title}") } else { title.to_owned() };
    let mut chrome = Chrome::new(req, &title, Section::None);
    chrome.me = None;
    Ok(html(status, GatePage { chrome: &chrome, content }.render()?))
}

/// Goes somewhere else with a plain request.
#[must_use]
pub fn see_other(address: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, address)).finish()
}

/// The form did what it should: on to the next page, which says so. For htmx the page's content is replaced in place.
///
/// # Errors
/// None at present.
pub fn done(viewer: &Viewer, address: &str, notice: Notice) -> Reply {
    done_in(viewer, address, notice, "#main")
}

/// Where htmx goes, and what it puts there.
#[derive(Serialize)]
struct Place<'a> {
    path: &'a str,
    target: &'a str,
    swap: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    select: Option<&'a str>,
}

/// The same, replacing only a part of the page in place.
///
/// # Errors
/// None at present.
pub fn done_in(viewer: &Viewer, address: &str, notice: Notice, part: &str) -> Reply {
    if !notice.text.is_empty() {
        // A notice that cannot be kept is not worth failing for: the page shows what was done.
        let _ = viewer.session().insert(NOTICE, notice);
    }
    if !is_fragment(viewer.req.headers()) {
        return Ok(see_other(address));
    }
    let swap = if part == "#main" { "innerHTML" } else { "outerHTML" };
    let place = Place { path: address, target: part, swap, select: (part != "#main").then_some(part) };
    let place = serde_json::to_string(&place).map_err(|_| Failure::Bug("a place is not JSON"))?;
    Ok(HttpResponse::Ok().insert_header(("HX-Location", place)).insert_header(("HX-Trigger", "baton:done")).finish())
}
