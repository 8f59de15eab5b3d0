//! People as they are written: name, picture, and whether they can log in (U-4).

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::ids::UserId;
use crate::domain::users::{Name, Status, initials};
use crate::store::roster::Roster;
use crate::store::users::Brief;

/// A person on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonView {
    /// Their id.
    pub id: String,
    /// Their full name.
    pub name: String,
    /// What teammates call them.
    pub display: String,
    /// The letters in their picture.
    pub initials: String,
    /// The class of their picture's colour.
    pub color: &'static str,
    /// Whether they are deactivated.
    pub inactive: bool,
    /// Whether they were removed or deleted: written without picture, and never a link.
    pub gone: bool,
}

impl PersonView {
    /// A person of a status.
    #[must_use]
    pub fn new(id: UserId, name: &Name, status: Status) -> Self {
        Self {
            id: id.to_string(),
            name: name.full.clone(),
            display: name.display.clone(),
            initials: if status.is_gone() { String::new() } else { initials(&name.full) },
            color: color(&id.0),
            inactive: status == Status::Inactive,
            gone: status.is_gone(),
        }
    }

    /// What is said after the name where it cannot be struck through: in sentences, and in entries of a select.
    #[must_use]
    pub const fn mark(&self) -> &'static str {
        if self.inactive { " (deactivated)" } else { "" }
    }

    /// Somebody who can log in.
    #[must_use]
    pub fn active(id: UserId, name: &Name) -> Self {
        Self::new(id, name, Status::Active)
    }

    /// A person as stored.
    #[must_use]
    pub fn from_brief(brief: &Brief) -> Self {
        Self::new(brief.id, &brief.name, brief.status)
    }
}

/// One of eight colours, the same for the same id.
#[must_use]
pub fn color(id: &uuid::Uuid) -> &'static str {
    let sum: u32 = id.as_bytes().iter().map(|byte| u32::from(*byte)).sum();
    match sum % 8 {
        0 => "av-1",
        1 => "av-2",
        2 => "av-3",
        3 => "av-4",
        4 => "av-5",
        5 => "av-6",
        6 => "av-7",
        _ => "av-8",
    }
}

/// People by id.
#[derive(Clone, Debug, Default)]
pub struct People(Arc<HashMap<UserId, Brief>>);

impl People {
    /// From what was loaded.
    #[must_use]
    pub fn new(briefs: &[Brief]) -> Self {
        Self(Arc::new(briefs.iter().map(|brief| (brief.id, brief.clone())).collect()))
    }

    /// Everybody of a workspace.
    #[must_use]
    pub fn of(roster: &Roster) -> Self {
        Self(roster.by_id.clone())
    }

    /// The person; one that is gone is nameless.
    #[must_use]
    pub fn get(&self, id: UserId) -> PersonView {
        self.0.get(&id).map_or_else(
            || PersonView {
                id: id.to_string(),
                name: "Former user".to_owned(),
                display: "Former user".to_owned(),
                initials: String::new(),
                color: color(&id.0),
                inactive: false,
                gone: true,
            },
            PersonView::from_brief,
        )
    }
}
