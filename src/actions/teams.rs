//! Teams: create, rename, delete, members and leads (T-1, T-2).

use crate::domain::access::{Can, teams};
use crate::domain::audit::Event;
use crate::domain::ids::{TeamId, UserId};
use crate::domain::teams::TeamRefusal;
use crate::domain::text::counted;
use crate::domain::users::Status;
use crate::failure::Failure;
use crate::store::{self, Recorded, Tx};

/// Makes a team.
///
/// # Errors
/// [`TeamRefusal::NameTaken`], or trouble with the database.
pub fn create(tx: &mut Tx, _: &Can<teams::Manage>, name: &str, description: &str) -> Result<Recorded<TeamId>, Failure> {
    let team = store::teams::insert(tx, name, description)?;
    Ok(tx.record(Event::TeamCreated { team }).with(team))
}

/// Renames a team.
///
/// # Errors
/// [`TeamRefusal::NameTaken`], [`Failure::NotFound`], or trouble with the database.
pub fn update(
    tx: &mut Tx,
    _: &Can<teams::Manage>,
    id: TeamId,
    name: &str,
    description: &str,
) -> Result<Recorded<()>, Failure> {
    let team = store::teams::lock(tx, id)?;
    if team.name == name && team.description == description {
        return tx.unchanged(());
    }
    store::teams::set_name(tx, &team, name, description)?;
    Ok(tx.record(Event::TeamUpdated { team: id }))
}

/// Deletes a team that holds nothing.
///
/// # Errors
/// A [`TeamRefusal`], [`Failure::NotFound`], or trouble with the database.
pub fn delete(tx: &mut Tx, _: &Can<teams::Manage>, id: TeamId) -> Result<Recorded<String>, Failure> {
    let team = store::teams::lock_to_delete(tx, id)?;
    let (held, channel) = store::teams::count_holdings(tx, id)?;
    if held > 0 {
        return Err(TeamRefusal::StillHolds(counted(held, "conversation", "conversations")).into());
    }
    if let Some(channel) = channel {
        return Err(TeamRefusal::ChannelDefault(channel).into());
    }
    store::teams::delete(tx, id)?;
    Ok(tx.record(Event::TeamDeleted { team: id }).with(team.name))
}

/// A change of who is in a team.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// Who joins.
    pub add: Vec<UserId>,
    /// Who leaves.
    pub remove: Vec<UserId>,
    /// Who leads from now on, if that is changed at all; everybody else does not.
    pub leads: Option<Vec<UserId>>,
}

/// Changes members and leads of a team. Only active users can join (T-2); removing moves nothing by itself (T-3).
///
/// # Errors
/// [`TeamRefusal::MemberInactive`], [`Failure::NotFound`] for an id that is none here, or trouble with the database.
pub fn change_members(
    tx: &mut Tx,
    _: &Can<teams::EditMembers>,
    id: TeamId,
    change: &Change,
) -> Result<Recorded<usize>, Failure> {
    store::teams::lock(tx, id)?;
    let mut events = Vec::new();
    // People are locked in one order everywhere, so that nobody waits in a circle.
    let mut add = change.add.clone();
    add.sort_unstable();
    for user in &add {
        let found = store::users::lock(tx, *user)?;
        if found.status != Status::Active {
            return Err(TeamRefusal::MemberInactive(found.name.full).into());
        }
        if store::teams::insert_member(tx, id, *user)? {
            events.push(Event::TeamMemberAdded { team: id, user: *user });
        }
    }
    for user in &change.remove {
        store::users::find(tx, *user)?.ok_or(Failure::NotFound)?;
        if store::teams::delete_member(tx, id, *user)? {
            events.push(Event::TeamMemberRemoved { team: id, user: *user });
        }
    }
    if let Some(leads) = &change.leads {
        for member in store::teams::list_members(tx, Some(id))? {
            let lead = leads.contains(&member.user);
            if store::teams::set_lead(tx, id, member.user, lead)? {
                events.push(Event::TeamLeadChanged { team: id, user: member.user, lead });
            }
        }
    }
    if events.is_empty() {
        return Ok(tx.unrecorded(0, "everybody was where they were to be"));
    }
    let count = events.len();
    Ok(tx.record_all(events)?.with(count))
}

/// Takes everybody who cannot log in out of a team (T-2).
///
/// # Errors
/// [`Failure::NotFound`], or trouble with the database.
pub fn remove_inactive(tx: &mut Tx, can: &Can<teams::EditMembers>, id: TeamId) -> Result<Recorded<usize>, Failure> {
    let members = store::teams::list_members(tx, Some(id))?;
    let remove = members.into_iter().filter(|one| one.status == Status::Inactive).map(|one| one.user).collect();
    change_members(tx, can, id, &Change { remove, ..Change::default() })
}
