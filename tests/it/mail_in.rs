//! Mail that comes in: every message of the corpora is stored or kept aside, once, and finds its conversation (K-3, C-6).

use std::path::Path;

use baton::actions::conversations;
use baton::actions::incoming::{self, Raw, Received, StoredFile, Way};
use baton::domain::access::{Cause, Scope, Sees};
use baton::domain::conversations::{Conversation, MessageKind, Status, StatusChange};
use baton::domain::ids::{ChannelId, ConversationNumber};
use baton::domain::secrets::file_hash;
use baton::failure::Failure;
use baton::mail::incoming::read;
use baton::store;
use chrono::TimeDelta;

use crate::support::{World, on_both};

/// The mails of both corpora, with their names.
fn corpora() -> Vec<(String, Vec<u8>)> {
    let mut mails = Vec::new();
    for folder in ["mail", "hostile"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(folder);
        for entry in std::fs::read_dir(folder).expect("a corpus") {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|extension| extension == "eml") {
                let name = path.file_name().expect("a name").to_string_lossy().into_owned();
                mails.push((name, std::fs::read(path).expect("a mail")));
            }
        }
    }
    mails.sort();
    // Some stand there under two names.
    let mut seen = std::collections::HashSet::new();
    mails.retain(|(_, bytes)| seen.insert(file_hash(bytes)));
    assert!(mails.len() > 80, "the corpora are there: {}", mails.len());
    mails
}

/// What the door does with the bytes of a mail; files go to disk elsewhere.
fn take(w: &World, channel: ChannelId, bytes: &[u8]) -> Result<Received, Failure> {
    let raw = Raw { sha256: file_hash(bytes), size: i64::try_from(bytes.len()).expect("a size") };
    let scope = Scope::system(w.workspace, Some(Cause::IncomingMail));
    match read(bytes) {
        Ok(mail) => {
            let files: Vec<StoredFile> = mail
                .attachments
                .iter()
                .map(|file| StoredFile {
                    file_name: file.file_name.clone(),
                    content_type: file.content_type.clone(),
                    size: i64::try_from(file.bytes.len()).expect("a size"),
                    sha256: file_hash(&file.bytes),
                })
                .collect();
            w.db.write_now(&scope, |tx| incoming::receive(tx, (channel, Way::Collected), &raw, &mail, &files))
        }
        Err(problem) => w.db.write_now(&scope, |tx| incoming::quarantine(tx, channel, &raw, problem.code())),
    }
}

fn stored(w: &World, text: &str) -> ConversationNumber {
    match take(w, w.email, text.as_bytes()).expect("a mail") {
        Received::Stored(number) => number,
        other => panic!("not stored: {other:?}"),
    }
}

fn one(w: &World, number: ConversationNumber) -> Conversation {
    w.read(|rx| store::conversations::find(rx, number, &Sees::All)).expect("a conversation")
}

fn mail(id: &str, references: &str, body: &str) -> String {
    let references = if references.is_empty() { String::new() } else { format!("References: {references}\r\n") };
    format!(
        "From: Harriet Cole <Harriet@customer.example>\r\nTo: support@fernhill.localhost\r\nSubject: Tent pole\r\n\
         Message-ID: <{id}@customer.example>\r\n{references}\r\n{body}\r\n"
    )
}

fn change(w: &World, number: ConversationNumber, change: StatusChange) {
    let can = w.can(w.ada);
    w.by(w.ada, |tx| conversations::change_status(tx, &can, number, change)).expect("a change");
}

on_both! {
    fn every_mail_of_the_corpora_is_stored_or_kept_aside_and_none_is_lost(w: World) {
        let mails = corpora();
        let (mut kept, mut aside, mut again) = (0, Vec::new(), 0);
        for (name, bytes) in &mails {
            match take(&w, w.email, bytes).unwrap_or_else(|failure| panic!("{name}: {failure}")) {
                Received::Stored(number) => {
                    kept += 1;
                    let understood = read(bytes).expect("a mail");
                    let conversation = one(&w, number);
                    let messages = w.read(|rx| store::messages::list(rx, conversation.id, 1000));
                    let last = messages.last().expect("a message");
                    assert_eq!((&last.body, &last.html), (&understood.text, &understood.html), "{name}");
                    assert_eq!(last.kind, MessageKind::Incoming);
                    let files = w.read(|rx| store::messages::list_attachments(rx, &[last.id])).remove(&last.id);
                    let files: Vec<_> = files.unwrap_or_default();
                    assert_eq!(files.len(), understood.attachments.len(), "{name}");
                    for (file, sent) in files.iter().zip(&understood.attachments) {
                        assert_eq!((&file.file_name, &file.sha256), (&sent.file_name, &file_hash(&sent.bytes)), "{name}");
                    }
                }
                Received::Quarantined(id) => {
                    let found = w.read(|rx| store::received_mails::find_quarantined(rx, id)).expect("kept aside");
                    assert_eq!(found.sha256, file_hash(bytes), "{name}");
                    assert!(!found.problem.is_empty(), "{name}");
                    aside.push(name.clone());
                }
                Received::Noted(_) => panic!("{name} reports on a mail that was sent from here"),
                // Some files of the corpus are one mail with other line ends: one delivery, made twice.
                Received::Duplicate => {
                    let key = |bytes: &[u8]| read(bytes).ok().and_then(|mail| mail.content_key);
                    let same = |(other, known): &&(String, Vec<u8>)| other != name && key(known) == key(bytes);
                    assert!(key(bytes).is_some(), "{name} was never received");
                    assert!(mails.iter().filter(same).count() >= 1, "{name} was never received");
                    again += 1;
                }
            }
        }
        assert_eq!(kept + aside.len() + again, mails.len());
        assert!(kept > 60, "most can be read; kept aside: {aside:?}");
        assert!(aside.contains(&"blank.eml".to_owned()), "{aside:?}");
        assert_eq!(w.read(|rx| store::received_mails::list_quarantined(rx, 1000)).len(), aside.len());
        let (rows, messages) = (
            w.number("SELECT count(*) FROM received_mails") - 1,
            w.number("SELECT count(*) FROM messages WHERE kind = 'incoming'") - 1,
        );
        assert_eq!((rows, messages), (i64::try_from(mails.len() - again).unwrap(), i64::try_from(kept).unwrap()));

        // Everything once more: nothing is added.
        let (events, conversations) = (w.events(), w.number("SELECT count(*) FROM conversations"));
        for (name, bytes) in &mails {
            assert_eq!(take(&w, w.email, bytes).expect("a mail"), Received::Duplicate, "{name}");
        }
        assert_eq!((w.events(), w.number("SELECT count(*) FROM conversations")), (events, conversations));
        // To another channel it is another mail.
        assert_ne!(take(&w, w.chat, &mails[0].1).expect("a mail"), Received::Duplicate);
    }

    fn a_first_mail_starts_a_conversation_that_waits_for_us(w: World) {
        let number = stored(&w, &mail("1", "", "A tent pole is missing."));
        let conversation = one(&w, number);
        assert_eq!((conversation.status, conversation.subject.as_str()), (Status::Open, "Tent pole"));
        assert_eq!((conversation.assignee, conversation.team, conversation.waiting_since), (None, None, Some(w.now())));
        let contact = w.read(|rx| store::contacts::find(rx, conversation.contact)).expect("a contact");
        assert_eq!(contact.name, "Harriet Cole");
        assert_eq!(w.trail(1), ["conversation.created"]);
        // Her second mail, about something else, is another conversation with the same person.
        let second = one(&w, stored(&w, &mail("2", "", "And a rope.")));
        assert_ne!(second.number, number);
        assert_eq!(second.contact, conversation.contact);
    }

    fn an_answer_finds_its_conversation_by_what_it_refers_to(w: World) {
        let first = stored(&w, &mail("1", "", "A tent pole is missing."));
        let other = stored(&w, &mail("2", "", "And a rope."));
        assert_eq!(stored(&w, &mail("3", "<1@customer.example>", "Still missing.")), first);
        assert_eq!(stored(&w, &mail("4", "<2@customer.example> <unknown@x.example>", "The rope.")), other);
        // Of several, the latest counts.
        assert_eq!(stored(&w, &mail("5", "<2@customer.example> <3@customer.example>", "Both.")), first);
        assert_eq!(w.read(|rx| store::messages::list(rx, one(&w, first).id, 10)).len(), 3);
        // Xena's messages cannot be answered into, nor found, from here.
        let stranger = stored(&w, &mail("6", "<secret@customer.example>", "Show me."));
        assert!(![first, other].contains(&stranger));
    }

    fn an_answer_to_bobs_reply_comes_back_to_it(w: World) {
        let number = stored(&w, &mail("1", "", "A tent pole is missing."));
        let can = w.can(w.bob);
        w.by(w.bob, |tx| conversations::reply(tx, &can, None, number, "It is on its way.")).expect("a reply");
        assert_eq!(one(&w, number).waiting_since, None);
        let out = w.database.lines(
            "SELECT email_message_id || ' ' || in_reply_to || ' ' || from_address || ' ' || subject AS line FROM outbox WHERE kind = 'reply'",
        );
        let (id, rest) = out[0].split_once(' ').expect("a Message-ID");
        assert_eq!(rest, "1@customer.example support@fernhill.localhost Re: Tent pole");
        w.later(TimeDelta::minutes(5));
        assert_eq!(stored(&w, &mail("2", &format!("<1@customer.example> <{id}>"), "Thank you.")), number);
        assert_eq!(one(&w, number).waiting_since, Some(w.now()));
    }

    fn a_closed_or_sleeping_conversation_comes_back_with_the_answer(w: World) {
        let number = stored(&w, &mail("1", "", "A tent pole is missing."));
        change(&w, number, StatusChange::Close);
        assert_eq!(stored(&w, &mail("2", "<1@customer.example>", "It came without pegs.")), number);
        assert_eq!(one(&w, number).status, Status::Open);
        assert_eq!(w.trail(1), ["conversation.status_changed"]);
        change(&w, number, StatusChange::Snooze(w.now() + TimeDelta::days(3)));
        assert_eq!(stored(&w, &mail("3", "<2@customer.example>", "Hello?")), number);
        let awake = one(&w, number);
        assert_eq!((awake.status, awake.snoozed_until), (Status::Open, None));
        w.later(TimeDelta::days(4));
        assert!(w.anywhere(|ax| store::anywhere::list_due_snoozes(ax, 10)).is_empty(), "and never again");
        let events = w.events();
        stored(&w, &mail("4", "<3@customer.example>", "Are you there?"));
        assert_eq!(w.events(), events, "to an open conversation the message itself is the record");
    }

    fn an_archived_conversation_stays_so_and_a_new_one_goes_on_from_it(w: World) {
        let number = stored(&w, &mail("1", "", "A tent pole is missing."));
        change(&w, number, StatusChange::Archive);
        let archived = one(&w, number);
        let next = one(&w, stored(&w, &mail("2", "<1@customer.example>", "Now it is bent.")));
        assert_ne!(next.number, number);
        assert_eq!((next.status, next.contact), (Status::Open, archived.contact));
        assert_eq!(w.read(|rx| store::conversations::find_predecessor(rx, next.id)), Some(number));
        let still = one(&w, number);
        assert_eq!((still.status, still.version), (Status::Archived, archived.version));
        // The answer after that belongs to the new one.
        assert_eq!(stored(&w, &mail("3", "<1@customer.example> <2@customer.example>", "Hello?")), next.number);
    }

    fn a_machines_answer_makes_nobody_wait(w: World) {
        let automatic = mail("1", "", "I am away.").replace("Subject:", "Auto-Submitted: auto-replied\r\nSubject:");
        assert_eq!(one(&w, stored(&w, &automatic)).waiting_since, None);
    }

    fn what_cannot_be_read_is_told_once(w: World) {
        let events = w.events();
        assert!(matches!(take(&w, w.email, b" \r\n"), Ok(Received::Quarantined(_))));
        assert!(matches!(take(&w, w.email, b" \r\n"), Ok(Received::Duplicate)));
        assert_eq!((w.events(), w.trail(1)), (events + 1, vec!["mail.quarantined".to_owned()]));
        assert!(w.read(|rx| store::received_mails::find_quarantined(rx, w.other.quarantined)).is_none());
    }

    fn a_mail_that_cannot_be_stored_whole_is_not_stored_in_part(w: World) {
        // A channel of another workspace: the database itself refuses, and nothing stays.
        let before = w.number("SELECT count(*) FROM contacts");
        let refused = take(&w, w.other.channel, mail("1", "", "Hello").as_bytes());
        assert!(matches!(refused, Err(Failure::Database(_))), "{refused:?}");
        assert_eq!(w.number("SELECT count(*) FROM contacts"), before);
        assert_eq!(w.number("SELECT count(*) FROM received_mails"), 1, "only Xena’s");
    }
}
