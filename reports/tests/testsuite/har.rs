//! `evidence.har`, judged by npm har-validator and read by PyPI haralyzer.

use reports::render::har;
use serde_json::Value;

use crate::{every_outcome, hostile, readers};

#[test]
fn evidence_har() {
    let archive: Value = serde_json::from_str(&har::render(&every_outcome())).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&archive).unwrap());
}

#[test]
fn readers_of_har_understand_the_sample_and_hostile_evidence() {
    let report = every_outcome();
    let mut texts = vec![har::render(&report)];
    texts.extend(hostile::corpus().iter().map(|(_, report)| har::render(report)));
    let Some(understood) = readers::har(&texts) else { return };
    let entries = understood[0].as_array().unwrap();
    assert_eq!(entries.len(), report.exchanges.len());
    for (entry, exchange) in entries.iter().zip(&report.exchanges) {
        assert_eq!(entry[0], exchange.request.method.as_str());
        let url = &exchange.request.url;
        if url
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~:/?&=%+".contains(&byte))
        {
            assert_eq!(entry[1], url.as_str());
        }
        assert_eq!(
            entry[2],
            exchange.response.as_ref().map_or(0, |response| response.status)
        );
    }
    assert!(
        understood
            .as_array()
            .unwrap()
            .iter()
            .all(|har| har.as_array().unwrap().len() == entries.len())
    );
}

#[test]
fn an_exchange_without_an_answer_says_why_and_names_its_verdicts() {
    let report = every_outcome();
    let archive: Value = serde_json::from_str(&har::render(&report)).unwrap();
    let entries = &archive["log"]["entries"];
    let silent = report
        .exchanges
        .iter()
        .find(|exchange| exchange.response.is_none())
        .unwrap();
    assert_eq!(entries[silent.id]["response"]["status"], 0);
    assert_eq!(entries[silent.id]["_error"], silent.failure.clone().unwrap().as_str());
    assert_eq!(entries[silent.id]["_verdicts"][0], "code/single_use@public");
    let form = &entries[4]["request"]["postData"]["params"];
    assert_eq!(form[0]["name"], "grant_type");
    assert_eq!(form[0]["value"], "authorization_code");
}
