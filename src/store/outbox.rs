//! Mail to be sent: queued with the change that causes it, sent later, its state kept for all to see (O-3).

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;

use super::among::load_among;
use super::db::{AnyConn, Ax, Rx, Tx, insert_in_parts};
use super::schema::{channel_mail, outbox, users};
use super::types::At;
use crate::domain::ids::{ChannelId, MailId, UserId, WorkspaceId};
use crate::domain::invites::InviteRefusal;
use crate::domain::text::key;
use crate::failure::Failure;
use crate::mail::{Mail, Outgoing};

/// Where a mail stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Waits to be sent.
    Queued,
    /// Was taken by the mail server.
    Sent,
    /// Was refused for good, or too often.
    Failed,
    /// No mail server is set: kept here and as a file.
    Kept,
    /// Was taken by the mail server, and came back later: it could not be delivered.
    Returned,
}

impl State {
    /// The name under which it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Kept => "kept",
            Self::Returned => "returned",
        }
    }

    /// Whether it did not arrive, and nothing more happens by itself.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::Returned)
    }

    /// The state of this stored name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let all = [Self::Queued, Self::Sent, Self::Failed, Self::Kept, Self::Returned];
        all.into_iter().find(|state| state.as_str() == name)
    }
}

pub(super) fn insert(tx: &mut Tx, mail: Mail) -> Result<MailId, Failure> {
    insert_many(tx, vec![mail])?.into_iter().next().ok_or(Failure::Bug("a mail without an id"))
}

/// Queues mails, in a few statements however many there are.
pub(super) fn insert_many(tx: &mut Tx, mails: Vec<Mail>) -> Result<Vec<MailId>, Failure> {
    let (workspace, now) = (tx.workspace(), At(tx.now()));
    let users = users_of(tx, &mails)?;
    let ids: Vec<MailId> = mails.iter().map(|_| tx.new_id()).collect();
    let mut rows: Vec<NewRow> = ids
        .iter()
        .zip(mails)
        .map(|(id, mail)| NewRow {
            id: *id,
            workspace_id: workspace,
            kind: mail.kind,
            to_name: mail.to_name,
            to_address: mail.to_address,
            from_name: mail.from_name,
            from_address: mail.from_address,
            reply_to: mail.reply_to,
            channel_id: mail.channel,
            subject: mail.subject,
            text_body: mail.text,
            html_body: mail.html,
            email_message_id: mail.message_id.unwrap_or_else(|| format!("{id}@baton")),
            in_reply_to: mail.in_reply_to,
            email_references: mail.references.join(" "),
            state: State::Queued.as_str(),
            attempts: 0,
            next_try_at: now,
            created_at: now,
            to_user_id: None,
        })
        .collect();
    for row in rows.iter_mut().filter(|row| row.kind != REPLY) {
        row.to_user_id = users.get(&key(&row.to_address)).copied();
    }
    insert_in_parts!(tx, outbox::table, 20, rows);
    Ok(ids)
}

/// Who has the addresses of these mails now: they may have others by the time that they are to be forgotten.
fn users_of(rx: &mut Rx, mails: &[Mail]) -> Result<HashMap<String, UserId>, Failure> {
    let keys: Vec<String> = mails.iter().filter(|mail| mail.kind != REPLY).map(|mail| key(&mail.to_address)).collect();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let mut found = HashMap::new();
    for part in keys.chunks(super::db::VALUES) {
        let rows: Vec<(String, UserId)> = users::table
            .filter(users::workspace_id.eq(rx.workspace()))
            .filter(users::email_key.eq_any(part))
            .select((users::email_key, users::id))
            .load(rx.conn)?;
        found.extend(rows);
    }
    Ok(found)
}

/// Withdraws a mail that was not sent, be it that its turn has not come or that it failed: what it says is no longer true.
///
/// # Errors
/// Trouble with the database.
pub fn withdraw(tx: &mut Tx, id: MailId) -> Result<bool, Failure> {
    let (workspace, now) = (tx.workspace(), At(tx.now()));
    let withdrawn = diesel::delete(
        outbox::table
            .filter(outbox::workspace_id.eq(workspace))
            .filter(outbox::id.eq(id))
            .filter(outbox::state.eq_any([State::Queued.as_str(), State::Failed.as_str()]))
            .filter(outbox::locked_until.is_null().or(outbox::locked_until.le(now))),
    )
    .execute(tx.write())?;
    Ok(withdrawn > 0)
}

/// What goes to a contact and was typed by a person; everything else is written by Baton, to its users.
pub(super) const REPLY: &str = "reply";

#[derive(Insertable)]
#[diesel(table_name = outbox, treat_none_as_default_value = false)]
struct NewRow {
    id: MailId,
    workspace_id: WorkspaceId,
    kind: &'static str,
    to_name: String,
    to_address: String,
    from_name: String,
    from_address: Option<String>,
    subject: String,
    text_body: String,
    html_body: String,
    email_message_id: String,
    in_reply_to: Option<String>,
    email_references: String,
    state: &'static str,
    attempts: i32,
    next_try_at: At,
    created_at: At,
    to_user_id: Option<UserId>,
    channel_id: Option<ChannelId>,
    reply_to: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = outbox)]
struct Row {
    id: MailId,
    workspace_id: WorkspaceId,
    to_name: String,
    to_address: String,
    from_name: String,
    from_address: Option<String>,
    subject: String,
    text_body: String,
    html_body: String,
    email_message_id: String,
    in_reply_to: Option<String>,
    email_references: String,
    attempts: i32,
    created_at: At,
    channel_id: Option<ChannelId>,
    reply_to: Option<String>,
}

/// How long a claim holds: longer than any mail may take ([`crate::mail::transport::LIMIT`]).
const CLAIM: TimeDelta = TimeDelta::seconds(120);

/// Which mail servers have enough to do just now.
#[derive(Clone, Debug, Default)]
pub struct Busy {
    /// That of the installation.
    pub installation: bool,
    /// Those of channels that have their own.
    pub channels: Vec<ChannelId>,
}

/// Claims the mail that waits longest, if one is due whose server is not busy.
///
/// # Errors
/// Trouble with the database.
pub fn claim(ax: &mut Ax, busy: &Busy) -> Result<Option<Outgoing>, Failure> {
    let now = ax.now();
    let own_server = channel_mail::table
        .filter(channel_mail::channel_id.nullable().eq(outbox::channel_id))
        .filter(channel_mail::smtp_host.is_not_null());
    let free = (!busy.installation).into_sql::<diesel::sql_types::Bool>();
    let due = outbox::table
        .filter(outbox::state.eq(State::Queued.as_str()))
        .filter(outbox::next_try_at.le(At(now)))
        .filter(outbox::locked_until.is_null().or(outbox::locked_until.le(At(now))))
        .filter(outbox::channel_id.is_null().or(outbox::channel_id.assume_not_null().ne_all(&busy.channels)))
        .filter(free.or(diesel::dsl::exists(own_server)))
        .order((outbox::next_try_at, outbox::id))
        .limit(1);
    let found: Vec<Row> = match ax.conn {
        AnyConn::Sqlite(conn) => due.select(Row::as_select()).load(conn)?,
        AnyConn::Pg(conn) => due.for_update().skip_locked().select(Row::as_select()).load(conn)?,
    };
    let Some(row) = found.into_iter().next() else { return Ok(None) };
    diesel::update(outbox::table.filter(outbox::id.eq(row.id)))
        .set((outbox::locked_until.eq(At(now + CLAIM)), outbox::attempts.eq(row.attempts + 1)))
        .execute(ax.conn)?;
    Ok(Some(Outgoing {
        id: row.id,
        workspace: row.workspace_id,
        to_name: row.to_name,
        to_address: row.to_address,
        from_name: row.from_name,
        from_address: row.from_address,
        reply_to: row.reply_to,
        channel: row.channel_id,
        subject: row.subject,
        text: row.text_body,
        html: row.html_body,
        message_id: row.email_message_id,
        in_reply_to: row.in_reply_to,
        references: row.email_references,
        attempts: row.attempts + 1,
        created_at: row.created_at.0,
        claimed_until: now + CLAIM,
    }))
}

/// Whether a mail is still claimed by whoever got it so. Its row is locked until the end of the piece of work.
///
/// # Errors
/// Trouble with the database.
pub fn is_held(ax: &mut Ax, mail: &Outgoing) -> Result<bool, Failure> {
    let query = outbox::table
        .filter(outbox::id.eq(mail.id))
        .filter(outbox::state.eq(State::Queued.as_str()))
        .filter(outbox::attempts.eq(mail.attempts))
        .filter(outbox::locked_until.eq(At(mail.claimed_until)))
        .select(outbox::id);
    let found: Option<MailId> = match ax.conn {
        AnyConn::Sqlite(conn) => query.first(conn).optional()?,
        AnyConn::Pg(conn) => query.for_update().first(conn).optional()?,
    };
    Ok(found.is_some())
}

/// Lets the mails of a channel that could not leave be tried again at once: its server is set in another way.
///
/// # Errors
/// Trouble with the database.
pub fn set_due_of_channel(tx: &mut Tx, channel: ChannelId) -> Result<(), Failure> {
    let (workspace, now) = (tx.workspace(), At(tx.now()));
    diesel::update(
        outbox::table
            .filter(outbox::workspace_id.eq(workspace))
            .filter(outbox::channel_id.eq(channel))
            .filter(outbox::state.eq(State::Queued.as_str()))
            .filter(outbox::attempts.gt(0)),
    )
    .set(outbox::next_try_at.eq(now))
    .execute(tx.write())?;
    Ok(())
}

/// Notes the end of a mail: sent, kept or failed. The text of a mail that holds a link goes with it, so that no link
/// can be read from the database afterwards; kept mails are the exception, because nobody else has them.
///
/// # Errors
/// Trouble with the database.
pub fn finish(ax: &mut Ax, id: MailId, state: State, problem: Option<&str>) -> Result<(), Failure> {
    let now = At(ax.now());
    // A mail to somebody who was deleted meanwhile has no address any more, and gets no problem that names them.
    diesel::update(outbox::table.filter(outbox::id.eq(id)).filter(outbox::to_address.ne("")))
        .set((
            outbox::state.eq(state.as_str()),
            outbox::problem.eq(problem),
            outbox::locked_until.eq(None::<At>),
            outbox::finished_at.eq(now),
        ))
        .execute(ax.conn)?;
    if state == State::Sent {
        diesel::update(outbox::table.filter(outbox::id.eq(id)).filter(outbox::kind.ne(REPLY)))
            .set((outbox::text_body.eq(""), outbox::html_body.eq("")))
            .execute(ax.conn)?;
    }
    Ok(())
}

/// Puts a mail that could not be sent off.
///
/// # Errors
/// Trouble with the database.
pub fn postpone(ax: &mut Ax, id: MailId, by: TimeDelta, problem: &str) -> Result<(), Failure> {
    let at = At(ax.now() + by);
    diesel::update(outbox::table.filter(outbox::id.eq(id)).filter(outbox::to_address.ne("")))
        .set((outbox::next_try_at.eq(at), outbox::locked_until.eq(None::<At>), outbox::problem.eq(problem)))
        .execute(ax.conn)?;
    Ok(())
}

/// A mail, as Settings → Outbox lists it.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Its id.
    pub id: MailId,
    /// To whom.
    pub to: String,
    /// About what.
    pub subject: String,
    /// Where it stands.
    pub state: State,
    /// How often it was tried.
    pub attempts: i32,
    /// What went wrong last.
    pub problem: Option<String>,
    /// When it was queued.
    pub created_at: DateTime<Utc>,
    /// When it will be tried again, while it is queued.
    pub next_try_at: DateTime<Utc>,
    /// What it says, if it is kept here because no mail server is set.
    pub text: String,
    /// Whether it holds a link that lets whoever has it in as somebody else.
    pub lets_in: bool,
}

type ListedRow = (MailId, String, (String, String), String, String, i32, Option<String>, At, At, String);

/// A page of mails, latest first.
///
/// # Errors
/// Trouble with the database.
pub fn list(rx: &mut Rx, state: Option<State>, (limit, offset): (i64, i64)) -> Result<(Vec<Listed>, i64), Failure> {
    let ours = || {
        let mut query =
            outbox::table.filter(outbox::workspace_id.eq(rx.workspace())).into_boxed::<super::db::MultiBackend>();
        if let Some(state) = state {
            query = query.filter(outbox::state.eq(state.as_str()));
        }
        query
    };
    let (page, all) = (ours(), ours());
    let total: i64 = all.count().get_result(rx.conn)?;
    let rows: Vec<ListedRow> = page
        .order((outbox::created_at.desc(), outbox::id.desc()))
        .limit(limit)
        .offset(offset)
        .select((
            outbox::id,
            outbox::kind,
            (outbox::to_name, outbox::to_address),
            outbox::subject,
            outbox::state,
            outbox::attempts,
            outbox::problem,
            outbox::created_at,
            outbox::next_try_at,
            outbox::text_body,
        ))
        .load(rx.conn)?;
    let mails = rows
        .into_iter()
        .map(|(id, kind, (name, address), subject, state, attempts, problem, created, next, text)| {
            // Of somebody who was deleted, there is no address any more.
            let to = if address.is_empty() { name } else { address };
            let state = State::parse(&state).ok_or_else(|| Failure::Corrupt("outbox.state", state.clone()))?;
            let text = if state == State::Kept { text } else { String::new() };
            let lets_in = matches!(kind.as_str(), "invite" | "password");
            let (created_at, next_try_at) = (created.0, next.0);
            Ok(Listed { id, to, subject, state, attempts, problem, created_at, next_try_at, text, lets_in })
        })
        .collect::<Result<_, Failure>>()?;
    Ok((mails, total))
}

/// Queues a mail once more that failed or came back; says whether it was one.
///
/// # Errors
/// [`InviteRefusal::MailOutdated`] if it carries a link that is dead, or trouble with the database.
pub fn requeue(tx: &mut Tx, id: MailId) -> Result<bool, Failure> {
    let (workspace, now) = (tx.workspace(), At(tx.now()));
    // One that was on its way when its link was replaced could not be withdrawn, and may have failed since.
    let of_invite: Option<At> = outbox::table
        .filter(outbox::workspace_id.eq(workspace))
        .filter(outbox::id.eq(id))
        .filter(outbox::kind.eq("invite"))
        .select(outbox::created_at)
        .first(tx.locking())
        .optional()?;
    if let Some(made) = of_invite
        && !super::invites::is_current_mail(tx, id, made)?
    {
        return Err(InviteRefusal::MailOutdated.into());
    }
    let changed = diesel::update(
        outbox::table
            .filter(outbox::workspace_id.eq(workspace))
            .filter(outbox::id.eq(id))
            .filter(outbox::state.eq_any([State::Failed.as_str(), State::Returned.as_str()]))
            .filter(outbox::to_address.ne("")),
    )
    .set((
        outbox::state.eq(State::Queued.as_str()),
        outbox::attempts.eq(0),
        outbox::next_try_at.eq(now),
        outbox::problem.eq(None::<String>),
        outbox::finished_at.eq(None::<At>),
    ))
    .execute(tx.write())?;
    Ok(changed > 0)
}

/// Notes that a mail which was sent came back, and why; or only why it takes its time. Says whether it was one. A report may be
/// quicker than our own note that the mail left.
///
/// # Errors
/// Trouble with the database.
pub fn set_reported(tx: &mut Tx, id: MailId, returned: bool, problem: &str) -> Result<bool, Failure> {
    let workspace = tx.workspace();
    let state = if returned { State::Returned } else { State::Sent };
    let leaving = outbox::state.eq(State::Queued.as_str()).and(outbox::attempts.gt(0));
    let changed = diesel::update(
        outbox::table
            .filter(outbox::workspace_id.eq(workspace))
            .filter(outbox::id.eq(id))
            .filter(outbox::state.eq(State::Sent.as_str()).or(leaving))
            .filter(outbox::to_address.ne("")),
    )
    .set((outbox::state.eq(state.as_str()), outbox::problem.eq(problem)))
    .execute(tx.write())?;
    Ok(changed > 0)
}

/// Whether this is a mail of ours.
///
/// # Errors
/// Trouble with the database.
pub fn exists(rx: &mut Rx, id: MailId) -> Result<bool, Failure> {
    let found: Option<MailId> = outbox::table
        .filter(outbox::workspace_id.eq(rx.workspace()))
        .filter(outbox::id.eq(id))
        .select(outbox::id)
        .first(rx.conn)
        .optional()?;
    Ok(found.is_some())
}

/// The delivery states of some mails.
///
/// # Errors
/// Trouble with the database.
pub fn list_states(rx: &mut Rx, ids: &[MailId]) -> Result<Vec<(MailId, State, Option<String>)>, Failure> {
    let workspace = rx.workspace();
    let rows = load_among!(
        rx.conn,
        (MailId, String, Option<String>),
        outbox::table.filter(outbox::workspace_id.eq(workspace)).select((outbox::id, outbox::state, outbox::problem)),
        outbox::id,
        ids
    )?;
    rows.into_iter()
        .map(|(id, state, problem)| {
            let state = State::parse(&state).ok_or_else(|| Failure::Corrupt("outbox.state", state.clone()))?;
            Ok((id, state, problem))
        })
        .collect()
}
