//! The commands beside the server: each does what it says, on both databases, and a running server sees it.

use std::path::Path;
use std::process::Command;

use crate::support::app::{App, address_of};
use crate::support::command::Installation;
use crate::support::db::{Fresh, Kind};
use crate::support::visitor::Visitor;

const PASSWORD: &str = "tundra violin harbour";
const ANN: &str = "ann@acme.example";

/// Makes a test for each database.
macro_rules! on_both {
    ($($name:ident)*) => {$(
        mod $name {
            #[test]
            fn sqlite() {
                super::$name(crate::support::db::Kind::Sqlite);
            }
            #[test]
            fn postgres() {
                super::$name(crate::support::db::Kind::Postgres);
            }
        }
    )*};
}
pub(super) use on_both;

on_both! {
    an_installation_is_set_up_from_the_command_line
    mail_is_taken_in_from_the_command_line
}

/// An installation on an empty database.
fn installation(database: &Fresh) -> Installation {
    Installation::new().with("DATABASE_URL", address_of(database.url()))
}

fn create(installation: &Installation, name: &str) -> crate::support::command::Ended {
    let args = ["workspace", "create", "--name", name, "--owner-name", "Ann Lee", "--owner-email", ANN];
    installation.feed(&args, format!("{PASSWORD}\n").as_bytes())
}

fn an_installation_is_set_up_from_the_command_line(kind: Kind) {
    let database = Fresh::empty(kind);
    let installation = installation(&database);
    assert_eq!(installation.run(&["migrate"]).done(), "The database is up to date.");
    assert_eq!(installation.run(&["migrate"]).done(), "The database is up to date.");

    let link = installation.with_public_url().run(&["setup-link"]);
    let link = link.done().strip_prefix("Set-up link: https://support.acme.example/setup/").unwrap();
    assert!(link.len() > 40, "{link}");

    let weak = ["workspace", "create", "--name", "Acme", "--owner-name", "Ann Lee", "--owner-email", ANN];
    for (password, words) in
        [("short\n", "12 characters"), ("", "Enter a password"), ("ann@acme.example\n", "easy to guess")]
    {
        let ended = installation.feed(&weak, password.as_bytes());
        assert!(ended.refused().contains(words), "{}", ended.err);
    }
    let mut no_address = weak;
    no_address[7] = "nobody";
    assert!(installation.feed(&no_address, PASSWORD.as_bytes()).refused().starts_with("--owner-email: "));
    let mut no_name = weak;
    no_name[3] = " ";
    assert!(installation.feed(&no_name, PASSWORD.as_bytes()).refused().starts_with("--name: "));

    let made = create(&installation, "Acme Outdoor");
    assert_eq!(made.done(), "The workspace Acme Outdoor is there. Its log-in page is /login/acme-outdoor.");
    assert!(create(&installation, "Acme Outdoor").refused().contains("acme-outdoor"));
    assert!(installation.run(&["setup-link"]).refused().contains("set up already"));

    let app = App::on(database.url()).start();
    assert!(!app.logs().contains("Set-up link"), "it is set up");
    let ann = Visitor::logged_in(&app, ANN, PASSWORD);
    ann.get("/settings/users").expect(200);

    // A new password, set on the machine, ends the sessions at the next request.
    let reset = ["user", "reset-password", "--email", "ANN@acme.example"];
    assert!(installation.feed(&reset, b"short\n").refused().contains("12 characters"));
    ann.get("/settings/users").expect(200);
    installation.feed(&reset, b"harbour tundra violins\r\n").done();
    assert!(ann.get("/settings/users").asks_to_log_in());
    Visitor::of(&app).log_in(ANN, PASSWORD).expect(422);
    Visitor::logged_in(&app, ANN, "harbour tundra violins").get("/settings/users").expect(200);
    let nobody = installation.feed(&["user", "reset-password", "--email", "bo@acme.example"], PASSWORD.as_bytes());
    assert_eq!(nobody.refused(), "There is no user bo@acme.example in Acme Outdoor. Check --email.");

    // With a second workspace it has to be said which is meant.
    create(&installation, "Bergen Boots").done();
    assert!(installation.feed(&reset, PASSWORD.as_bytes()).refused().contains("--workspace"));
    let of = |slug| [&reset[..], &["--workspace", slug]].concat();
    assert!(installation.feed(&of("nowhere"), PASSWORD.as_bytes()).refused().contains("--workspace"));
    installation.feed(&of("bergen-boots"), b"violins harbour tundra\n").done();

    let told = installation.run(&["doctor"]);
    let (told, database) = (told.done(), if kind == Kind::Sqlite { "SQLite" } else { "PostgreSQL" });
    assert!(told.contains(&format!("up to date ({database})")) && told.contains("Workspaces: 2."), "{told}");
    assert!(told.contains("Proxies: none is trusted"), "{told}");
    let told = installation.run(&["doctor", "--trusted-proxies", "127.0.0.1,10.0.0.0/8"]);
    assert!(told.done().contains("Proxies: X-Forwarded-For is believed from 127.0.0.1, 10.0.0.0/8."), "{}", told.out);
    let ended = installation.with_dead_mail_server().run(&["doctor"]);
    assert!(ended.refused().contains("BATON_SMTP_URL"), "{}", ended.err);
}

fn mail_is_taken_in_from_the_command_line(kind: Kind) {
    let database = Fresh::empty(kind);
    let installation = installation(&database);
    create(&installation, "Acme").done();
    let app = App::on(database.url()).start();
    let ann = Visitor::logged_in(&app, ANN, PASSWORD);

    let ingest = ["ingest-mail", "--channel", "SUPPORT@acme.localhost"];
    let mail = "From: Harriet Cole <harriet@customer.example>\r\nMessage-ID: <1@customer.example>\r\n\
        Subject: A tent pole is missing\r\n\r\nThere are only three.\r\n";
    assert_eq!(installation.feed(&ingest, mail.as_bytes()).done(), "Conversation 1.");
    assert_eq!(installation.feed(&ingest, mail.as_bytes()).done(), "Received before.");
    assert!(ann.get("/conversations/1").expect(200).body.contains("There are only three."));
    let noise: Vec<u8> = (0..3000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for unreadable in [&noise[..], b""] {
        let kept = installation.feed(&ingest, unreadable);
        assert!(kept.done().starts_with("Kept aside; Settings → Outbox says why: "), "{}", kept.out);
    }
    let unknown = installation.feed(&["ingest-mail", "--channel", "x@acme.localhost"], mail.as_bytes());
    assert_eq!(unknown.refused(), "There is no mail channel with the address x@acme.localhost. Check --channel.");
    let elsewhere = [&ingest[..], &["--workspace", "nowhere"]].concat();
    assert!(installation.feed(&elsewhere, mail.as_bytes()).refused().contains("--workspace"));

    let answer = "From: Harriet Cole <harriet@customer.example>\nMessage-ID: <2@customer.example>\n\
        In-Reply-To: <1@customer.example>\nSubject: Re: A tent pole is missing\n\n>From the bag, I mean.\n";
    let other = "From: Jo <jo@customer.example>\nMessage-ID: <3@customer.example>\nSubject: Boots\n\nToo small.\n";
    let file = installation.folder().join("mails.mbox");
    let mbox = format!("From a@b Mon Mar  2 09:00:00 2026\n{answer}\nFrom a@b Mon Mar  2 09:01:00 2026\n{other}\n");
    std::fs::write(&file, mbox).unwrap();
    let import = ["import-mbox", "mails.mbox", "--channel", "support@acme.localhost"];
    assert_eq!(installation.run(&import).done(), "2 stored, 0 kept aside, 0 received before.");
    assert_eq!(installation.run(&import).done(), "0 stored, 0 kept aside, 2 received before.");
    assert!(ann.get("/conversations/1").expect(200).body.contains("From the bag, I mean."), "it was threaded");
    assert!(ann.get("/conversations/2").expect(200).body.contains("Too small."));
    for file in ["nowhere.mbox", "data"] {
        let ended = installation.run(&["import-mbox", file, "--channel", "support@acme.localhost"]);
        assert!(ended.refused().contains(file), "{}", ended.err);
    }
}

impl Installation {
    /// The same database and folder, with links that lead somewhere.
    fn with_public_url(&self) -> Again<'_> {
        Again(self, ["--public-url", "https://support.acme.example"].map(str::to_owned).to_vec())
    }

    /// The same, with a mail server that does not answer.
    fn with_dead_mail_server(&self) -> Again<'_> {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Again(self, vec!["--smtp-url".to_owned(), format!("smtp://127.0.0.1:{port}")])
    }
}

/// An installation with a flag more.
struct Again<'a>(&'a Installation, Vec<String>);

impl Again<'_> {
    fn run(&self, args: &[&str]) -> crate::support::command::Ended {
        self.0.run(&args.iter().copied().chain(self.1.iter().map(String::as_str)).collect::<Vec<_>>())
    }
}

#[test]
fn help_names_every_command_and_setting() {
    let help = Installation::new().run(&["--help"]);
    let text = help.done();
    for word in [
        "serve",
        "demo",
        "setup-link",
        "workspace",
        "user",
        "migrate",
        "ingest-mail",
        "import-mbox",
        "doctor",
        "BATON_LISTEN",
        "BATON_DATA_DIR",
        "DATABASE_URL",
        "BATON_PUBLIC_URL",
        "BATON_SMTP_URL",
        "BATON_MAIL_FROM",
        "127.0.0.1:8080",
        "./data",
    ] {
        assert!(text.contains(word), "{word} is missing in\n{text}");
    }
    let secret = Installation::new().with("BATON_SMTP_URL", "smtp://me:s3cret@x").run(&["--help"]);
    assert!(!secret.done().contains("s3cret"), "{}", secret.out);
    let version = Installation::new().run(&["--version"]);
    assert_eq!(version.done(), format!("baton {}", env!("CARGO_PKG_VERSION")));
    // What cannot be read as a command is told by how commands are written.
    let unknown = Installation::new().run(&["inbox"]);
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.err.contains("inbox") && unknown.err.contains("--help"), "{}", unknown.err);
}

#[test]
fn the_demo_shows_three_people_in_a_throw_away_database_and_leaves_nothing_behind() {
    let scratch = tempfile::tempdir().unwrap();
    let mut app = App::demo().conversations(60).env("TMPDIR", scratch.path()).start();
    for role in ["Owner", "Supervisor", "Agent"] {
        let account = app.account(role);
        let visitor = Visitor::logged_in(&app, &account.email, &account.password);
        visitor.get("/inbox").expect(200);
        let users = if role == "Agent" { 403 } else { 200 };
        visitor.get("/settings/users").expect(users);
    }
    assert!(is_used(scratch.path()));
    assert!(!app.data_dir().exists(), "the real data are not touched");
    assert!(app.stop().success(), "{}", app.logs());
    assert!(!is_used(scratch.path()), "it is thrown away");
}

fn is_used(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().next().is_some()
}

#[test]
fn a_command_that_nobody_listens_to_ends_quietly() {
    let program = env!("CARGO_BIN_EXE_baton");
    let script = format!("{program} --help | head -n 1; {program} doctor | head -n 1");
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new("sh").args(["-c", &script]).current_dir(folder.path()).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!errors.contains("panicked"), "{errors}");
}
