//! A snooze ends once, however many instances look (F-3, F-5).

use baton::actions::conversations;
use baton::domain::access::{Cause, Scope, Sees};
use baton::domain::conversations::{Status, StatusChange};
use baton::store;
use chrono::TimeDelta;

use crate::support::{World, both_at_once, on_both};

on_both! {
    fn of_two_instances_that_wake_a_conversation_one_does(w: World) {
        let b = w.instance_b();
        let until = w.now() + TimeDelta::hours(1);
        let draft = w.draft().assignee(w.bob).now(StatusChange::Snooze(until));
        let asleep = w.conversations(&vec![draft; 15]);
        let due = |w: &World| w.anywhere(|ax| store::anywhere::list_due_snoozes(ax, 100));
        assert!(due(&w).is_empty(), "before its time nothing is due");
        w.later(TimeDelta::hours(1));
        assert_eq!(due(&w).len(), 15);
        let timer = Scope::system(w.workspace, Some(Cause::Timer));
        for (id, number) in asleep {
            let (one, two) = both_at_once(
                || w.db.write_now(&timer, |tx| conversations::wake(tx, id)).expect("to wake"),
                || b.write_now(&timer, |tx| conversations::wake(tx, id)).expect("to wake"),
            );
            assert!(one != two, "one wakes it, and the other finds it awake");
            let awake = w.read(|rx| store::conversations::find(rx, number, &Sees::All)).expect("a conversation");
            assert_eq!((awake.status, awake.snoozed_until), (Status::Open, None));
            assert_eq!(awake.assignee, Some(w.bob), "waking moves nothing");
            let events = w.read(|rx| store::audit::list_of_conversation(rx, id, 10));
            let woken: Vec<_> = events.iter().filter(|event| event.name == "conversation.woken").collect();
            assert_eq!(woken.len(), 1);
            assert_eq!(woken[0].cause.as_deref(), Some("timer"));
        }
        assert!(due(&w).is_empty());
    }

    fn a_conversation_that_bob_reopens_is_not_woken_again(w: World) {
        let until = w.now() + TimeDelta::hours(1);
        let (id, number) = w.conversation(&w.draft().assignee(w.bob).now(StatusChange::Snooze(until)));
        let can = w.can(w.bob);
        w.by(w.bob, |tx| conversations::change_status(tx, &can, number, StatusChange::Open)).expect("to reopen");
        w.later(TimeDelta::hours(2));
        assert!(w.anywhere(|ax| store::anywhere::list_due_snoozes(ax, 100)).is_empty());
        let events = w.events();
        assert!(!w.system_does(|tx| conversations::wake(tx, id)));
        assert_eq!(w.events(), events);
    }
}
