//! The system-call filters: what a zygote and its runs never do, all that they do, and what a run does no more.
//!
//! The kernel works out for every system call what a new filter says of it, when the filter is installed: tens of
//! microseconds for a long one. So the long ones are the zygote's, and a run inherits them; its own is short.

use super::super::process;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};
use std::collections::BTreeMap;
use std::io;

type Call = libc::c_long;
type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// New programs, other processes' memory, new views of the machine, sockets, and doors into the kernel that have let
/// people in before. Whoever tries one of these has taken the process over, and it is killed.
const FOR_GOOD: &[Call] = &[
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_kcmp,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_socket,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_personality,
    libc::SYS_memfd_create,
    libc::SYS_memfd_secret,
    libc::SYS_fanotify_init,
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_capset,
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_msgget,
    libc::SYS_semget,
    libc::SYS_mq_open,
];

/// What a zygote and its runs may do with any arguments: their own memory, their own threads and signal handlers, time,
/// randomness, waiting, and the descriptors that they were given.
const ALLOWED: &[Call] = &[
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_close,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_shutdown,
    libc::SYS_getsockopt,
    libc::SYS_getsockname,
    libc::SYS_getpeername,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    libc::SYS_eventfd2,
    libc::SYS_ppoll,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_brk,
    libc::SYS_madvise,
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_membarrier,
    libc::SYS_set_tid_address,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_getcpu,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_setitimer,
    libc::SYS_getitimer,
    libc::SYS_nanosleep,
    libc::SYS_clock_nanosleep,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_gettid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_getrusage,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// Older names of the same that this architecture still has.
#[cfg(target_arch = "x86_64")]
const ALLOWED_HERE: &[Call] = &[libc::SYS_epoll_wait, libc::SYS_poll, libc::SYS_time];
#[cfg(not(target_arch = "x86_64"))]
const ALLOWED_HERE: &[Call] = &[];

/// What a zygote does to make a run and to see it end, and a run as long as it is made into one.
const BEFORE_THE_SCRIPT: &[Call] = &[
    libc::SYS_wait4,
    libc::SYS_waitid,
    libc::SYS_kill,
    libc::SYS_prlimit64,
    libc::SYS_setrlimit,
    libc::SYS_dup3,
    libc::SYS_close_range,
    libc::SYS_pipe2,
    libc::SYS_splice,
    libc::SYS_seccomp,
];

#[cfg(target_arch = "x86_64")]
const BEFORE_THE_SCRIPT_HERE: &[Call] = &[libc::SYS_dup2, libc::SYS_fork, libc::SYS_vfork];
#[cfg(not(target_arch = "x86_64"))]
const BEFORE_THE_SCRIPT_HERE: &[Call] = &[];

/// Kills this process, and every one that it forks, when it makes one of [`FOR_GOOD`], and lets it make no other than
/// those that it and its runs need.
pub(super) fn forbid_for_good() -> io::Result<()> {
    let allowed = compile(allowed()?, REFUSE, SeccompAction::Allow)?;
    let killed = FOR_GOOD.iter().map(|call| (*call, Vec::new())).collect();
    let killed = compile(killed, SeccompAction::Allow, SeccompAction::KillProcess)?;
    process::filter_system_calls(&allowed)?;
    process::filter_system_calls(&killed)
}

/// ENOSYS rather than EPERM: the C library tries newer calls first, and falls back only where they do not exist.
const REFUSE: SeccompAction = SeccompAction::Errno(libc::ENOSYS as u32);

/// The filter of a run, compiled before the fork.
#[derive(Debug)]
pub(in super::super) struct RunFilter {
    program: BpfProgram,
    /// The instruction that compares with the run's own process number.
    own_process: usize,
}

/// Stands for the process number until it is known. No process has a number like this (pid_max is 2^22).
const OWN_PROCESS: u32 = 0x7e57_ab1e;

impl RunFilter {
    pub(super) fn compile() -> io::Result<Self> {
        let program = compile(given_up()?, SeccompAction::Allow, REFUSE)?;
        let own_process = program.iter().position(|instruction| instruction.k == OWN_PROCESS);
        let own_process = own_process.ok_or_else(|| io::Error::other("the filter has no place for its process"))?;
        Ok(Self { program, own_process })
    }

    /// Holds this process from now on.
    pub(in super::super) fn hold(&self) -> io::Result<()> {
        let mut program = self.program.clone();
        program[self.own_process].k = std::process::id();
        process::filter_system_calls(&program)
    }
}

fn rules(of: &[(Call, &[&[Condition]])]) -> io::Result<Rules> {
    let compiled = |(call, alternatives): &(Call, &[&[Condition]])| {
        let rule = |conditions: &&[Condition]| {
            SeccompRule::new(conditions.iter().map(Condition::compiled).collect::<Result<_, _>>()?)
        };
        Ok((*call, alternatives.iter().map(rule).collect::<Result<_, _>>().map_err(io::Error::other)?))
    };
    of.iter().map(compiled).collect()
}

fn allowed() -> io::Result<Rules> {
    use Condition::{Is, Null, Without};
    const EXEC: u32 = libc::PROT_EXEC as u32;
    const UNIX: u32 = libc::AF_UNIX as u32;
    let mut allowed = rules(&[
        // Data never becomes instructions.
        (libc::SYS_mmap, &[&[Without(2, EXEC)]]),
        (libc::SYS_mprotect, &[&[Without(2, EXEC)]]),
        (
            libc::SYS_fcntl,
            &[
                &[Is(1, libc::F_GETFD as u32)],
                &[Is(1, libc::F_SETFD as u32)],
                &[Is(1, libc::F_GETFL as u32)],
                &[Is(1, libc::F_SETFL as u32)],
                &[Is(1, libc::F_DUPFD_CLOEXEC as u32)],
            ],
        ),
        (libc::SYS_ioctl, &[&[Is(1, libc::FIONBIO as u32)], &[Is(1, libc::FIONREAD as u32)]]),
        // A pair is connected to itself, and leads nowhere but to whom an end is given.
        (libc::SYS_socketpair, &[&[Is(0, UNIX)]]),
        // Sent to whom the socket is connected to: an address would lead a datagram anywhere.
        (libc::SYS_sendto, &[&[Null(4)]]),
        // An address and descriptors can hide in a message's head: only the broker gets one.
        (libc::SYS_sendmsg, &[&[Is(0, process::GATE_FD as u32)]]),
        // Refined below.
        (libc::SYS_clone, &[]),
        (libc::SYS_tgkill, &[]),
        (libc::SYS_prctl, &[]),
    ])?;
    let plain = [ALLOWED, ALLOWED_HERE, BEFORE_THE_SCRIPT, BEFORE_THE_SCRIPT_HERE];
    allowed.extend(plain.into_iter().flatten().map(|call| (*call, Vec::new())));
    Ok(allowed)
}

/// What a run does no more once it is one.
fn given_up() -> io::Result<Rules> {
    use Condition::IsNot;
    const THREAD: u32 = (libc::CLONE_VM
        | libc::CLONE_FS
        | libc::CLONE_FILES
        | libc::CLONE_SIGHAND
        | libc::CLONE_THREAD
        | libc::CLONE_SYSVSEM
        | libc::CLONE_SETTLS
        | libc::CLONE_PARENT_SETTID
        | libc::CLONE_CHILD_CLEARTID) as u32;
    const THREAD_DETACHED: u32 = THREAD | libc::CLONE_DETACHED as u32;
    let mut given_up = rules(&[
        // A thread as the C library makes them, and no process.
        (libc::SYS_clone, &[&[IsNot(0, THREAD), IsNot(0, THREAD_DETACHED)]]),
        // `abort` signals itself; nobody else is signalled.
        (libc::SYS_tgkill, &[&[IsNot(0, OWN_PROCESS)]]),
        // A thread's name.
        (libc::SYS_prctl, &[&[IsNot(0, libc::PR_SET_NAME as u32)]]),
    ])?;
    let before = [BEFORE_THE_SCRIPT, BEFORE_THE_SCRIPT_HERE];
    given_up.extend(before.into_iter().flatten().map(|call| (*call, Vec::new())));
    Ok(given_up)
}

/// A demand on an argument of a call, by its number: on its lower 32 bits, or that it is a null pointer.
enum Condition {
    Is(u8, u32),
    IsNot(u8, u32),
    /// None of these bits is set.
    Without(u8, u32),
    Null(u8),
}

impl Condition {
    fn compiled(&self) -> Result<SeccompCondition, seccompiler::BackendError> {
        use SeccompCmpArgLen::{Dword, Qword};
        let (argument, length, operator, value) = match *self {
            Self::Is(argument, value) => (argument, Dword, SeccompCmpOp::Eq, value),
            Self::IsNot(argument, value) => (argument, Dword, SeccompCmpOp::Ne, value),
            Self::Without(argument, bits) => (argument, Dword, SeccompCmpOp::MaskedEq(bits.into()), 0),
            Self::Null(argument) => (argument, Qword, SeccompCmpOp::Eq, 0),
        };
        SeccompCondition::new(argument, length, operator, value.into())
    }
}

/// The length of each filter where it is made for `architecture`; the kernel takes no more than 4,096 instructions.
#[cfg(test)]
pub(super) fn lengths(architecture: TargetArch) -> io::Result<[usize; 3]> {
    let killed: Rules = FOR_GOOD.iter().map(|call| (*call, Vec::new())).collect();
    Ok([
        compile_for(architecture, allowed()?, REFUSE, SeccompAction::Allow)?.len(),
        compile_for(architecture, killed, SeccompAction::Allow, SeccompAction::KillProcess)?.len(),
        compile_for(architecture, given_up()?, SeccompAction::Allow, REFUSE)?.len(),
    ])
}

fn compile(rules: Rules, otherwise: SeccompAction, matched: SeccompAction) -> io::Result<BpfProgram> {
    let architecture = TargetArch::try_from(std::env::consts::ARCH).map_err(io::Error::other)?;
    compile_for(architecture, rules, otherwise, matched)
}

fn compile_for(
    architecture: TargetArch,
    rules: Rules,
    otherwise: SeccompAction,
    matched: SeccompAction,
) -> io::Result<BpfProgram> {
    let filter = SeccompFilter::new(rules, otherwise, matched, architecture).map_err(io::Error::other)?;
    filter.try_into().map_err(|error: seccompiler::BackendError| io::Error::other(error))
}
