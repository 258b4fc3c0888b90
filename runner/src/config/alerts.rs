use super::reader::{Placed, Section};
use super::{DEFAULT_POLICY, NamedPolicy, Secret, nearest, secret};
use alerting::inbound::Defaults;
use alerting::inbound::sns::TopicArn;
use alerting::policy::Severity;
use url::{Host, Url};

/// Alerting systems that call in at `[callbacks]`, each at `/alerts/NAME`. What is not written here is answered with 404.
///
/// ```toml
/// [alerts.alertmanager]                     # /alerts/alertmanager, a receiver with `webhook_configs`
/// token = { env = "ALERTMANAGER_TOKEN" }    # Authorization: Bearer, the password of Basic, or ?token= in the URL
/// severity = "p2"                           # of alerts that do not say it themselves; "p2" where it is left out
/// policy = "login"                          # of alerts without a label `policy`; left out, the default ladder
///
/// [alerts.pingdom]                          # /alerts/pingdom, the URL of a webhook integration, with ?token=
/// token = { env = "PINGDOM_TOKEN" }
///
/// [alerts.new_relic]                        # /alerts/new-relic, a webhook destination with a bearer token
/// token = { env = "NEW_RELIC_TOKEN" }
///
/// [[alerts.cloudwatch.topics]]              # /alerts/cloudwatch, an HTTPS subscription; SNS signs what it sends
/// arn = "arn:aws:sns:eu-west-1:123456789012:alarms"
/// severity = "p1"                           # an alarm says nothing of it: it must be written
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AlertsSettings {
    pub alertmanager: Option<TokenSource>,
    pub pingdom: Option<TokenSource>,
    pub new_relic: Option<TokenSource>,
    pub cloudwatch: Option<CloudWatchSource>,
}

/// A source that proves itself with a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenSource {
    pub token: Secret,
    pub defaults: Defaults,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudWatchSource {
    /// At least one.
    pub topics: Vec<Topic>,
    /// What stands for SNS in tests: an address of this machine.
    pub api_url: Option<Url>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    pub arn: TopicArn,
    pub defaults: Defaults,
}

/// A token stands for a signature: what can be guessed is none.
const TOKEN_CHARS_MIN: usize = 16;

pub(super) fn read(section: Option<Section<'_>>, is_called: bool, policies: &[NamedPolicy]) -> AlertsSettings {
    let Some(mut section) = section else { return AlertsSettings::default() };
    if !is_called {
        let at = section.at.clone();
        section
            .reading
            .report(&at, "nobody can call in; write `[callbacks]` with `listen` and `public_url`, or leave this out");
    }
    let settings = AlertsSettings {
        alertmanager: section.section("alertmanager").and_then(|one| token_source(one, "ALERTMANAGER_TOKEN", policies)),
        pingdom: section.section("pingdom").and_then(|one| token_source(one, "PINGDOM_TOKEN", policies)),
        new_relic: section.section("new_relic").and_then(|one| token_source(one, "NEW_RELIC_TOKEN", policies)),
        cloudwatch: section.section("cloudwatch").and_then(|one| cloudwatch(one, policies)),
    };
    section.finish();
    settings
}

fn token_source(mut section: Section<'_>, example: &str, policies: &[NamedPolicy]) -> Option<TokenSource> {
    let (is_written, at) = (section.has("token"), section.value_place("token"));
    let token = secret::required(&mut section, "token", example);
    if !is_written {
        let problem = format!("missing: anybody could call; write `token = {{ env = \"{example}\" }}`");
        section.reading.report(&at, problem);
    }
    if let Some(token) = &token {
        let text = token.expose();
        if text.chars().count() < TOKEN_CHARS_MIN || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            let problem = format!(
                "a token is {TOKEN_CHARS_MIN} characters or more, letters, digits and signs of ASCII; make one with `openssl rand -hex 32`"
            );
            section.reading.report(&at, problem);
        }
    }
    let severity = severity(&mut section).unwrap_or(Severity::P2);
    let policy = policy(&mut section, policies);
    section.finish();
    Some(TokenSource { token: token?, defaults: Defaults { severity, policy } })
}

fn cloudwatch(mut section: Section<'_>, policies: &[NamedPolicy]) -> Option<CloudWatchSource> {
    let has_topics = section.has("topics");
    let sections = section.sections("topics");
    if !has_topics || (sections.is_empty() && section.reading.problems.borrow().is_empty()) {
        let at = section.at.clone();
        section
            .reading
            .report(&at, "no topic may call; write `[[alerts.cloudwatch.topics]]` with `arn` and `severity`");
    }
    let topics = sections.into_iter().filter_map(|one| topic(one, policies)).collect();
    let api_url = section.parsed("api_url", this_machine).map(|url| url.value);
    section.finish();
    Some(CloudWatchSource { topics, api_url })
}

fn topic(mut section: Section<'_>, policies: &[NamedPolicy]) -> Option<Topic> {
    let arn = section.required_string("arn", "\"arn:aws:sns:eu-west-1:123456789012:alarms\"");
    let arn = arn.and_then(|text| {
        let arn = TopicArn::new(&text.value);
        if arn.is_none() {
            let problem = format!(
                "`{}` is no topic of SNS; write its ARN such as \"arn:aws:sns:eu-west-1:123456789012:alarms\"",
                text.value
            );
            section.reading.report(&text.at, problem);
        }
        arn
    });
    let has_severity = section.has("severity");
    let severity = severity(&mut section);
    if !has_severity {
        let at = section.value_place("severity");
        section.reading.report(&at, "missing, and an alarm does not say it; write \"p1\" to wake people, or \"p2\"");
    }
    let policy = policy(&mut section, policies);
    section.finish();
    Some(Topic { arn: arn?, defaults: Defaults { severity: severity?, policy } })
}

fn severity(section: &mut Section<'_>) -> Option<Severity> {
    let written = section.parsed("severity", |text| match text {
        "p1" => Ok(Severity::P1),
        "p2" => Ok(Severity::P2),
        _ => Err(format!("`{text}` is no severity; write \"p1\" to wake people, or \"p2\"")),
    });
    written.map(|severity| severity.value)
}

fn policy(section: &mut Section<'_>, policies: &[NamedPolicy]) -> Option<String> {
    let Placed { value, at } = section.string("policy")?;
    let mut known = policies.iter().map(|policy| policy.name.as_str()).chain([DEFAULT_POLICY]);
    if !known.clone().any(|name| name == value) {
        let problem = match nearest(&value, known.clone()) {
            Some(meant) => format!("there is no policy `{value}`; did you mean `{meant}`?"),
            None => {
                format!("there is no policy `{value}`; there are {}", known.by_ref().collect::<Vec<_>>().join(", "))
            }
        };
        section.reading.report(&at, problem);
    }
    Some(value)
}

/// Whoever stands for SNS says which certificate is the right one.
fn this_machine(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("`{text}` is no URL ({error})"))?;
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(_)) | None => false,
    };
    if loopback {
        Ok(url)
    } else {
        Err(format!("`{text}` could say who signs; only a loopback address may stand for SNS"))
    }
}
