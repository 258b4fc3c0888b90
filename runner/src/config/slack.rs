use super::Secret;
use super::reader::{At, Placed, Section};
use super::secret::{self, Referred};
use alerting::outbox::is_loopback;
use url::Url;

/// Where incidents are posted. Without a token, posts are printed in the terminal and kept in the history.
///
/// ```toml
/// [slack]
/// token = { env = "SLACK_TOKEN" }   # the default; a bot token with chat:write
/// signing_secret = { env = "SLACK_SIGNING_SECRET" }   # the default; with [callbacks], posts have buttons
/// p1_channel = "#p1"
/// p2_channel = "#p2"
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlackSettings {
    pub token: Option<Secret>,
    /// The environment variable that would hold the token, for the line that says it is missing.
    pub token_variable: String,
    /// Proves that a press of a button is told by Slack.
    pub signing_secret: Option<Secret>,
    /// The environment variable that would hold it.
    pub signing_secret_variable: String,
    pub p1_channel: String,
    pub p2_channel: String,
    /// Another place than Slack itself, such as a proxy or a test's double.
    pub api_url: Option<Url>,
    /// Every channel that some rung tells, as often as it is written.
    pub listed: Vec<ListedChannel>,
}

/// A channel, and where it is written: whether it exists only Slack knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedChannel {
    /// `#name`, or an id.
    pub channel: String,
    /// `file:line:column (key ...)`.
    pub place: String,
}

impl SlackSettings {
    fn new(environment: super::Environment<'_>) -> Self {
        let found = |name: &str| environment(name).filter(|value| !value.is_empty()).map(Secret::new);
        let (token, signing) = ("SLACK_TOKEN", "SLACK_SIGNING_SECRET");
        Self {
            token: found(token),
            token_variable: token.to_owned(),
            signing_secret: found(signing),
            signing_secret_variable: signing.to_owned(),
            p1_channel: "#p1".to_owned(),
            p2_channel: "#p2".to_owned(),
            api_url: None,
            listed: Vec::new(),
        }
    }
}

/// `listed` are the channels of the policies; the two of this section count where the built-in ladder tells them.
pub(super) fn read(
    root: &mut Section<'_>,
    environment: super::Environment<'_>,
    listed: Vec<ListedChannel>,
    has_built_in_ladder: bool,
) -> SlackSettings {
    let mut settings = SlackSettings::new(environment);
    settings.listed = listed;
    let mut places = ["p1_channel", "p2_channel"].map(|key| At { key: format!("slack.{key}"), ..root.at.clone() });
    let section = root.section("slack");
    if let Some(section) = &section {
        places = ["p1_channel", "p2_channel"].map(|key| section.value_place(key));
    }
    read_section(section, &mut settings);
    if has_built_in_ladder {
        for (channel, at) in [&settings.p1_channel, &settings.p2_channel].into_iter().zip(places) {
            settings.listed.push(ListedChannel { channel: channel.clone(), place: root.reading.place_of(&at) });
        }
    }
    settings
}

fn read_section(section: Option<Section<'_>>, settings: &mut SlackSettings) {
    let Some(mut section) = section else { return };
    match secret::refer(&mut section, "token", "SLACK_TOKEN") {
        Referred::Unwritten | Referred::Faulty => {}
        Referred::Found(token) => settings.token = Some(token),
        Referred::Unset { variable, .. } => {
            settings.token = None;
            settings.token_variable = variable;
        }
    }
    match secret::refer(&mut section, "signing_secret", "SLACK_SIGNING_SECRET") {
        Referred::Unwritten | Referred::Faulty => {}
        Referred::Found(secret) => settings.signing_secret = Some(secret),
        Referred::Unset { variable, .. } => {
            settings.signing_secret = None;
            settings.signing_secret_variable = variable;
        }
    }
    if let Some(channel) = section.parsed("p1_channel", channel) {
        settings.p1_channel = channel.value;
    }
    if let Some(channel) = section.parsed("p2_channel", channel) {
        settings.p2_channel = channel.value;
    }
    settings.api_url = api_url(&mut section).map(|url| url.value);
    section.finish();
}

/// `#name`, or the id that Slack shows at the end of a channel's details.
pub(super) fn channel(text: &str) -> Result<String, String> {
    let name = text.strip_prefix('#').is_some_and(|name| {
        (1..=80).contains(&name.len())
            && !name.chars().any(|c| c.is_whitespace() || c.is_uppercase() || ".,#".contains(c))
    });
    let id = text.len() >= 9
        && text.starts_with(['C', 'G', 'D'])
        && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    if name || id {
        return Ok(text.to_owned());
    }
    Err(format!(
        "`{text}` is no Slack channel; write `#name` in lower case without spaces, or the channel's id such as `C0123456789`"
    ))
}

/// A token is sent only over TLS, or to this machine.
pub(super) fn api_url(section: &mut Section<'_>) -> Option<Placed<Url>> {
    section.parsed("api_url", |text| {
        let url = Url::parse(text)
            .map_err(|error| format!("`{text}` is no URL ({error}); write one such as \"https://host/path/\""))?;
        match url.scheme() {
            "https" => Ok(url),
            "http" if is_loopback(&url) => Ok(url),
            "http" => Err(format!("`{text}` would carry the token unencrypted; write https://")),
            scheme => Err(format!("`{scheme}` is not a scheme of this API; write https://")),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_names_or_ids() {
        for (text, valid) in [
            ("#p1", true),
            ("#on-call_2", true),
            ("C0123456789", true),
            ("p1", false),
            ("#", false),
            ("#P1", false),
            ("#two words", false),
            ("C01", false),
        ] {
            assert_eq!(channel(text).is_ok(), valid, "{text}");
        }
    }
}
