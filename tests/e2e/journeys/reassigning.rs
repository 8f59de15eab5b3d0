//! A supervisor finds what somebody who left still holds, gives it to a team in one step, and takes it back.

use crate::support::app::App;

#[test]
fn what_ruth_left_behind_goes_to_her_team_and_back() {
    let app = App::demo().start();
    let bob = app.logged_in("Supervisor");
    bob.goto("/inbox?view=needs_handover");
    bob.wait_for_text_in(".list-head", "16");
    bob.follow("Ruth Mbeki");
    bob.wait_for_text_in(".list-head", "12");
    bob.click("input[data-all]");
    bob.wait_for_text_in(".bulkbar", "12 selected");
    bob.press_button("Assign to…");
    bob.wait_for("#bulk-assign");
    bob.click_named("#bulk-assign button", "Returns");
    bob.wait_for("dialog[open]");
    bob.wait_for_text_in("dialog[open]", "12");
    bob.assert_clean("bulk confirmation");
    bob.click("dialog[open] button[type=submit]");
    bob.wait_for_text_in("#toasts", "12 conversations");
    bob.wait_until("Ruth holds nothing", |bob| {
        !bob.texts("#views a").iter().any(|text| text.starts_with("Ruth Mbeki"))
    });
    bob.click_named("#toasts button", "Undo");
    bob.wait_until("Ruth holds them again", |bob| {
        bob.texts("#views a").iter().any(|text| text.starts_with("Ruth Mbeki"))
    });
    bob.goto("/inbox?view=needs_handover");
    bob.wait_for_text_in(".list-head", "16");
}
