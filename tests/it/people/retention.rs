//! Former users are kept for years and deleted afterwards (E-3); own accounts are deleted by their owners (U-15).

use baton::actions::removal;
use baton::actions::users::Plan;
use baton::domain::ids::UserId;
use baton::domain::roles::Standard;
use baton::domain::users::Status;
use baton::failure::Failure;
use baton::store;
use baton::tasks::retention;
use chrono::TimeDelta;

use super::removing::{holder, remove, run};
use super::{refused, since};
use crate::support::world::base;
use crate::support::{World, both_at_once, on_both};

fn keep_for_a_year(w: &World, and_delete: bool) {
    w.database.execute(&format!(
        "UPDATE workspaces SET retention_years = 1, retention_deletes = {and_delete} WHERE slug = 'fernhill'"
    ));
}

/// Both instances look at the same moment; says how many were deleted in all.
fn both_look(w: &World) -> usize {
    let b = w.instance_b();
    let look = |db: &store::Db| retention::run_now(db, &base()).expect("a look");
    let (one, two) = both_at_once(|| look(&w.db), || look(&b));
    one + two
}

fn mails(w: &World, kind: &str) -> i64 {
    w.number(&format!("SELECT count(*) FROM outbox WHERE kind = '{kind}'"))
}

fn delete_own(w: &World, who: UserId) -> Result<removal::Gone, Failure> {
    w.by(who, |tx| removal::delete_own(tx, &base()))
}

on_both! {
    fn former_users_are_announced_a_week_ahead_and_deleted_once(w: World) {
        keep_for_a_year(&w, true);
        w.deactivate(w.bob);
        w.later(TimeDelta::days(30));
        remove(&w, w.olga, w.gus, Plan::default()).expect("to be removed");
        w.deactivate(w.rita);
        w.database.execute("UPDATE users SET returns_at = status_changed_at WHERE email_key = 'rita@fernhill.example'");
        assert_eq!((both_look(&w), mails(&w, "deletions")), (0, 0));
        // A week before Bob's year is over, the Owners are told, once.
        w.later(TimeDelta::days(365 - 30 - 7));
        let events = w.events();
        assert_eq!((both_look(&w), mails(&w, "deletions")), (0, 1));
        assert_eq!(since(&w, events), ["deletions.announced"]);
        let told = w.database.lines("SELECT text_body AS line FROM outbox WHERE kind = 'deletions'");
        assert!(told[0].contains("Bob Keller (bob@fernhill.example)") && !told[0].contains("Gus"), "{told:?}");
        assert_eq!((both_look(&w), mails(&w, "deletions")), (0, 1));
        w.later(TimeDelta::days(6));
        assert_eq!(both_look(&w), 0);
        // On the day, he is deleted, once; and it says by itself why.
        w.later(TimeDelta::days(1));
        let events = w.events();
        assert_eq!(both_look(&w), 1);
        assert!(since(&w, events).contains(&"user.deleted".to_owned()));
        let trail = &w.read(|rx| store::audit::list_about_user(rx, w.bob, 1))[0];
        assert_eq!((trail.actor, trail.cause.as_deref()), (None, Some("retention")));
        assert_eq!(w.user(w.bob).status, Status::Deleted);
        let told = w.database.lines("SELECT text_body AS line FROM outbox WHERE kind = 'deletions'");
        assert!(!told[0].contains("Bob") && told[0].contains("Deleted user 1"), "{told:?}");
        // Gus follows a month later; whoever is removed is told by who they were.
        w.later(TimeDelta::days(30));
        assert_eq!((both_look(&w), mails(&w, "deletions")), (0, 2));
        w.later(TimeDelta::days(7));
        assert!(both_look(&w) >= 1);
        assert_eq!(w.user(w.gus).status, Status::Deleted);
        assert_eq!(both_look(&w), 0);
    }

    fn being_down_over_the_date_skips_no_notice(w: World) {
        keep_for_a_year(&w, true);
        w.deactivate(w.bob);
        w.later(TimeDelta::days(500));
        assert_eq!((both_look(&w), mails(&w, "deletions")), (0, 1));
        w.later(TimeDelta::days(6));
        assert_eq!(both_look(&w), 0);
        w.later(TimeDelta::days(1));
        assert_eq!(both_look(&w), 1);
    }

    fn it_is_off_unless_it_is_switched_on_and_coming_back_counts(w: World) {
        keep_for_a_year(&w, false);
        w.deactivate(w.bob);
        w.deactivate(w.gus);
        w.later(TimeDelta::days(1_000));
        assert_eq!((both_look(&w), mails(&w, "deletions")), (0, 0));
        keep_for_a_year(&w, true);
        assert_eq!((both_look(&w), mails(&w, "deletions")), (0, 1));
        let can = w.can(w.olga);
        w.by(w.olga, |tx| baton::actions::users::reactivate(tx, &can, w.bob)).expect("to come back");
        w.deactivate(w.bob);
        w.later(TimeDelta::days(8));
        assert_eq!(both_look(&w), 1, "only Gus");
        assert_eq!((w.user(w.bob).status, w.user(w.gus).status), (Status::Inactive, Status::Deleted));
    }

    fn whoever_deletes_their_own_account_leaves_their_work_to_others(w: World) {
        let held = w.open_of(w.bob, 1);
        w.session(w.bob, "his phone");
        let gone = delete_own(&w, w.bob).expect("to be deleted");
        assert_eq!((gone.name.as_str(), gone.sessions_ended), ("Deleted user 1", 1));
        run(&w, gone.job.expect("a job"));
        assert_eq!(holder(&w, held[0].1), (None, None));
        // Olga, Ada and Sven may hand work over; they are told without a name.
        assert_eq!(mails(&w, "own_deletion"), 3);
        let told = w.database.lines("SELECT text_body AS line FROM outbox WHERE kind = 'own_deletion'");
        assert!(told[0].contains("Deleted user 1") && told[0].contains("Support") && !told[0].contains("Bob"), "{told:?}");
        let deleted = &w.read(|rx| store::audit::list_about_user(rx, w.bob, 1))[0];
        assert_eq!((deleted.name.as_str(), deleted.actor), ("user.deleted", Some(w.bob)));
        assert_eq!(w.number("SELECT count(*) FROM audit_events WHERE name = 'user.deleted' AND address IS NOT NULL"), 0);
    }

    fn the_last_owner_and_whoever_is_kept_cannot_delete_themselves(w: World) {
        let said = refused(&w, || delete_own(&w, w.olga));
        assert_eq!(said, "Olga Owens is the only Owner. Make someone else Owner first.");
        keep_for_a_year(&w, false);
        let said = refused(&w, || delete_own(&w, w.bob));
        assert_eq!(
            said,
            "This workspace keeps former users for 1 year, so you can’t delete your account yourself. Ask an Owner."
        );
        w.database.execute("UPDATE workspaces SET retention_years = NULL");
        let omar = w.newcomer("Omar Odeh", Standard::Owner, Status::Active);
        let scopes = [w.olga, omar].map(|who| w.scope(who));
        let b = w.instance_b();
        let own = |db: &store::Db, n: usize| db.write_now(&scopes[n], |tx| removal::delete_own(tx, &base())).map(|_| ());
        let (one, two) = both_at_once(|| own(&w.db, 0), || own(&b, 1));
        assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
        assert_eq!(w.read(store::users::list_active_owner_names).len(), 1);
    }
}
