//! Who was quicker: the sentence of a page that shows what is no longer so.

use super::error::WebError;
use super::extract::Viewer;
use crate::domain::ids::{ContactId, TeamId, UserId};
use crate::failure::Failure;
use crate::store::audit::Recorded;
use crate::store::{self, Rx};

/// What happens to a person without changing what their page shows in its fields.
const QUIET: [&str; 6] = [
    "user.logged_in",
    "user.logged_out",
    "sessions.ended",
    "password.reset_asked",
    "invite.resent",
    "invite.link_copied",
];

/// Who changed a person meanwhile.
///
/// # Errors
/// Trouble with the database.
pub async fn user_changed(viewer: &Viewer, id: UserId, what: &str) -> Result<String, WebError> {
    let find = move |rx: &mut Rx| {
        let events = store::audit::list_about_user(rx, id, 20)?;
        Ok(events.into_iter().find(|event| !QUIET.contains(&event.name.as_str())))
    };
    changed(viewer, find, what).await
}

/// Who changed a team, or who is in it, meanwhile.
///
/// # Errors
/// Trouble with the database.
pub async fn team_changed(viewer: &Viewer, id: TeamId) -> Result<String, WebError> {
    changed(viewer, move |rx| store::audit::find_latest_of_team(rx, id), "this team").await
}

/// Who changed a contact meanwhile.
///
/// # Errors
/// Trouble with the database.
pub async fn contact_changed(viewer: &Viewer, id: ContactId) -> Result<String, WebError> {
    changed(viewer, move |rx| store::audit::find_latest_of_contact(rx, id), "this contact").await
}

async fn changed<F>(viewer: &Viewer, find: F, what: &str) -> Result<String, WebError>
where
    F: FnOnce(&mut Rx) -> Result<Option<Recorded>, Failure> + Send + 'static,
{
    let by = viewer
        .read(move |rx| match find(rx)?.and_then(|event| event.actor) {
            Some(actor) => Ok(store::users::find(rx, actor)?.map(|user| (user.id, user.name.full))),
            None => Ok(None),
        })
        .await?;
    let by = match by {
        Some((id, _)) if id == viewer.known.person.id => "You".to_owned(),
        Some((_, name)) => name,
        None => "Somebody else".to_owned(),
    };
    Ok(format!("{by} changed {what} meanwhile. Look at it again, then repeat your change."))
}
