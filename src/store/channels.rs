//! Channels and their members. Every query of this file starts at [`ours`] or at the members of this workspace.

use std::collections::HashMap;

use diesel::dsl::auto_type;
use diesel::prelude::*;

use super::db::{Rx, Tx, insert_in_parts, insert_new, load_doomed, load_locked};
use super::errors::{UniqueKey, unique_key};
use super::schema::{channel_members, channels, conversations, outbox, received_mails, users};
use super::types::At;
pub use crate::domain::channels::Channel;
use crate::domain::channels::ChannelRefusal;
use crate::domain::conversations::{ChannelKind, Status as ConversationStatus};
use crate::domain::ids::{ChannelId, TeamId, UserId, WorkspaceId};
use crate::domain::text::key;
use crate::domain::users::{Name, Status};
use crate::failure::Failure;

#[auto_type]
fn ours(workspace: WorkspaceId) -> _ {
    channels::table.filter(channels::workspace_id.eq(workspace))
}

type Row = (ChannelId, String, String, String, Option<TeamId>, Option<UserId>, i64);

macro_rules! columns {
    () => {
        (
            channels::id,
            channels::kind,
            channels::name,
            channels::address,
            channels::default_team_id,
            channels::default_user_id,
            channels::version,
        )
    };
}

fn read((id, kind, name, address, default_team, default_user, version): Row) -> Result<Channel, Failure> {
    let kind = ChannelKind::parse(&kind).ok_or_else(|| Failure::Corrupt("channels.kind", kind.clone()))?;
    Ok(Channel { id, kind, name, address, default_team, default_user, version })
}

/// All channels, by name.
///
/// # Errors
/// Trouble with the database.
pub fn list(rx: &mut Rx) -> Result<Vec<Channel>, Failure> {
    let rows: Vec<Row> =
        ours(rx.workspace()).order((channels::name_key, channels::id)).select(columns!()).load(rx.conn)?;
    rows.into_iter().map(read).collect()
}

/// A channel of this workspace.
///
/// # Errors
/// Trouble with the database.
pub fn find(rx: &mut Rx, id: ChannelId) -> Result<Option<Channel>, Failure> {
    let row: Option<Row> =
        ours(rx.workspace()).filter(channels::id.eq(id)).select(columns!()).first(rx.conn).optional()?;
    row.map(read).transpose()
}

/// The channel, locked until the end of the unit of work.
///
/// # Errors
/// [`Failure::NotFound`], or trouble with the database.
pub fn lock(tx: &mut Tx, id: ChannelId) -> Result<Channel, Failure> {
    let workspace = tx.workspace();
    let rows: Vec<Row> = load_locked!(tx, Row, ours(workspace).filter(channels::id.eq(id)).select(columns!()))?;
    rows.into_iter().next().map(read).transpose()?.ok_or(Failure::NotFound)
}

/// The channel, locked so that nothing more can come in by it: it is to be deleted.
///
/// # Errors
/// [`Failure::NotFound`], or trouble with the database.
pub fn lock_to_delete(tx: &mut Tx, id: ChannelId) -> Result<Channel, Failure> {
    let workspace = tx.workspace();
    let rows: Vec<Row> = load_doomed!(tx, Row, ours(workspace).filter(channels::id.eq(id)).select(columns!()))?;
    rows.into_iter().next().map(read).transpose()?.ok_or(Failure::NotFound)
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
            channels::name_key.eq(key(name)),
            channels::address.eq(address),
            channels::address_key.eq(key(address)),
            channels::default_team_id.eq(default_team),
            channels::version.eq(1),
            channels::created_at.eq(now),
            channels::mail_key.eq((kind == ChannelKind::Email).then(|| key(address))),
        ))
        .execute(tx.write())?;
    Ok(id)
}

/// What a write that ran into another channel's name or address means.
#[must_use]
pub fn taken(failure: Failure, name: &str, address: &str) -> Failure {
    let Failure::Database(error) = &failure else { return failure };
    match unique_key(error) {
        Some(UniqueKey::ChannelName) => ChannelRefusal::NameTaken(name.to_owned()).into(),
        Some(UniqueKey::ChannelAddress) => ChannelRefusal::AddressTaken(address.to_owned()).into(),
        Some(UniqueKey::MailAddress) => ChannelRefusal::AddressElsewhere(address.to_owned()).into(),
        _ => failure,
    }
}

/// Whether the address of a mail channel leads to another channel of this installation already, be it in a workspace that nobody
/// here may know of.
///
/// # Errors
/// Trouble with the database.
pub fn is_mail_address_taken(tx: &mut Tx, except: Option<ChannelId>, address: &str) -> Result<bool, Failure> {
    let found: Vec<ChannelId> = channels::table
        .filter(channels::kind.eq(ChannelKind::Email.as_str()))
        .filter(channels::address_key.eq(key(address)))
        .select(channels::id)
        .load(tx.locking())?;
    Ok(found.into_iter().any(|id| Some(id) != except))
}

/// Notes that the address of a mail channel is its own.
///
/// # Errors
/// [`ChannelRefusal::AddressElsewhere`], or trouble with the database.
pub fn set_mail_address(tx: &mut Tx, id: ChannelId, address: &str) -> Result<(), Failure> {
    let workspace = tx.workspace();
    diesel::update(channels::table.filter(channels::workspace_id.eq(workspace)).filter(channels::id.eq(id)))
        .set(channels::mail_key.eq(key(address)))
        .execute(tx.write())
        .map_err(|error| taken(error.into(), "", address))?;
    Ok(())
}

/// Changes name, address and default of a channel to those given.
///
/// # Errors
/// [`ChannelRefusal::NameTaken`], [`ChannelRefusal::AddressTaken`], or trouble with the database.
pub fn set(tx: &mut Tx, channel: &Channel) -> Result<(), Failure> {
    let workspace = tx.workspace();
    diesel::update(channels::table.filter(channels::workspace_id.eq(workspace)).filter(channels::id.eq(channel.id)))
        .set((
            channels::name.eq(&channel.name),
            channels::name_key.eq(key(&channel.name)),
            channels::address.eq(&channel.address),
            channels::address_key.eq(key(&channel.address)),
            channels::default_team_id.eq(channel.default_team),
            channels::default_user_id.eq(channel.default_user),
            channels::version.eq(channel.version + 1),
        ))
        .execute(tx.write())
        .map_err(|error| taken(error.into(), &channel.name, &channel.address))?;
    Ok(())
}

/// How many mails that came in by a channel could not be read.
///
/// # Errors
/// Trouble with the database.
pub fn count_quarantined(rx: &mut Rx, id: ChannelId) -> Result<i64, Failure> {
    Ok(received_mails::table
        .filter(received_mails::workspace_id.eq(rx.workspace()))
        .filter(received_mails::channel_id.eq(id))
        .filter(received_mails::problem.is_not_null())
        .count()
        .get_result(rx.conn)?)
}

/// Removes a channel by which nothing came in but what was noted elsewhere: reports about replies of others, and mails that stand in
/// conversations of others.
///
/// # Errors
/// Trouble with the database.
pub fn delete(tx: &mut Tx, id: ChannelId) -> Result<(), Failure> {
    let workspace = tx.workspace();
    diesel::delete(
        received_mails::table
            .filter(received_mails::workspace_id.eq(workspace))
            .filter(received_mails::channel_id.eq(id)),
    )
    .execute(tx.write())?;
    diesel::update(outbox::table.filter(outbox::workspace_id.eq(workspace)).filter(outbox::channel_id.eq(id)))
        .set(outbox::channel_id.eq(None::<ChannelId>))
        .execute(tx.write())?;
    diesel::delete(channels::table.filter(channels::workspace_id.eq(workspace)).filter(channels::id.eq(id)))
        .execute(tx.write())?;
    Ok(())
}

/// How many conversations, of any status, came in by a channel.
///
/// # Errors
/// Trouble with the database.
pub fn count_conversations(rx: &mut Rx, id: ChannelId) -> Result<i64, Failure> {
    Ok(conversations::table
        .filter(conversations::workspace_id.eq(rx.workspace()))
        .filter(conversations::channel_id.eq(id))
        .count()
        .get_result(rx.conn)?)
}

/// How many conversations of each channel are open.
///
/// # Errors
/// Trouble with the database.
pub fn count_open(rx: &mut Rx) -> Result<HashMap<ChannelId, i64>, Failure> {
    let rows: Vec<(ChannelId, i64)> = conversations::table
        .filter(conversations::workspace_id.eq(rx.workspace()))
        .filter(conversations::status.eq(ConversationStatus::Open.as_str()))
        .group_by(conversations::channel_id)
        .select((conversations::channel_id, diesel::dsl::count_star()))
        .load(rx.conn)?;
    Ok(rows.into_iter().collect())
}

/// Why replies from an address could not be sent, if the last that was tried could not; by address.
///
/// # Errors
/// Trouble with the database.
pub fn list_problems(rx: &mut Rx) -> Result<HashMap<String, String>, Failure> {
    let rows: Vec<(Option<String>, String, Option<String>)> = outbox::table
        .filter(outbox::workspace_id.eq(rx.workspace()))
        .filter(outbox::from_address.is_not_null())
        .filter(
            outbox::state.eq_any(["sent", "failed"]).or(outbox::state.eq("queued").and(outbox::problem.is_not_null())),
        )
        .order(outbox::created_at.desc())
        .limit(500)
        .select((outbox::from_address, outbox::state, outbox::problem))
        .load(rx.conn)?;
    let mut latest: HashMap<String, Option<String>> = HashMap::new();
    for (address, state, problem) in rows {
        let Some(address) = address else { continue };
        let problem = (state != "sent").then(|| problem.unwrap_or_default());
        latest.entry(key(&address)).or_insert(problem);
    }
    Ok(latest.into_iter().filter_map(|(address, problem)| Some((address, problem?))).collect())
}

/// A member of a channel.
#[derive(Clone, Debug)]
pub struct Member {
    /// Of which channel.
    pub channel: ChannelId,
    /// Who.
    pub user: UserId,
    /// Their names.
    pub name: Name,
    /// Their address.
    pub email: String,
    /// Whether they can log in.
    pub status: Status,
}

type MemberRow = (ChannelId, UserId, String, String, String, String);

/// Members of all channels, or of one, by name. Invited users are no members yet.
///
/// # Errors
/// Trouble with the database.
pub fn list_members(rx: &mut Rx, only: Option<ChannelId>) -> Result<Vec<Member>, Failure> {
    let mut query = channel_members::table
        .inner_join(users::table.on(users::id.eq(channel_members::user_id)))
        .filter(channel_members::workspace_id.eq(rx.workspace()))
        .filter(users::status.ne(Status::Invited.as_str()))
        .order((users::name_key, users::id))
        .select((
            channel_members::channel_id,
            users::id,
            users::full_name,
            users::display_name,
            users::email,
            users::status,
        ))
        .into_boxed::<super::db::MultiBackend>();
    if let Some(channel) = only {
        query = query.filter(channel_members::channel_id.eq(channel));
    }
    let rows: Vec<MemberRow> = query.load(rx.conn)?;
    rows.into_iter()
        .map(|(channel, user, full, display, email, status)| {
            let status = Status::parse(&status).ok_or_else(|| Failure::Corrupt("users.status", status.clone()))?;
            Ok(Member { channel, user, name: Name { full, display }, email, status })
        })
        .collect()
}

/// The channels that somebody who can log in alone serves (K-2), by name.
///
/// # Errors
/// Trouble with the database.
pub fn list_served_alone(rx: &mut Rx, user: UserId) -> Result<Vec<(ChannelId, String)>, Failure> {
    let of: Vec<(ChannelId, String)> = channel_members::table
        .inner_join(channels::table.on(channels::id.eq(channel_members::channel_id)))
        .filter(channel_members::workspace_id.eq(rx.workspace()))
        .filter(channel_members::user_id.eq(user))
        .order((channels::name, channels::id))
        .select((channels::id, channels::name))
        .load(rx.conn)?;
    let ids: Vec<ChannelId> = of.iter().map(|(id, _)| *id).collect();
    let active: Vec<(ChannelId, UserId)> = channel_members::table
        .inner_join(users::table.on(users::id.eq(channel_members::user_id)))
        .filter(channel_members::workspace_id.eq(rx.workspace()))
        .filter(channel_members::channel_id.eq_any(ids))
        .filter(users::status.eq(Status::Active.as_str()))
        .select((channel_members::channel_id, channel_members::user_id))
        .load(rx.conn)?;
    let served = |channel: ChannelId, by_them: bool| {
        active.iter().any(|(one, member)| *one == channel && (*member == user) == by_them)
    };
    Ok(of.into_iter().filter(|(id, _)| served(*id, true) && !served(*id, false)).collect())
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

/// Makes users who are members of no channel yet members, in a few statements however many there are.
///
/// # Errors
/// Trouble with the database.
pub fn insert_members(tx: &mut Tx, members: &[(ChannelId, UserId)]) -> Result<(), Failure> {
    let workspace = tx.workspace();
    let rows: Vec<_> = members
        .iter()
        .map(|(channel, user)| {
            (
                channel_members::workspace_id.eq(workspace),
                channel_members::channel_id.eq(*channel),
                channel_members::user_id.eq(*user),
            )
        })
        .collect();
    insert_in_parts!(tx, channel_members::table, 3, rows);
    Ok(())
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
