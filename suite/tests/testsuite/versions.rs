//! Versions and levels: what `--smart`, `--level` and `--strict` make of the same server.

use mock_ehr::Defect;
use reports::exit;
use reports::model::{Level, Status};

use crate::program::{Server, judge, profile};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_1_0_is_not_failed_for_pkce() {
    let server = Server::mock(&[Defect::PkceNotVerified]).await;
    let profile = profile(&server.origin);
    let arguments = ["--target", profile.path(), "--only", "pkce/", "--smart"];
    let with = |version: &'static str| arguments.iter().copied().chain([version]).collect::<Vec<&str>>();
    let old = judge(&with("1.0")).await;
    old.assert(exit::NOTHING_UNEXPECTED, &["1.0", "given by --smart"]);
    assert_eq!(old.count(Status::Fail), 0);
    assert!(
        old.reasons().contains("holds in SMART 2.0, 2.1, 2.2"),
        "{}",
        old.reasons()
    );
    let new = judge(&with("2.2")).await;
    new.assert(exit::BROKEN, &["pkce/verifier_wrong"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_version_is_judged_by_what_it_asks() {
    let only = [
        "--only",
        "cors/discovery",
        "discovery/authorization_endpoint_always",
        "--smart",
    ];
    for (version, judged) in [
        ("1.0", [false, false]),
        ("2.0", [false, true]),
        ("2.1", [true, true]),
        ("2.2", [true, false]),
    ] {
        let arguments: Vec<&str> = only.iter().copied().chain([version]).collect();
        let report = judge(&arguments).await.report();
        assert_eq!(report.target.smart_version, version);
        let ran = |scenario: &str| {
            let mut verdicts = report.verdicts.iter().filter(|verdict| verdict.scenario == scenario);
            verdicts.any(|verdict| verdict.status != Status::Skip)
        };
        assert_eq!(
            [ran("cors/discovery"), ran("discovery/authorization_endpoint_always")],
            judged,
            "{version}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_version_that_the_profile_names_is_taken_and_said() {
    let report = judge(&["--only", "discovery/found"]).await.report();
    assert_eq!(report.target.smart_version, "2.2");
    assert!(
        report.target.smart_version_from.contains("profile"),
        "{}",
        report.target.smart_version_from
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_level_is_a_selection() {
    let report = judge(&["--level", "should", "--only", "token/"]).await.report();
    let mut levels = report
        .verdicts
        .iter()
        .filter(|verdict| verdict.scenario.starts_with("token/"));
    assert!(levels.clone().count() > 2);
    assert!(levels.all(|verdict| matches!(verdict.level, Level::Should | Level::ShouldNot)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warning_fails_a_strict_run_only() {
    let server = Server::mock(&[Defect::TokenExpiresInMissing]).await;
    let profile = profile(&server.origin);
    let arguments = ["--target", profile.path(), "--only", "token/expires_in"];
    let mild = judge(&arguments).await;
    mild.assert(exit::NOTHING_UNEXPECTED, &["token/expires_in"]);
    assert!(mild.count(Status::Warn) > 0);
    let strict: Vec<&str> = arguments.into_iter().chain(["--strict"]).collect();
    judge(&strict).await.assert(exit::BROKEN, &["token/expires_in"]);
}
