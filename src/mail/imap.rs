//! A mailbox on another server, read by IMAP (RFC 9051): connecting, which mails are new, and their bytes. Nothing is changed there:
//! mails stay, and stay unread. What is wrong is a sentence for the administrator, without anything that a server said about people.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_imap::error::Error as ImapError;
use async_imap::extensions::idle::IdleResponse;
use async_imap::{Client, Session};
use chrono::{DateTime, Utc};
use futures_util::TryStreamExt as _;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::incoming::MAX_MESSAGE_BYTES;
use crate::domain::mail_servers::{Security, Server};

/// How long a server may take for one answer. A large mail on a slow line is one answer too.
const ANSWER: Duration = Duration::from_secs(120);
const CONNECT: Duration = Duration::from_secs(20);

/// What a connection runs over.
trait Line: AsyncRead + AsyncWrite + Unpin + Send + fmt::Debug {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + fmt::Debug> Line for T {}
type Stream = Box<dyn Line>;

/// What is wrong, as a sentence.
pub type Problem = String;

/// An open mailbox.
pub struct Mailbox {
    session: Session<Stream>,
    /// Under which numbering its mails are numbered.
    pub validity: i64,
    /// The number that the next mail gets, if the server says so.
    pub next: Option<i64>,
    waits: bool,
}

/// A mail of a mailbox.
pub enum Fetched {
    /// Its bytes.
    Whole(Vec<u8>),
    /// Only its header: it is too large.
    Head(Vec<u8>),
    /// It is gone meanwhile.
    Gone,
}

async fn answer<T, E>(what: impl Future<Output = Result<T, E>>) -> Result<T, Option<E>> {
    match timeout(ANSWER, what).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Some(error)),
        Err(_) => Err(None),
    }
}

fn lost(server: &Server) -> Problem {
    format!("{} stopped answering.", server.host)
}

fn told(server: &Server, error: Option<&ImapError>) -> Problem {
    match error {
        Some(ImapError::No(_) | ImapError::Bad(_)) => format!("{} refused to list the mails.", server.host),
        Some(ImapError::Parse(_)) => format!("{} said something that is not IMAP.", server.host),
        _ => lost(server),
    }
}

fn tls() -> Result<TlsConnector, Problem> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

async fn secured(server: &Server, stream: impl Line + 'static) -> Result<Stream, Problem> {
    let name = ServerName::try_from(server.host.clone())
        .map_err(|_| format!("{} is no name that a certificate could be for.", server.host))?;
    let secured = timeout(CONNECT, tls()?.connect(name, stream)).await.map_err(|_| lost(server))?;
    let secured =
        secured.map_err(|error| format!("No secure connection to {} could be made ({error}).", server.host))?;
    Ok(Box::new(secured))
}

async fn greeted(server: &Server, stream: Stream) -> Result<Client<Stream>, Problem> {
    let mut client = Client::new(stream);
    match answer(client.read_response()).await {
        Ok(Some(_)) => Ok(client),
        _ => Err(format!("{} does not greet as an IMAP server does.", server.host)),
    }
}

async fn connect(server: &Server) -> Result<Client<Stream>, Problem> {
    let host = server.host.trim_start_matches('[').trim_end_matches(']');
    let stream = timeout(CONNECT, TcpStream::connect((host, server.port))).await;
    let stream = stream
        .unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
        .map_err(|error| format!("{} cannot be reached on port {} ({error}).", server.host, server.port))?;
    match server.security {
        Security::None => greeted(server, Box::new(stream)).await,
        Security::Tls => greeted(server, secured(server, stream).await?).await,
        Security::StartTls => {
            let mut client = greeted(server, Box::new(stream)).await?;
            let started = answer(client.run_command_and_check_ok("STARTTLS", None)).await;
            started.map_err(|_| format!("{} does not offer STARTTLS.", server.host))?;
            // After this the server does not greet again.
            Ok(Client::new(secured(server, client.into_inner()).await?))
        }
    }
}

impl Mailbox {
    /// Opens a folder, for reading only.
    ///
    /// # Errors
    /// A sentence.
    pub async fn open(server: &Server, password: &str, folder: &str) -> Result<Self, Problem> {
        let client = connect(server).await?;
        let session = answer(client.login(&server.user, password)).await;
        let mut session = session.map_err(|error| match error {
            Some((ImapError::No(_) | ImapError::Bad(_), _)) => {
                format!("{} does not accept the user and password.", server.host)
            }
            Some((error, _)) => told(server, Some(&error)),
            None => lost(server),
        })?;
        let capabilities = answer(session.capabilities()).await.map_err(|error| told(server, error.as_ref()))?;
        let waits = capabilities.has_str("IDLE");
        let folder = answer(session.examine(folder)).await.map_err(|error| match error {
            Some(ImapError::No(_) | ImapError::Bad(_)) => format!("There is no folder “{folder}” on {}.", server.host),
            other => told(server, other.as_ref()),
        })?;
        let validity = folder.uid_validity.map(i64::from);
        let validity = validity.ok_or_else(|| format!("{} does not number its mails for good.", server.host))?;
        Ok(Self { session, validity, next: folder.uid_next.map(i64::from), waits })
    }

    /// The numbers of all mails after this one, the oldest first.
    ///
    /// # Errors
    /// A sentence.
    pub async fn list_after(&mut self, server: &Server, seen: i64) -> Result<Vec<u32>, Problem> {
        // A server that announces something meanwhile is listened to with the next command.
        answer(self.session.noop()).await.map_err(|error| told(server, error.as_ref()))?;
        let found = self.search(server, &format!("UID {}:*", seen + 1)).await?;
        // “n:*” names the last mail even if its number is smaller.
        let mut new: Vec<u32> = found.into_iter().filter(|uid| i64::from(*uid) > seen).collect();
        new.sort_unstable();
        Ok(new)
    }

    /// When mails came to the mailbox, as far as the server says so.
    ///
    /// # Errors
    /// A sentence.
    pub async fn arrivals(&mut self, server: &Server, uids: &[u32]) -> Result<HashMap<u32, DateTime<Utc>>, Problem> {
        let (Some(first), Some(last)) = (uids.iter().min(), uids.iter().max()) else { return Ok(HashMap::new()) };
        let asked = format!("{first}:{last}");
        let found = answer(async {
            let mails: Vec<_> = self.session.uid_fetch(asked, "(UID INTERNALDATE)").await?.try_collect().await?;
            Ok::<_, ImapError>(mails)
        });
        let mails = found.await.map_err(|error| told(server, error.as_ref()))?;
        Ok(mails.iter().filter_map(|mail| Some((mail.uid?, mail.internal_date()?.to_utc()))).collect())
    }

    /// A mail.
    ///
    /// # Errors
    /// A sentence.
    pub async fn fetch(&mut self, server: &Server, uid: u32) -> Result<Fetched, Problem> {
        let Some(size) = self.one(server, uid, "RFC822.SIZE", |mail| mail.size.map(u64::from)).await? else {
            return Ok(Fetched::Gone);
        };
        if usize::try_from(size).map_or(true, |size| size > MAX_MESSAGE_BYTES) {
            let head = self.one(server, uid, "BODY.PEEK[HEADER]", |mail| mail.header().map(<[u8]>::to_vec)).await?;
            return Ok(head.map_or(Fetched::Gone, Fetched::Head));
        }
        let whole = self.one(server, uid, "BODY.PEEK[]", |mail| mail.body().map(<[u8]>::to_vec)).await?;
        Ok(whole.map_or(Fetched::Gone, Fetched::Whole))
    }

    async fn one<T>(
        &mut self,
        server: &Server,
        uid: u32,
        what: &str,
        read: impl Fn(&async_imap::types::Fetch) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let query = format!("(UID {what})");
        let found = answer(async {
            let mails: Vec<_> = self.session.uid_fetch(uid.to_string(), query).await?.try_collect().await?;
            Ok::<_, ImapError>(mails)
        });
        let mails = found.await.map_err(|error| told(server, error.as_ref()))?;
        let read = mails.iter().filter(|mail| mail.uid == Some(uid)).find_map(read);
        // A refusal and a lost connection look like no answer here. What is taken for gone is never asked for again, so it is
        // gone only if the server says that it does not have it.
        if read.is_none() && self.search(server, &format!("UID {uid}")).await?.contains(&uid) {
            return Err(format!("{} did not hand out a mail that it has.", server.host));
        }
        Ok(read)
    }

    /// What is found, from a server that says that it looked: a search that is refused looks as if nothing were there.
    async fn search(&mut self, server: &Server, query: &str) -> Result<HashSet<u32>, Problem> {
        let looked = answer(self.session.run_command_and_check_ok(format!("UID SEARCH {query}"))).await;
        looked.map_err(|error| told(server, error.as_ref()))?;
        let found = answer(self.session.uid_search(query)).await.map_err(|error| told(server, error.as_ref()))?;
        // And the connection still stood at its end.
        answer(self.session.noop()).await.map_err(|error| told(server, error.as_ref()))?;
        Ok(found)
    }

    /// Whether the server tells of new mail by itself.
    #[must_use]
    pub const fn waits(&self) -> bool {
        self.waits
    }

    /// Waits until the server tells of something, or so long.
    ///
    /// # Errors
    /// A sentence.
    pub async fn wait(self, server: &Server, long: Duration) -> Result<Self, Problem> {
        let (validity, next, waits) = (self.validity, self.next, self.waits);
        let mut idle = self.session.idle();
        answer(idle.init()).await.map_err(|error| told(server, error.as_ref()))?;
        let (told_of, _interrupt) = idle.wait_with_timeout(long);
        // A server that keeps saying that it is alive must not keep us from looking.
        match timeout(long * 2, told_of).await {
            Ok(Ok(IdleResponse::ManualInterrupt)) => return Err(lost(server)),
            Ok(Err(error)) => return Err(told(server, Some(&error))),
            Ok(Ok(_)) | Err(_) => {}
        }
        let session = answer(idle.done()).await.map_err(|error| told(server, error.as_ref()))?;
        Ok(Self { session, validity, next, waits })
    }

    /// Says good-bye.
    pub async fn close(mut self) {
        let _ = timeout(Duration::from_secs(5), self.session.logout()).await;
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::TcpListener;

    use super::*;

    /// A server with the mail 5, which it hands out to nobody: `fetch` and `search` are how it ends those two.
    fn server(fetch: &'static str, search: &'static str) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        std::thread::spawn(move || {
            let (stream, _) = listener.accept().expect("a client");
            let mut out = stream.try_clone().expect("a stream");
            out.write_all(b"* OK ready\r\n").expect("a greeting");
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                let (tag, command) = line.split_once(' ').expect("a tag");
                let (data, end) = match command {
                    one if one.starts_with("EXAMINE") => ("* OK [UIDVALIDITY 7] valid\r\n", "OK"),
                    one if one.starts_with("UID FETCH") => ("", fetch),
                    one if one.starts_with("UID SEARCH") => ("* SEARCH 5\r\n", search),
                    _ => ("", "OK"),
                };
                if end.is_empty() {
                    return;
                }
                out.write_all(format!("{data}{tag} {end} said\r\n").as_bytes()).expect("an answer");
            }
        });
        Server { host: "127.0.0.1".to_owned(), port, security: Security::None, user: "support".to_owned() }
    }

    // What is taken for gone is never asked for again.
    #[tokio::test]
    async fn a_mail_that_is_refused_is_not_taken_for_gone() {
        for fetch in ["NO", "OK", ""] {
            let server = server(fetch, "OK");
            let mut mailbox = Mailbox::open(&server, "secret", "INBOX").await.expect("a mailbox");
            assert!(mailbox.fetch(&server, 5).await.is_err(), "FETCH answered by {fetch:?}");
        }
        let server = server("OK", "OK");
        let mut mailbox = Mailbox::open(&server, "secret", "INBOX").await.expect("a mailbox");
        assert!(matches!(mailbox.fetch(&server, 4).await, Ok(Fetched::Gone)), "it has no 4");
    }

    #[tokio::test]
    async fn a_search_that_is_refused_does_not_find_nothing() {
        for search in ["NO", ""] {
            let server = server("OK", search);
            let mut mailbox = Mailbox::open(&server, "secret", "INBOX").await.expect("a mailbox");
            assert!(mailbox.list_after(&server, 0).await.is_err(), "SEARCH answered by {search:?}");
        }
    }
}
