use super::policies;
use super::reader::{At, Section};
use alerting::email::check_address;
use std::collections::BTreeMap;

/// Somebody who is woken.
///
/// ```toml
/// [[teams.devops]]
/// name = "Ada"
/// phone = "+4915112345678"
/// email = "ada@example.com"   # for rungs that send e-mail
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub name: String,
    /// E.164.
    pub phone: String,
    pub email: Option<String>,
}

/// The team that the default ladder texts.
pub const PAGED_TEAM: &str = "devops";

pub(super) fn read(section: Option<Section<'_>>, policies: &policies::Draft) -> BTreeMap<String, Vec<Member>> {
    let Some(mut section) = section else { return BTreeMap::new() };
    let mut teams = BTreeMap::new();
    let mut told = policies.told();
    if !policies.replaces_the_default() {
        told.insert(PAGED_TEAM.to_owned());
    }
    for team in section.names() {
        // A member of a team that nothing tells would wait for a page that never comes.
        if !told.contains(&team.value) {
            section.note(&team.value);
            let message = if policies.is_empty() {
                format!(
                    "no rung of the ladder texts team `{}`; the one it texts is `{PAGED_TEAM}`: write `[[teams.{PAGED_TEAM}]]`",
                    team.value
                )
            } else {
                format!(
                    "no policy tells team `{0}`; write `sms = [\"{0}\"]` (or `voice`, `email`) in a rung of one, or take the team out",
                    team.value
                )
            };
            section.reading.report(&team.at, message);
            continue;
        }
        let members = read_members(section.sections(&team.value));
        teams.insert(team.value, members);
    }
    teams
}

fn read_members(sections: Vec<Section<'_>>) -> Vec<Member> {
    let mut members = Vec::new();
    let mut seen: BTreeMap<(&str, String), At> = BTreeMap::new();
    for mut section in sections {
        let reading = section.reading;
        let name = section.required_string("name", "\"Ada\"");
        let phone = section.required_string("phone", "\"+4915112345678\"");
        let email = section.parsed("email", |text| check_address(text).map(|()| text.to_owned()));
        section.finish();
        let mut unique = |what: &'static str, value: &str, at: &At| match seen.get(&(what, value.to_owned())) {
            Some(first) => {
                let line = reading.line(first);
                reading.report(
                    at,
                    format_args!("{what} `{value}` is already listed in line {line}; each member is listed once"),
                );
                false
            }
            None => seen.insert((what, value.to_owned()), at.clone()).is_none(),
        };
        let (Some(name), Some(phone)) = (name, phone) else { continue };
        let named_once = unique("member", &name.value, &name.at);
        match phone_number(&phone.value) {
            Ok(number) => {
                if unique("phone number", &number, &phone.at) && named_once {
                    members.push(Member { name: name.value, phone: number, email: email.map(|email| email.value) });
                }
            }
            Err(error) => reading.report(&phone.at, error),
        }
    }
    members
}

/// ITU-T E.164: `+`, a country code that does not start with 0, at most 15 digits in all.
pub(super) fn phone_number(text: &str) -> Result<String, String> {
    let digits = text.strip_prefix('+').unwrap_or_default();
    let valid =
        (7..=15).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_digit()) && !digits.starts_with('0');
    if valid {
        return Ok(text.to_owned());
    }
    let kept: String = text.chars().filter(char::is_ascii_digit).collect();
    let national = kept.starts_with('0') && !kept.starts_with("00");
    let kept = kept.trim_start_matches('0');
    if (7..=15).contains(&kept.len()) && !national {
        return Err(format!("`{text}` is no phone number as E.164 wants it; write \"+{kept}\""));
    }
    Err(format!(
        "`{text}` is no phone number as E.164 wants it; write `+`, country code and number, such as \"+4915112345678\""
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phone_numbers_are_e164_or_corrected() {
        let cases: &[(&str, Result<(), &str>)] = &[
            ("+4915112345678", Ok(())),
            ("+15005550006", Ok(())),
            ("+49 151 12345678", Err("write \"+4915112345678\"")),
            ("004915112345678", Err("write \"+4915112345678\"")),
            ("015112345678", Err("country code")),
            ("+0151123456", Err("country code")),
            ("+1", Err("country code")),
            ("+1234567890123456", Err("country code")),
            ("Ada", Err("country code")),
        ];
        for (text, expected) in cases {
            match (phone_number(text), expected) {
                (Ok(number), Ok(())) => assert_eq!(number, *text),
                (Err(error), Err(part)) => assert!(error.contains(part), "{text}: {error}"),
                (got, _) => panic!("{text}: {got:?}"),
            }
        }
    }
}
