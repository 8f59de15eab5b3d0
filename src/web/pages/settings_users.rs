//! Settings → Users: active and inactive users (U-2).

use std::collections::HashMap;

use askama::Template;
use chrono::TimeDelta;

use super::settings_users_bars::{Bulk, Selecting, here};
use super::settings_users_held::{self, Held};
use super::settings_users_query::{UsersQuery, tab};
use super::settings_users_toolbar::Toolbar;
use crate::domain::access::{Key, Sees, users};
use crate::domain::conversations::Status as ConversationStatus;
use crate::domain::ids::{RoleId, TeamId, UserId};
use crate::domain::removal::{Deletion, DeletionReason};
use crate::domain::roles::Role;
use crate::domain::teams::Team;
use crate::domain::text::grouped;
use crate::domain::users::{Offer, Status, User};
use crate::failure::Failure;
use crate::store::channels::Channel;
use crate::store::roster::Roster;
use crate::store::users::{Filter, Sort};
use crate::store::{self, Rx, counts};
use crate::web::error::WebError;
use crate::web::extract::{May, Query, Viewer};
use crate::web::reply::{Reply, page};
use crate::web::views::chrome::{Section, SettingsItem, SettingsNav};
use crate::web::views::pager::Pager;
use crate::web::views::person::{People, PersonView};
use crate::web::views::time::{TimeView, Times};

/// Rows of a page.
pub(super) const PAGE: i64 = 25;

/// A column's heading that sorts.
pub(super) struct SortLink {
    pub href: String,
    pub aria: Option<&'static str>,
    pub icon: &'static str,
}

struct Row {
    who: PersonView,
    email: String,
    roles: Vec<(String, bool)>,
    teams: Vec<String>,
    sub: String,
    open: i64,
    open_text: String,
    seen: Option<TimeView>,
    online: bool,
    since: TimeView,
    by: String,
    reason: &'static str,
    leaves: Option<TimeView>,
    back: Option<TimeView>,
    change: Offer,
    remove: Offer,
    delete: Offer,
}

pub(super) struct Tab {
    pub label: &'static str,
    pub href: &'static str,
    pub count: String,
    pub current: bool,
}

#[derive(Template)]
#[template(path = "pages/settings_users.html")]
struct UsersPage {
    nav: SettingsNav,
    workspace: String,
    tabs: Vec<Tab>,
    inactive: bool,
    removed: bool,
    toolbar: Toolbar,
    export: String,
    by_name: SortLink,
    by_role: SortLink,
    by_work: SortLink,
    by_seen: SortLink,
    by_since: SortLink,
    rows: Vec<Row>,
    pager: Pager,
    bulk: Option<Bulk>,
    checked: bool,
    here: String,
    filtered: bool,
    may_invite: bool,
    may_see_conversations: bool,
    held: Option<Held>,
    caption: String,
    foot: String,
}

/// Active Users.
///
/// # Errors
/// [`WebError::NotFound`] for ids that are none here.
pub async fn active(may: May<users::View>, query: Query<UsersQuery>, select: Query<Selecting>) -> Reply {
    list(may.viewer, query.0, Status::Active, &select.0.select).await
}

/// Inactive Users.
///
/// # Errors
/// [`WebError::NotFound`] for ids that are none here.
pub async fn inactive(may: May<users::View>, query: Query<UsersQuery>, select: Query<Selecting>) -> Reply {
    let status = query.0.inactive_status();
    list(may.viewer, query.0, status, &select.0.select).await
}

struct Loaded {
    users: Vec<User>,
    total: i64,
    counts: HashMap<Status, i64>,
    roles: Vec<Role>,
    teams: Vec<Team>,
    channels: Vec<Channel>,
    roles_of: HashMap<UserId, Vec<RoleId>>,
    teams_of: HashMap<UserId, Vec<TeamId>>,
    open: HashMap<UserId, i64>,
    snoozed: HashMap<UserId, i64>,
    owners: usize,
    held: Option<Held>,
    by: HashMap<UserId, String>,
    retention_years: Option<i32>,
    now: chrono::DateTime<chrono::Utc>,
}

fn load(rx: &mut Rx, roster: &Roster, status: Status, query: &UsersQuery) -> Result<Result<Loaded, WebError>, Failure> {
    let filter = match query.filter(rx.now()) {
        Ok(filter) => filter,
        Err(error) => return Ok(Err(error)),
    };
    let roles = store::roles::list(rx)?;
    if !is_known(&filter, &roles, &roster.teams, &roster.channels) {
        return Ok(Err(WebError::NotFound));
    }
    let place = (PAGE, (query.page() - 1) * PAGE);
    let (users, total) = store::users::list(rx, &[status], &filter, query.sort(tab(status).1), place)?;
    let ids: Vec<UserId> = users.iter().map(|user| user.id).collect();
    let held = counts::find(rx, &[ConversationStatus::Open, ConversationStatus::Snoozed], &Sees::All)?;
    Ok(Ok(Loaded {
        total,
        counts: store::users::count_by_status(rx)?,
        roles_of: store::roles::list_of_users(rx, &ids)?,
        teams_of: store::teams::list_of_users(rx, &ids)?,
        open: held.by_person(ConversationStatus::Open),
        snoozed: held.by_person(ConversationStatus::Snoozed),
        owners: store::users::count_active_owners(rx)?,
        held: if status == Status::Inactive { settings_users_held::find(rx, &held)? } else { None },
        by: if status == Status::Active { HashMap::new() } else { by_whom(rx, status, &ids)? },
        retention_years: store::retention::find(rx)?.years,
        now: rx.now(),
        users,
        roles,
        teams: roster.teams.clone(),
        channels: roster.channels.clone(),
    }))
}

/// Who deactivated or removed each of them, if it was a person.
fn by_whom(rx: &mut Rx, status: Status, ids: &[UserId]) -> Result<HashMap<UserId, String>, Failure> {
    let name = if status == Status::Removed { "user.removed" } else { "user.deactivated" };
    let actors = store::audit::list_latest_actors(rx, name, ids)?;
    let people = People::new(&store::users::list_briefs(rx, &actors.values().copied().collect::<Vec<_>>())?);
    Ok(actors.into_iter().map(|(user, actor)| (user, people.get(actor).name)).collect())
}

/// Whether everything that a filter names is of this workspace.
pub(super) fn is_known(filter: &Filter, roles: &[Role], teams: &[Team], channels: &[Channel]) -> bool {
    filter.role.is_none_or(|id| roles.iter().any(|role| role.id == id))
        && filter.team.is_none_or(|id| teams.iter().any(|team| team.id == id))
        && filter.channel.is_none_or(|id| channels.iter().any(|channel| channel.id == id))
}

async fn list(viewer: Viewer, query: UsersQuery, status: Status, select: &str) -> Reply {
    let (asked, roster) = (query.clone(), viewer.known.roster.clone());
    let loaded = viewer.read(move |rx| load(rx, &roster, status, &asked)).await??;
    let content = view(&viewer, &query, status, loaded, select);
    page(&viewer, if status == Status::Active { "Users" } else { "Inactive users" }, Section::Settings, &content)
}

pub(super) fn tabs(counts: &HashMap<Status, i64>, current: Status) -> Vec<Tab> {
    [("Active Users", Status::Active), ("Inactive Users", Status::Inactive), ("Pending Invites", Status::Invited)]
        .into_iter()
        .map(|(label, status)| Tab {
            label,
            href: tab(status).0,
            count: grouped(counts.get(&status).copied().unwrap_or(0)),
            current: tab(status) == tab(current),
        })
        .collect()
}

fn view(viewer: &Viewer, query: &UsersQuery, status: Status, mut loaded: Loaded, select: &str) -> UsersPage {
    let may = |key| viewer.known.person.permissions.has(key);
    let inactive = status != Status::Active;
    let (address, usual) = tab(status);
    let sort = query.sort(usual);
    let link = |name: &str, which: Sort| sort_link(address, query, name, which, sort);
    let pager = pager(address, query, loaded.total, loaded.users.len());
    let rows = rows(viewer, &loaded);
    UsersPage {
        nav: SettingsNav::new(viewer, SettingsItem::Users),
        workspace: viewer.known.workspace.name.clone(),
        tabs: tabs(&loaded.counts, status),
        inactive,
        removed: status == Status::Removed,
        toolbar: {
            let toolbar = Toolbar::new(status, query, &loaded.roles, &loaded.teams, &loaded.channels);
            if inactive { toolbar.with_states(status, &loaded.counts) } else { toolbar }
        },
        export: export_address(status, query),
        by_name: link("name", Sort::Name),
        by_role: link("role", Sort::Role),
        by_work: link("open_work", Sort::OpenWork),
        by_seen: link("last_seen", Sort::LastSeen),
        by_since: link("since", Sort::Since),
        bulk: Bulk::new(viewer, status, query, select, loaded.total, rows.len()),
        checked: matches!(select, "page" | "matching"),
        here: here(status, query),
        filtered: query.is_filtered(),
        may_invite: may(Key::UsersInvite),
        may_see_conversations: may(Key::ConversationsViewAll),
        held: loaded.held.take().filter(|_| may(Key::ConversationsViewAll)),
        foot: match status {
            Status::Inactive => "Roles and teams are kept, so nothing has to be set up again.".to_owned(),
            Status::Removed => "Inviting the same email again brings them back.".to_owned(),
            _ => String::new(),
        },
        caption: match status {
            Status::Active => "Active users".to_owned(),
            Status::Removed => "Removed users".to_owned(),
            _ => "Inactive users".to_owned(),
        },
        rows,
        pager,
    }
}

pub(super) fn pager(address: &str, query: &UsersQuery, total: i64, shown: usize) -> Pager {
    Pager::new(query.page(), PAGE, total, shown, |page| {
        let there = UsersQuery { page: page.to_string(), ..query.clone() };
        format!("{address}?{}", there.print())
    })
}

/// Where what is listed can be had as a file.
pub(super) fn export_address(status: Status, query: &UsersQuery) -> String {
    let there = UsersQuery { page: String::new(), ..query.clone() };
    format!("/settings/users/export?status={}&{}", status.as_str(), there.print())
}

pub(super) fn sort_link(address: &str, query: &UsersQuery, name: &str, which: Sort, now: (Sort, bool)) -> SortLink {
    let (lit, descending) = (now.0 == which, now.1);
    let next = if lit && !descending { format!("-{name}") } else { name.to_owned() };
    let there = UsersQuery { sort: next, page: String::new(), ..query.clone() };
    SortLink {
        href: format!("{address}?{}", there.print()),
        aria: lit.then_some(if descending { "descending" } else { "ascending" }),
        icon: match (lit, descending) {
            (true, true) => "arrow-down",
            (true, false) => "arrow-up",
            (false, _) => "selector",
        },
    }
}

fn rows(viewer: &Viewer, loaded: &Loaded) -> Vec<Row> {
    let times = Times::new(loaded.now, viewer.known.zone);
    let permitted = viewer.known.person.permissions.has(Key::UsersDeactivate);
    let actor = &viewer.known.scope.actor;
    let may = |key| viewer.known.person.permissions.has(key);
    let deletion = Deletion {
        deactivate: true,
        reason: Some(DeletionReason::Erasure),
        retention_years: loaded.retention_years,
        now: loaded.now,
    };
    loaded
        .users
        .iter()
        .map(|user| {
            let roles: Vec<(String, bool)> = loaded
                .roles_of
                .get(&user.id)
                .into_iter()
                .flatten()
                .filter_map(|id| loaded.roles.iter().find(|role| role.id == *id))
                .map(|role| (role.name.clone(), role.is_owner()))
                .collect();
            let teams: Vec<String> = loaded
                .teams_of
                .get(&user.id)
                .into_iter()
                .flatten()
                .filter_map(|id| loaded.teams.iter().find(|team| team.id == *id))
                .map(|team| team.name.clone())
                .collect();
            let held = |numbers: &HashMap<UserId, i64>| numbers.get(&user.id).copied().unwrap_or(0);
            let inactive = user.status != Status::Active;
            let open = held(&loaded.open) + if inactive { held(&loaded.snoozed) } else { 0 };
            let since = times.day(user.status_changed_at);
            let rule = if inactive {
                user.may_be_reactivated_by(actor)
            } else {
                user.may_be_deactivated_by(actor, loaded.owners)
            };
            let names: Vec<&str> = roles.iter().map(|(name, _)| name.as_str()).collect();
            let sub = if inactive {
                match user.absence.returns_at {
                    Some(back) => format!("Since {}, back {}", since.text, times.day(back).text),
                    None => format!("Since {}", since.text),
                }
            } else if teams.is_empty() {
                names.join(", ")
            } else {
                format!("{} · {}", names.join(", "), teams.join(", "))
            };
            Row {
                who: PersonView::new(user.id, &user.name, user.status),
                email: user.email.clone(),
                sub,
                roles,
                teams,
                open,
                open_text: grouped(open),
                online: user.last_seen_at.is_some_and(|at| loaded.now - at < TimeDelta::minutes(2)),
                seen: user.last_seen_at.map(|at| times.ago(at)),
                since,
                by: loaded.by.get(&user.id).cloned().unwrap_or_default(),
                reason: user.reason.map_or("", crate::domain::users::Reason::label),
                leaves: user.absence.starts_at.filter(|_| user.is_leaving()).map(|at| times.short(at)),
                back: user.absence.returns_at.map(|at| if inactive { times.day(at) } else { times.short(at) }),
                change: Offer::from_rule(permitted && !user.status.is_gone(), rule),
                remove: Offer::from_rule(
                    may(Key::UsersRemove) && !user.status.is_gone(),
                    user.may_be_removed_by(actor, loaded.owners),
                ),
                delete: Offer::from_rule(
                    may(Key::UsersDelete),
                    user.may_be_deleted_by(actor, loaded.owners, &deletion),
                ),
            }
        })
        .collect()
}
