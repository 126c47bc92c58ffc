use std::fs;
use std::path::PathBuf;

use super::*;

/// A folder that is gone afterwards.
struct Folder(PathBuf);

impl Folder {
    fn with(name: &str, files: &[(&str, &str)]) -> Self {
        let path = std::env::temp_dir().join(format!("launchproof-data-{name}-{}", std::process::id()));
        for (file, text) in files {
            let file = path.join(file);
            fs::create_dir_all(file.parent().expect("it lies in a folder")).expect("a folder");
            fs::write(file, text).expect("a file");
        }
        Self(path)
    }

    fn read(&self) -> (Store, Result<Loaded, DataError>) {
        let mut store = Store::default();
        let loaded = read(&mut store, &self.0, Timestamp::UNIX_EPOCH);
        store.seal();
        (store, loaded)
    }

    fn problem(&self) -> String {
        let error = self.read().1.expect_err("it is wrong").to_string();
        error.replace(&format!("{}/", self.0.display()), "")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const PERSON: &str = r#"{"resourceType": "Bundle", "type": "transaction", "entry": [
  {"fullUrl": "urn:uuid:11", "resource": {"resourceType": "Patient", "id": "11",
    "generalPractitioner": [{"reference": "Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|42"}]},
   "request": {"method": "POST", "url": "Patient"}},
  {"fullUrl": "urn:uuid:12", "resource": {"resourceType": "Encounter", "id": "12", "subject": {"reference": "urn:uuid:11"},
    "serviceProvider": {"reference": "Organization?identifier=https%3A%2F%2Fsynthea%7C7", "display": "Nobody"}}},
  {"fullUrl": "urn:uuid:13", "resource": {"resourceType": "Observation", "subject": {"reference": "urn:uuid:11"},
    "encounter": {"reference": "urn:uuid:12"}}},
  {"fullUrl": "urn:uuid:14", "resource": {"resourceType": "Spaceship", "id": "14"}}
]}"#;
const PROVIDERS: &str = r#"{"resourceType": "Bundle", "type": "batch", "entry": [{"fullUrl": "urn:uuid:2", "resource":
  {"resourceType": "Practitioner", "id": "p", "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "42"}]}}]}"#;

#[test]
fn synthea_bundles_are_joined() {
    // The practitioner comes in a file that is read before or after.
    for file in ["practitionerInformation1.json", "sub/z.json"] {
        let folder = Folder::with(
            "joined",
            &[("a.json", PERSON), (file, PROVIDERS), ("notes.txt", "not data")],
        );
        let (store, loaded) = folder.read();
        let loaded = loaded.expect("they are well formed");
        assert_eq!((loaded.resources, loaded.files, loaded.dangling), (4, 2, 1));
        assert_eq!(loaded.left_out.get("Spaceship"), Some(&1));
        let patient = store.get("Patient", "11").expect("the patient");
        assert_eq!(patient.body["generalPractitioner"][0]["reference"], "Practitioner/p");
        assert_eq!(patient.body["meta"]["lastUpdated"], "1970-01-01T00:00:00Z");
        // What has no id gets that of its entry.
        let observation = store.get("Observation", "13").expect("the observation");
        assert_eq!(observation.body["encounter"]["reference"], "Encounter/12");
        assert_eq!(store.of_patients("Observation", std::iter::once("11")).count(), 1);
        let provider = &store.get("Encounter", "12").expect("the encounter").body["serviceProvider"];
        assert_eq!(
            provider["identifier"],
            json!({"value": "7", "system": "https://synthea"})
        );
        assert_eq!(provider.get("reference"), None);
        assert!(loaded.told(&folder.0)[1].starts_with("1 references lead nowhere"));
    }
}

#[test]
fn bulk_data_are_read_line_by_line() {
    let lines = "{\"resourceType\": \"Patient\", \"id\": \"a\"}\n\n{\"resourceType\": \"Patient\", \"id\": \"b\"}\n";
    let (store, loaded) = Folder::with("lines", &[("Patient.000.ndjson", lines)]).read();
    assert_eq!(loaded.map(|loaded| loaded.resources), Ok(2));
    assert_eq!(store.all("Patient").count(), 2);
}

#[test]
fn mistakes_are_told_with_file_and_line() {
    for (name, text, told) in [
        ("a.json", "{\n\"resourceType\": x\n", "a.json:2: not JSON: "),
        (
            "b.ndjson",
            "{\"resourceType\": \"Patient\", \"id\": \"a\"}\n{\n",
            "b.ndjson:2: not JSON: ",
        ),
        (
            "c.ndjson",
            "\n{\"id\": \"a\"}",
            "c.ndjson:2: a FHIR resource is expected here, and this has no resourceType",
        ),
        (
            "d.json",
            "{\"resourceType\": \"Bundle\", \"entry\": [\n{\"resource\": {\"resourceType\": \"Patient\", \"id\": \"a\"}},\n\n{\"resource\": {\"resourceType\": \"Patient\"}}]}",
            "d.json:4: entry 2: a FHIR resource is expected here, and this has no id",
        ),
        (
            "e.ndjson",
            "{\"resourceType\": \"Patient\", \"id\": \"a\"}\n{\"resourceType\": \"Patient\", \"id\": \"a\"}",
            "e.ndjson:2: Patient/a is already there",
        ),
        (
            "f.json",
            "{\"resourceType\": \"Bundle\", \"entry\": {}}",
            "f.json:1: the Bundle's `entry` is no list",
        ),
        ("g.txt", "", "no *.json or *.ndjson file is in it"),
    ] {
        let problem = Folder::with("mistakes", &[(name, text)]).problem();
        assert!(problem.contains(told), "{problem}");
    }
    let absent = read(
        &mut Store::default(),
        Path::new("/nowhere/at/all"),
        Timestamp::UNIX_EPOCH,
    );
    assert!(
        absent
            .expect_err("it is not there")
            .to_string()
            .starts_with("/nowhere/at/all: cannot be read: ")
    );
}
