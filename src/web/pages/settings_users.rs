//! Settings → Users: active and inactive users (U-2).

use std::collections::HashMap;

use askama::Template;
use chrono::TimeDelta;

use super::settings_invites_list::{PickQuery, Picked};
use super::settings_users_bars::{Bulk, Selecting, here};
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
use crate::store::users::{Filter, Sort};
use crate::store::{self, Rx, counts};
use crate::web::error::WebError;
use crate::web::extract::{May, Query, Viewer};
use crate::web::reply::{Reply, page};
use crate::web::views::chrome::{Section, SettingsItem, SettingsNav, form_token};
use crate::web::views::pager::Pager;
use crate::web::views::person::{People, PersonView};
use crate::web::views::time::{TimeView, Times};

/// Rows of a page.
const PAGE: i64 = 25;

/// A column's heading that sorts.
struct SortLink {
    href: String,
    aria: Option<&'static str>,
    icon: &'static str,
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
    reason: &'static str,
    leaves: Option<TimeView>,
    back: Option<TimeView>,
    change: Offer,
    remove: Offer,
    delete: Offer,
}

struct Tab {
    label: &'static str,
    href: &'static str,
    count: String,
    current: bool,
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
    caption: String,
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
    retention_years: Option<i32>,
    now: chrono::DateTime<chrono::Utc>,
}

fn load(rx: &mut Rx, status: Status, query: &UsersQuery) -> Result<Result<Loaded, WebError>, Failure> {
    let filter = match query.filter(rx.now()) {
        Ok(filter) => filter,
        Err(error) => return Ok(Err(error)),
    };
    let roles = store::roles::list(rx)?;
    let teams = store::teams::list(rx)?;
    let channels = store::channels::list(rx)?;
    if !is_known(&filter, &roles, &teams, &channels) {
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
        retention_years: store::retention::find(rx)?.years,
        now: rx.now(),
        users,
        roles,
        teams,
        channels,
    }))
}

/// Whether everything that a filter names is of this workspace.
fn is_known(filter: &Filter, roles: &[Role], teams: &[Team], channels: &[Channel]) -> bool {
    filter.role.is_none_or(|id| roles.iter().any(|role| role.id == id))
        && filter.team.is_none_or(|id| teams.iter().any(|team| team.id == id))
        && filter.channel.is_none_or(|id| channels.iter().any(|channel| channel.id == id))
}

async fn list(viewer: Viewer, query: UsersQuery, status: Status, select: &str) -> Reply {
    let asked = query.clone();
    let loaded = viewer.read(move |rx| load(rx, status, &asked)).await??;
    let content = view(&viewer, &query, status, &loaded, select);
    page(&viewer, if status == Status::Active { "Users" } else { "Inactive users" }, Section::Settings, &content)
}

pub(super) fn tabs(counts: &HashMap<Status, i64>, current: Status) -> Vec<(&'static str, &'static str, String, bool)> {
    [("Active Users", Status::Active), ("Inactive Users", Status::Inactive), ("Pending Invites", Status::Invited)]
        .into_iter()
        .map(|(label, status)| {
            (label, tab(status).0, grouped(counts.get(&status).copied().unwrap_or(0)), tab(status) == tab(current))
        })
        .collect()
}

fn view(viewer: &Viewer, query: &UsersQuery, status: Status, loaded: &Loaded, select: &str) -> UsersPage {
    let may = |key| viewer.known.person.permissions.has(key);
    let inactive = status != Status::Active;
    let (address, usual) = tab(status);
    let sort = query.sort(usual);
    let link = |name: &str, which: Sort| sort_link(address, query, name, which, sort);
    let pager = pager(address, query, loaded.total, loaded.users.len());
    let rows = rows(viewer, loaded);
    UsersPage {
        nav: SettingsNav::new(viewer, SettingsItem::Users),
        workspace: viewer.known.workspace.name.clone(),
        tabs: tabs(&loaded.counts, status)
            .into_iter()
            .map(|(label, href, count, current)| Tab { label, href, count, current })
            .collect(),
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
        caption: match status {
            Status::Active => "Active users".to_owned(),
            Status::Removed => "Removed users".to_owned(),
            _ => "Inactive users".to_owned(),
        },
        rows,
        pager,
    }
}

fn pager(address: &str, query: &UsersQuery, total: i64, shown: usize) -> Pager {
    Pager::new(query.page(), PAGE, total, shown, |page| {
        let there = UsersQuery { page: page.to_string(), ..query.clone() };
        format!("{address}?{}", there.print())
    })
}

/// Where what is listed can be had as a file.
fn export_address(status: Status, query: &UsersQuery) -> String {
    let there = UsersQuery { page: String::new(), ..query.clone() };
    format!("/settings/users/export?status={}&{}", status.as_str(), there.print())
}

fn sort_link(address: &str, query: &UsersQuery, name: &str, which: Sort, now: (Sort, bool)) -> SortLink {
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

struct InviteRow {
    who: PersonView,
    email: String,
    roles: Vec<String>,
    teams: Vec<String>,
    sent: Option<TimeView>,
    times_sent: i32,
    by: String,
    expires: TimeView,
    expired: bool,
    mail: Option<&'static str>,
    problem: Option<String>,
    may_change: bool,
}

#[derive(Template)]
#[template(path = "pages/settings_invites.html")]
struct InvitesPage {
    nav: SettingsNav,
    workspace: String,
    tabs: Vec<Tab>,
    toolbar: Toolbar,
    export: String,
    filtered: bool,
    by_name: SortLink,
    by_role: SortLink,
    by_since: SortLink,
    by_expiry: SortLink,
    rows: Vec<InviteRow>,
    pager: Pager,
    picked: Picked,
    days: i32,
    may_invite: bool,
    csrf: String,
    smtp: bool,
}

/// Pending Invites (I-4).
///
/// # Errors
/// [`WebError::NotFound`] for ids that are none here.
pub async fn invites(may: May<users::View>, query: Query<UsersQuery>, pick: Query<PickQuery>) -> Reply {
    let (viewer, query) = (may.viewer, query.0);
    let (zone, may_invite) = (viewer.known.zone, viewer.known.person.permissions.has(Key::UsersInvite));
    let owner = viewer.known.person.is_owner;
    let (address, usual) = tab(Status::Invited);
    let sort = query.sort(usual);
    let asked = query.clone();
    let (rows, total, counts, toolbar) = viewer
        .read(move |rx| {
            let filter = asked.filter(rx.now()).map_err(|_| Failure::NotFound)?;
            let (roles, teams, channels) =
                (store::roles::list(rx)?, store::teams::list(rx)?, store::channels::list(rx)?);
            if !is_known(&filter, &roles, &teams, &channels) {
                return Err(Failure::NotFound);
            }
            let place = (PAGE, (asked.page() - 1) * PAGE);
            let (users, total) = store::users::list(rx, &[Status::Invited], &filter, sort, place)?;
            let ids: Vec<UserId> = users.iter().map(|user| user.id).collect();
            let mut invites = store::invites::list_of_users(rx, &ids)?;
            invites.sort_by_key(|invite| ids.iter().position(|id| *id == invite.user));
            let counts = store::users::count_by_status(rx)?;
            let times = Times::new(rx.now(), zone);
            let inviters: Vec<UserId> = invites.iter().filter_map(|invite| invite.invited_by).collect();
            let people = People::new(&store::users::list_briefs(rx, &inviters)?);
            let roles_of = store::roles::list_of_users(rx, &ids)?;
            let teams_of = store::teams::list_of_users(rx, &ids)?;
            let names = |invite: &store::invites::Invite| InviteNames {
                roles: named(roles_of.get(&invite.user), |id| {
                    roles.iter().find(|role| role.id == *id).map(|role| role.name.clone())
                }),
                teams: named(teams_of.get(&invite.user), |id| {
                    teams.iter().find(|team| team.id == *id).map(|team| team.name.clone())
                }),
                by: invite.invited_by.map(|id| people.get(id).name).unwrap_or_default(),
                for_owner: roles_of
                    .get(&invite.user)
                    .into_iter()
                    .flatten()
                    .any(|id| roles.iter().any(|role| role.id == *id && role.is_owner())),
            };
            let rows: Vec<InviteRow> =
                invites.iter().map(|invite| invite_row(invite, names(invite), &times, may_invite, owner)).collect();
            Ok((rows, total, counts, Toolbar::new(Status::Invited, &asked, &roles, &teams, &channels)))
        })
        .await?;
    let link = |name: &str, which: Sort| sort_link(address, &query, name, which, sort);
    let content = InvitesPage {
        nav: SettingsNav::new(&viewer, SettingsItem::Users),
        workspace: viewer.known.workspace.name.clone(),
        tabs: tabs(&counts, Status::Invited)
            .into_iter()
            .map(|(label, href, count, current)| Tab { label, href, count, current })
            .collect(),
        toolbar,
        export: export_address(Status::Invited, &query),
        filtered: query.is_filtered(),
        by_name: link("name", Sort::Name),
        by_role: link("role", Sort::Role),
        by_since: link("since", Sort::Since),
        by_expiry: link("expires", Sort::Expires),
        pager: pager(address, &query, total, rows.len()),
        picked: Picked::new(&pick.0, &query, total, PAGE),
        days: viewer.known.workspace.invite_days,
        rows,
        may_invite,
        csrf: form_token(&viewer.req),
        smtp: viewer.app.smtp,
    };
    page(&viewer, "Pending invites", Section::Settings, &content)
}

struct InviteNames {
    roles: Vec<String>,
    teams: Vec<String>,
    by: String,
    for_owner: bool,
}

fn named<T>(ids: Option<&Vec<T>>, name: impl Fn(&T) -> Option<String>) -> Vec<String> {
    ids.into_iter().flatten().filter_map(name).collect()
}

fn invite_row(
    invite: &store::invites::Invite,
    names: InviteNames,
    times: &Times,
    may_invite: bool,
    owner: bool,
) -> InviteRow {
    let mail = invite.mail.as_ref().map(|(state, problem)| match (state.as_str(), problem) {
        ("queued", None) => "Mail queued",
        ("queued", Some(_)) => "Mail will be tried again",
        ("sent", _) => "Mail sent",
        ("kept", _) => "Mail kept in the outbox",
        _ => "Mail failed",
    });
    let expired = invite.expires_at <= times.now();
    InviteRow {
        who: PersonView::active(invite.user, &invite.name),
        email: invite.email.clone(),
        roles: names.roles,
        teams: names.teams,
        sent: invite.sent_at.map(|at| times.full(at)),
        times_sent: invite.times_sent,
        by: names.by,
        expires: if expired { times.day(invite.expires_at) } else { times.ahead(invite.expires_at) },
        expired,
        mail,
        problem: invite.mail.as_ref().and_then(|(_, problem)| problem.clone()),
        may_change: may_invite && (owner || !names.for_owner),
    }
}
