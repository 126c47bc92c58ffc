//! Reads the parameters of a request to the token, introspection or revocation endpoint: a POSTed form, nothing else.
//!
//! RFC 6749 §3.2, §4.1.3: <https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3>

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, Uri};

use super::advice;
use super::reason::Reason;
use crate::defect::Defect;
use crate::form::{NotUtf8, Parameters};
use crate::journal::notes;
use crate::state::AppState;
use crate::variant::Variant;

/// What a request brings.
pub(crate) struct Incoming {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) uri: Uri,
    pub(crate) body: Bytes,
}

impl<S: Send + Sync> FromRequest<S> for Incoming {
    type Rejection = BytesRejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let (method, uri, headers) = (
            request.method().clone(),
            request.uri().clone(),
            request.headers().clone(),
        );
        Ok(Self {
            method,
            headers,
            uri,
            body: Bytes::from_request(request, state).await?,
        })
    }
}

const AT_MOST: usize = 64 * 1024;

/// Every parameter, or why they cannot be read.
pub(crate) fn read(app: &AppState, incoming: &Incoming) -> Result<Parameters, Reason> {
    let defects = app.defects();
    let read = read_strictly(app, incoming);
    if read.is_ok() {
        notes::second_look(|| read_strictly(app, incoming).map_err(|reason| advice::objection(&reason)));
    }
    read.map_err(|reason| match reason {
        Reason::NotUtf8 { .. } | Reason::ContentType { .. } | Reason::TooLarge
            if defects.has(Defect::MalformedForm5xx) =>
        {
            Reason::Broken
        }
        Reason::Method { .. } if defects.has(Defect::Method5xx) => Reason::Broken,
        other => other,
    })
}

fn read_strictly(app: &AppState, incoming: &Incoming) -> Result<Parameters, Reason> {
    let defects = app.defects();
    let by_get = incoming.method == Method::GET && defects.has(Defect::TokenGetAccepted);
    if incoming.method != Method::POST && !by_get {
        return Err(Reason::Method {
            was: incoming.method.to_string(),
        });
    }
    if incoming.body.len() > AT_MOST {
        return Err(Reason::TooLarge);
    }
    let query = parse(incoming.uri.query().unwrap_or_default().as_bytes())?;
    let mut parameters = if by_get {
        Parameters::default()
    } else {
        body(app, incoming)?
    };
    let is_credentials = query.iter().all(|(name, _)| name.starts_with("client_"));
    if by_get
        || defects.has(Defect::TokenQueryAccepted)
        || (is_credentials && defects.has(Defect::SecretInQueryAccepted))
    {
        parameters.extend(query);
    } else if defects.has(Defect::TokenQueryOverrides) {
        parameters = parameters.overridden_by(query);
    } else if !query.is_empty() {
        // RFC 6749 §2.3.1: credentials must not stand in an address; and nothing else is read from there either.
        let names: Vec<_> = query.iter().map(|(name, _)| name).collect();
        return Err(Reason::Query {
            names: names.join(", "),
        });
    }
    if let Some((name, times)) = parameters.repeated()
        && !defects.has(Defect::TokenDuplicateParametersAccepted)
    {
        return Err(Reason::Repeated {
            name: name.to_owned(),
            times,
        });
    }
    if defects.has(Defect::TokenUnknownParameterRefused)
        && let Some((name, _)) = parameters.iter().find(|(name, _)| !KNOWN.contains(name))
    {
        return Err(Reason::UnknownParameter { name: name.to_owned() });
    }
    Ok(parameters)
}

const KNOWN: [&str; 12] = [
    "client_assertion",
    "client_assertion_type",
    "client_id",
    "client_secret",
    "code",
    "code_verifier",
    "grant_type",
    "redirect_uri",
    "refresh_token",
    "scope",
    "token",
    "token_type_hint",
];

fn body(app: &AppState, incoming: &Incoming) -> Result<Parameters, Reason> {
    let kind = incoming
        .headers
        .get(CONTENT_TYPE)
        .map(http::HeaderValue::as_bytes)
        .unwrap_or_default();
    let kind = String::from_utf8_lossy(kind).into_owned();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let reads_json = app.defects().has(Defect::TokenJsonBodyAccepted) || app.variants().has(Variant::TokenJsonAccepted);
    match essence.as_str() {
        "application/x-www-form-urlencoded" => parse(&incoming.body),
        "application/json" if reads_json => Ok(from_json(&incoming.body)),
        _ => Err(Reason::ContentType { was: kind }),
    }
}

fn from_json(body: &[u8]) -> Parameters {
    let members: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(body).unwrap_or_default();
    let pairs = members
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())));
    Parameters::from_pairs(pairs.collect())
}

fn parse(raw: &[u8]) -> Result<Parameters, Reason> {
    Parameters::parse(raw).map_err(|NotUtf8 { name }| Reason::NotUtf8 { name })
}
