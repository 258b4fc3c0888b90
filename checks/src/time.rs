use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::{Add, Sub};

/// An instant: milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted. On the wire it is the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixMs(pub i64);

impl UnixMs {
    /// The system clock. Only shells call this; whatever decides is given the time.
    pub fn now() -> Self {
        Self(Utc::now().timestamp_millis())
    }

    /// Milliseconds from `earlier` to this instant, zero where the clock went backwards.
    pub fn since_ms(self, earlier: Self) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }

    /// This instant in UTC, or `None` where it lies outside the calendar's range (about 262,000 years).
    pub fn to_utc(self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_millis(self.0)
    }
}

impl From<DateTime<Utc>> for UnixMs {
    fn from(at: DateTime<Utc>) -> Self {
        Self(at.timestamp_millis())
    }
}

/// Adds milliseconds, saturating at the ends of the range.
impl Add<u64> for UnixMs {
    type Output = Self;

    fn add(self, duration_ms: u64) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration_ms).unwrap_or(i64::MAX)))
    }
}

/// Subtracts milliseconds, saturating at the ends of the range.
impl Sub<u64> for UnixMs {
    type Output = Self;

    fn sub(self, duration_ms: u64) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration_ms).unwrap_or(i64::MAX)))
    }
}

/// RFC 3339 in UTC; milliseconds only where there are any.
impl fmt::Display for UnixMs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_utc() {
            Some(at) => f.write_str(&at.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            None => write!(f, "{} ms", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_rfc_3339() {
        assert_eq!(UnixMs(0).to_string(), "1970-01-01T00:00:00Z");
        assert_eq!(UnixMs(1_795_466_400_250).to_string(), "2026-11-23T20:40:00.250Z");
    }

    #[test]
    fn a_clock_that_went_back_measures_zero() {
        assert_eq!(UnixMs(5).since_ms(UnixMs(9)), 0);
        assert_eq!(UnixMs(9).since_ms(UnixMs(5)), 4);
    }
}
