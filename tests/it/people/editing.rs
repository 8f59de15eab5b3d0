//! Identity, roles, sessions, passwords (U-5, R-5, S-3 … S-5).

use baton::actions::sessions;
use baton::actions::users::{self, Edit};
use baton::domain::ids::{RoleId, UserId};
use baton::domain::roles::Standard;
use baton::domain::users::Name;
use baton::failure::Failure;
use baton::store;
use chrono::TimeDelta;

use super::{refused, since};
use crate::support::{World, on_both};

pub fn roles_of(w: &World, who: UserId) -> Vec<RoleId> {
    w.read(|rx| store::roles::list_of_users(rx, &[who])).remove(&who).unwrap_or_default()
}

pub fn edit_of(w: &World, who: UserId) -> Edit {
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

fn update(w: &World, by: UserId, who: UserId, edit: &Edit) -> Result<(), Failure> {
    let can = w.can(by);
    w.by(by, |tx| users::update(tx, &can, who, edit)).map(|_| ())
}

on_both! {
    fn an_edit_is_told_field_by_field_and_an_edit_of_nothing_is_not(w: World) {
        let events = w.events();
        let nothing = Edit {
            roles: Some(roles_of(&w, w.bob)),
            teams: Some(vec![w.support]),
            channels: Some(vec![w.email, w.chat]),
            ..edit_of(&w, w.bob)
        };
        update(&w, w.ada, w.bob, &nothing).expect("nothing to do");
        assert_eq!((w.events(), w.user(w.bob).version), (events, nothing.version));
        let all = Edit {
            email: "Robert@fernhill.example".to_owned(),
            name: Name { full: "Robert Keller".to_owned(), display: "Rob".to_owned() },
            beta_access: true,
            roles: Some(vec![w.roles[&Standard::Supervisor]]),
            teams: Some(vec![w.returns]),
            channels: Some(vec![w.chat]),
            ..edit_of(&w, w.bob)
        };
        update(&w, w.ada, w.bob, &all).expect("an edit");
        assert_eq!(since(&w, events), [
            "user.updated",
            "user.roles_changed",
            "team.member_added",
            "team.member_removed",
            "channel.member_removed",
        ]);
        let told = w.read(|rx| store::audit::list_about_user(rx, w.bob, 10));
        let fields = &told.last().expect("an event").details["fields"];
        assert_eq!(*fields, serde_json::json!(["email", "full_name", "display_name", "beta_access"]));
        assert!(!serde_json::to_string(&told.iter().map(|one| &one.details).collect::<Vec<_>>()).expect("text").contains("obert"));
        let stale = update(&w, w.olga, w.bob, &all);
        assert!(matches!(stale, Err(Failure::Stale)), "{stale:?}");
        assert_eq!(w.user(w.bob).email, "Robert@fernhill.example");
    }

    fn nobody_gives_or_takes_a_role_beyond_their_own(w: World) {
        let [owner, admin, agent] = [Standard::Owner, Standard::Admin, Standard::Agent].map(|role| w.roles[&role]);
        let with = |roles: Vec<RoleId>| Edit { roles: Some(roles), ..edit_of(&w, w.bob) };
        let beyond = "You can’t give or take the role Owner, because it allows more than you may do yourself.";
        assert_eq!(refused(&w, || update(&w, w.ada, w.bob, &with(vec![agent, owner]))), beyond);
        assert_eq!(refused(&w, || update(&w, w.ada, w.bob, &with(vec![]))), "Choose at least one role.");
        let foreign = update(&w, w.ada, w.bob, &with(vec![w.other.role]));
        assert!(matches!(foreign, Err(Failure::NotFound)), "{foreign:?}");
        update(&w, w.ada, w.bob, &with(vec![agent, admin])).expect("Ada gives what she has");
        update(&w, w.olga, w.bob, &with(vec![owner])).expect("Olga makes an Owner");
        assert_eq!(refused(&w, || update(&w, w.ada, w.bob, &with(vec![agent]))), "Only an Owner can change an Owner.");
        assert_eq!(roles_of(&w, w.bob), [owner]);
    }

    fn an_address_that_is_taken_is_refused_by_name(w: World) {
        let edit = Edit { email: "AGNES@fernhill.example".to_owned(), ..edit_of(&w, w.bob) };
        let said = refused(&w, || update(&w, w.ada, w.bob, &edit));
        assert_eq!(said, "Someone in this workspace already uses AGNES@fernhill.example.");
        // The other workspace's addresses are nobody's business here.
        let edit = Edit { email: "xena@xenon.example".to_owned(), ..edit_of(&w, w.bob) };
        update(&w, w.ada, w.bob, &edit).expect("an address of another workspace is free");
    }

    fn sessions_are_ended_one_by_one_or_all_but_ones_own(w: World) {
        let (phone, desk, tablet) = (w.session(w.bob, "phone"), w.session(w.bob, "desk"), w.session(w.bob, "tablet"));
        let can = w.can(w.ada);
        assert_eq!(w.by(w.ada, |tx| users::end_sessions(tx, &can, w.bob, Some(phone))).expect("to end one"), 1);
        let of_agnes = w.session(w.agnes, "agnes");
        let none_of_his = w.by(w.ada, |tx| users::end_sessions(tx, &can, w.bob, Some(of_agnes)));
        assert!(matches!(none_of_his, Err(Failure::NotFound)));
        assert_eq!(w.by(w.bob, |tx| sessions::end_own(tx, w.bob, desk, None)).expect("all others"), 1);
        let left = w.read(|rx| store::sessions::list_of_user(rx, w.bob));
        assert_eq!(left.iter().map(|one| one.id).collect::<Vec<_>>(), [desk]);
        let _ = tablet;
        assert_eq!(w.read(|rx| store::sessions::count_of_user(rx, w.agnes)), 1);
        let said = refused(&w, || w.by(w.ada, |tx| users::end_sessions(tx, &can, w.olga, None)));
        assert_eq!(said, "Only an Owner can change an Owner.");
    }

    fn an_old_password_that_is_being_checked_opens_nothing_once_there_is_a_new_one(w: World) {
        let old = w.read(|rx| store::users::find_password(rx, w.bob));
        let enter = |compared: Option<&str>| {
            w.db.write_now(&w.system(), |tx| sessions::finish_login(tx, w.bob, 1, compared, &sessions::Door::default()))
        };
        enter(old.as_deref()).expect("the right one");
        w.db.write_now(&w.system(), |tx| sessions::set_password(tx, w.bob, None, "new hash")).expect("a new one");
        assert_eq!(refused(&w, || enter(old.as_deref())), "That email and password don’t match.");
        enter(Some("new hash")).expect("the new one");
    }

    fn a_new_password_ends_all_other_sessions_and_all_links(w: World) {
        w.session(w.bob, "phone");
        let link = || {
            w.system_does(|tx| {
                let secret = store::logins::insert_password_link(tx, w.bob, TimeDelta::hours(1))?;
                Ok(tx.unrecorded(secret, "a test sets the scene"))
            })
        };
        let (one, other) = (link(), link());
        let reset = |token: &str| w.db.write_now(&w.system(), |tx| sessions::reset_password(tx, token, w.bob, "new hash"));
        let of_agnes = w.db.write_now(&w.system(), |tx| sessions::reset_password(tx, one.reveal(), w.agnes, "new hash"));
        assert!(matches!(of_agnes, Err(Failure::Refused(_))), "a link is of one person");
        reset(one.reveal()).expect("a live link");
        assert_eq!(w.read(|rx| store::sessions::count_of_user(rx, w.bob)), 0);
        assert_eq!(w.read(|rx| store::users::find_password(rx, w.bob)).as_deref(), Some("new hash"));
        for token in [one.reveal(), other.reveal()] {
            let dead = refused(&w, || reset(token));
            assert_eq!(dead, "This link was used, or its hour is over. Ask for a new one.");
        }
        let late = link();
        w.later(TimeDelta::hours(1));
        refused(&w, || reset(late.reveal()));
    }

    fn a_piece_of_work_that_writes_and_says_unchanged_is_rolled_back(w: World) {
        let lied = w.db.write_now(&w.system(), |tx| {
            store::users::set_password(tx, w.bob, "stolen")?;
            tx.unchanged(())
        });
        assert!(matches!(lied, Err(Failure::Bug(_))), "{lied:?}");
        let lied = w.db.write_now(&w.system(), |tx| {
            store::users::set_password(tx, w.bob, "stolen")?;
            tx.record_all(vec![])
        });
        assert!(matches!(lied, Err(Failure::Bug(_))), "{lied:?}");
        assert_ne!(w.read(|rx| store::users::find_password(rx, w.bob)).as_deref(), Some("stolen"));
    }
}
