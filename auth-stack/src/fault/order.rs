//! What somebody asks for, and whether it makes sense.

use super::kind::{FaultKind, Parameter};
use crate::component::Component;
use serde::{Deserialize, Serialize};

const DELAY_MS_MAX: u64 = 600_000;

/// A request to set a fault, as `POST /faults` takes it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultOrder {
    /// Name of a [`FaultKind`], such as `slow`.
    pub fault: String,
    /// One node; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// One component; all that the kind touches when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// Delay of `slow`. Default 3000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms: Option<u64>,
    /// Status of `error`. Default 500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Days left of `expired-certificate`. Default -1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<i64>,
    /// Share of the matching requests, above 0 and up to 1. Default 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio: Option<f64>,
    /// The share grows from nothing to `ratio` over so long; it is whole at once when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_ms: Option<u64>,
    /// How long it holds; until cleared when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_ms: Option<u64>,
}

impl FaultOrder {
    /// The fault of this name on all nodes and components, with its defaults.
    pub fn of(fault: &str) -> FaultOrder {
        FaultOrder { fault: fault.to_owned(), ..FaultOrder::default() }
    }
}

#[derive(Debug, PartialEq, thiserror::Error)]
pub enum FaultError {
    #[error("there is no fault `{name}`; the faults are: {known}")]
    UnknownFault { name: String, known: String },
    #[error("there is no node `{name}`; the nodes are: {known}")]
    UnknownNode { name: String, known: String },
    #[error("there is no component `{name}`; the components are: {known}")]
    UnknownComponent { name: String, known: String },
    #[error("`{fault}` does not touch the component `{component}`; it touches: {touched}")]
    ComponentNotTouched { fault: &'static str, component: Component, touched: String },
    #[error("`{fault}` is of a whole node: leave out `{key}`")]
    OfWholeNode { fault: &'static str, key: &'static str },
    #[error("`{fault}` takes no `{key}`")]
    NoSuchParameter { fault: &'static str, key: &'static str },
    #[error("`{key}` is {value}, and must be {allowed}")]
    OutOfRange { key: &'static str, value: String, allowed: &'static str },
}

/// An order that was found good.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Settings {
    pub kind: FaultKind,
    pub node: Option<String>,
    pub component: Option<Component>,
    pub ms: u64,
    pub status: u16,
    pub days: i64,
    pub ratio: f64,
    pub over_ms: Option<u64>,
    pub for_ms: Option<u64>,
}

fn list(names: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    names.into_iter().map(|name| name.as_ref().to_owned()).collect::<Vec<_>>().join(", ")
}

pub(super) fn validate(order: &FaultOrder, nodes: &[String]) -> Result<Settings, FaultError> {
    let kind = FaultKind::parse(&order.fault).ok_or_else(|| FaultError::UnknownFault {
        name: order.fault.clone(),
        known: list(FaultKind::ALL.iter().map(|kind| kind.name())),
    })?;
    if let Some(name) = &order.node
        && !nodes.contains(name)
    {
        return Err(FaultError::UnknownNode { name: name.clone(), known: list(nodes) });
    }
    let component = order.component.as_deref().map(|name| validate_component(kind, name)).transpose()?;
    for (key, given) in [("ratio", order.ratio.is_some()), ("over_ms", order.over_ms.is_some())] {
        if kind.is_of_node() && given {
            return Err(FaultError::OfWholeNode { fault: kind.name(), key });
        }
    }
    for (parameter, key, given) in [
        (Parameter::Ms, "ms", order.ms.is_some()),
        (Parameter::Status, "status", order.status.is_some()),
        (Parameter::Days, "days", order.days.is_some()),
    ] {
        if given && kind.parameter() != Some(parameter) {
            return Err(FaultError::NoSuchParameter { fault: kind.name(), key });
        }
    }
    let settings = Settings {
        kind,
        node: order.node.clone(),
        component,
        ms: order.ms.unwrap_or(3_000),
        status: order.status.unwrap_or(500),
        days: order.days.unwrap_or(-1),
        ratio: order.ratio.unwrap_or(1.0),
        over_ms: order.over_ms,
        for_ms: order.for_ms,
    };
    check_ranges(&settings)?;
    Ok(settings)
}

fn validate_component(kind: FaultKind, name: &str) -> Result<Component, FaultError> {
    let component = Component::parse(name).ok_or_else(|| FaultError::UnknownComponent {
        name: name.to_owned(),
        known: list(Component::ALL.iter().map(|component| component.name())),
    })?;
    if kind.is_of_node() {
        return Err(FaultError::OfWholeNode { fault: kind.name(), key: "component" });
    }
    if !kind.components().contains(&component) {
        let touched = list(kind.components().iter().map(|component| component.name()));
        return Err(FaultError::ComponentNotTouched { fault: kind.name(), component, touched });
    }
    Ok(component)
}

fn check_ranges(settings: &Settings) -> Result<(), FaultError> {
    let refuse = |key, value: String, allowed| Err(FaultError::OutOfRange { key, value, allowed });
    if !(settings.ratio > 0.0 && settings.ratio <= 1.0) {
        return refuse("ratio", settings.ratio.to_string(), "above 0 and at most 1");
    }
    if !(400..=599).contains(&settings.status) {
        return refuse("status", settings.status.to_string(), "from 400 to 599");
    }
    if settings.ms > DELAY_MS_MAX {
        return refuse("ms", settings.ms.to_string(), "at most 600000 (10 minutes)");
    }
    if !(-3_650..=3_650).contains(&settings.days) {
        return refuse("days", settings.days.to_string(), "from -3650 to 3650");
    }
    for (key, ms) in [("for_ms", settings.for_ms), ("over_ms", settings.over_ms)] {
        if ms == Some(0) {
            return refuse(key, "0".to_owned(), "at least 1");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_that_makes_no_sense_is_refused_with_what_would() {
        let nodes = ["eu-west-1".to_owned(), "us-east-1".to_owned()];
        let order = |json: serde_json::Value| serde_json::from_value::<FaultOrder>(json).expect("a fault order");
        for (json, message) in [
            (
                serde_json::json!({"fault": "slow", "node": "mars"}),
                "there is no node `mars`; the nodes are: eu-west-1, us-east-1",
            ),
            (
                serde_json::json!({"fault": "stale-cdn", "component": "token"}),
                "`stale-cdn` does not touch the component `token`; it touches: cdn",
            ),
            (
                serde_json::json!({"fault": "outage", "component": "token"}),
                "`outage` is of a whole node: leave out `component`",
            ),
            (serde_json::json!({"fault": "outage", "ratio": 0.5}), "`outage` is of a whole node: leave out `ratio`"),
            (serde_json::json!({"fault": "error", "ms": 5}), "`error` takes no `ms`"),
            (serde_json::json!({"fault": "error", "status": 200}), "`status` is 200, and must be from 400 to 599"),
            (serde_json::json!({"fault": "slow", "ratio": 0.0}), "`ratio` is 0, and must be above 0 and at most 1"),
            (serde_json::json!({"fault": "slow", "for_ms": 0}), "`for_ms` is 0, and must be at least 1"),
        ] {
            let error = validate(&order(json.clone()), &nodes).expect_err("a refused order");
            assert_eq!(error.to_string(), message, "{json}");
        }
        for (json, start) in [
            (serde_json::json!({"fault": "sloth"}), "there is no fault `sloth`; the faults are: slow, error, outage"),
            (
                serde_json::json!({"fault": "slow", "component": "tokens"}),
                "there is no component `tokens`; the components are: discovery",
            ),
        ] {
            let error = validate(&order(json), &nodes).expect_err("a refused order").to_string();
            assert!(error.starts_with(start), "{error}");
        }
    }

    #[test]
    fn every_kind_is_accepted_with_its_defaults() {
        for kind in FaultKind::ALL {
            let settings = validate(&FaultOrder::of(kind.name()), &[]).expect("a good order");
            assert_eq!(settings.kind, *kind);
        }
    }
}
