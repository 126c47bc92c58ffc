//! Whether hosts refuse old versions of TLS and weak ciphers, accept the current ones, and have good certificates.
//!
//! RFC 9325 (BCP 195) §3.1.1, §4.1 and §6.1.

use schemars::JsonSchema;
use serde::Deserialize;

use super::finding::{Finding, deed};
use crate::http::{Failure, TlsAnswer, TlsVersion, WeakSuites};
use crate::step::Context;
use crate::step::context::Outcome;
use crate::step::plain_http::PlainAnswer;
use crate::step::tls::{Probe, Probed};

/// `tls`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsCheckArgs {
    /// Label or verb of the step; the last one where absent.
    #[serde(default)]
    pub of: Option<String>,
    /// The rule.
    pub rule: TlsRule,
}

/// A rule about the hosts of the endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TlsRule {
    /// The offered version, or the offered cipher suites, are refused, and TLS 1.2 or 1.3 accepted from the same hand.
    Refused,
    /// TLS 1.2 or 1.3 is accepted.
    Accepted,
    /// The certificate is good in the eyes of the ordinary client.
    Certificate,
    /// The token endpoint does not answer by plain http: nobody does, or with a redirect to https, or somebody else.
    PlainHttpRefused,
}

/// `tls`: every host must hold.
pub fn tls(context: &Context<'_>, args: &TlsCheckArgs) -> Finding {
    let deed = match deed(context, args.of.as_deref()) {
        Ok(deed) => deed,
        Err(finding) => return finding,
    };
    let Outcome::Probed(probed) = &deed.outcome else {
        return Finding::Unreached("no host was asked about its TLS".to_owned());
    };
    let findings: Vec<Finding> = probed.iter().map(|one| judge(args.rule, one)).collect();
    // What one host does wrong is not hidden by another that could not be asked.
    let broken = |finding: &&Finding| matches!(finding, Finding::Broken { .. });
    let decided = |finding: &&Finding| !matches!(finding, Finding::Holds(_));
    if let Some(worst) = findings.iter().find(broken).or_else(|| findings.iter().find(decided)) {
        return worst.clone();
    }
    let notes = probed.iter().zip(findings).map(|(one, finding)| match finding {
        Finding::Holds(Some(note)) => format!("{}: {note}", one.hop),
        _ => one.hop.clone(),
    });
    Finding::Holds(Some(notes.collect::<Vec<_>>().join("; ")))
}

fn judge(rule: TlsRule, one: &Probed) -> Finding {
    let hop = &one.hop;
    match (&one.found, rule) {
        (Probe::Certificate(outcome), TlsRule::Certificate) => certificate(hop, outcome),
        (Probe::Plain(outcome), TlsRule::PlainHttpRefused) => plain_http(hop, outcome),
        (Probe::Version { answer, .. }, TlsRule::Accepted) => accepted(hop, answer),
        (
            Probe::Version {
                offered,
                control,
                answer,
            },
            TlsRule::Refused,
        ) => refused(hop, offered.words(), control, answer),
        (
            Probe::Suites {
                offered,
                control,
                answer,
            },
            TlsRule::Refused,
        ) => suites_refused(hop, *offered, control, answer),
        _ => Finding::Unreached("the step asked something else".to_owned()),
    }
}

fn is_current(answer: &Result<TlsAnswer, Failure>) -> bool {
    matches!(answer, Ok(TlsAnswer::Chosen(version)) if *version >= TlsVersion::Tls1_2)
}

fn accepted(hop: &str, answer: &Result<TlsAnswer, Failure>) -> Finding {
    match answer {
        Ok(answer) if is_current(&Ok(*answer)) => Finding::Holds(Some(answer.words())),
        Ok(answer) => Finding::broken(
            format!("TLS 1.2 or 1.3 accepted at {hop}"),
            format!("TLS 1.2 and 1.3 were offered to {hop}, and {}", answer.words()),
        ),
        Err(failure) => Finding::Undecided(format!("{hop}: {failure}")),
    }
}

fn refused(
    hop: &str,
    offered: &str,
    control: &Result<TlsAnswer, Failure>,
    answer: &Result<TlsAnswer, Failure>,
) -> Finding {
    match answer {
        Ok(TlsAnswer::Chosen(version)) => Finding::broken(
            format!("{offered} refused at {hop}"),
            format!("{hop} was offered {offered}, and it chose {}", version.words()),
        ),
        // A refusal counts only where the same hand was not refused a version that is current.
        _ if !is_current(control) => Finding::Undecided(format!(
            "{hop} does not accept TLS 1.2 or 1.3 from this probe either, so a refusal says nothing"
        )),
        Ok(TlsAnswer::NotTls) => Finding::Undecided(format!("{hop}: {}", TlsAnswer::NotTls.words())),
        Ok(answer) => Finding::Holds(Some(answer.words())),
        // RFC 9325 asks for no alert: a connection that is reset is refused as well.
        Err(Failure::Connect(why) | Failure::Cut(why)) => Finding::Holds(Some(format!("it was cut: {why}"))),
        Err(failure) => Finding::Undecided(format!("{hop}: {failure}")),
    }
}

fn suites_refused(
    hop: &str,
    offered: WeakSuites,
    control: &Result<TlsAnswer, Failure>,
    answer: &Result<(TlsAnswer, Option<u16>), Failure>,
) -> Finding {
    let words = offered.words();
    match answer {
        Ok((TlsAnswer::Chosen(_), Some(suite))) if offered.numbers().contains(suite) => Finding::broken(
            format!("{words} refused at {hop}"),
            format!("{hop} was offered {words} and no other, and it chose {suite:#06x}"),
        ),
        Ok((TlsAnswer::Chosen(_), _)) => {
            Finding::Undecided(format!("{hop} chose a cipher suite that it was not offered"))
        }
        Ok((answer, _)) => refused(hop, words, control, &Ok(*answer)),
        Err(failure) => refused(hop, words, control, &Err(failure.clone())),
    }
}

/// Errors of RFC 6749 §5.2 by which a token endpoint shows itself; `invalid_request` is left out, since a gateway that
/// wants https may say that too.
const SPOKEN: [&str; 5] = [
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
];

fn plain_http(hop: &str, outcome: &Result<PlainAnswer, Failure>) -> Finding {
    let answer = match outcome {
        Ok(answer) => answer,
        Err(failure @ (Failure::NotSent(_) | Failure::TooLarge(_) | Failure::HeadersTooLarge(_))) => {
            return Finding::Undecided(format!("{hop}: {failure}"));
        }
        Err(failure) => return Finding::Holds(Some(format!("nobody answers by plain http: {failure}"))),
    };
    let status = answer.status;
    match (&answer.error, &answer.location) {
        (Some(error), _) if SPOKEN.contains(&error.as_str()) => Finding::broken(
            format!("no token endpoint at {hop} by plain http"),
            format!("it answered there with status {status}, error `{error}`"),
        ),
        (_, Some(location)) if location.starts_with("https:") => {
            Finding::Holds(Some(format!("status {status}, a redirect to https")))
        }
        _ => Finding::Holds(Some(format!(
            "status {status}, which is no answer of the token endpoint"
        ))),
    }
}

/// What the words of the TLS library mean.
const PROBLEMS: [(&str, &str); 11] = [
    ("expired", "it has expired"),
    ("notvalidyet", "it is not valid yet"),
    ("not valid yet", "it is not valid yet"),
    ("notvalidforname", "it is for another host"),
    ("not valid for name", "it is for another host"),
    (
        "unknownissuer",
        "its authority is not known here (a private one: `ca_file` in [network])",
    ),
    (
        "unknown issuer",
        "its authority is not known here (a private one: `ca_file` in [network])",
    ),
    ("revoked", "it was revoked"),
    ("selfsigned", "it is signed by itself"),
    ("self-signed", "it is signed by itself"),
    ("causedasend", "it is an authority's, and no host's"),
];

fn certificate(hop: &str, outcome: &Result<(), Failure>) -> Finding {
    match outcome {
        Ok(()) => Finding::Holds(Some("the certificate is good".to_owned())),
        Err(Failure::Tls(why)) => {
            let lower = why.to_ascii_lowercase();
            let named = PROBLEMS.iter().find(|(word, _)| lower.contains(word));
            let observed = named.map_or_else(|| why.clone(), |(_, words)| format!("{words}: {why}"));
            Finding::broken(format!("a certificate at {hop} that an app can trust"), observed)
        }
        Err(failure) => Finding::Undecided(format!("{hop}: {failure}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(control: TlsAnswer, answer: TlsAnswer) -> Probed {
        Probed {
            hop: "ehr.example:443".to_owned(),
            found: Probe::Version {
                offered: TlsVersion::Tls1_0,
                control: Ok(control),
                answer: Ok(answer),
            },
        }
    }

    #[test]
    fn a_refusal_counts_beside_an_accepted_control() {
        let good = TlsAnswer::Chosen(TlsVersion::Tls1_3);
        let refused = |control, answer| judge(TlsRule::Refused, &asked(control, answer));
        assert!(matches!(refused(good, TlsAnswer::Alert(70)), Finding::Holds(_)));
        assert!(matches!(refused(good, TlsAnswer::Closed), Finding::Holds(_)));
        let old = TlsAnswer::Chosen(TlsVersion::Tls1_0);
        assert!(matches!(refused(good, old), Finding::Broken { .. }));
        assert!(matches!(refused(old, old), Finding::Broken { .. }));
        let neither = refused(TlsAnswer::Alert(40), TlsAnswer::Alert(70));
        assert!(matches!(neither, Finding::Undecided(_)));
    }

    #[test]
    fn a_weak_suite_counts_only_where_it_was_offered() {
        let judged = |control, answer, suite| {
            let probed = Probed {
                hop: "ehr.example:443".to_owned(),
                found: Probe::Suites {
                    offered: WeakSuites::Rc4,
                    control: Ok(control),
                    answer: Ok((answer, suite)),
                },
            };
            judge(TlsRule::Refused, &probed)
        };
        let good = TlsAnswer::Chosen(TlsVersion::Tls1_3);
        let agreed = TlsAnswer::Chosen(TlsVersion::Tls1_2);
        assert!(matches!(judged(good, agreed, Some(0x0005)), Finding::Broken { .. }));
        assert!(matches!(judged(good, agreed, Some(0xc02f)), Finding::Undecided(_)));
        assert!(matches!(judged(good, TlsAnswer::Alert(40), None), Finding::Holds(_)));
        let nothing = judged(TlsAnswer::Alert(40), TlsAnswer::Alert(40), None);
        assert!(matches!(nothing, Finding::Undecided(_)));
    }

    #[test]
    fn only_a_token_endpoint_is_found_by_plain_http() {
        let asked = |status, location: Option<&str>, error: Option<&str>| {
            let answer = PlainAnswer {
                status,
                location: location.map(str::to_owned),
                error: error.map(str::to_owned),
            };
            plain_http("x:80", &Ok(answer))
        };
        assert!(matches!(
            asked(400, None, Some("unsupported_grant_type")),
            Finding::Broken { .. }
        ));
        assert!(matches!(asked(400, None, Some("invalid_request")), Finding::Holds(_)));
        assert!(matches!(asked(404, None, None), Finding::Holds(_)));
        assert!(matches!(asked(308, Some("https://x/token"), None), Finding::Holds(_)));
        let refused = plain_http("x:80", &Err(Failure::Connect("refused".into())));
        assert!(matches!(refused, Finding::Holds(_)));
        let unsent = plain_http("x:80", &Err(Failure::NotSent("no".into())));
        assert!(matches!(unsent, Finding::Undecided(_)));
    }

    #[test]
    fn certificates_are_named() {
        let judged = certificate("x:443", &Err(Failure::Tls("invalid peer certificate: Expired".into())));
        let Finding::Broken { observed, .. } = judged else {
            panic!("{judged:?}")
        };
        assert!(observed.starts_with("it has expired"));
        let refused = certificate("x:443", &Err(Failure::Connect("refused".into())));
        assert!(matches!(refused, Finding::Undecided(_)));
    }
}
