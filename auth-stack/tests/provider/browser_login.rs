//! The authorization code flow with PKCE, as a browser and an application walk through it.

use crate::site::{EMAIL, PASSWORD, VERIFIER, start, verify};
use serde_json::json;

#[tokio::test]
async fn a_login_walks_from_the_application_through_the_page_to_tokens() {
    let running = start().await;
    let mut site = running.site("eu");

    let to_login = site.get(&site.authorize_target(&[])).await;
    assert_eq!(to_login.status, 302);
    assert!(to_login.location().starts_with(&format!("{}/login?state=", site.origin)), "{}", to_login.location());
    let page = site.get(to_login.location()).await;
    assert_eq!(page.status, 200);
    let binding = page.header("set-cookie").expect("a cookie");
    assert!(binding.ends_with("; Path=/login; Max-Age=600; HttpOnly; Secure; SameSite=Lax"), "{binding}");

    let (state, csrf) = (page.hidden("state"), page.hidden("csrf"));
    let form = [("state", state.as_str()), ("csrf", &csrf), ("username", EMAIL), ("password", PASSWORD)];
    let back = site.post("/login", &form).await;
    assert_eq!(back.status, 302);
    let session = back.header("set-cookie").expect("a cookie");
    assert!(session.starts_with("auth_session="), "{session}");
    assert!(session.ends_with("; Path=/; Max-Age=28800; HttpOnly; Secure; SameSite=Lax"), "{session}");
    let answer = back.redirected();
    assert!(back.location().starts_with(&format!("{}/callback?", site.origin)));
    assert_eq!(answer["state"], "state-1");
    assert_eq!(answer["iss"], running.stack.issuer);
    assert_eq!(site.get(back.location()).await.status, 200, "the reference application's own page");

    // Codes and sessions are good on every node.
    let tokens = running.site("us").redeem(&answer["code"], VERIFIER).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text());
    assert_eq!(tokens.header("cache-control"), Some("no-store"));
    let tokens = tokens.json();
    let jwks = site.get("/.well-known/jwks.json").await.json();
    let id_token = tokens["id_token"].as_str().expect("an ID token");
    let claims = verify(id_token, &jwks, &running.stack.issuer, "tocsin-spa").expect("a good ID token");
    assert_eq!(claims["nonce"], "nonce-1");
    assert_eq!(claims["email"], EMAIL);
    assert!(tokens["refresh_token"].is_string());

    // With a session there is no page.
    let again = site.get(&site.authorize_target(&[("state", "state-2")])).await;
    assert_eq!(again.redirected()["state"], "state-2");
    let silent = running.site("us").get(&site.authorize_target(&[("prompt", "none")])).await;
    assert_eq!(silent.redirected()["error"], "login_required", "another browser has no session");
    let fresh = site.get(&site.authorize_target(&[("prompt", "login")])).await;
    assert!(fresh.location().contains("/login?state="), "a fresh login was asked for");
}

#[tokio::test]
async fn a_code_is_bound_to_its_verifier_client_and_use() {
    let running = start().await;
    let mut site = running.site("eu");
    let code = async |site: &mut crate::site::Site| {
        site.drop_cookies();
        site.log_in(PASSWORD).await.redirected()["code"].clone()
    };

    let wrong_verifier = code(&mut site).await;
    let answer = site.redeem(&wrong_verifier, &"a".repeat(43)).await;
    assert_eq!(answer.json()["error"], "invalid_grant");
    let answer = site.redeem(&wrong_verifier, VERIFIER).await;
    assert_eq!(answer.status, 400, "a code has one try");

    let other_client = code(&mut site).await;
    let redirect_uri = format!("{}/callback", site.origin);
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "tocsin-native"),
        ("client_secret", "native-secret"),
        ("code", &other_client),
        ("redirect_uri", &redirect_uri),
        ("code_verifier", VERIFIER),
    ];
    let answer = site.post("/oauth/token", &form).await;
    assert_eq!(answer.json()["error_description"], "the code belongs to another client");

    // A code that comes back revokes what it gave.
    let stolen = code(&mut site).await;
    let tokens = site.redeem(&stolen, VERIFIER).await.json();
    assert_eq!(site.redeem(&stolen, VERIFIER).await.json()["error"], "invalid_grant");
    let refresh_token = tokens["refresh_token"].as_str().expect("a refresh token");
    let form = [("grant_type", "refresh_token"), ("client_id", "tocsin-spa"), ("refresh_token", refresh_token)];
    let answer = site.post("/oauth/token", &form).await;
    assert_eq!(answer.json()["error_description"], "the refresh token is revoked");
}

#[tokio::test]
async fn the_login_page_refuses_what_is_not_its_own() {
    let running = start().await;
    let mut site = running.site("eu");
    let wrong = site.log_in("wrong").await;
    assert_eq!(wrong.status, 401);
    assert!(wrong.text().contains("Wrong e-mail address or password."));
    assert!(wrong.header("set-cookie").is_none());
    let (state, csrf) = (wrong.hidden("state"), wrong.hidden("csrf"));
    let form = |state: &str, csrf: &str| {
        [("state", state), ("csrf", csrf), ("username", EMAIL), ("password", PASSWORD)]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
    };
    for (what, state, csrf, with_cookies, status) in [
        ("another form", state.as_str(), "forged", true, 403),
        ("no csrf", &state, "", true, 403),
        ("another browser", &state, &csrf, false, 403),
        ("another login", "unknown", &csrf, true, 400),
        ("its own", &state, &csrf, true, 302),
        ("the same again", &state, &csrf, true, 400),
    ] {
        let form = form(state, csrf);
        let form: Vec<(&str, &str)> = form.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let answer = if with_cookies {
            site.post("/login", &form).await
        } else {
            running.site("eu").post("/login", &form).await
        };
        assert_eq!(answer.status, status, "{what}");
    }
    let other = running.site("eu").get(&format!("/login?state={state}")).await;
    assert_eq!(other.status, 400, "a login that is over");
}

#[tokio::test]
async fn mistakes_are_told_to_the_application_only_where_it_is_known() {
    let running = start().await;
    let mut site = running.site("eu");
    let elsewhere = site.get(&site.authorize_target(&[("redirect_uri", "https://evil.test/callback")])).await;
    assert_eq!(elsewhere.status, 400);
    assert!(elsewhere.header("location").is_none());
    let plain = site.get(&site.authorize_target(&[("code_challenge_method", "plain")])).await;
    assert_eq!(plain.status, 302);
    let told = plain.redirected();
    let told = json!({"error": told["error"], "state": told["state"], "iss": told["iss"]});
    assert_eq!(told, json!({"error": "invalid_request", "state": "state-1", "iss": running.stack.issuer}));
}
