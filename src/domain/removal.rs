//! Removing and deleting users (U-10 … U-12), and how long former users are kept (E-3).

use chrono::{DateTime, Months, TimeDelta, Utc};

use super::access::Actor;
use super::ids::{ChannelId, RoleId, TeamId, UserId};
use super::users::{Name, Status, User, UserRefusal};

/// What everybody who was removed is called.
pub const REMOVED_NAME: &str = "Removed user";

/// What a deleted user is called: two of them stay two.
#[must_use]
pub fn deleted_name(number: i64) -> String {
    format!("Deleted user {number}")
}

/// Who somebody was before they were removed: kept apart, and opened again only for whoever invites the same address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Whose row it belongs to.
    pub user: UserId,
    /// Their address, as typed.
    pub email: String,
    /// Their names.
    pub name: Name,
    /// Whether they tried new features early.
    pub beta_access: bool,
    /// Their own time zone, if they had one.
    pub time_zone: Option<String>,
    /// What they were.
    pub roles: Vec<RoleId>,
    /// Where they were, and whether they led.
    pub teams: Vec<(TeamId, bool)>,
    /// Where they answered.
    pub channels: Vec<ChannelId>,
    /// When they were removed.
    pub sealed_at: DateTime<Utc>,
}

/// Why somebody is deleted before the end of retention (E-3). A choice and not a text, so that the audit log names
/// nobody.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeletionReason {
    /// The person asked for it.
    Erasure,
    /// The account should never have been.
    Mistake,
    /// An authority or a court asked for it.
    Authority,
}

impl DeletionReason {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::Erasure, Self::Mistake, Self::Authority];

    /// The name under which it is stored and posted.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Erasure => "erasure",
            Self::Mistake => "mistake",
            Self::Authority => "authority",
        }
    }

    /// The words that people see.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Erasure => "They asked to be erased",
            Self::Mistake => "The account was made by mistake",
            Self::Authority => "An authority or a court asks for it",
        }
    }

    /// The reason of this stored name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }
}

/// How a deletion is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Deletion {
    /// Whether somebody who is active may be deactivated in the same step.
    pub deactivate: bool,
    /// Why before the end of retention.
    pub reason: Option<DeletionReason>,
    /// For how many years former users are kept; `None` sets no limit on deleting them.
    pub retention_years: Option<i32>,
    /// The present instant.
    pub now: DateTime<Utc>,
}

/// A number of years in words.
#[must_use]
pub fn years_in_words(years: i32) -> String {
    if years == 1 { "1 year".to_owned() } else { format!("{years} years") }
}

/// When so many years after an instant are over.
#[must_use]
pub fn end_of_retention(since: DateTime<Utc>, years: i32) -> DateTime<Utc> {
    let months = Months::new(u32::try_from(years).unwrap_or(0).saturating_mul(12));
    since.checked_add_months(months).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// How long before a deletion by itself the Owners are told.
pub const NOTICE: TimeDelta = TimeDelta::days(7);

/// What retention does about a former user.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Due {
    /// Nothing yet, or nothing new.
    Nothing,
    /// Tells the Owners that they will be deleted.
    Announce,
    /// Deletes them.
    Delete,
}

/// What retention does now about somebody who left at `since` (E-3): nobody is deleted whom the Owners were not told of
/// a week before, and an announcement counts only for the end that it was made for.
#[must_use]
pub fn due(since: DateTime<Utc>, announced: Option<DateTime<Utc>>, years: i32, now: DateTime<Utc>) -> Due {
    let end = end_of_retention(since, years);
    if now < end - NOTICE {
        return Due::Nothing;
    }
    match announced.filter(|announced| *announced >= end - NOTICE) {
        None => Due::Announce,
        Some(announced) if now >= end && now >= announced + NOTICE => Due::Delete,
        Some(_) => Due::Nothing,
    }
}

impl User {
    /// Whether the user may be removed (U-10). `active_owners` as in [`User::may_be_deactivated_by`].
    ///
    /// # Errors
    /// The reason why not.
    pub fn may_be_removed_by(&self, actor: &Actor, active_owners: usize) -> Result<(), UserRefusal> {
        if self.status == Status::Removed {
            return Err(UserRefusal::Removed);
        }
        self.may_go_by(actor, active_owners)
    }

    /// Whether the user may be deleted (U-11, E-3).
    ///
    /// # Errors
    /// The reason why not.
    pub fn may_be_deleted_by(
        &self,
        actor: &Actor,
        active_owners: usize,
        deletion: &Deletion,
    ) -> Result<(), UserRefusal> {
        self.may_go_by(actor, active_owners)?;
        let used = self.status == Status::Active && self.last_seen_at.is_some();
        if used && !deletion.deactivate {
            return Err(UserRefusal::DeactivateFirst(self.name.full.clone()));
        }
        match self.kept_until(deletion) {
            Some(_) if !actor.is_owner() => Err(UserRefusal::Kept(years_of(deletion))),
            Some(_) if deletion.reason.is_none() => Err(UserRefusal::KeptWithoutReason(years_of(deletion))),
            _ => Ok(()),
        }
    }

    /// Until when the workspace keeps this user, if that is not over. An account that was never used is no former
    /// user's.
    #[must_use]
    pub fn kept_until(&self, deletion: &Deletion) -> Option<DateTime<Utc>> {
        let years = deletion.retention_years?;
        let since = match self.status {
            Status::Inactive | Status::Removed => self.former_since.unwrap_or(self.status_changed_at),
            Status::Active if self.last_seen_at.is_some() => deletion.now,
            Status::Active | Status::Invited | Status::Deleted => return None,
        };
        Some(end_of_retention(since, years)).filter(|end| *end > deletion.now)
    }

    /// Whether somebody may delete their own account (U-15).
    ///
    /// # Errors
    /// The reason why not.
    pub fn may_delete_themselves(&self, active_owners: usize, retention_years: Option<i32>) -> Result<(), UserRefusal> {
        self.may_stop_being_active_owner(active_owners)?;
        match retention_years {
            Some(years) => Err(UserRefusal::KeptYourself(years_in_words(years))),
            None => Ok(()),
        }
    }

    /// What removing and deleting have in common.
    fn may_go_by(&self, actor: &Actor, active_owners: usize) -> Result<(), UserRefusal> {
        match self.status {
            Status::Invited => return Err(UserRefusal::StillInvited(self.name.full.clone())),
            Status::Deleted => return Err(UserRefusal::Deleted(self.name.full.clone())),
            Status::Active | Status::Inactive => self.may_be_stopped_by(actor)?,
            Status::Removed => {}
        }
        self.may_stop_being_active_owner(active_owners)?;
        if actor.user() == Some(self.id) {
            return Err(UserRefusal::YourselfForGood);
        }
        Ok(())
    }
}

fn years_of(deletion: &Deletion) -> String {
    years_in_words(deletion.retention_years.unwrap_or(0))
}

/// Whether what was typed to confirm a deletion is the address of the person; for somebody whose address is not even
/// sealed any more, what they are called.
///
/// # Errors
/// [`UserRefusal::WrongEmail`].
pub fn confirm(typed: &str, user: &User, sealed: Option<&Sealed>) -> Result<(), UserRefusal> {
    let known = match (user.status, sealed) {
        (Status::Removed, Some(sealed)) => &sealed.email,
        (Status::Removed, None) => &user.name.full,
        _ => &user.email,
    };
    if super::text::key(&super::text::one_line(typed)) == super::text::key(known) {
        Ok(())
    } else {
        Err(UserRefusal::WrongEmail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::users::tests::{person, user};
    use proptest::prelude::*;

    fn at(days: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(days)
    }

    fn plainly(years: Option<i32>) -> Deletion {
        Deletion { deactivate: false, reason: None, retention_years: years, now: at(1_000) }
    }

    #[test]
    fn removing_and_deleting_respect_states() {
        let ada = person(2, true);
        let of = |status| user(1, status, false);
        assert_eq!(of(Status::Active).may_be_removed_by(&ada, 1), Ok(()));
        assert_eq!(of(Status::Inactive).may_be_removed_by(&ada, 1), Ok(()));
        assert_eq!(of(Status::Removed).may_be_removed_by(&ada, 1), Err(UserRefusal::Removed));
        assert!(matches!(of(Status::Invited).may_be_removed_by(&ada, 1), Err(UserRefusal::StillInvited(_))));
        assert!(matches!(of(Status::Deleted).may_be_removed_by(&ada, 1), Err(UserRefusal::Deleted(_))));
        for status in [Status::Active, Status::Inactive, Status::Removed] {
            assert_eq!(of(status).may_be_deleted_by(&ada, 1, &plainly(None)), Ok(()), "{status:?}");
        }
        let mut used = of(Status::Active);
        used.last_seen_at = Some(at(1));
        assert!(matches!(used.may_be_deleted_by(&ada, 1, &plainly(None)), Err(UserRefusal::DeactivateFirst(_))));
        let both = Deletion { deactivate: true, ..plainly(None) };
        assert_eq!(used.may_be_deleted_by(&ada, 1, &both), Ok(()));
        for status in [Status::Removed, Status::Deleted] {
            assert!(of(status).may_be_changed_by(&ada).is_err());
            assert!(of(status).may_be_deactivated_by(&ada, 1).is_err());
            assert!(of(status).may_be_reactivated_by(&ada).is_err());
        }
    }

    #[test]
    fn the_only_owner_oneself_and_owners_for_others_stay() {
        let dana = user(1, Status::Active, true);
        for rule in [User::may_be_removed_by, |user: &User, actor: &Actor, owners| {
            user.may_be_deleted_by(actor, owners, &plainly(None))
        }] {
            assert!(matches!(rule(&dana, &person(2, true), 1), Err(UserRefusal::OnlyOwner(_))));
            assert_eq!(rule(&dana, &person(2, false), 2), Err(UserRefusal::OnlyOwnersActOnOwners));
            assert_eq!(rule(&dana, &person(1, true), 2), Err(UserRefusal::YourselfForGood));
            assert_eq!(rule(&dana, &person(2, true), 2), Ok(()));
        }
        assert!(matches!(dana.may_delete_themselves(1, None), Err(UserRefusal::OnlyOwner(_))));
        assert_eq!(dana.may_delete_themselves(2, None), Ok(()));
        assert!(matches!(dana.may_delete_themselves(2, Some(1)), Err(UserRefusal::KeptYourself(_))));
    }

    #[test]
    fn retention_is_broken_by_owners_with_a_reason_only() {
        let mut left = user(1, Status::Inactive, false);
        left.former_since = Some(at(900));
        let kept = plainly(Some(1));
        assert_eq!(
            left.may_be_deleted_by(&person(2, false), 1, &kept).map_err(|no| no.to_string()),
            Err("This workspace keeps former users for 1 year. Until then only an Owner can delete them, with a reason."
                .to_owned())
        );
        assert!(matches!(left.may_be_deleted_by(&person(2, true), 1, &kept), Err(UserRefusal::KeptWithoutReason(_))));
        let why = Deletion { reason: Some(DeletionReason::Erasure), ..kept };
        assert_eq!(left.may_be_deleted_by(&person(2, true), 1, &why), Ok(()));
        assert!(left.may_be_deleted_by(&person(2, false), 1, &why).is_err());
        let over = Deletion { now: at(900 + 366), ..kept };
        assert_eq!(left.may_be_deleted_by(&person(2, false), 1, &over), Ok(()));
        // Whoever never used the account is no former user.
        let unused = user(1, Status::Active, false);
        assert_eq!(unused.may_be_deleted_by(&person(2, false), 1, &kept), Ok(()));
    }

    #[test]
    fn the_address_confirms_whatever_its_case() {
        let dana = user(1, Status::Inactive, false);
        assert_eq!(confirm(" DANA@fernhill.example ", &dana, None), Ok(()));
        assert_eq!(confirm("", &dana, None), Err(UserRefusal::WrongEmail));
        assert_eq!(confirm("bob@fernhill.example", &dana, None), Err(UserRefusal::WrongEmail));
        let mut gone = user(1, Status::Removed, false);
        gone.email = String::new();
        gone.name = Name { full: REMOVED_NAME.into(), display: REMOVED_NAME.into() };
        assert_eq!(confirm("", &gone, None), Err(UserRefusal::WrongEmail));
        assert_eq!(confirm("removed user", &gone, None), Ok(()));
    }

    proptest! {
        #[test]
        fn nobody_is_deleted_without_a_week_of_notice(since in 0_i64..500, years in 1_i32..7, steps in proptest::collection::vec(1_i64..400, 1..20)) {
            let (mut now, mut announced, mut deleted) = (at(since), None, false);
            for step in steps {
                now += TimeDelta::days(step);
                match due(at(since), announced, years, now) {
                    Due::Announce => announced = Some(now),
                    Due::Delete => {
                        deleted = true;
                        prop_assert!(now >= end_of_retention(at(since), years));
                        prop_assert!(announced.is_some_and(|told| now - told >= NOTICE));
                    }
                    Due::Nothing => {}
                }
            }
            let _ = deleted;
        }
    }
}
