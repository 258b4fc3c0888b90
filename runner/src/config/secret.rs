use super::reader::{At, Section};
use std::fmt;

/// A value that is shown to nobody: not in logs, errors, pages or a debugger's print of its owner.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(value: String) -> Self {
        Self(value)
    }

    /// The value itself, for the one place that it is meant for.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// What a reference to a secret leads to.
pub(super) enum Referred {
    /// The key is not written.
    Unwritten,
    Found(Secret),
    /// The environment variable of this name is not set, or empty.
    Unset {
        variable: String,
        at: At,
    },
    /// Wrong in itself, and reported.
    Faulty,
}

/// Reads `key = { env = "NAME" }` or `key = { file = "path" }`. A file loses its trailing line break. `example` is
/// the environment variable that corrections name.
pub(super) fn refer(section: &mut Section<'_>, key: &str, example: &str) -> Referred {
    if section.is_string(key) {
        let Some(at) = section.names().into_iter().find(|name| name.value == key).map(|name| name.at) else {
            return Referred::Faulty;
        };
        // The string is not looked at, so that a pasted token appears in no message.
        section.note(key);
        section.reading.report(
            &at,
            format_args!("a secret is not written into the configuration; write `{key} = {{ env = \"{example}\" }}` or `{key} = {{ file = \"path\" }}`"),
        );
        return Referred::Faulty;
    }
    if !section.has(key) {
        section.note(key);
        return Referred::Unwritten;
    }
    let Some(mut reference) = section.section(key) else { return Referred::Faulty };
    let at = reference.at.clone();
    let reading = reference.reading;
    let variable = reference.string("env");
    let file = reference.string("file");
    reference.finish();
    match (variable, file) {
        (Some(variable), None) => match (reading.environment)(&variable.value).filter(|value| !value.is_empty()) {
            Some(value) => Referred::Found(Secret::new(value)),
            None => Referred::Unset { variable: variable.value, at: variable.at },
        },
        (None, Some(file)) => {
            let path = reading.path(&file.value);
            match std::fs::read_to_string(&path) {
                Ok(text) if text.trim_end_matches(['\r', '\n']).is_empty() => {
                    reading.report(&file.at, format_args!("{} is empty; put the secret into it", file.value));
                    Referred::Faulty
                }
                Ok(text) => Referred::Found(Secret::new(text.trim_end_matches(['\r', '\n']).to_owned())),
                Err(error) => {
                    reading.report(&file.at, format_args!("{} cannot be read: {error}", file.value));
                    Referred::Faulty
                }
            }
        }
        _ => {
            reading.report(&at, format_args!("write either `{{ env = \"{example}\" }}` or `{{ file = \"path\" }}`"));
            Referred::Faulty
        }
    }
}

/// A secret that must be there once it is written.
pub(super) fn required(section: &mut Section<'_>, key: &str, example: &str) -> Option<Secret> {
    let reading = section.reading;
    match refer(section, key, example) {
        Referred::Found(secret) => Some(secret),
        Referred::Unset { variable, at } => {
            reading.report(
                &at,
                format_args!("environment variable {variable} is not set; set it, or write `{{ file = \"path\" }}`"),
            );
            None
        }
        Referred::Unwritten | Referred::Faulty => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_shown_to_nobody() {
        let secret = Secret::new("hunter2".to_owned());
        assert_eq!(format!("{secret} {secret:?} {:?}", Some(&secret)), "[secret] [secret] Some([secret])");
        assert_eq!(secret.expose(), "hunter2");
    }
}
