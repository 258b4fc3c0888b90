//! The process that forks: one thread, one warm engine, any number of runs in flight.
//!
//! It waits on the daemon's pipe and on the pipe of every run at once. A run's process writes its report and closes
//! its pipe; one that is overdue is killed. Where nobody wants anything, it forks the next run's process already, which
//! makes itself ready and waits: the next order does not have to. Every run has a copy of the zygote's memory, so that
//! nothing of another run may be in it: a report goes from pipe to pipe and is never read here, and what does pass
//! through, an order and the notes of a run that was killed, is wiped at once. A zygote never runs a line of a script.
//!
//! When the daemon's pipe closes, whether by shutdown or by the daemon's death, the zygote ends, and the kernel
//! kills its runs with it (`PR_SET_PDEATHSIG`). The zygote itself asks for no such signal: the kernel would send it
//! when the thread of the daemon ends that started it, and an event loop's threads come and go.

use super::Limits;
use super::black_box::BlackBox;
use super::child::{self, Job, Seat};
use super::containment::{self, RunFilter};
use super::layout::{self, LaidOut, Region, Rehearsed, Written};
use super::process::{self, Forked as Fork, Status};
use super::wire::{self, FromZygote, Modules, ProcessEnd, ToZygote};
use crate::engine::Engine;
use crate::fetch::PreparedNetwork;
use crate::transport::NetworkSettings;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a report may have beside its result.
const REPORT_SLACK_BYTES: usize = 64 << 10;

/// Runs the hidden subcommand `zygote`; call it before anything else in `main`: no thread, no event loop, no logger.
///
/// Standard input and output are the daemon's pipes. Never returns.
pub fn zygote_main() -> ! {
    match serve() {
        Ok(()) => std::process::exit(0),
        Err(error) => {
            eprintln!("tocsin zygote: {error}");
            std::process::exit(1)
        }
    }
}

struct Zygote {
    process: i32,
    output: File,
    limits: Limits,
    address_space_bytes: u64,
    filter: Option<RunFilter>,
    engine: Engine,
    region: Option<Region>,
    rehearsed: Rehearsed,
    bundles: HashMap<String, Arc<Modules>>,
    networks: HashMap<u32, Result<Arc<PreparedNetwork>, String>>,
    runs: Vec<InFlight>,
    spare: Option<Spare>,
    /// Whether one is to be forked as soon as there is time.
    wants_spare: bool,
    /// Of the run that was started last: the next one is likely to write to the same.
    last: Option<Arc<Modules>>,
    /// Processes that have reported and are on their way out.
    leaving: Vec<i32>,
}

struct InFlight {
    run: u64,
    process: i32,
    pipe: File,
    reported_bytes: usize,
    black_box: BlackBox,
    kill_at: Instant,
}

/// The process of a run, and what the zygote has of it.
struct Forked {
    process: i32,
    pipe: File,
    black_box: BlackBox,
}

/// One that waits for its order. It knows the bundles and networks that its zygote knew when it was forked.
struct Spare {
    forked: Forked,
    orders: File,
}

/// What a zygote knows that was told by the daemon, and what it found out itself.
struct Known<'a> {
    bundles: &'a HashMap<String, Arc<Modules>>,
    networks: &'a HashMap<u32, Result<Arc<PreparedNetwork>, String>>,
    rehearsed: &'a Rehearsed,
}

impl<'a> Known<'a> {
    fn find(&self, hash: &str, network: u32) -> Option<(Arc<Modules>, Arc<PreparedNetwork>, &'a Written)> {
        let modules = self.bundles.get(hash)?.clone();
        let written = self.rehearsed.of(&modules);
        Some((modules, self.networks.get(&network)?.clone().ok()?, written))
    }
}

/// An order that is longer would not fit into a pipe, and the zygote waits for nobody.
const SPARE_ORDER_BYTES_MAX: usize = 32 << 10;

fn serve() -> io::Result<()> {
    let (mut input, mut output) = process::take_standard_streams()?;
    let Some((ToZygote::Setup { limits, rehearses }, _)) = wire::read(&mut input)? else { return Ok(()) };
    let LaidOut { engine, region, rehearsed } = match layout::lay_out(limits, rehearses) {
        Ok(laid_out) => laid_out,
        Err(error) => {
            let reason = format!("{error}: {:?}", std::error::Error::source(&error));
            return wire::write(&mut output, &FromZygote::Unfit { reason }, &[]);
        }
    };
    let address_space_bytes = layout::address_space_bytes();
    // The last of all: nothing can be read afterwards.
    let (containment, filter) = containment::enter();
    wire::write(&mut output, &FromZygote::Ready { containment }, &[])?;
    let zygote = Zygote {
        process: std::process::id().cast_signed(),
        output,
        limits,
        address_space_bytes,
        filter,
        engine,
        region,
        rehearsed,
        bundles: HashMap::new(),
        networks: HashMap::new(),
        runs: Vec::new(),
        spare: None,
        wants_spare: true,
        last: None,
        leaving: Vec::new(),
    };
    zygote.attend(input)
}

impl Zygote {
    fn attend(mut self, mut input: File) -> io::Result<()> {
        loop {
            let mut descriptors: Vec<_> = std::iter::once(input.as_raw_fd())
                .chain(self.runs.iter().map(|run| run.pipe.as_raw_fd()))
                .map(|fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 })
                .collect();
            let now = Instant::now();
            let next_kill = self.runs.iter().map(|run| run.kill_at.saturating_duration_since(now)).min();
            let next_reap = (!self.leaving.is_empty()).then_some(Duration::from_millis(20));
            let wants_spare = self.wants_spare && !self.bundles.is_empty();
            let no_time = wants_spare.then_some(Duration::ZERO);
            process::wait_readable(&mut descriptors, next_kill.into_iter().chain(next_reap).chain(no_time).min())?;
            if wants_spare && descriptors.iter().all(|descriptor| descriptor.revents == 0) {
                self.fork_spare();
            }

            // From the last to the first, so that removing a run leaves the indices of the others alone.
            for index in (0..self.runs.len()).rev() {
                let events = descriptors[index + 1].revents;
                if events != 0 {
                    self.listen(index, events & !libc::POLLIN != 0)?;
                } else if self.runs[index].kill_at <= Instant::now() {
                    self.end(index, Some(ProcessEnd::Overdue))?;
                }
            }
            self.leaving.retain(|process| !process::reap_if_ended(*process));
            if descriptors[0].revents != 0 {
                match wire::read(&mut input)? {
                    Some((message, body)) => self.obey(message, body)?,
                    // The engine is not torn down: the kernel does that faster, and kills the runs.
                    None => process::exit_now(0),
                }
            }
        }
    }

    /// Passes on what a run has to say. Once it has closed its pipe, that is the last of it.
    fn listen(&mut self, index: usize, has_closed: bool) -> io::Result<()> {
        let run = &mut self.runs[index];
        let bytes = process::readable_bytes(&run.pipe)?;
        run.reported_bytes += bytes;
        if run.reported_bytes > self.limits.result_bytes_max + REPORT_SLACK_BYTES {
            return self.end(index, Some(ProcessEnd::TooLarge));
        }
        if has_closed {
            return self.end(index, None);
        }
        wire::write_head(&mut self.output, &FromZygote::Part { run: run.run }, bytes)?;
        process::pass_on(&run.pipe, &self.output, bytes)
    }

    /// Takes a run off the list and tells the daemon. `why` is given where the run did not end by itself.
    fn end(&mut self, index: usize, why: Option<ProcessEnd>) -> io::Result<()> {
        let InFlight { run, process, reported_bytes, pipe, black_box, .. } = self.runs.swap_remove(index);
        let (end, notes) = match why {
            None if reported_bytes > 0 => {
                let bytes = process::readable_bytes(&pipe)?;
                wire::write_head(&mut self.output, &FromZygote::Ended { run, end: ProcessEnd::Reported }, bytes)?;
                // It has only to tear down its memory, which nobody needs to wait for.
                self.leaving.push(process);
                return process::pass_on(&pipe, &self.output, bytes);
            }
            None => {
                // The pipe is closed and nothing was said: it is dead, or as good as dead.
                process::kill_if_alive(process);
                let end = match process::reap(process)? {
                    Status::Exit(code) => ProcessEnd::Exit(code),
                    Status::Signal(signal) => ProcessEnd::Signal(signal),
                };
                (end, black_box.contents())
            }
            Some(why) => {
                process::kill(process);
                process::reap(process)?;
                (why, black_box.contents())
            }
        };
        let told = wire::write(&mut self.output, &FromZygote::Ended { run, end }, &notes);
        layout::wipe(notes);
        told
    }

    fn obey(&mut self, message: ToZygote, body: Vec<u8>) -> io::Result<()> {
        match message {
            ToZygote::Setup { .. } => Ok(()),
            ToZygote::Bundle { hash } => {
                self.let_go_of_spare();
                let modules: Modules = serde_json::from_slice(&body)?;
                self.bundles.insert(hash, Arc::new(modules));
                Ok(())
            }
            ToZygote::ForgetBundle { hash } => {
                self.bundles.remove(&hash);
                Ok(())
            }
            ToZygote::Network { network } => {
                self.let_go_of_spare();
                let settings: NetworkSettings = serde_json::from_slice(&body)?;
                self.networks.insert(network, crate::fetch::prepare(&settings));
                Ok(())
            }
            ToZygote::Start { run, hash, network, timeout_ms } => {
                let started = self.start(run, &hash, network, timeout_ms, &body);
                // The order holds secrets.
                layout::wipe(body);
                match started {
                    Ok(process) => wire::write(&mut self.output, &FromZygote::Forked { run, process }, &[]),
                    Err(reason) => {
                        let end = ProcessEnd::NotForked { reason };
                        wire::write(&mut self.output, &FromZygote::Ended { run, end }, &[])
                    }
                }
            }
        }
    }

    fn start(&mut self, run: u64, hash: &str, network: u32, timeout_ms: u64, order: &[u8]) -> Result<i32, String> {
        let modules = self.bundles.get(hash).ok_or("its script was not sent")?.clone();
        let prepared = self.networks.get(&network).ok_or("its network settings were not sent")?.clone()?;
        let kill_after = self.limits.kill_after(timeout_ms);
        self.last = Some(modules.clone());
        let message = ToZygote::Start { run, hash: hash.to_owned(), network, timeout_ms };
        let forked = match self.send_to_spare(&message, order) {
            Some(forked) => forked,
            None => self.fork(|known, seat| {
                let written = known.rehearsed.of(&modules);
                child::run(seat, Job { order, modules, network: prepared, kill_after, written })
            })?,
        };
        let Forked { process, pipe, black_box } = forked;
        let kill_at = Instant::now() + kill_after;
        self.runs.push(InFlight { run, process, pipe, reported_bytes: 0, black_box, kill_at });
        Ok(process)
    }

    /// Forks, and has the child do `go_on`, from which it never comes back.
    fn fork(&mut self, go_on: impl FnOnce(Known<'_>, Seat<'_>) -> Result<Forked, String>) -> Result<Forked, String> {
        let (read, report): (OwnedFd, OwnedFd) = process::pipe().map_err(|error| format!("no pipe: {error}"))?;
        let black_box = BlackBox::new(&self.limits).map_err(|error| format!("no memory for its notes: {error}"))?;
        match process::fork().map_err(|error| format!("no process: {error}"))? {
            Fork::Child => {
                let (zygote, limits) = (self.process, self.limits);
                let (filter, address_space_bytes) = (self.filter.as_ref(), self.address_space_bytes);
                let known = Known { bundles: &self.bundles, networks: &self.networks, rehearsed: &self.rehearsed };
                let (engine, region) = (&mut self.engine, self.region.as_ref());
                go_on(known, Seat { engine, region, zygote, report, black_box, limits, filter, address_space_bytes })
            }
            Fork::Parent { process } => {
                drop(report);
                // Of what the kernel is asked here, nothing fails for a mapping of one's own.
                black_box.keep_from_forks().map_err(|error| format!("its notes are not its own: {error}"))?;
                Ok(Forked { process, pipe: File::from(read), black_box })
            }
        }
    }

    fn fork_spare(&mut self) {
        self.wants_spare = false;
        let Ok((orders, write)) = process::pipe() else { return };
        let last = self.last.clone();
        let forked = self.fork(|known, seat| {
            let likely = last.as_ref().map_or(known.rehearsed.of_any(), |modules| known.rehearsed.of(modules));
            child::wait(seat, orders, likely, |hash, network| known.find(hash, network))
        });
        // Where there is none, the next run is forked when it is ordered, and says what is wrong.
        self.spare = forked.ok().map(|forked| Spare { forked, orders: File::from(write) });
    }

    /// Hands an order to the process that waits for one. `None` where there is none that could take it.
    fn send_to_spare(&mut self, message: &ToZygote, order: &[u8]) -> Option<Forked> {
        if order.len() > SPARE_ORDER_BYTES_MAX {
            return None;
        }
        self.wants_spare = true;
        let mut spare = self.spare.take()?;
        match wire::write(&mut spare.orders, message, order) {
            Ok(()) => Some(spare.forked),
            // Somebody has killed it.
            Err(_) => {
                self.end_spare(&spare);
                None
            }
        }
    }

    /// It lacks what has come since it was forked.
    fn let_go_of_spare(&mut self) {
        self.wants_spare = true;
        if let Some(spare) = self.spare.take() {
            self.end_spare(&spare);
        }
    }

    fn end_spare(&mut self, spare: &Spare) {
        process::kill(spare.forked.process);
        self.leaving.push(spare.forked.process);
    }
}
