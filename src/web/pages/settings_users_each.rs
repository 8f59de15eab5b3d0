//! Many users one after the other, each in a unit of work of its own: what is refused to one is done to the others (U-14).

use crate::actions::users_bulk::{Change, apply};
use crate::domain::access::Scope;
use crate::domain::ids::UserId;
use crate::failure::Failure;
use crate::store::Db;

/// What became of one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Changed.
    Done,
    /// It was so already.
    Already,
    /// The product said no, in these words.
    Refused(String),
    /// They are not here any more.
    Gone,
    /// Baton had trouble, and nothing of this one is changed.
    Failed,
}

/// Changes them one after the other, whoever asks last of all: taking something from oneself must not stop the rest.
/// After trouble with the database the others are left alone.
#[must_use]
pub fn run(db: &Db, scope: &Scope, change: &Change, ids: &[UserId]) -> Vec<(UserId, Outcome)> {
    let me = scope.actor.user();
    let mut order: Vec<UserId> = ids.to_vec();
    order.sort_by_key(|id| Some(*id) == me);
    let mut trouble = false;
    order
        .into_iter()
        .map(|id| {
            if trouble {
                return (id, Outcome::Failed);
            }
            let outcome = match db.write_now(scope, |tx| apply(tx, change, id)) {
                Ok(true) => Outcome::Done,
                Ok(false) => Outcome::Already,
                Err(Failure::Refused(refusal)) => Outcome::Refused(refusal.to_string()),
                Err(stale @ Failure::Stale) => Outcome::Refused(stale.to_string()),
                Err(Failure::NotFound) => Outcome::Gone,
                Err(failure) => {
                    tracing::error!(error = %failure, "a change of many users stopped");
                    trouble = true;
                    Outcome::Failed
                }
            };
            (id, outcome)
        })
        .collect()
}
