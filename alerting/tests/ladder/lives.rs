use crate::life::*;
use crate::table::states;
use alerting::act::Via;
use alerting::incident::*;
use alerting::notification::{NotificationId, Role};
use checks::FailureClass;
use std::collections::BTreeSet;

#[test]
fn failures_that_are_not_the_targets_never_page() {
    let mut life = Life::new(ladder(1, 1));
    for index in 0..50 {
        let class = if index % 2 == 0 { FailureClass::Script } else { FailureClass::Prober };
        let transition = life.next("eu", failed(class));
        assert_eq!(pages(&transition), 0);
        let sms = transition.notifications.iter().any(|n| !n.address.is_editable());
        assert!(!sms, "no SMS for a failure of class {class}");
    }
    assert_eq!(life.state.incident.unwrap().rungs.len(), 1);
}

#[test]
fn a_starved_prober_in_between_does_not_save_the_target() {
    let mut life = Life::new(ladder(1, 1));
    let steps = [("eu", failed(HTTP)), ("eu", failed(FailureClass::Prober)), ("eu", failed(HTTP))];
    let decisions = play(&mut life, &steps);
    assert!(matches!(decisions[2], Decision::Climbed(_)), "{decisions:?}");
}

#[test]
fn a_long_outage_pages_each_rung_once() {
    let mut life = Life::new(ladder(1, 1));
    let mut pages_sent = 0;
    for _ in 0..100 {
        for place in ["eu", "us", "ap"] {
            pages_sent += pages(&life.next(place, failed(HTTP)));
        }
    }
    assert_eq!(pages_sent, 3, "#p1 and two members");
}

#[test]
fn a_missed_slot_is_no_recovery_and_no_failure() {
    let mut life = Life::new(ladder(1, 1));
    let steps = [("eu", failed(HTTP)), ("eu", Verdict::Missed), ("eu", Verdict::Missed), ("eu", failed(HTTP))];
    let decisions = play(&mut life, &steps);
    assert_eq!(decisions[1..3], [Decision::Missed, Decision::Missed]);
    assert!(matches!(decisions[3], Decision::Climbed(_)), "the row goes on over missed slots: {decisions:?}");
}

#[test]
fn an_incident_that_comes_back_has_a_new_number_and_names_the_one_before() {
    let mut life = Life::new(ladder(1, 1));
    play(&mut life, &[("eu", failed(HTTP)), ("eu", Verdict::Passed)]);
    let again = life.next("eu", failed(HTTP));
    let report = again.report.unwrap();
    assert_eq!((report.number, report.previous), (2, Some(1)));
    assert_ne!(again.notifications[0].id, NotificationId::new("j", 1, 1));
}

#[test]
fn a_second_attempt_of_a_slot_counts_and_the_first_after_it_does_not() {
    let mut life = Life::new(ladder(1, 1));
    life.next("eu", failed(HTTP));
    let attempt = |life: &Life, attempt, verdict| match life.at_slot("eu", life.slot, verdict) {
        Event::Observed(observation) => Event::Observed(Observation { attempt, ..observation }),
        other => other,
    };
    let second = attempt(&life, 2, failed(HTTP));
    assert!(matches!(life.apply(&second).decision, Decision::Climbed(_)));
    let first = attempt(&life, 1, Verdict::Passed);
    assert_eq!(life.apply(&first).decision, Decision::Late);
}

#[test]
fn a_clock_that_went_back_does_not_make_a_check_deaf() {
    let mut life = Life::new(ladder(1, 1));
    life.slot = 1_000_000;
    life.next("eu", Verdict::Passed);
    life.slot = 100;
    let decisions = play(&mut life, &[("eu", failed(HTTP)), ("eu", failed(HTTP))]);
    assert!(matches!(decisions[..], [Decision::Opened(_), Decision::Climbed(_)]), "{decisions:?}");
}

#[test]
fn a_rung_may_wait_for_several_regions_and_a_later_one_not() {
    let mut policy = ladder(1, 1);
    policy.rungs.truncate(2);
    policy.rungs[0].min_regions = 2;
    policy.rungs[1].failures_in_a_row = 3;
    let mut life = Life::new(policy);
    let eu = || ("eu", failed(HTTP));
    let alone = play(&mut life, &[eu(), eu(), eu()]);
    assert_eq!(alone[..2], [Decision::Counted, Decision::Counted]);
    assert!(matches!(&alone[2], Decision::Opened(reason) if reason.to_string() == "3 failures in a row in eu"));
    let both = play(&mut life, &[("us", failed(HTTP))]);
    let wanted = "a failure in each of eu, us";
    assert!(matches!(&both[0], Decision::Climbed(reason) if reason.to_string() == wanted), "{both:?}");
}

#[test]
fn edits_of_little_news_grow_fewer() {
    let mut life = Life::new(ladder(1, 1));
    let mut due = BTreeSet::new();
    let slots_of_a_day = 24 * 3600 / 30;
    for _ in 0..slots_of_a_day {
        let transition = life.next("eu", failed(HTTP));
        due.extend(transition.notifications.iter().filter(|n| n.role == Role::Edit).map(|n| n.not_before));
    }
    assert!((100..250).contains(&due.len()), "{} edits in a day", due.len());
}

#[test]
fn the_state_survives_its_own_serialisation() {
    for (name, life) in states() {
        let json = serde_json::to_string(&life.state).unwrap();
        assert_eq!(serde_json::from_str::<CheckState>(&json).unwrap(), life.state, "{name}");
        assert!(json.len() < 3072, "{name}: {} bytes", json.len());
    }
}

#[test]
fn time_pages_until_somebody_acknowledges() {
    let mut life = Life::new(ladder(1, 1));
    play(&mut life, &[("eu", failed(HTTP)), ("eu", failed(HTTP))]);
    let mut decisions = Vec::new();
    for _ in 0..4 {
        let at = due(&life.state, &life.ladder).unwrap().at;
        life.slot = at.since_ms(START) / SLOT_MS;
        let transition = life.apply(&Event::Due { at });
        decisions.push(tell(&transition).split(" | ").next().unwrap().to_owned());
        // The same instant again, as a second decider would hand it over, does nothing.
        assert_eq!(life.apply(&Event::Due { at }).decision, Decision::Nothing);
    }
    let wanted = ["climbed: nobody has acknowledged it for 10 min", "repeated", "repeated", "repeated"];
    assert_eq!(decisions, wanted);
    life.apply(&Event::Acknowledged { incident: 1, by: "Ada".to_owned(), via: Via::Voice });
    assert_eq!(due(&life.state, &life.ladder), None);
}

#[test]
fn what_a_parent_explains_wakes_nobody_and_what_it_does_not_does() {
    let fail = || ("eu", failed(HTTP));
    let mut parent = Life::new(ladder(1, 1));
    let mut child = Life::new(ladder(1, 1));
    play(&mut parent, &[fail(), fail()]);
    child.parent = Some(parent.state.clone());
    let mut transitions = vec![child.next("eu", failed(HTTP)), child.next("eu", failed(HTTP))];
    assert!(transitions.iter().all(|transition| pages(transition) == 0));
    let trail: Vec<_> = transitions.iter().flat_map(|t| t.trail.iter().map(|entry| entry.text.clone())).collect();
    assert!(
        trail.iter().any(|text| text.contains("it depends on discovery, which fails too (incident #1)")),
        "{trail:?}"
    );
    // Elsewhere the parent passes, so that nothing explains the child's failure.
    transitions = vec![child.next("us", failed(HTTP)), child.next("us", failed(HTTP))];
    assert_eq!(pages(&transitions[1]), 3, "#p1 and two members");
    // The parent recovers: a run for a slot before that proves nothing, the next failure does.
    let mut child = Life::new(ladder(1, 1));
    child.parent = Some(parent.state.clone());
    play(&mut child, &[fail(), fail()]);
    parent.slot = child.slot;
    parent.next("eu", Verdict::Passed);
    child.parent = Some(parent.state);
    assert_eq!(child.apply(&Event::Look).decision, Decision::Nothing);
    assert_eq!(pages(&child.next("eu", failed(HTTP))), 0, "the parent's slot of recovery");
    assert_eq!(pages(&child.next("eu", failed(HTTP))), 3);
}

#[test]
fn a_silence_that_ends_pages_what_still_fails() {
    let mut life = Life { hold: Some(silence()), ..Life::new(ladder(1, 1)) };
    let fail = || ("eu", failed(HTTP));
    let decisions = play(&mut life, &[fail(), fail(), fail()]);
    assert_eq!(decisions, [Decision::OpenedHeld, Decision::Updated, Decision::Updated]);
    life.hold = None;
    let transition = life.apply(&Event::Look);
    assert_eq!(pages(&transition), 3, "{transition:?}");
    // One that was paged before is paged again, since nobody could have been told meanwhile.
    life.hold = Some(silence());
    life.apply(&Event::Look);
    life.hold = None;
    let transition = life.apply(&Event::Look);
    assert_eq!(
        (transition.decision, transition.notifications.iter().filter(|n| n.page).count()),
        (Decision::Repeated, 3)
    );
}

#[test]
fn a_first_failure_is_confirmed_once() {
    let mut rungs = ladder(1, 1);
    rungs.confirm_after_ms = Some(2_000);
    let mut life = Life::new(rungs);
    let first = life.next("eu", failed(HTTP)).run_again.expect("a first failure is confirmed");
    assert_eq!((first.attempt, first.after_ms), (1, 2_000));
    let event = match life.at_slot("eu", life.slot, failed(HTTP)) {
        Event::Observed(observation) => Event::Observed(Observation { attempt: first.attempt, ..observation }),
        other => other,
    };
    let confirmed = life.apply(&event);
    assert!(matches!(confirmed.decision, Decision::Climbed(_)), "the run counts: {confirmed:?}");
    assert_eq!(confirmed.run_again, None);
    assert_eq!(life.next("us", failed(FailureClass::Script)).run_again, None, "nothing is learnt about the target");
}

#[test]
fn a_confirming_run_that_passes_delays_no_page() {
    let mut rungs = ladder(1, 1);
    rungs.confirm_after_ms = Some(2_000);
    let mut life = Life::new(rungs);
    for round in ["first", "second"] {
        let first = life.next("eu", failed(HTTP)).run_again.expect("a first failure is confirmed");
        let event = match life.at_slot("eu", life.slot, Verdict::Passed) {
            Event::Observed(observation) => Event::Observed(Observation { attempt: first.attempt, ..observation }),
            other => other,
        };
        let passed = life.apply(&event);
        assert_eq!(passed.decision, Decision::Updated, "{round}: the incident goes on");
        assert!(passed.trail[0].text.contains("eu passed when it was run again"), "{:?}", passed.trail);
        assert_eq!(life.apply(&event).decision, Decision::Duplicate);
        let next = life.next("eu", failed(HTTP));
        assert!(matches!(next.decision, Decision::Climbed(_)), "{round}: as it would without: {next:?}");
        assert_eq!(next.run_again, None);
        let end = life.next("eu", Verdict::Passed);
        assert_eq!(end.decision, Decision::Recovered, "{round}: a slot that passes ends it");
    }
}

#[test]
fn a_check_that_comes_back_begins_anew() {
    let mut life = Life::new(ladder(2, 1));
    life.next("eu", failed(HTTP));
    life.next("eu", Verdict::Missed);
    let before = life.at_slot("eu", life.slot + 1, failed(HTTP));
    life.slot += 2;
    assert_eq!(life.apply(&Event::Removed).decision, Decision::Nothing);
    assert_eq!(life.apply(&before).decision, Decision::Late, "the last breath of the one that was");
    assert!(life.state.regions.is_empty(), "{:?}", life.state);
    assert_eq!(life.next("eu", failed(HTTP)).decision, Decision::Counted, "the first of its own");
    assert!(matches!(life.next("eu", failed(HTTP)).decision, Decision::Opened(_)));
}

#[test]
fn nobody_ends_by_hand_what_tocsin_sees() {
    let resolved = |incident| Event::Resolved {
        incident,
        by: "Ada".to_owned(),
        via: Via::CommandLine,
        because: "the alarm was deleted".to_owned(),
    };
    for (name, life) in states() {
        let Some(open) = &life.state.incident else { continue };
        let (number, told) = (open.number, open.told.len());
        let is_seen = life.state.signal.is_none() && life.state.is_unwell();
        let mut life = life.clone();
        let transition = life.apply(&resolved(number));
        assert_eq!(transition.decision, if is_seen { Decision::StillSeen } else { Decision::Closed }, "{name}");
        assert_eq!(life.state.incident.is_some(), is_seen, "{name}");
        if !is_seen {
            let said = transition.trail.last().map(|entry| entry.text.as_str()).unwrap_or_default();
            assert!(said.starts_with("resolved by Ada over the command line: the alarm was deleted"), "{name}: {said}");
            let ends = transition.notifications.iter().filter(|n| n.role != Role::Edit).count();
            assert_eq!(ends, told, "{name}: everybody who was told is told");
            assert!(!life.state.is_unwell(), "{name}");
            assert_eq!(life.apply(&resolved(number)).decision, Decision::Nothing, "{name}: once");
        }
    }
}

#[test]
fn rungs_of_an_older_journal_get_their_names() {
    let mut life = Life::new(ladder(1, 1));
    play(&mut life, &[("eu", failed(HTTP)), ("eu", failed(HTTP))]);
    let mut json = serde_json::to_value(&life.state).unwrap();
    json["incident"]["rungs_climbed"] = serde_json::json!([0, 1]);
    json["incident"].as_object_mut().unwrap().remove("rungs");
    life.state = serde_json::from_value(json).unwrap();
    assert_eq!(pages(&life.next("eu", failed(HTTP))), 0, "what was climbed is not climbed again");
    let labels: Vec<_> = life.state.incident.unwrap().rungs.into_iter().map(|rung| rung.label).collect();
    assert_eq!(labels, ["P2", "P1"]);
}
