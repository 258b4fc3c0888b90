//! Slack: one post for an incident and channel, edited as the incident changes, with the history in its thread.
//!
//! Calls go through `slack-morphism`, each under a time limit of our own, since it has none. Every message carries the
//! id of its notification as metadata (`event_type` `tocsin_notification`), so that after an attempt without an answer
//! the channel's history tells whether it arrived. The token needs the scopes `chat:write`, `channels:history` and
//! `channels:read` (`groups:history`, `groups:read` for private channels).

mod client;
mod message;
mod outcome;
mod storm;
mod text;

pub use client::{SlackChannel, SlackError, SlackSettings};
pub use message::{METADATA_EVENT, SlackText, render};
