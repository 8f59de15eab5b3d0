//! Sends queued mails, with retries that grow longer (O-3).

use chrono::TimeDelta;

use super::Context;
use super::imap::belongs_to;
use crate::domain::vault::Vault;
use crate::failure::Failure;
use crate::mail::Outgoing;
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
        let Context { db, transport, mail_from, vault, .. } = &context;
        let Some(mail) = db.anywhere_now(outbox::claim)? else { return Ok(0) };
        let own = own_transport(db, vault, &mail)?;
        let transport = match &own {
            Some(own) => own.as_ref(),
            None => Ok(transport),
        };
        let sent = match transport {
            Ok(transport) => transport.send(&mail, mail_from),
            Err(problem) => Err(Problem::Final(problem.clone())),
        };
        let transport = transport.unwrap_or(&context.transport);
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

/// The server of the channel that a reply goes out by, if it has one of its own; or why it cannot be used.
fn own_transport(db: &Db, vault: &Vault, mail: &Outgoing) -> Result<Option<Result<Transport, String>>, Failure> {
    let Some(channel) = mail.channel else { return Ok(None) };
    let found = db.read_now(mail.workspace, |rx| crate::store::channel_mail::find(rx, channel))?;
    let Some(settings) = found else { return Ok(None) };
    let Some(server) = &settings.mail.smtp else { return Ok(None) };
    let password = match &settings.smtp_password {
        None => String::new(),
        Some(sealed) => match vault.open(&belongs_to(channel, "smtp"), sealed) {
            Some(password) => password,
            None => {
                return Ok(Some(Err(
                    "the stored password cannot be opened with the present key; type it again".to_owned()
                )));
            }
        },
    };
    Ok(Some(Transport::of(server, &password)))
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
