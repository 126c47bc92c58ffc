//! What `launchproof list` tells.

use reports::exit;

use crate::program::run;

#[tokio::test(flavor = "multi_thread")]
async fn a_defect_is_told_with_its_rule_where_it_was_seen_and_what_an_app_does() {
    let ran = run(&["list", "defects", "code_replay_accepted"]).await;
    ran.assert(
        exit::NOTHING_UNEXPECTED,
        &[
            "can be redeemed any number of times",
            "breaks rfc6749/",
            "smart-on-fhir/smart-launcher#32",
            "redeems each code once",
            "1 defects",
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_are_no_defects_are_told() {
    run(&["list", "defects", "code_replay_acepted"])
        .await
        .assert(exit::USAGE, &["`code_replay_accepted`"]);
    run(&["list", "variants", "code_replay_accepted"])
        .await
        .assert(exit::USAGE, &["list defects"]);
}
