//! Many invites at once: pasted, uploaded, looked at, sent (I-1); changed, resent, cancelled (I-4).

use baton::domain::roles::Standard;
use baton::store;
use chrono::TimeDelta;

use crate::support::web::{Browser, Page, Site};
use crate::support::{World, on_both};

const MANY: &str = "/settings/users/invites/many";

async fn check(w: &World, by: &Browser, list: &str) -> Page {
    let role = w.role(Standard::Agent).to_string();
    by.post(MANY, &[("list", list), ("role", &role), ("send_invite", "on"), ("step", "check")]).await
}

async fn send(w: &World, by: &Browser, checked: &Page, list: &str, more: &[(&str, &str)]) -> Page {
    let role = w.role(Standard::Agent).to_string();
    let digest = checked.attributes("input[name=checked]", "value").remove(0);
    let bad = checked.attributes("input[name=bad]", "value").remove(0);
    let mut fields =
        vec![("list", list), ("role", role.as_str()), ("step", "send"), ("checked", &digest), ("bad", &bad)];
    fields.extend_from_slice(more);
    by.post(MANY, &fields).await
}

on_both! {
    async fn nothing_is_sent_until_every_line_is_fine_or_struck(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        olga.get("/settings/users/invite/many").await.expect(200);
        let list = "Amara Nwosu <amara@f.example>\r\nbob@fernhill.example\r\nchen@f.example, Chen Wei\r\nnobody";
        let page = check(&w, &olga, list).await.expect(200);
        assert_eq!(page.text("#preview-t"), "2 ready, 2 lines to mend");
        assert_eq!(page.texts("#preview tbody td:nth-child(2)"), ["Amara Nwosu", "bob@fernhill.example", "Chen Wei", "nobody"]);
        assert!(page.text("#preview tbody tr:nth-child(2)").contains("bob@fernhill.example is already a user."));
        assert_eq!(page.attributes("input[name=strike]", "value"), ["2", "4"]);
        let refused = send(&w, &olga, &page, list, &[("send_invite", "on")]).await.expect(422);
        assert_eq!(refused.text("#list-error"), "Mend or leave out 2 lines. Nobody was invited yet.");
        assert!(refused.text("#list").contains("Chen Wei"), "what was typed is kept");
        send(&w, &olga, &page, list, &[("send_invite", "on"), ("strike", "2")]).await.expect(422);
        let other = format!("{list}\r\neve@f.example");
        let changed = send(&w, &olga, &page, &other, &[("send_invite", "on"), ("strike_all", "on")]).await.expect(422);
        assert!(changed.text("#list-error").contains("changed since it was checked"));
        assert_eq!(w.read(|rx| store::invites::list(rx, None)).len(), 0);
        let sent = send(&w, &olga, &page, list, &[("send_invite", "on"), ("strike_all", "on")]).await.expect(303);
        assert_eq!(sent.location(), "/settings/users/invites");
        let pending = olga.get("/settings/users/invites").await;
        assert_eq!(pending.texts("tbody tr").len(), 2);
        assert_eq!(pending.text(".toast p"), "2 people are invited. The mails stand in the outbox: no mail server is set.");
        // The same form once more: everybody is invited already, and nobody twice.
        send(&w, &olga, &page, list, &[("send_invite", "on"), ("strike_all", "on")]).await.expect(422);
        assert_eq!(w.read(|rx| store::outbox::list(rx, None, (1, 0))).1, 2);
    }

    async fn a_file_is_read_whatever_the_spreadsheet_wrote(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let text = "email;full_name;roles;teams\r\nbea@f.example;Béa López;Agent;Support\r\n";
        let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        let latin: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).expect("a Latin letter")).collect();
        for file in [text.as_bytes().to_vec(), utf16, latin] {
            let page = olga.upload(MANY, &[("list", "ignored"), ("step", "send")], "people.csv", &file).await.expect(200);
            assert_eq!(page.text("#preview-t"), "1 ready");
            assert!(page.text("#list").contains("Béa López"));
        }
        for (file, said) in [
            (b"PK\x03\x04 a workbook".to_vec(), "spreadsheet file"),
            (vec![0x89, 0x50, 0x4e, 0x47, 0x81, 0x00, 0x00], "isn’t text"),
        ] {
            let page = olga.upload(MANY, &[("step", "check")], "people.xlsx", &file).await.expect(422);
            assert!(page.text("#file-error").contains(said), "{}", page.text("#file-error"));
        }
        let page = olga.upload(MANY, &[("step", "check")], "people.csv", b"name,roles\nBea,Agent").await.expect(422);
        assert!(page.text("#list-error").contains("none of them is called “email”"));
        let long: String = (0..10_001).map(|n| format!("p{n}@f.example\n")).collect();
        let page = olga.upload(MANY, &[("step", "check")], "people.csv", long.as_bytes()).await.expect(422);
        assert!(page.text("#list-error").contains("10,001 people"));
        let large = "x".repeat(7_000_000);
        olga.upload(MANY, &[("step", "check")], "people.csv", large.as_bytes()).await.expect(422);
        for list in ["", "   \n \n"] {
            assert!(check(&w, &olga, list).await.expect(422).text("#list-error").contains("at least one email address"));
        }
        let wild = "<script>alert(1)</script>@f.example\n=HYPERLINK(1) <a@f.example>\n\u{202e}evil@f.example\n😀";
        let page = check(&w, &olga, wild).await.expect(200);
        assert!(!page.body.contains("<script>alert"));
        let forged = olga.post_plain(MANY, &[("list", "a@f.example"), ("step", "check")]).await;
        assert_eq!(forged.status.as_u16(), 403);
        assert_eq!(w.read(|rx| store::invites::list(rx, None)).len(), 0);
    }

    async fn without_mails_the_links_are_shown_once(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let list = "amara@f.example\nchen@f.example";
        let page = check(&w, &olga, list).await.expect(200);
        let sent = send(&w, &olga, &page, list, &[]).await.expect(200);
        let links = sent.text("#invite-links");
        assert_eq!(links.matches("https://baton.example/invites/").count(), 2);
        assert_eq!(w.read(|rx| store::outbox::list(rx, None, (1, 0))).1, 0);
        let link = links.split_whitespace().next().expect("a line").rsplit(',').next().expect("a link").to_owned();
        site.browser().get(&link.replace("https://baton.example", "")).await.expect(200);
    }

    async fn a_pending_invite_is_changed_in_its_dialog(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let list = "amara@f.example";
        let page = check(&w, &olga, list).await.expect(200);
        send(&w, &olga, &page, list, &[("send_invite", "on")]).await.expect(303);
        let (old, id) = (w.last_link("invites/"), w.find_user("amara@f.example").id);
        let path = format!("/settings/users/invites/{id}");
        let dialog = olga.get(&path).await.expect(200);
        assert_eq!(dialog.attributes("#email", "value"), ["amara@f.example"]);
        let role = w.role(Standard::Reader).to_string();
        let version = dialog.attributes("input[name=version]", "value").remove(0);
        let fields = |email| [("version", version.as_str()), ("email", email), ("full_name", "Amara Nwosu"), ("role", role.as_str()), ("send_invite", "on")];
        let bad = olga.post(&path, &fields("amara")).await.expect(422);
        assert!(bad.has("#email-error"));
        let taken = olga.post(&path, &fields("bob@fernhill.example")).await.expect(422);
        assert!(taken.text("#email-error").contains("already a user"));
        w.later(TimeDelta::minutes(1));
        olga.post(&path, &fields("nwosu@f.example")).await.expect(303);
        assert!(site.browser().get(&old).await.expect(410).text("h1").contains("newer invite"));
        let new = site.browser().get(&w.last_link("invites/")).await.expect(200);
        assert_eq!(new.text(".gate-card header p"), "Olga Owens invited you to Fernhill as Reader. Choose a password to get started.");
        let stale = olga.post(&path, &fields("third@f.example")).await.expect(409);
        assert!(stale.text(".error-summary").contains("You changed this invite meanwhile"));
        let ada = site.logged_in(&w, w.agnes).await;
        ada.get(&path).await.expect(403);
    }

    async fn several_invites_are_picked_or_all_that_match(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let list: String = (0..30).map(|n| format!("person{n}@f.example, Person {n}\n")).collect();
        let page = check(&w, &olga, &list).await.expect(200);
        send(&w, &olga, &page, &list, &[("send_invite", "on")]).await.expect(303);
        let first = olga.get("/settings/users/invites?sort=name").await.expect(200);
        assert_eq!(first.texts("tbody tr").len(), 25);
        assert_eq!(first.text(".table-foot span"), "Showing 1–25 of 30");
        assert_eq!(olga.get("/settings/users/invites?page=2").await.texts("tbody tr").len(), 5);
        let ids = first.attributes("input[name=invite]", "value");
        let picked = [("invite", ids[0].as_str()), ("invite", ids[1].as_str())];
        olga.post("/settings/users/invites/resend", &picked).await.expect(303);
        assert_eq!(w.number("SELECT count(*) FROM invites WHERE times_sent = 2"), 2);
        let ask = olga.get(&format!("/settings/users/invites/cancel?invite={}", ids[0])).await.expect(200);
        assert!(ask.text("h2#dialog-title").contains("Cancel 1 invite"));
        olga.post("/settings/users/invites/cancel", &[("invite", ids[0].as_str())]).await.expect(303);
        // One is gone already: the others are done, and it is said which was left.
        let mixed = olga.post("/settings/users/invites/cancel", &picked).await.expect(200);
        assert!(mixed.text(".dialog-body").contains("1 invite cancelled"), "{}", mixed.text(".dialog-body"));
        assert!(mixed.text(".dialog-body").contains("already cancelled"));
        let all = olga.get("/settings/users/invites?select=all&q=person+1").await.expect(200);
        assert!(all.has("[data-matching]"));
        let matching = [("scope", "matching"), ("q", "person 1")];
        let matched = w.read(|rx| store::invites::list(rx, Some("person 1"))).len();
        let ask = olga.get("/settings/users/invites/cancel?scope=matching&q=person+1").await.expect(200);
        assert_eq!(ask.attributes("input[name=invite]", "value").len(), matched);
        olga.post("/settings/users/invites/cancel", &matching).await.expect(303);
        assert_eq!(w.read(|rx| store::invites::list(rx, None)).len(), 28 - matched);
        olga.post("/settings/users/invites/cancel", &[]).await.expect(303);
        olga.post("/settings/users/invites/cancel", &[("invite", "nonsense")]).await.expect(404);
    }

    async fn people_of_one_line_are_left_out_one_by_one_and_make_nobody_a_duplicate(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let list = "amara@f.example, bob@fernhill.example, chen@f.example, amara@f.example\nbob@fernhill.example";
        let page = check(&w, &olga, list).await.expect(200);
        assert_eq!(page.text("#preview-t"), "2 ready, 3 lines to mend");
        assert_eq!(page.attributes("input[name=strike]", "value"), ["2", "4", "5"]);
        assert!(page.text("#preview tbody tr:nth-child(4)").contains("This line has this address already"));
        assert!(page.text("#preview tbody tr:last-child").contains("Line 1 has this address already"));
        assert!(page.text("#preview tbody tr:last-child label").contains("bob@fernhill.example, line 2"));
        let again = [("list", list), ("role", &w.role(Standard::Agent).to_string()), ("step", "check"), ("strike", "2")];
        let page = olga.post(MANY, &again).await.expect(200);
        assert!(page.text("#preview tbody tr:last-child").contains("is already a user."), "the struck one is no reason");
        assert_eq!(page.attributes("input[name=strike][checked]", "value"), ["2"], "nobody else of that line is struck");
        send(&w, &olga, &page, list, &[("send_invite", "on"), ("strike", "2"), ("strike", "4"), ("strike", "5")]).await.expect(303);
        let pending = w.read(|rx| store::invites::list(rx, None));
        assert_eq!(pending.len(), 2);
    }

    async fn a_form_of_very_many_parts_is_refused_with_a_sentence(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let tiny = vec![("x", "1"); 90_000];
        let said = olga.upload(MANY, &tiny, "people.csv", b"amara@f.example").await.expect(422);
        assert!(said.body.contains("more than a form may hold"), "{}", said.body);
        let said = olga.post(MANY, &tiny).await.expect(422);
        assert!(said.body.contains("more than a form may hold"));
        let fine = vec![("strike", "1"); 400];
        olga.upload(MANY, &fine, "people.csv", b"amara@f.example\nchen@f.example").await.expect(200);
    }

    async fn more_invites_than_can_be_changed_at_once_are_not_offered(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let list: String = (0..1_001).map(|n| format!("person{n}@f.example\n")).collect();
        let page = check(&w, &olga, &list).await.expect(200);
        send(&w, &olga, &page, &list, &[("send_invite", "on")]).await.expect(303);
        let tab = olga.get("/settings/users/invites?select=all").await.expect(200);
        assert!(!tab.has("[data-matching]") && !tab.text(".bulkbar").contains("Select all"));
        assert!(tab.text(".bulkbar").contains("At most 1,000 invites can be changed at once"), "{}", tab.text(".bulkbar"));
        let asked = olga.get("/settings/users/invites/cancel?scope=matching").await.expect(200);
        assert_eq!(asked.text("#dialog-title"), "1,001 invites are too many");
        assert!(!asked.has("button.btn-danger") && asked.text(".dialog-body").contains("Narrow the list"));
        olga.post("/settings/users/invites/cancel", &[("scope", "matching")]).await.expect(303);
        assert_eq!(w.read(|rx| store::invites::list(rx, None)).len(), 1_001);
        let some = olga.get("/settings/users/invites?q=person10").await.expect(200);
        assert!(!some.text(".bulkbar").contains("At most"));
    }
}
