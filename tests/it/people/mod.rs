//! People come and go: invited, deactivated, reactivated, edited – with everything as it was, and a trail of each.

mod absences;
mod editing;
mod inactivity;
mod invite_lists;
mod inviting;
mod leaving;
mod removing;
mod retention;
mod roles;
mod teams;
mod trouble;

use baton::failure::Failure;

use crate::support::World;

/// The sentence of a refusal; and that it left no trace.
pub fn refused<T: std::fmt::Debug>(w: &World, ask: impl FnOnce() -> Result<T, Failure>) -> String {
    let events = w.events();
    match ask() {
        Err(Failure::Refused(refusal)) => {
            assert_eq!(w.events(), events, "a refusal leaves no event");
            refusal.to_string()
        }
        other => panic!("not refused: {other:?}"),
    }
}

/// What was recorded since, oldest first.
pub fn since(w: &World, events: i64) -> Vec<String> {
    let mut names = w.trail(w.events() - events);
    names.reverse();
    names
}
