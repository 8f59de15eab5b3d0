//! Who is in a team (T-2).

use baton::actions::{teams, users};
use baton::failure::Failure;
use baton::store;

use super::editing::edit_of;
use super::{refused, since};
use crate::support::on_both;

on_both! {
    fn only_who_can_log_in_joins_a_team(w: World) {
        let can = w.can(w.sven);
        w.deactivate(w.gus);
        let change = |change: teams::Change| w.by(w.sven, |tx| teams::change_members(tx, &can, w.support, &change));
        let add = |who| teams::Change { add: vec![who], ..teams::Change::default() };
        assert_eq!(refused(&w, || change(add(w.gus))), "Gus Garcia can’t log in, so they can’t join a team.");
        let events = w.events();
        assert_eq!(change(add(w.bob)).expect("he is in it"), 0);
        assert_eq!(w.events(), events, "nothing was to be done");
        let all = teams::Change { add: vec![w.rita], remove: vec![w.bob], leads: Some(vec![w.rita]) };
        assert_eq!(change(all).expect("a change"), 4);
        assert_eq!(since(&w, events), ["team.member_added", "team.member_removed", "team.lead_changed", "team.lead_changed"]);
        w.deactivate(w.agnes);
        assert_eq!(w.by(w.sven, |tx| teams::remove_inactive(tx, &can, w.support)).expect("to tidy up"), 1);
        let members = w.read(|rx| store::teams::list_members(rx, Some(w.support)));
        assert_eq!(members.iter().map(|one| one.user).collect::<Vec<_>>(), [w.rita]);
    }

    fn a_profile_that_was_opened_before_somebody_joined_a_team_does_not_take_them_out_again(w: World) {
        let (can, edit) = (w.can(w.olga), w.can(w.olga));
        let manage = w.can(w.olga);
        let save = |form: &users::Edit| w.by(w.olga, |tx| users::update(tx, &edit, w.rita, form)).map(|_| ());
        let form = |teams| users::Edit { teams: Some(teams), ..edit_of(&w, w.rita) };
        let change = |change: teams::Change| {
            w.by(w.olga, |tx| teams::change_members(tx, &can, w.support, &change)).expect("a change")
        };
        let is_in = || w.read(|rx| store::teams::list_of_users(rx, &[w.rita])).remove(&w.rita).unwrap_or_default();

        let opened = form(vec![]);
        change(teams::Change { add: vec![w.rita], ..teams::Change::default() });
        assert!(matches!(save(&opened), Err(Failure::Stale)));
        assert_eq!(is_in(), [w.support]);
        save(&form(vec![w.support])).expect("a form that knows of it");

        let opened = form(vec![w.support]);
        change(teams::Change { remove: vec![w.rita], ..teams::Change::default() });
        assert!(matches!(save(&opened), Err(Failure::Stale)));
        assert!(is_in().is_empty());

        // Who was where they were to be, or only leads, has the same profile as before.
        change(teams::Change { add: vec![w.rita], ..teams::Change::default() });
        let opened = form(vec![w.support]);
        assert_eq!(change(teams::Change { add: vec![w.rita], ..teams::Change::default() }), 0);
        change(teams::Change { leads: Some(vec![w.rita]), ..teams::Change::default() });
        save(&opened).expect("nothing of it changed");

        let opened = form(vec![w.support]);
        w.by(w.olga, |tx| teams::delete(tx, &manage, w.support)).expect("an empty team");
        assert!(matches!(save(&opened), Err(Failure::Stale)), "the team is gone");
    }
}
