//! Users. Every query of this file starts at [`ours`].

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::dsl::{auto_type, sql};
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::among::load_among;
use super::db::{MultiBackend, Rx, Tx, load_locked};
use super::errors::{UniqueKey, unique_key};
use super::schema::{
    channel_members, role_permissions, roles, sealed_identities, team_members, teams, user_roles, users,
};
use super::types::At;
use crate::domain::absences::Absence;
use crate::domain::access::{Key, PermissionSet};
use crate::domain::assignment::Candidate;
use crate::domain::ids::{ChannelId, RoleId, TeamId, UserId, WorkspaceId};
use crate::domain::plans::Plan;
use crate::domain::roles::Standard;
use crate::domain::text::like_pattern;
use crate::domain::users::{Name, Reason, Status, User, UserRefusal};
use crate::failure::Failure;

#[auto_type]
fn ours(workspace: WorkspaceId) -> _ {
    users::table.filter(users::workspace_id.eq(workspace))
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
struct Row {
    id: UserId,
    workspace_id: WorkspaceId,
    email: String,
    full_name: String,
    display_name: String,
    status: String,
    status_reason: Option<String>,
    status_changed_at: At,
    beta_access: bool,
    time_zone: Option<String>,
    last_seen_at: Option<At>,
    version: i64,
    created_at: At,
    former_since: Option<At>,
    status_note: Option<String>,
    deactivates_at: Option<At>,
    deactivation_refused_at: Option<At>,
    returns_at: Option<At>,
    absence_plan: Option<String>,
    absence_set_by: Option<UserId>,
}

impl Row {
    fn read(self, permissions: PermissionSet) -> Result<User, Failure> {
        let status = Status::parse(&self.status)
            .ok_or_else(|| Failure::Corrupt("users.status", format!("{} of {}", self.status, self.id)))?;
        let plan = match &self.absence_plan {
            None => Plan::default(),
            Some(text) => Plan::parse(text)
                .ok_or_else(|| Failure::Corrupt("users.absence_plan", format!("{text} of {}", self.id)))?,
        };
        Ok(User {
            id: self.id,
            workspace: self.workspace_id,
            email: self.email,
            name: Name { full: self.full_name, display: self.display_name },
            status,
            reason: self.status_reason.as_deref().and_then(Reason::parse),
            absence: Absence {
                note: self.status_note,
                starts_at: self.deactivates_at.map(DateTime::from),
                refused_at: self.deactivation_refused_at.map(DateTime::from),
                returns_at: self.returns_at.map(DateTime::from),
                plan,
                set_by: self.absence_set_by,
            },
            status_changed_at: self.status_changed_at.0,
            beta_access: self.beta_access,
            time_zone: self.time_zone,
            last_seen_at: self.last_seen_at.map(DateTime::from),
            version: self.version,
            created_at: self.created_at.0,
            former_since: self.former_since.map(DateTime::from),
            is_owner: permissions == PermissionSet::ALL,
            permissions,
        })
    }
}

/// What the user may do.
fn power(rx: &mut Rx, id: UserId) -> Result<PermissionSet, Failure> {
    Ok(super::people::powers(rx, &[id])?.remove(&id).unwrap_or_default())
}

/// A user of this workspace.
///
/// # Errors
/// Trouble with the database.
pub fn find(rx: &mut Rx, id: UserId) -> Result<Option<User>, Failure> {
    let row: Option<Row> =
        ours(rx.workspace()).filter(users::id.eq(id)).select(Row::as_select()).first(rx.conn).optional()?;
    let Some(row) = row else { return Ok(None) };
    let permissions = power(rx, id)?;
    row.read(permissions).map(Some)
}

/// The user, locked until the end of the unit of work.
///
/// # Errors
/// [`Failure::NotFound`], or trouble with the database.
pub fn lock(tx: &mut Tx, id: UserId) -> Result<User, Failure> {
    let workspace = tx.workspace();
    let rows: Vec<Row> = load_locked!(tx, Row, ours(workspace).filter(users::id.eq(id)).select(Row::as_select()))?;
    let row = rows.into_iter().next().ok_or(Failure::NotFound)?;
    let permissions = power(tx, id)?;
    row.read(permissions)
}

/// Counts the active Owners and keeps everybody else from changing who they are until the end of the unit of work:
/// every change of that starts here (U-6).
///
/// # Errors
/// Trouble with the database.
pub fn lock_active_owners(tx: &mut Tx) -> Result<usize, Failure> {
    // The Owner role's row is the lock. Whoever waited for it counts afterwards, and so sees what the other has done.
    let workspace = tx.workspace();
    let _locked: Vec<RoleId> = load_locked!(
        tx,
        RoleId,
        roles::table
            .filter(roles::workspace_id.eq(workspace))
            .filter(roles::standard.eq(Standard::Owner.as_str()))
            .select(roles::id)
    )?;
    count_active_owners(tx)
}

/// The user behind an address, whatever their status.
///
/// # Errors
/// Trouble with the database.
pub fn find_by_email(rx: &mut Rx, email: &str) -> Result<Option<User>, Failure> {
    let row: Option<Row> = ours(rx.workspace())
        .filter(users::email_key.eq(crate::domain::text::key(email)))
        .select(Row::as_select())
        .first(rx.conn)
        .optional()?;
    let Some(row) = row else { return Ok(None) };
    let permissions = power(rx, row.id)?;
    row.read(permissions).map(Some)
}

/// What a user is made of.
pub struct New<'a> {
    /// Their address.
    pub email: &'a str,
    /// Their names.
    pub name: &'a Name,
    /// Where they start.
    pub status: Status,
    /// The hash of their password, if they have one yet.
    pub password_hash: Option<&'a str>,
}

/// Adds a user.
///
/// # Errors
/// [`UserRefusal::EmailTaken`], or trouble with the database.
pub fn insert(tx: &mut Tx, new: &New) -> Result<UserId, Failure> {
    let (id, workspace, now): (UserId, _, _) = (tx.new_id(), tx.workspace(), At(tx.now()));
    diesel::insert_into(users::table)
        .values((
            users::id.eq(id),
            users::workspace_id.eq(workspace),
            users::email.eq(new.email),
            users::email_key.eq(crate::domain::text::key(new.email)),
            users::full_name.eq(&new.name.full),
            users::display_name.eq(&new.name.display),
            users::name_key.eq(crate::domain::text::key(&new.name.full)),
            users::password_hash.eq(new.password_hash),
            users::status.eq(new.status.as_str()),
            users::status_changed_at.eq(now),
            users::beta_access.eq(false),
            users::version.eq(1),
            users::created_at.eq(now),
        ))
        .execute(tx.write())
        .map_err(|error| taken(error, new.email))?;
    Ok(id)
}

pub(super) fn taken(error: diesel::result::Error, email: &str) -> Failure {
    match unique_key(&error) {
        Some(UniqueKey::UserEmail) => UserRefusal::EmailTaken(email.to_owned()).into(),
        _ => error.into(),
    }
}

/// Removes a user who never accepted their invite.
///
/// # Errors
/// Trouble with the database.
pub fn delete_invited(tx: &mut Tx, id: UserId) -> Result<(), Failure> {
    let workspace = tx.workspace();
    diesel::delete(
        users::table
            .filter(users::workspace_id.eq(workspace))
            .filter(users::id.eq(id))
            .filter(users::status.eq(Status::Invited.as_str())),
    )
    .execute(tx.write())?;
    Ok(())
}

/// Moves a user to another status. Whatever was planned about them before is over.
///
/// # Errors
/// [`Failure::Stale`] if the user changed since it was read.
pub fn set_status(tx: &mut Tx, user: &User, to: Status, reason: Option<Reason>) -> Result<(), Failure> {
    let now = At(tx.now());
    // Who is invited or active is no former user; who stays away stays one since they left first.
    let former = matches!(to, Status::Inactive).then(|| user.former_since.map_or(now, At));
    let changed = diesel::update(
        users::table
            .filter(users::workspace_id.eq(user.workspace))
            .filter(users::id.eq(user.id))
            .filter(users::version.eq(user.version)),
    )
    .set((
        users::status.eq(to.as_str()),
        users::status_reason.eq(reason.map(Reason::as_str)),
        users::status_changed_at.eq(now),
        users::former_since.eq(former),
        users::deletion_announced_at.eq(None::<At>),
        users::version.eq(user.version + 1),
        (
            users::status_note.eq(None::<String>),
            users::deactivates_at.eq(None::<At>),
            users::deactivation_refused_at.eq(None::<At>),
            users::returns_at.eq(None::<At>),
            users::absence_plan.eq(None::<String>),
            users::absence_set_by.eq(None::<UserId>),
            users::inactivity_warned_at.eq(None::<At>),
        ),
    ))
    .execute(tx.write())?;
    if changed == 1 { Ok(()) } else { Err(Failure::Stale) }
}

/// Changes identity and switches of a user.
///
/// # Errors
/// [`Failure::Stale`], [`UserRefusal::EmailTaken`], or trouble with the database.
pub fn set_identity(tx: &mut Tx, user: &User, email: &str, name: &Name, beta_access: bool) -> Result<(), Failure> {
    let changed = diesel::update(
        users::table
            .filter(users::workspace_id.eq(user.workspace))
            .filter(users::id.eq(user.id))
            .filter(users::version.eq(user.version)),
    )
    .set((
        users::email.eq(email),
        users::email_key.eq(crate::domain::text::key(email)),
        users::full_name.eq(&name.full),
        users::display_name.eq(&name.display),
        users::name_key.eq(crate::domain::text::key(&name.full)),
        users::beta_access.eq(beta_access),
        users::version.eq(user.version + 1),
    ))
    .execute(tx.write())
    .map_err(|error| taken(error, email))?;
    if changed != 1 {
        return Err(Failure::Stale);
    }
    if (user.email.as_str(), &user.name) == (email, name) {
        return Ok(());
    }
    super::former_names::insert(tx, user.id, &user.email, &user.name)
}

/// Notes that something beside the row changed that a form shows: roles, teams, channels.
///
/// # Errors
/// [`Failure::Stale`] if the user changed since it was read.
pub fn set_touched(tx: &mut Tx, user: &User) -> Result<(), Failure> {
    let changed = diesel::update(
        users::table
            .filter(users::workspace_id.eq(user.workspace))
            .filter(users::id.eq(user.id))
            .filter(users::version.eq(user.version)),
    )
    .set(users::version.eq(user.version + 1))
    .execute(tx.write())?;
    if changed == 1 { Ok(()) } else { Err(Failure::Stale) }
}

/// Sets the password of a user.
///
/// # Errors
/// Trouble with the database.
pub fn set_password(tx: &mut Tx, id: UserId, hash: &str) -> Result<(), Failure> {
    let workspace = tx.workspace();
    diesel::update(users::table.filter(users::workspace_id.eq(workspace)).filter(users::id.eq(id)))
        .set((users::password_hash.eq(hash), users::version.eq(users::version + 1)))
        .execute(tx.write())?;
    Ok(())
}

/// The hash of a user's password, if they have one.
///
/// # Errors
/// Trouble with the database.
pub fn find_password(rx: &mut Rx, id: UserId) -> Result<Option<String>, Failure> {
    let hash: Option<Option<String>> =
        ours(rx.workspace()).filter(users::id.eq(id)).select(users::password_hash).first(rx.conn).optional()?;
    Ok(hash.flatten())
}

/// Notes that a user did something just now.
///
/// # Errors
/// Trouble with the database.
pub fn set_seen(tx: &mut Tx, id: UserId) -> Result<(), Failure> {
    let (workspace, now) = (tx.workspace(), At(tx.now()));
    diesel::update(users::table.filter(users::workspace_id.eq(workspace)).filter(users::id.eq(id)))
        .set(users::last_seen_at.eq(now))
        .execute(tx.write())?;
    Ok(())
}

/// What counts about a user who is to get conversations; locked, so that they stay so until the commit.
///
/// # Errors
/// [`Failure::NotFound`], or trouble with the database.
pub fn lock_candidate(tx: &mut Tx, id: UserId) -> Result<Candidate, Failure> {
    let user = lock(tx, id)?;
    let may_reply = who_may(tx, Key::ConversationsReply, Some(id))?.contains(&id);
    Ok(Candidate { name: user.name.full, status: user.status, may_reply })
}

/// Whether a user could get conversations now; not locked.
///
/// # Errors
/// Trouble with the database.
pub fn find_candidate(rx: &mut Rx, id: UserId) -> Result<Option<Candidate>, Failure> {
    let Some(user) = find(rx, id)? else { return Ok(None) };
    let may_reply = who_may(rx, Key::ConversationsReply, Some(id))?.contains(&id);
    Ok(Some(Candidate { name: user.name.full, status: user.status, may_reply }))
}

/// The active users who hold a permission; Owners hold all.
fn who_may(rx: &mut Rx, key: Key, only: Option<UserId>) -> Result<Vec<UserId>, Failure> {
    let workspace = rx.workspace();
    let mut query = ours(workspace)
        .inner_join(user_roles::table.on(user_roles::user_id.eq(users::id)))
        .inner_join(roles::table.on(roles::id.eq(user_roles::role_id)))
        .left_join(
            role_permissions::table
                .on(role_permissions::role_id.eq(roles::id).and(role_permissions::permission.eq(key.as_str()))),
        )
        .filter(users::status.eq(Status::Active.as_str()))
        .filter(
            roles::standard
                .assume_not_null()
                .eq(Standard::Owner.as_str())
                .or(role_permissions::permission.nullable().is_not_null()),
        )
        .select(users::id)
        .into_boxed::<MultiBackend>();
    if let Some(id) = only {
        query = query.filter(users::id.eq(id));
    }
    let mut ids: Vec<UserId> = query.load(rx.conn)?;
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// The active users who hold a permission, by name.
///
/// # Errors
/// Trouble with the database.
pub fn list_who_may(rx: &mut Rx, key: Key) -> Result<Vec<User>, Failure> {
    let ids = who_may(rx, key, None)?;
    list_some(rx, &ids)
}

/// The active Owners, by name.
///
/// # Errors
/// Trouble with the database.
pub fn list_active_owners(rx: &mut Rx) -> Result<Vec<User>, Failure> {
    let ids: Vec<UserId> = ours(rx.workspace())
        .inner_join(user_roles::table.on(user_roles::user_id.eq(users::id)))
        .inner_join(roles::table.on(roles::id.eq(user_roles::role_id)))
        .filter(users::status.eq(Status::Active.as_str()))
        .filter(roles::standard.eq(Standard::Owner.as_str()))
        .select(users::id)
        .load(rx.conn)?;
    list_some(rx, &ids)
}

fn list_some(rx: &mut Rx, ids: &[UserId]) -> Result<Vec<User>, Failure> {
    let rows: Vec<Row> = ours(rx.workspace())
        .filter(users::id.eq_any(ids))
        .order((users::name_key, users::id))
        .select(Row::as_select())
        .load(rx.conn)?;
    let powers = super::people::powers(rx, ids)?;
    let mut found = Vec::new();
    for row in rows {
        let permissions = powers.get(&row.id).copied().unwrap_or_default();
        match row.read(permissions) {
            Ok(user) => found.push(user),
            // They are told of something, which must not keep it from being done.
            Err(failure @ Failure::Corrupt(..)) => tracing::error!(error = %failure, "a user cannot be read"),
            Err(failure) => return Err(failure),
        }
    }
    Ok(found)
}

/// A user as pickers and names need them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brief {
    /// Who.
    pub id: UserId,
    /// Their names.
    pub name: Name,
    /// Whether they can log in.
    pub status: Status,
    /// Since when they stand there.
    pub since: DateTime<Utc>,
}

type BriefRow = (UserId, String, String, String, At);

fn brief((id, full, display, status, since): BriefRow) -> Result<Brief, Failure> {
    let status = Status::parse(&status).ok_or_else(|| Failure::Corrupt("users.status", format!("{status} of {id}")))?;
    Ok(Brief { id, name: Name { full, display }, status, since: since.0 })
}

/// Who can get conversations (C-7): active, and allowed to reply.
///
/// # Errors
/// Trouble with the database.
pub fn list_assignable_ids(rx: &mut Rx) -> Result<HashSet<UserId>, Failure> {
    Ok(who_may(rx, Key::ConversationsReply, None)?.into_iter().collect())
}

/// The people who can get conversations, by name (C-7).
///
/// # Errors
/// Trouble with the database.
pub fn list_assignable(rx: &mut Rx) -> Result<Vec<Brief>, Failure> {
    let may = list_assignable_ids(rx)?;
    let mut people = list_by_status(rx, &[Status::Active])?;
    people.retain(|person| may.contains(&person.id));
    Ok(people)
}

/// Names of some users, whatever their status.
///
/// # Errors
/// Trouble with the database.
pub fn list_briefs(rx: &mut Rx, ids: &[UserId]) -> Result<Vec<Brief>, Failure> {
    let workspace = rx.workspace();
    let rows = load_among!(
        rx.conn,
        BriefRow,
        ours(workspace).select((
            users::id,
            users::full_name,
            users::display_name,
            users::status,
            users::status_changed_at
        )),
        users::id,
        ids
    )?;
    rows.into_iter().map(brief).collect()
}

/// Everybody of these statuses, by name.
///
/// # Errors
/// Trouble with the database.
pub fn list_by_status(rx: &mut Rx, statuses: &[Status]) -> Result<Vec<Brief>, Failure> {
    let names: Vec<&str> = statuses.iter().map(|status| status.as_str()).collect();
    let rows: Vec<BriefRow> = ours(rx.workspace())
        .filter(users::status.eq_any(names))
        .order((users::name_key, users::id))
        .select((users::id, users::full_name, users::display_name, users::status, users::status_changed_at))
        .load(rx.conn)?;
    rows.into_iter().map(brief).collect()
}

/// Everybody there is or was, by name.
///
/// # Errors
/// Trouble with the database.
pub fn list_everybody(rx: &mut Rx) -> Result<Vec<Brief>, Failure> {
    let rows: Vec<BriefRow> = ours(rx.workspace())
        .order((users::name_key, users::id))
        .select((users::id, users::full_name, users::display_name, users::status, users::status_changed_at))
        .load(rx.conn)?;
    rows.into_iter().map(brief).collect()
}

/// What a list of users is narrowed by.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Part of a name or address.
    pub words: Option<String>,
    /// Who has this role.
    pub role: Option<RoleId>,
    /// Who is in this team.
    pub team: Option<TeamId>,
    /// Who is in no team.
    pub without_team: bool,
    /// Who is a member of this channel.
    pub channel: Option<ChannelId>,
    /// Who was last seen at or after.
    pub seen_since: Option<DateTime<Utc>>,
    /// Who was last seen before, or never.
    pub not_seen_since: Option<DateTime<Utc>>,
    /// Who was never seen.
    pub never_seen: bool,
}

/// In which order a list of users stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sort {
    /// By full name.
    Name,
    /// By their highest role.
    Role,
    /// By how many open conversations they hold.
    OpenWork,
    /// By when they were last seen.
    LastSeen,
    /// By when they took their present status.
    Since,
    /// By when their invite expires.
    Expires,
}

impl Sort {
    /// What SQL sorts by.
    fn order(self, descending: bool) -> String {
        let order = match self {
            Self::Name => "users.name_key",
            Self::Role => BY_ROLE,
            Self::OpenWork => BY_OPEN_WORK,
            // Who was never seen comes last, whichever the database thinks of NULL.
            Self::LastSeen => "CASE WHEN users.last_seen_at IS NULL THEN 0 ELSE 1 END DESC, users.last_seen_at",
            Self::Since => "users.status_changed_at",
            Self::Expires => BY_EXPIRY,
        };
        format!("{order}{}", if descending { " DESC" } else { " ASC" })
    }
}

const BY_ROLE: &str = "(SELECT min(r.position) FROM user_roles ur JOIN roles r ON r.id = ur.role_id \
     WHERE ur.user_id = users.id)";
const BY_OPEN_WORK: &str = "(SELECT coalesce(sum(c.conversations), 0) FROM conversation_counts c \
     WHERE c.workspace_id = users.workspace_id AND c.assignee_id = users.id AND c.status = 'open')";

const BY_EXPIRY: &str = "(SELECT i.expires_at FROM invites i WHERE i.user_id = users.id)";

type Boxed<'a> = diesel::helper_types::IntoBoxed<'a, ours, MultiBackend>;

fn filtered<'a>(workspace: WorkspaceId, statuses: &[Status], filter: &Filter) -> Boxed<'a> {
    let names: Vec<&'static str> = statuses.iter().map(|status| status.as_str()).collect();
    let mut query = ours(workspace).into_boxed::<MultiBackend>().filter(users::status.eq_any(names));
    if let Some(words) = &filter.words {
        let words = crate::domain::text::key(words);
        // Somebody removed is found by the whole address that they had, and by nothing less.
        let sealed = sealed_identities::table
            .filter(sealed_identities::workspace_id.eq(workspace))
            .filter(sealed_identities::email_key.eq(words.clone()))
            .select(sealed_identities::user_id);
        let pattern = like_pattern(&words);
        query = query.filter(
            users::name_key
                .like(pattern.clone())
                .escape('\\')
                .or(users::email_key.like(pattern).escape('\\'))
                .or(users::id.eq_any(sealed)),
        );
    }
    if let Some(role) = filter.role {
        query = query.filter(
            users::id.eq_any(user_roles::table.filter(user_roles::role_id.eq(role)).select(user_roles::user_id)),
        );
    }
    if let Some(team) = filter.team {
        query = query.filter(
            users::id.eq_any(team_members::table.filter(team_members::team_id.eq(team)).select(team_members::user_id)),
        );
    }
    if filter.without_team {
        query = query.filter(
            users::id.ne_all(
                team_members::table
                    .inner_join(teams::table.on(teams::id.eq(team_members::team_id)))
                    .filter(team_members::workspace_id.eq(workspace))
                    .filter(teams::closed_at.is_null())
                    .select(team_members::user_id),
            ),
        );
    }
    if let Some(channel) = filter.channel {
        query = query.filter(users::id.eq_any(
            channel_members::table.filter(channel_members::channel_id.eq(channel)).select(channel_members::user_id),
        ));
    }
    if let Some(since) = filter.seen_since {
        query = query.filter(users::last_seen_at.ge(At(since)));
    }
    if let Some(since) = filter.not_seen_since {
        query = query.filter(users::last_seen_at.lt(At(since)).or(users::last_seen_at.is_null()));
    }
    if filter.never_seen {
        query = query.filter(users::last_seen_at.is_null());
    }
    query
}

/// A page of users, and how many there are in all.
///
/// # Errors
/// Trouble with the database.
pub fn list(
    rx: &mut Rx,
    statuses: &[Status],
    filter: &Filter,
    (sort, descending): (Sort, bool),
    (limit, offset): (i64, i64),
) -> Result<(Vec<User>, i64), Failure> {
    let total: i64 = filtered(rx.workspace(), statuses, filter).count().get_result(rx.conn)?;
    let rows: Vec<Row> = filtered(rx.workspace(), statuses, filter)
        .order((sql::<BigInt>(&sort.order(descending)), users::name_key.asc(), users::id.asc()))
        .limit(limit)
        .offset(offset)
        .select(Row::as_select())
        .load(rx.conn)?;
    Ok((with_powers(rx, rows)?, total))
}

/// The ids of all users that match, in order.
///
/// # Errors
/// Trouble with the database.
pub fn list_ids(
    rx: &mut Rx,
    statuses: &[Status],
    filter: &Filter,
    (sort, descending): (Sort, bool),
) -> Result<Vec<UserId>, Failure> {
    Ok(filtered(rx.workspace(), statuses, filter)
        .order((sql::<BigInt>(&sort.order(descending)), users::name_key.asc(), users::id.asc()))
        .select(users::id)
        .load(rx.conn)?)
}

/// These users, in the order of the ids; those that are none here are left out.
///
/// # Errors
/// Trouble with the database.
pub fn list_these(rx: &mut Rx, ids: &[UserId]) -> Result<Vec<User>, Failure> {
    let rows: Vec<Row> = ours(rx.workspace()).filter(users::id.eq_any(ids)).select(Row::as_select()).load(rx.conn)?;
    let mut found: HashMap<UserId, User> = with_powers(rx, rows)?.into_iter().map(|user| (user.id, user)).collect();
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

fn with_powers(rx: &mut Rx, rows: Vec<Row>) -> Result<Vec<User>, Failure> {
    let ids: Vec<UserId> = rows.iter().map(|row| row.id).collect();
    let powers = super::people::powers(rx, &ids)?;
    rows.into_iter()
        .map(|row| {
            let permissions = powers.get(&row.id).copied().unwrap_or_default();
            row.read(permissions)
        })
        .collect()
}

/// How many users have each status: the numbers on the tabs.
///
/// # Errors
/// Trouble with the database.
pub fn count_by_status(rx: &mut Rx) -> Result<HashMap<Status, i64>, Failure> {
    let rows: Vec<(String, i64)> = ours(rx.workspace())
        .group_by(users::status)
        .select((users::status, diesel::dsl::count_star()))
        .load(rx.conn)?;
    Ok(rows.into_iter().filter_map(|(status, count)| Some((Status::parse(&status)?, count))).collect())
}

/// Full names of the active Owners, for "ask one of them".
///
/// # Errors
/// Trouble with the database.
pub fn list_active_owner_names(rx: &mut Rx) -> Result<Vec<String>, Failure> {
    Ok(ours(rx.workspace())
        .inner_join(user_roles::table.on(user_roles::user_id.eq(users::id)))
        .inner_join(roles::table.on(roles::id.eq(user_roles::role_id)))
        .filter(users::status.eq(Status::Active.as_str()))
        .filter(roles::standard.eq(Standard::Owner.as_str()))
        .order(users::name_key)
        .select(users::full_name)
        .load(rx.conn)?)
}

/// Whether one of these ids is of somebody who can log in.
///
/// # Errors
/// Trouble with the database.
pub fn is_active(rx: &mut Rx, id: UserId) -> Result<bool, Failure> {
    let found = ours(rx.workspace()).filter(users::id.eq(id)).filter(users::status.eq(Status::Active.as_str()));
    let found: Vec<UserId> = found.select(users::id).load(rx.conn)?;
    Ok(!found.is_empty())
}

/// How many active Owners there are; not locked, for what a page offers.
///
/// # Errors
/// Trouble with the database.
pub fn count_active_owners(rx: &mut Rx) -> Result<usize, Failure> {
    let count: i64 = ours(rx.workspace())
        .inner_join(user_roles::table.on(user_roles::user_id.eq(users::id)))
        .inner_join(roles::table.on(roles::id.eq(user_roles::role_id)))
        .filter(users::status.eq(Status::Active.as_str()))
        .filter(roles::standard.eq(Standard::Owner.as_str()))
        .count()
        .get_result(rx.conn)?;
    Ok(usize::try_from(count).unwrap_or(0))
}
