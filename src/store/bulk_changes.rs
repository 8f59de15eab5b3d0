//! What bulk jobs do to conversations beside giving them to somebody else, and the spreading of work over a team.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, Text};

use super::bulk_jobs::{self, Job};
use super::db::{Rx, Tx};
use super::inbox::{matching, visible};
use super::schema::{audit_events, bulk_items, conversations};
use super::types::{At, Guid, Instant};
use crate::domain::access::Sees;
use crate::domain::audit::CONVERSATION_ASSIGNED;
use crate::domain::bulk::Outcome;
use crate::domain::bulk_change::Change;
use crate::domain::conversations::Status;
use crate::domain::ids::{ChannelId, ConversationId, JobId, TagId, UserId};
use crate::domain::inbox::Filter;
use crate::failure::Failure;

/// Gives items their outcome; does the change to those that are done, and keeps what they were. An undo puts back what was
/// kept. The conversations are locked, and the events recorded, by the caller.
///
/// # Errors
/// Trouble with the database.
pub fn apply(
    tx: &mut Tx,
    job: &Job,
    change: Change,
    undoes: bool,
    outcomes: &HashMap<Outcome, Vec<i64>>,
) -> Result<(), Failure> {
    let Some(places) = bulk_jobs::set_outcomes(tx, job.id, outcomes)? else { return Ok(()) };
    note(tx, job.id, undoes, places)?;
    match (change, undoes) {
        (Change::Status(_) | Change::Wake, false) => set_status(tx, job.id, change, places),
        (Change::Status(_) | Change::Wake, true) => put_back_status(tx, job.id, places),
        (Change::Priority(to), false) => set_priority(tx, job.id, Some(to.rank()), places),
        (Change::Priority(_), true) => set_priority(tx, job.id, None, places),
        (Change::AddTag(tag), false) | (Change::RemoveTag(tag), true) => insert_tag(tx, job.id, tag, places),
        (Change::RemoveTag(tag), false) | (Change::AddTag(tag), true) => delete_tag(tx, job.id, tag, places),
        (Change::Assign(_) | Change::Spread(_) | Change::Move(_), _) => {
            Err(Failure::Bug("holders are changed elsewhere"))
        }
    }
}

const DONE_ITEMS: &str =
    "FROM bulk_items i WHERE i.job_id = $1 AND i.position BETWEEN $2 AND $3 AND i.outcome = 'done'";

fn note(tx: &mut Tx, job: JobId, undoes: bool, (first, last): (i64, i64)) -> Result<(), Failure> {
    let keep = if undoes {
        ""
    } else {
        "kept_status = c.status, kept_snoozed_until = c.snoozed_until, kept_closed_at = c.closed_at, \
         kept_priority = c.priority, "
    };
    diesel::sql_query(format!(
        "UPDATE bulk_items SET outcome = 'done', {keep}from_user_id = c.assignee_id, from_team_id = c.team_id, \
         version_after = c.version + 1 FROM conversations c \
         WHERE bulk_items.job_id = $1 AND bulk_items.position BETWEEN $2 AND $3 AND bulk_items.outcome = 'pending' \
         AND c.id = bulk_items.conversation_id"
    ))
    .bind::<Guid, _>(job)
    .bind::<BigInt, _>(first)
    .bind::<BigInt, _>(last)
    .execute(tx.write())?;
    Ok(())
}

fn set_status(tx: &mut Tx, job: JobId, change: Change, (first, last): (i64, i64)) -> Result<(), Failure> {
    let (status, until) = change.status().ok_or(Failure::Bug("a change of status without one"))?;
    let closed = (status == Status::Closed).then_some(At(tx.now()));
    diesel::sql_query(
        "UPDATE conversations SET status = $1, snoozed_until = $2, closed_at = $3, version = i.version_after \
         FROM bulk_items i WHERE i.job_id = $4 AND i.position BETWEEN $5 AND $6 AND i.outcome = 'done' \
         AND conversations.id = i.conversation_id",
    )
    .bind::<Text, _>(status.as_str())
    .bind::<Nullable<Instant>, _>(until.map(At))
    .bind::<Nullable<Instant>, _>(closed)
    .bind::<Guid, _>(job)
    .bind::<BigInt, _>(first)
    .bind::<BigInt, _>(last)
    .execute(tx.write())?;
    Ok(())
}

fn put_back_status(tx: &mut Tx, job: JobId, (first, last): (i64, i64)) -> Result<(), Failure> {
    diesel::sql_query(format!(
        "UPDATE conversations SET status = i.kept_status, snoozed_until = i.kept_snoozed_until, \
         closed_at = i.kept_closed_at, version = i.version_after {DONE_ITEMS} AND conversations.id = i.conversation_id"
    ))
    .bind::<Guid, _>(job)
    .bind::<BigInt, _>(first)
    .bind::<BigInt, _>(last)
    .execute(tx.write())?;
    Ok(())
}

fn set_priority(tx: &mut Tx, job: JobId, to: Option<i32>, (first, last): (i64, i64)) -> Result<(), Failure> {
    diesel::sql_query(
        "UPDATE conversations SET priority = coalesce($1, i.kept_priority), version = i.version_after \
         FROM bulk_items i WHERE i.job_id = $2 AND i.position BETWEEN $3 AND $4 AND i.outcome = 'done' \
         AND conversations.id = i.conversation_id",
    )
    .bind::<Nullable<Integer>, _>(to)
    .bind::<Guid, _>(job)
    .bind::<BigInt, _>(first)
    .bind::<BigInt, _>(last)
    .execute(tx.write())?;
    Ok(())
}

/// A tag is no part of the conversation's row, but whoever looks at versions shall see that something was changed.
fn raise_versions(tx: &mut Tx, job: JobId, (first, last): (i64, i64)) -> Result<(), Failure> {
    diesel::sql_query(format!(
        "UPDATE conversations SET version = i.version_after {DONE_ITEMS} AND conversations.id = i.conversation_id"
    ))
    .bind::<Guid, _>(job)
    .bind::<BigInt, _>(first)
    .bind::<BigInt, _>(last)
    .execute(tx.write())?;
    Ok(())
}

fn insert_tag(tx: &mut Tx, job: JobId, tag: TagId, places: (i64, i64)) -> Result<(), Failure> {
    raise_versions(tx, job, places)?;
    diesel::sql_query(
        "INSERT INTO conversation_tags (workspace_id, conversation_id, tag_id) \
         SELECT i.workspace_id, i.conversation_id, $1 FROM bulk_items i \
         WHERE i.job_id = $2 AND i.position BETWEEN $3 AND $4 AND i.outcome = 'done' ON CONFLICT DO NOTHING",
    )
    .bind::<Guid, _>(tag)
    .bind::<Guid, _>(job)
    .bind::<BigInt, _>(places.0)
    .bind::<BigInt, _>(places.1)
    .execute(tx.write())?;
    Ok(())
}

fn delete_tag(tx: &mut Tx, job: JobId, tag: TagId, places: (i64, i64)) -> Result<(), Failure> {
    raise_versions(tx, job, places)?;
    diesel::sql_query(
        "DELETE FROM conversation_tags WHERE tag_id = $1 AND conversation_id IN (SELECT i.conversation_id \
         FROM bulk_items i WHERE i.job_id = $2 AND i.position BETWEEN $3 AND $4 AND i.outcome = 'done')",
    )
    .bind::<Guid, _>(tag)
    .bind::<Guid, _>(job)
    .bind::<BigInt, _>(places.0)
    .bind::<BigInt, _>(places.1)
    .execute(tx.write())?;
    Ok(())
}

/// A conversation that is to be given to somebody.
#[derive(Clone, Copy, Debug)]
pub struct Loose {
    /// Its row.
    pub id: ConversationId,
    /// Where it comes from.
    pub channel: ChannelId,
    /// Who holds it now.
    pub holder: Option<UserId>,
    /// Whether it counts as load of whoever holds it.
    pub open: bool,
}

/// What would be spread: picked by number, or all that match; in the order in which a job has them.
///
/// # Errors
/// Trouble with the database.
pub fn list_loose(rx: &mut Rx, filter: Option<&Filter>, numbers: &[i64], sees: &Sees) -> Result<Vec<Loose>, Failure> {
    let query = match filter {
        Some(filter) => matching(rx, filter, sees),
        None => visible(rx.workspace(), sees).filter(conversations::number.eq_any(numbers.to_vec())),
    };
    type Columns = (i64, ChannelId, Option<UserId>, String);
    let rows: Vec<Columns> = query
        .order(conversations::id)
        .select((conversations::id, conversations::channel_id, conversations::assignee_id, conversations::status))
        .load(rx.conn)?;
    let open = Status::Open.as_str();
    Ok(rows
        .into_iter()
        .map(|(id, channel, holder, status)| Loose { id: ConversationId(id), channel, holder, open: status == open })
        .collect())
}

/// The items of a job that were pinned for a team, in their order.
///
/// # Errors
/// Trouble with the database.
pub fn list_loose_of(rx: &mut Rx, job: JobId) -> Result<Vec<Loose>, Failure> {
    type Columns = (i64, ChannelId, Option<UserId>, String);
    let rows: Vec<Columns> = bulk_items::table
        .inner_join(conversations::table.on(conversations::id.eq(bulk_items::conversation_id)))
        .filter(bulk_items::workspace_id.eq(rx.workspace()))
        .filter(bulk_items::job_id.eq(job))
        .order(bulk_items::position)
        .select((conversations::id, conversations::channel_id, conversations::assignee_id, conversations::status))
        .load(rx.conn)?;
    let open = Status::Open.as_str();
    Ok(rows
        .into_iter()
        .map(|(id, channel, holder, status)| Loose { id: ConversationId(id), channel, holder, open: status == open })
        .collect())
}

/// Notes which item goes to whom, by their places; the others stay with the team.
///
/// # Errors
/// Trouble with the database.
pub fn set_takers(tx: &mut Tx, job: JobId, given: &[Option<UserId>]) -> Result<(), Failure> {
    let mut of: HashMap<UserId, Vec<i64>> = HashMap::new();
    for (place, user) in (1_i64..).zip(given) {
        if let Some(user) = user {
            of.entry(*user).or_default().push(place);
        }
    }
    for (user, places) in of {
        for part in places.chunks(5_000) {
            let workspace = tx.workspace();
            diesel::update(
                bulk_items::table
                    .filter(bulk_items::workspace_id.eq(workspace))
                    .filter(bulk_items::job_id.eq(job))
                    .filter(bulk_items::position.eq_any(part)),
            )
            .set(bulk_items::to_user_id.eq(user))
            .execute(tx.write())?;
        }
    }
    Ok(())
}

/// Leaves to the team what was to go to somebody who can't take it any more, by the places.
///
/// # Errors
/// Trouble with the database.
pub fn set_untaken(tx: &mut Tx, job: JobId, places: &[i64]) -> Result<(), Failure> {
    if places.is_empty() {
        return Ok(());
    }
    let (workspace, nobody): (_, Option<UserId>) = (tx.workspace(), None);
    diesel::update(
        bulk_items::table
            .filter(bulk_items::workspace_id.eq(workspace))
            .filter(bulk_items::job_id.eq(job))
            .filter(bulk_items::position.eq_any(places)),
    )
    .set(bulk_items::to_user_id.eq(nobody))
    .execute(tx.write())?;
    Ok(())
}

/// How many of a job's items are done and went to a team, but to nobody in particular.
///
/// # Errors
/// Trouble with the database.
pub fn count_left_in_queue(rx: &mut Rx, job: JobId) -> Result<i64, Failure> {
    Ok(bulk_items::table
        .filter(bulk_items::workspace_id.eq(rx.workspace()))
        .filter(bulk_items::job_id.eq(job))
        .filter(bulk_items::outcome.eq(Outcome::Done.as_str()))
        .filter(bulk_items::to_user_id.is_null())
        .count()
        .get_result(rx.conn)?)
}

/// When some people were last given a conversation.
///
/// # Errors
/// Trouble with the database.
pub fn list_last_given(rx: &mut Rx, users: &[UserId]) -> Result<HashMap<UserId, DateTime<Utc>>, Failure> {
    let rows: Vec<(Option<UserId>, Option<At>)> = audit_events::table
        .filter(audit_events::workspace_id.eq(rx.workspace()))
        .filter(audit_events::to_user_id.eq_any(users))
        .filter(audit_events::name.eq(CONVERSATION_ASSIGNED))
        .group_by(audit_events::to_user_id)
        .select((audit_events::to_user_id, sql::<Nullable<Instant>>("max(audit_events.at)")))
        .load(rx.conn)?;
    Ok(rows.into_iter().filter_map(|(user, at)| Some((user?, at?.0))).collect())
}
