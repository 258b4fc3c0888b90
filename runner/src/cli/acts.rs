//! What people do about incidents, from the command line: asked of the process that runs, which alone decides.

use super::arguments::{Ack, Resolve, Silence, Unsilence, Whom};
use super::printable::{printable, printable_lines};
use super::{FAILED, MISCONFIGURED};
use crate::running::{self, Running};
use anyhow::Context;
use checks::UnixMs;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// A process that does not answer for so long is not going to.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(15);

pub(super) async fn ack(data_dir: &Path, arguments: &Ack) -> anyhow::Result<ExitCode> {
    let body = json!({ "by": name(arguments.by.as_deref())?, "via": "command-line" });
    let path = format!("incidents/{}/acknowledge", arguments.number);
    let answer = match ask(data_dir, Method::POST, &path, Some(body)).await? {
        Answer::Done(answer) => answer,
        Answer::Refused { code, problem } => return Ok(refused("ack", code, &problem)),
    };
    let (number, by) = (arguments.number, text(&answer, "by"));
    if answer["outcome"] == "done" {
        println!("incident #{number} is acknowledged by {by}: nobody is told again while it lasts");
    } else {
        println!("incident #{number} was acknowledged before, by {by}");
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn resolve(data_dir: &Path, arguments: &Resolve) -> anyhow::Result<ExitCode> {
    let by = name(arguments.by.as_deref())?;
    let body = json!({ "by": by, "because": arguments.because, "via": "command-line" });
    let path = format!("incidents/{}/resolve", arguments.number);
    match ask(data_dir, Method::POST, &path, Some(body)).await? {
        Answer::Done(answer) => {
            println!(
                "incident #{} is over, by {}: everybody who was told is told",
                arguments.number,
                text(&answer, "by")
            );
            Ok(ExitCode::SUCCESS)
        }
        Answer::Refused { code, problem } => Ok(refused("resolve", code, &problem)),
    }
}

pub(super) async fn silence(data_dir: &Path, arguments: &Silence) -> anyhow::Result<ExitCode> {
    let Whom { check, tag, label, incident, everything } = &arguments.whom;
    let body = json!({
        "check": check,
        "tag": tag,
        "label": label,
        "incident": incident,
        "everything": everything,
        "for": arguments.when.lasts,
        "until": arguments.when.until.map(|until| until.to_string()),
        "by": name(arguments.by.as_deref())?,
        "why": arguments.why,
        "maintenance": arguments.maintenance,
    });
    let answer = match ask(data_dir, Method::POST, "silences", Some(body)).await? {
        Answer::Done(answer) => answer,
        Answer::Refused { code, problem } => return Ok(refused("silence", code, &problem)),
    };
    let silence = &answer["silence"];
    let until = UnixMs(silence["until"].as_i64().unwrap_or_default());
    println!(
        "silence {} holds back {} until {until}; what still fails then pages. `tocsin unsilence {0}` ends it before",
        silence["id"],
        text(silence, "about")
    );
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn unsilence(data_dir: &Path, arguments: &Unsilence) -> anyhow::Result<ExitCode> {
    match ask(data_dir, Method::DELETE, &format!("silences/{}", arguments.id), None).await? {
        Answer::Done(answer) => {
            println!("silence {} of {} is over; what fails pages", arguments.id, text(&answer["silence"], "about"));
            Ok(ExitCode::SUCCESS)
        }
        Answer::Refused { code, problem } => Ok(refused("unsilence", code, &problem)),
    }
}

fn text(document: &Value, key: &str) -> String {
    printable(document[key].as_str().unwrap_or_default())
}

fn refused(command: &str, code: u8, problem: &str) -> ExitCode {
    eprintln!("tocsin {command}: {}", printable_lines(problem));
    ExitCode::from(code)
}

/// Who acts: as written, or as they are logged in. Behind sudo, whoever called it.
fn name(written: Option<&str>) -> anyhow::Result<String> {
    let variable = || ["SUDO_USER", "LOGNAME", "USER"].iter().find_map(|name| std::env::var(name).ok());
    // A container has none of them.
    let id = || {
        let id = std::process::Command::new("id").arg("-un").output().ok().filter(|id| id.status.success())?;
        Some(String::from_utf8_lossy(&id.stdout).trim().to_owned())
    };
    let name = written.map(str::to_owned).or_else(variable).or_else(id).filter(|name| !name.trim().is_empty());
    name.context("who are you? write `--by NAME`, so that others know whom to ask")
}

enum Answer {
    Done(Value),
    Refused { code: u8, problem: String },
}

async fn ask(data_dir: &Path, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Answer> {
    let running = match running::read(data_dir) {
        Ok(running) => running,
        Err(problem) => return Ok(Answer::Refused { code: MISCONFIGURED, problem: problem.to_string() }),
    };
    // A proxy is for what lies beyond this machine.
    let client = Client::builder().no_proxy().timeout(ANSWER_TIME_MAX).build()?;
    let request = client.request(method, format!("{}/api/v1/{path}", running.url)).bearer_auth(running.token.expose());
    let request = match body {
        Some(body) => request.json(&body),
        None => request,
    };
    let answered = match request.send().await {
        Ok(response) => Ok((response.status(), response.text().await.unwrap_or_default())),
        Err(error) => Err(error),
    };
    Ok(match answered {
        Err(error) => Answer::Refused { code: MISCONFIGURED, problem: silent(&running, &error) },
        Ok((status, text)) => read(&running, status, &text),
    })
}

fn silent(running: &Running, error: &reqwest::Error) -> String {
    let (pid, url, file) = (running.pid, &running.url, running.file.display());
    if error.is_connect() {
        return format!(
            "nothing runs at {url}; the process {pid} that {file} names has ended without an orderly end. Start `tocsin up` again"
        );
    }
    format!("the process {pid} at {url} does not answer ({error}); whether it has done it is not known")
}

fn read(running: &Running, status: StatusCode, text: &str) -> Answer {
    let document: Value = serde_json::from_str(text).unwrap_or_default();
    if status.is_success() && (document["outcome"].is_string() || document["silence"].is_object()) {
        return Answer::Done(document);
    }
    let is_stranger = status.is_success()
        || matches!(status, StatusCode::UNAUTHORIZED | StatusCode::MISDIRECTED_REQUEST)
        || document["error"].is_null();
    if is_stranger {
        let problem = format!(
            "whoever answers at {} is not the process {} that {} names ({status}); start `tocsin up` again",
            running.url,
            running.pid,
            running.file.display()
        );
        return Answer::Refused { code: MISCONFIGURED, problem };
    }
    // What is not there, or is over already, is no mistake of the command line.
    let is_wrong = matches!(status, StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE);
    let problem = text_of(&document, status);
    Answer::Refused { code: if is_wrong { MISCONFIGURED } else { FAILED }, problem }
}

fn text_of(document: &Value, status: StatusCode) -> String {
    document["error"].as_str().map_or_else(|| status.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    #[test]
    fn answers_become_exit_codes() {
        let running = Running {
            pid: 7,
            url: "http://127.0.0.1:1".to_owned(),
            token: Secret::new("0123".to_owned()),
            file: "data/running.json".into(),
        };
        let cases = [
            (200, r#"{"outcome": "done"}"#, Ok(())),
            (404, r#"{"error": "there is no incident 9"}"#, Err((FAILED, "there is no incident 9"))),
            (409, r#"{"error": "incident 7 is over"}"#, Err((FAILED, "is over"))),
            (503, r#"{"error": "alerting has shut down"}"#, Err((FAILED, "shut down"))),
            (400, r#"{"error": "until when?"}"#, Err((MISCONFIGURED, "until when?"))),
            (401, r#"{"error": "prove it"}"#, Err((MISCONFIGURED, "is not the process 7"))),
            (200, r#"{"ok": false, "error": "invalid_auth"}"#, Err((MISCONFIGURED, "is not the process 7"))),
            (200, "<html>", Err((MISCONFIGURED, "is not the process 7"))),
            (404, "not here", Err((MISCONFIGURED, "is not the process 7"))),
        ];
        for (status, text, expected) in cases {
            match (read(&running, StatusCode::from_u16(status).unwrap(), text), expected) {
                (Answer::Done(_), Ok(())) => {}
                (Answer::Refused { code, problem }, Err((expected, part))) => {
                    assert_eq!(code, expected, "{text}");
                    assert!(problem.contains(part), "{problem}");
                }
                _ => panic!("{status} {text}"),
            }
        }
    }
}
