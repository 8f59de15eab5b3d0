//! The program is killed in the middle of a bulk job, again and again: the job ends with exact numbers, nothing is done
//! twice, and an undo puts back what nobody touched.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::support::app::App;
use crate::support::db::{Fresh, Kind};
use crate::support::sample::{self, ALICE, BOB, PASSWORD, number};
use crate::support::visitor::Visitor;

use super::commands::on_both;
use super::instances::{id_of, wait_until};

on_both! {
    a_bulk_job_survives_five_crashes_and_so_does_its_undo
}

/// How many steps of a job are done, in conversations.
const PROGRESS: &str = "SELECT coalesce(sum(done + skipped), 0) FROM bulk_jobs";
const RUNNING: &str = "SELECT count(*) FROM bulk_jobs WHERE finished_at IS NULL";
const PATIENCE: Duration = Duration::from_secs(30);

/// A job's numbers, its items and its events say the same, and each change was told once.
#[track_caller]
pub fn is_exact(database: &Fresh, job: &str) {
    let of = |what: &str| number(database, what);
    let total = of(&format!("SELECT total FROM bulk_jobs WHERE id = ({job})"));
    let done = of(&format!("SELECT done FROM bulk_jobs WHERE id = ({job})"));
    let skipped = of(&format!("SELECT skipped FROM bulk_jobs WHERE id = ({job})"));
    assert_eq!(done + skipped, total);
    let items = format!("FROM bulk_items WHERE job_id = ({job})");
    assert_eq!(of(&format!("SELECT count(*) {items}")), total);
    assert_eq!(of(&format!("SELECT count(DISTINCT conversation_id) {items}")), total);
    assert_eq!(of(&format!("SELECT count(*) {items} AND outcome = 'done'")), done);
    assert_eq!(of(&format!("SELECT count(*) {items} AND outcome = 'pending'")), 0);
    let told = format!("FROM audit_events WHERE job_id = ({job}) AND name = 'conversation.assigned'");
    assert_eq!(of(&format!("SELECT count(*) {told} AND cause = 'job'")), done);
    assert_eq!(of(&format!("SELECT count(DISTINCT conversation_id) {told}")), done);
    let ended = format!("FROM audit_events WHERE job_id = ({job}) AND name = 'bulk.finished'");
    assert_eq!(of(&format!("SELECT count(*) {ended}")), 1);
    // What pages count is what there is.
    let holders = "(SELECT count(*) FROM conversations WHERE status = 'open' AND assignee_id IS NOT NULL)";
    assert!(of(holders) > 0);
}

/// Who holds each conversation, and how often it was changed.
fn held(database: &Fresh) -> BTreeMap<i64, String> {
    let hex = |column: &str| match database.url() {
        baton::config::DatabaseUrl::Sqlite(_) => format!("lower(hex({column}))"),
        baton::config::DatabaseUrl::Postgres(_) => format!("replace({column}::text, '-', '')"),
    };
    let (user, team) = (hex("assignee_id"), hex("team_id"));
    let lines = database.lines(&format!(
        "SELECT number || ' ' || coalesce({user}, '') || '/' || coalesce({team}, '') AS line FROM conversations"
    ));
    lines
        .iter()
        .map(|line| line.split_once(' ').unwrap())
        .map(|(n, who)| (n.parse().unwrap(), who.to_owned()))
        .collect()
}

/// A claim ends after a while; a test does not wait for it. See the job whose instance is killed in `instances`.
fn some_time_passes(database: &Fresh) {
    database.execute("UPDATE tasks SET locked_until = NULL");
}

/// Numbers that look random and are the same in every run.
fn jitter(round: u64) -> Duration {
    Duration::from_millis((round * 7919) % 60)
}

/// Lets a job run until its end, with crashes at five points of it.
fn run_with_crashes(
    app: &mut App,
    database: &Fresh,
    bob: &Visitor,
    path: &str,
    form: &[(&str, &str)],
    total: i64,
) -> usize {
    let begun = number(database, PROGRESS);
    let mut in_the_middle = 0;
    for round in 0..5_u64 {
        // The same form is posted again, as somebody would who saw no answer; it starts nothing twice.
        let posted = std::thread::scope(|scope| {
            let posting = (round < 2).then(|| scope.spawn(|| bob.try_post(path, form)));
            let point = begun + total * i64::try_from(round).unwrap() / 6;
            wait_until("it goes on", PATIENCE, || number(database, PROGRESS) >= point);
            std::thread::park_timeout(jitter(round));
            app.crash();
            posting.map(|posting| posting.join().unwrap())
        });
        if let Some(Ok(answer)) = posted {
            assert!(matches!(answer.status.as_u16(), 303 | 409), "{answer:?}");
        }
        in_the_middle += usize::try_from(number(database, RUNNING)).unwrap();
        app.restart();
        some_time_passes(database);
    }
    wait_until("it ends", PATIENCE, || number(database, RUNNING) == 0 && number(database, PROGRESS) == begun + total);
    in_the_middle
}

fn a_bulk_job_survives_five_crashes_and_so_does_its_undo(kind: Kind) {
    let database = sample::database(kind);
    let before = held(&database);
    let alice = id_of(&database, ALICE);
    let hers = number(
        &database,
        &format!(
            "SELECT count(*) FROM conversations WHERE status = 'open' AND assignee_id = (SELECT id FROM users WHERE email = '{ALICE}')"
        ),
    );
    let open = number(&database, "SELECT count(*) FROM conversations WHERE status = 'open'");
    let mut app = App::on(database.url()).start();
    let bob = Visitor::logged_in(&app, BOB, PASSWORD);

    let target = format!("user:{alice}");
    let form = [
        ("action", "assign"),
        ("scope", "matching"),
        ("status", "open"),
        ("target", target.as_str()),
        ("submission", "one form"),
    ];
    let crashed = run_with_crashes(&mut app, &database, &bob, "/inbox/bulk", &form, open);
    assert!(crashed >= 3, "only {crashed} of the crashes came while the job was running");
    assert_eq!(number(&database, "SELECT count(*) FROM bulk_jobs"), 1);
    let job = "SELECT id FROM bulk_jobs WHERE undoes IS NULL";
    is_exact(&database, job);
    assert_eq!(number(&database, "SELECT done FROM bulk_jobs"), open - hers);

    // Somebody goes on with some of them before it is undone.
    let numbers = database.lines(
        "SELECT CAST(conversation_id AS TEXT) AS line FROM bulk_items WHERE outcome = 'done' ORDER BY position LIMIT 3",
    );
    let touched: Vec<i64> = numbers
        .iter()
        .map(|id| number(&database, &format!("SELECT number FROM conversations WHERE id = {id}")))
        .collect();
    for number in &touched {
        bob.post(&format!("/conversations/{number}/assign"), &[("target", "none")]).expect(303);
    }
    let between = held(&database);
    let page = database.lines(&match kind {
        Kind::Sqlite => "SELECT lower(hex(id)) AS line FROM bulk_jobs".to_owned(),
        Kind::Postgres => "SELECT id::text FROM bulk_jobs".to_owned(),
    });
    let path = format!("/jobs/{}", page[0]);
    let undo = format!("{path}/undo");
    run_with_crashes(&mut app, &database, &bob, &undo, &[], open - hers);
    assert_eq!(number(&database, "SELECT count(*) FROM bulk_jobs"), 2);
    let undone = "SELECT id FROM bulk_jobs WHERE undoes IS NOT NULL";
    is_exact(&database, undone);
    is_exact(&database, job);
    let after = held(&database);
    for (number, who) in &before {
        let expected = if touched.contains(number) { &between[number] } else { who };
        assert_eq!(&after[number], expected, "#{number}");
    }
    let left = number(&database, "SELECT count(*) FROM bulk_items WHERE outcome = 'touched_since'");
    assert_eq!(left, 3);

    // The page of the undo lists them.
    let page = bob.get(&path).expect(200);
    let link = page.body.split("Undone by</dt><dd><a href=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let listed = bob.get(&format!("{link}?outcome=touched_since")).expect(200).texts("tbody th a");
    let mut listed: Vec<i64> = listed.iter().map(|text| text.trim_start_matches('#').parse().unwrap()).collect();
    listed.sort_unstable();
    let mut touched = touched;
    touched.sort_unstable();
    assert_eq!(listed, touched);
}
