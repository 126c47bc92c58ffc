//! Who is asking: the first check of every request for data.

use http::HeaderMap;

use super::access::{Interaction, Token, View};
use super::outcome::Problem;
use crate::defect::Defect;
use crate::state::AppState;
use crate::token::access::{Access, TokenProblem};
use crate::variant::Variant;

/// The bearer of a valid token.
pub(crate) struct Bearer<'a> {
    state: &'a AppState,
    /// `None`: let in without a token, by a defect.
    access: Option<Access>,
}

impl<'a> Bearer<'a> {
    /// Judges the Authorization header, and nothing else: RFC 6750 §2.2 and §2.3 are not supported.
    pub(crate) fn of(state: &'a AppState, headers: &HeaderMap) -> Result<Self, Problem> {
        let problem = match state.access(headers) {
            Ok(access) => {
                return Ok(Self {
                    state,
                    access: Some(access),
                });
            }
            Err(problem) => problem,
        };
        Err(match problem {
            TokenProblem::Missing if state.defects().has(Defect::FhirNoTokenAccepted) => {
                return Ok(Self { state, access: None });
            }
            TokenProblem::Missing => Problem::TokenMissing,
            TokenProblem::Invalid if state.defects().has(Defect::Fhir5xxOnJunkToken) => Problem::Broken,
            TokenProblem::Invalid => Problem::TokenInvalid("was not issued by this server for this server"),
            TokenProblem::Expired => Problem::TokenInvalid("has expired"),
            TokenProblem::Revoked => Problem::TokenInvalid("was revoked"),
        })
    }

    /// What the bearer may see of a type.
    pub(crate) fn view(&self, kind: &str, interaction: Interaction) -> Result<View, Problem> {
        let Some(access) = &self.access else {
            return Ok(View::everything());
        };
        let token = Token {
            scopes: &access.scopes,
            patient: access.patient.as_deref(),
            user: access.user.as_deref(),
            allowed_patients: access.allowed_patients.as_deref(),
        };
        View::of(token, kind, interaction, self.state.fhir_base(), self.state.defects()).map_err(|refusal| {
            if self.state.variants().has(Variant::DeniedAs404) {
                Problem::NothingOfType { kind: refusal.kind }
            } else {
                Problem::Scope(refusal)
            }
        })
    }
}
