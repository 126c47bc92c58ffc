//! The `manual` agent: a person's own browser. Prints the address, listens where the browser comes back on loopback,
//! or else asks for the address at which it ended.
//!
//! RFC 8252 §7.3: loopback redirect_uris are what a native app listens on.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, mpsc};
use url::Url;

use super::{Altered, Landing, Setup, UserAgent, Visit, Walk};
use crate::http::{Exchange, Failure, RequestBody};

/// How a person is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ManualOptions {
    /// Open each address in the person's browser.
    pub open: bool,
    /// Walks that a person is asked for at most; more end as stuck.
    pub max_sign_ins: Option<u32>,
    /// How long one walk may take a person.
    pub patience: std::time::Duration,
}

impl Default for ManualOptions {
    fn default() -> Self {
        Self {
            open: false,
            max_sign_ins: None,
            patience: std::time::Duration::from_mins(10),
        }
    }
}

type Lines = mpsc::UnboundedReceiver<String>;

/// A person with a browser.
pub struct ManualAgent {
    setup: Setup,
    options: ManualOptions,
    asked: AtomicU32,
    /// One walk at a time; holds the lines of the terminal, once they are read.
    terminal: Mutex<Option<Lines>>,
}

impl ManualAgent {
    /// An agent that asks at the terminal.
    pub fn new(setup: Setup, options: ManualOptions) -> Self {
        Self {
            setup,
            options,
            asked: AtomicU32::new(0),
            terminal: Mutex::new(None),
        }
    }

    /// What to say before a run that needs a person so many times; an error where the budget is smaller than the
    /// least that the plan needs.
    pub fn announce(&self, least: u32, most: u32) -> Result<String, String> {
        match self.options.max_sign_ins {
            Some(budget) if budget < least => Err(format!(
                "this run needs a person at least {least} times, and --max-sign-ins is {budget}: raise it, choose fewer \
                 scenarios, or use --agent http or chrome"
            )),
            Some(budget) => Ok(format!(
                "This run asks you to go through the browser at least {least} and at most {} times.",
                most.min(budget)
            )),
            None => Ok(format!(
                "This run asks you to go through the browser at least {least} and at most {most} times."
            )),
        }
    }

    async fn landing(&self, visit: &Visit) -> Landing {
        let start = match start_address(visit) {
            Ok(start) => start,
            Err(reason) => return stuck(reason),
        };
        let mut terminal = self.terminal.lock().await;
        let before = self.asked.fetch_add(1, Ordering::SeqCst);
        if let Some(budget) = self.options.max_sign_ins.filter(|budget| before >= *budget) {
            return stuck(format!("the {budget} walks of --max-sign-ins are used up"));
        }
        let listener = listen(visit).await;
        self.say(visit, &start, before + 1, listener.is_some());
        if self.options.open {
            open(&start);
        }
        let lines = terminal.get_or_insert_with(read_lines);
        let came = async {
            match &listener {
                Some(listener) => tokio::select! {
                    url = arrival(listener, visit) => Ok(url),
                    line = ask(lines, true) => line,
                },
                None => ask(lines, false).await,
            }
        };
        match tokio::time::timeout(self.options.patience, came).await {
            Ok(Ok(url)) => self.judge(visit, url),
            Ok(Err(reason)) => stuck(reason),
            Err(_) => Landing::Failed(Failure::Timeout(self.options.patience)),
        }
    }

    fn judge(&self, visit: &Visit, url: Answer) -> Landing {
        match url {
            Answer::Address(url) => super::route::landing_at(visit, &self.setup.sign_in, &url).unwrap_or_else(|| {
                stuck(format!(
                    "{} is still a page of the target",
                    super::page::without_query(&url)
                ))
            }),
            Answer::Error(text) => Landing::Refused {
                status: 0,
                text,
                inferred: true,
            },
        }
    }

    fn say(&self, visit: &Visit, start: &Url, number: u32, listening: bool) {
        let user = &visit.persona.user;
        let who = self.setup.users.get(user).map_or(user, |user| &user.username);
        let decision = if visit.persona.allow { "allow" } else { "DENY" };
        let patient = visit
            .persona
            .patient
            .as_ref()
            .map(|id| format!(", pick patient {id}"))
            .unwrap_or_default();
        // Only where the request itself asks for a loopback address does the browser come back to us.
        let asked = start.query_pairs().find(|(name, _)| name == "redirect_uri");
        let to_loopback = asked
            .and_then(|(_, uri)| Url::parse(&uri).ok())
            .is_some_and(|uri| crate::target::profile::is_loopback(&uri));
        let back = if listening && to_loopback {
            "The browser comes back here by itself; where it ends at an error page, type `error` and what it says."
        } else {
            "Then paste the address at which the browser ended, or type `error` and what the page says."
        };
        tell!("\n[{number}] Open this address, sign in as {who}{patient}, and {decision}. {back}\n\n    {start}\n");
    }
}

impl UserAgent for ManualAgent {
    fn name(&self) -> &'static str {
        "manual"
    }

    fn walk<'a>(&'a self, visit: &'a Visit) -> BoxFuture<'a, Walk> {
        async move {
            let at = self.setup.started.elapsed();
            let landing = self.landing(visit).await;
            // A person's browser shows nothing of what it sent but the first request.
            let unseen = Err(Failure::NotSent(
                "sent by a person's browser; what came back was not seen".into(),
            ));
            let exchange = Exchange {
                step: visit.step.clone(),
                at,
                request: visit.start.clone(),
                outcome: unseen,
            };
            Walk {
                landing,
                exchanges: vec![exchange],
                signed_in: true,
                denied: true,
                altered: Altered::NotMet,
            }
        }
        .boxed()
    }

    fn walk_interleaved<'a>(&'a self, _visits: &'a [Visit]) -> BoxFuture<'a, Option<Vec<Walk>>> {
        futures::future::ready(None).boxed()
    }

    fn forget(&self) {}

    fn close(&self) -> BoxFuture<'_, ()> {
        futures::future::ready(()).boxed()
    }
}

/// What a person answered.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Address(Url),
    Error(String),
}

fn stuck(reason: String) -> Landing {
    Landing::Stuck {
        reason,
        screenshot: None,
    }
}

/// A person can open an address, not send a POST.
fn start_address(visit: &Visit) -> Result<Url, String> {
    match &visit.start.body {
        RequestBody::Empty => Ok(visit.start.url.clone()),
        _ => Err("the request is a POST, which a person cannot type into a browser: use --agent http or chrome".into()),
    }
}

/// Listens on the first loopback http callback whose port is free.
async fn listen(visit: &Visit) -> Option<TcpListener> {
    for callback in &visit.callbacks {
        if callback.scheme() == "http" && crate::target::profile::is_loopback(callback) {
            let port = callback.port_or_known_default()?;
            // Loopback only, whatever name the callback has.
            if let Ok(listener) = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port))).await {
                return Some(listener);
            }
        }
    }
    None
}

/// Waits until the browser comes to one of the callbacks; other requests (icons) are answered and forgotten.
async fn arrival(listener: &TcpListener, visit: &Visit) -> Answer {
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            continue;
        };
        let Ok(address) = socket.local_addr() else { continue };
        let asked = tokio::time::timeout(std::time::Duration::from_secs(5), serve(socket)).await;
        let Ok(Some(target)) = asked else { continue };
        for callback in &visit.callbacks {
            let same = callback.port_or_known_default() == Some(address.port());
            if let Some(url) = callback
                .join(&target)
                .ok()
                .filter(|url| same && url.path() == callback.path())
            {
                return Answer::Address(url);
            }
        }
    }
}

/// Reads one request's target and thanks the person.
async fn serve(mut socket: TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut chunk = [0; 2048];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = socket.read(&mut chunk).await.ok()?;
        if read == 0 || head.len() > 64 * 1024 {
            return None;
        }
        head.extend_from_slice(&chunk[..read]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let target = head
        .lines()
        .next()?
        .split(' ')
        .nth(1)
        .filter(|target| target.starts_with('/'))?
        .to_owned();
    let page = "<!doctype html><title>launchproof</title><p>The answer has arrived. You can close this tab.";
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n{page}",
        page.len()
    );
    // The browser has shown its address; whether it shows the page does not matter.
    let _ = socket.write_all(answer.as_bytes()).await;
    let _ = socket.shutdown().await;
    Some(target)
}

/// The terminal's lines, by a thread of their own: a read of the terminal cannot be called off.
fn read_lines() -> Lines {
    let (lines, queue) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if lines.send(line).is_err() {
                break;
            }
        }
    });
    queue
}

/// Reads lines until one is an address or an error. Without a terminal only the browser can answer, where it can.
async fn ask(lines: &mut Lines, listening: bool) -> Result<Answer, String> {
    loop {
        match lines.recv().await {
            Some(line) => match read_answer(&line) {
                Some(answer) => return Ok(answer),
                None => {
                    tell!("That is neither an address nor `error …`; please paste the whole address.");
                }
            },
            None if listening => futures::future::pending::<()>().await,
            None => {
                return Err("there is no terminal to paste the final address into: use --agent http or chrome".into());
            }
        }
    }
}

fn read_answer(line: &str) -> Option<Answer> {
    let line = line.trim();
    if let Some(text) = line.strip_prefix("error") {
        let text = text.trim_start_matches(':').trim();
        return Some(Answer::Error(if text.is_empty() {
            "the person saw an error page".into()
        } else {
            text.into()
        }));
    }
    Url::parse(line).ok().map(Answer::Address)
}

/// Opens an address in the person's browser; where that fails they have it printed.
fn open(url: &Url) {
    let program: (&str, &[&str]) = if cfg!(target_os = "macos") {
        ("open", &[])
    } else if cfg!(windows) {
        ("rundll32", &["url.dll,FileProtocolHandler"])
    } else {
        ("xdg-open", &[])
    };
    let started = Command::new(program.0)
        .args(program.1)
        .arg(url.as_str())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    if let Err(error) = started {
        tell!(
            "({} did not start: {error}; please open the address yourself)",
            program.0
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_an_address_or_an_error() {
        let address = Url::parse("https://app.example/cb?code=1").unwrap();
        assert_eq!(
            read_answer(" https://app.example/cb?code=1\n"),
            Some(Answer::Address(address))
        );
        assert_eq!(
            read_answer("error: invalid scope\n"),
            Some(Answer::Error("invalid scope".into()))
        );
        assert_eq!(read_answer("yes\n"), None);
    }
}
