//! What the server says of itself, and what time it has.

use std::sync::Arc;
use std::time::Duration;

use jiff::fmt::rfc2822::DateTimeParser;
use jiff::{SignedDuration, Timestamp};
use url::Url;

use super::finding::Finding;
use crate::engine::version;
use crate::http::{Exchange, Request};
use crate::step::World;
use crate::step::world::Facts;

/// From here on assertions and id_tokens begin to be refused by strict servers and clients.
const SKEW: SignedDuration = SignedDuration::from_secs(5);

/// The documents, and whether a run can be made by them.
pub(super) fn discovery(world: &World, facts: &Facts) -> Vec<Finding> {
    let base = &world.profile.fhir_base;
    let mut findings = Vec::new();
    match (&facts.smart, &facts.smart_problem) {
        (Some(_), _) => findings.push(Finding::ok("discovery", "smart-configuration is there")),
        (None, problem) => {
            let why = problem
                .clone()
                .unwrap_or_else(|| "smart-configuration is missing".to_owned());
            let known = facts.authorization_endpoint.is_some() || facts.capability.is_some();
            findings.push(if known {
                Finding::warn(
                    "discovery",
                    why,
                    "publish it: SMART asks for it since 1.0, and apps look there first",
                )
            } else {
                Finding::fail(
                    "discovery",
                    why,
                    format!(
                        "is {base} the FHIR base, below which Patient stands? For a server without the document, give \
                         its endpoints in the profile: [endpoints] authorization_endpoint, token_endpoint"
                    ),
                )
            });
        }
    }
    findings.push(match &facts.capability {
        Some(capability) => Finding::ok(
            "discovery",
            format!(
                "CapabilityStatement is there, FHIR {}",
                capability["fhirVersion"].as_str().unwrap_or("of no version")
            ),
        ),
        None => Finding::warn(
            "discovery",
            format!("there is no CapabilityStatement at {base}/metadata"),
            "let it be read without a token: apps look there for what the server can do",
        ),
    });
    for (name, known) in [
        ("authorization_endpoint", facts.authorization_endpoint.is_some()),
        ("token_endpoint", facts.token_endpoint.is_some()),
    ] {
        if !known {
            findings.push(Finding::fail(
                "discovery",
                format!("no document names the {name}"),
                format!("give it in the profile: [endpoints] {name} = \"https://…\""),
            ));
        }
    }
    let (smart, from) = version::infer(None, &world.profile, facts);
    findings.push(Finding::ok(
        "discovery",
        format!("judged by SMART {}: {from}", smart.as_str()),
    ));
    findings
}

/// The server's keys, where it says where they are.
pub(super) async fn keys(world: &World, facts: &Facts) -> Option<Finding> {
    let at = facts.jwks_uri.clone()?;
    let todo = "id_tokens cannot be verified without the keys: let jwks_uri answer 200 with a JWK set to anybody";
    let Ok(url) = Url::parse(&at) else {
        return Some(Finding::warn(
            "keys",
            format!("jwks_uri `{at}` is not an absolute URL"),
            todo,
        ));
    };
    let (_, outcome) = world.send("jwks", Request::get(url)).await;
    Some(match outcome {
        Err(failure) => Finding::warn("keys", format!("{at}: {failure}"), todo),
        Ok(answer) => match answer.json().and_then(|json| json["keys"].as_array().map(Vec::len)) {
            Some(count) if answer.status == 200 && count > 0 => {
                Finding::ok("keys", format!("{at} holds {count} keys of the server"))
            }
            _ => Finding::warn("keys", format!("{at} answered {}, and no keys", answer.status), todo),
        },
    })
}

/// The server's clock beside ours, by the `Date` of an answer.
pub(super) async fn clock(world: &World) -> Option<Finding> {
    let base = world.profile.fhir_base.trim_end_matches('/');
    let url = Url::parse(&format!("{base}/.well-known/smart-configuration")).ok()?;
    let before = world.now();
    let (id, _) = world.send("clock", Request::get(url)).await;
    let exchange: Arc<Exchange> = world.recorder.exchange(id)?;
    let answer = exchange.response()?;
    let Some(said) = answer.header("date") else {
        return Some(Finding::warn(
            "clock",
            "the server sends no Date, so its clock cannot be compared",
            "compare it by hand: assertions and id_tokens are refused where the two differ",
        ));
    };
    let Ok(theirs) = DateTimeParser::new().parse_timestamp(said) else {
        return Some(Finding::warn(
            "clock",
            format!("the server's Date is `{said}`, which is no time"),
            "RFC 9110 section 5.6.7 has its form: Sun, 06 Nov 1994 08:49:37 GMT",
        ));
    };
    Some(of_skew(skew(before, answer.elapsed, theirs)))
}

/// How far the server is ahead. It wrote its time, in whole seconds, somewhere between question and answer.
fn skew(before: Timestamp, took: Duration, theirs: Timestamp) -> SignedDuration {
    let half = SignedDuration::try_from(took / 2).unwrap_or_default();
    let ours = before + half;
    theirs.duration_since(ours) + SignedDuration::from_millis(500)
}

fn of_skew(skew: SignedDuration) -> Finding {
    let seconds = skew.as_secs_f64();
    let which = if seconds < 0.0 { "behind" } else { "ahead of" };
    let what = format!("the server's clock is {:.1} s {which} this machine's", seconds.abs());
    if skew.abs() < SKEW {
        Finding::ok("clock", what)
    } else {
        Finding::warn(
            "clock",
            what,
            "set both by NTP: strict servers refuse an assertion whose `iat` lies ahead or whose `exp` has passed, and \
             apps an id_token",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Health;

    #[test]
    fn a_clock_is_told_from_five_seconds_on() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let before = at("2026-01-01T00:00:00Z");
        let of = |theirs: &str| of_skew(skew(before, Duration::from_secs(1), at(theirs)));
        assert_eq!(of("2026-01-01T00:00:00Z").status, Health::Ok);
        assert_eq!(of("2026-01-01T00:00:04Z").status, Health::Ok);
        assert_eq!(of("2026-01-01T00:00:05Z").status, Health::Warn);
        let behind = of("2025-12-31T23:59:00Z");
        assert_eq!(behind.status, Health::Warn);
        assert!(behind.what.contains("60.0 s behind"), "{}", behind.what);
    }
}
