//! After somebody is deleted, neither their name nor their address is anywhere: a look into every column, every page and
//! the log (U-11). What they did stays, and is told from what others did who are gone.

use baton::actions::users::{self, Edit};
use baton::domain::access::Sees;
use baton::domain::conversations::StatusChange;
use baton::domain::ids::{ConversationId, ConversationNumber, UserId};
use baton::domain::roles::Standard;
use baton::domain::users::{Name, Status};
use baton::store;
use baton::web::routes::TABLE;
use chrono::TimeDelta;

use crate::support::traces::{in_database, in_files, in_log, keep_log};
use crate::support::web::{Browser, Site};
use crate::support::world::PASSWORD;
use crate::support::{World, on_both};

const EMAIL: &str = "zebulon@fernhill.example";
/// What he was called at first, and where he was reached.
const EARLIER: (&str, &str) = ("barnaby@fernhill.example", "Barnaby Ottoline");
const WORDS: [&str; 4] = ["zebulon", "quillfeather", "barnaby", "ottoline"];

/// Zebulon, with everything that a person can leave behind; Olga's browser; what he held, and what is settled.
struct Scene {
    zebulon: UserId,
    olga: Browser,
    held: Vec<(ConversationId, ConversationNumber)>,
    invite_link: String,
}

async fn scene(w: &World, site: &Site) -> Scene {
    let olga = site.logged_in(w, w.olga).await;
    // He is invited, accepts, forgets his password, fails to log in, and logs in.
    let role = w.role(Standard::Supervisor).to_string();
    let (team, channel) = (w.support.to_string(), w.email.to_string());
    let invite = [
        ("email", EARLIER.0),
        ("full_name", EARLIER.1),
        ("display_name", "Barnaby"),
        ("role", role.as_str()),
        ("team", team.as_str()),
        ("channel", channel.as_str()),
        ("send_invite", "on"),
    ];
    olga.post("/settings/users/invites", &invite).await.expect(303);
    let his = site.browser();
    let link = w.last_link("invites/");
    // He is late, asks for another link, and is sent one: whoever sends it is told who asks.
    w.later(TimeDelta::days(8));
    let olga = site.logged_in(w, w.olga).await;
    his.get(&link).await.expect(410);
    his.post(&format!("{link}/renew"), &[]).await.expect(200);
    let barnaby = w.find_user(EARLIER.0).id;
    olga.post(&format!("/settings/users/invites/{barnaby}/resend"), &[]).await.expect(303);
    let link = w.last_link("invites/");
    his.get(&link).await.expect(200);
    let accept = [("full_name", EARLIER.1), ("password", PASSWORD), ("password_confirmation", PASSWORD)];
    his.post(&link, &accept).await.expect(303);
    let zebulon = w.find_user(EARLIER.0).id;
    site.browser().log_in(EARLIER.0, "not his password", "fernhill").await.expect(422);
    let stranger = site.browser();
    stranger.get("/password/forgot").await;
    w.later(TimeDelta::minutes(1));
    stranger.post("/password/forgot", &[("email", EARLIER.0)]).await;
    let his = site.logged_in(w, zebulon).await;

    // He answers, notes, reads, and starts a bulk change; others give him work.
    let until = w.now() + TimeDelta::days(2);
    let held = w.conversations(&[
        w.draft().assignee(zebulon).team(w.support),
        w.draft().assignee(zebulon).now(StatusChange::Snooze(until)),
        w.draft().assignee(zebulon).now(StatusChange::Close),
        w.draft(),
    ]);
    let at = |n: usize, what: &str| format!("/conversations/{}{what}", held[n].1);
    his.get(&at(0, "")).await.expect(200);
    his.post(&at(0, "/messages"), &[("body", "Your pole is on its way.")]).await.expect(303);
    his.post(&at(0, "/notes"), &[("body", "She called twice.")]).await.expect(303);
    his.post(&at(0, "/status"), &[("status", "open")]).await;
    // He invites somebody under the name that he has then.
    let admin = w.role(Standard::Admin);
    w.system_does(|tx| {
        store::roles::insert_of_user(tx, zebulon, &[admin])?;
        Ok(tx.unrecorded((), "a test sets the scene"))
    });
    let early = [
        ("email", "early@fernhill.example"),
        ("full_name", "Early Earhart"),
        ("role", role.as_str()),
        ("send_invite", "on"),
    ];
    his.post("/settings/users/invites", &early).await.expect(303);
    // From now on he has another name and address, and asks once more for a password.
    let (can, before) = (w.can(w.olga), w.user(zebulon));
    let edit = Edit {
        version: before.version,
        email: EMAIL.to_owned(),
        name: Name { full: "Zebulon O'Quillfeather".to_owned(), display: "Zebulon".to_owned() },
        beta_access: before.beta_access,
        roles: None,
        teams: None,
        channels: None,
        leaves_channels: false,
    };
    w.by(w.olga, |tx| users::update(tx, &can, zebulon, &edit)).expect("another name");
    w.later(TimeDelta::minutes(1));
    stranger.get("/password/forgot").await;
    stranger.post("/password/forgot", &[("email", EMAIL)]).await;
    let numbers: Vec<String> = held[..2].iter().map(|one| one.1.to_string()).collect();
    let target = format!("user:{zebulon}");
    let bulk = |submission: &'static str, number: &str, target: &str| {
        [
            ("action", "assign".to_owned()),
            ("target", target.to_owned()),
            ("conversation", number.to_owned()),
            ("submission", submission.to_owned()),
        ]
    };
    for (name, number, to) in [("one", &numbers[0], "none"), ("two", &numbers[0], target.as_str())] {
        let fields = bulk(name, number, to);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let by = if name == "one" { &his } else { &olga };
        by.post("/inbox/bulk", &fields).await.expect(303);
    }
    while site.run_due() > 0 {}

    // He invites somebody, who is late and asks him for a new link.
    let guest = [
        ("email", "late@fernhill.example"),
        ("full_name", "Late Larsen"),
        ("role", role.as_str()),
        ("send_invite", "on"),
    ];
    w.later(TimeDelta::minutes(1));
    his.post("/settings/users/invites", &guest).await.expect(303);
    let invite_link = w.last_link("invites/");

    // He is the one to ask, is to be away, and is the inviter of somebody whose link has died.
    w.database.execute(&format!(
        "{}UPDATE workspaces SET support_contact = '{EMAIL}' WHERE slug = 'fernhill'; \
         UPDATE users SET status_note = 'Zebulon sails round the world', absence_plan = '{{\"open\":\"none\"}}' \
         WHERE email_key = '{EMAIL}'",
        secure(w)
    ));
    // Olga deactivates him, and does not look at the page that says so.
    olga.post(&format!("/settings/users/{zebulon}/deactivate"), &[("reason", "left")]).await.expect(303);
    Scene { zebulon, olga, held, invite_link }
}

/// What a statement of the test's own connection needs, so that it leaves nothing in the files either.
fn secure(w: &World) -> &'static str {
    match w.kind() {
        crate::support::db::Kind::Sqlite => "PRAGMA secure_delete = ON; ",
        crate::support::db::Kind::Postgres => "",
    }
}

/// Every page that somebody can open without an id, and those of what the scene is about.
async fn pages(w: &World, scene: &Scene) -> Vec<(String, String)> {
    let mut paths: Vec<String> = TABLE
        .iter()
        .filter(|line| line.method == "GET" && !line.path.contains('{'))
        .map(|line| line.path.to_owned())
        .collect();
    paths.extend(scene.held.iter().map(|one| format!("/conversations/{}", one.1)));
    paths.extend(w.database.lines("SELECT CAST(id AS TEXT) AS line FROM bulk_jobs WHERE 1 = 0"));
    for job in jobs(w) {
        paths.push(format!("/jobs/{job}"));
    }
    paths.push(format!("/settings/users/{}", scene.zebulon));
    paths.push(format!("/settings/users/{}", w.olga));
    paths.push("/settings/users/inactive?state=removed".to_owned());
    for view in ["mine", "open", "closed", "snoozed", "needs_handover"] {
        paths.push(format!("/inbox?view={view}"));
    }
    paths.push(format!("/inbox?assignee={}&status=closed", scene.zebulon));
    for team in [w.support, w.returns] {
        paths.push(format!("/settings/teams/{team}"));
    }
    let mut all = Vec::new();
    for path in paths {
        let page = scene.olga.get(&path).await;
        assert!(page.status.as_u16() < 500, "{path}: {}", page.status);
        all.push((path, page.body));
    }
    all
}

fn jobs(w: &World) -> Vec<String> {
    let statement = match w.kind() {
        crate::support::db::Kind::Sqlite => {
            "SELECT lower(substr(hex(j.id),1,8)||'-'||substr(hex(j.id),9,4)||'-'||substr(hex(j.id),13,4)||'-'\
             ||substr(hex(j.id),17,4)||'-'||substr(hex(j.id),21)) AS line FROM bulk_jobs j \
             JOIN workspaces w ON w.id = j.workspace_id WHERE w.slug = 'fernhill'"
        }
        crate::support::db::Kind::Postgres => {
            "SELECT j.id::text AS line FROM bulk_jobs j JOIN workspaces w ON w.id = j.workspace_id \
             WHERE w.slug = 'fernhill'"
        }
    };
    w.database.lines(statement)
}

async fn nowhere(w: &World, scene: &Scene) {
    assert_eq!(in_database(w, &WORDS), Vec::<String>::new());
    assert_eq!(in_files(w, &WORDS), Vec::<String>::new());
    for (path, body) in pages(w, scene).await {
        for word in WORDS {
            assert!(!body.to_lowercase().contains(word), "{word} is on {path}");
        }
    }
    assert_eq!(in_log(&WORDS), Vec::<String>::new());
    // Looking left nothing behind either.
    assert_eq!(in_database(w, &WORDS), Vec::<String>::new());
}

on_both! {
    async fn nothing_names_who_was_deleted_and_what_they_did_stays(w: World) {
        keep_log();
        let site = Site::on(w.db.clone()).await;
        let scene = scene(&w, &site).await;
        let there = in_database(&w, &WORDS);
        for place in ["users.email", "users.full_name", "outbox.to_address", "outbox.subject", "outbox.text_body",
            "outbox.from_name", "sessions.state", "workspaces.support_contact"] {
            assert!(there.iter().any(|found| found.starts_with(place)), "the scene lacks {place}: {there:#?}");
        }
        let earlier = in_database(&w, &WORDS[2..]);
        for place in ["outbox.to_address", "outbox.to_name", "outbox.text_body", "outbox.from_name"] {
            assert!(earlier.iter().any(|found| found.starts_with(place)), "the scene lacks {place}: {earlier:#?}");
        }
        let count = |statement: &str| w.number(statement);
        let to_others = "SELECT to_address || ': ' || subject || text_body AS line FROM outbox \
             WHERE to_address NOT LIKE 'barnaby%' AND lower(subject || text_body) LIKE";
        for (earlier, to) in [("%barnaby ottoline%", "early@"), ("%barnaby@fernhill.example%", "olga@")] {
            let mails = w.database.lines(&format!("{to_others} '{earlier}'"));
            assert!(mails.iter().any(|mail| mail.starts_with(to)), "the scene lacks a mail to {to} about him: {mails:#?}");
        }
        let audited = count("SELECT count(*) FROM audit_events WHERE address IS NOT NULL");
        let events = count("SELECT count(*) FROM audit_events");
        let zebulon = scene.zebulon;

        let wrong = [("confirm_email", "somebody@else.example")];
        let path = format!("/settings/users/{zebulon}/delete");
        let page = scene.olga.post(&path, &wrong).await.expect(422);
        assert!(page.has("#confirm_email-error"));
        scene.olga.post(&path, &[("confirm_email", " Zebulon@Fernhill.example ")]).await.expect(303);
        while site.run_due() > 0 {}
        nowhere(&w, &scene).await;

        // What he did.
        let messages = w.read(|rx| store::messages::list(rx, scene.held[0].0, 10));
        let texts: Vec<_> = messages.iter().map(|one| (one.author, one.body.as_str())).collect();
        assert_eq!(texts, [(Some(zebulon), "Your pole is on its way."), (Some(zebulon), "She called twice.")]);
        assert!(count("SELECT count(*) FROM audit_events") > events, "no record is lost");
        assert!(count("SELECT count(*) FROM audit_events WHERE address IS NOT NULL") < audited);
        let page = scene.olga.get(&format!("/conversations/{}", scene.held[0].1)).await.expect(200);
        assert!(page.texts(".msg .name").iter().any(|name| name == "Deleted user 1"), "{:?}", page.texts(".msg .name"));
        assert!(page.body.contains("Your pole is on its way."));
        // Settled work stays his, the rest is nobody's, and no mail was lost that others wait for.
        let assignee = |n: usize| {
            let number = scene.held[n].1;
            w.read(move |rx| store::conversations::find(rx, number, &Sees::All)).expect("a conversation").assignee
        };
        assert_eq!((assignee(0), assignee(1), assignee(2)), (None, None, Some(zebulon)));
        site.browser().get(&scene.invite_link).await.expect(200);
        assert_eq!(w.last_link("invites/"), scene.invite_link);
        assert_eq!(w.number("SELECT count(*) FROM outbox WHERE subject LIKE 'Deleted user 1 invited you%'"), 2);
        assert_eq!(w.read(store::workspaces::this).support_contact, "olga@fernhill.example");
        assert_eq!(w.user(zebulon).status, Status::Deleted);
        scene.olga.post(&path, &[("confirm_email", EMAIL)]).await.expect(409);

        // Two who are deleted stay two.
        scene.olga.post(&format!("/settings/users/{}/delete", w.bob), &[("confirm_email", "bob@fernhill.example")])
            .await.expect(303);
        assert_eq!((w.user(zebulon).name.full, w.user(w.bob).name.full),
            ("Deleted user 1".to_owned(), "Deleted user 2".to_owned()));

        // The same address later is somebody new.
        let role = w.role(Standard::Agent).to_string();
        let again = [("email", EMAIL), ("full_name", "Zebulon O'Quillfeather"), ("role", role.as_str()), ("send_invite", "on")];
        scene.olga.post("/settings/users/invites", &again).await.expect(303);
        let new = w.find_user(EMAIL);
        assert_ne!(new.id, zebulon);
        assert_eq!(w.read(|rx| store::messages::list(rx, scene.held[0].0, 10))[0].author, Some(zebulon));
    }

    async fn removed_first_and_then_deleted_leaves_as_little(w: World) {
        keep_log();
        let site = Site::on(w.db.clone()).await;
        let scene = scene(&w, &site).await;
        scene.olga.post(&format!("/settings/users/{}/remove", scene.zebulon), &[]).await.expect(303);
        while site.run_due() > 0 {}
        // Sealed, he is named in mails that were sent, and nowhere on a page but the outbox.
        scene.olga.get("/settings/users").await;
        for (path, body) in pages(&w, &scene).await {
            let named = WORDS.iter().any(|word| body.to_lowercase().contains(word));
            assert!(!named || path == "/settings/outbox", "{path}");
        }
        let dialog = scene.olga.get(&format!("/settings/users/{}/delete", scene.zebulon)).await.expect(200);
        assert!(WORDS.iter().all(|word| !dialog.body.to_lowercase().contains(word)), "{}", dialog.body);
        scene.olga.post(&format!("/settings/users/{}/delete", scene.zebulon), &[("confirm_email", EMAIL)])
            .await.expect(303);
        while site.run_due() > 0 {}
        nowhere(&w, &scene).await;
    }
}
