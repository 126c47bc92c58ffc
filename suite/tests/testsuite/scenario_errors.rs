//! A scenario that is wrong: the message names file, line, column, and the nearest word that exists.

use crate::program::{Written, run};

/// A scenario without a fault.
const GOOD: &str = "\
title: A wrong verifier is refused
about: Redeems with another verifier.
level: SHALL
requirements: [rfc7636/4.6]
clients: public
given: authorized
when:
  - exchange: { code_verifier: '{another_verifier}' }
then:
  - refused_by: exchange
applies: ['2.0', '2.1', '2.2']
";

/// What `lint` says of a scenario in which `from` became `to`, without the temporary folder.
async fn lint(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "`{from}` is not in the example");
    let file = Written::new("mine/pkce/wrong.yaml", &GOOD.replacen(from, to, 1));
    let folder = file.folder().join("mine");
    let ran = run(&["lint", "--scenarios", folder.to_str().expect("text")]).await;
    let code = if from == to {
        reports::exit::NOTHING_UNEXPECTED
    } else {
        reports::exit::BAD_INPUT
    };
    ran.assert(code, &[]);
    assert!(!ran.has_report());
    ran.stderr.replace(folder.to_str().expect("text"), "mine")
}

macro_rules! refused {
    ($($name:ident: $from:literal => $to:literal;)+) => {
        $(
            #[tokio::test]
            async fn $name() {
                let said = lint($from, $to).await;
                let line = said.lines().next().unwrap_or_default();
                let place = line.strip_prefix("launchproof: mine/pkce/wrong.yaml:").unwrap_or_default();
                let numbers = place.split(':').take(2).filter(|number| number.parse::<u32>().is_ok()).count();
                assert_eq!(numbers, 2, "no line and column: {said}");
                insta::assert_snapshot!(said);
            }
        )+
    };
}

refused! {
    unknown_key: "title:" => "titel:";
    key_twice: "level: SHALL" => "level: SHALL\nlevel: MAY";
    unknown_level: "level: SHALL" => "level: MUST";
    unknown_given: "given: authorized" => "given: authorised";
    unknown_clients: "clients: public" => "clients: publik";
    unknown_verb: "- exchange:" => "- exchnage:";
    unknown_check: "- refused_by:" => "- refusd_by:";
    unknown_stage: "refused_by: exchange" => "refused_by: exchang";
    unknown_argument: "code_verifier:" => "code_verifer:";
    bare_step: "- exchange: { code_verifier: '{another_verifier}' }" => "- exchange";
    two_keys_in_a_step: "- exchange: { code_verifier: '{another_verifier}' }" => "- exchange: { code_verifier: x }\n    refresh: {}";
    number_where_text_must_be: "'{another_verifier}'" => "42";
    boolean_where_text_must_be: "'{another_verifier}'" => "true";
    unknown_placeholder: "{another_verifier}" => "{another_verifer}";
    unknown_filter: "{another_verifier}" => "{another_verifier|uper}";
    open_placeholder: "'{another_verifier}'" => "'{another_verifier'";
    walk_of_a_backend_service: "clients: public\ngiven: authorized\nwhen:" => "clients: backend\ngiven: discovered\nwhen:\n  - authorize: { scope: null }";
    unknown_label: "{another_verifier}" => "{frist.code}";
    unknown_label_of_a_check: "refused_by: exchange" => "status: { of: frist, is: ['400'] }";
    missing_control: "code_verifier: '{another_verifier}'" => "";
    level_too_high: "rfc7636/4.6" => "rfc9700/2.3";
    unknown_requirement: "rfc7636/4.6" => "rfc7636/4.66";
    text_where_a_list_must_be: "[rfc7636/4.6]" => "rfc7636/4.6";
    no_requirement: "[rfc7636/4.6]" => "[]";
    unknown_need: "clients: public" => "needs: [refrehs]";
    unknown_version: "applies: ['2.0', '2.1', '2.2']" => "applies: ['2.3']";
    null_status: "refused_by: exchange" => "status: null";
    null_argument: "refused_by: exchange" => "status: { is: null }";
    empty_then: "then:\n  - refused_by: exchange" => "then: []";
    case_without_value: "{another_verifier}" => "{case.verifier}";
    not_yaml: "given: authorized" => "given: [authorized";
    tab_as_indent: "  - exchange" => "\t- exchange";
}

#[tokio::test]
async fn what_is_not_wrong_is_accepted() {
    assert_eq!(lint("title:", "title:").await, "");
}

#[tokio::test]
async fn an_id_that_is_taken() {
    let file = Written::new("mine/pkce/verifier_wrong.yaml", GOOD);
    let folder = file.folder().join("mine");
    let ran = run(&["lint", "--scenarios", folder.to_str().expect("text")]).await;
    ran.assert(
        reports::exit::BAD_INPUT,
        &["pkce/verifier_wrong.yaml", "is taken by", "an id is a path"],
    );
}

#[tokio::test]
async fn a_folder_that_is_not_there() {
    run(&["lint", "--scenarios", "/nowhere/mine"])
        .await
        .assert(reports::exit::BAD_INPUT, &["/nowhere/mine", "cannot be read"]);
}

#[tokio::test]
async fn every_error_of_a_folder_is_said_at_once() {
    let file = Written::new("mine/a/one.yaml", &GOOD.replace("title:", "titel:"));
    std::fs::write(file.folder().join("mine/a/two.yaml"), GOOD.replace("SHALL", "MUST")).expect("it can be written");
    let folder = file.folder().join("mine");
    let ran = run(&["lint", "--scenarios", folder.to_str().expect("text")]).await;
    ran.assert(reports::exit::BAD_INPUT, &["one.yaml:1:1", "two.yaml:3:8"]);
}
