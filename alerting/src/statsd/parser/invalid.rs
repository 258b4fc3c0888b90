//! Why a line, or one value of it, was not taken.

use serde::Serialize;

/// A reason, in the order of a line's parts. `Display` says what to write instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Invalid {
    #[error("the line has no `:` after the metric's name: write `name:1|c`")]
    NoValue,
    #[error("the metric has no name: write `name:1|c`")]
    NoName,
    #[error("the name is not text in UTF-8")]
    NameNotText,
    #[error("the value has no type: write `|c`, `|g`, `|ms`, `|h`, `|d` or `|s` after it")]
    NoType,
    #[error("the type is unknown: write `c`, `g`, `ms`, `h`, `d` or `s`")]
    UnknownType,
    #[error("the value is no finite decimal number, such as `12` or `-0.5`")]
    BadNumber,
    #[error("a counter cannot go down: use a gauge, `|g`")]
    NegativeCounter,
    #[error("a set's member is empty")]
    EmptyMember,
    #[error("the sample rate is not above 0 and at most 1: write `|@0.1`")]
    BadRate,
    #[error("the timestamp is no whole number of seconds since 1970: write `|T1656581400`")]
    BadTimestamp,
    #[error("a part after the type is none of `@rate`, `#tag:value,...`, `Tseconds`, `c:container`")]
    UnknownPart,
    #[error("the event is not `_e{{TITLE_BYTES,TEXT_BYTES}}:TITLE|TEXT`")]
    BadEvent,
    #[error(
        "the service check is not `_sc|NAME|STATUS` with a status of 0 (ok), 1 (warning), 2 (critical) or 3 (unknown)"
    )]
    BadServiceCheck,
    #[error("the line is longer than a line may be")]
    LineTooLong,
}

impl Invalid {
    pub const ALL: [Self; 14] = [
        Self::NoValue,
        Self::NoName,
        Self::NameNotText,
        Self::NoType,
        Self::UnknownType,
        Self::BadNumber,
        Self::NegativeCounter,
        Self::EmptyMember,
        Self::BadRate,
        Self::BadTimestamp,
        Self::UnknownPart,
        Self::BadEvent,
        Self::BadServiceCheck,
        Self::LineTooLong,
    ];
}
