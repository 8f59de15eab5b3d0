//! Entries of the audit log in words: who, what, about whom or what, from what to what. The sentences themselves stand
//! in `events` and `user_events`.

use std::collections::HashMap;

use super::events::{self, Piece};
use super::person::PersonView;
use super::time::Times;
use super::user_events;
use crate::domain::access::{Key, PermissionSet};
use crate::domain::conversations::{Priority, Status};
use crate::domain::ids::{ChannelId, ConversationId, ConversationNumber, JobId, RoleId, TeamId, UserId};
use crate::store::audit::Recorded;
use crate::store::audit_log::Logged;

/// The names that entries are written with.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// People, teams and tags; `beside` is set, because who did it has a column.
    pub events: events::Names,
    /// Roles.
    pub roles: HashMap<RoleId, String>,
    /// Channels.
    pub channels: HashMap<ChannelId, String>,
    /// Conversations' numbers.
    pub conversations: HashMap<ConversationId, ConversationNumber>,
    /// What the reader may open.
    pub may: PermissionSet,
}

/// Something that an entry names: a person, or words, with where they lead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thing {
    /// The words; empty if it is a person.
    pub text: String,
    /// The person, if it is one.
    pub person: Option<PersonView>,
    /// Where it leads, if the reader may go there.
    pub href: Option<String>,
}

impl Thing {
    fn words(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    fn link(text: impl Into<String>, href: Option<String>) -> Self {
        Self { text: text.into(), person: None, href }
    }

    /// In plain words.
    #[must_use]
    pub fn plain(&self) -> String {
        self.person.as_ref().map_or_else(|| self.text.clone(), |person| person.name.clone())
    }
}

/// An entry in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Who; `None` is Baton itself.
    pub actor: Option<PersonView>,
    /// Its icon.
    pub icon: &'static str,
    /// What happened.
    pub what: Vec<Piece>,
    /// About whom or what.
    pub about: Thing,
    /// From what.
    pub before: Option<Thing>,
    /// To what.
    pub after: Option<Thing>,
    /// Why, if not simply by their doing.
    pub cause: Option<Thing>,
}

impl Told {
    /// What happened, in plain words.
    #[must_use]
    pub fn plain(&self) -> String {
        let word =
            |piece: &Piece| piece.person.as_ref().map_or_else(|| piece.text.clone(), |person| person.name.clone());
        self.what.iter().map(word).collect()
    }
}

/// Tells an entry.
#[must_use]
pub fn tell(logged: &Logged, names: &Names, times: &Times) -> Told {
    let event = &logged.event;
    let (icon, what) = events::of_conversation(event, &names.events, times).map_or_else(
        || (icon(&event.name), vec![Piece { text: words(event, names), person: None, href: None }]),
        |view| (view.icon, view.pieces),
    );
    let (before, after) = change(event, names);
    Told {
        actor: event.actor.map(|actor| names.events.people.get(actor)),
        icon,
        what,
        about: about(logged, names),
        before,
        after,
        cause: cause(event, names),
    }
}

fn words(event: &Recorded, names: &Names) -> String {
    let names = user_events::Names {
        role: &|id| names.roles.get(&id).cloned(),
        team: &|id| names.events.teams.get(&id).cloned(),
        channel: &|id| names.channels.get(&id).cloned(),
    };
    user_events::words(event, &names)
}

fn icon(name: &str) -> &'static str {
    match name {
        "user.invited" | "user.created" | "invite.accepted" | "team.member_added" | "channel.member_added" => {
            "user-plus"
        }
        "user.removed" | "user.deactivated" | "team.member_removed" | "channel.member_removed" => "user-off",
        "user.reactivated" | "user.restored" => "user-check",
        "user.deleted" | "deletions.announced" => "trash",
        "message.sent" | "message.retried" => "send",
        "message.returned" => "alert-triangle",
        "note.added" => "pencil",
        "audit.exported" => "download",
        _ => match name.split_once('.').map_or(name, |(noun, _)| noun) {
            "sessions" | "password" => "lock",
            "user" if name.starts_with("user.logged_") => "lock",
            "role" => "shield-lock",
            "user" => "user",
            "invite" | "mail" => "mail",
            "team" => "users-group",
            "channel" => "plug-connected",
            "bulk" | "handover" => "transfer",
            "view" => "bookmark",
            "contact" => "user",
            _ => "settings",
        },
    }
}

fn about(logged: &Logged, names: &Names) -> Thing {
    let may = |key| names.may.has(key);
    let subject = logged.subject.unwrap_or_default();
    match logged.subject_kind.as_str() {
        "user" => {
            let person = names.events.people.get(UserId(subject));
            let href = (may(Key::UsersView) && !person.gone).then(|| format!("/settings/users/{subject}"));
            Thing { text: String::new(), person: Some(person), href }
        }
        "team" => match names.events.teams.get(&TeamId(subject)) {
            Some(name) => Thing::link(name, may(Key::TeamsEditMembers).then(|| format!("/settings/teams/{subject}"))),
            None => Thing::words("A deleted team"),
        },
        "channel" => match names.channels.get(&ChannelId(subject)) {
            Some(name) => Thing::link(name, may(Key::ChannelsManage).then(|| format!("/settings/channels/{subject}"))),
            None => Thing::words("A deleted channel"),
        },
        "role" => match names.roles.get(&RoleId(subject)) {
            Some(name) => Thing::link(name, may(Key::RolesManage).then(|| format!("/settings/roles/{subject}"))),
            None => Thing::words("A deleted role"),
        },
        "job" => Thing::link("A bulk change", names.events.jobs.then(|| format!("/jobs/{subject}"))),
        "view" => Thing::words("A saved view"),
        "contact" => Thing::link("A contact", may(Key::ContactsView).then(|| format!("/contacts/{subject}"))),
        "mail" => Thing::link("A mail", may(Key::SettingsManage).then(|| "/settings/outbox".to_owned())),
        "conversation" => {
            let number = logged.conversation.and_then(|id| names.conversations.get(&id));
            number.map_or_else(
                || Thing::words("A conversation"),
                |number| {
                    let open = may(Key::ConversationsViewAll).then(|| format!("/conversations/{number}"));
                    Thing::link(format!("Conversation {number}"), open)
                },
            )
        }
        "workspace" => Thing::words("The workspace"),
        other => Thing::words(other),
    }
}

fn change(event: &Recorded, names: &Names) -> (Option<Thing>, Option<Thing>) {
    let text = |field: &str| event.detail(field).as_str().unwrap_or_default();
    match event.name.as_str() {
        "conversation.assigned" => (Some(holder(event.from, names)), Some(holder(event.to, names))),
        "conversation.status_changed" => {
            let label = |field| Status::parse(text(field)).map(|status| Thing::words(status.label()));
            (label("from"), label("to"))
        }
        "conversation.priority_changed" => {
            let label = |field| {
                let rank = i32::try_from(event.detail(field).as_i64()?).ok()?;
                Priority::from_rank(rank).map(|priority| Thing::words(priority.label()))
            };
            (label("from"), label("to"))
        }
        _ => (None, None),
    }
}

fn holder(held: (Option<UserId>, Option<TeamId>), names: &Names) -> Thing {
    match held {
        (Some(user), _) => Thing { person: Some(names.events.people.get(user)), ..Thing::default() },
        (None, Some(team)) => Thing::words(names.events.teams.get(&team).map_or("A deleted team", String::as_str)),
        (None, None) => Thing::words("Nobody"),
    }
}

fn cause(event: &Recorded, names: &Names) -> Option<Thing> {
    let job = |job: JobId| Thing::link("in a bulk change", names.events.jobs.then(|| format!("/jobs/{job}")));
    match (event.job, event.cause.as_deref()?) {
        (Some(id), _) => Some(job(id)),
        (None, "timer") => Some(Thing::words("automatic, at its time")),
        (None, "automatic") => Some(Thing::words("automatic, by a rule of the workspace")),
        (None, "retention") => Some(Thing::words("automatic, at the end of retention")),
        (None, "incoming_mail") => Some(Thing::words("by an incoming mail")),
        (None, "command") => Some(Thing::words("by a command on the server")),
        (None, other) => Some(Thing::words(other.replace('_', " "))),
    }
}
