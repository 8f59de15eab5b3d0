//! What happened to a role, in words.

use crate::domain::access::Key;
use crate::store::audit::Recorded;

/// A recorded event about a role, in a few words.
#[must_use]
pub fn words(event: &Recorded) -> String {
    match event.name.as_str() {
        "role.created" => "Role made".to_owned(),
        "role.updated" => changed(event),
        _ => "Role deleted".to_owned(),
    }
}

fn changed(event: &Recorded) -> String {
    let (before, after) = (keys(event, "before"), keys(event, "after"));
    let only = |these: &[Key], those: &[Key]| -> Vec<&'static str> {
        these.iter().filter(|key| !those.contains(key)).map(|key| key.meaning()).collect()
    };
    let (added, taken) = (only(&after, &before), only(&before, &after));
    let mut parts = Vec::new();
    if !added.is_empty() {
        parts.push(format!("Allowed: {}", added.join("; ")));
    }
    if !taken.is_empty() {
        parts.push(format!("No longer allowed: {}", taken.join("; ")));
    }
    let says =
        |field: &str| event.detail("fields").as_array().is_some_and(|fields| fields.iter().any(|one| one == field));
    if says("name") {
        parts.push("Renamed".to_owned());
    }
    if says("description") {
        parts.push("Description changed".to_owned());
    }
    parts.join(". ")
}

fn keys(event: &Recorded, name: &str) -> Vec<Key> {
    event.detail(name).as_array().into_iter().flatten().filter_map(|key| Key::parse(key.as_str()?)).collect()
}
