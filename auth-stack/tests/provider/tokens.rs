//! What tokens say, how refresh tokens rotate, and that keys outlive a restart.

use crate::site::{PASSWORD, start, start_with, verify};
use auth_stack::{AuthStack, Options, PasswordCost};
use serde_json::json;

#[tokio::test]
async fn tokens_verify_against_the_published_keys() {
    let running = start().await;
    let mut site = running.site("eu");
    let issuer = &running.stack.issuer;
    let discovery = site.get("/.well-known/openid-configuration").await.json();
    assert_eq!(discovery["issuer"], json!(issuer));
    assert_eq!(discovery["token_endpoint"], json!(format!("{issuer}oauth/token")));
    let jwks = site.get(discovery["jwks_uri"].as_str().expect("a URL")).await.json();

    let answer = site.password_grant().await;
    assert_eq!(answer.status, 200);
    let tokens = answer.json();
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["expires_in"], 3_600);
    let (access_token, id_token) =
        (tokens["access_token"].as_str().expect("a token"), tokens["id_token"].as_str().expect("a token"));
    let access = verify(access_token, &jwks, issuer, &format!("{issuer}userinfo")).expect("a good access token");
    let id = verify(id_token, &jwks, issuer, "tocsin-native").expect("a good ID token");
    assert_eq!(access["sub"], id["sub"]);
    assert_eq!(access["scope"], "openid profile email offline_access");
    assert_eq!(access["exp"].as_i64().zip(access["iat"].as_i64()).map(|(exp, iat)| exp - iat), Some(3_600));
    assert_eq!(jsonwebtoken::decode_header(access_token).expect("a header").typ.as_deref(), Some("at+jwt"));

    let authorization = format!("Bearer {access_token}");
    let userinfo = site.get_with("/userinfo", &[("authorization", &authorization)]).await.json();
    assert_eq!(userinfo["sub"], id["sub"]);
}

#[tokio::test]
async fn a_refresh_token_rotates_and_its_reuse_revokes_the_family() {
    let running = start().await;
    let mut site = running.site("eu");
    let text = |value: &serde_json::Value| value["refresh_token"].as_str().expect("a refresh token").to_owned();
    let first = text(&site.password_grant().await.json());
    let answer = site.refresh(&first).await;
    assert_eq!(answer.status, 200);
    let second = text(&answer.json());
    assert_ne!(first, second);
    // On the other node: they share the store.
    let third = text(&running.site("us").refresh(&second).await.json());
    for (token, why) in
        [(&first, "the refresh token was used before; its family is revoked"), (&third, "the refresh token is revoked")]
    {
        let refused = site.refresh(token).await;
        assert_eq!(refused.status, 400);
        assert_eq!(refused.json(), json!({"error": "invalid_grant", "error_description": why}));
    }
    let other_login = text(&site.password_grant().await.json());
    assert_eq!(site.refresh(&other_login).await.status, 200, "another family is not touched");
}

#[tokio::test]
async fn a_refresh_may_narrow_its_scope_and_not_widen_it() {
    let running = start().await;
    let mut site = running.site("eu");
    let tokens = site.password_grant().await.json();
    let form = |token: &str, scope: &'static str| {
        [
            ("grant_type", "refresh_token"),
            ("client_id", "tocsin-native"),
            ("client_secret", "native-secret"),
            ("scope", scope),
        ]
        .map(|(key, value)| (key, value.to_owned()))
        .into_iter()
        .chain([("refresh_token", token.to_owned())])
        .collect::<Vec<_>>()
    };
    let token = tokens["refresh_token"].as_str().expect("a refresh token");
    let pairs = form(token, "email");
    let pairs: Vec<_> = pairs.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let narrowed = site.post("/oauth/token", &pairs).await.json();
    assert_eq!(narrowed["scope"], "email");
    assert!(narrowed.get("id_token").is_none(), "an ID token needs the scope openid");
    let pairs = form(narrowed["refresh_token"].as_str().expect("a refresh token"), "read:stats");
    let pairs: Vec<_> = pairs.iter().map(|(key, value)| (*key, value.as_str())).collect();
    assert_eq!(site.post("/oauth/token", &pairs).await.json()["error"], "invalid_scope");
}

#[tokio::test]
async fn keys_accounts_and_authority_outlive_a_restart_and_keys_rotate() {
    let running = start_with(|_, _| {}).await;
    let mut site = running.site("eu");
    let old_token = site.password_grant().await.json()["access_token"].as_str().expect("a token").to_owned();
    let refresh_token = site.password_grant().await.json()["refresh_token"].as_str().expect("a token").to_owned();
    let old_jwks = site.get("/.well-known/jwks.json").await.json();
    let (port, ca_pem) = (running.stack.port, running.stack.ca_pem.clone());
    let folder = running.folder;
    running.stack.stop().await;

    let mut options = Options::new(folder.path().join("data"));
    options.nodes = vec!["eu=127.0.0.1".parse().expect("a node")];
    options.port = port;
    options.password_cost = PasswordCost::LOWEST;
    let stack = AuthStack::start(options).await.expect("a stack on the same port");
    assert_eq!(stack.ca_pem, ca_pem);
    let mut site = crate::site::Site::new(&ca_pem, port, stack.ready.nodes["eu"]);
    assert_eq!(site.get("/.well-known/jwks.json").await.json(), old_jwks);
    assert_eq!(site.refresh(&refresh_token).await.status, 200);

    let rotated = reqwest::Client::builder().no_proxy().build().expect("a client");
    let rotated = rotated.post(format!("{}/keys/rotate", stack.admin_url)).send().await.expect("an answer");
    assert_eq!(rotated.status(), 201);
    let jwks = site.get("/.well-known/jwks.json").await.json();
    assert_eq!(jwks["keys"].as_array().map(Vec::len), Some(2));
    assert_eq!(jwks["keys"][1], old_jwks["keys"][0], "the former key stays");
    let audience = format!("{}userinfo", stack.issuer);
    let new_token = site.password_grant().await.json()["access_token"].as_str().expect("a token").to_owned();
    for token in [&old_token, &new_token] {
        verify(token, &jwks, &stack.issuer, &audience).expect("a token that verifies");
    }
    assert_eq!(verify(&new_token, &old_jwks, &stack.issuer, &audience), Err("UnknownKid".to_owned()));
    assert_eq!(site.log_in(PASSWORD).await.status, 302);
}
