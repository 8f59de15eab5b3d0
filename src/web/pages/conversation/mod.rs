//! One conversation beside its list: reading, answering, changing (C-5 … C-7, F-4).

mod forms;
pub(super) mod message;
pub(super) mod thread;

pub use forms::{assign, note, prioritise, reply, set_status, tag};
pub(super) use forms::{list_of, safe_back};

use actix_web::http::{Method, StatusCode};

use self::thread::{Shown, Thread};
use super::inbox::read::{self, Asker, Frame};
use super::inbox::{Selected, render};
use crate::actions;
use crate::domain::ids::{ConversationNumber, MailId, MessageId};
use crate::domain::inbox::Address;
use crate::failure::Failure;
use crate::store::{self, Rx};
use crate::web::extract::{Id, Query, Seeing, Viewer};
use crate::web::reply::Reply;

/// Messages of a thread that are shown: the latest.
const MESSAGES: i64 = 200;
/// Events of a thread that are shown: the latest.
const EVENTS: i64 = 300;

/// What was typed and why it was refused.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    /// The message.
    pub body: String,
    /// Whether it is a note.
    pub note: bool,
    /// What is wrong with it.
    pub problem: Option<String>,
    /// What is wrong with another form of the page.
    pub alert: Option<String>,
}

/// A conversation with its list beside it. Looking at it marks it as read.
///
/// # Errors
/// [`crate::web::error::WebError::NotFound`] if there is none that the reader may see, or trouble with the database.
pub async fn show(Seeing(viewer): Seeing, number: Id<ConversationNumber>, Query(address): Query<Address>) -> Reply {
    if viewer.req.method() == Method::GET {
        mark_read(&viewer, number.0).await?;
    }
    show_with(&viewer, StatusCode::OK, number.0, address, Draft::default()).await
}

/// Notes that the reader has seen what is new, if anything is.
async fn mark_read(viewer: &Viewer, number: ConversationNumber) -> Result<(), crate::web::error::WebError> {
    let (sees, me) = (viewer.sees(), viewer.known.person.id);
    let unread = viewer
        .read(move |rx| {
            let one = store::conversations::find(rx, number, &sees)?.ok_or(Failure::NotFound)?;
            let read = store::conversations::list_reads(rx, me, &[one.id])?;
            Ok(read.get(&one.id).is_none_or(|read| one.last_activity_at > *read).then_some(one.id))
        })
        .await?;
    if let Some(id) = unread {
        viewer.write(move |tx| actions::conversations::mark_read(tx, id)).await?;
    }
    Ok(())
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
    draft: Draft,
) -> Reply {
    let asker = Asker::new(viewer);
    let (frame, shown) = viewer
        .read(move |rx| {
            let frame = read::frame(rx, &asker, address)?;
            let shown = load(rx, &frame, number)?;
            Ok((frame, shown))
        })
        .await?;
    let thread = Thread::new(viewer, &frame, &shown, draft);
    render(viewer, status, &frame, Selected::Nothing, Some(thread))
}

fn load(rx: &mut Rx, frame: &Frame, number: ConversationNumber) -> Result<Shown, Failure> {
    let one = store::conversations::find(rx, number, &frame.asker.sees)?.ok_or(Failure::NotFound)?;
    let messages = store::messages::list(rx, one.id, MESSAGES)?;
    let ids: Vec<MessageId> = messages.iter().map(|message| message.id).collect();
    let mails: Vec<MailId> = messages.iter().filter_map(|message| message.mail).collect();
    Ok(Shown {
        contact: store::contacts::find(rx, one.contact)?,
        tags: frame.named.tags(&store::tags::list_of_conversations(rx, &[one.id])?.remove(&one.id).unwrap_or_default()),
        events: store::audit::list_of_conversation(rx, one.id, EVENTS)?,
        files: store::messages::list_attachments(rx, &ids)?,
        deliveries: store::outbox::list_states(rx, &mails)?,
        continues: store::conversations::find_predecessor(rx, one.id)?,
        cut: i64::try_from(messages.len()).unwrap_or(0) >= MESSAGES,
        messages,
        one,
    })
}
