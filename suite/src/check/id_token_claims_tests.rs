use serde_json::json;

use super::*;

#[expect(clippy::needless_pass_by_value, reason = "a claim set is written where it is used")]
fn claims(value: Value) -> Claims {
    value.as_object().cloned().unwrap()
}

fn holds(finding: &Finding) -> bool {
    matches!(finding, Finding::Holds(_))
}

fn breaks(finding: &Finding) -> bool {
    matches!(finding, Finding::Broken { .. })
}

#[test]
fn an_audience_is_a_text_or_an_array_of_texts() {
    assert!(holds(&audience(&claims(json!({ "aud": "app" })), "app")));
    assert!(holds(&audience(&claims(json!({ "aud": ["other", "app"] })), "app")));
    for bad in [
        json!({}),
        json!({ "aud": "App" }),
        json!({ "aud": ["app", 1] }),
        json!({ "aud": { "app": 1 } }),
    ] {
        assert!(breaks(&audience(&claims(bad), "app")));
    }
}

#[test]
fn azp_is_judged_only_where_it_is_there() {
    assert!(holds(&authorized_party(&claims(json!({ "azp": "app" })), "app")));
    assert!(breaks(&authorized_party(&claims(json!({ "azp": "other" })), "app")));
    assert!(matches!(
        authorized_party(&claims(json!({})), "app"),
        Finding::TooLittle(_)
    ));
    assert!(breaks(&authorized_party_present(&claims(
        json!({ "aud": ["app", "b"] })
    ))));
    let one = authorized_party_present(&claims(json!({ "aud": ["app"] })));
    assert!(matches!(one, Finding::TooLittle(_)));
}

#[test]
fn times_are_numbers_near_now() {
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    assert!(holds(&expiry(&claims(json!({ "exp": 1_800_000_001 })), now)));
    assert!(holds(&expiry(&claims(json!({ "exp": 1_800_000_001.5 })), now)));
    for bad in [
        json!({ "exp": "1800000001" }),
        json!({ "exp": 1_799_990_000 }),
        json!({ "exp": 1_800_000_001_000_i64 }),
        json!({ "exp": { "time": 1 } }),
        json!({}),
    ] {
        assert!(breaks(&expiry(&claims(bad), now)));
    }
    assert!(holds(&issued_at(&claims(json!({ "iat": 1_799_999_900 })), now)));
    assert!(breaks(&issued_at(&claims(json!({ "iat": 1_799_900_000 })), now)));
    assert!(breaks(&issued_at(
        &claims(json!({ "iat": "2027-01-15T08:00:00Z" })),
        now
    )));
}

#[test]
fn a_subject_is_short_and_ascii() {
    assert!(holds(&subject(&claims(json!({ "sub": "a".repeat(255) })))));
    for bad in [json!("a".repeat(256)), json!(""), json!("é"), json!(7), Value::Null] {
        assert!(breaks(&subject(&claims(json!({ "sub": bad })))));
    }
}

#[test]
fn a_user_is_absolute_or_relative_and_of_one_of_five_types() {
    for good in [
        "Practitioner/1",
        "https://ehr.example/fhir/Patient/a-b.c",
        "http://127.0.0.1:8080/fhir/Person/1/_history/2",
    ] {
        assert!(holds(&fhir_user_form(&claims(json!({ "fhirUser": good })))), "{good}");
    }
    for bad in [
        "Device/1",
        "Practitioner",
        "urn:uuid:1",
        "https://ehr.example/users/1",
        "Patient/",
        "demo",
    ] {
        assert!(breaks(&fhir_user_form(&claims(json!({ "fhirUser": bad })))), "{bad}");
    }
}

/// The example of OpenID Connect Core, appendix A.3.
#[test]
fn the_hash_of_an_access_token_is_that_of_the_document() {
    let decoded = |at_hash: &str, alg: &str| Decoded {
        header: claims(json!({ "alg": alg })),
        claims: claims(json!({ "at_hash": at_hash })),
    };
    let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
    assert!(holds(&access_token_hash(
        &decoded("77QmUPtjPfzWtF2AnpK9RQ", "RS256"),
        token
    )));
    assert!(breaks(&access_token_hash(
        &decoded("77QmUPtjPfzWtF2AnpK9RQ", "RS384"),
        token
    )));
    let edwards = access_token_hash(&decoded("77QmUPtjPfzWtF2AnpK9RQ", "EdDSA"), token);
    assert!(matches!(edwards, Finding::TooLittle(_)));
}
