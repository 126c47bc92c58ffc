//! Ctrl-C: once ends the run with the report of what was done, twice ends the program.

use tokio::sync::watch;

/// Turns true at the first Ctrl-C, and at the second.
pub(super) struct Interrupt {
    pub(super) once: watch::Receiver<bool>,
    pub(super) twice: watch::Receiver<bool>,
}

/// Listens from now on, for as long as the program runs.
pub(super) fn listen() -> Interrupt {
    let (first, once) = watch::channel(false);
    let (second, twice) = watch::channel(false);
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            anstream::eprintln!("\nending; the report of what was done follows");
            let _ = first.send(true);
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            let _ = second.send(true);
        }
        // Without signals nobody interrupts, and both stay open.
        std::future::pending::<()>().await;
        drop((first, second));
    });
    Interrupt { once, twice }
}

/// Waits for it; for ever, where nobody can interrupt any more.
pub(super) async fn happened(interrupt: &mut watch::Receiver<bool>) {
    if interrupt.wait_for(|happened| *happened).await.is_err() {
        std::future::pending::<()>().await;
    }
}
