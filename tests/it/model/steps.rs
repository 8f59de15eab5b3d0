//! What can happen, and how sequences of it are drawn.

use baton::domain::roles::Standard;
use proptest::prelude::*;

/// Whom a step is about.
#[derive(Clone, Copy, Debug)]
pub enum Whom {
    /// Somebody to whom it can well be done.
    Fit(usize),
    /// Anybody who ever was here.
    Any(usize),
    /// Somebody of the other workspace, who is not to be found here.
    Foreign(usize),
}

/// What an invite says.
#[derive(Clone, Debug)]
pub struct Said {
    /// Which address, of those that the workspace knows.
    pub address: usize,
    /// Whether it is one of those that will do.
    pub fit: bool,
    /// The roles.
    pub roles: Vec<Standard>,
    /// The team, if any.
    pub team: Option<usize>,
    /// The channel, if any.
    pub channel: Option<usize>,
}

/// Something that somebody does.
#[derive(Clone, Debug)]
pub enum Deed {
    Invite(Said),
    Restore { said: Said, as_before: bool },
    StartFresh(Said),
    Accept { who: Whom, with_an_old_link: bool },
    Resend(Whom),
    CopyLink(Whom),
    Cancel(Whom),
    Role { who: Whom, role: Standard, give: bool },
    Join { who: Whom, team: usize },
    Leave { who: Whom, team: usize },
    Lead { who: Whom, team: usize },
    Email { who: Whom, address: usize },
    Deactivate { who: Whom, in_days: u64, away_for: Option<u64> },
    DeactivateInBulk(Whom),
    Return { who: Whom, in_days: Option<u64> },
    Withdraw(Whom),
    Reactivate(Whom),
    Remove(Whom),
    Delete { who: Whom, typed_right: bool, at_once: bool },
    DeleteOwnAccount,
    LogIn(Whom),
    EndSessions(Whom),
}

/// A step of a sequence.
#[derive(Clone, Debug)]
pub enum Step {
    /// Somebody who is active tries something; the first of them are those who may do most.
    Tries { in_the_other: bool, by: usize, deed: Deed },
    /// Time passes, and one instance or the other looks at what is due.
    Passes { hours: u64, on_the_other_instance: bool },
}

fn whom() -> impl Strategy<Value = Whom> {
    prop_oneof![
        14 => (0_usize..16).prop_map(Whom::Fit),
        4 => (0_usize..24).prop_map(Whom::Any),
        1 => (0_usize..8).prop_map(Whom::Foreign),
    ]
}

fn role() -> impl Strategy<Value = Standard> {
    prop_oneof![
        2 => Just(Standard::Owner),
        2 => Just(Standard::Admin),
        2 => Just(Standard::Supervisor),
        3 => Just(Standard::Agent),
        1 => Just(Standard::Reader),
        2 => Just(Standard::Guest),
    ]
}

fn said() -> impl Strategy<Value = Said> {
    let roles = proptest::collection::vec(role(), 0..4).prop_map(|mut roles| {
        roles.sort_unstable();
        roles.dedup();
        roles
    });
    let (team, channel) = (proptest::option::of(0_usize..2), proptest::option::of(0_usize..2));
    (0_usize..12, proptest::bool::weighted(0.8), roles, team, channel)
        .prop_map(|(address, fit, roles, team, channel)| Said { address, fit, roles, team, channel })
}

fn comings() -> impl Strategy<Value = Deed> {
    prop_oneof![
        6 => said().prop_map(Deed::Invite),
        5 => (said(), any::<bool>()).prop_map(|(said, as_before)| Deed::Restore { said, as_before }),
        2 => said().prop_map(Deed::StartFresh),
        8 => (whom(), proptest::bool::weighted(0.15)).prop_map(|(who, old)| Deed::Accept { who, with_an_old_link: old }),
        1 => whom().prop_map(Deed::Resend),
        1 => whom().prop_map(Deed::CopyLink),
        2 => whom().prop_map(Deed::Cancel),
        4 => whom().prop_map(Deed::LogIn),
        1 => whom().prop_map(Deed::EndSessions),
    ]
}

fn changes() -> impl Strategy<Value = Deed> {
    prop_oneof![
        5 => (whom(), role(), any::<bool>()).prop_map(|(who, role, give)| Deed::Role { who, role, give }),
        2 => (whom(), 0_usize..2).prop_map(|(who, team)| Deed::Join { who, team }),
        1 => (whom(), 0_usize..2).prop_map(|(who, team)| Deed::Leave { who, team }),
        1 => (whom(), 0_usize..2).prop_map(|(who, team)| Deed::Lead { who, team }),
        2 => (whom(), 0_usize..12).prop_map(|(who, address)| Deed::Email { who, address }),
    ]
}

fn goings() -> impl Strategy<Value = Deed> {
    prop_oneof![
        6 => (whom(), 0_u64..4, proptest::option::of(1_u64..4))
            .prop_map(|(who, in_days, away_for)| Deed::Deactivate { who, in_days, away_for }),
        2 => whom().prop_map(Deed::DeactivateInBulk),
        2 => (whom(), proptest::option::of(1_u64..4)).prop_map(|(who, in_days)| Deed::Return { who, in_days }),
        1 => whom().prop_map(Deed::Withdraw),
        3 => whom().prop_map(Deed::Reactivate),
        4 => whom().prop_map(Deed::Remove),
        2 => (whom(), proptest::bool::weighted(0.8), any::<bool>())
            .prop_map(|(who, typed_right, at_once)| Deed::Delete { who, typed_right, at_once }),
        1 => Just(Deed::DeleteOwnAccount),
    ]
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![5 => comings(), 2 => changes(), 4 => goings()]
}

fn step() -> impl Strategy<Value = Step> {
    let by = prop_oneof![4 => Just(0_usize), 2 => Just(1_usize), 3 => 0_usize..12];
    prop_oneof![
        8 => (proptest::bool::weighted(0.35), by, deed())
            .prop_map(|(in_the_other, by, deed)| Step::Tries { in_the_other, by, deed }),
        2 => (prop_oneof![4 => 1_u64..30, 1 => 100_u64..200], any::<bool>())
            .prop_map(|(hours, on_the_other_instance)| Step::Passes { hours, on_the_other_instance }),
    ]
}

/// A sequence.
pub fn sequences() -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec(step(), 1..100)
}
