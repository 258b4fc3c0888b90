use super::duration::parse_duration;
use super::reader::Section;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// Where programs send their metrics.
///
/// ```toml
/// [statsd]
/// listen = "127.0.0.1:8125"      # UDP and TCP; an address that others can reach must be written
/// unix = "/run/tocsin/statsd"    # a datagram socket as well
/// flush = "10s"                  # how often values are added up and shown
/// enabled = true
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatsdListening {
    pub enabled: bool,
    pub listen: SocketAddr,
    /// Somebody counts on the address: where it is taken, the start is refused.
    pub listen_is_written: bool,
    pub unix: Option<PathBuf>,
    pub flush: Duration,
}

impl Default for StatsdListening {
    fn default() -> Self {
        Self {
            enabled: true,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8125)),
            listen_is_written: false,
            unix: None,
            flush: Duration::from_secs(10),
        }
    }
}

/// More often, and a counter's rate is noise.
const FLUSH_MIN: Duration = Duration::from_millis(100);
const FLUSH_MAX: Duration = Duration::from_secs(3600);

pub(super) fn read(section: Option<Section<'_>>) -> StatsdListening {
    let mut settings = StatsdListening::default();
    let Some(mut section) = section else { return settings };
    let listen = section.parsed("listen", |text| {
        text.parse::<SocketAddr>().map_err(|_| {
            format!("`{text}` is no address to listen on; write one such as \"127.0.0.1:8125\" or \"[::1]:8125\"")
        })
    });
    if let Some(listen) = listen {
        settings.listen = listen.value;
        settings.listen_is_written = true;
    }
    settings.unix = section.string("unix").map(|path| section.reading.path(&path.value));
    let flush = section.parsed("flush", |text| match parse_duration(text)? {
        flush if (FLUSH_MIN..=FLUSH_MAX).contains(&flush) => Ok(flush),
        _ => Err("must lie between 100ms and 1h; programs and dashboards expect \"10s\"".to_owned()),
    });
    if let Some(flush) = flush {
        settings.flush = flush.value;
    }
    settings.enabled = section.boolean("enabled").unwrap_or(true);
    section.finish();
    settings
}
