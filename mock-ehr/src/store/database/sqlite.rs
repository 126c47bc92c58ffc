//! SQLite: one file, which outlives the process.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, ToSql, params_from_iter};

use super::DatabaseError;
use super::sql::{Found, Sql, Value, blocking};
use crate::store::trouble::Trouble;

/// How long it waits for another process that writes to the same file.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) struct Sqlite(Mutex<Connection>);

impl Sqlite {
    pub(super) fn open(file: &str) -> Result<Self, DatabaseError> {
        let path = PathBuf::from(file);
        let unusable = |why: String| DatabaseError::File {
            file: path.clone(),
            why,
        };
        if file.is_empty() || file.starts_with("//") {
            return Err(unusable(
                "expected sqlite:FILE, such as sqlite:launchproof.db".to_owned(),
            ));
        }
        made_for_its_owner(&path).map_err(|error| unusable(error.to_string()))?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = Connection::open_with_flags(&path, flags).and_then(|connection| {
            connection.busy_timeout(PATIENCE)?;
            // Readers do not wait for the writer; a crash of the machine, not of the process, may lose the last writes.
            connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
            connection.execute_batch("PRAGMA synchronous = NORMAL")?;
            Ok(connection)
        });
        let connection = opened.map_err(|error| unusable(said(&error)))?;
        Ok(Self(Mutex::new(connection)))
    }

    fn with<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Trouble> {
        let done = blocking(|| work(&self.0.lock().unwrap_or_else(PoisonError::into_inner)));
        done.map_err(|error| Trouble(format!("SQLite: {}", said(&error))))
    }
}

/// What is kept is for its owner alone: sessions and the secrets of registered clients.
fn made_for_its_owner(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(|_| ())
}

/// The words of SQLite itself; they name tables, never values.
fn said(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(said)) => said.clone(),
        rusqlite::Error::SqliteFailure(code, None) => code.to_string(),
        _ => "it answered what was not expected".to_owned(),
    }
}

impl Sql for Sqlite {
    fn ask(&self, statement: &'static str, values: Vec<Value>) -> Result<Vec<Found>, Trouble> {
        self.with(|connection| {
            let mut statement = connection.prepare(statement)?;
            let columns = statement.column_count();
            let mut rows = statement.query(params_from_iter(values))?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let values = (0..columns).map(|at| match row.get_ref(at)? {
                    ValueRef::Integer(number) => Ok(Value::Number(number)),
                    ValueRef::Text(text) => Ok(Value::Text(String::from_utf8_lossy(text).into_owned())),
                    _ => Ok(Value::Text(String::new())),
                });
                found.push(Found::new(values.collect::<rusqlite::Result<_>>()?));
            }
            Ok(found)
        })
    }

    fn tell(&self, statement: &'static str, values: Vec<Value>) -> Result<u64, Trouble> {
        let changed = self.with(|connection| connection.execute(statement, params_from_iter(values)))?;
        Ok(changed as u64)
    }

    fn build(&self, statements: &str) -> Result<(), Trouble> {
        self.with(|connection| {
            let done = connection.execute_batch(&format!("BEGIN IMMEDIATE; {statements} COMMIT;"));
            if done.is_err() {
                // Whether there was anything to take back does not matter.
                let _ = connection.execute_batch("ROLLBACK");
            }
            done
        })
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Number(number) => ToSqlOutput::Borrowed(ValueRef::Integer(*number)),
        })
    }
}
