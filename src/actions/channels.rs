//! Channels: create, change, delete, members (K-1, K-2).

use std::collections::HashSet;

use crate::domain::access::{Can, channels};
use crate::domain::assignment::{Candidate, Target, may_receive};
use crate::domain::audit::Event;
use crate::domain::channels::{Channel, ChannelRefusal, leaves_nobody};
use crate::domain::conversations::ChannelKind;
use crate::domain::ids::{ChannelId, UserId};
use crate::domain::text::{counted, key};
use crate::domain::users::Status;
use crate::failure::Failure;
use crate::store::{self, Recorded, Tx};

/// Makes a mail channel. Its default can only be a team: nobody is a member yet.
///
/// # Errors
/// A [`ChannelRefusal`], [`Failure::NotFound`] for a team that is none here, or trouble with the database.
pub fn create(
    tx: &mut Tx,
    _: &Can<channels::Manage>,
    name: &str,
    address: &str,
    default: Target,
) -> Result<Recorded<ChannelId>, Failure> {
    let team = match default {
        Target::Nobody => None,
        Target::Team(team) => Some(store::teams::lock(tx, team)?.id),
        Target::User(user) => {
            let user = store::users::find(tx, user)?.ok_or(Failure::NotFound)?;
            return Err(ChannelRefusal::DefaultNotMember(user.name.full).into());
        }
    };
    let same = |one: &Channel| one.kind == ChannelKind::Email && key(&one.address) == key(address);
    if store::channels::list(tx)?.iter().any(same) {
        return Err(ChannelRefusal::AddressTaken(address.to_owned()).into());
    }
    // Of what is elsewhere, nobody says more than that it is so.
    if store::channels::is_mail_address_taken(tx, None, address)? {
        return Err(ChannelRefusal::AddressElsewhere(address.to_owned()).into());
    }
    let channel = store::channels::insert(tx, ChannelKind::Email, name, address, team)
        .map_err(|failure| store::channels::taken(failure, name, address))?;
    Ok(tx.record(Event::ChannelCreated { channel }).with(channel))
}

/// What is edited of a channel.
#[derive(Clone, Debug)]
pub struct Edit {
    /// The version that was read.
    pub version: i64,
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: String,
    /// Who gets its new conversations.
    pub default: Target,
}

/// Changes name, address and default of a channel.
///
/// # Errors
/// A [`ChannelRefusal`], [`Failure::Stale`], [`Failure::NotFound`], or trouble with the database.
pub fn update(tx: &mut Tx, _: &Can<channels::Manage>, id: ChannelId, edit: &Edit) -> Result<Recorded<()>, Failure> {
    // People before channels, as everywhere.
    let candidate = match edit.default {
        Target::User(user) => Some((user, store::users::lock_candidate(tx, user)?)),
        Target::Nobody | Target::Team(_) => None,
    };
    let channel = store::channels::lock(tx, id)?;
    if channel.version != edit.version {
        return Err(Failure::Stale);
    }
    let team = match edit.default {
        Target::Team(team) => Some(store::teams::lock(tx, team)?.id),
        Target::Nobody | Target::User(_) => None,
    };
    let user = candidate.map(|(user, candidate)| active_member(tx, id, user, candidate)).transpose()?;
    let changes = [
        ("name", channel.name != edit.name),
        ("address", channel.address != edit.address),
        ("default", (channel.default_team, channel.default_user) != (team, user)),
    ];
    let fields: Vec<&'static str> = changes.iter().filter(|(_, changed)| *changed).map(|(field, _)| *field).collect();
    if fields.is_empty() {
        return tx.unchanged(());
    }
    let moved = key(&channel.address) != key(&edit.address);
    let wanted = Channel {
        name: edit.name.clone(),
        address: edit.address.clone(),
        default_team: team,
        default_user: user,
        ..channel
    };
    store::channels::set(tx, &wanted)?;
    if wanted.kind == ChannelKind::Email && moved {
        if store::channels::is_mail_address_taken(tx, Some(id), &wanted.address)? {
            return Err(ChannelRefusal::AddressElsewhere(wanted.address).into());
        }
        store::channels::set_mail_address(tx, id, &wanted.address)?;
    }
    Ok(tx.record(Event::ChannelUpdated { channel: id, fields }))
}

/// Somebody who can be given a channel's new conversations: a member, of whom the rule for all conversations holds.
fn active_member(tx: &mut Tx, channel: ChannelId, user: UserId, candidate: Candidate) -> Result<UserId, Failure> {
    let member = store::channels::list_members(tx, Some(channel))?.iter().any(|one| one.user == user);
    if candidate.status != Status::Active || !member {
        return Err(ChannelRefusal::DefaultNotMember(candidate.name).into());
    }
    may_receive(&candidate)?;
    Ok(user)
}

/// A change of who is in a channel.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// Who joins.
    pub add: Vec<UserId>,
    /// Who leaves.
    pub remove: Vec<UserId>,
    /// Whether it may leave nobody who can answer.
    pub confirmed: bool,
}

/// Changes the members of a channel. Only active users can join. Whoever got its new conversations and leaves does not
/// get them any more.
///
/// # Errors
/// A [`ChannelRefusal`], of which [`ChannelRefusal::LastMember`] can be confirmed; [`Failure::NotFound`] for an id that is
/// none here; or trouble with the database.
pub fn change_members(
    tx: &mut Tx,
    _: &Can<channels::Manage>,
    id: ChannelId,
    change: &Change,
) -> Result<Recorded<usize>, Failure> {
    // People are locked in one order everywhere, and before channels, so that nobody waits in a circle.
    let people = super::teams::lock_people(tx, change.add.iter().chain(&change.remove).copied().collect())?;
    let channel = store::channels::lock(tx, id)?;
    let before = store::channels::list_members(tx, Some(id))?;
    let active_before = before.iter().filter(|one| one.status == Status::Active).count();
    let leaving: HashSet<UserId> = change.remove.iter().copied().collect();
    let mut events = Vec::new();
    let mut moved = Vec::new();
    for user in people.iter().filter(|user| change.add.contains(&user.id)) {
        if user.status != Status::Active {
            return Err(ChannelRefusal::MemberInactive(user.name.full.clone()).into());
        }
        if store::channels::insert_member(tx, id, user.id)? {
            events.push(Event::ChannelMemberAdded { channel: id, user: user.id });
            moved.push(user.id);
        }
    }
    for user in people.iter().filter(|user| leaving.contains(&user.id)) {
        if store::channels::delete_member(tx, id, user.id)? {
            events.push(Event::ChannelMemberRemoved { channel: id, user: user.id });
            moved.push(user.id);
        }
    }
    // Their profile shows it too: whoever edits that at this instant must not put back what was.
    for user in people.iter().filter(|user| moved.contains(&user.id)) {
        store::users::set_touched(tx, user)?;
    }
    let after = store::channels::list_members(tx, Some(id))?;
    let active_after = after.iter().filter(|one| one.status == Status::Active).count();
    if !change.confirmed && leaves_nobody(active_before, active_after) {
        return Err(ChannelRefusal::LastMember(channel.name).into());
    }
    events.extend(without_default(tx, &channel, &leaving)?);
    if events.is_empty() {
        return Ok(tx.unrecorded(0, "everybody was where they were to be"));
    }
    let count = events.len();
    Ok(tx.record_all(events)?.with(count))
}

/// Nobody who left is given new conversations.
fn without_default(tx: &mut Tx, channel: &Channel, left: &HashSet<UserId>) -> Result<Option<Event>, Failure> {
    if !channel.default_user.is_some_and(|user| left.contains(&user)) {
        return Ok(None);
    }
    store::channels::set(tx, &Channel { default_user: None, ..channel.clone() })?;
    Ok(Some(Event::ChannelUpdated { channel: channel.id, fields: vec!["default"] }))
}

/// Takes somebody out of a channel that they are a member of, wherever that is decided: nobody who left is given what comes
/// in by it.
pub(super) fn take_out(tx: &mut Tx, id: ChannelId, user: UserId) -> Result<Vec<Event>, Failure> {
    let channel = store::channels::lock(tx, id)?;
    let mut events = Vec::new();
    if store::channels::delete_member(tx, id, user)? {
        events.push(Event::ChannelMemberRemoved { channel: id, user });
    }
    events.extend(without_default(tx, &channel, &HashSet::from([user]))?);
    Ok(events)
}

/// Takes everybody who cannot log in out of a channel.
///
/// # Errors
/// [`Failure::NotFound`], or trouble with the database.
pub fn remove_inactive(tx: &mut Tx, can: &Can<channels::Manage>, id: ChannelId) -> Result<Recorded<usize>, Failure> {
    let members = store::channels::list_members(tx, Some(id))?;
    let remove = members.into_iter().filter(|one| one.status != Status::Active).map(|one| one.user).collect();
    change_members(tx, can, id, &Change { remove, ..Change::default() })
}

/// Takes a user out of all channels (K-1); says how many there were. Asked for with its consequences, so that channels
/// are left without anybody too.
///
/// # Errors
/// [`Failure::NotFound`], or trouble with the database.
pub fn leave_all(tx: &mut Tx, _: &Can<channels::Manage>, user: UserId) -> Result<Recorded<usize>, Failure> {
    let person = store::users::lock(tx, user)?;
    let mut theirs = store::channels::list_of_users(tx, &[user])?.remove(&user).unwrap_or_default();
    theirs.sort_unstable();
    let mut events = Vec::new();
    for id in theirs {
        events.extend(take_out(tx, id, user)?);
    }
    if events.is_empty() {
        return Ok(tx.unrecorded(0, "everybody was where they were to be"));
    }
    store::users::set_touched(tx, &person)?;
    let left = events.iter().filter(|event| matches!(event, Event::ChannelMemberRemoved { .. })).count();
    Ok(tx.record_all(events)?.with(left))
}

/// Deletes a channel by which no conversation ever came in.
///
/// # Errors
/// [`ChannelRefusal::HasConversations`], [`Failure::NotFound`], or trouble with the database.
pub fn delete(tx: &mut Tx, _: &Can<channels::Manage>, id: ChannelId) -> Result<Recorded<String>, Failure> {
    let members = store::channels::list_members(tx, Some(id))?.into_iter().map(|one| one.user).collect();
    let members = super::teams::lock_people(tx, members)?;
    let channel = store::channels::lock_to_delete(tx, id)?;
    let held = store::channels::count_conversations(tx, id)?;
    if held > 0 {
        return Err(ChannelRefusal::HasConversations(counted(held, "conversation", "conversations")).into());
    }
    let unread = store::channels::count_quarantined(tx, id)?;
    if unread > 0 {
        return Err(ChannelRefusal::HasQuarantined(counted(unread, "mail", "mails")).into());
    }
    store::channels::delete(tx, id)?;
    for member in &members {
        store::users::set_touched(tx, member)?;
    }
    Ok(tx.record(Event::ChannelDeleted { channel: id }).with(channel.name))
}
