//! The command that repeats an exchange. What was redacted becomes a variable of the shell: `$LOGIN_PASSWORD`.

use checks::{Request, Transcript};
use std::net::{IpAddr, SocketAddr};
use url::Url;

/// Headers that curl sets by itself, and better.
const CURLS_OWN: &[&str] = &["host", "content-length", "accept-encoding", "user-agent", "connection"];
const FORM: &str = "application/x-www-form-urlencoded";

/// Several lines, joined by backslashes.
pub(super) fn command(request: &Request, transcript: &Transcript) -> String {
    let mut parts = vec![format!("curl -sS -i {}", word(&request.url))];
    let body = transcript.sent.body.as_ref().filter(|body| !body.is_binary);
    let implied = if body.is_some() { "POST" } else { "GET" };
    match request.method.as_str() {
        "HEAD" => parts[0] = format!("curl -sS -I {}", word(&request.url)),
        method if method != implied => parts.push(format!("-X {}", word(method))),
        _ => {}
    }
    parts.extend(same_node(request).map(|node| format!("--resolve {}", word(&node))));
    let is_form = transcript.sent.header("content-type").is_some_and(|kind| kind.starts_with(FORM));
    for header in &transcript.sent.headers {
        let basic = header.value.strip_prefix("Basic ").filter(|_| header.name == "authorization");
        match (header.name.as_str(), basic) {
            (_, Some(pair)) => parts.push(format!("-u {}", word(pair))),
            ("accept-encoding", _) => parts.push("--compressed".to_owned()),
            ("content-type", _) if is_form => {}
            // What `fetch` says of itself where its author says nothing.
            ("accept", _) if header.value == "*/*" => {}
            ("accept-language", _) if header.value == "*" => {}
            (name, _) if CURLS_OWN.contains(&name) => {}
            (name, _) => parts.push(format!("-H {}", word(&format!("{name}: {}", header.value)))),
        }
    }
    let mut missing = "";
    match body {
        Some(body) if !body.is_whole => missing = "  # the body is longer: this is its beginning",
        None if request.sent_body_bytes > 0 => missing = "  # and a body that was not kept",
        _ => {}
    }
    match body {
        // One by one, so that curl encodes what the shell puts in.
        Some(body) if is_form => {
            for (name, value) in url::form_urlencoded::parse(body.text.as_bytes()) {
                parts.push(format!("--data-urlencode {}", word(&format!("{name}={value}"))));
            }
        }
        Some(body) => parts.push(format!("--data-binary {}", word(&body.text))),
        None => {}
    }
    format!("{}{missing}", parts.join(" \\\n  "))
}

/// `name:port:address`: the same node answers, wherever the name leads from here.
fn same_node(request: &Request) -> Option<String> {
    let url = Url::parse(&request.url).ok()?;
    let host = url.host_str()?;
    let address: SocketAddr = request.remote_addr.as_ref()?.parse().ok()?;
    let is_address = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    let node = match address.ip() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    };
    (!is_address).then(|| format!("{host}:{}:{node}", address.port()))
}

/// `text` as one word of a POSIX shell.
fn word(text: &str) -> String {
    if !text.contains("[redacted") {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
        if !text.is_empty() && text.chars().all(plain) {
            return text.to_owned();
        }
        return format!("'{}'", text.replace('\'', "'\\''"));
    }
    let mut word = String::from("\"");
    let mut rest = text;
    while let Some(start) = rest.find("[redacted") {
        word.push_str(&escaped(&rest[..start]));
        let after = &rest[start + "[redacted".len()..];
        let Some(end) = after.find(']') else { break };
        let name = after[..end].strip_prefix(':').unwrap_or("SECRET");
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        word.push_str(&format!("${{{}}}", if is_name { name } else { "SECRET" }));
        rest = &after[end + 1..];
    }
    word.push_str(&escaped(rest));
    word.push('"');
    word
}

/// Inside double quotes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '"' | '\\' | '$' | '`') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use checks::{BodyExcerpt, Header, Message, Phases};

    fn exchange(method: &str, url: &str, headers: &[(&str, &str)], body: Option<&str>) -> (Request, Transcript) {
        let request = Request {
            method: method.to_owned(),
            url: url.to_owned(),
            step: None,
            start_us: 0,
            phases: Phases::default(),
            status: None,
            http_version: None,
            remote_addr: Some("127.0.0.2:8443".to_owned()),
            tls: None,
            sent_body_bytes: body.map_or(0, |body| body.len() as u64),
            received_body_bytes: 0,
            failure: None,
            transcript: None,
        };
        let headers =
            headers.iter().map(|(name, value)| Header { name: (*name).to_owned(), value: (*value).to_owned() });
        let body = body.map(|text| BodyExcerpt { text: text.to_owned(), is_binary: false, is_whole: true });
        (request, Transcript { sent: Message { headers: headers.collect(), body }, received: None })
    }

    #[test]
    fn the_command_is_one_that_a_shell_takes() {
        let form = [("content-type", "application/x-www-form-urlencoded;charset=UTF-8"), ("user-agent", "tocsin/0.1")];
        let json = [("content-type", "application/json"), ("authorization", "Bearer [redacted:TOKEN]")];
        let basic = [("authorization", "Basic ada:[redacted:NATIVE_SECRET]"), ("accept-encoding", "gzip")];
        let cases: &[(_, &[&str])] = &[
            (
                exchange(
                    "POST",
                    "https://localhost:8443/token",
                    &form,
                    Some("user=a%20b&password=[redacted:LOGIN_PASSWORD]"),
                ),
                &[
                    "curl -sS -i https://localhost:8443/token",
                    "--resolve localhost:8443:127.0.0.2",
                    "--data-urlencode 'user=a b'",
                    "--data-urlencode \"password=${LOGIN_PASSWORD}\"",
                ],
            ),
            (
                exchange("PUT", "http://127.0.0.2:8443/x?a=1&b=$c", &json, Some("{\"it's\":\"[redacted]\"}")),
                &[
                    "curl -sS -i 'http://127.0.0.2:8443/x?a=1&b=$c'",
                    "-X PUT",
                    "-H 'content-type: application/json'",
                    "-H \"authorization: Bearer ${TOKEN}\"",
                    "--data-binary \"{\\\"it's\\\":\\\"${SECRET}\\\"}\"",
                ],
            ),
            (
                exchange("GET", "http://127.0.0.2:8443/", &basic, None),
                &["curl -sS -i http://127.0.0.2:8443/", "-u \"ada:${NATIVE_SECRET}\"", "--compressed"],
            ),
            (exchange("HEAD", "http://127.0.0.2:8443/", &[], None), &["curl -sS -I http://127.0.0.2:8443/"]),
        ];
        for ((request, transcript), expected) in cases {
            assert_eq!(command(request, transcript), expected.join(" \\\n  "));
        }
    }
}
