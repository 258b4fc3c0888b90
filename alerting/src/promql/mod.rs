//! PromQL over the series store, with the semantics of Prometheus 3.
//!
//! [`Query::parse`] turns text into an own expression tree ([`expression`]): every function, matcher and modifier is
//! resolved there, and what is not supported is refused by its name, so that evaluation has nothing left to guess.
//! [`Query::instant`] and [`Query::range`] evaluate it. A range query evaluates each node once for all steps: a
//! selector reads its samples once and slides its window over them ([`select`], [`window`]), and operators work on
//! whole rows of values.
//!
//! The semantics that are easy to get wrong, and are those of Prometheus 3 here:
//! - A range `x[5m]` at t holds the samples in (t - 5m, t], without the one at its left edge; the same holds for the
//!   lookback of an instant selector, five minutes by default, and for the steps of a subquery.
//! - A staleness marker ends a series at once; range selectors pass over it.
//! - `rate`, `increase` and `delta` extrapolate to the window's edges, but no further than half a sample interval
//!   beyond the data, and a counter not below zero.
//! - Sums and averages use Kahan's compensated summation (Neumaier's variant).
//! - A subquery's steps are aligned to multiples of its resolution, independent of the query's own steps.
//! - Regular expressions match the whole value, and `.` matches line ends too.
//!
//! Beyond Prometheus: `derivative(x[5m])`, as a person says it. For a gauge it stands for `deriv(x[5m])`, for a counter
//! for `deriv(rate(x[1m])[5m:10s])`: the change, per second, of how many things happen per second. Whether the metric
//! is a counter is asked of the store when the query runs; a metric whose type nobody has told counts as a counter
//! when its name ends in `_total`, `_count`, `_sum` or `_bucket`, and as a gauge otherwise.
//!
//! Deliberately absent: native histograms, and everything that Prometheus itself calls experimental but for
//! `mad_over_time`, `sort_by_label` and `sort_by_label_desc`.
//!
//! Evaluation is pure: the store does not change, the time is an argument, and the budget of time is a question that
//! the caller answers ([`Budget`]).

pub mod aggregate;
pub mod api;
pub mod binary;
pub mod duration;
pub mod element;
pub mod error;
pub mod evaluate;
pub mod expression;
pub mod function;
pub mod guard;
pub mod histogram;
pub mod numeric;
pub mod parse;
pub mod query;
pub mod relabel;
pub mod select;
pub mod value;
pub mod window;

pub use error::QueryError;
pub use query::{Answer, Budget, Limits, Query, RangeTimes, SeriesAnswer, VectorElement};
