//! Changes a URI as raw text: the filters of `{redirect_uri|port:1}`.
//!
//! What a URL library would normalise (dot segments, case, escapes, backslashes) is just what must survive here, so the
//! parts are cut by RFC 3986 Appendix B and joined again untouched: <https://www.rfc-editor.org/rfc/rfc3986#appendix-B>
//!
//! A filter that finds nothing to change (the host of `app:/cb`, say) leaves the value as it was, and a case whose value
//! is unchanged is skipped.

use super::{jwt, scopes, text};

/// Every filter by its name.
pub const FILTERS: &[&str] = &[
    "backslash_authority",
    "base64url_sha256",
    "dot_segments",
    "drop_last_char",
    "encode_last_char",
    "first",
    "flip_last",
    "fragment",
    "host",
    "host_prefix",
    "host_suffix",
    "jwt_alg_none",
    "jwt_claims_changed",
    "jwt_unsigned",
    "lower",
    "nested",
    "path_append",
    "percent_encode",
    "port",
    "query",
    "repeat",
    "reverse",
    "scheme",
    "scopes_v1",
    "scopes_v2",
    "subdomain",
    "trailing_slash",
    "truncate",
    "upper",
    "upper_host",
    "upper_path",
    "userinfo",
    "without_query",
];

/// Why a filter cannot be applied: always a fault of the scenario.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// Not one of [`FILTERS`].
    #[error("there is no filter `{0}`")]
    Unknown(String),
    /// A filter that needs an argument.
    #[error("the filter `{0}` needs an argument: `|{0}:…`")]
    MissingArgument(String),
    /// A filter that takes none.
    #[error("the filter `{name}` takes no argument, and has `{argument}`")]
    UnexpectedArgument {
        /// Which filter.
        name: String,
        /// What stood behind it.
        argument: String,
    },
    /// A filter that takes a number.
    #[error("the filter `{name}` takes a whole number from 0 to {most}, not `{argument}`")]
    NotANumber {
        /// Which filter.
        name: String,
        /// What stood behind it.
        argument: String,
        /// The greatest that it takes.
        most: usize,
    },
}

/// The greatest number that a filter takes: a port, and enough to make a value over-long.
const MOST: usize = 65_536;

/// Applies one filter.
///
/// | filter | makes of `https://app.example/cb?a=1` |
/// |---|---|
/// | `scheme:http` | `http://app.example/cb?a=1` |
/// | `userinfo:x` | `https://x@app.example/cb?a=1` |
/// | `host:x.example` | `https://x.example/cb?a=1` |
/// | `host_prefix:x`, `host_suffix:.x`, `subdomain:x` | `xapp.example`, `app.example.x`, `x.app.example` in the host's place |
/// | `port:1` | `https://app.example:1/cb?a=1` |
/// | `upper_host`, `upper_path` | `APP.EXAMPLE`, `/CB` in their place |
/// | `backslash_authority`, `…:x.example` | `https:\\app.example/cb?a=1`, `https://x.example\@app.example/cb?a=1` |
/// | `path_append:/x` | `https://app.example/cb/x?a=1` |
/// | `dot_segments` | `https://app.example/x/../cb?a=1` |
/// | `encode_last_char` | `https://app.example/c%62?a=1` |
/// | `trailing_slash` | `https://app.example/cb/?a=1`, and back |
/// | `query:b=2`, `without_query` | `https://app.example/cb?a=1&b=2`, `https://app.example/cb` |
/// | `fragment:x` | `https://app.example/cb?a=1#x` |
///
/// Of any text: `upper`, `lower`, `reverse`, `drop_last_char`, `flip_last` (another character of the same class),
/// `first:N` and `truncate:N` (both: at most its first N characters), `repeat:N` (N copies), `nested:N` (as JSON, in N arrays), `percent_encode` (all but
/// the unreserved), `base64url_sha256`. Of a list of scopes: `scopes_v1` and `scopes_v2` write those over data in the
/// grammar of that version, where it has words for them. Of a JWT: `jwt_alg_none` (without signature, with `alg: none` or
/// the spelling that is given), `jwt_claims_changed` (under the old signature), `jwt_unsigned` (without signature).
pub fn apply(filter: &str, argument: Option<&str>, value: &str) -> Result<String, FilterError> {
    check(filter, argument)?;
    let given = argument.unwrap_or_default();
    // `check` has seen to it that a number is one.
    let number = given.parse().unwrap_or_default();
    Ok(match filter {
        "upper" => value.to_uppercase(),
        "lower" => value.to_lowercase(),
        "reverse" => value.chars().rev().collect(),
        "drop_last_char" => text::without_last(value),
        "flip_last" => text::flip_last(value),
        "first" | "truncate" => value.chars().take(number).collect(),
        "repeat" => value.repeat(number),
        "nested" => format!("{}\"{value}\"{}", "[".repeat(number), "]".repeat(number)),
        "percent_encode" => text::percent_encode(value),
        "base64url_sha256" => text::base64url_sha256(value),
        "jwt_alg_none" => jwt::alg_none(value, argument.unwrap_or("none")),
        "jwt_claims_changed" => jwt::claims_changed(value),
        "jwt_unsigned" => jwt::unsigned(value),
        "scopes_v1" => scopes::in_v1(value),
        "scopes_v2" => scopes::in_v2(value),
        _ => {
            let mut uri = Parts::split(value);
            uri.apply(filter, argument, given);
            uri.join()
        }
    })
}

/// Whether the filter exists and has the argument that it needs; for `lint`, before there is a value.
pub fn check(filter: &str, argument: Option<&str>) -> Result<(), FilterError> {
    if !FILTERS.contains(&filter) {
        return Err(FilterError::Unknown(filter.to_owned()));
    }
    match (expectation(filter), argument) {
        (Expects::Nothing, None) | (Expects::Perhaps, _) | (Expects::Text, Some(_)) => Ok(()),
        (Expects::Nothing, Some(argument)) => Err(FilterError::UnexpectedArgument {
            name: filter.to_owned(),
            argument: argument.to_owned(),
        }),
        (Expects::Text | Expects::Number, None) => Err(FilterError::MissingArgument(filter.to_owned())),
        (Expects::Number, Some(argument)) => match argument.parse::<usize>() {
            Ok(number) if number <= MOST => Ok(()),
            _ => Err(FilterError::NotANumber {
                name: filter.to_owned(),
                argument: argument.to_owned(),
                most: MOST,
            }),
        },
    }
}

enum Expects {
    Nothing,
    Text,
    Number,
    Perhaps,
}

fn expectation(filter: &str) -> Expects {
    match filter {
        "backslash_authority" | "jwt_alg_none" => Expects::Perhaps,
        "port" | "first" | "truncate" | "repeat" | "nested" => Expects::Number,
        "scheme" | "userinfo" | "host" | "host_prefix" | "host_suffix" | "subdomain" | "path_append" | "query"
        | "fragment" => Expects::Text,
        _ => Expects::Nothing,
    }
}

/// A URI cut into its parts; joined, they are the same text again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Parts {
    scheme: Option<String>,
    /// What stands between scheme and authority: `//`, unless a filter changes it.
    slashes: String,
    userinfo: Option<String>,
    /// `None` where there is no authority.
    host: Option<String>,
    port: Option<String>,
    path: String,
    query: Option<String>,
    fragment: Option<String>,
}

impl Parts {
    fn split(text: &str) -> Self {
        let (rest, fragment) = cut(text, '#');
        let (rest, query) = cut(rest, '?');
        let (scheme, rest) = match rest.split_once(':') {
            Some((scheme, rest)) if is_scheme(scheme) => (Some(scheme.to_owned()), rest),
            _ => (None, rest),
        };
        let mut parts = Self {
            scheme,
            query,
            fragment,
            ..Self::default()
        };
        let Some(rest) = rest.strip_prefix("//") else {
            rest.clone_into(&mut parts.path);
            return parts;
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (userinfo, address) = match authority.rsplit_once('@') {
            Some((userinfo, address)) => (Some(userinfo.to_owned()), address),
            None => (None, authority),
        };
        // The colons of an IPv6 address stand in brackets.
        let behind_bracket = address.rfind(']').map_or(0, |position| position + 1);
        let (host, port) = match address[behind_bracket..].rfind(':') {
            Some(colon) => {
                let colon = behind_bracket + colon;
                (&address[..colon], Some(address[colon + 1..].to_owned()))
            }
            None => (address, None),
        };
        "//".clone_into(&mut parts.slashes);
        parts.userinfo = userinfo;
        parts.host = Some(host.to_owned());
        parts.port = port;
        path.clone_into(&mut parts.path);
        parts
    }

    fn join(&self) -> String {
        let mut text = String::new();
        if let Some(scheme) = &self.scheme {
            text.extend([scheme, ":"]);
        }
        text.push_str(&self.slashes);
        if let Some(userinfo) = &self.userinfo {
            text.extend([userinfo, "@"]);
        }
        text.push_str(self.host.as_deref().unwrap_or_default());
        if let Some(port) = &self.port {
            text.extend([":", port]);
        }
        text.push_str(&self.path);
        if let Some(query) = &self.query {
            text.extend(["?", query]);
        }
        if let Some(fragment) = &self.fragment {
            text.extend(["#", fragment]);
        }
        text
    }

    fn apply(&mut self, filter: &str, argument: Option<&str>, given: &str) {
        match filter {
            "scheme" => self.scheme = self.scheme.take().map(|_| given.to_owned()),
            "upper_path" => self.path = text::upper_outside_escapes(&self.path),
            "path_append" => self.path.push_str(given),
            "dot_segments" => self.add_dot_segments(),
            "encode_last_char" => self.path = text::encode_last_unreserved(&self.path),
            "trailing_slash" => match self.path.strip_suffix('/') {
                Some(shorter) => self.path = shorter.to_owned(),
                None => self.path.push('/'),
            },
            "query" => {
                self.query = Some(match self.query.take().filter(|query| !query.is_empty()) {
                    Some(query) => format!("{query}&{given}"),
                    None => given.to_owned(),
                });
            }
            "without_query" => self.query = None,
            "fragment" => self.fragment = Some(given.to_owned()),
            _ => self.apply_to_authority(filter, argument, given),
        }
    }

    fn apply_to_authority(&mut self, filter: &str, argument: Option<&str>, given: &str) {
        let Some(host) = self.host.take() else { return };
        self.host = Some(match filter {
            "host" => given.to_owned(),
            "host_prefix" => format!("{given}{host}"),
            "host_suffix" => format!("{host}{given}"),
            "subdomain" => format!("{given}.{host}"),
            "upper_host" => host.to_ascii_uppercase(),
            _ => host,
        });
        match (filter, argument) {
            ("port", _) => self.port = Some(given.to_owned()),
            ("userinfo", _) => self.userinfo = Some(given.to_owned()),
            // A browser ends the host at the backslash; who reads by RFC 3986 takes what precedes the @ for userinfo.
            ("backslash_authority", Some(other)) => self.userinfo = Some(format!("{other}\\")),
            ("backslash_authority", None) => r"\\".clone_into(&mut self.slashes),
            _ => {}
        }
    }

    /// `/a/cb` becomes `/a/x/../cb`: the same place, for whoever normalises.
    fn add_dot_segments(&mut self) {
        match self.path.rfind('/') {
            Some(slash) => self.path.insert_str(slash, "/x/.."),
            None if self.host.is_some() => self.path.push_str("/x/.."),
            None => self.path.insert_str(0, "x/../"),
        }
    }
}

fn cut(text: &str, at: char) -> (&str, Option<String>) {
    match text.split_once(at) {
        Some((before, behind)) => (before, Some(behind.to_owned())),
        None => (text, None),
    }
}

/// RFC 3986 §3.1.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;
