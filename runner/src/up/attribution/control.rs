//! Asks control targets whether the prober is online. Asked only after a run has failed; runs that fail together share
//! one answer.

use super::verdict::{Answer, Control};
use crate::config::ControlTarget;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use reqwest::redirect::Policy;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long a target may take to be reached.
const REACH_WITHIN: Duration = Duration::from_secs(2);
/// How long a failure waits for an answer, another's included. This is by how much control targets can delay a page at
/// most; where one of them is reached, they delay it by no more than that takes.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// How long an answer counts: a storm asks once, and the next slot asks anew.
const ANSWER_LASTS: Duration = Duration::from_secs(2);
/// A reason is read by people.
const REASON_CHARS_MAX: usize = 120;

pub(super) struct ControlTargets {
    all: Asked,
    /// Those whose names have to be resolved: the others say nothing about a resolver that is broken.
    named: Option<Asked>,
}

struct Asked {
    targets: Vec<ControlTarget>,
    client: Arc<reqwest::Client>,
    lasts: Duration,
    last: Mutex<Option<(Instant, Vec<Answer>)>>,
}

impl ControlTargets {
    pub fn new(targets: &[ControlTarget], client: &Arc<reqwest::Client>) -> Self {
        Self::with_answers_that_last(ANSWER_LASTS, targets, client)
    }

    fn with_answers_that_last(lasts: Duration, targets: &[ControlTarget], client: &Arc<reqwest::Client>) -> Self {
        let asked =
            |targets: Vec<ControlTarget>| Asked { targets, client: Arc::clone(client), lasts, last: Mutex::default() };
        let named: Vec<ControlTarget> = targets.iter().filter(|target| target.is_named()).cloned().collect();
        Self { all: asked(targets.to_vec()), named: (named.len() > 1).then(|| asked(named)) }
    }

    /// `by_name`: whether it was a name that could not be resolved.
    pub async fn ask(&self, by_name: bool) -> Control {
        let asked = self.named.as_ref().filter(|_| by_name).unwrap_or(&self.all);
        if asked.targets.is_empty() {
            return Control::NotAsked;
        }
        let answers = tokio::time::timeout(ANSWER_WITHIN, asked.answers()).await;
        answers.map_or(Control::Unknown, Control::Answered)
    }
}

/// A client that asks as a check would: straight, and without being led elsewhere.
pub(super) fn client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .timeout(REACH_WITHIN)
        .pool_max_idle_per_host(0)
        .build()
}

impl Asked {
    async fn answers(&self) -> Vec<Answer> {
        // Whoever waits here finds the answer that the one before got.
        let mut last = self.last.lock().await;
        if let Some((_, answers)) = last.as_ref().filter(|(at, _)| at.elapsed() < self.lasts) {
            return answers.clone();
        }
        let mut asking: FuturesUnordered<_> = self.targets.iter().map(|target| self.reach(target)).collect();
        let mut answers = Vec::new();
        while let Some(answer) = asking.next().await {
            let is_reached = answer.unreachable.is_none();
            answers.push(answer);
            // It is decided: nobody waits for the slower ones.
            if is_reached {
                break;
            }
        }
        drop(asking);
        *last = Some((Instant::now(), answers.clone()));
        answers
    }

    async fn reach(&self, target: &ControlTarget) -> Answer {
        let reached = tokio::time::timeout(REACH_WITHIN, async {
            match target {
                ControlTarget::Http(url) => {
                    let answer = self.client.get(url.clone()).send().await;
                    answer.map(drop).map_err(|error| innermost(&error.without_url()))
                }
                ControlTarget::Tcp { host, port, .. } => {
                    let connected = TcpStream::connect((host.trim_matches(['[', ']']), *port)).await;
                    connected.map(drop).map_err(|error| error.to_string())
                }
            }
        });
        let unreachable = match reached.await {
            Ok(Ok(())) => None,
            Ok(Err(reason)) => Some(reason.chars().take(REASON_CHARS_MAX).collect()),
            Err(_) => Some(format!("nothing within {} s", REACH_WITHIN.as_secs())),
        };
        Answer { target: target.to_string(), unreachable }
    }
}

/// The cause that says something: reqwest's own sentence is the same for all of them.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nobody listens on the first port of a machine.
    const CLOSED: &str = "127.0.0.1";

    fn closed(host: &str) -> ControlTarget {
        ControlTarget::Tcp { host: host.to_owned(), port: 1, is_named: false }
    }

    fn named(host: &str) -> ControlTarget {
        ControlTarget::Tcp { host: host.to_owned(), port: 1, is_named: true }
    }

    fn answering(port: u16) -> ControlTarget {
        ControlTarget::Tcp { host: "127.0.0.1".to_owned(), port, is_named: false }
    }

    #[tokio::test]
    async fn one_that_is_reached_decides_and_the_answer_is_shared() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = Arc::new(client().unwrap());

        let of = |targets: &[ControlTarget]| {
            ControlTargets::with_answers_that_last(Duration::from_secs(3_600), targets, &client)
        };
        let none = of(&[]);
        assert_eq!(none.ask(false).await, Control::NotAsked);

        let down = of(&[closed(CLOSED), closed("127.0.0.2")]);
        let Control::Answered(answers) = down.ask(false).await else { panic!("in time") };
        assert_eq!(answers.len(), 2);
        assert!(answers.iter().all(|answer| answer.unreachable.is_some()), "{answers:?}");

        let mixed = of(&[closed(CLOSED), answering(port), closed("127.0.0.2")]);
        let asked: Vec<Control> = futures_util::future::join_all((0..50).map(|_| mixed.ask(true))).await;
        for control in asked {
            let Control::Answered(answers) = control else { panic!("in time") };
            assert!(answers.iter().any(|answer| answer.unreachable.is_none()), "{answers:?}");
        }

        let (one, other) = (named("127.0.0.1"), named("127.0.0.2"));
        let nameless = of(&[one, other, answering(port)]);
        let Control::Answered(answers) = nameless.ask(true).await else { panic!("in time") };
        let is_down = answers.len() == 2 && answers.iter().all(|answer| answer.unreachable.is_some());
        assert!(is_down, "an address says nothing about names: {answers:?}");

        // This one comes after all that were made.
        let last = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let mut connections = 0;
        while listener.accept().await.unwrap().1 != last.local_addr().unwrap() {
            connections += 1;
        }
        assert_eq!(connections, 1, "fifty that fail together ask once");
    }
}
