//! Saved views: a list's filters under a name, for oneself, a team or everybody (C-1, C-2).

use super::access::{Key, PermissionSet};
use super::ids::{TeamId, UserId, ViewId};
use super::text::{one_line, shorten};

/// Characters of a name.
pub const NAME_CHARS: usize = 60;
/// So many views one person may keep.
pub const MOST: usize = 100;

/// Who is shown a view.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Audience {
    /// Whoever saved it.
    Own,
    /// The members of a team.
    Team(TeamId),
    /// Everybody.
    Everybody,
}

impl Audience {
    /// From a form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            Some(("team", id)) => id.parse().ok().map(Self::Team),
            _ if text == "own" => Some(Self::Own),
            _ if text == "all" => Some(Self::Everybody),
            _ => None,
        }
    }

    /// As it stands in forms.
    #[must_use]
    pub fn print(self) -> String {
        match self {
            Self::Own => "own".to_owned(),
            Self::Team(team) => format!("team:{team}"),
            Self::Everybody => "all".to_owned(),
        }
    }

    /// The kind under which it is stored and recorded.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Team(_) => "team",
            Self::Everybody => "all",
        }
    }

    /// The team, if it is one.
    #[must_use]
    pub const fn team(self) -> Option<TeamId> {
        match self {
            Self::Team(team) => Some(team),
            Self::Own | Self::Everybody => None,
        }
    }
}

/// A saved view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedView {
    /// Its id.
    pub id: ViewId,
    /// Its name.
    pub name: String,
    /// The address of the list, as a query.
    pub query: String,
    /// Who is shown it.
    pub audience: Audience,
    /// Who saved it.
    pub owner: UserId,
    /// Raised with every change.
    pub version: i64,
}

/// What counts about a person who looks at views or shares them.
#[derive(Clone, Debug)]
pub struct Member<'a> {
    /// Who.
    pub user: UserId,
    /// Their teams.
    pub teams: &'a [TeamId],
    /// The teams that they lead.
    pub leads: &'a [TeamId],
    /// What they may do.
    pub permissions: PermissionSet,
}

impl Member<'_> {
    /// Whether they may show a view to these: a team's leads and whoever runs teams to a team, the latter to everybody.
    #[must_use]
    pub fn may_share_with(&self, audience: Audience) -> bool {
        let runs = self.permissions.has(Key::TeamsEditMembers);
        match audience {
            Audience::Own => true,
            Audience::Team(team) => runs || self.leads.contains(&team),
            Audience::Everybody => runs,
        }
    }
}

impl SavedView {
    /// Whether somebody is shown it.
    #[must_use]
    pub fn is_shown_to(&self, user: UserId, teams: &[TeamId]) -> bool {
        match self.audience {
            Audience::Own => self.owner == user,
            Audience::Team(team) => teams.contains(&team) || self.owner == user,
            Audience::Everybody => true,
        }
    }

    /// Whether somebody may change or delete it: whoever saved it, and for others whoever may share with them.
    #[must_use]
    pub fn may_be_changed_by(&self, member: &Member) -> bool {
        self.owner == member.user || (self.audience != Audience::Own && member.may_share_with(self.audience))
    }
}

/// A name as it is kept.
///
/// # Errors
/// If nothing is left of it.
pub fn parse_name(typed: &str) -> Result<String, ViewRefusal> {
    let name = shorten(&one_line(typed), NAME_CHARS);
    if name.is_empty() { Err(ViewRefusal::NameMissing) } else { Ok(name) }
}

/// A "no" about a saved view.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ViewRefusal {
    /// No name.
    #[error("Give the view a name.")]
    NameMissing,
    /// Not theirs to show to these.
    #[error("You may not share views with them. Keep it for yourself, or ask a lead of the team.")]
    MayNotShare,
    /// Not theirs to change.
    #[error("Only whoever saved this view, and whoever may share views with the same people, can change it.")]
    NotYours,
    /// Too many.
    #[error("You have saved 100 views. Delete one first.")]
    TooMany,
    /// It saves nothing.
    #[error("The list’s filters could not be read. Open the list again, then save it.")]
    NoList,
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn views_are_shown_to_their_audience_and_changed_by_those_who_may_share_with_it() {
        let (me, other) = (UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
        let (mine, theirs) = (TeamId(Uuid::from_u128(3)), TeamId(Uuid::from_u128(4)));
        let view = |owner, audience| SavedView {
            id: ViewId(Uuid::from_u128(9)),
            name: "Late".into(),
            query: String::new(),
            audience,
            owner,
            version: 1,
        };
        let plain = Member { user: me, teams: &[mine], leads: &[], permissions: PermissionSet::NONE };
        let lead = Member { leads: &[mine], ..plain.clone() };
        let boss = Member { permissions: PermissionSet::from_iter([Key::TeamsEditMembers]), ..plain.clone() };
        let cases = [
            (view(me, Audience::Own), true, [true, true, true]),
            (view(other, Audience::Own), false, [false, false, false]),
            (view(other, Audience::Team(mine)), true, [false, true, true]),
            (view(other, Audience::Team(theirs)), false, [false, false, true]),
            (view(other, Audience::Everybody), true, [false, false, true]),
            (view(me, Audience::Everybody), true, [true, true, true]),
        ];
        for (view, shown, changed) in cases {
            assert_eq!(view.is_shown_to(me, &[mine]), shown, "{view:?}");
            assert_eq!([&plain, &lead, &boss].map(|one| view.may_be_changed_by(one)), changed, "{view:?}");
            assert_eq!(Audience::parse(&view.audience.print()), Some(view.audience));
        }
        assert!(!lead.may_share_with(Audience::Everybody) && !plain.may_share_with(Audience::Team(mine)));
        assert_eq!(parse_name("  Late \n ones "), Ok("Late ones".to_owned()));
        assert_eq!(parse_name(" \t "), Err(ViewRefusal::NameMissing));
    }
}
