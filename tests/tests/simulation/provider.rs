//! Slack and the telephone company, as one process reaches them.

use crate::world::{Accepted, Life, Shared, State};
use alerting::incident::IncidentStatus;
use alerting::notification::{Notification, NotificationId, Role};
use alerting::outbox::Folding;
use alerting::{Channel, DeliveryOutcome, Reconciled};
use async_trait::async_trait;
use std::future::pending;
use std::sync::Arc;

/// The longest 429 storm, and what `Retry-After` says in it.
const STORM_MS_MAX: u64 = 15_000;

pub struct Provider {
    pub world: Shared,
    pub life: Arc<Life>,
    /// Whether nobody sets the clock.
    pub is_steady: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Answer,
    HangBefore,
    HangAfter,
    LostBefore,
    LostAfter,
    Refuse,
    Permanent,
    CrashBefore,
    CrashAfter,
}

fn fate(state: &mut State, notification: &Notification) -> Fate {
    let halves = |state: &mut State, before, after| if state.chance.hits(500) { before } else { after };
    let lane = notification.address.lane();
    // Where nobody is, no message arrives, whatever becomes of the answer.
    if state.dead.contains(&lane) {
        refuse(state, notification);
        return Fate::Permanent;
    }
    if state.strikes(|w| w.crash) {
        return halves(state, Fate::CrashBefore, Fate::CrashAfter);
    }
    if state.strikes(|w| w.hang) {
        return halves(state, Fate::HangBefore, Fate::HangAfter);
    }
    if state.strikes(|w| w.ambiguous) {
        return halves(state, Fate::LostBefore, Fate::LostAfter);
    }
    if state.strikes(|w| w.refused) {
        return Fate::Refuse;
    }
    // What a provider had once it does not refuse for good when it is sent again.
    let carries =
        |id: &NotificationId| notification.id == *id || notification.folded.iter().any(|other| other.id == *id);
    let is_known = state.accepted.iter().any(|accepted| carries(&accepted.id));
    if !is_known && state.strikes(|w| w.permanent) {
        refuse(state, notification);
        return Fate::Permanent;
    }
    Fate::Answer
}

fn refuse(state: &mut State, notification: &Notification) {
    let lane = notification.address.lane();
    let incidents = notification.folded.iter().map(|other| other.report.number).chain([notification.incident]);
    for incident in incidents {
        state.refused.insert((incident, lane.clone()));
    }
}

/// The provider takes the message, and everything that should never be is noted.
fn accept(
    state: &mut State,
    notification: &Notification,
    post: Option<&str>,
    passed_ms: u64,
    apart: Option<&Folding>,
) -> String {
    let (id, lane) = (notification.id.clone(), notification.address.lane());
    let receipt = format!("{lane}/{}", state.accepted.len());
    if state.confirmed.contains(&id) {
        state.violations.push(format!("{id} to {lane} sent again after its delivery was written down"));
    }
    if let Some(folding) = apart.filter(|_| notification.role == Role::Post && !state.weather.cannot_be_asked) {
        keep_apart(state, notification, passed_ms, folding.every_ms);
    }
    let own = (id, notification.incident, notification.saying.clone(), &notification.report, notification.role);
    let folded = notification.folded.iter();
    let folded = folded.map(|f| (f.id.clone(), f.report.number, f.saying.clone(), &f.report, f.role));
    for (id, incident, saying, report, role) in std::iter::once(own).chain(folded) {
        let of_lane = || state.accepted.iter().filter(|a| a.incident == incident && a.lane == lane);
        let mut problems = Vec::new();
        let earlier = of_lane().any(|a| a.id == id);
        // Where nobody can be asked, an answer that was lost may cost a second message; a known one never does.
        if earlier && role != Role::Edit && !state.weather.cannot_be_asked {
            problems.push(format!("{id} to {lane} sent twice: {saying}"));
        }
        if !earlier && let Some(newer) = of_lane().find(|a| sequence(&a.id.0) > sequence(&id.0)) {
            problems.push(format!("{id} came after {} in {lane}", newer.id));
        }
        let first = of_lane().find(|a| a.role == Role::Post).map(|a| a.receipt.as_str());
        if role != Role::Post && (post.is_none() || post != first) && !state.weather.cannot_be_asked {
            problems.push(format!("{id}: {} of {post:?}, and the post of {lane} is {first:?}", role.as_str()));
        }
        state.violations.extend(problems);
        state.accepted.push(Accepted {
            id,
            incident,
            lane: lane.clone(),
            role,
            saying,
            is_over: report.status != IncidentStatus::Open,
            receipt: receipt.clone(),
        });
    }
    receipt
}

/// No place gets two pages within the time that keeps messages apart, nor two messages that are none. A page passes one
/// that is none and is on its way, so that between those two there may be less.
fn keep_apart(state: &mut State, notification: &Notification, passed_ms: u64, every_ms: u64) {
    let lane = notification.address.lane();
    let is_page = notification.page || notification.folded.iter().any(|other| other.page);
    let before = state.came_ms.get(&(lane.clone(), is_page)).copied();
    if before.is_some_and(|before| passed_ms - before < every_ms) {
        state.violations.push(format!("{lane} got two messages within {every_ms} ms"));
    }
    state.came_ms.insert((lane, is_page), passed_ms);
}

fn sequence(id: &str) -> u64 {
    id.rsplit('.').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

impl Provider {
    async fn travel(&self) {
        let ms = {
            let mut state = self.world.state();
            let max = state.weather.latency_ms_max;
            if state.is_calm { 20 } else { state.chance.between(1, max) }
        };
        self.world.clock.after(ms).await;
        self.life.goes_on().await;
    }

    /// How long the storm that rages goes on, if one does.
    fn storm(&self, notification: &Notification) -> Option<u64> {
        let now = self.world.clock.passed_ms();
        let kind = notification.address.kind();
        let mut state = self.world.state();
        if state.strikes(|w| w.storm) {
            let until = now + state.chance.between(500, STORM_MS_MAX);
            state.storm_until_ms.insert(kind, until);
        }
        let until = state.storm_until_ms.get(&kind).copied().unwrap_or(0);
        (!state.is_calm && until > now).then(|| until - now)
    }
}

#[async_trait]
impl Channel for Provider {
    async fn deliver(&self, notification: &Notification, post: Option<&str>) -> DeliveryOutcome {
        self.life.goes_on().await;
        let fate = fate(&mut self.world.state(), notification);
        if fate == Fate::CrashBefore {
            self.world.log(|| "crash before sending".to_owned());
            self.life.crash().await;
        }
        self.travel().await;
        if let Some(retry_after_ms) = self.storm(notification) {
            return DeliveryOutcome::Refused { retry_after_ms: Some(retry_after_ms), reason: "429".to_owned() };
        }
        let lost = || DeliveryOutcome::Ambiguous { reason: "the connection closed".to_owned() };
        match fate {
            Fate::HangBefore => pending().await,
            Fate::LostBefore => return lost(),
            Fate::Refuse => return DeliveryOutcome::Refused { retry_after_ms: None, reason: "503".to_owned() },
            Fate::Permanent => return DeliveryOutcome::Permanent { reason: "gone".to_owned() },
            Fate::Answer | Fate::HangAfter | Fate::LostAfter | Fate::CrashBefore | Fate::CrashAfter => {}
        }
        let passed_ms = self.world.clock.passed_ms();
        let apart = self.is_steady.then_some(&self.world.folding);
        let receipt = accept(&mut self.world.state(), notification, post, passed_ms, apart);
        self.world.log(|| {
            let of = sequence(&notification.id.0);
            let role = notification.role.as_str();
            // Without the journal's own name, which each run draws anew.
            let short = |id: &str| id.split_once('.').map_or_else(String::new, |(_, rest)| rest.to_owned());
            let folded: Vec<_> = notification.folded.iter().map(|other| short(&other.id.0)).collect();
            let saying = &notification.saying;
            format!("accepted {}.{of} {role} {}: {saying} {folded:?}", notification.incident, notification.address)
        });
        match fate {
            Fate::HangAfter => pending().await,
            Fate::LostAfter => return lost(),
            Fate::CrashAfter => {
                self.world.log(|| "crash after the provider accepted".to_owned());
                self.life.crash().await
            }
            _ => {}
        }
        self.travel().await;
        DeliveryOutcome::Delivered { receipt }
    }

    async fn reconcile(&self, notification: &Notification, _post: Option<&str>) -> Reconciled {
        self.life.goes_on().await;
        self.travel().await;
        let mut state = self.world.state();
        if state.weather.cannot_be_asked {
            return Reconciled::CannotBeAsked { reason: "missing_scope".to_owned() };
        }
        if state.strikes(|w| w.unknown) {
            return Reconciled::Unknown { retry_after_ms: None, reason: "503".to_owned() };
        }
        match state.accepted.iter().find(|accepted| accepted.id == notification.id) {
            Some(accepted) => Reconciled::Has { receipt: accepted.receipt.clone() },
            None => Reconciled::HasNot,
        }
    }
}
