//! What people change about themselves (U-15). None of it needs a permission: it is their own.

use crate::domain::audit::Event;
use crate::domain::profiles::Preferences;
use crate::domain::users::Name;
use crate::failure::Failure;
use crate::store::{self, Recorded, Tx};

/// What the own profile says.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The version that was edited; another one now means that somebody else was quicker.
    pub version: i64,
    /// The names.
    pub name: Name,
    /// How Baton is to be.
    pub preferences: Preferences,
}

/// Changes one's own names and preferences.
///
/// # Errors
/// [`Failure::Stale`], [`Failure::NotFound`] if nobody acts, or trouble with the database.
pub fn update(tx: &mut Tx, profile: &Profile) -> Result<Recorded<()>, Failure> {
    let id = tx.actor().user().ok_or(Failure::NotFound)?;
    let user = store::users::lock(tx, id)?;
    if user.version != profile.version {
        return Err(Failure::Stale);
    }
    let mut events = super::users::set_identity(tx, &user, &user.email, &profile.name)?;
    let held = store::preferences::find(tx, id)?;
    let wanted = profile.preferences;
    let changes = [
        ("time_zone", held.time_zone != wanted.time_zone),
        ("language", held.language != wanted.language),
        ("shortcuts", held.shortcuts != wanted.shortcuts),
    ];
    let fields: Vec<&'static str> = changes.iter().filter(|(_, changed)| *changed).map(|(field, _)| *field).collect();
    if !fields.is_empty() {
        store::preferences::set_all(tx, id, &wanted)?;
        events.push(Event::UserUpdated { user: id, fields });
    }
    tx.record_all(events)
}
