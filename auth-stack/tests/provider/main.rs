//! The provider from outside: real sockets, real TLS, a client that trusts the stack's own authority.

mod assets;
mod browser_login;
mod command_line;
mod faults;
mod nodes;
mod pages;
mod site;
mod telemetry;
mod token_errors;
mod tokens;
