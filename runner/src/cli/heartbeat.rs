//! `tocsin heartbeat`: the URLs that programs call, and when they did.

use super::MISCONFIGURED;
use super::paint::Paint;
use crate::config::{Settings, nearest};
use crate::running;
use crate::up::JOURNAL_FILE;
use alerting::heartbeat::{Heard, Heartbeat, Tokens};
use alerting::journal::SqliteReader;
use alerting::notification::Span;
use checks::UnixMs;
use std::process::ExitCode;

pub(super) fn heartbeat(settings: &Settings, wanted: Option<&str>) -> anyhow::Result<ExitCode> {
    let configured = &settings.heartbeats;
    let Some(secret) = &configured.secret else {
        eprintln!(
            "tocsin heartbeat: no heartbeat is configured; write `[heartbeats]` with its `secret`, and `[heartbeats.NAME]` with `every`"
        );
        return Ok(ExitCode::from(MISCONFIGURED));
    };
    let names = || configured.all.iter().map(|heartbeat| heartbeat.name.as_str());
    if let Some(wanted) = wanted.filter(|wanted| names().all(|name| name != *wanted)) {
        let instead = match nearest(wanted, names()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("there are {}", names().collect::<Vec<_>>().join(", ")),
        };
        eprintln!("tocsin heartbeat: there is no heartbeat `{wanted}`; {instead}");
        return Ok(ExitCode::from(MISCONFIGURED));
    }
    let journal = settings.data_dir.join(JOURNAL_FILE);
    let heard = if journal.exists() { SqliteReader::open(&journal)?.heartbeats()? } else { Default::default() };
    let local = running::read(&settings.data_dir).map_or_else(|_| format!("http://{}", settings.listen), |it| it.url);
    let bases: Vec<&str> =
        settings.callbacks.iter().map(|callbacks| callbacks.public_url.as_str()).chain([local.as_str()]).collect();
    let (tokens, paint, now) = (Tokens::new(secret.expose()), Paint::for_stdout(), UnixMs::now());
    for heartbeat in configured.all.iter().filter(|heartbeat| wanted.is_none_or(|wanted| wanted == heartbeat.name)) {
        let Heartbeat { name, every_ms, grace_ms, description, .. } = heartbeat;
        let head = format!("every {}, {} of grace", Span(*every_ms), Span(*grace_ms));
        println!("{}  {}", paint.bold(name), paint.dim(&head));
        if !description.is_empty() {
            println!("  {description}");
        }
        for base in &bases {
            println!("  {base}/heartbeats/{name}/{}", tokens.of(name));
        }
        println!("  {}", standing(heartbeat, heard.get(name), now, paint));
    }
    if let (Some(name), Some(base)) = (wanted, bases.first()) {
        println!("\nin a crontab, with the exit status of the job:");
        println!("  job; curl -fsS -m 10 --retry 5 -o /dev/null {base}/heartbeats/{name}/{}/$?", tokens.of(name));
    }
    Ok(ExitCode::SUCCESS)
}

fn standing(heartbeat: &Heartbeat, heard: Option<&Heard>, now: UnixMs, paint: Paint) -> String {
    let Some(heard) = heard else { return "never heard; `tocsin up` has not watched it yet".to_owned() };
    let last = match (&heard.failed, heard.at) {
        (Some(failed), _) => paint.bad(&format!("said at {} that it failed", failed.at)),
        (None, Some(at)) => format!("last heard at {at}, {} ago", Span(now.since_ms(at))),
        (None, None) => "never heard".to_owned(),
    };
    let began = heard.started_at.map_or_else(String::new, |at| format!(", began again at {at}"));
    let due_at = heard.due_at(heartbeat);
    let due = if now < due_at { format!("due by {due_at}") } else { paint.bad(&format!("missed since {due_at}")) };
    format!("{last}{began}; {due}")
}
