//! Alert rules in the running process: the files into the ruler, and what it does out to pages and `/metrics`.

use crate::config::Settings;
use crate::rule_files;
use alerting::promql::Limits;
use alerting::recorder::Recorder;
use alerting::ruler::{
    AlertView, GroupView, RuleKind, RuleView, Ruler, RulerOrder, RulerSettings, RulerView, SharedView,
};
use alerting::rules::{AlertState, GroupSettings};
use alerting::{Alerting, SystemClock};
use anyhow::Context;
use checks::UnixMs;
use dashboards::model::{RuleRow, RuleState};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// The ruler's state inside the data folder.
const STATE_FILE: &str = "rules.json";
/// Rows on the status page: what fires comes first.
const ROWS_MAX: usize = 60;
/// Notices on the status page that are the rules' own.
const NOTICES_MAX: usize = 10;
/// How long an evaluation that is under way may still take at the end.
const STOP_MAX: Duration = Duration::from_secs(5);

pub(super) struct Ruling {
    settings: Settings,
    view: SharedView,
    orders: mpsc::Sender<RulerOrder>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Ruling {
    pub(super) async fn start(
        settings: &Settings,
        recorder: Arc<Recorder>,
        alerting: Arc<Alerting>,
        page: std::net::SocketAddr,
    ) -> anyhow::Result<Arc<Self>> {
        let interval_ms = i64::try_from(settings.rules.interval.as_millis()).unwrap_or(i64::MAX);
        let group = GroupSettings {
            interval_ms,
            limits: Limits { subquery_step_ms: interval_ms, ..Limits::default() },
            external_url: format!("http://{page}"),
            ..GroupSettings::default()
        };
        let ruling = RulerSettings { state_file: settings.data_dir.join(STATE_FILE), group };
        let ruler =
            Ruler::open(ruling, recorder, alerting, Arc::new(SystemClock)).context("the alert rules do not start")?;
        let view = ruler.view();
        let (orders, queue) = mpsc::channel(4);
        let task = Mutex::new(Some(tokio::spawn(ruler.run(queue))));
        let ruling = Arc::new(Self { settings: settings.clone(), view, orders, task });
        ruling.follow().await;
        Ok(ruling)
    }

    /// Reads the files again. One that is refused keeps its former rules.
    pub(super) async fn follow(&self) {
        let settings = self.settings.rules.clone();
        let sources = tokio::task::spawn_blocking(move || rule_files::read(&settings)).await;
        let sources = match sources {
            Ok(sources) => sources,
            Err(error) => return tracing::error!(%error, "the rule files cannot be read"),
        };
        let (files, (done, followed)) = (sources.len(), oneshot::channel());
        if self.orders.send(RulerOrder::Follow(sources, done)).await.is_ok() && followed.await.is_ok() && files > 0 {
            let rules = self.view.read(|view| view.groups.iter().map(|group| group.rules.len()).sum::<usize>());
            tracing::info!(files, rules, "alert rules are evaluated");
        }
    }

    /// No evaluation begins any more. What was signalled is durable, and so is the state.
    pub(super) async fn stop(&self) {
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(task) = task else { return };
        let _ = self.orders.send(RulerOrder::Stop).await;
        if tokio::time::timeout(STOP_MAX, task).await.is_err() {
            tracing::warn!("an evaluation of alert rules did not end in time and is given up");
        }
    }

    /// What a person should know beside the notices of the start.
    pub(super) fn notices(&self) -> Vec<String> {
        self.view.read(|view| {
            let failing = rules(view).filter_map(|(group, rule)| {
                let problem = rule.problem.as_ref()?;
                Some(format!("The rule {} of the group {} cannot be evaluated: {problem}", rule.name, group.name))
            });
            let files = view.problems.iter().map(|problem| format!("Alert rules are refused: {problem}"));
            let mut notices: Vec<String> = files.chain(view.state_problem.clone()).chain(failing).collect();
            if notices.len() > NOTICES_MAX {
                let more = notices.len() - NOTICES_MAX + 1;
                notices.truncate(NOTICES_MAX - 1);
                notices.push(format!("and {more} more problems of alert rules"));
            }
            notices
        })
    }

    /// The table of the status page: alerts that fire, then those that are pending, then what cannot be evaluated, then
    /// what is quiet.
    pub(super) fn rows(&self) -> Vec<RuleRow> {
        self.view.read(|view| {
            let alerting = rules(view).filter(|(_, rule)| rule.kind == RuleKind::Alert || rule.problem.is_some());
            let mut rows: Vec<RuleRow> = alerting.flat_map(|(group, rule)| rows_of(group, rule)).collect();
            rows.sort_by_key(|row| std::cmp::Reverse(row.state));
            rows.truncate(ROWS_MAX);
            rows
        })
    }

    pub(super) fn rules_document(&self) -> Value {
        self.view.read(|view| json!({"groups": view.groups.iter().map(GroupView::document).collect::<Vec<_>>()}))
    }

    pub(super) fn alerts_document(&self) -> Value {
        self.view.read(|view| {
            let alerts = rules(view).flat_map(|(_, rule)| &rule.alerts);
            json!({"alerts": alerts.map(AlertView::document).collect::<Vec<_>>()})
        })
    }

    /// For `/metrics`.
    pub(super) fn view<T>(&self, look: impl FnOnce(&RulerView) -> T) -> T {
        self.view.read(look)
    }
}

fn rules(view: &RulerView) -> impl Iterator<Item = (&GroupView, &RuleView)> {
    view.groups.iter().flat_map(|group| group.rules.iter().map(move |rule| (group, rule)))
}

fn rows_of(group: &GroupView, rule: &RuleView) -> Vec<RuleRow> {
    let row = |state, labels, value, since, detail: &str| RuleRow {
        name: rule.name.clone(),
        group: group.name.clone(),
        state,
        labels,
        value,
        since,
        detail: detail.to_owned(),
    };
    if let Some(problem) = &rule.problem
        && rule.alerts.is_empty()
    {
        return vec![row(RuleState::Failing, String::new(), String::new(), None, problem)];
    }
    if rule.alerts.is_empty() {
        return vec![row(RuleState::Quiet, String::new(), String::new(), None, &rule.query)];
    }
    let of_alert = |alert: &AlertView| {
        let labels = alert.labels.iter().filter(|(name, _)| *name != "alertname");
        let labels: Vec<String> = labels.map(|(name, value)| format!("{name}={value}")).collect();
        let fires = alert.state == AlertState::Firing;
        let state = if fires { RuleState::Firing } else { RuleState::Pending };
        let since = Some(UnixMs(alert.fired_at_ms.unwrap_or(alert.active_at_ms)));
        let summary = alert.annotations.get("summary").unwrap_or(&rule.query);
        row(state, labels.join(" "), alert.value_text(), since, rule.problem.as_ref().unwrap_or(summary))
    };
    rule.alerts.iter().map(of_alert).collect()
}
