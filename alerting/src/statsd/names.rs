//! From statsd's names and tags to those of a series.
//!
//! - A metric `auth.login-time` becomes `auth_login_time`: what is not a letter, a digit, `_` or `:` becomes `_`, and a
//!   digit in front gets one before it. Counters keep their name: no `_total` is added, so that a person finds the
//!   name that the program sends.
//! - A tag `node:eu-west-1` becomes the label `node="eu-west-1"`; a tag without a value, `canary`, becomes `canary="true"`;
//!   of a tag that is given twice the last one counts; a tag with an empty value is no label.
//! - `quantile` and names with `__` in front are the series' own: such a tag becomes `exported_quantile`,
//!   `exported__name__`, as Prometheus renames them.

use crate::sample::SampleLabel;
use std::borrow::Cow;
use std::sync::Arc;

/// The metric's name as a series has it.
pub fn metric_name(name: &str) -> Cow<'_, str> {
    sanitised(name, |byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':')
}

/// The tag's name as a label has it.
pub fn label_name(name: &str) -> Cow<'_, str> {
    let name = sanitised(name, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if name == "quantile" || name == "le" {
        Cow::Owned(format!("exported_{name}"))
    } else if name.starts_with("__") {
        Cow::Owned(format!("exported{name}"))
    } else {
        name
    }
}

fn sanitised(name: &str, allowed: impl Fn(u8) -> bool) -> Cow<'_, str> {
    let digit_first = name.as_bytes().first().is_some_and(u8::is_ascii_digit);
    if !digit_first && name.bytes().all(&allowed) {
        return Cow::Borrowed(name);
    }
    let mut out = String::with_capacity(name.len() + 1);
    if digit_first {
        out.push('_');
    }
    out.extend(name.chars().map(|c| if c.is_ascii() && allowed(c as u8) { c } else { '_' }));
    Cow::Owned(out)
}

/// The labels that tags, as they stand in the line, stand for. At most `labels_max` of them: the others are left out,
/// and their number is the second value.
pub fn labels_of(tags: &[u8], labels_max: usize) -> (Vec<SampleLabel>, usize) {
    let text = String::from_utf8_lossy(tags);
    let mut labels = Vec::new();
    let mut left_out = 0;
    for tag in text.split(',').filter(|tag| !tag.is_empty()) {
        let (name, value) = tag.split_once(':').unwrap_or((tag, "true"));
        if name.is_empty() || labels.len() == labels_max {
            left_out += 1;
        } else {
            labels.push((Arc::from(&*label_name(name)), Arc::from(value)));
        }
    }
    (labels, left_out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_names_of_series() {
        let cases = [
            ("logins", "logins"),
            ("auth.login-time", "auth_login_time"),
            ("2fa.sent", "_2fa_sent"),
            ("api/v1 calls", "api_v1_calls"),
            ("größe", "gr__e"),
            ("job:rate5m", "job:rate5m"),
            ("…", "_"),
        ];
        for (name, expected) in cases {
            assert_eq!(metric_name(name), expected, "{name}");
        }
    }

    #[test]
    fn tags_become_labels() {
        type Case = (&'static str, &'static [(&'static str, &'static str)], usize);
        let cases: &[Case] = &[
            ("", &[], 0),
            ("node:eu-west-1,canary", &[("node", "eu-west-1"), ("canary", "true")], 0),
            ("url:http://x:80/,a.b:1", &[("url", "http://x:80/"), ("a_b", "1")], 0),
            ("quantile:0.5,__name__:x", &[("exported_quantile", "0.5"), ("exported__name__", "x")], 0),
            (":novalue,,x:", &[("x", "")], 1),
            ("a:1,b:2,c:3,d:4", &[("a", "1"), ("b", "2"), ("c", "3")], 1),
        ];
        for (tags, expected, left_out) in cases {
            let (labels, got_left_out) = labels_of(tags.as_bytes(), 3);
            let labels: Vec<(&str, &str)> = labels.iter().map(|(name, value)| (&**name, &**value)).collect();
            assert_eq!(labels, *expected, "{tags}");
            assert_eq!(got_left_out, *left_out, "{tags}");
        }
    }
}
