//! The profile of a target: what it is called, which clients and users it has, how one signs in, what it claims.

pub mod ehr_launch;
mod error;
mod file;
pub mod profile;
mod reading;
mod secret_source;
pub mod sign_in;
mod spelled;

pub use ehr_launch::EhrLaunch;
pub use error::ProfileError;
pub use profile::{
    Adapt, Claims, Client, ClientKind, Consent, Credentials, Endpoints, KeySource, Profile, SecretMethod, Session,
    SmartVersion, User,
};
pub use sign_in::SignIn;
pub(crate) use spelled::without_user_info;
