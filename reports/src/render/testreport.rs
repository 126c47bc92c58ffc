//! `testreport.json`: a FHIR R4 TestReport, one test a scenario and one assertion a verdict. There is no score: a blended
//! percentage would hide what is broken.

use indexmap::IndexMap;
use serde::Serialize;

use crate::model::{Report, Status, Verdict};
use crate::plain::{cut, line, visible};
use crate::uri;
use crate::wording::{ById, by_id, is_web, message};
use crate::{Answer, Conclusion, answer};

/// Characters of a message.
const MESSAGE: usize = 2_000;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TestReport {
    resource_type: &'static str,
    text: Narrative,
    name: String,
    status: &'static str,
    test_script: Reference,
    result: &'static str,
    tester: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    issued: Option<String>,
    participant: Vec<Participant>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    test: Vec<Test>,
}

#[derive(Serialize)]
struct Narrative {
    status: &'static str,
    div: String,
}

#[derive(Serialize)]
struct Reference {
    display: String,
}

#[derive(Serialize)]
struct Participant {
    r#type: &'static str,
    uri: String,
    display: String,
}

#[derive(Serialize)]
struct Test {
    name: String,
    description: String,
    action: Vec<Action>,
}

#[derive(Serialize)]
struct Action {
    assert: Assert,
}

#[derive(Serialize)]
struct Assert {
    result: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// The report as a FHIR resource, indented, with a line feed at the end.
pub fn render(report: &Report) -> String {
    let answer = answer(report);
    let requirements = by_id(report);
    let mut scenarios: IndexMap<&str, Vec<&Verdict>> = IndexMap::new();
    for verdict in &report.verdicts {
        scenarios.entry(&verdict.scenario).or_default().push(verdict);
    }
    let resource = TestReport {
        resource_type: "TestReport",
        text: narrative(report, &answer),
        name: string(&format!(
            "SMART App Launch {}: {}",
            report.target.smart_version, report.target.name
        )),
        status: if report.run.complete { "completed" } else { "stopped" },
        test_script: Reference {
            display: string(&format!("Scenarios of {}", report.tool)),
        },
        result: match answer.conclusion {
            Conclusion::DoesNotConform => "fail",
            Conclusion::Incomplete => "pending",
            Conclusion::NoDeviation => "pass",
        },
        tester: string(&report.tool),
        issued: issued(&report.run.started),
        participant: participants(report),
        test: scenarios
            .values()
            .map(|verdicts| test(verdicts, &requirements))
            .collect(),
    };
    let mut text = serde_json::to_string_pretty(&resource).expect("a resource of strings becomes JSON");
    text.push('\n');
    text
}

fn narrative(report: &Report, answer: &Answer) -> Narrative {
    let div = format!(
        "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>{}: {}</p><p>{}</p></div>",
        xhtml(&string(&report.target.name)),
        xhtml(&answer.sentence),
        xhtml(&answer.tally)
    );
    Narrative {
        status: "generated",
        div,
    }
}

fn participants(report: &Report) -> Vec<Participant> {
    let mut participants = vec![Participant {
        r#type: "test-engine",
        uri: env!("CARGO_PKG_REPOSITORY").to_owned(),
        display: string(&report.tool),
    }];
    // What is no address is no participant's.
    if let Some(uri) = uri::of(&report.target.fhir_base).filter(|uri| is_web(uri)) {
        participants.push(Participant {
            r#type: "server",
            uri,
            display: string(&report.target.name),
        });
    }
    participants
}

fn test(verdicts: &[&Verdict], requirements: &ById<'_>) -> Test {
    let first = verdicts[0];
    Test {
        name: string(&first.scenario),
        description: string(&format!("{} ({})", first.title, first.level.as_str())),
        action: verdicts.iter().map(|verdict| action(verdict, requirements)).collect(),
    }
}

fn action(verdict: &Verdict, requirements: &ById<'_>) -> Action {
    let said = format!("{} {}: {}", verdict.status.as_str(), verdict.id(), message(verdict));
    let source = verdict.requirements.iter().find_map(|id| requirements.get(id.as_str()));
    Action {
        assert: Assert {
            result: match verdict.status {
                Status::Pass | Status::Info => "pass",
                Status::Fail => "fail",
                Status::Warn => "warning",
                // Not run is told by the message: R4 has no other word for it.
                Status::Skip | Status::Unconfigured | Status::Blocked => "skip",
                Status::Error => "error",
            },
            // A FHIR markdown.
            message: super::markdown::escaped(&cut(&said, MESSAGE)),
            detail: source.filter(|r| is_web(&r.url)).map(|r| string(&r.url)),
        },
    }
}

/// A FHIR string is not empty and has no control characters.
fn string(text: &str) -> String {
    let text = visible(text.trim()).into_owned();
    if text.is_empty() { "unnamed".to_owned() } else { text }
}

/// A FHIR dateTime; nothing where the report has another kind of time.
fn issued(started: &str) -> Option<String> {
    let time: jiff::Timestamp = started.parse().ok()?;
    Some(time.to_string())
}

fn xhtml(text: &str) -> String {
    line(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
