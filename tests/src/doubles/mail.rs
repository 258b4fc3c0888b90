//! A mail server that keeps what it is given, and misbehaves on request: it refuses, hangs, closes the connection or talks
//! nonsense, before it has taken the mail or after. As much of SMTP (RFC 5321) as a client meets.

use super::Behaviour;
use super::behaviour::Script;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

const MAIL_BYTES_MAX: usize = 1 << 20;
const LINE_BYTES_MAX: usize = 1000;

#[derive(Debug, Default)]
pub struct MailRecord {
    /// Every conversation's steps in order, with what was done to them: `greet`, `rcpt`, `message`.
    pub steps: Vec<(String, Behaviour)>,
    /// Every mail that was kept, as often as it was.
    pub mails: Vec<Mail>,
}

impl MailRecord {
    pub fn to<'a>(&'a self, address: &'a str) -> impl DoubleEndedIterator<Item = &'a Mail> {
        self.mails.iter().filter(move |mail| mail.to == [address])
    }
}

#[derive(Debug, Clone)]
pub struct Mail {
    pub from: String,
    pub to: Vec<String>,
    /// Head and text, as they came, with the dots taken out that protect the end.
    pub text: String,
}

impl Mail {
    /// A header that stands on one line.
    pub fn header(&self, name: &str) -> Option<&str> {
        let head = self.text.split("\r\n\r\n").next()?;
        head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

#[derive(Default)]
struct State {
    record: MailRecord,
    script: Script,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Notify,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, step: &str) -> Behaviour {
        let mut state = self.lock();
        let behaviour = state.script.take(step);
        state.record.steps.push((step.to_owned(), behaviour));
        drop(state);
        self.changed.notify_waiters();
        behaviour
    }
}

/// A running mail server. It ends when it goes out of scope.
pub struct MailServer {
    shared: Arc<Shared>,
    addr: SocketAddr,
    server: JoinHandle<()>,
}

impl MailServer {
    pub async fn listening() -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let server = tokio::spawn(serve(listener, Arc::clone(&shared)));
        Ok(Self { shared, addr, server })
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The next such steps (`greet`, `rcpt`, `message`) meet these, in order, and then the standing behaviour. `Status` is
    /// the code that it replies.
    pub fn next(&self, step: &str, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.shared.lock().script.push(step, behaviours);
    }

    pub fn always(&self, step: &str, behaviour: Behaviour) {
        self.shared.lock().script.stand(step, behaviour);
    }

    pub fn behave(&self) {
        self.shared.lock().script.clear();
    }

    pub fn with<T>(&self, read: impl FnOnce(&MailRecord) -> T) -> T {
        read(&self.shared.lock().record)
    }

    /// Waits until the record satisfies `until`.
    ///
    /// # Panics
    /// After `bound`, with the whole record.
    pub async fn wait_until(&self, what: &str, bound: Duration, until: impl Fn(&MailRecord) -> bool) {
        let started = Instant::now();
        loop {
            let changed = self.shared.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.with(&until) {
                return;
            }
            let left = bound.saturating_sub(started.elapsed());
            if tokio::time::timeout(left, changed).await.is_err() && !self.with(&until) {
                panic!("waited {bound:?} in vain for {what}; recorded: {:#?}", self.shared.lock().record);
            }
        }
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl fmt::Debug for MailServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailServer").field("addr", &self.addr).finish_non_exhaustive()
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut conversations = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        let shared = Arc::clone(&shared);
        conversations.spawn(async move {
            // An error here is a client that went away, or a connection closed on purpose.
            let _ = converse(stream, &shared).await;
        });
        while conversations.try_join_next().is_some() {}
    }
}

/// What a misbehaving step answers; `None` where the conversation goes on as it should.
async fn misbehave(behaviour: Behaviour) -> io::Result<Option<String>> {
    Ok(match behaviour {
        Behaviour::Answer => None,
        Behaviour::HangBeforeAccepting | Behaviour::HangAfterAccepting => std::future::pending().await,
        Behaviour::CloseBeforeAccepting | Behaviour::CloseAfterAccepting => {
            return Err(io::Error::other("closed on purpose"));
        }
        Behaviour::RateLimited { .. } => Some("421 4.7.0 too much at once\r\n".to_owned()),
        Behaviour::Status(code) | Behaviour::StatusAfterAccepting(code) => Some(format!("{code} as told\r\n")),
        Behaviour::GarbageBeforeAccepting | Behaviour::GarbageAfterAccepting | Behaviour::WrongContentType => {
            Some("HTTP/1.1 400 Bad Request\r\n\r\n".to_owned())
        }
    })
}

async fn line(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut bytes = Vec::new();
    stream.read_until(b'\n', &mut bytes).await?;
    if bytes.is_empty() || bytes.len() > LINE_BYTES_MAX {
        return Err(io::Error::other("the client has gone, or does not end its line"));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn between(line: &str) -> String {
    line.split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'))
        .map_or_else(String::new, |(inside, _)| inside.to_owned())
}

async fn converse(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let greeting = misbehave(shared.take("greet")).await?.unwrap_or_else(|| "220 mail.double ready\r\n".to_owned());
    stream.write_all(greeting.as_bytes()).await?;
    let (mut from, mut to) = (String::new(), Vec::new());
    loop {
        let command = line(&mut stream).await?;
        let verb = command.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
        let reply = match verb.as_str() {
            "EHLO" => "250-mail.double\r\n250 8BITMIME\r\n".to_owned(),
            "MAIL" => {
                from = between(&command);
                "250 sender ok\r\n".to_owned()
            }
            "RCPT" => match misbehave(shared.take("rcpt")).await? {
                Some(refusal) => refusal,
                None => {
                    to.push(between(&command));
                    "250 recipient ok\r\n".to_owned()
                }
            },
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await?;
                let text = text(&mut stream).await?;
                let behaviour = shared.take("message");
                if behaviour.accepts() {
                    let mail = Mail { from: std::mem::take(&mut from), to: std::mem::take(&mut to), text };
                    shared.lock().record.mails.push(mail);
                    shared.changed.notify_waiters();
                }
                misbehave(behaviour).await?.unwrap_or_else(|| "250 2.0.0 queued as double\r\n".to_owned())
            }
            "QUIT" => {
                stream.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => "502 not implemented\r\n".to_owned(),
        };
        stream.write_all(reply.as_bytes()).await?;
    }
}

async fn text(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut text = String::new();
    loop {
        let line = line(stream).await?;
        if line == ".\r\n" {
            return Ok(text);
        }
        text.push_str(line.strip_prefix('.').unwrap_or(&line));
        if text.len() > MAIL_BYTES_MAX {
            return Err(io::Error::other("a mail without an end"));
        }
    }
}
