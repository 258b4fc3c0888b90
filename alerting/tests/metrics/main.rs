//! Metrics: the series store, PromQL and rule files, by tables and next to Prometheus itself.
//!
//! The comparisons start a Prometheus of their own on a free port with a folder of its own, or run `promtool` and
//! `promql-oracle`; each is skipped with a word on standard error where its program is not on the path.

mod against_prometheus;
mod against_prometheus3;
mod golden;
mod promql;
mod recorder;
mod ruler;
mod rules;
mod rules_against_promtool;
mod series;
mod support;
