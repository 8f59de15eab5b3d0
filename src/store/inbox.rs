//! Lists of conversations. One condition, [`matching`], makes the list, its count and the snapshot of a bulk job.

use std::collections::HashSet;

use diesel::dsl::auto_type;
use diesel::prelude::*;

use super::conversations::Row;
use super::db::{MultiBackend, Rx};
use super::schema::{conversation_tags, conversations, drafts, users};
use super::search::{self, Dialect};
use super::types::At;
use crate::domain::access::Sees;
use crate::domain::conversations::Conversation;
use crate::domain::ids::{ChannelId, ConversationId, TeamId, UserId, WorkspaceId};
use crate::domain::inbox::{Activity, Assignee, Cursor, Filter, Sort, Statuses, Teams, Waiting};
use crate::domain::search::Wanted;
use crate::domain::users::Status as UserStatus;
use crate::failure::Failure;

#[auto_type]
fn ours(workspace: WorkspaceId) -> _ {
    conversations::table.filter(conversations::workspace_id.eq(workspace))
}

pub(super) type Boxed<'a> = diesel::helper_types::IntoBoxed<'a, ours, MultiBackend>;

/// What somebody holds, what their teams hold, and what nobody holds in these channels.
#[auto_type]
pub(super) fn own(user: UserId, teams: Vec<TeamId>, channels: Vec<ChannelId>) -> _ {
    // NULL compares to NULL, so what may be absent is asked for by name.
    let theirs = conversations::assignee_id.is_not_null().and(conversations::assignee_id.assume_not_null().eq(user));
    let of_teams = conversations::team_id.is_not_null().and(conversations::team_id.assume_not_null().eq_any(teams));
    let of_nobody = conversations::assignee_id
        .is_null()
        .and(conversations::team_id.is_null())
        .and(conversations::channel_id.eq_any(channels));
    theirs.or(of_teams).or(of_nobody)
}

/// The conversations of a workspace that somebody may see: the SQL form of [`Sees::covers`].
pub(super) fn visible<'a>(workspace: WorkspaceId, sees: &Sees) -> Boxed<'a> {
    let query = ours(workspace).into_boxed::<MultiBackend>();
    match sees {
        Sees::All => query,
        Sees::Nothing => query.filter(conversations::id.lt(0)),
        Sees::Own { user, teams, channels, unassigned } => {
            let channels = if *unassigned { channels.clone() } else { Vec::new() };
            query.filter(own(*user, teams.clone(), channels))
        }
    }
}

/// The conversations that match a filter, as far as somebody may see them.
pub(super) fn matching<'a>(rx: &Rx, filter: &Filter, sees: &Sees) -> Boxed<'a> {
    let query = matching_but_words(rx.workspace(), filter, sees);
    match &filter.words {
        None => query,
        Some(words) => match Wanted::read(words) {
            Some(wanted) => search::found(query, Dialect::of(rx), &wanted),
            None => query.filter(conversations::id.lt(0)),
        },
    }
}

fn matching_but_words<'a>(workspace: WorkspaceId, filter: &Filter, sees: &Sees) -> Boxed<'a> {
    let mut query = visible(workspace, sees);
    query = match filter.statuses {
        Statuses::Only(status) => query.filter(conversations::status.eq(status.as_str())),
        Statuses::OpenAndSnoozed => query.filter(conversations::status.eq_any(["open", "snoozed"])),
        Statuses::Any => query,
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
    if let Some(author) = filter.drafts_of {
        query = query.filter(
            conversations::id.eq_any(
                drafts::table
                    .filter(drafts::workspace_id.eq(workspace))
                    .filter(drafts::author_id.eq(author))
                    .select(drafts::conversation_id),
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
    match filter.activity {
        None => query,
        Some(Activity::Since(at)) => query.filter(conversations::last_activity_at.ge(At(at))),
        Some(Activity::Before(at)) => query.filter(conversations::last_activity_at.lt(At(at))),
    }
}

/// A conversation in a list.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The conversation.
    pub conversation: Conversation,
    /// The first words of its last message.
    pub preview: String,
}

/// How many match.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Total {
    /// So many.
    pub number: i64,
    /// Whether there may be more: what is found by a common word is not counted to its end.
    pub at_least: bool,
}

/// One page of a list, and where the next begins.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its rows.
    pub rows: Vec<Listed>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
    /// How many match in all, if it was noticed by the way.
    pub total: Option<Total>,
}

/// So many conversations at the top of a list are looked through for words before the index of words is asked.
const LOOK: usize = 2_000;

/// In which conversations somebody has an unsent answer, as far as they may see them.
///
/// # Errors
/// Trouble with the database.
pub fn list_with_draft_of(rx: &mut Rx, author: UserId, sees: &Sees) -> Result<HashSet<ConversationId>, Failure> {
    let filter = Filter { drafts_of: Some(author), ..Filter::of(Statuses::Any) };
    let found: Vec<i64> = matching(rx, &filter, sees).select(conversations::id).load(rx.conn)?;
    Ok(found.into_iter().map(ConversationId).collect())
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
    list_looking(rx, filter, sees, sort, after, (limit, LOOK))
}

/// The same, looking through so many.
///
/// The index of words knows no order, so for a common word it would give a million rows to sort; and a walk along the
/// list would look at a million rows for a seldom one. So the top of the list is looked through first. If it has more
/// than a page of what is wanted, that goes on; otherwise there is little of it, and the index is asked.
///
/// # Errors
/// Trouble with the database.
pub fn list_looking(
    rx: &mut Rx,
    filter: &Filter,
    sees: &Sees,
    sort: Sort,
    after: Option<&Cursor>,
    (limit, look): (usize, usize),
) -> Result<Page, Failure> {
    let Some(words) = &filter.words else {
        return page(rx, matching_but_words(rx.workspace(), filter, sees), sort, after, limit);
    };
    let Some(wanted) = Wanted::read(words) else {
        return Ok(Page { rows: Vec::new(), next: None, total: Some(Total { number: 0, at_least: false }) });
    };
    let all = |rx: &Rx| matching_but_words(rx.workspace(), filter, sees);
    let top = look_through(rx, all(rx), sort, None, look, &wanted)?;
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    if top.ended || top.hits.len() > limit {
        let total = Some(Total { number: count(top.hits.len()), at_least: !top.ended });
        let here = match after {
            Some(after) if !top.ended => look_through(rx, all(rx), sort, Some(after), look, &wanted)?,
            _ => top,
        };
        if here.ended || here.hits.len() > limit {
            let query = all(rx).filter(conversations::id.eq_any(here.hits));
            return Ok(Page { total, ..page(rx, query, sort, after, limit)? });
        }
        let query = search::found(all(rx), Dialect::of(rx), &wanted);
        return Ok(Page { total, ..page(rx, query, sort, after, limit)? });
    }
    let found = |rx: &Rx| search::found(all(rx), Dialect::of(rx), &wanted);
    let number = found(rx).count().get_result(rx.conn)?;
    let query = found(rx);
    Ok(Page { total: Some(Total { number, at_least: false }), ..page(rx, query, sort, after, limit)? })
}

/// What the next rows of a list have of what is wanted.
struct Looked {
    hits: Vec<i64>,
    /// Whether these were all rows that there are.
    ended: bool,
}

fn look_through(
    rx: &mut Rx,
    query: Boxed<'_>,
    sort: Sort,
    after: Option<&Cursor>,
    look: usize,
    wanted: &Wanted,
) -> Result<Looked, Failure> {
    let take = i64::try_from(look).unwrap_or(i64::MAX);
    let ids: Vec<i64> = in_order(query, sort, after).limit(take).select(conversations::id).load(rx.conn)?;
    let ended = ids.len() < look;
    let these = ours(rx.workspace()).into_boxed::<MultiBackend>().filter(conversations::id.eq_any(ids));
    let hits = search::each(these, Dialect::of(rx), wanted).select(conversations::id).load(rx.conn)?;
    Ok(Looked { hits, ended })
}

/// A list in its order, from the row after the cursor.
fn in_order<'a>(query: Boxed<'a>, sort: Sort, after: Option<&Cursor>) -> Boxed<'a> {
    use conversations as c;
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
    match sort {
        Sort::Newest => query.order((c::last_activity_at.desc(), c::id.desc())),
        Sort::Waiting => query.order((c::waiting_since.asc(), c::id.asc())),
        Sort::Wake => query.order((c::snoozed_until.asc(), c::id.asc())),
        Sort::Priority => query.order((c::priority.desc(), c::last_activity_at.desc(), c::id.desc())),
    }
}

fn page(rx: &mut Rx, query: Boxed<'_>, sort: Sort, after: Option<&Cursor>, limit: usize) -> Result<Page, Failure> {
    let query = in_order(query, sort, after);
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
    Ok(Page { rows, next, total: None })
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
    Ok(matching(rx, filter, sees).count().get_result(rx.conn)?)
}

/// All that match, in order.
///
/// # Errors
/// Trouble with the database.
pub fn list_ids(rx: &mut Rx, filter: &Filter, sees: &Sees, sort: Sort) -> Result<Vec<ConversationId>, Failure> {
    let query = in_order(matching(rx, filter, sees), sort, None);
    let ids: Vec<i64> = query.select(conversations::id).load(rx.conn)?;
    Ok(ids.into_iter().map(ConversationId).collect())
}

/// Some conversations, in the order in which they are asked for, as far as they are there and seen.
///
/// # Errors
/// Trouble with the database.
pub fn list_these(rx: &mut Rx, sees: &Sees, ids: &[ConversationId]) -> Result<Vec<Conversation>, Failure> {
    let rows: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let found: Vec<Row> =
        visible(rx.workspace(), sees).filter(conversations::id.eq_any(rows)).select(Row::as_select()).load(rx.conn)?;
    let found = found.into_iter().map(Row::read).collect::<Result<Vec<_>, Failure>>()?;
    let mut found: std::collections::HashMap<_, _> = found.into_iter().map(|one| (one.id, one)).collect();
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
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
        Some(filter) => matching_but_words(rx.workspace(), filter, sees),
        None => visible(rx.workspace(), sees),
    };
    let query = match filter.and_then(|filter| filter.words.as_ref()) {
        None => query,
        Some(words) => match Wanted::read(words) {
            Some(wanted) => search::each(query, Dialect::of(rx), &wanted),
            None => return Ok(std::collections::HashSet::new()),
        },
    };
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let found: Vec<i64> = query.filter(conversations::id.eq_any(ids)).select(conversations::id).load(rx.conn)?;
    Ok(found.into_iter().map(ConversationId).collect())
}
