//! What is sent from a composer: a reply or a note, once however often its form is posted (C-5, C-12).

use super::conversations::{Text, annotate, answer, apply_status, lock_with_holder};
use super::drafts::{Writing, settle};
use crate::domain::access::{Can, conversations as may};
use crate::domain::conversations::StatusChange;
use crate::domain::drafts::{DraftRefusal, Seen};
use crate::domain::ids::ConversationNumber;
use crate::failure::Failure;
use crate::store::messages::Composed;
use crate::store::{self, Recorded, Tx};

/// What stands in a composer when its form is posted.
#[derive(Clone, Debug)]
pub struct Message {
    /// The text.
    pub text: Text,
    /// The page's own name, which it has once; empty for forms that scripts post.
    pub composer: String,
    /// The draft that the page shows, if it says so.
    pub seen: Option<Seen>,
}

/// Sends a message, and closes the conversation with it if that is asked for. What a page has sent already is not sent again: the answer
/// is that of the first time.
///
/// # Errors
/// [`Failure::NotFound`], a refusal, or trouble with the database.
pub fn send(
    tx: &mut Tx,
    writing: &Writing,
    close: Option<&Can<may::ChangeStatus>>,
    number: ConversationNumber,
    message: &Message,
) -> Result<Recorded<()>, Failure> {
    let one = lock_with_holder(tx, number)?;
    let note = matches!(writing, Writing::Note(_));
    if let Some(sent) = store::messages::find_composed(tx, &message.composer)? {
        let again =
            Composed { conversation: one.id, note, author: tx.actor().user(), body: message.text.source.clone() };
        return if sent == again { tx.unchanged(()) } else { Err(DraftRefusal::SentAlready.into()) };
    }
    settle(tx, &one, message.seen.as_ref())?;
    let sent = match writing {
        Writing::Reply(_) => answer(tx, &one, close.is_some(), &message.text)?,
        Writing::Note(_) => {
            let added = annotate(tx, &one, &message.text)?;
            if close.is_some() && one.may_change_status(StatusChange::Close, tx.now()).is_ok() {
                let event = apply_status(tx, &one, StatusChange::Close)?;
                let _ = tx.record(event);
            }
            added
        }
    };
    if !message.composer.is_empty() {
        let id = *sent.value();
        store::messages::set_composer(tx, id, &message.composer)?;
    }
    Ok(sent.with(()))
}
