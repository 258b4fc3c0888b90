//! Twilio's REST API as far as texts and calls have it in common: the account, its bounded answers, its lists, and what
//! its refusals mean.
//!
//! A small client of our own: `twilio-rs` sends messages without a body, and the others cannot be pointed elsewhere.

mod account;
mod outcome;

pub use account::{API_URL, TwilioError};
pub(crate) use account::{Account, Listing, created_at};
