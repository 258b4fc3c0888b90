use super::tape::{Likeness, Served, Tape, Track};
use crate::transport::RequestBody;
use http::{HeaderMap, Method};
use std::cell::RefCell;
use std::rc::Rc;
use url::Url;

/// Requests of one run that are remembered; a script that makes more is answered all the same.
const SERVED_MAX: usize = 400;

/// Headers that speak of the client and of the connection, and not of what is asked.
const INCIDENTAL: [&str; 6] =
    ["user-agent", "accept-encoding", "content-length", "host", "connection", "transfer-encoding"];

/// Answers the requests of one run from a tape.
#[derive(Debug, Clone)]
pub(crate) struct Player(Rc<Playing>);

#[derive(Debug)]
struct Playing {
    tape: Tape,
    served: RefCell<Vec<Served>>,
    /// How often each track has answered.
    played: RefCell<Vec<u32>>,
}

/// A request, as far as it is compared.
#[derive(Debug)]
pub(crate) struct Verse<'a> {
    pub method: &'a Method,
    pub url: &'a Url,
    pub headers: &'a HeaderMap,
    pub body: &'a RequestBody,
}

impl Player {
    pub fn new(tape: Tape) -> Self {
        let played = RefCell::new(vec![0; tape.tracks.len()]);
        Self(Rc::new(Playing { tape, served: RefCell::default(), played }))
    }

    /// What answers the request: of the tracks that are like it enough the most like, of those the one that has answered
    /// least often, of those the first. A request that is repeated more often than recorded gets the last answer again.
    pub fn track(&self, verse: &Verse<'_>) -> Option<&Track> {
        let Playing { tape, served, played } = &*self.0;
        let mut played = played.borrow_mut();
        let like = |(index, track): (usize, &Track)| {
            let likeness = likeness(track, verse)?;
            (likeness >= track.likeness_min).then_some((index, likeness))
        };
        let fresh_first = |index: usize| std::cmp::Reverse(u32::from(played[index] > 0));
        let found = tape.tracks.iter().enumerate().filter_map(like).max_by_key(|&(index, likeness)| {
            // The last of several that have answered is what the target said in the end.
            let order = if played[index] == 0 { -(index as i64) } else { index as i64 };
            (likeness.min(Likeness::Url), fresh_first(index), likeness, order)
        });
        let mut url = verse.url.clone();
        url.set_query(None);
        url.set_fragment(None);
        let mut served = served.borrow_mut();
        if served.len() < SERVED_MAX {
            served.push(Served {
                track: found.map(|(index, _)| index),
                likeness: found.map_or(Likeness::Path, |(_, likeness)| likeness),
                method: verse.method.to_string(),
                url: url.to_string(),
            });
        }
        let (index, _) = found?;
        played[index] += 1;
        tape.tracks.get(index)
    }

    pub fn served(&self) -> Vec<Served> {
        self.0.served.borrow().clone()
    }
}

fn likeness(track: &Track, verse: &Verse<'_>) -> Option<Likeness> {
    let recorded = &track.exchange;
    let url = Url::parse(&recorded.request.url).ok()?;
    let place = |url: &Url| url[..url::Position::AfterPath].to_owned();
    if recorded.request.method != verse.method.as_str()
        || bare(&url).map(|url| place(&url)) != bare(verse.url).map(|url| place(&url))
    {
        return None;
    }
    if url.query() != verse.url.query() {
        return Some(Likeness::Path);
    }
    let same = same_body(track, verse.body) && same_headers(&recorded.sent.headers, verse.headers);
    Some(if same { Likeness::Same } else { Likeness::Url })
}

/// Without what a recording does not keep.
fn bare(url: &Url) -> Option<Url> {
    let mut bare = url.clone();
    bare.set_username("").ok()?;
    bare.set_password(None).ok()?;
    Some(bare)
}

fn same_body(track: &Track, body: &RequestBody) -> bool {
    let recorded = &track.exchange.sent.body;
    match body {
        _ if !recorded.is_whole => true,
        RequestBody::Empty => recorded.is_empty(),
        RequestBody::Full(bytes) => recorded.bytes() == bytes.as_ref(),
        // What a stream says is known when it has been sent.
        RequestBody::Stream(_) => true,
    }
}

fn same_headers(recorded: &[(String, String)], headers: &HeaderMap) -> bool {
    let telling = |name: &str| !INCIDENTAL.contains(&name);
    let mut recorded: Vec<(&str, &str)> = recorded
        .iter()
        .filter(|(name, _)| telling(name))
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let texts: Vec<(&str, String)> = headers
        .iter()
        .filter(|(name, _)| telling(name.as_str()))
        .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let mut asked: Vec<(&str, &str)> = texts.iter().map(|(name, value)| (*name, value.as_str())).collect();
    recorded.sort_unstable();
    asked.sort_unstable();
    recorded == asked
}
