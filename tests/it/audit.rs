//! The chain over the audit trail: what is done to the database by hand is found and named (E-2).

use baton::actions;
use baton::domain::audit_chain::{Finding, Seal};
use baton::domain::users::Status;
use baton::store::audit::Recorded;
use baton::store::{self, audit_chain};
use baton::tasks;

use crate::support::{World, at_once, on_both};

/// Fernhill's trail with so many more events.
fn with_events(w: &World, count: usize) -> Vec<Recorded> {
    let can = w.can(w.olga);
    for number in 0..count {
        w.by(w.olga, |tx| actions::teams::create(tx, &can, &format!("Team {number}"), "")).expect("a team");
    }
    tasks::audit::seal_all(&w.db).expect("to seal");
    let mut all = w.read(|rx| store::audit::list_latest(rx, 1_000));
    all.reverse();
    all
}

fn verify_with(w: &World, kept: Option<&Seal>) -> (Vec<Finding>, Seal) {
    let mut found = Vec::new();
    let checked =
        tasks::audit::verify(&w.db, w.workspace, kept, |finding| found.push(finding.clone())).expect("to verify");
    assert_eq!(checked.findings, found.len());
    (found, checked.seal)
}

fn verify(w: &World) -> Vec<Finding> {
    verify_with(w, None).0
}

fn changed(seq: i64, event: &Recorded) -> Finding {
    Finding::Changed { seq, id: event.id, at: event.at, name: event.name.clone() }
}

fn number_of(w: &World, event: &Recorded) -> i64 {
    w.number(&format!("SELECT seq FROM audit_events WHERE id = {}", event.id))
}

on_both! {
    fn a_trail_that_nobody_touched_is_whole(w: World) {
        assert_eq!(verify(&w), [], "without a chain yet");
        with_events(&w, 5);
        let (found, seal) = verify_with(&w, None);
        assert_eq!((found, seal.seq), (vec![], w.events()));
        // Addresses are erased when a person is deleted; that is no tampering.
        w.database.execute("UPDATE audit_events SET address = NULL, request_id = NULL");
        with_events(&w, 0);
        w.newcomer("Nina Novak", baton::domain::roles::Standard::Agent, Status::Active);
        w.deactivate(w.bob);
        let (found, later) = verify_with(&w, Some(&seal));
        assert_eq!((found, later.seq), (vec![], w.events()));
        assert_eq!(w.number("SELECT count(*) FROM audit_events WHERE seq IS NULL AND workspace_id IN (SELECT workspace_id FROM audit_chains)"), 0);
        let other = tasks::audit::verify(&w.db, w.other.workspace, None, |finding| panic!("{finding}")).expect("theirs");
        assert_eq!(other.findings, 0);
    }

    fn a_changed_event_is_named(w: World) {
        let all = with_events(&w, 6);
        let one = &all[3];
        let seq = number_of(&w, one);
        w.database.execute(&format!("UPDATE audit_events SET details = '{{\"x\":1}}' WHERE id = {}", one.id));
        assert_eq!(verify(&w), [changed(seq, one)]);
        let said = changed(seq, one).to_string();
        assert!(said.contains(&format!("row {}", one.id)) && said.contains(&one.name), "{said}");
    }

    fn a_deleted_event_is_a_gap(w: World) {
        let all = with_events(&w, 6);
        let seq = number_of(&w, &all[3]);
        w.database.execute(&format!("DELETE FROM audit_events WHERE id = {}", all[3].id));
        assert_eq!(verify(&w), [Finding::Missing { first: seq, last: seq }]);
        with_events(&w, 0);
        w.deactivate(w.bob);
        assert_eq!(verify(&w), [Finding::Missing { first: seq, last: seq }], "what comes later is held to the rest");
    }

    fn a_deleted_end_is_told_by_the_chains_end(w: World) {
        let all = with_events(&w, 6);
        let last = number_of(&w, all.last().expect("the last"));
        for gone in &all[all.len() - 2..] {
            w.database.execute(&format!("DELETE FROM audit_events WHERE id = {}", gone.id));
        }
        assert_eq!(verify(&w), [Finding::TailMissing { first: last - 1, last }]);
        w.deactivate(w.bob);
        assert_eq!(verify(&w), [Finding::Missing { first: last - 1, last }], "and stays told when more is recorded");
    }

    fn swapped_events_are_named(w: World) {
        let all = with_events(&w, 6);
        let (one, two) = (&all[2], &all[4]);
        let (first, second) = (number_of(&w, one), number_of(&w, two));
        for (id, to) in [(one.id, -1), (two.id, first), (one.id, second)] {
            w.database.execute(&format!("UPDATE audit_events SET seq = {to} WHERE id = {id}"));
        }
        let found = verify(&w);
        assert!(found.contains(&changed(first, two)) && found.contains(&changed(second, one)), "{found:?}");
    }

    fn a_chain_without_its_end_is_told_and_not_begun_anew(w: World) {
        with_events(&w, 3);
        w.database.execute("DELETE FROM audit_chains");
        w.deactivate(w.bob);
        tasks::audit::seal_all(&w.db).expect("others go on");
        assert_eq!(verify(&w), [Finding::NoEnd]);
        assert!(w.number("SELECT count(*) FROM audit_events WHERE seq IS NULL") > 0);
    }

    fn numbers_given_by_hand_are_told(w: World) {
        let all = with_events(&w, 3);
        let end = number_of(&w, all.last().expect("the last"));
        w.deactivate(w.bob);
        w.database.execute(&format!("UPDATE audit_events SET seq = {}, hash = 'x' WHERE seq IS NULL", end + 7));
        assert_eq!(verify(&w), [Finding::Beyond { sealed: end, last: end + 7 }]);
    }

    fn a_seal_that_was_kept_is_found_again_or_not(w: World) {
        with_events(&w, 3);
        let (_, seal) = verify_with(&w, None);
        // Whoever can write the whole database can make up another chain, but not one with the same seal.
        w.database.execute("UPDATE audit_events SET details = '{\"x\":1}', seq = NULL, hash = NULL; DELETE FROM audit_chains");
        assert_eq!(verify(&w), []);
        assert_eq!(verify_with(&w, Some(&seal)).0, [Finding::OtherSeal { seq: seal.seq }]);
        let beyond = Seal { seq: 10_000, ..seal };
        assert_eq!(verify_with(&w, Some(&beyond)).0, [Finding::OtherSeal { seq: 10_000 }]);
    }

    fn what_is_added_by_hand_is_sealed_like_everything_else(w: World) {
        let all = with_events(&w, 2);
        w.database.execute(&format!(
            "INSERT INTO audit_events (workspace_id, at, actor_kind, name, subject_kind, details) \
             SELECT workspace_id, at, actor_kind, name, subject_kind, details FROM audit_events WHERE id = {}", all[0].id));
        let (found, seal) = verify_with(&w, None);
        assert_eq!((found, seal.seq), (vec![], w.events()));
    }

    /// Two instances, both at the very beginning of the chain and on their way.
    fn two_instances_seal_one_chain_while_others_write(w: World) {
        let b = w.instance_b();
        at_once(5, |thread| {
            let can = w.can(w.olga);
            for number in 0..12 {
                let name = format!("Team {thread} {number}");
                match thread {
                    0 | 1 => {
                        let db = if thread == 0 { &w.db } else { &b };
                        let sealed = db.anywhere_now(|ax| audit_chain::seal(ax, w.workspace, 7));
                        sealed.expect("to seal");
                    }
                    _ => drop(w.by(w.olga, |tx| actions::teams::create(tx, &can, &name, "")).expect("a team")),
                }
            }
        });
        let (found, seal) = verify_with(&w, None);
        assert_eq!((found, seal.seq), (vec![], w.events()));
    }
}
