//! Settings → Workspace and Settings → Security (W-4, G-1, G-2).

use baton::domain::roles::Standard;
use baton::domain::users::Status;
use baton::store;
use chrono::TimeDelta;

use crate::support::on_both;
use crate::support::web::{Browser, Page, Site};

/// What the page has in its form, with some fields changed.
fn fields(page: &Page, changes: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = ["version", "name", "sender_name", "support_contact"]
        .iter()
        .map(|name| ((*name).to_owned(), page.attributes(&format!("input[name={name}]"), "value").remove(0)))
        .collect();
    for name in ["time_zone", "invite_days", "undo_hours", "retention_years"] {
        let value = page.attributes(&format!("#{name} option[selected]"), "value").remove(0);
        all.push((name.to_owned(), value));
    }
    for (name, value) in changes {
        all.retain(|(known, _)| known != name);
        all.push(((*name).to_owned(), (*value).to_owned()));
    }
    all
}

async fn send(browser: &Browser, path: &str, fields: &[(String, String)]) -> Page {
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    browser.post(path, &fields).await
}

on_both! {
    async fn settings_are_changed_recorded_and_kept_from_stale_pages(w: World) {
        let site = Site::on(w.db.clone()).await;
        let (olga, ada) = (site.logged_in(&w, w.olga).await, site.logged_in(&w, w.ada).await);
        let page = olga.get("/settings/workspace").await.expect(200);
        assert_eq!(page.text(".sidenav a[aria-current]"), "Workspace");
        let stale = fields(&page, &[("name", "Fernhill Indoor")]);
        let changes = [
            ("name", "Fernhill & Söhne 🌲"), ("time_zone", "America/Santiago"), ("sender_name", "Fernhill Support"),
            ("support_contact", "help@fernhill.example"), ("invite_days", "14"), ("undo_hours", "72"),
            ("retention_years", "3"), ("retention_deletes", "on"),
        ];
        send(&olga, "/settings/workspace", &fields(&page, &changes)).await.expect(303);
        let now = w.read(store::workspaces::this);
        assert_eq!((now.name.as_str(), now.time_zone.name()), ("Fernhill & Söhne 🌲", "America/Santiago"));
        assert_eq!((now.sender_name.as_str(), now.support_contact.as_str()), ("Fernhill Support", "help@fernhill.example"));
        assert_eq!((now.invite_days, now.undo_hours, now.retention_years, now.retention_deletes), (14, 72, Some(3), true));
        let event = w.read(|rx| store::audit::list_latest(rx, 1)).remove(0);
        assert_eq!((event.name.as_str(), event.actor), ("workspace.updated", Some(w.olga)));
        assert_eq!(event.details["fields"].as_array().map(Vec::len), Some(8));
        assert!(!event.details.to_string().contains("help@"), "no values are recorded");

        let page = send(&ada, "/settings/workspace", &stale).await.expect(409);
        assert!(page.text(".error-summary").contains("Olga Owens changed the settings meanwhile"), "{}", page.text(".error-summary"));
        assert_eq!(page.attributes("#name", "value"), ["Fernhill Indoor"], "what was typed stays");
        let page = olga.get("/settings/workspace").await.expect(200);
        assert_eq!(page.attributes("#retention_years option[selected]", "value"), ["3"]);
        assert!(page.has("#retention_deletes[checked]"));
        let events = w.events();
        let same = fields(&page, &[("retention_deletes", "on")]);
        send(&olga, "/settings/workspace", &same).await.expect(303);
        assert_eq!(w.events(), events, "nothing changed, nothing recorded");
    }

    async fn odd_settings_get_a_sentence_at_their_field(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let page = olga.get("/settings/workspace").await.expect(200);
        let long = "x".repeat(1_000_000);
        let events = w.events();
        let cases = [
            ("name", ""), ("name", " \u{202e} "), ("name", long.as_str()), ("time_zone", "Mars/Olympus"), ("time_zone", ""),
            ("sender_name", ""), ("support_contact", ""), ("support_contact", "ask Dana"), ("invite_days", "0"), ("invite_days", "366"), ("invite_days", "two"),
            ("undo_hours", "721"), ("retention_years", "8"), ("retention_years", "-1"),
        ];
        for (name, value) in cases {
            let page = send(&olga, "/settings/workspace", &fields(&page, &[(name, value)])).await.expect(422);
            assert!(page.has(&format!("#{name}-error")), "{name} {}", page.text(".error-summary"));
            assert_eq!(page.attributes(&format!("#{name}"), "aria-invalid"), ["true"], "{name}");
        }
        let never = fields(&page, &[("retention_years", ""), ("retention_deletes", "on")]);
        assert!(send(&olga, "/settings/workspace", &never).await.expect(422).has("#retention_years-error"));
        assert_eq!(w.events(), events);
    }

    async fn the_rule_shows_whom_it_hits_before_it_is_saved(w: World) {
        let site = Site::on(w.db.clone()).await;
        w.later(TimeDelta::days(40));
        let olga = site.logged_in(&w, w.olga).await;
        let guest = w.role(Standard::Guest).to_string();
        let page = olga.get("/settings/security").await.expect(200);
        assert_eq!(page.attributes("#inactivity_days option[selected]", "value"), [""], "never, at first");
        let ticked = page.attributes("input[name=inactivity_role][checked]", "value");
        assert_eq!(ticked, std::slice::from_ref(&guest));
        let offered = page.attributes("input[name=inactivity_role]", "value");
        for role in [Standard::Owner, Standard::Admin] {
            assert!(!offered.contains(&w.role(role).to_string()));
        }
        let looked = olga.get(&format!("/settings/security?preview=on&inactivity_days=30&inactivity_role={guest}")).await.expect(200);
        assert_eq!(looked.texts("#preview tbody .person-name"), ["Gus Garcia"]);
        assert_eq!(looked.attributes("input[name=expected]", "value"), ["1"]);
        let events = w.events();
        let version = page.attributes("input[name=version]", "value").remove(0);
        let mut fields = vec![("version", version.as_str()), ("inactivity_days", "30"), ("inactivity_role", guest.as_str())];
        let page = olga.post("/settings/security", &fields).await.expect(409);
        assert_eq!(page.texts("#preview tbody .person-name"), ["Gus Garcia"], "without script, it is shown first");
        assert_eq!(w.events(), events);
        fields.push(("expected", "1"));
        olga.post("/settings/security", &fields).await.expect(303);
        assert_eq!(site.dates_due(), 1);
        assert_eq!(site.dates_due(), 0);
        assert_eq!(w.trail(2), ["user.inactivity_warned", "workspace.updated"]);
        let page = olga.get("/settings/security").await.expect(200);
        assert!(page.text("#preview").contains("The rule applies to 1 person now"), "{}", page.text("#preview"));
        w.later(TimeDelta::days(7));
        assert_eq!(site.dates_due(), 1);
        assert_eq!(w.user(w.gus).status, Status::Inactive);
        let profile = site.logged_in(&w, w.olga).await.get(&format!("/settings/users/{}", w.gus)).await.expect(200);
        assert!(profile.body.contains("Deactivated (automatic): no activity"), "{}", profile.text("aside"));
        let stale = olga.at(&site).post("/settings/security", &fields).await;
        assert!(matches!(stale.status.as_u16(), 409), "{}", stale.status);
    }

    async fn odd_rules_get_a_sentence(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let version = w.read(store::workspaces::this).version.to_string();
        let (guest, admin) = (w.role(Standard::Guest).to_string(), w.role(Standard::Admin).to_string());
        let post = async |days: &str, role: &str| {
            let fields = [("version", version.as_str()), ("inactivity_days", days), ("inactivity_role", role), ("expected", "0")];
            olga.post("/settings/security", &fields).await
        };
        let events = w.events();
        for days in ["31", "-30", "x", "99999999999999999999"] {
            assert!(post(days, &guest).await.expect(422).has("#inactivity_days-error"), "{days}");
        }
        assert!(post("30", &admin).await.expect(422).text("#inactivity_roles .error").contains("Admin"));
        assert!(post("30", "").await.expect(422).text("#inactivity_roles .error").contains("at least one role"));
        post("30", &w.other.role.to_string()).await.expect(404);
        post("30", "nonsense").await.expect(404);
        olga.get(&format!("/settings/security?preview=on&inactivity_days=30&inactivity_role={}", w.other.role)).await.expect(404);
        assert_eq!(w.events(), events);
    }
}
