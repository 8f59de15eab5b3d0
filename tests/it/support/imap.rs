//! A mailbox server for tests (RFC 9051, no TLS, one folder): mails with the numbers and dates that a test gives them, one that is
//! not handed out, and a numbering that changes.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

/// A mail in the mailbox.
#[derive(Clone)]
pub struct Kept {
    pub uid: u32,
    pub at: DateTime<Utc>,
    pub bytes: String,
}

#[derive(Default)]
pub struct State {
    pub validity: u32,
    pub mails: Vec<Kept>,
    /// Is never handed out.
    pub refused: Option<u32>,
    /// Mails whose bytes were handed out, in this order.
    pub fetched: Vec<u32>,
    /// Connections that are open, and that were at most.
    pub open: usize,
    pub most: usize,
    /// So long a mail takes.
    pub slow: Duration,
}

/// The server. Its thread ends with the test.
pub struct Imap {
    pub port: u16,
    state: Arc<Mutex<State>>,
}

impl Imap {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let state = Arc::new(Mutex::new(State { validity: 7, ..State::default() }));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let state = Arc::clone(&shared);
                std::thread::spawn(move || {
                    change(&state, 1);
                    let _ = hold(&stream, &state);
                    change(&state, -1);
                });
            }
        });
        Self { port, state }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn add(&self, uid: u32, at: DateTime<Utc>, bytes: &str) {
        self.state().mails.push(Kept { uid, at, bytes: bytes.to_owned() });
    }
}

fn change(state: &Mutex<State>, by: isize) {
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    state.open = state.open.saturating_add_signed(by);
    state.most = state.most.max(state.open);
}

fn hold(stream: &TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut out = stream.try_clone()?;
    out.write_all(b"* OK ready\r\n")?;
    let mut lines = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if lines.by_ref().read_line(&mut line)? == 0 {
            return Ok(());
        }
        let (tag, command) = line.trim_end().split_once(' ').unwrap_or((line.trim_end(), ""));
        let words: Vec<&str> = command.split(' ').collect();
        let mut said = Vec::new();
        let known = || state.lock().unwrap_or_else(PoisonError::into_inner);
        match words.as_slice() {
            ["CAPABILITY", ..] => said.extend(b"* CAPABILITY IMAP4rev1 IDLE\r\n"),
            ["EXAMINE", ..] => {
                let known = known();
                let (validity, next) = (known.validity, known.mails.iter().map(|one| one.uid).max().unwrap_or(0) + 1);
                said.extend(format!("* OK [UIDVALIDITY {validity}] ok\r\n* OK [UIDNEXT {next}] ok\r\n").bytes());
            }
            ["UID", "SEARCH", "UID", asked] => {
                let found: Vec<String> = asked_for(&known(), asked).iter().map(|one| one.uid.to_string()).collect();
                said.extend(format!("* SEARCH {}\r\n", found.join(" ")).bytes());
            }
            ["UID", "FETCH", asked, what @ ..] => {
                let (found, refused, slow) = {
                    let known = known();
                    (asked_for(&known, asked), known.refused, known.slow)
                };
                for mail in found {
                    let (uid, size) = (mail.uid, mail.bytes.len());
                    let what = what.join(" ");
                    if what.contains("INTERNALDATE") {
                        let at = mail.at.format("%d-%b-%Y %H:%M:%S +0000");
                        said.extend(format!("* {uid} FETCH (UID {uid} INTERNALDATE \"{at}\")\r\n").bytes());
                    } else if what.contains("SIZE") {
                        said.extend(format!("* {uid} FETCH (UID {uid} RFC822.SIZE {size})\r\n").bytes());
                    } else if refused != Some(uid) {
                        std::thread::park_timeout(slow);
                        known().fetched.push(uid);
                        said.extend(
                            format!("* {uid} FETCH (UID {uid} BODY[] {{{size}}}\r\n{})\r\n", mail.bytes).bytes(),
                        );
                    }
                }
            }
            ["IDLE"] => {
                out.write_all(b"+ idling\r\n")?;
                // Something always happens soon.
                std::thread::park_timeout(Duration::from_millis(150));
                out.write_all(b"* OK still here\r\n")?;
                let mut done = String::new();
                lines.by_ref().read_line(&mut done)?;
            }
            _ => {}
        }
        said.extend(format!("{tag} OK done\r\n").bytes());
        out.write_all(&said)?;
        if words == ["LOGOUT"] {
            return Ok(());
        }
    }
}

/// The mails of “5:*”, “5:9” or “5”.
fn asked_for(state: &State, asked: &str) -> Vec<Kept> {
    let (from, to) = asked.split_once(':').unwrap_or((asked, asked));
    let last = state.mails.iter().map(|one| one.uid).max().unwrap_or(0);
    let number = |text: &str| if text == "*" { last } else { text.parse().expect("a number") };
    let (from, to) = (number(from), number(to));
    state.mails.iter().filter(|one| (from.min(to)..=from.max(to)).contains(&one.uid)).cloned().collect()
}
