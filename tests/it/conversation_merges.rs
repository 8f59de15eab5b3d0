//! Two conversations with one contact that become one (C-16).

use baton::actions::conversation_merges::merge;
use baton::actions::{conversations, incoming};
use baton::domain::access::Sees;
use baton::domain::conversations::{Conversation, Status, StatusChange};
use baton::domain::ids::{ConversationId, ConversationNumber};
use baton::domain::secrets::file_hash;
use baton::store;

use crate::support::threads::both_at_once;
use crate::support::web::Site;
use crate::support::{World, on_both};

fn mail(id: &str, to: &str, references: &str, body: &str) -> String {
    let references = if references.is_empty() { String::new() } else { format!("References: <{references}>\r\n") };
    format!(
        "From: Harriet Cole <harriet@customer.example>\r\nTo: {to}\r\nSubject: Tent pole\r\n\
         Message-ID: <{id}@customer.example>\r\n{references}\r\n{body}\r\n"
    )
}

fn take(w: &World, db: &store::Db, text: &str) -> ConversationNumber {
    let raw = incoming::Raw { sha256: file_hash(text.as_bytes()), size: 10 };
    let read = baton::mail::incoming::read(text.as_bytes()).expect("a mail");
    let received = db
        .write_now(&w.system(), |tx| incoming::receive(tx, (w.email, incoming::Way::Delivered), &raw, &read, &[]))
        .expect("received");
    match received {
        incoming::Received::Stored(number) => number,
        other => panic!("not stored: {other:?}"),
    }
}

const US: &str = "support@fernhill.localhost";

fn one(w: &World, number: ConversationNumber) -> Conversation {
    w.read(|rx| store::conversations::find(rx, number, &Sees::All)).expect("a conversation")
}

fn bodies(w: &World, id: ConversationId) -> Vec<String> {
    w.read(|rx| store::messages::list(rx, id, 100)).into_iter().map(|message| message.body).collect()
}

on_both! {
    async fn everything_moves_and_answers_to_either_arrive_in_the_one_that_stays(w: World) {
        let site = Site::on(w.db.clone()).await;
        let (first, second) = (take(&w, &w.db, &mail("a", US, "", "First words")), take(&w, &w.db, &mail("b", US, "", "Second words")));
        assert_ne!(first, second);
        let (can_reply, can_tag) = (w.can(w.olga), w.can(w.olga));
        w.by(w.olga, |tx| conversations::reply(tx, &can_reply, None, first, "Our answer")).expect("a reply");
        for (number, tag) in [(first, "vip"), (first, "tent"), (second, "tent")] {
            w.by(w.olga, |tx| conversations::add_tag(tx, &can_tag, number, tag)).expect("a tag");
        }
        let answer_address = w.read(|rx| store::channel_mail::find_answers(rx, w.email)).expect("answers");
        let old_address = baton::domain::mail_addresses::reply_address(US, first, &answer_address.secret).expect("an address");
        let olga = site.logged_in(&w, w.olga).await;
        for (number, text) in [(first, "Half an answer"), (second, "Another half")] {
            olga.post(&format!("/conversations/{number}/draft"), &[("body", text), ("draft", "0"), ("composer", "x")]).await;
        }
        let dialog = olga.get(&format!("/conversations/{first}/merge")).await.expect(200);
        assert!(dialog.text("main").contains("2 messages, 1 draft move"), "{}", dialog.text("main"));
        assert_eq!(dialog.attributes("input[name=into]", "value"), [second.to_string()]);
        let path = format!("/conversations/{first}/merge");
        let refused = olga.post(&path, &[]).await.expect(422);
        assert!(refused.has("#into-error"));
        olga.post(&path, &[("into", &first.to_string())]).await.expect(422);
        let other = w.conversation(&{ let mut draft = w.draft(); draft.contact = "kim@x.example".to_owned(); draft }).1;
        let refused = olga.post(&path, &[("into", &other.to_string())]).await.expect(422);
        assert!(refused.text(".error-summary").contains("two contacts"));
        let done = olga.post(&path, &[("into", &second.to_string())]).await.expect(303);
        assert_eq!(done.location(), format!("/conversations/{second}"));

        let (from, to) = (one(&w, first), one(&w, second));
        assert_eq!((from.status, from.merged_into), (Status::Archived, Some(to.id)));
        assert_eq!(bodies(&w, to.id), ["First words", "Second words", "Our answer"]);
        assert_eq!(bodies(&w, from.id), Vec::<String>::new());
        assert_eq!(w.read(|rx| store::tags::list_of_conversations(rx, &[to.id, from.id])).values().map(Vec::len).sum::<usize>(), 2);
        let kept = w.read(|rx| store::drafts::list_of_conversation(rx, to.id));
        assert!(kept[0].body.contains("Half an answer") && kept[0].body.contains("Another half"), "{}", kept[0].body);
        let old = olga.get(&format!("/conversations/{first}")).await.expect(200);
        assert!(old.has(&format!(".alert a[href='/conversations/{second}']")));
        assert!(olga.get(&format!("/conversations/{second}")).await.expect(200).text(".thread").contains(&format!("Merged with #{first}")));
        for (id, to, references) in [("c", US, "a@customer.example"), ("d", US, "b@customer.example"), ("e", old_address.as_str(), "")] {
            assert_eq!(take(&w, &w.db, &mail(id, to, references, &format!("Answer {id}"))), second, "{id}");
        }
        // The next reply names the mails of both.
        w.by(w.olga, |tx| conversations::reply(tx, &can_reply, None, second, "To both")).expect("a reply");
        let references = w.read(|rx| store::messages::list_message_ids(rx, to.id));
        for id in ["a@customer.example", "b@customer.example"] {
            assert!(references.iter().any(|one| one == id), "{references:?}");
        }
        for (words, number) in [("first", second), ("second", second)] {
            let page = olga.get(&format!("/inbox?q={words}&status=open")).await.expect(200);
            assert!(page.has(&format!("#results [href^='/conversations/{number}']")), "{words}");
        }
        olga.post(&path, &[("into", &second.to_string())]).await.expect(422);
        let trail = w.trail(20);
        for event in ["conversation.merged", "conversation.absorbed"] {
            assert!(trail.iter().any(|one| one == event), "{trail:?}");
        }
    }

    fn nothing_is_merged_that_one_may_not_see_and_work_does_not_end_by_it(w: World) {
        let hers = w.conversation(&w.draft().assignee(w.agnes)).1;
        let settled = w.conversation(&w.draft().assignee(w.agnes).now(StatusChange::Close)).1;
        let of_bob = w.conversation(&w.draft().assignee(w.bob)).1;
        let can = w.can(w.agnes);
        for (from, into) in [(hers, of_bob), (of_bob, hers)] {
            let refused = w.by(w.agnes, |tx| merge(tx, &can, from, into));
            assert!(matches!(refused, Err(baton::failure::Failure::NotFound)), "{refused:?}");
        }
        w.by(w.agnes, |tx| merge(tx, &can, hers, settled)).expect("merged");
        assert_eq!(one(&w, settled).status, Status::Open, "what was open stays open");
    }

    fn of_two_who_merge_at_once_one_does_and_a_mail_meanwhile_is_not_lost(w: World) {
        let (can, b) = (w.can(w.olga), w.instance_b());
        let scope = w.scope(w.olga);
        for round in 0..6 {
            let first = take(&w, &w.db, &mail(&format!("a{round}"), US, "", "First"));
            let second = take(&w, &w.db, &mail(&format!("b{round}"), US, "", "Second"));
            let (one_way, (other_way, arrived)) = both_at_once(
                || w.db.write_now(&scope, |tx| merge(tx, &can, first, second)),
                || {
                    let arrived = take(&w, &b, &mail(&format!("c{round}"), US, &format!("a{round}@customer.example"), "Answer"));
                    (b.write_now(&scope, |tx| merge(tx, &can, second, first)), arrived)
                },
            );
            assert!(one_way.is_ok() != other_way.is_ok(), "{one_way:?} {other_way:?}");
            let stays = if one_way.is_ok() { second } else { first };
            assert!(arrived == first || arrived == second);
            assert_eq!(bodies(&w, one(&w, stays).id).len(), 3, "round {round}");
        }
    }
}
