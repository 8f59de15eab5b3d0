//! Who a conversation goes to (C-7).

use super::conversations::ConversationRefusal;
use super::ids::{TeamId, UserId};
use super::users::Status;

/// Where work is moved to, as it stands in forms: `user:{id}`, `team:{id}`, `none`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Target {
    /// To a person; the team stays.
    User(UserId),
    /// To a team's queue; nobody in particular.
    Team(TeamId),
    /// To nobody.
    Nobody,
}

impl Target {
    /// From a form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            Some(("user", id)) => id.parse().ok().map(Self::User),
            Some(("team", id)) => id.parse().ok().map(Self::Team),
            _ if text == "none" => Some(Self::Nobody),
            _ => None,
        }
    }

    /// As it stands in forms and jobs.
    #[must_use]
    pub fn print(&self) -> String {
        match self {
            Self::User(id) => format!("user:{id}"),
            Self::Team(id) => format!("team:{id}"),
            Self::Nobody => "none".to_owned(),
        }
    }

    /// Who holds a conversation of `team` after it was moved here.
    #[must_use]
    pub const fn holder(&self, team: Option<TeamId>) -> (Option<UserId>, Option<TeamId>) {
        match self {
            Self::User(id) => (Some(*id), team),
            Self::Team(id) => (None, Some(*id)),
            Self::Nobody => (None, None),
        }
    }
}

/// What counts about a person who is to get a conversation.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Their name, for the refusal.
    pub name: String,
    /// Where they stand.
    pub status: Status,
    /// Whether they may reply.
    pub may_reply: bool,
}

/// Whether this person may get conversations: never somebody who cannot log in or cannot answer (C-7).
///
/// # Errors
/// The reason why not.
pub fn may_receive(candidate: &Candidate) -> Result<(), ConversationRefusal> {
    if candidate.status != Status::Active {
        return Err(ConversationRefusal::AssigneeInactive(candidate.name.clone()));
    }
    if !candidate.may_reply {
        return Err(ConversationRefusal::AssigneeCannotReply(candidate.name.clone()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn targets_lead_back() {
        let id = Uuid::from_u128(5);
        for target in [Target::User(UserId(id)), Target::Team(TeamId(id)), Target::Nobody] {
            assert_eq!(Target::parse(&target.print()), Some(target));
        }
        for bad in ["", "user:", "user:x", "team", "nobody", "none:none"] {
            assert_eq!(Target::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn nobody_who_cannot_answer_gets_work() {
        let candidate = |status, may_reply| Candidate { name: "Alice".into(), status, may_reply };
        assert!(may_receive(&candidate(Status::Active, true)).is_ok());
        assert!(may_receive(&candidate(Status::Active, false)).is_err());
        assert!(may_receive(&candidate(Status::Inactive, true)).is_err());
        assert!(may_receive(&candidate(Status::Invited, true)).is_err());
    }

    #[test]
    fn a_person_keeps_the_team_and_a_queue_takes_the_person() {
        let team = Some(TeamId(Uuid::from_u128(1)));
        let user = UserId(Uuid::from_u128(2));
        let other = TeamId(Uuid::from_u128(3));
        assert_eq!(Target::User(user).holder(team), (Some(user), team));
        assert_eq!(Target::Team(other).holder(team), (None, Some(other)));
        assert_eq!(Target::Nobody.holder(team), (None, None));
    }
}
