//! The faults in force, and which of them hit a request.

use super::kind::FaultKind;
use super::order::{FaultError, FaultOrder, Settings, validate};
use crate::component::Component;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::watch;

/// A fault in force, as lists show it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Fault {
    pub id: u64,
    pub fault: String,
    /// Absent: all nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Absent: all components that the kind touches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<i64>,
    pub ratio: f64,
    /// Milliseconds over which the share grows to `ratio`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_ms: Option<u64>,
    /// Unix time in milliseconds at which it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<i64>,
    /// Requests that matched so far, and those of them that were hit.
    pub matched: u64,
    pub hit: u64,
}

struct Entry {
    id: u64,
    settings: Settings,
    ratio_ppm: u64,
    set_ms: i64,
    /// Parts of a hit that a share which still grows has gathered, in millionths.
    gathered_ppm: u64,
    until_ms: Option<i64>,
    matched: u64,
    hit: u64,
}

impl Entry {
    fn is_over(&self, now_ms: i64) -> bool {
        self.until_ms.is_some_and(|until_ms| until_ms <= now_ms)
    }

    fn is_of(&self, node: &str) -> bool {
        self.settings.node.as_deref().is_none_or(|own| own == node)
    }

    fn is_of_component(&self, component: Component) -> bool {
        match self.settings.component {
            Some(own) => own == component,
            None => self.settings.kind.components().contains(&component),
        }
    }

    /// Counts a matching request and says whether it is hit. The hits are spread evenly and start with the first.
    fn take_turn(&mut self, now_ms: i64) -> bool {
        let hit = match self.settings.over_ms {
            Some(over_ms) => self.take_growing_turn(over_ms, now_ms),
            None => {
                let quota = |requests: u64| requests.saturating_mul(self.ratio_ppm).div_ceil(1_000_000);
                quota(self.matched + 1) > quota(self.matched)
            }
        };
        self.matched += 1;
        self.hit += u64::from(hit);
        hit
    }

    /// The same for a share that grows evenly from nothing.
    fn take_growing_turn(&mut self, over_ms: u64, now_ms: i64) -> bool {
        let elapsed_ms = u64::try_from(now_ms.saturating_sub(self.set_ms)).unwrap_or(0).min(over_ms);
        self.gathered_ppm += self.ratio_ppm.saturating_mul(elapsed_ms) / over_ms.max(1);
        let hit = self.gathered_ppm >= 1_000_000;
        self.gathered_ppm -= if hit { 1_000_000 } else { 0 };
        hit
    }

    fn view(&self) -> Fault {
        use super::kind::Parameter;
        let parameter = self.settings.kind.parameter();
        Fault {
            id: self.id,
            fault: self.settings.kind.name().to_owned(),
            node: self.settings.node.clone(),
            component: self.settings.component.map(|component| component.name().to_owned()),
            ms: (parameter == Some(Parameter::Ms)).then_some(self.settings.ms),
            status: (parameter == Some(Parameter::Status)).then_some(self.settings.status),
            days: (parameter == Some(Parameter::Days)).then_some(self.settings.days),
            ratio: self.settings.ratio,
            over_ms: self.settings.over_ms,
            until_ms: self.until_ms,
            matched: self.matched,
            hit: self.hit,
        }
    }
}

/// The faults that hit one request. Cheap to clone; handlers find it in the request's extensions.
#[derive(Clone, Default)]
pub struct Hits(Arc<[Settings]>);

impl Hits {
    pub fn has(&self, kind: FaultKind) -> bool {
        self.0.iter().any(|settings| settings.kind == kind)
    }

    /// The longest of the delays asked for.
    pub(crate) fn delay_ms(&self) -> Option<u64> {
        self.of(FaultKind::Slow).map(|settings| settings.ms).max()
    }

    pub(crate) fn error_status(&self) -> Option<u16> {
        self.of(FaultKind::Error).map(|settings| settings.status).last()
    }

    fn of(&self, kind: FaultKind) -> impl Iterator<Item = &Settings> {
        self.0.iter().filter(move |settings| settings.kind == kind)
    }
}

/// All faults in force. Shared by the nodes and the admin endpoint.
pub struct FaultBook {
    nodes: Vec<String>,
    entries: Mutex<(u64, Vec<Entry>)>,
    changed: watch::Sender<()>,
}

impl FaultBook {
    pub fn new(nodes: Vec<String>) -> FaultBook {
        FaultBook { nodes, entries: Mutex::new((0, Vec::new())), changed: watch::Sender::new(()) }
    }

    fn entries(&self) -> MutexGuard<'_, (u64, Vec<Entry>)> {
        // The list is whole after every statement, so a panic elsewhere under the lock leaves nothing half done.
        self.entries.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Puts a fault in force. One of the same kind, node and component is replaced, so that asking twice is
    /// the same as asking once, and the list cannot grow without end.
    pub fn set(&self, order: &FaultOrder, now_ms: i64) -> Result<Fault, FaultError> {
        let settings = validate(order, &self.nodes)?;
        let fault = {
            let mut guard = self.entries();
            let (last_id, entries) = &mut *guard;
            *last_id += 1;
            entries.retain(|entry| {
                !entry.is_over(now_ms)
                    && (entry.settings.kind, &entry.settings.node, entry.settings.component)
                        != (settings.kind, &settings.node, settings.component)
            });
            let entry = Entry {
                id: *last_id,
                // A ratio is above 0 and at most 1 once validated; the smallest share that counts is one in a million.
                ratio_ppm: ((settings.ratio * 1e6).round() as u64).clamp(1, 1_000_000),
                set_ms: now_ms,
                gathered_ppm: 0,
                until_ms: settings.for_ms.map(|ms| now_ms.saturating_add_unsigned(ms)),
                settings,
                matched: 0,
                hit: 0,
            };
            let fault = entry.view();
            entries.push(entry);
            fault
        };
        self.changed.send_replace(());
        Ok(fault)
    }

    /// Ends the faults that `selector` (an id or a name of a kind; all when `None`) and `node` select. Returns them.
    pub fn clear(&self, selector: Option<&str>, node: Option<&str>, now_ms: i64) -> Vec<Fault> {
        let mut cleared = Vec::new();
        self.entries().1.retain(|entry| {
            if entry.is_over(now_ms) {
                return false;
            }
            let selected = selector
                .is_none_or(|selector| entry.settings.kind.name() == selector || entry.id.to_string() == selector)
                && node.is_none_or(|node| entry.settings.node.as_deref() == Some(node));
            if selected {
                cleared.push(entry.view());
            }
            !selected
        });
        self.changed.send_replace(());
        cleared
    }

    pub fn list(&self, now_ms: i64) -> Vec<Fault> {
        self.entries().1.iter().filter(|entry| !entry.is_over(now_ms)).map(Entry::view).collect()
    }

    /// Decides which faults hit a request, and counts it.
    pub fn hits(&self, node: &str, component: Component, now_ms: i64) -> Hits {
        let mut guard = self.entries();
        guard.1.retain(|entry| !entry.is_over(now_ms));
        let matching = guard.1.iter_mut().filter(|entry| entry.is_of(node) && entry.is_of_component(component));
        Hits(matching.filter_map(|entry| entry.take_turn(now_ms).then(|| entry.settings.clone())).collect())
    }

    /// Whether the node is out, and when that can next change by itself.
    pub(crate) fn outage(&self, node: &str, now_ms: i64) -> (bool, Option<i64>) {
        let guard = self.entries();
        let mut outages = guard
            .1
            .iter()
            .filter(|entry| entry.settings.kind == FaultKind::Outage && entry.is_of(node) && !entry.is_over(now_ms))
            .peekable();
        (outages.peek().is_some(), outages.filter_map(|entry| entry.until_ms).min())
    }

    /// The days left of the certificate that the node should show instead of its own.
    pub(crate) fn certificate_days(&self, node: &str, now_ms: i64) -> Option<i64> {
        let kind = FaultKind::ExpiredCertificate;
        let mut guard = self.entries();
        let mut newest_first = guard.1.iter_mut().rev();
        let entry =
            newest_first.find(|entry| entry.settings.kind == kind && entry.is_of(node) && !entry.is_over(now_ms))?;
        entry.matched += 1;
        entry.hit += 1;
        Some(entry.settings.days)
    }

    /// Wakes when a fault was set or cleared.
    pub(crate) fn watch(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book() -> FaultBook {
        FaultBook::new(vec!["eu".to_owned(), "us".to_owned()])
    }

    fn order(fault: &str) -> FaultOrder {
        FaultOrder::of(fault)
    }

    #[test]
    fn a_ratio_hits_the_first_request_and_then_evenly() {
        for (ratio, hits) in [
            (1.0, "xxxxxxxxxx"),
            (0.5, "x.x.x.x.x."),
            (0.25, "x...x...x."),
            (0.333333, "x..x..x..x"),
            (0.9, "xxxxxxxxx."),
            (0.000001, "x........."),
        ] {
            let book = book();
            book.set(&FaultOrder { ratio: Some(ratio), ..order("error") }, 0).expect("a good order");
            let seen: String = (0..10)
                .map(|_| if book.hits("eu", Component::Token, 1).has(FaultKind::Error) { 'x' } else { '.' })
                .collect();
            assert_eq!(seen, hits, "ratio {ratio}");
        }
    }

    #[test]
    fn a_share_that_grows_begins_with_nothing_and_ends_whole() {
        let book = book();
        let order = FaultOrder { ratio: Some(0.5), over_ms: Some(1_000), ..order("error") };
        book.set(&order, 10_000).expect("a good order");
        let mut hits = |from_ms: i64| {
            (0..100).filter(|_| book.hits("eu", Component::Token, from_ms).has(FaultKind::Error)).count()
        };
        let seen = [9_000, 10_000, 10_500, 11_000, 99_000].map(&mut hits);
        assert_eq!(seen, [0, 0, 25, 50, 50]);
    }

    #[test]
    fn node_component_and_duration_select() {
        let book = book();
        let slow = FaultOrder {
            node: Some("us".to_owned()),
            component: Some("token".to_owned()),
            ms: Some(70),
            for_ms: Some(1_000),
            ..order("slow")
        };
        book.set(&slow, 10).expect("a good order");
        for (node, component, now_ms, delay_ms) in [
            ("us", Component::Token, 1_009, Some(70)),
            ("us", Component::Token, 1_010, None),
            ("eu", Component::Token, 11, None),
            ("us", Component::Login, 11, None),
        ] {
            assert_eq!(
                // A new book for each: an elapsed fault is forgotten.
                {
                    let book = self::book();
                    book.set(&slow, 10).expect("a good order");
                    book.hits(node, component, now_ms).delay_ms()
                },
                delay_ms,
                "{node} {component} at {now_ms}"
            );
        }
        assert_eq!(book.list(1_009).len(), 1);
        assert_eq!(book.list(1_010).len(), 0);
    }

    #[test]
    fn several_hold_at_once_and_are_cleared_by_id_kind_or_node() {
        let book = book();
        book.set(&order("slow"), 0).expect("a good order");
        book.set(&FaultOrder { node: Some("us".to_owned()), ..order("slow") }, 0).expect("a good order");
        let error = book.set(&order("error"), 0).expect("a good order");
        let hits = book.hits("us", Component::Docs, 1);
        assert!(hits.has(FaultKind::Slow) && hits.has(FaultKind::Error));
        assert_eq!(book.clear(Some(&error.id.to_string()), None, 1).len(), 1);
        assert_eq!(book.clear(Some("slow"), Some("us"), 1).len(), 1);
        assert_eq!(book.clear(Some("nothing"), None, 1).len(), 0);
        assert_eq!(book.clear(None, None, 1).len(), 1);
        assert_eq!(book.list(1), []);
    }

    #[test]
    fn asking_twice_is_asking_once() {
        let book = book();
        book.set(&FaultOrder { ms: Some(10), ..order("slow") }, 0).expect("a good order");
        book.set(&FaultOrder { ms: Some(20), ..order("slow") }, 0).expect("a good order");
        assert_eq!(book.hits("eu", Component::Docs, 1).delay_ms(), Some(20));
        assert_eq!(book.list(1).len(), 1);
    }

    #[test]
    fn an_outage_ends_by_itself() {
        let book = book();
        let outage = FaultOrder { node: Some("us".to_owned()), for_ms: Some(500), ..order("outage") };
        book.set(&outage, 1_000).expect("a good order");
        assert_eq!(book.outage("us", 1_499), (true, Some(1_500)));
        assert_eq!(book.outage("us", 1_500), (false, None));
        assert_eq!(book.outage("eu", 1_100), (false, None));
        assert!(book.hits("us", Component::Token, 1_100).0.is_empty(), "an outage is not of requests");
    }
}
