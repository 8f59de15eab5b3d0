//! One's own profile: names, language, time zone, appearance, shortcuts, teams (U-15).

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

use super::settings_team_members::{Choice, successors};
use crate::actions;
use crate::actions::profiles::Profile;
use crate::domain::ids::{TeamId, UserId};
use crate::domain::profiles::{Language, Preferences, parse_zone, zones};
use crate::domain::teams::TeamRefusal;
use crate::domain::text::counted;
use crate::domain::users::{Name, Status, parse_name};
use crate::failure::{Failure, Refusal};
use crate::store;
use crate::store::teams::Member;
use crate::web::error::WebError;
use crate::web::extract::{Form, Id, Viewer};
use crate::web::forms::{Problems, is_on};
use crate::web::reply::{Notice, Reply, dialog_in, done, page_with};
use crate::web::stale::user_changed;
use crate::web::views::chrome::{Section, form_token};
use crate::web::views::person::PersonView;

/// What is edited.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub struct ProfileForm {
    version: i64,
    full_name: String,
    display_name: String,
    language: String,
    time_zone: String,
    theme: String,
    shortcuts: String,
}

struct TeamRow {
    id: String,
    name: String,
    lead: bool,
    leads: Vec<PersonView>,
    people: String,
    faces: Vec<PersonView>,
}

#[derive(Template)]
#[template(path = "pages/profile.html")]
struct ProfilePage {
    csrf: String,
    workspace: String,
    email: String,
    who: PersonView,
    form: ProfileForm,
    languages: Vec<(&'static str, &'static str)>,
    zones: Vec<&'static str>,
    usual_zone: &'static str,
    teams: Vec<TeamRow>,
    problems: Problems,
}

/// The page.
///
/// # Errors
/// Trouble with the database.
pub async fn show(viewer: Viewer) -> Reply {
    render(&viewer, None, Problems::new(), StatusCode::OK).await
}

async fn render(viewer: &Viewer, typed: Option<ProfileForm>, problems: Problems, status: StatusCode) -> Reply {
    let id = viewer.known.person.id;
    let (user, preferences, teams, members) = viewer
        .read(move |rx| {
            let user = store::users::find(rx, id)?.ok_or(Failure::NotFound)?;
            let own = store::teams::list_of_users(rx, &[id])?.remove(&id).unwrap_or_default();
            let mut teams = store::teams::list(rx)?;
            teams.retain(|team| own.contains(&team.id));
            Ok((user, store::preferences::find(rx, id)?, teams, store::teams::list_members(rx, None)?))
        })
        .await?;
    let kept = ProfileForm {
        version: user.version,
        full_name: user.name.full.clone(),
        display_name: user.name.display.clone(),
        language: preferences.language.unwrap_or_default().as_str().to_owned(),
        time_zone: preferences.time_zone.map(|zone| zone.name().to_owned()).unwrap_or_default(),
        theme: theme(viewer).to_owned(),
        shortcuts: if preferences.shortcuts { "on".to_owned() } else { String::new() },
    };
    // Guests do not see who of a team cannot log in (T-5).
    let guest = viewer.known.person.only_guest;
    let teams = teams.iter().map(|team| {
        let ours: Vec<&Member> =
            members.iter().filter(|one| one.team == team.id && (!guest || one.status == Status::Active)).collect();
        let view = |one: &&Member| PersonView::new(one.user, &one.name, one.status);
        TeamRow {
            id: team.id.to_string(),
            name: team.name.clone(),
            lead: ours.iter().any(|one| one.user == id && one.is_lead),
            leads: ours.iter().filter(|one| one.is_lead).map(view).collect(),
            people: counted(i64::try_from(ours.len()).unwrap_or(0), "person", "people"),
            faces: ours.iter().take(5).map(view).collect(),
        }
    });
    let content = ProfilePage {
        csrf: form_token(&viewer.req),
        workspace: viewer.known.workspace.name.clone(),
        who: PersonView::active(id, &user.name),
        email: user.email,
        form: typed.unwrap_or(kept),
        languages: Language::ALL.iter().map(|one| (one.as_str(), one.label())).collect(),
        zones: zones().collect(),
        usual_zone: viewer.known.workspace.time_zone.name(),
        teams: teams.collect(),
        problems,
    };
    page_with(viewer, status, "Your profile", Section::Profile, &content)
}

fn theme(viewer: &Viewer) -> &'static str {
    match viewer.req.cookie("theme").as_ref().map(Cookie::value) {
        Some("light") => "light",
        Some("dark") => "dark",
        _ => "system",
    }
}

/// Changes names and preferences. The appearance belongs to the browser, so it is kept there.
///
/// # Errors
/// Trouble with the database.
pub async fn update(viewer: Viewer, Form(form): Form<ProfileForm>) -> Reply {
    let mut problems = Problems::new();
    let full = problems.take("full_name", parse_name(&form.full_name, "Enter your full name"));
    let display = match form.display_name.trim() {
        "" => full.split(' ').next().unwrap_or_default().to_owned(),
        typed => problems.take("display_name", parse_name(typed, "Enter a display name")),
    };
    let time_zone = problems.take("time_zone", parse_zone(&form.time_zone));
    let language = match form.language.as_str() {
        "" => None,
        name => problems.take("language", Language::parse(name).map(Some).ok_or("Choose a language from the list")),
    };
    if !problems.is_empty() {
        return render(&viewer, Some(form), problems, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let preferences = Preferences { time_zone, language, shortcuts: is_on(&form.shortcuts) };
    let profile = Profile { version: form.version, name: Name { full, display }, preferences };
    match viewer.write(move |tx| actions::profiles::update(tx, &profile)).await {
        Ok(()) => {}
        Err(Failure::Stale) => {
            problems.add("", user_changed(&viewer, viewer.known.person.id, "your profile").await?);
            return render(&viewer, Some(form), problems, StatusCode::CONFLICT).await;
        }
        Err(failure) => return Err(failure.into()),
    }
    let mut answer = done(&viewer, "/profile", Notice::new("Your profile is saved."))?;
    if ["system", "light", "dark"].contains(&form.theme.as_str()) {
        let cookie = Cookie::build("theme", form.theme).path("/").max_age(Duration::days(365)).same_site(SameSite::Lax);
        answer.add_cookie(&cookie.finish()).map_err(|_| Failure::Bug("a cookie is no header"))?;
    }
    Ok(answer)
}

/// Who leads from now on.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub struct LeaveForm {
    successor: String,
}

#[derive(Template)]
#[template(path = "partials/profile_leave.html")]
struct LeaveDialog {
    csrf: String,
    id: String,
    team: String,
    form: LeaveForm,
    successors: Vec<Choice>,
    problems: Problems,
}

/// Asks before one leaves a team.
///
/// # Errors
/// 404 for a team that one is not in.
pub async fn ask_leave(viewer: Viewer, id: Id<TeamId>) -> Reply {
    show_leave(&viewer, id.0, LeaveForm::default(), Problems::new(), StatusCode::OK).await
}

async fn show_leave(viewer: &Viewer, id: TeamId, form: LeaveForm, problems: Problems, status: StatusCode) -> Reply {
    let (team, members) = viewer
        .read(move |rx| {
            let team = store::teams::find(rx, id)?.ok_or(Failure::NotFound)?;
            Ok((team, store::teams::list_members(rx, Some(id))?))
        })
        .await?;
    let own: UserId = viewer.known.person.id;
    if !members.iter().any(|one| one.user == own) {
        return Err(WebError::NotFound);
    }
    let content = LeaveDialog {
        csrf: form_token(&viewer.req),
        id: id.to_string(),
        successors: successors(&members, own),
        team: team.name,
        form,
        problems,
    };
    dialog_in(viewer, status, "Leave team", "sm", Section::Profile, &content)
}

/// Leaves a team. Whoever alone leads it names a successor first.
///
/// # Errors
/// 404 for a team that one is not in.
pub async fn leave(viewer: Viewer, id: Id<TeamId>, Form(form): Form<LeaveForm>) -> Reply {
    let id = id.0;
    let successor = match form.successor.as_str() {
        "" => None,
        text => Some(text.parse().map_err(|_| WebError::NotFound)?),
    };
    match viewer.write(move |tx| actions::team_members::leave(tx, id, successor)).await {
        Ok(left) => done(&viewer, "/profile", Notice::new(format!("You left {}.", left.team))),
        Err(Failure::Refused(refusal @ Refusal::Team(TeamRefusal::OnlyLead { .. } | TeamRefusal::NoSuccessor(_)))) => {
            let mut problems = Problems::new();
            problems.add("successor", refusal.to_string());
            show_leave(&viewer, id, form, problems, StatusCode::UNPROCESSABLE_ENTITY).await
        }
        Err(failure) => Err(failure.into()),
    }
}
