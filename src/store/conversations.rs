//! Conversations, one by one. Lists are in `inbox`, changes to many in `bulk_jobs`. Every query starts at [`ours`].

use chrono::{DateTime, Utc};
use diesel::dsl::auto_type;
use diesel::prelude::*;

use super::among::load_among;
use super::db::{Rx, Tx, load_locked};
use super::schema::{conversation_reads, conversations};
use super::types::At;
use crate::domain::access::Sees;
use crate::domain::conversations::{Conversation, Priority, Status};
use crate::domain::ids::{ChannelId, ContactId, ConversationId, ConversationNumber, TeamId, UserId, WorkspaceId};
use crate::failure::Failure;

#[auto_type]
fn ours(workspace: WorkspaceId) -> _ {
    conversations::table.filter(conversations::workspace_id.eq(workspace))
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = conversations)]
pub(super) struct Row {
    id: i64,
    number: i64,
    channel_id: ChannelId,
    contact_id: ContactId,
    subject: String,
    pub(super) preview: String,
    status: String,
    priority: i32,
    assignee_id: Option<UserId>,
    team_id: Option<TeamId>,
    snoozed_until: Option<At>,
    waiting_since: Option<At>,
    last_activity_at: At,
    version: i64,
    created_at: At,
    merged_into: Option<i64>,
}

impl Row {
    pub(super) fn read(self) -> Result<Conversation, Failure> {
        let corrupt = |column, value: &str| Failure::Corrupt(column, format!("{value} of {}", self.id));
        Ok(Conversation {
            id: ConversationId(self.id),
            number: ConversationNumber(self.number),
            channel: self.channel_id,
            contact: self.contact_id,
            status: Status::parse(&self.status).ok_or_else(|| corrupt("conversations.status", &self.status))?,
            priority: Priority::from_rank(self.priority)
                .ok_or_else(|| corrupt("conversations.priority", &self.priority.to_string()))?,
            subject: self.subject,
            assignee: self.assignee_id,
            team: self.team_id,
            snoozed_until: self.snoozed_until.map(DateTime::from),
            waiting_since: self.waiting_since.map(DateTime::from),
            last_activity_at: self.last_activity_at.0,
            version: self.version,
            created_at: self.created_at.0,
            merged_into: self.merged_into.map(ConversationId),
        })
    }
}

/// The conversation of a number, if the asker may see it.
///
/// # Errors
/// Trouble with the database.
pub fn find(rx: &mut Rx, number: ConversationNumber, sees: &Sees) -> Result<Option<Conversation>, Failure> {
    let row: Option<Row> = ours(rx.workspace())
        .filter(conversations::number.eq(number.0))
        .select(Row::as_select())
        .first(rx.conn)
        .optional()?;
    let found = row.map(Row::read).transpose()?;
    Ok(found.filter(|one| sees.covers(one.assignee, one.team, one.channel)))
}

/// The conversation of a number, locked until the end of the unit of work.
///
/// # Errors
/// [`Failure::NotFound`] if there is none that the asker may see, or trouble with the database.
pub fn lock(tx: &mut Tx, number: ConversationNumber, sees: &Sees) -> Result<Conversation, Failure> {
    let workspace = tx.workspace();
    let rows: Vec<Row> =
        load_locked!(tx, Row, ours(workspace).filter(conversations::number.eq(number.0)).select(Row::as_select()))?;
    let found = rows.into_iter().next().ok_or(Failure::NotFound)?.read()?;
    if sees.covers(found.assignee, found.team, found.channel) { Ok(found) } else { Err(Failure::NotFound) }
}

/// Some conversations, locked in the order of their rows, so that two jobs cannot wait for each other.
///
/// # Errors
/// Trouble with the database.
pub fn lock_many(tx: &mut Tx, ids: &[ConversationId]) -> Result<Vec<Conversation>, Failure> {
    let workspace = tx.workspace();
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let rows: Vec<Row> = load_locked!(
        tx,
        Row,
        ours(workspace).filter(conversations::id.eq_any(ids)).order(conversations::id).select(Row::as_select())
    )?;
    rows.into_iter().map(Row::read).collect()
}

/// What a conversation starts with.
pub struct New<'a> {
    /// Where it comes from.
    pub channel: ChannelId,
    /// With whom.
    pub contact: ContactId,
    /// What it is about.
    pub subject: &'a str,
    /// Whose work it is.
    pub team: Option<TeamId>,
    /// The archived conversation that it goes on from.
    pub continues: Option<ConversationId>,
}

/// Adds an open conversation without messages.
///
/// # Errors
/// Trouble with the database.
pub fn insert(tx: &mut Tx, new: &New) -> Result<(ConversationId, ConversationNumber), Failure> {
    let number = super::workspaces::take_numbers(tx, 1)?;
    let (workspace, now) = (tx.workspace(), At(tx.now()));
    let id: i64 = diesel::insert_into(conversations::table)
        .values((
            conversations::workspace_id.eq(workspace),
            conversations::number.eq(number.0),
            conversations::channel_id.eq(new.channel),
            conversations::contact_id.eq(new.contact),
            conversations::subject.eq(new.subject),
            conversations::preview.eq(""),
            conversations::status.eq(Status::Open.as_str()),
            conversations::priority.eq(Priority::Normal.rank()),
            conversations::team_id.eq(new.team),
            conversations::last_activity_at.eq(now),
            conversations::continues.eq(new.continues.map(|id| id.0)),
            conversations::version.eq(1),
            conversations::created_at.eq(now),
        ))
        .returning(conversations::id)
        .get_result(tx.write())?;
    super::search::add_of_conversations(tx, &[ConversationId(id)])?;
    Ok((ConversationId(id), number))
}

/// Moves a locked conversation to another status.
///
/// # Errors
/// Trouble with the database.
pub fn set_status(
    tx: &mut Tx,
    one: &Conversation,
    to: Status,
    snoozed_until: Option<DateTime<Utc>>,
) -> Result<(), Failure> {
    let (workspace, now) = (tx.workspace(), tx.now());
    diesel::update(
        conversations::table.filter(conversations::workspace_id.eq(workspace)).filter(conversations::id.eq(one.id.0)),
    )
    .set((
        conversations::status.eq(to.as_str()),
        conversations::snoozed_until.eq(snoozed_until.map(At)),
        conversations::closed_at.eq((to == Status::Closed).then_some(At(now))),
        conversations::version.eq(one.version + 1),
    ))
    .execute(tx.write())?;
    Ok(())
}

/// Notes that a snooze ended by itself, which brings the conversation to the top.
///
/// # Errors
/// Trouble with the database.
pub fn set_woken(tx: &mut Tx, one: &Conversation) -> Result<(), Failure> {
    let (workspace, now) = (tx.workspace(), At(tx.now()));
    diesel::update(
        conversations::table.filter(conversations::workspace_id.eq(workspace)).filter(conversations::id.eq(one.id.0)),
    )
    .set((
        conversations::status.eq(Status::Open.as_str()),
        conversations::snoozed_until.eq(None::<At>),
        conversations::woken_at.eq(now),
        conversations::last_activity_at.eq(now),
        conversations::version.eq(one.version + 1),
    ))
    .execute(tx.write())?;
    Ok(())
}

/// Gives a locked conversation to somebody else.
///
/// # Errors
/// Trouble with the database.
pub fn set_holder(tx: &mut Tx, one: &Conversation, to: (Option<UserId>, Option<TeamId>)) -> Result<(), Failure> {
    let workspace = tx.workspace();
    diesel::update(
        conversations::table.filter(conversations::workspace_id.eq(workspace)).filter(conversations::id.eq(one.id.0)),
    )
    .set((
        conversations::assignee_id.eq(to.0),
        conversations::team_id.eq(to.1),
        conversations::version.eq(one.version + 1),
    ))
    .execute(tx.write())?;
    Ok(())
}

/// Changes how urgent a locked conversation is.
///
/// # Errors
/// Trouble with the database.
pub fn set_priority(tx: &mut Tx, one: &Conversation, to: Priority) -> Result<(), Failure> {
    let workspace = tx.workspace();
    diesel::update(
        conversations::table.filter(conversations::workspace_id.eq(workspace)).filter(conversations::id.eq(one.id.0)),
    )
    .set((conversations::priority.eq(to.rank()), conversations::version.eq(one.version + 1)))
    .execute(tx.write())?;
    Ok(())
}

/// Raises the version: something that is no part of the row was changed, and whoever looks at versions shall see it.
///
/// # Errors
/// Trouble with the database.
pub fn set_touched(tx: &mut Tx, one: &Conversation) -> Result<(), Failure> {
    let workspace = tx.workspace();
    diesel::update(
        conversations::table.filter(conversations::workspace_id.eq(workspace)).filter(conversations::id.eq(one.id.0)),
    )
    .set(conversations::version.eq(one.version + 1))
    .execute(tx.write())?;
    Ok(())
}

/// Notes a message: it shows in the list, and who waits for whom changes.
///
/// # Errors
/// Trouble with the database.
pub fn set_activity(
    tx: &mut Tx,
    one: ConversationId,
    preview: &str,
    waiting_since: Option<DateTime<Utc>>,
) -> Result<(), Failure> {
    let (workspace, now) = (tx.workspace(), At(tx.now()));
    diesel::update(
        conversations::table.filter(conversations::workspace_id.eq(workspace)).filter(conversations::id.eq(one.0)),
    )
    .set((
        conversations::preview.eq(preview),
        conversations::waiting_since.eq(waiting_since.map(At)),
        conversations::last_activity_at.eq(now),
        conversations::version.eq(conversations::version + 1),
    ))
    .execute(tx.write())?;
    Ok(())
}

/// Changes since when a contact waits for us.
///
/// # Errors
/// Trouble with the database.
pub fn set_waiting(tx: &mut Tx, one: ConversationId, since: Option<DateTime<Utc>>) -> Result<(), Failure> {
    let workspace = tx.workspace();
    diesel::update(
        conversations::table.filter(conversations::workspace_id.eq(workspace)).filter(conversations::id.eq(one.0)),
    )
    .set((conversations::waiting_since.eq(since.map(At)), conversations::version.eq(conversations::version + 1)))
    .execute(tx.write())?;
    Ok(())
}

/// Notes that a user has read a conversation up to now.
///
/// # Errors
/// Trouble with the database.
pub fn set_read(tx: &mut Tx, one: ConversationId, user: UserId) -> Result<(), Failure> {
    let (workspace, now) = (tx.workspace(), At(tx.now()));
    let changed = diesel::update(
        conversation_reads::table
            .filter(conversation_reads::workspace_id.eq(workspace))
            .filter(conversation_reads::user_id.eq(user))
            .filter(conversation_reads::conversation_id.eq(one.0)),
    )
    .set(conversation_reads::read_at.eq(now))
    .execute(tx.write())?;
    if changed == 0 {
        super::db::insert_new!(
            tx.write(),
            conversation_reads::table,
            (
                conversation_reads::workspace_id.eq(workspace),
                conversation_reads::user_id.eq(user),
                conversation_reads::conversation_id.eq(one.0),
                conversation_reads::read_at.eq(now),
            )
        )?;
    }
    Ok(())
}

/// When a user last read some conversations.
///
/// # Errors
/// Trouble with the database.
pub fn list_reads(
    rx: &mut Rx,
    user: UserId,
    ids: &[ConversationId],
) -> Result<std::collections::HashMap<ConversationId, DateTime<Utc>>, Failure> {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let workspace = rx.workspace();
    let rows = load_among!(
        rx.conn,
        (i64, At),
        conversation_reads::table
            .filter(conversation_reads::workspace_id.eq(workspace))
            .filter(conversation_reads::user_id.eq(user))
            .select((conversation_reads::conversation_id, conversation_reads::read_at)),
        conversation_reads::conversation_id,
        &ids
    )?;
    Ok(rows.into_iter().map(|(id, at)| (ConversationId(id), at.0)).collect())
}

/// The number of the conversation that this one goes on from.
///
/// # Errors
/// Trouble with the database.
pub fn find_predecessor(rx: &mut Rx, id: ConversationId) -> Result<Option<ConversationNumber>, Failure> {
    let before: Option<Option<i64>> = ours(rx.workspace())
        .filter(conversations::id.eq(id.0))
        .select(conversations::continues)
        .first(rx.conn)
        .optional()?;
    let Some(before) = before.flatten() else { return Ok(None) };
    let number: Option<i64> = ours(rx.workspace())
        .filter(conversations::id.eq(before))
        .select(conversations::number)
        .first(rx.conn)
        .optional()?;
    Ok(number.map(ConversationNumber))
}

/// Rows of some numbers, as far as they exist.
///
/// # Errors
/// Trouble with the database.
pub fn list_numbers(
    rx: &mut Rx,
    ids: &[ConversationId],
) -> Result<std::collections::HashMap<ConversationId, (ConversationNumber, String)>, Failure> {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let rows: Vec<(i64, i64, String)> = ours(rx.workspace())
        .filter(conversations::id.eq_any(ids))
        .select((conversations::id, conversations::number, conversations::subject))
        .load(rx.conn)?;
    Ok(rows
        .into_iter()
        .map(|(id, number, subject)| (ConversationId(id), (ConversationNumber(number), subject)))
        .collect())
}
