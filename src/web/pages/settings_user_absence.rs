//! The dates of a person's absence: shown on their page, changed and withdrawn (U-8).

use actix_web::http::StatusCode;
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Deserialize;

use crate::actions;
use crate::domain::absences::{self, Dates, parse_note, parse_reason, parse_when, start_of_day, words};
use crate::domain::access::users;
use crate::domain::assignment::Target;
use crate::domain::ids::{TeamId, UserId};
use crate::domain::users::{Reason, User};
use crate::failure::Failure;
use crate::store;
use crate::web::extract::{Empty, Form, Id, May, Viewer};
use crate::web::forms::Problems;
use crate::web::reply::{Notice, Reply, dialog, done};
use crate::web::stale::user_changed;
use crate::web::views::chrome::{SettingsItem, form_token};
use crate::web::views::person::PersonView;

/// Dates and words of an absence, as typed.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub struct AbsenceForm {
    pub(super) version: String,
    pub(super) reason: String,
    pub(super) note: String,
    pub(super) starts_at: String,
    pub(super) starts_time: String,
    pub(super) returns_at: String,
    pub(super) returns_time: String,
}

/// What a form says, read.
pub(super) struct Typed {
    pub reason: Option<Reason>,
    pub note: Option<String>,
    pub dates: Dates,
    pub version: Option<i64>,
}

impl AbsenceForm {
    /// The form of what is planned.
    pub(super) fn of(user: &User, zone: Tz) -> Self {
        let (starts_at, starts_time) = fields(user.absence.starts_at, zone);
        let (returns_at, returns_time) = fields(user.absence.returns_at, zone);
        Self {
            version: user.version.to_string(),
            reason: user.reason.map_or_else(String::new, |reason| reason.as_str().to_owned()),
            note: user.absence.note.clone().unwrap_or_default(),
            starts_at,
            starts_time,
            returns_at,
            returns_time,
        }
    }

    /// Day and time in fields of their own, as the page has them, even if they were posted as one.
    pub(super) fn split(mut self) -> Self {
        for (day, time) in
            [(&mut self.starts_at, &mut self.starts_time), (&mut self.returns_at, &mut self.returns_time)]
        {
            if let Some((date, clock)) = day.clone().split_once('T')
                && time.is_empty()
                && clock.len() <= 8
            {
                (*day, *time) = (date.to_owned(), clock.to_owned());
            }
        }
        self
    }

    /// Reads it; what is wrong is noted at its field. `known` is the reason that is on record already.
    pub(super) fn read(&self, problems: &mut Problems, known: Option<Reason>, now: DateTime<Utc>, zone: Tz) -> Typed {
        let dates = Dates {
            starts_at: problems.take("starts_at", parse_when(&self.starts_at, &self.starts_time, zone)),
            returns_at: problems.take("returns_at", parse_when(&self.returns_at, &self.returns_time, zone)),
        };
        let dates = absences::check(dates, now, zone).unwrap_or_else(|wrong| {
            for (field, sentence) in wrong {
                problems.add(field, sentence);
            }
            dates
        });
        Typed {
            reason: problems.take("reason", parse_reason(&self.reason, known)),
            note: problems.take("note", parse_note(&self.note)),
            dates,
            version: self.version.parse().ok(),
        }
    }
}

fn fields(at: Option<DateTime<Utc>>, zone: Tz) -> (String, String) {
    let Some(at) = at else { return (String::new(), String::new()) };
    let local = at.with_timezone(&zone);
    let midnight = start_of_day(local.date_naive(), zone) == Some(at);
    let time = if midnight { String::new() } else { local.format("%H:%M").to_string() };
    (local.format("%Y-%m-%d").to_string(), time)
}

/// The reasons that can be chosen: value, words, whether it is chosen. One that a rule gave can be left as it is.
pub(super) fn reasons(picked: &str) -> Vec<(&'static str, &'static str, bool)> {
    let by_rule = Reason::Inactivity;
    let kept = (picked == by_rule.as_str()).then_some(by_rule);
    Reason::OFFERED.iter().chain(&kept).map(|one| (one.as_str(), one.label(), one.as_str() == picked)).collect()
}

/// What is planned about somebody, on their page.
pub(super) struct Planned {
    pub tone: &'static str,
    pub icon: &'static str,
    pub title: String,
    pub lines: Vec<String>,
    pub change: String,
    pub withdraw: &'static str,
}

/// What is planned about somebody, if anything is. The names are of who set it and of whom the plan names.
pub(super) fn planned(
    user: &User,
    zone: Tz,
    person: impl Fn(UserId) -> Option<String>,
    team: impl Fn(TeamId) -> Option<String>,
) -> Option<Planned> {
    let (name, absence) = (&user.name.display, &user.absence);
    let mut lines = Vec::new();
    let back = absence.returns_at.map(|at| words(at, zone));
    let (tone, icon, title, change, withdraw) = if let Some(at) = absence.starts_at.filter(|_| user.is_leaving()) {
        let day = words(at, zone);
        let change = format!("/settings/users/{}/deactivate", user.id);
        lines.extend(back.map(|back| format!("Back automatically on {back}.")));
        lines.push(plan_in_words(user, &person, &team));
        if absence.refused_at.is_some() {
            let why = if user.is_owner {
                "was the only Owner at that time, or whoever planned it was no Owner any more"
            } else {
                "was not to be deactivated by whoever planned it any more, who lost the permission or may do less by now"
            };
            lines.insert(0, format!("{name} {why}. {name} can still log in."));
            ("danger", "alert-triangle", format!("{name} couldn’t be deactivated on {day}"), change, "Withdraw")
        } else {
            ("warn", "clock", format!("{name} will be deactivated on {day}"), change, "Withdraw")
        }
    } else if let Some(back) = back.filter(|_| user.is_returning()) {
        let change = format!("/settings/users/{}/absence", user.id);
        lines.push("Password, roles and teams are then as before.".to_owned());
        ("", "clock", format!("{name} comes back automatically on {back}"), change, "Withdraw the return")
    } else {
        return None;
    };
    let reason = user.reason.filter(|_| user.is_leaving()).map(Reason::label);
    lines.extend(reason.map(|reason| format!("Reason: {reason}.")));
    lines.extend(absence.set_by.and_then(person).map(|by| format!("Set by {by}.")));
    Some(Planned { tone, icon, title, lines, change, withdraw })
}

fn plan_in_words(
    user: &User,
    person: &impl Fn(UserId) -> Option<String>,
    team: &impl Fn(TeamId) -> Option<String>,
) -> String {
    let name = &user.name.display;
    let target = |target: Option<Target>| match target {
        None => format!("stay with {name}"),
        Some(Target::User(id)) => {
            person(id).map_or_else(|| "go to somebody who is gone".to_owned(), |who| format!("go to {who}"))
        }
        Some(Target::Team(id)) => {
            team(id).map_or_else(|| "go to a team that is gone".to_owned(), |team| format!("go to {team}"))
        }
        Some(Target::Nobody) => "are unassigned".to_owned(),
    };
    let (open, snoozed) = (target(user.absence.plan.open), target(user.absence.plan.snoozed));
    if open == snoozed {
        return format!("Open and snoozed conversations {open}.");
    }
    format!("Open conversations {open}, snoozed ones {snoozed}.")
}

#[derive(Template)]
#[template(path = "partials/absence.html")]
struct AbsenceDialog {
    csrf: String,
    who: PersonView,
    form: AbsenceForm,
    reasons: Vec<(&'static str, &'static str, bool)>,
    today: String,
    zone: String,
    problems: Problems,
}

/// The dialog in which the return of somebody who is away is set.
///
/// # Errors
/// 404 for a user who is none here; 409 if they are not away.
pub async fn ask(may: May<users::Deactivate>, id: Id<UserId>) -> Reply {
    show(&may.viewer, id.0, None, Problems::new(), StatusCode::OK).await
}

async fn show(
    viewer: &Viewer,
    id: UserId,
    typed: Option<AbsenceForm>,
    problems: Problems,
    status: StatusCode,
) -> Reply {
    let zone = viewer.known.workspace.time_zone;
    let actor = viewer.known.scope.actor.clone();
    let (user, now) =
        viewer.read(move |rx| Ok((store::users::find(rx, id)?.ok_or(Failure::NotFound)?, rx.now()))).await?;
    user.may_get_return_by(&actor).map_err(Failure::from)?;
    let form = typed.map_or_else(|| AbsenceForm::of(&user, zone), AbsenceForm::split);
    let title = format!("Return of {}", user.name.full);
    let content = AbsenceDialog {
        csrf: form_token(&viewer.req),
        who: PersonView::new(user.id, &user.name, user.status),
        reasons: reasons(&form.reason),
        form,
        today: now.with_timezone(&zone).format("%Y-%m-%d").to_string(),
        zone: zone.name().to_owned(),
        problems,
    };
    dialog(viewer, status, &title, "", SettingsItem::Users, &content)
}

/// Sets reason, note and return of somebody who is away.
///
/// # Errors
/// 404 for a user who is none here; 409 if somebody was quicker.
pub async fn update(may: May<users::Deactivate>, id: Id<UserId>, Form(form): Form<AbsenceForm>) -> Reply {
    let May { viewer, can } = may;
    let (id, zone) = (id.0, viewer.known.workspace.time_zone);
    let mut problems = Problems::new();
    let form = AbsenceForm { starts_at: String::new(), starts_time: String::new(), ..form };
    let known = viewer.read(move |rx| Ok(store::users::find(rx, id)?.ok_or(Failure::NotFound)?.reason)).await?;
    let typed = form.read(&mut problems, known, viewer.db().now(), zone);
    if !problems.is_empty() {
        return show(&viewer, id, Some(form), problems, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let back = typed.dates.returns_at;
    let saved = viewer
        .write(move |tx| {
            let why = (typed.reason, typed.note.clone());
            actions::absences::change(tx, &can, id, typed.version, why, typed.dates.returns_at)
        })
        .await;
    match saved {
        Ok(user) => {
            let text = match back {
                Some(back) => format!("{} comes back automatically on {}.", user.name.full, words(back, zone)),
                None => format!("{} is saved, without a day of return.", user.name.full),
            };
            done(&viewer, &format!("/settings/users/{id}"), Notice::new(text))
        }
        Err(failure @ (Failure::Stale | Failure::Refused(_))) => {
            let mut problems = Problems::new();
            let stale = matches!(failure, Failure::Stale);
            problems.add("", if stale { user_changed(&viewer, id, "this user").await? } else { failure.to_string() });
            show(&viewer, id, Some(form), problems, StatusCode::CONFLICT).await
        }
        Err(failure) => Err(failure.into()),
    }
}

/// Withdraws what is planned: the deactivation that is to come, or the return.
///
/// # Errors
/// 404 for a user who is none here; 409 if nothing is planned any more.
pub async fn withdraw(may: May<users::Deactivate>, id: Id<UserId>, _: Form<Empty>) -> Reply {
    let May { viewer, can } = may;
    let id = id.0;
    let user = viewer.write(move |tx| actions::absences::withdraw(tx, &can, id)).await?;
    let text = if user.is_leaving() {
        format!("{} stays active. The planned deactivation is withdrawn.", user.name.full)
    } else {
        format!("{} stays deactivated until somebody reactivates them.", user.name.full)
    };
    done(&viewer, &format!("/settings/users/{id}"), Notice::new(text))
}
