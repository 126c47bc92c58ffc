//! The seam between what a mock remembers and where it is kept: rows in tables, each under a key, changed one at a time.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::code::Code;
use super::delegated::Delegated;
use super::grant::Grant;
use super::launch_urls::LaunchUrl;
use super::pending::Pending;
use super::pushed::Pushed;
use super::registered::Registration;
use super::session::Session;
use super::spent::Spent;
use super::tokens::{AccessToken, RefreshToken};
use super::trouble::Trouble;

/// Where rows are kept. Each method is one step that no other request comes between, at this replica or another.
pub(crate) trait Rows: Send + Sync {
    /// The row under this key.
    fn read(&self, table: Table, key: &str) -> Result<Option<Row>, Trouble>;

    /// Puts a row under this key, whatever was there.
    fn put(&self, table: Table, key: String, row: Row) -> Result<(), Trouble>;

    /// Changes what is under this key, or makes it, or takes it away. Where somebody else was faster, `change` runs again
    /// on what is there then.
    fn change(&self, table: Table, key: &str, change: &mut dyn FnMut(&mut Option<Row>)) -> Result<(), Trouble>;

    /// Looks at each of these rows, and changes it like [`Rows::change`]. A database knows a key's text only where this
    /// process put it there lately; otherwise it is empty.
    fn each(&self, table: Table, of: Of<'_>, look: &mut dyn FnMut(&str, &mut Option<Row>)) -> Result<(), Trouble>;

    /// How many rows a table has.
    fn count(&self, table: Table) -> Result<usize, Trouble>;

    /// Ends a grant, for every row that hangs on it.
    fn end(&self, grant: &Grant, now: Timestamp) -> Result<(), Trouble>;

    /// The next of consecutive numbers.
    fn next(&self, counter: Counter) -> Result<u64, Trouble>;

    /// A row is about to come into this table: throws away what has expired, every so often.
    fn tidy(&self, table: Table, now: Timestamp) -> Result<(), Trouble>;

    /// Forgets every row.
    fn clear(&self) -> Result<(), Trouble>;
}

/// Which rows of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of<'a> {
    Anybody,
    Client(&'a str),
    User(&'a str),
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counter {
    /// Sessions of browsers.
    Session,
    /// What apps wrote, and values that can be guessed by a defect.
    Value,
}

/// What a row is found by, beside its key.
#[derive(Default)]
pub(crate) struct Marks<'a> {
    pub(crate) client: Option<&'a str>,
    pub(crate) username: Option<&'a str>,
    /// What it hangs on.
    pub(crate) grant: Option<&'a Grant>,
    /// When it can be thrown away; never, where nothing is said.
    pub(crate) until: Option<Timestamp>,
}

impl Marks<'_> {
    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    pub(crate) fn are(&self, of: Of<'_>) -> bool {
        match of {
            Of::Anybody => true,
            Of::Client(client) => self.client == Some(client),
            Of::User(username) => self.username == Some(username),
        }
    }
}

/// What is told of a kept thing.
pub(crate) trait Marked {
    fn marks(&self) -> Marks<'_>;
}

/// What is kept in one of the tables.
pub(crate) trait Kept: Marked + Clone {
    const TABLE: Table;

    fn into_row(kept: Arc<Self>) -> Row;

    fn from_row(row: Row) -> Option<Arc<Self>>;
}

macro_rules! tables {
    ($($table:ident $name:literal $kept:ty;)+) => {
        /// What is kept of one kind.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(crate) enum Table { $($table,)+ }

        impl Table {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$table,)+];

            /// Its name in a database.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$table => $name,)+ }
            }
        }

        /// A row of any table. A clone is the same row until one of them is changed.
        #[derive(Clone)]
        pub(crate) enum Row { $($table(Arc<$kept>),)+ }

        impl Row {
            /// What it is found by.
            pub(crate) fn marks(&self) -> Marks<'_> {
                match self { $(Self::$table(kept) => kept.marks(),)+ }
            }

            /// Are both the same, not only alike?
            pub(crate) fn is(&self, other: &Self) -> bool {
                match (self, other) {
                    $((Self::$table(one), Self::$table(other)) => Arc::ptr_eq(one, other),)+
                    _ => false,
                }
            }

            /// As a database keeps it.
            pub(crate) fn written(&self) -> serde_json::Result<String> {
                match self { $(Self::$table(kept) => write(&**kept),)+ }
            }

            /// As a database kept it.
            pub(crate) fn read(table: Table, text: &str) -> serde_json::Result<Self> {
                match table { $(Table::$table => read(text).map(Self::$table),)+ }
            }
        }

        $(impl Kept for $kept {
            const TABLE: Table = Table::$table;

            fn into_row(kept: Arc<Self>) -> Row {
                Row::$table(kept)
            }

            fn from_row(row: Row) -> Option<Arc<Self>> {
                match row {
                    Row::$table(kept) => Some(kept),
                    _ => None,
                }
            }
        })+
    };
}

tables! {
    AccessToken "access_token" AccessToken;
    Code "code" Code;
    Delegated "delegated" Delegated;
    LaunchUrl "launch_url" LaunchUrl;
    Pending "pending" Pending;
    Pushed "pushed" Pushed;
    RefreshToken "refresh_token" RefreshToken;
    Registration "registration" Registration;
    Session "session" Session;
    Spent "spent" Spent;
}

fn write(kept: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string(kept)
}

fn read<T: DeserializeOwned>(text: &str) -> serde_json::Result<Arc<T>> {
    serde_json::from_str(text).map(Arc::new)
}
