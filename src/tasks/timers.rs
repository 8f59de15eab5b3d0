//! What happens at its time: conversations wake, people go and come back, the rule for people who stop coming is looked
//! at. Each is decided anew under a lock, so that of several instances one does it, and after a pause nothing is missed.

use std::sync::Arc;

use url::Url;

use crate::actions;
use crate::actions::absences::Due;
use crate::domain::access::{Cause, Scope};
use crate::failure::Failure;
use crate::store::db::blocking;
use crate::store::{Db, anywhere};
use crate::tasks::each::each;

/// So many at a look.
const LOOK: i64 = 100;

/// Wakes conversations whose snooze is over; says how many woke.
///
/// # Errors
/// Trouble with the database.
pub async fn wake_due(db: &Db) -> Result<usize, Failure> {
    let db = db.clone();
    blocking(move || {
        let due = db.look_anywhere_now(|ax| anywhere::list_due_snoozes(ax, LOOK))?;
        let mut woke = 0;
        for (workspace, conversation) in &due {
            let scope = Scope::system(*workspace, Some(Cause::Timer));
            let done = each(*workspace, conversation, || {
                db.write_now(&scope, |tx| actions::conversations::wake(tx, *conversation))
            })?;
            woke += usize::from(done.is_some());
        }
        Ok(woke)
    })
    .await
}

/// Deactivates and reactivates people whose day has come; says how often it did something. Departures come first: what fell
/// due while nothing ran happens in its order.
///
/// # Errors
/// Trouble with the database.
pub async fn absences_due(db: &Db, base: &Arc<Url>) -> Result<usize, Failure> {
    let (db, base) = (db.clone(), base.clone());
    blocking(move || {
        let leaving = db.look_anywhere_now(|ax| anywhere::list_due_deactivations(ax, LOOK))?;
        let mut done = 0;
        for (workspace, user) in &leaving {
            let scope = Scope::system(*workspace, Some(Cause::Timer));
            let due =
                each(*workspace, user, || db.write_now(&scope, |tx| actions::absences::begin_due(tx, &base, *user)))?;
            done += usize::from(due.is_some_and(|due| due != Due::Nothing));
        }
        let returning = db.look_anywhere_now(|ax| anywhere::list_due_returns(ax, LOOK))?;
        for (workspace, user) in &returning {
            let scope = Scope::system(*workspace, Some(Cause::Timer));
            let back =
                each(*workspace, user, || db.write_now(&scope, |tx| actions::absences::finish_due(tx, &base, *user)))?;
            done += usize::from(back == Some(true));
        }
        Ok(done)
    })
    .await
}

/// Does what the rule for people who stop coming says, in each workspace once a day; says in how many.
///
/// # Errors
/// Trouble with the database.
pub async fn inactivity_due(db: &Db, base: &Arc<Url>) -> Result<usize, Failure> {
    let (db, base) = (db.clone(), base.clone());
    blocking(move || {
        let due = db.look_anywhere_now(anywhere::list_due_inactivity)?;
        let mut done = 0;
        for (workspace, since) in &due {
            let scope = Scope::system(*workspace, Some(Cause::Automatic));
            let looked = each(*workspace, &"rule for people who stop coming", || {
                for user in db.read_now(*workspace, actions::inactivity::list_due)? {
                    each(*workspace, &user, || db.write_now(&scope, |tx| actions::inactivity::apply(tx, &base, user)))?;
                }
                // Last: whoever is killed before this starts over, and finds done what is done.
                db.write_now(&scope, |tx| actions::inactivity::finish(tx, *since))
            })?;
            done += usize::from(looked.is_some());
        }
        Ok(done)
    })
    .await
}
