use super::redact::Redactor;
use crate::sandbox::{BlackBox, Limits};
use checks::{ConsoleLevel, ConsoleLine, Dropped, Metric, Step};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Instant;

const METRIC_TEXT_BYTES_MAX: usize = 256;
const METRIC_TAGS_MAX: usize = 10;

/// What a script told the operations so far; lives in the process of the run, and only there.
pub(crate) struct Record {
    pub started: Instant,
    pub deadline: Instant,
    pub limits: Limits,
    pub redactor: Rc<Redactor>,
    /// For the case that this process is killed before it can say any of this.
    black_box: BlackBox,
    pub steps: Vec<Step>,
    /// Steps that ended with an error, in the order in which they ended.
    pub failed_steps: Vec<u32>,
    pub console: Vec<ConsoleLine>,
    pub soft: Vec<Soft>,
    pub metrics: Vec<Metric>,
    /// Why the script called `skip`, if it did.
    pub skipped: Option<String>,
    pub dropped: Dropped,
    pub ending: Option<Ending>,
    pub described: Option<String>,
    /// The step of the operation that is about to be called.
    pub current_step: Rc<Cell<Option<u32>>>,
}

/// How a script ended by itself.
pub(crate) enum Ending {
    Passed,
    /// By what `skip` throws.
    Skipped,
    Failed(Thrown),
}

/// What was thrown, as the script's process read it. Nothing in here is redacted yet.
#[derive(Debug, Clone, Default)]
pub(crate) struct Thrown {
    pub kind: ThrownKind,
    pub name: String,
    pub message: String,
    /// Mapped to the author's own lines, unfiltered.
    pub stack: String,
    /// What the error says of its class; empty where it says nothing.
    pub class: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum ThrownKind {
    #[default]
    Thrown,
    /// By a promise that nobody waited for.
    Unhandled,
    /// The default export is no check.
    NoCheck,
    /// What `run` returned cannot be serialised.
    Returned,
}

/// A `check(...)` that did not hold.
pub(crate) struct Soft {
    pub message: String,
    pub stack: String,
    pub class: String,
    pub step: Option<u32>,
}

impl Record {
    pub fn new(
        started: Instant,
        deadline: Instant,
        limits: Limits,
        redactor: Rc<Redactor>,
        black_box: BlackBox,
    ) -> Self {
        Self {
            started,
            deadline,
            limits,
            redactor,
            black_box,
            steps: Vec::new(),
            failed_steps: Vec::new(),
            console: Vec::new(),
            soft: Vec::new(),
            metrics: Vec::new(),
            skipped: None,
            dropped: Dropped::default(),
            ending: None,
            described: None,
            current_step: Rc::default(),
        }
    }

    pub fn offset_us(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// The first ending counts: what a script does after it is over changes nothing.
    pub fn end(&mut self, ending: Ending) {
        self.ending.get_or_insert(ending);
    }

    pub fn begin_step(&mut self, name: &str, parent: Option<u32>) -> Option<u32> {
        if self.steps.len() >= self.limits.steps_max {
            self.dropped.steps += 1;
            self.black_box.dropped(&self.dropped);
            return None;
        }
        let index = u32::try_from(self.steps.len()).ok()?;
        let parent = parent.filter(|parent| *parent < index);
        let name = clip(&self.redactor.redact(name), self.limits.text_bytes_max);
        let step = Step { name, parent, start_us: self.offset_us(), duration_us: None, error: None };
        self.black_box.step(self.steps.len(), &step);
        self.steps.push(step);
        Some(index)
    }

    pub fn end_step(&mut self, index: u32, error: Option<&str>) {
        let now_us = self.offset_us();
        let Some(step) = self.steps.get_mut(index as usize) else { return };
        if step.duration_us.is_some() {
            return;
        }
        step.duration_us = Some(now_us.saturating_sub(step.start_us));
        if let Some(error) = error {
            step.error = Some(clip(&self.redactor.redact(error), self.limits.text_bytes_max));
            self.failed_steps.push(index);
        }
        self.black_box.step(index as usize, step);
    }

    pub fn soft_failure(&mut self, message: String, stack: String, class: String) {
        if self.soft.len() >= self.limits.soft_failures_max {
            self.dropped.soft_failures += 1;
            return;
        }
        let step = self.current_step.get();
        self.soft.push(Soft { message, stack, class, step });
    }

    pub fn metric(&mut self, name: &str, value: f64, unit: Option<&str>, tags: BTreeMap<String, String>) {
        if self.metrics.len() >= self.limits.metrics_max {
            self.dropped.metrics += 1;
            return;
        }
        // The library has bounded the texts already; a script that gets round it meets the same bound here.
        let kept = |text: &str| clip(&self.redactor.redact(text), METRIC_TEXT_BYTES_MAX);
        let tags = tags.iter().take(METRIC_TAGS_MAX).map(|(name, value)| (kept(name), kept(value))).collect();
        let metric = Metric {
            name: kept(name),
            value,
            unit: unit.map(kept),
            tags,
            step: self.current_step.get(),
            at_us: self.offset_us(),
        };
        self.metrics.push(metric);
    }

    pub fn log(&mut self, text: &str, level: ConsoleLevel) {
        if self.console.len() >= self.limits.console_lines_max {
            self.dropped.console_lines += 1;
            self.black_box.dropped(&self.dropped);
            return;
        }
        let text = text.strip_suffix('\n').unwrap_or(text);
        let text = clip(&self.redactor.redact(text), self.limits.console_line_bytes_max);
        let line = ConsoleLine { at_us: self.offset_us(), level, text };
        self.black_box.console(self.console.len(), &line);
        self.console.push(line);
    }

    /// What was logged, without secrets that were logged in pieces.
    pub fn take_console(&mut self) -> Vec<ConsoleLine> {
        let mut console = std::mem::take(&mut self.console);
        let mut lines: Vec<&mut String> = console.iter_mut().map(|line| &mut line.text).collect();
        self.redactor.redact_split(&mut lines);
        console
    }

    /// The names of a step and of the steps around it: `login › token`.
    pub fn step_path(&self, index: u32) -> Option<String> {
        step_path(&self.steps, index)
    }

    /// The innermost step that `thrown` passed through on its way out of the script.
    pub fn step_that_failed(&self, thrown: &Thrown) -> Option<u32> {
        let message = clip(&self.redactor.redact(&thrown.message), self.limits.text_bytes_max);
        // A step's error may have been cut by the library or by the bound: compare what both are sure to hold.
        let same = |index: &&u32| {
            let error = self.steps[**index as usize].error.as_deref().unwrap_or_default();
            thrown.kind == ThrownKind::Thrown && head(error) == head(&message)
        };
        let outermost = self.failed_steps.iter().rev().find(same)?;
        let mut innermost = *outermost;
        while let Some(child) = self
            .failed_steps
            .iter()
            .rev()
            .filter(same)
            .find(|index| self.steps[**index as usize].parent == Some(innermost))
        {
            innermost = *child;
        }
        Some(innermost)
    }

    /// The newest step that is still open, where the run was stopped from outside.
    pub fn step_still_open(&self) -> Option<u32> {
        let index = self.steps.iter().rposition(|step| step.duration_us.is_none())?;
        u32::try_from(index).ok()
    }
}

/// See [`Record::step_path`]. Each step's parent stands before it.
pub(crate) fn step_path(steps: &[Step], index: u32) -> Option<String> {
    let mut names = Vec::new();
    let mut next = Some(index);
    while let Some(step) = next.and_then(|index| steps.get(index as usize)) {
        names.push(step.name.as_str());
        next = step.parent;
    }
    names.reverse();
    (!names.is_empty()).then(|| names.join(" › "))
}

fn head(text: &str) -> &str {
    let end = text.char_indices().nth(500).map_or(text.len(), |(offset, _)| offset);
    &text[..end]
}

/// At most `bytes_max` bytes of `text`, and how much is missing where that cuts.
pub(crate) fn clip(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let mut end = bytes_max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}… ({} of {} bytes)", &text[..end], end, text.len())
}
