//! The declarations hold: TypeScript, as strict as it can be, accepts every script that ships, and every template in a
//! project that `tocsin types` has written into.

use crate::project::Project;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use tests::say_skipped;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the repository is there")
}

/// The compiler, of the version in `tests/typescript/package-lock.json`, installed once below `target/`.
fn compiler() -> Option<&'static Path> {
    static COMPILER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match COMPILER.get_or_init(install) {
        Ok(path) => Some(path.as_path()),
        Err(reason) => {
            say_skipped(&format!("the scripts against TypeScript: {reason}"));
            None
        }
    }
}

fn install() -> Result<PathBuf, String> {
    let wanted = repository().join("tests/typescript");
    let folder = repository().join("target/typescript");
    let compiler = folder.join("node_modules/typescript/bin/tsc");
    let lock = |folder: &Path| std::fs::read(folder.join("package-lock.json")).ok();
    // What is written last says that everything is there.
    let mark = folder.join("installed.lock");
    if compiler.is_file() && std::fs::read(&mark).ok() == lock(&wanted) {
        return Ok(compiler);
    }
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    for name in ["package.json", "package-lock.json"] {
        std::fs::copy(wanted.join(name), folder.join(name)).map_err(|error| error.to_string())?;
    }
    let installed = Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
        .current_dir(&folder)
        .output()
        .map_err(|error| format!("npm does not start ({error})"))?;
    if !installed.status.success() {
        return Err(format!("npm cannot install it: {}", String::from_utf8_lossy(&installed.stderr).trim()));
    }
    std::fs::copy(wanted.join("package-lock.json"), &mark).map_err(|error| error.to_string())?;
    Ok(compiler)
}

fn check(compiler: &Path, project: &Path) -> Output {
    let mut command = Command::new("node");
    command.arg(compiler).arg("--pretty").arg("false").arg("-p").arg(project);
    command.output().expect("npm came with node")
}

#[track_caller]
fn accepts(compiler: &Path, project: &Path) {
    let output = check(compiler, project);
    assert!(output.status.success(), "{}:\n{}", project.display(), String::from_utf8_lossy(&output.stdout));
}

#[tokio::test(flavor = "multi_thread")]
async fn typescript_accepts_what_ships_and_what_is_written() {
    let Some(compiler) = compiler() else { return };
    accepts(compiler, &repository().join("checks/scripts"));

    let project = Project::empty().await;
    let templates = repository().join("checks/templates");
    for entry in std::fs::read_dir(&templates).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let template = name.strip_suffix(".check.ts").expect("templates are checks");
        project.run(&["new", template, "--template", template]).await.assert_code(0);
    }
    let folder = project.checks();
    let folder = folder.to_str().unwrap();
    project.run(&["types", folder]).await.assert_code(0).assert_says(&["wrote ", "tsconfig.json"]);
    accepts(compiler, &project.checks());
    // A second time is a newer version of them, and leaves what is somebody else's.
    let tsconfig = project.checks().join("tsconfig.json");
    std::fs::write(&tsconfig, format!("{}\n", std::fs::read_to_string(&tsconfig).unwrap())).unwrap();
    project.run(&["types", folder]).await.assert_code(0).assert_says(&["kept "]);
    std::fs::write(project.checks().join("types/tocsin.d.ts"), "declare module \"tocsin\" {}\n").unwrap();
    project.run(&["types", folder]).await.assert_code(2).assert_says(&["tocsin.d.ts"]);

    // And it does look: a misspelt matcher is refused.
    let other = Project::empty().await;
    other.write("wrong.check.ts", &crate::project::PASSING.replace("toBeOk", "toBeOkay"));
    other.run(&["types", other.checks().to_str().unwrap()]).await.assert_code(0);
    let output = check(compiler, &other.checks());
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stdout).contains("toBeOkay"));
}
