//! `${NAME}` and `${NAME:-default}` in a configured string; `$${` stands for a literal `${`.

use super::Environment;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum SubstituteError {
    #[error("environment variable {name} is not set; set it, or write `${{{name}:-default}}`")]
    Missing { name: String },
    #[error("`${{` without its `}}`; close it, or write `$${{` for a literal `${{`")]
    Unclosed,
    #[error(
        "`{name}` is no name of an environment variable; write `${{NAME}}` with letters, digits and `_`, or `$${{` for a literal `${{`"
    )]
    BadName { name: String },
}

/// As in a shell, `:-` also replaces a variable that is set to nothing. Defaults are taken as they stand.
pub(super) fn substitute(text: &str, environment: Environment<'_>) -> Result<String, SubstituteError> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            out.push_str(&rest[..at - 1]);
            out.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        out.push_str(&rest[..at]);
        let inner = &rest[at + 2..];
        let end = inner.find('}').ok_or(SubstituteError::Unclosed)?;
        let (name, default) = match inner[..end].split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (&inner[..end], None),
        };
        let valid = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && name.starts_with(|c: char| !c.is_ascii_digit());
        if !valid {
            return Err(SubstituteError::BadName { name: name.to_owned() });
        }
        match (environment(name), default) {
            (Some(value), None) => out.push_str(&value),
            (Some(value), Some(_)) if !value.is_empty() => out.push_str(&value),
            (_, Some(default)) => out.push_str(default),
            (None, None) => return Err(SubstituteError::Missing { name: name.to_owned() }),
        }
        rest = &inner[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_as_a_shell_would() {
        let environment = |name: &str| match name {
            "HOST" => Some("auth.example".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        let cases: &[(&str, Result<&str, &str>)] = &[
            ("plain", Ok("plain")),
            ("https://${HOST}/x", Ok("https://auth.example/x")),
            ("${HOST}${HOST}", Ok("auth.exampleauth.example")),
            ("${NONE:-fallback}", Ok("fallback")),
            ("${NONE:-}", Ok("")),
            ("${EMPTY}", Ok("")),
            ("${EMPTY:-fallback}", Ok("fallback")),
            ("$HOME $5 {x}", Ok("$HOME $5 {x}")),
            ("$${HOST}", Ok("${HOST}")),
            ("$", Ok("$")),
            ("${NONE}", Err("environment variable NONE is not set; set it, or write `${NONE:-default}`")),
            ("${HOST", Err("without its `}`")),
            ("${}", Err("is no name")),
            ("${1A}", Err("`1A` is no name")),
            ("${A-B}", Err("`A-B` is no name")),
        ];
        for (text, expected) in cases {
            match (substitute(text, &environment), expected) {
                (Ok(got), Ok(expected)) => assert_eq!(got, *expected, "{text}"),
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{text}: {error}"),
                (got, _) => panic!("{text}: {got:?}"),
            }
        }
    }
}
