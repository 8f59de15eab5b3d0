//! Dialogs of a team: taking a member out (T-3), or all who cannot log in (T-2), deleting the team (T-1).

use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

use super::job_words::notice_after_all;
use crate::actions;
use crate::actions::team_members::{Leaving, Tidying};
use crate::domain::access::{Key, Sees, teams};
use crate::domain::assignment::Target;
use crate::domain::conversations::Status as ConversationStatus;
use crate::domain::ids::{TeamId, UserId};
use crate::domain::teams::{LeaveProblem, Team, TeamRefusal, may_leave};
use crate::domain::text::counted;
use crate::domain::users::Status;
use crate::failure::{Failure, Refusal};
use crate::store::teams::Member;
use crate::store::users::Brief;
use crate::store::{self, counts};
use crate::web::error::WebError;
use crate::web::extract::{Form, Id, May, Query, Viewer};
use crate::web::forms::{Problems, ids};
use crate::web::reply::{Notice, Reply, dialog, done};
use crate::web::stale::team_changed;
use crate::web::views::chrome::{SettingsItem, form_token};
use crate::web::views::person::PersonView;

/// Who is taken out, and what is decided with it.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub struct LeaveForm {
    user: String,
    successor: String,
    target: String,
}

/// An entry of a select.
pub(super) struct Choice {
    pub value: String,
    pub label: String,
}

#[derive(Template)]
#[template(path = "partials/team_leave.html")]
struct LeaveDialog {
    csrf: String,
    id: String,
    team: String,
    who: PersonView,
    form: LeaveForm,
    held: Option<String>,
    may_plan: bool,
    successors: Vec<Choice>,
    people: Vec<Choice>,
    teams: Vec<Choice>,
    undo_hours: i32,
    problems: Problems,
}

/// Asks before somebody is taken out of a team, and what becomes of what they hold there.
///
/// # Errors
/// 404 for a team that is none here, or somebody who is no member.
pub async fn ask_remove(may: May<teams::EditMembers>, id: Id<TeamId>, query: Query<LeaveForm>) -> Reply {
    show_leave(&may.viewer, id.0, query.0, Problems::new(), StatusCode::OK).await
}

/// Whoever could lead a team instead of its only lead: nobody, if somebody else leads it anyway.
pub(super) fn successors(members: &[Member], user: UserId) -> Vec<Choice> {
    let places: Vec<_> = members.iter().map(Member::place).collect();
    if may_leave(&places, user, None) != Err(LeaveProblem::OnlyLead) {
        return Vec::new();
    }
    members
        .iter()
        .filter(|one| one.user != user && one.status == Status::Active)
        .map(|one| Choice { value: one.user.to_string(), label: one.name.full.clone() })
        .collect()
}

/// People who can take conversations over.
fn receivers(people: Vec<Brief>, but: Option<UserId>) -> Vec<Choice> {
    let others = people.into_iter().filter(|one| Some(one.id) != but);
    others.map(|one| Choice { value: Target::User(one.id).print(), label: one.name.full }).collect()
}

/// Teams whose queue can take conversations over, the one they are of first.
fn queues(first: &Team, all: &[Team]) -> Vec<Choice> {
    std::iter::once(first)
        .chain(all.iter().filter(|one| one.id != first.id))
        .map(|one| Choice { value: Target::Team(one.id).print(), label: one.name.clone() })
        .collect()
}

fn read_target(typed: &str, problems: &mut Problems) -> Option<Target> {
    match typed {
        "" | "keep" => None,
        text => problems.take("target", Target::parse(text).map(Some).ok_or("Choose who takes these over")),
    }
}

async fn show_leave(viewer: &Viewer, id: TeamId, form: LeaveForm, problems: Problems, status: StatusCode) -> Reply {
    let user: UserId = form.user.parse().map_err(|_| WebError::NotFound)?;
    let (team, members, held, people, all) = viewer
        .read(move |rx| {
            let team = store::teams::find(rx, id)?.ok_or(Failure::NotFound)?;
            let both = [ConversationStatus::Open, ConversationStatus::Snoozed];
            let held = counts::find(rx, &both, &Sees::All)?;
            let held: i64 = both.iter().filter_map(|status| held.by_person_in(*status, id).get(&user).copied()).sum();
            let members = store::teams::list_members(rx, Some(id))?;
            Ok((team, members, held, store::users::list_assignable(rx)?, store::teams::list(rx)?))
        })
        .await?;
    let member = members.iter().find(|one| one.user == user).ok_or(WebError::NotFound)?;
    let title = format!("Remove {}?", member.name.full);
    let content = LeaveDialog {
        csrf: form_token(&viewer.req),
        id: id.to_string(),
        who: PersonView::new(user, &member.name, member.status),
        held: (held > 0).then(|| counted(held, "conversation", "conversations")),
        may_plan: viewer.known.person.permissions.has(Key::HandoversRun),
        successors: successors(&members, user),
        people: receivers(people, Some(user)),
        teams: queues(&team, &all),
        undo_hours: viewer.known.workspace.undo_hours,
        team: team.name,
        form,
        problems,
    };
    dialog(viewer, status, &title, "", SettingsItem::Teams, &content)
}

/// Takes a member out, and hands over what they hold in the team, if that was chosen.
///
/// # Errors
/// 404 for ids that are none here.
pub async fn remove(may: May<teams::EditMembers>, id: Id<TeamId>, Form(form): Form<LeaveForm>) -> Reply {
    let May { viewer, can } = may;
    let id = id.0;
    let user: UserId = form.user.parse().map_err(|_| WebError::NotFound)?;
    let mut problems = Problems::new();
    let successor = match form.successor.as_str() {
        "" => None,
        text => Some(text.parse().map_err(|_| WebError::NotFound)?),
    };
    let target = read_target(&form.target, &mut problems);
    if !problems.is_empty() {
        return show_leave(&viewer, id, form, problems, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let run = if target.is_some() { Some(viewer.must()?) } else { None };
    let leaving = Leaving { user, successor, target };
    let left = viewer.write(move |tx| actions::team_members::remove(tx, &can, run.as_ref(), id, leaving)).await;
    match left {
        Ok(left) => {
            viewer.app.wake.now();
            let text = format!("{} is no longer in {}.", left.name, left.team);
            let notice = notice_after_all(&viewer, left.job.as_slice(), &text).await?;
            done(&viewer, &format!("/settings/teams/{id}"), notice)
        }
        Err(Failure::Refused(refusal)) => {
            let field = match refusal {
                Refusal::Team(TeamRefusal::OnlyLead { .. } | TeamRefusal::NoSuccessor(_)) => "successor",
                _ => "target",
            };
            problems.add(field, refusal.to_string());
            show_leave(&viewer, id, form, problems, StatusCode::UNPROCESSABLE_ENTITY).await
        }
        Err(failure) => Err(failure.into()),
    }
}

/// Everybody who cannot log in, as the dialog showed them, and who gets what they hold.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub struct TidyForm {
    user: Vec<String>,
    target: String,
}

struct Leaver {
    who: PersonView,
    held: Option<String>,
}

#[derive(Template)]
#[template(path = "partials/team_tidy.html")]
struct TidyDialog {
    csrf: String,
    id: String,
    team: String,
    count: String,
    leavers: Vec<Leaver>,
    form: TidyForm,
    held: Option<String>,
    may_plan: bool,
    people: Vec<Choice>,
    teams: Vec<Choice>,
    undo_hours: i32,
    problems: Problems,
}

/// Asks before everybody who cannot log in is taken out of the team, with the numbers.
///
/// # Errors
/// 404 for a team that is none here.
pub async fn ask_tidy(may: May<teams::EditMembers>, id: Id<TeamId>) -> Reply {
    show_tidy(&may.viewer, id.0, TidyForm::default(), Problems::new(), StatusCode::OK).await
}

async fn show_tidy(viewer: &Viewer, id: TeamId, form: TidyForm, problems: Problems, status: StatusCode) -> Reply {
    let both = [ConversationStatus::Open, ConversationStatus::Snoozed];
    let (team, members, held, people, all) = viewer
        .read(move |rx| {
            let team = store::teams::find(rx, id)?.ok_or(Failure::NotFound)?;
            let held = counts::find(rx, &both, &Sees::All)?;
            let held = both.map(|status| held.by_person_in(status, id));
            let members = store::teams::list_members(rx, Some(id))?;
            Ok((team, members, held, store::users::list_assignable(rx)?, store::teams::list(rx)?))
        })
        .await?;
    let of = |one: &Member| -> i64 { held.iter().filter_map(|numbers| numbers.get(&one.user)).sum() };
    let gone: Vec<&Member> = members.iter().filter(|one| one.status == Status::Inactive).collect();
    let total: i64 = gone.iter().map(|one| of(one)).sum();
    let words = |held: i64| (held > 0).then(|| counted(held, "conversation", "conversations"));
    let content = TidyDialog {
        csrf: form_token(&viewer.req),
        id: id.to_string(),
        count: counted(i64::try_from(gone.len()).unwrap_or(0), "person who can’t log in", "people who can’t log in"),
        leavers: gone
            .iter()
            .map(|one| Leaver { who: PersonView::new(one.user, &one.name, one.status), held: words(of(one)) })
            .collect(),
        held: words(total),
        may_plan: viewer.known.person.permissions.has(Key::HandoversRun),
        people: receivers(people, None),
        teams: queues(&team, &all),
        undo_hours: viewer.known.workspace.undo_hours,
        team: team.name,
        form,
        problems,
    };
    dialog(viewer, status, "Remove inactive members", "", SettingsItem::Teams, &content)
}

/// Takes everybody who cannot log in out of the team, and hands over what they hold in it, if that was chosen.
///
/// # Errors
/// 404 for ids that are none here.
pub async fn tidy(may: May<teams::EditMembers>, id: Id<TeamId>, Form(form): Form<TidyForm>) -> Reply {
    let May { viewer, can } = may;
    let id = id.0;
    let mut problems = Problems::new();
    let target = read_target(&form.target, &mut problems);
    let expected = (!form.user.is_empty()).then(|| ids(&form.user)).transpose()?;
    if !problems.is_empty() {
        return show_tidy(&viewer, id, form, problems, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let run = if target.is_some() { Some(viewer.must()?) } else { None };
    let tidying = Tidying { expected, target };
    match viewer.write(move |tx| actions::team_members::remove_inactive(tx, &can, run.as_ref(), id, &tidying)).await {
        Ok(tidied) => {
            viewer.app.wake.now();
            let notice = if tidied.people == 0 {
                Notice::new("Everybody in this team can log in.")
            } else {
                let people = counted(i64::try_from(tidied.people).unwrap_or(0), "person", "people");
                notice_after_all(&viewer, &tidied.jobs, &format!("{people} left the team.")).await?
            };
            done(&viewer, &format!("/settings/teams/{id}"), notice)
        }
        Err(Failure::Stale) => {
            problems.add("", team_changed(&viewer, id).await?);
            show_tidy(&viewer, id, form, problems, StatusCode::CONFLICT).await
        }
        Err(Failure::Refused(refusal)) => {
            problems.add("target", refusal.to_string());
            show_tidy(&viewer, id, form, problems, StatusCode::UNPROCESSABLE_ENTITY).await
        }
        Err(failure) => Err(failure.into()),
    }
}

/// Where the team's conversations go.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub struct DeleteForm {
    target: String,
}

#[derive(Template)]
#[template(path = "partials/team_delete.html")]
struct DeleteDialog {
    csrf: String,
    id: String,
    team: String,
    held: Option<String>,
    channel: Option<String>,
    form: DeleteForm,
    teams: Vec<Choice>,
    undo_hours: i32,
    problems: Problems,
}

/// Asks before a team is deleted, and where what names it goes.
///
/// # Errors
/// 404 for a team that is none here.
pub async fn ask_delete(may: May<teams::Manage>, id: Id<TeamId>) -> Reply {
    show_delete(&may.viewer, id.0, DeleteForm::default(), Problems::new(), StatusCode::OK).await
}

async fn show_delete(viewer: &Viewer, id: TeamId, form: DeleteForm, problems: Problems, status: StatusCode) -> Reply {
    let (team, (held, channel), all) = viewer
        .read(move |rx| {
            let team = store::teams::find(rx, id)?.ok_or(Failure::NotFound)?;
            Ok((team, store::teams::count_holdings(rx, id)?, store::teams::list(rx)?))
        })
        .await?;
    let content = DeleteDialog {
        csrf: form_token(&viewer.req),
        id: id.to_string(),
        held: (held > 0).then(|| counted(held, "conversation", "conversations")),
        channel,
        teams: all
            .into_iter()
            .filter(|one| one.id != id)
            .map(|one| Choice { value: Target::Team(one.id).print(), label: one.name })
            .collect(),
        undo_hours: viewer.known.workspace.undo_hours,
        team: team.name,
        form,
        problems,
    };
    dialog(viewer, status, "Delete team", "sm", SettingsItem::Teams, &content)
}

/// Deletes a team; what names it moves to the chosen one, in the background if it is much.
///
/// # Errors
/// 404 for a team that is none here.
pub async fn delete(may: May<teams::Manage>, id: Id<TeamId>, Form(form): Form<DeleteForm>) -> Reply {
    let May { viewer, can } = may;
    let id = id.0;
    let target = match (form.target.as_str(), Target::parse(&form.target)) {
        ("", _) => None,
        (_, Some(Target::Team(team))) => Some(team),
        _ => return Err(WebError::NotFound),
    };
    match viewer.write(move |tx| actions::teams::delete_into(tx, &can, id, target)).await {
        Ok(deleted) => {
            let text = format!("The team {} is deleted.", deleted.name);
            let notice = notice_after_all(&viewer, deleted.job.as_slice(), &text).await?;
            done(&viewer, "/settings/teams", notice)
        }
        Err(Failure::Refused(refusal)) => {
            let mut problems = Problems::new();
            problems.add("target", refusal.to_string());
            show_delete(&viewer, id, form, problems, StatusCode::UNPROCESSABLE_ENTITY).await
        }
        Err(failure) => Err(failure.into()),
    }
}
