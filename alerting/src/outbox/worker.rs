use super::under_way::{Taken, UnderWay};
use super::{
    Channel, DeliveryOutcome, DeliverySettings, First, Reconciled, after_asking, after_attempt, before_attempt,
    cargo_after_asking,
};
use crate::clock::Clock;
use crate::counters::Tally;
use crate::decider::Request;
use crate::incident::Event;
use crate::journal::{Journal, Lease, Settled, Settlement, UndeliveredPage};
use crate::notification::{ChannelKind, Folded, Notification};
use checks::UnixMs;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;

/// The longest time that a worker sleeps without looking.
const BACKSTOP: Duration = Duration::from_secs(1);

/// How the parts of the engine wake one another.
pub(crate) struct Wakeups {
    /// By kind of channel: rows were committed.
    rows: [Notify; ChannelKind::ALL.len()],
    /// A page was refused or is late.
    pub undelivered: Notify,
    /// Counts up with everything that a page of the status would show differently.
    pub changes: watch::Sender<u64>,
    pub draining: watch::Sender<bool>,
}

impl Wakeups {
    pub fn new() -> Self {
        Self {
            rows: ChannelKind::ALL.map(|_| Notify::new()),
            undelivered: Notify::new(),
            changes: watch::Sender::new(0),
            draining: watch::Sender::new(false),
        }
    }

    pub fn of(&self, kind: ChannelKind) -> &Notify {
        &self.rows[kind as usize]
    }

    pub fn changed(&self) {
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }
}

/// Delivers the rows of one kind of channel, several at once.
#[derive(Clone)]
pub(crate) struct Worker {
    pub kind: ChannelKind,
    pub journal: Arc<dyn Journal>,
    pub channel: Arc<dyn Channel>,
    pub settings: DeliverySettings,
    pub wakeups: Arc<Wakeups>,
    pub tally: Arc<Tally>,
    pub clock: Arc<dyn Clock>,
    /// Where a page is told of that came after its fallback may have been taken.
    pub requests: mpsc::WeakSender<Request>,
}

/// Further ahead than any page that waits was decided.
const AHEAD_MS: u64 = 3_600_000;

/// How an attempt ended.
struct Ended {
    settled: Settled,
    /// What becomes of what it carried, where that is something else.
    cargo: Option<Settled>,
    /// How long the provider wants to be left alone.
    hold_ms: Option<u64>,
    /// Whether it takes nothing until somebody mends something.
    is_blocked: bool,
}

impl Ended {
    fn of(settled: Settled) -> Self {
        Self { settled, cargo: None, hold_ms: None, is_blocked: false }
    }
}

/// A page that takes longer may have fallen back meanwhile.
const LATE_MS: u64 = 10_000;

impl Worker {
    /// Runs until the engine drains and nothing is due any more.
    pub async fn run(self) {
        let mut in_flight: JoinSet<Option<UnixMs>> = JoinSet::new();
        let under_way = UnderWay::default();
        let mut draining = self.wakeups.draining.subscribe();
        let mut held_until = UnixMs(i64::MIN);
        loop {
            let now = self.clock.now();
            let free = self.settings.in_flight_max.saturating_sub(in_flight.len());
            let held = held_until > now && held_until.since_ms(now) <= super::plan::RETRY_AFTER_MAX_MS + 1000;
            let mut failed = false;
            if free > 0 && !held {
                match self.journal.lease(self.kind, free, now, now + self.settings.lease_ms).await {
                    Ok(leases) => {
                        for lease in leases {
                            if let Some(taken) = under_way.take(lease.notification.ids()) {
                                let worker = self.clone();
                                in_flight.spawn(async move { worker.deliver(lease, taken).await });
                            }
                        }
                    }
                    Err(error) => {
                        failed = true;
                        tracing::error!(channel = %self.kind, %error, "the outbox cannot be read; trying again");
                    }
                }
            }
            if *draining.borrow_and_update() && in_flight.is_empty() {
                return;
            }
            let wait = if failed { BACKSTOP } else { self.wait(now, held.then_some(held_until)).await };
            // In order, so that a run repeats itself; each branch only makes the loop look again, so none starves another.
            tokio::select! {
                biased;
                Some(ended) = in_flight.join_next() => match ended {
                    Ok(hold) => held_until = hold.unwrap_or(held_until),
                    Err(error) => {
                        tracing::error!(channel = %self.kind, %error, "a delivery broke off; its lease will end");
                    }
                },
                () = self.wakeups.of(self.kind).notified() => {}
                _ = draining.changed() => {}
                () = self.clock.sleep(wait) => {}
            }
        }
    }

    /// Until the next row is due, at most the backstop.
    async fn wait(&self, now: UnixMs, held_until: Option<UnixMs>) -> Duration {
        let due = match self.journal.next_due().await {
            Ok(Some(due)) => due.max(held_until.unwrap_or(due)),
            Ok(None) | Err(_) => return BACKSTOP,
        };
        // A row that is due already waits for a place or for a lane: the end of a delivery wakes this worker.
        match due.since_ms(now) {
            0 => BACKSTOP,
            ms => Duration::from_millis(ms).min(BACKSTOP),
        }
    }

    /// One attempt, from the lease to its settlement. Returns until when the provider of the whole kind wants to be left
    /// alone.
    async fn deliver(self, mut lease: Lease, taken: Taken) -> Option<UnixMs> {
        let started = Instant::now();
        let limit = Duration::from_millis(self.settings.lease_ms / 4 * 3);
        let Ended { settled, cargo, hold_ms, is_blocked } = tokio::select! {
            biased;
            ended = self.attempt(&lease) => ended,
            () = self.clock.sleep(limit) => {
                let reason = format!("no answer within {} s", limit.as_secs());
                Ended::of(self.after(&lease, &DeliveryOutcome::Ambiguous { reason }))
            }
        };
        // Before the row is free again: whoever leases it then finds nothing on the wire.
        drop(taken);
        let at = self.clock.now();
        let left_behind = if cargo.is_some() { std::mem::take(&mut lease.notification.folded) } else { Vec::new() };
        let n = &lease.notification;
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.count(&lease, &settled, duration_ms);
        let is_delivered = matches!(settled, Settled::Delivered { .. });
        let is_page = n.page || n.folded.iter().any(|other| other.page);
        let late_page = is_page && !is_delivered || left_behind.iter().any(|other| other.page);
        let blocked_by = match &settled {
            Settled::Retry { reason, .. } if is_blocked => Some(reason.clone()),
            _ => None,
        };
        let names = |folded: &[Folded]| folded.iter().map(|other| other.id.clone()).collect::<Vec<_>>();
        let settlement = |notification, carried, settled| {
            let attempt = lease.attempt;
            Settlement { notification, carried, attempt, at, duration_ms, settled }
        };
        let mut settlements = vec![settlement(n.id.clone(), names(&n.folded), settled)];
        if let (Some(cargo), [first, others @ ..]) = (cargo, &*left_behind) {
            settlements.push(settlement(first.id.clone(), names(others), cargo));
        }
        for settlement in settlements {
            if let Err(error) = self.journal.settle(settlement).await {
                // The lease ends, and the row is uncertain then: the provider is asked before anything is sent again.
                tracing::error!(notification = %n.id, %error, "the outcome of a delivery could not be written down");
            }
        }
        if is_page && is_delivered {
            self.tell_of_late(n, at).await;
        }
        if let Some(because) = blocked_by {
            self.fall_back(n, at, &because).await;
        } else if late_page {
            self.wakeups.undelivered.notify_one();
        }
        self.wakeups.changed();
        hold_ms.filter(|_| self.kind.has_one_provider()).map(|ms| at + ms)
    }

    /// A channel that was down is back: the incidents whose page fell back say so.
    async fn tell_of_late(&self, n: &Notification, now: UnixMs) {
        let own = (&n.id, &n.check, &n.address, n.page, n.created_at, n.incident);
        let folded = n.folded.iter().map(|f| (&f.id, &f.check, &f.address, f.page, f.created_at, f.report.number));
        let late = std::iter::once(own)
            .chain(folded)
            .filter(|(.., page, created_at, _)| *page && now.since_ms(*created_at) >= LATE_MS);
        let events: Vec<_> = late
            .map(|(id, check, address, _, created_at, incident)| {
                let (notification, address, late_ms) = (id.clone(), address.clone(), now.since_ms(created_at));
                (check.clone(), Event::DeliveredLate { incident, notification, address, late_ms })
            })
            .collect();
        if let Some(requests) = self.requests.upgrade().filter(|_| !events.is_empty()) {
            // Where the decider has gone, the trail has the attempts.
            let _ = requests.send(Request::Events { events, reply: None }).await;
        }
    }

    /// Whoever has to mend something may sleep: the pages that wait for the place take their fallback at once, though they
    /// are tried again. Where this process dies before, the next attempt says it again.
    async fn fall_back(&self, n: &Notification, now: UnixMs, because: &str) {
        let lane = n.address.lane();
        let pages = match self.journal.undelivered_pages(now + AHEAD_MS).await {
            Ok(pages) => pages.into_iter().filter(|page| !page.failed && page.address.lane() == lane),
            Err(error) => {
                tracing::error!(%error, "the pages that wait cannot be looked for; the next attempt does it again");
                return;
            }
        };
        let pages: Vec<_> =
            pages.map(|page| UndeliveredPage { because: because.to_owned(), failed: true, ..page }).collect();
        if let Some(requests) = self.requests.upgrade().filter(|_| !pages.is_empty()) {
            // Where the decider has gone, nobody would take it.
            let _ = requests.send(Request::Undelivered(pages)).await;
        }
    }

    async fn attempt(&self, lease: &Lease) -> Ended {
        let n = &lease.notification;
        let channel = &self.channel;
        let post = lease.post.as_deref();
        match before_attempt(n.role, lease.uncertain, post.is_some(), lease.post_failed) {
            First::Settle(settled) => return Ended::of(settled),
            First::Send => {}
            First::AskProvider => {
                let answer = channel.reconcile(n, post, &lease.taken).await;
                if let Reconciled::CannotBeAsked { reason } = &answer {
                    tracing::warn!(notification = %n.id, reason, "the provider cannot be asked whether it has the message: sending it");
                }
                let (now, age_ms) = self.age(lease);
                // An attempt that ended in the future did so under a clock that has been set back since.
                let left_ms = lease.left_at.filter(|at| *at <= now).map_or(u64::MAX, |at| now.since_ms(at));
                let (settings, jitter) = (&self.settings, self.clock.jitter());
                if let Some(settled) = after_asking(&answer, lease.attempt, age_ms, left_ms, now, jitter, settings) {
                    let hold_ms = match &answer {
                        Reconciled::Unknown { retry_after_ms, .. } => *retry_after_ms,
                        _ => None,
                    };
                    return Ended { hold_ms, cargo: cargo_after_asking(&answer, &settled), ..Ended::of(settled) };
                }
            }
        }
        let outcome = channel.deliver(n, post).await;
        let hold_ms = match &outcome {
            DeliveryOutcome::Refused { retry_after_ms, .. } => *retry_after_ms,
            _ => None,
        };
        let is_blocked = matches!(outcome, DeliveryOutcome::Blocked { .. });
        Ended { hold_ms, is_blocked, ..Ended::of(self.after(lease, &outcome)) }
    }

    fn age(&self, lease: &Lease) -> (UnixMs, u64) {
        let now = self.clock.now();
        (now, now.since_ms(lease.newest_at))
    }

    fn after(&self, lease: &Lease, outcome: &DeliveryOutcome) -> Settled {
        let (now, age_ms) = self.age(lease);
        after_attempt(outcome, lease.attempt, age_ms, now, self.clock.jitter(), &self.settings)
    }

    fn count(&self, lease: &Lease, settled: &Settled, duration_ms: u64) {
        let (n, attempt) = (&lease.notification, lease.attempt);
        let (incident, to, role) = (n.incident, n.address.to_string(), n.role.as_str());
        match settled {
            Settled::Delivered { reconciled, .. } => {
                self.tally.delivered.add(1);
                self.tally.reconciled.add(u64::from(*reconciled));
                tracing::info!(incident, to, role, attempt, duration_ms, reconciled, "delivered");
            }
            Settled::NotTaken => {
                tracing::info!(incident, to, role, attempt, duration_ms, "the provider does not have it: sending it");
            }
            Settled::Retry { reason, .. } => {
                self.tally.retried.add(1);
                tracing::warn!(incident, to, role, attempt, duration_ms, reason, "not delivered yet");
            }
            Settled::Failed { reason } => {
                self.tally.undeliverable.add(1);
                tracing::error!(incident, to, role, attempt, duration_ms, reason, "cannot be delivered");
            }
        }
    }
}
