//! HOW a check is asked: its script, the process it runs in, the network below it, and when.
//!
//! - [`script`] turns a file into a bundle that can run, or into an error its author can act on.
//! - [`sandbox`] runs bundles, each run in a process of its own, and says how it went as a `checks::RunResult`.
//! - `engine` is what is inside such a process: QuickJS through deno_core, the web platform, the `tocsin` library.
//! - `broker` is the daemon's side of their network: it decides, connects, and hands connected sockets over.
//! - `net` is what lies below HTTP, for scripts that import `tocsin/net`.
//! - `fetch` is the web's `fetch` as scripts know it, on top of [`transport`], which measures each phase of a request.
//! - `spellings` knows what a secret looks like where it is encoded.
//! - `markup` reads the documents that a target sends, HTML and SAML, for the library's modules.
//! - [`recording`] keeps what a run asked and got, and answers another run with it.
//! - [`mutation`] puts faults into recordings, to see which of them a check notices.
//! - [`schedule`] decides which runs are due. It is pure, and knows nothing of the rest.
//!
//! This is the only crate of the workspace that knows deno_core. The daemon's side of it ([`sandbox::Sandbox`]) holds
//! no JavaScript at all; the other side starts with [`sandbox::zygote_main`].

mod broker;
mod engine;
mod fetch;
mod markup;
pub mod mutation;
mod net;
pub mod recording;
pub mod sandbox;
pub mod schedule;
pub mod script;
mod spellings;
pub mod transport;
