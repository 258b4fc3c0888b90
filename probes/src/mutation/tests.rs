use super::*;
use crate::recording::{Likeness, RecordedBody, RecordedMessage, Tape, Track};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

fn exchange(status: u16, headers: &[(&str, &str)], body: &str) -> RecordedExchange {
    let request = serde_json::json!({
        "method": "POST", "url": "http://a.test:8080/token?x=1", "start_us": 0, "phases": {}, "status": status,
        "sent_body_bytes": 0, "received_body_bytes": 0,
    });
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    RecordedExchange {
        step: None,
        request: serde_json::from_value(request).unwrap(),
        sent: RecordedMessage::default(),
        received: Some(RecordedMessage { headers, body: RecordedBody::of(body.as_bytes(), true) }),
    }
}

fn tape(exchange: RecordedExchange) -> Tape {
    let track = Track { exchange, delay_ms: 0, likeness_min: Likeness::Same };
    Tape { seed: [1; 4], started_at: UnixMs(1_800_000_000_000), tracks: vec![track] }
}

fn told(exchange: &RecordedExchange) -> Vec<String> {
    let faults = faults(std::slice::from_ref(exchange), &[true], 10_000);
    faults.iter().map(|fault| format!("{}: {}", fault.family().as_str(), fault.change)).collect()
}

#[test]
fn every_answer_has_the_faults_that_it_can_have() {
    let json = ("content-type", "application/json");
    let cases: [(RecordedExchange, &[&str]); 3] = [
        (
            exchange(200, &[json, ("date", "today"), ("set-cookie", "sid=1; Path=/")], r#"{"b":{"c":1},"token":"t"}"#),
            &[
                "status: status 500",
                "status: status 503",
                "status: status 401",
                "status: status 404",
                "connection: the connection reset",
                "body: an empty body",
                "body: half of the body",
                "body: an error in the body, with the same status",
                "body: a page of HTML for JSON",
                "redirect: redirected to https://elsewhere.invalid, which shows the same",
                "cookie: cookie sid not set",
                "slow: answered after 9 s",
                "field: token missing",
                "field: token null",
                "field: token of another type",
                "field: b missing",
                "field: b null",
                "field: b of another type",
                "field: b.c missing",
                "field: b.c null",
                "field: b.c of another type",
                "header: content-type missing",
                "header: content-type application/octet-stream",
            ],
        ),
        (
            exchange(302, &[("location", "/login?state=1")], ""),
            &[
                "status: status 500",
                "status: status 404",
                "status: status 200",
                "connection: the connection reset",
                "redirect: redirected to https://elsewhere.invalid, which shows the same",
                "slow: answered after 9 s",
                "header: location missing",
            ],
        ),
        (
            exchange(401, &[], ""),
            &[
                "status: status 200",
                "status: status 500",
                "connection: the connection reset",
                "slow: answered after 9 s",
            ],
        ),
    ];
    for (exchange, expected) in cases {
        assert_eq!(told(&exchange), expected);
    }
    assert_eq!(faults(&[exchange(200, &[], "")], &[false], 10_000), []);
}

/// What a fault makes of the one answer, as far as it is shown here: status, headers and body.
fn answer(exchange: RecordedExchange, change: Change) -> (Option<u16>, String, String) {
    let mut tape = Fault { exchange: 0, change }.apply(&tape(exchange));
    let RecordedExchange { request, received, .. } = tape.tracks.swap_remove(0).exchange;
    let received = received.unwrap_or_default();
    let headers: Vec<String> = received.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    (request.status, headers.join(", "), received.body.text)
}

#[test]
fn each_fault_changes_what_it_names_and_nothing_else() {
    let plain = || exchange(200, &[("content-length", "9"), ("x-a", "1")], r#"{"a":[{"b":1}],"c":"x"}"#);
    let at = |pointer: &str, how| Change::Field { field: Field::at(pointer), how };
    let cases = [
        (Change::Status { status: 500 }, Some(500), "content-length: 9, x-a: 1", r#"{"a":[{"b":1}],"c":"x"}"#),
        (Change::BodyEmpty, Some(200), "x-a: 1", ""),
        (Change::BodyTruncated, Some(200), "x-a: 1", r#"{"a":[{"b":"#),
        (
            Change::HeaderMissing { header: "x-a".to_owned() },
            Some(200),
            "content-length: 9",
            r#"{"a":[{"b":1}],"c":"x"}"#,
        ),
        (at("/a/0/b", FieldChange::Missing), Some(200), "x-a: 1", r#"{"a":[{}],"c":"x"}"#),
        (at("/a/0/b", FieldChange::WrongType), Some(200), "x-a: 1", r#"{"a":[{"b":"1"}],"c":"x"}"#),
        (at("/c", FieldChange::Null), Some(200), "x-a: 1", r#"{"a":[{"b":1}],"c":null}"#),
        (at("/c", FieldChange::WrongType), Some(200), "x-a: 1", r#"{"a":[{"b":1}],"c":12345}"#),
        (Change::Reset, None, "", ""),
        (Change::Redirect, Some(307), "x-a: 1, location: https://elsewhere.invalid/token?x=1", ""),
    ];
    for (change, status, headers, body) in cases {
        let shown = change.to_string();
        assert_eq!(answer(plain(), change), (status, headers.to_owned(), body.to_owned()), "{shown}");
    }
    let redirects = exchange(302, &[("location", "/login?state=1")], "");
    let (_, headers, _) = answer(redirects, Change::Redirect);
    assert_eq!(headers, "location: https://elsewhere.invalid/login?state=1");
    let elsewhere = Fault { exchange: 0, change: Change::Redirect }.apply(&tape(plain()));
    assert_eq!(elsewhere.tracks[1].exchange.request.url, "https://elsewhere.invalid/token?x=1");
    assert_eq!(elsewhere.tracks[1].exchange.request.status, Some(200));
}

fn jwt(claims: &str) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.{}", part(r#"{"alg":"RS256"}"#), part(claims), part("signature"))
}

#[test]
fn tokens_are_found_and_made_wrong() {
    let token = jwt(r#"{"iss":"i","aud":"a","exp":1800003600,"iat":1800000000}"#);
    let in_body = exchange(200, &[], &format!(r#"{{"id_token":"{token}","other":"a.b.c"}}"#));
    let in_location = exchange(302, &[("location", &format!("/cb#x=1&id_token={token}&state=2"))], "");
    for exchange in [in_body, in_location] {
        let found: Vec<Change> = faults(std::slice::from_ref(&exchange), &[true], 10_000)
            .into_iter()
            .map(|fault| fault.change)
            .filter(|change| change.family() == Family::Token)
            .collect();
        let expected = [
            (TokenChange::Signature, ""),
            (TokenChange::Expired, r#"{"aud":"a","exp":1799996400,"iat":1799992800,"iss":"i"}"#),
            (
                TokenChange::Issuer,
                r#"{"aud":"a","exp":1800003600,"iat":1800000000,"iss":"https://elsewhere.invalid/"}"#,
            ),
            (TokenChange::Audience, r#"{"aud":"somebody-else","exp":1800003600,"iat":1800000000,"iss":"i"}"#),
        ];
        assert_eq!(found.len(), expected.len());
        for (change, (how, claims)) in found.into_iter().zip(expected) {
            assert!(matches!(&change, Change::Token { how: found, .. } if *found == how), "{change:?}");
            let (_, headers, body) = answer(exchange.clone(), change);
            let whole = headers + &body;
            assert!(!whole.contains(&token), "{whole}");
            let start = whole.find("eyJ").unwrap();
            let changed = whole[start..].split(['"', '&']).next().unwrap();
            let parts: Vec<&str> = changed.split('.').collect();
            let payload = String::from_utf8(URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
            let sorted: serde_json::Value = serde_json::from_str(&payload).unwrap();
            let wanted =
                if claims.is_empty() { r#"{"iss":"i","aud":"a","exp":1800003600,"iat":1800000000}"# } else { claims };
            assert_eq!(sorted, serde_json::from_str::<serde_json::Value>(wanted).unwrap());
            assert_eq!(parts[2] != token.split('.').nth(2).unwrap(), how == TokenChange::Signature);
        }
    }
}

#[test]
fn a_hint_is_a_line_that_notices() {
    let exchange = exchange(200, &[("content-type", "application/json; charset=utf-8")], r#"{"keys":[{"kid":"1"}]}"#);
    let hint = |change| Fault { exchange: 0, change }.hint(&exchange);
    assert_eq!(
        hint(Change::Field { field: Field::at("/keys/0/kid"), how: FieldChange::Null }),
        "expect(body).toMatchObject({ keys: expect.arrayContaining([expect.objectContaining({ kid: expect.any(String) })]) });"
    );
    assert_eq!(hint(Change::ContentType), r#"expect(response).toHaveHeader("content-type", /^application\/json/);"#);
    assert_eq!(hint(Change::Status { status: 500 }), "expect(response).toHaveStatus(200);");
}
