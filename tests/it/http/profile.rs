//! One's own profile (U-15, S-4, S-8).

use baton::domain::roles::Standard;
use baton::domain::users::Status;

use crate::support::on_both;
use crate::support::web::{Browser, Page, Site};

async fn save(by: &Browser, page: &Page, more: &[(&str, &str)]) -> Page {
    let version = page.attributes("input[name=version]", "value").remove(0);
    let mut fields = vec![("version", version.as_str())];
    fields.extend_from_slice(more);
    by.post("/profile", &fields).await
}

on_both! {
    async fn names_zone_and_keys_are_ones_own(w: World) {
        let site = Site::on(w.db.clone()).await;
        let bob = site.logged_in(&w, w.bob).await;
        let page = bob.get("/profile").await.expect(200);
        assert_eq!(page.attributes("#full_name", "value"), ["Bob Keller"]);
        assert!(page.attributes("#zones option", "value").contains(&"Asia/Tokyo".to_owned()));
        assert!(!page.body.contains("data-keys"));
        let bad = save(&bob, &page, &[("full_name", ""), ("time_zone", "Mars"), ("language", "tlh")]).await.expect(422);
        assert!(bad.has("#full_name-error") && bad.has("#time_zone-error") && bad.has("#language-error"));
        let long = "x".repeat(1_000_000);
        save(&bob, &page, &[("full_name", &long)]).await.expect(422);
        let fields = [("full_name", "Robert Keller"), ("display_name", "Rob 😀"), ("time_zone", "asia/tokyo"), ("language", "en"), ("theme", "dark")];
        let saved = save(&bob, &page, &fields).await.expect(303);
        assert_eq!(saved.location(), "/profile");
        let after = bob.get("/profile").await.expect(200);
        assert!(after.body.contains("data-keys=\"off\"") && after.body.contains("data-theme=\"dark\""));
        assert_eq!(after.attributes("#display_name", "value"), ["Rob 😀"]);
        let stale = save(&bob, &page, &fields).await.expect(409);
        assert!(stale.text(".error-summary").contains("You changed your profile meanwhile"));
        let page = bob.get("/profile").await.expect(200);
        let olga = site.logged_in(&w, w.olga).await;
        olga.post(&format!("/settings/teams/{}/members", w.returns), &[("add", &w.bob.to_string())]).await.expect(303);
        let stale = save(&bob, &page, &fields).await.expect(409);
        assert!(stale.text(".error-summary").contains("Olga Owens changed your profile meanwhile"));
        // Times are in his zone from the next page on: nine hours ahead of the clock of the test.
        let times = bob.get("/profile/security").await.texts("[aria-labelledby=lo-t] tbody th");
        assert_eq!(times, ["Today, 18:00"]);
    }

    async fn a_team_is_left_and_its_only_lead_names_another(w: World) {
        let site = Site::on(w.db.clone()).await;
        let agnes = site.logged_in(&w, w.agnes).await;
        let (path, bob) = (format!("/profile/teams/{}/leave", w.support), w.bob.to_string());
        let dialog = agnes.get(&path).await.expect(200);
        assert_eq!(dialog.attributes("#successor option", "value"), ["", bob.as_str()]);
        assert!(agnes.post(&path, &[]).await.expect(422).has("#successor-error"));
        agnes.post(&path, &[("successor", &bob)]).await.expect(303);
        assert!(agnes.get("/profile").await.text("[aria-labelledby=me-teams]").contains("You are in no team"));
        agnes.get(&path).await.expect(404);
        agnes.post(&path, &[]).await.expect(404);
        agnes.get(&format!("/profile/teams/{}/leave", w.returns)).await.expect(404);
    }

    async fn guests_do_not_see_who_of_a_team_cannot_log_in(w: World) {
        w.deactivate(w.sven);
        let site = Site::on(w.db.clone()).await;
        let gus = site.logged_in(&w, w.gus).await;
        let row = gus.get("/profile").await.text("[aria-labelledby=me-teams] tbody tr");
        assert!(row.contains("1 person") && !row.contains("SS"), "{row}");
        let newcomer = w.newcomer("Hanna Holm", Standard::Agent, Status::Active);
        let olga = site.logged_in(&w, w.olga).await;
        olga.post(&format!("/settings/teams/{}/members", w.returns), &[("add", &newcomer.to_string())]).await.expect(303);
        let hanna = site.logged_in(&w, newcomer).await;
        assert!(hanna.get("/profile").await.text("[aria-labelledby=me-teams] tbody tr").contains("3 people"));
    }
}
