//! Workspaces: their name and settings (W-1, W-4).

use chrono_tz::Tz;

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
}

/// How long invites are valid unless set otherwise.
pub const INVITE_DAYS: i32 = 7;
/// How long bulk changes can be undone unless set otherwise.
pub const UNDO_HOURS: i32 = 24;

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
    /// W-1.
    #[error("This installation is set up already. Log in instead.")]
    AlreadySetUp,
    /// W-2.
    #[error("A workspace with the address {0} exists already. Choose another name.")]
    SlugTaken(String),
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

    proptest! {
        #[test]
        fn every_slug_fits_an_address(name in ".{0,80}") {
            let slug = slug(&name);
            prop_assert!(!slug.is_empty() && slug.len() <= 40);
            prop_assert!(slug.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
        }
    }
}
