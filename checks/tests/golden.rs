//! Every message ever released must still be read, and what is written today must be what was released.

use checks::{Outcome, wire};

const GOLDEN: &[(&str, &str)] = &[
    ("passed.v1.json", include_str!("../golden/passed.v1.json")),
    ("failed.v1.json", include_str!("../golden/failed.v1.json")),
    ("missed.v1.json", include_str!("../golden/missed.v1.json")),
    ("measured.v1.json", include_str!("../golden/measured.v1.json")),
    ("skipped.v1.json", include_str!("../golden/skipped.v1.json")),
    ("still-running.v1.json", include_str!("../golden/still-running.v1.json")),
];

#[test]
fn golden_messages_are_read_and_written_back_alike() {
    for (name, text) in GOLDEN {
        let result = wire::decode(text.as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let written: serde_json::Value = serde_json::from_slice(&wire::encode(&result)).unwrap();
        let golden: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(written, golden, "{name}");
    }
}

#[test]
fn every_outcome_has_a_golden_message() {
    let mut seen = [false; 5];
    for (_, text) in GOLDEN {
        let index = match wire::decode(text.as_bytes()).unwrap().outcome {
            Outcome::Passed => 0,
            Outcome::Failed(_) => 1,
            Outcome::Missed { still_running: false, .. } => 2,
            Outcome::Skipped { .. } => 3,
            Outcome::Missed { still_running: true, .. } => 4,
        };
        seen[index] = true;
    }
    assert_eq!(seen, [true; 5]);
}

#[test]
fn members_of_a_later_minor_are_ignored() {
    let mut message: serde_json::Value = serde_json::from_str(GOLDEN[0].1).unwrap();
    message["run_result"]["invented_later"] = 1.into();
    assert!(wire::decode(message.to_string().as_bytes()).is_ok());
}

#[test]
fn bad_messages_say_what_is_wrong() {
    let later = GOLDEN[0].1.replacen("\"v\": 1", "\"v\": 2", 1);
    let cases = [
        (later.as_str(), "wire version 2, and this build reads up to 1"),
        ("", "malformed message"),
        ("{}", "missing field `v`"),
        ("{\"v\":1}", "missing field `run_result`"),
    ];
    for (message, expected) in cases {
        let error = wire::decode(message.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(expected), "{message}: {error}");
    }
    let large = vec![b' '; wire::MESSAGE_BYTES_MAX + 1];
    assert!(wire::decode(&large).unwrap_err().to_string().contains("the limit is"));
}
