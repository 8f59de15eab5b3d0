//! Leafing through a list while its rows move.

use std::collections::BTreeSet;

use baton::domain::access::Sees;
use baton::domain::conversations::Status;
use baton::domain::ids::ConversationId;
use baton::domain::inbox::{Filter, Sort, Statuses};
use baton::store::{conversations as c, inbox};
use chrono::TimeDelta;

use crate::support::on_both;

on_both! {
    fn whoever_leafs_while_rows_move_sees_none_twice_and_misses_none_that_stayed(w: World) {
        let mut made = Vec::new();
        for _ in 0..10 {
            made.extend(w.open_of(w.bob, 4).into_iter().map(|(id, _)| id));
            w.later(TimeDelta::seconds(1));
        }
        let filter = Filter { words: Some("tent".to_owned()), ..Filter::of(Statuses::Only(Status::Open)) };
        for filter in [Filter::of(Statuses::Only(Status::Open)), filter] {
            for sort in [Sort::Newest, Sort::Priority] {
                let (mut seen, mut after, mut moved) = (Vec::new(), None, BTreeSet::new());
                for turn in 0_usize.. {
                    let page = w.read(|rx| inbox::list_looking(rx, &filter, &Sees::All, sort, after.as_ref(), (3, 12)));
                    seen.extend(page.rows.iter().map(|row| row.conversation.id));
                    // One that was seen and one that may still come go to the top, and a new one stands there, too.
                    w.later(TimeDelta::seconds(1));
                    let some = [made[turn % made.len()], made[(turn * 7 + 3) % made.len()]];
                    moved.extend(some);
                    w.system_does(|tx| {
                        for id in some {
                            c::set_activity(tx, id, "again", None)?;
                        }
                        Ok(tx.unrecorded((), "a test moves rows"))
                    });
                    w.open_of(w.agnes, 1);
                    let Some(next) = page.next else { break };
                    after = Some(next);
                }
                let once: BTreeSet<ConversationId> = seen.iter().copied().collect();
                assert_eq!(once.len(), seen.len(), "{sort:?}: one came twice");
                let stayed: BTreeSet<ConversationId> = made.iter().copied().filter(|id| !moved.contains(id)).collect();
                assert!(stayed.is_subset(&once), "{sort:?}: {:?} were missed", stayed.difference(&once));
            }
        }
    }
}
