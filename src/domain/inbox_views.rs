//! The views that everybody has: named filters at the top of the inbox's navigation (C-1).

use super::conversations::Status;
use super::ids::{TeamId, UserId};
use super::inbox::{Assignee, Filter, Statuses, Teams};

/// The views that everybody has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum View {
    /// Open and mine.
    Mine,
    /// Open, held by nobody.
    Unassigned,
    /// Open, of my teams.
    MyTeams,
    /// Everything open.
    Open,
    /// Everything asleep.
    Snoozed,
    /// Where I have typed something that is not sent.
    Drafts,
    /// Everything settled.
    Closed,
    /// Open or asleep, held by somebody who cannot log in.
    NeedsHandover,
}

impl View {
    /// All of them, in the order of the navigation.
    pub const ALL: [Self; 8] = [
        Self::Mine,
        Self::Unassigned,
        Self::MyTeams,
        Self::Open,
        Self::Snoozed,
        Self::Drafts,
        Self::Closed,
        Self::NeedsHandover,
    ];

    /// The name in the address.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mine => "mine",
            Self::Unassigned => "unassigned",
            Self::MyTeams => "my_teams",
            Self::Open => "open",
            Self::Snoozed => "snoozed",
            Self::Drafts => "drafts",
            Self::Closed => "closed",
            Self::NeedsHandover => "needs_handover",
        }
    }

    /// The words that people see.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Mine => "Mine",
            Self::Unassigned => "Unassigned",
            Self::MyTeams => "My teams",
            Self::Open => "All open",
            Self::Snoozed => "Snoozed",
            Self::Drafts => "Drafts",
            Self::Closed => "Closed",
            Self::NeedsHandover => "Needs handover",
        }
    }

    /// The view of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|view| view.as_str() == name)
    }

    /// What it shows to somebody.
    #[must_use]
    pub fn filter(self, me: UserId, my_teams: &[TeamId]) -> Filter {
        let open = Filter::of(Statuses::Only(Status::Open));
        match self {
            Self::Open => open,
            Self::Mine => Filter { assignee: Some(Assignee::User(me)), ..open },
            Self::Unassigned => Filter { assignee: Some(Assignee::Nobody), ..open },
            Self::MyTeams => Filter { teams: Some(Teams::Any(my_teams.to_vec())), ..open },
            Self::Snoozed => Filter::of(Statuses::Only(Status::Snoozed)),
            Self::Drafts => Filter { drafts_of: Some(me), ..Filter::of(Statuses::Any) },
            Self::Closed => Filter::of(Statuses::Only(Status::Closed)),
            Self::NeedsHandover => {
                Filter { assignee: Some(Assignee::Inactive), ..Filter::of(Statuses::OpenAndSnoozed) }
            }
        }
    }
}
