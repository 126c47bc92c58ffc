//! Faults on request: defects and broken answers, addressed by endpoint, client and n-th request, once or always.
//!
//! The management API adds them; a request that one of them matches is answered with it, and the answer says so in
//! `X-Mock-Defect` or `X-Mock-Fault`. A defect so addressed is armed for that request alone.
//!
//! A launch can carry faults of its own, too ([`Carried`]).
//!
//! Preflights, and requests with HEAD, match and count only where the fault names their method. What the client is, is
//! read from the request before it is judged ([`whose`]): so a fault may name whom a wrong credential claims to be.
//!
//! Browsers and HTTP libraries repeat a request by themselves where a connection that was used before breaks without an
//! answer; a connection that is to stay cut is cut more than once.

mod address;
pub(crate) mod api;
mod carried;
mod effect;
mod list;
mod plan;
mod read;
mod transport;
mod whose;

pub(crate) use carried::{Carried, EXAMPLES};
pub(crate) use list::Faults;
pub(crate) use plan::{around, base, bites, is_planned, is_spoilt, layer, reached, riding};
