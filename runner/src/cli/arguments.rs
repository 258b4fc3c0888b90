use checks::Region;
use clap::{Args, Parser, Subcommand};
use regex::Regex;
use std::path::PathBuf;

/// Scripted health checks from every region, and the alarm bell when they fail.
#[derive(Debug, Parser)]
#[command(name = "tocsin", version, max_term_width = 100)]
pub struct Arguments {
    /// Configuration file [default: tocsin.toml]
    #[arg(short, long, global = true, value_name = "FILE", env = "TOCSIN_CONFIG")]
    pub config: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the checks on their schedules, alert, and serve the status page
    Up(Up),
    /// Run checks once, now, and show what they did
    #[command(after_help = TEST_HELP)]
    Test(Test),
    /// Check the configuration and the scripts, without any network
    Validate,
    /// List incidents, or show the whole trail of one
    Incidents(Incidents),
    /// Check and test alert rules, in Prometheus's format
    Rules {
        #[command(subcommand)]
        command: RulesCommand,
    },
    /// Say what an escalation policy does, or would have done
    #[command(subcommand)]
    Policy(Policy),
    /// Runs scripts for the other commands
    #[command(hide = true)]
    Zygote,
}

const TEST_HELP: &str = "\
Examples:
  tocsin test                                all checks of the configuration
  tocsin test checks/login.check.ts          one file
  tocsin test --tag login --region us-east-1
  tocsin test --grep '^login-'

Exit code: 0 all passed, 1 a check failed or a script was refused, 2 the configuration is wrong.";

#[derive(Debug, Args)]
pub struct Up {
    /// Write process id and addresses to FILE (JSON) once the checks are scheduled
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Test {
    /// Check scripts or folders [default: the folder of the configuration]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Only checks whose id or description matches this regular expression
    #[arg(long, value_name = "RE")]
    pub grep: Option<Regex>,
    /// Only checks with this tag; several mean any of them
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// Run in this region; several are possible [default: the first that each check runs in]
    #[arg(long, value_name = "REGION")]
    pub region: Vec<Region>,
    /// Show only failures, and one line for what passed
    #[arg(short, long)]
    pub quiet: bool,
    /// Print each result as a line of JSON (the wire format) instead
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Incidents {
    /// Show this incident with its whole trail
    #[arg(value_name = "N")]
    pub number: Option<u64>,
    /// Read the journal in this folder, without any configuration
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Closed ones too
    #[arg(long)]
    pub all: bool,
    /// Print JSON instead
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// Are these rule files valid?
    Check {
        /// Rule files (Prometheus's format, YAML)
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
    },
    /// Run unit tests of rules
    Test {
        /// Test files (promtool's format, YAML); the rule files they name lie beside them
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub enum Policy {
    /// Say in words what will happen to whom and when
    Explain(Explain),
    /// Run a policy over the stored history, and print what it would have sent
    Replay(Replay),
}

#[derive(Debug, Args)]
pub struct Explain {
    /// Id of the check [default: every check and the name of its policy]
    #[arg(value_name = "CHECK")]
    pub check: Option<String>,
}

#[derive(Debug, Args)]
pub struct Replay {
    /// Id of the check
    #[arg(value_name = "CHECK", required_unless_present = "all", conflicts_with = "all")]
    pub check: Option<String>,
    /// The history of every check
    #[arg(long)]
    pub all: bool,
    /// Another policy than the one that each check has
    #[arg(long, value_name = "NAME")]
    pub policy: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
