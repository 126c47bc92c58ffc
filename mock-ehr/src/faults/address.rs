//! Which requests a fault is for.

use http::Method;
use http::header::ACCESS_CONTROL_REQUEST_METHOD;
use http::request::Parts;
use serde::Serialize;

use crate::{brands, granted_apps};

macro_rules! endpoints {
    ($($name:literal $endpoint:ident;)+) => {
        /// An endpoint of the mock, or a group of them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Endpoint { $($endpoint,)+ }

        impl Endpoint {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$endpoint,)+];

            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$endpoint => $name,)+ }
            }
        }
    };
}

endpoints! {
    "launcher" Launcher;
    "discovery" Discovery;
    "openid_configuration" OpenidConfiguration;
    "oauth_metadata" OauthMetadata;
    "jwks" Jwks;
    "style" Style;
    "brands" Brands;
    "authorize" Authorize;
    "pages" Pages;
    "granted_apps" GrantedApps;
    "end_session" EndSession;
    "par" Par;
    "token" Token;
    "introspect" Introspect;
    "revoke" Revoke;
    "userinfo" Userinfo;
    "register" Register;
    "metadata" Metadata;
    "fhir" Fhir;
}

impl Endpoint {
    /// The endpoint at this path.
    pub(crate) fn at(path: &str) -> Option<Self> {
        Some(match path {
            "/" | "/launch" | "/launches" | "/rpc" | "/embedded" => Self::Launcher,
            "/fhir/.well-known/smart-configuration" => Self::Discovery,
            "/.well-known/openid-configuration" => Self::OpenidConfiguration,
            "/.well-known/oauth-authorization-server" => Self::OauthMetadata,
            "/.well-known/jwks.json" => Self::Jwks,
            "/smart-style.json" => Self::Style,
            brands::PATH => Self::Brands,
            "/auth/authorize" => Self::Authorize,
            granted_apps::PATH | granted_apps::SIGN_IN => Self::GrantedApps,
            "/auth/end-session" => Self::EndSession,
            "/auth/par" => Self::Par,
            "/auth/token" => Self::Token,
            "/auth/introspect" => Self::Introspect,
            "/auth/revoke" => Self::Revoke,
            "/auth/userinfo" => Self::Userinfo,
            "/fhir/metadata" => Self::Metadata,
            _ if is_below(path, "/auth/register") => Self::Register,
            _ if is_below(path, "/auth") => Self::Pages,
            _ if is_below(path, "/fhir") => Self::Fhir,
            _ => return None,
        })
    }

    /// Does no request to it tell whose it is?
    pub(crate) fn is_anonymous(self) -> bool {
        matches!(
            self,
            Self::Discovery | Self::OpenidConfiguration | Self::OauthMetadata | Self::Jwks | Self::Style | Self::Brands
        )
    }
}

impl Serialize for Endpoint {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

fn is_below(path: &str, prefix: &str) -> bool {
    let prefix = prefix.trim_end_matches('/');
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Which requests a fault is for; what is left out does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Address {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) endpoint: Option<Endpoint>,
    /// This path, and what is below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client: Option<String>,
}

/// What of a request is looked at first.
#[derive(Debug, Clone)]
pub(crate) struct Outline {
    method: Method,
    path: String,
    is_preflight: bool,
}

impl Outline {
    pub(crate) fn of(head: &Parts) -> Self {
        Self {
            method: head.method.clone(),
            path: head.uri.path().to_owned(),
            is_preflight: head.method == Method::OPTIONS && head.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD),
        }
    }
}

impl Outline {
    pub(super) fn endpoint(&self) -> Option<Endpoint> {
        Endpoint::at(&self.path)
    }
}

impl Address {
    /// Does everything fit but the client?
    pub(crate) fn fits(&self, outline: &Outline) -> bool {
        let method = match &self.method {
            Some(method) => outline.method == method.as_str(),
            None => !outline.is_preflight && outline.method != Method::HEAD,
        };
        let at = || Endpoint::at(&outline.path);
        method
            && self.endpoint.is_none_or(|endpoint| at() == Some(endpoint))
            && self.path.as_ref().is_none_or(|path| is_below(&outline.path, path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_endpoints() {
        for (path, endpoint) in [
            ("/fhir/.well-known/smart-configuration", Some("discovery")),
            ("/fhir/metadata", Some("metadata")),
            ("/fhir/Patient/a", Some("fhir")),
            ("/fhir", Some("fhir")),
            ("/fhirs", None),
            ("/auth/register/abc", Some("register")),
            ("/auth/sign-in", Some("pages")),
            ("/auth/token", Some("token")),
        ] {
            assert_eq!(Endpoint::at(path).map(Endpoint::name), endpoint, "{path}");
        }
    }

    #[test]
    fn a_path_ends_where_a_segment_ends() {
        assert!(is_below("/fhir/Patient/a", "/fhir/Patient"));
        assert!(is_below("/fhir/Patient", "/fhir/Patient/"));
        assert!(!is_below("/fhir/PatientX", "/fhir/Patient"));
        assert!(is_below("/anything", "/"));
    }
}
