//! `tocsin types`: what an editor and `tsc` need to know of the sandbox, written into a project.

use anyhow::Context;
use std::path::Path;
use std::process::ExitCode;

// `DECLARATIONS: &[(&str, &str)]`, every `*.d.ts` beside the shipped checks, by name.
include!(concat!(env!("OUT_DIR"), "/declarations.rs"));

const TSCONFIG: &str = include_str!("../../../checks/scripts/tsconfig.json");
const FOLDER: &str = "types";
const MARK: &str = "// Written by `tocsin types`, which overwrites it.\n";

pub(super) fn types(project: &Path) -> anyhow::Result<ExitCode> {
    let folder = project.join(FOLDER);
    anyhow::ensure!(project.is_dir(), "{}: is no folder; name the one with your check scripts", project.display());
    // Before the first is written: all or nothing.
    for (name, _) in DECLARATIONS {
        let file = folder.join(name);
        if std::fs::read_to_string(&file).is_ok_and(|text| !text.starts_with(MARK)) {
            anyhow::bail!("{}: is not from `tocsin types`, and stays; give it another name", file.display());
        }
    }
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    for (name, text) in DECLARATIONS {
        let file = folder.join(name);
        std::fs::write(&file, format!("{MARK}{text}")).with_context(|| file.display().to_string())?;
        println!("wrote {}", file.display());
    }
    let config = project.join("tsconfig.json");
    if config.exists() {
        println!("kept  {}; its `include` must reach {FOLDER}/*.d.ts", config.display());
    } else {
        std::fs::write(&config, TSCONFIG).with_context(|| config.display().to_string())?;
        println!("wrote {}", config.display());
    }
    println!("\n`npx tsc --noEmit -p {}` checks the scripts; editors find the types by themselves.", project.display());
    Ok(ExitCode::SUCCESS)
}
