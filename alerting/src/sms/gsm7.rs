//! The GSM 7-bit default alphabet (3GPP TS 23.038, section 6.2.1), what fits into a segment of it, and what to write for
//! a character that is not in it: one such character would turn the whole message into UCS-2, with 70 characters in a
//! segment.

const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// Each takes two septets: an escape and itself.
const EXTENDED: &str = "\u{c}^{}\\[~]|€";

const SEGMENT_SEPTETS: usize = 160;
/// A part of several loses seven septets to the header that joins them.
const PART_SEPTETS: usize = 153;

/// Septets of a character; `None` where the alphabet has it not.
fn septets(c: char) -> Option<usize> {
    if BASIC.contains(c) {
        Some(1)
    } else if EXTENDED.contains(c) {
        Some(2)
    } else {
        None
    }
}

/// The text in GSM-7: accents that it lacks are dropped, signs are spelt, all else becomes `?`.
pub fn transliterate(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if septets(c).is_some() && c != '\u{c}' {
            out.push(c);
            continue;
        }
        match c {
            '\t' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '\u{c}' => out.push(' '),
            '‘' | '’' | '‚' | '´' | '`' => out.push('\''),
            '“' | '”' | '„' | '«' | '»' => out.push('"'),
            '–' | '—' | '‐' | '‑' | '−' => out.push('-'),
            '…' => out.push_str("..."),
            '›' | '→' => out.push('>'),
            '‹' | '←' => out.push('<'),
            '·' | '•' => out.push('-'),
            '×' => out.push('x'),
            'á' | 'â' | 'ã' | 'ā' | 'ă' | 'ą' => out.push('a'),
            'Á' | 'À' | 'Â' | 'Ã' | 'Ā' | 'Ă' | 'Ą' => out.push('A'),
            'ç' | 'ć' | 'č' => out.push('c'),
            'Ć' | 'Č' => out.push('C'),
            'ď' | 'đ' => out.push('d'),
            'Ď' | 'Đ' => out.push('D'),
            'ê' | 'ë' | 'ē' | 'ę' | 'ě' => out.push('e'),
            'È' | 'Ê' | 'Ë' | 'Ē' | 'Ę' | 'Ě' => out.push('E'),
            'ğ' => out.push('g'),
            'Ğ' => out.push('G'),
            'í' | 'î' | 'ï' | 'ı' => out.push('i'),
            'Í' | 'Ì' | 'Î' | 'Ï' | 'İ' => out.push('I'),
            'ł' => out.push('l'),
            'Ł' => out.push('L'),
            'ń' | 'ň' => out.push('n'),
            'Ń' | 'Ň' => out.push('N'),
            'ó' | 'ô' | 'õ' | 'ő' => out.push('o'),
            'Ó' | 'Ò' | 'Ô' | 'Õ' | 'Ő' => out.push('O'),
            'œ' => out.push_str("oe"),
            'Œ' => out.push_str("OE"),
            'ř' => out.push('r'),
            'Ř' => out.push('R'),
            'ś' | 'š' | 'ş' => out.push('s'),
            'Ś' | 'Š' | 'Ş' => out.push('S'),
            'ť' | 'ţ' => out.push('t'),
            'Ť' | 'Ţ' => out.push('T'),
            'ú' | 'û' | 'ů' | 'ű' => out.push('u'),
            'Ú' | 'Ù' | 'Û' | 'Ů' | 'Ű' => out.push('U'),
            'ý' | 'ÿ' => out.push('y'),
            'Ý' | 'Ÿ' => out.push('Y'),
            'ź' | 'ż' | 'ž' => out.push('z'),
            'Ź' | 'Ż' | 'Ž' => out.push('Z'),
            c if c.is_control() => out.push(' '),
            _ => out.push('?'),
        }
    }
    out
}

fn length(text: &str) -> usize {
    text.chars().map(|c| septets(c).unwrap_or(1)).sum()
}

/// How many SMS a text of GSM-7 makes.
pub fn segments(text: &str) -> usize {
    match length(text) {
        0..=SEGMENT_SEPTETS => 1,
        more => more.div_ceil(PART_SEPTETS),
    }
}

/// The longest beginning of a text of GSM-7 that fits into `segments_max` SMS; a cut ends with `...`.
pub fn fit(text: &str, segments_max: usize) -> String {
    let septets_max = if segments_max <= 1 { SEGMENT_SEPTETS } else { segments_max * PART_SEPTETS };
    if length(text) <= septets_max {
        return text.to_owned();
    }
    let mut used = 3;
    let mut kept = String::new();
    for c in text.chars() {
        used += septets(c).unwrap_or(1);
        if used > septets_max {
            break;
        }
        kept.push(c);
    }
    kept + "..."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alphabet_is_whole() {
        assert_eq!(BASIC.chars().count(), 127, "128 code points, one of which is the escape");
        assert_eq!(EXTENDED.chars().count(), 10);
    }

    #[test]
    fn texts_are_written_in_gsm_7() {
        let cases = [
            ("plain äöüß ñ é", "plain äöüß ñ é"),
            ("login › token", "login > token"),
            ("“quoted” – it’s…", "\"quoted\" - it's..."),
            ("Zażółć gęślą jaźń", "Zazolc gesla jazn"),
            ("a\tb\u{7}c", "a b c"),
            ("日本 🔥", "?? ?"),
            ("[x] {y} ^ | ~ \\ €", "[x] {y} ^ | ~ \\ €"),
        ];
        for (text, written) in cases {
            assert_eq!(transliterate(text), written);
            assert!(transliterate(text).chars().all(|c| septets(c).is_some()));
        }
    }

    #[test]
    fn segments_are_counted_in_septets() {
        let cases = [
            (String::new(), 1),
            ("a".repeat(160), 1),
            ("a".repeat(161), 2),
            ("a".repeat(306), 2),
            ("a".repeat(307), 3),
            ("€".repeat(80), 1),
            ("€".repeat(81), 2),
        ];
        for (text, count) in cases {
            assert_eq!(segments(&text), count, "{} characters", text.chars().count());
        }
    }

    #[test]
    fn a_cut_fits() {
        for text in ["a".repeat(1000), "[".repeat(1000), "a[".repeat(500)] {
            for segments_max in 1..4 {
                let cut = fit(&text, segments_max);
                assert_eq!(segments(&cut), segments_max);
                assert!(cut.ends_with("..."));
            }
        }
        assert_eq!(fit("short", 1), "short");
    }
}
