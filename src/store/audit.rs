//! The audit trail. Rows are only ever added.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;

use super::db::{Rx, Tx, insert_all};
use super::schema::audit_events::dsl as a;
use super::types::{AnyId, At};
use crate::domain::access::Cause;
use crate::domain::audit::Event;
use crate::domain::ids::{ContactId, ConversationId, JobId, RoleId, TeamId, UserId, WorkspaceId};
use crate::failure::Failure;
use chrono::{DateTime, Utc};

/// A row to be added. Absent values are written as such, so that many rows are one statement on SQLite, too.
#[derive(Insertable)]
#[diesel(table_name = super::schema::audit_events, treat_none_as_default_value = false)]
pub(super) struct NewRow {
    workspace_id: WorkspaceId,
    at: At,
    actor_kind: &'static str,
    actor_id: Option<UserId>,
    cause: Option<&'static str>,
    job_id: Option<JobId>,
    name: &'static str,
    subject_kind: &'static str,
    subject_id: Option<AnyId>,
    conversation_id: Option<i64>,
    from_user_id: Option<UserId>,
    to_user_id: Option<UserId>,
    from_team_id: Option<TeamId>,
    to_team_id: Option<TeamId>,
    details: String,
    address: Option<String>,
    request_id: Option<String>,
}

/// The kinds of actors, as stored.
pub(super) const ACTOR_USER: &str = "user";
/// Baton itself.
pub(super) const ACTOR_SYSTEM: &str = "system";

impl NewRow {
    /// The row of an event, without the request that it came by.
    pub(super) fn of(
        event: &Event,
        workspace_id: WorkspaceId,
        at: DateTime<Utc>,
        actor_id: Option<UserId>,
        cause: Option<&Cause>,
    ) -> Self {
        let subject = event.subject();
        let (from_user_id, to_user_id, from_team_id, to_team_id) = event.hands();
        Self {
            workspace_id,
            at: At(at),
            actor_kind: if actor_id.is_some() { ACTOR_USER } else { ACTOR_SYSTEM },
            actor_id,
            cause: cause.map(Cause::as_str),
            job_id: cause.and_then(Cause::job),
            name: event.name(),
            subject_kind: subject.kind(),
            subject_id: subject.id().map(AnyId),
            conversation_id: subject.conversation().map(|id| id.0),
            from_user_id,
            to_user_id,
            from_team_id,
            to_team_id,
            details: event.details().to_string(),
            address: None,
            request_id: None,
        }
    }
}

/// Writes the events of a unit of work, just before it commits.
pub(super) fn insert(tx: &mut Tx, events: &[Event]) -> Result<(), Failure> {
    if events.is_empty() {
        return Ok(());
    }
    let scope = tx.scope().clone();
    let (workspace, now) = (tx.workspace(), tx.now());
    // Of somebody who deletes their own account, not even this is kept.
    let erased = events
        .iter()
        .any(|event| matches!(event, Event::UserDeleted { user, .. } if scope.actor.user() == Some(*user)));
    let rows: Vec<NewRow> = events
        .iter()
        .map(|event| NewRow {
            address: scope.address.clone().filter(|_| !erased),
            request_id: scope.request_id.clone(),
            ..NewRow::of(event, workspace, now, scope.actor.user(), scope.cause.as_ref())
        })
        .collect();
    // A statement carries 32,766 values at most on SQLite, and 65,535 on PostgreSQL.
    for part in rows.chunks(1_000) {
        insert_all!(tx.write(), a::audit_events, part)?;
    }
    Ok(())
}

/// A recorded event, as pages show it.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Its row; later events have greater ones.
    pub id: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Who, if it was a person.
    pub actor: Option<UserId>,
    /// Why, if not simply by their doing.
    pub cause: Option<String>,
    /// The bulk job that it belongs to.
    pub job: Option<JobId>,
    /// What.
    pub name: String,
    /// Holder before.
    pub from: (Option<UserId>, Option<TeamId>),
    /// Holder after.
    pub to: (Option<UserId>, Option<TeamId>),
    /// Everything else.
    pub details: serde_json::Value,
}

impl Recorded {
    /// A detail; null if it has none of that name.
    #[must_use]
    pub fn detail(&self, name: &str) -> &serde_json::Value {
        self.details.get(name).unwrap_or(&serde_json::Value::Null)
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = super::schema::audit_events)]
pub(super) struct Row {
    id: i64,
    at: At,
    actor_id: Option<UserId>,
    cause: Option<String>,
    job_id: Option<JobId>,
    name: String,
    from_user_id: Option<UserId>,
    to_user_id: Option<UserId>,
    from_team_id: Option<TeamId>,
    to_team_id: Option<TeamId>,
    details: String,
}

impl Row {
    pub(super) fn read(self) -> Result<Recorded, Failure> {
        let details = serde_json::from_str(&self.details)
            .map_err(|error| Failure::Corrupt("audit_events.details", format!("{}: {error}", self.id)))?;
        Ok(Recorded {
            id: self.id,
            at: self.at.0,
            actor: self.actor_id,
            cause: self.cause,
            job: self.job_id,
            name: self.name,
            from: (self.from_user_id, self.from_team_id),
            to: (self.to_user_id, self.to_team_id),
            details,
        })
    }
}

/// The latest events about a user, newest first.
///
/// # Errors
/// Trouble with the database.
pub fn list_about_user(rx: &mut Rx, user: UserId, limit: i64) -> Result<Vec<Recorded>, Failure> {
    list_about(rx, AnyId(user.0), limit)
}

/// Which of these users something is recorded about.
///
/// # Errors
/// Trouble with the database.
pub fn list_told_of(rx: &mut Rx, users: &[UserId]) -> Result<HashSet<UserId>, Failure> {
    let ids: Vec<AnyId> = users.iter().map(|user| AnyId(user.0)).collect();
    let told: Vec<Option<AnyId>> = a::audit_events
        .filter(a::workspace_id.eq(rx.workspace()))
        .filter(a::subject_id.eq_any(ids))
        .select(a::subject_id)
        .distinct()
        .load(rx.conn)?;
    Ok(told.into_iter().flatten().map(|id| UserId(id.0)).collect())
}

/// The latest events about a role, newest first.
///
/// # Errors
/// Trouble with the database.
pub fn list_about_role(rx: &mut Rx, role: RoleId, limit: i64) -> Result<Vec<Recorded>, Failure> {
    list_about(rx, AnyId(role.0), limit)
}

fn list_about(rx: &mut Rx, subject: AnyId, limit: i64) -> Result<Vec<Recorded>, Failure> {
    let rows: Vec<Row> = a::audit_events
        .filter(a::workspace_id.eq(rx.workspace()))
        .filter(a::subject_id.eq(subject))
        .order(a::id.desc())
        .limit(limit)
        .select(Row::as_select())
        .load(rx.conn)?;
    rows.into_iter().map(Row::read).collect()
}

/// The latest event about a team or about who is in it.
///
/// # Errors
/// Trouble with the database.
pub fn find_latest_of_team(rx: &mut Rx, team: TeamId) -> Result<Option<Recorded>, Failure> {
    let row: Option<Row> = a::audit_events
        .filter(a::workspace_id.eq(rx.workspace()))
        .filter(a::name.like("team.%"))
        .filter(a::subject_id.eq(AnyId(team.0)).or(a::to_team_id.eq(team)).or(a::from_team_id.eq(team)))
        .order(a::id.desc())
        .select(Row::as_select())
        .first(rx.conn)
        .optional()?;
    row.map(Row::read).transpose()
}

/// The latest event about a contact.
///
/// # Errors
/// Trouble with the database.
pub fn find_latest_of_contact(rx: &mut Rx, contact: ContactId) -> Result<Option<Recorded>, Failure> {
    let row: Option<Row> = a::audit_events
        .filter(a::workspace_id.eq(rx.workspace()))
        .filter(a::subject_id.eq(AnyId(contact.0)))
        .order(a::id.desc())
        .select(Row::as_select())
        .first(rx.conn)
        .optional()?;
    row.map(Row::read).transpose()
}

/// Who was the latest to do this to each of some users; those to whom Baton itself did it are not among them.
///
/// # Errors
/// Trouble with the database.
pub fn list_latest_actors(rx: &mut Rx, name: &str, users: &[UserId]) -> Result<HashMap<UserId, UserId>, Failure> {
    let subjects: Vec<AnyId> = users.iter().map(|user| AnyId(user.0)).collect();
    let rows: Vec<(Option<AnyId>, Option<UserId>)> = a::audit_events
        .filter(a::workspace_id.eq(rx.workspace()))
        .filter(a::subject_id.eq_any(subjects))
        .filter(a::name.eq(name))
        .order(a::id.asc())
        .select((a::subject_id, a::actor_id))
        .load(rx.conn)?;
    let mut latest = HashMap::new();
    for (subject, actor) in rows {
        let Some(user) = subject.map(|subject| UserId(subject.0)) else { continue };
        match actor {
            Some(actor) => latest.insert(user, actor),
            None => latest.remove(&user),
        };
    }
    Ok(latest)
}

/// The events of a conversation, oldest first; of very many, the latest.
///
/// # Errors
/// Trouble with the database.
pub fn list_of_conversation(rx: &mut Rx, id: ConversationId, limit: i64) -> Result<Vec<Recorded>, Failure> {
    let mut rows: Vec<Row> = a::audit_events
        .filter(a::workspace_id.eq(rx.workspace()))
        .filter(a::conversation_id.eq(id.0))
        .order(a::id.desc())
        .limit(limit)
        .select(Row::as_select())
        .load(rx.conn)?;
    rows.reverse();
    rows.into_iter().map(Row::read).collect()
}

/// The names of a workspace's latest events, newest first. What tests look at.
///
/// # Errors
/// Trouble with the database.
pub fn list_latest(rx: &mut Rx, limit: i64) -> Result<Vec<Recorded>, Failure> {
    let rows: Vec<Row> = a::audit_events
        .filter(a::workspace_id.eq(rx.workspace()))
        .order(a::id.desc())
        .limit(limit)
        .select(Row::as_select())
        .load(rx.conn)?;
    rows.into_iter().map(Row::read).collect()
}

/// Who was the latest to do what an event of this name says; `None` if nobody did, or Baton itself.
///
/// # Errors
/// Trouble with the database.
pub fn find_latest_actor(rx: &mut Rx, name: &str) -> Result<Option<UserId>, Failure> {
    let found: Option<Option<UserId>> = a::audit_events
        .filter(a::workspace_id.eq(rx.workspace()))
        .filter(a::subject_kind.eq("workspace"))
        .filter(a::name.eq(name))
        .order(a::id.desc())
        .select(a::actor_id)
        .first(rx.conn)
        .optional()?;
    Ok(found.flatten())
}

/// How many events the workspace has.
///
/// # Errors
/// Trouble with the database.
pub fn count(rx: &mut Rx) -> Result<i64, Failure> {
    Ok(a::audit_events.filter(a::workspace_id.eq(rx.workspace())).count().get_result(rx.conn)?)
}
