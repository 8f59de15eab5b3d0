//! What is posted several times at once is sent once, and what is saved while it is sent does not come back (C-12).

use baton::actions::composing::{Message, send};
use baton::actions::conversations::Text;
use baton::actions::drafts::{Writing, save};
use baton::domain::access::Can;
use baton::domain::drafts::Seen;
use baton::failure::Failure;

use crate::support::{at_once, both_at_once, on_both};

on_both! {
    fn a_form_that_arrives_six_times_at_once_sends_once(w: World) {
        let b = w.instance_b();
        let scope = w.scope(w.agnes);
        for round in 0..8 {
            let (_, number) = w.open_of(w.agnes, 1)[0];
            let composer = format!("page {round}");
            let message = Message { text: Text::of("On its way."), composer: composer.clone(), seen: None };
            let note = round % 2 == 1;
            let answers = at_once(6, |thread| {
                let db = if thread % 2 == 0 { &w.db } else { &b };
                let can = || Can::check(&scope).expect("Agnes may");
                let writing = if note { Writing::Note(Can::check(&scope).expect("may")) } else { Writing::Reply(can()) };
                db.write_now(&scope, |tx| send(tx, &writing, None, number, &message))
            });
            assert!(answers.iter().all(Result::is_ok), "{answers:?}");
            assert_eq!(w.number(&format!("SELECT count(*) FROM messages WHERE composer = '{composer}'")), 1);
        }
        assert_eq!(w.number("SELECT count(*) FROM messages WHERE kind = 'reply'"), 4);
        assert_eq!(w.number("SELECT count(*) FROM outbox WHERE kind = 'reply'"), 4);
    }

    fn what_is_saved_while_it_is_sent_does_not_come_back(w: World) {
        let scope = w.scope(w.agnes);
        let (reply, note) = (Can::check(&scope).expect("may"), Can::check(&scope).expect("may"));
        let (sends, saves) = (Writing::Reply(reply), Writing::Reply(note));
        let (_, number) = w.open_of(w.agnes, 1)[0];
        for round in 0..20 {
            let composer = format!("page {round}");
            let seen = Seen { version: 0, composer: composer.clone(), turn: 1 };
            let message = Message { text: Text::of("On its way."), composer, seen: Some(seen.clone()) };
            let (sent, saved) = both_at_once(
                || w.db.write_now(&scope, |tx| send(tx, &sends, None, number, &message)),
                || w.db.write_now(&scope, |tx| save(tx, &saves, number, "On its", &seen)),
            );
            sent.expect("it is sent");
            assert!(matches!(saved, Ok(_) | Err(Failure::Refused(_))), "{saved:?}");
            assert_eq!(w.number("SELECT count(*) FROM drafts"), 0, "round {round}");
        }
    }

    fn of_a_page_that_saves_twice_at_once_what_it_typed_last_is_kept(w: World) {
        let scope = w.scope(w.agnes);
        let can = || Writing::Reply(Can::check(&scope).expect("may"));
        let (one, two) = (can(), can());
        for (_, number) in w.open_of(w.agnes, 12) {
            let seen = |turn| Seen { version: 0, composer: "page".to_owned(), turn };
            let (first, second) = both_at_once(
                || w.db.write_now(&scope, |tx| save(tx, &one, number, "Hello", &seen(1))),
                || w.db.write_now(&scope, |tx| save(tx, &two, number, "Hello Harriet", &seen(2))),
            );
            first.expect("to save");
            second.expect("to save");
        }
        assert_eq!(w.number("SELECT count(*) FROM drafts WHERE body = 'Hello Harriet'"), 12);
    }
}
