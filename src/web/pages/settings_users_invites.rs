//! Settings → Users → Pending Invites (I-4).

use askama::Template;
use chrono::{DateTime, Utc};

use super::settings_invites_list::{PickQuery, Picked};
use super::settings_users::{PAGE, SortLink, Tab, export_address, is_known, pager, sort_link, tabs};
use super::settings_users_query::{UsersQuery, tab};
use super::settings_users_toolbar::Toolbar;
use crate::domain::access::{Key, users};
use crate::domain::ids::UserId;
use crate::domain::text::counted;
use crate::domain::users::Status;
use crate::failure::Failure;
use crate::store;
use crate::store::users::Sort;
use crate::web::extract::{May, Query};
use crate::web::reply::{Reply, page};
use crate::web::views::chrome::{Section, SettingsItem, SettingsNav, form_token};
use crate::web::views::pager::Pager;
use crate::web::views::person::{People, PersonView};
use crate::web::views::time::{TimeView, Times};

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
    foot: String,
    may_invite: bool,
    csrf: String,
    smtp: bool,
}

/// Pending Invites (I-4).
///
/// # Errors
/// [`WebError::NotFound`] for ids that are none here.
pub async fn show(may: May<users::View>, query: Query<UsersQuery>, pick: Query<PickQuery>) -> Reply {
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
        tabs: tabs(&counts, Status::Invited),
        toolbar,
        export: export_address(Status::Invited, &query),
        filtered: query.is_filtered(),
        by_name: link("name", Sort::Name),
        by_role: link("role", Sort::Role),
        by_since: link("since", Sort::Since),
        by_expiry: link("expires", Sort::Expires),
        pager: pager(address, &query, total, rows.len()),
        picked: Picked::new(&pick.0, &query, total, PAGE),
        foot: format!(
            "A link works once, for {}. Resending replaces the earlier link.",
            counted(i64::from(viewer.known.workspace.invite_days), "day", "days")
        ),
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

/// "5 days ago": a link is renewed soon, or never.
fn expired_since(times: &Times, at: DateTime<Utc>) -> TimeView {
    match (times.now() - at).num_days() {
        0 => times.ago(at),
        1 => TimeView { text: "1 day ago".to_owned(), ..times.day(at) },
        days => TimeView { text: format!("{days} days ago"), ..times.day(at) },
    }
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
        expires: if expired { expired_since(times, invite.expires_at) } else { times.ahead(invite.expires_at) },
        expired,
        mail,
        problem: invite.mail.as_ref().and_then(|(_, problem)| problem.clone()),
        may_change: may_invite && (owner || !names.for_owner),
    }
}
