//! Several people at the same instant.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Runs `work` on as many threads at once, each with its number, and gives their answers in that order. A panic of one
/// is a panic of the test; so is a deadlock, although the store mends it.
pub fn at_once<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let (start, deadlocks) = (Barrier::new(count), Deadlocks::default());
    let answers = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..count)
            .map(|number| {
                let (start, work, deadlocks) = (&start, &work, deadlocks.clone());
                scope.spawn(move || {
                    tracing::subscriber::with_default(deadlocks, || {
                        start.wait();
                        work(number)
                    })
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    deadlocks.none();
    answers
}

/// Runs two different pieces of work at once.
pub fn both_at_once<A: Send, B: Send>(one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B + Send) -> (A, B) {
    let (start, deadlocks) = (Barrier::new(2), Deadlocks::default());
    let answers = std::thread::scope(|scope| {
        let (start, noticed) = (&start, deadlocks.clone());
        let first = scope.spawn(move || {
            tracing::subscriber::with_default(noticed, || {
                start.wait();
                one()
            })
        });
        let second = tracing::subscriber::with_default(deadlocks.clone(), || {
            start.wait();
            other()
        });
        (first.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), second)
    });
    deadlocks.none();
    answers
}

/// Listens for the store saying that it mended a deadlock: a second lost, and a lock taken in the wrong order.
#[derive(Clone, Default)]
struct Deadlocks(Arc<AtomicUsize>);

impl Deadlocks {
    fn none(&self) {
        let count = self.0.load(Ordering::SeqCst);
        assert_eq!(count, 0, "{count} times two of them waited for each other");
    }
}

impl Subscriber for Deadlocks {
    fn enabled(&self, about: &Metadata<'_>) -> bool {
        about.target().starts_with("baton::store::db")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        struct Words(bool);
        impl Visit for Words {
            fn record_debug(&mut self, _: &Field, value: &dyn std::fmt::Debug) {
                self.0 |= format!("{value:?}").contains("deadlock");
            }
        }
        let mut words = Words(false);
        event.record(&mut words);
        self.0.fetch_add(usize::from(words.0), Ordering::SeqCst);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
