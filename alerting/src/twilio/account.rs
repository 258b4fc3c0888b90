use super::outcome::fault_of_answer;
use crate::outbox::{Fault, Reconciled, http};
use checks::UnixMs;
use chrono::DateTime;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::fmt;

/// Twilio's own, where nothing else is written.
pub const API_URL: &str = "https://api.twilio.com";

const PAGES_MAX: usize = 5;
const PAGE_ROWS: &str = "100";
/// A page of a hundred messages has well under a megabyte.
const ANSWER_BYTES_MAX: usize = 4 << 20;

#[derive(Debug, thiserror::Error)]
pub enum TwilioError {
    #[error("Twilio's `api_url` is `{url}`, {problem}")]
    Url { url: String, problem: String },
    #[error("Twilio's `{key}` is `{value}`; write `{prefix}` and 32 hexadecimal digits, as the console shows it")]
    Sid { key: &'static str, value: String, prefix: &'static str },
    #[error("Twilio's auth token is empty; write the one that the console shows")]
    Token,
    #[error("the HTTP client for Twilio cannot be made: {0}")]
    Client(#[from] reqwest::Error),
}

/// An account, and the way to it.
pub(crate) struct Account {
    client: Client,
    sid: String,
    auth_token: String,
    /// Without a slash at its end.
    api_url: String,
}

/// What is looked for among what an account has made, newest first.
pub(crate) struct Listing<'a> {
    /// `Messages` or `Calls`.
    pub resource: &'a str,
    pub to: &'a str,
    /// What was made before cannot be it, and neither can what stands behind it.
    pub oldest: UnixMs,
}

#[derive(Deserialize)]
struct Created {
    sid: String,
}

#[derive(Deserialize)]
struct Page<R> {
    #[serde(alias = "messages", alias = "calls")]
    rows: Vec<R>,
    next_page_uri: Option<String>,
}

/// `SM` or `AC` and the like, and 32 hexadecimal digits.
fn is_sid(sid: &str, prefix: &str) -> bool {
    sid.strip_prefix(prefix).is_some_and(|hex| hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

impl Account {
    pub fn new(sid: &str, auth_token: &str, api_url: &str, timeout_ms: u64) -> Result<Self, TwilioError> {
        let without_slash = api_url.trim_end_matches('/').to_owned();
        crate::outbox::require_secure(&without_slash)
            .map_err(|problem| TwilioError::Url { url: api_url.to_owned(), problem })?;
        Self::require_sid("account_sid", sid, "AC")?;
        if auth_token.is_empty() {
            return Err(TwilioError::Token);
        }
        let client = http::client(timeout_ms)?;
        Ok(Self { client, sid: sid.to_owned(), auth_token: auth_token.to_owned(), api_url: without_slash })
    }

    pub fn require_sid(key: &'static str, sid: &str, prefix: &'static str) -> Result<(), TwilioError> {
        match is_sid(sid, prefix) {
            true => Ok(()),
            false => Err(TwilioError::Sid { key, value: sid.to_owned(), prefix }),
        }
    }

    fn url(&self, resource: &str) -> String {
        format!("{}/2010-04-01/Accounts/{}/{resource}.json", self.api_url, self.sid)
    }

    async fn call<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Fault> {
        let request = request.basic_auth(&self.sid, Some(&self.auth_token));
        let answer = http::exchange(request, "Twilio", ANSWER_BYTES_MAX).await?;
        match answer.status {
            StatusCode::OK | StatusCode::CREATED => serde_json::from_slice(&answer.body)
                .map_err(|e| Fault::Ambiguous { reason: format!("Twilio's answer cannot be read: {e}") }),
            status => Err(fault_of_answer(status, answer.retry_after_ms, &answer.body)),
        }
    }

    /// Makes a message or a call, and returns its SID.
    pub async fn create(&self, resource: &str, form: &[(&str, &str)]) -> Result<String, Fault> {
        let created: Created = self.call(self.client.post(self.url(resource)).form(form)).await?;
        Ok(created.sid)
    }

    /// Looks through what was made, for the first of which `found` returns the name. The list is not filtered by date: what
    /// still queues has no date of sending, and would not be in it.
    pub async fn find<R: DeserializeOwned>(
        &self,
        listing: &Listing<'_>,
        made_at: impl Fn(&R) -> Option<UnixMs>,
        found: impl Fn(&R) -> Option<String>,
    ) -> Result<Reconciled, Fault> {
        let query = [("To", listing.to), ("PageSize", PAGE_ROWS)];
        let mut request = self.client.get(self.url(listing.resource)).query(&query);
        for _ in 0..PAGES_MAX {
            let page: Page<R> = self.call(request).await?;
            let recent = page.rows.iter().filter(|row| made_at(row).is_none_or(|at| at >= listing.oldest));
            if let Some(receipt) = recent.clone().find_map(&found) {
                return Ok(Reconciled::Has { receipt });
            }
            let all_recent = recent.count() == page.rows.len() && !page.rows.is_empty();
            match page.next_page_uri.filter(|uri| all_recent && uri.starts_with('/')) {
                Some(uri) => request = self.client.get(format!("{}{uri}", self.api_url)),
                None => return Ok(Reconciled::HasNot),
            }
        }
        Ok(Reconciled::CannotBeAsked {
            reason: format!("more than {PAGES_MAX} pages of Twilio's {} since it was made", listing.resource),
        })
    }
}

/// Twilio's dates are RFC 2822's.
pub(crate) fn created_at(date: Option<&str>) -> Option<UnixMs> {
    let date = DateTime::parse_from_rfc2822(date?).ok()?;
    Some(UnixMs(date.timestamp_millis()))
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("sid", &self.sid).field("api_url", &self.api_url).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_accepted_or_refused() {
        let sid = format!("AC{}", "0".repeat(32));
        let cases = [
            ("AC1", "token", "https://api.twilio.com", "`account_sid` is `AC1`"),
            (sid.as_str(), "", "https://api.twilio.com", "auth token is empty"),
            (sid.as_str(), "token", "http://api.twilio.com", "in the clear"),
        ];
        for (sid, token, url, part) in cases {
            let error = Account::new(sid, token, url, 1000).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        let account = Account::new(&sid, "hunter2", "https://api.twilio.com/", 1000).unwrap();
        assert!(!format!("{account:?}").contains("hunter2"), "the token is not shown");
        assert_eq!(account.url("Calls"), format!("https://api.twilio.com/2010-04-01/Accounts/{sid}/Calls.json"));
    }

    #[test]
    fn dates_are_read() {
        assert_eq!(created_at(Some("Thu, 24 Aug 2023 05:01:45 +0000")), Some(UnixMs(1_692_853_305_000)));
        assert_eq!(created_at(Some("yesterday")), None);
        assert_eq!(created_at(None), None);
    }
}
