use checks::{Region, UnixMs};
use chrono::{LocalResult, NaiveDateTime, TimeZone};
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
    /// Show which faults of its target a check would not notice
    #[command(after_help = MUTATE_HELP)]
    Mutate(Mutate),
    /// Open a prompt inside the sandbox
    #[command(after_help = REPL_HELP)]
    Repl(Repl),
    /// Write a new check from a template
    #[command(after_help = NEW_HELP)]
    New(New),
    /// Check the configuration and the scripts, without any network
    Validate,
    /// List incidents, or show the whole trail of one
    Incidents(Incidents),
    /// Look at one incident
    #[command(subcommand)]
    Incident(Incident),
    /// Acknowledge an incident: you take care of it, and nobody is told again
    Ack(Ack),
    /// End an incident whose source will not say that it is over
    Resolve(Resolve),
    /// Tell nobody of a check, a tag or an incident for a while
    #[command(after_help = SILENCE_HELP)]
    Silence(Silence),
    /// End a silence before its time
    Unsilence(Unsilence),
    /// List what is silenced
    Silences(Silences),
    /// Print the URLs that programs call to say that they live, and when they did
    Heartbeat {
        /// Only this one, with a line for a crontab
        #[arg(value_name = "NAME")]
        name: Option<String>,
    },
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

const REPL_HELP: &str = "\
Lines run as a check's script does: in a process of its own, with the network that tocsin.toml allows, and
with its vars, secrets and region. What `tocsin` exports is there; `import` brings the other modules.

  > const answer = await fetch(`${vars.AUTH_URL}/.well-known/openid-configuration`)
  > expect(answer).toBeOk()
  > (await answer.json()).issuer

Standard input that is no terminal is read as a script, which ends with its first line that fails.
Exit code: 0 all lines are fine, 1 one failed, 2 the configuration is wrong.";

const MUTATE_HELP: &str = "\
A check that cannot fail proves nothing. `tocsin test --record` keeps what a run that passes asks and
gets; this command runs the real script on it, without any network: once as it was, and once for each
fault that there could be in an answer. What the check lets pass is listed, with a line that notices it.

Examples:
  tocsin test --record checks/login.check.ts
  tocsin mutate checks/login.check.ts
  tocsin mutate --min-score 80               all checks of the configuration

Exit code: 0 the score is reached, 1 it is not, or a recording is missing or stale, 2 the configuration
is wrong.";

const NEW_HELP: &str = "\
Examples:
  tocsin new start-page                      checks/start-page.check.ts, from the template `http`
  tocsin new sign-in --template oidc
  tocsin new lib/checks/cert --template tls  in another folder";

const SILENCE_HELP: &str = "\
Examples:
  tocsin silence login-password --for 2h --why 'the provider knows'
  tocsin silence --tag cdn --until 2026-11-24T05:00
  tocsin silence --incident 42 --for 1h
  tocsin silence --label node=eu-west-1 --for 30m
  tocsin silence --everything --for 15m --maintenance --why 'switching the network'

Failures are counted on. What still fails when the silence is over pages then.";

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
    /// Keep what each run that passes asks and gets, for `tocsin mutate` [default: recordings beside the script]
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true)]
    pub record: Option<Option<PathBuf>>,
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
pub struct Repl {
    /// Run in this region [default: the first]
    #[arg(long, value_name = "REGION")]
    pub region: Option<Region>,
    /// How long a line may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: u64,
    /// Variables for the configuration, from a file of NAME=value lines; several are possible
    #[arg(long, value_name = "FILE")]
    pub env_file: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Mutate {
    /// Check scripts or folders [default: the folder of the configuration]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// The folder of the recordings [default: recordings beside the script]
    #[arg(long, value_name = "DIR")]
    pub recordings: Option<PathBuf>,
    /// Only recordings of this region; several are possible
    #[arg(long, value_name = "REGION")]
    pub region: Vec<Region>,
    /// Try at most N faults of each check, the most telling first
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub faults_max: u32,
    /// Count faults of single fields and headers too, which a check may have no interest in
    #[arg(long)]
    pub strict: bool,
    /// The share of faults that each check must notice, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 100, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub min_score: u32,
    /// Print JSON instead
    #[arg(long)]
    pub json: bool,
    /// Variables for the configuration, from a file of NAME=value lines; several are possible
    #[arg(long, value_name = "FILE")]
    pub env_file: Vec<PathBuf>,
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
pub enum Incident {
    /// Print its whole trail: each decision, each message, each attempt to deliver it
    Show(Show),
}

#[derive(Debug, Args)]
pub struct Show {
    /// Number of the incident
    #[arg(value_name = "N")]
    pub number: u64,
    /// Read the journal in this folder, without any configuration
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Print JSON instead
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Ack {
    /// Number of the incident
    #[arg(value_name = "N")]
    pub number: u64,
    /// Your name, for everybody who was told [default: your login name]
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// The data folder of the process that runs, without any configuration
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Resolve {
    /// Number of the incident
    #[arg(value_name = "N")]
    pub number: u64,
    /// The reason, for everybody who was told
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub because: String,
    /// Your name, for everybody who was told [default: your login name]
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// The data folder of the process that runs, without any configuration
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Silence {
    #[command(flatten)]
    pub whom: Whom,
    #[command(flatten)]
    pub when: When,
    /// The reason, for everybody who looks
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub why: String,
    /// Call it maintenance rather than silence
    #[arg(long)]
    pub maintenance: bool,
    /// Your name [default: your login name]
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// The data folder of the process that runs, without any configuration
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

/// What a silence is about.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Whom {
    /// Id of the check, or of what has an open incident
    #[arg(value_name = "CHECK")]
    pub check: Option<String>,
    /// Every check with this tag
    #[arg(long, value_name = "TAG")]
    pub tag: Option<String>,
    /// Every alert with this label
    #[arg(long, value_name = "NAME=VALUE")]
    pub label: Option<String>,
    /// This incident, and no later one of the same check
    #[arg(long, value_name = "N")]
    pub incident: Option<u64>,
    /// Everything
    #[arg(long)]
    pub everything: bool,
}

/// When it is over.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct When {
    /// How long: 30m, 2h, 1d
    #[arg(long = "for", value_name = "DURATION")]
    pub lasts: Option<String>,
    /// Until when: 2026-11-24T05:00 in the time of this machine, or with a zone, such as Z
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub until: Option<UnixMs>,
}

/// A local time, or one with its offset.
fn instant(text: &str) -> Result<UnixMs, String> {
    if let Ok(at) = chrono::DateTime::parse_from_rfc3339(text) {
        return Ok(UnixMs(at.timestamp_millis()));
    }
    let wrong = || format!("`{text}` is no time; write one such as 2026-11-24T05:00, or 2026-11-24T05:00:00Z");
    let formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"];
    let parsed = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    match chrono::Local.from_local_datetime(&parsed.ok_or_else(wrong)?) {
        LocalResult::Single(at) => Ok(UnixMs(at.timestamp_millis())),
        LocalResult::Ambiguous(..) => {
            Err(format!("`{text}` comes twice here, as clocks change; write it with its zone"))
        }
        LocalResult::None => Err(format!("`{text}` never comes here, as clocks change; write another time")),
    }
}

#[derive(Debug, Args)]
pub struct Unsilence {
    /// Number of the silence, as `tocsin silences` shows it
    #[arg(value_name = "ID")]
    pub id: u64,
    /// The data folder of the process that runs, without any configuration
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Silences {
    /// Read the journal in this folder, without any configuration
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
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

    #[test]
    fn a_silence_is_about_one_thing_and_has_one_end() {
        let cases = [
            ("login --for 2h", true),
            ("--tag cdn --until 2026-11-24T05:00:00Z", true),
            ("--everything --for 2h --maintenance --why move", true),
            ("--for 2h", false),
            ("login", false),
            ("login --tag cdn --for 2h", false),
            ("login --for 2h --until 2026-11-24T05:00:00Z", false),
            ("login --until tomorrow", false),
        ];
        for (written, is_taken) in cases {
            let words = ["tocsin", "silence"].into_iter().chain(written.split(' '));
            assert_eq!(Arguments::try_parse_from(words).is_ok(), is_taken, "{written}");
        }
    }

    #[test]
    fn a_time_with_a_zone_is_that_instant_everywhere() {
        for text in ["2026-11-24T05:00:00Z", "2026-11-24T06:00:00+01:00"] {
            assert_eq!(instant(text), Ok(UnixMs(1_795_496_400_000)), "{text}");
        }
        for text in ["2026-11-24T05:00", "2026-11-24 05:00", "2026-11-24T05:00:00"] {
            assert!(instant(text).is_ok(), "{text}");
        }
    }
}
