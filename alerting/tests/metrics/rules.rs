//! Alert states, saved state, and what a rule file's author is told.

use alerting::rules::group::{GroupSettings, GroupState};
use alerting::rules::{Change, RuleFile, RunningGroup};
use alerting::series::{Labels, Matcher, Sample, Store, StoreSettings};

const RULES: &str = "
groups:
- name: g
  interval: 10s
  rules:
  - alert: High
    expr: load > 5
    for: 30s
    keep_firing_for: 20s
    labels: {severity: p1}
    annotations: {summary: 'load is {{ $value }} on {{ $labels.node }}'}
  - record: load:max
    expr: max(load)
";

fn group() -> RunningGroup {
    let file = RuleFile::parse("rules.yml", RULES).expect("valid rules");
    RunningGroup::new(file.groups.into_iter().next().expect("a group"), GroupSettings::default())
}

fn store() -> Store {
    Store::new(StoreSettings::default()).expect("valid settings")
}

fn feed(store: &mut Store, at_ms: i64, value: f64) {
    let labels = Labels::of_metric("load", &[("node", "a")]).expect("valid labels");
    store.append(&labels, Sample { at_ms, value }, at_ms).expect("taken");
}

/// One tick every 10 s with these values; what changed, and when.
fn run(group: &mut RunningGroup, store: &mut Store, from_ms: i64, values: &[f64]) -> Vec<(i64, Change)> {
    let mut changes = Vec::new();
    for (value, index) in values.iter().zip(0..) {
        let now_ms = from_ms + index * 10_000;
        feed(store, now_ms, *value);
        let report = group.tick(store, now_ms, &|| false);
        assert_eq!(report.problems, []);
        changes.extend(report.events.into_iter().map(|event| (now_ms / 1000, event.change)));
    }
    changes
}

#[test]
fn an_alert_goes_through_its_states() {
    let pending = Change::Pending { for_ms: 30_000 };
    let firing = Change::Firing { lasted_ms: 30_000, for_ms: 30_000 };
    let kept = Change::KeptFiring { keep_firing_for_ms: 20_000 };
    type Case<'a> = (&'a [f64], Vec<(i64, Change)>);
    let cases: [Case<'_>; 4] = [
        (&[1.0, 2.0, 5.0], vec![]),
        (&[9.0, 9.0, 1.0, 1.0], vec![(0, pending.clone()), (20, Change::Cancelled { lasted_ms: 20_000 })]),
        (
            &[9.0, 9.0, 9.0, 9.0, 9.0, 1.0, 9.0, 9.0],
            vec![(0, pending.clone()), (30, firing.clone()), (50, kept.clone())],
        ),
        (
            &[9.0, 9.0, 9.0, 9.0, 1.0, 1.0, 1.0, 9.0],
            vec![
                (0, pending.clone()),
                (30, firing),
                (40, kept),
                (60, Change::Resolved { fired_for_ms: 30_000 }),
                (70, pending),
            ],
        ),
    ];
    for (values, expected) in cases {
        assert_eq!(run(&mut group(), &mut store(), 0, values), expected, "{values:?}");
    }
}

#[test]
fn a_half_run_for_survives_a_restart() {
    let mut store = store();
    let mut before = group();
    assert_eq!(run(&mut before, &mut store, 0, &[9.0, 9.0]), [(0, Change::Pending { for_ms: 30_000 })]);
    let saved = serde_json::to_string(&before.state()).expect("JSON");
    let restored = |saved: &str| serde_json::from_str::<GroupState>(saved).expect("what was saved");

    // Down for 100 s: of the 30 s, the 10 s that were seen still count, the time in the dark does not.
    let mut after = group();
    assert_eq!(after.restore(restored(&saved), 110_000), []);
    let changes = run(&mut after, &mut store, 110_000, &[9.0, 9.0, 9.0]);
    assert_eq!(changes, [(120, Change::Firing { lasted_ms: 30_000, for_ms: 30_000 })]);

    // A firing alert still fires after hours, and only the data resolves it.
    let saved = serde_json::to_string(&after.state()).expect("JSON");
    let mut later = group();
    assert_eq!(later.restore(restored(&saved), 20_000_000), []);
    assert_eq!(later.alerts().count(), 1);
    assert!(run(&mut later, &mut store, 20_000_000, &[9.0, 9.0]).is_empty());

    // Pending for longer than an outage may last begins anew.
    let mut pending = group();
    run(&mut pending, &mut store, 21_000_000, &[9.0]);
    let mut much_later = group();
    much_later.restore(pending.state(), 40_000_000);
    assert_eq!(much_later.alerts().count(), 0);

    // A rule that is gone says so for what was firing.
    let without = RuleFile::parse("rules.yml", "groups: [{name: g, rules: []}]").expect("valid rules");
    let mut gone = RunningGroup::new(without.groups.into_iter().next().expect("a group"), GroupSettings::default());
    let events = gone.restore(restored(&saved), 30_000_000);
    assert_eq!(
        events.iter().map(|event| (&*event.alert, &event.change)).collect::<Vec<_>>(),
        [("High", &Change::RuleGone)]
    );
}

#[test]
fn recordings_end_with_their_source() {
    let mut store = store();
    let mut group = group();
    run(&mut group, &mut store, 0, &[1.0, 2.0]);
    let id = store.select(&[Matcher::equal("__name__", "load:max")])[0];
    assert_eq!(store.newest(id).map(|sample| sample.value), Some(2.0));
    // Six minutes later the source is stale: the recording is marked as ended rather than left hanging.
    group.tick(&mut store, 400_000, &|| false);
    assert!(store.newest(id).is_some_and(|sample| alerting::series::is_stale(sample.value)));
}

#[test]
fn authors_are_told_what_to_write() {
    let alert = |rest: &str| format!("groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up == 0\n{rest}");
    let cases = [
        (alert("    fro: 5m"), "r.yml:6: it is no rule file: unknown field `fro`"),
        (alert("    for: 5 minutes"), "r.yml:6: `for: 5 minutes` is no duration: write one such as 30s, 5m or 1h30m"),
        (alert("    record: x"), "r.yml:6: a rule has either `record` or `alert`, and this one has both"),
        (
            alert("    labels: {a-b: c}"),
            "r.yml:4: the rule \"A\" has the label \"a-b\": a label name has letters, digits and underscores, and no digit first",
        ),
        (
            alert("    annotations: {a: '{{ $vaule }}'}"),
            "r.yml:4: the rule \"A\" has a template that cannot be read, in the annotation \"a\": the variable `$vaule` is not set: write $labels, $value, or set it with `:=`",
        ),
        (
            alert("    annotations: {a: '{{ humanise $value }}'}"),
            "r.yml:4: the rule \"A\" has a template that cannot be read, in the annotation \"a\": the function `humanise` is not known",
        ),
        (
            alert("    annotations: {a: '{{ if $value }}x'}"),
            "r.yml:4: the rule \"A\" has a template that cannot be read, in the annotation \"a\": `{{ if }}` without `{{ end }}`",
        ),
        (alert("- name: g"), "r.yml:6: the group name \"g\" is used twice in this file"),
        (
            "groups:\n- name: g\n  rules:\n  - record: a:b\n    expr: sum(x\n".to_owned(),
            "r.yml:5: the rule \"a:b\" cannot be evaluated: `sum(x` cannot be read as PromQL: `(` at column 4 is never closed",
        ),
        (
            "groups:\n- name: g\n  rules:\n  - record: a b\n    expr: x\n".to_owned(),
            "r.yml:4: \"a b\" is no metric name to record under",
        ),
        (
            "groups:\n- name: g\n  rules:\n  - record: a\n    expr: x\n    for: 5m\n".to_owned(),
            "r.yml:4: `for` belongs to alerts, and \"a\" is a recording rule",
        ),
        (
            "groups:\n- name: g\n  rules:\n  - expr: x\n".to_owned(),
            "r.yml:4: a rule has either `record` or `alert`, and this one has neither",
        ),
    ];
    for (text, message) in cases {
        let error = RuleFile::parse("r.yml", &text).expect_err(&text).to_string();
        assert!(error.starts_with(message), "{text}\nexpected: {message}\ngot:      {error}");
    }
    for fine in [
        "",
        "# nothing\n",
        "groups: []",
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: 1\n    for: 0\n    labels: {severity: 1}\n",
    ] {
        RuleFile::parse("r.yml", fine).expect(fine);
    }
}
