//! The items of bulk jobs, as pages list them.

use std::collections::HashMap;

use diesel::prelude::*;

use super::db::Rx;
use super::schema::{bulk_items, conversations};
use crate::domain::access::Sees;
use crate::domain::bulk::Outcome;
use crate::domain::ids::{ChannelId, JobId, TeamId, UserId};
use crate::failure::Failure;

/// How many items of a job have each outcome.
///
/// # Errors
/// Trouble with the database.
pub fn count_outcomes(rx: &mut Rx, job: JobId) -> Result<HashMap<Outcome, i64>, Failure> {
    let rows: Vec<(String, i64)> = bulk_items::table
        .filter(bulk_items::workspace_id.eq(rx.workspace()))
        .filter(bulk_items::job_id.eq(job))
        .group_by(bulk_items::outcome)
        .select((bulk_items::outcome, diesel::dsl::count_star()))
        .load(rx.conn)?;
    Ok(rows.into_iter().filter_map(|(name, count)| Some((Outcome::parse(&name)?, count))).collect())
}

/// An item, as the job's page lists it.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its place in the job.
    pub position: i64,
    /// The conversation's number.
    pub number: i64,
    /// What the conversation is about.
    pub subject: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Who held it before.
    pub from: (Option<UserId>, Option<TeamId>),
    /// Who was to hold it.
    pub to: (Option<UserId>, Option<TeamId>),
}

type Holder = (Option<UserId>, Option<TeamId>);
type ItemRow = (i64, i64, String, String, Holder, Holder, (Option<UserId>, Option<TeamId>, ChannelId));

/// So many items are read at once, where some of them may not be shown.
const LOOK: i64 = 1_000;

/// A page of items after a position, of one outcome or all; only those that the asker may see.
///
/// # Errors
/// Trouble with the database.
pub fn list_items(
    rx: &mut Rx,
    job: JobId,
    outcome: Option<Outcome>,
    sees: &Sees,
    mut after: i64,
    limit: i64,
) -> Result<Vec<Item>, Failure> {
    let take = if *sees == Sees::All { limit } else { limit.max(LOOK) };
    let wanted = usize::try_from(limit).unwrap_or_default();
    let mut items = Vec::new();
    loop {
        let rows = list_item_rows(rx, job, outcome, after, take)?;
        let (read, last) = (rows.len(), rows.last().map(|row| row.0));
        for row in rows.into_iter().filter(|row| sees.covers(row.6.0, row.6.1, row.6.2)) {
            items.push(read_item(row)?);
        }
        match last {
            Some(last) if items.len() < wanted && i64::try_from(read).unwrap_or(i64::MAX) == take => after = last,
            _ => break,
        }
    }
    items.truncate(wanted);
    Ok(items)
}

fn read_item((position, number, subject, outcome, from, to, _): ItemRow) -> Result<Item, Failure> {
    let outcome = Outcome::parse(&outcome).ok_or_else(|| Failure::Corrupt("bulk_items.outcome", outcome.clone()))?;
    Ok(Item { position, number, subject, outcome, from, to })
}

fn list_item_rows(
    rx: &mut Rx,
    job: JobId,
    outcome: Option<Outcome>,
    after: i64,
    limit: i64,
) -> Result<Vec<ItemRow>, Failure> {
    let mut query = bulk_items::table
        .inner_join(conversations::table.on(conversations::id.eq(bulk_items::conversation_id)))
        .filter(bulk_items::workspace_id.eq(rx.workspace()))
        .filter(bulk_items::job_id.eq(job))
        .filter(bulk_items::position.gt(after))
        .order(bulk_items::position)
        .limit(limit)
        .select((
            bulk_items::position,
            conversations::number,
            conversations::subject,
            bulk_items::outcome,
            (bulk_items::from_user_id, bulk_items::from_team_id),
            (bulk_items::to_user_id, bulk_items::to_team_id),
            (conversations::assignee_id, conversations::team_id, conversations::channel_id),
        ))
        .into_boxed::<super::db::MultiBackend>();
    if let Some(outcome) = outcome {
        query = query.filter(bulk_items::outcome.eq(outcome.as_str()));
    }
    Ok(query.load(rx.conn)?)
}
