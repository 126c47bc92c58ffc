//! Brands.

use http::StatusCode;
use mock_ehr::{Defect, Variant};
use serde_json::{Value, json};

use crate::harness::TestEhr;

const AT: &str = "/brands.json";

pub(super) async fn probe(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    let smart = ehr.get("/fhir/.well-known/smart-configuration").await.json();
    let identifier = &smart["user_access_brand_identifier"];
    let answer = ehr.get_with(AT, &[("origin", "https://app.example")]).await;
    let bundle = answer.json();
    let (hospital, practice) = (&bundle["entry"][0]["resource"], &bundle["entry"][1]["resource"]);
    let endpoint = &bundle["entry"][2]["resource"];
    Some(match defect {
        Defect::BrandsNotListed => smart["issuer"].is_string() && smart["user_access_brand_bundle"].is_null(),
        Defect::BrandsNotFound => answer.status == StatusCode::NOT_FOUND,
        Defect::BrandIdentifierMissing => smart["user_access_brand_bundle"].is_string() && identifier.is_null(),
        Defect::BrandIdentifierWithoutValue => identifier.is_object() && identifier["value"].is_null(),
        Defect::BrandIdentifierWithoutSystem => identifier.is_object() && identifier["system"].is_null(),
        Defect::BrandIdentifierOfNobody => {
            identifier["value"].is_string() && identifier["value"] != hospital["identifier"][0]["value"]
        }
        Defect::BrandsWrongType => bundle["type"] != "collection",
        Defect::BrandsTimestampMissing => bundle["type"] == "collection" && bundle["timestamp"].is_null(),
        Defect::BrandsEtagStrong => answer.header("etag").starts_with('"'),
        Defect::BrandsCorsMissing => answer.header("access-control-allow-origin").is_empty(),
        Defect::BrandsEndpointWrongType => endpoint["connectionType"]["code"] != "hl7-fhir-rest",
        Defect::BrandsEndpointVersionMissing => endpoint["extension"].is_null(),
        Defect::BrandsContactMissing => endpoint["contact"].is_null(),
        Defect::BrandsAddressRelative => endpoint["address"] == "/fhir",
        Defect::BrandsNameMissing => practice["name"] == "",
        Defect::BrandsWebsiteMissing => hospital["telecom"][0]["system"] == "phone",
        Defect::BrandsEndpointOrphaned => hospital["extension"] == json!([]),
        Defect::BrandsReferenceDangling => practice["partOf"]["reference"] == "Organization/harbour-group",
        Defect::BrandsPortalEndpointUnlisted => hospital["endpoint"] == json!([]) && hospital["extension"] != json!([]),
        Defect::BrandsAbsentReasonWrong => practice["telecom"][0]["_value"]["extension"][0]["valueCode"] == "unknown",
        Defect::BrandsIdentifierWithPath => practice["identifier"][0]["value"] != "https://harbour-practice.example",
        Defect::BrandsLogoPlain => {
            let logo: &Value = &hospital["extension"][0]["extension"][0]["valueUrl"];
            logo.as_str().is_some_and(|logo| logo.starts_with("http:"))
        }
        _ => return None,
    })
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let ehr = TestEhr::new();
    let first = ehr.get(AT).await;
    assert_eq!(first.status, StatusCode::OK);
    assert_eq!(first.header("content-type"), "application/fhir+json");
    let again = ehr.get_with(AT, &[("if-none-match", first.header("etag"))]).await;
    assert_eq!((again.status, again.body.as_str()), (StatusCode::NOT_MODIFIED, ""));
    let undated = TestEhr::with_variant(Variant::BrandsUndated).get(AT).await.json();
    assert!(undated["entry"][0]["resource"]["meta"].is_null());
}
