//! Every route × every role × another workspace's ids: who may not, gets 403; what is not theirs, is not there.

use actix_web::http::Method;
use baton::domain::access::{Key, PermissionSet};
use baton::domain::ids::UserId;
use baton::domain::roles::Standard;
use baton::web::routes::{Access, TABLE};

use crate::support::web::{Browser, Site};
use crate::support::{World, on_both};

fn permits(access: Access, permissions: PermissionSet) -> bool {
    match access {
        Access::Public | Access::LoggedIn => true,
        Access::Needs(key) => permissions.has(key),
        Access::NeedsOneOf(keys) => keys.iter().any(|key| permissions.has(*key)),
    }
}

fn people(w: &World) -> Vec<(Standard, UserId)> {
    vec![
        (Standard::Owner, w.olga),
        (Standard::Admin, w.ada),
        (Standard::Supervisor, w.sven),
        (Standard::Agent, w.agnes),
        (Standard::Reader, w.rita),
        (Standard::Guest, w.gus),
    ]
}

/// An id in each kind of path: of something that is nowhere, so that nothing is changed by asking.
fn address(path: &str, id: &str) -> String {
    path.replace("{id}", id).replace("{token}", "nothing").replace("{workspace}", "fernhill")
}

async fn ask(browser: &Browser, method: &str, path: &str) -> u16 {
    let page = match method {
        "GET" => browser.get(path).await,
        _ => browser.post(path, &[]).await,
    };
    page.status.as_u16()
}

on_both! {
    async fn each_role_reaches_what_the_table_says_and_nothing_else(w: World) {
        let site = Site::on(w.db.clone()).await;
        for (role, who) in people(&w) {
            let browser = site.logged_in(&w, who).await;
            for line in TABLE.iter().filter(|line| line.path != "/logout") {
                let path = address(line.path, "00000000-0000-7000-8000-000000000000");
                let status = ask(&browser, line.method, &path).await;
                let permitted = permits(line.access, role.permissions());
                assert_eq!(status != 403, permitted, "{role:?} {} {path}: {status}", line.method);
                assert!(status < 500, "{role:?} {} {path}: {status}", line.method);
            }
        }
    }

    async fn nobody_is_sent_to_the_log_in_page(w: World) {
        let site = Site::on(w.db.clone()).await;
        let browser = site.browser();
        for line in TABLE.iter().filter(|line| line.access != Access::Public) {
            let path = address(line.path, "00000000-0000-7000-8000-000000000000");
            let page = match line.method {
                "GET" => browser.get(&path).await,
                _ => browser.post(&path, &[]).await,
            };
            assert_eq!(page.status.as_u16(), 303, "{} {path}", line.method);
            assert!(page.location().starts_with("/login"), "{path}: {}", page.location());
        }
        let asking_by_htmx = site.browser().htmx();
        let page = asking_by_htmx.get("/settings/users").await;
        assert_eq!((page.status.as_u16(), page.header("hx-redirect")), (200, Some("/login")));
    }

    async fn a_form_from_elsewhere_changes_nothing(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let before = w.events();
        for line in TABLE.iter().filter(|line| line.method == "POST") {
            let path = address(line.path, &w.bob.to_string());
            let page = olga.post_plain(&path, &[("reason", "left")]).await;
            // What is not even there is said before the form is looked at.
            assert!(matches!(page.status.as_u16(), 403 | 404), "{path}: {}", page.status);
        }
        assert_eq!(w.events(), before);
        assert!(olga.get("/settings/users").await.status.is_success());
    }

    async fn another_workspaces_ids_lead_nowhere(w: World) {
        let site = Site::on(w.db.clone()).await;
        let olga = site.logged_in(&w, w.olga).await;
        let theirs = [
            w.other.xena.to_string(), w.other.team.to_string(), w.other.job.to_string(), w.other.mail.to_string(),
            w.other.invited.to_string(), w.other.attachment.to_string(), w.other.quarantined.to_string(),
            w.other.number.to_string(), w.other.channel.to_string(), w.other.role.to_string(),
            w.other.view.to_string(), w.other.contact.to_string(), w.other.merge.to_string(),
        ];
        let before = w.number("SELECT count(*) FROM audit_events");
        for line in TABLE.iter().filter(|line| line.path.contains("{id}")) {
            for id in &theirs {
                let status = ask(&olga, line.method, &address(line.path, id)).await;
                // A form without its fields may be refused before anything is looked up, but never done.
                let refused = status == 404 || (line.method == "POST" && status == 422);
                assert!(refused, "{} {} with {id}: {status}", line.method, line.path);
            }
        }
        assert_eq!(w.number("SELECT count(*) FROM audit_events"), before);
    }
}

#[test]
fn the_table_names_each_route_once() {
    let mut lines: Vec<_> = TABLE.iter().map(|line| (line.method, line.path)).collect();
    let all = lines.len();
    lines.sort_unstable();
    lines.dedup();
    assert_eq!(lines.len(), all);
    for line in TABLE {
        assert!(Method::from_bytes(line.method.as_bytes()).is_ok());
        if let Access::Needs(key) = line.access {
            assert!(Key::ALL.contains(&key));
        }
    }
}
