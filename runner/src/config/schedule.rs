use super::reader::Section;
use probes::schedule::Schedule;

/// What overrides the schedules that the scripts declare.
///
/// ```toml
/// [schedule]
/// override = "every 5s"    # for demonstrations and rehearsals: every check runs by this one
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScheduleSettings {
    /// Replaces the schedule of every check.
    pub override_all: Option<String>,
}

pub(super) fn read(section: Option<Section<'_>>) -> ScheduleSettings {
    let Some(mut section) = section else { return ScheduleSettings::default() };
    let parse = |text: &str| Schedule::parse(text, None).map(|_| text.to_owned());
    let override_all = section.parsed("override", parse).map(|schedule| schedule.value);
    section.finish();
    ScheduleSettings { override_all }
}
