//! Settings → Workspace (W-4).

use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

use crate::actions;
use crate::domain::access::administration;
use crate::domain::text::counted;
use crate::domain::users::{parse_email, parse_name};
use crate::domain::workspaces::{
    INVITE_DAYS_CHOICES, RETENTION_YEARS, Settings, UNDO_HOURS_CHOICES, Workspace, parse_number, parse_retention,
    parse_time_zone,
};
use crate::failure::{Failure, Refusal};
use crate::store;
use crate::web::error::WebError;
use crate::web::extract::{Form, May, Viewer};
use crate::web::forms::{Problems, is_on};
use crate::web::reply::{Notice, Reply, done, page_with};
use crate::web::views::chrome::{Section, SettingsItem, SettingsNav, form_token};

/// What is edited on the page.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub struct WorkspaceForm {
    version: i64,
    name: String,
    time_zone: String,
    sender_name: String,
    support_contact: String,
    invite_days: String,
    undo_hours: String,
    retention_years: String,
    retention_deletes: String,
}

/// An entry of a select.
pub(super) struct Choice {
    pub value: String,
    pub label: String,
    pub picked: bool,
}

#[derive(Template)]
#[template(path = "pages/settings_workspace.html")]
struct WorkspacePage {
    nav: SettingsNav,
    csrf: String,
    form: WorkspaceForm,
    zones: Vec<Choice>,
    invite_days: Vec<Choice>,
    undo_hours: Vec<Choice>,
    retention: Vec<Choice>,
    /// For how long former users are kept, in words, for those who may only read it.
    kept: Option<String>,
    problems: Problems,
}

/// The page.
///
/// # Errors
/// Trouble with the database.
pub async fn show(may: May<administration::Settings>) -> Reply {
    let workspace = may.viewer.read(store::workspaces::this).await?;
    render(&may.viewer, as_form(&workspace), Problems::new(), StatusCode::OK)
}

fn as_form(workspace: &Workspace) -> WorkspaceForm {
    let settings = workspace.settings();
    WorkspaceForm {
        version: workspace.version,
        name: settings.name,
        time_zone: settings.time_zone.name().to_owned(),
        sender_name: settings.sender_name,
        support_contact: settings.support_contact,
        invite_days: settings.invite_days.to_string(),
        undo_hours: settings.undo_hours.to_string(),
        retention_years: settings.retention_years.map_or_else(String::new, |years| years.to_string()),
        retention_deletes: if settings.retention_deletes { "on".to_owned() } else { String::new() },
    }
}

/// The usual numbers, and the one that is set if it is another.
fn numbers(usual: &[i32], picked: &str, words: impl Fn(i64) -> String) -> Vec<Choice> {
    let mut all = usual.to_vec();
    all.extend(picked.parse::<i32>().ok().filter(|number| *number > 0));
    all.sort_unstable();
    all.dedup();
    all.into_iter()
        .map(|number| {
            let value = number.to_string();
            Choice { picked: value == picked, value, label: words(i64::from(number)) }
        })
        .collect()
}

fn hours(number: i64) -> String {
    if number > 24 && number % 24 == 0 { counted(number / 24, "day", "days") } else { counted(number, "hour", "hours") }
}

fn render(viewer: &Viewer, form: WorkspaceForm, problems: Problems, status: StatusCode) -> Reply {
    let forever =
        Choice { value: String::new(), label: "For ever".to_owned(), picked: form.retention_years.is_empty() };
    let years: Vec<i32> = (1..=RETENTION_YEARS).collect();
    let years = numbers(&years, &form.retention_years, |number| counted(number, "year", "years"));
    let kept = (!viewer.known.person.is_owner).then(|| {
        let long = years.iter().find(|one| one.picked).map_or("for ever", |one| one.label.as_str());
        let then = if is_on(&form.retention_deletes) { " and deleted automatically after that" } else { "" };
        format!("Former users are kept {}{long}{then}.", if long == "for ever" { "" } else { "for " })
    });
    let content = WorkspacePage {
        nav: SettingsNav::new(viewer, SettingsItem::Workspace),
        csrf: form_token(&viewer.req),
        zones: chrono_tz::TZ_VARIANTS
            .iter()
            .map(|zone| zone.name())
            .map(|zone| Choice {
                value: zone.to_owned(),
                label: zone.replace('_', " "),
                picked: zone == form.time_zone,
            })
            .collect(),
        invite_days: numbers(&INVITE_DAYS_CHOICES, &form.invite_days, |number| counted(number, "day", "days")),
        undo_hours: numbers(&UNDO_HOURS_CHOICES, &form.undo_hours, hours),
        retention: std::iter::once(forever).chain(years).collect(),
        kept,
        form,
        problems,
    };
    page_with(viewer, status, "Workspace", Section::Settings, &content)
}

/// What the form says, and what is wrong with it.
fn read(form: &WorkspaceForm, problems: &mut Problems) -> Option<Settings> {
    let name = problems.take("name", parse_name(&form.name, "Enter a name for the workspace"));
    let time_zone = match parse_time_zone(&form.time_zone) {
        Ok(zone) => Some(zone),
        Err(sentence) => {
            problems.add("time_zone", sentence);
            None
        }
    };
    let sender_name = problems.take("sender_name", parse_name(&form.sender_name, "Enter the sender’s name of mails"));
    let support_contact = problems.take("support_contact", parse_email(&form.support_contact));
    let invite_days = problems.take("invite_days", parse_number(&form.invite_days, 365, "Choose 1 to 365 days"));
    let undo_hours = problems.take("undo_hours", parse_number(&form.undo_hours, 720, "Choose 1 hour to 30 days"));
    let retention_years = problems.take("retention_years", parse_retention(&form.retention_years));
    let retention_deletes = is_on(&form.retention_deletes);
    if retention_deletes && retention_years.is_none() && problems.at("retention_years").is_none() {
        problems.add("retention_years", "Choose after how many years former users are deleted");
    }
    let settings = Settings {
        name,
        time_zone: time_zone?,
        sender_name,
        support_contact,
        invite_days,
        undo_hours,
        retention_years,
        retention_deletes,
    };
    problems.is_empty().then_some(settings)
}

/// Changes the settings.
///
/// # Errors
/// Trouble with the database.
pub async fn update(may: May<administration::Settings>, Form(form): Form<WorkspaceForm>) -> Reply {
    let May { viewer, can } = may;
    let mut problems = Problems::new();
    let Some(settings) = read(&form, &mut problems) else {
        return render(&viewer, form, problems, StatusCode::UNPROCESSABLE_ENTITY);
    };
    let version = form.version;
    match viewer.write(move |tx| actions::workspaces::update(tx, &can, version, &settings)).await {
        Ok(_) => done(&viewer, "/settings/workspace", Notice::new("The workspace is saved.")),
        Err(Failure::Stale) => {
            problems.add("", who_was_quicker(&viewer).await?);
            render(&viewer, form, problems, StatusCode::CONFLICT)
        }
        Err(Failure::Refused(Refusal::Workspace(refusal))) => {
            problems.add("retention_years", refusal.to_string());
            render(&viewer, form, problems, StatusCode::UNPROCESSABLE_ENTITY)
        }
        Err(failure) => Err(failure.into()),
    }
}

/// Says who changed the settings meanwhile.
pub(super) async fn who_was_quicker(viewer: &Viewer) -> Result<String, WebError> {
    let name = viewer
        .read(|rx| {
            let actor = store::audit::find_latest_actor(rx, "workspace.updated")?;
            let found = actor.map(|actor| store::users::list_briefs(rx, &[actor])).transpose()?;
            Ok(found.and_then(|mut people| people.pop()).map(|person| person.name.full))
        })
        .await?;
    let who = name.unwrap_or_else(|| "Somebody else".to_owned());
    Ok(format!("{who} changed the settings meanwhile. Reload the page to see them, then repeat your change."))
}
