//! What handlers take: who is asking, the proof that they may, the form that was posted.

use std::marker::PhantomData;
use std::pin::Pin;

use actix_session::{Session, SessionExt as _};
use actix_web::dev::Payload;
use actix_web::http::header::HeaderMap;
use actix_web::{FromRequest, HttpRequest, web};
use serde::de::DeserializeOwned;

use super::error::WebError;
use super::identify::{self, Known};
use super::{App, csrf};
use crate::domain::access::{Can, Key, Permission, Scope, Sees};
use crate::failure::Failure;
use crate::store::{Db, Recorded, Rx, Tx};

/// Whether htmx asks for a piece of a page. Going back in the history, it asks for the whole page.
#[must_use]
pub fn is_fragment(headers: &HeaderMap) -> bool {
    headers.contains_key("hx-request")
        && !headers.contains_key("hx-history-restore-request")
        && !headers.contains_key("hx-boosted")
}

/// Whether an open page asks by itself, because something changed. That is no visit of the person's.
#[must_use]
pub fn is_live(headers: &HeaderMap) -> bool {
    headers.contains_key("baton-live")
}

/// A request with who is asking: everything that a page of a logged-in person needs.
#[derive(Clone)]
pub struct Viewer {
    /// Who, where, as whom.
    pub known: Known,
    /// The request.
    pub req: HttpRequest,
    /// The program.
    pub app: web::Data<App>,
}

impl Viewer {
    /// The database.
    #[must_use]
    pub fn db(&self) -> &Db {
        &self.app.db
    }

    /// Everything is done in this scope.
    #[must_use]
    pub const fn scope(&self) -> &Scope {
        &self.known.scope
    }

    /// Which conversations they may see.
    #[must_use]
    pub fn sees(&self) -> Sees {
        Sees::of(&self.known.scope.actor)
    }

    /// Reads in their workspace.
    ///
    /// # Errors
    /// As [`Db::read`].
    pub async fn read<T, F>(&self, f: F) -> Result<T, WebError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Rx) -> Result<T, Failure> + Send + 'static,
    {
        Ok(self.db().read(self.scope(), f).await?)
    }

    /// Does a unit of work as them.
    ///
    /// # Errors
    /// As [`Db::write`].
    pub async fn write<T, F>(&self, f: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx) -> Result<Recorded<T>, Failure> + Send + 'static,
    {
        self.db().write(self.scope(), f).await
    }

    /// The proof of a permission, if they have it: for pages that show more to some.
    #[must_use]
    pub fn can<P: Permission>(&self) -> Option<Can<P>> {
        Can::check(self.scope())
    }

    /// The proof of a permission, or a refusal.
    ///
    /// # Errors
    /// [`WebError::Forbidden`].
    pub fn must<P: Permission>(&self) -> Result<Can<P>, WebError> {
        self.can().ok_or(WebError::Forbidden(Some(P::KEY)))
    }

    /// The session, for its notices.
    #[must_use]
    pub fn session(&self) -> Session {
        self.req.get_session()
    }
}

fn viewer(req: &HttpRequest) -> Result<Viewer, WebError> {
    let known = identify::of(req)?.known.ok_or(WebError::LogIn)?;
    let app = req.app_data::<web::Data<App>>().cloned().ok_or(Failure::Bug("no app"))?;
    Ok(Viewer { known, req: req.clone(), app })
}

impl FromRequest for Viewer {
    type Error = WebError;
    type Future = std::future::Ready<Result<Self, WebError>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(viewer(req))
    }
}

/// A request of somebody who has a permission. Taking it is the check.
pub struct May<P> {
    /// Who is asking.
    pub viewer: Viewer,
    /// The proof.
    pub can: Can<P>,
}

impl<P: Permission> FromRequest for May<P> {
    type Error = WebError;
    type Future = std::future::Ready<Result<Self, WebError>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(viewer(req).and_then(|viewer| Ok(Self { can: viewer.must()?, viewer })))
    }
}

/// A request of somebody who may see conversations at all, be it all of them or their own.
pub struct Seeing(pub Viewer);

impl FromRequest for Seeing {
    type Error = WebError;
    type Future = std::future::Ready<Result<Self, WebError>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let seeing = viewer(req).and_then(|viewer| match viewer.sees() {
            Sees::Nothing => Err(WebError::Forbidden(Some(Key::ConversationsViewOwn))),
            Sees::All | Sees::Own { .. } => Ok(Self(viewer)),
        });
        std::future::ready(seeing)
    }
}

/// A posted form with a token that fits. Every handler of a POST takes one, if only an empty one.
pub struct Form<T>(pub T);

/// A form without fields.
#[derive(serde::Deserialize)]
pub struct Empty {}

/// Whoever may write something in a conversation: replies or notes.
pub struct Composing(pub Viewer);

impl FromRequest for Composing {
    type Error = WebError;
    type Future = std::future::Ready<Result<Self, WebError>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let composing = viewer(req).and_then(|viewer| {
            let may = viewer.known.person.permissions;
            if may.has(Key::ConversationsReply) || may.has(Key::NotesWrite) {
                return Ok(Self(viewer));
            }
            Err(WebError::Forbidden(Some(Key::ConversationsReply)))
        });
        std::future::ready(composing)
    }
}

/// The most bytes that a form may have.
pub const FORM_LIMIT: usize = 1_500_000;

#[derive(serde::Deserialize)]
struct Token {
    #[serde(default)]
    csrf_token: String,
}

/// Refuses a form that was not posted from one of our own pages (S-7). The token may stand in a header instead.
///
/// # Errors
/// [`WebError::Forged`].
pub fn check_origin(req: &HttpRequest, token: &str) -> Result<(), WebError> {
    let app = req.app_data::<web::Data<App>>().ok_or(WebError::Failure(Failure::Bug("no app")))?;
    let in_header = req.headers().get("x-csrf-token").and_then(|value| value.to_str().ok());
    let fits = csrf::fits(&identify::of(req)?.csrf, in_header.unwrap_or(token));
    if !csrf::is_same_origin(req.headers(), app.set_url()) {
        return Err(WebError::Elsewhere(app.set_url().map(ToString::to_string)));
    }
    if fits { Ok(()) } else { Err(WebError::Forged) }
}

impl<T: DeserializeOwned + 'static> FromRequest for Form<T> {
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, actix_web::Error>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = web::Bytes::from_request(req, payload);
        let req = req.clone();
        Box::pin(async move {
            let bytes = bytes.await?;
            let unreadable = WebError::BadForm("The form could not be read. Go back and send it again.");
            let token = serde_html_form::from_bytes::<Token>(&bytes).map(|token| token.csrf_token).unwrap_or_default();
            check_origin(&req, &token)?;
            serde_html_form::from_bytes(&bytes).map(Form).map_err(|_| unreadable.into())
        })
    }
}

/// The query of an address. Anything may stand in it; what cannot be read is as if it were not there.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + Default + 'static> FromRequest for Query<T> {
    type Error = WebError;
    type Future = std::future::Ready<Result<Self, WebError>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(Ok(Self(serde_html_form::from_str(req.query_string()).unwrap_or_default())))
    }
}

/// An id in a path. What is no id is an unknown one.
pub struct Id<T>(pub T, PhantomData<T>);

impl<T: std::str::FromStr + 'static> FromRequest for Id<T> {
    type Error = WebError;
    type Future = std::future::Ready<Result<Self, WebError>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = req.match_info().get("id").and_then(|text| text.parse().ok());
        std::future::ready(id.map(|id| Self(id, PhantomData)).ok_or(WebError::NotFound))
    }
}
