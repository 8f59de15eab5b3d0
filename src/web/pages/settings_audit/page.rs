//! The page.

use actix_web::http::StatusCode;
use askama::Template;

use super::named::{self, Book};
use crate::domain::access::{Key, administration};
use crate::domain::audit_filter::{Address, Cursor, Filter, GROUPS, KINDS, STANDINGS};
use crate::domain::text::{counted, grouped};
use crate::domain::users::Status;
use crate::failure::Failure;
use crate::store::Rx;
use crate::store::audit_log::{self, Logged, Place};
use crate::web::extract::{May, Query, Viewer};
use crate::web::forms::Problems;
use crate::web::reply::{Reply, page_with};
use crate::web::views::audit::{Names, Told, tell};
use crate::web::views::chrome::{Section, SettingsItem, SettingsNav, form_token};
use crate::web::views::time::{TimeView, Times};

/// Entries of a page.
const PAGE: usize = 50;
/// More than so many are not counted: a page must not cost more because there is more.
const COUNTED: i64 = 10_000;

/// An entry of a select.
struct Choice {
    value: String,
    label: String,
    picked: bool,
}

/// Entries of a select under a heading.
struct Choices {
    label: &'static str,
    choices: Vec<Choice>,
}

struct Entry {
    told: Told,
    at: TimeView,
    address: Option<String>,
}

/// The entries of one day.
struct Day {
    label: String,
    entries: Vec<Entry>,
}

#[derive(Template)]
#[template(path = "pages/settings_audit.html")]
struct AuditPage {
    nav: SettingsNav,
    csrf: String,
    address: Address,
    problems: Problems,
    who: Vec<Choices>,
    about: Vec<Choices>,
    what: Vec<Choices>,
    when: Vec<Choice>,
    filtered: bool,
    days: Vec<Day>,
    foot: String,
    newer: Option<String>,
    older: Option<String>,
    may_export: bool,
}

/// The page.
///
/// # Errors
/// [`crate::web::error::WebError::NotFound`] for a filter that names what is nowhere.
pub async fn index(may: May<administration::ViewAudit>, query: Query<Address>) -> Reply {
    let viewer = may.viewer;
    let address = query.0;
    let zone = viewer.known.zone;
    let now = viewer.db().now();
    let mut problems = Problems::new();
    let filter = named::parse(&address, now, zone)?;
    if let Err(field) = &filter {
        problems.add(field, "Enter a day like 2026-11-24");
    }
    // Nothing is shown of what was not understood: it would look like an answer.
    let filter = filter.ok();
    let permissions = viewer.known.person.permissions;
    let place = place(&address);
    let filtered = filter.as_ref().is_none_or(|filter| !filter.is_empty());
    let (book, found) = viewer
        .read(move |rx| {
            let book = Book::open(rx)?;
            let found = match filter {
                Some(mut filter) => {
                    book.settle(rx, &mut filter)?;
                    Some(find(rx, &filter, place, book.names(permissions))?)
                }
                None => None,
            };
            Ok((book, found))
        })
        .await?;
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let content = AuditPage { filtered, ..view(&viewer, &book, found, &address, problems, Times::new(now, zone)) };
    page_with(&viewer, status, "Audit log", Section::Settings, &content)
}

fn place(address: &Address) -> Place {
    match (Cursor::parse(&address.after), Cursor::parse(&address.before)) {
        (Some(after), _) => Place::OlderThan(after),
        (None, Some(before)) => Place::NewerThan(before),
        (None, None) => Place::Newest,
    }
}

struct Found {
    page: audit_log::Page,
    total: Option<i64>,
    names: Names,
}

fn find(rx: &mut Rx, filter: &Filter, place: Place, mut names: Names) -> Result<Found, Failure> {
    let page = audit_log::list(rx, filter, place, PAGE)?;
    let total = audit_log::count_up_to(rx, filter, COUNTED)?;
    named::number(rx, &page.rows, &mut names)?;
    Ok(Found { page, total, names })
}

fn view(
    viewer: &Viewer,
    book: &Book,
    found: Option<Found>,
    address: &Address,
    problems: Problems,
    times: Times,
) -> AuditPage {
    let (mut days, mut newer, mut older, mut foot) = (Vec::new(), None, None, String::new());
    if let Some(Found { page, total, names }) = found {
        let shown = i64::try_from(page.rows.len()).unwrap_or(0);
        foot = match total {
            Some(total) => format!("Showing {} of {}", grouped(shown), counted(total, "entry", "entries")),
            None => format!("Showing {} of more than {} entries", grouped(shown), grouped(COUNTED)),
        };
        let link = |after: Option<&Logged>, before: Option<&Logged>| {
            let cursor = |row: Option<&Logged>| row.map(|row| row.cursor().print()).unwrap_or_default();
            let there = Address { after: cursor(after), before: cursor(before), ..address.clone() };
            format!("/settings/audit?{}", there.query())
        };
        newer = page.rows.first().filter(|_| page.newer).map(|first| link(None, Some(first)));
        older = page.rows.last().filter(|_| page.older).map(|last| link(Some(last), None));
        days = by_day(&page.rows, &names, &times);
    }
    let first = address.first_page();
    AuditPage {
        nav: SettingsNav::new(viewer, SettingsItem::Audit),
        csrf: form_token(&viewer.req),
        who: who(book, &address.actor),
        about: about(book, &address.subject),
        what: what(&address.action),
        when: when(&first),
        filtered: false,
        address: first,
        problems,
        days,
        foot,
        newer,
        older,
        may_export: viewer.known.person.permissions.has(Key::AuditExport),
    }
}

fn by_day(rows: &[Logged], names: &Names, times: &Times) -> Vec<Day> {
    let mut days: Vec<Day> = Vec::new();
    for row in rows {
        let local = row.event.at.with_timezone(&times.zone());
        let label = local.format("%A, %-d %B %Y").to_string();
        let at = times.full(row.event.at);
        let at = TimeView { text: local.format("%H:%M").to_string(), ..at };
        let entry = Entry { told: tell(row, names, times), at, address: row.address.clone() };
        match days.last_mut() {
            Some(day) if day.label == label => day.entries.push(entry),
            _ => days.push(Day { label, entries: vec![entry] }),
        }
    }
    days
}

fn choice(value: impl Into<String>, label: impl Into<String>, picked: &str) -> Choice {
    let value = value.into();
    Choice { label: label.into(), picked: value == picked, value }
}

fn who(book: &Book, picked: &str) -> Vec<Choices> {
    let all = |statuses: &[Status]| {
        let people = book.people.iter().filter(|one| statuses.contains(&one.status));
        people.map(|one| choice(one.id.to_string(), &one.name.full, picked)).collect()
    };
    let anyone = [("", "Anyone"), ("system", "Baton")];
    let anyone = anyone.iter().chain(STANDINGS).map(|(value, label)| choice(*value, *label, picked)).collect();
    vec![
        Choices { label: "", choices: anyone },
        Choices { label: "Active", choices: all(&[Status::Active]) },
        Choices { label: "Deactivated", choices: all(&[Status::Inactive]) },
    ]
}

fn about(book: &Book, picked: &str) -> Vec<Choices> {
    let of = |kind: &str, id: String, name: &str| choice(format!("{kind}:{id}"), name, picked);
    let kinds = KINDS.iter().map(|(value, label)| choice(*value, *label, picked));
    let people = book.people.iter().map(|one| of("user", one.id.to_string(), &one.name.full));
    let teams = book.teams.iter().map(|(id, name)| of("team", id.to_string(), name));
    let channels = book.channels.iter().map(|(id, name)| of("channel", id.to_string(), name));
    let roles = book.roles.iter().map(|(id, name)| of("role", id.to_string(), name));
    let mut all = vec![
        Choices { label: "", choices: [choice("", "Anything", picked)].into_iter().chain(kinds).collect() },
        Choices { label: "Users", choices: people.collect() },
        Choices { label: "Teams", choices: teams.collect() },
        Choices { label: "Channels", choices: channels.collect() },
        Choices { label: "Roles", choices: roles.collect() },
    ];
    // A conversation or a bulk change that an address names is not among them.
    let known = all.iter().flat_map(|group| &group.choices).any(|choice| choice.picked);
    if let Some((kind, id)) = picked.split_once(':').filter(|_| !known) {
        let label = if kind == "conversation" { format!("Conversation {id}") } else { "One bulk change".to_owned() };
        all.push(Choices { label: "Asked for", choices: vec![choice(picked, label, picked)] });
    }
    all
}

fn what(picked: &str) -> Vec<Choices> {
    let mut all = vec![Choices { label: "", choices: vec![choice("", "Any change", picked)] }];
    all.extend(GROUPS.iter().map(|group| {
        Choices {
            label: group.label,
            choices: [choice(group.key, format!("{}: all", group.label), picked)]
                .into_iter()
                .chain(group.events.iter().map(|(name, label)| choice(*name, *label, picked)))
                .collect(),
        }
    }));
    all
}

fn when(address: &Address) -> Vec<Choice> {
    let days = !address.from.is_empty() || !address.until.is_empty();
    let picked = match address.when.as_str() {
        known @ ("any" | "today" | "week" | "month" | "days") => known,
        _ if days => "days",
        _ => "any",
    };
    let all = [
        ("any", "Any time"),
        ("today", "Today"),
        ("week", "Last 7 days"),
        ("month", "Last 30 days"),
        ("days", "Days…"),
    ];
    all.iter().map(|(value, label)| choice(*value, *label, picked)).collect()
}
