use crate::notification::NotificationId;
use checks::UnixMs;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Calls that are remembered as somebody's own; older ones are not looked at any more.
const CLAIMED_MAX: usize = 10_000;
/// Attempts whose answer was lost and that nobody has settled since.
const OPEN_MAX: usize = 1_000;

/// What this process has begun: whose call is whose, as far as that is known. Pure.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// The calls whose names came back, oldest first.
    claimed: VecDeque<String>,
    claimed_set: BTreeSet<String>,
    /// The attempts whose answer was lost.
    open: BTreeMap<NotificationId, Open>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Open {
    number: String,
    /// What the first attempt carried; see [`crate::notification::Notification::cargo`].
    cargo: String,
    /// Whether a later attempt carried something else.
    is_mixed: bool,
    began_at: UnixMs,
}

/// Which calls to a number could be the one of a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Search {
    /// Any that was made since then and is nobody else's. `is_mixed`: which attempt's it is cannot be told, and they did not
    /// all say the same.
    Since { began_at: UnixMs, is_mixed: bool },
    /// It could not be told from another's.
    InVain { reason: &'static str },
}

impl Calls {
    /// An attempt begins. The first one of a notification counts: any of them may have been taken.
    pub fn begin(&mut self, id: &NotificationId, number: &str, cargo: &str, now: UnixMs) {
        if let Some(open) = self.open.get_mut(id) {
            open.is_mixed |= open.cargo != cargo;
        } else if self.open.len() < OPEN_MAX {
            let (number, cargo) = (number.to_owned(), cargo.to_owned());
            self.open.insert(id.clone(), Open { number, cargo, is_mixed: false, began_at: now });
        }
    }

    /// It is certain that there is no call.
    pub fn refused(&mut self, id: &NotificationId) {
        self.open.remove(id);
    }

    pub fn made(&mut self, id: &NotificationId, call: &str) {
        self.open.remove(id);
        if self.claimed_set.insert(call.to_owned()) {
            self.claimed.push_back(call.to_owned());
        }
        if self.claimed.len() > CLAIMED_MAX
            && let Some(oldest) = self.claimed.pop_front()
        {
            self.claimed_set.remove(&oldest);
        }
    }

    pub fn is_free(&self, call: &str) -> bool {
        !self.claimed_set.contains(call)
    }

    pub fn search(&self, id: &NotificationId) -> Search {
        let Some(own) = self.open.get(id) else {
            return Search::InVain {
                reason: "an earlier process began the call, and Twilio's list does not say whose a call is",
            };
        };
        let is_alone = self.open.iter().all(|(other, open)| other == id || open.number != own.number);
        match is_alone {
            true => Search::Since { began_at: own.began_at, is_mixed: own.is_mixed },
            false => Search::InVain {
                reason: "the answers to two calls to this number were lost, and Twilio's list does not say which is which",
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(sequence: u32) -> NotificationId {
        NotificationId::new("journal", 7, sequence)
    }

    #[test]
    fn a_call_is_looked_for_only_where_it_can_be_no_other() {
        let mut calls = Calls::default();
        let since_first = |is_mixed| Search::Since { began_at: UnixMs(100), is_mixed };
        assert!(matches!(calls.search(&id(1)), Search::InVain { .. }), "begun by an earlier process");
        calls.begin(&id(1), "+49151", "", UnixMs(100));
        assert_eq!(calls.search(&id(1)), since_first(false));
        calls.begin(&id(1), "+49151", "", UnixMs(200));
        assert_eq!(calls.search(&id(1)), since_first(false), "the first attempt may have been the one");
        calls.begin(&id(2), "+49152", "", UnixMs(300));
        assert_eq!(calls.search(&id(1)), since_first(false), "another number is no matter");
        calls.begin(&id(3), "+49151", "", UnixMs(400));
        assert!(matches!(calls.search(&id(1)), Search::InVain { .. }));
        calls.made(&id(3), "CA3");
        assert_eq!(calls.search(&id(1)), since_first(false));
        calls.begin(&id(1), "+49151", "another's", UnixMs(500));
        assert_eq!(calls.search(&id(1)), since_first(true), "the first did not say what the last one said");
        assert!(!calls.is_free("CA3") && calls.is_free("CA1"));
        calls.refused(&id(1));
        assert!(matches!(calls.search(&id(1)), Search::InVain { .. }));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut calls = Calls::default();
        for sequence in 0..u32::try_from(CLAIMED_MAX + 10).unwrap() {
            calls.begin(&id(sequence), "+49151", "", UnixMs(0));
            calls.made(&id(sequence), &format!("CA{sequence}"));
        }
        assert_eq!((calls.claimed.len(), calls.claimed_set.len(), calls.open.len()), (CLAIMED_MAX, CLAIMED_MAX, 0));
        assert!(calls.is_free("CA0") && !calls.is_free("CA10"));
        for sequence in 0..u32::try_from(OPEN_MAX + 10).unwrap() {
            calls.begin(&id(sequence), "+49151", "", UnixMs(0));
        }
        assert_eq!(calls.open.len(), OPEN_MAX);
    }
}
