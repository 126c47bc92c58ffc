//! The defect matrix, whole: what `launchproof selftest` prints must be what `fixtures/defects/expected.yaml` says.

use launchproof::selftest::{self, Plan};

#[tokio::test(flavor = "multi_thread")]
async fn every_defect_changes_exactly_what_is_expected_and_no_variant_is_red() {
    let scenarios = launchproof::scenario::load::load(None).expect("the embedded scenarios load");
    let matrix = selftest::run(scenarios, &Plan::default())
        .await
        .expect("the matrix runs");
    let problems = matrix.problems(true);
    assert!(
        problems.is_empty(),
        "{} problems:\n{}",
        problems.len(),
        problems.join("\n")
    );
}
