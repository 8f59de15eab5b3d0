//! Mails leave by the server that they are meant for, and one that does not answer keeps nobody else's waiting (O-3).

use std::net::TcpListener;

use baton::actions::channel_mail::{Edit, Password};
use baton::domain::assignment::Target;
use baton::domain::ids::{ChannelId, MailId};
use baton::domain::mail_servers::{ChannelMail, Security, Server};
use baton::mail::Mail;
use baton::store;
use baton::store::outbox::{Busy, State};
use chrono::TimeDelta;

use crate::mail_imap::{Background, wait_for};
use crate::support::smtp::{Smtp, Step};
use crate::support::{World, on_both};

fn sends_by(w: &World, channel: ChannelId, port: u16, password: Password) {
    let version = w.read(|rx| store::channel_mail::find(rx, channel)).map_or(1, |settings| settings.version);
    let server = Server { host: "127.0.0.1".to_owned(), port, security: Security::None, user: String::new() };
    let mail = ChannelMail { smtp: Some(server), ..store::channel_mail::Settings::fresh().mail };
    let edit = Edit { version, mail, smtp_password: password, imap_password: Password::Keep, from_beginning: false };
    let can = w.can(w.ada);
    w.by(w.ada, |tx| baton::actions::channel_mail::update(tx, &can, channel, &edit)).expect("to save");
}

fn port(smtp: &Smtp) -> u16 {
    smtp.url().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
}

fn queue(w: &World, channel: Option<ChannelId>, count: usize) -> Vec<MailId> {
    w.system_does(|tx| {
        let ids = (0..count).map(|number| {
            tx.send_mail(Mail {
                kind: "reply",
                to_name: String::new(),
                to_address: "harriet@customer.example".to_owned(),
                from_name: "Fernhill".to_owned(),
                from_address: Some("support@fernhill.example".to_owned()),
                subject: format!("Mail {number}"),
                text: "Hello".to_owned(),
                html: "<p>Hello</p>".to_owned(),
                message_id: None,
                in_reply_to: None,
                reply_to: None,
                channel,
                references: Vec::new(),
            })
        });
        let ids = ids.collect::<Result<_, _>>()?;
        Ok(tx.unrecorded(ids, "a test sets the scene"))
    })
}

fn states(w: &World, ids: &[MailId]) -> Vec<(State, String)> {
    let all = w.read(|rx| store::outbox::list_states(rx, ids));
    all.into_iter().map(|(_, state, problem)| (state, problem.unwrap_or_default())).collect()
}

on_both! {
    fn a_server_that_does_not_answer_keeps_only_its_own_mails_waiting(w: World) {
        // Takes connections and never says a word.
        let dead = TcpListener::bind("127.0.0.1:0").expect("a port");
        sends_by(&w, w.email, dead.local_addr().expect("an address").port(), Password::Keep);
        let can = w.can(w.ada);
        let sales = w.by(w.ada, |tx| baton::actions::channels::create(tx, &can, "Sales", "sales@fernhill.example", Target::Nobody)).expect("a channel");
        let smtp = Smtp::start();
        sends_by(&w, sales, port(&smtp), Password::Keep);
        let waiting = queue(&w, Some(w.email), 40);
        let (theirs, ours) = (queue(&w, Some(sales), 5), queue(&w, None, 5));
        let _background = Background::start(&w.db, 1);
        wait_for("the others leave", || states(&w, &theirs).iter().all(|(state, _)| *state == State::Sent));
        wait_for("ours leave", || states(&w, &ours).iter().all(|(state, _)| *state == State::Kept));
        assert!(states(&w, &waiting).iter().all(|(state, _)| *state == State::Queued));
        assert_eq!(smtp.mails().len(), 5);
    }

    fn a_log_in_that_is_refused_is_tried_again_and_said(w: World) {
        let smtp = Smtp::start();
        sends_by(&w, w.email, port(&smtp), Password::Keep);
        smtp.refuse(Step::Recipient, 530, 1);
        let ids = queue(&w, Some(w.email), 1);
        let _background = Background::start(&w.db, 1);
        wait_for("it is refused", || states(&w, &ids)[0].1.starts_with("the mail server does not let Baton in"));
        assert_eq!(states(&w, &ids)[0].0, State::Queued);
        // A password that nobody can open is for the administrator, too; what is saved then is tried at once.
        sends_by(&w, w.email, port(&smtp), Password::Sealed("nothing".to_owned()));
        wait_for("the key is missing", || states(&w, &ids)[0].1.starts_with("the stored password cannot be opened"));
        assert_eq!(states(&w, &ids)[0].0, State::Queued);
        sends_by(&w, w.email, port(&smtp), Password::Clear);
        wait_for("it leaves", || states(&w, &ids)[0].0 == State::Sent);
        assert_eq!(smtp.mails().len(), 1);
    }

    fn whoever_lost_a_mail_does_not_note_its_end(w: World) {
        w.anywhere(|ax| store::outbox::finish(ax, w.other.mail, State::Sent, None));
        queue(&w, None, 1);
        let claim = || w.anywhere(|ax| store::outbox::claim(ax, &Busy::default())).expect("due");
        let first = claim();
        w.later(TimeDelta::seconds(121));
        let second = claim();
        assert_eq!(first.id, second.id);
        let held = |mail| w.anywhere(|ax| store::outbox::is_held(ax, mail));
        assert!(!held(&first) && held(&second));
        assert!(baton::mail::transport::LIMIT < std::time::Duration::from_secs(120), "a mail ends before its claim");
    }
}
