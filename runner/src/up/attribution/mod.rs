//! Whether a failure is the target's or the prober's own. A run blames its target for whatever the network did; before the
//! result is decided, this looks at the prober itself: can it reach anything at all ([`control`]), and did it get to run
//! ([`pulse`])? What follows from the answers is decided in [`verdict`].

mod control;
mod pulse;
mod verdict;

use crate::config::Settings;
use checks::{Outcome, Region, RunResult};
use control::ControlTargets;
use pulse::Pulse;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use verdict::{Control, Evidence};

pub(super) struct Attribution {
    pulse: Pulse,
    common: Arc<ControlTargets>,
    /// Of the regions that have their own.
    of_region: HashMap<Region, Arc<ControlTargets>>,
}

impl Attribution {
    pub(super) fn start(settings: &Settings) -> anyhow::Result<Self> {
        let client = Arc::new(control::client()?);
        let own = settings.regions.iter().filter(|region| !region.control_targets.is_empty());
        let of_region =
            own.map(|region| (region.name.clone(), Arc::new(ControlTargets::new(&region.control_targets, &client))));
        Ok(Self {
            pulse: Pulse::start(),
            common: Arc::new(ControlTargets::new(&settings.control.targets, &client)),
            of_region: of_region.collect(),
        })
    }

    /// The result, with its failure attributed to whom it belongs.
    pub(super) async fn attribute(&self, mut result: RunResult) -> RunResult {
        let Outcome::Failed(failure) = &result.outcome else { return result };
        if !verdict::is_of_the_network(failure.class) {
            return result;
        }
        let stalled = self.pulse.stalled_in_the_last(Duration::from_micros(result.duration_us));
        let mut evidence = Evidence {
            ran_ms: result.duration_us / 1_000,
            stalled_ms: u64::try_from(stalled.as_millis()).unwrap_or(u64::MAX),
            control: Control::NotAsked,
        };
        let mut fault = verdict::probers_fault(failure.class, &evidence);
        if fault.is_none() {
            let by_name = failure.class == checks::FailureClass::NetworkDns;
            let targets = self.of_region.get(&result.key.region).unwrap_or(&self.common);
            evidence.control = targets.ask(by_name).await;
            fault = verdict::probers_fault(failure.class, &evidence);
        }
        if let Some(fault) = fault {
            result.outcome = Outcome::Failed(verdict::attributed(failure, &fault));
        }
        result
    }
}
