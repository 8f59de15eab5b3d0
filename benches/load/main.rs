//! How fast the real program is on a million conversations, on both databases: pages under load, bulk changes while others
//! read, memory, start. Prints a table for each database beside what was aimed at. `bin/bench` starts it.
//!
//! The load comes from this process, on the same machine, so the program has what is left of it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement that cannot go on shall stop with a message"
)]

mod browser;
mod database;
mod live;
mod program;
mod table;

use std::time::{Duration, Instant};

use browser::{Browser, Load};
use database::Database;
use program::Program;
use table::Table;

/// Connections that ask for pages at once.
const CONNECTIONS: usize = 8;
/// Connections that read while a bulk job runs.
const READERS: usize = 2;
/// Messages of a long conversation.
const LONG: usize = 500;
/// Mails that are taken in.
const MAILS: usize = 1_000;
/// The page whose cost is compared with the first one's.
const FAR_PAGE: usize = 1_000;

/// What the command line says.
struct Wanted {
    conversations: usize,
    seconds: u64,
    databases: Vec<String>,
}

fn wanted() -> Wanted {
    let mut wanted = Wanted { conversations: 1_000_000, seconds: 8, databases: Vec::new() };
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    while let Some(arg) = args.next() {
        let mut number = || args.next().and_then(|text| text.parse().ok()).expect("a number after the option");
        match arg.as_str() {
            "--conversations" => wanted.conversations = number(),
            "--seconds" => wanted.seconds = u64::try_from(number()).expect("seconds"),
            "sqlite" | "postgres" => wanted.databases.push(arg),
            other => panic!("{other} is no option: --conversations N, --seconds N, sqlite, postgres"),
        }
    }
    if wanted.databases.is_empty() {
        wanted.databases = vec!["sqlite".to_owned(), "postgres".to_owned()];
    }
    wanted
}

fn main() {
    let wanted = wanted();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for kind in &wanted.databases {
        eprintln!("{kind}: writing {} conversations", wanted.conversations);
        let begun = Instant::now();
        let database = Database::filled(kind, wanted.conversations);
        eprintln!("{kind}: written in {:.0} s", begun.elapsed().as_secs_f64());
        let table = runtime.block_on(measure(&database, &wanted));
        println!("\n{}: {} conversations\n\n{table}", database.name(), wanted.conversations);
    }
}

async fn measure(database: &Database, wanted: &Wanted) -> Table {
    let long = Duration::from_secs(wanted.seconds);
    let postgres = database.is_postgres();
    let pages_aim = if postgres { "> 1,700/s" } else { "> 3,500/s" };
    let mut table = Table::default();

    // Twice, because the first start of a file reads it from the disk.
    drop(Program::start(database).await);
    let (program, ready) = Program::start(database).await;
    table.figure("ready after start", format!("{:.2} s", ready.as_secs_f64()), "< 0.5 s");
    let browser = Browser::logged_in(program.url()).await;
    let (few, many) = (database.few(), database.many());

    let assigned = format!("/inbox?assignee={}&status=open", many.user);
    let far = browser.walk(&assigned, FAR_PAGE.min(many.conversations / 60)).await;
    let number = database.some_number();
    let pages = [
        ("inbox, filtered by assignee, first page", assigned.clone()),
        ("the same, 1,000th page", far),
        ("inbox, unassigned", "/inbox?view=unassigned".to_owned()),
        ("inbox, as a fragment of the list", "/inbox?view=open#inbox-list".to_owned()),
        ("one conversation", format!("/conversations/{number}")),
        ("users", "/settings/users".to_owned()),
    ];
    let mut first = None;
    for (name, path) in pages {
        browser.load(&path, CONNECTIONS, Duration::from_secs(1)).await;
        let load = browser.load(&path, CONNECTIONS, long).await;
        table.load(name, &load, pages_aim);
        match first {
            None => first = Some(load.median()),
            Some(first) if name.contains("1,000th") => {
                let ratio = load.median().as_secs_f64() / first.as_secs_f64();
                table.figure("1,000th page against the first, p50", format!("{ratio:.2}"), "< 1.2");
            }
            Some(_) => {}
        }
    }
    let path = format!("/conversations/{}", database.long_number(LONG));
    browser.load(&path, 1, Duration::from_secs(1)).await;
    table.load(&format!("one conversation of {LONG} messages"), &browser.load(&path, 1, long).await, "");
    // Common, seldom, the beginning of a word, several words, none.
    let searches = [
        ("search: a word of every other conversation", "the"),
        ("search: a seldom word", "zipper"),
        ("search: the beginning of a word", "ret"),
        ("search: two words", "order tent"),
        ("search: a word that does not occur", "xylophone"),
    ];
    for (name, words) in searches {
        let path = format!("/inbox?q={}", words.replace(' ', "+"));
        browser.load(&path, 1, Duration::from_secs(1)).await;
        table.load(name, &browser.load(&path, 1, long).await, "p50 < 50 ms");
    }
    table.figure("memory after the pages (resident)", program.memory(), "< 100 MB");

    live::measure(&mut table, &program, database, &browser).await;

    let took = program.import(database, MAILS);
    table.figure(&format!("{} mails taken in", grouped(MAILS)), format!("{:.2} s", took.as_secs_f64()), "");
    for (held, aim) in [(few, "< 0.1 s"), (many, "< 5 s")] {
        let (took, beside) = bulk(&browser, database, &held).await;
        let name = format!("{} reassigned, with an event each", grouped(held.conversations));
        table.figure(&name, format!("{:.2} s", took.as_secs_f64()), aim);
        table.figure("requests beside it, p99", format!("{:.0} ms", beside.at(0.99).as_secs_f64() * 1e3), "< 300 ms");
    }
    table.figure("memory at its highest", program.peak(), "");
    table
}

/// Gives everything that somebody holds to a team, while others read; how long it took, and how the others fared.
async fn bulk(browser: &Browser, database: &Database, held: &database::Held) -> (Duration, Load) {
    let filter = format!("assignee={}&status=open", held.user);
    let ask = format!(
        "/inbox/bulk/confirm?{filter}&action=assign&target=team:{}&scope=matching&expected={}",
        database.team(),
        held.conversations
    );
    let form = browser.form(&ask).await;
    let readers = browser.load_until("/inbox?view=unassigned", READERS);
    let begun = Instant::now();
    browser.post("/inbox/bulk", &form).await;
    let took = loop {
        if let Some(done) = database.newest_job_finished() {
            assert_eq!(done, i64::try_from(held.conversations).unwrap(), "the job changed another number");
            break begun.elapsed();
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
        assert!(begun.elapsed() < Duration::from_secs(120), "the job does not end");
    };
    (took, readers.stop().await)
}

fn grouped(number: usize) -> String {
    baton::domain::text::grouped(i64::try_from(number).unwrap_or(i64::MAX))
}
