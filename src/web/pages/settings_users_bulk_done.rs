//! What became of each of many users that were changed at once (U-14).

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use askama::Template;

use super::settings_users_each::Outcome;
use crate::domain::ids::UserId;
use crate::domain::text::{counted, grouped};
use crate::domain::users::User;
use crate::web::extract::Viewer;
use crate::web::reply::{Notice, Reply, dialog, done};
use crate::web::views::chrome::SettingsItem;
use crate::web::views::person::PersonView;

struct Line {
    who: PersonView,
    why: String,
}

#[derive(Template)]
#[template(path = "partials/users_bulk_done.html")]
struct Report {
    title: String,
    refused: Vec<Line>,
    already: Vec<Line>,
    back: String,
}

/// What was done, in the words of the action.
fn verb(action: &str, what: &str) -> String {
    match action {
        "deactivate" => "deactivated".to_owned(),
        "reactivate" => "reactivated".to_owned(),
        "add_role" => format!("given the role {what}"),
        "remove_role" => format!("no longer {what}"),
        "add_team" => format!("added to {what}"),
        _ => format!("removed from {what}"),
    }
}

/// The list again with a notice, or the report if not everybody was changed. `action` is what was done, and with which
/// role or team.
pub(super) fn report(
    viewer: &Viewer,
    action: (&str, &str),
    selected: &[User],
    outcomes: &[(UserId, Outcome)],
    back: String,
) -> Reply {
    let done_count = outcomes.iter().filter(|(_, outcome)| *outcome == Outcome::Done).count();
    let people = counted(i64::try_from(done_count).unwrap_or(0), "user", "users");
    let verb = verb(action.0, action.1);
    if done_count == outcomes.len() {
        return done(viewer, &back, Notice::new(format!("{people} {verb}.")));
    }
    let line = |id: UserId, why: String| {
        let user = selected.iter().find(|user| user.id == id)?;
        Some(Line { who: PersonView::new(user.id, &user.name, user.status), why })
    };
    let mut refused = Vec::new();
    let mut already = Vec::new();
    for (id, outcome) in outcomes {
        match outcome {
            Outcome::Done => {}
            Outcome::Already => already.extend(line(*id, "It was so already.".to_owned())),
            Outcome::Refused(why) => refused.extend(line(*id, why.clone())),
            Outcome::Gone => refused.extend(line(*id, "Not here any more.".to_owned())),
            Outcome::Failed => {
                refused.extend(line(*id, "Not changed, because Baton had trouble. Try this one again.".to_owned()));
            }
        }
    }
    let mut title = format!("{people} {verb}");
    if !refused.is_empty() {
        title = format!("{title}, {} refused", grouped(i64::try_from(refused.len()).unwrap_or(0)));
    }
    if !already.is_empty() {
        title = format!("{title}, {} unchanged", grouped(i64::try_from(already.len()).unwrap_or(0)));
    }
    let content = Report { title: title.clone(), refused, already, back };
    let mut res = dialog(viewer, StatusCode::OK, &title, "", SettingsItem::Users, &content)?;
    // The list behind the dialog shows what was done.
    res.headers_mut().insert(HeaderName::from_static("hx-trigger"), HeaderValue::from_static("baton:refresh"));
    Ok(res)
}
