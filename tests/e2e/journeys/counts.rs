//! The numbers on the page are right after every action, without reading the page again.

use serde_json::json;

use crate::support::app::App;
use crate::support::browser::Browser;

/// Marks the document, which is gone as soon as the page is read again.
fn mark(browser: &Browser) {
    browser.run("window.sameDocument = true", vec![]);
}

fn assert_not_reloaded(browser: &Browser) {
    assert_eq!(browser.run("return window.sameDocument ?? false", vec![]), json!(true), "the page was read again");
}

/// The number beside a link of this name.
fn number(browser: &Browser, css: &str, name: &str) -> i64 {
    let texts = browser.texts(css);
    let found = texts.iter().find_map(|text| text.strip_prefix(name));
    let digits: String = found.unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_default()
}

#[track_caller]
fn wait_for_tabs(browser: &Browser, expected: [i64; 3]) {
    browser.wait_until(&format!("see the tabs with {expected:?}"), |browser| {
        ["Active Users", "Inactive Users", "Pending Invites"].map(|tab| number(browser, ".tabs a", tab)) == expected
    });
    assert_not_reloaded(browser);
}

#[test]
fn tabs_of_users_count_right_after_every_action() {
    let app = App::demo().conversations(60).start();
    let dana = app.logged_in("Owner");
    dana.goto("/settings/users");
    mark(&dana);
    wait_for_tabs(&dana, [44, 6, 3]);

    dana.press_button("Invite users");
    dana.wait_for_focus("#email");
    dana.fill("#email", "amara@fernhill.example");
    dana.fill("dialog #full_name", "Amara Nwosu");
    dana.click("dialog[open] button[type=submit]");
    dana.wait_for_text("Amara Nwosu is invited");
    wait_for_tabs(&dana, [44, 6, 4]);
    dana.click_named("button", "Actions for the invite to Amara Nwosu");
    dana.click_named("[role=menuitem]", "Cancel invite…");
    dana.wait_for("dialog[open]");
    dana.click("dialog[open] button[type=submit]");
    dana.wait_for_text("is cancelled");
    wait_for_tabs(&dana, [44, 6, 3]);

    dana.follow("Active Users");
    dana.wait_for_text_in(".tabs a[aria-current]", "Active Users");
    dana.fill("#q", "alice.martin");
    dana.wait_until("one is left", |dana| dana.count("#results tbody tr") == 1);
    dana.click_named("button", "Actions for Alice Martin");
    dana.click_named("[role=menuitem]", "Deactivate…");
    dana.wait_for("dialog[open]");
    dana.click("dialog[open] button[type=submit]");
    dana.wait_for_text("Alice Martin is deactivated");
    wait_for_tabs(&dana, [43, 7, 3]);
    dana.follow("Inactive Users");
    dana.wait_for_text_in("tbody", "Alice Martin");
    assert_eq!(dana.count("#results tbody tr"), 7);
    dana.click_named("a.btn", "Reactivate Alice Martin");
    dana.wait_for("dialog[open]");
    dana.click("dialog[open] button[type=submit]");
    dana.wait_for_text("Alice Martin is active again");
    wait_for_tabs(&dana, [44, 6, 3]);
}

#[test]
fn views_of_the_inbox_count_right_after_every_action() {
    let app = App::demo().conversations(200).start();
    let bob = app.logged_in("Supervisor");
    bob.goto("/inbox?view=unassigned");
    mark(&bob);
    let views = ["Mine", "Unassigned", "All open", "Snoozed", "Needs handover"];
    let read = |bob: &Browser| views.map(|view| number(bob, "#views a", view));
    let wait_for = |bob: &Browser, what: &str, expected: [i64; 5]| {
        bob.wait_until(&format!("see {expected:?} after {what}, not {:?}", read(bob)), |bob| read(bob) == expected);
        assert_not_reloaded(bob);
    };
    let [mine, unassigned, open, snoozed, handover] = read(&bob);
    assert!(unassigned > 5, "{unassigned}");
    assert_eq!(number(&bob, ".list-head .count", ""), unassigned);

    bob.click("[data-item] a");
    bob.wait_for("#assignee");
    bob.click("#assignee");
    bob.click_named("#assign .menu-item", "you");
    bob.wait_for_text_in("#toasts", "Assigned to Bob Keller");
    wait_for(&bob, "assigning", [mine + 1, unassigned - 1, open, snoozed, handover]);

    bob.click("[popovertarget=snooze]");
    bob.click("#snooze .menu-item");
    bob.wait_for_text_in("#toasts", "Snoozed until");
    wait_for(&bob, "snoozing", [mine, unassigned - 1, open - 1, snoozed + 1, handover]);

    // The next one is unassigned.
    bob.wait_until_gone("[data-key=e]");
    bob.click("[data-item] a");
    bob.wait_for("[data-key=e]");
    let now = bob.attr("#thread", "data-number").unwrap();
    bob.click("[data-key=e]");
    bob.wait_for_text_in("#toasts", "Closed");
    bob.wait_until("the next one is read", |bob| bob.attr("#thread", "data-number").as_deref() != Some(now.as_str()));
    wait_for(&bob, "closing", [mine, unassigned - 2, open - 2, snoozed + 1, handover]);
    assert_eq!(number(&bob, ".list-head .count", ""), unassigned - 2, "the list’s own number");

    // Three at once to a team, and back.
    let team = number(&bob, "#views a", "Shipping");
    bob.click_named("#views a", "Needs handover");
    bob.wait_for_text_in(".list-head h2", "Needs handover");
    mark(&bob);
    for row in 1..=3 {
        bob.tick(&format!("[data-item]:nth-child({row}) input[data-row]"), true);
    }
    bob.wait_for_text_in(".bulkbar", "3 selected");
    bob.click_named(".bulkbar button", "Assign to…");
    bob.click_named("#bulk-assign button", "Shipping");
    bob.wait_for("dialog[open]");
    bob.click("dialog[open] button[type=submit]");
    bob.wait_for_text_in("#toasts", "3 conversations");
    wait_for(&bob, "handing over", [mine, unassigned - 2, open - 2, snoozed + 1, handover - 3]);
    assert!(number(&bob, "#views a", "Shipping") >= team, "the team’s own number");
    assert_eq!(number(&bob, ".list-head .count", ""), handover - 3);
    bob.click_named("#toasts button", "Undo");
    wait_for(&bob, "undoing", [mine, unassigned - 2, open - 2, snoozed + 1, handover]);
    assert_eq!(number(&bob, "#views a", "Shipping"), team);
}
