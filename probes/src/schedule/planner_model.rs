//! The planner against its guarantees: tables for single decisions, and random histories against a model that knows
//! only which slots exist.

use super::*;
use checks::{CheckId, Region, RunKey};
use proptest::prelude::*;
use std::collections::HashMap;

const T0: i64 = 1_795_466_400_000; // 2026-11-23T20:40:00Z

fn at(ms: i64) -> UnixMs {
    UnixMs(T0 + ms)
}

fn check(name: &str) -> CheckId {
    CheckId::new(name).unwrap()
}

fn region() -> Region {
    Region::new("eu-west-1").unwrap()
}

fn every(text: &str) -> Schedule {
    Schedule::parse(text, None).unwrap()
}

fn planner(concurrency_max: usize) -> Planner {
    Planner::new(PlannerSettings { concurrency_max, grace_max_ms: 10_000, first_run: FirstRun::NextSlot })
}

fn offset(name: &str, schedule: &Schedule) -> i64 {
    spread_offset_ms(&check(name), &region(), schedule) as i64
}

fn starts(planned: &[Planned]) -> Vec<RunKey> {
    let start = |p: &Planned| match p {
        Planned::Start(run) => Some(run.clone()),
        Planned::Missed { .. } => None,
    };
    planned.iter().filter_map(start).collect()
}

fn misses(planned: &[Planned]) -> Vec<(UnixMs, MissedReason)> {
    let miss = |p: &Planned| match p {
        Planned::Start(_) => None,
        Planned::Missed { key, reason } => Some((key.slot, reason.clone())),
    };
    planned.iter().filter_map(miss).collect()
}

#[test]
fn a_run_starts_at_its_offset_into_the_slot() {
    let mut planner = planner(8);
    let schedule = every("every 30s");
    planner.upsert(&check("a"), &region(), schedule.clone(), 5_000, at(-1));
    let start_at = at(offset("a", &schedule));
    assert_eq!(planner.next_wake(at(-1)), Some(start_at));
    assert_eq!(planner.due(start_at - 1), []);
    let run = RunKey { check: check("a"), region: region(), slot: at(0), attempt: 0 };
    assert_eq!(planner.due(start_at), [Planned::Start(run.clone())]);
    assert_eq!(planner.due(start_at), []);
    planner.finished(&run);
    assert_eq!(planner.next_wake(start_at), Some(start_at + 30_000));
}

#[test]
fn an_extra_run_never_takes_the_place_of_the_next_slot() {
    for (timeout_ms, after_ms) in [(5_000, 2_000), (28_000, 2_000), (28_001, 2_000)] {
        let mut planner = planner(8);
        let schedule = every("every 30s");
        planner.upsert(&check("a"), &region(), schedule.clone(), timeout_ms, at(-1));
        let start_at = at(offset("a", &schedule));
        let first = starts(&planner.due(start_at)).remove(0);
        planner.finished(&first);
        let extra = RunKey { attempt: 1, ..first };
        planner.run_again(extra.clone(), start_at + after_ms);
        let planned = planner.due(start_at + after_ms);
        assert_eq!(starts(&planned), std::slice::from_ref(&extra), "{timeout_ms}");
        // At worst it ends with its timeout, and the slot waits for that.
        let ended_at = (start_at + after_ms + timeout_ms).max(start_at + 30_000);
        assert_eq!(starts(&planner.due(start_at + 30_000)), [], "{timeout_ms}");
        planner.finished(&extra);
        let next = starts(&planner.due(ended_at));
        assert_eq!(next.iter().map(|run| (run.slot, run.attempt)).collect::<Vec<_>>(), [(at(30_000), 0)]);
    }
}

#[test]
fn a_new_periodic_check_runs_at_once_and_a_cron_expression_waits_for_its_instant() {
    let mut planner = Planner::new(PlannerSettings { first_run: FirstRun::AtOnce, ..PlannerSettings::default() });
    planner.upsert(&check("period"), &region(), every("every 1h"), 5_000, at(1_000));
    planner.upsert(&check("cron"), &region(), every("0 * * * *"), 5_000, at(1_000));
    let planned = planner.due(at(3_000));
    assert_eq!(starts(&planned).len(), 1, "{planned:?}");
    assert_eq!(starts(&planned)[0].slot, at(-40 * 60_000), "the slot is the hour that has begun");
    assert_eq!(planner.due(at(20 * 60_000 - 1)), []);
    // Taken out and put back in the same hour, it does not run again.
    planner.finished(&starts(&planned)[0]);
    planner.remove(&check("period"), &region());
    planner.upsert(&check("period"), &region(), every("every 1h"), 5_000, at(4_000));
    assert_eq!(planner.due(at(20 * 60_000 - 1)), []);
}

#[test]
fn a_new_check_misses_nothing_that_began_before_it() {
    let settings = PlannerSettings { first_run: FirstRun::AtOnce, concurrency_max: 1, ..PlannerSettings::default() };
    let mut planner = Planner::new(settings);
    // A tenth of a second before its slot ends, with capacity for one of two.
    for name in ["a", "b"] {
        planner.upsert(&check(name), &region(), every("every 5s"), 1_000, at(4_900));
    }
    let first = starts(&planner.due(at(4_950)));
    assert_eq!((first.len(), first[0].slot, planner.waiting()), (1, at(0), 1), "they start within 40 ms");
    // The other one's slot ends while it waits: it begins with the next.
    let later = planner.due(at(5_000));
    assert_eq!(misses(&later), []);
    planner.finished(&first[0]);
    let next: Vec<_> = (5_000..10_000).flat_map(|ms| planner.due(at(ms))).collect();
    assert!(starts(&next).iter().all(|run| run.slot == at(5_000)), "{next:?}");
    assert!(!starts(&next).is_empty());

    // One check alone starts at once.
    let mut planner = Planner::new(PlannerSettings { first_run: FirstRun::AtOnce, ..PlannerSettings::default() });
    planner.upsert(&check("a"), &region(), every("every 1h"), 1_000, at(0));
    assert_eq!(starts(&planner.due(at(20))).len(), 1);
}

#[test]
fn a_run_that_is_still_going_costs_its_own_slot_only() {
    let mut planner = planner(8);
    let schedule = every("every 30s");
    for name in ["slow", "other"] {
        planner.upsert(&check(name), &region(), schedule.clone(), 40_000, at(-1));
    }
    let slow = RunKey { check: check("slow"), region: region(), slot: at(0), attempt: 0 };
    let first = starts(&planner.due(at(offset("slow", &schedule).max(offset("other", &schedule)))));
    assert_eq!(first.len(), 2);
    planner.finished(first.iter().find(|run| **run != slow).unwrap());
    let began = at(offset("slow", &schedule).max(offset("other", &schedule)));

    let mut planned = planner.due(at(30_000 + offset("slow", &schedule)));
    planned.extend(planner.due(at(30_000 + offset("other", &schedule)).max(began)));
    let going_ms = at(30_000 + offset("slow", &schedule)).since_ms(began);
    assert_eq!(
        misses(&planned),
        [(at(30_000), MissedReason::StillRunning { slot: at(0), going_ms, timeout_ms: 40_000 })]
    );
    assert_eq!(starts(&planned).len(), 1);
    planner.finished(&slow);
    let later = planner.due(at(60_000 + offset("slow", &schedule)));
    assert!(starts(&later).iter().any(|run| run.check == check("slow") && run.slot == at(60_000)), "{later:?}");
}

#[test]
fn a_gap_is_one_record_that_counts_its_slots() {
    let mut planner = planner(8);
    let schedule = every("every 30s");
    planner.upsert(&check("a"), &region(), schedule.clone(), 5_000, at(-1));
    let offset = offset("a", &schedule);
    // Eight hours asleep, waking 12 s after the last slot's start: past the grace of 10 s.
    let hours_8 = 8 * 3_600_000;
    let planned = planner.due(at(hours_8 + offset + 12_000));
    let late_ms = (hours_8 + 12_000) as u64;
    assert_eq!(misses(&planned), [(at(hours_8), MissedReason::Overdue { late_ms, slots: 961, counted_all: true })]);
    assert_eq!(starts(&planned), []);
    assert_eq!(planner.next_wake(at(hours_8)), Some(at(hours_8 + 30_000 + offset)));

    // A little late is on time.
    assert_eq!(starts(&planner.due(at(hours_8 + 30_000 + offset + 9_999))).len(), 1);
}

#[test]
fn a_long_gap_of_a_cron_expression_is_counted_up_to_a_bound() {
    let mut planner = planner(8);
    planner.upsert(&check("a"), &region(), every("* * * * * *"), 500, at(-1));
    let planned = planner.due(at(30 * 86_400_000));
    match &misses(&planned)[..] {
        [(_, MissedReason::Overdue { slots: 1_000, counted_all: false, .. })] => {}
        other => panic!("{other:?}"),
    }
    assert!(planner.next_wake(at(30 * 86_400_000)).unwrap() <= at(30 * 86_400_000 + 2_000));
}

#[test]
fn capacity_is_kept_and_who_waits_too_long_is_missed() {
    let mut planner = planner(1);
    let schedule = every("every 30s");
    let mut names = ["a", "b", "c"];
    names.sort_by_key(|name| offset(name, &schedule));
    for name in names {
        planner.upsert(&check(name), &region(), schedule.clone(), 40_000, at(-1));
    }
    let starts_at: Vec<UnixMs> = names.iter().map(|name| at(offset(name, &schedule))).collect();
    let first = starts(&planner.due(starts_at[0]));
    assert_eq!(first[0].check, check(names[0]));
    assert_eq!(planner.due(starts_at[1]), []);
    assert_eq!((planner.in_flight(), planner.waiting()), (1, 1));
    planner.finished(&first[0]);
    assert_eq!(planner.next_wake(starts_at[1] + 1), Some(starts_at[1] + 1), "capacity became free: at once");
    let second = starts(&planner.due(starts_at[1] + 1));
    assert_eq!(second[0].check, check(names[1]));
    assert_eq!(planner.due(starts_at[2]), []);
    let given_up = planner.due(starts_at[2] + 10_000);
    let reason = MissedReason::NoCapacity { waited_ms: 10_000, concurrency_max: 1 };
    assert!(misses(&given_up).contains(&(at(0), reason)), "{given_up:?}");
}

#[test]
fn a_clock_that_is_set_back_a_little_repeats_no_slot() {
    let mut planner = planner(8);
    let schedule = every("every 30s");
    planner.upsert(&check("a"), &region(), schedule.clone(), 5_000, at(-1));
    let offset = offset("a", &schedule);
    let run = starts(&planner.due(at(offset))).remove(0);
    planner.finished(&run);
    assert_eq!(planner.due(at(offset - 20_000)), []);
    assert_eq!(planner.clock_behind_ms(at(offset - 20_000)), 20_000);
    assert_eq!(planner.due(at(offset + 1)), []);
    assert_eq!(starts(&planner.due(at(30_000 + offset)))[0].slot, at(30_000));
}

#[test]
fn a_clock_that_is_set_back_an_hour_is_followed_and_not_waited_for() {
    let hour_ms = 3_600_000;
    let mut planner = planner(8);
    let schedule = every("every 30s");
    planner.upsert(&check("a"), &region(), schedule.clone(), 5_000, at(-hour_ms - 30_001));
    let offset = offset("a", &schedule);
    let decide = |planner: &mut Planner, ms: i64| {
        let runs = starts(&planner.due(at(ms + offset)));
        runs.iter().for_each(|run| planner.finished(run));
        runs.into_iter().map(|run| (run.slot.since_ms(at(-hour_ms)), run.attempt)).collect::<Vec<_>>()
    };
    assert_eq!(decide(&mut planner, -hour_ms), [(0, 0)]);
    assert_eq!(decide(&mut planner, 0), [(3_600_000, 0)], "what was slept through is not run");
    assert_eq!(decide(&mut planner, 30_000), [(3_630_000, 0)]);
    // Back by an hour: the slots that come again are further attempts, each with a key of its own. The odd ones are left
    // to the runs that confirm a failure.
    assert_eq!(decide(&mut planner, -hour_ms - 30_000), []);
    assert_eq!(decide(&mut planner, -hour_ms), [(0, 2)]);
    assert_eq!(decide(&mut planner, -hour_ms + 30_000), [(30_000, 2)]);
    // And once more, before the clock has caught up.
    assert_eq!(decide(&mut planner, -3 * hour_ms), []);
    assert_eq!(planner.next_wake(at(-3 * hour_ms + offset)), Some(at(-3 * hour_ms + 30_000 + offset)));
    assert_eq!(planner.clock_behind_ms(at(-3 * hour_ms + offset)), 0);
}

/// What is done to a planner with one stream, `every 30s`, and what it plans at that instant.
enum Act {
    Due(&'static str),
    /// The extra run that follows the run of the slot at this many seconds, from this many milliseconds from now on.
    Again(i64, u64),
    Finish,
}

#[test]
fn an_extra_run_is_made_once_its_stream_is_free_and_costs_no_slot() {
    use Act::{Again, Due, Finish};
    let cases: [(&str, &[(i64, Act)]); 8] = [
        (
            "asked for while the run that it follows still holds its stream",
            &[
                (0, Due("start 0/0")),
                (500, Again(0, 0)),
                (500, Due("")),
                (600, Finish),
                (600, Due("start 0/1")),
                (900, Finish),
                (29_999, Due("")),
                (30_000, Due("start 30/0")),
            ],
        ),
        (
            "asked for when its stream is free",
            &[(0, Due("start 0/0")), (500, Finish), (500, Again(0, 0)), (500, Due("start 0/1"))],
        ),
        (
            "asked for after a while",
            &[
                (0, Due("start 0/0")),
                (500, Again(0, 2_000)),
                (600, Finish),
                (2_499, Due("")),
                (2_500, Due("start 0/1")),
            ],
        ),
        (
            "the next slot starts first",
            &[
                (0, Due("start 0/0")),
                (500, Again(0, 40_000)),
                (600, Finish),
                (30_000, Due("start 30/0")),
                (31_000, Finish),
                (45_000, Due("")),
            ],
        ),
        (
            "the next slot is going when it is asked for",
            &[
                (0, Due("start 0/0")),
                (600, Finish),
                (30_000, Due("start 30/0")),
                (30_001, Again(0, 0)),
                (31_000, Finish),
                (31_000, Due("")),
            ],
        ),
        (
            "the slot that comes meanwhile waits for it",
            &[
                (0, Due("start 0/0")),
                (28_000, Again(0, 0)),
                (28_000, Finish),
                (28_000, Due("start 0/1")),
                (30_000, Due("")),
                (33_000, Finish),
                (33_000, Due("start 30/0")),
            ],
        ),
        (
            "the slot that comes meanwhile waits no longer than its grace",
            &[
                (0, Due("start 0/0")),
                (28_000, Again(0, 0)),
                (28_000, Finish),
                (28_000, Due("start 0/1")),
                (30_000, Due("")),
                (
                    40_000,
                    Due(
                        "missed 30: the run of slot 2026-11-23T20:40:00Z was still going after 12 s (its timeout is 5.0 s): lengthen the schedule, or shorten the timeout",
                    ),
                ),
                (41_000, Finish),
                (60_000, Due("start 60/0")),
            ],
        ),
        (
            "a later request takes the place of an earlier one",
            &[
                (0, Due("start 0/0")),
                (500, Again(0, 20_000)),
                (600, Again(0, 1_000)),
                (700, Finish),
                (1_600, Due("start 0/1")),
                (2_000, Finish),
                (25_000, Due("")),
            ],
        ),
    ];
    for (case, acts) in cases {
        let (mut planner, mut going) = (planner(8), Vec::new());
        let schedule = every("every 30s");
        let offset = offset("a", &schedule);
        planner.upsert(&check("a"), &region(), schedule, 5_000, at(-1));
        for (ms, act) in acts {
            let now = at(offset + ms);
            match act {
                Again(slot, after_ms) => {
                    let run = RunKey { check: check("a"), region: region(), slot: at(slot * 1_000), attempt: 1 };
                    planner.run_again(run, now + *after_ms);
                }
                Finish => planner.finished(&going.pop().expect("a run is going")),
                Due(expected) => {
                    let planned = planner.due(now);
                    going.extend(starts(&planned));
                    let second = |slot: UnixMs| slot.since_ms(at(0)) / 1_000;
                    let told = planned.iter().map(|planned| match planned {
                        Planned::Start(run) => format!("start {}/{}", second(run.slot), run.attempt),
                        Planned::Missed { key, reason } => format!("missed {}: {reason}", second(key.slot)),
                    });
                    assert_eq!(told.collect::<Vec<_>>().join(", "), *expected, "{case}, at {ms}");
                    // Whoever sleeps until then does not wake for what cannot start.
                    assert!(planner.next_wake(now).is_some_and(|wake| wake > now), "{case}, at {ms}");
                }
            }
        }
    }
}

#[test]
fn an_extra_run_waits_for_capacity_and_is_forgotten_with_its_stream() {
    let mut planner = planner(1);
    let schedule = every("every 30s");
    let mut names = ["a", "b"];
    names.sort_by_key(|name| offset(name, &schedule));
    let [first, second] = names;
    planner.upsert(&check(first), &region(), schedule.clone(), 5_000, at(-1));
    let run = starts(&planner.due(at(offset(first, &schedule)))).remove(0);
    planner.finished(&run);
    planner.upsert(&check(second), &region(), schedule.clone(), 5_000, at(-1));
    let now = at(offset(second, &schedule));
    let other = starts(&planner.due(now)).remove(0);
    let again = RunKey { attempt: 1, ..run };
    planner.run_again(again.clone(), now);
    assert_eq!(planner.due(now), []);
    planner.finished(&other);
    assert_eq!(planner.next_wake(now), Some(now));
    assert_eq!(planner.due(now), [Planned::Start(again.clone())]);
    planner.finished(&again);
    planner.run_again(again.clone(), now);
    planner.remove(&check(first), &region());
    assert_eq!(planner.due(now), []);
    planner.run_again(again, now);
    assert_eq!(planner.due(now), [], "nobody plans that stream");
}

#[test]
fn a_changed_schedule_goes_on_after_what_was_decided_and_a_removed_check_still_counts() {
    let mut planner = planner(1);
    let (slow, fast) = (every("every 1h"), every("every 10s"));
    planner.upsert(&check("a"), &region(), slow.clone(), 5_000, at(0));
    planner.upsert(&check("a"), &region(), fast.clone(), 5_000, at(0));
    assert_eq!(planner.streams(), 1);
    let run = starts(&planner.due(at(10_000 + offset("a", &fast))));
    assert_eq!(run[0].slot, at(10_000));
    planner.remove(&check("a"), &region());
    assert_eq!((planner.streams(), planner.in_flight()), (0, 1));
    assert_eq!(planner.next_wake(at(0)).and_then(|wake| planner.due(wake).pop()), None);
    planner.upsert(&check("b"), &region(), fast.clone(), 5_000, at(20_000));
    assert_eq!(starts(&planner.due(at(30_000 + offset("b", &fast)))), [], "the removed check's run is still going");
    planner.finished(&run[0]);
    assert_eq!(starts(&planner.due(at(30_000 + offset("b", &fast)))).len(), 1);
}

#[test]
fn ten_thousand_streams_are_each_decided_once_a_period() {
    let mut planner =
        Planner::new(PlannerSettings { concurrency_max: 100_000, grace_max_ms: 10_000, first_run: FirstRun::NextSlot });
    let schedule = every("every 30s");
    for n in 0..10_000 {
        planner.upsert(&check(&format!("check-{n}")), &region(), schedule.clone(), 5_000, at(-1));
    }
    let (mut now, mut seen) = (at(-1), HashMap::new());
    while let Some(wake) = planner.next_wake(now).filter(|&wake| wake < at(60_000)) {
        now = wake;
        for run in starts(&planner.due(now)) {
            *seen.entry((run.check.clone(), run.slot)).or_insert(0) += 1;
            planner.finished(&run);
        }
    }
    assert_eq!(seen.len(), 20_000);
    assert!(seen.values().all(|&n| n == 1));
}

/// What happens next in a random history.
#[derive(Debug, Clone)]
enum Event {
    Pass {
        ms: u64,
    },
    SetBack {
        ms: u64,
    },
    Sleep {
        ms: u64,
    },
    Finish {
        nth: usize,
    },
    /// An extra run that follows the newest run of a check.
    Again {
        nth: usize,
        after_ms: u64,
    },
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (0_u64..4_000).prop_map(|ms| Event::Pass { ms }),
        4 => (0_usize..8).prop_map(|nth| Event::Finish { nth }),
        1 => (0_u64..20_000).prop_map(|ms| Event::SetBack { ms }),
        1 => (0_usize..8, 0_u64..8_000).prop_map(|(nth, after_ms)| Event::Again { nth, after_ms }),
        1 => (0_u64..200_000).prop_map(|ms| Event::Sleep { ms }),
    ]
}

struct Model {
    schedule: Schedule,
    offset_ms: u64,
    grace_ms: u64,
    next_slot: UnixMs,
    going: bool,
    newest: Option<RunKey>,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]
    /// Whatever happens: every slot is decided exactly once and in order, starts lie within their grace, one run a
    /// stream, the cap holds, nothing that could start waits, and extra runs change nothing of that.
    #[test]
    fn every_slot_is_decided_exactly_once(
        events in prop::collection::vec(event(), 1..150),
        schedules in prop::collection::vec(prop::sample::select(vec!["every 1s", "every 7s", "every 30s", "*/10 * * * * *", "* * * * *"]), 1..8),
        concurrency_max in 1_usize..4,
    ) {
        let mut planner = planner(concurrency_max);
        let mut models = HashMap::new();
        for (n, text) in schedules.iter().enumerate() {
            let (check, schedule) = (check(&format!("check-{n}")), every(text));
            planner.upsert(&check, &region(), schedule.clone(), 5_000, at(0));
            let offset_ms = spread_offset_ms(&check, &region(), &schedule);
            let grace_ms = schedule.period_hint_ms().min(10_000);
            let next_slot = schedule.next_after(at(0)).unwrap();
            models.insert(check, Model { schedule, offset_ms, grace_ms, next_slot, going: false, newest: None });
        }
        let (mut now, mut running): (UnixMs, Vec<RunKey>) = (at(0), Vec::new());
        let mut latest = now;
        for event in events {
            latest = latest.max(now);
            match event {
                Event::Pass { ms } | Event::Sleep { ms } => now = now + ms,
                Event::SetBack { ms } => now = (now - ms).max(latest - super::planner::CLOCK_BACK_MAX_MS),
                Event::Finish { nth } => if !running.is_empty() {
                    let run = running.swap_remove(nth % running.len());
                    planner.finished(&run);
                    models.get_mut(&run.check).unwrap().going = false;
                },
                Event::Again { nth, after_ms } => {
                    let model = &models[&check(&format!("check-{}", nth % models.len()))];
                    if let Some(newest) = &model.newest {
                        planner.run_again(RunKey { attempt: 1, ..newest.clone() }, now + after_ms);
                    }
                }
            }
            for planned in planner.due(now) {
                match planned {
                    Planned::Start(run) if run.attempt == 1 => {
                        let model = models.get_mut(&run.check).unwrap();
                        prop_assert_eq!(model.newest.as_ref().map(|newest| newest.slot), Some(run.slot));
                        prop_assert!(!model.going, "{} while its stream is going", run);
                        model.going = true;
                        running.push(run);
                        prop_assert!(running.len() <= concurrency_max);
                    }
                    Planned::Start(run) => {
                        let model = models.get_mut(&run.check).unwrap();
                        prop_assert_eq!(run.slot, model.next_slot);
                        let start_at = run.slot + model.offset_ms;
                        prop_assert!(start_at <= now && now < start_at + model.grace_ms, "{} at {}", run, now);
                        prop_assert!(!model.going, "{} while its stream is going", run);
                        model.going = true;
                        model.next_slot = model.schedule.next_after(run.slot).unwrap();
                        model.newest = Some(run.clone());
                        running.push(run);
                        prop_assert!(running.len() <= concurrency_max);
                    }
                    Planned::Missed { key, reason } => {
                        let model = models.get_mut(&key.check).unwrap();
                        let slots = match reason { MissedReason::Overdue { slots, .. } => slots, _ => 1 };
                        if matches!(reason, MissedReason::StillRunning { .. }) {
                            prop_assert!(model.going);
                        } else {
                            prop_assert!(now >= key.slot + model.offset_ms + model.grace_ms, "{} was given up early", key);
                        }
                        for n in 1..=slots {
                            if n == slots {
                                prop_assert_eq!(key.slot, model.next_slot);
                            }
                            model.next_slot = model.schedule.next_after(model.next_slot).unwrap();
                        }
                    }
                }
            }
            let due = models.values().filter(|m| m.next_slot + m.offset_ms <= now).count();
            prop_assert!(due <= planner.waiting(), "{} are due and {} are waiting", due, planner.waiting());
            let startable = models.values().filter(|m| m.next_slot + m.offset_ms <= now && !m.going).count();
            prop_assert!(startable == 0 || planner.in_flight() == concurrency_max);
            prop_assert!(planner.next_wake(now).is_some_and(|wake| wake > now), "awake at {} for nothing", now);
            prop_assert_eq!(planner.in_flight(), running.len());
        }
    }
}
