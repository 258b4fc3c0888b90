//! Writes the `tocsin.toml` of a test.

use super::AuthStack;
use crate::doubles::slack::Slack;
use crate::doubles::twilio::Twilio;
use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

/// Three regions of one machine: the nodes of the auth stack differ by address.
pub const REGIONS: [(&str, Ipv4Addr); 3] = [
    ("eu-west-1", Ipv4Addr::new(127, 0, 0, 1)),
    ("us-east-1", Ipv4Addr::new(127, 0, 0, 2)),
    ("ap-southeast-2", Ipv4Addr::new(127, 0, 0, 3)),
];

/// Who is texted.
pub const DEVOPS: [(&str, &str); 2] = [("Ada", "+4915100000001"), ("Grace", "+4915100000002")];

/// The settings of one run, with short times so that a test of retries takes seconds.
#[derive(Debug, Clone)]
pub struct Config {
    pub checks: PathBuf,
    pub auth_url: String,
    pub certificate_authority: Option<PathBuf>,
    /// How many of [`REGIONS`], from the first.
    pub regions: usize,
    /// Processes that runs are forked from; Tocsin's own default where absent.
    pub zygotes: Option<u32>,
    /// In place of what the scripts declare.
    pub schedule: Option<String>,
    pub slack_url: Option<String>,
    pub twilio_url: Option<String>,
    pub request_timeout: String,
    pub retry_first: String,
    pub retry_max: String,
    /// Further lines of `[vars]`, as they stand.
    pub vars: String,
    /// How far apart the messages to one telephone are.
    pub message_every: String,
    /// What callers are told, where they may call in.
    pub callbacks: Option<String>,
    /// Further lines, as they stand.
    pub extra: String,
}

impl Config {
    pub fn new(checks: impl Into<PathBuf>, stack: &AuthStack) -> Self {
        Self { certificate_authority: Some(stack.certificate_authority()), ..Self::for_target(checks, &stack.url()) }
    }

    /// For a target that is no auth stack.
    pub fn for_target(checks: impl Into<PathBuf>, url: &str) -> Self {
        Self {
            checks: checks.into(),
            auth_url: url.to_owned(),
            certificate_authority: None,
            regions: REGIONS.len(),
            zygotes: Some(1),
            schedule: None,
            slack_url: None,
            twilio_url: None,
            request_timeout: "1s".to_owned(),
            retry_first: "50ms".to_owned(),
            retry_max: "500ms".to_owned(),
            vars: String::new(),
            message_every: "0s".to_owned(),
            callbacks: None,
            extra: String::new(),
        }
    }

    /// Callers are told `public_url`, behind which a proxy would stand.
    pub fn with_callbacks(self, public_url: &str) -> Self {
        Self { callbacks: Some(public_url.to_owned()), ..self }
    }

    pub fn with_providers(mut self, slack: &Slack, twilio: &Twilio) -> Self {
        self.slack_url = Some(slack.api_url());
        self.twilio_url = Some(twilio.api_url());
        self
    }

    /// The environment that the file refers to.
    pub fn environment(&self) -> Vec<(&'static str, &'static str)> {
        let mut variables = vec![
            ("TEST_LOGIN_PASSWORD", "correct-horse-battery-staple"),
            ("TEST_NATIVE_SECRET", "native-secret"),
            ("TEST_M2M_SECRET", "m2m-secret"),
        ];
        if self.slack_url.is_some() {
            variables.push(("TEST_SLACK_TOKEN", Slack::TOKEN));
            variables.push(("TEST_SLACK_SIGNING_SECRET", Slack::SIGNING_SECRET));
        }
        if self.twilio_url.is_some() {
            variables.push(("TEST_TWILIO_TOKEN", Twilio::AUTH_TOKEN));
        }
        variables
    }

    /// Writes it as `folder/tocsin.toml`, its data beside it.
    pub fn write(&self, folder: &Path) -> PathBuf {
        let path = folder.join("tocsin.toml");
        std::fs::write(&path, self.text(folder)).expect("a test's own folder can be written");
        path
    }

    fn text(&self, folder: &Path) -> String {
        let mut text = String::new();
        let mut line = |format: std::fmt::Arguments<'_>| writeln!(text, "{format}").expect("memory can be written");
        // A Rust string literal of such paths is a TOML one.
        line(format_args!("checks = {:?}", self.checks));
        line(format_args!("data = {:?}", folder.join("data")));
        line(format_args!("listen = \"127.0.0.1:0\""));
        line(format_args!("[vars]\nAUTH_URL = {:?}", self.auth_url));
        line(format_args!("USER_EMAIL = \"probe@tocsin.test\"\nSPA_CLIENT_ID = \"tocsin-spa\""));
        line(format_args!("NATIVE_CLIENT_ID = \"tocsin-native\"\nM2M_CLIENT_ID = \"tocsin-m2m\""));
        line(format_args!("API_AUDIENCE = \"https://api.tocsin.test/\""));
        line(format_args!("{}", self.vars));
        line(format_args!("[secrets]"));
        for (name, variable) in [
            ("LOGIN_PASSWORD", "TEST_LOGIN_PASSWORD"),
            ("NATIVE_SECRET", "TEST_NATIVE_SECRET"),
            ("M2M_SECRET", "TEST_M2M_SECRET"),
        ] {
            line(format_args!("{name} = {{ env = \"{variable}\" }}"));
        }
        for (name, address) in &REGIONS[..self.regions] {
            line(format_args!("[[regions]]\nname = \"{name}\"\nresolve = {{ localhost = \"{address}\" }}"));
        }
        line(format_args!("[network]\nallow_private = true"));
        if let Some(authority) = &self.certificate_authority {
            line(format_args!("ca_files = [{authority:?}]"));
        }
        if let Some(zygotes) = self.zygotes {
            line(format_args!("[sandbox]\nzygotes = {zygotes}"));
        }
        if let Some(schedule) = &self.schedule {
            line(format_args!("[schedule]\noverride = {schedule:?}"));
        }
        line(format_args!("[delivery]\nrequest_timeout = {:?}", self.request_timeout));
        line(format_args!("retry_first = {:?}\nretry_max = {:?}", self.retry_first, self.retry_max));
        line(format_args!("message_every = {:?}", self.message_every));
        if let Some(url) = &self.slack_url {
            line(format_args!("[slack]\ntoken = {{ env = \"TEST_SLACK_TOKEN\" }}\napi_url = {url:?}"));
            line(format_args!("signing_secret = {{ env = \"TEST_SLACK_SIGNING_SECRET\" }}"));
        }
        if let Some(url) = &self.twilio_url {
            line(format_args!("[twilio]\naccount_sid = \"{}\"", Twilio::ACCOUNT_SID));
            line(format_args!("auth_token = {{ env = \"TEST_TWILIO_TOKEN\" }}\nfrom = \"{}\"", Twilio::FROM));
            line(format_args!("api_url = {url:?}"));
        }
        if let Some(url) = &self.callbacks {
            line(format_args!("[callbacks]\nlisten = \"127.0.0.1:0\"\npublic_url = {url:?}"));
        }
        for (name, phone) in DEVOPS {
            line(format_args!("[[teams.devops]]\nname = \"{name}\"\nphone = \"{phone}\""));
        }
        line(format_args!("{}", self.extra));
        text
    }
}
