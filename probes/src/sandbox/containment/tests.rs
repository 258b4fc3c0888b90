//! System calls that no script can make, made by hand: in a process that is held as a run is.
#![allow(unsafe_code, reason = "a script that has broken out of the engine uses no safe interface")]

use super::{Containment, Lacking, Protection, ProtectionName, enter, files, namespaces, system_calls};
use crate::sandbox::process::{self, Forked, GATE_FD, Status};
use libc::c_long;

/// What comes of a call in a held process.
#[derive(Debug, PartialEq, Eq)]
enum Comes {
    /// The kernel kills the process.
    Killed,
    /// The call fails with ENOSYS.
    Refused,
    /// The call does what it does elsewhere, whether that is a success or another error.
    Allowed,
}

type Call = fn() -> c_long;

fn call(number: c_long, arguments: [usize; 5]) -> c_long {
    let [a, b, c, d, e] = arguments;
    // SAFETY: this process holds nothing that a strange call could break: it ends right after.
    unsafe { libc::syscall(number, a, b, c, d, e) }
}

/// Makes the call in a fork that is held first as a zygote is and then as a run is.
fn held(act: Call) -> Comes {
    const UNHELD: i32 = 200;
    match process::fork().expect("a process") {
        Forked::Child => {
            let (containment, filter) = enter();
            if containment.system_calls != Protection::On || filter.is_none_or(|filter| filter.hold().is_err()) {
                process::exit_now(UNHELD);
            }
            let failed = act() < 0;
            let errno = std::io::Error::last_os_error().raw_os_error();
            process::exit_now(i32::from(failed && errno == Some(libc::ENOSYS)))
        }
        Forked::Parent { process } => match process::reap(process).expect("the process ends") {
            Status::Signal(libc::SIGSYS) => Comes::Killed,
            Status::Exit(0) => Comes::Allowed,
            Status::Exit(1) => Comes::Refused,
            Status::Exit(code) => panic!("the process was not held ({code})"),
            Status::Signal(signal) => panic!("signal {signal}"),
        },
    }
}

#[test]
fn a_held_process_does_what_a_run_does_and_nothing_else() {
    const PATH: &std::ffi::CStr = c"/etc/passwd";
    let cases: &[(&str, Call, Comes)] = &[
        ("execve", || call(libc::SYS_execve, [PATH.as_ptr() as usize, 0, 0, 0, 0]), Comes::Killed),
        ("execveat", || call(libc::SYS_execveat, [0, PATH.as_ptr() as usize, 0, 0, 0]), Comes::Killed),
        ("ptrace", || call(libc::SYS_ptrace, [libc::PTRACE_ATTACH as usize, 1, 0, 0, 0]), Comes::Killed),
        ("process_vm_readv", || call(libc::SYS_process_vm_readv, [1, 0, 0, 0, 0]), Comes::Killed),
        ("process_vm_writev", || call(libc::SYS_process_vm_writev, [1, 0, 0, 0, 0]), Comes::Killed),
        ("pidfd_getfd", || call(libc::SYS_pidfd_getfd, [0, 0, 0, 0, 0]), Comes::Killed),
        (
            "socket",
            || call(libc::SYS_socket, [libc::AF_INET as usize, libc::SOCK_STREAM as usize, 0, 0, 0]),
            Comes::Killed,
        ),
        (
            "socket, netlink",
            || call(libc::SYS_socket, [libc::AF_NETLINK as usize, libc::SOCK_RAW as usize, 0, 0, 0]),
            Comes::Killed,
        ),
        ("connect", || call(libc::SYS_connect, [0, 0, 0, 0, 0]), Comes::Killed),
        ("bind", || call(libc::SYS_bind, [0, 0, 0, 0, 0]), Comes::Killed),
        ("accept4", || call(libc::SYS_accept4, [0, 0, 0, 0, 0]), Comes::Killed),
        ("io_uring_setup", || call(libc::SYS_io_uring_setup, [1, 0, 0, 0, 0]), Comes::Killed),
        ("mount", || call(libc::SYS_mount, [0, 0, 0, 0, 0]), Comes::Killed),
        ("unshare", || call(libc::SYS_unshare, [libc::CLONE_NEWUSER as usize, 0, 0, 0, 0]), Comes::Killed),
        ("setns", || call(libc::SYS_setns, [0, 0, 0, 0, 0]), Comes::Killed),
        ("chroot", || call(libc::SYS_chroot, [PATH.as_ptr() as usize, 0, 0, 0, 0]), Comes::Killed),
        ("bpf", || call(libc::SYS_bpf, [0, 0, 0, 0, 0]), Comes::Killed),
        ("keyctl", || call(libc::SYS_keyctl, [0, 0, 0, 0, 0]), Comes::Killed),
        ("userfaultfd", || call(libc::SYS_userfaultfd, [0, 0, 0, 0, 0]), Comes::Killed),
        ("perf_event_open", || call(libc::SYS_perf_event_open, [0, 0, 0, 0, 0]), Comes::Killed),
        ("memfd_create", || call(libc::SYS_memfd_create, [PATH.as_ptr() as usize, 0, 0, 0, 0]), Comes::Killed),
        ("shmget", || call(libc::SYS_shmget, [1, 4096, 0, 0, 0]), Comes::Killed),
        (
            "openat",
            || call(libc::SYS_openat, [libc::AT_FDCWD as usize, PATH.as_ptr() as usize, 0, 0, 0]),
            Comes::Refused,
        ),
        (
            "openat2",
            || call(libc::SYS_openat2, [libc::AT_FDCWD as usize, PATH.as_ptr() as usize, 0, 0, 0]),
            Comes::Refused,
        ),
        ("statx", || call(libc::SYS_statx, [libc::AT_FDCWD as usize, PATH.as_ptr() as usize, 0, 0, 0]), Comes::Refused),
        ("getdents64", || call(libc::SYS_getdents64, [0, 0, 0, 0, 0]), Comes::Refused),
        ("clone, a process", || call(libc::SYS_clone, [libc::SIGCHLD as usize, 0, 0, 0, 0]), Comes::Refused),
        ("clone, in a namespace", || call(libc::SYS_clone, [libc::CLONE_NEWUSER as usize, 0, 0, 0, 0]), Comes::Refused),
        ("clone3", || call(libc::SYS_clone3, [0, 0, 0, 0, 0]), Comes::Refused),
        (
            "kill the parent",
            || call(libc::SYS_kill, [std::os::unix::process::parent_id() as usize, 0, 0, 0, 0]),
            Comes::Refused,
        ),
        ("kill everybody", || call(libc::SYS_kill, [usize::MAX, libc::SIGKILL as usize, 0, 0, 0]), Comes::Refused),
        ("tgkill another", || call(libc::SYS_tgkill, [1, 1, libc::SIGKILL as usize, 0, 0]), Comes::Refused),
        ("tkill", || call(libc::SYS_tkill, [1, libc::SIGKILL as usize, 0, 0, 0]), Comes::Refused),
        ("rt_sigqueueinfo", || call(libc::SYS_rt_sigqueueinfo, [1, 9, 0, 0, 0]), Comes::Refused),
        ("wait4", || call(libc::SYS_wait4, [usize::MAX, 0, 0, 0, 0]), Comes::Refused),
        ("prctl, dumpable", || call(libc::SYS_prctl, [libc::PR_SET_DUMPABLE as usize, 1, 0, 0, 0]), Comes::Refused),
        (
            "prctl, the parent's death",
            || call(libc::SYS_prctl, [libc::PR_SET_PDEATHSIG as usize, 0, 0, 0, 0]),
            Comes::Refused,
        ),
        ("seccomp", || call(libc::SYS_seccomp, [0, 0, 0, 0, 0]), Comes::Refused),
        ("prlimit64", || call(libc::SYS_prlimit64, [0, libc::RLIMIT_AS as usize, 0, 0, 0]), Comes::Refused),
        ("dup3", || call(libc::SYS_dup3, [0, 100, 0, 0, 0]), Comes::Refused),
        ("splice", || call(libc::SYS_splice, [0, 0, 1, 0, 1]), Comes::Refused),
        ("setsockopt", || call(libc::SYS_setsockopt, [0, 0, 0, 0, 0]), Comes::Refused),
        (
            "socketpair, not of this machine",
            || call(libc::SYS_socketpair, [libc::AF_INET as usize, 1, 0, 0, 0]),
            Comes::Refused,
        ),
        ("sendto, an address", || call(libc::SYS_sendto, [0, 0, 0, 0, 1]), Comes::Refused),
        ("sendmsg, not to the broker", || call(libc::SYS_sendmsg, [GATE_FD as usize + 1, 0, 0, 0, 0]), Comes::Refused),
        (
            "mmap, to execute",
            || call(libc::SYS_mmap, [0, 4096, (libc::PROT_READ | libc::PROT_EXEC) as usize, 0x22, usize::MAX]),
            Comes::Refused,
        ),
        ("mprotect, to execute", || call(libc::SYS_mprotect, [0, 0, libc::PROT_EXEC as usize, 0, 0]), Comes::Refused),
        ("ioctl, a terminal", || call(libc::SYS_ioctl, [0, libc::TIOCSTI as usize, 0, 0, 0]), Comes::Refused),
        ("fcntl, a lease", || call(libc::SYS_fcntl, [0, libc::F_SETLEASE as usize, 0, 0, 0]), Comes::Refused),
        ("mmap", || call(libc::SYS_mmap, [0, 4096, libc::PROT_READ as usize, 0x22, usize::MAX]), Comes::Allowed),
        ("getrandom", || call(libc::SYS_getrandom, [0, 0, 0, 0, 0]), Comes::Allowed),
        ("epoll_create1", || call(libc::SYS_epoll_create1, [0, 0, 0, 0, 0]), Comes::Allowed),
        (
            "tgkill oneself, with no signal",
            || call(libc::SYS_tgkill, [std::process::id() as usize, std::process::id() as usize, 0, 0, 0]),
            Comes::Allowed,
        ),
        ("sendmsg, to the broker", || call(libc::SYS_sendmsg, [GATE_FD as usize, 0, 0, 0, 0]), Comes::Allowed),
    ];
    if let Some(reason) = why_unheld() {
        println!("skipped: system-call filters ({reason})");
        return;
    }
    for (name, act, expected) in cases {
        assert_eq!(held(*act), *expected, "{name}");
    }
}

/// Why this machine has no filters, where it has none; asked in a process that may be given up.
fn why_unheld() -> Option<String> {
    let (mut read, write) = process::pipe().map(|(read, write)| (std::fs::File::from(read), write)).expect("a pipe");
    match process::fork().expect("a process") {
        Forked::Child => {
            let (containment, _) = enter();
            let mut write = std::fs::File::from(write);
            if let Protection::Off { reason } = containment.system_calls {
                let _ = std::io::Write::write_all(&mut write, reason.as_bytes());
            }
            process::exit_now(0)
        }
        Forked::Parent { process } => {
            drop(write);
            let mut reason = String::new();
            std::io::Read::read_to_string(&mut read, &mut reason).expect("the process says why");
            let _ = process::reap(process);
            (!reason.is_empty()).then_some(reason)
        }
    }
}

/// What a process finds that has one protection and no other; `None` where this machine does not have it.
fn with_only(protection: fn() -> std::io::Result<()>, act: Call) -> Option<i32> {
    const NOT_HERE: i32 = 200;
    match process::fork().expect("a process") {
        Forked::Child => {
            if protection().is_err() {
                process::exit_now(NOT_HERE);
            }
            let done = act();
            let errno = std::io::Error::last_os_error().raw_os_error();
            process::exit_now(if done < 0 { errno.unwrap_or(NOT_HERE - 1) } else { 0 })
        }
        Forked::Parent { process } => match process::reap(process).expect("the process ends") {
            Status::Exit(NOT_HERE) => None,
            Status::Exit(found) => Some(found),
            Status::Signal(signal) => panic!("signal {signal}"),
        },
    }
}

fn open(path: &std::ffi::CStr, flags: i32) -> c_long {
    call(libc::SYS_openat, [libc::AT_FDCWD as usize, path.as_ptr() as usize, flags as usize, 0o600, 0])
}

/// Connects to a port of the loopback interface, where nobody needs to listen.
fn connect() -> c_long {
    let socket = call(libc::SYS_socket, [libc::AF_INET as usize, libc::SOCK_STREAM as usize, 0, 0, 0]);
    let address = libc::sockaddr_in {
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: 9_u16.to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes([127, 0, 0, 1]) },
        sin_zero: [0; 8],
    };
    let (start, bytes) = (std::ptr::from_ref(&address) as usize, size_of_val(&address));
    call(libc::SYS_connect, [socket.cast_unsigned() as usize, start, bytes, 0, 0])
}

/// The system-call filter would refuse all of this first: each of the others must hold without it.
#[test]
fn each_protection_holds_alone() {
    const READ: i32 = libc::O_RDONLY;
    const WRITE: i32 = libc::O_WRONLY | libc::O_CREAT;
    let root = || namespaces::enter().root;
    let network = || namespaces::enter().network;
    type Case = (&'static str, fn() -> std::io::Result<()>, Call, i32);
    let cases: [Case; 12] = [
        ("nothing reads", || Ok(()), || open(c"/etc/passwd", READ), 0),
        ("nothing connects", || Ok(()), connect, libc::ECONNREFUSED),
        ("Landlock reads", files::forbid, || open(c"/etc/passwd", READ), libc::EACCES),
        ("Landlock lists", files::forbid, || open(c"/", READ | libc::O_DIRECTORY), libc::EACCES),
        ("Landlock writes", files::forbid, || open(c"/tmp/a", WRITE), libc::EACCES),
        ("the root reads", root, || open(c"/etc/passwd", READ), libc::ENOENT),
        ("the root has no processes", root, || open(c"/proc/self/mem", READ), libc::ENOENT),
        ("the root leads up to itself", root, || open(c"/../../../etc/passwd", READ), libc::ENOENT),
        ("the root writes", root, || open(c"/a", WRITE), libc::EROFS),
        ("the network connects", network, connect, libc::ENETUNREACH),
        (
            "privileges are gone",
            process::give_up_privileges,
            || call(libc::SYS_chroot, [c"/".as_ptr() as usize, 0, 0, 0, 0]),
            libc::EPERM,
        ),
        (
            "privileges do not come back",
            process::give_up_privileges,
            // One where they do not; what is no success here is a number below zero.
            || call(libc::SYS_prctl, [libc::PR_GET_NO_NEW_PRIVS as usize, 0, 0, 0, 0]) - 1,
            0,
        ),
    ];
    for (name, protection, act, expected) in cases {
        match with_only(protection, act) {
            Some(found) => assert_eq!(found, expected, "{name}: {}", std::io::Error::from_raw_os_error(found)),
            None => println!("skipped: {name} (this machine does not have it)"),
        }
    }
}

#[test]
fn what_is_missing_is_told() {
    let off = |reason: &str| Protection::Off { reason: reason.to_owned() };
    let all = Containment {
        system_calls: Protection::On,
        landlock: Protection::On,
        root: Protection::On,
        network: Protection::On,
    };
    let some = Containment { landlock: off("not in this kernel"), ..all.clone() };
    let none = Containment { system_calls: off("a"), landlock: off("b"), root: off("c"), network: off("d") };
    let cases = [
        (all, "system-call filter (seccomp), Landlock, empty root, empty network namespace", 0),
        (some, "system-call filter (seccomp), empty root, empty network namespace; off: Landlock", 1),
        (none, "none; off: system-call filter (seccomp), Landlock, empty root, empty network namespace", 4),
    ];
    for (containment, line, missing) in cases {
        assert_eq!(containment.to_string(), line);
        assert_eq!(containment.missing().len(), missing);
    }
}

#[test]
fn what_is_required_and_not_there_is_told() {
    let off = Protection::Off { reason: "not in this kernel".to_owned() };
    let containment =
        Containment { system_calls: Protection::On, landlock: off.clone(), root: Protection::On, network: off };
    use ProtectionName::{Landlock, Network, Root, SystemCalls};
    let cases: &[(&[ProtectionName], Option<&str>)] = &[
        (&[], None),
        (&[SystemCalls, Root], None),
        (&[SystemCalls, Network], Some("network")),
        (&[Landlock, Network], Some("landlock")),
    ];
    for (required, expected) in cases {
        let lacking = Lacking::of(&containment, required).map(|lacking| lacking.to_string());
        let named = lacking.as_ref().is_some_and(|lacking| {
            lacking.contains(&format!("leave \"{}\" out", expected.unwrap_or("?")))
                && lacking.contains("(not in this kernel)")
        });
        assert_eq!(named, expected.is_some(), "{required:?}: {lacking:?}");
        assert_eq!(lacking.is_some(), expected.is_some(), "{required:?}: {lacking:?}");
    }
    for name in ProtectionName::ALL {
        assert_eq!(name.key().parse(), Ok(name));
    }
    assert!("seccomp".parse::<ProtectionName>().is_err());
}

/// The calls' numbers are this machine's; that their names exist on the other is looked at by `tests/tidy`.
#[test]
fn filters_are_made_for_each_architecture() {
    for architecture in [seccompiler::TargetArch::x86_64, seccompiler::TargetArch::aarch64] {
        let lengths = system_calls::lengths(architecture).expect("the filters compile");
        assert!(lengths.iter().all(|length| (10..4_096).contains(length)), "{architecture:?}: {lengths:?}");
    }
}
