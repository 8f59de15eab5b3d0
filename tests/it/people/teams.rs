//! Who is in a team (T-2).

use baton::actions::{bulk, profiles, team_members, teams, users};
use baton::domain::access::{Can, Sees, channels, conversations, handovers, teams as may};
use baton::domain::assignment::Target;
use baton::domain::conversations::{Status, StatusChange};
use baton::domain::ids::JobId;
use baton::domain::profiles::{Language, Preferences};
use baton::domain::roles::Standard;
use baton::domain::users::Status as UserStatus;
use baton::failure::Failure;
use baton::store;

use super::editing::edit_of;
use super::{refused, since};
use crate::support::{World, on_both};

fn run(w: &World, job: JobId) {
    while !w.system_does(|tx| bulk::run_chunk(tx, job)).ended {}
}

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
        let all = teams::Change { add: vec![w.rita], remove: vec![w.bob], leads: Some(vec![w.rita]), led: None };
        assert_eq!(change(all).expect("a change"), 4);
        assert_eq!(since(&w, events), ["team.member_added", "team.member_removed", "team.lead_changed", "team.lead_changed"]);
        w.deactivate(w.agnes);
        let tidy = |tidying: &team_members::Tidying| {
            w.by(w.sven, |tx| team_members::remove_inactive(tx, &can, None, w.support, tidying))
        };
        let others = team_members::Tidying { expected: Some(vec![w.gus]), target: None };
        assert!(matches!(tidy(&others), Err(Failure::Stale)), "whom the page named is not who leaves");
        let shown = team_members::Tidying { expected: Some(vec![w.agnes]), target: None };
        assert_eq!(tidy(&shown).expect("to tidy up").people, 1);
        assert_eq!(tidy(&team_members::Tidying::default()).expect("nothing to do").people, 0);
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

    fn the_only_lead_goes_only_when_somebody_else_leads(w: World) {
        let can: Can<may::EditMembers> = w.can(w.sven);
        let leave = |who, successor| w.by(who, |tx| team_members::leave(tx, w.support, successor));
        let only = "Agnes Arndt is the only lead of Support. Choose another lead first.";
        assert_eq!(refused(&w, || leave(w.agnes, None)), only);
        // Who leaves without being missed as a lead makes nobody one.
        let nora = w.newcomer("Nora New", Standard::Agent, UserStatus::Active);
        w.system_does(|tx| {
            store::teams::insert_member(tx, w.support, nora)?;
            Ok(tx.unrecorded((), "a test sets the scene"))
        });
        let events = w.events();
        leave(nora, Some(w.bob)).expect("to leave");
        assert_eq!(since(&w, events), ["team.member_removed"]);
        assert_eq!(refused(&w, || leave(w.agnes, Some(w.sven))), "Choose an active member of Support as its lead.");
        assert_eq!(refused(&w, || leave(w.agnes, Some(w.agnes))), "Choose an active member of Support as its lead.");
        let remove = teams::Change { remove: vec![w.agnes], ..teams::Change::default() };
        assert_eq!(refused(&w, || w.by(w.sven, |tx| teams::change_members(tx, &can, w.support, &remove))), only);
        let events = w.events();
        assert_eq!(leave(w.agnes, Some(w.bob)).expect("to leave").team, "Support");
        assert_eq!(since(&w, events), ["team.lead_changed", "team.member_removed"]);
        let again = leave(w.agnes, None);
        assert!(matches!(again, Err(Failure::NotFound)), "{again:?}");
        let foreign = w.by(w.agnes, |tx| team_members::leave(tx, w.other.team, None));
        assert!(matches!(foreign, Err(Failure::NotFound)), "{foreign:?}");
        // Whoever is left alone has nobody to lead.
        leave(w.bob, None).expect("the last one goes");
        assert!(w.read(|rx| store::teams::list_members(rx, Some(w.support))).is_empty());
    }

    fn leaving_moves_what_is_held_of_the_team_if_that_is_chosen(w: World) {
        w.conversations(&vec![w.draft().team(w.support).assignee(w.bob); 3]);
        w.conversations(&[w.draft().team(w.returns).assignee(w.bob), w.draft().assignee(w.bob)]);
        let can: Can<may::EditMembers> = w.can(w.sven);
        let run: Can<handovers::Run> = w.can(w.sven);
        let leaving = team_members::Leaving { user: w.bob, successor: None, target: Some(Target::User(w.agnes)) };
        let own = team_members::Leaving { target: Some(Target::User(w.bob)), ..leaving };
        refused(&w, || w.by(w.sven, |tx| team_members::remove(tx, &can, Some(&run), w.support, own)));
        let left = w.by(w.sven, |tx| team_members::remove(tx, &can, Some(&run), w.support, leaving)).expect("to leave");
        let job = left.job.expect("a job");
        while !w.system_does(|tx| baton::actions::bulk::run_chunk(tx, job)).ended {}
        let job = w.read(|rx| store::bulk_jobs::find(rx, job)).expect("the job");
        assert_eq!((job.total, job.done, job.origin), (3, 3, store::bulk_jobs::Origin::TeamRemoval(w.bob)));
        let held = w.read(|rx| store::counts::find(rx, &[Status::Open], &Sees::All)).by_person(Status::Open);
        assert_eq!((held[&w.bob], held[&w.agnes]), (2, 3), "what he held elsewhere stays");
        // Without a choice nothing moves (T-3).
        let can: Can<may::EditMembers> = w.can(w.sven);
        let leaving = team_members::Leaving { user: w.agnes, successor: None, target: None };
        let left = w.by(w.sven, |tx| team_members::remove(tx, &can, None, w.support, leaving)).expect("the last one");
        assert!(left.job.is_none());
        assert_eq!(w.read(|rx| store::counts::find(rx, &[Status::Open], &Sees::All)).by_person(Status::Open)[&w.agnes], 3);
    }

    fn a_team_is_closed_at_once_and_a_job_moves_what_names_it(w: World) {
        let can: Can<may::Manage> = w.can(w.ada);
        w.conversations(&[
            w.draft().team(w.support).assignee(w.bob),
            w.draft().team(w.support).now(StatusChange::Close),
            w.draft().team(w.returns),
        ]);
        let delete = |to| w.by(w.ada, |tx| teams::delete_into(tx, &can, w.support, to));
        assert!(refused(&w, || delete(None)).starts_with("2 conversations still hold"));
        assert_eq!(refused(&w, || delete(Some(w.support))), "Choose another team for what this one holds.");
        let foreign = delete(Some(w.other.team));
        assert!(matches!(foreign, Err(Failure::NotFound)), "{foreign:?}");
        let events = w.events();
        let job = delete(Some(w.returns)).expect("to delete").job.expect("a job");
        assert_eq!(since(&w, events), ["bulk.started", "team.deleted"]);
        assert!(w.read(|rx| store::teams::find(rx, w.support)).is_none(), "it is closed before anything has moved");
        assert!(w.read(store::teams::list).iter().all(|team| team.id != w.support));
        let (_, number) = w.conversation(&w.draft());
        let assign: Can<conversations::Assign> = w.can(w.ada);
        let given = w.by(w.ada, |tx| {
            baton::actions::conversations::assign(tx, &assign, number, Target::Team(w.support))
        });
        assert!(matches!(given, Err(Failure::NotFound)), "it gets nothing more: {given:?}");
        let busy = || w.by(w.ada, |tx| teams::delete(tx, &can, w.returns));
        assert!(refused(&w, busy).contains("still being moved to this team"));
        let events = w.events();
        run(&w, job);
        assert_eq!(since(&w, events), ["conversation.assigned", "conversation.assigned", "bulk.finished"]);
        let held = w.read(|rx| store::counts::find(rx, &[Status::Open, Status::Closed], &Sees::All));
        assert_eq!((held.by_team(Status::Open)[&w.returns], held.by_team(Status::Closed)[&w.returns]), (2, 1));
        assert_eq!(held.by_person(Status::Open)[&w.bob], 1, "who holds them stays the same");
        // Undoing it brings back the team, its members and what it held; what was touched since stays.
        let bulk: Can<conversations::Bulk> = w.can(w.ada);
        let members = w.read(|rx| store::teams::list_members(rx, Some(w.support))).len();
        let events = w.events();
        let undo = w.by(w.ada, |tx| bulk::undo(tx, &bulk, job)).expect("to undo");
        assert_eq!(since(&w, events), ["team.restored", "bulk.undone", "bulk.started"]);
        run(&w, undo.job);
        let held = w.read(|rx| store::counts::find(rx, &[Status::Open, Status::Closed], &Sees::All));
        assert_eq!((held.by_team(Status::Open)[&w.support], held.by_team(Status::Closed)[&w.support]), (1, 1));
        assert_eq!(held.by_person(Status::Open)[&w.bob], 1);
        assert_eq!(w.read(|rx| store::teams::list_members(rx, Some(w.support))).len(), members);
        assert_eq!(w.read(|rx| store::teams::find(rx, w.support)).expect("back").name, "Support");
    }

    fn what_comes_to_a_closed_team_meanwhile_follows_and_the_team_goes_when_it_cant_come_back(w: World) {
        let can: Can<may::Manage> = w.can(w.ada);
        w.conversation(&w.draft().team(w.support));
        let job = w.by(w.ada, |tx| teams::delete_into(tx, &can, w.support, Some(w.returns))).expect("to delete").job;
        // Its channel was read before the team was closed.
        w.conversation(&w.draft().team(w.support));
        run(&w, job.expect("a job"));
        while w.db.anywhere_now(store::tasks::claim).expect("a task").is_some_and(|claimed| {
            let store::tasks::Task::RunBulk(next) = claimed.task;
            if claimed.workspace == w.workspace {
                run(&w, next);
            }
            w.db.anywhere_now(|ax| store::tasks::delete(ax, claimed.id)).is_ok()
        }) {}
        assert_eq!(w.read(|rx| store::team_closing::count_left(rx, w.support)), 0);
        let tidy = || w.db.anywhere_now(store::team_closing::delete_closed).expect("to tidy");
        assert_eq!(tidy(), 0, "it can still come back");
        w.later(chrono::TimeDelta::days(8));
        assert_eq!(tidy(), 1);
        let bulk: Can<conversations::Bulk> = w.can(w.ada);
        let late = w.by(w.ada, |tx| bulk::undo(tx, &bulk, job.expect("a job")));
        assert!(late.is_err(), "{late:?}");
    }

    fn a_channel_that_sends_to_a_deleted_team_is_changed_visibly_and_changed_back(w: World) {
        let can: Can<may::Manage> = w.can(w.ada);
        let edit: Can<channels::Manage> = w.can(w.ada);
        let channel = w.read(store::channels::list).remove(0);
        let wanted = baton::actions::channels::Edit {
            version: channel.version,
            name: channel.name.clone(),
            address: channel.address.clone(),
            default: Target::Team(w.support),
        };
        w.by(w.ada, |tx| baton::actions::channels::update(tx, &edit, channel.id, &wanted)).expect("a default");
        let now = || w.read(|rx| store::channels::find(rx, channel.id)).expect("the channel");
        let version = now().version;
        w.conversation(&w.draft().team(w.support));
        let events = w.events();
        let job = w.by(w.ada, |tx| teams::delete_into(tx, &can, w.support, Some(w.returns))).expect("to delete").job;
        assert_eq!(since(&w, events), ["channel.updated", "bulk.started", "team.deleted"]);
        assert_eq!((now().default_team, now().version), (Some(w.returns), version + 1));
        run(&w, job.expect("a job"));
        let bulk: Can<conversations::Bulk> = w.can(w.ada);
        w.by(w.ada, |tx| bulk::undo(tx, &bulk, job.expect("a job"))).expect("to undo");
        assert_eq!((now().default_team, now().version), (Some(w.support), version + 2));
    }

    fn own_preferences_are_told_and_a_stale_page_is_noticed(w: World) {
        let held = w.read(|rx| store::preferences::find(rx, w.bob));
        assert_eq!((held.time_zone, held.language, held.shortcuts), (None, None, true));
        let user = w.user(w.bob);
        let wanted = profiles::Profile {
            version: user.version,
            name: user.name,
            preferences: Preferences { time_zone: Some(chrono_tz::Asia::Tokyo), language: Some(Language::English), shortcuts: false },
        };
        let events = w.events();
        w.by(w.bob, |tx| profiles::update(tx, &wanted)).expect("his own");
        assert_eq!(since(&w, events), ["user.updated"]);
        assert_eq!(w.read(|rx| store::preferences::find(rx, w.bob)), wanted.preferences);
        let stale = w.by(w.bob, |tx| profiles::update(tx, &wanted));
        assert!(matches!(stale, Err(Failure::Stale)), "{stale:?}");
        let same = profiles::Profile { version: w.user(w.bob).version, ..wanted };
        let events = w.events();
        w.by(w.bob, |tx| profiles::update(tx, &same)).expect("nothing to do");
        assert_eq!(w.events(), events);
    }
}
