use anyhow::Context;
use serde_json::json;
use std::net::SocketAddr;
use std::path::Path;

/// Tells whoever started this process that its checks are scheduled, and where its pages are. The file appears whole.
/// `callbacks` is where others call in; `statsd` is where it listens, UDP and TCP.
pub(super) fn write(
    file: &Path,
    address: SocketAddr,
    callbacks: Option<SocketAddr>,
    statsd: Option<(SocketAddr, SocketAddr)>,
) -> anyhow::Result<()> {
    let ready = json!({
        "pid": std::process::id(),
        "listen": address.to_string(),
        "status_url": format!("http://{address}"),
        "callbacks": callbacks.map(|address| address.to_string()),
        "statsd": statsd.map(|(udp, _)| udp.to_string()),
        "statsd_tcp": statsd.map(|(_, tcp)| tcp.to_string()),
    });
    let draft = file.with_extension(format!("draft-{}", std::process::id()));
    std::fs::write(&draft, format!("{ready}\n"))
        .and_then(|()| std::fs::rename(&draft, file))
        .with_context(|| format!("the ready file {} cannot be written", file.display()))
}
