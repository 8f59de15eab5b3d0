//! Takes a mail in: files to disk, then the message into its conversation, or the whole aside.

use crate::actions::incoming::{self, Raw, Received, StoredFile, Way};
use crate::domain::access::{Cause, Scope};
use crate::domain::ids::{ChannelId, WorkspaceId};
use crate::failure::Failure;
use crate::files::Files;
use crate::mail::incoming::{Incoming, read};
use crate::store::Db;

/// Takes one mail in. Runs where it may block.
///
/// # Errors
/// If files cannot be written, or trouble with the database: nothing was taken then, and it can be tried again.
pub fn ingest(
    db: &Db,
    files: &Files,
    (workspace, channel): (WorkspaceId, ChannelId),
    bytes: &[u8],
    way: Way,
) -> Result<Received, Failure> {
    let io = |error| Failure::Io("a mail could not be kept", error);
    let size = |bytes: &[u8]| i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    let raw = Raw { sha256: files.keep(workspace, bytes).map_err(io)?, size: size(bytes) };
    let scope = Scope::system(workspace, Some(Cause::IncomingMail));
    let mail = match read(bytes) {
        Ok(mail) => mail,
        Err(problem) => return set_aside(db, files, (workspace, channel), bytes, problem.code()),
    };
    let kept = keep_files(files, workspace, &mail)?;
    db.write_now(&scope, |tx| incoming::receive(tx, (channel, way), &raw, &mail, &kept))
}

/// Writes the files of a mail to disk. Runs where it may block.
///
/// # Errors
/// If they cannot be written.
pub fn keep_files(files: &Files, workspace: WorkspaceId, mail: &Incoming) -> Result<Vec<StoredFile>, Failure> {
    let kept = mail.attachments.iter().map(|file| {
        Ok(StoredFile {
            file_name: file.file_name.clone(),
            content_type: file.content_type.clone(),
            size: i64::try_from(file.bytes.len()).unwrap_or(i64::MAX),
            sha256: files.keep(workspace, &file.bytes)?,
        })
    });
    kept.collect::<Result<Vec<_>, _>>().map_err(|error| Failure::Io("a mail could not be kept", error))
}

/// Keeps a mail aside that cannot be taken in, or what there is of it. Runs where it may block.
///
/// # Errors
/// As [`ingest`].
pub fn set_aside(
    db: &Db,
    files: &Files,
    (workspace, channel): (WorkspaceId, ChannelId),
    bytes: &[u8],
    problem: &'static str,
) -> Result<Received, Failure> {
    let sha256 = files.keep(workspace, bytes).map_err(|error| Failure::Io("a mail could not be kept", error))?;
    let raw = Raw { sha256, size: i64::try_from(bytes.len()).unwrap_or(i64::MAX) };
    let scope = Scope::system(workspace, Some(Cause::IncomingMail));
    db.write_now(&scope, |tx| incoming::quarantine(tx, channel, &raw, problem))
}
