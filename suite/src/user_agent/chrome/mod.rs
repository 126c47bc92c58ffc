//! The `chrome` agent: a real Chromium, for targets whose pages are made by scripts.
//!
//! Chromium speaks over a blocking channel, so one thread of its own drives it; an outer deadline kills it by its
//! pid, whatever that thread waits for, and the next walk starts another.

mod browser;
mod page_script;
mod tab;
mod watch;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::oneshot;

use super::{Altered, Landing, Setup, UserAgent, Visit, Walk};
use crate::http::{Failure, Network};

/// What the deadline inside a walk may be late by, before Chromium is killed.
const GRACE: Duration = Duration::from_secs(10);
/// How long a person may take to sign in with `--assist`.
const ASSIST: Duration = Duration::from_mins(5);

/// How Chromium is started.
#[derive(Debug, Clone, Default)]
pub struct ChromeOptions {
    /// Show the window, and wait for a person where the script does not know on; the session is kept.
    pub assist: bool,
    /// The program; otherwise `CHROME` in the environment, or where Chromium is usually installed.
    pub executable: Option<PathBuf>,
    /// Proxy, fixed addresses and `--insecure`; authorities are those of the system.
    pub network: Network,
}

/// A real Chromium.
pub struct ChromeAgent {
    setup: Setup,
    assist: bool,
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    pid: Arc<AtomicU32>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the driving thread is asked for.
enum Job {
    Walk {
        visits: Vec<Visit>,
        answer: oneshot::Sender<Vec<Walk>>,
    },
    Forget,
    Close {
        answer: oneshot::Sender<()>,
    },
}

impl ChromeAgent {
    /// Finds Chromium; it is started with the first walk. The error says what to install.
    pub fn new(setup: Setup, options: ChromeOptions) -> Result<Self, String> {
        let executable = browser::executable(options.executable.as_deref())?;
        let assist = options.assist;
        let pid = Arc::new(AtomicU32::new(0));
        let (jobs, queue) = mpsc::channel();
        let driver = browser::Driver::new(executable, options, setup.clone(), Arc::clone(&pid));
        let thread = std::thread::Builder::new()
            .name("chromium".into())
            .spawn(move || drive(driver, &queue))
            .map_err(|error| format!("no thread for Chromium: {error}"))?;
        Ok(Self {
            setup,
            assist,
            jobs: Mutex::new(Some(jobs)),
            pid,
            thread: Mutex::new(Some(thread)),
        })
    }

    fn ask(&self, job: Job) -> bool {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.as_ref().is_some_and(|jobs| jobs.send(job).is_ok())
    }

    async fn walks(&self, visits: Vec<Visit>) -> Vec<Walk> {
        let count = visits.len();
        let (answer, walks) = oneshot::channel();
        if !self.ask(Job::Walk { visits, answer }) {
            return failed(count, &Failure::NotSent("Chromium was closed".into()));
        }
        let patience = self.setup.limits.step + GRACE + if self.assist { ASSIST } else { Duration::ZERO };
        match tokio::time::timeout(patience, walks).await {
            Ok(Ok(walks)) => walks,
            Ok(Err(_)) => failed(count, &Failure::NotSent("the thread that drives Chromium ended".into())),
            Err(_) => {
                browser::kill(self.pid.load(Ordering::SeqCst));
                failed(count, &Failure::Timeout(patience))
            }
        }
    }
}

fn failed(count: usize, failure: &Failure) -> Vec<Walk> {
    let walk = Walk {
        landing: Landing::Failed(failure.clone()),
        exchanges: Vec::new(),
        signed_in: false,
        denied: false,
        altered: Altered::NotMet,
    };
    vec![walk; count]
}

fn drive(mut driver: browser::Driver, queue: &mpsc::Receiver<Job>) {
    while let Ok(job) = queue.recv() {
        match job {
            Job::Walk { visits, answer } => {
                // Who asked may have given up meanwhile.
                let walks = driver.walk(&visits, &|| answer.is_closed());
                let _ = answer.send(walks);
            }
            Job::Forget => driver.forget(),
            Job::Close { answer } => {
                driver.close();
                let _ = answer.send(());
            }
        }
    }
    driver.close();
}

impl UserAgent for ChromeAgent {
    fn name(&self) -> &'static str {
        "chrome"
    }

    fn walk<'a>(&'a self, visit: &'a Visit) -> BoxFuture<'a, Walk> {
        async move {
            let none = || Walk {
                landing: Landing::Failed(Failure::NotSent("no walk came back".into())),
                exchanges: Vec::new(),
                signed_in: false,
                denied: false,
                altered: Altered::NotMet,
            };
            self.walks(vec![visit.clone()]).await.pop().unwrap_or_else(none)
        }
        .boxed()
    }

    fn walk_interleaved<'a>(&'a self, visits: &'a [Visit]) -> BoxFuture<'a, Option<Vec<Walk>>> {
        async move { Some(self.walks(visits.to_vec()).await) }.boxed()
    }

    fn forget(&self) {
        self.ask(Job::Forget);
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async move {
            let (answer, closed) = oneshot::channel();
            if self.ask(Job::Close { answer }) && tokio::time::timeout(GRACE, closed).await.is_err() {
                browser::kill(self.pid.load(Ordering::SeqCst));
            }
        }
        .boxed()
    }
}

impl Drop for ChromeAgent {
    fn drop(&mut self) {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Whatever the thread waits for fails once Chromium is gone; then it ends and removes Chromium's profile.
        browser::kill(self.pid.swap(0, Ordering::SeqCst));
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = thread.join();
        }
    }
}
