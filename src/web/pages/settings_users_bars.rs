//! What can be done with selected rows of a list of users (U-14).

use serde::Deserialize;

use super::settings_users_query::{UsersQuery, tab};
use crate::domain::access::Key;
use crate::domain::text::grouped;
use crate::domain::users::Status;
use crate::web::extract::Viewer;

/// What can be done with selected rows.
pub(super) struct Bulk {
    pub here: String,
    pub status: &'static str,
    /// How many are selected, if it is more than the rows of the page.
    pub matching: Option<String>,
    /// How many match, and where all of them are selected.
    pub all: Option<(String, String)>,
    pub fields: Vec<(&'static str, String)>,
    pub may_status: bool,
    pub may_roles: bool,
    pub may_teams: bool,
}

/// How many of a list are selected when it is rendered: the rows of the page, or all that match.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Selecting {
    /// `page`, `matching`, or nothing.
    pub select: String,
}

impl Bulk {
    /// For those who may do any of it.
    pub(super) fn new(
        viewer: &Viewer,
        status: Status,
        query: &UsersQuery,
        select: &str,
        total: i64,
        rows: usize,
    ) -> Option<Self> {
        let may = |key| viewer.known.person.permissions.has(key);
        let (may_status, may_roles, may_teams) =
            (may(Key::UsersDeactivate), may(Key::UsersAssignRoles), may(Key::TeamsEditMembers));
        if rows == 0 || status.is_gone() || !(may_status || may_roles || may_teams) {
            return None;
        }
        let here = here(status, query);
        let matching = select == "matching";
        let more = total > i64::try_from(rows).unwrap_or(i64::MAX);
        let all = format!("{here}{}select=matching", if here.contains('?') { "&" } else { "?" });
        let fields = query.fields().into_iter().filter(|(_, value)| !value.is_empty());
        Some(Self {
            status: status.as_str(),
            matching: matching.then(|| grouped(total)),
            all: (more && !matching).then(|| (grouped(total), all)),
            fields: fields.map(|(name, value)| (name, value.to_owned())).collect(),
            here,
            may_status,
            may_roles,
            may_teams,
        })
    }
}

/// The address of a list.
pub(super) fn here(status: Status, query: &UsersQuery) -> String {
    let (address, query) = (tab(status).0, query.print());
    if query.is_empty() { address.to_owned() } else { format!("{address}?{query}") }
}
