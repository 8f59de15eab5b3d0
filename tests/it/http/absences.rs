//! Deactivating on a day, with a return: dialog, profile, lists (U-8).

use baton::domain::roles::Standard;
use baton::domain::users::{Reason, Status};
use chrono::TimeDelta;

use crate::support::on_both;
use crate::support::web::Site;
use crate::support::world::PASSWORD;

on_both! {
    async fn a_leave_is_planned_shown_changed_done_and_over(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let bob = site.logged_in(&w, w.bob).await;
        w.open_of(w.bob, 2);
        let path = format!("/settings/users/{}", w.bob);
        let dialog = olga.get(&format!("{path}/deactivate")).await.expect(200);
        for field in ["reason", "note", "starts_at", "starts_time", "returns_at", "returns_time", "plan_open"] {
            assert!(dialog.has(&format!("[name={field}]")), "{field}");
        }
        let plan = format!("user:{}", w.agnes);
        let fields = [
            ("reason", "leave"), ("note", "Twins"), ("starts_at", "2026-03-09"), ("returns_at", "2026-06-01"),
            ("plan_open", plan.as_str()),
        ];
        let there = olga.post(&format!("{path}/deactivate"), &fields).await.expect(303);
        assert_eq!(there.location(), path);
        let page = olga.get(&path).await.expect(200);
        assert!(page.text("#toasts").contains("will be deactivated on Monday, 9 March 2026"), "{}", page.text("#toasts"));
        let told = page.text("#absence");
        for part in ["Bob will be deactivated on Monday, 9 March 2026", "Monday, 1 June 2026", "go to Agnes Arndt", "Parental or medical leave", "Olga Owens", "Twins"] {
            assert!(told.contains(part), "{part}: {told}");
        }
        let list = olga.get("/settings/users?q=bob").await.expect(200);
        assert_eq!(list.text(".leaves"), "Leaves 9 Mar, back 1 Jun");
        // The dialog now shows what is planned.
        let dialog = olga.get(&format!("{path}/deactivate")).await.expect(200);
        assert_eq!(dialog.attributes("#starts_at", "value"), ["2026-03-09"]);
        assert_eq!(dialog.attributes("#returns_at", "value"), ["2026-06-01"]);
        assert_eq!(dialog.attributes("#plan_open option[selected]", "value"), std::slice::from_ref(&plan));
        let version = dialog.attributes("input[name=version]", "value").remove(0);
        let later = [("version", version.as_str()), ("reason", "leave"), ("starts_at", "2026-03-10"), ("starts_time", "14:30"), ("returns_at", "2026-06-01T08:00")];
        olga.post(&format!("{path}/deactivate"), &later).await.expect(303);
        assert!(olga.get(&path).await.text("#absence").contains("Tuesday, 10 March 2026, 14:30"));
        let stale = olga.post(&format!("{path}/deactivate"), &[("version", version.as_str()), ("starts_at", "2026-03-11")]).await;
        assert!(stale.expect(409).text(".error-summary").contains("changed this user meanwhile"));

        w.later(TimeDelta::days(8));
        assert_eq!(site.dates_due(), 0);
        bob.get("/profile/security").await.expect(200);
        w.later(TimeDelta::hours(5));
        assert_eq!(site.dates_due(), 1);
        assert!(bob.get("/profile/security").await.location().starts_with("/login"));
        let list = olga.get("/settings/users/inactive").await.expect(200);
        assert!(list.text("tbody").contains("Back 1 Jun 2026"), "{}", list.text("tbody"));
        let page = olga.get(&path).await.expect(200);
        assert!(page.text("#absence").contains("comes back automatically on Monday, 1 June 2026, 08:00"));

        // The day of return is changed and withdrawn.
        let dialog = olga.get(&format!("{path}/absence")).await.expect(200);
        assert_eq!(dialog.attributes("[name=returns_time]", "value"), ["08:00"]);
        olga.post(&format!("{path}/absence"), &[("reason", "leave"), ("returns_at", "2026-05-01")]).await.expect(303);
        assert!(olga.get(&path).await.text("#absence").contains("Friday, 1 May 2026"));
        olga.post(&format!("{path}/absence/withdraw"), &[]).await.expect(303);
        assert!(!olga.get(&path).await.has("#absence"));
        olga.post(&format!("{path}/absence/withdraw"), &[]).await.expect(409);
        olga.post(&format!("{path}/absence"), &[("returns_at", "2026-05-01")]).await.expect(303);
        w.later(TimeDelta::days(60));
        assert_eq!(site.dates_due(), 1);
        assert_eq!(w.user(w.bob).status, Status::Active);
        site.browser().log_in("bob@fernhill.example", PASSWORD, "fernhill").await.expect(303);
    }

    async fn a_refused_date_keeps_what_was_typed(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let path = format!("/settings/users/{}/deactivate", w.bob);
        let long = "x".repeat(1_000_000);
        let cases = [
            ("starts_at", "2026-03-01"), ("starts_at", "soon"), ("starts_at", "2026-02-30"), ("returns_at", "2020-01-01"),
            ("returns_at", "🦀"), ("reason", "nonsense"), ("reason", "inactivity"), ("note", long.as_str()),
            ("starts_at", long.as_str()), ("starts_time", "12:00"),
        ];
        let events = w.events();
        for (field, value) in cases {
            let page = olga.post(&path, &[(field, value), ("note", "Because\u{202e}")][..if field == "note" { 1 } else { 2 }]).await.expect(422);
            let at = if field == "starts_time" { "starts_at" } else { field };
            assert!(page.has(&format!("#{at}-error")), "{field} {}", page.text(".error-summary"));
            if at != "reason" {
                assert_eq!(page.attributes(&format!("#{at}"), "aria-invalid"), ["true"], "{field}");
            }
            if field != "note" {
                assert!(page.attributes("#note", "value")[0].starts_with("Because"));
            }
        }
        let both = olga.post(&path, &[("starts_at", "2026-03-09"), ("returns_at", "2026-03-08")]).await.expect(422);
        assert!(both.has("#returns_at-error") && both.attributes("#starts_at", "value") == ["2026-03-09"]);
        assert_eq!(w.events(), events);
        assert_eq!(w.user(w.bob).status, Status::Active);
    }

    async fn today_means_now_and_a_double_click_is_one(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let planned = [("reason", "left"), ("starts_at", "2026-03-09")];
        let path = format!("/settings/users/{}/deactivate", w.bob);
        olga.post(&path, &planned).await.expect(303);
        let events = w.events();
        olga.post(&path, &planned).await.expect(303);
        assert_eq!(w.events(), events);
        let page = olga.post(&path, &[("reason", "left"), ("starts_at", "2026-03-02")]).await.expect(303);
        assert_eq!(page.location(), "/settings/users");
        assert_eq!(w.user(w.bob).status, Status::Inactive);
        olga.post(&path, &planned).await.expect(409);
    }

    async fn a_supervisor_plans_for_agents_and_not_for_owners(w: World) {
        let site = Site::on(w.db.clone()).await;
        let sven = site.logged_in(&w, w.sven).await;
        let omar = w.newcomer("Omar Odeh", Standard::Owner, Status::Active);
        sven.post(&format!("/settings/users/{}/deactivate", w.bob), &[("starts_at", "2026-03-09")]).await.expect(303);
        sven.post(&format!("/settings/users/{omar}/deactivate"), &[("starts_at", "2026-03-09")]).await.expect(409);
        let agnes = site.logged_in(&w, w.agnes).await;
        agnes.post(&format!("/settings/users/{}/absence/withdraw", w.bob), &[]).await.expect(403);
        assert!(w.user(w.bob).is_leaving());
    }

    async fn who_could_not_be_deactivated_is_shown_so(w: World) {
        let site = Site::on(w.db.clone()).await;
        let omar = w.newcomer("Omar Odeh", Standard::Owner, Status::Active);
        let olga = site.logged_in(&w, w.olga).await;
        olga.post(&format!("/settings/users/{omar}/deactivate"), &[("starts_at", "2026-03-09")]).await.expect(303);
        w.deactivate(w.olga);
        w.later(TimeDelta::days(8));
        assert_eq!(site.dates_due(), 1);
        assert_eq!(site.dates_due(), 0);
        let omars = site.logged_in(&w, omar).await;
        let page = omars.get(&format!("/settings/users/{omar}")).await.expect(200);
        assert!(page.text("#absence.danger").contains("couldn’t be deactivated on Monday, 9 March 2026"), "{}", page.text("#absence"));
    }

    async fn a_reason_that_a_rule_gave_can_be_left_as_it_is(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        w.deactivate(w.gus);
        let path = format!("/settings/users/{}/absence", w.gus);
        let none = olga.post(&path, &[("reason", "inactivity"), ("returns_at", "2026-06-01")]).await.expect(422);
        assert!(none.has("#reason-error"), "nobody chooses it");
        w.database.execute("UPDATE users SET status_reason = 'inactivity' WHERE email_key = 'gus@fernhill.example'");
        let dialog = olga.get(&path).await.expect(200);
        assert_eq!(dialog.text("#reason option[selected]"), "No activity");
        olga.post(&path, &[("reason", "inactivity"), ("returns_at", "2026-06-01")]).await.expect(303);
        let gus = w.user(w.gus);
        assert_eq!((gus.reason, gus.absence.returns_at.is_some()), (Some(Reason::Inactivity), true));
    }

    async fn the_plan_for_work_that_is_not_there_is_kept(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let path = format!("/settings/users/{}/deactivate", w.bob);
        let plan = format!("user:{}", w.agnes);
        let first = [("starts_at", "2026-03-09"), ("plan_open", plan.as_str()), ("plan_snoozed", "none")];
        olga.post(&path, &first).await.expect(303);
        let dialog = olga.get(&path).await.expect(200);
        assert!(!dialog.has("[name=plan_open]"), "he holds nothing");
        let version = dialog.attributes("input[name=version]", "value").remove(0);
        olga.post(&path, &[("version", version.as_str()), ("starts_at", "2026-03-10")]).await.expect(303);
        let told = olga.get(&format!("/settings/users/{}", w.bob)).await.expect(200).text("#absence");
        assert!(told.contains("Open conversations go to Agnes Arndt, snoozed ones are unassigned"), "{told}");
    }
}
