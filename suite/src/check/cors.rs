//! Whether a browser lets a page of another origin send a request and read its answer.
//!
//! Fetch, "CORS protocol": <https://fetch.spec.whatwg.org/#http-cors-protocol>. The browser's own algorithm is followed,
//! so that only what it would refuse is broken.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, CACHE_CONTROL,
    HeaderName, ORIGIN, VARY,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::finding::{Finding, answer};
use super::refusal::describe_answer;
use crate::http::Response;
use crate::step::Context;
use crate::step::context::{Answer, Outcome};

/// `cors`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CorsArgs {
    /// Label or verb of the step; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// The rule.
    pub rule: CorsRule,
}

/// A rule of the CORS protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CorsRule {
    /// A page of the request's `Origin` may read the answer.
    Readable,
    /// A page of the request's `Origin` may not read the answer to a request with cookies.
    UnreadableWithCookies,
    /// The preflight allows what it asked for; `*` counts for every header field.
    Allowed,
    /// The preflight names `Authorization`, which `*` does not cover.
    AuthorizationNamed,
    /// Where credentials are allowed, one origin is named, and caches are told so.
    Credentials,
    /// Of several answers of this scenario that name different origins, each says that it varies by `Origin`.
    Varies,
}

/// `cors`.
pub fn cors(context: &Context<'_>, args: &CorsArgs) -> Finding {
    if args.rule == CorsRule::Varies {
        return varies(context);
    }
    let answer = match answer(context, args.of.as_deref()) {
        Ok(answer) => answer,
        Err(finding) => return finding,
    };
    let response = match answer.outcome() {
        Ok(response) => response,
        Err(failure) => return Finding::Undecided(failure.to_string()),
    };
    if matches!(response.status, 408 | 429) {
        return Finding::Undecided(describe_answer(answer));
    }
    let Some(asked) = Asked::of(answer) else {
        return Finding::Unreached("the request had no Origin".to_owned());
    };
    match args.rule {
        CorsRule::Readable => readable(&asked, response),
        CorsRule::UnreadableWithCookies => unreadable_with_cookies(&asked, response),
        CorsRule::Allowed => match readable(&asked, response) {
            Finding::Holds(_) => allowed(&asked, response),
            other => other,
        },
        CorsRule::AuthorizationNamed => authorization_named(response),
        CorsRule::Credentials => credentials(response),
        CorsRule::Varies => varies(context),
    }
}

/// What the browser asked.
struct Asked {
    origin: String,
    method: Option<String>,
    headers: Vec<String>,
}

impl Asked {
    fn of(answer: &Answer) -> Option<Self> {
        let sent = |name: HeaderName| {
            answer
                .exchange
                .request
                .headers
                .iter()
                .find(|(known, _)| *known == name)
                .and_then(|(_, value)| value.to_str().ok())
                .map(str::to_owned)
        };
        Some(Self {
            origin: sent(ORIGIN)?,
            method: sent(ACCESS_CONTROL_REQUEST_METHOD),
            headers: words(sent(ACCESS_CONTROL_REQUEST_HEADERS).as_deref().unwrap_or_default()),
        })
    }
}

fn words(list: &str) -> Vec<String> {
    list.split(',')
        .map(|one| one.trim().to_ascii_lowercase())
        .filter(|one| !one.is_empty())
        .collect()
}

fn values(response: &Response, name: &HeaderName) -> Vec<String> {
    response
        .headers
        .get_all(name)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect()
}

fn listed(response: &Response, name: &HeaderName) -> Vec<String> {
    words(&values(response, name).join(","))
}

/// The value as a browser reads it: several fields are joined, and then are no origin.
fn allow_origin(response: &Response) -> Option<String> {
    let all = values(response, &ACCESS_CONTROL_ALLOW_ORIGIN);
    (!all.is_empty()).then(|| all.join(", "))
}

fn readable(asked: &Asked, response: &Response) -> Finding {
    let origin = &asked.origin;
    let came = allow_origin(response);
    let fits = came.as_deref().is_some_and(|came| came == "*" || came == origin);
    let status = response.status;
    let observed = match came {
        None => format!("status {status} without Access-Control-Allow-Origin"),
        Some(came) => format!("status {status}, Access-Control-Allow-Origin: {came}"),
    };
    Finding::when(
        fits,
        format!("Access-Control-Allow-Origin: `*` or `{origin}`, exactly once"),
        observed,
    )
}

// Fetch, CORS check: with credentials `*` opens nothing, and the answer has to allow credentials too.
fn unreadable_with_cookies(asked: &Asked, response: &Response) -> Finding {
    let named = allow_origin(response).as_deref() == Some(asked.origin.as_str());
    let allows = values(response, &ACCESS_CONTROL_ALLOW_CREDENTIALS) == ["true"];
    Finding::when(
        !(named && allows),
        format!(
            "no answer that a page of `{}` may read with the user's cookies",
            asked.origin
        ),
        format!(
            "Access-Control-Allow-Origin: {} with Access-Control-Allow-Credentials: true",
            asked.origin
        ),
    )
}

fn allowed(asked: &Asked, response: &Response) -> Finding {
    // Fetch, CORS-preflight fetch step 7: the status is an ok status.
    if !(200..300).contains(&response.status) {
        return Finding::broken("a status from 200 to 299", format!("status {}", response.status));
    }
    let method = asked.method.as_deref().unwrap_or("GET");
    let methods = listed(response, &ACCESS_CONTROL_ALLOW_METHODS);
    // CORS-safelisted methods need not be named.
    let simple = ["GET", "HEAD", "POST"].contains(&method);
    let named = methods.iter().any(|one| one == "*" || one.eq_ignore_ascii_case(method));
    if !simple && !named {
        return Finding::broken(
            format!("Access-Control-Allow-Methods with {method}"),
            shown("Access-Control-Allow-Methods", &methods),
        );
    }
    let headers = listed(response, &ACCESS_CONTROL_ALLOW_HEADERS);
    let lacking = asked
        .headers
        .iter()
        .find(|name| !headers.iter().any(|one| one == "*" || one == *name));
    match lacking {
        Some(name) => Finding::broken(
            format!("Access-Control-Allow-Headers with {name}"),
            shown("Access-Control-Allow-Headers", &headers),
        ),
        None => Finding::holds(),
    }
}

fn authorization_named(response: &Response) -> Finding {
    let headers = listed(response, &ACCESS_CONTROL_ALLOW_HEADERS);
    if headers.is_empty() {
        return Finding::TooLittle("the preflight allows no header field at all; that is judged elsewhere".to_owned());
    }
    Finding::when(
        headers.iter().any(|one| one == "authorization"),
        "Access-Control-Allow-Headers that names Authorization, which `*` does not cover",
        shown("Access-Control-Allow-Headers", &headers),
    )
}

fn shown(name: &str, list: &[String]) -> String {
    if list.is_empty() {
        format!("no {name}")
    } else {
        format!("{name}: {}", list.join(", "))
    }
}

fn credentials(response: &Response) -> Finding {
    let allows = values(response, &ACCESS_CONTROL_ALLOW_CREDENTIALS) == ["true"];
    let came = allow_origin(response);
    match came.as_deref() {
        None => Finding::TooLittle("no other origin may read this answer".to_owned()),
        Some(_) if !allows => Finding::Holds(Some("credentials are not allowed".to_owned())),
        Some("*") => Finding::broken(
            "one origin, where Access-Control-Allow-Credentials is true",
            "Access-Control-Allow-Origin: * with Access-Control-Allow-Credentials: true",
        ),
        Some(_) => Finding::holds(),
    }
}

/// Answers of this scenario that allow different things to different origins must not be taken for each other by a cache.
fn varies(context: &Context<'_>) -> Finding {
    let answers: Vec<&Response> = context
        .deeds
        .iter()
        .filter_map(|deed| match &deed.outcome {
            Outcome::Answered(answer) => Asked::of(answer).and(answer.outcome().ok()),
            _ => None,
        })
        .collect();
    let mut allowed: Vec<Option<String>> = answers.iter().map(|response| allow_origin(response)).collect();
    if allowed.iter().all(Option::is_none) {
        return Finding::TooLittle("no other origin may read these answers".to_owned());
    }
    allowed.dedup();
    if allowed.len() < 2 {
        return Finding::Holds(Some("every origin gets the same answer".to_owned()));
    }
    let told = |response: &Response| {
        let vary = listed(response, &VARY);
        vary.iter().any(|one| one == "origin" || one == "*")
            || listed(response, &CACHE_CONTROL).iter().any(|one| one == "no-store")
    };
    match answers.into_iter().find(|response| !told(response)) {
        Some(response) => Finding::broken(
            "Vary: Origin (or no-store), where the answer depends on Origin",
            shown("Vary", &listed(response, &VARY)),
        ),
        None => Finding::holds(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue};

    use super::*;

    fn response(status: u16, fields: &[(HeaderName, &'static str)]) -> Response {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name.clone(), HeaderValue::from_static(value));
        }
        Response {
            status,
            headers,
            body: Bytes::new(),
            elapsed: Duration::ZERO,
        }
    }

    fn asked(method: &str, headers: &[&str]) -> Asked {
        Asked {
            origin: "https://app.example".to_owned(),
            method: Some(method.to_owned()),
            headers: headers.iter().map(|one| (*one).to_owned()).collect(),
        }
    }

    const HOLDS: Finding = Finding::Holds(None);

    #[test]
    fn an_answer_is_readable_by_a_star_or_by_the_very_origin_and_never_by_two_values() {
        let read = |values: &[&'static str]| {
            let fields: Vec<_> = values
                .iter()
                .map(|value| (ACCESS_CONTROL_ALLOW_ORIGIN, *value))
                .collect();
            readable(&asked("GET", &[]), &response(200, &fields)) == HOLDS
        };
        assert!(read(&["*"]) && read(&["https://app.example"]));
        for wrong in [
            vec![],
            vec!["https://app.example/"],
            vec!["https://other.example"],
            vec!["null"],
            vec!["*", "*"],
            vec!["https://app.example, *"],
        ] {
            assert!(!read(&wrong), "{wrong:?}");
        }
    }

    #[test]
    fn with_cookies_an_answer_is_readable_by_the_very_origin_with_leave_alone() {
        let unreadable = |origin: &'static str, allows: &'static str| {
            let fields = [
                (ACCESS_CONTROL_ALLOW_ORIGIN, origin),
                (ACCESS_CONTROL_ALLOW_CREDENTIALS, allows),
            ];
            unreadable_with_cookies(&asked("GET", &[]), &response(200, &fields)) == HOLDS
        };
        assert!(!unreadable("https://app.example", "true"));
        assert!(unreadable("*", "true") && unreadable("https://other.example", "true"));
        assert!(unreadable("https://app.example", "True"));
        assert_eq!(unreadable_with_cookies(&asked("GET", &[]), &response(200, &[])), HOLDS);
    }

    #[test]
    fn a_preflight_needs_no_word_about_simple_methods_and_is_no_redirect() {
        let ok = response(200, &[(ACCESS_CONTROL_ALLOW_ORIGIN, "*")]);
        assert_eq!(allowed(&asked("POST", &[]), &ok), HOLDS);
        assert_ne!(allowed(&asked("PUT", &[]), &ok), HOLDS);
        assert_ne!(allowed(&asked("GET", &["authorization"]), &ok), HOLDS);
        assert_ne!(allowed(&asked("GET", &[]), &response(302, &[])), HOLDS);
        assert_ne!(allowed(&asked("GET", &[]), &response(405, &[])), HOLDS);
        let star = response(
            204,
            &[(ACCESS_CONTROL_ALLOW_HEADERS, "*"), (ACCESS_CONTROL_ALLOW_METHODS, "*")],
        );
        assert_eq!(allowed(&asked("PUT", &["authorization"]), &star), HOLDS);
        assert_ne!(authorization_named(&star), HOLDS);
    }

    #[test]
    fn credentials_need_a_named_origin() {
        let with = |origin: &'static str, allow: &'static str| {
            credentials(&response(
                200,
                &[
                    (ACCESS_CONTROL_ALLOW_ORIGIN, origin),
                    (ACCESS_CONTROL_ALLOW_CREDENTIALS, allow),
                ],
            ))
        };
        assert!(matches!(with("*", "true"), Finding::Broken { .. }));
        assert!(matches!(with("*", "false"), Finding::Holds(_)));
        assert_eq!(with("https://app.example", "true"), HOLDS);
        assert!(matches!(credentials(&response(200, &[])), Finding::TooLittle(_)));
    }
}
