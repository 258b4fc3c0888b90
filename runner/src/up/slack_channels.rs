//! Whether Slack has the channels that rungs tell, asked once at start.
//!
//! What Slack is certain of is refused. What it did not say, or not for certain, is a notice: a monitor that does not start
//! because Slack is down would be worse than a channel whose first page finds out, and falls back.

use super::channels;
use crate::config::{ListedChannel, Settings, nearest};
use alerting::slack::{ChannelStanding, Workspace, workspace};
use std::collections::BTreeSet;
use std::time::Duration;

/// How long the start waits for Slack.
const LOOK_UP_MAX: Duration = Duration::from_secs(5);

/// What a person should know, or why Tocsin does not start. Without a token nobody is asked.
pub(super) async fn look_up(settings: &Settings) -> anyhow::Result<Vec<String>> {
    let Some(slack) = channels::slack_settings(settings) else { return Ok(Vec::new()) };
    let listed = &settings.slack.listed;
    let wanted: BTreeSet<&str> = listed.iter().map(|listed| listed.channel.as_str()).collect();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let wanted: Vec<&str> = wanted.into_iter().collect();
    let (refused, notices) = match workspace(&slack, &wanted, LOOK_UP_MAX).await {
        Ok(workspace) => verdict(listed, &workspace),
        Err(reason) => {
            let channels = wanted.join(", ");
            let notice = format!("{reason}: whether {channels} can be posted to is not known before the first page");
            (Vec::new(), vec![notice])
        }
    };
    anyhow::ensure!(refused.is_empty(), "{}", refused.join("\n"));
    Ok(notices)
}

/// What is refused, and what is doubtful: a line for each place.
fn verdict(listed: &[ListedChannel], workspace: &Workspace) -> (Vec<String>, Vec<String>) {
    let (mut refused, mut doubtful) = (Vec::new(), Vec::new());
    let open = || workspace.channels.iter().filter(|channel| !channel.is_archived).map(|channel| channel.name.as_str());
    for ListedChannel { channel, place } in listed {
        let meant = channel.strip_prefix('#').and_then(|name| nearest(name, open()));
        let meant = meant.map(|name| format!(" did you mean `#{name}`?")).unwrap_or_default();
        let line = |what: &str| format!("{place}: {}", what.replace("{}", &format!("`{channel}`")));
        match workspace.standing(channel) {
            ChannelStanding::Open => {}
            ChannelStanding::Unknown => {
                let otherwise = "create it or write another one, or invite Tocsin's app into it where it is private";
                refused.push(line(&format!("Slack has no channel {{}};{meant} {otherwise}")));
            }
            ChannelStanding::Archived => {
                refused.push(line("the channel {} is archived in Slack; unarchive it, or write another one"));
            }
            ChannelStanding::NotInvited => {
                refused.push(line(
                    "Tocsin's app is not in the channel {}, and its token lacks the scope `chat:write.public`; invite it there",
                ));
            }
            ChannelStanding::PerhapsUnknown => {
                let why = "Slack does not show every channel to this token";
                doubtful.push(line(&format!(
                    "the channel {{}} was not found;{meant} {why} (`channels:read`, `groups:read`)"
                )));
            }
            ChannelStanding::PerhapsNotInvited => {
                doubtful.push(line(
                    "Tocsin's app is not in the channel {}; invite it there, unless its token has the scope `chat:write.public`",
                ));
            }
        }
    }
    (refused, doubtful)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alerting::slack::WorkspaceChannel;

    #[test]
    fn what_is_certain_is_refused_with_what_to_write_and_what_is_not_is_said() {
        let channel = |name: &str, is_archived, is_member| WorkspaceChannel {
            id: format!("C000000{name}"),
            name: name.to_owned(),
            is_archived,
            is_member,
        };
        let channels = vec![channel("p1", false, true), channel("p3", true, true), channel("status", false, false)];
        let whole = Workspace { channels, is_whole: true, shows_private: true, posts_uninvited: Some(false) };
        let cut = Workspace { is_whole: false, posts_uninvited: None, ..whole.clone() };
        let cases = [
            (&whole, "#p1", "", ""),
            (&whole, "#p2", "a:1:2: Slack has no channel `#p2`; did you mean `#p1`? create it or", ""),
            (&whole, "#elsewhere", "a:1:2: Slack has no channel `#elsewhere`; create it or write another one", ""),
            (&whole, "#p3", "`#p3` is archived in Slack; unarchive it", ""),
            (&whole, "#status", "not in the channel `#status`, and its token lacks", ""),
            (&cut, "#p2", "", "the channel `#p2` was not found; did you mean `#p1`? Slack does not show every channel"),
            (&cut, "#status", "", "a:1:2: Tocsin's app is not in the channel `#status`; invite it there, unless"),
            (&cut, "#p3", "is archived", ""),
        ];
        for (workspace, channel, refused, doubtful) in cases {
            let listed = [ListedChannel { channel: channel.to_owned(), place: "a:1:2".to_owned() }];
            let (got_refused, got_doubtful) = verdict(&listed, workspace);
            for (got, wanted) in [(got_refused, refused), (got_doubtful, doubtful)] {
                assert_eq!(got.is_empty(), wanted.is_empty(), "{channel}: {got:?}");
                assert!(got.iter().all(|line| line.contains(wanted)), "{channel}: {got:?}");
            }
        }
    }
}
