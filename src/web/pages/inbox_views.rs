//! Saving a list as a view, renaming, sharing and deleting it (C-1, C-2).

use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

use super::inbox::read::{Asker, request};
use super::inbox::words;
use crate::actions;
use crate::domain::ids::{TeamId, ViewId};
use crate::domain::inbox::Address;
use crate::domain::saved_views::{Audience, Member, SavedView, ViewRefusal, parse_name};
use crate::failure::{Failure, Refusal};
use crate::web::error::WebError;
use crate::web::extract::{Empty, Form, Id, Query, Seeing, Viewer};
use crate::web::forms::{Problems, is_on};
use crate::web::reply::{Notice, Reply, dialog_in, done};
use crate::web::views::chrome::{Section, form_token};

/// What is typed about a view.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ViewForm {
    name: String,
    audience: String,
    /// The list, as the query of its address.
    query: String,
    /// Whether a view that is there becomes that list.
    replace: String,
}

/// Who a view can be shown to.
struct Choice {
    value: String,
    label: String,
    hint: &'static str,
    on: bool,
}

#[derive(Template)]
#[template(path = "partials/view_form.html")]
struct Dialog {
    csrf: String,
    title: &'static str,
    action: String,
    back: String,
    form: ViewForm,
    /// Whether the list that is shown is another one than the view's.
    differs: bool,
    choices: Vec<Choice>,
    problems: Problems,
}

#[derive(Template)]
#[template(path = "partials/view_delete.html")]
struct DeleteDialog {
    csrf: String,
    action: String,
    back: String,
    name: String,
    others: Option<String>,
}

fn shared(viewer: &Viewer, id: ViewId) -> Result<SavedView, WebError> {
    let person = &viewer.known.person;
    let view = viewer.known.roster.views.iter().find(|view| view.id == id);
    view.filter(|view| view.is_shown_to(person.id, &person.teams)).cloned().ok_or(WebError::NotFound)
}

/// The list, without its page and without the name that it was found under.
fn plain(query: &str) -> Address {
    let address: Address = serde_html_form::from_str(query.trim_start_matches('?')).unwrap_or_default();
    Address { after: String::new(), saved: String::new(), ..address }
}

async fn leads(viewer: &Viewer) -> Result<Vec<TeamId>, WebError> {
    let user = viewer.known.person.id;
    viewer.read(move |rx| actions::saved_views::led_by(rx, user)).await
}

fn choices(viewer: &Viewer, leads: &[TeamId], chosen: &str) -> Vec<Choice> {
    let person = &viewer.known.person;
    let member = Member { user: person.id, teams: &person.teams, leads, permissions: person.permissions };
    let mut all = vec![(Audience::Own, "Only me".to_owned(), "")];
    let teams = viewer.known.roster.teams.iter();
    all.extend(teams.map(|team| (Audience::Team(team.id), team.name.clone(), "everybody in this team")));
    all.push((Audience::Everybody, "Everybody".to_owned(), "everybody in the workspace"));
    let offered = |audience: Audience| member.may_share_with(audience) || audience.print() == chosen;
    all.into_iter()
        .filter(|(audience, ..)| offered(*audience))
        .map(|(audience, label, hint)| {
            let value = audience.print();
            Choice { on: value == chosen || (chosen.is_empty() && value == "own"), value, label, hint }
        })
        .collect()
}

/// Asks for a name.
///
/// # Errors
/// [`WebError::NotFound`] if the list names what is none.
pub async fn ask_new(Seeing(viewer): Seeing, Query(address): Query<Address>) -> Reply {
    let address = plain(&address.query());
    request(&Asker::new(&viewer), &address)?;
    let form = ViewForm { query: address.query(), ..ViewForm::default() };
    new_dialog(&viewer, StatusCode::OK, form, Problems::new()).await
}

async fn new_dialog(viewer: &Viewer, status: StatusCode, form: ViewForm, problems: Problems) -> Reply {
    let leads = leads(viewer).await?;
    let content = Dialog {
        csrf: form_token(&viewer.req),
        title: "Save this view",
        action: "/inbox/views".to_owned(),
        back: words::href(&plain(&form.query)),
        choices: choices(viewer, &leads, &form.audience),
        differs: false,
        form,
        problems,
    };
    dialog_in(viewer, status, content.title, "sm", Section::Inbox, &content)
}

/// What was typed, read; problems are noted at their fields.
fn parse(viewer: &Viewer, form: &ViewForm) -> Result<(String, Audience, String), Problems> {
    let mut problems = Problems::new();
    let name = problems.take("name", parse_name(&form.name).map_err(|refusal| refusal.to_string()));
    let audience = if form.audience.is_empty() { Some(Audience::Own) } else { Audience::parse(&form.audience) };
    if audience.is_none() {
        problems.add("audience", ViewRefusal::MayNotShare.to_string());
    }
    let address = plain(&form.query);
    if request(&Asker::new(viewer), &address).is_err() {
        problems.add("", ViewRefusal::NoList.to_string());
    }
    match audience {
        Some(audience) if problems.is_empty() => Ok((name, audience, address.query())),
        _ => Err(problems),
    }
}

fn refused(refusal: &Refusal) -> Problems {
    let mut problems = Problems::new();
    let field = if matches!(refusal, Refusal::View(ViewRefusal::MayNotShare)) { "audience" } else { "" };
    problems.add(field, refusal.to_string());
    problems
}

/// Saves a list.
///
/// # Errors
/// [`WebError::NotFound`] for a team that is none here, or trouble with the database.
pub async fn create(Seeing(viewer): Seeing, Form(form): Form<ViewForm>) -> Reply {
    let (name, audience, query) = match parse(&viewer, &form) {
        Ok(parsed) => parsed,
        Err(problems) => return new_dialog(&viewer, StatusCode::UNPROCESSABLE_ENTITY, form, problems).await,
    };
    let (given, list) = (name.clone(), query.clone());
    match viewer.write(move |tx| actions::saved_views::create(tx, &given, &list, audience)).await {
        Ok(id) => done(&viewer, &open(&query, id), Notice::new(format!("{name} is saved"))),
        Err(Failure::Refused(refusal)) => {
            new_dialog(&viewer, StatusCode::UNPROCESSABLE_ENTITY, form, refused(&refusal)).await
        }
        Err(failure) => Err(failure.into()),
    }
}

/// Where a view leads.
fn open(query: &str, id: ViewId) -> String {
    words::href(&Address { saved: id.to_string(), ..plain(query) })
}

/// Asks for another name or audience, and whether the view is to be the list that is shown now.
///
/// # Errors
/// [`WebError::NotFound`] for a view that is none here.
pub async fn ask(Seeing(viewer): Seeing, id: Id<ViewId>, Query(address): Query<Address>) -> Reply {
    let view = shared(&viewer, id.0)?;
    let shown = plain(&address.query()).query();
    let form = ViewForm {
        name: view.name.clone(),
        audience: view.audience.print(),
        query: if shown.is_empty() { view.query.clone() } else { shown },
        replace: String::new(),
    };
    edit_dialog(&viewer, StatusCode::OK, &view, form, Problems::new()).await
}

async fn edit_dialog(
    viewer: &Viewer,
    status: StatusCode,
    view: &SavedView,
    form: ViewForm,
    problems: Problems,
) -> Reply {
    let leads = leads(viewer).await?;
    let content = Dialog {
        csrf: form_token(&viewer.req),
        title: "Change this view",
        action: format!("/inbox/views/{}", view.id),
        back: open(&view.query, view.id),
        choices: choices(viewer, &leads, &form.audience),
        differs: plain(&form.query) != plain(&view.query),
        form,
        problems,
    };
    dialog_in(viewer, status, content.title, "sm", Section::Inbox, &content)
}

/// Changes a view.
///
/// # Errors
/// [`WebError::NotFound`] for a view that is none here, or trouble with the database.
pub async fn update(Seeing(viewer): Seeing, id: Id<ViewId>, Form(form): Form<ViewForm>) -> Reply {
    let view = shared(&viewer, id.0)?;
    let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
    let (name, audience, query) = match parse(&viewer, &form) {
        Ok(parsed) => parsed,
        Err(problems) => return edit_dialog(&viewer, unprocessable, &view, form, problems).await,
    };
    let query = is_on(&form.replace).then_some(query);
    let (given, list, id) = (name.clone(), query.clone(), view.id);
    let changed = viewer.write(move |tx| actions::saved_views::update(tx, id, &given, list.as_deref(), audience)).await;
    match changed {
        Ok(()) => {
            let list = query.unwrap_or_else(|| view.query.clone());
            done(&viewer, &open(&list, view.id), Notice::new(format!("{name} is changed")))
        }
        Err(Failure::Refused(refusal)) => edit_dialog(&viewer, unprocessable, &view, form, refused(&refusal)).await,
        Err(failure) => Err(failure.into()),
    }
}

/// Asks before a view is deleted.
///
/// # Errors
/// [`WebError::NotFound`] for a view that is none here.
pub async fn ask_delete(Seeing(viewer): Seeing, id: Id<ViewId>) -> Reply {
    let view = shared(&viewer, id.0)?;
    let content = DeleteDialog {
        csrf: form_token(&viewer.req),
        action: format!("/inbox/views/{}/delete", view.id),
        back: open(&view.query, view.id),
        others: match view.audience {
            Audience::Own => None,
            Audience::Team(team) => Some(viewer.known.roster.team(team).unwrap_or("its team").to_owned()),
            Audience::Everybody => Some("everybody".to_owned()),
        },
        name: view.name,
    };
    dialog_in(&viewer, StatusCode::OK, "Delete this view?", "sm", Section::Inbox, &content)
}

/// Deletes a view. The conversations in it stay.
///
/// # Errors
/// [`WebError::NotFound`] for a view that is none here, a refusal, or trouble with the database.
pub async fn delete(Seeing(viewer): Seeing, id: Id<ViewId>, _: Form<Empty>) -> Reply {
    let view = shared(&viewer, id.0)?;
    let id = view.id;
    viewer.write(move |tx| actions::saved_views::delete(tx, id)).await?;
    done(&viewer, "/inbox", Notice::new(format!("{} is deleted", view.name)))
}
