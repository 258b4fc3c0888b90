//! `--env-file`: variables for the configuration from files of `NAME=value` lines.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum EnvFileError {
    #[error("{}: {source}", file.display())]
    Unreadable { file: PathBuf, source: std::io::Error },
    /// The line is not quoted: it may hold a secret.
    #[error("{}:{line}: is no variable; write `NAME=value`, with quotation marks around a value that has spaces or `#`", file.display())]
    Line { file: PathBuf, line: usize },
}

/// The variables of all files; where two set one, the later file wins.
pub fn read(files: &[PathBuf]) -> Result<BTreeMap<String, String>, EnvFileError> {
    let mut variables = BTreeMap::new();
    for file in files {
        let text =
            std::fs::read_to_string(file).map_err(|source| EnvFileError::Unreadable { file: file.clone(), source })?;
        variables.extend(parse(file, &text)?);
    }
    Ok(variables)
}

fn parse(file: &Path, text: &str) -> Result<Vec<(String, String)>, EnvFileError> {
    let mut variables = Vec::new();
    for variable in dotenvy::from_read_iter(text.as_bytes()) {
        variables.push(variable.map_err(|error| {
            let faulty = match &error {
                dotenvy::Error::LineParse(line, _) => line.lines().next().unwrap_or_default(),
                _ => "",
            };
            let line = text.lines().position(|line| line == faulty).map_or(1, |index| index + 1);
            EnvFileError::Line { file: file.to_owned(), line }
        })?);
    }
    Ok(variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_shells_and_other_tools_read() {
        let text = "# a comment\nA=1\nexport B=\"two words\" # behind it\nC='$A'\n\nD=\n";
        let read = parse(Path::new(".env"), text).unwrap();
        let expected = [("A", "1"), ("B", "two words"), ("C", "$A"), ("D", "")];
        assert_eq!(read, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn names_the_line_that_is_wrong_and_not_what_it_says() {
        let error = parse(Path::new(".env"), "A=1\n\nhunter2 hunter2\n").unwrap_err().to_string();
        assert!(error.starts_with(".env:3: ") && !error.contains("hunter2"), "{error}");
        let error = read(&[PathBuf::from("/nowhere/.env")]).unwrap_err().to_string();
        assert!(error.starts_with("/nowhere/.env: "), "{error}");
    }
}
