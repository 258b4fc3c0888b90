//! The CDN: integrity, caching, encoding.

use crate::site::start;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha384};
use std::io::Read as _;

#[tokio::test]
async fn assets_match_their_manifest_and_are_cached_as_they_say() {
    let running = start().await;
    let mut site = running.site("eu");
    let manifest = site.get("/cdn/manifest.json").await;
    assert_eq!(manifest.header("cache-control"), Some("public, max-age=60"));
    for (file, content_type) in
        [("auth.min.js", "text/javascript; charset=utf-8"), ("auth.css", "text/css; charset=utf-8")]
    {
        let entry = manifest.json()["files"][file].clone();
        let answer = site.get(entry["url"].as_str().expect("a URL")).await;
        assert_eq!(entry["integrity"], format!("sha384-{}", STANDARD.encode(Sha384::digest(&answer.body))));
        assert_eq!(entry["bytes"], answer.body.len());
        assert_eq!(answer.header("content-type"), Some(content_type));
        assert_eq!(answer.header("cache-control"), Some("public, max-age=31536000, immutable"));
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));

        let etag = answer.header("etag").expect("an ETag").to_owned();
        let unchanged = site.get_with(&format!("/cdn/{file}"), &[("if-none-match", &etag)]).await;
        assert_eq!((unchanged.status.as_u16(), unchanged.body.len()), (304, 0));
        assert_eq!(unchanged.header("etag"), Some(etag.as_str()));

        let gzip = site.get_with(&format!("/cdn/{file}"), &[("accept-encoding", "gzip")]).await;
        assert_eq!(gzip.header("content-encoding"), Some("gzip"));
        assert_eq!(gzip.header("vary"), Some("Accept-Encoding"));
        assert_ne!(gzip.header("etag"), Some(etag.as_str()));
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&gzip.body[..]).read_to_end(&mut plain).expect("gzip");
        assert_eq!(plain, answer.body);
    }
}

#[tokio::test]
async fn a_client_has_its_configuration() {
    let running = start().await;
    let mut site = running.site("eu");
    let script = site.get("/cdn/client/tocsin-spa.js").await;
    assert_eq!(script.header("cache-control"), Some("public, max-age=60"));
    let json = script.text().strip_prefix("window.TocsinAuthConfig=").and_then(|text| text.strip_suffix(";\n"));
    let config: serde_json::Value = serde_json::from_str(json.expect("an assignment")).expect("JSON");
    assert_eq!(config["issuer"], running.stack.issuer);
    assert_eq!(config["client_id"], "tocsin-spa");
    for missing in ["/cdn/client/nobody.js", "/cdn/client/tocsin-spa", "/cdn/nothing.js"] {
        assert_eq!(site.get(missing).await.status, 404, "{missing}");
    }
}
