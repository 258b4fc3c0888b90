//! The target: all nodes in one process, and the switches that break them.

use super::{Process, REGIONS, program};
use reqwest::Client;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Once;
use tokio::process::Command;

#[derive(Debug)]
pub struct AuthStack {
    process: Process,
    admin: String,
    client: Client,
    /// What the ready file says: issuer, port, certificate authority, nodes, the seeded user and clients.
    pub ready: Value,
}

impl AuthStack {
    /// A stack with a node for each of [`REGIONS`], its data in `folder`.
    pub async fn start(folder: &Path) -> Self {
        Self::start_with(folder, &[]).await
    }

    /// The same with people who log in, so many a second, and with its metrics sent to `statsd`.
    pub async fn start_with_people(folder: &Path, statsd: &str, logins_per_second: u32) -> Self {
        Self::start_with(folder, &["--statsd", statsd, "--traffic", &logins_per_second.to_string()]).await
    }

    async fn start_with(folder: &Path, arguments: &[&str]) -> Self {
        let ready_file = folder.join("auth-stack.ready.json");
        let mut command = Command::new(program("auth-stack"));
        command.arg("serve").args(["--port", "0", "--admin", "127.0.0.1:0"]);
        for (name, address) in REGIONS {
            command.arg("--node").arg(format!("{name}={address}"));
        }
        // Hashing a password costs what a check's own work costs; these tests are not about guessing them.
        command.args(["--argon2-memory", "1024", "--argon2-passes", "1"]);
        command.arg("--data").arg(folder.join("auth-stack"));
        command.arg("--access-log").arg(folder.join("access.log"));
        command.arg("--ready-file").arg(&ready_file).args(arguments);
        let mut process = Process::spawn("auth-stack", command, folder);
        let ready = process.ready(&ready_file).await;
        let admin = ready["admin"].as_str().expect("the ready file names the admin address").to_owned();
        Self { process, admin, client: client(), ready }
    }

    /// `https://localhost:PORT`, without a slash.
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.port())
    }

    pub fn port(&self) -> u64 {
        self.ready["port"].as_u64().expect("the ready file names the port")
    }

    pub fn certificate_authority(&self) -> PathBuf {
        PathBuf::from(self.ready["ca"].as_str().expect("the ready file names the certificate authority"))
    }

    /// Breaks something: `{"fault": "slow", "node": "us-east-1", "ms": 3000}`.
    pub async fn break_with(&self, fault: Value) {
        let request = self.client.post(format!("{}/faults", self.admin)).json(&fault);
        let response = request.send().await.expect("the admin address answers");
        let status = response.status();
        let text = response.text().await.unwrap_or_default();
        assert!(status.is_success(), "{fault} is refused: {status} {text}");
    }

    /// Every answer of `node` is a 500.
    pub async fn break_node(&self, node: &str) {
        self.break_with(json!({ "fault": "error", "node": node })).await;
    }

    /// Every answer of every node is a 500.
    pub async fn break_everything(&self) {
        self.break_with(json!({ "fault": "error" })).await;
    }

    pub async fn repair(&self) {
        let response = self.client.delete(format!("{}/faults", self.admin)).send().await;
        let status = response.expect("the admin address answers").status();
        assert!(status.is_success(), "the faults cannot be cleared: {status}");
    }

    pub fn logs(&self) -> String {
        self.process.logs()
    }
}

/// A client for addresses of this machine.
pub(crate) fn client() -> Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // Reqwest wants one even for plain HTTP. An error says that somebody else installed one.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    });
    Client::builder().no_proxy().build().expect("a client without certificates can be built")
}
