//! The real program on the filled database.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::browser;
use super::database::Database;

/// A running program; dropping it ends it.
pub struct Program {
    child: Child,
    url: String,
    /// Its own data: no file of the measurement is left behind.
    folder: tempfile::TempDir,
}

impl Program {
    /// Starts it; how long it took until `/readyz` said so.
    pub async fn start(database: &Database) -> (Self, Duration) {
        let folder = tempfile::tempdir().expect("a folder");
        let begun = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_baton"))
            .arg("serve")
            .env("DATABASE_URL", database.url())
            .env("BATON_DATA_DIR", folder.path())
            .env("BATON_LISTEN", "127.0.0.1:0")
            .env("RUST_LOG", "warn")
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the program");
        let printed = BufReader::new(child.stdout.take().expect("its output")).lines();
        let url = printed
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("Listening on ").map(str::to_owned))
            .expect("the program did not say where it listens");
        while !browser::is_ready(&url).await {
            assert!(begun.elapsed() < Duration::from_secs(60), "the program does not get ready");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        (Self { child, url, folder }, begun.elapsed())
    }

    /// Takes so many mails in beside it, as `baton import-mbox` does; how long it took.
    pub fn import(&self, database: &Database, mails: usize) -> Duration {
        let mut file = String::new();
        for number in 0..mails {
            let customer = number % 400;
            let _ = write!(
                file,
                "From x@example.org Tue Nov 24 10:00:00 2026\nFrom: Customer {customer} <c{customer}@customers.example>\n\
                 To: support@fernhill.example\nSubject: Question {number} about an order\n\
                 Message-ID: <{number}@customers.example>\nDate: Tue, 24 Nov 2026 10:00:00 +0000\n\n\
                 Hello,\n\nwhere is order {number}? I have waited for the tent since last week.\n\nThank you\n\n"
            );
        }
        let path = self.folder.path().join("mails.mbox");
        std::fs::write(&path, file).expect("a file");
        let begun = Instant::now();
        let done = Command::new(env!("CARGO_BIN_EXE_baton"))
            .args(["import-mbox", "--channel", "support@fernhill.example"])
            .arg(&path)
            .env("DATABASE_URL", database.url())
            .env("BATON_DATA_DIR", self.folder.path())
            .env("RUST_LOG", "warn")
            .stdout(Stdio::null())
            .status()
            .expect("the program");
        assert!(done.success(), "the mails were not taken in");
        begun.elapsed()
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it has in memory now.
    pub fn memory(&self) -> String {
        self.status("VmRSS:")
    }

    /// The most that it had.
    pub fn peak(&self) -> String {
        self.status("VmHWM:")
    }

    /// Kilobytes in memory now.
    pub fn resident(&self) -> u64 {
        self.kilobytes("VmRSS:")
    }

    /// The processor's time that it took so far.
    pub fn cpu(&self) -> Duration {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        // After the name in brackets: user and system time are the 12th and 13th, in hundredths of a second.
        let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
        let ticks: u64 = fields.filter_map(|field| field.parse::<u64>().ok()).sum();
        Duration::from_millis(ticks * 10)
    }

    fn status(&self, field: &str) -> String {
        format!("{} MB", self.kilobytes(field) / 1024)
    }

    fn kilobytes(&self, field: &str) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default();
        line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
