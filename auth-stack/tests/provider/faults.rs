//! Every kind of fault is seen from outside, and is gone once it is cleared.

use crate::site::{PASSWORD, Running, VERIFIER, start, verify};
use auth_stack::{FaultKind, FaultOrder};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha384};

/// What a client sees of what the kind breaks, in a word.
async fn observe(running: &Running, kind: FaultKind) -> String {
    let mut site = running.site("eu");
    let issuer = &running.stack.issuer;
    match kind {
        FaultKind::Slow | FaultKind::Outage | FaultKind::LoginsFall => unreachable!("these have tests of their own"),
        FaultKind::Error => site.get("/test").await.status.to_string(),
        FaultKind::Drop => match site.try_get("/docs", &[]).await {
            Ok(_) => "whole".to_owned(),
            Err(error) if error.is_body() || error.is_decode() => "broken body".to_owned(),
            Err(error) => format!("{error:?}"),
        },
        FaultKind::TruncatedBody => {
            let answer = site.get("/.well-known/openid-configuration").await;
            let whole = serde_json::from_slice::<serde_json::Value>(&answer.body).is_ok();
            (if whole { "parses" } else { "does not parse" }).to_owned()
        }
        FaultKind::WrongIssuer => {
            let discovery = site.get("/.well-known/openid-configuration").await.json();
            format!("{} {}", if discovery["issuer"] == **issuer { "same" } else { "other" }, access(running).await)
        }
        FaultKind::ExpiredToken
        | FaultKind::FutureToken
        | FaultKind::ExpiredKey
        | FaultKind::BadSignature
        | FaultKind::WrongAudience => access(running).await,
        FaultKind::WrongNonce => {
            let code = site.log_in(PASSWORD).await.redirected()["code"].clone();
            let tokens = site.redeem(&code, VERIFIER).await.json();
            let jwks = site.get("/.well-known/jwks.json").await.json();
            let token = tokens["id_token"].as_str().expect("an ID token");
            let claims = verify(token, &jwks, issuer, "tocsin-spa").expect("a good ID token");
            claims["nonce"].as_str().expect("a nonce").to_owned()
        }
        FaultKind::MissingJwksKey => {
            let jwks = site.get("/.well-known/jwks.json").await.json();
            jwks["keys"].as_array().expect("keys").len().to_string()
        }
        FaultKind::LoginsFail => {
            format!("{} {}", site.log_in(PASSWORD).await.status.as_u16(), site.password_grant().await.status.as_u16())
        }
        FaultKind::WrongState => site.log_in(PASSWORD).await.redirected()["state"].clone(),
        FaultKind::InsecureCookie => {
            let answer = site.log_in(PASSWORD).await;
            let cookie = answer.header("set-cookie").expect("a cookie");
            ["HttpOnly", "Secure", "SameSite"].map(|word| cookie.contains(word).to_string()).join(" ")
        }
        FaultKind::PkceIgnored => {
            let code = site.log_in(PASSWORD).await.redirected()["code"].clone();
            site.redeem(&code, &"x".repeat(43)).await.status.as_u16().to_string()
        }
        FaultKind::NoRefresh => site.password_grant().await.json().get("refresh_token").is_some().to_string(),
        FaultKind::RefreshRefused | FaultKind::RefreshNotRotated => {
            let first = site.password_grant().await.json()["refresh_token"].as_str().expect("a token").to_owned();
            let answer = site.refresh(&first).await;
            let rotated = answer.json()["refresh_token"].as_str().is_some_and(|second| second != first);
            format!("{} {rotated} {}", answer.status.as_u16(), site.refresh(&first).await.status.as_u16())
        }
        FaultKind::UserinfoMismatch => {
            let token = site.password_grant().await.json()["access_token"].as_str().expect("a token").to_owned();
            let userinfo = site.get_with("/userinfo", &[("authorization", &format!("Bearer {token}"))]).await.json();
            (userinfo["sub"] == subject(&token)).to_string()
        }
        FaultKind::DiscoveryDrift => {
            let discovery = site.get("/.well-known/openid-configuration").await.json();
            let endpoint = discovery["token_endpoint"].as_str().and_then(|url| url.strip_prefix(issuer.as_str()));
            format!("{} {}", endpoint.expect("an endpoint"), discovery["code_challenge_methods_supported"])
        }
        FaultKind::StaleCdn => {
            let manifest = site.get("/cdn/manifest.json").await.json();
            let library = site.get("/cdn/auth.min.js").await;
            let integrity = format!("sha384-{}", STANDARD.encode(Sha384::digest(&library.body)));
            (manifest["files"]["auth.min.js"]["integrity"] == integrity).to_string()
        }
        FaultKind::MissingSecurityHeaders => {
            let answer = site.get("/docs").await;
            ["strict-transport-security", "content-security-policy", "x-frame-options"]
                .map(|name| answer.header(name).is_some().to_string())
                .join(" ")
        }
        FaultKind::ExpiredCertificate => match site.try_get("/test", &[]).await {
            Ok(answer) => answer.status.as_u16().to_string(),
            Err(error) if format!("{error:?}").contains("Expired") => "expired".to_owned(),
            Err(error) => format!("{error:?}"),
        },
    }
}

/// Whether an access token verifies, or why not.
async fn access(running: &Running) -> String {
    let mut site = running.site("us");
    let token = site.password_grant().await.json()["access_token"].as_str().expect("a token").to_owned();
    let jwks = site.get("/.well-known/jwks.json").await.json();
    let issuer = &running.stack.issuer;
    verify(&token, &jwks, issuer, &format!("{issuer}userinfo")).map_or_else(|why| why, |_| "good".to_owned())
}

fn subject(token: &str) -> serde_json::Value {
    let claims = jsonwebtoken::dangerous::insecure_decode::<serde_json::Value>(token).expect("a token").claims;
    claims["sub"].clone()
}

/// What is seen without the fault and with it.
fn expected(kind: FaultKind) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        FaultKind::Slow | FaultKind::Outage | FaultKind::LoginsFall => return None,
        FaultKind::Error => ("200 OK", "500 Internal Server Error"),
        FaultKind::Drop => ("whole", "broken body"),
        FaultKind::TruncatedBody => ("parses", "does not parse"),
        FaultKind::WrongIssuer => ("same good", "other InvalidIssuer"),
        FaultKind::ExpiredToken => ("good", "ExpiredSignature"),
        FaultKind::FutureToken => ("good", "ImmatureSignature"),
        FaultKind::ExpiredKey => ("good", "UnknownKid"),
        FaultKind::BadSignature => ("good", "InvalidSignature"),
        FaultKind::WrongAudience => ("good", "InvalidAudience"),
        FaultKind::WrongNonce => ("nonce-1", "not-nonce-1"),
        FaultKind::MissingJwksKey => ("1", "0"),
        FaultKind::LoginsFail => ("302 200", "401 400"),
        FaultKind::WrongState => ("state-1", "not-state-1"),
        FaultKind::InsecureCookie => ("true true true", "false false false"),
        FaultKind::PkceIgnored => ("400", "200"),
        FaultKind::NoRefresh => ("true", "false"),
        FaultKind::RefreshRefused => ("200 true 400", "400 false 400"),
        FaultKind::RefreshNotRotated => ("200 true 400", "200 false 200"),
        FaultKind::UserinfoMismatch => ("true", "false"),
        FaultKind::DiscoveryDrift => ("oauth/token [\"S256\"]", "oauth/v2/token [\"plain\"]"),
        FaultKind::StaleCdn => ("true", "false"),
        FaultKind::MissingSecurityHeaders => ("true true true", "false false false"),
        FaultKind::ExpiredCertificate => ("200", "expired"),
    })
}

#[tokio::test]
async fn every_fault_is_seen_and_goes_away() {
    let running = start().await;
    for kind in FaultKind::ALL.iter().copied() {
        let Some((well, broken)) = expected(kind) else { continue };
        assert_eq!(observe(&running, kind).await, well, "{} before it is set", kind.name());
        running.break_it(FaultOrder::of(kind.name()));
        assert_eq!(observe(&running, kind).await, broken, "{} while it holds", kind.name());
        assert!(running.stack.faults()[0].hit > 0, "{} counts its hits", kind.name());
        running.stack.clear_faults();
        assert_eq!(observe(&running, kind).await, well, "{} after it was cleared", kind.name());
    }
}
