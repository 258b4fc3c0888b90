//! What a person reads: a page for each check, however many faults were tried.
//!
//! First the faults that break an answer, by exchange and family; then the parts of answers that the check does not look
//! at, which may be well so; then what it notices as a mistake of its own. How to notice a family is told once.

use super::super::arguments::Mutate;
use super::super::paint::Paint;
use super::super::printable::{printable, printable_lines};
use super::trial::{Judged, Proof, Stale, Trial, Verdict};
use probes::mutation::{Change, Family, FieldChange};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Lines of one check about single exchanges, of each kind; the rest is counted.
const LINES_MAX: usize = 12;

/// Names in one line.
const NAMES_MAX: usize = 8;

pub fn report(
    trials: &[Trial<'_>],
    proofs: &[Result<Proof, Stale>],
    problems: &[String],
    arguments: &Mutate,
    paint: Paint,
) -> String {
    let mut out = String::new();
    for (trial, proof) in trials.iter().zip(proofs) {
        check(&mut out, trial, proof, arguments, paint);
    }
    for problem in problems {
        let _ = writeln!(out, "{} {}\n", paint.bad("✗"), printable_lines(problem));
    }
    let sum = |of: fn((usize, usize)) -> usize| -> usize {
        proofs.iter().flatten().map(|proof| of(proof.noticed(arguments.strict))).sum()
    };
    let good = proofs.iter().flatten().filter(|proof| proof.score(arguments.strict) >= arguments.min_score).count();
    let stale = proofs.iter().filter(|proof| proof.is_err()).count();
    let short = proofs.len() - good - stale;
    let mut parts = vec![paint.good(&format!("checks that notice enough: {good}"))];
    for (count, what) in [(short, "too little"), (stale, "stale"), (problems.len(), "not tried")] {
        if count > 0 {
            parts.push(paint.bad(&format!("{what}: {count}")));
        }
    }
    let noticed = format!("{} of {} faults noticed", sum(|(noticed, _)| noticed), sum(|(_, counted)| counted));
    let _ = writeln!(out, "{}  {}", parts.join(", "), paint.dim(&noticed));
    out
}

fn check(out: &mut String, trial: &Trial<'_>, proof: &Result<Proof, Stale>, arguments: &Mutate, paint: Paint) {
    let recording = &trial.recording;
    let name = paint.bold(recording.check.as_str());
    let origin = format!("{}, recorded {}", printable(&trial.check.bundle.path), recording.started_at);
    match proof {
        Err(Stale { reason }) => {
            let _ = writeln!(out, "{} {name}  {}", paint.bad("✗"), recording.region);
            let _ = writeln!(out, "    {}", paint.dim(&origin));
            let _ = writeln!(out, "    the recording is stale: {}", printable_lines(reason).replace('\n', "\n    "));
            let _ = writeln!(out, "    record it again: tocsin test --record {}\n", trial.check.file.display());
        }
        Ok(proof) => {
            let score = proof.score(arguments.strict);
            let symbol = if score >= arguments.min_score { paint.good("✓") } else { paint.bad("✗") };
            let (noticed, counted) = proof.noticed(arguments.strict);
            let told = format!("{score} %: {noticed} of {counted} faults noticed");
            let _ = writeln!(out, "{symbol} {name}  {}  {told}", recording.region);
            let _ = writeln!(out, "    {}", paint.dim(&origin));
            let mut hints = BTreeMap::new();
            let passes = |judged: &&Judged| judged.verdict == Verdict::NotNoticed;
            let (details, breaks): (Vec<_>, Vec<_>) =
                proof.judged.iter().filter(passes).partition(|judged| judged.fault.is_detail());
            unnoticed(out, trial, &breaks, &paint.bad("not noticed"), &mut hints, paint);
            unread(out, trial, &details, &mut hints, paint);
            if !hints.is_empty() {
                let _ = writeln!(out, "    {}", paint.bold("lines that notice"));
                for (family, hint) in hints {
                    let _ = writeln!(out, "         {:<12} {}", family.as_str(), paint.fit(&printable(&hint), 22));
                }
            }
            own_bugs(out, trial, proof, paint);
            if proof.untried > 0 {
                let _ = writeln!(out, "    {} more faults were not tried (--faults-max)", proof.untried);
            }
            out.push('\n');
        }
    }
}

type Hints = BTreeMap<Family, String>;

/// Line by line the families of each exchange.
fn unnoticed(out: &mut String, trial: &Trial<'_>, unnoticed: &[&Judged], title: &str, hints: &mut Hints, paint: Paint) {
    let mut exchanges: BTreeMap<usize, BTreeMap<Family, Vec<&Judged>>> = BTreeMap::new();
    for judged in unnoticed {
        exchanges.entry(judged.fault.exchange).or_default().entry(judged.fault.family()).or_default().push(judged);
    }
    if exchanges.is_empty() {
        return;
    }
    let _ = writeln!(out, "    {title}");
    let (mut written, mut left_out) = (0, 0);
    for (index, families) in exchanges {
        if written + 1 + families.len() > LINES_MAX {
            left_out += families.values().map(Vec::len).sum::<usize>();
            continue;
        }
        let _ = writeln!(out, "      {}", exchange(trial, index, paint));
        written += 1 + families.len();
        for (family, judged) in families {
            hints.entry(family).or_insert_with(|| judged[0].fault.hint(&trial.recording.exchanges[index]));
            let _ = writeln!(out, "         {:<12} {}", family.as_str(), paint.fit(&summary(&judged), 22));
        }
    }
    if left_out > 0 {
        let _ = writeln!(out, "      and {left_out} more of other exchanges (--json has all)");
    }
}

/// Parts that the check does not look at: headers are much the same in all answers, and told once.
fn unread(out: &mut String, trial: &Trial<'_>, details: &[&Judged], hints: &mut Hints, paint: Paint) {
    let (headers, others): (Vec<_>, Vec<_>) =
        details.iter().copied().partition(|judged| judged.fault.family() == Family::Header);
    let title = "parts of answers that it does not look at, as far as nothing depends on them";
    unnoticed(out, trial, &others, &paint.dim(title), hints, paint);
    let mut names: Vec<String> = Vec::new();
    for judged in &headers {
        if let Change::HeaderMissing { header } = &judged.fault.change
            && !names.contains(header)
        {
            names.push(header.clone());
        }
    }
    if names.is_empty() {
        return;
    }
    if others.is_empty() {
        let _ = writeln!(out, "    {}", paint.dim(title));
    }
    let _ = writeln!(out, "      headers of some answers: {}", paint.fit(&printable(&bounded(&names)), 32));
    if let Some(first) = headers.first() {
        hints.insert(Family::Header, first.fault.hint(&trial.recording.exchanges[first.fault.exchange]));
    }
}

fn own_bugs(out: &mut String, trial: &Trial<'_>, proof: &Proof, paint: Paint) {
    let mut bugs: BTreeMap<(usize, &str), Vec<&Judged>> = BTreeMap::new();
    for judged in &proof.judged {
        if let Verdict::AsOwnBug { message } = &judged.verdict {
            let line = message.lines().next().unwrap_or_default();
            bugs.entry((judged.fault.exchange, line)).or_default().push(judged);
        }
    }
    if bugs.is_empty() {
        return;
    }
    let title = "noticed, but as the script's own bug, which wakes nobody";
    let _ = writeln!(out, "    {}", paint.warn(title));
    for ((index, message), judged) in bugs.iter().take(LINES_MAX / 3) {
        let _ = writeln!(out, "      {}", exchange(trial, *index, paint));
        let _ = writeln!(out, "         {}", paint.fit(&summary(judged), 9));
        let _ = writeln!(out, "         {}", paint.dim(&paint.fit(&printable(message), 9)));
    }
    if let more @ 1.. = bugs.len().saturating_sub(LINES_MAX / 3) {
        let _ = writeln!(out, "      and {more} more (--json has all)");
    }
}

fn exchange(trial: &Trial<'_>, index: usize, paint: Paint) -> String {
    let exchange = &trial.recording.exchanges[index];
    let request = &exchange.request;
    let step = exchange.step.as_ref().map(|step| paint.dim(&format!("  in {}", printable(step)))).unwrap_or_default();
    format!("{} {} {}{step}", index + 1, printable(&request.method), printable(place(&request.url)))
}

/// Without the query, where codes and tokens travel.
pub fn place(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}

/// Faults of one exchange and one family, on one line.
fn summary(judged: &[&Judged]) -> String {
    // What is wrong, by what it is wrong with, in the order in which it was tried.
    let mut subjects: Vec<(String, Vec<String>)> = Vec::new();
    for judged in judged {
        let (subject, what) = match &judged.fault.change {
            Change::Field { field, how } => (field.to_string(), field_word(*how).to_owned()),
            Change::Token { place, how } => (place.to_string(), how.to_string()),
            other => (String::new(), other.to_string()),
        };
        match subjects.iter_mut().find(|(known, _)| *known == subject) {
            Some((_, whats)) => whats.push(what),
            None => subjects.push((subject, vec![what])),
        }
    }
    let whole = |whats: &[String]| whats.join(", ");
    // Several fields with the same wrong with them share it.
    let mut shared: Vec<(String, Vec<String>)> = Vec::new();
    for (subject, whats) in subjects {
        let whats = whole(&whats);
        match shared.iter_mut().find(|(known, _)| *known == whats) {
            Some((_, subjects)) => subjects.push(subject),
            None => shared.push((whats, vec![subject])),
        }
    }
    let part = |(whats, subjects): &(String, Vec<String>)| match subjects.as_slice() {
        [subject] if subject.is_empty() => whats.clone(),
        subjects => format!("{} ({whats})", bounded(subjects)),
    };
    printable(&shared.iter().map(part).collect::<Vec<_>>().join("; "))
}

fn field_word(how: FieldChange) -> &'static str {
    match how {
        FieldChange::Missing => "missing",
        FieldChange::Null => "null",
        FieldChange::WrongType => "another type",
    }
}

fn bounded(names: &[String]) -> String {
    match names.len().checked_sub(NAMES_MAX) {
        Some(more @ 1..) => format!("{} and {more} more", names[..NAMES_MAX].join(", ")),
        _ => names.join(", "),
    }
}
