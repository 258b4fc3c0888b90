//! Starting and stopping the whole.

use crate::access_log::{AccessLog, AccessLogError};
use crate::cdn::Assets;
use crate::certificate::{Authority, CertificateError, expiry_ms};
use crate::clock::now_ms;
use crate::fault::{Fault, FaultBook, FaultError, FaultOrder};
use crate::listener::{self, ListenError};
use crate::metrics::{Metrics, MetricsError};
use crate::oauth::{ClientCredentials, Clients};
use crate::options::{Options, OptionsError};
use crate::password::{PasswordError, Passwords};
use crate::provider::{Node, Provider};
use crate::ready::{Account, Ready, ReadyError};
use crate::signing::{KeyRing, SigningError};
use crate::store::{NewUser, Store, StoreError};
use crate::{admin, router, traffic};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const SEED_EMAIL: &str = "probe@tocsin.test";
const SEED_PASSWORD: &str = "correct-horse-battery-staple";
const SWEEP_EVERY: Duration = Duration::from_secs(60);
const FLUSH_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Options(#[from] OptionsError),
    #[error("cannot create the data folder {path}: {source}")]
    Data { path: PathBuf, source: std::io::Error },
    #[error("cannot listen for the admin endpoint on {address}: {source}; give another --admin")]
    Admin { address: SocketAddr, source: std::io::Error },
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Signing(#[from] SigningError),
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    #[error(transparent)]
    AccessLog(#[from] AccessLogError),
    #[error(transparent)]
    Ready(#[from] ReadyError),
}

/// A running stack. Dropping it stops it at once; [`AuthStack::stop`] lets requests end first.
pub struct AuthStack {
    /// With a slash at its end: `https://localhost:9443/`.
    pub issuer: String,
    pub port: u16,
    /// Without a slash at its end: `http://127.0.0.1:9444`.
    pub admin_url: String,
    /// The authority that the nodes' certificates are signed by.
    pub ca_pem: String,
    /// All of the above and more, as the ready file says it.
    pub ready: Ready,
    provider: Arc<Provider>,
    tasks: TaskTracker,
    stopping: CancellationToken,
}

impl AuthStack {
    /// Starts everything and returns once every node accepts connections.
    pub async fn start(options: Options) -> Result<AuthStack, StartError> {
        options.validate()?;
        let now_ms = now_ms();
        create_data_folder(&options)?;
        let addresses: Vec<_> = options.nodes.iter().map(|node| node.address).collect();
        let ports = listener::hold_ports(&addresses, options.port)?;
        let port = ports.first().map_or(options.port, |held| held.address.port());
        let admin_listener = TcpListener::bind(options.admin).await;
        let admin_listener = admin_listener.map_err(|source| StartError::Admin { address: options.admin, source })?;
        let admin_address = admin_listener.local_addr().unwrap_or(options.admin);

        let provider = Arc::new(open_provider(&options, port, now_ms).await?);
        let ready = ready(&options, &provider, port, admin_address);
        let (tasks, stopping) = (TaskTracker::new(), CancellationToken::new());
        let leaf = provider.authority.leaf(i64::from(options.certificate_days), now_ms)?;
        let mut nodes = Vec::new();
        for (node, held) in options.nodes.iter().zip(ports) {
            let tls = provider.authority.server_config(&node.name, Arc::clone(&leaf), Arc::clone(&provider.faults))?;
            let node = Arc::new(Node::new(node.name.clone(), node.address, Arc::clone(&provider)));
            nodes.push(Arc::clone(&node));
            let router = router::router(Arc::clone(&node));
            let listener = held.listen_first()?;
            let acceptor = TlsAcceptor::from(Arc::new(tls));
            tasks.spawn(listener::serve(node, held, listener, acceptor, router, stopping.clone()));
        }
        let serve_admin = axum::serve(admin_listener, admin::router(Arc::clone(&provider)))
            .with_graceful_shutdown(stopping.clone().cancelled_owned());
        let admin_stopping = stopping.clone();
        tasks.spawn(async move {
            let given_up = async {
                admin_stopping.cancelled().await;
                tokio::time::sleep(listener::DRAIN_TIMEOUT).await;
            };
            tokio::select! {
                result = serve_admin.into_future() => {
                    if let Err(error) = result {
                        tracing::error!(%error, "the admin endpoint ended");
                    }
                }
                () = given_up => {}
            }
        });
        if let Some(people) = options.traffic {
            tasks.spawn(traffic::run(people, nodes, stopping.clone()));
        }
        tasks.spawn(housekeeping(Arc::clone(&provider), stopping.clone()));
        tasks.close();
        if let Some(path) = &options.ready_file {
            ready.write(path)?;
        }
        Ok(AuthStack {
            issuer: provider.issuer.clone(),
            port,
            admin_url: ready.admin.clone(),
            ca_pem: provider.authority.pem.clone(),
            ready,
            provider,
            tasks,
            stopping,
        })
    }

    /// Sets a fault without going through the admin endpoint.
    pub fn set_fault(&self, order: &FaultOrder) -> Result<Fault, FaultError> {
        self.provider.faults.set(order, now_ms())
    }

    /// Clears all faults.
    pub fn clear_faults(&self) {
        self.provider.faults.clear(None, None, now_ms());
    }

    pub fn faults(&self) -> Vec<Fault> {
        self.provider.faults.list(now_ms())
    }

    /// Lets the requests that are under way end, writes the access log and the metrics out, and returns when every
    /// port is free.
    pub async fn stop(self) {
        self.stopping.cancel();
        self.tasks.wait().await;
        self.provider.metrics.flush();
        let provider = Arc::clone(&self.provider);
        // Joins the log's thread. It cannot fail but by a panic, which has been reported by then.
        let _ = tokio::task::spawn_blocking(move || provider.access_log.close()).await;
    }
}

impl Drop for AuthStack {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

fn create_data_folder(options: &Options) -> Result<(), StartError> {
    use std::os::unix::fs::DirBuilderExt as _;
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(&options.data).map_err(|source| StartError::Data { path: options.data.clone(), source })
}

async fn open_provider(options: &Options, port: u16, now_ms: i64) -> Result<Provider, StartError> {
    let origin = format!("https://localhost:{port}");
    let store = Store::open(&options.data.join("auth.sqlite"))?;
    let keys = KeyRing::open(&store, now_ms, i64::from(options.lifetimes.token_s) * 1_000).await?;
    let passwords = Passwords::new(options.password_cost).await?;
    seed(&store, &passwords, now_ms).await?;
    let addresses: Vec<_> = options.nodes.iter().map(|node| node.address).collect();
    let node_names = options.nodes.iter().map(|node| node.name.clone()).collect();
    Ok(Provider {
        issuer: format!("{origin}/"),
        clients: Clients::seeded(&origin),
        origin,
        store,
        keys,
        passwords,
        metrics: Metrics::open(options.statsd)?,
        access_log: AccessLog::open(options.access_log.as_deref())?,
        faults: Arc::new(FaultBook::new(node_names)),
        assets: Assets::new(),
        lifetimes: options.lifetimes,
        authority: Arc::new(Authority::open(&options.data, &addresses)?),
        certificate_expires_ms: expiry_ms(i64::from(options.certificate_days), now_ms),
        started_ms: now_ms,
    })
}

/// Adds the account that every stack has, at the first start; later starts find it.
async fn seed(store: &Store, passwords: &Passwords, now_ms: i64) -> Result<(), StartError> {
    if store.user_by_email(SEED_EMAIL).await?.is_none() {
        let password_hash = passwords.hash(SEED_PASSWORD).await?;
        let (email, name) = (SEED_EMAIL.to_owned(), "Tocsin Probe".to_owned());
        store.add_user(NewUser { email, name, password_hash, seeded: true }, now_ms).await?;
    }
    Ok(())
}

fn ready(options: &Options, provider: &Provider, port: u16, admin: SocketAddr) -> Ready {
    let ca = &provider.authority.pem_path;
    let clients = provider.clients.iter().map(|client| {
        let credentials = ClientCredentials {
            client_secret: client.secret.map(str::to_owned),
            private_key: client.private_key().map(str::to_owned),
            redirect_uri: client.redirect_uris.first().cloned(),
            audience: client.audience.map(str::to_owned),
        };
        (client.id.to_owned(), credentials)
    });
    Ready {
        issuer: provider.issuer.clone(),
        port,
        admin: format!("http://{admin}"),
        ca: std::path::absolute(ca).unwrap_or_else(|_| ca.clone()),
        nodes: options.nodes.iter().map(|node| (node.name.clone(), node.address)).collect(),
        user: Account { email: SEED_EMAIL.to_owned(), password: SEED_PASSWORD.to_owned() },
        clients: clients.collect(),
    }
}

/// Sends metrics on and sweeps the store, until the stack stops.
async fn housekeeping(provider: Arc<Provider>, stopping: CancellationToken) {
    let mut flush = tokio::time::interval(FLUSH_EVERY);
    let mut sweep = tokio::time::interval(SWEEP_EVERY);
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            _ = flush.tick() => {
                // Also where there were none: a counter that is not sent cannot be told from one that stands still.
                provider.metrics.slow_queries(provider.store.take_slow_queries());
                provider.metrics.flush();
            }
            _ = sweep.tick() => {
                if let Err(error) = provider.store.sweep(now_ms()).await {
                    tracing::error!(%error, "the store could not be swept");
                }
            }
        }
    }
}
