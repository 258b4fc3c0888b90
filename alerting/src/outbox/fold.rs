//! Storms: what would be many messages to one place becomes one. Pure: it is told which rows may leave and what went
//! before, and says which leave together.
//!
//! - A telephone and a mailbox get one message in [`Folding::every_ms`]: the first at once, and what follows meanwhile
//!   in one when it is over.
//! - A Slack channel gets two posts in [`Folding::posts_window_ms`]: what follows joins the newest, as one entry that the
//!   channel sees, and the post lists them all. Posts that may leave at the same instant are one from the start.
//! - Entries and edits of a post that several incidents share go together, not more often than [`Folding::gap_ms`].
//! - A webhook is read by a program, and gets each message on its own.
//!
//! Rows that left together once are tried again together: a provider that is asked has to find what it was sent.

use crate::notification::{ChannelKind, Role};
use checks::UnixMs;
use std::collections::{BTreeMap, BTreeSet};

/// Rows that one message carries.
const CARRIED_MAX: usize = 200;

/// How messages to one place are kept apart; nothing is where a time is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Folding {
    pub every_ms: u64,
    pub posts_window_ms: u64,
    pub gap_ms: u64,
}

impl Default for Folding {
    fn default() -> Self {
        Self { every_ms: 60_000, posts_window_ms: 60_000, gap_ms: 10_000 }
    }
}

impl Folding {
    /// Every message leaves on its own, at once.
    pub const OFF: Self = Self { every_ms: 0, posts_window_ms: 0, gap_ms: 0 };
}

/// A row that may leave, first of those that wait in its lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub id: String,
    /// The place, whichever incident it is about.
    pub lane: String,
    pub role: Role,
    /// The row with which it left before.
    pub carrier: Option<String>,
    /// The post that it belongs to.
    pub post: Option<String>,
    /// Whether other incidents share that post.
    pub is_shared: bool,
}

/// What went to a place before.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Before {
    /// A message or a post is on its way there.
    pub is_under_way: bool,
    pub sent_at: Option<UnixMs>,
    pub post: Option<String>,
    pub post_at: Option<UnixMs>,
    /// The post before the newest.
    pub post_before_at: Option<UnixMs>,
}

/// Rows that leave as one message; the first gives it its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    /// By place among the candidates.
    pub rows: Vec<usize>,
    /// The post that these posts join.
    pub joins: Option<String>,
}

/// Whether less than `ms` have passed. A clock that went back holds nothing up.
fn is_within(at: Option<UnixMs>, now: UnixMs, ms: u64) -> bool {
    at.is_some_and(|at| at <= now && now.since_ms(at) < ms)
}

/// Which of the candidates leave now, in their order.
pub(crate) fn groups(
    kind: ChannelKind,
    candidates: &[Candidate],
    before: &BTreeMap<String, Before>,
    folding: &Folding,
    now: UnixMs,
) -> Vec<Group> {
    let none = Before::default();
    let mut groups: Vec<Group> = Vec::new();
    let mut taken: BTreeSet<usize> = BTreeSet::new();
    // The places to which a message leaves now already.
    let mut busy: BTreeSet<(&str, Option<&str>)> = BTreeSet::new();
    for (index, row) in candidates.iter().enumerate() {
        if taken.contains(&index) {
            continue;
        }
        let before = before.get(&row.lane).unwrap_or(&none);
        let is_alone = match (kind, row.role) {
            (ChannelKind::Webhook, _) => true,
            (ChannelKind::Slack, Role::Post) => folding.posts_window_ms == 0,
            (ChannelKind::Slack, _) => !row.is_shared,
            _ => folding.every_ms == 0,
        };
        if is_alone {
            groups.push(Group { rows: vec![index], joins: None });
            continue;
        }
        let place = (row.lane.as_str(), row.post.as_deref());
        if busy.contains(&place) {
            continue;
        }
        let is_new = row.carrier.is_none() || row.role == Role::Edit;
        let is_held = match (kind, row.role) {
            (ChannelKind::Slack, Role::Post) => before.is_under_way,
            (ChannelKind::Slack, _) => is_new && is_within(before.sent_at, now, folding.gap_ms),
            _ => before.is_under_way || (is_new && is_within(before.sent_at, now, folding.every_ms)),
        };
        if is_held {
            continue;
        }
        let goes_along = |other: &Candidate| {
            let is_same_kind = (kind != ChannelKind::Slack) || (other.role == Role::Edit) == (row.role == Role::Edit);
            let is_post = (other.role == Role::Post) == (row.role == Role::Post);
            let is_same_place = other.lane == row.lane && other.post == row.post && is_same_kind && is_post;
            let is_other_new = other.carrier.is_none() || other.role == Role::Edit;
            is_same_place && if is_new { is_other_new } else { other.carrier == row.carrier }
        };
        let mut rows: Vec<usize> = (index..candidates.len())
            .filter(|other| !taken.contains(other) && goes_along(&candidates[*other]))
            .take(CARRIED_MAX)
            .collect();
        if let Some(carrier) = row.carrier.as_ref().filter(|_| !is_new) {
            // The message keeps its name.
            rows.sort_by_key(|other| candidates[*other].id != *carrier);
        }
        let is_storm = is_within(before.post_at, now, folding.posts_window_ms)
            && is_within(before.post_before_at, now, folding.posts_window_ms);
        let joins =
            before.post.clone().filter(|_| is_storm && is_new && kind == ChannelKind::Slack && row.role == Role::Post);
        taken.extend(&rows);
        busy.insert(place);
        groups.push(Group { rows, joins });
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_000_000);

    fn row(id: &str, lane: &str, role: Role) -> Candidate {
        let (id, lane) = (id.to_owned(), lane.to_owned());
        Candidate { id, lane, role, carrier: None, post: None, is_shared: false }
    }

    fn plan(kind: ChannelKind, rows: &[Candidate], before: Before) -> Vec<(Vec<usize>, bool)> {
        let before = rows.iter().map(|row| (row.lane.clone(), before.clone())).collect();
        let groups = groups(kind, rows, &before, &Folding::default(), NOW);
        groups.into_iter().map(|group| (group.rows, group.joins.is_some())).collect()
    }

    #[test]
    fn a_telephone_gets_one_message_a_minute() {
        let rows = [row("a", "sms:1", Role::Post), row("b", "sms:1", Role::Post), row("c", "sms:2", Role::Post)];
        let sent = |ms| Before { sent_at: Some(NOW - ms), ..Before::default() };
        let all = vec![(vec![0, 1], false), (vec![2], false)];
        assert_eq!(plan(ChannelKind::Sms, &rows, Before::default()), all);
        assert_eq!(plan(ChannelKind::Sms, &rows, sent(59_999)), []);
        assert_eq!(plan(ChannelKind::Sms, &rows, sent(60_000)), all);
        let ahead = Before { sent_at: Some(NOW + 3_600_000), ..Before::default() };
        assert_eq!(plan(ChannelKind::Sms, &rows, ahead), all, "a clock that went back holds nothing up");
        let under_way = Before { is_under_way: true, ..Before::default() };
        assert_eq!(plan(ChannelKind::Sms, &rows, under_way), []);
        assert_eq!(plan(ChannelKind::Webhook, &rows[..2], sent(1)), [(vec![0], false), (vec![1], false)]);
    }

    #[test]
    fn what_left_together_is_tried_again_together_and_under_its_name() {
        let carried = |id: &str| Candidate { carrier: Some("b".to_owned()), ..row(id, "sms:1", Role::Post) };
        let rows = [carried("a"), carried("b"), row("new", "sms:1", Role::Post)];
        let sent = Before { sent_at: Some(NOW - 1), ..Before::default() };
        assert_eq!(plan(ChannelKind::Sms, &rows, sent), [(vec![1, 0], false)]);
    }

    #[test]
    fn the_third_post_of_a_minute_joins_the_second() {
        let rows = [row("a", "slack:#p1", Role::Post), row("b", "slack:#p1", Role::Post)];
        let posts = |first: u64, second: u64| Before {
            sent_at: Some(NOW - second),
            post: Some("C/2".to_owned()),
            post_at: Some(NOW - second),
            post_before_at: Some(NOW - first),
            ..Before::default()
        };
        assert_eq!(
            plan(ChannelKind::Slack, &rows, Before::default()),
            [(vec![0, 1], false)],
            "one post from the start"
        );
        assert_eq!(plan(ChannelKind::Slack, &rows, posts(59_000, 1_000)), [(vec![0, 1], true)]);
        assert_eq!(plan(ChannelKind::Slack, &rows, posts(61_000, 1_000)), [(vec![0, 1], false)]);
    }

    #[test]
    fn entries_of_a_shared_post_go_together_and_others_alone() {
        let entry = |id: &str, role, is_shared| Candidate {
            post: Some("C/1".to_owned()),
            is_shared,
            ..row(id, "slack:#p1", role)
        };
        let alone = [entry("a", Role::Broadcast, false), entry("b", Role::Edit, false)];
        assert_eq!(plan(ChannelKind::Slack, &alone, Before::default()), [(vec![0], false), (vec![1], false)]);
        let shared = [
            entry("a", Role::Broadcast, true),
            entry("b", Role::Edit, true),
            entry("c", Role::Reply, true),
            entry("d", Role::Edit, true),
        ];
        assert_eq!(plan(ChannelKind::Slack, &shared, Before::default()), [(vec![0, 2], false)], "the edits go next");
        assert_eq!(plan(ChannelKind::Slack, &shared[1..2], Before::default()), [(vec![0], false)]);
    }
}
