//! WHAT people look at: Tocsin's own pages.
//!
//! A page answers, in this order: is something broken, what and where, who has been told, and can this page be
//! trusted (when did the newest result arrive). It is drawn on the server, needs no script, loads nothing from
//! elsewhere, and refreshes itself.
//!
//! Where the facts come from is not this crate's business: [`StatusSource`] is asked for the view models in
//! [`model`], at each request. What follows from them (the overall [`State`], with its reason) is decided here, by
//! pure functions over those models and the instant that they carry.
//!
//! Routes: `/`, `/check/{id}`, `/incident/{number}`, `/healthz`, `/api/v1/status`.

pub mod model;
mod page;
mod router;
mod source;
mod state;
mod wording;

pub use router::router;
pub use source::{SourceError, StatusSource};
pub use state::{State, state};
