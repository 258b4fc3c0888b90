//! What a member writes back: `ACK 42`, `SILENCE 42 1h`, `HELP`. Written at night on a telephone, so that case, `#` and
//! commas do not matter.

use crate::promql::duration::parse_ms;

/// Without a duration a silence lasts this long.
const SILENCE_MS_DEFAULT: u64 = 3_600_000;
const SILENCE_MS_MIN: u64 = 60_000;
const SILENCE_MS_MAX: u64 = 7 * 24 * 3_600_000;
/// Incidents that one message may name.
const NAMED_MAX: usize = 50;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Acknowledge(Which),
    Silence {
        which: Which,
        for_ms: u64,
    },
    Help,
    /// `STOP` and its like: Twilio's own business, and any answer would be refused.
    OptOut,
}

/// The incidents that a command is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// The only one that is open and that this member was told of.
    TheOne,
    /// All that are open and that this member was told of.
    All,
    Numbered(Vec<u64>),
}

/// Why a message is no command, in words for whoever wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unclear {
    #[error("Not understood.")]
    NoCommand,
    #[error("`{0}` is no incident number.")]
    Number(String),
    #[error("`{0}` is no time from 1m to 7d.")]
    Duration(String),
    #[error("Too many numbers.")]
    TooMany,
}

/// <https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out>: what Twilio acts on itself.
const OPT_OUT: [&str; 12] = [
    "STOP",
    "STOPALL",
    "UNSUBSCRIBE",
    "CANCEL",
    "END",
    "QUIT",
    "REVOKE",
    "OPTOUT",
    "START",
    "YES",
    "UNSTOP",
    "SUBSCRIBE",
];

/// Reads a message. Pure.
pub fn parse(text: &str) -> Result<Command, Unclear> {
    let text = text.to_uppercase();
    let mut words: Vec<&str> = text.split(|c: char| c.is_whitespace() || ",;.!".contains(c)).collect();
    words.retain(|word| !word.is_empty());
    let Some((&first, mut rest)) = words.split_first() else { return Err(Unclear::NoCommand) };
    // `ACK42` and `ACK#42` are what is meant.
    let name_end = first.find(|c: char| !c.is_alphabetic()).unwrap_or(first.len());
    let (name, glued) = first.split_at(name_end);
    let joined: Vec<&str>;
    if !glued.is_empty() {
        joined = std::iter::once(glued).chain(rest.iter().copied()).collect();
        rest = &joined;
    }
    match name {
        "ACK" | "ACKNOWLEDGE" | "ACKED" => Ok(Command::Acknowledge(which(rest)?)),
        "SILENCE" | "MUTE" | "SNOOZE" => {
            let (times, numbers): (Vec<&str>, Vec<&str>) = rest.iter().partition(|word| is_time(word));
            let for_ms = match times.as_slice() {
                [] => SILENCE_MS_DEFAULT,
                [time] => duration(time)?,
                [_, second, ..] => return Err(Unclear::Duration(short(second))),
            };
            Ok(Command::Silence { which: which(&numbers)?, for_ms })
        }
        "HELP" | "INFO" if glued.is_empty() => Ok(Command::Help),
        name if OPT_OUT.contains(&name) && glued.is_empty() && rest.is_empty() => Ok(Command::OptOut),
        _ => Err(Unclear::NoCommand),
    }
}

fn which(words: &[&str]) -> Result<Which, Unclear> {
    match words {
        [] => Ok(Which::TheOne),
        ["ALL"] => Ok(Which::All),
        words if words.len() > NAMED_MAX => Err(Unclear::TooMany),
        words => {
            let number = |word: &&str| word.trim_start_matches('#').parse().map_err(|_| Unclear::Number(short(word)));
            Ok(Which::Numbered(words.iter().map(number).collect::<Result<_, _>>()?))
        }
    }
}

/// A number with a unit; a number alone is an incident's.
fn is_time(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit()) && word.ends_with(|c: char| c.is_alphabetic())
}

fn duration(word: &str) -> Result<u64, Unclear> {
    let text = word.to_lowercase().replace("min", "m");
    let ms = parse_ms(&text).and_then(|ms| u64::try_from(ms).ok());
    ms.filter(|ms| (SILENCE_MS_MIN..=SILENCE_MS_MAX).contains(ms)).ok_or_else(|| Unclear::Duration(short(word)))
}

fn short(word: &str) -> String {
    crate::incident::shorten(word, 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_member_writes_is_understood() {
        let acknowledge = |numbers: &[u64]| Ok(Command::Acknowledge(Which::Numbered(numbers.to_vec())));
        let silence = |which, minutes: u64| Ok(Command::Silence { which, for_ms: minutes * 60_000 });
        let number = |text: &str| Err(Unclear::Number(text.to_owned()));
        let duration = |text: &str| Err(Unclear::Duration(text.to_owned()));
        let cases = [
            ("ACK 42", acknowledge(&[42])),
            ("ack #42", acknowledge(&[42])),
            ("Ack42.", acknowledge(&[42])),
            ("ack#42", acknowledge(&[42])),
            ("ACK 42, 43 #44", acknowledge(&[42, 43, 44])),
            ("  ack\n", Ok(Command::Acknowledge(Which::TheOne))),
            ("ack all", Ok(Command::Acknowledge(Which::All))),
            ("Acknowledge!", Ok(Command::Acknowledge(Which::TheOne))),
            ("SILENCE 42 1h", silence(Which::Numbered(vec![42]), 60)),
            ("mute 42 90m", silence(Which::Numbered(vec![42]), 90)),
            ("mute 42 90min", silence(Which::Numbered(vec![42]), 90)),
            ("Mute 2H", silence(Which::TheOne, 120)),
            ("mute", silence(Which::TheOne, 60)),
            ("silence all 1h30m", silence(Which::All, 90)),
            ("help", Ok(Command::Help)),
            ("Stop", Ok(Command::OptOut)),
            ("START", Ok(Command::OptOut)),
            ("", Err(Unclear::NoCommand)),
            ("what is up", Err(Unclear::NoCommand)),
            ("42", Err(Unclear::NoCommand)),
            ("stop it", Err(Unclear::NoCommand)),
            ("ack forty-two", number("FORTY-TWO")),
            ("ack all 42", number("ALL")),
            ("ack -1", number("-1")),
            ("ack 99999999999999999999", number("99999999999999999999")),
            ("mute 42 30d", duration("30D")),
            ("mute 42 1s", duration("1S")),
            ("mute 42 1h 2h", duration("2H")),
            ("mute 42 1x", duration("1X")),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text), expected, "{text:?}");
        }
        assert_eq!(parse(&format!("ack{}", " 7".repeat(60))), Err(Unclear::TooMany));
    }
}
