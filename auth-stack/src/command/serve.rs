//! `auth-stack serve`.

use anyhow::Context as _;
use auth_stack::{AuthStack, NodeOptions, Options, PasswordCost, Traffic};
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio::signal::unix::{SignalKind, signal};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A node and the address it listens on; give it several times for several regions
    #[arg(long = "node", value_name = "NAME=ADDRESS", default_value = "eu-west-1=127.0.0.1")]
    nodes: Vec<NodeOptions>,
    /// The port of all nodes; 0 for any that is free
    #[arg(long, default_value_t = 9443)]
    port: u16,
    /// Where faults are set (loopback only; port 0 for any that is free)
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9444")]
    admin: SocketAddr,
    /// Folder for the certificate authority, the keys and the accounts; made at the first start
    #[arg(long, value_name = "DIR", default_value = "auth-stack-data")]
    data: PathBuf,
    /// Write an access log in nginx's combined format, with request time, node and component
    #[arg(long, value_name = "FILE")]
    access_log: Option<PathBuf>,
    /// Send counters and timers to this statsd server
    #[arg(long, value_name = "ADDRESS:PORT")]
    statsd: Option<SocketAddr>,
    /// Let people who are not there log in, so many a second on all nodes together: what is sent by --statsd then looks as
    /// with users
    #[arg(long, value_name = "LOGINS-PER-SECOND")]
    traffic: Option<f64>,
    /// Another number, other people
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    traffic_seed: u64,
    /// Write a JSON file with the URLs, the account and the clients once everything answers
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// Days that the TLS certificate is valid for, counted from the start
    #[arg(long, value_name = "DAYS", default_value_t = 90)]
    certificate_days: u16,
    /// Memory of one password hash (argon2id), in KiB
    #[arg(long, value_name = "KIB", default_value_t = PasswordCost::RECOMMENDED.memory_kib)]
    argon2_memory: u32,
    /// Passes of one password hash (argon2id)
    #[arg(long, value_name = "COUNT", default_value_t = PasswordCost::RECOMMENDED.passes)]
    argon2_passes: u32,
    /// Seconds that access and ID tokens are valid for
    #[arg(long, value_name = "SECONDS", default_value_t = 3_600)]
    token_lifetime: u32,
}

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut options = Options::new(arguments.data);
    options.nodes = arguments.nodes;
    options.port = arguments.port;
    options.admin = arguments.admin;
    options.access_log = arguments.access_log;
    options.statsd = arguments.statsd;
    let traffic = |logins_per_second| Traffic { logins_per_second, seed: arguments.traffic_seed };
    options.traffic = arguments.traffic.map(traffic);
    options.ready_file = arguments.ready_file;
    options.certificate_days = arguments.certificate_days;
    options.password_cost = PasswordCost { memory_kib: arguments.argon2_memory, passes: arguments.argon2_passes };
    options.lifetimes.token_s = arguments.token_lifetime;

    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?,
        signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?,
    );
    let stack = AuthStack::start(options).await?;
    greet(&stack);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    println!("auth-stack: stopping");
    stack.stop().await;
    Ok(())
}

fn greet(stack: &AuthStack) {
    let ready = &stack.ready;
    println!("auth-stack: the reference auth stack is running");
    println!("  issuer     {}", stack.issuer);
    for (name, address) in &ready.nodes {
        println!("  node       {name} on {}", SocketAddr::new(*address, stack.port));
    }
    println!("  dashboard  {}dashboard  ({} / {})", stack.issuer, ready.user.email, ready.user.password);
    println!("  docs       {}docs", stack.issuer);
    println!("  authority  {}", ready.ca.display());
    println!("  break it   auth-stack fault set slow --ms 3000{}", admin_option(&stack.admin_url));
    println!("  mend it    auth-stack fault clear{}", admin_option(&stack.admin_url));
    println!(
        "  all faults auth-stack fault list --all{}  or  curl {}/",
        admin_option(&stack.admin_url),
        stack.admin_url
    );
}

/// The option that the fault commands need to reach this stack, if it is not where they look first.
fn admin_option(admin_url: &str) -> String {
    if admin_url == super::fault::ADMIN_DEFAULT { String::new() } else { format!(" --admin {admin_url}") }
}
