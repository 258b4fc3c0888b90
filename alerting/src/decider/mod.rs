//! The one task that decides. It takes all requests that wait, decides them check by check, commits them together,
//! and answers. While a commit is being written the next requests gather, so groups grow with the load and a result
//! that comes alone waits for nobody.
//!
//! Time is an event like any other: [`waiting`] says when an open incident is due, and the loop hands it over.

mod decide;
mod depths;
mod no_data;
mod time;
mod waiting;

use crate::clock::Clock;
use crate::counters::Tally;
use crate::incident::{CheckState, Decision, Event, Observation, RunAgain, Watched};
use crate::journal::{Commit, Consumed, Journal, JournalError, ResultSummary, UndeliveredPage, Verdict, Versioned};
use crate::notification::ChannelKind;
use crate::outbox::Wakeups;
use crate::policy::Ladders;
use crate::signal::SignalFacts;
use crate::silence::{KeptSilence, MaintenanceWindow};
use checks::{CheckId, Outcome, RunResult, UnixMs};
use no_data::NoData;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use waiting::Waiting;

/// Requests that may wait for the decider; further callers wait for room.
pub(crate) const QUEUE_DEPTH_MAX: usize = 1024;
/// Results in one group.
const GROUP_RESULTS_MAX: usize = 2000;
/// States kept in memory; the journal has them all.
const STATES_CACHED_MAX: usize = 100_000;
/// How often a decision is made again because somebody else decided in between.
const CONFLICTS_MAX: usize = 5;
/// How soon it is looked again at what is due, where it could not be decided. At once would be for ever.
const TIME_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// The longest text of a failure in the history's listing; the document has it whole.
const SUMMARY_CHARS_MAX: usize = 300;

/// Where the decisions on one request go, and what they are so far.
type Answer = (Option<Reply<Vec<Decision>>>, Vec<Decision>);
type Reply<T> = oneshot::Sender<Result<T, Arc<JournalError>>>;

pub(crate) enum Request {
    Accept {
        results: Vec<Incoming>,
        reply: Reply<Vec<Decision>>,
    },
    /// The checks that exist from now on.
    Configure {
        checks: Vec<Watched>,
        reply: Reply<()>,
    },
    /// What happened to incidents otherwise; one decision for each.
    Events {
        events: Vec<(CheckId, Event)>,
        reply: Option<Reply<Vec<Decision>>>,
    },
    /// The silences of the journal have changed.
    Silences {
        reply: Reply<()>,
    },
    /// The windows of maintenance that there are from now on.
    Maintenance(Vec<MaintenanceWindow>),
    Undelivered(Vec<UndeliveredPage>),
}

/// A result on its way in, reduced and serialised by its own caller.
pub(crate) struct Incoming {
    observation: Observation,
    consumed: Consumed,
}

impl Incoming {
    pub fn of(result: &RunResult, now: UnixMs) -> Self {
        let (verdict, class, message) = match &result.outcome {
            Outcome::Passed => (Verdict::Passed, None, Cow::default()),
            Outcome::Failed(failure) => (Verdict::Failed, Some(failure.class), failure.message.as_str().into()),
            Outcome::Missed { reason, .. } => (Verdict::Missed, None, reason.as_str().into()),
            Outcome::Skipped { reason } => (Verdict::Missed, None, format!("skipped: {reason}").into()),
        };
        let summary = ResultSummary {
            key: result.key.clone(),
            started_at: result.started_at,
            duration_us: result.duration_us,
            verdict,
            class,
            message: crate::incident::shorten(&message, SUMMARY_CHARS_MAX),
            received_at: now,
            late: false,
        };
        let consumed = Consumed { summary, document: checks::wire::encode(result) };
        Self { observation: Observation::of(result), consumed }
    }
}

/// An event of one check, and where its answer goes: the request and the place in it.
struct Item {
    event: Event,
    consumed: Option<Consumed>,
    place: Option<(usize, usize)>,
}

pub(crate) struct Decider {
    pub journal: Arc<dyn Journal>,
    pub ladders: Ladders,
    pub wakeups: Arc<Wakeups>,
    pub tally: Arc<Tally>,
    pub clock: Arc<dyn Clock>,
    /// Where runs are asked for that confirm a failure.
    pub reruns: mpsc::Sender<RunAgain>,
    /// By name: a seed of the simulation reads their states in the same order again.
    watched: BTreeMap<CheckId, Watched>,
    /// How many checks stand above one in the longest chain of dependencies; those that depend on nothing are left out.
    depths: HashMap<CheckId, usize>,
    is_configured: bool,
    /// What is due cannot be decided: the checks are not known yet, or the journal does not answer.
    is_time_stuck: bool,
    states: HashMap<CheckId, Versioned<CheckState>>,
    silences: Vec<KeptSilence>,
    windows: Vec<MaintenanceWindow>,
    waiting: Waiting,
    no_data: NoData,
    /// A number that was fetched and not used yet.
    spare_number: Option<u64>,
}

impl Decider {
    pub fn new(
        journal: Arc<dyn Journal>,
        ladders: Ladders,
        wakeups: Arc<Wakeups>,
        tally: Arc<Tally>,
        clock: Arc<dyn Clock>,
        reruns: mpsc::Sender<RunAgain>,
    ) -> Self {
        Self {
            journal,
            ladders,
            wakeups,
            tally,
            clock,
            reruns,
            watched: BTreeMap::new(),
            depths: HashMap::new(),
            is_configured: false,
            is_time_stuck: false,
            states: HashMap::new(),
            silences: Vec::new(),
            windows: Vec::new(),
            waiting: Waiting::default(),
            no_data: NoData::default(),
            spare_number: None,
        }
    }

    /// Runs until every sender is gone and every request is answered.
    pub async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        loop {
            let sleep = match self.is_time_stuck {
                true => TIME_AGAIN_AFTER,
                false => Duration::from_millis(self.waiting.sleep_ms(self.clock.steady_ms())),
            };
            let mut group = tokio::select! {
                biased;
                first = requests.recv() => match first {
                    Some(first) => vec![first],
                    None => return,
                },
                () = self.clock.sleep(sleep) => Vec::new(),
            };
            let size = |request: &Request| match request {
                Request::Accept { results, .. } => results.len().max(1),
                Request::Events { events, .. } => events.len().max(1),
                _ => 1,
            };
            let mut results: usize = group.iter().map(size).sum();
            while results < GROUP_RESULTS_MAX
                && let Ok(next) = requests.try_recv()
            {
                results += size(&next);
                group.push(next);
            }
            self.decide(group).await;
        }
    }

    async fn decide(&mut self, group: Vec<Request>) {
        let mut items: BTreeMap<CheckId, Vec<Item>> = BTreeMap::new();
        let mut replies: Vec<Answer> = Vec::new();
        let mut configured: Vec<Reply<()>> = Vec::new();
        let mut problem: Option<Arc<JournalError>> = None;
        for request in group {
            match request {
                Request::Accept { results, reply } => {
                    let decisions = vec![Decision::Nothing; results.len()];
                    for (place, Incoming { observation, consumed }) in results.into_iter().enumerate() {
                        items.entry(consumed.summary.key.check.clone()).or_default().push(Item {
                            event: Event::Observed(observation),
                            consumed: Some(consumed),
                            place: Some((replies.len(), place)),
                        });
                    }
                    replies.push((Some(reply), decisions));
                }
                Request::Events { events, reply } => {
                    let decisions = vec![Decision::Nothing; events.len()];
                    for (place, (check, event)) in events.into_iter().enumerate() {
                        let place = Some((replies.len(), place));
                        items.entry(check).or_default().push(Item { event, consumed: None, place });
                    }
                    replies.push((reply, decisions));
                }
                Request::Configure { checks, reply } => {
                    match self.configure(checks).await {
                        Ok(events) => {
                            for (check, event) in events {
                                items.entry(check).or_default().push(Item { event, consumed: None, place: None });
                            }
                        }
                        Err(error) => problem = Some(Arc::new(error)),
                    }
                    configured.push(reply);
                }
                Request::Silences { reply } => {
                    if let Err(error) = self.read_silences().await {
                        problem = Some(Arc::new(error));
                    }
                    configured.push(reply);
                }
                Request::Maintenance(windows) => {
                    self.windows = windows;
                    self.waiting.look_at_once();
                }
                Request::Undelivered(pages) => {
                    for (check, event) in self.undelivered(pages) {
                        items.entry(check).or_default().push(Item { event, consumed: None, place: None });
                    }
                }
            }
        }
        let mut failed = self.settle_by_depth(items, &mut replies).await;
        // What time does comes after what has happened: a pass that came in time ends what would have paged.
        self.is_time_stuck = !self.is_configured;
        match self.time().await {
            Ok((items, silent)) => {
                let problem = self.settle_by_depth(items, &mut []).await;
                if problem.is_some() {
                    self.no_data.give_back(silent);
                }
                failed = failed.or(problem);
            }
            Err(error) => {
                self.is_time_stuck = true;
                tracing::error!(%error, "the open incidents cannot be read; trying again");
            }
        }
        let problem = problem.or(failed);
        for (reply, decisions) in replies {
            let Some(reply) = reply else { continue };
            // A caller that has gone away loses the answer; what was decided is durable all the same.
            let _ = reply.send(problem.clone().map_or(Ok(decisions), Err));
        }
        for reply in configured {
            let _ = reply.send(problem.clone().map_or(Ok(()), Err));
        }
    }

    /// Decides the checks that others depend on first: what explains a failure is known before it is looked for.
    async fn settle_by_depth(
        &mut self,
        items: BTreeMap<CheckId, Vec<Item>>,
        replies: &mut [Answer],
    ) -> Option<Arc<JournalError>> {
        if self.depths.is_empty() {
            return self.settle_items(items, replies).await;
        }
        let mut waves: BTreeMap<usize, BTreeMap<CheckId, Vec<Item>>> = BTreeMap::new();
        for (check, of_check) in items {
            let depth = self.depths.get(&check).copied().unwrap_or(0);
            waves.entry(depth).or_default().insert(check, of_check);
        }
        let mut problem = None;
        for (_, wave) in waves {
            problem = problem.or(self.settle_items(wave, replies).await);
        }
        problem
    }

    /// Decides and commits; on a conflict, again. The first failure of the journal is returned: the results of the group
    /// that were committed nevertheless will be duplicates when they are offered again.
    async fn settle_items(
        &mut self,
        mut items: BTreeMap<CheckId, Vec<Item>>,
        replies: &mut [Answer],
    ) -> Option<Arc<JournalError>> {
        let mut problem = None;
        for round in 0..=CONFLICTS_MAX {
            if items.is_empty() {
                break;
            }
            let mut decided = Vec::new();
            for (check, of_check) in std::mem::take(&mut items) {
                match self.decide_check(&check, &of_check).await {
                    Ok(decide::Outcome { commit: Some(commit), decisions, reruns }) => {
                        decided.push((of_check, commit, decisions, reruns));
                    }
                    Ok(decide::Outcome { commit: None, decisions, .. }) => answer(&of_check, &decisions, replies),
                    Err(error) => problem = Some(Arc::new(error)),
                }
            }
            let commits: Vec<Commit> = decided.iter().map(|(_, commit, ..)| commit.clone()).collect();
            if commits.is_empty() {
                break;
            }
            let answers = self.journal.commit(commits).await;
            for ((of_check, commit, mut decisions, reruns), answered) in decided.into_iter().zip(answers) {
                match answered {
                    Ok(committed) => {
                        let with_result =
                            of_check.iter().zip(&mut decisions).filter(|(item, _)| item.consumed.is_some());
                        for (place, (_, decision)) in with_result.enumerate() {
                            // What changed no counter left no mark in the state: only the journal knows whether it came before.
                            if matches!(decision, Decision::Late | Decision::NotWatched)
                                && committed.duplicates.contains(&place)
                            {
                                *decision = Decision::Duplicate;
                            }
                        }
                        answer(&of_check, &decisions, replies);
                        self.ask_for(reruns);
                        self.committed(commit, committed.revision, &of_check, &decisions);
                    }
                    Err(JournalError::Conflict { .. }) if round < CONFLICTS_MAX => {
                        self.tally.conflicts.add(1);
                        self.states.remove(&commit.check);
                        items.insert(commit.check, of_check);
                    }
                    Err(error) => {
                        self.states.remove(&commit.check);
                        problem = Some(Arc::new(error));
                    }
                }
            }
        }
        if let Some(error) = &problem {
            self.tally.commits_failed.add(1);
            tracing::error!(%error, "results could not be written down; they go back to where they came from");
        }
        problem
    }

    fn committed(&mut self, commit: Commit, revision: u64, items: &[Item], decisions: &[Decision]) {
        self.note_data(&commit, items, decisions);
        for (item, decision) in items.iter().zip(decisions) {
            let tally = &self.tally;
            match decision {
                Decision::Duplicate => tally.results_duplicate.add(1),
                Decision::Late => tally.results_late.add(1),
                Decision::NotWatched => tally.results_not_watched.add(1),
                Decision::Missed => tally.slots_missed.add(1),
                _ if item.consumed.is_some() => tally.results_counted.add(1),
                _ => {}
            }
            match decision {
                Decision::Opened(_) | Decision::OpenedHeld => tally.incidents_opened.add(1),
                Decision::Recovered | Decision::Closed => tally.incidents_ended.add(1),
                Decision::FellBack => tally.fallbacks.add(1),
                _ => {}
            }
        }
        self.tally.notifications.add(commit.notifications.len() as u64);
        for kind in ChannelKind::ALL {
            if commit.notifications.iter().any(|n| n.address.kind() == kind) {
                self.wakeups.of(kind).notify_one();
            }
        }
        self.wakeups.changed();
        self.follow(&commit.check, &commit.state);
        if self.states.len() >= STATES_CACHED_MAX {
            self.states.clear();
        }
        self.states.insert(commit.check, Versioned { revision, value: commit.state });
    }

    fn undelivered(&self, pages: Vec<UndeliveredPage>) -> Vec<(CheckId, Event)> {
        let now = self.clock.now();
        pages
            .into_iter()
            .filter(|page| {
                let signal = self.states.get(&page.check).and_then(|known| known.value.signal.as_ref());
                let policy = policy(self.watched.get(&page.check), signal);
                page.failed || now.since_ms(page.created_at) >= self.ladders.of(policy).fallback_after_ms
            })
            .map(|page| {
                let UndeliveredPage { notification, incident, address, because, .. } = page;
                (page.check, Event::Undelivered { incident, notification, address, because })
            })
            .collect()
    }
}

/// The name of the policy by which a check or a signal climbs.
fn policy<'a>(watched: Option<&'a Watched>, signal: Option<&'a SignalFacts>) -> Option<&'a str> {
    watched.and_then(|w| w.definition.policy.as_deref()).or(signal.and_then(|signal| signal.policy.as_deref()))
}

fn answer(items: &[Item], decisions: &[Decision], replies: &mut [Answer]) {
    for (item, decision) in items.iter().zip(decisions) {
        if let Some((request, place)) = item.place {
            replies[request].1[place] = decision.clone();
        }
    }
}
