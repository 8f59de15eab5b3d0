//! Deactivating and reactivating (U-6 … U-9).

use baton::actions::users::{self, Deactivated, Plan};
use baton::actions::{bulk, conversations, invites, sessions, teams};
use baton::domain::access::{Cause, Scope, Sees};
use baton::domain::assignment::Target;
use baton::domain::conversations::StatusChange;
use baton::domain::ids::{ConversationNumber, JobId, TeamId, UserId};
use baton::domain::roles::Standard;
use baton::domain::users::{Reason, Status};
use baton::failure::Failure;
use baton::store;
use chrono::TimeDelta;

use super::{refused, since};
use crate::people::editing::{edit_of, roles_of};
use crate::support::world::{PASSWORD, base};
use crate::support::{World, on_both};

fn deactivate(w: &World, by: UserId, who: UserId, plan: Plan) -> Result<Deactivated, Failure> {
    let (can, hand) = (w.can(by), w.can(by));
    w.by(by, |tx| users::deactivate(tx, &can, who, Some(Reason::Left), Some((plan, &hand))))
}

fn reactivate(w: &World, by: UserId, who: UserId) -> Result<(), Failure> {
    let can = w.can(by);
    w.by(by, |tx| users::reactivate(tx, &can, who)).map(|_| ())
}

fn run(w: &World, job: JobId) {
    let scope = Scope { cause: Some(Cause::Job(job)), ..Scope::on_behalf(w.workspace, w.olga) };
    while !w.db.write_now(&scope, |tx| bulk::run_chunk(tx, job)).expect("a chunk").ended {}
}

fn holder(w: &World, number: ConversationNumber) -> (Option<UserId>, Option<TeamId>) {
    let one = w.read(|rx| store::conversations::find(rx, number, &Sees::All)).expect("a conversation");
    (one.assignee, one.team)
}

on_both! {
    fn whoever_leaves_loses_access_at_once_and_nothing_else(w: World) {
        let until = w.now() + TimeDelta::days(2);
        let held = w.conversations(&[
            w.draft().assignee(w.bob).team(w.support),
            w.draft().assignee(w.bob).now(StatusChange::Snooze(until)),
            w.draft().assignee(w.bob).now(StatusChange::Close),
        ]);
        let note = w.can(w.bob);
        w.by(w.bob, |tx| conversations::add_note(tx, &note, held[0].1, "She called twice.")).expect("a note");
        w.session(w.bob, "his phone");
        w.session(w.bob, "his desk");
        let reset = w.system_does(|tx| {
            let secret = store::logins::insert_password_link(tx, w.bob, TimeDelta::hours(1))?;
            Ok(tx.unrecorded(secret, "a test sets the scene"))
        });
        let before = (roles_of(&w, w.bob), w.read(|rx| store::people::find_standing(rx, w.bob)));

        let events = w.events();
        let left = deactivate(&w, w.ada, w.bob, Plan::default()).expect("to leave");
        assert_eq!((left.sessions_ended, left.job), (2, None));
        assert_eq!(since(&w, events), ["user.deactivated"]);
        let told = &w.read(|rx| store::audit::list_about_user(rx, w.bob, 1))[0];
        assert_eq!((told.actor, told.at), (Some(w.ada), w.now()));
        assert_eq!(told.details, serde_json::json!({ "reason": "left", "sessions_ended": 2 }));

        let bob = w.user(w.bob);
        assert_eq!((bob.status, bob.reason, bob.status_changed_at), (Status::Inactive, Some(Reason::Left), w.now()));
        for key in ["his phone", "his desk"] {
            let hash = baton::domain::secrets::hash(key);
            assert!(w.anywhere(|ax| store::anywhere::find_session(ax, &hash)).is_none());
        }
        assert!(w.anywhere(|ax| store::anywhere::find_password_link(ax, &reset.hash())).is_none());
        let again = w.db.write_now(&w.system(), |tx| sessions::log_in(tx, w.bob)).expect_err("a refusal");
        assert_eq!(again.to_string(), "This account is deactivated. Ask olga@fernhill.example to reactivate it.");
        let asked = w.db.write_now(&w.system(), |tx| sessions::ask_for_reset(tx, &base(), "bob@fernhill.example"));
        asked.expect("the answer is the same for everybody");
        assert_eq!(w.number("SELECT count(*) FROM password_links"), 1, "only Xena’s");
        assert!(!w.read(store::users::list_assignable).iter().any(|brief| brief.id == w.bob));

        // What stays.
        assert_eq!(holder(&w, held[0].1), (Some(w.bob), Some(w.support)));
        assert_eq!(holder(&w, held[1].1), (Some(w.bob), None));
        assert_eq!(holder(&w, held[2].1), (Some(w.bob), None));
        let messages = w.read(|rx| store::messages::list(rx, held[0].0, 10));
        assert_eq!((messages[0].author, messages[0].body.as_str()), (Some(w.bob), "She called twice."));
        let after = (roles_of(&w, w.bob), w.read(|rx| store::people::find_standing(rx, w.bob)));
        assert_eq!(after.0, before.0);
        assert_eq!((after.1.teams, after.1.channels), (before.1.teams, before.1.channels));
        let members = w.read(|rx| store::teams::list_members(rx, Some(w.support)));
        assert_eq!(members.iter().map(|one| one.status).collect::<Vec<_>>(), [Status::Active, Status::Inactive]);

        // And comes back as he was.
        let events = w.events();
        reactivate(&w, w.ada, w.bob).expect("to come back");
        assert_eq!(since(&w, events), ["user.reactivated"]);
        let bob = w.user(w.bob);
        assert_eq!((bob.status, bob.reason), (Status::Active, None));
        let hash = w.read(|rx| store::users::find_password(rx, w.bob)).expect("a password");
        assert!(baton::domain::passwords::verify(PASSWORD, Some(&hash)));
        assert!(w.read(store::users::list_assignable).iter().any(|brief| brief.id == w.bob));
        assert_eq!(w.read(|rx| store::sessions::count_of_user(rx, w.bob)), 0, "old sessions stay dead");
        w.db.write_now(&w.system(), |tx| sessions::log_in(tx, w.bob)).expect("to log in");
    }

    fn deactivating_is_refused_with_a_sentence_and_leaves_no_event(w: World) {
        let ines = w.newcomer("Ines Ito", Standard::Agent, Status::Invited);
        let none = Plan::default();
        let sentence = |by, who| refused(&w, || deactivate(&w, by, who, none));
        assert_eq!(sentence(w.olga, ines), "Ines Ito hasn’t accepted the invite yet. Cancel the invite instead.");
        assert_eq!(sentence(w.ada, w.olga), "Only an Owner can change an Owner.");
        assert_eq!(sentence(w.ada, w.ada), "You can’t deactivate yourself. Ask another admin to do it.");
        assert_eq!(sentence(w.olga, w.olga), "Olga Owens is the only Owner. Make someone else Owner first.");
        w.deactivate(w.bob);
        assert_eq!(sentence(w.olga, w.bob), "Bob Keller is already deactivated.");
        let sentence = |by, who| refused(&w, || reactivate(&w, by, who));
        assert_eq!(sentence(w.olga, ines), "Ines Ito hasn’t accepted the invite yet. Cancel the invite instead.");
        assert_eq!(sentence(w.olga, w.agnes), "Agnes Arndt is already active.");
        let omar = w.newcomer("Omar Odeh", Standard::Owner, Status::Inactive);
        assert_eq!(sentence(w.ada, omar), "Only an Owner can change an Owner.");
    }

    fn xena_cannot_be_touched_from_fernhill(w: World) {
        let (foreign, events) = (w.other.xena, w.events());
        let gone = [
            deactivate(&w, w.olga, foreign, Plan::default()).map(|_| ()),
            reactivate(&w, w.olga, foreign),
            {
                let can = w.can(w.olga);
                w.by(w.olga, |tx| users::end_sessions(tx, &can, foreign, None)).map(|_| ())
            },
            {
                let can = w.can(w.olga);
                let edit = edit_of(&w, w.bob);
                w.by(w.olga, |tx| users::update(tx, &can, foreign, &edit)).map(|_| ())
            },
            {
                let can = w.can(w.olga);
                w.by(w.olga, |tx| invites::resend(tx, &can, &base(), w.other.invited)).map(|_| ())
            },
            {
                let can = w.can(w.olga);
                w.by(w.olga, |tx| invites::cancel(tx, &can, w.other.invited)).map(|_| ())
            },
            {
                let can = w.can(w.olga);
                let add = teams::Change { add: vec![foreign], ..teams::Change::default() };
                w.by(w.olga, |tx| teams::change_members(tx, &can, w.support, &add)).map(|_| ())
            },
            {
                let can = w.can(w.olga);
                w.by(w.olga, |tx| teams::delete(tx, &can, w.other.team)).map(|_| ())
            },
            {
                let can = w.can(w.olga);
                let mine = w.open_of(w.bob, 1)[0].1;
                w.by(w.olga, |tx| conversations::assign(tx, &can, mine, Target::User(foreign))).map(|_| ())
            },
        ];
        for (place, answer) in gone.into_iter().enumerate() {
            assert!(matches!(answer, Err(Failure::NotFound)), "{place}: {answer:?}");
        }
        assert_eq!(w.events(), events);
    }

    fn the_plan_moves_open_and_snoozed_each_to_its_target(w: World) {
        let until = w.now() + TimeDelta::days(2);
        let snoozed = StatusChange::Snooze(until);
        // Every pair of: keep, a person, a team, nobody.
        let choices = [None, Some(Target::User(w.agnes)), Some(Target::Team(w.returns)), Some(Target::Nobody)];
        let mut number = 0;
        for open in choices {
            for asleep in choices {
                number += 1;
                let nils = w.newcomer(&format!("Nils{number} Nord"), Standard::Agent, Status::Active);
                let held = w.conversations(&[
                    w.draft().assignee(nils).team(w.support),
                    w.draft().assignee(nils).team(w.support).now(snoozed),
                    w.draft().assignee(nils).now(StatusChange::Close),
                ]);
                let left = deactivate(&w, w.olga, nils, Plan { open, snoozed: asleep }).expect("to leave");
                assert_eq!(left.job.is_some(), open.is_some() || asleep.is_some());
                if let Some(job) = left.job {
                    run(&w, job);
                    let moved = w.read(|rx| store::bulk_jobs::find(rx, job)).expect("a job");
                    assert_eq!(moved.done, i64::from(open.is_some()) + i64::from(asleep.is_some()));
                    assert_eq!(moved.total, moved.done);
                }
                let after = |target: Option<Target>| {
                    target.map_or((Some(nils), Some(w.support)), |target| target.holder(Some(w.support)))
                };
                assert_eq!(holder(&w, held[0].1), after(open), "{open:?} {asleep:?}");
                assert_eq!(holder(&w, held[1].1), after(asleep), "{open:?} {asleep:?}");
                assert_eq!(holder(&w, held[2].1), (Some(nils), None), "what is settled stays");
            }
        }
        assert_eq!(w.number("SELECT count(*) FROM conversations WHERE status = 'snoozed'"), 16, "nobody is woken by it");
    }

    fn a_plan_that_cannot_be_carried_out_changes_nothing_at_all(w: World) {
        w.open_of(w.bob, 2);
        w.session(w.bob, "his desk");
        w.deactivate(w.gus);
        let to = |target| Plan { open: Some(target), snoozed: None };
        let events = w.events();
        let sentence = |target| refused(&w, || deactivate(&w, w.olga, w.bob, to(target)));
        assert_eq!(sentence(Target::User(w.bob)), "Bob Keller can’t log in, so they can’t get conversations.");
        assert_eq!(sentence(Target::User(w.gus)), "Gus Garcia can’t log in, so they can’t get conversations.");
        assert_eq!(sentence(Target::User(w.rita)), "Rita Reyes may not reply to contacts, so they can’t get conversations.");
        for target in [Target::User(w.other.xena), Target::Team(w.other.team)] {
            let said = deactivate(&w, w.olga, w.bob, to(target));
            assert!(matches!(said, Err(Failure::NotFound)), "{said:?}");
        }
        assert_eq!(w.user(w.bob).status, Status::Active);
        assert_eq!(w.read(|rx| store::sessions::count_of_user(rx, w.bob)), 1);
        assert_eq!(w.events(), events);
        assert_eq!(w.number("SELECT count(*) FROM bulk_jobs"), 1, "only Xena’s");
    }

    fn a_plan_for_somebody_who_holds_nothing_starts_nothing(w: World) {
        let events = w.events();
        let left = deactivate(&w, w.olga, w.bob, Plan { open: Some(Target::Nobody), snoozed: None }).expect("to leave");
        assert_eq!(left.job, None);
        assert_eq!(since(&w, events), ["user.deactivated"]);
        assert_eq!(w.number("SELECT count(*) FROM tasks"), 1, "only Xena’s");
    }
}
