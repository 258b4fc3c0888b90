//! From the configuration to the ladders that can be climbed.

use crate::config::{DEFAULT_POLICY, PAGED_TEAM, Settings, directory};
use alerting::policy::{Directory, Ladders, Policy};

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
