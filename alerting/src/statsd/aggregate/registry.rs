//! Every living series, with what it has summed up since it began.

use super::cell::Cell;
use super::key::{self, SUFFIXES, SeriesKey};
use super::refusal::{Refusal, Refusals};
use super::settings::AggregateSettings;
use super::snapshot::SeriesValue;
use super::total::{Series, Total};
use crate::sample::SampleLabels;
use crate::statsd::parser::Kind;
use checks::UnixMs;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

/// A place in the registry. The generation tells a series from another that had the place before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct SeriesId {
    index: u32,
    generation: u32,
}

#[derive(Default)]
struct Place {
    generation: u32,
    series: Option<Series>,
}

struct Metric {
    kind: Kind,
    series: usize,
}

pub(super) struct Registry {
    pub settings: AggregateSettings,
    places: Vec<Place>,
    free: Vec<u32>,
    alive: usize,
    by_labels: HashMap<SampleLabels, SeriesId>,
    metrics: HashMap<Arc<str>, Metric>,
    /// The names that distributions give out beside their own.
    derived: HashSet<String>,
    flushed_at: UnixMs,
    /// Series that were idle at the last flush, the longest idle first; kept only where a bound is near.
    idle: VecDeque<SeriesId>,
    idle_by_metric: HashMap<Arc<str>, VecDeque<SeriesId>>,
    pub ended: Vec<Arc<SeriesKey>>,
    /// Series that ended since the threads forgot theirs.
    pub ended_since_forget: usize,
    pub refusals: Refusals,
}

/// A bound is near when this share of it is used.
fn is_near(used: usize, max: usize) -> bool {
    used >= max - max / 10
}

impl Registry {
    pub fn new(settings: AggregateSettings) -> Self {
        Self {
            settings,
            places: Vec::new(),
            free: Vec::new(),
            alive: 0,
            by_labels: HashMap::new(),
            metrics: HashMap::new(),
            derived: HashSet::new(),
            flushed_at: UnixMs(i64::MIN),
            idle: VecDeque::new(),
            idle_by_metric: HashMap::new(),
            ended: Vec::new(),
            ended_since_forget: 0,
            refusals: Refusals::default(),
        }
    }

    pub fn alive(&self) -> usize {
        self.alive
    }

    pub fn series_mut(&mut self, id: SeriesId) -> Option<&mut Series> {
        let place = self.places.get_mut(id.index as usize)?;
        if place.generation == id.generation { place.series.as_mut() } else { None }
    }

    /// The series of a line's name and tags; made if there is room.
    pub fn open_line(&mut self, name: &[u8], kind: Kind, tags: &[u8]) -> Result<(SeriesId, Arc<SeriesKey>), Refusal> {
        let opened = if name.len() > self.settings.name_bytes_max || tags.len() > self.settings.tag_bytes_max {
            Err(Refusal::TooLong)
        } else {
            let name = String::from_utf8_lossy(name);
            let (labels, left_out) = key::labels_of_line(&name, tags, self.settings.tags_max);
            self.refusals.tags_left_out += left_out as u64;
            self.open(labels, |labels| Arc::new(SeriesKey::new(&name, kind, labels)), kind)
        };
        opened.inspect_err(|refusal| self.refusals.count(*refusal))
    }

    /// Opens a series again that ended while a thread had values of it. The caller counts a refusal.
    pub fn open_again(&mut self, key: &Arc<SeriesKey>) -> Result<SeriesId, Refusal> {
        self.open(key.labels.clone(), |_| Arc::clone(key), key.kind)
            .map(|(id, _)| id)
            .inspect_err(|refusal| self.refusals.count(*refusal))
    }

    fn open(
        &mut self,
        labels: SampleLabels,
        make: impl FnOnce(SampleLabels) -> Arc<SeriesKey>,
        kind: Kind,
    ) -> Result<(SeriesId, Arc<SeriesKey>), Refusal> {
        if let Some(id) = self.by_labels.get(&labels).copied()
            && let Some(series) = self.series_mut(id)
        {
            if series.key.kind != kind {
                return Err(Refusal::OtherType);
            }
            return Ok((id, Arc::clone(&series.key)));
        }
        self.make_room(labels.metric(), kind)?;
        let key = make(labels);
        let id = self.place(&key);
        self.by_labels.insert(key.labels.clone(), id);
        self.note_metric(&key);
        Ok((id, key))
    }

    fn make_room(&mut self, metric: &str, kind: Kind) -> Result<(), Refusal> {
        let in_metric = match self.metrics.get(metric) {
            Some(known) if known.kind != kind => return Err(Refusal::OtherType),
            Some(known) => known.series,
            None => {
                let gives_out_taken = key::is_distribution(kind)
                    && SUFFIXES.iter().any(|suffix| {
                        let name = format!("{metric}{suffix}");
                        self.metrics.contains_key(name.as_str()) || self.derived.contains(&name)
                    });
                if gives_out_taken || self.derived.contains(metric) {
                    return Err(Refusal::NameTaken);
                }
                0
            }
        };
        if in_metric >= self.settings.series_per_metric_max {
            let id = self.longest_idle_of(metric).ok_or(Refusal::SeriesPerMetricMax)?;
            self.end(id);
            self.refusals.series_evicted += 1;
        } else if self.alive >= self.settings.series_max {
            let id = self.longest_idle().ok_or(Refusal::SeriesMax)?;
            self.end(id);
            self.refusals.series_evicted += 1;
        }
        Ok(())
    }

    fn longest_idle(&mut self) -> Option<SeriesId> {
        while let Some(id) = self.idle.pop_front() {
            if self.is_idle(id) {
                return Some(id);
            }
        }
        None
    }

    fn longest_idle_of(&mut self, metric: &str) -> Option<SeriesId> {
        loop {
            let id = self.idle_by_metric.get_mut(metric)?.pop_front()?;
            if self.is_idle(id) {
                return Some(id);
            }
        }
    }

    /// Idle is what got no value in the last whole flush interval.
    fn is_idle(&mut self, id: SeriesId) -> bool {
        let flushed_at = self.flushed_at;
        self.series_mut(id).is_some_and(|series| series.active_at < flushed_at)
    }

    fn place(&mut self, key: &Arc<SeriesKey>) -> SeriesId {
        let index = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place::default());
            (self.places.len() - 1) as u32
        });
        let place = &mut self.places[index as usize];
        place.series = Some(Series {
            key: Arc::clone(key),
            total: Total::Nothing,
            active_at: self.flushed_at,
            active_before: false,
            pending: Cell::Empty,
            shown: false,
        });
        self.alive += 1;
        SeriesId { index, generation: place.generation }
    }

    fn note_metric(&mut self, key: &SeriesKey) {
        let metric = key.labels.metric();
        if let Some(known) = self.metrics.get_mut(metric) {
            known.series += 1;
            return;
        }
        let metric: Arc<str> = Arc::from(metric);
        if key::is_distribution(key.kind) {
            for suffix in SUFFIXES {
                self.derived.insert(format!("{metric}{suffix}"));
            }
        }
        self.metrics.insert(metric, Metric { kind: key.kind, series: 1 });
    }

    fn end(&mut self, id: SeriesId) {
        let Some(place) = self.places.get_mut(id.index as usize) else { return };
        let Some(series) = place.series.take() else { return };
        place.generation = place.generation.wrapping_add(1);
        self.free.push(id.index);
        self.alive -= 1;
        self.by_labels.remove(&series.key.labels);
        let metric = series.key.labels.metric();
        if let Some(known) = self.metrics.get_mut(metric) {
            known.series -= 1;
            if known.series == 0 {
                self.metrics.remove(metric);
                if key::is_distribution(series.key.kind) {
                    for suffix in SUFFIXES {
                        self.derived.remove(&format!("{metric}{suffix}"));
                    }
                }
            }
        }
        self.ended_since_forget += 1;
        if series.shown {
            self.ended.push(series.key);
        }
    }

    /// Adds what a thread has seen.
    pub fn absorb(&mut self, id: SeriesId, key: &Arc<SeriesKey>, cell: Cell) {
        let members_max = self.settings.set_members_max;
        let id = if self.series_mut(id).is_some() {
            id
        } else {
            // Refused: counted there.
            let Ok(id) = self.open_again(key) else { return };
            id
        };
        if let Some(series) = self.series_mut(id) {
            series.pending.merge(cell, members_max);
        }
    }

    /// Adds what is pending to the totals, and shows every series that has a value.
    pub fn settle(&mut self, at: UnixMs) -> Vec<SeriesValue> {
        let Self { places, refusals, .. } = self;
        let mut shown = Vec::with_capacity(self.alive);
        for series in places.iter_mut().filter_map(|place| place.series.as_mut()) {
            let pending = std::mem::take(&mut series.pending);
            let active = !pending.is_empty();
            if let Cell::Set(set) = &pending {
                refusals.set_members += set.beyond;
            }
            if active {
                series.active_at = at;
            }
            let Some(measure) = series.total.add(pending, series.active_before) else { continue };
            series.active_before = active;
            let is_new = !std::mem::replace(&mut series.shown, true);
            shown.push(SeriesValue { key: Arc::clone(&series.key), measure, is_new, active });
        }
        shown
    }

    /// Ends what is idle for too long, and lists what is idle where a bound is near.
    pub fn expire(&mut self, at: UnixMs) {
        self.flushed_at = at;
        self.idle.clear();
        self.idle_by_metric.clear();
        let near = is_near(self.alive, self.settings.series_max);
        let (metrics, per_metric_max) = (&self.metrics, self.settings.series_per_metric_max);
        let near_metric = |metric: &str| metrics.get(metric).is_some_and(|known| is_near(known.series, per_metric_max));
        let mut expired = Vec::new();
        let mut idle: Vec<(UnixMs, SeriesId)> = Vec::new();
        for (index, place) in self.places.iter().enumerate() {
            let Some(series) = &place.series else { continue };
            let id = SeriesId { index: index as u32, generation: place.generation };
            if at.since_ms(series.active_at) >= self.settings.idle_ms_max && series.active_at < at {
                expired.push(id);
            } else if series.active_at < at && (near || near_metric(series.key.labels.metric())) {
                idle.push((series.active_at, id));
            }
        }
        idle.sort_unstable_by_key(|(active_at, id)| (*active_at, id.index));
        for (_, id) in &idle {
            let Some(series) = &self.places[id.index as usize].series else { continue };
            if near_metric(series.key.labels.metric()) {
                let metric = Arc::from(series.key.labels.metric());
                self.idle_by_metric.entry(metric).or_default().push_back(*id);
            }
        }
        self.idle = idle.into_iter().map(|(_, id)| id).collect();
        for id in expired {
            self.end(id);
            self.refusals.series_expired += 1;
        }
    }
}
