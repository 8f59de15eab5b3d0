//! Making one of two contacts: looking for the other one, the numbers, the deed, and taking it back.

use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

use super::{ContactView, Known, one::render};
use crate::actions;
use crate::domain::access::contacts as may;
use crate::domain::contacts::ContactRefusal;
use crate::domain::ids::{ContactId, MergeId};
use crate::domain::text::{counted, shorten};
use crate::failure::{Failure, Refusal};
use crate::store;
use crate::store::contacts::Sort;
use crate::web::error::WebError;
use crate::web::extract::{Empty, Form, Id, May, Query, Viewer};
use crate::web::forms::Problems;
use crate::web::reply::{Notice, Reply, dialog_in, done, see_other};
use crate::web::views::chrome::{Section, form_token};
use crate::web::views::time::Times;

/// Contacts that are offered.
const OFFERED: usize = 20;

/// What is looked for, or who was chosen.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct MergeQuery {
    q: String,
    with: String,
}

/// Who goes into the other one.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct MergeForm {
    merged: String,
}

#[derive(Template)]
#[template(path = "partials/contact_merge.html")]
struct Dialog {
    csrf: String,
    kept: ContactView,
    q: String,
    searched: bool,
    found: Vec<ContactView>,
    more: bool,
    chosen: Option<Chosen>,
    problems: Problems,
}

struct Chosen {
    who: ContactView,
    moves: String,
    addresses: String,
    all_seen: bool,
}

/// The dialog: without a choice a search, with one the numbers.
///
/// # Errors
/// [`WebError::NotFound`], or trouble with the database.
pub async fn ask(may: May<may::Edit>, id: Id<ContactId>, query: Query<MergeQuery>) -> Reply {
    let MergeQuery { q, with } = query.0;
    let with: Option<ContactId> =
        if with.is_empty() { None } else { Some(with.parse().map_err(|_| WebError::NotFound)?) };
    dialog(&may.viewer, id.0, q, with, StatusCode::OK, Problems::new()).await
}

async fn dialog(
    viewer: &Viewer,
    id: ContactId,
    q: String,
    with: Option<ContactId>,
    status: StatusCode,
    problems: Problems,
) -> Reply {
    let sees = viewer.sees();
    let all_seen = sees == crate::domain::access::Sees::All;
    let words = shorten(&q, super::SEARCH_CHARS);
    let (kept, chosen, found, more, known) = viewer
        .read(move |rx| {
            let kept = store::contacts::find(rx, id)?.ok_or(Failure::NotFound)?;
            let chosen = match with {
                Some(with) => Some(store::contacts::find(rx, with)?.ok_or(Failure::NotFound)?),
                None => None,
            };
            let (mut found, more) = match chosen {
                None if !words.trim().is_empty() => {
                    store::contacts::list_page(rx, &words, Sort::Name, None, OFFERED + 1)?
                }
                _ => (Vec::new(), false),
            };
            found.retain(|one| one.id != id);
            let mut all = found.clone();
            all.push(kept.clone());
            all.extend(chosen.clone());
            let known = Known::read(rx, &sees, &all)?;
            Ok((kept, chosen, found, more, known))
        })
        .await?;
    if let Some(other) = kept.merged_into {
        return Ok(see_other(&format!("/contacts/{other}")));
    }
    let times = Times::new(viewer.db().now(), viewer.known.zone);
    let chosen = chosen.filter(|one| one.merged_into.is_none() && one.id != id).map(|one| {
        let addresses = i64::try_from(known.addresses(one.id).len()).unwrap_or(0);
        Chosen {
            moves: counted(known.talks(one.id).all, "conversation", "conversations"),
            addresses: counted(addresses, "address", "addresses"),
            all_seen,
            who: known.view(&one, &times),
        }
    });
    let content = Dialog {
        csrf: form_token(&viewer.req),
        kept: known.view(&kept, &times),
        searched: !q.trim().is_empty(),
        q,
        found: found.iter().take(OFFERED).map(|one| known.view(one, &times)).collect(),
        more: more || found.len() > OFFERED,
        chosen,
        problems,
    };
    dialog_in(viewer, status, "Merge contacts", "", Section::Contacts, &content)
}

/// Makes one of two.
///
/// # Errors
/// [`WebError::NotFound`], or trouble with the database.
pub async fn create(may: May<may::Edit>, id: Id<ContactId>, Form(form): Form<MergeForm>) -> Reply {
    let May { viewer, can } = may;
    let kept = id.0;
    let mut problems = Problems::new();
    if form.merged.is_empty() {
        viewer.read(move |rx| store::contacts::find(rx, kept)?.ok_or(Failure::NotFound)).await?;
        problems.add("q", "Choose a contact first");
        return dialog(&viewer, kept, String::new(), None, StatusCode::UNPROCESSABLE_ENTITY, problems).await;
    }
    let merged: ContactId = form.merged.parse().map_err(|_| WebError::NotFound)?;
    match viewer.write(move |tx| actions::contacts::merge(tx, &can, kept, merged)).await {
        Ok(done_by) => {
            let moved = i64::try_from(done_by.conversations).unwrap_or(i64::MAX);
            // Of conversations that somebody may not see, they are not told how many there are.
            let said = if viewer.sees() == crate::domain::access::Sees::All {
                format!("The contacts are one now, {} moved", counted(moved, "conversation", "conversations"))
            } else {
                "The contacts are one now".to_owned()
            };
            let notice = Notice::new(said).post("Undo", format!("/contacts/merges/{}/undo", done_by.id));
            done(&viewer, &format!("/contacts/{kept}"), notice)
        }
        Err(Failure::Refused(refusal @ Refusal::Contact(_))) => {
            let raced = refusal == Refusal::Contact(ContactRefusal::Merged);
            problems.add("", refusal.to_string());
            let status = if raced { StatusCode::CONFLICT } else { StatusCode::UNPROCESSABLE_ENTITY };
            dialog(&viewer, kept, String::new(), None, status, problems).await
        }
        Err(failure) => Err(failure.into()),
    }
}

/// Takes a merge back.
///
/// # Errors
/// [`WebError::NotFound`], or trouble with the database.
pub async fn undo(may: May<may::Edit>, id: Id<MergeId>, Form(Empty {}): Form<Empty>) -> Reply {
    let May { viewer, can } = may;
    let id = id.0;
    match viewer.write(move |tx| actions::contacts::undo_merge(tx, &can, id)).await {
        Ok(back) => done(&viewer, &format!("/contacts/{back}"), Notice::new("The contacts are two again")),
        Err(Failure::Refused(refusal @ Refusal::Contact(_))) => {
            let merge = viewer.read(move |rx| store::contact_merges::find(rx, id)?.ok_or(Failure::NotFound)).await?;
            render(
                &viewer,
                merge.kept,
                Some((super::one::ContactForm::default(), Problems::of(&refusal))),
                StatusCode::CONFLICT,
            )
            .await
        }
        Err(failure) => Err(failure.into()),
    }
}
