//! Mailboxes (K-3): what is wanted of them is taken in once, in whatever state the server is; and no mailbox keeps another waiting.

use std::sync::Arc;
use std::time::{Duration, Instant};

use baton::actions::channel_mail::{Edit, Password};
use baton::domain::assignment::Target;
use baton::domain::ids::ChannelId;
use baton::domain::mail_servers::{ChannelMail, Security, Server};
use baton::domain::vault::Vault;
use baton::failure::Failure;
use baton::files::Files;
use baton::mail::transport::Transport;
use baton::store::{self, Db};
use baton::tasks::{Context, Wake, imap, mail};
use chrono::TimeDelta;
use tokio::sync::watch;

use crate::support::imap::Imap;
use crate::support::{World, on_both};

/// What runs beside the server, on a thread of its own. Dropping it stops it.
pub struct Background {
    stop: watch::Sender<bool>,
    thread: Option<std::thread::JoinHandle<()>>,
    _files: tempfile::TempDir,
}

impl Background {
    /// Fetches with so many mailboxes open at once, and sends.
    pub fn start(db: &Db, mailboxes: usize) -> Self {
        let files = tempfile::tempdir().expect("a folder");
        let context = Context {
            db: db.clone(),
            transport: Transport::new(None, files.path()).expect("a folder"),
            mail_from: "Baton <baton@fernhill.example>".parse().expect("an address"),
            public_url: Arc::new(crate::support::world::base()),
            files: Arc::new(Files::new(files.path())),
            vault: Vault::new("key"),
            wake: Wake::default(),
        };
        let (stop, stopped) = watch::channel(false);
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let fetching = imap::start(&context, stopped.clone(), mailboxes);
                let sending = mail::start(&context, stopped);
                let _ = (fetching.await, sending.await);
            });
        });
        Self { stop, thread: Some(thread), _files: files }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Waits until something is so.
#[track_caller]
pub fn wait_for(what: &str, mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{what} did not happen");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

fn connect(w: &World, channel: ChannelId, port: u16, from_beginning: bool) {
    let version = w.read(|rx| store::channel_mail::find(rx, channel)).map_or(1, |settings| settings.version);
    let server = Server { host: "127.0.0.1".to_owned(), port, security: Security::None, user: "support".to_owned() };
    let mail = ChannelMail { imap: Some(server), ..store::channel_mail::Settings::fresh().mail };
    let edit = Edit { version, mail, smtp_password: Password::Keep, imap_password: Password::Keep, from_beginning };
    let can = w.can(w.ada);
    w.by(w.ada, |tx| baton::actions::channel_mail::update(tx, &can, channel, &edit)).expect("to save");
}

fn written(n: u32, from: &str) -> String {
    format!(
        "From: {from}@customer.example\r\nTo: support@fernhill.localhost\r\nSubject: Mail {n}\r\nMessage-ID: <{n}@customer.example>\r\n\r\nNumber {n}.\r\n"
    )
}

fn checked(w: &World) -> bool {
    w.number("SELECT count(*) FROM channel_mail WHERE imap_checked_at IS NOT NULL") == 1
}

fn stored(w: &World) -> i64 {
    w.number("SELECT count(*) FROM conversations WHERE subject LIKE 'Mail %'")
}

fn aside(w: &World, problem: &str) -> i64 {
    w.number(&format!("SELECT count(*) FROM received_mails WHERE problem = '{problem}'"))
}

on_both! {
    fn a_mailbox_that_is_numbered_anew_brings_what_is_new_and_nothing_old(w: World) {
        let (imap, begun) = (Imap::start(), w.now());
        for n in 1..=30 {
            imap.add(n, begun - TimeDelta::days(40) + TimeDelta::hours(i64::from(n)), &written(n, "harriet"));
        }
        connect(&w, w.email, imap.port, false);
        let background = Background::start(&w.db, 4);
        wait_for("it is read", || checked(&w));
        imap.add(31, begun + TimeDelta::minutes(1), &written(31, "harriet"));
        wait_for("what is new is there", || stored(&w) == 1);
        drop(background);
        // The provider moved: the same mails under other numbers, and one that came meanwhile.
        {
            let mut state = imap.state();
            state.validity = 8;
            for mail in &mut state.mails {
                mail.uid += 100;
            }
            state.fetched.clear();
        }
        imap.add(140, begun + TimeDelta::minutes(2), &written(140, "harriet"));
        w.anywhere(|ax| Ok::<_, Failure>(ax.now()));
        let _background = Background::start(&w.db, 4);
        wait_for("what came meanwhile is there", || stored(&w) == 2);
        wait_for("it is read to its end", || w.number("SELECT max(imap_seen) FROM channel_mail") == 140);
        assert_eq!(stored(&w), 2, "what was known is recognised, what is old stays where it is");
        assert_eq!(imap.state().fetched, [131, 140], "what is old is not even fetched");
    }

    fn a_mail_that_the_server_does_not_hand_out_stops_nothing_for_ever(w: World) {
        let (imap, begun) = (Imap::start(), w.now());
        for n in 1..=3 {
            imap.add(n, begun, &written(n, "harriet"));
        }
        imap.state().refused = Some(2);
        connect(&w, w.email, imap.port, true);
        let _background = Background::start(&w.db, 4);
        for tries in 1..=5 {
            let statement = format!("SELECT count(*) FROM channel_mail WHERE imap_stuck = 2 AND imap_stuck_tries = {tries} AND imap_locked_until IS NULL");
            wait_for("a try", || w.number(&statement) == 1);
            assert_eq!(stored(&w), 1);
            w.later(TimeDelta::minutes(31));
        }
        wait_for("the third is there", || stored(&w) == 2);
        assert_eq!(aside(&w, imap::UNFETCHABLE), 1);
        wait_for("all is well", || checked(&w));
        assert_eq!(w.read(|rx| store::channel_mail::find(rx, w.email)).and_then(|one| one.imap_problem), None);
    }

    fn a_flood_is_one_by_imap_too_and_an_old_heap_is_none(w: World) {
        let (imap, begun) = (Imap::start(), w.now());
        // A weekend of one busy customer, and a machine that ran wild on Monday.
        for n in 1..=80 {
            imap.add(n, begun - TimeDelta::hours(100) + TimeDelta::hours(i64::from(n)), &written(n, "harriet"));
        }
        connect(&w, w.email, imap.port, false);
        w.anywhere(|ax| {
            let claimed = store::channel_mail::claim(ax)?.expect("due");
            store::channel_mail::take_place(ax, claimed.hold, 7, Some(1))?;
            store::channel_mail::release(ax, claimed.hold, TimeDelta::zero(), None)
        });
        for n in 81..=160 {
            imap.add(n, begun, &written(n, "wild"));
        }
        let _background = Background::start(&w.db, 4);
        wait_for("all are read", || w.number("SELECT max(imap_seen) FROM channel_mail") == 160);
        assert_eq!(stored(&w), 80 + 60);
        assert_eq!(aside(&w, "flood"), 20);
    }

    fn many_mailboxes_are_all_read_by_few_places(w: World) {
        let imap = Imap::start();
        imap.add(1, w.now(), &written(1, "harriet"));
        let can = w.can(w.ada);
        for n in 0..5 {
            let (name, address) = (format!("Box {n}"), format!("box{n}@fernhill.example"));
            let id = w.by(w.ada, |tx| baton::actions::channels::create(tx, &can, &name, &address, Target::Nobody)).expect("a channel");
            connect(&w, id, imap.port, true);
        }
        let _background = Background::start(&w.db, 2);
        wait_for("each is read", || {
            w.later(TimeDelta::milliseconds(50));
            w.number("SELECT count(*) FROM channel_mail WHERE imap_checked_at IS NOT NULL") == 5
        });
        assert!(imap.state().most <= 2, "{}", imap.state().most);
    }

    fn changed_settings_stop_what_is_under_way(w: World) {
        let (old, new) = (Imap::start(), Imap::start());
        for n in 1..=50 {
            old.add(n, w.now(), &written(n, &format!("c{n}")));
        }
        old.state().slow = Duration::from_millis(100);
        new.add(1, w.now(), &written(1000, "harriet"));
        connect(&w, w.email, old.port, true);
        let _background = Background::start(&w.db, 4);
        wait_for("some are there", || stored(&w) >= 3);
        let host = w.read(|rx| store::channel_mail::find(rx, w.email)).expect("settings");
        let other = Server { host: "localhost".to_owned(), port: new.port, security: Security::None, user: "support".to_owned() };
        let edit = Edit {
            version: host.version,
            mail: ChannelMail { imap: Some(other), ..host.mail },
            smtp_password: Password::Keep,
            imap_password: Password::Keep,
            from_beginning: true,
        };
        let can = w.can(w.ada);
        w.by(w.ada, |tx| baton::actions::channel_mail::update(tx, &can, w.email, &edit)).expect("to save");
        let fetched = old.state().fetched.len();
        wait_for("the new one is read", || w.number("SELECT count(*) FROM conversations WHERE subject = 'Mail 1000'") == 1);
        assert!(old.state().fetched.len() <= fetched + 2, "{} of {fetched}", old.state().fetched.len());
    }

    fn whoever_lost_a_claim_changes_nothing(w: World) {
        connect(&w, w.email, 9, true);
        let claim = || w.anywhere(store::channel_mail::claim).expect("due").hold;
        let first = claim();
        w.later(store::channel_mail::CLAIM + TimeDelta::seconds(1));
        let second = claim();
        let of = |hold| w.db.anywhere_now(|ax| store::channel_mail::take_place(ax, hold, 7, Some(5))).map(|place| place.seen);
        assert!(matches!(of(first), Err(Failure::Stale)));
        assert_eq!(of(second).expect("held"), 0);
        let seen = |hold| w.db.anywhere_now(|ax| store::channel_mail::set_seen(ax, hold, 7, 3));
        assert!(matches!(seen(first), Err(Failure::Stale)) && seen(second).is_ok());
        w.anywhere(|ax| store::channel_mail::release(ax, first, TimeDelta::zero(), Some((9, "gone"))));
        assert!(w.anywhere(store::channel_mail::claim).is_none(), "the second still holds it");
        assert_eq!(w.read(|rx| store::channel_mail::find(rx, w.email)).and_then(|one| one.imap_problem), None);
    }
}
