//! Mail that is kept aside has a way back; the same mail to two channels; and who really wrote (K-3).

use baton::actions::conversations;
use baton::actions::incoming::{Received, Way};
use baton::domain::access::Sees;
use baton::domain::assignment::Target;
use baton::domain::ids::{ChannelId, ConversationNumber, ReceivedMailId};
use baton::failure::Failure;
use baton::files::Files;
use baton::store;
use baton::store::outbox::State;
use baton::tasks::ingest::ingest;

use crate::support::web::Site;
use crate::support::{World, on_both};

const HARRIET: &str = "Harriet Cole <harriet@customer.example>";

fn mail(id: &str, from: &str, subject: &str, head: &str) -> String {
    format!(
        "From: {from}\r\nTo: support@fernhill.localhost\r\nSubject: {subject}\r\nMessage-ID: <{id}@customer.example>\r\n{head}\r\nA pole is missing.\r\n"
    )
}

fn give(w: &World, files: &Files, channel: ChannelId, text: &str) -> Received {
    ingest(&w.db, files, (w.workspace, channel), text.as_bytes(), Way::Delivered).expect("to be taken")
}

fn aside(received: Received) -> ReceivedMailId {
    match received {
        Received::Quarantined(id) => id,
        other => panic!("not kept aside: {other:?}"),
    }
}

fn stored(received: Received) -> ConversationNumber {
    match received {
        Received::Stored(number) => number,
        other => panic!("not stored: {other:?}"),
    }
}

fn second(w: &World) -> ChannelId {
    let can = w.can(w.ada);
    let create = |tx: &mut store::Tx| {
        baton::actions::channels::create(tx, &can, "Sales", "sales@fernhill.localhost", Target::Nobody)
    };
    w.by(w.ada, create).expect("a channel")
}

/// A reply to a conversation, and its Message-ID.
fn reply(w: &World, number: ConversationNumber) -> String {
    let can = w.can(w.bob);
    w.by(w.bob, |tx| conversations::reply(tx, &can, None, number, "It is on its way.")).expect("a reply");
    w.database
        .lines("SELECT email_message_id AS line FROM outbox WHERE kind = 'reply' ORDER BY created_at DESC, id DESC")
        .remove(0)
}

fn messages(w: &World, number: ConversationNumber) -> Vec<store::messages::Message> {
    let id = w.read(|rx| store::conversations::find(rx, number, &Sees::All)).expect("a conversation").id;
    w.read(|rx| store::messages::list(rx, id, 100))
}

on_both! {
    async fn what_was_kept_aside_is_taken_in_once_into_the_channel_that_is_chosen(w: World) {
        let site = Site::on(w.db.clone()).await;
        let ada = site.logged_in(&w, w.ada).await;
        let sales = second(&w);
        let looped = mail("loop", "Support <support@fernhill.localhost>", "To myself", "");
        let id = aside(give(&w, &site.files(), w.email, &looped));
        let path = format!("/settings/outbox/quarantine/{id}/take-in");
        assert!(ada.get("/settings/outbox").await.expect(200).body.contains(&path));
        let dialog = ada.get(&path).await.expect(200);
        assert_eq!(dialog.attributes("option[selected]", "value"), [w.email.to_string()]);
        // Neither into another workspace's channel, nor into a chat, nor by somebody who may not.
        ada.post(&path, &[("channel", &w.other.channel.to_string())]).await.expect(404);
        ada.post(&path, &[("channel", "nonsense")]).await.expect(404);
        assert!(ada.post(&path, &[("channel", &w.chat.to_string())]).await.expect(422).text("#channel-error").contains("mail channel"));
        site.logged_in(&w, w.bob).await.post(&path, &[("channel", &sales.to_string())]).await.expect(403);
        ada.post(&path, &[("channel", &sales.to_string())]).await.expect(303);
        assert_eq!(w.trail(2), ["conversation.created", "mail.taken_in"]);
        let taken = w.database.lines("SELECT subject AS line FROM conversations WHERE subject = 'To myself'");
        assert_eq!(taken.len(), 1);
        ada.post(&path, &[("channel", &sales.to_string())]).await.expect(404);
        assert!(!ada.get("/settings/outbox").await.expect(200).body.contains(&path));
        // It is known there now, and by its old channel it would be kept aside again.
        assert_eq!(give(&w, &site.files(), sales, &looped), Received::Duplicate);
        let again = aside(give(&w, &site.files(), w.email, &looped));
        let refused = ada.post(&format!("/settings/outbox/quarantine/{again}/take-in"), &[("channel", &sales.to_string())]).await.expect(422);
        assert!(refused.text("#channel-error").contains("has the same mail already"));
        // What cannot be read cannot be taken in.
        let blank = aside(give(&w, &site.files(), w.email, "no mail at all"));
        ada.get(&format!("/settings/outbox/quarantine/{blank}/take-in")).await.expect(404);
    }

    async fn an_answer_to_two_channels_stands_once_and_a_new_mail_in_each(w: World) {
        let site = Site::on(w.db.clone()).await;
        let (files, sales) = (site.files(), second(&w));
        let new = mail("both", HARRIET, "Tent", "");
        let (one, two) = (stored(give(&w, &files, w.email, &new)), stored(give(&w, &files, sales, &new)));
        assert_ne!(one, two, "each channel has its own people");
        // What refers to what came to both is meant for the channel that it comes to.
        let more = mail("more", HARRIET, "Re: Tent", "References: <both@customer.example>\r\n");
        assert_eq!(stored(give(&w, &files, sales, &more)), two);
        let about = reply(&w, one);
        let answer = mail("answer", HARRIET, "Re: Tent", &format!("In-Reply-To: <{about}>\r\n"));
        assert_eq!(stored(give(&w, &files, w.email, &answer)), one);
        assert_eq!(give(&w, &files, sales, &answer), Received::Duplicate);
        assert_eq!(messages(&w, one).len(), 3);
    }

    async fn whoever_else_writes_into_a_conversation_is_shown_as_they_are(w: World) {
        let site = Site::on(w.db.clone()).await;
        let number = stored(give(&w, &site.files(), w.email, &mail("1", HARRIET, "Tent", "")));
        let about = reply(&w, number);
        let head = format!("In-Reply-To: <{about}>\r\n");
        assert_eq!(stored(give(&w, &site.files(), w.email, &mail("2", "Tom Pole <tom@elsewhere.example>", "Re: Tent", &head))), number);
        let senders: Vec<_> = messages(&w, number).into_iter().map(|one| one.sender).collect();
        assert_eq!(senders, [None, None, Some(("Tom Pole".to_owned(), "tom@elsewhere.example".to_owned()))]);
        let page = site.logged_in(&w, w.bob).await.get(&format!("/conversations/{number}")).await.expect(200);
        assert_eq!(page.texts(".msg .from"), ["Harriet Cole", "Tom Pole"]);
        assert!(page.body.contains("tom@elsewhere.example, by "));
    }

    async fn a_person_who_writes_from_postmaster_is_no_machine(w: World) {
        let site = Site::on(w.db.clone()).await;
        let files = site.files();
        let number = stored(give(&w, &files, w.email, &mail("1", "postmaster@customer.example", "Undelivered parcel", "")));
        let about = reply(&w, number);
        let head = format!("In-Reply-To: <{about}>\r\n");
        let answer = mail("2", "postmaster@customer.example", "Re: Undelivered parcel", &head);
        assert_eq!(stored(give(&w, &files, w.email, &answer)), number);
        // Of a machine, it is a report.
        let report = mail("3", "postmaster@customer.example", "Undelivered Mail", &format!("Return-Path: <>\r\n{head}"));
        w.database.execute("UPDATE outbox SET state = 'sent' WHERE kind = 'reply'");
        assert_eq!(give(&w, &files, w.email, &report), Received::Noted(number));
    }

    async fn a_report_that_is_quicker_than_our_own_note_counts(w: World) {
        let site = Site::on(w.db.clone()).await;
        w.anywhere(|ax| store::outbox::finish(ax, w.other.mail, State::Sent, None));
        let number = stored(give(&w, &site.files(), w.email, &mail("1", HARRIET, "Tent", "")));
        let about = reply(&w, number);
        let sending = w.anywhere(|ax| store::outbox::claim(ax, &store::outbox::Busy::default())).expect("due");
        let report = mail("2", "MAILER-DAEMON@customer.example", "Undelivered Mail", &format!("In-Reply-To: <{about}>\r\n"));
        assert_eq!(give(&w, &site.files(), w.email, &report), Received::Noted(number));
        assert!(!w.anywhere(|ax| store::outbox::is_held(ax, &sending)), "that it left is noted no more");
        assert_eq!(w.read(|rx| store::outbox::list_states(rx, &[sending.id]))[0].1, State::Returned);
    }

    async fn a_channel_that_only_heard_of_others_can_be_deleted(w: World) {
        let site = Site::on(w.db.clone()).await;
        let (ada, sales) = (site.logged_in(&w, w.ada).await, second(&w));
        let number = stored(give(&w, &site.files(), w.email, &mail("1", HARRIET, "Tent", "")));
        let about = reply(&w, number);
        w.database.execute("UPDATE outbox SET state = 'sent' WHERE kind = 'reply'");
        let report = mail("2", "MAILER-DAEMON@customer.example", "Undelivered Mail", &format!("In-Reply-To: <{about}>\r\n"));
        assert_eq!(give(&w, &site.files(), sales, &report), Received::Noted(number));
        ada.post(&format!("/settings/channels/{sales}/delete"), &[]).await.expect(303);
        assert!(w.read(|rx| store::channels::find(rx, sales)).is_none());
    }

    async fn what_differs_in_subject_or_sender_is_another_mail_and_a_sender_of_ours_is_known(w: World) {
        let site = Site::on(w.db.clone()).await;
        let files = site.files();
        let one = stored(give(&w, &files, w.email, &mail("1", HARRIET, "Tent", "")));
        assert_ne!(one, stored(give(&w, &files, w.email, &mail("1", HARRIET, "Rope", ""))));
        assert_ne!(one, stored(give(&w, &files, w.email, &mail("1", "tom@customer.example", "Tent", ""))));
        assert_eq!(give(&w, &files, w.email, &mail("1", HARRIET, "Tent", "Received: by mx; later\r\n")), Received::Duplicate);
        w.system_does(|tx| {
            let mut settings = store::channel_mail::lock(tx, w.email)?;
            settings.mail.from_address = Some("Care@fernhill.localhost".to_owned());
            store::channel_mail::set(tx, w.email, &settings, store::channel_mail::Start::Unchanged)?;
            Ok(tx.unrecorded((), "a test sets the scene"))
        });
        let id = aside(give(&w, &files, w.email, &mail("9", "care@fernhill.localhost", "Again", "")));
        let found = w.read(|rx| store::received_mails::find_quarantined(rx, id)).expect("a mail");
        assert_eq!(found.problem, "own_address");
    }

    fn an_invite_that_is_named_twice_was_here_once(w: World) {
        let gone = w.newcomer("Ivy Invited", baton::domain::roles::Standard::Agent, baton::domain::users::Status::Invited);
        let can = w.can(w.olga);
        w.system_does(|tx| {
            store::invites::insert(tx, gone, chrono::TimeDelta::days(7))?;
            Ok(tx.unrecorded((), "a test sets the scene"))
        });
        w.by(w.olga, |tx| baton::actions::invites::cancel(tx, &can, gone)).expect("to cancel");
        let here = w.db.read_now(w.workspace, |rx| store::invites::were_here(rx, &[gone, gone, w.bob]));
        assert!(here.is_ok(), "{here:?}");
        let strange = w.db.read_now(w.workspace, |rx| store::invites::were_here(rx, &[gone, w.other.invited]));
        assert!(matches!(strange, Err(Failure::NotFound)));
    }
}
