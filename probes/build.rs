//! Embeds the JavaScript that the sandbox starts with.
//!
//! deno's extension crates record the absolute paths of their scripts, in the package registry of the machine that
//! compiled them, and read them when a runtime starts. The `tocsin` binary runs where there is no registry, so
//! their text is compiled into it: `cargo metadata` says where the packages lie, and a table from specifier to
//! `include_str!` is written for `src/engine/embedded.rs`. `deno_fetch` is a dependency for no target at all: only
//! its scripts are wanted, and it is never compiled.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

const PACKAGES: [&str; 4] = ["deno_webidl", "deno_web", "deno_crypto", "deno_fetch"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=../Cargo.lock");
    println!("cargo:rerun-if-changed=src/library");
    let manifest_dir = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);

    // As for the `tocsin` binary, see runner/build.rs.
    for programs in ["tests", "examples"] {
        println!("cargo:rustc-link-arg-{programs}=-Wl,-z,max-page-size=0x200000");
    }
    let mut extensions = Vec::new();
    for (package, folder) in package_folders(&manifest_dir)? {
        for file in scripts(&folder)? {
            extensions.push((format!("ext:{package}/{}", file_name(&file)?), file));
        }
    }
    let mut library = Vec::new();
    let root = manifest_dir.join("src/library");
    let mut files = scripts(&root)?;
    for folder in folders(&root)? {
        files.extend(scripts(&folder)?);
    }
    for file in files {
        println!("cargo:rerun-if-changed={}", file.display());
        let name = file.strip_prefix(&root)?.to_str().ok_or("a script's path is UTF-8")?;
        library.push((format!("ext:tocsin_library/{name}"), file));
    }

    let mut table = String::new();
    for (name, entries) in [("EXTENSIONS", extensions), ("LIBRARY", library)] {
        writeln!(table, "pub(super) static {name}: &[(&str, &str)] = &[")?;
        for (specifier, file) in entries {
            writeln!(table, "    ({specifier:?}, include_str!({file:?})),")?;
        }
        writeln!(table, "];")?;
    }
    std::fs::write(Path::new(&std::env::var("OUT_DIR")?).join("embedded.rs"), table)?;
    Ok(())
}

/// Where cargo unpacked each of [`PACKAGES`].
fn package_folders(manifest_dir: &Path) -> Result<Vec<(String, PathBuf)>, Box<dyn Error>> {
    // Offline first: a build must not wait for the network when everything is there. A package that no target
    // needs may not have been downloaded yet on a machine that builds for the first time.
    let metadata = match metadata(manifest_dir, &["--offline", "--locked"]) {
        Ok(metadata) => metadata,
        Err(offline) => metadata(manifest_dir, &["--locked"])
            .map_err(|online| format!("cargo metadata failed offline ({offline}), and online ({online})"))?,
    };
    let packages = metadata["packages"].as_array().ok_or("cargo metadata has no packages")?;
    let mut folders = Vec::new();
    for wanted in PACKAGES {
        let manifest_path = packages
            .iter()
            .find(|package| package["name"] == wanted)
            .and_then(|package| package["manifest_path"].as_str())
            .ok_or_else(|| format!("{wanted} is not among the dependencies that cargo metadata lists"))?;
        let folder = Path::new(manifest_path).parent().ok_or("a manifest lies in a folder")?;
        folders.push((wanted.to_owned(), folder.to_owned()));
    }
    Ok(folders)
}

fn metadata(manifest_dir: &Path, flags: &[&str]) -> Result<serde_json::Value, Box<dyn Error>> {
    let output = Command::new(std::env::var("CARGO")?)
        .args(["metadata", "--format-version", "1"])
        .args(flags)
        .current_dir(manifest_dir)
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The JavaScript files directly in a folder, sorted, so that the table does not depend on the file system.
fn scripts(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "js") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The folders directly in a folder, sorted.
fn folders(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

fn file_name(path: &Path) -> Result<&str, Box<dyn Error>> {
    Ok(path.file_name().and_then(|name| name.to_str()).ok_or("a script's file name is UTF-8")?)
}
