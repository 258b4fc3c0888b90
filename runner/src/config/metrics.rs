use super::reader::Section;
use super::slack::api_url;
use super::{MetricsStore, Secret, StatsdListening, metrics_store, secret};
use std::collections::BTreeMap;
use url::Url;

/// How much is kept, and where the metrics that programs sent go on to, at each flush. Each receiver is optional.
///
/// ```toml
/// [metrics.store]              # see [`MetricsStore`]
/// retention = "15d"
///
/// [metrics.graphite]
/// address = "graphite.example.com:2003"
/// prefix = "tocsin."
///
/// [metrics.statsd]
/// address = "statsd.example.com:8125"
///
/// [metrics.librato]
/// email = "oncall@example.com"
/// token = { env = "LIBRATO_TOKEN" }
/// tags = { source = "tocsin" }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MetricsSettings {
    pub store: MetricsStore,
    pub graphite: Option<Receiver>,
    pub statsd: Option<Receiver>,
    pub librato: Option<Librato>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receiver {
    /// `host:port`.
    pub address: String,
    /// Goes in front of every name, with its dot.
    pub prefix: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Librato {
    pub email: String,
    pub token: Secret,
    pub prefix: String,
    /// Of every measurement; at least one.
    pub tags: BTreeMap<String, String>,
    /// Another place than Librato itself.
    pub api_url: Option<Url>,
}

pub(super) fn read(section: Option<Section<'_>>, statsd: &StatsdListening) -> MetricsSettings {
    let Some(mut section) = section else { return MetricsSettings::default() };
    let settings = MetricsSettings {
        store: metrics_store::read(section.section("store")),
        graphite: section.section("graphite").and_then(|section| receiver(section, "graphite.example.com:2003", None)),
        statsd: section
            .section("statsd")
            .and_then(|section| receiver(section, "statsd.example.com:8125", Some(statsd))),
        librato: section.section("librato").and_then(librato),
    };
    let forwards = settings.graphite.is_some() || settings.statsd.is_some() || settings.librato.is_some();
    if forwards && !statsd.enabled {
        section.reading.report(
            &section.at,
            "what is forwarded are the metrics that statsd receives; write `enabled = true` in [statsd], or leave the receiver out",
        );
    }
    section.finish();
    settings
}

fn receiver(mut section: Section<'_>, example: &str, own: Option<&StatsdListening>) -> Option<Receiver> {
    let written = section.required_string("address", &format!("{example:?}"));
    let prefix = prefix(&mut section);
    let reading = section.reading;
    section.finish();
    let written = written?;
    let parts = written.value.rsplit_once(':');
    if !parts.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)) {
        reading.report(
            &written.at,
            format_args!("`{}` is no host and port; write one such as {example:?}", written.value),
        );
        return None;
    }
    if own.is_some_and(|own| written.value.parse() == Ok(own.listen)) {
        reading.report(
            &written.at,
            "this is where [statsd] itself listens, and every value would come back; write another statsd's address",
        );
        return None;
    }
    Some(Receiver { address: written.value, prefix })
}

fn librato(mut section: Section<'_>) -> Option<Librato> {
    let email = section.required_string("email", "\"oncall@example.com\"");
    let reported = section.reading.problems.borrow().len();
    let token = secret::required(&mut section, "token", "LIBRATO_TOKEN");
    if token.is_none() && section.reading.problems.borrow().len() == reported {
        section.reading.report(&section.at, "token is missing; write `token = { env = \"LIBRATO_TOKEN\" }`");
    }
    let prefix = prefix(&mut section);
    let mut tags = BTreeMap::new();
    match section.section("tags") {
        None => drop(tags.insert("source".to_owned(), "tocsin".to_owned())),
        Some(mut written) => {
            for name in written.names() {
                if let Some(value) = written.string(&name.value) {
                    tags.insert(name.value, value.value);
                }
            }
            if tags.is_empty() {
                written
                    .reading
                    .report(&written.at, "Librato wants at least one tag; write `tags = { source = \"tocsin\" }`");
            }
        }
    }
    let api_url = api_url(&mut section).map(|url| url.value);
    section.finish();
    Some(Librato { email: email?.value, token: token?, prefix, tags, api_url })
}

fn prefix(section: &mut Section<'_>) -> String {
    section.string("prefix").map(|text| text.value).unwrap_or_default()
}
