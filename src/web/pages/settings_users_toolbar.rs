//! What stands above a list of users: search and filters (U-2).

use std::collections::HashMap;

use super::settings_users_query::{SEEN, UsersQuery, tab};
use crate::domain::roles::Role;
use crate::domain::teams::Team;
use crate::domain::text::grouped;
use crate::domain::users::Status;
use crate::store::channels::Channel;

/// An entry of a select.
pub(super) struct Choice {
    pub value: String,
    pub label: String,
    pub picked: bool,
}

/// What a list is narrowed by, as it can be chosen.
pub(super) struct Toolbar {
    pub address: &'static str,
    pub q: String,
    pub sort: String,
    pub roles: Vec<Choice>,
    pub teams: Vec<Choice>,
    pub channels: Vec<Choice>,
    pub seen: Vec<Choice>,
    pub states: Vec<Choice>,
}

impl Toolbar {
    /// The toolbar of a tab.
    pub(super) fn new(
        status: Status,
        query: &UsersQuery,
        roles: &[Role],
        teams: &[Team],
        channels: &[Channel],
    ) -> Self {
        let choice = |value: String, label: &str, picked: &str| Choice {
            picked: value == picked,
            value,
            label: label.to_owned(),
        };
        // Whoever was only invited was never seen.
        let seen: &[(&str, &str)] = if status == Status::Invited { &[] } else { &SEEN };
        Self {
            address: tab(status).0,
            q: query.q.clone(),
            sort: query.sort.clone(),
            roles: roles.iter().map(|role| choice(role.id.to_string(), &role.name, &query.role)).collect(),
            teams: std::iter::once(choice("none".to_owned(), "No team", &query.team))
                .chain(teams.iter().map(|team| choice(team.id.to_string(), &team.name, &query.team)))
                .collect(),
            channels: channels.iter().map(|one| choice(one.id.to_string(), &one.name, &query.channel)).collect(),
            seen: seen.iter().map(|(value, label)| choice((*value).to_owned(), label, &query.seen)).collect(),
            states: Vec::new(),
        }
    }

    /// The same, with a choice between those who are deactivated and those who were removed.
    pub(super) fn with_states(mut self, status: Status, counts: &HashMap<Status, i64>) -> Self {
        let states = [(Status::Inactive, "", "Deactivated"), (Status::Removed, "removed", "Removed")];
        self.states = states
            .into_iter()
            .map(|(one, value, label)| Choice {
                value: value.to_owned(),
                label: format!("{label} ({})", grouped(counts.get(&one).copied().unwrap_or(0))),
                picked: one == status,
            })
            .collect();
        self
    }
}
