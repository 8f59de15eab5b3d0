//! Sessions: who is logged in where. Ending one is a delete, effective at the next request of any instance (S-2, S-3).

use chrono::{DateTime, Utc};
use diesel::dsl::auto_type;
use diesel::prelude::*;

use super::db::{Rx, Tx};
use super::schema::{sessions, users};
use super::types::At;
use crate::domain::ids::{SessionId, UserId, WorkspaceId};
use crate::domain::users::Status;
use crate::failure::Failure;

/// A session, as people see it.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its id; not the key in the cookie.
    pub id: SessionId,
    /// The network address that it was last used from.
    pub address: String,
    /// The browser, as it calls itself.
    pub device: String,
    /// When it was made by logging in.
    pub created_at: DateTime<Utc>,
    /// When it was last used, to the minute.
    pub last_seen_at: DateTime<Utc>,
}

#[auto_type]
fn ours(workspace: WorkspaceId) -> _ {
    sessions::table.filter(sessions::workspace_id.eq(workspace))
}

/// A user's sessions, last used first.
///
/// # Errors
/// Trouble with the database.
pub fn list_of_user(rx: &mut Rx, user: UserId) -> Result<Vec<Session>, Failure> {
    let rows: Vec<(SessionId, String, String, At, At)> = ours(rx.workspace())
        .filter(sessions::user_id.eq(user))
        .order((sessions::last_seen_at.desc(), sessions::id))
        .select((sessions::id, sessions::address, sessions::device, sessions::created_at, sessions::last_seen_at))
        .load(rx.conn)?;
    Ok(rows
        .into_iter()
        .map(|(id, address, device, created, seen)| Session {
            id,
            address,
            device,
            created_at: created.0,
            last_seen_at: seen.0,
        })
        .collect())
}

/// When a session was made and last used, if there still is one and its user can log in.
///
/// # Errors
/// Trouble with the database.
pub fn find_times(rx: &mut Rx, user: UserId, id: SessionId) -> Result<Option<(DateTime<Utc>, DateTime<Utc>)>, Failure> {
    let found: Option<(At, At)> = ours(rx.workspace())
        .inner_join(users::table.on(users::id.eq(sessions::user_id)))
        .filter(sessions::id.eq(id))
        .filter(sessions::user_id.eq(user))
        .filter(users::status.eq(Status::Active.as_str()))
        .select((sessions::created_at, sessions::last_seen_at))
        .first(rx.conn)
        .optional()?;
    Ok(found.map(|(created, seen)| (created.0, seen.0)))
}

/// How many sessions a user has.
///
/// # Errors
/// Trouble with the database.
pub fn count_of_user(rx: &mut Rx, user: UserId) -> Result<i64, Failure> {
    Ok(ours(rx.workspace()).filter(sessions::user_id.eq(user)).count().get_result(rx.conn)?)
}

/// Adds the session of somebody who is let in, under the hash of its key; says which it is.
///
/// # Errors
/// Trouble with the database.
pub fn insert(
    tx: &mut Tx,
    user: UserId,
    key_hash: &str,
    (address, device): (&str, &str),
) -> Result<SessionId, Failure> {
    let (id, workspace, now): (SessionId, _, _) = (tx.new_id(), tx.workspace(), At(tx.now()));
    diesel::insert_into(sessions::table)
        .values((
            sessions::id.eq(id),
            sessions::key_hash.eq(key_hash),
            sessions::workspace_id.eq(workspace),
            sessions::user_id.eq(user),
            sessions::state.eq("{}"),
            sessions::address.eq(address),
            sessions::device.eq(device),
            sessions::created_at.eq(now),
            sessions::last_seen_at.eq(now),
        ))
        .execute(tx.write())?;
    Ok(id)
}

/// Gives a session another key; the old one opens nothing any more.
///
/// # Errors
/// [`Failure::NotFound`] if it is none of theirs, or trouble with the database.
pub fn set_key(tx: &mut Tx, user: UserId, session: SessionId, key_hash: &str) -> Result<(), Failure> {
    let workspace = tx.workspace();
    let changed = diesel::update(
        sessions::table
            .filter(sessions::workspace_id.eq(workspace))
            .filter(sessions::user_id.eq(user))
            .filter(sessions::id.eq(session)),
    )
    .set(sessions::key_hash.eq(key_hash))
    .execute(tx.write())?;
    if changed == 1 { Ok(()) } else { Err(Failure::NotFound) }
}

/// Ends all sessions of a user but, if given, one; says how many.
///
/// # Errors
/// Trouble with the database.
pub fn delete_all_of(tx: &mut Tx, user: UserId, but: Option<SessionId>) -> Result<usize, Failure> {
    let workspace = tx.workspace();
    let all = sessions::table.filter(sessions::workspace_id.eq(workspace)).filter(sessions::user_id.eq(user));
    Ok(match but {
        Some(kept) => diesel::delete(all.filter(sessions::id.ne(kept))).execute(tx.write())?,
        None => diesel::delete(all).execute(tx.write())?,
    })
}

/// Ends one session of a user; says whether there was one.
///
/// # Errors
/// Trouble with the database.
pub fn delete(tx: &mut Tx, user: UserId, id: SessionId) -> Result<bool, Failure> {
    let workspace = tx.workspace();
    let ended = diesel::delete(
        sessions::table
            .filter(sessions::workspace_id.eq(workspace))
            .filter(sessions::user_id.eq(user))
            .filter(sessions::id.eq(id)),
    )
    .execute(tx.write())?;
    Ok(ended > 0)
}

/// Notes that a session was used just now, and from where.
///
/// # Errors
/// Trouble with the database.
pub fn set_seen(tx: &mut Tx, id: SessionId, address: &str) -> Result<(), Failure> {
    let (workspace, now) = (tx.workspace(), At(tx.now()));
    diesel::update(sessions::table.filter(sessions::workspace_id.eq(workspace)).filter(sessions::id.eq(id)))
        .set((sessions::last_seen_at.eq(now), sessions::address.eq(address)))
        .execute(tx.write())?;
    Ok(())
}
