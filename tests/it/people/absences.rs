//! Absences with dates: planned, done on their day, changed, withdrawn, over (U-8, U-9).

use baton::actions::absences::{self, Due, Leave, Left, Untold};
use baton::actions::users;
use baton::actions::users_bulk::Change;
use baton::actions::workspaces;
use baton::domain::absences::parse_when;
use baton::domain::access::{Cause, Scope, Sees};
use baton::domain::assignment::Target;
use baton::domain::ids::{TeamId, UserId};
use baton::domain::plans::Plan;
use baton::domain::roles::Standard;
use baton::domain::users::{Reason, Status, User};
use baton::failure::Failure;
use baton::store;
use baton::web::pages::settings_users_each::{Outcome, run as each};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::{refused, since};
use crate::support::traces::{in_log, keep_log};
use crate::support::world::base;
use crate::support::{World, on_both};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

fn berlin(day: &str) -> Option<DateTime<Utc>> {
    parse_when(day, "", chrono_tz::Europe::Berlin).expect("a day")
}

pub fn leave(starts: &str, returns: &str) -> Leave {
    Leave { reason: Some(Reason::Leave), starts_at: berlin(starts), returns_at: berlin(returns), ..Leave::default() }
}

fn begin(w: &World, by: UserId, who: UserId, leave: &Leave) -> Result<Left, Failure> {
    let (can, run) = (w.can(by), w.can(by));
    w.by(by, |tx| absences::begin(tx, &can, Some(&run), who, leave))
}

fn withdraw(w: &World, by: UserId, who: UserId) -> Result<User, Failure> {
    let can = w.can(by);
    w.by(by, |tx| absences::withdraw(tx, &can, who))
}

fn to(w: &World, instant: DateTime<Utc>) {
    w.later(instant - w.now());
    assert_eq!(w.now(), instant);
}

/// What the timer does now: whom it deactivates, and whom it lets in again.
fn run(w: &World) -> (Vec<Due>, usize) {
    let scope = Scope::system(w.workspace, Some(Cause::Timer));
    let leaving = w.anywhere(|ax| store::anywhere::list_due_deactivations(ax, 100));
    let began = leaving.iter().map(|(_, user)| w.db.write_now(&scope, |tx| absences::begin_due(tx, &base(), *user)));
    let began = began.collect::<Result<_, _>>().expect("the timer's work");
    let returning = w.anywhere(|ax| store::anywhere::list_due_returns(ax, 100));
    let back = returning.iter().filter(|(_, user)| {
        w.db.write_now(&scope, |tx| absences::finish_due(tx, &base(), *user)).expect("the timer's work")
    });
    (began, back.count())
}

fn mails(w: &World) -> Vec<String> {
    w.database.lines("SELECT to_address || ': ' || subject AS line FROM outbox WHERE kind IN ('absence', 'return') ORDER BY to_address, subject")
}

fn holder(w: &World, number: baton::domain::ids::ConversationNumber) -> (Option<UserId>, Option<TeamId>) {
    let one = w.read(|rx| store::conversations::find(rx, number, &Sees::All)).expect("a conversation");
    (one.assignee, one.team)
}

/// From now on they have this role and no other.
fn has_role(w: &World, who: UserId, role: Standard) {
    let role = w.role(role);
    w.system_does(|tx| {
        let held = store::roles::list_of_users(tx, &[who])?.remove(&who).unwrap_or_default();
        store::roles::delete_of_user(tx, who, &held)?;
        store::roles::insert_of_user(tx, who, &[role])?;
        Ok(tx.unrecorded((), "a test sets the scene"))
    });
}

on_both! {
    fn what_was_planned_is_not_done_if_the_planner_may_not_do_it_any_more(w: World) {
        begin(&w, w.sven, w.bob, &leave("2026-03-09", "2026-03-16")).expect("to plan");
        begin(&w, w.sven, w.agnes, &leave("2026-03-10", "2026-03-16")).expect("to plan");
        has_role(&w, w.sven, Standard::Agent);
        to(&w, at("2026-03-08T23:00:00Z"));
        let events = w.events();
        assert_eq!(run(&w), (vec![Due::Refused], 0));
        assert_eq!(since(&w, events), ["user.deactivation_refused"]);
        let bob = w.user(w.bob);
        assert_eq!((bob.status, bob.absence.refused_at), (Status::Active, Some(w.now())));
        assert_eq!(mails(&w), [
            "ada@fernhill.example: Bob Keller couldn’t be deactivated",
            "olga@fernhill.example: Bob Keller couldn’t be deactivated",
        ]);
        let told = w.database.lines("SELECT text_body AS line FROM outbox WHERE kind = 'absence'");
        assert!(told.iter().all(|text| text.contains("Sven Sorensen, who planned it, may not take Bob Keller’s access")), "{told:?}");
        assert_eq!(run(&w), (vec![], 0), "it is refused once");
        // Somebody who may plans it anew.
        begin(&w, w.ada, w.bob, &leave("2026-03-10", "2026-03-16")).expect("to plan anew");
        // Sven may again, but Agnes may more than he does by now.
        has_role(&w, w.sven, Standard::Supervisor);
        has_role(&w, w.agnes, Standard::Admin);
        to(&w, at("2026-03-09T23:00:00Z"));
        let (mut did, _) = run(&w);
        did.sort_by_key(|due| *due == Due::Refused);
        assert_eq!(did, [Due::Done, Due::Refused]);
        assert_eq!((w.user(w.bob).status, w.user(w.agnes).status), (Status::Inactive, Status::Active));
    }

    fn what_was_planned_by_somebody_who_left_is_done(w: World) {
        begin(&w, w.sven, w.bob, &leave("2026-03-09", "2026-03-16")).expect("to plan");
        begin(&w, w.ada, w.agnes, &leave("2026-03-09", "2026-03-16")).expect("to plan");
        w.deactivate(w.sven);
        crate::people::removing::remove(&w, w.olga, w.ada, Plan::default()).expect("to remove");
        to(&w, at("2026-03-08T23:00:00Z"));
        assert_eq!(run(&w).0, [Due::Done, Due::Done]);
    }

    fn nobody_but_an_owner_is_behind_the_departure_of_an_owner(w: World) {
        begin(&w, w.ada, w.bob, &leave("2026-03-09", "2026-03-16")).expect("to plan");
        crate::people::removing::remove(&w, w.olga, w.ada, Plan::default()).expect("to remove");
        has_role(&w, w.bob, Standard::Owner);
        to(&w, at("2026-03-08T23:00:00Z"));
        assert_eq!(run(&w).0, [Due::Refused], "an Admin planned it, and is gone");
    }

    fn a_leave_begins_and_ends_at_the_workspaces_midnight(w: World) {
        w.session(w.bob, "his desk");
        let events = w.events();
        let planned = begin(&w, w.ada, w.bob, &leave("2026-03-09", "2026-03-16")).expect("to plan");
        assert!(matches!(planned, Left::Planned(_)));
        assert_eq!(since(&w, events), ["user.deactivation_planned"]);
        let bob = w.user(w.bob);
        assert_eq!((bob.status, bob.reason), (Status::Active, Some(Reason::Leave)));
        assert_eq!(bob.absence.starts_at, Some(at("2026-03-08T23:00:00Z")));
        assert_eq!(bob.absence.returns_at, Some(at("2026-03-15T23:00:00Z")));
        assert_eq!(bob.absence.set_by, Some(w.ada));

        to(&w, at("2026-03-08T22:59:59Z"));
        assert_eq!(run(&w), (vec![], 0));
        to(&w, at("2026-03-08T23:00:00Z"));
        let events = w.events();
        assert_eq!(run(&w), (vec![Due::Done], 0));
        assert_eq!(since(&w, events), ["user.deactivated", "user.return_planned"]);
        let told = &w.read(|rx| store::audit::list_about_user(rx, w.bob, 2))[1];
        assert_eq!((told.actor, told.cause.as_deref()), (None, Some("timer")));
        let bob = w.user(w.bob);
        assert_eq!((bob.status, bob.reason, bob.status_changed_at), (Status::Inactive, Some(Reason::Leave), w.now()));
        assert_eq!((bob.absence.starts_at, bob.absence.returns_at), (None, Some(at("2026-03-15T23:00:00Z"))));
        assert_eq!(w.read(|rx| store::sessions::count_of_user(rx, w.bob)), 0);
        assert_eq!(mails(&w), [
            "ada@fernhill.example: Bob Keller is deactivated",
            "bob@fernhill.example: Your access to Fernhill is paused",
            "olga@fernhill.example: Bob Keller is deactivated",
        ]);
        assert_eq!(run(&w), (vec![], 0));

        to(&w, at("2026-03-15T22:59:59Z"));
        assert_eq!(run(&w), (vec![], 0));
        to(&w, at("2026-03-15T23:00:00Z"));
        let events = w.events();
        assert_eq!(run(&w), (vec![], 1));
        assert_eq!(since(&w, events), ["user.reactivated"]);
        let bob = w.user(w.bob);
        assert_eq!((bob.status, bob.reason, bob.absence), (Status::Active, None, Default::default()));
        let told = mails(&w);
        assert_eq!(told.len(), 6, "{told:?}");
        assert!(told.contains(&"bob@fernhill.example: Welcome back to Fernhill".to_owned()), "{told:?}");
        assert!(told.contains(&"ada@fernhill.example: Bob Keller is back".to_owned()), "{told:?}");
        assert_eq!(run(&w), (vec![], 0));
        assert_eq!(mails(&w).len(), 6);
    }

    fn what_fell_due_while_nothing_ran_happens_once_and_in_its_order(w: World) {
        let held = w.open_of(w.bob, 1)[0].1;
        let plan = Plan { open: Some(Target::User(w.agnes)), snoozed: None };
        begin(&w, w.olga, w.bob, &Leave { plan, ..leave("2026-03-09", "2026-03-16") }).expect("to plan");
        begin(&w, w.olga, w.rita, &leave("2026-03-10", "")).expect("to plan");
        to(&w, at("2026-04-20T10:00:00Z"));
        let events = w.events();
        assert_eq!(run(&w), (vec![Due::Done, Due::Done], 1));
        assert_eq!(since(&w, events), ["user.deactivated", "user.return_planned", "user.deactivated", "user.reactivated"]);
        assert_eq!((w.user(w.bob).status, w.user(w.rita).status), (Status::Active, Status::Inactive));
        assert_eq!(holder(&w, held), (Some(w.bob), None), "who is back already keeps their work");
        assert_eq!(run(&w), (vec![], 0));
    }

    fn days_of_changing_clocks_are_days_like_others(w: World) {
        for (day, midnight) in [("2026-03-29", "2026-03-28T23:00:00Z"), ("2026-10-25", "2026-10-24T22:00:00Z")] {
            let next = parse_when(day, "", chrono_tz::Europe::Berlin).unwrap().map(|at| at + TimeDelta::days(5));
            let leave = Leave { starts_at: berlin(day), returns_at: next, ..Leave::default() };
            begin(&w, w.olga, w.bob, &leave).expect("to plan");
            to(&w, at(midnight) - TimeDelta::seconds(1));
            assert_eq!(run(&w), (vec![], 0), "{day}");
            to(&w, at(midnight));
            assert_eq!(run(&w), (vec![Due::Done], 0), "{day}");
            // The two hours around the change bring nothing twice.
            for quarter in 0..16 {
                to(&w, at(midnight) + TimeDelta::minutes(15 * (quarter + 1)));
                assert_eq!(run(&w), (vec![], 0), "{day}");
            }
            to(&w, next.unwrap());
            assert_eq!(run(&w), (vec![], 1), "{day}");
        }
    }

    fn a_midnight_that_does_not_exist_is_the_first_instant_of_the_day(w: World) {
        for (zone, day, first) in [
            (chrono_tz::America::Santiago, "2026-09-06", "2026-09-06T04:00:00Z"),
            (chrono_tz::Asia::Beirut, "2027-03-28", "2027-03-27T22:00:00Z"),
        ] {
            let starts_at = parse_when(day, "", zone).expect("a day");
            begin(&w, w.olga, w.bob, &Leave { starts_at, ..Leave::default() }).expect("to plan");
            to(&w, at(first) - TimeDelta::seconds(1));
            assert_eq!(run(&w), (vec![], 0));
            to(&w, at(first));
            assert_eq!(run(&w), (vec![Due::Done], 0));
            let can = w.can(w.olga);
            w.by(w.olga, |tx| users::reactivate(tx, &can, w.bob)).expect("to come back");
        }
    }

    fn the_plan_is_carried_and_done_on_the_day(w: World) {
        let held = w.conversations(&[w.draft().assignee(w.bob), w.draft().assignee(w.bob).team(w.support)]);
        let plan = Plan { open: Some(Target::User(w.agnes)), snoozed: Some(Target::Nobody) };
        begin(&w, w.olga, w.bob, &Leave { plan, ..leave("2026-03-09", "") }).expect("to plan");
        assert_eq!(w.user(w.bob).absence.plan, plan);
        assert_eq!(holder(&w, held[0].1), (Some(w.bob), None), "nothing moves before");
        // What comes in meanwhile moves, too.
        let later = w.open_of(w.bob, 1)[0].1;
        to(&w, at("2026-03-08T23:00:00Z"));
        assert_eq!(run(&w), (vec![Due::Done], 0));
        let job = w.number("SELECT count(*) FROM bulk_jobs WHERE started_by IS NULL");
        assert_eq!(job, 1, "nobody in particular started it");
        let runtime = actix_web::rt::System::new();
        while runtime.block_on(baton::tasks::run_due(&w.db)).expect("a task") > 0 {}
        for number in [held[0].1, held[1].1, later] {
            assert_eq!(holder(&w, number).0, Some(w.agnes));
        }
    }

    fn whoever_was_to_take_over_and_left_does_not_hold_up_the_departure(w: World) {
        let held = w.open_of(w.bob, 2);
        let plan = Plan { open: Some(Target::User(w.agnes)), snoozed: Some(Target::Team(w.returns)) };
        begin(&w, w.olga, w.bob, &Leave { plan, ..leave("2026-03-09", "") }).expect("to plan");
        w.deactivate(w.agnes);
        to(&w, at("2026-03-08T23:00:00Z"));
        assert_eq!(run(&w), (vec![Due::Done], 0));
        assert_eq!(w.user(w.bob).status, Status::Inactive);
        assert_eq!(holder(&w, held[0].1), (Some(w.bob), None));
        let texts = w.database.lines("SELECT text_body AS line FROM outbox WHERE to_address = 'ada@fernhill.example'");
        assert!(texts.iter().any(|text| text.contains("Needs handover")), "{texts:?}");
    }

    fn plans_for_nobody_and_for_oneself_are_refused(w: World) {
        let plan = |open| Leave { plan: Plan { open: Some(open), snoozed: None }, ..leave("2026-03-09", "") };
        assert_eq!(
            refused(&w, || begin(&w, w.olga, w.bob, &plan(Target::User(w.bob)))),
            "Bob Keller can’t take over their own work."
        );
        w.deactivate(w.agnes);
        let said = refused(&w, || begin(&w, w.olga, w.bob, &plan(Target::User(w.agnes))));
        assert!(said.contains("Agnes Arndt"), "{said}");
        for target in [Target::User(w.other.xena), Target::Team(w.other.team)] {
            assert!(matches!(begin(&w, w.olga, w.bob, &plan(target)), Err(Failure::NotFound)));
        }
        assert!(matches!(begin(&w, w.olga, w.other.xena, &leave("2026-03-09", "")), Err(Failure::NotFound)));
        assert!(matches!(withdraw(&w, w.olga, w.other.xena), Err(Failure::NotFound)));
        assert_eq!(w.user(w.bob).absence, Default::default());
    }

    fn the_only_owner_is_kept_when_it_is_set(w: World) {
        // An invited and an inactive Owner do not count.
        let omar = w.newcomer("Omar Odeh", Standard::Owner, Status::Active);
        w.newcomer("Ines Ito", Standard::Owner, Status::Invited);
        w.deactivate(omar);
        let system = w.system();
        let can = baton::domain::access::Can::check(&system).expect("Baton may");
        let leave = leave("2026-03-09", "");
        let said = refused(&w, || w.db.write_now(&system, |tx| absences::begin(tx, &can, None, w.olga, &leave)));
        assert_eq!(said, "Olga Owens is the only Owner. Make someone else Owner first.");
    }

    fn two_owners_who_leave_on_the_same_day_leave_one(w: World) {
        let omar = w.newcomer("Omar Odeh", Standard::Owner, Status::Active);
        begin(&w, w.olga, omar, &leave("2026-03-09", "")).expect("to plan");
        begin(&w, omar, w.olga, &leave("2026-03-09", "")).expect("to plan");
        to(&w, at("2026-03-08T23:00:00Z"));
        let (mut did, _) = run(&w);
        did.sort_by_key(|one| *one == Due::Refused);
        assert_eq!(did, [Due::Done, Due::Refused]);
        assert_eq!(w.read(store::users::count_active_owners), 1);
        let stayed = if w.user(omar).status == Status::Active { omar } else { w.olga };
        let user = w.user(stayed);
        assert_eq!(user.absence.refused_at, Some(w.now()), "it is recorded");
        let told = w.read(|rx| store::audit::list_about_user(rx, stayed, 1));
        assert_eq!((told[0].name.as_str(), told[0].cause.as_deref()), ("user.deactivation_refused", Some("timer")));
        let name = user.name.full;
        assert!(mails(&w).contains(&format!("ada@fernhill.example: {name} couldn’t be deactivated")), "{:?}", mails(&w));
        let count = mails(&w).len();
        w.later(TimeDelta::days(1));
        assert_eq!(run(&w), (vec![], 0), "it is not tried again and again");
        assert_eq!(mails(&w).len(), count);
        // Another day can be set once there is another Owner.
        w.newcomer("Otto Ott", Standard::Owner, Status::Active);
        let otto = w.find_user("otto@fernhill.example").id;
        begin(&w, otto, stayed, &leave("2026-03-12", "")).expect("to plan anew");
        assert_eq!(w.user(stayed).absence.refused_at, None);
        to(&w, at("2026-03-11T23:00:00Z"));
        assert_eq!(run(&w), (vec![Due::Done], 0));
    }

    fn dates_are_changed_and_withdrawn(w: World) {
        begin(&w, w.ada, w.bob, &leave("2026-03-09", "2026-03-16")).expect("to plan");
        let events = w.events();
        begin(&w, w.sven, w.bob, &leave("2026-03-09", "2026-03-16")).expect("the same again");
        assert_eq!(w.events(), events, "which changes nothing");
        begin(&w, w.sven, w.bob, &leave("2026-03-20", "2026-03-27")).expect("another day");
        to(&w, at("2026-03-10T00:00:00Z"));
        assert_eq!(run(&w), (vec![], 0), "the first day means nothing any more");
        let stale = Leave { version: Some(1), ..leave("2026-03-21", "") };
        assert!(matches!(begin(&w, w.ada, w.bob, &stale), Err(Failure::Stale)));
        let events = w.events();
        withdraw(&w, w.ada, w.bob).expect("to withdraw");
        assert_eq!(since(&w, events), ["user.absence_withdrawn"]);
        let bob = w.user(w.bob);
        assert_eq!((bob.reason, bob.absence), (None, Default::default()));
        assert_eq!(refused(&w, || withdraw(&w, w.ada, w.bob)), "Nothing is planned for Bob Keller any more.");
        w.later(TimeDelta::days(30));
        assert_eq!(run(&w), (vec![], 0));
        assert_eq!(w.user(w.bob).status, Status::Active);
    }

    fn a_return_is_set_changed_and_withdrawn_while_somebody_is_away(w: World) {
        let now = Leave { note: Some("Twins!".to_owned()), ..leave("", "2026-06-01") };
        assert!(matches!(begin(&w, w.olga, w.bob, &now), Ok(Left::Now(_))));
        let bob = w.user(w.bob);
        assert_eq!((bob.status, bob.absence.note.as_deref()), (Status::Inactive, Some("Twins!")));
        assert_eq!(bob.absence.returns_at, berlin("2026-06-01"));
        let can = w.can(w.ada);
        let why = (Some(Reason::Leave), Some("Twins!".to_owned()));
        let change = |day| w.by(w.ada, |tx| absences::change(tx, &can, w.bob, None, why.clone(), berlin(day)));
        change("2026-07-01").expect("to change");
        assert_eq!(w.user(w.bob).absence.returns_at, berlin("2026-07-01"));
        withdraw(&w, w.ada, w.bob).expect("to withdraw");
        let bob = w.user(w.bob);
        assert_eq!((bob.status, bob.absence.returns_at, bob.absence.note.as_deref()), (Status::Inactive, None, Some("Twins!")));
        change("2026-07-01").expect("to set again");
        // Whoever reactivates by hand withdraws the return.
        w.by(w.ada, |tx| users::reactivate(tx, &can, w.bob)).expect("to come back");
        assert_eq!(w.user(w.bob).absence, Default::default());
        assert_eq!(refused(&w, || change("2026-07-01")), "Bob Keller can log in. Deactivate them first, then say when they come back.");
        w.later(TimeDelta::days(200));
        assert_eq!(run(&w), (vec![], 0));
    }

    fn what_nothing_is_said_of_goes_where_it_was_planned_to_go(w: World) {
        let plan = Plan { open: Some(Target::User(w.agnes)), snoozed: Some(Target::Team(w.returns)) };
        begin(&w, w.olga, w.bob, &Leave { plan, ..leave("2026-03-09", "") }).expect("to plan");
        // He holds nothing now, so the form has no fields for it; only the day is changed.
        let untold = Untold { open: true, snoozed: true };
        begin(&w, w.olga, w.bob, &Leave { untold, ..leave("2026-03-10", "") }).expect("another day");
        assert_eq!(w.user(w.bob).absence.plan, plan);
        let one = Leave { untold: Untold { open: true, snoozed: false }, ..leave("2026-03-11", "") };
        begin(&w, w.olga, w.bob, &one).expect("another day");
        assert_eq!(w.user(w.bob).absence.plan, Plan { snoozed: None, ..plan });
        // The day comes with more work; and who was to get it can be gone when only dates are changed.
        let (_, number) = w.open_of(w.bob, 1)[0];
        w.deactivate(w.agnes);
        begin(&w, w.olga, w.bob, &Leave { untold, ..leave("2026-03-12", "") }).expect("another day");
        begin(&w, w.olga, w.bob, &Leave { untold, ..leave("", "") }).expect("now");
        assert_eq!((w.user(w.bob).status, holder(&w, number).0), (Status::Inactive, Some(w.bob)));
    }

    fn deactivating_many_keeps_the_days_on_which_some_come_back(w: World) {
        let planned = Leave { note: Some("Twins!".to_owned()), ..leave("2026-03-09", "2026-06-01") };
        begin(&w, w.olga, w.bob, &planned).expect("to plan");
        let change = Change::Deactivate { can: w.can(w.olga), reason: None, plan: None };
        let outcomes = each(&w.db, &w.scope(w.olga), &change, &[w.bob, w.gus]);
        assert!(outcomes.iter().all(|(_, outcome)| *outcome == Outcome::Done), "{outcomes:?}");
        let (bob, gus) = (w.user(w.bob), w.user(w.gus));
        assert_eq!((bob.status, bob.reason, bob.absence.note.as_deref()), (Status::Inactive, Some(Reason::Leave), Some("Twins!")));
        assert_eq!((bob.absence.starts_at, bob.absence.returns_at), (None, berlin("2026-06-01")));
        assert_eq!((gus.status, gus.absence), (Status::Inactive, Default::default()));
        to(&w, at("2026-06-01T00:00:00Z"));
        assert_eq!(run(&w), (vec![], 1));
    }

    fn a_handover_that_was_planned_is_done_when_its_day_is_brought_forward(w: World) {
        let plan = Plan { open: Some(Target::User(w.agnes)), snoozed: None };
        let plans = |who| begin(&w, w.olga, who, &Leave { plan, ..leave("2026-03-09", "") }).expect("to plan");
        let held = [w.bob, w.gus, w.rita].map(|who| w.open_of(who, 1)[0].1);
        plans(w.bob);
        plans(w.gus);
        let many = |plan, who: &[UserId]| {
            let change = Change::Deactivate { can: w.can(w.olga), reason: None, plan };
            let outcomes = each(&w.db, &w.scope(w.olga), &change, who);
            assert!(outcomes.iter().all(|(_, outcome)| *outcome == Outcome::Done), "{outcomes:?}");
        };
        many(None, &[w.bob, w.rita]);
        let only_snoozed = Plan { open: None, snoozed: Some(Target::Nobody) };
        many(Some((only_snoozed, w.can(w.olga))), &[w.gus]);
        let system = actix_web::rt::System::new();
        let move_all = || while system.block_on(baton::tasks::run_due(&w.db)).expect("to move") > 0 {};
        move_all();
        let holders = held.map(|number| holder(&w, number).0);
        assert_eq!(holders, [Some(w.agnes), Some(w.agnes), Some(w.rita)], "what was not planned stays");
        // So it is for one who is stopped by somebody who may not hand work over.
        let (_, number) = w.open_of(w.sven, 1)[0];
        plans(w.sven);
        w.by(w.olga, |tx| absences::begin(tx, &w.can(w.olga), None, w.sven, &leave("", ""))).expect("to stop");
        move_all();
        assert_eq!(holder(&w, number).0, Some(w.agnes));
    }

    fn a_row_that_cannot_be_read_keeps_nobody_else_waiting(w: World) {
        keep_log();
        begin(&w, w.olga, w.rita, &leave("2026-03-09", "")).expect("to plan");
        begin(&w, w.olga, w.bob, &leave("2026-03-10", "2026-03-11")).expect("to plan");
        // Of who is first in turn, and of somebody who is told of all departures.
        w.database.execute(
            "UPDATE users SET absence_plan = 'no plan' WHERE email_key IN ('rita@fernhill.example', 'ada@fernhill.example')",
        );
        let system = actix_web::rt::System::new();
        let look = || system.block_on(baton::tasks::absences_due(&w.db, &std::sync::Arc::new(base()))).expect("to look");
        to(&w, at("2026-03-09T23:00:00Z"));
        assert_eq!(look(), 1);
        assert_eq!(w.user(w.bob).status, Status::Inactive);
        assert_eq!(w.number("SELECT count(*) FROM users WHERE email_key = 'rita@fernhill.example' AND status = 'active'"), 1);
        assert!(in_log(&["users.absence_plan"]).iter().any(|line| line.contains(&w.rita.to_string())), "it is logged");
        assert!(mails(&w).contains(&"olga@fernhill.example: Bob Keller is deactivated".to_owned()));
        // Once somebody mended it, they have their turn.
        w.database.execute("UPDATE users SET absence_plan = NULL");
        assert_eq!(look(), 1);
        assert_eq!(w.user(w.rita).status, Status::Inactive);
    }

    fn a_planned_departure_ends_with_an_earlier_one(w: World) {
        begin(&w, w.olga, w.bob, &leave("2026-03-09", "2026-03-16")).expect("to plan");
        w.deactivate(w.bob);
        let bob = w.user(w.bob);
        assert_eq!((bob.status, bob.absence), (Status::Inactive, Default::default()));
        w.later(TimeDelta::days(30));
        assert_eq!(run(&w), (vec![], 0));
    }

    fn who_may_not_deactivate_may_not_plan_it_either(w: World) {
        let omar = w.newcomer("Omar Odeh", Standard::Owner, Status::Active);
        assert_eq!(refused(&w, || begin(&w, w.ada, omar, &leave("2026-03-09", ""))), "Only an Owner can change an Owner.");
        begin(&w, w.olga, omar, &leave("2026-03-09", "")).expect("to plan");
        assert_eq!(refused(&w, || withdraw(&w, w.ada, omar)), "Only an Owner can change an Owner.");
        assert_eq!(
            refused(&w, || begin(&w, w.ada, w.ada, &leave("2026-03-09", ""))),
            "You can’t deactivate yourself. Ask another admin to do it."
        );
    }

    fn when_the_workspace_moves_its_days_move_with_it(w: World) {
        begin(&w, w.olga, w.bob, &leave("2026-03-09", "2026-03-16")).expect("to plan");
        let workspace = w.read(store::workspaces::this);
        let tokyo: Tz = "Asia/Tokyo".parse().expect("a zone");
        let settings = baton::domain::workspaces::Settings { time_zone: tokyo, ..workspace.settings() };
        let can = w.can(w.olga);
        w.by(w.olga, |tx| workspaces::update(tx, &can, workspace.version, &settings)).expect("to move");
        let bob = w.user(w.bob);
        assert_eq!(bob.absence.starts_at, Some(at("2026-03-08T15:00:00Z")));
        assert_eq!(bob.absence.returns_at, Some(at("2026-03-15T15:00:00Z")));
    }
}
