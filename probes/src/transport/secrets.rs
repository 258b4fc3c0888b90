//! Secrets go to the hosts that they are for.
//!
//! This finds the mistakes of honest scripts: a token that follows a redirect, a password in the body of a request to
//! the wrong service. A script that wants to smuggle encodes as it likes; only the check's `hosts` stops that.

use super::TransportError;
use crate::spellings::Unescaped;
use checks::HostPattern;
use std::sync::Arc;

/// What one byte of a text is written as at most: `\u002f`.
const ESCAPED_BYTES_MAX: usize = 6;

/// A secret that may go to some hosts only.
#[derive(Debug)]
pub struct GuardedSecret {
    pub name: String,
    /// What it looks like on the wire: as it is, and in the usual encodings. Escapes are taken away in any case.
    pub forms: Vec<String>,
    pub hosts: Vec<HostPattern>,
}

/// The guarded secrets of one run.
#[derive(Debug, Clone, Default)]
pub struct SecretGuard {
    secrets: Arc<[GuardedSecret]>,
}

impl SecretGuard {
    pub fn new(secrets: Vec<GuardedSecret>) -> Self {
        Self { secrets: secrets.into() }
    }

    /// Watches what is written to a host, an address or a name without brackets.
    pub fn watch(&self, host: &str, port: u16) -> SecretWatch {
        let astray = |secret: &GuardedSecret| !secret.hosts.iter().any(|pattern| pattern.matches(host, Some(port)));
        let forbidden = (0..self.secrets.len()).filter(|index| astray(&self.secrets[*index])).collect();
        let place = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        SecretWatch { secrets: Arc::clone(&self.secrets), forbidden, place, tail: Vec::new() }
    }
}

/// Sees what is written to one place, in any number of pieces.
#[derive(Debug)]
pub struct SecretWatch {
    secrets: Arc<[GuardedSecret]>,
    /// Indices of the secrets that may not go there.
    forbidden: Vec<usize>,
    place: String,
    /// The end of what was written: a secret may begin in it.
    tail: Vec<u8>,
}

impl SecretWatch {
    /// An error where `bytes`, after what was passed before, hold a secret that is not for this place; `part` ends
    /// "the ... holds the secret".
    pub fn pass(&mut self, part: &str, bytes: &[u8]) -> Result<(), TransportError> {
        if self.forbidden.is_empty() {
            return Ok(());
        }
        self.tail.extend_from_slice(bytes);
        let mut longest = 1;
        for secret in self.forbidden.iter().map(|index| &self.secrets[*index]) {
            for form in &secret.forms {
                longest = longest.max(form.len());
            }
            let is_there = |form: &String| memchr::memmem::find(&self.tail, form.as_bytes()).is_some();
            if secret.forms.iter().any(is_there) || !Unescaped::find(&self.tail, &secret.forms).is_empty() {
                let (secret, part, place) = (secret.name.clone(), part.to_owned(), self.place.clone());
                return Err(TransportError::SecretAstray { secret, part, place });
            }
        }
        let seen = self.tail.len().saturating_sub(longest * ESCAPED_BYTES_MAX);
        self.tail.drain(..seen);
        Ok(())
    }

    /// Begins another part, which continues nothing.
    pub fn part(&mut self, part: &str, bytes: &[u8]) -> Result<(), TransportError> {
        self.tail.clear();
        let passed = self.pass(part, bytes);
        self.tail.clear();
        passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_goes_to_its_hosts_and_nowhere_else() {
        let guard = SecretGuard::new(vec![GuardedSecret {
            name: "TOKEN".to_owned(),
            forms: vec!["hunter2".to_owned(), "aHVudGVyMg".to_owned()],
            hosts: vec!["login.test:443".parse().unwrap()],
        }]);
        let cases: &[(&str, u16, &[&str], bool)] = &[
            ("login.test", 443, &["Bearer hunter2"], true),
            ("login.test", 80, &["Bearer hunter2"], false),
            ("evil.test", 443, &["Bearer hunter2"], false),
            ("evil.test", 443, &["Basic eDphHVudGVyMg, aHVudGVyMg"], false),
            ("evil.test", 443, &["hun", "te", "r2"], false),
            ("evil.test", 443, &["%68unter%32"], false),
            ("evil.test", 443, &[r#"{"a":"hu"#, r#"nte\u0072"#, r#"2"}"#], false),
            ("evil.test", 443, &["hunter3", "2"], true),
            ("evil.test", 443, &["", "h", "unter"], true),
        ];
        for (host, port, pieces, expected) in cases {
            let mut watch = guard.watch(host, *port);
            let passed = pieces.iter().try_for_each(|piece| watch.pass("body", piece.as_bytes()));
            assert_eq!(passed.is_ok(), *expected, "{host}:{port} {pieces:?}");
        }
        let error = guard.watch("::1", 1).part("header `x`", b"hunter2").unwrap_err().to_string();
        let expected = "the header `x` holds the secret TOKEN, which may not go to [::1]:1; if it should, add the host to \
                        `secrets: { TOKEN: { hosts: [...] } }`";
        assert_eq!(error, expected);
    }
}
