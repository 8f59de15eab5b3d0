//! Sends queued mails, with retries that grow longer (O-3).

use chrono::TimeDelta;

use super::Context;
use crate::failure::Failure;
use crate::mail::transport::{Problem, Transport};
use crate::store::Db;
use crate::store::db::blocking;
use crate::store::outbox::{self, State};

/// After so many tries a mail has failed: about a day and a half.
const TRIES: i32 = 12;

/// Sends one due mail; says whether there was one.
///
/// # Errors
/// Trouble with the database.
pub async fn send_due(context: &Context) -> Result<usize, Failure> {
    let context = context.clone();
    blocking(move || {
        let Context { db, transport, mail_from, .. } = &context;
        let Some(mail) = db.anywhere_now(outbox::claim)? else { return Ok(0) };
        let sent = transport.send(&mail, mail_from);
        let left = if transport.is_smtp() { State::Sent } else { State::Kept };
        db.anywhere_now(|ax| match sent {
            Ok(()) => outbox::finish(ax, mail.id, left, None),
            Err(Problem::Final(why)) => outbox::finish(ax, mail.id, State::Failed, Some(&why)),
            Err(Problem::Passing(why)) if mail.attempts >= TRIES => {
                outbox::finish(ax, mail.id, State::Failed, Some(&why))
            }
            Err(Problem::Passing(why)) => outbox::postpone(ax, mail.id, pause(mail.attempts), &why),
        })?;
        Ok(1)
    })
    .await
}

/// 10 s, 20 s, 40 s … at most six hours.
fn pause(attempts: i32) -> TimeDelta {
    let seconds = 10_i64 << (attempts - 1).clamp(0, 11);
    TimeDelta::seconds(seconds.min(6 * 3600))
}

/// How far back mails are looked for that lost a name.
const ERASED: TimeDelta = TimeDelta::days(7);

/// Where mails are files, deletes those that were written before a person whom they name was deleted.
///
/// # Errors
/// Trouble with the database.
pub(super) fn forget_erased(db: &Db, transport: &Transport) -> Result<(), Failure> {
    if transport.is_smtp() {
        return Ok(());
    }
    let since = db.now() - ERASED;
    for mail in db.look_anywhere_now(|ax| crate::store::removal::list_erased_mails(ax, since))? {
        transport.forget(mail).map_err(|error| Failure::Io("a mail in the outbox folder", error))?;
    }
    Ok(())
}
