//! Broken answers that ride with one launch, written short: `token:status-503`, `fhir:delay-2000:3`, `token:empty:always`.
//!
//! The endpoint, what happens, and, where it is not the first request, which: its number, or `always`.

use std::time::Duration;

use http::StatusCode;

use super::address::{Address, Endpoint};
use super::effect::{Answer, Effect, Http, Instead};
use super::list::{Fault, Times};
use super::read::LONGEST;
use crate::launch::fault::Carrier;

/// Endpoints whose requests belong to a launch.
const WITHIN: [Endpoint; 8] = [
    Endpoint::Authorize,
    Endpoint::Pages,
    Endpoint::Par,
    Endpoint::Token,
    Endpoint::Introspect,
    Endpoint::Revoke,
    Endpoint::Userinfo,
    Endpoint::Fhir,
];

/// And those that ask for documents below the FHIR base, where that belongs to a launch.
const BELOW_BASE: [Endpoint; 2] = [Endpoint::Discovery, Endpoint::Metadata];

/// Examples for the launcher, with what each does.
pub(crate) const EXAMPLES: [(&str, &str); 9] = [
    (
        "discovery:status-503:always",
        "In a standalone launch, smart-configuration is answered with status 503.",
    ),
    (
        "token:status-503",
        "The first request to the token endpoint gets status 503, and is not handled.",
    ),
    (
        "token:delay-5000",
        "The first answer of the token endpoint comes five seconds late.",
    ),
    ("token:empty", "The first answer of the token endpoint has no body."),
    (
        "token:truncated",
        "The first answer of the token endpoint breaks off in the middle.",
    ),
    (
        "token:cut-before",
        "The first request to the token endpoint is dropped without an answer.",
    ),
    (
        "token:cut-after",
        "The first request to the token endpoint is handled, and its answer gets lost.",
    ),
    (
        "fhir:status-503:always",
        "All data of this launch are answered with status 503.",
    ),
    (
        "fhir:truncated:2",
        "The second answer with data breaks off in the middle.",
    ),
];

/// A broken answer that rides with a launch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Carried {
    pub(super) fault: Fault,
    /// As it was written.
    text: String,
}

impl Carried {
    /// Reads one; `None` where the text is the name of a defect.
    pub(crate) fn read(carrier: Carrier, text: &str) -> Option<Result<Self, String>> {
        let (endpoint, rest) = text.split_once(':')?;
        let (kind, when) = rest.split_once(':').unwrap_or((rest, "1"));
        let read = || {
            let below = if carrier == Carrier::Base { &BELOW_BASE[..] } else { &[] };
            let known = || WITHIN.iter().chain(below).copied();
            let Some(endpoint) = known().find(|known| known.name() == endpoint) else {
                let names: Vec<_> = known().map(Endpoint::name).collect();
                return Err(format!("{text}: such a launch has requests to {}", names.join(", ")));
            };
            let Some(http) = http(kind) else {
                return Err(format!(
                    "{text}: expected status-503 (200 to 599), delay-2000 (milliseconds, {LONGEST} at most), empty, truncated, cut-before or cut-after behind {}:",
                    endpoint.name()
                ));
            };
            let (nth, times) = match when {
                "always" => (1, Times::Always),
                number => match plain(number) {
                    Some(nth @ 1..) => (u64::from(nth), Times::Only(1)),
                    _ => {
                        return Err(format!(
                            "{text}: expected the number of a request, or always, at its end"
                        ));
                    }
                },
            };
            let address = Address {
                endpoint: Some(endpoint),
                ..Address::default()
            };
            Ok(Self {
                fault: Fault {
                    address,
                    nth,
                    times,
                    effect: Effect::Http(http),
                },
                text: text.to_owned(),
            })
        };
        Some(read())
    }

    /// It reads as this.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

/// A number as one writes it: the same choices make the same address, and no zeros before it make that longer.
fn plain(text: &str) -> Option<u32> {
    text.parse().ok().filter(|number: &u32| number.to_string() == text)
}

fn http(kind: &str) -> Option<Http> {
    let (name, value) = kind.split_once('-').unwrap_or((kind, ""));
    let mut delay = None;
    let answer = match (name, value) {
        ("status", code) => {
            let status = plain(code).filter(|code| (200..=599).contains(code))?;
            Answer::Status(Instead {
                status: StatusCode::from_u16(u16::try_from(status).ok()?).ok()?,
                body: None,
                content_type: None,
                retry_after: None,
            })
        }
        ("delay", time) => {
            let time = plain(time).map(u64::from).filter(|time| (1..=LONGEST).contains(time))?;
            delay = Some(Duration::from_millis(time));
            Answer::Whole
        }
        ("empty", "") => Answer::Empty,
        ("truncated", "") => Answer::Truncated,
        ("cut", "before") => Answer::Cut { handled: false },
        ("cut", "after") => Answer::Cut { handled: true },
        _ => return None,
    };
    Some(Http { delay, answer })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_are_read_and_nonsense_is_not() {
        for (text, about) in EXAMPLES {
            let Carried { fault, .. } = Carried::read(Carrier::Base, text).expect("no defect").expect(text);
            assert_eq!(fault.times == Times::Always, text.ends_with(":always"), "{text}");
            assert_eq!(fault.nth == 2, text.ends_with(":2"), "{text}");
            assert!(about.ends_with('.'));
        }
        assert_eq!(Carried::read(Carrier::Launch, "state_dropped"), None);
        for text in [
            "jwks:empty",
            "token:",
            "token:status-199",
            "token:status-x",
            "token:delay-60001",
            "token:cut-during",
            "token:empty-1",
            "token:empty:0",
            "token:empty:01",
            "token:empty:+1",
            "token:status-0503",
            "token:delay-01",
            "token:empty:never",
        ] {
            assert!(Carried::read(Carrier::Launch, text).expect(text).is_err(), "{text}");
        }
    }
}
