//! No file, no TCP socket, no signal out of the sandbox: Landlock, as far as the kernel has it.

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetError, RulesetStatus, Scope,
};
use std::io;

/// Rules nothing in: everything that Landlock knows of is refused from now on, but for what is open already.
pub(super) fn forbid() -> io::Result<()> {
    let forbid = || -> Result<RulesetStatus, RulesetError> {
        let abi = ABI::V6;
        let rules = Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(abi))?
            .handle_access(AccessNet::from_all(abi))?
            .scope(Scope::from_all(abi))?
            .create()?;
        Ok(rules.restrict_self()?.ruleset)
    };
    match forbid().map_err(io::Error::other)? {
        RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => Ok(()),
        RulesetStatus::NotEnforced => Err(io::Error::other("this kernel has none, or has it switched off")),
    }
}
