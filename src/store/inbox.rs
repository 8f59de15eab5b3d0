//! Lists of conversations. One condition, [`matching`], makes the list, its count and the snapshot of a bulk job.

use diesel::dsl::auto_type;
use diesel::prelude::*;

use super::conversations::Row;
use super::db::{MultiBackend, Rx};
use super::schema::{contacts, conversation_tags, conversations, messages, users};
use super::types::At;
use crate::domain::access::Sees;
use crate::domain::conversations::Conversation;
use crate::domain::ids::{ConversationId, WorkspaceId};
use crate::domain::inbox::{Activity, Assignee, Cursor, Filter, Sort, Statuses, Teams, Waiting};
use crate::domain::text::like_pattern;
use crate::domain::users::Status as UserStatus;
use crate::failure::Failure;

#[auto_type]
fn ours(workspace: WorkspaceId) -> _ {
    conversations::table.filter(conversations::workspace_id.eq(workspace))
}

pub(super) type Boxed<'a> = diesel::helper_types::IntoBoxed<'a, ours, MultiBackend>;

/// The conversations of a workspace that somebody may see: the SQL form of [`Sees::covers`].
pub(super) fn visible<'a>(workspace: WorkspaceId, sees: &Sees) -> Boxed<'a> {
    let query = ours(workspace).into_boxed::<MultiBackend>();
    match sees {
        Sees::All => query,
        Sees::Nothing => query.filter(conversations::id.lt(0)),
        Sees::Own { user, teams, channels, unassigned } => {
            let channels = if *unassigned { channels.clone() } else { Vec::new() };
            // NULL compares to NULL, so what may be absent is asked for by name.
            query.filter(
                (conversations::assignee_id.is_not_null().and(conversations::assignee_id.assume_not_null().eq(*user)))
                    .or(conversations::team_id
                        .is_not_null()
                        .and(conversations::team_id.assume_not_null().eq_any(teams.clone())))
                    .or(conversations::assignee_id
                        .is_null()
                        .and(conversations::team_id.is_null())
                        .and(conversations::channel_id.eq_any(channels))),
            )
        }
    }
}

/// The conversations that match a filter, as far as somebody may see them.
pub(super) fn matching<'a>(workspace: WorkspaceId, filter: &Filter, sees: &Sees) -> Boxed<'a> {
    let mut query = visible(workspace, sees);
    query = match filter.statuses {
        Statuses::Only(status) => query.filter(conversations::status.eq(status.as_str())),
        Statuses::OpenAndSnoozed => query.filter(conversations::status.eq_any(["open", "snoozed"])),
    };
    query = match (filter.assignee, filter.teams.is_some()) {
        (None, _) => query,
        (Some(Assignee::User(user)), _) => query.filter(conversations::assignee_id.eq(user)),
        (Some(Assignee::Nobody), true) => query.filter(conversations::assignee_id.is_null()),
        (Some(Assignee::Nobody), false) => {
            query.filter(conversations::assignee_id.is_null()).filter(conversations::team_id.is_null())
        }
        (Some(Assignee::Inactive), _) => query.filter(
            conversations::assignee_id.eq_any(
                users::table
                    .filter(users::workspace_id.eq(workspace))
                    .filter(users::status.eq_any(UserStatus::CANNOT_LOG_IN.map(UserStatus::as_str)))
                    .select(users::id.nullable()),
            ),
        ),
    };
    query = match &filter.teams {
        None => query,
        Some(Teams::One(team)) => query.filter(conversations::team_id.eq(*team)),
        Some(Teams::Any(teams)) => query.filter(conversations::team_id.eq_any(teams.clone())),
    };
    if let Some(channel) = filter.channel {
        query = query.filter(conversations::channel_id.eq(channel));
    }
    if let Some(tag) = filter.tag {
        query = query.filter(
            conversations::id.eq_any(
                conversation_tags::table
                    .filter(conversation_tags::workspace_id.eq(workspace))
                    .filter(conversation_tags::tag_id.eq(tag))
                    .select(conversation_tags::conversation_id),
            ),
        );
    }
    if let Some(priority) = filter.priority {
        query = query.filter(conversations::priority.eq(priority.rank()));
    }
    query = match filter.waiting {
        None => query,
        Some(Waiting::OnUs) => query.filter(conversations::waiting_since.is_not_null()),
        Some(Waiting::OnCustomer) => query.filter(conversations::waiting_since.is_null()),
    };
    if let Some(contact) = filter.contact {
        query = query.filter(conversations::contact_id.eq(contact));
    }
    query = match filter.activity {
        None => query,
        Some(Activity::Since(at)) => query.filter(conversations::last_activity_at.ge(At(at))),
        Some(Activity::Before(at)) => query.filter(conversations::last_activity_at.lt(At(at))),
    };
    match &filter.words {
        None => query,
        Some(words) => with_words(query, workspace, words),
    }
}

diesel::define_sql_function! {
    /// Lower case as far as the database knows it: SQLite knows ASCII.
    fn lower(text: diesel::sql_types::Text) -> diesel::sql_types::Text;
}

fn with_words<'a>(query: Boxed<'a>, workspace: WorkspaceId, words: &str) -> Boxed<'a> {
    let pattern = like_pattern(words);
    let of_contact = contacts::table
        .filter(contacts::workspace_id.eq(workspace))
        .filter(
            lower(contacts::name)
                .like(pattern.clone())
                .escape('\\')
                .or(contacts::email_key.like(pattern.clone()).escape('\\')),
        )
        .select(contacts::id);
    let in_messages = messages::table
        .filter(messages::workspace_id.eq(workspace))
        .filter(lower(messages::body).like(pattern.clone()).escape('\\'))
        .select(messages::conversation_id);
    query.filter(
        lower(conversations::subject)
            .like(pattern)
            .escape('\\')
            .or(conversations::contact_id.eq_any(of_contact))
            .or(conversations::id.eq_any(in_messages)),
    )
}

/// A conversation in a list.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The conversation.
    pub conversation: Conversation,
    /// The first words of its last message.
    pub preview: String,
}

/// One page of a list, and where the next begins.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its rows.
    pub rows: Vec<Listed>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

/// A page of the conversations that match, in order, after a row.
///
/// # Errors
/// Trouble with the database.
pub fn list(
    rx: &mut Rx,
    filter: &Filter,
    sees: &Sees,
    sort: Sort,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Page, Failure> {
    use conversations as c;
    let query = matching(rx.workspace(), filter, sees);
    // The first comparison bounds the index range, the second decides between equal values.
    let query = match (sort, after) {
        (Sort::Newest, None) => query,
        (Sort::Newest, Some(at)) => query
            .filter(c::last_activity_at.le(At(at.at)))
            .filter(c::last_activity_at.lt(At(at.at)).or(c::id.lt(at.id.0))),
        (Sort::Waiting, None) => query.filter(c::waiting_since.is_not_null()),
        (Sort::Waiting, Some(at)) => {
            query.filter(c::waiting_since.ge(At(at.at))).filter(c::waiting_since.gt(At(at.at)).or(c::id.gt(at.id.0)))
        }
        (Sort::Wake, None) => query.filter(c::snoozed_until.is_not_null()),
        (Sort::Wake, Some(at)) => {
            query.filter(c::snoozed_until.ge(At(at.at))).filter(c::snoozed_until.gt(At(at.at)).or(c::id.gt(at.id.0)))
        }
        (Sort::Priority, None) => query,
        (Sort::Priority, Some(at)) => query.filter(c::priority.le(at.rank)).filter(
            c::priority
                .lt(at.rank)
                .or(c::last_activity_at.le(At(at.at)).and(c::last_activity_at.lt(At(at.at)).or(c::id.lt(at.id.0)))),
        ),
    };
    let query = match sort {
        Sort::Newest => query.order((c::last_activity_at.desc(), c::id.desc())),
        Sort::Waiting => query.order((c::waiting_since.asc(), c::id.asc())),
        Sort::Wake => query.order((c::snoozed_until.asc(), c::id.asc())),
        Sort::Priority => query.order((c::priority.desc(), c::last_activity_at.desc(), c::id.desc())),
    };
    let take = i64::try_from(limit).unwrap_or(50) + 1;
    let found: Vec<Row> = query.limit(take).select(Row::as_select()).load(rx.conn)?;
    let more = found.len() > limit;
    let rows = found
        .into_iter()
        .take(limit)
        .map(|mut row| {
            let preview = std::mem::take(&mut row.preview);
            Ok(Listed { conversation: row.read()?, preview })
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    let next = rows.last().filter(|_| more).map(|last| cursor(&last.conversation, sort));
    Ok(Page { rows, next })
}

fn cursor(last: &Conversation, sort: Sort) -> Cursor {
    let at = match sort {
        Sort::Newest | Sort::Priority => last.last_activity_at,
        Sort::Waiting => last.waiting_since.unwrap_or(last.last_activity_at),
        Sort::Wake => last.snoozed_until.unwrap_or(last.last_activity_at),
    };
    Cursor { rank: last.priority.rank(), at, id: last.id }
}

/// How many conversations match.
///
/// # Errors
/// Trouble with the database.
pub fn count(rx: &mut Rx, filter: &Filter, sees: &Sees) -> Result<i64, Failure> {
    Ok(matching(rx.workspace(), filter, sees).count().get_result(rx.conn)?)
}

/// Which of some conversations match, or with no filter: are seen.
///
/// # Errors
/// Trouble with the database.
pub fn list_matching_among(
    rx: &mut Rx,
    filter: Option<&Filter>,
    sees: &Sees,
    ids: &[ConversationId],
) -> Result<std::collections::HashSet<ConversationId>, Failure> {
    let query = match filter {
        Some(filter) => matching(rx.workspace(), filter, sees),
        None => visible(rx.workspace(), sees),
    };
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let found: Vec<i64> = query.filter(conversations::id.eq_any(ids)).select(conversations::id).load(rx.conn)?;
    Ok(found.into_iter().map(ConversationId).collect())
}
