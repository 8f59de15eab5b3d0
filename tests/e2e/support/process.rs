//! A program that a test starts, with what it printed. Nothing it started outlives the test, not even if the test
//! itself is killed: a watcher holds a pipe from us, and when the pipe closes it kills the program's process group.

use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// The script of the watcher: `$1` is the process group, `$2` a folder to delete, or nothing.
const WATCHER: &str = r#"read -r _; kill -9 "-$1" 2>/dev/null; if [ -n "$2" ]; then rm -rf "$2"; fi; exit 0"#;

/// A running program. Dropping it kills it, with all it started.
pub struct Process {
    name: String,
    child: Child,
    watcher: Child,
    output: Arc<Output>,
}

#[derive(Default)]
struct Output {
    printed: Mutex<Printed>,
    more: Condvar,
}

#[derive(Default)]
struct Printed {
    lines: Vec<String>,
    ended: usize,
}

/// Both streams are read, so two must end.
const STREAMS: usize = 2;

impl Process {
    /// Starts `command`; `folder` is deleted after its end.
    ///
    /// # Errors
    /// If there is no such program.
    pub fn start(command: &mut Command, folder: Option<&Path>) -> std::io::Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child =
            command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let watcher = Command::new("sh")
            .args(["-c", WATCHER, "watcher", &child.id().to_string()])
            .arg(folder.unwrap_or(Path::new("")))
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let output = Arc::new(Output::default());
        output.collect(child.stdout.take());
        output.collect(child.stderr.take());
        Ok(Self { name, child, watcher, output })
    }

    /// Waits until a printed line is what is looked for. `None` when the time is over or the program has ended.
    pub fn wait_for_line<T>(&self, patience: Duration, find: impl Fn(&str) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + patience;
        let mut printed = self.output.lock();
        loop {
            if let Some(found) = printed.lines.iter().find_map(|line| find(line)) {
                return Some(found);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || printed.ended == STREAMS {
                return None;
            }
            printed = self.output.more.wait_timeout(printed, left).unwrap().0;
        }
    }

    /// All it printed so far, on both streams.
    pub fn printed(&self) -> String {
        self.output.lock().lines.join("\n")
    }

    /// Kills it without warning, with all it started.
    pub fn kill(&mut self) {
        drop(self.watcher.stdin.take());
        let _ = self.child.wait();
        let _ = self.watcher.wait();
    }

    /// Asks it to end (SIGTERM) and waits for that.
    #[track_caller]
    pub fn stop(&mut self, patience: Duration) -> ExitStatus {
        let asked =
            Command::new("sh").args(["-c", r#"kill -TERM "$1""#, "stop", &self.child.id().to_string()]).status();
        assert!(asked.is_ok_and(|status| status.success()), "{} had ended before it was asked to", self.name);
        let ended = self.wait_for_line(patience, |_| None::<()>).is_none() && self.output.lock().ended == STREAMS;
        assert!(ended, "{} did not stop within {patience:?}. It printed:\n{}", self.name, self.printed());
        self.child.wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Output {
    fn lock(&self) -> MutexGuard<'_, Printed> {
        self.printed.lock().unwrap()
    }

    fn collect(self: &Arc<Self>, stream: Option<impl Read + Send + 'static>) {
        let (output, stream) = (Arc::clone(self), stream.unwrap());
        std::thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                output.lock().lines.push(String::from_utf8_lossy(&line).trim_end().to_owned());
                output.more.notify_all();
            }
            output.lock().ended += 1;
            output.more.notify_all();
        });
    }
}
