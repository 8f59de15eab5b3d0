//! The inbox, conversations and bulk changes as browsers see them.

use baton::actions::incoming::Way;
use baton::domain::conversations::Status;
use baton::store;
use baton::tasks::ingest::ingest;
use chrono::TimeDelta;

use crate::support::on_both;
use crate::support::web::Site;

on_both! {
    async fn an_agent_sees_what_is_theirs_and_nothing_else(w: World) {
        let site = Site::on(w.db.clone()).await;
        let (mine, theirs) = (w.open_of(w.agnes, 1).remove(0), w.open_of(w.sven, 1).remove(0));
        let agnes = site.logged_in(&w, w.agnes).await;
        let page = agnes.get("/inbox").await.expect(200);
        let links = page.attributes(".conv a", "href");
        assert!(links.iter().any(|link| link.starts_with(&format!("/conversations/{}", mine.1))), "{links:?}");
        assert!(!links.iter().any(|link| link.starts_with(&format!("/conversations/{}?", theirs.1))), "{links:?}");
        agnes.get(&format!("/conversations/{}", mine.1)).await.expect(200);
        agnes.get(&format!("/conversations/{}", theirs.1)).await.expect(404);
        let target = format!("user:{}", w.agnes);
        agnes.post(&format!("/conversations/{}/assign", theirs.1), &[("target", &target)]).await.expect(404);
        agnes.get(&format!("/inbox?team={}", w.other.team)).await.expect(404);
        agnes.get("/inbox?assignee=00000000-0000-7000-8000-000000000000").await.expect(404);
    }

    async fn a_click_on_a_row_brings_the_conversation_alone_and_marks_it_as_read(w: World) {
        let site = Site::on(w.db.clone()).await;
        let rows = w.open_of(w.agnes, 3);
        let path = format!("/conversations/{}", rows[1].1);
        let agnes = site.logged_in(&w, w.agnes).await;
        let unread = |page: &crate::support::web::Page| page.attributes(".conv.unread a", "href").len();
        assert_eq!(unread(&agnes.get("/inbox").await.expect(200)), 3);
        agnes.ask(actix_web::http::Method::HEAD, &path).await.expect(200);
        assert_eq!(unread(&agnes.get("/inbox").await.expect(200)), 3, "looking without seeing");

        let whole = agnes.get(&format!("{path}?assignee=me")).await.expect(200);
        let htmx = site.logged_in(&w, w.agnes).await.htmx().with("hx-target", "thread");
        let alone = htmx.get(&format!("{path}?assignee=me")).await.expect(200);
        assert!(alone.body.contains("<title>") && !alone.body.contains("id=\"results\""), "no list is sent along");
        // All that can be done stays the same, and so does where it leads: onwards to the next row.
        for (selector, what) in [("#thread form", "action"), ("#thread input[type=hidden]", "name"), ("#thread a", "href")] {
            assert_eq!(alone.attributes(selector, what), whole.attributes(selector, what), "{selector}");
        }
        assert_eq!(unread(&agnes.get("/inbox").await.expect(200)), 2);
        htmx.get(&format!("{path}?assignee={}", w.other.xena)).await.expect(404);
    }

    async fn a_reply_leaves_by_mail_and_the_answer_comes_back(w: World) {
        let site = Site::on(w.db.clone()).await;
        let first = "From: Harriet <harriet@customer.example>\r\nTo: support@fernhill.example\r\nSubject: Tent\r\nMessage-ID: <1@customer.example>\r\n\r\nA pole is missing.\r\n";
        ingest(&w.db, &site.files(), (w.workspace, w.email), first.as_bytes(), Way::Delivered).unwrap();
        let number = w.number("SELECT max(number) FROM conversations WHERE subject = 'Tent'");
        let agnes = site.logged_in(&w, w.agnes).await;
        let path = format!("/conversations/{number}");
        assert!(agnes.get(&path).await.expect(200).body.contains("A pole is missing."));
        let refused = agnes.post(&format!("{path}/messages"), &[("body", "   ")]).await.expect(422);
        assert!(refused.body.contains("Write a message first"));
        agnes.post(&format!("{path}/messages"), &[("body", "We send a new one.\n\nAgnes"), ("then", "close")]).await.expect(303);
        let sent = &w.database.lines("SELECT in_reply_to || ' ' || email_references || ' ' || email_message_id AS line FROM outbox WHERE kind = 'reply'")[0];
        let words: Vec<&str> = sent.split(' ').collect();
        assert_eq!(words[..2], ["1@customer.example", "1@customer.example"]);
        assert_eq!(w.number(&format!("SELECT count(*) FROM conversations WHERE number = {number} AND subject = 'Tent' AND status = 'closed'")), 1);
        let answer = format!("From: harriet@customer.example\r\nSubject: Re: Tent\r\nMessage-ID: <2@customer.example>\r\nIn-Reply-To: <{}>\r\n\r\nThank you!\r\n", words[2]);
        ingest(&w.db, &site.files(), (w.workspace, w.email), answer.as_bytes(), Way::Delivered).unwrap();
        let page = agnes.get(&path).await.expect(200);
        assert!(page.body.contains("We send a new one.") && page.body.contains("Thank you!"));
        assert_eq!(w.number(&format!("SELECT count(*) FROM conversations WHERE number = {number} AND subject = 'Tent' AND status = 'open'")), 1);
    }

    async fn a_snooze_wakes_once_on_two_instances(w: World) {
        let (one, two) = (Site::on(w.db.clone()).await, Site::on(w.instance_b()).await);
        let (id, number) = w.open_of(w.agnes, 1).remove(0);
        let agnes = one.logged_in(&w, w.agnes).await;
        let until = (w.now() + TimeDelta::hours(1)).to_rfc3339();
        let past = (w.now() - TimeDelta::hours(1)).to_rfc3339();
        let path = format!("/conversations/{number}/status");
        agnes.post(&path, &[("status", "snoozed"), ("snooze_until", &past)]).await.expect(422);
        agnes.post(&path, &[("status", "snoozed"), ("snooze_until", &until)]).await.expect(303);
        assert_eq!(one.wake_due(), 0);
        w.later(TimeDelta::hours(2));
        assert_eq!(one.wake_due() + two.wake_due(), 1);
        let events = w.read(|rx| store::audit::list_of_conversation(rx, id, 100));
        assert_eq!(events.iter().filter(|event| event.name == "conversation.woken").count(), 1);
        assert!(agnes.get("/inbox?view=mine").await.attributes(".conv a", "href").iter().any(|link| link.contains(&number.to_string())));
    }

    async fn who_cannot_log_in_is_not_offered_but_can_be_filtered_by(w: World) {
        let site = Site::on(w.db.clone()).await;
        let (_, number) = w.open_of(w.bob, 1).remove(0);
        w.deactivate(w.bob);
        let sven = site.logged_in(&w, w.sven).await;
        let bob = format!("user:{}", w.bob);
        let page = sven.get(&format!("/conversations/{number}")).await.expect(200);
        assert!(!page.attributes("button[name=target]", "value").contains(&bob));
        assert!(page.attributes("select[name=assignee] option", "value").contains(&w.bob.to_string()));
        let refused = sven.post(&format!("/conversations/{number}/assign"), &[("target", &bob)]).await;
        assert!(matches!(refused.status.as_u16(), 409 | 422), "{}", refused.status);
        let foreign = format!("user:{}", w.other.xena);
        sven.post(&format!("/conversations/{number}/assign"), &[("target", &foreign)]).await.expect(404);
        let filtered = sven.get(&format!("/inbox?assignee={}", w.bob)).await.expect(200);
        assert_eq!(filtered.texts(".conv").len(), 1);
    }

    async fn all_that_match_go_to_a_team_once_and_come_back(w: World) {
        let site = Site::on(w.db.clone()).await;
        let held = w.open_of(w.bob, 7);
        w.deactivate(w.bob);
        let sven = site.logged_in(&w, w.sven).await;
        let (bob, team) = (w.bob.to_string(), format!("team:{}", w.support));
        let asked = sven.get(&format!("/inbox/bulk/confirm?scope=matching&assignee={bob}&target={team}&expected=7")).await.expect(200);
        assert!(asked.text("#dialog-title").contains('7'), "{}", asked.text("#dialog-title"));
        let fields = [("action", "assign"), ("target", team.as_str()), ("scope", "matching"), ("assignee", bob.as_str()),
                      ("expected", "7"), ("submission", "once")];
        let started = sven.post("/inbox/bulk", &fields).await.expect(303);
        sven.post("/inbox/bulk", &fields).await.expect(303);
        while site.run_due() > 0 {}
        assert_eq!(w.number("SELECT count(*) FROM bulk_jobs WHERE cause = 'inbox' AND total = 7 AND done = 7"), 1);
        let team_id = w.support;
        let moved = w.read(|rx| {
            let ids: Vec<_> = held.iter().map(|one| one.1).collect();
            ids.iter().map(|number| store::conversations::find(rx, *number, &baton::domain::access::Sees::All)).collect::<Result<Vec<_>, _>>()
        });
        assert!(moved.iter().flatten().all(|one| one.assignee.is_none() && one.team == Some(team_id) && one.status == Status::Open));
        assert!(started.location().starts_with('/'));
        let job = &w.database.lines(match w.kind() {
            crate::support::db::Kind::Sqlite => "SELECT lower(substr(hex(id),1,8)||'-'||substr(hex(id),9,4)||'-'||substr(hex(id),13,4)||'-'||substr(hex(id),17,4)||'-'||substr(hex(id),21)) AS line FROM bulk_jobs WHERE cause = 'inbox' AND total = 7",
            crate::support::db::Kind::Postgres => "SELECT CAST(id AS text) AS line FROM bulk_jobs WHERE cause = 'inbox' AND total = 7",
        })[0];
        let page = sven.get(&format!("/jobs/{job}")).await.expect(200);
        assert!(page.has(&format!("form[action='/jobs/{job}/undo'] button:not([disabled])")), "{}", page.body);
        sven.post(&format!("/jobs/{job}/undo"), &[]).await.expect(303);
        while site.run_due() > 0 {}
        assert_eq!(sven.get(&format!("/inbox?assignee={bob}")).await.texts(".conv").len(), 7);
        sven.post(&format!("/jobs/{job}/undo"), &[]).await.expect(409);
        let agnes = site.logged_in(&w, w.agnes).await;
        agnes.get(&format!("/jobs/{job}")).await.expect(403);
    }

    async fn files_are_handed_out_to_be_kept_not_run(w: World) {
        let site = Site::on(w.db.clone()).await;
        let mail = "From: a@customer.example\r\nSubject: File\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nSee there.\r\n--x\r\nContent-Type: text/html; name=\"../evil.html\"\r\nContent-Disposition: attachment; filename=\"../evil.html\"\r\n\r\n<script>alert(1)</script>\r\n--x--\r\n";
        ingest(&w.db, &site.files(), (w.workspace, w.email), mail.as_bytes(), Way::Delivered).unwrap();
        let number = w.number("SELECT max(number) FROM conversations WHERE subject = 'File'");
        let agnes = site.logged_in(&w, w.agnes).await;
        let page = agnes.get(&format!("/conversations/{number}")).await.expect(200);
        let link = page.attributes("a[href^='/attachments/']", "href").remove(0);
        let file = agnes.get(&link).await.expect(200);
        assert_eq!(file.header("content-type"), Some("application/octet-stream"));
        let disposition = file.header("content-disposition").unwrap_or_default();
        assert!(disposition.starts_with("attachment") && !disposition.contains('/'), "{disposition}");
        assert!(file.header("content-security-policy").unwrap_or_default().contains("sandbox"));
        let gus = site.logged_in(&w, w.gus).await;
        gus.get(&link).await.expect(404);
        let path = format!("/attachments/{}", w.other.attachment);
        agnes.get(&path).await.expect(404);
    }
}
