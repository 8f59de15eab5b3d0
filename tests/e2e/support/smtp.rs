//! A mail server for tests (RFC 5321, no TLS): takes every mail, keeps it, and refuses when it is told to. It uses
//! threads only and nothing of its neighbours, so that other test programs can include this file by `#[path]`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mail_parser::MessageParser;

/// A client that says nothing for so long is gone.
const SILENCE: Duration = Duration::from_secs(30);

/// The server. Dropping it closes its port.
pub struct Smtp {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// Where a mail can be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// At the greeting, before anything was said.
    Connect,
    /// At `RCPT TO`.
    Recipient,
    /// After the whole mail was sent.
    Data,
}

/// A mail that was taken.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The sender of the envelope.
    pub from: String,
    /// The recipients of the envelope.
    pub to: Vec<String>,
    /// As it came, dots unstuffed.
    pub raw: Vec<u8>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    closed: AtomicBool,
}

#[derive(Default)]
struct State {
    mails: Vec<Mail>,
    refusals: Vec<Refusal>,
    refused: usize,
}

struct Refusal {
    step: Step,
    code: u16,
    left: usize,
}

impl Smtp {
    /// Listens on a free port of this machine.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let server = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if server.closed.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&server);
                std::thread::spawn(move || Conversation::hold(&stream, &shared));
            }
        });
        Self { address, shared }
    }

    /// What `BATON_SMTP_URL` is set to.
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// Refuses the next so many times with this code: 451 is "try again later", 550 is "never".
    pub fn refuse(&self, step: Step, code: u16, times: usize) {
        self.shared.lock().refusals.push(Refusal { step, code, left: times });
    }

    /// How often it refused so far.
    pub fn refused(&self) -> usize {
        self.shared.lock().refused
    }

    /// All mails so far, oldest first.
    pub fn mails(&self) -> Vec<Mail> {
        self.shared.lock().mails.clone()
    }

    /// Waits for the newest mail to this address.
    #[track_caller]
    pub fn wait_for_mail_to(&self, address: &str) -> Mail {
        self.wait_for(&format!("a mail to {address}"), |state| {
            state.mails.iter().rev().find(|mail| mail.is_to(address)).cloned()
        })
    }

    /// Waits until it has so many mails.
    #[track_caller]
    pub fn wait_for_mails(&self, count: usize) -> Vec<Mail> {
        self.wait_for(&format!("{count} mails"), |state| (state.mails.len() >= count).then(|| state.mails.clone()))
    }

    /// Waits until it has refused so often.
    #[track_caller]
    pub fn wait_for_refusals(&self, count: usize) {
        self.wait_for(&format!("{count} refusals"), |state| (state.refused >= count).then_some(()));
    }

    #[track_caller]
    fn wait_for<T>(&self, what: &str, find: impl Fn(&State) -> Option<T>) -> T {
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut state = self.shared.lock();
        loop {
            if let Some(found) = find(&state) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let came: Vec<String> =
                    state.mails.iter().map(|mail| format!("{} to {}", mail.subject(), mail.to.join(", "))).collect();
                drop(state);
                panic!("{what} did not come; there are: {came:?}");
            }
            let waited = self.shared.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Smtp {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for clients, so that it sees this.
        let _ = TcpStream::connect(self.address);
    }
}

impl Mail {
    /// Whether the envelope names this recipient.
    pub fn is_to(&self, address: &str) -> bool {
        self.to.iter().any(|to| to.eq_ignore_ascii_case(address))
    }

    /// The subject, decoded.
    pub fn subject(&self) -> String {
        self.parsed().subject().unwrap_or_default().to_owned()
    }

    /// A header by its name, as it was written.
    pub fn header(&self, name: &str) -> Option<String> {
        Some(self.parsed().header_raw(name)?.trim().to_owned())
    }

    /// The plain text.
    pub fn text(&self) -> String {
        self.parsed().body_text(0).unwrap_or_default().replace("\r\n", "\n")
    }

    /// The HTML.
    pub fn html(&self) -> String {
        self.parsed().body_html(0).unwrap_or_default().into_owned()
    }

    /// The first link of the text with this in it.
    #[track_caller]
    pub fn link(&self, part: &str) -> String {
        let text = self.text();
        let links = text.split_whitespace().filter(|word| word.starts_with("http://") || word.starts_with("https://"));
        let link = links.map(|link| link.trim_end_matches(['.', ',', ')', '>'])).find(|link| link.contains(part));
        link.unwrap_or_else(|| panic!("no link with {part} in:\n{text}")).to_owned()
    }

    fn parsed(&self) -> mail_parser::Message<'_> {
        MessageParser::default().parse(&self.raw).unwrap()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The code to refuse with, if this step is to be refused now.
    fn refusal(&self, step: Step) -> Option<u16> {
        let mut state = self.lock();
        let refusal = state.refusals.iter_mut().find(|refusal| refusal.step == step && refusal.left > 0)?;
        refusal.left -= 1;
        let code = refusal.code;
        state.refused += 1;
        self.changed.notify_all();
        Some(code)
    }
}

/// One client, from its greeting to its QUIT.
struct Conversation<'a> {
    reader: BufReader<&'a TcpStream>,
    writer: &'a TcpStream,
    shared: &'a Shared,
    from: Option<String>,
    to: Vec<String>,
}

impl<'a> Conversation<'a> {
    fn hold(stream: &'a TcpStream, shared: &'a Shared) {
        let _ = stream.set_read_timeout(Some(SILENCE));
        let mut conversation =
            Self { reader: BufReader::new(stream), writer: stream, shared, from: None, to: Vec::new() };
        // A client that hangs up is as good as one that says QUIT.
        let _ = conversation.run();
    }

    fn run(&mut self) -> std::io::Result<()> {
        if let Some(code) = self.shared.refusal(Step::Connect) {
            return self.say(&format!("{code} not now"));
        }
        self.say("220 sink.example ready")?;
        while let Some(line) = self.line()? {
            let line = String::from_utf8_lossy(&line).into_owned();
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            match verb.as_str() {
                "EHLO" => self.say("250-sink.example\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 AUTH PLAIN LOGIN")?,
                "HELO" | "NOOP" => self.say("250 fine")?,
                "AUTH" => self.authenticate(&line)?,
                "RSET" => {
                    self.forget();
                    self.say("250 forgotten")?;
                }
                "MAIL" => {
                    self.forget();
                    self.from = Some(path(&line));
                    self.say("250 go on")?;
                }
                "RCPT" => self.recipient(&line)?,
                "DATA" => self.data()?,
                "QUIT" => return self.say("221 bye"),
                _ => self.say("500 what?")?,
            }
        }
        Ok(())
    }

    /// Anybody may; the exchange of LOGIN has two questions.
    fn authenticate(&mut self, line: &str) -> std::io::Result<()> {
        let words = line.split_whitespace().count();
        let questions = if line.to_ascii_uppercase().contains(" LOGIN") {
            4_usize.saturating_sub(words)
        } else {
            3_usize.saturating_sub(words)
        };
        for _ in 0..questions {
            self.say("334 VXNlcm5hbWU6")?;
            self.line()?;
        }
        self.say("235 welcome")
    }

    fn recipient(&mut self, line: &str) -> std::io::Result<()> {
        if self.from.is_none() {
            return self.say("503 MAIL first");
        }
        if let Some(code) = self.shared.refusal(Step::Recipient) {
            return self.say(&format!("{code} not this recipient"));
        }
        self.to.push(path(line));
        self.say("250 go on")
    }

    fn data(&mut self) -> std::io::Result<()> {
        if self.to.is_empty() {
            return self.say("503 RCPT first");
        }
        self.say("354 end with a dot")?;
        let mut raw = Vec::new();
        while let Some(line) = self.line()? {
            if line == b"." {
                return self.end_of_data(raw);
            }
            raw.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            raw.extend_from_slice(b"\r\n");
        }
        Ok(())
    }

    fn end_of_data(&mut self, raw: Vec<u8>) -> std::io::Result<()> {
        if let Some(code) = self.shared.refusal(Step::Data) {
            self.forget();
            return self.say(&format!("{code} not this mail"));
        }
        let from = self.from.take().unwrap_or_default();
        self.shared.lock().mails.push(Mail { from, to: std::mem::take(&mut self.to), raw });
        self.shared.changed.notify_all();
        self.say("250 kept")
    }

    fn forget(&mut self) {
        self.from = None;
        self.to.clear();
    }

    /// The next line without its end, or `None` at the end of the connection.
    fn line(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        self.reader.read_until(b'\n', &mut line)?;
        if line.pop() != Some(b'\n') {
            return Ok(None);
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(Some(line))
    }

    fn say(&mut self, words: &str) -> std::io::Result<()> {
        self.writer.write_all(format!("{words}\r\n").as_bytes())
    }
}

/// What stands between `<` and `>`.
fn path(line: &str) -> String {
    line.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or(line, |(path, _)| path).to_owned()
}
