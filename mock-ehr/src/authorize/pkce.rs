//! Checks code_challenge, and later the code_verifier against it.
//!
//! RFC 7636: <https://www.rfc-editor.org/rfc/rfc7636>; SMART 2.2 app-launch: S256 is required, plain is refused.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::pushed;
use super::reason::Reason;
use crate::config::Client;
use crate::defect::Defect;
use crate::form::Parameters;
use crate::state::AppState;
use crate::variant::Variant;

/// What the exchange must prove.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Challenge {
    /// The verifier's SHA-256, as base64url.
    S256(String),
    /// The verifier itself; by a defect only.
    Plain(String),
    /// There is none, and the exchange will be refused: a variant.
    Absent,
    /// Nothing is asked for: a defect.
    NotRequired,
    /// The challenge cannot be checked, and whatever verifier comes is taken: a defect.
    Unchecked,
}

impl Challenge {
    /// The challenge as it came, where one is kept.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::S256(text) | Self::Plain(text) => text,
            Self::Absent | Self::NotRequired | Self::Unchecked => "",
        }
    }
}

pub(crate) fn check(state: &AppState, client: &Client, parameters: &Parameters) -> Result<Challenge, Reason> {
    match challenge_of(state, parameters) {
        Err(_) if client.is_confidential() && state.defects().has(Defect::PkceOnlyPublic) => Ok(Challenge::NotRequired),
        checked => checked,
    }
}

fn challenge_of(state: &AppState, parameters: &Parameters) -> Result<Challenge, Reason> {
    let defects = state.defects();
    if parameters.filled("request").is_some() && defects.has(Defect::RequestObjectUnchecked) {
        return Ok(Challenge::NotRequired);
    }
    if pushed::is_pushed(parameters)
        && parameters.get("code_challenge").is_none()
        && defects.has(Defect::ParPkceSkipped)
    {
        return Ok(Challenge::NotRequired);
    }
    if parameters.filled("response_mode").is_some() && defects.has(Defect::ResponseModeSkipsPkce) {
        return Ok(Challenge::NotRequired);
    }
    let challenge = match parameters.get("code_challenge") {
        None if defects.has(Defect::PkceNotRequired) => return Ok(Challenge::NotRequired),
        None if defects.has(Defect::PkceDowngrade) => return Ok(Challenge::Unchecked),
        Some("") if defects.has(Defect::PkceEmptyChallengeAccepted) => return Ok(Challenge::NotRequired),
        None | Some("") if state.variants().has(Variant::PkceMissingRefusedAtExchange) => {
            return Ok(Challenge::Absent);
        }
        None | Some("") => {
            return Err(Reason::missing(
                "code_challenge",
                "the SHA-256 of the code_verifier as base64url",
            ));
        }
        Some(challenge) => challenge.to_owned(),
    };
    let plain = match parameters.get("code_challenge_method") {
        Some("S256") => defects
            .has(Defect::PkceS256Refused)
            .then(|| Err(Reason::ChallengeMethod { was: "S256".into() })),
        Some("plain") if defects.has(Defect::PkcePlainAccepted) => Some(Ok(())),
        Some(was) if was != "plain" && was.eq_ignore_ascii_case("plain") && defects.has(Defect::PkcePlainAnyCase) => {
            Some(Ok(()))
        }
        Some("s256") if defects.has(Defect::PkceMethodLowercaseAccepted) => None,
        // RFC 7636 §4.3: without a method it would be plain, which SMART forbids.
        None | Some("") if defects.has(Defect::PkceMissingMethodAsPlain) => Some(Ok(())),
        None | Some("") if defects.has(Defect::PkceMissingMethodAsS256) => None,
        None | Some("") => Some(Err(Reason::missing("code_challenge_method", "'S256'"))),
        Some(was) if was != "plain" && defects.has(Defect::PkceMethodUnknownAccepted) => None,
        Some(was) => Some(Err(Reason::ChallengeMethod { was: was.to_owned() })),
    };
    match plain {
        Some(plain) => plain.map(|()| Challenge::Plain(challenge)),
        None if is_sha256(&challenge) => Ok(Challenge::S256(challenge)),
        None if defects.has(Defect::PkceMalformedChallenge) => Ok(Challenge::Unchecked),
        None => Err(Reason::ChallengeMalformed { was: challenge }),
    }
}

/// RFC 7636 §4.2: 32 bytes are 43 characters of base64url. They are compared, and never decoded, so no bits of the last
/// one are looked at.
fn is_sha256(challenge: &str) -> bool {
    challenge.len() == 43
        && challenge
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// Why a verifier is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum VerifierProblem {
    #[error("code_verifier is missing or empty; expected the value whose SHA-256 was the code_challenge")]
    Missing,
    #[error("code_verifier has {was} characters; expected 43 to 128 (RFC 7636 section 4.1)")]
    Length { was: usize },
    #[error("code_verifier holds a character outside A-Z a-z 0-9 - . _ ~ (RFC 7636 section 4.1)")]
    Alphabet,
    #[error("the SHA-256 of code_verifier is not the code_challenge of the authorization request")]
    Mismatch,
    #[error("the authorization request had no code_challenge, so its code cannot be redeemed")]
    NoChallenge,
}

/// RFC 7636 §4.6: compares the verifier with the challenge.
pub(crate) fn verify(
    state: &AppState,
    client: &Client,
    challenge: &Challenge,
    verifier: Option<&str>,
    of_any_flow: impl Fn(&dyn Fn(&Challenge) -> bool) -> bool,
) -> Result<(), VerifierProblem> {
    let defects = state.defects();
    match challenge {
        Challenge::NotRequired => return Ok(()),
        Challenge::Absent => return Err(VerifierProblem::NoChallenge),
        Challenge::S256(_) | Challenge::Plain(_) | Challenge::Unchecked => {}
    }
    match strictly(state, challenge, verifier, of_any_flow) {
        Err(_) if client.is_confidential() && defects.has(Defect::PkceOnlyPublic) => Ok(()),
        Err(problem) if problem != VerifierProblem::Missing && defects.has(Defect::PkceNotVerified) => Ok(()),
        checked => checked,
    }
}

fn strictly(
    state: &AppState,
    challenge: &Challenge,
    verifier: Option<&str>,
    of_any_flow: impl Fn(&dyn Fn(&Challenge) -> bool) -> bool,
) -> Result<(), VerifierProblem> {
    let defects = state.defects();
    let verifier = match verifier {
        None if defects.has(Defect::PkceMissingVerifierAccepted) => return Ok(()),
        Some("") if defects.has(Defect::PkceEmptyVerifierAccepted) => return Ok(()),
        None | Some("") => return Err(VerifierProblem::Missing),
        Some(verifier) => verifier,
    };
    let length = verifier.chars().count();
    let length_fits = match length {
        ..43 => defects.has(Defect::PkceShortVerifier),
        43..=128 => true,
        _ => defects.has(Defect::PkceLongVerifier),
    };
    let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if !verifier.bytes().all(is_unreserved) && !defects.has(Defect::PkceBadAlphabet) {
        return Err(VerifierProblem::Alphabet);
    }
    if !length_fits {
        return Err(VerifierProblem::Length { was: length });
    }
    let fits = |challenge: &Challenge| match challenge {
        Challenge::S256(challenge) => same(challenge, &URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))),
        Challenge::Plain(challenge) => same(challenge, verifier),
        Challenge::Unchecked => true,
        Challenge::Absent | Challenge::NotRequired => false,
    };
    let is_challenge_itself = || {
        defects.has(Defect::PkceChallengeAsVerifier) && matches!(challenge, Challenge::S256(text) if text == verifier)
    };
    if fits(challenge) || is_challenge_itself() || (defects.has(Defect::PkceVerifierOfAnyFlow) && of_any_flow(&fits)) {
        Ok(())
    } else {
        Err(VerifierProblem::Mismatch)
    }
}

fn same(left: &str, right: &str) -> bool {
    left.as_bytes().ct_eq(right.as_bytes()).into()
}
