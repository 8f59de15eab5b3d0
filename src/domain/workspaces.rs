//! Workspaces: their name and settings (W-1, W-4).

use chrono_tz::Tz;

use super::access::Actor;
use super::ids::WorkspaceId;

/// A tenant.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// Its id.
    pub id: WorkspaceId,
    /// Its name in addresses.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Its time zone.
    pub time_zone: Tz,
    /// The sender's name of mails.
    pub sender_name: String,
    /// Whom somebody who cannot log in should ask.
    pub support_contact: String,
    /// How many days an invite is valid.
    pub invite_days: i32,
    /// How many hours a bulk change can be undone.
    pub undo_hours: i32,
    /// For how many years former users are kept; `None` is for ever (E-3).
    pub retention_years: Option<i32>,
    /// Whether they are deleted by themselves after that.
    pub retention_deletes: bool,
    /// Raised with every change of the settings, so that a stale form is noticed.
    pub version: i64,
}

/// How long invites are valid unless set otherwise.
pub const INVITE_DAYS: i32 = 7;
/// How long bulk changes can be undone unless set otherwise.
pub const UNDO_HOURS: i32 = 24;

/// How long invites can be valid.
pub const INVITE_DAYS_CHOICES: [i32; 6] = [1, 3, 7, 14, 30, 60];
/// How long bulk changes can stay undoable.
pub const UNDO_HOURS_CHOICES: [i32; 6] = [1, 4, 24, 72, 168, 720];
/// The most years that former users can be kept for.
pub const RETENTION_YEARS: i32 = 7;

/// The settings of a workspace (W-4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Its name.
    pub name: String,
    /// Its time zone.
    pub time_zone: Tz,
    /// The sender's name of mails.
    pub sender_name: String,
    /// Whom somebody who cannot log in should ask.
    pub support_contact: String,
    /// How many days an invite is valid.
    pub invite_days: i32,
    /// How many hours a bulk change can be undone.
    pub undo_hours: i32,
    /// For how many years former users are kept; `None` is for ever.
    pub retention_years: Option<i32>,
    /// Whether they are deleted by themselves after that.
    pub retention_deletes: bool,
}

impl Workspace {
    /// Its settings.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings {
            name: self.name.clone(),
            time_zone: self.time_zone,
            sender_name: self.sender_name.clone(),
            support_contact: self.support_contact.clone(),
            invite_days: self.invite_days,
            undo_hours: self.undo_hours,
            retention_years: self.retention_years,
            retention_deletes: self.retention_deletes,
        }
    }
}

impl Settings {
    /// Whether `actor` may change the settings from `before` to these. For how long former users are kept binds
    /// everybody who deletes, Owners with a reason excepted; so only an Owner says how long that is (E-3).
    ///
    /// # Errors
    /// [`WorkspaceRefusal::RetentionIsOwners`].
    pub fn may_be_set_by(&self, actor: &Actor, before: &Self) -> Result<(), WorkspaceRefusal> {
        let same = self.retention_years == before.retention_years && self.retention_deletes == before.retention_deletes;
        if same || actor.is_owner() { Ok(()) } else { Err(WorkspaceRefusal::RetentionIsOwners) }
    }

    /// The names of what differs from other settings.
    #[must_use]
    pub fn changes(&self, other: &Self) -> Vec<&'static str> {
        let changes = [
            ("name", self.name != other.name),
            ("time_zone", self.time_zone != other.time_zone),
            ("sender_name", self.sender_name != other.sender_name),
            ("support_contact", self.support_contact != other.support_contact),
            ("invite_days", self.invite_days != other.invite_days),
            ("undo_hours", self.undo_hours != other.undo_hours),
            ("retention_years", self.retention_years != other.retention_years),
            ("retention_deletes", self.retention_deletes != other.retention_deletes),
        ];
        changes.iter().filter(|(_, changed)| *changed).map(|(field, _)| *field).collect()
    }
}

/// A time zone as typed.
///
/// # Errors
/// A sentence for the field.
pub fn parse_time_zone(text: &str) -> Result<Tz, &'static str> {
    text.trim().parse().map_err(|_| "Choose a time zone like Europe/Berlin")
}

/// A number of days, hours or years as typed: from one to so many.
///
/// # Errors
/// `sentence` for the field.
pub fn parse_number(text: &str, most: i32, sentence: &'static str) -> Result<i32, &'static str> {
    text.trim().parse().ok().filter(|number| (1..=most).contains(number)).ok_or(sentence)
}

/// For how many years former users are kept, as typed: nothing is for ever.
///
/// # Errors
/// A sentence for the field.
pub fn parse_retention(text: &str) -> Result<Option<i32>, &'static str> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    parse_number(text, RETENTION_YEARS, "Choose 1 to 7 years, or for ever").map(Some)
}

/// A name in addresses, made from a workspace's name: lower-case Latin letters, digits and dashes.
#[must_use]
pub fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.to_lowercase().chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.ends_with('-') && !slug.is_empty() {
            slug.push('-');
        }
    }
    slug.truncate(40);
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "workspace".to_owned() } else { slug.to_owned() }
}

/// A "no" about a workspace.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorkspaceRefusal {
    /// E-3.
    #[error("Only an Owner can change for how long former users are kept.")]
    RetentionIsOwners,
    /// W-1.
    #[error("This installation is set up already. Log in instead.")]
    AlreadySetUp,
    /// W-2.
    #[error("A workspace with the address {0} exists already. Choose another name.")]
    SlugTaken(String),
    /// G-1.
    #[error("The rule can’t apply to the role {0}.")]
    RoleExempt(String),
    /// G-2: the preview was of other people.
    #[error("{0} would be warned now. Look at the list, then save again.")]
    HitsOthers(String),
    /// G-1.
    #[error("Choose at least one role that the rule applies to.")]
    NoRole,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn slugs_are_made_of_names() {
        let cases = [
            ("Fernhill Outdoor", "fernhill-outdoor"),
            ("  Ärzte & Co. ", "rzte-co"),
            ("日本", "workspace"),
            ("A", "a"),
        ];
        for (name, expected) in cases {
            assert_eq!(slug(name), expected);
        }
    }

    #[test]
    fn settings_are_read_with_a_sentence_for_what_is_wrong() {
        assert_eq!(parse_time_zone(" Europe/Berlin "), Ok(chrono_tz::Europe::Berlin));
        assert_eq!(parse_retention(""), Ok(None));
        assert_eq!(parse_retention("7"), Ok(Some(7)));
        assert_eq!(parse_number("30", 365, "no"), Ok(30));
        for bad in ["0", "-1", "8", "9999999999999", "x", "1.5"] {
            assert!(parse_retention(bad).is_err(), "{bad}");
        }
        for bad in ["", "Berlin", "Europe/Berlin\0", "Mars/Olympus"] {
            assert!(parse_time_zone(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn every_slug_fits_an_address(name in ".{0,80}") {
            let slug = slug(&name);
            prop_assert!(!slug.is_empty() && slug.len() <= 40);
            prop_assert!(slug.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
        }
    }
}
