//! At most so many requests in any second (`--rate`), for targets that slow down or lock out who asks faster.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use url::Url;

use super::{Failure, Limits, Request, Response, TlsProbe, TlsProbed, Transport};

const SECOND: Duration = Duration::from_secs(1);

/// Says when the next request may go out.
#[derive(Debug)]
pub struct Rate {
    most: usize,
    window: Mutex<Window>,
}

#[derive(Debug, Default)]
struct Window {
    /// When the requests of the last second went out.
    sent: VecDeque<Instant>,
    /// Requests of a race, which has had its turn as a whole.
    granted: usize,
}

impl Rate {
    /// At most `most` in any second; at least one.
    pub fn of(most: u32) -> Self {
        Self {
            most: usize::try_from(most).unwrap_or(usize::MAX).max(1),
            window: Mutex::default(),
        }
    }

    /// Waits for the turn of one request.
    async fn turn(&self) {
        loop {
            let wait = {
                let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
                if window.granted > 0 {
                    window.granted -= 1;
                    window.sent.push_back(Instant::now());
                    return;
                }
                let wait = window.until(self.most, 1);
                if wait.is_zero() {
                    window.sent.push_back(Instant::now());
                    return;
                }
                wait
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// Waits until a race of so many may go out at one moment. One of more than a second's worth goes out all the same,
    /// after a second in which nothing did: spread, it would judge nothing.
    pub async fn room_for(&self, requests: usize) {
        loop {
            let wait = {
                let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
                let wait = window.until(self.most.max(requests), requests);
                if wait.is_zero() {
                    window.granted = requests;
                    return;
                }
                wait
            };
            tokio::time::sleep(wait).await;
        }
    }
}

impl Window {
    /// How long until `more` requests fit into the last second beside those that went out.
    fn until(&mut self, most: usize, more: usize) -> Duration {
        while self.sent.front().is_some_and(|at| at.elapsed() >= SECOND) {
            self.sent.pop_front();
        }
        let Some(over) = (self.sent.len() + more).checked_sub(most + 1) else {
            return Duration::ZERO;
        };
        match self.sent.get(over.min(self.sent.len().saturating_sub(1))) {
            // A sleep may end a little early; a whole millisecond keeps the loop from spinning.
            Some(at) => SECOND.saturating_sub(at.elapsed()).max(Duration::from_millis(1)),
            None => Duration::ZERO,
        }
    }
}

/// A way to the target on which each request waits for its turn.
pub struct Paced {
    inner: Arc<dyn Transport>,
    rate: Arc<Rate>,
}

impl Paced {
    /// The same way, at this rate.
    pub fn new(inner: Arc<dyn Transport>, rate: Arc<Rate>) -> Self {
        Self { inner, rate }
    }
}

impl Transport for Paced {
    fn send<'a>(&'a self, request: &'a Request, limits: &'a Limits) -> BoxFuture<'a, Result<Response, Failure>> {
        async move {
            self.rate.turn().await;
            self.inner.send(request, limits).await
        }
        .boxed()
    }

    fn tls_probe<'a>(&'a self, probe: &'a TlsProbe, limits: &'a Limits) -> BoxFuture<'a, Result<TlsProbed, Failure>> {
        async move {
            self.rate.turn().await;
            self.inner.tls_probe(probe, limits).await
        }
        .boxed()
    }

    fn certificate<'a>(&'a self, url: &'a Url, limits: &'a Limits) -> BoxFuture<'a, Result<(), Failure>> {
        async move {
            self.rate.turn().await;
            self.inner.certificate(url, limits).await
        }
        .boxed()
    }

    fn plain_http<'a>(&'a self, request: &'a Request, limits: &'a Limits) -> BoxFuture<'a, Result<Response, Failure>> {
        async move {
            self.rate.turn().await;
            self.inner.plain_http(request, limits).await
        }
        .boxed()
    }

    fn plays_tls(&self) -> bool {
        self.inner.plays_tls()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn most_in_a_second(times: &[Instant]) -> usize {
        let within = |from: &Instant| times.iter().filter(|at| **at >= *from && **at < *from + SECOND).count();
        times.iter().map(within).max().unwrap_or_default()
    }

    #[tokio::test]
    async fn no_second_has_more() {
        let rate = Rate::of(5);
        let began = Instant::now();
        let mut times = Vec::new();
        for _ in 0..12 {
            rate.turn().await;
            times.push(Instant::now());
        }
        // Five at once, five after a second, two after two.
        assert!(began.elapsed() >= SECOND * 2, "{:?}", began.elapsed());
        assert!(
            most_in_a_second(&times) <= 6,
            "the test's own clock is read a little later"
        );
    }

    #[tokio::test]
    async fn a_race_waits_as_a_whole_and_goes_out_at_once() {
        let rate = Rate::of(4);
        for _ in 0..3 {
            rate.turn().await;
        }
        let began = Instant::now();
        rate.room_for(3).await;
        assert!(began.elapsed() >= Duration::from_millis(900), "{:?}", began.elapsed());
        let began = Instant::now();
        for _ in 0..3 {
            rate.turn().await;
        }
        assert!(began.elapsed() < Duration::from_millis(500), "the race was spread");
        // More than a second's worth: after a quiet second, all the same.
        let began = Instant::now();
        rate.room_for(9).await;
        assert!(began.elapsed() >= Duration::from_millis(900), "{:?}", began.elapsed());
        for _ in 0..9 {
            rate.turn().await;
        }
        assert!(began.elapsed() < Duration::from_millis(1900), "{:?}", began.elapsed());
    }
}
