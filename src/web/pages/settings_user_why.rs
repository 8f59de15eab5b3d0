//! "Why can't this user…?" on a user's page.

use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

use crate::domain::access::{Key, users};
use crate::domain::explain::{Explanation, Facts, Obstacle, explain};
use crate::domain::ids::UserId;
use crate::domain::roles::Role;
use crate::domain::users::User;
use crate::failure::Failure;
use crate::store;
use crate::web::error::WebError;
use crate::web::extract::{Id, May, Query, Viewer};
use crate::web::reply::{Reply, dialog};
use crate::web::views::chrome::SettingsItem;
use crate::web::views::person::PersonView;

/// What is asked about.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct WhyQuery {
    permission: String,
}

/// A role, and its page for those who may see it.
struct Named {
    name: String,
    href: Option<String>,
}

struct Answer {
    can: bool,
    sentence: String,
    given_by: Vec<Named>,
    would_give: Vec<Named>,
    blocks: Vec<String>,
    narrows: Vec<String>,
}

/// A permission: its name, what it allows, whether it is picked.
type Entry = (&'static str, &'static str, bool);

#[derive(Template)]
#[template(path = "partials/why.html")]
struct WhyDialog {
    who: PersonView,
    groups: Vec<(&'static str, Vec<Entry>)>,
    answer: Option<Answer>,
}

/// The question, and once a permission is picked, the answer.
///
/// # Errors
/// 404 for a user or a permission that is none here.
pub async fn show(may: May<users::View>, id: Id<UserId>, query: Query<WhyQuery>) -> Reply {
    let (viewer, id) = (may.viewer, id.0);
    let asked = match query.0.permission.as_str() {
        "" => None,
        name => Some(Key::parse(name).ok_or(WebError::NotFound)?),
    };
    let (user, roles, held, teams, channels) = viewer
        .read(move |rx| {
            let user = store::users::find(rx, id)?.ok_or(Failure::NotFound)?;
            let held = store::roles::list_of_users(rx, &[id])?.remove(&id).unwrap_or_default();
            let teams = store::teams::list_of_users(rx, &[id])?.remove(&id).map_or(0, |teams| teams.len());
            let channels = store::channels::list_of_users(rx, &[id])?.remove(&id).map_or(0, |channels| channels.len());
            Ok((user, store::roles::list(rx)?, held, teams, channels))
        })
        .await?;
    let held: Vec<&Role> = roles.iter().filter(|role| held.contains(&role.id)).collect();
    let facts = Facts { status: user.status, held: &held, all: &roles, teams, channels };
    let answer = asked.map(|key| answer(&viewer, &user, key, &explain(&facts, key)));
    let entry = |key: Key| (key.as_str(), key.meaning(), Some(key) == asked);
    let groups = Key::by_category().into_iter().map(|(name, keys)| (name, keys.into_iter().map(entry).collect()));
    let content =
        WhyDialog { who: PersonView::new(user.id, &user.name, user.status), groups: groups.collect(), answer };
    let title = format!("What {} can do", user.name.display);
    dialog(&viewer, StatusCode::OK, &title, "", SettingsItem::Users, &content)
}

fn answer(viewer: &Viewer, user: &User, key: Key, said: &Explanation) -> Answer {
    let may_open = viewer.known.person.permissions.has(Key::RolesManage);
    let named = |roles: &[&Role]| {
        let named = roles.iter().map(|role| Named {
            name: role.name.clone(),
            href: may_open.then(|| format!("/settings/roles/{}", role.id)),
        });
        named.collect::<Vec<_>>()
    };
    let who = &user.name.display;
    let sentence = match (said.can, said.given_by.is_empty()) {
        (true, _) => format!("{who} can do this."),
        (false, true) => format!("{who} can’t do this: none of their roles allows it."),
        (false, false) => format!("{who} can’t do this, although their roles allow it."),
    };
    let words = |blocking: bool| {
        let obstacles = said.obstacles.iter().filter(|one| one.blocks() == blocking);
        obstacles.map(|one| obstacle(*one, who)).collect::<Vec<_>>()
    };
    Answer {
        can: said.can,
        sentence,
        given_by: named(&said.given_by),
        would_give: if said.given_by.is_empty() { named(&said.would_give) } else { Vec::new() },
        blocks: words(true),
        narrows: if said.given_by.is_empty() || key == Key::ConversationsViewAll { Vec::new() } else { words(false) },
    }
}

fn obstacle(one: Obstacle, who: &str) -> String {
    match one {
        Obstacle::Invited => format!("{who} hasn’t accepted the invite, so they can’t log in yet."),
        Obstacle::Deactivated => format!("{who} is deactivated, so they can’t log in."),
        Obstacle::Gone => format!("{who} is no user of this workspace any more."),
        Obstacle::Needs(keys) => {
            let meanings: Vec<String> = keys.iter().map(|key| format!("“{}”", key.meaning())).collect();
            format!("They need {} as well: without it, they don’t get to where this is done.", meanings.join(" or "))
        }
        Obstacle::NoTeam => format!("{who} is in no team, so they see no team’s conversations."),
        Obstacle::NoChannel => {
            format!("{who} is a member of no channel, so they see no unassigned conversations.")
        }
        Obstacle::NotBeyondThem => format!(
            "Only to people who may do no more than {who}: for a person with a permission that {who} lacks, it takes an \
             Owner or an Admin."
        ),
        Obstacle::OnlyGuest => format!(
            "Guest is {who}’s only role: they see what is assigned to them or their teams, and nothing unassigned."
        ),
    }
}
