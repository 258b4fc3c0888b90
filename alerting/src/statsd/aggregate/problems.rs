//! What was wrong with the lines that came: counts, and a few of the lines themselves, for the page "what is wrong
//! with my metrics".

use super::refusal::Refusal;
use crate::statsd::parser::Invalid;
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;

/// Lines kept for each problem, the newest.
const LINES_PER_PROBLEM_MAX: usize = 4;
/// Bytes of a line that are kept.
const LINE_BYTES_MAX: usize = 200;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Problem {
    /// The line, or one value of it, cannot be read.
    Invalid(Invalid),
    /// It can be read, but a bound or another metric is in its way.
    Refused(Refusal),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(reason) => reason.fmt(f),
            Self::Refused(reason) => reason.fmt(f),
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ProblemLines {
    pub count: u64,
    /// The newest last; shortened, and what is no UTF-8 replaced.
    pub lines: VecDeque<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems {
    by_problem: BTreeMap<Problem, ProblemLines>,
}

impl Problems {
    pub(super) fn note(&mut self, line: &[u8], problem: Problem) {
        let noted = self.by_problem.entry(problem).or_default();
        noted.count += 1;
        if noted.lines.len() == LINES_PER_PROBLEM_MAX {
            // In a flood, one line in a thousand is enough: the others cost a count.
            if !noted.count.is_multiple_of(1000) && noted.count > 1000 {
                return;
            }
            noted.lines.pop_front();
        }
        let shown = String::from_utf8_lossy(&line[..line.len().min(LINE_BYTES_MAX)]).into_owned();
        noted.lines.push_back(if line.len() > LINE_BYTES_MAX { shown + "…" } else { shown });
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (problem, theirs) in &other.by_problem {
            let own = self.by_problem.entry(*problem).or_default();
            own.count += theirs.count;
            own.lines.extend(theirs.lines.iter().cloned());
            let excess = own.lines.len().saturating_sub(LINES_PER_PROBLEM_MAX);
            own.lines.drain(..excess);
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (Problem, &ProblemLines)> {
        self.by_problem.iter().map(|(problem, lines)| (*problem, lines))
    }

    /// Lines, or single values of them, that could not be read.
    pub fn invalid(&self) -> u64 {
        let invalid = self.by_problem.iter().filter(|(problem, _)| matches!(problem, Problem::Invalid(_)));
        invalid.map(|(_, noted)| noted.count).sum()
    }

    pub fn count(&self, problem: Problem) -> u64 {
        self.by_problem.get(&problem).map_or(0, |noted| noted.count)
    }
}
