//! What happened to a user, a team, a channel or the workspace, in words. What happened to a conversation is told in
//! `events`.

use crate::domain::ids::{ChannelId, RoleId, TeamId};
use crate::domain::removal::DeletionReason;
use crate::domain::users::Reason;
use crate::store::audit::Recorded;

/// The names that words are made with.
pub struct Names<'a> {
    /// Of roles.
    pub role: &'a dyn Fn(RoleId) -> Option<String>,
    /// Of teams.
    pub team: &'a dyn Fn(TeamId) -> Option<String>,
    /// Of channels.
    pub channel: &'a dyn Fn(ChannelId) -> Option<String>,
}

/// A recorded event about a user, in a few words.
#[must_use]
pub fn words(event: &Recorded, names: &Names) -> String {
    let team = |id: Option<TeamId>| id.and_then(|id| (names.team)(id)).unwrap_or_else(|| "a deleted team".to_owned());
    let channel = || {
        id_in(event.detail("channel"))
            .and_then(|id| (names.channel)(ChannelId(id)))
            .unwrap_or_else(|| "a channel".to_owned())
    };
    match event.name.as_str() {
        "workspace.created" => "Workspace made".to_owned(),
        "workspace.updated" => format!("Settings changed: {}", fields(event.detail("fields"))),
        "role.created" | "role.updated" | "role.deleted" => super::role_events::words(event),
        "team.created" => "Team made".to_owned(),
        "team.updated" => "Team changed".to_owned(),
        "team.deleted" => "Team deleted".to_owned(),
        "team.restored" => "Team restored".to_owned(),
        "channel.updated" => format!("Changed {}", fields(event.detail("fields"))),
        "channel.deleted" => "Channel deleted".to_owned(),
        "channel.created" => "Channel made".to_owned(),
        "bulk.started" => format!("Bulk change of {} started", number(event, "total", "conversation", "conversations")),
        "bulk.finished" => match event.detail("skipped").as_i64() {
            None | Some(0) => format!("{} changed in bulk", number(event, "done", "conversation", "conversations")),
            Some(left) => format!(
                "{} changed in bulk, {} left",
                number(event, "done", "conversation", "conversations"),
                crate::domain::text::grouped(left)
            ),
        },
        "bulk.undone" => "Bulk change undone".to_owned(),
        "mail.quarantined" => "Mail kept aside".to_owned(),
        "mail.taken_in" => "Mail taken in after all".to_owned(),
        "message.sent" => "Replied".to_owned(),
        "message.returned" => "A reply was not delivered".to_owned(),
        "message.retried" => "Reply sent once more".to_owned(),
        "note.added" => "Note added".to_owned(),
        "contact.updated" => "Contact changed".to_owned(),
        "contact.merged" => "Another contact merged into this one".to_owned(),
        "contact.merge_undone" => "Merge of two contacts taken back".to_owned(),
        "view.saved" => "View saved".to_owned(),
        "view.updated" => "View changed".to_owned(),
        "view.deleted" => "View deleted".to_owned(),
        "audit.exported" => match event.detail("format").as_str() {
            Some("json") => "Audit log exported as JSON".to_owned(),
            _ => "Audit log exported as CSV".to_owned(),
        },
        "user.invited" => "Invited".to_owned(),
        "user.created" => "Account made".to_owned(),
        "invite.resent" => "Invite sent again".to_owned(),
        "invite.cancelled" => "Invite cancelled".to_owned(),
        "invite.link_copied" => "Invite link copied".to_owned(),
        "invite.accepted" => "Accepted the invite".to_owned(),
        "invite.renewal_asked" => "Asked for a new invite".to_owned(),
        "user.updated" => format!("Changed {}", fields(event.detail("fields"))),
        "user.roles_changed" => roles(event, names),
        "user.deactivated" => because(event, format!("Deactivated{}", by_itself(event))),
        "user.reactivated" => format!("Reactivated{}", by_itself(event)),
        "user.deactivation_planned" => because(event, "Deactivation planned".to_owned()),
        "user.deactivation_refused" => "Planned deactivation wasn’t possible".to_owned(),
        "user.return_planned" if event.detail("returns_at").is_null() => "Day of return taken out".to_owned(),
        "user.return_planned" => "Day of return set".to_owned(),
        "user.absence_withdrawn" => "Plan withdrawn".to_owned(),
        "user.inactivity_warned" => format!("Warned for inactivity{}", by_itself(event)),
        "deletions.announced" => match event.detail("users").as_array().map_or(0, Vec::len) {
            1 => "The Owners told that one former user is to be deleted".to_owned(),
            count => format!("The Owners told that {count} former users are to be deleted"),
        },
        "user.removed" => "Removed".to_owned(),
        "user.restored" => "Invited back, with everything they wrote".to_owned(),
        "user.unlinked" => "Someone with the same email started fresh".to_owned(),
        "user.deleted" if *event.detail("own") == true => "Deleted their own account".to_owned(),
        "user.deleted" => match event.detail("reason").as_str().and_then(DeletionReason::parse) {
            Some(reason) => format!("Deleted before the end of retention: {}", reason.label().to_lowercase()),
            None => "Deleted".to_owned(),
        },
        "user.logged_in" => "Logged in".to_owned(),
        "user.logged_out" => "Logged out".to_owned(),
        "sessions.ended" => "Logged out of sessions".to_owned(),
        "password.reset_asked" => "Asked for a new password".to_owned(),
        "password.changed" => "Password changed".to_owned(),
        "team.member_added" => format!("Added to {}", team(event.to.1)),
        "team.member_removed" => format!("Removed from {}", team(event.from.1)),
        "team.lead_changed" if *event.detail("lead") == true => format!("Made lead of {}", team(event.to.1)),
        "team.lead_changed" => format!("No longer lead of {}", team(event.to.1)),
        "channel.member_added" => format!("Added to {}", channel()),
        "channel.member_removed" => format!("Removed from {}", channel()),
        other => sentence(other),
    }
}

/// An event that nothing better is known of: "team.lead_changed" is "Team lead changed".
fn sentence(name: &str) -> String {
    let words = name.replace(['.', '_'], " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn number(event: &Recorded, field: &str, one: &str, many: &str) -> String {
    crate::domain::text::counted(event.detail(field).as_i64().unwrap_or(0), one, many)
}

/// "Deactivated: left the company", if there is a reason.
fn because(event: &Recorded, words: String) -> String {
    match event.detail("reason").as_str().and_then(Reason::parse) {
        Some(reason) => format!("{words}: {}", reason.label().to_lowercase()),
        None => words,
    }
}

/// Whether it happened on a day that was set, or by a rule of the workspace.
fn by_itself(event: &Recorded) -> &'static str {
    match event.cause.as_deref() {
        Some("timer") => " on the planned day",
        Some("automatic") => " (automatic)",
        _ => "",
    }
}

fn id_in(value: &serde_json::Value) -> Option<uuid::Uuid> {
    value.as_str()?.parse().ok()
}

fn fields(value: &serde_json::Value) -> String {
    let words: Vec<&str> = value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|field| match field.as_str()? {
            "email" => Some("email"),
            "address" => Some("address"),
            "default" => Some("who new conversations start with"),
            "full_name" => Some("full name"),
            "display_name" => Some("display name"),
            "beta_access" => Some("beta access"),
            "name" => Some("name"),
            "time_zone" => Some("time zone"),
            "sender_name" => Some("sender of mails"),
            "support_contact" => Some("support contact"),
            "invite_days" => Some("validity of invites"),
            "undo_hours" => Some("undo window"),
            "retention_years" => Some("how long former users are kept"),
            "retention_deletes" => Some("deletion of former users"),
            "inactivity_rule" => Some("rule for people who stop logging in"),
            "language" => Some("language"),
            "shortcuts" => Some("keyboard shortcuts"),
            _ => None,
        })
        .collect();
    words.join(", ")
}

fn roles(event: &Recorded, names: &Names) -> String {
    let list = |key: &str| -> Vec<String> {
        event.detail(key).as_array().into_iter().flatten().filter_map(|id| (names.role)(RoleId(id_in(id)?))).collect()
    };
    let (added, removed) = (list("added"), list("removed"));
    match (added.is_empty(), removed.is_empty()) {
        (false, true) => format!("Given the role {}", added.join(", ")),
        (true, false) => format!("Role {} taken", removed.join(", ")),
        _ => format!("Role changed from {} to {}", removed.join(", "), added.join(", ")),
    }
}
