//! `serve`, `demo`, `setup-link` and `doctor`.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use actix_web::HttpServer;
use url::Url;

use super::say;
use crate::config::{Config, DatabaseUrl};
use crate::files::Files;
use crate::mail::transport::Transport;
use crate::store::{Db, anywhere};
use crate::tasks::{self, Wake, lmtp};
use crate::web::App;
use crate::{app, demo as sample, telemetry};

/// Open pages have so many seconds to get their answer when the server is told to stop.
const GRACE: u64 = 10;

pub(super) fn serve(config: Config) -> Result<(), String> {
    telemetry::start();
    let db = super::open(&config)?;
    run(config, db, |base, db| Ok(new_setup_link(db, base)?.map(|link| format!("Set-up link: {link}"))))
}

pub(super) fn demo(mut config: Config, conversations: usize, seed: u64) -> Result<(), String> {
    telemetry::start();
    let folder = tempfile::tempdir().map_err(|error| format!("No temporary folder can be made: {error}."))?;
    config.data_dir = folder.path().to_owned();
    config.database = DatabaseUrl::Sqlite(folder.path().join("demo.db"));
    let db = super::open(&config)?;
    let logins = sample::fill(&db, seed, conversations).map_err(|failure| failure.to_string())?;
    run(config, db, move |_, _| Ok(Some(sample::print_logins(&logins))))
}

pub(super) fn setup_link(config: &Config) -> Result<(), String> {
    let db = super::open(config)?;
    let base = config.public_url.clone().map_or_else(|| base_of(config.listen), Ok)?;
    match new_setup_link(&db, &base)? {
        Some(link) => {
            say(&format!("Set-up link: {link}"));
            Ok(())
        }
        None => {
            Err("This installation is set up already. Log in, or use `baton workspace create` for one more workspace."
                .to_owned())
        }
    }
}

fn new_setup_link(db: &Db, base: &Url) -> Result<Option<String>, String> {
    let secret = db.new_secret();
    let made = db.anywhere_now(|ax| anywhere::insert_setup_link(ax, &secret)).map_err(|failure| failure.to_string())?;
    Ok(made.then(|| format!("{base}setup/{}", secret.reveal())))
}

fn base_of(address: std::net::SocketAddr) -> Result<Url, String> {
    Url::parse(&format!("http://{address}/")).map_err(|error| error.to_string())
}

fn listen(address: std::net::SocketAddr, setting: &str) -> Result<TcpListener, String> {
    TcpListener::bind(address).map_err(|error| {
        format!(
            "The address {address} cannot be listened on ({error}). Stop what uses it, or set {setting} to another one."
        )
    })
}

/// Runs until it is told to stop. `greet` says what a person needs, once the address is known.
fn run(config: Config, db: Db, greet: impl FnOnce(&Url, &Db) -> Result<Option<String>, String>) -> Result<(), String> {
    let listener = listen(config.listen, "BATON_LISTEN")?;
    let mail_listener = config.lmtp_listen.map(|address| listen(address, "BATON_LMTP_LISTEN")).transpose()?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let base = config.public_url.clone().map_or_else(|| base_of(address), Ok)?;
    let transport = Transport::new(config.smtp_url.as_deref(), &config.data_dir)?;
    let wake = Wake::default();
    let vault = app::vault(&db, config.secret_key.as_ref()).map_err(|failure| failure.to_string())?;
    let files = Arc::new(Files::new(&config.data_dir));
    let state = App {
        db: db.clone(),
        public_url: Arc::new(base.clone()),
        public_url_is_set: config.public_url.is_some(),
        trusted_proxies: Arc::new(config.trusted_proxies.clone()),
        files: Arc::clone(&files),
        vault: vault.clone(),
        smtp: transport.is_smtp(),
        wake: wake.clone(),
        hashing: app::hashing(),
    };
    // All that asks the database comes before the runtime, on whose threads nothing may block.
    let key = app::cookie_key(&db).map_err(|failure| failure.to_string())?;
    let greeting = greet(&base, &db)?;
    let served = actix_web::rt::System::new().block_on(async move {
        let sealed = db.clone();
        let context = tasks::Context {
            db: db.clone(),
            transport,
            mail_from: config.mail_from.clone(),
            public_url: Arc::new(base.clone()),
            files: Arc::clone(&files),
            vault,
            wake,
        };
        let server = HttpServer::new(move || app::build(state.clone(), key.clone(), true))
            .listen(listener)
            .map_err(|error| error.to_string())?
            .shutdown_timeout(GRACE)
            .run();
        say(&format!("Listening on http://{address}"));
        let door = lmtp::Door { db: db.clone(), files };
        let mail = mail_listener.map(|listener| lmtp::start(listener, door)).transpose();
        let mail = mail.map_err(|error| error.to_string())?;
        if let Some(mail) = &mail {
            say(&format!("Listening for mail (LMTP) on {}", mail.address()));
        }
        if let Some(greeting) = greeting {
            say(&greeting);
        }
        let background = tasks::start(&context);
        let live = context.db.live().clone();
        actix_web::rt::spawn(async move {
            told_to_stop().await;
            // Streams never end by themselves, and the server waits for its connections.
            live.close();
        });
        let ended = server.await.map_err(|error| error.to_string());
        if let Some(mail) = mail {
            mail.stop().await;
        }
        background.stop().await;
        // What was recorded last is sealed too, so that a stopped database can be checked as it is.
        let sealing = crate::store::db::blocking(move || tasks::audit::seal_all(&sealed)).await;
        if let Err(failure) = sealing {
            tracing::error!(error = %failure, "the last events could not be sealed");
        }
        ended
    });
    served.map_err(|error: String| format!("The server stopped: {error}"))
}

/// Waits for the signals at which the server stops, too.
async fn told_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminated.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

pub(super) fn doctor(config: &Config) -> Result<(), String> {
    let db = super::open(config)?;
    let kind = if config.database.is_postgres() { "PostgreSQL" } else { "SQLite" };
    say(&format!("Database: reachable and up to date ({kind})."));
    let workspaces = db.look_anywhere_now(anywhere::list_workspaces).map_err(|failure| failure.to_string())?;
    say(&format!("Workspaces: {}.", workspaces.len()));
    writable(&config.data_dir.join("files"))?;
    say("Files: the data folder can be written.");
    say(&proxies(config));
    match Transport::new(config.smtp_url.as_deref(), &config.data_dir)? {
        Transport::Smtp(smtp) => match actix_web::rt::System::new().block_on(smtp.test_connection()) {
            Ok(true) => say("Mail: the server answers."),
            Ok(false) | Err(_) => return Err("The mail server does not answer. Check BATON_SMTP_URL.".to_owned()),
        },
        Transport::Files(_) => say("Mail: no server is set; mails are kept in the outbox."),
    }
    say(&mail_in(config, &db)?);
    let shared = db.look_anywhere_now(anywhere::list_shared_addresses).map_err(|failure| failure.to_string())?;
    for address in shared {
        say(&format!(
            "Addresses: several channels have {address}, so mail to it is refused. Give each an address of its own in Settings → Channels."
        ));
    }
    let waiting = db.look_anywhere_now(crate::store::tasks::count).map_err(|failure| failure.to_string())?;
    say(&format!("Background work waiting: {waiting}."));
    Ok(())
}

/// How mail comes in, and whether it does.
fn mail_in(config: &Config, db: &Db) -> Result<String, String> {
    let (boxes, bad) =
        db.look_anywhere_now(crate::store::channel_mail::count).map_err(|failure| failure.to_string())?;
    let lmtp = config.lmtp_listen.map_or_else(|| "no LMTP".to_owned(), |address| format!("LMTP on {address}"));
    let sealed = if config.secret_key.is_some() { "BATON_SECRET_KEY" } else { "a key in the database" };
    let bad =
        if bad == 0 { String::new() } else { format!(", of which {bad} cannot be read: see Settings → Channels") };
    Ok(format!("Incoming mail: {lmtp}; {boxes} mailboxes by IMAP{bad}; passwords are sealed with {sealed}."))
}

/// Baton speaks HTTP only: behind `https` there is a proxy, and unless it is known all people seem to come from it.
fn proxies(config: &Config) -> String {
    let https = config.public_url.as_ref().is_some_and(|url| url.scheme() == "https");
    if !config.trusted_proxies.is_empty() {
        return format!("Proxies: X-Forwarded-For is believed from {}.", config.trusted_proxies.in_words());
    }
    let none = "Proxies: none is trusted";
    if https {
        format!(
            "{none}, so everybody behind the proxy in front seems to be at its address and is slowed down together. \
             Set BATON_TRUSTED_PROXIES to its address."
        )
    } else {
        format!("{none}; people’s addresses are those that connect.")
    }
}

fn writable(folder: &Path) -> Result<(), String> {
    std::fs::create_dir_all(folder).map_err(|error| {
        format!("The folder {} cannot be made ({error}). Give this user the right to write there.", folder.display())
    })
}
