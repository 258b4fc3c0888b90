//! Telephone calls through Twilio's Calls resource: a voice reads the incident twice. Where others can call in
//! (`[callbacks]`), pressing 1 acknowledges it, and Twilio reports how the call ended.
//!
//! A call in Twilio's list shows its number and its time, and nothing of what it says. [`Calls`] keeps what this process
//! has begun, so that a call in the list is taken for the one whose answer was lost only where it can be no other;
//! otherwise the telephone rings again: twice is better than not at all.

mod calls;
mod client;
mod script;

pub use client::{VoiceChannel, VoiceSettings};
pub use script::{Callbacks, script};
