//! A conversation that many hand on at once: the trail is a chain without gaps, and nobody waits in a circle.

use baton::actions::conversations;
use baton::domain::access::Can;
use baton::domain::assignment::Target;
use baton::domain::audit::CONVERSATION_ASSIGNED;
use baton::domain::ids::{ConversationId, TeamId, UserId};
use baton::domain::roles::Standard;
use baton::domain::users::Status;
use baton::store;

use crate::support::world::scope_of;
use crate::support::{World, at_once, both_at_once, on_both};

/// Each event's "from" is the previous event's "to", and the last "to" is who holds the conversation now.
pub fn chain_without_gaps(w: &World, id: ConversationId, first: (Option<UserId>, Option<TeamId>)) -> usize {
    let events = w.read(|rx| store::audit::list_of_conversation(rx, id, 10_000));
    let mut holder = first;
    let mut links = 0;
    for event in events.iter().filter(|event| event.name == CONVERSATION_ASSIGNED) {
        assert_eq!(event.from, holder, "event {} says what was never true", event.id);
        assert_ne!(event.from, event.to, "event {} changes nothing", event.id);
        holder = event.to;
        links += 1;
    }
    let now = w.system_does(|tx| {
        let now = store::conversations::lock_many(tx, &[id])?.remove(0);
        tx.unchanged((now.assignee, now.team))
    });
    assert_eq!(now, holder, "the last event says who holds it");
    links
}

on_both! {
    fn six_who_hand_on_one_conversation_leave_a_chain(w: World) {
        let (id, number) = w.open_of(w.bob, 1)[0];
        let b = w.instance_b();
        let targets = [
            Target::User(w.agnes),
            Target::User(w.bob),
            Target::Team(w.support),
            Target::Nobody,
            Target::User(w.sven),
            Target::Team(w.returns),
        ];
        let scope = w.scope(w.ada);
        let can = Can::check(&scope).expect("Ada may");
        let changed: usize = at_once(6, |thread| {
            let db = if thread % 2 == 0 { &w.db } else { &b };
            let hand_on = |round: usize| {
                let target = targets[(thread + round) % targets.len()];
                let before = db.write_now(&scope, |tx| conversations::assign(tx, &can, number, target)).expect("to assign");
                usize::from((before.assignee, before.team) != target.holder(before.team))
            };
            (0..8).map(hand_on).sum::<usize>()
        })
        .into_iter()
        .sum();
        assert_eq!(chain_without_gaps(&w, id, (Some(w.bob), None)), changed);
    }

    fn bob_answers_while_ada_hands_him_the_conversation(w: World) {
        // Bob's answer holds the conversation and wants Bob; Ada's change holds Bob and wants the conversation.
        let (_, number) = w.open_of(w.agnes, 1)[0];
        let (bob, ada) = (w.scope(w.olga), w.scope(w.ada));
        let (can_reply, can_assign) = (Can::check(&bob).expect("may"), Can::check(&ada).expect("may"));
        for round in 0..20 {
            let target = if round % 2 == 0 { Target::User(w.olga) } else { Target::User(w.agnes) };
            let (replied, assigned) = both_at_once(
                || w.db.write_now(&bob, |tx| conversations::reply(tx, &can_reply, None, number, "On its way")),
                || w.db.write_now(&ada, |tx| conversations::assign(tx, &can_assign, number, target)),
            );
            replied.expect("the answer goes out");
            assigned.expect("the change is made");
            let (replied, assigned) = both_at_once(
                || w.db.write_now(&bob, |tx| conversations::reply(tx, &can_reply, None, number, "On its way")),
                || w.db.write_now(&ada, |tx| conversations::assign(tx, &can_assign, number, Target::User(w.olga))),
            );
            replied.expect("the answer goes out");
            assigned.expect("the change is made");
        }
    }

    fn nobody_gets_work_in_the_instant_in_which_they_leave(w: World) {
        for round in 0..15 {
            let nils = w.newcomer(&format!("Nils{round} Nord"), Standard::Agent, Status::Active);
            let (_, number) = w.open_of(w.bob, 1)[0];
            let (olga, ada) = (w.scope(w.olga), w.scope(w.ada));
            let (can_leave, can_assign) = (Can::check(&olga).expect("may"), Can::check(&ada).expect("may"));
            let (left, assigned) = both_at_once(
                || w.db.write_now(&olga, |tx| baton::actions::users::deactivate(tx, &can_leave, nils, None, None)),
                || w.db.write_now(&ada, |tx| conversations::assign(tx, &can_assign, number, Target::User(nils))),
            );
            left.expect("to leave");
            // Either the work came first and is held, visibly, by somebody inactive; or it was refused. In no case does
            // the trail say that it was given to somebody who had left.
            assert_eq!(w.trail(1), ["user.deactivated"], "round {round}: {assigned:?}");
            assert!(matches!(assigned, Ok(_) | Err(baton::failure::Failure::Refused(_))), "round {round}: {assigned:?}");
        }
    }

    fn a_team_that_is_deleted_while_it_gets_work_keeps_or_refuses_it(w: World) {
        for round in 0..15 {
            let scope = w.read(|rx| scope_of(rx, w.olga));
            let (can_manage, can_assign) = (Can::check(&scope).expect("may"), Can::check(&scope).expect("may"));
            let team = w
                .by(w.olga, |tx| baton::actions::teams::create(tx, &can_manage, &format!("Night {round}"), ""))
                .expect("a team");
            let (_, number) = w.open_of(w.bob, 1)[0];
            let (deleted, assigned) = both_at_once(
                || w.db.write_now(&scope, |tx| baton::actions::teams::delete(tx, &can_manage, team)),
                || w.db.write_now(&scope, |tx| conversations::assign(tx, &can_assign, number, Target::Team(team))),
            );
            use baton::failure::Failure;
            match (&deleted, &assigned) {
                (Ok(_), Err(Failure::NotFound)) | (Err(Failure::Refused(_)), Ok(_)) => {}
                _ => panic!("round {round}: {deleted:?} {assigned:?}"),
            }
        }
    }
}
