//! Fetches mail of channels that have a mailbox elsewhere. Each mailbox is read by one instance, which holds a claim on it; how far it
//! was read is noted after each mail, once that mail is committed, so that nothing is missed after a crash, and what is fetched
//! twice is recognised.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use super::{Context, ingest};
use crate::actions::incoming::Way;
use crate::domain::ids::{ChannelId, WorkspaceId};
use crate::domain::mail_servers::Server;
use crate::failure::Failure;
use crate::files::Files;
use crate::mail::imap::{Fetched, Mailbox};
use crate::store::Db;
use crate::store::channel_mail::{self, Claimed};
use crate::store::db::blocking;

/// How often it is looked for mailboxes that are due.
const LOOK: Duration = Duration::from_millis(1000);
/// How often a mailbox is looked into that does not tell by itself.
const POLL: TimeDelta = TimeDelta::seconds(60);
/// How long a server is waited for that tells by itself; shorter than a claim holds.
const WAIT: Duration = Duration::from_secs(25);
/// What is under way when the program is stopped is finished, if that takes no longer.
const GRACE: Duration = Duration::from_secs(10);
/// More mails at once than this are older ones, whatever their senders: nobody floods us with them.
const BACKLOG: usize = 20;
/// Mailboxes that one instance reads at once.
const AT_ONCE: usize = 32;

/// Starts to fetch.
pub(super) fn start(context: &Context, stop: watch::Receiver<bool>) -> JoinHandle<()> {
    tokio::spawn(run(context.clone(), stop))
}

async fn run(context: Context, mut stop: watch::Receiver<bool>) {
    let mut reading: JoinSet<ChannelId> = JoinSet::new();
    let mut held: HashSet<ChannelId> = HashSet::new();
    while !*stop.borrow() {
        while let Some(ended) = reading.try_join_next() {
            match ended {
                Ok(channel) => {
                    held.remove(&channel);
                }
                // Which one it was is not said; its claim ends by itself.
                Err(_) => held.clear(),
            }
        }
        let claimed = if reading.len() < AT_ONCE { claim(&context.db).await } else { Ok(None) };
        match claimed {
            Ok(Some(claimed)) if held.insert(claimed.channel) => {
                let reader = Reader { context: context.clone(), stop: stop.clone(), claimed };
                reading.spawn(reader.run());
                continue;
            }
            Ok(_) => {}
            Err(failure) => tracing::error!(error = %failure, "mailboxes that are due could not be looked up"),
        }
        tokio::select! {
            () = context.wake.within(LOOK) => {}
            _ = stop.changed() => {}
        }
    }
    // A server that does not answer keeps nobody from stopping: each mail that was taken in is noted already.
    let ended = async { while reading.join_next().await.is_some() {} };
    if timeout(GRACE, ended).await.is_err() {
        reading.abort_all();
    }
}

async fn claim(db: &Db) -> Result<Option<Claimed>, Failure> {
    let db = db.clone();
    blocking(move || db.anywhere_now(channel_mail::claim)).await
}

/// Why a mailbox is not read on.
enum End {
    /// It is to be read again after a while.
    Later(TimeDelta),
    /// It cannot be read, for this reason.
    Problem(String),
    /// Trouble with the database: nothing can be noted.
    Trouble(Failure),
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self::Trouble(failure)
    }
}

impl From<String> for End {
    fn from(problem: String) -> Self {
        Self::Problem(problem)
    }
}

/// What is needed to read a mailbox.
struct Access {
    server: Server,
    password: String,
    folder: String,
    version: i64,
}

/// One mailbox that is being read.
struct Reader {
    context: Context,
    stop: watch::Receiver<bool>,
    claimed: Claimed,
}

impl Reader {
    async fn run(mut self) -> ChannelId {
        let (db, channel, failures) = (self.context.db.clone(), self.claimed.channel, self.claimed.failures + 1);
        let end = self.read().await;
        let released = match end {
            Ok(()) => release(db, channel, TimeDelta::zero(), None).await,
            Err(End::Later(after)) => release(db, channel, after, None).await,
            Err(End::Problem(problem)) => release(db, channel, pause(failures), Some((failures, problem))).await,
            Err(End::Trouble(failure)) => {
                tracing::warn!(error = %failure, "a mailbox is read again later");
                release(db, channel, pause(failures), None).await
            }
        };
        if let Err(failure) = released {
            tracing::warn!(error = %failure, "a claim on a mailbox could not be given back; it ends by itself");
        }
        channel
    }

    /// Reads until the program is stopped, the settings are changed, or it is not possible.
    async fn read(&mut self) -> Result<(), End> {
        let Some(access) = self.access().await? else { return Ok(()) };
        let mut mailbox = Mailbox::open(&access.server, &access.password, &access.folder).await?;
        let (channel, validity, next) = (self.claimed.channel, mailbox.validity, mailbox.next);
        let mut seen =
            self.on_db(move |db| db.anywhere_now(|ax| channel_mail::take_place(ax, channel, validity, next))).await?;
        loop {
            let new = mailbox.list_after(&access.server, seen).await?;
            let way = if new.len() > BACKLOG { Way::Collected } else { Way::Delivered };
            for uid in new {
                if *self.stop.borrow() {
                    mailbox.close().await;
                    return Ok(());
                }
                let mail = mailbox.fetch(&access.server, uid).await?;
                self.keep(mail, way, validity, uid).await?;
                seen = i64::from(uid);
            }
            self.on_db(move |db| db.anywhere_now(|ax| channel_mail::set_checked(ax, channel))).await?;
            if *self.stop.borrow() || self.access().await?.is_none_or(|now| now.version != access.version) {
                mailbox.close().await;
                return Ok(());
            }
            if !mailbox.waits() {
                mailbox.close().await;
                return Err(End::Later(POLL));
            }
            let waited = tokio::select! {
                waited = mailbox.wait(&access.server, WAIT) => Some(waited?),
                _ = self.stop.changed() => None,
            };
            match waited {
                Some(again) => mailbox = again,
                None => return Ok(()),
            }
        }
    }

    async fn on_db<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Db) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let db = self.context.db.clone();
        blocking(move || f(&db)).await
    }

    /// How the mailbox is read now, if it still is to be.
    async fn access(&self) -> Result<Option<Access>, End> {
        let (workspace, channel) = (self.claimed.workspace, self.claimed.channel);
        let found = self.on_db(move |db| db.read_now(workspace, |rx| channel_mail::find(rx, channel))).await?;
        let Some(settings) = found else { return Ok(None) };
        let Some(server) = settings.mail.imap else { return Ok(None) };
        let password = match settings.imap_password {
            None => String::new(),
            Some(sealed) => self.context.vault.open(&belongs_to(channel, "imap"), &sealed).ok_or_else(|| {
                End::Problem("The stored password cannot be opened with the present key. Type it again.".to_owned())
            })?,
        };
        Ok(Some(Access { server, password, folder: settings.mail.imap_folder, version: settings.version }))
    }

    /// Takes a mail in, and notes that it was.
    async fn keep(&self, mail: Fetched, way: Way, validity: i64, uid: u32) -> Result<(), Failure> {
        let here: (WorkspaceId, ChannelId) = (self.claimed.workspace, self.claimed.channel);
        let files = Arc::clone(&self.context.files);
        self.on_db(move |db| {
            take(db, &files, here, &mail, way)?;
            db.anywhere_now(|ax| channel_mail::set_seen(ax, here.1, validity, i64::from(uid)))
        })
        .await
    }
}

fn take(db: &Db, files: &Files, here: (WorkspaceId, ChannelId), mail: &Fetched, way: Way) -> Result<(), Failure> {
    match mail {
        Fetched::Whole(bytes) => ingest::ingest(db, files, here, bytes, way).map(|_| ()),
        Fetched::Head(bytes) => ingest::set_aside(db, files, here, bytes, "too_large").map(|_| ()),
        Fetched::Gone => Ok(()),
    }
}

/// For what a password of a channel is sealed.
#[must_use]
pub fn belongs_to(channel: ChannelId, what: &str) -> String {
    format!("{what} of {channel}")
}

async fn release(db: Db, channel: ChannelId, after: TimeDelta, problem: Option<(i32, String)>) -> Result<(), Failure> {
    blocking(move || {
        let problem = problem.as_ref().map(|(failures, problem)| (*failures, problem.as_str()));
        db.anywhere_now(|ax| channel_mail::release(ax, channel, after, problem))
    })
    .await
}

/// 30 s, 1 min, 2 min … at most half an hour.
fn pause(failures: i32) -> TimeDelta {
    TimeDelta::seconds((15_i64 << failures.clamp(1, 7)).min(1800))
}
