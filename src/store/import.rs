//! Whole sets of rows with a past: what the demo workspace is filled with. Everything else adds one thing at a time, at
//! the instant of its unit of work. Every row of this file is bound to the workspace of the unit of work.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::audit;
use super::db::{Tx, insert_in_parts};
use super::schema::{
    audit_events, channel_members, channels, contact_addresses, contacts, conversation_reads, conversation_tags,
    conversations, invite_links, invites, login_attempts, messages, team_members, teams, users, workspaces,
};
use super::types::At;
use crate::domain::access::Cause;
use crate::domain::audit::Event;
use crate::domain::conversations::{ChannelKind, MessageKind, Priority, Status};
use crate::domain::ids::{ChannelId, ContactId, ConversationId, TagId, TeamId, UserId, WorkspaceId};
use crate::domain::invites::LinkState;
use crate::domain::text::key;
use crate::domain::users::{Reason, Status as UserStatus};
use crate::failure::Failure;

/// Moves the beginning of the workspace into the past.
///
/// # Errors
/// Trouble with the database.
pub fn set_workspace_created(tx: &mut Tx, at: DateTime<Utc>) -> Result<(), Failure> {
    let id = tx.workspace();
    diesel::update(workspaces::table.filter(workspaces::id.eq(id)))
        .set(workspaces::created_at.eq(At(at)))
        .execute(tx.write())?;
    Ok(())
}

/// A user with a past.
#[derive(Clone, Debug)]
pub struct User<'a> {
    /// Their id.
    pub id: UserId,
    /// Their address.
    pub email: &'a str,
    /// As in a passport.
    pub full_name: &'a str,
    /// What teammates see.
    pub display_name: &'a str,
    /// The hash of their password, if they have one yet.
    pub password_hash: Option<&'a str>,
    /// Where they stand.
    pub status: UserStatus,
    /// Why they were deactivated, if they are.
    pub reason: Option<Reason>,
    /// Since when they stand there.
    pub status_changed_at: DateTime<Utc>,
    /// Whether they try new features early.
    pub beta_access: bool,
    /// When they last did something.
    pub last_seen_at: Option<DateTime<Utc>>,
    /// When they were made.
    pub created_at: DateTime<Utc>,
}

#[derive(Insertable)]
#[diesel(table_name = users, treat_none_as_default_value = false)]
struct UserRow<'a> {
    id: UserId,
    workspace_id: WorkspaceId,
    email: &'a str,
    email_key: String,
    full_name: &'a str,
    display_name: &'a str,
    name_key: String,
    password_hash: Option<&'a str>,
    status: &'static str,
    status_reason: Option<&'static str>,
    status_changed_at: At,
    beta_access: bool,
    last_seen_at: Option<At>,
    version: i64,
    created_at: At,
}

/// Adds users.
///
/// # Errors
/// Trouble with the database; an address that is taken is that, too.
pub fn insert_users(tx: &mut Tx, all: &[User]) -> Result<(), Failure> {
    let workspace_id = tx.workspace();
    let rows: Vec<UserRow> = all
        .iter()
        .map(|user| UserRow {
            id: user.id,
            workspace_id,
            email: user.email,
            email_key: key(user.email),
            full_name: user.full_name,
            display_name: user.display_name,
            name_key: key(user.full_name),
            password_hash: user.password_hash,
            status: user.status.as_str(),
            status_reason: user.reason.map(Reason::as_str),
            status_changed_at: At(user.status_changed_at),
            beta_access: user.beta_access,
            last_seen_at: user.last_seen_at.map(At),
            version: if user.status == UserStatus::Inactive { 2 } else { 1 },
            created_at: At(user.created_at),
        })
        .collect();
    insert_in_parts!(tx, users::table, 15, rows);
    Ok(())
}

/// A pending invite with a past.
#[derive(Clone, Debug)]
pub struct Invite {
    /// The user that it makes.
    pub user: UserId,
    /// Who invited them.
    pub by: UserId,
    /// When; a mail was sent then.
    pub at: DateTime<Utc>,
    /// When the link dies, or died.
    pub expires_at: DateTime<Utc>,
}

/// Adds invites, each with one link that was mailed, and that nobody can know: its secret is thrown away.
///
/// # Errors
/// Trouble with the database.
pub fn insert_invites(tx: &mut Tx, all: &[Invite]) -> Result<(), Failure> {
    let workspace = tx.workspace();
    for invite in all {
        diesel::insert_into(invites::table)
            .values((
                invites::user_id.eq(invite.user),
                invites::workspace_id.eq(workspace),
                invites::invited_by.eq(invite.by),
                invites::invited_at.eq(At(invite.at)),
                invites::sent_at.eq(At(invite.at)),
                invites::times_sent.eq(1),
                invites::expires_at.eq(At(invite.expires_at)),
            ))
            .execute(tx.write())?;
        let secret = tx.new_secret();
        diesel::insert_into(invite_links::table)
            .values((
                invite_links::token_hash.eq(secret.hash()),
                invite_links::workspace_id.eq(workspace),
                invite_links::user_id.eq(invite.user),
                invite_links::state.eq(LinkState::Live.as_str()),
                invite_links::created_at.eq(At(invite.at)),
                invite_links::expires_at.eq(At(invite.expires_at)),
            ))
            .execute(tx.write())?;
    }
    Ok(())
}

/// A log-in of the past.
#[derive(Clone, Debug)]
pub struct Login<'a> {
    /// Who.
    pub user: UserId,
    /// The hash of workspace and address.
    pub account_hash: &'a str,
    /// The network address.
    pub address: String,
    /// The browser, as it calls itself.
    pub device: &'a str,
    /// Whether the password was right.
    pub succeeded: bool,
    /// When.
    pub at: DateTime<Utc>,
}

/// Adds to the history of log-ins.
///
/// # Errors
/// Trouble with the database.
pub fn insert_logins(tx: &mut Tx, all: &[Login]) -> Result<(), Failure> {
    let workspace = tx.workspace();
    let rows: Vec<_> = all
        .iter()
        .map(|login| {
            (
                login_attempts::workspace_id.eq(workspace),
                login_attempts::user_id.eq(login.user),
                login_attempts::account_hash.eq(login.account_hash),
                login_attempts::address.eq(&login.address),
                login_attempts::device.eq(login.device),
                login_attempts::succeeded.eq(login.succeeded),
                login_attempts::at.eq(At(login.at)),
            )
        })
        .collect();
    insert_in_parts!(tx, login_attempts::table, 7, rows);
    Ok(())
}

/// A team with a past.
#[derive(Clone, Debug)]
pub struct Team<'a> {
    /// Its id.
    pub id: TeamId,
    /// Its name.
    pub name: &'a str,
    /// What it does.
    pub description: &'a str,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// Adds teams.
///
/// # Errors
/// Trouble with the database.
pub fn insert_teams(tx: &mut Tx, all: &[Team]) -> Result<(), Failure> {
    let workspace = tx.workspace();
    let rows: Vec<_> = all
        .iter()
        .map(|team| {
            (
                teams::id.eq(team.id),
                teams::workspace_id.eq(workspace),
                teams::name.eq(team.name),
                teams::name_key.eq(key(team.name)),
                teams::description.eq(team.description),
                teams::version.eq(1),
                teams::created_at.eq(At(team.created_at)),
            )
        })
        .collect();
    insert_in_parts!(tx, teams::table, 7, rows);
    Ok(())
}

/// Somebody's place in a team.
#[derive(Clone, Copy, Debug)]
pub struct TeamMember {
    /// In which team.
    pub team: TeamId,
    /// Who.
    pub user: UserId,
    /// Whether they lead.
    pub is_lead: bool,
    /// Since when.
    pub joined_at: DateTime<Utc>,
}

/// Puts users into teams.
///
/// # Errors
/// Trouble with the database.
pub fn insert_team_members(tx: &mut Tx, all: &[TeamMember]) -> Result<(), Failure> {
    let workspace = tx.workspace();
    let rows: Vec<_> = all
        .iter()
        .map(|one| {
            (
                team_members::workspace_id.eq(workspace),
                team_members::team_id.eq(one.team),
                team_members::user_id.eq(one.user),
                team_members::is_lead.eq(one.is_lead),
                team_members::joined_at.eq(At(one.joined_at)),
            )
        })
        .collect();
    insert_in_parts!(tx, team_members::table, 5, rows);
    Ok(())
}

/// A channel with a past.
#[derive(Clone, Debug)]
pub struct Channel<'a> {
    /// Its id.
    pub id: ChannelId,
    /// What it is.
    pub kind: ChannelKind,
    /// Its name.
    pub name: &'a str,
    /// Its address: of mail, a telephone number, an account.
    pub address: &'a str,
    /// The team that its conversations start with.
    pub default_team: TeamId,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// Adds channels.
///
/// # Errors
/// Trouble with the database.
pub fn insert_channels(tx: &mut Tx, all: &[Channel]) -> Result<(), Failure> {
    let workspace = tx.workspace();
    let rows: Vec<_> = all
        .iter()
        .map(|channel| {
            (
                channels::id.eq(channel.id),
                channels::workspace_id.eq(workspace),
                channels::kind.eq(channel.kind.as_str()),
                channels::name.eq(channel.name),
                channels::name_key.eq(key(channel.name)),
                channels::address.eq(channel.address),
                channels::address_key.eq(key(channel.address)),
                channels::default_team_id.eq(channel.default_team),
                channels::created_at.eq(At(channel.created_at)),
                channels::mail_key.eq((channel.kind == ChannelKind::Email).then(|| key(channel.address))),
            )
        })
        .collect();
    insert_in_parts!(tx, channels::table, 10, rows);
    Ok(())
}

/// Makes users members of channels.
///
/// # Errors
/// Trouble with the database.
pub fn insert_channel_members(tx: &mut Tx, all: &[(ChannelId, UserId)]) -> Result<(), Failure> {
    let workspace = tx.workspace();
    let rows: Vec<_> = all
        .iter()
        .map(|(channel, user)| {
            (
                channel_members::workspace_id.eq(workspace),
                channel_members::channel_id.eq(*channel),
                channel_members::user_id.eq(*user),
            )
        })
        .collect();
    insert_in_parts!(tx, channel_members::table, 3, rows);
    Ok(())
}

/// A contact with a past.
#[derive(Clone, Debug)]
pub struct Contact<'a> {
    /// Their id.
    pub id: ContactId,
    /// Their name.
    pub name: &'a str,
    /// Their address, which no other contact of the workspace has.
    pub email: &'a str,
    /// When they first wrote.
    pub created_at: DateTime<Utc>,
}

/// Adds contacts.
///
/// # Errors
/// Trouble with the database.
pub fn insert_contacts(tx: &mut Tx, all: &[Contact]) -> Result<(), Failure> {
    let workspace = tx.workspace();
    let rows: Vec<_> = all
        .iter()
        .map(|contact| {
            (
                contacts::id.eq(contact.id),
                contacts::workspace_id.eq(workspace),
                contacts::name.eq(contact.name),
                contacts::name_key.eq(key(contact.name)),
                contacts::email.eq(contact.email),
                contacts::email_key.eq(key(contact.email)),
                contacts::created_at.eq(At(contact.created_at)),
            )
        })
        .collect();
    insert_in_parts!(tx, contacts::table, 7, rows);
    let rows: Vec<_> = all
        .iter()
        .map(|contact| {
            (
                contact_addresses::workspace_id.eq(workspace),
                contact_addresses::email_key.eq(key(contact.email)),
                contact_addresses::contact_id.eq(contact.id),
                contact_addresses::email.eq(contact.email),
                contact_addresses::position.eq(0),
            )
        })
        .collect();
    insert_in_parts!(tx, contact_addresses::table, 5, rows);
    Ok(())
}

/// A conversation with a past.
#[derive(Clone, Debug)]
pub struct Conversation<'a> {
    /// Where it comes from.
    pub channel: ChannelId,
    /// With whom.
    pub contact: ContactId,
    /// What it is about.
    pub subject: &'a str,
    /// The first words of its last message.
    pub preview: &'a str,
    /// Where it stands.
    pub status: Status,
    /// How urgent it is.
    pub priority: Priority,
    /// The person who acts next.
    pub assignee: Option<UserId>,
    /// The team whose work it is.
    pub team: Option<TeamId>,
    /// When it wakes, if it is snoozed.
    pub snoozed_until: Option<DateTime<Utc>>,
    /// Since when the contact waits for an answer.
    pub waiting_since: Option<DateTime<Utc>>,
    /// The last message, from either side.
    pub last_activity_at: DateTime<Utc>,
    /// When it was closed, if it is.
    pub closed_at: Option<DateTime<Utc>>,
    /// One more than the changes that were made to it.
    pub version: i64,
    /// The first message.
    pub created_at: DateTime<Utc>,
}

#[derive(Insertable)]
#[diesel(table_name = conversations, treat_none_as_default_value = false)]
struct ConversationRow<'a> {
    workspace_id: WorkspaceId,
    number: i64,
    channel_id: ChannelId,
    contact_id: ContactId,
    subject: &'a str,
    preview: &'a str,
    status: &'static str,
    priority: i32,
    assignee_id: Option<UserId>,
    team_id: Option<TeamId>,
    snoozed_until: Option<At>,
    waiting_since: Option<At>,
    last_activity_at: At,
    closed_at: Option<At>,
    version: i64,
    created_at: At,
}

/// Adds conversations without messages, numbered as they come; says which rows they are.
///
/// # Errors
/// Trouble with the database.
pub fn insert_conversations(tx: &mut Tx, all: &[Conversation]) -> Result<Vec<ConversationId>, Failure> {
    let count = i64::try_from(all.len()).unwrap_or(i64::MAX);
    let first = super::workspaces::take_numbers(tx, count)?.0;
    let workspace_id = tx.workspace();
    let rows: Vec<ConversationRow> = (first..)
        .zip(all)
        .map(|(number, one)| ConversationRow {
            workspace_id,
            number,
            channel_id: one.channel,
            contact_id: one.contact,
            subject: one.subject,
            preview: one.preview,
            status: one.status.as_str(),
            priority: one.priority.rank(),
            assignee_id: one.assignee,
            team_id: one.team,
            snoozed_until: one.snoozed_until.map(At),
            waiting_since: one.waiting_since.map(At),
            last_activity_at: At(one.last_activity_at),
            closed_at: one.closed_at.map(At),
            version: one.version,
            created_at: At(one.created_at),
        })
        .collect();
    insert_in_parts!(tx, conversations::table, 16, rows);
    let ids: Vec<i64> = conversations::table
        .filter(conversations::workspace_id.eq(workspace_id))
        .filter(conversations::number.ge(first))
        .filter(conversations::number.lt(first.saturating_add(count)))
        .order(conversations::number)
        .select(conversations::id)
        .load(tx.conn)?;
    let ids: Vec<ConversationId> = ids.into_iter().map(ConversationId).collect();
    super::search::add_of_conversations(tx, &ids)?;
    Ok(ids)
}

/// A message or note of the past.
#[derive(Clone, Debug)]
pub struct Message<'a> {
    /// Where.
    pub conversation: ConversationId,
    /// What it is.
    pub kind: MessageKind,
    /// Who wrote it, if it was one of us.
    pub author: Option<UserId>,
    /// What it says.
    pub body: &'a str,
    /// When.
    pub at: DateTime<Utc>,
}

#[derive(Insertable)]
#[diesel(table_name = messages, treat_none_as_default_value = false)]
struct MessageRow<'a> {
    workspace_id: WorkspaceId,
    conversation_id: i64,
    kind: &'static str,
    author_id: Option<UserId>,
    body: &'a str,
    created_at: At,
}

/// Adds messages; those of one conversation have to come oldest first.
///
/// # Errors
/// Trouble with the database.
pub fn insert_messages(tx: &mut Tx, all: &[Message]) -> Result<(), Failure> {
    let workspace_id = tx.workspace();
    let rows: Vec<MessageRow> = all
        .iter()
        .map(|message| MessageRow {
            workspace_id,
            conversation_id: message.conversation.0,
            kind: message.kind.as_str(),
            author_id: message.author,
            body: message.body,
            created_at: At(message.at),
        })
        .collect();
    insert_in_parts!(tx, messages::table, 6, rows);
    super::search::add_texts(tx, all.iter().map(|message| (message.conversation, message.body)))
}

/// Marks conversations with tags, each at most once with the same.
///
/// # Errors
/// Trouble with the database.
pub fn insert_tags(tx: &mut Tx, all: &[(ConversationId, TagId)]) -> Result<(), Failure> {
    let workspace = tx.workspace();
    let rows: Vec<_> = all
        .iter()
        .map(|(conversation, tag)| {
            (
                conversation_tags::workspace_id.eq(workspace),
                conversation_tags::conversation_id.eq(conversation.0),
                conversation_tags::tag_id.eq(*tag),
            )
        })
        .collect();
    insert_in_parts!(tx, conversation_tags::table, 3, rows);
    Ok(())
}

/// Notes when users last read conversations.
///
/// # Errors
/// Trouble with the database.
pub fn insert_reads(tx: &mut Tx, all: &[(ConversationId, UserId, DateTime<Utc>)]) -> Result<(), Failure> {
    let workspace = tx.workspace();
    let rows: Vec<_> = all
        .iter()
        .map(|(conversation, user, at)| {
            (
                conversation_reads::workspace_id.eq(workspace),
                conversation_reads::user_id.eq(*user),
                conversation_reads::conversation_id.eq(conversation.0),
                conversation_reads::read_at.eq(At(*at)),
            )
        })
        .collect();
    insert_in_parts!(tx, conversation_reads::table, 4, rows);
    Ok(())
}

/// A recorded fact of the past.
#[derive(Clone, Debug)]
pub struct Past {
    /// When it happened.
    pub at: DateTime<Utc>,
    /// Who did it; Baton itself if nobody.
    pub actor: Option<UserId>,
    /// Why, if not simply by their doing.
    pub cause: Option<Cause>,
    /// What happened.
    pub event: Event,
}

/// Adds to the audit trail, which has to be written in the order of time.
///
/// # Errors
/// Trouble with the database.
pub fn insert_events(tx: &mut Tx, all: &[Past]) -> Result<(), Failure> {
    let workspace = tx.workspace();
    let rows: Vec<audit::NewRow> = all
        .iter()
        .map(|past| audit::NewRow::of(&past.event, workspace, past.at, past.actor, past.cause.as_ref()))
        .collect();
    insert_in_parts!(tx, audit_events::table, 17, rows);
    Ok(())
}
