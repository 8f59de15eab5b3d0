//! Unsent answers: saved while they are typed, one for each user and conversation, taken over from people who left (C-12).

use baton::domain::conversations::StatusChange;
use baton::domain::ids::UserId;
use serde_json::Value;

use crate::support::web::{Browser, Page, Site};
use crate::support::{World, on_both};

/// What the script of an open page posts.
async fn save(browser: &Browser, path: &str, body: &str, (version, composer): (i64, &str)) -> Page {
    let version = version.to_string();
    browser.post(&format!("{path}/draft"), &[("body", body), ("draft", &version), ("composer", composer)]).await
}

fn version(page: &Page) -> i64 {
    serde_json::from_str::<Value>(&page.body).expect("JSON")["version"].as_i64().expect("a version")
}

async fn script(site: &Site, w: &World, who: UserId) -> Browser {
    site.logged_in(w, who).await.with("accept", "application/json")
}

/// What stands in the composer, white space folded.
fn typed(page: &Page) -> String {
    page.text("#body")
}

on_both! {
    async fn what_is_typed_is_there_again_until_it_is_sent(w: World) {
        let site = Site::on(w.db.clone()).await;
        let path = format!("/conversations/{}", w.open_of(w.agnes, 1)[0].1);
        let (agnes, typing) = (site.logged_in(&w, w.agnes).await, script(&site, &w, w.agnes).await);
        let events = w.events();
        let first = version(&save(&typing, &path, "Hello Harr", (0, "tab")).await.expect(200));
        let second = version(&save(&typing, &path, "Hello Harriet,\n\nthe pole", (first, "tab")).await.expect(200));
        assert!(second > first);
        assert_eq!(w.number("SELECT count(*) FROM drafts"), 1);
        assert_eq!(w.events(), events, "what is typed is nobody else's business");

        // The tab was killed; another one shows it.
        let page = agnes.get(&path).await.expect(200);
        assert_eq!(typed(&page), "Hello Harriet, the pole");
        assert!(page.text("[data-saved]").starts_with("Draft saved"));
        assert_eq!(page.attributes(".composer [name=draft]", "value"), [second.to_string()]);
        // It is found in a view of its own, and marked in the list.
        let list = agnes.get("/inbox?view=drafts").await.expect(200);
        assert_eq!(list.texts(".conv .badge.outline"), ["Draft"]);
        assert!(list.texts("nav a").iter().any(|text| text == "Drafts1"), "{:?}", list.texts("nav a"));
        let svens = site.logged_in(&w, w.sven).await.get("/inbox?view=drafts").await.expect(200);
        assert!(svens.body.contains("No drafts"));
        // Nobody else's composer has it.
        assert_eq!(typed(&site.logged_in(&w, w.sven).await.get(&path).await.expect(200)), "");

        agnes.post(&format!("{path}/messages"), &[("body", "Hello Harriet, the pole is on its way.")]).await.expect(303);
        assert_eq!(typed(&agnes.get(&path).await.expect(200)), "");
        assert_eq!(w.number("SELECT count(*) FROM drafts"), 0);
        // A save that was under way does not bring it back.
        let late = save(&typing, &path, "Hello Harriet,\n\nthe pole is", (second, "tab")).await.expect(409);
        assert!(late.body.contains("sent or discarded in another window"));
        assert_eq!(w.number("SELECT count(*) FROM drafts"), 0);
    }

    async fn a_form_that_is_posted_twice_sends_once(w: World) {
        let site = Site::on(w.db.clone()).await;
        let path = format!("/conversations/{}", w.open_of(w.agnes, 1)[0].1);
        let (agnes, typing) = (site.logged_in(&w, w.agnes).await, script(&site, &w, w.agnes).await);
        let replies = || w.number("SELECT count(*) FROM messages WHERE kind = 'reply'");
        let page = agnes.get(&path).await.expect(200);
        let name = page.attributes(".composer [name=composer]", "value").remove(0);
        let form = [("body", "It is on its way."), ("draft", "0"), ("composer", &*name), ("then", "close")];
        let first = agnes.post(&format!("{path}/messages"), &form).await.expect(303);
        let events = w.events();
        let second = agnes.post(&format!("{path}/messages"), &form).await.expect(303);
        assert_eq!(first.location(), second.location());
        assert_eq!((replies(), w.events()), (1, events));

        // What was saved meanwhile does not come back, and another text is not taken for the one that was sent.
        save(&typing, &path, "It is on its", (0, &name)).await.expect(410);
        assert_eq!(w.number("SELECT count(*) FROM drafts"), 0);
        let other = [("body", "Something else."), ("draft", "0"), ("composer", &*name)];
        let refused = agnes.post(&format!("{path}/messages"), &other).await.expect(422);
        assert!(refused.body.contains("This page has sent its message already"));
        assert_eq!((typed(&refused), replies()), ("Something else.".to_owned(), 1));
        let note = [("body", "It is on its way."), ("kind", "note"), ("draft", "0"), ("composer", &*name)];
        agnes.post(&format!("{path}/messages"), &note).await.expect(422);
        // The page that it is refused with has a name of its own, and sends it.
        let fresh = refused.attributes(".composer [name=composer]", "value").remove(0);
        assert_ne!(fresh, name);
        let again = [("body", "Something else."), ("draft", "0"), ("composer", &*fresh)];
        agnes.post(&format!("{path}/messages"), &again).await.expect(303);
        assert_eq!(replies(), 2);

        // Notes too.
        let note = [("body", "Ask Sven."), ("draft", "0"), ("composer", "a note's")];
        for _ in 0..2 {
            agnes.post(&format!("{path}/notes"), &note).await.expect(303);
        }
        assert_eq!(w.number("SELECT count(*) FROM messages WHERE kind = 'note'"), 1);
        // Nobody else's page is this one.
        let sven = site.logged_in(&w, w.sven).await;
        sven.post(&format!("{path}/notes"), &note).await.expect(422);
    }

    async fn what_a_page_saves_at_once_may_arrive_in_any_order(w: World) {
        let site = Site::on(w.db.clone()).await;
        let path = format!("/conversations/{}", w.open_of(w.agnes, 1)[0].1);
        let typing = script(&site, &w, w.agnes).await;
        let saves = [("Hello Harriet, the pole", "2"), ("Hello Harriet", "1"), ("Hello Harriet, the pole is", "3")];
        for (body, turn) in saves {
            let form = [("body", body), ("draft", "0"), ("composer", "tab"), ("turn", turn)];
            typing.post(&format!("{path}/draft"), &form).await.expect(200);
            assert_ne!(w.number("SELECT count(*) FROM drafts WHERE body = 'Hello Harriet'"), 1, "{turn}");
        }
        assert_eq!(w.number("SELECT count(*) FROM drafts WHERE body = 'Hello Harriet, the pole is'"), 1);
    }

    async fn a_note_that_was_begun_is_no_reply_of_somebody_who_may_not_write_notes_any_more(w: World) {
        let site = Site::on(w.db.clone()).await;
        let path = format!("/conversations/{}", w.open_of(w.agnes, 1)[0].1);
        let agnes = site.logged_in(&w, w.agnes).await;
        agnes.post(&format!("{path}/draft"), &[("body", "She is difficult."), ("kind", "note")]).await.expect(303);
        w.database.execute("DELETE FROM role_permissions WHERE permission = 'notes.write'");
        let page = agnes.get(&path).await.expect(200);
        assert_eq!(typed(&page), "");
        assert!(page.text(".stranded").contains("She is difficult.") && !page.has("#as-note"));
    }

    async fn a_note_stays_a_note_and_nothing_typed_is_no_draft(w: World) {
        let site = Site::on(w.db.clone()).await;
        let path = format!("/conversations/{}", w.open_of(w.agnes, 1)[0].1);
        let agnes = site.logged_in(&w, w.agnes).await;
        // Without script it is a button of the form.
        let saved = agnes.post(&format!("{path}/draft"), &[("body", "Ask Sven"), ("kind", "note")]).await.expect(303);
        let page = agnes.get(saved.location()).await.expect(200);
        assert!(page.body.contains("Draft saved") && page.has("#as-note[checked]"));
        let shown = page.attributes(".composer [name=draft]", "value").remove(0);
        agnes.post(&format!("{path}/draft"), &[("body", " \n "), ("kind", "note"), ("draft", &shown)]).await.expect(303);
        assert_eq!(w.number("SELECT count(*) FROM drafts"), 0);
        agnes.post(&format!("{path}/draft"), &[("body", "")]).await.expect(303);
        assert_eq!(w.number("SELECT count(*) FROM drafts"), 0);
    }

    async fn of_two_windows_neither_loses_what_the_other_wrote(w: World) {
        let site = Site::on(w.db.clone()).await;
        let path = format!("/conversations/{}", w.open_of(w.agnes, 1)[0].1);
        let (agnes, typing) = (site.logged_in(&w, w.agnes).await, script(&site, &w, w.agnes).await);
        let one = version(&save(&typing, &path, "From the first", (0, "one")).await.expect(200));
        let told = save(&typing, &path, "From the second", (0, "two")).await.expect(409);
        // The script is told what is kept instead, for whoever chooses.
        assert_eq!(version(&told), one);
        assert!(told.body.contains("From the first"));
        // Its own save that it has not heard of yet is no stranger.
        version(&save(&typing, &path, "From the first, longer", (0, "one")).await.expect(200));
        let refused = agnes
            .post(&format!("{path}/messages"), &[("body", "From the second"), ("draft", "0"), ("composer", "two")])
            .await
            .expect(422);
        assert!(refused.body.contains("You wrote something else here in another window"));
        assert_eq!(typed(&refused), "From the second");
        assert_eq!(w.number("SELECT count(*) FROM messages WHERE kind = 'reply'"), 0);

        // Sent in the first: gone in the second, which is told so and cannot send it once more by mistake.
        let first = [("body", "From the first, longer"), ("draft", &*one.to_string()), ("composer", "one")];
        agnes.post(&format!("{path}/messages"), &first).await.expect(303);
        assert_eq!(version(&typing.get(&format!("{path}/draft")).await.expect(200)), 0);
        let twice = [("body", "From the first, longer"), ("draft", &*one.to_string()), ("composer", "two")];
        let refused = agnes.post(&format!("{path}/messages"), &twice).await.expect(422);
        assert!(refused.body.contains("sent or discarded in another window"));
        assert_eq!(w.number("SELECT count(*) FROM messages WHERE kind = 'reply'"), 1);
        // Whoever looked and still wants to, can: the page shows what is so now.
        let shown = refused.attributes(".composer [name=draft]", "value").remove(0);
        let again = [("body", "From the first, longer"), ("draft", &*shown), ("composer", "three")];
        agnes.post(&format!("{path}/messages"), &again).await.expect(303);
    }

    async fn what_is_typed_outlives_a_reassignment(w: World) {
        let site = Site::on(w.db.clone()).await;
        let (_, number) = w.open_of(w.agnes, 1).remove(0);
        let path = format!("/conversations/{number}");
        let typing = script(&site, &w, w.agnes).await;
        let seen = version(&save(&typing, &path, "Hello", (0, "tab")).await.expect(200));
        let sven = site.logged_in(&w, w.sven).await;
        let away = format!("user:{}", w.sven);
        sven.post(&format!("{path}/assign"), &[("target", &away)]).await.expect(303);
        save(&typing, &path, "Hello there", (seen, "tab")).await.expect(404);
        typing.get(&format!("{path}/draft")).await.expect(404);
        let back = format!("user:{}", w.agnes);
        sven.post(&format!("{path}/assign"), &[("target", &back)]).await.expect(303);
        assert_eq!(typed(&site.logged_in(&w, w.agnes).await.get(&path).await.expect(200)), "Hello");
        save(&typing, &path, "Hello there", (seen, "tab")).await.expect(200);
    }

    async fn who_may_hand_over_reads_and_takes_what_somebody_left(w: World) {
        let site = Site::on(w.db.clone()).await;
        let (id, number) = w.open_of(w.bob, 1).remove(0);
        let path = format!("/conversations/{number}");
        save(&script(&site, &w, w.bob).await, &path, "Dear Harriet,", (0, "tab")).await.expect(200);
        let (sven, agnes) = (site.logged_in(&w, w.sven).await, site.logged_in(&w, w.agnes).await);
        let whose = w.bob.to_string();
        let take = format!("{path}/draft/take-over");
        assert!(!sven.get(&path).await.expect(200).has(".draft-by"), "Bob is still writing");
        let refused = sven.post(&take, &[("user", &whose)]).await.expect(422);
        assert!(refused.body.contains("Only drafts of people who can’t log in"));

        w.deactivate(w.bob);
        let page = sven.get(&path).await.expect(200);
        assert!(page.text(".draft-by").contains("Dear Harriet,"));
        assert!(page.text(".draft-by summary").contains("(deactivated)"));
        for (browser, who) in [(&agnes, w.agnes), (&site.logged_in(&w, w.rita).await, w.rita)] {
            browser.post(&take, &[("user", &whose)]).await.expect(403);
            browser.post(&format!("{path}/draft/discard"), &[("user", &whose)]).await.expect(403);
            assert!(!browser.get(&path).await.has(".draft-by"), "{who}");
        }
        let other = w.other.xena.to_string();
        for wrong in ["", "nobody", &*other, &*w.sven.to_string()] {
            sven.post(&take, &[("user", wrong)]).await.expect(404);
        }

        // What stood in the own composer stays, before it.
        sven.post(&format!("{path}/draft"), &[("body", "Mine.")]).await.expect(303);
        let events = w.events();
        sven.post(&take, &[("user", &whose)]).await.expect(303);
        assert_eq!(w.events(), events + 1);
        let page = sven.get(&path).await.expect(200);
        assert_eq!(typed(&page), "Mine. Dear Harriet,");
        assert!(!page.has(".draft-by") && page.text(".composer-foot").contains("Begun by"));
        assert!(page.body.contains("The draft of"), "the conversation tells it");
        let event = w.read(|rx| baton::store::audit::list_of_conversation(rx, id, 10)).pop().expect("an event");
        assert_eq!((event.name.as_str(), event.actor, event.from.0), ("draft.taken_over", Some(w.sven), Some(w.bob)));
        sven.post(&take, &[("user", &whose)]).await.expect(404);
    }

    async fn what_somebody_left_is_thrown_away_knowingly_or_with_them(w: World) {
        let site = Site::on(w.db.clone()).await;
        let held = w.open_of(w.bob, 2);
        let typing = script(&site, &w, w.bob).await;
        for (_, number) in &held {
            save(&typing, &format!("/conversations/{number}"), "Dear Harriet,", (0, "tab")).await.expect(200);
        }
        w.deactivate(w.bob);
        assert_eq!(w.number("SELECT count(*) FROM drafts"), 2, "deactivation keeps them");
        let sven = site.logged_in(&w, w.sven).await;
        let discard = format!("/conversations/{}/draft/discard", held[0].1);
        sven.post(&discard, &[("user", &w.bob.to_string())]).await.expect(303);
        assert_eq!(w.number("SELECT count(*) FROM drafts"), 1);
        let olga = site.logged_in(&w, w.olga).await;
        let email = w.user(w.bob).email;
        olga.post(&format!("/settings/users/{}/delete", w.bob), &[("confirm_email", &email)]).await.expect(303);
        assert_eq!(w.number("SELECT count(*) FROM drafts"), 0);
    }

    async fn drafts_have_limits_and_rights(w: World) {
        let site = Site::on(w.db.clone()).await;
        let (_, number) = w.open_of(w.agnes, 1).remove(0);
        let path = format!("/conversations/{number}");
        let typing = script(&site, &w, w.agnes).await;
        let long = save(&typing, &path, &"x".repeat(1_000_000), (0, "tab")).await.expect(422);
        assert!(long.body.contains("at most 100,000 characters"));
        save(&typing, &path, "\u{202e}مرحبا 👋 <script>", (0, "tab")).await.expect(200);
        assert_eq!(typed(&site.logged_in(&w, w.agnes).await.get(&path).await.expect(200)), "مرحبا 👋 <script>");
        save(&script(&site, &w, w.rita).await, &path, "Hello", (0, "tab")).await.expect(403);
        save(&typing, "/conversations/999999", "Hello", (0, "tab")).await.expect(404);

        let archived = w.conversation(&w.draft().assignee(w.agnes).now(StatusChange::Close));
        let sven = site.logged_in(&w, w.sven).await;
        let path = format!("/conversations/{}", archived.1);
        sven.post(&format!("{path}/status"), &[("status", "archived")]).await.expect(303);
        let refused = sven.post(&format!("{path}/draft"), &[("body", "Hello")]).await.expect(422);
        assert!(refused.body.contains("archived"));
    }
}
