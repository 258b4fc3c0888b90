use super::arguments::Test;
use super::paint::Paint;
use super::report::{Detail, milliseconds, report};
use super::{FAILED, MISCONFIGURED};
use crate::catalogue::{self, Catalogue, Check};
use crate::config::{Settings, nearest};
use crate::sandboxing::{self, Regions};
use checks::{Outcome, Region, RunKey, UnixMs};
use futures_util::{StreamExt, stream};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// Runs that go on at once; their reports come in the order of the checks.
const RUNS_AT_ONCE: usize = 8;

pub(super) async fn test(settings: &Settings, arguments: &Test) -> anyhow::Result<ExitCode> {
    let paint = Paint::for_stdout();
    let started = Instant::now();
    if let Some(message) = unknown_region(settings, &arguments.region) {
        eprintln!("tocsin test: {message}");
        return Ok(ExitCode::from(MISCONFIGURED));
    }
    let (root, files) = scripts(settings, &arguments.paths)?;
    let sandbox = sandboxing::start(settings).await?;
    let catalogue = catalogue::load(settings, &root, files, &sandbox).await;
    let mut out = std::io::stdout().lock();
    if !arguments.json {
        for error in &catalogue.refused {
            writeln!(out, "{} {error}\n", paint.bad("✗"))?;
        }
    }
    let chosen = choose(&catalogue, arguments);
    if chosen.is_empty() && catalogue.refused.is_empty() {
        eprintln!("tocsin test: {}", nothing_to_run(&catalogue, &root));
        return Ok(ExitCode::from(MISCONFIGURED));
    }
    let regions = Regions::new(settings);
    let orders = chosen.iter().filter_map(|(check, region)| {
        let key =
            RunKey { check: check.definition.id.clone(), region: region.clone(), slot: UnixMs::now(), attempt: 0 };
        regions.order(check, key)
    });
    let mut results = stream::iter(orders).map(|order| sandbox.run(order)).buffered(RUNS_AT_ONCE);
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    let sources = |file: &str| std::fs::read_to_string(root.join(file)).ok();
    let detail = if arguments.quiet { Detail::Failures } else { Detail::Everything };
    while let Some(result) = results.next().await {
        match result.outcome {
            Outcome::Passed => passed += 1,
            Outcome::Skipped { .. } => skipped += 1,
            Outcome::Failed(_) | Outcome::Missed { .. } => failed += 1,
        }
        if arguments.json {
            out.write_all(&checks::wire::encode(&result))?;
            writeln!(out)?;
        } else {
            write!(out, "{}", report(&result, detail, &sources, paint))?;
        }
        out.flush()?;
    }
    drop(results);
    sandbox.shutdown().await;
    let refused = catalogue.refused.len();
    let total_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    let summary = summary(passed, failed, skipped, refused, total_us, paint);
    if arguments.json {
        for error in &catalogue.refused {
            eprintln!("{error}");
        }
        eprintln!("{summary}");
    } else {
        writeln!(out, "\n{summary}")?;
    }
    Ok(if failed + refused > 0 { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
}

fn summary(passed: usize, failed: usize, skipped: usize, refused: usize, total_us: u64, paint: Paint) -> String {
    let mut parts = vec![paint.good(&format!("{passed} passed"))];
    if failed > 0 {
        parts.push(paint.bad(&format!("{failed} failed")));
    }
    if skipped > 0 {
        parts.push(paint.dim(&format!("{skipped} skipped")));
    }
    if refused > 0 {
        let noun = if refused == 1 { "script" } else { "scripts" };
        parts.push(paint.bad(&format!("{refused} {noun} refused")));
    }
    format!("{}  {}", parts.join(", "), paint.dim(&format!("in {}", milliseconds(total_us))))
}

/// The project's root and the scripts: those named, or those of the configuration.
fn scripts(settings: &Settings, paths: &[PathBuf]) -> anyhow::Result<(PathBuf, Vec<PathBuf>)> {
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

fn unknown_region(settings: &Settings, asked: &[Region]) -> Option<String> {
    let known: Vec<&str> = settings.regions.iter().map(|region| region.name.as_str()).collect();
    let unknown = asked.iter().find(|region| !known.contains(&region.as_str()))?;
    let hint = nearest(unknown.as_str(), known.iter().copied()).map(|name| format!("; did you mean {name}?"));
    Some(format!("there is no region `{unknown}`; known are {}{}", known.join(", "), hint.unwrap_or_default()))
}

/// The runs to make: each check in the regions asked for, or in its first one.
fn choose<'a>(catalogue: &'a Catalogue, arguments: &Test) -> Vec<(&'a Check, Region)> {
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

fn nothing_to_run(catalogue: &Catalogue, root: &Path) -> String {
    if catalogue.checks.is_empty() {
        return format!("no check scripts in {}; their names end in `.check.ts` or `.check.js`", root.display());
    }
    let ids: Vec<&str> = catalogue.checks.iter().map(|check| check.definition.id.as_str()).collect();
    format!("no check matches; there are {}", ids.join(", "))
}
