//! Teams: flat groups of users with leads (T-1, T-2).

use super::ids::TeamId;

/// A team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    /// Its id.
    pub id: TeamId,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Raised with every change.
    pub version: i64,
}

/// A "no" about a team.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TeamRefusal {
    /// T-1.
    #[error("There is a team called {0} already.")]
    NameTaken(String),
    /// T-1.
    #[error("{0} still hold this team’s name. Move them to another team first.")]
    StillHolds(String),
    /// T-2.
    #[error("{0} can’t log in, so they can’t join a team.")]
    MemberInactive(String),
    /// A channel sends its conversations here.
    #[error("The channel {0} sends its conversations to this team. Change the channel first.")]
    ChannelDefault(String),
}
