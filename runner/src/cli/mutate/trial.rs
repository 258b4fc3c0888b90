//! Runs of a check on its recording: one undisturbed, and one for each fault.

use crate::catalogue::Check;
use crate::sandboxing::Regions;
use checks::{FailureClass, Outcome, RunKey};
use futures_util::{StreamExt, stream};
use probes::mutation::{Family, Fault, faults};
use probes::recording::{Recording, SecretMarks, Served, Tape};
use probes::sandbox::{RunOrder, Sandbox};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A check with one recording of it.
pub struct Trial<'a> {
    pub check: &'a Check,
    pub file: PathBuf,
    pub recording: Recording,
}

/// Why a recording says nothing about its check.
pub struct Stale {
    pub reason: String,
}

/// What a check makes of the faults.
pub struct Proof {
    pub judged: Vec<Judged>,
    /// Faults past the bound, which were not tried.
    pub untried: usize,
}

pub struct Judged {
    pub fault: Fault,
    pub verdict: Verdict,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Noticed {
        class: FailureClass,
        message: String,
    },
    /// The run failed, and as the script's own mistake rather than the target's: nobody is woken by it.
    AsOwnBug {
        message: String,
    },
    NotNoticed,
}

impl Proof {
    /// Those that the score counts: faults that break an answer, and with `is_strict` those of its parts too.
    fn counted(&self, is_strict: bool) -> impl Iterator<Item = &Judged> {
        self.judged.iter().filter(move |judged| is_strict || !judged.fault.is_detail())
    }

    /// How many are noticed, of how many.
    pub fn noticed(&self, is_strict: bool) -> (usize, usize) {
        let noticed = self.counted(is_strict).filter(|judged| judged.verdict != Verdict::NotNoticed).count();
        (noticed, self.counted(is_strict).count())
    }

    pub fn own_bugs(&self) -> usize {
        self.judged.iter().filter(|judged| matches!(judged.verdict, Verdict::AsOwnBug { .. })).count()
    }

    /// Percent, rounded down, so that only all is 100. Where nothing can be wrong, nothing is missed.
    pub fn score(&self, is_strict: bool) -> u32 {
        let (noticed, counted) = self.noticed(is_strict);
        u32::try_from((noticed * 100).checked_div(counted).unwrap_or(100)).unwrap_or(100)
    }
}

/// A tape that the check passes on, with what can be put wrong on it.
struct Ready {
    trial: usize,
    tape: Tape,
    faults: Vec<Fault>,
    untried: usize,
}

/// Tries every recording. The proofs belong to `trials` one by one.
pub async fn prove(
    trials: &[Trial<'_>],
    sandbox: &Sandbox,
    regions: &Regions,
    faults_max: usize,
    at_once: usize,
) -> Vec<Result<Proof, Stale>> {
    let undisturbed = stream::iter(trials.iter().enumerate())
        .map(|(index, trial)| async move { undisturbed(index, trial, sandbox, regions, faults_max).await })
        .buffered(at_once);
    let readies: Vec<Result<Ready, Stale>> = undisturbed.collect().await;

    let mut todo: Vec<(&Ready, usize)> = Vec::new();
    for ready in readies.iter().flatten() {
        todo.extend((0..ready.faults.len()).map(|fault| (ready, fault)));
    }
    // Those that wait for a slow answer first: the others are done meanwhile.
    todo.sort_by_key(|(ready, fault)| ready.faults[*fault].family() != Family::Slow);
    let judge = |(ready, index): (&Ready, usize)| {
        let (trial, number, fault) = (&trials[ready.trial], ready.trial, ready.faults[index].clone());
        let tape = fault.apply(&ready.tape);
        async move { ((number, index), disturbed(trial, fault, tape, sandbox, regions).await) }
    };
    let mut judged: BTreeMap<(usize, usize), Judged> =
        stream::iter(todo).map(judge).buffer_unordered(at_once).collect().await;
    let proof = |(number, ready): (usize, Result<Ready, Stale>)| {
        ready.map(|ready| Proof {
            judged: (0..ready.faults.len()).filter_map(|index| judged.remove(&(number, index))).collect(),
            untried: ready.untried,
        })
    };
    readies.into_iter().enumerate().map(proof).collect()
}

/// The run as it was recorded, which must pass.
async fn undisturbed(
    index: usize,
    trial: &Trial<'_>,
    sandbox: &Sandbox,
    regions: &Regions,
    faults_max: usize,
) -> Result<Ready, Stale> {
    let recording = &trial.recording;
    let stale = |reason: String| Stale { reason };
    if let Some(exchange) = recording.exchanges.iter().find(|exchange| !exchange.is_http()) {
        let request = &exchange.request;
        return Err(stale(format!("{} {} is no HTTP, and cannot be replayed", request.method, request.url)));
    }
    let order = order(trial, regions).ok_or_else(|| {
        stale(format!("the configuration has no region `{}`; record again in one that it has", recording.region))
    })?;
    let mut tape = Tape::of(recording, &order.secrets);
    let (result, served) = sandbox.replay(order, tape.clone()).await;
    match &result.outcome {
        Outcome::Passed => {}
        Outcome::Failed(failure) => return Err(stale(reason(&failure.message, &served, trial))),
        Outcome::Skipped { reason } | Outcome::Missed { reason, .. } => {
            return Err(stale(format!("the check does not run on it: {reason}")));
        }
    }
    tape.hold_to(&served);
    let asked: Vec<bool> =
        (0..tape.tracks.len()).map(|track| served.iter().any(|served| served.track == Some(track))).collect();
    let mut faults = faults(&recording.exchanges, &asked, trial.check.definition.timeout_ms);
    let untried = faults.len().saturating_sub(faults_max);
    faults.truncate(faults_max);
    Ok(Ready { trial: index, tape, faults, untried })
}

fn reason(message: &str, served: &[Served], trial: &Trial<'_>) -> String {
    let mut reason = format!("the check does not pass on it: {message}");
    if let Some(served) = served.iter().find(|served| served.track.is_none()) {
        reason.push_str(&format!("\nit asks for what was not recorded: {} {}", served.method, served.url));
    }
    if trial.recording.script_hash != trial.check.bundle.hash {
        reason.push_str("\nthe script has changed since it was recorded");
    }
    reason
}

async fn disturbed(trial: &Trial<'_>, fault: Fault, tape: Tape, sandbox: &Sandbox, regions: &Regions) -> Judged {
    let Some(mut order) = order(trial, regions) else { return Judged { fault, verdict: Verdict::NotNoticed } };
    if fault.family() == Family::Slow {
        // What is asked is whether the check minds, and not how busy this machine is beside it.
        order.timeout_ms = order.timeout_ms.saturating_mul(3);
    }
    let (result, _) = sandbox.replay(order, tape).await;
    let verdict = match result.outcome {
        Outcome::Failed(failure) if failure.class.blames_target() => {
            Verdict::Noticed { class: failure.class, message: failure.message }
        }
        Outcome::Failed(failure) => Verdict::AsOwnBug { message: failure.message },
        Outcome::Passed | Outcome::Skipped { .. } | Outcome::Missed { .. } => Verdict::NotNoticed,
    };
    Judged { fault, verdict }
}

/// The order of the recorded run: its variables, today's secrets.
fn order(trial: &Trial<'_>, regions: &Regions) -> Option<RunOrder> {
    let Recording { check, region, slot, attempt, vars, .. } = &trial.recording;
    let key = RunKey { check: check.clone(), region: region.clone(), slot: *slot, attempt: *attempt };
    let mut order = regions.order(trial.check, key)?;
    let marks = SecretMarks::new(&order.secrets);
    order.vars = vars.iter().map(|(name, value)| (name.clone(), marks.fill_text(value))).collect();
    Some(order)
}
