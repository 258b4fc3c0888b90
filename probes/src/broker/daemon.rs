//! The daemon's side.

use super::descriptors::{receive, send, watched};
use super::messages::{Asked, DialKind, PACKET_BYTES_MAX, Place, Progress, Ticket, Told};
use crate::transport::{DialProgress, DialTarget, Dialer, TransportError};
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// How long a run is told nothing in between: most connections stand sooner, and cost one packet then.
const QUIET: Duration = Duration::from_millis(20);

/// Connects for the runs that it has admitted.
#[derive(Default)]
pub(crate) struct Broker {
    runs: Mutex<HashMap<Ticket, Arc<Allowance>>>,
}

/// What one run may have.
struct Allowance {
    dialer: Dialer,
    connections_left: AtomicUsize,
    connections_max: usize,
    /// The way to whoever types, for the one run that has a prompt; handed over once.
    prompt: Mutex<Option<OwnedFd>>,
}

/// A run that may ask, for as long as this lives.
pub(crate) struct Admitted {
    broker: Arc<Broker>,
    ticket: Ticket,
}

impl Admitted {
    pub fn ticket(&self) -> &Ticket {
        &self.ticket
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.broker.runs.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.ticket);
    }
}

impl Broker {
    pub fn admit(self: &Arc<Self>, dialer: Dialer, connections_max: usize, prompt: Option<OwnedFd>) -> Admitted {
        let ticket = Ticket::new();
        let (connections_left, prompt) = (AtomicUsize::new(connections_max), Mutex::new(prompt));
        let allowance = Arc::new(Allowance { dialer, connections_left, connections_max, prompt });
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).insert(ticket.clone(), allowance);
        Admitted { broker: Arc::clone(self), ticket }
    }

    /// Serves the runs of one zygote until it is gone.
    pub async fn attend(self: Arc<Self>, gate: OwnedFd) -> io::Result<()> {
        let gate = watched(gate)?;
        loop {
            let mut ready = gate.readable().await?;
            match ready.try_io(|gate| receive(gate.get_ref().as_raw_fd(), PACKET_BYTES_MAX)) {
                Err(_) => {}
                Ok(Err(error)) => return Err(error),
                Ok(Ok((packet, _))) if packet.is_empty() => return Ok(()),
                Ok(Ok((packet, answers))) => self.hear(&packet, answers),
            }
        }
    }

    fn hear(&self, packet: &[u8], answers: Option<OwnedFd>) {
        // A process that sends anything else than a run's code does has no claim to an answer.
        let (Some(answers), Ok(asked)) = (answers, serde_json::from_slice::<Asked>(packet)) else {
            tracing::warn!("a run's process sent the broker a malformed packet");
            return;
        };
        let allowance = self.runs.lock().unwrap_or_else(PoisonError::into_inner).get(&asked.ticket).cloned();
        // A run that has just ended, or was never there.
        let Some(allowance) = allowance else { return };
        tokio::spawn(async move {
            // The run may be gone by now, and then nobody wants to know.
            let _: io::Result<()> = connect(&allowance, &asked, answers).await;
        });
    }
}

impl Allowance {
    /// Takes one connection off what is left.
    fn take(&self) -> Result<(), TransportError> {
        let one_less = |left: usize| left.checked_sub(1);
        match self.connections_left.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_less) {
            Ok(_) => Ok(()),
            Err(_) => Err(TransportError::Request(format!(
                "the run has made {} connections already, and may make no more",
                self.connections_max
            ))),
        }
    }

    async fn dial(
        &self,
        asked: &Asked,
        progress: &mut (impl FnMut(DialProgress<'_>) + Send),
    ) -> Result<(OwnedFd, SocketAddr), TransportError> {
        if asked.place == Place::Prompt {
            let prompt = self.prompt.lock().unwrap_or_else(PoisonError::into_inner).take();
            let none = || TransportError::Request("this run has no prompt".to_owned());
            return Ok((prompt.ok_or_else(none)?, (std::net::Ipv4Addr::UNSPECIFIED, 0).into()));
        }
        self.take()?;
        let broken = |error: io::Error| TransportError::Connect(format!("the connection broke at once: {error}"));
        let target =
            asked.place.target().ok_or_else(|| TransportError::Dns("the host's name is too long".to_owned()))?;
        Ok(match asked.kind {
            DialKind::Tcp => {
                let (stream, remote) = self.dialer.tcp(target, progress).await?;
                (stream.into_std().map_err(broken)?.into(), remote)
            }
            DialKind::Udp => {
                let (socket, remote) = self.dialer.udp(target, progress).await?;
                (socket.into_std().map_err(broken)?.into(), remote)
            }
            DialKind::Ping => {
                let DialTarget::Host(host, _) = target else {
                    return Err(TransportError::Request("only hosts can be pinged".to_owned()));
                };
                let (socket, remote) = self.dialer.ping(host, progress).await?;
                (socket.into_std().map_err(broken)?.into(), SocketAddr::new(remote, 0))
            }
        })
    }
}

async fn connect(allowance: &Allowance, asked: &Asked, answers: OwnedFd) -> io::Result<()> {
    let told = Mutex::new(Vec::new());
    let more = Notify::new();
    let mut note = |progress: DialProgress<'_>| {
        told.lock().unwrap_or_else(PoisonError::into_inner).push(Progress::of(progress));
        more.notify_one();
    };
    let so_far = || std::mem::take(&mut *told.lock().unwrap_or_else(PoisonError::into_inner));
    let dial = allowance.dial(asked, &mut note);
    tokio::pin!(dial);
    if let Ok(end) = tokio::time::timeout(QUIET, &mut dial).await {
        return finish(&answers, so_far(), end);
    }
    let answers = watched(answers)?;
    loop {
        tell(answers.get_ref(), Told { progress: so_far(), end: None }, None)?;
        tokio::select! {
            end = &mut dial => return finish(answers.get_ref(), so_far(), end),
            () = more.notified() => {}
            // A run sends nothing here: its end was closed, and with it the wish to connect.
            _ = answers.readable() => return Ok(()),
        }
    }
}

fn finish(
    answers: &OwnedFd,
    progress: Vec<Progress>,
    end: Result<(OwnedFd, SocketAddr), TransportError>,
) -> io::Result<()> {
    match end {
        Ok((connected, remote)) => tell(answers, Told { progress, end: Some(Ok(remote)) }, Some(connected)),
        Err(error) => tell(answers, Told { progress, end: Some(Err(error)) }, None),
    }
}

fn tell(answers: &OwnedFd, told: Told, connected: Option<OwnedFd>) -> io::Result<()> {
    send(answers.as_raw_fd(), &told.packet(), connected.as_ref().map(|connected| connected.as_fd()))
}
