//! Ctrl-C and SIGTERM at any moment: the report of what was done, whole, and code 130.

use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use reports::exit;
use reports::model::Report;

use crate::program::{self, Server, Written, profile};

/// A run that is under way.
struct Running {
    child: Child,
    out: tempfile::TempDir,
    _profile: Written,
}

impl Running {
    fn start(server: &Server, more: &[&str]) -> Self {
        let profile = profile(&server.origin);
        let out = tempfile::tempdir().expect("a temporary folder");
        let child = program::launchproof()
            .args(["test", "server", "--out", ".", "--target", profile.path()])
            .args(more)
            .current_dir(out.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        Self {
            child,
            out,
            _profile: profile,
        }
    }

    fn signal(&self, name: &str) {
        let kill = std::process::Command::new("kill")
            .args([name, &self.child.id().to_string()])
            .status();
        assert!(kill.expect("there is a kill").success());
    }

    /// Waits until `when` is true.
    async fn until(&self, what: &str, when: impl Fn(&Path) -> bool) {
        let began = Instant::now();
        while !when(self.out.path()) {
            assert!(began.elapsed() < Duration::from_mins(1), "{what} did not come");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn end(mut self) -> (ExitStatus, tempfile::TempDir) {
        // What it says must be read, or a full pipe holds it.
        let streams = (self.child.stdout.take(), self.child.stderr.take());
        let status = tokio::task::spawn_blocking(move || {
            use std::io::Read as _;
            let mut said = String::new();
            if let Some(mut stdout) = streams.0 {
                let _ = stdout.read_to_string(&mut said);
            }
            drop(streams.1);
            self.child.wait()
        });
        let status = status.await.expect("it ends").expect("it ends");
        (status, self.out)
    }

    /// It ends with 130 and a whole report of an incomplete run.
    async fn assert_interrupted(self) -> Report {
        let (status, out) = self.end().await;
        assert_eq!(status.code(), Some(i32::from(exit::INTERRUPTED)));
        let report = whole_report(out.path());
        assert!(!report.run.complete);
        assert_eq!(report.run.exit_code, exit::INTERRUPTED);
        report
    }
}

/// Every file is there and whole, and nothing is left beside them.
fn whole_report(folder: &Path) -> Report {
    let text = std::fs::read_to_string(folder.join("run.json")).expect("the report is written");
    let report = serde_json::from_str(&text).expect("it is whole");
    let page = std::fs::read_to_string(folder.join("report.html")).expect("the page is written");
    assert!(page.trim_end().ends_with("</html>"), "the page is cut off");
    let junit = std::fs::read_to_string(folder.join("junit.xml")).expect("junit.xml is written");
    assert!(junit.trim_end().ends_with("</testsuites>"), "junit.xml is cut off");
    let aside: Vec<String> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| std::path::Path::new(name).extension().is_some_and(|kind| kind == "tmp"))
        .collect();
    assert!(aside.is_empty(), "{aside:?}");
    report
}

fn has_event(folder: &Path, word: &str, times: usize) -> bool {
    let text = std::fs::read_to_string(folder.join("events.jsonl")).unwrap_or_default();
    text.matches(word).count() >= times
}

/// Every request takes this long.
async fn slow_server(each: Duration) -> Server {
    let slow = move |request: Request, next: Next| async move {
        tokio::time::sleep(each).await;
        next.run(request).await
    };
    Server::changed(|router: Router| router.layer(from_fn(slow))).await
}

/// Requests to this path are never answered; the others at once.
async fn stuck_at(path: &'static str) -> (Server, std::sync::Arc<std::sync::atomic::AtomicBool>) {
    use std::sync::atomic::{AtomicBool, Ordering};
    let met = std::sync::Arc::new(AtomicBool::new(false));
    let flag = std::sync::Arc::clone(&met);
    let stuck = move |request: Request, next: Next| {
        let flag = std::sync::Arc::clone(&flag);
        async move {
            if request.uri().path().contains(path) {
                flag.store(true, Ordering::SeqCst);
                std::future::pending::<Response>().await
            } else {
                next.run(request).await
            }
        }
    };
    let server = Server::changed(|router: Router| router.layer(from_fn(stuck))).await;
    (server, met)
}

#[tokio::test(flavor = "multi_thread")]
async fn during_discovery() {
    for signal in ["-INT", "-TERM"] {
        let (server, met) = stuck_at("smart-configuration").await;
        let running = Running::start(&server, &[]);
        running
            .until("discovery", |_| met.load(std::sync::atomic::Ordering::SeqCst))
            .await;
        running.signal(signal);
        let report = running.assert_interrupted().await;
        assert!(report.verdicts.is_empty(), "nothing was judged yet");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn during_a_sign_in() {
    let (server, met) = stuck_at("/auth/authorize").await;
    let running = Running::start(&server, &["--only", "pkce/"]);
    running
        .until("a sign-in", |_| met.load(std::sync::atomic::Ordering::SeqCst))
        .await;
    running.signal("-INT");
    running.assert_interrupted().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_midst_with_what_was_judged_by_then() {
    for (signal, after) in [("-INT", 3), ("-TERM", 40)] {
        let server = slow_server(Duration::from_millis(10)).await;
        let running = Running::start(&server, &[]);
        running
            .until("a verdict", |out| has_event(out, "\"event\":\"verdict\"", after))
            .await;
        running.signal(signal);
        let report = running.assert_interrupted().await;
        assert!(report.verdicts.len() >= after);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_report_is_written_it_is_finished() {
    let server = Server::mock(&[]).await;
    let running = Running::start(&server, &["--only", "discovery/", "state/"]);
    running
        .until("the end of the run", |out| has_event(out, "\"event\":\"finished\"", 1))
        .await;
    running.signal("-INT");
    let (status, out) = running.end().await;
    // The run had ended: it keeps its own code where the signal came after that.
    let report = whole_report(out.path());
    assert_eq!(status.code(), Some(i32::from(report.run.exit_code)));
}

#[tokio::test(flavor = "multi_thread")]
async fn twice_ends_at_once_and_leaves_nothing_half_written() {
    let (server, met) = stuck_at("/register/").await;
    let running = Running::start(&server, &["--only", "registration/"]);
    running
        .until("a removal that hangs", |_| {
            met.load(std::sync::atomic::Ordering::SeqCst)
        })
        .await;
    running.signal("-INT");
    tokio::time::sleep(Duration::from_millis(300)).await;
    running.signal("-INT");
    let began = Instant::now();
    let (status, out) = running.end().await;
    assert_eq!(status.code(), Some(i32::from(exit::INTERRUPTED)));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    if out.path().join("run.json").exists() {
        whole_report(out.path());
    }
}
