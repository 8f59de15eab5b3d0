//! First run: the workspace and its Owner (W-1).

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use serde::Deserialize;

use super::login::{check_new_password, door, enter, hash_password};
use crate::actions;
use crate::domain::access::{Cause, Scope};
use crate::domain::ids::WorkspaceId;
use crate::domain::secrets::hash;
use crate::domain::users::{Name, parse_email, parse_name};
use crate::domain::workspaces::slug;
use crate::failure::Failure;
use crate::store::anywhere;
use crate::store::db::blocking;
use crate::web::App;
use crate::web::error::WebError;
use crate::web::extract::Form;
use crate::web::forms::Problems;
use crate::web::reply::{Reply, gate, see_other};
use crate::web::views::chrome::form_token;

/// What is typed on the set-up page.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct SetupForm {
    workspace: String,
    full_name: String,
    email: String,
    password: String,
    password_confirmation: String,
    time_zone: String,
}

#[derive(Template)]
#[template(path = "pages/setup.html")]
struct SetupPage {
    csrf: String,
    token: String,
    form: SetupForm,
    problems: Problems,
}

async fn check_link(app: &App, token: &str) -> Result<(), WebError> {
    let (db, token_hash) = (app.db.clone(), hash(token));
    let there = blocking(move || db.look_anywhere_now(|ax| anywhere::has_setup_link(ax, &token_hash))).await?;
    if there { Ok(()) } else { Err(WebError::NotFound) }
}

/// The set-up page.
///
/// # Errors
/// [`WebError::NotFound`] for a link that is used or never was.
pub async fn show(req: HttpRequest, app: web::Data<App>, token: web::Path<String>) -> Reply {
    check_link(&app, &token).await?;
    let page = SetupPage {
        csrf: form_token(&req),
        token: token.into_inner(),
        form: SetupForm::default(),
        problems: Problems::new(),
    };
    gate(&req, StatusCode::OK, "Set up Baton", &page)
}

/// Makes the workspace and logs its Owner in. The link dies with it.
///
/// # Errors
/// [`WebError::NotFound`] for a dead link, or trouble with the database.
pub async fn create(
    req: HttpRequest,
    app: web::Data<App>,
    token: web::Path<String>,
    Form(form): Form<SetupForm>,
) -> Reply {
    check_link(&app, &token).await?;
    let mut problems = Problems::new();
    let name = problems.take("workspace", parse_name(&form.workspace, "Enter the name of your workspace"));
    let full = problems.take("full_name", parse_name(&form.full_name, "Enter your name"));
    let email = problems.take("email", parse_email(&form.email));
    check_new_password(&mut problems, &form.password, &form.password_confirmation, &[&full, &email, &name]);
    if !problems.is_empty() {
        let page = SetupPage { csrf: form_token(&req), token: token.into_inner(), form, problems };
        return gate(&req, StatusCode::UNPROCESSABLE_ENTITY, "Set up Baton", &page);
    }
    let password_hash = hash_password(&app, form.password.clone()).await?;
    let owner_name = Name { display: full.split(' ').next().unwrap_or(&full).to_owned(), full };
    let zone = form.time_zone.parse::<chrono_tz::Tz>().map_or("UTC", |zone| zone.name());
    let workspace: WorkspaceId = app.db.new_id();
    let scope = Scope::system(workspace, Some(Cause::Command));
    let (token_hash, door) = (hash(&token), door(&req));
    let opened = app
        .db
        .write(&scope, move |tx| {
            if !anywhere::take_setup_link(tx, &token_hash)? {
                return Err(Failure::NotFound);
            }
            let owner = actions::workspaces::Owner { email: &email, name: &owner_name, password_hash: &password_hash };
            let new = actions::workspaces::New { name: &name, slug: &slug(&name), time_zone: zone, owner };
            let created = actions::workspaces::create(tx, &new)?;
            let opened = actions::sessions::open(tx, *created.value(), &door)?;
            Ok(created.with(opened))
        })
        .await?;
    enter(&req, &app, &opened)?;
    Ok(see_other("/settings/users"))
}
