//! A page costs as many statements with many rows as with few.

use baton::domain::access::Can;
use baton::domain::conversations::MessageKind;
use baton::domain::ids::{ConversationId, ConversationNumber, JobId};
use baton::domain::roles::Standard;
use baton::domain::users::Status;
use baton::store;

use crate::support::web::{Browser, Site};
use crate::support::{World, on_both};

/// Adds so many of everything that pages list, and keeps one conversation of each kind of row.
struct Scene {
    people: usize,
    number: ConversationNumber,
    talked: ConversationId,
}

impl Scene {
    fn begin(w: &World) -> Self {
        let (talked, number) = w.conversation(&w.draft().subject("A long story").assignee(w.bob));
        Self { people: 0, number, talked }
    }

    fn add(&mut self, w: &World, count: usize) {
        let drafts: Vec<_> = (0..count)
            .map(|index| {
                let holder = if index % 2 == 0 { w.bob } else { w.agnes };
                let mut draft = w.draft().subject("A tent").assignee(holder).team(w.support);
                draft.contact = format!("{}@customer.example", self.people + index);
                draft.tags = vec!["vip".to_owned(), format!("tag {index}")];
                draft
            })
            .collect();
        w.conversations(&drafts);
        for index in 0..count {
            let who = w.newcomer(&format!("New{} Person", self.people + index), Standard::Agent, Status::Active);
            let gone = w.newcomer(&format!("Gone{} Person", self.people + index), Standard::Agent, Status::Inactive);
            self.say(w, index);
            w.system_does(|tx| {
                store::teams::insert_member(tx, w.support, who)?;
                store::teams::insert_member(tx, w.support, gone)?;
                store::channels::insert_member(tx, w.email, who)?;
                store::teams::insert(tx, &format!("Team of {who}"), "")?;
                Ok(tx.unrecorded((), "a test sets the scene"))
            });
            let email = format!("guest{}@invited.example", self.people + index);
            w.by(w.olga, |tx| {
                let can = Can::check(tx.scope()).expect("Olga may");
                let new = baton::actions::invites::New {
                    email: email.clone(),
                    name: baton::domain::users::Name { full: "A Guest".to_owned(), display: "Guest".to_owned() },
                    roles: vec![w.role(Standard::Agent)],
                    teams: vec![w.support],
                    channels: vec![w.email],
                    send: true,
                };
                baton::actions::invites::create(tx, &can, &crate::support::world::base(), &new)
            })
            .expect("an invite");
        }
        self.people += count;
    }

    /// One more message with an attachment, and one more note.
    fn say(&self, w: &World, index: usize) {
        w.system_does(|tx| {
            for (kind, author) in [(MessageKind::Incoming, None), (MessageKind::Note, Some(w.agnes))] {
                let new = store::messages::New {
                    conversation: self.talked,
                    kind,
                    author,
                    body: "Words",
                    html: None,
                    email_message_id: None,
                    mail: None,
                    automatic: false,
                };
                let message = store::messages::insert(tx, &new)?;
                store::messages::insert_attachment(tx, message, &format!("{index}.pdf"), "application/pdf", 3, "abc")?;
            }
            Ok(tx.unrecorded((), "a test sets the scene"))
        });
    }

    fn job(&self, w: &World) -> JobId {
        w.by(w.olga, |tx| {
            let can = Can::check(tx.scope()).expect("Olga may");
            let request = baton::actions::bulk::Request {
                picked: baton::actions::bulk::Picked::Numbers((1..=200).collect()),
                change: baton::domain::bulk_change::Change::Assign(baton::domain::assignment::Target::User(w.sven)),
                submission: format!("with {}", self.people),
            };
            Ok(baton::actions::bulk::start(tx, &can, &request)?.map(|started| started.job))
        })
        .expect("a job")
    }
}

fn cost(w: &World, before: u64) -> u64 {
    w.db.statements() - before
}

async fn costs(w: &World, browser: &Browser, paths: &[String]) -> Vec<(String, u64)> {
    let mut found = Vec::new();
    for path in paths {
        // The first time may note that it was looked at.
        browser.get(path).await.expect(200);
        let before = w.db.statements();
        browser.get(path).await.expect(200);
        found.push((path.clone(), cost(w, before)));
    }
    found
}

fn pages(w: &World, scene: &Scene) -> Vec<String> {
    let mut paths: Vec<String> = [
        "/inbox",
        "/inbox?view=mine",
        "/inbox?view=unassigned",
        "/inbox?sort=priority",
        "/inbox?q=tent",
        "/inbox?select=page",
        "/settings/users",
        "/settings/users/inactive",
        "/settings/users/invites",
        "/settings/users/invites?select=all",
        "/settings/users/invite",
        "/settings/users/invite/many",
        "/settings/teams",
        "/settings/outbox",
        "/contacts",
        "/contacts?sort=newest",
        "/profile",
        "/profile/security",
    ]
    .map(str::to_owned)
    .to_vec();
    paths.push(format!("/inbox?assignee={}", w.bob));
    paths.push(format!("/conversations/{}", scene.number));
    for person in [w.bob, w.agnes] {
        paths.push(format!("/settings/users/{person}"));
        paths.push(format!("/settings/users/{person}/deactivate"));
    }
    for dialog in ["", "/remove-inactive", "/delete", &format!("/remove?user={}", w.agnes)] {
        paths.push(format!("/settings/teams/{}{dialog}", w.support));
    }
    paths
}

on_both! {
    async fn a_page_of_many_rows_costs_as_many_statements_as_one_of_few(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let mut scene = Scene::begin(&w);
        scene.add(&w, 10);
        let paths = pages(&w, &scene);
        let jobs = [scene.job(&w)];
        let few = costs(&w, &olga, &paths).await;
        let few_items = costs(&w, &olga, &[format!("/jobs/{}", jobs[0])]).await;
        scene.add(&w, 90);
        assert_eq!(costs(&w, &olga, &paths).await, few);
        let many_items = costs(&w, &olga, &[format!("/jobs/{}", scene.job(&w))]).await;
        assert_eq!(many_items[0].1, few_items[0].1);
        for (path, statements) in few {
            assert!(statements <= 35, "{path}: {statements} statements");
        }
    }
}
