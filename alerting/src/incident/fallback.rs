//! Who is told in place of somebody whose page stays undelivered. Pure.

use super::{OpenIncident, Told};
use crate::notification::Address;
use crate::policy::Ladder;
use std::collections::BTreeSet;

/// Whom the page of `address` falls back to: those of the fallback who have not been told; otherwise, where it is a
/// person's, the other ways to that person; otherwise, where nobody is left who was woken and may know, every other place
/// that the ladder has.
pub(super) fn instead_of(address: &Address, open: &OpenIncident, ladder: &Ladder) -> Vec<Address> {
    let is_told = |other: &Address| open.told.iter().any(|told| told.address.lane() == other.lane());
    let untold = |others: &[Address]| others.iter().filter(|other| !is_told(other)).cloned().collect::<Vec<_>>();
    let team = untold(&ladder.fallback);
    if !team.is_empty() {
        return team;
    }
    let is_theirs = |other: &Address| address.member().is_some() && other.member() == address.member();
    let mut others = untold(&ladder.fallback_otherwise);
    let theirs: Vec<Address> = others.iter().filter(|other| is_theirs(other)).cloned().collect();
    if !theirs.is_empty() || open.told.iter().any(|told| !told.fell_back && was_woken(told, open, ladder)) {
        return theirs;
    }
    for rung in ladder.rungs.iter().filter(|rung| rung.wakes()) {
        others.extend(untold(&rung.addresses));
    }
    let mut lanes = BTreeSet::new();
    others.retain(|other| lanes.insert(other.lane()));
    others
}

/// The channels that know of the incident and can be told who does not: those that were woken, otherwise any.
pub(super) fn knowing<'a>(open: &'a OpenIncident, ladder: &'a Ladder) -> Vec<&'a Address> {
    let channels = || open.told.iter().filter(|told| told.address.is_editable() && !told.is_down);
    let woken: Vec<&Address> =
        channels().filter(|told| was_woken(told, open, ladder)).map(|told| &told.address).collect();
    if woken.is_empty() { channels().map(|told| &told.address).collect() } else { woken }
}

fn was_woken(told: &Told, open: &OpenIncident, ladder: &Ladder) -> bool {
    let mut climbed = ladder.rungs.iter().filter(|rung| rung.wakes() && open.has_climbed(&rung.label));
    let lane = told.address.lane();
    told.instead || climbed.any(|rung| rung.addresses.iter().any(|address| address.lane() == lane))
}
