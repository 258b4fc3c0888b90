//! Which addresses are SNS's own. A message names the certificate that proves it and the page that confirms a
//! subscription; whoever forges one would name theirs.

use super::TopicArn;
use crate::inbound::Refusal;
use crate::incident::shorten;
use url::Url;

/// Where SNS answers for a topic: scheme, host and port.
pub(super) struct Place(Result<Url, String>);

impl Place {
    pub fn of(topic: &TopicArn, double: Option<&Url>) -> Self {
        let suffix = if topic.partition == "aws-cn" { ".cn" } else { "" };
        let own = || {
            let text = format!("https://sns.{}.amazonaws.com{suffix}/", topic.region);
            Url::parse(&text).map_err(|_| text)
        };
        Self(double.cloned().map_or_else(own, Ok))
    }

    /// `https://sns.REGION.amazonaws.com/SimpleNotificationService-....pem`
    pub fn certificate(&self, text: &str) -> Result<Url, Refusal> {
        let url = self.here(text)?;
        let is_certificate = url.path().ends_with(".pem") && url.query().is_none();
        if is_certificate { Ok(url) } else { Err(elsewhere(text)) }
    }

    /// `https://sns.REGION.amazonaws.com/?Action=ConfirmSubscription&TopicArn=...&Token=...`
    pub fn confirmation(&self, text: &str, topic: &TopicArn) -> Result<Url, Refusal> {
        let url = self.here(text)?;
        let says = |name: &str, value: &str| url.query_pairs().filter(|(key, _)| key == name).all(|(_, v)| v == value);
        let has = |name: &str| url.query_pairs().any(|(key, _)| key == name);
        let confirms = has("Action") && says("Action", "ConfirmSubscription") && has("TopicArn");
        if confirms && says("TopicArn", topic.as_str()) { Ok(url) } else { Err(elsewhere(text)) }
    }

    fn here(&self, text: &str) -> Result<Url, Refusal> {
        let Ok(own) = &self.0 else { return Err(elsewhere(text)) };
        let url = Url::parse(text).map_err(|_| elsewhere(text))?;
        let is_plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        if is_plain && url.origin() == own.origin() { Ok(url) } else { Err(elsewhere(text)) }
    }
}

fn elsewhere(text: &str) -> Refusal {
    Refusal::Address(shorten(text, 200))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(arn: &str) -> Place {
        Place::of(&TopicArn::new(arn).unwrap(), None)
    }

    const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:alarms";

    #[test]
    fn certificates_come_from_sns_in_the_topics_region() {
        let cases = [
            (TOPIC, "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0f3c.pem", true),
            (TOPIC, "https://sns.eu-west-1.amazonaws.com:443/SimpleNotificationService-0f3c.pem", true),
            (TOPIC, "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0f3c.pem", false),
            (TOPIC, "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0f3c.pem", false),
            (TOPIC, "https://sns.eu-west-1.amazonaws.com.evil.example/x.pem", false),
            (TOPIC, "https://sns.eu-west-1.amazonaws.com@evil.example/x.pem", false),
            (TOPIC, "https://a:b@sns.eu-west-1.amazonaws.com/x.pem", false),
            (TOPIC, "https://evil.example/sns.eu-west-1.amazonaws.com/x.pem", false),
            (TOPIC, "https://bucket.s3.eu-west-1.amazonaws.com/x.pem", false),
            (TOPIC, "https://sns.eu-west-1.amazonaws.com:8443/x.pem", false),
            (TOPIC, "https://sns.eu-west-1.amazonaws.com/?Action=x&y=.pem", false),
            (TOPIC, "https://sns.eu-west-1.amazonaws.com/x.pem?y", false),
            (TOPIC, "https://sns.eu-west-1.amazonaws.com/x.txt", false),
            (TOPIC, "file:///etc/x.pem", false),
            (TOPIC, "x.pem", false),
            ("arn:aws-cn:sns:cn-north-1:123456789012:a", "https://sns.cn-north-1.amazonaws.com.cn/x.pem", true),
            ("arn:aws-cn:sns:cn-north-1:123456789012:a", "https://sns.cn-north-1.amazonaws.com/x.pem", false),
            (TOPIC, "https://sns.eu-west-1.amazonaws.com.cn/x.pem", false),
        ];
        for (arn, url, expected) in cases {
            assert_eq!(place(arn).certificate(url).is_ok(), expected, "{url}");
        }
    }

    #[test]
    fn a_subscription_is_confirmed_for_its_own_topic_alone() {
        let cases = [
            (
                "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:eu-west-1:123456789012:alarms&Token=2336",
                true,
            ),
            (
                "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:eu-west-1:123456789012:other&Token=2336",
                false,
            ),
            (
                "https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe&TopicArn=arn:aws:sns:eu-west-1:123456789012:alarms",
                false,
            ),
            (
                "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Action=Publish&TopicArn=arn:aws:sns:eu-west-1:123456789012:alarms",
                false,
            ),
            ("https://sns.eu-west-1.amazonaws.com/?Token=2336", false),
            (
                "https://evil.example/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:eu-west-1:123456789012:alarms&Token=2336",
                false,
            ),
            (
                "http://169.254.169.254/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:eu-west-1:123456789012:alarms",
                false,
            ),
        ];
        for (url, expected) in cases {
            assert_eq!(place(TOPIC).confirmation(url, &TopicArn::new(TOPIC).unwrap()).is_ok(), expected, "{url}");
        }
    }
}
