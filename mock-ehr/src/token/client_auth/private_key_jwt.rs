//! Client assertions: a JWT signed with a registered key.
//!
//! RFC 7523 §3: <https://www.rfc-editor.org/rfc/rfc7523#section-3>, SMART App Launch 2.2:
//! <https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html>

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use http::header::CONNECTION;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::signature::{self, Signed};
use super::{compact, jwks_uri};
use crate::config::{Client, ClientKind};
use crate::defect::Defect;
use crate::form::Parameters;
use crate::journal::notes;
use crate::keys::ClientKey;
use crate::state::AppState;
use crate::store::registered::Known;
use crate::store::spent::Kind;
use crate::token::advice;
use crate::token::reason::Reason;
use crate::variant::Variant;

/// The only type of assertion.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// SMART 2.2: "no more than five minutes in the future".
const FARTHEST: SignedDuration = SignedDuration::from_mins(5);

/// What two clocks may differ by.
const SKEW: SignedDuration = SignedDuration::from_secs(5);

/// How long the defect with a short memory remembers.
const SHORT: SignedDuration = SignedDuration::from_secs(90);

/// Why an assertion proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AssertionProblem {
    #[error("client_assertion_type is missing; expected {JWT_BEARER}")]
    TypeMissing,
    #[error("client_assertion_type was '{was}'; expected {JWT_BEARER}")]
    Type { was: String },
    #[error("it is not a JWT: three parts of base64url, the first two of them JSON objects")]
    Malformed,
    #[error("typ was '{was}'; expected JWT")]
    Typ { was: String },
    #[error("alg was '{was}'; expected RS384, ES384, RS256 or ES256")]
    Alg { was: String },
    #[error("the header marks extensions as critical that this server does not know")]
    Crit,
    #[error("jku was '{was}'; expected the registered JWKS URL, or no jku")]
    Jku { was: String },
    #[error("kid is missing; expected the kid of a registered key")]
    KidMissing,
    #[error("several registered keys of one type have the kid of the assertion; expected exactly one")]
    KidAmbiguous,
    #[error("kid was '{was}'; expected one of the registered keys: {registered}")]
    KidUnknown { was: String, registered: String },
    #[error("the keys could not be fetched from the registered address: {why}")]
    KeysUnreachable { why: String },
    #[error("the signature is not that of the registered key")]
    Signature,
    #[error("claim {name} is missing")]
    Missing { name: &'static str },
    #[error("claim {name} was '{was}'; expected '{expected}'")]
    Claim {
        name: &'static str,
        was: String,
        expected: String,
    },
    #[error("it expired at {at}")]
    Expired { at: Timestamp },
    #[error("exp was {at}; expected no more than five minutes from now")]
    TooFar { at: Timestamp },
    #[error("nbf was {at}, which is not reached yet")]
    Early { at: Timestamp },
    #[error("iat was {at}, which is not reached yet")]
    IssuedAhead { at: Timestamp },
    #[error("jti was used before; each assertion works once")]
    Replayed,
}

/// The client that this assertion proves.
pub(super) fn check<'a>(app: &'a AppState, headers: &HeaderMap, parameters: &Parameters) -> Result<Known<'a>, Reason> {
    let defects = app.defects();
    check_type(app, parameters).map_err(Reason::Assertion)?;
    let text = parameters.get("client_assertion").unwrap_or_default();
    let assertion = Assertion::read(app, text);
    let client_id = parameters.filled("client_id");
    let named = client_id
        .map(str::to_owned)
        .or_else(|| named_client(app, assertion.as_ref()?));
    let named = named.ok_or(Reason::NoClient)?;
    let client = app
        .client(&named)
        .ok_or_else(|| Reason::UnknownClient { was: named.clone() })?;
    match client.kind {
        ClientKind::Public if defects.has(Defect::PublicAssertionAccepted) => return Ok(client),
        ClientKind::Public => return Err(Reason::PublicWithAssertion),
        ClientKind::Symmetric => {
            return Err(Reason::MethodNotRegistered {
                was: "private_key_jwt",
                expected: super::expected(&client),
            });
        }
        ClientKind::Asymmetric | ClientKind::Backend => {}
    }
    let assertion = assertion.ok_or(Reason::Assertion(AssertionProblem::Malformed))?;
    let known = known_keys(app, &client).map_err(Reason::Assertion)?;
    check_header(app, &client, &known, &assertion)
        .and_then(|()| check_claims(app, &client, &assertion))
        .and_then(|expires| check_jti(app, headers, &client, &assertion, expires))
        .map_err(Reason::Assertion)?;
    // Whether jti was used before cannot be asked twice.
    notes::second_look(|| {
        check_type(app, parameters)
            .and_then(|()| check_header(app, &client, &known, &assertion))
            .and_then(|()| check_claims(app, &client, &assertion))
            .map_err(|problem| advice::objection(&Reason::Assertion(problem)))
    });
    Ok(client)
}

/// RFC 7521 §4.2
fn check_type(app: &AppState, parameters: &Parameters) -> Result<(), AssertionProblem> {
    let defects = app.defects();
    match parameters.get("client_assertion_type") {
        Some(JWT_BEARER) => Ok(()),
        None | Some("") if defects.has(Defect::AssertionTypeMissing) => Ok(()),
        None | Some("") => Err(AssertionProblem::TypeMissing),
        Some(_) if defects.has(Defect::AssertionTypeWrong) => Ok(()),
        Some(was) => Err(AssertionProblem::Type { was: was.to_owned() }),
    }
}

/// The client that an unverified assertion speaks of; whether it is true is judged afterwards.
pub(super) fn named_client(app: &AppState, assertion: &Assertion) -> Option<String> {
    let defects = app.defects();
    let claim = |name: &str| assertion.claims.get(name).and_then(Value::as_str).map(str::to_owned);
    if defects.has(Defect::AssertionSubNotChecked) {
        return claim("iss").or_else(|| claim("sub"));
    }
    claim("sub").or_else(|| claim("iss"))
}

/// The keys of a client: those that it registered, else those that its address gave.
fn known_keys(app: &AppState, client: &Client) -> Result<Vec<ClientKey>, AssertionProblem> {
    if client.jwks_uri.is_none() || !client.keys.is_empty() {
        return Ok(client.keys.clone());
    }
    let nothing = || Err("nothing was fetched".to_owned());
    app.store()
        .key_set(&client.client_id)
        .map_or_else(nothing, |set| set.keys)
        .map_err(|why| AssertionProblem::KeysUnreachable { why })
}

pub(super) struct Assertion {
    header: Map<String, Value>,
    claims: Map<String, Value>,
    message: String,
    signature: String,
}

impl Assertion {
    pub(super) fn read(app: &AppState, text: &str) -> Option<Self> {
        let (message, signature) = text.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        Some(Self {
            header: compact::object(app, header)?,
            claims: compact::object(app, claims)?,
            message: message.to_owned(),
            signature: signature.to_owned(),
        })
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.header.get(name).and_then(Value::as_str)
    }

    fn time(&self, name: &str) -> Option<Timestamp> {
        let value = self.claims.get(name)?;
        let seconds = value.as_i64().or_else(|| {
            // RFC 7519 §2: a NumericDate may have a fraction.
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a fraction of a second does not matter here"
            )]
            value
                .as_f64()
                .filter(|seconds| seconds.abs() < 1e12)
                .map(|seconds| seconds as i64)
        })?;
        Timestamp::from_second(seconds).ok()
    }
}

/// RFC 7515 §4.1, RFC 8725: whose signature, under an algorithm that we chose.
fn check_header(
    app: &AppState,
    client: &Client,
    known: &[ClientKey],
    assertion: &Assertion,
) -> Result<(), AssertionProblem> {
    let defects = app.defects();
    if let Some(was) = assertion.header("typ").filter(|typ| !typ.eq_ignore_ascii_case("JWT")) {
        return Err(AssertionProblem::Typ { was: was.to_owned() });
    }
    if assertion.header.contains_key("crit") && !defects.has(Defect::AssertionCritIgnored) {
        return Err(AssertionProblem::Crit);
    }
    if defects.has(Defect::AssertionSignatureNotChecked) {
        return Ok(());
    }
    let alg = assertion.header("alg").unwrap_or_default();
    match alg {
        "RS384" if defects.has(Defect::AssertionRs384Refused) => return Err(AssertionProblem::Alg { was: alg.into() }),
        "ES384" if defects.has(Defect::AssertionEs384Refused) => return Err(AssertionProblem::Alg { was: alg.into() }),
        "RS384" | "ES384" | "RS256" | "ES256" => {}
        _ if alg.eq_ignore_ascii_case("none") && defects.has(Defect::AssertionAlgNone) => return Ok(()),
        "HS256" | "HS384" if defects.has(Defect::AssertionHs256WithPublicKey) => {
            let fits = known.iter().any(|key| is_keyed_with_public_key(key, assertion, alg));
            return fits.then_some(()).ok_or(AssertionProblem::Signature);
        }
        _ => return Err(AssertionProblem::Alg { was: alg.to_owned() }),
    }
    let by_url = client.jwks_uri.is_some();
    if by_url && alg != "ES384" && app.variants().has(Variant::JwksUriAlgBound) {
        return Err(AssertionProblem::Alg { was: alg.to_owned() });
    }
    // SMART 2.2: a jku must be the registered one; a key that comes along is never trusted.
    if let Some(was) = assertion
        .header("jku")
        .filter(|jku| !jwks_uri::is_registered(app, client, jku))
    {
        if defects.has(Defect::AssertionJkuTrusted) {
            return Ok(());
        }
        return Err(AssertionProblem::Jku { was: was.to_owned() });
    }
    if let Some(jwk) = assertion.header.get("jwk")
        && defects.has(Defect::AssertionJwkTrusted)
        && ClientKey::from_jwk(jwk).is_ok_and(|key| is_signed_by(app, &key, assertion, alg))
    {
        return Ok(());
    }
    let candidates = keys(app, known, assertion)?;
    if candidates.iter().any(|key| is_signed_by(app, key, assertion, alg)) {
        Ok(())
    } else {
        Err(AssertionProblem::Signature)
    }
}

/// SMART 2.2 "Signature verification": the registered key with this kid.
fn keys<'a>(
    app: &'a AppState,
    known: &'a [ClientKey],
    assertion: &Assertion,
) -> Result<Vec<&'a ClientKey>, AssertionProblem> {
    let defects = app.defects();
    if defects.has(Defect::AssertionKeyOfAnyClient) {
        return Ok(app.config().clients.iter().flat_map(|client| &client.keys).collect());
    }
    let Some(kid) = assertion.header("kid") else {
        if defects.has(Defect::AssertionKidMissing) {
            return Ok(known.iter().collect());
        }
        return Err(AssertionProblem::KidMissing);
    };
    let mut named: Vec<_> = known.iter().filter(|key| key.kid.as_deref() == Some(kid)).collect();
    // RFC 7517 §4.5: keys of different kinds may share a kid; the algorithm tells which is meant.
    if defects.has(Defect::JwksUriKidAlone) {
        named.truncate(1);
    }
    // One key fits by kid and type, or none is meant.
    let wants_rsa = assertion.header("alg").is_some_and(|alg| alg.starts_with("RS"));
    let fitting = named.iter().filter(|key| key.is_rsa() == wants_rsa).count();
    if fitting > 1 && !defects.has(Defect::AssertionKidAmbiguous) {
        return Err(AssertionProblem::KidAmbiguous);
    }
    if !named.is_empty() {
        return Ok(named);
    }
    if defects.has(Defect::AssertionKidUnknown) {
        return Ok(known.iter().collect());
    }
    let registered: Vec<_> = known.iter().filter_map(|key| key.kid.as_deref()).collect();
    Err(AssertionProblem::KidUnknown {
        was: kid.to_owned(),
        registered: registered.join(", "),
    })
}

fn is_signed_by(app: &AppState, key: &ClientKey, assertion: &Assertion, alg: &str) -> bool {
    let signed = Signed {
        alg,
        message: &assertion.message,
        signature: &assertion.signature,
    };
    signature::is_by(app, key, signed)
}

/// RFC 8725 §2.1: the attack that takes a public key for a secret.
fn is_keyed_with_public_key(key: &ClientKey, assertion: &Assertion, alg: &str) -> bool {
    let Ok(signature) = URL_SAFE_NO_PAD.decode(&assertion.signature) else {
        return false;
    };
    let algorithm = if alg == "HS256" {
        hmac::HMAC_SHA256
    } else {
        hmac::HMAC_SHA384
    };
    key.as_if_secret().iter().any(|secret| {
        hmac::verify(
            &hmac::Key::new(algorithm, secret),
            assertion.message.as_bytes(),
            &signature,
        )
        .is_ok()
    })
}

/// RFC 7523 §3: each claim but jti in turn; gives when the assertion expires.
fn check_claims(app: &AppState, client: &Client, assertion: &Assertion) -> Result<Timestamp, AssertionProblem> {
    let defects = app.defects();
    let now = app.now();
    // 1. iss, 2. sub: both name the client.
    party(
        assertion,
        "iss",
        client,
        defects.has(Defect::AssertionIssMissing),
        defects.has(Defect::AssertionIssNotChecked),
    )?;
    party(
        assertion,
        "sub",
        client,
        defects.has(Defect::AssertionSubMissing),
        defects.has(Defect::AssertionSubNotChecked),
    )?;
    // 3. aud: this token endpoint.
    check_audience(app, assertion)?;
    // 4. exp, 5. nbf
    let expires = match assertion.time("exp") {
        Some(at) => {
            if at <= now - skew(app, at, now) && !defects.has(Defect::AssertionExpired) {
                return Err(AssertionProblem::Expired { at });
            }
            if at > now + FARTHEST + SKEW && !defects.has(Defect::AssertionExpFar) {
                return Err(AssertionProblem::TooFar { at });
            }
            at
        }
        None if defects.has(Defect::AssertionExpMissing) => now + FARTHEST,
        None => return Err(AssertionProblem::Missing { name: "exp" }),
    };
    if let Some(at) = assertion.time("nbf").filter(|at| *at > now + SKEW)
        && !defects.has(Defect::AssertionNbfIgnored)
    {
        return Err(AssertionProblem::Early { at });
    }
    // 6. iat: a server may look at it, and need not.
    if let Some(at) = assertion.time("iat").filter(|at| *at > now + SKEW)
        && app.variants().has(Variant::AssertionFutureIatRefused)
    {
        return Err(AssertionProblem::IssuedAhead { at });
    }
    Ok(expires)
}

/// RFC 7523 §3, 7: jti, once, until it has expired. Last, so that a refused assertion does not spend it.
fn check_jti(
    app: &AppState,
    headers: &HeaderMap,
    client: &Client,
    assertion: &Assertion,
    expires: Timestamp,
) -> Result<(), AssertionProblem> {
    let defects = app.defects();
    let now = app.now();
    let jti = assertion
        .claims
        .get("jti")
        .and_then(Value::as_str)
        .filter(|jti| !jti.is_empty());
    let Some(jti) = jti else {
        if defects.has(Defect::AssertionJtiMissing) {
            return Ok(());
        }
        return Err(AssertionProblem::Missing { name: "jti" });
    };
    let mut id = format!("{}\n{jti}", client.client_id);
    if is_alone(headers) && defects.has(Defect::AssertionJtiPerInstance) {
        id = format!("{id}\n{}", app.chance().token::<9>());
    }
    // An exp at the end of time has nothing after it.
    let mut until = expires.checked_add(skew(app, expires, now)).unwrap_or(expires);
    if expires < now && defects.has(Defect::AssertionJtiForgottenAtExp) {
        until = expires;
    }
    if expires > now + SHORT && defects.has(Defect::AssertionJtiForgottenEarly) {
        until = now + SHORT;
    }
    let is_first = app.store().spend(Kind::Assertion, &id, until, now);
    if !is_first && !defects.has(Defect::AssertionJtiReplay) {
        return Err(AssertionProblem::Replayed);
    }
    Ok(())
}

/// How long an assertion that expires then is accepted afterwards.
fn skew(app: &AppState, expires: Timestamp, now: Timestamp) -> SignedDuration {
    if expires <= now && app.variants().has(Variant::AssertionSkewOfAMinute) {
        SignedDuration::from_mins(1)
    } else {
        SKEW
    }
}

/// Whether the request came on a connection of its own: behind a balancer, to whichever instance is next.
fn is_alone(headers: &HeaderMap) -> bool {
    headers.get(CONNECTION).is_some_and(|said| said == "close")
}

fn party(
    assertion: &Assertion,
    name: &'static str,
    client: &Client,
    may_miss: bool,
    unchecked: bool,
) -> Result<(), AssertionProblem> {
    match assertion.claims.get(name) {
        None if may_miss => Ok(()),
        None => Err(AssertionProblem::Missing { name }),
        Some(Value::String(was)) if *was == client.client_id => Ok(()),
        Some(_) if unchecked => Ok(()),
        Some(was) => Err(AssertionProblem::Claim {
            name,
            was: was.as_str().map_or_else(|| was.to_string(), str::to_owned),
            expected: client.client_id.clone(),
        }),
    }
}

fn check_audience(app: &AppState, assertion: &Assertion) -> Result<(), AssertionProblem> {
    let defects = app.defects();
    let expected = app.token_url();
    let Some(aud) = assertion.claims.get("aud") else {
        if defects.has(Defect::AssertionAudMissing) {
            return Ok(());
        }
        return Err(AssertionProblem::Missing { name: "aud" });
    };
    let named: Vec<&str> = match aud {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let fits = |aud: &str| {
        aud == expected
            || (aud == app.public_url() && app.variants().has(Variant::AssertionIssuerAudienceAccepted))
            || (aud.starts_with(app.public_url()) && defects.has(Defect::AssertionAudPrefix))
    };
    if named.iter().any(|aud| fits(aud)) || defects.has(Defect::AssertionAudNotChecked) {
        return Ok(());
    }
    Err(AssertionProblem::Claim {
        name: "aud",
        was: named.join(" "),
        expected,
    })
}
