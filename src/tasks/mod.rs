//! Background work of an instance: bulk jobs, mail, timers, tidying up. Everything is found in the database, so that it
//! goes on after a restart and is done by one of several instances.

pub mod audit;
mod each;
pub mod imap;
pub mod ingest;
pub mod live;
pub mod lmtp;
pub mod mail;
pub mod retention;
pub mod timers;

pub use timers::{absences_due, inactivity_due, wake_due};

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::actions;
use crate::domain::access::{Cause, Scope};
use crate::domain::ids::WorkspaceId;
use crate::domain::vault::Vault;
use crate::failure::Failure;
use crate::files::Files;
use crate::mail::transport::Transport;
use crate::store::db::blocking;
use crate::store::tasks::{Claimed, Task};
use crate::store::{self, Db, anywhere};

/// Wakes the background work before its next look.
#[derive(Clone, Default)]
pub struct Wake(Arc<Notify>);

impl Wake {
    /// Something was queued.
    pub fn now(&self) {
        self.0.notify_waiters();
    }

    /// Waits until something was queued, or so long.
    pub async fn within(&self, long: Duration) {
        let _ = tokio::time::timeout(long, self.0.notified()).await;
    }
}

/// How often the database is looked at when nobody says that something was queued.
const LOOK: Duration = Duration::from_millis(1000);
/// How often counters are folded and dead sessions removed.
const TIDY: Duration = Duration::from_secs(60);

/// How often it is looked whether former users are kept long enough.
const RETENTION: Duration = Duration::from_secs(3600);

/// The running background work.
pub struct Running {
    stop: watch::Sender<bool>,
    loops: Vec<JoinHandle<()>>,
}

impl Running {
    /// Lets what is under way finish, then ends.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        for one in self.loops {
            let _ = one.await;
        }
    }
}

/// What the background work needs.
#[derive(Clone)]
pub struct Context {
    /// The database.
    pub db: Db,
    /// Where mails go.
    pub transport: Transport,
    /// Who sends them.
    pub mail_from: lettre::message::Mailbox,
    /// The base of the links in them.
    pub public_url: Arc<url::Url>,
    /// Where files of messages are kept.
    pub files: Arc<Files>,
    /// Opens the passwords of other servers.
    pub vault: Vault,
    /// Wakes it.
    pub wake: Wake,
}

/// Starts it.
#[must_use]
pub fn start(context: &Context) -> Running {
    let (stop, _) = watch::channel(false);
    let jobs = every(context, stop.subscribe(), LOOK, |context| async move { run_due(&context.db).await });
    let mails = mail::start(context, stop.subscribe());
    let timers = every(context, stop.subscribe(), LOOK, |context| async move { wake_due(&context.db).await });
    let dates = every(context, stop.subscribe(), LOOK, |context| async move {
        absences_due(&context.db, &context.public_url).await
    });
    let rules = every(context, stop.subscribe(), LOOK, |context| async move {
        inactivity_due(&context.db, &context.public_url).await
    });
    let tidying = every(context, stop.subscribe(), TIDY, |context| async move { tidy(&context).await });
    let seals = every(context, stop.subscribe(), LOOK, |context| async move { audit::seal_due(&context.db).await });
    let retention = every(context, stop.subscribe(), RETENTION, |context| async move {
        // Never at once again: what is due is done.
        retention::run(&context.db, &context.public_url).await.map(|_| 0)
    });
    let listening = live::start(&context.db, stop.subscribe());
    let mailboxes = imap::start(context, stop.subscribe(), imap::AT_ONCE);
    Running { stop, loops: vec![mailboxes, jobs, mails, timers, dates, rules, tidying, seals, retention, listening] }
}

fn every<F, W>(context: &Context, mut stop: watch::Receiver<bool>, pause: Duration, work: F) -> JoinHandle<()>
where
    F: Fn(Context) -> W + Send + 'static,
    W: Future<Output = Result<usize, Failure>> + Send,
{
    let context = context.clone();
    tokio::spawn(async move {
        while !*stop.borrow() {
            match work(context.clone()).await {
                // There may be more.
                Ok(done) if done > 0 => continue,
                Ok(_) => {}
                Err(failure) => tracing::error!(error = %failure, "background work failed"),
            }
            tokio::select! {
                () = rest(&context.wake, pause) => {}
                _ = stop.changed() => {}
            }
        }
    })
}

/// What is looked at often is woken when something was queued; what tidies up has its own time.
async fn rest(wake: &Wake, pause: Duration) {
    if pause <= LOOK { wake.within(pause).await } else { tokio::time::sleep(pause).await }
}

/// Does one due task; says whether there was one.
///
/// # Errors
/// Trouble with the database.
pub async fn run_due(db: &Db) -> Result<usize, Failure> {
    let db = db.clone();
    blocking(move || {
        let Some(claimed) = db.anywhere_now(store::tasks::claim)? else { return Ok(0) };
        run(&db, &claimed)?;
        Ok(1)
    })
    .await
}

fn run(db: &Db, claimed: &Claimed) -> Result<(), Failure> {
    let outcome = match claimed.task {
        Task::RunBulk(job) => run_bulk(db, claimed, job),
    };
    match outcome {
        // A job that is gone has nothing to be done.
        Ok(()) | Err(Failure::NotFound) => db.anywhere_now(|ax| store::tasks::delete(ax, claimed.id)),
        Err(failure) => {
            tracing::error!(error = %failure, task.id = %claimed.id, "a task failed and will be repeated");
            let pause = TimeDelta::seconds(1 << claimed.attempts.clamp(0, 8));
            db.anywhere_now(|ax| store::tasks::postpone(ax, claimed.id, pause, &failure.to_string()))
        }
    }
}

fn run_bulk(db: &Db, claimed: &Claimed, job: crate::domain::ids::JobId) -> Result<(), Failure> {
    let scope = actor_of(db, claimed.workspace, job)?;
    let mut renewed = db.now();
    loop {
        let progress = db.write_now(&scope, |tx| actions::bulk::run_chunk(tx, job))?;
        if progress.ended {
            return Ok(());
        }
        if db.now() - renewed >= store::tasks::RENEW_EVERY {
            renewed = db.now();
            db.anywhere_now(|ax| store::tasks::renew(ax, claimed.id))?;
        }
    }
}

/// A job's changes are told of who started it, with the job as cause.
fn actor_of(db: &Db, workspace: WorkspaceId, job: crate::domain::ids::JobId) -> Result<Scope, Failure> {
    let cause = Some(Cause::Job(job));
    let started_by =
        db.read_now(workspace, |rx| Ok(store::bulk_jobs::find(rx, job)?.ok_or(Failure::NotFound)?.started_by))?;
    let Some(user) = started_by else { return Ok(Scope::system(workspace, cause)) };
    Ok(Scope { cause, ..Scope::on_behalf(workspace, user) })
}

async fn tidy(context: &Context) -> Result<usize, Failure> {
    let (db, transport) = (context.db.clone(), context.transport.clone());
    blocking(move || {
        db.anywhere_now(store::counts::fold)?;
        db.anywhere_now(anywhere::delete_dead_sessions)?;
        db.anywhere_now(store::logins::delete_old_knocks)?;
        db.anywhere_now(store::team_closing::delete_closed)?;
        db.keep_statistics()?;
        mail::forget_erased(&db, &transport)?;
        Ok(0)
    })
    .await
}
