//! Recorded events of a conversation in words. Names are written as they are now, so that somebody who left is marked
//! (E-1, U-4). What happened to a user is told in `user_events`.

use std::collections::HashMap;

use super::person::{People, PersonView};
use super::time::{TimeView, Times};
use crate::domain::conversations::{Priority, Status};
use crate::domain::ids::{TagId, TeamId, UserId};
use crate::store::audit::Recorded;

/// A stretch of a sentence: plain words, a person, or a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The words; empty if it is a person.
    pub text: String,
    /// The person, if it is one.
    pub person: Option<PersonView>,
    /// Where it leads, if it is a link.
    pub href: Option<String>,
}

/// An event on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventView {
    /// Its icon.
    pub icon: &'static str,
    /// What happened.
    pub pieces: Vec<Piece>,
    /// When.
    pub at: TimeView,
}

/// The names that events are written with.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// People.
    pub people: People,
    /// Teams.
    pub teams: HashMap<TeamId, String>,
    /// Tags.
    pub tags: HashMap<TagId, String>,
    /// Whether the reader may open bulk jobs.
    pub jobs: bool,
    /// Whether who did it stands beside already, so that no sentence ends with "by …".
    pub beside: bool,
}

type Holder = (Option<UserId>, Option<TeamId>);

/// Makes a sentence.
struct Sentence<'a> {
    names: &'a Names,
    pieces: Vec<Piece>,
}

impl<'a> Sentence<'a> {
    const fn new(names: &'a Names) -> Self {
        Self { names, pieces: Vec::new() }
    }

    fn say(mut self, text: impl Into<String>) -> Self {
        let text = text.into();
        match self.pieces.last_mut() {
            Some(last) if last.person.is_none() && last.href.is_none() => last.text.push_str(&text),
            _ => self.pieces.push(Piece { text, person: None, href: None }),
        }
        self
    }

    fn person(mut self, id: UserId) -> Self {
        let person = Some(self.names.people.get(id));
        self.pieces.push(Piece { text: String::new(), person, href: None });
        self
    }

    fn link(mut self, text: &str, href: String) -> Self {
        self.pieces.push(Piece { text: text.to_owned(), person: None, href: Some(href) });
        self
    }

    fn team(self, id: TeamId) -> Self {
        let name = self.names.teams.get(&id).cloned().unwrap_or_else(|| "a team that is gone".to_owned());
        self.say(name)
    }

    /// Who holds a conversation, in words.
    fn holder(self, holder: Holder) -> Self {
        match holder {
            (Some(user), _) => self.person(user),
            (None, Some(team)) => self.team(team),
            (None, None) => self.say("nobody"),
        }
    }

    /// ", by Dana Weiss", if it was a person.
    fn by(self, event: &Recorded) -> Self {
        if self.names.beside {
            return self;
        }
        let sentence = match event.actor {
            Some(actor) => self.say(" by ").person(actor),
            None => self,
        };
        let Some(job) = event.job else { return sentence };
        if sentence.names.jobs {
            return sentence.say(" in a ").link("bulk change", format!("/jobs/{job}"));
        }
        sentence.say(" in a bulk change")
    }
}

fn details<'a>(event: &'a Recorded, field: &str) -> &'a str {
    event.details.get(field).and_then(serde_json::Value::as_str).unwrap_or_default()
}

/// An event of a conversation in words. Messages and notes stand in the thread themselves, so their events do not.
#[must_use]
pub fn of_conversation(event: &Recorded, names: &Names, times: &Times) -> Option<EventView> {
    let start = Sentence::new(names);
    let (icon, sentence) = match event.name.as_str() {
        "conversation.created" => ("plus", start.say("Conversation started")),
        "conversation.assigned" => assigned(event, start),
        "conversation.status_changed" => status_changed(event, start, times),
        "conversation.merged" | "conversation.absorbed" => {
            let merged = event.name == "conversation.merged";
            let other = event.detail(if merged { "into" } else { "from" }).as_i64().unwrap_or_default();
            let begins = if merged { "This was merged into " } else { "Merged with " };
            let sentence = start.say(begins).link(&format!("#{other}"), format!("/conversations/{other}"));
            ("transfer", sentence.by(event))
        }
        "conversation.woken" => ("alarm-snooze", start.say("The snooze ended, so this is open again")),
        "draft.taken_over" | "draft.discarded" => {
            let verb = if event.name == "draft.discarded" { "discarded" } else { "taken over" };
            let sentence = start.say("The draft of ");
            let sentence = match event.from.0 {
                Some(from) => sentence.person(from),
                None => sentence.say("somebody"),
            };
            ("file-text", sentence.say(format!(" was {verb}")).by(event))
        }
        "conversation.priority_changed" => {
            let rank = event.details.get("to").and_then(serde_json::Value::as_i64).unwrap_or_default();
            let to = i32::try_from(rank).ok().and_then(Priority::from_rank).map_or("another", Priority::label);
            ("selector", start.say(format!("Priority set to {to}")).by(event))
        }
        "message.returned" => ("alert-triangle", start.say("A reply could not be delivered")),
        "message.retried" => ("send", start.say("Reply sent once more").by(event)),
        "conversation.tagged" | "conversation.untagged" => {
            let tag = details(event, "tag").parse().ok().and_then(|id: TagId| names.tags.get(&id));
            let tag = tag.map_or("a tag that is gone", String::as_str);
            let verb = if event.name == "conversation.tagged" { "added" } else { "removed" };
            ("bookmark", start.say(format!("Tag {tag} {verb}")).by(event))
        }
        _ => return None,
    };
    Some(EventView { icon, pieces: sentence.pieces, at: times.full(event.at) })
}

fn assigned<'a>(event: &Recorded, start: Sentence<'a>) -> (&'static str, Sentence<'a>) {
    let (from, to) = (event.from, event.to);
    if to == (None, None) {
        return ("circle-dashed", start.say("Taken from ").holder(from).say(" and left unassigned").by(event));
    }
    if event.job.is_some() && from.0.is_some() {
        return ("transfer", start.say("Handed over from ").holder(from).say(" to ").holder(to).by(event));
    }
    if to.0.is_some() && to.0 == event.actor && event.job.is_none() {
        let taken = start.holder(to).say(" took this");
        let taken = if from.0.is_some() { taken.say(" over from ").holder(from) } else { taken };
        return ("user-check", taken);
    }
    if from.0.is_some() && from.0 == event.actor && event.job.is_none() {
        return ("user-check", start.holder(from).say(" gave this to ").holder(to));
    }
    let sentence = start.say("Assigned to ").holder(to);
    let sentence = if from.0.is_some() { sentence.say(", before with ").holder(from).say(",") } else { sentence };
    ("user-check", sentence.by(event))
}

fn status_changed<'a>(event: &Recorded, start: Sentence<'a>, times: &Times) -> (&'static str, Sentence<'a>) {
    let by_mail = event.cause.as_deref() == Some("incoming_mail") || (event.actor.is_none() && event.cause.is_none());
    match Status::parse(details(event, "to")) {
        Some(Status::Closed) => ("circle-check", start.say("Closed").by(event)),
        Some(Status::Archived) => ("circle-check", start.say("Archived").by(event)),
        Some(Status::Snoozed) => {
            let until = event.details.get("until").and_then(serde_json::Value::as_i64);
            let until = until.and_then(|at| chrono::DateTime::from_timestamp(at, 0));
            let until = until.map(|at| format!(" until {}", times.full(at).inside().text)).unwrap_or_default();
            ("alarm-snooze", start.say(format!("Snoozed{until}")).by(event))
        }
        _ if by_mail => ("refresh", start.say("Opened again by a new message")),
        _ => ("refresh", start.say("Opened again").by(event)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::JobId;
    use crate::domain::users::{Name, Status as UserStatus};
    use crate::store::users::Brief;
    use chrono::DateTime;
    use serde_json::json;
    use uuid::Uuid;

    fn user(n: u128) -> UserId {
        UserId(Uuid::from_u128(n))
    }

    fn names() -> Names {
        let brief = |n, full: &str, status| Brief {
            id: user(n),
            name: Name { full: full.to_owned(), display: full.to_owned() },
            status,
            since: DateTime::UNIX_EPOCH,
        };
        let people = [
            brief(1, "Alice Martin", UserStatus::Inactive),
            brief(2, "Bob Keller", UserStatus::Active),
            brief(3, "Dana Weiss", UserStatus::Active),
        ];
        Names { people: People::new(&people), jobs: true, ..Names::default() }
    }

    fn event(name: &str, from: Holder, to: Holder, details: serde_json::Value) -> Recorded {
        Recorded {
            id: 1,
            at: DateTime::UNIX_EPOCH,
            actor: Some(user(3)),
            cause: None,
            job: None,
            name: name.to_owned(),
            from,
            to,
            details,
        }
    }

    fn said(event: &Recorded) -> String {
        let times = Times::new(DateTime::UNIX_EPOCH, chrono_tz::UTC);
        let view = of_conversation(event, &names(), &times).unwrap();
        let words = |piece: &Piece| match &piece.person {
            Some(person) if person.inactive => format!("~{}~", person.name),
            Some(person) => person.name.clone(),
            None => piece.text.clone(),
        };
        view.pieces.iter().map(words).collect()
    }

    #[test]
    fn hands_are_told_with_who_held_it_before() {
        let mut one = event("conversation.assigned", (Some(user(1)), None), (Some(user(2)), None), json!({}));
        assert_eq!(said(&one), "Assigned to Bob Keller, before with ~Alice Martin~, by Dana Weiss");
        one.job = Some(JobId(Uuid::from_u128(9)));
        assert_eq!(said(&one), "Handed over from ~Alice Martin~ to Bob Keller by Dana Weiss in a bulk change");
        one.job = None;
        one.actor = Some(user(2));
        assert_eq!(said(&one), "Bob Keller took this over from ~Alice Martin~");
        let gone = event("conversation.assigned", (Some(user(1)), None), (None, None), json!({}));
        assert_eq!(said(&gone), "Taken from ~Alice Martin~ and left unassigned by Dana Weiss");
    }

    #[test]
    fn statuses_are_told_by_who_or_what_changed_them() {
        let nobody = (None, None);
        let closed = json!({ "from": "open", "to": "closed", "until": null });
        assert_eq!(said(&event("conversation.status_changed", nobody, nobody, closed)), "Closed by Dana Weiss");
        let mut opened = event(
            "conversation.status_changed",
            nobody,
            nobody,
            json!({ "from": "closed", "to": "open", "until": null }),
        );
        opened.actor = None;
        opened.cause = Some("incoming_mail".to_owned());
        assert_eq!(said(&opened), "Opened again by a new message");
        let asleep = json!({ "from": "open", "to": "snoozed", "until": 3600 });
        let asleep = event("conversation.status_changed", nobody, nobody, asleep);
        assert_eq!(said(&asleep), "Snoozed until today, 01:00 by Dana Weiss");
    }
}
