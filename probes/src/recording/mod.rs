//! What the exchanges of one run asked and got, kept so that the run can be made again without a network.
//!
//! `tocsin test --record` makes a [`Recording`] of each run that passes; `tocsin mutate` turns it into [`Tape`]s, with a
//! fault in each, and has the real script run on them in the real sandbox. Both runs draw the same random numbers and
//! start at the same time of day, so that what a script makes up (a state, a nonce, a code verifier) is the same again
//! and fits what was answered.
//!
//! A recording is JSON, versioned by [`Recording::format`] and extended by fields with defaults alone. The values of
//! declared secrets are not in it: `{{secret:NAME}}` stands for one, and `{{secret:NAME/n}}` for its n-th encoded form
//! ([`SecretMarks`]). Everything else that was sent and received is, cookies and tokens of the recorded run included.

mod marks;
mod player;
mod tape;

pub use marks::SecretMarks;
pub(crate) use player::{Player, Verse};
pub use tape::{Likeness, Served, Tape, Track};

use crate::transport::{Beginning, Overheard};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use checks::{CheckId, Region, Request, UnixMs};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Written into every recording; one with a larger number is not read.
pub const FORMAT: u32 = 1;

/// What is kept of all bodies of a run.
pub(crate) const BODIES_BYTES_MAX: usize = 4 << 20;

/// What a run's random numbers come from.
pub type Seed = [u32; 4];

/// One run that passed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recording {
    pub format: u32,
    pub check: CheckId,
    pub region: Region,
    pub slot: UnixMs,
    #[serde(default)]
    pub attempt: u32,
    pub started_at: UnixMs,
    /// The version that recorded it.
    #[serde(default)]
    pub tocsin: String,
    /// Of the script that ran; another one may still pass on the recording.
    #[serde(default)]
    pub script_hash: String,
    pub seed: Seed,
    #[serde(default)]
    pub vars: BTreeMap<String, String>,
    pub exchanges: Vec<RecordedExchange>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordedExchange {
    /// The names of the step and of those around it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// What was measured, as results have it.
    pub request: Request,
    pub sent: RecordedMessage,
    /// Absent where no head came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<RecordedMessage>,
}

impl RecordedExchange {
    /// Whether it is a request of HTTP, which can be answered from a recording.
    pub fn is_http(&self) -> bool {
        self.request.url.starts_with("http://") || self.request.url.starts_with("https://")
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RecordedMessage {
    /// Names in lower case, in the order in which they stood.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    #[serde(default)]
    pub body: RecordedBody,
}

impl RecordedMessage {
    /// The first header of this name, which is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// A body after content decoding: as `text` where it is UTF-8, as `base64` where it is not.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RecordedBody {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub base64: String,
    /// Whether it was read, or sent in one piece, to its end, and fits.
    pub is_whole: bool,
}

impl RecordedBody {
    pub fn of(bytes: &[u8], is_whole: bool) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self { text: text.to_owned(), base64: String::new(), is_whole },
            Err(_) => Self { text: String::new(), base64: STANDARD.encode(bytes), is_whole },
        }
    }

    pub fn bytes(&self) -> Vec<u8> {
        match self.base64.is_empty() {
            true => self.text.as_bytes().to_vec(),
            // A recording that was edited by hand: what cannot be read was not there.
            false => STANDARD.decode(&self.base64).unwrap_or_default(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.base64.is_empty()
    }
}

/// What the requests of a run asked and got, without the values of its secrets. `overheard` belongs to `requests` one
/// by one; `step` names a step by its index.
pub(crate) fn exchanges(
    requests: &[Request],
    overheard: &[Overheard],
    marks: &SecretMarks,
    step: impl Fn(u32) -> Option<String>,
) -> Vec<RecordedExchange> {
    let one = |(request, overheard): (&Request, &Overheard)| {
        let received = overheard.received_headers.as_ref();
        let exchange = RecordedExchange {
            step: request.step.and_then(&step),
            request: Request { step: None, transcript: None, ..request.clone() },
            sent: message(&overheard.sent_headers, &overheard.sent_body),
            received: received.map(|headers| message(headers, &overheard.received_body)),
        };
        marks.hide(exchange)
    };
    requests.iter().zip(overheard).map(one).collect()
}

fn message(headers: &HeaderMap, body: &Beginning) -> RecordedMessage {
    let pair = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    RecordedMessage { headers: headers.iter().map(pair).collect(), body: RecordedBody::of(&body.bytes, body.is_whole) }
}
