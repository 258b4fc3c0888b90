use super::link::{Answer, Link};
use super::spawn::{Spawned, read, spawn};
use super::wire::{FromZygote, Order};
use super::{Containment, ProtectionName, SandboxError, SandboxSettings};
use crate::broker::Broker;
use crate::script::ScriptBundle;
use crate::transport::NetworkSettings;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::{Notify, Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long the daemon waits for word of a run beyond the moment at which the zygote should have killed it.
const SILENCE_MAX: Duration = Duration::from_secs(5);

/// How long a run waits for a zygote where none is ready: they are being replaced.
const NO_ZYGOTE_MAX: Duration = Duration::from_secs(15);

/// Between two attempts to replace a zygote, doubled with each that fails.
const RESTART_DELAY_FIRST: Duration = Duration::from_millis(20);
const RESTART_DELAY_MAX: Duration = Duration::from_secs(5);

/// Network settings, a bundle, bundles to forget, and the order.
const FRAMES_FOR_A_RUN_MAX: usize = 8;

/// Why there is no answer about a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoAnswer {
    QueueFull { depth_max: usize },
    ZygoteDied,
    ZygoteSilent,
    NoZygote,
    ShutDown,
}

/// The zygotes, each with a task that keeps it alive, and the queue in front of them.
pub(super) struct Pool {
    shared: Arc<Shared>,
    /// Of the first zygote: they are all alike.
    containment: Containment,
    keepers: tokio::sync::Mutex<JoinSet<()>>,
}

struct Shared {
    settings: SandboxSettings,
    required: Vec<ProtectionName>,
    slots: Vec<Slot>,
    /// Fair: it hands out permits in the order in which they were asked for.
    in_flight: Semaphore,
    queued: AtomicUsize,
    next_run: AtomicU64,
    zygote_ready: Notify,
    broker: Arc<Broker>,
    closing: watch::Sender<bool>,
}

/// The place of one zygote.
#[derive(Default)]
struct Slot {
    /// Absent while the zygote is being replaced.
    link: Mutex<Option<Link>>,
}

/// What a keeper needs to serve the zygote that was connected.
struct Served {
    frames: mpsc::Receiver<Vec<u8>>,
    given_up: CancellationToken,
}

impl Slot {
    fn link(&self) -> MutexGuard<'_, Option<Link>> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends no more runs to `zygote`, and has it replaced, unless it was already.
    fn give_up(&self, zygote: u32) {
        let mut link = self.link();
        if link.as_ref().is_some_and(|link| link.zygote == zygote) {
            *link = None;
        }
    }
}

/// An order on its way.
struct Sent {
    index: usize,
    zygote: u32,
    answered: tokio::sync::oneshot::Receiver<Answer>,
}

impl Pool {
    pub async fn start(settings: SandboxSettings, required: Vec<ProtectionName>) -> Result<Self, SandboxError> {
        for (setting, value) in [("zygotes", settings.zygotes), ("runs_in_flight_max", settings.runs_in_flight_max)] {
            if value == 0 {
                return Err(SandboxError::Zero { setting });
            }
        }
        let shared = Arc::new(Shared {
            slots: (0..settings.zygotes).map(|_| Slot::default()).collect(),
            in_flight: Semaphore::new(settings.runs_in_flight_max.min(Semaphore::MAX_PERMITS)),
            queued: AtomicUsize::new(0),
            next_run: AtomicU64::new(0),
            zygote_ready: Notify::new(),
            broker: Arc::default(),
            closing: watch::Sender::new(false),
            settings,
            required,
        });
        let spawn_each = shared.slots.iter().map(|_| spawn(&shared.settings, &shared.required));
        let spawned = futures_util::future::try_join_all(spawn_each).await?;
        let Some(containment) = spawned.first().map(|zygote| zygote.containment.clone()) else {
            return Err(SandboxError::Zero { setting: "zygotes" });
        };
        match containment.missing() {
            missing if missing.is_empty() => tracing::info!(%containment, "what holds a check's script"),
            missing => tracing::warn!(%containment, missing = missing.join("; "), "what holds a check's script"),
        }
        let mut keepers = JoinSet::new();
        for (index, zygote) in spawned.into_iter().enumerate() {
            let served = shared.connect(index, &zygote);
            keepers.spawn(keep(shared.clone(), index, zygote, served));
        }
        Ok(Self { shared, containment, keepers: tokio::sync::Mutex::new(keepers) })
    }

    pub fn broker(&self) -> &Arc<Broker> {
        &self.shared.broker
    }

    pub fn containment(&self) -> &Containment {
        &self.containment
    }

    pub async fn run(
        &self,
        order: &Order,
        bundle: &ScriptBundle,
        network: &NetworkSettings,
    ) -> Result<Answer, NoAnswer> {
        let shared = &self.shared;
        let limits = shared.settings.limits;
        let permit = match shared.in_flight.try_acquire() {
            Ok(permit) => permit,
            Err(tokio::sync::TryAcquireError::Closed) => return Err(NoAnswer::ShutDown),
            Err(tokio::sync::TryAcquireError::NoPermits) => {
                let _queued = Queued::enter(&shared.queued, limits.queue_depth_max)?;
                shared.in_flight.acquire().await.map_err(|_| NoAnswer::ShutDown)?
            }
        };
        let Sent { index, zygote, answered } = self.send(order, bundle, network).await?;
        let patience = limits.kill_after(order.timeout_ms) + SILENCE_MAX;
        let answer = match tokio::time::timeout(patience, answered).await {
            Ok(answer) => {
                answer.map_err(|_| if shared.is_closing() { NoAnswer::ShutDown } else { NoAnswer::ZygoteDied })
            }
            Err(_) => {
                shared.slots[index].give_up(zygote);
                Err(NoAnswer::ZygoteSilent)
            }
        };
        drop(permit);
        answer
    }

    /// Gives the order to the zygote with the fewest runs in flight.
    async fn send(&self, order: &Order, bundle: &ScriptBundle, network: &NetworkSettings) -> Result<Sent, NoAnswer> {
        let shared = &self.shared;
        let give_up = tokio::time::Instant::now() + NO_ZYGOTE_MAX;
        loop {
            let ready = shared.zygote_ready.notified();
            if shared.is_closing() {
                return Err(NoAnswer::ShutDown);
            }
            let least = (0..shared.slots.len())
                .filter_map(|index| Some((shared.slots[index].link().as_ref()?.in_flight(), index)))
                .min();
            if let Some((_, index)) = least
                && let Some(link) = shared.slots[index].link().as_mut()
            {
                let run = shared.next_run.fetch_add(1, Ordering::Relaxed);
                match link.start(run, order, bundle, network) {
                    Ok(answered) => return Ok(Sent { index, zygote: link.zygote, answered }),
                    // The zygote has just died; its keeper is about to notice.
                    Err(error) => tracing::debug!(%error, zygote = link.zygote, "an order was not sent"),
                }
            }
            if tokio::time::timeout_at(give_up, ready).await.is_err() {
                return Err(NoAnswer::NoZygote);
            }
        }
    }

    pub async fn shutdown(&self) {
        self.shared.in_flight.close();
        self.shared.closing.send_replace(true);
        self.shared.zygote_ready.notify_waiters();
        let mut keepers = self.keepers.lock().await;
        while keepers.join_next().await.is_some() {}
    }

    pub fn zygotes(&self) -> Vec<u32> {
        self.shared.slots.iter().filter_map(|slot| Some(slot.link().as_ref()?.zygote)).collect()
    }

    pub fn runs_in_flight(&self) -> Vec<i32> {
        let processes = |slot: &Slot| slot.link().iter().flat_map(Link::processes).collect::<Vec<_>>();
        self.shared.slots.iter().flat_map(processes).collect()
    }
}

/// A place in the queue, given back when it is dropped.
struct Queued<'a>(&'a AtomicUsize);

impl<'a> Queued<'a> {
    fn enter(queued: &'a AtomicUsize, depth_max: usize) -> Result<Self, NoAnswer> {
        let place = Self(queued);
        if queued.fetch_add(1, Ordering::AcqRel) >= depth_max {
            return Err(NoAnswer::QueueFull { depth_max });
        }
        Ok(place)
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Shared {
    fn is_closing(&self) -> bool {
        *self.closing.borrow()
    }

    fn connect(&self, index: usize, zygote: &Spawned) -> Served {
        let (sender, frames) = mpsc::channel(FRAMES_FOR_A_RUN_MAX * (self.settings.runs_in_flight_max + 1));
        let given_up = CancellationToken::new();
        *self.slots[index].link() = Some(Link::new(zygote.child.id().unwrap_or_default(), sender, given_up.clone()));
        self.zygote_ready.notify_waiters();
        Served { frames, given_up }
    }
}

/// Serves one zygote until it dies, and then its successor, until the sandbox is shut down.
async fn keep(shared: Arc<Shared>, index: usize, zygote: Spawned, served: Served) {
    let mut closing = shared.closing.subscribe();
    let mut current = Some((zygote, served));
    let mut delay = RESTART_DELAY_FIRST;
    while !shared.is_closing() {
        let Some((zygote, served)) = current.take() else {
            tokio::select! {
                () = tokio::time::sleep(delay) => {}
                _ = closing.wait_for(|closing| *closing) => break,
            }
            match spawn(&shared.settings, &shared.required).await {
                Ok(zygote) => {
                    let served = shared.connect(index, &zygote);
                    current = Some((zygote, served));
                    delay = RESTART_DELAY_FIRST;
                }
                Err(error) => {
                    delay = (delay * 2).min(RESTART_DELAY_MAX);
                    tracing::error!(error = &error as &dyn std::error::Error, retry_in = ?delay, "no zygote");
                }
            }
            continue;
        };
        let why = serve(&shared, index, zygote, served, &mut closing).await;
        // Dropping the link answers all who wait for a run of this zygote.
        let link = shared.slots[index].link().take();
        if !shared.is_closing() {
            let runs_lost = link.as_ref().map_or(0, Link::in_flight);
            tracing::error!(why, runs_lost, "a zygote ended and is replaced");
        }
    }
}

/// Carries frames both ways. Returns why that came to an end; the zygote is dead then.
async fn serve(
    shared: &Shared,
    index: usize,
    zygote: Spawned,
    served: Served,
    closing: &mut watch::Receiver<bool>,
) -> String {
    let slot = &shared.slots[index];
    let Served { mut frames, given_up } = served;
    let Spawned { mut child, mut input, mut output, gate, containment: _ } = zygote;
    let write = async {
        while let Some(frame) = frames.recv().await {
            if let Err(error) = input.write_all(&frame).await {
                return format!("its pipe broke: {error}");
            }
        }
        "it was given up".to_owned()
    };
    let listen = async {
        loop {
            match read(&mut output).await {
                Ok(Some((message, report))) => {
                    let mut link = slot.link();
                    let Some(link) = link.as_mut() else { return "it was given up".to_owned() };
                    match message {
                        FromZygote::Forked { run, process } => link.forked(run, process),
                        FromZygote::Part { run } => link.reported(run, report),
                        FromZygote::Ended { run, end } => link.ended(run, end, report),
                        FromZygote::Ready { .. } | FromZygote::Unfit { .. } => {}
                    }
                }
                Ok(None) => return "it closed its pipe".to_owned(),
                Err(error) => return format!("its pipe broke: {error}"),
            }
        }
    };
    let why = tokio::select! {
        why = write => why,
        why = listen => why,
        // A run that has broken out of its engine can close the gate for all runs of its zygote, and no more than that.
        attended = Arc::clone(&shared.broker).attend(gate) => match attended {
            Ok(()) => "its gate was closed".to_owned(),
            Err(error) => format!("its gate broke: {error}"),
        },
        () = given_up.cancelled() => "it was silent about an overdue run".to_owned(),
        _ = closing.wait_for(|closing| *closing) => "the sandbox shuts down".to_owned(),
    };
    let _ = child.start_kill();
    match child.wait().await {
        Ok(status) => format!("{why} ({status})"),
        Err(error) => format!("{why} ({error})"),
    }
}
