//! Bulk jobs that run at once: each item gets one outcome, counts are exact, and every trail is a chain.

use std::collections::HashMap;

use baton::actions::bulk::{self, Picked, Request, Started};
use baton::actions::conversations;
use baton::domain::access::{Can, Cause, Scope, Sees};
use baton::domain::assignment::Target;
use baton::domain::bulk::Outcome;
use baton::domain::ids::{ConversationNumber, JobId};
use baton::store::{self, Db};

use super::assign::chain_without_gaps;
use crate::support::{World, both_at_once, on_both};

fn start(w: &World, numbers: &[ConversationNumber], target: Target, submission: &str) -> Started {
    let request = Request {
        picked: Picked::Numbers(numbers.iter().map(|number| number.0).collect()),
        change: baton::domain::bulk_change::Change::Assign(target),
        submission: submission.to_owned(),
    };
    let can = w.can(w.ada);
    w.by(w.ada, |tx| bulk::start(tx, &can, &request)).expect("a job")
}

/// As the background task does it.
fn job_scope(w: &World, job: JobId) -> Scope {
    Scope::system(w.workspace, Some(Cause::Job(job)))
}

fn run(w: &World, db: &Db, job: JobId) {
    for _ in 0..100 {
        if db.write_now(&job_scope(w, job), |tx| bulk::run_chunk(tx, job)).expect("a chunk").ended {
            return;
        }
    }
    panic!("the job does not end");
}

/// The job's own numbers, its items and its events say the same.
pub fn the_numbers_are_exact(w: &World, job: JobId) -> HashMap<Outcome, i64> {
    let found = w.read(|rx| store::bulk_jobs::find(rx, job)).expect("a job");
    let outcomes = w.read(|rx| store::bulk_items::count_outcomes(rx, job));
    assert!(found.finished_at.is_some(), "the job has ended");
    assert_eq!(outcomes.get(&Outcome::Pending), None);
    assert_eq!(outcomes.values().sum::<i64>(), found.total);
    assert_eq!(outcomes.get(&Outcome::Done).copied().unwrap_or(0), found.done);
    assert_eq!(found.done + found.skipped, found.total);
    let events = w.read(|rx| store::audit::list_latest(rx, 10_000));
    let moved = events.iter().filter(|event| event.job == Some(job) && event.name == "conversation.assigned").count();
    assert_eq!(i64::try_from(moved).expect("a number"), found.done, "an event for each change");
    let finished: Vec<_> = events
        .iter()
        .filter(|event| event.name == "bulk.finished" && event.details["done"] == found.done)
        .filter(|event| event.job == Some(job))
        .collect();
    assert_eq!(finished.len(), 1, "the job ends once");
    outcomes
}

on_both! {
    fn two_jobs_on_one_selection_leave_chains_and_exact_numbers(w: World) {
        let b = w.instance_b();
        for round in 0..6 {
            let made = w.open_of(w.agnes, 40);
            let numbers: Vec<_> = made.iter().map(|(_, number)| *number).collect();
            let to_bob = start(&w, &numbers, Target::User(w.bob), &format!("bob {round}"));
            let to_team = start(&w, &numbers, Target::Team(w.returns), &format!("team {round}"));
            both_at_once(|| run(&w, &w.db, to_bob.job), || run(&w, &b, to_team.job));
            for started in [to_bob, to_team] {
                let outcomes = the_numbers_are_exact(&w, started.job);
                assert_eq!(outcomes, HashMap::from([(Outcome::Done, 40)]));
            }
            for (id, _) in made {
                assert_eq!(chain_without_gaps(&w, id, (Some(w.agnes), None)), 2, "nothing twice");
            }
        }
    }

    fn two_instances_at_one_job_do_each_item_once(w: World) {
        let b = w.instance_b();
        for round in 0..6 {
            let made = w.open_of(w.agnes, 40);
            let numbers: Vec<_> = made.iter().map(|(_, number)| *number).collect();
            let started = start(&w, &numbers, Target::User(w.bob), &format!("round {round}"));
            both_at_once(|| run(&w, &w.db, started.job), || run(&w, &b, started.job));
            assert_eq!(the_numbers_are_exact(&w, started.job), HashMap::from([(Outcome::Done, 40)]));
            for (id, _) in made {
                assert_eq!(chain_without_gaps(&w, id, (Some(w.agnes), None)), 1);
            }
        }
    }

    fn a_job_among_people_who_hand_on_by_hand_leaves_chains(w: World) {
        let b = w.instance_b();
        let made = w.open_of(w.agnes, 60);
        let numbers: Vec<_> = made.iter().map(|(_, number)| *number).collect();
        let scope = w.scope(w.ada);
        let can = Can::check(&scope).expect("Ada may");
        let started = start(&w, &numbers, Target::User(w.bob), "job");
        both_at_once(
            || run(&w, &w.db, started.job),
            || {
                // Backwards, so that they meet the job in the middle.
                for number in numbers.iter().rev() {
                    b.write_now(&scope, |tx| conversations::assign(tx, &can, *number, Target::User(w.sven))).expect("to assign");
                }
            },
        );
        the_numbers_are_exact(&w, started.job);
        for (id, _) in made {
            chain_without_gaps(&w, id, (Some(w.agnes), None));
        }
    }

    fn an_undo_among_people_who_hand_on_by_hand_leaves_chains(w: World) {
        let b = w.instance_b();
        let made = w.open_of(w.agnes, 40);
        let numbers: Vec<_> = made.iter().map(|(_, number)| *number).collect();
        let started = start(&w, &numbers, Target::User(w.bob), "job");
        run(&w, &w.db, started.job);
        let scope = w.scope(w.ada);
        let (can, can_bulk) = (Can::check(&scope).expect("Ada may"), Can::check(&scope).expect("Ada may"));
        let undone = w.by(w.ada, |tx| bulk::undo(tx, &can_bulk, started.job)).expect("an undo");
        both_at_once(
            || run(&w, &w.db, undone.job),
            || {
                for number in numbers.iter().rev() {
                    b.write_now(&scope, |tx| conversations::assign(tx, &can, *number, Target::User(w.agnes))).expect("to assign");
                }
            },
        );
        let outcomes = the_numbers_are_exact(&w, undone.job);
        assert!(outcomes.keys().all(|outcome| matches!(outcome, Outcome::Done | Outcome::TouchedSince)), "{outcomes:?}");
        for (id, number) in made {
            assert_eq!(chain_without_gaps(&w, id, (Some(w.agnes), None)), 2);
            let now = w.read(|rx| store::conversations::find(rx, number, &Sees::All)).expect("a conversation");
            assert_eq!(now.assignee, Some(w.agnes), "both ways lead back to Agnes");
        }
    }

    fn the_same_form_posted_twice_at_once_starts_one_job(w: World) {
        let b = w.instance_b();
        let scope = w.scope(w.ada);
        let can = Can::check(&scope).expect("Ada may");
        for round in 0..15 {
            let made = w.open_of(w.agnes, 3);
            let request = Request {
                picked: Picked::Numbers(made.iter().map(|(_, number)| number.0).collect()),
                change: baton::domain::bulk_change::Change::Assign(Target::User(w.bob)),
                submission: format!("form {round}"),
            };
            let (one, two) = both_at_once(
                || w.db.write_now(&scope, |tx| bulk::start(tx, &can, &request)),
                || b.write_now(&scope, |tx| bulk::start(tx, &can, &request)),
            );
            let (one, two) = (one.expect("a job"), two.expect("the same job"));
            assert_eq!((one.job, one.total), (two.job, two.total));
        }
        assert_eq!(w.trail(1000).iter().filter(|name| *name == "bulk.started").count(), 15);
    }

    fn of_two_who_undo_at_once_one_does(w: World) {
        let b = w.instance_b();
        let scope = w.scope(w.ada);
        let can = Can::check(&scope).expect("Ada may");
        for round in 0..10 {
            let made = w.open_of(w.agnes, 3);
            let numbers: Vec<_> = made.iter().map(|(_, number)| *number).collect();
            let started = start(&w, &numbers, Target::User(w.bob), &format!("round {round}"));
            run(&w, &w.db, started.job);
            let (one, two) = both_at_once(
                || w.db.write_now(&scope, |tx| bulk::undo(tx, &can, started.job)),
                || b.write_now(&scope, |tx| bulk::undo(tx, &can, started.job)),
            );
            let lost = if one.is_ok() { two } else { one };
            assert_eq!(lost.expect_err("one of both").to_string(), "This was already undone.");
        }
    }

    fn whoever_leaves_with_a_plan_meets_a_job_that_gives_them_work(w: World) {
        // The job locks the people it gives to; so does the plan, in its own order.
        let b = w.instance_b();
        let olga = w.scope(w.olga);
        for round in 0..12 {
            let nils = w.newcomer(&format!("Nils{round} Nord"), baton::domain::roles::Standard::Agent, baton::domain::users::Status::Active);
            let zoe = w.newcomer(&format!("Zoe{round} Zink"), baton::domain::roles::Standard::Agent, baton::domain::users::Status::Active);
            // Whoever was hired first is locked first by the job; let each of them be the one who leaves.
            let (leaves, gets) = if round % 2 == 0 { (nils, zoe) } else { (zoe, nils) };
            w.open_of(leaves, 2);
            let snoozed = baton::domain::conversations::StatusChange::Snooze(w.now() + chrono::TimeDelta::hours(1));
            let gone = w.newcomer(&format!("Gone{round}"), baton::domain::roles::Standard::Agent, baton::domain::users::Status::Active);
            w.conversations(&[w.draft().assignee(gone), w.draft().assignee(gone).now(snoozed)]);
            let (can, hand) = (Can::check(&olga).expect("may"), Can::check(&olga).expect("may"));
            use baton::actions::users::{Plan, deactivate};
            let plan = Plan { open: Some(Target::User(nils)), snoozed: Some(Target::User(zoe)) };
            let first = w.db.write_now(&olga, |tx| deactivate(tx, &can, gone, None, Some((plan, &hand)))).expect("to leave");
            let job = first.job.expect("a job");
            let plan = Plan { open: Some(Target::User(gets)), snoozed: None };
            let (left, ()) = both_at_once(
                || w.db.write_now(&olga, |tx| deactivate(tx, &can, leaves, None, Some((plan, &hand)))),
                || run(&w, &b, job),
            );
            run(&w, &b, left.expect("to leave").job.expect("a job"));
        }
    }
}
