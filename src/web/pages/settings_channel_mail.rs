//! A mail channel's own servers, sender and signature, and whether the servers answer (K-3).

use std::time::Duration;

use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

use crate::actions;
use crate::actions::channel_mail::{Edit, Password};
use crate::domain::access::channels;
use crate::domain::channels::{Channel, ChannelRefusal};
use crate::domain::conversations::ChannelKind;
use crate::domain::ids::ChannelId;
use crate::domain::mail_servers::{ChannelMail, Security, Server, parse_signature};
use crate::domain::text::one_line;
use crate::domain::users::parse_email;
use crate::failure::{Failure, Refusal};
use crate::mail::imap::Mailbox;
use crate::mail::transport::Transport;
use crate::store;
use crate::store::channel_mail::Settings;
use crate::tasks::imap::belongs_to;
use crate::web::error::WebError;
use crate::web::extract::{Empty, Form, Id, May, Viewer};
use crate::web::forms::{Problems, is_on};
use crate::web::reply::{Notice, Reply, done, page_with};
use crate::web::views::chrome::{Section, SettingsItem, SettingsNav, form_token};
use crate::web::views::time::{TimeView, Times};

/// A test of a server takes no longer.
const PATIENCE: Duration = Duration::from_secs(40);
/// The longest password.
const MAX_PASSWORD: usize = 500;

/// What is typed. Passwords are never written into the page.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub struct MailForm {
    version: i64,
    from_name: String,
    from_address: String,
    signature: String,
    reply_by_address: String,
    quotes: String,
    smtp_host: String,
    smtp_port: String,
    smtp_security: String,
    smtp_user: String,
    smtp_password: String,
    imap_host: String,
    imap_port: String,
    imap_security: String,
    imap_user: String,
    imap_password: String,
    imap_folder: String,
    imap_all: String,
}

impl MailForm {
    fn of(settings: &Settings) -> Self {
        let mail = &settings.mail;
        let (smtp, imap) = (mail.smtp.as_ref(), mail.imap.as_ref());
        let security = |one: Option<&Server>| one.map_or(Security::Tls, |one| one.security).as_str().to_owned();
        Self {
            version: settings.version,
            from_name: mail.from_name.clone(),
            from_address: mail.from_address.clone().unwrap_or_default(),
            signature: mail.signature.clone(),
            reply_by_address: if mail.reply_by_address { "on" } else { "" }.to_owned(),
            quotes: if mail.quotes { "on" } else { "" }.to_owned(),
            smtp_host: smtp.map(|one| one.host.clone()).unwrap_or_default(),
            smtp_port: smtp.map_or_else(|| "465".to_owned(), |one| one.port.to_string()),
            smtp_security: security(smtp),
            smtp_user: smtp.map(|one| one.user.clone()).unwrap_or_default(),
            imap_host: imap.map(|one| one.host.clone()).unwrap_or_default(),
            imap_port: imap.map_or_else(|| "993".to_owned(), |one| one.port.to_string()),
            imap_security: security(imap),
            imap_user: imap.map(|one| one.user.clone()).unwrap_or_default(),
            imap_folder: mail.imap_folder.clone(),
            ..Self::default()
        }
    }

    fn parse(&self) -> (ChannelMail, Problems) {
        let mut problems = Problems::new();
        let mut server = |host: &str, port: &str, security: &str, user: &str, smtp: bool| {
            Server::parse(host, port, security, user).unwrap_or_else(|(end, sentence)| {
                problems.add(field(smtp, end), sentence);
                None
            })
        };
        let smtp = server(&self.smtp_host, &self.smtp_port, &self.smtp_security, &self.smtp_user, true);
        let imap = server(&self.imap_host, &self.imap_port, &self.imap_security, &self.imap_user, false);
        if imap.as_ref().is_some_and(|imap| imap.user.is_empty()) {
            problems.add("imap_user", "Enter who logs in");
        }
        let from_name = one_line(&self.from_name);
        if from_name.chars().count() > 120 {
            problems.add("from_name", "Enter at most 120 characters");
        }
        let from_address = Some(self.from_address.trim()).filter(|address| !address.is_empty());
        let from_address = from_address.map(|address| problems.take("from_address", parse_email(address)));
        let signature = problems.take("signature", parse_signature(&self.signature));
        let folder = one_line(&self.imap_folder);
        if folder.chars().count() > 200 {
            problems.add("imap_folder", "Enter at most 200 characters");
        }
        for (name, password) in [("smtp_password", &self.smtp_password), ("imap_password", &self.imap_password)] {
            if password.chars().count() > MAX_PASSWORD || password.contains(['\r', '\n', '\0']) {
                problems.add(name, format!("Enter at most {MAX_PASSWORD} characters on one line"));
            }
        }
        let mail = ChannelMail {
            from_name,
            from_address,
            signature,
            reply_by_address: is_on(&self.reply_by_address),
            quotes: is_on(&self.quotes),
            smtp,
            imap,
            imap_folder: if folder.is_empty() { "INBOX".to_owned() } else { folder },
        };
        (mail, problems)
    }
}

const fn field(smtp: bool, end: &str) -> &'static str {
    match (smtp, end.as_bytes()) {
        (true, b"host") => "smtp_host",
        (true, b"port") => "smtp_port",
        (true, b"security") => "smtp_security",
        (true, _) => "smtp_user",
        (false, b"host") => "imap_host",
        (false, b"port") => "imap_port",
        (false, b"security") => "imap_security",
        (false, _) => "imap_user",
    }
}

/// What a server answered: its heading, the sentence, whether it is good.
struct Tested {
    heading: &'static str,
    sentence: String,
    good: bool,
}

#[derive(Template)]
#[template(path = "pages/settings_channel_mail.html")]
struct MailPage {
    nav: SettingsNav,
    csrf: String,
    id: String,
    name: String,
    address: String,
    form: MailForm,
    reply_by_address: bool,
    quotes: bool,
    problems: Problems,
    securities: Vec<(&'static str, &'static str)>,
    smtp_password: bool,
    imap_password: bool,
    fetches: bool,
    tested: Vec<Tested>,
    open: bool,
    imap_problem: Option<String>,
    checked: Option<TimeView>,
    smtp: bool,
}

async fn channel_of(viewer: &Viewer, id: ChannelId) -> Result<(Channel, Settings), WebError> {
    let found = viewer
        .read(move |rx| {
            let channel = store::channels::find(rx, id)?.filter(|one| one.kind == ChannelKind::Email);
            Ok((channel, store::channel_mail::find(rx, id)?))
        })
        .await?;
    let channel = found.0.ok_or(WebError::NotFound)?;
    Ok((channel, found.1.unwrap_or_else(Settings::fresh)))
}

async fn render(
    viewer: &Viewer,
    id: ChannelId,
    typed: Option<(MailForm, Problems)>,
    tested: Vec<Tested>,
    status: StatusCode,
) -> Reply {
    let (channel, settings) = channel_of(viewer, id).await?;
    let times = Times::new(viewer.db().now(), viewer.known.zone);
    let (form, problems) = typed.unwrap_or_else(|| (MailForm::of(&settings), Problems::new()));
    let title = format!("Mail of {}", channel.name);
    let content = MailPage {
        nav: SettingsNav::new(viewer, SettingsItem::Channels),
        csrf: form_token(&viewer.req),
        id: id.to_string(),
        name: channel.name,
        address: channel.address,
        reply_by_address: is_on(&form.reply_by_address),
        quotes: is_on(&form.quotes),
        securities: Security::ALL.iter().map(|one| (one.as_str(), one.label())).collect(),
        smtp_password: settings.smtp_password.is_some(),
        imap_password: settings.imap_password.is_some(),
        fetches: settings.mail.imap.is_some(),
        open: [&settings.mail.smtp, &settings.mail.imap]
            .into_iter()
            .flatten()
            .any(|one| one.security == Security::None),
        imap_problem: settings.imap_problem,
        checked: settings.imap_checked_at.map(|at| times.full(at)),
        smtp: viewer.app.smtp,
        form,
        problems,
        tested,
    };
    page_with(viewer, status, &title, Section::Settings, &content)
}

/// The page.
///
/// # Errors
/// [`WebError::NotFound`] for a channel that is none here.
pub async fn show(may: May<channels::Manage>, id: Id<ChannelId>) -> Reply {
    render(&may.viewer, id.0, None, Vec::new(), StatusCode::OK).await
}

fn sealed(viewer: &Viewer, id: ChannelId, what: &str, typed: &str) -> Result<Password, Failure> {
    if typed.is_empty() {
        return Ok(Password::Keep);
    }
    let random = viewer.db().random();
    let sealed = viewer.app.vault.seal(&random, &belongs_to(id, what), typed);
    sealed.map(Password::Sealed).ok_or(Failure::Bug("a password could not be sealed"))
}

/// Changes servers, sender and signature.
///
/// # Errors
/// [`WebError::NotFound`] for a channel that is none here; 409 if somebody else was quicker.
pub async fn update(may: May<channels::Manage>, id: Id<ChannelId>, Form(form): Form<MailForm>) -> Reply {
    let May { viewer, can } = may;
    let id = id.0;
    channel_of(&viewer, id).await?;
    let (mail, mut problems) = form.parse();
    if problems.is_empty() {
        let edit = Edit {
            version: form.version,
            mail,
            smtp_password: sealed(&viewer, id, "smtp", &form.smtp_password)?,
            imap_password: sealed(&viewer, id, "imap", &form.imap_password)?,
            from_beginning: is_on(&form.imap_all),
        };
        match viewer.write(move |tx| actions::channel_mail::update(tx, &can, id, &edit)).await {
            Ok(()) => {
                viewer.app.wake.now();
                let address = format!("/settings/channels/{id}/mail");
                let notice = Notice::new("Saved.").post("Test connection", format!("{address}/test"));
                return done(&viewer, &address, notice);
            }
            Err(Failure::Refused(refusal)) => {
                let field = match &refusal {
                    Refusal::Channel(ChannelRefusal::SmtpPasswordNeeded) => "smtp_password",
                    Refusal::Channel(ChannelRefusal::ImapPasswordNeeded) => "imap_password",
                    _ => "",
                };
                problems.add(field, refusal.to_string());
            }
            Err(failure) => return Err(failure.into()),
        }
    }
    render(&viewer, id, Some((form, problems)), Vec::new(), StatusCode::UNPROCESSABLE_ENTITY).await
}

/// Connects to the servers that are stored, and says what they answered.
///
/// # Errors
/// [`WebError::NotFound`] for a channel that is none here.
pub async fn test(may: May<channels::Manage>, id: Id<ChannelId>, _: Form<Empty>) -> Reply {
    let (viewer, id) = (may.viewer, id.0);
    let (_, settings) = channel_of(&viewer, id).await?;
    let mut tested = Vec::new();
    let open = |what: &str, sealed: Option<&String>| match sealed {
        None => Some(String::new()),
        Some(sealed) => viewer.app.vault.open(&belongs_to(id, what), sealed),
    };
    if let Some(server) = settings.mail.smtp.clone() {
        let said = match open("smtp", settings.smtp_password.as_ref()) {
            None => Err(UNREADABLE.to_owned()),
            Some(password) => test_smtp(server, password).await,
        };
        tested.push(told("Sending", said, "The server answers and lets Baton in."));
    }
    if let Some(server) = &settings.mail.imap {
        let said = match open("imap", settings.imap_password.as_ref()) {
            None => Err(UNREADABLE.to_owned()),
            Some(password) => test_imap(server, &password, &settings.mail.imap_folder).await,
        };
        tested.push(told("Fetching", said, "The mailbox can be read."));
    }
    if tested.is_empty() {
        let sentence = "This channel has no server of its own. Save one first.".to_owned();
        tested.push(Tested { heading: "Nothing to test", sentence, good: false });
    }
    render(&viewer, id, None, tested, StatusCode::OK).await
}

const UNREADABLE: &str = "The stored password cannot be opened with the present key. Type it again.";

fn told(heading: &'static str, said: Result<(), String>, good: &str) -> Tested {
    let is_good = said.is_ok();
    Tested { heading, sentence: said.err().unwrap_or_else(|| good.to_owned()), good: is_good }
}

async fn test_smtp(server: Server, password: String) -> Result<(), String> {
    Transport::of(&server, &password)?.test(&server).await
}

async fn test_imap(server: &Server, password: &str, folder: &str) -> Result<(), String> {
    match tokio::time::timeout(PATIENCE, Mailbox::open(server, password, folder)).await {
        Ok(Ok(mailbox)) => {
            mailbox.close().await;
            Ok(())
        }
        Ok(Err(problem)) => Err(problem),
        Err(_) => Err(format!("{} did not answer in time.", server.host)),
    }
}
