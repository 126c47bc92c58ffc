//! The brands behind this server, by which apps show people where to sign in.
//!
//! SMART App Launch 2.2, "User-access Brands and Endpoints": <https://hl7.org/fhir/smart-app-launch/brands.html>

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

use crate::defect::Defect;
use crate::state::AppState;
use crate::variant::Variant;

/// Where the bundle stands.
pub(crate) const PATH: &str = "/brands.json";

/// `GET /brands.json`
pub(crate) async fn handle(State(state): State<AppState>, headers: HeaderMap) -> Response {
    let defects = state.defects();
    if defects.has(Defect::BrandsNotFound) {
        return (StatusCode::NOT_FOUND, "Not Found\n").into_response();
    }
    let Some(bundle) = bundle(&state) else {
        return (StatusCode::INTERNAL_SERVER_ERROR, "the brands cannot be read\n").into_response();
    };
    // SMART 2.2 brands, "Caching Brand Bundles": a weak ETag, so that what has not changed is not sent again.
    let tag = format!("W/\"{}\"", bundle["timestamp"].as_str().unwrap_or_default());
    let tag = if defects.has(Defect::BrandsEtagStrong) {
        tag.trim_start_matches("W/").to_owned()
    } else {
        tag
    };
    let known = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let (status, body) = if known == Some(&tag) {
        (StatusCode::NOT_MODIFIED, String::new())
    } else {
        (StatusCode::OK, bundle.to_string())
    };
    let fields = [
        (CONTENT_TYPE, "application/fhir+json".to_owned()),
        (CACHE_CONTROL, "max-age=300".to_owned()),
        (ETAG, tag),
    ];
    (status, fields, body).into_response()
}

/// What the SMART configuration tells of the brands.
pub(crate) fn tell(state: &AppState, members: &mut Map<String, Value>) {
    let defects = state.defects();
    if defects.has(Defect::BrandsNotListed) {
        return;
    }
    let at = format!("{}{PATH}", state.public_url());
    members.insert("user_access_brand_bundle".into(), json!(at));
    let mut identifier = json!({ "system": "urn:ietf:rfc:3986", "value": "https://harbour-hospital.example" });
    if defects.has(Defect::BrandIdentifierWithoutValue) {
        identifier["value"] = Value::Null;
    }
    if defects.has(Defect::BrandIdentifierWithoutSystem) {
        identifier["system"] = Value::Null;
    }
    if defects.has(Defect::BrandIdentifierOfNobody) {
        identifier["value"] = json!("https://another-hospital.example");
    }
    if let Some(members) = identifier.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    // With several brands in the bundle, it says which one is this server's.
    if !defects.has(Defect::BrandIdentifierMissing) {
        members.insert("user_access_brand_identifier".into(), identifier);
    }
}

fn bundle(state: &AppState) -> Option<Value> {
    let text = fixtures::file("brands/brands.json")?
        .text
        .replace("{base}", state.public_url())
        .replace("{fhir_base}", &state.fhir_base());
    let mut bundle: Value = serde_json::from_str(&text).ok()?;
    let has = |defect| state.defects().has(defect);
    if has(Defect::BrandsWrongType) {
        bundle["type"] = json!("searchset");
    }
    if has(Defect::BrandsTimestampMissing) {
        bundle.as_object_mut()?.remove("timestamp");
    }
    let [hospital, practice, endpoint] = bundle["entry"].as_array_mut()?.as_mut_slice() else {
        return None;
    };
    let (hospital, practice) = (&mut hospital["resource"], &mut practice["resource"]);
    let endpoint = &mut endpoint["resource"];
    if state.variants().has(Variant::BrandsUndated) {
        for resource in [&mut *hospital, &mut *practice, &mut *endpoint] {
            resource.as_object_mut()?.remove("meta");
        }
    }
    organizations(state, hospital, practice);
    if has(Defect::BrandsEndpointWrongType) {
        endpoint["connectionType"]["code"] = json!("hl7-fhir-msg");
    }
    if has(Defect::BrandsEndpointVersionMissing) {
        endpoint.as_object_mut()?.remove("extension");
    }
    if has(Defect::BrandsContactMissing) {
        endpoint.as_object_mut()?.remove("contact");
    }
    if has(Defect::BrandsAddressRelative) {
        endpoint["address"] = json!("/fhir");
    }
    Some(bundle)
}

fn organizations(state: &AppState, hospital: &mut Value, practice: &mut Value) {
    let has = |defect| state.defects().has(defect);
    if has(Defect::BrandsNameMissing) {
        practice["name"] = json!("");
    }
    if has(Defect::BrandsWebsiteMissing) {
        hospital["telecom"] = json!([{ "system": "phone", "value": "+1 555 0100" }]);
    }
    if has(Defect::BrandsEndpointOrphaned) {
        hospital["endpoint"] = json!([]);
        hospital["extension"] = json!([]);
    }
    if has(Defect::BrandsReferenceDangling) {
        practice["partOf"] = json!({ "reference": "Organization/harbour-group" });
    }
    if has(Defect::BrandsPortalEndpointUnlisted) {
        hospital["endpoint"] = json!([]);
    }
    if has(Defect::BrandsAbsentReasonWrong) {
        practice["telecom"][0]["_value"]["extension"][0]["valueCode"] = json!("unknown");
    }
    if has(Defect::BrandsIdentifierWithPath) {
        practice["identifier"][0]["value"] = json!("https://www.harbour-practice.example/home");
    }
    if has(Defect::BrandsLogoPlain) {
        hospital["extension"][0]["extension"][0]["valueUrl"] = json!("http://harbour-hospital.example/logo.svg");
    }
}
