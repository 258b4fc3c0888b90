//! Whole lines out of a stream of bytes.

/// The longest line of a stream, in bytes.
pub(super) const LINE_BYTES_MAX: usize = 64 << 10;

/// What to do with what has come in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lines<'a> {
    /// Whole lines, one or many.
    Whole(&'a [u8]),
    /// The beginning of a line that is too long; what follows it, up to its end, is passed over.
    TooLong(&'a [u8]),
}

/// Keeps the beginning of a line until its end has come.
pub(super) struct LineBuffer {
    bytes: Vec<u8>,
    filled: usize,
    passing_over: bool,
}

impl LineBuffer {
    pub fn new() -> Self {
        Self { bytes: vec![0; LINE_BYTES_MAX], filled: 0, passing_over: false }
    }

    /// Where to read into; never empty.
    pub fn space(&mut self) -> &mut [u8] {
        &mut self.bytes[self.filled..]
    }

    /// Notes that so many bytes were read, and hands on the lines that are whole.
    pub fn advance(&mut self, read: usize, mut take: impl FnMut(Lines<'_>)) {
        let fresh = self.filled;
        self.filled += read;
        let mut start = 0;
        if self.passing_over {
            match memchr::memchr(b'\n', &self.bytes[..self.filled]) {
                Some(end) => {
                    start = end + 1;
                    self.passing_over = false;
                }
                None => {
                    self.filled = 0;
                    return;
                }
            }
        }
        let searched = fresh.max(start);
        if let Some(end) = memchr::memrchr(b'\n', &self.bytes[searched..self.filled]) {
            let end = searched + end + 1;
            take(Lines::Whole(&self.bytes[start..end]));
            start = end;
        }
        self.bytes.copy_within(start..self.filled, 0);
        self.filled -= start;
        if self.filled == self.bytes.len() {
            take(Lines::TooLong(&self.bytes));
            self.filled = 0;
            self.passing_over = true;
        }
    }

    /// What is left where the stream ends: a last line without its end.
    pub fn rest(&self) -> &[u8] {
        if self.passing_over { &[] } else { &self.bytes[..self.filled] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn feed(buffer: &mut LineBuffer, mut bytes: &[u8], step: usize) -> (Vec<u8>, usize) {
        let (mut whole, mut too_long) = (Vec::new(), 0);
        while !bytes.is_empty() {
            let count = step.min(bytes.len()).min(buffer.space().len());
            buffer.space()[..count].copy_from_slice(&bytes[..count]);
            buffer.advance(count, |lines| match lines {
                Lines::Whole(lines) => whole.extend_from_slice(lines),
                Lines::TooLong(_) => too_long += 1,
            });
            bytes = &bytes[count..];
        }
        (whole, too_long)
    }

    proptest! {
        #[test]
        fn lines_are_whole_however_they_come(text in "[a-c\n]{0,200}", step in 1..40usize) {
            let mut buffer = LineBuffer::new();
            let (mut whole, too_long) = feed(&mut buffer, text.as_bytes(), step);
            prop_assert!(whole.is_empty() || whole.ends_with(b"\n"));
            whole.extend_from_slice(buffer.rest());
            prop_assert_eq!(whole, text.into_bytes());
            prop_assert_eq!(too_long, 0);
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_and_the_next_is_whole() {
        let mut text = b"a:1|c\n".to_vec();
        text.resize(text.len() + 3 * LINE_BYTES_MAX, b'x');
        text.extend_from_slice(b"\nb:1|c\n");
        for step in [1000, LINE_BYTES_MAX] {
            let mut buffer = LineBuffer::new();
            assert_eq!(feed(&mut buffer, &text, step), (b"a:1|c\nb:1|c\n".to_vec(), 1));
            assert!(buffer.rest().is_empty());
        }
    }
}
