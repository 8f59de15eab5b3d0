//! Users: their states, what may be done to them and by whom (U-1 … U-9).

use chrono::{DateTime, Utc};

use super::absences::Absence;
use super::access::PermissionSet;
use super::ids::{UserId, WorkspaceId};

/// A user's names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// As in a passport.
    pub full: String,
    /// What teammates and contacts see.
    pub display: String,
}

/// Where a user stands in their life in the workspace.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Status {
    /// Has a link, cannot log in yet, counts for nothing.
    Invited,
    /// Can log in.
    Active,
    /// Cannot log in; everything of theirs stays.
    Inactive,
    /// No longer a member; who they were is sealed until they are invited again (U-10).
    Removed,
    /// Nothing is left but what they did (U-11).
    Deleted,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Invited, Self::Active, Self::Inactive, Self::Removed, Self::Deleted];

    /// Those of people who were users and cannot log in.
    pub const CANNOT_LOG_IN: [Self; 3] = [Self::Inactive, Self::Removed, Self::Deleted];

    /// The name under which it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Removed => "removed",
            Self::Deleted => "deleted",
        }
    }

    /// The status of this stored name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Whether the person is gone for good or until they are invited again: nameless, and never given work.
    #[must_use]
    pub const fn is_gone(self) -> bool {
        matches!(self, Self::Removed | Self::Deleted)
    }
}

/// Why somebody was deactivated (U-8).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// Left the company.
    Left,
    /// Parental or medical leave.
    Leave,
    /// The contract ended.
    ContractEnded,
    /// The project is paused.
    ProjectPaused,
    /// For security.
    Security,
    /// Something else.
    Other,
    /// They stopped coming, and the workspace's rule says so (G-1).
    Inactivity,
}

impl Reason {
    /// Those that a person chooses from, in the order in which they are offered.
    pub const OFFERED: [Self; 6] =
        [Self::Left, Self::Leave, Self::ContractEnded, Self::ProjectPaused, Self::Security, Self::Other];

    /// The name under which it is stored and posted.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Leave => "leave",
            Self::ContractEnded => "contract_ended",
            Self::ProjectPaused => "project_paused",
            Self::Security => "security",
            Self::Other => "other",
            Self::Inactivity => "inactivity",
        }
    }

    /// The words that people see.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Left => "Left the company",
            Self::Leave => "Parental or medical leave",
            Self::ContractEnded => "Contract ended",
            Self::ProjectPaused => "Project paused",
            Self::Security => "Security",
            Self::Other => "Other",
            Self::Inactivity => "No activity",
        }
    }

    /// The reason of this stored name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::OFFERED.into_iter().chain([Self::Inactivity]).find(|reason| reason.as_str() == name)
    }
}

/// A user, as far as rules need to know them.
#[derive(Clone, Debug)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// Their workspace.
    pub workspace: WorkspaceId,
    /// Their address, as typed.
    pub email: String,
    /// Their names.
    pub name: Name,
    /// Where they stand.
    pub status: Status,
    /// Why they were deactivated or will be.
    pub reason: Option<Reason>,
    /// The dates of it.
    pub absence: Absence,
    /// Since when they stand there.
    pub status_changed_at: DateTime<Utc>,
    /// Whether they try new features early.
    pub beta_access: bool,
    /// Their time zone (IANA), if it differs from the workspace's.
    pub time_zone: Option<String>,
    /// When they last did something.
    pub last_seen_at: Option<DateTime<Utc>>,
    /// Raised with every change, so that a stale form is noticed.
    pub version: i64,
    /// When they were invited or made.
    pub created_at: DateTime<Utc>,
    /// Since when they are none of the active any more: retention counts from here (E-3).
    pub former_since: Option<DateTime<Utc>>,
    /// Whether one of their roles is Owner.
    pub is_owner: bool,
    /// What their roles let them do.
    pub permissions: PermissionSet,
}

/// A "no" about a user, in words that say what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserRefusal {
    /// U-6.
    #[error("{0} is the only Owner. Make someone else Owner first.")]
    OnlyOwner(String),
    ///
    #[error("Only an Owner can change an Owner.")]
    OnlyOwnersActOnOwners,
    ///
    #[error("{0} may do more than you, so you can’t take their access or give it back. Ask an Owner or an Admin.")]
    BeyondYou(String),
    /// U-8, R-5.
    #[error("{planner}, who planned it, may not take {user}’s access any more. Somebody who may has to plan it anew.")]
    PlannerMayNot {
        /// Who planned it.
        planner: String,
        /// Whose access it is about.
        user: String,
    },
    ///
    #[error("You can’t deactivate yourself. Ask another admin to do it.")]
    Yourself,
    /// Someone was quicker.
    #[error("{0} is already deactivated.")]
    AlreadyInactive(String),
    /// Someone was quicker.
    #[error("{0} is already active.")]
    AlreadyActive(String),
    /// An invite is cancelled, not deactivated.
    #[error("{0} hasn’t accepted the invite yet. Cancel the invite instead.")]
    StillInvited(String),
    ///
    #[error("You can’t give or take the role {0}, because it allows more than you may do yourself.")]
    RoleBeyondYou(String),
    ///
    #[error("{0} may do more than you, so you can’t change where their log-in links go. Ask an Owner.")]
    EmailBeyondYou(String),
    ///
    #[error("{0} may do more than you once they join, so you can’t see their link. Resend the invite instead.")]
    LinkBeyondYou(String),
    /// U-1.
    #[error("Choose at least one role.")]
    NoRole,
    /// U-1.
    #[error("{0} would have no role left. Give another role first, or deactivate them.")]
    LastRole(String),
    /// U-1.
    #[error("Someone in this workspace already uses {0}.")]
    EmailTaken(String),
    ///
    #[error("You can’t remove or delete yourself here. Delete your own account in your profile.")]
    YourselfForGood,
    /// Nothing can be done to somebody who is gone.
    #[error("This user was removed. Invite the same email again to bring them back.")]
    Removed,
    /// Nothing can be done to somebody who is gone.
    #[error("{0} is gone for good.")]
    Deleted(String),
    /// U-11.
    #[error("{0} has logged in before. Deactivate them first, or choose to do both at once.")]
    DeactivateFirst(String),
    /// U-11.
    #[error("This isn’t their email. Type it as they logged in with it.")]
    WrongEmail,
    /// E-3.
    #[error("This workspace keeps former users for {0}. Until then only an Owner can delete them, with a reason.")]
    Kept(String),
    /// E-3.
    #[error("Choose why they are deleted before the {0} are over that this workspace keeps former users.")]
    KeptWithoutReason(String),
    /// E-3.
    #[error("This workspace keeps former users for {0}, so you can’t delete your account yourself. Ask an Owner.")]
    KeptYourself(String),
    /// U-8: withdrawn or executed meanwhile.
    #[error("Nothing is planned for {0} any more.")]
    NothingPlanned(String),
    /// U-8.
    #[error("{0} can log in. Deactivate them first, then say when they come back.")]
    NotAway(String),
    /// U-8.
    #[error("{0} can’t take over their own work.")]
    OwnHeir(String),
}

/// How a control is shown: the page asks the rule that the action obeys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offer {
    /// Not at all.
    Hidden,
    /// Visible but dead, with the reason.
    Disabled(String),
    /// Alive.
    Shown,
}

impl Offer {
    /// The offer for a rule's answer.
    #[must_use]
    pub fn from_rule(permitted: bool, rule: Result<(), UserRefusal>) -> Self {
        match (permitted, rule) {
            (false, _) => Self::Hidden,
            (true, Err(refusal)) => Self::Disabled(refusal.to_string()),
            (true, Ok(())) => Self::Shown,
        }
    }

    /// Why it is dead, if it is.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        if let Self::Disabled(why) = self { Some(why) } else { None }
    }

    /// Whether the control can be used.
    #[must_use]
    pub const fn is_shown(&self) -> bool {
        matches!(self, Self::Shown)
    }
}

/// The letters in a user's picture: first of the first and of the last word.
#[must_use]
pub fn initials(name: &str) -> String {
    let mut words = name.split_whitespace().filter_map(|word| word.chars().find(|c| c.is_alphanumeric()));
    let first = words.next();
    let last = words.next_back();
    first.into_iter().chain(last).flat_map(char::to_uppercase).collect()
}

/// What is wrong with an address, in words that say what to do; `Ok` is the address as it is kept.
///
/// A host may have one name alone, as in `dana@intranet`, because a mail server of an own network can know it. It must
/// not be a number in brackets or without: no mail of a workspace goes there.
///
/// # Errors
/// A sentence for the field.
pub fn parse_email(input: &str) -> Result<String, &'static str> {
    let email = super::text::one_line(input);
    if email.is_empty() {
        return Err("Enter an email address");
    }
    if email.len() > 254 {
        return Err("An email address has at most 254 characters");
    }
    let full = email_address::EmailAddress::is_valid(&email)
        && email.rsplit_once('@').is_some_and(|(_, host)| host.contains(char::is_alphabetic) && !host.starts_with('['))
        && !email.contains(['"', '<', '>', ' ']);
    if !full {
        return Err("Enter a full email address, like name@company.example");
    }
    Ok(email)
}

/// A name of a person or thing as it is kept.
///
/// # Errors
/// A sentence for the field: `missing` if nothing is left of the input.
pub fn parse_name(input: &str, missing: &'static str) -> Result<String, &'static str> {
    let name = super::text::one_line(input);
    if name.is_empty() {
        return Err(missing);
    }
    if name.chars().count() > 120 {
        return Err("Use at most 120 characters");
    }
    Ok(name)
}

#[cfg(test)]
pub(in crate::domain) mod tests {
    use super::*;
    use crate::domain::access::{Actor, PermissionSet, Person};
    use crate::domain::ids::SessionId;
    use crate::domain::roles::Standard;
    use proptest::prelude::*;
    use std::sync::Arc;
    use uuid::Uuid;

    pub(in crate::domain) fn user(id: u128, status: Status, is_owner: bool) -> User {
        User {
            id: UserId(Uuid::from_u128(id)),
            workspace: WorkspaceId::NIL,
            email: "dana@fernhill.example".into(),
            name: Name { full: "Dana Weiss".into(), display: "Dana".into() },
            status,
            reason: None,
            absence: Absence::default(),
            status_changed_at: DateTime::UNIX_EPOCH,
            beta_access: false,
            time_zone: None,
            last_seen_at: None,
            version: 1,
            created_at: DateTime::UNIX_EPOCH,
            former_since: None,
            is_owner,
            permissions: if is_owner { PermissionSet::ALL } else { Standard::Agent.permissions() },
        }
    }

    pub(in crate::domain) fn person(id: u128, is_owner: bool) -> Actor {
        Actor::Person(Arc::new(Person {
            id: UserId(Uuid::from_u128(id)),
            name: Name { full: "Ada".into(), display: "Ada".into() },
            is_owner,
            permissions: PermissionSet::ALL,
            teams: vec![],
            channels: vec![],
            only_guest: false,
            session: SessionId::NIL,
        }))
    }

    #[test]
    fn initials_are_at_most_two_letters() {
        let cases =
            [("Dana Weiss", "DW"), ("Fatima Zahra El Amrani", "FA"), ("Bob", "B"), ("", ""), ("élan  d’or", "ÉD")];
        for (name, letters) in cases {
            assert_eq!(initials(name), letters);
        }
    }

    #[test]
    fn addresses_are_checked_with_a_sentence() {
        assert_eq!(parse_email("  Dana@Fernhill.example "), Ok("Dana@Fernhill.example".to_owned()));
        for inside in ["root@localhost", "dana@intranet", "dana@mail-1", "dana@Fernhill"] {
            assert_eq!(parse_email(inside), Ok(inside.to_owned()));
        }
        for bad in [
            "",
            "dana",
            "dana@",
            "dana@-",
            "dana@7",
            "dana@127.0.0.1",
            "dana@a..b",
            "@fernhill.example",
            "a b@c.example",
            "<a@b.example>",
            "x@[127.0.0.1]",
        ] {
            assert!(parse_email(bad).is_err(), "{bad}");
        }
        assert!(parse_email(&format!("{}@b.example", "a".repeat(300))).is_err());
    }

    proptest! {
        #[test]
        fn no_input_breaks_parsing(input in ".{0,400}") {
            let _ = parse_email(&input);
            let _ = parse_name(&input, "missing");
            let _ = initials(&input);
        }
    }
}
