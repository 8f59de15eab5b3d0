//! A list of the inbox as a file (C-2).

use chrono::{DateTime, Utc};
use futures_util::stream;

use super::read::{self, Asker};
use crate::domain::access::conversations as may;
use crate::domain::ids::{ContactId, ConversationId};
use crate::domain::inbox::Address;
use crate::failure::Failure;
use crate::store::{self, Rx};
use crate::web::csv;
use crate::web::extract::{May, Query};
use crate::web::reply::Reply;

/// Conversations that are read at a time.
const PART: usize = 500;

const HEADER: [&str; 14] = [
    "Number",
    "Subject",
    "Contact",
    "Contact email",
    "Channel",
    "Status",
    "Priority",
    "Assigned to",
    "Team",
    "Tags",
    "Waiting since",
    "Wakes",
    "Last activity",
    "Created",
];

/// The list as it is filtered and sorted, sent while it is read.
///
/// # Errors
/// [`crate::web::error::WebError::NotFound`] if a filter names what is not here, or trouble with the database.
pub async fn download(may: May<may::Bulk>, Query(address): Query<Address>) -> Reply {
    let viewer = may.viewer;
    let asker = Asker::new(&viewer);
    let day = asker.now.with_timezone(&asker.zone).format("%Y-%m-%d").to_string();
    // Which are in the file is settled at once; those that move meanwhile are neither lost nor there twice.
    let of = asker.clone();
    let ids = viewer
        .read(move |rx| {
            let request = read::request(&of, &address)?;
            read::check(&request.filter, &of.named)?;
            if let Some(contact) = request.filter.contact {
                store::contacts::find(rx, contact)?.ok_or(Failure::NotFound)?;
            }
            store::inbox::list_ids(rx, &request.filter, &of.sees, request.sort)
        })
        .await?;
    let parts: Vec<Vec<ConversationId>> = ids.chunks(PART).map(<[ConversationId]>::to_vec).collect();
    let (db, scope) = (viewer.db().clone(), viewer.scope().clone());
    let rows = stream::unfold(parts.into_iter(), move |mut parts| {
        let (db, scope, asker) = (db.clone(), scope.clone(), asker.clone());
        async move {
            let ids = parts.next()?;
            Some((db.read(&scope, move |rx| rows(rx, &asker, &ids)).await, parts))
        }
    });
    Ok(csv::download(&format!("conversations-{day}.csv"), &HEADER, rows)?)
}

fn rows(rx: &mut Rx, asker: &Asker, ids: &[ConversationId]) -> Result<Vec<Vec<String>>, Failure> {
    let found = store::inbox::list_these(rx, &asker.sees, ids)?;
    let contacts: Vec<ContactId> = found.iter().map(|one| one.contact).collect();
    let contacts = store::contacts::list(rx, &contacts)?;
    let tags = store::tags::list_of_conversations(rx, ids)?;
    let named = &asker.named;
    let time = |at: DateTime<Utc>| at.with_timezone(&asker.zone).format("%Y-%m-%d %H:%M").to_string();
    Ok(found
        .into_iter()
        .map(|one| {
            let contact = contacts.get(&one.contact);
            let tags = named.tags(tags.get(&one.id).map(Vec::as_slice).unwrap_or_default());
            let person = one.assignee.map(|user| named.people.get(user));
            vec![
                one.number.to_string(),
                one.subject,
                contact.map(|one| one.name.clone()).unwrap_or_default(),
                contact.map(|one| one.email.clone()).unwrap_or_default(),
                named.channel(one.channel).map(|one| one.name.clone()).unwrap_or_default(),
                one.status.label().to_owned(),
                one.priority.label().to_owned(),
                person.map(|person| format!("{}{}", person.name, person.mark())).unwrap_or_default(),
                one.team.and_then(|team| named.team(team)).unwrap_or_default().to_owned(),
                tags.into_iter().map(|(_, name)| name).collect::<Vec<_>>().join(", "),
                one.waiting_since.map(time).unwrap_or_default(),
                one.snoozed_until.map(time).unwrap_or_default(),
                time(one.last_activity_at),
                time(one.created_at),
            ]
        })
        .collect())
}
