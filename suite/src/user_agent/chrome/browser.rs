//! Starts Chromium, keeps its sessions, starts it again once when it died, ends it.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use headless_chrome::browser::transport::Transport;
use headless_chrome::protocol::cdp::Target::CreateTarget;
use headless_chrome::{Browser, LaunchOptions, Tab};

use super::ChromeOptions;
use super::tab::{Progress, TabWalk};
use crate::http::Failure;
use crate::user_agent::{Altered, Landing, Session, Setup, Visit, Walk};

/// Bounds every call to Chromium and also ends one that is idle: longer than any run. The outer deadline bounds calls.
const IDLE: Duration = Duration::from_hours(24);

/// Where Chromium is, or what to do where it is not.
pub(super) fn executable(given: Option<&Path>) -> Result<PathBuf, String> {
    match given {
        Some(path) if path.exists() => Ok(path.to_owned()),
        Some(path) => Err(format!("there is no Chromium at {}", path.display())),
        None => from_environment().unwrap_or_else(installed),
    }
}

/// What `CHROME` names: another browser in its place would surprise whoever set it.
fn from_environment() -> Option<Result<PathBuf, String>> {
    let named = PathBuf::from(std::env::var_os("CHROME").filter(|named| !named.is_empty())?);
    Some(if named.exists() {
        Ok(named)
    } else {
        let named = named.display();
        Err(format!(
            "the environment variable CHROME names {named}, and there is no such file; correct or unset it"
        ))
    })
}

fn installed() -> Result<PathBuf, String> {
    headless_chrome::browser::default_executable().map_err(|_| {
        "Chromium is not installed, and --agent chrome needs it: `apt-get install chromium` (Debian, Ubuntu), \
             `brew install --cask chromium` (macOS), or set the environment variable CHROME to the program of any \
             Chromium or Chrome. Without it: --agent http, or --agent manual"
            .to_owned()
    })
}

/// Ends a process by its id; 0 is none.
pub(super) fn kill(pid: u32) {
    if pid == 0 {
        return;
    }
    let mut command = if cfg!(windows) {
        let mut command = Command::new("taskkill");
        command.args(["/F", "/T", "/PID"]);
        command
    } else {
        let mut command = Command::new("kill");
        command.arg("-9");
        command
    };
    // Where it has ended by itself there is nothing to do.
    let _ = command
        .arg(pid.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

/// Drives Chromium; lives on its own thread.
pub(super) struct Driver {
    executable: PathBuf,
    options: ChromeOptions,
    setup: Setup,
    pid: Arc<AtomicU32>,
    browser: Option<Browser>,
    transport: Option<Arc<Transport>>,
    /// Browser contexts of the shared sessions, by name.
    contexts: HashMap<String, String>,
    known_pages: std::collections::HashSet<String>,
}

impl Driver {
    pub(super) fn new(executable: PathBuf, options: ChromeOptions, setup: Setup, pid: Arc<AtomicU32>) -> Self {
        Self {
            executable,
            options,
            setup,
            pid,
            browser: None,
            transport: None,
            contexts: HashMap::new(),
            known_pages: std::collections::HashSet::new(),
        }
    }

    /// All visits in one browser session, one hop of each in turn. `given_up` says that nobody waits for them.
    pub(super) fn walk(&mut self, visits: &[Visit], given_up: &dyn Fn() -> bool) -> Vec<Walk> {
        self.try_walk(visits)
            .or_else(|reason| {
                self.close();
                // It died: once more with another, unless it was killed because it took too long.
                if given_up() { Err(reason) } else { self.try_walk(visits) }
            })
            .unwrap_or_else(|reason| {
                self.close();
                let landing = Landing::Stuck {
                    reason: format!("Chromium: {reason}"),
                    screenshot: None,
                };
                vec![
                    Walk {
                        landing,
                        exchanges: Vec::new(),
                        signed_in: false,
                        denied: false,
                        altered: Altered::NotMet,
                    };
                    visits.len()
                ]
            })
    }

    fn try_walk(&mut self, visits: &[Visit]) -> Result<Vec<Walk>, String> {
        let Some(first) = visits.first() else {
            return Ok(Vec::new());
        };
        let context = self.context(&first.session)?;
        let mut tabs = Vec::new();
        for visit in visits {
            let tab = self.open(context.clone())?;
            tabs.push((TabWalk::begin(&self.setup, self.options.assist, visit, tab)?, None));
        }
        while tabs.iter().any(|(_, landing)| landing.is_none()) {
            for (tab, landing) in tabs.iter_mut().filter(|(_, landing)| landing.is_none()) {
                loop {
                    match tab.turn(&self.known_pages)? {
                        Progress::Waiting => std::thread::sleep(Duration::from_millis(15)),
                        Progress::Acted => break,
                        Progress::Landed(at) => {
                            *landing = Some(at);
                            break;
                        }
                    }
                }
            }
        }
        let mut walks = Vec::new();
        for (tab, landing) in tabs {
            let landing = landing.unwrap_or(Landing::Failed(Failure::NotSent("it never landed".into())));
            self.transport = tab.transport().or(self.transport.take());
            let (walk, met) = tab.finish(landing);
            self.known_pages.extend(met);
            walks.push(walk);
        }
        if let (Session::Fresh, Some(context)) = (&first.session, context) {
            self.dispose(&context);
        }
        Ok(walks)
    }

    /// The browser context of a session; `None` is the browser's own, which a person sees with `--assist`.
    fn context(&mut self, session: &Session) -> Result<Option<String>, String> {
        if self.browser.is_none() {
            self.launch()?;
        }
        if self.options.assist {
            return Ok(None);
        }
        let browser = self.browser.as_ref().ok_or("it did not start")?;
        let make = || {
            browser
                .new_context()
                .map(|context| context.get_id().to_owned())
                .map_err(|error| error.to_string())
        };
        match session {
            Session::Fresh => make().map(Some),
            Session::Shared(name) => {
                if let Some(context) = self.contexts.get(name) {
                    return Ok(Some(context.clone()));
                }
                let context = make()?;
                self.contexts.insert(name.clone(), context.clone());
                Ok(Some(context))
            }
        }
    }

    fn open(&self, context: Option<String>) -> Result<Arc<Tab>, String> {
        let browser = self.browser.as_ref().ok_or("it did not start")?;
        let target = CreateTarget {
            url: "about:blank".into(),
            left: None,
            top: None,
            width: None,
            height: None,
            window_state: None,
            browser_context_id: context,
            enable_begin_frame_control: None,
            new_window: None,
            background: None,
            for_tab: None,
            hidden: None,
        };
        browser.new_tab_with_options(target).map_err(|error| error.to_string())
    }

    fn launch(&mut self) -> Result<(), String> {
        let mut args: Vec<OsString> = vec![
            "--no-default-browser-check".into(),
            "--disable-component-update".into(),
            "--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable".into(),
        ];
        if !self.options.network.resolve.is_empty() {
            let rules: Vec<String> = self
                .options
                .network
                .resolve
                .iter()
                .map(|(host, address)| format!("MAP {host} {address}"))
                .collect();
            args.push(format!("--host-resolver-rules={}", rules.join(",")).into());
        }
        let proxy = self.options.network.proxy.as_ref().map(url::Url::as_str);
        if proxy.is_none() {
            args.push("--no-proxy-server".into());
        }
        let options = LaunchOptions {
            headless: !self.options.assist,
            sandbox: !is_root(),
            path: Some(self.executable.clone()),
            ignore_certificate_errors: self.options.network.insecure,
            idle_browser_timeout: IDLE,
            window_size: Some((1280, 900)),
            proxy_server: proxy,
            args: args.iter().map(OsString::as_os_str).collect(),
            ..LaunchOptions::default()
        };
        let browser = Browser::new(options).map_err(|error| {
            format!(
                "{} did not start: {error}. In a container run as root or allow user namespaces; with --assist a \
                 display is needed",
                self.executable.display()
            )
        })?;
        self.pid
            .store(browser.get_process_id().unwrap_or_default(), Ordering::SeqCst);
        keep_awake(&browser).map_err(|error| format!("it started and does not answer: {error}"))?;
        self.browser = Some(browser);
        Ok(())
    }

    pub(super) fn forget(&mut self) {
        for context in std::mem::take(&mut self.contexts).into_values() {
            self.dispose(&context);
        }
    }

    /// Closes the context's tabs and throws its cookies away.
    fn dispose(&self, context: &str) {
        if let Some(transport) = &self.transport {
            super::watch::dispose(transport, context);
        }
    }

    pub(super) fn close(&mut self) {
        self.contexts.clear();
        // Dropping it kills Chromium and removes its profile.
        self.transport = None;
        self.browser = None;
        self.pid.store(0, Ordering::SeqCst);
    }
}

/// The library sleeps for up to 100 ms before it reads or sends when nothing has arrived for as long. A page that
/// writes to its console all the time keeps it awake, which takes a call from 110 ms to about ten.
fn keep_awake(browser: &Browser) -> Result<(), String> {
    let tab = browser.new_tab().map_err(|error| error.to_string())?;
    tab.enable_runtime().map_err(|error| error.to_string())?;
    tab.evaluate("setInterval(() => console.debug(0), 5); true", false)
        .map_err(|error| error.to_string())?;
    Ok(())
}

/// As root Chromium's sandbox does not start.
fn is_root() -> bool {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::MetadataExt as _;
        std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
    }
    #[cfg(not(target_os = "linux"))]
    {
        false
    }
}
