//! The address of a list of users: what it is narrowed by, how it is sorted, which page (U-2).

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::users::Status;
use crate::failure::Failure;
use crate::store::users::{Filter, Sort};
use crate::store::{self, Rx};
use crate::web::error::WebError;

/// The address of a list of users.
#[derive(Clone, Debug, Deserialize, Serialize, Default)]
#[serde(default)]
pub struct UsersQuery {
    /// Part of a name or address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub q: String,
    /// A role.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub role: String,
    /// A team, or `none`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub team: String,
    /// A channel.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub channel: String,
    /// When they were last seen.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub seen: String,
    /// On Inactive Users, `removed` for those who are not only deactivated.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub state: String,
    /// The order; a leading dash turns it round.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub sort: String,
    /// Which page.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub page: String,
}

/// What `seen` can be, with the words for it.
pub const SEEN: [(&str, &str); 5] = [
    ("day", "Seen today"),
    ("week", "Seen this week"),
    ("not_month", "Not for 30 days"),
    ("not_quarter", "Not for 90 days"),
    ("never", "Never seen"),
];

/// The tab of a status: its name in addresses, and the order in which it stands unless asked otherwise.
#[must_use]
pub const fn tab(status: Status) -> (&'static str, (Sort, bool)) {
    match status {
        Status::Active => ("/settings/users", (Sort::Name, false)),
        Status::Inactive | Status::Removed | Status::Deleted => ("/settings/users/inactive", (Sort::Since, true)),
        Status::Invited => ("/settings/users/invites", (Sort::Since, true)),
    }
}

impl UsersQuery {
    /// Whom Inactive Users shows.
    #[must_use]
    pub fn inactive_status(&self) -> Status {
        if self.state == Status::Removed.as_str() { Status::Removed } else { Status::Inactive }
    }

    /// As it stands in an address.
    #[must_use]
    pub fn print(&self) -> String {
        serde_html_form::to_string(self).unwrap_or_default()
    }

    /// The page, from 1.
    #[must_use]
    pub fn page(&self) -> i64 {
        self.page.parse().unwrap_or(1).clamp(1, 1_000_000)
    }

    /// Whether anything but order and page is asked for.
    #[must_use]
    pub fn is_filtered(&self) -> bool {
        self.fields().iter().any(|(_, text)| !text.is_empty())
    }

    /// What narrows the list, as fields of a form.
    #[must_use]
    pub fn fields(&self) -> [(&'static str, &str); 5] {
        [("q", &self.q), ("role", &self.role), ("team", &self.team), ("channel", &self.channel), ("seen", &self.seen)]
    }

    /// The order and whether it is turned round.
    #[must_use]
    pub fn sort(&self, usual: (Sort, bool)) -> (Sort, bool) {
        let (name, descending) = self.sort.strip_prefix('-').map_or((self.sort.as_str(), false), |name| (name, true));
        let sort = match name {
            "name" => Sort::Name,
            "role" => Sort::Role,
            "open_work" => Sort::OpenWork,
            "last_seen" => Sort::LastSeen,
            "since" => Sort::Since,
            "expires" => Sort::Expires,
            _ => return usual,
        };
        (sort, descending)
    }

    /// What the list is narrowed by.
    ///
    /// # Errors
    /// [`WebError::NotFound`] for what is no id.
    pub fn filter(&self, now: DateTime<Utc>) -> Result<Filter, WebError> {
        let ago = |days| Some(now - TimeDelta::days(days));
        let (seen_since, not_seen_since) = match self.seen.as_str() {
            "day" => (ago(1), None),
            "week" => (ago(7), None),
            "not_month" => (None, ago(30)),
            "not_quarter" => (None, ago(90)),
            _ => (None, None),
        };
        let words = crate::domain::text::one_line(&self.q);
        Ok(Filter {
            words: (!words.is_empty()).then_some(words),
            role: id(&self.role)?,
            team: if self.team == "none" { None } else { id(&self.team)? },
            without_team: self.team == "none",
            channel: id(&self.channel)?,
            seen_since,
            not_seen_since,
            never_seen: self.seen == "never",
        })
    }

    /// The filter, if everything that it names is of this workspace.
    ///
    /// # Errors
    /// [`Failure::NotFound`], or trouble with the database.
    pub fn known_filter(&self, rx: &mut Rx) -> Result<Filter, Failure> {
        let filter = self.filter(rx.now()).map_err(|_| Failure::NotFound)?;
        let known = match filter.role {
            Some(id) => store::roles::list(rx)?.iter().any(|role| role.id == id),
            None => true,
        } && match filter.team {
            Some(id) => store::teams::find(rx, id)?.is_some(),
            None => true,
        } && match filter.channel {
            Some(id) => store::channels::find(rx, id)?.is_some(),
            None => true,
        };
        if known { Ok(filter) } else { Err(Failure::NotFound) }
    }
}

fn id<T: std::str::FromStr>(text: &str) -> Result<Option<T>, WebError> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(|_| WebError::NotFound) }
}
