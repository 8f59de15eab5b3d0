//! The log as a file: what is filtered, oldest first, written a piece at a time.

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_DISPOSITION, ContentDisposition, DispositionParam, DispositionType};
use actix_web::web::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use futures_util::stream::{self, Stream, StreamExt as _, TryStreamExt as _};
use serde::Deserialize;
use serde_json::json;

use super::named::{self, Book};
use crate::actions;
use crate::domain::access::{Scope, administration};
use crate::domain::audit_filter::{Address, Cursor, Filter};
use crate::domain::ids::ConversationNumber;
use crate::failure::Failure;
use crate::store::Db;
use crate::store::audit_log::{self, Logged};
use crate::web::csv;
use crate::web::error::WebError;
use crate::web::extract::{Form, May};
use crate::web::reply::Reply;
use crate::web::views::audit::{Names, Thing, Told, tell};
use crate::web::views::time::Times;

/// How many events are held at once.
const PART: i64 = 500;

/// What is exported: the filter of the page, and how it is written.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct ExportForm {
    format: String,
    q: String,
    actor: String,
    subject: String,
    action: String,
    when: String,
    from: String,
    until: String,
}

/// How an export is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// For spreadsheets.
    Csv,
    /// For programs: an object on each line.
    JsonLines,
}

impl Format {
    const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "json",
        }
    }
}

/// Sends the file. That it left is recorded before the first byte does.
///
/// # Errors
/// [`WebError::NotFound`] for a filter that names what is nowhere; a refusal for a day that is none.
pub async fn export(may: May<administration::ExportAudit>, Form(form): Form<ExportForm>) -> Reply {
    let May { viewer, can } = may;
    let format = match form.format.as_str() {
        "" | "csv" => Format::Csv,
        "json" => Format::JsonLines,
        _ => return Err(WebError::BadForm("Choose CSV or JSON.")),
    };
    let address = Address {
        q: form.q,
        actor: form.actor,
        subject: form.subject,
        action: form.action,
        when: form.when,
        from: form.from,
        until: form.until,
        ..Address::default()
    };
    let now = viewer.db().now();
    let zone = viewer.known.zone;
    let filter = named::parse(&address, now, zone)?
        .map_err(|_| WebError::BadForm("A day of the filter is none. Enter it like 2026-11-24."))?;
    let filter = viewer
        .read(move |rx| {
            let mut filter = filter;
            Book::open(rx)?.settle(rx, &mut filter)?;
            Ok(filter)
        })
        .await?;
    let recorded = filter.recorded(zone).query();
    viewer.write(move |tx| actions::audit::export(tx, &can, format.name(), &recorded)).await?;
    let day = now.with_timezone(&zone).format("%Y-%m-%d");
    let slug = &viewer.known.workspace.slug;
    let name = format!("{slug}-audit-{day}");
    let entries = entries(viewer.db().clone(), viewer.scope().clone(), filter, Times::new(now, zone));
    Ok(file(&name, format, entries)?)
}

/// An event in words.
pub struct Entry {
    row: Logged,
    told: Told,
    number: Option<ConversationNumber>,
}

struct At {
    db: Db,
    scope: Scope,
    filter: Filter,
    names: Option<Names>,
    times: Times,
    after: Option<Cursor>,
    over: bool,
}

/// What matches, oldest first, a part at a time: the next events are read when the last have been sent. What happens
/// after `times.now()` is not in it.
pub fn entries(
    db: Db,
    scope: Scope,
    filter: Filter,
    times: Times,
) -> impl Stream<Item = Result<Vec<Entry>, Failure>> + 'static {
    let start = At { db, scope, filter, names: None, times, after: None, over: false };
    stream::try_unfold(start, |mut at| async move {
        if at.over {
            return Ok(None);
        }
        let (filter, known, after, until) = (at.filter.clone(), at.names.take(), at.after, at.times.now());
        let permissions = at.scope.actor.permissions();
        let read = at.db.read(&at.scope, move |rx| {
            let mut names = match known {
                Some(names) => names,
                None => Book::open(rx)?.names(permissions),
            };
            let rows = audit_log::list_forward(rx, &filter, after, until, PART)?;
            named::number(rx, &rows, &mut names)?;
            Ok((rows, names))
        });
        let (rows, names) = read.await?;
        at.over = i64::try_from(rows.len()).unwrap_or(0) < PART;
        at.after = rows.last().map(Logged::cursor);
        let entries = rows
            .into_iter()
            .map(|row| Entry {
                told: tell(&row, &names, &at.times),
                number: row.conversation.and_then(|id| names.conversations.get(&id).copied()),
                row,
            })
            .collect();
        at.names = Some(names);
        Ok(Some((entries, at)))
    })
}

/// The file, sent while it is read. If a part cannot be read the connection is cut, so that nobody takes half of it for
/// the whole.
///
/// # Errors
/// None at present.
pub fn file<S>(name: &str, format: Format, entries: S) -> Result<HttpResponse, Failure>
where
    S: Stream<Item = Result<Vec<Entry>, Failure>> + 'static,
{
    if format == Format::Csv {
        let rows = entries.map_ok(|part| part.iter().map(cells).collect());
        return csv::download(&format!("{name}.csv"), &COLUMNS, rows);
    }
    let lines = entries.map(|part| part.and_then(|part| json_lines(&part)).map(Bytes::from));
    let disposition = ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![DispositionParam::Filename(format!("{name}.jsonl"))],
    };
    Ok(HttpResponse::Ok()
        .content_type("application/x-ndjson")
        .insert_header((CONTENT_DISPOSITION, disposition))
        .streaming(lines))
}

/// The columns of the CSV file.
const COLUMNS: [&str; 18] = [
    "number",
    "time",
    "actor_id",
    "actor",
    "action",
    "subject_kind",
    "subject_id",
    "subject",
    "conversation",
    "what",
    "before",
    "after",
    "cause",
    "job_id",
    "address",
    "details",
    "event_id",
    "seal",
];

fn iso(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn cells(entry: &Entry) -> Vec<String> {
    let Entry { row, told, number } = entry;
    let event = &row.event;
    let text = |value: Option<String>| value.unwrap_or_default();
    let plain = |thing: Option<&Thing>| thing.map(Thing::plain).unwrap_or_default();
    vec![
        text(row.seq.map(|seq| seq.to_string())),
        iso(event.at),
        text(event.actor.map(|id| id.to_string())),
        told.actor.as_ref().map_or_else(|| "Baton".to_owned(), |actor| actor.name.clone()),
        event.name.clone(),
        row.subject_kind.clone(),
        text(row.subject.map(|id| id.to_string())),
        told.about.plain(),
        text(number.map(|number| number.to_string())),
        told.plain(),
        plain(told.before.as_ref()),
        plain(told.after.as_ref()),
        text(event.cause.clone()),
        text(event.job.map(|id| id.to_string())),
        text(row.address.clone()),
        event.details.to_string(),
        event.id.to_string(),
        text(row.hash.clone()),
    ]
}

fn json_lines(part: &[Entry]) -> Result<Vec<u8>, Failure> {
    let mut written = Vec::new();
    for Entry { row, told, number } in part {
        let event = &row.event;
        let holder = |(user, team): (Option<_>, Option<_>)| json!({ "user_id": user, "team_id": team });
        let actor = told.actor.as_ref().map(|actor| actor.name.clone());
        let line = json!({
            "number": row.seq,
            "time": iso(event.at),
            "actor": { "id": event.actor, "name": actor.unwrap_or_else(|| "Baton".to_owned()) },
            "action": event.name,
            "subject": {
                "kind": row.subject_kind,
                "id": row.subject,
                "name": told.about.plain(),
                "conversation": number,
            },
            "what": told.plain(),
            "before": holder(event.from),
            "after": holder(event.to),
            "details": event.details,
            "cause": event.cause,
            "job_id": event.job,
            "address": row.address,
            "event_id": event.id,
            "seal": row.hash,
        });
        serde_json::to_writer(&mut written, &line).map_err(|_| Failure::Bug("an event is not JSON"))?;
        written.push(b'\n');
    }
    Ok(written)
}
