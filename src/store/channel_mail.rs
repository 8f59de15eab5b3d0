//! How mail channels send, fetch and are answered. Each row belongs to a channel of one workspace; only the claims at the end
//! look over all of them.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;

use super::db::{AnyConn, Ax, Rx, Tx, insert_new, load_locked};
use super::schema::channel_mail;
use super::types::At;
use crate::domain::ids::{ChannelId, WorkspaceId};
use crate::domain::mail_servers::{ChannelMail, Security, Server};
use crate::failure::Failure;

/// How answers to a channel's replies come back.
#[derive(Clone, Debug)]
pub struct Answers {
    /// What signs the addresses.
    pub secret: String,
    /// Whether replies carry such an address.
    pub by_address: bool,
}

/// The row of a channel.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What is shown and edited.
    pub mail: ChannelMail,
    /// How answers come back.
    pub answers: Answers,
    /// The sealed password for sending.
    pub smtp_password: Option<String>,
    /// The sealed password for fetching.
    pub imap_password: Option<String>,
    /// Why the mailbox could not be read the last time, if so.
    pub imap_problem: Option<String>,
    /// When it was read last.
    pub imap_checked_at: Option<DateTime<Utc>>,
    /// Raised with every change.
    pub version: i64,
}

impl Settings {
    /// How a channel sends and fetches for which nothing was set yet.
    #[must_use]
    pub fn fresh() -> Self {
        Self {
            mail: ChannelMail { reply_by_address: true, imap_folder: "INBOX".to_owned(), ..ChannelMail::default() },
            answers: Answers { secret: String::new(), by_address: true },
            smtp_password: None,
            imap_password: None,
            imap_problem: None,
            imap_checked_at: None,
            version: 1,
        }
    }
}

type Text = Option<String>;
type ServerRow = (Text, Option<i32>, Text, Text, Text);

#[derive(Queryable, Selectable)]
#[diesel(table_name = channel_mail)]
struct Row {
    reply_secret: String,
    reply_by_address: bool,
    from_name: String,
    from_address: Text,
    signature: String,
    #[diesel(select_expression = (channel_mail::smtp_host, channel_mail::smtp_port, channel_mail::smtp_security, channel_mail::smtp_user, channel_mail::smtp_password))]
    smtp: ServerRow,
    #[diesel(select_expression = (channel_mail::imap_host, channel_mail::imap_port, channel_mail::imap_security, channel_mail::imap_user, channel_mail::imap_password))]
    imap: ServerRow,
    imap_folder: String,
    imap_problem: Text,
    imap_checked_at: Option<At>,
    version: i64,
    quotes: bool,
}

fn server((host, port, security, user, _): &ServerRow) -> Option<Server> {
    Some(Server {
        host: host.clone()?,
        port: u16::try_from((*port)?).ok()?,
        security: Security::parse(security.as_deref()?)?,
        user: user.clone().unwrap_or_default(),
    })
}

impl Row {
    fn read(self) -> Settings {
        Settings {
            mail: ChannelMail {
                from_name: self.from_name,
                from_address: self.from_address,
                signature: self.signature,
                reply_by_address: self.reply_by_address,
                smtp: server(&self.smtp),
                imap: server(&self.imap),
                imap_folder: self.imap_folder,
                quotes: self.quotes,
            },
            answers: Answers { secret: self.reply_secret, by_address: self.reply_by_address },
            smtp_password: self.smtp.4,
            imap_password: self.imap.4,
            imap_problem: self.imap_problem,
            imap_checked_at: self.imap_checked_at.map(|at| at.0),
            version: self.version,
        }
    }
}

/// How a channel sends and fetches, if anything was set or sent yet.
///
/// # Errors
/// Trouble with the database.
pub fn find(rx: &mut Rx, channel: ChannelId) -> Result<Option<Settings>, Failure> {
    let row: Option<Row> = channel_mail::table
        .filter(channel_mail::workspace_id.eq(rx.workspace()))
        .filter(channel_mail::channel_id.eq(channel))
        .select(Row::as_select())
        .first(rx.conn)
        .optional()?;
    Ok(row.map(Row::read))
}

/// Which channels have a server of their own for sending, and whose mailboxes cannot be read, with the reason.
///
/// # Errors
/// Trouble with the database.
pub fn list_states(rx: &mut Rx) -> Result<Vec<(ChannelId, bool, Option<String>)>, Failure> {
    let rows: Vec<(ChannelId, Text, Text, Text)> = channel_mail::table
        .filter(channel_mail::workspace_id.eq(rx.workspace()))
        .select((
            channel_mail::channel_id,
            channel_mail::smtp_host,
            channel_mail::imap_host,
            channel_mail::imap_problem,
        ))
        .load(rx.conn)?;
    Ok(rows.into_iter().map(|(channel, smtp, imap, problem)| (channel, smtp.is_some(), imap.and(problem))).collect())
}

/// The addresses that channels send from, where those are not their own.
///
/// # Errors
/// Trouble with the database.
pub fn list_senders(rx: &mut Rx) -> Result<Vec<String>, Failure> {
    Ok(channel_mail::table
        .filter(channel_mail::workspace_id.eq(rx.workspace()))
        .filter(channel_mail::from_address.is_not_null())
        .select(channel_mail::from_address.assume_not_null())
        .load(rx.conn)?)
}

/// How answers come back to a channel, if it has sent anything yet.
///
/// # Errors
/// Trouble with the database.
pub fn find_answers(rx: &mut Rx, channel: ChannelId) -> Result<Option<Answers>, Failure> {
    Ok(find(rx, channel)?.map(|settings| settings.answers))
}

/// How a channel sends and is answered. The secret of its answer addresses is made the first time.
///
/// # Errors
/// Trouble with the database.
pub fn find_or_insert(tx: &mut Tx, channel: ChannelId) -> Result<Settings, Failure> {
    if let Some(settings) = find(tx, channel)? {
        return Ok(settings);
    }
    let (workspace, secret) = (tx.workspace(), tx.new_secret());
    insert_new!(
        tx.write(),
        channel_mail::table,
        (
            channel_mail::channel_id.eq(channel),
            channel_mail::workspace_id.eq(workspace),
            channel_mail::reply_secret.eq(secret.reveal()),
        )
    )?;
    find(tx, channel)?.ok_or(Failure::NotFound)
}

/// The same, locked until the end of the unit of work.
///
/// # Errors
/// [`Failure::NotFound`], or trouble with the database.
pub fn lock(tx: &mut Tx, channel: ChannelId) -> Result<Settings, Failure> {
    find_or_insert(tx, channel)?;
    let workspace = tx.workspace();
    let rows: Vec<Row> = load_locked!(
        tx,
        Row,
        channel_mail::table
            .filter(channel_mail::workspace_id.eq(workspace))
            .filter(channel_mail::channel_id.eq(channel))
            .select(Row::as_select())
    )?;
    rows.into_iter().next().map(Row::read).ok_or(Failure::NotFound)
}

/// From where a mailbox is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    /// As before.
    Unchanged,
    /// With what comes from now on.
    Now,
    /// With all that is there.
    Beginning,
}

/// Mails with higher numbers than this were not read yet; so is none, until it is known which the next one is.
const NOT_KNOWN: i64 = -1;

/// Changes how a channel sends and fetches to what is given.
///
/// # Errors
/// Trouble with the database.
pub fn set(tx: &mut Tx, channel: ChannelId, settings: &Settings, start: Start) -> Result<(), Failure> {
    let (workspace, now) = (tx.workspace(), At(tx.now()));
    let row = || {
        channel_mail::table
            .filter(channel_mail::workspace_id.eq(workspace))
            .filter(channel_mail::channel_id.eq(channel))
    };
    let (mail, smtp, imap) = (&settings.mail, settings.mail.smtp.as_ref(), settings.mail.imap.as_ref());
    diesel::update(row())
        .set((
            channel_mail::from_name.eq(&mail.from_name),
            channel_mail::from_address.eq(&mail.from_address),
            channel_mail::signature.eq(&mail.signature),
            channel_mail::reply_by_address.eq(mail.reply_by_address),
            channel_mail::quotes.eq(mail.quotes),
            channel_mail::smtp_host.eq(smtp.map(|one| one.host.as_str())),
            channel_mail::smtp_port.eq(smtp.map(|one| i32::from(one.port))),
            channel_mail::smtp_security.eq(smtp.map(|one| one.security.as_str())),
            channel_mail::smtp_user.eq(smtp.map(|one| one.user.as_str())),
            channel_mail::smtp_password.eq(settings.smtp_password.as_deref()),
            channel_mail::version.eq(settings.version + 1),
        ))
        .execute(tx.write())?;
    diesel::update(row())
        .set((
            channel_mail::imap_host.eq(imap.map(|one| one.host.as_str())),
            channel_mail::imap_port.eq(imap.map(|one| i32::from(one.port))),
            channel_mail::imap_security.eq(imap.map(|one| one.security.as_str())),
            channel_mail::imap_user.eq(imap.map(|one| one.user.as_str())),
            channel_mail::imap_password.eq(settings.imap_password.as_deref()),
            channel_mail::imap_folder.eq(&mail.imap_folder),
            // Whatever was wrong may be right now.
            channel_mail::imap_next_at.eq(imap.map(|_| now)),
            channel_mail::imap_failures.eq(0),
            channel_mail::imap_problem.eq(None::<String>),
            // Whoever reads it by what was set before has lost it.
            channel_mail::imap_claim.eq(channel_mail::imap_claim + 1),
            channel_mail::imap_locked_until.eq(None::<At>),
            channel_mail::imap_stuck.eq(None::<i64>),
        ))
        .execute(tx.write())?;
    if start != Start::Unchanged {
        let seen = if start == Start::Now { NOT_KNOWN } else { 0 };
        diesel::update(row())
            .set((
                channel_mail::imap_validity.eq(None::<i64>),
                channel_mail::imap_seen.eq(seen),
                channel_mail::imap_since.eq(None::<At>),
            ))
            .execute(tx.write())?;
    }
    Ok(())
}

/// A claim on a mailbox. Each has a number of its own, so that whoever lost it cannot take it for theirs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hold {
    /// Of which channel.
    pub channel: ChannelId,
    claim: i64,
}

/// A mailbox that this instance is to read.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// Where its mails belong.
    pub workspace: WorkspaceId,
    /// The claim, and to which channel.
    pub hold: Hold,
    /// How often it could not be read in a row.
    pub failures: i32,
}

/// How long a claim holds without being renewed.
pub const CLAIM: TimeDelta = TimeDelta::seconds(90);

/// Mailboxes that are due and claimed by nobody.
macro_rules! due {
    ($now:expr) => {
        channel_mail::table
            .filter(channel_mail::imap_next_at.is_not_null())
            .filter(channel_mail::imap_next_at.le(At($now)))
            .filter(channel_mail::imap_locked_until.is_null().or(channel_mail::imap_locked_until.le(At($now))))
    };
}

/// The mailbox of a claim, as long as it holds.
macro_rules! held {
    ($hold:expr) => {
        channel_mail::table
            .filter(channel_mail::channel_id.eq($hold.channel))
            .filter(channel_mail::imap_claim.eq($hold.claim))
    };
}

/// Claims the mailbox that waits longest, if one is due.
///
/// # Errors
/// Trouble with the database.
pub fn claim(ax: &mut Ax) -> Result<Option<Claimed>, Failure> {
    let now = ax.now();
    let query = due!(now).order((channel_mail::imap_next_at, channel_mail::channel_id)).limit(1).select((
        channel_mail::workspace_id,
        channel_mail::channel_id,
        channel_mail::imap_failures,
        channel_mail::imap_claim,
    ));
    let found: Vec<(WorkspaceId, ChannelId, i32, i64)> = match ax.conn {
        AnyConn::Sqlite(conn) => query.load(conn)?,
        AnyConn::Pg(conn) => query.for_update().skip_locked().load(conn)?,
    };
    let Some((workspace, channel, failures, before)) = found.into_iter().next() else { return Ok(None) };
    let hold = Hold { channel, claim: before + 1 };
    diesel::update(channel_mail::table.filter(channel_mail::channel_id.eq(channel)))
        .set((channel_mail::imap_claim.eq(hold.claim), channel_mail::imap_locked_until.eq(At(now + CLAIM))))
        .execute(ax.conn)?;
    Ok(Some(Claimed { workspace, hold, failures }))
}

/// How many mailboxes are due that nobody reads.
///
/// # Errors
/// Trouble with the database.
pub fn count_due(ax: &mut Ax) -> Result<i64, Failure> {
    let now = ax.now();
    Ok(due!(now).count().get_result(ax.conn)?)
}

/// Renews a claim.
///
/// # Errors
/// [`Failure::Stale`] if it was lost, or trouble with the database.
pub fn renew(ax: &mut Ax, hold: Hold) -> Result<(), Failure> {
    let until = At(ax.now() + CLAIM);
    let renewed = diesel::update(held!(hold)).set(channel_mail::imap_locked_until.eq(until)).execute(ax.conn)?;
    if renewed == 0 { Err(Failure::Stale) } else { Ok(()) }
}

/// How far a mailbox was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// Up to this number.
    pub seen: i64,
    /// What has a smaller number than this was there when reading began, or was numbered anew.
    pub older_below: i64,
    /// Of those, what came before this is not wanted.
    pub since: Option<DateTime<Utc>>,
    /// Which mail could not be fetched, and how often.
    pub stuck: Option<(i64, i32)>,
}

/// How far a mailbox was read under this numbering. The numbering is another one if the server made its mailbox anew; then it is
/// read from the beginning: what is known is recognised, and what came before its mail was wanted is left where it is.
///
/// # Errors
/// [`Failure::Stale`] if the claim was lost, or trouble with the database.
pub fn take_place(ax: &mut Ax, hold: Hold, validity: i64, next: Option<i64>) -> Result<Place, Failure> {
    type Known = (Option<i64>, i64, i64, Option<At>, Option<i64>, i32);
    let now = At(ax.now());
    let known: Option<Known> = held!(hold)
        .select((
            channel_mail::imap_validity,
            channel_mail::imap_seen,
            channel_mail::imap_older_below,
            channel_mail::imap_since,
            channel_mail::imap_stuck,
            channel_mail::imap_stuck_tries,
        ))
        .first(ax.conn)
        .optional()?;
    let Some((known, seen, older_below, since, stuck, tries)) = known else { return Err(Failure::Stale) };
    if known == Some(validity) {
        let stuck = stuck.map(|uid| (uid, tries));
        return Ok(Place { seen, older_below, since: since.map(|at| at.0), stuck });
    }
    let older_below = next.unwrap_or(i64::MAX);
    let (seen, since) = match (known, seen) {
        (None, NOT_KNOWN) => (next.map_or(0, |next| next - 1), Some(now)),
        _ => (0, since),
    };
    diesel::update(held!(hold))
        .set((
            channel_mail::imap_validity.eq(validity),
            channel_mail::imap_seen.eq(seen),
            channel_mail::imap_older_below.eq(older_below),
            channel_mail::imap_since.eq(since),
            channel_mail::imap_stuck.eq(None::<i64>),
        ))
        .execute(ax.conn)?;
    Ok(Place { seen, older_below, since: since.map(|at| at.0), stuck: None })
}

/// Notes that everything up to this number was taken in, and renews the claim.
///
/// # Errors
/// [`Failure::Stale`] if the claim was lost, or trouble with the database.
pub fn set_seen(ax: &mut Ax, hold: Hold, validity: i64, seen: i64) -> Result<(), Failure> {
    diesel::update(
        held!(hold).filter(channel_mail::imap_validity.eq(validity)).filter(channel_mail::imap_seen.lt(seen)),
    )
    .set(channel_mail::imap_seen.eq(seen))
    .execute(ax.conn)?;
    renew(ax, hold)
}

/// Notes that a mail could not be fetched, once more.
///
/// # Errors
/// Trouble with the database.
pub fn set_stuck(ax: &mut Ax, hold: Hold, uid: i64) -> Result<(), Failure> {
    let again = diesel::update(held!(hold).filter(channel_mail::imap_stuck.eq(uid)))
        .set(channel_mail::imap_stuck_tries.eq(channel_mail::imap_stuck_tries + 1))
        .execute(ax.conn)?;
    if again == 0 {
        diesel::update(held!(hold))
            .set((channel_mail::imap_stuck.eq(uid), channel_mail::imap_stuck_tries.eq(1)))
            .execute(ax.conn)?;
    }
    Ok(())
}

/// Notes that a mailbox was read to its end.
///
/// # Errors
/// [`Failure::Stale`] if the claim was lost, or trouble with the database.
pub fn set_checked(ax: &mut Ax, hold: Hold) -> Result<(), Failure> {
    let now = At(ax.now());
    diesel::update(held!(hold))
        .set((
            channel_mail::imap_checked_at.eq(now),
            channel_mail::imap_problem.eq(None::<String>),
            channel_mail::imap_failures.eq(0),
        ))
        .execute(ax.conn)?;
    renew(ax, hold)
}

/// Gives a claim back: the mailbox is read again after a while, or could not be read, and why. One that is fetched from no more
/// stays so, and one that was lost is somebody else's.
///
/// # Errors
/// Trouble with the database.
pub fn release(ax: &mut Ax, hold: Hold, after: TimeDelta, problem: Option<(i32, &str)>) -> Result<(), Failure> {
    let next = At(ax.now() + after);
    if let Some((failures, problem)) = problem {
        diesel::update(held!(hold))
            .set((channel_mail::imap_failures.eq(failures), channel_mail::imap_problem.eq(problem)))
            .execute(ax.conn)?;
    }
    diesel::update(held!(hold).filter(channel_mail::imap_next_at.is_not_null()))
        .set(channel_mail::imap_next_at.eq(next))
        .execute(ax.conn)?;
    diesel::update(held!(hold)).set(channel_mail::imap_locked_until.eq(None::<At>)).execute(ax.conn)?;
    Ok(())
}

/// How many mailboxes are read, and how many of them cannot be.
///
/// # Errors
/// Trouble with the database.
pub fn count(ax: &mut Ax) -> Result<(i64, i64), Failure> {
    let read = || channel_mail::table.filter(channel_mail::imap_next_at.is_not_null());
    let all = read().count().get_result(ax.conn)?;
    let bad = read().filter(channel_mail::imap_problem.is_not_null()).count().get_result(ax.conn)?;
    Ok((all, bad))
}
