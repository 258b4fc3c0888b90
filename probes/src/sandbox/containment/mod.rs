//! What the kernel is asked to hold a run by, beyond its being a process of its own.
//!
//! Script code is held by the engine: it has no operation that opens a file, a socket or a process. Containment is for
//! the day on which a script finds a hole in the engine and runs instructions of its own. It has two parts:
//!
//! - A zygote gives up, once and for good, what neither it nor its runs need ([`enter`]): every privilege, the file
//!   system (an empty root of its own, and Landlock), the network (a namespace without an interface), new programs
//!   and other processes' memory (a first system-call filter, which kills). All of it is inherited by the fork, at no
//!   cost for a run.
//! - A run gives up the rest as its first act ([`RunFilter`]): a second filter lets through what the engine needs and
//!   no more. It makes no process, signals nobody, opens nothing and connects nowhere: connected sockets come from the
//!   broker.
//!
//! Kernels and container runtimes differ in what they allow. Each protection is asked for on its own, and what was
//! refused is told ([`Containment`]), never passed over.

mod files;
mod namespaces;
mod required;
mod system_calls;

pub use required::{Lacking, ProtectionName};

pub(super) use system_calls::RunFilter;

use super::process;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io;

/// Which protections of the kernel hold a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Containment {
    /// No system call but those that the engine needs (seccomp).
    pub system_calls: Protection,
    /// No file (Landlock).
    pub landlock: Protection,
    /// An empty, read-only directory as the root (mount and user namespaces).
    pub root: Protection,
    /// No network interface (network namespace).
    pub network: Protection,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Protection {
    On,
    Off { reason: String },
}

impl Containment {
    fn each(&self) -> [(ProtectionName, &Protection); 4] {
        ProtectionName::ALL.map(|name| (name, self.of(name)))
    }

    pub fn of(&self, name: ProtectionName) -> &Protection {
        match name {
            ProtectionName::SystemCalls => &self.system_calls,
            ProtectionName::Landlock => &self.landlock,
            ProtectionName::Root => &self.root,
            ProtectionName::Network => &self.network,
        }
    }

    /// What is missing, as one line for each protection; none where all are on.
    pub fn missing(&self) -> Vec<String> {
        let off = |(name, protection): (ProtectionName, &Protection)| match protection {
            Protection::On => None,
            Protection::Off { reason } => Some(format!("{name}: {reason}")),
        };
        self.each().into_iter().filter_map(off).collect()
    }
}

/// One line: `system-call filter (seccomp), Landlock, empty root; off: empty network namespace`.
impl fmt::Display for Containment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = |wanted: bool| {
            let each = self.each().into_iter().filter(|(_, protection)| (**protection == Protection::On) == wanted);
            each.map(|(name, _)| name.to_string()).collect::<Vec<_>>().join(", ")
        };
        let (on, off) = (named(true), named(false));
        match (on.is_empty(), off.is_empty()) {
            (_, true) => write!(f, "{on}"),
            (true, _) => write!(f, "none; off: {off}"),
            _ => write!(f, "{on}; off: {off}"),
        }
    }
}

impl<E: fmt::Display> From<Result<(), E>> for Protection {
    fn from(result: Result<(), E>) -> Self {
        match result {
            Ok(()) => Self::On,
            Err(error) => Self::Off { reason: error.to_string() },
        }
    }
}

/// Gives up what no run needs. For a process with one thread that has opened everything it will ever open.
pub(super) fn enter() -> (Containment, Option<RunFilter>) {
    let namespaces = namespaces::enter();
    // Whatever happens above, no later step and no run gains a privilege back.
    let privileges = process::give_up_privileges();
    let landlock = files::forbid();
    let filtered = privileges.and_then(|()| system_calls::forbid_for_good()).and_then(|()| RunFilter::compile());
    let (system_calls, filter) = match filtered {
        Ok(filter) => (Protection::On, Some(filter)),
        Err(error) => (Protection::Off { reason: error.to_string() }, None),
    };
    let containment = Containment {
        system_calls,
        landlock: landlock.into(),
        root: namespaces.root.into(),
        network: namespaces.network.into(),
    };
    (containment, filter)
}

/// An error of the kernel with what was asked of it.
fn refused(what: &str, error: impl Into<io::Error>) -> io::Error {
    let error = error.into();
    io::Error::new(error.kind(), format!("{what}: {error}"))
}

#[cfg(test)]
mod tests;
