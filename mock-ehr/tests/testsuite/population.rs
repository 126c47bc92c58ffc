//! Data beside the embedded people: what was invented is launched with, searched page by page, and guarded like all the rest.

use http::StatusCode;
use mock_ehr::fhir::population;
use mock_ehr::fhir::store::Store;
use mock_ehr::{LaunchRequest, MockEhr};

use crate::harness::*;

const INVENTED: &str = "person-000002";

/// Three invented people, and an app that was launched with one of them.
async fn launched() -> (TestEhr, String) {
    let mut store = Store::unsealed();
    population::fill(&mut store, 3, 1).expect("every id is new");
    store.seal();
    let ehr = TestEhr::around(MockEhr::builder().public_url(BASE).data(store).build().unwrap());
    let launch = ehr
        .mock
        .create_launch(LaunchRequest {
            client: "app-public".into(),
            user: Some("demo".into()),
            patient: Some(INVENTED.into()),
            ..LaunchRequest::default()
        })
        .expect("the invented patient is known");
    let answer = ehr
        .launched_with("app-public", |form| {
            form.set("scope", "launch patient/*.rs").add("launch", &launch.launch)
        })
        .await;
    assert_eq!(answer.member("patient"), INVENTED);
    let token = answer.member("access_token");
    (ehr, token)
}

#[tokio::test]
async fn an_invented_patient_is_read_page_by_page_and_each_resource_comes_once() {
    let (ehr, token) = launched().await;
    let mut next = Some(format!("Observation?patient={INVENTED}&_sort=-date&_count=20"));
    let (mut seen, mut dates) = (Vec::new(), Vec::new());
    let mut total = 0;
    while let Some(path) = next {
        let page = ehr.fhir(&path, &token).await.json();
        total = page["total"].as_u64().expect("a total");
        for entry in page["entry"].as_array().expect("entries") {
            seen.push(entry["fullUrl"].to_string());
            dates.push(
                entry["resource"]["effectiveDateTime"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
            );
        }
        let links = page["link"].as_array().expect("links").clone();
        next = links.iter().find(|link| link["relation"] == "next").and_then(|link| {
            link["url"]
                .as_str()?
                .strip_prefix(&format!("{FHIR}/"))
                .map(str::to_owned)
        });
    }
    assert!(seen.len() > 20, "{}", seen.len());
    assert_eq!(seen.len() as u64, total);
    assert!(dates.is_sorted_by(|a, b| a >= b), "{dates:?}");
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len() as u64, total, "nothing comes twice");
    let counted = ehr.fhir("Observation?_summary=count", &token).await.json();
    assert_eq!((&counted["total"], counted.get("entry")), (&total.into(), None));
}

#[tokio::test]
async fn other_invented_patients_stay_hidden() {
    let (ehr, token) = launched().await;
    for path in [
        "Patient/person-000001",
        "Observation/observation-000001-1",
        "Patient/patient-a",
    ] {
        assert_eq!(ehr.fhir(path, &token).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    for path in [
        "Patient?_id=person-000001",
        "Observation?patient=person-000001",
        "Observation?patient.identifier=https://people.example/mrn|MRN-9000001",
        "Patient?_has:Observation:patient:_id=observation-000001-1",
    ] {
        assert_eq!(ehr.fhir(path, &token).await.json()["total"], 0, "{path}");
    }
    let own = "Practitioner?_id=practitioner-1,practitioner-2,practitioner-3&_revinclude=Patient:general-practitioner";
    let answer = ehr.fhir(own, &token).await.json();
    let patients: Vec<_> = answer["entry"]
        .as_array()
        .expect("entries")
        .iter()
        .filter(|entry| entry["search"]["mode"] == "include")
        .map(|entry| entry["resource"]["id"].as_str().unwrap_or_default())
        .collect();
    assert_eq!(patients, [INVENTED]);
}

#[tokio::test]
async fn the_launcher_offers_them() {
    let (ehr, _) = launched().await;
    assert!(ehr.get("/").await.body.contains(INVENTED));
}

/// Among very many patients the picker searches; whoever is found can be chosen, and everybody who may be opened can be found.
#[tokio::test]
async fn a_picker_of_many_patients_searches_them() {
    let mut store = Store::unsealed();
    population::fill(&mut store, 60, 1).expect("every id is new");
    store.seal();
    let ehr = TestEhr::around(MockEhr::builder().public_url(BASE).data(store).build().unwrap());
    let form = ehr
        .walk_until(&ehr.request("app-public"), &DOCTOR, "/auth/patient")
        .await;
    let path = format!("/auth/patient?request={}", form.get("request"));
    let page = ehr.browse(&path).await.body;
    assert_eq!(page.matches("type=\"radio\"").count(), 20, "{page}");
    assert!(page.contains("55 more fit"), "{page}");
    let page = ehr.browse(&format!("{path}&find=mockRIDGE+1992")).await.body;
    assert_eq!(page.matches("type=\"radio\"").count(), 1, "{page}");
    assert!(page.contains("value=\"patient-c\""), "{page}");
    let page = ehr.browse(&format!("{path}&find=%22%3E%3Cscript%3E")).await.body;
    assert!(page.contains("Nobody fits") && !page.contains("<script>"), "{page}");
}
