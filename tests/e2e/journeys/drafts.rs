//! What is typed and not sent yet: it outlives the browser, and what is sent in one window is gone in the other (C-12).

use serde_json::json;

use crate::support::app::App;
use crate::support::browser::Browser;

const OPEN: &str = "/inbox?view=mine";

fn open_first(browser: &Browser) {
    browser.goto(OPEN);
    browser.click("[data-item] a");
    browser.wait_for("#body");
}

#[test]
fn a_draft_outlives_the_browser_and_goes_when_it_is_sent() {
    let app = App::demo().conversations(120).start();
    let first = app.logged_in("Agent");
    open_first(&first);
    let path = first.path();
    first.fill("#body", "Dear customer,");
    first.wait_for_text_in("[data-saved]", "Draft saved");
    first.press("Enter");
    first.type_text("we are looking into it.");
    first.wait_until("the rest is saved", |browser| {
        let kept = "const r = await fetch(location.pathname + '/draft'); arguments[0]((await r.json()).body)";
        let ask = format!("(async () => {{ {} }})()", kept.replace("arguments[0]", "done"));
        let body = browser.run_async(&format!("const done = arguments[arguments.length - 1]; {ask}"), vec![]);
        body == json!("Dear customer,\nwe are looking into it.")
    });
    // Not closed, but gone.
    drop(first);

    let (one, two) = (app.logged_in("Agent"), app.logged_in("Agent"));
    for browser in [&one, &two] {
        browser.goto(&path);
        assert_eq!(browser.value("#body"), "Dear customer,\nwe are looking into it.");
    }
    // Going on to another conversation and back loses nothing that was typed an instant ago.
    one.click("#body");
    one.press("Control+End");
    one.type_text(" Today.");
    one.click("[data-item]:not(.is-open) a");
    one.wait_until("another one is read", |browser| browser.path() != path);
    one.goto(&path);
    one.wait_until("what was typed last is there", |browser| browser.value("#body").ends_with("into it. Today."));

    two.wait_until("the other window has heard of it", |browser| browser.value("#body").ends_with("into it. Today."));
    one.click("#body");
    one.press("Control+Enter");
    one.wait_for_text_in(".msg", "we are looking into it. Today.");
    assert_eq!(one.value("#body"), "");
    two.wait_until("it is gone in the other window", |browser| browser.value("#body").is_empty());
    two.wait_for_text_in("[data-saved]", "Sent or discarded in another window");
    // What is sent before it was ever saved does not come back as a draft.
    one.wait_for("#body");
    one.click("#body");
    one.type_text("And thank you.");
    one.press("Control+Enter");
    one.wait_for_text_in(".msg", "And thank you.");
    one.goto(&path);
    assert_eq!(one.value("#body"), "");
    assert!(one.console_errors().is_empty() && two.console_errors().is_empty());
}
