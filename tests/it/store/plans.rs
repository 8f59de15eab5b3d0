//! What SQLite would do for the statements behind lists: take rows in order from an index, never read a whole big table. (What
//! both databases do with a million conversations is measured by `bin/bench`.)

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use baton::config::DatabaseUrl;
use baton::domain::access::Sees;
use baton::domain::conversations::{Priority, Status};
use baton::domain::inbox::{Assignee, Cursor, Filter, Sort, Statuses, Teams, Waiting};
use baton::store::{self, Rx};
use diesel::prelude::*;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::support::World;

/// Tables that grow with the years. Others have some hundred rows.
const BIG: [&str; 10] = [
    "conversations",
    "search_documents",
    "d",
    "messages",
    "contacts",
    "audit_events",
    "conversation_tags",
    "conversation_reads",
    "attachments",
    "bulk_items",
];

/// Keeps the statements that the store says it sent.
#[derive(Clone, Default)]
struct Statements(Arc<Mutex<Vec<String>>>);

impl Subscriber for Statements {
    fn enabled(&self, about: &Metadata<'_>) -> bool {
        about.target() == "baton::store::statements"
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        struct Text(Option<String>);
        impl Visit for Text {
            fn record_str(&mut self, field: &Field, value: &str) {
                if field.name() == "db.statement" {
                    self.0 = Some(value.to_owned());
                }
            }
            fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
        }
        let mut text = Text(None);
        event.record(&mut text);
        self.0.lock().expect("statements").extend(text.0);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// What SQLite would do for a statement, a line for each step; what it is bound to is left open.
fn plan(w: &World, statement: &str) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = diesel::sql_types::Text)]
        detail: String,
    }
    let DatabaseUrl::Sqlite(file) = w.database.url() else { panic!("not SQLite") };
    let mut conn = diesel::SqliteConnection::establish(&file.to_string_lossy()).expect("the test's database");
    let steps = diesel::sql_query(format!("EXPLAIN QUERY PLAN {statement}")).load::<Step>(&mut conn);
    steps.unwrap_or_else(|error| panic!("{statement}: {error}")).into_iter().map(|step| step.detail).collect()
}

/// The plans of the statements that a piece of reading sends.
fn plans<T>(w: &World, read: impl FnOnce(&mut Rx) -> Result<T, baton::failure::Failure>) -> Vec<(String, Vec<String>)> {
    let statements = Statements::default();
    tracing::subscriber::with_default(statements.clone(), || w.read(|rx| read(rx).map(|_| ())));
    let sent = statements.0.lock().expect("statements").clone();
    assert!(!sent.is_empty(), "nothing was read");
    sent.into_iter()
        .map(|statement| {
            let lines = plan(w, &statement);
            (statement, lines)
        })
        .collect()
}

fn no_big_scan(plans: &[(String, Vec<String>)]) {
    for (statement, lines) in plans {
        for line in lines {
            let words: Vec<&str> = line.split_whitespace().collect();
            let scanned = matches!(words.as_slice(), ["SCAN", table, ..] if BIG.contains(table));
            assert!(!scanned, "{line}\n{statement}\n{lines:#?}");
        }
    }
}

fn in_order(plans: &[(String, Vec<String>)]) {
    for (statement, lines) in plans {
        assert!(!lines.iter().any(|line| line.contains("TEMP B-TREE")), "{statement}\n{lines:#?}");
    }
}

fn filters(w: &World) -> Vec<(Filter, &'static [Sort])> {
    let open = Filter::of(Statuses::Only(Status::Open));
    let usual: &[Sort] = &[Sort::Newest];
    vec![
        (open.clone(), &[Sort::Newest, Sort::Priority]),
        (Filter { waiting: Some(Waiting::OnUs), ..open.clone() }, &[Sort::Waiting]),
        (Filter { assignee: Some(Assignee::User(w.bob)), ..open.clone() }, usual),
        (Filter { assignee: Some(Assignee::Nobody), ..open.clone() }, usual),
        (Filter { teams: Some(Teams::One(w.support)), ..open.clone() }, usual),
        (Filter { priority: Some(Priority::High), ..open }, usual),
        (Filter::of(Statuses::Only(Status::Snoozed)), &[Sort::Wake]),
        (Filter::of(Statuses::Only(Status::Closed)), usual),
    ]
}

#[test]
fn lists_are_read_from_an_index_in_order_from_any_page() {
    let w = World::on_sqlite();
    w.open_of(w.bob, 3);
    let after = Cursor { rank: 1, at: w.now(), id: baton::domain::ids::ConversationId(2) };
    for (filter, sorts) in filters(&w) {
        for sort in sorts {
            for from in [None, Some(&after)] {
                let found = plans(&w, |rx| store::inbox::list(rx, &filter, &Sees::All, *sort, from, 50));
                no_big_scan(&found);
                in_order(&found);
            }
        }
    }
}

/// Both ways of looking for words, and the count and the bulk change over what is found.
#[test]
fn words_are_looked_up_in_their_index() {
    let w = World::on_sqlite();
    w.open_of(w.bob, 3);
    let after = Cursor { rank: 1, at: w.now(), id: baton::domain::ids::ConversationId(2) };
    for (filter, sorts) in filters(&w) {
        let filter = Filter { words: Some("a tent pol".to_owned()), ..filter };
        for sort in sorts {
            for (from, look) in [(None, 2_000), (Some(&after), 2_000), (None, 1), (Some(&after), 1)] {
                let read = |rx: &mut Rx| {
                    store::inbox::list_looking(rx, &filter, &Sees::All, *sort, from, (50, look))?;
                    store::inbox::count(rx, &filter, &Sees::All)
                };
                no_big_scan(&plans(&w, read));
            }
        }
        let ids = [baton::domain::ids::ConversationId(1)];
        no_big_scan(&plans(&w, |rx| store::inbox::list_matching_among(rx, Some(&filter), &Sees::All, &ids)));
    }
}

#[test]
fn what_stands_beside_a_list_is_looked_up_by_its_rows() {
    let w = World::on_sqlite();
    let made = w.open_of(w.bob, 3);
    let ids: Vec<_> = made.iter().map(|(id, _)| *id).collect();
    let one = ids[0];
    for found in [
        plans(&w, |rx| store::tags::list_of_conversations(rx, &ids)),
        plans(&w, |rx| store::conversations::list_reads(rx, w.bob, &ids)),
        plans(&w, |rx| store::messages::list(rx, one, 200)),
        plans(&w, |rx| store::audit::list_of_conversation(rx, one, 50)),
        plans(&w, |rx| store::audit::list_about_user(rx, w.bob, 20)),
        plans(&w, |rx| store::counts::find(rx, &[Status::Open, Status::Snoozed], &Sees::All)),
        plans(&w, |rx| store::conversations::find(rx, made[0].1, &Sees::All)),
    ] {
        no_big_scan(&found);
    }
}
