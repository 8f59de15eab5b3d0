//! PostgreSQL without C: a synchronous Diesel connection over `tokio-postgres` and rustls.
//!
//! Diesel's own PostgreSQL connection links libpq, which a fresh machine does not have. This one drives
//! `diesel-async`'s connection on a private single-threaded runtime, so that no other thread takes part in a query.
//! See `docs/decisions/0002-postgresql-without-libpq.md`.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use diesel::connection::{
    AnsiTransactionManager, CacheSize, Connection, Instrumentation, LoadConnection, SimpleConnection,
    TransactionManager,
};
use diesel::internal::derives::multiconnection::{ConnectionSealed, MultiConnectionHelper};
use diesel::migration::{CREATE_MIGRATIONS_TABLE, MigrationConnection};
use diesel::pg::{Pg, PgMetadataLookup, PgTypeMetadata};
use diesel::query_builder::{Query, QueryFragment, QueryId};
use diesel::r2d2::R2D2Connection;
use diesel::sql_types::TypeMetadata;
use diesel::{ConnectionError, ConnectionResult, QueryResult};
use diesel_async::pooled_connection::PoolableConnection;
use diesel_async::{AsyncConnection, AsyncConnectionCore, AsyncPgConnection, SimpleAsyncConnection};
use futures_util::{Stream, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio_postgres::config::SslMode;
use tokio_postgres::{AsyncMessage, Client};

/// A PostgreSQL connection for synchronous code.
///
/// It must not be used on a thread that is running asynchronous tasks; the store is called from blocking threads only.
pub struct PgConnection {
    inner: AsyncPgConnection,
    transaction: AnsiTransactionManager,
    runtime: Runtime,
}

impl PgConnection {
    /// Whether the server has gone.
    pub fn is_closed(&mut self) -> bool {
        PoolableConnection::is_broken(&mut self.inner)
    }
}

/// The runtime of one connection. Dropped in the background, because a connection may be dropped anywhere.
struct Runtime(Option<tokio::runtime::Runtime>);

impl Runtime {
    fn new() -> std::io::Result<Self> {
        tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map(|runtime| Self(Some(runtime)))
    }

    #[expect(clippy::expect_used, reason = "the runtime is only taken when the connection is dropped")]
    fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.0.as_ref().expect("a live connection").block_on(future)
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// How long a connection attempt may take.
const CONNECT_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);

fn settings(url: &str) -> ConnectionResult<tokio_postgres::Config> {
    let mut config: tokio_postgres::Config =
        url.parse().map_err(|e: tokio_postgres::Error| ConnectionError::InvalidConnectionUrl(explain(&e)))?;
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    config.application_name("baton");
    Ok(config)
}

async fn connect(url: &str) -> ConnectionResult<AsyncPgConnection> {
    let config = settings(url)?;
    let bad = |e: tokio_postgres::Error| ConnectionError::BadConnection(explain(&e));
    if config.get_ssl_mode() == SslMode::Disable {
        let (client, connection) = config.connect(tokio_postgres::NoTls).await.map_err(bad)?;
        AsyncPgConnection::try_from_client_and_connection(client, connection).await
    } else {
        let tls = tokio_postgres_rustls::MakeRustlsConnect::new(tls_config());
        let (client, connection) = config.connect(tls).await.map_err(bad)?;
        AsyncPgConnection::try_from_client_and_connection(client, connection).await
    }
}

/// What a listening connection hears.
pub(super) enum Heard {
    /// It listens from now on; what was said before is lost.
    Connected,
    /// Somebody said this.
    Payload(String),
}

/// A listening connection has nothing to do for long. So often it is asked whether it is still there.
const ASK: std::time::Duration = std::time::Duration::from_secs(15);

/// Listens on a connection of its own, and says on it what comes in by `outgoing`, until the connection is lost.
pub(super) async fn listen(
    url: &str,
    channel: &str,
    outgoing: &mut mpsc::Receiver<String>,
    hear: impl Fn(Heard),
) -> Result<(), String> {
    let config = settings(url).map_err(|error| error.to_string())?;
    let bad = |error: tokio_postgres::Error| explain(&error);
    if config.get_ssl_mode() == SslMode::Disable {
        let (client, connection) = config.connect(tokio_postgres::NoTls).await.map_err(bad)?;
        attend(client, connection, channel, outgoing, hear).await
    } else {
        let tls = tokio_postgres_rustls::MakeRustlsConnect::new(tls_config());
        let (client, connection) = config.connect(tls).await.map_err(bad)?;
        attend(client, connection, channel, outgoing, hear).await
    }
}

async fn attend<S, T>(
    client: Client,
    mut connection: tokio_postgres::Connection<S, T>,
    channel: &str,
    outgoing: &mut mpsc::Receiver<String>,
    hear: impl Fn(Heard),
) -> Result<(), String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let bad = |error: tokio_postgres::Error| explain(&error);
    let (found, mut heard) = mpsc::unbounded_channel();
    // The connection moves only while somebody polls it, so it has a task of its own; that ends with the client.
    tokio::spawn(async move {
        let mut messages = futures_util::stream::poll_fn(move |context| connection.poll_message(context));
        while let Some(message) = messages.next().await {
            match message {
                Ok(AsyncMessage::Notification(note)) => {
                    if found.send(note.payload().to_owned()).is_err() {
                        break;
                    }
                }
                Ok(_) => {}
                Err(_) => break,
            }
        }
    });
    client.batch_execute(&format!("LISTEN {channel}")).await.map_err(bad)?;
    hear(Heard::Connected);
    loop {
        tokio::select! {
            payload = heard.recv() => match payload {
                Some(payload) => hear(Heard::Payload(payload)),
                None => return Err("the connection was closed".to_owned()),
            },
            Some(payload) = outgoing.recv() => {
                client.query("SELECT pg_notify($1, $2)", &[&channel, &payload]).await.map_err(bad)?;
            }
            () = tokio::time::sleep(ASK) => {
                let answer = tokio::time::timeout(CONNECT_TIMEOUT, client.batch_execute("SELECT 1")).await;
                answer.map_err(|_| "the server does not answer".to_owned())?.map_err(bad)?;
            }
        }
    }
}

/// The whole chain of causes: the outermost error of `tokio-postgres` only says "error connecting to server".
fn explain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

fn tls_config() -> rustls::ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    #[expect(clippy::expect_used, reason = "the ring provider supports the default versions")]
    rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS versions of the ring provider")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

impl SimpleConnection for PgConnection {
    fn batch_execute(&mut self, query: &str) -> QueryResult<()> {
        self.runtime.block_on(self.inner.batch_execute(query))
    }
}

impl ConnectionSealed for PgConnection {}

impl Connection for PgConnection {
    type Backend = Pg;
    type TransactionManager = AnsiTransactionManager;

    fn establish(url: &str) -> ConnectionResult<Self> {
        let runtime = Runtime::new().map_err(|e| ConnectionError::BadConnection(e.to_string()))?;
        let inner = runtime.block_on(connect(url))?;
        Ok(Self { inner, transaction: AnsiTransactionManager::default(), runtime })
    }

    fn execute_returning_count<T>(&mut self, source: &T) -> QueryResult<usize>
    where
        T: QueryFragment<Pg> + QueryId,
    {
        self.runtime.block_on(self.inner.execute_returning_count(source))
    }

    fn transaction_state(&mut self) -> &mut <AnsiTransactionManager as TransactionManager<Self>>::TransactionStateData {
        &mut self.transaction
    }

    fn instrumentation(&mut self) -> &mut dyn Instrumentation {
        self.inner.instrumentation()
    }

    fn set_instrumentation(&mut self, instrumentation: impl Instrumentation) {
        self.inner.set_instrumentation(instrumentation);
    }

    fn set_prepared_statement_cache_size(&mut self, size: CacheSize) {
        self.inner.set_prepared_statement_cache_size(size);
    }
}

type Rows<'conn, 'query> = <AsyncPgConnection as AsyncConnectionCore>::Stream<'conn, 'query>;

/// The rows of a query, pulled one by one.
pub struct Cursor<'conn, 'query> {
    rows: Pin<Box<Rows<'conn, 'query>>>,
    runtime: &'conn Runtime,
}

impl<'conn, 'query> Iterator for Cursor<'conn, 'query> {
    type Item = <Rows<'conn, 'query> as Stream>::Item;

    fn next(&mut self) -> Option<Self::Item> {
        self.runtime.block_on(self.rows.next())
    }
}

impl LoadConnection for PgConnection {
    type Cursor<'conn, 'query> = Cursor<'conn, 'query>;
    type Row<'conn, 'query> = <AsyncPgConnection as AsyncConnectionCore>::Row<'conn, 'query>;

    fn load<'conn, 'query, T>(&'conn mut self, source: T) -> QueryResult<Self::Cursor<'conn, 'query>>
    where
        T: Query + QueryFragment<Pg> + QueryId + 'query,
        Pg: diesel::expression::QueryMetadata<T::SqlType>,
    {
        let rows = self.runtime.block_on(self.inner.load(source))?;
        Ok(Cursor { rows: Box::pin(rows), runtime: &self.runtime })
    }
}

impl R2D2Connection for PgConnection {
    fn ping(&mut self) -> QueryResult<()> {
        self.batch_execute("SELECT 1")
    }

    fn is_broken(&mut self) -> bool {
        AnsiTransactionManager::is_broken_transaction_manager(self)
    }
}

impl MigrationConnection for PgConnection {
    fn setup(&mut self) -> QueryResult<usize> {
        self.batch_execute(CREATE_MIGRATIONS_TABLE).map(|()| 0)
    }
}

/// Every SQL type that the store uses has a fixed OID, so a look-up by name is never asked for.
struct NoLookup;

impl PgMetadataLookup for NoLookup {
    fn lookup_type(&mut self, type_name: &str, schema: Option<&str>) -> PgTypeMetadata {
        tracing::error!(type_name, schema, "a PostgreSQL type without a fixed OID was used");
        PgTypeMetadata::new(0, 0)
    }
}

impl MultiConnectionHelper for PgConnection {
    // `Box::leak` of a zero-sized value allocates nothing.
    fn to_any<'a>(_lookup: &mut <Pg as TypeMetadata>::MetadataLookup) -> &mut (dyn Any + 'a) {
        Box::leak(Box::new(NoLookup))
    }

    fn from_any(lookup: &mut dyn Any) -> Option<&mut <Pg as TypeMetadata>::MetadataLookup> {
        lookup.downcast_mut::<NoLookup>().map(|found| found as &mut dyn PgMetadataLookup)
    }
}
