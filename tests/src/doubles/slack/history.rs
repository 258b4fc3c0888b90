//! Reading a channel and a thread back, page by page.

use super::record::SlackMessage;
use super::{Workspace, agree, arguments, refuse};
use crate::doubles::contract::Given;
use crate::doubles::server::Answer;
use serde_json::{Value, json};

/// <https://docs.slack.dev/reference/methods/conversations.history>
const LIMIT_DEFAULT: usize = 100;
const LIMIT_MAX: usize = 999;

impl Workspace {
    pub(super) fn history(&self, given: &[Given]) -> Answer {
        let channel = arguments::text(given, "channel").unwrap_or_default();
        let Some(channel) = self.channel_by_id(&channel) else { return refuse("channel_not_found") };
        let mut page = self.page(given, self.record.shown(&channel.name).rev());
        page["pin_count"] = json!(0);
        page["channel_actions_ts"] = Value::Null;
        page["channel_actions_count"] = json!(0);
        agree(page)
    }

    pub(super) fn thread(&self, given: &[Given]) -> Answer {
        let channel = arguments::text(given, "channel").unwrap_or_default();
        let Some(channel) = self.channel_by_id(&channel) else { return refuse("channel_not_found") };
        let ts = arguments::text(given, "ts").unwrap_or_default();
        let Some(post) = self.record.message(&channel.name, &ts) else { return refuse("thread_not_found") };
        // The parent comes first and replies in order, unlike a history.
        agree(self.page(given, std::iter::once(post).chain(self.record.replies(post))))
    }

    fn page<'a>(&self, given: &[Given], messages: impl Iterator<Item = &'a SlackMessage>) -> Value {
        let bound = |name| arguments::text(given, name).filter(|ts| !ts.is_empty());
        let (oldest, latest) = (bound("oldest"), bound("latest"));
        let inclusive = arguments::flag(given, "inclusive");
        let with_metadata = arguments::flag(given, "include_all_metadata");
        let within = |message: &&SlackMessage| {
            let order = |bound: &Option<String>| bound.as_deref().map(|bound| ts_order(&message.ts, bound));
            order(&oldest).is_none_or(|order| order.is_gt() || (inclusive && order.is_eq()))
                && order(&latest).is_none_or(|order| order.is_lt() || (inclusive && order.is_eq()))
        };
        let from = arguments::text(given, "cursor")
            .and_then(|cursor| cursor.strip_prefix("after:")?.parse().ok())
            .unwrap_or(0);
        let limit = arguments::count(given, "limit").unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX);
        let mut rest = messages.filter(within).skip(from);
        let shown: Vec<_> = rest.by_ref().take(limit).map(|message| message.as_slack_shows(with_metadata)).collect();
        let has_more = rest.next().is_some();
        let next_cursor = if has_more { format!("after:{}", from + limit) } else { String::new() };
        json!({ "messages": shown, "has_more": has_more, "response_metadata": { "next_cursor": next_cursor } })
    }
}

/// Orders `seconds.micros` as numbers; a client may send a bound with fewer digits.
fn ts_order(left: &str, right: &str) -> std::cmp::Ordering {
    let parts = |ts: &str| {
        let (seconds, micros) = ts.split_once('.').unwrap_or((ts, ""));
        (seconds.parse::<u64>().unwrap_or(0), format!("{micros:0<6}").parse::<u64>().unwrap_or(0))
    };
    parts(left).cmp(&parts(right))
}
