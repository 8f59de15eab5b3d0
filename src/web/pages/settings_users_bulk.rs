//! Changing many users at once: the confirmation with its numbers, and who was refused (U-14).

use std::collections::HashMap;

use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

use super::settings_user_edit::gives_up;
use super::settings_user_status::target;
use super::settings_users_bulk_done::report;
use super::settings_users_each::run;
use super::settings_users_query::{UsersQuery, tab};
use super::settings_users_toolbar::Choice;
use crate::actions::users::{Plan, RoleChange};
use crate::actions::users_bulk::{Change, LIMIT};
use crate::domain::access::{Actor, Key, Sees, users};
use crate::domain::assignment::Target;
use crate::domain::conversations::Status as ConversationStatus;
use crate::domain::ids::{RoleId, UserId};
use crate::domain::roles::may_grant;
use crate::domain::text::{counted, grouped};
use crate::domain::users::{Reason, Status, User};
use crate::failure::Failure;
use crate::store::{self, Rx, counts};
use crate::web::error::WebError;
use crate::web::extract::{Form, May, Query, Viewer};
use crate::web::forms::{Problems, is_on};
use crate::web::reply::{Reply, dialog};
use crate::web::views::chrome::{SettingsItem, form_token};
use crate::web::views::plan::{PlanRow, TargetChoice};

/// Who is selected, and what is to be done with them.
#[derive(Clone, Debug, Deserialize, Default)]
#[serde(default)]
pub struct BulkForm {
    action: String,
    value: String,
    reason: String,
    plan_open: String,
    plan_snoozed: String,
    user: Vec<String>,
    scope: String,
    expected: String,
    status: String,
    back: String,
    /// Whether who is among those that lose a role knows that they give up managing roles.
    confirm: String,
    /// Whether that is asked.
    #[serde(skip)]
    warn: bool,
    #[serde(flatten)]
    filter: UsersQuery,
}

impl BulkForm {
    fn is_matching(&self) -> bool {
        self.scope == "matching"
    }

    fn status(&self) -> Status {
        Status::parse(&self.status).unwrap_or(Status::Active)
    }

    /// The list that it came from, or the tab.
    fn back(&self) -> String {
        let (path, query) = self.back.split_once('?').unwrap_or((&self.back, ""));
        let clean = query.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        let ours = ["/settings/users", "/settings/users/inactive"].contains(&path);
        if ours && clean { self.back.clone() } else { tab(self.status()).0.to_owned() }
    }

    /// Everybody who is meant, in the order of the list.
    fn selected(&self, rx: &mut Rx) -> Result<Vec<User>, Failure> {
        if self.is_matching() {
            let filter = self.filter.known_filter(rx)?;
            let mut ids =
                store::users::list_ids(rx, &[self.status()], &filter, self.filter.sort(tab(self.status()).1))?;
            // One more than may be changed is enough to say so.
            ids.truncate(LIMIT + 1);
            return store::users::list_these(rx, &ids);
        }
        let ids = self.user.iter().map(|id| id.parse().map_err(|_| Failure::NotFound));
        let mut ids = ids.collect::<Result<Vec<UserId>, _>>()?;
        let mut seen = std::collections::HashSet::new();
        ids.retain(|id| seen.insert(*id));
        ids.truncate(LIMIT + 1);
        let found = store::users::list_these(rx, &ids)?;
        if found.len() == ids.len() { Ok(found) } else { Err(Failure::NotFound) }
    }
}

/// What the dialog asks about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Deactivate,
    Reactivate,
    Role,
    Team,
}

impl Asked {
    fn parse(action: &str) -> Option<Self> {
        match action {
            "deactivate" => Some(Self::Deactivate),
            "reactivate" => Some(Self::Reactivate),
            "role" | "add_role" | "remove_role" => Some(Self::Role),
            "team" | "add_team" | "remove_team" => Some(Self::Team),
            _ => None,
        }
    }

    const fn key(self) -> Key {
        match self {
            Self::Deactivate | Self::Reactivate => Key::UsersDeactivate,
            Self::Role => Key::UsersAssignRoles,
            Self::Team => Key::TeamsEditMembers,
        }
    }
}

const UNKNOWN: WebError = WebError::BadForm("Choose what is to be done with these users.");

/// What the action asks about, if the person may do it.
fn asked(viewer: &Viewer, form: &BulkForm) -> Result<Asked, WebError> {
    let asked = Asked::parse(&form.action).ok_or(UNKNOWN)?;
    if viewer.known.person.permissions.has(asked.key()) {
        Ok(asked)
    } else {
        Err(WebError::Forbidden(Some(asked.key())))
    }
}

#[derive(Template)]
#[template(path = "partials/users_bulk.html")]
struct Confirm {
    csrf: String,
    title: String,
    asked: Asked,
    action: String,
    names: String,
    more: String,
    /// Whom it will be refused, as far as can be said now.
    refused: Vec<(String, String)>,
    rows: Vec<PlanRow>,
    held: String,
    planned: String,
    people: Vec<TargetChoice>,
    teams: Vec<TargetChoice>,
    may_plan: bool,
    reasons: Vec<(&'static str, &'static str, bool)>,
    values: Vec<Choice>,
    button: String,
    warn: bool,
    problems: Problems,
    back: String,
    status: &'static str,
    users: Vec<String>,
    matching: bool,
    expected: usize,
    fields: Vec<(&'static str, String)>,
}

/// Asks, with the numbers, before many users are changed. Nothing is changed by asking.
///
/// # Errors
/// 404 if somebody or something is named that is not here.
pub async fn confirm(may: May<users::View>, Query(form): Query<BulkForm>) -> Reply {
    ask(&may.viewer, form, Problems::new(), StatusCode::OK).await
}

/// As many names as fit.
const NAMES: usize = 8;

async fn ask(viewer: &Viewer, form: BulkForm, mut problems: Problems, status: StatusCode) -> Reply {
    let asked = asked(viewer, &form)?;
    let actor = viewer.known.scope.actor.clone();
    let may_plan = viewer.known.person.permissions.has(Key::HandoversRun);
    let read = form.clone();
    let (selected, choices) = viewer
        .read(move |rx| {
            let selected = read.selected(rx)?;
            let choices = choices(rx, asked, &actor, &selected)?;
            Ok((selected, choices))
        })
        .await?;
    if selected.is_empty() {
        problems.add("", "Nobody is selected. Close this and tick the users you mean.");
    }
    if selected.len() > LIMIT {
        let limit = grouped(i64::try_from(LIMIT).unwrap_or(0));
        problems.add("", format!("At most {limit} users can be changed at once. Narrow the list by a filter."));
    }
    let total = selected.len();
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let people = counted(count(total), "user", "users");
    let possible = total - choices.refused.len();
    let (title, button) = match asked {
        Asked::Deactivate => (format!("Deactivate {people}?"), format!("Deactivate {}", grouped(count(possible)))),
        Asked::Reactivate => (format!("Reactivate {people}?"), format!("Reactivate {}", grouped(count(possible)))),
        Asked::Role => (format!("Change a role of {people}"), format!("Change {}", grouped(count(total)))),
        Asked::Team => (format!("Change a team of {people}"), format!("Change {}", grouped(count(total)))),
    };
    let usable = (1..=LIMIT).contains(&total) && possible > 0;
    let status = if status.is_success() && !problems.is_empty() { StatusCode::UNPROCESSABLE_ENTITY } else { status };
    let row = |name, kind, count: i64, picked: &str| PlanRow {
        name,
        kind,
        count: grouped(count),
        picked: if picked.is_empty() { "keep".to_owned() } else { picked.to_owned() },
    };
    let mut rows = Vec::new();
    if choices.open > 0 {
        rows.push(row("plan_open", "Open conversations", choices.open, &form.plan_open));
    }
    if choices.snoozed > 0 {
        rows.push(row("plan_snoozed", "Snoozed conversations", choices.snoozed, &form.plan_snoozed));
    }
    let held = choices.open + choices.snoozed;
    let content = Confirm {
        csrf: form_token(&viewer.req),
        asked,
        names: selected.iter().take(NAMES).map(|user| user.name.full.as_str()).collect::<Vec<_>>().join(", "),
        more: if total > NAMES { format!(" and {} more", grouped(count(total - NAMES))) } else { String::new() },
        refused: choices.refused,
        rows,
        held: if held > 0 { counted(held, "conversation", "conversations") } else { String::new() },
        planned: match choices.planned {
            0 => String::new(),
            some => grouped(count(some)),
        },
        people: choices.people,
        teams: choices.teams,
        may_plan,
        reasons: Reason::OFFERED.iter().map(|one| (one.as_str(), one.label(), one.as_str() == form.reason)).collect(),
        values: choices
            .values
            .into_iter()
            .map(|(value, label)| Choice { picked: value == form.value, value, label })
            .collect(),
        action: match form.action.as_str() {
            "role" => "add_role".to_owned(),
            "team" if form.status() == Status::Active => "add_team".to_owned(),
            "team" => "remove_team".to_owned(),
            other => other.to_owned(),
        },
        button: if usable { button } else { String::new() },
        warn: form.warn,
        back: form.back(),
        status: form.status().as_str(),
        matching: form.is_matching(),
        expected: total,
        users: if form.is_matching() { Vec::new() } else { selected.iter().map(|user| user.id.to_string()).collect() },
        fields: form
            .filter
            .fields()
            .into_iter()
            .filter(|(_, value)| form.is_matching() && !value.is_empty())
            .map(|(name, value)| (name, value.to_owned()))
            .collect(),
        problems,
        title,
    };
    let size = if asked == Asked::Deactivate && !content.rows.is_empty() { "lg" } else { "" };
    let title = content.title.clone();
    dialog(viewer, status, &title, size, SettingsItem::Users, &content)
}

/// What can be chosen in the dialog, and whom it will be refused.
#[derive(Default)]
struct Choices {
    refused: Vec<(String, String)>,
    planned: usize,
    open: i64,
    snoozed: i64,
    people: Vec<TargetChoice>,
    teams: Vec<TargetChoice>,
    values: Vec<(String, String)>,
}

fn choices(rx: &mut Rx, asked: Asked, actor: &Actor, selected: &[User]) -> Result<Choices, Failure> {
    match asked {
        Asked::Role => {
            let roles = store::roles::list(rx)?;
            let values = roles.iter().filter(|role| may_grant(actor, role));
            let values = values.map(|role| (role.id.to_string(), role.name.clone())).collect();
            Ok(Choices { values, ..Choices::default() })
        }
        Asked::Team => {
            let values = store::teams::list(rx)?.into_iter().map(|team| (team.id.to_string(), team.name)).collect();
            Ok(Choices { values, ..Choices::default() })
        }
        Asked::Reactivate => {
            let refused = selected.iter().filter_map(|user| {
                Some((user.name.full.clone(), user.may_be_reactivated_by(actor).err()?.to_string()))
            });
            Ok(Choices { refused: refused.collect(), ..Choices::default() })
        }
        Asked::Deactivate => deactivation(rx, actor, selected),
    }
}

/// As if each had their turn already: the last active Owner of a selection stays. Whoever asks comes last, as when it
/// is done.
fn deactivation(rx: &mut Rx, actor: &Actor, selected: &[User]) -> Result<Choices, Failure> {
    let mut owners = store::users::count_active_owners(rx)?;
    let held = counts::find(rx, &[ConversationStatus::Open, ConversationStatus::Snoozed], &Sees::All)?;
    let (open, snoozed) = (held.by_person(ConversationStatus::Open), held.by_person(ConversationStatus::Snoozed));
    let of = |numbers: &HashMap<UserId, i64>, id| numbers.get(&id).copied().unwrap_or(0);
    let mut choices = Choices::default();
    let mut order: Vec<&User> = selected.iter().collect();
    order.sort_by_key(|user| Some(user.id) == actor.user());
    for user in order {
        match user.may_be_deactivated_by(actor, owners) {
            Err(refusal) => choices.refused.push((user.name.full.clone(), refusal.to_string())),
            Ok(()) => {
                owners -= usize::from(user.is_owner);
                choices.planned += usize::from(user.is_leaving() && user.absence.plan.moves());
                choices.open += of(&open, user.id);
                choices.snoozed += of(&snoozed, user.id);
            }
        }
    }
    let stays = |id: UserId| !selected.iter().any(|user| user.id == id);
    choices.people = store::users::list_assignable(rx)?
        .iter()
        .filter(|one| stays(one.id))
        .map(|one| TargetChoice {
            value: Target::User(one.id).print(),
            label: format!("{} · {} open", one.name.full, grouped(of(&open, one.id))),
        })
        .collect();
    let members = store::teams::list_members(rx, None)?;
    choices.teams = store::teams::list(rx)?
        .iter()
        .map(|team| {
            let active =
                members.iter().filter(|one| one.team == team.id && one.status == Status::Active && stays(one.user));
            TargetChoice {
                value: Target::Team(team.id).print(),
                label: format!("{} · {} active", team.name, active.count()),
            }
        })
        .collect();
    Ok(choices)
}

/// What the form asks for, or the field that is wrong.
fn change(viewer: &Viewer, form: &BulkForm) -> Result<Result<Change, Problems>, WebError> {
    let value = || form.value.parse::<uuid::Uuid>().map_err(|_| WebError::NotFound);
    let missing = |sentence: &str| {
        let mut problems = Problems::new();
        problems.add("value", sentence);
        Ok(Err(problems))
    };
    Ok(Ok(match form.action.as_str() {
        "deactivate" => {
            let mut problems = Problems::new();
            let open = problems.take("plan_open", target(&form.plan_open));
            let snoozed = problems.take("plan_snoozed", target(&form.plan_snoozed));
            if !problems.is_empty() {
                return Ok(Err(problems));
            }
            let plan = Plan { open, snoozed };
            let plan = if plan.moves() { Some((plan, viewer.must()?)) } else { None };
            Change::Deactivate {
                can: viewer.must()?,
                reason: Reason::parse(&form.reason).filter(|one| Reason::OFFERED.contains(one)),
                plan,
            }
        }
        "reactivate" => Change::Reactivate(viewer.must()?),
        "add_role" | "remove_role" if form.value.is_empty() => return missing("Choose a role"),
        "add_role" => Change::Role(viewer.must()?, RoleChange::Give(value()?.into())),
        "remove_role" => Change::Role(viewer.must()?, RoleChange::Take(value()?.into())),
        "add_team" | "remove_team" if form.value.is_empty() => return missing("Choose a team"),
        "add_team" => Change::Join(viewer.must()?, value()?.into()),
        "remove_team" => Change::Leave(viewer.must()?, value()?.into()),
        _ => return Err(UNKNOWN),
    }))
}

/// Changes them, one after the other.
///
/// # Errors
/// 404 if somebody or something is named that is not here; 409 if the list changed since it was looked at.
pub async fn create(may: May<users::View>, Form(form): Form<BulkForm>) -> Reply {
    let viewer = may.viewer;
    let change = match change(&viewer, &form)? {
        Ok(change) => change,
        Err(problems) => return ask(&viewer, form, problems, StatusCode::UNPROCESSABLE_ENTITY).await,
    };
    let read = form.clone();
    let named = match &change {
        Change::Role(_, RoleChange::Give(role) | RoleChange::Take(role)) => Some(Ok(*role)),
        Change::Join(_, team) | Change::Leave(_, team) => Some(Err(*team)),
        _ => None,
    };
    let plan = if let Change::Deactivate { plan: Some((plan, _)), .. } = &change { *plan } else { Plan::default() };
    let (selected, what) = viewer
        .read(move |rx| {
            for target in plan.targets() {
                let known = match target {
                    Target::User(user) => store::users::find(rx, user)?.is_some(),
                    Target::Team(team) => store::teams::find(rx, team)?.is_some(),
                    Target::Nobody => true,
                };
                if !known {
                    return Err(Failure::NotFound);
                }
            }
            let what = match named {
                Some(Ok(id)) => store::roles::list(rx)?.into_iter().find(|role| role.id == id).map(|role| role.name),
                Some(Err(id)) => store::teams::find(rx, id)?.map(|team| team.name),
                None => Some(String::new()),
            };
            Ok((read.selected(rx)?, what.ok_or(Failure::NotFound)?))
        })
        .await?;
    if selected.is_empty() || selected.len() > LIMIT {
        return ask(&viewer, form, Problems::new(), StatusCode::OK).await;
    }
    if form.is_matching() && form.expected.parse() != Ok(selected.len()) {
        let mut problems = Problems::new();
        let now = counted(i64::try_from(selected.len()).unwrap_or(0), "user matches", "users match");
        problems.add("", format!("The list changed since you looked at it: {now} now. Check, then confirm again."));
        return ask(&viewer, form, problems, StatusCode::CONFLICT).await;
    }
    let gives_up = gives_up_with(&viewer, &change, &selected).await?;
    if gives_up && !is_on(&form.confirm) {
        let form = BulkForm { warn: true, ..form };
        return ask(&viewer, form, Problems::new(), StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let ids: Vec<UserId> = selected.iter().map(|user| user.id).collect();
    let (db, scope) = (viewer.db().clone(), viewer.scope().clone());
    let outcomes = store::db::blocking(move || Ok(run(&db, &scope, &change, &ids))).await?;
    viewer.app.wake.now();
    // Who gave up their roles may not see the list any more.
    let back = if gives_up { "/".to_owned() } else { form.back() };
    report(&viewer, (&form.action, &what), &selected, &outcomes, back)
}

/// Whether whoever asks is among those who lose a role, and could not manage roles without it.
async fn gives_up_with(viewer: &Viewer, change: &Change, selected: &[User]) -> Result<bool, WebError> {
    let me = viewer.known.person.id;
    let Change::Role(_, RoleChange::Take(role)) = change else { return Ok(false) };
    if !selected.iter().any(|user| user.id == me) {
        return Ok(false);
    }
    let held = viewer.read(move |rx| store::roles::list_of_users(rx, &[me])).await?.remove(&me).unwrap_or_default();
    let left: Vec<RoleId> = held.into_iter().filter(|held| held != role).collect();
    gives_up(viewer, &left).await
}
