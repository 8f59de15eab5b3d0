//! First run → invite by real mail → accept → inbox → deactivate → the other browser is logged out → reactivate.

use crate::support::app::App;
use crate::support::smtp::Smtp;

const PASSWORD: &str = "tundra violin harbour";

#[test]
fn somebody_is_invited_starts_leaves_and_returns() {
    let smtp = Smtp::start();
    let app = App::serve().env("BATON_SMTP_URL", smtp.url()).start();

    let dana = app.browser("Dana");
    dana.goto(&app.setup_link());
    dana.assert_clean("set-up");
    dana.fill("#workspace", "Fernhill Outdoor");
    dana.fill("#full_name", "Dana Weiss");
    dana.fill("#email", "dana@fernhill.example");
    dana.fill("#password", PASSWORD);
    dana.fill("#password_confirmation", PASSWORD);
    dana.submit("form.gate-card");
    dana.wait_for_path("/settings/users");

    dana.press_button("Invite users");
    dana.wait_for_focus("#email");
    dana.fill("#email", "amara@fernhill.example");
    dana.click("dialog[open] button[type=submit]");
    dana.wait_for("#full_name-error");
    dana.fill("#full_name", "Amara Nwosu");
    dana.click("dialog[open] button[type=submit]");
    dana.wait_for_text("Amara Nwosu is invited");
    dana.wait_for_text_in(".tabs a[aria-current]", "Pending Invites 1");

    let mail = smtp.wait_for_mail_to("amara@fernhill.example");
    assert!(mail.subject().contains("Dana Weiss invited you to Fernhill Outdoor"), "{}", mail.subject());
    assert!(mail.text().contains("as Agent"), "{}", mail.text());
    let amara = app.browser("Amara");
    amara.goto(&mail.link("/invites/"));
    amara.assert_clean("accept");
    amara.fill("#password", PASSWORD);
    amara.fill("#password_confirmation", PASSWORD);
    amara.press_button("Set password and log in");
    amara.wait_for_path("/inbox");

    dana.goto("/settings/users");
    dana.wait_for_text_in(".tabs a[aria-current]", "Active Users 2");
    dana.click_named("button", "Actions for Amara Nwosu");
    dana.click_named("[role=menuitem]", "Deactivate…");
    dana.wait_for("dialog[open]");
    dana.assert_clean("deactivate");
    dana.press_button("Deactivate Amara");
    dana.wait_for_text("Amara Nwosu is deactivated");
    // The numbers are right without reloading.
    dana.wait_for_text_in(".tabs a[aria-current]", "Active Users 1");
    assert_eq!(dana.count("dialog[open]"), 0);

    amara.goto("/inbox");
    amara.wait_for("form[action='/login']");
    amara.fill("#email", "amara@fernhill.example");
    amara.fill("#password", PASSWORD);
    amara.submit("form.gate-card");
    amara.wait_for_text("This account is deactivated");

    dana.follow("Inactive Users");
    dana.wait_for_text_in("tbody", "Amara Nwosu");
    dana.click_named("a.btn", "Reactivate Amara Nwosu");
    dana.wait_for("dialog[open]");
    dana.press_button("Reactivate Amara");
    dana.wait_for_text("Amara Nwosu is active again");
    amara.log_in("amara@fernhill.example", PASSWORD);
    amara.wait_for_path("/inbox");
}
