//! A row or a workspace that cannot be read does not stop what is due elsewhere.

use baton::actions::users::Plan;
use baton::domain::users::Status;
use baton::tasks::retention;
use chrono::TimeDelta;

use super::removing::remove;
use crate::support::on_both;
use crate::support::web::Site;
use crate::support::world::base;

on_both! {
    async fn the_rule_of_one_workspace_that_cannot_be_read_stops_no_other(w: World) {
        let site = Site::on(w.db.clone()).await;
        w.database.execute(
            "UPDATE workspaces SET inactivity_days = 30, inactivity_next_at = created_at; \
             UPDATE workspaces SET time_zone = 'Nowhere/Atall' WHERE slug = 'fernhill'",
        );
        w.later(TimeDelta::hours(1));
        assert_eq!(site.dates_due(), 1, "Xenon’s, and it is not said that there is more to do at once");
        let looked_at = |slug: &str| {
            w.number(&format!("SELECT count(*) FROM workspaces WHERE slug = '{slug}' AND inactivity_next_at > created_at"))
        };
        assert_eq!((looked_at("xenon"), looked_at("fernhill")), (1, 0));
        // Mended, it goes on by itself.
        w.database.execute("UPDATE workspaces SET time_zone = 'Europe/Berlin' WHERE slug = 'fernhill'");
        assert_eq!(site.dates_due(), 1);
        assert_eq!(looked_at("fernhill"), 1);
    }

    fn a_former_user_who_cannot_be_read_keeps_no_other(w: World) {
        w.database.execute("UPDATE workspaces SET retention_years = 1, retention_deletes = true");
        for who in [w.bob, w.gus, w.rita] {
            remove(&w, w.olga, who, Plan::default()).expect("to be removed");
            w.later(TimeDelta::hours(1));
        }
        let spoil = |who: &str| {
            w.database.execute(&format!(
                "UPDATE users SET absence_plan = 'what?' WHERE id IN (SELECT user_id FROM sealed_identities WHERE email_key = '{who}@fernhill.example')"
            ));
        };
        spoil("bob");
        w.later(TimeDelta::days(365 - 6));
        let look = || retention::run_now(&w.db, &base()).expect("a look");
        assert_eq!(look(), 0);
        let told = w.database.lines("SELECT text_body AS line FROM outbox WHERE kind = 'deletions'");
        assert!(told.len() == 1 && told[0].contains("gus@") && told[0].contains("rita@"), "{told:?}");
        spoil("gus");
        w.later(TimeDelta::days(8));
        assert_eq!(look(), 1);
        assert_eq!(w.user(w.rita).status, Status::Deleted);
    }
}
