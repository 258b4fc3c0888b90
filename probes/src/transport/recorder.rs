//! What a run's exchanges looked like, kept up to date while they go on.

use super::overheard::{Beginning, Overheard};
use super::{DialProgress, RequestBody, TransportError};
use checks::{Phases, Request, RequestFailure, Tls};
use http::HeaderMap;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Is told how each exchange goes on, by its number.
pub(crate) type Onlooker = Box<dyn Fn(usize, Seen<'_>)>;

/// What an [`Onlooker`] is told.
pub(crate) enum Seen<'a> {
    /// How far the exchange is.
    Progress { request: &'a Request, waits_for: Option<String>, is_over: bool },
    /// Whether it waits for what it last said to wait for.
    Waits(bool),
}

/// The exchanges of one run. Clones share it.
#[derive(Clone)]
pub struct Recorder {
    shared: Rc<Shared>,
}

struct Shared {
    started: Instant,
    requests_max: usize,
    onlooker: Option<Onlooker>,
    entries: RefCell<Vec<Entry>>,
    dropped: Cell<u64>,
    /// What is left for bodies, of a run that is recorded; of any other, the beginnings are kept.
    bodies_left: Option<Cell<usize>>,
}

#[derive(Debug)]
struct Entry {
    request: Request,
    overheard: Overheard,
    state: State,
    /// Whether the onlooker knows that a body is being read: each piece of it would be news otherwise.
    body_seen: bool,
    /// Added to by the task that writes the body.
    sent_body_bytes: Arc<AtomicU64>,
}

/// What an exchange is waiting for.
#[derive(Debug, Clone)]
enum State {
    /// Another request to the same origin is setting up the connection that this one may share.
    Queued,
    Resolving,
    Connecting(Vec<SocketAddr>),
    Handshaking,
    /// For the response's head.
    Head,
    /// For a piece of the response's body that the script has asked for.
    Body,
    /// For something of another protocol than HTTP, such as `a line`.
    Other(&'static str),
    /// For the script: the head is there, and nobody reads the body.
    Script,
    Ended,
}

/// What [`Recorder::recorded`] gives.
#[derive(Debug, Default)]
pub struct RecordedRequests {
    pub requests: Vec<Request>,
    /// What each of them carried.
    pub overheard: Vec<Overheard>,
    /// Whether each of them has come to its end, good or bad.
    pub over: Vec<bool>,
    /// Exchanges past the bound, of which nothing was kept.
    pub dropped: u64,
}

impl Recorder {
    /// Offsets count from `started`. Past `requests_max` exchanges, further ones are only counted.
    pub fn new(started: Instant, requests_max: usize) -> Self {
        Self::with(started, requests_max, None, None)
    }

    /// Tells `onlooker` how the exchanges go on. Keeps the beginnings of bodies, or where `bodies_bytes_max` says so whole
    /// ones, up to this many bytes of all of them.
    pub(crate) fn watched(
        started: Instant,
        requests_max: usize,
        bodies_bytes_max: Option<usize>,
        onlooker: Onlooker,
    ) -> Self {
        Self::with(started, requests_max, bodies_bytes_max, Some(onlooker))
    }

    fn with(
        started: Instant,
        requests_max: usize,
        bodies_bytes_max: Option<usize>,
        onlooker: Option<Onlooker>,
    ) -> Self {
        let (entries, dropped) = (RefCell::default(), Cell::default());
        let bodies_left = bodies_bytes_max.map(Cell::new);
        Self { shared: Rc::new(Shared { started, requests_max, onlooker, entries, dropped, bodies_left }) }
    }

    pub(crate) fn begin(&self, method: &str, url: &str, step: Option<u32>) -> Exchange {
        let mut entries = self.shared.entries.borrow_mut();
        let sent_body_bytes = Arc::new(AtomicU64::new(0));
        let index = if entries.len() < self.shared.requests_max {
            let request = Request {
                method: method.to_owned(),
                url: url.to_owned(),
                step,
                start_us: micros(self.shared.started.elapsed()),
                phases: Phases::default(),
                status: None,
                http_version: None,
                remote_addr: None,
                tls: None,
                sent_body_bytes: 0,
                received_body_bytes: 0,
                failure: None,
                transcript: None,
            };
            let entry = Entry {
                request,
                overheard: Overheard::default(),
                state: State::Queued,
                body_seen: false,
                sent_body_bytes: Arc::clone(&sent_body_bytes),
            };
            self.shared.show(entries.len(), &entry);
            entries.push(entry);
            Some(entries.len() - 1)
        } else {
            self.shared.dropped.set(self.shared.dropped.get() + 1);
            None
        };
        Exchange { recorder: self.clone(), index, sent_body_bytes }
    }

    /// How many bytes a body may have of which `kept` are kept already.
    fn body_bytes_max(&self, kept: usize) -> usize {
        match &self.shared.bodies_left {
            Some(left) => kept + left.get(),
            None => Beginning::default().bytes_max,
        }
    }

    fn took(&self, bytes: usize) {
        if let Some(left) = &self.shared.bodies_left {
            left.set(left.get().saturating_sub(bytes));
        }
    }

    /// How many exchanges wait for the network right now.
    pub fn in_flight(&self) -> usize {
        self.shared.entries.borrow().iter().filter(|entry| entry.state.waits_for().is_some()).count()
    }

    /// What the run is waiting for, such as `POST https://auth.example.com/token waited for the first byte`: the
    /// oldest exchange, and how many more. `None` where nothing waits for the network.
    pub fn in_flight_summary(&self) -> Option<String> {
        let entries = self.shared.entries.borrow();
        let mut waiting = entries.iter().filter_map(|entry| Some((entry, entry.state.waits_for()?)));
        let (oldest, waits_for) = waiting.next()?;
        let summary = format!("{} {} {waits_for}", oldest.request.method, oldest.request.url);
        Some(match waiting.count() {
            0 => summary,
            more => format!("{summary}, and {more} more waited too"),
        })
    }

    /// The newest exchange with this URL that has an answer.
    pub fn newest(&self, url: &str) -> Option<Request> {
        let entries = self.shared.entries.borrow();
        let answered = |entry: &&Entry| entry.request.url == url && entry.request.status.is_some();
        entries.iter().rev().find(answered).map(Entry::snapshot)
    }

    /// Everything recorded so far; exchanges that still go on are there as far as they got, without a failure.
    pub fn recorded(&self) -> RecordedRequests {
        let entries = self.shared.entries.borrow();
        let requests = entries.iter().map(Entry::snapshot).collect();
        let overheard = entries.iter().map(|entry| entry.overheard.clone()).collect();
        let over = entries.iter().map(Entry::is_over).collect();
        RecordedRequests { requests, overheard, over, dropped: self.shared.dropped.get() }
    }
}

impl Shared {
    fn show(&self, index: usize, entry: &Entry) {
        if let Some(onlooker) = &self.onlooker {
            let (waits_for, is_over) = (entry.state.waits_for(), entry.is_over());
            onlooker(index, Seen::Progress { request: &entry.request, waits_for, is_over });
        }
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("entries", &self.shared.entries).finish_non_exhaustive()
    }
}

impl State {
    /// Ends the sentence "GET https://... ".
    fn waits_for(&self) -> Option<String> {
        Some(match self {
            Self::Queued => "waited for another request's connection to the same host".to_owned(),
            Self::Resolving => "waited for its name to be resolved".to_owned(),
            Self::Connecting(addresses) => {
                let addresses: Vec<String> = addresses.iter().map(SocketAddr::to_string).collect();
                format!("waited for a connection to {}", addresses.join(" or "))
            }
            Self::Handshaking => "waited for the TLS handshake".to_owned(),
            Self::Head => "waited for the first byte".to_owned(),
            Self::Body => "waited for the rest of the body".to_owned(),
            Self::Other(what) => format!("waited for {what}"),
            Self::Script | Self::Ended => return None,
        })
    }
}

impl Entry {
    fn is_over(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    fn snapshot(&self) -> Request {
        let mut request = self.request.clone();
        request.sent_body_bytes = self.sent_body_bytes.load(Ordering::Relaxed);
        request
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// The record of one exchange. Past the recorder's bound it records nothing.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    recorder: Recorder,
    index: Option<usize>,
    pub(super) sent_body_bytes: Arc<AtomicU64>,
}

impl Exchange {
    fn change(&self, change: impl FnOnce(&mut Entry)) {
        let mut entries = self.recorder.shared.entries.borrow_mut();
        if let Some(entry) = self.index.and_then(|index| entries.get_mut(index)) {
            change(entry);
        }
    }

    fn phase(&self, state: State, change: impl FnOnce(&mut Request)) {
        self.change(|entry| {
            entry.state = state;
            change(&mut entry.request);
        });
        self.show();
    }

    fn show(&self) {
        let entries = self.recorder.shared.entries.borrow();
        if let Some((index, entry)) = self.index.and_then(|index| Some((index, entries.get(index)?))) {
            self.recorder.shared.show(index, entry);
        }
    }

    /// The onlooker is told of the first piece of a body, and of the others whether one is waited for.
    fn piece(&self, state: State, change: impl FnOnce(&mut Request)) {
        let waits = matches!(state, State::Body);
        let mut is_first = false;
        self.change(|entry| {
            entry.state = state;
            change(&mut entry.request);
            is_first = !std::mem::replace(&mut entry.body_seen, true);
        });
        match (&self.recorder.shared.onlooker, self.index) {
            (Some(onlooker), Some(index)) if !is_first => onlooker(index, Seen::Waits(waits)),
            _ => self.show(),
        }
    }

    pub(crate) fn dialled(&self, progress: DialProgress<'_>) {
        match progress {
            DialProgress::Resolving => self.phase(State::Resolving, |_| {}),
            DialProgress::Resolved(took) => {
                self.phase(State::Queued, |request| request.phases.dns_us = Some(micros(took)));
            }
            DialProgress::Connecting(addresses) => self.phase(State::Connecting(addresses.to_vec()), |_| {}),
            DialProgress::Connected(took) => {
                self.phase(State::Queued, |request| request.phases.connect_us = Some(micros(took)));
            }
        }
    }

    pub(crate) fn handshaking(&self) {
        self.phase(State::Handshaking, |_| {});
    }

    pub(crate) fn handshaken(&self, took: Duration) {
        self.phase(State::Queued, |request| request.phases.tls_us = Some(micros(took)));
    }

    pub(crate) fn tls(&self, tls: Tls) {
        self.change(|entry| entry.request.tls = Some(tls));
    }

    /// The request goes out on a connection, new or kept.
    pub(super) fn sending(&self, remote: SocketAddr, tls: Option<&Tls>) {
        self.phase(State::Head, |request| {
            request.remote_addr = Some(remote.to_string());
            request.tls = tls.cloned();
        });
    }

    /// What the request says, as its author wrote it and with what every request has.
    pub(super) fn says(&self, headers: &HeaderMap, body: &RequestBody) {
        self.change(|entry| {
            let bytes_max = self.recorder.body_bytes_max(0);
            entry.overheard.sent_headers = headers.clone();
            entry.overheard.sent_body = Beginning::of(body, bytes_max);
            self.recorder.took(entry.overheard.sent_body.bytes.len());
        });
    }

    /// A piece of the response's body, decoded.
    pub(super) fn hears(&self, piece: &[u8]) {
        self.change(|entry| {
            let body = &mut entry.overheard.received_body;
            let kept = body.bytes.len();
            body.bytes_max = self.recorder.body_bytes_max(kept);
            body.add(piece);
            self.recorder.took(body.bytes.len() - kept);
        });
    }

    /// The response's body has been read to its end, this long once decoded.
    pub(super) fn heard_all(&self, length_bytes: u64) {
        self.change(|entry| entry.overheard.received_body.end(length_bytes));
    }

    pub(super) fn wants_to_hear(&self) -> bool {
        let entries = self.recorder.shared.entries.borrow();
        self.index.and_then(|index| entries.get(index)).is_some_and(|entry| entry.overheard.received_body.has_room())
    }

    pub(super) fn recorded_tls(&self) -> Option<Tls> {
        let entries = self.recorder.shared.entries.borrow();
        entries.get(self.index?)?.request.tls.clone()
    }

    pub(super) fn answered(&self, took: Duration, status: u16, version: &str, headers: &HeaderMap) {
        self.change(|entry| entry.overheard.received_headers = Some(headers.clone()));
        self.phase(State::Script, |request| {
            request.phases.first_byte_us = Some(micros(took));
            request.status = Some(status);
            request.http_version = Some(version.to_owned());
        });
    }

    /// Waits for an answer that is played, as for one from the network.
    pub(super) fn plays(&self) {
        self.phase(State::Head, |_| {});
    }

    /// Was answered with what another run has recorded, this much later.
    pub(super) fn played(&self, recorded: &Request, late: Duration, headers: Option<&HeaderMap>) {
        self.change(|entry| entry.overheard.received_headers = headers.cloned());
        self.phase(State::Script, |request| {
            request.phases = Phases { download_us: None, ..recorded.phases };
            if let Some(first_byte_us) = &mut request.phases.first_byte_us {
                *first_byte_us = first_byte_us.saturating_add(micros(late));
            }
            request.status = recorded.status;
            request.http_version.clone_from(&recorded.http_version);
            request.remote_addr.clone_from(&recorded.remote_addr);
            request.tls.clone_from(&recorded.tls);
        });
    }

    /// The script asks for a piece of the body.
    pub(super) fn reading(&self) {
        self.piece(State::Body, |_| {});
    }

    /// The piece has come, after this long. Only time that somebody waited counts as download.
    pub(super) fn read(&self, waited: Duration) {
        self.piece(State::Script, |request| {
            let so_far = request.phases.download_us.unwrap_or(0);
            request.phases.download_us = Some(so_far.saturating_add(micros(waited)));
        });
    }

    /// Bytes of the body came in, as they were sent.
    pub(crate) fn received(&self, bytes: usize) {
        self.change(|entry| entry.request.received_body_bytes += bytes as u64);
    }

    pub(crate) fn ended(&self) {
        self.phase(State::Ended, |request| {
            request.phases.download_us.get_or_insert(0);
        });
    }

    pub(crate) fn failed(&self, error: &TransportError) {
        self.phase(State::Ended, |request| {
            let failure = RequestFailure { class: error.class(), message: error.to_string() };
            request.failure.get_or_insert(failure);
        });
    }

    /// Another protocol than HTTP is spoken from here on, with this address.
    pub(crate) fn speaking(&self, remote: String) {
        self.phase(State::Script, |request| request.remote_addr = Some(remote));
    }

    /// The script waits for `what` of the peer.
    pub(crate) fn waits_for(&self, what: &'static str) {
        self.phase(State::Other(what), |_| {});
    }

    /// What the script waited for has come, `bytes` of it. The first answer of an exchange is its first byte.
    pub(crate) fn came(&self, waited: Duration, bytes: usize) {
        self.phase(State::Script, |request| {
            request.received_body_bytes += bytes as u64;
            if request.phases.first_byte_us.is_none() {
                request.phases.first_byte_us = Some(micros(waited));
            } else {
                let so_far = request.phases.download_us.unwrap_or(0);
                request.phases.download_us = Some(so_far.saturating_add(micros(waited)));
            }
        });
    }

    pub(crate) fn sent(&self, bytes: usize) {
        self.sent_body_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn status(&self, status: u16, version: &str) {
        self.change(|entry| {
            entry.request.status = Some(status);
            entry.request.http_version = Some(version.to_owned());
        });
    }

    pub(crate) fn snapshot(&self) -> Option<Request> {
        let entries = self.recorder.shared.entries.borrow();
        entries.get(self.index?).map(Entry::snapshot)
    }

    /// Ends the sentence "it ...", where the exchange waits for the network.
    pub(crate) fn waited_for(&self) -> String {
        let entries = self.recorder.shared.entries.borrow();
        let waits = self.index.and_then(|index| entries.get(index)).and_then(|entry| entry.state.waits_for());
        waits.unwrap_or_else(|| "waited for the network".to_owned())
    }

    /// The script has let go of the exchange. A body that nobody wanted is no failure.
    pub(super) fn abandoned(&self) {
        let mut cancelled = None;
        self.change(|entry| {
            match entry.state.waits_for() {
                Some(waits_for) => cancelled = Some(waits_for),
                None => entry.state = State::Ended,
            };
        });
        self.show();
        if let Some(waits_for) = cancelled {
            self.failed(&TransportError::Cancelled(waits_for));
        }
    }
}
