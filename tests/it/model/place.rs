//! What the model knows of a workspace: its people and what they are, kept by the model's own simple rules.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use baton::domain::access::PermissionSet;
use baton::domain::ids::{ChannelId, RoleId, TeamId, UserId, WorkspaceId};
use baton::domain::roles::Standard;
use baton::domain::users::{Reason, Status};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::steps::Said;

/// What the model needs to know that roles allow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Power {
    /// Inviting, editing, removing, deleting, roles: what Owners and Admins may.
    ManageUsers,
    /// Deactivating, reactivating, changing teams: Supervisors may, too.
    LookAfterPeople,
    /// Answering conversations, and so being given some: everybody but Readers.
    Answer,
}

/// Somebody who is or was here.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: UserId,
    pub email: String,
    pub status: Status,
    pub roles: BTreeSet<Standard>,
    /// With whether they lead.
    pub teams: BTreeMap<TeamId, bool>,
    pub channels: BTreeSet<ChannelId>,
    pub reason: Option<Reason>,
    pub starts_at: Option<DateTime<Utc>>,
    pub refused: bool,
    pub returns_at: Option<DateTime<Utc>>,
    /// Who planned that they leave.
    pub set_by: Option<UserId>,
    /// The addresses that they had before.
    pub former: Vec<String>,
    pub sessions: i64,
    /// Whether they ever logged in.
    pub seen: bool,
    pub password: bool,
    /// The link of their invite, and when it dies.
    pub link: Option<(String, DateTime<Utc>)>,
    pub old_links: Vec<String>,
}

impl Person {
    /// Somebody who was just invited.
    pub fn invited(id: UserId, email: &str, link: (String, DateTime<Utc>)) -> Self {
        Self {
            id,
            email: email.to_owned(),
            status: Status::Invited,
            roles: BTreeSet::new(),
            teams: BTreeMap::new(),
            channels: BTreeSet::new(),
            reason: None,
            starts_at: None,
            refused: false,
            returns_at: None,
            set_by: None,
            former: Vec::new(),
            sessions: 0,
            seen: false,
            password: false,
            link: Some(link),
            old_links: Vec::new(),
        }
    }

    pub fn is_active(&self) -> bool {
        self.status == Status::Active
    }

    pub fn is_gone(&self) -> bool {
        matches!(self.status, Status::Removed | Status::Deleted)
    }

    pub fn is_owner(&self) -> bool {
        self.roles.contains(&Standard::Owner)
    }

    pub fn may(&self, power: Power) -> bool {
        let least = match power {
            Power::ManageUsers => [Standard::Owner, Standard::Admin].as_slice(),
            Power::LookAfterPeople => &[Standard::Owner, Standard::Admin, Standard::Supervisor],
            Power::Answer => {
                &[Standard::Owner, Standard::Admin, Standard::Supervisor, Standard::Agent, Standard::Guest]
            }
        };
        least.iter().any(|role| self.roles.contains(role))
    }

    /// Whether they may do all that a role lets people do.
    pub fn covers(&self, role: Standard) -> bool {
        let mine = self.roles.iter().fold(PermissionSet::NONE, |so_far, role| so_far.union(role.permissions()));
        self.is_owner() || (role != Standard::Owner && mine.contains(role.permissions()))
    }

    /// Nothing that was planned for them comes any more.
    pub fn forget_plans(&mut self) {
        (self.reason, self.starts_at, self.returns_at, self.refused) = (None, None, None, false);
        self.set_by = None;
    }

    /// A link that works takes the place of all earlier ones.
    pub fn relink(&mut self, token: String, until: DateTime<Utc>) {
        let old = self.link.replace((token, until));
        self.old_links.extend(old.map(|(token, _)| token));
    }
}

/// Who a removed person was.
#[derive(Clone, Debug)]
pub struct Seal {
    pub user: UserId,
    pub email: String,
    pub roles: BTreeSet<Standard>,
    pub teams: BTreeMap<TeamId, bool>,
    pub channels: BTreeSet<ChannelId>,
}

/// An event that is to be on record: its name, and whom it is about.
pub type Noted = (&'static str, Option<UserId>);

/// A workspace.
#[derive(Clone, Debug)]
pub struct Place {
    pub workspace: WorkspaceId,
    pub zone: Tz,
    pub people: Vec<Person>,
    pub sealed: Vec<Seal>,
    pub roles: HashMap<Standard, RoleId>,
    pub teams: Vec<TeamId>,
    pub channels: Vec<ChannelId>,
    /// All addresses that ever play a part.
    pub addresses: Vec<String>,
    /// Whom people are told to ask.
    pub contact: String,
    /// How many events there are.
    pub events: i64,
}

impl Place {
    pub fn get(&self, id: UserId) -> Option<&Person> {
        self.people.iter().find(|one| one.id == id)
    }

    pub fn get_mut(&mut self, id: UserId) -> &mut Person {
        self.people.iter_mut().find(|one| one.id == id).expect("somebody of this workspace")
    }

    /// The active ones, those who may do most first.
    pub fn actors(&self) -> Vec<UserId> {
        let mut active: Vec<&Person> = self.people.iter().filter(|one| one.is_active()).collect();
        active.sort_by_key(|one| (one.roles.first().copied(), one.id));
        active.iter().map(|one| one.id).collect()
    }

    pub fn active_owners(&self) -> usize {
        self.people.iter().filter(|one| one.is_active() && one.is_owner()).count()
    }

    /// Whether the workspace cannot do without this person.
    pub fn is_last_owner(&self, one: &Person) -> bool {
        one.is_active() && one.is_owner() && self.active_owners() == 1
    }

    /// Who uses an address now.
    pub fn user_of(&self, email: &str) -> Option<&Person> {
        self.people.iter().find(|one| !one.is_gone() && one.email == email)
    }

    /// Who was removed with an address and can come back.
    pub fn removed_with(&self, email: &str) -> Option<&Seal> {
        let seal = self.sealed.iter().find(|seal| seal.email == email)?;
        self.get(seal.user).filter(|one| one.status == Status::Removed).map(|_| seal)
    }

    pub fn address(&self, at: usize) -> String {
        self.addresses[at % self.addresses.len()].clone()
    }

    /// The address that an invite names: one that is free for it, or one that somebody left, if there is any.
    pub fn address_of(&self, said: &Said, left: bool) -> String {
        let will_do = |email: &&String| self.user_of(email).is_none() && self.removed_with(email).is_some() == left;
        let fit: Vec<&String> = self.addresses.iter().filter(|_| said.fit).filter(will_do).collect();
        match fit.len() {
            0 => self.address(said.address),
            count => fit[said.address % count].clone(),
        }
    }

    pub fn team(&self, at: usize) -> TeamId {
        self.teams[at % self.teams.len()]
    }

    pub fn channel(&self, at: usize) -> ChannelId {
        self.channels[at % self.channels.len()]
    }

    /// Seals somebody's address; nobody else is found by it any more.
    pub fn seal(&mut self, seal: Seal) {
        self.sealed.retain(|one| one.user != seal.user && one.email != seal.email);
        self.sealed.push(seal);
    }
}
