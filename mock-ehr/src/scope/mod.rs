//! Scopes: what their text means, and what is granted of what was asked.

pub mod grammar;
pub(crate) mod grant;
pub(crate) mod misread;
pub(crate) mod plain_words;

pub use grammar::{Context, Permissions, ResourceScope, Scope, covers};
