//! Runs of the zygote's own before it is ready, to learn which memory runs write to.

use super::blocks::{self, Asked};
use super::pages::{self, Written};
use super::region::{self, Region};
use super::{code, heap, warm_up};
use crate::broker::{self, Ticket};
use crate::engine::Engine;
use crate::fetch::PreparedNetwork;
use crate::sandbox::Limits;
use crate::sandbox::black_box::BlackBox;
use crate::sandbox::child::{self, Job, Seat};
use crate::sandbox::process::{self, Forked};
use crate::sandbox::wire::{Mode, Modules, Order, Task};
use crate::script::{Module, ModuleKind};
use crate::transport::NetworkSettings;
use checks::{RunKey, UnixMs};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

/// What every run does; a function already, as bundling makes of a script (see `script::function`).
const IDLE: &str = r#"
const { defineCheck } = $_t.tocsin;
$_t.default = defineCheck({ schedule: "every 30s", async run() {} });
"#;

/// Some of what checks do beyond that.
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
const URL: &str = "http://rehearsal.invalid/answer?to=everything";
const ANSWER: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\nserver: rehearsal\r\n\r\n{\"ok\":true}";

const TIMEOUT_MS: u64 = 10_000;

/// What runs write to, by what their scripts look like.
#[derive(Default)]
pub(in crate::sandbox) struct Rehearsed {
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

/// What a run used of its zygote's memory.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::sandbox) struct Touched {
    written: Written,
    /// Large pages of the program's code and constants.
    code: Vec<usize>,
}

impl Touched {
    /// By this process, a fork, whose zygote has free space in its heap from `heap_top` on.
    pub fn so_far(region: Option<&Region>, heap_top: usize) -> io::Result<Self> {
        Ok(Self { written: pages::written(region, heap_top)?, code: code::used()? })
    }
}

/// What is known before there is an engine.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Foreseen {
    /// Blocks that runs are going to write to, of those that an engine asks for while it warms up.
    pub blocks: Vec<Asked>,
    /// Large pages of the program's that runs are going to use.
    pub code: BTreeSet<usize>,
}

/// What the zygote's own runs have in common.
pub(super) struct Rehearsal {
    limits: Limits,
    network: Arc<PreparedNetwork>,
}

impl Rehearsal {
    /// `None` where there can be no run of the zygote's own.
    pub fn new(limits: Limits) -> Option<Self> {
        let network = crate::fetch::prepare(&NetworkSettings::default()).map_err(io::Error::other);
        network.map_or_else(|error| tell(&error), |network| Some(Self { limits, network }))
    }

    /// Warms an engine up in another process, and runs there.
    pub fn foresee(&self) -> Foreseen {
        // Tables of names in random orders have one order here and there.
        std::hint::black_box(std::hash::RandomState::new());
        let foreseen = said_by(|output| {
            let (engine, notes) = blocks::note(|| warm_up(self.limits));
            // Of less than all of it, the other side can read nothing, and says so.
            let Ok(mut engine) = engine else { return };
            let touched: Vec<_> =
                [IDLE, ASKING].into_iter().filter_map(|script| self.run(&mut engine, None, script).ok()).collect();
            let blocks = region::hot_blocks(&notes, touched.iter().map(|touched| &touched.written));
            let code = touched.iter().flat_map(|touched| touched.code.iter().copied()).collect();
            let said = serde_json::to_vec(&Foreseen { blocks, code }).unwrap_or_default();
            let _: io::Result<()> = File::from(output).write_all(&said);
        });
        foreseen.unwrap_or_else(|error| tell(&error))
    }

    /// Runs in forks of this process, whose engine is warm.
    pub fn rehearse(&self, engine: &mut Engine, region: Option<&Region>) -> Rehearsed {
        let mut written = |script| match self.run(engine, region, script) {
            Ok(touched) => touched.written,
            Err(error) => tell(&error),
        };
        Rehearsed { idle: written(IDLE), asking: written(ASKING) }
    }

    fn run(&self, engine: &mut Engine, region: Option<&Region>, script: &str) -> io::Result<Touched> {
        let limits = self.limits;
        let network = self.network.clone();
        let modules = Arc::new(vec![Module {
            specifier: "check:///rehearsal.check.js".to_owned(),
            path: "rehearsal.check.js".to_owned(),
            kind: ModuleKind::Function,
            code: script.to_owned(),
            source_map: None,
        }]);
        let key = RunKey {
            check: "rehearsal".parse().map_err(io::Error::other)?,
            region: "rehearsal".parse().map_err(io::Error::other)?,
            slot: UnixMs(0),
            attempt: 0,
        };
        let vars = BTreeMap::from([("URL".to_owned(), URL.to_owned())]);
        let order = serde_json::to_vec(&Order {
            task: Task::Run { key, vars, secrets: BTreeMap::new() },
            ticket: Ticket::default(),
            secret_hosts: BTreeMap::new(),
            timeout_ms: TIMEOUT_MS,
            mode: Mode::Live,
        })?;
        let black_box = BlackBox::new(&limits)?;
        let heap_top = heap::heap_top();
        let (gate, stand_in) = stand_in()?;
        let touched = said_by(|report| {
            if process::replace_gate(&gate).is_err() {
                return;
            }
            let zygote = std::os::unix::process::parent_id().cast_signed();
            let (filter, address_space_bytes) = (None, 0);
            let seat = Seat { engine, region, zygote, report, black_box, limits, filter, address_space_bytes };
            let kill_after = Duration::from_millis(TIMEOUT_MS);
            let job = Job { order: &order, modules, network, kill_after, written: &Written::default() };
            child::rehearse(seat, job, heap_top);
        });
        drop(gate);
        process::reap(stand_in)?;
        touched
    }
}

fn tell<T: Default>(error: &io::Error) -> T {
    eprintln!("tocsin zygote: runs are slower than they could be, because a rehearsal failed: {error}");
    T::default()
}

/// What a fork of this process says as JSON.
fn said_by<T: DeserializeOwned>(child: impl FnOnce(OwnedFd)) -> io::Result<T> {
    let (read, write) = process::pipe()?;
    match process::fork()? {
        Forked::Child => {
            drop(read);
            child(write);
            process::exit_now(0)
        }
        Forked::Parent { process } => {
            drop(write);
            let mut said = Vec::new();
            File::from(read).read_to_end(&mut said)?;
            process::reap(process)?;
            serde_json::from_slice(&said).map_err(io::Error::other)
        }
    }
}

/// A process that is the broker and the target of one run. Returns the run's gate to it; it ends when the run does.
fn stand_in() -> io::Result<(OwnedFd, i32)> {
    let (stand_ins, gate) = broker::stand_in_gate()?;
    match process::fork()? {
        Forked::Child => {
            drop(gate);
            // Where it fails, so does the run's request, and with it the rehearsal.
            let _: io::Result<()> = broker::answer_one(stand_ins, ANSWER.as_bytes());
            process::exit_now(0)
        }
        Forked::Parent { process } => Ok((gate, process)),
    }
}
