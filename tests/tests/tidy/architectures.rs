//! What is written for a processor that this machine has not: nobody would notice that it does not compile.

use crate::repository;
use std::path::Path;
use std::process::Command;
use tests::say_skipped;

const OTHER: &str =
    if cfg!(target_arch = "aarch64") { "x86_64-unknown-linux-gnu" } else { "aarch64-unknown-linux-gnu" };

/// The file needs these two packages and what is in [`AROUND`], so that no C compiler for the other machine is needed.
const FILTERS: &str = "probes/src/sandbox/containment/system_calls.rs";
const AROUND: &str = r#"
pub mod sandbox {
    pub mod process {
        pub const GATE_FD: i32 = 4;
        pub fn filter_system_calls(_: seccompiler::BpfProgramRef<'_>) -> std::io::Result<()> { Ok(()) }
    }
    pub mod containment {
        #[path = "FILTERS"]
        pub mod system_calls;
    }
}
"#;

#[test]
fn system_call_filters_compile_for_the_other_architecture() {
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output().expect("rustc starts");
    let sysroot = String::from_utf8_lossy(&sysroot.stdout).trim().to_owned();
    if !Path::new(&sysroot).join("lib/rustlib").join(OTHER).join("lib").is_dir() {
        return say_skipped(&format!("filters for {OTHER}: rustup target add {OTHER}"));
    }
    let root = repository::root();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).expect("the folder is ours");
    let manifest = "[package]\nname = \"filters\"\nedition = \"2024\"\n[lib]\npath = \"lib.rs\"\n[workspace]\n\
                    [dependencies]\nlibc = \"0.2\"\nseccompiler = \"0.5\"\n";
    write("Cargo.toml", manifest.to_owned());
    write("lib.rs", AROUND.replace("FILTERS", &root.join(FILTERS).display().to_string()));
    // The versions that the workspace has, which are there.
    std::fs::copy(root.join("Cargo.lock"), folder.path().join("Cargo.lock")).expect("the lock file is there");
    let checked = Command::new("cargo")
        .args(["check", "--quiet", "--offline", "--target", OTHER, "--target-dir", "target"])
        .current_dir(folder.path())
        .env_remove("RUSTFLAGS")
        .output()
        .expect("cargo starts");
    assert!(checked.status.success(), "{FILTERS} for {OTHER}:\n{}", String::from_utf8_lossy(&checked.stderr));
}
