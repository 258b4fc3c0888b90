use checks::Region;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
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
    /// Write a new check from a template
    #[command(after_help = NEW_HELP)]
    New(New),
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
    /// Write the library's type declarations and a tsconfig.json, for editors and tsc
    Types {
        /// The project's folder with the check scripts
        #[arg(value_name = "DIR", default_value = ".")]
        folder: PathBuf,
    },
    /// Print the completions of a shell
    #[command(after_help = COMPLETIONS_HELP)]
    Completions {
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Print the manual page, or write one for each subcommand
    Man {
        /// Write `tocsin.1`, `tocsin-test.1` and so on into this folder instead
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
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
  tocsin test --watch checks/login.check.ts  again whenever it or what it imports changes
  tocsin test --reporter junit > junit.xml

Variables of --env-file are for `${NAME}` and `{ env = \"NAME\" }` in tocsin.toml. One that the
environment has already wins; of two files, the later one does.

Exit code: 0 all passed, 1 a check failed or a script was refused, 2 the configuration is wrong.";

const NEW_HELP: &str = "\
Examples:
  tocsin new start-page                      checks/start-page.check.ts, from the template `http`
  tocsin new sign-in --template oidc
  tocsin new lib/checks/cert --template tls  in another folder";

const COMPLETIONS_HELP: &str = "\
bash:  tocsin completions bash > ~/.local/share/bash-completion/completions/tocsin
zsh:   tocsin completions zsh > ~/.zfunc/_tocsin        with ~/.zfunc in $fpath
fish:  tocsin completions fish > ~/.config/fish/completions/tocsin.fish";

#[derive(Debug, Args)]
pub struct New {
    /// Id of the check, and the name of its file; a path in front of it names the folder
    #[arg(value_name = "NAME")]
    pub name: PathBuf,
    /// What the check is about
    #[arg(short, long, value_enum, default_value_t = Template::Http)]
    pub template: Template,
}

/// What a new check is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Template {
    /// A page answers, quickly, and says what it should
    Http,
    /// A user signs in with a password, through a form
    Login,
    /// OpenID Connect: discovery, keys, tokens and their signatures
    Oidc,
    /// The certificate is trusted, for this name, and has days left
    Tls,
    /// A name leads where it should
    Dns,
    /// A server accepts connections, and greets
    Tcp,
    /// A query has data and no errors
    Graphql,
    /// A WebSocket opens and answers
    Websocket,
}

/// How `tocsin test` tells results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReporterName {
    /// For a person: steps, requests, and of a failure all that helps
    List,
    /// A line of JSON for each attempt (the wire format)
    Json,
    /// JUnit's XML, for CI systems
    Junit,
    /// The Test Anything Protocol, version 14
    Tap,
    /// Annotations in GitHub's pull requests
    Github,
}

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
    /// How results are told
    #[arg(long, value_enum, default_value_t = ReporterName::List, value_name = "FORMAT")]
    pub reporter: ReporterName,
    /// The same as `--reporter json`
    #[arg(long, conflicts_with = "reporter")]
    pub json: bool,
    /// Repeat a run that fails, up to N times
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=10))]
    pub retries: u32,
    /// Run again what changes, until ^C
    #[arg(short, long)]
    pub watch: bool,
    /// Variables for the configuration, from a file of NAME=value lines; several are possible
    #[arg(long, value_name = "FILE")]
    pub env_file: Vec<PathBuf>,
}

impl Test {
    pub fn reporter(&self) -> ReporterName {
        if self.json { ReporterName::Json } else { self.reporter }
    }

    /// Whether nothing but the reporter may write to standard output.
    pub fn is_for_programs(&self) -> bool {
        !matches!(self.reporter(), ReporterName::List | ReporterName::Github)
    }
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
