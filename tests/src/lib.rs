//! What the suites ACROSS the house stand on. The suites themselves are under `tests/` (`cargo test`) and `benches/`
//! (`cargo bench`, run by `make bench`).
//!
//! - [`doubles`]: Slack and Twilio as recording servers that hold every request against the published API and that
//!   misbehave on request.
//! - [`harness`]: the real binaries, each test with a directory, ports and processes of its own.
//! - [`measure`]: what the benchmarks share.
//!
//! Nothing here is linked into what is shipped.

pub mod doubles;
pub mod harness;
pub mod measure;
mod skipped;

pub use skipped::say_skipped;
