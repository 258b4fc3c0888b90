//! The expression tree that is evaluated: everything resolved, times in milliseconds.

use std::sync::Arc;

use regex::Regex;

use super::function::Function;
use crate::series::Matcher;

/// A node and the text that a message quotes for it.
#[derive(Debug, Clone)]
pub struct Expr {
    pub kind: Kind,
    pub text: Arc<str>,
    /// Its value is the same at every step of a range query, because each selector in it has an `@`.
    pub fixed: bool,
}

#[derive(Debug, Clone)]
pub enum Kind {
    Number(f64),
    Text(String),
    Instant(Selector),
    Range {
        selector: Selector,
        range_ms: i64,
    },
    Subquery {
        inner: Box<Expr>,
        range_ms: i64,
        step_ms: Option<i64>,
        shift: Shift,
    },
    Negate(Box<Expr>),
    Binary(Box<Binary>),
    Aggregate(Box<Aggregate>),
    Call {
        function: Function,
        args: Vec<Expr>,
    },
    /// `derivative(x[5m])`: which of the two it is, the metric's type says when the query runs.
    Derivative {
        metric: Option<String>,
        gauge: Box<Expr>,
        counter: Box<Expr>,
    },
    /// `label_replace` with its pattern compiled.
    LabelReplace {
        inner: Box<Expr>,
        target: String,
        replacement: String,
        source: String,
        pattern: Regex,
    },
}

#[derive(Debug, Clone)]
pub struct Selector {
    pub matchers: Vec<Matcher>,
    pub shift: Shift,
}

/// `offset` and `@`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Shift {
    pub offset_ms: i64,
    pub at: Option<At>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum At {
    InstantMs(i64),
    /// The query's first step.
    Start,
    /// The query's last step.
    End,
}

#[derive(Debug, Clone)]
pub struct Binary {
    pub operator: Operator,
    pub left: Expr,
    pub right: Expr,
    /// `bool`: 0 or 1 instead of filtering.
    pub returns_bool: bool,
    pub matching: Matching,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
    Atan2,
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    And,
    Or,
    Unless,
}

impl Operator {
    pub fn is_comparison(self) -> bool {
        matches!(
            self,
            Self::Equal | Self::NotEqual | Self::Greater | Self::Less | Self::GreaterOrEqual | Self::LessOrEqual
        )
    }
}

/// How the elements of two vectors find each other.
#[derive(Debug, Clone)]
pub struct Matching {
    /// `on(labels)` rather than `ignoring(labels)`.
    pub on: bool,
    pub labels: Vec<String>,
    pub side: Cardinality,
    /// Labels that `group_left(..)` or `group_right(..)` copies from the "one" side.
    pub include: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cardinality {
    OneToOne,
    /// `group_left`: many elements on the left match one on the right.
    ManyToOne,
    /// `group_right`.
    OneToMany,
}

#[derive(Debug, Clone)]
pub struct Aggregate {
    pub operation: Aggregation,
    pub inner: Expr,
    pub parameter: Option<Expr>,
    /// `without(labels)` rather than `by(labels)`.
    pub without: bool,
    pub labels: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregation {
    Sum,
    Average,
    Min,
    Max,
    Count,
    Group,
    StandardDeviation,
    Variance,
    Top,
    Bottom,
    Quantile,
    CountValues,
}
