//! The audit log as it is searched: one condition, [`matching`], makes the page, its count and the export.

use chrono::{DateTime, Utc};
use diesel::dsl::auto_type;
use diesel::prelude::*;
use uuid::Uuid;

use super::audit::{ACTOR_SYSTEM, Recorded, Row};
use super::db::{MultiBackend, Rx};
use super::schema::audit_events::dsl as a;
use super::schema::{conversations, users};
use super::types::{AnyId, At};
use crate::domain::audit_filter::{About, Cursor, Filter, What, Who};
use crate::domain::ids::{ConversationId, UserId, WorkspaceId};
use crate::failure::Failure;

/// A recorded event with everything that is known of it.
#[derive(Clone, Debug)]
pub struct Logged {
    /// What happened.
    pub event: Recorded,
    /// The kind of thing that it is about.
    pub subject_kind: String,
    /// What it is about.
    pub subject: Option<Uuid>,
    /// The conversation that it is about.
    pub conversation: Option<ConversationId>,
    /// The network address that it came from, unless that was erased.
    pub address: Option<String>,
    /// Its number in the chain, once it is sealed.
    pub seq: Option<i64>,
    /// Its hash in the chain, once it is sealed.
    pub hash: Option<String>,
}

impl Logged {
    /// Where a page that begins or ends with it does so.
    #[must_use]
    pub const fn cursor(&self) -> Cursor {
        Cursor { at: self.event.at, id: self.event.id }
    }
}

type More = (String, Option<AnyId>, Option<i64>, Option<String>, Option<i64>, Option<String>);

fn read((row, more): (Row, More)) -> Result<Logged, Failure> {
    let (subject_kind, subject, conversation, address, seq, hash) = more;
    Ok(Logged {
        event: row.read()?,
        subject_kind,
        subject: subject.map(|id| id.0),
        conversation: conversation.map(ConversationId),
        address,
        seq,
        hash,
    })
}

#[auto_type]
fn ours(workspace: WorkspaceId) -> _ {
    a::audit_events.filter(a::workspace_id.eq(workspace))
}

type Boxed<'a> = diesel::helper_types::IntoBoxed<'a, ours, MultiBackend>;

/// The events of a workspace that match a filter.
fn matching<'a>(workspace: WorkspaceId, filter: &Filter) -> Boxed<'a> {
    let query = ours(workspace).into_boxed::<MultiBackend>();
    let query = match &filter.who {
        None => query,
        Some(Who::System) => query.filter(a::actor_kind.eq(ACTOR_SYSTEM)),
        Some(Who::User(user)) => query.filter(a::actor_id.eq(*user)),
        Some(Who::Standing(status)) => query.filter(
            a::actor_id.eq_any(
                users::table
                    .filter(users::workspace_id.eq(workspace))
                    .filter(users::status.eq(*status))
                    .select(users::id.nullable()),
            ),
        ),
    };
    let query = match &filter.what {
        None => query,
        Some(What::Name(name)) => query.filter(a::name.eq(name.clone())),
        Some(What::Group(group)) => {
            let names: Vec<&'static str> = group.events.iter().map(|(name, _)| *name).collect();
            query.filter(a::name.eq_any(names))
        }
    };
    let query = match filter.from {
        None => query,
        Some(from) => query.filter(a::at.ge(At(from))),
    };
    let query = match filter.until {
        None => query,
        Some(until) => query.filter(a::at.lt(At(until))),
    };
    let query = match &filter.named {
        None => query,
        Some(named) => {
            let users: Vec<UserId> = named.iter().copied().map(UserId).collect();
            let any: Vec<AnyId> = named.iter().copied().map(AnyId).collect();
            // NULL compares to NULL, so what may be absent is asked for by name.
            query.filter(
                (a::actor_id.is_not_null().and(a::actor_id.assume_not_null().eq_any(users.clone())))
                    .or(a::from_user_id.is_not_null().and(a::from_user_id.assume_not_null().eq_any(users.clone())))
                    .or(a::to_user_id.is_not_null().and(a::to_user_id.assume_not_null().eq_any(users)))
                    .or(a::subject_id.is_not_null().and(a::subject_id.assume_not_null().eq_any(any))),
            )
        }
    };
    match &filter.about {
        None => query,
        Some(about) => concerning(query, workspace, about),
    }
}

fn concerning<'a>(query: Boxed<'a>, workspace: WorkspaceId, about: &About) -> Boxed<'a> {
    // Who joins or leaves something is recorded of the person; the other side stands beside.
    let mentions = |id: Uuid| format!("%\"{id}\"%");
    let is = |id: Uuid| a::subject_id.is_not_null().and(a::subject_id.assume_not_null().eq(AnyId(id)));
    match about {
        About::Kind(kind) => query.filter(a::subject_kind.eq(*kind)),
        // What was taken from them or given to them is about them, too.
        About::User(user) => query.filter(
            is(user.0)
                .or(a::from_user_id.is_not_null().and(a::from_user_id.assume_not_null().eq(*user)))
                .or(a::to_user_id.is_not_null().and(a::to_user_id.assume_not_null().eq(*user))),
        ),
        About::Job(job) => query.filter(a::subject_id.eq(AnyId(job.0))),
        About::Team(team) => query.filter(
            is(team.0).or(a::name.like("team.%").and(
                (a::to_team_id.is_not_null().and(a::to_team_id.assume_not_null().eq(*team)))
                    .or(a::from_team_id.is_not_null().and(a::from_team_id.assume_not_null().eq(*team))),
            )),
        ),
        About::Channel(channel) => {
            query.filter(is(channel.0).or(a::name.like("channel.%").and(a::details.like(mentions(channel.0)))))
        }
        About::Role(role) => query.filter(
            is(role.0).or(a::name
                .eq_any(["user.invited", "user.created", "user.roles_changed"])
                .and(a::details.like(mentions(role.0)))),
        ),
        About::Conversation(number) => query.filter(
            a::conversation_id.eq_any(
                conversations::table
                    .filter(conversations::workspace_id.eq(workspace))
                    .filter(conversations::number.eq(number.0))
                    .select(conversations::id.nullable()),
            ),
        ),
    }
}

macro_rules! columns {
    () => {
        (Row::as_select(), (a::subject_kind, a::subject_id, a::conversation_id, a::address, a::seq, a::hash))
    };
}

/// Which page of the log.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// The newest entries.
    Newest,
    /// Those before an event.
    OlderThan(Cursor),
    /// Those after an event.
    NewerThan(Cursor),
}

/// A page of the log, newest first.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its entries.
    pub rows: Vec<Logged>,
    /// Whether there are newer ones.
    pub newer: bool,
    /// Whether there are older ones.
    pub older: bool,
}

/// A page of the events that match.
///
/// # Errors
/// Trouble with the database.
pub fn list(rx: &mut Rx, filter: &Filter, place: Place, limit: usize) -> Result<Page, Failure> {
    let query = matching(rx.workspace(), filter);
    // The first comparison bounds the index range, the second decides between equal instants.
    let query = match place {
        Place::Newest => query.order((a::at.desc(), a::id.desc())),
        Place::OlderThan(at) => query
            .filter(a::at.le(At(at.at)))
            .filter(a::at.lt(At(at.at)).or(a::id.lt(at.id)))
            .order((a::at.desc(), a::id.desc())),
        Place::NewerThan(at) => query
            .filter(a::at.ge(At(at.at)))
            .filter(a::at.gt(At(at.at)).or(a::id.gt(at.id)))
            .order((a::at.asc(), a::id.asc())),
    };
    let take = i64::try_from(limit).unwrap_or(50) + 1;
    let mut found: Vec<(Row, More)> = query.limit(take).select(columns!()).load(rx.conn)?;
    let more = found.len() > limit;
    found.truncate(limit);
    let (newer, older) = match place {
        Place::Newest => (false, more),
        Place::OlderThan(_) => (true, more),
        Place::NewerThan(_) => {
            found.reverse();
            (more, true)
        }
    };
    Ok(Page { rows: found.into_iter().map(read).collect::<Result<_, _>>()?, newer, older })
}

/// How many events match; `None` if there are more than `most`, which are not counted.
///
/// # Errors
/// Trouble with the database.
pub fn count_up_to(rx: &mut Rx, filter: &Filter, most: i64) -> Result<Option<i64>, Failure> {
    let beyond: Option<i64> = matching(rx.workspace(), filter)
        .order((a::at.desc(), a::id.desc()))
        .offset(most)
        .limit(1)
        .select(a::id)
        .first(rx.conn)
        .optional()?;
    if beyond.is_some() {
        return Ok(None);
    }
    Ok(Some(matching(rx.workspace(), filter).count().get_result(rx.conn)?))
}

/// The events that match, oldest first, after one of them and up to an instant: a piece of an export.
///
/// # Errors
/// Trouble with the database.
pub fn list_forward(
    rx: &mut Rx,
    filter: &Filter,
    after: Option<Cursor>,
    until: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Logged>, Failure> {
    let mut query = matching(rx.workspace(), filter).filter(a::at.le(At(until)));
    if let Some(at) = after {
        query = query.filter(a::at.ge(At(at.at))).filter(a::at.gt(At(at.at)).or(a::id.gt(at.id)));
    }
    let found: Vec<(Row, More)> =
        query.order((a::at.asc(), a::id.asc())).limit(limit).select(columns!()).load(rx.conn)?;
    found.into_iter().map(read).collect()
}
