//! Channels and their members. Every query of this file starts at [`ours`] or at the members of this workspace.

use std::collections::HashMap;

use diesel::dsl::auto_type;
use diesel::prelude::*;

use super::db::{Rx, Tx, insert_new};
use super::schema::{channel_members, channels};
use super::types::At;
use crate::domain::conversations::ChannelKind;
use crate::domain::ids::{ChannelId, TeamId, UserId, WorkspaceId};
use crate::failure::Failure;

/// Where conversations come from.
#[derive(Clone, Debug)]
pub struct Channel {
    /// Its id.
    pub id: ChannelId,
    /// What it is.
    pub kind: ChannelKind,
    /// Its name.
    pub name: String,
    /// Its address: of mail, a telephone number, an account.
    pub address: String,
    /// The team that its conversations start with.
    pub default_team: Option<TeamId>,
}

#[auto_type]
fn ours(workspace: WorkspaceId) -> _ {
    channels::table.filter(channels::workspace_id.eq(workspace))
}

type Row = (ChannelId, String, String, String, Option<TeamId>);

fn read((id, kind, name, address, default_team): Row) -> Result<Channel, Failure> {
    let kind = ChannelKind::parse(&kind).ok_or_else(|| Failure::Corrupt("channels.kind", kind.clone()))?;
    Ok(Channel { id, kind, name, address, default_team })
}

/// All channels, by name.
///
/// # Errors
/// Trouble with the database.
pub fn list(rx: &mut Rx) -> Result<Vec<Channel>, Failure> {
    let rows: Vec<Row> = ours(rx.workspace())
        .order((channels::name_key, channels::id))
        .select((channels::id, channels::kind, channels::name, channels::address, channels::default_team_id))
        .load(rx.conn)?;
    rows.into_iter().map(read).collect()
}

/// A channel of this workspace.
///
/// # Errors
/// Trouble with the database.
pub fn find(rx: &mut Rx, id: ChannelId) -> Result<Option<Channel>, Failure> {
    let row: Option<Row> = ours(rx.workspace())
        .filter(channels::id.eq(id))
        .select((channels::id, channels::kind, channels::name, channels::address, channels::default_team_id))
        .first(rx.conn)
        .optional()?;
    row.map(read).transpose()
}

/// Adds a channel.
///
/// # Errors
/// Trouble with the database.
pub fn insert(
    tx: &mut Tx,
    kind: ChannelKind,
    name: &str,
    address: &str,
    default_team: Option<TeamId>,
) -> Result<ChannelId, Failure> {
    let (id, workspace, now): (ChannelId, _, _) = (tx.new_id(), tx.workspace(), At(tx.now()));
    diesel::insert_into(channels::table)
        .values((
            channels::id.eq(id),
            channels::workspace_id.eq(workspace),
            channels::kind.eq(kind.as_str()),
            channels::name.eq(name),
            channels::name_key.eq(crate::domain::text::key(name)),
            channels::address.eq(address),
            channels::address_key.eq(crate::domain::text::key(address)),
            channels::default_team_id.eq(default_team),
            channels::created_at.eq(now),
        ))
        .execute(tx.write())?;
    Ok(id)
}

/// Which channels some users are members of.
///
/// # Errors
/// Trouble with the database.
pub fn list_of_users(rx: &mut Rx, members: &[UserId]) -> Result<HashMap<UserId, Vec<ChannelId>>, Failure> {
    let rows: Vec<(UserId, ChannelId)> = channel_members::table
        .filter(channel_members::workspace_id.eq(rx.workspace()))
        .filter(channel_members::user_id.eq_any(members))
        .select((channel_members::user_id, channel_members::channel_id))
        .load(rx.conn)?;
    let mut held: HashMap<UserId, Vec<ChannelId>> = HashMap::new();
    for (user, channel) in rows {
        held.entry(user).or_default().push(channel);
    }
    Ok(held)
}

/// Adds a member; says whether they were none before.
///
/// # Errors
/// Trouble with the database.
pub fn insert_member(tx: &mut Tx, channel: ChannelId, user: UserId) -> Result<bool, Failure> {
    let workspace = tx.workspace();
    let added = insert_new!(
        tx.write(),
        channel_members::table,
        (
            channel_members::workspace_id.eq(workspace),
            channel_members::channel_id.eq(channel),
            channel_members::user_id.eq(user),
        )
    )?;
    Ok(added > 0)
}

/// Removes a member; says whether they were one.
///
/// # Errors
/// Trouble with the database.
pub fn delete_member(tx: &mut Tx, channel: ChannelId, user: UserId) -> Result<bool, Failure> {
    let workspace = tx.workspace();
    let removed = diesel::delete(
        channel_members::table
            .filter(channel_members::workspace_id.eq(workspace))
            .filter(channel_members::channel_id.eq(channel))
            .filter(channel_members::user_id.eq(user)),
    )
    .execute(tx.write())?;
    Ok(removed > 0)
}
