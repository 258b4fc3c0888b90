//! What every page must keep: it escapes, it loads nothing from elsewhere, it says the worst first.

mod sample;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use sample::{HOSTILE, Sample};
use std::sync::Arc;
use tower::ServiceExt;

struct Answer {
    status: StatusCode,
    content_security_policy: String,
    body: String,
}

async fn get(sample: Sample, path: &str) -> Answer {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = dashboards::router(Arc::new(sample)).oneshot(request).await.unwrap();
    let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    let status = response.status();
    let body = to_bytes(response.into_body(), 8 << 20).await.unwrap();
    Answer { status, content_security_policy: policy, body: String::from_utf8(body.to_vec()).unwrap() }
}

const PAGES: [&str; 5] = ["/", "/check/login-password", "/check/cdn", "/incident/12", "/metrics/problems"];

#[tokio::test]
async fn nothing_a_script_or_a_target_says_becomes_markup() {
    for path in PAGES {
        let page = get(Sample::Broken, path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(page.body.contains("&lt;script&gt;"), "{path} shows the hostile text");
        assert!(!page.body.contains("<script"), "{path}");
        assert!(!page.body.contains(HOSTILE), "{path}");
        assert!(!page.body.contains("href=\"javascript:"), "{path}");
    }
}

#[tokio::test]
async fn pages_load_nothing_from_elsewhere_and_hold_no_inline_style() {
    for path in PAGES {
        let page = get(Sample::Broken, path).await;
        assert!(page.content_security_policy.starts_with("default-src 'none'; style-src 'self'"), "{path}");
        assert!(!page.body.contains(" style=") && !page.body.contains("<style"), "{path}");
        for attribute in ["src=\"http", "href=\"//"] {
            assert!(!page.body.contains(attribute), "{path}: {attribute}");
        }
    }
    let front = get(Sample::Healthy, "/").await;
    let (_, rest) = front.body.split_once("rel=\"stylesheet\" href=\"").unwrap();
    let (stylesheet, _) = rest.split_once('"').unwrap();
    let style = get(Sample::Healthy, stylesheet).await;
    assert_eq!(style.status, StatusCode::OK);
    assert!(style.body.contains("prefers-color-scheme: dark"));
}

#[tokio::test]
async fn the_front_page_says_the_worst_first() {
    let cases = [
        (Sample::Healthy, StatusCode::OK, "All checks pass"),
        (Sample::Broken, StatusCode::OK, "1 P1 incident is open"),
        (Sample::Unavailable, StatusCode::SERVICE_UNAVAILABLE, "the journal is closed"),
    ];
    for (sample, status, headline) in cases {
        let page = get(sample, "/").await;
        assert_eq!(page.status, status);
        assert!(page.body.contains(headline), "{headline}");
    }
    let broken = get(Sample::Broken, "/").await.body;
    for fact in [
        "login-password",
        "us-east-1 × 3",
        "draft.check.ts:3:14",
        "SLACK_TOKEN is not set",
        "SMS to Bob",
        "tag cdn",
        "#5 by Grace",
        "2 h",
        "newest result 3 s ago",
    ] {
        assert!(broken.contains(fact), "{fact}");
    }
}

#[tokio::test]
async fn what_the_target_said_is_where_the_failure_is() {
    for path in ["/check/login-password", "/incident/12"] {
        let page = get(Sample::Broken, path).await.body;
        for fact in [
            "POST https://login.example.com/oauth/token",
            "HTTP/2 503",
            "retry-after:",
            "&quot;error&quot;:&quot;temporarily_unavailable&quot;",
            "password=[redacted:PASSWORD]",
            "… only the beginning",
        ] {
            assert!(page.contains(fact), "{path}: {fact}");
        }
    }
    let passed = get(Sample::Healthy, "/check/login-password").await.body;
    assert!(!passed.contains("class=\"exchange\""), "a run that passed has nothing to explain");
}

#[tokio::test]
async fn metrics_that_were_not_taken_are_shown_with_the_reason() {
    let cases: [(Sample, &[&str]); 2] = [
        (Sample::Healthy, &["Every metric that came was taken", "127.0.0.1:8125"]),
        (Sample::Broken, &["7 lines or values were not taken", "write `|c`", "packets_lost"]),
    ];
    for (sample, facts) in cases {
        let page = get(sample, "/metrics/problems").await.body;
        facts.iter().for_each(|fact| assert!(page.contains(fact), "{fact}"));
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    for path in ["/check/no-such-check", "/check/Not%20An%20Id", "/incident/99", "/incident/x", "/admin"] {
        assert_eq!(get(Sample::Healthy, path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn machines_read_the_same_facts() {
    let status: serde_json::Value = serde_json::from_str(&get(Sample::Broken, "/api/v1/status").await.body).unwrap();
    assert_eq!(status["overall"]["state"], "broken");
    assert_eq!(status["status"]["incidents_open"][0]["severity"], "p1");
    assert_eq!(status["status"]["checks"][0]["cells"][1]["recent"][0]["verdict"], "failed");
    assert_eq!(status["status"]["checks"][0]["cells"][0]["recent"][0]["verdict"], "passed");
    assert_eq!(status["status"]["counters"]["results_counted"], 1_234);
    let health: serde_json::Value = serde_json::from_str(&get(Sample::Healthy, "/healthz").await.body).unwrap();
    assert_eq!(health["healthy"], true);
    assert_eq!(get(Sample::Unavailable, "/healthz").await.status, StatusCode::SERVICE_UNAVAILABLE);
}
