//! What is done to unsent answers: save, discard, take over (C-12). Sending them is in `conversations`.

use crate::domain::access::{Can, Sees, conversations as may, handovers, notes};
use crate::domain::audit::Event;
use crate::domain::conversations::{Conversation, ConversationRefusal, Status};
use crate::domain::drafts::{Draft, DraftRefusal, Seen, joined, next_version};
use crate::domain::ids::{ConversationNumber, UserId};
use crate::failure::Failure;
use crate::store::{self, Recorded, Tx};

/// The proof that what is typed may be sent: a reply or a note.
pub enum Writing {
    /// To the contact.
    Reply(Can<may::Reply>),
    /// To teammates.
    Note(Can<notes::Write>),
}

impl Writing {
    const fn is_note(&self) -> bool {
        matches!(self, Self::Note(_))
    }
}

/// Whatever is done to drafts of a conversation takes turns with what is sent there: nothing that was sent comes back.
fn lock(tx: &mut Tx, number: ConversationNumber) -> Result<Conversation, Failure> {
    let sees = Sees::of(tx.actor());
    store::conversations::lock(tx, number, &sees)
}

fn author(tx: &Tx) -> Result<UserId, Failure> {
    tx.actor().user().ok_or(Failure::Bug("a draft without author"))
}

/// Saves what somebody has typed so far; an empty text discards it. `None` if nothing is kept.
///
/// # Errors
/// [`Failure::NotFound`], a [`DraftRefusal`] if another window was quicker, or trouble with the database.
pub fn save(
    tx: &mut Tx,
    writing: &Writing,
    number: ConversationNumber,
    body: &str,
    seen: &Seen,
) -> Result<Recorded<Option<Draft>>, Failure> {
    let one = lock(tx, number)?;
    if one.status == Status::Archived && !writing.is_note() {
        return Err(ConversationRefusal::Archived.into());
    }
    let author = author(tx)?;
    let kept = store::drafts::lock(tx, one.id, author)?;
    if store::messages::find_composed(tx, &seen.composer)?.is_some() {
        return Err(DraftRefusal::SentAlready.into());
    }
    if seen.is_overtaken(kept.as_ref()) {
        return tx.unchanged(kept);
    }
    seen.check(kept.as_ref())?;
    if body.is_empty() {
        if kept.is_some() {
            store::drafts::delete(tx, one.id, author)?;
        }
        return Ok(tx.unrecorded(None, "what somebody has typed and not sent is theirs"));
    }
    let draft = Draft {
        author,
        body: body.to_owned(),
        note: writing.is_note(),
        version: next_version(kept.as_ref().map(|kept| kept.version).max(Some(seen.version)), tx.now()),
        composer: seen.composer.clone(),
        turn: seen.turn,
        begun_by: kept.as_ref().and_then(|kept| kept.begun_by),
        updated_at: tx.now(),
    };
    if !store::drafts::set(tx, one.id, kept.as_ref(), &draft)? {
        return Err(DraftRefusal::ChangedElsewhere.into());
    }
    Ok(tx.unrecorded(Some(draft), "what somebody has typed and not sent is theirs"))
}

/// What is sent is no draft any more: belongs to the unit of work that sends it.
///
/// # Errors
/// A [`DraftRefusal`] if the page that sends shows what was sent or changed elsewhere, or trouble with the database.
pub(super) fn settle(tx: &mut Tx, one: &Conversation, seen: Option<&Seen>) -> Result<(), Failure> {
    let author = author(tx)?;
    let kept = store::drafts::lock(tx, one.id, author)?;
    if let Some(seen) = seen {
        seen.check(kept.as_ref())?;
    }
    if kept.is_some() {
        store::drafts::delete(tx, one.id, author)?;
    }
    Ok(())
}

/// Takes over the draft of somebody who cannot log in, into one's own composer; what stands there already stays, before it.
/// Whose draft it was stays on record.
///
/// # Errors
/// [`Failure::NotFound`], a [`DraftRefusal`], or trouble with the database.
pub fn take_over(
    tx: &mut Tx,
    _: &Can<handovers::Run>,
    writing: &Writing,
    number: ConversationNumber,
    from: UserId,
) -> Result<Recorded<Draft>, Failure> {
    let one = lock(tx, number)?;
    let theirs = lock_of_absent(tx, &one, from)?;
    let taker = author(tx)?;
    let own = store::drafts::lock(tx, one.id, taker)?;
    let draft = Draft {
        author: taker,
        body: joined(own.as_ref(), &theirs),
        // What was meant for teammates must not become an answer to the contact.
        note: writing.is_note() || own.as_ref().is_some_and(|own| own.note),
        version: next_version(own.as_ref().map(|own| own.version), tx.now()),
        composer: String::new(),
        turn: 0,
        begun_by: Some(theirs.begun_by.unwrap_or(from)),
        updated_at: tx.now(),
    };
    if !store::drafts::set(tx, one.id, own.as_ref(), &draft)? {
        return Err(DraftRefusal::ChangedElsewhere.into());
    }
    store::drafts::delete(tx, one.id, from)?;
    Ok(tx.record(Event::DraftTakenOver { conversation: one.id, from }).with(draft))
}

/// Throws away the draft of somebody who cannot log in.
///
/// # Errors
/// [`Failure::NotFound`], a [`DraftRefusal`], or trouble with the database.
pub fn discard(
    tx: &mut Tx,
    _: &Can<handovers::Run>,
    number: ConversationNumber,
    from: UserId,
) -> Result<Recorded<()>, Failure> {
    let one = lock(tx, number)?;
    lock_of_absent(tx, &one, from)?;
    store::drafts::delete(tx, one.id, from)?;
    Ok(tx.record(Event::DraftDiscarded { conversation: one.id, from }))
}

fn lock_of_absent(tx: &mut Tx, one: &Conversation, from: UserId) -> Result<Draft, Failure> {
    let holder = store::users::find(tx, from)?.ok_or(Failure::NotFound)?;
    let theirs = store::drafts::lock(tx, one.id, from)?.ok_or(Failure::NotFound)?;
    if !crate::domain::users::Status::CANNOT_LOG_IN.contains(&holder.status) {
        return Err(DraftRefusal::AuthorActive.into());
    }
    Ok(theirs)
}
