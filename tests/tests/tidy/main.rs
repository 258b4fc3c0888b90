//! Conventions as tests, so that a review can speak of design: layering, names, purity, lint reasons, lengths, links.
//!
//! Each rule reads the repository's own files and names the file and line that breaks it, and what to do instead.

mod architectures;
mod attributes;
mod layering;
mod names;
mod purity;
mod readme;
mod repository;
mod texts;
