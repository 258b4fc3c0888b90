use super::Secret;
use super::reader::Section;
use super::secret;
use alerting::email::{Mailbox, Tls, is_this_machine};
use std::path::PathBuf;

/// How e-mail is sent. Without this table it is printed in the terminal and kept in the history.
///
/// ```toml
/// [email]
/// server = "smtp.example.com:587"
/// tls = "starttls"                     # or "implicit", as port 465 has it; "none" on this machine only
/// user = "tocsin"                      # left out where the server asks for none
/// password = { env = "SMTP_PASSWORD" }
/// from = "Tocsin <tocsin@example.com>"
/// ca_file = "mail-ca.pem"              # certificates that are trusted beside the usual ones
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailSettings {
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    pub credentials: Option<(String, Secret)>,
    pub from: Mailbox,
    pub ca_file: Option<PathBuf>,
}

const IMPLICIT_PORT: u16 = 465;

pub(super) fn read(section: Option<Section<'_>>) -> Option<EmailSettings> {
    let mut section = section?;
    let reading = section.reading;
    let at = section.at.clone();
    let server = section.required_string("server", "\"smtp.example.com:587\"");
    let server = server.and_then(|text| match server_of(&text.value) {
        Ok(server) => Some(server),
        Err(problem) => {
            reading.report(&text.at, problem);
            None
        }
    });
    let from = section.required_string("from", "\"Tocsin <tocsin@example.com>\"");
    let from = from.and_then(|text| match mailbox(&text.value) {
        Ok(from) => Some(from),
        Err(problem) => {
            reading.report(&text.at, problem);
            None
        }
    });
    let place = section.value_place("tls");
    let tls = section.parsed("tls", tls).map(|tls| tls.value);
    let user = section.string("user");
    let has_password = section.has("password");
    let password = secret::required(&mut section, "password", "SMTP_PASSWORD");
    match (&user, has_password) {
        (Some(user), false) => {
            reading.report(
                &user.at,
                "no password beside it; write `password = { env = \"SMTP_PASSWORD\" }`, or leave out both",
            );
        }
        (None, true) => reading.report(&at, "a password and no `user`; write whose it is, or leave out both"),
        _ => {}
    }
    let ca_file = section.string("ca_file").and_then(|file| {
        let path = reading.path(&file.value);
        match std::fs::File::open(&path) {
            Ok(_) => Some(path),
            Err(error) => {
                reading.report(&file.at, format_args!("{} cannot be read: {error}", file.value));
                None
            }
        }
    });
    section.finish();
    let (host, port) = server?;
    let tls = tls.unwrap_or(if port == IMPLICIT_PORT { Tls::Implicit } else { Tls::StartTls });
    if tls == Tls::None && !is_this_machine(&host) {
        reading.report(
            &place,
            format_args!(
                "would send incidents and the password unencrypted to {host}; write \"starttls\" or \"implicit\""
            ),
        );
    }
    let credentials = user.map(|user| user.value).zip(password);
    Some(EmailSettings { host, port, tls, credentials, from: from?, ca_file })
}

/// `host:port`, where an IPv6 address stands in brackets.
fn server_of(text: &str) -> Result<(String, u16), String> {
    let wrong = || format!("`{text}` is no host with a port; write one such as \"smtp.example.com:587\"");
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let port: u16 = port.parse().ok().filter(|port| *port != 0).ok_or_else(wrong)?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let is_name = bare.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    let is_bracketed = bare.len() != host.len();
    let is_host = match is_bracketed {
        true => bare.parse::<std::net::Ipv6Addr>().is_ok(),
        false => is_name && !bare.is_empty(),
    };
    if is_host { Ok((bare.to_owned(), port)) } else { Err(wrong()) }
}

/// `Name <address>`, or the address alone.
fn mailbox(text: &str) -> Result<Mailbox, String> {
    let wrong = || format!("`{text}` is no sender; write one such as \"Tocsin <tocsin@example.com>\"");
    let mailbox: Mailbox = text.parse().map_err(|_| wrong())?;
    let is_one_line = mailbox.name.as_deref().is_none_or(|name| !name.chars().any(char::is_control));
    match alerting::email::check_address(mailbox.email.as_ref()) {
        Ok(()) if is_one_line => Ok(mailbox),
        _ => Err(wrong()),
    }
}

fn tls(text: &str) -> Result<Tls, String> {
    match text {
        "starttls" => Ok(Tls::StartTls),
        "implicit" => Ok(Tls::Implicit),
        "none" => Ok(Tls::None),
        _ => {
            Err(format!("`{text}` is no way to encrypt; write \"starttls\", \"implicit\", or \"none\" on this machine"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_a_host_and_a_port() {
        let cases = [
            ("smtp.example.com:587", Some(("smtp.example.com", 587))),
            ("127.0.0.1:25", Some(("127.0.0.1", 25))),
            ("[::1]:25", Some(("::1", 25))),
            ("::1:25", None),
            ("smtp.example.com", None),
            ("smtp.example.com:0", None),
            ("smtp.example.com:65536", None),
            ("smtps://smtp.example.com:465", None),
            (":25", None),
            ("a b:25", None),
        ];
        for (text, expected) in cases {
            let got = server_of(text).ok();
            assert_eq!(got.as_ref().map(|(host, port)| (host.as_str(), *port)), expected, "{text}");
        }
    }

    #[test]
    fn senders_have_an_address() {
        for (text, expected) in [
            ("Tocsin <tocsin@example.com>", true),
            ("tocsin@example.com", true),
            ("Tocsin", false),
            ("Tocsin <tocsin>", false),
            ("", false),
        ] {
            assert_eq!(mailbox(text).is_ok(), expected, "{text}");
        }
    }
}
