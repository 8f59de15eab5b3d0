//! Many conversations at once: start, go on, undo (C-8 … C-11).

use std::collections::HashMap;

use baton::actions::bulk::{self, CHUNK, Picked, Request, Started};
use baton::actions::{conversations, teams, users};
use baton::domain::access::{Cause, Scope, Sees};
use baton::domain::assignment::Target;
use baton::domain::bulk::{BulkRefusal, Outcome};
use baton::domain::conversations::{Conversation, StatusChange};
use baton::domain::ids::{ConversationNumber, JobId, UserId};
use baton::domain::inbox::{Assignee, Filter, Statuses};
use baton::failure::{Failure, Refusal};
use baton::store::bulk_jobs::Job;
use baton::store::{self, Db};
use chrono::TimeDelta;

use crate::support::{World, on_both};

fn all_of(who: UserId) -> Filter {
    Filter { assignee: Some(Assignee::User(who)), ..Filter::of(Statuses::OpenAndSnoozed) }
}

fn matching(filter: Filter, target: Target, submission: &str) -> Request {
    Request {
        picked: Picked::Matching { filter: Box::new(filter), expected: None },
        change: baton::domain::bulk_change::Change::Assign(target),
        submission: submission.to_owned(),
    }
}

fn picked(numbers: &[ConversationNumber], target: Target, submission: &str) -> Request {
    Request {
        picked: Picked::Numbers(numbers.iter().map(|number| number.0).collect()),
        change: baton::domain::bulk_change::Change::Assign(target),
        submission: submission.to_owned(),
    }
}

fn try_start(w: &World, who: UserId, request: &Request) -> Result<Started, Failure> {
    let can = w.can(who);
    w.by(who, |tx| bulk::start(tx, &can, request))
}

fn start(w: &World, request: &Request) -> Started {
    try_start(w, w.ada, request).expect("a job")
}

/// As the background task does it: for whoever started it, with the job as cause.
fn scope_of_job(w: &World, id: JobId) -> Scope {
    let cause = Some(Cause::Job(id));
    let by = job(w, id).started_by.expect("somebody");
    Scope { cause, ..Scope::on_behalf(w.workspace, by) }
}

fn chunk(w: &World, db: &Db, job: JobId) -> bool {
    let scope = scope_of_job(w, job);
    db.write_now(&scope, |tx| bulk::run_chunk(tx, job)).expect("a chunk").ended
}

fn run(w: &World, job: JobId) -> HashMap<Outcome, i64> {
    while !chunk(w, &w.db, job) {}
    w.read(|rx| store::bulk_items::count_outcomes(rx, job))
}

fn undo(w: &World, job: JobId) -> Result<Started, Failure> {
    let can = w.can(w.ada);
    w.by(w.ada, |tx| bulk::undo(tx, &can, job))
}

fn job(w: &World, id: JobId) -> Job {
    w.read(|rx| store::bulk_jobs::find(rx, id)).expect("a job")
}

fn one(w: &World, number: ConversationNumber) -> Conversation {
    w.read(|rx| store::conversations::find(rx, number, &Sees::All)).expect("a conversation")
}

fn assign(w: &World, number: ConversationNumber, target: Target) {
    let can = w.can(w.ada);
    w.by(w.ada, |tx| conversations::assign(tx, &can, number, target)).expect("to assign");
}

fn change(w: &World, number: ConversationNumber, change: StatusChange) {
    let can = w.can(w.ada);
    w.by(w.ada, |tx| conversations::change_status(tx, &can, number, change)).expect("a change");
}

fn refusal(answer: Result<Started, Failure>) -> BulkRefusal {
    match answer {
        Err(Failure::Refused(Refusal::Bulk(refusal))) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

on_both! {
    fn what_bob_left_behind_goes_to_support_and_nothing_else_does(w: World) {
        let until = w.now() + TimeDelta::days(3);
        let of_bob = w.conversations(&[
            w.draft().assignee(w.bob),
            w.draft().assignee(w.bob).team(w.returns).subject("A rope is too short"),
            w.draft().assignee(w.bob).now(StatusChange::Snooze(until)),
        ]);
        let others = w.conversations(&[
            w.draft(),
            w.draft().assignee(w.agnes),
            w.draft().team(w.support),
            w.draft().assignee(w.bob).now(StatusChange::Close),
            w.draft().assignee(w.bob).now(StatusChange::Archive),
        ]);
        w.deactivate(w.bob);
        let untouched: Vec<_> = others.iter().map(|(_, number)| one(&w, *number).version).collect();

        let request = matching(all_of(w.bob), Target::Team(w.support), "form");
        let started = start(&w, &request);
        assert_eq!(started.total, 3);
        assert_eq!(run(&w, started.job), HashMap::from([(Outcome::Done, 3)]));

        for ((id, number), team) in of_bob.into_iter().zip([None, Some(w.returns), None]) {
            let now = one(&w, number);
            assert_eq!((now.assignee, now.team), (None, Some(w.support)));
            let events = w.read(|rx| store::audit::list_of_conversation(rx, id, 10));
            let moved: Vec<_> = events.iter().filter(|event| event.name == "conversation.assigned").collect();
            assert_eq!(moved.len(), 1);
            assert_eq!(moved[0].from, (Some(w.bob), team));
            assert_eq!(moved[0].to, (None, Some(w.support)));
            assert_eq!((moved[0].cause.as_deref(), moved[0].job), (Some("job"), Some(started.job)));
            assert_eq!(moved[0].actor, Some(w.ada), "told of who started it, with the job as cause");
        }
        let still: Vec<_> = others.iter().map(|(_, number)| one(&w, *number).version).collect();
        assert_eq!(still, untouched);
        let job = job(&w, started.job);
        assert_eq!((job.total, job.done, job.skipped, job.started_by), (3, 3, 0, Some(w.ada)));
        assert_eq!(job.finished_at, Some(w.now()));
        // A snoozed one stays asleep.
        assert_eq!(w.number("SELECT count(*) FROM conversations WHERE status = 'snoozed'"), 1);
    }

    fn the_same_form_posted_again_starts_nothing(w: World) {
        w.open_of(w.bob, 4);
        let request = matching(all_of(w.bob), Target::User(w.agnes), "form");
        let first = start(&w, &request);
        let events = w.events();
        let again = start(&w, &request);
        assert_eq!((again.job, again.total), (first.job, first.total));
        run(&w, first.job);
        // Also when everything has moved on since.
        assert_eq!(start(&w, &request).job, first.job);
        assert_eq!(w.events(), events + 4 + 1, "four changes and one end");
        assert_eq!(w.number("SELECT count(*) FROM bulk_jobs WHERE submission = 'form'"), 1);
        assert_eq!(w.number("SELECT count(*) FROM tasks"), 1 + 1, "Xena's and this one");
    }

    fn what_comes_in_after_the_click_is_not_taken_along(w: World) {
        w.open_of(w.bob, 2);
        let started = start(&w, &matching(all_of(w.bob), Target::User(w.agnes), "form"));
        let (_, late) = w.open_of(w.bob, 1)[0];
        run(&w, started.job);
        assert_eq!(one(&w, late).assignee, Some(w.bob));
    }

    fn what_changed_before_its_turn_is_left_with_the_reason(w: World) {
        let made: Vec<_> = w.open_of(w.bob, 6).into_iter().map(|(_, number)| number).collect();
        let started = start(&w, &matching(all_of(w.bob), Target::User(w.agnes), "form"));
        change(&w, made[0], StatusChange::Close);
        change(&w, made[1], StatusChange::Archive);
        assign(&w, made[2], Target::User(w.sven));
        assign(&w, made[3], Target::User(w.agnes));
        let versions: Vec<_> = made.iter().map(|number| one(&w, *number).version).collect();
        let outcomes = run(&w, started.job);
        assert_eq!(outcomes, HashMap::from([
            (Outcome::NoLongerMatching, 2),
            (Outcome::Archived, 1),
            (Outcome::AlreadyThere, 1),
            (Outcome::Done, 2),
        ]));
        let now: Vec<_> = made.iter().map(|number| one(&w, *number).version).collect();
        assert_eq!(now[..4], versions[..4], "what is left is not touched");
        let job = job(&w, started.job);
        assert_eq!((job.total, job.done, job.skipped), (6, 2, 4));
        let left = w.read(|rx| {
            store::bulk_items::list_items(rx, started.job, Some(Outcome::NoLongerMatching), &Sees::All, 0, 10)
        });
        assert_eq!(left.iter().map(|item| item.number).collect::<Vec<_>>(), [made[0].0, made[2].0]);
    }

    fn a_person_gets_conversations_of_whatever_team_they_are_of_then(w: World) {
        let [one_number, other] = [w.draft().team(w.support), w.draft().team(w.support)].map(|d| w.conversation(&d).1);
        let started = start(&w, &picked(&[one_number, other], Target::User(w.bob), "form"));
        // Between the click and its turn, one moves to another team.
        assign(&w, one_number, Target::Team(w.returns));
        assert_eq!(run(&w, started.job), HashMap::from([(Outcome::Done, 2)]));
        let holder = |number| (one(&w, number).assignee, one(&w, number).team);
        assert_eq!(holder(one_number), (Some(w.bob), Some(w.returns)), "a person keeps the conversation’s team");
        assert_eq!(holder(other), (Some(w.bob), Some(w.support)));
    }

    fn a_team_that_is_deleted_while_a_job_runs_gets_nothing_and_the_job_ends(w: World) {
        let can = w.can(w.ada);
        let made = w.open_of(w.bob, 3);
        let night = w.by(w.ada, |tx| teams::create(tx, &can, "Night", "")).expect("a team");
        let started = start(&w, &matching(all_of(w.bob), Target::Team(night), "form"));
        w.by(w.ada, |tx| teams::delete(tx, &can, night)).expect("nothing is held by it yet");
        assert_eq!(run(&w, started.job), HashMap::from([(Outcome::TargetGone, 3)]));
        assert!(made.iter().all(|(_, number)| one(&w, *number).assignee == Some(w.bob)));
    }

    fn an_undo_leaves_what_came_from_a_team_that_is_gone(w: World) {
        let can = w.can(w.ada);
        let night = w.by(w.ada, |tx| teams::create(tx, &can, "Night", "")).expect("a team");
        let of_night = w.conversation(&w.draft().team(night)).1;
        let of_bob = w.open_of(w.bob, 1)[0].1;
        let started = start(&w, &picked(&[of_night, of_bob], Target::Team(w.support), "form"));
        run(&w, started.job);
        w.by(w.ada, |tx| teams::delete(tx, &can, night)).expect("it holds nothing any more");
        let undone = undo(&w, started.job).expect("an undo");
        assert_eq!(run(&w, undone.job), HashMap::from([(Outcome::TargetGone, 1), (Outcome::Done, 1)]));
        assert_eq!((one(&w, of_night).team, one(&w, of_bob).assignee), (Some(w.support), Some(w.bob)));
    }

    fn whoever_leaves_while_a_job_runs_gets_nothing_more(w: World) {
        let made = w.open_of(w.bob, 3);
        let started = start(&w, &matching(all_of(w.bob), Target::User(w.agnes), "form"));
        w.deactivate(w.agnes);
        assert_eq!(run(&w, started.job), HashMap::from([(Outcome::TargetGone, 3)]));
        assert!(made.iter().all(|(_, number)| one(&w, *number).assignee == Some(w.bob)));
    }

    fn nobody_who_cannot_answer_is_a_target(w: World) {
        w.open_of(w.bob, 2);
        let nina = w.newcomer("Nina Novak", baton::domain::roles::Standard::Agent, baton::domain::users::Status::Invited);
        w.deactivate(w.gus);
        for (who, sentence) in [
            (w.gus, "Gus Garcia can’t log in, so they can’t get conversations."),
            (nina, "Nina Novak can’t log in, so they can’t get conversations."),
            (w.rita, "Rita Reyes may not reply to contacts, so they can’t get conversations."),
        ] {
            let said = try_start(&w, w.ada, &matching(all_of(w.bob), Target::User(who), "form")).expect_err("a refusal");
            assert_eq!(said.to_string(), sentence);
        }
        for target in [Target::User(w.other.xena), Target::Team(w.other.team)] {
            let said = try_start(&w, w.ada, &matching(all_of(w.bob), target, "form"));
            assert!(matches!(said, Err(Failure::NotFound)), "{said:?}");
        }
        assert_eq!(w.number("SELECT count(*) FROM bulk_jobs"), 1, "only Xena’s");
    }

    fn nothing_selected_is_said_and_leaves_no_trace(w: World) {
        let events = w.events();
        let nothing = refusal(try_start(&w, w.ada, &matching(all_of(w.bob), Target::Nobody, "form")));
        assert_eq!(nothing, BulkRefusal::NothingSelected);
        // Numbers of another workspace, and numbers that are none.
        let foreign = picked(&[w.other.number, ConversationNumber(999)], Target::Nobody, "form");
        assert_eq!(refusal(try_start(&w, w.ada, &foreign)), BulkRefusal::NothingSelected);
        assert_eq!(w.events(), events);
        assert_eq!(w.number("SELECT count(*) FROM tasks"), 1, "only Xena’s");
    }

    fn sven_moves_only_what_he_saw(w: World) {
        // An agent with the permission would move only what is theirs; the rule of the list is the rule of the job.
        let made = w.conversations(&[w.draft().assignee(w.bob), w.draft().assignee(w.agnes), w.draft().team(w.support)]);
        let numbers: Vec<i64> = made.iter().map(|(_, number)| number.0).collect();
        let sees = Sees::of(&w.scope(w.bob).actor);
        let pinned = w.system_does(|tx| {
            let selection = baton::domain::bulk::Selection { filter: None, sees: sees.clone() };
            let new = store::bulk_jobs::New {
                origin: store::bulk_jobs::Origin::Inbox,
                selection: &selection,
                change: Some(baton::domain::bulk_change::Change::Assign(Target::Nobody)),
                expected: None,
                submission: "form",
                undo_for: TimeDelta::hours(1),
            };
            let job = store::bulk_jobs::insert(tx, &new)?.expect("a new job");
            store::bulk_jobs::insert_picked(tx, job, &numbers, &sees, Target::Nobody)?;
            let pending = store::bulk_jobs::list_pending(tx, job, 0, 10)?;
            Ok(tx.unrecorded(pending, "a test looks at it"))
        });
        let ids: Vec<_> = pinned.iter().map(|item| item.conversation).collect();
        assert_eq!(ids, [made[0].0, made[2].0], "Bob sees his own and his team’s");
    }

    fn an_undo_puts_everything_back_even_to_somebody_who_left(w: World) {
        let until = w.now() + TimeDelta::days(3);
        let made = w.conversations(&[
            w.draft().assignee(w.bob),
            w.draft().assignee(w.bob).team(w.returns),
            w.draft().assignee(w.bob).now(StatusChange::Snooze(until)),
        ]);
        w.deactivate(w.bob);
        let started = start(&w, &matching(all_of(w.bob), Target::Team(w.support), "form"));
        run(&w, started.job);
        let undone = undo(&w, started.job).expect("an undo");
        assert_eq!(undone.total, 3);
        assert_eq!(run(&w, undone.job), HashMap::from([(Outcome::Done, 3)]));
        for ((_, number), team) in made.iter().zip([None, Some(w.returns), None]) {
            assert_eq!((one(&w, *number).assignee, one(&w, *number).team), (Some(w.bob), team));
        }
        let trail = w.trail(30);
        for name in ["bulk.started", "bulk.finished", "bulk.undone"] {
            let expected = if name == "bulk.undone" { 1 } else { 2 };
            assert_eq!(trail.iter().filter(|one| *one == name).count(), expected, "{name}");
        }
    }

    fn an_undo_leaves_and_lists_what_somebody_touched_since(w: World) {
        let made: Vec<_> = w.open_of(w.bob, 4).into_iter().map(|(_, number)| number).collect();
        let started = start(&w, &matching(all_of(w.bob), Target::User(w.agnes), "form"));
        run(&w, started.job);
        assign(&w, made[0], Target::User(w.sven));
        change(&w, made[1], StatusChange::Close);
        let can = w.can(w.agnes);
        w.by(w.agnes, |tx| conversations::reply(tx, &can, None, made[2], "It is on its way.")).expect("a reply");
        let undone = undo(&w, started.job).expect("an undo");
        assert_eq!(run(&w, undone.job), HashMap::from([(Outcome::TouchedSince, 3), (Outcome::Done, 1)]));
        let holders: Vec<_> = made.iter().map(|number| one(&w, *number).assignee).collect();
        assert_eq!(holders, [Some(w.sven), Some(w.agnes), Some(w.agnes), Some(w.bob)]);
        let items = w.read(|rx| {
            store::bulk_items::list_items(rx, undone.job, Some(Outcome::TouchedSince), &Sees::All, 0, 10)
        });
        assert_eq!(items.iter().map(|item| item.number).collect::<Vec<_>>(), [made[0].0, made[1].0, made[2].0]);
    }

    fn an_undo_is_refused_twice_and_of_itself_and_too_early_and_too_late(w: World) {
        w.open_of(w.bob, 2);
        let started = start(&w, &matching(all_of(w.bob), Target::User(w.agnes), "form"));
        assert_eq!(refusal(undo(&w, started.job)), BulkRefusal::StillRunning);
        run(&w, started.job);
        let undone = undo(&w, started.job).expect("an undo");
        assert_eq!(refusal(undo(&w, started.job)), BulkRefusal::AlreadyUndone);
        run(&w, undone.job);
        assert_eq!(refusal(undo(&w, undone.job)), BulkRefusal::IsAnUndo);
        assert_eq!(refusal(undo(&w, started.job)), BulkRefusal::AlreadyUndone);

        let later = start(&w, &matching(all_of(w.bob), Target::User(w.agnes), "another form"));
        run(&w, later.job);
        w.later(TimeDelta::hours(24) - TimeDelta::microseconds(1));
        let events = w.events();
        w.later(TimeDelta::microseconds(1));
        assert_eq!(refusal(undo(&w, later.job)), BulkRefusal::UndoEnded);
        assert_eq!(w.events(), events);
        let foreign = undo(&w, w.other.job);
        assert!(matches!(foreign, Err(Failure::NotFound)), "{foreign:?}");
    }

    fn a_job_that_dies_between_two_chunks_ends_with_exact_numbers(w: World) {
        let size = usize::try_from(CHUNK).expect("a size");
        let made = w.open_of(w.bob, size + 20);
        let started = start(&w, &matching(all_of(w.bob), Target::User(w.agnes), "form"));
        let first = w.instance_b();
        assert!(!chunk(&w, &first, started.job));
        drop(first);
        let between = job(&w, started.job);
        assert_eq!((between.done, between.skipped, between.finished_at), (CHUNK, 0, None));
        // Somebody goes on by hand while nobody runs the job.
        assign(&w, made[size + 5].1, Target::User(w.sven));
        let second = w.instance_b();
        assert!(chunk(&w, &second, started.job));
        assert!(chunk(&w, &second, started.job), "an ended job stays ended");
        let ended = job(&w, started.job);
        assert_eq!((ended.total, ended.done, ended.skipped), (CHUNK + 20, CHUNK + 19, 1));
        let moved = "SELECT count(*) FROM audit_events WHERE name = 'conversation.assigned' AND cause = 'job'";
        assert_eq!(w.number(moved), CHUNK + 19);
        let held = "SELECT count(DISTINCT conversation_id) FROM audit_events WHERE name = 'conversation.assigned' AND cause = 'job'";
        assert_eq!(w.number(held), CHUNK + 19, "nothing twice");
    }

    fn a_chunk_that_panics_half_way_leaves_nothing_of_itself(w: World) {
        w.open_of(w.bob, 5);
        let started = start(&w, &matching(all_of(w.bob), Target::User(w.agnes), "form"));
        let scope = scope_of_job(&w, started.job);
        let killed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            w.db.write_now(&scope, |tx| {
                let recorded = bulk::run_chunk(tx, started.job)?;
                assert!(!recorded.value().ended, "killed before the commit");
                Ok(recorded)
            })
        }));
        assert!(killed.is_err());
        assert_eq!(job(&w, started.job).done, 0);
        assert_eq!(run(&w, started.job), HashMap::from([(Outcome::Done, 5)]));
    }

    fn bob_sees_of_a_job_only_what_he_may_see(w: World) {
        let made = w.conversations(&[w.draft().assignee(w.agnes), w.draft().assignee(w.sven), w.draft().assignee(w.sven)]);
        let numbers: Vec<_> = made.iter().map(|(_, number)| *number).collect();
        let started = start(&w, &picked(&numbers, Target::User(w.bob), "form"));
        run(&w, started.job);
        assign(&w, numbers[1], Target::User(w.sven));
        let sees = Sees::of(&w.scope(w.bob).actor);
        let items = w.read(|rx| store::bulk_items::list_items(rx, started.job, None, &sees, 0, 10));
        assert_eq!(items.iter().map(|item| item.number).collect::<Vec<_>>(), [numbers[0].0, numbers[2].0]);
    }

    fn a_deactivation_with_a_plan_is_a_job_that_can_be_undone(w: World) {
        let made = w.open_of(w.bob, 3);
        let (can, hand) = (w.can(w.olga), w.can(w.olga));
        let plan = users::Plan { open: Some(Target::Team(w.support)), snoozed: None };
        let left = w.by(w.olga, |tx| users::deactivate(tx, &can, w.bob, None, Some((plan, &hand)))).expect("to leave");
        let id = left.job.expect("a job");
        assert_eq!(job(&w, id).origin, store::bulk_jobs::Origin::Deactivation(w.bob));
        assert_eq!(run(&w, id), HashMap::from([(Outcome::Done, 3)]));
        let undone = undo(&w, id).expect("an undo");
        assert_eq!(run(&w, undone.job), HashMap::from([(Outcome::Done, 3)]));
        assert!(made.iter().all(|(_, number)| one(&w, *number).assignee == Some(w.bob)));
    }
}
