use crate::notification::{ChannelKind, Notification};
use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How an attempt to deliver ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// The provider has it, under the name `receipt`.
    Delivered { receipt: String },
    /// The provider certainly does not have it, and may take it later.
    Refused { retry_after_ms: Option<u64>, reason: String },
    /// The provider certainly does not have it, and takes nothing until somebody mends something: a token, a proxy on the
    /// way. A page falls back at once, and is tried again all the same.
    Blocked { reason: String },
    /// The provider may have it: it did not say.
    Ambiguous { reason: String },
    /// It never will be taken.
    Permanent { reason: String },
}

/// What a provider says when it is asked whether it has a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reconciled {
    Has {
        receipt: String,
    },
    /// It has one of this name, from an attempt before the last one, which carried something else: its own part is there,
    /// and of what it carries by now nobody knows.
    HasEarlier {
        receipt: String,
    },
    HasNot,
    /// It does not answer now.
    Unknown {
        retry_after_ms: Option<u64>,
        reason: String,
    },
    /// It never will answer: it refuses the question, say for a scope that the token has not.
    CannotBeAsked {
        reason: String,
    },
}

/// A way to reach people.
#[async_trait]
pub trait Channel: Send + Sync + 'static {
    /// Sends the message. `post` is what the provider called the lane's post, for edits and replies.
    async fn deliver(&self, notification: &Notification, post: Option<&str>) -> DeliveryOutcome;

    /// Asks the provider whether it has the message from an earlier attempt. `taken` is what it called other messages to
    /// the same place: none of them is this one, however alike they are.
    async fn reconcile(&self, notification: &Notification, post: Option<&str>, taken: &BTreeSet<String>) -> Reconciled;
}

/// The channel of each kind of address that there is one for; the rows of any other kind wait.
#[derive(Clone)]
pub struct Channels(BTreeMap<ChannelKind, Arc<dyn Channel>>);

impl Channels {
    /// Slack and SMS, which every ladder may name.
    pub fn new(slack: Arc<dyn Channel>, sms: Arc<dyn Channel>) -> Self {
        Self([(ChannelKind::Slack, slack), (ChannelKind::Sms, sms)].into())
    }

    #[must_use]
    pub fn with(mut self, kind: ChannelKind, channel: Arc<dyn Channel>) -> Self {
        self.0.insert(kind, channel);
        self
    }

    pub(crate) fn kinds(&self) -> impl Iterator<Item = ChannelKind> + '_ {
        self.0.keys().copied()
    }

    pub(crate) fn of(&self, kind: ChannelKind) -> Option<&Arc<dyn Channel>> {
        self.0.get(&kind)
    }
}
