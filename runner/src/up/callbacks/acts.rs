//! What people do by a callback. Callers repeat themselves, so that each act is done once however often it is told.

use alerting::act::{ActOutcome, Via};
use alerting::incident::IncidentStatus;
use alerting::journal::IncidentFilter;
use alerting::notification::{Address, Fate, NotificationId};
use alerting::policy::PhoneNumber;
use alerting::silence::{Matcher, Silence};
use alerting::{Alerting, AlertingError};
use checks::UnixMs;
use futures_util::future::join_all;
use std::sync::Arc;
use tokio::sync::Mutex;

/// Open incidents that are looked through for those which a member was told of, newest first.
const LOOKED_THROUGH_MAX: usize = 200;

/// By number, in the order in which they were named.
pub(super) type Outcomes = Vec<(u64, ActOutcome)>;

pub(super) struct Acts {
    alerting: Arc<Alerting>,
    /// Between looking for a silence and setting it, so that two calls do not set two.
    silencing: Mutex<()>,
}

impl Acts {
    pub fn new(alerting: Arc<Alerting>) -> Self {
        Self { alerting, silencing: Mutex::new(()) }
    }

    /// Durable when it returns.
    pub async fn acknowledge(&self, incidents: &[u64], by: &str, via: Via) -> Result<Outcomes, AlertingError> {
        let all =
            incidents.iter().map(async |number| Ok((*number, self.alerting.acknowledge(*number, by, via).await?)));
        join_all(all).await.into_iter().collect()
    }

    /// Silences each incident until `until`, unless it is silent for as long already. Durable when it returns.
    pub async fn silence(
        &self,
        incidents: &[u64],
        by: &str,
        via: Via,
        until: UnixMs,
    ) -> Result<Outcomes, AlertingError> {
        let _one_at_a_time = self.silencing.lock().await;
        let silences = self.alerting.silences().await?;
        let mut outcomes = Vec::with_capacity(incidents.len());
        for number in incidents {
            let outcome = match self.alerting.incident(*number).await? {
                None => ActOutcome::Unknown,
                Some(record) if record.report.status != IncidentStatus::Open => ActOutcome::NotOpen,
                Some(_) => {
                    let matcher = Matcher::Incident(*number);
                    let is_silent =
                        silences.iter().any(|kept| kept.silence.matcher == matcher && kept.silence.until >= until);
                    if !is_silent {
                        let (by, why) = (by.to_owned(), format!("over {via}"));
                        let silence = Silence { matcher, until, by, why, is_maintenance: false, from: None };
                        self.alerting.silence(silence).await?;
                    }
                    ActOutcome::Done
                }
            };
            outcomes.push((*number, outcome));
        }
        Ok(outcomes)
    }

    /// The open incidents that this number was told of, oldest first.
    pub async fn told(&self, number: &PhoneNumber) -> Result<Vec<u64>, AlertingError> {
        let filter = IncidentFilter { check: None, open_only: true, rows_max: LOOKED_THROUGH_MAX };
        let mut told = Vec::new();
        for open in self.alerting.incidents(filter).await? {
            let Some(record) = self.alerting.incident(open.number).await? else { continue };
            let is_told = record.notifications.iter().any(|n| match &n.address {
                Address::Sms { number: to, .. } | Address::Voice { number: to, .. } => to == number,
                Address::Slack { .. } | Address::Webhook { .. } | Address::Email { .. } => false,
            });
            if is_told {
                told.push(open.number);
            }
        }
        told.sort_unstable();
        Ok(told)
    }

    /// Durable when it returns; `false` where nobody knows of such a notification.
    pub async fn handset_report(&self, notification: &str, fate: Fate, text: String) -> Result<bool, AlertingError> {
        self.alerting.handset_report(NotificationId(notification.to_owned()), fate, text).await
    }
}
