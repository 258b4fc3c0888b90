use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::str::FromStr;

/// A telephone number as ITU-T E.164 writes it: `+`, country code, subscriber; 7 to 15 digits, no spaces.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct PhoneNumber(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{number}` is no E.164 number: {problem}; write `+`, country code and number, such as `+4915112345678`")]
pub struct PhoneError {
    pub number: String,
    pub problem: &'static str,
}

impl PhoneNumber {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PhoneNumber {
    type Err = PhoneError;

    fn from_str(number: &str) -> Result<Self, PhoneError> {
        let problem = match number.strip_prefix('+') {
            None => Some("it does not start with `+`"),
            Some(digits) if !digits.bytes().all(|b| b.is_ascii_digit()) => Some("it has something else than digits"),
            Some(digits) if digits.starts_with('0') => Some("a country code does not start with 0"),
            Some(digits) if digits.len() < 7 => Some("it has fewer than 7 digits"),
            Some(digits) if digits.len() > 15 => Some("it has more than 15 digits"),
            Some(_) => None,
        };
        match problem {
            None => Ok(Self(number.to_owned())),
            Some(problem) => Err(PhoneError { number: number.to_owned(), problem }),
        }
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl<'de> Deserialize<'de> for PhoneNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_accepted_or_refused_with_the_reason() {
        let cases = [
            ("+4915112345678", None),
            ("+12025550123", None),
            ("+1202555", None),
            ("015112345678", Some("does not start with `+`")),
            ("+49 151 12345678", Some("something else than digits")),
            ("+0151123456", Some("does not start with 0")),
            ("+123456", Some("fewer than 7")),
            ("+1234567890123456", Some("more than 15")),
            ("+", Some("fewer than 7")),
            ("", Some("does not start with `+`")),
        ];
        for (number, problem) in cases {
            match (number.parse::<PhoneNumber>(), problem) {
                (Ok(parsed), None) => assert_eq!(parsed.as_str(), number),
                (Err(error), Some(part)) => assert!(error.to_string().contains(part), "{error}"),
                (got, _) => panic!("{number}: {got:?}"),
            }
        }
    }
}
