//! The command line. Exit codes: 0 all is well, 1 a check failed or a script was refused, 2 the configuration or the
//! command line is wrong.

mod acts;
mod arguments;
mod completions;
mod heartbeat;
mod incidents;
mod mutate;
mod new;
mod paint;
mod policy;
mod printable;
mod repl;
mod report;
mod rules;
mod silences;
mod source;
mod test;
mod types;
mod validate;

pub use arguments::{Arguments, Command, Up as UpArguments};

use arguments::Incident;

use crate::config::{ConfigError, Settings};
use clap::Parser;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const FAILED: u8 = 1;
const MISCONFIGURED: u8 = 2;

/// Reads the command line, does it, and returns the process's exit code.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("tocsin: the event loop does not start: {error}");
            return ExitCode::from(MISCONFIGURED);
        }
    };
    let code = runtime.block_on(run(arguments));
    // Nothing that is still going on may hold the exit back: what matters has been waited for.
    runtime.shutdown_background();
    code
}

async fn run(arguments: Arguments) -> ExitCode {
    let config = arguments.config;
    let env_files: &[PathBuf] = match &arguments.command {
        Command::Test(test) => &test.env_file,
        Command::Repl(repl) => &repl.env_file,
        Command::Mutate(mutate) => &mutate.env_file,
        _ => &[],
    };
    let settings = |needed| load(&config, needed, env_files);
    let done = match &arguments.command {
        Command::Up(up) => match settings(true) {
            Ok(settings) => crate::up::up(settings, up).await,
            Err(refused) => return refused,
        },
        // Scripts alone are enough for a first look; the built-in settings then do.
        Command::Test(test) => {
            let read = || settings(test.paths.is_empty());
            let files = [config_file(&config)].into_iter().chain(env_files.to_vec()).collect();
            test::test(&test::Source { read: &read, files }, test).await
        }
        Command::Repl(repl) => match settings(false) {
            Ok(settings) => repl::repl(&settings, repl).await,
            Err(refused) => return refused,
        },
        Command::Mutate(mutate) => match settings(mutate.paths.is_empty()) {
            Ok(settings) => mutate::mutate(&settings, mutate).await,
            Err(refused) => return refused,
        },
        Command::Validate => match settings(true) {
            Ok(settings) => validate::validate(&settings).await,
            Err(refused) => return refused,
        },
        Command::Policy(policy) => match settings(true) {
            Ok(settings) => policy::policy(&settings, policy).await,
            Err(refused) => return refused,
        },
        Command::Incidents(arguments) => match data_dir(&arguments.data, settings) {
            Ok(folder) => incidents::incidents(&folder, arguments),
            Err(refused) => return refused,
        },
        Command::Incident(Incident::Show(show)) => match data_dir(&show.data, settings) {
            Ok(folder) => incidents::show(&folder, show.number, show.json),
            Err(refused) => return refused,
        },
        Command::Silences(arguments) => match data_dir(&arguments.data, settings) {
            Ok(folder) => silences::silences(&folder, arguments),
            Err(refused) => return refused,
        },
        Command::Heartbeat { name } => match settings(true) {
            Ok(settings) => heartbeat::heartbeat(&settings, name.as_deref()),
            Err(refused) => return refused,
        },
        Command::Resolve(resolve) => match data_dir(&resolve.data, settings) {
            Ok(folder) => acts::resolve(&folder, resolve).await,
            Err(refused) => return refused,
        },
        Command::Ack(ack) => match data_dir(&ack.data, settings) {
            Ok(folder) => acts::ack(&folder, ack).await,
            Err(refused) => return refused,
        },
        Command::Silence(silence) => match data_dir(&silence.data, settings) {
            Ok(folder) => acts::silence(&folder, silence).await,
            Err(refused) => return refused,
        },
        Command::Unsilence(unsilence) => match data_dir(&unsilence.data, settings) {
            Ok(folder) => acts::unsilence(&folder, unsilence).await,
            Err(refused) => return refused,
        },
        Command::New(new) => new::new(&config, new),
        Command::Types { folder } => types::types(folder),
        Command::Completions { shell } => completions::completions(*shell),
        Command::Man { out } => completions::man(out.as_deref()),
        Command::Rules { command } => Ok(rules::rules(command)),
        Command::Zygote => unreachable!("the zygote is entered before the command line is read"),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("tocsin: {error:#}");
            ExitCode::from(MISCONFIGURED)
        }
    }
}

/// The data folder as named, or that of the configuration.
fn data_dir(
    named: &Option<PathBuf>,
    settings: impl FnOnce(bool) -> Result<Settings, ExitCode>,
) -> Result<PathBuf, ExitCode> {
    named.clone().map_or_else(|| settings(true).map(|settings| settings.data_dir), Ok)
}

fn config_file(named: &Option<PathBuf>) -> PathBuf {
    named.clone().unwrap_or_else(|| PathBuf::from("tocsin.toml"))
}

/// The settings, or the exit code after every problem has been printed.
fn load(config: &Option<PathBuf>, needed: bool, env_files: &[PathBuf]) -> Result<Settings, ExitCode> {
    let variables = test::env_file::read(env_files).map_err(|error| {
        eprintln!("tocsin: {error}");
        ExitCode::from(MISCONFIGURED)
    })?;
    let file = config_file(config);
    // What the process has was set for this very run, and so wins over a file.
    let environment = |name: &str| std::env::var(name).ok().or_else(|| variables.get(name).cloned());
    let loaded = if config.is_none() && !needed && !file.exists() {
        Settings::parse(Path::new(""), "checks = \".\"", &environment)
    } else {
        Settings::load(&file, &environment)
    };
    loaded.map_err(|error| {
        eprintln!("{error}");
        if let ConfigError::Problems(problems) = &error {
            let noun = if problems.len() == 1 { "problem" } else { "problems" };
            eprintln!("\n{} {noun} in {}; nothing was started", problems.len(), file.display());
        }
        ExitCode::from(MISCONFIGURED)
    })
}
