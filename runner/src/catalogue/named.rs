//! Whether the checks exist that policies, windows of maintenance and dependencies name, and whether none waits for
//! itself.

use super::Check;
use crate::config::{Settings, nearest};
use checks::CheckId;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What is wrong with how a check is named, where, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misnamed {
    /// The script, or the configuration's line, column and key.
    pub place: String,
    pub message: String,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// There is no such check.
    Unknown,
    /// Checks that explain each other's failures: neither's page would ever leave.
    Ring,
}

/// Why these checks cannot be watched, a line for each reason. While scripts cannot be read, a name that nobody has may be
/// the name of one of them, and must not end the watch of the others.
pub fn refusal(all: &[Misnamed], scripts_unread: usize) -> Option<String> {
    let counts = |one: &&Misnamed| one.kind == Kind::Ring || scripts_unread == 0;
    let lines: Vec<String> = all.iter().filter(counts).map(Misnamed::to_string).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

impl fmt::Display for Misnamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// All that is wrong: first with what the configuration lists, then with what the checks depend on.
pub fn misnamed(settings: &Settings, checks: &[Check]) -> Vec<Misnamed> {
    let known: BTreeMap<&str, &[CheckId]> =
        checks.iter().map(|check| (check.definition.id.as_str(), check.definition.depends_on.as_slice())).collect();
    let instead = |name: &str| match nearest(name, known.keys().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("there are {}", known.keys().copied().collect::<Vec<_>>().join(", ")),
    };
    let listed = settings.policies.iter().flat_map(|policy| &policy.checks);
    let listed = listed.chain(settings.maintenance.iter().flat_map(|window| &window.checks));
    let dependencies = settings.depends_on.iter().flat_map(|one| [&one.check].into_iter().chain(&one.parents));
    let unknown = listed.chain(dependencies).filter(|check| !known.contains_key(check.id.as_str()));
    let unknown = unknown.map(|check| Misnamed {
        place: check.place.clone(),
        message: format!("there is no check `{}`; {}", check.id, instead(check.id.as_str())),
        kind: Kind::Unknown,
    });
    let mut all: Vec<Misnamed> = unknown.collect();
    for check in checks {
        let (id, path) = (check.definition.id.as_str(), &check.definition.script.path);
        for parent in &check.definition.depends_on {
            let configured = place(settings, id, parent);
            if !known.contains_key(parent.as_str()) {
                // What the configuration lists has been looked at with everything else that it lists.
                if configured.is_some() {
                    continue;
                }
                let instead = instead(parent.as_str());
                let message = format!("`dependsOn` names `{parent}`, and there is no such check; {instead}");
                all.push(Misnamed { place: path.clone(), message, kind: Kind::Unknown });
            } else if reaches(parent.as_str(), id, &known) {
                let (place, key) = configured.map_or((path.as_str(), "dependsOn"), |place| (place, "depends_on"));
                let message = format!("`{id}` depends on `{parent}`, which depends on `{id}`; take one out of `{key}`");
                all.push(Misnamed { place: place.to_owned(), message, kind: Kind::Ring });
            }
        }
    }
    all
}

/// Where the configuration says that a check depends on another.
fn place<'a>(settings: &'a Settings, check: &str, parent: &CheckId) -> Option<&'a str> {
    let of_check = settings.depends_on.iter().filter(|one| one.check.id.as_str() == check);
    let mut parents = of_check.flat_map(|one| &one.parents);
    parents.find(|listed| listed.id == *parent).map(|listed| listed.place.as_str())
}

fn reaches(from: &str, to: &str, known: &BTreeMap<&str, &[CheckId]>) -> bool {
    let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(check) = next.pop() {
        if check == to {
            return true;
        }
        if seen.insert(check) {
            next.extend(known.get(check).into_iter().copied().flatten().map(CheckId::as_str));
        }
    }
    false
}
