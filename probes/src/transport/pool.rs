//! Connections of one run that its later requests use again.

use super::connection::{Connection, Origin};
use super::recorder::Exchange;
use super::tls::Spoken;
use super::{Dialer, Prepared, TransportError, connection};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use tokio::sync::Mutex;

/// Idle connections kept for one origin; a run opens more only by asking for more at the same time.
const IDLE_PER_ORIGIN_MAX: usize = 8;

/// Origins with anything kept.
const ORIGINS_MAX: usize = 64;

#[derive(Default)]
pub(super) struct Pool {
    origins: RefCell<HashMap<Origin, Kept>>,
}

#[derive(Default)]
struct Kept {
    idle: Vec<Connection>,
    shared: Option<Connection>,
    /// Held by the first request to an origin, until it is known whether its connection can be shared.
    first: Rc<Mutex<()>>,
    tried: bool,
}

impl Pool {
    /// A connection for a request: one that is there, or a new one.
    ///
    /// Of several requests that start at once, the first one connects and the others wait for it, in case they can
    /// all share its connection. Where they cannot, they go on side by side.
    pub(super) async fn acquire(
        self: &Rc<Self>,
        prepared: &Prepared,
        dialer: &Dialer,
        origin: &Origin,
        url: &url::Url,
        exchange: &Exchange,
    ) -> Result<Connection, TransportError> {
        // A connection whose last response has just been read becomes ready when its task has had its turn.
        if self.any_idle(origin) {
            tokio::task::yield_now().await;
        }
        if let Some(connection) = self.take(origin) {
            return Ok(connection);
        }
        let first = if origin.secure { self.untried(origin) } else { None };
        if let Some(first) = first {
            let _turn = first.lock().await;
            if let Some(connection) = self.take(origin) {
                return Ok(connection);
            }
            if self.untried(origin).is_some() {
                let opened = connection::open(prepared, dialer, origin, url, exchange).await;
                let mut origins = self.origins.borrow_mut();
                let kept = origins.entry(origin.clone()).or_default();
                kept.tried = true;
                if let Ok(connection) = &opened {
                    kept.shared = connection.share();
                }
                return opened;
            }
        }
        connection::open(prepared, dialer, origin, url, exchange).await
    }

    fn untried(&self, origin: &Origin) -> Option<Rc<Mutex<()>>> {
        let mut origins = self.origins.borrow_mut();
        if origins.len() >= ORIGINS_MAX && !origins.contains_key(origin) {
            return None;
        }
        let kept = origins.entry(origin.clone()).or_default();
        (!kept.tried).then(|| Rc::clone(&kept.first))
    }

    fn any_idle(&self, origin: &Origin) -> bool {
        self.origins.borrow().get(origin).is_some_and(|kept| kept.idle.iter().any(|idle| !idle.is_ready()))
    }

    fn take(&self, origin: &Origin) -> Option<Connection> {
        let mut origins = self.origins.borrow_mut();
        let kept = origins.get_mut(origin)?;
        if kept.shared.as_ref().is_some_and(Connection::is_closed) {
            kept.shared = None;
        }
        if let Some(shared) = kept.shared.as_ref().and_then(Connection::share) {
            return Some(shared);
        }
        kept.idle.retain(|idle| !idle.is_closed());
        let ready = kept.idle.iter().rposition(Connection::is_ready)?;
        Some(kept.idle.swap_remove(ready))
    }

    /// Keeps a connection whose response has been read.
    pub(super) fn give_back(&self, origin: Origin, mut connection: Connection) {
        let mut origins = self.origins.borrow_mut();
        if connection.is_closed() || (origins.len() >= ORIGINS_MAX && !origins.contains_key(&origin)) {
            return;
        }
        let kept = origins.entry(origin).or_default();
        match connection.spoken() {
            // The pool has a handle of its own; a later connection takes the place of one that is closed.
            Spoken::Http2 => {
                if kept.shared.is_none() {
                    kept.shared = connection.share();
                }
            }
            Spoken::Http1 if kept.idle.len() < IDLE_PER_ORIGIN_MAX => {
                connection.kept = true;
                kept.idle.push(connection);
            }
            Spoken::Http1 => {}
        }
    }
}
