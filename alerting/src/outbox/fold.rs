//! Storms: what would be many messages to one place becomes few. Pure: it is told what waits for one place and what went
//! there before, and says what leaves now, and what together.
//!
//! What goes to a place is of three streams, and each keeps its own time:
//! - *Messages*: texts and calls, one in [`Folding::every_ms`]; mails and posts in a channel, one in
//!   [`Folding::post_ms`].
//! - *Entries* in the thread of a post that several incidents share, and *edits* of such a post. One in
//!   [`Folding::gap_ms`]; an entry that is a page keeps the time of posts.
//!
//! The first of a stream leaves at once. What follows within its time waits, and leaves together when that is over. In a
//! channel or mailbox a page waits for nothing but another page: neither the end of another incident nor a post for the
//! morning holds it up. A telephone gets one message in its time, whatever it is about. Wherever a page goes, all else
//! that waits for the place goes along with it. So a page leaves at the latest that time after the message that went to
//! the same place before it, or after the attempt to send that, where its answer was lost. A webhook is read by a
//! program, and a post that no other incident shares is its incident's own: there everything goes on its own.
//!
//! What left together and may have arrived is asked for together and under the same name. What certainly has not arrived
//! is free again, and leaves with all that waits by then.

use crate::notification::{ChannelKind, Role};
use checks::UnixMs;
use std::collections::{BTreeMap, BTreeSet};

/// Rows that one message carries; the rest goes with the next.
const CARRIED_MAX: usize = 1000;

/// How messages to one place are kept apart; nothing is where a time is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Folding {
    /// Texts and calls: they ring.
    pub every_ms: u64,
    /// Posts and mails: so long that what happens together is told together, and no longer.
    pub post_ms: u64,
    pub gap_ms: u64,
}

impl Default for Folding {
    fn default() -> Self {
        Self { every_ms: 60_000, post_ms: 2_000, gap_ms: 10_000 }
    }
}

impl Folding {
    /// Every message leaves on its own, at once.
    pub const OFF: Self = Self { every_ms: 0, post_ms: 0, gap_ms: 0 };

    /// Between two messages of a kind.
    pub fn between_ms(&self, kind: ChannelKind) -> u64 {
        if kind.rings() { self.every_ms } else { self.post_ms }
    }

    fn ms(&self, kind: ChannelKind, stream: Stream, is_page: bool) -> u64 {
        match stream {
            Stream::Message => self.between_ms(kind),
            Stream::Entry if is_page => self.post_ms.min(self.gap_ms),
            Stream::Entry | Stream::Edit => self.gap_ms,
        }
    }
}

/// Of what goes to one place, what is kept apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stream {
    Message,
    Entry,
    Edit,
}

impl Stream {
    pub fn of(role: Role) -> Self {
        match role {
            Role::Post => Self::Message,
            Role::Reply | Role::Broadcast => Self::Entry,
            Role::Edit => Self::Edit,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Entry => "entry",
            Self::Edit => "edit",
        }
    }

    pub fn parse(stream: &str) -> Option<Self> {
        [Self::Message, Self::Entry, Self::Edit].into_iter().find(|known| known.as_str() == stream)
    }
}

/// How far a row that waits has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The provider certainly does not have it.
    Free,
    /// An attempt ended at this instant, and nobody knows how. The row left with this one's message.
    Uncertain { carrier: String, left_at: UnixMs },
    /// It is on its way.
    Leased,
}

/// A row that waits for a place, in the order in which they were decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub id: String,
    pub incident: u64,
    pub role: Role,
    pub page: bool,
    pub is_due: bool,
    pub standing: Standing,
    /// The post that it belongs to, where other incidents share that.
    pub shared_post: Option<String>,
}

/// When something last went to a place, by what it was and whether it was a page.
pub(crate) type Departures = BTreeMap<(Stream, bool), UnixMs>;

/// Whether less than `ms` have passed. A clock that went back holds nothing up.
fn is_within(at: UnixMs, now: UnixMs, ms: u64) -> bool {
    at <= now && now.since_ms(at) < ms
}

/// What keeps one time together: a stream, and the post where there is one.
type Key<'a> = (Stream, Option<&'a str>);

fn key<'a>(kind: ChannelKind, row: &'a Waiting, folding: &Folding) -> Option<Key<'a>> {
    let stream = Stream::of(row.role);
    let is_folded = match (kind, stream) {
        (ChannelKind::Webhook, _) => false,
        (_, Stream::Message) => true,
        (_, Stream::Entry | Stream::Edit) => row.shared_post.is_some(),
    };
    (is_folded && folding.ms(kind, stream, false) > 0).then_some((stream, row.shared_post.as_deref()))
}

/// The rows that leave now, by their place in `rows`: each inner list is one message, named after its first.
pub(crate) fn leaving(
    kind: ChannelKind,
    rows: &[Waiting],
    departures: &Departures,
    folding: &Folding,
    now: UnixMs,
) -> Vec<Vec<usize>> {
    let mut keys: BTreeSet<Key<'_>> = BTreeSet::new();
    let mut seen: BTreeSet<u64> = BTreeSet::new();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let is_first = seen.insert(row.incident);
        match key(kind, row, folding) {
            Some(key) => {
                keys.insert(key);
            }
            None if is_first && row.is_due && row.standing != Standing::Leased => groups.push(vec![index]),
            None => {}
        }
    }
    for key in keys {
        groups.extend(uncertain(kind, rows, key, folding));
        let free = free(kind, rows, key, folding);
        let is_due = free.iter().any(|&index| rows[index].is_due);
        if is_due && !is_held(kind, rows, &free, key, departures, folding, now) {
            groups.push(free);
        }
    }
    groups
}

/// An edit that may have arrived is sent again with the others: to edit twice is to edit once.
fn is_free(row: &Waiting) -> bool {
    match row.standing {
        Standing::Free => true,
        Standing::Uncertain { .. } => row.role == Role::Edit,
        Standing::Leased => false,
    }
}

/// What may have left together, and is asked for together.
fn uncertain(kind: ChannelKind, rows: &[Waiting], of: Key<'_>, folding: &Folding) -> Vec<Vec<usize>> {
    let mut carried: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, row) in rows.iter().enumerate().filter(|(_, row)| key(kind, row, folding) == Some(of)) {
        if let (Standing::Uncertain { carrier, .. }, false) = (&row.standing, is_free(row)) {
            carried.entry(carrier).or_default().push(index);
        }
    }
    carried
        .into_iter()
        .filter(|(_, group)| group.iter().any(|&index| rows[index].is_due))
        .map(|(carrier, mut group)| {
            // The message keeps its name.
            group.sort_by_key(|&index| rows[index].id != carrier);
            group
        })
        .collect()
}

/// What would leave together: no row without the ones of its incident that were decided before it.
fn free(kind: ChannelKind, rows: &[Waiting], of: Key<'_>, folding: &Folding) -> Vec<usize> {
    let mut barred: BTreeSet<u64> = BTreeSet::new();
    let mut free = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let goes = is_free(row) && key(kind, row, folding) == Some(of) && free.len() < CARRIED_MAX;
        match goes && !barred.contains(&row.incident) {
            true => free.push(index),
            false => {
                barred.insert(row.incident);
            }
        }
    }
    free
}

/// Whether something went before, or may have, that keeps these back.
fn is_held(
    kind: ChannelKind,
    rows: &[Waiting],
    group: &[usize],
    of: Key<'_>,
    departures: &Departures,
    folding: &Folding,
    now: UnixMs,
) -> bool {
    let is_page = group.iter().any(|&index| rows[index].page);
    let (stream, ms) = (of.0, folding.ms(kind, of.0, is_page));
    let counts = |page: bool| page || !is_page || kind.rings();
    let before = departures.iter().any(|((of, page), at)| *of == stream && counts(*page) && is_within(*at, now, ms));
    let under_way = rows.iter().filter(|row| key(kind, row, folding) == Some(of)).any(|row| match &row.standing {
        Standing::Free => false,
        Standing::Uncertain { left_at, .. } => !is_free(row) && counts(row.page) && is_within(*left_at, now, ms),
        // Two edits of one post at once may arrive in either order.
        Standing::Leased => stream == Stream::Edit || counts(row.page),
    });
    before || under_way
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_000_000);
    const SMS: ChannelKind = ChannelKind::Sms;
    const SLACK: ChannelKind = ChannelKind::Slack;
    const MAIL: ChannelKind = ChannelKind::Email;

    /// `incident`, and what it is: `P` a page, `p` a message that wakes nobody, `e` an edit, `b` a broadcast, `B` one that
    /// pages, `r` a reply. Upper and lower marks after it: `~` may have left with the first row, 5 s ago, `>` is on its way,
    /// `.` is not due, `*` belongs to the shared post.
    fn rows(text: &str) -> Vec<Waiting> {
        let mut rows = Vec::new();
        for (index, word) in text.split_whitespace().enumerate() {
            let place = word.find(|c: char| !c.is_ascii_digit()).unwrap();
            let what = word.as_bytes()[place] as char;
            let role = match what {
                'P' | 'p' => Role::Post,
                'e' => Role::Edit,
                'b' | 'B' => Role::Broadcast,
                'r' => Role::Reply,
                other => panic!("{other} in {text}"),
            };
            let standing = match (word.contains('~'), word.contains('>')) {
                (true, _) => Standing::Uncertain { carrier: "row-0".to_owned(), left_at: NOW - 5_000 },
                (_, true) => Standing::Leased,
                _ => Standing::Free,
            };
            rows.push(Waiting {
                id: format!("row-{index}"),
                incident: word[..place].parse().unwrap(),
                role,
                page: what.is_ascii_uppercase(),
                is_due: !word.contains('.'),
                standing,
                shared_post: word.contains('*').then(|| "C/1".to_owned()),
            });
        }
        rows
    }

    #[test]
    fn what_leaves_and_what_waits() {
        let none: &[((Stream, bool), u64)] = &[];
        let page = |ago_ms| [((Stream::Message, true), ago_ms)];
        let other = |ago_ms| [((Stream::Message, false), ago_ms)];
        let entry = |ago_ms| [((Stream::Entry, false), ago_ms)];
        let paged = |ago_ms| [((Stream::Entry, true), ago_ms)];
        let edit = |ago_ms| [((Stream::Edit, false), ago_ms)];
        /// Channel, what waits, what went before and how long ago, what leaves, and why.
        type Case<'a> = (ChannelKind, &'a str, &'a [((Stream, bool), u64)], &'a [&'a [usize]], &'a str);
        let cases: &[Case<'_>] = &[
            (SMS, "1P", none, &[&[0]], "the first leaves at once"),
            (SMS, "1P 2P 3p", none, &[&[0, 1, 2]], "what waits together leaves together"),
            (SMS, "2P", &page(59_999), &[], "a page behind a page waits"),
            (SMS, "2P", &page(60_000), &[&[0]], "until the time is over"),
            (SMS, "2P", &other(59_999), &[], "a telephone gets one message in that time, whatever it is"),
            (SMS, "2p 3P", &other(60_000), &[&[0, 1]], "and a page takes along what waits"),
            (SMS, "2p", &other(59_999), &[], "what pages nobody waits"),
            (SMS, "2p", &page(59_999), &[], "for a page as well"),
            (SMS, "1P> 2P", none, &[], "nothing passes a page on its way"),
            (SMS, "1p> 2P", none, &[], "nor any other text"),
            (MAIL, "2P", &page(1_999), &[], "a mail behind a mail waits a moment"),
            (MAIL, "2P", &page(2_000), &[&[0]], "and no longer"),
            (MAIL, "2P", &other(0), &[&[0]], "a page waits for nothing but a page"),
            (MAIL, "2p 3P", &other(0), &[&[0, 1]], "and takes along what waits"),
            (MAIL, "2p", &other(1_999), &[], "what pages nobody waits"),
            (MAIL, "1p> 2P", none, &[&[1]], "a page passes what is none"),
            (SMS, "1P 1p", none, &[&[0, 1]], "an incident and its end in one"),
            (SMS, "1P> 1p 2P", &page(99_000), &[], "no end passes its page"),
            (MAIL, "1p> 1P 2P", none, &[&[2]], "and no page what its incident said before"),
            (SMS, "1P~ 2P~ 3P", none, &[&[0, 1]], "what may have left is asked for alone, and holds the rest"),
            (SMS, "1P~. 2P~. 3P", none, &[], "whenever it is asked for"),
            (SMS, "1p~. 3P", none, &[], "a text that may have left counts"),
            (MAIL, "1p~. 3P", none, &[&[1]], "a page passes a mail that may have left"),
            (SMS, "1P. 2P", none, &[&[0, 1]], "a retry goes along before its time"),
            (SMS, "1P. 2P.", none, &[], "what is not due waits"),
            (ChannelKind::Webhook, "1P 1p 2P", &page(0), &[&[0], &[2]], "a program gets each, in order"),
            (SLACK, "1P 2P", none, &[&[0, 1]], "one post from the start"),
            (SLACK, "2P", &page(1_999), &[], "a second post waits a moment"),
            (SLACK, "2P 3P 4p", &page(2_000), &[&[0, 1, 2]], "and what came meanwhile is one with it"),
            (SLACK, "1p 1e 1B", &other(1_000), &[], "nothing passes its own post"),
            (SLACK, "1e 1b 2e", &edit(0), &[&[0], &[2]], "a post of one incident is its own"),
            (SLACK, "1e* 1b* 2e* 3b*", none, &[&[3], &[0, 2]], "edits together, entries together"),
            (SLACK, "1e* 2e*", &edit(9_999), &[], "not more often than the gap"),
            (SLACK, "1e* 2e*", &edit(10_000), &[&[0, 1]], "and then"),
            (SLACK, "1e*> 2e*", none, &[], "one edit of a post at a time"),
            (SLACK, "1e*~ 2e*.", none, &[&[0, 1]], "an edit that may have arrived is sent again"),
            (SLACK, "1r* 2b*", &entry(9_999), &[], "an entry waits for an entry"),
            (SLACK, "1B* 2r*", &entry(9_999), &[&[0, 1]], "and a page does not"),
            (SLACK, "1B* 2r*", &paged(1_999), &[], "but for another page"),
            (SLACK, "1B* 2r*", &paged(2_000), &[&[0, 1]], "for as long as a post"),
        ];
        for (kind, text, before, expected, why) in cases {
            let departures = before.iter().map(|(what, ago_ms)| (*what, NOW - *ago_ms)).collect();
            let groups = leaving(*kind, &rows(text), &departures, &Folding::default(), NOW);
            assert_eq!(groups, *expected, "{kind} {text}: {why}");
        }
    }

    #[test]
    fn off_everything_goes_on_its_own() {
        let departures = [((Stream::Message, true), NOW)].into();
        for (text, expected) in [("1P 2P 2p 3P.", vec![vec![0], vec![1]]), ("1P~ 2P~ 3P>", vec![vec![0], vec![1]])] {
            assert_eq!(leaving(SMS, &rows(text), &departures, &Folding::OFF, NOW), expected, "{text}");
        }
    }

    #[test]
    fn a_clock_that_went_back_holds_nothing_up() {
        let ahead = [((Stream::Message, true), NOW + 3_600_000)].into();
        assert_eq!(leaving(SMS, &rows("1P"), &ahead, &Folding::default(), NOW), [[0]]);
    }

    #[test]
    fn one_message_carries_so_many() {
        let all: Vec<String> = (0..CARRIED_MAX + 5).map(|n| format!("{n}P")).collect();
        let groups = leaving(SMS, &rows(&all.join(" ")), &Departures::new(), &Folding::default(), NOW);
        assert_eq!(groups.iter().map(Vec::len).collect::<Vec<_>>(), [CARRIED_MAX]);
    }
}
