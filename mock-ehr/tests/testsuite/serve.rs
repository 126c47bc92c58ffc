//! The program itself on real sockets: TLS, who may reach it, how it stops, and behind a proxy.

pub(crate) mod program;
mod public_url;
mod reach;
mod stop;
mod tls;
