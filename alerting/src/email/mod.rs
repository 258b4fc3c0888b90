//! Mail through a server that the configuration names, with `lettre`.
//!
//! A mail's `Message-ID` is made of the notification's id, so that a mailbox which gets it twice can tell, and the mails
//! of one incident refer to one another, so that a reader sees them as a thread.
//!
//! A mail server cannot be asked what it has. What it refuses in words it does not have: 4xx is tried again, 5xx is
//! final. Only between the end of the text and its answer is it open; then the same mail goes out again under the same
//! `Message-ID`. The conversation is led here step by step, so that the two are told apart.

mod client;
mod message;
mod outcome;

pub use client::{EmailChannel, EmailError, EmailSettings, Tls, is_this_machine};
pub use message::{Mailbox, check_address, message};
