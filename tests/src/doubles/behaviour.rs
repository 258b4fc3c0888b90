//! What a provider does to a call instead of answering it.

use std::collections::{HashMap, VecDeque};

/// How a double treats one call. The ones named `...AfterAccepting` keep the message first: the provider has it,
/// and the client cannot know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// As the provider does on a good day.
    Answer,
    /// Never answers, and the message is not kept.
    HangBeforeAccepting,
    HangAfterAccepting,
    /// 429 with `Retry-After`.
    RateLimited {
        retry_after_s: u64,
    },
    /// An HTTP error of the provider's infrastructure, with a body that is not the API's.
    Status(u16),
    StatusAfterAccepting(u16),
    /// Closes the connection without an answer.
    CloseBeforeAccepting,
    CloseAfterAccepting,
    /// 200 with the API's content type, and bytes that are not JSON.
    GarbageBeforeAccepting,
    GarbageAfterAccepting,
    /// 200 with a proxy's HTML page.
    WrongContentType,
}

impl Behaviour {
    /// Whether the provider keeps the message.
    pub fn accepts(self) -> bool {
        matches!(
            self,
            Self::Answer
                | Self::HangAfterAccepting
                | Self::StatusAfterAccepting(_)
                | Self::CloseAfterAccepting
                | Self::GarbageAfterAccepting
        )
    }
}

/// The behaviours to come, per operation.
#[derive(Debug, Default)]
pub(super) struct Script {
    next: HashMap<String, VecDeque<Behaviour>>,
    standing: HashMap<String, Behaviour>,
}

/// Stands for every operation.
pub(super) const EVERY: &str = "*";

impl Script {
    pub(super) fn push(&mut self, operation: &str, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.next.entry(operation.to_owned()).or_default().extend(behaviours);
    }

    pub(super) fn stand(&mut self, operation: &str, behaviour: Behaviour) {
        self.standing.insert(operation.to_owned(), behaviour);
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn take(&mut self, operation: &str) -> Behaviour {
        for name in [operation, EVERY] {
            if let Some(behaviour) = self.next.get_mut(name).and_then(VecDeque::pop_front) {
                return behaviour;
            }
        }
        let standing = self.standing.get(operation).or_else(|| self.standing.get(EVERY));
        standing.copied().unwrap_or(Behaviour::Answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_goes_before_standing_and_an_operation_before_all() {
        let mut script = Script::default();
        script.stand(EVERY, Behaviour::Status(503));
        script.stand("chat.update", Behaviour::Status(500));
        script.push("chat.postMessage", [Behaviour::Answer, Behaviour::CloseBeforeAccepting]);
        let taken: Vec<_> = ["chat.postMessage", "chat.postMessage", "chat.postMessage", "chat.update"]
            .map(|operation| script.take(operation))
            .into();
        assert_eq!(
            taken,
            [Behaviour::Answer, Behaviour::CloseBeforeAccepting, Behaviour::Status(503), Behaviour::Status(500),]
        );
        script.clear();
        assert_eq!(script.take("chat.update"), Behaviour::Answer);
    }
}
