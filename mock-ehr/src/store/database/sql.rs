//! What a database has to be able to do. Everything above speaks in single statements, each of which is whole by itself.

use crate::store::trouble::Trouble;

/// A value of a statement, or of what it found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Text(String),
    Number(i64),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

/// One row of an answer, read from left to right.
pub(crate) struct Found(std::vec::IntoIter<Value>);

impl Found {
    pub(super) fn new(values: Vec<Value>) -> Self {
        Self(values.into_iter())
    }

    pub(crate) fn text(&mut self) -> Result<String, Trouble> {
        match self.0.next() {
            Some(Value::Text(text)) => Ok(text),
            _ => Err(Trouble("it answered something else than a text".to_owned())),
        }
    }

    pub(crate) fn number(&mut self) -> Result<i64, Trouble> {
        match self.0.next() {
            Some(Value::Number(number)) => Ok(number),
            _ => Err(Trouble("it answered something else than a number".to_owned())),
        }
    }
}

/// A database. Statements have their values as `?1`, `?2`, …
pub(super) trait Sql: Send + Sync {
    /// What a statement finds, or gives back.
    fn ask(&self, statement: &'static str, values: Vec<Value>) -> Result<Vec<Found>, Trouble>;

    /// How many rows a statement changes.
    fn tell(&self, statement: &'static str, values: Vec<Value>) -> Result<u64, Trouble>;

    /// Statements that make the tables, while nobody else does.
    fn build(&self, statements: &str) -> Result<(), Trouble>;
}

/// Runs what blocks, so that other requests go on where that is possible.
pub(super) fn blocking<T>(work: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}
