//! Roles and who may give them: nobody climbs, by whatever way.

use baton::actions::roles::{self, Wanted};
use baton::actions::users::{self, Edit, RoleChange};
use baton::actions::{invites, users_bulk};
use baton::domain::access::{Can, Key, PermissionSet};
use baton::domain::ids::{RoleId, UserId};
use baton::domain::roles::Standard;
use baton::domain::users::{Name, Status};
use baton::failure::Failure;
use baton::store;
use baton::web::pages::settings_users_each::run;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::{refused, since};
use crate::support::world::base;
use crate::support::{World, on_both};

fn keys(keys: &[Key]) -> PermissionSet {
    keys.iter().copied().collect()
}

/// Somebody who may do exactly this.
fn hire(w: &World, name: &str, keys: PermissionSet) -> (RoleId, UserId) {
    let user = w.newcomer(name, Standard::Guest, Status::Active);
    let guest = w.role(Standard::Guest);
    let role = w.system_does(|tx| {
        let role = store::roles::insert(tx, &format!("Role of {name}"), "", keys)?;
        store::roles::insert_of_user(tx, user, &[role])?;
        store::roles::delete_of_user(tx, user, &[guest])?;
        Ok(tx.unrecorded(role, "a test sets the scene"))
    });
    (role, user)
}

fn permissions(w: &World, who: UserId) -> PermissionSet {
    w.read(|rx| store::people::find_standing(rx, who)).permissions
}

fn edit_of(w: &World, who: UserId) -> Edit {
    let user = w.user(who);
    Edit {
        version: user.version,
        email: user.email,
        name: user.name,
        beta_access: user.beta_access,
        roles: None,
        teams: None,
        channels: None,
        leaves_channels: false,
    }
}

/// A step that somebody may try.
#[derive(Clone, Debug)]
enum Step {
    Give(usize, usize),
    Take(usize, usize),
    InBulk(usize, usize),
    Profile(usize, Vec<usize>),
    Invite(Vec<usize>),
    Create(PermissionSet),
    Edit(usize, PermissionSet),
    Delete(usize),
}

fn sets() -> impl Strategy<Value = PermissionSet> {
    proptest::sample::subsequence(Key::ALL.to_vec(), 1..=Key::ALL.len()).prop_map(|keys| keys.into_iter().collect())
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0_usize..8, 0_usize..9).prop_map(|(who, role)| Step::Give(who, role)),
        (0_usize..8, 0_usize..9).prop_map(|(who, role)| Step::Take(who, role)),
        (0_usize..8, 0_usize..9).prop_map(|(who, role)| Step::InBulk(who, role)),
        (0_usize..8, proptest::collection::vec(0_usize..9, 1..3)).prop_map(|(who, roles)| Step::Profile(who, roles)),
        proptest::collection::vec(0_usize..9, 1..3).prop_map(Step::Invite),
        sets().prop_map(Step::Create),
        (0_usize..9, sets()).prop_map(|(role, keys)| Step::Edit(role, keys)),
        (0_usize..9).prop_map(Step::Delete),
    ]
}

/// Tries it with what the person may do now; what the types do not even let them ask is left out.
fn attempt(w: &World, me: UserId, people: &[UserId], number: usize, step: &Step) -> Result<(), Failure> {
    let scope = w.scope(me);
    let all: Vec<RoleId> = w.read(store::roles::list).into_iter().map(|role| role.id).collect();
    let role = |at: &usize| all[at % all.len()];
    let person = |at: &usize| people[at % people.len()];
    match step {
        Step::Give(who, at) | Step::Take(who, at) => {
            let Some(can) = Can::check(&scope) else { return Ok(()) };
            let change =
                if matches!(step, Step::Give(..)) { RoleChange::Give(role(at)) } else { RoleChange::Take(role(at)) };
            w.db.write_now(&scope, |tx| users::change_role(tx, &can, person(who), change)).map(|_| ())
        }
        Step::InBulk(who, at) => {
            let Some(can) = Can::check(&scope) else { return Ok(()) };
            let change = users_bulk::Change::Role(can, RoleChange::Give(role(at)));
            let _ = run(&w.db, &scope, &change, &[person(who), me]);
            Ok(())
        }
        Step::Profile(who, wanted) => {
            let Some(can) = Can::check(&scope) else { return Ok(()) };
            let mut wanted: Vec<RoleId> = wanted.iter().map(role).collect();
            wanted.sort_unstable();
            wanted.dedup();
            let edit = Edit { roles: Some(wanted), ..edit_of(w, person(who)) };
            w.db.write_now(&scope, |tx| users::update(tx, &can, person(who), &edit)).map(|_| ())
        }
        Step::Invite(wanted) => {
            let Some(can) = Can::check(&scope) else { return Ok(()) };
            let mut wanted: Vec<RoleId> = wanted.iter().map(role).collect();
            wanted.sort_unstable();
            wanted.dedup();
            let name = format!("Invited {number}");
            let new = invites::New {
                email: format!("invited{number}@fernhill.example"),
                name: Name { full: name.clone(), display: name },
                roles: wanted,
                teams: vec![],
                channels: vec![],
                send: false,
            };
            w.db.write_now(&scope, |tx| invites::create(tx, &can, &base(), &new)).map(|_| ())
        }
        Step::Create(keys) => {
            let Some(can) = Can::check(&scope) else { return Ok(()) };
            let wanted = Wanted { name: format!("Role {number}"), description: String::new(), permissions: *keys };
            w.db.write_now(&scope, |tx| roles::create(tx, &can, &wanted)).map(|_| ())
        }
        Step::Edit(at, keys) => {
            let Some(can) = Can::check(&scope) else { return Ok(()) };
            let known = w.read(store::roles::list).remove(at % all.len());
            let wanted = Wanted { name: known.name, description: known.description, permissions: *keys };
            w.db.write_now(&scope, |tx| roles::update(tx, &can, known.id, known.version, &wanted)).map(|_| ())
        }
        Step::Delete(at) => {
            let Some(can) = Can::check(&scope) else { return Ok(()) };
            w.db.write_now(&scope, |tx| roles::delete(tx, &can, role(at))).map(|_| ())
        }
    }
}

fn everybody(w: &World) -> Vec<(UserId, PermissionSet, bool)> {
    let statuses = [Status::Active, Status::Invited];
    let all = w.read(|rx| store::users::list_by_status(rx, &statuses));
    all.iter()
        .map(|one| {
            let standing = w.read(|rx| store::people::find_standing(rx, one.id));
            (one.id, standing.permissions, standing.is_owner)
        })
        .collect()
}

on_both! {
    fn whatever_one_person_does_nobody_gets_what_that_person_lacked(w: World) {
        let climbing = [Key::RolesManage, Key::UsersAssignRoles, Key::UsersView, Key::UsersEdit, Key::UsersInvite];
        let mut runner = TestRunner::new(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() });
        let number = std::cell::Cell::new(0);
        let next = || { number.set(number.get() + 1); number.get() };
        let done = runner.run(&(sets(), proptest::collection::vec(steps(), 8..16)), |(more, does)| {
            let start = next();
            let (_, me) = hire(&w, &format!("Climber{start} Smith"), keys(&climbing).union(more));
            let first = permissions(&w, me);
            let people = [me, w.olga, w.ada, w.sven, w.agnes, w.bob, w.rita, w.gus];
            for step in &does {
                let before = everybody(&w);
                match attempt(&w, me, &people, next(), step) {
                    Ok(()) | Err(Failure::Refused(_) | Failure::NotFound | Failure::Stale) => {}
                    Err(other) => panic!("{step:?}: {other:?}"),
                }
                for (who, now, owner) in everybody(&w) {
                    let known = before.iter().find(|one| one.0 == who);
                    let had = known.map_or(PermissionSet::NONE, |one| one.1);
                    prop_assert!(first.contains(now.minus(had)), "{step:?} gave {who} {:?}", now.minus(had).minus(first).iter().collect::<Vec<_>>());
                    prop_assert!(!owner || known.is_some_and(|one| one.2), "{step:?} made an Owner");
                }
                prop_assert!(first.contains(permissions(&w, me)), "{step:?} raised the one who did it");
            }
            Ok(())
        });
        done.unwrap_or_else(|failure| panic!("{failure}"));
        assert!(!w.read(store::users::list_active_owner_names).is_empty());
    }

    fn who_cannot_do_as_much_does_not_choose_where_links_go(w: World) {
        let (_, nils) = hire(&w, "Nils Noll", keys(&[Key::UsersView, Key::UsersEdit, Key::UsersInvite, Key::ConversationsReply]));
        let (small, big) = (hire(&w, "Sanna Small", keys(&[Key::ConversationsReply])).1, w.sven);
        let to = |who| Edit { email: format!("{who}@nils.example"), ..edit_of(&w, who) };
        let update = |who: UserId| {
            let (can, edit) = (w.can(nils), to(who));
            w.by(nils, |tx| users::update(tx, &can, who, &edit)).map(|_| ())
        };
        let said = refused(&w, || update(big));
        assert_eq!(said, "Sven Sorensen may do more than you, so you can’t change where their log-in links go. Ask an Owner.");
        update(small).expect("somebody who may do less");
        // A name is no way in.
        let (can, edit) = (w.can(nils), Edit { name: Name { full: "Sven S".into(), display: "Sven".into() }, ..edit_of(&w, big) });
        w.by(nils, |tx| users::update(tx, &can, big, &edit)).expect("a name");
    }

    fn who_cannot_do_as_much_does_not_see_the_link_of_an_invite(w: World) {
        let (_, nils) = hire(&w, "Nils Noll", keys(&[Key::UsersView, Key::UsersInvite]));
        let new = invites::New {
            email: "nora@fernhill.example".into(),
            name: Name { full: "Nora North".into(), display: "Nora".into() },
            roles: vec![w.role(Standard::Admin)],
            teams: vec![],
            channels: vec![],
            send: true,
        };
        let can = w.can(w.olga);
        let nora = w.by(w.olga, |tx| invites::create(tx, &can, &base(), &new)).expect("an invite").user;
        let can = w.can(nils);
        let said = refused(&w, || w.by(nils, |tx| invites::copy_link(tx, &can, &base(), nora)));
        assert!(said.starts_with("Nora North may do more than you once they join"), "{said}");
        w.by(nils, |tx| invites::resend(tx, &can, &base(), nora)).expect("the mail goes to Nora alone");
    }

    fn what_was_done_to_a_role_is_recorded_and_a_refusal_is_not(w: World) {
        let can = w.can(w.olga);
        let wanted = |name: &str, of: &[Key]| Wanted { name: name.to_owned(), description: String::new(), permissions: keys(of) };
        let events = w.events();
        let made = w.by(w.olga, |tx| roles::create(tx, &can, &wanted("Desk", &[Key::ContactsView]))).expect("a role");
        let both = wanted("Desk", &[Key::ContactsView, Key::CallsView]);
        w.by(w.olga, |tx| roles::update(tx, &can, made, 1, &both)).expect("an edit");
        let stale = w.by(w.olga, |tx| roles::update(tx, &can, made, 1, &wanted("Desk", &[Key::CallsView])));
        assert!(matches!(stale, Err(Failure::Stale)), "{stale:?}");
        assert_eq!(refused(&w, || w.by(w.olga, |tx| roles::create(tx, &can, &both))), "There is a role called Desk already.");
        w.by(w.olga, |tx| roles::delete(tx, &can, made)).expect("nobody holds it");
        assert_eq!(since(&w, events), ["role.created", "role.updated", "role.deleted"]);
        let gone = w.by(w.olga, |tx| roles::delete(tx, &can, made));
        assert!(matches!(gone, Err(Failure::NotFound)), "{gone:?}");
        let theirs = w.by(w.olga, |tx| roles::delete(tx, &can, w.other.role));
        assert!(matches!(theirs, Err(Failure::NotFound)), "{theirs:?}");
    }
}
