//! Removed and deleted users: what is sealed, what is left of their row, and what is erased elsewhere (U-10, U-11).

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::db::{Ax, Rx, Tx, load_locked};
use super::schema::{
    audit_events, conversation_reads, conversations, invite_links, invites, login_attempts, messages, outbox, roles,
    sealed_identities, team_members, teams, user_roles, users, workspaces,
};
use super::types::At;
use super::users::taken;
use crate::domain::conversations::{MessageKind, Status as ConversationStatus};
use crate::domain::ids::{ConversationId, MailId, TeamId, UserId, WorkspaceId};
use crate::domain::removal::{REMOVED_NAME, Sealed};
use crate::domain::roles::Standard;
use crate::domain::text::key;
use crate::domain::users::{Name, Status, User};
use crate::failure::Failure;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = sealed_identities, treat_none_as_default_value = false)]
struct Row {
    user_id: UserId,
    workspace_id: WorkspaceId,
    email: String,
    email_key: String,
    full_name: String,
    display_name: String,
    beta_access: bool,
    time_zone: Option<String>,
    roles: String,
    teams: String,
    channels: String,
    sealed_at: At,
}

fn ids<T: serde::de::DeserializeOwned>(column: &'static str, text: &str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|error| Failure::Corrupt(column, error.to_string()))
}

impl Row {
    fn read(self) -> Result<Sealed, Failure> {
        Ok(Sealed {
            user: self.user_id,
            email: self.email,
            name: Name { full: self.full_name, display: self.display_name },
            beta_access: self.beta_access,
            time_zone: self.time_zone,
            roles: ids("sealed_identities.roles", &self.roles)?,
            teams: ids("sealed_identities.teams", &self.teams)?,
            channels: ids("sealed_identities.channels", &self.channels)?,
            sealed_at: self.sealed_at.0,
        })
    }
}

/// Who a removed user was.
///
/// # Errors
/// Trouble with the database.
pub fn find_sealed(rx: &mut Rx, user: UserId) -> Result<Option<Sealed>, Failure> {
    let row: Option<Row> = sealed_identities::table
        .filter(sealed_identities::workspace_id.eq(rx.workspace()))
        .filter(sealed_identities::user_id.eq(user))
        .select(Row::as_select())
        .first(rx.conn)
        .optional()?;
    row.map(Row::read).transpose()
}

/// Who was removed with this address.
///
/// # Errors
/// Trouble with the database.
pub fn find_sealed_by_email(rx: &mut Rx, email: &str) -> Result<Option<Sealed>, Failure> {
    let row: Option<Row> = sealed_identities::table
        .filter(sealed_identities::workspace_id.eq(rx.workspace()))
        .filter(sealed_identities::email_key.eq(key(email)))
        .select(Row::as_select())
        .first(rx.conn)
        .optional()?;
    row.map(Row::read).transpose()
}

/// Which of some addresses are sealed, as they are written there, and since when.
///
/// # Errors
/// Trouble with the database.
pub fn list_sealed_among(rx: &mut Rx, emails: &[String]) -> Result<Vec<(String, DateTime<Utc>)>, Failure> {
    let mut found: Vec<(String, At)> = Vec::new();
    for part in emails.chunks(super::db::VALUES) {
        let query = sealed_identities::table
            .filter(sealed_identities::workspace_id.eq(rx.workspace()).and(sealed_identities::email_key.eq_any(part)))
            .select((sealed_identities::email, sealed_identities::sealed_at));
        found.extend(query.load::<(String, At)>(rx.conn)?);
    }
    Ok(found.into_iter().map(|(email, at)| (email, at.0)).collect())
}

/// Seals who somebody is. Whoever had the same address before them is unlinked from it.
///
/// # Errors
/// Trouble with the database.
pub fn insert_sealed(tx: &mut Tx, sealed: &Sealed) -> Result<(), Failure> {
    let workspace_id = tx.workspace();
    let json = |value: serde_json::Value| value.to_string();
    let row = Row {
        user_id: sealed.user,
        workspace_id,
        email: sealed.email.clone(),
        email_key: key(&sealed.email),
        full_name: sealed.name.full.clone(),
        display_name: sealed.name.display.clone(),
        beta_access: sealed.beta_access,
        time_zone: sealed.time_zone.clone(),
        roles: json(serde_json::json!(sealed.roles)),
        teams: json(serde_json::json!(sealed.teams)),
        channels: json(serde_json::json!(sealed.channels)),
        sealed_at: At(sealed.sealed_at),
    };
    diesel::delete(
        sealed_identities::table
            .filter(sealed_identities::workspace_id.eq(workspace_id))
            .filter(sealed_identities::email_key.eq(&row.email_key).or(sealed_identities::user_id.eq(sealed.user))),
    )
    .execute(tx.write())?;
    diesel::insert_into(sealed_identities::table).values(&row).execute(tx.write())?;
    Ok(())
}

/// Forgets who a removed user was; says whether it was known.
///
/// # Errors
/// Trouble with the database.
pub fn delete_sealed(tx: &mut Tx, user: UserId) -> Result<bool, Failure> {
    let workspace = tx.workspace();
    let deleted = diesel::delete(
        sealed_identities::table
            .filter(sealed_identities::workspace_id.eq(workspace))
            .filter(sealed_identities::user_id.eq(user)),
    )
    .execute(tx.write())?;
    Ok(deleted > 0)
}

/// Leaves nothing in the row of somebody who is removed but that.
///
/// # Errors
/// [`Failure::Stale`] if the user changed since it was read.
pub fn set_removed(tx: &mut Tx, user: &User) -> Result<(), Failure> {
    set_neutral(tx, user, Status::Removed, REMOVED_NAME, None)
}

/// Leaves nothing in the row of somebody who is deleted but their number.
///
/// # Errors
/// [`Failure::Stale`] if the user changed since it was read.
pub fn set_deleted(tx: &mut Tx, user: &User, name: &str, number: i64) -> Result<(), Failure> {
    set_neutral(tx, user, Status::Deleted, name, Some(number))?;
    diesel::update(users::table.filter(users::workspace_id.eq(user.workspace)).filter(users::id.eq(user.id)))
        .set((users::last_seen_at.eq(None::<At>), users::former_since.eq(None::<At>)))
        .execute(tx.write())?;
    Ok(())
}

fn set_neutral(tx: &mut Tx, user: &User, status: Status, name: &str, number: Option<i64>) -> Result<(), Failure> {
    let now = tx.now();
    let changed = diesel::update(
        users::table
            .filter(users::workspace_id.eq(user.workspace))
            .filter(users::id.eq(user.id))
            .filter(users::version.eq(user.version)),
    )
    .set((
        users::email.eq(""),
        // No address, and unlike any other: the key must be there, and be unique.
        users::email_key.eq(format!("{} {}", status.as_str(), user.id)),
        users::full_name.eq(name),
        users::display_name.eq(name),
        users::name_key.eq(key(name)),
        users::password_hash.eq(None::<String>),
        users::status.eq(status.as_str()),
        users::status_reason.eq(None::<String>),
        users::status_changed_at.eq(At(now)),
        users::beta_access.eq(false),
        users::time_zone.eq(None::<String>),
        users::language.eq(None::<String>),
        users::shortcuts.eq(true),
        users::deleted_number.eq(number),
        users::former_since.eq(Some(At(user.former_since.unwrap_or(now)))),
        users::deletion_announced_at.eq(None::<At>),
        users::version.eq(user.version + 1),
    ))
    .execute(tx.write())?;
    if changed != 1 {
        return Err(Failure::Stale);
    }
    super::former_names::insert(tx, user.id, &user.email, &user.name)?;
    // Nothing that was planned for them comes any more.
    diesel::update(users::table.filter(users::workspace_id.eq(user.workspace)).filter(users::id.eq(user.id)))
        .set((
            users::status_note.eq(None::<String>),
            users::deactivates_at.eq(None::<At>),
            users::deactivation_refused_at.eq(None::<At>),
            users::returns_at.eq(None::<At>),
            users::absence_plan.eq(None::<String>),
            users::absence_set_by.eq(None::<UserId>),
            users::inactivity_warned_at.eq(None::<At>),
        ))
        .execute(tx.write())?;
    Ok(())
}

/// Makes a removed user an invited one again, who has their own past.
///
/// # Errors
/// [`crate::domain::users::UserRefusal::EmailTaken`], [`Failure::Stale`], or trouble with the database.
pub fn set_restored(tx: &mut Tx, user: &User, sealed: &Sealed, name: &Name) -> Result<(), Failure> {
    let now = At(tx.now());
    let changed = diesel::update(
        users::table
            .filter(users::workspace_id.eq(user.workspace))
            .filter(users::id.eq(user.id))
            .filter(users::version.eq(user.version)),
    )
    .set((
        users::email.eq(&sealed.email),
        users::email_key.eq(key(&sealed.email)),
        users::full_name.eq(&name.full),
        users::display_name.eq(&name.display),
        users::name_key.eq(key(&name.full)),
        users::status.eq(Status::Invited.as_str()),
        users::status_changed_at.eq(now),
        users::beta_access.eq(sealed.beta_access),
        users::time_zone.eq(&sealed.time_zone),
        users::deletion_announced_at.eq(None::<At>),
        users::version.eq(user.version + 1),
    ))
    .execute(tx.write())
    .map_err(|error| taken(error, &sealed.email))?;
    if changed != 1 {
        return Err(Failure::Stale);
    }
    super::former_names::insert(tx, user.id, &sealed.email, &sealed.name)
}

/// In which teams somebody is, and whether they lead.
///
/// # Errors
/// Trouble with the database.
pub fn list_memberships(rx: &mut Rx, user: UserId) -> Result<Vec<(TeamId, bool)>, Failure> {
    Ok(team_members::table
        .inner_join(teams::table.on(teams::id.eq(team_members::team_id)))
        .filter(teams::closed_at.is_null())
        .filter(team_members::workspace_id.eq(rx.workspace()))
        .filter(team_members::user_id.eq(user))
        .order(team_members::team_id)
        .select((team_members::team_id, team_members::is_lead))
        .load(rx.conn)?)
}

/// What nobody has to act on.
const SETTLED: [ConversationStatus; 2] = [ConversationStatus::Closed, ConversationStatus::Archived];

/// Locks whoever handled settled conversations, before the conversations themselves: nobody removes them while these come
/// back to work, so that whoever does afterwards finds them.
///
/// # Errors
/// Trouble with the database.
pub fn lock_holders_of_settled(tx: &mut Tx, settled: &[ConversationId]) -> Result<(), Failure> {
    let workspace = tx.workspace();
    let ids: Vec<i64> = settled.iter().map(|one| one.0).collect();
    let holders = conversations::table
        .filter(conversations::workspace_id.eq(workspace))
        .filter(conversations::id.eq_any(ids))
        .filter(conversations::status.eq_any(SETTLED.map(ConversationStatus::as_str)))
        .select(conversations::assignee_id);
    let _locked: Vec<UserId> = load_locked!(
        tx,
        UserId,
        users::table
            .filter(users::workspace_id.eq(workspace))
            .filter(users::id.nullable().eq_any(holders))
            .order(users::id)
            .select(users::id)
    )?;
    Ok(())
}

/// How many replies and notes somebody wrote.
///
/// # Errors
/// Trouble with the database.
pub fn count_written(rx: &mut Rx, user: UserId) -> Result<(i64, i64), Failure> {
    let rows: Vec<(String, i64)> = messages::table
        .filter(messages::workspace_id.eq(rx.workspace()))
        .filter(messages::author_id.eq(user))
        .group_by(messages::kind)
        .select((messages::kind, diesel::dsl::count_star()))
        .load(rx.conn)?;
    let of = |kind: MessageKind| rows.iter().find(|(name, _)| name == kind.as_str()).map_or(0, |(_, count)| *count);
    Ok((of(MessageKind::Reply), of(MessageKind::Note)))
}

/// The number of the next deleted user. Whoever asks holds the lock of [`super::users::lock_active_owners`].
///
/// # Errors
/// Trouble with the database.
pub fn next_deleted_number(tx: &mut Tx) -> Result<i64, Failure> {
    let last: Option<i64> = users::table
        .filter(users::workspace_id.eq(tx.workspace()))
        .select(diesel::dsl::max(users::deleted_number))
        .first(tx.conn)?;
    Ok(last.unwrap_or(0) + 1)
}

/// Erases what is kept of a person beside their row: log-in history, links, read marks, where their own actions came
/// from. What they did stays.
///
/// # Errors
/// Trouble with the database.
pub fn delete_history(tx: &mut Tx, user: UserId, account_hashes: &[String]) -> Result<(), Failure> {
    let workspace = tx.workspace();
    diesel::delete(
        login_attempts::table
            .filter(login_attempts::workspace_id.eq(workspace))
            .filter(login_attempts::user_id.eq(user).or(login_attempts::account_hash.eq_any(account_hashes))),
    )
    .execute(tx.write())?;
    diesel::delete(
        conversation_reads::table
            .filter(conversation_reads::workspace_id.eq(workspace))
            .filter(conversation_reads::user_id.eq(user)),
    )
    .execute(tx.write())?;
    diesel::delete(invites::table.filter(invites::workspace_id.eq(workspace)).filter(invites::user_id.eq(user)))
        .execute(tx.write())?;
    diesel::delete(
        invite_links::table.filter(invite_links::workspace_id.eq(workspace)).filter(invite_links::user_id.eq(user)),
    )
    .execute(tx.write())?;
    diesel::update(
        audit_events::table
            .filter(audit_events::workspace_id.eq(workspace))
            .filter(
                audit_events::actor_id
                    .eq(user)
                    // What they asked for before they were logged in is their own doing, too.
                    .or(audit_events::actor_id.is_null().and(audit_events::subject_id.eq(user))),
            )
            .filter(audit_events::address.is_not_null()),
    )
    .set(audit_events::address.eq(None::<String>))
    .execute(tx.write())?;
    Ok(())
}

/// Names an active Owner as the one to ask, where that was a person who is gone; says whether it was.
///
/// # Errors
/// Trouble with the database.
pub fn set_support_contact(tx: &mut Tx, from: &str) -> Result<bool, Failure> {
    let id = tx.workspace();
    let contact: String =
        workspaces::table.filter(workspaces::id.eq(id)).select(workspaces::support_contact).first(tx.conn)?;
    if key(&contact) != key(from) {
        return Ok(false);
    }
    let owner: Option<String> = users::table
        .inner_join(user_roles::table.on(user_roles::user_id.eq(users::id)))
        .inner_join(roles::table.on(roles::id.eq(user_roles::role_id)))
        .filter(users::workspace_id.eq(id))
        .filter(users::status.eq(Status::Active.as_str()))
        .filter(roles::standard.eq(Standard::Owner.as_str()))
        .order((users::name_key, users::id))
        .select(users::email)
        .first(tx.conn)
        .optional()?;
    let to = owner.unwrap_or_default();
    diesel::update(workspaces::table.filter(workspaces::id.eq(id)))
        .set((workspaces::support_contact.eq(to), workspaces::version.eq(workspaces::version + 1)))
        .execute(tx.write())?;
    Ok(true)
}

/// Mails whose files, where mails are files, were written before they lost a name: of all workspaces.
///
/// # Errors
/// Trouble with the database.
pub fn list_erased_mails(ax: &mut Ax, since: DateTime<Utc>) -> Result<Vec<MailId>, Failure> {
    Ok(outbox::table
        .filter(outbox::erased_at.ge(At(since)))
        .filter(outbox::finished_at.is_null().or(outbox::finished_at.le(outbox::erased_at)))
        .select(outbox::id)
        .load(ax.conn)?)
}
