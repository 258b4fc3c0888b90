//! Lists as Twilio pages them.

use super::form::argument;
use crate::doubles::server::Answer;
use http::StatusCode;
use serde_json::{Value, json};

const PAGE_SIZE_DEFAULT: usize = 50;
const PAGE_SIZE_MAX: usize = 1000;

/// The page of `rows` that the query asks for, under the name that the resource has for them.
pub(super) fn paged(
    name: &str,
    collection: &str,
    query: &[(String, String)],
    rows: impl Iterator<Item = Value>,
) -> Answer {
    let count = |name, default| argument(query, name).and_then(|text| text.parse::<usize>().ok()).unwrap_or(default);
    let page_size = count("PageSize", PAGE_SIZE_DEFAULT).clamp(1, PAGE_SIZE_MAX);
    let page = count("Page", 0);
    let mut rest = rows.skip(page * page_size);
    let shown: Vec<_> = rest.by_ref().take(page_size).collect();
    let uri = |page: usize| {
        let mut pairs = url::form_urlencoded::Serializer::new(String::new());
        let kept = query.iter().filter(|(name, _)| !matches!(name.as_str(), "Page" | "PageSize" | "PageToken"));
        pairs.extend_pairs(kept).append_pair("PageSize", &page_size.to_string()).append_pair("Page", &page.to_string());
        format!("{collection}?{}", pairs.finish())
    };
    let next = rest.next().is_some().then(|| uri(page + 1));
    let end = (page * page_size + shown.len()).saturating_sub(1);
    let mut body = json!({
        "page": page,
        "page_size": page_size,
        "start": page * page_size,
        "end": end,
        "first_page_uri": uri(0),
        "next_page_uri": next,
        "previous_page_uri": page.checked_sub(1).map(uri),
        "uri": uri(page),
    });
    body[name] = Value::Array(shown);
    Answer { status: StatusCode::OK, body }
}
