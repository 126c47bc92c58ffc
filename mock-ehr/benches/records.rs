//! How long a large store takes to load, and searches in it: `cargo bench -p mock-ehr --bench records`.
//!
//! Prints, judges nothing. The people are invented (`--population`); `RECORDS_DATA=DIR` loads data of your own instead.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt as _;
use mock_ehr::clock::{Clock as _, SystemClock};
use mock_ehr::fhir::store::Store;
use mock_ehr::fhir::{data, population};
use mock_ehr::{Defect, MockEhr};
use tower::ServiceExt as _;

/// About 100,000 resources.
const PEOPLE: usize = 1000;
/// The middle one of so many is shown.
const TIMES: usize = 15;

const SEARCHES: &[&str] = &[
    "Patient?family=Nakatomi&_sort=birthdate",
    "Patient?name=ada&_summary=count",
    "Patient?identifier=https://people.example/mrn|MRN-9000500",
    "Observation?patient=person-000500&category=vital-signs&_sort=-date&_count=250",
    "Observation?patient=person-000500&code=http://loinc.org|8302-2&date=ge2020-01-01",
    "Observation?code=http://loinc.org|4548-4&_count=20",
    "Observation?status=final&_summary=count",
    "Observation?date=ge2023-01-01&_sort=-date&_count=20",
    "Observation?category=laboratory&date=ge2022-01-01&_count=50&_include=Observation:patient",
    "Condition?code=44054006&_revinclude=Provenance:target",
    "Condition?patient.family=Nakatomi",
    "Patient?_has:Condition:patient:code=44054006&_count=20",
    "Patient?_id=person-000700&_revinclude=Observation:patient",
    "Patient/person-000700",
];

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let begun = Instant::now();
    let mut store = Store::unsealed();
    let count = match std::env::var_os("RECORDS_DATA") {
        Some(folder) => {
            let loaded = data::read(&mut store, &PathBuf::from(folder), SystemClock.now());
            loaded.expect("the data are well formed").resources
        }
        None => population::fill(&mut store, PEOPLE, 1).expect("every id is new"),
    };
    store.seal();
    println!("{count} resources loaded in {:?}; {}", begun.elapsed(), memory());
    // Without a token everything is seen, so that the whole store is searched.
    let mock = MockEhr::builder().data(store).defect(Defect::FhirNoTokenAccepted);
    let router = mock.build().expect("the address is one").router();
    for search in SEARCHES {
        let mut took: Vec<Duration> = Vec::new();
        let mut told = String::new();
        for _ in 0..TIMES {
            let request = Request::get(format!("/fhir/{search}"))
                .body(Body::empty())
                .expect("a request");
            let begun = Instant::now();
            let response = router.clone().oneshot(request).await.expect("it answers");
            let status = response.status();
            let bytes = response.into_body().collect().await.expect("a body").to_bytes();
            took.push(begun.elapsed());
            let body: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
            told = format!("{status} total {}, {} bytes", body["total"], bytes.len());
        }
        took.sort_unstable();
        println!("{:>10.2?} {search} ({told})", took[TIMES / 2]);
    }
    println!("afterwards {}", memory());
}

fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    line.unwrap_or("VmRSS is not told here").to_owned()
}
