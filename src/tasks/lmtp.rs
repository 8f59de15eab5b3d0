//! The door for mail servers: LMTP (RFC 2033) on an address of its own, off unless it is set. A mail is answered with 250 only
//! when it is committed; whoever hears nothing sends it again, and it is recognised then.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use smtp_proto::Error;
use smtp_proto::request::receiver::{DataReceiver, DummyDataReceiver, RequestReceiver};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use super::ingest;
use crate::actions::incoming::Way;
use crate::domain::ids::{ChannelId, WorkspaceId};
use crate::domain::mail_addresses;
use crate::failure::Failure;
use crate::files::Files;
use crate::mail::incoming::MAX_MESSAGE_BYTES;
use crate::mail::lmtp::{self, Envelope, Session, Step, Who};
use crate::store::anywhere::MailChannel;
use crate::store::db::blocking;
use crate::store::{Db, anywhere};

/// Connections at once; a mail server keeps a few.
const MAX_CONNECTIONS: usize = 64;
/// Mails that are held in memory at once; the others wait before they are sent.
const MAILS_AT_ONCE: usize = 6;
/// So long a mail waits for room; a mail server that is told to come back does.
const ROOM: Duration = Duration::from_secs(60);
/// So long nobody has to say anything (RFC 5321, 4.5.3.2).
const SILENCE: Duration = Duration::from_secs(300);
/// A whole mail takes no longer.
const MAIL_TIME: Duration = Duration::from_secs(1800);
/// Mails that are under way are taken when the program is stopped, if that takes no longer.
const GRACE: Duration = Duration::from_secs(10);

/// What a connection needs.
#[derive(Clone)]
pub struct Door {
    /// The database.
    pub db: Db,
    /// Where files are kept.
    pub files: Arc<Files>,
}

type Here = (WorkspaceId, ChannelId);

/// The running listener.
pub struct Listening {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Listening {
    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more mails, lets those that are under way finish, then ends.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let _ = self.task.await;
    }
}

/// Starts to listen.
///
/// # Errors
/// If the socket cannot be used.
pub fn start(listener: std::net::TcpListener, door: Door) -> io::Result<Listening> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let address = listener.local_addr()?;
    let (stop, stopped) = watch::channel(false);
    let task = tokio::spawn(listen(listener, door, stopped));
    Ok(Listening { address, stop, task })
}

async fn listen(listener: TcpListener, door: Door, mut stop: watch::Receiver<bool>) {
    let (mut open, room) = (JoinSet::new(), Arc::new(Semaphore::new(MAILS_AT_ONCE)));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.changed() => break,
        };
        while open.try_join_next().is_some() {}
        match accepted {
            Ok((stream, _)) if open.len() < MAX_CONNECTIONS => {
                let connection = Connection::new(stream, door.clone(), Arc::clone(&room), stop.clone());
                open.spawn(connection.hold());
            }
            Ok((mut stream, _)) => {
                let _ = timeout(Duration::from_secs(1), stream.write_all(line(lmtp::TOO_MANY).as_bytes())).await;
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
    drop(listener);
    let ended = async { while open.join_next().await.is_some() {} };
    if timeout(GRACE, ended).await.is_err() {
        open.abort_all();
    }
}

fn line(said: &str) -> String {
    format!("{said}\r\n")
}

struct Connection {
    stream: TcpStream,
    door: Door,
    room: Arc<Semaphore>,
    stop: watch::Receiver<bool>,
    session: Session<Here>,
    /// What is to be said when there is nothing left to read.
    saying: String,
}

/// How a connection goes on.
enum Next {
    /// With these bytes, that are read already.
    On(Vec<u8>),
    /// Not at all.
    Over,
}

impl Connection {
    fn new(stream: TcpStream, door: Door, room: Arc<Semaphore>, stop: watch::Receiver<bool>) -> Self {
        Self { stream, door, room, stop, session: Session::default(), saying: String::new() }
    }

    async fn hold(mut self) {
        // Whoever is gone does not want to know.
        if let Err(error) = self.talk().await {
            tracing::debug!(%error, "a mail server is gone");
        }
    }

    async fn talk(&mut self) -> io::Result<()> {
        self.saying = line(Session::<Here>::greeting());
        let (mut commands, mut bytes) = (RequestReceiver::default(), Vec::new());
        loop {
            if bytes.is_empty() {
                self.flush().await?;
                match self.read_command().await? {
                    Next::On(read) => bytes = read,
                    Next::Over => return self.flush().await,
                }
            }
            match self.obey(&mut commands, std::mem::take(&mut bytes)).await? {
                Next::On(rest) => bytes = rest,
                Next::Over => return self.flush().await,
            }
        }
    }

    async fn flush(&mut self) -> io::Result<()> {
        let saying = std::mem::take(&mut self.saying);
        if saying.is_empty() {
            return Ok(());
        }
        timeout(SILENCE, self.stream.write_all(saying.as_bytes())).await.map_err(io::Error::from)?
    }

    async fn read_command(&mut self) -> io::Result<Next> {
        if *self.stop.borrow() {
            self.saying = line(lmtp::STOPPING);
            return Ok(Next::Over);
        }
        let mut bytes = vec![0; 8 * 1024];
        let read = tokio::select! {
            read = timeout(SILENCE, self.stream.read(&mut bytes)) => read,
            _ = self.stop.changed() => {
                self.saying = line(lmtp::STOPPING);
                return Ok(Next::Over);
            }
        };
        match read {
            Ok(Ok(0)) => Ok(Next::Over),
            Ok(Ok(count)) => {
                bytes.truncate(count);
                Ok(Next::On(bytes))
            }
            Ok(Err(error)) => Err(error),
            Err(_) => {
                self.saying = line(lmtp::TOO_SLOW);
                Ok(Next::Over)
            }
        }
    }

    /// Does what the commands in these bytes say, up to the mail that one of them announces.
    async fn obey(&mut self, commands: &mut RequestReceiver, bytes: Vec<u8>) -> io::Result<Next> {
        let mut rest = bytes.iter();
        loop {
            let step = match commands.ingest(&mut rest) {
                Ok(command) => self.session.command(command),
                Err(Error::NeedsMoreData { .. }) => return Ok(Next::On(Vec::new())),
                Err(error) => self.session.nonsense(&error),
            };
            let step = match step {
                Step::Find(address) => {
                    let who = find(&self.door.db, &address).await;
                    self.session.recipient(address, who)
                }
                step => step,
            };
            match step {
                Step::Say(said) => self.saying.push_str(&line(&said)),
                Step::HangUp(said) => {
                    self.saying.push_str(&line(&said));
                    return Ok(Next::Over);
                }
                Step::Take => return self.take(rest.as_slice().to_vec()).await,
                Step::Find(_) => {}
            }
        }
    }

    /// Takes a mail, and answers for each of its recipients.
    async fn take(&mut self, read: Vec<u8>) -> io::Result<Next> {
        let room = Arc::clone(&self.room);
        let Ok(place) = timeout(ROOM, room.acquire()).await else {
            self.session.take();
            self.saying.push_str(&line(lmtp::LATER));
            return Ok(Next::On(read));
        };
        let _place = place.map_err(io::Error::other)?;
        self.saying.push_str(&line(lmtp::GO_AHEAD));
        self.flush().await?;
        let Some((mail, rest)) = timeout(MAIL_TIME, self.read_mail(read)).await.map_err(io::Error::from)?? else {
            return Ok(Next::Over);
        };
        let Some(envelope) = self.session.take() else { return Ok(Next::Over) };
        for answer in self.keep(envelope, mail).await {
            self.saying.push_str(&line(answer));
        }
        self.flush().await?;
        Ok(Next::On(rest))
    }

    /// The mail, or nothing if it is too large; and what came after it. `None` if the connection ended before the mail did: it
    /// was never sent then.
    async fn read_mail(&mut self, read: Vec<u8>) -> io::Result<Option<(Option<Vec<u8>>, Vec<u8>)>> {
        // A dot counts at the beginning of a line, and a mail begins with one.
        const START: &[u8] = b"\r\n";
        let (mut data, mut mail) = (DataReceiver::new(), Vec::with_capacity(64 * 1024));
        data.ingest(&mut START.iter(), &mut mail);
        let mut skipped: Option<DummyDataReceiver> = None;
        let mut bytes = read;
        loop {
            let mut rest = bytes.iter();
            let ended = match &mut skipped {
                Some(skipped) => skipped.ingest(&mut rest),
                None => data.ingest(&mut rest, &mut mail),
            };
            if ended {
                let kept = skipped.is_none() && mail.len() <= MAX_MESSAGE_BYTES + START.len();
                let mail = kept.then(|| mail.split_off(START.len()));
                return Ok(Some((mail, rest.as_slice().to_vec())));
            }
            if skipped.is_none() && mail.len() > MAX_MESSAGE_BYTES + START.len() {
                // Read to its end all the same, or the rest of it would be taken for commands.
                skipped = Some(DummyDataReceiver::new_data(&data));
                mail = Vec::new();
            }
            bytes = vec![0; 32 * 1024];
            match timeout(SILENCE, self.stream.read(&mut bytes)).await.map_err(io::Error::from)?? {
                0 => return Ok(None),
                count => bytes.truncate(count),
            }
        }
    }

    /// Keeps a mail for all its recipients, once for each channel; what is answered for each of them.
    async fn keep(&self, envelope: Envelope<Here>, mail: Option<Vec<u8>>) -> Vec<&'static str> {
        let Some(mail) = mail else { return vec![lmtp::TOO_LARGE; envelope.recipients.len()] };
        let (count, door) = (envelope.recipients.len(), self.door.clone());
        let kept = blocking(move || {
            let mut done: Vec<(Here, &'static str)> = Vec::new();
            let mut answers = Vec::new();
            for (_, here) in &envelope.recipients {
                let known = done.iter().find(|(one, _)| one == here).map(|(_, answer)| *answer);
                let answer = known.unwrap_or_else(|| keep_for(&door, &envelope, *here, &mail));
                if known.is_none() {
                    done.push((*here, answer));
                }
                answers.push(answer);
            }
            Ok(answers)
        });
        kept.await.unwrap_or_else(|_| vec![lmtp::LATER; count])
    }
}

fn keep_for(door: &Door, envelope: &Envelope<Here>, here: Here, mail: &[u8]) -> &'static str {
    let recipients = envelope.recipients.iter().filter(|(_, one)| *one == here).map(|(address, _)| address.as_str());
    let whole = lmtp::with_envelope(&envelope.sender, recipients, mail);
    match ingest::ingest(&door.db, &door.files, here, &whole, Way::Delivered) {
        Ok(_) => lmtp::KEPT,
        Err(failure) => {
            tracing::warn!(error = %failure, "a mail could not be kept; the mail server will send it again");
            lmtp::LATER
        }
    }
}

/// Whose channel an address is.
async fn find(db: &Db, address: &str) -> Who<Here> {
    let (db, address) = (db.clone(), address.to_owned());
    let found = blocking(move || find_now(&db, &address)).await;
    found.unwrap_or_else(|failure| {
        tracing::warn!(error = %failure, "a recipient could not be looked up");
        Who::Trouble
    })
}

/// Of several channels with one address, the one that gave this very address out to be answered.
fn find_now(db: &Db, address: &str) -> Result<Who<Here>, Failure> {
    let keys = mail_addresses::keys_of(address);
    let channels = db.look_anywhere_now(|ax| anywhere::list_mail_channels(ax, &keys))?;
    let gave_it = |one: &MailChannel| {
        let secret = one.secret.as_deref().unwrap_or_default();
        mail_addresses::conversation_of(address, &one.address, secret).is_some()
    };
    for key in &keys {
        let all: Vec<&MailChannel> = channels.iter().filter(|one| one.address_key == *key).collect();
        match all.as_slice() {
            [] => {}
            [one] => return Ok(Who::Known((one.workspace, one.channel))),
            several => {
                let found = several.iter().find(|one| gave_it(one));
                return Ok(found.map_or(Who::Several, |one| Who::Known((one.workspace, one.channel))));
            }
        }
    }
    Ok(Who::Unknown)
}
