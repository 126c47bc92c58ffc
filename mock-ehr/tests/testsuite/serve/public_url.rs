//! Behind a proxy: everything that is issued or shown carries the public URL, and never the listener's.

use mock_ehr::MockEhr;
use mock_ehr::config::ConfigError;

use super::program::Program;
use crate::harness::*;

const PUBLIC: &str = "https://ehr.example";

fn behind_a_proxy() -> TestEhr {
    TestEhr::around(MockEhr::builder().public_url(PUBLIC).build().unwrap())
}

#[tokio::test]
async fn documents_pages_and_data_carry_the_public_url() {
    let ehr = behind_a_proxy();
    let proxied = [("host", "10.0.0.7:8080")];
    for path in [
        "/fhir/.well-known/smart-configuration",
        "/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server",
        "/fhir/metadata",
        "/brands.json",
        "/",
    ] {
        let answer = ehr.get_with(path, &proxied).await;
        assert!(answer.body.contains(PUBLIC), "{path}: {}", answer.body);
        assert!(
            !answer.body.contains("127.0.0.1:8080") && !answer.body.contains("10.0.0.7"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_launch_leads_through_the_public_url_and_its_cookie_stays_in_https() {
    let ehr = behind_a_proxy();
    let launch = ehr
        .post_json(
            "/launches",
            &serde_json::json!({ "client": "app-public", "user": "demo", "patient": "patient-a" }),
        )
        .await;
    let launch: serde_json::Value = serde_json::from_str(&launch.body).unwrap();
    assert_eq!(launch["iss"], format!("{PUBLIC}/fhir"), "{launch}");
    let apps = ehr.get("/auth/apps").await;
    let cookies: Vec<_> = apps.headers.get_all("set-cookie").iter().collect();
    assert!(!cookies.is_empty());
    for cookie in cookies {
        assert!(cookie.to_str().unwrap().ends_with("; Secure"), "{cookie:?}");
    }
}

/// Whatever page somebody lands on, it says what it is: each stands within the base page, or says so itself.
#[test]
fn every_page_says_that_it_is_a_mock() {
    const BANNER: &str = "synthetic patients only";
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/templates");
    let mut pages = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "html") {
            let text = std::fs::read_to_string(&path).unwrap();
            let says = text.contains("Mock EHR &middot;") && text.contains(BANNER);
            assert!(
                says || text.starts_with("{% extends \"base.html\" %}"),
                "{}",
                path.display()
            );
            pages += 1;
        }
    }
    assert!(pages > 10);
}

#[test]
fn a_path_in_the_public_url_is_refused_with_the_reason() {
    let refused = MockEhr::builder()
        .public_url("https://proxy.example/ehr")
        .build()
        .unwrap_err();
    assert!(matches!(&refused, ConfigError::PublicUrl { .. }));
    assert!(refused.to_string().contains("expected no path"), "{refused}");
}

#[test]
fn what_is_printed_is_the_public_url() {
    let program = Program::start(&["--public-url", "https://ehr.example/"]);
    assert_eq!(program.said("Launcher"), "https://ehr.example/");
    assert_eq!(program.said("FHIR base"), "https://ehr.example/fhir");
    assert_eq!(program.said("Inspector"), "https://ehr.example/inspect");
}
