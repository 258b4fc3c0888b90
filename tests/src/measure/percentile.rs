use std::time::Duration;

/// The smallest value that `percent` of the values do not exceed (nearest rank), or `None` where there are none.
pub fn percentile(values: &mut [Duration], percent: f64) -> Option<Duration> {
    values.sort_unstable();
    let rank = (percent / 100.0 * values.len() as f64).ceil() as usize;
    values.get(rank.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_rank() {
        let mut values: Vec<_> = (1..=100).rev().map(Duration::from_millis).collect();
        for (percent, ms) in [(0.0, 1), (1.0, 1), (50.0, 50), (99.0, 99), (99.1, 100), (100.0, 100)] {
            assert_eq!(percentile(&mut values, percent), Some(Duration::from_millis(ms)), "{percent}");
        }
        assert_eq!(percentile(&mut [], 50.0), None);
    }
}
