//! The inbox: list, count and the snapshot of a bulk job are one condition, and that condition is the rule of the
//! domain (`Filter` and `Sees`), whatever stands in the rows.

use std::collections::{BTreeSet, HashSet};

use baton::domain::access::Sees;
use baton::domain::assignment::Target;
use baton::domain::bulk::Selection;
use baton::domain::conversations::{Conversation, MessageKind, Priority, Status, StatusChange};
use baton::domain::ids::{ConversationId, TagId, TeamId, UserId};
use baton::domain::inbox::{Activity, Assignee, Cursor, Filter, Sort, Statuses, Teams, Waiting};
use baton::domain::search::{self, Wanted};
use baton::failure::Failure;
use baton::store::inbox::Total;
use baton::store::{self, bulk_jobs, inbox};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::support::db::Kind;
use crate::support::draft::Draft;
use crate::support::{World, on_both};

/// A conversation in small numbers, which the world turns into ids.
#[derive(Clone, Debug)]
struct Sketch {
    /// Nobody, Agnes, Bob, Gus.
    assignee: usize,
    /// None, Support, Returns.
    team: usize,
    /// Whether by chat.
    chat: bool,
    status: usize,
    priority: usize,
    waiting: Option<i64>,
    contact: usize,
    subject: usize,
    tags: [bool; 2],
    note: Option<usize>,
}

const SUBJECTS: [&str; 4] = ["A Tent pole is missing", "50% off?", "under_score", "Refund\\please"];
const NOTES: [&str; 3] = ["The TENT came late", "100 percent", "a\\b"];
const CONTACTS: [&str; 3] = ["harriet@customer.example", "tent_maker@customer.example", "zoe@customer.example"];
const WORDS: [&str; 9] =
    ["tent", "50%", "_", "\\", "harriet", "percent tent", "nothing like it", "harriet ten", "cole NOT tent"];

fn sketch() -> impl Strategy<Value = Sketch> {
    let place = (0_usize..4, 0_usize..3, any::<bool>(), 0_usize..4, 0_usize..4);
    let rest =
        (proptest::option::of(0_i64..3), 0_usize..3, 0_usize..4, any::<[bool; 2]>(), proptest::option::of(0_usize..3));
    (place, rest).prop_map(|((assignee, team, chat, status, priority), (waiting, contact, subject, tags, note))| {
        Sketch { assignee, team, chat, status, priority, waiting, contact, subject, tags, note }
    })
}

/// A filter in small numbers.
#[derive(Clone, Debug)]
struct Question {
    status: usize,
    assignee: Option<usize>,
    teams: Option<usize>,
    chat: Option<bool>,
    tag: Option<usize>,
    priority: Option<usize>,
    on_us: Option<bool>,
    contact: Option<usize>,
    activity: Option<(bool, i64)>,
    words: Option<usize>,
    person: usize,
}

fn question() -> impl Strategy<Value = Question> {
    let seldom = |max: usize| proptest::option::weighted(0.2, 0..max);
    let first = (0_usize..5, proptest::option::weighted(0.5, 0_usize..5), proptest::option::weighted(0.3, 0_usize..4));
    let more = (proptest::option::weighted(0.2, any::<bool>()), seldom(2), seldom(4));
    let last = (
        proptest::option::weighted(0.2, any::<bool>()),
        seldom(3),
        proptest::option::weighted(0.2, (any::<bool>(), 0_i64..5)),
        seldom(9),
        0_usize..7,
    );
    (first, more, last).prop_map(
        |((status, assignee, teams), (chat, tag, priority), (on_us, contact, activity, words, person))| Question {
            status,
            assignee,
            teams,
            chat,
            tag,
            priority,
            on_us,
            contact,
            activity,
            words,
            person,
        },
    )
}

/// A row as the model knows it.
struct Known {
    id: ConversationId,
    sketch: Sketch,
    conversation: Conversation,
}

struct Scene {
    world: World,
    rows: Vec<Known>,
    tags: [TagId; 2],
    start: DateTime<Utc>,
}

impl Scene {
    fn set(kind: Kind, sketches: &[Sketch], bob_left: bool) -> Self {
        let world = World::on(kind);
        let start = world.now();
        let mut made = Vec::new();
        // Three conversations share an instant, so that equal times are the rule.
        for three in sketches.chunks(3) {
            let drafts: Vec<Draft> = three.iter().map(|sketch| Self::draft(&world, sketch, start)).collect();
            let numbers = world.conversations(&drafts);
            world.system_does(|tx| {
                for ((id, _), sketch) in numbers.iter().zip(three) {
                    if let Some(note) = sketch.note {
                        let body = NOTES[note];
                        let new = store::messages::New {
                            conversation: *id,
                            kind: MessageKind::Note,
                            author: None,
                            body,
                            html: None,
                            email_message_id: None,
                            mail: None,
                            automatic: false,
                        };
                        store::messages::insert(tx, &new)?;
                    }
                }
                Ok(tx.unrecorded((), "a test sets the scene"))
            });
            made.extend(numbers.into_iter().zip(three.iter().cloned()));
            world.later(TimeDelta::seconds(1));
        }
        if bob_left {
            world.deactivate(world.bob);
        }
        let tags = world.system_does(|tx| {
            let tags = [store::tags::find_or_insert(tx, "vip")?, store::tags::find_or_insert(tx, "late")?];
            Ok(tx.unrecorded(tags, "a test sets the scene"))
        });
        let rows = made
            .into_iter()
            .map(|((id, number), sketch)| {
                let found = world.read(|rx| store::conversations::find(rx, number, &Sees::All));
                Known { id, sketch, conversation: found.expect("a conversation") }
            })
            .collect();
        Self { world, rows, tags, start }
    }

    fn draft(world: &World, sketch: &Sketch, start: DateTime<Utc>) -> Draft {
        let change = match Status::ALL[sketch.status] {
            Status::Open => None,
            Status::Snoozed => Some(StatusChange::Snooze(start + TimeDelta::days(1 + sketch.waiting.unwrap_or(0)))),
            Status::Closed => Some(StatusChange::Close),
            Status::Archived => Some(StatusChange::Archive),
        };
        Draft {
            channel: if sketch.chat { world.chat } else { world.email },
            contact: CONTACTS[sketch.contact].to_owned(),
            subject: SUBJECTS[sketch.subject].to_owned(),
            holder: (Self::person(world, sketch.assignee), Self::team(world, sketch.team)),
            change,
            priority: Some(Priority::ALL[sketch.priority]),
            waiting: sketch.waiting.map(|step| start + TimeDelta::seconds(step)),
            tags: ["vip", "late"]
                .into_iter()
                .zip(sketch.tags)
                .filter(|(_, on)| *on)
                .map(|(tag, _)| tag.to_owned())
                .collect(),
        }
    }

    fn person(world: &World, number: usize) -> Option<UserId> {
        [None, Some(world.agnes), Some(world.bob), Some(world.gus)][number]
    }

    fn team(world: &World, number: usize) -> Option<TeamId> {
        [None, Some(world.support), Some(world.returns)][number]
    }

    fn filter(&self, question: &Question) -> Filter {
        let world = &self.world;
        Filter {
            statuses: Status::ALL.get(question.status).map_or(Statuses::OpenAndSnoozed, |one| Statuses::Only(*one)),
            assignee: question.assignee.map(|number| match number {
                0 => Assignee::Nobody,
                4 => Assignee::Inactive,
                number => Assignee::User(Self::person(world, number).expect("a person")),
            }),
            teams: question.teams.map(|number| match number {
                0 => Teams::Any(vec![]),
                3 => Teams::Any(vec![world.support, world.returns]),
                number => Teams::One(Self::team(world, number).expect("a team")),
            }),
            channel: question.chat.map(|chat| if chat { world.chat } else { world.email }),
            tag: question.tag.map(|number| self.tags[number]),
            priority: question.priority.map(|number| Priority::ALL[number]),
            waiting: question.on_us.map(|us| if us { Waiting::OnUs } else { Waiting::OnCustomer }),
            contact: question.contact.map(|number| {
                let of = self.rows.iter().find(|row| row.sketch.contact == number);
                of.map_or(world.other.contact, |row| row.conversation.contact)
            }),
            activity: question.activity.map(|(since, step)| {
                let at = self.start + TimeDelta::seconds(step);
                if since { Activity::Since(at) } else { Activity::Before(at) }
            }),
            drafts_of: None,
            words: question.words.map(|number| WORDS[number].to_owned()),
        }
    }

    fn sees(&self, question: &Question) -> Sees {
        let w = &self.world;
        let person = [w.olga, w.ada, w.sven, w.agnes, w.bob, w.rita, w.gus][question.person];
        Sees::of(&w.scope(person).actor)
    }

    /// The rule, said once more in plain words.
    fn expected(&self, filter: &Filter, sees: &Sees) -> Vec<&Known> {
        let inactive: HashSet<UserId> = self
            .world
            .read(|rx| store::users::list_by_status(rx, &[baton::domain::users::Status::Inactive]))
            .into_iter()
            .map(|brief| brief.id)
            .collect();
        self.rows
            .iter()
            .filter(|row| {
                let one = &row.conversation;
                let words = filter.words.as_ref().is_none_or(|words| {
                    let contact = CONTACTS[row.sketch.contact];
                    let mut all = search::words(SUBJECTS[row.sketch.subject]);
                    let note = row.sketch.note.map_or("", |note| NOTES[note]);
                    [contact, "Harriet Cole", note].iter().for_each(|text| search::add(&mut all, text));
                    Wanted::read(words).is_some_and(|wanted| wanted.is_in(&all))
                });
                let status = match filter.statuses {
                    Statuses::Only(status) => one.status == status,
                    Statuses::Any => true,
                    Statuses::OpenAndSnoozed => matches!(one.status, Status::Open | Status::Snoozed),
                };
                let assignee = match filter.assignee {
                    None => true,
                    Some(Assignee::User(user)) => one.assignee == Some(user),
                    Some(Assignee::Inactive) => one.assignee.is_some_and(|user| inactive.contains(&user)),
                    Some(Assignee::Nobody) => one.assignee.is_none() && (filter.teams.is_some() || one.team.is_none()),
                };
                let teams = match &filter.teams {
                    None => true,
                    Some(Teams::One(team)) => one.team == Some(*team),
                    Some(Teams::Any(teams)) => one.team.is_some_and(|team| teams.contains(&team)),
                };
                let tag = filter.tag.is_none_or(|tag| {
                    let place = self.tags.iter().position(|one| *one == tag).expect("a tag");
                    row.sketch.tags[place]
                });
                let activity = match filter.activity {
                    None => true,
                    Some(Activity::Since(at)) => one.last_activity_at >= at,
                    Some(Activity::Before(at)) => one.last_activity_at < at,
                };
                let waiting = filter.waiting.is_none_or(|who| (who == Waiting::OnUs) == one.waiting_since.is_some());
                status
                    && assignee
                    && teams
                    && tag
                    && activity
                    && waiting
                    && words
                    && filter.channel.is_none_or(|channel| one.channel == channel)
                    && filter.priority.is_none_or(|priority| one.priority == priority)
                    && filter.contact.is_none_or(|contact| one.contact == contact)
                    && sees.covers(one.assignee, one.team, one.channel)
            })
            .collect()
    }
}

/// In which order the rows of a sort stand, and which of them it has.
fn sorted(rows: &[&Known], sort: Sort) -> Vec<ConversationId> {
    let mut rows: Vec<&Known> = rows.to_vec();
    rows.retain(|row| match sort {
        Sort::Newest | Sort::Priority => true,
        Sort::Waiting => row.conversation.waiting_since.is_some(),
        Sort::Wake => row.conversation.snoozed_until.is_some(),
    });
    rows.sort_by(|a, b| {
        let (x, y) = (&a.conversation, &b.conversation);
        let newest = y.last_activity_at.cmp(&x.last_activity_at).then(b.id.cmp(&a.id));
        match sort {
            Sort::Newest => newest,
            Sort::Priority => y.priority.cmp(&x.priority).then(newest),
            Sort::Waiting => x.waiting_since.cmp(&y.waiting_since).then(a.id.cmp(&b.id)),
            Sort::Wake => x.snoozed_until.cmp(&y.snoozed_until).then(a.id.cmp(&b.id)),
        }
    });
    rows.into_iter().map(|row| row.id).collect()
}

/// All pages of a list, put together; each cursor goes through the address as it would in a browser.
fn leaf(
    world: &World,
    filter: &Filter,
    sees: &Sees,
    sort: Sort,
    (size, look): (usize, usize),
) -> (Vec<ConversationId>, Option<Total>) {
    let (mut ids, mut after, mut total) = (Vec::new(), None::<Cursor>, None);
    loop {
        let page = world.read(|rx| inbox::list_looking(rx, filter, sees, sort, after.as_ref(), (size, look)));
        assert!(after.is_none() || total == page.total, "every page tells the same number");
        total = page.total;
        assert!(page.rows.len() <= size);
        ids.extend(page.rows.iter().map(|row| row.conversation.id));
        let Some(next) = page.next else { return (ids, total) };
        assert_eq!(page.rows.len(), size, "a page that is not the last is full");
        after = Some(Cursor::parse(&next.print()).expect("a cursor"));
    }
}

/// What a bulk job over all matching would pin; nothing of it stays.
fn pinned(world: &World, filter: &Filter, sees: &Sees) -> Vec<ConversationId> {
    let mut pinned = Vec::new();
    let selection = Selection { filter: Some(filter.clone()), sees: sees.clone() };
    let rolled_back = world.db.write_now(&world.system(), |tx| {
        let new = bulk_jobs::New {
            origin: bulk_jobs::Origin::Inbox,
            selection: &selection,
            change: Some(baton::domain::bulk_change::Change::Assign(Target::Nobody)),
            expected: None,
            submission: "snapshot",
            undo_for: TimeDelta::hours(1),
        };
        let job = bulk_jobs::insert(tx, &new)?.expect("a new job");
        let total = bulk_jobs::insert_matching(tx, job, filter, sees, Target::Nobody)?;
        let pending = bulk_jobs::list_pending(tx, job, 0, 10_000)?;
        assert_eq!(pending.len(), usize::try_from(total).unwrap());
        let places: Vec<i64> = pending.iter().map(|item| item.position).collect();
        assert_eq!(places, (1..=total).collect::<Vec<_>>());
        pinned = pending.iter().map(|item| item.conversation).collect();
        Err::<baton::store::Recorded<()>, _>(Failure::NotFound)
    });
    assert!(matches!(rolled_back, Err(Failure::NotFound)));
    pinned
}

fn agrees(scene: &Scene, question: &Question, size: usize, look: usize) {
    let (world, filter, sees) = (&scene.world, scene.filter(question), scene.sees(question));
    let expected = scene.expected(&filter, &sees);
    let ids: BTreeSet<ConversationId> = expected.iter().map(|row| row.id).collect();
    let count = world.read(|rx| inbox::count(rx, &filter, &sees));
    assert_eq!(count, i64::try_from(ids.len()).unwrap(), "count of {filter:?} for {sees:?}");
    for sort in Sort::ALL {
        let (list, total) = leaf(world, &filter, &sees, sort, (size, look));
        assert_eq!(list, sorted(&expected, sort), "{sort:?} of {filter:?} for {sees:?}");
        assert_eq!(total.is_some(), filter.words.is_some());
        if let Some(total) = total.filter(|_| sort == Sort::Newest) {
            let right = if total.at_least { total.number <= count } else { total.number == count };
            assert!(right, "{total:?} of {count} for {filter:?}");
        }
    }
    assert_eq!(pinned(world, &filter, &sees).into_iter().collect::<BTreeSet<_>>(), ids, "snapshot of {filter:?}");
    let all: Vec<ConversationId> = scene.rows.iter().map(|row| row.id).collect();
    let among = world.read(|rx| inbox::list_matching_among(rx, Some(&filter), &sees, &all));
    assert_eq!(among.into_iter().collect::<BTreeSet<_>>(), ids, "among of {filter:?}");
}

fn lists_say_what_the_rules_say(kind: Kind, cases: u32) {
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 60, ..Config::default() };
    let scenes = (
        proptest::collection::vec(sketch(), 0..24),
        proptest::collection::vec(question(), 1..12),
        1_usize..6,
        1_usize..30,
        any::<bool>(),
    );
    let outcome = TestRunner::new(config).run(&scenes, |(sketches, questions, size, look, bob_left)| {
        let scene = Scene::set(kind, &sketches, bob_left);
        for question in &questions {
            agrees(&scene, question, size, look);
        }
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn lists_say_what_the_rules_say_on_sqlite() {
    lists_say_what_the_rules_say(Kind::Sqlite, 24);
}

#[test]
fn lists_say_what_the_rules_say_on_postgres() {
    lists_say_what_the_rules_say(Kind::Postgres, 24);
}

on_both! {
    fn whoever_leafs_while_mail_arrives_sees_each_conversation_once(w: World) {
        // Twenty of one instant: only the row's number decides between them.
        let before: BTreeSet<ConversationId> = w.open_of(w.bob, 20).into_iter().map(|(id, _)| id).collect();
        let filter = Filter::of(Statuses::Only(Status::Open));
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = w.read(|rx| inbox::list(rx, &filter, &Sees::All, Sort::Newest, after.as_ref(), 3));
            seen.extend(page.rows.iter().map(|row| row.conversation.id));
            // One at the very instant of the others, one later: both stand before what was leafed through.
            w.open_of(w.agnes, 1);
            w.later(TimeDelta::microseconds(1));
            w.open_of(w.agnes, 1);
            let Some(next) = page.next else { break };
            after = Some(next);
        }
        assert_eq!(seen.len(), 20);
        assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), before);
    }

    fn whoever_leafs_while_rows_go_away_misses_none_of_the_others(w: World) {
        let made = w.open_of(w.bob, 12);
        let filter = Filter::of(Statuses::Only(Status::Open));
        let (mut seen, mut after) = (BTreeSet::new(), None);
        for turn in 0.. {
            let page = w.read(|rx| inbox::list(rx, &filter, &Sees::All, Sort::Newest, after.as_ref(), 4));
            seen.extend(page.rows.iter().map(|row| row.conversation.id));
            // The last row of the page, which the next begins after, is closed meanwhile.
            if turn == 0 {
                let last = page.rows[3].conversation.number;
                let can = w.can(w.olga);
                let close = |tx: &mut store::Tx| baton::actions::conversations::change_status(tx, &can, last, StatusChange::Close);
                w.by(w.olga, close).expect("to close");
            }
            let Some(next) = page.next else { break };
            after = Some(next);
        }
        assert_eq!(seen, made.into_iter().map(|(id, _)| id).collect());
    }

    fn the_other_workspace_is_in_no_list(w: World) {
        for statuses in Status::ALL.map(Statuses::Only) {
            let filter = Filter::of(statuses);
            assert_eq!(w.read(|rx| inbox::count(rx, &filter, &Sees::All)), 0);
        }
        let x = &w.other;
        let among = w.read(|rx| inbox::list_matching_among(rx, None, &Sees::All, &[x.conversation]));
        assert!(among.is_empty());
        for filter in [
            Filter { assignee: Some(Assignee::User(x.xena)), ..Filter::of(Statuses::OpenAndSnoozed) },
            Filter { teams: Some(Teams::One(x.team)), ..Filter::of(Statuses::OpenAndSnoozed) },
            Filter { tag: Some(x.tag), ..Filter::of(Statuses::OpenAndSnoozed) },
            Filter { contact: Some(x.contact), ..Filter::of(Statuses::OpenAndSnoozed) },
            Filter { words: Some("secret".to_owned()), ..Filter::of(Statuses::OpenAndSnoozed) },
        ] {
            assert_eq!(w.read(|rx| inbox::count(rx, &filter, &Sees::All)), 0, "{filter:?}");
        }
    }
}
