//! Bulk jobs: what is done to each item of a selection (C-8 … C-10).

use serde::{Deserialize, Serialize};

use super::access::Sees;
use super::inbox::Filter;

/// What became of one item.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Outcome {
    /// Not looked at yet.
    Pending,
    /// Changed.
    Done,
    /// Left: it was there already.
    AlreadyThere,
    /// Left: archived conversations neither change hands nor come back.
    Archived,
    /// Left: it no longer matched what was selected when its turn came.
    NoLongerMatching,
    /// Left: somebody changed it after the job that is undone.
    TouchedSince,
    /// Left: the person it was to go to can no longer get work, or the team is gone.
    TargetGone,
}

impl Outcome {
    /// All but "pending".
    pub const FINAL: [Self; 6] =
        [Self::Done, Self::AlreadyThere, Self::Archived, Self::NoLongerMatching, Self::TouchedSince, Self::TargetGone];

    /// The name under which it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Done => "done",
            Self::AlreadyThere => "already_there",
            Self::Archived => "archived",
            Self::NoLongerMatching => "no_longer_matching",
            Self::TouchedSince => "touched_since",
            Self::TargetGone => "target_gone",
        }
    }

    /// The words that people see.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Pending => "Waiting",
            Self::Done => "Changed",
            Self::AlreadyThere => "Left: was so already",
            Self::Archived => "Left: archived",
            Self::NoLongerMatching => "Left: changed before its turn came",
            Self::TouchedSince => "Left: changed since",
            Self::TargetGone => "Left: the new holder can’t get work any more",
        }
    }

    /// The outcome of this stored name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        std::iter::once(Self::Pending).chain(Self::FINAL).find(|outcome| outcome.as_str() == name)
    }
}

/// What an item is decided on: the conversation as it stands, locked, and what the job wants of it.
#[derive(Clone, Copy, Debug)]
pub struct Item {
    /// Whether it is archived, and the change leaves such ones alone.
    pub spared: bool,
    /// Whether it is already as it is to be.
    pub is_so: bool,
    /// Its version now.
    pub version: i64,
    /// Whether it still is what was selected, and seen by who selected it.
    pub still_matching: bool,
    /// The version that it must still have, when a job is undone.
    pub expected_version: Option<i64>,
    /// Whether the wanted team is there and the wanted person can get work. An undo puts back what was, so there the
    /// person only must not have been removed or deleted since.
    pub target_fits: bool,
}

/// What is done with an item. Each item gets exactly one outcome, and only `Done` changes anything.
#[must_use]
pub fn decide(item: &Item) -> Outcome {
    if let Some(version) = item.expected_version {
        return match (version == item.version, item.target_fits) {
            (false, _) => Outcome::TouchedSince,
            (true, false) => Outcome::TargetGone,
            (true, true) => Outcome::Done,
        };
    }
    if item.spared {
        Outcome::Archived
    } else if item.is_so {
        Outcome::AlreadyThere
    } else if !item.still_matching {
        Outcome::NoLongerMatching
    } else if !item.target_fits {
        Outcome::TargetGone
    } else {
        Outcome::Done
    }
}

/// What was selected: kept with the job, so that a later look decides by the same rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// The filter, if all matching were meant; otherwise the rows themselves were picked.
    pub filter: Option<Filter>,
    /// What the person who selected may see.
    pub sees: Sees,
}

/// A "no" to a bulk change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BulkRefusal {
    /// Nothing selected.
    #[error("Select at least one conversation first.")]
    NothingSelected,
    /// No target.
    #[error("Choose who the conversations go to.")]
    NoTarget,
    /// No change.
    #[error("Choose what is to be changed.")]
    NoChange,
    /// Not theirs to do.
    #[error("You may not change this of one conversation, so not of many either.")]
    NotAllowed,
    /// Somebody else's, of whose conversations one may not see all.
    #[error("Somebody else started this. Only who may see every conversation can undo it.")]
    NotYours,
    /// No tag.
    #[error("Type the name of a tag first.")]
    NoTag,
    /// A tag that there is none of.
    #[error("There is no tag of that name.")]
    UnknownTag,
    /// No time, or one that is past or too far.
    #[error("Choose a time in the future, within the next two years.")]
    NoTime,
    /// Too late.
    #[error("This can’t be undone any more: the time for it ended.")]
    UndoEnded,
    /// Undone already.
    #[error("This was already undone.")]
    AlreadyUndone,
    /// Still at it.
    #[error("This is still running. Undo it when it has finished.")]
    StillRunning,
    /// An undo cannot be undone.
    #[error("An undo can’t be undone. Reassign the conversations instead.")]
    IsAnUndo,
    /// Nobody is given work who is gone.
    #[error("This can’t be undone: whoever held these is no longer a user.")]
    HolderGone,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_item_changes_only_if_everything_speaks_for_it(
            spared: bool, is_so: bool, version in 0_i64..3, still_matching: bool,
            expected_version in proptest::option::of(0_i64..3), target_fits: bool,
        ) {
            let item = Item { spared, is_so, version, still_matching, expected_version, target_fits };
            let outcome = decide(&item);
            prop_assert_ne!(outcome, Outcome::Pending);
            let changes = match expected_version {
                Some(expected) => expected == version && target_fits,
                None => !spared && !is_so && still_matching && target_fits,
            };
            prop_assert_eq!(outcome == Outcome::Done, changes);
            prop_assert_eq!(Outcome::parse(outcome.as_str()), Some(outcome));
        }
    }
}
