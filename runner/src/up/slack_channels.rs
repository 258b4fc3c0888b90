//! Whether Slack has the channels that rungs tell, asked once at start.
//!
//! What Slack is certain of is refused. What it did not say, or not for certain, is a notice: a monitor that does not start
//! because Slack is down would be worse than a channel whose first page finds out, and falls back. So is what becomes of a
//! channel that could be posted to at an earlier start: nobody's slip of the pen, and nobody may be there at a restart.

use super::channels;
use super::memory_file::MemoryFile;
use crate::config::{ListedChannel, Settings, nearest};
use alerting::slack::{ChannelStanding, Workspace, workspace};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// How long the start waits for Slack.
const LOOK_UP_MAX: Duration = Duration::from_secs(5);

/// Inside the data folder: the channels that could be posted to at the latest start that could tell.
const FILE: &str = "slack-channels.json";

/// What a person should know, and the channels that can be posted to, or could before.
#[derive(Default)]
pub(super) struct LookedUp {
    pub notices: Vec<String>,
    open: BTreeSet<String>,
}

impl LookedUp {
    /// For the starts after this one. Called when no other process writes to the data folder.
    pub fn remember(&self, data_dir: &Path) {
        let memory = memory(data_dir);
        if !self.open.is_empty() && self.open != memory.read() {
            memory.write(&self.open);
        }
    }
}

fn memory(data_dir: &Path) -> MemoryFile {
    MemoryFile::new(data_dir, FILE, "each Slack channel is looked at as if it were new")
}

/// Why Tocsin does not start is an error. Without a token nobody is asked.
pub(super) async fn look_up(settings: &Settings) -> anyhow::Result<LookedUp> {
    let Some(slack) = channels::slack_settings(settings) else { return Ok(LookedUp::default()) };
    let listed = &settings.slack.listed;
    let wanted: BTreeSet<&str> = listed.iter().map(|listed| listed.channel.as_str()).collect();
    if wanted.is_empty() {
        return Ok(LookedUp::default());
    }
    let wanted: Vec<&str> = wanted.into_iter().collect();
    let workspace = match workspace(&slack, &wanted, LOOK_UP_MAX).await {
        Ok(workspace) => workspace,
        Err(reason) => {
            let channels = wanted.join(", ");
            let notice = format!("{reason}: whether {channels} can be posted to is not known before the first page");
            return Ok(LookedUp { notices: vec![notice], ..LookedUp::default() });
        }
    };
    let before = memory(&settings.data_dir).read();
    let (refused, notices) = verdict(listed, &workspace, &before);
    anyhow::ensure!(refused.is_empty(), "{}", refused.join("\n"));
    let is_open = |channel: &&str| workspace.standing(channel) == ChannelStanding::Open || before.contains(*channel);
    Ok(LookedUp { notices, open: wanted.into_iter().filter(is_open).map(str::to_owned).collect() })
}

/// What is refused, and what is doubtful: a line for each place. Nothing is refused of the channels that were open `before`.
fn verdict(listed: &[ListedChannel], workspace: &Workspace, before: &BTreeSet<String>) -> (Vec<String>, Vec<String>) {
    let (mut refused, mut doubtful) = (Vec::new(), Vec::new());
    let open = || workspace.channels.iter().filter(|channel| !channel.is_archived).map(|channel| channel.name.as_str());
    for ListedChannel { channel, place } in listed {
        let meant = channel.strip_prefix('#').and_then(|name| nearest(name, open()));
        let meant = meant.map(|name| format!(" did you mean `#{name}`?")).unwrap_or_default();
        let certain = if before.contains(channel) { &mut doubtful } else { &mut refused };
        let line = |what: &str| format!("{place}: {}", what.replace("{}", &format!("`{channel}`")));
        match workspace.standing(channel) {
            ChannelStanding::Open => {}
            ChannelStanding::Unknown => {
                let otherwise = "create it or write another one, or invite Tocsin's app into it where it is private";
                certain.push(line(&format!("Slack has no channel {{}};{meant} {otherwise}")));
            }
            ChannelStanding::Archived => {
                certain.push(line("the channel {} is archived in Slack; unarchive it, or write another one"));
            }
            ChannelStanding::NotInvited => {
                certain.push(line(
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
            let (got_refused, got_doubtful) = verdict(&listed, workspace, &BTreeSet::new());
            let before = BTreeSet::from([channel.to_owned()]);
            let all = [got_refused.clone(), got_doubtful.clone()].concat();
            assert_eq!(verdict(&listed, workspace, &before), (Vec::new(), all), "{channel}: it was there before");
            for (got, wanted) in [(got_refused, refused), (got_doubtful, doubtful)] {
                assert_eq!(got.is_empty(), wanted.is_empty(), "{channel}: {got:?}");
                assert!(got.iter().all(|line| line.contains(wanted)), "{channel}: {got:?}");
            }
        }
    }

    #[test]
    fn what_was_open_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let remembered = || memory(folder.path()).read::<BTreeSet<String>>();
        let open = BTreeSet::from(["#p1".to_owned(), "#p2".to_owned()]);
        LookedUp { open: open.clone(), ..LookedUp::default() }.remember(folder.path());
        assert_eq!(remembered(), open);
        // Slack could not be asked: what was known stays.
        LookedUp::default().remember(folder.path());
        assert_eq!(remembered(), open);
    }
}
