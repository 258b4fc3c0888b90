//! Cutting a slice at a byte.

/// What is before and after the first `byte`; the whole and nothing where there is none.
#[inline]
pub(super) fn cut(text: &[u8], byte: u8) -> (&[u8], Option<&[u8]>) {
    // Parts of a line are a few bytes long: a plain loop beats a search made for long texts.
    for (index, found) in text.iter().enumerate() {
        if *found == byte {
            return (&text[..index], Some(&text[index + 1..]));
        }
    }
    (text, None)
}
