//! All settings of an installation, read once. A wrong value is a sentence that says what to change.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use clap::Args;
use lettre::message::Mailbox;
use url::Url;

use crate::domain::proxies::TrustedProxies;

/// Where the data are.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file.
    Sqlite(PathBuf),
    /// A server.
    Postgres(String),
}

impl DatabaseUrl {
    /// Reads `sqlite://path` or `postgres://…`.
    ///
    /// # Errors
    /// A sentence, for anything else.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("sqlite://") {
            if path.is_empty() {
                return Err("DATABASE_URL names no file. Write it like sqlite:///srv/baton/baton.db.".to_owned());
            }
            return Ok(Self::Sqlite(PathBuf::from(path)));
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return match Url::parse(text) {
                Ok(url) if url.has_host() && url.host_str() != Some("") || text.contains("host=") => {
                    Ok(Self::Postgres(text.to_owned()))
                }
                Ok(_) => {
                    Err("DATABASE_URL names no server. Write it like postgres://user:password@host/database."
                        .to_owned())
                }
                Err(error) => Err(format!(
                    "DATABASE_URL is not a full address ({error}). Write it like postgres://user:password@host/database."
                )),
            };
        }
        Err("DATABASE_URL must begin with sqlite:// or postgres://.".to_owned())
    }

    /// The sentence for a database that cannot be opened.
    #[must_use]
    pub fn cannot_be_opened(&self, why: &dyn fmt::Display) -> String {
        let change = match self {
            Self::Sqlite(_) => "Give this user the right to write there, or set DATABASE_URL to the file of a database",
            Self::Postgres(_) => "Check that the server runs and lets you in, or set DATABASE_URL to another one",
        };
        format!("{self} cannot be opened ({why}). {change}.")
    }

    /// Whether several instances can share it.
    #[must_use]
    pub const fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }
}

/// Never shows a password.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "The database file {}", path.display()),
            Self::Postgres(url) => {
                let shown = Url::parse(url).map_or_else(
                    |_| "…".to_owned(),
                    |url| format!("{}{}", url.host_str().unwrap_or("localhost"), url.path()),
                );
                write!(f, "The PostgreSQL database {shown}")
            }
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The settings as they are typed: flags, or variables of the environment.
#[derive(Args, Clone, Debug, Default)]
pub struct Settings {
    /// Address to listen on; port 0 picks a free one and prints it
    #[arg(long, env = "BATON_LISTEN", default_value = "127.0.0.1:8080", global = true)]
    pub listen: String,
    /// Folder of the database file, attachments and kept mails
    #[arg(long, env = "BATON_DATA_DIR", default_value = "./data", global = true)]
    pub data_dir: PathBuf,
    /// `sqlite://path` or `postgres://…`; without it, a file in the data folder
    #[arg(long, env = "DATABASE_URL", global = true, hide_env_values = true)]
    pub database_url: Option<String>,
    /// Base of every link in mails; with https, cookies are Secure
    #[arg(long, env = "BATON_PUBLIC_URL", global = true)]
    pub public_url: Option<String>,
    /// Addresses or networks of proxies in front, separated by commas; theirs is the word for where people come from
    #[arg(long, env = "BATON_TRUSTED_PROXIES", global = true)]
    pub trusted_proxies: Option<String>,
    /// `smtp://user:password@host:port` or `smtps://…`; without it, mails are kept in the outbox
    #[arg(long, env = "BATON_SMTP_URL", global = true, hide_env_values = true)]
    pub smtp_url: Option<String>,
    /// Sender of mails
    #[arg(long, env = "BATON_MAIL_FROM", default_value = "Baton <baton@localhost>", global = true)]
    pub mail_from: String,
    /// Address and port on which a mail server hands mail over by LMTP; off unless set
    #[arg(long, env = "BATON_LMTP_LISTEN", global = true)]
    pub lmtp_listen: Option<String>,
    /// Secret that seals the passwords of channels’ mail servers; without it, one is kept in the database
    #[arg(long, env = "BATON_SECRET_KEY", global = true, hide_env_values = true)]
    pub secret_key: Option<String>,
    /// Moves the clock by so many seconds, for trying timers; `demo` only
    #[arg(long, env = "BATON_CLOCK_OFFSET", global = true, hide = true, allow_hyphen_values = true)]
    pub clock_offset: Option<String>,
}

/// The settings, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where files are.
    pub data_dir: PathBuf,
    /// Where the data are.
    pub database: DatabaseUrl,
    /// The base of every link. `None` until the port is known.
    pub public_url: Option<Url>,
    /// Whose word is taken for where a request comes from.
    pub trusted_proxies: TrustedProxies,
    /// Where mails go.
    pub smtp_url: Option<String>,
    /// Who sends them.
    pub mail_from: Mailbox,
    /// Where a mail server hands mail over.
    pub lmtp_listen: Option<SocketAddr>,
    /// What seals the passwords of other servers, if it is not kept in the database.
    pub secret_key: Option<SecretKey>,
    /// How far the clock is moved.
    pub clock_offset: TimeDelta,
}

impl Config {
    /// Checks the settings.
    ///
    /// # Errors
    /// A sentence that names the setting and says what to change.
    pub fn check(settings: &Settings, offset_allowed: bool) -> Result<Self, String> {
        let listen = settings.listen.parse().map_err(|_| {
            format!("BATON_LISTEN is “{}”. Write an address and a port, like 127.0.0.1:8080.", settings.listen)
        })?;
        let database = match settings.database_url.as_deref().filter(|url| !url.is_empty()) {
            Some(url) => DatabaseUrl::parse(url)?,
            None => DatabaseUrl::Sqlite(settings.data_dir.join("baton.db")),
        };
        let public_url = settings.public_url.as_deref().filter(|url| !url.is_empty()).map(public_url).transpose()?;
        let trusted_proxies = TrustedProxies::parse(settings.trusted_proxies.as_deref().unwrap_or_default()).map_err(
            |wrong| {
                format!(
                    "BATON_TRUSTED_PROXIES has “{wrong}”, which is no address. Write addresses or networks, like 127.0.0.1,10.0.0.0/8."
                )
            },
        )?;
        let smtp_url = settings.smtp_url.clone().filter(|url| !url.is_empty());
        if let Some(url) = &smtp_url {
            crate::mail::transport::check_url(url)?;
        }
        let mail_from = settings.mail_from.parse().map_err(|_| {
            format!("BATON_MAIL_FROM is “{}”. Write it like Baton <baton@company.example>.", settings.mail_from)
        })?;
        let lmtp_listen =
            settings.lmtp_listen.as_deref().filter(|text| !text.is_empty()).map(lmtp_listen).transpose()?;
        let secret_key = settings.secret_key.as_deref().filter(|text| !text.is_empty()).map(secret_key).transpose()?;
        let clock_offset = clock_offset(settings.clock_offset.as_deref(), offset_allowed)?;
        Ok(Self {
            listen,
            data_dir: settings.data_dir.clone(),
            database,
            public_url,
            trusted_proxies,
            smtp_url,
            mail_from,
            lmtp_listen,
            secret_key,
            clock_offset,
        })
    }

    /// Makes the data folder and tries to write into it.
    ///
    /// # Errors
    /// A sentence, if it cannot be written.
    pub fn prepare_data_dir(&self) -> Result<(), String> {
        prepare(&self.data_dir, "BATON_DATA_DIR")?;
        if let DatabaseUrl::Sqlite(path) = &self.database
            && let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty())
        {
            prepare(folder, "DATABASE_URL")?;
        }
        Ok(())
    }
}

fn prepare(folder: &Path, setting: &str) -> Result<(), String> {
    let sentence = |error: std::io::Error| {
        format!(
            "The folder {} cannot be written ({error}). Give this user the right to write there, or set {setting} to another place.",
            folder.display()
        )
    };
    std::fs::create_dir_all(folder).map_err(sentence)?;
    let probe = folder.join(format!(".probe-{}", std::process::id()));
    std::fs::write(&probe, b"").map_err(sentence)?;
    std::fs::remove_file(&probe).map_err(sentence)
}

fn public_url(text: &str) -> Result<Url, String> {
    let wrong = || {
        format!("BATON_PUBLIC_URL is “{text}”. Write where people open Baton, like https://support.company.example.")
    };
    let url = Url::parse(text).map_err(|_| wrong())?;
    let plain = matches!(url.scheme(), "http" | "https") && url.host().is_some() && url.query().is_none();
    if plain && url.path() == "/" { Ok(url) } else { Err(wrong()) }
}

/// A secret of the environment.
#[derive(Clone)]
pub struct SecretKey(pub String);

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

fn secret_key(text: &str) -> Result<SecretKey, String> {
    if text.chars().count() < 32 {
        return Err("BATON_SECRET_KEY is too short. Write at least 32 random characters, such as `openssl rand -base64 32` makes.".to_owned());
    }
    Ok(SecretKey(text.to_owned()))
}

fn lmtp_listen(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| format!("BATON_LMTP_LISTEN is “{text}”. Write an address and a port, like 127.0.0.1:2424."))
}

fn clock_offset(text: Option<&str>, allowed: bool) -> Result<TimeDelta, String> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(TimeDelta::zero()) };
    if !allowed {
        return Err("BATON_CLOCK_OFFSET is for `baton demo` only. Unset it.".to_owned());
    }
    text.parse()
        .ok()
        .and_then(TimeDelta::try_seconds)
        .ok_or_else(|| format!("BATON_CLOCK_OFFSET is “{text}”. Write a number of seconds, like 3600."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            listen: "127.0.0.1:0".into(),
            data_dir: "data".into(),
            mail_from: "Baton <baton@localhost>".into(),
            ..Settings::default()
        }
    }

    #[test]
    fn without_any_setting_there_is_a_file() {
        let config = Config::check(&settings(), false).unwrap();
        assert_eq!(config.database, DatabaseUrl::Sqlite("data/baton.db".into()));
    }

    #[test]
    fn each_wrong_value_is_named_in_a_sentence() {
        let wrong: [(&str, fn(&mut Settings)); 10] = [
            ("BATON_LISTEN", |s| s.listen = "nowhere".into()),
            ("DATABASE_URL", |s| s.database_url = Some("mysql://x".into())),
            ("DATABASE_URL", |s| s.database_url = Some("postgres://".into())),
            ("BATON_PUBLIC_URL", |s| s.public_url = Some("support.example".into())),
            ("BATON_TRUSTED_PROXIES", |s| s.trusted_proxies = Some("10.0.0.1, my-proxy".into())),
            ("BATON_SMTP_URL", |s| s.smtp_url = Some("http://x".into())),
            ("BATON_MAIL_FROM", |s| s.mail_from = "nobody".into()),
            ("BATON_SECRET_KEY", |s| s.secret_key = Some("short".into())),
            ("BATON_LMTP_LISTEN", |s| s.lmtp_listen = Some("25".into())),
            ("BATON_CLOCK_OFFSET", |s| s.clock_offset = Some("3600".into())),
        ];
        for (name, change) in wrong {
            let mut settings = settings();
            change(&mut settings);
            let sentence = Config::check(&settings, false).unwrap_err();
            assert!(sentence.contains(name), "{sentence}");
            assert!(sentence.ends_with('.'), "{sentence}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let url = DatabaseUrl::parse("postgres://baton:secret@db.example/baton").unwrap();
        assert!(!format!("{url} {url:?}").contains("secret"));
    }
}
