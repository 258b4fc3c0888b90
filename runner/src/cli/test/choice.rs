//! Which scripts and which of their checks are meant.

use super::super::arguments::Test;
use crate::catalogue::{self, Catalogue, Check};
use crate::config::{Settings, nearest};
use checks::Region;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The project's root and the scripts: those named, or those of the configuration.
pub fn scripts(settings: &Settings, paths: &[PathBuf]) -> anyhow::Result<(PathBuf, Vec<PathBuf>)> {
    let root = catalogue::project_root(settings);
    if paths.is_empty() {
        return Ok((root, absolute(catalogue::find(&settings.checks_dir)?)?));
    }
    let mut files = BTreeSet::new();
    for path in paths {
        files.extend(absolute(catalogue::find(path)?)?);
    }
    if files.iter().all(|file| file.starts_with(&root)) {
        return Ok((root, files.into_iter().collect()));
    }
    // Scripts from elsewhere bring their own root: the innermost folder that holds them all.
    let mut root: Option<PathBuf> = None;
    for folder in files.iter().filter_map(|file| file.parent()) {
        root = Some(root.map_or_else(|| folder.to_owned(), |root| shared(&root, folder)));
    }
    Ok((root.unwrap_or_default(), files.into_iter().collect()))
}

fn absolute(files: Vec<PathBuf>) -> std::io::Result<Vec<PathBuf>> {
    files.iter().map(|file| file.canonicalize()).collect()
}

fn shared(a: &Path, b: &Path) -> PathBuf {
    a.components().zip(b.components()).take_while(|(a, b)| a == b).map(|(a, _)| a).collect()
}

/// What is wrong with the regions asked for, if anything.
pub fn unknown_region(settings: &Settings, asked: &[Region]) -> Option<String> {
    let known: Vec<&str> = settings.regions.iter().map(|region| region.name.as_str()).collect();
    let unknown = asked.iter().find(|region| !known.contains(&region.as_str()))?;
    let hint = nearest(unknown.as_str(), known.iter().copied()).map(|name| format!("; did you mean {name}?"));
    Some(format!("there is no region `{unknown}`; known are {}{}", known.join(", "), hint.unwrap_or_default()))
}

/// The runs to make: each check in the regions asked for, or in its first one.
pub fn choose<'a>(catalogue: &'a Catalogue, arguments: &Test) -> Vec<(&'a Check, Region)> {
    let wanted = |check: &&Check| {
        let definition = &check.definition;
        let named = arguments
            .grep
            .as_ref()
            .is_none_or(|grep| grep.is_match(definition.id.as_str()) || grep.is_match(&definition.description));
        let tagged = arguments.tag.is_empty() || arguments.tag.iter().any(|tag| definition.tags.contains(tag));
        named && tagged
    };
    let in_regions = |check: &'a Check| {
        let regions: Vec<Region> = match arguments.region.as_slice() {
            [] => check.regions.first().cloned().into_iter().collect(),
            asked => check.regions.iter().filter(|region| asked.contains(region)).cloned().collect(),
        };
        regions.into_iter().map(move |region| (check, region))
    };
    catalogue.checks.iter().filter(wanted).flat_map(in_regions).collect()
}

pub fn nothing_to_run(catalogue: &Catalogue, root: &Path) -> String {
    if catalogue.checks.is_empty() {
        return format!(
            "no check scripts in {}; their names end in `.check.ts` or `.check.js`, and `tocsin new` writes one",
            root.display()
        );
    }
    let ids: Vec<&str> = catalogue.checks.iter().map(|check| check.definition.id.as_str()).collect();
    format!("no check matches; there are {}", ids.join(", "))
}
