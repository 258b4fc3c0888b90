//! The reference auth stack: a runnable identity provider to point checks at, with switches that break it.
//!
//! It is what Tocsin watches in its demo and its tests, and it behaves like a real provider: OpenID Connect
//! discovery, a JWKS, a login page with PKCE behind it, tokens signed with RS256 by five grants, refresh tokens that
//! rotate, sign-up, logout, a dashboard, documentation, and a CDN with a library and its integrity manifest. **It is
//! not a provider to protect anything with**: its account and its client secrets are public.
//!
//! ```text
//!  127.0.0.1:9443 (eu-west-1) ─┐                                   ┌─ store (SQLite)
//!  127.0.0.2:9443 (us-east-1) ─┼─ listener ─ gate ─ router ─ oauth ┼─ signing keys
//!  127.0.0.3:9443 (…)         ─┘  (TLS)     │        accounts      └─ passwords (argon2)
//!                                           │        pages, cdn
//!  127.0.0.1:9444 admin ──── faults ────────┘─── access log, statsd
//! ```
//!
//! A *node* stands for a region: all nodes run in one process, with every component on each, share one store and one
//! issuer, and differ by loopback address. A *component* is what a path belongs to. A *fault* breaks a component
//! or a node in one way; [`fault`] has the rules, [`FaultKind`] the list.
//!
//! Guarantees: what a node answers, it writes to the access log, once, in nginx's combined format. No password,
//! secret, code or token is ever logged, and none is stored but as a digest. Faults are deterministic. The admin
//! endpoint is on loopback or not at all. `stop` lets requests end; nothing needs it to be called.
//!
//! | module | holds |
//! | --- | --- |
//! | [`stack`](AuthStack), `options`, `ready` | start and stop, settings, the ready file |
//! | `listener`, `certificate`, `gate`, `router` | from a socket to a handler |
//! | `oauth`, `accounts`, `pages`, `cdn`, `health` | the handlers |
//! | `store`, `signing`, `password`, `secret` | what is kept, and how |
//! | `fault`, `admin` | breaking it |
//! | `access_log`, `metrics` | what is told about it |
//! | `traffic` | people who are not there |

mod access_log;
mod accounts;
mod admin;
mod cdn;
mod certificate;
mod clock;
mod component;
pub mod fault;
mod gate;
mod health;
mod listener;
mod metrics;
mod oauth;
mod options;
mod pages;
mod password;
mod provider;
mod ready;
mod router;
mod secret;
mod signing;
mod stack;
mod store;
mod traffic;

pub use component::Component;
pub use fault::{Fault, FaultError, FaultKind, FaultOrder};
pub use oauth::ClientCredentials;
pub use options::{Lifetimes, NodeOptions, Options, OptionsError};
pub use password::PasswordCost;
pub use ready::{Account, Ready};
pub use stack::{AuthStack, StartError};
pub use traffic::Traffic;

/// The kinds of fault in words, for people.
pub fn fault_kinds_text() -> String {
    admin::kinds_text()
}
