//! actix-session over Baton's own table, so that ending sessions is part of the transaction that deactivates a user.
//!
//! Only people who are logged in have a session. What it keeps besides them is the secret of their forms and the notice
//! that the next page shows.

use std::cell::RefCell;
use std::collections::HashMap;

use actix_session::storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError};
use actix_web::body::MessageBody;
use actix_web::cookie::time::Duration;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use anyhow::anyhow;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::ids::{SessionId, UserId, WorkspaceId};
use crate::domain::logins::session_lives;
use crate::domain::secrets::hash;
use crate::failure::Failure;
use crate::store::roster::{self, Surroundings};
use crate::store::{Db, anywhere};

/// The key of a session that was opened just now: it goes into the cookie when the answer is sent.
pub(super) const LOGIN: &str = "login";
/// The row that a request came with.
pub(super) const FOUND: &str = "found";
/// The secret of the person's forms.
pub(super) const CSRF: &str = "csrf";
/// What the next page says.
pub(super) const NOTICE: &str = "notice";

tokio::task_local! {
    /// What was read together with the session of this request: a session's memory holds words only.
    static AROUND: RefCell<Option<Surroundings>>;
}

/// Gives a request a place for what is read together with its session.
///
/// # Errors
/// Whatever the handlers answer.
pub async fn with_slot(
    req: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    AROUND.scope(RefCell::new(None), next.call(req)).await
}

/// Takes what was read together with the session.
pub(super) fn take_around() -> Option<Surroundings> {
    AROUND.try_with(RefCell::take).ok().flatten()
}

/// A session that was found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// Which.
    pub id: SessionId,
    /// The workspace.
    pub workspace: WorkspaceId,
    /// Who is logged in.
    pub user: UserId,
    /// Their full name.
    pub full_name: String,
    /// Their display name.
    pub display_name: String,
    /// Their own time zone (IANA), if they set one.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// Whether single letters are shortcuts for them.
    #[serde(default)]
    pub shortcuts: bool,
    /// When the session was last noted as used.
    pub last_seen_at: DateTime<Utc>,
}

/// The store that actix-session asks.
#[derive(Clone)]
pub struct Sessions {
    db: Db,
}

impl Sessions {
    /// Sessions in this database.
    #[must_use]
    pub const fn new(db: Db) -> Self {
        Self { db }
    }

    async fn on_thread<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Db) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, anyhow::Error> {
        let db = self.db.clone();
        crate::store::db::blocking(move || f(&db)).await.map_err(|failure| anyhow!(failure.to_string()))
    }
}

/// What of a session's memory is worth a column.
fn memory(state: &HashMap<String, String>) -> String {
    let kept: HashMap<&str, &String> =
        [CSRF, NOTICE].iter().filter_map(|name| Some((*name, state.get(*name)?))).collect();
    serde_json::to_string(&kept).unwrap_or_default()
}

impl SessionStore for Sessions {
    async fn load(&self, key: &SessionKey) -> Result<Option<HashMap<String, String>>, LoadError> {
        let key_hash = hash(key.as_ref());
        let found = self
            .on_thread(move |db| {
                let now = db.now();
                db.look_anywhere_now(|ax| {
                    let found = anywhere::find_session(ax, &key_hash)?;
                    let Some(found) = found.filter(|one| session_lives(one.created_at, one.last_seen_at, now)) else {
                        return Ok(None);
                    };
                    let mut within = ax.within(found.workspace);
                    let around = roster::find_around(db, &mut within, found.user, found.stamped.clone())?;
                    Ok(Some((found, around)))
                })
            })
            .await
            .map_err(LoadError::Other)?;
        let Some((found, around)) = found else { return Ok(None) };
        // Without a slot, whoever asks for it looks for themselves.
        let _ = AROUND.try_with(|slot| slot.replace(Some(around)));
        let mut state: HashMap<String, String> =
            serde_json::from_str(&found.state).map_err(|error| LoadError::Deserialization(error.into()))?;
        let entry = Entry {
            id: found.id,
            workspace: found.workspace,
            user: found.user,
            full_name: found.name.full,
            display_name: found.name.display,
            time_zone: found.time_zone,
            shortcuts: found.shortcuts,
            last_seen_at: found.last_seen_at,
        };
        let entry = serde_json::to_string(&entry).map_err(|error| LoadError::Deserialization(error.into()))?;
        state.insert(FOUND.to_owned(), entry);
        Ok(Some(state))
    }

    // Whatever lets people in has written the row. One that was ended since is not written again.
    async fn save(&self, state: HashMap<String, String>, _: &Duration) -> Result<SessionKey, SaveError> {
        let key = state.get(LOGIN).ok_or_else(|| SaveError::Other(anyhow!("nobody is logging in")))?;
        let key: String = serde_json::from_str(key).map_err(|error| SaveError::Serialization(error.into()))?;
        let (key_hash, memory) = (hash(&key), memory(&state));
        self.on_thread(move |db| db.anywhere_now(|ax| anywhere::set_session_state(ax, &key_hash, &memory)))
            .await
            .map_err(SaveError::Other)?;
        key.try_into().map_err(|_| SaveError::Other(anyhow!("the key is too long")))
    }

    async fn update(
        &self,
        key: SessionKey,
        state: HashMap<String, String>,
        _: &Duration,
    ) -> Result<SessionKey, UpdateError> {
        let (key_hash, memory) = (hash(key.as_ref()), memory(&state));
        self.on_thread(move |db| db.anywhere_now(|ax| anywhere::set_session_state(ax, &key_hash, &memory)))
            .await
            .map_err(UpdateError::Other)?;
        Ok(key)
    }

    // Its life is bounded by columns, whatever the cookie says.
    async fn update_ttl(&self, _: &SessionKey, _: &Duration) -> Result<(), anyhow::Error> {
        Ok(())
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), anyhow::Error> {
        let key_hash = hash(key.as_ref());
        self.on_thread(move |db| db.anywhere_now(|ax| anywhere::delete_session(ax, &key_hash))).await
    }
}
