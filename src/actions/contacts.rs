//! What is done to contacts: changing them, making one of two (C-16).

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::access::{Can, contacts as may};
use crate::domain::audit::Event;
use crate::domain::contacts::{ContactRefusal, joined_notes};
use crate::domain::ids::{ContactId, MergeId};
use crate::failure::Failure;
use crate::store::contacts::Contact;
use crate::store::{self, Recorded, Rx, Tx};

/// A contact as it is to be.
#[derive(Clone, Debug)]
pub struct Edit {
    /// The version that was edited.
    pub version: i64,
    /// Their name.
    pub name: String,
    /// Their addresses, the one that replies go to first.
    pub addresses: Vec<String>,
    /// What teammates should know.
    pub note: String,
}

fn lock(tx: &mut Tx, id: ContactId) -> Result<Contact, Failure> {
    let found = store::contacts::lock_many(tx, &[id])?.remove(&id).ok_or(Failure::NotFound)?;
    if found.merged_into.is_some() { Err(ContactRefusal::Merged.into()) } else { Ok(found) }
}

/// The words by which a contact's conversations are found are those of the contact.
fn renew_words(tx: &mut Tx, ids: &[ContactId]) -> Result<(), Failure> {
    for id in ids {
        let conversations = store::contacts::list_conversation_ids(tx, *id)?;
        store::search::renew(tx, &conversations)?;
    }
    Ok(())
}

/// Changes name, addresses and note.
///
/// # Errors
/// [`Failure::Stale`] if somebody else was quicker, a [`ContactRefusal`], [`Failure::NotFound`], or trouble with the
/// database.
pub fn update(tx: &mut Tx, _: &Can<may::Edit>, id: ContactId, edit: &Edit) -> Result<Recorded<()>, Failure> {
    let before = lock(tx, id)?;
    if before.version != edit.version {
        return Err(Failure::Stale);
    }
    if let Some(taken) = store::contacts::list_taken(tx, id, &edit.addresses)?.into_iter().next() {
        return Err(ContactRefusal::AddressTaken(taken).into());
    }
    let had = store::contacts::list_addresses(tx, &[id])?.remove(&id).unwrap_or_default();
    let changed =
        [("name", before.name != edit.name), ("addresses", had != edit.addresses), ("note", before.note != edit.note)];
    let fields: Vec<&'static str> =
        changed.into_iter().filter(|(_, changed)| *changed).map(|(field, _)| field).collect();
    if fields.is_empty() {
        return tx.unchanged(());
    }
    let first = edit.addresses.first().ok_or(Failure::Bug("a contact without address"))?;
    if had != edit.addresses && !store::contacts::set_addresses(tx, id, &edit.addresses)? {
        return Err(Failure::Stale);
    }
    let after = Contact { name: edit.name.clone(), email: first.clone(), note: edit.note.clone(), ..before };
    store::contacts::set(tx, &after)?;
    if fields.iter().any(|field| *field != "note") {
        renew_words(tx, &[id])?;
    }
    Ok(tx.record(Event::ContactUpdated { contact: id, fields }))
}

/// What a merge did.
#[derive(Clone, Copy, Debug)]
pub struct Merged {
    /// By which it is taken back.
    pub id: MergeId,
    /// How many conversations moved.
    pub conversations: usize,
}

/// Makes one of two contacts: conversations, with all that belongs to them, and addresses of `merged` go to `kept`.
///
/// # Errors
/// A [`ContactRefusal`], [`Failure::NotFound`], or trouble with the database.
pub fn merge(tx: &mut Tx, _: &Can<may::Edit>, kept: ContactId, merged: ContactId) -> Result<Recorded<Merged>, Failure> {
    if kept == merged {
        return Err(ContactRefusal::Same.into());
    }
    let mut both = store::contacts::lock_many(tx, &[kept, merged])?;
    let (stays, goes) = (both.remove(&kept).ok_or(Failure::NotFound)?, both.remove(&merged).ok_or(Failure::NotFound)?);
    if stays.merged_into.is_some() || goes.merged_into.is_some() {
        return Err(ContactRefusal::Merged.into());
    }
    let (id, conversations) = store::contact_merges::insert(tx, kept, &goes)?;
    let note = joined_notes(&stays.note, &goes.note);
    store::contacts::set(tx, &Contact { note, ..stays })?;
    renew_words(tx, &[kept])?;
    let moved = i64::try_from(conversations).unwrap_or(i64::MAX);
    Ok(tx
        .record(Event::ContactsMerged { contact: kept, merged, conversations: moved })
        .with(Merged { id, conversations }))
}

/// Since when merges can be taken back.
///
/// # Errors
/// Trouble with the database.
pub fn undo_since(rx: &mut Rx) -> Result<DateTime<Utc>, Failure> {
    Ok(rx.now() - TimeDelta::hours(i64::from(store::workspaces::this(rx)?.undo_hours)))
}

/// Takes a merge back: what is still where it was moved goes back. A note that was joined stays joined.
///
/// # Errors
/// A [`ContactRefusal`], [`Failure::NotFound`], or trouble with the database.
pub fn undo_merge(tx: &mut Tx, _: &Can<may::Edit>, id: MergeId) -> Result<Recorded<ContactId>, Failure> {
    let found = store::contact_merges::find(tx, id)?.ok_or(Failure::NotFound)?;
    let mut both = store::contacts::lock_many(tx, &[found.kept, found.merged])?;
    let merge = store::contact_merges::lock(tx, id)?;
    let gone = Failure::Bug("a merge without contacts");
    let (Some(kept), Some(merged)) = (both.remove(&merge.kept), both.remove(&merge.merged)) else { return Err(gone) };
    if merge.undone {
        return Err(ContactRefusal::Undone.into());
    }
    if merge.at < undo_since(tx)? {
        return Err(ContactRefusal::TooLate.into());
    }
    if kept.merged_into.is_some() || merged.merged_into != Some(kept.id) {
        return Err(ContactRefusal::MergedOnwards.into());
    }
    let Some(_) = store::contact_merges::set_undone(tx, &merge, &merged, &kept.email)? else {
        return Err(ContactRefusal::NothingLeft.into());
    };
    store::contacts::set(tx, &kept)?;
    renew_words(tx, &[kept.id, merged.id])?;
    Ok(tx.record(Event::ContactMergeUndone { contact: kept.id, merged: merged.id }).with(merged.id))
}
