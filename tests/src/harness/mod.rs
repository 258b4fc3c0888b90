//! The real binaries, run by a test: each test has a directory, ports and processes of its own, and everything it
//! started ends with it. What the processes printed is shown where the test fails.
//!
//! - [`Process`]: one program, its logs, its signals, its end.
//! - [`AuthStack`]: the target, with its faults.
//! - [`Tocsin`]: the program under test; [`Config`] writes its `tocsin.toml`.
//! - [`Prometheus`], [`Alertmanager`]: real ones, where they are installed.
//! - [`Switch`]: a target that answers as a test says.
//! - [`World`]: a target, both providers and a folder of checks, wired together.

mod alertmanager;
mod auth_stack;
mod config;
mod process;
mod processes;
mod prometheus;
mod switch;
mod tocsin;
mod world;

pub use alertmanager::Alertmanager;
pub use auth_stack::AuthStack;
pub(crate) use auth_stack::client;
pub use config::{Config, DEVOPS, REGIONS};
pub use process::{Finished, Process};
pub use processes::{all_gone, descendants, open_files};
pub use prometheus::{Prometheus, Series, ask};
pub use switch::Switch;
pub use tocsin::{NOT_FOR_TESTS, Tocsin};
pub use world::{DISCOVERY, World};

use std::path::PathBuf;
use std::time::Duration;

/// How long anything may take that takes a second or two. A bound, not an expectation: only a test that fails
/// waits for it.
pub const SOON: Duration = Duration::from_secs(30);

/// A binary of this workspace, from the folder that this test was built into.
///
/// # Panics
/// Where it was not built.
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a running program has a path");
    // Tests and benches are in `target/<profile>/deps`, binaries one above.
    let folder = test.ancestors().nth(2).expect("a test is inside the target folder");
    let program = folder.join(name);
    assert!(program.is_file(), "{} is not there; build it: cargo build --workspace", program.display());
    program
}
