//! No axe violation on any page, light and dark, wide and narrow.

use super::support::app::App;
use super::support::browser::{Browser, DESKTOP, PHONE, Scheme, lines};

/// Pages for everybody: what it is called, its address.
const PUBLIC: &[(&str, &str)] = &[
    ("log in", "/login"),
    ("forgotten password", "/password/forgot"),
    ("dead reset link", "/password/reset/nothing"),
    ("dead invite", "/invites/nothing"),
    ("not found", "/nowhere"),
];
/// Pages of the demo's Owner.
const PAGES: &[(&str, &str)] = &[
    ("active users", "/settings/users"),
    ("nobody found", "/settings/users?q=nobody"),
    ("inactive users", "/settings/users/inactive"),
    ("pending invites", "/settings/users/invites"),
    ("invite", "/settings/users/invite"),
    ("teams", "/settings/teams"),
    ("new team", "/settings/teams/new"),
    ("outbox", "/settings/outbox"),
    ("own password", "/profile/security"),
    ("not found", "/nowhere"),
];

#[test]
fn no_page_has_a_violation() {
    let app = App::demo().conversations(300).start();
    let mut found = Vec::new();
    check(&app.browser("anybody"), PUBLIC, &mut found);
    check(&app.logged_in("Owner"), PAGES, &mut found);
    assert!(found.is_empty(), "{} violations:\n{}", found.len(), lines(&found));
}

fn check(browser: &Browser, pages: &[(&str, &str)], found: &mut Vec<String>) {
    for size in [DESKTOP, PHONE] {
        browser.resize(size);
        for scheme in [Scheme::Light, Scheme::Dark] {
            browser.prefer(scheme);
            for (name, path) in pages {
                browser.goto(path);
                let place = format!("{name} ({path}, {} px, {scheme:?})", size.0);
                let (status, at) = (browser.status(), browser.path());
                assert!(status == 200 && at == *path, "{place} answered {status} and led to {at}");
                found.extend(browser.violations().iter().map(|violation| format!("{place}: {violation}")));
            }
        }
    }
}
