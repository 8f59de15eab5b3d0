//! Settings → Teams (T-1, T-2).

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
}
