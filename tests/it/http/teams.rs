//! Settings → Teams (T-1, T-2).

use baton::domain::access::Sees;
use baton::domain::conversations::Status;
use baton::store::counts;

use crate::support::on_both;
use crate::support::web::Site;

on_both! {
    async fn a_team_is_made_filled_led_and_deleted(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let made = olga.post("/settings/teams", &[("name", "  Night   shift ")]).await.expect(303);
        let path = made.location().to_owned();
        let again = olga.post("/settings/teams", &[("name", "night shift")]).await.expect(422);
        assert!(again.text("#name-error").contains("already"));
        let (agnes, bob) = (w.agnes.to_string(), w.bob.to_string());
        olga.post(&format!("{path}/members"), &[("add", &agnes), ("add", &bob)]).await.expect(303);
        olga.post(&format!("{path}/members"), &[("lead", &bob)]).await.expect(303);
        let page = olga.get(&path).await.expect(200);
        assert_eq!(page.texts("tbody tr").len(), 2);
        assert_eq!(page.attributes("input[name=lead][checked]", "value"), std::slice::from_ref(&bob));
        w.deactivate(w.bob);
        let page = olga.get(&path).await.expect(200);
        assert!(page.text(".page-head p").starts_with("1 active of 2"), "{}", page.text(".page-head p"));
        assert!(page.has(".alert.warn"));
        olga.post(&format!("{path}/members"), &[("add", &bob)]).await.expect(422);
        olga.post(&format!("{path}/remove-inactive"), &[]).await.expect(303);
        assert_eq!(olga.get(&path).await.texts("tbody tr").len(), 1);
        olga.post(&format!("{path}/members"), &[("add", &w.other.xena.to_string())]).await.expect(404);
        olga.post(&path, &[("name", "Late shift"), ("description", "After eight")]).await.expect(303);
        assert_eq!(olga.get(&path).await.text("h1"), "Late shift");
        olga.post(&format!("{path}/delete"), &[]).await.expect(303);
        olga.get(&path).await.expect(404);
    }

    async fn whoever_leaves_a_team_can_hand_over_what_they_hold_of_it(w: World) {
        w.conversations(&vec![w.draft().team(w.support).assignee(w.agnes); 2]);
        let site = Site::on(w.db.clone()).await;
        let sven = site.logged_in(&w, w.sven).await;
        let (path, agnes, bob) = (format!("/settings/teams/{}", w.support), w.agnes.to_string(), w.bob.to_string());
        let dialog = sven.get(&format!("{path}/remove?user={agnes}")).await.expect(200);
        assert!(dialog.text("label[for=target]").starts_with("2 conversations"));
        assert_eq!(dialog.attributes("#successor option", "value"), ["", bob.as_str()]);
        let refused = sven.post(&format!("{path}/remove"), &[("user", &agnes)]).await.expect(422);
        assert!(refused.text("#successor-error").contains("only lead of Support"));
        let target = format!("user:{bob}");
        let fields = [("user", agnes.as_str()), ("successor", &bob), ("target", &target)];
        sven.post(&format!("{path}/remove"), &fields).await.expect(303);
        while site.run_due() > 0 {}
        let held = w.read(|rx| counts::find(rx, &[Status::Open], &Sees::All)).by_person(Status::Open);
        assert_eq!(held.get(&w.bob), Some(&2));
        sven.get(&format!("{path}/remove?user={agnes}")).await.expect(404);
        sven.post(&format!("{path}/remove"), &fields).await.expect(404);
        let page = sven.get(&path).await.expect(200);
        assert_eq!(page.text(".page-head p"), "1 active of 1 · 2 open conversations, 2 per active person");
    }

    async fn a_team_without_an_active_lead_is_flagged_wherever_it_shows(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let dialog = olga.get(&format!("/settings/users/{}/deactivate", w.agnes)).await.expect(200);
        assert!(dialog.text(".alert.warn strong").contains("the only lead of Support"), "{}", dialog.text(".alert.warn"));
        w.deactivate(w.agnes);
        let list = olga.get("/settings/teams").await.expect(200);
        let row = list.text(&format!("[id='team-{}']", w.support));
        assert!(row.contains("No lead can log in") && row.contains("1 active of 2"), "{row}");
        let page = olga.get(&format!("/settings/teams/{}", w.support)).await.expect(200);
        assert!(page.text(".alert.warn strong").contains("No lead can log in"));
    }

    async fn a_team_that_holds_conversations_is_deleted_with_a_target(w: World) {
        w.conversations(&vec![w.draft().team(w.support); 3]);
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let path = format!("/settings/teams/{}/delete", w.support);
        let dialog = olga.get(&path).await.expect(200);
        assert!(dialog.text("button.btn-danger").contains("Move 3 conversations and delete"));
        let refused = olga.post(&path, &[]).await.expect(422);
        assert!(refused.has("#target-error"));
        olga.post(&path, &[("target", "team:nonsense")]).await.expect(404);
        olga.post(&path, &[("target", &format!("team:{}", w.other.team))]).await.expect(404);
        olga.post(&path, &[("target", &format!("team:{}", w.returns))]).await.expect(303);
        let list = olga.get("/settings/teams").await.expect(200);
        assert!(list.text("#toasts").contains("3 conversations moved"), "{}", list.text("#toasts"));
        olga.post(&path, &[]).await.expect(404);
    }
}
