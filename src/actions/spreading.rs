//! Spreading conversations over the people of a team by their load (H-3).

use std::collections::HashMap;

use crate::domain::access::Sees;
use crate::domain::conversations::Status;
use crate::domain::ids::{ChannelId, JobId, TeamId, UserId};
use crate::domain::spread::{Hand, spread};
use crate::failure::Failure;
use crate::store::bulk_changes::{self, Loose};
use crate::store::{self, Rx, Tx};

/// Who would get each of some conversations. What nobody can take stays in the team's queue.
///
/// # Errors
/// Trouble with the database.
pub fn deal(rx: &mut Rx, team: TeamId, items: &[Loose]) -> Result<Vec<Option<UserId>>, Failure> {
    let may = store::users::list_assignable_ids(rx)?;
    let members: Vec<UserId> = store::teams::list_members(rx, Some(team))?
        .into_iter()
        .map(|member| member.user)
        .filter(|user| may.contains(user))
        .collect();
    let channels = store::channels::list_of_users(rx, &members)?;
    let mut load = store::counts::find(rx, &[Status::Open], &Sees::All)?.by_person(Status::Open);
    // What is dealt out anew is nobody's load yet.
    for item in items.iter().filter(|item| item.open) {
        if let Some(held) = item.holder.and_then(|holder| load.get_mut(&holder)) {
            *held -= 1;
        }
    }
    let given = bulk_changes::list_last_given(rx, &members)?;
    let hands: Vec<Hand> = members
        .into_iter()
        .map(|user| Hand {
            user,
            channels: channels.get(&user).cloned().unwrap_or_default(),
            load: load.get(&user).copied().unwrap_or(0),
            capacity: None,
            idle_since: given.get(&user).copied(),
        })
        .collect();
    Ok(spread(&items.iter().map(|item| item.channel).collect::<Vec<ChannelId>>(), &hands))
}

/// Deals out the items of a job that were pinned for a team.
///
/// # Errors
/// Trouble with the database.
pub(super) fn deal_out(tx: &mut Tx, job: JobId, team: TeamId) -> Result<(), Failure> {
    let items = bulk_changes::list_loose_of(tx, job)?;
    let given = deal(tx, team, &items)?;
    bulk_changes::set_takers(tx, job, &given)
}

/// How many of what is dealt out each person gets, most first, and how many stay in the team's queue.
#[must_use]
pub fn shares(given: &[Option<UserId>]) -> (Vec<(UserId, i64)>, i64) {
    let mut of: HashMap<UserId, i64> = HashMap::new();
    let mut left = 0;
    for user in given {
        match user {
            Some(user) => *of.entry(*user).or_insert(0) += 1,
            None => left += 1,
        }
    }
    let mut shares: Vec<(UserId, i64)> = of.into_iter().collect();
    shares.sort_by_key(|(user, count)| (std::cmp::Reverse(*count), *user));
    (shares, left)
}
