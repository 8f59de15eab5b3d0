//! What is done to users: edit, deactivate, reactivate, end their sessions.

use crate::domain::access::{Can, Key, handovers, users};
use crate::domain::audit::Event;
use crate::domain::channels::ChannelRefusal;
use crate::domain::ids::{ChannelId, JobId, RoleId, SessionId, TeamId, UserId};
use crate::domain::roles::{Role, may_grant, may_stand_in};
use crate::domain::teams::TeamRefusal;
use crate::domain::users::{Name, Reason, Status, User, UserRefusal};
use crate::failure::Failure;
use crate::store::{self, Recorded, Tx};

pub use crate::domain::plans::Plan;

/// What a deactivation did.
#[derive(Clone, Debug)]
pub struct Deactivated {
    /// The person, as they were.
    pub user: User,
    /// How many sessions ended.
    pub sessions_ended: usize,
    /// The job that moves their conversations, if the plan moves any.
    pub job: Option<JobId>,
}

/// Ends a person's access at once, and starts moving their conversations if there is a plan for them – both or neither
/// (U-7). Whoever plans needs the permission to hand work over as well; without a plan everything stays where it is.
///
/// # Errors
/// A [`UserRefusal`], a refusal of the plan's targets, or trouble with the database.
pub fn deactivate(
    tx: &mut Tx,
    _: &Can<users::Deactivate>,
    id: UserId,
    reason: Option<Reason>,
    plan: Option<(Plan, &Can<handovers::Run>)>,
) -> Result<Recorded<Deactivated>, Failure> {
    let owners = store::users::lock_active_owners(tx)?;
    let plan = plan.filter(|(plan, _)| plan.moves());
    // Whoever gets the work is locked with whoever leaves, in one order: a job may be giving them work at this instant.
    let mut people: Vec<UserId> = plan.iter().flat_map(|(plan, _)| plan.people()).chain([id]).collect();
    people.sort_unstable();
    for person in people {
        store::users::lock(tx, person)?;
    }
    let user = store::users::lock(tx, id)?;
    user.may_be_deactivated_by(tx.actor(), owners)?;
    store::users::set_status(tx, &user, Status::Inactive, reason)?;
    let sessions_ended = store::sessions::delete_all_of(tx, id, None)?;
    store::logins::delete_password_links_of(tx, id)?;
    let job = match plan {
        Some((plan, can)) => super::bulk::start_deactivation(tx, can, &user, plan)?,
        None => None,
    };
    let done = Deactivated { user, sessions_ended, job };
    Ok(tx.record(Event::UserDeactivated { user: id, reason, sessions_ended }).with(done))
}

/// Gives a person their access back, with everything as it was (U-9).
///
/// # Errors
/// A [`UserRefusal`], or trouble with the database.
pub fn reactivate(tx: &mut Tx, _: &Can<users::Deactivate>, id: UserId) -> Result<Recorded<User>, Failure> {
    // Whoever becomes an active Owner again changes who they are.
    store::users::lock_active_owners(tx)?;
    let user = store::users::lock(tx, id)?;
    user.may_be_reactivated_by(tx.actor())?;
    store::users::set_status(tx, &user, Status::Active, None)?;
    Ok(tx.record(Event::UserReactivated { user: id }).with(user))
}

/// What an edited profile says.
#[derive(Clone, Debug)]
pub struct Edit {
    /// The version that was edited; another one now means that somebody else was quicker.
    pub version: i64,
    /// Their address.
    pub email: String,
    /// Their names.
    pub name: Name,
    /// Whether they try new features early.
    pub beta_access: bool,
    /// Their roles, if the editor may give roles.
    pub roles: Option<Vec<RoleId>>,
    /// Their teams, if the editor may change them.
    pub teams: Option<Vec<TeamId>>,
    /// Their channels, if the editor may change them.
    pub channels: Option<Vec<ChannelId>>,
    /// Whether it is known that a channel is left without anybody who could answer (K-2).
    pub leaves_channels: bool,
}

/// Changes a person's identity, roles, teams and channels (U-5).
///
/// # Errors
/// A [`UserRefusal`], [`Failure::Stale`], [`Failure::NotFound`] for an id that is none here, or trouble with the database.
pub fn update(tx: &mut Tx, can: &Can<users::Edit>, id: UserId, edit: &Edit) -> Result<Recorded<User>, Failure> {
    let owners = store::users::lock_active_owners(tx)?;
    let user = store::users::lock(tx, id)?;
    user.may_be_changed_by(tx.actor())?;
    if user.version != edit.version {
        return Err(Failure::Stale);
    }
    // Another address needs another link: that is a change of the invite.
    if user.status == Status::Invited && user.email != edit.email {
        return Err(UserRefusal::StillInvited(user.name.full).into());
    }
    let mut events = Vec::new();
    let fields = changed_fields(&user, edit);
    let renamed = !fields.is_empty();
    if fields.contains(&"email") {
        let theirs = store::people::find_standing(tx, id)?;
        if !may_stand_in(tx.actor(), theirs.permissions, theirs.is_owner) {
            return Err(UserRefusal::EmailBeyondYou(user.name.full).into());
        }
    }
    if renamed {
        store::users::set_identity(tx, &user, &edit.email, &edit.name, edit.beta_access)?;
        events.push(Event::UserUpdated { user: id, fields });
    }
    let permitted = can.scope().actor.permissions();
    if let Some(wanted) = edit.roles.as_ref().filter(|_| permitted.has(Key::UsersAssignRoles)) {
        events.extend(set_roles(tx, &user, owners, wanted)?);
    }
    if let Some(wanted) = edit.teams.as_ref().filter(|_| permitted.has(Key::TeamsEditMembers)) {
        events.extend(set_teams(tx, &user, wanted)?);
    }
    if let Some(wanted) = edit.channels.as_ref().filter(|_| permitted.has(Key::ChannelsManage)) {
        events.extend(set_channels(tx, id, wanted, edit.leaves_channels)?);
    }
    // Whoever edits the same version of roles, teams or channels is to hear of it too.
    if !events.is_empty() && !renamed {
        store::users::set_touched(tx, &user)?;
    }
    Ok(tx.record_all(events)?.with(user))
}

fn changed_fields(user: &User, edit: &Edit) -> Vec<&'static str> {
    let changes = [
        ("email", user.email != edit.email),
        ("full_name", user.name.full != edit.name.full),
        ("display_name", user.name.display != edit.name.display),
        ("beta_access", user.beta_access != edit.beta_access),
    ];
    changes.iter().filter(|(_, changed)| *changed).map(|(field, _)| *field).collect()
}

/// Changes address and names; says so if that changed anything.
pub(super) fn set_identity(tx: &mut Tx, user: &User, email: &str, name: &Name) -> Result<Vec<Event>, Failure> {
    let edit = Edit {
        version: user.version,
        email: email.to_owned(),
        name: name.clone(),
        beta_access: user.beta_access,
        roles: None,
        teams: None,
        channels: None,
        leaves_channels: false,
    };
    let fields = changed_fields(user, &edit);
    if fields.is_empty() {
        return Ok(Vec::new());
    }
    store::users::set_identity(tx, user, email, name, user.beta_access)?;
    if fields.contains(&"email")
        && let Some(sealed) = store::removal::find_sealed(tx, user.id)?
    {
        // Whoever is on their way back is known by the new address, should they not come after all.
        store::removal::insert_sealed(tx, &crate::domain::removal::Sealed { email: email.to_owned(), ..sealed })?;
    }
    Ok(vec![Event::UserUpdated { user: user.id, fields }])
}

/// The roles of these ids, each of which the actor may give.
///
/// # Errors
/// [`Failure::NotFound`] for an id that is none here, or the refusal.
pub fn grantable(tx: &mut Tx, wanted: &[RoleId]) -> Result<Vec<Role>, Failure> {
    if wanted.is_empty() {
        return Err(UserRefusal::NoRole.into());
    }
    let all = store::roles::lock_given(tx, wanted)?;
    wanted
        .iter()
        .map(|id| {
            let role = all.iter().find(|role| role.id == *id).ok_or(Failure::NotFound)?;
            if may_grant(tx.actor(), role) {
                Ok(role.clone())
            } else {
                Err(UserRefusal::RoleBeyondYou(role.name.clone()).into())
            }
        })
        .collect()
}

pub(super) fn set_roles(tx: &mut Tx, user: &User, owners: usize, wanted: &[RoleId]) -> Result<Option<Event>, Failure> {
    if wanted.is_empty() {
        return Err(UserRefusal::NoRole.into());
    }
    let all = store::roles::lock_given(tx, wanted)?;
    let held = store::roles::list_of_users(tx, &[user.id])?.remove(&user.id).unwrap_or_default();
    let added: Vec<RoleId> = wanted.iter().filter(|id| !held.contains(id)).copied().collect();
    let removed: Vec<RoleId> = held.iter().filter(|id| !wanted.contains(id)).copied().collect();
    for id in added.iter().chain(&removed) {
        let role = all.iter().find(|role| role.id == *id).ok_or(Failure::NotFound)?;
        if role.is_owner() && removed.contains(id) {
            user.may_stop_being_active_owner(owners)?;
        }
        if !may_grant(tx.actor(), role) {
            return Err(UserRefusal::RoleBeyondYou(role.name.clone()).into());
        }
    }
    if added.is_empty() && removed.is_empty() {
        return Ok(None);
    }
    store::roles::insert_of_user(tx, user.id, &added)?;
    store::roles::delete_of_user(tx, user.id, &removed)?;
    Ok(Some(Event::UserRolesChanged { user: user.id, added, removed }))
}

/// Whether a role is given to somebody or taken from them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RoleChange {
    /// They are to have it.
    Give(RoleId),
    /// They are not to have it.
    Take(RoleId),
}

/// Gives a person a role besides those they hold, or takes one of these. Says whether that changed anything.
///
/// # Errors
/// A [`UserRefusal`], [`Failure::NotFound`] for an id that is none here, or trouble with the database.
pub fn change_role(
    tx: &mut Tx,
    _: &Can<users::AssignRoles>,
    id: UserId,
    change: RoleChange,
) -> Result<Recorded<bool>, Failure> {
    let owners = store::users::lock_active_owners(tx)?;
    let user = store::users::lock(tx, id)?;
    let mut wanted = store::roles::list_of_users(tx, &[id])?.remove(&id).unwrap_or_default();
    match change {
        RoleChange::Give(role) if wanted.contains(&role) => return tx.unchanged(false),
        RoleChange::Take(role) if !wanted.contains(&role) => return tx.unchanged(false),
        RoleChange::Give(role) => wanted.push(role),
        RoleChange::Take(role) => wanted.retain(|one| *one != role),
    }
    user.may_be_changed_by(tx.actor())?;
    if wanted.is_empty() {
        // Losing the only Owner weighs more than having no role left.
        user.may_stop_being_active_owner(owners)?;
        return Err(UserRefusal::LastRole(user.name.full).into());
    }
    match set_roles(tx, &user, owners, &wanted)? {
        Some(event) => {
            store::users::set_touched(tx, &user)?;
            Ok(tx.record(event).with(true))
        }
        None => tx.unchanged(false),
    }
}

/// Puts somebody into exactly these teams. Nobody joins who cannot log in (T-2), and no team loses its only lead silently.
pub(super) fn set_teams(tx: &mut Tx, who: &User, wanted: &[TeamId]) -> Result<Vec<Event>, Failure> {
    let user = who.id;
    let held = store::teams::list_of_users(tx, &[user])?.remove(&user).unwrap_or_default();
    let known = store::teams::list(tx)?;
    let mut events = Vec::new();
    for team in wanted.iter().filter(|team| !held.contains(team)) {
        if !known.iter().any(|one| one.id == *team) {
            return Err(Failure::NotFound);
        }
        if who.status == Status::Inactive {
            return Err(TeamRefusal::MemberInactive(who.name.full.clone()).into());
        }
        store::teams::insert_member(tx, *team, user)?;
        events.push(Event::TeamMemberAdded { team: *team, user });
    }
    for team in held.iter().filter(|team| !wanted.contains(team)) {
        let locked = store::teams::lock(tx, *team)?;
        let before = store::teams::list_members(tx, Some(*team))?;
        store::teams::delete_member(tx, *team, user)?;
        super::teams::keeps_a_lead(tx, &locked, &before, &[user])?;
        events.push(Event::TeamMemberRemoved { team: *team, user });
    }
    Ok(events)
}

/// Makes somebody a member of exactly these channels. That nobody could answer one any more has to be confirmed (K-2).
pub(super) fn set_channels(
    tx: &mut Tx,
    user: UserId,
    wanted: &[ChannelId],
    confirmed: bool,
) -> Result<Vec<Event>, Failure> {
    let held = store::channels::list_of_users(tx, &[user])?.remove(&user).unwrap_or_default();
    let known = store::channels::list(tx)?;
    let mut events = Vec::new();
    for channel in wanted.iter().filter(|channel| !held.contains(channel)) {
        if !known.iter().any(|one| one.id == *channel) {
            return Err(Failure::NotFound);
        }
        store::channels::insert_member(tx, *channel, user)?;
        events.push(Event::ChannelMemberAdded { channel: *channel, user });
    }
    let mut leaving: Vec<ChannelId> = held.into_iter().filter(|channel| !wanted.contains(channel)).collect();
    leaving.sort_unstable();
    if !confirmed
        && let Some((_, name)) =
            store::channels::list_served_alone(tx, user)?.into_iter().find(|(id, _)| leaving.contains(id))
    {
        return Err(ChannelRefusal::LastMember(name).into());
    }
    for channel in leaving {
        events.extend(super::channels::take_out(tx, channel, user)?);
    }
    Ok(events)
}

/// Ends one session of a person, or all of them (S-4).
///
/// # Errors
/// A [`UserRefusal`], [`Failure::NotFound`], or trouble with the database.
pub fn end_sessions(
    tx: &mut Tx,
    _: &Can<users::Edit>,
    id: UserId,
    session: Option<SessionId>,
) -> Result<Recorded<usize>, Failure> {
    let user = store::users::lock(tx, id)?;
    user.may_be_changed_by(tx.actor())?;
    let count = match session {
        Some(session) if store::sessions::delete(tx, id, session)? => 1,
        Some(_) => return Err(Failure::NotFound),
        None => store::sessions::delete_all_of(tx, id, None)?,
    };
    Ok(tx.record(Event::SessionsEnded { user: id, session, count }).with(count))
}
