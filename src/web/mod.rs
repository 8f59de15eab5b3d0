//! The door for browsers: routes, pages, forms, fragments.

pub mod assets;
pub mod csrf;
pub mod csv;
pub mod error;
pub mod extract;
pub mod forms;
pub mod headers;
pub mod identify;
pub mod pages;
pub mod reply;
pub mod routes;
pub mod session;
pub mod stale;
pub mod upload;
pub mod views;

use std::sync::Arc;

use url::Url;

use crate::domain::proxies::TrustedProxies;
use crate::store::Db;

/// What every handler can reach. One per instance; cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The database.
    pub db: Db,
    /// The base of every link that leaves the page.
    pub public_url: Arc<Url>,
    /// Whether that was set, rather than guessed from where Baton listens.
    pub public_url_is_set: bool,
    /// Whose word is taken for where a request comes from.
    pub trusted_proxies: Arc<TrustedProxies>,
    /// Where files of messages are kept.
    pub files: Arc<crate::files::Files>,
    /// Seals and opens the passwords of other servers.
    pub vault: crate::domain::vault::Vault,
    /// Whether mails leave the machine.
    pub smtp: bool,
    /// Wakes the background work when something was queued.
    pub wake: crate::tasks::Wake,
    /// Bounds how many passwords are hashed at once: each takes 19 MiB and 60 ms.
    pub hashing: Arc<tokio::sync::Semaphore>,
}

impl App {
    /// Where people open Baton, if that was set.
    #[must_use]
    pub fn set_url(&self) -> Option<&Url> {
        self.public_url_is_set.then_some(&*self.public_url)
    }

    /// Whether people reach this instance over TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.public_url.scheme() == "https"
    }
}
