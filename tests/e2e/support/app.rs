//! The real program, started on a free port with data of its own.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use baton::config::DatabaseUrl;
use tempfile::TempDir;

use super::browser::Browser;
use super::process::Process;

/// A start with a big demo on a slow machine takes its time.
const START: Duration = Duration::from_secs(120);
/// What is printed beside the address comes at once after it.
const SOON: Duration = Duration::from_secs(5);
const STOP: Duration = Duration::from_secs(20);
/// The database of `demo`.
const DEMO: &str = "demo.db";

/// Settings of whoever runs the tests must not reach the program.
pub const SETTINGS: [&str; 11] = [
    "BATON_LISTEN",
    "BATON_DATA_DIR",
    "DATABASE_URL",
    "BATON_PUBLIC_URL",
    "BATON_TRUSTED_PROXIES",
    "BATON_SMTP_URL",
    "BATON_MAIL_FROM",
    "BATON_LMTP_LISTEN",
    "BATON_SECRET_KEY",
    "BATON_CLOCK_OFFSET",
    "RUST_LOG",
];

/// How to start the program. Made by [`App::serve`] and [`App::demo`].
pub struct Recipe {
    program: OsString,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
}

impl Recipe {
    /// A program with the same manners, for tests of this harness.
    pub fn of(program: impl Into<OsString>) -> Self {
        Self { program: program.into(), args: Vec::new(), env: Vec::new() }
    }

    /// One more argument.
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// A variable of its environment, such as `DATABASE_URL` or `BATON_SMTP_URL`.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// How many conversations `demo` makes.
    pub fn conversations(self, count: usize) -> Self {
        self.arg("--conversations").arg(count.to_string())
    }

    /// Starts it and waits until it listens.
    #[track_caller]
    pub fn start(self) -> App {
        let folder = tempfile::Builder::new().prefix("baton-app-").tempdir().unwrap();
        let (process, url) = self.launch(folder.path(), "127.0.0.1:0");
        App { process, url, recipe: self, folder }
    }

    #[track_caller]
    fn launch(&self, folder: &Path, listen: &str) -> (Process, String) {
        let mut command = Command::new(&self.program);
        for name in SETTINGS {
            command.env_remove(name);
        }
        command
            .args(&self.args)
            .current_dir(folder)
            .env("BATON_LISTEN", listen)
            .env("BATON_DATA_DIR", folder.join("data"))
            // `demo` keeps its data in a temporary folder, which is to be ours.
            .env("TMPDIR", folder);
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        let process = Process::start(&mut command, None)
            .unwrap_or_else(|error| panic!("{} cannot be started: {error}", self.program.to_string_lossy()));
        let address = |line: &str| line.strip_prefix("Listening on ").map(|url| url.trim_end_matches('/').to_owned());
        let Some(url) = process.wait_for_line(START, address) else {
            panic!("The program does not say where it listens. It printed:\n{}", process.printed());
        };
        (process, url)
    }
}

/// A running program. Dropping it stops it, deletes its data, and fails the test if the program panicked, was in trouble,
/// or told the log who its people are.
pub struct App {
    process: Process,
    url: String,
    recipe: Recipe,
    folder: TempDir,
}

/// A log-in that `demo` printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// As printed, such as "Owner".
    pub role: String,
    pub email: String,
    pub password: String,
}

impl App {
    /// `baton serve` on an empty database.
    pub fn serve() -> Recipe {
        Recipe::of(env!("CARGO_BIN_EXE_baton")).arg("serve")
    }

    /// `baton serve` on a database that is there already.
    pub fn on(database: &DatabaseUrl) -> Recipe {
        Self::serve().env("DATABASE_URL", address_of(database))
    }

    /// `baton demo`.
    pub fn demo() -> Recipe {
        Recipe::of(env!("CARGO_BIN_EXE_baton")).arg("demo")
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The set-up link it printed.
    #[track_caller]
    pub fn setup_link(&self) -> String {
        match self.process.wait_for_line(SOON, |line| Some(line.strip_prefix("Set-up link: ")?.trim().to_owned())) {
            Some(link) => link,
            None => panic!("The program printed no set-up link. It printed:\n{}", self.logs()),
        }
    }

    /// The first log-in of this role that `demo` printed.
    #[track_caller]
    pub fn account(&self, role: &str) -> Account {
        let wanted = |line: &str| account(line).filter(|account| account.role.eq_ignore_ascii_case(role));
        match self.process.wait_for_line(SOON, wanted) {
            Some(account) => account,
            None => panic!("The program printed no log-in of the role {role}. It printed:\n{}", self.logs()),
        }
    }

    /// A new person in front of a browser of their own.
    #[track_caller]
    pub fn browser(&self, name: &str) -> Browser {
        Browser::named(name).open(&self.url)
    }

    /// A person who is logged in with a log-in of `demo`.
    #[track_caller]
    pub fn logged_in(&self, role: &str) -> Browser {
        let account = self.account(role);
        let browser = self.browser(role);
        browser.log_in(&account.email, &account.password);
        browser
    }

    /// The same, with JavaScript switched off.
    #[track_caller]
    pub fn logged_in_without_script(&self, role: &str) -> Browser {
        let account = self.account(role);
        let browser = Browser::named(&format!("{role}, no script")).without_script().open(&self.url);
        browser.log_in(&account.email, &account.password);
        browser
    }

    /// All it printed so far, on both streams.
    pub fn logs(&self) -> String {
        self.process.printed()
    }

    /// The folder of its data.
    pub fn data_dir(&self) -> std::path::PathBuf {
        let demo = std::fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        demo.into_iter().find(|path| path.join(DEMO).exists()).unwrap_or_else(|| self.folder.path().join("data"))
    }

    /// The database of the sample that it started on.
    pub fn demo_database(&self) -> DatabaseUrl {
        DatabaseUrl::Sqlite(self.data_dir().join(DEMO))
    }

    /// Takes a mail in at a channel, as a mail server would hand it over, while the program runs. Gives back what was said.
    #[track_caller]
    pub fn ingest(&self, channel: &str, mail: &Path) -> String {
        let data = self.data_dir();
        let mut command = Command::new(env!("CARGO_BIN_EXE_baton"));
        for name in SETTINGS {
            command.env_remove(name);
        }
        if data.join(DEMO).exists() {
            command.env("DATABASE_URL", format!("sqlite://{}", data.join(DEMO).display()));
        }
        command.args(["ingest-mail", "--channel", channel]).env("BATON_DATA_DIR", &data);
        let output = command.stdin(std::fs::File::open(mail).unwrap()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        assert!(output.status.success(), "{}: {said} {}", mail.display(), String::from_utf8_lossy(&output.stderr));
        said
    }

    /// Kills it without warning.
    pub fn crash(&mut self) {
        self.process.kill();
    }

    /// Starts it again after a crash: same data, same address.
    #[track_caller]
    pub fn restart(&mut self) {
        let listen = self.url.trim_start_matches("http://").to_owned();
        self.process = self.recipe.launch(self.folder.path(), &listen).0;
    }

    /// Kills it without warning and starts it again.
    #[track_caller]
    pub fn crash_and_restart(&mut self) {
        self.crash();
        self.restart();
    }

    /// Asks it to stop (SIGTERM), and waits.
    #[track_caller]
    pub fn stop(&mut self) -> ExitStatus {
        self.process.stop(STOP)
    }
}

impl Drop for App {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let logs = self.logs();
            assert!(!logs.contains("panicked at"), "The program panicked:\n{logs}");
            // The lines of the log are JSON; the rest is printed for whoever started it.
            for line in logs.lines().filter(|line| line.starts_with('{')) {
                assert!(!line.contains(r#""level":"ERROR""#), "There was trouble: {line}");
                assert!(!line.contains(r#""http.status":5"#), "Trouble was answered: {line}");
                for personal in ["@", "Weiss", "Keller", "Martin", "Lee", "Nwosu", "Harriet"] {
                    assert!(!line.contains(personal), "The log names a person: {line}");
                }
            }
        }
    }
}

/// What `DATABASE_URL` says for a database.
pub fn address_of(database: &DatabaseUrl) -> String {
    match database {
        DatabaseUrl::Sqlite(file) => format!("sqlite://{}", file.display()),
        DatabaseUrl::Postgres(url) => url.clone(),
    }
}

/// Reads `Owner   dana.weiss@fernhill.example   PASSWORD`.
fn account(line: &str) -> Option<Account> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let at = words.iter().position(|word| word.contains('@'))?;
    let (role, rest) = words.split_at(at);
    match rest {
        [email, password] if !role.is_empty() => {
            Some(Account { role: role.join(" "), email: (*email).to_owned(), password: (*password).to_owned() })
        }
        _ => None,
    }
}
