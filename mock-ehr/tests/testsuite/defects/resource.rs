//! The FHIR server: which tokens open it, how far each reaches, writes and app state.

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, Request, StatusCode};
use mock_ehr::Defect;
use serde_json::{Value, json};

use crate::harness::*;

const APP: &str = "app-public";
const LABORATORY: &str = "launch/patient patient/Patient.rs patient/Observation.rs?category=laboratory";
const OTHER: &str = "/fhir/Patient/patient-c";

pub(super) async fn probe(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    if let Some(answer) = tokens(ehr, defect).await {
        return Some(answer);
    }
    if let Some(answer) = reach(ehr, defect).await {
        return Some(answer);
    }
    if let Some(answer) = constraints(ehr, defect).await {
        return Some(answer);
    }
    if let Some(answer) = writes(ehr, defect).await {
        return Some(answer);
    }
    app_state(ehr, defect).await
}

/// A token for patient-b with these scopes.
async fn token(ehr: &TestEhr, scope: &str) -> String {
    let answer = ehr.launched_with(APP, |form| form.set("scope", scope)).await;
    answer.member("access_token")
}

async fn whole(ehr: &TestEhr) -> String {
    token(ehr, "launch/patient patient/*.rs").await
}

/// Whether the record of the token's patient is read with these header values.
async fn opens(ehr: &TestEhr, values: &[&str]) -> bool {
    let headers: Vec<_> = values.iter().map(|value| ("authorization", *value)).collect();
    let answer = ehr.get_with("/fhir/Patient/patient-b", &headers).await;
    answer.status == StatusCode::OK
}

async fn tokens(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    let launched = async || ehr.launched_with(APP, |form| form).await;
    let bearer = async |text: &str| opens(ehr, &[&format!("Bearer {text}")]).await;
    let challenge = async |value: &[(&str, &str)]| {
        let answer = ehr.get_with("/fhir/Patient/patient-b", value).await;
        answer.header("www-authenticate").to_owned()
    };
    Some(match defect {
        Defect::FhirMissingTokenNamed => challenge(&[]).await.contains("error="),
        Defect::FhirInvalidTokenUnnamed => !challenge(&[("authorization", "Bearer x")])
            .await
            .contains("invalid_token"),
        Defect::FhirOutcomeMissing => ehr.get("/fhir/Patient/patient-b").await.body.is_empty(),
        Defect::FhirMetadataClosed => ehr.get("/fhir/metadata").await.status != StatusCode::OK,
        Defect::FhirSingleUseToken => {
            let token = whole(ehr).await;
            bearer(&token).await && !bearer(&token).await
        }
        Defect::FhirSchemeCaseSensitive => !opens(ehr, &[&format!("bearer {}", whole(ehr).await)]).await,
        Defect::FhirSchemeNotChecked => opens(ehr, &[&format!("Basic {}", whole(ehr).await)]).await,
        Defect::FhirEmptyBearerAccepted => opens(ehr, &["Bearer"]).await,
        Defect::FhirSecondHeaderIgnored => opens(ehr, &[&format!("Bearer {}", whole(ehr).await), "Bearer x"]).await,
        Defect::FhirTokenInQueryAccepted | Defect::FhirTokenInQueryAlsoAccepted => {
            let path = format!("/fhir/Patient/patient-b?access_token={}", whole(ehr).await);
            let beside = [("authorization", "Bearer x")];
            let beside = &beside[usize::from(defect == Defect::FhirTokenInQueryAccepted)..];
            ehr.get_with(&path, beside).await.status == StatusCode::OK
        }
        Defect::FhirIdTokenAccepted => bearer(&launched().await.member("id_token")).await,
        Defect::FhirRefreshTokenAccepted => bearer(&launched().await.member("refresh_token")).await,
        Defect::FhirCodeAccepted => bearer(&ehr.code(APP).await.code).await,
        Defect::FhirJwtAlgNoneAccepted | Defect::FhirJwtSignatureNotVerified => {
            let token = whole(ehr).await;
            let parts: Vec<&str> = token.split('.').collect();
            let &[header, claims, _] = parts.as_slice() else {
                return Some(false);
            };
            let header = if defect == Defect::FhirJwtAlgNoneAccepted {
                URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#)
            } else {
                header.to_owned()
            };
            bearer(&format!("{header}.{claims}.")).await
        }
        _ => return None,
    })
}

/// Whether any resource of the answer is of patient-c.
async fn leaks(ehr: &TestEhr, path: &str) -> bool {
    let answer = ehr.fhir(path, &whole(ehr).await).await;
    answer.status == StatusCode::OK && answer.body.contains("Patient/patient-c")
}

async fn posted(ehr: &TestEhr, method: Method, path: &str, token: &str, tag: &str, body: &Value) -> Answer {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("/fhir{path}"))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/fhir+json");
    if !tag.is_empty() {
        request = request.header("if-match", tag);
    }
    ehr.send(request.body(Body::from(body.to_string())).unwrap()).await
}

async fn reach(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    Some(match defect {
        Defect::FhirUnknownTypeEmpty => {
            let token = whole(ehr).await;
            ehr.fhir("Nonsense", &token).await.status == StatusCode::OK
        }
        Defect::FhirContextsMixed => {
            let scope = "launch/patient openid fhirUser patient/Patient.rs user/Practitioner.rs";
            let token = token(ehr, scope).await;
            ehr.fhir("Patient/patient-c", &token).await.status == StatusCode::OK
        }
        Defect::FhirNoPatientOpensAll => {
            let answer = ehr
                .launched_with(APP, |form| form.set("scope", "launch/patient patient/*.rs"))
                .await;
            let read = ehr.fhir("Patient/patient-c", &answer.member("access_token")).await;
            answer.json().get("patient").is_none() && read.status == StatusCode::OK
        }
        Defect::FhirReadLetterNotChecked => {
            let token = token(ehr, "launch/patient patient/Patient.r").await;
            ehr.fhir("Patient?_id=patient-b", &token).await.status == StatusCode::OK
        }
        Defect::FhirVreadLeak => leaks(ehr, "Encounter/encounter-c1/_history/1").await,
        Defect::FhirHistoryLeak => leaks(ehr, "Encounter/_history").await,
        Defect::FhirIncludeLeak => {
            let token = token(ehr, "launch/patient patient/Observation.rs").await;
            let answer = ehr.fhir("Observation?_include=Observation:encounter", &token).await;
            answer.body.contains("\"Encounter\"")
        }
        Defect::FhirRevincludeLeak => {
            let token = token(ehr, "launch/patient patient/Patient.rs").await;
            let answer = ehr.fhir("Patient?_revinclude=Observation:subject", &token).await;
            answer.body.contains("\"resourceType\":\"Observation\"")
        }
        Defect::FhirChainLeak => leaks(ehr, "Encounter?subject:Patient._id=patient-c").await,
        Defect::FhirIdSearchLeak => leaks(ehr, "Encounter?_id=encounter-c1").await,
        Defect::FhirPostSearchLeak => {
            let authorization = format!("Bearer {}", whole(ehr).await);
            let form = Form::of(&[("patient", "patient-c")]);
            let headers = [("authorization", authorization.as_str())];
            let answer = ehr.post("/fhir/Encounter/_search", &headers, &form).await;
            answer.body.contains("Patient/patient-c")
        }
        Defect::FhirEverythingLeak => leaks(ehr, "Patient/patient-c/$everything").await,
        Defect::FhirEverythingScopeIgnored => {
            let token = token(ehr, "launch/patient patient/Patient.rs").await;
            let answer = ehr.fhir("Patient/patient-b/$everything", &token).await;
            answer.body.contains("\"resourceType\":\"Observation\"")
        }
        Defect::FhirBatchFirstEntryCounts => {
            let read = |url: &str| json!({"request": {"method": "GET", "url": url}});
            let entries = [read("Patient/patient-b"), read("Encounter/encounter-c1")];
            let batch = json!({"resourceType": "Bundle", "type": "batch", "entry": entries});
            let answer = posted(ehr, Method::POST, "", &whole(ehr).await, "", &batch).await;
            answer.body.contains("Patient/patient-c")
        }
        Defect::FhirSelfLinkRepeatsToken => {
            let token = whole(ehr).await;
            let answer = ehr.fhir(&format!("Patient?access_token={token}"), &token).await;
            answer.status == StatusCode::OK && answer.body.contains(&token)
        }
        Defect::FhirOutcomeRepeatsToken => {
            let token = whole(ehr).await;
            let answer = ehr.fhir(&format!("Patient/nobody?access_token={token}"), &token).await;
            answer.status == StatusCode::NOT_FOUND && answer.body.contains(&token)
        }
        Defect::FhirBatchLeak => {
            let entry = json!({"request": {"method": "GET", "url": "Encounter/encounter-c1"}});
            let batch = json!({"resourceType": "Bundle", "type": "batch", "entry": [entry]});
            let answer = posted(ehr, Method::POST, "", &whole(ehr).await, "", &batch).await;
            answer.body.contains("Patient/patient-c")
        }
        Defect::FhirExistenceRevealed => {
            let token = whole(ehr).await;
            let hidden = ehr.fhir("Patient/patient-c", &token).await.status;
            hidden != ehr.fhir("Patient/nobody", &token).await.status
        }
        _ => return None,
    })
}

async fn constraints(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    let vitals = async |scope: &str, path: &str, prefer: &str| {
        let authorization = format!("Bearer {}", token(ehr, scope).await);
        let headers = [("authorization", authorization.as_str()), ("prefer", prefer)];
        let answer = ehr.get_with(&format!("/fhir/{path}"), &headers).await;
        answer.body.contains("\"vital-signs\"")
    };
    Some(match defect {
        Defect::FhirGranularIgnored => vitals(LABORATORY, "Observation", "handling=strict").await,
        Defect::FhirGranularLenientIgnored => vitals(LABORATORY, "Observation", "handling=lenient").await,
        Defect::FhirGranularReadIgnored => vitals(LABORATORY, "Observation/observation-b1", "handling=strict").await,
        Defect::FhirGranularUnknownIgnored => {
            let scope = "launch/patient patient/Observation.rs?shoe-size=4";
            vitals(scope, "Observation", "handling=strict").await
        }
        _ => return None,
    })
}

fn observation(patient: &str) -> Value {
    json!({
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": format!("Patient/{patient}")},
    })
}

async fn writes(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    let creates = async |scope: &str, patient: &str| {
        let token = token(ehr, scope).await;
        let answer = posted(ehr, Method::POST, "/Observation", &token, "", &observation(patient)).await;
        answer.status == StatusCode::CREATED
    };
    Some(match defect {
        Defect::FhirWriteLetterNotChecked => creates("launch/patient patient/Observation.ud", "patient-b").await,
        Defect::FhirUpdateCreateNeedsC => {
            let token = token(ehr, "launch/patient patient/Observation.u").await;
            let mut body = observation("patient-b");
            body["id"] = json!("made-by-update");
            let path = "/Observation/made-by-update";
            posted(ehr, Method::PUT, path, &token, "", &body).await.status != StatusCode::CREATED
        }
        Defect::FhirWriteBeyondCompartment => creates("launch/patient patient/Observation.c", "patient-c").await,
        Defect::FhirPatchLetterNotChecked => {
            let path = made(ehr, "patient-b").await;
            let token = token(ehr, "launch/patient patient/Observation.crds").await;
            patched(ehr, &path, &token, "status", "amended").await == 2
        }
        Defect::FhirPatchOfAnyPatient => {
            let token = token(ehr, "launch/patient patient/Observation.cruds").await;
            patched(ehr, "/Observation/observation-c1", &token, "status", "amended").await == 2
        }
        Defect::FhirPatchMovesRecord => {
            let path = made(ehr, "patient-b").await;
            let token = token(ehr, "launch/patient patient/Observation.cruds").await;
            // Moved by the first, it is out of reach of the second.
            patched(ehr, &path, &token, "subject.reference", "Patient/patient-c").await == 1
        }
        Defect::FhirUpdateMovesRecord => {
            let path = made(ehr, "patient-b").await;
            let token = token(ehr, "launch/patient patient/Observation.cruds").await;
            let mut body = observation("patient-c");
            body["id"] = json!(path.trim_start_matches("/Observation/"));
            posted(ehr, Method::PUT, &path, &token, "", &body).await.status == StatusCode::OK
        }
        Defect::FhirBatchWritesTrusted => {
            let entry =
                json!({"request": {"method": "POST", "url": "Observation"}, "resource": observation("patient-c")});
            let batch = json!({"resourceType": "Bundle", "type": "batch", "entry": [entry]});
            let answer = posted(ehr, Method::POST, "", &whole(ehr).await, "", &batch).await;
            answer.json().pointer("/entry/0/response/status") == Some(&json!("201"))
        }
        Defect::FhirTransactionHalfDone => {
            let path = made(ehr, "patient-b").await;
            let token = token(ehr, "launch/patient patient/Observation.cruds").await;
            let mut change = observation("patient-b");
            change["id"] = json!(path.trim_start_matches("/Observation/"));
            change["status"] = json!("amended");
            let entries = [
                json!({"request": {"method": "GET", "url": "Patient/patient-c"}}),
                json!({"request": {"method": "PUT", "url": path}, "resource": change}),
            ];
            let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": entries});
            let answer = posted(ehr, Method::POST, "", &token, "", &bundle).await;
            let read = ehr.fhir(path.trim_start_matches('/'), &token).await;
            answer.status == StatusCode::FORBIDDEN && read.member("status") == "amended"
        }
        Defect::FhirIfMatchIgnored => {
            let token = token(ehr, "launch/patient patient/Observation.cruds").await;
            let made = posted(ehr, Method::POST, "/Observation", &token, "", &observation("patient-b")).await;
            let path = format!("/Observation/{}", made.member("id"));
            let gone = posted(ehr, Method::DELETE, &path, &token, "W/\"7\"", &Value::Null).await;
            gone.status == StatusCode::NO_CONTENT
        }
        _ => return None,
    })
}

/// Where an observation about this patient was made.
async fn made(ehr: &TestEhr, patient: &str) -> String {
    let token = token(ehr, "launch/patient patient/Observation.cruds").await;
    let made = posted(ehr, Method::POST, "/Observation", &token, "", &observation(patient)).await;
    format!("/Observation/{}", made.member("id"))
}

/// By how many of the two formats of a patch one element of an observation is replaced.
async fn patched(ehr: &TestEhr, path: &str, token: &str, element: &str, value: &str) -> usize {
    let part = |name: &str, member: &str, value: &str| json!({"name": name, member: value});
    let parts = [
        part("type", "valueCode", "replace"),
        part("path", "valueString", &format!("Observation.{element}")),
        part("value", "valueString", value),
    ];
    let parameters = json!({"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]});
    let by_parameters = posted(ehr, Method::PATCH, path, token, "", &parameters).await;
    let pointer = format!("/{}", element.replace('.', "/"));
    let operations = json!([{"op": "replace", "path": pointer, "value": value}]);
    let request = Request::patch(format!("/fhir{path}"))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json-patch+json");
    let by_operations = ehr
        .send(request.body(Body::from(operations.to_string())).unwrap())
        .await;
    [by_parameters, by_operations]
        .iter()
        .filter(|answer| answer.status == StatusCode::OK)
        .count()
}

fn basic_of(subject: Option<&str>, text: &str) -> Value {
    let mut basic = json!({
        "resourceType": "Basic",
        "code": {"coding": [{"system": "https://app.example", "code": "settings"}]},
        "extension": [{"url": "https://app.example/x", "valueString": text}],
    });
    if let Some(subject) = subject {
        basic["subject"] = json!({"reference": format!("{FHIR}{}", subject.trim_start_matches("/fhir"))});
    }
    basic
}

/// A token that opens nothing but the record of the patient.
async fn token_of_patients(ehr: &TestEhr) -> String {
    token(ehr, "launch/patient patient/Patient.rs").await
}

async fn app_state(ehr: &TestEhr, defect: Defect) -> Option<bool> {
    if !defect.name().starts_with("app_state") {
        return None;
    }
    let scope = "launch/patient openid fhirUser patient/Basic.cruds user/Basic.cruds";
    let token = token(ehr, scope).await;
    let send =
        async |method: Method, path: &str, tag: &str, body: &Value| posted(ehr, method, path, &token, tag, body).await;
    let own = || basic_of(Some("/fhir/Patient/patient-b"), "first");
    let made = send(Method::POST, "/Basic", "", &own()).await;
    let path = format!("/Basic/{}", made.member("id"));
    let mut next = own();
    next["id"] = json!(made.member("id"));
    Some(match defect {
        Defect::AppStateWithoutScope => {
            let narrow = token_of_patients(ehr).await;
            ehr.fhir(path.trim_start_matches('/'), &narrow).await.status == StatusCode::OK
        }
        Defect::AppStateUserRefused => {
            let user = basic_of(Some("/fhir/Practitioner/practitioner-1"), "first");
            send(Method::POST, "/Basic", "", &user).await.status == StatusCode::BAD_REQUEST
        }
        Defect::AppStateRefused => made.status != StatusCode::CREATED,
        Defect::AppStateNotFound => {
            let found = ehr.fhir("Basic", &token).await;
            found.status == StatusCode::OK && !found.body.contains(&made.member("id"))
        }
        Defect::AppStateNoEtag => made.header("etag").is_empty(),
        Defect::AppStateExtensionLost => made.json().get("extension").is_none(),
        Defect::AppStateLimitLow => {
            let large = basic_of(Some("/fhir/Patient/patient-b"), &"x".repeat(100_000));
            send(Method::POST, "/Basic", "", &large).await.status != StatusCode::CREATED
        }
        Defect::AppStateOfAnyone => {
            let other = basic_of(Some(OTHER), "first");
            send(Method::POST, "/Basic", "", &other).await.status == StatusCode::CREATED
        }
        Defect::AppStateMissingUnknown => {
            let shared = send(Method::POST, "/Basic", "", &basic_of(None, "all")).await;
            let found = ehr.fhir("Basic?subject:missing=true", &token).await;
            shared.status == StatusCode::CREATED && !found.body.contains(&shared.member("id"))
        }
        Defect::AppStateIfMatchOptional => send(Method::PUT, &path, "", &next).await.status == StatusCode::OK,
        Defect::AppStateIdentityChanged => {
            next["code"]["coding"][0]["code"] = json!("other");
            send(Method::PUT, &path, "W/\"1\"", &next).await.status == StatusCode::OK
        }
        Defect::AppStateRevived => {
            let gone = send(Method::DELETE, &path, "W/\"1\"", &Value::Null).await;
            let again = send(Method::PUT, &path, "W/\"1\"", &next).await;
            gone.status == StatusCode::NO_CONTENT && again.status.is_success()
        }
        _ => return None,
    })
}
