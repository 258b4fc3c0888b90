//! `tocsin new`: a check to begin with, that works once it knows its target.

use super::arguments::{New, Template};
use anyhow::Context;
use checks::CheckId;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use toml_edit::Document;

const ENDING: &str = ".check.ts";

impl Template {
    fn text(self) -> &'static str {
        match self {
            Self::Http => include_str!("../../../checks/templates/http.check.ts"),
            Self::Login => include_str!("../../../checks/templates/login.check.ts"),
            Self::Oidc => include_str!("../../../checks/templates/oidc.check.ts"),
            Self::Tls => include_str!("../../../checks/templates/tls.check.ts"),
            Self::Dns => include_str!("../../../checks/templates/dns.check.ts"),
            Self::Tcp => include_str!("../../../checks/templates/tcp.check.ts"),
            Self::Graphql => include_str!("../../../checks/templates/graphql.check.ts"),
            Self::Websocket => include_str!("../../../checks/templates/websocket.check.ts"),
        }
    }
}

pub(super) fn new(config: &Option<PathBuf>, arguments: &New) -> anyhow::Result<ExitCode> {
    let file = file(config, &arguments.name)?;
    let text = arguments.template.text();
    let folder = file.parent().unwrap_or(Path::new(""));
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let created = std::fs::File::options().write(true).create_new(true).open(&file);
    match created {
        Ok(mut created) => created.write_all(text.as_bytes()).with_context(|| file.display().to_string())?,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            anyhow::bail!("{}: is there already, and stays as it is; choose another name", file.display())
        }
        Err(error) => return Err(error).with_context(|| file.display().to_string()),
    }
    println!("wrote {}", file.display());
    println!("\nNext:");
    let needed = needed(text);
    if !needed.is_empty() {
        println!("  write what it needs into tocsin.toml:\n");
        print!("{needed}");
        println!();
    }
    println!("  tocsin test {} --watch", file.display());
    let types = folder
        .ancestors()
        .any(|folder| folder.join("types/tocsin.d.ts").is_file() || folder.join("tocsin.d.ts").is_file());
    if !types {
        let project = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        println!("  tocsin types {}    what your editor needs to complete and check it", project.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// The file to write: beside the other checks, where only a name is given.
fn file(config: &Option<PathBuf>, name: &Path) -> anyhow::Result<PathBuf> {
    let written = name.file_name().and_then(|name| name.to_str()).context("a check's name is a text")?;
    let id = written.strip_suffix(ENDING).unwrap_or(written);
    let id: CheckId = id.parse()?;
    let folder = match name.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => folder.to_owned(),
        None => checks_folder(config),
    };
    Ok(folder.join(format!("{id}{ENDING}")))
}

/// The folder that the configuration names. A configuration that is wrong otherwise, or lacks a secret of today's, is no
/// reason not to write a check.
fn checks_folder(config: &Option<PathBuf>) -> PathBuf {
    let file = config.clone().unwrap_or_else(|| PathBuf::from("tocsin.toml"));
    let Ok(text) = std::fs::read_to_string(&file) else { return PathBuf::new() };
    let document = Document::parse(text.as_str()).ok();
    let named = document.as_ref().and_then(|document| document.get("checks")?.as_str().map(str::to_owned));
    let named = named.filter(|named| !named.contains("${")).unwrap_or_else(|| "checks".to_owned());
    file.parent().unwrap_or(Path::new("")).join(named)
}

/// The variables and secrets that a script reads, as tables of the configuration.
fn needed(text: &str) -> String {
    let mut out = String::new();
    let vars = names(text, "vars.");
    if !vars.is_empty() {
        out.push_str("    [vars]\n");
        for name in vars {
            let example = examples(text, &name);
            out.push_str(&format!("    {name} = \"{example}\"\n"));
        }
    }
    let secrets = names(text, "secrets.");
    if !secrets.is_empty() {
        out.push_str("    [secrets]\n");
        for name in secrets {
            out.push_str(&format!("    {name} = {{ env = \"{name}\" }}\n"));
        }
    }
    out
}

/// The names behind `prefix`, each once, in order.
fn names(text: &str, prefix: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for rest in text.split(prefix).skip(1) {
        let name: String =
            rest.chars().take_while(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || *c == '_').collect();
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// What the script's first comment gives as an example: `//   NAME = value`.
fn examples(text: &str, name: &str) -> String {
    let line =
        text.lines().find_map(|line| line.trim_start_matches('/').trim().strip_prefix(name)?.trim().strip_prefix('='));
    line.map_or_else(|| "...".to_owned(), |value| value.trim().trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    #[test]
    fn a_check_lies_where_the_others_do() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("tocsin.toml");
        let at = |name: &str| file(&Some(config.clone()), Path::new(name));
        assert_eq!(at("login").unwrap(), Path::new("login.check.ts"));
        std::fs::write(&config, "checks = \"lib/checks\"\n[secrets]\nX = { env = \"NOT_SET\" }\n").unwrap();
        assert_eq!(at("login").unwrap(), folder.path().join("lib/checks/login.check.ts"));
        assert_eq!(at("login.check.ts").unwrap(), folder.path().join("lib/checks/login.check.ts"));
        assert_eq!(at("other/login").unwrap(), Path::new("other/login.check.ts"));
        let error = at("Log In").unwrap_err().to_string();
        assert!(error.contains("log-in"), "{error}");
    }

    #[test]
    fn every_template_says_what_it_needs() {
        for template in Template::value_variants() {
            let text = template.text();
            assert!(text.contains("defineCheck({"), "{template:?}");
            let needed = needed(text);
            assert!(needed.contains("[vars]") && !needed.contains("\"...\""), "{template:?}:\n{needed}");
        }
    }
}
