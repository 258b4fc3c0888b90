use super::arguments::Incidents;
use super::paint::Paint;
use super::printable::{printable, printable_json, printable_lines};
use super::{FAILED, MISCONFIGURED};
use crate::up::JOURNAL_FILE;
use alerting::incident::IncidentStatus;
use alerting::journal::{IncidentFilter, IncidentRecord, IncidentSummary, SqliteReader};
use checks::UnixMs;
use serde_json::json;
use std::path::Path;
use std::process::ExitCode;

const ROWS_MAX: usize = 200;

/// Reads the journal beside a process that may be writing it.
pub(super) fn incidents(data_dir: &Path, arguments: &Incidents) -> anyhow::Result<ExitCode> {
    if let Some(number) = arguments.number {
        return show(data_dir, number, arguments.json);
    }
    let Some(reader) = open(data_dir)? else { return Ok(ExitCode::from(MISCONFIGURED)) };
    let filter = IncidentFilter { check: None, open_only: !arguments.all, rows_max: ROWS_MAX };
    let found = reader.incidents(&filter)?;
    if arguments.json {
        println!("{}", printable_json(&serde_json::to_string_pretty(&json!({ "incidents": found }))?));
    } else {
        print!("{}", table(&found, arguments.all, UnixMs::now(), Paint::for_stdout()));
    }
    Ok(ExitCode::SUCCESS)
}

/// One incident with its whole trail.
pub(super) fn show(data_dir: &Path, number: u64, as_json: bool) -> anyhow::Result<ExitCode> {
    let Some(reader) = open(data_dir)? else { return Ok(ExitCode::from(MISCONFIGURED)) };
    let Some(record) = reader.incident(number)? else {
        eprintln!("tocsin incidents: there is no incident {number}");
        return Ok(ExitCode::from(FAILED));
    };
    if as_json {
        println!("{}", printable_json(&serde_json::to_string_pretty(&record)?));
    } else {
        print!("{}", story(&record, UnixMs::now(), Paint::for_stdout()));
    }
    Ok(ExitCode::SUCCESS)
}

/// `None` after saying that there is no journal yet.
fn open(data_dir: &Path) -> anyhow::Result<Option<SqliteReader>> {
    let path = data_dir.join(JOURNAL_FILE);
    if !path.exists() {
        eprintln!("tocsin incidents: there is no journal at {}; `tocsin up` makes it", path.display());
        return Ok(None);
    }
    Ok(Some(SqliteReader::open(&path)?))
}

fn table(incidents: &[IncidentSummary], all: bool, now: UnixMs, paint: Paint) -> String {
    if incidents.is_empty() {
        return if all {
            "no incidents\n".to_owned()
        } else {
            "no open incidents (--all shows closed ones)\n".to_owned()
        };
    }
    let rows: Vec<[String; 6]> = incidents
        .iter()
        .map(|incident| {
            let report = &incident.report;
            let unwell: Vec<String> =
                report.unwell().map(|line| format!("{} × {}", line.region, line.failures_in_a_row)).collect();
            [
                format!("#{}", incident.number),
                printable(&report.label),
                incident.status.as_str().to_owned(),
                report.check.to_string(),
                lasted(report.opened_at, report.ended_at, now),
                if unwell.is_empty() { printable(&report.reason) } else { unwell.join(", ") },
            ]
        })
        .collect();
    let heads = ["", "", "STATUS", "CHECK", "LASTED", "WHERE AND WHY"];
    let width = |column: usize| {
        rows.iter().map(|row| row[column].chars().count()).chain([heads[column].len()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let padded = |text: &str, column: usize| format!("{text:<width$}", width = widths[column]);
    let head: Vec<String> = (0..heads.len()).map(|column| padded(heads[column], column)).collect();
    let mut out = format!("{}\n", paint.dim(head.join("  ").trim_end()));
    for (row, incident) in rows.iter().zip(incidents) {
        let cells: Vec<String> = row
            .iter()
            .enumerate()
            .map(|(column, text)| {
                let text = padded(text, column);
                match column {
                    0 => paint.bold(&text),
                    1 if incident.status == IncidentStatus::Open && incident.report.label == "P1" => paint.bad(&text),
                    1 if incident.status == IncidentStatus::Open => paint.warn(&text),
                    2 if incident.status != IncidentStatus::Open => paint.good(&text),
                    _ => text,
                }
            })
            .collect();
        out.push_str(cells.join("  ").trim_end());
        out.push('\n');
    }
    out
}

fn lasted(from: UnixMs, to: Option<UnixMs>, now: UnixMs) -> String {
    alerting::notification::Span(to.unwrap_or(now).since_ms(from)).to_string()
}

/// Why was somebody told, and why was somebody not: one incident from its first failure to its end.
fn story(record: &IncidentRecord, now: UnixMs, paint: Paint) -> String {
    use std::fmt::Write;
    let report = &record.report;
    let mut out = String::new();
    let title = format!("#{} {} {}", report.number, report.check, printable(&report.label));
    let lasted = lasted(report.opened_at, report.ended_at, now);
    let _ = writeln!(out, "{}  {}, {lasted}", paint.bold(&title), report.status.as_str());
    let _ = writeln!(out, "{}", printable_lines(&report.reason));
    if let Some(standing) = report.standing() {
        let _ = writeln!(out, "{}", paint.warn(&printable_lines(&standing)));
    }
    if let Some(signal) = &report.signal {
        let _ = writeln!(out, "{}", printable_lines(&signal.title));
        let labels: Vec<String> = signal.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !labels.is_empty() {
            let _ = writeln!(out, "{}", paint.dim(&printable(&labels.join(" "))));
        }
    }
    let message = printable_lines(&report.failure.message);
    let _ = writeln!(out, "{}: {message}", paint.bad(report.failure.class.as_str()));
    if let Some(step) = &report.failure.step {
        let _ = writeln!(out, "{}", paint.dim(&format!("in step {}", printable(step))));
    }
    if let Some(url) = &report.runbook_url {
        let _ = writeln!(out, "runbook {}", printable(url));
    }
    let _ = writeln!(out);
    for line in &report.regions {
        let condition = format!("{:?}", line.condition).to_lowercase();
        let _ = writeln!(out, "  {:<20} {condition}, {} failures in a row", line.region, line.failures_in_a_row);
    }
    let _ = writeln!(out);
    for entry in &record.trail {
        let mut lines = entry.text.lines().map(printable);
        let first = lines.next().unwrap_or_default();
        let _ = writeln!(out, "{}  {:<8} {first}", paint.dim(&entry.at.to_string()), entry.kind.as_str());
        for line in lines {
            let _ = writeln!(out, "{:36}{line}", "");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::printable::{NASTY, assert_printable};
    use super::*;
    use alerting::incident::{IncidentReport, TrailEntry, TrailKind};

    /// A report in which whatever a script, a target, a sender of alerts or a person has written is nasty.
    fn report() -> IncidentReport {
        let text = format!("a{NASTY}b\nc");
        let report = json!({
            "number": 7,
            "check": "login",
            "description": text,
            "runbook_url": text,
            "status": "open",
            "label": text,
            "reason": text,
            "opened_at": 1_000,
            "failing_since": 1_000,
            "failures_total": 1,
            "failed_in": "eu-west-1",
            "failure": { "class": "assertion", "message": text, "step": text, "at": 1_000, "duration_us": 5 },
            "regions": [{ "region": "eu-west-1", "condition": "passing", "failures_in_a_row": 0, "missed_in_a_row": 0 }],
            "acknowledged": { "at": 2_000, "by": text, "via": "slack" },
            "signal": {
                "key": { "source": "alertmanager", "id": "x" },
                "firing": true,
                "severity": "P1",
                "title": text,
                "labels": { text.clone(): text },
                "at": 1_000,
            },
        });
        serde_json::from_value(report).expect("a report as the journal keeps it")
    }

    #[test]
    fn no_text_of_an_incident_moves_the_cursor() {
        let report = report();
        let entry =
            TrailEntry { incident: 7, at: UnixMs(1_000), kind: TrailKind::Opened, text: format!("a{NASTY}\n{NASTY}") };
        let summary =
            IncidentSummary { number: 7, check: report.check.clone(), status: report.status, report: report.clone() };
        assert_printable(&table(&[summary], true, UnixMs(5_000), Paint::plain()));
        let record = IncidentRecord { report, trail: vec![entry], notifications: Vec::new() };
        assert_printable(&story(&record, UnixMs(5_000), Paint::plain()));
    }
}
