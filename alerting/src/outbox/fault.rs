use super::{DeliveryOutcome, Reconciled};

/// How a call to a provider can fail, as far as sending again is concerned. Each channel says which of its provider's
/// answers is which; what follows from it is the same for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The provider certainly did not take it.
    Refused {
        retry_after_ms: Option<u64>,
        reason: String,
    },
    /// It certainly did not take it, and takes nothing from us until somebody mends something.
    Blocked {
        reason: String,
    },
    /// It may have taken it.
    Ambiguous {
        reason: String,
    },
    Permanent {
        reason: String,
    },
}

impl From<Fault> for DeliveryOutcome {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused { retry_after_ms, reason } => Self::Refused { retry_after_ms, reason },
            Fault::Blocked { reason } => Self::Blocked { reason },
            Fault::Ambiguous { reason } => Self::Ambiguous { reason },
            Fault::Permanent { reason } => Self::Permanent { reason },
        }
    }
}

impl From<Fault> for Reconciled {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused { retry_after_ms, reason } => Self::Unknown { retry_after_ms, reason },
            Fault::Blocked { reason } | Fault::Ambiguous { reason } => Self::Unknown { retry_after_ms: None, reason },
            Fault::Permanent { reason } => Self::CannotBeAsked { reason },
        }
    }
}
