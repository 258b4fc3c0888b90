//! The store itself: append, select, read, expire.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::block::BlockSource;
use super::open_chunk::OpenChunk;
use super::postings::{Candidates, Postings};
use super::sealed_chunk::SealedChunk;
use super::{LabelError, Labels, Matcher, STALE_NAN, Sample, SettingsError, StoreSettings, is_stale};

/// A series within one store. Never given to another series while the process lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SeriesId(pub u32);

/// What a metric is, as its source said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MetricType {
    Counter,
    Gauge,
    Histogram,
    Summary,
}

/// Why a sample was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("the sample is older than the newest one of its series")]
    OutOfOrder,
    #[error("the series has another value at this instant already")]
    DuplicateInstant,
    #[error("the sample is from further in the future than clocks may differ")]
    TooFarAhead,
    #[error("the sample is older than what is kept")]
    TooOld,
    #[error("there are {max} series, the most that `series_max` allows")]
    SeriesMax { max: usize },
    #[error("the metric {metric:?} has {max} series, the most that `series_per_metric_max` allows")]
    SeriesPerMetricMax { metric: String, max: usize },
    #[error("the series has more labels, or longer ones, than allowed")]
    LabelsTooLarge,
    #[error(transparent)]
    Label(#[from] LabelError),
}

/// What the store took and refused since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counters {
    pub samples_taken: u64,
    pub out_of_order: u64,
    pub duplicate_instant: u64,
    pub too_far_ahead: u64,
    pub too_old: u64,
    pub series_max: u64,
    pub series_per_metric_max: u64,
    pub labels_too_large: u64,
    pub series_expired: u64,
    /// Sealed chunks that went because of `chunk_bytes_max`, before their retention was over.
    pub chunks_dropped_for_memory: u64,
    /// Of them, those that no block has: their samples are lost.
    pub chunks_lost_for_memory: u64,
}

/// A series' samples in a block on disk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Archived {
    pub first_ms: i64,
    pub last_ms: i64,
    pub block: u64,
    pub offset: u32,
    pub length: u32,
}

#[derive(Debug, Clone)]
pub(super) struct Series {
    pub labels: Labels,
    /// In blocks, oldest first; may overlap what still is in memory.
    pub archived: Vec<Archived>,
    /// Thinned out, in history blocks, oldest first; may overlap the blocks.
    pub history: Vec<Archived>,
    pub sealed: Vec<SealedChunk>,
    pub open: Option<OpenChunk>,
    /// The newest sample; reading it is what most rules do.
    pub last: Sample,
}

impl Series {
    /// From when on memory has the samples.
    fn resident_from_ms(&self) -> Option<i64> {
        self.sealed.first().map(SealedChunk::first_ms).or_else(|| self.open.as_ref().map(|open| open.first().at_ms))
    }
}

/// All series of this process.
pub struct Store {
    pub(super) settings: StoreSettings,
    pub(super) series: Vec<Option<Series>>,
    pub(super) alive: usize,
    pub(super) by_labels: HashMap<Labels, SeriesId>,
    pub(super) postings: Postings,
    types: HashMap<Arc<str>, MetricType>,
    pub(super) sealed_bytes: usize,
    pub(super) counters: Counters,
    pub(super) newest_ms: i64,
    pub(super) blocks: Option<Arc<dyn BlockSource>>,
}

impl Store {
    /// # Errors
    /// A setting that cannot work.
    pub fn new(settings: StoreSettings) -> Result<Self, SettingsError> {
        settings.validate()?;
        Ok(Self {
            settings,
            series: Vec::new(),
            alive: 0,
            by_labels: HashMap::new(),
            postings: Postings::default(),
            types: HashMap::new(),
            sealed_bytes: 0,
            counters: Counters::default(),
            newest_ms: i64::MIN,
            blocks: None,
        })
    }

    /// Says where blocks are read; without it, archived samples are not found.
    pub fn with_blocks(mut self, blocks: Arc<dyn BlockSource>) -> Self {
        self.blocks = Some(blocks);
        self
    }

    pub fn settings(&self) -> &StoreSettings {
        &self.settings
    }

    pub fn counters(&self) -> Counters {
        self.counters
    }

    pub fn series_count(&self) -> usize {
        self.alive
    }

    /// Bytes of memory of all chunks, sealed and open.
    pub fn chunk_bytes(&self) -> usize {
        let open = self.series.iter().flatten().filter_map(|series| series.open.as_ref()).map(OpenChunk::bytes_len);
        self.sealed_bytes + open.sum::<usize>()
    }

    /// The instant of the newest sample of all.
    pub fn newest_ms(&self) -> Option<i64> {
        (self.newest_ms != i64::MIN).then_some(self.newest_ms)
    }

    /// Notes what a metric is. The last word counts.
    pub fn describe(&mut self, metric: &str, kind: MetricType) {
        self.types.insert(Arc::from(metric), kind);
    }

    /// What the metric is, if its source said so.
    pub fn metric_type(&self, metric: &str) -> Option<MetricType> {
        self.types.get(metric).copied()
    }

    pub fn metric_types(&self) -> impl Iterator<Item = (&str, MetricType)> {
        self.types.iter().map(|(metric, kind)| (&**metric, *kind))
    }

    /// The series with exactly these labels.
    pub fn find(&self, labels: &Labels) -> Option<SeriesId> {
        self.by_labels.get(labels).copied()
    }

    /// The series with exactly these labels, made if it is new.
    ///
    /// # Errors
    /// A bound that keeps the series out; it is counted.
    pub fn open(&mut self, labels: &Labels) -> Result<SeriesId, Rejection> {
        if let Some(id) = self.by_labels.get(labels) {
            return Ok(*id);
        }
        if labels.len() > self.settings.labels_per_series_max || labels.text_bytes() > self.settings.label_bytes_max {
            self.counters.labels_too_large += 1;
            return Err(Rejection::LabelsTooLarge);
        }
        if self.alive >= self.settings.series_max {
            self.counters.series_max += 1;
            return Err(Rejection::SeriesMax { max: self.settings.series_max });
        }
        let metric = labels.metric().unwrap_or_default();
        if self.postings.of(super::METRIC_NAME, metric).len() >= self.settings.series_per_metric_max {
            self.counters.series_per_metric_max += 1;
            let (metric, max) = (metric.to_owned(), self.settings.series_per_metric_max);
            return Err(Rejection::SeriesPerMetricMax { metric, max });
        }
        let id = SeriesId(self.series.len() as u32);
        let labels = Labels::from_sorted(
            labels
                .iter()
                .map(|(name, value)| {
                    self.postings.shared(name, value).unwrap_or_else(|| (Arc::clone(name), Arc::clone(value)))
                })
                .collect(),
        );
        self.postings.add(id, &labels);
        self.by_labels.insert(labels.clone(), id);
        let never = Sample { at_ms: i64::MIN, value: STALE_NAN };
        let (archived, history, sealed) = (Vec::new(), Vec::new(), Vec::new());
        self.series.push(Some(Series { labels, archived, history, sealed, open: None, last: never }));
        self.alive += 1;
        Ok(id)
    }

    /// Appends one sample to the series with these labels.
    ///
    /// # Errors
    /// Why it was not taken; counted.
    pub fn append(&mut self, labels: &Labels, sample: Sample, now_ms: i64) -> Result<SeriesId, Rejection> {
        let id = self.open(labels)?;
        self.append_to(id, sample, now_ms)?;
        Ok(id)
    }

    /// Appends one sample to a series that [`Store::open`] gave. A series that has expired takes nothing.
    ///
    /// # Errors
    /// Why it was not taken; counted.
    pub fn append_to(&mut self, id: SeriesId, sample: Sample, now_ms: i64) -> Result<(), Rejection> {
        if sample.at_ms > now_ms.saturating_add(self.settings.ahead_ms_max) {
            self.counters.too_far_ahead += 1;
            return Err(Rejection::TooFarAhead);
        }
        let Some(series) = self.series.get_mut(id.0 as usize).and_then(Option::as_mut) else {
            self.counters.too_old += 1;
            return Err(Rejection::TooOld);
        };
        if sample.at_ms < now_ms.saturating_sub(self.settings.retention_ms) {
            self.counters.too_old += 1;
            return Err(Rejection::TooOld);
        }
        if sample.at_ms <= series.last.at_ms {
            if sample.at_ms < series.last.at_ms {
                self.counters.out_of_order += 1;
                return Err(Rejection::OutOfOrder);
            }
            if sample.value.to_bits() == series.last.value.to_bits() {
                // A retry of what is known already is no error.
                return Ok(());
            }
            self.counters.duplicate_instant += 1;
            return Err(Rejection::DuplicateInstant);
        }
        match &mut series.open {
            Some(open) => open.push(sample),
            None => series.open = Some(OpenChunk::new(sample)),
        }
        series.last = sample;
        if let Some(open) = series.open.take_if(|open| open.count() >= self.settings.chunk_samples) {
            let sealed = SealedChunk::seal(&open);
            self.sealed_bytes += sealed.memory_bytes();
            series.sealed.push(sealed);
        }
        self.newest_ms = self.newest_ms.max(sample.at_ms);
        self.counters.samples_taken += 1;
        Ok(())
    }

    /// Says that the series has ended at this instant. Nothing happens to one that has ended already.
    pub fn end(&mut self, id: SeriesId, at_ms: i64, now_ms: i64) {
        if self.newest(id).is_some_and(|last| !is_stale(last.value) && last.at_ms < at_ms) {
            // The only rejections left are the bounds of time, which are counted.
            let _ = self.append_to(id, Sample { at_ms, value: STALE_NAN }, now_ms);
        }
    }

    fn series(&self, id: SeriesId) -> Option<&Series> {
        self.series.get(id.0 as usize)?.as_ref()
    }

    pub fn labels(&self, id: SeriesId) -> Option<&Labels> {
        self.series(id).map(|series| &series.labels)
    }

    /// The newest sample, staleness markers included.
    #[inline]
    pub fn newest(&self, id: SeriesId) -> Option<Sample> {
        self.series(id).map(|series| series.last).filter(|last| last.at_ms != i64::MIN)
    }

    /// The series that all matchers accept, in the order in which they were made.
    pub fn select(&self, matchers: &[Matcher]) -> Vec<SeriesId> {
        let accepted = |id: &SeriesId| {
            self.series(*id).is_some_and(|series| matchers.iter().all(|matcher| matcher.accepts_labels(&series.labels)))
        };
        match self.postings.candidates(matchers) {
            Candidates::List(ids) => ids.iter().copied().filter(accepted).collect(),
            Candidates::Owned(ids) => ids.into_iter().filter(accepted).collect(),
            Candidates::Every => self.ids().filter(accepted).collect(),
        }
    }

    /// Whether the series has a sample in `[from_ms, to_ms]`, as its chunks' bounds say.
    pub fn overlaps(&self, id: SeriesId, from_ms: i64, to_ms: i64) -> bool {
        self.series(id).is_some_and(|series| {
            let in_blocks = [series.archived.first(), series.history.first()].into_iter().flatten();
            let first_ms = in_blocks.map(|archived| archived.first_ms).chain(series.resident_from_ms()).min();
            first_ms.is_some_and(|first_ms| first_ms <= to_ms) && series.last.at_ms >= from_ms
        })
    }

    /// Ids of all living series.
    pub fn ids(&self) -> impl Iterator<Item = SeriesId> {
        self.series.iter().enumerate().filter(|(_, series)| series.is_some()).map(|(index, _)| SeriesId(index as u32))
    }

    /// Appends the samples in `(from_ms, to_ms]` to `out`, oldest first, staleness markers included.
    pub fn read(&self, id: SeriesId, from_ms: i64, to_ms: i64, out: &mut Vec<Sample>) {
        let Some(series) = self.series(id) else { return };
        let resident_ms = series.resident_from_ms().unwrap_or(i64::MAX);
        let full_ms = series.archived.first().map_or(resident_ms, |archived| archived.first_ms.min(resident_ms));
        if from_ms < full_ms.saturating_sub(1) {
            self.read_blocks(&series.history, from_ms, to_ms.min(full_ms.saturating_sub(1)), out);
        }
        if from_ms < resident_ms.saturating_sub(1) {
            self.read_blocks(&series.archived, from_ms, to_ms.min(resident_ms.saturating_sub(1)), out);
        }
        let start = series.sealed.partition_point(|chunk| chunk.last_ms() <= from_ms);
        for chunk in &series.sealed[start..] {
            if chunk.first_ms() > to_ms {
                return;
            }
            chunk.read(from_ms, to_ms, out);
        }
        if let Some(open) = &series.open
            && open.last().at_ms > from_ms
            && open.first().at_ms <= to_ms
        {
            let inside = open.iter().skip_while(|sample| sample.at_ms <= from_ms);
            out.extend(inside.take_while(|sample| sample.at_ms <= to_ms));
        }
    }

    pub fn label_names(&self) -> Vec<Arc<str>> {
        self.postings.names()
    }

    pub fn label_values(&self, name: &str) -> impl Iterator<Item = &Arc<str>> {
        self.postings.values(name)
    }

    /// The sealed chunks of a series, oldest first.
    pub fn sealed(&self, id: SeriesId) -> &[SealedChunk] {
        self.series(id).map_or(&[], |series| &series.sealed)
    }
}
