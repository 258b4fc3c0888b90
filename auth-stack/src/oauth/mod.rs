//! OAuth 2.0 and OpenID Connect: the endpoints that applications talk to.
//!
//! [`authorize`] sends a browser to the login page and back with a code; [`token`] turns a code, a password, a client's
//! own secret, a refresh token or a [`device`]'s code into tokens; [`userinfo`] answers to an access token; [`discovery`] says where
//! all that is. What a request must look like is decided in pure functions ([`parameters`], [`authorization_request`],
//! [`pkce`], [`claims`]); errors are the RFCs' own ([`error`]).

mod authorization_request;
mod authorize;
mod claims;
mod client_assertion;
mod clients;
mod device;
mod discovery;
mod error;
mod grants;
mod issue;
mod parameters;
mod pkce;
mod scope;
mod token;
mod userinfo;

pub(crate) use authorization_request::AuthorizationRequest;
pub(crate) use authorize::{authorize, redirect_with_code};
pub use clients::ClientCredentials;
pub(crate) use clients::Clients;
pub(crate) use device::{activate_form, activate_page, device_code};
pub(crate) use discovery::{discovery, jwks};
pub(crate) use error::error_json;
pub(crate) use parameters::Parameters;
pub(crate) use token::token;
pub(crate) use userinfo::userinfo;
