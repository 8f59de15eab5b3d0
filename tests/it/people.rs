//! People come and go: invited, deactivated, reactivated, edited – with everything as it was, and a trail of each.

use baton::actions::invites::{self, Invited};
use baton::actions::users::{self, Deactivated, Edit, Plan};
use baton::actions::{bulk, conversations, sessions, teams};
use baton::domain::access::{Can, Cause, Scope, Sees};
use baton::domain::assignment::Target;
use baton::domain::conversations::StatusChange;
use baton::domain::ids::{ConversationNumber, JobId, RoleId, TeamId, UserId};
use baton::domain::invites::{DeadLink, InviteRefusal};
use baton::domain::roles::Standard;
use baton::domain::users::{Name, Reason, Status};
use baton::failure::{Failure, Refusal};
use baton::store;
use chrono::TimeDelta;

use crate::support::world::{PASSWORD, base, password_hash};
use crate::support::{World, on_both};

fn deactivate(w: &World, by: UserId, who: UserId, plan: Plan) -> Result<Deactivated, Failure> {
    let (can, hand) = (w.can(by), w.can(by));
    w.by(by, |tx| users::deactivate(tx, &can, Some(&hand), who, Some(Reason::Left), plan))
}

fn reactivate(w: &World, by: UserId, who: UserId) -> Result<(), Failure> {
    let can = w.can(by);
    w.by(by, |tx| users::reactivate(tx, &can, who)).map(|_| ())
}

/// The sentence of a refusal; and that it left no trace.
fn refused<T: std::fmt::Debug>(w: &World, ask: impl FnOnce() -> Result<T, Failure>) -> String {
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
fn since(w: &World, events: i64) -> Vec<String> {
    let mut names = w.trail(w.events() - events);
    names.reverse();
    names
}

fn run(w: &World, job: JobId) {
    let scope = Scope { cause: Some(Cause::Job(job)), ..Scope::on_behalf(w.workspace, w.olga) };
    while !w.db.write_now(&scope, |tx| bulk::run_chunk(tx, job)).expect("a chunk").ended {}
}

fn holder(w: &World, number: ConversationNumber) -> (Option<UserId>, Option<TeamId>) {
    let one = w.read(|rx| store::conversations::find(rx, number, &Sees::All)).expect("a conversation");
    (one.assignee, one.team)
}

fn roles_of(w: &World, who: UserId) -> Vec<RoleId> {
    w.read(|rx| store::roles::list_of_users(rx, &[who])).remove(&who).unwrap_or_default()
}

fn edit_of(w: &World, who: UserId) -> Edit {
    let user = w.user(who);
    Edit {
        version: user.version,
        email: user.email,
        name: user.name,
        beta_access: user.beta_access,
        roles: None,
        teams: None,
        channels: None,
    }
}

fn update(w: &World, by: UserId, who: UserId, edit: &Edit) -> Result<(), Failure> {
    let can = w.can(by);
    w.by(by, |tx| users::update(tx, &can, who, edit)).map(|_| ())
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
        let foreign = w.other.xena;
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
        assert_eq!(w.events(), w.number("SELECT count(*) FROM audit_events WHERE name IN ('workspace.created', 'channel.created', 'user.created')") - 3);
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

    fn an_edit_is_told_field_by_field_and_an_edit_of_nothing_is_not(w: World) {
        let events = w.events();
        let nothing = Edit {
            roles: Some(roles_of(&w, w.bob)),
            teams: Some(vec![w.support]),
            channels: Some(vec![w.email, w.chat]),
            ..edit_of(&w, w.bob)
        };
        update(&w, w.ada, w.bob, &nothing).expect("nothing to do");
        assert_eq!((w.events(), w.user(w.bob).version), (events, nothing.version));
        let all = Edit {
            email: "Robert@fernhill.example".to_owned(),
            name: Name { full: "Robert Keller".to_owned(), display: "Rob".to_owned() },
            beta_access: true,
            roles: Some(vec![w.roles[&Standard::Supervisor]]),
            teams: Some(vec![w.returns]),
            channels: Some(vec![w.chat]),
            ..edit_of(&w, w.bob)
        };
        update(&w, w.ada, w.bob, &all).expect("an edit");
        assert_eq!(since(&w, events), [
            "user.updated",
            "user.roles_changed",
            "team.member_added",
            "team.member_removed",
            "channel.member_removed",
        ]);
        let told = w.read(|rx| store::audit::list_about_user(rx, w.bob, 10));
        let fields = &told.last().expect("an event").details["fields"];
        assert_eq!(*fields, serde_json::json!(["email", "full_name", "display_name", "beta_access"]));
        assert!(!serde_json::to_string(&told.iter().map(|one| &one.details).collect::<Vec<_>>()).expect("text").contains("obert"));
        let stale = update(&w, w.olga, w.bob, &all);
        assert!(matches!(stale, Err(Failure::Stale)), "{stale:?}");
        assert_eq!(w.user(w.bob).email, "Robert@fernhill.example");
    }

    fn nobody_gives_or_takes_a_role_beyond_their_own(w: World) {
        let [owner, admin, agent] = [Standard::Owner, Standard::Admin, Standard::Agent].map(|role| w.roles[&role]);
        let with = |roles: Vec<RoleId>| Edit { roles: Some(roles), ..edit_of(&w, w.bob) };
        let beyond = "You can’t give or take the role Owner, because it allows more than you may do yourself.";
        assert_eq!(refused(&w, || update(&w, w.ada, w.bob, &with(vec![agent, owner]))), beyond);
        assert_eq!(refused(&w, || update(&w, w.ada, w.bob, &with(vec![]))), "Choose at least one role.");
        let foreign = update(&w, w.ada, w.bob, &with(vec![w.other.role]));
        assert!(matches!(foreign, Err(Failure::NotFound)), "{foreign:?}");
        update(&w, w.ada, w.bob, &with(vec![agent, admin])).expect("Ada gives what she has");
        update(&w, w.olga, w.bob, &with(vec![owner])).expect("Olga makes an Owner");
        assert_eq!(refused(&w, || update(&w, w.ada, w.bob, &with(vec![agent]))), "Only an Owner can change an Owner.");
        assert_eq!(roles_of(&w, w.bob), [owner]);
    }

    fn an_address_that_is_taken_is_refused_by_name(w: World) {
        let edit = Edit { email: "AGNES@fernhill.example".to_owned(), ..edit_of(&w, w.bob) };
        let said = refused(&w, || update(&w, w.ada, w.bob, &edit));
        assert_eq!(said, "Someone in this workspace already uses AGNES@fernhill.example.");
        // The other workspace's addresses are nobody's business here.
        let edit = Edit { email: "xena@xenon.example".to_owned(), ..edit_of(&w, w.bob) };
        update(&w, w.ada, w.bob, &edit).expect("an address of another workspace is free");
    }

    fn sessions_are_ended_one_by_one_or_all_but_ones_own(w: World) {
        let (phone, desk, tablet) = (w.session(w.bob, "phone"), w.session(w.bob, "desk"), w.session(w.bob, "tablet"));
        let can = w.can(w.ada);
        assert_eq!(w.by(w.ada, |tx| users::end_sessions(tx, &can, w.bob, Some(phone))).expect("to end one"), 1);
        let of_agnes = w.session(w.agnes, "agnes");
        assert_eq!(w.by(w.ada, |tx| users::end_sessions(tx, &can, w.bob, Some(of_agnes))).expect("none of his"), 0);
        assert_eq!(w.by(w.bob, |tx| sessions::end_own(tx, w.bob, desk, None)).expect("all others"), 1);
        let left = w.read(|rx| store::sessions::list_of_user(rx, w.bob));
        assert_eq!(left.iter().map(|one| one.id).collect::<Vec<_>>(), [desk]);
        let _ = tablet;
        assert_eq!(w.read(|rx| store::sessions::count_of_user(rx, w.agnes)), 1);
        let said = refused(&w, || w.by(w.ada, |tx| users::end_sessions(tx, &can, w.olga, None)));
        assert_eq!(said, "Only an Owner can change an Owner.");
    }

    fn a_new_password_ends_all_other_sessions_and_all_links(w: World) {
        w.session(w.bob, "phone");
        let link = || {
            w.system_does(|tx| {
                let secret = store::logins::insert_password_link(tx, w.bob, TimeDelta::hours(1))?;
                Ok(tx.unrecorded(secret, "a test sets the scene"))
            })
        };
        let (one, other) = (link(), link());
        let reset = |token: &str| w.db.write_now(&w.system(), |tx| sessions::reset_password(tx, token, w.bob, "new hash"));
        let of_agnes = w.db.write_now(&w.system(), |tx| sessions::reset_password(tx, one.reveal(), w.agnes, "new hash"));
        assert!(matches!(of_agnes, Err(Failure::Refused(_))), "a link is of one person");
        reset(one.reveal()).expect("a live link");
        assert_eq!(w.read(|rx| store::sessions::count_of_user(rx, w.bob)), 0);
        assert_eq!(w.read(|rx| store::users::find_password(rx, w.bob)).as_deref(), Some("new hash"));
        for token in [one.reveal(), other.reveal()] {
            let dead = refused(&w, || reset(token));
            assert_eq!(dead, "This link was used, or its hour is over. Ask for a new one.");
        }
        let late = link();
        w.later(TimeDelta::hours(1));
        refused(&w, || reset(late.reveal()));
    }
}

fn new_invite(w: &World, email: &str) -> invites::New {
    invites::New {
        email: email.to_owned(),
        name: Name { full: "Nina Novak".to_owned(), display: "Nina Novak".to_owned() },
        roles: vec![w.roles[&Standard::Agent]],
        teams: vec![w.support],
        channels: vec![w.email],
        send: true,
    }
}

fn invite(w: &World, email: &str) -> Result<Invited, Failure> {
    let can: Can<baton::domain::access::users::Invite> = w.can(w.ada);
    w.by(w.ada, |tx| invites::create(tx, &can, &base(), &new_invite(w, email)))
}

fn token(invited: &Invited) -> String {
    invited.link.rsplit('/').next().expect("a token").to_owned()
}

fn accept(w: &World, token: &str) -> Result<UserId, Failure> {
    w.db.write_now(&w.system(), |tx| invites::accept(tx, token, "Nina Nováková", password_hash()))
}

fn dead(answer: Result<UserId, Failure>) -> DeadLink {
    match answer {
        Err(Failure::Refused(Refusal::Invite(InviteRefusal::Dead(link)))) => link,
        other => panic!("not dead: {other:?}"),
    }
}

on_both! {
    fn nina_is_invited_and_accepts(w: World) {
        let events = w.events();
        let invited = invite(&w, "Nina@fernhill.example").expect("an invite");
        assert!(invited.link.starts_with("https://baton.example/invites/"));
        let nina = w.user(invited.user);
        assert_eq!(nina.status, Status::Invited);
        let pending = w.read(|rx| store::invites::list(rx, None));
        assert_eq!((pending.len(), pending[0].user, pending[0].times_sent), (1, invited.user, 1));
        assert_eq!(pending[0].invited_by, Some(w.ada));
        assert_eq!(pending[0].expires_at, w.now() + TimeDelta::days(7));
        assert_eq!(pending[0].mail, Some(("queued".to_owned(), None)));
        let mails = w.read(|rx| store::outbox::list(rx, None, (10, 0))).0;
        assert_eq!((mails.len(), mails[0].to.as_str()), (1, "Nina@fernhill.example"));
        assert!(!w.database.lines("SELECT token_hash AS line FROM invite_links").contains(&token(&invited)));

        // Until then she counts for nothing (I-6).
        assert!(!w.read(store::users::list_assignable).iter().any(|brief| brief.id == invited.user));
        assert!(!w.read(|rx| store::teams::list_members(rx, Some(w.support))).iter().any(|one| one.user == invited.user));
        let no = w.db.write_now(&w.system(), |tx| sessions::log_in(tx, invited.user)).expect_err("no log-in");
        assert_eq!(no.to_string(), "That email and password don’t match.");

        w.later(TimeDelta::days(7) - TimeDelta::microseconds(1));
        assert_eq!(accept(&w, &token(&invited)).expect("a live link"), invited.user);
        let nina = w.user(invited.user);
        assert_eq!((nina.status, nina.name.full.as_str(), nina.name.display.as_str()), (Status::Active, "Nina Nováková", "Nina"));
        assert!(w.read(store::users::list_assignable).iter().any(|brief| brief.id == invited.user));
        assert!(w.read(|rx| store::teams::list_members(rx, Some(w.support))).iter().any(|one| one.user == invited.user));
        assert!(w.read(|rx| store::invites::list(rx, None)).is_empty());
        assert_eq!(since(&w, events), ["user.invited", "invite.accepted"]);
        assert_eq!(dead(accept(&w, &token(&invited))), DeadLink::Used);
    }

    fn a_link_says_which_kind_of_dead_it_is(w: World) {
        let can = w.can(w.ada);
        let invited = invite(&w, "nina@fernhill.example").expect("an invite");
        let resent = w.by(w.ada, |tx| invites::resend(tx, &can, &base(), invited.user)).expect("once more");
        assert_ne!(invited.link, resent.link);
        assert_eq!(dead(accept(&w, &token(&invited))), DeadLink::Replaced);
        let copied = w.by(w.ada, |tx| invites::copy_link(tx, &can, &base(), invited.user)).expect("a link");
        assert_eq!(dead(accept(&w, &token(&resent))), DeadLink::Replaced);
        w.later(TimeDelta::days(7));
        assert_eq!(dead(accept(&w, &token(&copied))), DeadLink::Expired);
        let state = w.anywhere(|ax| store::anywhere::find_invite_link(ax, &baton::domain::secrets::hash(&token(&copied))));
        assert_eq!(state.expect("a link").user, invited.user, "looking consumes nothing");
        let renewed = w.by(w.ada, |tx| invites::resend(tx, &can, &base(), invited.user)).expect("a new one");
        let pending = w.read(|rx| store::invites::list(rx, Some("NINA")));
        assert_eq!((pending[0].times_sent, pending[0].expires_at), (3, w.now() + TimeDelta::days(7)));
        let events = w.events();
        w.by(w.ada, |tx| invites::cancel(tx, &can, invited.user)).expect("to cancel");
        assert_eq!(since(&w, events), ["invite.cancelled"]);
        assert_eq!(dead(accept(&w, &token(&renewed))), DeadLink::Unknown);
        assert_eq!(dead(accept(&w, "never was")), DeadLink::Unknown);
        // Xena's link leads nowhere here.
        assert_eq!(dead(accept(&w, &w.other.invite_token)), DeadLink::Unknown);
        assert_eq!(w.read(|rx| store::users::find(rx, invited.user)).map(|user| user.id), None);
        invite(&w, "nina@fernhill.example").expect("the address is free again");
    }

    fn a_second_invite_is_refused_by_name(w: World) {
        invite(&w, "nina@fernhill.example").expect("an invite");
        w.later(TimeDelta::days(3));
        w.deactivate(w.gus);
        w.later(TimeDelta::days(1));
        let sentence = |email| refused(&w, || invite(&w, email));
        assert_eq!(sentence("BOB@fernhill.example"), "bob@fernhill.example is already a user.");
        assert_eq!(
            sentence("Nina@Fernhill.example"),
            "nina@fernhill.example was invited on 2 Mar 2026. Resend that invite instead."
        );
        assert_eq!(
            sentence("gus@fernhill.example"),
            "gus@fernhill.example was deactivated on 5 Mar 2026. Reactivate that account instead."
        );
        // Another workspace's user is a stranger here.
        invite(&w, "xena@xenon.example").expect("two workspaces, two accounts");
        assert_eq!(w.number("SELECT count(*) FROM outbox WHERE to_address = 'bob@fernhill.example'"), 0);
    }

    fn an_invite_gives_no_role_beyond_the_inviters_and_names_nothing_foreign(w: World) {
        let can = w.can(w.ada);
        let ask = |new: invites::New| w.by(w.ada, |tx| invites::create(tx, &can, &base(), &new));
        let nina = || new_invite(&w, "nina@fernhill.example");
        let owner = refused(&w, || ask(invites::New { roles: vec![w.roles[&Standard::Owner]], ..nina() }));
        assert_eq!(owner, "You can’t give or take the role Owner, because it allows more than you may do yourself.");
        assert_eq!(refused(&w, || ask(invites::New { roles: vec![], ..nina() })), "Choose at least one role.");
        for new in [
            invites::New { roles: vec![w.other.role], ..nina() },
            invites::New { teams: vec![w.other.team], ..nina() },
            invites::New { channels: vec![w.other.channel], ..nina() },
        ] {
            let said = ask(new);
            assert!(matches!(said, Err(Failure::NotFound)), "{said:?}");
        }
        assert!(w.read(|rx| store::invites::list(rx, None)).is_empty());
    }

    fn an_invite_without_a_mail_is_a_link_to_be_copied(w: World) {
        let can = w.can(w.ada);
        let new = invites::New { send: false, ..new_invite(&w, "nina@fernhill.example") };
        let invited = w.by(w.ada, |tx| invites::create(tx, &can, &base(), &new)).expect("an invite");
        assert_eq!(w.read(|rx| store::outbox::list(rx, None, (10, 0))).1, 0);
        let pending = w.read(|rx| store::invites::list(rx, None));
        assert_eq!((pending[0].times_sent, pending[0].sent_at, pending[0].mail.clone()), (0, None, None));
        accept(&w, &token(&invited)).expect("a live link");
    }

    fn whoever_opens_an_expired_invite_can_ask_the_inviter_for_a_new_one(w: World) {
        let invited = invite(&w, "nina@fernhill.example").expect("an invite");
        w.later(TimeDelta::days(8));
        w.db.write_now(&w.system(), |tx| invites::ask_for_renewal(tx, &base(), invited.user)).expect("to ask");
        assert_eq!(w.read(|rx| store::outbox::list(rx, None, (1, 0))).0[0].to, "ada@fernhill.example");
        w.deactivate(w.ada);
        w.later(TimeDelta::seconds(1));
        w.db.write_now(&w.system(), |tx| invites::ask_for_renewal(tx, &base(), invited.user)).expect("to ask");
        let mails = w.read(|rx| store::outbox::list(rx, None, (1, 0))).0;
        assert_eq!(mails[0].to, "olga@fernhill.example", "whoever left is not asked");
    }

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

    fn a_piece_of_work_that_writes_and_says_unchanged_is_rolled_back(w: World) {
        let lied = w.db.write_now(&w.system(), |tx| {
            store::users::set_password(tx, w.bob, "stolen")?;
            tx.unchanged(())
        });
        assert!(matches!(lied, Err(Failure::Bug(_))), "{lied:?}");
        let lied = w.db.write_now(&w.system(), |tx| {
            store::users::set_password(tx, w.bob, "stolen")?;
            tx.record_all(vec![])
        });
        assert!(matches!(lied, Err(Failure::Bug(_))), "{lied:?}");
        assert_ne!(w.read(|rx| store::users::find_password(rx, w.bob)).as_deref(), Some("stolen"));
    }
}
