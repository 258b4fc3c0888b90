//! Sign-up, the dashboard, the documentation and logout.

use crate::site::{PASSWORD, start};
use serde_json::json;

#[tokio::test]
async fn somebody_signs_up_and_logs_in() {
    let running = start().await;
    let mut site = running.site("eu");
    let account = json!({"client_id": "tocsin-spa", "email": "Ada@Tocsin.Test", "password": "a long enough one"});
    let added = site.post_json("/dbconnections/signup", &account).await;
    assert_eq!(added.status, 200, "{}", added.text());
    assert_eq!(added.json()["email"], "ada@tocsin.test");
    assert!(!added.text().contains("a long enough one"));
    let again = site.post_json("/dbconnections/signup", &account).await;
    assert_eq!((again.status.as_u16(), again.json()["code"].clone()), (409, json!("user_exists")));
    let weak = json!({"client_id": "tocsin-spa", "email": "bob@tocsin.test", "password": "short"});
    let weak = site.post_json("/dbconnections/signup", &weak).await;
    assert_eq!((weak.status.as_u16(), weak.json()["code"].clone()), (400, json!("invalid_password")));
    let form = [
        ("grant_type", "password"),
        ("client_id", "tocsin-native"),
        ("client_secret", "native-secret"),
        ("username", "ada@tocsin.test"),
        ("password", "a long enough one"),
    ];
    assert_eq!(running.site("us").post("/oauth/token", &form).await.status, 200);
}

#[tokio::test]
async fn the_dashboard_needs_a_session_and_logout_ends_it() {
    let running = start().await;
    let mut site = running.site("eu");
    let to_login = site.get("/dashboard").await;
    assert_eq!(to_login.status, 302);
    let page = site.get(to_login.location()).await;
    let (state, csrf) = (page.hidden("state"), page.hidden("csrf"));
    let form = [("state", state.as_str()), ("csrf", &csrf), ("username", crate::site::EMAIL), ("password", PASSWORD)];
    let back = site.post("/login", &form).await;
    assert_eq!(back.location(), format!("{}/dashboard", site.origin));
    let dashboard = site.get(back.location()).await;
    assert_eq!(dashboard.status, 200);
    assert_eq!(dashboard.header("cache-control"), Some("no-store"));
    for part in ["<h1>Dashboard</h1>", "id=\"recent-logins\"", "<td>probe@tocsin.test</td>", "<td>logged in</td>"] {
        assert!(dashboard.text().contains(part), "{part} in {}", dashboard.text());
    }

    let refused = site.get("/v2/logout?returnTo=https://evil.test/").await;
    assert_eq!(refused.status, 400);
    assert_eq!(site.get("/dashboard").await.status, 200, "a refused logout changes nothing");
    let docs = format!("{}/docs", site.origin);
    let out = site.get(&format!("/v2/logout?client_id=tocsin-spa&returnTo={docs}")).await;
    assert_eq!((out.status.as_u16(), out.location()), (302, docs.as_str()));
    assert_eq!(site.get("/dashboard").await.status, 302);
}

#[tokio::test]
async fn pages_have_security_headers_and_say_what_they_should() {
    let running = start().await;
    let mut site = running.site("eu");
    for (path, status, part) in [
        ("/docs", 200, "<h1>Documentation</h1>"),
        ("/nowhere", 404, "There is nothing here"),
        ("/test", 200, "\"status\":\"ok\""),
        ("/cdn/manifest.json", 200, "sha384-"),
    ] {
        let answer = site.get(path).await;
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.text().contains(part), "{path}: {}", answer.text());
        for (name, value) in [
            ("strict-transport-security", "max-age=31536000"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{path}: {name}");
        }
        assert!(answer.header("content-security-policy").is_some_and(|csp| csp.contains("frame-ancestors 'none'")));
    }
}
