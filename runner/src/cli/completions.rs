//! Completions and manual pages, made from the command line itself.

use super::arguments::Arguments;
use clap::CommandFactory;
use clap_complete::Shell;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

pub(super) fn completions(shell: Shell) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "tocsin", &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}

/// The page of the program on standard output, or all pages into a folder.
pub(super) fn man(folder: Option<&Path>) -> anyhow::Result<ExitCode> {
    match folder {
        Some(folder) => {
            std::fs::create_dir_all(folder)?;
            clap_mangen::generate_to(Arguments::command(), folder)?;
            println!("wrote the manual pages to {0}; `man -l {0}/tocsin.1` shows the first", folder.display());
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Arguments::command()).render(&mut page)?;
            std::io::stdout().write_all(&page)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap_complete::Shell::{Bash, Fish, Zsh};

    /// What a person can type, with the options of each.
    fn subcommands() -> Vec<clap::Command> {
        Arguments::command().get_subcommands().filter(|command| !command.is_hide_set()).cloned().collect()
    }

    #[test]
    fn every_subcommand_and_option_is_completed() {
        for shell in [Bash, Zsh, Fish] {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "tocsin", &mut script);
            let script = String::from_utf8(script).unwrap();
            for command in subcommands() {
                assert!(script.contains(command.get_name()), "{shell}: {}", command.get_name());
                for long in command.get_arguments().filter_map(|argument| argument.get_long()) {
                    assert!(script.contains(long), "{shell}: {} --{long}", command.get_name());
                }
            }
        }
    }

    #[test]
    fn every_subcommand_has_a_page() {
        let folder = tempfile::tempdir().unwrap();
        man(Some(folder.path())).unwrap();
        for command in subcommands() {
            let name = format!("tocsin-{}.1", command.get_name());
            let page =
                std::fs::read_to_string(folder.path().join(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
            for long in command.get_arguments().filter_map(|argument| argument.get_long()) {
                // roff writes a hyphen with a backslash.
                assert!(page.contains(&long.replace('-', "\\-")), "{name}: --{long}");
            }
        }
    }
}
