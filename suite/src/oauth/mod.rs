//! The client's side of the protocol: what an app computes, signs, encodes and compares.
//!
//! Built on aws-lc-rs, apart from the mock EHR, which uses jsonwebtoken: a bug that both sides shared would be invisible.
//!
//! | module | specification |
//! |---|---|
//! | [`pkce`] | RFC 7636 |
//! | [`signing_key`], [`jws`] | RFC 7515, RFC 7518 |
//! | [`jwks`], [`public_key`] | RFC 7517 |
//! | [`jws_spelling`], [`weak_key`] | what RFC 7515 §2 and RFC 7518 §3.3 forbid |
//! | [`client_assertion`] | RFC 7523, SMART 2.2 client-confidential-asymmetric |
//! | [`scope`] | SMART 2.2 scopes-and-launch-context |
//! | [`basic`] | RFC 6749 §2.3.1 |

pub mod basic;
pub mod client_assertion;
pub mod jwks;
pub mod jws;
pub mod jws_spelling;
pub mod pkce;
pub mod public_key;
pub mod scope;
pub mod signing_key;
pub mod weak_key;
