//! However two Owners act on each other, one active Owner stays (U-6).

use baton::actions::users::{self, Edit};
use baton::domain::access::{Can, Scope};
use baton::domain::ids::UserId;
use baton::domain::roles::Standard;
use baton::domain::users::{Status, UserRefusal};
use baton::failure::{Failure, Refusal};
use baton::store::{self, Db};

use crate::support::world::scope_of;
use crate::support::{World, both_at_once, on_both};

const ROUNDS: usize = 50;

fn active_owners(w: &World) -> Vec<String> {
    w.read(store::users::list_active_owner_names)
}

fn deactivate(db: &Db, scope: &Scope, who: UserId) -> Result<(), Failure> {
    let can = Can::check(scope).expect("an Owner may");
    db.write_now(scope, |tx| users::deactivate(tx, &can, who, None, None)).map(|_| ())
}

/// Takes the role Owner away, and leaves the role Admin.
fn demote(db: &Db, scope: &Scope, w: &World, who: UserId) -> Result<(), Failure> {
    let can = Can::check(scope).expect("an Owner may");
    let user = db.read_now(w.workspace, |rx| store::users::find(rx, who))?.expect("a user");
    let edit = Edit {
        version: user.version,
        email: user.email,
        name: user.name,
        beta_access: user.beta_access,
        roles: Some(vec![w.roles[&Standard::Admin]]),
        teams: None,
        channels: None,
        leaves_channels: false,
    };
    db.write_now(scope, |tx| users::update(tx, &can, who, &edit)).map(|_| ())
}

/// Makes both active Owners again.
fn reset(w: &World, both: [UserId; 2]) {
    let owner = w.roles[&Standard::Owner];
    w.system_does(|tx| {
        for who in both {
            let user = store::users::lock(tx, who)?;
            if user.status != Status::Active {
                store::users::set_status(tx, &user, Status::Active, None)?;
            }
            if !user.is_owner {
                store::roles::insert_of_user(tx, who, &[owner])?;
            }
        }
        Ok(tx.unrecorded((), "a test starts over"))
    });
}

/// The scopes as they were when both requests came in: each still an Owner.
fn scopes(w: &World, both: [UserId; 2]) -> [Scope; 2] {
    both.map(|who| w.read(|rx| scope_of(rx, who)))
}

fn is_refused_for_the_only_owner(answer: &Result<(), Failure>) -> bool {
    matches!(answer, Err(Failure::Refused(Refusal::User(UserRefusal::OnlyOwner(_)))))
}

on_both! {
    fn two_owners_who_deactivate_each_other_leave_one(w: World) {
        let omar = w.newcomer("Omar Odeh", Standard::Owner, Status::Active);
        let (both, b) = ([w.olga, omar], w.instance_b());
        for round in 0..ROUNDS {
            let [olga, other] = scopes(&w, both);
            let (one, two) = both_at_once(|| deactivate(&w.db, &olga, omar), || deactivate(&b, &other, w.olga));
            assert_eq!(active_owners(&w).len(), 1, "round {round}: {one:?} {two:?}");
            let refused = [&one, &two].into_iter().filter(|answer| is_refused_for_the_only_owner(answer)).count();
            assert_eq!((one.is_ok() || two.is_ok(), refused), (true, 1), "round {round}: {one:?} {two:?}");
            reset(&w, both);
        }
    }

    fn two_owners_who_take_the_role_from_each_other_leave_one(w: World) {
        let omar = w.newcomer("Omar Odeh", Standard::Owner, Status::Active);
        let (both, b) = ([w.olga, omar], w.instance_b());
        for round in 0..ROUNDS {
            let [olga, other] = scopes(&w, both);
            let (one, two) = both_at_once(|| demote(&w.db, &olga, &w, omar), || demote(&b, &other, &w, w.olga));
            assert_eq!(active_owners(&w).len(), 1, "round {round}: {one:?} {two:?}");
            let refused = [&one, &two].into_iter().filter(|answer| is_refused_for_the_only_owner(answer)).count();
            assert_eq!(refused, 1, "round {round}: {one:?} {two:?}");
            reset(&w, both);
        }
    }

    fn one_who_deactivates_and_one_who_takes_the_role_leave_one(w: World) {
        let omar = w.newcomer("Omar Odeh", Standard::Owner, Status::Active);
        let (both, b) = ([w.olga, omar], w.instance_b());
        for round in 0..ROUNDS {
            let [olga, other] = scopes(&w, both);
            let (one, two) = both_at_once(|| deactivate(&w.db, &olga, omar), || demote(&b, &other, &w, w.olga));
            assert_eq!(active_owners(&w).len(), 1, "round {round}: {one:?} {two:?}");
            assert!(one.is_ok() != two.is_ok(), "round {round}: {one:?} {two:?}");
            reset(&w, both);
        }
    }

    fn three_owners_who_give_up_their_role_at_once_leave_one(w: World) {
        let omar = w.newcomer("Omar Odeh", Standard::Owner, Status::Active);
        let oona = w.newcomer("Oona Orr", Standard::Owner, Status::Active);
        let all = [w.olga, omar, oona];
        for _ in 0..10 {
            let scopes = all.map(|who| w.read(|rx| scope_of(rx, who)));
            let answers = crate::support::at_once(3, |number| demote(&w.db, &scopes[number], &w, all[number]));
            assert_eq!(active_owners(&w).len(), 1, "{answers:?}");
            assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 2, "{answers:?}");
            reset(&w, [w.olga, omar]);
            reset(&w, [omar, oona]);
        }
    }

    fn invited_and_inactive_owners_do_not_count(w: World) {
        let ines = w.newcomer("Ines Ito", Standard::Owner, Status::Invited);
        let otto = w.newcomer("Otto Orr", Standard::Owner, Status::Inactive);
        assert_eq!(active_owners(&w), ["Olga Owens"]);
        let counted = w.system_does(|tx| {
            let counted = store::users::lock_active_owners(tx)?;
            tx.unchanged(counted)
        });
        assert_eq!(counted, 1);
        let said = deactivate(&w.db, &w.system(), w.olga).expect_err("the only Owner");
        assert_eq!(said.to_string(), "Olga Owens is the only Owner. Make someone else Owner first.");
        let said = demote(&w.db, &w.scope(w.olga), &w, w.olga).expect_err("the only Owner");
        assert_eq!(said.to_string(), "Olga Owens is the only Owner. Make someone else Owner first.");
        // Those who do not count can lose the role.
        demote(&w.db, &w.scope(w.olga), &w, ines).expect("an invited Owner is no active one");
        demote(&w.db, &w.scope(w.olga), &w, otto).expect("an inactive Owner is no active one");
        assert_eq!(active_owners(&w), ["Olga Owens"]);
    }

    fn whoever_comes_back_as_owner_while_the_other_leaves_is_counted(w: World) {
        let omar = w.newcomer("Omar Odeh", Standard::Owner, Status::Inactive);
        let b = w.instance_b();
        for _ in 0..20 {
            let system = w.system();
            let reactivate = || {
                let can = Can::check(&system).expect("the system may");
                b.write_now(&system, |tx| users::reactivate(tx, &can, omar)).map(|_| ())
            };
            let (left, back) = both_at_once(|| deactivate(&w.db, &system, w.olga), reactivate);
            back.expect("Omar comes back whatever Olga does");
            let expected = if left.is_ok() { vec!["Omar Odeh"] } else { vec!["Olga Owens", "Omar Odeh"] };
            let mut there = active_owners(&w);
            there.sort();
            assert_eq!(there, expected);
            reset(&w, [w.olga, omar]);
            w.deactivate(omar);
        }
    }
}
