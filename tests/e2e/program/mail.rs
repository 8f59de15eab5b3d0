//! Real mail from end to end, with a mail server of the distribution: what customers write arrives by IMAP and by LMTP, is answered,
//! read in a mail program, answered again, and threads; nothing is fetched or sent twice when the program is killed (K-3).

use std::collections::BTreeMap;
use std::time::Duration;

use crate::support::app::App;
use crate::support::db::{Fresh, Kind};
use crate::support::dovecot::{self, Dovecot, deliver, free_port, try_deliver};
use crate::support::sample::{self, DANA, PASSWORD, number};
use crate::support::smtp::Smtp;
use crate::support::visitor::Visitor;

use super::commands::on_both;
use super::instances::wait_until;

on_both! {
    a_mail_is_fetched_answered_read_and_answered_again
    nothing_is_lost_or_taken_twice_when_the_program_is_killed
}

const PATIENCE: Duration = Duration::from_secs(40);
const SUPPORT: &str = "support@fernhill.example";
const HARRIET: &str = "harriet.pole@customer.localhost";

/// Baton with a mail server on either side.
struct Post {
    // Stopped before what it works on goes.
    app: App,
    dana: Visitor,
    dovecot: Dovecot,
    smtp: Smtp,
    database: Fresh,
    lmtp: u16,
    channel: String,
}

fn post(kind: Kind) -> Post {
    let database = sample::database(kind);
    let (dovecot, smtp, lmtp) = (Dovecot::start(), Smtp::start(), free_port());
    let app = App::on(database.url())
        .env("BATON_LMTP_LISTEN", format!("127.0.0.1:{lmtp}"))
        .env("BATON_SMTP_URL", smtp.url())
        .env("BATON_SECRET_KEY", "a secret of thirty-two characters and more")
        .start();
    let dana = Visitor::logged_in(&app, DANA, PASSWORD);
    let db = sample::open(&database);
    let channels = db.read_now(sample::workspace(&db), baton::store::channels::list).unwrap();
    let channel = channels.iter().find(|one| one.address == SUPPORT).expect("the sample’s channel").id.to_string();
    Post { app, dana, dovecot, smtp, database, lmtp, channel }
}

impl Post {
    /// Connects the channel with its mailbox.
    fn connect(&self) {
        let port = self.dovecot.imap_port().to_string();
        let path = format!("/settings/channels/{}/mail", self.channel);
        let form = [
            ("version", "1"),
            ("signature", "Kind regards, {agent}"),
            ("reply_by_address", "on"),
            ("imap_host", "127.0.0.1"),
            ("imap_port", port.as_str()),
            ("imap_security", "none"),
            ("imap_user", "support"),
            ("imap_password", dovecot::PASSWORD),
            ("imap_folder", "INBOX"),
        ];
        self.dana.post(&path, &form).expect(303);
        let tested = self.dana.post(&format!("{path}/test"), &[]).expect(200);
        assert!(tested.texts(".alert.good")[0].contains("The mailbox can be read."), "{}", tested.body);
        self.wait_for("the mailbox is known", "SELECT count(*) FROM channel_mail WHERE imap_checked_at IS NOT NULL", 1);
    }

    #[track_caller]
    fn wait_for(&self, what: &str, statement: &str, wanted: i64) {
        wait_until(what, PATIENCE, || number(&self.database, statement) == wanted);
    }

    /// Waits for the conversation with a subject.
    #[track_caller]
    fn conversation(&self, subject: &str) -> i64 {
        let count = format!("SELECT count(*) FROM conversations WHERE subject = '{subject}'");
        self.wait_for(subject, &count, 1);
        number(&self.database, &format!("SELECT number FROM conversations WHERE subject = '{subject}'"))
    }

    fn messages(&self, conversation: i64) -> i64 {
        number(
            &self.database,
            &format!(
                "SELECT count(*) FROM messages m JOIN conversations c ON c.id = m.conversation_id WHERE c.number = {conversation}"
            ),
        )
    }

    /// Answers, and gives what came out to the customer's own mail server.
    #[track_caller]
    fn answer(&self, conversation: i64, words: &str) {
        let before = self.smtp.mails().len();
        self.dana.post(&format!("/conversations/{conversation}/messages"), &[("body", words)]).expect(303);
        let sent = self.smtp.wait_for_mails(before + 1).pop().unwrap();
        assert!(sent.is_to(HARRIET), "{:?}", sent.to);
        self.dovecot.deliver("harriet", &sent.raw);
    }
}

fn written(id: &str, subject: &str, head: &str, body: &str) -> Vec<u8> {
    format!(
        "From: Harriet Pole <{HARRIET}>\r\nTo: {SUPPORT}\r\nSubject: {subject}\r\nMessage-ID: <{id}@customer.localhost>\r\n{head}\r\n{body}\r\n"
    )
    .into_bytes()
}

/// What a mail program shows of a mail.
struct Read {
    message_id: String,
    in_reply_to: String,
    reply_to: String,
    from: String,
    text: String,
}

/// The newest mail of the customer, read by a mail program.
fn newest(post: &Post) -> Read {
    let mails = post.dovecot.mails("harriet");
    let mail = mail_parser::MessageParser::default().parse(mails.last().expect("a mail")).unwrap();
    let address = |list: Option<&mail_parser::Address<'_>>| {
        list.and_then(|list| list.first()).and_then(|one| one.address()).unwrap_or_default().to_owned()
    };
    Read {
        message_id: mail.message_id().unwrap_or_default().to_owned(),
        in_reply_to: mail.in_reply_to().as_text().unwrap_or_default().to_owned(),
        reply_to: address(mail.reply_to()),
        from: address(mail.from()),
        text: mail.body_text(0).unwrap_or_default().replace("\r\n", "\n"),
    }
}

fn a_mail_is_fetched_answered_read_and_answered_again(kind: Kind) {
    let post = post(kind);
    // What was in the mailbox before stays where it is.
    post.dovecot.deliver("support", &written("old", "Before Baton", "", "Long ago."));
    post.connect();

    // One customer's mail is fetched, another's is delivered.
    post.dovecot.deliver("support", &written("fetched-1", "Pole by IMAP", "", "A pole is missing."));
    let fetched = post.conversation("Pole by IMAP");
    let said =
        deliver(post.lmtp, HARRIET, &[SUPPORT], &written("delivered-1", "Pole by LMTP", "", "A rope is missing."));
    assert!(said[0].starts_with("250"), "{said:?}");
    let delivered = post.conversation("Pole by LMTP");
    let nobody = deliver(post.lmtp, HARRIET, &["nobody@fernhill.example"], b"");
    assert!(nobody[0].starts_with("550"), "{nobody:?}");

    // Answered, and read in a mail program.
    post.answer(fetched, "A new pole is on its way.");
    let first = newest(&post);
    assert_eq!((first.in_reply_to.as_str(), first.from.as_str()), ("fetched-1@customer.localhost", SUPPORT));
    assert!(first.text.starts_with("A new pole is on its way.\n\n-- \nKind regards, "), "{}", first.text);
    assert!(first.reply_to.starts_with(&format!("support+c{fetched}.")), "{}", first.reply_to);
    post.answer(delivered, "A new rope, too.");
    let second = newest(&post);
    assert_eq!(second.in_reply_to, "delivered-1@customer.localhost");

    // Answered again: once by what it refers to, fetched; once by the address alone, delivered.
    let head = format!("In-Reply-To: <{}>\r\n", first.message_id);
    post.dovecot.deliver("support", &written("fetched-2", "Re: Pole by IMAP", &head, "Thank you."));
    wait_until("the answer threads by its header", PATIENCE, || post.messages(fetched) == 3);
    let said =
        deliver(post.lmtp, HARRIET, &[&second.reply_to], &written("delivered-2", "thanks", "", "Thanks for the rope."));
    assert!(said[0].starts_with("250"), "{said:?}");
    wait_until("the answer threads by its address", PATIENCE, || post.messages(delivered) == 3);
    // And once more by us.
    post.answer(fetched, "You are welcome.");
    assert_eq!(newest(&post).in_reply_to, "fetched-2@customer.localhost");

    // The same mail by the other way is the same mail.
    let said = deliver(post.lmtp, HARRIET, &[SUPPORT], &written("fetched-2", "Re: Pole by IMAP", &head, "Thank you."));
    assert!(said[0].starts_with("250"), "{said:?}");
    assert_eq!(post.messages(fetched), 4);
    assert_eq!(
        number(&post.database, "SELECT count(*) FROM conversations WHERE subject IN ('Before Baton', 'thanks')"),
        0
    );
    assert!(post.dana.get(&format!("/conversations/{fetched}")).expect(200).body.contains("Thank you."));
}

/// Claims end after a while; a test does not wait for that.
fn some_time_passes(database: &Fresh) {
    database.execute("UPDATE channel_mail SET imap_locked_until = NULL");
    database.execute("UPDATE outbox SET locked_until = NULL");
}

const MAILS: usize = 30;
const ARRIVED: &str = "SELECT count(*) FROM messages m JOIN conversations c ON c.id = m.conversation_id WHERE c.subject LIKE 'Mail %' AND m.kind = 'incoming'";

fn nothing_is_lost_or_taken_twice_when_the_program_is_killed(kind: Kind) {
    let mut post = post(kind);
    post.connect();
    for n in 0..MAILS {
        post.dovecot
            .deliver("support", &written(&format!("box{n}"), &format!("Mail box {n}"), "", &format!("Number {n}.")));
    }
    // A mail server that delivers meanwhile and tries again until it hears that a mail is kept.
    let lmtp = post.lmtp;
    let sender = std::thread::spawn(move || {
        for n in 0..MAILS {
            let mail = written(&format!("door{n}"), &format!("Mail door {n}"), "", &format!("Number {n}."));
            while !try_deliver(lmtp, HARRIET, &[SUPPORT], &mail).is_ok_and(|said| said[0].starts_with("250")) {
                std::thread::park_timeout(Duration::from_millis(30));
            }
        }
    });
    for round in 1..=4 {
        let point = i64::try_from(MAILS * 2 * round / 6).unwrap();
        wait_until("mails come in", PATIENCE, || number(&post.database, ARRIVED) >= point);
        post.app.crash();
        some_time_passes(&post.database);
        post.app.restart();
    }
    sender.join().unwrap();
    let all = i64::try_from(MAILS * 2).unwrap();
    post.wait_for("all are there", ARRIVED, all);
    assert_eq!(
        number(&post.database, "SELECT count(DISTINCT subject) FROM conversations WHERE subject LIKE 'Mail %'"),
        all
    );

    // Replies, with a crash while they leave.
    let numbers: Vec<i64> = (0..10).map(|n| post.conversation(&format!("Mail box {n}"))).collect();
    for number in &numbers {
        post.dana.post(&format!("/conversations/{number}/messages"), &[("body", "On its way.")]).expect(303);
    }
    post.app.crash();
    some_time_passes(&post.database);
    post.app.restart();
    let unsent =
        "SELECT count(*) FROM outbox WHERE kind = 'reply' AND subject LIKE 'Re: Mail box %' AND state <> 'sent'";
    post.wait_for("all have left", unsent, 0);
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for mail in post.smtp.mails() {
        *times.entry(mail.header("Message-ID").unwrap()).or_default() += 1;
    }
    assert_eq!(times.len(), 10, "{times:?}");
    // The one that was with the mail server at that instant may be there twice, under one Message-ID; no other.
    assert!(
        times.values().filter(|count| **count > 1).count() <= 1 && times.values().all(|count| *count <= 2),
        "{times:?}"
    );

    // Nothing is left to do: two more crashes change nothing.
    let (sent, arrived) = (post.smtp.mails().len(), number(&post.database, ARRIVED));
    for _ in 0..2 {
        post.app.crash();
        some_time_passes(&post.database);
        post.app.restart();
        let again = "SELECT count(*) FROM channel_mail WHERE imap_locked_until IS NOT NULL";
        post.wait_for("the mailbox is read again", again, 1);
    }
    std::thread::park_timeout(Duration::from_millis(1500));
    assert_eq!((post.smtp.mails().len(), number(&post.database, ARRIVED)), (sent, arrived));
}
