//! The pages' markup. Everything dynamic goes through maud's escaping; nothing here is pre-escaped.

mod asset;
mod check;
mod exchange;
mod incident;
mod layout;
mod metric_problems;
mod overview;
mod rows;
mod timeline;

pub(crate) use asset::{Asset, FAVICON};
pub(crate) use check::check;
pub(crate) use incident::incident;
pub(crate) use layout::message;
pub(crate) use metric_problems::metric_problems;
pub(crate) use overview::overview;
