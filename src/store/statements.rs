//! Statements as the database sees them: how many one handle has sent, and, at trace level, which and how long they took.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use diesel::connection::{Instrumentation, InstrumentationEvent};

/// How many statements the connections of one pool have sent. A test holds pages to a constant number of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Statements(Arc<AtomicU64>);

impl Statements {
    /// All that were sent so far.
    pub(super) fn sent(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts the statements of one more connection.
    pub(super) fn watch(&self) -> impl Instrumentation + 'static {
        let (sent, mut began) = (self.clone(), None);
        move |event: InstrumentationEvent<'_>| match event {
            InstrumentationEvent::StartQuery { .. } => {
                sent.0.fetch_add(1, Ordering::Relaxed);
                began = tracing::enabled!(tracing::Level::TRACE).then(Instant::now);
            }
            InstrumentationEvent::FinishQuery { query, .. } => {
                if let Some(began) = began.take() {
                    let took = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
                    let query = query.to_string();
                    // What a statement is bound to may be somebody's name.
                    let text = query.split(" -- binds").next().unwrap_or_default();
                    tracing::trace!(db.statement = text, duration_us = took, "a statement");
                }
            }
            _ => {}
        }
    }
}
