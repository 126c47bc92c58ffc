//! Which client of the profile stands for all where a scenario leaves it open.

use std::path::Path;

use launchproof::scenario::load::load;
use launchproof::scenario::select::Selection;
use launchproof::target::Profile;

const PROFILE: &str = r#"
fhir_base = "http://127.0.0.1:8000/fhir"

[clients.open]
kind = "public"
client_id = "open"
redirect_uris = ["https://app.example/cb"]
scopes = "launch/patient patient/*.rs"

[clients.closed]
kind = "symmetric"
client_id = "closed"
client_secret = { test_only = "a-secret-of-nobody" }
redirect_uris = ["https://app.example/cb"]
scopes = "launch/patient patient/*.rs offline_access"
"#;

#[test]
fn refresh_is_judged_with_a_client_that_asks_for_a_refresh_token() {
    let scenarios = load(None).expect("the scenarios load");
    let profile = Profile::parse(PROFILE, "ehr.toml", Path::new(".")).expect("the profile is read");
    let items = Selection::default().items(&scenarios, &profile);
    let client_of = |id: &str| {
        let item = items
            .iter()
            .find(|item| item.id() == id)
            .expect("the scenario is there");
        item.client.map(|client| client.client_id.as_str())
    };
    assert_eq!(client_of("refresh/offline_access"), Some("closed"));
    assert_eq!(client_of("token/expires_within_an_hour"), Some("open"));
}
