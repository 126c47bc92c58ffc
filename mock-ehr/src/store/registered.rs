//! Clients that registered themselves: a list that only grows, so that whoever looks at one may go on looking.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::config::Client;

/// At most so many, since nothing is ever given back.
const MOST: usize = 2_000;

/// The list.
#[derive(Default)]
pub(crate) struct Registered {
    first: OnceLock<Box<Node>>,
}

/// One registration.
pub(crate) struct Node {
    pub(crate) client: Client,
    /// By which the client manages its registration (RFC 7592 §3).
    pub(crate) token: String,
    removed: AtomicBool,
    next: OnceLock<Box<Node>>,
}

impl Registered {
    /// Adds a client; `false` where there are too many.
    pub(crate) fn add(&self, client: Client, token: String) -> bool {
        let mut node = Box::new(Node {
            client,
            token,
            removed: AtomicBool::new(false),
            next: OnceLock::new(),
        });
        let mut place = &self.first;
        for _ in 0..MOST {
            match place.set(node) {
                Ok(()) => return true,
                Err(back) => node = back,
            }
            match place.get() {
                Some(other) => place = &other.next,
                None => return false,
            }
        }
        false
    }

    /// The registration of this client, unless it was removed.
    pub(crate) fn find(&self, client_id: &str) -> Option<&Node> {
        self.all().find(|node| node.client.client_id == client_id)
    }

    /// Whether this is the token of any registration.
    pub(crate) fn is_token(&self, token: &str) -> bool {
        self.all().any(|node| node.token == token)
    }

    /// Every client that registered itself and is still here.
    pub(crate) fn clients(&self) -> impl Iterator<Item = &Client> {
        self.all().map(|node| &node.client)
    }

    /// Removes every client.
    pub(crate) fn clear(&self) {
        self.all().for_each(Node::remove);
    }

    fn all(&self) -> impl Iterator<Item = &Node> {
        std::iter::successors(self.first.get(), |node| node.next.get())
            .map(Box::as_ref)
            .filter(|node| !node.removed.load(Ordering::SeqCst))
    }
}

impl Node {
    pub(crate) fn remove(&self) {
        self.removed.store(true, Ordering::SeqCst);
    }
}
