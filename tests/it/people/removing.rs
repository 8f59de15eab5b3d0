//! Removing, restoring and starting fresh (U-10, I-2).

use baton::actions::removal::{self, Gone};
use baton::actions::users::Plan;
use baton::actions::{bulk, conversations, invites, sessions, users};
use baton::domain::access::{Cause, Scope, Sees};
use baton::domain::assignment::Target;
use baton::domain::conversations::StatusChange;
use baton::domain::ids::{ConversationNumber, JobId, TeamId, UserId};
use baton::domain::roles::Standard;
use baton::domain::users::{Name, Status};
use baton::failure::Failure;
use baton::store;
use chrono::TimeDelta;

use super::editing::roles_of;
use super::{refused, since};
use crate::support::world::{base, password_hash};
use crate::support::{World, on_both};

pub fn remove(w: &World, by: UserId, who: UserId, plan: Plan) -> Result<Gone, Failure> {
    let (can, run) = (w.can(by), w.can(by));
    w.by(by, |tx| removal::remove(tx, &can, who, Some((plan, &run))))
}

pub fn run(w: &World, job: JobId) {
    let scope = Scope { cause: Some(Cause::Job(job)), ..Scope::on_behalf(w.workspace, w.olga) };
    while !w.db.write_now(&scope, |tx| bulk::run_chunk(tx, job)).expect("a chunk").ended {}
}

pub fn holder(w: &World, number: ConversationNumber) -> (Option<UserId>, Option<TeamId>) {
    let one = w.read(|rx| store::conversations::find(rx, number, &Sees::All)).expect("a conversation");
    (one.assignee, one.team)
}

/// An invite to somebody of Fernhill's address.
pub fn invite_again(w: &World, email: &str) -> invites::New {
    invites::New {
        email: email.to_owned(),
        name: Name { full: "Robert Keller".to_owned(), display: "Rob".to_owned() },
        roles: vec![w.roles[&Standard::Reader]],
        teams: vec![w.returns],
        channels: vec![],
        send: true,
    }
}

fn accept(w: &World, invited: &invites::Invited) {
    let token = invited.link.rsplit('/').next().expect("a token").to_owned();
    w.db.write_now(&w.system(), |tx| invites::accept(tx, &token, "Robert Keller", password_hash())).expect("to accept");
}

on_both! {
    fn whoever_has_the_address_now_keeps_their_mails(w: World) {
        let (edit_bob, invite, delete) = (w.can(w.olga), w.can(w.olga), w.can(w.olga));
        let name = |full: &str| Name { full: full.to_owned(), display: full.to_owned() };
        let before = w.user(w.bob);
        let edit = users::Edit {
            version: before.version,
            email: "robert@fernhill.example".to_owned(),
            name: name("Robert"),
            beta_access: false,
            roles: None,
            teams: None,
            channels: None,
            leaves_channels: false,
        };
        w.by(w.olga, |tx| users::update(tx, &edit_bob, w.bob, &edit)).expect("another name");
        let new = invites::New {
            email: before.email,
            name: name("Bobby Brown"),
            roles: vec![w.role(Standard::Agent)],
            teams: Vec::new(),
            channels: Vec::new(),
            send: true,
        };
        let bobby = w.by(w.olga, |tx| invites::create(tx, &invite, &base(), &new)).expect("an invite");
        let request =
            removal::Request { confirm: "robert@fernhill.example".to_owned(), deactivate: true, reason: None };
        w.by(w.olga, |tx| removal::delete(tx, &delete, w.bob, None, &request)).expect("to delete");
        let mails = w.database.lines("SELECT to_address || ' ' || text_body AS line FROM outbox WHERE kind = 'invite'");
        assert!(mails.iter().any(|mail| mail.starts_with("bob@") && mail.contains(&bobby.link)), "{mails:#?}");
        assert_eq!(w.number("SELECT count(*) FROM former_names"), 0, "nothing is kept of who is deleted");
    }

    fn whoever_is_removed_leaves_everything_and_is_named_nowhere(w: World) {
        let until = w.now() + TimeDelta::days(2);
        let held = w.conversations(&[
            w.draft().assignee(w.bob).team(w.support),
            w.draft().assignee(w.bob).now(StatusChange::Snooze(until)),
            w.draft().assignee(w.bob).now(StatusChange::Close),
        ]);
        w.session(w.bob, "his phone");
        let events = w.events();
        let gone = remove(&w, w.ada, w.bob, Plan::default()).expect("to be removed");
        assert_eq!((gone.name.as_str(), gone.sessions_ended), ("Removed user", 1));
        let names = since(&w, events);
        for name in ["user.removed", "team.member_removed", "channel.member_removed", "bulk.started"] {
            assert!(names.iter().any(|one| one == name), "{names:?}");
        }
        let bob = w.user(w.bob);
        assert_eq!((bob.status, bob.email.as_str(), bob.name.full.as_str()), (Status::Removed, "", "Removed user"));
        assert_eq!(w.read(|rx| store::users::find_password(rx, w.bob)), None);
        assert!(roles_of(&w, w.bob).is_empty());
        let standing = w.read(|rx| store::people::find_standing(rx, w.bob));
        assert!(standing.teams.is_empty() && standing.channels.is_empty() && !standing.is_owner);
        assert!(!w.read(store::users::list_assignable).iter().any(|brief| brief.id == w.bob));
        assert_eq!(w.read(|rx| store::sessions::count_of_user(rx, w.bob)), 0);
        w.db.write_now(&w.system(), |tx| sessions::log_in(tx, w.bob)).expect_err("no log-in");

        run(&w, gone.job.expect("a job"));
        assert_eq!(holder(&w, held[0].1), (None, None));
        assert_eq!(holder(&w, held[1].1), (None, None));
        assert_eq!(holder(&w, held[2].1), (Some(w.bob), None), "what is settled stays his");
        // It comes back to nobody, not to him.
        let can = w.can(w.sven);
        w.by(w.sven, |tx| conversations::change_status(tx, &can, held[2].1, StatusChange::Open)).expect("to reopen");
        assert_eq!(holder(&w, held[2].1), (None, None));
        // And no undo gives him work.
        let can = w.can(w.sven);
        let no = w.by(w.sven, |tx| bulk::undo(tx, &can, gone.job.expect("a job"))).expect_err("no undo");
        assert_eq!(no.to_string(), "This can’t be undone: whoever held these is no longer a user.");
    }

    fn an_undo_of_something_else_gives_nothing_to_who_is_gone(w: World) {
        let held = w.open_of(w.bob, 1);
        let (can, hand) = (w.can(w.olga), w.can(w.olga));
        let plan = Plan { open: Some(Target::User(w.agnes)), snoozed: None };
        let left = w.by(w.olga, |tx| users::deactivate(tx, &can, w.bob, None, Some((plan, &hand)))).expect("to leave");
        run(&w, left.job.expect("a job"));
        remove(&w, w.olga, w.bob, Plan::default()).expect("to be removed");
        let can = w.can(w.olga);
        let undo = w.by(w.olga, |tx| bulk::undo(tx, &can, left.job.expect("a job"))).expect("an undo");
        run(&w, undo.job);
        assert_eq!(holder(&w, held[0].1), (Some(w.agnes), None));
    }

    fn a_plan_moves_it_and_what_cannot_go_there_any_more_is_nobodys(w: World) {
        let held = w.open_of(w.bob, 2);
        let plan = Plan { open: Some(Target::User(w.agnes)), snoozed: None };
        let gone = remove(&w, w.olga, w.bob, plan).expect("to be removed");
        // Before the job's turn comes, Agnes leaves too.
        w.deactivate(w.agnes);
        run(&w, gone.job.expect("a job"));
        assert_eq!(holder(&w, held[0].1), (Some(w.bob), None));
        let mut tasks = 0;
        while let Some(claimed) = w.anywhere(store::tasks::claim) {
            #[expect(irrefutable_let_patterns, reason = "other work does not matter here")]
            let store::tasks::Task::RunBulk(job) = claimed.task else { continue };
            if claimed.workspace == w.workspace {
                run(&w, job);
                tasks += 1;
            }
            w.anywhere(|ax| store::tasks::delete(ax, claimed.id));
        }
        assert!(tasks > 0);
        for (_, number) in held {
            assert_eq!(holder(&w, number), (None, None));
        }
    }

    fn a_plan_names_somebody_who_is_here_whether_there_is_work_or_not(w: World) {
        let nobody = UserId::from(uuid::Uuid::from_u128(7));
        for target in [Target::Team(w.other.team), Target::User(w.other.xena), Target::User(nobody)] {
            let said = remove(&w, w.olga, w.bob, Plan { open: Some(target), snoozed: None });
            assert!(matches!(said, Err(Failure::NotFound)), "{said:?}");
        }
        w.deactivate(w.agnes);
        let to_agnes = Plan { open: None, snoozed: Some(Target::User(w.agnes)) };
        let said = refused(&w, || remove(&w, w.olga, w.bob, to_agnes));
        assert!(said.starts_with("Agnes Arndt"), "{said}");
        assert_eq!(w.user(w.bob).status, Status::Active);
    }

    fn removing_is_refused_with_a_sentence_and_leaves_no_event(w: World) {
        let ines = w.newcomer("Ines Ito", Standard::Agent, Status::Invited);
        let sentence = |by, who| refused(&w, || remove(&w, by, who, Plan::default()));
        assert_eq!(sentence(w.olga, ines), "Ines Ito hasn’t accepted the invite yet. Cancel the invite instead.");
        assert_eq!(sentence(w.ada, w.olga), "Only an Owner can change an Owner.");
        assert_eq!(
            sentence(w.ada, w.ada),
            "You can’t remove or delete yourself here. Delete your own account in your profile."
        );
        assert_eq!(sentence(w.olga, w.olga), "Olga Owens is the only Owner. Make someone else Owner first.");
        remove(&w, w.olga, w.bob, Plan::default()).expect("to be removed");
        let gone = "This user was removed. Invite the same email again to bring them back.";
        assert_eq!(sentence(w.olga, w.bob), gone);
        let can = w.can(w.olga);
        assert_eq!(refused(&w, || w.by(w.olga, |tx| users::reactivate(tx, &can, w.bob))), gone);
        let can = w.can(w.olga);
        assert_eq!(refused(&w, || w.by(w.olga, |tx| users::deactivate(tx, &can, w.bob, None, None))), gone);
        let foreign = remove(&w, w.olga, w.other.xena, Plan::default());
        assert!(matches!(foreign, Err(Failure::NotFound)));
    }

    fn inviting_again_restores_everything(w: World) {
        let held = w.open_of(w.agnes, 1);
        let note = w.can(w.agnes);
        w.by(w.agnes, |tx| conversations::add_note(tx, &note, held[0].1, "She called.")).expect("a note");
        let before = (roles_of(&w, w.agnes), w.read(|rx| store::people::find_standing(rx, w.agnes)));
        remove(&w, w.olga, w.agnes, Plan::default()).expect("to be removed");
        let new = invite_again(&w, "AGNES@fernhill.example");
        let can = w.can(w.olga);
        let said = refused(&w, || w.by(w.olga, |tx| invites::create(tx, &can, &base(), &new)));
        assert_eq!(said, "agnes@fernhill.example was removed on 2 Mar 2026. Restore them, or start fresh.");

        let events = w.events();
        let invited = w.by(w.olga, |tx| invites::restore(tx, &can, &base(), &new, true)).expect("to be restored");
        assert_eq!(invited.user, w.agnes);
        let back = ["team.member_added", "channel.member_added", "team.lead_changed", "user.restored"];
        assert_eq!(since(&w, events), back, "what was taken from her on record is given back on record");
        assert_eq!(w.user(w.agnes).status, Status::Invited);
        // Cancelled, she is a removed user again, and can be invited once more.
        let cancel = w.can(w.olga);
        w.by(w.olga, |tx| invites::cancel(tx, &cancel, w.agnes)).expect("to cancel");
        assert_eq!(w.user(w.agnes).name.full, "Removed user");
        let invited = w.by(w.olga, |tx| invites::restore(tx, &can, &base(), &new, true)).expect("to be restored");
        accept(&w, &invited);

        let agnes = w.user(w.agnes);
        assert_eq!((agnes.status, agnes.email.as_str()), (Status::Active, "agnes@fernhill.example"));
        assert_eq!(agnes.name.full, "Robert Keller", "as the invite and she herself say");
        let after = (roles_of(&w, w.agnes), w.read(|rx| store::people::find_standing(rx, w.agnes)));
        assert_eq!(after.0, before.0);
        assert_eq!((after.1.teams, after.1.channels), (before.1.teams, before.1.channels));
        let members = w.read(|rx| store::teams::list_members(rx, Some(w.support)));
        assert!(members.iter().any(|one| one.user == w.agnes && one.is_lead));
        let messages = w.read(|rx| store::messages::list(rx, held[0].0, 10));
        assert_eq!(messages[0].author, Some(w.agnes));
        assert_eq!(w.number("SELECT count(*) FROM sealed_identities"), 0);
        assert_eq!(agnes.former_since, None);
    }

    fn whoever_is_on_their_way_back_is_known_by_the_address_that_they_have_now(w: World) {
        remove(&w, w.olga, w.bob, Plan::default()).expect("to be removed");
        let can = w.can(w.olga);
        let back = |email: &str| w.by(w.olga, |tx| invites::restore(tx, &can, &base(), &invite_again(&w, email), true));
        back("bob@fernhill.example").expect("to be restored");
        let known = w.user(w.bob);
        let edit = invites::Edit {
            version: known.version,
            email: "rob@fernhill.example".to_owned(),
            name: known.name,
            roles: roles_of(&w, w.bob),
            teams: vec![],
            channels: vec![],
            send: true,
        };
        w.by(w.olga, |tx| invites::edit(tx, &can, &base(), w.bob, &edit)).expect("another address");
        // His old address is free: somebody else comes and goes with it, and he still has his past.
        let other = w.by(w.olga, |tx| invites::create(tx, &can, &base(), &invite_again(&w, "bob@fernhill.example")));
        let other = other.expect("an invite");
        accept(&w, &other);
        remove(&w, w.olga, other.user, Plan::default()).expect("to be removed");
        let cancel = w.can(w.olga);
        w.by(w.olga, |tx| invites::cancel(tx, &cancel, w.bob)).expect("to cancel");
        assert_eq!(w.user(w.bob).status, Status::Removed);
        assert_eq!(back("rob@fernhill.example").expect("to be restored").user, w.bob);
        assert_eq!(back("bob@fernhill.example").expect("to be restored").user, other.user);
    }

    fn restoring_can_give_what_the_invite_says_instead(w: World) {
        remove(&w, w.olga, w.bob, Plan::default()).expect("to be removed");
        let (can, new) = (w.can(w.ada), invite_again(&w, "bob@fernhill.example"));
        let invited = w.by(w.ada, |tx| invites::restore(tx, &can, &base(), &new, false)).expect("to be restored");
        assert_eq!(invited.user, w.bob);
        assert_eq!(roles_of(&w, w.bob), [w.roles[&Standard::Reader]]);
        assert_eq!(w.read(|rx| store::people::find_standing(rx, w.bob)).teams, [w.returns]);
        let again = refused(&w, || w.by(w.ada, |tx| invites::restore(tx, &can, &base(), &new, false)));
        assert_eq!(again, "bob@fernhill.example is no longer among the removed users. Invite them anew.");
    }

    fn nobody_gives_back_a_role_beyond_their_own(w: World) {
        let omar = w.newcomer("Omar Odeh", Standard::Owner, Status::Active);
        remove(&w, w.olga, omar, Plan::default()).expect("to be removed");
        let (can, new) = (w.can(w.ada), invite_again(&w, "omar@fernhill.example"));
        let said = refused(&w, || w.by(w.ada, |tx| invites::restore(tx, &can, &base(), &new, true)));
        assert_eq!(said, "You can’t give or take the role Owner, because it allows more than you may do yourself.");
        assert_eq!(w.user(omar).status, Status::Removed);
    }

    fn starting_fresh_makes_somebody_else(w: World) {
        let held = w.open_of(w.bob, 1);
        let note = w.can(w.bob);
        w.by(w.bob, |tx| conversations::add_note(tx, &note, held[0].1, "She called.")).expect("a note");
        remove(&w, w.olga, w.bob, Plan::default()).expect("to be removed");
        let (can, new) = (w.can(w.olga), invite_again(&w, "bob@fernhill.example"));
        let events = w.events();
        let invited = w.by(w.olga, |tx| invites::start_fresh(tx, &can, &base(), &new)).expect("an invite");
        assert_eq!(since(&w, events), ["user.unlinked", "user.invited"]);
        assert_ne!(invited.user, w.bob);
        accept(&w, &invited);
        assert_eq!(w.user(w.bob).name.full, "Removed user");
        assert_eq!(w.read(|rx| store::messages::list(rx, held[0].0, 10))[0].author, Some(w.bob));
        // Whoever started fresh can be removed too; the first account stays unlinked.
        remove(&w, w.olga, invited.user, Plan::default()).expect("to be removed");
        let again = w.by(w.olga, |tx| invites::restore(tx, &can, &base(), &new, true)).expect("to be restored");
        assert_eq!(again.user, invited.user);
    }

    fn the_one_to_ask_is_somebody_who_is_here(w: World) {
        let omar = w.newcomer("Omar Odeh", Standard::Owner, Status::Active);
        assert_eq!(w.read(store::workspaces::this).support_contact, "olga@fernhill.example");
        remove(&w, omar, w.olga, Plan::default()).expect("to be removed");
        assert_eq!(w.read(store::workspaces::this).support_contact, "omar@fernhill.example");
    }
}
