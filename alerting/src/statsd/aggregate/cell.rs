//! What one thread has seen of one series since the last flush.

use super::distribution::Distribution;
use crate::statsd::parser::{Kind, Reading, Value};
use std::collections::HashSet;
use std::hash::BuildHasher;

/// A gauge's doings: the last value it was set to, and the changes since.
///
/// Two threads may see one gauge. The later value set counts, with the changes that its thread saw after it, and the
/// changes of threads that saw no value set. One client speaks through one socket, so its own order is kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GaugeCell {
    /// The order of its arrival, and the value.
    set: Option<(u64, f64)>,
    change: f64,
}

impl GaugeCell {
    fn merge(&mut self, other: Self) {
        match (self.set, other.set) {
            (Some((own, _)), Some((theirs, _))) if theirs > own => *self = other,
            (Some(_), Some(_)) => {}
            _ => {
                self.set = self.set.or(other.set);
                self.change += other.change;
            }
        }
    }

    /// The gauge's value after these doings.
    pub fn apply(self, before: f64) -> f64 {
        self.set.map_or(before, |(_, value)| value) + self.change
    }
}

/// A set's members, as hashes made with one seed for all threads: two members with one 64-bit hash count once.
#[derive(Debug, Clone, Default)]
pub struct SetCell {
    members: HashSet<u64, super::MemberHash>,
    /// Members seen after the bound was reached; one that comes twice counts twice.
    pub beyond: u64,
}

impl SetCell {
    fn add(&mut self, member: u64, members_max: usize) {
        if self.members.len() < members_max {
            self.members.insert(member);
        } else if !self.members.contains(&member) {
            self.beyond += 1;
        }
    }

    pub fn count(&self) -> usize {
        self.members.len()
    }
}

/// Empty until the first value of a flush.
#[derive(Clone, Default)]
pub enum Cell {
    #[default]
    Empty,
    Counter(f64),
    Gauge(GaugeCell),
    Set(Box<SetCell>),
    Distribution(Box<Distribution>),
}

impl Cell {
    #[inline]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    /// Adds one value. `order` tells which of two gauge values came later.
    #[inline]
    pub fn add(&mut self, reading: &Reading<'_>, order: u64, members: &impl BuildHasher, members_max: usize) {
        match (&mut *self, reading.value) {
            (Self::Counter(total), Value::Number(value)) => *total += value * reading.weight,
            (Self::Distribution(distribution), Value::Number(value)) => {
                distribution.add(scaled(reading.kind, value), reading.weight);
            }
            (Self::Gauge(gauge), Value::Number(value)) => *gauge = GaugeCell { set: Some((order, value)), change: 0.0 },
            (Self::Gauge(gauge), Value::Change(change)) => gauge.change += change,
            (Self::Set(set), Value::Member(member)) => set.add(members.hash_one(member), members_max),
            _ => {
                *self = match reading.kind {
                    Kind::Counter => Self::Counter(0.0),
                    Kind::Gauge => Self::Gauge(GaugeCell { set: None, change: 0.0 }),
                    Kind::Set => Self::Set(Box::default()),
                    Kind::Timer | Kind::Histogram | Kind::Distribution => Self::Distribution(Box::default()),
                };
                // A kind and its values always agree: the parser makes both from one line. So this ends at once.
                if self.takes(reading.value) {
                    self.add(reading, order, members, members_max);
                }
            }
        }
    }

    fn takes(&self, value: Value<'_>) -> bool {
        matches!(
            (self, value),
            (Self::Counter(_) | Self::Distribution(_) | Self::Gauge(_), Value::Number(_))
                | (Self::Gauge(_), Value::Change(_))
                | (Self::Set(_), Value::Member(_))
        )
    }

    /// Adds what another thread has seen of the same series.
    pub fn merge(&mut self, other: Self, members_max: usize) {
        match (&mut *self, other) {
            (_, Self::Empty) => {}
            (Self::Counter(own), Self::Counter(theirs)) => *own += theirs,
            (Self::Gauge(own), Self::Gauge(theirs)) => own.merge(theirs),
            (Self::Distribution(own), Self::Distribution(theirs)) => own.merge(*theirs),
            (Self::Set(own), Self::Set(theirs)) => {
                own.beyond += theirs.beyond;
                theirs.members.into_iter().for_each(|member| own.add(member, members_max));
            }
            (own, theirs) => *own = theirs,
        }
    }
}

/// A timer's milliseconds become the seconds that series are in; the rest is as it was sent.
fn scaled(kind: Kind, value: f64) -> f64 {
    if kind == Kind::Timer { value / 1000.0 } else { value }
}
