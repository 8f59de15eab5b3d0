//! Contacts: list, page, editing, and two that become one (C-16).

use baton::actions;
use baton::domain::access::Sees;
use baton::domain::conversations::StatusChange;
use baton::domain::ids::ContactId;
use baton::store;
use chrono::TimeDelta;

use crate::support::web::Site;
use crate::support::{World, on_both};

fn known(w: &World, email: &str, name: &str) -> ContactId {
    w.system_does(|tx| {
        let id = store::contacts::find_or_insert(tx, email, name)?;
        Ok(tx.unrecorded(id, "a test sets the scene"))
    })
}

/// A conversation with somebody of this address.
fn talk(w: &World, email: &str, draft: crate::support::draft::Draft) -> i64 {
    let mut draft = draft;
    draft.contact = email.to_owned();
    w.conversation(&draft).1.0
}

on_both! {
    async fn contacts_are_found_sorted_and_listed_page_by_page(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        for index in 0..60 {
            known(&w, &format!("c{index:02}@list.example"), &format!("Customer {index:02}"));
        }
        known(&w, "weird_%@list.example", "Ángel \"50%\" <b>Núñez</b>");
        let mut seen = Vec::new();
        let mut next = Some("/contacts?q=list.example".to_owned());
        while let Some(path) = next {
            let page = olga.get(&path).await.expect(200);
            seen.extend(page.texts("tbody a.person-name"));
            next = page.attributes(".pagination a[rel=next]", "href").pop();
            // Somebody new on an earlier page moves nobody from one page to the next.
            known(&w, "aaa@list.example", "Aaa");
        }
        let distinct: std::collections::BTreeSet<_> = seen.iter().collect();
        assert_eq!((seen.len(), distinct.len()), (61, 61), "{seen:?}");
        let newest = olga.get("/contacts?q=list.example&sort=newest").await.expect(200);
        assert_eq!(newest.texts("tbody a.person-name").len(), 50);
        let words = olga.get("/contacts?q=n%C3%BA%C3%B1ez%20weird_%25").await.expect(200);
        assert_eq!(words.texts("tbody a.person-name"), ["Ángel \"50%\" <b>Núñez</b>"]);
        for nothing in ["/contacts?q=weirdx", "/contacts?q=%25%25%25", "/contacts?q=nobody"] {
            assert!(olga.get(nothing).await.expect(200).has(".empty"), "{nothing}");
        }
        olga.get("/contacts?after=nonsense&sort=nonsense").await.expect(200);
        let file = olga.get("/contacts/export?q=list.example").await.expect(200);
        assert_eq!(file.body.lines().count(), 63);
        assert!(file.body.contains("aaa@list.example"));
    }

    async fn only_conversations_that_the_viewer_may_see_are_shown_and_counted(w: World) {
        let site = Site::on(w.db.clone()).await;
        let id = known(&w, "kim@x.example", "Kim Lee");
        let hers = talk(&w, "kim@x.example", w.draft().subject("Hers").assignee(w.agnes));
        talk(&w, "kim@x.example", w.draft().subject("Of Bob alone").assignee(w.bob));
        let (olga, agnes) = (site.logged_in(&w, w.olga).await, site.logged_in(&w, w.agnes).await);
        for (browser, shown) in [(&olga, 2), (&agnes, 1)] {
            let list = browser.get("/contacts?q=kim").await.expect(200);
            assert_eq!(list.text("tbody td.num"), shown.to_string());
            let page = browser.get(&format!("/contacts/{id}")).await.expect(200);
            assert_eq!(page.texts("#talks tbody a").len(), shown);
            assert_eq!(page.text("#talks-h"), if shown == 1 { "1 conversation" } else { "2 conversations" });
            let file = browser.get("/contacts/export?q=kim").await.expect(200);
            assert!(file.body.contains(&format!(",{shown},{shown},")), "{}", file.body);
            let inbox = browser.get(&format!("/inbox?contact={id}")).await.expect(200);
            assert_eq!(inbox.texts("#results article, #results li.row, #results .conv").len().max(shown), shown);
            let thread = browser.get(&format!("/conversations/{hers}")).await.expect(200);
            assert_eq!(thread.texts("#contact a[href^='/conversations/']:not([href$='/merge'])").len(), shown - 1);
            assert!(thread.has(&format!("#contact a[href='/contacts/{id}']")));
        }
        assert!(!agnes.get(&format!("/contacts/{id}")).await.expect(200).has("form[action^='/contacts/']"));
        // Guests see no contacts, and are shown no way there.
        let gus = site.logged_in(&w, w.gus).await;
        gus.get("/contacts").await.expect(403);
        assert!(!gus.get("/inbox").await.expect(200).has(".rail a[href='/contacts']"));
    }

    async fn a_contact_is_changed_and_found_by_what_they_are_called_now(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let id = known(&w, "sam@x.example", "Sam Oldname");
        known(&w, "taken@x.example", "Somebody Else");
        talk(&w, "sam@x.example", w.draft().subject("Tent"));
        let path = format!("/contacts/{id}");
        let form = |version: &'static str, addresses: &'static str| {
            [("version", version), ("name", "Sam Newname"), ("addresses", addresses), ("note", "Prefers calls 📞")]
        };
        for (addresses, said) in [("", "Enter an address"), ("no address", "no email address"), ("taken@x.example", "belongs to another")] {
            let refused = olga.post(&path, &form("1", addresses)).await.expect(422);
            assert!(refused.has("#addresses[aria-invalid=true]"));
            assert!(refused.text("#addresses-error").contains(said), "{}", refused.text("#addresses-error"));
            assert_eq!(refused.attributes("#name", "value"), ["Sam Newname"]);
        }
        olga.post(&path, &form("1", "sam@work.example\nsam@x.example")).await.expect(303);
        let late = olga.post(&path, &form("1", "late@x.example")).await.expect(409);
        assert!(late.text(".error-summary").contains("You changed this contact meanwhile"), "{}", late.text(".error-summary"));
        let contact = w.read(|rx| store::contacts::find(rx, id)).expect("a contact");
        assert_eq!((contact.name.as_str(), contact.email.as_str(), contact.note.as_str()), ("Sam Newname", "sam@work.example", "Prefers calls 📞"));
        // Mail from either address is theirs, and both lead to their conversations.
        assert_eq!(known(&w, "SAM@x.example", "Ignored"), id);
        assert_eq!(known(&w, "sam@work.example", "Ignored"), id);
        for (words, found) in [("newname", 1), ("oldname", 0), ("work.example", 1)] {
            let page = olga.get(&format!("/inbox?q={words}")).await.expect(200);
            assert_eq!(page.has("#results .empty"), found == 0, "{words}");
        }
        assert!(w.trail(5).iter().any(|one| one == "contact.updated"));
        let before = w.events();
        olga.post(&path, &form("2", "sam@work.example\nsam@x.example")).await.expect(303);
        assert_eq!(w.events(), before, "nothing changed, nothing recorded");
    }

    async fn two_contacts_become_one_and_two_again(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let (kept, twin) = (known(&w, "pat@x.example", "Pat Kept"), known(&w, "pat@old.example", "Pat Twin"));
        let here = talk(&w, "pat@x.example", w.draft().subject("Here"));
        let there = talk(&w, "pat@old.example", w.draft().subject("There").now(StatusChange::Close));
        let search = olga.get(&format!("/contacts/{kept}/merge?q=pat")).await.expect(200);
        assert_eq!(search.texts(".merge-list .person-name"), ["Pat Twin"], "not with itself");
        let ask = olga.get(&format!("/contacts/{kept}/merge?with={twin}")).await.expect(200);
        assert!(ask.text("main").contains("1 conversation and 1 address"), "{}", ask.text("main"));
        olga.post(&format!("/contacts/{kept}/merge"), &[]).await.expect(422);
        olga.post(&format!("/contacts/{kept}/merge"), &[("merged", &kept.to_string())]).await.expect(422);
        olga.post(&format!("/contacts/{kept}/merge"), &[("merged", &twin.to_string())]).await.expect(303);
        let page = olga.get(&format!("/contacts/{kept}")).await.expect(200);
        assert_eq!(page.texts("#talks tbody a").len(), 2);
        assert_eq!(page.text("#addresses"), "pat@x.example pat@old.example");
        assert_eq!(olga.get(&format!("/contacts/{twin}")).await.expect(303).location(), format!("/contacts/{kept}"));
        assert_eq!(known(&w, "pat@old.example", "Pat"), kept, "new mail from the other address is theirs");
        olga.post(&format!("/contacts/{kept}/merge"), &[("merged", &twin.to_string())]).await.expect(409);
        assert!(!olga.get("/contacts?q=twin").await.expect(200).has("tbody a.person-name"));
        assert!(!olga.get("/inbox?q=kept&status=closed").await.expect(200).has("#results .empty"), "found by the new name");
        let undo = page.attributes("form[action$='/undo']", "action").remove(0);
        olga.post(&undo, &[]).await.expect(303);
        olga.post(&undo, &[]).await.expect(409);
        let of = |id: ContactId| w.read(|rx| store::contacts::list_conversation_ids(rx, id)).len();
        assert_eq!((of(kept), of(twin)), (1, 1));
        assert_eq!(known(&w, "pat@old.example", "Pat"), twin);
        let number = |number| w.read(|rx| store::conversations::find(rx, baton::domain::ids::ConversationNumber(number), &Sees::All)).expect("it").contact;
        assert_eq!((number(here), number(there)), (kept, twin));
        let trail = w.trail(5);
        for event in ["contact.merged", "contact.merge_undone"] {
            assert!(trail.iter().any(|one| one == event), "{trail:?}");
        }
        // After the undo window it stays.
        olga.post(&format!("/contacts/{kept}/merge"), &[("merged", &twin.to_string())]).await.expect(303);
        let undo = olga.get(&format!("/contacts/{kept}")).await.expect(200).attributes("form[action$='/undo']", "action").remove(0);
        w.later(TimeDelta::hours(25));
        let olga = site.logged_in(&w, w.olga).await;
        assert!(!olga.get(&format!("/contacts/{kept}")).await.expect(200).has("form[action$='/undo']"));
        olga.post(&undo, &[]).await.expect(409);
    }

    async fn an_earlier_merge_waits_for_the_later_one(w: World) {
        let can = w.can(w.olga);
        let [a, b, c] = ["a", "b", "c"].map(|name| known(&w, &format!("{name}@chain.example"), name));
        let merge = |kept, gone| w.by(w.olga, |tx| actions::contacts::merge(tx, &can, kept, gone)).expect("merged").id;
        let (first, second) = (merge(b, a), merge(c, b));
        assert_eq!(known(&w, "a@chain.example", "x"), c);
        let undo = |id| w.by(w.olga, |tx| actions::contacts::undo_merge(tx, &can, id));
        assert!(undo(first).unwrap_err().to_string().contains("Take that back first"));
        undo(second).expect("undone");
        undo(first).expect("undone");
        for (name, id) in [("a", a), ("b", b), ("c", c)] {
            assert_eq!(known(&w, &format!("{name}@chain.example"), "x"), id);
        }
    }
}
