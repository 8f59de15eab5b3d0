//! Who is in a team (T-2).

use baton::actions::teams;
use baton::store;

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
}
