//! The few look-ups that are made before a workspace is known: log-in, links, sessions, the installation itself. Each
//! answers with the workspace that it found; everything after that is scoped.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::db::{Ax, insert_new};
use super::schema::{
    channel_mail, channels, installation, invite_links, password_links, rosters, sessions, setup_links, users,
    workspaces,
};
use super::types::At;
use super::workspaces::{COLUMNS, Row, read};
use crate::domain::conversations::ChannelKind;
use crate::domain::ids::{ChannelId, ConversationId, SessionId, UserId, WorkspaceId};
use crate::domain::invites::LinkState;
use crate::domain::secrets::Secret;
use crate::domain::users::{Name, Status};
use crate::domain::workspaces::Workspace;
use crate::failure::Failure;

/// All workspaces, by name.
///
/// # Errors
/// Trouble with the database.
pub fn list_workspaces(ax: &mut Ax) -> Result<Vec<Workspace>, Failure> {
    let rows: Vec<Row> = workspaces::table.order((workspaces::name, workspaces::id)).select(COLUMNS).load(ax.conn)?;
    rows.into_iter().map(read).collect()
}

/// The workspace of this name in addresses.
///
/// # Errors
/// Trouble with the database.
pub fn find_workspace(ax: &mut Ax, slug: &str) -> Result<Option<Workspace>, Failure> {
    let row: Option<Row> =
        workspaces::table.filter(workspaces::slug.eq(slug)).select(COLUMNS).first(ax.conn).optional()?;
    row.map(read).transpose()
}

/// A session and who it is of.
#[derive(Clone, Debug)]
pub struct FoundSession {
    /// Its id.
    pub id: SessionId,
    /// The workspace.
    pub workspace: WorkspaceId,
    /// Who is logged in.
    pub user: UserId,
    /// Their names.
    pub name: Name,
    /// Their own time zone (IANA), if they set one.
    pub time_zone: Option<String>,
    /// Whether single letters are shortcuts for them.
    pub shortcuts: bool,
    /// What the session remembers, as JSON.
    pub state: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last used.
    pub last_seen_at: DateTime<Utc>,
    /// The workspace itself, and the stamp of its roster.
    pub stamped: (Workspace, i64),
}

type SessionRow =
    (SessionId, WorkspaceId, UserId, (String, String), (Option<String>, bool), String, At, At, (Row, i64));

/// The session of a key, if its user can log in. Whether it is too old is the caller's question.
///
/// # Errors
/// Trouble with the database.
pub fn find_session(ax: &mut Ax, key_hash: &str) -> Result<Option<FoundSession>, Failure> {
    let row: Option<SessionRow> = sessions::table
        .inner_join(users::table.on(users::id.eq(sessions::user_id)))
        .inner_join(workspaces::table.on(workspaces::id.eq(sessions::workspace_id)))
        .inner_join(rosters::table.on(rosters::workspace_id.eq(sessions::workspace_id)))
        .filter(sessions::key_hash.eq(key_hash))
        .filter(users::status.eq(Status::Active.as_str()))
        .select((
            sessions::id,
            sessions::workspace_id,
            sessions::user_id,
            (users::full_name, users::display_name),
            (users::time_zone, users::shortcuts),
            sessions::state,
            sessions::created_at,
            sessions::last_seen_at,
            (COLUMNS, rosters::stamp),
        ))
        .first(ax.conn)
        .optional()?;
    let Some(row) = row else { return Ok(None) };
    let (id, workspace, user, (full, display), (time_zone, shortcuts), state, created, seen, (around, stamp)) = row;
    Ok(Some(FoundSession {
        id,
        workspace,
        user,
        name: Name { full, display },
        time_zone,
        shortcuts,
        state,
        created_at: created.0,
        last_seen_at: seen.0,
        stamped: (read(around)?, stamp),
    }))
}

/// Changes what a session remembers. An ended session stays ended.
///
/// # Errors
/// Trouble with the database.
pub fn set_session_state(ax: &mut Ax, key_hash: &str, state: &str) -> Result<(), Failure> {
    diesel::update(sessions::table.filter(sessions::key_hash.eq(key_hash)))
        .set(sessions::state.eq(state))
        .execute(ax.conn)?;
    Ok(())
}

/// Ends the session of a key.
///
/// # Errors
/// Trouble with the database.
pub fn delete_session(ax: &mut Ax, key_hash: &str) -> Result<(), Failure> {
    diesel::delete(sessions::table.filter(sessions::key_hash.eq(key_hash))).execute(ax.conn)?;
    Ok(())
}

/// Removes sessions that nobody can use any more.
///
/// # Errors
/// Trouble with the database.
pub fn delete_dead_sessions(ax: &mut Ax) -> Result<usize, Failure> {
    let now = ax.now();
    Ok(diesel::delete(
        sessions::table.filter(
            sessions::created_at
                .lt(At(now - crate::domain::logins::ABSOLUTE))
                .or(sessions::last_seen_at.lt(At(now - crate::domain::logins::IDLE))),
        ),
    )
    .execute(ax.conn)?)
}

/// What an invite link leads to.
#[derive(Clone, Debug)]
pub struct FoundInvite {
    /// The workspace.
    pub workspace: Workspace,
    /// The user that it makes.
    pub user: UserId,
    /// Where the link stands.
    pub state: LinkState,
    /// When it dies.
    pub expires_at: DateTime<Utc>,
}

/// The invite link of this hash, dead or alive.
///
/// # Errors
/// Trouble with the database.
pub fn find_invite_link(ax: &mut Ax, token_hash: &str) -> Result<Option<FoundInvite>, Failure> {
    let row: Option<(Row, UserId, String, At)> = invite_links::table
        .inner_join(workspaces::table.on(workspaces::id.eq(invite_links::workspace_id)))
        .filter(invite_links::token_hash.eq(token_hash))
        .select((COLUMNS, invite_links::user_id, invite_links::state, invite_links::expires_at))
        .first(ax.conn)
        .optional()?;
    row.map(|(workspace, user, state, expires_at)| {
        let state = LinkState::parse(&state).ok_or_else(|| Failure::Corrupt("invite_links.state", state.clone()))?;
        Ok(FoundInvite { workspace: read(workspace)?, user, state, expires_at: expires_at.0 })
    })
    .transpose()
}

/// The workspace and user of a link for a forgotten password, if it is in time.
///
/// # Errors
/// Trouble with the database.
pub fn find_password_link(ax: &mut Ax, token_hash: &str) -> Result<Option<(WorkspaceId, UserId)>, Failure> {
    let now = At(ax.now());
    Ok(password_links::table
        .filter(password_links::token_hash.eq(token_hash))
        .filter(password_links::expires_at.gt(now))
        .select((password_links::workspace_id, password_links::user_id))
        .first(ax.conn)
        .optional()?)
}

/// Makes a link for the first run; earlier ones die. `None` if there is a workspace already.
///
/// # Errors
/// Trouble with the database.
pub fn insert_setup_link(ax: &mut Ax, secret: &Secret) -> Result<bool, Failure> {
    let any: Option<WorkspaceId> = workspaces::table.select(workspaces::id).first(ax.conn).optional()?;
    if any.is_some() {
        return Ok(false);
    }
    let now = At(ax.now());
    diesel::delete(setup_links::table).execute(ax.conn)?;
    diesel::insert_into(setup_links::table)
        .values((setup_links::token_hash.eq(secret.hash()), setup_links::created_at.eq(now)))
        .execute(ax.conn)?;
    Ok(true)
}

/// Whether this is the link for the first run.
///
/// # Errors
/// Trouble with the database.
pub fn has_setup_link(ax: &mut Ax, token_hash: &str) -> Result<bool, Failure> {
    let found: Option<String> = setup_links::table
        .filter(setup_links::token_hash.eq(token_hash))
        .select(setup_links::token_hash)
        .first(ax.conn)
        .optional()?;
    Ok(found.is_some())
}

/// A value that the whole installation keeps, if it was made.
///
/// # Errors
/// Trouble with the database.
pub fn find_setting(ax: &mut Ax, name: &str) -> Result<Option<String>, Failure> {
    let value = installation::table.filter(installation::name.eq(name)).select(installation::value).first(ax.conn);
    Ok(value.optional()?)
}

/// A value that the whole installation keeps, made once: of two instances that start at once, both get the same.
///
/// # Errors
/// Trouble with the database.
pub fn find_or_insert_setting(ax: &mut Ax, name: &str, value: &str) -> Result<String, Failure> {
    insert_new!(ax.conn, installation::table, (installation::name.eq(name), installation::value.eq(value)))?;
    Ok(installation::table.filter(installation::name.eq(name)).select(installation::value).first(ax.conn)?)
}

/// A mail channel of any workspace.
#[derive(Clone, Debug)]
pub struct MailChannel {
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// Its id.
    pub channel: ChannelId,
    /// Its address.
    pub address: String,
    /// Its address, as it is compared.
    pub address_key: String,
    /// What signs its answer addresses, if it gave one out yet.
    pub secret: Option<String>,
}

/// The mail channels that have one of these addresses, of all workspaces.
///
/// # Errors
/// Trouble with the database.
pub fn list_mail_channels(ax: &mut Ax, address_keys: &[String]) -> Result<Vec<MailChannel>, Failure> {
    type Row = (WorkspaceId, ChannelId, String, String, Option<String>);
    let rows: Vec<Row> = channels::table
        .left_join(channel_mail::table.on(channel_mail::channel_id.eq(channels::id)))
        .filter(channels::kind.eq(ChannelKind::Email.as_str()))
        .filter(channels::address_key.eq_any(address_keys))
        .order((channels::workspace_id, channels::id))
        .select((
            channels::workspace_id,
            channels::id,
            channels::address,
            channels::address_key,
            channel_mail::reply_secret.nullable(),
        ))
        .load(ax.conn)?;
    Ok(rows
        .into_iter()
        .map(|(workspace, channel, address, address_key, secret)| MailChannel {
            workspace,
            channel,
            address,
            address_key,
            secret,
        })
        .collect())
}

/// The addresses that several mail channels have, from before each had to be of one.
///
/// # Errors
/// Trouble with the database.
pub fn list_shared_addresses(ax: &mut Ax) -> Result<Vec<String>, Failure> {
    let keys: Vec<String> = channels::table
        .filter(channels::kind.eq(ChannelKind::Email.as_str()))
        .filter(channels::mail_key.is_null())
        .order(channels::address_key)
        .select(channels::address_key)
        .load(ax.conn)?;
    let mut shared: Vec<String> =
        keys.iter().zip(keys.iter().skip(1)).filter(|(one, next)| one == next).map(|(one, _)| one.clone()).collect();
    shared.dedup();
    Ok(shared)
}

/// Conversations whose snooze is over, of all workspaces, longest over first.
///
/// # Errors
/// Trouble with the database.
pub fn list_due_snoozes(ax: &mut Ax, limit: i64) -> Result<Vec<(WorkspaceId, ConversationId)>, Failure> {
    use super::schema::conversations as c;
    let now = At(ax.now());
    let rows: Vec<(WorkspaceId, i64)> = c::table
        .filter(c::snoozed_until.is_not_null())
        .filter(c::snoozed_until.le(now))
        .filter(c::status.eq(crate::domain::conversations::Status::Snoozed.as_str()))
        .order(c::snoozed_until)
        .limit(limit)
        .select((c::workspace_id, c::id))
        .load(ax.conn)?;
    Ok(rows.into_iter().map(|(workspace, id)| (workspace, ConversationId(id))).collect())
}

/// Active users whose planned deactivation is due, of all workspaces, longest due first.
///
/// # Errors
/// Trouble with the database.
pub fn list_due_deactivations(ax: &mut Ax, limit: i64) -> Result<Vec<(WorkspaceId, UserId)>, Failure> {
    let now = At(ax.now());
    Ok(users::table
        .filter(users::deactivates_at.is_not_null())
        .filter(users::deactivates_at.le(now))
        .filter(users::deactivation_refused_at.is_null())
        .filter(users::status.eq(Status::Active.as_str()))
        .order((users::deactivates_at, users::id))
        .limit(limit)
        .select((users::workspace_id, users::id))
        .load(ax.conn)?)
}

/// Inactive users whose return is due, of all workspaces, longest due first.
///
/// # Errors
/// Trouble with the database.
pub fn list_due_returns(ax: &mut Ax, limit: i64) -> Result<Vec<(WorkspaceId, UserId)>, Failure> {
    let now = At(ax.now());
    Ok(users::table
        .filter(users::returns_at.is_not_null())
        .filter(users::returns_at.le(now))
        .filter(users::status.eq(Status::Inactive.as_str()))
        .order((users::returns_at, users::id))
        .limit(limit)
        .select((users::workspace_id, users::id))
        .load(ax.conn)?)
}

/// Workspaces whose rule for people who stop coming is to be looked at, and since when.
///
/// # Errors
/// Trouble with the database.
pub fn list_due_inactivity(ax: &mut Ax) -> Result<Vec<(WorkspaceId, DateTime<Utc>)>, Failure> {
    let now = At(ax.now());
    let rows: Vec<(WorkspaceId, At)> = workspaces::table
        .filter(workspaces::inactivity_next_at.is_not_null())
        .filter(workspaces::inactivity_next_at.le(now))
        .order(workspaces::inactivity_next_at)
        .select((workspaces::id, workspaces::inactivity_next_at.assume_not_null()))
        .load(ax.conn)?;
    Ok(rows.into_iter().map(|(workspace, since)| (workspace, since.0)).collect())
}

/// Uses up the link for the first run, in the unit of work that makes the workspace. Says whether it was there.
///
/// # Errors
/// Trouble with the database.
pub fn take_setup_link(tx: &mut super::Tx, token_hash: &str) -> Result<bool, Failure> {
    let any: Option<WorkspaceId> = workspaces::table.select(workspaces::id).first(tx.conn).optional()?;
    let taken =
        diesel::delete(setup_links::table.filter(setup_links::token_hash.eq(token_hash))).execute(tx.write())?;
    Ok(taken == 1 && any.is_none())
}
