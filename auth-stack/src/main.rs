//! `auth-stack`: serves the reference auth stack, and breaks it from another terminal.

mod command;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// A reference identity provider to point health checks at, with switches that break it.
///
/// Not a provider to protect anything with: its account and client secrets are public.
#[derive(Parser)]
#[command(name = "auth-stack", version, max_term_width = 110)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the provider until SIGTERM or Ctrl-C.
    Serve(command::serve::Arguments),
    /// Break a running provider, mend it, or look at what is broken.
    #[command(subcommand)]
    Fault(command::fault::Command),
}

fn main() -> ExitCode {
    let command_line = CommandLine::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let run = || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        runtime.context("cannot start the event loop")?.block_on(async {
            match command_line.command {
                Command::Serve(arguments) => command::serve::run(arguments).await,
                Command::Fault(fault) => command::fault::run(fault).await,
            }
        })
    };
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("auth-stack: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        CommandLine::command().debug_assert();
    }
}
