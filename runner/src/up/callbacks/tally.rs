use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What was taken and what was refused, by route. Names of routes and reasons are the program's own, so there are few.
#[derive(Default)]
pub(in crate::up) struct Tally {
    taken: Mutex<BTreeMap<&'static str, u64>>,
    refused: Mutex<BTreeMap<(&'static str, &'static str), u64>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tally {
    pub(in crate::up) fn take(&self, route: &'static str) {
        *locked(&self.taken).entry(route).or_default() += 1;
    }

    /// Counts, and answers with `status` and the reason; a caller that cannot prove itself learns no more.
    pub(in crate::up) fn refuse(&self, route: &'static str, reason: &'static str, status: StatusCode) -> Response {
        *locked(&self.refused).entry((route, reason)).or_default() += 1;
        tracing::warn!(route, reason, "a callback was refused");
        (status, format!("{reason}\n")).into_response()
    }

    /// Route and count.
    pub(in crate::up) fn taken(&self) -> Vec<(&'static str, u64)> {
        locked(&self.taken).iter().map(|(route, count)| (*route, *count)).collect()
    }

    /// Route, reason and count.
    pub(in crate::up) fn refused(&self) -> Vec<(&'static str, &'static str, u64)> {
        locked(&self.refused).iter().map(|((route, reason), count)| (*route, *reason, *count)).collect()
    }
}
