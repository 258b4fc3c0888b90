use super::buttons::buttons;
use super::storm;
use super::text::{code, escape, truncate};
use crate::incident::{IncidentReport, IncidentStatus, RegionCondition, RegionLine, milliseconds};
use crate::notification::{Notification, Role, Span};
use crate::signal::SignalFacts;
use slack_morphism::prelude::*;
use std::collections::HashMap;

/// The `event_type` of the metadata of every message of Tocsin's.
pub const METADATA_EVENT: &str = "tocsin_notification";

/// <https://docs.slack.dev/reference/block-kit/blocks/section-block>
const SECTION_CHARS_MAX: usize = 3000;
/// <https://docs.slack.dev/reference/block-kit/blocks/header-block>
const HEADER_CHARS_MAX: usize = 150;
/// The fallback text, which notifications on a phone show.
const TEXT_CHARS_MAX: usize = 600;
const ERROR_CHARS_MAX: usize = 1200;
const LABELS_SHOWN_MAX: usize = 12;

/// What goes over the wire: the text that a phone shows, the blocks that the channel shows, and the metadata.
pub type SlackText = SlackMessageContent;

/// The message of a notification, with buttons where Slack can tell us of them. Pure.
pub fn render(notification: &Notification, with_buttons: bool) -> SlackMessageContent {
    let payload: HashMap<String, String> = [
        ("id".to_owned(), notification.id.to_string()),
        ("cargo".to_owned(), notification.cargo()),
        ("incident".to_owned(), notification.incident.to_string()),
        ("check".to_owned(), notification.check.to_string()),
    ]
    .into();
    let metadata = SlackMessageMetadata::new(METADATA_EVENT.to_owned()).with_event_payload(payload);
    let content = match notification.role {
        Role::Post | Role::Edit if storm::reports(notification).len() > 1 => {
            let reports = storm::reports(notification);
            SlackMessageContent::new()
                .with_text(truncate(&storm::headline(&reports), TEXT_CHARS_MAX))
                .with_blocks(storm_blocks(&reports, with_buttons))
        }
        Role::Post | Role::Edit => SlackMessageContent::new()
            .with_text(truncate(&headline(&notification.report), TEXT_CHARS_MAX))
            .with_blocks(blocks(&notification.report, with_buttons)),
        Role::Reply | Role::Broadcast => SlackMessageContent::new().with_text(reply(notification)),
    };
    content.with_metadata(metadata)
}

fn storm_blocks(reports: &[&IncidentReport], with_buttons: bool) -> Vec<SlackBlock> {
    let title = SlackBlockPlainText::new(truncate(&storm::headline(reports), HEADER_CHARS_MAX));
    let mut blocks: Vec<SlackBlock> = vec![SlackHeaderBlock::new(title.into()).into()];
    blocks.extend(storm::lists(reports, SECTION_CHARS_MAX).iter().map(|list| section(list)));
    blocks.extend(with_buttons.then(|| buttons(reports)).flatten());
    blocks
}

fn reply(notification: &Notification) -> String {
    if !notification.folded.is_empty() {
        return storm::entries(notification, SECTION_CHARS_MAX);
    }
    let said = escape(&notification.saying.to_string());
    let mark = if notification.saying.ends() { ":white_check_mark: " } else { "" };
    let subject = match notification.role {
        Role::Broadcast => format!("*#{} {}* ", notification.incident, escape(notification.report.title())),
        _ => String::new(),
    };
    truncate(&format!("{mark}{subject}{said}"), SECTION_CHARS_MAX)
}

/// One line with all that matters.
fn headline(report: &IncidentReport) -> String {
    let check = escape(report.title());
    match report.status {
        IncidentStatus::Open => format!(
            "{} #{}: {check}{} ({}): {}",
            escape(&report.label),
            report.number,
            if report.signal.is_some() { "" } else { " is failing" },
            escape(&report.reason),
            escape(&report.failure.message)
        ),
        IncidentStatus::Recovered => format!("#{}: {check} recovered after {}", report.number, lasted(report)),
        IncidentStatus::Closed => {
            format!("#{}: {check} closed after {}: it {}", report.number, lasted(report), escape(&report.closed_as()))
        }
    }
}

fn lasted(report: &IncidentReport) -> Span {
    Span(report.lasted_ms(report.ended_at.unwrap_or(report.opened_at)))
}

fn blocks(report: &IncidentReport, with_buttons: bool) -> Vec<SlackBlock> {
    let (mark, state) = match report.status {
        // What a signal says is its title: it fires, and no run of it fails.
        IncidentStatus::Open if report.signal.is_some() => (":rotating_light:", "fires".to_owned()),
        IncidentStatus::Open => (":rotating_light:", "is failing".to_owned()),
        IncidentStatus::Recovered => (":white_check_mark:", format!("recovered after {}", lasted(report))),
        IncidentStatus::Closed => (":heavy_minus_sign:", format!("closed after {}", lasted(report))),
    };
    let title = format!("{mark} {} {} {state}", report.label, report.title());
    let mut blocks: Vec<SlackBlock> =
        vec![SlackHeaderBlock::new(SlackBlockPlainText::new(truncate(&title, HEADER_CHARS_MAX)).into()).into()];
    if !report.description.is_empty() {
        blocks.push(section(&escape(&report.description)));
    }
    let failure = &report.failure;
    let mut failed = match &report.signal {
        Some(signal) => format!("*{}*", signal.key.source),
        None => format!("*Failed in {}* ({})", report.failed_in, failure.class),
    };
    if let Some(step) = &failure.step {
        failed.push_str(&format!(" at step *{}*", escape(step)));
    }
    failed.push('\n');
    failed.push_str(&code(&failure.message, ERROR_CHARS_MAX));
    if let Some(location) = &failure.location {
        failed.push_str(&format!("\n`{}`", escape(location)));
    }
    blocks.push(section(&failed));
    blocks.push(section(&facts(report)));
    match &report.signal {
        None => blocks.push(section(&grid(report))),
        Some(signal) if !signal.labels.is_empty() => blocks.push(section(&labels(signal))),
        Some(_) => {}
    }
    if !failure.timings.is_empty() {
        let lines = format!("run: {}\n{}", milliseconds(failure.duration_us), failure.timings.join("\n"));
        blocks.push(section(&format!("*Timings*\n{}", code(&lines, ERROR_CHARS_MAX))));
    }
    if let Some(links) = links(report) {
        blocks.push(section(&links));
    }
    blocks.extend(with_buttons.then(|| buttons(&[report])).flatten());
    let mut foot = format!("Tocsin incident #{}", report.number);
    if let Some(previous) = report.previous {
        foot.push_str(&format!(", reopened after #{previous}"));
    }
    if !report.script_path.is_empty() {
        foot.push_str(&format!(" · {}", escape(&report.script_path)));
    }
    let foot = SlackBlockMarkDownText::new(truncate(&foot, SECTION_CHARS_MAX));
    blocks.push(SlackContextBlock::new(vec![foot.into()]).into());
    blocks
}

/// The check's runbook, or where the signal leads.
fn links(report: &IncidentReport) -> Option<String> {
    let runbook = report.runbook_url.as_deref().map(|url| ("Runbook", url));
    let signal = report.signal.iter().flat_map(|signal| &signal.links);
    let all = runbook.into_iter().chain(signal.map(|link| (link.title.as_str(), link.url.as_str())));
    let linked: Vec<String> = all
        .filter(|(_, url)| is_linkable(url))
        .map(|(title, url)| format!("<{}|{}>", escape(url), escape(title)))
        .collect();
    (!linked.is_empty()).then(|| format!(":book: {}", linked.join(" · ")))
}

/// What tells one alert of a name from another.
fn labels(signal: &SignalFacts) -> String {
    let label = |(name, value): (&String, &String)| format!("{name}={value}");
    let lines: Vec<String> = signal.labels.iter().take(LABELS_SHOWN_MAX).map(label).collect();
    code(&lines.join("\n"), ERROR_CHARS_MAX)
}

/// A link's target cannot hold what would end it.
fn is_linkable(url: &str) -> bool {
    (url.starts_with("https://") || url.starts_with("http://"))
        && url.len() <= 2000
        && !url.contains(['|', '<', '>', ' ', '\n'])
}

fn section(mrkdwn: &str) -> SlackBlock {
    let text = SlackBlockMarkDownText::new(truncate(mrkdwn, SECTION_CHARS_MAX));
    SlackSectionBlock::new().with_text(text.into()).into()
}

fn facts(report: &IncidentReport) -> String {
    let mut lines = vec![format!("*Why:* {}", escape(&report.reason))];
    if let Some(standing) = report.standing() {
        lines.push(format!("*Now:* {}", escape(&standing)));
    }
    let since = if report.signal.is_some() { "Since" } else { "Failing since" };
    lines.push(format!("*{since}:* {}", date(report.failing_since)));
    match report.last_success {
        _ if report.signal.is_some() => {}
        Some(at) => lines.push(format!("*Last success:* {}", date(at))),
        None => lines.push("*Last success:* none seen".to_owned()),
    }
    if let Some(at) = report.ended_at {
        lines.push(format!("*Ended:* {}", date(at)));
    }
    if report.signal.is_none() {
        lines.push(format!("*Failures:* {}", report.failures_total));
    }
    lines.join("\n")
}

/// In the reader's own time zone, and in UTC where a client cannot.
fn date(at: checks::UnixMs) -> String {
    format!("<!date^{}^{{date_short_pretty}} {{time_secs}}|{at}>", at.0.div_euclid(1000))
}

fn grid(report: &IncidentReport) -> String {
    let mut lines = vec!["*Regions*".to_owned()];
    lines.extend(report.regions.iter().map(line));
    if report.regions_left_out > 0 {
        lines.push(format!("and {} more", report.regions_left_out));
    }
    lines.join("\n")
}

fn line(line: &RegionLine) -> String {
    let (mark, state) = match line.condition {
        RegionCondition::Unknown => (":white_circle:", "no result yet".to_owned()),
        RegionCondition::Passing => (":large_green_circle:", "passing".to_owned()),
        RegionCondition::Recovering => (":large_yellow_circle:", "recovering".to_owned()),
        RegionCondition::Failing => (":red_circle:", format!("failing, {} in a row", line.failures_in_a_row)),
    };
    let missed = match line.missed_in_a_row {
        0 => String::new(),
        n => format!(", {n} missed since"),
    };
    format!("{mark} `{}` {state}{missed}", line.region)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::sample;
    use crate::signal::{Link, SignalKey, SignalSource};

    fn json(notification: &Notification) -> serde_json::Value {
        serde_json::to_value(render(notification, true)).unwrap()
    }

    #[test]
    fn a_post_says_what_a_person_needs() {
        let message = json(&sample::notification(Role::Post));
        let text = message.to_string();
        for part in [
            "login-password",
            "eu-west-1",
            "P1",
            "second failure in a row in eu-west-1",
            "expected 200, got 503",
            "login › token",
            "*Last success:*",
            "*Failing since:*",
            "first byte 12 ms",
            "https://runbooks.example/login",
            "incident #7",
            ":red_circle: `eu-west-1` failing, 2 in a row",
            "Acknowledge",
            "Silence 1 h",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        assert_eq!(message["metadata"]["event_type"], METADATA_EVENT);
        assert_eq!(message["metadata"]["event_payload"]["id"], "journal.7.3");
        assert!(message["text"].as_str().unwrap().starts_with("P1 #7: login-password is failing"));
    }

    #[test]
    fn a_signal_fires_and_counts_no_failures() {
        let message = json(&sample::signal());
        assert!(message["text"].as_str().unwrap().starts_with("P1 #7: SlowLogins ("), "{}", message["text"]);
        let text = message.to_string();
        assert!(text.contains("P1 SlowLogins fires") && text.contains("*Since:*"), "{text}");
        for part in ["*Failures:*", "is failing", "Last success"] {
            assert!(!text.contains(part), "{part} is in {text}");
        }
    }

    #[test]
    fn a_storm_is_one_readable_list() {
        let mut post = sample::notification(Role::Post);
        let other = |number: u64| {
            let mut n = sample::notification(Role::Post);
            (n.report.number, n.report.check) = (number, format!("check-{number}").parse().unwrap());
            n
        };
        post.carry((8..57).map(other));
        let message = json(&post);
        assert_eq!(message["text"], "P1: login-password and 49 more are failing");
        let text = message.to_string();
        for number in 8..57 {
            assert!(text.contains(&format!("#{number} *check-{number}*: expected 200, got 503")), "{number}: {text}");
        }
        assert!(text.contains("Acknowledge all 50"), "{text}");
        for block in message["blocks"].as_array().unwrap() {
            assert!(block["text"]["text"].as_str().unwrap_or_default().chars().count() <= SECTION_CHARS_MAX);
        }
        post.role = Role::Broadcast;
        post.folded.truncate(1);
        let said = "*#7 login-password* P1: second failure in a row in eu-west-1\n*#8 check-8* P1: second failure in a row in eu-west-1";
        assert_eq!(json(&post)["text"], said);
    }

    #[test]
    fn limits_of_block_kit_hold_for_any_text() {
        let mut notification = sample::notification(Role::Post);
        let report = &mut notification.report;
        report.failure.message = "<&>".repeat(20_000);
        report.description = "d".repeat(10_000);
        report.failure.timings = vec!["t".repeat(5000); 3];
        report.label = "L".repeat(500);
        let template = report.regions[0].clone();
        report.regions = vec![RegionLine { missed_in_a_row: 9, ..template }; 60];
        let message = json(&notification);
        assert!(message["text"].as_str().unwrap().chars().count() <= TEXT_CHARS_MAX);
        let blocks = message["blocks"].as_array().unwrap();
        assert!(blocks.len() <= 50);
        for block in blocks {
            let text = block["text"]["text"].as_str().unwrap_or_default();
            let max = if block["type"] == "header" { HEADER_CHARS_MAX } else { SECTION_CHARS_MAX };
            assert!(text.chars().count() <= max, "{} characters in a {}", text.chars().count(), block["type"]);
        }
        assert!(message.to_string().contains("characters cut)"));
    }

    #[test]
    fn nothing_of_a_check_becomes_markup() {
        let mut notification = sample::notification(Role::Post);
        notification.report.failure.message = "<!channel> ``` <https://evil|x>".to_owned();
        notification.report.runbook_url = Some("https://x|<!here>".to_owned());
        let text = json(&notification).to_string();
        assert!(!text.contains("<!channel>") && !text.contains("<!here>") && !text.contains("<https://evil"), "{text}");
    }

    #[test]
    fn a_signal_shows_its_labels_and_where_it_leads() {
        let link = |title: &str, url: &str| Link { title: title.to_owned(), url: url.to_owned() };
        let mut notification = sample::notification(Role::Post);
        notification.report.runbook_url = None;
        notification.report.signal = Some(SignalFacts {
            key: SignalKey { source: SignalSource::Alertmanager, id: "a".to_owned() },
            firing: true,
            severity: crate::policy::Severity::P1,
            title: "LoginErrors".to_owned(),
            summary: String::new(),
            labels: [("instance".to_owned(), "<!here> login-1".to_owned())].into(),
            links: vec![link("Graph", "https://g.example/?a=b&c"), link("x|<!here>", "https://evil|x")],
            policy: None,
            at: checks::UnixMs(0),
        });
        let text = json(&notification).to_string();
        assert!(text.contains("instance=&lt;!here&gt; login-1"), "{text}");
        assert!(text.contains(":book: <https://g.example/?a=b&amp;c|Graph>\""), "{text}");
        assert!(!text.contains("evil"), "{text}");
    }

    #[test]
    fn replies_are_one_line() {
        let mut notification = sample::notification(Role::Broadcast);
        notification.saying = crate::notification::Saying::Recovered { after_ms: 61_000 };
        let message = json(&notification);
        assert_eq!(message["text"], ":white_check_mark: *#7 login-password* recovered after 1 min 1 s");
        assert!(message.get("blocks").is_none());
    }
}
