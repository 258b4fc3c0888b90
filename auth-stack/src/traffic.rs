//! People who are not there: logins, failed logins, sign-ups and tokens at a set rate, so that what is counted about the
//! stack looks as with users.
//!
//! What they do is counted and hit by faults as real requests are; no password is hashed and nothing is stored for them.
//! Who comes next, where and how, follows from a seed. A node that is out has no visitors.

use crate::accounts::Way;
use crate::clock::now_ms;
use crate::component::Component;
use crate::fault::FaultKind;
use crate::provider::Node;
use axum::http::StatusCode;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// More is a load test, which this is not.
pub(crate) const LOGINS_PER_SECOND_MAX: f64 = 1_000.0;
/// How often somebody comes, at least.
const TICK: Duration = Duration::from_millis(50);
/// After a stall of the machine nobody makes up for more than this.
const STALL_MAX: Duration = Duration::from_secs(1);

/// How many people there are.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Traffic {
    /// Attempts to log in, on all nodes together.
    pub logins_per_second: f64,
    pub seed: u64,
}

/// One attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Visit {
    node: usize,
    way: Way,
    /// Everybody forgets a password once in a while.
    mistypes: bool,
    signs_up: bool,
    took: Duration,
}

/// Decides who comes. Pure but for its own seed.
struct Crowd {
    traffic: Traffic,
    nodes: usize,
    chance: StdRng,
    /// Visits that are due, and the part of the next.
    owed: f64,
}

impl Crowd {
    fn new(traffic: Traffic, nodes: usize) -> Crowd {
        Crowd { traffic, nodes, chance: StdRng::seed_from_u64(traffic.seed), owed: 0.0 }
    }

    /// Those who come within `elapsed`.
    fn come(&mut self, elapsed: Duration) -> Vec<Visit> {
        self.owed += elapsed.min(STALL_MAX).as_secs_f64() * self.traffic.logins_per_second;
        let count = self.owed.floor();
        self.owed -= count;
        (0..count as usize).map(|_| self.visit()).collect()
    }

    fn visit(&mut self) -> Visit {
        let chance = &mut self.chance;
        Visit {
            node: chance.random_range(0..self.nodes),
            way: if chance.random_bool(0.7) { Way::Page } else { Way::PasswordGrant },
            mistypes: chance.random_bool(0.05),
            signs_up: chance.random_bool(0.03),
            took: Duration::from_micros(chance.random_range(40_000..120_000)),
        }
    }
}

/// Lets people come until the stack stops.
pub(crate) async fn run(traffic: Traffic, nodes: Vec<Arc<Node>>, stopping: CancellationToken) {
    let mut crowd = Crowd::new(traffic, nodes.len());
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut last = tokio::time::Instant::now();
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            _ = tick.tick() => {}
        }
        let elapsed = last.elapsed();
        last += elapsed;
        for visit in crowd.come(elapsed) {
            receive(&nodes[visit.node], visit);
        }
    }
}

/// Counts what a visitor's requests would have been counted as.
fn receive(node: &Node, visit: Visit) {
    let (provider, now_ms) = (&node.provider, now_ms());
    if provider.faults.outage(&node.name, now_ms).0 {
        return;
    }
    let (metrics, name) = (&provider.metrics, &*node.name);
    let component = if visit.way == Way::Page { Component::Login } else { Component::Token };
    let hits = provider.faults.hits(name, component, now_ms);
    let took = visit.took + Duration::from_millis(hits.delay_ms().unwrap_or(0));
    let request = |status: StatusCode| {
        node.count(component, status);
        metrics.request(name, component, status.as_u16(), took);
    };
    if let Some(status) = hits.error_status() {
        return request(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    }
    let way = visit.way.name();
    if visit.mistypes || hits.has(FaultKind::LoginsFail) {
        metrics.failed_login(name, way);
        return request(if visit.way == Way::Page { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST });
    }
    if !hits.has(FaultKind::LoginsFall) {
        metrics.login(name, way);
    }
    metrics.token(name, if visit.way == Way::Page { "authorization_code" } else { "password" }, took);
    if visit.signs_up {
        metrics.signup(name);
    }
    request(if visit.way == Way::Page { StatusCode::FOUND } else { StatusCode::OK });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_come_as_were_asked_for_and_the_seed_says_who() {
        let traffic = |logins_per_second, seed| Traffic { logins_per_second, seed };
        let come = |traffic: Traffic| {
            let mut crowd = Crowd::new(traffic, 3);
            (0..200).flat_map(|_| crowd.come(Duration::from_millis(50))).collect::<Vec<Visit>>()
        };
        for (rate, count) in [(20.0, 200), (0.5, 5), (0.0, 0), (333.3, 3333)] {
            let all = come(traffic(rate, 1));
            assert!(all.len().abs_diff(count) <= 1, "{rate}: {} of {count}", all.len());
            assert!(all.iter().all(|visit| visit.node < 3));
        }
        assert_eq!(come(traffic(20.0, 7)), come(traffic(20.0, 7)));
        assert_ne!(come(traffic(20.0, 7)), come(traffic(20.0, 8)));
        let mut stalled = Crowd::new(traffic(20.0, 1), 1);
        assert_eq!(stalled.come(Duration::from_secs(3600)).len(), 20, "a stall is not made up for");
    }
}
