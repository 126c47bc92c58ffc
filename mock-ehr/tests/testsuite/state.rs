//! State in a database, on the wire: what one replica does, another knows at once; what was kept outlives a restart.

pub(crate) mod cluster;
mod outage;
mod race;
mod replicas;
mod restart;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use mock_ehr::{Database, MockEhr};
use tower::ServiceExt as _;

use crate::harness::*;

/// A mock that keeps its records there.
fn mock_at(address: &str) -> MockEhr {
    let database = Database::open(address).unwrap();
    MockEhr::builder().public_url(BASE).database(database).build().unwrap()
}

/// A replica behind the address that all replicas have.
fn replica(address: &str) -> TestEhr {
    TestEhr::around(mock_at(address))
}

/// Two replicas behind a balancer that gives each of them every other request.
fn balanced(address: &str) -> TestEhr {
    let routers = [mock_at(address).router(), mock_at(address).router()];
    let turn = Arc::new(AtomicUsize::new(0));
    let balance = move |request: Request<Body>| {
        let turn = turn.fetch_add(1, Ordering::Relaxed);
        routers[turn % routers.len()].clone().oneshot(request)
    };
    TestEhr::behind(mock_at(address), Router::new().fallback(balance))
}
