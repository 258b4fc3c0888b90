//! The web's `fetch` as scripts know it.
//!
//! `Headers`, `Request`, `Response`, bodies and redirects are deno's JavaScript, unchanged: it follows the WHATWG
//! standard, and its text is embedded from the `deno_fetch` package. Below it are two operations of our own. `op_fetch`
//! starts a request on [`crate::transport`], `op_fetch_send` waits for the response's head; bodies are resources, both
//! ways.
//!
//! What a rejection carries: a message that names what failed and the request, and the failure's class under
//! `Symbol.for("tocsin.class")`, so that a script that lets it pass fails with the right class. Its stack is that of
//! the call, since the network has none.
//!
//! A server-side fetch has no forbidden headers, no cookie jar and no CORS: `Host`, `Cookie` and the rest are the
//! author's.

mod ops;
mod request_body;
mod response_body;

pub(crate) use ops::js_error;

use crate::recording::{Player, Served};
use crate::transport::{
    Client, Dialer, NetworkSettings, Onlooker, Overheard, Prepared, RecordedRequests, Recorder, SecretGuard,
};
use deno_core::{Extension, ExtensionFileSource, OpState};
use response_body::NetworkBody;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What is built once for all runs with the same settings, before they are forked off.
pub(crate) type PreparedNetwork = Prepared;

pub(crate) fn prepare(settings: &NetworkSettings) -> Result<Arc<PreparedNetwork>, String> {
    Prepared::new(settings.clone()).map(Arc::new).map_err(|error| error.to_string())
}

/// The network of one run.
pub(crate) struct RunNetwork {
    pub(crate) prepared: Arc<PreparedNetwork>,
    pub(crate) dialer: Dialer,
    pub(crate) guard: SecretGuard,
    /// Offsets of requests count from here.
    pub(crate) started: Instant,
    pub(crate) requests_max: usize,
    /// What is kept of all bodies, where the run is recorded.
    pub(crate) bodies_bytes_max: Option<usize>,
    pub(crate) player: Option<Player>,
    /// The step that is current whenever `op_fetch` is called.
    pub(crate) current_step: Rc<Cell<Option<u32>>>,
    pub(crate) onlooker: Onlooker,
}

/// What a run's requests looked like.
pub(crate) struct RequestLog {
    pub(crate) requests: Vec<checks::Request>,
    /// What each of them carried.
    pub(crate) overheard: Vec<Overheard>,
    /// Whether each of them has come to its end.
    pub(crate) over: Vec<bool>,
    pub(crate) dropped: u64,
}

struct RunFetch {
    client: Client,
    current_step: Rc<Cell<Option<u32>>>,
}

/// In the run's process, before its script.
pub(crate) fn begin_run(state: &mut OpState, network: RunNetwork) {
    let (requests_max, bodies_bytes_max) = (network.requests_max, network.bodies_bytes_max);
    let recorder = Recorder::watched(network.started, requests_max, bodies_bytes_max, network.onlooker);
    let client = Client::new(network.prepared, network.dialer.clone(), recorder)
        .guarding(network.guard.clone())
        .played_by(network.player);
    state.put(network.dialer);
    state.put(network.guard);
    state.put(RunFetch { client, current_step: network.current_step });
}

/// What the run waits for, where it waits for the network: ends "the run's 10 s ended while ".
pub(crate) fn in_flight_summary(state: &OpState) -> Option<String> {
    recorder(state)?.in_flight_summary()
}

/// The newest bodies that a failed run has left unread, and how long looking at them may take.
const UNREAD_BODIES_MAX: usize = 4;
const UNREAD_PATIENCE: Duration = Duration::from_millis(50);

/// How long a recorded run waits for the bodies that its script has left unread.
const RECORDED_PATIENCE: Duration = Duration::from_secs(5);

/// What the target said is often in a body that the script never came to: `expect(response).toBeOk()` reads none.
pub(crate) async fn overhear_unread(state: &Rc<RefCell<OpState>>) {
    overhear(state, UNREAD_BODIES_MAX, UNREAD_PATIENCE).await;
}

/// A recording has whole answers, also those whose bodies the script has no interest in.
pub(crate) async fn overhear_all(state: &Rc<RefCell<OpState>>, time_left: Duration) {
    overhear(state, usize::MAX, RECORDED_PATIENCE.min(time_left)).await;
}

async fn overhear(state: &Rc<RefCell<OpState>>, bodies_max: usize, patience: Duration) {
    let mut bodies: Vec<_> = {
        let state = state.borrow();
        let ids: Vec<_> = state.resource_table.names().map(|(id, _)| id).collect();
        ids.into_iter().filter_map(|id| Some((id, state.resource_table.get::<NetworkBody>(id).ok()?))).collect()
    };
    bodies.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
    let look = async {
        for (_, body) in bodies.into_iter().take(bodies_max) {
            body.overhear().await;
        }
    };
    // What has not come by then is not shown.
    let _ = tokio::time::timeout(patience, look).await;
}

/// Everything recorded. Requests that still go on are there as far as they got, without a failure.
pub(crate) fn end_run(state: &mut OpState) -> RequestLog {
    let recorded = recorder(state).map(Recorder::recorded).unwrap_or_default();
    let RecordedRequests { requests, overheard, over, dropped } = recorded;
    RequestLog { requests, overheard, over, dropped }
}

/// The requests of a run that a recording answered.
pub(crate) fn served(state: &OpState) -> Vec<Served> {
    let run = state.try_borrow::<RunFetch>();
    run.and_then(|run| run.client.player()).map(Player::served).unwrap_or_default()
}

/// The newest request with this URL (normalised, without fragment) that was answered.
pub(crate) fn newest_request(state: &OpState, url: &str) -> Option<checks::Request> {
    recorder(state)?.newest(url)
}

fn recorder(state: &OpState) -> Option<&Recorder> {
    state.try_borrow::<RunFetch>().map(|run| run.client.recorder())
}

/// The run's client, and the step that is current, for what speaks HTTP or something else beside `fetch`.
pub(crate) fn client(state: &OpState) -> Option<(Client, Option<u32>)> {
    state.try_borrow::<RunFetch>().map(|run| (run.client.clone(), run.current_step.get()))
}

deno_core::extension!(deno_fetch, deps = [deno_webidl, deno_web], ops = [ops::op_fetch, ops::op_fetch_send]);

/// Scripts without text get the `deno_fetch` package's, by their specifiers.
const SCRIPTS: [&str; 7] = [
    "ext:deno_fetch/20_headers.js",
    "ext:deno_fetch/21_formdata.js",
    "ext:deno_fetch/22_body.js",
    "ext:deno_fetch/22_http_client.js",
    "ext:deno_fetch/23_request.js",
    "ext:deno_fetch/23_response.js",
    "ext:deno_fetch/26_fetch.js",
];

pub(crate) fn extensions() -> Vec<Extension> {
    let own = |specifier, text: &str| ExtensionFileSource::new_computed(specifier, Arc::from(text));
    let net = Extension {
        name: "deno_net",
        lazy_loaded_js_files: vec![own("ext:deno_net/02_tls.js", include_str!("tls_stub.js"))].into(),
        ..Extension::default()
    };
    let mut fetch = deno_fetch::init();
    fetch.lazy_loaded_js_files =
        SCRIPTS.map(|specifier| ExtensionFileSource::loaded_during_snapshot(specifier, "")).to_vec().into();
    fetch.esm_files = vec![own("ext:tocsin_fetch/fetch.js", include_str!("fetch.js"))].into();
    vec![net, fetch]
}
