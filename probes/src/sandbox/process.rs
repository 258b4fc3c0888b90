//! The few calls to the operating system that make a run a process of its own.
#![allow(unsafe_code, reason = "fork, signals, limits and descriptors have no safe interface")]

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What became of a `fork`.
pub(super) enum Forked {
    Parent { process: i32 },
    Child,
}

/// The pipe that a run's process writes its report to, made before the fork.
pub(super) fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [0; 2];
    // SAFETY: `ends` has room for the two descriptors that pipe2 writes.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: pipe2 succeeded, so both are open, and nobody else owns them.
    Ok(unsafe { (OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])) })
}

/// How much of what was written to a pipe is still in it.
pub(super) fn readable_bytes(pipe: &File) -> io::Result<usize> {
    let mut bytes: libc::c_int = 0;
    // SAFETY: the kernel writes one integer to `bytes`.
    check(unsafe { libc::ioctl(pipe.as_raw_fd(), libc::FIONREAD, &mut bytes) })?;
    usize::try_from(bytes).map_err(io::Error::other)
}

/// Moves `bytes` that are in one pipe to another, without a look at them.
pub(super) fn pass_on(from: &File, to: &File, mut bytes: usize) -> io::Result<()> {
    let none = std::ptr::null_mut();
    while bytes > 0 {
        // SAFETY: pipes have no offsets, and no memory of this process is touched.
        match unsafe { libc::splice(from.as_raw_fd(), none, to.as_raw_fd(), none, bytes, 0) } {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            moved if moved > 0 => bytes -= moved.cast_unsigned(),
            _ => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => {}
                error => return Err(error),
            },
        }
    }
    Ok(())
}

/// Splits the process in two.
pub(super) fn fork() -> io::Result<Forked> {
    // SAFETY: this process has one thread (see `zygote_main`), so no lock is held by a thread that the child lacks.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Forked::Child),
        process => Ok(Forked::Parent { process }),
    }
}

/// Where a zygote keeps an open `/dev/null` for its runs, which have it as their standard streams. A run has the pipe
/// of its report there, whatever it was before.
const NULL_FD: RawFd = 3;
const REPORT_FD: RawFd = NULL_FD;

/// Where a zygote and its runs have the gate to the broker (see [`crate::broker`]).
pub(crate) const GATE_FD: RawFd = 4;

/// Where a process that waits for its order reads it.
const ORDERS_FD: RawFd = GATE_FD + 1;

/// Puts another gate in the place of this process's.
pub(super) fn replace_gate(gate: &OwnedFd) -> io::Result<()> {
    // SAFETY: both descriptors are plain numbers to dup2; the gate that was there is given up on purpose.
    check(unsafe { libc::dup2(gate.as_raw_fd(), GATE_FD) })
}

/// What the process of a run may use, whatever becomes of it.
pub(super) struct Bounds {
    pub address_space_bytes_max: u64,
    pub open_files_max: u64,
}

/// Makes the process of a run out of the copy of its parent: no descriptor of the parent but `report`, the gate and where
/// its order comes from; death with the parent, and limits that it cannot raise.
pub(super) fn become_run(
    parent: i32,
    report: OwnedFd,
    orders: Option<OwnedFd>,
    bounds: &Bounds,
) -> io::Result<(File, Option<File>)> {
    die_with_parent(parent)?;
    for standard in 0..NULL_FD {
        // SAFETY: both descriptors are plain numbers to dup2; what they were before is given up on purpose.
        check(unsafe { libc::dup2(NULL_FD, standard) })?;
    }
    // SAFETY: as above; `report` was made after the two below it, so it has another number.
    check(unsafe { libc::dup2(report.as_raw_fd(), REPORT_FD) })?;
    let kept = if let Some(orders) = &orders {
        // SAFETY: as above; what had this number was `report`, which has another one by now, or nothing that is needed.
        check(unsafe { libc::dup2(orders.as_raw_fd(), ORDERS_FD) })?;
        ORDERS_FD
    } else {
        GATE_FD
    };
    let has_orders = orders.is_some();
    // Closed by number below: their owners must not close what has their numbers then.
    std::mem::forget((report, orders));
    // SAFETY: nothing in this process uses a descriptor above these: the engine holds none before it runs.
    check(unsafe { libc::close_range(kept as u32 + 1, u32::MAX, 0) })?;
    limit(libc::RLIMIT_NOFILE, bounds.open_files_max)?;
    limit(libc::RLIMIT_AS, bounds.address_space_bytes_max)?;
    // SAFETY: the descriptors are open, and owned by nothing else since their owners were forgotten.
    Ok(unsafe { (File::from_raw_fd(REPORT_FD), has_orders.then(|| File::from_raw_fd(ORDERS_FD))) })
}

/// What processors have spent on this process so far, on all its threads.
pub(super) fn processor_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: clock_gettime writes one structure, and knows this clock on every kernel.
    let _ = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

/// Ends this process when all its threads together have used so much of a processor's time.
pub(super) fn limit_processor(seconds_max: u64) -> io::Result<()> {
    limit(libc::RLIMIT_CPU, seconds_max)
}

/// Gives up for good whatever privilege this process has, and the chance of a new one, for itself and its children;
/// and resources that neither needs.
pub(super) fn give_up_privileges() -> io::Result<()> {
    // SAFETY: prctl with PR_SET_NO_NEW_PRIVS takes these four numbers and touches no memory.
    check(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) })?;
    for resource in [libc::RLIMIT_CORE, libc::RLIMIT_FSIZE, libc::RLIMIT_MEMLOCK, libc::RLIMIT_MSGQUEUE] {
        limit(resource, 0)?;
    }
    // capset(2): version 3 of the header, this process, and two sets of 32 capabilities, all empty.
    #[repr(C)]
    struct Header {
        version: u32,
        process: i32,
    }
    let header = Header { version: 0x2008_0522, process: 0 };
    let none = [[0_u32; 3]; 2];
    // SAFETY: the kernel reads both structures during the call.
    check(unsafe { libc::syscall(libc::SYS_capset, &header, &none) } as i32)
}

/// Has the kernel judge every further system call of this process and its children by `program`.
pub(super) fn filter_system_calls(program: seccompiler::BpfProgramRef<'_>) -> io::Result<()> {
    #[repr(C)]
    struct Program {
        length: u16,
        instructions: *const seccompiler::sock_filter,
    }
    let length = u16::try_from(program.len()).map_err(io::Error::other)?;
    let program = Program { length, instructions: program.as_ptr() };
    // A run shares its address space with nobody, so that the kernel need not slow down its speculation.
    let flags = libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    // SAFETY: the kernel copies the instructions during the call; `program` borrows them until it returns.
    check(unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &program) } as i32)
}

fn die_with_parent(parent: i32) -> io::Result<()> {
    // SAFETY: prctl with PR_SET_PDEATHSIG takes a signal number and touches no memory.
    check(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) })?;
    // The parent may have died before the line above, and then its death is never told.
    if std::os::unix::process::parent_id() != parent.cast_unsigned() {
        exit_now(1);
    }
    Ok(())
}

fn limit(resource: libc::__rlimit_resource_t, value: u64) -> io::Result<()> {
    let limit = libc::rlimit { rlim_cur: value, rlim_max: value };
    // SAFETY: setrlimit reads the structure during the call and keeps no pointer.
    check(unsafe { libc::setrlimit(resource, &limit) })
}

fn check(result: i32) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Ends the process without running destructors or exit handlers: those of a fork belong to its parent.
pub(super) fn exit_now(code: i32) -> ! {
    // SAFETY: _exit ends the process and returns nothing.
    unsafe { libc::_exit(code) }
}

static STOP: OnceLock<Box<dyn Fn() + Send + Sync>> = OnceLock::new();
static TIME_IS_UP: AtomicBool = AtomicBool::new(false);

/// Whether the alarm of [`stop_after`] rang.
pub(super) fn time_is_up() -> bool {
    TIME_IS_UP.load(Ordering::Acquire)
}

extern "C" fn on_alarm(_signal: i32) {
    TIME_IS_UP.store(true, Ordering::Release);
    if let Some(stop) = STOP.get() {
        stop();
    }
}

/// Calls `stop` from a signal handler after `delay`, and again until the process ends: an alarm costs two system
/// calls, where a thread that watches costs a stack and a switch for each run. `stop` must do nothing but store to
/// memory.
pub(super) fn stop_after(delay: Duration, stop: Box<dyn Fn() + Send + Sync>) -> io::Result<()> {
    const AGAIN: libc::timeval = libc::timeval { tv_sec: 0, tv_usec: 50_000 };
    if STOP.set(stop).is_err() {
        return Err(io::Error::other("the alarm is set once for each process"));
    }
    // SAFETY: an all-zero sigaction is valid: no flags, an empty mask, the default handler.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = on_alarm as *const () as usize;
    action.sa_flags = libc::SA_RESTART;
    // SAFETY: `action` is read during the call; the handler stores to atomics only.
    check(unsafe { libc::sigaction(libc::SIGALRM, &action, std::ptr::null_mut()) })?;
    let first = libc::timeval {
        tv_sec: libc::time_t::try_from(delay.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_usec: libc::suseconds_t::from(delay.subsec_micros().max(1)),
    };
    let timer = libc::itimerval { it_interval: AGAIN, it_value: first };
    // SAFETY: setitimer reads `timer` during the call, and the old value is not asked for.
    check(unsafe { libc::setitimer(libc::ITIMER_REAL, &timer, std::ptr::null_mut()) })
}

pub(super) fn kill(process: i32) {
    // SAFETY: the zygote has not reaped this child yet, so the number is still its own.
    let _ = unsafe { libc::kill(process, libc::SIGKILL) };
}

/// Kills a child whose pipe has closed, and lets one that is on its way out say how it ended.
pub(super) fn kill_if_alive(process: i32) {
    // SAFETY: an all-zero siginfo is valid, and waitid writes it.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    // A process closes its descriptors in `exit` a little before it can be waited for; one that closed them by hand
    // and lives on would hold up the zygote.
    for _ in 0..100 {
        // SAFETY: waitid with WNOWAIT leaves the child to be reaped later; `info` outlives the call.
        let waited = unsafe {
            libc::waitid(libc::P_PID, process.cast_unsigned(), &mut info, libc::WEXITED | libc::WNOHANG | libc::WNOWAIT)
        };
        // SAFETY: waitid has filled `info` for a child, or left it zero.
        if waited != 0 || unsafe { info.si_pid() } != 0 {
            return;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    kill(process);
}

/// Reaps a child if it has ended.
pub(super) fn reap_if_ended(process: i32) -> bool {
    let mut status = 0;
    // SAFETY: waitpid writes one integer to `status`, and returns at once.
    unsafe { libc::waitpid(process, &mut status, libc::WNOHANG) != 0 }
}

/// How a child ended.
pub(super) enum Status {
    Exit(i32),
    Signal(i32),
}

/// Waits for a child that has ended, or is about to.
pub(super) fn reap(process: i32) -> io::Result<Status> {
    let mut status = 0;
    loop {
        // SAFETY: waitpid writes one integer to `status`.
        if unsafe { libc::waitpid(process, &mut status, 0) } == process {
            break;
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    Ok(if libc::WIFSIGNALED(status) {
        Status::Signal(libc::WTERMSIG(status))
    } else {
        Status::Exit(libc::WEXITSTATUS(status))
    })
}

/// Waits until one of `descriptors` can be read or was closed, at most `timeout`. Gives back which.
pub(super) fn wait_readable(descriptors: &mut [libc::pollfd], timeout: Option<Duration>) -> io::Result<()> {
    let timeout_ms = timeout.map_or(-1, |timeout| {
        // Rounded up, so that a deadline has passed when the wait for it ends.
        i32::try_from(timeout.as_micros().div_ceil(1000)).unwrap_or(i32::MAX)
    });
    let count = descriptors.len() as libc::nfds_t;
    // SAFETY: poll reads and writes the `count` entries of the slice during the call.
    match check(unsafe { libc::poll(descriptors.as_mut_ptr(), count, timeout_ms) }) {
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {
            descriptors.iter_mut().for_each(|descriptor| descriptor.revents = 0);
            Ok(())
        }
        other => other,
    }
}

/// Takes the standard streams for the daemon's, opens what a run will need, and closes whatever else was inherited.
/// The first message of the input is the gate to the broker.
pub(super) fn take_standard_streams() -> io::Result<(File, File)> {
    // SAFETY: called once, first thing in the process, before anything opens a descriptor of its own.
    check(unsafe { libc::close_range(NULL_FD.cast_unsigned(), u32::MAX, 0) })?;
    // The lowest free number is taken: these two, in this order.
    let null = File::options().read(true).write(true).open("/dev/null")?;
    // SAFETY: the daemon made both for this process; nothing here uses Rust's own standard streams.
    let (input, output) = unsafe { (File::from_raw_fd(0), File::from_raw_fd(1)) };
    let gate = crate::broker::receive_descriptor(input.as_raw_fd())?;
    if (null.as_raw_fd(), gate.as_raw_fd()) != (NULL_FD, GATE_FD) {
        return Err(io::Error::other("the first descriptors of a zygote have other numbers than it expects"));
    }
    // They stay open as long as the process lives.
    std::mem::forget((null, gate));
    Ok((input, output))
}
