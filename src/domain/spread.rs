//! Spreading work over people by their load (H-3): the rule, for bulk changes, handovers and routing alike.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use chrono::{DateTime, Utc};

use super::ids::{ChannelId, UserId};

/// Somebody who can get work, as the caller found them: active, and present if that is asked for.
#[derive(Clone, Debug)]
pub struct Hand {
    /// Who.
    pub user: UserId,
    /// The channels whose work they do.
    pub channels: Vec<ChannelId>,
    /// How much they hold, without what is spread now.
    pub load: i64,
    /// The most that they may hold.
    pub capacity: Option<i64>,
    /// When they were last given something; who never was has waited longest.
    pub idle_since: Option<DateTime<Utc>>,
}

/// Who gets each item, in the order of the items: a member of its channel, whoever holds least, counting what was given
/// here already; of equals whoever waited longest. Nobody gets more than they may hold; what nobody can take stays.
#[must_use]
pub fn spread(items: &[ChannelId], hands: &[Hand]) -> Vec<Option<UserId>> {
    // One queue for each channel would have to learn what others gave; so there is one, and who does not fit is put back.
    type Place = (i64, i64, usize);
    let mut order: Vec<usize> = (0..hands.len()).collect();
    order.sort_by_key(|place| hands.get(*place).map(|hand| (hand.idle_since, hand.user)));
    let mut waiting: BinaryHeap<Reverse<Place>> = BinaryHeap::new();
    for (turn, place) in (0_i64..).zip(&order) {
        if let Some(hand) = hands.get(*place) {
            waiting.push(Reverse((hand.load, turn, *place)));
        }
    }
    let mut turn = i64::try_from(hands.len()).unwrap_or(i64::MAX);
    let mut aside = Vec::new();
    let mut given = Vec::with_capacity(items.len());
    for channel in items {
        let mut to = None;
        while let Some(Reverse((load, since, place))) = waiting.pop() {
            let Some(hand) = hands.get(place) else { continue };
            if hand.capacity.is_some_and(|capacity| load >= capacity) {
                continue;
            }
            if hand.channels.contains(channel) {
                to = Some(hand.user);
                aside.push(Reverse((load + 1, turn, place)));
                turn += 1;
                break;
            }
            aside.push(Reverse((load, since, place)));
        }
        waiting.extend(aside.drain(..));
        given.push(to);
    }
    given
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;
    use uuid::Uuid;

    fn channel(n: u128) -> ChannelId {
        ChannelId(Uuid::from_u128(n))
    }

    fn hand(n: u128, load: i64, capacity: Option<i64>, channels: &[u128], idle: Option<i64>) -> Hand {
        Hand {
            user: UserId(Uuid::from_u128(n)),
            channels: channels.iter().map(|one| channel(*one)).collect(),
            load,
            capacity,
            idle_since: idle.and_then(|at| DateTime::from_timestamp(at, 0)),
        }
    }

    fn names(given: &[Option<UserId>]) -> Vec<u128> {
        given.iter().map(|one| one.map_or(0, |user| user.0.as_u128())).collect()
    }

    #[test]
    fn the_least_loaded_come_first_and_equals_by_how_long_they_waited() {
        let hands = [hand(1, 2, None, &[9], Some(5)), hand(2, 0, None, &[9], Some(9)), hand(3, 0, None, &[9], None)];
        assert_eq!(names(&spread(&[channel(9); 7], &hands)), [3, 2, 3, 2, 1, 3, 2]);
    }

    #[test]
    fn nobody_gets_what_is_not_their_channels_nor_more_than_they_may_hold() {
        let hands = [hand(1, 0, Some(1), &[9], None), hand(2, 5, Some(6), &[8, 9], None)];
        assert_eq!(names(&spread(&[channel(8), channel(9), channel(9), channel(7)], &hands)), [2, 1, 0, 0]);
        assert_eq!(names(&spread(&[channel(9)], &[])), [0]);
    }

    fn hands() -> impl Strategy<Value = Vec<Hand>> {
        let one = (0_i64..8, proptest::option::of(0_i64..12), 1_u8..4, proptest::option::of(0_i64..50));
        proptest::collection::vec(one, 0..7).prop_map(|all| {
            let made = (1_u128..).zip(all).map(|(n, (load, capacity, channels, idle))| {
                let channels: Vec<u128> = [1, 2].into_iter().filter(|c| channels & (*c as u8) != 0).collect();
                hand(n, load, capacity, &channels, idle)
            });
            made.collect()
        })
    }

    proptest! {
        /// Level within one: as long as somebody who may take an item holds two less, it is theirs.
        #[test]
        fn work_is_level_within_one_as_far_as_channels_and_capacity_let_it(
            items in proptest::collection::vec(1_u128..3, 0..60), hands in hands(),
        ) {
            let items: Vec<ChannelId> = items.into_iter().map(channel).collect();
            let given = spread(&items, &hands);
            prop_assert_eq!(given.len(), items.len());
            let mut load: HashMap<UserId, i64> = hands.iter().map(|one| (one.user, one.load)).collect();
            for (item, to) in items.iter().zip(&given) {
                let open = hands.iter().filter(|one| {
                    one.channels.contains(item) && one.capacity.is_none_or(|capacity| load[&one.user] < capacity)
                });
                let least = open.map(|one| load[&one.user]).min();
                match to {
                    None => prop_assert_eq!(least, None),
                    Some(user) => {
                        let taker = hands.iter().find(|one| one.user == *user).unwrap();
                        prop_assert!(taker.channels.contains(item));
                        prop_assert_eq!(Some(load[user]), least);
                        *load.get_mut(user).unwrap() += 1;
                    }
                }
            }
            // With one channel and room for all, the ends differ by at most one wherever somebody got something.
            if hands.iter().all(|one| one.capacity.is_none() && one.channels.len() == 2) && !hands.is_empty() {
                let got: Vec<i64> = hands.iter().filter(|one| load[&one.user] > one.load).map(|one| load[&one.user]).collect();
                let spread = got.iter().max().unwrap_or(&0) - got.iter().min().unwrap_or(&0);
                prop_assert!(spread <= 1);
            }
        }
    }
}
