//! What Slack tells of a button that somebody pressed
//! (<https://docs.slack.dev/reference/interaction-payloads/block_actions-payload>).

use super::buttons::{ACKNOWLEDGE, SILENCE};
use checks::UnixMs;
use serde::Deserialize;

/// Incidents that one button is for.
const INCIDENTS_MAX: usize = 500;

/// A button of ours that was pressed, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pressed {
    pub by: String,
    pub button: Button,
    pub incidents: Vec<u64>,
    /// When, by Slack's clock: the same however often the call comes.
    pub at: UnixMs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Button {
    Acknowledge,
    /// For an hour.
    Silence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotPressed {
    #[error("no-payload")]
    NoPayload,
    #[error("unreadable-payload")]
    Unreadable,
    #[error("not-a-button")]
    NotAButton,
    #[error("unreadable-button")]
    UnreadableButton,
}

#[derive(Deserialize)]
struct Payload {
    #[serde(rename = "type")]
    kind: String,
    user: User,
    #[serde(default)]
    actions: Vec<Action>,
}

#[derive(Deserialize)]
struct User {
    id: String,
    real_name: Option<String>,
    name: Option<String>,
    username: Option<String>,
}

#[derive(Deserialize)]
struct Action {
    action_id: String,
    value: Option<String>,
    action_ts: Option<String>,
}

/// The buttons that were pressed. Those that are not ours, say of another app's blocks, are left out.
pub fn pressed(body: &[u8]) -> Result<Vec<Pressed>, NotPressed> {
    let mut fields = url::form_urlencoded::parse(body);
    let (_, payload) = fields.find(|(name, _)| name == "payload").ok_or(NotPressed::NoPayload)?;
    let payload: Payload = serde_json::from_str(&payload).map_err(|_| NotPressed::Unreadable)?;
    if payload.kind != "block_actions" {
        return Err(NotPressed::NotAButton);
    }
    let User { id, real_name, name, username } = payload.user;
    let by = [real_name, name, username].into_iter().flatten().find(|name| !name.trim().is_empty()).unwrap_or(id);
    let mut all = Vec::new();
    for action in payload.actions {
        let button = match action.action_id.as_str() {
            ACKNOWLEDGE => Button::Acknowledge,
            SILENCE => Button::Silence,
            _ => continue,
        };
        let incidents = action.value.as_deref().and_then(numbers).ok_or(NotPressed::UnreadableButton)?;
        let at = action.action_ts.as_deref().and_then(instant).ok_or(NotPressed::UnreadableButton)?;
        all.push(Pressed { by: by.clone(), button, incidents, at });
    }
    Ok(all)
}

fn numbers(value: &str) -> Option<Vec<u64>> {
    let numbers: Vec<u64> = value.split(',').map(|number| number.parse().ok()).collect::<Option<_>>()?;
    (numbers.len() <= INCIDENTS_MAX).then_some(numbers)
}

/// `1548426417.840180`: seconds, and what sets apart those of one second.
fn instant(ts: &str) -> Option<UnixMs> {
    let (seconds, rest) = ts.split_once('.').unwrap_or((ts, "0"));
    let milliseconds: i64 = format!("{rest:0<3}").get(..3)?.parse().ok()?;
    Some(UnixMs(seconds.parse::<i64>().ok()?.checked_mul(1000)?.checked_add(milliseconds)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn body(payload: &serde_json::Value) -> Vec<u8> {
        let form =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("payload", &payload.to_string()).finish();
        form.into_bytes()
    }

    fn payload(user: &serde_json::Value, actions: &serde_json::Value) -> serde_json::Value {
        json!({ "type": "block_actions", "user": user, "actions": actions, "team": { "id": "T0" } })
    }

    #[test]
    fn who_pressed_what_is_read() {
        let ada = json!({ "id": "U1", "username": "ada", "name": "ada", "real_name": "Ada Lovelace" });
        let button = |id: &str, value: &str| json!({ "action_id": id, "value": value, "action_ts": "1548426417.840180", "type": "button" });
        let at = UnixMs(1_548_426_417_840);
        let pressed_by = |by: &str, button, incidents: &[u64]| {
            Ok(vec![Pressed { by: by.to_owned(), button, incidents: incidents.to_vec(), at }])
        };
        let cases = [
            (payload(&ada, &json!([button(ACKNOWLEDGE, "7")])), pressed_by("Ada Lovelace", Button::Acknowledge, &[7])),
            (
                payload(&json!({ "id": "U2", "username": "grace" }), &json!([button(SILENCE, "7,8")])),
                pressed_by("grace", Button::Silence, &[7, 8]),
            ),
            (
                payload(&json!({ "id": "U2", "name": " " }), &json!([button(SILENCE, "7")])),
                pressed_by("U2", Button::Silence, &[7]),
            ),
            (payload(&ada, &json!([button("another", "7")])), Ok(vec![])),
            (payload(&ada, &json!([button(ACKNOWLEDGE, "seven")])), Err(NotPressed::UnreadableButton)),
            (payload(&ada, &json!([{ "action_id": ACKNOWLEDGE }])), Err(NotPressed::UnreadableButton)),
            (json!({ "type": "view_submission", "user": ada }), Err(NotPressed::NotAButton)),
            (json!({ "type": "block_actions" }), Err(NotPressed::Unreadable)),
            (json!(7), Err(NotPressed::Unreadable)),
        ];
        for (payload, expected) in cases {
            assert_eq!(pressed(&body(&payload)), expected, "{payload}");
        }
        assert_eq!(pressed(b"text=hello"), Err(NotPressed::NoPayload));
        assert_eq!(pressed(b"\xff\x00"), Err(NotPressed::NoPayload));
    }
}
