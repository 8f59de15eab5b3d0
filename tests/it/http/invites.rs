//! Inviting and accepting (I-1 … I-6).

use actix_web::http::Method;
use baton::domain::roles::Standard;
use baton::domain::users::Status;
use baton::store;
use baton::store::outbox::State;
use chrono::TimeDelta;

use crate::support::web::{Browser, Site};
use crate::support::{World, on_both};

async fn invite(w: &World, olga: &Browser, email: &str) -> String {
    let role = w.role(Standard::Agent).to_string();
    let fields = [("email", email), ("full_name", "Amara Nwosu"), ("role", role.as_str()), ("send_invite", "on")];
    olga.post("/settings/users/invites", &fields).await.expect(303);
    w.last_link("invites/")
}

const ACCEPT: [(&str, &str); 3] = [
    ("full_name", "Amara Nwosu"),
    ("password", "tundra violin harbour"),
    ("password_confirmation", "tundra violin harbour"),
];

on_both! {
    async fn an_invite_is_accepted_and_leads_into_the_inbox(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let before = olga.get("/settings/users/invites").await.texts("tbody tr").len();
        let link = invite(&w, &olga, "amara@fernhill.example").await;
        let pending = olga.get("/settings/users/invites").await.expect(200);
        assert_eq!(pending.texts("tbody tr").len(), before + 1);
        assert_eq!(pending.text(".tabs a[aria-current]"), format!("Pending Invites {}", before + 1));
        let amara = site.browser();
        for _ in 0..10 {
            amara.ask(Method::HEAD, &link).await.expect(200);
            amara.get(&link).await.expect(200);
        }
        let weak = [("full_name", "Amara Nwosu"), ("password", "amara"), ("password_confirmation", "amara")];
        let page = amara.post(&link, &weak).await.expect(422);
        assert!(page.has("#password-error"));
        assert_eq!(page.attributes("#full_name", "value"), ["Amara Nwosu"]);
        amara.post(&link, &ACCEPT).await.expect(303);
        assert_eq!(amara.get("/").await.location(), "/inbox");
        assert_eq!(olga.get("/settings/users/invites").await.texts("tbody tr").len(), before);
        let used = site.browser().get(&link).await.expect(410);
        assert!(used.text("h1").contains("already used"));
        let late = site.browser();
        late.get(&link).await;
        late.post(&link, &ACCEPT).await.expect(410);
    }

    async fn resending_kills_the_old_link_and_cancelling_all(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let old = invite(&w, &olga, "amara@fernhill.example").await;
        let id = w.find_user("amara@fernhill.example").id;
        w.later(TimeDelta::minutes(1));
        olga.post(&format!("/settings/users/invites/{id}/resend"), &[]).await.expect(303);
        let new = w.last_link("invites/");
        assert_ne!(old, new);
        assert!(site.browser().get(&old).await.expect(410).text("h1").contains("newer invite"));
        site.browser().get(&new).await.expect(200);
        let copied = olga.post(&format!("/settings/users/invites/{id}/link"), &[]).await.expect(200);
        let shown = copied.attributes("#invite-link", "value").remove(0).replace("https://baton.example", "");
        site.browser().get(&new).await.expect(410);
        site.browser().get(&shown).await.expect(200);
        olga.post(&format!("/settings/users/invites/{id}/cancel"), &[]).await.expect(303);
        assert!(site.browser().get(&shown).await.expect(410).text("h1").contains("cancelled"));
        assert!(w.try_find_user("amara@fernhill.example").is_none());
        olga.post(&format!("/settings/users/invites/{id}/cancel"), &[]).await.expect(404);
        invite(&w, &olga, "amara@fernhill.example").await;
    }

    async fn an_expired_link_says_so_and_can_be_asked_for_anew(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let link = invite(&w, &olga, "amara@fernhill.example").await;
        w.later(TimeDelta::days(8));
        let amara = site.browser();
        let page = amara.get(&link).await.expect(410);
        assert!(page.text("h1").contains("expired"));
        amara.post(&format!("{link}/renew"), &[]).await.expect(200);
        // Olga invited, Ada may invite too.
        assert_eq!(w.number("SELECT count(*) FROM outbox WHERE kind = 'renewal'"), 2);
        amara.post(&link, &ACCEPT).await.expect(410);
        assert_eq!(w.find_user("amara@fernhill.example").status, Status::Invited);
    }

    async fn a_known_address_is_refused_by_name(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        invite(&w, &olga, "amara@fernhill.example").await;
        w.deactivate(w.bob);
        let (agnes, bob) = (w.user(w.agnes).email, w.user(w.bob).email);
        let role = w.role(Standard::Agent).to_string();
        for (email, said) in [(agnes.to_uppercase(), "already a user"), ("Amara@Fernhill.Example".to_owned(), "was invited on"), (bob, "was deactivated on")] {
            let fields = [("email", email.as_str()), ("full_name", "Somebody"), ("role", role.as_str()), ("send_invite", "on")];
            let page = olga.post("/settings/users/invites", &fields).await.expect(422);
            assert!(page.text("#email-error").contains(said), "{}", page.text("#email-error"));
            assert_eq!(page.attributes("#email", "value"), [email]);
        }
    }

    async fn without_sending_the_link_is_shown_once(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let role = w.role(Standard::Agent).to_string();
        let fields = [("email", "amara@fernhill.example"), ("full_name", "Amara"), ("role", role.as_str())];
        let page = olga.post("/settings/users/invites", &fields).await.expect(200);
        let link = page.attributes("#invite-link", "value").remove(0);
        assert_eq!(w.number("SELECT count(*) FROM outbox WHERE to_address = 'amara@fernhill.example'"), 0);
        site.browser().get(&link.replace("https://baton.example", "")).await.expect(200);
    }

    async fn somebody_invited_can_do_nothing_yet(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        invite(&w, &olga, "amara@fernhill.example").await;
        let id = w.find_user("amara@fernhill.example").id;
        site.browser().log_in("amara@fernhill.example", "tundra violin harbour", "fernhill").await.expect(422);
        olga.post(&format!("/settings/users/{id}/deactivate"), &[("reason", "left")]).await.expect(409);
        let browser = site.browser();
        browser.get("/password/forgot").await;
        browser.post("/password/forgot", &[("email", "amara@fernhill.example")]).await.expect(200);
        assert_eq!(w.number("SELECT count(*) FROM outbox WHERE kind = 'password'"), 0);
    }

    async fn a_mail_that_cannot_be_delivered_says_why_on_the_list(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        invite(&w, &olga, "amara@fernhill.example").await;
        let row = async || olga.get("/settings/users/invites").await.expect(200).text("tbody tr");
        assert!(row().await.contains("Mail queued"), "{}", row().await);
        let mail = w.read(|rx| store::outbox::list(rx, None, (1, 0))).0.remove(0).id;
        w.anywhere(|ax| store::outbox::postpone(ax, mail, TimeDelta::minutes(5), "connection refused"));
        assert!(row().await.contains("Mail will be tried again: connection refused"), "{}", row().await);
        w.anywhere(|ax| store::outbox::finish(ax, mail, State::Failed, Some("550 <no such user>")));
        assert!(row().await.contains("Mail failed: 550 <no such user>"), "{}", row().await);
        let id = w.find_user("amara@fernhill.example").id;
        olga.post(&format!("/settings/users/invites/{id}/resend"), &[]).await.expect(303);
        assert!(row().await.contains("(2 times)") && row().await.contains("Mail queued"), "{}", row().await);
    }

    async fn odd_words_in_an_invite_get_a_sentence_and_lose_nothing(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let role = w.role(Standard::Agent).to_string();
        let long = "x".repeat(1_000_000);
        let before = w.number("SELECT count(*) FROM users");
        for (email, full, at) in [
            ("", "Amara", "#email-error"),
            ("amara", "Amara", "#email-error"),
            (long.as_str(), "Amara", "#email-error"),
            ("a@f.example\r\nBcc: b@f.example", "Amara", "#email-error"),
            ("amara@f.example", "", "#full_name-error"),
            ("amara@f.example", &long, "#full_name-error"),
        ] {
            let page = olga.post("/settings/users/invites", &[("email", email), ("full_name", full), ("role", &role)]).await.expect(422);
            assert!(page.has(at), "{at}");
            assert_eq!(page.attributes("input[name=role][checked]", "value"), std::slice::from_ref(&role));
        }
        for (field, id) in [("role", w.other.role.to_string()), ("team", w.other.team.to_string()), ("channel", "nonsense".to_owned())] {
            let fields = [("email", "amara@f.example"), ("full_name", "Amara"), ("role", &role), (field, &id)];
            olga.post("/settings/users/invites", &fields).await.expect(404);
        }
        assert_eq!(w.number("SELECT count(*) FROM users"), before);
        for (number, name) in ["أمارا نووسو", "Amara 😀", "O’Neill-Łuk <b>"].iter().enumerate() {
            let email = format!("odd{number}@f.example");
            let fields = [("email", email.as_str()), ("full_name", name), ("role", &role), ("send_invite", "on")];
            olga.post("/settings/users/invites", &fields).await.expect(303);
            // The same form once more invites nobody twice, and names who is there.
            assert!(olga.post("/settings/users/invites", &fields).await.expect(422).text("#email-error").contains("was invited on"));
            assert_eq!(w.find_user(&email).name.full, *name);
        }
        assert_eq!(w.number("SELECT count(*) FROM users"), before + 3);
    }
}
