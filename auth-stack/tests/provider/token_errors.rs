//! The errors of the token endpoint and of userinfo, as tables.

use crate::site::{EMAIL, PASSWORD, start};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

type Pairs<'a> = &'a [(&'a str, &'a str)];

const NATIVE: [(&str, &str); 2] = [("client_id", "tocsin-native"), ("client_secret", "native-secret")];

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

#[tokio::test]
async fn the_token_endpoint_answers_with_the_errors_of_rfc_6749() {
    let running = start().await;
    let mut site = running.site("eu");
    let good_basic = basic("tocsin-m2m", "m2m-secret");
    let encoded_basic = basic("tocsin%2Dm2m", "m2m%2Dsecret");
    let bad_basic = basic("tocsin-m2m", "wrong");
    let cases: &[(&str, Pairs<'_>, Option<&str>, u16, &str)] = &[
        ("nothing", &[], None, 400, "invalid_request"),
        ("an unknown grant", &[("grant_type", "implicit")], None, 400, "unsupported_grant_type"),
        ("no client", &[("grant_type", "password")], None, 401, "invalid_client"),
        ("an unknown client", &[("grant_type", "password"), ("client_id", "nobody")], None, 401, "invalid_client"),
        (
            "a wrong secret",
            &[("grant_type", "password"), ("client_id", "tocsin-native"), ("client_secret", "x")],
            None,
            401,
            "invalid_client",
        ),
        ("no secret", &[("grant_type", "password"), ("client_id", "tocsin-native")], None, 401, "invalid_client"),
        (
            "a secret for a public client",
            &[("grant_type", "authorization_code"), ("client_id", "tocsin-spa"), ("client_secret", "x")],
            None,
            401,
            "invalid_client",
        ),
        ("a wrong secret by Basic", &[("grant_type", "client_credentials")], Some(&bad_basic), 401, "invalid_client"),
        ("Basic that does not parse", &[("grant_type", "client_credentials")], Some("Basic !"), 401, "invalid_client"),
        (
            "a secret twice",
            &[("grant_type", "client_credentials"), ("client_id", "tocsin-m2m"), ("client_secret", "m2m-secret")],
            Some(&good_basic),
            400,
            "invalid_request",
        ),
        (
            "two clients",
            &[("grant_type", "client_credentials"), ("client_id", "tocsin-native")],
            Some(&good_basic),
            400,
            "invalid_request",
        ),
        (
            "a grant that the client may not use",
            &[("grant_type", "client_credentials"), NATIVE[0], NATIVE[1]],
            None,
            400,
            "unauthorized_client",
        ),
        (
            "no password",
            &[("grant_type", "password"), NATIVE[0], NATIVE[1], ("username", EMAIL)],
            None,
            400,
            "invalid_request",
        ),
        (
            "an empty password",
            &[("grant_type", "password"), NATIVE[0], NATIVE[1], ("username", EMAIL), ("password", "")],
            None,
            400,
            "invalid_request",
        ),
        (
            "a wrong password",
            &[("grant_type", "password"), NATIVE[0], NATIVE[1], ("username", EMAIL), ("password", "x")],
            None,
            400,
            "invalid_grant",
        ),
        (
            "an unknown account",
            &[("grant_type", "password"), NATIVE[0], NATIVE[1], ("username", "x@y.test"), ("password", PASSWORD)],
            None,
            400,
            "invalid_grant",
        ),
        (
            "a parameter twice",
            &[("grant_type", "password"), ("grant_type", "password"), NATIVE[0]],
            None,
            400,
            "invalid_request",
        ),
        (
            "an unknown code",
            &[
                ("grant_type", "authorization_code"),
                ("client_id", "tocsin-spa"),
                ("code", "x"),
                ("redirect_uri", "https://x.test/"),
            ],
            None,
            400,
            "invalid_grant",
        ),
        (
            "no redirect_uri",
            &[("grant_type", "authorization_code"), ("client_id", "tocsin-spa"), ("code", "x")],
            None,
            400,
            "invalid_request",
        ),
        (
            "an unknown refresh token",
            &[("grant_type", "refresh_token"), NATIVE[0], NATIVE[1], ("refresh_token", "x")],
            None,
            400,
            "invalid_grant",
        ),
        (
            "another audience",
            &[("grant_type", "client_credentials"), ("audience", "https://x.test/")],
            Some(&good_basic),
            400,
            "invalid_target",
        ),
        (
            "a scope that it may not have",
            &[("grant_type", "client_credentials"), ("scope", "write:all")],
            Some(&good_basic),
            400,
            "invalid_scope",
        ),
        ("nothing wrong", &[("grant_type", "client_credentials")], Some(&good_basic), 200, ""),
        ("nothing wrong, form-encoded", &[("grant_type", "client_credentials")], Some(&encoded_basic), 200, ""),
    ];
    for (what, form, authorization, status, error) in cases {
        let headers: Vec<_> = authorization.iter().map(|value| ("authorization", *value)).collect();
        let answer = site.post_with("/oauth/token", form, &headers).await;
        assert_eq!(answer.status, *status, "{what}: {}", answer.text());
        assert_eq!(answer.json()["error"].as_str().unwrap_or_default(), *error, "{what}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{what}");
        assert_eq!(answer.header("www-authenticate").is_some(), *status == 401, "{what}");
    }
    assert_eq!(site.get("/oauth/token").await.status, 405);
    let not_a_form = site.post_json("/oauth/token", &json!({"grant_type": 1})).await;
    assert_eq!(not_a_form.json()["error"], "invalid_request");
    let json = json!({
        "grant_type": "client_credentials", "client_id": "tocsin-m2m", "client_secret": "m2m-secret",
    });
    assert_eq!(site.post_json("/oauth/token", &json).await.status, 200);
}

#[tokio::test]
async fn userinfo_wants_a_good_access_token() {
    let running = start().await;
    let mut site = running.site("eu");
    let tokens = site.password_grant().await.json();
    let token = |name: &str| tokens[name].as_str().expect("a token").to_owned();
    let access = token("access_token");
    let spoilt = format!("{}A{}", &access[..access.len() - 9], &access[access.len() - 8..]);
    let machine = site
        .post_with(
            "/oauth/token",
            &[("grant_type", "client_credentials")],
            &[("authorization", &basic("tocsin-m2m", "m2m-secret"))],
        )
        .await
        .json();
    let machine = machine["access_token"].as_str().expect("a token").to_owned();
    let cases = [
        ("a good token", Some(format!("Bearer {access}")), 200, None),
        ("another case", Some(format!("bearer {access}")), 200, None),
        ("nothing", None, 401, Some("Bearer realm=\"userinfo\"")),
        ("another scheme", Some("Basic eDp5".to_owned()), 401, Some("Bearer realm=\"userinfo\"")),
        ("nonsense", Some("Bearer x".to_owned()), 401, Some("the token does not parse")),
        ("an ID token", Some(format!("Bearer {}", token("id_token"))), 401, Some("the token is not an access token")),
        ("a spoilt signature", Some(format!("Bearer {spoilt}")), 401, Some("the token's signature does not verify")),
        ("a machine's token", Some(format!("Bearer {machine}")), 401, Some("the token is not for userinfo")),
    ];
    for (what, authorization, status, challenge) in cases {
        let headers: Vec<_> = authorization.iter().map(|value| ("authorization", value.as_str())).collect();
        let answer = site.get_with("/userinfo", &headers).await;
        assert_eq!(answer.status, status, "{what}: {}", answer.text());
        match challenge {
            Some(part) => assert!(answer.header("www-authenticate").is_some_and(|text| text.contains(part)), "{what}"),
            None => assert_eq!(answer.json()["email"], EMAIL, "{what}"),
        }
    }
}
