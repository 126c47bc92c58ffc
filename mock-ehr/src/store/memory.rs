//! Keeps rows in memory: a map a table, each behind a lock of its own, so that whoever holds one row may look into
//! another table.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::grant::Grant;
use super::is_crowded;
use super::rows::{Counter, Of, Row, Rows, Table};
use super::trouble::Trouble;

/// Rows of one table; each place is filled, but while it is changed.
type Places = HashMap<String, Option<Row>>;

/// The tables of one mock.
pub(crate) struct Memory {
    tables: [Mutex<Places>; Table::ALL.len()],
    sessions: AtomicU64,
    values: AtomicU64,
}

/// Where values begin that can be guessed.
const FIRST_VALUE: u64 = 1000;

impl Default for Memory {
    fn default() -> Self {
        Self {
            tables: Default::default(),
            sessions: AtomicU64::new(0),
            values: AtomicU64::new(FIRST_VALUE),
        }
    }
}

impl Memory {
    fn table(&self, table: Table) -> MutexGuard<'_, Places> {
        self.tables[table as usize]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rows for Memory {
    fn read(&self, table: Table, key: &str) -> Result<Option<Row>, Trouble> {
        Ok(self.table(table).get(key).cloned().flatten())
    }

    fn put(&self, table: Table, key: String, row: Row) -> Result<(), Trouble> {
        self.table(table).insert(key, Some(row));
        Ok(())
    }

    fn change(&self, table: Table, key: &str, change: &mut dyn FnMut(&mut Option<Row>)) -> Result<(), Trouble> {
        let mut places = self.table(table);
        if let Some(place) = places.get_mut(key) {
            change(place);
            if place.is_none() {
                places.remove(key);
            }
            return Ok(());
        }
        let mut place = None;
        change(&mut place);
        if place.is_some() {
            places.insert(key.to_owned(), place);
        }
        Ok(())
    }

    fn each(&self, table: Table, of: Of<'_>, look: &mut dyn FnMut(&str, &mut Option<Row>)) -> Result<(), Trouble> {
        self.table(table).retain(|key, place| {
            if place.as_ref().is_some_and(|row| row.marks().are(of)) {
                look(key, place);
            }
            place.is_some()
        });
        Ok(())
    }

    fn count(&self, table: Table) -> Result<usize, Trouble> {
        Ok(self.table(table).len())
    }

    fn end(&self, grant: &Grant, _now: Timestamp) -> Result<(), Trouble> {
        // Every row that hangs on it holds this very grant.
        grant.revoke();
        Ok(())
    }

    fn next(&self, counter: Counter) -> Result<u64, Trouble> {
        let counter = match counter {
            Counter::Session => &self.sessions,
            Counter::Value => &self.values,
        };
        Ok(counter.fetch_add(1, Ordering::Relaxed))
    }

    fn tidy(&self, table: Table, now: Timestamp) -> Result<(), Trouble> {
        let mut places = self.table(table);
        if is_crowded(places.len()) {
            places.retain(|_, place| place.as_ref().is_some_and(|row| !row.marks().is_over(now)));
        }
        Ok(())
    }

    fn clear(&self) -> Result<(), Trouble> {
        for table in Table::ALL {
            *self.table(*table) = Places::new();
        }
        Ok(())
    }
}
