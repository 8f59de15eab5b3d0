//! The rule for people who stop coming: warned, then deactivated (G-1 … G-3).

use chrono::{DateTime, TimeDelta, Utc};

use super::ids::RoleId;
use super::roles::{Role, Standard};

/// After how many days without activity.
pub const CHOICES: [i32; 5] = [30, 60, 90, 180, 365];

/// Between the warning and the deactivation.
pub const GRACE: TimeDelta = TimeDelta::days(7);

/// The rule of a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// After how many days without activity.
    pub days: i32,
    /// Whom it is about: people all of whose roles are among these.
    pub roles: Vec<RoleId>,
}

/// Whether a rule may be about a role: never about Owners and Admins.
#[must_use]
pub fn may_concern(role: &Role) -> bool {
    !matches!(role.standard, Some(Standard::Owner | Standard::Admin))
}

/// A user, as far as the rule needs to know them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// When they last did something, or became active.
    pub active_at: DateTime<Utc>,
    /// When they were warned.
    pub warned_at: Option<DateTime<Utc>>,
    /// Whether a leave with dates is planned for them: what was agreed goes before the rule.
    pub is_leaving: bool,
    /// Their roles.
    pub roles: Vec<RoleId>,
}

impl Standing {
    /// When they were warned, unless they were active afterwards.
    #[must_use]
    pub fn warned(&self) -> Option<DateTime<Utc>> {
        self.warned_at.filter(|at| *at > self.active_at)
    }
}

/// What the rule says about somebody.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It is not about them, or they are active enough.
    Leave,
    /// As above, and an earlier warning is void.
    Forget,
    /// They are to be warned now.
    Warn,
    /// They are warned, and the grace is not over.
    Wait,
    /// The grace is over.
    Deactivate,
}

impl Verdict {
    /// Whether the rule hits them, now or at the end of the grace.
    #[must_use]
    pub const fn hits(self) -> bool {
        matches!(self, Self::Warn | Self::Wait | Self::Deactivate)
    }

    /// Whether something is to be done about them now.
    #[must_use]
    pub const fn is_due(self) -> bool {
        matches!(self, Self::Forget | Self::Warn | Self::Deactivate)
    }
}

impl Rule {
    /// Until when somebody must have been active to be left alone.
    #[must_use]
    pub fn since(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now - TimeDelta::days(i64::from(self.days))
    }

    fn concerns(&self, standing: &Standing, roles: &[Role]) -> bool {
        !standing.roles.is_empty()
            && standing
                .roles
                .iter()
                .all(|held| self.roles.contains(held) && roles.iter().any(|role| role.id == *held && may_concern(role)))
    }

    /// What is to be done about somebody who can log in: the one answer behind the preview and the daily run.
    #[must_use]
    pub fn judge(&self, standing: &Standing, roles: &[Role], now: DateTime<Utc>) -> Verdict {
        if !self.concerns(standing, roles) || standing.is_leaving || standing.active_at > self.since(now) {
            return if standing.warned_at.is_some() { Verdict::Forget } else { Verdict::Leave };
        }
        match standing.warned() {
            None => Verdict::Warn,
            Some(at) if now - at >= GRACE => Verdict::Deactivate,
            Some(_) => Verdict::Wait,
        }
    }

    /// The day on which somebody whom it hits is deactivated, if they stay away.
    #[must_use]
    pub fn ends_at(standing: &Standing, now: DateTime<Utc>) -> DateTime<Utc> {
        standing.warned().unwrap_or(now) + GRACE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::access::PermissionSet;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn role(number: u128, standard: Option<Standard>) -> Role {
        Role {
            id: RoleId(Uuid::from_u128(number)),
            standard,
            name: String::new(),
            description: String::new(),
            permissions: PermissionSet::NONE,
            version: 1,
        }
    }

    fn roles() -> Vec<Role> {
        vec![
            role(1, Some(Standard::Owner)),
            role(2, Some(Standard::Admin)),
            role(3, Some(Standard::Guest)),
            role(4, None),
        ]
    }

    fn id(number: u128) -> RoleId {
        RoleId(Uuid::from_u128(number))
    }

    fn day(number: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(number)
    }

    fn standing(active: i64, warned: Option<i64>, held: &[u128]) -> Standing {
        Standing {
            is_leaving: false,
            active_at: day(active),
            warned_at: warned.map(day),
            roles: held.iter().map(|number| id(*number)).collect(),
        }
    }

    #[test]
    fn a_guest_is_warned_and_a_week_later_deactivated() {
        let rule = Rule { days: 30, roles: vec![id(3)] };
        let says = |now, standing: Standing| rule.judge(&standing, &roles(), day(now));
        assert_eq!(says(29, standing(0, None, &[3])), Verdict::Leave);
        assert_eq!(says(30, standing(0, None, &[3])), Verdict::Warn);
        assert_eq!(says(36, standing(0, Some(30), &[3])), Verdict::Wait);
        assert_eq!(says(37, standing(0, Some(30), &[3])), Verdict::Deactivate);
        // Whoever came after the warning is left alone, and warned anew the next time.
        assert_eq!(says(37, standing(31, Some(30), &[3])), Verdict::Forget);
        assert_eq!(says(70, standing(31, Some(30), &[3])), Verdict::Warn);
        // Whoever is more than a guest is not meant.
        assert_eq!(says(99, standing(0, None, &[3, 4])), Verdict::Leave);
        assert_eq!(says(99, standing(0, None, &[])), Verdict::Leave);
    }

    proptest! {
        #[test]
        fn owners_and_admins_are_never_hit(active in 0_i64..500, warned in proptest::option::of(0_i64..500), other in 3_u128..5, admin in 1_u128..3) {
            let rule = Rule { days: 30, roles: (1..5).map(id).collect() };
            prop_assert!(!rule.judge(&standing(active, warned, &[admin]), &roles(), day(500)).hits());
            prop_assert!(!rule.judge(&standing(active, warned, &[other, admin]), &roles(), day(500)).hits());
        }

        #[test]
        fn nobody_is_deactivated_without_a_week_since_a_warning(active in 0_i64..500, warned in proptest::option::of(0_i64..500)) {
            let rule = Rule { days: 30, roles: vec![id(3)] };
            let one = standing(active, warned, &[3]);
            if rule.judge(&one, &roles(), day(500)) == Verdict::Deactivate {
                prop_assert!(one.warned().is_some_and(|at| day(500) - at >= GRACE) && active <= 470);
            }
        }
    }
}
