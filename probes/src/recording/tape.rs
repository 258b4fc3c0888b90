use super::{RecordedExchange, Recording, SecretMarks, Seed};
use checks::UnixMs;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a run without a network is answered with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Tape {
    pub seed: Seed,
    /// The time of day at which the run starts, for its script.
    pub started_at: UnixMs,
    pub tracks: Vec<Track>,
}

/// An exchange, with its secrets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Track {
    pub exchange: RecordedExchange,
    /// How long the head of the answer is held back.
    #[serde(default)]
    pub delay_ms: u64,
    /// How like the recorded request one must be to get this answer.
    pub likeness_min: Likeness,
}

/// How much a request is like a recorded one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Likeness {
    /// The same method, host and path.
    Path,
    /// And the same query.
    Url,
    /// And the same headers and body.
    Same,
}

/// A request of a run without a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    /// The track that answered it; none where no track was like it.
    pub track: Option<usize>,
    pub likeness: Likeness,
    pub method: String,
    /// Without the query.
    pub url: String,
}

impl Tape {
    /// The recording as it is. Any request that is at all like a recorded one is answered.
    pub fn of(recording: &Recording, secrets: &BTreeMap<String, String>) -> Self {
        let marks = SecretMarks::new(secrets);
        let track = |exchange: &RecordedExchange| Track {
            exchange: marks.fill(exchange.clone()),
            delay_ms: 0,
            likeness_min: Likeness::Path,
        };
        Self {
            seed: recording.seed,
            started_at: recording.started_at,
            tracks: recording.exchanges.iter().map(track).collect(),
        }
    }

    /// Asks as much likeness of requests as an undisturbed run has shown: what a script asks otherwise than recorded is
    /// then what a fault has brought about, and no recording knows what the target would have said to it.
    pub fn hold_to(&mut self, served: &[Served]) {
        for (index, track) in self.tracks.iter_mut().enumerate() {
            let shown = served.iter().filter(|served| served.track == Some(index)).map(|served| served.likeness);
            track.likeness_min = shown.min().unwrap_or(Likeness::Same);
        }
    }
}
