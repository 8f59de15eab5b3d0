//! What a list of users shows, as a file (U-2).

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use futures_util::stream;
use serde::Deserialize;

use super::settings_users_query::{UsersQuery, tab};
use crate::domain::access::{Sees, users};
use crate::domain::conversations::Status as ConversationStatus;
use crate::domain::ids::UserId;
use crate::domain::users::{Reason, Status};
use crate::failure::Failure;
use crate::store::{self, Rx, counts};
use crate::web::csv;
use crate::web::error::WebError;
use crate::web::extract::{May, Query};
use crate::web::reply::Reply;

/// Users that are read at a time.
const PART: usize = 500;

/// Which list, narrowed and sorted as it is on the page.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct ExportQuery {
    status: String,
    #[serde(flatten)]
    list: UsersQuery,
}

/// The file, sent while it is read.
///
/// # Errors
/// [`WebError::NotFound`] for a list or ids that are none here.
pub async fn download(may: May<users::View>, query: Query<ExportQuery>) -> Reply {
    let viewer = may.viewer;
    let ExportQuery { status, list } = query.0;
    let status = if status.is_empty() { Some(Status::Active) } else { Status::parse(&status) };
    // There is no list of deleted users.
    let status = status.filter(|status| *status != Status::Deleted).ok_or(WebError::NotFound)?;
    // Who is in the file is settled at once; people who change meanwhile are neither lost nor there twice.
    let ids = viewer
        .read(move |rx| {
            let filter = list.known_filter(rx)?;
            store::users::list_ids(rx, &[status], &filter, list.sort(tab(status).1))
        })
        .await?;
    let zone = viewer.known.zone;
    let day = viewer.db().now().with_timezone(&zone).format("%Y-%m-%d");
    let parts: Vec<Vec<UserId>> = ids.chunks(PART).map(<[UserId]>::to_vec).collect();
    let (db, scope) = (viewer.db().clone(), viewer.scope().clone());
    let rows = stream::unfold(parts.into_iter(), move |mut parts| {
        let (db, scope) = (db.clone(), scope.clone());
        async move {
            let ids = parts.next()?;
            Some((db.read(&scope, move |rx| rows(rx, status, &ids, zone)).await, parts))
        }
    });
    Ok(csv::download(&format!("users-{}-{day}.csv", status.as_str()), header(status), rows)?)
}

const fn header(status: Status) -> &'static [&'static str] {
    match status {
        Status::Active => &[
            "Full name",
            "Display name",
            "Email",
            "Roles",
            "Teams",
            "Channels",
            "Open conversations",
            "Snoozed conversations",
            "Last seen",
            "Leaves",
            "Back",
            "Beta access",
            "Joined",
        ],
        Status::Inactive | Status::Removed | Status::Deleted => &[
            "Full name",
            "Display name",
            "Email",
            "Roles",
            "Teams",
            "Channels",
            "Open conversations",
            "Snoozed conversations",
            "Last seen",
            "Inactive since",
            "Reason",
            "Back",
        ],
        Status::Invited => &[
            "Full name",
            "Display name",
            "Email",
            "Roles",
            "Teams",
            "Channels",
            "Invited",
            "Invited by",
            "Last sent",
            "Times sent",
            "Expires",
        ],
    }
}

/// A time that spreadsheets sort: 2026-11-24 14:05.
fn time(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string()
}

/// Of everything there is, the names of what somebody has.
fn names<'a, I: PartialEq>(all: impl Iterator<Item = (I, &'a str)>, held: Option<&Vec<I>>) -> String {
    let held = all.filter(|(id, _)| held.is_some_and(|held| held.contains(id)));
    held.map(|(_, name)| name).collect::<Vec<_>>().join(", ")
}

fn rows(rx: &mut Rx, status: Status, ids: &[UserId], zone: Tz) -> Result<Vec<Vec<String>>, Failure> {
    let people = store::users::list_these(rx, ids)?;
    let (roles, teams, channels) = (store::roles::list(rx)?, store::teams::list(rx)?, store::channels::list(rx)?);
    let roles_of = store::roles::list_of_users(rx, ids)?;
    let teams_of = store::teams::list_of_users(rx, ids)?;
    let channels_of = store::channels::list_of_users(rx, ids)?;
    let held = counts::find(rx, &[ConversationStatus::Open, ConversationStatus::Snoozed], &Sees::All)?;
    let (open, snoozed) = (held.by_person(ConversationStatus::Open), held.by_person(ConversationStatus::Snoozed));
    let invites = if status == Status::Invited { store::invites::list_of_users(rx, ids)? } else { Vec::new() };
    let inviters: Vec<UserId> = invites.iter().filter_map(|invite| invite.invited_by).collect();
    let inviters = store::users::list_briefs(rx, &inviters)?;
    let date = |at: Option<DateTime<Utc>>| at.map(|at| time(at, zone)).unwrap_or_default();
    Ok(people
        .into_iter()
        .map(|user| {
            let mut row = vec![
                user.name.full.clone(),
                user.name.display.clone(),
                user.email.clone(),
                names(roles.iter().map(|one| (one.id, one.name.as_str())), roles_of.get(&user.id)),
                names(teams.iter().map(|one| (one.id, one.name.as_str())), teams_of.get(&user.id)),
                names(channels.iter().map(|one| (one.id, one.name.as_str())), channels_of.get(&user.id)),
            ];
            if status == Status::Invited {
                let invite = invites.iter().find(|invite| invite.user == user.id);
                let by = invite.and_then(|one| one.invited_by);
                let by = by.and_then(|by| inviters.iter().find(|one| one.id == by)).map(|one| one.name.full.clone());
                row.extend([
                    time(user.created_at, zone),
                    by.unwrap_or_default(),
                    invite.and_then(|one| one.sent_at).map(|at| time(at, zone)).unwrap_or_default(),
                    invite.map(|one| one.times_sent.to_string()).unwrap_or_default(),
                    invite.map(|one| time(one.expires_at, zone)).unwrap_or_default(),
                ]);
                return row;
            }
            row.extend([
                open.get(&user.id).copied().unwrap_or(0).to_string(),
                snoozed.get(&user.id).copied().unwrap_or(0).to_string(),
                user.last_seen_at.map(|at| time(at, zone)).unwrap_or_default(),
            ]);
            if status != Status::Active {
                row.extend([
                    time(user.status_changed_at, zone),
                    user.reason.map_or("", Reason::label).to_owned(),
                    date(user.absence.returns_at),
                ]);
            } else {
                row.extend([date(user.absence.starts_at), date(user.absence.returns_at)]);
                row.extend([if user.beta_access { "Yes" } else { "No" }.to_owned(), time(user.created_at, zone)]);
            }
            row
        })
        .collect())
}
