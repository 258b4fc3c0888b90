//! What the daemon and its zygotes say to each other, over two pipes.
//!
//! A frame is the length of its head, the length of its body (both 32 bits, big-endian), the head as JSON and the body
//! as it is. A zygote looks at heads only: an order with its secrets, or a report of a hostile process, passes through
//! it unread.

use super::{Containment, Limits};
use crate::broker::Ticket;
use crate::recording::{RecordedExchange, Seed, Served, Tape};
use crate::script::Module;
use crate::transport::NetworkSettings;
use checks::{ConsoleLine, Dropped, HostPattern, Metric, Outcome, Request, RunKey, Step, UnixMs};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, Read, Write};

/// Larger frames are a sign that the two sides lost each other.
pub(super) const FRAME_BYTES_MAX: usize = 64 << 20;

pub(super) const PREFIX_BYTES: usize = 8;

/// From the daemon.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum ToZygote {
    /// The first frame.
    Setup {
        limits: Limits,
        rehearses: bool,
    },
    /// Keep a bundle; the body is the JSON of [`Modules`].
    Bundle {
        hash: String,
    },
    ForgetBundle {
        hash: String,
    },
    /// Keep network settings; the body is their JSON.
    Network {
        network: u32,
    },
    /// Fork a run; the body is the JSON of [`Order`].
    Start {
        run: u64,
        hash: String,
        network: u32,
        timeout_ms: u64,
    },
}

/// From a zygote.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum FromZygote {
    /// The answer to [`ToZygote::Setup`].
    Ready {
        containment: Containment,
    },
    /// The engine does not start, and the zygote gives up.
    Unfit {
        reason: String,
    },
    Forked {
        run: u64,
        process: i32,
    },
    /// The body is a part of the process's [`Report`].
    Part {
        run: u64,
    },
    /// The body is the last part of the process's [`Report`] where the end is [`ProcessEnd::Reported`], and elsewhere what
    /// is in its black box.
    Ended {
        run: u64,
        end: ProcessEnd,
    },
}

/// How a run's process came to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ProcessEnd {
    Reported,
    /// It did not stop by itself, and was killed after its time and the grace.
    Overdue,
    Signal(i32),
    Exit(i32),
    /// It reported more than a result may hold, and was killed.
    TooLarge,
    NotForked {
        reason: String,
    },
}

pub(super) type Modules = Vec<Module>;

/// What a run's process is to do.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    pub task: Task,
    /// What the run shows the broker; a script that is only described connects nowhere.
    pub ticket: Ticket,
    /// Where secrets may go, of those that may not go everywhere.
    pub secret_hosts: BTreeMap<String, Vec<HostPattern>>,
    pub timeout_ms: u64,
    #[serde(default)]
    pub mode: Mode,
}

/// Where a run's answers come from, and whether they are kept.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) enum Mode {
    #[default]
    Live,
    /// With random numbers that can be drawn again.
    Record(Seed),
    Replay(Box<Tape>),
    /// Lines of a prompt in place of the script.
    Prompt,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Task {
    Describe,
    Run { key: RunKey, vars: BTreeMap<String, String>, secrets: BTreeMap<String, String> },
}

/// What a run's process found out.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Report {
    Ran(Ran),
    /// What the host script read from the default export, as JSON.
    Described(String),
    NotDescribed(Outcome),
    /// The process could not do its part.
    Unfit(String),
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Ran {
    pub started_at: UnixMs,
    pub duration_us: u64,
    pub outcome: Outcome,
    pub steps: Vec<Step>,
    pub requests: Vec<Request>,
    pub console: Vec<ConsoleLine>,
    pub metrics: Vec<Metric>,
    pub dropped: Dropped,
    /// Of a run that is recorded, unless it is too large.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<Vec<RecordedExchange>>,
    /// Of a run that a recording answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub served: Vec<Served>,
}

pub(super) fn frame(head: &impl Serialize, body: &[u8]) -> io::Result<Vec<u8>> {
    let mut frame = beginning(head, body.len())?;
    frame.reserve_exact(body.len());
    frame.extend_from_slice(body);
    Ok(frame)
}

/// A frame up to its body.
fn beginning(head: &impl Serialize, body_bytes: usize) -> io::Result<Vec<u8>> {
    let head = serde_json::to_vec(head)?;
    let mut beginning = Vec::with_capacity(PREFIX_BYTES + head.len());
    for part in [head.len(), body_bytes] {
        let length = u32::try_from(part).map_err(|_| io::Error::other("a frame of more than 4 GiB"))?;
        beginning.extend_from_slice(&length.to_be_bytes());
    }
    beginning.extend_from_slice(&head);
    Ok(beginning)
}

/// The lengths of head and body.
pub(super) fn lengths(prefix: [u8; PREFIX_BYTES]) -> io::Result<(usize, usize)> {
    let [a, b, c, d, e, f, g, h] = prefix;
    let head = u32::from_be_bytes([a, b, c, d]) as usize;
    let body = u32::from_be_bytes([e, f, g, h]) as usize;
    if head + body > FRAME_BYTES_MAX {
        return Err(io::Error::other(format!("a frame of {} bytes; the limit is {FRAME_BYTES_MAX}", head + body)));
    }
    Ok((head, body))
}

pub(super) fn write(output: &mut impl Write, head: &impl Serialize, body: &[u8]) -> io::Result<()> {
    write_head(output, head, body.len())?;
    output.write_all(body)
}

/// A frame whose body of `body_bytes` is written by other means.
pub(super) fn write_head(output: &mut impl Write, head: &impl Serialize, body_bytes: usize) -> io::Result<()> {
    output.write_all(&beginning(head, body_bytes)?)
}

/// The next frame, or `None` where the other side has closed.
pub(super) fn read<T: DeserializeOwned>(input: &mut impl Read) -> io::Result<Option<(T, Vec<u8>)>> {
    let mut prefix = [0; PREFIX_BYTES];
    match input.read_exact(&mut prefix) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let (head_bytes, body_bytes) = lengths(prefix)?;
    let mut head = vec![0; head_bytes];
    input.read_exact(&mut head)?;
    let mut body = vec![0; body_bytes];
    input.read_exact(&mut body)?;
    Ok(Some((serde_json::from_slice(&head)?, body)))
}

pub(super) fn network_json(settings: &NetworkSettings) -> Vec<u8> {
    serde_json::to_vec(settings).expect("network settings have string keys only")
}
