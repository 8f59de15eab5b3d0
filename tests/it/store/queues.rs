//! Mail to be sent and work to be done: each is claimed by one instance, comes back when that one dies, and is done once.

use std::collections::BTreeSet;

use baton::actions::bulk;
use baton::domain::assignment::Target;
use baton::domain::ids::{MailId, TaskId};
use baton::mail::{Mail, Outgoing};
use baton::store::outbox::State;
use baton::store::{self, Db};
use chrono::TimeDelta;

use crate::support::{World, at_once, on_both};

fn mail(subject: &str) -> Mail {
    Mail {
        kind: "notice",
        to_name: "Nina".to_owned(),
        to_address: "nina@fernhill.example".to_owned(),
        from_name: "Fernhill".to_owned(),
        from_address: None,
        subject: subject.to_owned(),
        text: "A secret link".to_owned(),
        html: "<p>A secret link</p>".to_owned(),
        message_id: None,
        in_reply_to: None,
        reply_to: None,
        channel: None,
        references: vec!["a@b".to_owned(), "c@d".to_owned()],
    }
}

/// Queues mails of Fernhill; Xena's is out of the way.
fn queue(w: &World, count: usize) -> Vec<MailId> {
    w.anywhere(|ax| store::outbox::finish(ax, w.other.mail, State::Sent, None));
    w.system_does(|tx| {
        let ids = (0..count).map(|number| tx.send_mail(mail(&format!("Mail {number}")))).collect::<Result<_, _>>()?;
        Ok(tx.unrecorded(ids, "a test sets the scene"))
    })
}

fn claim(db: &Db) -> Option<Outgoing> {
    db.anywhere_now(|ax| store::outbox::claim(ax, &store::outbox::Busy::default())).expect("a claim")
}

fn listed(w: &World, id: MailId) -> store::outbox::Listed {
    w.read(|rx| store::outbox::list(rx, None, (100, 0))).0.into_iter().find(|one| one.id == id).expect("a mail")
}

/// So many jobs, each with its task; Xena's is out of the way.
fn tasks(w: &World, count: usize) {
    let xenas = w.anywhere(store::tasks::claim).expect("Xena's task");
    w.anywhere(|ax| store::tasks::delete(ax, xenas.id));
    let can = w.can(w.ada);
    for number in 0..count {
        let (_, conversation) = w.open_of(w.bob, 1)[0];
        let request = bulk::Request {
            picked: bulk::Picked::Numbers(vec![conversation.0]),
            change: baton::domain::bulk_change::Change::Assign(Target::Nobody),
            submission: format!("form {number}"),
        };
        w.by(w.ada, |tx| bulk::start(tx, &can, &request)).expect("a job");
    }
}

fn claim_task(db: &Db) -> Option<TaskId> {
    db.anywhere_now(store::tasks::claim).expect("a claim").map(|claimed| claimed.id)
}

on_both! {
    fn four_senders_on_two_instances_take_each_mail_once(w: World) {
        let queued: BTreeSet<MailId> = queue(&w, 20).into_iter().collect();
        let b = w.instance_b();
        let taken: Vec<MailId> = at_once(4, |thread| {
            let db = if thread % 2 == 0 { &w.db } else { &b };
            let (mut mine, mut idle) = (Vec::new(), 0);
            // "Nothing to do" may only mean that the others hold what is left just now.
            while idle < 5 {
                match claim(db) {
                    Some(mail) => {
                        db.anywhere_now(|ax| store::outbox::finish(ax, mail.id, State::Sent, None)).expect("to finish");
                        mine.push(mail.id);
                    }
                    None => idle += 1,
                }
            }
            mine
        })
        .into_iter()
        .flatten()
        .collect();
        assert_eq!(taken.len(), 20, "none twice");
        assert_eq!(taken.into_iter().collect::<BTreeSet<_>>(), queued, "none forgotten");
        assert!(w.read(|rx| store::outbox::list(rx, None, (100, 0))).0.iter().all(|mail| mail.state == State::Sent));
    }

    fn a_mail_whose_sender_died_is_sent_by_another_after_its_claim(w: World) {
        let id = queue(&w, 1)[0];
        let first = claim(&w.db).expect("a mail");
        assert_eq!((first.id, first.attempts, first.references.as_str()), (id, 1, "a@b c@d"));
        assert!(claim(&w.instance_b()).is_none(), "it is being sent");
        w.later(TimeDelta::seconds(120));
        assert_eq!(claim(&w.instance_b()).map(|mail| mail.attempts), Some(2));
    }

    fn a_mail_that_fails_is_tried_later_and_the_text_of_a_sent_one_is_gone(w: World) {
        let id = queue(&w, 1)[0];
        claim(&w.db).expect("a mail");
        w.anywhere(|ax| store::outbox::postpone(ax, id, TimeDelta::minutes(5), "connection refused"));
        let waiting = listed(&w, id);
        assert_eq!((waiting.state, waiting.attempts, waiting.problem.as_deref()), (State::Queued, 1, Some("connection refused")));
        assert_eq!(waiting.next_try_at, w.now() + TimeDelta::minutes(5));
        assert!(claim(&w.db).is_none());
        w.later(TimeDelta::minutes(5));
        claim(&w.db).expect("its time has come");
        w.anywhere(|ax| store::outbox::finish(ax, id, State::Sent, None));
        assert_eq!((listed(&w, id).state, listed(&w, id).problem), (State::Sent, None));
        assert!(claim(&w.db).is_none());
        assert_eq!(w.number("SELECT count(*) FROM outbox WHERE text_body LIKE '%secret%' OR html_body LIKE '%secret%'"), 0);
    }

    fn a_failed_mail_can_be_queued_again_and_no_other(w: World) {
        let ids = queue(&w, 2);
        claim(&w.db).expect("a mail");
        w.anywhere(|ax| store::outbox::finish(ax, ids[0], State::Failed, Some("no such mailbox")));
        let requeue = |id| w.system_does(|tx| {
            let done = store::outbox::requeue(tx, id)?;
            Ok(tx.unrecorded(done, "a test tries it"))
        });
        assert!(!requeue(ids[1]), "it waits anyway");
        let states = w.read(|rx| store::outbox::list_states(rx, &ids[..1]));
        assert_eq!(states, [(ids[0], State::Failed, Some("no such mailbox".to_owned()))]);
        assert!(requeue(ids[0]));
        let (page, total) = w.read(|rx| store::outbox::list(rx, Some(State::Queued), (1, 0)));
        assert_eq!((page.len(), total), (1, 2));
        assert_eq!(listed(&w, ids[0]).attempts, 0);
    }

    fn a_kept_mail_can_be_read_where_no_mail_server_is_set(w: World) {
        let id = queue(&w, 1)[0];
        claim(&w.db).expect("a mail");
        w.anywhere(|ax| store::outbox::finish(ax, id, State::Kept, None));
        assert_eq!((listed(&w, id).state, listed(&w, id).text.as_str()), (State::Kept, "A secret link"));
    }

    fn a_task_is_done_by_one_of_two_instances(w: World) {
        tasks(&w, 8);
        let b = w.instance_b();
        for _ in 0..8 {
            let got = at_once(2, |thread| claim_task(if thread == 0 { &w.db } else { &b }));
            let mut got: Vec<TaskId> = got.into_iter().flatten().collect();
            let count = got.len();
            got.dedup();
            assert_eq!(got.len(), count, "both got the same");
            for id in got {
                w.anywhere(|ax| store::tasks::delete(ax, id));
            }
            if w.anywhere(store::tasks::count) == 0 {
                break;
            }
        }
        assert_eq!(w.anywhere(store::tasks::count), 0);
        tasks_of_one_are_of_one(&w, &b);
    }

    fn a_task_whose_instance_died_is_taken_over(w: World) {
        tasks(&w, 1);
        let first = w.anywhere(store::tasks::claim).expect("a task");
        assert_eq!(first.attempts, 0);
        let almost = store::tasks::CLAIM - TimeDelta::microseconds(1);
        w.later(almost);
        assert_eq!(claim_task(&w.instance_b()), None);
        w.anywhere(|ax| store::tasks::renew(ax, first.id));
        w.later(almost);
        assert_eq!(claim_task(&w.instance_b()), None, "it is alive");
        w.later(TimeDelta::microseconds(1));
        let second = w.anywhere(store::tasks::claim).expect("it died");
        assert_eq!((second.id, second.attempts), (first.id, 1));
        w.anywhere(|ax| store::tasks::postpone(ax, second.id, TimeDelta::seconds(2), "the database was away"));
        assert_eq!(claim_task(&w.db), None);
        w.later(TimeDelta::seconds(2));
        assert_eq!(claim_task(&w.db), Some(first.id));
    }
}

/// One task, two instances at the very same instant, many times.
fn tasks_of_one_are_of_one(w: &World, b: &Db) {
    let can = w.can(w.ada);
    for round in 0..10 {
        let (_, conversation) = w.open_of(w.bob, 1)[0];
        let request = bulk::Request {
            picked: bulk::Picked::Numbers(vec![conversation.0]),
            change: baton::domain::bulk_change::Change::Assign(Target::Nobody),
            submission: format!("once {round}"),
        };
        w.by(w.ada, |tx| bulk::start(tx, &can, &request)).expect("a job");
        let got = at_once(2, |thread| claim_task(if thread == 0 { &w.db } else { b }));
        assert_eq!(got.iter().flatten().count(), 1, "{got:?}");
        w.anywhere(|ax| store::tasks::delete(ax, got.into_iter().flatten().next().expect("a task")));
    }
}
