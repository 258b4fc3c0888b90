//! Slack and the telephone company, as one process reaches them.

use crate::world::{Accepted, Life, Listed, Named, Shared, State};
use alerting::incident::IncidentStatus;
use alerting::notification::{ChannelKind, Notification, NotificationId, Role};
use alerting::outbox::Folding;
use alerting::sms;
use alerting::{Channel, Clock as _, DeliveryOutcome, Reconciled};
use async_trait::async_trait;
use checks::UnixMs;
use std::collections::BTreeSet;
use std::future::pending;
use std::sync::Arc;

/// The longest 429 storm, and what `Retry-After` says in it.
const STORM_MS_MAX: u64 = 15_000;
/// How late a message may arrive that nobody may send again before.
pub const LAG_MS: u64 = 3_000;
/// How late one arrives that comes too late.
const TOO_LATE_MS_MAX: u64 = 12_000;
/// As far back the shipped client looks.
const LOOK_BACK_MS: u64 = 10 * 60 * 1000;

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
    /// Nothing is said, and it arrives this much later.
    LostLate(u64),
    Blocked,
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
    if state.strikes(|w| w.blocked) {
        return Fate::Blocked;
    }
    if notification.role != Role::Edit && state.strikes(|w| w.late) {
        let is_too_late = state.chance.hits(100);
        return Fate::LostLate(match is_too_late {
            false => state.chance.between(1, LAG_MS - 1),
            true => state.chance.between(LAG_MS + 1, TOO_LATE_MS_MAX),
        });
    }
    // What a provider had once it does not refuse for good when it is sent again.
    let carries =
        |id: &NotificationId| notification.id == *id || notification.folded.iter().any(|other| other.id == *id);
    let is_known = state.accepted.iter().map(|accepted| &accepted.id).chain(&state.doubtful).any(carries);
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

fn ids(notification: &Notification) -> impl Iterator<Item = &NotificationId> {
    notification.folded.iter().map(|other| &other.id).chain([&notification.id])
}

/// A message on its way into the provider's books.
struct Arrival<'a> {
    notification: &'a Notification,
    post: Option<&'a str>,
    passed_ms: u64,
    now: UnixMs,
    /// How messages are kept apart, where that is looked at.
    apart: Option<&'a Folding>,
}

/// The provider takes the message, and everything that should never be is noted.
fn accept(state: &mut State, arrival: &Arrival<'_>) -> String {
    let Arrival { notification, post, passed_ms, now, apart } = arrival;
    let (id, lane) = (notification.id.clone(), notification.address.lane());
    let receipt = format!("{lane}/{}", state.receipts);
    state.receipts += 1;
    if notification.address.kind() == ChannelKind::Sms {
        let (lane, body) = (lane.clone(), sms::body(notification, true));
        state.texts.push(Listed { lane, body, at: *now, receipt: receipt.clone() });
    }
    state.named.push(Named { id: id.clone(), carried: ids(notification).cloned().collect(), receipt: receipt.clone() });
    if state.confirmed.contains(&id) && !state.doubtful.contains(&id) {
        state.violations.push(format!("{id} to {lane} sent again after its delivery was written down"));
    }
    if let Some(folding) = apart.filter(|_| notification.role == Role::Post && !state.weather.cannot_be_asked) {
        keep_apart(state, notification, *passed_ms, folding.between_ms(notification.address.kind()));
    }
    let own = (id, notification.incident, notification.saying.clone(), &notification.report, notification.role);
    let folded = notification.folded.iter();
    let folded = folded.map(|f| (f.id.clone(), f.report.number, f.saying.clone(), &f.report, f.role));
    for (id, incident, saying, report, role) in std::iter::once(own).chain(folded) {
        let of_lane = || state.accepted.iter().filter(|a| a.incident == incident && a.lane == lane);
        let mut problems = Vec::new();
        let earlier = of_lane().any(|a| a.id == id);
        if earlier && state.doubtful.contains(&id) {
            let passed_ms = *passed_ms;
            state
                .log
                .push(format!("{passed_ms:>8} came twice, the first time too late: {incident}.{}", sequence(&id.0)));
            continue;
        }
        // Where nobody can be asked, an answer that was lost may cost a second message; a known one never does.
        if earlier && role != Role::Edit && !state.weather.cannot_be_asked {
            problems.push(format!("{id} to {lane} sent twice: {saying}"));
        }
        if !earlier
            && !state.doubtful.contains(&id)
            && let Some(newer) = of_lane().find(|a| sequence(&a.id.0) > sequence(&id.0))
        {
            problems.push(format!("{id} came after {} in {lane}", newer.id));
        }
        let first = of_lane().find(|a| a.role == Role::Post);
        // A post that came twice has two names.
        let has_two = first.is_some_and(|first| state.doubtful.contains(&first.id));
        let first = first.map(|a| a.receipt.as_str());
        if role != Role::Post && !has_two && (post.is_none() || *post != first) && !state.weather.cannot_be_asked {
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

/// No telephone gets two messages within the time that keeps messages apart. No other place gets two pages within its
/// time, nor two messages that are none: a page passes one that is none and is on its way, so that between those two there
/// may be less.
fn keep_apart(state: &mut State, notification: &Notification, passed_ms: u64, every_ms: u64) {
    let place = place(notification);
    let before = state.came_ms.get(&place).copied();
    if before.is_some_and(|before| passed_ms - before < every_ms) {
        state.violations.push(format!("{} got two messages within {every_ms} ms", place.0));
    }
    state.came_ms.insert(place, passed_ms);
}

/// Whose messages are kept apart from this one.
fn place(notification: &Notification) -> (String, bool) {
    let is_page = notification.page || notification.folded.iter().any(|other| other.page);
    (notification.address.lane(), is_page || notification.address.kind().rings())
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

    /// The provider has the request, and says nothing; its books have the message a little later, whoever has died since.
    fn arrive_later(&self, notification: &Notification, post: Option<&str>, late_ms: u64) {
        let (world, is_steady) = (Arc::clone(&self.world), self.is_steady);
        let (notification, post) = (notification.clone(), post.map(str::to_owned));
        // Under a clock that jumps nobody knows how long ago it was sent.
        {
            let mut state = world.state();
            if late_ms > LAG_MS || !is_steady || state.weather.cannot_be_asked {
                state.doubtful.extend(ids(&notification).cloned());
            } else if notification.role == Role::Post {
                // It counts from when it was sent.
                state.came_ms.insert(place(&notification), world.clock.passed_ms());
            }
        }
        tokio::spawn(async move {
            world.clock.after(late_ms).await;
            let (passed_ms, now) = (world.clock.passed_ms(), world.clock.now());
            let arrival = Arrival { notification: &notification, post: post.as_deref(), passed_ms, now, apart: None };
            accept(&mut world.state(), &arrival);
            let when = if late_ms > LAG_MS { "too late" } else { "late" };
            world.log(|| format!("accepted {when}: {}.{}", notification.incident, sequence(&notification.id.0)));
        });
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
            Fate::LostLate(late_ms) => {
                self.arrive_later(notification, post, late_ms);
                return lost();
            }
            Fate::Blocked => return DeliveryOutcome::Blocked { reason: "401".to_owned() },
            Fate::Refuse => return DeliveryOutcome::Refused { retry_after_ms: None, reason: "503".to_owned() },
            Fate::Permanent => return DeliveryOutcome::Permanent { reason: "gone".to_owned() },
            Fate::Answer | Fate::HangAfter | Fate::LostAfter | Fate::CrashBefore | Fate::CrashAfter => {}
        }
        let (passed_ms, now) = (self.world.clock.passed_ms(), self.world.clock.now());
        let apart = self.is_steady.then_some(&self.world.folding);
        let receipt = accept(&mut self.world.state(), &Arrival { notification, post, passed_ms, now, apart });
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

    async fn reconcile(
        &self,
        notification: &Notification,
        _post: Option<&str>,
        taken: &BTreeSet<String>,
    ) -> Reconciled {
        self.life.goes_on().await;
        self.travel().await;
        let mut state = self.world.state();
        if state.weather.cannot_be_asked {
            return Reconciled::CannotBeAsked { reason: "missing_scope".to_owned() };
        }
        if state.strikes(|w| w.unknown) {
            return Reconciled::Unknown { retry_after_ms: None, reason: "503".to_owned() };
        }
        let has = |receipt: &String| Reconciled::Has { receipt: receipt.clone() };
        let found = match notification.address.kind() {
            // The telephone company's list has bodies and no names.
            ChannelKind::Sms => {
                let (lane, oldest) = (notification.address.lane(), notification.created_at - LOOK_BACK_MS);
                let body = sms::body(notification, true);
                let listed = state.texts.iter().rev().filter(|text| text.lane == lane && text.at >= oldest);
                let mut listed = listed.filter(|text| !taken.contains(&text.receipt));
                listed.find(|text| sms::is_same(&text.body, &body)).map(|text| has(&text.receipt))
            }
            _ => {
                let carried: BTreeSet<_> = ids(notification).cloned().collect();
                let of_name = || state.named.iter().filter(|named| named.id == notification.id);
                let whole = of_name().find(|named| named.carried == carried).map(|named| has(&named.receipt));
                let earlier = || of_name().next_back().map(|named| named.receipt.clone());
                whole.or_else(|| earlier().map(|receipt| Reconciled::HasEarlier { receipt }))
            }
        };
        found.unwrap_or(Reconciled::HasNot)
    }
}
