//! Reads the bearer token of a request: whose it is, and what it allows.
//!
//! RFC 6750 §2.1: <https://www.rfc-editor.org/rfc/rfc6750>

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::config::Patients;
use crate::defect::Defect;
use crate::scope::grammar::Scope;
use crate::state::AppState;
use crate::store::spent::Kind;
use crate::variant::Variant;

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
}

impl AppState {
    /// What the bearer token of these headers allows.
    pub fn access(&self, headers: &HeaderMap) -> Result<Access, TokenProblem> {
        let text = bearer(headers)?;
        let token = self.store().access_token(text).ok_or(TokenProblem::Invalid)?;
        if (token.revoked || token.grant.is_revoked()) && !self.defects().has(Defect::FhirRevokedTokenAccepted) {
            return Err(TokenProblem::Revoked);
        }
        if token.expires <= self.now() && !self.defects().has(Defect::FhirExpiredTokenAccepted) {
            return Err(TokenProblem::Expired);
        }
        if token.grant.user().is_none()
            && self.defects().has(Defect::BackendTokenOnce)
            && !self
                .store()
                .spend(Kind::AccessToken, text.to_owned(), token.expires, self.now())
        {
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
