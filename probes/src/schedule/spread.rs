use super::Schedule;
use checks::{CheckId, Region};
use sha2::{Digest, Sha256};

/// How long after its slot the run of a check in a region starts; under [`Schedule::spread_max_ms`].
///
/// The same on every machine and in every version: a check keeps its place when others come and go, and two probers
/// that serve one region agree.
pub fn spread_offset_ms(check: &CheckId, region: &Region, schedule: &Schedule) -> u64 {
    // An id holds no zero byte, so the two cannot run into each other.
    let digest = Sha256::new().chain_update(check.as_str()).chain_update([0]).chain_update(region.as_str()).finalize();
    let hash = digest.iter().take(8).fold(0_u64, |hash, &byte| (hash << 8) | u64::from(byte));
    hash % schedule.spread_max_ms().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offset_ms(check: &str, region: &str, schedule: &str) -> u64 {
        let schedule = Schedule::parse(schedule, None).unwrap();
        spread_offset_ms(&CheckId::new(check).unwrap(), &Region::new(region).unwrap(), &schedule)
    }

    #[test]
    fn offsets_are_the_same_for_ever() {
        // Golden values: a change would move every check of every installation.
        let offsets = [
            offset_ms("login-password", "eu-west-1", "every 30s"),
            offset_ms("login-password", "us-east-1", "every 30s"),
            offset_ms("jwks", "eu-west-1", "*/5 * * * *"),
        ];
        assert_eq!(offsets, [17_571, 19_031, 2_790]);
    }

    #[test]
    fn offsets_fill_the_period_evenly_and_stay_under_it() {
        let mut per_second = [0_u32; 30];
        for n in 0..3_000 {
            per_second[offset_ms(&format!("check-{n}"), "eu-west-1", "every 30s") as usize / 1_000] += 1;
        }
        // 100 are expected in each second; sixty is four standard deviations away.
        assert!(per_second.iter().all(|&n| (60..=140).contains(&n)), "{per_second:?}");
        for n in 0..200 {
            assert!(offset_ms(&format!("check-{n}"), "r", "every 2s") < 2_000);
            assert!(offset_ms(&format!("check-{n}"), "r", "every 1d") < 30_000);
            assert!(offset_ms(&format!("check-{n}"), "r", "0 9 * * *") < 5_000);
        }
    }
}
