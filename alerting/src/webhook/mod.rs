//! Webhooks: a program of the reader's own is told, as [Standard Webhooks](https://www.standardwebhooks.com) 1.0.0 says,
//! so that a receiver verifies it with a library of its language.
//!
//! A receiver cannot be asked what it has. After an answer that leaves it open, the same message goes out again under the
//! same `webhook-id`, signed anew: at least once, and a receiver that remembers ids sees it once. `docs/webhooks.md` tells
//! receivers so, with the fields of the body.
//!
//! Each receiver has a host and limits of its own: one that wants to be left alone holds up no other.

mod body;
mod client;
mod outcome;
mod signature;

pub use body::body;
pub use client::{Webhook, WebhookChannel, WebhookError};
pub use signature::{SigningSecret, SigningSecretError};
