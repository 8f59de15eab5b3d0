//! What is remembered of a workspace between requests is never older than what the database says.

use std::sync::Arc;

use baton::domain::ids::UserId;
use baton::domain::roles::Standard;
use baton::domain::users::Status;
use baton::store::{self, Db, roster};

use crate::support::db::Kind;
use crate::support::{World, at_once, on_both};

/// What a roster is read from, and where it says to which workspace a row belongs.
const TABLES: [&str; 10] = [
    "saved_views",
    "users",
    "teams",
    "channels",
    "tags",
    "roles",
    "role_permissions",
    "user_roles",
    "team_members",
    "channel_members",
];

fn stamp(w: &World) -> i64 {
    w.read(roster::find_stamp)
}

fn literal(w: &World, who: UserId) -> String {
    match w.kind() {
        Kind::Sqlite => format!("x'{}'", who.0.simple()),
        Kind::Postgres => format!("'{}'", who.0),
    }
}

fn around(w: &World, db: &Db, who: UserId) -> roster::Surroundings {
    roster::find_surroundings(db, w.workspace, who).expect("a person's surroundings")
}

on_both! {
    fn every_change_of_what_it_is_read_from_raises_the_stamp(w: World) {
        let mut draft = w.draft();
        draft.tags = vec!["vip".to_owned()];
        w.conversation(&draft);
        let audience = baton::domain::saved_views::Audience::Own;
        w.by(w.olga, |tx| baton::actions::saved_views::create(tx, "Late", "view=open", audience)).expect("a view");
        for table in TABLES {
            let here = "workspace_id IN (SELECT workspace_id FROM users WHERE email_key LIKE 'olga%')";
            assert!(w.number(&format!("SELECT count(*) FROM {table} WHERE {here}")) > 0, "{table} is empty");
            let before = stamp(&w);
            w.database.execute(&match table {
                "users" => format!("UPDATE users SET status = status WHERE {here}"),
                _ => format!("UPDATE {table} SET workspace_id = workspace_id WHERE {here}"),
            });
            assert!(stamp(&w) > before, "a change of {table} is not noticed");
            let statement = match w.kind() {
                Kind::Sqlite => format!(
                    "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = '{table}' \
                     AND name IN ('{table}_roster_insert', '{table}_roster_update', '{table}_roster_delete')"
                ),
                Kind::Postgres => format!("SELECT count(*) FROM pg_trigger WHERE tgname LIKE '{table}_roster_%'"),
            };
            assert_eq!(w.number(&statement), 3, "{table} has no trigger for each kind of change");
        }
        let before = stamp(&w);
        w.system_does(|tx| {
            store::users::set_seen(tx, w.bob)?;
            Ok(tx.unrecorded((), "a test looks at the stamp"))
        });
        assert_eq!(stamp(&w), before, "being seen changes nobody's roster");
    }

    fn a_new_and_a_lost_row_raise_it_too(w: World) {
        let mut before = stamp(&w);
        let mut raised = |what: &str| {
            let now = stamp(&w);
            assert!(now > before, "{what} is not noticed");
            before = now;
        };
        let who = w.newcomer("Nora New", Standard::Agent, Status::Active);
        raised("a new person");
        w.system_does(|tx| {
            store::teams::insert_member(tx, w.support, who)?;
            Ok(tx.unrecorded((), "a test sets the scene"))
        });
        raised("a new member");
        w.database.execute(&format!("DELETE FROM team_members WHERE user_id = {}", literal(&w, who)));
        raised("a member who is gone");
    }

    fn it_is_read_once_and_anew_after_a_change_on_every_instance(w: World) {
        let b = w.instance_b();
        let (on_a, on_b) = (around(&w, &w.db, w.agnes), around(&w, &b, w.agnes));
        assert!(Arc::ptr_eq(&on_a.roster, &around(&w, &w.db, w.bob).roster), "nothing changed, so nothing is read");
        assert!(on_a.roster.assignable.iter().any(|one| one.id == w.bob));
        w.deactivate(w.bob);
        for (db, earlier) in [(&w.db, &on_a), (&b, &on_b)] {
            let now = around(&w, db, w.agnes);
            assert!(!Arc::ptr_eq(&now.roster, &earlier.roster));
            assert!(now.roster.inactive.contains(&w.bob));
            assert!(now.roster.assignable.iter().all(|one| one.id != w.bob), "work must not be given to them");
        }
    }

    fn what_is_taken_from_somebody_is_gone_at_once(w: World) {
        let b = w.instance_b();
        assert!(around(&w, &b, w.ada).standing.permissions.has(baton::domain::access::Key::UsersEdit));
        w.database.execute(&format!("DELETE FROM user_roles WHERE user_id = {}", literal(&w, w.ada)));
        assert!(!around(&w, &b, w.ada).standing.permissions.has(baton::domain::access::Key::UsersEdit));
    }

    fn whoever_reads_while_others_write_ends_with_the_truth(w: World) {
        let b = w.instance_b();
        let people: Vec<UserId> =
            (0..4).map(|index| w.newcomer(&format!("P{index} Person"), Standard::Agent, Status::Active)).collect();
        at_once(6, |index| {
            for turn in 0..15 {
                match people.get(index) {
                    Some(who) => w.system_does(|tx| {
                        let joins = turn % 2 == 0;
                        if joins {
                            store::teams::insert_member(tx, w.support, *who)?;
                        } else {
                            store::teams::delete_member(tx, w.support, *who)?;
                        }
                        Ok(tx.unrecorded((), "a test moves people"))
                    }),
                    None => {
                        for who in &people {
                            around(&w, if index == 4 { &w.db } else { &b }, *who);
                        }
                    }
                }
            }
        });
        for who in &people {
            for db in [&w.db, &b] {
                assert_eq!(around(&w, db, *who).standing.teams, vec![w.support], "the last turn let them join");
            }
        }
    }
}
