use crate::config::{DEFAULT_POLICY, PAGED_TEAM, Settings};
use alerting::policy::Destination;

/// What is not set, and what happens instead: one line each, at start and on the status page.
pub(super) fn notices(settings: &Settings) -> Vec<String> {
    let mut notices = Vec::new();
    if settings.slack.token.is_none() {
        notices.push(format!(
            "{} is not set: Slack messages are printed in the terminal and kept in the history",
            settings.slack.token_variable
        ));
    }
    if settings.callbacks.is_some() && settings.slack.token.is_some() && settings.slack.signing_secret.is_none() {
        notices.push(format!(
            "{} is not set: Slack posts have no buttons to acknowledge with",
            settings.slack.signing_secret_variable
        ));
    }
    if settings.twilio.account.is_none() {
        let verb = if settings.twilio.missing.len() == 1 { "is" } else { "are" };
        notices.push(format!(
            "{} {verb} not set: SMS and calls are printed in the terminal and kept in the history",
            settings.twilio.missing.join(", ")
        ));
    }
    if settings.email.is_none() && sends_email(settings) {
        notices.push("[email] is missing: e-mails are printed in the terminal and kept in the history".to_owned());
    }
    // A policy that texts a team with no members was refused; only the built-in ladder may be without one.
    let is_built_in = settings.policies.iter().all(|policy| policy.name != DEFAULT_POLICY);
    if is_built_in && settings.teams.get(PAGED_TEAM).is_none_or(Vec::is_empty) {
        notices.push(format!("[[teams.{PAGED_TEAM}]] has no members: the default ladder texts nobody"));
    }
    notices
}

fn sends_email(settings: &Settings) -> bool {
    let rungs = settings.policies.iter().flat_map(|policy| &policy.policy.rungs);
    rungs.flat_map(|rung| &rung.destinations).any(|to| matches!(to, Destination::Email(_)))
}
