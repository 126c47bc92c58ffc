//! How serving ends: the first signal lets open requests finish, within a bound; the second ends it at once.

use std::future::Future;
use std::io;
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use tokio::sync::watch;

/// SIGINT and SIGTERM; Ctrl-C where there are no signals.
pub(super) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    /// From now on a signal does not end the program by itself.
    pub(super) fn caught() -> io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(Self {
                interrupt: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
            })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Serves on one listener, until it is told to stop and what is open is answered.
pub(super) async fn door<L: Listener>(
    listener: L,
    router: Router,
    mut stopping: watch::Receiver<bool>,
) -> io::Result<()>
where
    L::Addr: std::fmt::Debug,
{
    axum::serve(listener, router)
        .with_graceful_shutdown(async move {
            // An error means that nobody can tell any more: stop, too.
            let _ = stopping.wait_for(|stopping| *stopping).await;
        })
        .await
}

/// Waits for the first signal, tells the doors, and waits for them, for the bound or for the second signal.
pub(super) async fn serve(
    doors: impl Future<Output = io::Result<()>>,
    stop: watch::Sender<bool>,
    mut signals: Signals,
    within: Duration,
    on_stop: impl FnOnce(),
) -> io::Result<()> {
    let mut doors = std::pin::pin!(doors);
    tokio::select! {
        ended = &mut doors => return ended,
        () = signals.next() => {}
    }
    eprintln!(
        "Stopping: nothing new is accepted; open requests have {} s. Once more ends it at once.",
        within.as_secs()
    );
    on_stop();
    // Without a receiver there is nothing left to stop.
    let _ = stop.send(true);
    tokio::select! {
        ended = &mut doors => {
            ended?;
            eprintln!("Stopped: every open request was answered.");
        }
        () = tokio::time::sleep(within) => eprintln!("Stopped: {} s were over, and what was still open was cut.", within.as_secs()),
        () = signals.next() => eprintln!("Stopped at once: what was still open was cut."),
    }
    Ok(())
}
