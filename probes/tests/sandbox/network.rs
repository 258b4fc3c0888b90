//! What the scripts in `specs/fetch` and `specs/net` are run against.

use crate::nginx::{self, Nginx};
use crate::target::{
    Authority, DnsServer, Leaf, RawServer, Says, TargetServer, mail_server, mail_server_in_tls, ocsp_responder,
    slow_server, talking_server, websocket_server,
};
use probes::transport::NetworkSettings;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpSocket;

pub struct Network {
    pub settings: Arc<NetworkSettings>,
    /// URLs: `TARGET` (http), `TARGET_TLS` (https with HTTP/2), `TARGET_EXPIRED` (an expired certificate),
    /// `TARGET_CLOSED` (nobody listens), `OCSP` (a responder), `WEBSOCKET`, `SLOW` (a byte at a time) and `SLOW_TLS`. Addresses: `CLOSED`, `TALK`, `DNS`,
    /// `TLS_UNKNOWN` (of an authority that nobody knows), `TLS_STAPLED`, `TLS_REVOKED` (stapled too), `TLS_RESPONDER`
    /// (names one), `MAIL`, `MAIL_IMPLICIT` (in TLS), `MAIL_BUSY`, `MAIL_ODD`. Where nginx is installed also `NGINX` and `NGINX_TLS` (URLs).
    pub vars: BTreeMap<String, String>,
    _servers: Vec<TargetServer>,
    _talking: Vec<RawServer>,
    _dns: DnsServer,
    nginx: Option<Nginx>,
    _closed: TcpSocket,
}

impl Network {
    pub async fn start() -> Self {
        let authority = Arc::new(Authority::new("Tocsin Test CA"));
        let responder = ocsp_responder(Arc::clone(&authority)).await;
        let plain = TargetServer::plain().await;
        let tls = async |leaf: Leaf<'_>| TargetServer::tls(authority.server(&leaf)).await;
        let secure = tls(Leaf::default()).await;
        let expired = tls(Leaf { not_after: (2021, 3, 4), ..Leaf::default() }).await;
        let stapled = tls(Leaf { staple: Some(Says::Good), ..Leaf::default() }).await;
        let revoked = tls(Leaf { staple: Some(Says::Revoked), ..Leaf::default() }).await;
        let named = tls(Leaf { responder: Some(responder.url("/delegated")), ..Leaf::default() }).await;
        let stranger = Authority::new("Nobody");
        let unknown = TargetServer::tls(stranger.server(&Leaf { names: &["elsewhere.test"], ..Leaf::default() })).await;
        let talk = talking_server().await;
        let websocket = websocket_server().await;
        let slow = slow_server().await;
        let dns = DnsServer::start().await;
        let mail = mail_server("220-mail.test ESMTP\r\n220 ready", authority.server(&Leaf::default())).await;
        let implicit = mail_server_in_tls("220 mail.test ESMTP", authority.server(&Leaf::default())).await;
        let busy = mail_server("554 no mail today", authority.server(&Leaf::default())).await;
        let odd = mail_server("SSH-2.0-OpenSSH_9.2p1", authority.server(&Leaf::default())).await;
        // Bound and not listening: it refuses, and nobody else gets the port.
        let closed = TcpSocket::new_v4().expect("a socket");
        closed.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
        let refusing = closed.local_addr().expect("a bound socket has an address");
        let by_name = |server: &TargetServer| format!("localhost:{}", server.address.port());
        let vars = [
            ("TARGET", plain.url("")),
            ("TARGET_TLS", secure.https_url("")),
            ("TARGET_EXPIRED", expired.https_url("")),
            ("TARGET_CLOSED", format!("http://{refusing}")),
            ("OCSP", responder.url("")),
            ("WEBSOCKET", format!("ws://{}", websocket.address)),
            ("SLOW", slow.url("")),
            ("SLOW_TLS", format!("https://localhost:{}", slow.address.port())),
            ("CLOSED", refusing.to_string()),
            ("TALK", talk.address.to_string()),
            ("DNS", dns.address.to_string()),
            ("TLS", by_name(&secure)),
            ("TLS_EXPIRED", by_name(&expired)),
            ("TLS_UNKNOWN", by_name(&unknown)),
            ("TLS_STAPLED", by_name(&stapled)),
            ("TLS_REVOKED", by_name(&revoked)),
            ("TLS_RESPONDER", by_name(&named)),
            ("MAIL", format!("localhost:{}", mail.address.port())),
            ("MAIL_IMPLICIT", format!("localhost:{}", implicit.address.port())),
            ("MAIL_BUSY", busy.address.to_string()),
            ("MAIL_ODD", odd.address.to_string()),
        ];
        let mut vars: BTreeMap<_, _> = vars.map(|(name, value)| (name.to_owned(), value)).into();
        let mut settings =
            NetworkSettings { allow_private: true, ca_pem: vec![authority.pem()], ..NetworkSettings::default() };
        let nginx = Nginx::start(&authority).await;
        if let Some(nginx) = &nginx {
            settings.resolve.insert(nginx::NAME.to_owned(), nginx.address);
            vars.insert("NGINX".to_owned(), format!("http://{}:{}", nginx::NAME, nginx.http_port));
            vars.insert("NGINX_TLS".to_owned(), format!("https://{}:{}", nginx::NAME, nginx.https_port));
        }
        Self {
            settings: Arc::new(settings),
            vars,
            _servers: vec![plain, secure, expired, stapled, revoked, named, unknown],
            _talking: vec![responder, talk, websocket, slow, mail, implicit, busy, odd],
            _dns: dns,
            nginx,
            _closed: closed,
        }
    }

    /// Whether a specification has this network: those in `specs/fetch`, `specs/net`, `specs/nginx` and
    /// `specs/library/http`, and hostile ones that are about it.
    pub fn serves(script: &Path) -> bool {
        let served = ["fetch", "net", "http", "nginx", "network", "secrets"];
        script.components().any(|component| served.iter().any(|folder| component.as_os_str() == *folder))
    }

    /// Whether what a specification needs is installed.
    pub fn has_what_it_needs(&self, script: &Path) -> bool {
        self.nginx.is_some() || !script.components().any(|component| component.as_os_str() == "nginx")
    }
}
