//! The unsent answer of whoever reads a conversation, and those that people left who cannot log in (C-12).

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::ACCEPT;
use serde::{Deserialize, Serialize};

use super::forms::{alert, back_to, refused};
use crate::actions;
use crate::actions::drafts::Writing;
use crate::domain::access::handovers;
use crate::domain::drafts::{Draft, DraftRefusal, Seen, parse};
use crate::domain::ids::{ConversationNumber, UserId};
use crate::failure::{Failure, Refusal};
use crate::store::{self, Rx};
use crate::web::error::WebError;
use crate::web::extract::{Composing, Form, Id, May, Seeing, Viewer};
use crate::web::reply::{Notice, Reply, done};
use crate::web::views::time::Times;

/// What stands in the composer.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct DraftForm {
    body: String,
    kind: String,
    draft: String,
    composer: String,
    turn: String,
    back: String,
}

/// Whose draft is meant.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct LeftForm {
    user: String,
    back: String,
}

/// What an open page is told of its draft.
#[derive(Serialize)]
struct Told {
    version: i64,
    body: Option<String>,
    note: bool,
    said: String,
}

impl Told {
    fn of(viewer: &Viewer, draft: Option<&Draft>) -> Self {
        let times = Times::new(viewer.db().now(), viewer.known.zone);
        Self {
            version: draft.map_or(0, |draft| draft.version),
            body: draft.map(|draft| draft.body.clone()),
            note: draft.is_some_and(|draft| draft.note),
            said: draft.map_or_else(String::new, |draft| {
                format!("Draft saved {}", times.full(draft.updated_at).inside().text)
            }),
        }
    }
}

/// The script that saves while somebody types asks for JSON; a form without script is answered as forms are.
fn is_script(viewer: &Viewer) -> bool {
    viewer.req.headers().get(ACCEPT).is_some_and(|accept| accept == "application/json")
}

fn writing(viewer: &Viewer, note: bool) -> Result<Writing, WebError> {
    if note { viewer.must().map(Writing::Note) } else { viewer.must().map(Writing::Reply) }
}

/// What is kept now of the reader's own draft: asked by a page that was open when something was sent elsewhere.
///
/// # Errors
/// [`WebError::NotFound`], or trouble with the database.
pub async fn show(Seeing(viewer): Seeing, number: Id<ConversationNumber>) -> Reply {
    let draft = find_own(&viewer, number.0).await?;
    Ok(HttpResponse::Ok().json(Told::of(&viewer, draft.as_ref())))
}

async fn find_own(viewer: &Viewer, number: ConversationNumber) -> Result<Option<Draft>, WebError> {
    let (sees, me) = (viewer.sees(), viewer.known.person.id);
    let find = move |rx: &mut Rx| {
        let one = store::conversations::find(rx, number, &sees)?.ok_or(Failure::NotFound)?;
        store::drafts::find(rx, one.id, me)
    };
    viewer.read(find).await
}

/// Saves what was typed so far; nothing typed discards it.
///
/// # Errors
/// [`WebError::NotFound`], [`WebError::Forbidden`], or trouble with the database.
pub async fn save(Composing(viewer): Composing, number: Id<ConversationNumber>, Form(form): Form<DraftForm>) -> Reply {
    let number = number.0;
    let writing = writing(&viewer, form.kind == "note")?;
    let nothing = Seen { version: 0, composer: String::new(), turn: 0 };
    let seen = Seen::parse(&form.draft, &form.composer).unwrap_or(nothing).counted(&form.turn);
    let saved = match parse(&form.body) {
        Err(refusal) => Err(refusal.into()),
        Ok(body) => viewer.write(move |tx| actions::drafts::save(tx, &writing, number, &body, &seen)).await,
    };
    match saved {
        Ok(draft) if is_script(&viewer) => Ok(HttpResponse::Ok().json(Told::of(&viewer, draft.as_ref()))),
        Ok(draft) => {
            let said = if draft.is_some() { "Draft saved" } else { "Draft discarded" };
            done(&viewer, &back_to(number, &form.back), Notice::new(said))
        }
        Err(Failure::Refused(refusal)) if is_script(&viewer) => {
            let status = match refusal {
                Refusal::Draft(DraftRefusal::SentAlready) => StatusCode::GONE,
                Refusal::Draft(_) => StatusCode::CONFLICT,
                _ => StatusCode::UNPROCESSABLE_ENTITY,
            };
            // What is kept instead, for whoever chooses between the two.
            let kept = if status == StatusCode::CONFLICT { find_own(&viewer, number).await? } else { None };
            let told = Told { said: refusal.to_string(), ..Told::of(&viewer, kept.as_ref()) };
            Ok(HttpResponse::build(status).json(told))
        }
        Err(failure) => {
            let typed = |said| super::Typed {
                body: form.body,
                note: form.kind == "note",
                problem: Some(said),
                ..super::Typed::default()
            };
            refused(&viewer, number, &form.back, failure, typed).await
        }
    }
}

/// Takes over what somebody left who cannot log in.
///
/// # Errors
/// [`WebError::NotFound`], [`WebError::Forbidden`], or trouble with the database.
pub async fn take_over(may: May<handovers::Run>, number: Id<ConversationNumber>, Form(form): Form<LeftForm>) -> Reply {
    let May { viewer, can } = may;
    let (number, from) = (number.0, whose(&form)?);
    let sees = viewer.sees();
    let find = move |rx: &mut Rx| {
        let one = store::conversations::find(rx, number, &sees)?.ok_or(Failure::NotFound)?;
        store::drafts::find(rx, one.id, from)?.ok_or(Failure::NotFound)
    };
    let note = viewer.read(find).await?.note;
    let writing = writing(&viewer, note)?;
    match viewer.write(move |tx| actions::drafts::take_over(tx, &can, &writing, number, from)).await {
        Ok(_) => done(&viewer, &back_to(number, &form.back), Notice::new("The draft is in your composer")),
        Err(failure) => refused(&viewer, number, &form.back, failure, alert).await,
    }
}

/// Throws away what somebody left who cannot log in.
///
/// # Errors
/// [`WebError::NotFound`], or trouble with the database.
pub async fn discard(may: May<handovers::Run>, number: Id<ConversationNumber>, Form(form): Form<LeftForm>) -> Reply {
    let May { viewer, can } = may;
    let (number, from) = (number.0, whose(&form)?);
    match viewer.write(move |tx| actions::drafts::discard(tx, &can, number, from)).await {
        Ok(()) => done(&viewer, &back_to(number, &form.back), Notice::new("Draft discarded")),
        Err(failure) => refused(&viewer, number, &form.back, failure, alert).await,
    }
}

fn whose(form: &LeftForm) -> Result<UserId, WebError> {
    form.user.parse().map_err(|_| WebError::NotFound)
}
