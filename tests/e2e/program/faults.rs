//! A program that cannot start says in one sentence what to change, and ends.

use std::net::TcpListener;

use crate::support::app::address_of;
use crate::support::command::Installation;
use crate::support::db::{Fresh, Kind, server};
use crate::support::sample;

/// Commands that open the database, each of which has to find the fault.
const COMMANDS: [&[&str]; 9] = [
    &["serve"],
    &[],
    &["setup-link"],
    &["migrate"],
    &["doctor"],
    &["workspace", "create", "--name", "Acme", "--owner-name", "Ann Lee", "--owner-email", "ann@acme.example"],
    &["user", "reset-password", "--email", "ann@acme.example"],
    &["ingest-mail", "--channel", "support@acme.example"],
    &["import-mbox", "mails.mbox", "--channel", "support@acme.example"],
];

/// All commands refuse with one and the same sentence, which has these words in it.
#[track_caller]
fn all_refuse(installation: &Installation, words: &[&str]) {
    for command in COMMANDS {
        let ended = installation.run(command);
        let sentence = ended.refused();
        for word in words {
            assert!(sentence.contains(word), "{command:?}: {sentence}");
        }
        assert_eq!(ended.out, "", "{command:?}");
    }
}

#[test]
fn a_wrong_setting_is_named() {
    for (name, value, words) in [
        ("DATABASE_URL", "mysql://localhost/baton", "sqlite:// or postgres://"),
        ("DATABASE_URL", "postgres://", "postgres://user:password@host/database"),
        ("DATABASE_URL", "postgres://localhost:port/baton", "postgres://user:password@host/database"),
        ("DATABASE_URL", "sqlite://", "sqlite:///srv/baton/baton.db"),
        ("BATON_PUBLIC_URL", "support.company.example", "https://support.company.example"),
        ("BATON_PUBLIC_URL", "https://support.company.example/baton", "https://support.company.example"),
        ("BATON_PUBLIC_URL", "ftp://support.company.example", "https://support.company.example"),
        ("BATON_TRUSTED_PROXIES", "10.0.0.0/40", "like 127.0.0.1,10.0.0.0/8"),
        ("BATON_TRUSTED_PROXIES", "127.0.0.1 10.0.0.1", "like 127.0.0.1,10.0.0.0/8"),
        ("BATON_SMTP_URL", "mail.company.example:587", "smtp://user:password@host:587"),
        ("BATON_SMTP_URL", "http://mail.company.example", "smtp://user:password@host:587"),
        ("BATON_MAIL_FROM", "nobody", "Baton <baton@company.example>"),
        ("BATON_LISTEN", "everywhere", "127.0.0.1:8080"),
        ("BATON_LISTEN", "127.0.0.1:99999", "127.0.0.1:8080"),
        ("BATON_CLOCK_OFFSET", "3600", "Unset it"),
    ] {
        let installation = Installation::new().with(name, value);
        all_refuse(&installation, &[name, words]);
        assert!(!installation.folder().join("data").exists(), "nothing is made with a wrong setting");
    }
    // What the sample workspace does not use is checked as well; its clock can be moved, but not by a word.
    for (name, value) in [("BATON_PUBLIC_URL", "x"), ("BATON_CLOCK_OFFSET", "tomorrow")] {
        let ended = Installation::new().with(name, value).run(&["demo"]);
        assert!(ended.refused().contains(name), "{}", ended.err);
    }
    // A flag is a setting like its variable, and goes before it.
    let ended = Installation::new().run(&["serve", "--database-url", "mysql://x"]);
    assert!(ended.refused().contains("DATABASE_URL"), "{}", ended.err);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    // Below a file nobody can write, not even root.
    let installation = Installation::new();
    let file = installation.folder().join("file");
    std::fs::write(&file, "").unwrap();
    let below = file.join("data").display().to_string();
    let installation = installation.with("BATON_DATA_DIR", &below);
    all_refuse(&installation, &[&below, "BATON_DATA_DIR"]);

    let installation = Installation::new().with("DATABASE_URL", format!("sqlite://{below}/baton.db"));
    std::fs::write(&file, "").unwrap();
    all_refuse(&installation, &[&below, "DATABASE_URL"]);
}

#[test]
fn a_database_file_that_is_none_is_named() {
    let installation = Installation::new();
    let file = installation.folder().join("letter.txt");
    std::fs::write(&file, "Dear Sir or Madam,\n".repeat(100)).unwrap();
    let installation = installation.with("DATABASE_URL", format!("sqlite://{}", file.display()));
    all_refuse(&installation, &["letter.txt", "not a database", "DATABASE_URL"]);
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("Dear Sir"), "what it is stays as it was");

    let installation = Installation::new();
    let folder = installation.folder().display().to_string();
    let installation = installation.with("DATABASE_URL", format!("sqlite://{folder}"));
    all_refuse(&installation, &[&folder, "DATABASE_URL"]);
}

#[test]
fn a_database_server_that_cannot_be_reached_is_named_without_its_password() {
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let away = format!("postgres://baton:s3cret-word@127.0.0.1:{port}/baton");
    let installation = Installation::new().with("DATABASE_URL", &away);
    all_refuse(&installation, &["127.0.0.1", "server runs", "DATABASE_URL"]);
    assert!(!installation.run(&["serve"]).err.contains("s3cret-word"));

    let mut missing = url::Url::parse(server()).unwrap();
    missing.set_path("no_such_database");
    let ended = Installation::new().with("DATABASE_URL", missing.as_str()).run(&["serve"]);
    assert!(ended.refused().contains("no_such_database"), "{}", ended.err);

    let mut unknown = url::Url::parse(server()).unwrap();
    unknown.set_username("no_such_user").unwrap();
    let ended = Installation::new().with("DATABASE_URL", unknown.as_str()).run(&["serve"]);
    assert!(ended.refused().contains("no_such_user"), "{}", ended.err);

    let odd = format!("{}?sslmode=banana", server());
    let ended = Installation::new().with("DATABASE_URL", odd).run(&["serve"]);
    assert!(ended.refused().contains("sslmode"), "{}", ended.err);
}

#[test]
fn an_address_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for command in ["serve", "demo"] {
        let mut args = vec![command, "--listen", &address];
        if command == "demo" {
            args.extend(["--conversations", "1"]);
        }
        let ended = Installation::new().run(&args);
        let sentence = ended.refused();
        assert!(sentence.contains(&address) && sentence.contains("BATON_LISTEN"), "{sentence}");
        assert_eq!(ended.out, "");
    }
    // Of 192.0.2.0/24 no machine has an address.
    let ended = Installation::new().run(&["serve", "--listen", "192.0.2.1:8080"]);
    assert!(ended.refused().contains("BATON_LISTEN"), "{}", ended.err);
}

#[test]
fn a_database_of_a_newer_version_is_left_alone() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let database = Fresh::empty(kind);
        drop(sample::open(&database));
        database.execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000')");
        let tables = database_as_it_is(&database);
        let installation = Installation::new().with("DATABASE_URL", address_of(database.url()));
        all_refuse(&installation, &["newer Baton", "29990101000000", "restore an older backup"]);
        assert_eq!(database_as_it_is(&database), tables);
    }
}

fn database_as_it_is(database: &Fresh) -> Vec<String> {
    database.lines("SELECT version AS line FROM __diesel_schema_migrations ORDER BY version")
}
