//! A view of the machine with nothing in it: an empty root, and a network without an interface.

use super::refused;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use std::io;
use std::path::Path;

pub(super) struct Namespaces {
    pub root: io::Result<()>,
    pub network: io::Result<()>,
}

/// Leaves the machine's namespaces. A user namespace of its own comes first: in it, the others need no privilege, and
/// whatever user this process is outside, inside it is nobody.
pub(super) fn enter() -> Namespaces {
    let rest = CloneFlags::CLONE_NEWIPC | CloneFlags::CLONE_NEWUTS;
    let (mounts, network) = (CloneFlags::CLONE_NEWNS, CloneFlags::CLONE_NEWNET);
    if unshare(CloneFlags::CLONE_NEWUSER | mounts | network | rest).is_ok() {
        return Namespaces { root: empty_root(), network: Ok(()) };
    }
    // Where user namespaces are switched off, a privileged daemon still has the others, and each may be refused alone.
    let user =
        unshare(CloneFlags::CLONE_NEWUSER).map_err(|error| refused("user namespaces are not allowed here", error));
    let separate = |flags: CloneFlags| match (unshare(flags), &user) {
        (Ok(()), _) => Ok(()),
        (Err(_), Err(user)) => Err(io::Error::new(user.kind(), user.to_string())),
        (Err(error), Ok(())) => Err(refused("unshare", error)),
    };
    let root = separate(mounts).and_then(|()| empty_root());
    // Nothing is lost without these: the filter of a run refuses what they are about.
    let _: io::Result<()> = separate(rest);
    Namespaces { root, network: separate(network) }
}

/// Makes an empty, read-only file system the root, and lets go of the one that was.
fn empty_root() -> io::Result<()> {
    const NONE: Option<&str> = None;
    // Without this the mounts below would show up outside.
    mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NONE)
        .map_err(|error| refused("private mounts", error))?;
    let over = ["/tmp", "/proc", "/dev"].into_iter().find(|folder| Path::new(folder).is_dir());
    let over = over.ok_or_else(|| io::Error::other("no folder to mount an empty root over"))?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC | MsFlags::MS_RDONLY;
    mount(Some("none"), over, Some("tmpfs"), flags, Some("size=4k,nr_inodes=2,mode=0555"))
        .map_err(|error| refused("an empty file system", error))?;
    nix::unistd::chdir(over).map_err(|error| refused("the empty root", error))?;
    // Both at once: the old root is put on top of the new one, and is what the next line takes away (pivot_root(2)).
    nix::unistd::pivot_root(".", ".").map_err(|error| refused("pivot_root", error))?;
    umount2(".", MntFlags::MNT_DETACH).map_err(|error| refused("the old root stays mounted", error))?;
    nix::unistd::chdir("/").map_err(|error| refused("the empty root", error))
}
