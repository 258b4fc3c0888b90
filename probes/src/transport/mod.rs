//! HOW the network is asked: an HTTP client that measures.
//!
//! A run has one [`Client`], and a client has one [`Recorder`]. Every exchange leaves a `checks::Request` in the recorder:
//! how long each phase took, who answered, with which certificates, how many bytes, and what went wrong. The record is
//! filled in as things happen, so that a run which is cut off still shows what it was waiting for.
//!
//! An exchange goes `resolve -> policy -> connect -> TLS -> HTTP`, and each step is a file:
//!
//! - a name is looked up only where it must be: not for a literal address, not for `localhost`, not for a name that the
//!   region's `resolve` table has;
//! - each address is judged by [`address_policy`] before it is connected to. Since the judgement is on addresses, a
//!   name that changes its address between two requests, or a redirect, gets nowhere new;
//! - addresses are tried in turn, a quarter of a second apart, and the first that answers is taken;
//! - connections are kept for later requests of the same run, and for no other run.
//!
//! HTTP/1.1 and HTTP/2 are chosen by ALPN. Bodies stream both ways; gzip, deflate, brotli and zstd are decoded, up to a
//! bound. Nothing here has a timeout: the run has one.
//!
//! All of it lives on one thread: a run is one process. What is expensive and the same for every run ([`Prepared`]: trust
//! anchors, TLS configuration) is built once, before that process is forked.

pub mod address_policy;
mod body;
pub(crate) mod certificate;
mod client;
mod connect;
mod connection;
mod decode;
mod dial;
mod error;
mod overheard;
mod play;
mod pool;
mod recorder;
mod resolve;
mod secrets;
mod settings;
pub(crate) mod tls;
pub(crate) mod tls_failure;

pub use body::{BodyFailed, BodySender, RequestBody, ResponseBody};
pub use certificate::authority_names;
pub use client::{Answer, Client, Outgoing};
pub use dial::{DialProgress, DialTarget, Dialer};
pub use error::TransportError;
pub(crate) use error::chain;
pub use overheard::{Beginning, Overheard};
pub(crate) use recorder::{Exchange, Onlooker, Seen};
pub use recorder::{RecordedRequests, Recorder};
pub use secrets::{GuardedSecret, SecretGuard, SecretWatch};
pub use settings::{NetworkSettings, SettingsError};
pub use tls::Prepared;
