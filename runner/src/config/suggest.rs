/// The candidate that `written` was most likely meant to be, if any is near enough to be worth saying.
pub(crate) fn nearest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::levenshtein(written, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + (candidate.chars().count() + 1) / 4)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_what_was_meant_and_nothing_far_fetched() {
        let keys = ["allow_private", "ca_files", "listen", "name", "env"];
        let cases = [
            ("allow_privat", Some("allow_private")),
            ("cafiles", Some("ca_files")),
            ("lisen", Some("listen")),
            ("nmae", Some("name")),
            ("evn", Some("env")),
            ("colour", None),
            ("", None),
        ];
        for (written, expected) in cases {
            assert_eq!(nearest(written, keys), expected, "{written}");
        }
    }
}
