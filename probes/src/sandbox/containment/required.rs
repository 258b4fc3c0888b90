//! Without which protections no script is run at all.
//!
//! By default that is the system-call filter. It holds a run alone, if need be, and every container runtime allows it; the
//! others stand behind it, and not every machine has them.

use super::{Containment, Protection};
use std::fmt;
use std::str::FromStr;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProtectionName {
    SystemCalls,
    Landlock,
    Root,
    Network,
}

impl ProtectionName {
    pub const ALL: [Self; 4] = [Self::SystemCalls, Self::Landlock, Self::Root, Self::Network];

    /// As configuration writes it.
    pub fn key(self) -> &'static str {
        match self {
            Self::SystemCalls => "system_calls",
            Self::Landlock => "landlock",
            Self::Root => "root",
            Self::Network => "network",
        }
    }

    /// What a machine needs that lacks it.
    fn cure(self) -> &'static str {
        match self {
            Self::SystemCalls => "use a kernel with CONFIG_SECCOMP_FILTER, and let the container call seccomp(2)",
            Self::Landlock => {
                "use a kernel from 5.13 on with `landlock` among its security modules (lsm=), and let the container call \
                 landlock_create_ruleset(2)"
            }
            Self::Root | Self::Network => {
                "allow user namespaces (sysctl user.max_user_namespaces, and kernel.apparmor_restrict_unprivileged_userns \
                 where there is AppArmor), or give the process CAP_SYS_ADMIN"
            }
        }
    }
}

/// For a person.
impl fmt::Display for ProtectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SystemCalls => "system-call filter (seccomp)",
            Self::Landlock => "Landlock",
            Self::Root => "empty root",
            Self::Network => "empty network namespace",
        })
    }
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no protection; write \"system_calls\", \"landlock\", \"root\" or \"network\"")]
pub struct UnknownProtection;

impl FromStr for ProtectionName {
    type Err = UnknownProtection;

    fn from_str(text: &str) -> Result<Self, UnknownProtection> {
        Self::ALL.into_iter().find(|name| name.key() == text).ok_or(UnknownProtection)
    }
}

/// The first protection that is required and not there.
#[derive(Debug, PartialEq, Eq)]
pub struct Lacking {
    name: ProtectionName,
    reason: String,
}

impl Lacking {
    pub(in super::super) fn of(containment: &Containment, required: &[ProtectionName]) -> Option<Self> {
        required.iter().find_map(|&name| match containment.of(name) {
            Protection::On => None,
            Protection::Off { reason } => Some(Self { name, reason: reason.clone() }),
        })
    }
}

impl fmt::Display for Lacking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, reason } = self;
        write!(f, "no script is run, since none would be held by: {name} ({reason}). {}; or, ", capital(name.cure()))?;
        write!(
            f,
            "where you trust whoever writes the scripts, leave \"{}\" out of `required_protections` under [sandbox]",
            name.key()
        )
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}
