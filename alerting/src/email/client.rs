use super::message::{Mailbox, written};
use super::outcome::{Stage, fault_of, fault_of_timeout};
use crate::notification::Notification;
use crate::outbox::{Channel, DeliveryOutcome, Fault, Reconciled, http};
use async_trait::async_trait;
use lettre::Message;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;
use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use tokio::time::{Duration, Instant, timeout, timeout_at};

/// Those that say the password to whoever is verified; others are weaker or gone.
const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];
/// A server that has the mail does not hold up the next one by taking its leave.
const GOODBYE: Duration = Duration::from_millis(500);

/// How the conversation is kept from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// Begins in the clear and is encrypted before anything is said; port 587.
    StartTls,
    /// From the first byte; port 465.
    Implicit,
    /// Not at all: this machine only.
    None,
}

#[derive(Clone)]
pub struct EmailSettings {
    pub host: String,
    pub port: u16,
    pub tls: Tls,
    pub credentials: Option<(String, String)>,
    pub from: Mailbox,
    /// Certificates in PEM that are trusted beside the usual ones.
    pub authorities: Option<Vec<u8>>,
    /// For a whole delivery.
    pub timeout_ms: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum EmailError {
    #[error(
        "`tls = \"none\"` would send incidents and the password in the clear to {host}; write \"starttls\" or \"implicit\""
    )]
    Clear { host: String },
    #[error("the certificates for the mail server cannot be used: {0}")]
    Certificates(lettre::transport::smtp::Error),
}

pub struct EmailChannel {
    settings: EmailSettings,
    tls: Option<TlsParameters>,
    hello: ClientId,
    credentials: Option<Credentials>,
}

/// Whether what is said to `host` stays here.
pub fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl EmailChannel {
    pub fn new(settings: EmailSettings) -> Result<Self, EmailError> {
        let tls = match settings.tls {
            Tls::None if is_this_machine(&settings.host) => None,
            Tls::None => return Err(EmailError::Clear { host: settings.host }),
            Tls::StartTls | Tls::Implicit => {
                let mut builder = TlsParameters::builder(settings.host.clone());
                if let Some(pem) = &settings.authorities {
                    let certificate = Certificate::from_pem(pem).map_err(EmailError::Certificates)?;
                    builder = builder.add_root_certificate(certificate);
                }
                Some(builder.build_rustls().map_err(EmailError::Certificates)?)
            }
        };
        // The domain is ours as far as the sender's address is; an address of this machine says nothing to a server.
        let hello = ClientId::Domain(settings.from.email.domain().to_owned());
        let credentials = settings.credentials.clone().map(|(user, password)| Credentials::new(user, password));
        Ok(Self { settings, tls, hello, credentials })
    }

    /// Connects and greets, under TLS and as ourselves where that is configured.
    async fn open(&self) -> Result<AsyncSmtpConnection, lettre::transport::smtp::Error> {
        let server = (self.settings.host.as_str(), self.settings.port);
        let connect_timeout = http::CONNECT_TIMEOUT.min(Duration::from_millis(self.settings.timeout_ms));
        let at_once = self.tls.clone().filter(|_| self.settings.tls == Tls::Implicit);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(server, Some(connect_timeout), &self.hello, at_once, None).await?;
        if let Some(tls) = self.tls.clone().filter(|_| self.settings.tls == Tls::StartTls) {
            connection.starttls(tls, &self.hello).await?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(&MECHANISMS, credentials).await?;
        }
        Ok(connection)
    }

    /// Everything up to the text itself.
    async fn announce(
        connection: &mut AsyncSmtpConnection,
        message: &Message,
    ) -> Result<(), lettre::transport::smtp::Error> {
        let envelope = message.envelope();
        // No parameters: a mail of ours is ASCII, as RFC 5321 has it without extensions.
        connection.command(Mail::new(envelope.from().cloned(), Vec::new())).await?;
        for to in envelope.to() {
            connection.command(Rcpt::new(to.clone(), Vec::new())).await?;
        }
        connection.command(Data).await?;
        Ok(())
    }

    async fn send(&self, message: &Message) -> Result<String, Fault> {
        let deadline = Instant::now() + Duration::from_millis(self.settings.timeout_ms);
        let before = async {
            let mut connection = self.open().await?;
            Self::announce(&mut connection, message).await?;
            Ok(connection)
        };
        let mut connection = match timeout_at(deadline, before).await {
            Ok(opened) => opened.map_err(|error| fault_of(Stage::Before, &error))?,
            Err(_) => return Err(fault_of_timeout(Stage::Before)),
        };
        let answer = match timeout_at(deadline, connection.message(&message.formatted())).await {
            Ok(answer) => answer.map_err(|error| fault_of(Stage::HandedOver, &error))?,
            Err(_) => return Err(fault_of_timeout(Stage::HandedOver)),
        };
        let _ = timeout(GOODBYE, connection.quit()).await;
        Ok(receipt(&answer))
    }
}

/// What the server called it, if anything.
fn receipt(answer: &Response) -> String {
    let words = answer.message().collect::<Vec<_>>().join(" ");
    crate::incident::shorten(&format!("{} {words}", answer.code()), 200)
}

#[async_trait]
impl Channel for EmailChannel {
    async fn deliver(&self, notification: &Notification, _post: Option<&str>) -> DeliveryOutcome {
        let sent = async { self.send(&written(notification, &self.settings.from)?).await };
        match sent.await {
            Ok(receipt) => DeliveryOutcome::Delivered { receipt },
            Err(fault) => fault.into(),
        }
    }

    async fn reconcile(
        &self,
        _notification: &Notification,
        _post: Option<&str>,
        _taken: &BTreeSet<String>,
    ) -> Reconciled {
        Reconciled::CannotBeAsked { reason: "a mail server does not tell what it has delivered".to_owned() }
    }
}

impl fmt::Debug for EmailChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let EmailSettings { host, port, tls, .. } = &self.settings;
        f.debug_struct("EmailChannel").field("host", host).field("port", port).field("tls", tls).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clear_is_for_this_machine() {
        let of = |host: &str, tls| {
            let from = "Tocsin <tocsin@example.com>".parse().unwrap();
            let (host, credentials) = (host.to_owned(), Some(("user".to_owned(), "hunter2".to_owned())));
            EmailChannel::new(EmailSettings {
                host,
                port: 25,
                tls,
                credentials,
                from,
                authorities: None,
                timeout_ms: 1,
            })
        };
        let cases = [
            ("127.0.0.1", Tls::None, true),
            ("::1", Tls::None, true),
            ("localhost", Tls::None, true),
            ("smtp.example.com", Tls::None, false),
            ("localhost.example.com", Tls::None, false),
            ("smtp.example.com", Tls::StartTls, true),
            ("smtp.example.com", Tls::Implicit, true),
        ];
        for (host, tls, expected) in cases {
            match of(host, tls) {
                Ok(channel) => assert!(expected && !format!("{channel:?}").contains("hunter2"), "{host} {tls:?}"),
                Err(error) => assert!(!expected && error.to_string().contains("in the clear"), "{host}: {error}"),
            }
        }
    }
}
