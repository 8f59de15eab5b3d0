//! Teams: flat groups of users with leads (T-1, T-2).

use super::ids::{TeamId, UserId};

/// A team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    /// Its id.
    pub id: TeamId,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Raised with every change.
    pub version: i64,
}

/// A member's place: who, whether they can log in, whether they lead.
pub type Place = (UserId, bool, bool);

/// What is wrong with who is in a team (T-4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flag {
    /// It has members, and none of them can log in.
    NobodyActive,
    /// It has leads, and none of them can log in.
    NoActiveLead,
    /// It has members and no lead.
    NoLead,
}

impl Flag {
    /// The flag of a team with these members, if it needs one.
    #[must_use]
    pub fn of(members: &[Place]) -> Option<Self> {
        let any = |active: bool, lead: bool| members.iter().any(|one| (one.1 || !active) && (one.2 || !lead));
        match (any(true, false), any(true, true), any(false, true)) {
            _ if members.is_empty() => None,
            (false, ..) => Some(Self::NobodyActive),
            (true, true, _) => None,
            (true, false, true) => Some(Self::NoActiveLead),
            (true, false, false) => Some(Self::NoLead),
        }
    }

    /// The words that people see.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::NobodyActive => "Nobody in it can log in",
            Self::NoActiveLead => "No lead can log in",
            Self::NoLead => "No lead",
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::NobodyActive => "Add somebody who can, so that the team’s conversations are answered.",
            Self::NoActiveLead | Self::NoLead => "Choose a lead who is active, so that somebody looks after this team.",
        }
    }
}

/// What a team has in one person alone (T-4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hold {
    /// Nobody else in it can log in.
    OnlyActive,
    /// Nobody else who leads it can log in.
    OnlyLead,
}

impl Hold {
    /// What a team with these members has in `user` alone, if anything.
    #[must_use]
    pub fn of(members: &[Place], user: UserId) -> Option<Self> {
        let own = members.iter().find(|one| one.0 == user && one.1)?;
        let others = || members.iter().filter(|one| one.0 != user && one.1);
        if others().next().is_none() {
            return Some(Self::OnlyActive);
        }
        (own.2 && !others().any(|one| one.2)).then_some(Self::OnlyLead)
    }

    /// The words before the team's name.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::OnlyActive => "the only active member of",
            Self::OnlyLead => "the only lead of",
        }
    }
}

/// Why somebody cannot leave a team as things stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LeaveProblem {
    /// They alone lead it, and name nobody else.
    OnlyLead,
    /// Whom they name cannot lead it.
    NoSuccessor,
}

/// Whether `user` may leave a team with these members, naming `successor` as a lead (T-2, U-15). A team of which nobody
/// else can log in has nobody to be led.
///
/// # Errors
/// Why not.
pub fn may_leave(members: &[Place], user: UserId, successor: Option<UserId>) -> Result<(), LeaveProblem> {
    if let Some(successor) = successor {
        let fits = successor != user && members.iter().any(|one| one.0 == successor && one.1);
        return if fits { Ok(()) } else { Err(LeaveProblem::NoSuccessor) };
    }
    if Hold::of(members, user) == Some(Hold::OnlyLead) { Err(LeaveProblem::OnlyLead) } else { Ok(()) }
}

/// A "no" about a team.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TeamRefusal {
    /// T-1.
    #[error("There is a team called {0} already.")]
    NameTaken(String),
    /// T-1.
    #[error("{0} still hold this team’s name. Move them to another team first.")]
    StillHolds(String),
    /// T-2.
    #[error("{0} can’t log in, so they can’t join a team.")]
    MemberInactive(String),
    /// U-15.
    #[error("{name} is the only lead of {team}. Choose another lead first.")]
    OnlyLead {
        /// Who.
        name: String,
        /// Of which team.
        team: String,
    },
    /// U-15.
    #[error("Choose an active member of {0} as its lead.")]
    NoSuccessor(String),
    /// T-1.
    #[error("Choose another team for what this one holds.")]
    NoTarget,
    /// What another team held is still on its way here.
    #[error("The conversations of {0} are still being moved to this team. Delete it when they are here.")]
    StillArriving(String),
    /// Too late to bring it back.
    #[error("This team can’t be brought back any more.")]
    Gone,
    /// A channel sends its conversations here.
    #[error("The channel {0} sends its conversations to this team. Change the channel first.")]
    ChannelDefault(String),
}

impl TeamRefusal {
    /// The refusal of a departure.
    #[must_use]
    pub fn leaving(problem: LeaveProblem, name: &str, team: &str) -> Self {
        match problem {
            LeaveProblem::OnlyLead => Self::OnlyLead { name: name.to_owned(), team: team.to_owned() },
            LeaveProblem::NoSuccessor => Self::NoSuccessor(team.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn id(n: u128) -> UserId {
        UserId(Uuid::from_u128(n))
    }

    #[test]
    fn a_team_says_what_is_wrong_with_who_is_in_it() {
        let cases: [(&[Place], Option<Flag>); 6] = [
            (&[], None),
            (&[(id(1), true, true), (id(2), false, true)], None),
            (&[(id(1), true, false)], Some(Flag::NoLead)),
            (&[(id(1), true, false), (id(2), false, true)], Some(Flag::NoActiveLead)),
            (&[(id(1), false, true)], Some(Flag::NobodyActive)),
            (&[(id(1), false, false), (id(2), false, false)], Some(Flag::NobodyActive)),
        ];
        for (members, flag) in cases {
            assert_eq!(Flag::of(members), flag, "{members:?}");
        }
    }

    proptest! {
        #[test]
        fn whoever_may_leave_leaves_a_lead_behind_if_anybody_is_left(
            places in proptest::collection::vec((any::<bool>(), any::<bool>()), 0..5), who in 0_u128..5,
            successor in proptest::option::of(0_u128..6),
        ) {
            let members: Vec<Place> = (0_u128..).zip(places).map(|(n, (active, lead))| (id(n), active, lead)).collect();
            let led = |members: &[Place]| members.iter().any(|one| one.1 && one.2);
            let after: Vec<Place> = members
                .iter()
                .filter(|one| one.0 != id(who))
                .map(|one| (one.0, one.1, one.2 || successor.map(id) == Some(one.0)))
                .collect();
            if may_leave(&members, id(who), successor.map(id)).is_ok() && led(&members) {
                prop_assert!(led(&after) || !after.iter().any(|one| one.1));
            }
            if let Some(hold) = Hold::of(&members, id(who)) {
                prop_assert_eq!(hold == Hold::OnlyActive, !after.iter().any(|one| one.1));
            }
        }
    }
}
