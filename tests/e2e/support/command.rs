//! The program as a command that ends by itself: what it was told, what it said, and how it ended.

use std::io::Write as _;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::app::SETTINGS;

/// Whatever takes longer hangs.
const PATIENCE: &str = "60";

/// How a command ended.
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ended {
    /// What it printed, if it did what it was asked to and complained of nothing.
    #[track_caller]
    pub fn done(&self) -> &str {
        assert_eq!((self.code, self.err.as_str()), (Some(0), ""), "{}", self.out);
        self.out.trim_end()
    }

    /// The sentence with which it refused: one line, the only one on standard error, without a trace of Rust.
    #[track_caller]
    pub fn refused(&self) -> &str {
        assert_eq!(self.code, Some(1), "{}{}", self.out, self.err);
        let sentence = self.err.trim_end_matches('\n');
        assert!(!sentence.contains('\n') && sentence.ends_with('.') && sentence.len() < 400, "{:?}", self.err);
        assert!(sentence.starts_with(|first: char| !first.is_lowercase()), "{sentence}");
        for trace in ["panicked", "backtrace", "Error(", "Os {", "unwrap", "bug:", "timed out waiting"] {
            assert!(!sentence.contains(trace), "{sentence}");
        }
        sentence
    }
}

/// An installation: a folder and settings, for commands one after the other.
pub struct Installation {
    folder: TempDir,
    env: Vec<(String, String)>,
}

impl Installation {
    /// One in an empty folder.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("baton-installation-").tempdir().unwrap();
        Self { folder, env: Vec::new() }
    }

    /// One setting more.
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// Its folder.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Runs a command without input.
    pub fn run(&self, args: &[&str]) -> Ended {
        self.feed(args, b"")
    }

    /// Runs a command that reads something.
    pub fn feed(&self, args: &[&str], input: &[u8]) -> Ended {
        let mut command = Command::new("timeout");
        for name in SETTINGS {
            command.env_remove(name);
        }
        let mut child = command
            .args(["--kill-after=5", PATIENCE, env!("CARGO_BIN_EXE_baton")])
            .args(args)
            .current_dir(self.folder.path())
            .env("BATON_LISTEN", "127.0.0.1:0")
            .env("BATON_DATA_DIR", self.folder.path().join("data"))
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        // One that refuses early does not read.
        let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}
