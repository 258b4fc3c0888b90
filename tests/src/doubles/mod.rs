//! Recording doubles of those that Tocsin talks to: the Slack Web API, Twilio's Messages and Calls, receivers of webhooks,
//! mail servers, and SNS.
//!
//! A double is a real HTTP server on a port of its own. It holds every request against the provider's published
//! description where that is at hand ([`contract`]), and against the limits that the descriptions leave out. It
//! keeps what the provider would keep (posts, threads, metadata, texts), answers as the provider answers, and
//! writes down every call with the instant it arrived.
//!
//! It misbehaves on request ([`Behaviour`]), per operation: before it accepted the message or after. That
//! difference is what "nothing lost, nothing twice" hangs on, so both are there for every kind of trouble.
//!
//! They call back as well ([`Callback`]): a button that is pressed, a text that is answered, what became of a message;
//! signed as the provider signs, or forged.
//!
//! What a provider would refuse, and what a careful client never sends, is a *violation*. Violations are kept and
//! fail the test when the double goes out of scope; a test cannot forget to look.

mod behaviour;
mod callback;
pub mod contract;
pub mod mail;
mod server;
pub mod slack;
pub mod sns;
pub mod twilio;
pub mod webhook;

pub use behaviour::Behaviour;
pub use callback::{Answered, Callback};
pub use server::Double;
