//! Settings → Audit log: who reads it, filters, paging, exports.

use baton::actions;
use baton::domain::audit_filter::Filter;
use baton::web::pages::settings_audit::{Format, entries, file};
use baton::web::views::time::Times;

use crate::support::web::{Page, Site};
use crate::support::{World, on_both};

fn team(w: &World, name: &str) -> baton::domain::ids::TeamId {
    let can = w.can(w.olga);
    w.by(w.olga, |tx| actions::teams::create(tx, &can, name, "")).expect("a team")
}

/// What each entry says happened.
fn told(page: &Page) -> Vec<String> {
    page.texts("table.log .said")
}

/// Adds so many events of Fernhill by one statement.
fn many(w: &World, count: usize) {
    let id = w.read(|rx| baton::store::audit::list_latest(rx, 1))[0].id;
    w.database.execute(&format!(
        "INSERT INTO audit_events (workspace_id, at, actor_kind, name, subject_kind, details) \
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) \
         SELECT e.workspace_id, e.at, 'system', 'workspace.created', 'workspace', '{{}}' \
         FROM n, (SELECT workspace_id, at FROM audit_events WHERE id = {id}) e"
    ));
}

on_both! {
    async fn everything_that_happened_is_told_with_who_and_about_whom(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let (_, number) = w.open_of(w.agnes, 1)[0];
        olga.post(&format!("/conversations/{number}/assign"), &[("target", &format!("user:{}", w.bob))]).await.expect(303);
        w.deactivate(w.agnes);
        team(&w, "Repairs");
        let page = olga.get("/settings/audit").await.expect(200);
        let all = told(&page);
        for said in ["Team made", "Deactivated", "Logged in"] {
            assert!(all.contains(&said.to_owned()), "{said}: {all:?}");
        }
        assert!(page.body.contains("Repairs"));
        let here = olga.get(&format!("/settings/audit?q=%23{number}")).await.expect(200);
        assert_eq!(told(&here).len(), 1);
        let row = here.text("table.log tbody tr:not(.day)");
        assert!(row.contains("Olga Owens") && row.contains(&format!("Conversation {number}")), "{row}");
        assert!(row.contains("Agnes Arndt") && row.contains("(deactivated)") && row.contains("Bob Keller"), "{row}");
        assert!(row.contains("from 203.0.113.7"), "{row}");
        assert_eq!(here.attributes("table.log td.p2 a[href^='/conversations/']", "href"), [format!("/conversations/{number}")]);
        // Reading is not recorded, and every role but the two highest is kept out.
        let before = w.events();
        olga.get("/settings/audit").await.expect(200);
        assert_eq!(w.events(), before);
        let sven = site.logged_in(&w, w.sven).await;
        sven.get("/settings/audit").await.expect(403);
        // A profile leads to the rest of its history, for who may read it.
        let (profile, more) = (format!("/settings/users/{}", w.bob), "a[href^='/settings/audit']");
        let history = olga.get(&profile).await.expect(200).attributes(&format!("aside {more}"), "href").remove(0);
        assert_eq!(told(&olga.get(&history).await.expect(200)).len(), told(&olga.get(&format!("/settings/audit?subject=user:{}", w.bob)).await).len());
        assert!(!sven.get(&profile).await.expect(200).has(more));
    }

    async fn filters_stand_in_the_address(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let repairs = team(&w, "Repairs");
        let change = actions::teams::Change { add: vec![w.bob], ..Default::default() };
        let can = w.can(w.sven);
        w.by(w.sven, |tx| actions::teams::change_members(tx, &can, repairs, &change)).expect("a member");
        w.deactivate(w.agnes);
        let shown = async |query: &str| told(&olga.get(&format!("/settings/audit?{query}")).await.expect(200));
        assert_eq!(shown(&format!("subject=team:{repairs}")).await, ["Added to Repairs", "Team made"]);
        assert_eq!(shown(&format!("subject=user:{}", w.bob)).await, ["Added to Repairs"]);
        assert_eq!(shown(&format!("actor={}", w.sven)).await, ["Added to Repairs"]);
        assert_eq!(shown("action=team.member_added").await, ["Added to Repairs"]);
        assert_eq!(shown("action=teams&q=repairs").await, ["Team made"]);
        assert_eq!(shown("action=teams").await.len(), 2);
        assert_eq!(shown("subject=team").await, ["Team made"]);
        assert_eq!(shown("actor=inactive").await.len(), 0);
        assert!(shown("actor=system").await.contains(&"Workspace made".to_owned()));
        assert_eq!(shown(&format!("subject=channel:{}", w.chat)).await.len(), 0);
        assert_eq!(shown("when=days&from=2026-03-03").await.len(), 0);
        assert!(shown("from=2026-03-02&until=2026-03-02").await.len() > 3);
        let none = olga.get("/settings/audit?q=nobody+has+this").await.expect(200);
        assert_eq!(none.text(".empty h2"), "Nothing was recorded that matches");
        for unknown in ["actor=x", "subject=team:x", "subject=mail:1", "action=user.%25", "actor=00000000-0000-7000-8000-000000000000"] {
            olga.get(&format!("/settings/audit?{unknown}")).await.expect(404);
        }
        for theirs in [format!("actor={}", w.other.xena), format!("subject=team:{}", w.other.team), format!("subject=channel:{}", w.other.channel)] {
            olga.get(&format!("/settings/audit?{theirs}")).await.expect(404);
        }
        let odd = olga.get("/settings/audit?when=days&from=yesterday").await.expect(422);
        assert_eq!(odd.attributes("#from", "aria-invalid"), ["true"]);
        assert!(odd.attributes("#from", "value") == ["yesterday"] && !odd.has("table.log"));
    }

    async fn pages_go_there_and_back_without_a_gap(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        many(&w, 130);
        let total = usize::try_from(w.events()).unwrap();
        let first = olga.get("/settings/audit").await.expect(200);
        assert!(first.text(".table-foot").starts_with(&format!("Showing 50 of {total} entries")));
        assert!(first.attributes(".pagination a", "rel") == ["next"]);
        let (mut seen, mut page) = (told(&first).len(), first);
        loop {
            let links = page.attributes(".pagination a[rel=next]", "href");
            let Some(next) = links.first() else { break };
            page = olga.get(next).await.expect(200);
            seen += told(&page).len();
        }
        assert_eq!(seen, total);
        let back = page.attributes(".pagination a[rel=prev]", "href").remove(0);
        page = olga.get(&back).await.expect(200);
        assert_eq!((told(&page).len(), page.attributes(".pagination a", "rel")), (50, vec!["prev".to_owned(), "next".to_owned()]));
    }

    async fn an_export_is_what_is_filtered_and_is_itself_recorded(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let odd = team(&w, "=HYPERLINK(\"x\")");
        w.deactivate(w.bob);
        let fields = [("subject", format!("team:{odd}")), ("format", "csv".to_owned()), ("q", String::new())];
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let page = olga.post("/settings/audit/export", &fields).await.expect(200);
        assert_eq!(page.header("content-type"), Some("text/csv; charset=utf-8"));
        assert!(page.header("content-disposition").unwrap().contains("fernhill-audit-2026-03-02.csv"));
        let mut reader = csv::Reader::from_reader(page.body.trim_start_matches('\u{feff}').as_bytes());
        let rows: Vec<std::collections::HashMap<String, String>> = reader.deserialize().map(|row| row.unwrap()).collect();
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0]["action"].as_str(), rows[0]["subject"].as_str()), ("team.created", "'=HYPERLINK(\"x\")"));
        assert_eq!((rows[0]["actor"].as_str(), rows[0]["time"].as_str()), ("Olga Owens", "2026-03-02T09:00:00.000000Z"));
        let last = w.read(|rx| baton::store::audit::list_latest(rx, 1)).remove(0);
        assert_eq!((last.name.as_str(), last.actor), ("audit.exported", Some(w.olga)));
        assert_eq!(last.details["filter"], format!("subject=team%3A{odd}"));

        let page = olga.post("/settings/audit/export", &[("format", "json"), ("q", "bob")]).await.expect(200);
        let lines: Vec<serde_json::Value> = page.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!((lines[0]["action"].as_str(), lines[0]["subject"]["name"].as_str()), (Some("user.deactivated"), Some("Bob Keller")));
        let last = w.read(|rx| baton::store::audit::list_latest(rx, 1)).remove(0);
        assert!(!last.details.to_string().contains("bob"), "words that were typed may be a name");

        // What is on record is what was understood, not what was typed.
        let number = w.open_of(w.agnes, 1)[0].1;
        let words = format!("#{number}");
        let typed = [("when", "Bob was here"), ("from", "2026-03-02"), ("until", "2026-03-03"), ("q", &*words)];
        olga.post("/settings/audit/export", &typed).await.expect(200);
        let last = w.read(|rx| baton::store::audit::list_latest(rx, 1)).remove(0);
        assert_eq!(
            last.details["filter"],
            format!("subject=conversation%3A{number}&from=2026-03-02&until=2026-03-03")
        );
        olga.post("/settings/audit/export", &[("when", "today"), ("from", "Bob"), ("action", "people")]).await.expect(200);
        let last = w.read(|rx| baton::store::audit::list_latest(rx, 1)).remove(0);
        assert_eq!(last.details["filter"], "action=people&from=2026-03-02");

        let before = w.events();
        olga.post("/settings/audit/export", &[("format", "pdf")]).await.expect(422);
        olga.post("/settings/audit/export", &[("from", "never")]).await.expect(422);
        olga.post("/settings/audit/export", &[("actor", &w.other.xena.to_string())]).await.expect(404);
        site.logged_in(&w, w.rita).await.post("/settings/audit/export", &[]).await.expect(403);
        assert_eq!(w.events(), before + 1, "Rita's log-in");
    }

    /// What is held is one part, however long the file becomes.
    async fn a_long_export_is_made_part_by_part(w: World) {
        many(&w, 20_000);
        let total = usize::try_from(w.events()).unwrap();
        let open = |format| {
            let times = Times::new(w.now(), chrono_tz::UTC);
            file("log", format, entries(w.db.clone(), w.scope(w.olga), Filter::default(), times)).unwrap().into_body()
        };
        for format in [Format::Csv, Format::JsonLines] {
            let mut body = Box::pin(open(format));
            let sizes = aside(|| async {
                let mut sizes = Vec::new();
                while let Some(part) = next(&mut body).await {
                    sizes.push((part.len(), part.iter().filter(|byte| **byte == b'\n').count()));
                }
                sizes
            });
            assert!(sizes.len() >= 40, "{} parts", sizes.len());
            assert!(sizes.iter().all(|(bytes, lines)| *bytes < 400_000 && *lines <= 500), "{sizes:?}");
            let heading = usize::from(format == Format::Csv);
            assert_eq!(sizes.iter().map(|(_, lines)| lines).sum::<usize>(), total + heading);
        }
        let mut body = Box::pin(open(Format::JsonLines));
        let more = aside(|| async {
            next(&mut body).await.unwrap();
            // Nothing was read ahead: what is gone by now does not come.
            w.database.execute("DELETE FROM audit_events WHERE name = 'workspace.created'");
            let mut more = 0;
            while let Some(part) = next(&mut body).await {
                more += part.iter().filter(|byte| **byte == b'\n').count();
            }
            more
        });
        assert!(more < 500, "{more} lines");
    }
}

type Body = std::pin::Pin<Box<actix_web::body::BoxBody>>;

async fn next(body: &mut Body) -> Option<actix_web::web::Bytes> {
    use actix_web::body::MessageBody as _;
    std::future::poll_fn(|context| body.as_mut().poll_next(context)).await.map(|part| part.expect("a part"))
}

/// Runs what needs a runtime, which stories have none of.
fn aside<T, F: Future<Output = T>>(story: impl FnOnce() -> F) -> T {
    actix_web::rt::System::new().block_on(story())
}
