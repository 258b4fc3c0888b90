//! The label index: which series have a label with a value.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{Labels, MatchKind, Matcher, SeriesId};

type Values = BTreeMap<Arc<str>, Vec<SeriesId>>;

/// For every label name and value, the ids of the series that have it, ascending.
#[derive(Debug, Clone, Default)]
pub struct Postings {
    by_name: HashMap<Arc<str>, Values>,
}

/// What an index can say about matchers without looking at labels.
#[derive(Debug)]
pub enum Candidates<'a> {
    /// Exactly this list, or a part of it.
    List(&'a [SeriesId]),
    /// Some of these.
    Owned(Vec<SeriesId>),
    /// No matcher demands a label: every series may match.
    Every,
}

impl Postings {
    /// Adds a series; ids are added in ascending order.
    pub fn add(&mut self, id: SeriesId, labels: &Labels) {
        for (name, value) in labels.iter() {
            self.by_name.entry(Arc::clone(name)).or_default().entry(Arc::clone(value)).or_default().push(id);
        }
    }

    pub fn remove(&mut self, id: SeriesId, labels: &Labels) {
        for (name, value) in labels.iter() {
            let Some(values) = self.by_name.get_mut(name) else { continue };
            if let Some(ids) = values.get_mut(value) {
                if let Ok(place) = ids.binary_search(&id) {
                    ids.remove(place);
                }
                if ids.is_empty() {
                    values.remove(value);
                }
            }
            if values.is_empty() {
                self.by_name.remove(name);
            }
        }
    }

    /// The smallest set of series that holds all that the matchers accept.
    pub fn candidates(&self, matchers: &[Matcher]) -> Candidates<'_> {
        let mut best: Option<&[SeriesId]> = None;
        for matcher in matchers {
            if matches!(matcher.kind, MatchKind::Equal) && !matcher.value.is_empty() {
                let ids = self.of(&matcher.name, &matcher.value);
                if best.is_none_or(|best| ids.len() < best.len()) {
                    best = Some(ids);
                }
            }
        }
        if let Some(best) = best {
            return Candidates::List(best);
        }
        let Some(matcher) = matchers.iter().find(|matcher| !matcher.accepts_absent()) else { return Candidates::Every };
        let mut ids: Vec<SeriesId> = self
            .by_name
            .get(matcher.name.as_str())
            .into_iter()
            .flatten()
            .filter(|(value, _)| matcher.accepts(value))
            .flat_map(|(_, ids)| ids.iter().copied())
            .collect();
        ids.sort_unstable();
        Candidates::Owned(ids)
    }

    /// The series that have the label with the value.
    pub fn of(&self, name: &str, value: &str) -> &[SeriesId] {
        self.by_name.get(name).and_then(|values| values.get(value)).map_or(&[], Vec::as_slice)
    }

    pub fn names(&self) -> Vec<Arc<str>> {
        let mut names: Vec<_> = self.by_name.keys().cloned().collect();
        names.sort();
        names
    }

    /// The values of a label, in order.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &Arc<str>> {
        self.by_name.get(name).into_iter().flat_map(BTreeMap::keys)
    }

    /// Shares the text with a label that is already known, so that a value is kept once.
    pub fn shared(&self, name: &str, value: &str) -> Option<(Arc<str>, Arc<str>)> {
        let (name, values) = self.by_name.get_key_value(name)?;
        let value = values.get_key_value(value).map_or_else(|| Arc::from(value), |(value, _)| Arc::clone(value));
        Some((Arc::clone(name), value))
    }
}
