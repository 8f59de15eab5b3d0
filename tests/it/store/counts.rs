//! The kept counters are the truth, whatever was done to conversations in whatever order, and by how many at once.

use std::collections::{HashMap, HashSet};

use baton::actions::{bulk, conversations};
use baton::domain::access::Sees;
use baton::domain::assignment::Target;
use baton::domain::conversations::{Status, StatusChange};
use baton::domain::ids::ConversationNumber;
use baton::domain::inbox::{Assignee, Filter, Statuses, Teams};
use baton::store::{self, counts, inbox};
use chrono::TimeDelta;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::support::db::Kind;
use crate::support::{World, at_once, on_both};

#[derive(Clone, Debug)]
enum Step {
    Make { holder: usize, count: usize },
    Assign { which: usize, target: usize },
    Change { which: usize, to: usize },
    Bulk { whose: usize, target: usize },
    Delete { which: usize },
    Fold,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0_usize..6, 1_usize..4).prop_map(|(holder, count)| Step::Make { holder, count }),
        3 => (0_usize..30, 0_usize..5).prop_map(|(which, target)| Step::Assign { which, target }),
        3 => (0_usize..30, 0_usize..4).prop_map(|(which, to)| Step::Change { which, to }),
        1 => (0_usize..3, 0_usize..5).prop_map(|(whose, target)| Step::Bulk { whose, target }),
        1 => (0_usize..30).prop_map(|which| Step::Delete { which }),
        1 => Just(Step::Fold),
    ]
}

fn target(w: &World, number: usize) -> Target {
    [Target::User(w.agnes), Target::User(w.bob), Target::Team(w.support), Target::Team(w.returns), Target::Nobody]
        [number]
}

fn take(w: &World, step: &Step, made: &mut Vec<ConversationNumber>, turn: usize) {
    match step {
        Step::Make { holder, count } => {
            let mut draft = w.draft();
            draft.holder = match holder {
                0 => (None, None),
                1 => (Some(w.agnes), None),
                2 => (Some(w.bob), Some(w.support)),
                3 => (None, Some(w.returns)),
                4 => (Some(w.gus), Some(w.returns)),
                _ => (None, None),
            };
            if *holder == 5 {
                draft.channel = w.chat;
            }
            made.extend(w.conversations(&vec![draft; *count]).into_iter().map(|(_, number)| number));
        }
        Step::Assign { which, target: to } => {
            let Some(number) = made.get(*which).copied() else { return };
            let can = w.can(w.olga);
            let _ = w.by(w.olga, |tx| conversations::assign(tx, &can, number, target(w, *to)));
        }
        Step::Change { which, to } => {
            let Some(number) = made.get(*which).copied() else { return };
            let change = [
                StatusChange::Open,
                StatusChange::Snooze(w.now() + TimeDelta::hours(1)),
                StatusChange::Close,
                StatusChange::Archive,
            ][*to];
            let can = w.can(w.olga);
            let _ = w.by(w.olga, |tx| conversations::change_status(tx, &can, number, change));
        }
        Step::Bulk { whose, target: to } => {
            let assignee = [Assignee::Nobody, Assignee::User(w.agnes), Assignee::User(w.bob)][*whose];
            let filter = Filter { assignee: Some(assignee), ..Filter::of(Statuses::OpenAndSnoozed) };
            let request = bulk::Request {
                picked: bulk::Picked::Matching { filter: Box::new(filter), expected: None },
                change: baton::domain::bulk_change::Change::Assign(target(w, *to)),
                submission: format!("turn {turn}"),
            };
            let can = w.can(w.olga);
            if let Ok(started) = w.by(w.olga, |tx| bulk::start(tx, &can, &request)) {
                w.by(w.olga, |tx| bulk::run_chunk(tx, started.job)).expect("a chunk");
            }
        }
        Step::Delete { which } => {
            if *which < made.len() {
                let number = made.remove(*which);
                // No verb deletes conversations yet; the counters must be ready for one.
                w.database
                    .execute(&format!("DELETE FROM conversations WHERE number = {number} AND subject <> 'Secret'"));
            }
        }
        Step::Fold => w.anywhere(counts::fold),
    }
}

/// Every filter that the counters answer, compared with what counting says, for each kind of person.
fn the_counters_are_right(w: &World) {
    let inactive: HashSet<_> = HashSet::from([w.gus]);
    for person in [w.olga, w.agnes, w.bob, w.gus] {
        let sees = Sees::of(&w.scope(person).actor);
        let kept = w.read(|rx| counts::find(rx, &Status::ALL, &sees));
        let assignees = [
            None,
            Some(Assignee::Nobody),
            Some(Assignee::Inactive),
            Some(Assignee::User(w.agnes)),
            Some(Assignee::User(w.bob)),
        ];
        let teams =
            [None, Some(Teams::One(w.support)), Some(Teams::Any(vec![w.support, w.returns])), Some(Teams::Any(vec![]))];
        let mut statuses: Vec<Statuses> = Status::ALL.into_iter().map(Statuses::Only).collect();
        statuses.push(Statuses::OpenAndSnoozed);
        for statuses in statuses {
            for assignee in assignees {
                for teams in &teams {
                    let filter = Filter { assignee, teams: teams.clone(), ..Filter::of(statuses) };
                    assert!(filter.is_kept_by_counters());
                    let truth = w.read(|rx| inbox::count(rx, &filter, &sees));
                    assert_eq!(kept.matching(&filter, &inactive), truth, "{filter:?} for {sees:?}");
                }
            }
        }
        let of_agnes = Filter { assignee: Some(Assignee::User(w.agnes)), ..Filter::of(Statuses::Only(Status::Open)) };
        let truth = w.read(|rx| inbox::count(rx, &of_agnes, &sees));
        assert_eq!(kept.by_person(Status::Open).get(&w.agnes).copied().unwrap_or(0), truth);
    }
}

fn counters_follow_every_change(kind: Kind) {
    let config = Config { cases: 12, failure_persistence: None, max_shrink_iters: 60, ..Config::default() };
    let steps = proptest::collection::vec(step(), 1..30);
    let outcome = TestRunner::new(config).run(&steps, |steps| {
        let w = World::on(kind);
        w.deactivate(w.gus);
        let mut made = Vec::new();
        for (turn, step) in steps.iter().enumerate() {
            take(&w, step, &mut made, turn);
        }
        the_counters_are_right(&w);
        w.anywhere(counts::fold);
        the_counters_are_right(&w);
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn counters_follow_every_change_on_sqlite() {
    counters_follow_every_change(Kind::Sqlite);
}

#[test]
fn counters_follow_every_change_on_postgres() {
    counters_follow_every_change(Kind::Postgres);
}

on_both! {
    fn counters_stay_right_while_many_write_and_two_instances_fold(w: World) {
        let made = w.open_of(w.bob, 12);
        let other = w.instance_b();
        at_once(6, |number| {
            let db = if number % 2 == 0 { &w.db } else { &other };
            for round in 0..10 {
                if number >= 4 {
                    db.anywhere_now(counts::fold).expect("to fold");
                    continue;
                }
                let (_, conversation) = made[(number * 3 + round) % made.len()];
                let target = target(&w, (number + round) % 5);
                let can = w.can(w.olga);
                let scope = w.scope(w.olga);
                db.write_now(&scope, |tx| conversations::assign(tx, &can, conversation, target)).expect("to assign");
            }
        });
        the_counters_are_right(&w);
        w.anywhere(counts::fold);
        the_counters_are_right(&w);
        if w.kind() == Kind::Postgres {
            let twice = "SELECT count(*) FROM (SELECT 1 FROM conversation_counts \
                 GROUP BY workspace_id, status, assignee_id, team_id, channel_id HAVING count(*) > 1) AS twice";
            assert_eq!(w.number(twice), 0, "folding leaves one row for each number");
        }
    }

    fn the_team_page_and_the_people_page_count_alike(w: World) {
        w.conversations(&[
            w.draft().assignee(w.bob).team(w.support),
            w.draft().assignee(w.bob),
            w.draft().team(w.support),
            w.draft().assignee(w.bob).now(StatusChange::Close),
        ]);
        let kept = w.read(|rx| counts::find(rx, &[Status::Open], &Sees::All));
        assert_eq!(kept.by_person(Status::Open), HashMap::from([(w.bob, 2)]));
        assert_eq!(kept.by_team(Status::Open), HashMap::from([(w.support, 2)]));
        assert_eq!(kept.of_status(Status::Open), 3);
        let held = w.read(|rx| store::teams::count_holdings(rx, w.support));
        assert_eq!(held.0, 2);
    }
}
