//! The door for mail servers (K-3), over a real socket: what is promised with 250 is in the database, and nothing else.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use baton::domain::access::{Can, Sees};
use baton::domain::ids::ConversationNumber;
use baton::files::Files;
use baton::mail::incoming::MAX_MESSAGE_BYTES;
use baton::store;
use baton::tasks::lmtp::{self, Door};

use crate::support::{World, on_both};

/// The listener on a thread of its own, as the program runs it. Dropping it stops it.
struct Server {
    address: SocketAddr,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
    _files: tempfile::TempDir,
}

impl Server {
    fn start(w: &World) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let door = Door { db: w.db.clone(), files: Arc::new(Files::new(folder.path())) };
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let listening = lmtp::start(listener, door).expect("to listen");
                let _ = stopped.await;
                listening.stop().await;
            });
        });
        Self { address, stop: Some(stop), thread: Some(thread), _files: folder }
    }

    fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.address).expect("to connect");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket");
        let mut client = Client(BufReader::new(stream));
        assert_eq!(client.hear(), "220 Baton LMTP");
        client
    }

    fn end(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// A mail server that delivers.
struct Client(BufReader<TcpStream>);

impl Client {
    fn send(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).expect("to send");
    }

    /// The next line that is the last of an answer.
    fn hear(&mut self) -> String {
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).expect("an answer") == 0 {
                return "gone".to_owned();
            }
            if line.as_bytes().get(3) != Some(&b'-') {
                return line.trim_end().to_owned();
            }
        }
    }

    fn say(&mut self, line: &str) -> String {
        self.send(&format!("{line}\r\n"));
        let answer = self.hear();
        answer.split(' ').take(2).collect::<Vec<_>>().join(" ")
    }

    fn begin(&mut self, recipients: &[&str]) {
        assert!(self.say("LHLO mx.fernhill.example").starts_with("250 SIZE"));
        self.envelope(recipients);
    }

    fn envelope(&mut self, recipients: &[&str]) {
        assert_eq!(self.say("MAIL FROM:<harriet@customer.example> BODY=8BITMIME SIZE=200"), "250 2.1.0");
        for recipient in recipients {
            assert_eq!(self.say(&format!("RCPT TO:<{recipient}>")), "250 2.1.5", "{recipient}");
        }
    }

    /// Sends a mail; what is answered for each of so many recipients.
    fn data(&mut self, mail: &str, recipients: usize) -> Vec<String> {
        assert_eq!(self.say("DATA"), "354 2.0.0");
        self.send(&format!("{mail}.\r\n"));
        (0..recipients).map(|_| self.hear().split(' ').take(2).collect::<Vec<_>>().join(" ")).collect()
    }
}

const SUPPORT: &str = "support@fernhill.localhost";

fn mail(id: &str, body: &str) -> String {
    format!(
        "From: Harriet Cole <harriet@customer.example>\r\nTo: {SUPPORT}\r\nSubject: Tent pole\r\nMessage-ID: <{id}@customer.example>\r\n\r\n{body}\r\n"
    )
}

fn messages(w: &World) -> i64 {
    w.number("SELECT count(*) FROM messages WHERE kind = 'incoming'") - 1
}

fn last_body(w: &World) -> String {
    w.database.lines("SELECT body AS line FROM messages ORDER BY id DESC LIMIT 1").remove(0)
}

on_both! {
    fn a_mail_is_there_when_it_is_answered_for(w: World) {
        let server = Server::start(&w);
        let mut client = server.connect();
        client.begin(&[SUPPORT]);
        assert_eq!(client.data(&mail("1", "A tent pole is missing.\r\n..\r\n..dots\r\nGrüße"), 1), ["250 2.0.0"]);
        assert_eq!((messages(&w), last_body(&w).as_str()), (1, "A tent pole is missing.\n.\n.dots\nGrüße"));
        // The next one on the same connection; the very same once more; and the same with another line of transport.
        for (text, stored) in [
            (mail("2", "And a rope."), 2),
            (mail("2", "And a rope."), 2),
            (format!("Received: by mx; later\r\n{}", mail("2", "And a rope.")), 2),
        ] {
            client.envelope(&[SUPPORT]);
            assert_eq!(client.data(&text, 1), ["250 2.0.0"]);
            assert_eq!(messages(&w), stored);
        }
        assert_eq!(client.say("QUIT"), "221 2.0.0");
        assert_eq!(client.hear(), "gone");
    }

    fn everything_may_be_said_at_once(w: World) {
        let server = Server::start(&w);
        let mut client = server.connect();
        let text = mail("1", "A tent pole is missing.");
        client.send(&format!(
            "LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<{SUPPORT}>\r\nRCPT TO:<nobody@fernhill.localhost>\r\nDATA\r\n{text}.\r\nMAIL FROM:<a@x.org>\r\nRCPT TO:<{SUPPORT}>\r\nDATA\r\n{}.\r\nQUIT\r\n",
            mail("2", "And a rope.")
        ));
        let heard: Vec<String> = (0..10).map(|_| client.hear().split(' ').take(2).collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(
            heard,
            ["250 SIZE", "250 2.1.0", "250 2.1.5", "550 5.1.1", "354 2.0.0", "250 2.0.0", "250 2.1.0", "250 2.1.5", "354 2.0.0", "250 2.0.0"]
        );
        assert_eq!((client.hear().as_str(), messages(&w)), ("221 2.0.0 Bye", 2));
    }

    fn each_recipient_has_an_answer_of_their_own_and_each_channel_one_mail(w: World) {
        let can = w.can(w.ada);
        w.by(w.ada, |tx| baton::actions::channels::create(tx, &can, "Sales", "sales@fernhill.localhost", baton::domain::assignment::Target::Nobody)).expect("a channel");
        let server = Server::start(&w);
        let mut client = server.connect();
        client.begin(&[SUPPORT, "Support+anything@Fernhill.localhost", "sales@fernhill.localhost"]);
        assert_eq!(client.data(&mail("1", "To both of you."), 3), ["250 2.0.0", "250 2.0.0", "250 2.0.0"]);
        assert_eq!(messages(&w), 2);
        // Xena’s channel is another workspace’s, and a chat is no address.
        client.envelope(&[]);
        for nobody in ["nobody@fernhill.localhost", "support@elsewhere.example", "fernhill.localhost", "support"] {
            let said = client.say(&format!("RCPT TO:<{nobody}>"));
            assert!(said == "550 5.1.1" || said == "501 5.1.3", "{nobody}: {said}");
        }
        assert_eq!(client.say("DATA"), "503 5.5.1");
    }

    fn an_answer_that_is_sent_to_the_address_of_a_reply_comes_back_to_it(w: World) {
        let server = Server::start(&w);
        let mut client = server.connect();
        client.begin(&[SUPPORT]);
        client.data(&mail("1", "A tent pole is missing."), 1);
        let number: i64 = w.database.lines("SELECT CAST(max(number) AS TEXT) AS line FROM conversations").remove(0).parse().unwrap();
        let can: Can<_> = w.can(w.bob);
        w.by(w.bob, |tx| baton::actions::conversations::reply(tx, &can, None, ConversationNumber(number), "On its way.")).expect("a reply");
        let address = w.database.lines("SELECT reply_to AS line FROM outbox WHERE kind = 'reply'").remove(0);
        client.envelope(&[&address]);
        // A program that loses every header, and an undisclosed recipient.
        let bare = "From: harriet@customer.example\r\nTo: undisclosed-recipients:;\r\nSubject: thanks\r\n\r\nThank you.\r\n";
        assert_eq!(client.data(bare, 1), ["250 2.0.0"]);
        let one = w.read(|rx| store::conversations::find(rx, ConversationNumber(number), &Sees::All)).expect("a conversation");
        assert_eq!(w.read(|rx| store::messages::list(rx, one.id, 10)).len(), 3);
    }

    fn of_two_channels_with_one_address_the_answered_one_gets_it_and_else_nobody(w: World) {
        // From before each address had to be of one channel.
        w.database.execute("UPDATE channels SET mail_key = NULL, address = 'support@fernhill.localhost', address_key = 'support@fernhill.localhost' WHERE kind = 'email'");
        assert_eq!(w.anywhere(store::anywhere::list_shared_addresses), [SUPPORT]);
        let server = Server::start(&w);
        let mut client = server.connect();
        client.begin(&[]);
        assert_eq!(client.say(&format!("RCPT TO:<{SUPPORT}>")), "550 5.1.4");
        let number = w.open_of(w.bob, 1)[0].1;
        let can: Can<_> = w.can(w.bob);
        w.by(w.bob, |tx| baton::actions::conversations::reply(tx, &can, None, number, "On its way.")).expect("a reply");
        let address = w.database.lines("SELECT reply_to AS line FROM outbox WHERE kind = 'reply'").remove(0);
        assert_eq!(client.say(&format!("RCPT TO:<{address}>")), "250 2.1.5");
        assert_eq!(client.say(&format!("RCPT TO:<{}>", address.replace("+c", "+c1"))), "550 5.1.4", "a forged one");
        assert_eq!(client.data(&mail("1", "Thank you."), 1), ["250 2.0.0"]);
        assert_eq!(last_body(&w), "Thank you.");
    }

    fn what_is_too_large_is_refused_and_the_connection_lives_on(w: World) {
        let server = Server::start(&w);
        let mut client = server.connect();
        client.begin(&[SUPPORT]);
        let line = "x".repeat(998) + "\r\n";
        let large = mail("1", &line.repeat(MAX_MESSAGE_BYTES / line.len() + 1));
        assert_eq!(client.data(&large, 1), ["552 5.3.4"]);
        assert_eq!(messages(&w), 0);
        client.envelope(&[SUPPORT]);
        assert_eq!(client.data(&mail("2", "Small."), 1), ["250 2.0.0"]);
        client.send(&format!("MAIL FROM:<{}", "a".repeat(5000)));
        assert_eq!(client.hear(), "500 5.5.6 This line is too long");
        assert_eq!(client.hear(), "gone");
    }

    fn trouble_with_the_database_is_for_later_and_nothing_is_lost(w: World) {
        let server = Server::start(&w);
        let mut client = server.connect();
        client.begin(&[SUPPORT]);
        w.database.execute("ALTER TABLE received_mails RENAME TO away");
        assert_eq!(client.data(&mail("1", "A tent pole is missing."), 1), ["451 4.3.0"]);
        w.database.execute("ALTER TABLE away RENAME TO received_mails");
        assert_eq!(messages(&w), 0);
        client.envelope(&[SUPPORT]);
        assert_eq!(client.data(&mail("1", "A tent pole is missing."), 1), ["250 2.0.0"]);
        assert_eq!(messages(&w), 1);
    }

    fn a_mail_whose_end_never_came_was_never_sent(w: World) {
        let server = Server::start(&w);
        let mut client = server.connect();
        client.begin(&[SUPPORT]);
        assert_eq!(client.say("DATA"), "354 2.0.0");
        client.send("From: harriet@customer.example\r\n\r\nHalf a senten");
        drop(client);
        let mut next = server.connect();
        next.begin(&[SUPPORT]);
        assert_eq!(next.data(&mail("1", "Whole."), 1), ["250 2.0.0"]);
        assert_eq!((messages(&w), last_body(&w).as_str()), (1, "Whole."));
    }

    fn a_server_that_is_stopped_finishes_the_mail_that_it_hears(w: World) {
        let mut server = Server::start(&w);
        let (mut idle, mut busy) = (server.connect(), server.connect());
        busy.begin(&[SUPPORT]);
        assert_eq!(busy.say("DATA"), "354 2.0.0");
        let stop = server.stop.take().expect("running");
        stop.send(()).expect("running");
        assert!(idle.hear().starts_with("421 4.3.2"), "who says nothing is sent away");
        let text = mail("1", "Just in time.");
        busy.send(&format!("{text}.\r\n"));
        assert_eq!(busy.hear(), "250 2.0.0 Kept");
        assert!(busy.hear().starts_with("421 4.3.2"));
        server.end();
        assert_eq!(messages(&w), 1);
        assert!(TcpStream::connect(server.address).is_err(), "nobody listens any more");
    }

    fn many_at_once_are_all_kept_once(w: World) {
        let server = Server::start(&w);
        std::thread::scope(|scope| {
            for sender in 0..8 {
                let server = &server;
                scope.spawn(move || {
                    let mut client = server.connect();
                    client.begin(&[SUPPORT]);
                    for n in 0..10 {
                        if n > 0 {
                            client.envelope(&[SUPPORT]);
                        }
                        // Two senders each deliver the same ones.
                        let text = mail(&format!("{}-{n}", sender / 2), &format!("Mail {n} of {}.", sender / 2))
                            .replace("harriet@", &format!("h{}@", sender / 2));
                        assert_eq!(client.data(&text, 1), ["250 2.0.0"]);
                    }
                });
            }
        });
        assert_eq!(messages(&w), 40);
    }
}
