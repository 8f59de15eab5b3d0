//! Inviting and accepting (I-1 … I-6).

use baton::actions::invites::{self, Invited};
use baton::actions::sessions;
use baton::domain::access::{Can, users as may};
use baton::domain::ids::UserId;
use baton::domain::invites::{DeadLink, InviteRefusal};
use baton::domain::roles::Standard;
use baton::domain::users::{Name, Status};
use baton::failure::{Failure, Refusal};
use baton::store;
use chrono::TimeDelta;

use super::{refused, since};
use crate::support::web::Site;
use crate::support::world::{base, password_hash};
use crate::support::{World, on_both};

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
    let can: Can<may::Invite> = w.can(w.ada);
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

    fn whoever_opens_an_expired_invite_can_ask_those_who_invite_for_a_new_one(w: World) {
        let invited = invite(&w, "nina@fernhill.example").expect("an invite");
        w.later(TimeDelta::days(8));
        let ask = || w.db.write_now(&w.system(), |tx| invites::ask_for_renewal(tx, &base(), invited.user)).expect("to ask");
        let told = || {
            let mut told = w.database.lines("SELECT to_address AS line FROM outbox WHERE kind = 'renewal'");
            told.sort_unstable();
            told
        };
        ask();
        assert_eq!(told(), ["ada@fernhill.example", "olga@fernhill.example"]);
        ask();
        assert_eq!(told().len(), 2, "asking again tells nobody twice");
        w.deactivate(w.ada);
        w.later(TimeDelta::hours(25));
        ask();
        assert_eq!(told(), ["ada@fernhill.example", "olga@fernhill.example", "olga@fernhill.example"], "whoever left is not asked");
    }

    fn a_pending_invite_is_changed_and_another_address_gets_another_link(w: World) {
        let can: Can<may::Invite> = w.can(w.ada);
        let invited = invite(&w, "nina@fernhill.example").expect("an invite");
        let edit = |email: &str, version| invites::Edit {
            version,
            email: email.to_owned(),
            name: Name { full: "Nina Nova".to_owned(), display: "Nina".to_owned() },
            roles: vec![w.roles[&Standard::Supervisor]],
            teams: vec![w.returns],
            channels: vec![w.chat],
            send: true,
        };
        let ask = |edit: invites::Edit| w.by(w.ada, |tx| invites::edit(tx, &can, &base(), invited.user, &edit));
        let events = w.events();
        let same = ask(edit("nina@fernhill.example", 1)).expect("a change");
        assert!(same.renewed.is_none(), "the link stays");
        assert_eq!(since(&w, events), [
            "user.updated", "user.roles_changed", "team.member_added", "team.member_removed",
            "channel.member_added", "channel.member_removed",
        ]);
        let events = w.events();
        ask(edit("nina@fernhill.example", 2)).expect("nothing to do");
        assert_eq!(w.events(), events);
        let stale = ask(edit("nova@fernhill.example", 1));
        assert!(matches!(stale, Err(Failure::Stale)), "{stale:?}");
        assert_eq!(refused(&w, || ask(edit("BOB@fernhill.example", 2))), "bob@fernhill.example is already a user.");
        let owner = invites::Edit { roles: vec![w.roles[&Standard::Owner]], ..edit("nina@fernhill.example", 2) };
        assert!(refused(&w, || ask(owner.clone())).starts_with("You can’t give or take the role Owner"));
        let moved = ask(edit("nova@fernhill.example", 2)).expect("another address").renewed.expect("another link");
        assert_eq!(dead(accept(&w, &token(&invited))), DeadLink::Replaced);
        let mails = w.read(|rx| store::outbox::list(rx, None, (10, 0))).0;
        let to: Vec<&str> = mails.iter().map(|mail| mail.to.as_str()).collect();
        assert_eq!(to, ["nova@fernhill.example"], "the mail that still waited is not sent any more");
        accept(&w, &token(&moved)).expect("a live link");
        assert_eq!(refused(&w, || ask(edit("late@fernhill.example", 9))), "This invite was already accepted or cancelled.");
        // The profile's form knows nothing of links, so it moves nobody who has one.
        let nina = invite(&w, "other@fernhill.example").expect("an invite").user;
        let can = w.can(w.ada);
        let edit = baton::actions::users::Edit { email: "third@fernhill.example".to_owned(), ..crate::people::editing::edit_of(&w, nina) };
        assert!(refused(&w, || w.by(w.ada, |tx| baton::actions::users::update(tx, &can, nina, &edit))).contains("hasn’t accepted"));
    }

    fn a_mail_that_waits_with_a_dead_link_is_not_sent(w: World) {
        let can: Can<may::Invite> = w.can(w.ada);
        let waiting = || w.read(|rx| store::outbox::list(rx, None, (10, 0))).1;
        let invited = invite(&w, "nina@fernhill.example").expect("an invite");
        w.by(w.ada, |tx| invites::resend(tx, &can, &base(), invited.user)).expect("once more");
        assert_eq!(waiting(), 1);
        w.by(w.ada, |tx| invites::cancel(tx, &can, invited.user)).expect("to cancel");
        assert_eq!(waiting(), 0);
    }

    fn a_failed_mail_with_a_dead_link_is_not_sent_again(w: World) {
        let can: Can<may::Invite> = w.can(w.ada);
        let mails = || w.read(|rx| store::outbox::list(rx, None, (10, 0))).0;
        let fail = || w.database.execute("UPDATE outbox SET state = 'failed', locked_until = NULL");
        let again = |mail| {
            w.by(w.ada, |tx| {
                let queued = store::outbox::requeue(tx, mail)?;
                Ok(tx.unrecorded(queued, "a mail's state is its record"))
            })
        };
        let invited = invite(&w, "nina@fernhill.example").expect("an invite");
        fail();
        let first = mails()[0].id;
        assert!(again(first).expect("a live link"), "what may still be true is sent again");
        fail();
        // Another link takes its place, and the mail with the old one is gone.
        w.by(w.ada, |tx| invites::resend(tx, &can, &base(), invited.user)).expect("once more");
        assert!(mails().len() == 1 && mails()[0].id != first);
        assert!(!again(first).expect("an answer"));
        fail();
        w.by(w.ada, |tx| invites::cancel(tx, &can, invited.user)).expect("to cancel");
        assert!(mails().is_empty());
        // One that was on its way when its link was replaced fails afterwards.
        let invited = invite(&w, "nora@fernhill.example").expect("an invite");
        let far = match w.kind() {
            crate::support::db::Kind::Sqlite => "created_at + 60000000",
            crate::support::db::Kind::Postgres => "created_at + interval '1 minute'",
        };
        w.database.execute(&format!("UPDATE outbox SET locked_until = {far}"));
        w.later(TimeDelta::seconds(5));
        w.by(w.ada, |tx| invites::copy_link(tx, &can, &base(), invited.user)).expect("another link");
        fail();
        let late = mails()[0].id;
        assert!(refused(&w, || again(late)).starts_with("The link in this mail no longer works"));
        // And one whose link is too old.
        invite(&w, "nils@fernhill.example").expect("an invite");
        fail();
        w.later(TimeDelta::days(8));
        let old = mails().iter().find(|mail| mail.to.starts_with("nils")).expect("a mail").id;
        assert!(refused(&w, || again(old)).starts_with("The link in this mail no longer works"));
    }

    async fn the_page_names_who_was_really_told(w: World) {
        let site = Site::on(w.db.clone()).await;
        let page = async |invited: &invites::Invited| {
            let browser = site.browser();
            let link = invited.link.trim_start_matches("https://baton.example").to_owned();
            let before = browser.get(&link).await.expect(410).text(".gate-card form p");
            (before, browser.post(&format!("{link}/renew"), &[]).await.expect(200).text(".gate-card p"))
        };
        let (nina, nora) = (invite(&w, "nina@fernhill.example").expect("one"), invite(&w, "nora@fernhill.example").expect("two"));
        w.later(TimeDelta::days(8));
        let (before, after) = page(&nina).await;
        assert!(before.contains("we’ll tell Ada Adler, who invited you"), "{before}");
        assert!(after.starts_with("We told Ada Adler, who invited you."), "{after}");
        // Ada cannot invite any more, so that others are told.
        let (admin, agent) = (w.role(Standard::Admin), w.role(Standard::Agent));
        w.system_does(|tx| {
            store::roles::insert_of_user(tx, w.ada, &[agent])?;
            store::roles::delete_of_user(tx, w.ada, &[admin])?;
            Ok(tx.unrecorded((), "a test sets the scene"))
        });
        let (before, after) = page(&nora).await;
        assert!(before.contains("we’ll tell the people who look after users here"), "{before}");
        assert!(after.starts_with("We told the people who look after users here."), "{after}");
        let told = w.database.lines("SELECT to_address AS line FROM outbox WHERE kind = 'renewal' AND text_body LIKE '%nora@%'");
        assert_eq!(told, ["olga@fernhill.example"]);
    }
}
