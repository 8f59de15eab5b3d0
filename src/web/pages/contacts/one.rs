//! The page of a contact: name, addresses, note, what there was with them before.

use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

use super::{ContactView, Known};
use crate::actions;
use crate::domain::access::{Key, Sees, contacts as may};
use crate::domain::contacts::{ContactRefusal, parse_addresses, parse_name, parse_note};
use crate::domain::ids::ContactId;
use crate::domain::inbox::{Filter, Sort, Statuses};
use crate::domain::text::counted;
use crate::failure::{Failure, Refusal};
use crate::store::contacts::Contact;
use crate::store::inbox::Listed;
use crate::store::{self, Rx};
use crate::web::error::WebError;
use crate::web::extract::{Form, Id, May, Viewer};
use crate::web::forms::Problems;
use crate::web::pages::inbox::read::Named;
use crate::web::reply::{Notice, Reply, done, page_with, see_other};
use crate::web::stale::contact_changed;
use crate::web::views::chrome::{Section, form_token};
use crate::web::views::person::PersonView;
use crate::web::views::time::{TimeView, Times};

/// Conversations that are shown: the latest.
const TALKS: usize = 25;

/// What is typed about a contact.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub struct ContactForm {
    version: i64,
    name: String,
    addresses: String,
    note: String,
}

/// A conversation with them.
pub(in crate::web::pages) struct Talk {
    /// Its number.
    pub number: i64,
    /// What it is about.
    pub subject: String,
    /// Where it stands.
    pub status: &'static str,
    /// The class of that badge.
    pub class: &'static str,
    /// The channel in words.
    pub channel: &'static str,
    /// Who holds it, if it is a person.
    pub person: Option<PersonView>,
    /// Who holds it otherwise.
    pub holder: String,
    /// When something last happened.
    pub at: TimeView,
}

impl Talk {
    /// A row of a list.
    pub(in crate::web::pages) fn new(listed: &Listed, named: &Named, times: &Times) -> Self {
        use crate::domain::conversations::{ChannelKind, Status};
        let one = &listed.conversation;
        let kind = named.channel(one.channel).map_or(ChannelKind::Email, |channel| channel.kind);
        Self {
            number: one.number.0,
            subject: if one.subject.is_empty() { "(no subject)".to_owned() } else { one.subject.clone() },
            status: one.status.label(),
            class: match one.status {
                Status::Open => "accent",
                Status::Snoozed => "warn",
                Status::Closed => "good",
                Status::Archived => "outline",
            },
            channel: kind.label(),
            person: one.assignee.map(|id| named.people.get(id)),
            holder: one.team.and_then(|id| named.team(id)).unwrap_or("Unassigned").to_owned(),
            at: times.short(one.last_activity_at),
        }
    }
}

/// The conversations with a contact that somebody may see, latest first; and whether there are more.
///
/// # Errors
/// Trouble with the database.
pub(in crate::web::pages) fn talks(
    rx: &mut Rx,
    contact: ContactId,
    sees: &Sees,
    limit: usize,
) -> Result<(Vec<Listed>, bool), Failure> {
    let filter = Filter { contact: Some(contact), ..Filter::of(Statuses::Any) };
    let found = store::inbox::list(rx, &filter, sees, Sort::Newest, None, limit)?;
    Ok((found.rows, found.next.is_some()))
}

/// A merge that can be taken back.
struct MergeView {
    id: String,
    name: String,
    at: TimeView,
}

#[derive(Template)]
#[template(path = "pages/contact.html")]
struct ContactPage {
    csrf: String,
    who: ContactView,
    emails: Vec<String>,
    note: String,
    form: ContactForm,
    problems: Problems,
    may_edit: bool,
    editing: bool,
    talks: Vec<Talk>,
    more: bool,
    heading: String,
    merges: Vec<MergeView>,
}

struct Shown {
    contact: Contact,
    known: Known,
    talks: Vec<Listed>,
    more: bool,
    merges: Vec<(store::contact_merges::Merge, String)>,
}

fn load(rx: &mut Rx, id: ContactId, sees: &Sees, edits: bool) -> Result<Shown, Failure> {
    let contact = store::contacts::find(rx, id)?.ok_or(Failure::NotFound)?;
    let known = Known::read(rx, sees, std::slice::from_ref(&contact))?;
    let (talks, more) = talks(rx, id, sees, TALKS)?;
    let mut merges = Vec::new();
    if edits {
        let since = actions::contacts::undo_since(rx)?;
        let found = store::contact_merges::list_of(rx, id, since)?;
        let others: Vec<ContactId> = found.iter().map(|merge| merge.merged).collect();
        let others = store::contacts::list(rx, &others)?;
        let name = |id: ContactId| others.get(&id).map(|one| one.name.clone()).unwrap_or_default();
        merges = found.into_iter().map(|merge| (merge, name(merge.merged))).collect();
    }
    Ok(Shown { contact, known, talks, more, merges })
}

/// The page. Who was merged into another one leads there.
///
/// # Errors
/// [`WebError::NotFound`], or trouble with the database.
pub async fn show(may: May<may::View>, id: Id<ContactId>) -> Reply {
    render(&may.viewer, id.0, None, StatusCode::OK).await
}

pub(super) async fn render(
    viewer: &Viewer,
    id: ContactId,
    typed: Option<(ContactForm, Problems)>,
    status: StatusCode,
) -> Reply {
    let (sees, may_edit) = (viewer.sees(), viewer.known.person.permissions.has(Key::ContactsEdit));
    let shown = viewer.read(move |rx| load(rx, id, &sees, may_edit)).await?;
    if let Some(other) = shown.contact.merged_into {
        return Ok(see_other(&format!("/contacts/{other}")));
    }
    let times = Times::new(viewer.db().now(), viewer.known.zone);
    let named = Named::new(viewer.known.roster.clone());
    let emails = shown.known.addresses(id).to_vec();
    let editing = typed.is_some();
    let (form, problems) = typed.unwrap_or_else(|| {
        let form = ContactForm {
            version: shown.contact.version,
            name: shown.contact.name.clone(),
            addresses: emails.join("\n"),
            note: shown.contact.note.clone(),
        };
        (form, Problems::new())
    });
    let who = shown.known.view(&shown.contact, &times);
    let content = ContactPage {
        csrf: form_token(&viewer.req),
        heading: counted(who.all, "conversation", "conversations"),
        who,
        emails,
        note: shown.contact.note.clone(),
        form,
        problems,
        may_edit,
        editing,
        talks: shown.talks.iter().map(|one| Talk::new(one, &named, &times)).collect(),
        more: shown.more,
        merges: shown
            .merges
            .into_iter()
            .map(|(merge, name)| MergeView { id: merge.id.to_string(), name, at: times.full(merge.at).inside() })
            .collect(),
    };
    page_with(viewer, status, &shown.contact.name, Section::Contacts, &content)
}

/// Changes name, addresses and note.
///
/// # Errors
/// [`WebError::NotFound`]; 409 if somebody else was quicker.
pub async fn update(may: May<may::Edit>, id: Id<ContactId>, Form(form): Form<ContactForm>) -> Reply {
    let May { viewer, can } = may;
    let id = id.0;
    let mut problems = Problems::new();
    let edit = actions::contacts::Edit {
        version: form.version,
        name: problems.take("name", parse_name(&form.name)),
        addresses: problems.take("addresses", parse_addresses(&form.addresses)),
        note: problems.take("note", parse_note(&form.note)),
    };
    if !problems.is_empty() {
        return render(&viewer, id, Some((form, problems)), StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let name = edit.name.clone();
    match viewer.write(move |tx| actions::contacts::update(tx, &can, id, &edit)).await {
        Ok(()) => done(&viewer, &format!("/contacts/{id}"), Notice::new(format!("{name} is saved"))),
        Err(Failure::Refused(refusal)) => {
            let taken = matches!(&refusal, Refusal::Contact(ContactRefusal::AddressTaken(_)));
            problems.add(if taken { "addresses" } else { "" }, refusal.to_string());
            render(&viewer, id, Some((form, problems)), StatusCode::UNPROCESSABLE_ENTITY).await
        }
        Err(Failure::Stale) => {
            problems.add("", contact_changed(&viewer, id).await?);
            render(&viewer, id, Some((form, problems)), StatusCode::CONFLICT).await
        }
        Err(failure) => Err(WebError::from(failure)),
    }
}
