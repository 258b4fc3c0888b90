//! From the configuration to the ladders that can be climbed.

use crate::catalogue::Catalogue;
use crate::config::{DEFAULT_POLICY, PAGED_TEAM, Settings, directory, nearest};
use alerting::policy::{Ladders, Policy};

/// What is wrong with the checks that policies list: a line for each that does not exist.
pub fn unknown_checks(settings: &Settings, catalogue: &Catalogue) -> Vec<String> {
    let known: Vec<&str> = catalogue.checks.iter().map(|check| check.definition.id.as_str()).collect();
    let listed = settings.policies.iter().flat_map(|policy| &policy.checks);
    let unknown = listed.filter(|check| !known.contains(&check.id.as_str()));
    unknown
        .map(|check| match nearest(check.id.as_str(), known.iter().copied()) {
            Some(meant) => format!("{}: there is no check `{}`; did you mean `{meant}`?", check.place, check.id),
            None => format!("{}: there is no check `{}`; there are {}", check.place, check.id, known.join(", ")),
        })
        .collect()
}

/// The default is the mission's ladder unless `[policies.default]` takes its place.
pub fn ladders(settings: &Settings) -> anyhow::Result<Ladders> {
    let directory = directory(&settings.teams);
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
