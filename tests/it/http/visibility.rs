//! What somebody may see of the work is one rule; every place that shows or changes conversations is held to it, in worlds
//! made at random.

use std::collections::{BTreeMap, BTreeSet};

use baton::domain::access::{Key, PermissionSet};
use baton::domain::conversations::{MessageKind, Status, StatusChange};
use baton::domain::ids::{ChannelId, ConversationId, TeamId, UserId};
use baton::domain::roles::Standard;
use baton::domain::users::Status as UserStatus;
use baton::store;
use chrono::TimeDelta;

use crate::support::draft::Draft;
use crate::support::web::{Browser, Site};
use crate::support::{World, on_both};

/// A small generator of numbers: the same world for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

/// Somebody, and what the roles of the sample say about them.
struct Someone {
    name: &'static str,
    id: UserId,
    permissions: PermissionSet,
    guest: bool,
    teams: Vec<TeamId>,
    channels: Vec<ChannelId>,
}

/// A conversation as it was made.
struct Made {
    id: ConversationId,
    number: i64,
    attachment: String,
    status: Status,
    assignee: Option<UserId>,
    team: Option<TeamId>,
    channel: ChannelId,
    word: String,
}

impl Someone {
    /// The rule, said once more.
    fn sees(&self, one: &Made) -> bool {
        if self.permissions.has(Key::ConversationsViewAll) {
            return true;
        }
        let mine = one.assignee == Some(self.id) || one.team.is_some_and(|team| self.teams.contains(&team));
        let free = one.assignee.is_none() && one.team.is_none() && self.channels.contains(&one.channel);
        self.permissions.has(Key::ConversationsViewOwn) && (mine || (free && !self.guest))
    }

    fn sees_any(&self) -> bool {
        self.permissions.has(Key::ConversationsViewAll) || self.permissions.has(Key::ConversationsViewOwn)
    }
}

/// Somebody with a role of their own.
fn hire(w: &World, name: &'static str, keys: &[Key], teams: &[TeamId], channels: &[ChannelId]) -> Someone {
    let id = w.newcomer(name, Standard::Guest, UserStatus::Active);
    let permissions = PermissionSet::from_iter(keys.iter().copied());
    w.system_does(|tx| {
        let role = store::roles::insert(tx, name, "", permissions)?;
        store::roles::delete_of_user(tx, id, &[w.roles[&Standard::Guest]])?;
        store::roles::insert_of_user(tx, id, &[role])?;
        for team in teams {
            store::teams::insert_member(tx, *team, id)?;
        }
        for channel in channels {
            store::channels::insert_member(tx, *channel, id)?;
        }
        Ok(tx.unrecorded((), "a test sets the scene"))
    });
    Someone { name, id, permissions, guest: false, teams: teams.to_vec(), channels: channels.to_vec() }
}

fn people(w: &World) -> Vec<Someone> {
    let standard = |name, id, role: Standard, teams: &[TeamId], channels: &[ChannelId]| Someone {
        name,
        id,
        permissions: role.permissions(),
        guest: role == Standard::Guest,
        teams: teams.to_vec(),
        channels: channels.to_vec(),
    };
    vec![
        standard("Olga", w.olga, Standard::Owner, &[], &[]),
        standard("Sven", w.sven, Standard::Supervisor, &[w.returns], &[]),
        standard("Agnes", w.agnes, Standard::Agent, &[w.support], &[w.email]),
        standard("Bob", w.bob, Standard::Agent, &[w.support], &[w.email, w.chat]),
        standard("Rita", w.rita, Standard::Reader, &[], &[]),
        standard("Gus", w.gus, Standard::Guest, &[w.returns], &[]),
        hire(
            w,
            "Wanda Watcher",
            &[
                Key::ConversationsViewOwn,
                Key::ConversationsBulk,
                Key::ConversationsAssign,
                Key::ConversationsChangeStatus,
                Key::ConversationsTag,
                Key::ConversationsReply,
            ],
            &[w.returns],
            &[w.chat],
        ),
        hire(w, "Uwe User", &[Key::UsersView], &[w.support], &[w.email]),
    ]
}

fn build(w: &World, site: &Site, people: &[Someone], dice: &mut Dice) -> Vec<Made> {
    let sha = site.files().keep(w.workspace, b"the file").expect("to keep a file");
    (0..26)
        .map(|place| {
            let assignee = (dice.below(2) == 0).then(|| people[dice.below(people.len())].id);
            let team = [None, Some(w.support), Some(w.returns)][dice.below(3)];
            let channel = [w.email, w.chat][dice.below(2)];
            let status = Status::ALL[dice.below(4)];
            let change = match status {
                Status::Open => None,
                Status::Snoozed => Some(StatusChange::Snooze(w.now() + TimeDelta::days(1))),
                Status::Closed => Some(StatusChange::Close),
                Status::Archived => Some(StatusChange::Archive),
            };
            let word = format!("word{place}x");
            let subject = format!("seen {word}");
            let (id, number) =
                w.conversation(&Draft { channel, holder: (assignee, team), change, subject, ..w.draft() });
            let attachment = w.system_does(|tx| {
                let new = store::messages::New {
                    conversation: id,
                    kind: MessageKind::Incoming,
                    author: None,
                    body: "said so",
                    html: None,
                    email_message_id: None,
                    mail: None,
                    automatic: false,
                };
                let message = store::messages::insert(tx, &new)?;
                let file = store::messages::insert_attachment(tx, message, "a.txt", "text/plain", 8, &sha)?;
                Ok(tx.unrecorded(file.to_string(), "a test sets the scene"))
            });
            Made { id, number: number.0, attachment, status, assignee, team, channel, word }
        })
        .collect()
}

fn of_links(links: &[String]) -> BTreeSet<i64> {
    let number = |link: &String| link.trim_start_matches("/conversations/").split('?').next()?.parse().ok();
    links.iter().filter_map(number).collect()
}

/// The numbers that a list shows, which has to agree with the number in its heading.
async fn listed(browser: &Browser, query: &str) -> BTreeSet<i64> {
    let page = browser.get(&format!("/inbox?{query}")).await.expect(200);
    let shown = of_links(&page.attributes(".conv a", "href"));
    assert_eq!(page.text("#list-title .count"), format!("{} conversations", shown.len()), "the heading of {query}");
    shown
}

fn numbers<'m>(made: impl Iterator<Item = &'m Made>) -> BTreeSet<i64> {
    made.map(|one| one.number).collect()
}

async fn lists(person: &Someone, browser: &Browser, made: &[Made]) {
    for status in Status::ALL {
        let expected = numbers(made.iter().filter(|one| one.status == status && person.sees(one)));
        let name = status.as_str();
        assert_eq!(listed(browser, &format!("status={name}")).await, expected, "{} lists {name}", person.name);
        let found = listed(browser, &format!("status={name}&q=seen+said")).await;
        assert_eq!(found, expected, "{} searches {name}", person.name);
        let file = browser.get(&format!("/inbox/export?status={name}")).await;
        if person.permissions.has(Key::ConversationsBulk) {
            let rows = file
                .expect(200)
                .body
                .lines()
                .skip(1)
                .map(|row| row.split(',').next().unwrap().parse().unwrap())
                .collect();
            assert_eq!(expected, rows, "{} exports {name}", person.name);
        } else {
            file.expect(403);
        }
    }
    for one in made {
        let found = listed(browser, &format!("status={}&q={}", one.status.as_str(), one.word)).await;
        assert_eq!(!found.is_empty(), person.sees(one), "{} finds {}", person.name, one.word);
    }
    let page = browser.get("/inbox").await.expect(200);
    let open = made.iter().filter(|one| one.status == Status::Open && person.sees(one)).count();
    let counted = page.texts("#views a").into_iter().find(|text| text.starts_with("All open")).expect("the view");
    assert!(counted.ends_with(&open.to_string()), "{} counts {counted}, not {open}", person.name);
}

/// What is asked for by its address; what is not seen is not there, and nothing can be done to it.
async fn addresses(person: &Someone, browser: &Browser, made: &[Made]) {
    for one in made {
        let path = format!("/conversations/{}", one.number);
        let there = if person.sees(one) { 200 } else { 404 };
        for path in [path.clone(), format!("{path}/presence"), format!("/attachments/{}", one.attachment)] {
            assert_eq!(browser.get(&path).await.status.as_u16(), there, "{} at {path}", person.name);
        }
        if person.sees(one) {
            continue;
        }
        let forms: [(&str, Key, &[(&str, &str)]); 6] = [
            ("assign", Key::ConversationsAssign, &[("target", "none")]),
            ("status", Key::ConversationsChangeStatus, &[("status", "closed")]),
            ("priority", Key::ConversationsTag, &[("priority", "high")]),
            ("tags", Key::ConversationsTag, &[("add", "x")]),
            ("messages", Key::ConversationsReply, &[("body", "x")]),
            ("notes", Key::NotesWrite, &[("body", "x")]),
        ];
        for (form, key, fields) in forms {
            let status = browser.post(&format!("{path}/{form}"), fields).await.status.as_u16();
            let expected = if person.permissions.has(key) { 404 } else { 403 };
            assert_eq!(status, expected, "{} {form} of {}", person.name, one.number);
        }
    }
}

fn versions(w: &World) -> BTreeMap<i64, String> {
    let lines = w.database.lines(
        "SELECT CAST(number AS TEXT) || ' ' || CAST(version AS TEXT) AS line FROM conversations WHERE subject LIKE 'seen%'",
    );
    lines
        .iter()
        .map(|line| {
            line.split_once(' ').map(|(number, version)| (number.parse().unwrap(), version.to_owned())).unwrap()
        })
        .collect()
}

/// A bulk change over everything, picked by number and by filter, reaches what is seen and nothing else.
async fn bulk(w: &World, person: &Someone, browser: &Browser, made: &[Made]) {
    let all: Vec<String> = made.iter().map(|one| one.number.to_string()).collect();
    let ask = "/inbox/bulk/confirm?action=assign&target=none&scope=matching&status=open";
    if !person.permissions.has(Key::ConversationsBulk) {
        browser.get(ask).await.expect(403);
        browser
            .post("/inbox/bulk", &[("action", "assign"), ("target", "none"), ("conversation", &all[0])])
            .await
            .expect(403);
        return;
    }
    let open = made.iter().filter(|one| one.status == Status::Open && person.sees(one)).count();
    let asked = browser.get(ask).await;
    assert_eq!(asked.attributes("input[name=expected]", "value"), [open.to_string()], "{} asks", person.name);
    let before = versions(w);
    let mut fields = vec![("action", "assign"), ("target", "none")];
    fields.extend(all.iter().map(|number| ("conversation", number.as_str())));
    let answer = browser.post("/inbox/bulk", &fields).await;
    let after = versions(w);
    let changed: BTreeSet<i64> =
        before.iter().filter(|(number, version)| after[number] != **version).map(|(number, _)| *number).collect();
    let held = |one: &&Made| one.assignee.is_some() || one.team.is_some();
    let expected = numbers(made.iter().filter(held).filter(|one| one.status != Status::Archived && person.sees(one)));
    assert_eq!(changed, expected, "{} changes many: {}", person.name, answer.status);
}

async fn every_surface(w: &World, seed: u64) {
    let site = Site::on(w.db.clone()).await;
    let people = people(w);
    let made = build(w, &site, &people, &mut Dice(seed));
    for person in &people {
        let browser = site.logged_in(w, person.id).await;
        if !person.sees_any() {
            for path in [
                "/inbox",
                "/inbox?q=seen",
                &format!("/conversations/{}", made[0].number),
                &format!("/attachments/{}", made[0].attachment),
            ] {
                browser.get(path).await.expect(403);
            }
            continue;
        }
        lists(person, &browser, &made).await;
        addresses(person, &browser, &made).await;
    }
    // The change takes something from others, so each gets a world as it was.
    let ids: Vec<ConversationId> = made.iter().map(|one| one.id).collect();
    for person in &people {
        let browser = site.logged_in(w, person.id).await;
        bulk(w, person, &browser, &made).await;
        w.system_does(|tx| {
            for (one, made) in store::conversations::lock_many(tx, &ids)?.iter().zip(&made) {
                store::conversations::set_holder(tx, one, (made.assignee, made.team))?;
            }
            Ok(tx.unrecorded((), "a test puts the scene back"))
        });
    }
}

on_both! {
    async fn every_surface_shows_what_the_rule_says(w: World) {
        every_surface(&w, 7).await;
    }

    async fn every_surface_shows_what_the_rule_says_in_another_world(w: World) {
        every_surface(&w, 2_026).await;
    }

    async fn a_list_as_a_file_is_the_list(w: World) {
        let site = Site::on(w.db.clone()).await;
        w.open_of(w.bob, 620);
        w.conversation(&w.draft().subject("=HYPERLINK(\"https://evil.example\")").assignee(w.agnes));
        let olga = site.logged_in(&w, w.olga).await;
        let page = olga.get(&format!("/inbox?assignee={}", w.bob)).await.expect(200);
        let address = page.attributes("a[download]", "href").remove(0);
        let file = olga.get(&address).await.expect(200);
        assert_eq!(file.header("content-type"), Some("text/csv; charset=utf-8"));
        let rows: Vec<&str> = file.body.lines().skip(1).collect();
        assert_eq!(rows.len(), 620);
        let first = page.attributes(".conv a", "href").remove(0);
        assert!(first.starts_with(&format!("/conversations/{}?", rows[0].split(',').next().unwrap())), "{first}");
        assert!(rows[0].contains(",Harriet Cole,harriet@customer.example,Email,Open,Normal,Bob Keller,"), "{}", rows[0]);
        let evil = olga.get("/inbox/export?q=hyperlink").await.expect(200);
        assert!(evil.body.contains("\"'=HYPERLINK"), "{}", evil.body);
        olga.get(&format!("/inbox/export?team={}", w.other.team)).await.expect(404);
        olga.get(&format!("/inbox/export?contact={}", w.other.contact)).await.expect(404);
        site.logged_in(&w, w.agnes).await.get("/inbox/export").await.expect(403);
    }
}
