//! How tests run the real binary, and the servers that they run it against.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use axum::Router;
use mock_ehr::{Defect, MockEhr};
use reports::model::{Report, Status, Verdict};

/// What a run of the program left behind.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    out: tempfile::TempDir,
}

impl Ran {
    fn of(output: &Output, out: tempfile::TempDir) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            out,
        }
    }

    /// The folder of the report.
    pub(crate) fn folder(&self) -> &Path {
        self.out.path()
    }

    /// `run.json`, which must be there, and whose exit code is the program's.
    pub(crate) fn report(&self) -> Report {
        let text = std::fs::read_to_string(self.folder().join("run.json"))
            .unwrap_or_else(|error| panic!("no run.json ({error}):\n{}", self.shown()));
        let report: Report = serde_json::from_str(&text).expect("run.json has the shape of a report");
        assert_eq!(i32::from(report.run.exit_code), self.code, "{}", self.shown());
        report
    }

    /// Whether a report was written at all.
    pub(crate) fn has_report(&self) -> bool {
        self.folder().join("run.json").exists()
    }

    /// The verdict of this id.
    pub(crate) fn verdict(&self, id: &str) -> Verdict {
        let report = self.report();
        let ids: Vec<String> = report.verdicts.iter().map(Verdict::id).collect();
        let found = report.verdicts.into_iter().find(|verdict| verdict.id() == id);
        found.unwrap_or_else(|| panic!("no verdict {id} among {ids:?}"))
    }

    /// Every reason, expectation and observation of the report, a line each.
    pub(crate) fn reasons(&self) -> String {
        let verdicts = self.report().verdicts.into_iter();
        let texts = verdicts.flat_map(|verdict| [verdict.reason, verdict.expected, verdict.observed]);
        texts.flatten().collect::<Vec<_>>().join("\n")
    }

    /// How many verdicts have this status.
    pub(crate) fn count(&self, status: Status) -> usize {
        self.report()
            .verdicts
            .iter()
            .filter(|verdict| verdict.status == status)
            .count()
    }

    /// For assertions that fail.
    pub(crate) fn shown(&self) -> String {
        format!(
            "code {}\n--- stdout\n{}\n--- stderr\n{}",
            self.code, self.stdout, self.stderr
        )
    }

    /// The code is this, and both streams together say each of these words.
    pub(crate) fn assert(&self, code: u8, words: &[&str]) {
        assert_eq!(self.code, i32::from(code), "{}", self.shown());
        let said = format!("{}\n{}", self.stdout, self.stderr);
        for word in words {
            assert!(said.contains(word), "`{word}` is not said:\n{}", self.shown());
        }
    }
}

/// The binary, without what the environment of the tests might change.
pub(crate) fn launchproof() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_launchproof"));
    command
        .env_remove("LAUNCHPROOF_SECRET")
        .env("NO_COLOR", "1")
        .stdin(Stdio::null());
    for proxy in [
        "http_proxy",
        "https_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "all_proxy",
    ] {
        command.env_remove(proxy);
    }
    command
}

/// Any command line.
pub(crate) async fn run(arguments: &[&str]) -> Ran {
    run_with(arguments, |_| {}).await
}

/// Any command line, with a changed environment.
pub(crate) async fn run_with(arguments: &[&str], change: impl FnOnce(&mut Command)) -> Ran {
    let out = tempfile::tempdir().expect("a temporary folder");
    let mut command = launchproof();
    command.args(arguments).current_dir(out.path());
    change(&mut command);
    let output = tokio::task::spawn_blocking(move || command.output())
        .await
        .expect("the command ends");
    Ran::of(&output.expect("the binary starts"), out)
}

/// `launchproof test server …`, the report in a folder of its own.
pub(crate) async fn judge(arguments: &[&str]) -> Ran {
    judge_with(arguments, |_| {}).await
}

/// The same with a changed environment.
pub(crate) async fn judge_with(arguments: &[&str], change: impl FnOnce(&mut Command)) -> Ran {
    let all: Vec<&str> = ["test", "server", "--seed", "7", "--out", "."]
        .iter()
        .chain(arguments)
        .copied()
        .collect();
    run_with(&all, change).await
}

/// A server on a loopback port, for as long as this value lives.
pub(crate) struct Server {
    pub(crate) origin: String,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Serves what `make` gives for its own origin.
    pub(crate) async fn start(make: impl FnOnce(&str) -> Router) -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a free port");
        let origin = format!("http://{}", listener.local_addr().expect("it is bound"));
        let router = make(&origin);
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Self { origin, task }
    }

    /// A mock EHR with these faults.
    pub(crate) async fn mock(defects: &[Defect]) -> Self {
        Self::start(|origin| mock(origin, defects).router()).await
    }

    /// A mock EHR of which `change` makes something else.
    pub(crate) async fn changed(change: impl FnOnce(Router) -> Router) -> Self {
        Self::start(|origin| change(mock(origin, &[]).router())).await
    }

    /// Answers each connection with these bytes, whatever was asked, then closes it.
    pub(crate) async fn raw(bytes: &'static [u8]) -> Self {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a free port");
        let origin = format!("http://{}", listener.local_addr().expect("it is bound"));
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut asked = [0; 4096];
                let _ = stream.read(&mut asked).await;
                let _ = stream.write_all(bytes).await;
            }
        });
        Self { origin, task }
    }

    /// The FHIR base of a mock.
    pub(crate) fn fhir(&self) -> String {
        format!("{}/fhir", self.origin)
    }
}

fn mock(origin: &str, defects: &[Defect]) -> MockEhr {
    let builder = MockEhr::builder()
        .public_url(origin)
        .seed(1)
        .defects(defects.iter().copied());
    builder.build().expect("the mock is built")
}

/// The embedded mock's profile for a mock at `origin`, as text: no clock to advance, keys by absolute paths.
pub(crate) fn profile_text(origin: &str) -> String {
    let text = fixtures::file("targets/mock.toml").expect("it is embedded").text;
    let keys = format!("{}/../fixtures/keys/", env!("CARGO_MANIFEST_DIR"));
    let without_clock = text.split("[clock]").next().expect("there is a first part");
    without_clock
        .replace("http://127.0.0.1:8080", origin)
        .replace("../keys/", &keys)
}

/// A text as a file that lives as long as the folder.
pub(crate) struct Written {
    folder: tempfile::TempDir,
    path: PathBuf,
}

impl Written {
    /// Writes it.
    pub(crate) fn new(name: &str, text: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("the folder can be made");
        std::fs::write(&path, text).expect("the file can be written");
        Self { folder, path }
    }

    /// Its path.
    pub(crate) fn path(&self) -> &str {
        self.path.to_str().expect("temporary paths are text")
    }

    /// The folder that holds it.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// The profile of a mock at `origin`, as a file.
pub(crate) fn profile(origin: &str) -> Written {
    Written::new("ehr.toml", &profile_text(origin))
}
