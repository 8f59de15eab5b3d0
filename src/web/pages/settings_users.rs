//! Settings → Users: active, inactive, pending invites (U-2).

use std::collections::HashMap;

use askama::Template;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::domain::access::{Key, Sees, users};
use crate::domain::conversations::Status as ConversationStatus;
use crate::domain::ids::{RoleId, TeamId, UserId};
use crate::domain::roles::Role;
use crate::domain::teams::Team;
use crate::domain::text::grouped;
use crate::domain::users::{Offer, Status, User};
use crate::failure::Failure;
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

/// The address of a list of users.
#[derive(Clone, Deserialize, Serialize, Default)]
#[serde(default)]
pub struct UsersQuery {
    #[serde(skip_serializing_if = "String::is_empty")]
    q: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    role: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    team: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    channel: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    seen: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    sort: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    page: String,
}

impl UsersQuery {
    fn print(&self) -> String {
        serde_html_form::to_string(self).unwrap_or_default()
    }

    fn page(&self) -> i64 {
        self.page.parse().unwrap_or(1).clamp(1, 1_000_000)
    }

    fn is_filtered(&self) -> bool {
        [&self.q, &self.role, &self.team, &self.channel, &self.seen].iter().any(|text| !text.is_empty())
    }

    /// The sort of the address: a leading dash turns it round.
    fn sort(&self, usual: (Sort, bool)) -> (Sort, bool) {
        let (name, descending) = self.sort.strip_prefix('-').map_or((self.sort.as_str(), false), |name| (name, true));
        let sort = match name {
            "name" => Sort::Name,
            "role" => Sort::Role,
            "open_work" => Sort::OpenWork,
            "last_seen" => Sort::LastSeen,
            "since" => Sort::Since,
            _ => return usual,
        };
        (sort, descending)
    }

    fn filter(&self, now: chrono::DateTime<chrono::Utc>) -> Result<Filter, WebError> {
        let ago = |days| Some(now - TimeDelta::days(days));
        let (seen_since, not_seen_since) = match self.seen.as_str() {
            "day" => (ago(1), None),
            "week" => (ago(7), None),
            "not_month" => (None, ago(30)),
            "not_quarter" => (None, ago(90)),
            _ => (None, None),
        };
        let words = crate::domain::text::one_line(&self.q);
        Ok(Filter {
            words: (!words.is_empty()).then_some(words),
            role: id(&self.role)?,
            team: if self.team == "none" { None } else { id(&self.team)? },
            without_team: self.team == "none",
            channel: id(&self.channel)?,
            seen_since,
            not_seen_since,
        })
    }
}

fn id<T: std::str::FromStr>(text: &str) -> Result<Option<T>, WebError> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(|_| WebError::NotFound) }
}

/// An entry of a select.
struct Choice {
    value: String,
    label: String,
    picked: bool,
}

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
    change: Offer,
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
    address: &'static str,
    query: UsersQuery,
    roles: Vec<Choice>,
    teams: Vec<Choice>,
    channels: Vec<Choice>,
    seen: Vec<Choice>,
    by_name: SortLink,
    by_role: SortLink,
    by_work: SortLink,
    by_seen: SortLink,
    by_since: SortLink,
    rows: Vec<Row>,
    pager: Pager,
    filtered: bool,
    may_invite: bool,
    may_see_conversations: bool,
    caption: String,
}

/// Active Users.
///
/// # Errors
/// [`WebError::NotFound`] for ids that are none here.
pub async fn active(may: May<users::View>, query: Query<UsersQuery>) -> Reply {
    list(may.viewer, query.0, Status::Active).await
}

/// Inactive Users.
///
/// # Errors
/// [`WebError::NotFound`] for ids that are none here.
pub async fn inactive(may: May<users::View>, query: Query<UsersQuery>) -> Reply {
    list(may.viewer, query.0, Status::Inactive).await
}

struct Loaded {
    users: Vec<User>,
    total: i64,
    counts: HashMap<Status, i64>,
    roles: Vec<Role>,
    teams: Vec<Team>,
    channels: Vec<store::channels::Channel>,
    roles_of: HashMap<UserId, Vec<RoleId>>,
    teams_of: HashMap<UserId, Vec<TeamId>>,
    open: HashMap<UserId, i64>,
    snoozed: HashMap<UserId, i64>,
    owners: usize,
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
    let known = filter.role.is_none_or(|id| roles.iter().any(|role| role.id == id))
        && filter.team.is_none_or(|id| teams.iter().any(|team| team.id == id))
        && filter.channel.is_none_or(|id| channels.iter().any(|channel| channel.id == id));
    if !known {
        return Ok(Err(WebError::NotFound));
    }
    let usual = if status == Status::Inactive { (Sort::Since, true) } else { (Sort::Name, false) };
    let place = (PAGE, (query.page() - 1) * PAGE);
    let (users, total) = store::users::list(rx, &[status], &filter, query.sort(usual), place)?;
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
        now: rx.now(),
        users,
        roles,
        teams,
        channels,
    }))
}

async fn list(viewer: Viewer, query: UsersQuery, status: Status) -> Reply {
    let asked = query.clone();
    let loaded = viewer.read(move |rx| load(rx, status, &asked)).await??;
    let content = view(&viewer, query, status, &loaded);
    page(&viewer, if status == Status::Active { "Users" } else { "Inactive users" }, Section::Settings, &content)
}

pub(super) fn tabs(counts: &HashMap<Status, i64>, current: Status) -> Vec<(&'static str, &'static str, String, bool)> {
    [
        ("Active Users", "/settings/users", Status::Active),
        ("Inactive Users", "/settings/users/inactive", Status::Inactive),
        ("Pending Invites", "/settings/users/invites", Status::Invited),
    ]
    .into_iter()
    .map(|(label, href, status)| (label, href, grouped(counts.get(&status).copied().unwrap_or(0)), status == current))
    .collect()
}

fn view(viewer: &Viewer, query: UsersQuery, status: Status, loaded: &Loaded) -> UsersPage {
    let may = |key| viewer.known.person.permissions.has(key);
    let inactive = status == Status::Inactive;
    let address = if inactive { "/settings/users/inactive" } else { "/settings/users" };
    let usual = if inactive { (Sort::Since, true) } else { (Sort::Name, false) };
    let sort = query.sort(usual);
    let link = |name: &str, which: Sort| sort_link(address, &query, name, which, sort);
    let pager = Pager::new(query.page(), PAGE, loaded.total, loaded.users.len(), |page| {
        let there = UsersQuery { page: page.to_string(), ..query.clone() };
        format!("{address}?{}", there.print())
    });
    let choice =
        |value: String, label: &str, picked: &str| Choice { picked: value == picked, value, label: label.to_owned() };
    let seen = [
        ("day", "Seen today"),
        ("week", "Seen this week"),
        ("not_month", "Not for 30 days"),
        ("not_quarter", "Not for 90 days"),
    ];
    let rows = rows(viewer, loaded);
    UsersPage {
        nav: SettingsNav::new(viewer, SettingsItem::Users),
        workspace: viewer.known.workspace.name.clone(),
        tabs: tabs(&loaded.counts, status)
            .into_iter()
            .map(|(label, href, count, current)| Tab { label, href, count, current })
            .collect(),
        inactive,
        address,
        roles: loaded.roles.iter().map(|role| choice(role.id.to_string(), &role.name, &query.role)).collect(),
        teams: std::iter::once(choice("none".to_owned(), "No team", &query.team))
            .chain(loaded.teams.iter().map(|team| choice(team.id.to_string(), &team.name, &query.team)))
            .collect(),
        channels: loaded.channels.iter().map(|one| choice(one.id.to_string(), &one.name, &query.channel)).collect(),
        seen: seen.iter().map(|(value, label)| choice((*value).to_owned(), label, &query.seen)).collect(),
        by_name: link("name", Sort::Name),
        by_role: link("role", Sort::Role),
        by_work: link("open_work", Sort::OpenWork),
        by_seen: link("last_seen", Sort::LastSeen),
        by_since: link("since", Sort::Since),
        filtered: query.is_filtered(),
        may_invite: may(Key::UsersInvite),
        may_see_conversations: may(Key::ConversationsViewAll),
        caption: if inactive { "Inactive users".to_owned() } else { "Active users".to_owned() },
        rows,
        pager,
        query,
    }
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
    let times = Times::new(loaded.now, viewer.known.workspace.time_zone);
    let permitted = viewer.known.person.permissions.has(Key::UsersDeactivate);
    let actor = &viewer.known.scope.actor;
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
            let inactive = user.status == Status::Inactive;
            let open = held(&loaded.open) + if inactive { held(&loaded.snoozed) } else { 0 };
            let since = times.day(user.status_changed_at);
            let rule = if inactive {
                user.may_be_reactivated_by(actor)
            } else {
                user.may_be_deactivated_by(actor, loaded.owners)
            };
            let names: Vec<&str> = roles.iter().map(|(name, _)| name.as_str()).collect();
            let sub = if inactive {
                format!("Since {}", since.text)
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
                change: Offer::from_rule(permitted, rule),
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
    query: UsersQuery,
    rows: Vec<InviteRow>,
    may_invite: bool,
    csrf: String,
    smtp: bool,
}

/// Pending Invites (I-4).
///
/// # Errors
/// Trouble with the database.
pub async fn invites(may: May<users::View>, query: Query<UsersQuery>) -> Reply {
    let viewer = may.viewer;
    let words = crate::domain::text::one_line(&query.0.q);
    let words = (!words.is_empty()).then_some(words);
    let (zone, may_invite) = (viewer.known.workspace.time_zone, viewer.known.person.permissions.has(Key::UsersInvite));
    let owner = viewer.known.person.is_owner;
    let (rows, counts) = viewer
        .read(move |rx| {
            let invites = store::invites::list(rx, words.as_deref())?;
            let counts = store::users::count_by_status(rx)?;
            let times = Times::new(rx.now(), zone);
            let ids: Vec<UserId> = invites.iter().map(|invite| invite.user).collect();
            let inviters: Vec<UserId> = invites.iter().filter_map(|invite| invite.invited_by).collect();
            let people = People::new(&store::users::list_briefs(rx, &inviters)?);
            let (roles, roles_of) = (store::roles::list(rx)?, store::roles::list_of_users(rx, &ids)?);
            let (teams, teams_of) = (store::teams::list(rx)?, store::teams::list_of_users(rx, &ids)?);
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
            Ok((rows, counts))
        })
        .await?;
    let content = InvitesPage {
        nav: SettingsNav::new(&viewer, SettingsItem::Users),
        workspace: viewer.known.workspace.name.clone(),
        tabs: tabs(&counts, Status::Invited)
            .into_iter()
            .map(|(label, href, count, current)| Tab { label, href, count, current })
            .collect(),
        query: query.0,
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
    let mail = invite.mail.as_ref().map(|(state, _)| match state.as_str() {
        "queued" => "Mail queued",
        "sent" => "Mail sent",
        "kept" => "Mail kept in the outbox",
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
