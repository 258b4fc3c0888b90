//! What every provider that is spoken to over HTTP has in common: the client, a bounded answer, and what a broken
//! exchange means for sending again.

use super::Fault;
use checks::UnixMs;
use chrono::DateTime;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use std::error::Error;
use std::time::Duration;

/// A TCP connection that takes longer was certainly not used: the attempt can be repeated without a question.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A whole answer, whatever its status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: StatusCode,
    pub retry_after_ms: Option<u64>,
    pub body: Vec<u8>,
}

/// A client whose exchanges end within `timeout_ms`. Redirects are not followed: what is sent is meant for one host.
pub(crate) fn client(timeout_ms: u64) -> Result<Client, reqwest::Error> {
    let timeout = Duration::from_millis(timeout_ms);
    Client::builder()
        .timeout(timeout)
        .connect_timeout(CONNECT_TIMEOUT.min(timeout))
        .redirect(reqwest::redirect::Policy::none())
        .build()
}

/// Sends a request to `provider` and reads its answer, of at most `bytes_max` bytes.
pub(crate) async fn exchange(request: RequestBuilder, provider: &str, bytes_max: usize) -> Result<Answer, Fault> {
    let mut response = request.send().await.map_err(|e| fault_of_transport(provider, &e))?;
    let (status, retry_after_ms) = (response.status(), retry_after_of(response.headers()));
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|e| fault_of_transport(provider, &e))? {
        if body.len() + chunk.len() > bytes_max {
            let reason = format!("the answer of {provider} has more than {bytes_max} bytes");
            return Err(Fault::Ambiguous { reason });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, retry_after_ms, body })
}

/// The same, for an answer of which only the status counts: its body is read as far as `bytes_max`, and may break off.
pub(crate) async fn exchange_for_status(
    request: RequestBuilder,
    provider: &str,
    bytes_max: usize,
) -> Result<Answer, Fault> {
    let mut response = request.send().await.map_err(|e| fault_of_transport(provider, &e))?;
    let (status, retry_after_ms) = (response.status(), retry_after_of(response.headers()));
    Ok(Answer { status, retry_after_ms, body: beginning(&mut response, bytes_max).await })
}

async fn beginning(response: &mut Response, bytes_max: usize) -> Vec<u8> {
    let mut body = Vec::new();
    while body.len() < bytes_max {
        let Ok(Some(chunk)) = response.chunk().await else { break };
        body.extend_from_slice(&chunk[..chunk.len().min(bytes_max - body.len())]);
    }
    body
}

fn retry_after_of(headers: &HeaderMap) -> Option<u64> {
    retry_after_ms(headers.get(RETRY_AFTER)?.to_str().ok()?, UnixMs::now())
}

/// Seconds, or a date (RFC 9110, section 10.2.3). What is neither is nothing.
fn retry_after_ms(value: &str, now: UnixMs) -> Option<u64> {
    match value.trim().parse::<u64>() {
        Ok(seconds) => Some(seconds.saturating_mul(1000)),
        Err(_) => {
            let date = DateTime::parse_from_rfc2822(value.trim()).ok()?;
            Some(UnixMs(date.timestamp_millis()).since_ms(now))
        }
    }
}

/// What a request that got no whole answer means for sending it again.
fn fault_of_transport(provider: &str, error: &reqwest::Error) -> Fault {
    // The address of a webhook is a secret of its own.
    let text = match error.url() {
        Some(url) => causes(error).replace(url.as_str(), "its URL"),
        None => causes(error),
    };
    if error.is_connect() {
        return Fault::Refused { retry_after_ms: None, reason: format!("{provider} cannot be reached: {text}") };
    }
    if error.is_builder() {
        return Fault::Permanent { reason: format!("the request to {provider} cannot be made: {text}") };
    }
    match error.is_timeout() {
        true => Fault::Ambiguous { reason: format!("{provider} did not answer in time") },
        false => Fault::Ambiguous { reason: format!("the connection to {provider} broke: {text}") },
    }
}

/// An error with all that caused it, in a line.
pub(crate) fn causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = UnixMs(1_445_412_470_000);
        let cases = [
            ("7", Some(7000)),
            (" 0 ", Some(0)),
            ("18446744073709551615", Some(u64::MAX)),
            ("Wed, 21 Oct 2015 07:28:00 GMT", Some(10_000)),
            ("Wed, 21 Oct 2015 07:27:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
            ("", None),
        ];
        for (value, expected) in cases {
            assert_eq!(retry_after_ms(value, now), expected, "{value}");
        }
    }

    #[tokio::test]
    async fn a_connection_that_is_refused_was_not_used_and_its_url_is_not_told() {
        // The port was free a moment ago; whoever has it since does not speak HTTP over it to us.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let request = client(2000).unwrap().get(format!("http://127.0.0.1:{port}/hidden-in-the-path"));
        match exchange(request, "webhook pager", 10).await {
            Err(Fault::Refused { retry_after_ms: None, reason }) => {
                assert!(reason.starts_with("webhook pager cannot be reached"), "{reason}");
                assert!(!reason.contains("hidden-in-the-path"), "{reason}");
            }
            got => panic!("{got:?}"),
        }
    }
}
