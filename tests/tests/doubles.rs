//! The doubles themselves: an end-to-end test is worth what they notice.

use reqwest::{Client, Response, header};
use serde_json::{Value, json};
use std::time::Duration;
use tests::doubles::Behaviour;
use tests::doubles::contract::{self, OpenApi3, Swagger2};
use tests::doubles::slack::{self, Slack};
use tests::doubles::twilio::{self, Twilio};

const SOON: Duration = Duration::from_secs(5);

fn client() -> Client {
    // Reqwest wants a provider even for plain HTTP. An error only says that another test was first.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    // A kept connection that the double closed on purpose must not fail the next request.
    Client::builder().pool_max_idle_per_host(0).build().expect("a client without settings can be built")
}

async fn call(slack: &Slack, method: &str, body: &Value) -> reqwest::Result<Response> {
    client().post(format!("{}{method}", slack.api_url())).bearer_auth(Slack::TOKEN).json(body).send().await
}

async fn answer(slack: &Slack, method: &str, body: &Value) -> Value {
    call(slack, method, body).await.unwrap().json().await.unwrap()
}

async fn history(slack: &Slack, method: &str, query: &[(&str, &str)]) -> Value {
    let request = client().get(format!("{}{method}", slack.api_url())).bearer_auth(Slack::TOKEN).query(query);
    request.send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn slack_keeps_what_is_posted_edited_and_threaded() {
    let slack = Slack::workspace().await.unwrap();
    let metadata = json!({ "event_type": "incident", "event_payload": { "number": 7 } });
    let posted = answer(
        &slack,
        "chat.postMessage",
        &json!({ "channel": "#p2", "text": "first", "metadata": metadata,
            "blocks": [{ "type": "section", "text": { "type": "mrkdwn", "text": "in a block" } }] }),
    )
    .await;
    assert_eq!(posted["ok"], true, "{posted}");
    let (id, ts) = (posted["channel"].as_str().unwrap(), posted["ts"].as_str().unwrap());
    answer(&slack, "chat.postMessage", &json!({ "channel": id, "text": "reply", "thread_ts": ts })).await;
    answer(&slack, "chat.postMessage", &json!({ "channel": "p1", "text": "elsewhere" })).await;
    let edited = answer(&slack, "chat.update", &json!({ "channel": id, "ts": ts, "text": "second" })).await;
    assert_eq!(edited["ok"], true, "{edited}");

    let [post] = &slack.posts("#p2")[..] else { panic!("one post") };
    assert_eq!((post.text.as_str(), post.edits.len()), ("second", 1));
    assert_eq!(post.edits[0].1, "first\nin a block");
    assert_eq!(slack.replies(post).len(), 1);
    assert_eq!(slack.posts("#p1").len(), 1);

    let shown = history(&slack, "conversations.history", &[("channel", id), ("include_all_metadata", "true")]).await;
    assert_eq!(shown["messages"].as_array().unwrap().len(), 1, "replies are in the thread alone: {shown}");
    assert_eq!(shown["messages"][0]["metadata"], metadata);
    let shown = history(&slack, "conversations.history", &[("channel", id), ("oldest", ts)]).await;
    assert_eq!(shown["messages"], json!([]), "`oldest` is exclusive");
    let shown = history(&slack, "conversations.history", &[("channel", id), ("oldest", ts), ("inclusive", "1")]).await;
    assert_eq!(shown["messages"][0].get("metadata"), None, "metadata was not asked for");
    let shown = history(&slack, "conversations.replies", &[("channel", id), ("ts", ts), ("limit", "1")]).await;
    assert_eq!((&shown["messages"][0]["text"], &shown["has_more"]), (&json!("second"), &json!(true)));
    let cursor = shown["response_metadata"]["next_cursor"].as_str().unwrap();
    let query = [("channel", id), ("ts", ts), ("limit", "1"), ("cursor", cursor)];
    let shown = history(&slack, "conversations.replies", &query).await;
    assert_eq!((&shown["messages"][0]["text"], &shown["has_more"]), (&json!("reply"), &json!(false)));

    assert_eq!(slack.with(|record| record.calls.len()), 9);
    if let Some(document) = contract::document(slack::SPECIFICATION) {
        let schema = Swagger2::new(document).answer_schema("/chat.update").unwrap();
        jsonschema::draft4::new(&schema).unwrap().validate(&edited).unwrap();
    }
}

#[tokio::test]
async fn slack_notices_what_slack_would_refuse() {
    let slack = Slack::workspace().await.unwrap();
    let posted = answer(&slack, "chat.postMessage", &json!({ "channel": "#p2", "text": "x" })).await;
    let ts = posted["ts"].as_str().unwrap();
    let long = json!([{ "type": "section", "text": { "type": "mrkdwn", "text": "x".repeat(3001) } }]);
    let cases: &[(&str, Value, &str, &str)] = &[
        ("chat.postMessage", json!({ "channel": "#p9", "text": "x" }), "channel_not_found", "no such channel"),
        ("chat.postMessage", json!({ "channel": "#p2" }), "no_text", "neither"),
        ("chat.postMessage", json!({ "channel": "#p2", "text": "x", "blocks": long }), "invalid_blocks", "3001"),
        (
            "chat.postMessage",
            json!({ "channel": "#p2", "text": "x", "thread_ts": "1.000001" }),
            "thread_not_found",
            "1.000001",
        ),
        (
            "chat.postMessage",
            json!({ "channel": "#p1", "text": "x", "thread_ts": ts }),
            "thread_not_found",
            "#p1 has no",
        ),
        ("chat.update", json!({ "channel": "#p2", "ts": ts, "text": "x" }), "channel_not_found", "must be the ID"),
        (
            "chat.update",
            json!({ "channel": posted["channel"], "ts": "1.000001", "text": "x" }),
            "message_not_found",
            "1.000001",
        ),
    ];
    for (method, body, error, violation) in cases {
        let answered = answer(&slack, method, body).await;
        assert_eq!(answered["error"], *error, "{method} {body}");
        let found = slack.take_violations();
        assert!(found.iter().any(|found| found.contains(violation)), "{method} {body}: {found:?}");
    }
    let anonymous = client().post(format!("{}auth.test", slack.api_url())).send().await.unwrap();
    assert_eq!(anonymous.json::<Value>().await.unwrap()["error"], "not_authed");
    assert!(!slack.take_violations().is_empty());
    let accepted_with_a_fault = json!({ "channel": "#p2", "text": "x", "metadata": { "event_type": "x" } });
    assert_eq!(answer(&slack, "chat.postMessage", &accepted_with_a_fault).await["ok"], true);
    assert!(slack.take_violations()[0].contains("event_payload"));
}

#[tokio::test]
#[should_panic(expected = "must be the ID of a channel")]
async fn a_violation_fails_the_test() {
    let slack = Slack::workspace().await.unwrap();
    answer(&slack, "chat.update", &json!({ "channel": "#p2", "ts": "1.000001", "text": "x" })).await;
}

#[tokio::test]
async fn behaviours_differ_in_what_is_kept_and_what_is_seen() {
    let limited = Behaviour::RateLimited { retry_after_s: 7 };
    let cases = [
        (Behaviour::Answer, true, Ok((200, true))),
        (limited, false, Ok((429, true))),
        (Behaviour::Status(503), false, Ok((503, false))),
        (Behaviour::StatusAfterAccepting(500), true, Ok((500, false))),
        (Behaviour::CloseBeforeAccepting, false, Err(())),
        (Behaviour::CloseAfterAccepting, true, Err(())),
        (Behaviour::GarbageBeforeAccepting, false, Ok((200, false))),
        (Behaviour::GarbageAfterAccepting, true, Ok((200, false))),
        (Behaviour::WrongContentType, false, Ok((200, false))),
    ];
    for (behaviour, kept, seen) in cases {
        let slack = Slack::workspace().await.unwrap();
        slack.next("chat.postMessage", [behaviour]);
        let answered = call(&slack, "chat.postMessage", &json!({ "channel": "#p2", "text": "x" })).await;
        let got = match answered {
            Ok(response) => {
                let (status, headers) = (response.status().as_u16(), response.headers().clone());
                let retry_after = headers.get(header::RETRY_AFTER).map(|value| value.to_str().unwrap().to_owned());
                assert_eq!(retry_after, (behaviour == limited).then(|| "7".to_owned()), "{behaviour:?}");
                Ok((status, response.json::<Value>().await.is_ok()))
            }
            Err(_) => Err(()),
        };
        assert_eq!(got, seen, "{behaviour:?}");
        assert_eq!(slack.posts("#p2").len(), usize::from(kept), "{behaviour:?}");
        assert_eq!(slack.with(|record| record.calls[0].behaviour), behaviour);
    }
    for (behaviour, kept) in [(Behaviour::HangBeforeAccepting, 0), (Behaviour::HangAfterAccepting, 1)] {
        let slack = Slack::workspace().await.unwrap();
        slack.always_everything(behaviour);
        let body = json!({ "channel": "#p2", "text": "x" });
        let hanging = call(&slack, "chat.postMessage", &body);
        tokio::select! {
            answered = hanging => panic!("{behaviour:?} answered {answered:?}"),
            () = slack.wait_until("the call", SOON, |record| record.calls.len() == 1) => {}
        }
        assert_eq!(slack.posts("#p2").len(), kept, "{behaviour:?}");
    }
}

#[tokio::test]
async fn a_double_that_refuses_connections_comes_back() {
    let mut slack = Slack::workspace().await.unwrap();
    slack.refuse_connections().await;
    let body = json!({ "channel": "#p2", "text": "x" });
    assert!(call(&slack, "chat.postMessage", &body).await.unwrap_err().is_connect());
    slack.listen_again().await.unwrap();
    assert_eq!(answer(&slack, "chat.postMessage", &body).await["ok"], true);
}

async fn send(twilio: &Twilio, form: &[(&str, &str)]) -> (u16, Value) {
    let url = format!("{}/2010-04-01/Accounts/{}/Messages.json", twilio.api_url(), Twilio::ACCOUNT_SID);
    let request = client().post(url).basic_auth(Twilio::ACCOUNT_SID, Some(Twilio::AUTH_TOKEN)).form(form);
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn list(twilio: &Twilio, query: &[(&str, &str)]) -> Value {
    let url = format!("{}/2010-04-01/Accounts/{}/Messages.json", twilio.api_url(), Twilio::ACCOUNT_SID);
    let request = client().get(url).basic_auth(Twilio::ACCOUNT_SID, Some(Twilio::AUTH_TOKEN)).query(query);
    request.send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn twilio_keeps_what_is_sent_and_lists_it() {
    let twilio = Twilio::account().await.unwrap();
    let mut answers = Vec::new();
    for to in ["+4915100000001", "+4915100000002", "+4915100000001"] {
        let (status, sent) = send(&twilio, &[("To", to), ("From", Twilio::FROM), ("Body", "login is down")]).await;
        assert_eq!((status, &sent["status"]), (201, &json!("queued")), "{sent}");
        answers.push(sent);
    }
    let first = list(&twilio, &[("To", "+4915100000001"), ("PageSize", "1")]).await;
    assert_eq!(first["messages"][0]["sid"], answers[2]["sid"], "newest first");
    let next = first["next_page_uri"].as_str().unwrap();
    assert!(next.contains("Page=1") && next.contains("To=%2B4915100000001"), "{next}");
    let days = [("DateSent>", "2000-01-01"), ("DateSent<", "2099-01-01")];
    assert_eq!(list(&twilio, &days).await["messages"].as_array().unwrap().len(), 3);
    assert_eq!(list(&twilio, &[("DateSent", "2000-01-01")]).await["messages"], json!([]));
    assert_eq!(list(&twilio, &[("From", "+15005550001")]).await["messages"], json!([]));

    if let Some(document) = contract::document(twilio::SPECIFICATION) {
        let description = OpenApi3::new(document);
        let path = format!("/2010-04-01/Accounts/{}/Messages.json", Twilio::ACCOUNT_SID);
        assert_eq!(description.answer_violations("POST", &path, 201, &answers[0]), [""; 0]);
        assert_eq!(description.answer_violations("GET", &path, 200, &first), [""; 0]);
        assert_ne!(description.answer_violations("GET", &path, 200, &json!({ "messages": 1 })), [""; 0]);
    }
}

#[tokio::test]
async fn twilio_notices_what_twilio_would_refuse() {
    let twilio = Twilio::account().await.unwrap();
    let long = "x".repeat(1601);
    let cases: &[(&[(&str, &str)], i64)] = &[
        (&[("From", Twilio::FROM), ("Body", "x")], 21604),
        (&[("To", "015100000001"), ("From", Twilio::FROM), ("Body", "x")], 21211),
        (&[("To", "+4915100000001"), ("Body", "x")], 21603),
        (&[("To", "+4915100000001"), ("From", "devops"), ("Body", "x")], 21212),
        (&[("To", "+4915100000001"), ("From", Twilio::FROM)], 21602),
        (&[("To", "+4915100000001"), ("From", Twilio::FROM), ("Body", &long)], 21617),
    ];
    for (form, code) in cases {
        let (status, answered) = send(&twilio, form).await;
        assert_eq!((status, &answered["code"]), (400, &json!(code)), "{form:?}");
        assert!(!twilio.take_violations().is_empty(), "{form:?}");
    }
    assert_eq!(twilio.messages().len(), 0);
    let service =
        [("To", "+4915100000001"), ("MessagingServiceSid", "MG00000000000000000000000000000001"), ("Body", "x")];
    assert_eq!(send(&twilio, &service).await.0, 201);
    let nowhere =
        [("To", "+4915100000001"), ("From", Twilio::FROM), ("Body", "x"), ("StatusCallback", "/twilio/status")];
    assert_eq!(send(&twilio, &nowhere).await.0, 201);
    assert!(twilio.take_violations().iter().any(|found| found.contains("no address that Twilio could call")));
    let wrong_token = client()
        .post(format!("{}/2010-04-01/Accounts/{}/Messages.json", twilio.api_url(), Twilio::ACCOUNT_SID))
        .basic_auth(Twilio::ACCOUNT_SID, Some("guessed"))
        .form(&service);
    assert_eq!(wrong_token.send().await.unwrap().status(), 401);
    assert!(twilio.take_violations()[0].contains("Authorization"));
}

async fn call_up(twilio: &Twilio, form: &[(&str, &str)]) -> (u16, Value) {
    let url = format!("{}/2010-04-01/Accounts/{}/Calls.json", twilio.api_url(), Twilio::ACCOUNT_SID);
    let request = client().post(url).basic_auth(Twilio::ACCOUNT_SID, Some(Twilio::AUTH_TOKEN)).form(form);
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn twilio_calls_whom_it_can_and_notices_what_it_would_refuse() {
    let twilio = Twilio::account().await.unwrap();
    let (to, from) = (("To", "+4915100000001"), ("From", Twilio::FROM));
    let gather =
        "<Response><Gather numDigits=\"1\" action=\"https://x.example/\"><Say>a &amp; b</Say></Gather></Response>";
    let (status, called) = call_up(&twilio, &[to, from, ("Twiml", gather)]).await;
    assert_eq!((status, &called["status"]), (201, &json!("queued")), "{called}");
    let [call] = &twilio.phone_calls()[..] else { panic!("one call") };
    assert_eq!((call.said(), call.gathers_at().as_deref()), (vec!["a & b".to_owned()], Some("https://x.example/")));
    let url = format!("{}/2010-04-01/Accounts/{}/Calls.json", twilio.api_url(), Twilio::ACCOUNT_SID);
    let request = client().get(&url).basic_auth(Twilio::ACCOUNT_SID, Some(Twilio::AUTH_TOKEN));
    let listed: Value = request.query(&[("To", "+4915100000001")]).send().await.unwrap().json().await.unwrap();
    assert_eq!(listed["calls"][0]["sid"], called["sid"], "{listed}");
    if let Some(document) = contract::document(twilio::SPECIFICATION) {
        let description = OpenApi3::new(document);
        let path = format!("/2010-04-01/Accounts/{}/Calls.json", Twilio::ACCOUNT_SID);
        assert_eq!(description.answer_violations("POST", &path, 201, &called), [""; 0]);
        assert_eq!(description.answer_violations("GET", &path, 200, &listed), [""; 0]);
    }
    let long = format!("<Response><Say>{}</Say></Response>", "x".repeat(4000));
    let cases: &[(&[(&str, &str)], i64)] = &[
        (&[from, ("Twiml", gather)], 21604),
        (&[to, ("From", "devops"), ("Twiml", gather)], 21212),
        (&[to, from], 21205),
        (&[to, from, ("Twiml", "<Response><Say>a & b</Say></Response>")], 12100),
        (&[to, from, ("Twiml", "<Response><Dial>+1900</Dial></Response>")], 12100),
        (&[to, from, ("Twiml", "<Response><Gather><Say>1</Say></Gather></Response>")], 12100),
        (&[to, from, ("Twiml", &long)], 12100),
    ];
    for (form, code) in cases {
        let (status, answered) = call_up(&twilio, form).await;
        assert_eq!((status, &answered["code"]), (400, &json!(code)), "{form:?}");
        assert!(!twilio.take_violations().is_empty(), "{form:?}");
    }
    assert_eq!(twilio.phone_calls().len(), 1);
}
