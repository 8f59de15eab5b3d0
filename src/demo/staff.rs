//! The people of the demo workspace with their teams, channels and pasts, as rows.

use chrono::{DateTime, Datelike as _, Days, TimeDelta, Timelike as _, Utc};
use chrono_tz::Europe::Berlin;

use super::people::{
    self, ABSENCES, ACTIVE, BETA, CHANNELS, INACTIVE, INVITES, OWN_ROLES, PLANNED_LEAVES, TAGS, TEAMS,
};
use super::random::Rng;
use crate::domain::absences::{Absence, start_of_day};
use crate::domain::access::{Key, PermissionSet};
use crate::domain::assignment::Target;
use crate::domain::audit::Event;
use crate::domain::conversations::ChannelKind;
use crate::domain::ids::{ChannelId, RoleId, TagId, TeamId, UserId};
use crate::domain::plans::Plan;
use crate::domain::roles::Standard;
use crate::domain::secrets;
use crate::domain::users::{Reason, Status};
use crate::failure::Failure;
use crate::store::import::{self, Past};
use crate::store::{self, Tx};

/// How long ago the workspace was made, in days.
const FOUNDED: u32 = 1_500;

/// Somebody who can write, or could.
#[derive(Debug)]
pub(super) struct Member {
    /// Their row.
    pub id: UserId,
    /// Who they are.
    pub person: &'static people::Person,
    /// Since when they are here.
    pub since: DateTime<Utc>,
    /// When they were deactivated, if they were.
    pub until: Option<DateTime<Utc>>,
    /// How many conversations they get, compared to others.
    pub pace: u32,
}

impl Member {
    /// Whether they could work at an instant.
    pub(super) fn works_at(&self, at: DateTime<Utc>) -> bool {
        self.since <= at && self.until.is_none_or(|until| at < until)
    }
}

/// A channel and who answers there.
#[derive(Debug)]
pub(super) struct Place {
    /// Its row.
    pub id: ChannelId,
    /// What it is.
    pub kind: ChannelKind,
    /// What was written about it.
    pub channel: &'static people::Channel,
    /// The team that its conversations start with.
    pub default_team: TeamId,
}

impl Place {
    /// Whether somebody is a member.
    pub(super) fn has(&self, person: &people::Person) -> bool {
        people::channel_members(self.channel).any(|member| member.email == person.email)
    }
}

/// The workspace without its conversations.
#[derive(Debug)]
pub(super) struct Staff {
    /// Everybody who has or had an account.
    pub members: Vec<Member>,
    /// All teams, by name.
    pub teams: Vec<(&'static str, TeamId)>,
    /// All channels.
    pub places: Vec<Place>,
    /// All tags, by name.
    pub tags: Vec<(&'static str, TagId)>,
}

impl Staff {
    /// Whoever has this address.
    pub(super) fn find(&self, email: &str) -> Option<usize> {
        self.members.iter().position(|member| member.person.email == email)
    }

    /// The row of a team.
    pub(super) fn team(&self, name: &str) -> Option<TeamId> {
        self.teams.iter().find(|(known, _)| *known == name).map(|(_, id)| *id)
    }

    /// The row of a tag.
    pub(super) fn tag(&self, name: &str) -> Option<TagId> {
        self.tags.iter().find(|(known, _)| *known == name).map(|(_, id)| *id)
    }
}

/// The same instant, or one some hours earlier, when somebody is at work in Berlin.
pub(super) fn at_work(at: DateTime<Utc>) -> DateTime<Utc> {
    earlier_between(at, 8, 19)
}

/// The same instant, or one some hours earlier, when somebody in Berlin is awake.
pub(super) fn awake(at: DateTime<Utc>) -> DateTime<Utc> {
    earlier_between(at, 6, 24)
}

fn earlier_between(mut at: DateTime<Utc>, from: u32, to: u32) -> DateTime<Utc> {
    while !(from..to).contains(&at.with_timezone(&Berlin).hour()) {
        at -= TimeDelta::hours(5);
    }
    at
}

/// An instant so many days ago, at some time of a working day.
fn days_ago(rng: &mut Rng, now: DateTime<Utc>, days: u32) -> DateTime<Utc> {
    at_work(now - TimeDelta::days(days.into()) - TimeDelta::seconds(rng.below(40_000).into()))
}

/// Writes workspace, roles, teams, channels, tags and people. Returns them and what is to be recorded about it, in no
/// particular order.
pub(super) fn insert(tx: &mut Tx, rng: &mut Rng, password_hash: &str) -> Result<(Staff, Vec<Past>), Failure> {
    let now = tx.now();
    let founded = days_ago(rng, now, FOUNDED);
    let owner = ACTIVE.first().ok_or(Failure::Bug("the demo has no Owner"))?;
    store::workspaces::insert(tx, people::SLUG, people::WORKSPACE, people::TIME_ZONE, owner.email)?;
    import::set_workspace_created(tx, founded)?;
    let roles = store::roles::insert_standard(tx)?;
    let mut members = Vec::with_capacity(ACTIVE.len() + INACTIVE.len());
    for person in &ACTIVE {
        let days = seniority(rng, person);
        let since = if person.email == owner.email { founded } else { days_ago(rng, now, days) };
        members.push(Member { id: tx.new_id(), person, since, until: None, pace: pace(rng, person) });
    }
    for former in &INACTIVE {
        let gone: u32 = former.days_ago.into();
        let days = rng.between(gone + 400, 1_450);
        let (since, until) = (days_ago(rng, now, days), days_ago(rng, now, gone));
        members.push(Member { id: tx.new_id(), person: &former.person, since, until: Some(until), pace: 4 });
    }
    let mut staff = Staff { members, teams: Vec::new(), places: Vec::new(), tags: Vec::new() };
    let mut past = vec![Past { at: founded, actor: None, cause: None, event: Event::WorkspaceCreated }];
    insert_users(tx, rng, &staff, &roles, password_hash, &mut past)?;
    insert_own_roles(tx, &staff, &mut past)?;
    insert_teams(tx, &mut staff, founded, &mut past)?;
    insert_channels(tx, &mut staff, founded, &mut past)?;
    insert_absences(tx, &staff, &mut past)?;
    insert_invites(tx, rng, &staff, &roles, &mut past)?;
    for name in TAGS {
        let id = store::tags::find_or_insert(tx, name)?;
        staff.tags.push((name, id));
    }
    Ok((staff, past))
}

/// For how many days somebody has been here.
fn seniority(rng: &mut Rng, person: &people::Person) -> u32 {
    match person.role {
        people::Role::Owner | people::Role::Admin => rng.between(1_300, FOUNDED - 10),
        people::Role::Supervisor => rng.between(900, FOUNDED - 20),
        // Of them, many have stayed, and some came lately.
        people::Role::Agent if rng.chance(70) => rng.between(420, FOUNDED - 30),
        people::Role::Agent => rng.between(70, 420),
    }
}

fn pace(rng: &mut Rng, person: &people::Person) -> u32 {
    let away = ABSENCES.iter().any(|absence| absence.email == person.email);
    match person.role {
        people::Role::Owner | people::Role::Admin => 1,
        _ if away => 1,
        people::Role::Supervisor => 2,
        people::Role::Agent => rng.between(4, 9),
    }
}

fn role_of(roles: &[(Standard, RoleId)], role: people::Role) -> Result<RoleId, Failure> {
    let found = roles.iter().find(|(standard, _)| standard.name() == role.name());
    found.map(|(_, id)| *id).ok_or(Failure::Bug("the demo names a role that is no standard role"))
}

fn reason(former: &people::Former) -> Reason {
    match former.reason {
        "Left the company" => Reason::Left,
        "Parental leave" => Reason::Leave,
        "Contract ended" => Reason::ContractEnded,
        _ => Reason::Other,
    }
}

fn insert_users(
    tx: &mut Tx,
    rng: &mut Rng,
    staff: &Staff,
    roles: &[(Standard, RoleId)],
    password_hash: &str,
    past: &mut Vec<Past>,
) -> Result<(), Failure> {
    let now = tx.now();
    let owner = staff.members.first().map(|member| member.id);
    let mut users = Vec::new();
    let mut logins = Vec::new();
    let accounts: Vec<String> = staff
        .members
        .iter()
        .map(|member| secrets::hash(&format!("{}/{}", people::SLUG, member.person.email)))
        .collect();
    for (member, account) in staff.members.iter().zip(&accounts) {
        let former = INACTIVE.iter().find(|former| former.person.email == member.person.email);
        let seen = last_seen(rng, member, now);
        users.push(import::User {
            id: member.id,
            email: member.person.email,
            full_name: member.person.name,
            display_name: member.person.display_name,
            password_hash: Some(password_hash),
            status: if member.until.is_some() { Status::Inactive } else { Status::Active },
            reason: former.map(reason),
            status_changed_at: member.until.unwrap_or(member.since),
            beta_access: BETA.contains(&member.person.email),
            last_seen_at: Some(seen),
            created_at: member.since,
        });
        log_in_before(rng, member, account, seen, &mut logins);
        let given = vec![role_of(roles, member.person.role)?];
        past.push(Past {
            at: member.since,
            actor: owner.filter(|owner| *owner != member.id),
            cause: None,
            event: Event::UserCreated { user: member.id, roles: given },
        });
        if let (Some(former), Some(at)) = (former, member.until) {
            let actor = staff.find(former.by).and_then(|by| staff.members.get(by)).map(|by| by.id);
            let event = Event::UserDeactivated { user: member.id, reason: Some(reason(former)), sessions_ended: 1 };
            past.push(Past { at, actor, cause: None, event });
        }
    }
    import::insert_users(tx, &users)?;
    import::insert_logins(tx, &logins)?;
    for member in &staff.members {
        store::roles::insert_of_user(tx, member.id, &[role_of(roles, member.person.role)?])?;
    }
    Ok(())
}

/// The midnight in Berlin at which a day begins that is so many days ahead.
fn day_ahead(now: DateTime<Utc>, days: u64) -> Result<DateTime<Utc>, Failure> {
    let day = now.with_timezone(&Berlin).date_naive().checked_add_days(Days::new(days));
    day.and_then(|day| start_of_day(day, Berlin)).ok_or(Failure::Bug("the demo names a day that is none"))
}

/// Says who comes back when, and whose leave is planned.
fn insert_absences(tx: &mut Tx, staff: &Staff, past: &mut Vec<Past>) -> Result<(), Failure> {
    let now = tx.now();
    let of = |email| staff.find(email).and_then(|found| staff.members.get(found)).map(|member| member.id);
    for former in &INACTIVE {
        let (Some(days), Some(id)) = (former.back_in_days, of(former.person.email)) else { continue };
        let (returns_at, set_by) = (Some(day_ahead(now, days.into())?), of(former.by));
        let user = store::users::lock(tx, id)?;
        store::absences::set(tx, &user, user.reason, &Absence { returns_at, set_by, ..Absence::default() })?;
        let event = Event::UserReturnPlanned { user: id, returns_at };
        past.push(Past { at: user.status_changed_at, actor: set_by, cause: None, event });
    }
    for leave in PLANNED_LEAVES {
        let Some(id) = of(leave.email) else { continue };
        let monday = 7 - u64::from(now.with_timezone(&Berlin).weekday().num_days_from_monday());
        let starts_at = day_ahead(now, monday)?;
        let returns_at = Some(day_ahead(now, monday + 7 * leave.weeks)?);
        let (reason, set_by) = (Some(Reason::Leave), of(leave.by));
        let absence = Absence {
            note: Some(leave.note.to_owned()),
            starts_at: Some(starts_at),
            refused_at: None,
            returns_at,
            plan: Plan { open: staff.team(leave.team).map(Target::Team), snoozed: None },
            set_by,
        };
        let user = store::users::lock(tx, id)?;
        store::absences::set(tx, &user, reason, &absence)?;
        let event = Event::UserDeactivationPlanned { user: id, reason, starts_at, returns_at };
        past.push(Past { at: at_work(now - TimeDelta::hours(20)), actor: set_by, cause: None, event });
    }
    Ok(())
}

/// Roles that the workspace made for itself, and who was given them.
fn insert_own_roles(tx: &mut Tx, staff: &Staff, past: &mut Vec<Past>) -> Result<(), Failure> {
    let owner = staff.members.first().map(|member| member.id);
    for own in OWN_ROLES {
        let permissions: PermissionSet = own.allows.iter().filter_map(|key| Key::parse(key)).collect();
        let role = store::roles::insert(tx, own.name, own.purpose, permissions)?;
        let at = at_work(tx.now() - TimeDelta::days(60));
        past.push(Past { at, actor: owner, cause: None, event: Event::RoleCreated { role, permissions } });
        for user in own.holders.iter().filter_map(|email| staff.members.get(staff.find(email)?)).map(|one| one.id) {
            store::roles::insert_of_user(tx, user, &[role])?;
            let event = Event::UserRolesChanged { user, added: vec![role], removed: vec![] };
            past.push(Past { at: at + TimeDelta::minutes(4), actor: owner, cause: None, event });
        }
    }
    Ok(())
}

/// When somebody last did something: a third of those who are here are at it just now.
fn last_seen(rng: &mut Rng, member: &Member, now: DateTime<Utc>) -> DateTime<Utc> {
    if let Some(until) = member.until {
        return until - TimeDelta::minutes(rng.between(5, 300).into());
    }
    if let Some(absence) = ABSENCES.iter().find(|absence| absence.email == member.person.email) {
        return days_ago(rng, now, absence.since_days.into());
    }
    let minutes = match (member.person.email, rng.below(100)) {
        ("alice.martin@fernhill.example", _) => 2,
        ("dana.weiss@fernhill.example" | "bob.keller@fernhill.example", _) => return now,
        (_, 0..30) => return now - TimeDelta::seconds(rng.between(2, 55).into()),
        (_, 30..50) => rng.between(1, 12),
        (_, 50..75) => rng.between(13, 540),
        (_, 75..92) => rng.between(541, 2_880),
        _ => rng.between(2_881, 15_000),
    };
    now - TimeDelta::minutes(minutes.into())
}

const DEVICES: [&str; 5] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1",
];

/// The log-ins before somebody was last seen, oldest first. Addresses are of the ranges for documentation.
fn log_in_before<'a>(
    rng: &mut Rng,
    member: &Member,
    account_hash: &'a str,
    seen: DateTime<Utc>,
    logins: &mut Vec<import::Login<'a>>,
) {
    let device = rng.pick(&DEVICES).copied().unwrap_or_default();
    let address = format!("198.51.100.{}", rng.between(2, 254));
    let mut at = at_work(seen - TimeDelta::minutes(rng.between(20, 180).into()));
    let mut before = Vec::new();
    for _ in 0..rng.between(4, 9) {
        let login = |at, succeeded| {
            let address = address.clone();
            import::Login { user: member.id, account_hash, address, device, succeeded, at }
        };
        before.push(login(at, true));
        if rng.chance(12) {
            before.push(login(at - TimeDelta::seconds(rng.between(8, 40).into()), false));
        }
        at = at_work(at - TimeDelta::minutes(rng.between(1_300, 9_000).into()));
    }
    logins.extend(before.into_iter().rev().filter(|login| login.at > member.since));
}

fn insert_teams(tx: &mut Tx, staff: &mut Staff, founded: DateTime<Utc>, past: &mut Vec<Past>) -> Result<(), Failure> {
    let owner = staff.members.first().map(|member| member.id);
    let (mut teams, mut members) = (Vec::new(), Vec::new());
    for (hours, team) in (1..).zip(TEAMS) {
        let (id, made): (TeamId, _) = (tx.new_id(), founded + TimeDelta::hours(hours));
        staff.teams.push((team.name, id));
        teams.push(import::Team { id, name: team.name, description: team.purpose, created_at: made });
        past.push(Past { at: made, actor: owner, cause: None, event: Event::TeamCreated { team: id } });
        for member in staff.members.iter().filter(|member| member.person.teams.contains(&team.name)) {
            let (user, joined_at) = (member.id, made.max(member.since));
            let is_lead = member.person.email == team.lead;
            members.push(import::TeamMember { team: id, user, is_lead, joined_at });
            let mut record = |event| past.push(Past { at: joined_at, actor: owner, cause: None, event });
            record(Event::TeamMemberAdded { team: id, user });
            if is_lead {
                record(Event::TeamLeadChanged { team: id, user, lead: true });
            }
        }
    }
    import::insert_teams(tx, &teams)?;
    import::insert_team_members(tx, &members)
}

fn insert_channels(
    tx: &mut Tx,
    staff: &mut Staff,
    founded: DateTime<Utc>,
    past: &mut Vec<Past>,
) -> Result<(), Failure> {
    let owner = staff.members.first().map(|member| member.id);
    let (mut channels, mut members) = (Vec::new(), Vec::new());
    for (hours, channel) in (20..).zip(CHANNELS) {
        let (id, made): (ChannelId, _) = (tx.new_id(), founded + TimeDelta::hours(hours));
        let kind =
            ChannelKind::parse(channel.kind).ok_or(Failure::Bug("the demo names a kind of channel that is none"))?;
        let default_team =
            staff.team(channel.default_team).ok_or(Failure::Bug("the demo names a team that is none"))?;
        channels.push(import::Channel {
            id,
            kind,
            name: channel.name,
            address: channel.address,
            default_team,
            created_at: made,
        });
        let place = Place { id, kind, channel, default_team };
        past.push(Past { at: made, actor: owner, cause: None, event: Event::ChannelCreated { channel: id } });
        for member in staff.members.iter().filter(|member| place.has(member.person)) {
            members.push((id, member.id));
            let event = Event::ChannelMemberAdded { channel: id, user: member.id };
            past.push(Past { at: made.max(member.since), actor: owner, cause: None, event });
        }
        staff.places.push(place);
    }
    import::insert_channels(tx, &channels)?;
    import::insert_channel_members(tx, &members)
}

fn insert_invites(
    tx: &mut Tx,
    rng: &mut Rng,
    staff: &Staff,
    roles: &[(Standard, RoleId)],
    past: &mut Vec<Past>,
) -> Result<(), Failure> {
    let now = tx.now();
    let (mut users, mut invites, mut members, mut given) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for invite in &INVITES {
        let user: UserId = tx.new_id();
        // A little before or after a whole number of days, so that the days that are left are those of the drawings.
        let minutes = TimeDelta::minutes(rng.between(5, 200).into());
        let still_valid = invite.expires_in_days > 0 && invite.days_ago > 0;
        let shift = if still_valid { minutes } else { -minutes };
        let at = now - TimeDelta::days(invite.days_ago.into()) + shift;
        let by = staff.find(invite.by).and_then(|by| staff.members.get(by));
        let by = by.ok_or(Failure::Bug("the demo names an inviter who is nobody"))?.id;
        users.push(import::User {
            id: user,
            email: invite.email,
            full_name: invite.name,
            display_name: invite.name.split(' ').next().unwrap_or(invite.name),
            password_hash: None,
            status: Status::Invited,
            reason: None,
            status_changed_at: at,
            beta_access: false,
            last_seen_at: None,
            created_at: at,
        });
        let expires_at = now + TimeDelta::days(invite.expires_in_days.into()) + shift;
        invites.push(import::Invite { user, by, at, expires_at });
        for team in invite.teams.iter().filter_map(|name| staff.team(name)) {
            members.push(import::TeamMember { team, user, is_lead: false, joined_at: at });
        }
        let role = role_of(roles, invite.role)?;
        given.push((user, role));
        past.push(Past { at, actor: Some(by), cause: None, event: Event::UserInvited { user, roles: vec![role] } });
    }
    import::insert_users(tx, &users)?;
    import::insert_invites(tx, &invites)?;
    import::insert_team_members(tx, &members)?;
    for (user, role) in given {
        store::roles::insert_of_user(tx, user, &[role])?;
    }
    Ok(())
}
