//! What all nodes share, and what a node has of its own.

use crate::access_log::AccessLog;
use crate::cdn::Assets;
use crate::certificate::Authority;
use crate::component::Component;
use crate::fault::FaultBook;
use crate::metrics::Metrics;
use crate::oauth::Clients;
use crate::options::Lifetimes;
use crate::password::Passwords;
use crate::signing::KeyRing;
use crate::store::Store;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};

/// The identity provider behind all nodes: one issuer, one store, one set of keys.
pub(crate) struct Provider {
    /// `https://localhost:9443`, without a slash at its end.
    pub origin: String,
    /// `https://localhost:9443/`.
    pub issuer: String,
    pub clients: Clients,
    pub store: Store,
    pub keys: KeyRing,
    pub passwords: Passwords,
    pub metrics: Metrics,
    pub access_log: AccessLog,
    pub faults: Arc<FaultBook>,
    pub assets: Assets,
    pub lifetimes: Lifetimes,
    pub authority: Arc<Authority>,
    pub certificate_expires_ms: i64,
    pub started_ms: i64,
}

/// One node: an address of the provider with counters of its own.
pub(crate) struct Node {
    pub name: String,
    pub address: IpAddr,
    pub provider: Arc<Provider>,
    counters: [Counters; Component::ALL.len()],
}

#[derive(Default)]
struct Counters {
    requests: AtomicU64,
    errors: AtomicU64,
    last_status: AtomicU16,
}

/// The counters of one component on one node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Counted {
    pub requests: u64,
    /// Answers with 5xx.
    pub errors: u64,
    /// `None` before the first request.
    pub last_status: Option<u16>,
}

impl Node {
    pub fn new(name: String, address: IpAddr, provider: Arc<Provider>) -> Node {
        Node { name, address, provider, counters: Default::default() }
    }

    pub fn count(&self, component: Component, status: StatusCode) {
        let counters = &self.counters[component.index()];
        counters.requests.fetch_add(1, Ordering::Relaxed);
        counters.errors.fetch_add(u64::from(status.is_server_error()), Ordering::Relaxed);
        counters.last_status.store(status.as_u16(), Ordering::Relaxed);
    }

    pub fn counted(&self, component: Component) -> Counted {
        let counters = &self.counters[component.index()];
        let last_status = counters.last_status.load(Ordering::Relaxed);
        Counted {
            requests: counters.requests.load(Ordering::Relaxed),
            errors: counters.errors.load(Ordering::Relaxed),
            last_status: (last_status != 0).then_some(last_status),
        }
    }
}

/// Something inside failed that no client can cause. The cause is logged; the client learns only that it happened.
#[derive(Debug)]
pub(crate) struct InternalError;

// Not an error of its own kind (no `std::error::Error`): it has been told by the time it exists.
impl<E: std::error::Error> From<E> for InternalError {
    fn from(error: E) -> InternalError {
        tracing::error!(%error, "a request failed inside");
        InternalError
    }
}

impl IntoResponse for InternalError {
    fn into_response(self) -> Response {
        crate::oauth::error_json(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "something failed inside")
    }
}
