//! Pending invites and the links that were made for them.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;

use super::db::{Rx, Tx, insert_in_parts, load_locked};
use super::schema::{invite_links, invites, outbox, users};
use super::types::At;
use crate::domain::ids::{MailId, UserId, WorkspaceId};
use crate::domain::invites::{DeadLink, InviteRefusal, LinkState, usable};
use crate::domain::secrets::Secret;
use crate::domain::text::like_pattern;
use crate::domain::users::{Name, Status, User};
use crate::failure::Failure;

/// A pending invite, as the tab shows it (I-4).
#[derive(Clone, Debug)]
pub struct Invite {
    /// The user that it makes.
    pub user: UserId,
    /// To whom.
    pub email: String,
    /// Their names, as far as the inviter knew them.
    pub name: Name,
    /// Who invited them.
    pub invited_by: Option<UserId>,
    /// When they were first invited.
    pub invited_at: DateTime<Utc>,
    /// When a mail was last queued; `None` if the link was to be copied.
    pub sent_at: Option<DateTime<Utc>>,
    /// How often.
    pub times_sent: i32,
    /// When the link dies.
    pub expires_at: DateTime<Utc>,
    /// The state of the last mail, and what went wrong with it.
    pub mail: Option<(String, Option<String>)>,
}

type Row = (UserId, String, String, String, Option<UserId>, At, Option<At>, i32, At, Option<(String, Option<String>)>);

/// Pending invites, latest first, narrowed by part of a name or address.
///
/// # Errors
/// Trouble with the database.
pub fn list(rx: &mut Rx, words: Option<&str>) -> Result<Vec<Invite>, Failure> {
    read(rx, words, None)
}

/// The pending invites of these users, latest first.
///
/// # Errors
/// Trouble with the database.
pub fn list_of_users(rx: &mut Rx, ids: &[UserId]) -> Result<Vec<Invite>, Failure> {
    read(rx, None, Some(ids))
}

/// The pending invite of a user.
///
/// # Errors
/// Trouble with the database.
pub fn find(rx: &mut Rx, user: UserId) -> Result<Option<Invite>, Failure> {
    Ok(read(rx, None, Some(&[user]))?.into_iter().next())
}

fn read(rx: &mut Rx, words: Option<&str>, only: Option<&[UserId]>) -> Result<Vec<Invite>, Failure> {
    let mut query = invites::table
        .inner_join(users::table.on(users::id.eq(invites::user_id)))
        .left_join(outbox::table.on(outbox::id.nullable().eq(invites::outbox_id)))
        .filter(invites::workspace_id.eq(rx.workspace()))
        .filter(users::status.eq(Status::Invited.as_str()))
        .order((invites::invited_at.desc(), users::id))
        .select((
            users::id,
            users::email,
            users::full_name,
            users::display_name,
            invites::invited_by,
            invites::invited_at,
            invites::sent_at,
            invites::times_sent,
            invites::expires_at,
            (outbox::state, outbox::problem).nullable(),
        ))
        .into_boxed::<super::db::MultiBackend>();
    if let Some(words) = words {
        let pattern = like_pattern(&crate::domain::text::key(words));
        query = query
            .filter(users::name_key.like(pattern.clone()).escape('\\').or(users::email_key.like(pattern).escape('\\')));
    }
    if let Some(ids) = only {
        query = query.filter(users::id.eq_any(ids));
    }
    let rows: Vec<Row> = query.load(rx.conn)?;
    Ok(rows
        .into_iter()
        .map(|(user, email, full, display, invited_by, invited_at, sent_at, times_sent, expires_at, mail)| Invite {
            user,
            email,
            name: Name { full, display },
            invited_by,
            invited_at: invited_at.0,
            sent_at: sent_at.map(DateTime::from),
            times_sent,
            expires_at: expires_at.0,
            mail,
        })
        .collect())
}

/// Whether all of these are or were somebody here. Of a cancelled invite nothing is left but its events.
///
/// # Errors
/// [`Failure::NotFound`] if one never was, or trouble with the database.
pub fn were_here(rx: &mut Rx, ids: &[UserId]) -> Result<(), Failure> {
    for part in ids.chunks(super::db::VALUES) {
        let ours = users::table.filter(users::workspace_id.eq(rx.workspace()));
        let known: HashSet<UserId> =
            ours.filter(users::id.eq_any(part)).select(users::id).load::<UserId>(rx.conn)?.into_iter().collect();
        let gone: HashSet<UserId> = part.iter().filter(|id| !known.contains(id)).copied().collect();
        let gone: Vec<UserId> = gone.into_iter().collect();
        if !gone.is_empty() && super::audit::list_told_of(rx, &gone)?.len() < gone.len() {
            return Err(Failure::NotFound);
        }
    }
    Ok(())
}

/// Notes a new invite.
///
/// # Errors
/// Trouble with the database.
pub fn insert(tx: &mut Tx, user: UserId, valid: TimeDelta) -> Result<(), Failure> {
    let (workspace, now, by) = (tx.workspace(), tx.now(), tx.actor().user());
    diesel::insert_into(invites::table)
        .values((
            invites::user_id.eq(user),
            invites::workspace_id.eq(workspace),
            invites::invited_by.eq(by),
            invites::invited_at.eq(At(now)),
            invites::times_sent.eq(0),
            invites::expires_at.eq(At(now + valid)),
        ))
        .execute(tx.write())?;
    Ok(())
}

/// The users behind some addresses, whatever their status.
///
/// # Errors
/// Trouble with the database.
pub fn list_known(rx: &mut Rx, emails: &[String]) -> Result<Vec<User>, Failure> {
    let mut ids: Vec<UserId> = Vec::new();
    for part in emails.chunks(super::db::VALUES) {
        let ours = users::table.filter(users::workspace_id.eq(rx.workspace()));
        ids.extend(ours.filter(users::email_key.eq_any(part)).select(users::id).load::<UserId>(rx.conn)?);
    }
    super::users::list_these(rx, &ids)
}

/// Adds invited users, in a few statements however many there are.
///
/// # Errors
/// [`crate::domain::users::UserRefusal::EmailTaken`] if somebody took one of the addresses meanwhile, or trouble with the database.
pub fn insert_users(tx: &mut Tx, all: &[(UserId, &str, &Name)]) -> Result<(), Failure> {
    let (workspace, now) = (tx.workspace(), At(tx.now()));
    let rows: Vec<_> = all
        .iter()
        .map(|(id, email, name)| {
            (
                users::id.eq(*id),
                users::workspace_id.eq(workspace),
                users::email.eq(*email),
                users::email_key.eq(crate::domain::text::key(email)),
                users::full_name.eq(name.full.as_str()),
                users::display_name.eq(name.display.as_str()),
                users::name_key.eq(crate::domain::text::key(&name.full)),
                users::status.eq(Status::Invited.as_str()),
                users::status_changed_at.eq(now),
                users::beta_access.eq(false),
                users::version.eq(1),
                users::created_at.eq(now),
            )
        })
        .collect();
    let mut insert = || -> Result<(), diesel::result::Error> {
        insert_in_parts!(tx, users::table, 12, rows);
        Ok(())
    };
    insert().map_err(|error| super::users::taken(error, "one of these addresses"))
}

/// Notes new invites with a link for each, in a few statements however many there are. Those with a mail count as sent.
///
/// # Errors
/// Trouble with the database.
pub fn insert_many(tx: &mut Tx, all: &[(UserId, Secret, Option<MailId>)], valid: TimeDelta) -> Result<(), Failure> {
    let (workspace, now, by) = (tx.workspace(), tx.now(), tx.actor().user());
    let rows: Vec<NewRow> = all
        .iter()
        .map(|(user, _, mail)| NewRow {
            user_id: *user,
            workspace_id: workspace,
            invited_by: by,
            invited_at: At(now),
            sent_at: mail.map(|_| At(now)),
            times_sent: i32::from(mail.is_some()),
            expires_at: At(now + valid),
            outbox_id: *mail,
        })
        .collect();
    insert_in_parts!(tx, invites::table, 8, rows);
    let links: Vec<_> = all
        .iter()
        .map(|(user, secret, _)| {
            (
                invite_links::token_hash.eq(secret.hash()),
                invite_links::workspace_id.eq(workspace),
                invite_links::user_id.eq(*user),
                invite_links::state.eq(LinkState::Live.as_str()),
                invite_links::created_at.eq(At(now)),
                invite_links::expires_at.eq(At(now + valid)),
            )
        })
        .collect();
    insert_in_parts!(tx, invite_links::table, 6, links);
    Ok(())
}

#[derive(Insertable)]
#[diesel(table_name = invites, treat_none_as_default_value = false)]
struct NewRow {
    user_id: UserId,
    workspace_id: WorkspaceId,
    invited_by: Option<UserId>,
    invited_at: At,
    sent_at: Option<At>,
    times_sent: i32,
    expires_at: At,
    outbox_id: Option<MailId>,
}

/// Notes that the invite's mail was queued once more.
///
/// # Errors
/// Trouble with the database.
pub fn set_sent(tx: &mut Tx, user: UserId, mail: MailId) -> Result<(), Failure> {
    let (workspace, now) = (tx.workspace(), At(tx.now()));
    diesel::update(invites::table.filter(invites::workspace_id.eq(workspace)).filter(invites::user_id.eq(user)))
        .set((invites::sent_at.eq(now), invites::times_sent.eq(invites::times_sent + 1), invites::outbox_id.eq(mail)))
        .execute(tx.write())?;
    Ok(())
}

/// Whether a mail is the last of a pending invite, and carries the link that works.
pub(super) fn is_current_mail(rx: &mut Rx, mail: MailId, made: At) -> Result<bool, Failure> {
    let living: Option<UserId> = invites::table
        .inner_join(invite_links::table.on(invite_links::user_id.eq(invites::user_id)))
        .filter(invites::workspace_id.eq(rx.workspace()))
        .filter(invites::outbox_id.eq(mail))
        .filter(invite_links::state.eq(LinkState::Live.as_str()))
        .filter(invite_links::created_at.le(made))
        .filter(invite_links::expires_at.gt(At(rx.now())))
        .select(invites::user_id)
        .first(rx.conn)
        .optional()?;
    Ok(living.is_some())
}

/// Takes the invite's last mail back, if it was not sent: its link is dead.
fn withdraw_mail(tx: &mut Tx, user: UserId) -> Result<(), Failure> {
    let workspace = tx.workspace();
    let mail: Option<Option<MailId>> = invites::table
        .filter(invites::workspace_id.eq(workspace))
        .filter(invites::user_id.eq(user))
        .select(invites::outbox_id)
        .first(tx.locking())
        .optional()?;
    if let Some(mail) = mail.flatten() {
        super::outbox::withdraw(tx, mail)?;
    }
    Ok(())
}

/// Makes a new link for an invite; all earlier ones die, and a mail that was to carry one is not sent any more.
///
/// # Errors
/// Trouble with the database.
pub fn insert_link(tx: &mut Tx, user: UserId, valid: TimeDelta) -> Result<Secret, Failure> {
    withdraw_mail(tx, user)?;
    let (secret, workspace, now) = (tx.new_secret(), tx.workspace(), tx.now());
    diesel::update(
        invite_links::table
            .filter(invite_links::workspace_id.eq(workspace))
            .filter(invite_links::user_id.eq(user))
            .filter(invite_links::state.eq(LinkState::Live.as_str())),
    )
    .set(invite_links::state.eq(LinkState::Replaced.as_str()))
    .execute(tx.write())?;
    diesel::insert_into(invite_links::table)
        .values((
            invite_links::token_hash.eq(secret.hash()),
            invite_links::workspace_id.eq(workspace),
            invite_links::user_id.eq(user),
            invite_links::state.eq(LinkState::Live.as_str()),
            invite_links::created_at.eq(At(now)),
            invite_links::expires_at.eq(At(now + valid)),
        ))
        .execute(tx.write())?;
    diesel::update(invites::table.filter(invites::workspace_id.eq(workspace)).filter(invites::user_id.eq(user)))
        .set(invites::expires_at.eq(At(now + valid)))
        .execute(tx.write())?;
    Ok(secret)
}

/// Whose link it is, dead or alive; not locked.
///
/// # Errors
/// Trouble with the database.
pub fn find_link(rx: &mut Rx, token_hash: &str) -> Result<Option<UserId>, Failure> {
    Ok(invite_links::table
        .filter(invite_links::workspace_id.eq(rx.workspace()))
        .filter(invite_links::token_hash.eq(token_hash))
        .select(invite_links::user_id)
        .first(rx.conn)
        .optional()?)
}

/// Uses up a link, locked: of two at once, the second finds it used.
///
/// # Errors
/// Why the link is dead, or trouble with the database.
pub fn take_link(tx: &mut Tx, token_hash: &str) -> Result<UserId, Failure> {
    let (workspace, now) = (tx.workspace(), tx.now());
    let found: Vec<(UserId, String, At)> = load_locked!(
        tx,
        (UserId, String, At),
        invite_links::table
            .filter(invite_links::workspace_id.eq(workspace))
            .filter(invite_links::token_hash.eq(token_hash))
            .select((invite_links::user_id, invite_links::state, invite_links::expires_at))
    )?;
    let (user, state, expires_at) = found.into_iter().next().ok_or(InviteRefusal::Dead(DeadLink::Unknown))?;
    let state = LinkState::parse(&state).ok_or_else(|| Failure::Corrupt("invite_links.state", state.clone()))?;
    usable(state, expires_at.0, now).map_err(InviteRefusal::Dead)?;
    diesel::update(
        invite_links::table
            .filter(invite_links::workspace_id.eq(workspace))
            .filter(invite_links::token_hash.eq(token_hash)),
    )
    .set(invite_links::state.eq(LinkState::Used.as_str()))
    .execute(tx.write())?;
    Ok(user)
}

/// Removes an invite that was accepted or cancelled. Used links stay, so that they can say why they are dead.
///
/// # Errors
/// Trouble with the database.
pub fn delete(tx: &mut Tx, user: UserId, and_links: bool) -> Result<(), Failure> {
    withdraw_mail(tx, user)?;
    let workspace = tx.workspace();
    diesel::delete(invites::table.filter(invites::workspace_id.eq(workspace)).filter(invites::user_id.eq(user)))
        .execute(tx.write())?;
    if and_links {
        diesel::delete(
            invite_links::table.filter(invite_links::workspace_id.eq(workspace)).filter(invite_links::user_id.eq(user)),
        )
        .execute(tx.write())?;
    }
    Ok(())
}
