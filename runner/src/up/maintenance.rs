//! Tells alerting of the windows of maintenance near the present: it knows no calendar.

use crate::config::{Maintenance, Settings};
use alerting::Alerting;
use alerting::silence::{MaintenanceWindow, Matcher};
use checks::UnixMs;
use std::sync::Arc;
use std::time::Duration;

/// How often the calendar is looked at, and how far ahead.
const LOOK_EVERY: Duration = Duration::from_secs(30);
const AHEAD_MS: u64 = 3_600_000;

/// Runs for as long as alerting does. Where no window is configured, there is nothing to tell.
pub(super) async fn follow(settings: &Settings, alerting: Arc<Alerting>) {
    let calendar = settings.maintenance.clone();
    if calendar.is_empty() {
        return;
    }
    // The first windows are known before the first run is.
    if alerting.set_maintenance(near(&calendar, UnixMs::now())).await.is_err() {
        return;
    }
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if alerting.set_maintenance(near(&calendar, UnixMs::now())).await.is_err() {
                return;
            }
        }
    });
}

fn near(calendar: &[Maintenance], now: UnixMs) -> Vec<MaintenanceWindow> {
    let windows = calendar.iter().flat_map(|window| {
        window.near(now, AHEAD_MS).into_iter().map(move |(from, until)| {
            let checks = window.checks.iter().map(|check| Matcher::Check(check.id.clone()));
            let mut matchers: Vec<Matcher> = checks.chain(window.tags.iter().cloned().map(Matcher::Tag)).collect();
            if matchers.is_empty() {
                matchers.push(Matcher::Everything);
            }
            MaintenanceWindow { name: window.name.clone(), matchers, from, until }
        })
    });
    windows.collect()
}
