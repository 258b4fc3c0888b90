//! Who may depend on whom: `tests -> runner -> {probes, alerting, dashboards} -> checks`, and `tests -> auth-stack`.

use crate::repository::{assert_none, root};
use std::collections::{BTreeMap, BTreeSet};
use toml_edit::{DocumentMut, Item, Table};

/// Every package, and the packages of this workspace that it may name.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("checks", &[]),
    ("probes", &["checks"]),
    ("alerting", &["checks"]),
    ("dashboards", &["checks"]),
    ("runner", &["checks", "probes", "alerting", "dashboards"]),
    ("auth-stack", &[]),
    ("tests", &["checks", "probes", "alerting", "dashboards", "runner", "auth-stack"]),
];

/// Dependencies by the start of their name, and the only packages that may have them.
const RESERVED: &[(&str, &[&str])] = &[
    ("deno_", &["probes"]),
    ("oxc_", &["probes"]),
    ("slack-morphism", &["alerting"]),
    ("argon2", &["auth-stack"]),
    ("jsonwebtoken", &["auth-stack"]),
    ("rcgen", &["auth-stack", "probes"]),
];

/// What has no place in a crate of pure values.
const NOT_IN_CHECKS: &[&str] = &["tokio", "hyper", "reqwest", "axum", "rusqlite", "rand", "tracing"];

/// Two of these in one binary is a mistake that costs a debugging session each.
const ONE_VERSION: &[&str] = &["reqwest", "hyper", "rustls", "rusqlite", "tokio", "axum", "http"];

fn manifest(package: &str) -> DocumentMut {
    let path = root().join(package).join("Cargo.toml");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names under every kind of dependency table, platform-specific ones included.
fn dependencies(package: &str) -> BTreeMap<String, Item> {
    const KINDS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
    let manifest = manifest(package);
    let mut found = BTreeMap::new();
    let mut collect = |table: &Table| {
        for kind in KINDS {
            for (name, item) in table.get(kind).and_then(Item::as_table).into_iter().flatten() {
                found.insert(name.to_owned(), item.clone());
            }
        }
    };
    collect(manifest.as_table());
    for (_, target) in manifest.get("target").and_then(Item::as_table).into_iter().flatten() {
        collect(target.as_table().expect("a target has tables"));
    }
    found
}

fn members() -> BTreeSet<String> {
    let workspace = manifest(".");
    let members = workspace["workspace"]["members"].as_array().expect("a workspace lists its members");
    members.iter().filter_map(|member| member.as_str()).map(str::to_owned).collect()
}

#[test]
fn every_package_has_its_place() {
    let placed: BTreeSet<_> = MAY_NAME.iter().map(|(package, _)| (*package).to_owned()).collect();
    assert_eq!(members(), placed, "a package is new or gone: say in this table what it may depend on");
}

#[test]
fn dependencies_point_one_way() {
    let mut broken = Vec::new();
    for (package, allowed) in MAY_NAME {
        for name in dependencies(package).into_keys() {
            let is_ours = MAY_NAME.iter().any(|(ours, _)| *ours == name);
            if is_ours && !allowed.contains(&name.as_str()) {
                broken.push(format!("{package}/Cargo.toml names `{name}`; it may name {allowed:?}"));
            }
            for (start, packages) in RESERVED {
                if name.starts_with(start) && !packages.contains(package) {
                    broken.push(format!("{package}/Cargo.toml names `{name}`, which belongs to {packages:?}"));
                }
            }
            if *package == "checks" && NOT_IN_CHECKS.contains(&name.as_str()) {
                broken.push(format!("checks/Cargo.toml names `{name}`, and checks are values only"));
            }
        }
    }
    assert_none(broken, "dependencies that break the layering");
}

#[test]
fn versions_and_lints_are_said_once() {
    let mut broken = Vec::new();
    for (package, _) in MAY_NAME {
        for (name, item) in dependencies(package) {
            let inherited = item.get("workspace").and_then(Item::as_bool) == Some(true);
            if !inherited {
                broken.push(format!(
                    "{package}/Cargo.toml: `{name}` has a version of its own; write `{name}.workspace = true`"
                ));
            }
        }
        if manifest(package).get("lints").and_then(|lints| lints.get("workspace")).and_then(Item::as_bool) != Some(true)
        {
            broken.push(format!("{package}/Cargo.toml lacks `[lints] workspace = true`"));
        }
    }
    assert_none(broken, "manifests that go their own way");
}

#[test]
fn the_lock_file_has_one_version_and_one_source() {
    let text = std::fs::read_to_string(root().join("Cargo.lock")).expect("the lock file is committed");
    let lock: DocumentMut = text.parse().expect("cargo wrote the lock file");
    let packages = lock["package"].as_array_of_tables().expect("a lock file lists packages");
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut broken = Vec::new();
    for package in packages {
        let text = |key| package.get(key).and_then(Item::as_str);
        let (name, version) = (text("name").unwrap_or_default(), text("version").unwrap_or_default());
        versions.entry(name).or_default().push(version);
        if !matches!(text("source"), None | Some("registry+https://github.com/rust-lang/crates.io-index")) {
            broken
                .push(format!("{name} {version} comes from {:?}, and everything comes from crates.io", text("source")));
        }
    }
    for name in ONE_VERSION {
        match versions.get(name).map_or(&[][..], Vec::as_slice) {
            [_] => {}
            found => broken.push(format!("`{name}` is locked as {found:?}, and should be one")),
        }
    }
    assert_none(broken, "in Cargo.lock");
}
