//! Settings → Security: the rule for people who stop coming (G-1, G-2), and what holds for all log-ins.

use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

use super::settings_workspace::{Choice, who_was_quicker};
use crate::actions;
use crate::actions::inactivity::{Change, preview};
use crate::domain::access::administration;
use crate::domain::ids::RoleId;
use crate::domain::inactivity::{CHOICES, GRACE, Rule, may_concern};
use crate::domain::logins;
use crate::domain::roles::{Role, Standard};
use crate::domain::text::{counted, grouped};
use crate::failure::{Failure, Refusal};
use crate::store::inactivity::Kept;
use crate::store::{self, Rx};
use crate::web::error::WebError;
use crate::web::extract::{Form, May, Query, Viewer};
use crate::web::forms::{Problems, ids};
use crate::web::reply::{Notice, Reply, done, page_with};
use crate::web::views::chrome::{Section, SettingsItem, SettingsNav, form_token};
use crate::web::views::person::PersonView;
use crate::web::views::time::{TimeView, Times};

/// So many people are listed by name.
const LISTED: usize = 25;

/// What is chosen: posted to save it, asked for to see whom it would hit.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub struct SecurityForm {
    version: i64,
    inactivity_days: String,
    inactivity_role: Vec<String>,
    expected: String,
    preview: String,
}

struct RoleTick {
    id: String,
    name: String,
    hint: String,
    on: bool,
}

struct HitRow {
    who: PersonView,
    email: String,
    seen: Option<TimeView>,
    warned: Option<TimeView>,
    ends: TimeView,
}

#[derive(Template)]
#[template(path = "pages/settings_security.html")]
struct SecurityPage {
    nav: SettingsNav,
    csrf: String,
    version: i64,
    days: Vec<Choice>,
    roles: Vec<RoleTick>,
    on: bool,
    same: bool,
    hits: Vec<HitRow>,
    hit: usize,
    hit_text: String,
    more: String,
    contact: String,
    smtp: bool,
    failures: usize,
    idle_days: i64,
    absolute_days: i64,
    invite_days: String,
    problems: Problems,
}

/// What is chosen, read: after how many days, about which roles.
type Chosen = (Option<i32>, Vec<RoleId>);

/// The page, with the saved rule or with another one to look at.
///
/// # Errors
/// 404 for roles that are none here.
pub async fn show(may: May<administration::Settings>, Query(query): Query<SecurityForm>) -> Reply {
    let chosen = match query.preview.as_str() {
        "" => None,
        _ => Some((days_of(&query.inactivity_days).ok().flatten(), ids(&query.inactivity_role)?)),
    };
    render(&may.viewer, chosen, None, Problems::new(), StatusCode::OK).await
}

fn days_of(text: &str) -> Result<Option<i32>, &'static str> {
    match text.trim() {
        "" => Ok(None),
        text => text
            .parse()
            .ok()
            .filter(|days| CHOICES.contains(days))
            .map(Some)
            .ok_or("Choose never, or 30, 60, 90, 180 or 365 days"),
    }
}

struct Loaded {
    version: i64,
    kept: Kept,
    chosen: Chosen,
    roles: Vec<Role>,
    hits: Vec<HitRow>,
    hit: usize,
}

fn load(rx: &mut Rx, chosen: Option<Chosen>, zone: chrono_tz::Tz) -> Result<Loaded, Failure> {
    let version = store::workspaces::this(rx)?.version;
    let (kept, roles) = (store::inactivity::find(rx)?, store::roles::list(rx)?);
    let known = |id: &RoleId| roles.iter().any(|role| role.id == *id);
    let mut kept_roles: Vec<RoleId> = kept.roles.iter().copied().filter(|id| known(id)).collect();
    if kept_roles.is_empty() && kept.days.is_none() {
        // What is offered to whoever sets the rule for the first time.
        kept_roles.extend(roles.iter().find(|role| role.standard == Some(Standard::Guest)).map(|role| role.id));
    }
    let chosen = chosen.unwrap_or((kept.days, kept_roles));
    if !chosen.1.iter().all(known) {
        return Err(Failure::NotFound);
    }
    let times = Times::new(rx.now(), zone);
    let found = match chosen.0 {
        Some(days) => preview(rx, &Rule { days, roles: chosen.1.clone() })?,
        None => Vec::new(),
    };
    let hits = found
        .iter()
        .take(LISTED)
        .map(|(one, ends_at)| HitRow {
            who: PersonView::active(one.id, &one.name),
            email: one.email.clone(),
            seen: one.last_seen_at.map(|at| times.day(at)),
            warned: one.standing.warned().map(|at| times.day(at)),
            ends: times.day(*ends_at),
        })
        .collect();
    Ok(Loaded { version, kept, chosen, roles, hits, hit: found.len() })
}

async fn render(
    viewer: &Viewer,
    chosen: Option<Chosen>,
    version: Option<i64>,
    problems: Problems,
    status: StatusCode,
) -> Reply {
    let workspace = viewer.known.workspace.clone();
    let zone = workspace.time_zone;
    let loaded = viewer.read(move |rx| load(rx, chosen, zone)).await?;
    let (picked, roles) = &loaded.chosen;
    let never = Choice { value: String::new(), label: "Never".to_owned(), picked: picked.is_none() };
    let same = loaded.kept.days == *picked && (picked.is_none() || loaded.kept.roles == *roles);
    let more = loaded.hit.saturating_sub(LISTED);
    let content = SecurityPage {
        nav: SettingsNav::new(viewer, SettingsItem::Security),
        csrf: form_token(&viewer.req),
        version: version.unwrap_or(loaded.version),
        days: std::iter::once(never)
            .chain(CHOICES.iter().map(|days| Choice {
                value: days.to_string(),
                label: format!("{days} days without activity"),
                picked: *picked == Some(*days),
            }))
            .collect(),
        roles: loaded
            .roles
            .iter()
            .filter(|role| may_concern(role))
            .map(|role| RoleTick {
                id: role.id.to_string(),
                name: role.name.clone(),
                hint: role.description.clone(),
                on: roles.contains(&role.id),
            })
            .collect(),
        on: picked.is_some(),
        same,
        hits: loaded.hits,
        hit: loaded.hit,
        hit_text: counted(i64::try_from(loaded.hit).unwrap_or(i64::MAX), "person", "people"),
        more: if more > 0 { grouped(i64::try_from(more).unwrap_or(i64::MAX)) } else { String::new() },
        contact: workspace.support_contact.clone(),
        smtp: viewer.app.smtp,
        failures: logins::FAILURES,
        idle_days: logins::IDLE.num_days(),
        absolute_days: logins::ABSOLUTE.num_days(),
        invite_days: counted(i64::from(workspace.invite_days), "day", "days"),
        problems,
    };
    page_with(viewer, status, "Security", Section::Settings, &content)
}

/// Saves the rule; whoever it hits was shown before.
///
/// # Errors
/// 404 for roles that are none here.
pub async fn update(may: May<administration::Settings>, Form(form): Form<SecurityForm>) -> Reply {
    let May { viewer, can } = may;
    let mut problems = Problems::new();
    let days = problems.take("inactivity_days", days_of(&form.inactivity_days));
    let roles: Vec<RoleId> = ids(&form.inactivity_role)?;
    let chosen = Some((days, roles.clone()));
    if !problems.is_empty() {
        return render(&viewer, chosen, Some(form.version), problems, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let change = Change { version: form.version, days, roles, expected: form.expected.parse().ok() };
    match viewer.write(move |tx| actions::inactivity::set_rule(tx, &can, &change)).await {
        Ok(hit) => {
            viewer.app.wake.now();
            done(&viewer, "/settings/security", Notice::new(saved(days, hit)))
        }
        Err(Failure::Stale) => {
            problems.add("", who_was_quicker(&viewer).await?);
            render(&viewer, chosen, Some(form.version), problems, StatusCode::CONFLICT).await
        }
        Err(Failure::Refused(Refusal::Workspace(refusal))) => {
            use crate::domain::workspaces::WorkspaceRefusal as No;
            let (field, status) = match &refusal {
                No::NoRole | No::RoleExempt(_) => ("inactivity_roles", StatusCode::UNPROCESSABLE_ENTITY),
                _ => ("preview", StatusCode::CONFLICT),
            };
            problems.add(field, refusal.to_string());
            render(&viewer, chosen, Some(form.version), problems, status).await
        }
        Err(failure) => Err(WebError::from(failure)),
    }
}

fn saved(days: Option<i32>, hit: usize) -> String {
    let Some(days) = days else { return "Nobody is deactivated for inactivity.".to_owned() };
    let people = match hit {
        0 => "Nobody has to be warned now.".to_owned(),
        1 => "1 person gets a warning by mail.".to_owned(),
        many => format!("{} people get a warning by mail.", grouped(i64::try_from(many).unwrap_or(i64::MAX))),
    };
    format!("People are warned after {days} days, and deactivated {} days later. {people}", GRACE.num_days())
}
