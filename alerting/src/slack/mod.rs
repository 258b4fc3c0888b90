//! Slack: one post for an incident and channel, edited as the incident changes, with the history in its thread.
//!
//! Calls go through `slack-morphism`, each under a time limit of our own, since it has none. Every message carries the
//! id of its notification as metadata (`event_type` `tocsin_notification`), so that after an attempt without an answer
//! the channel's history tells whether it arrived. The token needs the scopes `chat:write`, `channels:history` and
//! `channels:read` (`groups:history`, `groups:read` for private channels).
//!
//! A post of an open incident has buttons where Slack can call us back. What it tells of a press is taken only with its
//! signature and while it is recent ([`verify`], [`pressed`]).

mod buttons;
mod client;
mod interaction;
mod message;
mod outcome;
mod signature;
mod storm;
mod text;
mod workspace;

pub use client::{SlackChannel, SlackError, SlackSettings};
pub use interaction::{Button, NotPressed, Pressed, pressed};
pub use message::{METADATA_EVENT, SlackText, render};
pub use signature::{NotSlack, SIGNATURE_HEADER, TIMESTAMP_HEADER, sign, verify};
pub use workspace::{ChannelStanding, Workspace, WorkspaceChannel, workspace};
