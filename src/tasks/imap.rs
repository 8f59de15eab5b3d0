//! Fetches mail of channels that have a mailbox elsewhere. Each mailbox is read by one instance, which holds a claim on it; how far it
//! was read is noted after each mail, once that mail is committed, so that nothing is missed after a crash, and what is fetched
//! twice is recognised.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{Semaphore, watch};
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
use crate::store::channel_mail::{self, Claimed, Hold, Place};
use crate::store::db::blocking;

/// How often it is looked for mailboxes that are due.
const LOOK: Duration = Duration::from_millis(1000);
/// How often a mailbox is looked into that does not tell by itself.
const POLL: TimeDelta = TimeDelta::seconds(60);
/// How long a server is waited for that tells by itself; shorter than a claim holds.
const WAIT: Duration = Duration::from_secs(25);
/// How often a claim is renewed; a third of the time that it holds.
const RENEW: Duration = Duration::from_secs(30);
/// What is under way when the program is stopped is finished, if that takes no longer.
const GRACE: Duration = Duration::from_secs(10);
/// So many mails within [`SPAN`] may be a flood; fewer are older ones that were not fetched yet, whatever their senders.
const BURST: usize = 20;
const SPAN: TimeDelta = TimeDelta::minutes(5);
/// So many mails are asked for at once when they came.
const PART: usize = 500;
/// After so many tries a mail that the server does not hand out is left there, and said so.
const TRIES: i32 = 5;
/// Mails that are fetched at once.
const FETCHES: usize = 32;
/// Mailboxes that one instance keeps open at once. Where there are more, those that only wait make room.
pub const AT_ONCE: usize = 200;

/// Starts to fetch, with so many mailboxes open at once.
#[must_use]
pub fn start(context: &Context, stop: watch::Receiver<bool>, at_once: usize) -> JoinHandle<()> {
    tokio::spawn(run(context.clone(), stop, at_once))
}

/// What the readers of one instance share.
struct Shared {
    context: Context,
    fetches: Semaphore,
    /// How many mailboxes wait for one that is open to be closed.
    wanted: AtomicUsize,
}

async fn run(context: Context, mut stop: watch::Receiver<bool>, at_once: usize) {
    let shared = Arc::new(Shared { context, fetches: Semaphore::new(FETCHES), wanted: AtomicUsize::new(0) });
    let db = &shared.context.db;
    let mut reading: JoinSet<()> = JoinSet::new();
    while !*stop.borrow() {
        while reading.try_join_next().is_some() {}
        let claimed = if reading.len() < at_once { claim(db).await } else { make_room(&shared).await };
        match claimed {
            Ok(Some(claimed)) => {
                let reader = Reader { shared: Arc::clone(&shared), stop: stop.clone(), claimed };
                reading.spawn(reader.run());
                continue;
            }
            Ok(None) => {}
            Err(failure) => tracing::error!(error = %failure, "mailboxes that are due could not be looked up"),
        }
        tokio::select! {
            () = shared.context.wake.within(LOOK) => {}
            Some(_) = reading.join_next() => {}
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

/// Asks as many of those that only wait to make room as there are mailboxes that nobody reads.
async fn make_room(shared: &Shared) -> Result<Option<Claimed>, Failure> {
    let db = shared.context.db.clone();
    let due = blocking(move || db.look_anywhere_now(channel_mail::count_due)).await?;
    shared.wanted.store(usize::try_from(due).unwrap_or(0), Ordering::Relaxed);
    Ok(None)
}

/// Why a mailbox is not read on.
enum End {
    /// It is to be read again after a while.
    Later(TimeDelta),
    /// It cannot be read, for this reason.
    Problem(String),
    /// Somebody else has it now, or it is set in another way.
    Lost,
    /// Trouble with the database: nothing can be noted.
    Trouble(Failure),
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        if matches!(failure, Failure::Stale) { Self::Lost } else { Self::Trouble(failure) }
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
    shared: Arc<Shared>,
    stop: watch::Receiver<bool>,
    claimed: Claimed,
}

impl Reader {
    async fn run(self) {
        let (db, hold, failures) = (self.shared.context.db.clone(), self.claimed.hold, self.claimed.failures + 1);
        let end = tokio::select! {
            end = self.read() => end,
            lost = self.renew() => Err(lost),
        };
        let released = match end {
            Ok(()) => release(db, hold, TimeDelta::zero(), None).await,
            Err(End::Later(after)) => release(db, hold, after, None).await,
            Err(End::Problem(problem)) => release(db, hold, pause(failures), Some((failures, problem))).await,
            Err(End::Lost) => Ok(()),
            Err(End::Trouble(failure)) => {
                tracing::warn!(error = %failure, "a mailbox is read again later");
                release(db, hold, pause(failures), None).await
            }
        };
        if let Err(failure) = released {
            tracing::warn!(error = %failure, "a claim on a mailbox could not be given back; it ends by itself");
        }
    }

    /// Keeps the claim, however long a server takes, until it is lost.
    async fn renew(&self) -> End {
        let hold = self.claimed.hold;
        loop {
            tokio::time::sleep(RENEW).await;
            match self.on_db(move |db| db.anywhere_now(|ax| channel_mail::renew(ax, hold))).await {
                Ok(()) => {}
                Err(Failure::Stale) => return End::Lost,
                // It may be back before the claim ends.
                Err(failure) => tracing::warn!(error = %failure, "a claim on a mailbox could not be renewed"),
            }
        }
    }

    /// Reads until the program is stopped, the settings are changed, or it is not possible.
    async fn read(&self) -> Result<(), End> {
        let Some(access) = self.access().await? else { return Ok(()) };
        let mut mailbox = Mailbox::open(&access.server, &access.password, &access.folder).await?;
        let (hold, validity, next) = (self.claimed.hold, mailbox.validity, mailbox.next);
        let mut place =
            self.on_db(move |db| db.anywhere_now(|ax| channel_mail::take_place(ax, hold, validity, next))).await?;
        let mut stop = self.stop.clone();
        loop {
            self.read_new(&mut mailbox, &access, &mut place).await?;
            self.on_db(move |db| db.anywhere_now(|ax| channel_mail::set_checked(ax, hold))).await?;
            if *stop.borrow() || self.access().await?.is_none_or(|now| now.version != access.version) {
                mailbox.close().await;
                return Ok(());
            }
            if !mailbox.waits() {
                mailbox.close().await;
                return Err(End::Later(POLL));
            }
            if self.is_in_the_way() {
                mailbox.close().await;
                return Err(End::Later(TimeDelta::zero()));
            }
            let waited = tokio::select! {
                waited = mailbox.wait(&access.server, WAIT) => Some(waited?),
                _ = stop.changed() => None,
            };
            match waited {
                Some(again) => mailbox = again,
                None => return Ok(()),
            }
        }
    }

    /// Whether others wait for the place of this one. Each of them is made room for once.
    fn is_in_the_way(&self) -> bool {
        let one_less = |wanted: usize| wanted.checked_sub(1);
        self.shared.wanted.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok()
    }

    /// Takes in what is new, as long as the program is not stopped.
    async fn read_new(&self, mailbox: &mut Mailbox, access: &Access, place: &mut Place) -> Result<(), End> {
        let (hold, validity) = (self.claimed.hold, mailbox.validity);
        let new = mailbox.list_after(&access.server, place.seen).await?;
        for part in new.chunks(PART) {
            let arrived = mailbox.arrivals(&access.server, part).await?;
            let times: Vec<DateTime<Utc>> = part.iter().filter_map(|uid| arrived.get(uid).copied()).collect();
            for uid in part.iter().copied() {
                if *self.stop.borrow() {
                    return Ok(());
                }
                let (number, at) = (i64::from(uid), arrived.get(&uid).copied());
                let older = number < place.older_below;
                let wanted = !older || place.since.is_none_or(|since| at.is_none_or(|at| at >= since));
                if wanted && place.stuck == Some((number, TRIES)) {
                    self.leave(access, validity, uid).await?;
                } else if wanted {
                    let way = if older { Way::Collected } else { way_of(at, &times, new.len()) };
                    self.fetch(mailbox, access, way, uid).await?;
                }
                self.on_db(move |db| db.anywhere_now(|ax| channel_mail::set_seen(ax, hold, validity, number))).await?;
                place.seen = number;
            }
        }
        Ok(())
    }

    /// Fetches a mail and takes it in.
    async fn fetch(&self, mailbox: &mut Mailbox, access: &Access, way: Way, uid: u32) -> Result<(), End> {
        // Held until the mail is written: each may be large.
        let _place = self.shared.fetches.acquire().await.map_err(|_| End::Later(TimeDelta::zero()))?;
        let here = (self.claimed.workspace, self.claimed.hold.channel);
        let files = Arc::clone(&self.shared.context.files);
        let mail = match mailbox.fetch(&access.server, uid).await {
            Ok(mail) => mail,
            Err(problem) => {
                let (hold, uid) = (self.claimed.hold, i64::from(uid));
                self.on_db(move |db| db.anywhere_now(|ax| channel_mail::set_stuck(ax, hold, uid))).await?;
                return Err(End::Problem(problem));
            }
        };
        Ok(self.on_db(move |db| take(db, &files, here, &mail, way)).await?)
    }

    /// Goes past a mail that the server does not hand out, and keeps a note of it aside.
    async fn leave(&self, access: &Access, validity: i64, uid: u32) -> Result<(), Failure> {
        let here = (self.claimed.workspace, self.claimed.hold.channel);
        let files = Arc::clone(&self.shared.context.files);
        let note = format!(
            "The mail with the number {uid} (of the numbering {validity}) in the folder {} of {} on {} could not be fetched, \
             after {TRIES} tries. It is still there.\r\n",
            access.folder, access.server.user, access.server.host
        );
        self.on_db(move |db| ingest::set_aside(db, &files, here, note.as_bytes(), UNFETCHABLE).map(|_| ())).await
    }

    async fn on_db<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Db) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let db = self.shared.context.db.clone();
        blocking(move || f(&db)).await
    }

    /// How the mailbox is read now, if it still is to be.
    async fn access(&self) -> Result<Option<Access>, End> {
        let (workspace, channel) = (self.claimed.workspace, self.claimed.hold.channel);
        let found = self.on_db(move |db| db.read_now(workspace, |rx| channel_mail::find(rx, channel))).await?;
        let Some(settings) = found else { return Ok(None) };
        let Some(server) = settings.mail.imap else { return Ok(None) };
        let password = match settings.imap_password {
            None => String::new(),
            Some(sealed) => self.shared.context.vault.open(&belongs_to(channel, "imap"), &sealed).ok_or_else(|| {
                End::Problem("The stored password cannot be opened with the present key. Type it again.".to_owned())
            })?,
        };
        Ok(Some(Access { server, password, folder: settings.mail.imap_folder, version: settings.version }))
    }
}

/// Why a mail is kept aside that its server does not hand out.
pub const UNFETCHABLE: &str = "unfetchable";

/// Whether a mail just came, so that it may be part of a flood, or was waiting since longer.
fn way_of(at: Option<DateTime<Utc>>, all: &[DateTime<Utc>], new: usize) -> Way {
    let Some(at) = at.filter(|_| new > BURST) else { return Way::Delivered };
    let about = all.iter().filter(|other| (**other - at).abs() <= SPAN).count();
    if about > BURST { Way::Delivered } else { Way::Collected }
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

async fn release(db: Db, hold: Hold, after: TimeDelta, problem: Option<(i32, String)>) -> Result<(), Failure> {
    blocking(move || {
        let problem = problem.as_ref().map(|(failures, problem)| (*failures, problem.as_str()));
        db.anywhere_now(|ax| channel_mail::release(ax, hold, after, problem))
    })
    .await
}

/// 30 s, 1 min, 2 min … at most half an hour.
fn pause(failures: i32) -> TimeDelta {
    TimeDelta::seconds((15_i64 << failures.clamp(1, 7)).min(1800))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
    }

    #[test]
    fn what_came_in_a_heap_may_be_a_flood_and_what_came_in_days_is_none() {
        let days: Vec<_> = (0..300).map(|n| at(n * 10)).collect();
        assert_eq!(way_of(Some(at(500)), &days, 300), Way::Collected);
        let heap: Vec<_> = days.iter().copied().chain((0..100).map(|_| at(500))).collect();
        assert_eq!(way_of(Some(at(500)), &heap, 400), Way::Delivered);
        assert_eq!(way_of(Some(at(100)), &heap, 400), Way::Collected, "what came before the heap");
        assert_eq!(way_of(None, &heap, 400), Way::Delivered, "the server does not say when");
        assert_eq!(way_of(Some(at(1)), &days, 3), Way::Delivered, "a few are as if they just came");
    }
}
