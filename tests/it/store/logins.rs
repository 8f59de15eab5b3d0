//! Log-in: sessions, attempts, and how guessing is slowed down (S-2, S-6).

use baton::domain::logins::{FAILURES, WINDOW, wait};
use baton::domain::secrets::hash;
use baton::store;
use chrono::{DateTime, TimeDelta, Utc};

use crate::support::{World, on_both};

fn attempt(w: &World, account: &str, address: &str, succeeded: bool) {
    w.anywhere(|ax| {
        let new = store::logins::NewAttempt {
            workspace: Some(w.workspace),
            user: Some(w.bob),
            account_hash: account,
            address,
            device: "Firefox",
            succeeded,
        };
        store::logins::insert(ax, &new)
    });
}

fn failures(w: &World, account: &str, address: &str) -> (Vec<DateTime<Utc>>, Vec<DateTime<Utc>>) {
    w.anywhere(|ax| store::logins::list_failures(ax, account, address))
}

on_both! {
    fn ten_failures_make_an_account_wait_and_time_lets_it_go_on(w: World) {
        for _ in 0..FAILURES {
            assert_eq!(wait(&failures(&w, "bob", "a").0, FAILURES, w.now()), None);
            attempt(&w, "bob", "a", false);
            w.later(TimeDelta::seconds(30));
        }
        let waiting = wait(&failures(&w, "bob", "a").0, FAILURES, w.now()).expect("to wait");
        assert_eq!(waiting, WINDOW - TimeDelta::seconds(300));
        assert_eq!(wait(&failures(&w, "agnes", "a").0, FAILURES, w.now()), None, "somebody else is not kept waiting");
        w.later(waiting);
        assert_eq!(wait(&failures(&w, "bob", "a").0, FAILURES, w.now()), None);
    }

    fn a_success_forgives_an_account_but_not_an_address(w: World) {
        for _ in 0..4 {
            attempt(&w, "bob", "a", false);
        }
        w.later(TimeDelta::seconds(1));
        attempt(&w, "bob", "a", true);
        w.later(TimeDelta::seconds(1));
        attempt(&w, "bob", "a", false);
        let (account, address) = failures(&w, "bob", "a");
        assert_eq!((account, address.len()), (vec![w.now()], 5));
        attempt(&w, "agnes", "a", false);
        let (account, address) = failures(&w, "bob", "a");
        assert_eq!((account.len(), address.len()), (1, 6), "of whichever account");
        assert_eq!(failures(&w, "bob", "b").1.len(), 0);
        let history = w.read(|rx| store::logins::list_of_user(rx, w.bob, 3));
        assert_eq!(history.len(), 3);
        assert!(history.is_sorted_by(|a, b| a.at >= b.at), "latest first");
    }

    fn whoever_has_a_network_of_ipv6_is_counted_once(w: World) {
        for last in 0..5 {
            attempt(&w, "bob", &format!("2001:db8:1:2::{last}"), false);
        }
        assert_eq!(failures(&w, "agnes", "2001:db8:1:2:ffff::9").1.len(), 5);
        assert_eq!(failures(&w, "agnes", "2001:db8:1:3::1").1.len(), 0);
        let shown = &w.read(|rx| store::logins::list_of_user(rx, w.bob, 1))[0].address;
        assert!(shown.starts_with("2001:db8:1:2::"), "the history shows the whole address: {shown}");
    }

    fn a_session_is_found_by_its_key_while_its_person_is_active(w: World) {
        let id = w.session(w.bob, "his cookie");
        let find = |key: &str| w.anywhere(|ax| store::anywhere::find_session(ax, &hash(key)));
        let found = find("his cookie").expect("a session");
        assert_eq!((found.id, found.user, found.workspace, found.name.display.as_str()), (id, w.bob, w.workspace, "Bob"));
        assert_eq!((found.created_at, found.last_seen_at), (w.now(), w.now()));
        assert!(find("another cookie").is_none());
        assert!(find("Xena's cookie").is_some_and(|xenas| xenas.workspace == w.other.workspace));
        w.anywhere(|ax| store::anywhere::set_session_state(ax, &hash("his cookie"), r#"{"toast":"Saved"}"#));
        assert_eq!(find("his cookie").expect("a session").state, r#"{"toast":"Saved"}"#);
        w.later(TimeDelta::minutes(5));
        w.system_does(|tx| {
            store::sessions::set_seen(tx, id, "203.0.113.9")?;
            Ok(tx.unrecorded((), "a session's last use"))
        });
        let seen = &w.read(|rx| store::sessions::list_of_user(rx, w.bob))[0];
        assert_eq!((seen.address.as_str(), seen.last_seen_at), ("203.0.113.9", w.now()));
        w.deactivate(w.bob);
        assert!(find("his cookie").is_none());
    }

    fn dead_sessions_are_swept_and_living_ones_stay(w: World) {
        let idle = w.session(w.bob, "idle");
        w.later(TimeDelta::days(13));
        let fresh = w.session(w.bob, "fresh");
        assert_eq!(w.anywhere(store::anywhere::delete_dead_sessions), 0);
        w.later(TimeDelta::days(1) + TimeDelta::seconds(1));
        assert_eq!(w.anywhere(store::anywhere::delete_dead_sessions), 2, "Bob’s idle one and Xena’s");
        let left: Vec<_> = w.read(|rx| store::sessions::list_of_user(rx, w.bob)).into_iter().map(|one| one.id).collect();
        assert_eq!(left, [fresh]);
        assert_ne!(left, [idle]);
        // Used every day, it still ends after thirty.
        for _ in 0..31 {
            w.later(TimeDelta::days(1));
            w.system_does(|tx| {
                store::sessions::set_seen(tx, fresh, "a")?;
                Ok(tx.unrecorded((), "a session's last use"))
            });
        }
        assert_eq!(w.anywhere(store::anywhere::delete_dead_sessions), 1);
    }

    fn a_reset_link_leads_to_its_person_for_an_hour(w: World) {
        let secret = w.system_does(|tx| {
            let secret = store::logins::insert_password_link(tx, w.bob, TimeDelta::hours(1))?;
            Ok(tx.unrecorded(secret, "a test sets the scene"))
        });
        let find = || w.anywhere(|ax| store::anywhere::find_password_link(ax, &secret.hash()));
        assert_eq!(find(), Some((w.workspace, w.bob)));
        w.later(TimeDelta::hours(1) - TimeDelta::microseconds(1));
        assert_eq!(find(), Some((w.workspace, w.bob)), "looking does not use it up");
        w.later(TimeDelta::microseconds(1));
        assert_eq!(find(), None);
    }
}
