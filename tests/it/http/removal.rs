//! Settings → Users: removing, deleting, and inviting again who was removed (U-10 … U-13, I-2, E-3).

use baton::domain::roles::Standard;
use baton::domain::users::Status;

use crate::support::on_both;
use crate::support::web::Site;

on_both! {
    async fn the_profile_shows_the_three_ways_in_one_table(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let page = olga.get(&format!("/settings/users/{}", w.bob)).await.expect(200);
        let ways: Vec<_> = ["deactivate", "remove", "delete"].map(|way| format!("/settings/users/{}/{way}", w.bob)).into();
        assert_eq!(page.attributes(".danger-zone a.btn", "href"), ways);
        assert!(page.text(".danger-zone thead").contains("Recommended"));
        let own = olga.get(&format!("/settings/users/{}", w.olga)).await.expect(200);
        assert_eq!(own.attributes(".danger-zone a.btn", "aria-disabled"), ["true", "true", "true"]);
        // A Supervisor may deactivate, and is not offered more.
        let sven = site.logged_in(&w, w.sven).await;
        let page = sven.get(&format!("/settings/users/{}", w.bob)).await.expect(200);
        assert_eq!(page.attributes(".danger-zone a.btn", "href"), ways[..1]);
    }

    async fn removing_asks_for_a_plan_and_does_it(w: World) {
        let held = w.open_of(w.bob, 2);
        let site = Site::on(w.db.clone()).await;
        let (olga, bob) = (site.logged_in(&w, w.olga).await, site.logged_in(&w, w.bob).await);
        let path = format!("/settings/users/{}/remove", w.bob);
        let dialog = olga.get(&path).await.expect(200);
        assert_eq!(dialog.text(".ho-n"), "2");
        assert!(!dialog.attributes("#plan_open option", "value").contains(&"keep".to_owned()));
        let kept = olga.post(&path, &[("plan_open", "keep")]).await.expect(422);
        assert!(kept.has("#plan_open-error") && kept.has("#plan_open[aria-invalid=true]"));
        let nobody = olga.post(&path, &[("plan_open", &format!("user:{}", w.rita))]).await.expect(422);
        assert!(nobody.text(".error-summary").contains("may not reply"));
        olga.post(&path, &[("plan_open", "nonsense")]).await.expect(422);
        olga.post(&path, &[("plan_open", &format!("team:{}", w.other.team))]).await.expect(404);
        assert_eq!(w.user(w.bob).status, Status::Active);

        olga.post(&path, &[("plan_open", &format!("team:{}", w.returns))]).await.expect(303);
        assert_eq!(bob.get("/inbox").await.status.as_u16(), 303, "logged out at the next request");
        while site.run_due() > 0 {}
        let number = held[0].1;
        let one = w.read(move |rx| baton::store::conversations::find(rx, number, &baton::domain::access::Sees::All));
        assert_eq!(one.map(|one| (one.assignee, one.team)), Some((None, Some(w.returns))));
        let list = olga.get("/settings/users").await.expect(200);
        assert!(!list.body.contains("Bob Keller") || list.has(".toast"));
        assert!(!olga.get("/settings/users").await.body.contains("Bob Keller"));
        let page = olga.get(&format!("/settings/users/{}", w.bob)).await.expect(200);
        assert_eq!(page.text("h1"), "Removed user");
        assert!(!page.body.contains("bob@fernhill.example"));
        // A page that is still open is told, and changes nothing.
        let late = olga.post(&path, &[]).await.expect(409);
        assert!(late.text("#dialog-title").contains("was removed"));
        olga.get(&path).await.expect(409);
        olga.post(&format!("/settings/users/{}/reactivate", w.bob), &[]).await.expect(409);
        olga.post(&format!("/settings/users/{}", w.bob), &[("full_name", "Bob"), ("email", "b@c.example")]).await
            .expect(422);
    }

    async fn whoever_handled_it_is_written_without_name_link_and_picture(w: World) {
        let (_, number) = w.conversation(&w.draft().assignee(w.bob).now(baton::domain::conversations::StatusChange::Close));
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        olga.post(&format!("/settings/users/{}/remove", w.bob), &[]).await.expect(303);
        olga.get("/settings/users").await;
        let page = olga.get(&format!("/conversations/{number}")).await.expect(200);
        assert_eq!(page.text(".assignee-btn .name.is-deleted"), "Removed user");
        assert!(!page.body.contains("Bob"));
        // Filters that must reach them keep them apart, with the day (U-3).
        let list = olga.get(&format!("/inbox?assignee={}&status=closed", w.bob)).await.expect(200);
        let apart = list.texts("optgroup[label='Can’t log in'] option");
        assert_eq!(apart.len(), 1, "{apart:?}");
        assert!(apart[0].starts_with("Removed user, "), "{apart:?}");
        assert_eq!(list.text(".chip .name"), "Removed user");
        assert!(!list.has(&format!("a[href='/settings/users/{}']", w.bob)));
    }

    async fn a_used_account_is_deactivated_and_deleted_in_one_go(w: World) {
        let site = Site::on(w.db.clone()).await;
        let (olga, bob) = (site.logged_in(&w, w.olga).await, site.logged_in(&w, w.bob).await);
        let path = format!("/settings/users/{}/delete", w.bob);
        let dialog = olga.get(&path).await.expect(200);
        assert!(dialog.has("#deactivate"));
        assert_eq!(dialog.text("#confirm_email-hint"), "bob@fernhill.example");
        let refused = olga.post(&path, &[("confirm_email", "bob@fernhill.example")]).await.expect(422);
        assert!(refused.has("#deactivate-error"));
        assert_eq!(refused.attributes("#confirm_email", "value"), ["bob@fernhill.example"], "nothing typed is lost");
        let both = [("confirm_email", "bob@fernhill.example"), ("deactivate", "on")];
        olga.post(&path, &both).await.expect(303);
        assert_eq!(bob.get("/inbox").await.status.as_u16(), 303);
        let next = olga.get("/settings/users").await.expect(200);
        assert!(next.body.contains("Deleted user 1") && !next.body.contains("Bob Keller"));
        let log_in = site.browser();
        log_in.log_in("bob@fernhill.example", crate::support::world::PASSWORD, "fernhill").await.expect(422);
    }

    async fn bad_input_loses_nothing(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let path = format!("/settings/users/{}/delete", w.gus);
        let (long, emoji) = ("a".repeat(200_000), "👩‍🚒 عربي\u{202e}");
        for typed in [long.as_str(), emoji, "", "gus"] {
            olga.post(&path, &[("confirm_email", typed)]).await.expect(422);
        }
        olga.post(&path, &[("confirm_email", "gus@fernhill.example"), ("plan_open", "keep")]).await.expect(422);
        assert_eq!(w.user(w.gus).status, Status::Active);
        olga.post(&path, &[("confirm_email", "  GUS@fernhill.example")]).await.expect(303);
    }

    async fn owners_are_for_owners_and_the_last_one_stays(w: World) {
        let site = Site::on(w.db.clone()).await;
        let (olga, ada) = (site.logged_in(&w, w.olga).await, site.logged_in(&w, w.ada).await);
        for way in ["remove", "delete"] {
            let path = format!("/settings/users/{}/{way}", w.olga);
            let page = ada.get(&path).await.expect(409);
            assert_eq!(page.text("#dialog-title"), "Only an Owner can change an Owner.");
            let fields = [("confirm_email", "olga@fernhill.example"), ("deactivate", "on")];
            ada.post(&path, &fields).await.expect(409);
            let page = olga.post(&path, &fields).await.expect(409);
            assert_eq!(page.text("#dialog-title"), "Olga Owens is the only Owner");
            assert!(page.attributes("#owner option", "value").contains(&w.ada.to_string()));
            assert_eq!(page.attributes("input[name=way]", "value"), [way]);
        }
        assert_eq!(w.user(w.olga).status, Status::Active);
    }

    async fn retention_asks_owners_for_a_reason_and_refuses_others(w: World) {
        w.deactivate(w.bob);
        w.database.execute("UPDATE workspaces SET retention_years = 3 WHERE slug = 'fernhill'");
        let site = Site::on(w.db.clone()).await;
        let (olga, ada) = (site.logged_in(&w, w.olga).await, site.logged_in(&w, w.ada).await);
        let path = format!("/settings/users/{}/delete", w.bob);
        let page = ada.get(&path).await.expect(409);
        assert!(page.text("#dialog-title").starts_with("This workspace keeps former users for 3 years."));
        ada.post(&path, &[("confirm_email", "bob@fernhill.example"), ("retention_reason", "erasure")]).await.expect(409);
        let dialog = olga.get(&path).await.expect(200);
        assert_eq!(dialog.texts("#retention_reason option").len(), 4);
        let page = olga.post(&path, &[("confirm_email", "bob@fernhill.example")]).await.expect(422);
        assert!(page.has("#retention_reason-error"));
        olga.post(&path, &[("confirm_email", "bob@fernhill.example"), ("retention_reason", "erasure")]).await.expect(303);
        let told = &w.read(|rx| baton::store::audit::list_about_user(rx, w.bob, 1))[0];
        assert_eq!(told.details["reason"], "erasure");
    }

    async fn inviting_a_known_address_says_who_it_is_and_what_to_do(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let role = w.role(Standard::Agent).to_string();
        let ask = |email: &'static str, more: &[(&'static str, &'static str)]| {
            let mut fields = vec![("email", email), ("full_name", "Some One"), ("role", role.as_str())];
            fields.extend_from_slice(more);
            fields.into_iter().map(|(a, b)| (a.to_owned(), b.to_owned())).collect::<Vec<_>>()
        };
        let post = async |fields: Vec<(String, String)>| {
            let fields: Vec<(&str, &str)> = fields.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
            olga.post("/settings/users/invites", &fields).await
        };
        let active = post(ask("AGNES@fernhill.example", &[])).await.expect(422);
        assert!(active.text("#email-error").contains("already a user"));
        assert!(active.has(&format!(".alert a[href='/settings/users/{}']", w.agnes)));
        let ines = w.newcomer("Ines Ito", Standard::Agent, Status::Invited);
        let pending = post(ask("ines@fernhill.example", &[])).await.expect(422);
        assert!(pending.text("#email-error").contains("was invited on"));
        assert!(pending.has(&format!("button[formaction='/settings/users/invites/{ines}/resend']")));
        w.deactivate(w.gus);
        let inactive = post(ask("gus@fernhill.example", &[])).await.expect(422);
        assert!(inactive.text("#email-error").contains("was deactivated on"));
        assert!(inactive.has(&format!("a[href='/settings/users/{}/reactivate']", w.gus)));

        olga.post(&format!("/settings/users/{}/remove", w.bob), &[]).await.expect(303);
        let removed = post(ask("bob@fernhill.example", &[])).await.expect(422);
        assert!(removed.text("#email-error").contains("Restore them, or start fresh."));
        assert_eq!(removed.attributes("input[name=former]", "value"), ["restore", "fresh"]);
        assert_eq!(removed.attributes("#email", "value"), ["bob@fernhill.example"]);
        let mail = [("former", "restore"), ("as_before", "on"), ("send_invite", "on")];
        post(ask("bob@fernhill.example", &mail)).await.expect(303);
        assert_eq!((w.user(w.bob).status, w.user(w.bob).name.full.as_str()), (Status::Invited, "Some One"));
        // The form was open twice.
        let late = post(ask("bob@fernhill.example", &[("former", "fresh")])).await.expect(422);
        assert!(late.text("#email-error").contains("no longer among the removed users"));
        let invites = olga.get("/settings/users/invites").await.expect(200);
        assert!(invites.has(&format!("#invite-{}", w.bob)));
    }

    async fn removed_users_are_listed_apart_and_found_by_their_whole_address(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        w.deactivate(w.gus);
        olga.post(&format!("/settings/users/{}/remove", w.bob), &[]).await.expect(303);
        olga.get("/settings/users").await;
        let page = olga.get("/settings/users/inactive").await.expect(200);
        assert_eq!(page.texts("#state option"), ["Deactivated (1)", "Removed (1)"]);
        assert_eq!(page.texts("tbody .person-name"), ["Gus Garcia (deactivated)"]);
        let page = olga.get("/settings/users/inactive?state=removed").await.expect(200);
        assert_eq!(page.texts("tbody .name.is-deleted"), ["Removed user"]);
        assert_eq!(page.text(".tabs a[aria-current]"), "Inactive Users 1");
        assert!(!page.has("tbody a.person-name") && !page.has("tbody .avatar[class*=av-]"));
        assert!(page.has(&format!("a[href='/settings/users/{}/delete']", w.bob)));
        assert!(!page.has(&format!("a[href='/settings/users/{}/remove']", w.bob)));
        let rows = async |words: &str| {
            olga.get(&format!("/settings/users/inactive?state=removed&q={words}")).await.texts("tbody tr").len()
        };
        assert_eq!((rows("bob@fernhill.example").await, rows("bob@fernhill").await, rows("keller").await), (1, 0, 0));
        let file = olga.get("/settings/users/export?status=removed").await.expect(200);
        assert!(file.body.contains("Removed user") && !file.body.to_lowercase().contains("keller"));
        olga.get("/settings/users/export?status=deleted").await.expect(404);
    }

    async fn people_delete_their_own_account_with_their_password(w: World) {
        let site = Site::on(w.db.clone()).await;
        let (olga, bob) = (site.logged_in(&w, w.olga).await, site.logged_in(&w, w.bob).await);
        assert!(bob.get("/profile/security").await.expect(200).has("a[href='/profile/delete']"));
        bob.get("/profile/delete").await.expect(200);
        let page = bob.post("/profile/delete", &[("password", "wrong")]).await.expect(422);
        assert!(page.has("#password-error"));
        let page = bob.post("/profile/delete", &[("password", crate::support::world::PASSWORD)]).await.expect(303);
        assert_eq!(page.location(), "/login?notice=deleted");
        assert_eq!(w.user(w.bob).status, Status::Deleted);
        assert_eq!(bob.get("/inbox").await.status.as_u16(), 303);
        let page = olga.get("/profile/delete").await.expect(409);
        assert!(page.text(".alert").contains("is the only Owner"));
        olga.post("/profile/delete", &[("password", crate::support::world::PASSWORD)]).await.expect(409);
    }
}
