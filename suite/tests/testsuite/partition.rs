//! Parts of a run (`--partition`) merge to the report that the whole run writes.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mock_ehr::MockEhr;
use mock_ehr::clock::ControlledClock;
use mock_ehr::config::Config;
use reports::exit;
use reports::model::{Exchange, Report, Verdict};

use crate::program::{Ran, Server, Written, judge, profile, profile_text, run};

/// Where the embedded profile publishes keys.
const KEYS: &str = "http://127.0.0.1:8090";

/// A fresh mock at an address that stays, with a clock that can be advanced: each part meets the same server.
struct Ehr {
    at: SocketAddr,
    management: SocketAddr,
    /// Where launchproof publishes the keys of clients that are registered by their jwks_uri.
    keys: SocketAddr,
}

impl Ehr {
    fn new() -> Self {
        let free = || {
            let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
            listener.local_addr().expect("it is bound")
        };
        Self {
            at: free(),
            management: free(),
            keys: free(),
        }
    }

    fn profile(&self) -> Written {
        let text = profile_text(&format!("http://{}", self.at)).replace(KEYS, &format!("http://{}", self.keys));
        let clock = format!("[clock]\nadvance_url = \"http://{}/clock/advance\"\n", self.management);
        Written::new("ehr.toml", &format!("{text}\n{clock}"))
    }

    /// Serves while `work` runs.
    async fn while_serving<T>(&self, work: impl Future<Output = T>) -> T {
        let mut config = Config::clone(&Config::embedded());
        for client in &mut config.clients {
            let here = format!("http://{}", self.keys);
            client.jwks_uri = client.jwks_uri.as_ref().map(|uri| uri.replace(KEYS, &here));
        }
        let builder = MockEhr::builder()
            .public_url(format!("http://{}", self.at))
            .config(config)
            .seed(1)
            .clock(Arc::new(ControlledClock::default()));
        let mock = builder.build().expect("the mock is built");
        #[expect(clippy::async_yields_async, reason = "the task is awaited when the mock is over")]
        let serve = async |at: SocketAddr, router| {
            let listener = tokio::net::TcpListener::bind(at).await.expect("the port is still free");
            tokio::spawn(async move {
                let _ = axum::serve(listener, router).await;
            })
        };
        let tasks = [
            serve(self.at, mock.router()).await,
            serve(self.management, mock.management_router()).await,
        ];
        let done = work.await;
        for task in tasks {
            task.abort();
            let _ = task.await;
        }
        done
    }

    async fn judge(&self, more: &[&str]) -> Ran {
        let profile = self.profile();
        let arguments: Vec<&str> = ["--target", profile.path(), "--quiet"]
            .iter()
            .chain(more)
            .copied()
            .collect();
        self.while_serving(judge(&arguments)).await
    }
}

/// The text without what differs from run to run by nature: moments, and values that were drawn.
fn without_chance(text: &str) -> String {
    let durations: Vec<&str> = text.split(" ms").collect();
    let timeless = durations
        .iter()
        .map(|part| part.trim_end_matches(|c: char| c.is_ascii_digit()));
    let text = timeless.collect::<Vec<_>>().join(" ms");
    let mut plain = String::with_capacity(text.len());
    let mut token = String::new();
    for character in text.chars().chain(std::iter::once('\0')) {
        if character.is_ascii_alphanumeric() || matches!(character, '_' | '-' | ':' | '.') {
            token.push(character);
        } else {
            plain.push_str(&settled(&token));
            token.clear();
            if character != '\0' {
                plain.push(character);
            }
        }
    }
    plain
}

fn settled(token: &str) -> String {
    let digits = token.chars().filter(char::is_ascii_digit).count();
    let moment = token.len() >= 19 && token.starts_with("20") && token.as_bytes().get(10) == Some(&b'T');
    let unix_time = token.len() == 10 && digits == 10;
    // Base64url of a random value is of mixed case with digits; words of people are not.
    let drawn = token.len() >= 16
        && digits > 0
        && token.chars().any(|c| c.is_ascii_lowercase())
        && token.chars().any(|c| c.is_ascii_uppercase());
    if let Some((before, _)) = token.split_once("hmac:") {
        format!("{before}hmac")
    } else if token.starts_with("written-") || token.starts_with("registered-") {
        "NAMED".to_owned()
    } else if moment || unix_time {
        "TIME".to_owned()
    } else if drawn {
        "DRAWN".to_owned()
    } else if let Some((host, _port)) = token.split_once("127.0.0.1:") {
        format!("{host}LOOPBACK")
    } else {
        token.to_owned()
    }
}

/// A verdict, all of it but its time, with its evidence as what was asked and answered. Of a race, either may win.
fn told(report: &Report, verdict: &Verdict) -> (Verdict, Vec<String>) {
    let mut told = verdict.clone();
    told.duration_ms = 0;
    let evidence = told.evidence.drain(..).map(|id| &report.exchanges[id]);
    // Whether the server fetches a key set again is a matter of its cache, and so of what was asked before.
    let ours = evidence.filter(|exchange| {
        exchange
            .request
            .url
            .starts_with(report.target.fhir_base.trim_end_matches("fhir"))
    });
    let mut exchanges: Vec<String> = ours.map(asked).collect();
    exchanges.sort();
    for text in [&mut told.reason, &mut told.expected, &mut told.observed] {
        *text = text.as_deref().map(without_chance);
    }
    (told, exchanges)
}

fn asked(exchange: &Exchange) -> String {
    let path = exchange.request.url.split('?').next().unwrap_or_default();
    let status = exchange.response.as_ref().map(|response| response.status);
    format!(
        "{} {} → {status:?} {}",
        exchange.request.method,
        without_chance(path),
        exchange.failure.clone().unwrap_or_default()
    )
}

fn read(path: &Path) -> Report {
    let text = std::fs::read_to_string(path).expect("it was written");
    serde_json::from_str(&text).expect("it has the shape of a report")
}

/// Everything of a run that is neither a time nor a count of what was sent.
fn circumstances(report: &Report) -> String {
    let mut run = report.run.clone();
    run.started.clear();
    (run.duration_ms, run.requests, run.sign_ins) = (0, 0, 0);
    run.controls = reports::model::Controls::default();
    format!(
        "{run:?} {:?} {:?} {:?} {:?} {}",
        report.target, report.requirements, report.adaptations, report.left_behind, report.tool
    )
}

fn junit_without_times(text: &str) -> Vec<String> {
    let timeless = |line: &str| {
        let mut plain = String::new();
        let mut rest = line;
        while let Some(at) = rest.find("time=\"") {
            plain.push_str(&rest[..at]);
            let value = &rest[at + "time=\"".len()..];
            rest = value.split_once('"').map_or("", |(_, rest)| rest);
        }
        without_chance(&format!("{plain}{rest}"))
    };
    text.lines().map(timeless).collect()
}

/// Values that one part redacts, since it learned them as secrets, and another does not: a wrong `kid` of the one is a
/// wrong secret of the other.
const SECRET_ELSEWHERE: &str = "client_auth_asymmetric/kid_unknown#quote";

#[tokio::test(flavor = "multi_thread")]
async fn three_parts_of_a_whole_run_merge_to_its_report() {
    let ehr = Ehr::new();
    let whole = ehr.judge(&[]).await;
    whole.assert(exit::NOTHING_UNEXPECTED, &[]);
    let mut parts = Vec::new();
    for part in ["1/3", "2/3", "3/3"] {
        let ran = ehr.judge(&["--partition", part]).await;
        ran.assert(exit::NOTHING_UNEXPECTED, &[]);
        let share = ran.report().verdicts.len();
        assert!(share > 400, "{part} has {share} verdicts of more than 1,500");
        parts.push(ran);
    }
    let files: Vec<PathBuf> = parts.iter().map(|ran| ran.folder().join("run.json")).collect();
    let mut arguments = vec!["merge", "--out", "."];
    arguments.extend(
        files
            .iter()
            .rev()
            .map(|path| path.to_str().expect("temporary paths are text")),
    );
    let merged = run(&arguments).await;
    merged.assert(exit::NOTHING_UNEXPECTED, &[]);

    let (one, other) = (read(&whole.folder().join("run.json")), merged.report());
    assert_eq!(circumstances(&one), circumstances(&other));
    assert_eq!(one.verdicts.len(), other.verdicts.len());
    for (was, is) in one.verdicts.iter().zip(&other.verdicts) {
        assert_eq!(was.id(), is.id());
        if !was.id().starts_with(SECRET_ELSEWHERE) {
            assert_eq!(told(&one, was), told(&other, is));
        }
    }
    let file = |ran: &Ran, name: &str| std::fs::read_to_string(ran.folder().join(name)).expect("it was written");
    let (one, other) = (
        junit_without_times(&file(&whole, "junit.xml")),
        junit_without_times(&file(&merged, "junit.xml")),
    );
    let differing: Vec<_> = one
        .iter()
        .zip(&other)
        .filter(|(one, other)| one != other && !one.contains("started"))
        .collect();
    assert!(one.len() == other.len() && differing.is_empty(), "{differing:#?}");
    // The page lists the same verdicts in the same order, with the same answer.
    let ids = |page: &str| -> Vec<String> {
        let anchors = page.split(" id=\"").skip(1);
        anchors
            .filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()))
            // An exchange that two verdicts share is one in the whole run, and one in each part.
            .filter(|anchor| !anchor.starts_with("x-"))
            .collect()
    };
    let (one, other) = (ids(&file(&whole, "report.html")), ids(&file(&merged, "report.html")));
    assert!(one.len() > 500, "only {} anchors", one.len());
    assert_eq!(one, other);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_judges_the_whole_run_is_judged_in_each_part() {
    let whole_run = ["code/entropy", "token/access_token_entropy"];
    for part in ["1/2", "2/2"] {
        let arguments = ["--partition", part, "--only", "pkce/"];
        let arguments: Vec<&str> = arguments.iter().chain(&whole_run).copied().collect();
        let ran = judge(&arguments).await;
        let ids: Vec<String> = ran.report().verdicts.iter().map(Verdict::id).collect();
        for id in whole_run {
            assert!(ids.iter().any(|found| found == id), "{part} lacks {id}: {ids:?}");
            assert!(ran.verdict(id).of_the_whole_run);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_of_one_run_is_refused_with_code_3() {
    let server = Server::mock(&[]).await;
    let profile = profile(&server.origin);
    let part = async |word: &str, only: &str| {
        let arguments = ["--target", profile.path(), "--only", only, "--partition", word];
        judge(&arguments).await
    };
    let (one, two, foreign) = (
        part("1/2", "state/").await,
        part("2/2", "state/").await,
        part("2/2", "pkce/").await,
    );
    let path = |ran: &Ran| ran.folder().join("run.json").to_str().expect("text").to_owned();
    let merge = async |parts: &[String]| {
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        run(&[&["merge"], parts.as_slice()].concat()).await
    };
    merge(&[path(&one), path(&two)])
        .await
        .assert(exit::NOTHING_UNEXPECTED, &["exit code 0"]);
    merge(&[path(&one)])
        .await
        .assert(exit::BAD_INPUT, &["part 2 of 2 is missing"]);
    merge(&[path(&one), path(&two), path(&one)])
        .await
        .assert(exit::BAD_INPUT, &["part 1 of 2 was given already"]);
    merge(&[path(&one), path(&foreign)])
        .await
        .assert(exit::BAD_INPUT, &["is of another run than", "the selection is `pkce/`"]);

    let other = Server::mock(&[]).await;
    let elsewhere = crate::program::profile(&other.origin);
    let elsewhere = judge(&["--target", elsewhere.path(), "--only", "state/", "--partition", "2/2"]).await;
    merge(&[path(&one), path(&elsewhere)])
        .await
        .assert(exit::BAD_INPUT, &["is of another run than", "the FHIR base is"]);

    let text = std::fs::read_to_string(path(&two)).expect("it was written");
    let catalogue = two.report().run.catalogue;
    assert_eq!(catalogue.len(), 64);
    let changed = Written::new("run.json", &text.replace(&catalogue, &"0".repeat(64)));
    merge(&[path(&one), changed.path().to_owned()])
        .await
        .assert(exit::BAD_INPUT, &["is of another run than", "the catalogue is `0000"]);
    run(&["merge", "/nowhere/run.json"])
        .await
        .assert(exit::BAD_INPUT, &["/nowhere/run.json"]);
    run(&["merge"]).await.assert(exit::USAGE, &["RUN.JSON"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_has_the_exit_code_of_the_run_and_its_parts_can_be_told_to_have_none() {
    let server = Server::mock(&[mock_ehr::Defect::PkceNotVerified]).await;
    let profile = profile(&server.origin);
    let mut files = Vec::new();
    for part in ["1/2", "2/2"] {
        let only = [
            "--only",
            "pkce/verifier_wrong",
            "--partition",
            part,
            "--fail-on",
            "never",
        ];
        let arguments: Vec<&str> = ["--target", profile.path()].iter().chain(&only).copied().collect();
        let ran = judge(&arguments).await;
        ran.assert(exit::NOTHING_UNEXPECTED, &["--fail-on never"]);
        files.push(ran);
    }
    let paths: Vec<PathBuf> = files.iter().map(|ran| ran.folder().join("run.json")).collect();
    let paths: Vec<&str> = paths.iter().map(|path| path.to_str().expect("text")).collect();
    let merged = run(&[&["merge", "--out", "."], paths.as_slice()].concat()).await;
    merged.assert(exit::BROKEN, &["pkce/verifier_wrong"]);
    assert_eq!(merged.report().run.exit_code, exit::BROKEN);

    let baseline = Written::new(
        "baseline.toml",
        "[[expect]]\nscenario = \"pkce/verifier_wrong\"\nverdict = \"fail\"\nreason = \"EHR-1\"\n",
    );
    let known = ["merge", "--out", ".", "--baseline", baseline.path()];
    let merged = run(&[&known, paths.as_slice()].concat()).await;
    merged.assert(exit::NOTHING_UNEXPECTED, &[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_without_anything_is_no_empty_selection() {
    let ran = judge(&["--only", "state/returned@public", "--partition", "3/3"]).await;
    ran.assert(exit::NOTHING_UNEXPECTED, &["part 3 of 3 is empty"]);
}
