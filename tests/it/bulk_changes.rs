//! Many conversations at once: everything that a bulk job does beside giving them to somebody, and spreading (C-8, H-3).

use std::collections::{BTreeMap, HashMap};

use baton::actions::bulk::{self, Picked, Request, Started};
use baton::domain::access::{Cause, Key, PermissionSet, Scope, Sees};
use baton::domain::bulk::{BulkRefusal, Outcome};
use baton::domain::bulk_change::Change;
use baton::domain::conversations::{Conversation, Priority, Status, StatusChange};
use baton::domain::ids::{ConversationNumber, JobId, TagId, UserId};
use baton::domain::roles::Standard;
use baton::domain::users::Status as UserStatus;
use baton::failure::{Failure, Refusal};
use baton::store;
use chrono::TimeDelta;

use crate::support::web::Site;
use crate::support::{World, on_both};

fn try_start(w: &World, who: UserId, numbers: &[ConversationNumber], change: Change) -> Result<Started, Failure> {
    let can = w.can(who);
    let submission = format!("{change:?} {numbers:?}");
    let picked = Picked::Numbers(numbers.iter().map(|number| number.0).collect());
    w.by(who, |tx| bulk::start(tx, &can, &Request { picked: picked.clone(), change, submission: submission.clone() }))
}

fn run(w: &World, job: JobId) -> HashMap<Outcome, i64> {
    let scope = Scope { cause: Some(Cause::Job(job)), ..Scope::on_behalf(w.workspace, w.ada) };
    while !w.db.write_now(&scope, |tx| bulk::run_chunk(tx, job)).expect("a chunk").ended {}
    w.read(|rx| store::bulk_items::count_outcomes(rx, job))
}

fn done(w: &World, numbers: &[ConversationNumber], change: Change) -> (JobId, HashMap<Outcome, i64>) {
    let job = try_start(w, w.ada, numbers, change).expect("a job").job;
    (job, run(w, job))
}

fn undo(w: &World, job: JobId) -> HashMap<Outcome, i64> {
    let can = w.can(w.ada);
    let started = w.by(w.ada, |tx| bulk::undo(tx, &can, job)).expect("an undo");
    run(w, started.job)
}

fn one(w: &World, number: ConversationNumber) -> Conversation {
    w.read(|rx| store::conversations::find(rx, number, &Sees::All)).expect("a conversation")
}

fn tags(w: &World, number: ConversationNumber) -> Vec<TagId> {
    let id = one(w, number).id;
    w.read(|rx| store::tags::list_of_conversations(rx, &[id])).remove(&id).unwrap_or_default()
}

/// Everything about some conversations that a bulk job may change, but for their versions.
fn state(w: &World, numbers: &[ConversationNumber]) -> Vec<String> {
    let numbers: Vec<String> = numbers.iter().map(|number| number.0.to_string()).collect();
    w.database.lines(&format!(
        "SELECT CAST(c.number AS TEXT) || ' ' || c.status || ' ' || coalesce(CAST(c.snoozed_until AS TEXT), '-') || ' ' || \
         coalesce(CAST(c.closed_at AS TEXT), '-') || ' ' || CAST(c.priority AS TEXT) || ' ' || \
         CAST((SELECT count(*) FROM conversation_tags t WHERE t.conversation_id = c.id) AS TEXT) AS line \
         FROM conversations c WHERE c.number IN ({}) ORDER BY c.number",
        numbers.join(", ")
    ))
}

fn counted(outcomes: &HashMap<Outcome, i64>, outcome: Outcome) -> i64 {
    outcomes.get(&outcome).copied().unwrap_or(0)
}

/// One of each status, each a little different.
fn some(w: &World) -> Vec<ConversationNumber> {
    let until = w.now() + TimeDelta::days(3);
    let drafts = [
        w.draft().assignee(w.bob),
        w.draft().now(StatusChange::Snooze(until)),
        w.draft().assignee(w.agnes).now(StatusChange::Close),
        w.draft().now(StatusChange::Archive),
    ];
    let mut drafts = drafts.to_vec();
    drafts[0].priority = Some(Priority::Urgent);
    drafts[1].tags = vec!["vip".to_owned()];
    w.conversations(&drafts).into_iter().map(|(_, number)| number).collect()
}

fn tag(w: &World, name: &str) -> TagId {
    w.system_does(|tx| {
        let tag = store::tags::find_or_insert(tx, name)?;
        Ok(tx.unrecorded(tag, "a test sets the scene"))
    })
}

on_both! {
    fn every_change_is_done_once_recorded_and_put_back(w: World) {
        let numbers = some(&w);
        let vip = tag(&w, "vip");
        let until = w.now() + TimeDelta::days(5);
        // What it does to one that is open, snoozed, closed, archived.
        use Outcome::{AlreadyThere as So, Archived as Spared, Done};
        let cases = [
            (Change::Status(StatusChange::Close), [Done, Done, So, Spared]),
            (Change::Status(StatusChange::Open), [So, Done, Done, Spared]),
            (Change::Status(StatusChange::Archive), [Done, Done, Done, Spared]),
            (Change::Status(StatusChange::Snooze(until)), [Done, Done, Done, Spared]),
            (Change::Wake, [So, Done, So, Spared]),
            (Change::AddTag(vip), [Done, So, Done, Done]),
            (Change::RemoveTag(vip), [So, Done, So, So]),
            (Change::Priority(Priority::Urgent), [So, Done, Done, Done]),
        ];
        for (change, expected) in cases {
            let before = state(&w, &numbers);
            let untouched = w.events();
            let (job, outcomes) = done(&w, &numbers, change);
            for outcome in [So, Spared, Done] {
                let wanted = expected.iter().filter(|one| **one == outcome).count();
                assert_eq!(counted(&outcomes, outcome), i64::try_from(wanted).unwrap(), "{outcome:?} of {change:?}");
            }
            let changed = counted(&outcomes, Done);
            // The job's start and end, and one for each conversation.
            assert_eq!(w.events() - untouched, changed + 2, "{change:?}");
            for (number, outcome) in numbers.iter().zip(expected) {
                let now = one(&w, *number);
                let is_so = change.is_so(&now, &tags(&w, *number));
                assert!(is_so || outcome == Spared, "{change:?} of {number}: {now:?}");
            }
            let undone = undo(&w, job);
            assert_eq!(counted(&undone, Done), changed, "{change:?}: {undone:?}");
            assert_eq!(state(&w, &numbers), before, "{change:?} is undone");
            w.later(TimeDelta::seconds(1));
        }
    }

    fn what_was_touched_since_is_left_by_the_undo(w: World) {
        let numbers = some(&w);
        let (job, _) = done(&w, &numbers, Change::Status(StatusChange::Close));
        let can = w.can(w.ada);
        w.by(w.ada, |tx| baton::actions::conversations::set_priority(tx, &can, numbers[0], Priority::Low)).unwrap();
        let undone = undo(&w, job);
        assert_eq!((counted(&undone, Outcome::Done), counted(&undone, Outcome::TouchedSince)), (1, 1));
        assert_eq!([one(&w, numbers[0]).status, one(&w, numbers[1]).status], [Status::Closed, Status::Snoozed]);
    }

    fn a_tag_that_somebody_changed_since_is_left_by_the_undo(w: World) {
        let numbers = some(&w);
        let new = tag(&w, "brand new");
        let (job, outcomes) = done(&w, &numbers, Change::AddTag(new));
        assert_eq!(counted(&outcomes, Outcome::Done), 4);
        // Somebody takes it off and means it: the tag comes on again by hand.
        let can = w.can(w.ada);
        w.by(w.ada, |tx| baton::actions::conversations::remove_tag(tx, &can, numbers[0], new)).unwrap();
        w.by(w.ada, |tx| baton::actions::conversations::add_tag(tx, &can, numbers[0], "brand new")).unwrap();
        let undone = undo(&w, job);
        assert_eq!((counted(&undone, Outcome::Done), counted(&undone, Outcome::TouchedSince)), (3, 1));
        assert!(tags(&w, numbers[0]).contains(&new) && !tags(&w, numbers[1]).contains(&new));
    }

    fn what_is_spread_to_somebody_who_left_meanwhile_waits_in_the_queue(w: World) {
        let mut chat = w.draft().assignee(w.rita);
        chat.channel = w.chat;
        let (_, number) = w.conversation(&chat);
        let can = w.can(w.ada);
        let picked = Picked::Numbers(vec![number.0]);
        let request = Request { picked, change: Change::Spread(w.support), submission: "spread".to_owned() };
        let job = w.by(w.ada, |tx| bulk::start(tx, &can, &request)).expect("a job").job;
        w.deactivate(w.bob);
        assert_eq!(run(&w, job), HashMap::from([(Outcome::Done, 1)]));
        assert_eq!((one(&w, number).assignee, one(&w, number).team), (None, Some(w.support)));
        assert_eq!(undo(&w, job), HashMap::from([(Outcome::Done, 1)]));
        assert_eq!(one(&w, number).assignee, Some(w.rita));
    }

    fn what_comes_back_to_work_does_not_come_back_to_somebody_who_is_gone(w: World) {
        let numbers: Vec<_> = w
            .conversations(&[w.draft().assignee(w.bob).team(w.support).now(StatusChange::Close)])
            .into_iter().map(|(_, number)| number).collect();
        let can = w.can(w.olga);
        w.deactivate(w.bob);
        w.by(w.olga, |tx| baton::actions::removal::remove(tx, &can, w.bob, None)).expect("a removal");
        let (_, outcomes) = done(&w, &numbers, Change::Status(StatusChange::Open));
        assert_eq!(counted(&outcomes, Outcome::Done), 1);
        let now = one(&w, numbers[0]);
        assert_eq!((now.status, now.assignee, now.team), (Status::Open, None, Some(w.support)));
    }

    fn nobody_does_to_many_what_they_may_not_do_to_one(w: World) {
        let numbers = some(&w);
        let wanda = w.newcomer("Wanda Watcher", Standard::Guest, UserStatus::Active);
        let only_bulk = PermissionSet::from_iter([Key::ConversationsViewAll, Key::ConversationsBulk]);
        w.system_does(|tx| {
            let role = store::roles::insert(tx, "Movers", "", only_bulk)?;
            store::roles::insert_of_user(tx, wanda, &[role])?;
            Ok(tx.unrecorded((), "a test sets the scene"))
        });
        let vip = tag(&w, "vip");
        for change in [Change::Wake, Change::Status(StatusChange::Close), Change::AddTag(vip), Change::Priority(Priority::Low)] {
            let refused = try_start(&w, wanda, &numbers, change);
            assert!(matches!(refused, Err(Failure::Refused(Refusal::Bulk(BulkRefusal::NotAllowed)))), "{change:?}");
        }
        // Nor do they undo it; and whoever does not see everything undoes what they started themselves only.
        let (closed, _) = done(&w, &numbers[..1], Change::Status(StatusChange::Close));
        let nosy = w.newcomer("Nora Nosy", Standard::Guest, UserStatus::Active);
        w.system_does(|tx| {
            let keys = [Key::ConversationsViewOwn, Key::ConversationsBulk, Key::ConversationsChangeStatus];
            let role = store::roles::insert(tx, "Own movers", "", PermissionSet::from_iter(keys))?;
            store::roles::insert_of_user(tx, nosy, &[role])?;
            Ok(tx.unrecorded((), "a test sets the scene"))
        });
        for (who, why) in [(wanda, BulkRefusal::NotAllowed), (nosy, BulkRefusal::NotYours)] {
            let can = w.can(who);
            let refused = w.by(who, |tx| bulk::undo(tx, &can, closed)).err();
            assert!(matches!(refused, Some(Failure::Refused(Refusal::Bulk(said))) if said == why));
        }
        assert_eq!(counted(&undo(&w, closed), Outcome::Done), 1);
        let past = Change::Status(StatusChange::Snooze(w.now() - TimeDelta::hours(1)));
        let said = try_start(&w, w.ada, &numbers, past);
        assert!(matches!(said, Err(Failure::Refused(Refusal::Bulk(BulkRefusal::NoTime)))));
        for theirs in [Change::AddTag(w.other.tag), Change::Spread(w.other.team)] {
            assert!(matches!(try_start(&w, w.ada, &numbers, theirs), Err(Failure::NotFound)), "{theirs:?}");
        }
    }

    fn work_is_spread_over_a_team_by_load_and_channel(w: World) {
        // Agnes and Bob are in Support; both do mail, Bob alone chats; Bob holds three already.
        w.open_of(w.bob, 3);
        let mut chat = w.draft();
        chat.channel = w.chat;
        let mut drafts = vec![w.draft(); 6];
        drafts.extend([chat.clone(), chat]);
        let numbers: Vec<_> = w.conversations(&drafts).into_iter().map(|(_, number)| number).collect();
        let (job, outcomes) = done(&w, &numbers, Change::Spread(w.support));
        assert_eq!(counted(&outcomes, Outcome::Done), 8);
        let mut held: BTreeMap<Option<UserId>, usize> = BTreeMap::new();
        for number in &numbers {
            let now = one(&w, *number);
            assert_eq!(now.team, Some(w.support));
            *held.entry(now.assignee).or_default() += 1;
        }
        // Agnes 0 and Bob 3: three to Agnes, then in turns, and both chats to Bob.
        assert_eq!(held, BTreeMap::from([(Some(w.agnes), 4), (Some(w.bob), 4)]));
        assert_eq!(undo(&w, job), HashMap::from([(Outcome::Done, 8)]));
        assert!(numbers.iter().all(|number| one(&w, *number).assignee.is_none()));
        // Bob leaves, and nobody can take a chat: it waits in the queue, and is counted.
        w.deactivate(w.bob);
        w.later(TimeDelta::seconds(1));
        let can = w.can(w.ada);
        let picked = Picked::Numbers(numbers.iter().map(|number| number.0).collect());
        let request = Request { picked, change: Change::Spread(w.support), submission: "again".to_owned() };
        let job = w.by(w.ada, |tx| bulk::start(tx, &can, &request)).expect("a job").job;
        assert_eq!(run(&w, job), HashMap::from([(Outcome::Done, 8)]));
        assert_eq!(w.read(|rx| store::bulk_changes::count_left_in_queue(rx, job)), 2);
        let last = one(&w, numbers[7]);
        assert_eq!((last.assignee, last.team), (None, Some(w.support)));
    }

    async fn the_bar_asks_and_does_everything(w: World) {
        let site = Site::on(w.db.clone()).await;
        let numbers: Vec<String> = some(&w).iter().map(|number| number.0.to_string()).collect();
        let sven = site.logged_in(&w, w.sven).await;
        let bar = sven.get("/inbox?select=page").await.expect(200);
        let sent = bar.attributes("button[form=bulk-form][name=change], #bulk-form button[name=change]", "value");
        for change in ["status:closed", "snooze:1h", "snooze:", "wake:", "status:open", "status:archived", "add_tag:", "remove_tag:", "priority:high"] {
            assert!(sent.iter().any(|one| one == change), "{change} in {sent:?}");
        }
        for change in &sent {
            let path = format!("/inbox/bulk/confirm?change={change}&conversation={}&conversation={}", numbers[0], numbers[1]);
            let asked = sven.get(&path).await.expect(200);
            assert!(asked.text("h2").contains("2 conversations"), "{change}: {}", asked.text("h2"));
            assert!(asked.has("button[type=submit].btn-primary"), "{change}");
        }
        let spread = format!("/inbox/bulk/confirm?target=spread:{}&conversation={}", w.support, numbers[0]);
        let asked = sven.get(&spread).await.expect(200);
        assert!(asked.texts("form .facts div").len() == 1 && asked.text("form .facts dd") == "+1", "{:?}", asked.texts("form .facts div"));
        // What is missing or wrong is said at its field, and nothing is lost.
        let refused = sven.post("/inbox/bulk", &[("action", "add_tag"), ("tag", "  "), ("conversation", &numbers[0])]).await.expect(422);
        assert!(refused.has("#bulk-tag[aria-invalid=true]") && refused.body.contains("Type the name of a tag first"));
        let refused = sven.post("/inbox/bulk", &[("action", "remove_tag"), ("tag", "none such"), ("conversation", &numbers[0])]).await.expect(422);
        assert_eq!(refused.attributes("#bulk-tag", "value"), ["none such"]);
        sven.post("/inbox/bulk", &[("action", "snooze"), ("snooze_until", "2001-01-01T10:00"), ("conversation", &numbers[0])]).await.expect(422);
        sven.post("/inbox/bulk", &[("action", "dance"), ("conversation", &numbers[0])]).await.expect(422);
        // As other programs post it, and as the dialog does, over what matches.
        sven.post("/inbox/bulk", &[("action", "add_tag"), ("tag", "brand new"), ("conversation", &numbers[0])]).await.expect(303);
        assert_eq!(w.number("SELECT count(*) FROM conversation_tags t JOIN tags g ON g.id = t.tag_id WHERE g.name = 'brand new'"), 1);
        let matching = [("change", "priority:low"), ("scope", "matching"), ("status", "open"), ("expected", "1")];
        sven.post("/inbox/bulk", &matching).await.expect(303);
        let low = format!("SELECT count(*) FROM conversations WHERE number = {} AND priority = {}", numbers[0], Priority::Low.rank());
        assert_eq!(w.number(&low), 1);
        let page = sven.post("/inbox/bulk", &[("action", "status"), ("status", "closed"), ("conversation", &numbers[0])]).await.expect(303);
        let next = sven.get(page.location()).await.expect(200);
        assert!(next.body.contains("1 conversation closed"), "{:?}", next.texts(".toast"));
        let job = w.database.lines("SELECT CAST(count(*) AS TEXT) AS line FROM bulk_jobs WHERE kind = 'status'");
        assert_eq!(job, ["1"]);
    }
}
