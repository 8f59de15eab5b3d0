//! What keeps people from more than they may: guessing, acting on who may do more, giving up roles unnoticed, being
//! swapped for somebody else (S-6, R-1, R-2, R-5, E-3).

use baton::actions::{roles, users};
use baton::domain::access::Key;
use baton::domain::ids::UserId;
use baton::domain::roles::Standard;
use baton::domain::users::Status;
use baton::failure::{Failure, Refusal};
use baton::store;
use chrono::TimeDelta;

use crate::support::web::{Page, Site};
use crate::support::world::PASSWORD;
use crate::support::{World, on_both};

const BEYOND: &str = "may do more than you, so you can’t take their access or give it back";

/// Somebody with exactly these permissions.
fn hire(w: &World, name: &str, keys: &[Key]) -> UserId {
    let can = w.can(w.olga);
    let wanted = roles::Wanted {
        name: name.to_owned(),
        description: String::new(),
        permissions: keys.iter().copied().collect(),
    };
    let role = w.by(w.olga, |tx| roles::create(tx, &can, &wanted)).expect("a role");
    let who = w.newcomer(name, Standard::Guest, Status::Active);
    w.system_does(|tx| {
        let held = store::roles::list_of_users(tx, &[who])?.remove(&who).unwrap_or_default();
        store::roles::delete_of_user(tx, who, &held)?;
        store::roles::insert_of_user(tx, who, &[role])?;
        Ok(tx.unrecorded((), "a test sets the scene"))
    });
    who
}

fn links(w: &World) -> i64 {
    w.number("SELECT count(*) FROM password_links")
}

on_both! {
    async fn links_for_a_password_are_limited_whoever_the_email_belongs_to(w: World) {
        let site = Site::on(w.db.clone()).await;
        let known = w.user(w.agnes).email;
        let ask = async |email: &str, number: usize| -> Page {
            let browser = site.browser().connecting_from(&format!("198.51.100.{number}"));
            browser.get("/password/forgot").await.expect(200);
            browser.post("/password/forgot", &[("email", email)]).await
        };
        let before = links(&w);
        let mut answers = Vec::new();
        for email in [known.as_str(), "nobody@fernhill.example"] {
            for number in 0..5 {
                ask(email, number).await.expect(200);
            }
            answers.push(ask(&email.to_uppercase(), 9).await.expect(429).text(".error-summary"));
        }
        assert_eq!(answers[0], answers[1], "whether there is such a person is not told");
        assert!(answers[0].contains("Wait 15 minutes; the links that were sent before still work"), "{}", answers[0]);
        assert_eq!(links(&w) - before, 5, "and no more mails than that");
        // One address asks for many people.
        for number in 0..20 {
            ask(&format!("user{number}@fernhill.example"), 77).await.expect(200);
        }
        ask("another@fernhill.example", 77).await.expect(429);
        ask("another@fernhill.example", 78).await.expect(200);
        w.later(TimeDelta::minutes(16));
        ask(&known, 0).await.expect(200);
        assert!(w.anywhere(store::logins::delete_old_knocks) > 0, "what counts no more is forgotten");
    }

    async fn typing_ones_password_again_is_limited(w: World) {
        let site = Site::on(w.db.clone()).await;
        let agnes = site.logged_in(&w, w.agnes).await;
        let new = |current| {
            [("current", current), ("password", "tundra violin harbour"), ("password_confirmation", "tundra violin harbour")]
        };
        for _ in 0..6 {
            agnes.post("/profile/security/password", &new("wrong")).await.expect(422);
        }
        for _ in 0..4 {
            agnes.post("/profile/delete", &[("password", "wrong")]).await.expect(422);
        }
        let told = agnes.post("/profile/delete", &[("password", PASSWORD)]).await.expect(429);
        assert!(told.text("#password-error").contains("Wait 15 minutes"), "{}", told.body);
        let told = agnes.post("/profile/security/password", &new(PASSWORD)).await.expect(429);
        assert!(told.text("#current-error").contains("Too many tries"), "{}", told.body);
        assert_eq!(w.user(w.agnes).status, Status::Active);
        // It says nothing about logging in, nor about anybody else.
        site.logged_in(&w, w.agnes).await;
        let bob = site.logged_in(&w, w.bob).await;
        bob.post("/profile/security/password", &new("wrong")).await.expect(422);
        w.later(TimeDelta::minutes(16));
        agnes.post("/profile/security/password", &new(PASSWORD)).await.expect(303);
    }

    async fn a_new_password_forgives_the_failures_with_the_old_one(w: World) {
        let site = Site::on(w.db.clone()).await;
        let email = w.user(w.agnes).email;
        let browser = site.browser();
        for _ in 0..10 {
            browser.log_in(&email, "wrong", "fernhill").await.expect(422);
        }
        browser.log_in(&email, PASSWORD, "fernhill").await.expect(429);
        browser.get("/password/forgot").await.expect(200);
        browser.post("/password/forgot", &[("email", &email)]).await.expect(200);
        let link = w.last_link("password/reset/");
        browser.get(&link).await.expect(200);
        let new = [("password", "tundra violin harbour"), ("password_confirmation", "tundra violin harbour")];
        browser.post(&link, &new).await.expect(303);
        browser.log_in(&email, "tundra violin harbour", "fernhill").await.expect(303);
        let history = w.read(|rx| store::logins::list_of_user(rx, w.agnes, 50));
        assert_eq!(history.iter().filter(|one| !one.succeeded).count(), 10, "what was tried stays in the history");
    }

    async fn a_supervisor_stops_agents_and_no_admin(w: World) {
        let site = Site::on(w.db.clone()).await;
        let sven = site.logged_in(&w, w.sven).await;
        let ada = |end: &str| format!("/settings/users/{}{end}", w.ada);
        // What is refused is shown with the reason, on the profile and in the list.
        let page = sven.get(&ada("")).await.expect(200);
        assert!(page.attributes(".danger-zone a.btn", "aria-disabled").contains(&"true".to_owned()));
        assert!(page.body.contains(BEYOND), "{}", page.body);
        assert!(sven.get("/settings/users").await.expect(200).body.contains(BEYOND));
        assert!(!sven.get(&format!("/settings/users/{}", w.bob)).await.expect(200).body.contains(BEYOND));
        // Now, on a day, and among others.
        assert!(sven.get(&ada("/deactivate")).await.body.contains(BEYOND));
        let now = sven.post(&ada("/deactivate"), &[("reason", "left")]).await.expect(409);
        assert!(now.body.contains(BEYOND), "{}", now.body);
        let dated = [("reason", "leave"), ("when", "later"), ("starts_at", "2026-03-09T00:00")];
        sven.post(&ada("/deactivate"), &dated).await.expect(409);
        let (ada_id, bob_id) = (w.ada.to_string(), w.bob.to_string());
        let both = [("action", "deactivate"), ("reason", "left"), ("user", ada_id.as_str()), ("user", bob_id.as_str())];
        let said = sven.post("/settings/users/bulk", &both).await.expect(200);
        assert!(said.text(".refused-list").contains(BEYOND), "{}", said.body);
        assert_eq!((w.user(w.ada).status, w.user(w.bob).status), (Status::Active, Status::Inactive));
        assert_eq!(w.user(w.ada).absence.starts_at, None);
        // Nor does a Supervisor let an Admin in again, or say when they return.
        w.deactivate(w.ada);
        assert!(sven.post(&ada("/reactivate"), &[]).await.expect(409).body.contains(BEYOND));
        let said = sven.post("/settings/users/bulk", &[("action", "reactivate"), ("user", ada_id.as_str()), ("user", bob_id.as_str())]).await.expect(200);
        assert!(said.text(".refused-list").contains(BEYOND), "{}", said.body);
        assert_eq!((w.user(w.ada).status, w.user(w.bob).status), (Status::Inactive, Status::Active));
        let olga = site.logged_in(&w, w.olga).await;
        olga.post(&ada("/reactivate"), &[]).await.expect(303);
        let why = sven.get(&format!("/settings/users/{}/why?permission=users.deactivate", w.sven)).await.expect(200);
        assert!(why.body.contains("Only to people who may do no more than Sven"), "{}", why.body);
    }

    fn who_removes_and_deletes_does_not_reach_beyond_themselves(w: World) {
        let rex = hire(&w, "Rex Remover", &[Key::UsersView, Key::UsersRemove, Key::UsersDelete, Key::ConversationsViewOwn, Key::ConversationsReply, Key::NotesWrite]);
        let beyond = |answer: Result<(), Failure>| {
            assert!(matches!(&answer, Err(Failure::Refused(Refusal::User(no))) if no.to_string().contains(BEYOND)), "{answer:?}");
        };
        let can = w.can(rex);
        beyond(w.by(rex, |tx| baton::actions::removal::remove(tx, &can, w.bob, None)).map(drop));
        w.deactivate(w.bob);
        beyond(w.by(rex, |tx| baton::actions::removal::remove(tx, &can, w.bob, None)).map(drop));
        let can = w.can(rex);
        let request = baton::actions::removal::Request { confirm: w.user(w.bob).email, deactivate: false, reason: None };
        beyond(w.by(rex, |tx| baton::actions::removal::delete(tx, &can, w.bob, None, &request)).map(drop));
        let can = w.can(rex);
        w.by(rex, |tx| baton::actions::removal::remove(tx, &can, w.gus, None)).expect("a Guest may do no more than Rex");
        let dated = baton::actions::absences::Leave {
            starts_at: Some(w.now() + TimeDelta::days(3)),
            ..baton::actions::absences::Leave::default()
        };
        let can = w.can(w.sven);
        beyond(w.by(w.sven, |tx| baton::actions::absences::begin(tx, &can, None, w.ada, &dated)).map(drop));
        // What an Owner planned, a Supervisor does not withdraw.
        let can = w.can(w.olga);
        w.by(w.olga, |tx| baton::actions::absences::begin(tx, &can, None, w.ada, &dated)).expect("planned");
        let can = w.can(w.sven);
        beyond(w.by(w.sven, |tx| baton::actions::absences::withdraw(tx, &can, w.ada)).map(drop));
        beyond(w.by(w.sven, |tx| users::deactivate(tx, &can, w.ada, None, None)).map(drop));
    }

    async fn only_an_owner_says_how_long_former_users_are_kept(w: World) {
        let site = Site::on(w.db.clone()).await;
        let (ada, olga) = (site.logged_in(&w, w.ada).await, site.logged_in(&w, w.olga).await);
        w.system_does(|tx| {
            let before = store::workspaces::lock(tx)?.settings();
            store::workspaces::set_settings(tx, &baton::domain::workspaces::Settings { retention_years: Some(2), ..before })?;
            Ok(tx.unrecorded((), "a test sets the scene"))
        });
        let page = ada.get("/settings/workspace").await.expect(200);
        assert!(!page.has("select#retention_years") && page.body.contains("Former users are kept for 2 years. Only an Owner can change this."), "{}", page.body);
        let now = w.read(store::workspaces::this);
        let version = now.version.to_string();
        let fields = |name: &'static str, years: &'static str, deletes: &'static str| {
            [("version", version.clone()), ("name", name.to_owned()), ("time_zone", "Europe/Berlin".to_owned()),
             ("sender_name", "Fernhill".to_owned()), ("support_contact", now.support_contact.clone()), ("invite_days", "7".to_owned()),
             ("undo_hours", "24".to_owned()), ("retention_years", years.to_owned()), ("retention_deletes", deletes.to_owned())]
        };
        for (years, deletes) in [("", ""), ("1", ""), ("7", ""), ("2", "on")] {
            let fields = fields("Fernhill", years, deletes);
            let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let page = ada.post("/settings/workspace", &fields).await.expect(422);
            assert!(page.text("#retention_years-error").contains("Only an Owner"), "{}", page.body);
        }
        let kept = w.read(store::workspaces::this);
        assert_eq!((kept.retention_years, kept.retention_deletes), (Some(2), false));
        let other = fields("Fernhill North", "2", "");
        let other: Vec<_> = other.iter().map(|(name, value)| (*name, value.as_str())).collect();
        ada.post("/settings/workspace", &other).await.expect(303);
        assert!(olga.get("/settings/workspace").await.expect(200).has("select#retention_years"));
    }

    async fn giving_up_ones_roles_is_asked_first(w: World) {
        let site = Site::on(w.db.clone()).await;
        let ada = site.logged_in(&w, w.ada).await;
        let path = format!("/settings/users/{}", w.ada);
        let (admin, agent) = (w.role(Standard::Admin).to_string(), w.role(Standard::Agent).to_string());
        let fields = |role: &str, confirm: &str| {
            let user = w.user(w.ada);
            [("version", user.version.to_string()), ("full_name", user.name.full), ("display_name", user.name.display),
             ("email", user.email), ("role", role.to_owned()), ("confirm", confirm.to_owned())]
        };
        let send = async |role: &str, confirm: &str| -> Page {
            let fields = fields(role, confirm);
            let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            ada.post(&path, &fields).await
        };
        send(&admin, "").await.expect(303);
        let asked = send(&agent, "").await.expect(422);
        assert!(asked.text(".alert.warn").contains("You could no longer manage roles"), "{}", asked.body);
        assert_eq!(asked.attributes("input[name=role][checked]", "value"), std::slice::from_ref(&agent), "what was picked stays");
        ada.get("/settings/roles").await.expect(200);
        assert_eq!(send(&agent, "on").await.expect(303).location(), "/");
        ada.get("/settings/roles").await.expect(403);
    }

    async fn an_invite_does_not_swap_who_is_logged_in(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let role = w.role(Standard::Agent).to_string();
        let invite = [("email", "amara@fernhill.example"), ("full_name", "Amara Nwosu"), ("role", role.as_str()), ("send_invite", "on")];
        olga.post("/settings/users/invites", &invite).await.expect(303);
        let link = w.last_link("invites/");
        let accept = [("full_name", "Amara Nwosu"), ("password", "tundra violin harbour"), ("password_confirmation", "tundra violin harbour")];
        let page = olga.get(&link).await.expect(200);
        assert!(page.text("header").contains("logged in to Fernhill as Olga Owens"), "{}", page.body);
        assert!(page.text("header").contains("is for Amara (amara@fernhill.example)"), "{}", page.body);
        olga.post(&link, &accept).await.expect(409);
        assert_eq!(w.find_user("amara@fernhill.example").status, Status::Invited);
        olga.get("/settings/users").await.expect(200);
        let out = olga.post("/logout", &[("next", &link)]).await.expect(303);
        assert_eq!(out.location(), link);
        let page = olga.get(&link).await.expect(200);
        assert!(page.has("#password"));
        olga.post(&link, &accept).await.expect(303);
        assert_eq!(w.find_user("amara@fernhill.example").status, Status::Active);
        // Logging out leads to no other site.
        let bob = site.logged_in(&w, w.bob).await;
        let out = bob.post("/logout", &[("next", "//evil.example/")]).await.expect(303);
        assert_eq!(out.location(), "/login?notice=logged_out");
    }

    async fn an_invite_to_more_than_one_may_give_keeps_its_role_and_its_address(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let invite = async |email: &str, role: Standard| {
            let role = w.role(role).to_string();
            let fields = [("email", email), ("full_name", "Nora North"), ("role", role.as_str()), ("send_invite", "on")];
            olga.post("/settings/users/invites", &fields).await.expect(303);
            (w.find_user(email).id, w.last_link("invites/"))
        };
        let (nora, link) = invite("nora@fernhill.example", Standard::Admin).await;
        let who = hire(&w, "Nils Noll", &[Key::UsersView, Key::UsersInvite]);
        let nils = site.logged_in(&w, who).await;
        let path = format!("/settings/users/invites/{nora}");
        let dialog = nils.get(&path).await.expect(200);
        let admin = w.role(Standard::Admin).to_string();
        assert_eq!(dialog.attributes("input[name=role][checked][disabled]", "value"), std::slice::from_ref(&admin));
        assert!(dialog.text("#roles").contains("You can’t give or take the role Admin"), "{}", dialog.text("#roles"));
        assert!(dialog.has("#email[readonly]") && dialog.text("#email-hint").contains("may do more than you"));
        let (version, support) = (dialog.attributes("input[name=version]", "value").remove(0), w.support.to_string());
        let form = |email, more: Option<(&'static str, &'static str)>, version: &str| {
            let fields = [("version", version), ("email", email), ("full_name", "Nora Nord"), ("team", &support)];
            let fields = fields.into_iter().chain(more);
            fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<Vec<_>>()
        };
        let post = async |fields: Vec<(String, String)>| {
            let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            nils.post(&path, &fields).await
        };
        // Whoever chose the address could accept the invite themselves, and be an Admin.
        let refused = post(form("nils.too@fernhill.example", Some(("send_invite", "on")), &version)).await.expect(422);
        assert!(refused.text("#email-error").contains("you can’t change where their log-in links go"));
        assert_eq!(w.user(nora).email, "nora@fernhill.example");
        post(form("nora@fernhill.example", None, &version)).await.expect(303);
        assert_eq!((w.user(nora).name.full.as_str(), w.user(nora).is_owner), ("Nora Nord", false));
        let (roles, teams) = w.read(|rx| Ok((store::roles::list_of_users(rx, &[nora])?, store::teams::list_of_users(rx, &[nora])?)));
        assert_eq!((roles[&nora].as_slice(), teams[&nora].as_slice()), ([w.role(Standard::Admin)].as_slice(), [w.support].as_slice()));
        site.browser().get(&link).await.expect(200);
        // An Owner's invite is changed by Owners alone.
        let (owner, link) = invite("owen@fernhill.example", Standard::Owner).await;
        let ada = site.logged_in(&w, w.ada).await;
        let path = format!("/settings/users/invites/{owner}");
        let version = w.user(owner).version.to_string();
        let fields = [("version", version.as_str()), ("email", "ada.too@fernhill.example"), ("full_name", "Owen")];
        let refused = ada.post(&path, &fields).await;
        assert!(refused.body.contains("Only an Owner can change an Owner"), "{}", refused.status);
        assert_eq!(w.user(owner).email, "owen@fernhill.example");
        site.browser().get(&link).await.expect(200);
    }

    async fn a_notice_leads_to_jobs_those_who_may_look_at_them_and_to_each(w: World) {
        let of = |who| w.draft().team(w.support).assignee(who);
        w.conversations(&[of(w.bob), of(w.bob), of(w.agnes)]);
        w.deactivate(w.bob);
        w.deactivate(w.agnes);
        let may = [Key::UsersView, Key::UsersDeactivate, Key::UsersRemove, Key::TeamsEditMembers, Key::HandoversRun, Key::ConversationsReply];
        let tea = hire(&w, "Tea Tidy", &may);
        let site = Site::on(w.db.clone()).await;
        let (olga, tea) = (site.logged_in(&w, w.olga).await, site.logged_in(&w, tea).await);
        let path = format!("/settings/teams/{}", w.support);
        let target = format!("team:{}", w.returns);
        tea.post(&format!("{path}/remove-inactive"), &[("target", target.as_str())]).await.expect(303);
        let page = tea.get(&path).await.expect(200);
        assert_eq!(page.text(".toast p"), "2 people left the team. What they hold is being moved.");
        assert!(!page.body.contains("/jobs/"), "that page is closed to her");
        // Until somebody has moved them, a profile does not say that nothing was changed.
        let profile = olga.get(&format!("/settings/users/{}", w.bob)).await.expect(200);
        assert!(profile.text("#handed").contains("Moving 0 of 2 to Returns"), "{}", profile.text("#handed"));
        assert_eq!(profile.attributes("#handed progress", "max"), ["2"]);
        assert_eq!(profile.attributes("#handed", "hx-trigger"), ["every 2s"]);
        while site.run_due() > 0 {}
        let profile = olga.get(&format!("/settings/users/{}", w.bob)).await.expect(200);
        assert!(profile.text("#handed").contains("2 conversations moved to Returns") && !profile.has("#handed progress"));
        assert!(profile.attributes("#handed", "hx-trigger").is_empty());
        for who in [w.bob, w.agnes] {
            w.system_does(|tx| {
                store::teams::insert_member(tx, w.support, who)?;
                Ok(tx.unrecorded((), "a test sets the scene"))
            });
        }
        w.conversations(&[of(w.bob), of(w.agnes)]);
        olga.post(&format!("{path}/remove-inactive"), &[("target", target.as_str())]).await.expect(303);
        let page = olga.get(&path).await.expect(200);
        assert_eq!(page.text(".toast p"), "2 people left the team. 2 conversations moved.");
        assert_eq!(page.texts(".toast a"), ["Details: Agnes", "Details: Bob"]);
        for job in page.attributes(".toast a", "href") {
            olga.get(&job).await.expect(200);
        }
        // Those who are removed leave a job behind, too.
        let hanna = hire(&w, "Hanna Hill", &[Key::ConversationsReply]);
        w.open_of(hanna, 1);
        tea.post(&format!("/settings/users/{hanna}/remove"), &[("plan_open", target.as_str())]).await.expect(303);
        let page = tea.get("/settings/users").await.expect(200);
        assert!(page.text(".toast").contains("is removed") && !page.body.contains("/jobs/"), "{}", page.text(".toast"));
    }

    async fn who_takes_a_role_from_many_is_told_that_it_is_their_own(w: World) {
        w.system_does(|tx| {
            store::roles::insert_of_user(tx, w.ada, &[w.role(Standard::Agent)])?;
            store::roles::insert_of_user(tx, w.sven, &[w.role(Standard::Admin)])?;
            Ok(tx.unrecorded((), "a test sets the scene"))
        });
        let site = Site::on(w.db.clone()).await;
        let ada = site.logged_in(&w, w.ada).await;
        let (admin, me, sven) = (w.role(Standard::Admin).to_string(), w.ada.to_string(), w.sven.to_string());
        let form = [("action", "remove_role"), ("value", admin.as_str()), ("user", me.as_str()), ("user", sven.as_str())];
        let asked = ada.post("/settings/users/bulk", &form).await.expect(422);
        assert!(asked.text(".alert.warn").contains("You could no longer manage roles"), "{}", asked.text(".dialog-body"));
        assert_eq!(asked.attributes("option[selected]", "value"), std::slice::from_ref(&admin), "what was chosen is kept");
        let holds = |who| w.read(|rx| store::roles::list_of_users(rx, &[who]))[&who].contains(&w.role(Standard::Admin));
        assert!(holds(w.ada) && holds(w.sven), "nothing was changed");
        let sure: Vec<_> = form.iter().copied().chain([("confirm", "on")]).collect();
        let done = ada.post("/settings/users/bulk", &sure).await.expect(303);
        assert_eq!(done.location(), "/", "the list may be closed to her now");
        assert!(!holds(w.ada) && !holds(w.sven));
        // Of others it is taken without more ado.
        let olga = site.logged_in(&w, w.olga).await;
        let agent = w.role(Standard::Agent).to_string();
        let others = [("action", "add_role"), ("value", agent.as_str()), ("user", sven.as_str())];
        olga.post("/settings/users/bulk", &others).await.expect(303);
    }
}
