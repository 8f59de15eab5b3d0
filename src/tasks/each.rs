//! One after the other: what is wrong with one of them must not keep the others waiting.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::domain::ids::WorkspaceId;
use crate::failure::Failure;

/// What failed when it was last tried: it is tried again at each look, and said once.
static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// So much is remembered at the most.
const REMEMBERED: usize = 10_000;

/// One whose turn fails, or whose rows cannot be read, must not keep the others waiting; trouble with the database does.
pub(super) fn each<T>(
    workspace: WorkspaceId,
    whose: &impl std::fmt::Display,
    work: impl FnOnce() -> Result<T, Failure>,
) -> Result<Option<T>, Failure> {
    let name = format!("{workspace} {whose}");
    match work() {
        Ok(done) => {
            said().remove(&name);
            Ok(Some(done))
        }
        Err(Failure::Refused(_) | Failure::Stale | Failure::NotFound) => {
            tracing::warn!(workspace.id = %workspace, due.id = %whose, "what was due could not be done");
            Ok(None)
        }
        Err(failure) if failure.is_of_this_one() => {
            if is_new(name) {
                tracing::error!(error = %failure, workspace.id = %workspace, due.id = %whose, "what was due cannot be read");
            }
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}

fn said() -> std::sync::MutexGuard<'static, BTreeSet<String>> {
    SAID.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_new(name: String) -> bool {
    let mut said = said();
    if said.len() >= REMEMBERED {
        said.clear();
    }
    said.insert(name)
}
