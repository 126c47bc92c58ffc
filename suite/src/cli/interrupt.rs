//! Ctrl-C and SIGTERM: once ends the run with the report of what was done, twice ends the program.

use tokio::sync::watch;

/// Turns true at the first signal, and at the second.
pub(super) struct Interrupt {
    pub(super) once: watch::Receiver<bool>,
    pub(super) twice: watch::Receiver<bool>,
}

/// Listens from now on, for as long as the program runs: a signal that comes before anybody waits is not lost.
/// `ending` is said at the first.
pub(super) fn listen(ending: &'static str) -> Interrupt {
    let (first, once) = watch::channel(false);
    let (second, twice) = watch::channel(false);
    let signals = Signals::listen();
    tokio::spawn(async move {
        if let Some(mut signals) = signals {
            signals.next().await;
            tell!("\n{ending}");
            let _ = first.send(true);
            signals.next().await;
            let _ = second.send(true);
        }
        // Without signals nobody interrupts, and both stay open.
        std::future::pending::<()>().await;
        drop((first, second));
    });
    Interrupt { once, twice }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> Option<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Some(Self {
            interrupt: signal(SignalKind::interrupt()).ok()?,
            terminate: signal(SignalKind::terminate()).ok()?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[expect(clippy::unnecessary_wraps, reason = "on other systems listening can fail")]
    fn listen() -> Option<Self> {
        Some(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Waits for it; for ever, where nobody can interrupt any more.
pub(super) async fn happened(interrupt: &mut watch::Receiver<bool>) {
    if interrupt.wait_for(|happened| *happened).await.is_err() {
        std::future::pending::<()>().await;
    }
}
