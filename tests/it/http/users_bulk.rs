//! Many users at once (U-14), and "Why can't this user…?".

use baton::domain::access::Key;
use baton::domain::ids::UserId;
use baton::domain::roles::Standard;
use baton::domain::users::Status;
use baton::store;

use crate::support::web::{Browser, Page, Site};
use crate::support::{World, on_both};

const ASK: &str = "/settings/users/bulk/confirm";
const DO: &str = "/settings/users/bulk";

async fn does(browser: &Browser, fields: &[(&str, &str)], users: &[UserId]) -> Page {
    let users: Vec<String> = users.iter().map(ToString::to_string).collect();
    let mut all = fields.to_vec();
    all.extend(users.iter().map(|id| ("user", id.as_str())));
    browser.post(DO, &all).await
}

fn roles_of(w: &World, who: UserId) -> Vec<String> {
    let held = w.read(|rx| store::roles::list_of_users(rx, &[who])).remove(&who).unwrap_or_default();
    w.read(store::roles::list).into_iter().filter(|role| held.contains(&role.id)).map(|role| role.name).collect()
}

fn teams_of(w: &World, who: UserId) -> usize {
    w.read(|rx| store::teams::list_of_users(rx, &[who])).remove(&who).map_or(0, |teams| teams.len())
}

on_both! {
    async fn deactivating_several_tells_what_they_hold_and_who_was_refused(w: World) {
        let omar = w.newcomer("Omar Odeh", Standard::Owner, Status::Active);
        w.open_of(w.agnes, 3);
        w.open_of(w.bob, 2);
        w.deactivate(w.gus);
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let list = olga.get("/settings/users").await.expect(200);
        assert!(list.has(".bulkbar button[value=deactivate]") && list.has("input[name=user]"));
        let query = [w.agnes, w.bob, w.gus, w.olga, omar].map(|id| format!("user={id}")).join("&");
        let asked = olga.get(&format!("{ASK}?action=deactivate&{query}")).await.expect(200);
        assert_eq!(asked.text("#dialog-title"), "Deactivate 5 users?");
        assert_eq!(asked.text(".ho-n"), "5");
        let refused = asked.texts(".alert.warn li");
        assert_eq!(refused.len(), 2, "{refused:?}");
        assert!(refused[0].contains("Gus Garcia is already deactivated"));
        assert!(refused[1].contains("Olga Owens is the only Owner"), "Omar goes first");
        assert_eq!(asked.text("button.btn-danger"), "Deactivate 3");
        assert_eq!(w.user(w.bob).status, Status::Active, "asking changes nothing");
        let plan = format!("team:{}", w.support);
        let fields = [("action", "deactivate"), ("reason", "project_paused"), ("plan_open", plan.as_str())];
        let events = w.events();
        let said = does(&olga, &fields, &[w.agnes, w.bob, w.gus, w.olga, omar]).await.expect(200);
        assert_eq!(said.text("#dialog-title"), "3 users deactivated, 2 refused");
        let lines = said.texts(".refused-list li");
        assert!(lines[0].starts_with("Gus Garcia") && lines[0].contains("already deactivated"), "{lines:?}");
        assert!(lines[1].starts_with("Olga Owens") && lines[1].contains("is the only Owner"), "{lines:?}");
        for who in [w.agnes, w.bob, omar] {
            assert_eq!(w.user(who).status, Status::Inactive);
        }
        assert_eq!(w.user(w.olga).status, Status::Active);
        let told = w.trail(w.events() - events);
        assert_eq!(told.iter().filter(|name| *name == "user.deactivated").count(), 3);
        while site.run_due() > 0 {}
        let queued = "SELECT count(*) FROM conversations WHERE assignee_id IS NULL AND subject = 'A tent pole is missing'";
        assert_eq!(w.number(queued), 5, "all are in the queue of the team");

        let all = does(&olga, &[("action", "reactivate"), ("status", "inactive")], &[w.agnes, w.bob]).await.expect(303);
        assert_eq!(all.location(), "/settings/users/inactive");
        assert!(olga.get("/settings/users").await.text(".toast").contains("2 users reactivated."));
    }

    async fn whatever_is_selected_an_owner_stays(w: World) {
        let omar = w.newcomer("Omar Odeh", Standard::Owner, Status::Active);
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let asked = olga.get(&format!("{ASK}?action=deactivate&scope=matching&status=active")).await.expect(200);
        let expected = asked.attributes("input[name=expected]", "value").remove(0);
        let fields = [("action", "deactivate"), ("scope", "matching"), ("status", "active"), ("expected", &expected)];
        let said = does(&olga, &fields, &[]).await.expect(200);
        assert_eq!(said.text("#dialog-title"), "7 users deactivated, 1 refused");
        assert_eq!(said.texts(".refused-list li").len(), 1);
        assert!(said.text(".refused-list li").contains("the only Owner"), "{}", said.body);
        assert_eq!(w.user(omar).status, Status::Inactive);
        assert_eq!(w.read(store::users::list_active_owner_names), ["Olga Owens"]);
    }

    async fn all_that_match_are_changed_and_a_list_that_changed_is_shown_again(w: World) {
        for number in 0..30 {
            w.newcomer(&format!("Person{number:02} Smith"), Standard::Agent, Status::Active);
        }
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let page = olga.get("/settings/users?q=smith").await.expect(200);
        assert_eq!(page.text(".bulkbar .btn-link"), "Select all 30");
        let all = olga.get(&page.attributes(".bulkbar .btn-link", "href")[0]).await.expect(200);
        assert_eq!(all.text(".bulkbar .sel"), "30 selected");
        assert_eq!(all.attributes("[data-matching] input[name=q]", "value"), ["smith"]);
        let team = w.returns.to_string();
        let fields = |expected: &'static str| {
            vec![("action", "add_team"), ("scope", "matching"), ("status", "active"), ("q", "smith"), ("expected", expected)]
        };
        let mut late = fields("29");
        late.push(("value", &team));
        let page = does(&olga, &late, &[]).await.expect(409);
        assert!(page.text(".error-summary").contains("30 users match now"), "{}", page.body);
        assert_eq!(page.attributes("input[name=expected]", "value"), ["30"]);
        let missing = does(&olga, &fields("30"), &[]).await.expect(422);
        assert!(missing.has("#value-error") && missing.has("#value[aria-invalid]"));
        let mut now = fields("30");
        now.push(("value", &team));
        does(&olga, &now, &[]).await.expect(303);
        let count = w.number("SELECT count(*) FROM team_members m JOIN teams t ON t.id = m.team_id WHERE t.name = 'Returns'");
        assert_eq!(count, 32);
    }

    async fn roles_and_teams_are_given_and_taken_and_nobody_is_left_without_a_role(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let (agent, reader, owner) = (w.role(Standard::Agent).to_string(), w.role(Standard::Reader).to_string(), w.role(Standard::Owner).to_string());
        let both = [w.agnes, w.rita];
        let said = does(&olga, &[("action", "add_role"), ("value", &reader)], &both).await.expect(200);
        assert_eq!(said.text("#dialog-title"), "1 user given the role Reader, 1 unchanged");
        assert_eq!(roles_of(&w, w.agnes), ["Agent", "Reader"]);
        let said = does(&olga, &[("action", "remove_role"), ("value", &reader)], &both).await.expect(200);
        assert!(said.text(".refused-list").contains("Rita Reyes would have no role left"), "{}", said.body);
        assert_eq!((roles_of(&w, w.agnes), roles_of(&w, w.rita)), (vec!["Agent".to_owned()], vec!["Reader".to_owned()]));
        let said = does(&olga, &[("action", "remove_role"), ("value", &owner)], &[w.olga]).await.expect(200);
        assert!(said.text(".refused-list").contains("the only Owner"));
        let support = w.support.to_string();
        // Agnes leads Support, and Bob is still in it: she goes when there is nobody left to be led.
        let said = does(&olga, &[("action", "remove_team"), ("value", &support)], &[w.agnes, w.bob]).await.expect(200);
        assert!(said.text(".refused-list").contains("the only lead of Support"), "{}", said.body);
        assert_eq!((teams_of(&w, w.agnes), teams_of(&w, w.bob)), (1, 0));
        does(&olga, &[("action", "remove_team"), ("value", &support)], &[w.agnes]).await.expect(303);
        assert_eq!(teams_of(&w, w.agnes), 0);
        // Ada gives what she may, and neither makes an Owner nor touches one.
        let ada = site.logged_in(&w, w.ada).await;
        let said = does(&ada, &[("action", "add_role"), ("value", &owner)], &[w.bob]).await.expect(200);
        assert!(said.text(".refused-list").contains("allows more than you may do yourself"), "{}", said.body);
        let said = does(&ada, &[("action", "add_role"), ("value", &agent)], &[w.olga]).await.expect(200);
        assert!(said.text(".refused-list").contains("Only an Owner can change an Owner"));
        assert_eq!(roles_of(&w, w.olga), ["Owner"]);
    }

    async fn who_may_not_is_refused_and_what_is_not_here_is_not_found(w: World) {
        let site = Site::on(w.db.clone()).await;
        let (olga, sven) = (site.logged_in(&w, w.olga).await, site.logged_in(&w, w.sven).await);
        let agent = w.role(Standard::Agent).to_string();
        does(&sven, &[("action", "add_role"), ("value", &agent)], &[w.bob]).await.expect(403);
        sven.get(&format!("{ASK}?action=role&user={}", w.bob)).await.expect(403);
        sven.get(&format!("{ASK}?action=deactivate&user={}", w.bob)).await.expect(200);
        assert!(!sven.get("/settings/users").await.has(".bulkbar button[value=role]"));
        let before = w.number("SELECT count(*) FROM audit_events");
        does(&olga, &[("action", "deactivate")], &[w.bob, w.other.xena]).await.expect(404);
        does(&olga, &[("action", "add_role"), ("value", &w.other.role.to_string())], &[w.bob]).await.expect(404);
        does(&olga, &[("action", "add_team"), ("value", &w.other.team.to_string())], &[w.bob]).await.expect(404);
        does(&olga, &[("action", "add_team"), ("value", "x")], &[w.bob]).await.expect(404);
        does(&olga, &[("action", "dance")], &[w.bob]).await.expect(422);
        does(&olga, &[("action", "deactivate")], &[]).await.expect(422);
        olga.get(&format!("{ASK}?action=deactivate&user=x")).await.expect(404);
        assert_eq!(w.number("SELECT count(*) FROM audit_events"), before);
        assert_eq!(w.user(w.bob).status, Status::Active);
    }

    async fn why_somebody_cannot_is_explained(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let why = format!("/settings/users/{}/why", w.bob);
        let asked = olga.get(&why).await.expect(200);
        assert_eq!(asked.texts("#permission option").len(), Key::ALL.len() + 1);
        let said = olga.get(&format!("{why}?permission=users.invite")).await.expect(200);
        assert!(said.text(".alert.warn").contains("none of their roles allows it"), "{}", said.body);
        assert!(said.text(".facts").contains("Owner, Admin"));
        let said = olga.get(&format!("{why}?permission=conversations.reply")).await.expect(200);
        assert!(said.text(".alert.good").contains("Bob can do this"), "{}", said.body);
        assert_eq!(said.text(".facts a"), "Agent");
        w.deactivate(w.bob);
        let said = olga.get(&format!("{why}?permission=conversations.reply")).await.expect(200);
        assert!(said.text(".alert.warn").contains("Bob is deactivated"));
        let said = olga.get(&format!("/settings/users/{}/why?permission=conversations.view_own", w.gus)).await.expect(200);
        assert!(said.text(".why-list").contains("Guest is Gus’s only role"), "{}", said.body);
        olga.get(&format!("{why}?permission=no.such")).await.expect(404);
        olga.get(&format!("/settings/users/{}/why", w.other.xena)).await.expect(404);
        // Who may not manage roles is not led to them.
        let sven = site.logged_in(&w, w.sven).await;
        assert!(!sven.get(&format!("{why}?permission=users.invite")).await.expect(200).has(".facts a"));
    }
}
