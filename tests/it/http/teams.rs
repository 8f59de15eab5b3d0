//! Settings → Teams (T-1, T-2).

use baton::domain::access::Sees;
use baton::domain::conversations::Status;
use baton::store::counts;

use crate::support::on_both;
use crate::support::web::{Browser, Page, Site};

/// Saves what the team's page would, changed a little.
async fn save(browser: &Browser, path: &str, fields: &[(&str, &str)]) -> Page {
    let version = browser.get(path).await.attributes("input[name=version]", "value").remove(0);
    let mut all = vec![("version", version.as_str())];
    all.extend_from_slice(fields);
    browser.post(path, &all).await
}

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
        save(&olga, &path, &[("name", "Late shift"), ("description", "After eight")]).await.expect(303);
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
        let path = format!("/settings/teams/{}", w.support);
        let page = olga.get(&path).await.expect(200);
        assert!(page.text(".alert.warn strong").contains("No lead can log in"));
        assert!(page.text(".alert.warn p").contains("Choose a lead who is active"));
        w.deactivate(w.bob);
        let page = olga.get(&path).await.expect(200);
        assert!(page.text(".alert.warn strong").contains("Nobody in it can log in"));
        assert!(!page.text(".alert.warn p").contains("Choose a lead"), "there is nobody to choose");
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

    async fn all_who_cannot_log_in_are_taken_out_after_a_look_at_the_numbers(w: World) {
        w.conversations(&vec![w.draft().team(w.support).assignee(w.bob); 3]);
        w.deactivate(w.bob);
        let site = Site::on(w.db.clone()).await;
        let sven = site.logged_in(&w, w.sven).await;
        let list = sven.get("/settings/teams?sort=-open").await.expect(200);
        assert_eq!(list.texts("tbody .person-name"), ["Support", "Returns"]);
        assert!(list.text("tbody tr").contains("3 held by 1 inactive"), "{}", list.text("tbody tr"));
        let (path, agnes, bob) = (format!("/settings/teams/{}/remove-inactive", w.support), w.agnes.to_string(), w.bob.to_string());
        let dialog = sven.get(&path).await.expect(200);
        assert!(dialog.text("h2#dialog-title").contains("Remove 1 person who can’t log in from Support?"));
        assert_eq!(dialog.attributes("input[name=user]", "value"), std::slice::from_ref(&bob));
        assert!(dialog.text("label[for=target]").starts_with("3 conversations"));
        // Somebody else has gone meanwhile: who is taken out is not who was shown.
        w.deactivate(w.agnes);
        let stale = sven.post(&path, &[("user", &bob)]).await.expect(409);
        assert!(stale.text(".error-summary").contains("changed this team meanwhile"), "{}", stale.text(".error-summary"));
        let nobody = sven.post(&path, &[("user", &bob), ("user", &agnes), ("target", &format!("user:{bob}"))]).await.expect(422);
        assert!(nobody.has("#target-error"));
        sven.post(&path, &[("user", "nonsense")]).await.expect(404);
        let sven_himself = format!("user:{}", w.sven);
        sven.post(&path, &[("user", &bob), ("user", &agnes), ("target", &sven_himself)]).await.expect(303);
        while site.run_due() > 0 {}
        let held = w.read(|rx| counts::find(rx, &[Status::Open], &Sees::All)).by_person(Status::Open);
        assert_eq!(held.get(&w.sven), Some(&3));
        let page = sven.get(&path.replace("/remove-inactive", "")).await.expect(200);
        assert_eq!(page.text(".toast p"), "2 people left the team. 3 conversations reassigned to Sven Sorensen.");
        assert!(sven.get(&path).await.expect(200).text(".dialog-body").contains("Everybody in this team can log in"));
    }

    async fn what_is_stuck_in_a_team_is_what_the_list_behind_the_number_shows(w: World) {
        let until = w.now() + chrono::TimeDelta::days(2);
        let of = |who| w.draft().team(w.support).assignee(who);
        let asleep = of(w.bob).now(baton::domain::conversations::StatusChange::Snooze(until));
        w.conversations(&[of(w.bob), of(w.bob), asleep, of(w.agnes), w.draft().assignee(w.bob)]);
        // Gus is no member, and holds one of theirs.
        w.conversations(&[of(w.gus)]);
        w.deactivate(w.bob);
        w.deactivate(w.gus);
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let (row, path) = (format!("[id='team-{}']", w.support), format!("/settings/teams/{}", w.support));
        for members in [1, 0] {
            let list = olga.get("/settings/teams").await.expect(200);
            assert!(list.text(&row).contains("4 held by 2 inactive"), "{}", list.text(&row));
            let href = list.attributes(&format!("{row} a.text-warn"), "href").remove(0);
            assert_eq!(olga.get(&href).await.expect(200).text("#list-title .count"), "4 conversations");
            let page = olga.get(&path).await.expect(200);
            let alert = page.texts(".alert.warn").join(" ");
            assert!(alert.contains("People who can’t log in still hold 4 conversations"), "{alert}");
            assert_eq!(alert.contains("Remove all inactive"), members > 0, "{alert}");
            assert!(page.attributes(".alert.warn a", "href").contains(&href));
            olga.post(&format!("{path}/remove-inactive"), &[]).await.expect(303);
        }
    }

    async fn a_stale_page_of_a_team_is_told_who_was_quicker(w: World) {
        let site = Site::on(w.db.clone()).await;
        let (olga, ada) = (site.logged_in(&w, w.olga).await, site.logged_in(&w, w.ada).await);
        let (path, agnes, bob) = (format!("/settings/teams/{}", w.support), w.agnes.to_string(), w.bob.to_string());
        let opened = ada.get(&path).await.expect(200);
        let version = opened.attributes("input[name=version]", "value").remove(0);
        let led = opened.attributes("input[name=led]", "value").remove(0);
        assert_eq!(led, agnes);
        olga.post(&path, &[("version", &version), ("name", "Help")]).await.expect(303);
        let stale = ada.post(&path, &[("version", &version), ("name", "Care")]).await.expect(409);
        assert!(stale.text(".error-summary").contains("Olga Owens changed this team meanwhile"));
        assert_eq!(stale.attributes("#name", "value"), ["Care"], "what was typed is kept");
        // A form that does not say what it changes is as good as a stale one.
        let blind = ada.post(&path, &[("name", "Care")]).await.expect(409);
        assert!(blind.text(".error-summary").contains("does not say which state of the team"));
        assert_eq!(ada.get(&path).await.text("h1"), "Help");
        let members = format!("{path}/members");
        olga.post(&members, &[("set_leads", "on"), ("led", &agnes), ("lead", &agnes), ("lead", &bob)]).await.expect(303);
        let stale = ada.post(&members, &[("set_leads", "on"), ("led", &agnes), ("lead", &agnes)]).await.expect(409);
        assert!(stale.text(".error-summary").contains("Olga Owens changed this team meanwhile"));
        assert_eq!(stale.attributes("input[name=lead][checked]", "value").len(), 2, "Bob still leads");
        // Of a member who was taken out meanwhile, too.
        olga.post(&members, &[("set_leads", "on"), ("led", &agnes), ("led", &bob), ("lead", &agnes)]).await.expect(303);
        olga.post(&members, &[("remove", &bob)]).await.expect(303);
        ada.post(&members, &[("set_leads", "on"), ("led", &agnes), ("lead", &bob)]).await.expect(409);
        ada.post(&members, &[("set_leads", "on"), ("led", &agnes), ("lead", &w.other.xena.to_string())]).await.expect(404);
    }

    async fn odd_words_about_a_team_get_a_sentence_and_lose_nothing(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let (path, long) = (format!("/settings/teams/{}", w.support), "x".repeat(1_000_000));
        for name in ["", "   ", &long] {
            let page = save(&olga, &path, &[("name", name), ("description", "kept")]).await.expect(422);
            assert!(page.has("#name-error"));
            assert_eq!(page.attributes("#description", "value"), ["kept"]);
            assert!(olga.post("/settings/teams", &[("name", name)]).await.expect(422).has("#name-error"));
        }
        let page = save(&olga, &path, &[("name", "Support"), ("description", &long)]).await.expect(422);
        assert!(page.text("#description-error").contains("500 characters"));
        assert!(save(&olga, &path, &[("name", "RETURNS")]).await.expect(422).text("#name-error").contains("already"));
        for name in ["Équipe 😀", "فريق الدعم", "<b>Bold</b> & co"] {
            save(&olga, &path, &[("name", name)]).await.expect(303);
            assert_eq!(olga.get(&path).await.expect(200).text("h1"), name);
        }
        assert!(olga.get("/settings/teams?q=%F0%9F%98%80&sort=nonsense").await.expect(200).has(".empty"));
    }

    async fn a_profile_neither_takes_the_only_lead_away_nor_lets_in_who_cannot_log_in(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let role = w.role(baton::domain::roles::Standard::Agent).to_string();
        let returns = w.returns.to_string();
        let save = async |who: baton::domain::ids::UserId, team: &str| {
            let path = format!("/settings/users/{who}");
            let page = olga.get(&path).await.expect(200);
            let version = page.attributes("input[name=version]", "value").remove(0);
            let value = |id: &str| page.attributes(id, "value").remove(0);
            let (email, full, display) = (value("#email"), value("#full_name"), value("#display_name"));
            let fields = [
                ("version", version.as_str()), ("email", &email), ("full_name", &full), ("display_name", &display),
                ("role", &role), ("team", team), ("channel", &w.email.to_string()),
            ];
            olga.post(&path, &fields).await
        };
        let refused = save(w.agnes, &returns).await.expect(422);
        assert!(refused.text(".error-summary").contains("Agnes Arndt is the only lead of Support"), "{}", refused.text(".error-summary"));
        w.deactivate(w.bob);
        let refused = save(w.bob, &returns).await.expect(422);
        assert!(refused.text(".error-summary").contains("can’t log in, so they can’t join a team"));
        // Now Agnes is the last who can log in, so there is nobody left to be led.
        save(w.agnes, &returns).await.expect(303);
    }
}
