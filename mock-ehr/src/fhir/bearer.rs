//! Who is asking: the first check of every request for data.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use url::form_urlencoded;

use super::access::{Interaction, Token, View};
use super::outcome::Problem;
use super::{advice, app_state, batch, outcome, query};
use crate::authorize::flow::is_signed_in;
use crate::defect::Defect;
use crate::journal::notes;
use crate::state::AppState;
use crate::token::access::{Access, TokenProblem};
use crate::variant::Variant;

/// The bearer of a valid token.
pub(crate) struct Bearer<'a> {
    state: &'a AppState,
    /// `None`: let in without a token, by a defect.
    access: Option<Access>,
    lenient: bool,
}

impl<'a> Bearer<'a> {
    /// Judges the Authorization header, and nothing else: RFC 6750 §2.2 and §2.3 are not supported.
    pub(crate) fn of(state: &'a AppState, headers: &HeaderMap) -> Result<Self, Problem> {
        if headers.contains_key(batch::ENTRY) && is_trusting(state) {
            return Ok(Self {
                state,
                access: None,
                lenient: false,
            });
        }
        let problem = match state.access(headers) {
            Ok(access)
                if access.patient.is_none()
                    && access.user.is_some()
                    && state.defects().has(Defect::Fhir5xxWithoutPatient) =>
            {
                return Err(Problem::Broken);
            }
            Ok(access) => {
                notes::second_look(|| {
                    let problem = state.access(headers).err();
                    problem.map_or(Ok(()), |problem| Err(advice::objection(&Problem::of_token(problem))))
                });
                return Ok(Self {
                    state,
                    access: Some(access),
                    lenient: query::is_lenient(headers),
                });
            }
            Err(problem) => problem,
        };
        if opens_by_cookie(state, headers, problem) {
            return Ok(Self {
                state,
                access: None,
                lenient: false,
            });
        }
        Err(match problem {
            TokenProblem::Invalid if is_empty(headers) && state.defects().has(Defect::FhirEmptyBearerAccepted) => {
                return Ok(Self {
                    state,
                    access: None,
                    lenient: false,
                });
            }
            TokenProblem::Missing if state.defects().has(Defect::FhirNoTokenAccepted) => {
                return Ok(Self {
                    state,
                    access: None,
                    lenient: false,
                });
            }
            TokenProblem::Invalid if state.defects().has(Defect::Fhir5xxOnJunkToken) => Problem::Broken,
            problem => Problem::of_token(problem),
        })
    }

    /// Whether a defect is armed.
    pub(super) fn has(&self, defect: Defect) -> bool {
        self.state.defects().has(defect)
    }

    /// All that decides what the bearer may see, in a text: what is made for one bearer is not for another.
    pub(super) fn binding(&self) -> String {
        let Some(access) = &self.access else {
            return String::new();
        };
        let scopes: Vec<_> = access.scopes.iter().map(crate::scope::Scope::text).collect();
        format!(
            "{:?} {:?} {:?} {scopes:?}",
            access.client_id, access.user, access.patient
        )
    }

    /// Whether this reference is to the patient in context or to the user.
    pub(super) fn is_about(&self, reference: &str) -> bool {
        let Some(access) = &self.access else { return true };
        let patient = access.patient.as_ref().map(|id| format!("Patient/{id}"));
        patient.as_deref() == Some(reference) || access.fhir_user.as_deref() == Some(reference)
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
            lenient: self.lenient,
        };
        let view = View::of(token, kind, interaction, &self.state.fhir_base(), self.state.defects());
        if view.is_ok() {
            notes::second_look(|| {
                View::of(token, kind, interaction, &self.state.fhir_base(), self.state.defects())
                    .map_err(|refusal| advice::objection(&Problem::Scope(refusal)))
            });
        }
        if app_state::opens_wide(self.state, kind, view.is_ok()) {
            return Ok(View::everything());
        }
        view.map_err(|refusal| {
            if self.state.variants().has(Variant::DeniedAs404) {
                Problem::NothingOfType { kind: refusal.kind }
            } else {
                Problem::Scope(refusal)
            }
        })
    }
}

/// A session at the sign-in pages opens no data, but for a defect.
fn opens_by_cookie(state: &AppState, headers: &HeaderMap, problem: TokenProblem) -> bool {
    if !is_signed_in(state, headers) {
        return false;
    }
    let opening: &[Defect] = match problem {
        TokenProblem::Missing => &[Defect::FhirSessionCookieAccepted, Defect::FhirSessionCookieReadable],
        _ => &[Defect::FhirSessionCookieBesideToken],
    };
    opening.iter().any(|defect| state.defects().has(*defect))
}

/// A client may send the mark of an entry too: without a defect it counts for nothing.
fn is_trusting(state: &AppState) -> bool {
    let trusting = [
        Defect::FhirBatchLeak,
        Defect::FhirBatchFirstEntryCounts,
        Defect::FhirBatchWritesTrusted,
    ];
    trusting.into_iter().any(|defect| state.defects().has(defect))
}

fn is_empty(headers: &HeaderMap) -> bool {
    let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    matches!(value, Some("Bearer" | "Bearer null" | "Bearer undefined"))
}

/// RFC 6750 §2.3: a token in the address counts for nothing, but for a defect.
pub(super) async fn other_ways(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let defects = state.defects();
    let query = request.uri().query().unwrap_or_default();
    let token = token_of(query);
    if let Some(token) = &token {
        let beside = request.headers().contains_key(AUTHORIZATION);
        let counts = if beside {
            defects.has(Defect::FhirTokenInQueryAlsoAccepted)
        } else {
            defects.has(Defect::FhirTokenInQueryAccepted)
        };
        if let (true, Ok(value)) = (counts, HeaderValue::from_str(&format!("Bearer {token}"))) {
            request.headers_mut().insert(AUTHORIZATION, value);
        }
    }
    let address = request.uri().to_string();
    let answer = next.run(request).await;
    if token.is_some() && answer.status().is_client_error() && state.defects().has(Defect::FhirOutcomeRepeatsToken) {
        let told = outcome::outcome("error", "processing", &format!("{address} was refused"));
        return outcome::resource(answer.status(), &told);
    }
    answer
}

/// The access token in a query.
pub(super) fn token_of(query: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "access_token")
        .map(|(_, token)| token.into_owned())
}
