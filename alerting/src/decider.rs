//! The one task that decides. It takes all requests that wait, decides them check by check, commits them together,
//! and answers. While a commit is being written the next requests gather, so groups grow with the load and a result
//! that comes alone waits for nobody.

use crate::clock::Clock;
use crate::counters::Tally;
use crate::incident::{CheckState, Context, Decision, Event, Observation, Transition, Watched, step};
use crate::journal::{Commit, Consumed, Journal, JournalError, ResultSummary, UndeliveredPage, Verdict, Versioned};
use crate::notification::ChannelKind;
use crate::outbox::Signals;
use crate::policy::Ladders;
use checks::{CheckId, Outcome, RunResult, UnixMs};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Requests that may wait for the decider; further callers wait for room.
pub(crate) const QUEUE_DEPTH_MAX: usize = 1024;
/// Results in one group.
const GROUP_RESULTS_MAX: usize = 2000;
/// States kept in memory; the journal has them all.
const STATES_CACHED_MAX: usize = 100_000;
/// How often a decision is made again because somebody else decided in between.
const CONFLICTS_MAX: usize = 5;
/// The longest text of a failure in the history's listing; the document has it whole.
const SUMMARY_CHARS_MAX: usize = 300;

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
            Outcome::Missed { reason } => (Verdict::Missed, None, reason.as_str().into()),
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
    pub signals: Arc<Signals>,
    pub tally: Arc<Tally>,
    pub clock: Arc<dyn Clock>,
    watched: HashMap<CheckId, Watched>,
    is_configured: bool,
    states: HashMap<CheckId, Versioned<CheckState>>,
    /// A number that was fetched and not used yet.
    spare_number: Option<u64>,
}

impl Decider {
    pub fn new(
        journal: Arc<dyn Journal>,
        ladders: Ladders,
        signals: Arc<Signals>,
        tally: Arc<Tally>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (watched, states) = (HashMap::new(), HashMap::new());
        Self { journal, ladders, signals, tally, clock, watched, is_configured: false, states, spare_number: None }
    }

    /// Runs until every sender is gone and every request is answered.
    pub async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        while let Some(first) = requests.recv().await {
            let mut group = vec![first];
            let size = |request: &Request| match request {
                Request::Accept { results, .. } => results.len().max(1),
                Request::Configure { .. } | Request::Undelivered(_) => 1,
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
        let mut replies: Vec<(Reply<Vec<Decision>>, Vec<Decision>)> = Vec::new();
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
                Request::Undelivered(pages) => {
                    for (check, event) in self.undelivered(pages) {
                        items.entry(check).or_default().push(Item { event, consumed: None, place: None });
                    }
                }
            }
        }
        let failed = self.settle_items(items, &mut replies).await;
        let problem = problem.or(failed);
        for (reply, decisions) in replies {
            // A caller that has gone away loses the answer; what was decided is durable all the same.
            let _ = reply.send(problem.clone().map_or(Ok(decisions), Err));
        }
        for reply in configured {
            let _ = reply.send(problem.clone().map_or(Ok(()), Err));
        }
    }

    /// Decides and commits; on a conflict, again. The first failure of the journal is returned: the results of the group
    /// that were committed nevertheless will be duplicates when they are offered again.
    async fn settle_items(
        &mut self,
        mut items: BTreeMap<CheckId, Vec<Item>>,
        replies: &mut [(Reply<Vec<Decision>>, Vec<Decision>)],
    ) -> Option<Arc<JournalError>> {
        let mut problem = None;
        for round in 0..=CONFLICTS_MAX {
            if items.is_empty() {
                break;
            }
            let mut decided = Vec::new();
            for (check, of_check) in std::mem::take(&mut items) {
                match self.decide_check(&check, &of_check).await {
                    Ok(Some((commit, decisions))) => decided.push((of_check, commit, decisions)),
                    Ok(None) => {}
                    Err(error) => problem = Some(Arc::new(error)),
                }
            }
            let commits: Vec<Commit> = decided.iter().map(|(_, commit, _)| commit.clone()).collect();
            if commits.is_empty() {
                break;
            }
            let answers = self.journal.commit(commits).await;
            for ((of_check, commit, mut decisions), answer) in decided.into_iter().zip(answers) {
                match answer {
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
                        for (item, decision) in of_check.iter().zip(&decisions) {
                            if let Some((request, place)) = item.place {
                                replies[request].1[place] = decision.clone();
                            }
                        }
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

    /// What the events of one check come to; `None` where nothing changes.
    async fn decide_check(
        &mut self,
        check: &CheckId,
        items: &[Item],
    ) -> Result<Option<(Commit, Vec<Decision>)>, JournalError> {
        let known = match self.states.get(check) {
            Some(known) => known.clone(),
            None => {
                let none = Versioned { revision: 0, value: CheckState::default() };
                self.journal.load(check).await?.unwrap_or(none)
            }
        };
        let mut commit = Commit {
            check: check.clone(),
            expected_revision: known.revision,
            state: known.value.clone(),
            consumed: Vec::new(),
            notifications: Vec::new(),
            trail: Vec::new(),
            reports: Vec::new(),
        };
        let mut decisions = Vec::with_capacity(items.len());
        for item in items {
            let number = match self.spare_number {
                Some(number) => number,
                None => *self.spare_number.insert(self.journal.next_incident().await?),
            };
            let watched = self.watched.get(check);
            let context = Context {
                now: self.clock.now(),
                check,
                watched,
                is_configured: self.is_configured,
                ladder: self.ladders.of(watched.and_then(|w| w.definition.policy.as_deref())),
                journal: self.journal.id(),
                next_incident: number,
            };
            let Transition { state, decision, notifications, trail, report } =
                step(std::mem::take(&mut commit.state), &item.event, &context);
            if matches!(decision, Decision::Opened(_)) {
                self.spare_number = None;
            }
            commit.state = state;
            commit.notifications.extend(notifications);
            commit.trail.extend(trail);
            if let Some(report) = report {
                commit.reports.retain(|earlier| earlier.number != report.number);
                commit.reports.push(report);
            }
            if let Some(consumed) = &item.consumed {
                let mut consumed = consumed.clone();
                consumed.summary.late = matches!(decision, Decision::Late | Decision::Duplicate | Decision::NotWatched);
                commit.consumed.push(consumed);
            }
            decisions.push(decision);
        }
        let changes = !commit.consumed.is_empty() || commit.state != known.value || !commit.trail.is_empty();
        Ok(changes.then_some((commit, decisions)))
    }

    fn committed(&mut self, commit: Commit, revision: u64, items: &[Item], decisions: &[Decision]) {
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
                Decision::Opened(_) => tally.incidents_opened.add(1),
                Decision::Recovered | Decision::Closed => tally.incidents_ended.add(1),
                Decision::FellBack => tally.fallbacks.add(1),
                _ => {}
            }
        }
        self.tally.notifications.add(commit.notifications.len() as u64);
        for kind in ChannelKind::ALL {
            if commit.notifications.iter().any(|n| n.address.kind() == kind) {
                self.signals.of(kind).notify_one();
            }
        }
        self.signals.changed();
        if self.states.len() >= STATES_CACHED_MAX {
            self.states.clear();
        }
        self.states.insert(commit.check, Versioned { revision, value: commit.state });
    }

    /// Takes the new set of checks, and returns what it means for those that have a state with an open incident.
    async fn configure(&mut self, checks: Vec<Watched>) -> Result<Vec<(CheckId, Event)>, JournalError> {
        let open = self.journal.open_checks().await?;
        let mut events = Vec::new();
        let next: HashMap<CheckId, Watched> = checks.into_iter().map(|w| (w.definition.id.clone(), w)).collect();
        for check in open.iter().filter(|check| !next.contains_key(check)) {
            events.push((check.clone(), Event::Removed));
        }
        for (check, watched) in &next {
            events.push((check.clone(), Event::Regions(watched.regions.clone())));
        }
        self.watched = next;
        self.is_configured = true;
        Ok(events)
    }

    fn undelivered(&self, pages: Vec<UndeliveredPage>) -> Vec<(CheckId, Event)> {
        let now = self.clock.now();
        pages
            .into_iter()
            .filter(|page| {
                let policy = self.watched.get(&page.check).and_then(|w| w.definition.policy.as_deref());
                page.failed || now.since_ms(page.created_at) >= self.ladders.of(policy).fallback_after_ms
            })
            .map(|page| {
                let UndeliveredPage { notification, incident, address, because, .. } = page;
                (page.check, Event::Undelivered { incident, notification, address, because })
            })
            .collect()
    }
}
