//! What the scripts in `specs/fetch` are run against.

use crate::target::{Authority, Leaf, TargetServer};
use probes::transport::NetworkSettings;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpSocket;

pub struct Network {
    pub settings: Arc<NetworkSettings>,
    /// `TARGET` (http), `TARGET_TLS` (https with HTTP/2), `TARGET_EXPIRED` (an expired certificate), `TARGET_CLOSED`
    /// (nobody listens).
    pub vars: BTreeMap<String, String>,
    _servers: [TargetServer; 3],
    _closed: TcpSocket,
}

impl Network {
    pub async fn start() -> Self {
        let authority = Authority::new("Tocsin Test CA");
        let plain = TargetServer::plain().await;
        let secure = TargetServer::tls(authority.server(&Leaf::default())).await;
        let leaf = Leaf { not_after: (2021, 3, 4), ..Leaf::default() };
        let expired = TargetServer::tls(authority.server(&leaf)).await;
        // Bound and not listening: it refuses, and nobody else gets the port.
        let closed = TcpSocket::new_v4().expect("a socket");
        closed.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
        let refusing = closed.local_addr().expect("a bound socket has an address");
        let vars = [
            ("TARGET", plain.url("")),
            ("TARGET_TLS", secure.https_url("")),
            ("TARGET_EXPIRED", expired.https_url("")),
            ("TARGET_CLOSED", format!("http://{refusing}")),
        ];
        let vars = vars.map(|(name, value)| (name.to_owned(), value)).into();
        let settings =
            NetworkSettings { allow_private: true, ca_pem: vec![authority.pem()], ..NetworkSettings::default() };
        Self { settings: Arc::new(settings), vars, _servers: [plain, secure, expired], _closed: closed }
    }

    /// Whether a specification has this network: those in `specs/fetch`.
    pub fn serves(script: &Path) -> bool {
        script.components().any(|component| component.as_os_str() == "fetch")
    }
}
