//! Settings → Outbox: mails that left or wait, and incoming ones that could not be read (O-3).

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

use crate::actions::{self, mail_loops};
use crate::domain::access::administration;
use crate::domain::channels::ChannelRefusal;
use crate::domain::conversations::ChannelKind;
use crate::domain::ids::{ChannelId, MailId, ReceivedMailId};
use crate::failure::Failure;
use crate::mail::incoming;
use crate::store::outbox::{self, State};
use crate::store::{self, received_mails};
use crate::tasks::{imap, ingest};
use crate::web::error::WebError;
use crate::web::extract::{Empty, Form, Id, May, Query, Viewer};
use crate::web::forms::Problems;
use crate::web::reply::{Notice, Reply, dialog, done, page};
use crate::web::views::chrome::{Section, SettingsItem, SettingsNav, form_token};
use crate::web::views::pager::Pager;
use crate::web::views::time::{TimeView, Times};

/// Rows of a page.
const PAGE: i64 = 25;

/// The address of the page.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct OutboxQuery {
    state: String,
    page: String,
}

struct Row {
    id: String,
    to: String,
    subject: String,
    state: &'static str,
    class: &'static str,
    problem: Option<String>,
    at: TimeView,
    next: Option<TimeView>,
    text: String,
    failed: bool,
}

struct Aside {
    id: String,
    channel: String,
    problem: &'static str,
    size: String,
    at: TimeView,
    takeable: bool,
}

#[derive(Template)]
#[template(path = "pages/settings_outbox.html")]
struct OutboxPage {
    nav: SettingsNav,
    csrf: String,
    smtp: bool,
    states: Vec<(&'static str, &'static str, bool)>,
    rows: Vec<Row>,
    pager: Pager,
    foot: &'static str,
    aside: Vec<Aside>,
}

/// The page.
///
/// # Errors
/// Trouble with the database.
pub async fn index(may: May<administration::Settings>, query: Query<OutboxQuery>) -> Reply {
    let viewer = may.viewer;
    let state = State::parse(&query.0.state);
    let number = query.0.page.parse::<i64>().unwrap_or(1).clamp(1, 1_000_000);
    let ((mails, total), aside, channels, now) = viewer
        .read(move |rx| {
            let mails = outbox::list(rx, state, (PAGE, (number - 1) * PAGE))?;
            Ok((mails, received_mails::list_quarantined(rx, 100)?, store::channels::list(rx)?, rx.now()))
        })
        .await?;
    let times = Times::new(now, viewer.known.zone);
    let all = [
        ("", "Any state"),
        ("queued", "Queued"),
        ("sent", "Sent"),
        ("failed", "Failed"),
        ("returned", "Returned"),
        ("kept", "Kept here"),
    ];
    let picked = state.map_or("", State::as_str);
    let content = OutboxPage {
        nav: SettingsNav::new(&viewer, SettingsItem::Outbox),
        csrf: form_token(&viewer.req),
        smtp: viewer.app.smtp,
        states: all.iter().map(|(value, label)| (*value, *label, *value == picked)).collect(),
        foot: "",
        pager: Pager::new(number, PAGE, total, mails.len(), |page| {
            format!("/settings/outbox?state={picked}&page={page}")
        }),
        rows: mails.iter().map(|mail| row(mail, &times, viewer.known.person.is_owner)).collect(),
        aside: aside
            .iter()
            .map(|one| Aside {
                id: one.id.to_string(),
                channel: channels
                    .iter()
                    .find(|channel| channel.id == one.channel)
                    .map(|one| one.name.clone())
                    .unwrap_or_default(),
                problem: reason(&one.problem),
                takeable: can_be_taken(&one.problem),
                size: format!("{} KB", (one.size + 1023) / 1024),
                at: times.full(one.received_at),
            })
            .collect(),
    };
    page(&viewer, "Outbox", Section::Settings, &content)
}

/// Why a mail is kept aside, in words.
fn reason(code: &str) -> &'static str {
    use incoming::Unreadable;
    if code == Unreadable::Empty.code() {
        "It is empty."
    } else if code == Unreadable::NoHeaders.code() {
        "It has no headers."
    } else if code == Unreadable::NoSender.code() {
        "It has no sender who could be answered."
    } else if code == "too_large" {
        "It is larger than 25 MB."
    } else if code == mail_loops::OWN_MAIL {
        "It is a mail that Baton itself sent, and that came back."
    } else if code == mail_loops::OWN_ADDRESS {
        "It says that it comes from one of your own channels, and names nobody to answer."
    } else if code == mail_loops::FLOOD {
        "Its sender had sent too many mails within a few minutes."
    } else if code == mail_loops::UNKNOWN_REPORT {
        "A mail server reports on a mail that was not sent from here."
    } else if code == imap::UNFETCHABLE {
        "Its mail server did not hand it out. It is still in the mailbox; the file says which it is."
    } else {
        "It could not be read."
    }
}

/// Whether a mail could be read, so that it can be taken in after all.
fn can_be_taken(code: &str) -> bool {
    [mail_loops::OWN_MAIL, mail_loops::OWN_ADDRESS, mail_loops::FLOOD, mail_loops::UNKNOWN_REPORT].contains(&code)
}

/// Only an Owner reads mails with a link that lets whoever has it in as somebody else: an Admin could become an Owner by it.
fn row(mail: &outbox::Listed, times: &Times, owner: bool) -> Row {
    let (state, class) = match mail.state {
        State::Queued => ("Queued", "accent"),
        State::Sent => ("Sent", "good"),
        State::Failed => ("Failed", "danger"),
        State::Kept => ("Kept here", "outline"),
        State::Returned => ("Returned", "danger"),
    };
    Row {
        id: mail.id.to_string(),
        to: mail.to.clone(),
        subject: mail.subject.clone(),
        state,
        class,
        problem: mail.problem.clone(),
        at: times.full(mail.created_at),
        next: (mail.state == State::Queued && mail.attempts > 0).then(|| times.ahead(mail.next_try_at)),
        text: if mail.lets_in && !owner { String::new() } else { mail.text.clone() },
        failed: mail.state.is_failure(),
    }
}

/// Tries a mail again that failed or came back.
///
/// # Errors
/// [`WebError::NotFound`] for a mail that is none here or has not failed.
pub async fn retry(may: May<administration::Settings>, id: Id<MailId>, _: Form<Empty>) -> Reply {
    let viewer = may.viewer;
    viewer
        .write(move |tx| {
            if !outbox::requeue(tx, id.0)? {
                return Err(Failure::NotFound);
            }
            Ok(tx.unrecorded((), "a mail's state is its record"))
        })
        .await?;
    viewer.app.wake.now();
    done(&viewer, "/settings/outbox", Notice::new("The mail is queued again."))
}

/// Where a mail that was kept aside is to go.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct TakeForm {
    channel: String,
}

#[derive(Template)]
#[template(path = "partials/mail_take_in.html")]
struct TakeDialog {
    csrf: String,
    id: String,
    problem: &'static str,
    channels: Vec<(String, String, bool)>,
    problems: Problems,
}

async fn render_take(
    viewer: &Viewer,
    id: ReceivedMailId,
    picked: Option<String>,
    problems: Problems,
    status: StatusCode,
) -> Reply {
    let (mail, channels) =
        viewer.read(move |rx| Ok((received_mails::find_quarantined(rx, id)?, store::channels::list(rx)?))).await?;
    let mail = mail.filter(|mail| can_be_taken(&mail.problem)).ok_or(WebError::NotFound)?;
    let picked = picked.unwrap_or_else(|| mail.channel.to_string());
    let channels = channels.into_iter().filter(|one| one.kind == ChannelKind::Email);
    let content = TakeDialog {
        csrf: form_token(&viewer.req),
        id: id.to_string(),
        problem: reason(&mail.problem),
        channels: channels.map(|one| (one.id.to_string(), one.name, one.id.to_string() == picked)).collect(),
        problems,
    };
    dialog(viewer, status, "Take the mail in", "sm", SettingsItem::Outbox, &content)
}

/// Asks into which channel a mail is taken.
///
/// # Errors
/// [`WebError::NotFound`] for a mail that is none here, or that cannot be read.
pub async fn ask_take(may: May<administration::Settings>, id: Id<ReceivedMailId>) -> Reply {
    render_take(&may.viewer, id.0, None, Problems::new(), StatusCode::OK).await
}

/// Takes a mail in that was kept aside.
///
/// # Errors
/// [`WebError::NotFound`] for a mail or a channel that is none here.
pub async fn take(may: May<administration::Settings>, id: Id<ReceivedMailId>, Form(form): Form<TakeForm>) -> Reply {
    let May { viewer, can } = may;
    let (id, workspace) = (id.0, viewer.known.workspace.id);
    let mut problems = Problems::new();
    let channel: ChannelId = form.channel.parse().map_err(|_| WebError::NotFound)?;
    let found = viewer.read(move |rx| received_mails::find_quarantined(rx, id)).await?;
    let found = found.filter(|mail| can_be_taken(&mail.problem)).ok_or(WebError::NotFound)?;
    let files = viewer.app.files.clone();
    let read = store::db::blocking(move || {
        let bytes = files.read(workspace, &found.sha256);
        let bytes = bytes.map_err(|error| Failure::Io("a kept mail cannot be read", error))?;
        let mail = incoming::read(&bytes).map_err(|_| ChannelRefusal::MailUnreadable)?;
        let kept = ingest::keep_files(&files, workspace, &mail)?;
        Ok((mail, kept))
    });
    let taken = match read.await {
        Ok((mail, kept)) => {
            viewer.write(move |tx| actions::incoming::take_in(tx, &can, (id, channel), &mail, &kept)).await
        }
        Err(failure) => Err(failure),
    };
    match taken {
        Ok(number) => done(&viewer, "/settings/outbox", Notice::new(format!("It stands in conversation {number}."))),
        Err(Failure::Refused(refusal)) => {
            problems.add("channel", refusal.to_string());
            render_take(&viewer, id, Some(form.channel), problems, StatusCode::UNPROCESSABLE_ENTITY).await
        }
        Err(failure) => Err(failure.into()),
    }
}

/// A mail that could not be read, as it came.
///
/// # Errors
/// [`WebError::NotFound`] for a mail that is none here.
pub async fn quarantined(may: May<administration::Settings>, id: Id<ReceivedMailId>) -> Result<HttpResponse, WebError> {
    let viewer = may.viewer;
    let workspace = viewer.known.workspace.id;
    let found = viewer.read(move |rx| received_mails::find_quarantined(rx, id.0)).await?.ok_or(WebError::NotFound)?;
    let files = viewer.app.files.clone();
    let sha256 = found.sha256.clone();
    let bytes = store::db::blocking(move || {
        files.read(workspace, &sha256).map_err(|error| Failure::Io("a kept mail cannot be read", error))
    })
    .await?;
    Ok(HttpResponse::Ok()
        .content_type("application/octet-stream")
        .insert_header(("Content-Disposition", format!("attachment; filename=\"{}.eml\"", found.id)))
        .insert_header(("Content-Security-Policy", "sandbox; default-src 'none'"))
        .body(bytes))
}
