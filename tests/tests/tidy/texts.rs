//! What no committed text may hold, and what has to be written down in one place.

use crate::repository::{FILES, assert_none, root};
use checks::wire;

/// Where packages of the system are named, and who installs them.
const PACKAGES: &str = "tools/apt-packages.txt";
const INSTALLER: &str = "tools/prerequisites.sh";

#[test]
fn no_text_names_a_machine() {
    let mut places = vec![root().display().to_string()];
    // `/` is the home of nobody in particular.
    places.extend(std::env::var("HOME").ok().filter(|home| home.len() > 1));
    let mut broken = Vec::new();
    for file in FILES.iter() {
        for (index, line) in file.text.lines().enumerate() {
            for place in places.iter().filter(|place| line.contains(&format!("{place}/"))) {
                broken.push(format!("{}:{}: `{place}` is this machine's", file.path, index + 1));
            }
        }
    }
    assert_none(broken, "texts that name a machine");
}

#[test]
fn packages_come_from_the_public_registry() {
    // Split, so that this file is not found by its own rule.
    let markers = [concat!("replace", "-with"), concat!("index = \"", "sparse+"), concat!("registry", "-index")];
    let mut broken = Vec::new();
    for file in FILES.iter() {
        for marker in markers.iter().filter(|marker| file.text.contains(**marker)) {
            broken.push(format!("{}: `{marker}`: which registry to use is the machine's to say", file.path));
        }
    }
    assert_none(broken, "texts that name a package registry");
}

#[test]
fn system_packages_are_named_in_one_place() {
    let installs = [concat!("apt-get", " install"), concat!("apt", " install"), concat!("apt-get\"", " install")];
    let elsewhere =
        FILES.iter().filter(|file| file.path != INSTALLER && installs.iter().any(|call| file.text.contains(call)));
    let broken = elsewhere.map(|file| format!("{}: installs packages; add them to {PACKAGES}", file.path));
    assert_none(broken.collect(), "system packages outside their place");

    let list = FILES.iter().find(|file| file.path == PACKAGES).expect("the list of packages is committed");
    let named = list.text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut named: Vec<_> = named.collect();
    let count = named.len();
    named.sort_unstable();
    named.dedup();
    assert_eq!(named.len(), count, "{PACKAGES} names a package twice");
}

#[test]
fn every_wire_version_has_golden_files() {
    for version in 1..=wire::VERSION {
        let ending = format!(".v{version}.json");
        let golden: Vec<_> = FILES
            .iter()
            .filter(|file| file.path.starts_with("checks/golden/") && file.path.ends_with(&ending))
            .collect();
        for outcome in ["passed", "failed", "missed"] {
            let file = golden.iter().find(|file| file.path.contains(outcome));
            let file = file.unwrap_or_else(|| panic!("checks/golden/ has no {outcome}{ending}"));
            wire::decode(file.text.as_bytes()).unwrap_or_else(|error| panic!("{}: {error}", file.path));
        }
    }
}
