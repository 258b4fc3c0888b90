//! Text as Slack wants it: three characters escaped, lengths bounded, and a cut that says that it is one.

/// Escapes what Slack's mrkdwn would read as markup
/// (<https://docs.slack.dev/messaging/formatting-message-text#escaping>).
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// At most `chars_max` characters. A cut never leaves half an escape, and says how much is missing.
pub(super) fn truncate(text: &str, chars_max: usize) -> String {
    let length = text.chars().count();
    if length <= chars_max {
        return text.to_owned();
    }
    let note = |missing: usize| format!("… ({missing} characters cut)");
    // The note's own length depends on the number in it; the widest is assumed.
    let keep = chars_max.saturating_sub(note(length).chars().count());
    let mut kept: String = text.chars().take(keep).collect();
    if let Some(start) = kept.rfind('&')
        && !kept[start..].contains(';')
        && kept.len() - start < 5
    {
        kept.truncate(start);
    }
    let missing = length - kept.chars().count();
    kept + &note(missing)
}

/// A block of code. Its fence cannot be broken from inside.
pub(super) fn code(text: &str, chars_max: usize) -> String {
    let inside = escape(&text.replace("```", "'''"));
    format!("```{}```", truncate(&inside, chars_max.saturating_sub(6)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_slacks_three() {
        assert_eq!(escape("<!channel> & <b> \"q\""), "&lt;!channel&gt; &amp; &lt;b&gt; \"q\"");
    }

    #[test]
    fn a_cut_says_so_and_fits() {
        assert_eq!(truncate("short", 5), "short");
        for chars_max in 30..60 {
            let cut = truncate(&escape(&"<a>".repeat(50)), chars_max);
            assert!(cut.chars().count() <= chars_max, "{chars_max}: {cut}");
            assert!(cut.ends_with(" characters cut)"), "{cut}");
            let kept = cut.split('…').next().unwrap();
            assert!(kept.is_empty() || kept.ends_with(';') || kept.ends_with('a'), "{kept}");
        }
    }

    #[test]
    fn code_cannot_close_its_fence() {
        assert_eq!(code("a```b", 100), "```a'''b```");
        assert!(code(&"x".repeat(200), 50).chars().count() <= 50);
    }
}
