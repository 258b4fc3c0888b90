use super::every::{PERIOD_MS_MAX, PERIOD_MS_MIN};

/// Why a text is no schedule. Each quotes the text, and says what to write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    #[error("the schedule is empty; write a period such as `every 30s`, or a cron expression such as `*/5 * * * *`")]
    Empty,
    #[error("schedule `{text}` is no period; write `{suggestion}`")]
    Period { text: String, suggestion: String },
    #[error("schedule `{text}` has a period of {period}, and the shortest is {min_s} s; write `every {min_s}s` or longer", min_s = PERIOD_MS_MIN / 1000)]
    PeriodTooShort { text: String, period: String },
    #[error("schedule `{text}` has a period over {max_d} days, the longest; write `every {max_d}d` or shorter", max_d = PERIOD_MS_MAX / 86_400_000)]
    PeriodTooLong { text: String },
    #[error(
        "schedule `{text}` has {found} fields, and a cron expression has five (minute hour day month weekday), or six with seconds in front; write for example `{suggestion}`"
    )]
    FieldCount { text: String, found: usize, suggestion: String },
    #[error("schedule `{text}`: `{field}` is no {name}; write {allowed}")]
    Field { text: String, field: String, name: &'static str, allowed: &'static str },
    #[error("schedule `{text}` is not known; write @hourly, @daily, @weekly, @monthly or @yearly, or five cron fields")]
    Nickname { text: String },
    #[error("schedule `{text}` never comes: {why}; write {instead}")]
    Never { text: String, why: &'static str, instead: &'static str },
    #[error("time zone `{name}` is no IANA name; write {suggestion}")]
    TimeZone { name: String, suggestion: String },
}
