//! What bulk jobs do beside giving conversations to somebody else: status, tags, priority (C-8).

use std::collections::{HashMap, HashSet};

use crate::domain::access::{Can, conversations as may};
use crate::domain::audit::Event;
use crate::domain::bulk::{BulkRefusal, Item, Outcome, decide};
use crate::domain::bulk_change::Change;
use crate::domain::conversations::{Conversation, LONGEST_SNOOZE_DAYS, Status};
use crate::domain::ids::{ConversationId, TagId, UserId};
use crate::failure::Failure;
use crate::store::bulk_jobs::{Job, Origin, Pending};
use crate::store::{self, Tx};

/// That a change can be started by whoever starts it.
///
/// # Errors
/// A refusal, [`Failure::NotFound`] if something is named that is not here, or trouble with the database.
pub(super) fn check(tx: &mut Tx, can: &Can<may::Bulk>, change: Change) -> Result<(), Failure> {
    if change.needs().is_some_and(|key| !can.scope().actor.permissions().has(key)) {
        return Err(BulkRefusal::NotAllowed.into());
    }
    match change {
        Change::Assign(target) => super::conversations::check_target(tx, target),
        Change::Spread(team) | Change::Move(team) => {
            super::conversations::check_target(tx, crate::domain::assignment::Target::Team(team))
        }
        Change::AddTag(tag) | Change::RemoveTag(tag) => {
            let known = store::tags::list(tx)?.into_iter().any(|(id, _)| id == tag);
            if known { Ok(()) } else { Err(Failure::NotFound) }
        }
        Change::Status(_) | Change::Wake | Change::Priority(_) => {
            let until = change.status().and_then(|(_, until)| until);
            let now = tx.now();
            let fits = until.is_none_or(|until| until > now && (until - now).num_days() <= LONGEST_SNOOZE_DAYS);
            if fits { Ok(()) } else { Err(BulkRefusal::NoTime.into()) }
        }
    }
}

/// Does the next items of a job: lock, decide, change, record.
///
/// # Errors
/// Trouble with the database.
pub(super) fn run(
    tx: &mut Tx,
    job: &Job,
    change: Change,
    pending: &[Pending],
) -> Result<HashMap<Outcome, Vec<i64>>, Failure> {
    let undoes = matches!(job.origin, Origin::Undo(_));
    let ids: Vec<ConversationId> = pending.iter().map(|item| item.conversation).collect();
    // People before conversations, as everywhere.
    if matches!(change, Change::Status(_) | Change::Wake) {
        store::removal::lock_holders_of_settled(tx, &ids)?;
    }
    let found: HashMap<ConversationId, Conversation> =
        store::conversations::lock_many(tx, &ids)?.into_iter().map(|one| (one.id, one)).collect();
    let tags = match change {
        Change::AddTag(_) | Change::RemoveTag(_) => store::tags::list_of_conversations(tx, &ids)?,
        _ => HashMap::new(),
    };
    let matching = store::inbox::list_matching_among(tx, job.selection.filter.as_ref(), &job.selection.sees, &ids)?;
    let mut outcomes: HashMap<Outcome, Vec<i64>> = HashMap::new();
    let mut changed = Vec::new();
    for item in pending {
        let outcome = found.get(&item.conversation).map_or(Outcome::NoLongerMatching, |one| {
            decide(&Item {
                spared: one.status == Status::Archived && change.spares_archived(),
                is_so: change.is_so(one, tags.get(&one.id).map(Vec::as_slice).unwrap_or_default()),
                version: one.version,
                still_matching: matching.contains(&one.id),
                expected_version: item.expected_version,
                target_fits: true,
            })
        });
        if let (Outcome::Done, Some(one)) = (outcome, found.get(&item.conversation)) {
            changed.push((item, one));
        }
        outcomes.entry(outcome).or_default().push(item.position);
    }
    let events: Vec<Event> =
        changed.iter().filter_map(|(item, one)| event(change, undoes.then_some(*item), one)).collect();
    free_of_gone(tx, change, undoes, &changed)?;
    store::bulk_changes::apply(tx, job, change, undoes, &outcomes)?;
    // The job's own event is recorded by the caller, so that there may be none here.
    for event in events {
        let _ = tx.record(event);
    }
    Ok(outcomes)
}

/// What comes back to work must not come back to somebody who never does.
fn free_of_gone(
    tx: &mut Tx,
    change: Change,
    undoes: bool,
    changed: &[(&Pending, &Conversation)],
) -> Result<(), Failure> {
    let to = |item: &Pending| if undoes { item.kept.status } else { change.status().map(|(status, _)| status) };
    let back: Vec<(Status, &Conversation)> = changed
        .iter()
        .filter_map(|(item, one)| Some((to(item)?, *one)))
        .filter(|(to, one)| {
            matches!(to, Status::Open | Status::Snoozed) && matches!(one.status, Status::Closed | Status::Archived)
        })
        .collect();
    let holders: HashSet<UserId> = back.iter().filter_map(|(_, one)| one.assignee).collect();
    let holders = store::users::list_briefs(tx, &holders.into_iter().collect::<Vec<_>>())?;
    let gone: HashSet<UserId> = holders.iter().filter(|one| one.status.is_gone()).map(|one| one.id).collect();
    for (to, one) in back {
        if one.assignee.is_some_and(|user| gone.contains(&user)) {
            super::conversations::without_gone_holder(tx, one, to)?;
        }
    }
    Ok(())
}

/// What is recorded of one conversation: the change, or when it is undone, the way back.
fn event(change: Change, undone: Option<&Pending>, one: &Conversation) -> Option<Event> {
    let conversation = one.id;
    let tagged = |tag: TagId, on: bool| {
        if on {
            Event::ConversationTagged { conversation, tag }
        } else {
            Event::ConversationUntagged { conversation, tag }
        }
    };
    Some(match change {
        Change::Status(_) | Change::Wake => {
            let (to, until) = match undone {
                Some(item) => (item.kept.status?, item.kept.snoozed_until),
                None => change.status()?,
            };
            Event::ConversationStatusChanged { conversation, from: one.status, to, until }
        }
        Change::AddTag(tag) => tagged(tag, undone.is_none()),
        Change::RemoveTag(tag) => tagged(tag, undone.is_some()),
        Change::Priority(priority) => {
            let to = undone.map_or(Some(priority.rank()), |item| item.kept.priority)?;
            Event::ConversationPriorityChanged { conversation, from: one.priority.rank(), to }
        }
        Change::Assign(_) | Change::Spread(_) | Change::Move(_) => return None,
    })
}
