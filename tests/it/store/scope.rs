//! Nothing of another workspace is found by its id, and nothing can refer to it (W-3).

use baton::domain::access::Sees;
use baton::domain::conversations::MessageKind;
use baton::domain::ids::{AttachmentId, MessageId};
use baton::failure::Failure;
use baton::store::{self, Recorded, Tx};
use chrono::TimeDelta;

use crate::support::{World, on_both};

/// Asserts that a unit of work ends as if the thing did not exist.
fn not_found<T: std::fmt::Debug>(w: &World, what: &str, mut f: impl FnMut(&mut Tx) -> Result<T, Failure>) {
    let answer = w.db.write_now(&w.system(), |tx| {
        let value = f(tx)?;
        Ok(tx.unrecorded(value, "it must not come to this"))
    });
    assert!(matches!(answer, Err(Failure::NotFound)), "{what}: {answer:?}");
}

/// Asserts that the database itself says no.
fn impossible<T: std::fmt::Debug>(w: &World, what: &str, mut f: impl FnMut(&mut Tx) -> Result<T, Failure>) {
    let answer = w.db.write_now(&w.system(), |tx| {
        let value = f(tx)?;
        Ok(tx.unrecorded(value, "it must not come to this"))
    });
    let Err(Failure::Database(diesel::result::Error::DatabaseError(kind, _))) = &answer else {
        panic!("{what}: {answer:?}");
    };
    // SQLite checks some of them only at the commit, and says so in its own way.
    assert!(matches!(kind, diesel::result::DatabaseErrorKind::ForeignKeyViolation), "{what}: {answer:?}");
}

fn changes_nothing(w: &World, what: &str, f: impl FnMut(&mut Tx) -> Result<Recorded<()>, Failure>) {
    let rows = |w: &World| {
        w.database.lines(
            "SELECT CAST(count(*) AS TEXT) || (SELECT ' ' || status || ' ' || version || coalesce(password_hash, '') FROM users WHERE email_key = 'xena@xenon.example') \
             || (SELECT ' ' || count(*) FROM sessions) || (SELECT ' ' || count(*) FROM password_links) \
             || (SELECT ' ' || count(*) FROM team_members) || (SELECT ' ' || count(*) FROM channel_members) \
             || (SELECT ' ' || count(*) FROM conversation_tags) || (SELECT ' ' || count(*) FROM invites) \
             || (SELECT ' ' || count(*) FROM invite_links) || (SELECT ' ' || count(*) FROM teams) \
             || (SELECT ' ' || count(*) FROM user_roles) || (SELECT ' ' || min(state) FROM outbox) AS line FROM users",
        )
    };
    let before = rows(w);
    w.db.write_now(&w.system(), f).unwrap_or_else(|failure| panic!("{what}: {failure}"));
    assert_eq!(rows(w), before, "{what}");
}

on_both! {
    fn nothing_of_xenas_is_found_by_its_id(w: World) {
        let x = w.other.clone();
        w.read(|rx| {
            assert!(store::users::find(rx, x.xena)?.is_none());
            assert!(store::users::find_by_email(rx, "xena@xenon.example")?.is_none());
            assert!(store::users::find_password(rx, x.xena)?.is_none());
            assert!(store::users::find_candidate(rx, x.xena)?.is_none());
            assert!(store::users::list_briefs(rx, &[x.xena, x.invited])?.is_empty());
            assert!(!store::users::is_active(rx, x.xena)?);
            assert!(!store::users::list_active_owner_names(rx)?.contains(&"Xena Xu".to_owned()));
            let standing = store::people::find_standing(rx, x.xena)?;
            assert!(!standing.is_owner && standing.teams.is_empty() && standing.channels.is_empty());
            assert_eq!(standing.permissions, baton::domain::access::PermissionSet::NONE);
            assert!(store::roles::list_of_users(rx, &[x.xena])?.is_empty());
            assert!(!store::roles::list(rx)?.iter().any(|role| role.id == x.role));
            assert!(store::teams::find(rx, x.team)?.is_none());
            assert!(store::teams::list_members(rx, Some(x.team))?.is_empty());
            assert!(store::teams::list_of_users(rx, &[x.xena])?.is_empty());
            assert_eq!(store::teams::count_holdings(rx, x.team)?, (0, None));
            assert!(store::channels::find(rx, x.channel)?.is_none());
            assert!(store::channels::list_of_users(rx, &[x.xena])?.is_empty());
            assert!(store::contacts::find(rx, x.contact)?.is_none());
            assert!(store::contacts::list(rx, &[x.contact])?.is_empty());
            assert!(store::conversations::list_reads(rx, x.xena, &[x.conversation])?.is_empty());
            assert!(store::conversations::list_numbers(rx, &[x.conversation])?.is_empty());
            assert!(store::conversations::find_predecessor(rx, x.conversation)?.is_none());
            assert!(store::conversations::find(rx, x.number, &Sees::All)?.is_none(), "numbers begin at 1 everywhere");
            assert!(store::messages::list(rx, x.conversation, 10)?.is_empty());
            assert!(store::messages::list_message_ids(rx, x.conversation)?.is_empty());
            assert!(store::messages::find_conversation(rx, w.email, &["secret@customer.example".to_owned()])?.is_none());
            assert!(store::messages::find_attachment(rx, x.attachment)?.is_none());
            let all: Vec<MessageId> = (1..50).map(MessageId).collect();
            assert!(store::messages::list_attachments(rx, &all)?.is_empty());
            assert!(!store::tags::list(rx)?.iter().any(|(tag, _)| *tag == x.tag));
            assert!(store::tags::list_of_conversations(rx, &[x.conversation])?.is_empty());
            assert!(store::received_mails::find_quarantined(rx, x.quarantined)?.is_none());
            assert!(store::received_mails::list_quarantined(rx, 10)?.is_empty());
            assert!(!store::received_mails::exists(rx, x.channel, &"0".repeat(64), None)?);
            assert!(store::invites::list(rx, None)?.is_empty());
            let hash = baton::domain::secrets::hash(&x.invite_token);
            assert!(store::invites::find_link(rx, &hash)?.is_none());
            assert!(store::bulk_jobs::find(rx, x.job)?.is_none());
            assert!(store::bulk_jobs::find_submission(rx, "first")?.is_none());
            assert!(store::bulk_jobs::find_undo_of(rx, x.job)?.is_none());
            assert!(store::bulk_jobs::list_pending(rx, x.job, 0, 10)?.is_empty());
            assert!(store::bulk_items::list_items(rx, x.job, None, &Sees::All, 0, 10)?.is_empty());
            assert!(store::bulk_items::count_outcomes(rx, x.job)?.is_empty());
            assert!(store::sessions::list_of_user(rx, x.xena)?.is_empty());
            assert_eq!(store::sessions::count_of_user(rx, x.xena)?, 0);
            assert!(store::logins::list_of_user(rx, x.xena, 10)?.is_empty());
            assert!(store::outbox::list_states(rx, &[x.mail])?.is_empty());
            assert_eq!(store::outbox::list(rx, None, (10, 0))?.1, 0);
            assert!(store::audit::list_about_user(rx, x.xena, 10)?.is_empty());
            assert!(store::audit::list_of_conversation(rx, x.conversation, 10)?.is_empty());
            let everybody = store::users::list(
                rx,
                &[baton::domain::users::Status::Active, baton::domain::users::Status::Invited],
                &store::users::Filter { team: Some(x.team), ..store::users::Filter::default() },
                (store::users::Sort::Name, false),
                (100, 0),
            )?;
            assert_eq!(everybody.1, 0);
            Ok(())
        });
    }

    fn nothing_of_xenas_can_be_locked(w: World) {
        let x = w.other.clone();
        not_found(&w, "user", |tx| store::users::lock(tx, x.xena));
        not_found(&w, "candidate", |tx| store::users::lock_candidate(tx, x.xena));
        not_found(&w, "team", |tx| store::teams::lock(tx, x.team));
        not_found(&w, "team", |tx| store::teams::lock_to_delete(tx, x.team));
        not_found(&w, "conversation", |tx| store::conversations::lock(tx, x.number, &Sees::All));
        not_found(&w, "job", |tx| store::bulk_jobs::lock(tx, x.job).map(|job| job.total));
        let locked = w.system_does(|tx| {
            let many = store::conversations::lock_many(tx, &[x.conversation])?.len();
            let teams = store::teams::lock_targets(tx, &[x.team, w.support])?;
            tx.unchanged((many, teams))
        });
        assert_eq!(locked, (0, vec![w.support]));
    }

    fn nothing_of_xenas_can_be_changed(w: World) {
        let x = w.other.clone();
        type Change<'a> = (&'a str, Box<dyn FnMut(&mut Tx) -> Result<(), Failure> + 'a>);
        let changes: Vec<Change> = vec![
            ("password", Box::new(|tx| store::users::set_password(tx, x.xena, "stolen"))),
            ("seen", Box::new(|tx| store::users::set_seen(tx, x.xena))),
            ("invited user", Box::new(|tx| store::users::delete_invited(tx, x.invited))),
            ("roles", Box::new(|tx| store::roles::delete_of_user(tx, x.xena, &[x.role]))),
            ("team", Box::new(|tx| store::teams::delete(tx, x.team))),
            ("member", Box::new(|tx| store::teams::delete_member(tx, x.team, x.xena).map(|gone| assert!(!gone)))),
            ("lead", Box::new(|tx| store::teams::set_lead(tx, x.team, x.xena, true).map(|set| assert!(!set)))),
            ("channel member", Box::new(|tx| store::channels::delete_member(tx, x.channel, x.xena).map(|gone| assert!(!gone)))),
            ("tag", Box::new(|tx| store::tags::delete_on(tx, x.conversation, x.tag).map(|gone| assert!(!gone)))),
            ("sessions", Box::new(|tx| store::sessions::delete_all_of(tx, x.xena, None).map(|gone| assert_eq!(gone, 0)))),
            ("session", Box::new(|tx| store::sessions::delete(tx, x.xena, x.session).map(|gone| assert!(!gone)))),
            ("session seen", Box::new(|tx| store::sessions::set_seen(tx, x.session, "203.0.113.9"))),
            ("links", Box::new(|tx| store::logins::delete_password_links_of(tx, x.xena).map(|gone| assert_eq!(gone, 0)))),
            ("invite", Box::new(|tx| store::invites::delete(tx, x.invited, true))),
            ("mail", Box::new(|tx| store::outbox::requeue(tx, x.mail).map(|again| assert!(!again)))),
            ("reset link", Box::new(|tx| {
                let hash = baton::domain::secrets::hash(&x.reset_token);
                store::logins::take_password_link(tx, &hash, x.xena).map(|taken| assert!(!taken))
            })),
        ];
        for (what, mut change) in changes {
            changes_nothing(&w, what, |tx| {
                change(tx)?;
                Ok(tx.unrecorded((), "a test tries it"))
            });
        }
    }

    fn no_row_of_fernhill_can_refer_to_xenas(w: World) {
        let x = w.other.clone();
        let (mine, _) = w.open_of(w.bob, 1)[0];
        let new = |channel, contact, team| store::conversations::New { channel, contact, subject: "", team, continues: None };
        let contact = w.system_does(|tx| {
            let contact = store::contacts::find_or_insert(tx, "zoe@customer.example", "Zoe")?;
            Ok(tx.unrecorded(contact, "a test sets the scene"))
        });
        impossible(&w, "role", |tx| store::roles::insert_of_user(tx, w.bob, &[x.role]));
        impossible(&w, "user of role", |tx| store::roles::insert_of_user(tx, x.xena, &[w.roles[&baton::domain::roles::Standard::Agent]]));
        impossible(&w, "team member", |tx| store::teams::insert_member(tx, w.support, x.xena));
        impossible(&w, "team of member", |tx| store::teams::insert_member(tx, x.team, w.bob));
        impossible(&w, "channel member", |tx| store::channels::insert_member(tx, w.email, x.xena));
        impossible(&w, "channel of member", |tx| store::channels::insert_member(tx, x.channel, w.bob));
        impossible(&w, "default team", |tx| {
            store::channels::insert(tx, baton::domain::conversations::ChannelKind::Voice, "Phone", "+49", Some(x.team))
        });
        impossible(&w, "channel", |tx| store::conversations::insert(tx, &new(x.channel, contact, None)));
        impossible(&w, "contact", |tx| store::conversations::insert(tx, &new(w.email, x.contact, None)));
        impossible(&w, "team", |tx| store::conversations::insert(tx, &new(w.email, contact, Some(x.team))));
        for holder in [(Some(x.xena), None), (None, Some(x.team))] {
            impossible(&w, "holder", |tx| {
                let one = store::conversations::lock_many(tx, &[mine])?.remove(0);
                store::conversations::set_holder(tx, &one, holder)
            });
        }
        impossible(&w, "tag", |tx| store::tags::insert_on(tx, mine, x.tag));
        impossible(&w, "tagged", |tx| {
            let tag = store::tags::find_or_insert(tx, "mine")?;
            store::tags::insert_on(tx, x.conversation, tag)
        });
        impossible(&w, "read", |tx| store::conversations::set_read(tx, x.conversation, w.bob));
        impossible(&w, "reader", |tx| store::conversations::set_read(tx, mine, x.xena));
        let message = |conversation, author| store::messages::New {
            conversation,
            kind: MessageKind::Note,
            author,
            body: "",
            html: None,
            email_message_id: None,
            mail: None,
            automatic: false,
        };
        impossible(&w, "message", |tx| store::messages::insert(tx, &message(x.conversation, None)));
        impossible(&w, "author", |tx| store::messages::insert(tx, &message(mine, Some(x.xena))));
        let of_xena: i64 = w.number("SELECT max(message_id) FROM attachments");
        impossible(&w, "attachment", |tx| {
            store::messages::insert_attachment(tx, MessageId(of_xena), "a", "b/c", 1, "d").map(|_: AttachmentId| ())
        });
        impossible(&w, "invite", |tx| store::invites::insert(tx, x.xena, TimeDelta::days(1)));
        impossible(&w, "reset link", |tx| store::logins::insert_password_link(tx, x.xena, TimeDelta::days(1)));
        impossible(&w, "received mail", |tx| {
            let new = store::received_mails::New { channel: x.channel, sha256: "hash", size: 1, content_key: None, problem: None };
            store::received_mails::insert(tx, &new)
        });
        impossible(&w, "session", |tx| store::sessions::insert(tx, x.xena, "key", ("", "")));
    }
}
