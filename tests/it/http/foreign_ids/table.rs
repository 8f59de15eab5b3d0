//! What forms and addresses name by ids: the table that the tests go through.

use baton::domain::access::Sees;
use baton::domain::conversations::StatusChange;
use baton::domain::ids::{SessionId, UserId};
use baton::domain::roles::Standard;
use baton::domain::users::Status;
use baton::store;
use chrono::TimeDelta;

use crate::support::World;
use crate::support::web::{Browser, Page};

/// What an id is of, and how it is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Of {
    User,
    Invited,
    Role,
    Team,
    Channel,
    Session,
    Tag,
    Contact,
    Number,
    Message,
    ToUser,
    ToTeam,
    Spread,
    SubjectUser,
    SubjectTeam,
    SubjectRole,
    SubjectChannel,
    SubjectJob,
    SubjectConversation,
}

const NOWHERE: &str = "00000000-0000-7000-8000-000000000000";

impl Of {
    /// The other workspace's, and one that was never there.
    pub fn strange(self, w: &World) -> (String, String) {
        let x = &w.other;
        let here = |text: &dyn std::fmt::Display| (text.to_string(), NOWHERE.to_owned());
        let with =
            |begins: &str, text: &dyn std::fmt::Display| (format!("{begins}{text}"), format!("{begins}{NOWHERE}"));
        match self {
            Self::User => here(&x.xena),
            Self::Invited => here(&x.invited),
            Self::Role => here(&x.role),
            Self::Team => here(&x.team),
            Self::Channel => here(&x.channel),
            Self::Session => here(&x.session),
            Self::Tag => here(&x.tag),
            Self::Contact => here(&x.contact),
            // Numbers begin at 1 everywhere: the other's last is one that is none here.
            Self::Number => ("900001".to_owned(), "900002".to_owned()),
            Self::Message => (w.number("SELECT max(message_id) FROM attachments").to_string(), "900002".to_owned()),
            Self::ToUser => with("user:", &x.xena),
            Self::ToTeam => with("team:", &x.team),
            Self::Spread => with("spread:", &x.team),
            Self::SubjectUser => with("user:", &x.xena),
            Self::SubjectTeam => with("team:", &x.team),
            Self::SubjectRole => with("role:", &x.role),
            Self::SubjectChannel => with("channel:", &x.channel),
            Self::SubjectJob => with("job:", &x.job),
            Self::SubjectConversation => ("conversation:900001".to_owned(), "conversation:900002".to_owned()),
        }
    }
}

/// A form or an address that names something.
pub struct Asked {
    /// The line of the table.
    pub line: &'static str,
    pub path: String,
    /// What stands in it besides.
    pub rest: Vec<(&'static str, String)>,
    /// The field, what it names, and one of Fernhill's that will do.
    pub field: &'static str,
    pub of: Of,
    /// Nothing, if there is none that would do.
    pub ours: String,
    pub multipart: bool,
    /// Those of a form that can be filled in at once have the same number.
    pub form: usize,
}

impl Asked {
    fn with(&self, value: &str) -> Vec<(&str, String)> {
        self.rest.iter().map(|(name, value)| (*name, value.clone())).chain([(self.field, value.to_owned())]).collect()
    }

    pub async fn post(&self, browser: &Browser, value: &str) -> Page {
        let fields = self.with(value);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        if self.multipart {
            browser.upload(&self.path, &fields, "list.csv", b"").await
        } else {
            browser.post(&self.path, &fields).await
        }
    }

    pub async fn get(&self, browser: &Browser, value: &str) -> Page {
        let query = serde_html_form::to_string(self.with(value)).expect("a query");
        browser.get(&format!("{}?{query}", self.path)).await
    }
}

/// What there is to be named in Fernhill.
pub struct Scene {
    invited: UserId,
    session: SessionId,
    own_session: SessionId,
    number: String,
    tag: String,
    contact: String,
    twin: String,
}

pub fn scene(w: &World) -> Scene {
    let invited = w.newcomer("Ivy Invited", Standard::Agent, Status::Invited);
    let until = w.now() + TimeDelta::days(2);
    let (conversation, number) = w.conversation(&w.draft().assignee(w.bob).team(w.support));
    w.conversation(&w.draft().assignee(w.bob).team(w.support).now(StatusChange::Snooze(until)));
    let tag = w.system_does(|tx| {
        store::invites::insert(tx, invited, TimeDelta::days(7))?;
        store::teams::insert_member(tx, w.returns, w.olga)?;
        store::teams::insert_member(tx, w.support, w.rita)?;
        store::users::set_seen(tx, w.agnes)?;
        let tag = store::tags::find_or_insert(tx, "vip")?;
        store::tags::insert_on(tx, conversation, tag)?;
        Ok(tx.unrecorded(tag, "a test sets the scene"))
    });
    w.deactivate(w.rita);
    let contact = w.read(|rx| store::conversations::find(rx, number, &Sees::All)).expect("a conversation").contact;
    let twin = w.system_does(|tx| {
        let twin = store::contacts::find_or_insert(tx, "h.cole@twin.example", "H. Cole")?;
        Ok(tx.unrecorded(twin, "a test sets the scene"))
    });
    Scene {
        invited,
        session: w.session(w.bob, "his cookie"),
        own_session: w.session(w.olga, "her other cookie"),
        number: number.to_string(),
        tag: tag.to_string(),
        contact: contact.to_string(),
        twin: twin.to_string(),
    }
}

/// One line for each field of a form that names something: the route, what else stands in the form, the field.
pub fn forms(w: &World, s: &Scene) -> Vec<Asked> {
    let mut all = Vec::new();
    let mut form = 0;
    let mut add = |line: &'static str, id: &str, rest: &[(&'static str, &str)], fields: &[(&'static str, Of, &str)]| {
        form += 1;
        for (field, of, ours) in fields {
            all.push(Asked {
                form,
                line,
                path: line.replace("{id}", id),
                rest: rest.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
                field,
                of: *of,
                ours: (*ours).to_owned(),
                multipart: line.ends_with("/many"),
            });
        }
    };
    let (bob, agnes, gus, rita) = (w.bob.to_string(), w.agnes.to_string(), w.gus.to_string(), w.rita.to_string());
    let (agent, reader, guest) = (w.role(Standard::Agent), w.role(Standard::Reader), w.role(Standard::Guest));
    let (agent, reader, guest) = (agent.to_string(), reader.to_string(), guest.to_string());
    let (support, returns) = (w.support.to_string(), w.returns.to_string());
    let (email, chat, invited) = (w.email.to_string(), w.chat.to_string(), s.invited.to_string());
    let (to_agnes, to_returns) = (format!("user:{agnes}"), format!("team:{returns}"));
    let places: &[(&'static str, Of, &str)] =
        &[("role", Of::Role, &reader), ("team", Of::Team, &returns), ("channel", Of::Channel, &chat)];
    let plans: &[(&'static str, Of, &str)] = &[
        ("plan_open", Of::ToUser, &to_agnes),
        ("plan_open", Of::ToTeam, &to_returns),
        ("plan_snoozed", Of::ToUser, &to_agnes),
        ("plan_snoozed", Of::ToTeam, &to_returns),
    ];
    let targets: &[(&'static str, Of, &str)] =
        &[("target", Of::ToUser, &to_agnes), ("target", Of::ToTeam, &to_returns)];

    add("/conversations/{id}/merge", &s.number, &[], &[("into", Of::Number, "")]);
    add("/contacts/{id}/merge", &s.contact, &[], &[("merged", Of::Contact, &s.twin)]);
    let bulk = "/settings/users/bulk";
    add(
        bulk,
        "",
        &[("action", "add_role"), ("user", &bob)],
        &[("value", Of::Role, &reader), ("user", Of::User, &agnes)],
    );
    add(bulk, "", &[("action", "remove_role"), ("user", &agnes)], &[("value", Of::Role, &guest)]);
    add(bulk, "", &[("action", "add_team"), ("user", &bob)], &[("value", Of::Team, &returns)]);
    add(bulk, "", &[("action", "remove_team"), ("user", &bob)], &[("value", Of::Team, &support)]);
    add(bulk, "", &[("action", "deactivate"), ("user", &bob)], plans);
    add(bulk, "", &[("action", "deactivate")], &[("user", Of::User, &bob)]);
    add(
        bulk,
        "",
        &[("action", "add_team"), ("value", &returns), ("scope", "matching"), ("status", "active"), ("expected", "2")],
        &[("role", Of::Role, &agent), ("team", Of::Team, &support), ("channel", Of::Channel, &email)],
    );
    let new = [("email", "new@fernhill.example"), ("full_name", "New Newman"), ("role", &agent)];
    add("/settings/users/invites", "", &new, places);
    let people = "one@fernhill.example, One Only";
    let checked = baton::domain::secrets::hash(people);
    let list = [("list", people), ("role", agent.as_str()), ("step", "send"), ("checked", checked.as_str())];
    add("/settings/users/invites/many", "", &list, places);
    for line in ["/settings/users/invites/resend", "/settings/users/invites/cancel"] {
        add(line, "", &[("invite", &invited)], &[("invite", Of::Invited, &invited)]);
        let matching =
            &[("role", Of::Role, agent.as_str()), ("team", Of::Team, &support), ("channel", Of::Channel, &email)];
        add(line, "", &[("scope", "matching")], matching);
    }
    let version = w.user(s.invited).version.to_string();
    let edit =
        [("version", version.as_str()), ("email", "ivy@fernhill.example"), ("full_name", "Ivy I"), ("role", &agent)];
    add("/settings/users/invites/{id}", &invited, &edit, places);
    let version = w.user(w.bob).version.to_string();
    let edit =
        [("version", version.as_str()), ("email", "bob@fernhill.example"), ("full_name", "Bob K"), ("role", &agent)];
    add("/settings/users/{id}", &bob, &edit, places);
    add("/settings/users/{id}/sessions/revoke", &bob, &[], &[("session", Of::Session, &s.session.to_string())]);
    add("/settings/users/{id}/deactivate", &bob, &[("reason", "left")], plans);
    let planned = [("reason", "leave"), ("starts_at", "2026-04-01"), ("starts_time", "09:00")];
    add("/settings/users/{id}/deactivate", &bob, &planned, plans);
    add("/settings/users/{id}/remove", &bob, &[], plans);
    add("/settings/users/{id}/delete", &bob, &[("confirm_email", "bob@fernhill.example")], plans);
    let password = [("password", crate::support::world::PASSWORD)];
    add("/settings/users/{id}/owner", &w.olga.to_string(), &password, &[("owner", Of::User, &agnes)]);
    let members = &[
        ("add", Of::User, gus.as_str()),
        ("remove", Of::User, &bob),
        ("lead", Of::User, &bob),
        ("led", Of::User, &agnes),
    ];
    add("/settings/teams/{id}/members", &support, &[("set_leads", "1"), ("lead", &agnes)], &members[3..]);
    add("/settings/teams/{id}/members", &support, &[], &members[..3]);
    add("/settings/teams/{id}/remove", &support, &[("user", &bob)], targets);
    add("/settings/teams/{id}/remove", &support, &[], &[("user", Of::User, &bob)]);
    add("/settings/teams/{id}/remove", &support, &[("user", &agnes)], &[("successor", Of::User, &bob)]);
    add("/settings/teams/{id}/remove-inactive", &support, &[], &[("user", Of::User, &rita)]);
    add("/settings/teams/{id}/remove-inactive", &support, &[], targets);
    add("/settings/teams/{id}/remove-inactive", &returns, &[], targets);
    add("/settings/teams/{id}/delete", &support, &[], &targets[1..]);
    let channel = [("name", "Second"), ("address", "second@fernhill.example")];
    let default = &[("default", Of::ToUser, to_agnes.as_str()), ("default", Of::ToTeam, &to_returns)];
    let first = &[("default", Of::ToUser, ""), ("default", Of::ToTeam, to_returns.as_str())];
    add("/settings/channels", "", &channel, first);
    let version = w.read(|rx| store::channels::find(rx, w.email)).expect("a channel").version.to_string();
    let channel = [("name", "Second"), ("address", "second@fernhill.example"), ("version", version.as_str())];
    add("/settings/channels/{id}", &email, &channel, default);
    add("/settings/outbox/quarantine/{id}/take-in", NOWHERE, &[], &[("channel", Of::Channel, "")]);
    add("/settings/channels/{id}/members", &email, &[], &[("add", Of::User, &gus), ("remove", Of::User, &bob)]);
    let version = w.read(store::workspaces::this).version.to_string();
    let rule = [("version", version.as_str()), ("inactivity_days", "30"), ("expected", "0")];
    add("/settings/security", "", &rule, &[("inactivity_role", Of::Role, &guest)]);
    add("/settings/audit/export", "", &[], &audit_fields(&bob, &support, &agent, &email));
    add("/profile/teams/{id}/leave", &returns, &[], &[("successor", Of::User, &gus)]);
    add("/profile/security/sessions", "", &[], &[("session", Of::Session, &s.own_session.to_string())]);
    add("/conversations/{id}/assign", &s.number, &[], targets);
    add("/conversations/{id}/tags", &s.number, &[], &[("remove", Of::Tag, &s.tag)]);
    add("/conversations/{id}/retry", &s.number, &[], &[("message", Of::Message, "")]);
    for line in ["/conversations/{id}/draft/take-over", "/conversations/{id}/draft/discard"] {
        add(line, &s.number, &[], &[("user", Of::User, "")]);
    }
    let view = [("name", "Tents"), ("query", "status=open")];
    add("/inbox/views", "", &view, &[("audience", Of::ToTeam, &format!("team:{support}"))]);
    let spread = format!("spread:{support}");
    add("/inbox/bulk", "", &[("conversation", &s.number)], &[("target", Of::Spread, &spread)]);
    let untag = [("action", "remove_tag"), ("conversation", s.number.as_str())];
    add("/inbox/bulk", "", &untag, &[("tag", Of::Tag, &s.tag)]);
    add("/inbox/bulk", "", &[("action", "assign"), ("conversation", &s.number)], targets);
    add("/inbox/bulk", "", &[("action", "assign"), ("target", "none")], &[("conversation", Of::Number, &s.number)]);
    let matching = [("action", "assign"), ("target", "none"), ("scope", "matching"), ("status", "open")];
    add("/inbox/bulk", "", &matching, &inbox_fields(&bob, &support, &email, s));
    all
}

fn inbox_fields<'a>(bob: &'a str, support: &'a str, email: &'a str, s: &'a Scene) -> [(&'static str, Of, &'a str); 5] {
    [
        ("assignee", Of::User, bob),
        ("team", Of::Team, support),
        ("channel", Of::Channel, email),
        ("tag", Of::Tag, &s.tag),
        ("contact", Of::Contact, &s.contact),
    ]
}

fn audit_fields<'a>(bob: &'a str, support: &str, agent: &str, email: &str) -> Vec<(&'static str, Of, &'a str)> {
    let leaked = |kind: &str, id: &str| -> &'a str { Box::leak(format!("{kind}:{id}").into_boxed_str()) };
    vec![
        ("actor", Of::User, bob),
        ("subject", Of::SubjectUser, leaked("user", bob)),
        ("subject", Of::SubjectTeam, leaked("team", support)),
        ("subject", Of::SubjectRole, leaked("role", agent)),
        ("subject", Of::SubjectChannel, leaked("channel", email)),
        ("subject", Of::SubjectJob, ""),
        ("subject", Of::SubjectConversation, "conversation:1"),
    ]
}

/// The same for addresses.
pub fn addresses(w: &World, s: &Scene) -> Vec<Asked> {
    let mut all = Vec::new();
    let mut form = 0;
    let mut add = |line: &'static str, id: &str, rest: &[(&'static str, &str)], fields: &[(&'static str, Of, &str)]| {
        form += 1;
        for (field, of, ours) in fields {
            all.push(Asked {
                form,
                line,
                path: line.replace("{id}", id),
                rest: rest.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
                field,
                of: *of,
                ours: (*ours).to_owned(),
                multipart: false,
            });
        }
    };
    let (bob, agnes, invited) = (w.bob.to_string(), w.agnes.to_string(), s.invited.to_string());
    let (agent, support, email) = (w.role(Standard::Agent).to_string(), w.support.to_string(), w.email.to_string());
    let guest = w.role(Standard::Guest).to_string();
    let (to_agnes, to_support) = (format!("user:{agnes}"), format!("team:{support}"));
    let filter = &[("role", Of::Role, agent.as_str()), ("team", Of::Team, &support), ("channel", Of::Channel, &email)];
    for line in ["/settings/users", "/settings/users/inactive", "/settings/users/invites"] {
        add(line, "", &[], filter);
    }
    for status in ["active", "inactive", "invited"] {
        add("/settings/users/export", "", &[("status", status)], filter);
    }
    add("/settings/users/bulk/confirm", "", &[("action", "deactivate")], &[("user", Of::User, &bob)]);
    let matching = [("action", "deactivate"), ("scope", "matching"), ("status", "active")];
    add("/settings/users/bulk/confirm", "", &matching, filter);
    add("/settings/users/invites/cancel", "", &[], &[("invite", Of::Invited, &invited)]);
    add("/settings/users/invites/cancel", "", &[("scope", "matching")], filter);
    add("/settings/teams/{id}/remove", &support, &[], &[("user", Of::User, &bob)]);
    let rule = [("preview", "1"), ("inactivity_days", "30")];
    add("/settings/security", "", &rule, &[("inactivity_role", Of::Role, &guest)]);
    add("/settings/roles/new", "", &[], &[("copy", Of::Role, &agent)]);
    add("/settings/audit", "", &[], &audit_fields(&bob, &support, &agent, &email));
    add("/contacts/{id}/merge", &s.contact, &[], &[("with", Of::Contact, &s.twin)]);
    add("/inbox", "", &[], &inbox_fields(&bob, &support, &email, s));
    let matching = [("target", "none"), ("scope", "matching"), ("status", "open")];
    add("/inbox/bulk/confirm", "", &matching, &inbox_fields(&bob, &support, &email, s));
    let targets = [("target", Of::ToUser, to_agnes.as_str()), ("target", Of::ToTeam, &to_support)];
    add("/inbox/bulk/confirm", "", &[("conversation", &s.number)], &targets);
    all
}
