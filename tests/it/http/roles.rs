//! Settings → Roles.

use baton::domain::access::Key;
use baton::domain::ids::RoleId;
use baton::domain::roles::Standard;
use baton::domain::users::Status;
use baton::store;

use crate::support::web::{Browser, Page, Site};
use crate::support::{World, on_both};

/// What the page of a role would post, changed a little.
async fn form(browser: &Browser, path: &str) -> Vec<(String, String)> {
    let page = browser.get(path).await.expect(200);
    let mut fields = vec![];
    for (name, value) in [("version", "input[name=version]"), ("name", "#name"), ("description", "#description")] {
        fields.push((name.to_owned(), page.attributes(value, "value").remove(0)));
    }
    let ticked = page.attributes("input[name=permission][checked]:not([disabled])", "value");
    fields.extend(ticked.into_iter().map(|key| ("permission".to_owned(), key)));
    fields
}

async fn post(browser: &Browser, path: &str, fields: &[(String, String)]) -> Page {
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    browser.post(path, &fields).await
}

fn without(fields: &[(String, String)], key: Key) -> Vec<(String, String)> {
    fields.iter().filter(|(_, value)| value != key.as_str()).cloned().collect()
}

fn with(fields: &[(String, String)], key: Key) -> Vec<(String, String)> {
    let mut fields = fields.to_vec();
    fields.push(("permission".to_owned(), key.as_str().to_owned()));
    fields
}

/// A role of these permissions, and somebody who holds it alone.
fn hire(w: &World, name: &str, keys: &[Key]) -> (RoleId, baton::domain::ids::UserId) {
    let user = w.newcomer(name, Standard::Guest, Status::Active);
    let guest = w.role(Standard::Guest);
    let keys = keys.iter().copied().collect();
    let role = w.system_does(|tx| {
        let role = store::roles::insert(tx, &format!("Role of {name}"), "", keys)?;
        store::roles::insert_of_user(tx, user, &[role])?;
        store::roles::delete_of_user(tx, user, &[guest])?;
        Ok(tx.unrecorded(role, "a test sets the scene"))
    });
    (role, user)
}

on_both! {
    async fn a_role_is_made_from_scratch_and_as_a_copy_renamed_and_deleted(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let empty = olga.post("/settings/roles", &[("name", " "), ("description", "Weekends")]).await.expect(422);
        assert!(empty.has("#name-error") && empty.has("#permissions-error"));
        assert_eq!(empty.attributes("#description", "value"), ["Weekends"]);
        let fields = [("name", "Night  desk"), ("description", "After eight"), ("permission", "conversations.reply")];
        let made = olga.post("/settings/roles", &fields).await.expect(303);
        let path = made.location().to_owned();
        let taken = olga.post("/settings/roles", &[("name", "NIGHT DESK"), ("permission", "users.view")]).await.expect(422);
        assert!(taken.text("#name-error").contains("There is a role called"), "{}", taken.body);
        assert_eq!(taken.attributes("input[name=permission][checked]", "value"), ["users.view"]);

        let supervisor = w.role(Standard::Supervisor);
        let copy = olga.get(&format!("/settings/roles/new?copy={supervisor}")).await.expect(200);
        assert_eq!(copy.attributes("#name", "value"), ["Copy of Supervisor"]);
        let expected = Standard::Supervisor.permissions().len();
        assert_eq!(copy.attributes("input[name=permission][checked]", "value").len(), expected);
        olga.get(&format!("/settings/roles/new?copy={}", w.other.role)).await.expect(404);
        olga.get("/settings/roles/new?copy=x").await.expect(404);

        let mut fields = form(&olga, &path).await;
        fields[1].1 = "Late desk".to_owned();
        post(&olga, &path, &with(&fields, Key::ContactsView)).await.expect(303);
        let page = olga.get(&path).await.expect(200);
        assert_eq!(page.text("h1"), "Late desk");
        assert!(page.text("aside").contains("Allowed: See contacts. Renamed"), "{}", page.text("aside"));
        assert_eq!(w.trail(1), ["role.updated"]);
        let last = w.read(|rx| store::audit::list_latest(rx, 1)).remove(0);
        assert_eq!(last.details["before"], serde_json::json!(["conversations.reply"]));
        assert_eq!(last.details["after"], serde_json::json!(["conversations.reply", "contacts.view"]));
        // Saving what is there already is no change.
        let events = w.events();
        post(&olga, &path, &form(&olga, &path).await).await.expect(303);
        assert_eq!(w.events(), events);
        olga.get(&format!("{path}/delete")).await.expect(200);
        olga.post(&format!("{path}/delete"), &[]).await.expect(303);
        olga.get(&path).await.expect(404);
        assert_eq!(w.trail(1), ["role.deleted"]);
    }

    async fn standard_roles_are_edited_but_not_renamed_or_deleted_and_owner_not_at_all(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let path = format!("/settings/roles/{}", w.role(Standard::Agent));
        let mut fields = form(&olga, &path).await;
        post(&olga, &path, &with(&fields, Key::ContactsEdit)).await.expect(303);
        fields = form(&olga, &path).await;
        fields[1].1 = "Helper".to_owned();
        assert!(post(&olga, &path, &fields).await.expect(422).text("#name-error").contains("keeps its name"));
        let page = olga.get(&format!("{path}/delete")).await.expect(409);
        assert!(page.text("#dialog-title").contains("standard role"));
        olga.post(&format!("{path}/delete"), &[]).await.expect(409);
        let owner = format!("/settings/roles/{}", w.role(Standard::Owner));
        let page = olga.get(&owner).await.expect(200);
        assert!(!page.has("form button.btn-primary"), "nothing to be saved");
        let fields = [("version", "1"), ("name", "Owner"), ("permission", "users.view")];
        let said = olga.post(&owner, &fields).await.expect(422);
        assert!(said.text(".error-summary").contains("can’t be changed"), "{}", said.body);
        olga.post(&format!("{owner}/delete"), &[]).await.expect(409);
        assert!(w.user(w.olga).is_owner);
    }

    async fn a_role_that_is_held_stays_and_says_by_whom(w: World) {
        let (role, nils) = hire(&w, "Nils Noll", &[Key::ConversationsViewOwn]);
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let list = olga.get("/settings/roles").await.expect(200);
        assert_eq!(list.text(&format!("#role-{role} td a[href*=users]")), "1 active user");
        let page = olga.get(&format!("/settings/roles/{role}/delete")).await.expect(409);
        assert!(page.text("#dialog-title").starts_with("Role of Nils Noll is held by 1 user."));
        let there = page.attributes(".link-list a", "href").remove(0);
        assert_eq!(olga.get(&there).await.expect(200).texts("tbody .person-name"), ["Nils Noll"]);
        olga.post(&format!("/settings/roles/{role}/delete"), &[]).await.expect(409);
        w.deactivate(nils);
        let page = olga.get(&format!("/settings/roles/{role}/delete")).await.expect(409);
        assert_eq!(page.text(".link-list a"), "1 inactive user", "inactive users hold their roles too");
    }

    async fn whoever_was_quicker_is_named(w: World) {
        let site = Site::on(w.db.clone()).await;
        let (olga, ada) = (site.logged_in(&w, w.olga).await, site.logged_in(&w, w.ada).await);
        let path = format!("/settings/roles/{}", w.role(Standard::Guest));
        let stale = form(&olga, &path).await;
        post(&ada, &path, &with(&form(&ada, &path).await, Key::ContactsView)).await.expect(303);
        let page = post(&olga, &path, &with(&stale, Key::CallsView)).await.expect(409);
        assert!(page.text(".error-summary").contains("Ada Adler changed this role meanwhile"), "{}", page.body);
        assert!(page.attributes("input[name=permission][checked]", "value").contains(&"calls.view".to_owned()));
        assert!(page.has(&format!("a[href='{path}']")));
        assert!(!w.read(store::roles::list).iter().any(|role| role.standard == Some(Standard::Guest) && role.permissions.has(Key::CallsView)));
    }

    async fn nobody_adds_or_takes_what_they_lack_and_nothing_of_it_is_lost(w: World) {
        let (mine, nils) = hire(&w, "Nils Noll", &[Key::RolesManage, Key::UsersView]);
        let site = Site::on(w.db.clone()).await;
        let nils = site.logged_in(&w, nils).await;
        let path = format!("/settings/roles/{}", w.role(Standard::Supervisor));
        let page = nils.get(&path).await.expect(200);
        let free = page.attributes("input[name=permission]:not([disabled])", "value");
        assert_eq!(free, ["users.view", "roles.manage"]);
        // His own role, too: holding it is no way up.
        for path in [path.clone(), format!("/settings/roles/{mine}")] {
            let fields = with(&form(&nils, &path).await, Key::UsersDelete);
            let said = post(&nils, &path, &fields).await.expect(422);
            assert!(said.text("#permissions-error").contains("because you may not do that yourself"), "{}", said.body);
        }
        let said = nils.post("/settings/roles", &[("name", "Mine"), ("permission", "users.delete")]).await.expect(422);
        assert!(said.has("#permissions-error"));
        let said = nils.post("/settings/roles", &[("name", "Mine"), ("permission", "no.such")]).await.expect(422);
        assert!(said.text("#permissions-error").contains("no.such"));
        // What is locked is not posted, and stays.
        post(&nils, &path, &without(&form(&nils, &path).await, Key::UsersView)).await.expect(303);
        let roles = w.read(store::roles::list);
        let supervisor = roles.iter().find(|role| role.standard == Some(Standard::Supervisor)).expect("Supervisor");
        assert_eq!(supervisor.permissions.len(), Standard::Supervisor.permissions().len() - 1);
        let copy = nils.get(&format!("/settings/roles/new?copy={}", supervisor.id)).await.expect(200);
        assert!(copy.text(".alert.warn").contains("The copy allows less"));
    }

    async fn a_change_counts_from_the_next_request(w: World) {
        let site = Site::on(w.db.clone()).await;
        let (olga, sven) = (site.logged_in(&w, w.olga).await, site.logged_in(&w, w.sven).await);
        sven.get("/settings/users").await.expect(200);
        let path = format!("/settings/roles/{}", w.role(Standard::Supervisor));
        let fields = form(&olga, &path).await;
        post(&olga, &path, &without(&fields, Key::UsersView)).await.expect(303);
        sven.get("/settings/users").await.expect(403);
        post(&olga, &path, &with(&form(&olga, &path).await, Key::UsersView)).await.expect(303);
        sven.get("/settings/users").await.expect(200);
    }

    async fn who_locks_themselves_out_is_asked_once_more(w: World) {
        let (mine, nils) = hire(&w, "Nils Noll", &[Key::RolesManage, Key::UsersView]);
        let site = Site::on(w.db.clone()).await;
        let nils = site.logged_in(&w, nils).await;
        let path = format!("/settings/roles/{mine}");
        let mut fields = without(&form(&nils, &path).await, Key::RolesManage);
        let asked = post(&nils, &path, &fields).await.expect(422);
        assert!(asked.text(".alert.warn").contains("You could no longer manage roles"));
        nils.get("/settings/roles").await.expect(200);
        fields.push(("confirm".to_owned(), "on".to_owned()));
        post(&nils, &path, &fields).await.expect(303);
        nils.get("/settings/roles").await.expect(403);
    }

    async fn odd_input_gets_a_sentence_and_loses_nothing(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let before = w.read(store::roles::list).len();
        let long = "x".repeat(1_000_000);
        for (name, description) in [(long.as_str(), ""), ("Fine", long.as_str()), ("\u{0}\u{202e}", "")] {
            let fields = [("name", name), ("description", description), ("permission", "users.view")];
            olga.post("/settings/roles", &fields).await.expect(422);
        }
        assert_eq!(w.read(store::roles::list).len(), before);
        let fields = [("name", "فريق 🦀"), ("permission", "users.view"), ("permission", "users.view")];
        let path = olga.post("/settings/roles", &fields).await.expect(303).location().to_owned();
        assert_eq!(olga.get(&path).await.text("h1"), "فريق 🦀");
        for path in [format!("/settings/roles/{}", w.other.role), "/settings/roles/x".to_owned()] {
            olga.get(&path).await.expect(404);
            olga.post(&path, &[("name", "x"), ("permission", "users.view")]).await.expect(404);
        }
    }
}
