use crate::notification::NotificationId;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The notifications that a worker has on the wire.
///
/// A clock that was set forward ends a lease while its delivery is under way. To ask the provider then, or to send, would
/// run into the request that is on its way.
#[derive(Debug, Clone, Default)]
pub(super) struct UnderWay(Arc<Mutex<BTreeSet<NotificationId>>>);

/// Some of them, until it is dropped.
pub(super) struct Taken {
    of: UnderWay,
    ids: BTreeSet<NotificationId>,
}

impl UnderWay {
    fn ids(&self) -> MutexGuard<'_, BTreeSet<NotificationId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of `ids`, or `None` where any of them is under way already.
    pub fn take(&self, ids: BTreeSet<NotificationId>) -> Option<Taken> {
        let mut under_way = self.ids();
        if !under_way.is_disjoint(&ids) {
            return None;
        }
        under_way.extend(ids.iter().cloned());
        drop(under_way);
        Some(Taken { of: self.clone(), ids })
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.of.ids().retain(|id| !self.ids.contains(id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_on_the_wire_twice() {
        let ids = |names: &[&str]| names.iter().map(|name| NotificationId((*name).to_owned())).collect::<BTreeSet<_>>();
        let under_way = UnderWay::default();
        let first = under_way.take(ids(&["a", "b"])).unwrap();
        assert!(under_way.take(ids(&["b", "c"])).is_none());
        let other = under_way.take(ids(&["c"])).unwrap();
        drop(first);
        assert!(under_way.take(ids(&["b", "c"])).is_none(), "c is under way");
        drop(other);
        assert!(under_way.take(ids(&["b", "c"])).is_some());
    }
}
