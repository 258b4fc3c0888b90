use super::wire::{self, Order, ProcessEnd, ToZygote};
use crate::script::ScriptBundle;
use crate::transport::NetworkSettings;
use std::collections::{HashMap, VecDeque};
use std::io;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::sync::oneshot;
use tokio_util::sync::{CancellationToken, DropGuard};

/// How much of a zygote's memory the scripts it keeps may take.
const BUNDLE_BYTES_MAX: usize = 32 << 20;

/// How many network settings a zygote keeps; a process has one for each region.
const NETWORKS_MAX: usize = 1_000;

/// What came of a run, as its zygote tells it.
#[derive(Debug)]
pub(super) struct Answer {
    pub end: ProcessEnd,
    /// The process's report or, where it made none, what is in its black box.
    pub report: Vec<u8>,
}

/// The daemon's end of one zygote: what was sent there, and who waits for an answer.
pub(super) struct Link {
    pub zygote: u32,
    /// Frames on their way to the zygote.
    frames: mpsc::Sender<Vec<u8>>,
    waiting: HashMap<u64, Waiting>,
    /// Bundles that the zygote keeps, the longest unused first.
    bundles: VecDeque<(String, usize)>,
    networks: HashMap<Vec<u8>, u32>,
    _served: DropGuard,
}

struct Waiting {
    answer: oneshot::Sender<Answer>,
    process: Option<i32>,
    /// What its process has reported so far.
    report: Vec<u8>,
}

impl Link {
    /// `served` is cancelled when the link is dropped: nobody serves a zygote that is not linked.
    pub fn new(zygote: u32, frames: mpsc::Sender<Vec<u8>>, served: CancellationToken) -> Self {
        Self {
            zygote,
            frames,
            waiting: HashMap::new(),
            bundles: VecDeque::new(),
            networks: HashMap::new(),
            _served: served.drop_guard(),
        }
    }

    pub fn in_flight(&self) -> usize {
        self.waiting.len()
    }

    pub fn processes(&self) -> impl Iterator<Item = i32> {
        self.waiting.values().filter_map(|waiting| waiting.process)
    }

    /// Sends an order, before it whatever the zygote needs for it and does not have.
    pub fn start(
        &mut self,
        run: u64,
        order: &Order,
        bundle: &ScriptBundle,
        network: &NetworkSettings,
    ) -> io::Result<oneshot::Receiver<Answer>> {
        self.send_bundle(bundle)?;
        let network = self.send_network(network)?;
        let start = ToZygote::Start { run, hash: bundle.hash.clone(), network, timeout_ms: order.timeout_ms };
        self.send(&start, &serde_json::to_vec(order)?)?;
        let (answer, answered) = oneshot::channel();
        self.waiting.insert(run, Waiting { answer, process: None, report: Vec::new() });
        Ok(answered)
    }

    pub fn forked(&mut self, run: u64, process: i32) {
        if let Some(waiting) = self.waiting.get_mut(&run) {
            waiting.process = Some(process);
        }
    }

    /// Keeps a part of a report, and of all its parts no more than one frame has. Its zygote, which kills a run that says
    /// too much, counts too.
    pub fn reported(&mut self, run: u64, mut part: Vec<u8>) {
        if let Some(waiting) = self.waiting.get_mut(&run)
            && waiting.report.len() + part.len() <= wire::FRAME_BYTES_MAX
        {
            if waiting.report.is_empty() {
                waiting.report = part;
            } else {
                waiting.report.append(&mut part);
            }
        }
    }

    /// `last` is the last part of the report or, where there is none, what is in the black box.
    pub fn ended(&mut self, run: u64, end: ProcessEnd, last: Vec<u8>) {
        if end != ProcessEnd::Reported
            && let Some(waiting) = self.waiting.get_mut(&run)
        {
            waiting.report.clear();
        }
        self.reported(run, last);
        if let Some(Waiting { answer, report, .. }) = self.waiting.remove(&run) {
            // Whoever asked may have gone away meanwhile.
            let _ = answer.send(Answer { end, report });
        }
    }

    fn send_bundle(&mut self, bundle: &ScriptBundle) -> io::Result<()> {
        if let Some(index) = self.bundles.iter().position(|(hash, _)| *hash == bundle.hash) {
            if let Some(known) = self.bundles.remove(index) {
                self.bundles.push_back(known);
            }
            return Ok(());
        }
        let hash = bundle.hash.clone();
        self.send(&ToZygote::Bundle { hash: hash.clone() }, &serde_json::to_vec(&bundle.modules)?)?;
        self.bundles.push_back((hash, bundle.size_bytes()));
        while self.bundles.len() > 1 && self.bundles.iter().map(|(_, bytes)| bytes).sum::<usize>() > BUNDLE_BYTES_MAX {
            if let Some((hash, _)) = self.bundles.pop_front() {
                self.send(&ToZygote::ForgetBundle { hash }, &[])?;
            }
        }
        Ok(())
    }

    fn send_network(&mut self, network: &NetworkSettings) -> io::Result<u32> {
        let json = wire::network_json(network);
        if let Some(number) = self.networks.get(&json) {
            return Ok(*number);
        }
        if self.networks.len() == NETWORKS_MAX {
            return Err(io::Error::other(format!("more than {NETWORKS_MAX} different network settings")));
        }
        let number = u32::try_from(self.networks.len()).map_err(io::Error::other)?;
        self.send(&ToZygote::Network { network: number }, &json)?;
        self.networks.insert(json, number);
        Ok(number)
    }

    fn send(&self, message: &ToZygote, body: &[u8]) -> io::Result<()> {
        let frame = wire::frame(message, body)?;
        self.frames.try_send(frame).map_err(|error| match error {
            TrySendError::Full(_) => io::Error::other("the zygote takes no orders"),
            TrySendError::Closed(_) => io::Error::from(io::ErrorKind::BrokenPipe),
        })
    }
}
