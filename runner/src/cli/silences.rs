use super::MISCONFIGURED;
use super::arguments::Silences;
use super::paint::Paint;
use super::printable::{printable, printable_json};
use crate::up::JOURNAL_FILE;
use alerting::journal::SqliteReader;
use alerting::notification::Span;
use alerting::silence::KeptSilence;
use checks::UnixMs;
use serde_json::json;
use std::path::Path;
use std::process::ExitCode;

/// Reads the journal beside a process that may be writing it.
pub(super) fn silences(data_dir: &Path, arguments: &Silences) -> anyhow::Result<ExitCode> {
    let path = data_dir.join(JOURNAL_FILE);
    if !path.exists() {
        eprintln!("tocsin silences: there is no journal at {}; `tocsin up` makes it", path.display());
        return Ok(ExitCode::from(MISCONFIGURED));
    }
    let now = UnixMs::now();
    let silences = SqliteReader::open(&path)?.silences(now)?;
    if arguments.json {
        println!("{}", printable_json(&serde_json::to_string_pretty(&json!({ "silences": silences }))?));
    } else if silences.is_empty() {
        println!("nothing is silenced");
    } else {
        silences.iter().for_each(|kept| println!("{}", line(kept, now, Paint::for_stdout())));
    }
    Ok(ExitCode::SUCCESS)
}

fn line(kept: &KeptSilence, now: UnixMs, paint: Paint) -> String {
    let silence = &kept.silence;
    let id = paint.bold(&format!("{:>4}", kept.id));
    let kind = if silence.is_maintenance { "maintenance" } else { "silence" };
    let why = if silence.why.is_empty() { String::new() } else { format!(": {}", printable(&silence.why)) };
    let from = match silence.from.filter(|from| *from > now) {
        Some(from) => format!("from {from} "),
        None => String::new(),
    };
    let left = paint.dim(&format!("({} left)", Span(silence.until.since_ms(now))));
    let (about, by) = (printable(&silence.matcher.to_string()), printable(&silence.by));
    format!("{id}  {kind} of {about} {from}until {} {left}, by {by}{why}", silence.until)
}
