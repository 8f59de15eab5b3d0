//! Sends queued mails, with retries that grow longer (O-3). Each mail server has a lane of its own: one that does not answer keeps
//! nobody else's mails waiting.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use super::Context;
use super::imap::belongs_to;
use crate::domain::ids::ChannelId;
use crate::domain::vault::Vault;
use crate::failure::Failure;
use crate::mail::Outgoing;
use crate::mail::transport::{Problem, Transport};
use crate::store::Db;
use crate::store::db::blocking;
use crate::store::outbox::{self, Busy, State};

/// After so many tries a mail has failed: about a day and a half.
const TRIES: i32 = 12;
/// Mails under way at once, all in all.
const AT_ONCE: usize = 32;
/// By one server: one after the other. Whatever is with a server when the program is killed may arrive twice, because nobody can
/// know whether the server took it; so that is one mail at most.
const BY_SERVER: usize = 1;
/// How often the outbox is looked at when nobody says that something was queued.
const LOOK: Duration = Duration::from_millis(1000);
/// What is under way when the program is stopped is finished, if that takes no longer.
const GRACE: Duration = Duration::from_secs(10);

/// The server of a channel, or that of the installation.
type Lane = Option<ChannelId>;

/// How many more mails may leave by each server.
#[derive(Default)]
struct Lanes(HashMap<Lane, Arc<Semaphore>>);

impl Lanes {
    fn of(&mut self, lane: Lane) -> Arc<Semaphore> {
        Arc::clone(self.0.entry(lane).or_insert_with(|| Arc::new(Semaphore::new(BY_SERVER))))
    }

    fn busy(&self) -> Busy {
        let full = self.0.iter().filter(|(_, places)| places.available_permits() == 0).map(|(lane, _)| *lane);
        let mut busy = Busy::default();
        for lane in full {
            match lane {
                Some(channel) => busy.channels.push(channel),
                None => busy.installation = true,
            }
        }
        busy
    }

    /// Forgets those by which nothing leaves.
    fn tidy(&mut self) {
        self.0.retain(|_, places| Arc::strong_count(places) > 1);
    }
}

/// Starts to send.
#[must_use]
pub fn start(context: &Context, stop: watch::Receiver<bool>) -> JoinHandle<()> {
    tokio::spawn(run(context.clone(), stop))
}

async fn run(context: Context, mut stop: watch::Receiver<bool>) {
    let (mut sending, mut lanes): (JoinSet<()>, _) = (JoinSet::new(), Lanes::default());
    while !*stop.borrow() {
        while sending.try_join_next().is_some() {}
        lanes.tidy();
        let claimed = if sending.len() < AT_ONCE { claim(&context, lanes.busy()).await } else { Ok(None) };
        match claimed {
            Ok(Some((mail, own))) => {
                let lane = mail.channel.filter(|_| own.is_some());
                let (context, places) = (context.clone(), lanes.of(lane));
                // It is one of the places that were free when the mail was claimed.
                let place = Arc::clone(&places).try_acquire_owned().ok();
                sending.spawn(async move {
                    let _places = (places, place);
                    send(&context, &mail, own).await;
                });
                continue;
            }
            Ok(None) => {}
            Err(failure) => tracing::error!(error = %failure, "mails that are due could not be looked up"),
        }
        tokio::select! {
            () = context.wake.within(LOOK) => {}
            Some(_) = sending.join_next() => {}
            _ = stop.changed() => {}
        }
    }
    let ended = async { while sending.join_next().await.is_some() {} };
    if timeout(GRACE, ended).await.is_err() {
        // Their claims end, and they are sent by whoever starts next.
        sending.abort_all();
    }
}

/// A server of a channel, or why it cannot be used.
type Own = Option<Result<Transport, String>>;

async fn claim(context: &Context, busy: Busy) -> Result<Option<(Outgoing, Own)>, Failure> {
    let (db, vault) = (context.db.clone(), context.vault.clone());
    blocking(move || {
        let Some(mail) = db.anywhere_now(|ax| outbox::claim(ax, &busy))? else { return Ok(None) };
        let own = own_transport(&db, &vault, &mail)?;
        Ok(Some((mail, own)))
    })
    .await
}

/// Sends a mail and notes what became of it.
async fn send(context: &Context, mail: &Outgoing, own: Own) {
    let transport = match &own {
        Some(own) => own.as_ref(),
        None => Ok(&context.transport),
    };
    let smtp = transport.is_ok_and(Transport::is_smtp);
    let sent = match transport {
        Ok(transport) if smtp => Some(transport.send(mail, &context.mail_from).await),
        Ok(_) => None,
        // Whoever manages the channel puts that right.
        Err(problem) => Some(Err(Problem::Passing(problem.clone()))),
    };
    let (context, mail) = (context.clone(), mail.clone());
    let noted = blocking(move || match sent {
        Some(sent) => note(&context.db, &mail, &sent, State::Sent),
        None => note(&context.db, &mail, &context.transport.keep(&mail, &context.mail_from), State::Kept),
    });
    if let Err(failure) = noted.await {
        tracing::error!(error = %failure, "what became of a mail could not be noted; it is sent once more");
    }
}

fn note(db: &Db, mail: &Outgoing, sent: &Result<(), Problem>, left: State) -> Result<(), Failure> {
    db.anywhere_now(|ax| {
        if !outbox::is_held(ax, mail)? {
            // Somebody else has it now, or its report was quicker than this.
            return Ok(());
        }
        match sent {
            Ok(()) => outbox::finish(ax, mail.id, left, None),
            Err(Problem::Final(why)) => outbox::finish(ax, mail.id, State::Failed, Some(why)),
            Err(Problem::Passing(why)) if mail.attempts >= TRIES => {
                outbox::finish(ax, mail.id, State::Failed, Some(why))
            }
            Err(Problem::Passing(why)) => outbox::postpone(ax, mail.id, pause(mail.attempts), why),
        }
    })
}

/// The server of the channel that a reply goes out by, if it has one of its own; or why it cannot be used.
fn own_transport(db: &Db, vault: &Vault, mail: &Outgoing) -> Result<Own, Failure> {
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
