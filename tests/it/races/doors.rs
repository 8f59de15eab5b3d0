//! Whoever comes in while the door is shut: log-in, reset links, mail, contacts, edits.

use baton::actions::{incoming, sessions, throttle, users};
use baton::domain::access::{Can, Cause, Scope};
use baton::domain::clock::{SystemClock, SystemEntropy};
use baton::domain::logins::{FAILURES, LINKS, LoginRefusal, limits_of_links};
use baton::domain::roles::Standard;
use baton::domain::users::Status;
use baton::failure::Failure;
use baton::store::{self, Tx};
use chrono::TimeDelta;

use crate::support::db::{Fresh, Kind};
use crate::support::web::Site;
use crate::support::world::password_hash;
use crate::support::{World, at_hand, at_once, both_at_once, on_both};

/// Bob's try.
fn attempt(w: &World) -> store::logins::NewAttempt<'static> {
    store::logins::NewAttempt {
        workspace: Some(w.workspace),
        user: Some(w.bob),
        account_hash: "bob",
        address: "192.0.2.7",
        device: "Firefox",
        succeeded: false,
    }
}

on_both! {
    fn no_session_outlives_the_deactivation_that_it_met(w: World) {
        let b = w.instance_b();
        let olga = w.scope(w.olga);
        let can = Can::check(&olga).expect("Olga may");
        let (bob, door) = (Scope::on_behalf(w.workspace, w.bob), sessions::Door::default());
        let stored = w.read(|rx| store::users::find_password(rx, w.bob));
        let mut let_in = 0;
        for round in 0..30_u32 {
            let attempt = w.anywhere(|ax| throttle::begin_login(ax, &attempt(&w)));
            let (logged_in, left) = both_at_once(
                || b.write_now(&bob, |tx| sessions::finish_login(tx, w.bob, attempt, stored.as_deref(), &door)),
                || w.db.write_now(&olga, |tx| users::deactivate(tx, &can, w.bob, None, None)),
            );
            left.expect("to leave");
            match logged_in {
                Ok(_) => let_in += 1,
                Err(Failure::Refused(_)) => {}
                Err(failure) => panic!("{failure}"),
            }
            // Not merely refused while Bob is inactive: gone, so that it does not come back to life with him.
            assert_eq!(w.read(|rx| store::sessions::count_of_user(rx, w.bob)), 0, "round {round}");
            w.by(w.olga, |tx| users::reactivate(tx, &can, w.bob)).expect("to come back");
            w.later(TimeDelta::minutes(16));
        }
        assert!(let_in > 0, "he never came first");
    }

    // Between the decision to let somebody in and the cookie there is nothing: the session is there when that is decided,
    // and whatever ends sessions ends it, though the browser has not heard of it yet.
    fn what_ends_sessions_ends_one_that_is_on_its_way_to_the_browser(w: World) {
        let (bob, door) = (Scope::on_behalf(w.workspace, w.bob), sessions::Door::default());
        let can = w.can(w.olga);
        let ends: [(&str, &dyn Fn()); 3] = [
            ("deactivated and back", &|| {
                w.deactivate(w.bob);
                let can = w.can(w.olga);
                w.by(w.olga, |tx| users::reactivate(tx, &can, w.bob)).expect("to come back");
            }),
            ("logged out by an admin", &|| {
                w.by(w.olga, |tx| users::end_sessions(tx, &can, w.bob, None)).expect("to end them");
            }),
            ("another password", &|| w.system_does(|tx| sessions::set_password(tx, w.bob, None, password_hash()))),
        ];
        for (what, end) in ends {
            let stored = w.read(|rx| store::users::find_password(rx, w.bob));
            let attempt = w.anywhere(|ax| throttle::begin_login(ax, &attempt(&w)));
            let finish = |tx: &mut Tx| sessions::finish_login(tx, w.bob, attempt, stored.as_deref(), &door);
            let opened = w.db.write_now(&bob, finish).expect("to be let in");
            assert_eq!(w.read(|rx| store::sessions::list_of_user(rx, w.bob))[0].id, opened.session, "{what}");
            end();
            assert_eq!(w.read(|rx| store::sessions::count_of_user(rx, w.bob)), 0, "{what}");
            let found = w.anywhere(|ax| store::anywhere::find_session(ax, &opened.key.hash()));
            assert!(found.is_none(), "{what}");
        }
    }

    fn of_thirty_who_guess_at_once_ten_get_to_try(w: World) {
        let sites: Vec<Site> = (0..10).map(|_| at_hand(Site::on(w.db.clone()))).collect();
        let email = w.user(w.agnes).email;
        let said = at_once(30, |number| {
            let browser = sites[number % sites.len()].browser().connecting_from(&format!("203.0.113.{number}"));
            at_hand(browser.log_in(&email, &format!("guess {number}"), "fernhill")).status.as_u16()
        });
        let count = |status| said.iter().filter(|one| **one == status).count();
        assert_eq!((count(422), count(429)), (FAILURES, 30 - FAILURES), "{said:?}");
        assert_eq!(w.number("SELECT count(*) FROM login_attempts WHERE user_id IS NOT NULL AND address LIKE '203.0.113.%'"), 10);
    }

    fn of_many_who_ask_for_links_at_once_five_get_one(w: World) {
        let (b, email) = (w.instance_b(), w.user(w.agnes).email);
        let dbs = [&w.db, &b];
        let said = at_once(12, |number| {
            let limits = limits_of_links(&email, &format!("203.0.113.{number}"));
            dbs[number % 2].anywhere_now(|ax| throttle::knock(ax, &limits, LoginRefusal::TooManyLinks))
        });
        let refused = |one: &&Result<(), Failure>| matches!(one, Err(Failure::Refused(_)));
        assert_eq!(said.iter().filter(refused).count(), 12 - LINKS, "{said:?}");
        // Somebody who shares one address with another waits for nobody without end.
        let said = at_once(8, |number| {
            let limits = limits_of_links(&format!("{}@customer.example", number % 4), &format!("198.51.100.{}", number % 3));
            dbs[number % 2].anywhere_now(|ax| throttle::knock(ax, &limits, LoginRefusal::TooManyLinks))
        });
        assert!(said.iter().all(Result::is_ok), "{said:?}");
    }

    fn a_reset_link_works_once(w: World) {
        let b = w.instance_b();
        for _ in 0..8 {
            let token = w.system_does(|tx| {
                let secret = store::logins::insert_password_link(tx, w.bob, baton::domain::logins::RESET)?;
                Ok(tx.unrecorded(secret, "a test sets the scene"))
            });
            let system = w.system();
            let reset = |db: &store::Db| {
                db.write_now(&system, |tx| sessions::reset_password(tx, token.reveal(), w.bob, password_hash()))
            };
            let (one, two) = both_at_once(|| reset(&w.db), || reset(&b));
            let lost = if one.is_ok() { two } else { one };
            assert!(matches!(lost, Err(Failure::Refused(_))), "{lost:?}");
        }
    }

    fn one_mail_delivered_to_two_instances_is_stored_once(w: World) {
        let b = w.instance_b();
        let system = Scope::system(w.workspace, Some(Cause::IncomingMail));
        for round in 0..12 {
            let raw_text = format!(
                "From: Zoe <zoe{round}@customer.example>\r\nSubject: Hello\r\nMessage-ID: <{round}@customer.example>\r\n\r\nHi\r\n"
            );
            let mail = baton::mail::incoming::read(raw_text.as_bytes()).expect("a mail");
            let raw = incoming::Raw { sha256: baton::domain::secrets::file_hash(raw_text.as_bytes()), size: 10 };
            let before = w.number("SELECT count(*) FROM conversations");
            let take = |db: &store::Db| db.write_now(&system, |tx| incoming::receive(tx, (w.email, incoming::Way::Delivered), &raw, &mail, &[]));
            let (one, two) = both_at_once(|| take(&w.db), || take(&b));
            let answers = [one.expect("an answer"), two.expect("an answer")];
            let duplicates = answers.iter().filter(|one| **one == incoming::Received::Duplicate).count();
            assert_eq!(duplicates, 1, "{answers:?}");
            assert_eq!(w.number("SELECT count(*) FROM conversations"), before + 1);
        }
    }

    fn six_mails_of_a_new_customer_at_once_make_one_contact(w: World) {
        for round in 0..4 {
            let email = format!("New{round}@customer.example");
            let ids = at_once(6, |_| {
                w.system_does(|tx| {
                    let id = store::contacts::find_or_insert(tx, &email, "New")?;
                    Ok(tx.unrecorded(id, "a test sets the scene"))
                })
            });
            assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        }
    }

    fn whoever_writes_while_two_contacts_become_one_is_found_with_the_one_that_stays(w: World) {
        use baton::actions::contacts::merge;
        let (scope, b) = (w.scope(w.olga), w.instance_b());
        let can = Can::check(&scope).expect("may");
        for round in 0..8 {
            let known = |name: &str| w.system_does(|tx| {
                let id = store::contacts::find_or_insert(tx, &format!("{name}{round}@race.example"), name)?;
                Ok(tx.unrecorded(id, "a test sets the scene"))
            });
            let (kept, gone) = (known("kept"), known("gone"));
            let mut draft = w.draft();
            draft.contact = format!("gone{round}@race.example");
            let (merged, back) = both_at_once(
                || w.db.write_now(&scope, |tx| merge(tx, &can, kept, gone)),
                || (w.conversation(&draft), b.write_now(&scope, |tx| merge(tx, &can, gone, kept))),
            );
            let stays = if merged.is_ok() { kept } else { gone };
            assert!(merged.is_ok() != back.1.is_ok(), "one of the two merges is done");
            let found = w.read(|rx| store::contacts::list_conversation_ids(rx, stays));
            assert_eq!(found, [back.0.0]);
        }
    }

    fn two_teams_that_take_in_the_same_two_people_at_once_do_not_wait_for_each_other(w: World) {
        use baton::actions::teams::{Change, change_members};
        let scope = w.scope(w.ada);
        let can = Can::check(&scope).expect("may");
        let (there, back) = (vec![w.rita, w.sven], vec![w.sven, w.rita]);
        for _ in 0..15 {
            let change = |team, add: &Vec<_>, remove: &Vec<_>| {
                let change = Change { add: add.clone(), remove: remove.clone(), leads: None, led: None };
                w.db.write_now(&scope, |tx| change_members(tx, &can, team, &change)).expect("a change")
            };
            let none = Vec::new();
            both_at_once(|| change(w.support, &there, &none), || change(w.returns, &back, &none));
            both_at_once(|| change(w.support, &none, &there), || change(w.returns, &none, &back));
        }
    }

    fn of_two_admins_who_edit_one_person_at_once_the_second_is_told(w: World) {
        let (ada, olga) = (w.scope(w.ada), w.scope(w.olga));
        let (can_ada, can_olga) = (Can::check(&ada).expect("may"), Can::check(&olga).expect("may"));
        let wishes = [
            // What is edited in each round: the roles only, the teams only, the channels only, the name.
            users_edit(Some(vec![w.roles[&Standard::Agent], w.roles[&Standard::Reader]]), None, None, false),
            users_edit(Some(vec![w.roles[&Standard::Agent]]), None, None, false),
            users_edit(None, Some(vec![]), None, false),
            users_edit(None, Some(vec![w.support, w.returns]), None, false),
            users_edit(None, None, Some(vec![]), false),
            users_edit(None, None, Some(vec![w.chat]), false),
            users_edit(None, None, None, true),
        ];
        for (round, wish) in wishes.into_iter().enumerate() {
            let bob = w.user(w.bob);
            let edit = wish(&bob);
            let (one, two) = both_at_once(
                || w.db.write_now(&ada, |tx| users::update(tx, &can_ada, w.bob, &edit)),
                || w.db.write_now(&olga, |tx| users::update(tx, &can_olga, w.bob, &edit)),
            );
            let lost = if one.is_ok() { two } else { one };
            assert!(matches!(lost, Err(Failure::Stale)), "round {round}: {lost:?}");
        }
        assert_eq!(w.user(w.bob).status, Status::Active);
    }
}

type Wish = Box<dyn Fn(&baton::domain::users::User) -> users::Edit>;

fn users_edit(
    roles: Option<Vec<baton::domain::ids::RoleId>>,
    teams: Option<Vec<baton::domain::ids::TeamId>>,
    channels: Option<Vec<baton::domain::ids::ChannelId>>,
    beta: bool,
) -> Wish {
    Box::new(move |user| users::Edit {
        version: user.version,
        email: user.email.clone(),
        name: user.name.clone(),
        beta_access: user.beta_access != beta,
        roles: roles.clone(),
        teams: teams.clone(),
        channels: channels.clone(),
        leaves_channels: true,
    })
}

#[test]
fn of_two_who_follow_the_first_link_at_once_one_makes_the_workspace() {
    use baton::actions::workspaces::{New, Owner, create};
    use baton::domain::ids::WorkspaceId;
    use baton::domain::users::Name;
    use baton::domain::workspaces::WorkspaceRefusal;

    for kind in [Kind::Sqlite, Kind::Postgres] {
        let database = Fresh::empty(kind);
        let open = || {
            let clock = std::sync::Arc::new(SystemClock::default());
            store::Db::open(database.url(), clock, std::sync::Arc::new(SystemEntropy)).expect("a database")
        };
        let (a, b) = (open(), open());
        store::migrations::run(&a).expect("migrations");
        let link = a.new_secret();
        assert!(a.anywhere_now(|ax| store::anywhere::insert_setup_link(ax, &link)).expect("a link"));
        let set_up = |db: &store::Db, slug: &str| {
            let scope = Scope::system(db.new_id::<WorkspaceId>(), Some(Cause::Command));
            let name = Name { full: "Olga Owens".to_owned(), display: "Olga".to_owned() };
            let owner = Owner { email: "olga@fernhill.example", name: &name, password_hash: password_hash() };
            let new = New { name: slug, slug, time_zone: "Europe/Berlin", owner };
            db.write_now(&scope, |tx| {
                if !store::anywhere::take_setup_link(tx, &link.hash())? {
                    return Err(WorkspaceRefusal::AlreadySetUp.into());
                }
                create(tx, &new)
            })
        };
        let (one, two) = both_at_once(|| set_up(&a, "one"), || set_up(&b, "two"));
        let lost = if one.is_ok() { two } else { one };
        assert_eq!(lost.expect_err("one of both").to_string(), "This installation is set up already. Log in instead.");
        assert_eq!(a.anywhere_now(store::anywhere::list_workspaces).expect("workspaces").len(), 1);
        assert!(!a.anywhere_now(|ax| store::anywhere::insert_setup_link(ax, &link)).expect("none"), "no second set-up");
    }
}
