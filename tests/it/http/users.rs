//! Settings → Users: tabs, search, filters, profile, deactivate, reactivate.

use baton::domain::roles::Standard;
use baton::domain::users::Status;

use crate::support::on_both;
use crate::support::web::{Browser, Site};
use crate::support::world::PASSWORD;

on_both! {
    async fn tabs_count_and_search_finds(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let page = olga.get("/settings/users").await.expect(200);
        let active = page.texts(".person-name").len();
        assert_eq!(page.text(".tabs a[aria-current]"), format!("Active Users {active}"));
        let found = olga.get("/settings/users?q=AGNES").await.expect(200);
        assert_eq!(found.texts("tbody .person-name").len(), 1);
        let none = olga.get("/settings/users?q=%25").await.expect(200);
        assert_eq!(none.text(".empty h2"), "Nobody matches");
        olga.get("/settings/users?role=00000000-0000-7000-8000-000000000000").await.expect(404);
        olga.get("/settings/users?team=x").await.expect(404);
        olga.get(&format!("/settings/users?team={}", w.other.team)).await.expect(404);
        let nobody = olga.get("/settings/users?page=99").await.expect(200);
        assert!(nobody.has(".empty"));
    }

    async fn a_page_and_its_fragment_say_the_same(w: World) {
        let site = Site::on(w.db.clone()).await;
        let whole = site.logged_in(&w, w.olga).await;
        let page = whole.get("/settings/users?sort=-name").await.expect(200);
        let piece = whole.at(&site).htmx().get("/settings/users?sort=-name").await.expect(200);
        assert!(!piece.body.contains("<html") && page.body.contains("<html"));
        assert_eq!(page.texts(".person-name"), piece.texts(".person-name"));
        assert_eq!(page.header("vary").map(|vary| vary.contains("HX-Request")), Some(true));
    }

    async fn sorting_turns_the_list_round(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        for sort in ["name", "role", "open_work", "last_seen"] {
            let up = olga.get(&format!("/settings/users?sort={sort}")).await.expect(200);
            let down = olga.get(&format!("/settings/users?sort=-{sort}")).await.expect(200);
            assert_eq!(up.attributes("th[aria-sort]", "aria-sort"), ["ascending"], "{sort}");
            assert_eq!(down.attributes("th[aria-sort]", "aria-sort"), ["descending"], "{sort}");
        }
        let mut up = olga.get("/settings/users?sort=name").await.texts(".person-name");
        up.reverse();
        assert_eq!(olga.get("/settings/users?sort=-name").await.texts(".person-name"), up);
    }

    async fn twenty_five_a_page(w: World) {
        for number in 0..30 {
            w.newcomer(&format!("Person{number:02} Smith"), Standard::Agent, Status::Active);
        }
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let first = olga.get("/settings/users?q=person").await.expect(200);
        assert_eq!(first.texts("tbody tr").len(), 25);
        assert_eq!(first.text(".table-foot [role=status]"), "Showing 1–25 of 30");
        let next = first.attributes("a[rel=next]", "href");
        let second = olga.get(&next[0]).await.expect(200);
        assert_eq!(second.texts("tbody tr").len(), 5);
        assert!(second.has("a[rel=prev]") && !second.has("a[rel=next]"));
    }

    async fn deactivating_ends_two_browsers_at_once_and_keeps_everything(w: World) {
        let site = Site::on(w.db.clone()).await;
        let elsewhere = Site::on(w.instance_b()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let (first, second) = (site.logged_in(&w, w.agnes).await, elsewhere.logged_in(&w, w.agnes).await);
        let stale = first.get("/profile/security").await.expect(200);
        assert!(stale.has("input[name=csrf_token]"));
        let held = w.open_of(w.agnes, 3);
        let page = olga.get(&format!("/settings/users/{}/deactivate", w.agnes)).await.expect(200);
        assert!(page.text(".dialog-body").contains("3"), "{}", page.body);
        olga.post(&format!("/settings/users/{}/deactivate", w.agnes), &[("reason", "leave")]).await.expect(303);
        assert!(first.get("/profile/security").await.location().starts_with("/login"));
        assert!(second.get("/profile/security").await.location().starts_with("/login"));
        let by_htmx = second.at(&elsewhere).htmx();
        assert!(by_htmx.get("/profile/security").await.header("hx-redirect").is_some());
        // A stale form changes nothing.
        first.post("/profile/security/sessions", &[]).await.expect(303);
        let email = w.user(w.agnes).email;
        let told = site.browser().log_in(&email, PASSWORD, "fernhill").await.expect(422);
        assert!(told.text(".error-summary h2").contains("deactivated"), "{}", told.body);
        let wrong = site.browser().log_in(&email, "wrong", "fernhill").await.expect(422);
        assert_eq!(wrong.text(".error-summary h2"), "That email and password don’t match.");
        assert_eq!(w.number("SELECT count(*) FROM conversations WHERE assignee_id IS NOT NULL"), held.len() as i64);
        let inactive = olga.get("/settings/users/inactive").await.expect(200);
        assert!(inactive.texts(".person-name s").iter().any(|name| name.starts_with("Agnes")));
        assert!(!olga.get("/settings/users").await.texts(".person-name").iter().any(|name| name.starts_with("Agnes")));

        olga.post(&format!("/settings/users/{}/reactivate", w.agnes), &[]).await.expect(303);
        site.browser().log_in(&email, PASSWORD, "fernhill").await.expect(303);
        assert!(first.get("/profile/security").await.location().starts_with("/login"));
    }

    async fn a_plan_moves_what_is_held(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        w.open_of(w.agnes, 4);
        let bob = format!("user:{}", w.bob);
        let bad = [("reason", "left"), ("plan_open", "nonsense")];
        let page = olga.post(&format!("/settings/users/{}/deactivate", w.agnes), &bad).await.expect(422);
        assert!(page.has("#plan_open-error"));
        assert_eq!(w.user(w.agnes).status, Status::Active);
        let plan = [("reason", "left"), ("plan_open", bob.as_str()), ("plan_snoozed", "keep")];
        olga.post(&format!("/settings/users/{}/deactivate", w.agnes), &plan).await.expect(303);
        while site.run_due() > 0 {}
        let page = olga.get("/settings/users?q=bob").await.expect(200);
        assert_eq!(page.text("tbody td.num"), "4");
    }

    async fn the_only_owner_stays_and_the_dialog_says_how_to_go_on(w: World) {
        let site = Site::on(w.db.clone()).await;
        let ada = site.logged_in(&w, w.ada).await;
        let page = ada.get(&format!("/settings/users/{}/deactivate", w.olga)).await.expect(409);
        assert!(page.text("#dialog-title").contains("Only an Owner"), "{}", page.body);
        let olga = site.logged_in(&w, w.olga).await;
        let page = olga.get(&format!("/settings/users/{}/deactivate", w.olga)).await.expect(409);
        assert_eq!(page.text("#dialog-title"), "Olga Owens is the only Owner");
        let choices = page.attributes("#owner option", "value");
        assert!(choices.contains(&w.ada.to_string()) && !choices.contains(&w.olga.to_string()), "{choices:?}");
        assert!(!choices.contains(&w.bob.to_string()), "who never logged in cannot be chosen");
        assert!(page.has("#password[type=password]"));
        olga.post(&format!("/settings/users/{}/deactivate", w.olga), &[("reason", "left")]).await.expect(409);
        let form = olga.get(&format!("/settings/users/{}", w.olga)).await.expect(200);
        let version = form.attributes("input[name=version]", "value").remove(0);
        let agent = w.role(Standard::Agent).to_string();
        let fields = [
            ("version", version.as_str()), ("full_name", "Olga Owner"), ("email", "olga@fernhill.example"), ("role", &agent),
        ];
        let page = olga.post(&format!("/settings/users/{}", w.olga), &fields).await.expect(422);
        assert!(page.text("#roles-error").contains("only Owner"), "{}", page.body);
    }

    async fn the_only_owner_makes_another_one_with_their_password(w: World) {
        let site = Site::on(w.db.clone()).await;
        let (ada, olga) = (site.logged_in(&w, w.ada).await, site.logged_in(&w, w.olga).await);
        let path = format!("/settings/users/{}/owner", w.olga);
        let (to_ada, to_bob, theirs) = (w.ada.to_string(), w.bob.to_string(), w.other.xena.to_string());
        let fields = |owner: &str, password: &str| {
            [("owner", owner.to_owned()), ("password", password.to_owned()), ("way", "deactivate".to_owned())]
        };
        let send = async |browser: &Browser, owner: &str, password: &str| {
            let fields = fields(owner, password);
            let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            browser.post(&path, &fields).await
        };
        assert!(send(&olga, "", PASSWORD).await.expect(422).has("#owner-error"));
        assert!(send(&olga, &to_bob, PASSWORD).await.expect(422).text("#owner-error").contains("have logged in first"));
        let wrong = send(&olga, &to_ada, "not hers").await.expect(422);
        assert!(wrong.has("#password-error"));
        assert_eq!(wrong.attributes("#owner option[selected]", "value"), std::slice::from_ref(&to_ada), "the choice stays");
        send(&olga, &theirs, PASSWORD).await.expect(404);
        send(&ada, &to_ada, PASSWORD).await.expect(409);
        assert!(!w.user(w.ada).is_owner);
        send(&olga, &to_ada, PASSWORD).await.expect(303);
        assert!(w.user(w.ada).is_owner);
        // Now Ada can do what was asked for.
        ada.post(&format!("/settings/users/{}/deactivate", w.olga), &[("reason", "left")]).await.expect(303);
        assert_eq!(w.user(w.olga).status, Status::Inactive);
    }

    async fn editing_keeps_what_was_typed_and_notices_who_was_quicker(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let path = format!("/settings/users/{}", w.bob);
        let form = olga.get(&path).await.expect(200);
        let version = form.attributes("input[name=version]", "value").remove(0);
        let (role, chat) = (w.role(Standard::Agent).to_string(), w.chat.to_string());
        let with = |name: &'static str, email: &'static str| {
            vec![
                ("version", version.clone()), ("full_name", name.to_owned()), ("email", email.to_owned()), ("role", role.clone()),
                ("channel", chat.clone()),
            ]
        };
        let send = async |fields: Vec<(&'static str, String)>| {
            let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            olga.post(&path, &fields).await
        };
        let page = send(with("Bobby <b>", "no address")).await.expect(422);
        assert_eq!(page.attributes("#full_name", "value"), ["Bobby <b>"]);
        assert!(page.has("#email-error") && page.attributes("#email", "aria-invalid") == ["true"]);
        let agnes = w.user(w.agnes).email;
        let taken = send(vec![("version", version.clone()), ("full_name", "Bob".into()), ("email", agnes.to_uppercase()), ("role", role.clone())]).await;
        assert!(taken.expect(422).text("#email-error").contains("already uses"));
        send(with("Bob the Second", "bob2@fernhill.example")).await.expect(303);
        assert_eq!(w.user(w.bob).name.full, "Bob the Second");
        send(with("Bob the Third", "bob3@fernhill.example")).await.expect(409);
        assert_eq!(w.user(w.bob).name.full, "Bob the Second");
    }

    async fn nobody_gives_what_they_lack(w: World) {
        let site = Site::on(w.db.clone()).await;
        let ada = site.logged_in(&w, w.ada).await;
        let form = ada.get(&format!("/settings/users/{}", w.bob)).await.expect(200);
        let version = form.attributes("input[name=version]", "value").remove(0);
        let owner = w.role(Standard::Owner).to_string();
        let fields = [("version", version.as_str()), ("full_name", "Bob"), ("email", "bob@fernhill.example"), ("role", &owner)];
        let page = ada.post(&format!("/settings/users/{}", w.bob), &fields).await.expect(422);
        assert!(page.text("#roles-error").contains("Owner"));
        assert!(!w.user(w.bob).is_owner);
    }

    async fn odd_input_gets_a_sentence(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let long = "x".repeat(1_000_000);
        for name in [long.as_str(), "", "\u{202e}gnirts", "🦀\u{0}"] {
            let fields = [("version", "1"), ("full_name", name), ("email", name), ("role", "nonsense")];
            let page = olga.post(&format!("/settings/users/{}", w.bob), &fields).await;
            assert!(matches!(page.status.as_u16(), 404 | 413 | 422), "{}", page.status);
        }
        let page = olga.post(&format!("/settings/users/{}", w.bob), &[("full_name", &"x".repeat(2_000_000))]).await;
        assert!(page.status.is_client_error());
        assert!(page.text("h1").len() > 3, "{}", page.body);
    }
}
