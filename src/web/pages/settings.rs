//! Settings as such: they begin with the first page that one may see.

use crate::web::error::WebError;
use crate::web::extract::Viewer;
use crate::web::reply::{Reply, see_other};
use crate::web::views::chrome::settings;

/// Leads there.
///
/// # Errors
/// [`WebError::Forbidden`] for who may see none.
pub async fn index(viewer: Viewer) -> Reply {
    let start = settings(viewer.known.person.permissions).ok_or(WebError::Forbidden(None))?;
    Ok(see_other(start))
}
