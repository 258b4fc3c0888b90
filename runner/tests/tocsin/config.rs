//! Every fault that a configuration can have: `bad/<fault>.toml`, and the whole message in `bad/<fault>.expected`.

use alerting::email::Tls;
use alerting::notification::Address;
use runner::config::{ConfigError, Sender, Settings};
use std::path::{Path, PathBuf};

fn environment(name: &str) -> Option<String> {
    match name {
        "AUTH_HOST" => Some("login.example.com".to_owned()),
        "PAGE_PASSWORD" => Some("a long enough password".to_owned()),
        "SHORT_PASSWORD" => Some("short".to_owned()),
        "TWILIO_TOKEN" => Some("twilio-token".to_owned()),
        "PAGER_URL" => Some("https://hooks.example.com/tocsin".to_owned()),
        "PAGER_SECRET" => Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned()),
        "SMTP_PASSWORD" => Some("smtp-password".to_owned()),
        "SLACK_TOKEN" => Some("xoxb-environment".to_owned()),
        _ => None,
    }
}

fn bad() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad")
}

/// The message of a file, with the folder of the fixtures taken out, so that it does not depend on where they are.
fn message(file: &Path) -> String {
    let error =
        Settings::load(file, &environment).err().map_or_else(|| "accepted".to_owned(), |error| error.to_string());
    error.replace(&format!("{}/", bad().display()), "").replace(&format!("{}", bad().display()), ".")
}

#[test]
fn every_fault_is_refused_with_its_place_and_its_correction() {
    let mut files: Vec<PathBuf> = std::fs::read_dir(bad())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    files.sort();
    assert!(files.len() >= 30, "the fixtures are there: {}", files.len());
    let mut wrong = Vec::new();
    for file in files {
        let expected = std::fs::read_to_string(file.with_extension("expected")).unwrap_or_default();
        let got = message(&file);
        if got.trim_end() != expected.trim_end() {
            wrong.push(format!("--- {}\nexpected:\n{expected}\ngot:\n{got}\n", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_message_holds_a_secret() {
    for fault in ["secret-written-down", "token-written-down", "webhook-faults"] {
        let text = message(&bad().join(format!("{fault}.toml")));
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn a_whole_configuration_is_read_as_written() {
    let text = r##"
checks = "."
data = "journal"
listen = "0.0.0.0:9480"
authentication = { user = "oncall", password = { env = "PAGE_PASSWORD" } }

[vars]
AUTH_URL = "https://${AUTH_HOST}/${PATH_PREFIX:-v1}"
LITERAL = "$${AUTH_HOST}"
EMPTY = ""

[secrets]
LOGIN_PASSWORD = { env = "PAGE_PASSWORD" }

[[regions]]
name = "eu-west-1"
resolve = { "Login.example.com" = "127.0.0.1" }

[[regions]]
name = "us-east-1"
vars = { AUTH_URL = "https://us.example.com" }

[network]
allow_private = true

[sandbox]
zygotes = 2

[schedule]
override = "every 5s"

[delivery]
retry_first = "100ms"

[statsd]
listen = "0.0.0.0:8125"
unix = "statsd.socket"
flush = "5s"

[metrics.graphite]
address = "graphite.example.com:2003"
prefix = "auth."

[metrics.librato]
email = "oncall@example.com"
token = { env = "TWILIO_TOKEN" }

[metrics.store]
retention = "30d"
memory_mb_max = 64

[rules]
files = ["rules/*.yml"]
interval = "30s"

[slack]
p1_channel = "#on-call"

[twilio]
account_sid = "AC00000000000000000000000000000000"
auth_token = { env = "TWILIO_TOKEN" }
from = "+15005550006"

[email]
server = "smtp.example.com:465"
user = "tocsin"
password = { env = "SMTP_PASSWORD" }
from = "Tocsin <tocsin@example.com>"

[webhooks.pager]
url = { env = "PAGER_URL" }
secret = { env = "PAGER_SECRET" }

[[policies.default.rungs]]
failures_in_a_row = 2
webhook = ["pager"]
email = ["devops", "status@example.com"]
voice = ["devops"]

[[teams.devops]]
name = "Ada"
phone = "+4915112345678"
email = "ada@example.com"
"##;
    let settings = Settings::parse(Path::new("tocsin.toml"), text, &environment).unwrap();
    assert_eq!(settings.vars["AUTH_URL"], "https://login.example.com/v1");
    assert_eq!(settings.vars["LITERAL"], "${AUTH_HOST}");
    assert_eq!(settings.vars["EMPTY"], "");
    assert_eq!(settings.secrets["LOGIN_PASSWORD"].expose(), "a long enough password");
    let names: Vec<_> = settings.regions.iter().map(|region| region.name.as_str()).collect();
    assert_eq!(names, ["eu-west-1", "us-east-1"]);
    assert_eq!(settings.regions[0].resolve["login.example.com"].to_string(), "127.0.0.1");
    assert_eq!(settings.regions[1].vars["AUTH_URL"], "https://us.example.com");
    assert!(settings.network.allow_private);
    assert_eq!(settings.sandbox.zygotes, Some(2));
    assert_eq!(settings.schedule.override_all.as_deref(), Some("every 5s"));
    assert_eq!(settings.delivery.retry_first.as_millis(), 100);
    assert!(settings.statsd.enabled && settings.statsd.listen_is_written);
    assert_eq!(settings.statsd.listen.to_string(), "0.0.0.0:8125");
    assert_eq!(settings.statsd.unix.as_deref(), Some(Path::new("statsd.socket")));
    assert_eq!(settings.statsd.flush.as_secs(), 5);
    assert_eq!(settings.metrics.graphite.as_ref().map(|to| to.prefix.as_str()), Some("auth."));
    assert_eq!(settings.metrics.statsd, None);
    let store = settings.metrics.store;
    assert_eq!((store.retention.as_secs(), store.memory_mb_max, store.series_max), (30 * 86_400, 64, 200_000));
    assert_eq!((settings.rules.files[0].as_path(), settings.rules.interval.as_secs()), (Path::new("rules/*.yml"), 30));
    assert_eq!(settings.metrics.librato.as_ref().map(|to| to.tags["source"].as_str()), Some("tocsin"));
    assert_eq!(settings.slack.token.as_ref().map(|token| token.expose()), Some("xoxb-environment"));
    assert_eq!((settings.slack.p1_channel.as_str(), settings.slack.p2_channel.as_str()), ("#on-call", "#p2"));
    let account = settings.twilio.account.as_ref().unwrap();
    assert_eq!(account.sender, Sender::From("+15005550006".to_owned()));
    assert_eq!(account.call_from.as_deref(), Some("+15005550006"));
    let email = settings.email.as_ref().unwrap();
    assert_eq!((email.host.as_str(), email.port, email.tls), ("smtp.example.com", 465, Tls::Implicit));
    assert_eq!(settings.webhooks["pager"].url.expose(), "https://hooks.example.com/tocsin");
    let told: Vec<String> =
        runner::ladders::ladders(&settings).unwrap().default.rungs[0].addresses.iter().map(Address::lane).collect();
    assert_eq!(told, ["webhook:pager", "voice:+4915112345678", "email:ada@example.com", "email:status@example.com"]);
    assert_eq!(settings.teams["devops"][0].name, "Ada");
    assert_eq!(settings.data_dir, Path::new("journal"));
    let printed = format!("{settings:?}");
    for secret in [
        "a long enough password",
        "twilio-token",
        "xoxb-environment",
        "smtp-password",
        "hooks.example.com",
        "MfKQ9r8GKYq",
    ] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

#[test]
fn nothing_but_a_folder_of_checks_is_needed() {
    let settings = Settings::parse(Path::new("tocsin.toml"), "checks = \".\"", &|_| None).unwrap();
    assert!(settings.listen.ip().is_loopback());
    assert!(!settings.network.allow_private);
    assert!(settings.statsd.enabled && settings.statsd.listen.ip().is_loopback() && !settings.statsd.listen_is_written);
    assert_eq!(settings.regions.len(), 1);
    assert_eq!(settings.slack.token, None);
    assert_eq!(settings.slack.token_variable, "SLACK_TOKEN");
    assert_eq!(settings.twilio.missing, ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM"]);
}

#[test]
fn a_file_that_is_not_there_says_how_to_name_another() {
    let error = Settings::load(Path::new("nowhere/tocsin.toml"), &environment).unwrap_err();
    assert!(matches!(error, ConfigError::Unreadable { .. }));
    assert!(error.to_string().contains("nowhere/tocsin.toml: cannot be read") && error.to_string().contains("-c FILE"));
}
