//! Somebody presses a button of a post
//! (<https://docs.slack.dev/reference/interaction-payloads/block_actions-payload>).

use super::{Slack, SlackMessage};
use crate::doubles::Callback;
use serde_json::{Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

impl SlackMessage {
    /// Its buttons.
    pub fn buttons(&self) -> Vec<Value> {
        let blocks = self.blocks.as_ref().and_then(Value::as_array).cloned().unwrap_or_default();
        let actions = blocks.into_iter().filter(|block| block["type"] == "actions");
        actions.flat_map(|block| block["elements"].as_array().cloned().unwrap_or_default()).collect()
    }

    /// The button that says `text`.
    pub fn button(&self, text: &str) -> Option<Value> {
        self.buttons().into_iter().find(|button| button["text"]["text"] == text)
    }
}

impl Slack {
    /// What Slack tells when `user` presses the button `text` of `post`, `ago` before now.
    ///
    /// # Panics
    /// Where the post has no such button.
    #[track_caller]
    pub fn press(&self, post: &SlackMessage, text: &str, user: &str, ago: Duration) -> Callback {
        let button = post.button(text);
        let button = button.unwrap_or_else(|| panic!("no button `{text}`: {:?}", post.buttons()));
        let at = SystemTime::now().duration_since(UNIX_EPOCH).expect("this is after 1970") - ago;
        let ts = format!("{}.{:06}", at.as_secs(), at.subsec_micros());
        let payload = json!({
            "type": "block_actions",
            "user": { "id": "U0DOUBLE1", "username": user.to_lowercase(), "name": user, "team_id": "T0DOUBLE0" },
            "api_app_id": "A0DOUBLE0",
            "token": "a token that proves nothing any more",
            "container": {
                "type": "message", "message_ts": post.ts, "channel_id": "C0DOUBLE00", "is_ephemeral": false,
            },
            "trigger_id": "1.2.abc",
            "team": { "id": "T0DOUBLE0", "domain": "double" },
            "enterprise": null,
            "is_enterprise_install": false,
            "channel": { "id": "C0DOUBLE00", "name": post.channel.trim_start_matches('#') },
            "message": post.as_slack_shows(false),
            "state": { "values": {} },
            "response_url": "https://hooks.slack.com/actions/T0DOUBLE0/1/abc",
            "actions": [{
                "action_id": button["action_id"], "block_id": "b", "text": button["text"], "value": button["value"],
                "type": "button", "action_ts": ts,
            }],
        });
        let fields = [("payload".to_owned(), payload.to_string())];
        let call = Callback::form("/slack/interactions", &fields);
        let timestamp = at.as_secs().to_string();
        let signature = alerting::slack::sign(Self::SIGNING_SECRET, &timestamp, call.body.as_bytes());
        call.with("X-Slack-Request-Timestamp", timestamp).with("X-Slack-Signature", signature)
    }
}
