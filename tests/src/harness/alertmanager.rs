//! A real Alertmanager (Debian's package `prometheus-alertmanager`) that tells one receiver.

use super::prometheus::{free_port, on_path};
use super::{Process, SOON, auth_stack};
use serde_json::Value;
use std::path::Path;
use std::time::Instant;
use tokio::process::Command;

pub struct Alertmanager {
    url: String,
    process: Process,
}

impl Alertmanager {
    /// Starts it with this webhook, whose bearer token is in a file; `None`, with a word, where it is not installed.
    pub async fn that_tells(webhook: &str, token_file: &Path, folder: &Path) -> Option<Self> {
        let Some(program) = on_path("prometheus-alertmanager") else {
            crate::say_skipped("alertmanager (Debian's package `prometheus-alertmanager` is not installed)");
            return None;
        };
        let config = folder.join("alertmanager.yml");
        let text = format!(
            "route: {{receiver: tocsin, group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}}
receivers:
- name: tocsin
  webhook_configs:
  - url: {webhook}
    send_resolved: true
    http_config: {{authorization: {{credentials_file: {token_file:?}}}}}
"
        );
        std::fs::write(&config, text).expect("a test's own folder can be written");
        let port = free_port();
        let mut command = Command::new(program);
        command.arg(format!("--config.file={}", config.display()));
        command.arg(format!("--storage.path={}", folder.join("alertmanager-data").display()));
        command.arg(format!("--web.listen-address=127.0.0.1:{port}")).arg("--cluster.listen-address=");
        let process = Process::spawn("alertmanager", command, folder);
        let server = Self { url: format!("http://127.0.0.1:{port}"), process };
        let started = Instant::now();
        loop {
            let ready = auth_stack::client().get(format!("{}/-/ready", server.url)).send().await;
            if ready.is_ok_and(|answer| answer.status().is_success()) {
                return Some(server);
            }
            assert!(started.elapsed() < SOON, "Alertmanager is not ready within {SOON:?}: {}", server.process.logs());
            tokio::time::sleep(super::process::LOOK_AGAIN).await;
        }
    }

    /// What Prometheus posts to it.
    pub async fn post(&self, alerts: &Value) {
        let answer = auth_stack::client().post(format!("{}/api/v2/alerts", self.url)).json(alerts).send().await;
        let status = answer.expect("Alertmanager answers").status();
        assert!(status.is_success(), "{status}; {}", self.process.logs());
    }

    pub fn logs(&self) -> String {
        self.process.logs()
    }
}
