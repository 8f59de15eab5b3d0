//! One conversation beside its list: reading, answering, changing (C-5 … C-7, F-4).

mod drafts;
mod forms;
mod merge;
pub(super) mod message;
pub(super) mod thread;

pub use drafts::{discard, save, show as draft, take_over};
pub use forms::{assign, note, prioritise, reply, retry, set_status, tag};
pub(super) use forms::{list_of, safe_back};
pub use merge::{ask as ask_merge, create as merge};

use actix_web::http::header::HeaderMap;
use actix_web::http::{Method, StatusCode};
use askama::Template;

use self::thread::{Shown, Thread};
use super::contacts;
use super::inbox::read::{self, Asker, Frame};
use super::inbox::{Selected, render};
use crate::actions;
use crate::domain::ids::{ConversationNumber, MailId, MessageId};
use crate::domain::inbox::Address;
use crate::failure::Failure;
use crate::store::{self, Rx};
use crate::web::error::WebError;
use crate::web::extract::{Id, Query, Seeing, Viewer, is_fragment};
use crate::web::reply::{Reply, page};
use crate::web::views::chrome::{Section, form_token};

/// Conversations with the same contact that are shown beside it: the latest.
const OTHERS: usize = 8;
/// Messages of a thread that are shown: the latest.
const MESSAGES: i64 = 200;
/// Events of a thread that are shown: the latest.
const EVENTS: i64 = 300;

/// What was typed and why it was refused.
#[derive(Clone, Debug, Default)]
pub(super) struct Typed {
    /// The message.
    pub body: String,
    /// Whether it is a note.
    pub note: bool,
    /// What is wrong with it.
    pub problem: Option<String>,
    /// What is wrong with another form of the page.
    pub alert: Option<String>,
}

/// The conversation alone.
#[derive(Template)]
#[template(path = "pages/thread.html")]
struct ThreadPane {
    csrf: String,
    thread: Thread,
}

/// A conversation with its list beside it. Looking at it marks it as read.
///
/// # Errors
/// [`crate::web::error::WebError::NotFound`] if there is none that the reader may see, or trouble with the database.
pub async fn show(Seeing(viewer): Seeing, number: Id<ConversationNumber>, Query(address): Query<Address>) -> Reply {
    let alone = wants_thread_alone(viewer.req.headers());
    let (frame, shown) = read_all(&viewer, number.0, address, alone).await?;
    if shown.unread && viewer.req.method() == Method::GET {
        let id = shown.one.id;
        viewer.write(move |tx| actions::conversations::mark_read(tx, id)).await?;
    }
    let thread = Thread::new(&viewer, &frame, &shown, Typed::default());
    if alone {
        let title = thread.subject.clone();
        let pane = ThreadPane { csrf: form_token(&viewer.req), thread };
        return page(&viewer, &title, Section::Inbox, &pane);
    }
    render(&viewer, StatusCode::OK, &frame, Selected::Nothing, Some(thread))
}

/// Whether htmx is going to put nothing but the conversation in place: a click on a row of the list.
fn wants_thread_alone(headers: &HeaderMap) -> bool {
    is_fragment(headers) && headers.get("hx-target").is_some_and(|target| target == "thread")
}

/// The page of a conversation, with what was typed if a form of it was refused.
///
/// # Errors
/// As [`show`].
pub(super) async fn show_with(
    viewer: &Viewer,
    status: StatusCode,
    number: ConversationNumber,
    address: Address,
    typed: Typed,
) -> Reply {
    let (frame, shown) = read_all(viewer, number, address, false).await?;
    let thread = Thread::new(viewer, &frame, &shown, typed);
    render(viewer, status, &frame, Selected::Nothing, Some(thread))
}

async fn read_all(
    viewer: &Viewer,
    number: ConversationNumber,
    address: Address,
    alone: bool,
) -> Result<(Frame, Shown), WebError> {
    let asker = Asker::new(viewer);
    let read_all = move |rx: &mut Rx| {
        let frame = if alone { read::bare_frame(rx, &asker, address) } else { read::frame(rx, &asker, address) }?;
        let shown = load(rx, &frame, number)?;
        Ok((frame, shown))
    };
    viewer.read(read_all).await
}

fn load(rx: &mut Rx, frame: &Frame, number: ConversationNumber) -> Result<Shown, Failure> {
    let one = store::conversations::find(rx, number, &frame.asker.sees)?.ok_or(Failure::NotFound)?;
    let messages = store::messages::list(rx, one.id, MESSAGES)?;
    let (mut others, more_others) = contacts::talks(rx, one.contact, &frame.asker.sees, OTHERS)?;
    others.retain(|other| other.conversation.id != one.id);
    let ids: Vec<MessageId> = messages.iter().map(|message| message.id).collect();
    let read = store::conversations::list_reads(rx, frame.asker.me, &[one.id])?;
    let mails: Vec<MailId> = messages.iter().filter_map(|message| message.mail).collect();
    Ok(Shown {
        unread: read.get(&one.id).is_none_or(|read| one.last_activity_at > *read),
        contact: store::contacts::find(rx, one.contact)?,
        others,
        more_others,
        tags: frame.named.tags(&store::tags::list_of_conversations(rx, &[one.id])?.remove(&one.id).unwrap_or_default()),
        events: store::audit::list_of_conversation(rx, one.id, EVENTS)?,
        files: store::messages::list_attachments(rx, &ids)?,
        deliveries: store::outbox::list_states(rx, &mails)?,
        drafts: store::drafts::list_of_conversation(rx, one.id)?,
        merged_into: match one.merged_into {
            Some(into) => store::conversation_merges::find_target(rx, into)?,
            None => None,
        },
        continues: store::conversations::find_predecessor(rx, one.id)?,
        cut: i64::try_from(messages.len()).unwrap_or(0) >= MESSAGES,
        messages,
        one,
    })
}
