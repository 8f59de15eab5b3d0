//! The index of words says what is there: whoever writes, in any language, and after anything was taken out.

use baton::domain::access::Sees;
use baton::domain::conversations::{MessageKind, Status};
use baton::domain::ids::ConversationId;
use baton::domain::inbox::{Filter, Sort, Statuses};
use baton::store::{self, inbox};

use crate::support::db::Kind;
use crate::support::draft::Draft;
use crate::support::{World, on_both, traces};

/// A conversation about something, with a note.
fn about(w: &World, subject: &str, note: &str) -> ConversationId {
    let id = w.conversations(&[Draft { subject: subject.to_owned(), ..w.draft() }])[0].0;
    say(w, id, note);
    id
}

fn say(w: &World, conversation: ConversationId, body: &str) {
    w.system_does(|tx| {
        let kind = MessageKind::Note;
        let new = store::messages::New {
            conversation,
            kind,
            author: None,
            body,
            html: None,
            email_message_id: None,
            mail: None,
            automatic: false,
        };
        store::messages::insert(tx, &new)?;
        Ok(tx.unrecorded((), "a test sets the scene"))
    });
}

/// What is found by the list and by the count, which have to agree; looking through the list and not.
fn found(w: &World, words: &str) -> Vec<ConversationId> {
    let filter = Filter { words: Some(words.to_owned()), ..Filter::of(Statuses::Only(Status::Open)) };
    let read = |look: usize| {
        let page = w.read(|rx| inbox::list_looking(rx, &filter, &Sees::All, Sort::Newest, None, (50, look)));
        page.rows.iter().map(|row| row.conversation.id).collect::<Vec<_>>()
    };
    let (near, far) = (read(1_000), read(1));
    assert_eq!(near, far, "{words}");
    let count = w.read(|rx| inbox::count(rx, &filter, &Sees::All));
    assert_eq!(count, i64::try_from(near.len()).unwrap(), "{words}");
    near
}

/// Every row of the index, as text.
fn index(w: &World) -> Vec<String> {
    let words = match w.kind() {
        Kind::Sqlite => "words",
        Kind::Postgres => "array_to_string(tsvector_to_array(words), ' ')",
    };
    let line =
        format!("SELECT CAST(conversation_id AS TEXT) || ' ' || {words} AS line FROM search_documents ORDER BY 1");
    let sorted = |line: String| {
        let mut words: Vec<&str> = line.split_whitespace().collect();
        words.sort_unstable();
        words.join(" ")
    };
    w.database.lines(&line).into_iter().map(sorted).collect()
}

on_both! {
    fn words_are_found_in_subject_message_and_contact_in_many_languages(w: World) {
        let german = about(&w, "Größe der Zelte", "Müller wünscht Straße 5");
        let french = about(&w, "Crème brûlée", "déjà vu");
        let russian = about(&w, "Где моя ёлка?", "Палатка порвана");
        let greek = about(&w, "Η ΣΚΗΝΉ", "έφτασε σήμερα");
        let arabic = about(&w, "مَكْسُور", "الخيمة");
        let chinese = about(&w, "我的帐篷坏了", "请退款");
        let japanese = about(&w, "新しいテント", "届きました");
        let cases = [
            ("grosse zelte", german), ("MULLER strasse", german), ("grö", german), ("creme deja", french),
            ("елка палат", russian), ("σκηνη εφτασε", greek), ("مكسور", arabic), ("帐篷", chinese), ("退款 坏了", chinese),
            ("テント", japanese), ("届きました", japanese),
        ];
        for (typed, id) in cases {
            assert_eq!(found(&w, typed), [id], "{typed}");
        }
        assert_eq!(found(&w, "harriet").len(), 7, "they all have one contact");
        assert_eq!(found(&w, "harriet@customer.example creme"), [french]);
    }

    fn every_word_has_to_occur_and_signs_are_no_operators(w: World) {
        let id = about(&w, "50% off: a_b's \"tent\"", "c:\\pole (new) - not old");
        for typed in ["50%", "a_b", "b's tent", "c:\\pole", "\"tent\" pole*", "-not", "(new)", "%50%", "te", "tent' OFF"] {
            assert_eq!(found(&w, typed), [id], "{typed}");
        }
        for typed in ["%", "_", "'", "\\", "\"", "*", "()", "tent OR pole", "tent AND pole", "NEAR(tent pole)", "ent", "NOT rope",
            "tent) OR (1=1", "words:tent", "'", "5", "😀"] {
            assert_eq!(found(&w, typed), [], "{typed}");
        }
        assert_eq!(found(&w, &"tent ".repeat(3_000)), [id]);
    }

    fn the_index_is_what_would_be_made_anew(w: World) {
        let one = about(&w, "A tent", "the pole of the tent");
        for text in ["the pole is late", "the pole again", "", "東京都 and 東京"] {
            say(&w, one, text);
        }
        about(&w, "", "...");
        let ids: Vec<i64> = w.database.lines("SELECT CAST(id AS TEXT) AS line FROM conversations").iter()
            .map(|id| id.parse().unwrap()).collect();
        let before = index(&w);
        assert_eq!(before.len(), ids.len());
        // As a database that was there before the index was.
        w.database.execute("DELETE FROM search_documents");
        assert_eq!(found(&w, "pole"), []);
        w.database.execute("DELETE FROM installation WHERE name = 'search words'");
        assert_eq!(store::migrations::run(&w.db), Ok(0));
        assert_eq!(index(&w), before);
        assert_eq!(found(&w, "pole late"), [one]);
    }

    fn what_is_taken_out_is_nowhere_in_the_index(w: World) {
        let id = about(&w, "A tent", "from Zebulon");
        about(&w, "Another tent", "of somebody else");
        assert_eq!(found(&w, "zebulon"), [id]);
        w.database.execute("UPDATE messages SET body = 'from nobody' WHERE body = 'from Zebulon'");
        w.system_does(|tx| {
            store::search::renew(tx, &[id])?;
            Ok(tx.unrecorded((), "a test erases"))
        });
        assert_eq!(found(&w, "zebulon"), []);
        assert_eq!(found(&w, "nobody"), [id]);
        assert_eq!(traces::in_database(&w, &["zebulon"]), Vec::<String>::new());
        w.db.scrub_now().expect("to scrub");
        assert_eq!(traces::in_files(&w, &["zebulon"]), Vec::<String>::new());
    }
}
