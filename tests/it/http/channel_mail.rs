//! Settings → Channels → Mail: servers, sender, signature; passwords that go in and never come out (K-3).

use baton::actions::incoming::{Received, Way};
use baton::domain::mail_servers::Security;
use baton::store;
use baton::store::channel_mail::CLAIM;
use baton::tasks::ingest::ingest;
use chrono::TimeDelta;

use crate::support::web::{Browser, Page, Site};
use crate::support::{World, on_both};

const SECRET: &str = "correct-horse-battery";

/// The form as it is filled in at first, with some fields changed.
async fn save(browser: &Browser, path: &str, changed: &[(&str, &str)]) -> Page {
    let version = browser.get(path).await.expect(200).attributes("input[name=version]", "value").remove(0);
    let mut fields = vec![
        ("version", version.as_str()),
        ("reply_by_address", "on"),
        ("smtp_host", "mail.fernhill.localhost"),
        ("smtp_port", "465"),
        ("smtp_security", "tls"),
        ("smtp_user", "support"),
        ("imap_host", "mail.fernhill.localhost"),
        ("imap_port", "993"),
        ("imap_security", "starttls"),
        ("imap_user", "support"),
        ("imap_folder", "INBOX"),
    ];
    fields.retain(|(name, _)| !changed.iter().any(|(other, _)| other == name));
    fields.extend_from_slice(changed);
    browser.post(path, &fields).await
}

fn settings(w: &World) -> store::channel_mail::Settings {
    w.read(|rx| store::channel_mail::find(rx, w.email)).expect("settings")
}

on_both! {
    async fn passwords_are_sealed_kept_and_never_shown(w: World) {
        let site = Site::on(w.db.clone()).await;
        let ada = site.logged_in(&w, w.ada).await;
        let path = format!("/settings/channels/{}/mail", w.email);
        save(&ada, &path, &[("smtp_password", SECRET), ("imap_password", SECRET)]).await.expect(303);
        assert_eq!(w.trail(1), ["channel.updated"]);
        let first = settings(&w);
        let (smtp, imap) = (first.smtp_password.clone().unwrap(), first.imap_password.clone().unwrap());
        assert!(smtp != imap && !smtp.contains(SECRET) && !imap.contains(SECRET));
        assert_eq!(first.mail.imap.as_ref().map(|one| one.security), Some(Security::StartTls));
        let page = ada.get(&path).await.expect(200);
        assert!(!page.body.contains(SECRET) && !page.body.contains(&smtp), "no password is ever shown");
        assert_eq!(page.attributes("input[type=password]", "value"), ["", ""]);
        // Nothing typed: they stay. Another server: they have to be typed again.
        save(&ada, &path, &[("signature", "-- {agent}")]).await.expect(303);
        assert_eq!((settings(&w).smtp_password, settings(&w).imap_password), (Some(smtp.clone()), Some(imap)));
        for (field, value) in [("smtp_host", "evil.example"), ("smtp_user", "somebody"), ("smtp_port", "25"), ("smtp_security", "none")] {
            let refused = save(&ada, &path, &[(field, value)]).await.expect(422);
            assert!(refused.text("#smtp_password-error").contains("Type the password again"), "{field}");
        }
        let refused = save(&ada, &path, &[("imap_host", "evil.example"), ("imap_password", "")]).await.expect(422);
        assert!(refused.has("#imap_password-error") && refused.body.contains("evil.example"), "what was typed stays");
        assert_eq!(settings(&w).smtp_password, Some(smtp));
        // No server, no password.
        save(&ada, &path, &[("smtp_host", ""), ("imap_host", "")]).await.expect(303);
        assert_eq!((settings(&w).smtp_password, settings(&w).imap_password), (None, None));
        assert!(w.database.lines("SELECT details AS line FROM audit_events").iter().all(|line| !line.contains(SECRET)));
    }

    async fn what_is_wrong_is_said_at_its_field(w: World) {
        let site = Site::on(w.db.clone()).await;
        let ada = site.logged_in(&w, w.ada).await;
        let path = format!("/settings/channels/{}/mail", w.email);
        let long = "x".repeat(3000);
        let odd = [
            ("smtp_host", "smtp://x"), ("smtp_port", "0"), ("smtp_security", "best"), ("imap_host", "a b"), ("imap_port", "x"),
            ("imap_user", ""), ("from_address", "nobody"), ("signature", long.as_str()), ("smtp_password", long.as_str()),
        ];
        let events = w.events();
        for (field, value) in odd {
            let page = save(&ada, &path, &[(field, value)]).await.expect(422);
            assert!(page.has(&format!("#{field}-error")), "{field}");
        }
        assert_eq!(w.events(), events);
        // Two who edit it at once.
        save(&ada, &path, &[]).await.expect(303);
        save(&ada, &path, &[("version", "1")]).await.expect(409);
        // A chat has no mail, and an Agent no business here.
        ada.get(&format!("/settings/channels/{}/mail", w.chat)).await.expect(404);
        let bob = site.logged_in(&w, w.bob).await;
        bob.get(&path).await.expect(403);
        bob.post(&format!("{path}/test"), &[]).await.expect(403);
    }

    async fn a_test_says_what_the_servers_answer(w: World) {
        let site = Site::on(w.db.clone()).await;
        let ada = site.logged_in(&w, w.ada).await;
        let path = format!("/settings/channels/{}/mail", w.email);
        assert!(ada.post(&format!("{path}/test"), &[]).await.expect(200).text(".alert").contains("no server of its own"));
        // Nobody listens on a port that was just given back.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
        let nobody = [
            ("smtp_host", "127.0.0.1"), ("smtp_port", port.as_str()), ("smtp_security", "none"),
            ("imap_host", "127.0.0.1"), ("imap_port", port.as_str()), ("imap_security", "none"),
        ];
        save(&ada, &path, &nobody).await.expect(303);
        let said = ada.post(&format!("{path}/test"), &[]).await.expect(200).texts(".alert.danger");
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[0].starts_with("Sending127.0.0.1 cannot be used on port"), "{said:?}");
        assert!(said[1].starts_with("Fetching127.0.0.1 cannot be reached on port"), "{said:?}");
    }

    async fn replies_carry_the_channels_sender_and_signature(w: World) {
        let site = Site::on(w.db.clone()).await;
        let ada = site.logged_in(&w, w.ada).await;
        let path = format!("/settings/channels/{}/mail", w.email);
        let fields = [
            ("from_name", "{agent} at {workspace}"), ("from_address", "Care@fernhill.localhost"),
            ("signature", "Kind regards\n{agent} <b>&</b> {workspace}"), ("reply_by_address", ""),
        ];
        save(&ada, &path, &fields).await.expect(303);
        let mail = "From: harriet@customer.example\r\nTo: support@fernhill.localhost\r\nSubject: Tent\r\n\r\nA pole is missing.\r\n";
        let taken = ingest(&w.db, &site.files(), (w.workspace, w.email), mail.as_bytes(), Way::Delivered).expect("a mail");
        let Received::Stored(number) = taken else { panic!("{taken:?}") };
        let bob = site.logged_in(&w, w.bob).await;
        bob.post(&format!("/conversations/{number}/messages"), &[("body", "It is on its way.")]).await.expect(303);
        let out = w.database.lines(
            "SELECT from_name || '|' || from_address || '|' || coalesce(reply_to, '') || '|' || text_body || '|' || html_body AS line FROM outbox WHERE kind = 'reply'",
        ).remove(0);
        let bob_name = w.read(|rx| store::users::find(rx, w.bob)).unwrap().name.display;
        let workspace = w.read(store::workspaces::this).name;
        let begins = format!("{bob_name} at {workspace}|care@fernhill.localhost|support@fernhill.localhost|It is on its way.\n\n-- \nKind regards\n{bob_name} <b>&</b> {workspace}|");
        assert!(out.to_lowercase().starts_with(&begins.to_lowercase()), "{out}");
        assert!(out.contains(&format!("<p>--<br>Kind regards<br>{bob_name} &#60;b&#62;&#38;&#60;/b&#62; {workspace}</p>")), "{out}");
        // In the conversation stands what was typed.
        let page = bob.get(&format!("/conversations/{number}")).await;
        assert!(!page.body.contains("Kind regards"));
    }

    async fn replies_are_laid_out_and_repeat_what_they_answer_if_the_channel_wants_it(w: World) {
        let site = Site::on(w.db.clone()).await;
        let (ada, bob) = (site.logged_in(&w, w.ada).await, site.logged_in(&w, w.bob).await);
        let path = format!("/settings/channels/{}/mail", w.email);
        let mail = "From: Harriet <harriet@customer.example>\r\nTo: support@fernhill.localhost\r\nSubject: Tent\r\n\r\nA pole <is> missing.\r\n\r\nOn Mon, 3 Jun 2024, Shop wrote:\r\n> Hello\r\n";
        let taken = ingest(&w.db, &site.files(), (w.workspace, w.email), mail.as_bytes(), Way::Delivered).expect("a mail");
        let Received::Stored(number) = taken else { panic!("{taken:?}") };
        let path_of = format!("/conversations/{number}");
        let typed = "It is **on its way**:\n\n- a pole\n- a <script>\n\nhttps://fernhill.example/track";
        let parts = |what: &str| w.database.lines(&format!("SELECT {what} AS line FROM outbox WHERE kind = 'reply' ORDER BY created_at DESC, id DESC LIMIT 1")).remove(0);
        bob.post(&format!("{path_of}/messages"), &[("body", typed)]).await.expect(303);
        assert_eq!(parts("text_body"), typed);
        let html = parts("html_body");
        assert!(html.contains("<strong>on its way</strong>") && html.contains("<li>a &lt;script&gt;</li>"), "{html}");
        assert!(html.contains("<a href=\"https://fernhill.example/track\"") && !html.contains("wrote:"), "{html}");
        // Notes too; what was typed is what is searched for.
        bob.post(&format!("{path_of}/notes"), &[("body", "Ask *Sven*")]).await.expect(303);
        let page = bob.get(&path_of).await.expect(200);
        assert_eq!(page.texts(".msg.note .mail-html em"), ["Sven"]);
        assert_eq!(page.texts(".msg.ours .mail-html strong"), ["on its way"]);
        assert!(page.has(".md-bar[role=toolbar] [data-md=bold]"));

        save(&ada, &path, &[("quotes", "on"), ("signature", "Bye")]).await.expect(303);
        assert!(ada.get(&path).await.expect(200).has("[name=quotes][checked]"));
        bob.post(&format!("{path_of}/messages"), &[("body", "Soon.")]).await.expect(303);
        let text = parts("text_body");
        assert!(text.starts_with("Soon.\n\n-- \nBye\n\nOn ") && text.ends_with(", Harriet wrote:\n> A pole <is> missing."), "{text}");
        let html = parts("html_body");
        assert!(html.contains("<p>A pole &lt;is&gt; missing.</p></blockquote>") && !html.contains("Shop wrote"), "{html}");
    }

    async fn the_history_of_an_html_mail_is_folded(w: World) {
        let site = Site::on(w.db.clone()).await;
        let mail = "From: Harriet <harriet@customer.example>\r\nTo: support@fernhill.localhost\r\nSubject: Tent\r\nContent-Type: text/html\r\n\r\n<div>Thank you!</div><div>On Mon, 3 Jun 2024, Shop wrote:<br></div><blockquote>Hello <b>Harriet</b></blockquote>\r\n";
        let taken = ingest(&w.db, &site.files(), (w.workspace, w.email), mail.as_bytes(), Way::Delivered).expect("a mail");
        let Received::Stored(number) = taken else { panic!("{taken:?}") };
        let page = site.logged_in(&w, w.bob).await.get(&format!("/conversations/{number}")).await.expect(200);
        assert_eq!(page.texts("details.quoted b"), ["Harriet"]);
        assert!(page.text(".msg-body > .mail-html").contains("Thank you!") && !page.text(".msg-body > .mail-html").contains("Shop"));
    }

    fn a_mailbox_is_read_by_one_instance_and_from_where_it_was(w: World) {
        let can = w.can(w.ada);
        let server = baton::domain::mail_servers::Server { host: "x".to_owned(), port: 993, security: Security::Tls, user: "u".to_owned() };
        let mail = baton::domain::mail_servers::ChannelMail { imap: Some(server), ..store::channel_mail::Settings::fresh().mail };
        let keep = baton::actions::channel_mail::Password::Keep;
        let edit = baton::actions::channel_mail::Edit { version: 1, mail, smtp_password: keep.clone(), imap_password: keep, from_beginning: false };
        w.by(w.ada, |tx| baton::actions::channel_mail::update(tx, &can, w.email, &edit)).expect("to save");
        let (a, b) = (w.db.clone(), w.instance_b());
        let claimed = a.anywhere_now(store::channel_mail::claim).unwrap().expect("due");
        assert_eq!((claimed.workspace, claimed.hold.channel), (w.workspace, w.email));
        assert!(b.anywhere_now(store::channel_mail::claim).unwrap().is_none(), "one at a time");
        // From now on: what was there before is left where it is.
        let place = |hold, validity, next| w.anywhere(|ax| store::channel_mail::take_place(ax, hold, validity, next));
        assert_eq!(place(claimed.hold, 7, Some(41)).seen, 40);
        let began = w.now();
        w.anywhere(|ax| store::channel_mail::set_seen(ax, claimed.hold, 7, 42));
        w.anywhere(|ax| store::channel_mail::set_seen(ax, claimed.hold, 7, 41));
        assert_eq!(place(claimed.hold, 7, Some(50)).seen, 42, "never backwards");
        // The instance dies; the other one goes on where it was.
        w.later(CLAIM + TimeDelta::seconds(1));
        let other = b.anywhere_now(store::channel_mail::claim).unwrap().expect("due");
        w.anywhere(|ax| store::channel_mail::release(ax, other.hold, TimeDelta::minutes(1), Some((1, "It does not answer."))));
        assert_eq!(settings(&w).imap_problem.as_deref(), Some("It does not answer."));
        assert!(a.anywhere_now(store::channel_mail::claim).unwrap().is_none(), "not before its time");
        w.later(TimeDelta::minutes(2));
        let again = a.anywhere_now(store::channel_mail::claim).unwrap().expect("due");
        assert_eq!(again.failures, 1);
        w.anywhere(|ax| store::channel_mail::set_checked(ax, again.hold));
        assert_eq!(settings(&w).imap_problem, None);
        // The server made its mailbox anew: what came since is looked for from its beginning.
        let anew = place(again.hold, 8, Some(3));
        assert_eq!((anew.seen, anew.older_below, anew.since), (0, 3, Some(began)));
    }
}
