//! Settings → Channels: list, editor, members; and that membership counts from the next request (K-1, K-2).

use baton::actions::channels::{self, Change};
use baton::actions::incoming;
use baton::actions::incoming::Way;
use baton::domain::assignment::Target;
use baton::domain::roles::Standard;
use baton::domain::users::Status;
use baton::store;

use crate::support::web::{Browser, Site};
use crate::support::{World, both_at_once, on_both};

fn members(w: &World, channel: baton::domain::ids::ChannelId) -> Vec<String> {
    w.read(|rx| store::channels::list_members(rx, Some(channel))).into_iter().map(|one| one.name.full).collect()
}

async fn edit(browser: &Browser, path: &str, name: &str, address: &str, default: &str) -> u16 {
    let version = browser.get(path).await.expect(200).attributes("input[name=version]", "value").remove(0);
    let fields = [("version", version.as_str()), ("name", name), ("address", address), ("default", default)];
    browser.post(path, &fields).await.status.as_u16()
}

on_both! {
    async fn a_channel_is_made_changed_and_deleted(w: World) {
        let site = Site::on(w.db.clone()).await;
        let ada = site.logged_in(&w, w.ada).await;
        let odd = ada.post("/settings/channels", &[("name", ""), ("address", "nowhere"), ("default", "x")]).await.expect(422);
        for field in ["name", "address", "default"] {
            assert!(odd.has(&format!("#{field}-error")), "{field}: {}", odd.body);
        }
        let returns = format!("team:{}", w.returns);
        let made = ada.post("/settings/channels", &[("name", "Returns"), ("address", "Returns@Fernhill.example"), ("default", &returns)]).await.expect(303);
        let path = made.location().to_owned();
        let page = ada.get(&path).await.expect(200);
        assert_eq!(page.text("h1"), "Returns");
        assert!(page.text(".alert.warn").contains("Nobody can answer here"));
        assert_eq!(page.attributes("#default option[selected]", "value"), [returns.as_str()]);
        for (field, name, address) in [("name", "returns", "other@fernhill.example"), ("address", "Other", "returns@fernhill.example")] {
            let again = ada.post("/settings/channels", &[("name", name), ("address", address)]).await.expect(422);
            assert!(again.text(&format!("#{field}-error")).contains("already"), "{}", again.body);
        }
        assert_eq!(edit(&ada, &path, "Returns desk", "returns@fernhill.example", "").await, 303);
        assert_eq!(w.trail(1), ["channel.updated"]);
        // Two who edit it at once.
        let stale = [("version", "1"), ("name", "Mine"), ("address", "returns@fernhill.example"), ("default", "")];
        ada.post(&path, &stale).await.expect(409);
        // Only an active member gets new conversations.
        assert_eq!(edit(&ada, &path, "Returns desk", "returns@fernhill.example", &format!("user:{}", w.bob)).await, 422);
        let before = w.events();
        assert_eq!(edit(&ada, &path, "Returns desk", "returns@fernhill.example", &format!("team:{}", w.other.team)).await, 404);
        assert_eq!(edit(&ada, &path, "Returns desk", "returns@fernhill.example", &format!("user:{}", w.other.xena)).await, 404);
        assert_eq!(w.events(), before);
        ada.post(&format!("{path}/delete"), &[]).await.expect(303);
        ada.get(&path).await.expect(404);
        assert_eq!(w.trail(1), ["channel.deleted"]);
    }

    async fn the_list_says_who_can_answer_and_what_is_wrong(w: World) {
        let site = Site::on(w.db.clone()).await;
        let ada = site.logged_in(&w, w.ada).await;
        w.open_of(w.agnes, 3);
        let row = |page: &crate::support::web::Page, channel: baton::domain::ids::ChannelId| page.text(&format!("#channel-{channel}"));
        let page = ada.get("/settings/channels").await.expect(200);
        assert!(row(&page, w.chat).contains("1 active of 1") && row(&page, w.chat).contains("Only one agent"));
        assert!(row(&page, w.email).contains("Receives only"), "no mail server is set");
        assert_eq!(page.texts(&format!("#channel-{} td.num", w.email)), ["3"]);
        w.deactivate(w.bob);
        let page = ada.get("/settings/channels").await.expect(200);
        assert!(row(&page, w.chat).contains("0 active of 1") && row(&page, w.chat).contains("Nobody can answer"));
        assert_eq!(ada.get("/settings/channels?q=nothing").await.expect(200).text(".empty h2"), "No channel matches");
        site.logged_in(&w, w.sven).await.get("/settings/channels").await.expect(403);
    }

    async fn an_address_leads_to_one_channel_of_the_installation_and_nobody_says_where(w: World) {
        let site = Site::on(w.db.clone()).await;
        let ada = site.logged_in(&w, w.ada).await;
        let form = |address: &'static str| [("name", "Sales"), ("address", address)];
        let here = ada.post("/settings/channels", &form("Support@fernhill.localhost")).await.expect(422);
        assert!(here.text("#address-error").contains("Another channel has the address"));
        let there = ada.post("/settings/channels", &form("Support@xenon.localhost")).await.expect(422);
        assert_eq!(there.text("#address-error").to_lowercase(), "support@xenon.localhost can’t be used here. choose another address.");
        ada.post("/settings/channels", &form("sales@fernhill.localhost")).await.expect(303);
        let sales = w.read(store::channels::list).into_iter().find(|one| one.name == "Sales").expect("a channel");
        let path = format!("/settings/channels/{}", sales.id);
        let change = |address: &'static str| [("version", "1"), ("name", "Sales"), ("address", address)];
        assert!(ada.post(&path, &change("support@xenon.localhost")).await.expect(422).has("#address-error"));
        ada.post(&path, &change("sell@fernhill.localhost")).await.expect(303);
        // The address that it had is free again.
        ada.post("/settings/channels", &[("name", "Sales 2"), ("address", "sales@fernhill.localhost")]).await.expect(303);
    }

    async fn a_channel_with_conversations_stays(w: World) {
        let site = Site::on(w.db.clone()).await;
        let ada = site.logged_in(&w, w.ada).await;
        w.open_of(w.agnes, 2);
        let path = format!("/settings/channels/{}", w.email);
        let page = ada.get(&path).await.expect(200);
        assert!(page.text(".danger-zone").contains("2 conversations came in"));
        let refused = ada.post(&format!("{path}/delete"), &[]).await.expect(409);
        assert!(refused.body.contains("2 conversations came in by this channel"), "{}", refused.body);
        ada.get(&path).await.expect(200);
    }

    async fn members_join_and_leave(w: World) {
        let site = Site::on(w.db.clone()).await;
        let ada = site.logged_in(&w, w.ada).await;
        let path = format!("/settings/channels/{}/members", w.chat);
        let nina = w.newcomer("Nina Novak", Standard::Agent, Status::Active);
        let (sven, new) = (w.sven.to_string(), nina.to_string());
        ada.post(&path, &[("add", &sven), ("add", &new)]).await.expect(303);
        assert_eq!(members(&w, w.chat), ["Bob Keller", "Nina Novak", "Sven Sorensen"]);
        ada.post(&path, &[("add", &sven)]).await.expect(303);
        assert_eq!(w.trail(2), ["channel.member_added"; 2], "twice is once");
        let gone = w.newcomer("Oskar Lind", Standard::Agent, Status::Inactive).to_string();
        let refused = ada.post(&path, &[("add", &gone)]).await.expect(422);
        assert!(refused.text(".error-summary").contains("Oskar Lind can’t log in"));
        for unknown in ["x".to_owned(), w.other.xena.to_string(), "00000000-0000-7000-8000-000000000000".to_owned()] {
            ada.post(&path, &[("add", &unknown)]).await.expect(404);
            ada.post(&path, &[("remove", &unknown)]).await.expect(404);
        }
        w.deactivate(nina);
        let page = ada.get(&format!("/settings/channels/{}", w.chat)).await.expect(200);
        assert!(page.text(".alert.warn").contains("1 member can’t log in"));
        assert_eq!(page.text("tr .is-inactive .person-name"), "Nina Novak (deactivated)");
        ada.post(&format!("/settings/channels/{}/remove-inactive", w.chat), &[]).await.expect(303);
        assert_eq!(members(&w, w.chat), ["Bob Keller", "Sven Sorensen"]);
    }

    async fn whoever_leaves_on_their_profile_or_for_good_leaves_no_channel_silently(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let (path, profile) = (format!("/settings/channels/{}", w.chat), format!("/settings/users/{}", w.bob));
        let default = |w: &World| w.read(|rx| store::channels::find(rx, w.chat)).expect("the channel").default_user;
        let is_default = async || edit(&olga, &path, "Chat", "chat", &format!("user:{}", w.bob)).await;
        assert_eq!(is_default().await, 303);
        for dialog in ["deactivate", "remove", "delete"] {
            let page = olga.get(&format!("{profile}/{dialog}")).await.expect(200);
            assert!(page.text(".alert.warn").contains("Nobody else can answer Chat"), "{dialog}: {}", page.body);
        }
        let page = olga.get(&profile).await.expect(200);
        let version = page.attributes("input[name=version]", "value").remove(0);
        let roles = page.attributes("input[name=role][checked]", "value");
        let teams = page.attributes("input[name=team][checked]", "value");
        let mut form = vec![("version", version.as_str()), ("full_name", "Bob Keller"), ("display_name", "Bob"), ("email", "bob@fernhill.example")];
        form.extend(roles.iter().map(|role| ("role", role.as_str())));
        form.extend(teams.iter().map(|team| ("team", team.as_str())));
        let before = w.events();
        let asked = olga.post(&profile, &form).await.expect(422);
        assert!(asked.text(".alert.warn").contains("Nobody could answer Chat any more"), "{}", asked.body);
        assert_eq!((w.events(), default(&w)), (before, Some(w.bob)));
        form.push(("leaves_channels", "on"));
        olga.post(&profile, &form).await.expect(303);
        assert_eq!((members(&w, w.chat).len(), default(&w)), (0, None));
        // Nobody is asked for a channel that had nobody.
        olga.post(&format!("{path}/members"), &[("add", &w.bob.to_string())]).await.expect(303);
        assert_eq!(is_default().await, 303);
        olga.post(&format!("{profile}/remove"), &[]).await.expect(303);
        assert_eq!(default(&w), None, "new mail is given to nobody who was removed");
    }

    async fn the_last_active_member_leaves_only_when_that_is_confirmed(w: World) {
        let site = Site::on(w.db.clone()).await;
        let ada = site.logged_in(&w, w.ada).await;
        let path = format!("/settings/channels/{}", w.chat);
        let bob = w.bob.to_string();
        edit(&ada, &path, "Chat", "chat", &format!("user:{bob}")).await;
        let before = w.events();
        let asked = ada.post(&format!("{path}/members"), &[("remove", &bob)]).await.expect(422);
        assert!(asked.text("#dialog-title").contains("Leave Chat without anybody?"), "{}", asked.body);
        assert!(asked.text(".dialog-body").contains("Bob Keller"));
        assert_eq!((asked.attributes("input[name=remove]", "value"), w.events()), (vec![bob.clone()], before));
        ada.post(&format!("{path}/members"), &[("remove", &bob), ("confirmed", "on")]).await.expect(303);
        assert_eq!(members(&w, w.chat), Vec::<String>::new());
        assert_eq!(w.trail(2), ["channel.updated", "channel.member_removed"], "nobody who left is given anything");
        assert!(ada.get(&path).await.expect(200).text(".alert.warn").contains("Nobody can answer here"));
        ada.post(&format!("{path}/members"), &[("add", &w.agnes.to_string())]).await.expect(303);
        assert_eq!(members(&w, w.chat), ["Agnes Arndt"]);
    }

    async fn somebody_is_taken_off_all_channels_at_once(w: World) {
        let site = Site::on(w.db.clone()).await;
        let ada = site.logged_in(&w, w.ada).await;
        let path = format!("/settings/users/{}/channels/leave", w.bob);
        let asked = ada.get(&path).await.expect(200);
        assert_eq!(asked.texts(".dialog-body li").len(), 2);
        let warning = asked.text(".alert.warn");
        assert!(warning.contains("Chat") && !warning.contains("Email"), "{warning}");
        assert!(ada.get(&format!("/settings/users/{}", w.bob)).await.expect(200).has(&format!("a[href='{path}']")));
        ada.post(&path, &[]).await.expect(303);
        assert!(w.read(|rx| store::channels::list_of_users(rx, &[w.bob])).is_empty());
        assert_eq!(w.trail(2), ["channel.member_removed"; 2]);
        let before = w.events();
        ada.post(&path, &[]).await.expect(303);
        assert_eq!(w.events(), before);
        ada.post(&format!("/settings/users/{}/channels/leave", w.other.xena), &[]).await.expect(404);
    }

    /// K-2: list, count, address and bulk, from the very next request.
    async fn membership_counts_from_the_next_request(w: World) {
        let site = Site::on(w.db.clone()).await;
        let (ada, bob) = (site.logged_in(&w, w.ada).await, site.logged_in(&w, w.bob).await);
        let (_, number) = w.conversation(&w.draft());
        let address = format!("/conversations/{number}");
        let shown = async || bob.get("/inbox?view=unassigned").await.expect(200).body.contains(&format!("\"{address}"));
        let count = || {
            let sees = baton::domain::access::Sees::of(&w.scope(w.bob).actor);
            let open = baton::domain::conversations::Status::Open;
            w.read(|rx| store::counts::find(rx, &[open], &sees)).of_status(open)
        };
        assert!(shown().await);
        assert_eq!(count(), 1);
        bob.get(&address).await.expect(200);
        let path = format!("/settings/channels/{}/members", w.email);
        ada.post(&path, &[("remove", &w.bob.to_string())]).await.expect(303);
        assert!(!shown().await);
        assert_eq!(count(), 0);
        bob.get(&address).await.expect(404);
        bob.post(&format!("{address}/messages"), &[("body", "Hello")]).await.expect(404);
        bob.post(&format!("{address}/assign"), &[("target", &format!("user:{}", w.bob))]).await.expect(404);
        ada.post(&path, &[("add", &w.bob.to_string())]).await.expect(303);
        assert!(shown().await);
        bob.get(&address).await.expect(200);
    }

    async fn new_conversations_start_with_whom_the_channel_names(w: World) {
        let site = Site::on(w.db.clone()).await;
        let ada = site.logged_in(&w, w.ada).await;
        let path = format!("/settings/channels/{}", w.email);
        let address = w.read(|rx| store::channels::find(rx, w.email)).unwrap().address;
        assert_eq!(edit(&ada, &path, "Email", &address, &format!("user:{}", w.agnes)).await, 303);
        let receive = |subject: &str| {
            let mail = format!("From: Harriet <harriet@customer.example>\r\nSubject: {subject}\r\nMessage-ID: <{subject}@customer.example>\r\n\r\nHello\r\n");
            let got = baton::tasks::ingest::ingest(&w.db, &site.files(), (w.workspace, w.email), mail.as_bytes(), Way::Delivered).expect("a mail");
            let incoming::Received::Stored(number) = got else { panic!("{got:?}") };
            w.read(|rx| store::conversations::find(rx, number, &baton::domain::access::Sees::All)).unwrap().assignee
        };
        assert_eq!(receive("one"), Some(w.agnes));
        assert!(w.trail(3).contains(&"conversation.assigned".to_owned()));
        // Whoever may not answer is a member, and is given nothing.
        ada.post(&format!("{path}/members"), &[("add", &w.rita.to_string())]).await.expect(303);
        assert_eq!(edit(&ada, &path, "Email", &address, &format!("user:{}", w.rita)).await, 422);
        w.deactivate(w.agnes);
        assert_eq!(receive("two"), None, "nobody who cannot log in gets anything");
        let page = ada.get(&path).await.expect(200);
        assert!(page.text("#default option[selected]").contains("(deactivated)"));
    }
}

on_both! {
    fn members_come_and_go_with_their_version(w: World) {
        let can = w.can(w.ada);
        let version = |who| w.user(who).version;
        let (bob, sven, agnes) = (version(w.bob), version(w.sven), version(w.agnes));
        let change = Change { add: vec![w.sven, w.agnes], remove: vec![w.bob], confirmed: true };
        w.by(w.ada, |tx| channels::change_members(tx, &can, w.email, &change)).expect("a change");
        // Agnes was there already.
        assert_eq!((version(w.bob), version(w.sven), version(w.agnes)), (bob + 1, sven + 1, agnes));
        let made = w.by(w.ada, |tx| channels::create(tx, &can, "Returns", "returns@fernhill.example", Target::Nobody));
        let made = made.expect("a channel");
        let join = Change { add: vec![w.sven], ..Change::default() };
        w.by(w.ada, |tx| channels::change_members(tx, &can, made, &join)).expect("a member");
        w.by(w.ada, |tx| channels::delete(tx, &can, made)).expect("to delete");
        assert_eq!(version(w.sven), sven + 3);
        w.by(w.ada, |tx| channels::leave_all(tx, &can, w.sven)).expect("to leave");
        assert_eq!(version(w.sven), sven + 4);
        let unknown = Change { remove: vec![w.other.xena], ..Change::default() };
        let said = w.by(w.ada, |tx| channels::change_members(tx, &can, w.email, &unknown));
        assert!(matches!(said, Err(baton::failure::Failure::NotFound)), "{said:?}");
    }

    fn a_channel_whose_mails_could_not_be_read_stays(w: World) {
        let can = w.can(w.ada);
        let made = w.by(w.ada, |tx| channels::create(tx, &can, "Returns", "returns@fernhill.example", Target::Nobody));
        let made = made.expect("a channel");
        let raw = incoming::Raw { sha256: "1".repeat(64), size: 1 };
        w.system_does(|tx| incoming::quarantine(tx, made, &raw, "empty"));
        let said = w.by(w.ada, |tx| channels::delete(tx, &can, made)).expect_err("to stay").to_string();
        assert!(said.starts_with("1 mail came in by this channel and could not be read."), "{said}");
        assert_eq!(w.read(|rx| store::received_mails::list_quarantined(rx, 10)).len(), 1);
    }

    /// Whoever deactivates people and whoever takes them off channels wait for each other in one order.
    fn people_go_while_they_are_taken_off_channels(w: World) {
        for _ in 0..5 {
            let can = w.can(w.ada);
            let both = Change { add: vec![w.bob, w.agnes], ..Change::default() };
            w.by(w.ada, |tx| channels::change_members(tx, &can, w.email, &both)).expect("members");
            let (here, there) = (w.can(w.ada), w.can(w.ada));
            let leave = Change { remove: vec![w.bob, w.agnes], confirmed: true, ..Change::default() };
            let (one, two) = both_at_once(
                || w.by(w.ada, |tx| channels::change_members(tx, &here, w.email, &leave)),
                || w.by(w.ada, |tx| channels::leave_all(tx, &there, w.agnes)),
            );
            one.expect("to leave");
            two.expect("to leave");
            assert!(!members(&w, w.email).iter().any(|name| name == "Agnes Arndt" || name == "Bob Keller"));
        }
    }

    /// Each takes one of the last two: one of them is asked.
    fn two_who_take_the_last_two_out_at_once_leave_one(w: World) {
        let can = w.can(w.ada);
        let add = baton::actions::channels::Change { add: vec![w.agnes], ..Default::default() };
        w.by(w.ada, |tx| baton::actions::channels::change_members(tx, &can, w.chat, &add)).expect("a member");
        let leave = |who| {
            let change = baton::actions::channels::Change { remove: vec![who], ..Default::default() };
            w.by(w.ada, |tx| baton::actions::channels::change_members(tx, &can, w.chat, &change))
        };
        let (one, other) = both_at_once(|| leave(w.agnes), || leave(w.bob));
        assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
        assert_eq!(members(&w, w.chat).len(), 1);
    }
}
