//! The assets that client applications load: a JavaScript library with its integrity manifest, the configuration of
//! each client, and the style sheet of the pages.
//!
//! The library never changes under its name (long, immutable caching); the manifest and the configurations do, so they
//! are cached for a minute. All have a strong ETag and may be read from any origin.

use crate::fault::{FaultKind, Hits};
use crate::provider::Node;
use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header::{self, HeaderMap, HeaderName};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use sha2::{Digest as _, Sha256, Sha384};
use std::io::Write as _;
use std::sync::Arc;

pub(crate) const LIBRARY_VERSION: &str = "1.4.2";
const LIBRARY: &str = include_str!("../assets/auth.min.js");
const STYLE: &str = include_str!("../assets/auth.css");

const IMMUTABLE: &str = "public, max-age=31536000, immutable";
const SHORT: &str = "public, max-age=60";

struct Asset {
    content_type: &'static str,
    cache_control: &'static str,
    plain: Bytes,
    gzip: Bytes,
    etag: String,
}

impl Asset {
    fn new(content_type: &'static str, cache_control: &'static str, text: String) -> Asset {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        // Writing to memory does not fail; if it did, the plain text is served.
        let gzip = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish()).unwrap_or_default();
        let etag = hex::encode(&Sha256::digest(text.as_bytes())[..16]);
        Asset { content_type, cache_control, plain: text.into(), gzip: gzip.into(), etag }
    }

    fn integrity(&self) -> String {
        format!("sha384-{}", STANDARD.encode(Sha384::digest(&self.plain)))
    }

    fn respond(&self, request: &HeaderMap) -> Response {
        let gzip = accepts_gzip(request) && !self.gzip.is_empty() && self.gzip.len() < self.plain.len();
        // An encoded body is another representation, so it has another strong ETag (RFC 9110 section 8.8.3.3).
        let etag = format!("\"{}{}\"", self.etag, if gzip { "-gzip" } else { "" });
        let mut headers = HeaderMap::new();
        let mut set = |name: HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        };
        set(header::CACHE_CONTROL, self.cache_control);
        set(header::ETAG, &etag);
        set(header::VARY, "Accept-Encoding");
        set(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
        set(HeaderName::from_static("cross-origin-resource-policy"), "cross-origin");
        if matches_etag(request, &etag) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        set(header::CONTENT_TYPE, self.content_type);
        if gzip {
            set(header::CONTENT_ENCODING, "gzip");
        }
        (headers, Body::from(if gzip { self.gzip.clone() } else { self.plain.clone() })).into_response()
    }
}

/// Whether `Accept-Encoding` allows gzip (RFC 9110 section 12.5.3).
fn accepts_gzip(request: &HeaderMap) -> bool {
    let mut by_star = false;
    for value in request.get_all(header::ACCEPT_ENCODING) {
        for item in value.to_str().unwrap_or_default().split(',') {
            let (coding, weight) = item.split_once(';').unwrap_or((item, ""));
            let weight = weight.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse::<f32>);
            let wanted = weight.is_ok_and(|weight| weight > 0.0);
            match coding.trim() {
                "gzip" | "x-gzip" => return wanted,
                "*" => by_star = wanted,
                _ => {}
            }
        }
    }
    by_star
}

/// Whether `If-None-Match` names this ETag, compared weakly (RFC 9110 section 13.1.2).
fn matches_etag(request: &HeaderMap, etag: &str) -> bool {
    request.get_all(header::IF_NONE_MATCH).iter().any(|value| {
        value
            .to_str()
            .unwrap_or_default()
            .split(',')
            .map(str::trim)
            .any(|candidate| candidate == "*" || candidate.strip_prefix("W/").unwrap_or(candidate) == etag)
    })
}

/// The assets that are the same for every client, made once.
pub(crate) struct Assets {
    library: Asset,
    stale_library: Asset,
    style: Asset,
    manifest: Asset,
    /// The Subresource Integrity value of the library.
    pub library_integrity: String,
}

impl Assets {
    pub fn new() -> Assets {
        let script = "text/javascript; charset=utf-8";
        let library = Asset::new(script, IMMUTABLE, LIBRARY.replace("__VERSION__", LIBRARY_VERSION));
        let stale_library = Asset::new(script, IMMUTABLE, LIBRARY.replace("__VERSION__", "1.3.9"));
        let style = Asset::new("text/css; charset=utf-8", IMMUTABLE, STYLE.to_owned());
        let file = |asset: &Asset, url: &str| {
            let (bytes, integrity) = (asset.plain.len(), asset.integrity());
            json!({"url": url, "integrity": integrity, "bytes": bytes, "type": asset.content_type})
        };
        let manifest = json!({
            "version": LIBRARY_VERSION,
            "files": {
                "auth.min.js": file(&library, "/cdn/auth.min.js"),
                "auth.css": file(&style, "/cdn/auth.css"),
            },
        });
        let library_integrity = library.integrity();
        let manifest = Asset::new("application/json", SHORT, manifest.to_string());
        Assets { library, stale_library, style, manifest, library_integrity }
    }
}

pub(crate) async fn library(
    State(node): State<Arc<Node>>,
    Extension(hits): Extension<Hits>,
    headers: HeaderMap,
) -> Response {
    let assets = &node.provider.assets;
    let asset = if hits.has(FaultKind::StaleCdn) { &assets.stale_library } else { &assets.library };
    asset.respond(&headers)
}

pub(crate) async fn style(State(node): State<Arc<Node>>, headers: HeaderMap) -> Response {
    node.provider.assets.style.respond(&headers)
}

pub(crate) async fn manifest(State(node): State<Arc<Node>>, headers: HeaderMap) -> Response {
    node.provider.assets.manifest.respond(&headers)
}

/// The configuration of one client: a script that sets `window.TocsinAuthConfig`.
pub(crate) async fn client(State(node): State<Arc<Node>>, Path(file): Path<String>, headers: HeaderMap) -> Response {
    let provider = &node.provider;
    let client = file.strip_suffix(".js").and_then(|id| provider.clients.find(id));
    let Some(client) = client else {
        return crate::oauth::error_json(StatusCode::NOT_FOUND, "not_found", "there is no such client");
    };
    let config = json!({
        "issuer": provider.issuer,
        "client_id": client.id,
        "redirect_uris": client.redirect_uris,
        "scope": "openid profile email",
        "connection": "Username-Password-Authentication",
        "library": {"version": LIBRARY_VERSION, "integrity": provider.assets.library_integrity},
    });
    Asset::new("text/javascript; charset=utf-8", SHORT, format!("window.TocsinAuthConfig={config};\n"))
        .respond(&headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).expect("a header value"))])
    }

    #[test]
    fn gzip_is_sent_only_when_it_is_accepted() {
        for (value, accepted) in [
            ("gzip", true),
            ("br, gzip;q=0.5", true),
            ("gzip;q=0", false),
            ("gzip; q=0.000", false),
            ("*", true),
            ("*;q=0, gzip", true),
            ("gzip;q=0, *", false),
            ("br", false),
            ("", false),
            ("gzip;q=x", false),
        ] {
            assert_eq!(accepts_gzip(&headers(header::ACCEPT_ENCODING, value)), accepted, "{value:?}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }

    #[test]
    fn an_etag_matches_weakly_in_a_list_and_by_star() {
        for (value, matches) in
            [("\"a\"", true), ("W/\"a\"", true), ("\"b\", \"a\"", true), ("*", true), ("\"b\"", false), ("a", false)]
        {
            assert_eq!(matches_etag(&headers(header::IF_NONE_MATCH, value), "\"a\""), matches, "{value:?}");
        }
    }
}
