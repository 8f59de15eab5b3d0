//! Two processes of the program on one PostgreSQL database: what one of them does counts for the other at once.

use std::time::{Duration, Instant};

use baton::domain::access::{Scope, Sees};
use baton::domain::conversations::Status;
use baton::domain::inbox::{Filter, Sort, Statuses};
use baton::store;
use chrono::TimeDelta;

use crate::support::app::App;
use crate::support::db::{Fresh, Kind};
use crate::support::sample::{self, ALICE, BOB, DANA, PASSWORD, number};
use crate::support::visitor::Visitor;

/// A person's id, as it stands in addresses.
pub fn id_of(database: &Fresh, email: &str) -> String {
    let db = sample::open(database);
    let found = db.read_now(sample::workspace(&db), |rx| store::users::find_by_email(rx, email));
    found.expect("to look").expect("a person").id.to_string()
}

/// Looks until it is so.
#[track_caller]
pub fn wait_until(what: &str, patience: Duration, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < patience, "not within {patience:?}: {what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

fn two() -> (Fresh, App, App) {
    let database = sample::database(Kind::Postgres);
    let (a, b) = (App::on(database.url()).start(), App::on(database.url()).start());
    (database, a, b)
}

#[test]
fn whoever_is_deactivated_on_one_is_logged_out_on_the_other_at_the_next_request() {
    let (database, a, b) = two();
    let alice = Visitor::logged_in(&a, ALICE, PASSWORD);
    let (phone, desk) = (alice.at(&b), Visitor::logged_in(&b, ALICE, PASSWORD));
    for browser in [&alice, &phone, &desk] {
        browser.get("/inbox").expect(200);
    }
    // A form that she has open.
    desk.get("/profile/security").expect(200);

    let dana = Visitor::logged_in(&a, DANA, PASSWORD);
    let path = format!("/settings/users/{}", id_of(&database, ALICE));
    dana.post(&format!("{path}/deactivate"), &[("reason", "left")]).expect(303);
    assert!(phone.get("/inbox").asks_to_log_in());
    let events = number(&database, "SELECT count(*) FROM audit_events");
    let stale = desk.post("/profile/security/sessions", &[]);
    assert!(stale.asks_to_log_in(), "{stale:?}");
    assert!(alice.get("/inbox").asks_to_log_in());
    assert_eq!(number(&database, "SELECT count(*) FROM audit_events"), events);
    assert!(Visitor::of(&b).log_in(ALICE, PASSWORD).expect(422).body.contains("deactivated"));

    // And back, the other way round.
    dana.at(&b).post(&format!("{path}/reactivate"), &[]).expect(303);
    Visitor::logged_in(&a, ALICE, PASSWORD).get("/inbox").expect(200);
    assert!(phone.get("/inbox").asks_to_log_in(), "what was ended stays ended");
}

#[test]
fn a_session_is_good_for_both_and_ends_for_both() {
    let (_database, a, b) = two();
    let dana = Visitor::logged_in(&a, DANA, PASSWORD);
    let there = dana.at(&b);
    there.get("/settings/users").expect(200);
    // A form of one can be posted to the other.
    there.post("/settings/teams", &[("name", "Night shift")]).expect(303);
    assert!(dana.get("/settings/teams").expect(200).body.contains("Night shift"));
    there.post("/logout", &[]).expect(303);
    assert!(dana.get("/inbox").asks_to_log_in());
}

#[test]
fn a_snooze_wakes_once() {
    let (database, _a, b) = two();
    let db = sample::open(&database);
    let workspace = sample::workspace(&db);
    let filter = Filter::of(Statuses::Only(Status::Snoozed));
    let asleep = db
        .read_now(workspace, |rx| store::inbox::list(rx, &filter, &Sees::All, Sort::Newest, None, 60))
        .expect("to look");
    let ids: Vec<_> = asleep.rows.iter().map(|row| row.conversation.id).collect();
    assert_eq!(ids.len(), 60);
    let woken = "SELECT count(*) FROM audit_events WHERE name = 'conversation.woken'";
    assert_eq!(number(&database, woken), 0);
    // All at the same instant, so that both look for the same.
    let until = db.now() + TimeDelta::milliseconds(1500);
    let scope = Scope::system(workspace, None);
    db.write_now(&scope, |tx| {
        for one in store::conversations::lock_many(tx, &ids)? {
            store::conversations::set_status(tx, &one, Status::Snoozed, Some(until))?;
        }
        Ok(tx.unrecorded((), "a test sets the scene"))
    })
    .expect("a scene");
    let due = "SELECT count(*) FROM conversations WHERE snoozed_until < now()";
    wait_until("all are awake", Duration::from_secs(20), || {
        number(&database, woken) >= 60 && number(&database, due) == 0
    });
    // Both look once more.
    std::thread::park_timeout(Duration::from_millis(1500));
    assert_eq!(number(&database, woken), 60);
    let each = "SELECT count(DISTINCT conversation_id) FROM audit_events WHERE name = 'conversation.woken'";
    assert_eq!(number(&database, each), 60);
    let bob = Visitor::logged_in(&b, BOB, PASSWORD);
    bob.get(&format!("/conversations/{}", asleep.rows[0].conversation.number)).expect(200);
}

#[test]
fn a_job_whose_instance_is_killed_is_finished_by_the_other() {
    let (database, mut a, b) = two();
    let bob = Visitor::logged_in(&a, BOB, PASSWORD);
    let there = bob.at(&b);
    let to = format!("user:{}", id_of(&database, ALICE));
    let form = [("action", "assign"), ("scope", "matching"), ("status", "open"), ("target", to.as_str())];
    std::thread::scope(|scope| {
        let posted = scope.spawn(|| bob.try_post("/inbox/bulk", &form));
        wait_until("two steps are done", Duration::from_secs(20), || {
            number(&database, "SELECT coalesce(sum(done + skipped), 0) FROM bulk_jobs") >= 1000
        });
        a.crash();
        // Its answer may have come or not.
        let _ = posted.join();
    });
    assert_eq!(
        number(&database, "SELECT count(*) FROM bulk_jobs WHERE finished_at IS NULL"),
        1,
        "it was killed too late"
    );
    wait_until("the other takes over", Duration::from_secs(30), || {
        number(&database, "SELECT count(*) FROM bulk_jobs WHERE finished_at IS NULL") == 0
    });
    super::crashes::is_exact(&database, "SELECT id FROM bulk_jobs");
    there.get("/inbox").expect(200);
    wait_until("nothing is left to do", Duration::from_secs(5), || {
        number(&database, "SELECT count(*) FROM tasks") == 0
    });
}
