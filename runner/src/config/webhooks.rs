use super::Secret;
use super::reader::{Placed, Section};
use super::secret::{self, Referred};
use alerting::outbox::is_loopback;
use alerting::webhook::SigningSecret;
use std::collections::BTreeMap;
use url::Url;

/// A program that is told, as Standard Webhooks says. Rungs name it: `webhook = ["pager"]`. docs/webhooks.md is for whoever
/// writes the receiver.
///
/// ```toml
/// [webhooks.pager]
/// url = "https://hooks.example.com/tocsin"   # or { env = "PAGER_URL" }, where the address is a secret itself
/// secret = { env = "PAGER_SECRET" }          # `whsec_` and the Base64 of 24 to 64 random bytes
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookSettings {
    pub url: Secret,
    pub secret: Secret,
}

pub(super) fn read(section: Option<Section<'_>>) -> BTreeMap<String, WebhookSettings> {
    let Some(mut section) = section else { return BTreeMap::new() };
    let mut webhooks = BTreeMap::new();
    for name in section.names() {
        let Some(webhook) = section.section(&name.value) else { continue };
        if let Some(settings) = read_one(webhook, &name) {
            webhooks.insert(name.value, settings);
        }
    }
    webhooks
}

fn read_one(mut section: Section<'_>, name: &Placed<String>) -> Option<WebhookSettings> {
    let reading = section.reading;
    let place = section.value_place("url");
    let url = match section.is_string("url") {
        true => section.string("url").map(|url| Secret::new(url.value)),
        false => {
            let is_written = section.has("url");
            let url = secret::required(&mut section, "url", "WEBHOOK_URL");
            if !is_written {
                reading.report(&name.at, "no address; write `url = \"https://host/path\"`");
            }
            url
        }
    };
    let url = url.filter(|url| match check_url(url.expose()) {
        Ok(()) => true,
        Err(problem) => {
            reading.report(&place, problem);
            false
        }
    });
    let place = section.value_place("secret");
    let secret = match secret::refer(&mut section, "secret", "WEBHOOK_SECRET") {
        Referred::Found(secret) => match SigningSecret::parse(secret.expose()) {
            Ok(_) => Some(secret),
            Err(error) => {
                reading.report(&place, format_args!("the secret cannot sign: {error}"));
                None
            }
        },
        Referred::Unset { variable, at } => {
            let problem =
                format!("environment variable {variable} is not set; set it, or write `{{ file = \"path\" }}`");
            reading.report(&at, problem);
            None
        }
        Referred::Unwritten => {
            reading.report(&name.at, "no secret to sign with; write `secret = { env = \"WEBHOOK_SECRET\" }`");
            None
        }
        Referred::Faulty => None,
    };
    section.finish();
    Some(WebhookSettings { url: url?, secret: secret? })
}

/// The message names no part of the address but its scheme: whoever knows it may be able to use it.
fn check_url(text: &str) -> Result<(), String> {
    let url = Url::parse(text)
        .map_err(|error| format!("this is no URL ({error}); write one such as \"https://host/path\""))?;
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(&url) => Ok(()),
        "http" => Err("incidents would travel unencrypted; write https://".to_owned()),
        scheme => Err(format!("`{scheme}` is not what webhooks speak; write https://")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_secure_and_not_told() {
        let cases = [
            ("https://hooks.example.com/hidden", None),
            ("http://127.0.0.1:8080/hidden", None),
            ("http://localhost:8080/hidden", None),
            ("http://hooks.example.com/hidden", Some("unencrypted")),
            ("ftp://hooks.example.com/hidden", Some("`ftp`")),
            ("hidden", Some("no URL")),
        ];
        for (text, problem) in cases {
            match (check_url(text), problem) {
                (Ok(()), None) => {}
                (Err(error), Some(part)) => assert!(error.contains(part) && !error.contains("hidden"), "{error}"),
                (got, _) => panic!("{text}: {got:?}"),
            }
        }
    }
}
