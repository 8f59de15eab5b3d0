//! What is set for a day happens once, however many instances look, and whatever people do at that instant (U-8, G-3).

use baton::actions::absences::{self, Due, Leave};
use baton::actions::{inactivity, users};
use baton::domain::access::{Can, Cause, Scope};
use baton::domain::ids::UserId;
use baton::domain::inactivity::Verdict;
use baton::domain::roles::Standard;
use baton::domain::users::Status;
use baton::store::{self, Db};
use chrono::TimeDelta;

use crate::support::world::base;
use crate::support::{World, at_once, both_at_once, on_both};

fn plan(w: &World, who: UserId, days: i64, back: Option<i64>) {
    let system = w.system();
    let can = Can::check(&system).expect("Baton may");
    let leave = Leave {
        starts_at: Some(w.now() + TimeDelta::days(days)),
        returns_at: back.map(|back| w.now() + TimeDelta::days(back)),
        ..Leave::default()
    };
    w.system_does(|tx| absences::begin(tx, &can, None, who, &leave));
}

fn timer(w: &World) -> Scope {
    Scope::system(w.workspace, Some(Cause::Timer))
}

fn names(w: &World, who: UserId) -> Vec<String> {
    w.read(|rx| store::audit::list_about_user(rx, who, 100)).into_iter().map(|event| event.name).collect()
}

fn count(w: &World, who: UserId, name: &str) -> usize {
    names(w, who).iter().filter(|one| *one == name).count()
}

on_both! {
    fn of_two_instances_one_deactivates_and_one_reactivates(w: World) {
        let b = w.instance_b();
        let people: Vec<UserId> = (0..10).map(|n| w.newcomer(&format!("P{n} Peer"), Standard::Agent, Status::Active)).collect();
        for who in &people {
            plan(&w, *who, 1, Some(3));
        }
        w.later(TimeDelta::days(1));
        for who in &people {
            let begin = |db: &Db| db.write_now(&timer(&w), |tx| absences::begin_due(tx, &base(), *who)).expect("to begin");
            let (one, two) = both_at_once(|| begin(&w.db), || begin(&b));
            assert!(matches!((one, two), (Due::Done, Due::Nothing) | (Due::Nothing, Due::Done)), "{one:?} {two:?}");
            assert_eq!((count(&w, *who, "user.deactivated"), w.user(*who).status), (1, Status::Inactive));
        }
        w.later(TimeDelta::days(2));
        for who in &people {
            let finish = |db: &Db| db.write_now(&timer(&w), |tx| absences::finish_due(tx, &base(), *who)).expect("to finish");
            let (one, two) = both_at_once(|| finish(&w.db), || finish(&b));
            assert!(one != two, "one lets them in, and the other finds them there");
            assert_eq!((count(&w, *who, "user.reactivated"), w.user(*who).status), (1, Status::Active));
        }
        let told = w.number("SELECT count(*) FROM outbox WHERE kind = 'return' AND to_address LIKE 'p%'");
        assert_eq!(told, 10, "each is welcomed once");
    }

    fn two_instances_that_look_at_everything_do_each_thing_once(w: World) {
        let b = w.instance_b();
        let people: Vec<UserId> = (0..20).map(|n| w.newcomer(&format!("P{n} Peer"), Standard::Agent, Status::Active)).collect();
        for (who, days) in people.iter().zip([1, 2].into_iter().cycle()) {
            plan(&w, *who, days, Some(5));
        }
        // Nothing ran for ten days: both dates of everybody are over.
        w.later(TimeDelta::days(10));
        let url = std::sync::Arc::new(base());
        let look = |db: &Db| {
            let runtime = actix_web::rt::System::new();
            let mut done = 0;
            loop {
                match runtime.block_on(baton::tasks::absences_due(db, &url)).expect("to look") {
                    0 => break done,
                    more => done += more,
                }
            }
        };
        let done = at_once(2, |n| look(if n == 0 { &w.db } else { &b }));
        assert_eq!(done.iter().sum::<usize>(), 40, "{done:?}");
        for who in people {
            assert_eq!((count(&w, who, "user.deactivated"), count(&w, who, "user.reactivated")), (1, 1));
            assert_eq!(w.user(who).status, Status::Active);
        }
    }

    fn two_owners_due_at_the_same_instant_on_two_instances_leave_one(w: World) {
        let b = w.instance_b();
        for round in 0..10 {
            let omar = w.newcomer(&format!("Omar{round} Odeh"), Standard::Owner, Status::Active);
            // Olga and everybody before him has gone, so that these two are all.
            let other = w.newcomer(&format!("Otto{round} Ott"), Standard::Owner, Status::Active);
            for who in w.read(|rx| store::users::list_by_status(rx, &[Status::Active])) {
                if w.user(who.id).is_owner && who.id != omar && who.id != other {
                    w.deactivate(who.id);
                }
            }
            plan(&w, omar, 1, None);
            plan(&w, other, 1, None);
            w.later(TimeDelta::days(1));
            let begin = |db: &Db, who| db.write_now(&timer(&w), |tx| absences::begin_due(tx, &base(), who)).expect("to begin");
            let (one, two) = both_at_once(|| begin(&w.db, omar), || begin(&b, other));
            assert!(matches!((one, two), (Due::Done, Due::Refused) | (Due::Refused, Due::Done)), "{one:?} {two:?}");
            assert_eq!(w.read(store::users::count_active_owners), 1);
        }
    }

    fn whoever_withdraws_at_the_last_instant_wins_or_is_told(w: World) {
        let b = w.instance_b();
        for round in 0..20 {
            let who = w.newcomer(&format!("P{round} Peer"), Standard::Agent, Status::Active);
            plan(&w, who, 1, None);
            w.later(TimeDelta::days(1));
            let ada = w.scope(w.ada);
            let can = w.can(w.ada);
            let (began, withdrawn) = both_at_once(
                || w.db.write_now(&timer(&w), |tx| absences::begin_due(tx, &base(), who)).expect("to look"),
                || b.write_now(&ada, |tx| absences::withdraw(tx, &can, who)),
            );
            let expected = if withdrawn.is_ok() { (Due::Nothing, Status::Active) } else { (Due::Done, Status::Inactive) };
            assert_eq!((began, w.user(who).status), expected, "{withdrawn:?}");
        }
    }

    fn whoever_reactivates_as_the_return_is_due_does_it_once(w: World) {
        let b = w.instance_b();
        for round in 0..20 {
            let who = w.newcomer(&format!("P{round} Peer"), Standard::Agent, Status::Active);
            plan(&w, who, 1, Some(2));
            w.later(TimeDelta::days(1));
            w.db.write_now(&timer(&w), |tx| absences::begin_due(tx, &base(), who)).expect("to begin");
            w.later(TimeDelta::days(1));
            let ada = w.scope(w.ada);
            let can = w.can(w.ada);
            let (back, by_hand) = both_at_once(
                || w.db.write_now(&timer(&w), |tx| absences::finish_due(tx, &base(), who)).expect("to look"),
                || b.write_now(&ada, |tx| users::reactivate(tx, &can, who)),
            );
            assert!(back != by_hand.is_ok(), "{back} {by_hand:?}");
            assert_eq!((count(&w, who, "user.reactivated"), w.user(who).status), (1, Status::Active));
        }
    }

    fn of_two_instances_one_warns_and_one_deactivates_a_guest(w: World) {
        let b = w.instance_b();
        let guests: Vec<UserId> = (0..10).map(|n| w.newcomer(&format!("G{n} Guest"), Standard::Guest, Status::Active)).collect();
        w.later(TimeDelta::days(40));
        let version = w.read(store::workspaces::this).version;
        let change = inactivity::Change { version, days: Some(30), roles: vec![w.role(Standard::Guest)], expected: Some(11) };
        let can = w.can(w.olga);
        w.by(w.olga, |tx| inactivity::set_rule(tx, &can, &change)).expect("to set");
        let scope = Scope::system(w.workspace, Some(Cause::Automatic));
        let apply = |db: &Db, who| db.write_now(&scope, |tx| inactivity::apply(tx, &base(), who)).expect("to apply");
        for who in &guests {
            let (one, two) = both_at_once(|| apply(&w.db, *who), || apply(&b, *who));
            assert!(matches!((one, two), (Verdict::Warn, Verdict::Wait) | (Verdict::Wait, Verdict::Warn)), "{one:?} {two:?}");
        }
        w.later(TimeDelta::days(7));
        for who in &guests {
            let (one, two) = both_at_once(|| apply(&w.db, *who), || apply(&b, *who));
            assert!(matches!((one, two), (Verdict::Deactivate, Verdict::Leave) | (Verdict::Leave, Verdict::Deactivate)), "{one:?} {two:?}");
            assert_eq!((count(&w, *who, "user.inactivity_warned"), count(&w, *who, "user.deactivated")), (1, 1));
        }
        assert_eq!(w.number("SELECT count(*) FROM outbox WHERE kind = 'inactivity'"), 20);
    }
}
