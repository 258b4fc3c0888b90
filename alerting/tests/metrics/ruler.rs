//! The ruler in a time of the test's own: who is told what, over restarts, reloads, refusals and gaps.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alerting::AlertingError;
use alerting::policy::Severity;
use alerting::recorder::{Recorder, RecorderSettings};
use alerting::ruler::{RuleSource, Ruler, RulerSettings, SignalSink};
use alerting::rules::{GroupSettings, RuleFile, RunningGroup};
use alerting::series::{Labels, Sample};
use alerting::signal::{Signal, SignalState};

use crate::recorder::TestClock;

const STEP_MS: i64 = 10_000;

const RULES: &str = "
groups:
- name: g
  interval: 10s
  rules:
  - record: load:max
    expr: max(load)
  - alert: High
    expr: load:max > 5
    for: 30s
    labels: {severity: p1, policy: login}
    annotations: {summary: 'load is {{ $value }}', runbook_url: 'https://runbooks.example.com/load'}
";

/// Remembers what it is told, and refuses where the test says so.
#[derive(Default)]
struct Alarm {
    signals: Mutex<Vec<Signal>>,
    refuses: AtomicBool,
}

#[async_trait::async_trait]
impl SignalSink for Alarm {
    async fn signal(&self, signals: Vec<Signal>) -> Result<(), AlertingError> {
        if self.refuses.load(Ordering::SeqCst) {
            return Err(AlertingError::Closed);
        }
        self.signals.lock().expect("not poisoned").extend(signals);
        Ok(())
    }
}

struct Scene {
    folder: tempfile::TempDir,
    clock: Arc<TestClock>,
    recorder: Arc<Recorder>,
    alarm: Arc<Alarm>,
    ruler: Ruler,
}

fn source(text: &str) -> RuleSource {
    let read = RuleFile::parse("rules.yml", text).map_err(|error| error.to_string());
    RuleSource { path: "rules.yml".to_owned(), read }
}

fn ruler(folder: &Path, recorder: &Arc<Recorder>, alarm: &Arc<Alarm>, clock: &Arc<TestClock>) -> Ruler {
    let settings = RulerSettings { state_file: folder.join("rules.json"), group: GroupSettings::default() };
    Ruler::open(settings, Arc::clone(recorder), Arc::clone(alarm) as Arc<_>, Arc::clone(clock) as Arc<_>)
        .expect("the state can be read")
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        // Groups of one name are due at the same instants: values come on them.
        let groups = RuleFile::parse("rules.yml", RULES).expect("valid rules").groups;
        let first = groups.into_iter().map(|group| RunningGroup::new(group, GroupSettings::default()));
        let due_ms = first.map(|group| group.next_after(1_700_000_000_000)).max().expect("a group");
        let clock = Arc::new(TestClock(u64::try_from(due_ms).expect("a time").into()));
        let settings = RecorderSettings {
            flush_every: Duration::from_secs(3600),
            ..RecorderSettings::new(folder.path().join("metrics"))
        };
        let (recorder, _) = Recorder::open(settings, Arc::clone(&clock) as Arc<_>).expect("the folder opens");
        let (recorder, alarm) = (Arc::new(recorder), Arc::new(Alarm::default()));
        let ruler = ruler(folder.path(), &recorder, &alarm, &clock);
        let mut scene = Self { folder, clock, recorder, alarm, ruler };
        scene.ruler.follow(vec![source(RULES)]);
        scene
    }

    /// Another process takes over.
    fn restart(&mut self, sources: Vec<RuleSource>) {
        self.ruler = ruler(self.folder.path(), &self.recorder, &self.alarm, &self.clock);
        self.ruler.follow(sources);
    }

    /// A step of ten seconds for each value, each with an evaluation.
    async fn run(&mut self, values: &[f64]) {
        let labels = Labels::of_metric("load", &[]).expect("labels");
        for value in values {
            let at_ms =
                i64::try_from(self.clock.0.fetch_add(STEP_MS as u64, Ordering::SeqCst)).expect("a time") + STEP_MS;
            assert_eq!(self.recorder.record(&[(labels.clone(), Sample { at_ms, value: *value })]), 1);
            self.ruler.work().await;
        }
    }

    /// What was said since the last look: `+` fires, `-` is over.
    fn said(&self) -> Vec<String> {
        let word = |signal: Signal| {
            let sign = if signal.state == SignalState::Firing { '+' } else { '-' };
            format!("{sign}{}", signal.key.id)
        };
        std::mem::take(&mut *self.alarm.signals.lock().expect("not poisoned")).into_iter().map(word).collect()
    }
}

const FIRES: &str = "+{alertname=\"High\", policy=\"login\", severity=\"p1\"}";
const IS_OVER: &str = "-{alertname=\"High\", policy=\"login\", severity=\"p1\"}";
const NOTHING: [&str; 0] = [];

#[tokio::test]
async fn an_alert_is_told_once_and_so_is_its_end() {
    let mut scene = Scene::new();
    scene.run(&[1.0, 9.0, 9.0, 9.0]).await;
    assert_eq!(scene.said(), NOTHING, "pending");
    scene.run(&[9.0]).await;
    {
        let signals = scene.alarm.signals.lock().expect("not poisoned");
        let [signal] = &signals[..] else { panic!("one signal: {signals:#?}") };
        assert_eq!((signal.severity, &*signal.title, &*signal.summary), (Severity::P1, "High", "load is 9"));
        assert_eq!((signal.policy.as_deref(), &*signal.links[0].title), (Some("login"), "Runbook"));
    }
    scene.run(&[9.0, 9.0, 9.0]).await;
    assert_eq!(scene.said(), [FIRES]);
    scene.run(&[1.0, 1.0]).await;
    assert_eq!(scene.said(), [IS_OVER]);
}

#[tokio::test]
async fn a_restart_forgets_nothing_and_says_nothing_twice() {
    let mut scene = Scene::new();
    scene.run(&[9.0, 9.0]).await;
    scene.restart(vec![source(RULES)]);
    scene.run(&[9.0]).await;
    assert_eq!(scene.said(), NOTHING);
    scene.run(&[9.0]).await;
    assert_eq!(scene.said(), [FIRES], "the two evaluations of the process before count");
    scene.restart(vec![source(RULES)]);
    scene.run(&[9.0, 9.0]).await;
    assert_eq!(scene.said(), NOTHING);
    scene.run(&[1.0]).await;
    assert_eq!(scene.said(), [IS_OVER]);
}

#[tokio::test]
async fn what_is_refused_is_offered_again() {
    let mut scene = Scene::new();
    scene.alarm.refuses.store(true, Ordering::SeqCst);
    scene.run(&[9.0; 6]).await;
    assert!(scene.ruler.view().read(|view| view.counters.signals_refused) >= 2);
    // Not even a restart loses it.
    scene.restart(vec![source(RULES)]);
    scene.alarm.refuses.store(false, Ordering::SeqCst);
    scene.run(&[9.0]).await;
    assert_eq!(scene.said(), [FIRES]);
}

#[tokio::test]
async fn a_file_that_is_refused_keeps_its_rules_and_one_that_is_gone_ends_its_alerts() {
    let mut scene = Scene::new();
    scene.run(&[9.0; 5]).await;
    assert_eq!(scene.said(), [FIRES]);
    let broken = || source("groups: [{name: g, rules: [{alert: A, expr: 'sum('}]}]");
    scene.ruler.follow(vec![broken()]);
    scene.run(&[9.0, 9.0]).await;
    assert_eq!(scene.said(), NOTHING);
    let problems = scene.ruler.view().read(|view| view.problems.clone());
    assert!(problems.len() == 1 && problems[0].ends_with("its former rules go on"), "{problems:?}");

    // At a start there are no former rules: nothing is evaluated, and nothing is called resolved.
    scene.restart(vec![broken()]);
    scene.run(&[1.0, 1.0]).await;
    assert_eq!(scene.said(), NOTHING);
    scene.restart(vec![broken()]);
    scene.run(&[1.0]).await;
    assert_eq!(scene.said(), NOTHING, "also after another start");
    scene.ruler.follow(vec![source(RULES)]);
    scene.run(&[1.0]).await;
    assert_eq!(scene.said(), [IS_OVER]);

    scene.run(&[9.0; 5]).await;
    assert_eq!(scene.said(), [FIRES]);
    scene.ruler.follow(Vec::new());
    scene.ruler.work().await;
    assert_eq!(scene.said(), [IS_OVER], "its rule is gone");
}

#[tokio::test]
async fn a_rule_that_cannot_be_evaluated_leaves_its_alerts_and_is_counted() {
    const AMBIGUOUS: &str = "
groups:
- name: g
  interval: 10s
  rules:
  - alert: Ratio
    expr: load / on () limit > 1
";
    let mut scene = Scene::new();
    scene.ruler.follow(vec![source(AMBIGUOUS)]);
    let limit = |scene: &Scene, name: &str| {
        let labels = Labels::of_metric("limit", &[("name", name)]).expect("labels");
        let at_ms = i64::try_from(scene.clock.0.load(Ordering::SeqCst)).expect("a time") + STEP_MS;
        scene.recorder.record(&[(labels, Sample { at_ms, value: 2.0 })]);
    };
    limit(&scene, "a");
    scene.run(&[9.0, 9.0]).await;
    assert_eq!(scene.said().len(), 1);
    limit(&scene, "b");
    scene.run(&[1.0, 1.0]).await;
    assert_eq!(scene.said(), NOTHING, "no answer is not: all is well");
    let (problem, failures) = scene.ruler.view().read(|view| {
        let rule = &view.groups[0].rules[0];
        (rule.problem.clone().unwrap_or_default(), rule.failures)
    });
    assert!(problem.contains("several series") && failures == 2, "{failures}: {problem}");
}

#[tokio::test]
async fn what_was_not_evaluated_in_its_time_is_counted_and_ends_nothing_at_once() {
    let mut scene = Scene::new();
    scene.run(&[9.0; 5]).await;
    assert_eq!(scene.said(), [FIRES]);
    scene.clock.0.fetch_add(5 * STEP_MS as u64, Ordering::SeqCst);
    scene.run(&[9.0]).await;
    assert_eq!(scene.ruler.view().read(|view| view.counters.evaluations_missed), 5);

    // Nobody looked for an hour, and there are no values yet: that is not the end of it.
    scene.clock.0.fetch_add(3_600_000, Ordering::SeqCst);
    scene.restart(vec![source(RULES)]);
    for _ in 0..5 {
        scene.clock.0.fetch_add(STEP_MS as u64, Ordering::SeqCst);
        scene.ruler.work().await;
    }
    assert_eq!(scene.said(), NOTHING);
    scene.run(&[9.0; 40]).await;
    assert_eq!(scene.said(), NOTHING, "it fired all the time");
    scene.run(&[1.0]).await;
    assert_eq!(scene.said(), [IS_OVER]);
}

#[tokio::test]
async fn a_damaged_state_is_set_aside() {
    let mut scene = Scene::new();
    scene.run(&[9.0; 5]).await;
    assert_eq!(scene.said(), [FIRES]);
    std::fs::write(scene.folder.path().join("rules.json"), "{\"groups\":").expect("written");
    scene.restart(vec![source(RULES)]);
    scene.run(&[9.0; 5]).await;
    assert_eq!(scene.said(), [FIRES], "told again, which the receiver takes for the same");
    assert!(scene.folder.path().join("rules.damaged").is_file());
}
