//! First run, health, what every answer carries.

use actix_web::http::Method;
use baton::store::anywhere;

use crate::support::db::{Fresh, Kind};
use crate::support::on_both;
use crate::support::web::{Browser, Site, open_empty};
use crate::support::world::PASSWORD;

async fn first_run(kind: Kind) {
    let fresh = Fresh::empty(kind);
    let db = open_empty(&fresh);
    let secret = db.new_secret();
    assert!(db.anywhere_now(|ax| anywhere::insert_setup_link(ax, &secret)).unwrap());
    let site = Site::on(db.clone()).await;
    let browser = site.browser();
    let address = format!("/setup/{}", secret.reveal());
    for _ in 0..10 {
        browser.ask(Method::HEAD, &address).await.expect(200);
        browser.get(&address).await.expect(200);
    }
    let weak = [
        ("workspace", "Fernhill Outdoor"),
        ("full_name", "Dana Weiss"),
        ("email", "dana"),
        ("password", "short"),
        ("password_confirmation", "other"),
    ];
    let page = browser.post(&address, &weak).await.expect(422);
    assert_eq!(page.attributes("#workspace", "value"), ["Fernhill Outdoor"]);
    assert_eq!(page.attributes("#password", "value"), Vec::<String>::new());
    assert!(page.has("#email-error") && page.has("#password-error"));
    let good = [
        ("workspace", "Fernhill Outdoor"),
        ("full_name", "Dana Weiss"),
        ("email", "dana@fernhill.example"),
        ("password", "correct horse battery"),
        ("password_confirmation", "correct horse battery"),
        ("time_zone", "Europe/Berlin"),
    ];
    let page = browser.post(&address, &good).await.expect(303);
    assert_eq!(page.location(), "/settings/users");
    let users = browser.get("/settings/users").await.expect(200);
    assert_eq!(users.texts(".person-name"), ["Dana Weiss"]);
    assert_eq!(users.text(".tabs a[aria-current]"), "Active Users 1");
    // The link died with its use, and there is no other way to a second first run.
    site.browser().get(&address).await.expect(404);
    let other = db.new_secret();
    assert!(!db.anywhere_now(|ax| anywhere::insert_setup_link(ax, &other)).unwrap());
}

#[test]
fn the_set_up_link_makes_the_owner_on_sqlite() {
    crate::support::at_hand(first_run(Kind::Sqlite));
}

#[test]
fn the_set_up_link_makes_the_owner_on_postgres() {
    crate::support::at_hand(first_run(Kind::Postgres));
}

/// A browser behind the trusted proxy of the tests.
fn behind_the_proxy(site: &Site, client: &str) -> Browser {
    site.browser().connecting_from("192.0.2.7").with("x-forwarded-for", client)
}

on_both! {
    async fn behind_a_proxy_each_client_has_an_address_of_its_own(w: World) {
        let site = Site::on(w.db.clone()).await;
        let agnes = w.user(w.agnes).email;
        // Fifty wrong guesses of one client behind the proxy: it is slowed down, whatever it says of itself. Most are
        // noted as if they had been made, because each takes its time.
        for _ in 0..48 {
            let attempt = baton::store::logins::NewAttempt {
                workspace: Some(w.workspace),
                user: None,
                account_hash: "somebody",
                address: "203.0.113.66",
                device: "Firefox",
                succeeded: false,
            };
            w.anywhere(|ax| baton::store::logins::insert(ax, &attempt));
        }
        for guess in 0..2 {
            let guesser = behind_the_proxy(&site, &format!("198.51.100.{guess}, 203.0.113.66"));
            guesser.log_in(&format!("user{guess}@fernhill.example"), "wrong", "fernhill").await.expect(422);
        }
        let guesser = behind_the_proxy(&site, "203.0.113.66");
        guesser.log_in(&agnes, PASSWORD, "fernhill").await.expect(429);
        // Everybody else behind it is not, nor is somebody who claims that client's address without being a proxy.
        let other = behind_the_proxy(&site, "203.0.113.67");
        other.log_in(&agnes, PASSWORD, "fernhill").await.expect(303);
        let direct = site.browser().with("x-forwarded-for", "203.0.113.66");
        direct.log_in(&agnes, PASSWORD, "fernhill").await.expect(303);
        // Sessions, log-in history and the audit log know the same address.
        let listed = other.get("/profile/security").await.expect(200);
        assert!(listed.body.contains("203.0.113.67") && listed.body.contains("203.0.113.7"), "{}", listed.body);
        assert!(!listed.body.contains("192.0.2.7"));
        w.later(chrono::TimeDelta::minutes(2));
        other.get("/profile/security").await.expect(200);
        let seen = w.read(|rx| baton::store::sessions::list_of_user(rx, w.agnes));
        assert!(seen.iter().any(|one| one.address == "203.0.113.67"), "used from there");
        let history = w.read(|rx| baton::store::logins::list_of_user(rx, w.agnes, 9));
        assert!(history.iter().any(|one| one.address == "203.0.113.67" && one.succeeded));
        other.post("/profile/security/sessions", &[]).await.expect(303);
        let told = w.database.lines("SELECT address AS line FROM audit_events WHERE name = 'sessions.ended'");
        assert_eq!(told, ["203.0.113.67"]);
    }

    async fn a_form_of_another_origin_is_refused(w: World) {
        let site = Site::on(w.db.clone()).await;
        let fields = [("email", "nobody@fernhill.example"), ("password", "x"), ("workspace", "fernhill")];
        for (origin, status) in [("https://baton.example", 422), ("http://baton.example", 403), ("https://evil.example", 403)] {
            let browser = site.browser();
            browser.get("/login").await.expect(200);
            let browser = browser.with("origin", origin).with("host", "baton.example");
            let page = browser.post("/login", &fields).await.expect(status);
            assert_eq!(page.body.contains("Open Baton at https://baton.example/"), status == 403, "{origin}");
        }
    }

    async fn health_is_told_without_a_session(w: World) {
        let site = Site::on(w.db.clone()).await;
        let browser = site.browser();
        browser.get("/healthz").await.expect(200);
        browser.get("/readyz").await.expect(200);
    }

    async fn every_page_carries_the_security_headers(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        for path in ["/login", "/settings/users", "/nowhere", "/healthz"] {
            let page = olga.get(path).await;
            let policy = page.header("content-security-policy").unwrap_or_default();
            assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{path}: {policy}");
            assert_eq!(page.header("x-content-type-options"), Some("nosniff"), "{path}");
            assert_eq!(page.header("cache-control"), Some("no-store"), "{path}");
        }
    }

    async fn assets_are_kept_for_good_under_their_hash(w: World) {
        let site = Site::on(w.db.clone()).await;
        let browser = site.browser();
        let login = browser.get("/login").await.expect(200);
        for address in login.attributes("link[rel=stylesheet]", "href").iter().chain(&login.attributes("script", "src")) {
            let asset = browser.get(address).await.expect(200);
            assert_eq!(asset.header("cache-control"), Some("public, max-age=31536000, immutable"), "{address}");
        }
        browser.get("/static/old/baton.css").await.expect(200);
        browser.get("/static/old/../../Cargo.toml").await.expect(404);
    }

    async fn no_page_has_inline_script_or_style(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        for path in ["/settings/users", "/settings/users/inactive", "/settings/users/invites", "/settings/users/invite",
                     "/settings/teams", "/settings/outbox", "/profile/security", "/inbox"] {
            let page = olga.get(path).await.expect(200);
            assert!(!page.has("[style]") && !page.has("script:not([src])") && !page.has("style"), "{path}");
            assert!(!page.body.contains("onclick="), "{path}");
        }
    }
}
