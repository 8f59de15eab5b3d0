//! One change of many users: what is done to each of them, by the verbs that change one (U-14), so that rules,
//! permissions and events are the same.

use crate::actions::absences::{Leave, Untold};
use crate::actions::teams::Change as Membership;
use crate::actions::users::{Plan, RoleChange};
use crate::domain::access::{Can, handovers, teams, users};
use crate::domain::ids::{TeamId, UserId};
use crate::domain::users::{Reason, User};
use crate::failure::Failure;
use crate::store::{self, Recorded, Tx};

/// The most users that are changed at once: whoever asked waits for it.
pub const LIMIT: usize = 1_000;

/// What is done to each.
pub enum Change {
    /// They can no longer log in; what they hold goes where the plan says.
    Deactivate {
        /// The proof.
        can: Can<users::Deactivate>,
        /// Why; what was said when it was planned, if nothing is said now.
        reason: Option<Reason>,
        /// What becomes of what they hold, with the proof for it; of what nothing is said here it stays where it is, or
        /// goes where it was planned to go.
        plan: Option<(Plan, Can<handovers::Run>)>,
    },
    /// They can log in again.
    Reactivate(Can<users::Deactivate>),
    /// They get a role, or lose it.
    Role(Can<users::AssignRoles>, RoleChange),
    /// They join a team.
    Join(Can<teams::EditMembers>, TeamId),
    /// They leave a team.
    Leave(Can<teams::EditMembers>, TeamId),
}

/// Changes one of them. Says whether that changed anything.
///
/// # Errors
/// As the verb that changes one.
pub fn apply(tx: &mut Tx, change: &Change, id: UserId) -> Result<Recorded<bool>, Failure> {
    match change {
        Change::Deactivate { can, reason, plan } => {
            let planned = store::users::find(tx, id)?.filter(User::is_leaving);
            let Some(user) = planned else {
                let plan = plan.as_ref().map(|(plan, run)| (*plan, run));
                return Ok(super::users::deactivate(tx, can, id, *reason, plan)?.with(true));
            };
            // Whoever was to leave later leaves now, and comes back when it was planned.
            let chosen = plan.as_ref().map(|(plan, _)| *plan).unwrap_or_default();
            let leave = Leave {
                reason: reason.or(user.reason),
                note: user.absence.note,
                returns_at: user.absence.returns_at.filter(|back| *back > tx.now()),
                plan: chosen,
                untold: Untold { open: chosen.open.is_none(), snoozed: chosen.snoozed.is_none() },
                ..Leave::default()
            };
            let run = plan.as_ref().map(|(_, run)| run);
            Ok(super::absences::begin(tx, can, run, id, &leave)?.with(true))
        }
        Change::Reactivate(can) => Ok(super::users::reactivate(tx, can, id)?.with(true)),
        Change::Role(can, change) => super::users::change_role(tx, can, id, *change),
        Change::Join(can, team) => {
            let change = Membership { add: vec![id], ..Membership::default() };
            Ok(super::teams::change_members(tx, can, *team, &change)?.map(|count| count > 0))
        }
        Change::Leave(can, team) => {
            let change = Membership { remove: vec![id], ..Membership::default() };
            Ok(super::teams::change_members(tx, can, *team, &change)?.map(|count| count > 0))
        }
    }
}
