//! Teams: create, rename, delete, members and leads (T-1, T-2).

use crate::domain::access::{Can, teams};
use crate::domain::audit::Event;
use crate::domain::ids::{ChannelId, JobId, TeamId, UserId};
use crate::domain::teams::{Team, TeamRefusal};
use crate::domain::text::counted;
use crate::domain::users::{Status, User};
use crate::failure::Failure;
use crate::store::team_closing;
use crate::store::teams::Member;
use crate::store::{self, Recorded, Tx};

/// Makes a team.
///
/// # Errors
/// [`TeamRefusal::NameTaken`], or trouble with the database.
pub fn create(tx: &mut Tx, _: &Can<teams::Manage>, name: &str, description: &str) -> Result<Recorded<TeamId>, Failure> {
    let team = store::teams::insert(tx, name, description)?;
    Ok(tx.record(Event::TeamCreated { team }).with(team))
}

/// Renames a team. `version` is what was edited; another one now means that somebody was quicker.
///
/// # Errors
/// [`TeamRefusal::NameTaken`], [`Failure::Stale`], [`Failure::NotFound`], or trouble with the database.
pub fn update(
    tx: &mut Tx,
    _: &Can<teams::Manage>,
    id: TeamId,
    version: i64,
    (name, description): (&str, &str),
) -> Result<Recorded<()>, Failure> {
    let team = store::teams::lock(tx, id)?;
    if version != team.version {
        return Err(Failure::Stale);
    }
    if team.name == name && team.description == description {
        return tx.unchanged(());
    }
    store::teams::set_name(tx, &team, name, description)?;
    Ok(tx.record(Event::TeamUpdated { team: id }))
}

/// Deletes a team that holds nothing.
///
/// # Errors
/// As [`delete_into`].
pub fn delete(tx: &mut Tx, can: &Can<teams::Manage>, id: TeamId) -> Result<Recorded<String>, Failure> {
    Ok(delete_into(tx, can, id, None)?.map(|deleted| deleted.name))
}

/// A team that was deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// Its name.
    pub name: String,
    /// The job that moves its conversations to another team, if it had any.
    pub job: Option<JobId>,
}

/// Deletes a team: it is gone for everybody at once, and gets nothing more. Channels that sent theirs here send them to `to`;
/// its conversations of any status follow in a bulk job, and undoing that brings the team back (T-1). Without `to`, a
/// team that holds something stays.
///
/// # Errors
/// A [`TeamRefusal`], [`Failure::NotFound`], or trouble with the database.
pub fn delete_into(
    tx: &mut Tx,
    _: &Can<teams::Manage>,
    id: TeamId,
    to: Option<TeamId>,
) -> Result<Recorded<Deleted>, Failure> {
    // People before teams, as everywhere.
    let members: Vec<UserId> = store::teams::list_members(tx, Some(id))?.into_iter().map(|one| one.user).collect();
    let members = lock_people(tx, members)?;
    let team = store::teams::lock_to_delete(tx, id)?;
    if let Some(other) = team_closing::find_arriving(tx, id)? {
        return Err(TeamRefusal::StillArriving(other).into());
    }
    let mut job = None;
    if let Some(to) = to {
        if to == id {
            return Err(TeamRefusal::NoTarget.into());
        }
        if store::teams::lock_targets(tx, &[to])?.is_empty() {
            return Err(Failure::NotFound);
        }
        record_channels(tx, |tx| team_closing::set_channels(tx, id, to))?;
        job = super::bulk::start_team_deletion(tx, id, to)?;
    }
    let moved = match (to, job) {
        (Some(to), Some((job, total))) => {
            team_closing::set_closed(tx, id, to, job)?;
            total
        }
        _ => {
            let (held, channel) = store::teams::count_holdings(tx, id)?;
            if held > 0 {
                return Err(TeamRefusal::StillHolds(counted(held, "conversation", "conversations")).into());
            }
            if let Some(channel) = channel {
                return Err(TeamRefusal::ChannelDefault(channel).into());
            }
            store::teams::delete(tx, id)?;
            0
        }
    };
    for member in &members {
        store::users::set_touched(tx, member)?;
    }
    let deleted = Deleted { name: team.name, job: job.map(|(job, _)| job) };
    Ok(tx.record(Event::TeamDeleted { team: id, to, moved }).with(deleted))
}

fn record_channels(
    tx: &mut Tx,
    change: impl FnOnce(&mut Tx) -> Result<Vec<ChannelId>, Failure>,
) -> Result<(), Failure> {
    for channel in change(tx)? {
        let _ = tx.record(Event::ChannelUpdated { channel, fields: vec!["default"] });
    }
    Ok(())
}

/// Moves what came to a closed team after its job had been pinned, with a job of its own.
///
/// # Errors
/// Trouble with the database.
pub(super) fn move_rest(tx: &mut Tx, id: TeamId) -> Result<(), Failure> {
    let Some((_, to)) = team_closing::lock(tx, id)? else { return Ok(()) };
    if team_closing::count_left(tx, id)? == 0 || store::teams::lock_targets(tx, &[to])?.is_empty() {
        return Ok(());
    }
    if let Some((job, _)) = super::bulk::start_team_deletion(tx, id, to)? {
        team_closing::set_closed(tx, id, to, job)?;
    }
    Ok(())
}

/// Brings a closed team back, with its members, and the channels that sent their conversations to it. What it held is put
/// back by the caller.
///
/// # Errors
/// A [`TeamRefusal`], or trouble with the database.
pub(super) fn bring_back(tx: &mut Tx, id: TeamId) -> Result<(), Failure> {
    let members: Vec<UserId> = store::teams::list_members(tx, Some(id))?.into_iter().map(|one| one.user).collect();
    let members = lock_people(tx, members)?;
    let Some((team, to)) = team_closing::lock(tx, id)? else {
        // It is back already, if the same deletion took several jobs.
        let back = !store::teams::lock_targets(tx, &[id])?.is_empty();
        return if back { Ok(()) } else { Err(TeamRefusal::Gone.into()) };
    };
    team_closing::set_open(tx, &team)?;
    record_channels(tx, |tx| team_closing::set_channels_back(tx, id, to))?;
    for member in &members {
        store::users::set_touched(tx, member)?;
    }
    let _ = tx.record(Event::TeamRestored { team: id });
    Ok(())
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
    /// Who led when the page was made, if it was one: others now mean that somebody was quicker.
    pub led: Option<Vec<UserId>>,
}

/// Changes members and leads of a team. Only active users can join (T-2); removing moves nothing by itself (T-3).
///
/// # Errors
/// [`TeamRefusal::MemberInactive`], [`Failure::Stale`], [`Failure::NotFound`] for an id that is none here, or trouble
/// with the database.
pub fn change_members(
    tx: &mut Tx,
    _: &Can<teams::EditMembers>,
    id: TeamId,
    change: &Change,
) -> Result<Recorded<usize>, Failure> {
    let people = lock_people(tx, change.add.iter().chain(&change.remove).copied().collect())?;
    let team = store::teams::lock(tx, id)?;
    let before = store::teams::list_members(tx, Some(id))?;
    if let Some(led) = &change.led
        && before.iter().any(|one| one.is_lead != led.contains(&one.user))
    {
        return Err(Failure::Stale);
    }
    let mut events = Vec::new();
    let mut moved = Vec::new();
    for user in people.iter().filter(|user| change.add.contains(&user.id)) {
        if user.status != Status::Active {
            return Err(TeamRefusal::MemberInactive(user.name.full.clone()).into());
        }
        if store::teams::insert_member(tx, id, user.id)? {
            events.push(Event::TeamMemberAdded { team: id, user: user.id });
            moved.push(user.id);
        }
    }
    for user in people.iter().filter(|user| change.remove.contains(&user.id)) {
        if store::teams::delete_member(tx, id, user.id)? {
            events.push(Event::TeamMemberRemoved { team: id, user: user.id });
            moved.push(user.id);
        }
    }
    // Their profile shows it too: whoever edits that at this instant must not put back what was.
    for user in people.iter().filter(|user| moved.contains(&user.id)) {
        store::users::set_touched(tx, user)?;
    }
    if let Some(leads) = &change.leads {
        let members = store::teams::list_members(tx, Some(id))?;
        let unknown = |lead: &&UserId| !change.remove.contains(lead) && !members.iter().any(|one| one.user == **lead);
        if let Some(lead) = leads.iter().find(unknown) {
            // Who was a member when the page was made was taken out meanwhile.
            let known = change.led.is_some() && store::users::find(tx, *lead)?.is_some();
            return Err(if known { Failure::Stale } else { Failure::NotFound });
        }
        for member in members {
            let lead = leads.contains(&member.user);
            if store::teams::set_lead(tx, id, member.user, lead)? {
                events.push(Event::TeamLeadChanged { team: id, user: member.user, lead });
            }
        }
    }
    keeps_a_lead(tx, &team, &before, &change.remove)?;
    if events.is_empty() {
        return Ok(tx.unrecorded(0, "everybody was where they were to be"));
    }
    let count = events.len();
    Ok(tx.record_all(events)?.with(count))
}

/// People are locked in one order everywhere, so that nobody waits in a circle.
pub(super) fn lock_people(tx: &mut Tx, mut people: Vec<UserId>) -> Result<Vec<User>, Failure> {
    people.sort_unstable();
    people.dedup();
    people.into_iter().map(|user| store::users::lock(tx, user)).collect()
}

/// Whether a team that lost members still has a lead, if one of them led it and somebody is left to be led.
pub(super) fn keeps_a_lead(tx: &mut Tx, team: &Team, before: &[Member], removed: &[UserId]) -> Result<(), Failure> {
    let after = store::teams::list_members(tx, Some(team.id))?;
    let led = after.iter().any(|one| one.status == Status::Active && one.is_lead);
    let anybody = after.iter().any(|one| one.status == Status::Active);
    let gone = before.iter().find(|one| one.is_lead && one.status == Status::Active && removed.contains(&one.user));
    match gone {
        Some(gone) if anybody && !led => {
            Err(TeamRefusal::OnlyLead { name: gone.name.full.clone(), team: team.name.clone() }.into())
        }
        _ => Ok(()),
    }
}
