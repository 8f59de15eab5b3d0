//! Merging a conversation into another one with the same contact: the dialog and the deed.

use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

use crate::actions;
use crate::domain::access::conversations as may;
use crate::domain::conversations::Status;
use crate::domain::ids::ConversationNumber;
use crate::domain::text::counted;
use crate::failure::{Failure, Refusal};
use crate::store;
use crate::web::error::WebError;
use crate::web::extract::{Form, Id, May, Viewer};
use crate::web::forms::Problems;
use crate::web::pages::contacts::{Talk, talks};
use crate::web::pages::inbox::read::Named;
use crate::web::reply::{Notice, Reply, dialog_in, done};
use crate::web::views::chrome::{Section, form_token};
use crate::web::views::time::Times;

/// Conversations that are offered: the latest.
const OFFERED: usize = 30;

/// Into which one.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct MergeForm {
    into: String,
}

#[derive(Template)]
#[template(path = "partials/conversation_merge.html")]
struct Dialog {
    csrf: String,
    number: i64,
    contact: String,
    moves: String,
    others: Vec<Talk>,
    chosen: i64,
    more: bool,
    problems: Problems,
}

/// Asks into which one.
///
/// # Errors
/// [`WebError::NotFound`], or trouble with the database.
pub async fn ask(may: May<may::ChangeStatus>, number: Id<ConversationNumber>) -> Reply {
    dialog(&may.viewer, number.0, None, StatusCode::OK, Problems::new()).await
}

async fn dialog(
    viewer: &Viewer,
    number: ConversationNumber,
    chosen: Option<ConversationNumber>,
    status: StatusCode,
    problems: Problems,
) -> Reply {
    let sees = viewer.sees();
    let (one, contact, found, more, parts, drafts) = viewer
        .read(move |rx| {
            let one = store::conversations::find(rx, number, &sees)?.ok_or(Failure::NotFound)?;
            let contact = store::contacts::find(rx, one.contact)?.map(|one| one.name).unwrap_or_default();
            let (found, more) = talks(rx, one.contact, &sees, OFFERED)?;
            let parts = store::conversation_merges::count_parts(rx, one.id)?;
            let drafts = store::drafts::list_of_conversation(rx, one.id)?.len();
            Ok((one, contact, found, more, parts, drafts))
        })
        .await?;
    let times = Times::new(viewer.db().now(), viewer.known.zone);
    let named = Named::new(viewer.known.roster.clone());
    let fits = |other: &&store::inbox::Listed| {
        other.conversation.id != one.id && other.conversation.status != Status::Archived
    };
    let mut moves = vec![counted(parts.0, "message", "messages")];
    if parts.1 > 0 {
        moves.push(counted(parts.1, "note", "notes"));
    }
    if drafts > 0 {
        moves.push(counted(i64::try_from(drafts).unwrap_or(0), "draft", "drafts"));
    }
    let content = Dialog {
        csrf: form_token(&viewer.req),
        number: number.0,
        contact,
        moves: moves.join(", "),
        others: found.iter().filter(fits).map(|other| Talk::new(other, &named, &times)).collect(),
        chosen: chosen.map_or(0, |one| one.0),
        more,
        problems,
    };
    dialog_in(viewer, status, "Merge conversations", "", Section::Inbox, &content)
}

/// Merges.
///
/// # Errors
/// [`WebError::NotFound`], or trouble with the database.
pub async fn create(may: May<may::ChangeStatus>, number: Id<ConversationNumber>, Form(form): Form<MergeForm>) -> Reply {
    let May { viewer, can } = may;
    let number = number.0;
    let mut problems = Problems::new();
    if form.into.is_empty() {
        problems.add("into", "Choose a conversation first");
        return dialog(&viewer, number, None, StatusCode::UNPROCESSABLE_ENTITY, problems).await;
    }
    let into: ConversationNumber = form.into.parse().map_err(|_| WebError::NotFound)?;
    match viewer.write(move |tx| actions::conversation_merges::merge(tx, &can, number, into)).await {
        Ok(_) => {
            let notice = Notice::new(format!("#{number} is now part of #{into}"));
            done(&viewer, &format!("/conversations/{into}"), notice)
        }
        Err(Failure::Refused(refusal @ Refusal::Conversation(_))) => {
            problems.add("", refusal.to_string());
            dialog(&viewer, number, Some(into), StatusCode::UNPROCESSABLE_ENTITY, problems).await
        }
        Err(failure) => Err(failure.into()),
    }
}
