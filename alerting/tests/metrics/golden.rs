//! The files that version 1 wrote must be read by every later version. `TOCSIN_WRITE_GOLDEN=1` writes them anew, which
//! only a new version of the format may do, beside the old ones.

use std::path::{Path, PathBuf};

use alerting::series::block::{BlockIndex, chunks};
use alerting::series::log::{LogWriter, replay, segment_head};
use alerting::series::{Labels, MetricType, STALE_NAN, Sample, Store, StoreSettings};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/metrics/golden").join(name)
}

/// One series for each encoding of a chunk.
fn samples() -> Vec<(Labels, Vec<Sample>)> {
    let series = |name: &str, jitter: i64, value: fn(i64) -> f64| {
        let labels =
            Labels::of_metric("logins_total", &[("kind", name), ("region", "eu-west-1")]).expect("valid labels");
        let at = |index: i64| Sample {
            at_ms: 1_700_000_000_000 + index * 10_000 + index * index % 7 * jitter,
            value: value(index),
        };
        (labels, (0..30).map(at).collect())
    };
    vec![
        series("counter", 0, |index| (index * 17) as f64),
        series("hundredths", 3, |index| (index * index % 100) as f64 / 100.0),
        series("thirds", 3, |index| index as f64 / 3.0),
        series("ends", 0, |index| if index % 10 == 9 { STALE_NAN } else { f64::NAN }),
    ]
}

fn written() -> (Vec<u8>, Vec<u8>) {
    let mut store =
        Store::new(StoreSettings { chunk_samples: 12, ..StoreSettings::default() }).expect("valid settings");
    let mut log = LogWriter::default();
    let mut segment = segment_head([]);
    log.metric("logins_total", MetricType::Counter);
    for (labels, samples) in samples() {
        for sample in samples {
            let id = store.append(&labels, sample, sample.at_ms).expect("taken");
            log.sample(id, &labels, sample);
        }
    }
    segment.extend(log.take());
    (store.archive().expect("samples").0, segment)
}

fn bits(samples: &[Sample]) -> Vec<(i64, u64)> {
    samples.iter().map(|sample| (sample.at_ms, sample.value.to_bits())).collect()
}

#[test]
fn version_1_is_read() {
    if std::env::var_os("TOCSIN_WRITE_GOLDEN").is_some() {
        let (block, segment) = written();
        std::fs::create_dir_all(golden("")).expect("the folder");
        std::fs::write(golden("version-1.block"), block).expect("written");
        std::fs::write(golden("version-1.segment"), segment).expect("written");
    }
    let block = std::fs::read(golden("version-1.block")).expect("the golden block");
    let index = BlockIndex::decode(&block).expect("a block");
    assert_eq!(index.entries.len(), 4);
    for (entry, (labels, samples)) in index.entries.iter().zip(samples()) {
        let frame = &block[entry.offset as usize..(entry.offset + entry.length) as usize];
        let mut read = Vec::new();
        chunks(frame).expect("chunks").iter().for_each(|chunk| chunk.read(i64::MIN, i64::MAX, &mut read));
        assert_eq!((&entry.labels, bits(&read)), (&labels, bits(&samples)));
    }
    let segment = std::fs::read(golden("version-1.segment")).expect("the golden segment");
    let mut store = Store::new(StoreSettings::default()).expect("valid settings");
    let report = replay(&segment, &mut store, 1_700_000_300_000);
    assert_eq!((report.samples_taken, report.samples_refused, report.torn_bytes), (120, 0, 0));
    assert_eq!(store.metric_type("logins_total"), Some(MetricType::Counter));
    for (labels, samples) in samples() {
        let mut read = Vec::new();
        store.read(store.find(&labels).expect("there"), i64::MIN, i64::MAX, &mut read);
        assert_eq!(bits(&read), bits(&samples), "{labels}");
    }
}
