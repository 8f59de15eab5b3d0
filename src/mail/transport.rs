//! How mails leave: by SMTP, or, where none is set, into files and the outbox page.

use std::path::{Path, PathBuf};
use std::time::Duration;

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use super::Outgoing;
use crate::domain::ids::MailId;
use crate::domain::mail_servers::{Security, Server};

/// The connection to a mail server.
pub type Smtp = AsyncSmtpTransport<Tokio1Executor>;

/// Where mails go.
#[derive(Clone)]
pub enum Transport {
    /// To a server.
    Smtp(Box<Smtp>),
    /// Into `outbox/*.eml` in the data folder.
    Files(PathBuf),
}

/// Why a mail did not leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The server says that it never will.
    Final(String),
    /// It may work later.
    Passing(String),
}

/// Whether an address of a mail server can be used.
///
/// # Errors
/// A sentence that says what to change.
pub fn check_url(url: &str) -> Result<(), String> {
    let right = url.starts_with("smtp://") || url.starts_with("smtps://");
    match Smtp::from_url(url) {
        Ok(_) if right => Ok(()),
        _ => Err("BATON_SMTP_URL cannot be used. Write it like smtp://user:password@host:587?tls=required or smtps://user:password@host.".to_owned()),
    }
}

/// How long a mail server may take to answer.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long a whole mail may take: shorter than it is claimed for, so that nobody else sends it meanwhile.
pub const LIMIT: Duration = Duration::from_secs(90);

/// Answers that are about who logs in, not about the mail: whoever manages the server puts that right.
const ABOUT_LOG_IN: [u16; 5] = [530, 534, 535, 538, 454];

/// What an answer of a mail server means for a mail.
fn problem(error: &lettre::transport::smtp::Error) -> Problem {
    let about_log_in = error.status().is_some_and(|code| ABOUT_LOG_IN.contains(&u16::from(code)));
    match error.is_permanent() {
        true if about_log_in => Problem::Passing(format!("the mail server does not let Baton in ({error})")),
        true => Problem::Final(error.to_string()),
        false => Problem::Passing(explain(error)),
    }
}

impl Transport {
    /// The transport of an installation.
    ///
    /// # Errors
    /// A sentence that says what to change.
    pub fn new(smtp_url: Option<&str>, data_dir: &Path) -> Result<Self, String> {
        let Some(url) = smtp_url else { return Ok(Self::Files(data_dir.join("outbox"))) };
        check_url(url)?;
        let builder = Smtp::from_url(url).map_err(|error| error.to_string())?;
        Ok(Self::Smtp(Box::new(builder.timeout(Some(TIMEOUT)).build())))
    }

    /// The transport to a channel's own server.
    ///
    /// # Errors
    /// The end of a sentence, if it cannot be used.
    pub fn of(server: &Server, password: &str) -> Result<Self, String> {
        let tls = || TlsParameters::new(server.host.clone()).map_err(|error| error.to_string());
        let tls = match server.security {
            Security::Tls => Tls::Wrapper(tls()?),
            Security::StartTls => Tls::Required(tls()?),
            Security::None => Tls::None,
        };
        let mut builder = Smtp::builder_dangerous(server.host.as_str()).port(server.port).tls(tls);
        if !server.user.is_empty() {
            builder = builder.credentials(Credentials::new(server.user.clone(), password.to_owned()));
        }
        Ok(Self::Smtp(Box::new(builder.timeout(Some(TIMEOUT)).build())))
    }

    /// Connects and logs in, without sending anything.
    ///
    /// # Errors
    /// A sentence.
    pub async fn test(&self, server: &Server) -> Result<(), String> {
        let Self::Smtp(smtp) = self else { return Ok(()) };
        match tokio::time::timeout(LIMIT, smtp.test_connection()).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(format!("{} answers, but takes no mail.", server.host)),
            Ok(Err(error)) if error.is_permanent() => {
                Err(format!("{} does not accept the user and password.", server.host))
            }
            Ok(Err(error)) => {
                Err(format!("{} cannot be used on port {} ({}).", server.host, server.port, explain(&error)))
            }
            Err(_) => Err(format!("{} did not answer in time.", server.host)),
        }
    }

    /// Whether mails leave the machine.
    #[must_use]
    pub const fn is_smtp(&self) -> bool {
        matches!(self, Self::Smtp(_))
    }

    /// Sends a mail to a server; where mails are files, [`Self::keep`] writes it.
    ///
    /// # Errors
    /// Why it did not leave.
    pub async fn send(&self, mail: &Outgoing, from: &Mailbox) -> Result<(), Problem> {
        let Self::Smtp(smtp) = self else { return Err(Problem::Passing("no mail server is set".to_owned())) };
        let message = build(mail, from)?;
        match tokio::time::timeout(LIMIT, smtp.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(problem(&error)),
            Err(_) => Err(Problem::Passing("the mail server took too long".to_owned())),
        }
    }

    /// Writes a mail into a file, where mails are files. Runs where it may block.
    ///
    /// # Errors
    /// Why it is not there.
    pub fn keep(&self, mail: &Outgoing, from: &Mailbox) -> Result<(), Problem> {
        let Self::Files(folder) = self else { return Ok(()) };
        let (message, path) = (build(mail, from)?, folder.join(format!("{}.eml", mail.id)));
        let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(path, message.formatted()));
        written.map_err(|error| Problem::Passing(error.to_string()))
    }
}

impl Transport {
    /// Deletes the file of a mail, where mails are files and it is there.
    ///
    /// # Errors
    /// If it cannot be deleted.
    pub fn forget(&self, mail: MailId) -> std::io::Result<()> {
        let Self::Files(folder) = self else { return Ok(()) };
        match std::fs::remove_file(folder.join(format!("{mail}.eml"))) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

fn explain(error: &lettre::transport::smtp::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

fn build(mail: &Outgoing, installation: &Mailbox) -> Result<Message, Problem> {
    let bad = |what: &str| Problem::Final(format!("{what} is not an address that mail can be sent to"));
    let to: Address = mail.to_address.parse().map_err(|_| bad("The recipient’s address"))?;
    let from: Address = match &mail.from_address {
        Some(address) => address.parse().map_err(|_| bad("The channel’s address"))?,
        None => installation.email.clone(),
    };
    let name = |name: &str| (!name.is_empty()).then(|| name.to_owned());
    let mut builder = Message::builder()
        .from(Mailbox::new(name(&mail.from_name), from))
        .to(Mailbox::new(name(&mail.to_name), to))
        .subject(&mail.subject)
        .date(mail.created_at.into())
        .message_id(Some(format!("<{}>", mail.message_id)));
    if let Some(address) = &mail.reply_to {
        let address: Address = address.parse().map_err(|_| bad("The address for answers"))?;
        builder = builder.reply_to(Mailbox::new(name(&mail.from_name), address));
    }
    if let Some(id) = &mail.in_reply_to {
        builder = builder.in_reply_to(format!("<{id}>"));
    }
    if !mail.references.is_empty() {
        let all: Vec<String> = mail.references.split(' ').map(|id| format!("<{id}>")).collect();
        builder = builder.references(all.join(" "));
    }
    if mail.from_address.is_none() {
        // Nobody's holiday notice should answer an invite.
        builder = builder.raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        ));
    }
    builder
        .multipart(MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone()))
        .map_err(|error| Problem::Final(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::users::parse_email;

    #[test]
    fn whoever_can_be_invited_can_be_written_to() {
        for email in
            ["dana@fernhill.example", "root@localhost", "dana@intranet", "dana@mail-1", "dana+desk@bücher.example"]
        {
            assert!(parse_email(email).is_ok() && email.parse::<Address>().is_ok(), "{email}");
        }
    }
}
