//! Binary as what it holds: its content in its own type, unless the client asks for FHIR.
//!
//! FHIR R4, "Serving Binary Resources using the RESTful API": <https://hl7.org/fhir/R4/binary.html#rest>

use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::store::Resource;
use super::{batch, format};

/// The content; nothing where the resource itself is to be sent.
pub(super) fn content(resource: &Resource, query: Option<&str>, headers: &HeaderMap) -> Option<Response> {
    let asked = headers.get_all(ACCEPT).iter();
    let fhir = asked
        .filter_map(|accept| accept.to_str().ok())
        .any(|accept| accept.contains("json"));
    // `_format` overrides Accept, and every value that was let through asks for JSON.
    let fhir = fhir || format::is_asked(query);
    if resource.kind != "Binary" || fhir || headers.contains_key(batch::ENTRY) {
        return None;
    }
    let kind = HeaderValue::from_str(resource.body["contentType"].as_str()?).ok()?;
    let data = STANDARD.decode(resource.body["data"].as_str()?).ok()?;
    // Apps may have written it, and it comes from the EHR's own origin: no browser runs it.
    let guarded = [
        (CONTENT_TYPE, kind),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (
            CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; sandbox"),
        ),
    ];
    Some((StatusCode::OK, guarded, data).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::store::Store;

    #[test]
    fn content_comes_in_its_own_type_unless_fhir_is_asked_for() {
        let binary = Store::embedded().get("Binary", "binary-d1").expect("it is embedded");
        let accepting = |text: &'static str| HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(text))]);
        for headers in [HeaderMap::new(), accepting("application/pdf"), accepting("*/*")] {
            let response = content(binary, None, &headers).expect("the content");
            assert_eq!(response.headers()[CONTENT_TYPE], "application/pdf");
            assert_eq!(
                response.headers()[CONTENT_SECURITY_POLICY],
                "default-src 'none'; sandbox"
            );
        }
        for text in ["application/fhir+json", "application/json, text/plain, */*"] {
            assert!(content(binary, None, &accepting(text)).is_none(), "{text}");
        }
        let asked = Some("_format=application/fhir%2Bjson");
        assert!(content(binary, asked, &accepting("application/pdf")).is_none());
        let patient = Store::embedded().get("Patient", "patient-d").expect("it is embedded");
        assert!(content(patient, None, &HeaderMap::new()).is_none());
    }
}
