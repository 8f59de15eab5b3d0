//! Logging in, out, and being logged out (S-1 … S-6).

use baton::domain::ids::UserId;
use chrono::TimeDelta;

use crate::support::web::Site;
use crate::support::world::PASSWORD;
use crate::support::{World, on_both};

fn email(w: &World, who: UserId) -> String {
    w.user(who).email
}

on_both! {
    async fn a_wrong_address_and_a_wrong_password_look_the_same(w: World) {
        let site = Site::on(w.db.clone()).await;
        let browser = site.browser();
        let unknown = browser.log_in("nobody@fernhill.example", PASSWORD, "fernhill").await.expect(422);
        let wrong = browser.log_in(&email(&w, w.agnes), "not her password", "fernhill").await.expect(422);
        assert_eq!(unknown.text(".error-summary h2"), "That email and password don’t match.");
        assert_eq!(wrong.text(".error-summary"), unknown.text(".error-summary"));
        assert_eq!(wrong.attributes("#email", "value"), [email(&w, w.agnes)]);
        assert_eq!(wrong.attributes("#password", "value"), Vec::<String>::new());
    }

    async fn logging_in_changes_the_key_and_leads_on(w: World) {
        let site = Site::on(w.db.clone()).await;
        let browser = site.browser();
        let asked = browser.get("/settings/users?q=bob").await.expect(303);
        assert_eq!(asked.location(), "/login?next=%2Fsettings%2Fusers%3Fq%3Dbob");
        browser.get(asked.location()).await.expect(200);
        let olga = email(&w, w.olga);
        let fields = [("email", olga.as_str()), ("password", PASSWORD), ("workspace", "fernhill"), ("next", "/settings/users?q=bob")];
        let page = browser.post("/login", &fields).await.expect(303);
        assert_eq!(page.location(), "/settings/users?q=bob");
        let cookie = page.header("set-cookie").unwrap_or_default().to_owned();
        for word in ["HttpOnly", "SameSite=Lax", "Secure", "__Host-"] {
            assert!(cookie.contains(word), "{cookie}");
        }
        let away = [("email", olga.as_str()), ("password", PASSWORD), ("workspace", "fernhill"), ("next", "//evil.example")];
        let other = site.browser();
        other.get("/login").await;
        assert_eq!(other.post("/login", &away).await.expect(303).location(), "/");
    }

    async fn logging_out_ends_the_session_for_good(w: World) {
        let site = Site::on(w.db.clone()).await;
        let agnes = site.logged_in(&w, w.agnes).await;
        let copy = agnes.at(&site);
        agnes.post("/logout", &[]).await.expect(303);
        agnes.get("/profile/security").await.expect(303);
        copy.get("/profile/security").await.expect(303);
    }

    async fn a_session_dies_of_idling_and_of_age(w: World) {
        let site = Site::on(w.db.clone()).await;
        let agnes = site.logged_in(&w, w.agnes).await;
        w.later(TimeDelta::days(13));
        agnes.get("/profile/security").await.expect(200);
        w.later(TimeDelta::days(13));
        agnes.get("/profile/security").await.expect(200);
        w.later(TimeDelta::days(5));
        agnes.get("/profile/security").await.expect(303);
        let bob = site.logged_in(&w, w.bob).await;
        w.later(TimeDelta::days(15));
        bob.get("/profile/security").await.expect(303);
    }

    async fn guessing_is_slowed_down_but_not_for_good(w: World) {
        let site = Site::on(w.db.clone()).await;
        let browser = site.browser();
        let agnes = email(&w, w.agnes);
        for _ in 0..10 {
            browser.log_in(&agnes, "wrong", "fernhill").await.expect(422);
        }
        let told = browser.log_in(&agnes, PASSWORD, "fernhill").await.expect(429);
        assert!(told.text(".error-summary h2").contains("Wait 15 minutes"), "{}", told.body);
        w.later(TimeDelta::minutes(16));
        browser.log_in(&agnes, PASSWORD, "fernhill").await.expect(303);
    }

    async fn another_password_is_another_key(w: World) {
        let site = Site::on(w.db.clone()).await;
        let agnes = site.logged_in(&w, w.agnes).await;
        let before = agnes.at(&site);
        before.get("/profile/security").await.expect(200);
        let new = [("current", PASSWORD), ("password", "a quite new passphrase"), ("password_confirmation", "a quite new passphrase")];
        agnes.post("/profile/security/password", &new).await.expect(303);
        agnes.get("/profile/security").await.expect(200);
        before.get("/profile/security").await.expect(303);
        agnes.post("/profile/security/sessions", &[]).await.expect(303);
        agnes.get("/profile/security").await.expect(200);
    }

    async fn the_same_address_in_two_workspaces_is_two_people(w: World) {
        let site = Site::on(w.db.clone()).await;
        let browser = site.browser();
        let page = browser.get("/login").await.expect(200);
        assert_eq!(page.texts("#workspace option").len(), 2);
        let fixed = browser.get("/login/fernhill").await.expect(200);
        assert!(!fixed.has("select#workspace"));
        browser.get("/login/nowhere").await.expect(404);
    }

    async fn one_can_see_and_end_ones_sessions(w: World) {
        let site = Site::on(w.db.clone()).await;
        let (first, second) = (site.logged_in(&w, w.agnes).await, site.logged_in(&w, w.agnes).await);
        let page = first.get("/profile/security").await.expect(200);
        assert_eq!(page.texts("[aria-labelledby=se-t] tbody tr").len(), 2);
        first.post("/profile/security/sessions", &[]).await.expect(303);
        second.get("/profile/security").await.expect(303);
        first.get("/profile/security").await.expect(200);
    }

    async fn changing_ones_password_needs_the_present_one(w: World) {
        let site = Site::on(w.db.clone()).await;
        let (agnes, elsewhere) = (site.logged_in(&w, w.agnes).await, site.logged_in(&w, w.agnes).await);
        let fields = |current| [("current", current), ("password", "tundra violin harbour"), ("password_confirmation", "tundra violin harbour")];
        let page = agnes.post("/profile/security/password", &fields("wrong")).await.expect(422);
        assert!(page.has("#current-error"));
        agnes.post("/profile/security/password", &fields(PASSWORD)).await.expect(303);
        elsewhere.get("/profile/security").await.expect(303);
        agnes.get("/profile/security").await.expect(200);
        site.browser().log_in(&email(&w, w.agnes), PASSWORD, "fernhill").await.expect(422);
        site.browser().log_in(&email(&w, w.agnes), "tundra violin harbour", "fernhill").await.expect(303);
    }

    async fn a_forgotten_password_is_reset_by_one_link_once(w: World) {
        let site = Site::on(w.db.clone()).await;
        let agnes = site.logged_in(&w, w.agnes).await;
        let browser = site.browser();
        browser.get("/password/forgot").await.expect(200);
        let known = browser.post("/password/forgot", &[("email", &email(&w, w.agnes))]).await.expect(200);
        let unknown = browser.post("/password/forgot", &[("email", "nobody@fernhill.example")]).await.expect(200);
        assert_eq!(known.text("h1"), unknown.text("h1"));
        let link = w.last_link("password/reset/");
        for _ in 0..5 {
            browser.get(&link).await.expect(200);
        }
        let new = [("password", "tundra violin harbour"), ("password_confirmation", "tundra violin harbour")];
        browser.post(&link, &new).await.expect(303);
        agnes.get("/profile/security").await.expect(303);
        browser.get(&link).await.expect(410);
        browser.post(&link, &new).await.expect(410);
        browser.log_in(&email(&w, w.agnes), "tundra violin harbour", "fernhill").await.expect(303);
    }

    async fn a_reset_link_lives_an_hour(w: World) {
        let site = Site::on(w.db.clone()).await;
        let browser = site.browser();
        browser.get("/password/forgot").await;
        browser.post("/password/forgot", &[("email", &email(&w, w.agnes))]).await.expect(200);
        let link = w.last_link("password/reset/");
        w.later(TimeDelta::minutes(61));
        browser.get(&link).await.expect(410);
    }
}
