//! `report.sarif` for code scanning (SARIF 2.1.0, OASIS): a scenario is a rule, and what broke or was warned of is a
//! result. What was not run is no result but a notification of the tool, since nothing is known about it.

mod log;

use std::fmt::Write as _;

use indexmap::IndexMap;
use sha2::{Digest, Sha256};

use self::log::{
    ArtifactLocation, AutomationDetails, Configuration, Driver, Finding, Fingerprints, Help, Invocation, Location, Log,
    LogicalLocation, Notification, PhysicalLocation, Region, Rule, RuleProperties, RuleReference, Run, RunProperties,
    Suppression, Text, Tool,
};
use crate::answer;
use crate::model::{Exchange, Report, Status, Verdict};
use crate::plain::{cut, line, visible};
use crate::uri;
use crate::wording::{ById, by_id, is_web, message};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// Characters of a message: what a server answered may be a novel.
const MESSAGE: usize = 2_000;

/// The report as SARIF, indented, with a line feed at the end.
pub fn render(report: &Report) -> String {
    let requirements = by_id(report);
    let mut index: IndexMap<&str, &Verdict> = IndexMap::new();
    for verdict in &report.verdicts {
        index.entry(&verdict.scenario).or_insert(verdict);
    }
    let answer = answer(report);
    let log = Log {
        schema: SCHEMA,
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: Driver {
                    name: "launchproof",
                    full_name: line(&report.tool).into_owned(),
                    information_uri: env!("CARGO_PKG_REPOSITORY"),
                    rules: index.values().map(|verdict| rule(verdict, &requirements)).collect(),
                },
            },
            automation_details: AutomationDetails {
                id: format!("launchproof/{}/", cut(&report.target.name, 200)),
            },
            invocations: [Invocation {
                execution_successful: report.run.complete && report.run.exit_code != crate::exit::INTERNAL,
                exit_code: report.run.exit_code,
                exit_code_description: line(&report.run.exit_reason).into_owned(),
                tool_execution_notifications: notifications(report, &index),
            }],
            column_kind: "unicodeCodePoints",
            results: findings(report, &index),
            properties: RunProperties {
                answer: answer.sentence,
                tally: answer.tally,
                fhir_base: line(&report.target.fhir_base).into_owned(),
                smart_version: line(&report.target.smart_version).into_owned(),
            },
        }],
    };
    let mut text = serde_json::to_string_pretty(&log).expect("the log has string keys and finite numbers only");
    text.push('\n');
    text
}

fn rule(verdict: &Verdict, requirements: &ById<'_>) -> Rule {
    let about = visible(verdict.about.trim()).into_owned();
    let fix = verdict.fix.as_deref().map(|fix| visible(fix.trim()).into_owned());
    let cited = verdict
        .requirements
        .iter()
        .filter_map(|id| requirements.get(id.as_str()));
    let (mut text, mut markdown) = (about.clone(), super::markdown::escaped(&about));
    if let Some(fix) = &fix {
        let _ = write!(text, "\n\nHow to fix it: {fix}");
        let _ = write!(markdown, "\n\n**How to fix it:** {}", super::markdown::escaped(fix));
    }
    for requirement in cited.clone() {
        let _ = write!(text, "\n\n{}: {} {}", requirement.id, requirement.text, requirement.url);
        let _ = write!(
            markdown,
            "\n\n{}: {}",
            super::markdown::link(&requirement.id, &requirement.url),
            super::markdown::escaped(&requirement.text)
        );
    }
    Rule {
        id: line(&verdict.scenario).into_owned(),
        short_description: Text {
            text: line(&verdict.title).into_owned(),
        },
        full_description: Text { text: about },
        help: Help {
            text: visible(&text).into_owned(),
            markdown,
        },
        help_uri: cited.filter(|r| is_web(&r.url)).find_map(|r| uri::of(&r.url)),
        default_configuration: Configuration {
            level: if verdict.level.is_duty() { "error" } else { "warning" },
        },
        properties: RuleProperties {
            tags: vec![line(&verdict.area).into_owned(), "smart-app-launch".to_owned()],
            obligation: verdict.level.as_str(),
            requirements: verdict.requirements.iter().map(|id| line(id).into_owned()).collect(),
        },
    }
}

fn findings(report: &Report, index: &IndexMap<&str, &Verdict>) -> Vec<Finding> {
    let exchanges: IndexMap<usize, &Exchange> = report.exchanges.iter().map(|e| (e.id, e)).collect();
    let found = report.verdicts.iter().filter_map(|verdict| {
        let level = match verdict.status {
            Status::Fail => "error",
            Status::Warn => "warning",
            _ => return None,
        };
        let id = line(&verdict.id()).into_owned();
        let fingerprint = fingerprint(report, &id);
        let justification = verdict.expected_by_baseline.as_deref();
        Some(Finding {
            rule_id: line(&verdict.scenario).into_owned(),
            rule_index: index.get_index_of(verdict.scenario.as_str()).unwrap_or_default(),
            kind: "fail",
            level,
            message: text(&format!("{}: {}", verdict.title, message(verdict))),
            locations: [Location {
                physical_location: PhysicalLocation {
                    artifact_location: ArtifactLocation {
                        uri: place(verdict, &exchanges, report),
                    },
                    region: Region { start_line: 1 },
                },
                logical_locations: [LogicalLocation {
                    name: line(&verdict.scenario).into_owned(),
                    fully_qualified_name: id,
                }],
            }],
            partial_fingerprints: Fingerprints {
                primary: format!("{}:1", &fingerprint[..16]),
                verdict: fingerprint,
            },
            suppressions: justification.map(suppression).into_iter().collect(),
        })
    });
    found.collect()
}

/// What could not be run, once for each scenario and reason.
fn notifications(report: &Report, index: &IndexMap<&str, &Verdict>) -> Vec<Notification> {
    let mut told: IndexMap<(&str, Status, &str), usize> = IndexMap::new();
    for verdict in report.verdicts.iter().filter(|verdict| verdict.status.is_not_run()) {
        let reason = verdict.reason.as_deref().unwrap_or("no reason was given");
        *told.entry((&verdict.scenario, verdict.status, reason)).or_default() += 1;
    }
    let notification = |((scenario, status, reason), times): ((&str, Status, &str), usize)| Notification {
        level: if status == Status::Error { "error" } else { "warning" },
        message: text(&match times {
            1 => format!("{}: {reason}", status.as_str()),
            _ => format!("{} ({times} verdicts): {reason}", status.as_str()),
        }),
        associated_rule: RuleReference {
            id: line(scenario).into_owned(),
            index: index.get_index_of(scenario).unwrap_or_default(),
        },
    };
    told.into_iter().map(notification).collect()
}

/// The address that answered, without its parameters; the FHIR base where nothing was recorded.
fn place(verdict: &Verdict, exchanges: &IndexMap<usize, &Exchange>, report: &Report) -> String {
    let judged = verdict.evidence.last().and_then(|id| exchanges.get(id));
    let address = judged.map_or(report.target.fhir_base.as_str(), |exchange| &exchange.request.url);
    let address = address.split(['?', '#']).next().unwrap_or_default();
    let web = Some(address).filter(|address| is_web(address));
    web.and_then(uri::of).unwrap_or_else(|| "target".to_owned())
}

/// The same for the same verdict on the same target, in every run.
fn fingerprint(report: &Report, id: &str) -> String {
    let digest = Sha256::digest(format!("{}\n{id}", report.target.name));
    digest.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn suppression(reason: &str) -> Suppression {
    Suppression {
        kind: "external",
        status: "accepted",
        justification: line(reason).into_owned(),
    }
}

/// SARIF 2.1.0 §3.11.5 and §3.11.6: braces are placeholders and square brackets are links, unless escaped.
fn text(message: &str) -> Text {
    let mut text = String::with_capacity(message.len() + 16);
    for c in cut(message.trim(), MESSAGE).chars() {
        match c {
            '{' => text.push_str("{{"),
            '}' => text.push_str("}}"),
            '[' | ']' | '\\' => text.extend(['\\', c]),
            _ => text.push(c),
        }
    }
    Text { text }
}
