//! The clients that a run registered at the target: a list that only grows, so that steps may go on speaking as one.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use http::Method;
use http::header::AUTHORIZATION;
use url::Url;

use super::world::World;
use crate::http::{Request, Secret};
use crate::target::Client;

/// What every registered client is called in stages and verdicts.
pub const REGISTERED: &str = "registered";

/// The list.
#[derive(Default)]
pub struct Registrations {
    first: OnceLock<Box<Registration>>,
}

/// One of them.
pub struct Registration {
    /// The client, as the target answered.
    pub client: Client,
    /// Where and by which token it can be removed (RFC 7592 §3).
    management: Mutex<Option<(Url, Secret)>>,
    /// Nothing more has to be done about it.
    done: AtomicBool,
    next: OnceLock<Box<Registration>>,
}

impl Registrations {
    /// One more.
    pub fn add(&self, client: Client, management: Option<(Url, Secret)>) {
        let mut one = Box::new(Registration {
            client,
            management: Mutex::new(management),
            done: AtomicBool::new(false),
            next: OnceLock::new(),
        });
        let mut slot = &self.first;
        while let Err(back) = slot.set(one) {
            one = back;
            match slot.get() {
                Some(other) => slot = &other.next,
                None => return,
            }
        }
    }

    /// The one with this id.
    pub fn find(&self, client_id: &str) -> Option<&Registration> {
        self.all().find(|one| one.client.client_id == client_id)
    }

    /// A new address or token of a registration: only these manage it from now on.
    pub fn renew(&self, client_id: &str, url: Url, token: Secret) {
        if let Some(one) = self.find(client_id) {
            *one.management.lock().unwrap_or_else(PoisonError::into_inner) = Some((url, token));
        }
    }

    fn all(&self) -> impl Iterator<Item = &Registration> {
        std::iter::successors(self.first.get(), |one| one.next.get()).map(Box::as_ref)
    }

    /// Ids of those that could not be removed.
    pub fn left(&self) -> Vec<String> {
        self.all()
            .filter(|one| !one.done.load(Ordering::SeqCst))
            .map(|one| one.client.client_id.clone())
            .collect()
    }

    /// Removes what can be removed.
    pub async fn clean(&self, world: &World) {
        for one in self.all().filter(|one| !one.done.load(Ordering::SeqCst)) {
            let management = one.management.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let Some((url, token)) = management else { continue };
            let mut request = Request::get(url);
            request.method = Method::DELETE;
            request.header(AUTHORIZATION, &format!("Bearer {}", token.expose()));
            let (_, answer) = world.send("remove the registration", request).await;
            // 401 and 404: a scenario removed it before.
            if answer.is_ok_and(|answer| matches!(answer.status, 200..=299 | 401 | 404)) {
                one.done.store(true, Ordering::SeqCst);
            }
        }
    }
}
