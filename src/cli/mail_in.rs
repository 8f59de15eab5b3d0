//! `ingest-mail` and `import-mbox`.

use std::io::Read as _;
use std::path::Path;

use super::say;
use crate::actions::incoming::{Received, Way};
use crate::config::Config;
use crate::domain::conversations::ChannelKind;
use crate::domain::ids::{ChannelId, WorkspaceId};
use crate::domain::text;
use crate::files::Files;
use crate::mail::mbox;
use crate::store::{self, Db, anywhere};
use crate::tasks::ingest;

/// The mail channel of an address.
fn find(db: &Db, address: &str, slug: Option<&str>) -> Result<(WorkspaceId, ChannelId), String> {
    let all = db.look_anywhere_now(anywhere::list_workspaces).map_err(|failure| failure.to_string())?;
    if let Some(slug) = slug.filter(|slug| !all.iter().any(|workspace| workspace.slug == *slug)) {
        return Err(format!("There is no workspace {slug}. Check --workspace."));
    }
    let mut found = Vec::new();
    for workspace in all.iter().filter(|workspace| slug.is_none_or(|slug| workspace.slug == slug)) {
        let channels = db.read_now(workspace.id, store::channels::list).map_err(|failure| failure.to_string())?;
        found.extend(
            channels
                .iter()
                .filter(|one| one.kind == ChannelKind::Email && text::key(&one.address) == text::key(address))
                .map(|channel| (workspace.id, channel.id)),
        );
    }
    match found.as_slice() {
        [one] => Ok(*one),
        [] => Err(format!("There is no mail channel with the address {address}. Check --channel.")),
        _ => Err(format!("Several workspaces use {address}. Say which with --workspace.")),
    }
}

pub(super) fn ingest(config: &Config, db: &Db, address: &str, slug: Option<&str>) -> Result<(), String> {
    let here = find(db, address, slug)?;
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .read_to_end(&mut bytes)
        .map_err(|error| format!("Standard input cannot be read: {error}."))?;
    let files = Files::new(&config.data_dir);
    let received = ingest::ingest(db, &files, here, &bytes, Way::Delivered).map_err(|failure| failure.to_string())?;
    match received {
        Received::Stored(number) => say(&format!("Conversation {number}.")),
        Received::Noted(number) => say(&format!("A report about a reply of conversation {number}.")),
        Received::Quarantined(id) => say(&format!("Kept aside; Settings → Outbox says why: {id}.")),
        Received::Duplicate => say("Received before."),
    }
    Ok(())
}

pub(super) fn import(config: &Config, db: &Db, file: &Path, address: &str, slug: Option<&str>) -> Result<(), String> {
    let here = find(db, address, slug)?;
    let unreadable = |error: std::io::Error| {
        format!("The file {} cannot be read ({error}). Name an mbox file that this user can read.", file.display())
    };
    let reader = std::io::BufReader::new(std::fs::File::open(file).map_err(unreadable)?);
    let files = Files::new(&config.data_dir);
    let (mut stored, mut aside, mut known) = (0, 0, 0);
    for message in mbox::messages(reader) {
        let bytes = message.map_err(unreadable)?;
        match ingest::ingest(db, &files, here, &bytes, Way::Collected).map_err(|failure| failure.to_string())? {
            Received::Stored(_) | Received::Noted(_) => stored += 1,
            Received::Quarantined(_) => aside += 1,
            Received::Duplicate => known += 1,
        }
    }
    say(&format!("{stored} stored, {aside} kept aside, {known} received before."));
    Ok(())
}
