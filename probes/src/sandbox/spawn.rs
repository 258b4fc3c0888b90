use super::wire::{self, FromZygote, PREFIX_BYTES, ToZygote};
use super::{Containment, Lacking, ProtectionName, SandboxError, SandboxSettings};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::process::{Child, ChildStdout, Command};

/// Warming an engine takes about a tenth of a second; a starved machine may need a hundred times that.
const READY_SECONDS_MAX: u64 = 30;

/// A zygote that is ready to fork.
pub(super) struct Spawned {
    pub child: Child,
    pub input: UnixStream,
    pub output: ChildStdout,
    /// The daemon's end of the gate to the broker.
    pub gate: OwnedFd,
    pub containment: Containment,
}

pub(super) async fn spawn(settings: &SandboxSettings, required: &[ProtectionName]) -> Result<Spawned, SandboxError> {
    let program = settings.zygote_program.display().to_string();
    // No environment: what the daemon was given is not the scripts' business. Scripts live in UTC, wherever they run.
    // Without the last variable the engine keeps compiled scripts in files below /tmp, and executes whatever it finds
    // there: anybody's code, or that of an earlier run.
    let failed = |source| SandboxError::Spawn { program: program.clone(), source };
    // A socket rather than a pipe: the gate goes through it.
    let (input, zygotes_input) = std::os::unix::net::UnixStream::pair().map_err(failed)?;
    let (gate, zygotes_gate) = crate::broker::gate_pair().map_err(failed)?;
    let mut child = Command::new(&settings.zygote_program)
        .args(&settings.zygote_args)
        .env_clear()
        .env("TZ", "UTC")
        .env("V82JSC_NO_BC_CACHE", "1")
        .stdin(OwnedFd::from(zygotes_input))
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        // A ^C at the daemon's terminal is the daemon's to act on.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let Some(mut output) = child.stdout.take() else { return Err(SandboxError::EndedEarly { program }) };
    let connected = || {
        crate::broker::send_descriptor(input.as_raw_fd(), zygotes_gate.as_fd())?;
        input.set_nonblocking(true)?;
        UnixStream::from_std(input)
    };
    let mut input = connected().map_err(|_| SandboxError::EndedEarly { program: program.clone() })?;
    let ready = async {
        let ended_early = |_| SandboxError::EndedEarly { program: program.clone() };
        let setup = ToZygote::Setup { limits: settings.limits, rehearses: settings.rehearses };
        let setup = wire::frame(&setup, &[]).map_err(ended_early)?;
        input.write_all(&setup).await.map_err(ended_early)?;
        match read(&mut output).await.map_err(ended_early)? {
            Some((FromZygote::Ready { containment }, _)) => match Lacking::of(&containment, required) {
                None => Ok(containment),
                Some(lacking) => Err(SandboxError::Uncontained(lacking)),
            },
            Some((FromZygote::Unfit { reason }, _)) => Err(SandboxError::Unfit { reason }),
            Some(_) | None => Err(SandboxError::EndedEarly { program: program.clone() }),
        }
    };
    match tokio::time::timeout(Duration::from_secs(READY_SECONDS_MAX), ready).await {
        Ok(ready) => ready.map(|containment| Spawned { child, input, output, gate, containment }),
        Err(_) => Err(SandboxError::NotReady { seconds: READY_SECONDS_MAX }),
    }
}

/// The next frame of a zygote, or `None` where it has closed its pipe.
pub(super) async fn read(output: &mut ChildStdout) -> std::io::Result<Option<(FromZygote, Vec<u8>)>> {
    let mut prefix = [0; PREFIX_BYTES];
    match output.read_exact(&mut prefix).await {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let (head_bytes, body_bytes) = wire::lengths(prefix)?;
    let mut head = vec![0; head_bytes];
    output.read_exact(&mut head).await?;
    let mut body = vec![0; body_bytes];
    output.read_exact(&mut body).await?;
    Ok(Some((serde_json::from_slice(&head)?, body)))
}
