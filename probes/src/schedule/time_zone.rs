//! IANA time zone names, with the nearest one for a typing error.

use super::ScheduleError;
use chrono_tz::Tz;
use strsim::levenshtein;

pub(super) fn parse(name: &str) -> Result<Tz, ScheduleError> {
    name.parse().map_err(|_| {
        let near = nearest(name).filter(|_| name.len() <= 64);
        ScheduleError::TimeZone {
            name: name.chars().take(64).collect(),
            suggestion: match near {
                Some(zone) => format!("`{zone}`"),
                None => "one such as `Europe/Berlin`, `America/New_York` or `UTC`".to_owned(),
            },
        }
    })
}

/// The zone whose name, or whose city, is at most two edits away, and fewer than half the letters.
fn nearest(name: &str) -> Option<&'static str> {
    let wanted = name.trim().to_lowercase().replace(' ', "_");
    let distance = |zone: &str| {
        let zone = zone.to_lowercase();
        let city = zone.rsplit('/').next().unwrap_or_default();
        // The whole name is the better hint where both are as near.
        (levenshtein(&wanted, &zone).min(levenshtein(&wanted, city)), levenshtein(&wanted, &zone))
    };
    let zones = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
    zones
        .map(|zone| (distance(zone), zone))
        .min()
        .filter(|&((edits, _), _)| edits <= 2 && edits * 2 < wanted.len())
        .map(|(_, zone)| zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_name_gets_the_nearest() {
        let cases: &[(&str, &str)] = &[
            ("Europe/Brelin", "`Europe/Berlin`"),
            ("berlin", "`Europe/Berlin`"),
            ("New York", "`America/New_York`"),
            ("utc ", "`UTC`"),
            ("Etc/utc", "`Etc/UTC`"),
            ("Mars/Olympus_Mons", "one such as"),
            ("", "one such as"),
        ];
        for (name, part) in cases {
            let error = parse(name).expect_err(name).to_string();
            assert!(error.contains(part), "{name}: {error}");
        }
        assert!(parse("America/New_York").is_ok());
    }
}
