//! A second workspace with a row of every kind: nothing of it may ever be seen.

use baton::actions::{self, incoming};
use baton::domain::access::Can;
use baton::domain::assignment::Target;
use baton::domain::conversations::MessageKind;
use baton::domain::ids::{
    AttachmentId, ChannelId, ContactId, ConversationId, ConversationNumber, JobId, MailId, MergeId, ReceivedMailId,
    RoleId, SessionId, TagId, TeamId, UserId, ViewId, WorkspaceId,
};
use baton::domain::roles::Standard;
use baton::domain::secrets::Secret;
use baton::domain::users::Name;
use baton::store::{self, Db};
use chrono::TimeDelta;

use super::world::{base, new_workspace, roles, scope_of};

/// A workspace that nobody of Fernhill may see anything of, with a row of every kind.
#[derive(Clone, Debug)]
pub struct Other {
    pub workspace: WorkspaceId,
    pub xena: UserId,
    pub role: RoleId,
    pub team: TeamId,
    pub channel: ChannelId,
    pub contact: ContactId,
    pub tag: TagId,
    pub conversation: ConversationId,
    pub number: ConversationNumber,
    pub attachment: AttachmentId,
    pub quarantined: ReceivedMailId,
    pub invited: UserId,
    pub invite_token: String,
    pub reset_token: String,
    pub job: JobId,
    pub session: SessionId,
    pub mail: MailId,
    pub view: ViewId,
    pub merge: MergeId,
}

pub fn build(db: &Db) -> Other {
    let (workspace, xena) = new_workspace(db, "Xenon", "xenon", "Xena Xu");
    let scope = db.read_now(workspace, |rx| scope_of(rx, xena)).expect("Xena");
    let (can_invite, can_bulk) = (Can::check(&scope).expect("may"), Can::check(&scope).expect("may"));
    let session_key_hash = baton::domain::secrets::hash("Xena's cookie");
    db.anywhere_now(|ax| {
        let attempt = store::logins::NewAttempt {
            workspace: Some(workspace),
            user: Some(xena),
            account_hash: "xena",
            address: "198.51.100.1",
            device: "Safari",
            succeeded: true,
        };
        store::logins::insert(ax, &attempt)
    })
    .expect("Xena's log-in");
    db.write_now(&scope, |tx| {
        let session = store::sessions::insert(tx, xena, &session_key_hash, ("198.51.100.1", "Safari"))?;
        let role = roles(tx)?[&Standard::Agent];
        let team = store::teams::insert(tx, "Support", "")?;
        store::teams::insert_member(tx, team, xena)?;
        let channel = store::channels::list(tx)?.remove(0).id;
        let contact = store::contacts::find_or_insert(tx, "harriet@customer.example", "Harriet Cole")?;
        let twin = store::contacts::find_or_insert(tx, "h.cole@customer.example", "H. Cole")?;
        let can_edit = Can::check(&scope).expect("may");
        let merge = actions::contacts::merge(tx, &can_edit, contact, twin)?.value().id;
        let new = store::conversations::New { channel, contact, subject: "Secret", team: Some(team), continues: None };
        let (conversation, number) = store::conversations::insert(tx, &new)?;
        let tag = store::tags::find_or_insert(tx, "vip")?;
        store::tags::insert_on(tx, conversation, tag)?;
        let message = store::messages::insert(
            tx,
            &store::messages::New {
                conversation,
                kind: MessageKind::Incoming,
                author: None,
                body: "Secret words",
                html: None,
                email_message_id: Some("secret@customer.example"),
                mail: None,
                automatic: false,
            },
        )?;
        let attachment = store::messages::insert_attachment(tx, message, "secret.pdf", "application/pdf", 3, "abc")?;
        store::conversations::set_read(tx, conversation, xena)?;
        let raw = incoming::Raw { sha256: "0".repeat(64), size: 1 };
        let incoming::Received::Quarantined(quarantined) = *incoming::quarantine(tx, channel, &raw, "empty")?.value()
        else {
            panic!("the mail was not quarantined");
        };
        let new = actions::invites::New {
            email: "ivan@xenon.example".to_owned(),
            name: Name { full: "Ivan".to_owned(), display: "Ivan".to_owned() },
            roles: vec![role],
            teams: vec![team],
            channels: vec![channel],
            send: true,
        };
        let invited = actions::invites::create(tx, &can_invite, &base(), &new)?;
        let invite_token = invited.value().link.rsplit('/').next().unwrap_or_default().to_owned();
        let invited = invited.value().user;
        let reset: Secret = store::logins::insert_password_link(tx, xena, TimeDelta::hours(1))?;
        let everybody = baton::domain::saved_views::Audience::Everybody;
        let view = store::saved_views::insert(tx, xena, "Theirs", "view=open", everybody)?;
        let mail = store::outbox::list(tx, None, (1, 0))?.0.remove(0).id;
        let request = actions::bulk::Request {
            picked: actions::bulk::Picked::Numbers(vec![number.0]),
            change: baton::domain::bulk_change::Change::Assign(Target::User(xena)),
            submission: "first".to_owned(),
        };
        let started = actions::bulk::start(tx, &can_bulk, &request)?;
        let job = started.value().job;
        Ok(started.with(Other {
            workspace,
            xena,
            role,
            team,
            channel,
            contact,
            tag,
            conversation,
            number,
            attachment,
            quarantined,
            invited,
            invite_token,
            reset_token: reset.reveal().to_owned(),
            job,
            session,
            mail,
            view,
            merge,
        }))
    })
    .expect("Xenon")
}
