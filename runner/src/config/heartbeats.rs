use super::duration::parse_duration;
use super::reader::{Placed, Section};
use super::{DEFAULT_POLICY, NamedPolicy, Secret, nearest, secret};
use alerting::heartbeat::Heartbeat;
use alerting::policy::Severity;
use checks::CheckId;
use std::time::Duration;

/// Programs that are expected to call: `tocsin heartbeat` prints the URL of each. One that does not call in time, or says
/// that it failed, is an incident.
///
/// ```toml
/// [heartbeats]
/// secret = { env = "TOCSIN_HEARTBEAT_SECRET" }   # the URLs are made of it; `openssl rand -hex 32`
///
/// [heartbeats.backup]
/// every = "1d"
/// grace = "30m"                 # how late it may be, and how long it may take if it says when it begins; "1m"
/// severity = "p1"               # "p2" wakes nobody; left out, P2 when it is missed and P1 at the second time in a row
/// policy = "night"              # left out, the default
/// description = "the nightly backup of the user database"
/// runbook = "https://runbooks.example.com/backup"
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeartbeatsSettings {
    /// There wherever there is a heartbeat.
    pub secret: Option<Secret>,
    pub all: Vec<Heartbeat>,
}

const SECRET: &str = "secret";
const SECRET_VARIABLE: &str = "TOCSIN_HEARTBEAT_SECRET";
/// It guards URLs that face the world.
const SECRET_BYTES_MIN: usize = 16;
const HEARTBEATS_MAX: usize = 1_000;
const EVERY_MIN: Duration = Duration::from_secs(1);
const GRACE: Duration = Duration::from_secs(60);

pub(super) fn read(section: Option<Section<'_>>, policies: &[NamedPolicy]) -> HeartbeatsSettings {
    let Some(mut section) = section else { return HeartbeatsSettings::default() };
    let reading = section.reading;
    let at = section.at.clone();
    let is_written = section.has(SECRET);
    let secret = secret::required(&mut section, SECRET, SECRET_VARIABLE);
    if !is_written {
        reading
            .report(&at, format_args!("what are the URLs made of? write `secret = {{ env = \"{SECRET_VARIABLE}\" }}`"));
    }
    if secret.as_ref().is_some_and(|secret| secret.expose().len() < SECRET_BYTES_MIN) {
        let place = section.value_place(SECRET);
        reading.report(&place, format_args!("shorter than {SECRET_BYTES_MIN} bytes; take `openssl rand -hex 32`"));
    }
    let names = section.names().into_iter().filter(|name| name.value != SECRET);
    let all: Vec<Heartbeat> = names.filter_map(|name| read_one(&mut section, &name, policies)).collect();
    if all.len() > HEARTBEATS_MAX {
        reading.report(&at, format_args!("more than {HEARTBEATS_MAX} heartbeats; let several jobs share one"));
    }
    section.finish();
    HeartbeatsSettings { secret, all }
}

fn read_one(section: &mut Section<'_>, name: &Placed<String>, policies: &[NamedPolicy]) -> Option<Heartbeat> {
    let reading = section.reading;
    let mut heartbeat = section.section(&name.value)?;
    if let Err(error) = CheckId::new(&name.value) {
        reading.report(&name.at, error);
    }
    let at = heartbeat.at.clone();
    let (is_written, every_place) = (heartbeat.has("every"), heartbeat.value_place("every"));
    let every = heartbeat.parsed("every", parse_duration).map(|every| every.value);
    if !is_written {
        reading.report(&at, "how often does it call? write `every = \"1h\"`");
    }
    if every.is_some_and(|every| every < EVERY_MIN) {
        reading.report(&every_place, "nothing calls so often; write \"1s\" or longer");
    }
    let grace = heartbeat.parsed("grace", parse_duration).map_or(GRACE, |grace| grace.value);
    let severity = heartbeat.parsed("severity", severity).map(|severity| severity.value);
    let policy = heartbeat.string("policy");
    if let Some(policy) = &policy {
        let known = || policies.iter().map(|policy| policy.name.as_str()).chain([DEFAULT_POLICY]);
        if known().all(|known| known != policy.value) {
            let instead = match nearest(&policy.value, known()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("there are {}", known().collect::<Vec<_>>().join(", ")),
            };
            reading.report(&policy.at, format_args!("there is no policy `{}`; {instead}", policy.value));
        }
    }
    let description = heartbeat.string("description").map(|text| text.value).unwrap_or_default();
    let runbook_url = heartbeat.parsed("runbook", web_url).map(|url| url.value);
    heartbeat.finish();
    Some(Heartbeat {
        name: name.value.clone(),
        every_ms: milliseconds(every?),
        grace_ms: milliseconds(grace),
        severity,
        policy: policy.map(|policy| policy.value),
        description,
        runbook_url,
    })
}

fn severity(text: &str) -> Result<Severity, String> {
    match text.to_ascii_lowercase().as_str() {
        "p1" => Ok(Severity::P1),
        "p2" => Ok(Severity::P2),
        _ => Err(format!("`{text}` is no severity; write \"p1\" (wakes people) or \"p2\", or leave it out")),
    }
}

fn web_url(text: &str) -> Result<String, String> {
    match url::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(text.to_owned()),
        _ => Err(format!("`{text}` is no address of a web page; write one that begins with https://")),
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
