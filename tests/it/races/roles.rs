//! Roles under concurrency: deleted while given, edited twice, bulk changes that cross (R-2, U-6, U-14).

use baton::actions::roles::{self, Wanted};
use baton::actions::users::{self, RoleChange};
use baton::actions::users_bulk::Change;
use baton::domain::access::{Can, Key, Scope};
use baton::domain::ids::{RoleId, UserId};
use baton::domain::roles::Standard;
use baton::domain::users::Status;
use baton::failure::Failure;
use baton::store::{self, Db};
use baton::web::pages::settings_users_each::{Outcome, run};

use crate::support::{World, both_at_once, on_both};

fn make(w: &World, name: &str) -> RoleId {
    let can = w.can(w.olga);
    let wanted = Wanted {
        name: name.to_owned(),
        description: String::new(),
        permissions: [Key::ContactsView].into_iter().collect(),
    };
    w.by(w.olga, |tx| roles::create(tx, &can, &wanted)).expect("a role")
}

fn deactivate(db: &Db, scope: &Scope, ids: &[UserId]) -> Vec<(UserId, Outcome)> {
    let can = Can::check(scope).expect("an Owner may");
    let change = Change::Deactivate { can, reason: None, plan: None };
    run(db, scope, &change, ids)
}

fn demote(db: &Db, scope: &Scope, w: &World, ids: &[UserId]) -> Vec<(UserId, Outcome)> {
    let change = Change::Role(Can::check(scope).expect("an Owner may"), RoleChange::Take(w.role(Standard::Owner)));
    run(db, scope, &change, ids)
}

/// Makes all of them active Owners again, who are Agents besides.
fn reset(w: &World, all: &[UserId]) {
    let (owner, agent) = (w.role(Standard::Owner), w.role(Standard::Agent));
    w.system_does(|tx| {
        for who in all {
            let user = store::users::lock(tx, *who)?;
            if user.status != Status::Active {
                store::users::set_status(tx, &user, Status::Active, None)?;
            }
            let held = store::roles::list_of_users(tx, &[*who])?.remove(who).unwrap_or_default();
            let lacking: Vec<RoleId> = [owner, agent].into_iter().filter(|role| !held.contains(role)).collect();
            store::roles::insert_of_user(tx, *who, &lacking)?;
        }
        Ok(tx.unrecorded((), "a test starts over"))
    });
}

on_both! {
    fn a_role_that_is_deleted_is_held_by_nobody(w: World) {
        let b = w.instance_b();
        for round in 0..20 {
            let role = make(&w, &format!("Round {round}"));
            let (olga, ada) = (w.scope(w.olga), w.scope(w.ada));
            let (deleted, given) = both_at_once(
                || w.db.write_now(&olga, |tx| roles::delete(tx, &Can::check(&olga).expect("may"), role)).map(|_| ()),
                || {
                    let can = Can::check(&ada).expect("may");
                    b.write_now(&ada, |tx| users::change_role(tx, &can, w.bob, RoleChange::Give(role))).map(|_| ())
                },
            );
            let there = w.read(store::roles::list).iter().any(|one| one.id == role);
            match (&deleted, &given) {
                (Ok(()), Err(Failure::NotFound)) => assert!(!there),
                (Err(Failure::Refused(_)), Ok(())) => assert!(there),
                other => panic!("round {round}: {other:?}"),
            }
        }
    }

    fn of_two_who_edit_a_role_one_is_told(w: World) {
        let b = w.instance_b();
        let role = make(&w, "Desk");
        for round in 0..20 {
            let version = w.read(store::roles::list).into_iter().find(|one| one.id == role).expect("the role").version;
            let (olga, ada) = (w.scope(w.olga), w.scope(w.ada));
            let edit = |db: &Db, scope: &Scope, key: Key| {
                let wanted = Wanted { name: "Desk".into(), description: format!("{round} {key}"), permissions: [key].into_iter().collect() };
                db.write_now(scope, |tx| roles::update(tx, &Can::check(scope).expect("may"), role, version, &wanted)).map(|_| ())
            };
            let (one, two) = both_at_once(|| edit(&w.db, &olga, Key::CallsView), || edit(&b, &ada, Key::ReportsView));
            let stale = [&one, &two].into_iter().filter(|answer| matches!(answer, Err(Failure::Stale))).count();
            assert_eq!((one.is_ok() || two.is_ok(), stale), (true, 1), "round {round}: {one:?} {two:?}");
        }
    }

    fn two_owners_who_deactivate_all_of_them_leave_one_and_say_why(w: World) {
        let omar = w.newcomer("Omar Odeh", Standard::Owner, Status::Active);
        let oona = w.newcomer("Oona Orr", Standard::Owner, Status::Active);
        let (all, b) = ([w.olga, omar, oona], w.instance_b());
        for round in 0..20 {
            let (olga, other) = (w.scope(w.olga), w.scope(omar));
            let (one, two) = both_at_once(|| deactivate(&w.db, &olga, &all), || deactivate(&b, &other, &all));
            let left = w.read(store::users::list_active_owner_names);
            assert_eq!(left.len(), 1, "round {round}: {one:?} {two:?}");
            let said: Vec<&Outcome> = one.iter().chain(&two).map(|(_, outcome)| outcome).collect();
            assert_eq!(said.iter().filter(|outcome| ***outcome == Outcome::Done).count(), 2, "{said:?}");
            let why = |outcome: &&&Outcome| matches!(outcome, Outcome::Refused(why) if why.contains("the only Owner"));
            assert!(said.iter().filter(why).count() >= 1, "{said:?}");
            reset(&w, &all);
        }
    }

    fn two_owners_who_take_the_role_from_all_of_them_leave_one(w: World) {
        let omar = w.newcomer("Omar Odeh", Standard::Owner, Status::Active);
        let (all, b) = ([w.olga, omar], w.instance_b());
        reset(&w, &all);
        for round in 0..20 {
            let (olga, other) = (w.scope(w.olga), w.scope(omar));
            let (one, two) = both_at_once(|| demote(&w.db, &olga, &w, &all), || demote(&b, &other, &w, &all));
            assert_eq!(w.read(store::users::list_active_owner_names).len(), 1, "round {round}: {one:?} {two:?}");
            reset(&w, &all);
        }
    }
}
