//! Lists under a name: who is shown them, who may change them, and what becomes of what they name.

use baton::domain::ids::UserId;
use baton::domain::inbox::Address;

use crate::support::web::{Browser, Site};
use crate::support::{World, on_both};

/// The saved views beside a list, as somebody is shown them.
async fn views(browser: &Browser) -> Vec<String> {
    let page = browser.get("/inbox").await.expect(200);
    let hrefs = page.attributes("#views a", "href");
    let texts = page.texts("#views a");
    texts.into_iter().zip(hrefs).filter(|(_, href)| href.contains("saved=")).map(|(text, _)| text).collect()
}

async fn save(browser: &Browser, name: &str, audience: &str, query: &str) -> String {
    let fields = [("name", name), ("audience", audience), ("query", query)];
    browser.post("/inbox/views", &fields).await.expect(303).location().to_owned()
}

fn id_of(location: &str) -> String {
    let address: Address = serde_html_form::from_str(location.split_once('?').expect("a query").1).expect("an address");
    address.saved
}

fn owner_of(w: &World, name: &str) -> i64 {
    w.number(&format!("SELECT count(*) FROM saved_views WHERE name = '{name}'"))
}

on_both! {
    async fn a_list_is_saved_opened_changed_and_deleted(w: World) {
        let site = Site::on(w.db.clone()).await;
        w.open_of(w.agnes, 2);
        let agnes = site.logged_in(&w, w.agnes).await;
        let page = agnes.get("/inbox?assignee=me&sort=waiting").await.expect(200);
        let ask = page.attributes("a[href^='/inbox/views/new']", "href").remove(0);
        let dialog = agnes.get(&ask).await.expect(200);
        assert_eq!(dialog.attributes("input[name=query]", "value"), ["assignee=me&sort=waiting"]);
        let refused = agnes.post("/inbox/views", &[("name", "  "), ("query", "assignee=me")]).await.expect(422);
        assert!(refused.has("#name[aria-invalid=true]"));
        let location = save(&agnes, "My <b>late</b> ones", "own", "assignee=me&after=1-2-3").await;
        let id = id_of(&location);
        assert_eq!(location, format!("/inbox?assignee=me&saved={id}"));
        let opened = agnes.get(&location).await.expect(200);
        assert_eq!(opened.text("#list-title h2"), "My <b>late</b> ones");
        assert_eq!(views(&agnes).await, ["My <b>late</b> ones2"]);
        // The list beside it is another one: the view may become that.
        let dialog = agnes.get(&format!("/inbox/views/{id}?status=closed")).await.expect(200);
        assert!(dialog.has("input[name=replace]"));
        let path = format!("/inbox/views/{id}");
        let fields = [("name", "Settled"), ("audience", "own"), ("query", "status=closed"), ("replace", "on")];
        let changed = agnes.post(&path, &fields).await.expect(303);
        assert_eq!(changed.location(), format!("/inbox?status=closed&saved={id}"));
        assert_eq!(views(&agnes).await, ["Settled"]);
        agnes.get(&format!("{path}/delete")).await.expect(200);
        agnes.post(&format!("{path}/delete"), &[]).await.expect(303);
        assert_eq!(views(&agnes).await, Vec::<String>::new());
        agnes.get(&path).await.expect(404);
        let trail = w.trail(20);
        for event in ["view.saved", "view.updated", "view.deleted"] {
            assert!(trail.iter().any(|one| one == event), "{event} in {trail:?}");
        }
    }

    async fn views_are_shown_to_those_they_are_for_and_to_nobody_else(w: World) {
        let site = Site::on(w.db.clone()).await;
        let log_in = async |who: UserId| site.logged_in(&w, who).await;
        let (agnes, bob, sven, gus) = (log_in(w.agnes).await, log_in(w.bob).await, log_in(w.sven).await, log_in(w.gus).await);
        let support = format!("team:{}", w.support);
        let own = id_of(&save(&agnes, "Own", "own", "view=mine").await);
        // Agnes leads Support, Bob is a member only, Sven runs teams.
        let of_team = id_of(&save(&agnes, "Of the team", &support, "team=mine").await);
        save(&sven, "Of all", "all", "view=unassigned").await;
        for (who, audience) in [(&bob, support.as_str()), (&bob, "all"), (&agnes, "all")] {
            let refused = who.post("/inbox/views", &[("name", "No"), ("audience", audience), ("query", "")]).await.expect(422);
            assert!(refused.has("#audience[aria-invalid=true]"), "{audience}");
        }
        assert_eq!(owner_of(&w, "No"), 0);
        agnes.post("/inbox/views", &[("name", "No"), ("audience", &format!("team:{}", w.other.team)), ("query", "")]).await.expect(404);
        let bare = |all: Vec<String>| all.into_iter().map(|one| one.trim_end_matches(char::is_numeric).to_owned()).collect::<Vec<_>>();
        assert_eq!(bare(views(&agnes).await), ["Of all", "Of the team", "Own"]);
        assert_eq!(bare(views(&bob).await), ["Of all", "Of the team"]);
        assert_eq!(bare(views(&gus).await), ["Of all"]);
        // Somebody else's own view is not there; one that is shown may still not be changed.
        bob.get(&format!("/inbox/views/{own}")).await.expect(404);
        bob.post(&format!("/inbox/views/{own}/delete"), &[]).await.expect(404);
        assert_ne!(bob.get(&format!("/inbox?view=mine&saved={own}")).await.expect(200).text("#list-title h2"), "Own");
        let refused = bob.post(&format!("/inbox/views/{of_team}"), &[("name", "Mine"), ("audience", &support), ("query", "")]).await.expect(422);
        assert!(refused.body.contains("Only whoever saved this view"));
        sven.post(&format!("/inbox/views/{own}/delete"), &[]).await.expect(404);
        assert_eq!(owner_of(&w, "Own"), 1);
    }

    async fn a_view_outlives_what_it_names_and_says_so(w: World) {
        let site = Site::on(w.db.clone()).await;
        let (olga, night) = (site.logged_in(&w, w.olga).await, w.system_does(|tx| {
            let team = baton::store::teams::insert(tx, "Night", "")?;
            Ok(tx.unrecorded(team, "a test sets the scene"))
        }));
        let of_bob = save(&olga, "Of Bob", "own", &format!("assignee={}&status=open", w.bob)).await;
        let of_night = save(&olga, "Of the night", "own", &format!("team={night}")).await;
        w.open_of(w.bob, 1);
        w.deactivate(w.bob);
        let page = olga.get(&of_bob).await.expect(200);
        assert!(page.attributes(".conv a", "href").len() == 1 && page.text(".list-chips").contains("Bob Keller"));
        assert!(page.body.contains("(deactivated)"));
        olga.post(&format!("/settings/teams/{night}/delete"), &[]).await.expect(303);
        let page = olga.get(&of_night).await.expect(200);
        assert!(page.text(".list-alert").contains("names something that is gone"), "{}", page.text("#results"));
        assert!(page.text(".list-chips").contains("A team that is gone") && page.texts(".conv").is_empty());
        // Without the view, an unknown team is not there.
        olga.get(&format!("/inbox?team={night}")).await.expect(404);
        olga.get(&format!("/inbox?team={}&saved={}", w.other.team, w.other.view)).await.expect(404);
    }
}
