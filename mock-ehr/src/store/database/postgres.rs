//! PostgreSQL: several replicas on one database. Its connections live on a thread of their own, so that whoever waits for
//! an answer may be in any runtime, or in none.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use futures::TryStreamExt as _;
use tokio::runtime::Runtime;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Config, Error, NoTls};

use super::DatabaseError;
use super::sql::{Found, Sql, Value, blocking};
use crate::store::trouble::Trouble;

/// How long one statement may take, and how long the way to the server.
const PATIENCE: Duration = Duration::from_secs(5);
const WAY: Duration = Duration::from_secs(3);

/// Statements are sent without waiting for earlier ones, so that a few connections serve many requests.
const CONNECTIONS: usize = 4;

/// How often a statement is sent again that two replicas were in each other's way with.
const TRIES: usize = 5;

pub(super) struct Postgres {
    /// Only taken when it ends.
    runtime: Option<Runtime>,
    line: Arc<Line>,
}

/// The way to the server.
struct Line {
    config: Config,
    connections: [Mutex<Option<Arc<Client>>>; CONNECTIONS],
    turn: AtomicUsize,
}

impl Postgres {
    pub(super) fn open(address: &str) -> Result<Self, DatabaseError> {
        let config = read(address)?;
        let place = place(&config);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("database")
            .enable_all()
            .build();
        let runtime = runtime.map_err(|error| DatabaseError::Unreachable {
            place: place.clone(),
            why: error.to_string(),
        })?;
        let postgres = Self {
            runtime: Some(runtime),
            line: Arc::new(Line {
                config,
                connections: Default::default(),
                turn: AtomicUsize::new(0),
            }),
        };
        let line = Arc::clone(&postgres.line);
        match postgres.run(async move { line.connect().await.map(|_| ()) }) {
            Ok(()) => Ok(postgres),
            Err(failure) => Err(refused(place, &failure)),
        }
    }

    /// Host, port and name.
    pub(super) fn place(&self) -> String {
        place(&self.line.config)
    }

    /// Waits for what runs beside the connections.
    fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> Result<T, Failure> {
        let (tell, told) = mpsc::sync_channel(1);
        if let Some(runtime) = &self.runtime {
            runtime.spawn(async move {
                // Whoever asked may have gone.
                let _ = tell.send(work.await);
            });
        }
        blocking(|| told.recv()).unwrap_or(Err(Failure::Late))
    }

    fn done<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> Result<T, Trouble> {
        self.run(work).map_err(|failure| {
            let place = place(&self.line.config);
            Trouble(format!("PostgreSQL at {place}: {}", failure.said()))
        })
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // It may be within another runtime, where nobody may wait for this one.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Line {
    async fn connect(&self) -> Result<Client, Failure> {
        let connecting = timeout(PATIENCE, self.config.connect(NoTls));
        let (client, connection) = connecting.await.map_err(|_| Failure::Late)??;
        // It ends with the client, or with the server; whoever asks next sees that.
        tokio::spawn(connection);
        Ok(client)
    }

    /// One of the connections, made anew where the server went away.
    async fn client(&self) -> Result<Arc<Client>, Failure> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % CONNECTIONS;
        let mut held = self.connections[turn].lock().await;
        if let Some(client) = held.as_ref().filter(|client| !client.is_closed()) {
            return Ok(Arc::clone(client));
        }
        let client = Arc::new(self.connect().await?);
        *held = Some(Arc::clone(&client));
        Ok(client)
    }

    /// What a statement finds, and how many rows it changed. It is sent again, where the server did nothing since another
    /// one was in the way.
    async fn send(&self, statement: &str, values: &[Value]) -> Result<Answer, Failure> {
        let mut tries = 0;
        loop {
            let client = self.client().await?;
            tries += 1;
            match timeout(PATIENCE, sent(&client, statement, values)).await {
                Ok(Err(error)) if tries < TRIES && is_in_the_way(&error) => {}
                Ok(done) => return Ok(done?),
                Err(_) => {
                    self.forget(&client).await;
                    return Err(Failure::Late);
                }
            }
        }
    }

    /// A connection over which no answer came is not used again.
    async fn forget(&self, late: &Arc<Client>) {
        for connection in &self.connections {
            let mut held = connection.lock().await;
            if held.as_ref().is_some_and(|client| Arc::ptr_eq(client, late)) {
                *held = None;
            }
        }
    }
}

/// Why there is no answer.
enum Failure {
    Error(Error),
    Late,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl Failure {
    fn said(&self) -> String {
        match self {
            Self::Error(error) => said(error),
            Self::Late => format!("no answer in {} s", PATIENCE.as_secs()),
        }
    }
}

/// What the server gave.
struct Answer {
    rows: Vec<tokio_postgres::Row>,
    changed: u64,
}

async fn sent(client: &Client, statement: &str, values: &[Value]) -> Result<Answer, Error> {
    let stream = client.query_typed_raw(statement, values.iter().map(typed)).await?;
    let mut stream = std::pin::pin!(stream);
    let mut rows = Vec::new();
    while let Some(row) = stream.try_next().await? {
        rows.push(row);
    }
    let changed = stream.rows_affected().unwrap_or_default();
    Ok(Answer { rows, changed })
}

fn typed(value: &Value) -> (&(dyn ToSql + Sync), Type) {
    match value {
        Value::Text(text) => (text, Type::TEXT),
        Value::Number(number) => (number, Type::INT8),
    }
}

/// The server did nothing, since another statement was in the way.
fn is_in_the_way(error: &Error) -> bool {
    let code = error.code();
    code == Some(&SqlState::T_R_SERIALIZATION_FAILURE) || code == Some(&SqlState::T_R_DEADLOCK_DETECTED)
}

impl Sql for Postgres {
    fn ask(&self, statement: &'static str, values: Vec<Value>) -> Result<Vec<Found>, Trouble> {
        let line = Arc::clone(&self.line);
        let answer = self.done(async move { line.send(&numbered(statement), &values).await })?;
        answer.rows.iter().map(found).collect()
    }

    fn tell(&self, statement: &'static str, values: Vec<Value>) -> Result<u64, Trouble> {
        let line = Arc::clone(&self.line);
        let answer = self.done(async move { line.send(&numbered(statement), &values).await })?;
        Ok(answer.changed)
    }

    fn build(&self, statements: &str) -> Result<(), Trouble> {
        let line = Arc::clone(&self.line);
        // Replicas that start at the same moment would be in each other's way. Several statements sent at once are one
        // transaction; the lock ends with it.
        let statements = format!("SELECT pg_advisory_xact_lock(7263051); {statements}");
        self.done(async move { Ok(line.client().await?.batch_execute(&statements).await?) })
    }
}

/// PostgreSQL writes `$1` where SQLite writes `?1`; no statement has a question mark for anything else.
fn numbered(statement: &str) -> String {
    statement.replace('?', "$")
}

fn found(row: &tokio_postgres::Row) -> Result<Found, Trouble> {
    let values = row.columns().iter().enumerate().map(|(at, column)| {
        if *column.type_() == Type::INT8 {
            row.try_get(at).map(Value::Number)
        } else {
            row.try_get(at).map(Value::Text)
        }
    });
    let values = values.collect::<Result<_, _>>();
    values
        .map(Found::new)
        .map_err(|error| Trouble(format!("PostgreSQL: {}", said(&error))))
}

/// Reads an address; what is wrong with it is told without repeating it, since the password is in it.
fn read(address: &str) -> Result<Config, DatabaseError> {
    let wrong = |why: String| DatabaseError::Address(why);
    let mut config: Config = address.parse().map_err(|error: Error| wrong(said(&error)))?;
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return Err(wrong("it names no host".to_owned()));
    }
    if config.get_user().is_none() {
        return Err(wrong("it names no user".to_owned()));
    }
    if config.get_ssl_mode() == SslMode::Require {
        return Err(wrong(
            "sslmode=require is not supported: the mock speaks to PostgreSQL without TLS; take a server on this machine, or a tunnel, and leave sslmode out".to_owned(),
        ));
    }
    config.ssl_mode(SslMode::Disable);
    if config.get_password().is_none()
        && let Some(password) = std::env::var_os("PGPASSWORD")
    {
        config.password(password.into_encoded_bytes());
    }
    config.application_name("launchproof").connect_timeout(WAY);
    Ok(config)
}

/// Where it is, without who asks.
fn place(config: &Config) -> String {
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => format!("{name}:{port}"),
        #[cfg(unix)]
        Some(Host::Unix(path)) => path.display().to_string(),
        None => config
            .get_hostaddrs()
            .first()
            .map_or_else(String::new, |ip| format!("{ip}:{port}")),
    };
    match config.get_dbname() {
        Some(name) => format!("{host}/{name}"),
        None => host,
    }
}

fn refused(place: String, failure: &Failure) -> DatabaseError {
    let why = failure.said();
    match failure {
        Failure::Error(error) if error.as_db_error().is_some() => DatabaseError::Refused { place, why },
        _ => DatabaseError::Unreachable { place, why },
    }
}

/// What the server, or the system, said, without the details of the server, which repeat values.
fn said(error: &Error) -> String {
    if let Some(told) = error.as_db_error() {
        return format!("{} (SQLSTATE {})", told.message(), told.code().code());
    }
    match std::error::Error::source(error) {
        Some(cause) => cause.to_string(),
        None => error.to_string(),
    }
}
