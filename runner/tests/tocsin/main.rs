//! The `tocsin` binary as a person runs it, and the configuration that it refuses.

mod commands;
mod config;
mod metrics;
mod policy;
mod project;
mod reload;
mod rules;
mod up;
