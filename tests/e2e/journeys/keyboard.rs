//! The main flows without a mouse (X-4): Tab, Enter, Space, arrows, Escape and the single keys. Wherever Tab stops the focus can
//! be seen, and when something closes it goes back to where that was opened.

use serde_json::json;

use crate::support::app::App;
use crate::support::browser::Browser;

/// What a screen reader was told last.
fn told(browser: &Browser) -> String {
    let said = browser.run("return document.querySelector('#live').textContent", vec![]);
    said.as_str().unwrap_or_default().to_owned()
}

fn is_reply_chosen(browser: &Browser) -> bool {
    browser.run("return document.querySelector('[name=kind]:checked').value", vec![]) == json!("reply")
}

#[test]
fn views_are_gone_to_and_messages_laid_out_and_sent_by_keys() {
    let app = App::demo().conversations(120).start();
    let agent = app.logged_in("Agent");
    agent.goto("/inbox");
    agent.wait_for("[data-item]");
    agent.press("g");
    agent.press("d");
    agent.wait_for_text_in("#list-title", "Drafts");
    agent.press("g");
    agent.press("m");
    agent.wait_for_text_in("#list-title", "Mine");
    // One that can be answered from here: an email.
    agent.tab_to("[data-item]:has(use[href$='#mail']) a");
    agent.press("Enter");
    agent.wait_for_focus("#conv-t");
    agent.press("r");
    agent.wait_for_focus("#body");
    agent.type_text("It is ");
    agent.press("Control+b");
    agent.type_text("on its way");
    assert_eq!(agent.value("#body"), "It is **on its way**");
    // The toolbar is one stop of Tab, and arrows move in it.
    agent.press("Shift+Tab");
    agent.wait_for_focus("[data-md=bold]");
    agent.press("Right");
    agent.wait_for_focus("[data-md=italic]");
    agent.press("Tab");
    agent.wait_for_focus("#body");
    let path = agent.path();
    agent.press("Control+Shift+Enter");
    agent.wait_for_text_in("#toasts", "Sent and closed");
    agent.goto(&path);
    agent.wait_for_text_in(".msg.ours strong", "on its way");
    agent.wait_for_text_in(".meta", "Closed");
    assert!(agent.console_errors().is_empty());
}

#[test]
fn the_inbox_is_worked_through_by_keyboard() {
    let app = App::demo().conversations(120).start();
    let account = app.account("Supervisor");
    let bob = app.browser("Bob");
    bob.goto("/login");
    bob.wait_for_focus("#email");
    bob.type_text(&account.email);
    bob.press("Tab");
    bob.type_text(&account.password);
    bob.press("Enter");
    bob.wait_for_path("/inbox");

    // Past the navigation.
    bob.press("Tab");
    bob.wait_for_focus("a.skip");
    bob.press("Enter");
    bob.wait_for_focus("#main");

    // The list of keys.
    bob.press("?");
    bob.wait_for("#keys[open]");
    bob.press("Escape");
    bob.wait_until_gone("#keys[open]");

    // Through the list, into a conversation.
    bob.goto("/inbox");
    bob.press("j");
    bob.wait_for_focus("[data-item]:nth-child(1) a");
    bob.press("j");
    bob.wait_for_focus("[data-item]:nth-child(2) a");
    bob.press("k");
    bob.press("Enter");
    bob.wait_for_focus("#conv-t");
    let first = bob.attr("#thread", "data-number").unwrap();

    // A note and a reply.
    bob.press("n");
    bob.wait_for_focus("#body");
    bob.type_text("Ask the warehouse first.");
    bob.press("Control+Enter");
    bob.wait_for_text_in(".msg", "Ask the warehouse first.");
    bob.wait_for_focus("#body");
    bob.tab_to("#send");
    bob.press("r");
    bob.wait_for_focus("#body");
    assert!(is_reply_chosen(&bob));
    bob.type_text("A new one is on its way.");
    bob.tab_to("#send");
    bob.press("Enter");
    bob.wait_for_text_in(".msg", "A new one is on its way.");
    bob.wait_for_focus("#send, #body");

    // Assigned: find, choose, and back on the button.
    bob.goto(&format!("/conversations/{first}"));
    bob.press("a");
    bob.wait_for_focus("#assign-q");
    bob.press("Escape");
    bob.wait_for_focus("#assignee");
    bob.press("a");
    bob.wait_for_focus("#assign-q");
    bob.type_text("noor");
    bob.press("Down");
    bob.press("Enter");
    bob.wait_for_text_in("#assignee", "Noor van Dijk");
    bob.wait_for_focus("#assignee");

    // Snoozed: a choice of times; then the next conversation is there, with its row in focus.
    bob.press("s");
    bob.wait_for_focus("#snooze .menu-item");
    bob.press("Escape");
    bob.wait_for_focus("#assignee");
    bob.press("s");
    bob.wait_for_focus("#snooze .menu-item");
    bob.press("Enter");
    bob.wait_for_text_in("#toasts", "Snoozed until");
    bob.wait_until("another one is read", |bob| bob.attr("#thread", "data-number").as_deref() != Some(first.as_str()));
    bob.wait_for_focus("[data-item].is-open a");
    let second = bob.attr("#thread", "data-number").unwrap();
    bob.press("e");
    bob.wait_for_text_in("#toasts", "Closed");
    bob.wait_until("the next one is read", |bob| {
        bob.attr("#thread", "data-number").as_deref() != Some(second.as_str())
    });
    bob.wait_for_focus("[data-item].is-open a");

    // Searched; the number is read out, the focus stays.
    bob.press("/");
    bob.wait_for_focus("#q");
    bob.type_text("refund");
    bob.wait_until("the number is told", |bob| told(bob).ends_with("conversations"));
    bob.wait_for_focus("#q");
}

#[test]
fn conversations_are_handed_over_and_taken_back_by_keyboard() {
    let app = App::demo().start();
    let bob = app.logged_in("Supervisor");
    bob.goto("/inbox?view=needs_handover");
    bob.tab_to("#views a[href*=assignee]:not([href*=saved])");
    bob.press("Enter");
    bob.wait_for(".chip");
    bob.press("j");
    bob.press("x");
    bob.press("j");
    bob.press("x");
    bob.wait_for_text_in(".bulkbar", "2 selected");
    bob.wait_until("the number is told", |bob| told(bob) == "2 selected");
    let title = bob.text(".list-head .count");
    // Escape takes the selection away, and the keys give it back.
    bob.press("Escape");
    bob.wait_until_gone(".bulkbar");
    bob.press("x");
    bob.press("k");
    bob.press("x");
    bob.wait_for_text_in(".bulkbar", "2 selected");
    bob.press("a");
    bob.wait_for_focus("#bulk-assign-q");
    bob.type_text("returns");
    bob.press("Down");
    bob.press("Enter");
    bob.wait_for_focus("dialog[open] button[type=submit]");
    // Cancelled: back where it was opened.
    bob.press("Escape");
    bob.wait_until_gone("dialog[open]");
    bob.wait_for_focus("[popovertarget=bulk-assign]");
    bob.press("Enter");
    bob.wait_for_focus("#bulk-assign-q");
    bob.type_text("returns");
    bob.press("Down");
    bob.press("Enter");
    bob.wait_for_focus("dialog[open] button[type=submit]");
    bob.press("Enter");
    bob.wait_for_text_in("#toasts", "2 conversations");
    bob.wait_for_focus("#list-title h2");
    assert_ne!(bob.text(".list-head .count"), title);
    bob.tab_to("#toasts form button");
    bob.press("Enter");
    bob.wait_for_text_in("#toasts", "back");
    bob.wait_for_focus("#toasts .toast");
    bob.wait_for_text_in(".list-head .count", &title);
}

#[test]
fn people_are_managed_by_keyboard() {
    let app = App::demo().conversations(60).start();
    let dana = app.logged_in("Owner");
    dana.goto("/settings/users");

    // Tabs and headings keep the focus when what they lead to takes their place.
    dana.tab_to(".tabs a[href='/settings/users/inactive']");
    dana.press("Enter");
    dana.wait_for(".tabs a[href='/settings/users/inactive'][aria-current]");
    dana.wait_for_focus(".tabs a[href='/settings/users/inactive']");
    dana.press("Shift+Tab");
    dana.press("Enter");
    dana.wait_for(".tabs a[href='/settings/users'][aria-current]");
    dana.tab_to("thead th:has([href*=sort]) a.sort");
    dana.press("Enter");
    dana.wait_for("th[aria-sort=descending]");
    dana.wait_for_focus("th[aria-sort=descending] a.sort");

    // Search says how many there are.
    dana.press("/");
    dana.wait_for_focus("#q");
    dana.type_text("alice.martin");
    dana.wait_until("one is left", |dana| dana.count("#results tbody tr") == 1);
    dana.wait_for_focus("#q");
    dana.wait_until("the number is told", |dana| told(dana).contains('1'));

    // A menu and its dialog give the focus back to the menu's button.
    let actions = "button[aria-label='Actions for Alice Martin']";
    dana.tab_to(actions);
    dana.press("Enter");
    dana.wait_for_focus(":popover-open [role^=menuitem]");
    dana.press("Escape");
    dana.wait_for_focus(actions);
    dana.press("Enter");
    dana.wait_for_focus(":popover-open [role^=menuitem]");
    for _ in 0..20 {
        if dana.count(":popover-open [href$='/deactivate']:focus") == 1 {
            break;
        }
        dana.press("Down");
    }
    dana.press("Enter");
    dana.wait_for_focus("dialog[open] :is(h2, button, select, input, a)");
    dana.press("Escape");
    dana.wait_until_gone("dialog[open]");
    dana.wait_for_focus(actions);

    // Refused, then done; the focus is on what is wrong, then back on the button.
    dana.goto("/settings/users");
    let invite = "header a[href='/settings/users/invite']";
    dana.tab_to(invite);
    dana.press("Enter");
    dana.wait_for_focus("#email");
    dana.type_text("amara@fernhill.example");
    dana.press("Enter");
    dana.wait_for_focus(".error-summary");
    dana.press("Escape");
    dana.wait_until_gone("dialog[open]");
    dana.wait_for_focus(invite);
    dana.press("Enter");
    dana.wait_for_focus("#email");
    dana.type_text("amara@fernhill.example");
    dana.tab_to("dialog #full_name");
    dana.type_text("Amara Nwosu");
    dana.press("Enter");
    dana.wait_for_text("Amara Nwosu is invited");
    dana.wait_for_focus(invite);

    // Deactivated and back, from the profile.
    dana.goto("/settings/users?q=alice.martin");
    dana.tab_to("tbody .person-name");
    dana.press("Enter");
    dana.wait_for_text_in("h1", "Alice Martin");
    dana.tab_to("a[href$='/deactivate']");
    dana.press("Enter");
    dana.wait_for("dialog[open]");
    dana.tab_to("dialog[open] button[type=submit]");
    dana.press("Enter");
    dana.wait_for_text("Alice Martin is deactivated");
    dana.tab_to(".tabs a[href='/settings/users/inactive']");
    dana.press("Enter");
    dana.wait_for_text_in("#results", "Alice Martin");
    dana.tab_to("a[href$='/reactivate'][aria-label*='Alice Martin']");
    dana.press("Enter");
    dana.wait_for("dialog[open]");
    dana.tab_to("dialog[open] button[type=submit]");
    dana.press("Enter");
    dana.wait_for_text("Alice Martin is active again");

    // A team gets a member.
    dana.goto("/settings/teams?q=vip");
    dana.tab_to("tbody .person-name");
    dana.press("Enter");
    dana.wait_for_text_in("h1", "VIP");
    dana.tab_to("details.add-members summary");
    dana.press("Enter");
    dana.tab_to("details.add-members input[type=checkbox]");
    dana.press("Space");
    dana.tab_to("details.add-members button[type=submit]");
    dana.press("Enter");
    dana.wait_for_text("The members are saved");
}
