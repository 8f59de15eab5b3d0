//! Contacts: the list and the same as a file (C-16). How many conversations somebody has is counted as far as whoever
//! asks may see them.

mod merge;
mod one;

pub use merge::{ask as ask_merge, create as merge, undo as undo_merge};
pub(super) use one::{Talk, talks};
pub use one::{show, update};

use std::collections::HashMap;

use askama::Template;
use futures_util::stream;
use serde::Deserialize;

use crate::domain::access::{Sees, contacts as may};
use crate::domain::ids::ContactId;
use crate::domain::text::{counted, grouped, shorten};
use crate::domain::users::initials;
use crate::failure::Failure;
use crate::store::contacts::{Contact, Sort, Talks};
use crate::store::{self, Rx};
use crate::web::csv;
use crate::web::extract::{May, Query};
use crate::web::reply::{Reply, page};
use crate::web::views::chrome::Section;
use crate::web::views::person::color;
use crate::web::views::time::{TimeView, Times};

/// Rows of a page.
const ROWS: usize = 50;
/// Contacts that are read at a time for a file.
const PART: usize = 500;
/// The longest search.
const SEARCH_CHARS: usize = 200;

/// Which list.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub struct ContactsQuery {
    q: String,
    sort: String,
    after: String,
}

impl ContactsQuery {
    fn sort(&self) -> Sort {
        if self.sort == "newest" { Sort::Newest } else { Sort::Name }
    }

    fn words(&self) -> String {
        shorten(&self.q, SEARCH_CHARS)
    }

    fn href(&self, path: &str, sort: Sort, after: Option<ContactId>) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        if !self.q.is_empty() {
            query.append_pair("q", &self.q);
        }
        if sort == Sort::Newest {
            query.append_pair("sort", "newest");
        }
        if let Some(after) = after {
            query.append_pair("after", &after.to_string());
        }
        let query = query.finish();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }
}

/// A contact as they are written.
pub(super) struct ContactView {
    /// Their id.
    pub id: String,
    /// Their name.
    pub name: String,
    /// The letters in their picture.
    pub initials: String,
    /// The class of its colour.
    pub color: &'static str,
    /// Their addresses in one line.
    pub addresses: String,
    /// How many conversations the reader may see.
    pub all: i64,
    /// The same in words.
    pub all_text: String,
    /// Of those, how many are open or snoozed.
    pub active: String,
    /// When they first wrote.
    pub since: TimeView,
}

/// Contacts with their addresses and how much there is with them.
pub(super) struct Known {
    pub addresses: HashMap<ContactId, Vec<String>>,
    pub talks: HashMap<ContactId, Talks>,
}

impl Known {
    pub(super) fn read(rx: &mut Rx, sees: &Sees, all: &[Contact]) -> Result<Self, Failure> {
        let ids: Vec<ContactId> = all.iter().map(|one| one.id).collect();
        Ok(Self {
            addresses: store::contacts::list_addresses(rx, &ids)?,
            talks: store::contacts::count_conversations(rx, sees, &ids)?,
        })
    }

    pub(super) fn addresses(&self, id: ContactId) -> &[String] {
        self.addresses.get(&id).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn talks(&self, id: ContactId) -> Talks {
        self.talks.get(&id).copied().unwrap_or_default()
    }

    pub(super) fn view(&self, contact: &Contact, times: &Times) -> ContactView {
        let talks = self.talks(contact.id);
        ContactView {
            id: contact.id.to_string(),
            name: contact.name.clone(),
            initials: initials(&contact.name),
            color: color(&contact.id.0),
            addresses: self.addresses(contact.id).join(", "),
            all: talks.all,
            all_text: grouped(talks.all),
            active: grouped(talks.active),
            since: times.day(contact.created_at),
        }
    }
}

#[derive(Template)]
#[template(path = "pages/contacts.html")]
struct ContactsPage {
    q: String,
    sort: &'static str,
    here: String,
    by_name: String,
    by_age: String,
    export: String,
    rows: Vec<ContactView>,
    count: String,
    first: Option<String>,
    next: Option<String>,
    may_see_conversations: bool,
}

/// The list.
///
/// # Errors
/// Trouble with the database.
pub async fn index(may: May<may::View>, query: Query<ContactsQuery>) -> Reply {
    let (viewer, query) = (may.viewer, query.0);
    let (sees, words, sort) = (viewer.sees(), query.words(), query.sort());
    let after: Option<ContactId> = query.after.parse().ok();
    let (found, more, total, known) = viewer
        .read({
            let (sees, words) = (sees.clone(), words.clone());
            move |rx| {
                let (found, more) = store::contacts::list_page(rx, &words, sort, after, ROWS)?;
                let total = store::contacts::count(rx, &words)?;
                let known = Known::read(rx, &sees, &found)?;
                Ok((found, more, total, known))
            }
        })
        .await?;
    let times = Times::new(viewer.db().now(), viewer.known.zone);
    let next = found.last().filter(|_| more).map(|last| query.href("/contacts", sort, Some(last.id)));
    let content = ContactsPage {
        sort: if sort == Sort::Newest { "newest" } else { "" },
        here: query.href("/contacts", sort, after),
        by_name: query.href("/contacts", Sort::Name, None),
        by_age: query.href("/contacts", Sort::Newest, None),
        export: query.href("/contacts/export", sort, None),
        rows: found.iter().map(|contact| known.view(contact, &times)).collect(),
        count: counted(total, "contact", "contacts"),
        first: after.map(|_| query.href("/contacts", sort, None)),
        next,
        may_see_conversations: sees != Sees::Nothing,
        q: query.q,
    };
    page(&viewer, "Contacts", Section::Contacts, &content)
}

/// The list as a file, sent while it is read.
///
/// # Errors
/// Trouble with the database.
pub async fn export(may: May<may::View>, query: Query<ContactsQuery>) -> Reply {
    let (viewer, query) = (may.viewer, query.0);
    let (words, sort) = (query.words(), query.sort());
    let ids = viewer.read(move |rx| store::contacts::list_ids(rx, &words, sort)).await?;
    let (zone, sees) = (viewer.known.zone, viewer.sees());
    let day = viewer.db().now().with_timezone(&zone).format("%Y-%m-%d");
    let parts: Vec<Vec<ContactId>> = ids.chunks(PART).map(<[ContactId]>::to_vec).collect();
    let (db, scope) = (viewer.db().clone(), viewer.scope().clone());
    let rows = stream::unfold(parts.into_iter(), move |mut parts| {
        let (db, scope, sees) = (db.clone(), scope.clone(), sees.clone());
        async move {
            let ids = parts.next()?;
            Some((db.read(&scope, move |rx| rows(rx, &sees, &ids, zone)).await, parts))
        }
    });
    let header = &["Name", "Email", "Other emails", "Conversations", "Open or snoozed", "Note", "First written"];
    Ok(csv::download(&format!("contacts-{day}.csv"), header, rows)?)
}

fn rows(rx: &mut Rx, sees: &Sees, ids: &[ContactId], zone: chrono_tz::Tz) -> Result<Vec<Vec<String>>, Failure> {
    let mut found = store::contacts::list(rx, ids)?;
    let found: Vec<Contact> = ids.iter().filter_map(|id| found.remove(id)).collect();
    let known = Known::read(rx, sees, &found)?;
    Ok(found
        .into_iter()
        .map(|one| {
            let others: Vec<String> =
                known.addresses(one.id).iter().filter(|email| **email != one.email).cloned().collect();
            let talks = known.talks(one.id);
            vec![
                one.name,
                one.email,
                others.join(", "),
                talks.all.to_string(),
                talks.active.to_string(),
                one.note,
                one.created_at.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string(),
            ]
        })
        .collect())
}
