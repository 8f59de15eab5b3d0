//! Deactivating and reactivating a user (U-6, U-7, U-9).

use actix_web::http::StatusCode;
use askama::Template;
use chrono_tz::Tz;
use serde::Deserialize;

use crate::actions;
use crate::actions::absences::{Leave, Left, Untold};
use crate::actions::users::Plan;
use crate::domain::absences::words;
use crate::domain::access::{Can, Key, Sees, users};
use crate::domain::assignment::Target;
use crate::domain::conversations::Status as ConversationStatus;
use crate::domain::ids::UserId;
use crate::domain::teams::{Hold, Team};
use crate::domain::text::{counted, grouped};
use crate::domain::users::{Reason, Status, User, UserRefusal};
use crate::failure::{Failure, Refusal};
use crate::store::teams::Member;
use crate::store::{self, counts};
use crate::web::extract::{Empty, Form, Id, May, Viewer};
use crate::web::forms::Problems;
use crate::web::pages::job_words;
use crate::web::pages::settings_user_absence::{AbsenceForm, reasons};
use crate::web::pages::settings_user_owner::NewOwner;
use crate::web::reply::{Notice, Reply, dialog, done};
use crate::web::stale::user_changed;
use crate::web::views::chrome::{SettingsItem, form_token};
use crate::web::views::person::PersonView;

/// What is chosen in the dialog.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub struct DeactivateForm {
    #[serde(flatten)]
    absence: AbsenceForm,
    /// Missing where nothing of it is held.
    plan_open: Option<String>,
    plan_snoozed: Option<String>,
}

struct TargetChoice {
    value: String,
    label: String,
}

struct PlanRow {
    name: &'static str,
    kind: &'static str,
    held: i64,
    count: String,
    picked: String,
}

/// Where everything that is held goes, in sums that always add up. The script writes the same while choices change.
#[derive(Default)]
struct Ledger {
    given: i64,
    pool: i64,
    kept: i64,
}

impl Ledger {
    fn of(rows: &[PlanRow]) -> Self {
        let mut sums = Self::default();
        for row in rows {
            match row.picked.as_str() {
                "" | "keep" => sums.kept += row.held,
                "none" => sums.pool += row.held,
                _ => sums.given += row.held,
            }
        }
        sums
    }

    fn all(&self) -> i64 {
        self.given + self.pool + self.kept
    }

    /// How wide a part of the bar is, and where it begins.
    fn bar(&self) -> [(&'static str, i64, i64); 3] {
        let all = self.all().max(1);
        let (given, pool) = (600 * self.given / all, 600 * self.pool / all);
        [("given", 0, given), ("pool", given, pool), ("kept", given + pool, 600 - given - pool)]
    }

    /// The words of the button.
    fn button(&self, display: &str) -> String {
        match (self.given, self.pool) {
            (0, 0) => format!("Deactivate {display}"),
            (0, pool) => format!("Deactivate and unassign {}", grouped(pool)),
            (given, _) => format!("Deactivate and hand over {}", grouped(given)),
        }
    }
}

#[derive(Template)]
#[template(path = "partials/deactivate.html")]
struct DeactivateDialog {
    csrf: String,
    who: PersonView,
    sessions: String,
    logged_in: bool,
    rows: Vec<PlanRow>,
    people: Vec<TargetChoice>,
    teams: Vec<TargetChoice>,
    form: AbsenceForm,
    planned: bool,
    today: String,
    zone: String,
    reasons: Vec<(&'static str, &'static str, bool)>,
    total: String,
    ledger: Ledger,
    holds_any: bool,
    alone: Vec<String>,
    /// The channels that nobody else can answer (K-2).
    unserved: Vec<String>,
    may_plan: bool,
    undo_hours: i32,
    problems: Problems,
}

#[derive(Template)]
#[template(path = "partials/cannot_change.html")]
struct RefusedDialog {
    who: PersonView,
    sentence: String,
}

#[derive(Template)]
#[template(path = "partials/reactivate.html")]
struct ReactivateDialog {
    csrf: String,
    who: PersonView,
    roles: String,
    teams: String,
    holds: Option<String>,
}

/// The dialog, or the refusal with the way out in the same place.
///
/// # Errors
/// 404 for a user who is none here.
pub async fn ask_deactivate(may: May<users::Deactivate>, id: Id<UserId>) -> Reply {
    show(&may.viewer, id.0, None, Problems::new(), StatusCode::OK).await
}

/// What stands in the dialog at first: what is planned, or somebody leaving now.
fn first_form(user: &User, zone: Tz) -> DeactivateForm {
    let place = |target: Option<Target>| Some(target.map_or_else(|| "keep".to_owned(), |target| target.print()));
    let mut absence = AbsenceForm::of(user, zone);
    if !user.is_leaving() {
        Reason::Left.as_str().clone_into(&mut absence.reason);
    }
    let plan = user.absence.plan;
    DeactivateForm { absence, plan_open: place(plan.open), plan_snoozed: place(plan.snoozed) }
}

async fn show(
    viewer: &Viewer,
    id: UserId,
    typed: Option<DeactivateForm>,
    problems: Problems,
    status: StatusCode,
) -> Reply {
    let zone = viewer.known.workspace.time_zone;
    let actor = viewer.known.scope.actor.clone();
    let (user, refusal, now, data) = viewer
        .read(move |rx| {
            let user = store::users::find(rx, id)?.ok_or(Failure::NotFound)?;
            let now = rx.now();
            let owners = store::users::count_active_owners(rx)?;
            let refusal = user.may_be_deactivated_by(&actor, owners).err();
            let held = counts::find(rx, &[ConversationStatus::Open, ConversationStatus::Snoozed], &Sees::All)?;
            let people = store::users::list_assignable(rx)?;
            let teams = store::teams::list(rx)?;
            let members = store::teams::list_members(rx, None)?;
            let sessions = store::sessions::count_of_user(rx, id)?;
            let unserved = store::channels::list_served_alone(rx, id)?;
            Ok((user, refusal, now, (held, people, teams, members, sessions, unserved)))
        })
        .await?;
    let who = PersonView::new(user.id, &user.name, user.status);
    let title = format!("Deactivate {}?", user.name.full);
    if let Some(refusal) = refusal {
        if matches!(refusal, UserRefusal::OnlyOwner(_)) {
            return NewOwner::show(viewer, id, "deactivate", StatusCode::CONFLICT, String::new(), Problems::new())
                .await;
        }
        let content = RefusedDialog { who, sentence: refusal.to_string() };
        return dialog(viewer, StatusCode::CONFLICT, &title, "", SettingsItem::Users, &content);
    }
    let DeactivateForm { absence: form, plan_open, plan_snoozed } = typed.unwrap_or_else(|| first_form(&user, zone));
    let form = form.split();
    let (held, people, teams, members, sessions, unserved) = data;
    let open_work = held.by_person(ConversationStatus::Open);
    let of = |status| held.by_person(status).get(&id).copied().unwrap_or(0);
    let (open, snoozed) = (of(ConversationStatus::Open), of(ConversationStatus::Snoozed));
    let row = |name, kind, held: i64, picked: &Option<String>| PlanRow {
        name,
        kind,
        held,
        count: grouped(held),
        picked: picked.clone().unwrap_or_else(|| "keep".to_owned()),
    };
    let mut rows = Vec::new();
    if open > 0 {
        rows.push(row("plan_open", "Open conversations", open, &plan_open));
    }
    if snoozed > 0 {
        rows.push(row("plan_snoozed", "Snoozed conversations", snoozed, &plan_snoozed));
    }
    let content = DeactivateDialog {
        csrf: form_token(&viewer.req),
        sessions: counted(sessions, "session", "sessions"),
        logged_in: sessions > 0,
        ledger: Ledger::of(&rows),
        rows,
        people: people
            .iter()
            .filter(|one| one.id != id)
            .map(|one| TargetChoice {
                value: Target::User(one.id).print(),
                label: format!("{} · {} open", one.name.full, grouped(open_work.get(&one.id).copied().unwrap_or(0))),
            })
            .collect(),
        teams: teams
            .iter()
            .map(|team| {
                let active =
                    members.iter().filter(|one| one.team == team.id && one.status == Status::Active && one.user != id);
                TargetChoice {
                    value: Target::Team(team.id).print(),
                    label: format!("{} · {} active", team.name, active.count()),
                }
            })
            .collect(),
        reasons: reasons(&form.reason),
        form,
        planned: user.is_leaving(),
        today: now.with_timezone(&zone).format("%Y-%m-%d").to_string(),
        zone: zone.name().to_owned(),
        total: grouped(open + snoozed),
        holds_any: open + snoozed > 0,
        alone: teams.iter().filter_map(|team| alone(team, &members, id)).collect(),
        unserved: unserved.into_iter().map(|(_, name)| name).collect(),
        may_plan: viewer.known.person.permissions.has(Key::HandoversRun),
        undo_hours: viewer.known.workspace.undo_hours,
        problems,
        who,
    };
    dialog(viewer, status, &title, "lg", SettingsItem::Users, &content)
}

/// What a team has in this person alone: "the only lead of Returns" (T-4).
fn alone(team: &Team, members: &[Member], user: UserId) -> Option<String> {
    let places: Vec<_> = members.iter().filter(|one| one.team == team.id).map(Member::place).collect();
    Hold::of(&places, user).map(|hold| format!("{} {}", hold.label(), team.name))
}

/// A choice of the plan; a missing one keeps.
pub(super) fn target(text: &str) -> Result<Option<Target>, &'static str> {
    match text {
        "" | "keep" => Ok(None),
        other => Target::parse(other).map(Some).ok_or("Choose who takes these over"),
    }
}

/// Deactivates, now or on a day: access is gone at once, conversations move as planned.
///
/// # Errors
/// 404 for ids that are none here.
pub async fn deactivate(may: May<users::Deactivate>, id: Id<UserId>, Form(form): Form<DeactivateForm>) -> Reply {
    let May { viewer, can } = may;
    let (id, zone) = (id.0, viewer.known.workspace.time_zone);
    let mut problems = Problems::new();
    let open = problems.take("plan_open", target(form.plan_open.as_deref().unwrap_or_default()));
    let snoozed = problems.take("plan_snoozed", target(form.plan_snoozed.as_deref().unwrap_or_default()));
    let typed = form.absence.read(&mut problems, None, viewer.db().now(), zone);
    if !problems.is_empty() {
        return show(&viewer, id, Some(form), problems, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let plan = Plan { open, snoozed };
    let run = if plan.moves() { Some(viewer.must()?) } else { Can::check(viewer.scope()) };
    let leave = Leave {
        version: typed.version,
        reason: typed.reason,
        note: typed.note,
        starts_at: typed.dates.starts_at,
        returns_at: typed.dates.returns_at,
        plan,
        untold: Untold { open: form.plan_open.is_none(), snoozed: form.plan_snoozed.is_none() },
    };
    let done_it = viewer.write(move |tx| actions::absences::begin(tx, &can, run.as_ref(), id, &leave)).await;
    let left = match done_it {
        Ok(left) => left,
        Err(Failure::Stale) => {
            let mut problems = Problems::new();
            problems.add("", user_changed(&viewer, id, "this user").await?);
            return show(&viewer, id, Some(form), problems, StatusCode::CONFLICT).await;
        }
        Err(Failure::Refused(refusal @ Refusal::User(UserRefusal::OwnHeir(_)))) => {
            return show(&viewer, id, Some(form), Problems::of(&refusal), StatusCode::UNPROCESSABLE_ENTITY).await;
        }
        Err(Failure::Refused(Refusal::User(_))) => {
            return show(&viewer, id, Some(form), Problems::new(), StatusCode::CONFLICT).await;
        }
        Err(Failure::Refused(refusal)) => {
            return show(&viewer, id, Some(form), Problems::of(&refusal), StatusCode::UNPROCESSABLE_ENTITY).await;
        }
        Err(failure) => return Err(failure.into()),
    };
    viewer.app.wake.now();
    let profile = format!("/settings/users/{id}");
    let gone = match left {
        Left::Now(gone) => gone,
        Left::Planned(user) => {
            let day = user.absence.starts_at.map(|at| words(at, zone)).unwrap_or_default();
            return done(&viewer, &profile, Notice::new(format!("{} will be deactivated on {day}.", user.name.full)));
        }
    };
    let text = match i64::try_from(gone.sessions_ended).unwrap_or(0) {
        0 => format!("{} is deactivated.", gone.user.name.full),
        ended => {
            let sessions = counted(ended, "session", "sessions");
            format!("{} is deactivated and logged out of {sessions}.", gone.user.name.full)
        }
    };
    let notice = match gone.job {
        Some(job) => job_words::notice_after(&viewer, job, &text).await?,
        None => Notice::new(text).link("Profile", profile),
    };
    done(&viewer, "/settings/users", notice)
}

/// The dialog that asks before a person comes back.
///
/// # Errors
/// 404 for a user who is none here.
pub async fn ask_reactivate(may: May<users::Deactivate>, id: Id<UserId>) -> Reply {
    let viewer = may.viewer;
    let id = id.0;
    let actor = viewer.known.scope.actor.clone();
    let (user, refusal, roles, teams, held) = viewer
        .read(move |rx| {
            let user = store::users::find(rx, id)?.ok_or(Failure::NotFound)?;
            let refusal = user.may_be_reactivated_by(&actor).err();
            let held_roles = store::roles::list_of_users(rx, &[id])?.remove(&id).unwrap_or_default();
            let roles: Vec<String> = store::roles::list(rx)?
                .into_iter()
                .filter(|one| held_roles.contains(&one.id))
                .map(|one| one.name)
                .collect();
            let in_teams = store::teams::list_of_users(rx, &[id])?.remove(&id).unwrap_or_default();
            let teams: Vec<String> = store::teams::list(rx)?
                .into_iter()
                .filter(|one| in_teams.contains(&one.id))
                .map(|one| one.name)
                .collect();
            let held = counts::find(rx, &[ConversationStatus::Open, ConversationStatus::Snoozed], &Sees::All)?;
            let of = |status| held.by_person(status).get(&id).copied().unwrap_or(0);
            Ok((user, refusal, roles, teams, of(ConversationStatus::Open) + of(ConversationStatus::Snoozed)))
        })
        .await?;
    let who = PersonView::new(user.id, &user.name, user.status);
    let title = format!("Reactivate {}?", user.name.full);
    if let Some(refusal) = refusal {
        let content = RefusedDialog { who, sentence: refusal.to_string() };
        return dialog(&viewer, StatusCode::CONFLICT, &title, "", SettingsItem::Users, &content);
    }
    let content = ReactivateDialog {
        csrf: form_token(&viewer.req),
        who,
        roles: roles.join(", "),
        teams: if teams.is_empty() { "None".to_owned() } else { teams.join(", ") },
        holds: (held > 0).then(|| counted(held, "conversation", "conversations")),
    };
    dialog(&viewer, StatusCode::OK, &title, "sm", SettingsItem::Users, &content)
}

/// Reactivates: same password, roles, teams and channels as before.
///
/// # Errors
/// 404 for a user who is none here; 409 if somebody was quicker.
pub async fn reactivate(may: May<users::Deactivate>, id: Id<UserId>, _: Form<Empty>) -> Reply {
    let May { viewer, can } = may;
    let id = id.0;
    let user = viewer.write(move |tx| actions::users::reactivate(tx, &can, id)).await?;
    let notice = Notice::new(format!("{} is active again, with the same password, roles and teams.", user.name.full))
        .link("Profile", format!("/settings/users/{id}"));
    done(&viewer, "/settings/users/inactive", notice)
}
