//! SMS through the Twilio Messages API.
//!
//! What matters stands in the first 160 characters of GSM-7, the alphabet of one segment. A message is recognised in
//! Twilio's list by its number and its body, which names the incident and counts its repeats; a message that has been
//! recognised as another one's is not taken for it.

pub mod answer;
mod body;
mod client;
mod command;
mod gsm7;

pub use body::body;
pub use client::{Sender, TwilioChannel, TwilioSettings, is_same};
pub use command::{Command, Unclear, Which, parse};
pub use gsm7::{fit, segments, transliterate};
