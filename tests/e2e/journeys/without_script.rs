//! The main flows with JavaScript switched off: every link is an address, every form posts.

use crate::support::app::App;
use crate::support::browser::Browser;
use crate::support::smtp::Smtp;

const PASSWORD: &str = "tundra violin harbour";

/// The number in the badge of a tab.
fn badge(browser: &Browser, tab: &str) -> usize {
    let tabs = browser.texts(".tabs a");
    let found = tabs.iter().find_map(|text| text.strip_prefix(tab)).unwrap_or_else(|| panic!("no {tab} in {tabs:?}"));
    found.trim().replace(',', "").parse().unwrap()
}

fn names(browser: &Browser) -> Vec<String> {
    browser.texts("#results tbody .person-name")
}

#[test]
fn people_are_found_sorted_and_paged_without_script() {
    let app = App::demo().conversations(60).start();
    let dana = app.logged_in_without_script("Owner");
    dana.goto("/settings/users");
    let (active, inactive, pending) =
        (badge(&dana, "Active Users"), badge(&dana, "Inactive Users"), badge(&dana, "Pending Invites"));
    assert_eq!((active, inactive, pending), (44, 6, 3));

    // Pages, one after the other and back.
    let first = names(&dana);
    assert_eq!(first.len(), 25);
    dana.follow("Next");
    dana.wait_for_text("26–44 of 44");
    let second = names(&dana);
    assert_eq!(second.len(), 19);
    assert!(first.iter().all(|name| !second.contains(name)), "nobody stands on two pages");
    dana.follow("Previous");
    dana.wait_for_text("1–25 of 44");
    assert_eq!(names(&dana), first);

    // Sorted the other way round by the heading.
    dana.click_named("thead a.sort", "Name");
    dana.wait_for("th[aria-sort=descending]");
    assert_eq!(names(&dana).first(), second.last());

    // Search and filters, by their form.
    dana.goto("/settings/users");
    dana.fill("#q", "alice.martin@");
    dana.press_button("Apply");
    dana.wait_for_text_in("#results", "Alice Martin");
    assert_eq!(names(&dana), ["Alice Martin"]);
    dana.goto("/settings/users");
    dana.choose("#role", "Supervisor");
    dana.press_button("Apply");
    dana.wait_until("only supervisors are listed", |dana| names(dana).len() == 3);
    dana.choose("#team", "Returns");
    dana.press_button("Apply");
    dana.wait_until("one is in Returns", |dana| names(dana) == ["Bob Keller"]);
    dana.fill("#q", "nobody has this name");
    dana.press_button("Apply");
    dana.wait_for_text("Nobody matches");
    dana.follow("Clear search and filters");
    dana.wait_until("everybody is back", |dana| names(dana).len() == 25);

    dana.follow("Inactive Users");
    dana.wait_for_path("/settings/users/inactive");
    assert_eq!(names(&dana).len(), inactive);
    dana.follow("Pending Invites");
    dana.wait_for_path("/settings/users/invites");
    assert_eq!(names(&dana).len(), pending);
    dana.follow("Active Users");
    dana.wait_for_path("/settings/users");
}

#[test]
fn somebody_is_invited_leaves_and_returns_without_script() {
    let smtp = Smtp::start();
    let app = App::demo().conversations(60).env("BATON_SMTP_URL", smtp.url()).start();
    let dana = app.logged_in_without_script("Owner");
    dana.goto("/settings/users");
    dana.follow("Invite users");
    dana.wait_for_path("/settings/users/invite");
    dana.fill("#email", "amara@fernhill.example");
    dana.submit("form:has(#email)");
    // Refused, with what was typed.
    dana.wait_for("#full_name-error");
    assert_eq!((dana.status(), dana.value("#email").as_str()), (422, "amara@fernhill.example"));
    dana.fill("#full_name", "Amara Nwosu");
    dana.submit("form:has(#email)");
    dana.wait_for_text("Amara Nwosu is invited");
    dana.wait_for_text_in(".tabs a[aria-current]", "Pending Invites 4");

    let mail = smtp.wait_for_mail_to("amara@fernhill.example");
    let amara = Browser::named("Amara, no script").without_script().open(app.url());
    amara.goto(&mail.link("/invites/"));
    amara.fill("#password", PASSWORD);
    amara.fill("#password_confirmation", PASSWORD);
    amara.press_button("Set password and log in");
    amara.wait_for_path("/inbox");

    // Alice holds 38 conversations; her plan gives them to her team.
    let alice = app.logged_in_without_script("Agent");
    alice.goto("/inbox?view=mine");
    dana.goto("/settings/users?q=alice.martin");
    dana.click_named("button", "Actions for Alice Martin");
    dana.click_named("[role=menuitem]", "Deactivate…");
    dana.wait_for("form[action$='/deactivate']");
    let held = dana.text(".ho-row:not(.ho-head) .ho-n");
    dana.choose("select[name=plan_open]", "Returns");
    dana.submit("form[action$='/deactivate']");
    dana.wait_for_text("Alice Martin is deactivated");
    alice.goto("/inbox?view=mine");
    alice.wait_for("form[action='/login']");

    dana.goto("/settings/users/inactive?q=alice.martin");
    assert_eq!(badge(&dana, "Inactive Users"), 7);
    assert_eq!(names(&dana), ["Alice Martin (deactivated)"]);
    assert!(held.parse::<usize>().unwrap() > 0, "{held}");
    dana.follow("Reactivate");
    dana.wait_for("form[action$='/reactivate']");
    dana.submit("form[action$='/reactivate']");
    dana.wait_for_text("Alice Martin is active again");
    let account = app.account("Agent");
    alice.log_in(&account.email, &account.password);
    alice.wait_for_path("/inbox");
}

#[test]
fn what_somebody_left_goes_to_a_team_and_back_without_script() {
    let app = App::demo().start();
    let bob = app.logged_in_without_script("Supervisor");
    bob.goto("/inbox");
    bob.click_named("button", "Filter");
    bob.choose("#f-assignee", "Ruth Mbeki");
    bob.press_button("Show");
    bob.wait_for_text_in(".list-head", "12");
    bob.wait_for_text_in(".chip", "Ruth Mbeki");
    assert_eq!(bob.count("[data-item]"), 12);

    // All of a bigger view, by link, and none again.
    bob.goto("/inbox?view=unassigned");
    let link = bob.texts(".bulkbar a.btn-link").concat();
    assert!(link.starts_with("Select all"), "{link}");
    bob.follow("Select all");
    bob.wait_for("input[data-row]:checked");
    assert!(bob.text(".bulkbar .sel").ends_with("selected"), "{}", bob.text(".bulkbar"));
    bob.click_named(".bulkbar a", "Clear selection");
    bob.wait_for("input[data-row]:not(:checked)");

    bob.goto("/inbox?assignee=inactive");
    let both: usize = bob.text(".list-head .count").split(' ').next().unwrap().parse().unwrap();
    assert_eq!(both, bob.count("[data-item]"));
    bob.goto("/inbox?view=needs_handover");
    bob.follow("Ruth Mbeki");
    bob.wait_for_text_in(".list-head", "12");
    for row in 1..=3 {
        bob.tick(&format!("[data-item]:nth-child({row}) input[data-row]"), true);
    }
    bob.press_button("Assign to…");
    bob.click_named("#bulk-assign button", "Returns");
    bob.wait_for_path("/inbox/bulk/confirm");
    bob.wait_for_text_in("main", "3");
    bob.submit("main form[action='/inbox/bulk']");
    bob.wait_for_text_in("#toasts", "3 conversations");
    bob.wait_for_text_in(".list-head", "9");
    bob.click_named("#toasts button", "Undo");
    bob.wait_for_text_in("#toasts", "back");
    bob.goto("/inbox?view=needs_handover");
    bob.follow("Ruth Mbeki");
    bob.wait_for_text_in(".list-head", "12");
}

#[test]
fn a_team_is_made_filled_and_deleted_without_script() {
    let app = App::demo().conversations(60).start();
    let dana = app.logged_in_without_script("Owner");
    dana.goto("/settings/teams");
    dana.fill("#q", "return");
    dana.press_button("Apply");
    dana.wait_until("one team is found", |dana| dana.texts("tbody .person-name") == ["Returns"]);
    dana.follow("New team");
    dana.wait_for_path("/settings/teams/new");
    dana.submit("form:has(#name)");
    dana.wait_for("#name-error");
    dana.fill("#name", "Spare parts");
    dana.submit("form:has(#name)");
    dana.wait_for_text("Spare parts is there");
    dana.click("details.add-members summary");
    dana.click_named("details.add-members label", "Bob Keller");
    dana.click_named("details.add-members label", "Alice Martin");
    dana.press_button("Add to Spare parts");
    dana.wait_for_text("2 active");
    dana.click_named("td label", "Bob Keller");
    dana.press_button("Save leads");
    dana.wait_for_text("The members are saved");
    dana.wait_for("td input[name=lead]:checked");
    dana.press_button("Remove Alice Martin from Spare parts");
    dana.wait_for_text("They hold nothing of it");
    dana.press_button("Remove from team");
    dana.wait_for_text("1 active");
    dana.fill("#name", "Spares");
    dana.press_button("Save changes");
    dana.wait_for_text("The team is saved");
    dana.press_button("Delete team");
    dana.wait_for_text("This can’t be undone");
    dana.press_button("Delete team");
    dana.wait_for_text("The team Spares is deleted");
}

#[test]
fn a_conversation_is_answered_snoozed_and_closed_without_script() {
    let app = App::demo().conversations(60).start();
    let bob = app.logged_in_without_script("Supervisor");
    bob.goto("/inbox");
    bob.click("[data-item] a");
    bob.wait_for("#conv-t");
    let address = bob.path();
    let before = bob.count(".msg");
    bob.fill("#body", "We’ll send you a new one today.");
    bob.click("#send");
    bob.wait_for_text("We’ll send you a new one today.");
    assert_eq!(bob.count(".msg"), before + 1);
    bob.click_named(".composer label", "Internal note");
    bob.fill("#body", "Ask the warehouse first.");
    bob.press_button("Add note");
    bob.wait_for_text("Note added");
    bob.wait_for_text_in(".msg", "Ask the warehouse first.");
    bob.click("[popovertarget=snooze]");
    bob.click("#snooze button.menu-item");
    bob.wait_for_text("Snoozed until");
    bob.goto(&address);
    bob.wait_for_text_in(".thread-head", "Snoozed");
    bob.press_button("Reopen");
    bob.goto(&address);
    bob.press_button("Close conversation");
    bob.wait_for_text_in("#toasts", "Closed");
    bob.goto(&address);
    bob.wait_for_text_in(".thread-head", "Closed");
}
