//! Each persona starts, each of its quirks shows on the wire, and apps that are prepared for them get their data.

use mock_ehr::persona::{Does, Setting};
use mock_ehr::{MockEhr, Persona};

use crate::harness::*;
use crate::{defects, variants};

fn acting(persona: &Persona) -> TestEhr {
    let builder = MockEhr::builder().public_url(BASE).persona(persona.clone());
    TestEhr::around(builder.build().unwrap())
}

/// How long the refresh token of a launch lives, to the second.
async fn refresh_lifetime(ehr: &TestEhr) -> i64 {
    let token = ehr.launched("app-symmetric").await.member("refresh_token");
    let told = ehr.introspect(&token).await.json();
    told["exp"].as_i64().unwrap() - ehr.mock.state().now().as_second()
}

async fn shows(ehr: &TestEhr, does: Does) -> bool {
    match does {
        Does::Defect(defect) => defects::misbehaves(ehr, defect).await,
        Does::Variant(variant) => variants::shows(ehr, variant).await,
        Does::Setting(Setting::AccessTokenLifetimeSeconds, value) => {
            ehr.launched("app-public").await.json()["expires_in"] == value
        }
        Does::Setting(Setting::RefreshTokenLifetimeSeconds, value) => (refresh_lifetime(ehr).await - value).abs() <= 5,
    }
}

#[tokio::test]
async fn every_quirk_of_every_persona_shows_and_nothing_shows_without_it() {
    let mut wrong = Vec::new();
    for persona in Persona::all() {
        assert!(!persona.quirks().is_empty(), "{} has no quirk", persona.name());
        for quirk in persona.quirks() {
            if !shows(&acting(persona), quirk.does).await {
                wrong.push(format!("{}: {} does not show", persona.name(), quirk.does));
            }
            if shows(&TestEhr::new(), quirk.does).await {
                wrong.push(format!("{}: {} is nothing special", persona.name(), quirk.does));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn with_every_persona_a_public_app_gets_its_data() {
    for persona in Persona::all() {
        let ehr = acting(persona);
        let answer = ehr.launched("app-public").await;
        assert!(ehr.is_alive(&answer.member("access_token")).await, "{}", persona.name());
    }
}

#[test]
fn the_personas_that_the_help_names_are_those_that_exist() {
    let names: Vec<_> = Persona::all().iter().map(Persona::name).collect();
    let in_help = [
        "aidbox",
        "athenahealth",
        "epic",
        "keycloak",
        "medplum",
        "oracle-health",
        "smart-launcher",
    ];
    assert_eq!(names, in_help);
}

#[test]
fn a_reset_arms_the_quirks_again() {
    let persona: Persona = "keycloak".parse().unwrap();
    let ehr = acting(&persona);
    ehr.mock.set_defects([]);
    ehr.mock.reset();
    assert_eq!(ehr.mock.state().config().access_token_lifetime_seconds, 300);
    assert!(
        ehr.mock
            .state()
            .defects()
            .armed()
            .contains(&mock_ehr::Defect::AudNotChecked)
    );
}
