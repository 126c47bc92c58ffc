//! Discovery documents that somebody captured, judged without a network: which document a file is, a way to a target that
//! consists of them, and what cannot be said of them.

pub mod document;
pub mod plan;
pub mod transport;

pub use document::{Documents, Kind};
pub use transport::Captured;
