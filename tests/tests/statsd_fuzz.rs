//! A short run of the fuzz target `alerting/fuzz`, with what the code reached guiding it: 200,000 packets from a fixed
//! seed, or as many as `TOCSIN_FUZZ_PACKETS` says.
//!
//! `cargo fuzz` itself asks for a nightly compiler; the flags below are what it would pass, and the compiler of the
//! workspace takes them too.

use std::path::Path;
use std::process::Command;

/// Counters at every edge and the operands of every comparison, for libFuzzer to see.
const INSTRUMENTED: &str = "--cfg fuzzing -Cdebuginfo=0 -Copt-level=1 -Cdebug-assertions -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares";

#[test]
fn no_packet_breaks_the_parser_or_passes_in_silence() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this package lies in the repository");
    let fuzz = root.join("alerting/fuzz");
    let target = root.join("target/fuzz");
    // The flags are for the target alone where one is named, and not for build scripts and macros.
    let built = Command::new(env!("CARGO"))
        .args(["build", "--locked", "--target", TRIPLE, "--target-dir"])
        .arg(&target)
        .current_dir(&fuzz)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", INSTRUMENTED)
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .output()
        .expect("cargo starts: it runs this test");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));

    // What it finds worth keeping goes into a copy: the tree stays as it is.
    let found = tempfile::tempdir().expect("a temporary folder can be made");
    let packets = std::env::var("TOCSIN_FUZZ_PACKETS").unwrap_or_else(|_| "200000".to_owned());
    let ran = Command::new(target.join(TRIPLE).join("debug/statsd_packet"))
        .args(["-seed=1", "-max_len=512", "-print_final_stats=1", &format!("-runs={packets}")])
        .arg(format!("-artifact_prefix={}/", found.path().display()))
        .args([found.path(), &fuzz.join("corpus/statsd_packet")])
        .output()
        .expect("it has just been built");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");
    // That it was guided at all: the seeds alone are six, and code that is not instrumented gives it nothing to keep.
    let kept = std::fs::read_dir(found.path()).expect("the folder is there").count();
    assert!(kept > 100, "libFuzzer kept {kept} packets only:\n{said}");
}

#[cfg(target_arch = "x86_64")]
const TRIPLE: &str = "x86_64-unknown-linux-gnu";
#[cfg(target_arch = "aarch64")]
const TRIPLE: &str = "aarch64-unknown-linux-gnu";
