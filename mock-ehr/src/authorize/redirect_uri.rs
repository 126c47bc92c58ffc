//! Checks redirect_uri: a code goes only to an address that the app registered, compared character by character.
//!
//! RFC 6749 §3.1.2.3: <https://www.rfc-editor.org/rfc/rfc6749#section-3.1.2.3>,
//! RFC 8252 §7.3 (loopback ports): <https://www.rfc-editor.org/rfc/rfc8252#section-7.3>

mod loose;

use serde::{Deserialize, Serialize};

use super::Refusal;
use super::reason::Reason;
use super::response_mode::{self, ResponseMode};
use crate::config::Client;
use crate::defect::Defect;
use crate::form::Parameters;
use crate::state::AppState;
use crate::variant::Variant;

/// An address that passed the check, and how the answer goes there. Only this module makes one, so nothing is sent to any
/// other; a pending request brings back the one that it was made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RedirectTarget {
    address: String,
    mode: ResponseMode,
}

impl RedirectTarget {
    /// The address as the app sent it.
    pub(crate) fn as_str(&self) -> &str {
        &self.address
    }

    /// How the answer goes there.
    pub(crate) fn mode(&self) -> ResponseMode {
        self.mode
    }
}

/// The address to which the answer goes.
pub(crate) fn check(state: &AppState, client: &Client, parameters: &Parameters) -> Result<RedirectTarget, Refusal> {
    let to = |address: &str| target(state, parameters, address);
    if let Some(object) = parameters.filled("request")
        && state.defects().has(Defect::RequestObjectRedirectUnchecked)
        && let Some(uri) = loose::of_object(object).or_else(|| parameters.filled("redirect_uri").map(str::to_owned))
    {
        return Ok(to(&uri));
    }
    let asked = asked(state, client, parameters).map_err(Refusal::Page)?;
    let strict = state.variants().has(Variant::LoopbackPortStrict);
    let registered = client.redirect_uris.iter().any(|known| {
        // SMART 2.2 app-launch: launch and redirect addresses are registered; RFC 9700 §2.1: exact comparison.
        known == asked.checked || (!strict && differs_only_in_loopback_port(known, asked.checked))
    });
    if registered || loose::accepts(state, client, parameters, asked.checked) {
        return Ok(to(asked.used));
    }
    let reason = Reason::RedirectUri {
        was: asked.checked.to_owned(),
        registered: client.redirect_uris.clone(),
    };
    // RFC 6749 §4.1.2.1: must not redirect to an invalid redirection URI.
    if state.defects().has(Defect::ErrorRedirectToUnregistered) {
        return Err(Refusal::Redirect {
            target: to(asked.used),
            state: parameters.get("state").map(str::to_owned),
            reason,
        });
    }
    Err(Refusal::Page(reason))
}

fn target(state: &AppState, parameters: &Parameters, address: &str) -> RedirectTarget {
    RedirectTarget {
        address: address.to_owned(),
        mode: response_mode::asked(state, parameters),
    }
}

/// How the error of an unknown client is answered.
pub(crate) fn of_unknown_client(state: &AppState, parameters: &Parameters, reason: Reason) -> Refusal {
    match parameters.filled("redirect_uri") {
        Some(uri) if state.defects().has(Defect::ClientUnknownRedirects) => Refusal::Redirect {
            target: target(state, parameters, uri),
            state: parameters.get("state").map(str::to_owned),
            reason,
        },
        _ => Refusal::Page(reason),
    }
}

/// The address that is checked, and the one that is used: the same, but for a defect.
struct Asked<'a> {
    checked: &'a str,
    used: &'a str,
}

fn asked<'a>(state: &AppState, client: &'a Client, parameters: &'a Parameters) -> Result<Asked<'a>, Reason> {
    let defects = state.defects();
    let values: Vec<_> = parameters.all("redirect_uri").collect();
    let both = |checked, used| Ok(Asked { checked, used });
    match values[..] {
        // RFC 6749 §3.1.2.3: with several registered, the request must name one.
        [] if defects.has(Defect::RedirectUriMissingAccepted) => {
            both(&client.redirect_uris[0], &client.redirect_uris[0])
        }
        [""] if defects.has(Defect::RedirectUriEmptyAccepted) => {
            both(&client.redirect_uris[0], &client.redirect_uris[0])
        }
        [] | [""] => Err(Reason::missing(
            "redirect_uri",
            format!("one of {}", client.redirect_uris.join(", ")),
        )),
        [uri] => both(uri, uri),
        [first, .., last] if defects.has(Defect::DuplicateRedirectUriFirstChecked) => both(first, last),
        [first, .., last] if defects.has(Defect::DuplicateRedirectUriLastChecked) => both(last, first),
        [first, ..] if defects.has(Defect::DuplicateParametersAccepted) => both(first, first),
        _ => Err(Reason::Repeated {
            name: "redirect_uri".into(),
            times: values.len(),
        }),
    }
}

/// RFC 8252 §7.3: the port of a loopback address is chosen when the app starts.
pub(crate) fn differs_only_in_loopback_port(registered: &str, asked: &str) -> bool {
    ["http://127.0.0.1", "http://[::1]"].iter().any(|host| {
        let rest = |text: &str| text.strip_prefix(host).and_then(behind_port).map(str::to_owned);
        match (rest(registered), rest(asked)) {
            (Some(registered), Some(asked)) => registered == asked,
            _ => false,
        }
    })
}

/// What follows a port, or the place where one could stand.
fn behind_port(text: &str) -> Option<&str> {
    match text.strip_prefix(':') {
        Some(rest) => {
            let end = rest.find(|char: char| !char.is_ascii_digit()).unwrap_or(rest.len());
            rest[..end].parse::<u16>().ok().filter(|port| *port > 0)?;
            Some(&rest[end..])
        }
        None => Some(text),
    }
    .filter(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const REGISTERED: &str = "http://127.0.0.1:4567/callback";

    #[test]
    fn loopback_ports_may_differ_and_nothing_else() {
        for same in [REGISTERED, "http://127.0.0.1:1/callback", "http://127.0.0.1/callback"] {
            assert!(differs_only_in_loopback_port(REGISTERED, same), "{same}");
        }
        for other in [
            "http://127.0.0.1:0/callback",
            "http://127.0.0.1:99999/callback",
            "http://127.0.0.1:4567/callback/",
            "http://127.0.0.1:4567/callback?x",
            "http://127.0.0.1:4567@evil.example/callback",
            "http://127.0.0.1.evil.example/callback",
            "http://127.0.0.1:/callback",
            "https://127.0.0.1:4567/callback",
            "http://localhost:4567/callback",
            "http://[::1]:4567/callback",
        ] {
            assert!(!differs_only_in_loopback_port(REGISTERED, other), "{other}");
        }
        assert!(differs_only_in_loopback_port("http://[::1]/a", "http://[::1]:80/a"));
        assert!(!differs_only_in_loopback_port(
            "https://app.example/cb",
            "https://app.example:1/cb"
        ));
    }

    proptest! {
        #[test]
        fn a_loopback_match_has_the_same_host_and_the_same_end(asked in "http://127\\.0\\.0\\.1[:0-9a-z@./?#]{0,30}") {
            if differs_only_in_loopback_port(REGISTERED, &asked) {
                let url = url::Url::parse(&asked).unwrap();
                prop_assert_eq!(url.host_str(), Some("127.0.0.1"));
                prop_assert_eq!(url.username(), "");
                prop_assert!(asked.ends_with("/callback"));
            }
        }

        #[test]
        fn an_https_address_never_matches_loosely(registered in "https://[a-z.]{1,20}(:[0-9]{1,5})?/[a-z]{0,5}", asked in "\\PC{0,40}") {
            prop_assert!(!differs_only_in_loopback_port(&registered, &asked));
        }
    }
}
