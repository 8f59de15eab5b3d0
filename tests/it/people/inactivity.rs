//! The rule for people who stop coming: preview, warning, deactivation (G-1 … G-4).

use baton::actions::inactivity::{self, Change};
use baton::actions::sessions;
use baton::domain::access::{Cause, Scope};
use baton::domain::ids::{RoleId, UserId};
use baton::domain::inactivity::{Rule, Verdict};
use baton::domain::roles::Standard;
use baton::domain::users::{Reason, Status};
use baton::failure::Failure;
use baton::store;
use chrono::{TimeDelta, Timelike as _};

use super::{refused, since};
use crate::support::world::base;
use crate::support::{World, on_both};

fn version(w: &World) -> i64 {
    w.read(store::workspaces::this).version
}

/// Sets the rule as somebody does who has seen whom it hits.
fn set(w: &World, days: Option<i32>, roles: Vec<RoleId>) -> Result<usize, Failure> {
    let expected = days.map_or(0, |days| preview(w, days, &roles).len());
    let change = Change { version: version(w), days, roles, expected: Some(expected) };
    let can = w.can(w.olga);
    w.by(w.olga, |tx| inactivity::set_rule(tx, &can, &change))
}

fn preview(w: &World, days: i32, roles: &[RoleId]) -> Vec<UserId> {
    let rule = Rule { days, roles: roles.to_vec() };
    w.read(|rx| inactivity::preview(rx, &rule)).into_iter().map(|(one, _)| one.id).collect()
}

/// What the daily run does, if it is due: to whom it does what.
fn run(w: &World) -> Vec<(UserId, Verdict)> {
    let mut did = Vec::new();
    for (workspace, since) in w.anywhere(store::anywhere::list_due_inactivity) {
        assert_eq!(workspace, w.workspace);
        let scope = Scope::system(workspace, Some(Cause::Automatic));
        for who in w.read(inactivity::list_due) {
            did.push((who, w.db.write_now(&scope, |tx| inactivity::apply(tx, &base(), who)).expect("to apply")));
        }
        assert!(w.db.write_now(&scope, |tx| inactivity::finish(tx, since)).expect("to finish"));
    }
    did
}

fn comes(w: &World, who: UserId) {
    w.db.write_now(&w.system(), |tx| sessions::log_in(tx, who)).expect("to log in");
}

fn mails(w: &World) -> Vec<String> {
    w.database.lines("SELECT to_address || ': ' || subject AS line FROM outbox WHERE kind = 'inactivity' ORDER BY created_at, to_address")
}

on_both! {
    fn a_guest_who_stays_away_is_warned_first_and_then_deactivated(w: World) {
        let guest = vec![w.role(Standard::Guest)];
        let gina = w.newcomer("Gina Gold", Standard::Guest, Status::Active);
        w.later(TimeDelta::days(40));
        comes(&w, gina);
        assert_eq!(preview(&w, 30, &guest), [w.gus]);
        let events = w.events();
        assert_eq!(set(&w, Some(30), guest).expect("to set"), 1);
        assert_eq!(since(&w, events), ["workspace.updated"]);
        assert_eq!(run(&w), [(w.gus, Verdict::Warn)]);
        assert_eq!(w.trail(1), ["user.inactivity_warned"]);
        let text = w.database.lines("SELECT text_body AS line FROM outbox WHERE kind = 'inactivity'").remove(0);
        assert!(text.contains("olga@fernhill.example"), "the mail names whom to ask: {text}");
        assert!(text.contains("30 days"), "{text}");
        assert_eq!(run(&w), [], "twice a day changes nothing more");
        assert_eq!(mails(&w).len(), 1);

        w.later(TimeDelta::days(6));
        assert_eq!(run(&w), [], "a week is given");
        assert_eq!(w.user(w.gus).status, Status::Active);
        w.later(TimeDelta::days(1));
        assert_eq!(run(&w), [(w.gus, Verdict::Deactivate)]);
        let gus = w.user(w.gus);
        assert_eq!((gus.status, gus.reason), (Status::Inactive, Some(Reason::Inactivity)));
        let told = &w.read(|rx| store::audit::list_about_user(rx, w.gus, 1))[0];
        assert_eq!((told.name.as_str(), told.actor, told.cause.as_deref()), ("user.deactivated", None, Some("automatic")));
        assert_eq!(mails(&w), [
            "gus@fernhill.example: Log in to keep your access to Fernhill",
            "gus@fernhill.example: Your access to Fernhill is paused",
        ]);
        let said = w.db.write_now(&w.system(), |tx| sessions::log_in(tx, w.gus)).expect_err("a refusal");
        assert!(said.to_string().contains("olga@fernhill.example"), "{said}");
        assert_eq!(run(&w), []);
        w.later(TimeDelta::days(1));
        assert_eq!(run(&w), []);
    }

    fn whoever_comes_after_the_warning_stays(w: World) {
        w.later(TimeDelta::days(40));
        set(&w, Some(30), vec![w.role(Standard::Guest)]).expect("to set");
        assert_eq!(run(&w), [(w.gus, Verdict::Warn)]);
        w.later(TimeDelta::days(3));
        comes(&w, w.gus);
        w.later(TimeDelta::days(5));
        assert_eq!(run(&w), [(w.gus, Verdict::Forget)]);
        w.later(TimeDelta::days(1));
        assert_eq!(run(&w), []);
        // The next time begins with a warning.
        w.later(TimeDelta::days(30));
        assert_eq!(run(&w), [(w.gus, Verdict::Warn)]);
    }

    fn whoever_was_reactivated_has_their_days_again(w: World) {
        w.later(TimeDelta::days(40));
        w.deactivate(w.gus);
        w.later(TimeDelta::days(40));
        let can = w.can(w.olga);
        w.by(w.olga, |tx| baton::actions::users::reactivate(tx, &can, w.gus)).expect("to come back");
        let guest = vec![w.role(Standard::Guest)];
        assert!(preview(&w, 30, &guest).is_empty());
        w.later(TimeDelta::days(30));
        assert_eq!(preview(&w, 30, &guest), [w.gus]);
    }

    fn the_preview_is_what_the_run_does(w: World) {
        let all: Vec<RoleId> = [Standard::Supervisor, Standard::Agent, Standard::Reader, Standard::Guest].map(|one| w.role(one)).to_vec();
        for (number, role) in [Standard::Guest, Standard::Agent, Standard::Admin, Standard::Owner].into_iter().enumerate() {
            w.newcomer(&format!("Early{number} Bird"), role, Status::Active);
            w.newcomer(&format!("Invited{number} Bird"), role, Status::Invited);
            w.newcomer(&format!("Gone{number} Bird"), role, Status::Inactive);
        }
        // Somebody who is a Guest and an Admin is no Guest.
        let both = w.newcomer("Both Bird", Standard::Guest, Status::Active);
        w.system_does(|tx| {
            store::roles::insert_of_user(tx, both, &[w.role(Standard::Admin)])?;
            Ok(tx.unrecorded((), "a test sets the scene"))
        });
        w.later(TimeDelta::days(70));
        comes(&w, w.agnes);
        for roles in [vec![w.role(Standard::Guest)], all] {
            let expected = preview(&w, 60, &roles);
            assert!(!expected.is_empty() && !expected.contains(&both));
            assert_eq!(set(&w, Some(60), roles).expect("to set"), expected.len());
            let active = w.read(|rx| store::users::list_by_status(rx, &[Status::Active]));
            run(&w);
            w.later(TimeDelta::days(7));
            run(&w);
            let still: Vec<UserId> = w.read(|rx| store::users::list_by_status(rx, &[Status::Active])).into_iter().map(|one| one.id).collect();
            let mut gone: Vec<UserId> = active.into_iter().map(|one| one.id).filter(|id| !still.contains(id)).collect();
            let mut expected = expected;
            gone.sort_unstable();
            expected.sort_unstable();
            assert_eq!(gone, expected);
        }
    }

    fn it_runs_once_in_a_day_of_the_workspace(w: World) {
        set(&w, Some(30), vec![w.role(Standard::Guest)]).expect("to set");
        run(&w);
        let next = w.read(store::inactivity::find).next_at.expect("a next time");
        let local = next.with_timezone(&chrono_tz::Europe::Berlin);
        assert_eq!((local.hour(), local.minute(), next > w.now()), (0, 0, true));
        let finish = |db: &baton::store::Db| {
            let scope = Scope::system(w.workspace, Some(Cause::Automatic));
            db.write_now(&scope, |tx| inactivity::finish(tx, next)).expect("to finish")
        };
        w.later(next - w.now());
        let b = w.instance_b();
        assert_eq!((finish(&w.db), finish(&b)), (true, false));
    }

    fn a_rule_that_is_changed_while_it_runs_is_looked_at_anew(w: World) {
        set(&w, Some(400), vec![w.role(Standard::Guest)]).expect("to set");
        let since = w.anywhere(store::anywhere::list_due_inactivity)[0].1;
        // While the run is under way, somebody says what hits Gus.
        w.later(TimeDelta::days(100));
        set(&w, Some(30), vec![w.role(Standard::Guest)]).expect("to set");
        let scope = Scope::system(w.workspace, Some(Cause::Automatic));
        assert!(!w.db.write_now(&scope, |tx| inactivity::finish(tx, since)).expect("to finish"));
        assert_eq!(run(&w), [(w.gus, Verdict::Warn)], "not only at midnight");
    }

    fn the_rule_is_never_about_owners_and_admins_and_only_about_roles_of_here(w: World) {
        for role in [Standard::Owner, Standard::Admin] {
            let said = refused(&w, || set(&w, Some(30), vec![w.role(role)]));
            assert_eq!(said, format!("The rule can’t apply to the role {}.", role.name()));
        }
        assert_eq!(refused(&w, || set(&w, Some(30), vec![])), "Choose at least one role that the rule applies to.");
        assert!(matches!(set(&w, Some(30), vec![w.other.role]), Err(Failure::NotFound)));
        w.later(TimeDelta::days(40));
        let change = |version, expected| Change { version, days: Some(30), roles: vec![w.role(Standard::Guest)], expected };
        let can = w.can(w.olga);
        let set_plainly = |change: &Change| w.by(w.olga, |tx| inactivity::set_rule(tx, &can, change));
        let version = version(&w);
        for expected in [None, Some(0), Some(2)] {
            let said = refused(&w, || set_plainly(&change(version, expected)));
            assert_eq!(said, "1 person would be warned now. Look at the list, then save again.");
        }
        assert!(matches!(set_plainly(&change(version - 1, Some(1))), Err(Failure::Stale)));
        set_plainly(&change(version, Some(1))).expect("to set");
        let events = w.events();
        set_plainly(&change(version + 1, Some(1))).expect("the same again");
        assert_eq!(w.events(), events);
    }

    fn turning_the_rule_off_voids_its_warnings(w: World) {
        w.later(TimeDelta::days(40));
        let guest = vec![w.role(Standard::Guest)];
        set(&w, Some(30), guest.clone()).expect("to set");
        run(&w);
        set(&w, None, guest.clone()).expect("to turn off");
        w.later(TimeDelta::days(8));
        assert_eq!(run(&w), []);
        set(&w, Some(30), guest).expect("to turn on");
        assert_eq!(run(&w), [(w.gus, Verdict::Warn)], "a week begins anew");
    }
}
