//! Secrets as a type, and the vault that finds each of them again in any text.
