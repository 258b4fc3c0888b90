//! Embeds the type declarations that ship beside the checks, so that `tocsin types` can write them anywhere; and lays out
//! the `tocsin` binary.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("../checks/scripts").canonicalize()?;
    println!("cargo:rerun-if-changed=build.rs");
    // Code that shares no large page (2 MiB) with anything else can be moved into large pages as a whole, which makes runs
    // cheaper (`probes::sandbox`, code.rs).
    println!("cargo:rustc-link-arg-bins=-Wl,-z,max-page-size=0x200000");
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).ok_or("a declaration's name is UTF-8")?.to_owned();
        if name.ends_with(".d.ts") {
            files.push((name, path));
        }
    }
    files.sort();
    let mut table = String::from("const DECLARATIONS: &[(&str, &str)] = &[\n");
    for (name, path) in files {
        writeln!(table, "    ({name:?}, include_str!({path:?})),")?;
    }
    table.push_str("];\n");
    std::fs::write(Path::new(&std::env::var("OUT_DIR")?).join("declarations.rs"), table)?;
    Ok(())
}
