//! Events and service checks, on their way to becoming incidents.

use super::names;
use super::parser::{AlertType, Event, ServiceCheck, ServiceStatus};
use serde::Serialize;

/// What a client says in words rather than numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "notice", rename_all = "kebab-case")]
pub enum Notice {
    Event {
        title: String,
        /// Line ends are line ends again.
        text: String,
        alert_type: AlertType,
        low_priority: bool,
        /// Events with one key belong together; empty where the client gave none.
        aggregation_key: String,
        host: String,
        source: String,
        tags: Vec<(String, String)>,
        timestamp_s: Option<u64>,
    },
    ServiceCheck {
        name: String,
        status: ServiceStatus,
        message: String,
        host: String,
        tags: Vec<(String, String)>,
        timestamp_s: Option<u64>,
    },
}

/// Tags of a notice that are kept.
const TAGS_MAX: usize = 24;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace("\\n", "\n")
}

fn tags_of(tags: &[u8]) -> Vec<(String, String)> {
    let (labels, _) = names::labels_of(tags, TAGS_MAX);
    labels.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

impl Notice {
    pub(super) fn of_event(event: &Event<'_>) -> Self {
        Self::Event {
            title: text(event.title),
            text: text(event.text),
            alert_type: event.alert_type,
            low_priority: event.low_priority,
            aggregation_key: text(event.aggregation_key),
            host: text(event.host),
            source: text(event.source),
            tags: tags_of(event.tags),
            timestamp_s: event.timestamp_s,
        }
    }

    pub(super) fn of_service_check(check: &ServiceCheck<'_>) -> Self {
        Self::ServiceCheck {
            name: text(check.name),
            status: check.status,
            message: text(check.message),
            host: text(check.host),
            tags: tags_of(check.tags),
            timestamp_s: check.timestamp_s,
        }
    }
}
