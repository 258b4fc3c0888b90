//! From the configuration to the ladders that can be climbed.

use crate::catalogue::Catalogue;
use crate::config::{DEFAULT_POLICY, PAGED_TEAM, Settings, directory, nearest};
use alerting::policy::{Directory, Ladders, Policy};
use checks::CheckId;
use std::collections::{BTreeMap, BTreeSet};

/// What is wrong with the checks that policies, windows of maintenance and dependencies list: a line for each that does not exist.
pub fn unknown_checks(settings: &Settings, catalogue: &Catalogue) -> Vec<String> {
    let known: Vec<&str> = catalogue.checks.iter().map(|check| check.definition.id.as_str()).collect();
    let listed = settings.policies.iter().flat_map(|policy| &policy.checks);
    let listed = listed.chain(settings.maintenance.iter().flat_map(|window| &window.checks));
    let dependencies = settings.depends_on.iter().flat_map(|one| [&one.check].into_iter().chain(&one.parents));
    let listed = listed.chain(dependencies);
    let unknown = listed.filter(|check| !known.contains(&check.id.as_str()));
    unknown
        .map(|check| match nearest(check.id.as_str(), known.iter().copied()) {
            Some(meant) => format!("{}: there is no check `{}`; did you mean `{meant}`?", check.place, check.id),
            None => format!("{}: there is no check `{}`; there are {}", check.place, check.id, known.join(", ")),
        })
        .collect()
}

/// What is wrong with what checks depend on: a line for each that does not exist, and for each ring.
pub fn wrong_dependencies(settings: &Settings, catalogue: &Catalogue) -> Vec<String> {
    let known: BTreeMap<&str, &[CheckId]> = catalogue
        .checks
        .iter()
        .map(|check| (check.definition.id.as_str(), check.definition.depends_on.as_slice()))
        .collect();
    let mut wrong = Vec::new();
    for check in &catalogue.checks {
        let (id, path) = (check.definition.id.as_str(), &check.definition.script.path);
        for parent in &check.definition.depends_on {
            let configured = place(settings, id, parent);
            if !known.contains_key(parent.as_str()) {
                // What the configuration lists is looked at with everything else that it lists.
                if configured.is_some() {
                    continue;
                }
                let instead = match nearest(parent.as_str(), known.keys().copied()) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => format!("there are {}", known.keys().copied().collect::<Vec<_>>().join(", ")),
                };
                wrong.push(format!("{path}: `dependsOn` names `{parent}`, and there is no such check; {instead}"));
            } else if reaches(parent.as_str(), id, &known, &mut BTreeSet::new()) {
                let (place, key) = configured.map_or((path.as_str(), "dependsOn"), |place| (place, "depends_on"));
                wrong.push(format!(
                    "{place}: `{id}` depends on `{parent}`, which depends on `{id}`; take one out of `{key}`"
                ));
            }
        }
    }
    wrong
}

/// Where the configuration says that a check depends on another.
fn place<'a>(settings: &'a Settings, check: &str, parent: &CheckId) -> Option<&'a str> {
    let of_check = settings.depends_on.iter().filter(|one| one.check.id.as_str() == check);
    let mut parents = of_check.flat_map(|one| &one.parents);
    parents.find(|listed| listed.id == *parent).map(|listed| listed.place.as_str())
}

fn reaches<'a>(
    from: &'a str,
    to: &str,
    known: &BTreeMap<&'a str, &'a [CheckId]>,
    seen: &mut BTreeSet<&'a str>,
) -> bool {
    from == to
        || (seen.insert(from)
            && known.get(from).is_some_and(|next| next.iter().any(|id| reaches(id.as_str(), to, known, seen))))
}

/// The default is the mission's ladder unless `[policies.default]` takes its place.
pub fn ladders(settings: &Settings) -> anyhow::Result<Ladders> {
    let directory = Directory {
        can_call: settings.twilio.account.as_ref().is_some_and(|account| account.call_from.is_some()),
        can_mail: settings.email.is_some(),
        ..directory(&settings.teams, settings.webhooks.keys())
    };
    let team = directory.teams.get(PAGED_TEAM).is_some_and(|members| !members.is_empty()).then_some(PAGED_TEAM);
    let mission = Policy::mission(&settings.slack.p2_channel, &settings.slack.p1_channel, team);
    let mut ladders = Ladders { default: mission.ladder(DEFAULT_POLICY, &directory)?, named: [].into() };
    for named in &settings.policies {
        let ladder = named.policy.ladder(&named.name, &directory)?;
        if named.name == DEFAULT_POLICY {
            ladders.default = ladder;
        } else {
            ladders.named.insert(named.name.clone(), ladder);
        }
    }
    Ok(ladders)
}
