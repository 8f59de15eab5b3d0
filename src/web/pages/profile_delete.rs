//! Deleting one's own account (U-15).

use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

use super::login::verify_again;
use crate::actions;
use crate::domain::conversations::Status as ConversationStatus;
use crate::domain::logins::LoginRefusal;
use crate::domain::text::counted;
use crate::failure::{Failure, Refusal};
use crate::store::{self, counts};
use crate::web::extract::{Form, Viewer};
use crate::web::forms::Problems;
use crate::web::reply::{Reply, dialog_in, see_other};
use crate::web::views::chrome::{Section, form_token};

/// The password once more.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct DeleteForm {
    password: String,
}

#[derive(Template)]
#[template(path = "partials/profile_delete.html")]
struct DeleteDialog {
    csrf: String,
    workspace: String,
    refusal: Option<String>,
    held: Option<String>,
    problems: Problems,
}

/// The dialog that asks for the password.
///
/// # Errors
/// Trouble with the database.
pub async fn ask(viewer: Viewer) -> Reply {
    show(&viewer, Problems::new(), StatusCode::OK).await
}

async fn show(viewer: &Viewer, problems: Problems, status: StatusCode) -> Reply {
    let me = viewer.known.person.id;
    let (refusal, held) = viewer
        .read(move |rx| {
            let user = store::users::find(rx, me)?.ok_or(Failure::NotFound)?;
            let owners = store::users::count_active_owners(rx)?;
            let years = store::retention::find(rx)?.years;
            let held = counts::find(
                rx,
                &[ConversationStatus::Open, ConversationStatus::Snoozed],
                &crate::domain::access::Sees::All,
            )?;
            let of = |status| held.by_person(status).get(&me).copied().unwrap_or(0);
            let held = of(ConversationStatus::Open) + of(ConversationStatus::Snoozed);
            Ok((user.may_delete_themselves(owners, years).err(), held))
        })
        .await?;
    let status = if refusal.is_some() && status == StatusCode::OK { StatusCode::CONFLICT } else { status };
    let content = DeleteDialog {
        csrf: form_token(&viewer.req),
        workspace: viewer.known.workspace.name.clone(),
        refusal: refusal.map(|refusal| refusal.to_string()),
        held: (held > 0).then(|| counted(held, "conversation", "conversations")),
        problems,
    };
    dialog_in(viewer, status, "Delete your account?", "", Section::Profile, &content)
}

/// Deletes the account of whoever asks, if the password is right.
///
/// # Errors
/// Trouble with the database.
pub async fn delete(viewer: Viewer, Form(form): Form<DeleteForm>) -> Reply {
    let refused = match verify_again(&viewer, form.password).await {
        Ok(true) => None,
        Ok(false) => Some((StatusCode::UNPROCESSABLE_ENTITY, LoginRefusal::WrongPassword.to_string())),
        Err(Failure::Refused(refusal)) => Some((StatusCode::TOO_MANY_REQUESTS, refusal.to_string())),
        Err(failure) => return Err(failure.into()),
    };
    if let Some((status, sentence)) = refused {
        let mut problems = Problems::new();
        problems.add("password", sentence);
        return show(&viewer, problems, status).await;
    }
    let base = viewer.app.public_url.clone();
    match viewer.write(move |tx| actions::removal::delete_own(tx, &base)).await {
        Ok(_) => {}
        Err(Failure::Refused(Refusal::User(_))) => {
            return show(&viewer, Problems::new(), StatusCode::CONFLICT).await;
        }
        Err(failure) => return Err(failure.into()),
    }
    viewer.app.wake.now();
    viewer.db().scrub().await?;
    viewer.session().purge();
    Ok(see_other("/login?notice=deleted"))
}
