//! From what happened to the report: the only file that knows both, and where everything is redacted.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reports::model;

use crate::engine::events::Judged;
use crate::http::Vault;
use crate::scenario::Check;
use crate::scenario::load::Loaded;
use crate::scenario::requirement::{Actor, Requirement};
use crate::step::World;
use crate::step::world::Recorder;

/// Redacts what a run says, while it runs and at its end.
pub struct Scribe {
    vault: Vault,
    learned: Mutex<usize>,
    full: bool,
    scenarios: HashMap<String, Texts>,
}

#[derive(Clone)]
struct Texts {
    area: String,
    title: String,
    about: String,
    fix: Option<String>,
    requirements: Vec<String>,
    of_the_whole_run: bool,
}

impl Scribe {
    /// Knows the profile's secrets and the scenarios' texts. `full` keeps bodies whole (`--evidence full`).
    pub fn new(world: &World, scenarios: &[Loaded], full: bool) -> Self {
        // Not from the run's own chance: its seed stands in the report, and who has the key can try guesses.
        let vault = Vault::new(crate::clock::secret_key());
        for secret in world.profile.secrets() {
            vault.register(secret.expose());
        }
        let scenarios = scenarios
            .iter()
            .map(|loaded| {
                let scenario = &loaded.scenario;
                let texts = Texts {
                    area: loaded.area().to_owned(),
                    title: scenario.title.trim().to_owned(),
                    about: scenario.about.trim().to_owned(),
                    fix: scenario.fix.as_ref().map(|fix| fix.trim().to_owned()),
                    requirements: scenario.requirements.clone(),
                    of_the_whole_run: scenario.then.iter().any(Check::is_of_the_whole_run),
                };
                (loaded.id.clone(), texts)
            })
            .collect();
        Self {
            vault,
            learned: Mutex::new(0),
            full,
            scenarios,
        }
    }

    /// Learns every secret of the exchanges that came since the last call.
    fn learn(&self, recorder: &Recorder) {
        let mut learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        for exchange in recorder.since(*learned) {
            self.vault.learn(&exchange, self.full);
            *learned += 1;
        }
    }

    /// A text without secrets.
    pub fn scrub(&self, recorder: &Recorder, text: &str) -> String {
        self.learn(recorder);
        self.vault.scrub(text)
    }

    /// A verdict without secrets; its evidence still names ids of the recorder.
    pub fn verdict(&self, recorder: &Recorder, judged: &Judged) -> model::Verdict {
        let clean = |text: &Option<String>| text.as_ref().map(|text| self.scrub(recorder, text));
        let of = self.scenarios.get(&judged.scenario);
        let (title, about) = control_texts(&judged.scenario);
        model::Verdict {
            scenario: judged.scenario.clone(),
            case: judged.case.clone(),
            client: judged.client.clone(),
            area: of.map_or_else(|| "control".to_owned(), |of| of.area.clone()),
            title: of.map_or_else(|| title.to_owned(), |of| of.title.clone()),
            about: of.map_or_else(|| about.to_owned(), |of| of.about.clone()),
            fix: of.and_then(|of| of.fix.clone()),
            level: judged.level,
            requirements: of.map(|of| of.requirements.clone()).unwrap_or_default(),
            status: judged.status,
            reason: clean(&judged.reason),
            expected: clean(&judged.expected),
            observed: clean(&judged.observed),
            expected_by_baseline: None,
            evidence: judged.evidence.clone(),
            screenshot: judged.screenshot.as_ref().map(|png| STANDARD.encode(png)),
            of_the_whole_run: of.is_some_and(|of| of.of_the_whole_run),
            duration_ms: judged.duration_ms,
        }
    }

    /// The whole report; only exchanges that a verdict names are kept, and numbered anew.
    pub fn report(
        &self,
        world: &World,
        judged: &[Judged],
        target: model::Target,
        run: model::Run,
        requirements: &BTreeMap<String, Requirement>,
    ) -> model::Report {
        let recorder = &world.recorder;
        self.learn(recorder);
        let mut exchanges = Vec::new();
        let mut numbers: HashMap<usize, usize> = HashMap::new();
        let mut verdicts = Vec::new();
        for one in judged {
            let mut verdict = self.verdict(recorder, one);
            verdict.evidence = kept(recorder, one)
                .into_iter()
                .filter_map(|id| {
                    if let Some(number) = numbers.get(&id) {
                        return Some(*number);
                    }
                    let exchange = recorder.exchange(id)?;
                    let mut kept = self.vault.redact(&exchange, self.full);
                    kept.id = exchanges.len();
                    numbers.insert(id, kept.id);
                    exchanges.push(kept);
                    Some(exchanges.len() - 1)
                })
                .collect();
            verdicts.push(verdict);
        }
        let cited: std::collections::BTreeSet<&String> =
            verdicts.iter().flat_map(|verdict| &verdict.requirements).collect();
        let requirements = requirements
            .values()
            .filter(|row| cited.contains(&row.id) || (row.actor != Actor::Client && row.observable.not().is_some()))
            .map(|row| model::Requirement {
                id: row.id.clone(),
                level: row.level,
                text: row.text.clone(),
                url: row.url.clone(),
                not_observable: match row.actor {
                    Actor::Client => None,
                    Actor::Server | Actor::ResourceServer => row.observable.not().map(str::to_owned),
                },
            })
            .collect();
        model::Report {
            schema_version: model::SCHEMA_VERSION.to_owned(),
            tool: concat!("launchproof ", env!("CARGO_PKG_VERSION")).to_owned(),
            target,
            run,
            verdicts,
            requirements,
            exchanges,
            adaptations: adaptations(world),
            left_behind: Vec::new(),
        }
    }
}

/// Title and explanation of a control, which is no scenario.
fn control_texts(id: &str) -> (&'static str, &'static str) {
    if id == crate::engine::DISCOVERY {
        (
            "The server can be reached and says where its endpoints are",
            "Fetches smart-configuration and the CapabilityStatement below the FHIR base. Without an answer from one of \
             them, or [endpoints] in the profile, there is nothing to send a request to.",
        )
    } else {
        (
            "A correct request is accepted",
            "Sends a correct request, as the profile describes it. Every refusal of a faulty request is worth something \
             only beside a correct one that was accepted.",
        )
    }
}

/// The exchanges that a verdict shows: all of them where something is wrong, else without the pages of the sign-in.
fn kept(recorder: &Recorder, judged: &Judged) -> Vec<usize> {
    let plain = matches!(judged.status, model::Status::Pass | model::Status::Info);
    let page = |id: &usize| {
        recorder
            .exchange(*id)
            .is_some_and(|exchange| exchange.step.ends_with(" (page)"))
    };
    let last_page = |at: usize| judged.evidence.get(at + 1).is_none_or(|next| !page(next));
    judged
        .evidence
        .iter()
        .enumerate()
        .filter(|(at, id)| !plain || !page(id) || last_page(*at))
        .map(|(_, id)| *id)
        .collect()
}

/// What the profile asked to be done otherwise than the strict form.
fn adaptations(world: &World) -> Vec<String> {
    let adapt = &world.profile.adapt;
    let mut all = Vec::new();
    if adapt.send_client_id {
        all.push("confidential clients send `client_id` in the body of their requests (send_client_id)".to_owned());
    }
    for (name, value) in &adapt.authorize {
        all.push(format!("every authorization request carries `{name}={value}`"));
    }
    if let Some(audience) = &adapt.assertion_aud {
        all.push(format!(
            "client assertions have the audience `{audience}` instead of the token endpoint"
        ));
    }
    all
}

/// A scribe that several listeners share.
pub type SharedScribe = Arc<Scribe>;
