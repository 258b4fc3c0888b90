use serde::{Deserialize, Serialize};
use std::fmt;

/// Whose fault a failed run is, as far as the run itself can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureClass {
    /// The target answered, and an `expect` or a `check` did not hold.
    Assertion,
    /// The target answered with an HTTP status that the check's request helper refuses.
    Http,
    /// The name did not resolve.
    NetworkDns,
    /// No TCP connection, or one that the peer broke.
    NetworkConnect,
    /// The TLS handshake or the certificate's verification failed.
    NetworkTls,
    /// The run's time ended while it waited for the network.
    NetworkTimeout,
    /// The script does not load, threw something of its own, or used up its time, memory or output.
    Script,
    /// The prober itself is starved, offline or broken: nothing was learnt about the target.
    Prober,
}

impl FailureClass {
    pub const ALL: [Self; 8] = [
        Self::Assertion,
        Self::Http,
        Self::NetworkDns,
        Self::NetworkConnect,
        Self::NetworkTls,
        Self::NetworkTimeout,
        Self::Script,
        Self::Prober,
    ];

    /// The name on the wire, in pages and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Assertion => "assertion",
            Self::Http => "http",
            Self::NetworkDns => "network-dns",
            Self::NetworkConnect => "network-connect",
            Self::NetworkTls => "network-tls",
            Self::NetworkTimeout => "network-timeout",
            Self::Script => "script",
            Self::Prober => "prober",
        }
    }

    /// Whether the target is to blame. What is not the target's fault wakes nobody.
    pub fn blames_target(self) -> bool {
        !matches!(self, Self::Script | Self::Prober)
    }
}

impl fmt::Display for FailureClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why a run failed: what a person reads first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub class: FailureClass,
    /// One line where possible, secrets redacted.
    pub message: String,
    /// Name of the innermost step that failed, its parents in front: `login › token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The author's own line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// As many frames as fit; empty where nothing was thrown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub stack: String,
    /// Every soft `check` that did not hold, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub soft: Vec<SoftFailure>,
}

/// A `check(...)` that did not hold, and let the run go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoftFailure {
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
}

/// A place in a source file as its author sees it; line and column count from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    pub file: String,
    pub line: u32,
    pub column: u32,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_name_and_the_shown_name_are_one() {
        for class in FailureClass::ALL {
            assert_eq!(serde_json::to_value(class).unwrap(), class.as_str());
        }
    }

    #[test]
    fn only_script_and_prober_spare_the_target() {
        let spared: Vec<_> = FailureClass::ALL.into_iter().filter(|c| !c.blames_target()).collect();
        assert_eq!(spared, [FailureClass::Script, FailureClass::Prober]);
    }
}
