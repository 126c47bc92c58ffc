//! Keeps rows in a database: `sqlite:FILE` over restarts, `postgres://…` for several replicas.
//!
//! A row is changed by comparing: it is read, changed here, and written back only where it is still what was read;
//! otherwise all of that is done again. So no statement waits for another, and what works once works once at all
//! replicas. Keys are kept as their SHA-256: whoever gets a copy finds no code, access token, refresh token or cookie of this
//! server in it. Two secrets are in the bodies, since they are needed again as they are: the `client_secret` of registered
//! apps, and the id_token of an identity provider, which it wants to see when its user signs out.

mod postgres;
mod schema;
mod sql;
mod sqlite;
mod written;

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use self::postgres::Postgres;
use self::sql::{Found, Sql, Value};
use self::sqlite::Sqlite;
use super::grant::Grant;
use super::rows::{Counter, Of, Row, Rows, Table};
use super::trouble::{self, Trouble};
use crate::chance::Chance;
use crate::clock::{Clock, SystemClock};

pub(crate) use self::written::Entry;

/// Where state is kept that outlives a process, or that replicas share.
pub struct Database {
    place: String,
    sql: Box<dyn Sql>,
    chance: Chance,
    /// The time that all replicas have in common.
    clock: Arc<dyn Clock>,
    /// Texts of keys that came by here, for the defects that look for another than was sent.
    heard: Mutex<HashMap<(Table, String), (String, Timestamp)>>,
    tidied: AtomicI64,
    puts: AtomicU64,
}

/// Why a database cannot be used. No message has a password in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseError {
    /// It is none that is known, or is written in another way.
    #[error("--database: {0}; expected sqlite:FILE or postgres://USER:PASSWORD@HOST:PORT/NAME")]
    Address(String),
    /// The file cannot be made, read or written.
    #[error("--database: {} cannot be used: {why}; name a file in a folder that exists and may be written to", file.display())]
    File {
        /// Which file.
        file: PathBuf,
        /// What the system or SQLite said.
        why: String,
    },
    /// Nothing answers there.
    #[error("--database: PostgreSQL at {place} cannot be reached: {why}; is it running, and is the address right?")]
    Unreachable {
        /// Host, port and name.
        place: String,
        /// What the system said.
        why: String,
    },
    /// The server wants nothing to do with us.
    #[error("--database: PostgreSQL at {place} refuses: {why}; look at user, password, name and rights")]
    Refused {
        /// Host, port and name.
        place: String,
        /// What the server said.
        why: String,
    },
    /// A later version of this program made its tables.
    #[error(
        "--database: its tables are of version {found}, and this program knows version {known}; take the newer program, or another database"
    )]
    Newer {
        /// The version of the tables.
        found: i64,
        /// The latest that is known here.
        known: i64,
    },
    /// Its tables cannot be made or read.
    #[error("--database: its tables cannot be made: {0}; the user needs the right to make tables there")]
    Tables(String),
}

/// How often a change is tried that others are faster with.
const TRIES: usize = 100;

/// What has expired goes after so long, or after so many new rows.
const TIDY: SignedDuration = SignedDuration::from_secs(60);
const MANY: u64 = 1024;

/// Nothing hangs any more on grants that ended before that long, but what was given out at that very moment.
const ENDED: SignedDuration = SignedDuration::from_hours(24);

impl Database {
    /// Opens `sqlite:FILE` or `postgres://…`, and makes the tables where there are none.
    pub fn open(address: &str) -> Result<Self, DatabaseError> {
        Self::open_at(address, Arc::new(SystemClock))
    }

    pub(super) fn open_at(address: &str, clock: Arc<dyn Clock>) -> Result<Self, DatabaseError> {
        let (place, sql): (_, Box<dyn Sql>) = if let Some(file) = address.strip_prefix("sqlite:") {
            (format!("SQLite in {file}"), Box::new(Sqlite::open(file)?))
        } else if address.starts_with("postgres://") || address.starts_with("postgresql://") {
            let postgres = Postgres::open(address)?;
            (format!("PostgreSQL at {}", postgres.place()), Box::new(postgres))
        } else {
            return Err(DatabaseError::Address("it is not of a kind that is known".to_owned()));
        };
        schema::prepare(sql.as_ref())?;
        Ok(Self {
            place,
            sql,
            chance: Chance::new(None),
            clock,
            heard: Mutex::default(),
            tidied: AtomicI64::new(i64::MIN),
            puts: AtomicU64::new(0),
        })
    }

    fn ask(&self, statement: &'static str, values: Vec<Value>) -> Result<Vec<Found>, Trouble> {
        trouble::once()?;
        self.sql.ask(statement, values)
    }

    fn tell(&self, statement: &'static str, values: Vec<Value>) -> Result<u64, Trouble> {
        trouble::once()?;
        self.sql.tell(statement, values)
    }

    fn heard(&self) -> MutexGuard<'_, HashMap<(Table, String), (String, Timestamp)>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers the text of a key, where a defect may look for it.
    fn hear(&self, table: Table, digest: &str, key: String, row: &Row) {
        if let (Table::Code | Table::AccessToken, Some(until)) = (table, row.marks().until) {
            self.heard().insert((table, digest.to_owned()), (key, until));
        }
    }

    fn find(&self, table: Table, digest: &str) -> Result<Option<Place>, Trouble> {
        let statement = "SELECT r.key, r.body, r.version, r.grant_id, \
            CAST(CASE WHEN e.grant_id IS NULL THEN 0 ELSE 1 END AS BIGINT) \
            FROM launchproof_rows r LEFT JOIN launchproof_ended e ON e.grant_id = r.grant_id \
            WHERE r.kind = ?1 AND r.key = ?2";
        let found = self.ask(statement, vec![table.name().into(), digest.into()])?;
        found
            .into_iter()
            .next()
            .map(|found| Place::of(table, found))
            .transpose()
    }

    /// Writes what a place holds now, unless somebody else was faster.
    fn settle(&self, table: Table, digest: &str, before: Option<&Place>, after: Option<&Row>) -> Result<bool, Trouble> {
        let changed = match (before, after) {
            (None, None) => return Ok(true),
            (Some(before), Some(after)) if after.is(&before.row) => return Ok(true),
            (None, Some(after)) => {
                let statement = "INSERT INTO launchproof_rows (kind, key, version, client, username, grant_id, until, body) \
                    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (kind, key) DO NOTHING";
                self.tell(statement, self.values(table, digest, after)?)?
            }
            (Some(before), Some(after)) => {
                let statement = "UPDATE launchproof_rows SET version = ?3, client = ?4, username = ?5, grant_id = ?6, \
                    until = ?7, body = ?8 WHERE kind = ?1 AND key = ?2 AND version = ?9";
                let mut values = self.values(table, digest, after)?;
                values.push(before.version.into());
                self.tell(statement, values)?
            }
            (Some(before), None) => {
                let statement = "DELETE FROM launchproof_rows WHERE kind = ?1 AND key = ?2 AND version = ?3";
                self.tell(
                    statement,
                    vec![table.name().into(), digest.into(), before.version.into()],
                )?
            }
        };
        Ok(changed == 1)
    }

    fn values(&self, table: Table, digest: &str, row: &Row) -> Result<Vec<Value>, Trouble> {
        let body = row
            .written()
            .map_err(|error| Trouble(format!("a {} cannot be written: {error}", table.name())))?;
        let marks = row.marks();
        let grant = marks.grant.map(|grant| grant.named(|| self.chance.token::<16>()));
        Ok(vec![
            table.name().into(),
            digest.into(),
            self.version().into(),
            marks.client.unwrap_or_default().into(),
            marks.username.unwrap_or_default().into(),
            grant.unwrap_or_default().into(),
            marks.until.map_or(i64::MAX, Timestamp::as_millisecond).into(),
            body.into(),
        ])
    }

    /// A version that no row had before, whoever took it away in between.
    fn version(&self) -> i64 {
        i64::from_be_bytes(self.chance.bytes())
    }

    fn change_there(
        &self,
        table: Table,
        digest: &str,
        change: &mut dyn FnMut(&mut Option<Row>),
    ) -> Result<(), Trouble> {
        for _ in 0..TRIES {
            let before = self.find(table, digest)?;
            let mut place = before.as_ref().map(|before| before.row.clone());
            change(&mut place);
            if self.settle(table, digest, before.as_ref(), place.as_ref())? {
                return Ok(());
            }
        }
        Err(Trouble(format!(
            "others changed one {} {TRIES} times over",
            table.name()
        )))
    }

    fn sweep(&self, now: Timestamp) -> Result<(), Trouble> {
        let ended = (now - ENDED).as_millisecond();
        self.tell(
            "DELETE FROM launchproof_rows WHERE until <= ?1",
            vec![now.as_millisecond().into()],
        )?;
        self.tell(
            "DELETE FROM launchproof_ended WHERE ended_at <= ?1 AND NOT EXISTS \
                (SELECT 1 FROM launchproof_rows r WHERE r.grant_id = launchproof_ended.grant_id)",
            vec![ended.into()],
        )?;
        self.heard().retain(|_, (_, until)| now < *until);
        Ok(())
    }
}

/// A row with what it is compared by.
struct Place {
    digest: String,
    row: Row,
    version: i64,
}

impl Place {
    fn of(table: Table, mut found: Found) -> Result<Self, Trouble> {
        let digest = found.text()?;
        let body = found.text()?;
        // What cannot be read is not told in words: it may be a secret.
        let row = Row::read(table, &body).map_err(|_| Trouble(format!("a {} there cannot be read", table.name())))?;
        let version = found.number()?;
        let (grant, is_ended) = (found.text()?, found.number()? != 0);
        if let Some(known) = row.marks().grant {
            known.restored(grant, is_ended);
        }
        Ok(Self { digest, row, version })
    }
}

fn digest(table: Table, key: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{}\n{key}", table.name())))
}

impl Rows for Database {
    fn read(&self, table: Table, key: &str) -> Result<Option<Row>, Trouble> {
        Ok(self.find(table, &digest(table, key))?.map(|place| place.row))
    }

    fn put(&self, table: Table, key: String, row: Row) -> Result<(), Trouble> {
        let digest = digest(table, &key);
        let statement = "INSERT INTO launchproof_rows (kind, key, version, client, username, grant_id, until, body) \
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (kind, key) DO UPDATE SET version = excluded.version, \
            client = excluded.client, username = excluded.username, grant_id = excluded.grant_id, \
            until = excluded.until, body = excluded.body";
        self.tell(statement, self.values(table, &digest, &row)?)?;
        self.hear(table, &digest, key, &row);
        Ok(())
    }

    fn change(&self, table: Table, key: &str, change: &mut dyn FnMut(&mut Option<Row>)) -> Result<(), Trouble> {
        self.change_there(table, &digest(table, key), change)
    }

    fn each(&self, table: Table, of: Of<'_>, look: &mut dyn FnMut(&str, &mut Option<Row>)) -> Result<(), Trouble> {
        let (statement, whose) = match of {
            Of::Anybody => (
                "SELECT r.key, r.body, r.version, r.grant_id, \
                    CAST(CASE WHEN e.grant_id IS NULL THEN 0 ELSE 1 END AS BIGINT) \
                    FROM launchproof_rows r LEFT JOIN launchproof_ended e ON e.grant_id = r.grant_id WHERE r.kind = ?1",
                None,
            ),
            Of::Client(client) => (
                "SELECT r.key, r.body, r.version, r.grant_id, \
                    CAST(CASE WHEN e.grant_id IS NULL THEN 0 ELSE 1 END AS BIGINT) \
                    FROM launchproof_rows r LEFT JOIN launchproof_ended e ON e.grant_id = r.grant_id \
                    WHERE r.kind = ?1 AND r.client = ?2",
                Some(client),
            ),
            Of::User(username) => (
                "SELECT r.key, r.body, r.version, r.grant_id, \
                    CAST(CASE WHEN e.grant_id IS NULL THEN 0 ELSE 1 END AS BIGINT) \
                    FROM launchproof_rows r LEFT JOIN launchproof_ended e ON e.grant_id = r.grant_id \
                    WHERE r.kind = ?1 AND r.username = ?2",
                Some(username),
            ),
        };
        let values = std::iter::once(table.name()).chain(whose).map(Value::from);
        for found in self.ask(statement, values.collect())? {
            let place = Place::of(table, found)?;
            let heard = self.heard().get(&(table, place.digest.clone())).cloned();
            let text = heard.map(|(text, _)| text).unwrap_or_default();
            let mut row = Some(place.row.clone());
            look(&text, &mut row);
            if !self.settle(table, &place.digest, Some(&place), row.as_ref())? {
                self.change_there(table, &place.digest, &mut |row| {
                    if row.is_some() {
                        look(&text, row);
                    }
                })?;
            }
        }
        Ok(())
    }

    fn count(&self, table: Table) -> Result<usize, Trouble> {
        let statement = "SELECT count(*) FROM launchproof_rows WHERE kind = ?1";
        let found = self.ask(statement, vec![table.name().into()])?;
        let count = found.into_iter().next().map(|mut found| found.number()).transpose()?;
        Ok(usize::try_from(count.unwrap_or_default()).unwrap_or_default())
    }

    fn end(&self, grant: &Grant, now: Timestamp) -> Result<(), Trouble> {
        grant.revoke();
        // One that was never written has nothing hanging on it; should it be written, it is under this name.
        let name = grant.named(|| self.chance.token::<16>());
        let statement =
            "INSERT INTO launchproof_ended (grant_id, ended_at) VALUES (?1, ?2) ON CONFLICT (grant_id) DO NOTHING";
        self.tell(statement, vec![name.into(), now.as_millisecond().into()])?;
        Ok(())
    }

    fn next(&self, counter: Counter) -> Result<u64, Trouble> {
        let name = match counter {
            Counter::Session => "session",
            Counter::Value => "value",
        };
        let statement = "INSERT INTO launchproof_counters (name, value) VALUES (?1, 1000) \
            ON CONFLICT (name) DO UPDATE SET value = launchproof_counters.value + 1 RETURNING value";
        let found = self.ask(statement, vec![name.into()])?;
        let next = found.into_iter().next().map(|mut found| found.number()).transpose()?;
        next.and_then(|next| u64::try_from(next).ok())
            .ok_or_else(|| Trouble("it does not count".to_owned()))
    }

    fn tidy(&self, _table: Table, now: Timestamp) -> Result<(), Trouble> {
        let puts = self.puts.fetch_add(1, Ordering::Relaxed);
        let last = self.tidied.load(Ordering::Relaxed);
        let moment = now.as_second();
        let is_long_ago = moment.saturating_sub(last) >= TIDY.as_secs() || moment < last;
        if !is_long_ago && !puts.is_multiple_of(MANY) {
            return Ok(());
        }
        self.tidied.store(moment, Ordering::Relaxed);
        // A clock that was advanced is this mock's own: for the other replicas those rows have not expired yet. What has
        // expired here is refused when it is read.
        self.sweep(now.min(self.clock.now()))
    }

    fn clear(&self) -> Result<(), Trouble> {
        self.heard().clear();
        self.tell("DELETE FROM launchproof_rows", Vec::new())?;
        self.tell("DELETE FROM launchproof_ended", Vec::new())?;
        Ok(())
    }
}

/// Of which kind it is, and where; without user and password.
impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place)
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Database({self})")
    }
}

/// `sqlite:FILE` or `postgres://…`, as it is given; a password may be in it, so it is not shown.
#[derive(Clone)]
pub struct DatabaseAddress(String);

impl DatabaseAddress {
    /// The address.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whatever it is, it is read later: an error of the command line would repeat it.
impl From<String> for DatabaseAddress {
    fn from(address: String) -> Self {
        Self(address)
    }
}

impl fmt::Debug for DatabaseAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.0.split(':').next().unwrap_or_default();
        write!(f, "DatabaseAddress({kind}:…)")
    }
}
