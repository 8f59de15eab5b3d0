//! Mail that no customer wrote: reports about replies that did not arrive, notes of absence, our own mail that comes back; and
//! answers that find their conversation by the address that they were sent to (K-3).

use std::path::Path;

use baton::actions::conversations;
use baton::actions::incoming::{self, Raw, Received, Way};
use baton::domain::access::{Cause, Scope, Sees};
use baton::domain::conversations::{Conversation, Status, StatusChange};
use baton::domain::ids::{ConversationNumber, MailId, MessageId};
use baton::domain::secrets::file_hash;
use baton::mail::incoming::read;
use baton::store;
use baton::store::outbox::State;
use chrono::TimeDelta;

use crate::support::web::Site;
use crate::support::{World, on_both};

fn take(w: &World, way: Way, text: &str) -> Received {
    let raw = Raw { sha256: file_hash(text.as_bytes()), size: i64::try_from(text.len()).expect("a size") };
    let scope = Scope::system(w.workspace, Some(Cause::IncomingMail));
    let mail = read(text.as_bytes()).expect("a mail");
    w.db.write_now(&scope, |tx| incoming::receive(tx, (w.email, way), &raw, &mail, &[])).expect("to receive")
}

fn stored(w: &World, text: &str) -> ConversationNumber {
    match take(w, Way::Delivered, text) {
        Received::Stored(number) => number,
        other => panic!("not stored: {other:?}"),
    }
}

/// Why a mail was kept aside.
fn aside(w: &World, text: &str) -> String {
    match take(w, Way::Delivered, text) {
        Received::Quarantined(id) => {
            w.read(|rx| store::received_mails::find_quarantined(rx, id)).expect("a mail kept aside").problem
        }
        other => panic!("not kept aside: {other:?}"),
    }
}

fn one(w: &World, number: ConversationNumber) -> Conversation {
    w.read(|rx| store::conversations::find(rx, number, &Sees::All)).expect("a conversation")
}

fn mail(id: &str, head: &str, body: &str) -> String {
    let to = if head.contains("To: ") { "" } else { "To: support@fernhill.localhost\r\n" };
    format!(
        "From: Harriet Cole <harriet@customer.example>\r\n{to}Subject: Tent pole\r\nMessage-ID: <{id}@customer.example>\r\n{head}\r\n{body}\r\n"
    )
}

fn report(name: &str, about: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/reports").join(format!("{name}.eml"));
    std::fs::read_to_string(path).expect("a sample").replace("REPLY-ID", about)
}

/// A conversation that Bob answered: its number, the reply's Message-ID, its message and its mail.
fn answered(w: &World) -> (ConversationNumber, String, MessageId, MailId) {
    let number = stored(w, &mail("1", "", "A tent pole is missing."));
    let can = w.can(w.bob);
    w.by(w.bob, |tx| conversations::reply(tx, &can, None, number, "It is on its way.")).expect("a reply");
    let id = one(w, number).id;
    let message = w.read(|rx| store::messages::list(rx, id, 10)).pop().expect("a reply");
    let mail = message.mail.expect("a mail");
    w.anywhere(|ax| store::outbox::finish(ax, mail, State::Sent, None));
    let about = w.database.lines("SELECT email_message_id AS line FROM outbox WHERE kind = 'reply'").remove(0);
    (number, about, message.id, mail)
}

fn state(w: &World, mail: MailId) -> (State, String) {
    let (_, state, problem) = w.read(|rx| store::outbox::list_states(rx, &[mail])).remove(0);
    (state, problem.unwrap_or_default())
}

fn change(w: &World, number: ConversationNumber, change: StatusChange) {
    let can = w.can(w.ada);
    w.by(w.ada, |tx| conversations::change_status(tx, &can, number, change)).expect("a change");
}

fn reply_to(w: &World) -> String {
    w.database.lines("SELECT reply_to AS line FROM outbox WHERE kind = 'reply'").remove(0)
}

on_both! {
    fn every_mail_servers_report_is_noted_with_the_reply_and_starts_nothing(w: World) {
        let reasons = [
            ("postfix", "nobody has this address there (550 5.1.1 <harriet@customer.example>: Recipient address rejected: User unknown in virtual mailbox table)"),
            ("exim", "the mailbox is full (552 5.2.2 Mailbox full)"),
            ("exchange", "their mail server refused it by its rules (550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup)"),
            ("qmail", "nobody has this address there (Sorry, no mailbox here by that name. (#5.1.1))"),
            ("gmail", "there is no mail server for this address (DNS Error: DNS type 'mx' lookup of customer.example responded with code NXDOMAIN Domain name not found: customer.example)"),
        ];
        let (number, about, _, sent) = answered(&w);
        change(&w, number, StatusChange::Close);
        let conversations = w.number("SELECT count(*) FROM conversations");
        for (name, reason) in reasons {
            w.anywhere(|ax| store::outbox::finish(ax, sent, State::Sent, None));
            assert_eq!(take(&w, Way::Delivered, &report(name, &about)), Received::Noted(number), "{name}");
            assert_eq!(state(&w, sent), (State::Returned, reason.to_owned()), "{name}");
        }
        assert_eq!(w.number("SELECT count(*) FROM conversations"), conversations);
        let back = one(&w, number);
        assert_eq!((back.status, back.waiting_since), (Status::Open, Some(w.now())), "the contact never got the answer");
        assert_eq!(w.read(|rx| store::messages::list(rx, back.id, 10)).len(), 2, "no message was added");
        // The same report once more, with another line of transport.
        let again = report("postfix", &about).replace("id 3E47A1BC025;", "id 4E47A1BC026;");
        assert_eq!(take(&w, Way::Delivered, &again), Received::Duplicate);
    }

    fn a_report_of_delay_says_so_and_brings_nothing_back(w: World) {
        let (number, about, _, sent) = answered(&w);
        change(&w, number, StatusChange::Close);
        let events = w.events();
        assert_eq!(take(&w, Way::Delivered, &report("sendmail_delayed", &about)), Received::Noted(number));
        assert_eq!(state(&w, sent), (State::Sent, "their mail server did not answer (4.4.1)".to_owned()));
        assert_eq!((one(&w, number).status, w.events()), (Status::Closed, events));
    }

    fn a_report_about_somebody_elses_mail_is_kept_aside(w: World) {
        answered(&w);
        for name in ["postfix", "exim", "qmail"] {
            assert_eq!(aside(&w, &report(name, "unknown@elsewhere.example")), "unknown_report", "{name}");
        }
        // Xena’s message cannot be reported on from here.
        assert_eq!(aside(&w, &report("exchange", "secret@customer.example")), "unknown_report");
    }

    async fn what_did_not_arrive_is_marked_in_the_conversation_and_sent_once_more(w: World) {
        let (number, about, message, sent) = answered(&w);
        take(&w, Way::Delivered, &report("exim", &about));
        let site = Site::on(w.db.clone()).await;
        let bob = site.logged_in(&w, w.bob).await;
        let path = format!("/conversations/{number}");
        let page = bob.get(&path).await;
        assert!(page.text(".delivery").starts_with("Not delivered: the mailbox is full (552 5.2.2 Mailbox full)"), "{}", page.text(".delivery"));
        assert!(page.body.contains("A reply could not be delivered"));
        let form = [("message", message.0.to_string())];
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(bob.post(&format!("{path}/retry"), &form).await.status.as_u16(), 303);
        assert_eq!(state(&w, sent), (State::Queued, String::new()));
        assert_eq!(w.trail(1), ["message.retried"]);
        let events = w.events();
        assert_eq!(bob.post(&format!("{path}/retry"), &form).await.status.as_u16(), 303, "pressed twice");
        assert_eq!(w.events(), events);
        for nothing in ["", "x", "999999"] {
            assert_eq!(bob.post(&format!("{path}/retry"), &[("message", nothing)]).await.status.as_u16(), 404, "{nothing}");
        }
        let rita = site.logged_in(&w, w.rita).await;
        assert_eq!(rita.post(&format!("{path}/retry"), &form).await.status.as_u16(), 403);
        assert!(!rita.get(&path).await.body.contains("Try again"));
    }

    async fn a_note_of_absence_is_threaded_marked_and_brings_nothing_back(w: World) {
        let (number, about, ..) = answered(&w);
        let until = w.now() + TimeDelta::days(3);
        let notes = [
            ("Auto-Submitted: auto-replied\r\n", StatusChange::Close, Status::Closed),
            ("X-Autoreply: yes\r\n", StatusChange::Snooze(until), Status::Snoozed),
            ("Precedence: bulk\r\n", StatusChange::Open, Status::Open),
        ];
        for (index, (head, before, after)) in notes.into_iter().enumerate() {
            change(&w, number, before);
            let waiting = one(&w, number).waiting_since;
            let events = w.events();
            let note = mail(&format!("away{index}"), &format!("In-Reply-To: <{about}>\r\n{head}"), "I am away.");
            assert_eq!(stored(&w, &note), number);
            let still = one(&w, number);
            assert_eq!((still.status, still.waiting_since, w.events()), (after, waiting, events), "{head}");
            assert_eq!(still.snoozed_until.is_some(), after == Status::Snoozed);
        }
        let site = Site::on(w.db.clone()).await;
        let bob = site.logged_in(&w, w.bob).await;
        let page = bob.get(&format!("/conversations/{number}")).await;
        assert!(page.body.contains("sent automatically"));
        // A person’s own answer does all of it.
        change(&w, number, StatusChange::Close);
        stored(&w, &mail("back", &format!("In-Reply-To: <{about}>\r\n"), "I am back."));
        assert_eq!((one(&w, number).status, one(&w, number).waiting_since), (Status::Open, Some(w.now())));
    }

    fn an_answer_finds_its_conversation_by_its_address_when_no_header_does(w: World) {
        let (number, ..) = answered(&w);
        let address = reply_to(&w);
        assert!(address.starts_with(&format!("support+c{number}.")) && address.ends_with("@fernhill.localhost"), "{address}");
        let to = |address: &str| format!("To: Support <{address}>\r\n");
        assert_eq!(stored(&w, &mail("plus1", &to(&address), "By address.")), number);
        assert_eq!(stored(&w, &mail("plus2", &to(&address.to_uppercase()), "In capitals.")), number);
        assert_eq!(stored(&w, &mail("plus3", &format!("Delivered-To: {address}\r\n"), "By the envelope.")), number);
        // Headers come first.
        let other = stored(&w, &mail("other", "", "Something else."));
        let both = format!("{}References: <other@customer.example>\r\n", to(&address));
        assert_eq!(stored(&w, &mail("both", &both, "Both.")), other);
        // Whoever makes one up gets a conversation of their own.
        let (tag, domain) = address.rsplit_once('@').unwrap();
        let forged = [
            format!("support+c{other}.{}@{domain}", tag.rsplit_once('.').unwrap().1),
            format!("support+c{number}.aaaaaaaaaaaaaaaa@{domain}"),
            format!("support+c{number}@{domain}"),
            format!("{}@elsewhere.example", tag),
        ];
        for (index, forged) in forged.iter().enumerate() {
            let started = stored(&w, &mail(&format!("forged{index}"), &to(forged), "Let me in."));
            assert!(started != number && started != other, "{forged} led into {started}");
        }
    }

    fn our_own_mail_that_comes_back_is_kept_aside(w: World) {
        let (_, about, ..) = answered(&w);
        let own = format!("From: Bob <support@fernhill.localhost>\r\nTo: harriet@customer.example\r\nMessage-ID: <{about}>\r\n\r\nIt is on its way.\r\n");
        assert_eq!(aside(&w, &own), "own_mail");
        let invite = w.database.lines("SELECT email_message_id AS line FROM outbox WHERE kind = 'reply'").remove(0);
        assert!(!invite.is_empty());
        let looped = "From: support@fernhill.localhost\r\nTo: support@fernhill.localhost\r\nMessage-ID: <loop@x>\r\n\r\nAgain.\r\n";
        assert_eq!(aside(&w, looped), "own_address");
        // A form on a web page writes in our name, and says who is to be answered.
        let form = looped.replace("loop@x", "form@x").replace("To: ", "Reply-To: Ann <ann@customer.example>\r\nTo: ");
        let conversation = one(&w, stored(&w, &form));
        let contact = w.read(|rx| store::contacts::find(rx, conversation.contact)).expect("a contact");
        assert_eq!(contact.email, "ann@customer.example");
    }

    fn a_flood_of_one_sender_is_kept_aside_until_it_ends(w: World) {
        let head = "Auto-Submitted: auto-replied\r\n";
        for n in 0..10 {
            stored(&w, &mail(&format!("machine{n}"), head, &format!("Away {n}.")));
        }
        assert_eq!(aside(&w, &mail("machine10", head, "Away 10.")), "flood");
        // People have more patience with people, and collections of old mails are no flood.
        stored(&w, &mail("person", "", "I am here."));
        assert!(matches!(take(&w, Way::Collected, &mail("machine11", head, "Away 11.")), Received::Stored(_)));
        w.later(TimeDelta::minutes(6));
        stored(&w, &mail("machine12", head, "Away 12."));
    }

    fn the_same_mail_by_two_ways_is_one_mail(w: World) {
        let text = mail("twice", "", "Once is enough.\r\n");
        let number = stored(&w, &text);
        let elsewhere = format!("Return-Path: <harriet@customer.example>\r\nReceived: by mx; today\r\n{}", text.replace("\r\n", "\n"));
        assert_eq!(take(&w, Way::Delivered, &elsewhere), Received::Duplicate);
        // With other words it is another mail, whatever it calls itself.
        assert_ne!(stored(&w, &text.replace("enough", "not enough")), number);
        assert_eq!(w.number("SELECT count(*) FROM received_mails") - 1, 2);
    }
}
