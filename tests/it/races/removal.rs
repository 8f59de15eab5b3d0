//! Removing and deleting, against each other and against everything that brings somebody back (U-6, U-10, U-11).

use baton::actions::removal::{self, Request};
use baton::actions::users;
use baton::actions::{bulk, conversations, invites};
use baton::domain::access::{Can, Scope, Sees};
use baton::domain::assignment::Target;
use baton::domain::bulk_change::Change;
use baton::domain::conversations::StatusChange;
use baton::domain::ids::UserId;
use baton::domain::roles::Standard;
use baton::domain::users::{Name, Status};
use baton::failure::{Failure, Refusal};
use baton::store::{self, Db};

use crate::support::world::{base, scope_of};
use crate::support::{World, both_at_once, on_both};

const ROUNDS: usize = 50;

fn remove(db: &Db, scope: &Scope, who: UserId) -> Result<(), Failure> {
    let can = Can::check(scope).expect("an Owner may");
    db.write_now(scope, |tx| removal::remove(tx, &can, who, None)).map(|_| ())
}

fn delete(db: &Db, scope: &Scope, who: UserId, email: &str) -> Result<(), Failure> {
    let can = Can::check(scope).expect("an Owner may");
    let request = Request { confirm: email.to_owned(), deactivate: true, reason: None };
    db.write_now(scope, |tx| removal::delete(tx, &can, who, None, &request)).map(|_| ())
}

fn active_owners(w: &World) -> usize {
    w.read(store::users::list_active_owner_names).len()
}

/// Two new Owners beside Olga, who then leaves the stage.
fn two_owners(w: &World, round: usize) -> ([UserId; 2], [String; 2]) {
    let names = [format!("Una{round} Ulm"), format!("Vera{round} Voss")];
    let both = [0, 1].map(|n: usize| w.newcomer(&names[n], Standard::Owner, Status::Active));
    let emails = both.map(|who| w.user(who).email);
    (both, emails)
}

fn only_these(w: &World, both: [UserId; 2]) {
    let owner = w.roles[&Standard::Owner];
    w.system_does(|tx| {
        let all = store::users::list_active_owners(tx)?;
        for other in all.into_iter().filter(|one| !both.contains(&one.id)) {
            store::roles::delete_of_user(tx, other.id, &[owner])?;
        }
        Ok(tx.unrecorded((), "a test starts over"))
    });
}

/// Does what is queued.
fn work_off(w: &World) {
    while let Some(claimed) = w.anywhere(store::tasks::claim) {
        let store::tasks::Task::RunBulk(job) = claimed.task;
        if claimed.workspace == w.workspace {
            let scope = Scope::on_behalf(w.workspace, w.olga);
            while !w.db.write_now(&scope, |tx| bulk::run_chunk(tx, job)).expect("a chunk").ended {}
        }
        w.anywhere(|ax| store::tasks::delete(ax, claimed.id));
    }
}

on_both! {
    fn two_owners_who_delete_or_remove_each_other_leave_one(w: World) {
        let b = w.instance_b();
        for round in 0..ROUNDS {
            let (both, emails) = two_owners(&w, round);
            only_these(&w, both);
            let [una, vera] = both.map(|who| w.read(|rx| scope_of(rx, who)));
            let (one, two) = if round % 2 == 0 {
                both_at_once(|| delete(&w.db, &una, both[1], &emails[1]), || delete(&b, &vera, both[0], &emails[0]))
            } else {
                both_at_once(|| remove(&w.db, &una, both[1]), || delete(&b, &vera, both[0], &emails[0]))
            };
            assert_eq!(active_owners(&w), 1, "round {round}: {one:?} {two:?}");
            assert!(one.is_ok() != two.is_ok(), "round {round}: {one:?} {two:?}");
            let no = one.and(two).expect_err("one is refused").to_string();
            assert!(no.ends_with("is the only Owner. Make someone else Owner first."), "{no}");
        }
    }

    fn whoever_is_deleted_while_they_come_back_is_one_or_the_other(w: World) {
        let b = w.instance_b();
        let system = w.system();
        for round in 0..ROUNDS {
            let dora = w.newcomer(&format!("Dora{round} Dahl"), Standard::Agent, Status::Inactive);
            let email = w.user(dora).email;
            let reactivate = || {
                let can = Can::check(&system).expect("the system may");
                b.write_now(&system, |tx| users::reactivate(tx, &can, dora)).map(|_| ())
            };
            let gone = || {
                if round % 2 == 0 { delete(&w.db, &system, dora, &email) } else { remove(&w.db, &system, dora) }
            };
            let (left, back) = both_at_once(gone, reactivate);
            // Whoever is back was never used, so both can happen, one after the other; never half of each.
            left.expect("gone, before or after");
            assert!(back.is_ok() || matches!(back, Err(Failure::Refused(Refusal::User(_)))), "{back:?}");
            let user = w.user(dora);
            assert!(user.status.is_gone() && user.email.is_empty(), "{user:?}");
            assert_eq!(w.read(|rx| store::sessions::count_of_user(rx, dora)), 0);
        }
    }

    fn of_two_deletions_one_happens_and_numbers_are_never_shared(w: World) {
        let (b, olga) = (w.instance_b(), w.scope(w.olga));
        for round in 0..ROUNDS / 2 {
            let one = w.newcomer(&format!("Ilse{round} Iden"), Standard::Agent, Status::Inactive);
            let email = w.user(one).email;
            let (first, second) = both_at_once(|| delete(&w.db, &olga, one, &email), || delete(&b, &olga, one, &email));
            assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
            let pair = [0, 1].map(|n| w.newcomer(&format!("Pia{round}x{n} Pohl"), Standard::Agent, Status::Inactive));
            let emails = pair.map(|who| w.user(who).email);
            let (first, second) =
                both_at_once(|| delete(&w.db, &olga, pair[0], &emails[0]), || delete(&b, &olga, pair[1], &emails[1]));
            first.and(second).expect("both are deleted");
        }
        let names = w.database.lines("SELECT full_name AS line FROM users WHERE status = 'deleted'");
        let different: std::collections::HashSet<_> = names.iter().collect();
        assert_eq!(different.len(), names.len());
    }

    fn of_two_invites_one_brings_them_back(w: World) {
        let (b, olga) = (w.instance_b(), w.scope(w.olga));
        for round in 0..ROUNDS / 2 {
            let one = w.newcomer(&format!("Resi{round} Rau"), Standard::Agent, Status::Active);
            let email = w.user(one).email;
            remove(&w.db, &olga, one).expect("to be removed");
            let new = invites::New {
                email: email.clone(),
                name: Name { full: "Resi Rau".to_owned(), display: "Resi".to_owned() },
                roles: vec![w.roles[&Standard::Agent]],
                teams: vec![],
                channels: vec![],
                send: false,
            };
            let can = || Can::check(&olga).expect("Olga may");
            let (back, fresh) = both_at_once(
                || w.db.write_now(&olga, |tx| invites::restore(tx, &can(), &base(), &new, true)),
                || b.write_now(&olga, |tx| invites::start_fresh(tx, &can(), &base(), &new)),
            );
            assert!(back.is_ok() != fresh.is_ok(), "{back:?} {fresh:?}");
            let of_address =
                format!("SELECT count(*) FROM users WHERE email_key = '{}'", email.to_lowercase());
            assert_eq!(w.number(&of_address), 1);
        }
    }

    fn nobody_is_given_work_while_they_are_deleted(w: World) {
        let (b, olga, sven) = (w.instance_b(), w.scope(w.olga), w.scope(w.sven));
        for round in 0..ROUNDS / 2 {
            let one = w.newcomer(&format!("Kai{round} Kern"), Standard::Agent, Status::Active);
            let email = w.user(one).email;
            let (_, number) = w.conversation(&w.draft());
            let assign = || {
                let can = Can::check(&sven).expect("Sven may");
                b.write_now(&sven, |tx| conversations::assign(tx, &can, number, Target::User(one))).map(|_| ())
            };
            let (gone, given) = both_at_once(|| delete(&w.db, &olga, one, &email), assign);
            gone.expect("deleted");
            while let Some(claimed) = w.anywhere(store::tasks::claim) {
                #[expect(irrefutable_let_patterns, reason = "other work does not matter here")]
            let store::tasks::Task::RunBulk(job) = claimed.task else { continue };
                if claimed.workspace == w.workspace {
                    let scope = Scope::on_behalf(w.workspace, w.olga);
                    while !w.db.write_now(&scope, |tx| baton::actions::bulk::run_chunk(tx, job)).expect("a chunk").ended {}
                }
                w.anywhere(|ax| store::tasks::delete(ax, claimed.id));
            }
            let held = format!("SELECT count(*) FROM conversations c JOIN users u ON u.id = c.assignee_id WHERE u.status = 'deleted' AND c.status = 'open' AND c.number = {number}");
            assert_eq!(w.number(&held), 0, "round {round}: {given:?}");
        }
    }

    fn what_many_reopen_while_its_handler_is_removed_comes_back_to_nobody(w: World) {
        let (b, olga, ada) = (w.instance_b(), w.scope(w.olga), w.scope(w.ada));
        for round in 0..ROUNDS / 2 {
            let one = w.newcomer(&format!("Nora{round} Nord"), Standard::Agent, Status::Active);
            let (_, number) = w.conversation(&w.draft().assignee(one).now(StatusChange::Close));
            let request = bulk::Request {
                picked: bulk::Picked::Numbers(vec![number.0]),
                change: Change::Status(StatusChange::Open),
                submission: format!("reopen {round}"),
            };
            let can = Can::check(&ada).expect("Ada may");
            let job = b.write_now(&ada, |tx| bulk::start(tx, &can, &request)).expect("a job").job;
            let reopen = || b.write_now(&ada, |tx| bulk::run_chunk(tx, job)).map(|_| ());
            let (gone, back) = both_at_once(|| remove(&w.db, &olga, one), reopen);
            gone.and(back).expect("both happen");
            work_off(&w);
            let held = w.read(|rx| store::conversations::find(rx, number, &Sees::All)).expect("a conversation");
            assert_eq!(held.assignee, None, "round {round}");
        }
    }

    fn what_comes_back_while_its_handler_is_removed_comes_back_to_nobody(w: World) {
        let (b, olga, sven) = (w.instance_b(), w.scope(w.olga), w.scope(w.sven));
        for round in 0..ROUNDS / 2 {
            let one = w.newcomer(&format!("Lena{round} Lund"), Standard::Agent, Status::Active);
            let (_, number) = w.conversation(&w.draft().assignee(one).now(StatusChange::Close));
            let reopen = || {
                let can = Can::check(&sven).expect("Sven may");
                b.write_now(&sven, |tx| conversations::change_status(tx, &can, number, StatusChange::Open)).map(|_| ())
            };
            let (gone, back) = both_at_once(|| remove(&w.db, &olga, one), reopen);
            gone.and(back).expect("both happen");
            work_off(&w);
            let held = w.read(|rx| store::conversations::find(rx, number, &Sees::All)).expect("a conversation");
            assert_eq!(held.assignee, None, "round {round}");
        }
    }
}
