//! Whether the server did what was asked, refused, or did something that is neither.
//!
//! A refusal is a 4xx without a token or a code; 408, 429 and 5xx never are, nor is a 403 that something before the
//! server may have sent. RFC 6749 §4.1.2.1 and §5.2, RFC 6750 §3.1.

use schemars::JsonSchema;
use serde::Deserialize;

use super::finding::Finding;
use crate::step::context::{Answer, Authorization, Outcome};
use crate::step::landing::{self, short};
use crate::step::{Context, Deed};
use crate::user_agent::Landing;

/// `refused_by: exchange`: a bare word, since it is what most scenarios end with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefusedBy {
    /// No code to any address, and no visit to one that is not registered.
    Authorize,
    /// At the authorization endpoint, or no token.
    Exchange,
    /// The pushed request was not kept.
    Push,
    /// No client was registered.
    Register,
    /// The registration was not shown, changed or ended.
    Manage,
    /// No token for a backend service.
    Backend,
    /// No new token.
    Refresh,
    /// At any stage up to the FHIR API: no data.
    Fhir,
    /// At any stage that was tried.
    Any,
    /// The introspection endpoint refused the caller.
    Introspect,
    /// The revocation endpoint refused the caller.
    Revoke,
    /// The userinfo endpoint refused the caller.
    Userinfo,
}

/// How the server reacted to one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reaction {
    /// It did what was asked; what it gave.
    Accepted(String),
    /// It refused; how.
    Refused(String),
    /// It sent the browser to an address that is not registered.
    Astray(String),
    /// A 5xx.
    Failed(String),
    /// 429, 408, silence, a cut connection, a page nobody understands: neither.
    Unclear(String),
}

impl Reaction {
    /// Of a finished step.
    pub fn of(deed: &Deed) -> Self {
        match &deed.outcome {
            Outcome::Authorized(authorization) => of_authorization(authorization),
            Outcome::Answered(answer) => of_answer(deed.verb, answer),
            Outcome::Launched { .. } => Self::Accepted("an EHR launch".to_owned()),
            Outcome::Probed(_) => Self::Accepted("hosts were asked about their TLS".to_owned()),
            Outcome::Waited => Self::Accepted("time passed".to_owned()),
        }
    }

    /// What it was, in words.
    pub fn words(&self) -> &str {
        match self {
            Self::Accepted(words)
            | Self::Refused(words)
            | Self::Astray(words)
            | Self::Failed(words)
            | Self::Unclear(words) => words,
        }
    }
}

fn of_authorization(authorization: &Authorization) -> Reaction {
    let words = landing::describe(authorization);
    match &authorization.landing {
        Landing::Callback(_) => {
            let given = ["code", "access_token", "id_token"];
            if given.iter().any(|name| authorization.parameter(name).is_some()) {
                Reaction::Accepted(words)
            } else if !authorization.registered {
                Reaction::Astray(words)
            } else if authorization.parameter("error").is_some() {
                Reaction::Refused(words)
            } else {
                Reaction::Unclear(words)
            }
        }
        Landing::Foreign(url) => {
            let asked = url::Url::parse(&authorization.sent.redirect_uri).ok();
            if asked.is_some_and(|asked| asked.host_str() == url.host_str()) {
                Reaction::Astray(words)
            } else {
                Reaction::Unclear(words)
            }
        }
        Landing::Refused { .. } => Reaction::Refused(words),
        Landing::Trouble { status, .. } if *status >= 500 => Reaction::Failed(words),
        Landing::Trouble { .. } | Landing::Stuck { .. } | Landing::Failed(_) => Reaction::Unclear(words),
    }
}

fn of_answer(verb: &str, answer: &Answer) -> Reaction {
    let response = match answer.outcome() {
        Ok(response) => response,
        Err(failure) => return Reaction::Unclear(failure.to_string()),
    };
    let status = response.status;
    let words = describe_answer(answer);
    match status {
        500..=599 => Reaction::Failed(words),
        408 | 429 => {
            let wait = response
                .header("retry-after")
                .map(|after| format!(" (Retry-After: {after})"));
            Reaction::Unclear(format!(
                "{words}{}; raise the target's limit for the test, or set [session] sign_ins_per_minute in the profile",
                wait.unwrap_or_default()
            ))
        }
        _ => match verb {
            "exchange" | "backend" | "refresh" => of_token(answer, status, words),
            "fhir" => of_fhir(answer, status, words),
            _ if (200..300).contains(&status) => Reaction::Accepted(words),
            _ if (400..500).contains(&status) && !foreign_403(answer, status) => Reaction::Refused(words),
            _ => Reaction::Unclear(words),
        },
    }
}

fn of_token(answer: &Answer, status: u16, words: String) -> Reaction {
    if answer.text("access_token").is_some() {
        return Reaction::Accepted(words);
    }
    let oauth = answer.text("error").is_some();
    match status {
        // Some servers put the error into a 200; no token was given, and error_response judges the status.
        200..=299 if oauth => Reaction::Refused(words),
        400..=499 if !foreign_403(answer, status) => Reaction::Refused(words),
        _ => Reaction::Unclear(words),
    }
}

fn of_fhir(answer: &Answer, status: u16, words: String) -> Reaction {
    let json = answer.json.as_ref();
    let kind = json.and_then(|json| json["resourceType"].as_str());
    let empty = json.is_some_and(|json| {
        json["resourceType"] == "Bundle"
            && json["entry"]
                .as_array()
                .is_none_or(|entries| entries.is_empty() || only_outcomes(entries))
    });
    match status {
        200..=299 if empty => Reaction::Refused(words),
        200..=299 if kind.is_some() => Reaction::Accepted(words),
        // A write is done without a word where the client did not ask for one.
        200..=299 if is_write(answer) => Reaction::Accepted(words),
        400..=499 if !foreign_403(answer, status) => Reaction::Refused(words),
        _ => Reaction::Unclear(words),
    }
}

fn is_write(answer: &Answer) -> bool {
    let request = &answer.exchange.request;
    match request.method.as_str() {
        "PUT" | "PATCH" | "DELETE" => true,
        "POST" => !request.url.path().ends_with("/_search"),
        _ => false,
    }
}

fn only_outcomes(entries: &[serde_json::Value]) -> bool {
    entries
        .iter()
        .all(|entry| entry["resource"]["resourceType"] == "OperationOutcome")
}

/// A 403 without an OAuth error, an OperationOutcome or `WWW-Authenticate`: a firewall's, for all we know.
fn foreign_403(answer: &Answer, status: u16) -> bool {
    let ours = answer.text("error").is_some()
        || answer.text("resourceType").is_some()
        || answer
            .outcome()
            .is_ok_and(|response| response.headers.contains_key("www-authenticate"));
    status == 403 && !ours
}

/// An answer in words: status, error and description, or what it gave.
pub fn describe_answer(answer: &Answer) -> String {
    let response = match answer.outcome() {
        Ok(response) => response,
        Err(failure) => return failure.to_string(),
    };
    let status = response.status;
    if answer.text("access_token").is_some() {
        return format!("status {status} with an access token");
    }
    match (
        answer.text("error"),
        answer.text("error_description"),
        answer.text("resourceType"),
    ) {
        (Some(error), Some(why), _) => format!("status {status}, error `{error}`: {}", short(why)),
        (Some(error), None, _) => format!("status {status}, error `{error}`"),
        (None, _, Some(kind)) => {
            let article = if kind.starts_with(['A', 'E', 'I', 'O']) {
                "an"
            } else {
                "a"
            };
            format!("status {status} with {article} {kind}")
        }
        (None, _, None) if answer.json.is_some() => format!("status {status} with JSON"),
        (None, _, None) => {
            let kind = response.header("content-type").unwrap_or("no Content-Type").to_owned();
            format!("status {status} ({kind}, {} bytes)", response.body.len())
        }
    }
}

/// `refused_by`: judges the last step that could have been refused.
pub fn refused_by(context: &Context<'_>, stage: RefusedBy) -> Finding {
    let verbs = stages(stage);
    let Some(deed) = context
        .deeds
        .iter()
        .rev()
        .find(|deed| verbs.contains(&deed.verb) && deed.label.as_deref() != Some(GIVEN))
    else {
        return Finding::Unreached(format!(
            "no step that `{}` could judge was reached",
            verbs.join("` or `")
        ));
    };
    let expected = expected(stage);
    match Reaction::of(deed) {
        Reaction::Refused(words) => Finding::Holds(Some(format!("refused at {}: {words}", deed.verb))),
        Reaction::Accepted(words) | Reaction::Astray(words) => Finding::broken(expected, &words),
        Reaction::Failed(words) => Finding::ServerError(words),
        Reaction::Unclear(words) => Finding::Undecided(words),
    }
}

/// The label of what the given left behind.
pub const GIVEN: &str = "given";

fn stages(stage: RefusedBy) -> &'static [&'static str] {
    match stage {
        RefusedBy::Authorize => &["push", "authorize"],
        RefusedBy::Exchange => &["push", "authorize", "exchange", "backend"],
        RefusedBy::Backend => &["backend"],
        RefusedBy::Register => &["register"],
        RefusedBy::Manage => &["read_registration", "update_registration", "delete_registration"],
        RefusedBy::Push => &["push"],
        RefusedBy::Refresh => &["refresh"],
        RefusedBy::Fhir => &["authorize", "exchange", "backend", "fhir"],
        RefusedBy::Any => &[
            "authorize",
            "exchange",
            "backend",
            "refresh",
            "introspect",
            "revoke",
            "fhir",
            "request",
        ],
        RefusedBy::Introspect => &["introspect"],
        RefusedBy::Revoke => &["revoke"],
        RefusedBy::Userinfo => &["userinfo"],
    }
}

fn expected(stage: RefusedBy) -> &'static str {
    match stage {
        RefusedBy::Authorize => "a refusal: no code to any address, and the browser sent to no unregistered one",
        RefusedBy::Exchange => "a refusal at the authorization or the token endpoint: no token",
        RefusedBy::Push => "a refusal of the pushed request",
        RefusedBy::Register => "a refusal at the registration endpoint: no client",
        RefusedBy::Manage => "a refusal at the address of the registration",
        RefusedBy::Backend => "a refusal at the token endpoint: no token",
        RefusedBy::Refresh => "a refusal at the token endpoint: no new token",
        RefusedBy::Fhir => "a refusal, at the latest at the FHIR API: no data",
        RefusedBy::Any => "a refusal",
        RefusedBy::Introspect => "a refusal of the caller by the introspection endpoint",
        RefusedBy::Revoke => "a refusal of the caller by the revocation endpoint",
        RefusedBy::Userinfo => "a refusal of the caller by the userinfo endpoint",
    }
}
