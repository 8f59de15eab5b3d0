//! Sends queued mails, with retries that grow longer (O-3).

use chrono::TimeDelta;

use super::Context;
use crate::failure::Failure;
use crate::mail::transport::Problem;
use crate::store::db::blocking;
use crate::store::outbox::{self, State};

/// After so many tries a mail has failed: about a day and a half.
const TRIES: i32 = 12;

/// Sends one due mail; says whether there was one.
///
/// # Errors
/// Trouble with the database.
pub async fn send_due(context: &Context) -> Result<usize, Failure> {
    let db = context.db.clone();
    let Some(mail) = blocking(move || db.anywhere_now(outbox::claim)).await? else { return Ok(0) };
    let sent = context.transport.send(&mail, &context.mail_from).await;
    let (db, smtp) = (context.db.clone(), context.transport.is_smtp());
    blocking(move || {
        db.anywhere_now(|ax| match sent {
            Ok(()) => outbox::finish(ax, mail.id, if smtp { State::Sent } else { State::Kept }, None),
            Err(Problem::Final(why)) => outbox::finish(ax, mail.id, State::Failed, Some(&why)),
            Err(Problem::Passing(why)) if mail.attempts >= TRIES => {
                outbox::finish(ax, mail.id, State::Failed, Some(&why))
            }
            Err(Problem::Passing(why)) => outbox::postpone(ax, mail.id, pause(mail.attempts), &why),
        })
    })
    .await?;
    Ok(1)
}

/// 10 s, 20 s, 40 s … at most six hours.
fn pause(attempts: i32) -> TimeDelta {
    let seconds = 10_i64 << (attempts - 1).clamp(0, 11);
    TimeDelta::seconds(seconds.min(6 * 3600))
}
