//! What a person meets who writes a check, with the real binary: a template to begin with, types for the editor, runs
//! that repeat as files change, failures that explain themselves, and reports that other programs read.

mod commands;
mod failures;
mod hostile_text;
mod junit;
mod mutating;
mod project;
mod prompting;
mod repeating;
mod reporters;
mod targets;
mod templates;
mod terminal;
mod typescript;
mod watching;
