//! The command that repeats an exchange: what `curl` then sends is what the run sent. What was redacted becomes a variable
//! of the shell: `$LOGIN_PASSWORD`.

use super::Authorities;
use super::shell::{bytes, word};
use checks::{BodyExcerpt, Header, Message, Request, Transcript};
use std::net::{IpAddr, SocketAddr};
use url::{Url, form_urlencoded};

/// Headers that curl sets by itself, and better.
const CURLS_OWN: &[&str] = &["content-length", "connection"];
/// What every run says of itself and of what it can decode; curl says its own, or the same with `--compressed`.
const OWN_AGENT: &str = "tocsin/";
const OWN_ENCODINGS: &str = "gzip, deflate, br, zstd";
/// What curl says of a body of which nothing is said, and what `fetch` says of the same.
const FORM: &[&str] = &["application/x-www-form-urlencoded", "application/x-www-form-urlencoded;charset=UTF-8"];

/// Several lines, joined by backslashes.
pub(super) fn command(request: &Request, transcript: &Transcript, authorities: &Authorities) -> String {
    let sent = &transcript.sent;
    // Of a body that is no text only the first bytes are known, which is all of a short one.
    let body = sent.body.as_ref().filter(|body| !body.is_binary || body.is_whole);
    let is_head = request.method == "HEAD";
    let mut first = format!("curl -sS {}", if is_head { "-I" } else { "-i" });
    if request.url.contains(['[', ']', '{', '}']) {
        // They mean several URLs otherwise.
        first.push_str(" -g");
    }
    let mut parts = vec![format!("{first} {}", word(&request.url))];
    let implied = if body.is_some() { "POST" } else { "GET" };
    if !is_head && request.method != implied {
        parts.push(format!("-X {}", word(&request.method)));
    }
    parts.extend(same_node(request).map(|node| format!("--resolve {}", word(&node))));
    let authority = request.tls.as_ref().and_then(|tls| authorities.behind(tls));
    parts.extend(authority.map(|file| format!("--cacert {}", word(&file.display().to_string()))));
    sent.headers.iter().for_each(|header| parts.extend(self::header(header, sent, body.is_some())));
    if body.is_some() && sent.header("content-type").is_none() {
        parts.push("-H content-type:".to_owned());
    }
    parts.extend(body.into_iter().flat_map(|body| data(body, sent)));
    let missing = match &sent.body {
        Some(body) if !body.is_whole && !body.is_binary => "  # the body is longer: this is its beginning",
        Some(_) if body.is_none() => "  # and a body that was not kept",
        None if request.sent_body_bytes > 0 => "  # and a body that was not kept",
        _ => "",
    };
    format!("{}{missing}", parts.join(" \\\n  "))
}

/// What it takes for curl to send this header; nothing where it does so anyway.
fn header(header: &Header, sent: &Message, has_body: bool) -> Vec<String> {
    let Header { name, value } = header;
    let written = |value: &str| match value {
        // With a colon and nothing behind it, curl would leave it out.
        "" => format!("-H {}", word(&format!("{name};"))),
        value => format!("-H {}", word(&format!("{name}: {value}"))),
    };
    match name.as_str() {
        "authorization" => match value.strip_prefix("Basic ").filter(|pair| is_pair(pair)) {
            Some(pair) => vec![format!("-u {}", word(pair))],
            None => vec![written(value)],
        },
        "accept-encoding" if value == OWN_ENCODINGS => vec!["--compressed".to_owned()],
        "accept-encoding" if value.is_empty() || value == "identity" => vec![written(value)],
        "accept-encoding" => vec!["--compressed".to_owned(), written(value)],
        "user-agent" if value.starts_with(OWN_AGENT) => vec![],
        "content-type" if has_body && FORM.contains(&value.as_str()) => vec![],
        // Where there may be a body and is none, some servers insist on being told.
        "content-length" if value == "0" && !has_body && sent.body.is_none() => vec![written(value)],
        // What `fetch` says of itself where its author says nothing.
        "accept" if value == "*/*" => vec![],
        "accept-language" if value == "*" => vec![],
        name if CURLS_OWN.contains(&name) => vec![],
        _ => vec![written(value)],
    }
}

/// Whether this is a name and a password, rather than a marker in place of both, which has a colon too.
fn is_pair(mut pair: &str) -> bool {
    while let Some((before, marker)) = pair.split_once("[redacted") {
        if before.contains(':') {
            return true;
        }
        pair = marker.split_once(']').map_or("", |(_, behind)| behind);
    }
    pair.contains(':')
}

fn data(body: &BodyExcerpt, sent: &Message) -> Vec<String> {
    if body.is_binary {
        let read = |byte: &str| u8::from_str_radix(byte, 16).ok();
        let read: Vec<u8> = body.text.split(' ').filter_map(read).collect();
        // An argument cannot hold a zero; a file can.
        return match read.contains(&0) {
            true => vec![format!("--data-binary @<(printf {})", printf(&read))],
            false => vec![format!("--data-raw {}", bytes(&read))],
        };
    }
    let is_form = sent.header("content-type").is_some_and(|kind| FORM.contains(&kind));
    let fields = is_form.then(|| fields(&body.text)).flatten();
    fields.unwrap_or_else(|| vec![format!("--data-raw {}", word(&body.text))])
}

/// One by one, so that a person can read them and curl encodes what the shell puts in; `None` where something would be
/// lost on the way.
fn fields(form: &str) -> Option<Vec<String>> {
    let field = |field: &str| {
        let (name, _) = field.split_once('=').filter(|(name, _)| !name.is_empty())?;
        let (_, value) = form_urlencoded::parse(field.as_bytes()).next()?;
        (!value.contains(char::REPLACEMENT_CHARACTER))
            .then(|| format!("--data-urlencode {}", word(&format!("{name}={value}"))))
    };
    form.split('&').map(field).collect()
}

/// The one word that `printf` makes these bytes of.
fn printf(bytes: &[u8]) -> String {
    format!("'{}'", bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect::<String>())
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
        let basic = [("authorization", "Basic ada:[redacted:NATIVE_SECRET]"), ("accept-encoding", OWN_ENCODINGS)];
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
                    "--data-raw \"{\\\"it's\\\":\\\"${SECRET}\\\"}\"",
                ],
            ),
            (
                exchange("GET", "http://127.0.0.2:8443/", &basic, None),
                &["curl -sS -i http://127.0.0.2:8443/", "-u \"ada:${NATIVE_SECRET}\"", "--compressed"],
            ),
            (exchange("HEAD", "http://127.0.0.2:8443/", &[], None), &["curl -sS -I http://127.0.0.2:8443/"]),
        ];
        for ((request, transcript), expected) in cases {
            assert_eq!(command(request, transcript, &Authorities::nobody()), expected.join(" \\\n  "));
        }
    }
}
