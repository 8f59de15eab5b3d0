//! What happens at its time, by the model's rules.

use baton::domain::ids::UserId;
use baton::domain::users::Status;
use chrono::{DateTime, Utc};

use super::place::{Noted, Person, Place, Power};
use super::rules::depart;

/// Whether whoever planned that somebody leaves might still do it; of who was removed there is nothing left to judge by.
fn may_still(place: &Place, one: &Person) -> bool {
    match one.set_by.and_then(|by| place.get(by)) {
        Some(planner) if planner.is_gone() => !one.is_owner(),
        Some(planner) => {
            planner.may(Power::LookAfterPeople)
                && (planner.is_owner() || !one.is_owner())
                && one.roles.iter().all(|role| planner.covers(*role))
        }
        None => true,
    }
}

/// What falls due in both workspaces: departures first, the longest due first.
pub fn pass(places: &mut [Place; 2], now: DateTime<Utc>) -> [Vec<Noted>; 2] {
    let mut noted = [Vec::new(), Vec::new()];
    let due = |at: Option<DateTime<Utc>>| at.filter(|at| *at <= now);
    let everybody = |places: &[Place; 2], at: fn(&Person) -> Option<DateTime<Utc>>| {
        let mut found: Vec<(DateTime<Utc>, UserId, usize)> = Vec::new();
        for (which, place) in places.iter().enumerate() {
            found.extend(place.people.iter().filter_map(|one| Some((due(at(one))?, one.id, which))));
        }
        found.sort_unstable();
        found
    };
    for (_, who, which) in everybody(places, |one| one.starts_at.filter(|_| !one.refused)) {
        let place = &places[which];
        let one = place.get(who).expect("somebody");
        let barred = place.is_last_owner(one) || !may_still(place, one);
        let one = places[which].get_mut(who);
        if barred {
            one.refused = true;
            noted[which].push(("user.deactivation_refused", Some(who)));
        } else {
            let (reason, returns_at) = (one.reason, one.returns_at);
            noted[which].extend(depart(one, reason, returns_at));
        }
    }
    for (_, who, which) in everybody(places, |one| one.returns_at.filter(|_| one.status == Status::Inactive)) {
        let one = places[which].get_mut(who);
        one.forget_plans();
        one.status = Status::Active;
        noted[which].push(("user.reactivated", Some(who)));
    }
    noted
}
