//! Two people in front of two browsers: what one of them does is there for the other within a second, and nothing that is
//! being typed is lost by it (C-14, S-3).

use std::io::Write as _;
use std::time::{Duration, Instant};

use baton::actions::incoming::Way;
use serde_json::json;

use crate::support::app::App;
use crate::support::browser::Browser;
use crate::support::db::Kind;
use crate::support::sample::{self, BOB, DANA, PASSWORD};

/// Where mails come in.
const CHANNEL: &str = "support@fernhill.example";

/// A second is meant; the machine that runs the tests may be busy with others.
const SOON: Duration = Duration::from_millis(2500);

/// What changed there was seen here soon.
#[track_caller]
fn within<T>(what: &str, seen: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let seen = seen();
    let took = begun.elapsed();
    println!("{what}: {} ms", took.as_millis());
    assert!(took < SOON, "{what} took {took:?}");
    seen
}

fn mark(browser: &Browser) {
    browser.run("window.sameDocument = true", vec![]);
}

#[track_caller]
fn assert_not_reloaded(browser: &Browser) {
    assert_eq!(browser.run("return window.sameDocument ?? false", vec![]), json!(true), "the page was read again");
}

fn mail(from: &str, subject: &str) -> String {
    format!(
        "From: {from}\r\nTo: support@fernhill.example\r\nSubject: {subject}\r\nMessage-ID: <{subject}@customer.example>\r\n\r\nHello\r\n"
    )
}

/// Dana and Bob have the same conversation open; `arrives` lets a mail come in.
fn side_by_side(dana: &Browser, bob: &Browser, arrives: impl Fn(&str)) {
    bob.goto("/inbox?view=unassigned");
    let number = bob.attr("[data-item]", "data-number").expect("a conversation");
    let address = format!("/conversations/{number}?view=open");
    for one in [dana, bob] {
        one.goto(&address);
        one.wait_for("#thread .composer");
        mark(one);
    }
    // The number beside the view.
    let count = |browser: &Browser| -> i64 {
        let texts = browser.texts("#views a");
        let digits = texts.iter().find_map(|text| text.strip_prefix("Unassigned")).unwrap_or_default();
        digits.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or(-1)
    };
    dana.wait_for_text_in("#presence", "Bob Keller is here too");

    // Both write.
    dana.click("#body");
    dana.type_text("Half an answer");
    within("that somebody writes", || bob.wait_for_text_in("#presence", "Dana Weiss is replying"));
    bob.fill("#body", "A whole answer");
    bob.click("#send");
    within("a reply", || dana.wait_for_text_in(".thread", "A whole answer"));
    bob.wait_for("#toasts .toast");
    assert_eq!(dana.value("#body"), "Half an answer");
    dana.wait_for_focus("#body");

    // It is given to somebody, and leaves the unassigned.
    let before = count(dana);
    bob.click("#assignee");
    bob.click_named("#assign .menu-item", "you");
    within("an assignment", || dana.wait_for_text_in("#assignee", "Bob Keller"));
    within("the number", || dana.wait_until("one less", |dana| count(dana) == before - 1));
    assert_eq!(dana.value("#body"), "Half an answer");

    // A new one comes in. Rows that are selected stay.
    dana.tick("[data-item]:nth-child(1) input[data-row]", true);
    let first = dana.attr("[data-item]:nth-child(1)", "data-number");
    arrives("Where-is-my-tent");
    within("a new conversation", || bob.wait_for_text_in("#results", "Where-is-my-tent"));
    dana.wait_for("#list-changed");
    assert_eq!(dana.attr("[data-item]:nth-child(1)", "data-number"), first);
    dana.click("#list-changed");
    dana.wait_for_text_in("#results", "Where-is-my-tent");
    dana.wait_for_text_in(".bulkbar", "1 selected");
    let kept = dana.attr(&format!("[data-item][data-number='{}'] input:checked", first.unwrap_or_default()), "value");
    assert!(kept.is_some());
    assert_eq!(dana.value("#body"), "Half an answer");
    assert_not_reloaded(dana);
    assert_not_reloaded(bob);
}

/// Whoever is deactivated is at the log-in page at once, wherever they were.
fn shown_out(dana: &Browser, bob: &Browser) {
    bob.goto("/inbox");
    bob.wait_for("[data-item]");
    // The stream is open.
    std::thread::park_timeout(Duration::from_millis(500));
    dana.goto("/settings/users?q=bob.keller");
    dana.click_named("button", "Actions for Bob Keller");
    dana.click_named("[role=menuitem]", "Deactivate…");
    dana.wait_for("dialog[open]");
    dana.click("dialog[open] button[type=submit]");
    within("being shown out", || bob.wait_for_path("/login"));
}

#[test]
fn two_browsers_on_one_instance() {
    let app = App::demo().conversations(60).start();
    let (dana, bob) = (app.logged_in("Owner"), app.logged_in("Supervisor"));
    side_by_side(&dana, &bob, |subject| {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(mail("Nora <nora@customer.example>", subject).as_bytes()).expect("a mail");
        app.ingest(CHANNEL, file.path());
    });
    shown_out(&dana, &bob);
}

#[test]
fn two_browsers_on_two_instances() {
    let database = sample::database(Kind::Postgres);
    let (a, b) = (App::on(database.url()).start(), App::on(database.url()).start());
    let (dana, bob) = (a.browser("Dana"), b.browser("Bob"));
    dana.log_in(DANA, PASSWORD);
    bob.log_in(BOB, PASSWORD);
    let db = sample::open(&database);
    let workspace = sample::workspace(&db);
    let channels = db.read_now(workspace, baton::store::channels::list).expect("channels");
    let channel = channels.iter().find(|one| one.address == CHANNEL).expect("the channel").id;
    let folder = tempfile::tempdir().expect("a folder");
    side_by_side(&dana, &bob, |subject| {
        let files = baton::files::Files::new(folder.path());
        let mail = mail("Nora <nora@customer.example>", subject);
        baton::tasks::ingest::ingest(&db, &files, (workspace, channel), mail.as_bytes(), Way::Delivered)
            .expect("a mail");
    });
    shown_out(&dana, &bob);
}
