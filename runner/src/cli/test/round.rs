//! One round of runs: every chosen check once, and again where it fails and may be tried again.

use super::record::Record;
use super::reporter::{Plan, Ran, Refused, Reporter, Tally};
use crate::catalogue::Check;
use crate::sandboxing::Regions;
use checks::{Outcome, Region, RunKey, RunResult, UnixMs};
use futures_util::{StreamExt, stream};
use probes::sandbox::Sandbox;
use probes::script::ScriptError;
use std::time::Instant;

/// Runs that go on at once; their reports come in the order of the checks.
const RUNS_AT_ONCE: usize = 8;

pub struct Round<'a> {
    pub sandbox: &'a Sandbox,
    pub regions: &'a Regions,
    pub chosen: Vec<(&'a Check, Region)>,
    pub refused: Vec<&'a ScriptError>,
    /// How often a run that fails is repeated at most.
    pub retries: u32,
    pub record: Option<&'a Record<'a>>,
}

impl Round<'_> {
    pub async fn run(self, reporter: &mut dyn Reporter) -> anyhow::Result<Tally> {
        let started = Instant::now();
        let mut tally = Tally { refused: self.refused.len(), ..Tally::default() };
        reporter.begin(&Plan { runs: self.chosen.len(), refused: self.refused.len() })?;
        for error in &self.refused {
            reporter.refused(&Refused { error })?;
        }
        let round = &self;
        let attempts = |(check, region)| async move { (check, round.attempts(check, region).await) };
        let mut rans = stream::iter(self.chosen.iter().map(|(check, region)| (*check, region)))
            .map(attempts)
            .buffered(RUNS_AT_ONCE);
        while let Some((check, attempts)) = rans.next().await {
            let ran = Ran { check, attempts };
            tally.count(&ran);
            reporter.ran(&ran)?;
        }
        tally.total_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        reporter.end(&tally)?;
        Ok(tally)
    }

    /// The results of one run and its repetitions, never empty; the last one counts.
    async fn attempts(&self, check: &Check, region: &Region) -> Vec<RunResult> {
        let slot = UnixMs::now();
        let mut results = Vec::new();
        for attempt in 0..=self.retries {
            let key = RunKey { check: check.definition.id.clone(), region: region.clone(), slot, attempt };
            // Only regions of the configuration are chosen.
            let Some(order) = self.regions.order(check, key) else { break };
            let result = match self.record {
                Some(record) => record.run(self.sandbox, check, order).await,
                None => self.sandbox.run(order).await,
            };
            let again = matches!(result.outcome, Outcome::Failed(_));
            results.push(result);
            if !again {
                break;
            }
        }
        results
    }
}
