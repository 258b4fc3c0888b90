//! Why a query has no answer.

/// What is wrong with a query. Messages quote the place in the expression and are shown to the person who wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    #[error("`{expression}` cannot be read as PromQL: {reason}")]
    Syntax { expression: String, reason: String },
    #[error("{what} is not supported in `{place}`: {instead}")]
    Unsupported { what: String, place: String, instead: &'static str },
    #[error("in `{place}`: {source}")]
    Matcher { place: String, source: crate::series::MatcherError },
    #[error("in `{place}`: expected {expected}, got {got}")]
    Type { place: String, expected: &'static str, got: &'static str },
    #[error("in `{place}`: {reason}")]
    Argument { place: String, reason: String },
    #[error(
        "in `{place}`: several series on the {side} side match the labels {group}, among them {first} and {second}: \
         add labels with `on`, aggregate that side, or use `group_left` or `group_right`"
    )]
    ManyMatches { place: String, side: &'static str, group: String, first: String, second: String },
    #[error(
        "in `{place}`: several series match the labels {group}: many-to-one matching must be written with `group_left` or `group_right`"
    )]
    ImplicitManyToOne { place: String, group: String },
    #[error("in `{place}`: more than one resulting series has the labels {labels}: keep a label that tells them apart")]
    DuplicateLabels { place: String, labels: String },
    #[error("`{place}` needs more than {max} samples: select fewer series or a shorter time")]
    SamplesMax { place: String, max: u64 },
    #[error("`{place}` has more than {max} series: add matchers or aggregate")]
    SeriesMax { place: String, max: usize },
    #[error("the query has {steps} steps, more than {max}: use a longer step or a shorter time")]
    StepsMax { steps: i64, max: i64 },
    #[error("the step must be longer than nothing, and the end not before the start")]
    Times,
    #[error("`{place}` was still being evaluated when the query's time was used up")]
    TimeUsedUp { place: String },
}
