use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Logs go to standard error: text for a person at a terminal, one JSON object a line for everything else.
/// `TOCSIN_LOG` chooses what is logged, such as `debug` or `warn,alerting=debug`.
pub(super) fn start() {
    let filter = EnvFilter::try_from_env("TOCSIN_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let terminal = std::io::stderr().is_terminal();
    let coloured = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Fails only where logging has been started before, and then it is on.
    let _ = if terminal {
        logs.with_ansi(coloured).with_target(false).try_init()
    } else {
        logs.json().flatten_event(true).try_init()
    };
}
