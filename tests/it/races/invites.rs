//! Two browsers with one link, and an admin who changes their mind meanwhile (I-5).

use baton::actions::invite_lists::{Answer, Asked, Verb, create_all, do_all};
use baton::actions::invites::{self, Invited};
use baton::domain::access::Can;
use baton::domain::ids::UserId;
use baton::domain::invites::{DeadLink, InviteRefusal};
use baton::domain::roles::Standard;
use baton::domain::users::{Name, Status};
use baton::failure::{Failure, Refusal};
use baton::store;

use crate::support::world::{base, password_hash};
use crate::support::{World, both_at_once, on_both};

fn invite(w: &World, email: &str) -> Invited {
    let can = w.can(w.ada);
    let new = invites::New {
        email: email.to_owned(),
        name: Name { full: "Nina Novak".to_owned(), display: "Nina".to_owned() },
        roles: vec![w.roles[&Standard::Agent]],
        teams: vec![w.support],
        channels: vec![w.email],
        send: true,
    };
    w.by(w.ada, |tx| invites::create(tx, &can, &base(), &new)).expect("an invite")
}

fn token(invited: &Invited) -> String {
    invited.link.rsplit('/').next().expect("a token").to_owned()
}

fn accept(w: &World, db: &store::Db, token: &str) -> Result<UserId, Failure> {
    db.write_now(&w.system(), |tx| invites::accept(tx, token, "Nina Novak", password_hash()))
}

on_both! {
    fn of_two_browsers_that_accept_at_once_one_wins_and_the_other_is_told(w: World) {
        let b = w.instance_b();
        for round in 0..15 {
            let invited = invite(&w, &format!("nina{round}@fernhill.example"));
            let token = token(&invited);
            let (one, two) = both_at_once(|| accept(&w, &w.db, &token), || accept(&w, &b, &token));
            let (won, lost) = if one.is_ok() { (one, two) } else { (two, one) };
            assert_eq!(won.expect("one wins"), invited.user);
            let Err(Failure::Refused(Refusal::Invite(InviteRefusal::Dead(DeadLink::Used)))) = lost else {
                panic!("round {round}: {lost:?}");
            };
            assert_eq!(w.user(invited.user).status, Status::Active);
            let accepted = w.read(|rx| store::audit::list_about_user(rx, invited.user, 10));
            assert_eq!(accepted.iter().filter(|event| event.name == "invite.accepted").count(), 1);
        }
    }

    fn an_invite_that_is_accepted_while_it_is_resent_ends_as_one_of_both(w: World) {
        let (b, ada) = (w.instance_b(), w.scope(w.ada));
        let can = Can::check(&ada).expect("Ada may");
        for round in 0..20 {
            let invited = invite(&w, &format!("nina{round}@fernhill.example"));
            let token = token(&invited);
            let (accepted, resent) = both_at_once(
                || accept(&w, &w.db, &token),
                || b.write_now(&ada, |tx| invites::resend(tx, &can, &base(), invited.user)),
            );
            match (&accepted, &resent) {
                (Ok(_), Err(Failure::Refused(Refusal::Invite(InviteRefusal::NotPending)))) => {
                    assert_eq!(w.user(invited.user).status, Status::Active);
                }
                (Err(Failure::Refused(Refusal::Invite(InviteRefusal::Dead(DeadLink::Replaced)))), Ok(_)) => {
                    assert_eq!(w.user(invited.user).status, Status::Invited);
                }
                _ => panic!("round {round}: {accepted:?} {resent:?}"),
            }
        }
    }

    fn an_invite_that_is_accepted_while_it_is_cancelled_ends_as_one_of_both(w: World) {
        let (b, ada) = (w.instance_b(), w.scope(w.ada));
        let can = Can::check(&ada).expect("Ada may");
        for round in 0..20 {
            let invited = invite(&w, &format!("nina{round}@fernhill.example"));
            let token = token(&invited);
            let (accepted, cancelled) = both_at_once(
                || accept(&w, &w.db, &token),
                || b.write_now(&ada, |tx| invites::cancel(tx, &can, invited.user)),
            );
            let there = w.read(|rx| store::users::find(rx, invited.user)).map(|user| user.status);
            match (&accepted, &cancelled) {
                (Ok(_), Err(Failure::Refused(Refusal::Invite(InviteRefusal::NotPending)))) => {
                    assert_eq!(there, Some(Status::Active));
                }
                (Err(Failure::Refused(Refusal::Invite(InviteRefusal::Dead(DeadLink::Unknown)))), Ok(_)) => {
                    assert_eq!(there, None);
                }
                _ => panic!("round {round}: {accepted:?} {cancelled:?}"),
            }
        }
    }

    fn two_admins_who_invite_the_same_person_at_once_make_one_user(w: World) {
        let (olga, ada) = (w.scope(w.olga), w.scope(w.ada));
        for round in 0..10 {
            let new = invites::New {
                email: format!("nina{round}@fernhill.example"),
                name: Name { full: "Nina Novak".to_owned(), display: "Nina".to_owned() },
                roles: vec![w.roles[&Standard::Agent]],
                teams: vec![],
                channels: vec![],
                send: true,
            };
            let create = |scope: &baton::domain::access::Scope| {
                let can = Can::check(scope).expect("may");
                w.db.write_now(scope, |tx| invites::create(tx, &can, &base(), &new)).map(|invited| invited.user)
            };
            let (one, two) = both_at_once(|| create(&olga), || create(&ada));
            let lost = if one.is_ok() { two } else { one };
            assert!(matches!(lost, Err(Failure::Refused(_))), "round {round}: {lost:?}");
        }
        assert_eq!(w.read(|rx| store::invites::list(rx, None)).len(), 10);
    }

    fn an_invite_that_is_accepted_while_it_is_changed_ends_as_one_of_both(w: World) {
        let (b, ada) = (w.instance_b(), w.scope(w.ada));
        let can = Can::check(&ada).expect("Ada may");
        for round in 0..20 {
            let invited = invite(&w, &format!("nina{round}@fernhill.example"));
            let token = token(&invited);
            let edit = invites::Edit {
                version: 1,
                email: format!("nova{round}@fernhill.example"),
                name: Name { full: "Nina Nova".to_owned(), display: "Nina".to_owned() },
                roles: vec![w.roles[&Standard::Reader]],
                teams: vec![],
                channels: vec![],
                send: true,
            };
            let (accepted, edited) = both_at_once(
                || accept(&w, &w.db, &token),
                || b.write_now(&ada, |tx| invites::edit(tx, &can, &base(), invited.user, &edit)),
            );
            let user = w.user(invited.user);
            match (&accepted, &edited) {
                (Ok(_), Err(Failure::Refused(Refusal::Invite(InviteRefusal::NotPending)))) => {
                    assert_eq!((user.status, user.email), (Status::Active, format!("nina{round}@fernhill.example")));
                }
                (Err(Failure::Refused(Refusal::Invite(InviteRefusal::Dead(DeadLink::Replaced)))), Ok(_)) => {
                    assert_eq!((user.status, user.email), (Status::Invited, format!("nova{round}@fernhill.example")));
                }
                _ => panic!("round {round}: {accepted:?} {edited:?}"),
            }
        }
    }

    fn of_invites_that_are_cancelled_together_the_accepted_one_stays(w: World) {
        let (b, ada) = (w.instance_b(), w.scope(w.ada));
        let can = Can::check(&ada).expect("Ada may");
        for round in 0..15 {
            let all: Vec<Invited> = (0..4).map(|n| invite(&w, &format!("nina{round}-{n}@fernhill.example"))).collect();
            let ids: Vec<UserId> = all.iter().map(|one| one.user).collect();
            let token = token(&all[2]);
            let (accepted, cancelled) = both_at_once(
                || accept(&w, &w.db, &token),
                || b.write_now(&ada, |tx| do_all(tx, &can, &base(), Verb::Cancel, &ids)),
            );
            let left = ids.iter().filter(|id| w.read(|rx| store::users::find(rx, **id)).is_some()).count();
            let refused = cancelled.expect("each for itself").iter().filter(|one| one.refused.is_some()).count();
            assert_eq!((left, refused), if accepted.is_ok() { (1, 1) } else { (0, 0) }, "round {round}: {accepted:?}");
        }
    }

    fn of_two_lists_with_the_same_address_one_is_sent_and_nothing_of_the_other(w: World) {
        let (olga, ada) = (w.scope(w.olga), w.scope(w.ada));
        for round in 0..10 {
            let send = |scope: &baton::domain::access::Scope, own: &str| {
                let can = Can::check(scope).expect("may");
                let text = format!("{own}{round}@f.example\nboth{round}@f.example\n");
                let asked = Asked {
                    list: baton::domain::invite_list::read(&text).expect("a list"),
                    roles: vec![w.roles[&Standard::Agent]],
                    teams: vec![],
                    channels: vec![],
                    send: false,
                    struck: baton::domain::invite_check::Places::default(),
                };
                w.db.write_now(scope, |tx| create_all(tx, &can, &base(), &asked))
            };
            let (one, two) = both_at_once(|| send(&olga, "one"), || send(&ada, "two"));
            let sent = [&one, &two].iter().filter(|answer| matches!(answer, Ok(Answer::Invited(all)) if all.len() == 2)).count();
            assert_eq!(sent, 1, "round {round}: {one:?} {two:?}");
        }
        assert_eq!(w.read(|rx| store::invites::list(rx, None)).len(), 20);
    }
}
