//! Reads the bearer token of a request: whose it is, and what it allows.
//!
//! RFC 6750 §2.1: <https://www.rfc-editor.org/rfc/rfc6750>

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use jiff::SignedDuration;
use serde_json::Value;

use crate::config::Patients;
use crate::defect::Defect;
use crate::faults;
use crate::scope::grammar::Scope;
use crate::state::AppState;
use crate::store::code::Spend;
use crate::store::grant::Grant;
use crate::store::spent::Kind;
use crate::store::tokens::AccessToken;
use crate::variant::Variant;

use super::algorithm_confusion;

/// What a valid access token allows.
#[derive(Debug, Clone)]
pub struct Access {
    /// The app.
    pub client_id: String,
    /// Who signed in.
    pub user: Option<String>,
    /// The FHIR resource that describes them: `Practitioner/demo`.
    pub fhir_user: Option<String>,
    /// The patient in context.
    pub patient: Option<String>,
    /// The only patients whose records the user may open; all, where it is `None`.
    pub allowed_patients: Option<Vec<String>>,
    /// What was granted.
    pub scopes: Vec<Scope>,
    /// Was the token asked for with this server as its audience?
    pub aud_ok: bool,
}

/// Why a request's token allows nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenProblem {
    /// There is none.
    Missing,
    /// Nobody issued it, or not for this server.
    Invalid,
    /// Its time is over.
    Expired,
    /// It was revoked, or its code was replayed.
    Revoked,
    /// It was asked for with another FHIR base of this server as its audience.
    Elsewhere,
}

impl AppState {
    /// What the bearer token of these headers allows.
    pub fn access(&self, headers: &HeaderMap) -> Result<Access, TokenProblem> {
        if let Some(scratch) = self.scratch() {
            return scratch.access.clone();
        }
        let text = self.bearer_token(headers)?;
        let token = self
            .store()
            .access_token(text)
            .or_else(|| self.taken_for_a_token(text))
            .ok_or(TokenProblem::Invalid)?;
        // SMART 2.2 app-launch, `aud`: where the app said that it would show the token.
        if token.grant.faults.base != faults::base() {
            return Err(TokenProblem::Elsewhere);
        }
        if (token.revoked || token.grant.is_revoked()) && !self.defects().has(Defect::FhirRevokedTokenAccepted) {
            return Err(TokenProblem::Revoked);
        }
        if token.expires <= self.now() && !self.defects().has(Defect::FhirExpiredTokenAccepted) {
            return Err(TokenProblem::Expired);
        }
        let once = if token.grant.user().is_none() {
            Defect::BackendTokenOnce
        } else {
            Defect::FhirSingleUseToken
        };
        if self.defects().has(once) && !self.store().spend(Kind::AccessToken, text, token.expires, self.now()) {
            return Err(TokenProblem::Invalid);
        }
        if !token.grant.aud_ok && self.variants().has(Variant::AudRefusedAtFhir) {
            return Err(TokenProblem::Invalid);
        }
        let user = token.grant.user().and_then(|name| self.config().user(name));
        Ok(Access {
            client_id: token.grant.client_id.clone(),
            user: token.grant.user().map(str::to_owned),
            fhir_user: user.map(|user| user.fhir_user.clone()),
            patient: token.patient,
            allowed_patients: match user.map(|user| &user.patients) {
                Some(Patients::All) => None,
                Some(Patients::Only(ids)) => Some(ids.clone()),
                None if token.grant.user().is_none() => None,
                None => Some(Vec::new()),
            },
            scopes: token.scopes,
            aud_ok: token.grant.aud_ok,
        })
    }
}

impl AppState {
    fn bearer_token<'h>(&self, headers: &'h HeaderMap) -> Result<&'h str, TokenProblem> {
        let defects = self.defects();
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let first = values.next().and_then(|value| value.to_str().ok());
        let Some(first) = first else { return bearer(headers) };
        let (scheme, token) = first.split_once(' ').unwrap_or(("", first));
        let alone = values.next().is_none();
        let loose = (alone && defects.has(Defect::FhirSchemeNotChecked))
            || (defects.has(Defect::FhirSecondHeaderIgnored) && scheme.eq_ignore_ascii_case("bearer"));
        if loose {
            return Ok(token);
        }
        if defects.has(Defect::FhirSchemeCaseSensitive) && scheme != "Bearer" {
            return Err(TokenProblem::Invalid);
        }
        bearer(headers)
    }

    /// What only a faulty server takes for an access token.
    fn taken_for_a_token(&self, text: &str) -> Option<AccessToken> {
        let defects = self.defects();
        if defects.has(Defect::FhirRefreshTokenAccepted)
            && let Some(token) = self.store().refresh_token(text)
        {
            return Some(self.as_access_token(&token.grant));
        }
        if defects.has(Defect::FhirCodeAccepted)
            && let Some(Ok(code)) = self.store().redeem(text, Spend::Not, |_| Ok::<_, ()>(()))
        {
            return Some(self.as_access_token(&code.grant));
        }
        let (header, claims) = jwt(text)?;
        let unsigned = header["alg"]
            .as_str()
            .is_some_and(|alg| alg.eq_ignore_ascii_case("none"));
        if defects.has(Defect::FhirJwtSignatureNotVerified) || (unsigned && defects.has(Defect::FhirJwtAlgNoneAccepted))
        {
            return self.store().access_token_by(|known, _| {
                jwt(known).is_some_and(|(_, of_known)| of_known["jti"] == claims["jti"] && claims["jti"].is_string())
            });
        }
        let own_key = header["jwk"].is_object() && defects.has(Defect::FhirJwtOwnKeyBelieved);
        if own_key
            || (algorithm_confusion::is_hmac_with_public_key(text, &header)
                && defects.has(Defect::FhirJwtPublicKeyAsSecret))
        {
            return self.store().access_token_by(|known, _| {
                jwt(known).is_some_and(|(_, of_known)| of_known["jti"] == claims["jti"] && claims["jti"].is_string())
            });
        }
        let of_client = claims["iss"].is_string() && claims["iss"] == claims["sub"];
        if of_client && defects.has(Defect::FhirClientAssertionAccepted) {
            return self
                .store()
                .access_token_by(|_, token| claims["iss"] == token.grant.client_id.as_str() && !token.revoked);
        }
        if defects.has(Defect::FhirIdTokenAccepted) {
            let client = claims["aud"].as_str()?;
            return self
                .store()
                .access_token_by(|_, token| token.grant.client_id == client && !token.revoked);
        }
        None
    }

    fn as_access_token(&self, grant: &Arc<Grant>) -> AccessToken {
        AccessToken {
            grant: Arc::clone(grant),
            scopes: grant.scopes.clone(),
            patient: grant.patient.clone(),
            issued: self.now(),
            expires: self.now() + SignedDuration::from_hours(1),
            revoked: false,
        }
    }
}

/// Header and claims of a JWT, whatever its signature.
fn jwt(text: &str) -> Option<(Value, Value)> {
    let mut parts = text.split('.');
    let mut part = || -> Option<Value> {
        let bytes = URL_SAFE_NO_PAD.decode(parts.next()?).ok()?;
        serde_json::from_slice(&bytes).ok()
    };
    Some((part()?, part()?))
}

/// The text of the bearer token. RFC 9110 §11.1: the scheme's letter case does not matter.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<&str, TokenProblem> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(TokenProblem::Missing)?;
    if values.next().is_some() {
        return Err(TokenProblem::Invalid);
    }
    let value = value.to_str().map_err(|_| TokenProblem::Invalid)?;
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        _ => Err(TokenProblem::Invalid),
    }
}
