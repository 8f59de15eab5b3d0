//! Open pages hear of changes: after the commit and never of what was rolled back, on every instance, and only of what
//! they may see (C-14, S-3).

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use baton::actions::bulk::{self, Picked, Request};
use baton::actions::incoming::{Received, Way};
use baton::actions::{conversations, sessions, users};
use baton::domain::access::{Can, Sees};
use baton::domain::assignment::Target;
use baton::domain::bulk_change::Change;
use baton::domain::ids::{ConversationId, ConversationNumber, UserId};
use baton::domain::live::Doing;
use baton::failure::Failure;
use baton::store::live::{Flags, STREAMS_OF_ONE, Subscription};
use baton::store::{self, Db};
use baton::tasks::ingest::ingest;
use chrono::TimeDelta;

use crate::support::db::Kind;
use crate::support::web::{Browser, Site};
use crate::support::{World, on_both};

/// What is told is told within so long; "nothing" is waited for a good deal shorter.
const SOON: Duration = Duration::from_secs(5);
const NOTHING: Duration = Duration::from_millis(900);

/// Listens on a thread of its own until the test ends.
fn listen(db: &Db) {
    let db = db.clone();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async { db.listen().await })
    });
}

/// What a subscription is told within a time; stops as soon as it has all that is wanted.
fn told(subscription: &Subscription, wanted: Flags, within: Duration) -> Flags {
    let (begun, mut flags) = (Instant::now(), Flags::NONE);
    while begun.elapsed() < within && (wanted.is_empty() || !flags.has(wanted)) {
        flags = flags.with(subscription.take());
        std::thread::park_timeout(Duration::from_millis(10));
    }
    flags
}

/// A stream of a page.
struct Events(Receiver<String>);

impl Events {
    fn of(browser: &Browser, path: &str) -> Self {
        let events = Self(browser.follow(path));
        let first = events.0.recv_timeout(SOON).expect("a stream");
        assert_eq!(first, "retry: 3000\n\n");
        events
    }

    /// Waits for an event; whatever else comes first is let pass.
    #[track_caller]
    fn wait_for(&self, name: &str) -> Duration {
        let begun = Instant::now();
        loop {
            let part = self.0.recv_timeout(SOON).unwrap_or_else(|_| panic!("no {name} came"));
            if part.contains(&format!("event: {name}\n")) {
                return begun.elapsed();
            }
        }
    }

    /// All that comes within a short time.
    fn all(&self) -> String {
        let begun = Instant::now();
        let mut all = String::new();
        while let Some(left) = NOTHING.checked_sub(begun.elapsed()) {
            match self.0.recv_timeout(left) {
                Ok(part) => all.push_str(&part),
                Err(_) => break,
            }
        }
        all
    }

    #[track_caller]
    fn has_ended(&self) {
        let last = self.0.recv_timeout(SOON);
        assert_eq!(last, Err(RecvTimeoutError::Disconnected));
    }
}

/// A second instance; over SQLite a command that writes the same file.
fn elsewhere(w: &World) -> Db {
    let db = w.instance_b();
    if w.kind() == Kind::Sqlite {
        db.live().tell_the_server();
    }
    db
}

fn assign(w: &World, db: &Db, number: ConversationNumber, to: UserId) {
    let can = w.can(w.olga);
    let done = db.write_now(&w.scope(w.olga), |tx| conversations::assign(tx, &can, number, Target::User(to)));
    done.expect("an assignment");
}

on_both! {
    fn what_is_committed_is_told_and_what_is_rolled_back_is_not(w: World) {
        let (id, number) = w.conversation(&w.draft());
        let (other, _) = w.conversation(&w.draft());
        let open = w.db.live().subscribe(w.workspace, w.bob, Some(id)).expect("a stream");
        let aside = w.db.live().subscribe(w.workspace, w.bob, Some(other)).expect("a stream");
        let foreign = w.db.live().subscribe(w.other.workspace, w.other.xena, None).expect("a stream");
        listen(&w.db);
        if w.kind() == Kind::Postgres {
            // When it begins to listen, anything may have been missed.
            for one in [&open, &aside, &foreign] {
                assert!(told(one, Flags::ALL, SOON).has(Flags::ALL));
            }
        }
        let can = w.can(w.olga);
        let rolled_back = w.by(w.olga, |tx| {
            let _ = conversations::assign(tx, &can, number, Target::User(w.bob))?;
            Err::<baton::store::Recorded<()>, _>(Failure::Stale)
        });
        assert!(rolled_back.is_err());
        assert_eq!(told(&open, Flags::NONE, NOTHING), Flags::NONE);

        assign(&w, &w.db, number, w.bob);
        let expected = Flags::INBOX.with(Flags::CONVERSATION);
        assert_eq!(told(&open, expected, SOON), expected);
        assert_eq!(told(&aside, Flags::INBOX, SOON), Flags::INBOX);
        assert_eq!(told(&foreign, Flags::NONE, NOTHING), Flags::NONE, "another workspace");

        // On another instance, or by a command.
        let b = elsewhere(&w);
        assign(&w, &b, number, w.agnes);
        assert_eq!(told(&open, expected, SOON), expected);
        let before = open.take();
        assert!(before.is_empty());
        w.deactivate(w.bob);
        assert!(told(&open, Flags::STANDING, SOON).has(Flags::STANDING));
        assert_eq!(w.number("SELECT count(*) FROM live_changes"), 0, "what was left was taken");
    }

    fn mail_and_jobs_are_told_too(w: World) {
        let held = w.open_of(w.agnes, 3);
        let open = w.db.live().subscribe(w.workspace, w.sven, Some(held[0].0)).expect("a stream");
        listen(&w.db);
        if w.kind() == Kind::Postgres {
            let _ = told(&open, Flags::ALL, SOON);
        }
        let can = w.can(w.ada);
        let request = Request {
            picked: Picked::Numbers(held.iter().map(|one| one.1.0).collect()),
            change: Change::Assign(Target::User(w.bob)),
            submission: "a form".to_owned(),
        };
        let started = w.by(w.ada, |tx| bulk::start(tx, &can, &request)).expect("a job");
        assert!(told(&open, Flags::JOB, SOON).has(Flags::JOB));
        w.system_does(|tx| bulk::run_chunk(tx, started.job));
        let expected = Flags::JOB.with(Flags::INBOX).with(Flags::CONVERSATION);
        assert!(told(&open, expected, SOON).has(expected));

        // A mail that continues a conversation leaves no event, and is told all the same.
        let folder = tempfile::tempdir().expect("a folder");
        let files = baton::files::Files::new(folder.path());
        let mail = |id: &str, of: &str| format!(
            "From: harriet@customer.example\r\nTo: support@fernhill.example\r\nSubject: Tent\r\n\
             Message-ID: <{id}@customer.example>\r\nReferences: <{of}@customer.example>\r\n\r\nHello\r\n"
        );
        let take = |mail: String| ingest(&w.db, &files, (w.workspace, w.email), mail.as_bytes(), Way::Delivered).expect("a mail");
        let Received::Stored(number) = take(mail("one", "none")) else { panic!("not stored") };
        let id = w.read(|rx| find(rx, number));
        let reading = w.db.live().subscribe(w.workspace, w.sven, Some(id)).expect("a stream");
        let before = w.events();
        take(mail("two", "one"));
        assert_eq!(w.events(), before);
        let expected = Flags::INBOX.with(Flags::CONVERSATION);
        assert!(told(&reading, expected, SOON).has(expected));
    }

    async fn a_page_hears_of_what_it_shows(w: World) {
        let (_, number) = w.conversation(&w.draft().assignee(w.bob).team(w.support));
        let site = Site::on(w.db.clone()).await;
        site.listen();
        let bob = site.logged_in(&w, w.bob).await;
        let page = bob.get("/events").await;
        assert_eq!(page.header("content-type"), Some("text/event-stream; charset=utf-8"));
        assert_eq!(page.header("x-accel-buffering"), Some("no"));
        assert!(page.header("cache-control").is_some_and(|value| value.contains("no-transform")));
        let events = Events::of(&bob, &format!("/events?conversation={number}"));
        let _ = events.all();
        let can = w.can(w.agnes);
        let body = "Looked into it";
        w.by(w.agnes, |tx| conversations::reply(tx, &can, None, number, body)).expect("a reply");
        assert!(events.wait_for("conversation") < Duration::from_secs(1));
        // Many changes are told together.
        for _ in 0..20 {
            w.by(w.agnes, |tx| conversations::add_note(tx, &w.can(w.agnes), number, body)).expect("a note");
        }
        let all = events.all();
        assert!((1..=3).contains(&all.matches("event: inbox").count()), "{all}");
        for personal in ["Agnes", "Looked", "fernhill", &w.agnes.to_string(), &w.workspace.to_string()] {
            assert!(!all.contains(personal), "{all}");
        }
    }

    async fn whose_session_ends_is_told_so_and_hears_no_more(w: World) {
        let site = Site::on(w.db.clone()).await;
        site.listen();
        let b = elsewhere(&w);
        let (bob, agnes) = (site.logged_in(&w, w.bob).await, site.logged_in(&w, w.agnes).await);
        let (of_bob, of_agnes) = (Events::of(&bob, "/events"), Events::of(&agnes, "/events"));
        let _ = of_bob.all();
        let by = w.scope(w.olga);
        let can = Can::check(&by).expect("Olga may");
        b.write_now(&by, |tx| users::deactivate(tx, &can, w.bob, None, None)).expect("a deactivation");
        assert!(of_bob.wait_for("gone") < Duration::from_secs(1));
        of_bob.has_ended();
        assert_eq!(bob.get("/events").await.status.as_u16(), 303);
        of_agnes.wait_for("inbox");

        // One of two sessions, ended by the person; the other goes on.
        let desk = site.logged_in(&w, w.agnes).await;
        let of_desk = Events::of(&desk, "/events");
        let _ = of_desk.all();
        let hash = baton::domain::passwords::hash("another good long password").expect("a hash");
        let kept = w.read(|rx| store::sessions::list_of_user(rx, w.agnes));
        let kept = kept.iter().max_by_key(|session| session.id).expect("a session").id;
        w.by(w.agnes, |tx| sessions::set_password(tx, w.agnes, Some(kept), &hash)).expect("a password");
        of_agnes.wait_for("gone");
        of_agnes.has_ended();
        assert!(!of_desk.all().contains("gone"));
        assert_eq!(w.db.live().count(), 1);
    }

    async fn nobody_hears_of_a_conversation_that_is_not_theirs(w: World) {
        let (_, svens) = w.conversation(&w.draft().assignee(w.sven));
        let (_, own) = w.conversation(&w.draft().assignee(w.bob));
        let site = Site::on(w.db.clone()).await;
        site.listen();
        let gus = site.logged_in(&w, w.gus).await;
        let peeping = Events::of(&gus, &format!("/events?conversation={svens}"));
        let _ = peeping.all();
        w.by(w.sven, |tx| conversations::add_note(tx, &w.can(w.sven), svens, "Between us")).expect("a note");
        let all = peeping.all();
        assert!(!all.contains("conversation") && !all.contains("presence"), "{all}");
        assert_eq!(gus.get(&format!("/conversations/{svens}/presence")).await.status.as_u16(), 404);
        assert_eq!(gus.post(&format!("/conversations/{svens}/presence"), &[("doing", "writing")]).await.status.as_u16(), 404);

        // What was theirs is told of once more, so that the page can say so; then never again.
        let sees_own = w.newcomer("Greta Grün", baton::domain::roles::Standard::Guest, baton::domain::users::Status::Active);
        assign(&w, &w.db, own, sees_own);
        let greta = site.logged_in(&w, sees_own).await;
        let events = Events::of(&greta, &format!("/events?conversation={own}"));
        let _ = events.all();
        assign(&w, &w.db, own, w.sven);
        events.wait_for("conversation");
        w.by(w.sven, |tx| conversations::add_note(tx, &w.can(w.sven), own, "Between us")).expect("a note");
        assert!(!events.all().contains("conversation"));
        let here = w.db.live().list_present(w.workspace, w.read(|rx| find(rx, own)), w.sven, w.now());
        assert_eq!(here, []);
    }

    async fn two_who_write_see_each_other(w: World) {
        let (id, number) = w.conversation(&w.draft().assignee(w.bob).team(w.support));
        let site = Site::on(w.db.clone()).await;
        site.listen();
        let (bob, agnes) = (site.logged_in(&w, w.bob).await, site.logged_in(&w, w.agnes).await);
        let path = format!("/conversations/{number}/presence");
        let of_agnes = Events::of(&agnes, &format!("/events?conversation={number}"));
        let _ = of_agnes.all();
        assert_eq!(agnes.get(&path).await.body.trim(), "");
        assert_eq!(bob.post(&path, &[("doing", "writing")]).await.status.as_u16(), 204);
        of_agnes.wait_for("presence");
        assert_eq!(agnes.get(&path).await.text(".is-writing"), "Bob Keller is replying");
        assert_eq!(bob.get(&path).await.text("span"), "Agnes Arndt is here too");
        assert_eq!(bob.post(&path, &[("doing", "dancing")]).await.status.as_u16(), 422);

        // Sending ends it, and so does silence.
        w.by(w.bob, |tx| conversations::reply(tx, &w.can(w.bob), None, number, "Done")).expect("a reply");
        of_agnes.wait_for("presence");
        assert_eq!(agnes.get(&path).await.text("span"), "Bob Keller is here too");
        bob.post(&path, &[("doing", "writing")]).await;
        of_agnes.wait_for("presence");
        w.later(TimeDelta::seconds(11));
        assert_eq!(agnes.get(&path).await.text(".is-writing"), "");

        // Who may not write is only here.
        let rita = site.logged_in(&w, w.rita).await;
        rita.post(&path, &[("doing", "writing")]).await;
        of_agnes.wait_for("presence");
        let here = w.db.live().list_present(w.workspace, id, w.agnes, w.now());
        assert!(here.contains(&(w.rita, false)), "{here:?}");

        // On two instances.
        if w.kind() == Kind::Postgres {
            let db = w.instance_b();
            let there = Site::on(db.clone()).await;
            there.listen();
            let far = agnes.at(&there);
            let events = Events::of(&far, &format!("/events?conversation={number}"));
            let _ = events.all();
            bob.post(&path, &[("doing", "writing")]).await;
            events.wait_for("presence");
            assert_eq!(far.get(&path).await.text(".is-writing"), "Bob Keller is replying");
            drop(events);
            db.tell_presence(w.workspace, id, w.sven, Doing::Writing);
            of_agnes.wait_for("presence");
        }
    }

    async fn streams_are_bounded_and_end_with_the_server(w: World) {
        let site = Site::on(w.db.clone()).await;
        let bob = site.logged_in(&w, w.bob).await;
        let all: Vec<Events> = (0..=STREAMS_OF_ONE).map(|_| Events::of(&bob, "/events")).collect();
        all[0].wait_for("retired");
        all[0].has_ended();
        assert!(!all[1].all().contains("retired"));
        assert_eq!(w.db.live().count(), STREAMS_OF_ONE);
        w.db.live().close();
        for events in &all[1..] {
            events.has_ended();
        }
        assert_eq!(bob.get("/events").await.status.as_u16(), 429);
    }
}

fn find(rx: &mut store::Rx, number: ConversationNumber) -> Result<ConversationId, Failure> {
    Ok(store::conversations::find(rx, number, &Sees::All)?.expect("a conversation").id)
}
