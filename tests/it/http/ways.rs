//! Pages that say what happened and how to go on: refusals, empty lists, what was handed over.

use baton::domain::roles::Standard;
use baton::domain::users::Status;

use crate::support::db::{Fresh, Kind};
use crate::support::on_both;
use crate::support::web::{Site, open_empty};

async fn first_run(kind: Kind) {
    let fresh = Fresh::empty(kind);
    let db = open_empty(&fresh);
    let secret = db.new_secret();
    assert!(db.anywhere_now(|ax| baton::store::anywhere::insert_setup_link(ax, &secret)).unwrap());
    let site = Site::on(db).await;
    for path in ["/", "/login"] {
        let page = site.browser().get(path).await.expect(200);
        assert_eq!(page.text("h1"), "Baton isn’t set up yet");
        assert_eq!(page.text("pre"), "baton setup-link");
        assert!(
            !page.body.contains("/setup/") && !page.body.contains(secret.reveal()),
            "the link is not for everybody"
        );
    }
}

#[test]
fn an_empty_installation_says_how_to_begin_on_sqlite() {
    crate::support::at_hand(first_run(Kind::Sqlite));
}

#[test]
fn an_empty_installation_says_how_to_begin_on_postgres() {
    crate::support::at_hand(first_run(Kind::Postgres));
}

on_both! {
    async fn settings_begin_with_what_one_may_see(w: World) {
        let site = Site::on(w.db.clone()).await;
        for (who, start) in [(w.olga, "/settings/users"), (w.sven, "/settings/users")] {
            assert_eq!(site.logged_in(&w, who).await.get("/settings").await.expect(303).location(), start);
        }
        site.logged_in(&w, w.bob).await.get("/settings").await.expect(403);
        assert_eq!(site.browser().get("/settings").await.expect(303).location(), "/login?next=%2Fsettings");
    }

    async fn a_refusal_says_why_who_can_help_and_the_way_back(w: World) {
        let site = Site::on(w.db.clone()).await;
        let bob = site.logged_in(&w, w.bob).await;
        let page = bob.get("/settings/users").await.expect(403);
        let said = page.text(".oops");
        for words in ["Not allowed (403)", "“See users and their profiles”", "logged in as Bob Keller (Agent)", "ask Olga Owens."] {
            assert!(said.contains(words), "{words}: {said}");
        }
        assert_eq!(page.attributes(".oops a.btn", "href"), ["/inbox"]);
        let out = bob.post("/logout", &[("next", "/login")]).await.expect(303);
        assert_eq!(out.location(), "/login");
        let rita = site.logged_in(&w, w.rita).await;
        let page = rita.get("/nowhere").await.expect(404);
        assert!(page.text(".oops").contains("Conversations are never deleted when someone leaves"), "{}", page.body);
        assert_eq!(page.attributes(".oops a.btn", "href"), ["/inbox", "/inbox#q"]);
        let page = site.browser().get("/nowhere").await.expect(404);
        assert_eq!(page.attributes(".oops a.btn", "href"), ["/login"]);
        let rita = rita.htmx();
        let toast = rita.get("/settings/users").await.expect(403);
        assert!(toast.text(".toast").contains("It needs the permission “See users and their profiles”"), "{}", toast.body);
    }

    async fn a_dialog_that_is_a_page_posts_as_a_page(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let path = format!("/settings/users/{}/deactivate", w.bob);
        assert!(olga.get(&path).await.expect(200).has("section.as-page[hx-disable] form[hx-post]"));
        let olga = olga.htmx();
        assert!(!olga.get(&path).await.expect(200).has("[hx-disable]"));
    }

    async fn the_ledger_of_a_deactivation_adds_up(w: World) {
        w.open_of(w.bob, 3);
        let until = w.now() + chrono::TimeDelta::days(2);
        w.conversations(&[w.draft().assignee(w.bob).now(baton::domain::conversations::StatusChange::Snooze(until))]);
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let path = format!("/settings/users/{}/deactivate", w.bob);
        let page = olga.get(&path).await.expect(200);
        assert_eq!(page.texts(".ledger [data-sum]"), ["0", "0", "4"]);
        assert_eq!(page.text("button.btn-danger"), "Deactivate Bob");
        let team = format!("team:{}", w.support);
        // Something is wrong with the dates, and the sums are those of what was chosen.
        let typed = [("plan_open", team.as_str()), ("plan_snoozed", "none"), ("returns_at", "2020-01-01")];
        let page = olga.post(&path, &typed).await.expect(422);
        assert_eq!(page.texts(".ledger [data-sum]"), ["3", "1", "0"]);
        assert_eq!(page.attributes(".ledger rect", "width"), ["450", "150", "0"]);
        assert_eq!(page.text("button.btn-danger"), "Deactivate and hand over 3");
        assert_eq!(w.user(w.bob).status, Status::Active);
    }

    async fn what_was_handed_over_is_told_and_can_be_undone_from_the_person(w: World) {
        w.open_of(w.bob, 2);
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let team = format!("team:{}", w.returns);
        let plan = [("reason", "left"), ("plan_open", team.as_str())];
        olga.post(&format!("/settings/users/{}/deactivate", w.bob), &plan).await.expect(303);
        let toast = olga.get("/settings/users").await.expect(200);
        assert!(toast.text(".toast p").ends_with("2 conversations moved to Returns."), "{}", toast.text(".toast"));
        assert_eq!(toast.texts(".toast form button, .toast a"), ["Undo", "Details"]);
        let profile = olga.get(&format!("/settings/users/{}", w.bob)).await.expect(200);
        assert!(profile.text("[aria-labelledby=ho-t]").contains("2 conversations moved to Returns"), "{}", profile.body);
        let undo = profile.attributes("[aria-labelledby=ho-t] form", "action").remove(0);
        // Who may not look at jobs is not led to them.
        let rita = w.newcomer("Ursula Umber", Standard::Admin, Status::Active);
        assert!(site.logged_in(&w, rita).await.get(&format!("/settings/users/{}", w.bob)).await.expect(200).has("[aria-labelledby=ho-t]"));
        olga.post(&undo, &[]).await.expect(303);
        let profile = olga.get(&format!("/settings/users/{}", w.bob)).await.expect(200);
        assert!(profile.text("[aria-labelledby=ho-t]").contains("and undone"), "{}", profile.body);
        assert!(!profile.has("[aria-labelledby=ho-t] form"));
        // Picked by hand it is found from the person as well, and in the audit log by either side.
        let numbers: Vec<String> = w.open_of(w.gus, 2).iter().map(|one| one.1.to_string()).collect();
        let to = format!("user:{}", w.agnes);
        let mut fields: Vec<(&str, &str)> = numbers.iter().map(|number| ("conversation", number.as_str())).collect();
        fields.extend([("action", "assign"), ("target", to.as_str())]);
        olga.post("/inbox/bulk", &fields).await.expect(303);
        let profile = olga.get(&format!("/settings/users/{}", w.gus)).await.expect(200);
        assert!(profile.text("[aria-labelledby=ho-t]").contains("2 conversations reassigned to Agnes Arndt"), "{}", profile.body);
        for who in [w.gus, w.agnes] {
            let filter = baton::domain::audit_filter::Filter {
                about: Some(baton::domain::audit_filter::About::User(who)),
                ..baton::domain::audit_filter::Filter::default()
            };
            let found = w.read(|rx| baton::store::audit_log::list(rx, &filter, baton::store::audit_log::Place::Newest, 50));
            assert!(found.rows.iter().any(|row| row.event.name == "conversation.assigned"), "{who}");
        }
    }

    async fn a_job_to_several_places_names_none_of_them(w: World) {
        w.open_of(w.bob, 2);
        let until = w.now() + chrono::TimeDelta::days(2);
        w.conversations(&[w.draft().assignee(w.bob).now(baton::domain::conversations::StatusChange::Snooze(until))]);
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let team = format!("team:{}", w.returns);
        let plan = [("reason", "left"), ("plan_open", team.as_str()), ("plan_snoozed", "none")];
        olga.post(&format!("/settings/users/{}/deactivate", w.bob), &plan).await.expect(303);
        let toast = olga.get("/settings/users").await.expect(200);
        assert_eq!(toast.text(".toast p"), "Bob Keller is deactivated. 3 conversations handed over as planned.");
    }

    async fn a_filter_that_was_emptied_says_by_what(w: World) {
        let numbers: Vec<String> =
            w.conversations(&[w.draft().assignee(w.gus)]).iter().map(|one| one.1.to_string()).collect();
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let list = format!("/inbox?assignee={}", w.gus);
        let to = format!("user:{}", w.agnes);
        let fields = [("conversation", numbers[0].as_str()), ("action", "assign"), ("target", to.as_str()), ("back", list.as_str())];
        olga.post("/inbox/bulk", &fields).await.expect(303);
        let page = olga.get(&list).await.expect(200);
        assert!(page.text(".empty").contains("You just did this: 1 conversation reassigned to Agnes Arndt."), "{}", page.text(".empty"));
        assert!(page.attributes(".empty a", "href")[0].starts_with("/jobs/"));
        assert_eq!(page.texts(".empty a"), ["See what was moved", "Clear filters"]);
        // Lists that were empty anyway are not explained by it.
        for other in [format!("assignee={}", w.rita), format!("assignee={}&channel={}", w.gus, w.chat), format!("assignee={}&status=snoozed", w.gus), "tag=&q=nothing+like+it".to_owned(), format!("view=needs_handover&team={}", w.returns)] {
            let page = olga.get(&format!("/inbox?{other}")).await.expect(200);
            assert!(page.text(".empty").contains("Nothing matches"), "{other}: {}", page.text(".empty"));
            assert_eq!(page.texts(".empty a"), ["Clear filters"]);
        }
        w.later(chrono::TimeDelta::minutes(11));
        assert!(olga.get(&list).await.expect(200).text(".empty").contains("Nothing matches"));
    }

    async fn without_a_mail_server_nobody_is_told_that_a_mail_was_sent(w: World) {
        let site = Site::on(w.db.clone()).await;
        let browser = site.browser();
        browser.get("/password/forgot").await.expect(200);
        let page = browser.post("/password/forgot", &[("email", "agnes@fernhill.example")]).await.expect(200);
        assert!(page.text(".gate-card").contains("stands in the outbox"), "{}", page.body);
        assert!(!page.body.contains("on its way"));
    }
}
