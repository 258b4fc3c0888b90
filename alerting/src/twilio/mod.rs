//! What texts and calls have in common at Twilio: the account, its bounded answers, its lists, and what its refusals mean;
//! how its calls to us are signed, what they report, and how we answer.
//!
//! A small client of our own: `twilio-rs` sends messages without a body, and the others cannot be pointed elsewhere.

mod account;
mod outcome;
mod signature;
pub mod spoken;
mod status;
mod twiml;

pub use account::{API_URL, TwilioError};
pub(crate) use account::{Account, Listing, created_at};
pub use signature::{is_signed, sign};
pub use status::{CALL_ENDED, of_call, of_message};
pub use twiml::{NOTHING, escape, message, say};
