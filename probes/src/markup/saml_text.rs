//! From what a browser carries to XML (SAML 2.0 Bindings, sections 3.4 and 3.5): a form field is base64, a query
//! parameter is base64 of raw DEFLATE.

use super::saml::SamlError;
use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, general_purpose};
use flate2::read::DeflateDecoder;
use std::io::Read as _;

pub(super) const XML_BYTES_MAX: usize = 1 << 20;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Where the text was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Carrier {
    Xml,
    Post,
    Redirect,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Document {
    pub carrier: Carrier,
    pub xml: String,
}

pub(super) fn xml_of(text: &str) -> Result<Document, SamlError> {
    // Base64 and DEFLATE make a text longer and shorter; neither may be worked on without end.
    if text.len() > 2 * XML_BYTES_MAX {
        return Err(SamlError::TooLong);
    }
    if text.trim_start().starts_with('<') {
        return document(Carrier::Xml, text.as_bytes());
    }
    // Lines are broken in some forms, and a query parameter may not have been decoded yet.
    let written: String = text.split_whitespace().collect();
    let written = percent_encoding::percent_decode_str(&written).decode_utf8().map_err(|_| SamlError::Base64)?;
    let bytes = BASE64
        .decode(written.as_bytes())
        .or_else(|_| general_purpose::URL_SAFE_NO_PAD.decode(written.trim_end_matches('=')))
        .map_err(|_| SamlError::Base64)?;
    let starts = bytes.iter().find(|byte| !byte.is_ascii_whitespace() && !b"\xef\xbb\xbf".contains(byte));
    if starts == Some(&b'<') {
        return document(Carrier::Post, &bytes);
    }
    let mut inflated = Vec::new();
    let mut decoder = DeflateDecoder::new(bytes.as_slice()).take(XML_BYTES_MAX as u64 + 1);
    decoder.read_to_end(&mut inflated).map_err(|_| SamlError::Deflate)?;
    document(Carrier::Redirect, &inflated)
}

fn document(carrier: Carrier, bytes: &[u8]) -> Result<Document, SamlError> {
    if bytes.len() > XML_BYTES_MAX {
        return Err(SamlError::TooLong);
    }
    let xml = std::str::from_utf8(bytes).map_err(|_| SamlError::Encoding)?;
    Ok(Document { carrier, xml: xml.trim_start_matches('\u{feff}').to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::read::DeflateEncoder;

    fn deflated(xml: &[u8]) -> String {
        let mut out = Vec::new();
        DeflateEncoder::new(xml, Compression::best()).read_to_end(&mut out).unwrap();
        BASE64.encode(out)
    }

    #[test]
    fn every_carrier_is_read() {
        let encoded = BASE64.encode("<a>\u{e9}</a>");
        let lines = format!("{}\r\n {}", &encoded[..5], &encoded[5..]);
        let query: String = url::form_urlencoded::byte_serialize(deflated(b"<a/>").as_bytes()).collect();
        let cases = [
            (" <a/>".to_owned(), Ok((Carrier::Xml, " <a/>"))),
            (encoded.clone(), Ok((Carrier::Post, "<a>\u{e9}</a>"))),
            (encoded.trim_end_matches('=').to_owned(), Ok((Carrier::Post, "<a>\u{e9}</a>"))),
            (lines, Ok((Carrier::Post, "<a>\u{e9}</a>"))),
            (deflated(b"<a/>"), Ok((Carrier::Redirect, "<a/>"))),
            (query, Ok((Carrier::Redirect, "<a/>"))),
            ("not base64!".to_owned(), Err(SamlError::Base64)),
            (BASE64.encode([0xff, 0xff, 0xff, 0xff]), Err(SamlError::Deflate)),
            (BASE64.encode(b"<a>\xff</a>"), Err(SamlError::Encoding)),
            // A bomb of a thousand to one.
            (deflated(&vec![b'<'; XML_BYTES_MAX + 2]), Err(SamlError::TooLong)),
        ];
        for (text, expected) in cases {
            let read = xml_of(&text);
            let read = read.as_ref().map(|document| (document.carrier, document.xml.as_str())).map_err(Clone::clone);
            assert_eq!(read, expected, "{}", &text[..text.len().min(60)]);
        }
    }
}
