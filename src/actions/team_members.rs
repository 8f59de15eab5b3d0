//! Leaving a team: taken out by somebody who may, with what becomes of the work (T-3), or on one's own (U-15).

use crate::domain::access::{Can, handovers, teams};
use crate::domain::assignment::Target;
use crate::domain::audit::Event;
use crate::domain::ids::{JobId, TeamId, UserId};
use crate::domain::teams::{Hold, TeamRefusal, may_leave};
use crate::domain::users::Status;
use crate::failure::Failure;
use crate::store::teams::Member;
use crate::store::{self, Recorded, Tx};

/// Who leaves a team, and what is decided with it.
#[derive(Clone, Copy, Debug)]
pub struct Leaving {
    /// Who.
    pub user: UserId,
    /// Who leads from now on besides those who do.
    pub successor: Option<UserId>,
    /// Where their open and snoozed conversations of this team go; `None` keeps them.
    pub target: Option<Target>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Left {
    /// Their full name.
    pub name: String,
    /// The team's name.
    pub team: String,
    /// The job that moves their conversations, if any are moved.
    pub job: Option<JobId>,
}

/// Takes a member out of a team. Their conversations stay with them unless a target is given (T-3).
///
/// # Errors
/// [`TeamRefusal::OnlyLead`], a refusal of successor or target, [`Failure::NotFound`] for somebody who is no member, or
/// trouble with the database.
pub fn remove(
    tx: &mut Tx,
    _: &Can<teams::EditMembers>,
    run: Option<&Can<handovers::Run>>,
    team: TeamId,
    leaving: Leaving,
) -> Result<Recorded<Left>, Failure> {
    let target = leaving.target.filter(|_| run.is_some());
    let (member, name, events) = take_out(tx, team, Leaving { target, ..leaving })?;
    let job = match (run, target) {
        (Some(can), Some(target)) => {
            super::bulk::start_team_removal(tx, can, (leaving.user, &member.name.full), team, target)?
        }
        _ => None,
    };
    Ok(tx.record_all(events)?.with(Left { name: member.name.full, team: name, job }))
}

/// Leaves a team on one's own. Whoever alone leads it names a successor first. Needs no permission: it is one's own place.
///
/// # Errors
/// As [`remove`].
pub fn leave(tx: &mut Tx, team: TeamId, successor: Option<UserId>) -> Result<Recorded<Left>, Failure> {
    let user = tx.actor().user().ok_or(Failure::NotFound)?;
    let (member, name, events) = take_out(tx, team, Leaving { user, successor, target: None })?;
    Ok(tx.record_all(events)?.with(Left { name: member.name.full, team: name, job: None }))
}

/// Everybody who cannot log in leaves a team (T-2).
#[derive(Clone, Debug, Default)]
pub struct Tidying {
    /// Whom the page named, if there was one: others now mean that somebody was quicker.
    pub expected: Option<Vec<UserId>>,
    /// Where their open and snoozed conversations of this team go; `None` keeps them.
    pub target: Option<Target>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Tidied {
    /// How many left.
    pub people: usize,
    /// The jobs that move their conversations.
    pub jobs: Vec<JobId>,
}

/// Takes everybody who cannot log in out of a team (T-2). Their conversations stay with them unless a target is given.
///
/// # Errors
/// [`Failure::Stale`], a refusal of the target, [`Failure::NotFound`], or trouble with the database.
pub fn remove_inactive(
    tx: &mut Tx,
    can: &Can<teams::EditMembers>,
    run: Option<&Can<handovers::Run>>,
    id: TeamId,
    tidying: &Tidying,
) -> Result<Recorded<Tidied>, Failure> {
    let members = store::teams::list_members(tx, Some(id))?;
    let gone: Vec<&Member> = members.iter().filter(|one| one.status == Status::Inactive).collect();
    let remove: Vec<UserId> = gone.iter().map(|one| one.user).collect();
    if let Some(expected) = &tidying.expected
        && (expected.len() != remove.len() || expected.iter().any(|user| !remove.contains(user)))
    {
        return Err(Failure::Stale);
    }
    let receiver = if let Some(Target::User(user)) = tidying.target { Some(user) } else { None };
    let people = super::teams::lock_people(tx, remove.iter().copied().chain(receiver).collect())?;
    if let Some(target) = tidying.target {
        // Whoever is named must be here, also if there is nobody to remove.
        super::conversations::check_target(tx, target)?;
    }
    if people.iter().any(|user| user.status == Status::Active && remove.contains(&user.id)) {
        // Back since the members were read.
        return Err(Failure::Stale);
    }
    let change = super::teams::Change { remove, ..super::teams::Change::default() };
    let changed = super::teams::change_members(tx, can, id, &change)?;
    let mut jobs = Vec::new();
    if let (Some(can), Some(target)) = (run, tidying.target) {
        for one in &gone {
            jobs.extend(super::bulk::start_team_removal(tx, can, (one.user, &one.name.full), id, target)?);
        }
    }
    Ok(changed.map(|people| Tidied { people, jobs }))
}

fn take_out(tx: &mut Tx, id: TeamId, leaving: Leaving) -> Result<(Member, String, Vec<Event>), Failure> {
    // People before teams, as everywhere.
    let receiver = if let Some(Target::User(user)) = leaving.target { Some(user) } else { None };
    let people = std::iter::once(leaving.user).chain(leaving.successor).chain(receiver).collect();
    let people = super::teams::lock_people(tx, people)?;
    let team = store::teams::lock(tx, id)?;
    let members = store::teams::list_members(tx, Some(id))?;
    let member = members.iter().find(|one| one.user == leaving.user).cloned().ok_or(Failure::NotFound)?;
    let places: Vec<_> = members.iter().map(Member::place).collect();
    may_leave(&places, leaving.user, leaving.successor)
        .map_err(|problem| TeamRefusal::leaving(problem, &member.name.full, &team.name))?;
    let mut events = Vec::new();
    // Whoever is not the only lead leaves nobody in their place: naming leads is for who may edit members.
    let needed = Hold::of(&places, leaving.user) == Some(Hold::OnlyLead);
    if let Some(user) = leaving.successor.filter(|_| needed)
        && store::teams::set_lead(tx, id, user, true)?
    {
        events.push(Event::TeamLeadChanged { team: id, user, lead: true });
    }
    if store::teams::delete_member(tx, id, leaving.user)? {
        // Their profile shows it too: whoever edits that at this instant must not put back what was.
        for user in people.iter().filter(|user| user.id == leaving.user) {
            store::users::set_touched(tx, user)?;
        }
        events.push(Event::TeamMemberRemoved { team: id, user: leaving.user });
    }
    Ok((member, team.name, events))
}
