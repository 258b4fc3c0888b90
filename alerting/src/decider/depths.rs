//! The order in which checks are decided: those that others depend on first.

use crate::incident::Watched;
use checks::CheckId;
use std::collections::{BTreeMap, HashMap, HashSet};

/// How many checks stand above one in the longest chain of dependencies; those that depend on nothing are left out.
///
/// A ring, which the configuration refuses, is cut where it closes: its checks would hold back each other's pages for ever.
/// What would close it is taken out of `checks`.
pub(super) fn order(checks: &mut BTreeMap<CheckId, Watched>) -> HashMap<CheckId, usize> {
    let mut children: HashMap<CheckId, Vec<CheckId>> = HashMap::new();
    // How many parents of a check have no depth yet.
    let mut waits: BTreeMap<CheckId, usize> = BTreeMap::new();
    let mut ready = Vec::new();
    for (check, watched) in &*checks {
        let parents: HashSet<&CheckId> =
            watched.definition.depends_on.iter().filter(|p| checks.contains_key(p)).collect();
        for parent in &parents {
            children.entry((*parent).clone()).or_default().push(check.clone());
        }
        match parents.len() {
            0 => ready.push(check.clone()),
            parents => _ = waits.insert(check.clone(), parents),
        }
    }
    let mut depths: HashMap<CheckId, usize> = HashMap::new();
    let mut closing: Vec<(CheckId, CheckId)> = Vec::new();
    loop {
        while let Some(check) = ready.pop() {
            let below = depths.get(&check).copied().unwrap_or(0) + 1;
            for child in children.get(&check).into_iter().flatten() {
                let Some(parents) = waits.get_mut(child) else {
                    closing.push((child.clone(), check.clone()));
                    continue;
                };
                let depth = depths.entry(child.clone()).or_default();
                *depth = (*depth).max(below);
                *parents -= 1;
                if *parents == 0 {
                    waits.remove(child);
                    ready.push(child.clone());
                }
            }
        }
        let Some(check) = on_a_ring(checks, &waits) else { break };
        waits.remove(&check);
        ready.push(check);
    }
    for (check, parent) in closing {
        tracing::error!(%check, depends_on = %parent, "a ring of dependencies is cut here: this one is left out");
        if let Some(watched) = checks.get_mut(&check) {
            watched.definition.depends_on.retain(|other| *other != parent);
        }
    }
    depths
}

/// One of the checks that wait, each for another of them: whoever goes from one to the next comes round.
fn on_a_ring(checks: &BTreeMap<CheckId, Watched>, waits: &BTreeMap<CheckId, usize>) -> Option<CheckId> {
    let mut seen = HashSet::new();
    let (mut check, _) = waits.first_key_value()?;
    while seen.insert(check) {
        check = checks.get(check)?.definition.depends_on.iter().find(|parent| waits.contains_key(*parent))?;
    }
    Some(check.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::sample;

    fn id(name: &str) -> CheckId {
        name.parse().unwrap()
    }

    fn watched(name: &str, depends_on: Vec<CheckId>) -> Watched {
        let mut watched = sample::watched(&id(name));
        watched.definition.depends_on = depends_on;
        watched
    }

    #[test]
    fn parents_come_first_and_rings_are_cut_where_they_close() {
        // What each check depends on, the depths, and the dependencies that are left out.
        let cases: [(&str, &str, &str); 9] = [
            ("a b", "", ""),
            ("a b:a c:b", "b1 c2", ""),
            ("a b:a c:a,b d:c,a", "b1 c2 d3", ""),
            ("a:gone b:a", "b1", ""),
            ("a:a", "", "a:a"),
            ("a:b b:a", "b1", "a:b"),
            ("a:b,c b:c,a c:a,b", "b1 c2", "a:b a:c b:c"),
            // What hangs on a ring, and what a ring hangs on, is no part of it.
            ("a:b b:c c:d,b d", "a1 c1", "b:c"),
            ("tail:x x:y y:z z:x,top top", "tail1 y2 z1", "x:y"),
        ];
        for (written, depths, left_out) in cases {
            let mut all = BTreeMap::new();
            for one in written.split(' ') {
                let (name, parents) = one.split_once(':').unwrap_or((one, ""));
                let parents = parents.split(',').filter(|parent| !parent.is_empty()).map(id).collect();
                all.insert(id(name), watched(name, parents));
            }
            let before = all.clone();
            let mut told: Vec<String> =
                order(&mut all).iter().map(|(check, depth)| format!("{check}{depth}")).collect();
            told.sort();
            assert_eq!(told.join(" "), depths, "{written}");
            let edges = |of: &BTreeMap<CheckId, Watched>| -> std::collections::BTreeSet<String> {
                let each = |w: &Watched| {
                    w.definition.depends_on.iter().map(|p| format!("{}:{p}", w.definition.id)).collect::<Vec<_>>()
                };
                of.values().flat_map(each).collect()
            };
            let cut: Vec<String> = edges(&before).difference(&edges(&all)).cloned().collect();
            assert_eq!(cut.join(" "), left_out, "{written}");
        }
    }

    /// Each depends on all before it: walking every chain would take 2^200 steps.
    #[test]
    fn many_chains_take_no_longer_than_their_dependencies() {
        let name = |n: usize| format!("check-{n}");
        let one = |n: usize| (id(&name(n)), watched(&name(n), (0..n).map(|m| id(&name(m))).collect()));
        let mut all: BTreeMap<CheckId, Watched> = (0..200).map(one).collect();
        assert_eq!(order(&mut all).get(&id("check-199")), Some(&199));
    }
}
