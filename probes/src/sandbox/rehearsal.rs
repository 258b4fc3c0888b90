//! Runs of the zygote's own before it is ready, to learn which memory runs write to.

use super::Limits;
use super::black_box::BlackBox;
use super::child::{self, Job, Seat};
use super::memory;
use super::pages::Written;
use super::process::{self, Forked};
use super::wire::{Mode, Modules, Order, Task};
use crate::broker::Ticket;
use crate::engine::Engine;
use crate::script::{Module, ModuleKind};
use crate::transport::NetworkSettings;
use checks::{RunKey, UnixMs};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::sync::Arc;
use std::time::Duration;

/// What every run does; a function already, as bundling makes of a script (see `script::function`).
const IDLE: &str = r#"
const { defineCheck } = $_t.tocsin;
$_t.default = defineCheck({ schedule: "every 30s", async run() {} });
"#;

/// Some of what checks do beyond that, as far as it can be done without a network.
const ASKING: &str = r#"
const { defineCheck, expect, step } = $_t.tocsin;
$_t.default = defineCheck({
  schedule: "every 30s",
  async run(ctx) {
    await step("ask", async () => {
      const url = new URL(ctx.vars.URL);
      const response = await fetch(url, { method: "POST", body: JSON.stringify({ a: 1 }), headers: { accept: "*/*" } });
      expect(response).toHaveStatus(200);
      expect(await response.json()).toEqual({ ok: true });
    });
  },
});
"#;
const ANSWER: &str = r#"data:application/json,{"ok":true}"#;

const TIMEOUT_MS: u64 = 10_000;

/// What runs write to, by what their scripts look like.
#[derive(Default)]
pub(super) struct Rehearsed {
    idle: Written,
    asking: Written,
}

impl Rehearsed {
    /// What every run writes to.
    pub fn of_any(&self) -> &Written {
        &self.idle
    }

    /// What a run of these modules is going to write to, or most of it.
    pub fn of(&self, modules: &Modules) -> &Written {
        let asks = modules.iter().any(|module| module.code.contains("fetch(") || module.code.contains("tocsin/"));
        if asks { &self.asking } else { &self.idle }
    }
}

pub(super) fn rehearse(engine: &mut Engine, limits: Limits) -> io::Result<Rehearsed> {
    Ok(Rehearsed { idle: one(engine, limits, IDLE)?, asking: one(engine, limits, ASKING)? })
}

fn one(engine: &mut Engine, limits: Limits, code: &str) -> io::Result<Written> {
    let modules = Arc::new(vec![Module {
        specifier: "check:///rehearsal.check.js".to_owned(),
        path: "rehearsal.check.js".to_owned(),
        kind: ModuleKind::Function,
        code: code.to_owned(),
        source_map: None,
    }]);
    let key = RunKey {
        check: "rehearsal".parse().map_err(io::Error::other)?,
        region: "rehearsal".parse().map_err(io::Error::other)?,
        slot: UnixMs(0),
        attempt: 0,
    };
    let vars = BTreeMap::from([("URL".to_owned(), ANSWER.to_owned())]);
    let task = Task::Run { key, vars, secrets: BTreeMap::new() };
    let order = serde_json::to_vec(&Order {
        task,
        ticket: Ticket::default(),
        secret_hosts: BTreeMap::new(),
        timeout_ms: TIMEOUT_MS,
        mode: Mode::Live,
    })?;
    let network = crate::fetch::prepare(&NetworkSettings::default()).map_err(io::Error::other)?;
    let (read, write) = process::pipe()?;
    let black_box = BlackBox::new(&limits)?;
    let heap_top = memory::heap_top();
    match process::fork()? {
        Forked::Child => {
            let (order, written) = (&order[..], &Written::default());
            let zygote = std::os::unix::process::parent_id().cast_signed();
            let (filter, address_space_bytes) = (None, 0);
            let seat = Seat { engine, zygote, report: write, black_box, limits, filter, address_space_bytes };
            let kill_after = Duration::from_millis(TIMEOUT_MS);
            let job = Job { order, modules, network, kill_after, written };
            child::rehearse(seat, job, heap_top)
        }
        Forked::Parent { process } => {
            drop(write);
            let mut written = Vec::new();
            File::from(read).read_to_end(&mut written)?;
            process::reap(process)?;
            serde_json::from_slice(&written).map_err(io::Error::other)
        }
    }
}
