//! A call from a provider to the program: what it says, and how it is signed.

use http::StatusCode;
use reqwest::header::{CONTENT_TYPE, HOST};

/// A call that a provider makes. It is sent to where the program listens, as a proxy would pass it on.
#[derive(Debug, Clone)]
pub struct Callback {
    /// From the host's end on.
    pub path: String,
    pub body: String,
    pub headers: Vec<(&'static str, String)>,
}

/// What the program answered.
#[derive(Debug, Clone)]
pub struct Answered {
    pub status: StatusCode,
    pub text: String,
}

impl Callback {
    pub(super) fn form(path: &str, fields: &[(String, String)]) -> Self {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        Self { path: path.to_owned(), body, headers: Vec::new() }
    }

    pub(super) fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Without anything that proves who calls.
    #[must_use]
    pub fn unsigned(mut self) -> Self {
        self.headers.clear();
        self
    }

    /// Says something else than what was signed.
    ///
    /// # Panics
    /// Where the body does not have `what`.
    #[must_use]
    pub fn tampered(mut self, what: &str, with: &str) -> Self {
        assert!(self.body.contains(what), "`{what}` is not in {}", self.body);
        self.body = self.body.replace(what, with);
        self
    }

    /// Sends it to `program`, such as `http://127.0.0.1:9481`.
    ///
    /// # Panics
    /// Where nobody answers.
    pub async fn send(&self, program: &str) -> Answered {
        let mut request = crate::harness::client()
            .post(format!("{program}{}", self.path))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            // What a caller says of the host proves nothing.
            .header(HOST, "evil.example")
            .body(self.body.clone());
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let response = request.send().await.unwrap_or_else(|error| panic!("{}: {error}", self.path));
        let status = response.status();
        let text = response.text().await.unwrap_or_else(|error| panic!("{}: {error}", self.path));
        Answered { status, text }
    }
}
