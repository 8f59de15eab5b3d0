//! What open pages cost: streams that wait, and one change that is told to all of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::browser::Browser;
use super::database::Database;
use super::program::Program;
use super::table::Table;

/// People, and pages that each of them has open: as many as one person may have.
const PEOPLE: usize = 20;
const PAGES: usize = 10;
/// Changes, one after the other: two in a second, as often as a page is told.
const CHANGES: usize = 10;
const EVERY: Duration = Duration::from_millis(600);

/// Opens 200 streams, lets them wait, then changes something several times.
pub async fn measure(table: &mut Table, program: &Program, database: &Database, owner: &Browser) {
    let before = program.resident();
    let told = Arc::new(AtomicUsize::new(0));
    let mut streams = Vec::new();
    for email in database.people(PEOPLE) {
        let person = Browser::logged_in_as(program.url(), &email).await;
        streams.extend((0..PAGES).map(|_| person.follow("/events", &told)));
    }
    let open = streams.len();
    // Each begins with how often to try again.
    reach(&told, open).await;
    let more = program.resident().saturating_sub(before);
    table.figure(&format!("{open} open streams, memory each"), format!("{} KB", more / open as u64), "");

    let (cpu, long) = (program.cpu(), Duration::from_secs(10));
    tokio::time::sleep(long).await;
    let share = |cpu: Duration, long: Duration| format!("{:.1} %", cpu.as_secs_f64() / long.as_secs_f64() * 100.0);
    let idle = program.cpu().saturating_sub(cpu);
    table.figure("processor while they wait (of one core)", share(idle, long), "< 2 %");

    let path = format!("/conversations/{}/priority", database.some_number());
    let token = owner.token().await;
    let (cpu, begun, mut took) = (program.cpu(), Instant::now(), Vec::new());
    for change in 0..CHANGES {
        tokio::time::sleep(EVERY).await;
        let so_far = told.load(Ordering::Relaxed);
        let priority = if change % 2 == 0 { "high" } else { "low" };
        let form = [("csrf_token", token.as_str()), ("priority", priority)];
        let begun = Instant::now();
        owner.post(&path, &form.map(|(name, value)| (name.to_owned(), value.to_owned()))).await;
        reach(&told, so_far + open).await;
        took.push(begun.elapsed());
    }
    let (busy, long) = (program.cpu().saturating_sub(cpu), begun.elapsed());
    took.sort_unstable();
    let median = took.get(CHANGES / 2).copied().unwrap_or_default();
    let name = format!("a change is told to all {open}, from posting it, p50");
    table.figure(&name, format!("{:.0} ms", median.as_secs_f64() * 1e3), "< 1,000 ms");
    table.figure("processor meanwhile (of one core), two changes in a second", share(busy, long), "");
    for stream in streams {
        stream.abort();
    }
}

async fn reach(told: &AtomicUsize, count: usize) {
    let begun = Instant::now();
    while told.load(Ordering::Relaxed) < count {
        assert!(begun.elapsed() < Duration::from_secs(20), "only {} of {count}", told.load(Ordering::Relaxed));
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
