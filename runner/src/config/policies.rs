use super::duration::{parse_duration, parse_wait};
use super::reader::{At, Placed, Reading, Section};
use super::slack::channel;
use super::{ListedChannel, Member, TwilioSettings, nearest};
use alerting::email::check_address;
use alerting::policy::{Counts, Destination, Directory, FALLBACK_AFTER_MS, Flapping, Policy, Rung};
use checks::{CheckDefinition, CheckId};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The policy that every check has which no other one claims; written, it takes the place of the mission's ladder.
pub const DEFAULT_POLICY: &str = "default";

/// A ladder is climbed by people who read it.
const RUNGS_MAX: usize = 10;
const COUNT_MAX: u64 = 1000;
/// Whoever is told more often than this turns the telephone off.
const REPEAT_EVERY_MS_MIN: u64 = 60_000;

/// Who is told when, in rungs.
///
/// A check has the policy that it names itself (`policy` in defineCheck), otherwise the one that lists it under
/// `checks`, otherwise the first in the file with one of its tags, otherwise the default. `[policies.default]` takes the
/// place of the mission's ladder.
///
/// ```toml
/// [policies.login]
/// tags = ["login"]                  # or checks = ["login-password"]
/// recover_after = 2                 # passes in a row; 1 where it is left out
/// fallback = "devops"               # texted where a page stays undelivered; left out, the teams of its rungs, or devops
/// fallback_after = "5m"
/// repeat_every = "15m"              # the highest rung that wakes people says it again until somebody acknowledges
/// confirm_after = "2s"              # a region that begins to fail is run again this soon; "0s" is at once
/// flapping_openings = 5             # incidents within flapping_window that count as flapping; 0: never
/// flapping_window = "30m"
/// calm_after = "5m"                 # how long nothing fails until a flapping incident is over
///
/// [[policies.login.rungs]]
/// label = "P2"                      # left out, the rung's number
/// failures_in_a_row = 1
/// counts = "every-failure"          # "target-failures" where it is left out
/// slack = ["#p2"]
///
/// [[policies.login.rungs]]
/// label = "P1"
/// failures_in_a_row = 2
/// min_regions = 2                   # in how many regions at once; 1 where it is left out
/// slack = ["#p1"]
/// sms = ["devops"]                  # teams
///
/// [[policies.login.rungs]]
/// label = "leads"
/// escalate_unacknowledged_after = "10m"  # instead of failures: this long after the rung before it that wakes people
/// sms = ["leads"]
/// voice = ["leads"]                 # teams, too: a call that reads the incident
/// email = ["leads", "status@example.com"]  # teams whose members have an address, or addresses
/// webhook = ["pager"]               # of [webhooks.pager]
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedPolicy {
    pub name: String,
    pub tags: Vec<String>,
    pub checks: Vec<ListedCheck>,
    pub policy: Policy,
}

/// A check that a policy lists, and where: whether it exists is known only when the scripts have been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedCheck {
    pub id: CheckId,
    /// `file:line:column (key ...)`.
    pub place: String,
}

/// Why a check has its policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyChoice {
    /// The script names it.
    Own,
    /// The policy lists the check.
    Listed,
    /// The first policy of the file with one of the check's tags.
    Tag(String),
    Default,
}

impl fmt::Display for PolicyChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own => f.write_str("the script names it"),
            Self::Listed => f.write_str("it lists the check"),
            Self::Tag(tag) => write!(f, "the first policy for the tag `{tag}`"),
            Self::Default => f.write_str("no other one claims the check"),
        }
    }
}

/// The policy of a check, by name, and why. The name may be one that nothing has.
pub fn choose(policies: &[NamedPolicy], definition: &CheckDefinition) -> (String, PolicyChoice) {
    if let Some(own) = &definition.policy {
        return (own.clone(), PolicyChoice::Own);
    }
    if let Some(listing) = policies.iter().find(|policy| policy.checks.iter().any(|check| check.id == definition.id)) {
        return (listing.name.clone(), PolicyChoice::Listed);
    }
    for policy in policies {
        if let Some(tag) = policy.tags.iter().find(|tag| definition.tags.contains(tag)) {
            return (policy.name.clone(), PolicyChoice::Tag(tag.clone()));
        }
    }
    (DEFAULT_POLICY.to_owned(), PolicyChoice::Default)
}

/// The policies as written, with the places that are needed until the teams and regions are known.
pub(super) struct Draft {
    policies: Vec<(NamedPolicy, Placed<String>, Vec<RungPlaces>)>,
    teams: Vec<Placed<String>>,
    webhooks: Vec<Placed<String>>,
    channels: Vec<ListedChannel>,
    calls: Vec<At>,
}

struct RungPlaces {
    rung: At,
    min_regions: Placed<u32>,
}

impl Draft {
    /// The teams that some rung or fallback tells.
    pub(super) fn told(&self) -> BTreeSet<String> {
        self.teams.iter().map(|team| team.value.clone()).collect()
    }

    /// The Slack channels that some rung tells.
    pub(super) fn channels(&self) -> Vec<ListedChannel> {
        self.channels.clone()
    }

    pub(super) fn replaces_the_default(&self) -> bool {
        self.policies.iter().any(|(policy, ..)| policy.name == DEFAULT_POLICY)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.policies.is_empty()
    }

    /// Holds them against the teams, the webhooks, the number of regions and what can be called from.
    pub(super) fn fit(
        self,
        reading: &Reading<'_>,
        directory: &Directory,
        regions: usize,
        twilio: &TwilioSettings,
    ) -> Vec<NamedPolicy> {
        for team in self.teams.iter().filter(|team| !directory.teams.contains_key(&team.value)) {
            let known = directory.teams.keys().map(String::as_str);
            let message = match nearest(&team.value, known) {
                Some(meant) => format!("there is no team `{}`; did you mean `{meant}`?", team.value),
                None => format!(
                    "there is no team `{0}`; write its members as `[[teams.{0}]]` with `name` and `phone`",
                    team.value
                ),
            };
            reading.report(&team.at, message);
        }
        for webhook in self.webhooks.iter().filter(|webhook| !directory.webhooks.contains(&webhook.value)) {
            let known: Vec<&str> = directory.webhooks.iter().map(String::as_str).collect();
            let name = &webhook.value;
            let message = match (nearest(name, known.iter().copied()), known.is_empty()) {
                (Some(meant), _) => format!("there is no webhook `{name}`; did you mean `{meant}`?"),
                (None, true) => {
                    format!("there is no webhook `{name}`; write `[webhooks.{name}]` with `url` and `secret`")
                }
                (None, false) => format!(
                    "there is no webhook `{name}`; write `[webhooks.{name}]` with `url` and `secret`, or one of {}",
                    known.join(", ")
                ),
            };
            reading.report(&webhook.at, message);
        }
        if twilio.account.as_ref().is_some_and(|account| account.call_from.is_none())
            && let Some(call) = self.calls.first()
        {
            reading.report(
                call,
                "a messaging service cannot call; write `call_from = \"+15005550006\"` with a number of the account into [twilio]",
            );
        }
        for (.., places) in &self.policies {
            for RungPlaces { min_regions, .. } in places {
                if usize::try_from(min_regions.value).unwrap_or(usize::MAX) > regions {
                    let s = if regions == 1 { "" } else { "s" };
                    reading.report(
                        &min_regions.at,
                        format_args!(
                            "this rung can never be reached: it waits for {} regions, and there {} {regions} region{s}; write {regions} or less",
                            min_regions.value,
                            if regions == 1 { "is" } else { "are" },
                        ),
                    );
                }
            }
        }
        // What is already known to be wrong would be said twice.
        if reading.problems.borrow().is_empty() {
            for (named, name, places) in &self.policies {
                if let Err(error) = named.policy.ladder(&named.name, directory) {
                    let at = error.rung().and_then(|rung| places.get(rung - 1)).map_or(&name.at, |place| &place.rung);
                    reading.report(at, error);
                }
            }
        }
        self.policies.into_iter().map(|(policy, ..)| policy).collect()
    }
}

/// The teams and webhooks as alerting knows them. A number that is no number has been refused where it was read.
pub(crate) fn directory<'a>(
    teams: &BTreeMap<String, Vec<Member>>,
    webhooks: impl Iterator<Item = &'a String>,
) -> Directory {
    let member = |member: &Member| {
        let (name, email) = (member.name.clone(), member.email.clone());
        Some(alerting::policy::Member { name, phone: member.phone.parse().ok()?, email })
    };
    let teams = teams.iter().map(|(team, members)| (team.clone(), members.iter().filter_map(member).collect()));
    Directory { teams: teams.collect(), webhooks: webhooks.cloned().collect(), ..Directory::default() }
}

pub(super) fn read(section: Option<Section<'_>>) -> Draft {
    let (policies, teams, webhooks) = (Vec::new(), Vec::new(), Vec::new());
    let mut draft = Draft { policies, teams, webhooks, channels: Vec::new(), calls: Vec::new() };
    let Some(mut section) = section else { return draft };
    let mut claimed: BTreeMap<(&str, String), (String, usize)> = BTreeMap::new();
    for name in section.names() {
        let Some(policy) = section.section(&name.value) else { continue };
        let (tags, checks) = read_policy(policy, &name, &mut draft);
        for (what, claims) in [("tag", tags), ("check", checks)] {
            for claim in claims {
                let line = section.reading.line(&claim.at);
                match claimed.get(&(what, claim.value.clone())) {
                    Some((other, first)) => section.reading.report(
                        &claim.at,
                        format_args!(
                            "{what} `{}` already belongs to policy `{other}` (line {first}); leave it in one of them",
                            claim.value
                        ),
                    ),
                    None => {
                        claimed.insert((what, claim.value), (name.value.clone(), line));
                    }
                }
            }
        }
    }
    draft
}

type Claims = Vec<Placed<String>>;

fn read_policy(mut section: Section<'_>, name: &Placed<String>, draft: &mut Draft) -> (Claims, Claims) {
    let reading = section.reading;
    let (tags, checks) = (section.strings("tags"), section.strings("checks"));
    if name.value == DEFAULT_POLICY
        && let Some(claim) = tags.first().or(checks.first())
    {
        reading
            .report(&claim.at, "the default policy is that of every check which no other one claims; leave this out");
    }
    let recover_after = section.integer("recover_after", 1..=COUNT_MAX).map_or(1, number);
    let fallback = section.string("fallback");
    let fallback_after_ms = section
        .parsed("fallback_after", parse_duration)
        .map_or(FALLBACK_AFTER_MS, |after| u64::try_from(after.value.as_millis()).unwrap_or(u64::MAX));
    let repeat_every_ms = duration_ms(&mut section, "repeat_every");
    if let Some(repeat) = &repeat_every_ms
        && repeat.value < REPEAT_EVERY_MS_MIN
    {
        reading.report(&repeat.at, "nobody reads so fast; write \"1m\" or longer");
    }
    let confirm_after_ms = duration_ms(&mut section, "confirm_after").map(|after| after.value);
    let flapping = flapping(&mut section);
    let has_rungs = section.has("rungs");
    let sections = section.sections("rungs");
    if !has_rungs {
        reading.report(
            &name.at,
            format_args!("the ladder has no rungs; write at least one `[[policies.{}.rungs]]`", name.value),
        );
    }
    if sections.len() > RUNGS_MAX {
        reading
            .report(&sections[RUNGS_MAX].at, format_args!("the ladder does not end; write at most {RUNGS_MAX} rungs"));
    }
    let (mut rungs, mut places) = (Vec::new(), Vec::new());
    for (index, rung) in sections.into_iter().enumerate() {
        let (rung, place) = read_rung(rung, index + 1, draft);
        rungs.push(rung);
        places.push(place);
    }
    if let Some(repeat) = &repeat_every_ms
        && !rungs.is_empty()
        && rungs.iter().all(|rung| rung.counts == Counts::EveryFailure)
    {
        reading.report(
            &repeat.at,
            "nothing is ever repeated: that is what a rung does that wakes people, and there is none; leave this out, or write one with `counts = \"target-failures\"`",
        );
    }
    section.finish();
    let mut listed = Vec::new();
    for check in &checks {
        match CheckId::new(&check.value) {
            Ok(id) => listed.push(ListedCheck { id, place: reading.place_of(&check.at) }),
            Err(error) => reading.report(&check.at, error),
        }
    }
    let policy = Policy {
        rungs,
        recover_after,
        fallback_team: fallback.as_ref().map(|t| t.value.clone()),
        fallback_after_ms,
        repeat_every_ms: repeat_every_ms.map(|every| every.value),
        confirm_after_ms,
        flapping,
    };
    draft.teams.extend(fallback);
    let tag_names = tags.iter().map(|tag| tag.value.clone()).collect();
    let named = NamedPolicy { name: name.value.clone(), tags: tag_names, checks: listed, policy };
    draft.policies.push((named, name.clone(), places));
    (tags, checks)
}

fn duration_ms(section: &mut Section<'_>, key: &str) -> Option<Placed<u64>> {
    let written = section.parsed(key, parse_wait)?;
    let value = u64::try_from(written.value.as_millis()).unwrap_or(u64::MAX);
    Some(Placed { value, at: written.at })
}

fn flapping(section: &mut Section<'_>) -> Option<Flapping> {
    let usual = Flapping::default();
    let openings = section.integer("flapping_openings", 0..=100).map_or(usual.openings, number);
    let window_ms = duration_ms(section, "flapping_window").map_or(usual.window_ms, |window| window.value);
    let calm_after_ms = duration_ms(section, "calm_after").map_or(usual.calm_after_ms, |calm| calm.value);
    (openings > 0).then_some(Flapping { openings, window_ms, calm_after_ms })
}

fn read_rung(mut section: Section<'_>, number_of_rung: usize, draft: &mut Draft) -> (Rung, RungPlaces) {
    let reading = section.reading;
    let label = section.string("label").map_or_else(|| format!("rung {number_of_rung}"), |label| label.value);
    let unacknowledged = duration_ms(&mut section, "escalate_unacknowledged_after");
    let has_failures = section.has("failures_in_a_row");
    let failures_in_a_row = section.integer("failures_in_a_row", 1..=COUNT_MAX).map_or(1, number);
    match &unacknowledged {
        None if !has_failures => reading.report(
            &section.at,
            "at how many failures? write `failures_in_a_row = 2`, or `escalate_unacknowledged_after = \"10m\"`",
        ),
        Some(after) if has_failures => {
            reading.report(&after.at, "a rung is climbed by failures or by time; leave out this or `failures_in_a_row`")
        }
        Some(after) if after.value == 0 => {
            reading.report(&after.at, "nobody could acknowledge before; write a time such as \"10m\"");
        }
        _ => {}
    }
    let place = section.value_place("min_regions");
    let min_regions = section.integer("min_regions", 1..=COUNT_MAX).map_or(1, number);
    let counts = section.parsed("counts", counts).map_or(Counts::TargetFailures, |counts| counts.value);
    let mut destinations = Vec::new();
    for written in section.strings("slack") {
        match channel(&written.value) {
            Ok(name) => {
                draft.channels.push(ListedChannel { channel: name.clone(), place: reading.place_of(&written.at) });
                destinations.push(Destination::Slack(name));
            }
            Err(error) => reading.report(&written.at, error),
        }
    }
    for team in section.strings("sms") {
        destinations.push(Destination::SmsTeam(team.value.clone()));
        draft.teams.push(team);
    }
    for webhook in section.strings("webhook") {
        destinations.push(Destination::Webhook(webhook.value.clone()));
        draft.webhooks.push(webhook);
    }
    for team in section.strings("voice") {
        destinations.push(Destination::VoiceTeam(team.value.clone()));
        draft.calls.push(team.at.clone());
        draft.teams.push(team);
    }
    for written in section.strings("email") {
        destinations.push(Destination::Email(written.value.clone()));
        match written.value.contains('@') {
            false => draft.teams.push(written),
            true => {
                if let Err(problem) = check_address(&written.value) {
                    reading.report(&written.at, problem);
                }
            }
        }
    }
    let is_written = ["slack", "sms", "webhook", "voice", "email"].iter().any(|key| section.has(key));
    if destinations.is_empty() && !is_written {
        reading.report(
            &section.at,
            "tells nobody; write `slack = [\"#p1\"]`, or `sms = [\"devops\"]` with the name of a team",
        );
    }
    let rung_at = section.at.clone();
    section.finish();
    let unacknowledged_after_ms = unacknowledged.map(|after| after.value);
    let rung = Rung { label, failures_in_a_row, min_regions, counts, unacknowledged_after_ms, destinations };
    (rung, RungPlaces { rung: rung_at, min_regions: Placed { value: min_regions, at: place } })
}

fn number(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

fn counts(text: &str) -> Result<Counts, String> {
    match text {
        "every-failure" => Ok(Counts::EveryFailure),
        "target-failures" => Ok(Counts::TargetFailures),
        _ => Err(format!(
            "`{text}` is nothing that can be counted; write \"target-failures\", or \"every-failure\" for those of the script and the prober too"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use checks::ScriptSource;

    fn definition(id: &str, tags: &[&str], policy: Option<&str>) -> CheckDefinition {
        CheckDefinition {
            id: id.parse().unwrap(),
            description: String::new(),
            schedule: "every 30s".to_owned(),
            time_zone: None,
            timeout_ms: 1000,
            regions: Vec::new(),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            secrets: Vec::new(),
            reach: checks::Reach::default(),
            policy: policy.map(str::to_owned),
            depends_on: Vec::new(),
            runbook_url: None,
            script: ScriptSource { path: String::new(), hash: String::new() },
        }
    }

    #[test]
    fn a_check_has_its_own_policy_then_the_one_that_lists_it_then_its_tags_then_the_default() {
        let named = |name: &str, tags: &[&str], listed: &[&str]| NamedPolicy {
            name: name.to_owned(),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            checks: listed.iter().map(|id| ListedCheck { id: id.parse().unwrap(), place: String::new() }).collect(),
            policy: Policy::mission_default(),
        };
        let policies = [named("quiet", &["cdn", "docs"], &[]), named("loud", &["login"], &["docs"])];
        type Case<'a> = (&'a str, &'a [&'a str], Option<&'a str>, &'a str, PolicyChoice);
        let cases: [Case<'_>; 6] = [
            ("docs", &["docs"], Some("night"), "night", PolicyChoice::Own),
            ("docs", &["docs"], None, "loud", PolicyChoice::Listed),
            ("cdn", &["login", "cdn"], None, "quiet", PolicyChoice::Tag("cdn".to_owned())),
            ("sign-up", &["login"], None, "loud", PolicyChoice::Tag("login".to_owned())),
            ("sign-up", &["signup"], None, "default", PolicyChoice::Default),
            ("sign-up", &[], None, "default", PolicyChoice::Default),
        ];
        for (id, tags, own, name, choice) in cases {
            assert_eq!(choose(&policies, &definition(id, tags, own)), (name.to_owned(), choice), "{id} {tags:?}");
        }
    }
}
