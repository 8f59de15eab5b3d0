//! The inbox: views, list, and beside them a conversation or what is selected (C-1 … C-4).

pub mod export;
pub(super) mod list;
pub(super) mod nav;
pub(super) mod pane;
pub(super) mod picker;
pub(super) mod read;
pub(super) mod words;

use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

use self::list::List;
use self::nav::Nav;
use self::pane::Pane;
use super::conversation::thread::Thread;
use crate::domain::inbox::Address;
use crate::web::extract::{Query, Seeing, Viewer};
use crate::web::reply::{Reply, page_with};
use crate::web::views::chrome::{Section, form_token};

/// What the address says besides the list: how much of it is selected.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Selecting {
    /// `page`, `matching`, or nothing.
    select: String,
}

/// All three panes.
#[derive(Template)]
#[template(path = "pages/inbox.html")]
pub(super) struct InboxPage {
    csrf: String,
    title: String,
    show: &'static str,
    nav: Nav,
    list: List,
    pane: Pane,
    thread: Option<Thread>,
}

/// How many of a list are selected when it is rendered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Selected {
    /// None.
    Nothing,
    /// Every row of the page.
    Page,
    /// Everything that matches.
    Matching,
}

impl Selected {
    fn parse(name: &str) -> Self {
        match name {
            "page" => Self::Page,
            "matching" => Self::Matching,
            _ => Self::Nothing,
        }
    }
}

/// The list, and a reading pane without a conversation.
///
/// # Errors
/// [`crate::web::error::WebError::NotFound`] if a filter names what is not here, or trouble with the database.
pub async fn index(
    Seeing(viewer): Seeing,
    Query(address): Query<Address>,
    Query(selecting): Query<Selecting>,
) -> Reply {
    let selected = Selected::parse(&selecting.select);
    let asker = read::Asker::new(&viewer);
    let frame = viewer
        .read(move |rx| {
            let mut frame = read::frame(rx, &asker, address)?;
            if selected == Selected::Matching {
                frame.count_all(rx)?;
            }
            Ok(frame)
        })
        .await?;
    render(&viewer, StatusCode::OK, &frame, selected, None)
}

/// The page around a list and, if one is open, a conversation.
///
/// # Errors
/// If a template fails, which is a bug.
pub(super) fn render(
    viewer: &Viewer,
    status: StatusCode,
    frame: &read::Frame,
    selected: Selected,
    thread: Option<Thread>,
) -> Reply {
    let csrf = form_token(&viewer.req);
    let open = thread.as_ref().map(|thread| thread.number);
    let list = List::new(viewer, frame, selected, open);
    let title = thread.as_ref().map_or_else(|| list.title.clone(), |thread| thread.subject.clone());
    let page = InboxPage {
        csrf,
        title: title.clone(),
        show: if thread.is_some() { "conversation" } else { "list" },
        nav: Nav::new(frame),
        pane: Pane::new(viewer, frame, selected),
        list,
        thread,
    };
    page_with(viewer, status, &title, Section::Inbox, &page)
}
