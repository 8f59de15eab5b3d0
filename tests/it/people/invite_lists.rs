//! Many invites at once (I-1, I-4).

use baton::actions::invite_lists::{Answer, Asked, Done, Verb, create_all, do_all, look};
use baton::actions::invites;
use baton::domain::access::{Can, users as may};
use baton::domain::ids::UserId;
use baton::domain::invite_check::{Checked, Places};
use baton::domain::invite_list;
use baton::domain::roles::Standard;
use baton::failure::{Failure, Refusal};
use baton::store;
use chrono::TimeDelta;

use super::since;
use crate::support::world::{base, password_hash};
use crate::support::{World, on_both};

fn asked(w: &World, text: &str) -> Asked {
    Asked {
        list: invite_list::read(text).expect("a list"),
        roles: vec![w.roles[&Standard::Agent]],
        teams: vec![w.support],
        channels: vec![w.email],
        send: true,
        struck: Places::default(),
    }
}

fn send(w: &World, asked: &Asked) -> Result<Answer, Failure> {
    let can: Can<may::Invite> = w.can(w.ada);
    w.by(w.ada, |tx| create_all(tx, &can, &base(), asked))
}

fn pending(w: &World, words: Option<&str>) -> usize {
    w.read(|rx| store::invites::list(rx, words)).len()
}

fn problems(all: &[Checked]) -> Vec<String> {
    all.iter()
        .filter_map(|one| one.answer.as_ref().err().map(|said| format!("{}: {}", one.line, said.join("; "))))
        .collect()
}

on_both! {
    fn a_list_is_sent_in_one_piece_or_not_at_all(w: World) {
        w.deactivate(w.gus);
        let text = "email,full_name,roles,teams\nann@f.example,Ann Able,,\nBOB@fernhill.example,Bob,,\n\
            cy@f.example,,Reader;Agent,Returns\ngus@fernhill.example,,,\nbad,,,\ndee@f.example,,Owner,\nann@f.example,,,";
        let wanted = asked(&w, text);
        let events = w.events();
        let Ok(Answer::Refused(all)) = send(&w, &wanted) else { panic!("not refused") };
        let expected = [
            "3: bob@fernhill.example is already a user.",
            "5: gus@fernhill.example was deactivated on 2 Mar 2026. Reactivate that account instead.",
            "6: Enter a full email address, like name@company.example",
            "7: You can’t give the role Owner",
            "8: Line 2 has this address already",
        ];
        assert_eq!(problems(&all), expected);
        let actor = w.scope(w.ada).actor;
        assert_eq!(problems(&w.read(|rx| look(rx, &actor, &wanted))), expected, "looking says the same");
        assert_eq!((w.events(), pending(&w, None)), (events, 0));
        let some = Asked { struck: Places::parse("2,4-6"), ..wanted.clone() };
        assert!(matches!(send(&w, &some), Ok(Answer::Refused(_))), "one line is left");
        let Ok(Answer::Invited(invited)) = send(&w, &Asked { struck: Places::parse("2,4-7"), ..wanted }) else { panic!("refused") };
        assert_eq!(invited.iter().map(|one| one.email.as_str()).collect::<Vec<_>>(), ["ann@f.example", "cy@f.example"]);
        assert_eq!(since(&w, events), ["user.invited", "user.invited"]);
        let cy = invited[1].user;
        assert_eq!(crate::people::editing::roles_of(&w, cy), [w.roles[&Standard::Agent], w.roles[&Standard::Reader]]);
        assert_eq!(w.read(|rx| store::teams::list_of_users(rx, &[cy])).remove(&cy), Some(vec![w.returns]));
        assert_eq!(w.read(|rx| store::channels::list_of_users(rx, &[cy])).remove(&cy), Some(vec![w.email]));
        let pending = w.read(|rx| store::invites::list(rx, None));
        assert!(pending.iter().all(|one| one.times_sent == 1 && one.mail == Some(("queued".to_owned(), None)) && one.invited_by == Some(w.ada)));
        let token = invited[0].link.rsplit('/').next().expect("a token").to_owned();
        let who = w.db.write_now(&w.system(), |tx| invites::accept(tx, &token, "Ann Able", password_hash())).expect("a live link");
        assert_eq!(who, invited[0].user);
        // The same list once more invites nobody twice.
        assert!(matches!(send(&w, &asked(&w, "ann@f.example\ncy@f.example")), Ok(Answer::Refused(_))));
    }

    fn ten_thousand_are_invited_in_one_piece_with_few_statements(w: World) {
        let mut text: String = (0..9_999).map(|n| format!("person{n}@f.example, Person {n}\n")).collect();
        text.push_str("=cmd|' /C calc'!A0 <last@f.example>\n");
        // Somebody is quicker by one address: of all the others nobody is invited.
        let can: Can<may::Invite> = w.can(w.olga);
        let one = asked(&w, "person5000@f.example");
        w.by(w.olga, |tx| create_all(tx, &can, &base(), &one)).expect("an invite");
        assert!(matches!(send(&w, &asked(&w, &text)), Ok(Answer::Refused(_))));
        assert_eq!(pending(&w, None), 1);
        let before = w.db.statements();
        let most = Asked { struck: Places::parse("5001"), ..asked(&w, &text) };
        let Ok(Answer::Invited(invited)) = send(&w, &most) else { panic!("refused") };
        let cost = w.db.statements() - before;
        assert!(cost < 150, "{cost} statements");
        assert_eq!((invited.len(), pending(&w, None)), (9_999, 10_000));
        assert_eq!(w.read(|rx| store::outbox::list(rx, None, (1, 0))).1, 10_000);
        assert_eq!(invited[9_998].name.full, "=cmd|' /C calc'!A0", "text stays text; files that are exported neutralise it");
    }

    fn what_belongs_to_others_is_not_named(w: World) {
        for wrong in [
            Asked { roles: vec![w.other.role], ..asked(&w, "ann@f.example") },
            Asked { teams: vec![w.other.team], ..asked(&w, "ann@f.example") },
            Asked { channels: vec![w.other.channel], ..asked(&w, "ann@f.example") },
        ] {
            assert!(matches!(send(&w, &wrong), Err(Failure::NotFound)));
        }
        let owner = send(&w, &Asked { roles: vec![w.roles[&Standard::Owner]], ..asked(&w, "ann@f.example") });
        assert!(matches!(owner, Err(Failure::Refused(Refusal::User(_)))), "{owner:?}");
        // The other workspace's user is a stranger, and its teams are unknown.
        let answer = send(&w, &asked(&w, "email,teams\nxena@xenon.example,Support\nann@f.example,Xenon team"));
        let Ok(Answer::Refused(all)) = answer else { panic!("not refused") };
        assert_eq!(problems(&all), ["3: There is no team called “Xenon team”"]);
    }

    fn ten_thousand_are_invited_at_once(w: World) {
        let text: String = (0..invite_list::MOST).map(|n| format!("person{n}@f.example, Person {n}\n")).collect();
        let events = w.events();
        let Ok(Answer::Invited(invited)) = send(&w, &asked(&w, &text)) else { panic!("refused") };
        assert_eq!(invited.len(), 10_000);
        assert_eq!(pending(&w, None), 10_000);
        assert_eq!(pending(&w, Some("person 999")), 11);
        assert_eq!(w.read(|rx| store::outbox::list(rx, None, (1, 0))).1, 10_000);
        assert_eq!(w.events() - events, 10_000);
    }

    fn several_invites_are_sent_again_or_cancelled_each_for_itself(w: World) {
        let Ok(Answer::Invited(invited)) = send(&w, &asked(&w, "ann@f.example\nbea@f.example\ncy@f.example")) else { panic!("refused") };
        let token = |n: usize| invited[n].link.rsplit('/').next().expect("a token").to_owned();
        w.db.write_now(&w.system(), |tx| invites::accept(tx, &token(0), "Ann", password_hash())).expect("a live link");
        w.later(TimeDelta::minutes(1));
        let ids: Vec<_> = invited.iter().map(|one| one.user).chain([invited[1].user]).collect();
        let can: Can<may::Invite> = w.can(w.ada);
        let events = w.events();
        let all: Vec<Done> = w.by(w.ada, |tx| do_all(tx, &can, &base(), Verb::Resend, &ids)).expect("to send");
        let refused: Vec<_> = all.iter().filter_map(|one| one.refused.clone()).collect();
        assert_eq!((all.len(), refused.len()), (3, 1), "{all:?}");
        assert_eq!(since(&w, events), ["invite.resent", "invite.resent"]);
        assert!(w.read(|rx| store::invites::list(rx, None)).iter().all(|one| one.times_sent == 2));
        let all = w.by(w.ada, |tx| do_all(tx, &can, &base(), Verb::Cancel, &ids)).expect("to cancel");
        assert_eq!(all.iter().filter(|one| one.refused.is_none()).count(), 2);
        assert_eq!(pending(&w, None), 0);
        let events = w.events();
        let all = w.by(w.ada, |tx| do_all(tx, &can, &base(), Verb::Cancel, &ids)).expect("nothing left");
        assert!(all.iter().all(|one| one.refused.is_some()));
        assert_eq!(w.events(), events, "refusals leave no event");
        // Of an invite that was cancelled it is known that there was one; of what was never here, nothing is.
        for never in [w.other.invited, w.other.xena, UserId(uuid::Uuid::from_u128(7))] {
            let ids: Vec<_> = ids.iter().copied().chain([never]).collect();
            let no = w.by(w.ada, |tx| do_all(tx, &can, &base(), Verb::Resend, &ids));
            assert!(matches!(no, Err(Failure::NotFound)), "{no:?}");
        }
        assert_eq!(w.events(), events);
        assert_eq!(w.user(w.ada).id, w.ada);
    }
}
