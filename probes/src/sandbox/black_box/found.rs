//! What the daemon makes of a black box. The process that filled it may have been anybody's: whatever does not look
//! like a note is left out, and nothing of it is believed but that it is text.

use super::super::Limits;
use super::{Kind, LAST_WORDS_BYTES_MAX, UnderWay};
use crate::engine::{Redactor, clip};
use checks::{ConsoleLine, Dropped, Request, Step};
use serde::de::DeserializeOwned;

#[derive(Debug, Default)]
pub(in super::super) struct Found {
    pub steps: Vec<Step>,
    pub console: Vec<ConsoleLine>,
    pub requests: Vec<Request>,
    /// Whether each of them had come to its end.
    pub over: Vec<bool>,
    pub dropped: Dropped,
    pub last_words: Option<String>,
    /// What the run waited for, as `POST https://auth.example.com/token waited for the first byte`: the oldest.
    pub waiting_for: Option<String>,
}

impl Found {
    /// Reads [`super::BlackBox::contents`]. A run takes its secrets out by itself, but for what was logged in pieces,
    /// and but for a run that was broken into.
    pub fn read(contents: &[u8], limits: &Limits, redactor: &Redactor) -> Self {
        let mut found = Self::default();
        let mut rest = contents;
        while let Some((kind, waits, note)) = next(&mut rest) {
            match kind {
                Some(Kind::Dropped) => found.dropped = json(note).unwrap_or_default(),
                Some(Kind::LastWords) => {
                    found.last_words =
                        json(note).map(|words: String| clip(&redactor.redact(&words), LAST_WORDS_BYTES_MAX));
                }
                Some(Kind::Step) if found.steps.len() < limits.steps_max => {
                    // One that cannot be read keeps its place: others point to it by its number.
                    let step = json(note).unwrap_or_else(unreadable_step);
                    found.add_step(step, limits, redactor);
                }
                Some(Kind::Console) if found.console.len() < limits.console_lines_max => {
                    found.console.extend(json(note).map(|line: ConsoleLine| ConsoleLine {
                        text: clip(&redactor.redact(&line.text), limits.console_line_bytes_max),
                        ..line
                    }));
                }
                Some(Kind::Exchange) if found.requests.len() < limits.requests_max => {
                    if let Some(under_way) = json(note) {
                        found.add_exchange(under_way, waits, limits, redactor);
                    }
                }
                _ => {}
            }
        }
        let mut lines: Vec<&mut String> = found.console.iter_mut().map(|line| &mut line.text).collect();
        redactor.redact_split(&mut lines);
        let steps = found.steps.len();
        for request in &mut found.requests {
            request.step = request.step.filter(|step| (*step as usize) < steps);
        }
        found
    }

    /// The newest step that had not ended.
    pub fn open_step(&self) -> Option<String> {
        let index = self.steps.iter().rposition(|step| step.duration_us.is_none())?;
        crate::engine::step_path(&self.steps, u32::try_from(index).ok()?)
    }

    fn add_step(&mut self, step: Step, limits: &Limits, redactor: &Redactor) {
        let before = self.steps.len();
        let text = |text: &str| clip(&redactor.redact(text), limits.text_bytes_max);
        self.steps.push(Step {
            name: text(&step.name),
            // Whoever follows parents comes to an end.
            parent: step.parent.filter(|parent| (*parent as usize) < before),
            error: step.error.as_deref().map(text),
            ..step
        });
    }

    fn add_exchange(&mut self, under_way: UnderWay, waits: bool, limits: &Limits, redactor: &Redactor) {
        let text = |text: &str| clip(&redactor.redact(text), limits.text_bytes_max);
        let UnderWay { request, waits_for, is_over } = under_way;
        let request = Request {
            method: clip(&redactor.redact(&request.method), 64),
            url: text(&request.url),
            http_version: request.http_version.as_deref().map(text),
            remote_addr: request.remote_addr.as_deref().map(text),
            failure: request.failure.map(|mut failure| {
                failure.message = text(&failure.message);
                failure
            }),
            tls: None,
            transcript: None,
            ..request
        };
        if let (true, Some(waits_for), None) = (waits, waits_for, &self.waiting_for) {
            self.waiting_for = Some(text(&format!("{} {} {waits_for}", request.method, request.url)));
        }
        self.requests.push(request);
        self.over.push(is_over);
    }
}

/// The next note, and what it says it is.
fn next<'a>(rest: &mut &'a [u8]) -> Option<(Option<Kind>, bool, &'a [u8])> {
    let (head, behind) = rest.split_first_chunk::<6>()?;
    let [kind, waits, length @ ..] = *head;
    let (note, behind) = behind.split_at_checked(usize::try_from(u32::from_be_bytes(length)).ok()?)?;
    *rest = behind;
    Some((Kind::of(kind), waits == 1, note))
}

fn json<T: DeserializeOwned>(note: &[u8]) -> Option<T> {
    serde_json::from_slice(note).ok()
}

fn unreadable_step() -> Step {
    Step { name: "(unreadable)".to_owned(), parent: None, start_us: 0, duration_us: Some(0), error: None }
}
