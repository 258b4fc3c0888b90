//! The subcommands.

pub(crate) mod admin_client;
pub(crate) mod fault;
pub(crate) mod serve;
