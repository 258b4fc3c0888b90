//! The journal as one process sees it: it fails before a write or after it, and the process may die at either moment.

use crate::world::{Life, Shared};
use alerting::Clock as _;
use alerting::heartbeat::Heard;
use alerting::incident::CheckState;
use alerting::journal::{
    Commit, Committed, IncidentFilter, IncidentRecord, IncidentSummary, Journal, JournalError, Lease, ResultSummary,
    Settled, Settlement, UndeliveredPage, Versioned,
};
use alerting::notification::{ChannelKind, HandsetReport};
use alerting::silence::{KeptSilence, Silence};
use async_trait::async_trait;
use checks::{CheckId, Region, RunKey, UnixMs};
use std::collections::BTreeMap;
use std::sync::Arc;

pub struct Store {
    pub world: Shared,
    pub life: Arc<Life>,
    /// Another process works on the same journal: leases are ended by time alone.
    pub is_shared: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Trouble {
    None,
    Before,
    After,
}

fn failed() -> JournalError {
    JournalError::Storage("simulated".to_owned())
}

impl Store {
    async fn trouble(&self, step: &str) -> Trouble {
        self.life.goes_on().await;
        let (crash, error) = {
            let mut state = self.world.state();
            let draw = |is_struck: bool, state: &mut crate::world::State| match is_struck {
                false => Trouble::None,
                true if state.chance.hits(500) => Trouble::Before,
                true => Trouble::After,
            };
            let is_struck = state.strikes(|w| w.crash);
            let crash = draw(is_struck, &mut state);
            let is_struck = state.strikes(|w| w.journal_error);
            (crash, draw(is_struck, &mut state))
        };
        if crash == Trouble::Before {
            self.world.log(|| format!("crash before {step}"));
            self.life.crash().await;
        }
        if crash == Trouble::After {
            // The write is done first: the caller sees to it by `dies_after`.
            return Trouble::After;
        }
        match error {
            Trouble::None => Trouble::None,
            when => {
                self.world.log(|| format!("{step} fails"));
                if when == Trouble::Before { Trouble::Before } else { Trouble::None }
            }
        }
    }

    async fn read<R>(
        &self,
        step: &str,
        read: impl Future<Output = Result<R, JournalError>>,
    ) -> Result<R, JournalError> {
        match self.trouble(step).await {
            Trouble::Before => Err(failed()),
            Trouble::None | Trouble::After => read.await,
        }
    }

    /// After the write: the process may die, or be told of a failure that was none.
    async fn answer<R>(&self, step: &str, trouble: Trouble, answer: R) -> Result<R, JournalError> {
        if trouble == Trouble::After {
            self.world.log(|| format!("crash after {step}"));
            self.life.crash().await;
        }
        let is_lost = self.world.state().strikes(|w| w.journal_error / 4);
        if is_lost {
            self.world.log(|| format!("{step} is written, and reported as failed"));
            return Err(failed());
        }
        Ok(answer)
    }
}

#[async_trait]
impl Journal for Store {
    fn id(&self) -> &str {
        self.world.journal.id()
    }

    async fn load(&self, check: &CheckId) -> Result<Option<Versioned<CheckState>>, JournalError> {
        self.read("load", self.world.journal.load(check)).await
    }

    async fn next_incident(&self) -> Result<u64, JournalError> {
        self.read("next_incident", self.world.journal.next_incident()).await
    }

    async fn commit(&self, commits: Vec<Commit>) -> Vec<Result<Committed, JournalError>> {
        let mut answers = Vec::with_capacity(commits.len());
        // Each commit is atomic in itself, and so the process may die between two of them.
        for commit in commits {
            let trouble = self.trouble("commit").await;
            if trouble == Trouble::Before {
                answers.push(Err(failed()));
                continue;
            }
            let mut answer = self.world.journal.commit(vec![commit.clone()]).await;
            let answer = answer.pop().expect("one commit has one answer");
            let now = self.world.clock.now();
            if answer.is_ok() {
                self.world.state().committed(&commit, now);
                self.world.log(|| {
                    let said: Vec<_> = commit.trail.iter().map(|entry| entry.text.as_str()).collect();
                    format!("committed {} {} notifications {said:?}", commit.check, commit.notifications.len())
                });
            }
            answers.push(match answer {
                Ok(committed) => self.answer("commit", trouble, committed).await,
                Err(error) => Err(error),
            });
        }
        answers
    }

    async fn open_checks(&self) -> Result<Vec<CheckId>, JournalError> {
        self.read("open_checks", self.world.journal.open_checks()).await
    }

    async fn lease(
        &self,
        kind: ChannelKind,
        rows_max: usize,
        now: UnixMs,
        until: UnixMs,
    ) -> Result<Vec<Lease>, JournalError> {
        // A worker looks every second; its nights with nothing to do are no place for a crash.
        if self.world.journal.outbox_depth().await? == 0 {
            self.life.goes_on().await;
            return Ok(Vec::new());
        }
        let trouble = self.trouble("lease").await;
        if trouble == Trouble::Before {
            return Err(failed());
        }
        let leases = self.world.journal.lease(kind, rows_max, now, until).await?;
        self.answer("lease", trouble, leases).await
    }

    async fn settle(&self, settlement: Settlement) -> Result<(), JournalError> {
        let trouble = self.trouble("settle").await;
        if trouble == Trouble::Before {
            return Err(failed());
        }
        self.world.log(|| {
            let name = settlement.notification.0.split_once('.').map_or("", |(_, rest)| rest);
            format!("settled {name} {:?}", settlement.settled)
        });
        let is_delivered = matches!(settlement.settled, Settled::Delivered { .. });
        let ids: Vec<_> = settlement.carried.iter().chain([&settlement.notification]).cloned().collect();
        self.world.journal.settle(settlement).await?;
        if is_delivered {
            self.world.state().confirmed.extend(ids);
        }
        self.answer("settle", trouble, ()).await
    }

    async fn report(&self, report: HandsetReport) -> Result<bool, JournalError> {
        self.read("report", self.world.journal.report(report)).await
    }

    async fn recover(&self, now: UnixMs) -> Result<u64, JournalError> {
        if self.is_shared {
            return Ok(0);
        }
        let trouble = self.trouble("recover").await;
        if trouble == Trouble::Before {
            return Err(failed());
        }
        let count = self.world.journal.recover(now).await?;
        self.answer("recover", trouble, count).await
    }

    async fn next_due(&self) -> Result<Option<UnixMs>, JournalError> {
        self.life.goes_on().await;
        self.world.journal.next_due().await
    }

    async fn undelivered_pages(&self, created_before: UnixMs) -> Result<Vec<UndeliveredPage>, JournalError> {
        self.life.goes_on().await;
        self.world.journal.undelivered_pages(created_before).await
    }

    async fn incidents(&self, filter: IncidentFilter) -> Result<Vec<IncidentSummary>, JournalError> {
        self.world.journal.incidents(filter).await
    }

    async fn incident(&self, number: u64) -> Result<Option<IncidentRecord>, JournalError> {
        self.world.journal.incident(number).await
    }

    async fn latest_results(&self) -> Result<Vec<ResultSummary>, JournalError> {
        self.world.journal.latest_results().await
    }

    async fn checks_with_results(&self) -> Result<Vec<CheckId>, JournalError> {
        self.read("checks_with_results", self.world.journal.checks_with_results()).await
    }

    async fn recent_results(
        &self,
        check: &CheckId,
        region: Option<&Region>,
        rows_max: usize,
    ) -> Result<Vec<ResultSummary>, JournalError> {
        self.world.journal.recent_results(check, region, rows_max).await
    }

    async fn result(&self, key: &RunKey) -> Result<Option<Vec<u8>>, JournalError> {
        self.world.journal.result(key).await
    }

    async fn put_silence(&self, silence: Silence, now: UnixMs) -> Result<Option<u64>, JournalError> {
        self.read("put_silence", self.world.journal.put_silence(silence, now)).await
    }

    async fn drop_silence(&self, id: u64) -> Result<Option<KeptSilence>, JournalError> {
        self.read("drop_silence", self.world.journal.drop_silence(id)).await
    }

    async fn silences(&self, now: UnixMs) -> Result<Vec<KeptSilence>, JournalError> {
        self.life.goes_on().await;
        self.world.journal.silences(now).await
    }

    async fn put_heartbeat(&self, name: &str, heard: Option<Heard>) -> Result<(), JournalError> {
        self.read("put_heartbeat", self.world.journal.put_heartbeat(name, heard)).await
    }

    async fn heartbeats(&self) -> Result<BTreeMap<String, Heard>, JournalError> {
        self.world.journal.heartbeats().await
    }

    async fn outbox_depth(&self) -> Result<u64, JournalError> {
        self.world.journal.outbox_depth().await
    }
}
