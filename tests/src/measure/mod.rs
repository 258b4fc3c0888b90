//! What the benchmarks share: a table with targets, percentiles, memory and processor time as Linux accounts for
//! them, and a target to aim at.
//!
//! A benchmark is no test: it prints what it measured beside what was aimed at, and never fails because a machine is
//! slow.

mod percentile;
mod processes;
mod table;
mod target;
mod watched;

pub use percentile::percentile;
pub use processes::{Memory, cpu_time, memory};
pub use table::{Aim, Table};
pub use target::{Nginx, Target};
pub use watched::watched;

use std::time::Duration;

/// How long a benchmark measures, unless `TOCSIN_BENCH_SECONDS` says otherwise.
const SECONDS: u64 = 10;

/// How long to measure.
pub fn window() -> Duration {
    let seconds = std::env::var("TOCSIN_BENCH_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.filter(|seconds| *seconds > 0).unwrap_or(SECONDS))
}

/// Whether this is `cargo bench`. `cargo test --benches` runs the same binaries, and measures nothing.
pub fn is_asked_for() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

/// A runtime for a benchmark, with the crypto provider that this workspace uses.
///
/// # Panics
/// Where the system has no threads left.
pub fn block_on<F: Future>(future: F) -> F::Output {
    // An error says that it is installed.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a benchmark's runtime starts").block_on(future)
}
