//! A mail server of the distribution (Dovecot), started on free ports with mailboxes of its own: mail is delivered to it by LMTP and
//! read by IMAP. `bin/test` installs it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use futures_util::TryStreamExt as _;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::process::Process;

/// Everybody's password.
pub const PASSWORD: &str = "secret";
const START: Duration = Duration::from_secs(20);

/// A running server. Every user has a mailbox, which is made when it is first needed. Dropping it stops it.
pub struct Dovecot {
    imap: u16,
    lmtp: u16,
    _process: Process,
    _folder: TempDir,
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn program() -> PathBuf {
    let places = ["/usr/sbin/dovecot", "/usr/local/sbin/dovecot"];
    let found = places.iter().map(Path::new).find(|path| path.exists());
    found.expect("Dovecot is missing: install dovecot-imapd and dovecot-lmtpd, or run bin/test").to_owned()
}

fn said(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

impl Dovecot {
    /// Starts it.
    #[track_caller]
    pub fn start() -> Self {
        let program = program();
        let version = said(&program.to_string_lossy(), &["--version"]);
        assert!(version.starts_with("2.3"), "the settings below are for Dovecot 2.3, and this is {version}");
        let folder = tempfile::Builder::new().prefix("baton-dovecot-").tempdir().unwrap();
        let (mail, run) = (folder.path().join("mail"), folder.path().join("run"));
        std::fs::create_dir(&mail).unwrap();
        std::fs::create_dir(&run).unwrap();
        // Dovecot gives root no mail; so root lends it nobody.
        let is_root = said("id", &["-u"]) == "0";
        let (user, group) = if is_root {
            std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
            assert!(Command::new("chown").arg("nobody").arg(&mail).status().unwrap().success());
            ("nobody".to_owned(), said("id", &["-gn", "nobody"]))
        } else {
            (said("id", &["-un"]), said("id", &["-gn"]))
        };
        let (imap, lmtp) = (free_port(), free_port());
        let (mail, run) = (mail.display(), run.display());
        let settings = format!(
            "base_dir = {run}\nstate_dir = {run}\nlog_path = /dev/stderr\nprotocols = imap lmtp\nlisten = 127.0.0.1\nssl = no\n\
             disable_plaintext_auth = no\nauth_mechanisms = plain\nmail_location = maildir:{mail}/%n\nfirst_valid_uid = 1\n\
             first_valid_gid = 1\ndefault_internal_user = {user}\ndefault_internal_group = {group}\ndefault_login_user = {user}\n\
             recipient_delimiter = +\n\
             passdb {{\n driver = static\n args = password={PASSWORD}\n}}\n\
             userdb {{\n driver = static\n args = uid={user} gid={group} home={mail}/%n allow_all_users=yes\n}}\n\
             service imap-login {{\n chroot =\n inet_listener imap {{\n  port = {imap}\n }}\n inet_listener imaps {{\n  port = 0\n }}\n}}\n\
             service anvil {{\n chroot =\n}}\n\
             service lmtp {{\n inet_listener lmtp {{\n  port = {lmtp}\n }}\n}}\n"
        );
        let file = folder.path().join("dovecot.conf");
        std::fs::write(&file, settings).unwrap();
        let process = Process::start(Command::new(program).arg("-F").arg("-c").arg(&file), None).unwrap();
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", imap)).is_err() || TcpStream::connect(("127.0.0.1", lmtp)).is_err() {
            assert!(begun.elapsed() < START, "Dovecot did not start:\n{}", process.printed());
            std::thread::park_timeout(Duration::from_millis(50));
        }
        Self { imap, lmtp, _process: process, _folder: folder }
    }

    /// The port of its mailboxes.
    pub fn imap_port(&self) -> u16 {
        self.imap
    }

    /// Delivers a mail to a user's mailbox.
    #[track_caller]
    pub fn deliver(&self, user: &str, mail: &[u8]) {
        let said = deliver(self.lmtp, "sender@customer.example", &[&format!("{user}@mail.localhost")], mail);
        assert!(said.iter().all(|said| said.starts_with("250")), "{said:?}");
    }

    /// All mails of a user's mailbox, as a mail program reads them, oldest first.
    #[track_caller]
    pub fn mails(&self, user: &str) -> Vec<Vec<u8>> {
        let runtime: Runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let stream = tokio::net::TcpStream::connect(("127.0.0.1", self.imap)).await.unwrap();
            let mut client = async_imap::Client::new(stream);
            client.read_response().await.unwrap().expect("a greeting");
            let mut session = client.login(user, PASSWORD).await.map_err(|(error, _)| error).unwrap();
            if session.select("INBOX").await.unwrap().exists == 0 {
                return Vec::new();
            }
            let mails: Vec<_> = session.fetch("1:*", "(UID BODY.PEEK[])").await.unwrap().try_collect().await.unwrap();
            let mails = mails.iter().map(|mail| mail.body().unwrap().to_vec()).collect();
            session.logout().await.unwrap();
            mails
        })
    }
}

/// Delivers a mail by LMTP; what was answered for each recipient, or at once to one that is refused.
pub fn try_deliver(port: u16, from: &str, to: &[&str], mail: &[u8]) -> std::io::Result<Vec<String>> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut reader = BufReader::new(stream);
    let mut hear = |say: &[u8]| -> std::io::Result<String> {
        reader.get_mut().write_all(say)?;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(line.trim_end().to_owned());
            }
        }
    };
    hear(b"")?;
    hear(b"LHLO mx.customer.example\r\n")?;
    hear(format!("MAIL FROM:<{from}>\r\n").as_bytes())?;
    let mut refused = Vec::new();
    for to in to {
        let said = hear(format!("RCPT TO:<{to}>\r\n").as_bytes())?;
        if !said.starts_with("250") {
            refused.push(said);
        }
    }
    if refused.len() == to.len() {
        return Ok(refused);
    }
    hear(b"DATA\r\n")?;
    let mut stuffed = Vec::new();
    for line in mail.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b".") {
            stuffed.push(b'.');
        }
        stuffed.extend_from_slice(line);
    }
    stuffed.extend_from_slice(b".\r\n");
    let mut answers = vec![hear(&stuffed)?];
    for _ in 1..to.len() - refused.len() {
        answers.push(hear(b"")?);
    }
    hear(b"QUIT\r\n")?;
    Ok(answers)
}

/// The same, with a server that is there.
#[track_caller]
pub fn deliver(port: u16, from: &str, to: &[&str], mail: &[u8]) -> Vec<String> {
    try_deliver(port, from, to, mail).unwrap()
}
