//! Content encodings of responses (RFC 9110, section 8.4).

use super::body::Wire;
use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use std::fmt;
use std::pin::Pin;
use tokio::io::{AsyncBufRead, AsyncRead, BufReader};
use tokio_util::io::StreamReader;

/// What a request says that it understands, where its author says nothing.
pub(super) const ACCEPTED: &str = "gzip, deflate, br, zstd";

/// Encodings laid over each other past which nothing is decoded: each layer can multiply.
const LAYERS_MAX: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Gzip,
    /// zlib, as the RFC says.
    Deflate,
    Brotli,
    Zstd,
}

/// The encodings of a body, in the order in which they were applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Codings(Vec<Coding>);

impl Codings {
    /// `None` where there is nothing to decode, or something that is not known: such a body is given as it is.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut codings = Vec::new();
        for value in headers.get_all(CONTENT_ENCODING) {
            for name in value.to_str().ok()?.split(',') {
                match name.trim().to_ascii_lowercase().as_str() {
                    "gzip" | "x-gzip" => codings.push(Coding::Gzip),
                    "deflate" => codings.push(Coding::Deflate),
                    "br" => codings.push(Coding::Brotli),
                    "zstd" => codings.push(Coding::Zstd),
                    "identity" | "" => {}
                    _ => return None,
                }
            }
        }
        (1..=LAYERS_MAX).contains(&codings.len()).then_some(Self(codings))
    }

    pub(super) fn decoder(&self, wire: Wire) -> Pin<Box<dyn AsyncRead>> {
        let mut reader: Pin<Box<dyn AsyncBufRead>> = Box::pin(StreamReader::new(wire));
        let Some((first, outer)) = self.0.split_first() else { return reader };
        for coding in outer.iter().rev() {
            reader = Box::pin(BufReader::new(coding.decoder(reader)));
        }
        first.decoder(reader)
    }
}

impl Coding {
    fn decoder(self, reader: Pin<Box<dyn AsyncBufRead>>) -> Pin<Box<dyn AsyncRead>> {
        // A decoder that goes on to the next member reads the body to its end, and only then is its connection free.
        macro_rules! decoder {
            ($kind:ident) => {{
                let mut decoder = $kind::new(reader);
                decoder.multiple_members(true);
                Box::pin(decoder)
            }};
        }
        match self {
            Self::Gzip => decoder!(GzipDecoder),
            Self::Deflate => decoder!(ZlibDecoder),
            Self::Brotli => decoder!(BrotliDecoder),
            Self::Zstd => decoder!(ZstdDecoder),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }
}

impl fmt::Display for Codings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.iter().map(|coding| coding.name()).collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_is_decoded() {
        use Coding::*;
        let cases: &[(&[&str], Option<Vec<Coding>>)] = &[
            (&[], None),
            (&["identity"], None),
            (&["gzip"], Some(vec![Gzip])),
            (&["X-GZIP"], Some(vec![Gzip])),
            (&["deflate, br"], Some(vec![Deflate, Brotli])),
            (&["gzip", "zstd"], Some(vec![Gzip, Zstd])),
            (&["gzip, compress"], None),
            (&["gzip, gzip, gzip, gzip"], None),
        ];
        for (values, expected) in cases {
            let mut headers = HeaderMap::new();
            for value in *values {
                headers.append(CONTENT_ENCODING, value.parse().unwrap());
            }
            assert_eq!(Codings::of(&headers), expected.clone().map(Codings), "{values:?}");
        }
    }
}
