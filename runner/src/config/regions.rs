use super::ControlTarget;
use super::control::read_targets;
use super::reader::{At, Section};
use super::vars::read_vars;
use checks::Region;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A place that runs are made from. On a single machine, regions differ by what they resolve and are given.
///
/// ```toml
/// [[regions]]
/// name = "eu-west-1"
/// resolve = { "login.example.com" = "10.0.3.7" }
/// vars = { AUTH_URL = "https://login-eu.example.com" }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionSettings {
    pub name: Region,
    /// Host name to the address it has in this region, instead of asking DNS.
    pub resolve: BTreeMap<String, IpAddr>,
    /// On top of the common `[vars]`.
    pub vars: BTreeMap<String, String>,
    /// In place of those of `[control]`, where there are any.
    pub control_targets: Vec<ControlTarget>,
}

impl RegionSettings {
    /// The region of a configuration that names none.
    pub(super) fn local() -> Self {
        let name = Region::new("local").expect("`local` follows the rules of a region's name");
        Self { name, resolve: BTreeMap::new(), vars: BTreeMap::new(), control_targets: Vec::new() }
    }
}

pub(super) fn read(sections: Vec<Section<'_>>) -> Vec<RegionSettings> {
    let mut regions: Vec<RegionSettings> = Vec::new();
    let mut seen: BTreeMap<String, At> = BTreeMap::new();
    for mut section in sections {
        let reading = section.reading;
        let name = section.required_string("name", "\"eu-west-1\"");
        let resolve = read_resolve(section.section("resolve"));
        let vars = read_vars(section.section("vars"));
        let control_targets = read_targets(&mut section, "control_targets");
        section.finish();
        let Some(name) = name else { continue };
        if let Some(first) = seen.get(&name.value) {
            let line = reading.line(first);
            reading.report(
                &name.at,
                format_args!(
                    "region `{}` is already defined in line {line}; give this one another name, or remove it",
                    name.value
                ),
            );
            continue;
        }
        seen.insert(name.value.clone(), name.at.clone());
        match Region::new(&name.value) {
            Ok(name) => regions.push(RegionSettings { name, resolve, vars, control_targets }),
            Err(error) => reading.report(&name.at, error),
        }
    }
    if regions.is_empty() { vec![RegionSettings::local()] } else { regions }
}

fn read_resolve(section: Option<Section<'_>>) -> BTreeMap<String, IpAddr> {
    let Some(mut section) = section else { return BTreeMap::new() };
    let mut resolve = BTreeMap::new();
    for host in section.names() {
        let parse = |text: &str| {
            text.parse::<IpAddr>()
                .map_err(|_| format!("`{text}` is no IP address; write one such as \"127.0.0.2\", without a port"))
        };
        if let Some(address) = section.parsed(&host.value, parse) {
            resolve.insert(host.value.to_ascii_lowercase(), address.value);
        }
    }
    resolve
}
