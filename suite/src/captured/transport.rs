//! A target that consists of captured documents: it answers where they would stand, and nowhere else.

use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::HeaderMap;

use super::document::{Documents, Kind};
use crate::http::{Failure, Limits, Request, Response, Transport};

/// FHIR base of a server of which only documents are known; RFC 6761 §6.4: nobody has this name.
pub const BASE: &str = "https://captured.invalid/fhir";
/// Where its keys stand, if no document says so.
pub const KEYS: &str = "https://captured.invalid/jwks";
/// Where its brands stand, if no document says so.
pub const BRANDS: &str = "https://captured.invalid/brands.json";

/// The documents, as a server would answer them.
#[derive(Debug, Clone)]
pub struct Captured {
    documents: Documents,
    keys_at: String,
    brands_at: String,
}

impl Captured {
    /// A server of these documents.
    pub fn new(documents: Documents) -> Self {
        let listed = |name: &str| {
            let smart = documents.get(Kind::Smart).and_then(|smart| smart[name].as_str());
            let openid = || documents.get(Kind::Openid).and_then(|openid| openid[name].as_str());
            smart.or_else(openid).map(str::to_owned)
        };
        let keys_at = listed("jwks_uri").unwrap_or_else(|| KEYS.to_owned());
        let brands_at = listed("user_access_brand_bundle").unwrap_or_else(|| BRANDS.to_owned());
        Self {
            documents,
            keys_at,
            brands_at,
        }
    }

    /// Where its brands are answered.
    pub fn brands_at(&self) -> &str {
        &self.brands_at
    }

    /// Where its keys are answered.
    pub fn keys_at(&self) -> &str {
        &self.keys_at
    }

    fn kind_at(&self, request: &Request) -> Option<Kind> {
        let url = request.url.as_str();
        if self.documents.has(Kind::Keys) && url == self.keys_at {
            return Some(Kind::Keys);
        }
        if self.documents.has(Kind::Brands) && url == self.brands_at {
            return Some(Kind::Brands);
        }
        let path = request.url.path();
        [
            ("/.well-known/smart-configuration", Kind::Smart),
            ("/.well-known/openid-configuration", Kind::Openid),
            ("/metadata", Kind::Capability),
        ]
        .into_iter()
        .find(|(end, _)| path.ends_with(end))
        .map(|(_, kind)| kind)
        .or_else(|| {
            path.contains("/.well-known/oauth-authorization-server")
                .then_some(Kind::Oauth)
        })
    }

    fn answer(&self, request: &Request) -> Result<Response, Failure> {
        let Some(kind) = self.kind_at(request) else {
            return Err(Failure::NotSent(
                "captured documents are judged without a network".to_owned(),
            ));
        };
        let Some(document) = self.documents.get(kind) else {
            return Err(Failure::NotSent(format!("no {kind} was given")));
        };
        Ok(Response {
            status: 200,
            headers: HeaderMap::new(),
            body: Bytes::from(document.to_string()),
            elapsed: Duration::ZERO,
        })
    }
}

impl Transport for Captured {
    fn send<'a>(&'a self, request: &'a Request, _limits: &'a Limits) -> BoxFuture<'a, Result<Response, Failure>> {
        std::future::ready(self.answer(request)).boxed()
    }
}
