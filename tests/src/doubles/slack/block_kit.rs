//! The limits of Block Kit, which Slack answers with `invalid_blocks` where they are broken.
//!
//! From <https://docs.slack.dev/reference/block-kit/blocks> and the pages of each block, element and object.

use serde_json::Value;

const BLOCKS_MAX: usize = 50;
const BLOCK_ID_CHARS_MAX: usize = 255;
const SECTION_TEXT_CHARS_MAX: usize = 3000;
const SECTION_FIELDS_MAX: usize = 10;
const SECTION_FIELD_CHARS_MAX: usize = 2000;
const HEADER_CHARS_MAX: usize = 150;
const CONTEXT_ELEMENTS_MAX: usize = 10;
/// A text object's own limit, where its place has no smaller one.
const TEXT_CHARS_MAX: usize = 3000;
const ACTIONS_ELEMENTS_MAX: usize = 25;
const BUTTON_TEXT_CHARS_MAX: usize = 75;
const ACTION_ID_CHARS_MAX: usize = 255;
const BUTTON_VALUE_CHARS_MAX: usize = 2000;
const URL_CHARS_MAX: usize = 3000;

pub(super) fn violations(blocks: &Value) -> Vec<String> {
    let Some(blocks) = blocks.as_array() else { return vec!["`blocks` is no array".to_owned()] };
    let mut wrong = Wrong::default();
    wrong.most(blocks.len(), BLOCKS_MAX, "blocks", "`blocks`");
    let mut ids = std::collections::HashSet::new();
    for (index, block) in blocks.iter().enumerate() {
        let at = format!("blocks[{index}]");
        if let Some(id) = block["block_id"].as_str() {
            wrong.chars(&block["block_id"], BLOCK_ID_CHARS_MAX, &format!("{at}.block_id"));
            if !ids.insert(id) {
                wrong.0.push(format!("{at}.block_id `{id}` is there twice"));
            }
        }
        block_violations(block, &at, &mut wrong);
    }
    wrong.0
}

#[derive(Default)]
struct Wrong(Vec<String>);

impl Wrong {
    fn most(&mut self, count: usize, max: usize, what: &str, at: &str) {
        if count > max {
            self.0.push(format!("{at} has {count} {what}, and Slack takes {max}"));
        }
    }

    fn chars(&mut self, text: &Value, max: usize, at: &str) {
        match text.as_str() {
            Some("") => self.0.push(format!("{at} is empty")),
            Some(text) => self.most(text.chars().count(), max, "characters", at),
            None => self.0.push(format!("{at} is no text: {text}")),
        }
    }

    /// A text object of one of `types`.
    fn text_object(&mut self, object: &Value, types: &[&str], max: usize, at: &str) {
        let kind = object["type"].as_str().unwrap_or("nothing");
        if !types.contains(&kind) {
            self.0.push(format!("{at} is of type {kind}; it must be {}", types.join(" or ")));
        }
        self.chars(&object["text"], max, &format!("{at}.text"));
    }
}

const ANY_TEXT: &[&str] = &["mrkdwn", "plain_text"];
const PLAIN: &[&str] = &["plain_text"];

fn block_violations(block: &Value, at: &str, wrong: &mut Wrong) {
    match block["type"].as_str() {
        Some("divider") => {}
        Some("header") => wrong.text_object(&block["text"], PLAIN, HEADER_CHARS_MAX, &format!("{at}.text")),
        Some("section") => {
            let fields = block["fields"].as_array();
            if block["text"].is_null() && fields.is_none_or(Vec::is_empty) {
                wrong.0.push(format!("{at}: a section needs `text` or `fields`"));
            }
            if !block["text"].is_null() {
                wrong.text_object(&block["text"], ANY_TEXT, SECTION_TEXT_CHARS_MAX, &format!("{at}.text"));
            }
            let fields = fields.map_or(&[][..], Vec::as_slice);
            wrong.most(fields.len(), SECTION_FIELDS_MAX, "fields", at);
            for (index, field) in fields.iter().enumerate() {
                wrong.text_object(field, ANY_TEXT, SECTION_FIELD_CHARS_MAX, &format!("{at}.fields[{index}]"));
            }
            if !block["accessory"].is_null() {
                element_violations(&block["accessory"], &format!("{at}.accessory"), wrong);
            }
        }
        Some("context") => {
            let elements = block["elements"].as_array().map_or(&[][..], Vec::as_slice);
            if elements.is_empty() {
                wrong.0.push(format!("{at}: a context needs elements"));
            }
            wrong.most(elements.len(), CONTEXT_ELEMENTS_MAX, "elements", at);
            for (index, element) in elements.iter().enumerate() {
                if element["type"] != "image" {
                    wrong.text_object(element, ANY_TEXT, TEXT_CHARS_MAX, &format!("{at}.elements[{index}]"));
                }
            }
        }
        Some("actions") => {
            let elements = block["elements"].as_array().map_or(&[][..], Vec::as_slice);
            if elements.is_empty() {
                wrong.0.push(format!("{at}: actions need elements"));
            }
            wrong.most(elements.len(), ACTIONS_ELEMENTS_MAX, "elements", at);
            for (index, element) in elements.iter().enumerate() {
                element_violations(element, &format!("{at}.elements[{index}]"), wrong);
            }
        }
        Some("rich_text") => {
            if block["elements"].as_array().is_none_or(Vec::is_empty) {
                wrong.0.push(format!("{at}: a rich_text needs elements"));
            }
        }
        kind => wrong.0.push(format!("{at} is of type {kind:?}, which no message here needs")),
    }
}

fn element_violations(element: &Value, at: &str, wrong: &mut Wrong) {
    if element["type"] != "button" {
        wrong.0.push(format!("{at} is of type {}, which no message here needs", element["type"]));
        return;
    }
    wrong.text_object(&element["text"], PLAIN, BUTTON_TEXT_CHARS_MAX, &format!("{at}.text"));
    let optional = [("action_id", ACTION_ID_CHARS_MAX), ("value", BUTTON_VALUE_CHARS_MAX), ("url", URL_CHARS_MAX)];
    for (name, max) in optional {
        if !element[name].is_null() {
            wrong.chars(&element[name], max, &format!("{at}.{name}"));
        }
    }
    if !matches!(element["style"].as_str(), None | Some("primary" | "danger")) {
        wrong.0.push(format!("{at}.style is {}; Slack has primary and danger", element["style"]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn limits_of_blocks() {
        let section = |text: &str| json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } });
        let button = |text: &str| json!({ "type": "button", "text": { "type": "plain_text", "text": text } });
        let cases: &[(Value, Option<&str>)] = &[
            (json!([section("fine"), { "type": "divider" }]), None),
            (json!([section(&"é".repeat(3000))]), None),
            (json!([section(&"x".repeat(3001))]), Some("3001 characters")),
            (json!([section("")]), Some("is empty")),
            (json!(vec![section("x"); 50]), None),
            (json!(vec![section("x"); 51]), Some("51 blocks")),
            (json!({}), Some("no array")),
            (json!([{ "type": "section" }]), Some("needs `text` or `fields`")),
            (json!([{ "type": "header", "text": { "type": "mrkdwn", "text": "x" } }]), Some("must be plain_text")),
            (json!([{ "type": "header", "text": { "type": "plain_text", "text": "x".repeat(151) } }]), Some("151")),
            (json!([{ "type": "context", "elements": [] }]), Some("needs elements")),
            (json!([{ "type": "actions", "elements": [button("Acknowledge")] }]), None),
            (json!([{ "type": "actions", "elements": [button(&"x".repeat(76))] }]), Some("76 characters")),
            (json!([{ "type": "sektion" }]), Some("sektion")),
            (json!([{ "type": "divider", "block_id": "a" }, { "type": "divider", "block_id": "a" }]), Some("twice")),
        ];
        for (blocks, expected) in cases {
            let found = violations(blocks);
            match expected {
                None => assert!(found.is_empty(), "{found:?}"),
                Some(expected) => {
                    assert_eq!(found.len(), 1, "{found:?}");
                    assert!(found[0].contains(expected), "{found:?}");
                }
            }
        }
    }
}
