//! Two conversations with one contact that become one (C-16).

use crate::domain::access::{Can, Sees, conversations as may};
use crate::domain::audit::Event;
use crate::domain::conversations::{Conversation, Status, StatusChange, may_merge};
use crate::domain::drafts::{Draft, joined, next_version};
use crate::domain::ids::{ConversationId, ConversationNumber};
use crate::failure::Failure;
use crate::store::{self, Recorded, Tx};

/// The conversation in which what belongs to another one goes on, locked: that one itself, unless it was merged. With
/// whoever handled it, if it is settled.
///
/// # Errors
/// Trouble with the database.
pub(super) fn lock_current(tx: &mut Tx, id: ConversationId) -> Result<Option<Conversation>, Failure> {
    let mut id = id;
    loop {
        store::removal::lock_holders_of_settled(tx, &[id])?;
        let found = store::conversations::lock_many(tx, &[id])?.into_iter().next();
        match found.as_ref().and_then(|one| one.merged_into) {
            // Nothing is merged into what was merged itself, so this ends.
            Some(next) => id = next,
            None => return Ok(found),
        }
    }
}

/// Moves everything of one conversation into another one with the same contact. What is left is archived and leads there.
///
/// # Errors
/// A [`crate::domain::conversations::ConversationRefusal`], [`Failure::NotFound`], or trouble with the database.
pub fn merge(
    tx: &mut Tx,
    _: &Can<may::ChangeStatus>,
    number: ConversationNumber,
    into: ConversationNumber,
) -> Result<Recorded<Conversation>, Failure> {
    let sees = Sees::of(tx.actor());
    let from = store::conversations::find(tx, number, &sees)?.ok_or(Failure::NotFound)?.id;
    let to = store::conversations::find(tx, into, &sees)?.ok_or(Failure::NotFound)?.id;
    store::removal::lock_holders_of_settled(tx, &[to])?;
    let both = store::conversations::lock_many(tx, &[from, to])?;
    let seen = |id| {
        let found = both.iter().find(|one| one.id == id).cloned();
        found.filter(|one| sees.covers(one.assignee, one.team, one.channel)).ok_or(Failure::NotFound)
    };
    let (from, to) = (seen(from)?, seen(to)?);
    may_merge(&from, &to)?;
    merge_drafts(tx, &from, &to)?;
    store::conversation_merges::set_merged(tx, &from, &to)?;
    let mut events = vec![
        Event::ConversationMerged { conversation: from.id, into: to.number },
        Event::ConversationAbsorbed { conversation: to.id, from: from.number },
    ];
    let works = |status| matches!(status, Status::Open | Status::Snoozed);
    let to = store::conversations::lock_many(tx, &[to.id])?.into_iter().next().ok_or(Failure::NotFound)?;
    // What somebody still had to act on does not end because it moved.
    if from.status == Status::Open && to.status != Status::Open {
        let opened = super::conversations::without_gone_holder(tx, &to, Status::Open)?;
        store::conversations::set_status(tx, &opened, StatusChange::Open.to(), None)?;
        events.push(status_event(&to, Status::Open));
    } else if works(from.status) && !works(to.status) {
        let asleep = super::conversations::without_gone_holder(tx, &to, Status::Snoozed)?;
        store::conversations::set_status(tx, &asleep, Status::Snoozed, from.snoozed_until)?;
        events.push(status_event(&to, Status::Snoozed));
    }
    store::search::renew(tx, &[from.id, to.id])?;
    Ok(tx.record_all(events)?.with(to))
}

fn status_event(one: &Conversation, to: Status) -> Event {
    Event::ConversationStatusChanged { conversation: one.id, from: one.status, to, until: None }
}

/// Whoever has a draft in both finds the two in one.
fn merge_drafts(tx: &mut Tx, from: &Conversation, to: &Conversation) -> Result<(), Failure> {
    for theirs in store::drafts::list_of_conversation(tx, from.id)? {
        let author = theirs.author;
        let own = store::drafts::lock(tx, to.id, author)?;
        let draft = Draft {
            body: joined(own.as_ref(), &theirs),
            version: next_version(own.as_ref().map(|own| own.version), tx.now()),
            note: own.as_ref().map_or(theirs.note, |own| own.note || theirs.note),
            ..theirs
        };
        store::drafts::set(tx, to.id, own.as_ref(), &draft)?;
        store::drafts::delete(tx, from.id, author)?;
    }
    Ok(())
}
