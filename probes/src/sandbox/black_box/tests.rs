use super::*;
use crate::engine::Redactor;
use checks::{ConsoleLevel, FailureClass, Phases, RequestFailure};
use rand::{Rng as _, RngCore as _, SeedableRng as _};
use std::collections::BTreeMap;

fn limits() -> Limits {
    Limits { steps_max: 4, console_lines_max: 3, requests_max: 2, ..Limits::default() }
}

fn step(name: &str, parent: Option<u32>, duration_us: Option<u64>) -> Step {
    Step { name: name.to_owned(), parent, start_us: 1, duration_us, error: None }
}

fn line(text: &str) -> ConsoleLine {
    ConsoleLine { at_us: 1, level: ConsoleLevel::Warn, text: text.to_owned() }
}

fn request(url: &str) -> Request {
    Request {
        method: "GET".to_owned(),
        url: url.to_owned(),
        step: Some(1),
        start_us: 5,
        phases: Phases::default(),
        status: None,
        http_version: None,
        remote_addr: Some("192.0.2.1:443".to_owned()),
        tls: None,
        sent_body_bytes: 3,
        received_body_bytes: 0,
        failure: None,
        transcript: None,
    }
}

fn found(notes: &BlackBox) -> Found {
    Found::read(&notes.contents(), &limits(), &Redactor::default())
}

#[test]
fn what_was_noted_is_found() {
    let notes = BlackBox::new(&limits()).unwrap();
    notes.step(0, &step("login", None, None));
    notes.step(1, &step("token", Some(0), None));
    notes.step(1, &step("token", Some(0), Some(7)));
    notes.step(2, &step("profile", Some(0), None));
    notes.console(0, &line("one"));
    notes.exchange(0, &request("https://a.test/"), Some("waited for the first byte"), false);
    notes.exchange(1, &request("https://b.test/"), Some("waited for the TLS handshake"), false);
    notes.waits(0, false);
    notes.dropped(&Dropped { steps: 9, ..Dropped::default() });
    notes.last_words("index out of bounds");
    let found = found(&notes);
    assert_eq!(
        found.steps,
        [step("login", None, None), step("token", Some(0), Some(7)), step("profile", Some(0), None)]
    );
    assert_eq!(found.console, [line("one")]);
    assert_eq!(found.requests, [request("https://a.test/"), request("https://b.test/")]);
    assert_eq!(found.dropped.steps, 9);
    assert_eq!(found.last_words.as_deref(), Some("index out of bounds"));
    assert_eq!(found.open_step().as_deref(), Some("login › profile"));
    assert_eq!(found.waiting_for.as_deref(), Some("GET https://b.test/ waited for the TLS handshake"));
}

#[test]
fn an_empty_box_has_nothing() {
    let contents = BlackBox::new(&limits()).unwrap().contents();
    assert_eq!(contents, b"");
    assert!(Found::read(&contents, &limits(), &Redactor::default()).open_step().is_none());
}

#[test]
fn what_is_longer_or_more_than_there_is_room_for_is_cut() {
    let long = ["x".repeat(9_000), "\u{1}".repeat(9_000), "\u{1f600}".repeat(9_000)];
    for text in &long {
        let notes = BlackBox::new(&limits()).unwrap();
        for index in 0..10 {
            notes.step(index, &Step { error: Some(text.clone()), ..step(text, None, None) });
            notes.console(index, &line(text));
            let failure = RequestFailure { class: FailureClass::NetworkTls, message: text.clone() };
            notes.exchange(index, &Request { failure: Some(failure), ..request(text) }, Some(text), false);
        }
        notes.last_words(text);
        let found = found(&notes);
        assert_eq!((found.steps.len(), found.console.len(), found.requests.len()), (4, 3, 2));
        assert!(found.steps[0].name.contains(" of ") && found.console[0].text.contains(" of "), "{found:?}");
        assert!(found.last_words.is_some() && notes.contents().len() < 20_000);
    }
}

#[test]
fn secrets_are_taken_out_of_what_a_run_has_left_in() {
    let secret = "s3cret-value-4711";
    let redactor = Redactor::new(&BTreeMap::from([("S".to_owned(), secret.to_owned())]));
    let notes = BlackBox::new(&limits()).unwrap();
    notes.step(0, &Step { error: Some(secret.to_owned()), ..step(secret, None, None) });
    notes.console(0, &line("s3cret-"));
    notes.console(1, &line("value-4711"));
    let failure = RequestFailure { class: FailureClass::NetworkTls, message: secret.to_owned() };
    notes.exchange(0, &Request { failure: Some(failure), ..request(secret) }, Some(secret), false);
    notes.last_words(secret);
    let text = format!("{:?}", Found::read(&notes.contents(), &limits(), &redactor));
    assert!(!text.contains("s3cret") && !text.contains("4711"), "{text}");
}

/// A process that was taken over can write what it likes, wherever it likes.
#[test]
fn garbage_is_no_note() {
    let mut random = rand::rngs::StdRng::seed_from_u64(4711);
    for round in 0..200 {
        let notes = BlackBox::new(&limits()).unwrap();
        notes.step(0, &step("real", None, None));
        notes.console(0, &line("real"));
        notes.exchange(0, &request("https://a.test/"), None, true);
        let mut garbage = vec![0; notes.layout.bytes];
        random.fill_bytes(&mut garbage);
        let start = random.random_range(0..garbage.len());
        let bytes = random.random_range(0..=garbage.len() - start);
        notes.memory.write(start, &garbage[..bytes]);
        let mut contents = notes.contents();
        let found = Found::read(&contents, &limits(), &Redactor::default());
        assert!(found.steps.len() <= 4 && found.console.len() <= 3 && found.requests.len() <= 2, "round {round}");
        // And what a zygote that was taken over would send.
        contents.truncate(random.random_range(0..=contents.len()));
        let _ = Found::read(&contents, &limits(), &Redactor::default());
        let _ = Found::read(&garbage, &limits(), &Redactor::default());
    }
}

#[test]
fn notes_that_lie_are_bounded() {
    let frame = |kind: Kind, note: &str| {
        let mut frame = vec![kind as u8, 1];
        frame.extend(u32::try_from(note.len()).unwrap().to_be_bytes());
        frame.extend(note.as_bytes());
        frame
    };
    let own_parent = r#"{"name":"a","parent":0,"start_us":1}"#;
    let far_parent = r#"{"name":"b","parent":4000000000,"start_us":1}"#;
    let exchange = r#"{"request":{"method":"GET","url":"u","step":77,"start_us":0,"phases":{},"sent_body_bytes":0,
        "received_body_bytes":0,"transcript":{"sent":{}},"tls":{"version":"x","certificates":[]}},"waits_for":"w",
        "is_over":false}"#;
    let contents = [
        frame(Kind::Step, own_parent),
        frame(Kind::Step, "no json"),
        frame(Kind::Step, far_parent),
        frame(Kind::Exchange, exchange),
        frame(Kind::Dropped, r#"{"steps":-1}"#),
        vec![99, 0, 0, 0, 0, 1, b'x'],
        frame(Kind::Console, &format!(r#"{{"at_us":1,"level":"info","text":"{}"}}"#, "x".repeat(100_000))),
        vec![Kind::Step as u8, 0, 0xff, 0xff, 0xff, 0xff, b'x'],
    ]
    .concat();
    let found = Found::read(&contents, &limits(), &Redactor::default());
    let steps: Vec<_> = found.steps.iter().map(|step| (step.name.as_str(), step.parent)).collect();
    assert_eq!(steps, [("a", None), ("(unreadable)", None), ("b", None)]);
    assert_eq!((found.requests[0].step, &found.requests[0].tls, &found.requests[0].transcript), (None, &None, &None));
    assert_eq!(found.dropped, Dropped::default());
    assert!(found.console[0].text.len() < 5_000);
    assert_eq!(found.open_step().as_deref(), Some("b"));
}
