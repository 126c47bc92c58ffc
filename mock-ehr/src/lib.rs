//! A strict SMART App Launch authorization server with FHIR R4 data, for tests; it misbehaves only by a named defect.
//!
//! | specification | module |
//! |---|---|
//! | SMART App Launch 2.2, launch | [`launch`] |
//! | SMART App Launch 2.2, conformance; OpenID Connect Discovery | `discovery`, `jwks` |
//! | SMART App Launch 2.2, brands | `brands` |
//! | RFC 6749 §4.1.1, §4.1.2; RFC 7636; RFC 8252 §7.3; RFC 9207 | `authorize` |
//! | RFC 6749 §2.3, §3.2; RFC 7523 | `token::client_auth`, [`fetch`] |
//! | RFC 6749 §4.1.3, §5, §6; OpenID Connect Core §2 | `token` |
//! | RFC 6750; FHIR R4 | [`token::access`], [`fhir`] |
//! | RFC 9126 | `authorize::pushed` |
//! | RFC 7591, RFC 7592 | `register`, `register::manage` |
//! | OpenID Connect RP-Initiated Logout | `end_session` |
//! | OpenID Connect Core §3.1, as a client of an identity provider | [`identity_provider`] |
//! | RFC 9325 | `tls` |
//! | SMART scopes | [`scope`] |
//! | RFC 7662, RFC 7009 | `introspect`, `revoke` |
//!
//! ```
//! let mock = mock_ehr::MockEhr::builder().public_url("http://127.0.0.1:8080").build()?;
//! let _router = mock.router();
//! assert_eq!(mock.fhir_base(), "http://127.0.0.1:8080/fhir");
//! # Ok::<(), mock_ehr::config::ConfigError>(())
//! ```

mod authorize;
mod brands;
mod builder;
mod chance;
pub mod clock;
pub mod config;
mod cors;
mod crowd;
pub mod defect;
mod discovery;
mod end_session;
mod faults;
pub mod fetch;
pub mod fhir;
mod form;
mod granted_apps;
pub mod identity_provider;
mod inspect;
mod introspect;
pub mod journal;
mod jwks;
mod keys;
pub mod launch;
mod management;
mod page;
pub mod persona;
mod register;
mod revoke;
mod router;
pub mod scope;
pub mod serve;
pub mod state;
mod store;
pub mod switches;
mod tls;
pub mod token;
pub mod userinfo;
mod variant;

pub use builder::{Builder, MockEhr};
pub use config::Config;
pub use defect::Defect;
pub use launch::LaunchRequest;
pub use persona::Persona;
pub use state::AppState;
pub use store::database::{Database, DatabaseAddress, DatabaseError};
pub use variant::Variant;
