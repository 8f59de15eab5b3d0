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
            Status::Active | Status::Inactive => self.may_be_changed_by(actor)?,
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

/// What is to be forgotten of a person, in texts that Baton wrote.
#[derive(Clone, Debug)]
pub struct Traces {
    email: String,
    full: String,
    display: String,
    neutral: String,
}

impl Traces {
    /// Of somebody who is called `neutral` from now on.
    #[must_use]
    pub fn new(email: &str, name: &Name, neutral: &str) -> Self {
        Self {
            email: email.to_owned(),
            full: name.full.clone(),
            display: name.display.clone(),
            neutral: neutral.to_owned(),
        }
    }

    /// Their address.
    #[must_use]
    pub fn email(&self) -> &str {
        &self.email
    }

    /// Their full name.
    #[must_use]
    pub fn full(&self) -> &str {
        &self.full
    }

    /// What they are called from now on.
    #[must_use]
    pub fn neutral(&self) -> &str {
        &self.neutral
    }

    /// Whether a text names them: by address, whatever its case, or by full name, plain or as HTML or JSON write it.
    #[must_use]
    pub fn are_in(&self, text: &str) -> bool {
        find_email(text, &self.email).is_some() || spellings(&self.full).iter().any(|name| text.contains(name))
    }

    /// The text with address and names replaced.
    #[must_use]
    pub fn erased_from(&self, text: &str) -> String {
        let mut text = replace_email(text, &self.email, &self.neutral);
        for name in spellings(&self.full).iter().chain(&spellings(&self.display)) {
            text = replace_word(&text, name, &self.neutral);
        }
        text
    }
}

/// A name as it stands in plain text, in HTML and in JSON.
fn spellings(name: &str) -> Vec<String> {
    if name.is_empty() {
        return Vec::new();
    }
    let mut all = vec![name.to_owned()];
    let html = name
        .replace('&', "&#38;")
        .replace('<', "&#60;")
        .replace('>', "&#62;")
        .replace('"', "&#34;")
        .replace('\'', "&#39;");
    let json = name.replace('\\', "\\\\").replace('"', "\\\"");
    for other in [html, json] {
        if !all.contains(&other) {
            all.push(other);
        }
    }
    all
}

fn find_email(text: &str, email: &str) -> Option<usize> {
    if email.is_empty() {
        return None;
    }
    let (text, email) = (text.to_ascii_lowercase(), email.to_ascii_lowercase());
    text.find(&email)
}

/// Replaces an address, whatever its case, where it is not the end or the beginning of another one.
fn replace_email(text: &str, email: &str, with: &str) -> String {
    let before = |c: char| c.is_ascii_alphanumeric() || "._%+-@".contains(c);
    let after = |rest: &str| {
        let mut next = rest.chars();
        match next.next() {
            // A full stop may end the sentence.
            Some('.') => next.next().is_some_and(|c| c.is_ascii_alphanumeric()),
            Some(c) => c.is_ascii_alphanumeric() || "_%+-@".contains(c),
            None => false,
        }
    };
    replace_whole(text, |rest| find_email(rest, email), email.len(), with, before, after)
}

/// Replaces a name where it stands as a word of its own.
fn replace_word(text: &str, word: &str, with: &str) -> String {
    let joined = char::is_alphanumeric;
    let after = |rest: &str| rest.chars().next().is_some_and(joined);
    replace_whole(text, |rest| rest.find(word).filter(|_| !word.is_empty()), word.len(), with, joined, after)
}

/// Replaces what is found, unless it goes on before or after, or stands in an address of a page: a short name may be part of
/// a link's secret.
fn replace_whole(
    text: &str,
    find: impl Fn(&str) -> Option<usize>,
    length: usize,
    with: &str,
    before: impl Fn(char) -> bool,
    after: impl Fn(&str) -> bool,
) -> String {
    let html = text.trim_start().starts_with("<!doctype");
    let mut done = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((head, tail)) = find(rest).and_then(|at| rest.split_at_checked(at)) {
        let Some((found, following)) = tail.split_at_checked(length) else { break };
        done.push_str(head);
        let part = done.chars().next_back().is_some_and(&before) || after(following);
        let kept = part || in_link(&done) || following.starts_with("://") || (html && in_tag(&done));
        done.push_str(if kept { found } else { with });
        rest = following;
    }
    done.push_str(rest);
    done
}

/// Whether a piece of HTML ends inside of a tag.
fn in_tag(before: &str) -> bool {
    before.rfind('<') > before.rfind('>')
}

/// Whether a text ends inside of a link.
fn in_link(before: &str) -> bool {
    let ends = |c: char| c.is_whitespace() || "\"'<>()".contains(c);
    let begun = before.rsplit(ends).next().unwrap_or_default();
    begun.contains("://")
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
    fn other_peoples_words_and_links_are_left_alone() {
        let traces =
            Traces::new("ann@x.example", &Name { full: "Li".to_owned(), display: "Li".to_owned() }, "Deleted user 3");
        let text =
            "joann@x.example, ann@x.example.org and Ann@x.example. Lila met Li: https://baton.example/invites/Li-Li";
        let left = "joann@x.example, ann@x.example.org and Deleted user 3. Lila met Deleted user 3: https://baton.example/invites/Li-Li";
        assert_eq!(traces.erased_from(text), left);
        let traces =
            Traces::new("p@x.example", &Name { full: "p".to_owned(), display: "https".to_owned() }, "Deleted user 3");
        let html = "<!doctype html><p>Hello p, <a href=\"https://baton.example/invites/p\">start</a></p>";
        assert_eq!(traces.erased_from(html), html.replace("Hello p", "Hello Deleted user 3"));
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

    #[test]
    fn traces_are_erased_in_every_spelling() {
        let name = Name { full: "Bo O’Brien & \"Sons\"".into(), display: "Bo".into() };
        let traces = Traces::new("Bo@Fernhill.example", &name, "Deleted user 3");
        let text =
            "Hi Bo, bo@fernhill.example and Bo O’Brien & \"Sons\" and Bo O’Brien &#38; &#34;Sons&#34; took a Bow.";
        assert!(traces.are_in(text));
        let erased = traces.erased_from(text);
        assert_eq!(erased, "Hi Deleted user 3, Deleted user 3 and Deleted user 3 and Deleted user 3 took a Bow.");
        assert!(!traces.are_in(&erased));
    }

    proptest! {
        #[test]
        fn nothing_of_a_person_is_left_in_a_text(before in ".{0,40}", after in ".{0,40}", name in "[A-Z][a-z]{2,8} [A-Z'&<]{1,3}[a-z]{2,8}") {
            let first = name.split(' ').next().unwrap_or_default().to_owned();
            let traces = Traces::new("x.y@fernhill.example", &Name { full: name.clone(), display: first }, "Deleted user 1");
            let text = format!("{before} {name}, {after} X.Y@fernhill.example {before}");
            prop_assert!(!traces.are_in(&traces.erased_from(&text)));
        }

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
