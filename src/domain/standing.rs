//! Who may change somebody, and who may take their access or give it back (U-6, U-7, U-9, R-1, R-5). Every way of doing so –
//! now, on a day, among others, by removing or deleting – asks here.

use super::access::{Actor, Key};
use super::users::{Status, User, UserRefusal};

impl User {
    /// Whether `actor` may change this user at all.
    ///
    /// # Errors
    /// If the user is gone, or is an Owner and the actor is not.
    pub fn may_be_changed_by(&self, actor: &Actor) -> Result<(), UserRefusal> {
        match self.status {
            Status::Removed => return Err(UserRefusal::Removed),
            Status::Deleted => return Err(UserRefusal::Deleted(self.name.full.clone())),
            Status::Invited | Status::Active | Status::Inactive => {}
        }
        if self.is_owner && !actor.is_owner() {
            return Err(UserRefusal::OnlyOwnersActOnOwners);
        }
        Ok(())
    }

    /// Whether `actor` may take this user's access or give it back: by deactivating now or on a day, reactivating,
    /// removing or deleting. Nobody does that to somebody who may do what they may not do themselves, so a
    /// Supervisor stops Agents and no Admin.
    ///
    /// # Errors
    /// If they may not be changed at all, or may do more than the actor.
    pub fn may_be_stopped_by(&self, actor: &Actor) -> Result<(), UserRefusal> {
        self.may_be_changed_by(actor)?;
        if actor.permissions().contains(self.permissions) {
            Ok(())
        } else {
            Err(UserRefusal::BeyondYou(self.name.full.clone()))
        }
    }

    /// Whether the user may be deactivated now (U-6, U-7, R-5). `active_owners` counts them with this user, as read
    /// under a lock.
    ///
    /// # Errors
    /// The reason why not.
    pub fn may_be_deactivated_by(&self, actor: &Actor, active_owners: usize) -> Result<(), UserRefusal> {
        match self.status {
            Status::Invited => return Err(UserRefusal::StillInvited(self.name.full.clone())),
            Status::Inactive => return Err(UserRefusal::AlreadyInactive(self.name.full.clone())),
            Status::Active | Status::Removed | Status::Deleted => {}
        }
        self.may_be_stopped_by(actor)?;
        self.may_stop_being_active_owner(active_owners)?;
        if actor.user() == Some(self.id) {
            return Err(UserRefusal::Yourself);
        }
        Ok(())
    }

    /// Whether what `planner` planned about this user's access may still be done on its day (U-8, R-5). Whoever is only
    /// deactivated is judged by the roles that they would have again. Of whoever was removed or deleted since nothing is
    /// left to judge by: what they planned stands, but for an Owner, on whom only an Owner acts.
    ///
    /// # Errors
    /// If the planner might not do it now.
    pub fn may_still_be_stopped_for(&self, planner: &Self) -> Result<(), UserRefusal> {
        let stands = if planner.status.is_gone() {
            !self.is_owner
        } else {
            planner.permissions.has(Key::UsersDeactivate)
                && planner.permissions.contains(self.permissions)
                && (planner.is_owner || !self.is_owner)
        };
        if stands {
            Ok(())
        } else {
            Err(UserRefusal::PlannerMayNot { planner: planner.name.full.clone(), user: self.name.full.clone() })
        }
    }

    /// Whether the workspace can do without this user as an active Owner (U-6).
    ///
    /// # Errors
    /// If it is the only one.
    pub fn may_stop_being_active_owner(&self, active_owners: usize) -> Result<(), UserRefusal> {
        if self.is_owner && self.status == Status::Active && active_owners <= 1 {
            return Err(UserRefusal::OnlyOwner(self.name.full.clone()));
        }
        Ok(())
    }

    /// Whether the user may be reactivated (U-9).
    ///
    /// # Errors
    /// The reason why not.
    pub fn may_be_reactivated_by(&self, actor: &Actor) -> Result<(), UserRefusal> {
        match self.status {
            Status::Invited => return Err(UserRefusal::StillInvited(self.name.full.clone())),
            Status::Active => return Err(UserRefusal::AlreadyActive(self.name.full.clone())),
            Status::Inactive | Status::Removed | Status::Deleted => {}
        }
        self.may_be_stopped_by(actor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::access::{PermissionSet, Person};
    use crate::domain::removal::Deletion;
    use crate::domain::roles::Standard;
    use crate::domain::users::tests::{person, user};
    use chrono::DateTime;
    use proptest::prelude::*;
    use std::sync::Arc;

    #[test]
    fn the_only_owner_stays() {
        let dana = user(1, Status::Active, true);
        let refusal = dana.may_be_deactivated_by(&person(2, true), 1);
        assert_eq!(
            refusal.map_err(|r| r.to_string()),
            Err("Dana Weiss is the only Owner. Make someone else Owner first.".to_owned())
        );
        assert_eq!(dana.may_be_deactivated_by(&person(2, true), 2), Ok(()));
    }

    #[test]
    fn only_owners_act_on_owners_and_nobody_on_themselves() {
        let dana = user(1, Status::Active, true);
        assert_eq!(dana.may_be_deactivated_by(&person(2, false), 2), Err(UserRefusal::OnlyOwnersActOnOwners));
        assert_eq!(dana.may_be_deactivated_by(&person(1, true), 2), Err(UserRefusal::Yourself));
    }

    #[test]
    fn a_plan_stands_or_falls_with_what_the_planner_may_do_on_its_day() {
        let holding = |mut one: User, role: Standard| {
            one.permissions = role.permissions();
            one.is_owner = role == Standard::Owner;
            one
        };
        let agent = holding(user(1, Status::Active, false), Standard::Agent);
        let planner = |role, status| holding(user(2, status, false), role);
        let stands = |one: &User, by: &User| one.may_still_be_stopped_for(by).is_ok();
        assert!(stands(&agent, &planner(Standard::Supervisor, Status::Active)));
        assert!(stands(&agent, &planner(Standard::Supervisor, Status::Inactive)), "would have the role again");
        assert!(!stands(&agent, &planner(Standard::Agent, Status::Active)), "lost the permission");
        let admin = holding(agent.clone(), Standard::Admin);
        assert!(!stands(&admin, &planner(Standard::Supervisor, Status::Active)), "was promoted since");
        let owner = holding(agent.clone(), Standard::Owner);
        assert!(!stands(&owner, &planner(Standard::Admin, Status::Active)));
        assert!(stands(&owner, &planner(Standard::Owner, Status::Active)));
        let mut gone = planner(Standard::Owner, Status::Removed);
        (gone.permissions, gone.is_owner) = (PermissionSet::NONE, false);
        assert!(stands(&agent, &gone) && stands(&admin, &gone) && !stands(&owner, &gone));
    }

    fn with(permissions: PermissionSet) -> Actor {
        match person(2, false) {
            Actor::Person(person) => Actor::Person(Arc::new(Person { permissions, ..(*person).clone() })),
            other => other,
        }
    }

    #[test]
    fn a_supervisor_stops_agents_and_no_admin() {
        let sven = with(Standard::Supervisor.permissions());
        let of = |role: Standard, status| User { permissions: role.permissions(), ..user(1, status, false) };
        for role in [Standard::Supervisor, Standard::Agent, Standard::Reader, Standard::Guest] {
            assert_eq!(of(role, Status::Active).may_be_deactivated_by(&sven, 1), Ok(()), "{role:?}");
            assert_eq!(of(role, Status::Inactive).may_be_reactivated_by(&sven), Ok(()), "{role:?}");
        }
        let refused = of(Standard::Admin, Status::Active).may_be_deactivated_by(&sven, 1).map_err(|no| no.to_string());
        assert_eq!(
            refused,
            Err("Dana Weiss may do more than you, so you can’t take their access or give it back. Ask an Owner or an Admin."
                .to_owned())
        );
        assert!(of(Standard::Admin, Status::Inactive).may_be_reactivated_by(&sven).is_err());
    }

    #[test]
    fn states_are_respected() {
        let ada = person(2, true);
        let invited = user(1, Status::Invited, false);
        let inactive = user(1, Status::Inactive, false);
        let active = user(1, Status::Active, false);
        assert!(matches!(invited.may_be_deactivated_by(&ada, 1), Err(UserRefusal::StillInvited(_))));
        assert!(matches!(invited.may_be_reactivated_by(&ada), Err(UserRefusal::StillInvited(_))));
        assert!(matches!(inactive.may_be_deactivated_by(&ada, 1), Err(UserRefusal::AlreadyInactive(_))));
        assert!(matches!(active.may_be_reactivated_by(&ada), Err(UserRefusal::AlreadyActive(_))));
        assert_eq!(inactive.may_be_reactivated_by(&ada), Ok(()));
    }

    proptest! {
        #[test]
        fn nobody_takes_or_gives_the_access_of_somebody_who_may_do_more(
            mine in proptest::sample::subsequence(Key::ALL.to_vec(), 0..=Key::ALL.len()),
            theirs in proptest::sample::subsequence(Key::ALL.to_vec(), 0..=Key::ALL.len()),
            leaving: bool,
        ) {
            let more = theirs.iter().any(|key| !mine.contains(key));
            let actor = with(mine.into_iter().collect());
            let mut dana = User { permissions: theirs.into_iter().collect(), ..user(1, Status::Active, false) };
            if leaving {
                dana.absence.starts_at = Some(DateTime::UNIX_EPOCH);
            }
            let away = User { status: Status::Inactive, ..dana.clone() };
            let deletion = Deletion { deactivate: true, reason: None, retention_years: None, now: DateTime::UNIX_EPOCH };
            let verdicts = [
                dana.may_be_deactivated_by(&actor, 1),
                dana.may_be_removed_by(&actor, 1),
                dana.may_be_deleted_by(&actor, 1, &deletion),
                away.may_be_reactivated_by(&actor),
                away.may_get_return_by(&actor),
                away.may_be_removed_by(&actor, 1),
                away.may_be_deleted_by(&actor, 1, &deletion),
            ];
            for verdict in verdicts {
                prop_assert_eq!(verdict.is_err(), more);
            }
            if leaving {
                prop_assert_eq!(dana.may_lose_dates_by(&actor).is_err(), more);
            }
        }

        #[test]
        fn whoever_acts_the_last_active_owner_cannot_be_deactivated(actor in 0_u128..3, owner: bool) {
            let dana = user(1, Status::Active, true);
            prop_assert!(dana.may_be_deactivated_by(&person(actor, owner), 1).is_err());
        }
    }
}
